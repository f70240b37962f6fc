//! ONNX model files: a graph of operators with its arrays, exactly as stored.
//!
//! Decodes and checks the form; what the operators mean is no matter here. Opens no files: data that stand in other
//! files are asked for. The decoder bounds nesting, and memory stays in proportion to the bytes read.

mod array;
mod error;
pub mod messages;
mod weights;

pub use bytes::Bytes;
use prost::Message;

pub use array::{Array, ElementType, External, count, half};
pub use error::{ArrayProblem, ModelError};
pub use weights::{array, beside, model, part_of};

/// Most nodes of a model.
pub const MAX_NODES: usize = 1 << 18;

/// A model as stored.
#[derive(Clone, Debug)]
pub struct Model {
    /// The operator sets: domain (empty for ONNX's own) and version.
    pub opsets: Vec<(String, i64)>,
    /// The operators that the file itself defines: domain and name.
    pub functions: Vec<(String, String)>,
    /// The graph.
    pub graph: Graph,
}

/// A graph, or the body of a node such as `If`.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Its nodes in the order of the file.
    pub nodes: Vec<Node>,
    /// Named constants.
    pub constants: Vec<(String, Array)>,
    /// What it reads, constants left out.
    pub inputs: Vec<Port>,
    /// What it gives.
    pub outputs: Vec<Port>,
    /// The types that the file says values between have.
    pub types: Vec<(String, ElementType)>,
}

/// An input or output of a graph.
#[derive(Clone, Debug)]
pub struct Port {
    /// The name of the value.
    pub name: String,
    /// The type of its elements, where the file tells and it is read.
    pub element: Option<ElementType>,
    /// Its extents, where the file tells how many there are.
    pub dims: Option<Vec<PortDim>>,
}

/// An extent of an input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortDim {
    /// A number.
    Fixed(u64),
    /// Open, under this name.
    Named(String),
    /// Open.
    Open,
}

/// A node: an operator with its operands.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name; may be empty.
    pub name: String,
    /// The operator.
    pub operator: String,
    /// The operator's domain; empty for ONNX's own.
    pub domain: String,
    /// The values that it reads; empty for one left out.
    pub inputs: Vec<String>,
    /// The values that it makes; empty for one not wanted.
    pub outputs: Vec<String>,
    /// Attributes by name.
    pub attributes: Vec<(String, Attribute)>,
}

/// The value of an attribute.
#[derive(Clone, Debug)]
pub enum Attribute {
    /// A float.
    Float(f32),
    /// An integer.
    Int(i64),
    /// A text.
    Text(String),
    /// An array.
    Array(Array),
    /// A graph.
    Graph(Box<Graph>),
    /// Floats.
    Floats(Vec<f32>),
    /// Integers.
    Ints(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
    /// Of a type that is not read; its number in the format.
    Other(i32),
}

/// Reads a model.
///
/// # Errors
/// [`ModelError`]: not a model, or one with arrays that cannot be used.
pub fn read(bytes: Bytes, external: &mut External<'_>) -> Result<Model, ModelError> {
    let model = messages::ModelProto::decode(bytes)
        .map_err(|error| ModelError::Malformed { reason: error.to_string() })?;
    let graph = model.graph.ok_or(ModelError::NoGraph)?;
    let opsets = model.opsets.into_iter().map(|opset| (own_domain(opset.domain), opset.version)).collect();
    let functions = model.functions.into_iter().map(|f| (own_domain(f.domain), f.name)).collect();
    let mut reader = Reader { external, nodes: 0 };
    Ok(Model { opsets, functions, graph: reader.graph(graph)? })
}

/// ONNX's own domain has two names.
fn own_domain(domain: String) -> String {
    if domain == "ai.onnx" { String::new() } else { domain }
}

struct Reader<'r, 'e> {
    external: &'r mut External<'e>,
    /// Nodes so far.
    nodes: usize,
}

impl Reader<'_, '_> {
    /// The decoder bounds how deep graphs stand in each other.
    fn graph(&mut self, graph: messages::GraphProto) -> Result<Graph, ModelError> {
        self.nodes += graph.nodes.len();
        if self.nodes > MAX_NODES {
            return Err(ModelError::TooManyNodes);
        }
        let mut constants = Vec::with_capacity(graph.initializers.len());
        for tensor in graph.initializers {
            let name = tensor.name.clone();
            let array = self.array(tensor, &name)?;
            constants.push((name, array));
        }
        let nodes = graph.nodes.into_iter().map(|node| self.node(node)).collect::<Result<_, _>>()?;
        let names: std::collections::HashSet<&str> =
            constants.iter().map(|(name, _)| name.as_str()).collect();
        let inputs = graph.inputs.into_iter().filter(|input| !names.contains(input.name.as_str())).map(port);
        let types = graph.values.into_iter().map(port).filter_map(|port| Some((port.name, port.element?)));
        Ok(Graph {
            types: types.collect(),
            nodes,
            inputs: inputs.collect(),
            outputs: graph.outputs.into_iter().map(port).collect(),
            constants,
        })
    }

