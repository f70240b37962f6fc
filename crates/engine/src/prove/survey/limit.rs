//! Why a survey stops short.

use crate::operator::OperatorError;
use crate::prove::verdict::Limit;

/// Why a survey stops short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SurveyLimit {
    /// Sizes, strides or paddings are too large to look at every size.
    Operator(OperatorError),
    /// Everything shows only at lengths below `needed`, more than `most`.
    Lengths {
        /// The first length that need not be looked at.
        needed: i64,
        /// The limit.
        most: i64,
    },
    /// More positions or pairs of patterns than the limits.
    Positions,
    /// Polynomials outgrew their limit.
    Terms,
}

impl From<OperatorError> for SurveyLimit {
    fn from(error: OperatorError) -> Self {
        Self::Operator(error)
    }
}

impl SurveyLimit {
    /// The limit as a verdict names it.
    pub fn limit(&self) -> Limit {
        match *self {
            Self::Operator(_) => Limit::Period,
            Self::Lengths { needed, most } => Limit::Lengths { needed, most },
            Self::Positions => Limit::Positions,
            Self::Terms => Limit::Terms,
        }
    }
}
