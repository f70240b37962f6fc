//! The verdict on two networks, with what shows it.

use crate::compare::Weight;
use crate::dim::Dim;
use crate::evaluate::EvaluationError;
use crate::finding::Finding;
use crate::witness::Witness;

/// Which of the two files is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first.
    Before,
    /// The second.
    After,
}

/// A term that differs.
pub struct Difference {
    /// Its number among the segments.
    pub segment: usize,
    /// What can be said of it.
    pub findings: Vec<Finding>,
}

/// Sizes by their rest modulo a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeClass {
    /// For each open extent: its name, the modulus, the rest.
    pub rests: Vec<(String, i64, i64)>,
}

/// The verdict on two networks.
pub enum Verdict {
    /// The same function over the reals.
    Equal,
    /// The same function with weights moved by at most this much, relative to the largest of their segment.
    Rounding {
        /// At most.
        most: f64,
        /// The segment with the largest movement, and the weight.
        worst: Option<(usize, Weight)>,
    },
    /// Different functions.
    Different(Box<Witness>),
    /// It could not be decided.
    Unknown(Vec<Reason>),
}

/// Why a verdict is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A term of the second network that was not found in the first; its number among the segments.
    Unmatched(usize),
    /// No input that was tried shows a difference.
    NotShown(usize),
    /// The networks cannot be evaluated.
    Unevaluated(EvaluationError),
    /// The comparison says equal, the evaluator that the outputs differ: a defect of this program.
    Contradiction,
    /// A file whose types do not fit, so that it is no network.
    IllTyped(Side, String),
    /// The second network makes sense only where two extents are equal, the first also elsewhere.
    Condition(Dim, Dim),
}

impl Verdict {
    /// The verdict's word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Rounding { .. } => "rounding",
            Self::Different(_) => "different",
            Self::Unknown(_) => "unknown",
        }
    }
}
