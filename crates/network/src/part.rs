//! A part of a model file as a stack of the language, in its own words.
//!
//! What lies between two values is written with the layers that the language has; a node that it cannot say, or of
//! which something was not read, is an error that names it. Weights are not written but loaded from the same file.

use convproof_exact::Rational;
use convproof_files::onnx::{Model, Node};
use rustc_hash::FxHashMap;

use crate::attributes::Attributes;
use crate::operators::{NEWEST, is_read};
use crate::tensor::Tensor;

/// Longest text of a part.
const MAX_TEXT: usize = 1 << 16;
/// Most nodes between the two values, one that is passed on two ways counted twice.
const MAX_STEPS: usize = 1 << 12;

/// Why a part of a file is not said as a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartError {
    /// A value that the file does not have.
    NoValue {
        /// Its name.
        name: String,
    },
    /// Which value is meant is not said, and there are several.
    Several {
        /// What: `from` or `to`.
        which: &'static str,
        /// Their names.
        names: Vec<String>,
    },
    /// A value that is met on the way and rests on something else than `from`.
    Elsewhere {
        /// Its name.
        name: String,
    },
    /// A node that the language has no layer for.
    Unsaid {
        /// The node.
        node: String,
        /// What of it.
        reason: String,
    },
    /// More nodes, or a longer text, than is written.
    TooLarge,
}

impl std::fmt::Display for PartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoValue { name } => write!(f, "the file has no value `{name}`"),
            Self::Several { which, names } => {
                let shown: Vec<String> = names.iter().take(8).map(|name| format!("`{name}`")).collect();
                write!(f, "say `{which}=`: there are {}", shown.join(", "))
            }
            Self::Elsewhere { name } => {
                write!(f, "`{name}` does not rest on the value that the part begins with")
            }
            Self::Unsaid { node, reason } => {
                write!(
                    f,
                    "{node} is no layer of the language: {reason}; end the part before it, or compare whole files with `convproof diff`"
                )
            }
            Self::TooLarge => {
                write!(f, "the part is too large to be written as a stack; choose a smaller one")
            }
        }
    }
}

impl std::error::Error for PartError {}

/// The part of a model between two values as an expression of the language, which loads weights from this path.
///
/// # Errors
/// [`PartError`].
pub fn part(model: &Model, path: &str, from: Option<&str>, to: Option<&str>) -> Result<String, PartError> {
    let only = |which, names: Vec<&str>, given: Option<&str>| match (given, names.as_slice()) {
        (Some(name), _) => Ok(name.to_owned()),
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => {
            Err(PartError::Several { which, names: names.iter().map(ToString::to_string).collect() })
        }
    };
    let graph = &model.graph;
    let from = only("from", graph.inputs.iter().map(|port| port.name.as_str()).collect(), from)?;
    let to = only("to", graph.outputs.iter().map(|port| port.name.as_str()).collect(), to)?;
    let mut makers = FxHashMap::default();
    for node in &graph.nodes {
        makers.extend(
            node.outputs.iter().filter(|output| !output.is_empty()).map(|output| (output.as_str(), node)),
        );
    }
    let opset = model.opsets.iter().find(|(domain, _)| domain.is_empty()).map_or(1, |set| set.1);
    let mut writer = Writer { model, makers, path, from: &from, opset, left: MAX_STEPS };
    for name in [&from, &to] {
        let known = writer.makers.contains_key(name.as_str())
            || graph.inputs.iter().any(|input| input.name == **name);
        if !known {
            return Err(PartError::NoValue { name: name.clone() });
        }
    }
    writer.value(&to, 0)
}

struct Writer<'m> {
    model: &'m Model,
    makers: FxHashMap<&'m str, &'m Node>,
    path: &'m str,
    from: &'m str,
    opset: i64,
    left: usize,
}

/// What of a node is not said.
type Said = Result<String, String>;

