//! Why a file gives no array, as data.

use std::fmt;

use super::{MAX_AXES, MAX_VALUES};

/// Why a file gives no array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The extension is not `.npy`, `.npz`, `.safetensors` or `.onnx`.
    UnknownFormat,
    /// The file does not follow its format.
    Malformed,
    /// A version or a kind of compression that is not read.
    UnsupportedFormat,
    /// Elements that are not booleans, integers or floats of 16, 32 or 64 bits.
    UnsupportedType {
        /// The type as the file names it.
        name: String,
    },
    /// More or fewer bytes than the shape asks for.
    WrongLength,
    /// A value that is infinite or not a number.
    NotFinite {
        /// Its index, one number for each axis.
        index: Vec<usize>,
    },
    /// More than [`MAX_VALUES`] values, or more than `MAX_LONG_VALUES` long ones.
    TooManyValues,
    /// More than [`MAX_AXES`] axes.
    TooManyAxes,
    /// The file has several arrays and none was asked for.
    EntryNeeded {
        /// Their names.
        available: Vec<String>,
    },
    /// The file has no array of the name asked for.
    NoEntry {
        /// The names that it has.
        available: Vec<String>,
    },
    /// A model file that cannot be read.
    Model {
        /// Why.
        reason: String,
    },
    /// A name was asked for in a file of a single array without one.
    SingleArray,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFormat => write!(f, "not a .npy, .npz, .safetensors or .onnx file"),
            Self::Malformed => write!(f, "the file is damaged or of another format than its name says"),
            Self::UnsupportedFormat => write!(f, "the file uses a version or compression that is not read"),
            Self::UnsupportedType { name } => write!(f, "elements of type `{name}` are not read"),
            Self::WrongLength => write!(f, "the data are longer or shorter than the shape asks for"),
            Self::NotFinite { index } => write!(f, "the value at {index:?} is infinite or not a number"),
            Self::TooManyValues => write!(f, "more than {MAX_VALUES} values, or too many long ones"),
            Self::TooManyAxes => write!(f, "more than {MAX_AXES} axes"),
            Self::EntryNeeded { available } => write!(f, "choose one of the arrays {}", list(available)),
            Self::NoEntry { available } => write!(f, "no such array; there is {}", list(available)),
            Self::Model { reason } => write!(f, "{reason}"),
            Self::SingleArray => write!(f, "the file holds a single array, which has no name"),
        }
    }
}

impl std::error::Error for LoadError {}

/// The first names of a list.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 8;
    if names.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    shown.join(", ") + &more
}
