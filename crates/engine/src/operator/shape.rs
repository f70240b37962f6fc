//! What comes out of a stack by its layers' shapes alone: channels and lengths. Looks at no kernel entries.

use std::sync::Arc;

use super::error::OperatorError;
use super::gather::signed;
use super::length::{Length, Step, for_all_lengths};
use super::lower::{extents, movement, pool_movement, transpose_movement};
use super::normal::longer;
use crate::ir::{Composite, KernelTerm, Layer, Origin, Stack, StackKind};
use crate::kernel::MAX_ENTRIES;
use convproof_exact::budget;

/// Most channels that an input is tried with where no layer says how many it needs.
pub const MAX_INPUT_CHANNELS: usize = 4096;

/// Channels and lengths of a signal.
#[derive(Clone, Debug)]
pub struct Signal {
    /// Channels.
    pub channels: usize,
    /// Length along each axis as a function of the input's.
    pub length: [Arc<Length>; 2],
}

impl Signal {
    /// An input with some channels.
    pub fn input(channels: usize) -> Self {
        Self { channels, length: [Arc::new(Length::Input), Arc::new(Length::Input)] }
    }

    /// Its size for one size of the input.
    pub fn at(&self, [height, width]: [i64; 2]) -> Option<[i64; 2]> {
        Some([self.length[0].at(height)?, self.length[1].at(width)?])
    }
}

/// What a stack makes of a signal; `size` is the input's where it is known.
///
/// # Errors
/// If channels or sizes do not fit, or `flatten -> dense` has no size to go by.
pub fn after(stack: &Stack, signal: Signal, size: Option<[i64; 2]>) -> Result<Signal, OperatorError> {
    match &stack.kind {
        StackKind::Layer(Layer::Composite(layer)) => {
            composite_outputs(layer, signal.channels, stack.origin)?;
            // Where nothing reaches it there is no output, whatever the size is taken to be.
            let own = size.map(|size| signal.at(size).unwrap_or([1; 2]));
            let inner = super::expand::expanded(layer, stack.origin, signal.channels, own)?;
            // What is inside has no size of its own to ask for.
            after(&inner, signal, None)
        }
        StackKind::Layer(layer) => {
            let channels = layer_outputs(layer, signal.channels, stack.origin)?;
            if let Layer::Dense { weights, .. } = layer {
                let size = size.ok_or(OperatorError::NeedsSize { at: stack.origin })?;
                let gets = signal.at(size).map(|size| {
                    let [height, width] = size.map(super::gather::index);
                    signal.channels.saturating_mul(height).saturating_mul(width)
                });
                let needs = weights.shape().width;
                // Where nothing reaches it there is no output, whatever its matrix.
                if let Some(gets) = gets.filter(|&gets| gets != needs) {
                    return Err(OperatorError::DenseInputs { at: stack.origin, needs, gets });
                }
            }
            let length = match layer {
                Layer::GlobalAverage | Layer::Dense { .. } => {
                    signal.length.map(|length| Arc::new(Length::One(length)))
                }
                layer => {
                    super::lower::within_limits(layer, stack.origin)?;
                    longer(&signal.length, steps(layer), stack.origin)?
                }
            };
            Ok(Signal { channels, length })
        }
        StackKind::Chain(links) => links.iter().try_fold(signal, |signal, link| after(link, signal, size)),
        StackKind::Sum(branches) => {
            joined(branches.iter().map(|(_, branch)| branch), &signal, size, same_channels)
        }
        StackKind::Product(factors) => joined(factors.iter(), &signal, size, same_channels),
        StackKind::Concat(branches) => joined(branches.iter(), &signal, size, |a, b, _| Ok(a + b)),
    }
}

/// The channels of branches that need equally many.
fn same_channels(a: usize, b: usize, origins: [Origin; 2]) -> Result<usize, OperatorError> {
    if a == b {
        return Ok(a);
    }
    Err(OperatorError::BranchChannels { left: (origins[0], a), right: (origins[1], b) })
}

/// The common length of two branches; an error when they differ for every input.
fn agreed(
    [left, right]: [&[Arc<Length>; 2]; 2],
    origins: [Origin; 2],
) -> Result<[Arc<Length>; 2], OperatorError> {
    let common = [0, 1].map(|axis| left[axis].agree(&right[axis]));
    for axis in 0..2 {
        let never = left[axis] != right[axis]
            && for_all_lengths(&[&common[axis]], 1, |n| common[axis].at(n).is_none())?;
        if never {
            return Err(OperatorError::BranchSizes { left: origins[0], right: origins[1] });
        }
    }
    Ok(common)
}

