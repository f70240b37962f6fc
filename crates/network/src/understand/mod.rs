//! The graph of a file as terms: constants are folded in exact numbers, linear operators become maps, the others terms.
//!
//! Nothing is dropped: an operator of which nothing is known is a function by its name and attributes, and one that
//! cannot even be named so is a function equal to no other.

mod constants;
mod convolution;
mod elementwise;
mod moving;
mod pooling;
mod products;
mod shaping;

use std::cell::Cell;
use std::collections::BTreeMap;

use convproof_files::onnx::{ElementType, Graph, Model, Node, PortDim};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::attributes::Attributes;
use crate::dim::Dim;
use crate::form::{Form, TermId};
use crate::kernel::identity;
use crate::names::read_by;
use crate::operators::{NEWEST, is_of_reals, is_random, is_read, meaning};
use crate::table::Terms;
use crate::tensor::Tensor;
use crate::term::{Kind, Op, Term};
use crate::types;
use crate::types::type_name;

/// Deepest rewriting of terms inside terms.
const MAX_REWRITING: usize = 32;
/// Deepest nesting of bodies of `If`.
const MAX_DEPTH: usize = 16;

/// Why a graph cannot be read as a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphError {
    /// A node reads a value that no node before it makes.
    Missing {
        /// The node.
        node: String,
        /// The value.
        value: String,
    },
    /// An output of the graph that nothing makes.
    NoOutput {
        /// Its name.
        value: String,
    },
    /// Bodies nested too deeply.
    TooDeep {
        /// The node.
        node: String,
    },
    /// An operator whose operands or attributes contradict each other.
    Wrong {
        /// The node.
        node: String,
        /// What is wrong.
        reason: String,
    },
    /// A value that two nodes make, or a node and the file.
    Twice {
        /// The second node.
        node: String,
        /// The value.
        value: String,
    },
    /// A set of operators that is newer than what is known here.
    Newer {
        /// Its number.
        opset: i64,
    },
    /// An input of which not even the number of axes is known.
    NoShape {
        /// Its name.
        input: String,
    },
}

impl std::fmt::Display for GraphError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing { node, value } => {
                write!(f, "{node} reads `{value}`, which no node before it makes")
            }
            Self::NoOutput { value } => write!(f, "nothing makes the output `{value}`"),
            Self::TooDeep { node } => write!(f, "{node}: more than {MAX_DEPTH} bodies inside each other"),
            Self::Wrong { node, reason } => write!(f, "{node}: {reason}"),
            Self::Twice { node, value } => write!(f, "{node} makes `{value}`, which there is already"),
            Self::Newer { opset } => write!(
                f,
                "operator set {opset} is newer than {NEWEST}, the newest that is known here; convert the model to an older one"
            ),
            Self::NoShape { input } => {
                write!(f, "the file does not say how many axes the input `{input}` has; give `--size`")
            }
        }
    }
}

impl std::error::Error for GraphError {}

/// A value while a graph is read.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Known numbers.
    Tensor(Tensor),
    /// Known extents, as a list or a single number.
    Dims(Vec<Dim>, bool),
    /// An affine form.
    Form(Form),
    /// Something of unknown extents; its form is only a name.
    Opaque(Form),
}

/// A value with the type of its elements, where that is known.
#[derive(Clone, Debug)]
struct Known {
    value: Value,
    element: Option<ElementType>,
}

/// Why an operator is not read in its own way.
enum Stop {
    /// It is taken as a function.
    Function,
    /// It is taken as a function, since this was not read.
    Unread(String),
    /// The file is wrong.
    Wrong(String),
    /// The file is wrong further inside.
    Inner(GraphError),
}

type Read<T> = Result<T, Stop>;

/// The nodes of a network in the order they were read, by operator and name.
pub type Nodes = Vec<NodeName>;

/// A node of a file as reports name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeName {
    /// Its operator.
    pub operator: String,
    /// Its name, else that of its first output.
    pub name: String,
}

impl std::fmt::Display for NodeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} `{}`", self.operator, self.name)
    }
}

/// The extents of each input, by name.
pub type InputShapes = BTreeMap<String, Vec<Dim>>;

