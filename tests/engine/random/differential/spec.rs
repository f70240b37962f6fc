//! Claims about stacks as data, and their text in the spec language.

use std::fmt;

use super::number::Fraction;

/// A fraction as it is written.
pub(crate) type Written = (i64, i64);

/// Entries of a kernel `[out,in,h,w]`, in order.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Entries {
    Numbers(Vec<i64>),
    /// The free kernel of this number.
    Free(usize),
    /// Equal entries that sum to 1 in each plane.
    Mean,
    /// First one, then the other dilated.
    Product(Box<Kernel>, Box<Kernel>, [i64; 2]),
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Kernel {
    pub(crate) shape: [i64; 4],
    pub(crate) entries: Entries,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Padding {
    /// Top, left, bottom, right.
    Sides([i64; 4]),
    Same,
    SameLower,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Layer {
    Conv {
        kernel: Kernel,
        stride: [i64; 2],
        dilation: [i64; 2],
        padding: Padding,
        groups: i64,
        bias: Vec<Written>,
    },
    Transposed {
        kernel: Kernel,
        stride: [i64; 2],
        dilation: [i64; 2],
        padding: [i64; 4],
        more: [i64; 2],
        groups: i64,
        bias: Vec<Written>,
    },
    Pool {
        average: bool,
        size: [i64; 2],
        stride: [i64; 2],
        padding: Padding,
        count_padding: bool,
        ceil: bool,
    },
    MaxPool {
        size: [i64; 2],
        stride: [i64; 2],
        padding: Padding,
        ceil: bool,
    },
    Subsample([i64; 2]),
    Pad([i64; 4]),
    /// Entries around the image that are no zeros.
    PadWith([i64; 4], Fill),
    Scale(Vec<Written>),
    Bias(Vec<Written>),
    /// Per channel: γ, β, the mean, and √(var + eps).
    BatchNorm([Vec<i64>; 4]),
    Upsample([i64; 2]),
    ZeroInsert([i64; 2]),
    SpaceToDepth(i64),
    DepthToSpace(i64),
    Select(i64, i64),
    Relu,
    /// A function of each entry.
    Entrywise(Entrywise),
    /// Interpolation by a factor up/down.
    Resize {
        factor: [Written; 2],
        method: Method,
        half_pixel: bool,
    },
    Permute(Vec<i64>),
    ChannelShuffle(i64),
    ChannelMean,
    GlobalAverage,
    /// The image plus, or times, what comes after its mean; that comes first or last.
    Gated {
        plus: bool,
        first: bool,
        gate: Stack,
    },
    /// `[outputs,inputs]`, row by row, and the bias.
    Dense(i64, Vec<i64>, Vec<Written>),
    Sum(Vec<(Written, Stack)>),
    Concat(Vec<Stack>),
    Power(Stack, usize),
}

/// What stands around an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fill {
    Value(Written),
    Reflect,
    Symmetric,
    Replicate,
}

/// What stands between entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Method {
    Nearest,
    Linear,
    /// With a = −3/4.
    Cubic,
}

/// A function of each entry.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Entrywise {
    /// Slopes for negative entries.
    Leaky(Vec<Written>),
    Clip(i64, i64),
    Abs,
    HardSigmoid,
    HardSwish,
}

pub(crate) type Stack = Vec<Layer>;

/// Layers that are no affine maps of the image.
pub(crate) fn is_nonlinear(stack: &[Layer]) -> bool {
    stack.iter().any(|layer| match layer {
        Layer::MaxPool { .. } | Layer::Relu | Layer::Entrywise(_) => true,
        Layer::Sum(branches) => branches.iter().any(|(_, branch)| is_nonlinear(branch)),
        Layer::Concat(branches) => branches.iter().any(|branch| is_nonlinear(branch)),
        Layer::Power(inner, _) => is_nonlinear(inner),
        Layer::Gated { plus, gate, .. } => !plus || is_nonlinear(gate),
        _ => false,
    })
}

/// Whether some layer satisfies a condition.
pub(crate) fn any_layer(stack: &[Layer], wanted: &dyn Fn(&Layer) -> bool) -> bool {
    stack.iter().any(|layer| {
        wanted(layer)
            || match layer {
                Layer::Sum(branches) => branches.iter().any(|(_, branch)| any_layer(branch, wanted)),
                Layer::Concat(branches) => branches.iter().any(|branch| any_layer(branch, wanted)),
                Layer::Power(inner, _) | Layer::Gated { gate: inner, .. } => any_layer(inner, wanted),
                _ => false,
            }
    })
}

