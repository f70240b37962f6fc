//! Composition of kernels with channels by products of matrices in floating point, on processors that are fast at it.
//! Exact when the primes determine the result, which the caller's bound proves.

use super::compose::Geometry;
use super::{Integers, Shape};
use convproof_exact::floating::channels::{Composition, MAX_SIDE, Operand, Place, padded};
use convproof_exact::floating::{available, small_primes_for};
use convproof_exact::{Limited, Wide};

/// No more residues than this are held at once, of all primes.
const MAX_RESIDUES: usize = 1 << 24;

/// For a result below `2^bits`: how many primes it takes, and an estimate of the time in nanoseconds. `None` where
/// this is not the way.
pub(crate) fn cost(geometry: Geometry, bits: u64) -> Option<(usize, u128)> {
    let Geometry { first: a, next: b, result, .. } = geometry;
    if result.height.max(result.width).exceeds(MAX_SIDE) || a.inputs.min(b.outputs) < 2 || !available() {
        return None;
    }
    let primes = small_primes_for(bits)?;
    let [outputs, inputs] = padded([b.outputs, a.inputs]);
    let (points, pairs) = (result.area(), outputs * inputs);
    let cells = [(pairs, result), (a.outputs * inputs, a), (outputs * b.inputs, b)];
    // What both axes of each array take, a row of points from each row of taps and then the columns.
    let taps = |shape: Shape| result.height * shape.width * (shape.height + result.width);
    let sums = cells.iter().map(|(pairs, shape)| pairs.saturating_mul(taps(*shape)));
    let sums = sums.fold(0, usize::saturating_add);
    let products = pairs.saturating_mul(a.outputs).saturating_mul(points);
    let most = cells.iter().map(|(pairs, _)| pairs.saturating_mul(points)).max()?;
    most.checked_mul(primes).filter(|&count| count.within(MAX_RESIDUES))?;
    let each = products as u128 / 6 + sums as u128 / 3;
    Some((primes, primes as u128 * each + 20 * (pairs * points) as u128))
}

/// The integers of the composition, if so many primes determine them.
pub(crate) fn convolve(first: &Integers, next: &Integers, geometry: Geometry, primes: usize) -> Wide {
    let Geometry { first: a, next: b, dilation, result } = geometry;
    let operand = |integers: &Integers, shape: Shape, place| {
        let shape = [shape.outputs, shape.inputs, shape.height, shape.width];
        match integers {
            Integers::Words(words) => Operand::from_words(words, shape, place),
            Integers::Wide(wide) => Operand::from_wide(wide, shape, place),
        }
    };
    let (first, next) = (operand(first, a, Place::First), operand(next, b, Place::Next));
    let channels = [b.outputs, a.outputs, a.inputs];
    let result = [result.height, result.width];
    Composition { first: &first, next: &next, dilation, channels, result }.integers(primes)
}
