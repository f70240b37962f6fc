//! Why a stack has no normal form, as data.

use crate::ir::Origin;
use crate::kernel::KernelError;

/// A stack that cannot be normalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorError {
    /// A layer gets another number of channels than it needs.
    Channels {
        /// The layer.
        at: Origin,
        /// Channels that it needs.
        needs: usize,
        /// Channels that it gets.
        gets: usize,
    },
    /// A layer needs a multiple of some number of channels.
    ChannelMultiple {
        /// The layer.
        at: Origin,
        /// The number that must divide the channels.
        of: usize,
        /// Channels that it gets.
        gets: usize,
    },
    /// Two branches have different numbers of output channels.
    BranchChannels {
        /// One branch and its channels.
        left: (Origin, usize),
        /// Another branch and its channels.
        right: (Origin, usize),
    },
    /// Two branches differ in size for every input.
    BranchSizes {
        /// One branch.
        left: Origin,
        /// Another branch.
        right: Origin,
    },
    /// `flatten -> dense`, and layers that are read at one input size only.
    NeedsSize {
        /// The layer.
        at: Origin,
    },
    /// The entries of the image do not fit the matrix.
    DenseInputs {
        /// The layer.
        at: Origin,
        /// Inputs of the matrix.
        needs: usize,
        /// Entries of the image.
        gets: usize,
    },
    /// A kernel operation failed.
    Kernel {
        /// The layer.
        at: Origin,
        /// Why.
        error: KernelError,
    },
    /// Strides, sizes or paddings multiply to more than the limits.
    TooLarge {
        /// The layer.
        at: Origin,
    },
    /// The sizes repeat with too long a period to look at all of them.
    PeriodTooLong,
}
