//! A small node of every operator that is read: what it reads, and with what attributes.

use convproof::load::onnx::messages::{GraphProto, TensorProto};

use super::build::{Builder, Value, attribute, port};

/// Adds a node of this operator on a value of extents 1 × 4 × 4 × 4, or on a boolean one; nothing for an operator
/// that has no sample.
pub(crate) fn sample(model: &mut Builder, domain: &str, operator: &str, x: &str) -> Option<String> {
    let ints = |name, values: &[i64]| (name, Value::Ints(values.to_vec()));
    let (inputs, attributes): (Vec<String>, Vec<(&str, Value)>) = match operator {
        "Conv" | "ConvTranspose" | "FusedConv" => {
            let kernel: Vec<f32> = (0..144u8).map(|n| f32::from(n % 7) - 3.0).collect();
            let kernel = model.floats(&[4, 4, 3, 3], &kernel);
            (vec![x.to_owned(), kernel], vec![ints("pads", &[1, 1, 1, 1])])
        }
        "BatchNormalization" => {
            let parameters = [1.0, 2.0, 3.0, 4.0].map(|n| model.floats(&[4], &[n, 1.0, 2.0, 0.5]));
            let inputs = [x.to_owned()].into_iter().chain(parameters).collect();
            (inputs, vec![])
        }
        "Gemm" => {
            let flat = model.node("Flatten", &[x], vec![]);
            (vec![flat, model.floats(&[64, 2], &[0.5; 128])], vec![])
        }
        "MatMul" | "FusedMatMul" => (vec![x.to_owned(), model.floats(&[4, 2], &[0.5; 8])], vec![]),
        "AveragePool" | "MaxPool" => (vec![x.to_owned()], vec![ints("kernel_shape", &[2, 2])]),
        "Concat" => (vec![x.to_owned(), x.to_owned()], vec![("axis", Value::Int(1))]),
        "Slice" => {
            let [start, end] = [[0], [2]].map(|list| model.integers(&list));
            (vec![x.to_owned(), start, end], vec![])
        }
        "Gather" => (vec![x.to_owned(), model.integers(&[1, 0])], vec![("axis", Value::Int(1))]),
        "Pad" => (vec![x.to_owned(), model.integers(&[0, 0, 1, 1, 0, 0, 1, 1])], vec![]),
        "Resize" => (vec![x.to_owned(), String::new(), model.floats(&[4], &[1.0, 1.0, 2.0, 2.0])], vec![]),
        "Upsample" => (vec![x.to_owned(), model.floats(&[4], &[1.0, 1.0, 2.0, 2.0])], vec![]),
        "SpaceToDepth" | "DepthToSpace" => (vec![x.to_owned()], vec![("blocksize", Value::Int(2))]),
        "Reshape" | "Expand" => (vec![x.to_owned(), model.integers(&[1, 4, 4, 4])], vec![]),
        "Squeeze" | "Unsqueeze" => (vec![x.to_owned(), model.integers(&[0])], vec![]),
        "Cast" => (vec![x.to_owned()], vec![("to", Value::Int(1))]),
        "ConstantOfShape" => (vec![model.integers(&[1, 4])], vec![]),
        "Constant" => {
            let raw = Some(1f32.to_le_bytes().to_vec().into());
            let tensor = TensorProto { dims: vec![1], element: 1, raw, ..TensorProto::default() };
            (vec![], vec![("value", Value::Tensor(tensor))])
        }
        "Range" => {
            let numbers = [0, 4, 1].map(|value| {
                model.tensor(TensorProto { element: 7, int64s: vec![value], ..TensorProto::default() })
            });
            (numbers.to_vec(), vec![])
        }
        "If" => {
            let condition =
                model.tensor(TensorProto { element: 9, int32s: vec![1], ..TensorProto::default() });
            let mut body = Builder::default();
            let y = body.node("Relu", &[x], vec![]);
            let body = GraphProto { outputs: vec![port(&y, &[])], ..body.graph };
            let branch = |name| attribute(name, Value::Graph(body.clone()));
            let y = model.node("If", &[&condition], vec![]);
            let node = model.graph.nodes.last_mut()?;
            node.attributes = vec![branch("then_branch"), branch("else_branch")];
            // Inside and outside have names of their own.
            node.outputs = vec![format!("{y}.if")];
            return Some(format!("{y}.if"));
        }
        "LSTM" => {
            let shape = model.integers(&[4, 4, 4]);
            let sequence = model.node("Reshape", &[x, &shape], vec![]);
            let weights = model.floats(&[1, 8, 4], &[0.5; 32]);
            let again = model.floats(&[1, 8, 2], &[0.25; 16]);
            (vec![sequence, weights, again], vec![("hidden_size", Value::Int(2))])
        }
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Sum" | "Max" | "Min" | "Mod" | "PRelu" | "Equal"
        | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" => {
            (vec![x.to_owned(), model.floats(&[], &[2.0])], vec![])
        }
        "And" | "Or" | "Xor" => {
            let truth = truth(model, x);
            (vec![truth.clone(), truth], vec![])
        }
        "Not" => (vec![truth(model, x)], vec![]),
        "Where" => (vec![truth(model, x), x.to_owned(), model.floats(&[], &[2.0])], vec![]),
        _ if OF_ONE.contains(&operator) => (vec![x.to_owned()], vec![]),
        _ => return None,
    };
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let y = model.node(operator, &inputs, attributes);
    model.graph.nodes.last_mut()?.domain = domain.to_owned();
    Some(y)
}

/// Operators whose sample reads the value alone, without an attribute.
const OF_ONE: &[&str] = &[
    "Abs",
    "Ceil",
    "Celu",
    "Clip",
    "Cos",
    "Dropout",
    "Elu",
    "Erf",
    "Exp",
    "Flatten",
    "Floor",
    "Gelu",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LayerNormalization",
    "LeakyRelu",
    "Log",
    "LogSoftmax",
    "Mish",
    "Neg",
    "QuickGelu",
    "Reciprocal",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceSum",
    "Relu",
    "Round",
    "Selu",
    "Shape",
    "Sigmoid",
    "Sign",
    "Sin",
    "Softmax",
    "Softplus",
    "Softsign",
    "Split",
    "Sqrt",
    "Swish",
    "Tanh",
    "ThresholdedRelu",
    "Transpose",
];

fn truth(model: &mut Builder, x: &str) -> String {
    let zero = model.floats(&[], &[0.0]);
    model.node("Greater", &[x, &zero], vec![])
}
