//! What each layer does to channels, to lengths and to positions, said once. Shapes, strides and receptive fields, lowered layers and
//! reports read it here; what a layer makes of the entries that it reads is in `lower.rs` and, for layers that are stacks
//! of others, in `expand.rs`.

use super::error::OperatorError;
use super::gather::{Axis, SameRule, signed};
use super::length::Step;
use crate::axes::{AXES, Axes, Ends, each};
pub use crate::ir::Channels;
use crate::ir::{ConvTranspose, KernelTerm, Layer, Origin, Padding, Reads, Upsample};
use crate::kernel::{MAX_ENTRIES, Shape};
use convproof_exact::Limited;

impl Channels {
    /// Those of a layer.
    pub fn of(layer: &Layer) -> Self {
        let vector = |term: &KernelTerm| Self::Kept(Some(term.len()).filter(|&count| count > 1));
        match layer {
            Layer::Conv(conv) => {
                let shape = conv.kernel.shape();
                Self::Changed { takes: shape.inputs.saturating_mul(conv.groups), gives: shape.outputs }
            }
            Layer::ConvTranspose(conv) => {
                let shape = conv.kernel.shape();
                Self::Changed { takes: shape.outputs, gives: shape.inputs.saturating_mul(conv.groups) }
            }
            Layer::Scale(term) | Layer::Bias(term) => vector(term),
            Layer::SpaceToDepth(n) => Self::Multiplied(block(*n)),
            Layer::DepthToSpace(n) => Self::Divided(block(*n)),
            Layer::Select { from, to } => Self::Part([*from, *to]),
            Layer::Dense { weights, .. } => Self::Made(weights.shape().matrix()[0]),
            Layer::Composite(layer) => layer.channels(),
            Layer::Pool(_)
            | Layer::MaxPool(_)
            | Layer::Subsample(_)
            | Layer::Pad(_)
            | Layer::Upsample(_)
            | Layer::GlobalAverage
            | Layer::Function(_)
            | Layer::Relu => Self::Kept(None),
        }
    }

    /// How many come out.
    ///
    /// # Errors
    /// If it does not take as many as it gets.
    pub fn after(self, gets: usize, at: Origin) -> Result<usize, OperatorError> {
        let takes = |needs: usize, gives: usize| {
            if gets == needs { Ok(gives) } else { Err(OperatorError::Channels { at, needs, gets }) }
        };
        let multiple = |of: usize, gives: usize| {
            let fits = gets.is_multiple_of(of);
            if fits { Ok(gives) } else { Err(OperatorError::ChannelMultiple { at, of, gets }) }
        };
        match self {
            Self::Kept(needs) => takes(needs.unwrap_or(gets), gets),
            Self::KeptIn(of) => multiple(of, gets),
            Self::Changed { takes: needs, gives } => takes(needs, gives),
            Self::Multiplied(n) => {
                let outputs = gets.saturating_mul(n);
                if outputs.exceeds(MAX_ENTRIES) { Err(OperatorError::TooLarge { at }) } else { Ok(outputs) }
            }
            Self::Divided(n) => multiple(n, gets / n.max(1)),
            Self::Part([_, to]) if to > gets => Err(OperatorError::Channels { at, needs: to, gets }),
            Self::Part([from, to]) => Ok(to - from),
            Self::Made(n) => Ok(n),
        }
    }

    /// How many the layer asks for, if for a number of its own.
    pub fn asked(self) -> Option<usize> {
        match self {
            Self::Kept(takes) => takes,
            Self::Changed { takes, .. } => Some(takes),
            _ => None,
        }
    }

    /// Whether as many come out as it gets, whatever it gets.
    pub fn are_kept(self) -> bool {
        matches!(self, Self::Kept(_) | Self::KeptIn(_))
    }
}

/// What the outputs of a layer read, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "one is made for a layer, and gone at once")]
pub enum Moves {
    /// A window each, at regular positions.
    Window(Window),
    /// Entries at this ratio `[p, q]` of an output's length to the image's, along each axis.
    Between(Axes<[i64; 2]>),
    /// All of the image.
    Whole,
}

/// A window that moves along all axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its extent along each axis, with what lies between entries that are read.
    pub extent: Axes<i64>,
    /// How it moves.
    pub axes: Axes<Axis>,
    /// The output's length along each axis.
    pub steps: Axes<Step>,
}

