//! What can go wrong when kernels are combined, as data.

use super::shape::Shape;

/// A kernel operation that has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelError {
    /// The number of entries is not that of the shape.
    WrongCount {
        /// The shape asked for.
        shape: Shape,
        /// Number of entries given.
        given: usize,
    },
    /// Entry by entry operations need one shape.
    ShapeMismatch {
        /// Shape of the left operand.
        left: Shape,
        /// Shape of the right operand.
        right: Shape,
    },
    /// The outputs of the first kernel are not the inputs of the next.
    ChannelMismatch {
        /// Shape of the kernel applied first.
        first: Shape,
        /// Shape of the kernel applied next.
        next: Shape,
    },
    /// More entries than `MAX_ENTRIES`.
    TooLarge {
        /// The shape asked for.
        shape: Shape,
    },
    /// More terms than an expansion may have.
    TooManyTerms {
        /// The limit.
        limit: usize,
    },
    /// The operation needs a kernel with one channel in and out, or of one row or column.
    WrongForm {
        /// The shape given.
        shape: Shape,
    },
    /// Division by zero, or by something that is not a single term.
    NotInvertible,
}
