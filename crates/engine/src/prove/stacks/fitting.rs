//! Claims whose sides never fit: one side has no output for any image, or their outputs never have equally many channels.
//!
//! They are false as soon as one side has an output at a size that the claim speaks of; such a size is shown. Claims of
//! which neither side has one say nothing, and are refused before (`condition::says_something`).

use crate::ir::{Sizes, Stack, StackClaim, Symbols};
use crate::operator::OperatorError;
use crate::operator::shape::{Signal, after};
use crate::prove::survey::condition::{includes, says_something};
use crate::prove::verdict::counterexample::Mismatch;
use crate::prove::verdict::{StackRefutation, StackVerdict, StackWitness};
use crate::prove::witness::search;

/// Largest height and width that an example is looked for at, before others.
const FEW: i64 = 64;

/// What a side makes of images with some channels: a signal, or the reason why there is none for any image.
///
/// # Errors
/// Mistakes that do not keep a stack from having an output: limits, and layers that ask for a size.
pub fn signal(
    stack: &Stack,
    channels: usize,
    size: Option<[i64; 2]>,
) -> Result<Result<Signal, OperatorError>, OperatorError> {
    match after(stack, Signal::input(channels), size) {
        Ok(signal) => Ok(Ok(signal)),
        Err(
            error @ (OperatorError::BranchSizes { .. }
            | OperatorError::BranchChannels { .. }
            | OperatorError::Channels { .. }
            | OperatorError::ChannelMultiple { .. }),
        ) => Ok(Err(error)),
        Err(error) => Err(error),
    }
}

/// Refutes a claim whose sides never fit; `None` for all others.
///
/// # Errors
/// If a side cannot be read, or no side ever has an output.
pub fn decide(claim: &StackClaim, symbols: &Symbols) -> Result<Option<StackVerdict>, OperatorError> {
    let size = claim.sizes.one();
    let sides = [&claim.left, &claim.right];
    let [left, right] = sides.map(|stack| signal(stack, claim.channels, size));
    let signals = match (left?, right?) {
        (Ok(left), Ok(right)) if left.channels == right.channels => return Ok(None),
        (Ok(left), Ok(right)) => vec![left, right],
        (Ok(signal), Err(_)) | (Err(_), Ok(signal)) => vec![signal],
        (Err(error), Err(_)) => return Err(error),
    };
    let Some(size) = example(&claim.sizes, &signals)? else { return Ok(None) };
    let weights = search::plain_weights(claim, symbols);
    let found = Mismatch::replay(&claim.left, &claim.right, &weights, claim.channels, size);
    Ok(found.ok().map(|found| {
        let witness = StackWitness::Size(found);
        StackVerdict::Refuted(Box::new(StackRefutation::bare(witness)))
    }))
}

/// A size that a claim speaks of at which a signal exists, small if there is such a one.
fn example(sizes: &Sizes, signals: &[Signal]) -> Result<Option<[i64; 2]>, OperatorError> {
    if let Sizes::One(size) = sizes {
        return Ok(Some(*size));
    }
    let exists = |size: [i64; 2]| signals.iter().any(|signal| signal.at(size).is_some());
    let all = (1..=FEW).flat_map(|h| (1..=FEW).map(move |w| [h, w]));
    let found =
        all.filter(|&[h, w]| includes(sizes, [h, w]) && exists([h, w])).min_by_key(|[h, w]| (h * w, *h));
    if found.is_some() {
        return Ok(found);
    }
    let lengths = [&signals[0].length, &signals[signals.len() - 1].length];
    says_something(sizes, lengths)
}