/// A whole-number expression in the height and the width.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Length {
    Height,
    Width,
    Constant(i64),
    Plus(Box<Length>, Box<Length>),
    Minus(Box<Length>, Box<Length>),
    Times(Box<Length>, Box<Length>),
    Remainder(Box<Length>, i64),
}

impl Length {
    fn at(&self, size: [i64; 2]) -> i64 {
        match self {
            Self::Height => size[0],
            Self::Width => size[1],
            Self::Constant(value) => *value,
            Self::Plus(a, b) => a.at(size) + b.at(size),
            Self::Minus(a, b) => a.at(size) - b.at(size),
            Self::Times(a, b) => a.at(size) * b.at(size),
            Self::Remainder(a, m) => a.at(size).rem_euclid(*m),
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Condition {
    Compare(Length, &'static str, Length),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
}

impl Condition {
    pub(crate) fn at(&self, size: [i64; 2]) -> bool {
        match self {
            Self::Compare(a, operator, b) => {
                let (a, b) = (a.at(size), b.at(size));
                match *operator {
                    "==" => a == b,
                    "!=" => a != b,
                    "<" => a < b,
                    "<=" => a <= b,
                    ">" => a > b,
                    _ => a >= b,
                }
            }
            Self::And(a, b) => a.at(size) && b.at(size),
            Self::Or(a, b) => a.at(size) || b.at(size),
            Self::Not(a) => !a.at(size),
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Sizes {
    All,
    One([i64; 2]),
    Where(Condition),
}

impl Sizes {
    pub(crate) fn include(&self, size: [i64; 2]) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => *one == size,
            Self::Where(condition) => condition.at(size),
        }
    }
}

/// Two stacks that are claimed to be equal, exactly or `within` a bound for inputs of some range.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Claim {
    pub(crate) sides: [Stack; 2],
    pub(crate) sizes: Sizes,
    pub(crate) within: Option<[Fraction; 2]>,
    /// The worst difference at small sizes, where it has been computed.
    pub(crate) worst: Option<Fraction>,
    /// Shapes of the free kernels.
    pub(crate) free: Vec<[i64; 4]>,
}

/// The name of an entry of a free kernel.
pub(crate) fn entry_name(kernel: usize, shape: [i64; 4], offset: usize) -> String {
    let mut rest = offset as i64;
    let mut at = [0; 4];
    for axis in (0..4).rev() {
        at[axis] = rest % shape[axis];
        rest /= shape[axis];
    }
    let [o, c, i, j] = at;
    if shape[..2] == [1, 1] { format!("K{kernel}[{i},{j}]") } else { format!("K{kernel}[{o},{c},{i},{j}]") }
}

fn listed<T>(all: &[T], show: impl Fn(&T) -> String, between: &str) -> String {
    all.iter().map(show).collect::<Vec<_>>().join(between)
}

fn number(&(numerator, denominator): &Written) -> String {
    if denominator == 1 { numerator.to_string() } else { format!("{numerator}/{denominator}") }
}

fn vector(values: &[Written]) -> String {
    format!("[{}]", listed(values, number, ", "))
}

fn pair([a, b]: [i64; 2]) -> String {
    if a == b { a.to_string() } else { format!("[{a},{b}]") }
}

fn sides([top, left, bottom, right]: [i64; 4]) -> String {
    match (top == bottom && left == right, top == left) {
        (true, true) => top.to_string(),
        (true, false) => format!("[{top},{left}]"),
        _ => format!("[{top},{left},{bottom},{right}]"),
    }
}

impl fmt::Display for Padding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sides(all) => f.write_str(&sides(*all)),
            Self::Same => f.write_str("same"),
            Self::SameLower => f.write_str("same_lower"),
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [o, c, h, w] = self.shape;
        match &self.entries {
            Entries::Free(number) => write!(f, "K{number}"),
            Entries::Mean => write!(f, "box({h},{w})"),
            Entries::Product(a, b, dilation) => {
                write!(f, "({a}) * dilate({b}, [{},{}])", dilation[0], dilation[1])
            }
            Entries::Numbers(values) => {
                let rows: Vec<String> =
                    values.chunks(w as usize).map(|row| listed(row, i64::to_string, " ")).collect();
                if [o, c] == [1, 1] {
                    return write!(f, "[{}]", rows.join("; "));
                }
                let planes: Vec<String> =
                    rows.chunks(h as usize).map(|plane| format!("[[{}]]", plane.join("] ["))).collect();
                let blocks: Vec<String> =
                    planes.chunks(c as usize).map(|block| format!("[{}]", block.join(" "))).collect();
                write!(f, "[{}]", blocks.join(" "))
            }
        }
    }
}

/// The options that differ from their defaults.
fn options(all: &[(&str, String, &str)]) -> String {
    let shown = all.iter().filter(|(_, value, default)| value != default);
    shown.map(|(name, value, _)| format!(", {name}={value}")).collect()
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |bias: &[Written]| if bias.is_empty() { String::new() } else { vector(bias) };
        match self {
            Self::Conv { kernel, stride, dilation, padding, groups, bias } => {
                let all = [
                    ("stride", pair(*stride), "1"),
                    ("dilation", pair(*dilation), "1"),
                    ("padding", padding.to_string(), "0"),
                    ("groups", groups.to_string(), "1"),
                    ("bias", shown(bias), ""),
                ];
                write!(f, "conv({kernel}{})", options(&all))
            }
            Self::Transposed { kernel, stride, dilation, padding, more, groups, bias } => {
                let all = [
                    ("stride", pair(*stride), "1"),
                    ("padding", sides(*padding), "0"),
                    ("output_padding", pair(*more), "0"),
                    ("dilation", pair(*dilation), "1"),
                    ("groups", groups.to_string(), "1"),
                    ("bias", shown(bias), ""),
                ];
                write!(f, "convtranspose({kernel}{})", options(&all))
            }
            Self::Pool { average, size, stride, padding, count_padding, ceil } => {
                let (name, count) = if *average { ("avgpool", *count_padding) } else { ("sumpool", true) };
                let all = [
                    ("stride", pair(*stride), pair(*size)),
                    ("padding", padding.to_string(), "0".to_owned()),
                    ("count_include_pad", count.to_string(), "true".to_owned()),
                    ("ceil_mode", ceil.to_string(), "false".to_owned()),
                ];
                let all =
                    all.each_ref().map(|(name, value, default)| (*name, value.clone(), default.as_str()));
                write!(f, "{name}({}{})", pair(*size), options(&all))
            }
            Self::MaxPool { size, stride, padding, ceil } => {
                let ceil = if *ceil { ", ceil_mode=true" } else { "" };
                write!(f, "maxpool({}, stride={}, padding={padding}{ceil})", pair(*size), pair(*stride))
            }
            Self::PadWith([top, left, bottom, right], fill) => {
                let fill = match fill {
                    Fill::Value(value) => format!("value={}", number(value)),
                    Fill::Reflect => "mode=reflect".to_owned(),
                    Fill::Symmetric => "mode=symmetric".to_owned(),
                    Fill::Replicate => "mode=replicate".to_owned(),
                };
                write!(f, "pad({top}, {left}, {bottom}, {right}, {fill})")
            }
            Self::Resize { factor: [v, u], method, half_pixel } => {
                let mode = match method {
                    Method::Nearest => "nearest",
                    Method::Linear => "bilinear",
                    Method::Cubic => "bicubic",
                };
                let coordinates = if *half_pixel { "half_pixel" } else { "asymmetric" };
                write!(f, "resize([{},{}], mode={mode}, coordinates={coordinates})", number(v), number(u))
            }
            Self::Permute(order) => write!(f, "permute([{}])", listed(order, i64::to_string, ",")),
            Self::ChannelShuffle(groups) => write!(f, "channel_shuffle({groups})"),
            Self::ChannelMean => f.write_str("channel_mean"),
            Self::Entrywise(function) => match function {
                Entrywise::Leaky(slopes) if slopes.len() == 1 => {
                    write!(f, "leakyrelu({})", number(&slopes[0]))
                }
                Entrywise::Leaky(slopes) => write!(f, "prelu({})", vector(slopes)),
                Entrywise::Clip(0, 6) => f.write_str("relu6"),
                Entrywise::Clip(low, high) => write!(f, "clip({low}, {high})"),
                Entrywise::Abs => f.write_str("abs"),
                Entrywise::HardSigmoid => f.write_str("hardsigmoid"),
                Entrywise::HardSwish => f.write_str("hardswish"),
            },
            Self::Subsample(stride) => write!(f, "subsample({})", pair(*stride)),
            Self::Pad(all) if all.iter().all(|&side| side <= 0) => {
                let [top, left, bottom, right] = all.map(|side| -side);
                write!(f, "crop({top}, {left}, {bottom}, {right})")
            }
            Self::Pad([top, left, bottom, right]) => write!(f, "pad({top}, {left}, {bottom}, {right})"),
            Self::Scale(values) => write!(f, "scale({})", vector(values)),
            Self::Bias(values) => write!(f, "bias({})", vector(values)),
            Self::BatchNorm([gamma, beta, mean, sigma]) => {
                let [gamma, beta, mean] = [gamma, beta, mean].map(|all| listed(all, i64::to_string, ", "));
                let var = listed(sigma, |s| format!("{}/100", 100 * s * s - 1), ", ");
                write!(f, "batchnorm([{gamma}], [{beta}], [{mean}], [{var}], eps=1/100)")
            }
            Self::Upsample(factor) => write!(f, "upsample({})", pair(*factor)),
            Self::ZeroInsert(factor) => write!(f, "zero_insert({})", pair(*factor)),
            Self::SpaceToDepth(block) => write!(f, "space_to_depth({block})"),
            Self::DepthToSpace(block) => write!(f, "depth_to_space({block})"),
            Self::Select(from, to) => write!(f, "select({from}, {to})"),
            Self::Relu => f.write_str("relu"),
            Self::GlobalAverage => f.write_str("global_avgpool"),
            Self::Gated { plus, first, gate } => {
                let (op, gate) = (if *plus { '+' } else { '*' }, text(gate));
                if *first { write!(f, "(({gate}) {op} id)") } else { write!(f, "(id {op} ({gate}))") }
            }
            Self::Dense(outputs, weights, bias) => {
                let rows: Vec<String> = weights
                    .chunks(weights.len() / *outputs as usize)
                    .map(|row| listed(row, i64::to_string, " "))
                    .collect();
                write!(f, "flatten -> dense([{}]{})", rows.join("; "), options(&[("bias", shown(bias), "")]))
            }
            Self::Sum(branches) => {
                let term = |(factor, branch): &(Written, Stack)| match factor {
                    (1, 1) => format!("({})", text(branch)),
                    factor => format!("({}) * ({})", text(branch), number(factor)),
                };
                write!(f, "({})", listed(branches, term, " + "))
            }
            Self::Concat(branches) => write!(f, "concat({})", listed(branches, |branch| text(branch), ", ")),
            Self::Power(inner, exponent) => write!(f, "({})^{exponent}", text(inner)),
        }
    }
}

/// A stack in the spec language.
pub(crate) fn text(stack: &[Layer]) -> String {
    if stack.is_empty() { "id".to_owned() } else { listed(stack, Layer::to_string, " -> ") }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Height => f.write_str("h"),
            Self::Width => f.write_str("w"),
            Self::Constant(value) => write!(f, "{value}"),
            Self::Plus(a, b) => write!(f, "({a} + {b})"),
            Self::Minus(a, b) => write!(f, "({a} - {b})"),
            Self::Times(a, b) => write!(f, "({a} * {b})"),
            Self::Remainder(a, m) => write!(f, "{a} % {m}"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare(a, operator, b) => write!(f, "{a} {operator} {b}"),
            Self::And(a, b) => write!(f, "({a} and {b})"),
            Self::Or(a, b) => write!(f, "({a} or {b})"),
            Self::Not(a) => write!(f, "not ({a})"),
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, [o, c, h, w]) in self.free.iter().enumerate() {
            match (o, c) {
                (1, 1) => writeln!(f, "kernel K{number}[{h},{w}]")?,
                _ => writeln!(f, "kernel K{number}[{o},{c},{h},{w}]")?,
            }
        }
        let [left, right] = self.sides.each_ref().map(|side| text(side));
        let relation = if self.within.is_some() { "~=" } else { "==" };
        write!(f, "prove: {left} {relation} {right}")?;
        if let Some([bound, range]) = &self.within {
            write!(f, " within {bound} for |x| <= {range}")?;
        }
        match &self.sizes {
            Sizes::All => Ok(()),
            Sizes::One([h, w]) => write!(f, " on [{h},{w}]"),
            Sizes::Where(condition) => write!(f, " where {condition}"),
        }
    }
}