impl<'m> Writer<'m> {
    /// The stack that makes a value of the first one.
    fn value(&mut self, name: &str, depth: usize) -> Result<String, PartError> {
        if name == self.from {
            return Ok("id".to_owned());
        }
        self.left = self.left.checked_sub(1).filter(|_| depth < 256).ok_or(PartError::TooLarge)?;
        let elsewhere = || PartError::Elsewhere { name: name.to_owned() };
        let node = *self.makers.get(name).ok_or_else(elsewhere)?;
        let unsaid = |reason: String| PartError::Unsaid { node: shown(node), reason };
        if node.outputs.first().is_none_or(|first| first != name) {
            return Err(unsaid("it has several results".to_owned()));
        }
        let attributes = Attributes::new(node);
        let defined = self.model.functions.iter().any(|f| *f == (node.domain.clone(), node.operator.clone()));
        if !is_read(&node.domain, &node.operator, self.opset) || self.opset > NEWEST || defined {
            return Err(unsaid("its meaning is not known".to_owned()));
        }
        let text = match node.operator.as_str() {
            "Add" | "Sum" if node.inputs.iter().all(|input| self.constant(input).is_none()) => {
                let parts = self.values(&node.inputs, depth)?;
                format!("({})", parts.join(" + "))
            }
            "Concat" => {
                if attributes.required_int("axis") != Some(1) {
                    return Err(unsaid("it joins another axis than that of the channels".to_owned()));
                }
                let parts = self.values(&node.inputs, depth)?;
                format!("concat({})", parts.join(", "))
            }
            _ => {
                let layer = self.layer(node, &attributes).map_err(unsaid)?;
                let inner = self.value(node.inputs.first().map_or("", String::as_str), depth + 1)?;
                match (inner.as_str(), layer) {
                    (_, None) => inner,
                    ("id", Some(layer)) => layer,
                    (_, Some(layer)) => format!("{inner} -> {layer}"),
                }
            }
        };
        if let Some(name) = attributes.unread() {
            return Err(unsaid(format!("its attribute `{name}` is not read")));
        }
        if text.len() > MAX_TEXT { Err(PartError::TooLarge) } else { Ok(text) }
    }

    fn values(&mut self, names: &[String], depth: usize) -> Result<Vec<String>, PartError> {
        let grouped = |text: String| if text.contains("->") { format!("({text})") } else { text };
        names.iter().map(|name| self.value(name, depth + 1).map(grouped)).collect()
    }

    /// The layer that a node is on its first operand; nothing for one that gives it back.
    fn layer(&self, node: &Node, attributes: &Attributes<'_>) -> Result<Option<String>, String> {
        let given = node.inputs.iter().filter(|input| !input.is_empty()).count();
        let at_most = |count: usize| {
            if given <= count { Ok(()) } else { Err("it has more operands than are read".to_owned()) }
        };
        Ok(Some(match node.operator.as_str() {
            "Identity" => return at_most(1).map(|()| None),
            "Relu" => at_most(1).map(|()| "relu".to_owned())?,
            "Abs" => at_most(1).map(|()| "abs".to_owned())?,
            "GlobalAveragePool" => at_most(1).map(|()| "global_avgpool".to_owned())?,
            "LeakyRelu" => {
                at_most(1).and_then(|()| Ok(format!("leakyrelu({})", float(attributes, "alpha", 0.01)?)))?
            }
            "HardSigmoid" => {
                at_most(1)?;
                let (a, b) = (float(attributes, "alpha", 0.2)?, float(attributes, "beta", 0.5)?);
                format!("hardsigmoid(a={a}, b={b})")
            }
            "Clip" if self.opset >= 11 => {
                at_most(3)?;
                let bound = |n: usize| self.number(node.inputs.get(n));
                let (low, high) = bound(1).zip(bound(2)).ok_or("both its bounds have to be numbers")?;
                format!("clip({low}, {high})")
            }
            "Conv" => self.conv(node, attributes).and_then(|text| at_most(3).map(|()| text))?,
            "ConvTranspose" => {
                self.conv_transpose(node, attributes).and_then(|text| at_most(3).map(|()| text))?
            }
            "BatchNormalization" => {
                at_most(5)?;
                attributes.ignore("momentum");
                if attributes.int("training_mode", 0) != 0 {
                    return Err("it is in training".to_owned());
                }
                let loads: Vec<String> = (1..5).map(|n| self.load(node, n, 1)).collect::<Result<_, _>>()?;
                format!("batchnorm({}, eps={})", loads.join(", "), float(attributes, "epsilon", 1e-5)?)
            }
            "MaxPool" | "AveragePool" => at_most(1).and_then(|()| pool(node, attributes))?,
            "Mul" | "Div" | "Add" | "Sub" => {
                at_most(2)?;
                let number = self.number(node.inputs.get(1)).ok_or("its second operand is not one number")?;
                match node.operator.as_str() {
                    "Mul" => format!("scale({number})"),
                    "Div" => format!("scale(1/({number}))"),
                    "Add" => format!("bias({number})"),
                    _ => format!("bias(-({number}))"),
                }
            }
            _ => return Err("there is none of this kind".to_owned()),
        }))
    }

