//! Why an operation on kernels has no result.

use std::fmt;

use super::{MAX_ENTRIES, Shape};

/// Why an operation on kernels has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelError {
    /// The result would exceed [`MAX_ENTRIES`], the memory or the work that one operation may take.
    TooLarge,
    /// A shape in which some extent is 0.
    EmptyShape,
    /// The number of values is not that of the shape.
    EntryCount {
        /// What the shape asks for.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// Two kernels that must have equal shapes have not.
    ShapeMismatch {
        /// Shape of the first.
        left: Shape,
        /// Shape of the second.
        right: Shape,
    },
    /// A composition whose first kernel has not as many outputs as the next one has inputs.
    ChannelMismatch {
        /// Output channels of the first kernel.
        outputs: usize,
        /// Input channels of the next kernel.
        inputs: usize,
    },
    /// A denominator of 0.
    ZeroDenominator,
    /// A factor (of dilation or repetition) that is 0.
    ZeroFactor,
    /// An entry that the kernel does not have.
    NoSuchEntry,
    /// An expansion with more monomials than `limit`.
    TooManyTerms {
        /// The limit.
        limit: usize,
    },
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the kernel is too large (at most {MAX_ENTRIES} entries)"),
            Self::EmptyShape => write!(f, "a kernel without entries"),
            Self::EntryCount { expected, found } => {
                write!(f, "{found} values where the shape has {expected}")
            }
            Self::ShapeMismatch { left, right } => write!(f, "shapes {left} and {right} differ"),
            Self::ChannelMismatch { outputs, inputs } => {
                write!(f, "{outputs} output channels meet {inputs} input channels")
            }
            Self::ZeroDenominator => write!(f, "the denominator is 0"),
            Self::ZeroFactor => write!(f, "the factor is 0"),
            Self::NoSuchEntry => write!(f, "no such entry"),
            Self::TooManyTerms { limit } => {
                write!(f, "the expansion has too many terms (at most {limit})")
            }
        }
    }
}

impl std::error::Error for KernelError {}
