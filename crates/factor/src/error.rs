//! Why a kernel has no factorization.

use std::fmt;

/// Why there is no factorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorError {
    /// The kernel is zero or has no entries.
    Zero,
    /// A stated bound on degrees, candidates or coefficients was reached.
    Limit,
    /// The requested shapes do not multiply to the shape of the kernel.
    Shapes,
}

impl fmt::Display for FactorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero => write!(f, "the zero kernel has no factorization"),
            Self::Limit => write!(f, "a bound of the factoriser was reached"),
            Self::Shapes => write!(f, "kernels of these shapes cannot multiply to a kernel of this shape"),
        }
    }
}

impl std::error::Error for FactorError {}
