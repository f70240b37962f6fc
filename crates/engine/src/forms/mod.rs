//! Stacks with channels, one output at a time: each output is a sum of words in matrices, whatever their size.
//!
//! [`blocks`] divides channels, [`net`] takes stacks and kernel expressions apart into nodes, [`weights`] reads kernels as letters, [`pattern`] finds
//! what output positions read at all sizes, [`arena`] holds sums of words; `prove/stacks/words.rs` decides.
//! `docs/semantics.md` has the theorem. What is not read here is [`Unsupported`], never guessed at.

pub mod arena;
pub mod blocks;
pub mod border;
pub mod generic;
pub mod net;
mod numbered;
pub mod pattern;
pub mod products;
pub mod range;
pub mod sums;
pub mod terms;
pub mod trace;
pub mod weights;

/// Why stacks are not read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsupported {
    /// A layer that is not read.
    Layer,
    /// A kernel that is not read: single entries of kernels with channels, for example.
    Kernel,
    /// Sizes that repeat too late, or sums that are too long.
    TooLarge,
}

impl From<arena::TooManyWords> for Unsupported {
    fn from(_: arena::TooManyWords) -> Self {
        Self::TooLarge
    }
}

impl From<crate::operator::OperatorError> for Unsupported {
    fn from(_: crate::operator::OperatorError) -> Self {
        Self::TooLarge
    }
}