    fn conv(&self, node: &Node, attributes: &Attributes<'_>) -> Said {
        let kernel = self.load(node, 1, 4)?;
        let sizes = self.sizes(node)?;
        if attributes.ints("kernel_shape").is_some_and(|said| said != sizes) {
            return Err("its `kernel_shape` is not that of its kernel".to_owned());
        }
        let mut text = format!("conv({kernel}");
        for (name, own) in [("strides", "stride"), ("dilations", "dilation")] {
            text.push_str(&pair(attributes, name, own)?);
        }
        text.push_str(&padding(attributes)?);
        text.push_str(&groups(attributes)?);
        text.push_str(&self.bias(node)?);
        Ok(text + ")")
    }

    fn conv_transpose(&self, node: &Node, attributes: &Attributes<'_>) -> Said {
        let kernel = self.load(node, 1, 4)?;
        let sizes = self.sizes(node)?;
        if attributes.ints("kernel_shape").is_some_and(|said| said != sizes) {
            return Err("its `kernel_shape` is not that of its kernel".to_owned());
        }
        if attributes.text("auto_pad", "NOTSET") != "NOTSET" {
            return Err("its padding is set by a rule".to_owned());
        }
        let mut text = format!("convtranspose({kernel}");
        for (name, own) in
            [("strides", "stride"), ("output_padding", "output_padding"), ("dilations", "dilation")]
        {
            text.push_str(&pair(attributes, name, own)?);
        }
        text.push_str(&padding(attributes)?);
        text.push_str(&groups(attributes)?);
        text.push_str(&self.bias(node)?);
        Ok(text + ")")
    }

    fn bias(&self, node: &Node) -> Said {
        if node.inputs.get(2).is_none_or(String::is_empty) {
            return Ok(String::new());
        }
        Ok(format!(", bias={}", self.load(node, 2, 1)?))
    }

    /// The array that a value is, behind nodes that give it back, and the name that it is loaded by.
    fn constant(&self, name: &str) -> Option<(String, Tensor)> {
        let mut name = name;
        for _ in 0..64 {
            if let Some((_, array)) = self.model.graph.constants.iter().find(|(own, _)| own == name) {
                return Some((name.to_owned(), array.clone().into()));
            }
            let node = self.makers.get(name)?;
            match node.operator.as_str() {
                "Identity" => name = node.inputs.first()?,
                "Constant" if node.attributes.len() == 1 => {
                    let array = Attributes::new(node).array("value")?;
                    return Some((name.to_owned(), array.clone().into()));
                }
                _ => return None,
            }
        }
        None
    }

    /// What loads the operand at a position, which is an array of so many axes.
    fn load(&self, node: &Node, position: usize, axes: usize) -> Said {
        let name = node.inputs.get(position).map_or("", String::as_str);
        let (name, tensor) =
            self.constant(name).ok_or_else(|| format!("`{name}` is not stored in the file"))?;
        if tensor.dims().len() != axes {
            return Err(format!("`{name}` has {} axes, not {axes}", tensor.dims().len()));
        }
        if [self.path, name.as_str()].iter().any(|text| text.contains(['"', '\\', '\n'])) {
            return Err("its name has quotes in it".to_owned());
        }
        Ok(format!("load(\"{}\", \"{name}\")", self.path))
    }