fn joined<'a>(
    branches: impl Iterator<Item = &'a Arc<Stack>>,
    signal: &Signal,
    size: Option<[i64; 2]>,
    channels: impl Fn(usize, usize, [Origin; 2]) -> Result<usize, OperatorError>,
) -> Result<Signal, OperatorError> {
    let mut sum: Option<(Signal, Origin)> = None;
    for branch in branches {
        let output = after(branch, signal.clone(), size)?;
        sum = Some(match sum {
            None => (output, branch.origin),
            Some((before, first)) => {
                let origins = [first, branch.origin];
                let channels = channels(before.channels, output.channels, origins)?;
                (Signal { channels, length: agreed([&before.length, &output.length], origins)? }, first)
            }
        });
    }
    Ok(sum.map_or_else(|| signal.clone(), |(sum, _)| sum))
}

/// The output channels of a stack, lengths left aside.
///
/// # Errors
/// If channels do not fit.
pub fn outputs(stack: &Stack, channels: usize) -> Result<usize, OperatorError> {
    budget::spend(10);
    match &stack.kind {
        StackKind::Layer(layer) => layer_outputs(layer, channels, stack.origin),
        StackKind::Chain(links) => links.iter().try_fold(channels, |channels, link| outputs(link, channels)),
        StackKind::Sum(branches) => common_outputs(branches.iter().map(|(_, branch)| branch), channels),
        StackKind::Product(factors) => common_outputs(factors.iter(), channels),
        StackKind::Concat(branches) => branches.iter().try_fold(0, |sum, branch| {
            let total: usize = sum + outputs(branch, channels)?;
            if total > MAX_ENTRIES { Err(OperatorError::TooLarge { at: stack.origin }) } else { Ok(total) }
        }),
    }
}

/// The output channels of branches, which are equally many.
fn common_outputs<'a>(
    branches: impl Iterator<Item = &'a Arc<Stack>>,
    channels: usize,
) -> Result<usize, OperatorError> {
    let mut first = None;
    for branch in branches {
        let found = outputs(branch, channels)?;
        let (origin, expected) = *first.get_or_insert((branch.origin, found));
        same_channels(expected, found, [origin, branch.origin])?;
    }
    Ok(first.map_or(channels, |(_, found)| found))
}

fn layer_outputs(layer: &Layer, channels: usize, at: Origin) -> Result<usize, OperatorError> {
    let needs = |needs: usize, gives: usize| {
        if channels == needs { Ok(gives) } else { Err(OperatorError::Channels { at, needs, gets: channels }) }
    };
    match layer {
        Layer::Conv(conv) => {
            let shape = conv.kernel.shape();
            needs(shape.inputs.saturating_mul(conv.groups), shape.outputs)
        }
        Layer::ConvTranspose(conv) => {
            let shape = conv.kernel.shape();
            needs(shape.outputs, shape.inputs.saturating_mul(conv.groups))
        }
        Layer::Scale(vector) | Layer::Bias(vector) => match vector_len(vector) {
            1 => Ok(channels),
            len => needs(len, len),
        },
        Layer::SpaceToDepth(n) => {
            let outputs = channels.saturating_mul(n * n);
            if outputs > MAX_ENTRIES { Err(OperatorError::TooLarge { at }) } else { Ok(outputs) }
        }
        Layer::DepthToSpace(n) if !channels.is_multiple_of(n * n) => {
            Err(OperatorError::ChannelMultiple { at, of: n * n, gets: channels })
        }
        Layer::DepthToSpace(n) => Ok(channels / (n * n)),
        Layer::Select { from, to } => {
            if *to > channels {
                Err(OperatorError::Channels { at, needs: *to, gets: channels })
            } else {
                Ok(to - from)
            }
        }
        Layer::Dense { weights, .. } => Ok(weights.shape().height),
        Layer::Pool(_)
        | Layer::MaxPool(_)
        | Layer::Subsample(_)
        | Layer::Pad(_)
        | Layer::Upsample(_)
        | Layer::GlobalAverage
        | Layer::Function(_)
        | Layer::Relu => Ok(channels),
        Layer::Composite(layer) => composite_outputs(layer, channels, at),
    }
}

fn composite_outputs(layer: &Composite, channels: usize, at: Origin) -> Result<usize, OperatorError> {
    match (super::expand::channels_of(layer), layer) {
        (Some(needs), _) if needs != channels => Err(OperatorError::Channels { at, needs, gets: channels }),
        (_, Composite::ChannelShuffle(of)) if !channels.is_multiple_of(*of) => {
            Err(OperatorError::ChannelMultiple { at, of: *of, gets: channels })
        }
        (_, Composite::ChannelMean) => Ok(1),
        _ => Ok(channels),
    }
}

