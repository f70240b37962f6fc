//! Whether the types of elements in a file fit each other, as far as they are told.

use convproof_files::onnx::{Attribute, ElementType, Graph, Model, Node};
use rustc_hash::FxHashMap;

use crate::operators::{NEWEST, is_read};

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
/// Operators whose results are of a type of their own.
const OF_INTEGERS: [&str; 5] = ["Shape", "Size", "ArgMax", "ArgMin", "NonZero"];
/// Operators whose results are true or false.
const OF_TRUTH: [&str; 11] = [
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Not",
    "And",
    "Or",
    "Xor",
    "IsNaN",
    "IsInf",
];

/// The name of a type of elements.
pub fn type_name(element: ElementType) -> String {
    match element {
        ElementType::Float16 => "float16".to_owned(),
        ElementType::BFloat16 => "bfloat16".to_owned(),
        ElementType::Float32 => "float32".to_owned(),
        ElementType::Float64 => "float64".to_owned(),
        ElementType::Bool => "bool".to_owned(),
        ElementType::Signed(size) => format!("int{}", 8 * u32::from(size)),
        ElementType::Unsigned(size) => format!("uint{}", 8 * u32::from(size)),
    }
}

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
    // What is said of an output where it is one counts.
    let outputs = graph.outputs.iter().filter_map(|port| Some((port.name.as_str(), port.element?)));
    let between = graph.types.iter().map(|(name, element)| (name.as_str(), *element));
    let said: FxHashMap<&str, ElementType> = between.chain(outputs).collect();
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
        let operand = |n: usize| types.get(node.inputs.get(n)?.as_str()).copied();
        if let Some(element) = result(node, operand) {
            for output in &node.outputs {
                if let Some(&other) = said.get(output.as_str()).filter(|&&other| other != element) {
                    let (own, other) = (type_name(element), type_name(other));
                    return Some(format!("{operator} gives `{output}` as {own}, the file says {other}"));
                }
                types.insert(output, element);
            }
        }
    }
    None
}

/// The type of the results of a node with operands of these types; nothing where it is not known.
pub(crate) fn result(node: &Node, operand: impl Fn(usize) -> Option<ElementType>) -> Option<ElementType> {
    let attribute = |name: &str| node.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value);
    let operator = node.operator.as_str();
    match operator {
        _ if OF_INTEGERS.contains(&operator) && node.domain.is_empty() => Some(ElementType::Signed(8)),
        _ if OF_TRUTH.contains(&operator) && node.domain.is_empty() => Some(ElementType::Bool),
        // Read at every operator set or not: what is made of operands of one type is of that type.
        _ if !is_read(&node.domain, operator, NEWEST) => None,
        "Cast" => match attribute("to") {
            Some(Attribute::Int(code)) => ElementType::from_code(i32::try_from(*code).ok()?),
            _ => None,
        },
        "Constant" | "ConstantOfShape" => match node.attributes.first().map(|(_, value)| value) {
            Some(Attribute::Array(array)) => Some(array.element()),
            Some(Attribute::Float(_) | Attribute::Floats(_)) => Some(ElementType::Float32),
            Some(Attribute::Int(_) | Attribute::Ints(_)) => Some(ElementType::Signed(8)),
            None if operator == "ConstantOfShape" => Some(ElementType::Float32),
            _ => None,
        },
        "If" => None,
        "Where" => operand(1),
        _ => operand(0),
    }
}
