//! What can be said of a difference.

use crate::enclosure::Enclosure;

/// Something that is true of a difference.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// The operators differ, by name and settings.
    Operator {
        /// Before.
        before: String,
        /// After.
        after: String,
    },
    /// The weights agree, the bias does not, in so many channels of so many.
    Bias {
        /// Channels that differ.
        channels: usize,
        /// All channels.
        of: usize,
        /// A part of the bias whose absence is the whole difference: `true` if one was found.
        missing: bool,
    },
    /// An operand or attribute of the first file: without it the networks are equal, or equal up to rounding.
    Lost {
        /// What it is.
        what: String,
        /// The node, by operator and name, or all of an operator.
        node: String,
    },
    /// The same where a normalization of the first file has another epsilon.
    Epsilon {
        /// The node, by operator and name, or all of an operator.
        node: String,
        /// The epsilon with which nothing differs.
        value: f32,
    },
    /// One channel is larger by a factor, within rounding.
    Factor {
        /// The channel.
        channel: usize,
        /// About how much.
        factor: Enclosure,
        /// Whether the bias is larger by it too.
        bias: bool,
    },
    /// Channels that have the scale of another one.
    ScalesExchanged {
        /// Each with the one whose scale it has.
        pairs: Vec<(usize, usize)>,
    },
    /// Each weight has the scale of its input channel in place of its output channel's.
    ScaledInputs,
    /// Weights differ in these channels.
    Channels {
        /// The first of them.
        channels: Vec<usize>,
        /// How many there are.
        count: usize,
        /// All channels.
        of: usize,
    },
    /// One weight alone.
    OneWeight,
    /// The same weights, the image moved.
    Moved {
        /// By how much along each axis.
        by: Vec<i64>,
    },
    /// The same weights with other padding.
    Padding {
        /// Before: along each axis at the start, then along each at the end.
        before: Vec<i64>,
        /// After.
        after: Vec<i64>,
    },
    /// The same weights with input and output channels, or two axes of the image, exchanged.
    Exchanged,
    /// Equal where no padding is read; this far from the border at most, along each axis of the image.
    Border {
        /// Width of the ring.
        ring: Vec<i64>,
    },
    /// The extents of the value differ.
    Sizes,
    /// Other values are read.
    Sources,
    /// Nothing in the first network is like it.
    Alone,
    /// Too much to multiply out.
    TooLarge,
    /// Weights that are not finite, or constants of a function of which nothing is known.
    Unusable,
}