    /// The extents of the kernel of a node.
    fn sizes(&self, node: &Node) -> Result<Vec<i64>, String> {
        let kernel = node.inputs.get(1).and_then(|name| self.constant(name));
        let sizes = kernel.and_then(|(_, kernel)| {
            kernel.dims().get(2..)?.iter().map(|&extent| i64::try_from(extent).ok()).collect()
        });
        sizes.ok_or_else(|| "its kernel is not stored in the file".to_owned())
    }

    /// The number that a constant is.
    fn number(&self, name: Option<&String>) -> Option<Rational> {
        let (_, tensor) = self.constant(name?)?;
        if tensor.len() == 1 && tensor.dims().len() <= 1 { tensor.number(0)?.as_rational() } else { None }
    }
}

/// A node as reports name it.
fn shown(node: &Node) -> String {
    let name = if node.name.is_empty() { node.outputs.first() } else { Some(&node.name) };
    format!("{} `{}`", node.operator, name.map_or("", String::as_str))
}

/// The number that an attribute is, exactly.
fn float(attributes: &Attributes<'_>, name: &str, default: f32) -> Said {
    let value = attributes.float(name).unwrap_or(default);
    let number = Rational::from_f64(value.into());
    number.map(|number| number.to_string()).ok_or_else(|| format!("its attribute `{name}` is not finite"))
}

/// A setting of both axes, if the node has one.
fn pair(attributes: &Attributes<'_>, name: &str, own: &str) -> Said {
    match attributes.ints(name) {
        None => Ok(String::new()),
        Some(&[v, h]) => Ok(format!(", {own}=[{v},{h}]")),
        Some(_) => Err(format!("its attribute `{name}` is not one of two axes")),
    }
}

fn padding(attributes: &Attributes<'_>) -> Said {
    let pads = attributes.ints("pads");
    match (attributes.text("auto_pad", "NOTSET"), pads) {
        ("NOTSET", None) | ("VALID", None) => Ok(String::new()),
        ("NOTSET", Some(&[top, left, bottom, right])) => {
            Ok(format!(", padding=[{top},{left},{bottom},{right}]"))
        }
        ("SAME_UPPER", None) => Ok(", padding=same".to_owned()),
        ("SAME_LOWER", None) => Ok(", padding=same_lower".to_owned()),
        _ => Err("its padding is not one of two axes".to_owned()),
    }
}

fn groups(attributes: &Attributes<'_>) -> Said {
    match attributes.int("group", 1) {
        1 => Ok(String::new()),
        groups => Ok(format!(", groups={groups}")),
    }
}

fn pool(node: &Node, attributes: &Attributes<'_>) -> Said {
    let Some(&[height, width]) = attributes.ints("kernel_shape") else {
        return Err("its window is not one of two axes".to_owned());
    };
    let average = node.operator == "AveragePool";
    // Without strides windows overlap here, and follow each other in the language.
    let strides = pair(attributes, "strides", "stride")?;
    let strides = if strides.is_empty() { ", stride=1".to_owned() } else { strides };
    if attributes.ints("dilations").is_some_and(|dilations| dilations.iter().any(|&dilation| dilation != 1)) {
        return Err("its window has gaps".to_owned());
    }
    let mut text = if average { "avgpool(" } else { "maxpool(" }.to_owned();
    text.push_str(&format!("[{height},{width}]{strides}{}", padding(attributes)?));
    let up = attributes.int("ceil_mode", 0) != 0;
    if up && attributes.text("auto_pad", "NOTSET") != "NOTSET" {
        return Err("it rounds up with a rule for its padding".to_owned());
    }
    if average {
        let counted = attributes.int("count_include_pad", 0) != 0;
        if up && counted {
            return Err("what it counts where a window hangs over is read in different ways".to_owned());
        }
        text.push_str(&format!(", count_include_pad={counted}"));
    }
    Ok(text + if up { ", ceil_mode=true)" } else { ")" })
}
