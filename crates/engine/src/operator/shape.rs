//! What comes out of a stack by its layers' shapes alone: channels and lengths. Looks at no kernel entries.

use std::sync::Arc;

use super::error::OperatorError;
use super::length::{Length, for_all_lengths};
use super::normal::longer;
use super::signature::{Channels, Moves, within_limits};
use crate::axes::{AXES, Axes, all, each, try_each};
use crate::ir::{Branch, Composite, Given, Layer, Op, Origin, Stack};
use crate::kernel::MAX_ENTRIES;
use convproof_exact::Limited;
use convproof_exact::budget;

/// Most channels that an input is tried with where no layer says how many it needs.
pub const MAX_INPUT_CHANNELS: usize = 4096;

/// Channels and lengths of a signal.
#[derive(Clone, Debug)]
pub struct Signal {
    /// Channels.
    pub channels: usize,
    /// Length along each axis as a function of the input's.
    pub length: Axes<Arc<Length>>,
}

impl Signal {
    /// An input with some channels.
    pub fn input(channels: usize) -> Self {
        Self { channels, length: each(|_| Arc::new(Length::Input)) }
    }

    /// Its size for one size of the input.
    pub fn at(&self, size: Axes<i64>) -> Option<Axes<i64>> {
        all(|axis| self.length[axis].at(size[axis]))
    }

    /// Its size where that of the input is known, or where it is the same for all of them.
    ///
    /// # Errors
    /// That a size is needed.
    fn known(&self, size: Option<Axes<i64>>, at: Origin) -> Result<Option<Axes<i64>>, OperatorError> {
        match size {
            Some(size) => Ok(self.at(size)),
            None => fixed(&self.length).map(Some).ok_or(OperatorError::NeedsSize { at }),
        }
    }
}

/// The size of a signal, if it is the same for all inputs.
pub fn fixed(length: &Axes<Arc<Length>>) -> Option<Axes<i64>> {
    all(|axis| length[axis].fixed())
}

/// What a stack makes of a signal; `size` is the input's where it is known.
///
/// # Errors
/// If channels or sizes do not fit, or `flatten -> dense` has no size to go by.
pub fn after(stack: &Stack, signal: Signal, size: Option<Axes<i64>>) -> Result<Signal, OperatorError> {
    stack.fold(signal, |op, origin| step(op, origin, size))
}

/// The signal that a value is, by those that it reads; `size` is the stack's input's where it is known.
///
/// # Errors
/// As for [`after`].
pub fn step(op: Given<'_, Signal>, origin: Origin, size: Option<Axes<i64>>) -> Result<Signal, OperatorError> {
    if let Op::Broadcast(both) = op {
        return broadcast(both, size);
    }
    let concat = matches!(op, Op::Concat(_));
    match op.branches() {
        Err((layer, signal)) => layer_after(layer, signal, origin, size),
        Ok(branches) => {
            let joined = branches.reduce(|left, right| {
                let origins = [left.origin, right.origin];
                let (a, b) = (left.of.channels, right.of.channels);
                let channels = if concat { a.saturating_add(b) } else { same_channels(a, b, origins)? };
                let length = agreed([&left.of.length, &right.of.length], origins)?;
                Ok(Branch { of: Signal { channels, length }, origin: left.origin })
            })?;
            Ok(joined.of)
        }
    }
}

/// The channels of a signal with one position, and the lengths of another one; `size` is that of the input where it is known.
pub(super) fn broadcast(
    [single, like]: [Branch<Signal>; 2],
    size: Option<Axes<i64>>,
) -> Result<Signal, OperatorError> {
    let found = match size {
        Some(size) => single.of.at(size).unwrap_or([1; AXES]),
        None => fixed(&single.of.length).unwrap_or_default(),
    };
    if found != [1; AXES] {
        return Err(OperatorError::BranchSizes { left: single.origin, right: like.origin });
    }
    let length = try_each(|axis| like.of.length[axis].where_other(&single.of.length[axis]))?;
    Ok(Signal { channels: single.of.channels, length })
}