/// The extents that a file gives its inputs; open ones are symbols, named as in the file where it names them.
///
/// # Errors
/// [`GraphError::NoShape`].
pub fn input_shapes(model: &Model) -> Result<InputShapes, GraphError> {
    let mut shapes = InputShapes::new();
    for input in &model.graph.inputs {
        let Some(dims) = &input.dims else {
            return Err(GraphError::NoShape { input: input.name.clone() });
        };
        let dim = |(axis, dim): (usize, &PortDim)| match dim {
            PortDim::Fixed(number) => i64::try_from(*number).map_or_else(|_| Dim::symbol("?"), Dim::from),
            PortDim::Named(name) => Dim::symbol(&plain_name(name)),
            PortDim::Open => Dim::symbol(&format!("{}[{axis}]", plain_name(&input.name))),
        };
        shapes.insert(input.name.clone(), dims.iter().enumerate().map(dim).collect());
    }
    Ok(shapes)
}

/// A name with which no expression, number or other name can be confused: other characters than these by their code.
fn plain_name(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for (place, c) in name.chars().enumerate() {
        let fine =
            c.is_alphabetic() || c == '_' || place > 0 && (c.is_numeric() || matches!(c, '.' | ':' | '/'));
        if fine { plain.push(c) } else { plain.push_str(&format!("%{:x};", u32::from(c))) }
    }
    plain
}

/// A node that is a function by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// Its number among the nodes.
    pub node: usize,
    /// The attribute or operand for which it is not read in another way.
    pub unread: Option<String>,
}

/// What a network is: its outputs are in the table of terms.
pub struct Understood {
    /// Its nodes.
    pub nodes: Nodes,
    /// How many of them are needed.
    pub needed: usize,
    /// Nodes that are functions of which nothing is known but their name.
    pub opaque: Vec<Opaque>,
    /// The nodes whose values cannot even be compared by name.
    pub nameless: Vec<usize>,
    /// The extents of the outputs, where known.
    pub outputs: Vec<(String, Option<Vec<Dim>>)>,
}

impl Understood {
    /// A node that is a function by name, in words.
    pub fn opaque_words(&self, opaque: &Opaque) -> String {
        let node = &self.nodes[opaque.node];
        match &opaque.unread {
            Some(unread) => format!("{node} (its {unread} is not read)"),
            None => node.to_string(),
        }
    }
}

/// Reads a graph into a table of terms; `side` tells networks apart that are compared.
///
/// # Errors
/// [`GraphError`]: the graph is not one.
pub fn understand(
    model: &Model,
    shapes: &InputShapes,
    terms: &mut Terms,
    side: &'static str,
) -> Result<Understood, GraphError> {
    let opset = model
        .opsets
        .iter()
        .find(|(domain, _)| domain.is_empty() || domain == "ai.onnx")
        .map_or(1, |set| set.1);
    if opset > NEWEST {
        return Err(GraphError::Newer { opset });
    }
    let mut reader = Reader {
        terms,
        opset,
        model,
        extents: FxHashSet::default(),
        nodes: Vec::new(),
        opaque: Vec::new(),
        nameless: Vec::new(),
        needed: 0,
        side,
        turned: FxHashMap::default(),
        depth: 0,
    };
    let mut values = Scope::default();
    for input in &model.graph.inputs {
        let shape = shapes
            .get(&input.name)
            .cloned()
            .ok_or_else(|| GraphError::NoShape { input: input.name.clone() })?;
        let op = Op::new(Kind::Input, input.name.clone());
        let form = reader.terms.intern(Term { op, args: Vec::new(), shape, constant: None, node: None });
        let known = Known { value: Value::Form(form), element: input.element };
        values.insert(input.name.clone(), known);
    }
    reader.graph(&model.graph, &mut values, 0)?;
    let mut outputs = Vec::new();
    for (position, output) in model.graph.outputs.iter().enumerate() {
        let value =
            values.get(&output.name).ok_or_else(|| GraphError::NoOutput { value: output.name.clone() })?;
        let value = &value.value;
        let known = match value {
            Value::Form(form) => Some(form.shape.clone()),
            _ => None,
        };
        let form = reader.as_form(value);
        let shape = form.shape.clone();
        let op = Op::new(Kind::Output, format!("output {position}"));
        let made = || form.as_term().and_then(|term| reader.terms.get(term).node);
        let node = form.nodes.last().copied().or_else(made);
        reader.terms.intern(Term { op, args: vec![form], shape, constant: None, node });
        outputs.push((output.name.clone(), known));
    }
    let Reader { nodes, opaque, nameless, needed, .. } = reader;
    Ok(Understood { nodes, needed, opaque, nameless, outputs })
}