fn vector_len(vector: &KernelTerm) -> usize {
    vector.len()
}

/// How a layer changes the length of each axis.
fn steps(layer: &Layer) -> [Step; 2] {
    let moved = |moves: [(super::gather::Axis, Step); 2]| moves.map(|(_, step)| step);
    match layer {
        Layer::Conv(conv) => {
            moved(movement(extents(conv.kernel.shape(), conv.dilation), conv.stride, conv.padding))
        }
        Layer::ConvTranspose(conv) => moved(transpose_movement(conv)),
        Layer::Pool(pool) => moved(pool_movement(pool.size, pool.stride, pool.padding, pool.ceil_mode)),
        Layer::MaxPool(pool) => moved(pool_movement(pool.size, pool.stride, pool.padding, pool.ceil_mode)),
        Layer::Subsample(stride) => stride.map(|s| Step::new(1, signed(s) - 1, signed(s))),
        Layer::Pad([top, left, bottom, right]) => {
            [top + bottom, left + right].map(|added| Step::new(1, added, 1))
        }
        Layer::Upsample(upsample) => upsample.factor.map(|factor| Step::new(signed(factor), 0, 1)),
        Layer::SpaceToDepth(n) => [Step::divided(signed(*n)); 2],
        Layer::DepthToSpace(n) => [Step::new(signed(*n), 0, 1); 2],
        Layer::Scale(_)
        | Layer::Bias(_)
        | Layer::Select { .. }
        | Layer::GlobalAverage
        | Layer::Dense { .. }
        | Layer::Composite(_)
        | Layer::Function(_)
        | Layer::Relu => [Step::new(1, 0, 1); 2],
    }
}

/// The input channels that a stack asks for, and the layer that does; `None` where it takes any number or where
/// that is not plain from its first layers.
pub fn asked(stack: &Stack) -> Option<(usize, Origin)> {
    match &stack.kind {
        StackKind::Layer(layer) => match layer {
            Layer::Conv(conv) => Some((conv.kernel.shape().inputs.saturating_mul(conv.groups), stack.origin)),
            Layer::ConvTranspose(conv) => Some((conv.kernel.shape().outputs, stack.origin)),
            Layer::Scale(vector) | Layer::Bias(vector) if vector_len(vector) > 1 => {
                Some((vector_len(vector), stack.origin))
            }
            Layer::Composite(layer) => super::expand::channels_of(layer).map(|count| (count, stack.origin)),
            _ => None,
        },
        StackKind::Chain(links) => {
            for link in links {
                if let Some(found) = asked(link) {
                    return Some(found);
                }
                if !keeps_channels(link) {
                    return None;
                }
            }
            None
        }
        StackKind::Sum(branches) => branches.iter().find_map(|(_, branch)| asked(branch)),
        StackKind::Product(factors) => factors.iter().find_map(|factor| asked(factor)),
        StackKind::Concat(branches) => branches.iter().find_map(|branch| asked(branch)),
    }
}

fn keeps_channels(stack: &Stack) -> bool {
    match &stack.kind {
        StackKind::Layer(layer) => !matches!(
            layer,
            Layer::SpaceToDepth(_)
                | Layer::DepthToSpace(_)
                | Layer::Select { .. }
                | Layer::Dense { .. }
                | Layer::Composite(Composite::ChannelMean)
        ),
        StackKind::Chain(links) => links.iter().all(|link| keeps_channels(link)),
        StackKind::Sum(branches) => branches.iter().all(|(_, branch)| keeps_channels(branch)),
        StackKind::Product(factors) => factors.iter().all(|factor| keeps_channels(factor)),
        StackKind::Concat(_) => false,
    }
}

/// The least number of input channels that all stacks accept.
///
/// # Errors
/// The mistake that the number which they ask for (or 1) leads to, if none is accepted.
pub fn input_channels(stacks: &[&Stack]) -> Result<usize, OperatorError> {
    let try_all = |channels: usize| stacks.iter().try_for_each(|stack| outputs(stack, channels).map(|_| ()));
    if let Some((channels, _)) = stacks.iter().find_map(|stack| asked(stack)) {
        return try_all(channels).map(|()| channels);
    }
    // With `dense` at an unknown depth any number fits here; the sizes decide later.
    match (1..=MAX_INPUT_CHANNELS).find(|&channels| try_all(channels).is_ok()) {
        Some(channels) => Ok(channels),
        None => try_all(1).map(|()| 1),
    }
}
