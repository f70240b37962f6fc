//! Where the parts of a mistake stand that does not lie in one layer alone.

use super::shape::{Signal, step};
use super::signature::Channels;
use crate::axes::{AXES, Axes};
use crate::ir::{Op, Origin, Stack};

/// Largest size at which branches are compared for an example.
const MAX_EXAMPLE: i64 = 256;

/// The layer that the channels reaching the layer at `target` come from; `None` where they are the input's.
pub fn channel_source(stack: &Stack, target: Origin) -> Option<Origin> {
    // What channels come from is the error of a search that ends at the target.
    let found = stack.fold(None, |op, origin| match op {
        Op::Layer(_, source) if origin == target => Err(source),
        Op::Layer(layer, _) if !Channels::of(layer).are_kept() => Ok(Some(origin)),
        Op::Layer(_, source) => Ok(source),
        Op::Sum(_) | Op::Product(_) | Op::Concat(_) => Ok(Some(origin)),
    });
    found.err().flatten()
}

/// An input size and the sizes of the two branches at these places, which differ there.
pub fn branch_example(stack: &Stack, channels: usize, branches: [Origin; 2]) -> Option<[Axes<i64>; 3]> {
    // What is joined without success is the error.
    let failed = stack.fold(Signal::input(channels), |op, origin| {
        step(op.clone(), origin, None).map_err(|_| op.branches().ok())
    });
    let joined = failed.err()??;
    let output =
        |origin: Origin| joined.iter().find(|branch| branch.origin == origin).map(|branch| &branch.of);
    let (left, right) = (output(branches[0])?, output(branches[1])?);
    // Even sizes are what people think of first.
    (4..=MAX_EXAMPLE / 2).map(|half| [2 * half; AXES]).find_map(|size| {
        let (a, b) = (left.at(size)?, right.at(size)?);
        (a != b).then_some([size, a, b])
    })
}