type Scope = FxHashMap<String, Known>;

struct Reader<'t> {
    terms: &'t mut Terms,
    opset: i64,
    model: &'t Model,
    /// Extents of values, which are not negative.
    extents: FxHashSet<Dim>,
    nodes: Nodes,
    opaque: Vec<Opaque>,
    nameless: Vec<usize>,
    needed: usize,
    /// The name of the network.
    side: &'static str,
    /// Terms with their axes in another order.
    turned: FxHashMap<(TermId, Vec<usize>), Form>,
    /// How deep a rewriting of terms inside terms is.
    depth: usize,
}

/// A node with its operands, which keeps what of it has been read: what nobody reads must not be dropped.
struct Call<'c> {
    node: &'c Node,
    attributes: Attributes<'c>,
    inputs: Vec<Option<Known>>,
    read: Vec<Cell<bool>>,
    opset: i64,
    /// Its number among the nodes.
    id: usize,
}

impl Call<'_> {
    /// An operand, which then counts as read.
    fn input(&self, position: usize) -> Option<&Value> {
        self.ignore(position);
        self.peek(position)
    }

    /// An operand without reading it.
    fn peek(&self, position: usize) -> Option<&Value> {
        self.inputs.get(position).and_then(Option::as_ref).map(|known| &known.value)
    }

    /// Counts an operand as read that has no meaning here.
    fn ignore(&self, position: usize) {
        if let Some(read) = self.read.get(position) {
            read.set(true);
        }
    }

    /// An operand that is a constant; another one does not count as read.
    fn tensor(&self, position: usize) -> Option<&Tensor> {
        match self.peek(position) {
            Some(Value::Tensor(tensor)) => {
                self.ignore(position);
                Some(tensor)
            }
            _ => None,
        }
    }

    /// An operand that is a list of integers, known at all sizes; another one does not count as read.
    fn integers(&self, position: usize) -> Option<Vec<i64>> {
        let integers = match self.peek(position)? {
            Value::Tensor(tensor) => tensor.integers(),
            Value::Dims(dims, _) => dims.iter().map(Dim::number).collect(),
            _ => None,
        }?;
        self.ignore(position);
        Some(integers)
    }

    /// Integers that are an operand from an operator set on, and an attribute in older ones.
    fn setting(&self, name: &str, position: usize, since: i64) -> Option<Vec<i64>> {
        if self.opset >= since {
            self.integers(position)
        } else {
            self.attributes.ints(name).map(<[i64]>::to_vec)
        }
    }

    /// Whether an operand is given.
    fn is_given(&self, position: usize) -> bool {
        self.peek(position).is_some()
    }

    /// The type of the elements of an operand.
    fn element(&self, position: usize) -> Option<ElementType> {
        self.inputs.get(position)?.as_ref()?.element
    }

    /// Counts nothing as read.
    fn forget(&self) {
        self.attributes.forget();
        self.read.iter().for_each(|read| read.set(false));
    }

    /// What has not been read of the node.
    fn unread(&self) -> Option<String> {
        let attribute = self.attributes.unread().map(|name| format!("attribute `{name}`"));
        attribute.or_else(|| {
            let mut operands = self.inputs.iter().zip(&self.read);
            let left = operands.position(|(input, read)| input.is_some() && !read.get())?;
            Some(format!("operand {left}"))
        })
    }
}

