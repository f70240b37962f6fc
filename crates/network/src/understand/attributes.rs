//! The attributes of a node, with their defaults.

use convproof_files::onnx::{Array, Attribute, Graph, Node};

use crate::number::Number;

/// Reads the attributes of a node.
#[derive(Clone, Copy)]
pub struct Attributes<'n>(pub &'n Node);

impl<'n> Attributes<'n> {
    fn get(self, name: &str) -> Option<&'n Attribute> {
        self.0.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// Whether there is one of this name.
    pub fn has(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// An integer.
    pub fn int(self, name: &str, default: i64) -> i64 {
        match self.get(name) {
            Some(Attribute::Int(value)) => *value,
            _ => default,
        }
    }

    /// Integers.
    pub fn ints(self, name: &str) -> Option<&'n [i64]> {
        match self.get(name) {
            Some(Attribute::Ints(values)) => Some(values),
            _ => None,
        }
    }

    /// A float as stored.
    pub fn float(self, name: &str) -> Option<f32> {
        match self.get(name) {
            Some(Attribute::Float(value)) => Some(*value),
            _ => None,
        }
    }

    /// A float as the number that it is.
    pub fn number(self, name: &str, default: f32) -> Option<Number> {
        Number::from_f64(self.float(name).unwrap_or(default).into())
    }

    /// Floats.
    pub fn floats(self, name: &str) -> Option<&'n [f32]> {
        match self.get(name) {
            Some(Attribute::Floats(values)) => Some(values),
            _ => None,
        }
    }

    /// A text.
    pub fn text(self, name: &str, default: &'n str) -> &'n str {
        match self.get(name) {
            Some(Attribute::Text(value)) => value,
            _ => default,
        }
    }

    /// An array.
    pub fn array(self, name: &str) -> Option<&'n Array> {
        match self.get(name) {
            Some(Attribute::Array(value)) => Some(value),
            _ => None,
        }
    }

    /// A graph.
    pub fn graph(self, name: &str) -> Option<&'n Graph> {
        match self.get(name) {
            Some(Attribute::Graph(value)) => Some(value),
            _ => None,
        }
    }

    /// All of them in one spelling; `None` if one holds a graph or is of a type that is not read.
    pub fn spelled(self) -> Option<String> {
        let mut texts = Vec::new();
        let operator = self.0.operator.as_str();
        for (name, value) in &self.0.attributes {
            let value = match value {
                Attribute::Float(value) => format!("{value:?}"),
                Attribute::Int(value) => value.to_string(),
                Attribute::Text(value) => format!("{value:?}"),
                Attribute::Floats(values) => format!("{values:?}"),
                Attribute::Ints(values) => format!("{values:?}"),
                Attribute::Texts(values) => format!("{values:?}"),
                Attribute::Array(array) => {
                    format!("{:?}{:?}{:?}", array.element(), array.dims(), array.bytes())
                }
                Attribute::Graph(_) | Attribute::Other(_) => return None,
            };
            if !is_default(operator, name, &value) {
                texts.push(format!(" {name}={value}"));
            }
        }
        texts.sort();
        Some(texts.concat())
    }
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
        "InstanceNormalization" | "BatchNormalization" => &[("epsilon", "1e-5")],
        _ => &[],
    };
    let everywhere = name == "auto_pad" && value == "\"NOTSET\"";
    everywhere || defaults.contains(&(name, value))
}
