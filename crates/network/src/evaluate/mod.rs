//! A network at an input, by the definitions of its operators, in numbers with bounds: what it says is certain.
//!
//! Reads the graph of the file, nothing of what `understand` made of it, so that a difference found here is one of
//! the files. An operator that is not known gives an error, never a guess.

mod elementwise;
mod linear;
mod moving;
mod recurrent;
mod resize;
mod window;

use std::borrow::Cow;
use std::cell::Cell;

use convproof_files::onnx::{Array as Stored, Attribute, Graph, Model, Node};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::attributes::Attributes;
use crate::names::read_by;
use crate::operators::is_read;
use crate::precise::Precise;
use crate::tensor::count;

/// Most elements of a value.
const MAX_ELEMENTS: usize = 1 << 22;
/// Most products of an evaluation.
pub const MAX_WORK: u64 = 1 << 30;
/// Deepest nesting of bodies.
const MAX_DEPTH: usize = 16;

/// An array of real numbers, or of integers.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its extents.
    pub dims: Vec<usize>,
    /// Its elements, the last index fastest.
    pub data: Data,
}

/// The elements of an array.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Real numbers.
    Reals(Vec<Precise>),
    /// Floats of a file, which need not be finite.
    Stored(Stored),
    /// Integers and booleans.
    Integers(Vec<i64>),
}

/// Why a network is not evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvaluationError {
    /// An operator that is not known here.
    Operator {
        /// The node.
        node: String,
    },
    /// Operands that do not fit the operator, or each other.
    Operands {
        /// The node.
        node: String,
    },
    /// A value that is not there.
    Missing {
        /// Its name.
        value: String,
    },
    /// It would take too long, or too much memory.
    TooLarge {
        /// The node.
        node: String,
    },
}

impl std::fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Operator { node } => write!(f, "{node} is not evaluated"),
            Self::Operands { node } => write!(f, "the operands of {node} do not fit at this size"),
            Self::Missing { value } => write!(f, "there is no value `{value}`"),
            Self::TooLarge { node } => write!(f, "{node} is too large to be evaluated"),
        }
    }
}

/// Why an operator has no result.
enum Refusal {
    Operator,
    Operands,
    TooLarge,
}

type Evaluated<T> = Result<T, Refusal>;

impl Array {
    /// Real numbers.
    pub fn reals(dims: Vec<usize>, values: Vec<Precise>) -> Self {
        Self { dims, data: Data::Reals(values) }
    }

    fn integers(dims: Vec<usize>, values: Vec<i64>) -> Self {
        Self { dims, data: Data::Integers(values) }
    }