impl Reader<'_> {
    fn graph(&mut self, graph: &Graph, values: &mut Scope, depth: usize) -> Result<(), GraphError> {
        self.made_once(graph, if depth == 0 { Some(values) } else { None })?;
        for (name, array) in &graph.constants {
            let element = Some(array.element());
            values.insert(name.clone(), Known { value: Value::Tensor(array.clone().into()), element });
        }
        let needed = needed(graph);
        for (node, needed) in graph.nodes.iter().zip(needed) {
            let first = node.outputs.iter().find(|output| !output.is_empty());
            let name =
                if node.name.is_empty() { first.cloned().unwrap_or_default() } else { node.name.clone() };
            let id = self.nodes.len();
            self.nodes.push(NodeName { operator: node.operator.clone(), name });
            if needed {
                self.needed += 1;
                self.node(node, id, values, depth)?;
            }
        }
        Ok(())
    }

    /// Refuses a graph that makes a value twice, or one that is given to it.
    fn made_once(&self, graph: &Graph, given: Option<&Scope>) -> Result<(), GraphError> {
        let mut made: FxHashSet<&str> = graph.constants.iter().map(|(name, _)| name.as_str()).collect();
        for node in &graph.nodes {
            for output in node.outputs.iter().filter(|output| !output.is_empty()) {
                if !made.insert(output) || given.is_some_and(|given| given.contains_key(output)) {
                    let shown = NodeName { operator: node.operator.clone(), name: node.name.clone() };
                    return Err(GraphError::Twice { node: shown.to_string(), value: output.clone() });
                }
            }
        }
        Ok(())
    }

    /// Reads a node, and adds what it makes to the values.
    fn node(&mut self, node: &Node, id: usize, values: &mut Scope, depth: usize) -> Result<(), GraphError> {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for input in &node.inputs {
            let missing = || GraphError::Missing { node: self.nodes[id].to_string(), value: input.clone() };
            inputs.push(if input.is_empty() {
                None
            } else {
                Some(values.get(input).cloned().ok_or_else(missing)?)
            });
        }
        let read = vec![Cell::new(false); inputs.len()];
        let attributes = Attributes::new(node);
        let call = Call { node, attributes, inputs, read, opset: self.opset, id };
        let results = match self.results(&call, values, depth) {
            Ok(results) => results,
            Err(Stop::Function) => self.function(&call, None),
            Err(Stop::Unread(what)) => self.function(&call, Some(what)),
            Err(Stop::Wrong(reason)) => {
                return Err(GraphError::Wrong { node: self.nodes[id].to_string(), reason });
            }
            Err(Stop::Inner(error)) => return Err(error),
        };
        for (name, mut known) in node.outputs.iter().zip(results) {
            if let Value::Form(form) = &mut known.value
                && form.is_large()
            {
                let cut = self.terms.cut(form, Some(id));
                *form = cut;
            }
            if let Value::Form(form) | Value::Opaque(form) = &mut known.value
                && !form.nodes.contains(&id)
                && !self.is_term_of(form, id)
            {
                form.nodes.push(id);
            }
            if !name.is_empty() {
                values.insert(name.clone(), known);
            }
        }
        Ok(())
    }

    /// Whether a form is a term as it is that this node makes, and not what it does to one.
    fn is_term_of(&self, form: &Form, id: usize) -> bool {
        form.as_term().is_some_and(|term| self.terms.get(term).node == Some(id))
    }

    /// The results of a node of which everything has been read.
    fn results(&mut self, call: &Call<'_>, values: &Scope, depth: usize) -> Read<Vec<Known>> {
        let node = call.node;
        if !is_read(&node.domain, &node.operator, self.opset) || self.is_defined(node) {
            return Err(Stop::Function);
        }
        let results = if node.operator == "If" {
            self.branch(call, values, depth)?
        } else {
            let element = types::result(node, |n| call.element(n));
            let results = self.operator(call)?;
            results.into_iter().map(|value| Known { value, element }).collect()
        };
        // An output that is not known here makes the whole node a function, and so does what was not read.
        let more = node.outputs.iter().skip(results.len()).any(|output| !output.is_empty());
        match call.unread() {
            Some(what) => Err(Stop::Unread(what)),
            None if more => Err(Stop::Function),
            None => Ok(results),
        }
    }

    /// Whether the file itself says what an operator is.
    fn is_defined(&self, node: &Node) -> bool {
        let own = |(domain, name): &(String, String)| *domain == node.domain && *name == node.operator;
        self.model.functions.iter().any(own)
    }

    /// The values of a node.
    fn operator(&mut self, call: &Call<'_>) -> Read<Vec<Value>> {
        if let Some(folded) = constants::folded(self, call)? {
            return Ok(vec![folded]);
        }
        call.forget();
        let operator = call.node.operator.as_str();
        let one = |value: Read<Form>| value.map(|form| vec![Value::Form(form)]);
        if is_of_reals(operator) && !call.element(0).is_some_and(ElementType::is_float) {
            return one(self.of_integers(call));
        }
        match operator {
            "Conv" | "FusedConv" => one(self.conv(call)),
            "ConvTranspose" => one(self.conv_transpose(call)),
            "BatchNormalization" => one(self.batch_normalization(call)),
            "Gemm" => one(self.gemm(call)),
            "MatMul" | "FusedMatMul" => one(self.matmul(call)),
            "Add" | "Sub" | "Sum" | "Neg" => one(self.sum(call)),
            "Mul" | "Div" | "Reciprocal" | "Pow" => one(self.multiply(call)),
            "AveragePool" | "MaxPool" => one(self.pool(call)),
            "GlobalAveragePool" | "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin"
            | "GlobalMaxPool" => one(self.reduce(call)),
            "Concat" => one(self.concat(call)),
            "Split" => self.split(call),
            "Slice" => one(self.slice(call)),
            "Gather" => one(self.gather(call)),
            "Pad" => one(self.pad(call)),
            "Resize" | "Upsample" => one(self.resize(call)),
            "SpaceToDepth" => one(self.space_to_depth(call)),
            "DepthToSpace" => one(self.depth_to_space(call)),
            "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => one(self.reshape(call)),
            "Transpose" => one(self.transpose(call)),
            "Expand" => one(self.expand(call)),
            "Identity" | "Dropout" | "Cast" => self.identity(call).map(|value| vec![value]),
            "ConstantOfShape" | "Range" => one(self.of_extents(call)),
            "LSTM" => self.lstm(call),
            "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "And" | "Or" | "Xor"
            | "Where" | "Min" | "Max" | "Mod" | "PRelu" => one(self.joint(call, "")),
            _ => one(self.pointwise(call)),
        }
    }

    /// `If` with a condition that is known: the body that is taken, in place.
    fn branch(&mut self, call: &Call<'_>, values: &Scope, depth: usize) -> Read<Vec<Known>> {
        if depth >= MAX_DEPTH {
            return Err(Stop::Inner(GraphError::TooDeep { node: self.nodes[call.id].to_string() }));
        }
        let condition = call.integers(0).and_then(|values| values.first().copied());
        let (name, other) = match condition {
            Some(0) => ("else_branch", "then_branch"),
            Some(_) => ("then_branch", "else_branch"),
            None => return Err(Stop::Function),
        };
        call.attributes.ignore(other);
        let body = call.attributes.graph(name).ok_or_else(|| Stop::Wrong(format!("it has no `{name}`")))?;
        let mut inside = values.clone();
        self.graph(body, &mut inside, depth + 1).map_err(Stop::Inner)?;
        let result = |port: &convproof_files::onnx::Port| {
            let missing = || Stop::Inner(GraphError::NoOutput { value: port.name.clone() });
            inside.get(&port.name).cloned().ok_or_else(missing)
        };
        body.outputs.iter().map(result).collect()
    }

    /// A node of which nothing is known: a function of its operands by its name and attributes.
    fn function(&mut self, call: &Call<'_>, unread: Option<String>) -> Vec<Known> {
        let node = call.node;
        let standard = matches!(node.domain.as_str(), "" | "ai.onnx") && unread.is_none();
        let kind = if standard { Kind::of_function(&node.operator) } else { Kind::Function };
        self.opaque.push(Opaque { node: call.id, unread });
        let version = self.model.opsets.iter().find(|(domain, _)| *domain == node.domain).map(|set| set.1);
        let mut name =
            format!("{}{}{}", node.domain, node.operator, meaning(&node.domain, &node.operator, version));
        // What computes with numbers of another type is another function.
        for known in call.inputs.iter().flatten() {
            if let Some(element) = known.element.filter(|element| !element.is_float()) {
                name.push_str(&format!(" {}", type_name(element)));
            }
        }
        match call.attributes.spelled() {
            Some(attributes) if !is_random(&node.domain, &node.operator) && !self.is_defined(node) => {
                name.push_str(&attributes);
            }
            _ => {
                self.nameless.push(call.id);
                name.push_str(&format!(" unlike any other: {} of {}", call.id, self.side));
            }
        }
        let present: String =
            call.inputs.iter().map(|input| if input.is_some() { 'x' } else { '-' }).collect();
        let args: Vec<Form> = call.inputs.iter().flatten().map(|known| self.as_form(&known.value)).collect();
        let result = |position: usize| {
            let op = Op::new(kind, format!("{name} ({present}) #{position}"));
            let term =
                Term { op, args: args.clone(), shape: Vec::new(), constant: None, node: Some(call.id) };
            let element = types::result(node, |n| call.element(n));
            Known { value: Value::Opaque(self.terms.intern(term)), element }
        };
        (0..node.outputs.len()).map(result).collect()
    }

    /// A value as a form, whatever it is.
    fn as_form(&mut self, value: &Value) -> Form {
        match value {
            Value::Form(form) | Value::Opaque(form) => form.clone(),
            Value::Tensor(tensor) => self.constant(tensor),
            Value::Dims(dims, scalar) => {
                let texts: Vec<String> = dims.iter().map(Dim::to_string).collect();
                let op = Op::new(Kind::Function, format!("extents {texts:?}"));
                let shape = if *scalar { Vec::new() } else { vec![as_dim(dims.len())] };
                self.terms.intern(Term { op, args: Vec::new(), shape, constant: None, node: None })
            }
        }
    }

    /// An array as a form: a bias where all elements are one number, else a term.
    fn constant(&mut self, tensor: &Tensor) -> Form {
        let shape: Vec<Dim> = tensor.dims().iter().copied().map(as_dim).collect();
        let op = Op::new(Kind::Constant, "constant");
        let term = Term { op, args: Vec::new(), shape, constant: Some(tensor.clone()), node: None };
        self.terms.intern(term)
    }

    /// An operand as a form of known extents.
    fn form(&mut self, call: &Call<'_>, position: usize) -> Read<Form> {
        match call.input(position) {
            None => Err(Stop::Wrong(format!("its operand {position} is missing"))),
            Some(Value::Opaque(_)) => Err(Stop::Function),
            Some(value) => Ok(self.as_form(&value.clone())),
        }
    }

    /// A term made by a node.
    fn term(
        &mut self,
        call: &Call<'_>,
        kind: Kind,
        name: impl Into<String>,
        args: Vec<Form>,
        shape: Vec<Dim>,
    ) -> Form {
        let op = Op::new(kind, name);
        self.terms.intern(Term { op, args, shape, constant: None, node: Some(call.id) })
    }

    /// A form whose channels stand on this axis.
    fn on_axis(&mut self, form: &Form, axis: usize, call: &Call<'_>) -> Read<Form> {
        if let Some(form) = form.with_axis(axis) {
            return Ok(form);
        }
        let cut = self.terms.cut(form, Some(call.id));
        cut.with_axis(axis).ok_or(Stop::Function)
    }

    /// A form after a map; the form is cut first where one map cannot say it.
    fn mapped(
        &mut self,
        form: &Form,
        map: &crate::form::Map,
        shape: Vec<Dim>,
        call: &Call<'_>,
    ) -> Read<Form> {
        if let Some(result) = form.after(map, shape.clone()) {
            return Ok(result);
        }
        let cut = self.terms.cut(form, Some(call.id));
        let cut = cut.with_axis(form.axis).ok_or(Stop::Function)?;
        cut.after(map, shape).ok_or(Stop::Function)
    }

    /// The term that a form is, if it is one of this operator.
    fn inside(&self, form: &Form, name: &str) -> Option<(TermId, &Term)> {
        let id = form.as_term()?;
        let term = self.terms.get(id);
        (term.op.name == name || term.op.name.starts_with(&format!("{name} "))).then_some((id, term))
    }
}

