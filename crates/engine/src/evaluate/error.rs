//! Why an evaluation has no result, as data.

use std::fmt;

/// Why an evaluation has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvaluateError {
    /// A layer would have an output of size 0 or less.
    NoOutput,
    /// Outputs that are added or joined, or the input of `dense`, have the wrong size.
    SizeMismatch {
        /// Channels, height and width of the first output, or the entries that `dense` takes.
        left: [usize; 3],
        /// Channels, height and width of the other.
        right: [usize; 3],
    },
    /// A layer was given the wrong number of channels, or a vector of them the wrong length.
    ChannelMismatch {
        /// What the layer takes.
        expected: usize,
        /// What it was given.
        found: usize,
    },
    /// Kernels whose shapes do not fit the operation.
    ShapeMismatch {
        /// `[out, in, height, width]` of the left operand, or of what is asked for.
        left: [usize; 4],
        /// `[out, in, height, width]` of the right operand, or of what was given.
        right: [usize; 4],
    },
    /// A window without any cell of the image, whose maximum or mean is undefined.
    EmptyWindow,
    /// A stride, dilation, factor or group count of 0, an empty sum, an entry outside of its kernel, a
    /// trimmed border that is not 0.
    Malformed,
    /// A division by 0.
    DivisionByZero,
    /// A square root that is not rational.
    Irrational,
    /// The value of a function that is not rational.
    Transcendental,
    /// The stack is not one strided convolution away from borders.
    NoKernel,
    /// More than `MAX_WORK` or `MAX_CELLS`.
    TooLarge,
    /// Nested deeper than `MAX_DEPTH`.
    TooDeep,
}

impl EvaluateError {
    /// Whether the stack is simply undefined on images of this size, as opposed to a fault of the stack, of
    /// the weights or of the evaluator's limits.
    pub fn is_no_output(&self) -> bool {
        matches!(self, Self::NoOutput | Self::SizeMismatch { .. } | Self::EmptyWindow)
    }
}

impl fmt::Display for EvaluateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOutput => write!(f, "a layer has no output at this size"),
            Self::SizeMismatch { left, right } => {
                write!(f, "an image of size {left:?} meets one of size {right:?}")
            }
            Self::ChannelMismatch { expected, found } => write!(f, "{found} channels instead of {expected}"),
            Self::ShapeMismatch { left, right } => write!(f, "kernels of shapes {left:?} and {right:?}"),
            Self::EmptyWindow => write!(f, "a pooling window lies outside of the image"),
            Self::Malformed => write!(f, "a layer or expression without meaning"),
            Self::DivisionByZero => write!(f, "division by 0"),
            Self::Irrational => write!(f, "a square root that is not rational"),
            Self::Transcendental => write!(f, "the value of a function that is not rational"),
            Self::NoKernel => write!(f, "the stack is not a single strided convolution"),
            Self::TooLarge => write!(f, "too much work for direct evaluation"),
            Self::TooDeep => write!(f, "nested too deeply for direct evaluation"),
        }
    }
}

impl std::error::Error for EvaluateError {}