/// Whether a stack has one output position, whatever the size of its input.
pub fn is_single(stack: &Stack) -> bool {
    let single = stack.fold(false, |op, origin| {
        Ok::<_, OperatorError>(match op {
            Op::Layer(layer, single) => {
                within_limits(layer, origin)?;
                match Moves::of(layer) {
                    Moves::Window(window) => {
                        single && window.steps.iter().all(|step| step.apply(1) == Some(1))
                    }
                    Moves::Whole => match layer {
                        Layer::Composite(Composite::AdaptivePool { size, .. }) => *size == [1; AXES],
                        layer => matches!(layer, Layer::GlobalAverage | Layer::Dense { .. }),
                    },
                    Moves::Between(_) => false,
                }
            }
            Op::Broadcast([_, like]) => like.of,
            op => op.reads().into_iter().all(|single| single),
        })
    });
    single == Ok(true)
}

fn layer_after(
    layer: &Layer,
    signal: Signal,
    at: Origin,
    size: Option<Axes<i64>>,
) -> Result<Signal, OperatorError> {
    let channels = |gets| Channels::of(layer).after(gets, at);
    if let Layer::Composite(layer) = layer {
        channels(signal.channels)?;
        // Where nothing reaches it there is no output, whatever the size is taken to be.
        let own = size.map(|size| signal.at(size).unwrap_or([1; AXES]));
        let inner = super::expand::expanded(layer, at, signal.channels, own)?;
        // What is inside has no size of its own to ask for.
        return after(&inner, signal, None);
    }
    let channels = channels(signal.channels)?;
    if let Layer::Dense { weights, .. } = layer {
        let gets = signal.known(size, at)?.map(|size| {
            size.map(super::gather::index).into_iter().fold(signal.channels, usize::saturating_mul)
        });
        let [_, needs] = weights.shape().matrix();
        // Where nothing reaches it there is no output, whatever its matrix.
        if let Some(gets) = gets.filter(|&gets| gets != needs) {
            return Err(OperatorError::DenseInputs { at, needs, gets });
        }
    }
    within_limits(layer, at)?;
    let length = match Moves::of(layer) {
        Moves::Window(window) => longer(&signal.length, window.steps, at)?,
        Moves::Whole | Moves::Between(_) => signal.length.map(|length| Arc::new(Length::One(length))),
    };
    Ok(Signal { channels, length })
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
    [left, right]: [&Axes<Arc<Length>>; 2],
    origins: [Origin; 2],
) -> Result<Axes<Arc<Length>>, OperatorError> {
    let common = each(|axis| left[axis].agree(&right[axis]));
    for axis in 0..AXES {
        let never = left[axis] != right[axis]
            && for_all_lengths(&[&common[axis]], 1, |n| common[axis].at(n).is_none())?;
        if never {
            return Err(OperatorError::BranchSizes { left: origins[0], right: origins[1] });
        }
    }
    Ok(common)
}

/// Channels and size of a value, by those that it reads; `None` where there is no output.
///
/// # Errors
/// As for [`after`].
pub fn sized(
    op: &Given<'_, (usize, Axes<i64>)>,
    origin: Origin,
) -> Result<Option<(usize, Axes<i64>)>, OperatorError> {
    if let Op::Broadcast([single, like]) = op {
        let ((channels, size), (_, like)) = (single.of, like.of);
        return Ok((size == [1; AXES]).then_some((channels, like)));
    }
    let sizes: Vec<Axes<i64>> = op.clone().reads().into_iter().map(|(_, size)| size).collect();
    let signal = step(op.map(|(channels, _)| Signal::input(*channels)), origin, sizes.first().copied())?;
    let alike = sizes.iter().all(|size| *size == sizes[0]);
    Ok(if alike { signal.at(sizes[0]).map(|size| (signal.channels, size)) } else { None })
}

