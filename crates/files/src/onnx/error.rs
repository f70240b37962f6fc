//! Why a model file is not read, as data.

use std::fmt;

/// Why a model file is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// Not the encoding of a model, or one that ends too early.
    Malformed {
        /// What the decoder says.
        reason: String,
    },
    /// A model without a graph.
    NoGraph,
    /// More nodes than [`super::MAX_NODES`], graphs inside nodes included.
    TooManyNodes,
    /// An array that cannot be used.
    Array {
        /// Its name, or the node that holds it.
        name: String,
        /// What is wrong with it.
        problem: ArrayProblem,
    },
}

/// What is wrong with an array of a model file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArrayProblem {
    /// A negative extent, or more elements than memory can address.
    Extents {
        /// The extents as stored.
        dims: Vec<i64>,
    },
    /// Strings, complex numbers, quantised numbers and the like.
    ElementType {
        /// The number of the type in the format.
        code: i32,
    },
    /// More or fewer data than the extents ask for.
    Length {
        /// Bytes that the extents ask for.
        wanted: usize,
        /// Bytes that there are.
        found: usize,
    },
    /// The data stand in another file, which cannot be had.
    External {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { reason } => write!(f, "not an ONNX model, or a damaged one: {reason}"),
            Self::NoGraph => write!(f, "the model has no graph"),
            Self::TooManyNodes => write!(f, "more than {} nodes", super::MAX_NODES),
            Self::Array { name, problem } => write!(f, "the array `{name}`: {problem}"),
        }
    }
}

impl fmt::Display for ArrayProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extents { dims } => write!(f, "extents {dims:?} are negative, or too large"),
            Self::ElementType { code } => write!(f, "elements of type {code} are not read"),
            Self::Length { wanted, found } => {
                write!(f, "its extents ask for {wanted} bytes of data, there are {found}")
            }
            Self::External { reason } => write!(f, "its data stand in another file: {reason}"),
        }
    }
}

impl std::error::Error for ModelError {}
