//! The attributes of a node, with their defaults.

use std::cell::Cell;

use convproof_files::onnx::{Array, Attribute, Graph, Node};

use crate::number::Number;

/// Reads the attributes of a node, and keeps which of them have been read: what nobody reads must not be dropped.
pub struct Attributes<'n> {
    node: &'n Node,
    read: Vec<Cell<bool>>,
}

impl<'n> Attributes<'n> {
    /// The attributes of a node, none of them read.
    pub fn new(node: &'n Node) -> Self {
        Self { node, read: vec![Cell::new(false); node.attributes.len()] }
    }

    /// What `pick` finds in the first attribute of this name, which then counts as read; one of another type is not.
    fn get<T>(&self, name: &str, pick: impl Fn(&'n Attribute) -> Option<T>) -> Option<T> {
        let place = self.node.attributes.iter().position(|(own, _)| own == name)?;
        let value = pick(&self.node.attributes[place].1)?;
        self.read[place].set(true);
        Some(value)
    }

    /// Whether there is one of this name; it does not count as read.
    pub fn has(&self, name: &str) -> bool {
        self.node.attributes.iter().any(|(own, _)| own == name)
    }

    /// Counts an attribute as read that has no meaning where a network is evaluated.
    pub fn ignore(&self, name: &str) {
        self.get(name, |_| Some(()));
    }

    /// Counts nothing as read.
    pub fn forget(&self) {
        self.read.iter().for_each(|read| read.set(false));
    }

    /// An attribute that has not been read and says more than its absence would.
    pub fn unread(&self) -> Option<&'n str> {
        let all = self.node.attributes.iter().zip(&self.read);
        let mut left = all.filter(|(_, read)| !read.get()).map(|(attribute, _)| attribute);
        let operator = self.node.operator.as_str();
        let says = |(name, value): &&(String, Attribute)| {
            spelling(value).is_none_or(|text| !is_default(operator, name, &text))
        };
        left.find(says).map(|(name, _)| name.as_str())
    }

    /// An integer.
    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.required_int(name).unwrap_or(default)
    }

    /// An integer that has no default.
    pub fn required_int(&self, name: &str) -> Option<i64> {
        self.get(name, |value| match value {
            Attribute::Int(value) => Some(*value),
            _ => None,
        })
    }

    /// Integers.
    pub fn ints(&self, name: &str) -> Option<&'n [i64]> {
        self.get(name, |value| match value {
            Attribute::Ints(values) => Some(values.as_slice()),
            _ => None,
        })
    }

    /// A float as stored.
    pub fn float(&self, name: &str) -> Option<f32> {
        self.get(name, |value| match value {
            Attribute::Float(value) => Some(*value),
            _ => None,
        })
    }

    /// A float as the number that it is.
    pub fn number(&self, name: &str, default: f32) -> Option<Number> {
        Number::from_f64(self.float(name).unwrap_or(default).into())
    }

    /// Floats.
    pub fn floats(&self, name: &str) -> Option<&'n [f32]> {
        self.get(name, |value| match value {
            Attribute::Floats(values) => Some(values.as_slice()),
            _ => None,
        })
    }

    /// A text.
    pub fn text(&self, name: &str, default: &'n str) -> &'n str {
        let text = |value: &'n Attribute| match value {
            Attribute::Text(value) => Some(value.as_str()),
            _ => None,
        };
        self.get(name, text).unwrap_or(default)
    }

    /// An array.
    pub fn array(&self, name: &str) -> Option<&'n Array> {
        self.get(name, |value| match value {
            Attribute::Array(value) => Some(value),
            _ => None,
        })
    }

    /// A graph.
    pub fn graph(&self, name: &str) -> Option<&'n Graph> {
        self.get(name, |value| match value {
            Attribute::Graph(value) => Some(&**value),
            _ => None,
        })
    }

    /// All of them in one spelling, defaults left out; `None` if one holds a graph or is of a type that is not read.
    pub fn spelled(&self) -> Option<String> {
        let mut texts = Vec::new();
        for (name, value) in &self.node.attributes {
            let value = spelling(value)?;
            if !is_default(&self.node.operator, name, &value) {
                texts.push(format!(" {name}={value}"));
            }
        }
        self.read.iter().for_each(|read| read.set(true));
        texts.sort();
        Some(texts.concat())
    }
}

/// A value as text; `None` for a graph, and for types that are not read.
fn spelling(value: &Attribute) -> Option<String> {
    Some(match value {
        Attribute::Float(value) => format!("{value:?}"),
        Attribute::Int(value) => value.to_string(),
        Attribute::Text(value) => format!("{value:?}"),
        Attribute::Floats(values) => format!("{values:?}"),
        Attribute::Ints(values) => format!("{values:?}"),
        Attribute::Texts(values) => format!("{values:?}"),
        Attribute::Array(array) => format!("{:?}{:?}{:?}", array.element(), array.dims(), array.bytes()),
        Attribute::Graph(_) | Attribute::Other(_) => return None,
    })
}

/// Whether an attribute says what is so without it; some tools write these.
fn is_default(operator: &str, name: &str, value: &str) -> bool {
    let defaults: &[(&str, &str)] = match operator {
        "Shape" => &[("start", "0")],
        "LSTM" | "GRU" | "RNN" => &[
            ("direction", "\"forward\""),
            ("layout", "0"),
            ("input_forget", "0"),
            ("linear_before_reset", "0"),
        ],
        "Resize" => &[
            ("cubic_coeff_a", "-0.75"),
            ("exclude_outside", "0"),
            ("extrapolation_value", "0.0"),
            ("antialias", "0"),
            ("keep_aspect_ratio_policy", "\"stretch\""),
            ("nearest_mode", "\"round_prefer_floor\""),
            ("coordinate_transformation_mode", "\"half_pixel\""),
            ("mode", "\"nearest\""),
        ],
        "Reshape" => &[("allowzero", "0")],
        "Pad" => &[("mode", "\"constant\"")],
        "Gather" | "GatherND" | "ScatterElements" | "GatherElements" => &[("axis", "0"), ("batch_dims", "0")],
        "TopK" => &[("axis", "-1"), ("largest", "1"), ("sorted", "1")],
        "ArgMax" | "ArgMin" => &[("axis", "0"), ("keepdims", "1"), ("select_last_index", "0")],
        "CumSum" => &[("exclusive", "0"), ("reverse", "0")],
        "InstanceNormalization" => &[("epsilon", "1e-5")],
        "LayerNormalization" | "Range" => &[("stash_type", "1")],
        "Cast" => &[("saturate", "1"), ("round_mode", "\"up\"")],
        "MaxPool" => &[("storage_order", "0"), ("ceil_mode", "0"), ("count_include_pad", "0")],
        "AveragePool" => &[("ceil_mode", "0"), ("count_include_pad", "0")],
        "Mod" => &[("fmod", "0")],
        "Elu" | "Celu" | "ThresholdedRelu" => &[("alpha", "1.0")],
        "Selu" => &[("alpha", "1.6732632"), ("gamma", "1.050701")],
        _ => &[],
    };
    let everywhere = name == "auto_pad" && value == "\"NOTSET\"";
    everywhere || defaults.contains(&(name, value))
}