/// Which nodes of a graph its outputs rest on.
fn needed(graph: &Graph) -> Vec<bool> {
    let mut wanted: FxHashSet<&str> = graph.outputs.iter().map(|output| output.name.as_str()).collect();
    let mut needed = vec![false; graph.nodes.len()];
    for (node, needed) in graph.nodes.iter().zip(&mut needed).rev() {
        *needed = node.outputs.iter().any(|output| wanted.contains(output.as_str()));
        if *needed {
            read_by(node, &mut wanted);
        }
    }
    needed
}

/// A number of elements as an extent.
fn as_dim(extent: usize) -> Dim {
    i64::try_from(extent).map_or_else(|_| Dim::symbol("huge"), Dim::from)
}

/// A form without sources: the same number everywhere.
fn uniform(number: crate::number::Number, shape: Vec<Dim>) -> Option<Form> {
    let form = Form::of_term(0, shape);
    // A form has no more channels than can be held.
    let numbers = Tensor::computed(vec![form.channels()], vec![number; form.channels()])?;
    let form = Form { parts: Vec::new(), ..form };
    Some(form.shifted(&numbers))
}

/// The plain map on these channels.
fn plain(channels: usize, rank: usize) -> crate::form::Map {
    crate::form::Map { axes: vec![crate::form::Axis::PLAIN; rank], kernel: identity(channels, rank) }
}
