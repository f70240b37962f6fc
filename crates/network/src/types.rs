//! Whether the types of elements in a file fit each other, as far as they are told.

use convproof_files::onnx::{Attribute, ElementType, Graph, Model, Node};
use rustc_hash::FxHashMap;

use crate::verdict::type_name;

/// Operators whose operands are all of one type.
const OF_ONE_TYPE: [&str; 14] = [
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Concat",
    "Conv",
    "ConvTranspose",
    "MatMul",
    "Gemm",
    "Sum",
    "Max",
    "Min",
    "PRelu",
    "Where",
];
/// Operators whose results have the type of their first operand.
const KEEPING: [&str; 34] = [
    "Relu",
    "Sigmoid",
    "Tanh",
    "Clip",
    "HardSigmoid",
    "HardSwish",
    "Softmax",
    "BatchNormalization",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "ReduceMean",
    "ReduceSum",
    "ReduceMax",
    "ReduceMin",
    "Reshape",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Flatten",
    "Slice",
    "Split",
    "Gather",
    "Pad",
    "Resize",
    "Expand",
    "Identity",
    "Dropout",
    "Exp",
    "Sqrt",
    "Erf",
    "Pow",
    "Range",
];

/// A node whose operands have types that do not fit, in words; only what is certain is said.
pub fn ill_typed(model: &Model) -> Option<String> {
    let mut types: FxHashMap<&str, ElementType> = FxHashMap::default();
    for input in &model.graph.inputs {
        if let Some(element) = input.element {
            types.insert(&input.name, element);
        }
    }
    check(&model.graph, &mut types)
}

fn check<'g>(graph: &'g Graph, types: &mut FxHashMap<&'g str, ElementType>) -> Option<String> {
    for (name, array) in &graph.constants {
        types.insert(name, array.element());
    }
    for node in &graph.nodes {
        let operator = node.operator.as_str();
        if OF_ONE_TYPE.contains(&operator) && node.domain.is_empty() {
            let skipped = usize::from(operator == "Where");
            let mut known = node.inputs.iter().skip(skipped).filter_map(|name| types.get(name.as_str()));
            let first = known.next().copied();
            if let (Some(first), Some(other)) = (first, known.find(|&&other| Some(other) != first)) {
                let name = if node.name.is_empty() { node.outputs.first()? } else { &node.name };
                let (first, other) = (type_name(first), type_name(*other));
                return Some(format!("{operator} `{name}` reads {first} and {other}"));
            }
        }
        if let Some(element) = result(node, types) {
            for output in &node.outputs {
                types.insert(output, element);
            }
        }
    }
    None
}

/// The type of the results of a node.
fn result(node: &Node, types: &FxHashMap<&str, ElementType>) -> Option<ElementType> {
    let attribute = |name: &str| node.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value);
    let operator = node.operator.as_str();
    if !node.domain.is_empty() {
        return None;
    }
    match operator {
        "Cast" => match attribute("to") {
            Some(Attribute::Int(code)) => ElementType::from_code(i32::try_from(*code).ok()?),
            _ => None,
        },
        "Constant" | "ConstantOfShape" => match attribute("value") {
            Some(Attribute::Array(array)) => Some(array.element()),
            _ => None,
        },
        "Shape" => Some(ElementType::Signed(8)),
        "Where" => types.get(node.inputs.get(1)?.as_str()).copied(),
        _ if OF_ONE_TYPE.contains(&operator) || KEEPING.contains(&operator) => {
            types.get(node.inputs.first()?.as_str()).copied()
        }
        _ => None,
    }
}