    fn node(&mut self, node: messages::NodeProto) -> Result<Node, ModelError> {
        let shown = if node.name.is_empty() { node.outputs.first() } else { Some(&node.name) };
        let place = format!("{} {}", node.operator, shown.map_or("", String::as_str));
        let mut attributes = Vec::with_capacity(node.attributes.len());
        for attribute in node.attributes {
            let name = attribute.name.clone();
            let value = self.attribute(attribute, &place)?;
            attributes.push((name, value));
        }
        let messages::NodeProto { name, operator, domain, inputs, outputs, .. } = node;
        let domain = own_domain(domain);
        Ok(Node { name, operator, domain, inputs, outputs, attributes })
    }

    fn attribute(
        &mut self,
        attribute: messages::AttributeProto,
        place: &str,
    ) -> Result<Attribute, ModelError> {
        // Bytes that are no text are not read: two of them must not become one.
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).ok();
        Ok(match (attribute.kind, attribute.tensor, attribute.graph) {
            (1, ..) => Attribute::Float(attribute.float),
            (2, ..) => Attribute::Int(attribute.int),
            (3, ..) => text(&attribute.text).map_or(Attribute::Other(3), Attribute::Text),
            (4, Some(tensor), _) => Attribute::Array(self.array(tensor, place)?),
            (5, _, Some(graph)) => Attribute::Graph(Box::new(self.graph(graph)?)),
            (6, ..) => Attribute::Floats(attribute.floats),
            (7, ..) => Attribute::Ints(attribute.ints),
            (8, ..) => {
                let texts: Option<Vec<String>> = attribute.texts.iter().map(text).collect();
                texts.map_or(Attribute::Other(8), Attribute::Texts)
            }
            (kind, ..) => Attribute::Other(kind),
        })
    }

    fn array(&mut self, tensor: messages::TensorProto, name: &str) -> Result<Array, ModelError> {
        Array::from_message(tensor, self.external)
            .map_err(|problem| ModelError::Array { name: name.to_owned(), problem })
    }
}

fn port(info: messages::ValueInfo) -> Port {
    let tensor = info.kind.and_then(|kind| kind.tensor);
    let element = tensor.as_ref().and_then(|tensor| ElementType::from_code(tensor.element));
    let shape = tensor.and_then(|tensor| tensor.shape);
    let dims = shape.map(|shape| shape.dims.into_iter().map(port_dim).collect());
    Port { name: info.name, element, dims }
}

fn port_dim(dim: messages::Dimension) -> PortDim {
    let fixed = dim.value.and_then(|value| u64::try_from(value).ok()).filter(|&value| value > 0);
    match (fixed, dim.name) {
        (Some(value), _) => PortDim::Fixed(value),
        (None, Some(name)) if !name.is_empty() && name != "?" => PortDim::Named(name),
        _ => PortDim::Open,
    }
}