    fn of_stored(array: &Stored) -> Option<Self> {
        let dims = array.dims().to_vec();
        let count = array.len();
        let data = if array.element().is_float() {
            Data::Stored(array.clone())
        } else {
            Data::Integers((0..count).map(|place| array.integer(place)).collect::<Option<_>>()?)
        };
        Some(Self { dims, data })
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        match &self.data {
            Data::Reals(values) => values.len(),
            Data::Stored(array) => array.len(),
            Data::Integers(values) => values.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An element.
    pub fn real(&self, place: usize) -> Precise {
        match &self.data {
            Data::Reals(values) => values.get(place).copied().unwrap_or(Precise::ALL),
            Data::Stored(array) => array.float(place).map_or(Precise::ALL, Precise::point),
            Data::Integers(values) => values.get(place).map_or(Precise::ALL, |&value| Precise::whole(value)),
        }
    }

    /// An element as the file has it.
    fn stored(&self, place: usize) -> Option<f64> {
        match &self.data {
            Data::Stored(array) => array.float(place),
            _ => None,
        }
    }

    /// All elements.
    fn all(&self) -> Cow<'_, [Precise]> {
        match &self.data {
            Data::Reals(values) => Cow::Borrowed(values),
            _ => (0..self.len()).map(|place| self.real(place)).collect(),
        }
    }

    fn integer_values(&self) -> Option<&[i64]> {
        match &self.data {
            Data::Integers(values) => Some(values),
            _ => None,
        }
    }

    /// The array of the elements at these places.
    fn gathered(&self, dims: Vec<usize>, places: impl Iterator<Item = usize>) -> Option<Self> {
        let data = match &self.data {
            Data::Reals(values) => {
                Data::Reals(places.map(|place| values.get(place).copied()).collect::<Option<_>>()?)
            }
            Data::Stored(array) => Data::Stored(array.gathered(dims.clone(), places)?),
            Data::Integers(values) => {
                Data::Integers(places.map(|place| values.get(place).copied()).collect::<Option<_>>()?)
            }
        };
        Some(Self { dims, data })
    }

    fn reshaped(&self, dims: Vec<usize>) -> Option<Self> {
        let data = match &self.data {
            Data::Stored(array) => Data::Stored(array.reshaped(dims.clone())?),
            data if count(&dims)? == self.len() => data.clone(),
            _ => return None,
        };
        Some(Self { dims, data })
    }
}

/// The outputs of a network.
///
/// # Errors
/// [`EvaluationError`].
pub fn evaluate(model: &Model, inputs: &FxHashMap<String, Array>) -> Result<Vec<Array>, EvaluationError> {
    evaluate_within(model, inputs, &mut { MAX_WORK })
}

/// The outputs of a network, if they take no more products than this, of which what is left is given back.
///
/// # Errors
/// [`EvaluationError`].
pub fn evaluate_within(
    model: &Model,
    inputs: &FxHashMap<String, Array>,
    work: &mut u64,
) -> Result<Vec<Array>, EvaluationError> {
    let opset = model.opsets.iter().find(|(domain, _)| domain.is_empty() || domain == "ai.onnx");
    let defined = model.functions.iter().map(|(_, name)| name.clone()).collect();
    let mut machine = Machine { opset: opset.map_or(1, |opset| opset.1), defined, work: *work };
    let mut values = inputs.clone();
    for port in &model.graph.inputs {
        let whole = port.element.is_some_and(|element| !element.is_float());
        if whole
            && matches!(values.get(&port.name), Some(Array { data: Data::Reals(_) | Data::Stored(_), .. }))
        {
            return Err(EvaluationError::Operands { node: format!("the input `{}`", port.name) });
        }
    }
    let made = machine.graph(&model.graph, &mut values, 0);
    *work = machine.work;
    made?;
    let output = |name: &String| {
        values.get(name).cloned().ok_or_else(|| EvaluationError::Missing { value: name.clone() })
    };
    model.graph.outputs.iter().map(|output_| output(&output_.name)).collect()
}

struct Machine {
    opset: i64,
    /// The names of operators that the file defines.
    defined: FxHashSet<String>,
    /// Products left.
    work: u64,
}

/// A node with its operands, which keeps what of it has been read.
struct Call<'c> {
    node: &'c Node,
    attributes: Attributes<'c>,
    inputs: Vec<Option<&'c Array>>,
    read: Vec<Cell<bool>>,
    opset: i64,
}

impl<'c> Call<'c> {
    fn array(&self, position: usize) -> Evaluated<&'c Array> {
        self.optional(position).ok_or(Refusal::Operands)
    }

    fn optional(&self, position: usize) -> Option<&'c Array> {
        if let Some(read) = self.read.get(position) {
            read.set(true);
        }
        self.inputs.get(position).copied().flatten()
    }

    fn int(&self, name: &str, default: i64) -> i64 {
        self.attributes.int(name, default)
    }

    fn ints(&self, name: &str) -> Option<&'c [i64]> {
        self.attributes.ints(name)
    }

    fn float(&self, name: &str) -> Option<Precise> {
        self.attributes.float(name).map(|value| Precise::point(value.into()))
    }

    fn text(&self, name: &str, default: &'c str) -> &'c str {
        self.attributes.text(name, default)
    }

    /// Whether something of the node was not read that may change its meaning.
    fn is_read(&self) -> bool {
        let mut operands = self.inputs.iter().zip(&self.read);
        self.attributes.unread().is_none() && operands.all(|(input, read)| input.is_none() || read.get())
    }

    /// Integers that are an operand from an operator set on, and an attribute in older ones.
    fn list(&self, name: &str, position: usize, since: i64) -> Option<Vec<i64>> {
        if self.opset < since {
            return self.ints(name).map(<[i64]>::to_vec);
        }
        self.optional(position).and_then(Array::integer_values).map(<[i64]>::to_vec)
    }

    fn axis(&self, name: &str, default: i64, rank: usize) -> Evaluated<usize> {
        place(self.int(name, default), rank).ok_or(Refusal::Operands)
    }
}