impl Window {
    /// Every output reads its own position.
    fn still() -> Self {
        Self { extent: [1; AXES], axes: [Axis::IDENTITY; AXES], steps: [Step::new(1, 0, 1); AXES] }
    }

    /// Whether every output is where its only entry is, and there are as many.
    pub(super) fn is_still(&self) -> bool {
        *self == Self::still()
    }

    /// The only output reads an image of this size.
    pub(super) fn whole(size: Axes<i64>) -> Self {
        Self { extent: size, steps: size.map(|n| Step::window(n, 1, 0, 0)), ..Self::still() }
    }

    /// That of a transposed convolution.
    fn transposed(conv: &ConvTranspose) -> Self {
        let extent = extents(conv.kernel.shape(), conv.dilation);
        let up = conv.stride.map(signed);
        let axes = each(|axis| {
            let offset = extent[axis] - 1 - conv.padding[axis].before;
            Axis { up: up[axis], offset, ..Axis::IDENTITY }
        });
        let steps = each(|axis| {
            let more = signed(conv.output_padding[axis]) - conv.padding[axis].sum();
            Step::new(up[axis], extent[axis] + more - up[axis], 1)
        });
        Self { extent, axes, steps }
    }

    /// That of entries repeated, or with zeros after them.
    fn upsampled(upsample: Upsample) -> Self {
        let up = upsample.factor.map(signed);
        let extent = if upsample.nearest { up } else { [1; AXES] };
        let axes = each(|axis| Axis { up: up[axis], offset: extent[axis] - 1, ..Axis::IDENTITY });
        Self { extent, axes, steps: up.map(|up| Step::new(up, 0, 1)) }
    }

    /// Zeros, or anything else, around the image.
    fn padded(ends: Axes<Ends>) -> Self {
        let axes = ends.map(|ends| Axis { offset: ends.before, ..Axis::IDENTITY });
        let steps = ends.map(|ends| Step::new(1, ends.sum(), 1));
        Self { axes, steps, ..Self::still() }
    }

    /// A window of some extent over an image that is padded.
    fn over(extent: Axes<i64>, stride: Axes<usize>, padding: Padding, ceil_mode: bool) -> Self {
        let along = each(|axis| along(extent[axis], signed(stride[axis]), padding, axis, ceil_mode));
        Self { extent, axes: along.map(|(axis, _)| axis), steps: along.map(|(_, step)| step) }
    }
}

/// How a window moves along one axis.
fn along(extent: i64, down: i64, padding: Padding, axis: usize, ceil_mode: bool) -> (Axis, Step) {
    let plain = Axis { down, ..Axis::IDENTITY };
    let rule = |upper| SameRule { stride: down, extent, upper };
    let rule = match padding {
        Padding::Sides(all) => {
            let Ends { before, after } = all[axis];
            let step = if ceil_mode {
                // PyTorch: the last window must start inside the image or the padding before it.
                let last = (after - extent + down).min(0);
                Step::new(1, before + down - 1 + last, down)
            } else {
                Step::window(extent, down, before, after)
            };
            return (Axis { offset: before, ..plain }, step);
        }
        Padding::SameUpper => rule(true),
        Padding::SameLower => rule(false),
    };
    let step = Step::new(1, down - 1, down);
    if down == 1 {
        // The padding does not depend on the size.
        return (Axis { offset: rule.before(extent), ..plain }, step);
    }
    (Axis { same: Some(rule), ..plain }, step)
}

