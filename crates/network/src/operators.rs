//! What is known of operators by name: from which operator set on each has the meaning that it is read with.
//!
//! An operator that is not listed here is a function by name, and one of an older set too: its meaning may be another.

/// The newest operator set of which the meanings are known.
pub const NEWEST: i64 = 28;

/// ONNX's own operators that are read, with the first operator set of the meaning that they are read with.
const READ: &[(&str, i64)] = &[
    ("Abs", 6),
    ("Add", 7),
    ("And", 7),
    ("AveragePool", 7),
    ("BatchNormalization", 7),
    ("Cast", 6),
    ("Ceil", 6),
    ("Celu", 12),
    ("Clip", 6),
    ("Concat", 4),
    ("Constant", 1),
    ("ConstantOfShape", 9),
    ("Conv", 1),
    ("ConvTranspose", 1),
    ("Cos", 7),
    ("DepthToSpace", 1),
    ("Div", 7),
    ("Dropout", 7),
    ("Elu", 6),
    ("Equal", 7),
    ("Erf", 9),
    ("Exp", 6),
    ("Expand", 8),
    ("Flatten", 1),
    ("Floor", 6),
    ("Gather", 1),
    ("Gelu", 20),
    ("Gemm", 7),
    ("GlobalAveragePool", 1),
    ("GlobalMaxPool", 1),
    ("Greater", 7),
    ("GreaterOrEqual", 12),
    ("HardSigmoid", 6),
    ("HardSwish", 14),
    ("Identity", 1),
    ("If", 1),
    ("LSTM", 7),
    // Standard since 17; runtimes write it into files of older sets with the same meaning.
    ("LayerNormalization", 1),
    ("LeakyRelu", 6),
    ("Less", 7),
    ("LessOrEqual", 12),
    ("Log", 6),
    ("LogSoftmax", 1),
    ("MatMul", 1),
    ("Max", 8),
    ("MaxPool", 1),
    ("Min", 8),
    ("Mish", 18),
    ("Mod", 10),
    ("Mul", 7),
    ("Neg", 6),
    ("Not", 1),
    ("Or", 7),
    ("PRelu", 7),
    ("Pad", 2),
    ("Pow", 7),
    ("Range", 11),
    ("Reciprocal", 6),
    ("ReduceMax", 1),
    ("ReduceMean", 1),
    ("ReduceMin", 1),
    ("ReduceSum", 1),
    ("Relu", 6),
    ("Reshape", 5),
    ("Resize", 10),
    ("Round", 11),
    ("Selu", 6),
    ("Shape", 1),
    ("Sigmoid", 6),
    ("Sign", 9),
    ("Sin", 7),
    ("Slice", 1),
    ("Softmax", 1),
    ("Softplus", 1),
    ("Softsign", 1),
    ("SpaceToDepth", 1),
    ("Split", 2),
    ("Sqrt", 6),
    ("Squeeze", 1),
    ("Sub", 7),
    ("Sum", 8),
    ("Swish", 24),
    ("Tanh", 6),
    ("ThresholdedRelu", 10),
    ("Transpose", 1),
    ("Unsqueeze", 1),
    ("Upsample", 7),
    ("Where", 9),
    ("Xor", 7),
];

/// Operators of a runtime that are read.
const OF_RUNTIMES: [(&str, &str); 4] = [
    ("com.microsoft", "FusedConv"),
    ("com.microsoft", "FusedMatMul"),
    ("com.microsoft", "Gelu"),
    ("com.microsoft", "QuickGelu"),
];

/// ONNX's own operators that are functions by name, with the first operator set of today's meaning.
const BY_NAME: &[(&str, i64)] = &[
    ("ArgMax", 1),
    ("ArgMin", 1),
    ("CumSum", 11),
    ("Einsum", 12),
    ("GatherElements", 11),
    ("GatherND", 11),
    ("GRU", 7),
    ("InstanceNormalization", 6),
    ("LRN", 1),
    ("LpNormalization", 1),
    ("NonMaxSuppression", 11),
    ("NonZero", 9),
    ("OneHot", 9),
    ("RNN", 7),
    ("ReduceL1", 1),
    ("ReduceL2", 1),
    ("ReduceLogSum", 1),
    ("ReduceLogSumExp", 1),
    ("ReduceProd", 1),
    ("ReduceSumSquare", 1),
    ("ScatterElements", 11),
    ("ScatterND", 11),
    ("Tile", 6),
    ("TopK", 11),
    ("Trilu", 14),
];

/// Operators whose results are drawn by chance: no function of their operands.
const RANDOM: [&str; 7] = [
    "Bernoulli",
    "Dropout",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
];

/// Operators that move or choose elements of any type, or compare them; all others that are read compute with reals.
const OF_ANY_TYPE: &[&str] = &[
    "And",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "DepthToSpace",
    "Dropout",
    "Equal",
    "Expand",
    "Flatten",
    "Gather",
    "GlobalMaxPool",
    "Greater",
    "GreaterOrEqual",
    "Identity",
    "If",
    "LSTM",
    "Less",
    "LessOrEqual",
    "Max",
    "MaxPool",
    "Min",
    "Mod",
    "Not",
    "Or",
    "Pad",
    "Range",
    "ReduceMax",
    "ReduceMin",
    "Relu",
    "Reshape",
    "Resize",
    "Shape",
    "Slice",
    "SpaceToDepth",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
    "Upsample",
    "Where",
    "Xor",
];

/// Operators that are read in two ways, by the operator set.
const OF_TWO_MEANINGS: [&str; 4] = ["LogSoftmax", "Resize", "Softmax", "Upsample"];

fn since(list: &[(&str, i64)], operator: &str) -> Option<i64> {
    list.iter().find(|(name, _)| *name == operator).map(|(_, since)| *since)
}

/// Whether an operator has the meaning that it is read with, in this set of ONNX's operators.
pub fn is_read(domain: &str, operator: &str, opset: i64) -> bool {
    if domain.is_empty() {
        since(READ, operator).is_some_and(|since| opset >= since)
    } else {
        OF_RUNTIMES.contains(&(domain, operator))
    }
}

/// All operators that are read, with their domains.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    READ.iter().map(|(name, _)| ("", *name)).chain(OF_RUNTIMES)
}

/// Whether an operator computes with real numbers, so that integers, which overflow and divide by rounding, are not
/// what it is read for.
pub fn is_of_reals(operator: &str) -> bool {
    !OF_ANY_TYPE.contains(&operator)
}

/// Whether an operator gives other results each time.
pub fn is_random(domain: &str, operator: &str) -> bool {
    domain.is_empty() && RANDOM.contains(&operator)
}

/// What tells the meanings of an operator apart that is a function by name: its operator set, unless all sets from an
/// older one on mean the same.
pub fn meaning(domain: &str, operator: &str, version: Option<i64>) -> String {
    let known = since(BY_NAME, operator)
        .or_else(|| since(READ, operator).filter(|_| !OF_TWO_MEANINGS.contains(&operator)));
    let stable = domain.is_empty() && known.is_some_and(|since| version >= Some(since));
    match version {
        Some(version) if !stable => format!("@{version}"),
        _ => String::new(),
    }
}