/// A place counted from the start.
fn place(place: i64, extent: usize) -> Option<usize> {
    let signed = i64::try_from(extent).ok()?;
    let place = usize::try_from(if place < 0 { place + signed } else { place }).ok()?;
    (place < extent).then_some(place)
}

impl Machine {
    fn graph(
        &mut self,
        graph: &Graph,
        values: &mut FxHashMap<String, Array>,
        depth: usize,
    ) -> Result<(), EvaluationError> {
        for (name, array) in &graph.constants {
            let missing = || EvaluationError::Missing { value: name.clone() };
            values.insert(name.clone(), Array::of_stored(array).ok_or_else(missing)?);
        }
        let last = last_readers(graph);
        for (number, node) in graph.nodes.iter().enumerate() {
            let results = self.node(node, values, depth)?;
            if node.outputs.iter().skip(results.len()).any(|output| !output.is_empty()) {
                let shown = format!("{} `{}`", node.operator, node.name);
                return Err(EvaluationError::Operator { node: shown });
            }
            for (name, value) in node.outputs.iter().zip(results) {
                values.insert(name.clone(), value);
            }
            // What no node reads any more need not be held.
            for name in node.inputs.iter().filter(|name| last.get(name.as_str()) == Some(&number)) {
                values.remove(name);
            }
        }
        Ok(())
    }

    fn node(
        &mut self,
        node: &Node,
        values: &FxHashMap<String, Array>,
        depth: usize,
    ) -> Result<Vec<Array>, EvaluationError> {
        let shown = || {
            let output = node.outputs.first().map_or("", String::as_str);
            format!("{} `{}`", node.operator, if node.name.is_empty() { output } else { &node.name })
        };
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for name in &node.inputs {
            let missing = || EvaluationError::Missing { value: name.clone() };
            inputs.push(if name.is_empty() { None } else { Some(values.get(name).ok_or_else(missing)?) });
        }
        let read = vec![Cell::new(false); inputs.len()];
        let call = Call { node, attributes: Attributes::new(node), inputs, read, opset: self.opset };
        if !is_read(&node.domain, &node.operator, self.opset) || self.defined.contains(&node.operator) {
            return Err(EvaluationError::Operator { node: shown() });
        }
        if node.operator == "If" && node.domain.is_empty() {
            return self.branch(&call, values, depth, &shown());
        }
        let results = self
            .operator(&call)
            .and_then(|results| {
                // What is made out of next to nothing takes its time too.
                self.spend(results.iter().map(Array::len).sum())?;
                Ok(results)
            })
            .and_then(|results| if call.is_read() { Ok(results) } else { Err(Refusal::Operator) });
        results.map_err(|refusal| match refusal {
            Refusal::Operator => EvaluationError::Operator { node: shown() },
            Refusal::Operands => EvaluationError::Operands { node: shown() },
            Refusal::TooLarge => EvaluationError::TooLarge { node: shown() },
        })
    }

