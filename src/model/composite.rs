//! Layers with a definition of their own: functions of entries, padding with other entries than zeros, interpolation,
//! adaptive pooling, channels in another order.

use super::kernel::Kernel;
use super::layers::named;
use super::pair::{Pair, Sides};
use super::stack::{Stack, StackNode};
use crate::ir::{Coordinates, Function, Interpolation};
use crate::resolve::build::composite::PaddingMode;

/// What stands in padding.
pub type PadMode = PaddingMode;

/// A layer with a definition of its own.
#[derive(Clone)]
pub(super) enum Own {
    Leaky(Kernel),
    Clip(Kernel, Kernel),
    HardSigmoid,
    Pad { sides: Sides, mode: PadMode, value: Option<Kernel> },
    Resize { factor: Kernel, method: Interpolation, coordinates: Coordinates },
    Permute(Vec<usize>),
    Function(Function),
}

fn own(layer: Own) -> Stack {
    let depth = match &layer {
        Own::Leaky(kernel) | Own::Pad { value: Some(kernel), .. } | Own::Resize { factor: kernel, .. } => {
            kernel.depth
        }
        Own::Clip(low, high) => low.depth.max(high.depth),
        _ => 0,
    };
    Stack::of(StackNode::Own(layer), depth)
}

/// `max(x, 0) + a·min(x, 0)`: one slope for all channels, or one for each (`prelu`).
pub fn leakyrelu(slopes: impl Into<Kernel>) -> Stack {
    own(Own::Leaky(slopes.into()))
}

/// `min(max(x, low), high)`, of numbers without free symbols.
pub fn clip(low: impl Into<Kernel>, high: impl Into<Kernel>) -> Stack {
    own(Own::Clip(low.into(), high.into()))
}

/// `min(max(x, 0), 6)`.
pub fn relu6() -> Stack {
    named("relu6", [])
}

/// `|x|`.
pub fn abs() -> Stack {
    named("abs", [])
}

/// `min(max(x/6 + 1/2, 0), 1)`, as in PyTorch.
pub fn hardsigmoid() -> Stack {
    own(Own::HardSigmoid)
}

/// A function of each entry, such as the sigmoid, of which claims know that equal arguments have equal values.
pub fn function(function: Function) -> Stack {
    own(Own::Function(function))
}

/// A number around the image.
pub fn pad_with(sides: impl Into<Sides>, value: impl Into<Kernel>) -> Stack {
    own(Own::Pad { sides: sides.into(), mode: PadMode::Constant, value: Some(value.into()) })
}

/// Entries of the image, or zeros, around it.
pub fn pad_mode(sides: impl Into<Sides>, mode: PadMode) -> Stack {
    own(Own::Pad { sides: sides.into(), mode, value: None })
}

/// The image at `1 / factor` of the distance; a factor for both axes, or a vector of two.
pub fn resize(factor: impl Into<Kernel>, method: Interpolation, coordinates: Coordinates) -> Stack {
    own(Own::Resize { factor: factor.into(), method, coordinates })
}

/// The mean of each of so many windows per axis; for claims about one size.
pub fn adaptive_avgpool(size: impl Into<Pair>) -> Stack {
    named("adaptive_avgpool", [size.into()])
}

/// The largest entry of each of so many windows per axis; for claims about one size.
pub fn adaptive_maxpool(size: impl Into<Pair>) -> Stack {
    named("adaptive_maxpool", [size.into()])
}

/// Channel i of the output is the one named there; each once.
pub fn permute(order: impl IntoIterator<Item = usize>) -> Stack {
    own(Own::Permute(order.into_iter().collect()))
}

/// The channels as a matrix with so many rows, transposed.
pub fn channel_shuffle(groups: usize) -> Stack {
    named("channel_shuffle", [groups.into()])
}

/// The mean of all channels, as one.
pub fn channel_mean() -> Stack {
    named("channel_mean", [])
}