/// The output channels of a stack, lengths left aside.
///
/// # Errors
/// If channels do not fit.
pub fn outputs(stack: &Stack, channels: usize) -> Result<usize, OperatorError> {
    let same = |left: Branch<usize>, right: Branch<usize>| {
        same_channels(left.of, right.of, [left.origin, right.origin])?;
        Ok(left)
    };
    stack.fold(channels, |op, at| {
        budget::spend(10);
        let (concat, broadcast) = (matches!(op, Op::Concat(_)), matches!(op, Op::Broadcast(_)));
        match op.branches() {
            Err((layer, channels)) => Channels::of(layer).after(channels, at),
            Ok(branches) if broadcast => branches.into_iter().next().map_or(Ok(0), |single| Ok(single.of)),
            Ok(branches) if concat => {
                let total = branches.into_iter().fold(0_usize, |sum, part| sum.saturating_add(part.of));
                if total.exceeds(MAX_ENTRIES) { Err(OperatorError::TooLarge { at }) } else { Ok(total) }
            }
            Ok(branches) => Ok(branches.reduce(same)?.of),
        }
    })
}

/// The input channels that a stack asks for, and the layer that does; `None` where it takes any number or where
/// that is not plain from its first layers.
pub fn asked(stack: &Stack) -> Option<(usize, Origin)> {
    // What is handed on is whether channels are still the input's; the first that asks for some ends the search.
    let found = stack.fold(true, |op, origin| match op {
        Op::Layer(layer, true) => match Channels::of(layer).asked() {
            Some(channels) => Err((channels, origin)),
            None => Ok(Channels::of(layer).are_kept()),
        },
        Op::Layer(_, false) | Op::Concat(_) => Ok(false),
        Op::Broadcast([single, _]) => Ok(single.of),
        op => Ok(op.reads().into_iter().all(|kept| kept)),
    });
    found.err()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Ends, Function, NonEmpty, Upsample};

    #[test]
    fn one_position_is_told_where_it_is_one_for_every_input() {
        let layer = |layer: Layer| Stack::layer(layer, Origin::NOWHERE);
        let chain = |links: &[&Stack]| Stack::chain(links.iter().copied(), Origin::NOWHERE);
        let mean = layer(Layer::GlobalAverage);
        let sigmoid = layer(Layer::Function(Function::Sigmoid));
        let crop = layer(Layer::Pad([Ends { before: 0, after: -1 }; AXES]));
        let pad = layer(Layer::Pad([Ends { before: 1, after: 0 }; AXES]));
        let up = layer(Layer::Upsample(Upsample { factor: [1, 2], nearest: true }));
        let id = Stack::identity(Origin::NOWHERE);
        for single in [
            &mean,
            &chain(&[&sigmoid, &mean]),
            &chain(&[&mean, &sigmoid]),
            &chain(&[&mean, &mean]),
            &layer(Layer::Composite(Composite::AdaptivePool { size: [1, 1], maximum: true })),
            &Stack::product([&mean, &chain(&[&mean, &sigmoid])], [true; 2], Origin::NOWHERE),
            &chain(&[&id.plus(&mean, [false, true], Origin::NOWHERE), &mean]),
        ] {
            assert!(is_single(single), "{single:?}");
        }
        let both = Stack::concat(NonEmpty::of(vec![&id, &mean]).unwrap(), Origin::NOWHERE);
        for other in [
            &id,
            &crop,
            &sigmoid,
            &chain(&[&mean, &pad]),
            &chain(&[&mean, &up]),
            &layer(Layer::Composite(Composite::AdaptivePool { size: [1, 2], maximum: false })),
            // There is no output.
            &chain(&[&mean, &crop]),
            &both,
            &Stack::product([&id, &mean], [false, true], Origin::NOWHERE),
            &mean.plus(&id, [true, false], Origin::NOWHERE),
        ] {
            assert!(!is_single(other), "{other:?}");
        }
        let size = |stack: &Stack, size| {
            after(stack, Signal::input(3), None).map(|signal| (signal.channels, signal.at(size))).ok()
        };
        let gated = Stack::product([&id, &chain(&[&crop, &mean])], [false, true], Origin::NOWHERE);
        assert_eq!(size(&gated, [4, 2]), Some((3, Some([4, 2]))));
        assert_eq!(size(&gated, [4, 1]), Some((3, None)), "nothing is left to take a mean of");
        // What was said to be single and is not.
        assert_eq!(size(&Stack::product([&id, &crop], [false, true], Origin::NOWHERE), [4, 2]), None);
    }
}
