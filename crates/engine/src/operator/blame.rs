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
        Op::Broadcast([single, _]) => Ok(single.of),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Ends, Layer};

    #[test]
    fn examples_are_even_and_not_large() {
        let [whole, left, right] = [(); 3].map(|()| Origin::fresh());
        let crop = |n: i64, at: Origin| Stack::layer(Layer::Pad([Ends { before: -n, after: 0 }; AXES]), at);
        let example = |crops: [i64; 2]| {
            let sum = crop(crops[0], left).plus(&crop(crops[1], right), [false; 2], whole);
            branch_example(&sum, 1, [left, right])
        };
        assert_eq!(example([1, 2]), Some([[8; 2], [7; 2], [6; 2]]));
        // The first even size at which both have an output.
        assert_eq!(example([10, 9]), Some([[12; 2], [2; 2], [3; 2]]));
        assert_eq!(example([254, 255]), Some([[256; 2], [2; 2], [1; 2]]));
        assert_eq!(example([255, 256]), None);
        assert_eq!(example([3, 3]), None);
    }
}