    fn branch(
        &mut self,
        call: &Call<'_>,
        values: &FxHashMap<String, Array>,
        depth: usize,
        shown: &str,
    ) -> Result<Vec<Array>, EvaluationError> {
        let wrong = || EvaluationError::Operands { node: shown.to_owned() };
        let condition =
            call.optional(0).and_then(Array::integer_values).and_then(|values| values.first().copied());
        let name = if condition.ok_or_else(wrong)? == 0 { "else_branch" } else { "then_branch" };
        let body = call.attributes.graph(name).ok_or_else(wrong)?;
        if depth >= MAX_DEPTH {
            return Err(EvaluationError::TooLarge { node: shown.to_owned() });
        }
        let mut inside = values.clone();
        self.graph(body, &mut inside, depth + 1)?;
        let output = |name: &String| {
            inside.get(name).cloned().ok_or_else(|| EvaluationError::Missing { value: name.clone() })
        };
        body.outputs.iter().map(|port| output(&port.name)).collect()
    }

    fn operator(&mut self, call: &Call<'_>) -> Evaluated<Vec<Array>> {
        // Every element takes its time, so that long chains of operators on it come to an end.
        let elements: usize = call.inputs.iter().flatten().map(|array| array.len()).sum();
        self.spend(elements.saturating_mul(elementwise::cost(&call.node.operator)))?;
        let one = |result: Evaluated<Array>| result.map(|array| vec![array]);
        match call.node.operator.as_str() {
            "Conv" => one(window::conv(self, call)),
            "FusedConv" => {
                let result = window::conv(self, call)?;
                one(elementwise::activation(call, result))
            }
            "ConvTranspose" => one(window::conv_transpose(self, call)),
            "AveragePool" | "MaxPool" => one(window::pool(self, call)),
            "GlobalAveragePool" | "GlobalMaxPool" | "ReduceMean" | "ReduceSum" | "ReduceMax"
            | "ReduceMin" => one(linear::reduce(call)),
            "BatchNormalization" => one(linear::batch_normalization(call)),
            "Gemm" => one(linear::gemm(self, call)),
            "MatMul" | "FusedMatMul" => one(linear::matmul(self, call)),
            "LayerNormalization" => linear::layer_normalization(call),
            "LSTM" => recurrent::lstm(self, call),
            "Softmax" | "LogSoftmax" => one(linear::softmax(call)),
            "Split" => moving::split(call),
            "Constant" | "Shape" | "ConstantOfShape" | "Range" | "Concat" | "Slice" | "Gather" | "Pad"
            | "Resize" | "Upsample" | "SpaceToDepth" | "DepthToSpace" | "Reshape" | "Flatten" | "Squeeze"
            | "Unsqueeze" | "Transpose" | "Expand" | "Identity" | "Dropout" | "Cast" => {
                one(moving::moved(call))
            }
            _ => one(elementwise::elementwise(call)),
        }
    }

    /// Takes so many products off what is left.
    fn spend(&mut self, products: usize) -> Evaluated<()> {
        let products = u64::try_from(products).map_err(|_| Refusal::TooLarge)?;
        self.work = self.work.checked_sub(products).ok_or(Refusal::TooLarge)?;
        Ok(())
    }
}

/// The last node that reads each value of a graph which is none of its outputs and which no body reads.
fn last_readers(graph: &Graph) -> FxHashMap<&str, usize> {
    let mut last = FxHashMap::default();
    let mut kept = FxHashSet::default();
    kept.extend(graph.outputs.iter().map(|output| output.name.as_str()));
    for (number, node) in graph.nodes.iter().enumerate() {
        last.extend(node.inputs.iter().map(|name| (name.as_str(), number)));
        let has_body = node.attributes.iter().any(|(_, value)| matches!(value, Attribute::Graph(_)));
        if has_body {
            read_by(node, &mut kept);
        }
    }
    last.retain(|name, _| !kept.contains(name));
    last
}

/// The number of elements of a value that may be made.
fn room(dims: &[usize]) -> Evaluated<usize> {
    count(dims).filter(|&count| count <= MAX_ELEMENTS).ok_or(Refusal::TooLarge)
}