impl Moves {
    /// Those of a layer whose numbers are within limits.
    pub fn of(layer: &Layer) -> Self {
        Self::Window(match layer {
            Layer::Conv(conv) => {
                let extent = extents(conv.kernel.shape(), conv.dilation);
                Window::over(extent, conv.stride, conv.padding, false)
            }
            Layer::ConvTranspose(conv) => Window::transposed(conv),
            Layer::Pool(pool) => {
                Window::over(pool.size.map(signed), pool.stride, pool.padding, pool.ceil_mode)
            }
            Layer::MaxPool(pool) => {
                Window::over(pool.size.map(signed), pool.stride, pool.padding, pool.ceil_mode)
            }
            Layer::Subsample(stride) => Window::over([1; AXES], *stride, Padding::Sides(Ends::NONE), false),
            Layer::Pad(ends) => Window::padded(*ends),
            Layer::Upsample(upsample) => Window::upsampled(*upsample),
            Layer::SpaceToDepth(n) => {
                let n = signed(*n);
                let axes = [Axis { down: n, ..Axis::IDENTITY }; AXES];
                Window { extent: [n; AXES], axes, steps: [Step::divided(n); AXES] }
            }
            Layer::DepthToSpace(n) => {
                let n = signed(*n);
                let axes = [Axis { up: n, offset: n - 1, ..Axis::IDENTITY }; AXES];
                Window { extent: [n; AXES], axes, steps: [Step::new(n, 0, 1); AXES] }
            }
            Layer::Composite(layer) => match layer.reads() {
                Reads::Position => Window::still(),
                Reads::Padded(ends) => Window::padded(ends),
                Reads::Between(factor) => return Self::Between(factor),
                Reads::Image => return Self::Whole,
            },
            Layer::GlobalAverage | Layer::Dense { .. } => return Self::Whole,
            Layer::Scale(_) | Layer::Bias(_) | Layer::Select { .. } | Layer::Function(_) | Layer::Relu => {
                Window::still()
            }
        })
    }
}

/// Largest stride, dilation, window, factor or padding of a layer.
const MAX_PARAMETER: i64 = 1 << 20;

/// An error for layers with numbers so large that positions might leave 64 bits.
pub(super) fn within_limits(layer: &Layer, at: Origin) -> Result<(), OperatorError> {
    let ends = |padding: &Padding| if let Padding::Sides(ends) = padding { *ends } else { Ends::NONE };
    let one = [1; AXES];
    let (amounts, ends) = match layer {
        Layer::Conv(conv) => ([conv.stride, conv.dilation], ends(&conv.padding)),
        Layer::ConvTranspose(conv) => {
            let most = each(|axis| conv.stride[axis].max(conv.output_padding[axis]));
            ([most, conv.dilation], conv.padding)
        }
        Layer::Pool(pool) => ([pool.size, pool.stride], ends(&pool.padding)),
        Layer::MaxPool(pool) => ([pool.size, pool.stride], ends(&pool.padding)),
        Layer::Subsample(stride) => ([*stride, one], Ends::NONE),
        Layer::Upsample(upsample) => ([upsample.factor, one], Ends::NONE),
        Layer::SpaceToDepth(n) | Layer::DepthToSpace(n) => ([[*n; AXES], one], Ends::NONE),
        Layer::Pad(ends) => ([one, one], *ends),
        Layer::Scale(_)
        | Layer::Bias(_)
        | Layer::Select { .. }
        | Layer::GlobalAverage
        | Layer::Dense { .. }
        | Layer::Composite(_)
        | Layer::Function(_)
        | Layer::Relu => return Ok(()),
    };
    let fits = |side: i64| (-MAX_PARAMETER..=MAX_PARAMETER).contains(&side);
    let fits = amounts.iter().flatten().all(|&amount| signed(amount).within(MAX_PARAMETER))
        && ends.iter().all(|ends| fits(ends.before) && fits(ends.after));
    if fits { Ok(()) } else { Err(OperatorError::TooLarge { at }) }
}

/// What a dilated kernel spans along each axis.
fn extents(shape: Shape, dilation: Axes<usize>) -> Axes<i64> {
    each(|axis| signed((shape.extents()[axis] - 1) * dilation[axis] + 1))
}

/// Entries of a block of n along each axis.
pub fn block(n: usize) -> usize {
    [n; AXES].iter().product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_within_limits_each_by_itself() {
        let most = usize::try_from(MAX_PARAMETER).unwrap();
        let check = |layer: Layer| within_limits(&layer, Origin::NOWHERE).is_ok();
        assert!(check(Layer::Subsample([1, most])) && !check(Layer::Subsample([1, most + 1])));
        let pad = |before, after| Layer::Pad([Ends::default(), Ends { before, after }]);
        assert!(check(pad(-MAX_PARAMETER, MAX_PARAMETER)));
        assert!(!check(pad(-MAX_PARAMETER - 1, 0)) && !check(pad(0, MAX_PARAMETER + 1)));
        assert!(check(Layer::SpaceToDepth(most)) && !check(Layer::DepthToSpace(most + 1)));
        assert!(check(Layer::Relu) && check(Layer::GlobalAverage));
    }
}
