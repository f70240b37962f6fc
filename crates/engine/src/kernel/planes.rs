//! Composition of kernels of one channel by transforms in floating point, on processors that are fast at it. Exact
//! when the primes determine the result, which the caller's bound proves.

use super::compose::Geometry;
use super::{Integers, Shape};
use convproof_exact::floating::{self, Plane, transform_length};
use convproof_exact::{Limited, Wide};

/// No more residues than this are held at once, of all primes.
const MAX_RESIDUES: usize = 1 << 24;

/// For a result below `2^bits`: how many primes it takes, and an estimate of the time in nanoseconds. `None` where
/// this is not the way.
pub(crate) fn cost(geometry: Geometry, bits: u64) -> Option<(usize, u128)> {
    let Geometry { first: a, next: b, result, .. } = geometry;
    if !(a.is_plane() && b.is_plane() && floating::available()) {
        return None;
    }
    let primes = floating::primes_for(bits)?;
    let (rows, columns) = (transform_length(result.height)?, transform_length(result.width)?);
    let residues =
        rows.checked_mul(columns)?.checked_mul(primes).filter(|&count| count.within(MAX_RESIDUES))?;
    let levels = (rows.ilog2() + columns.ilog2()) as usize;
    Some((primes, (residues * (16 + levels) / 3 + 40 * primes * (rows + columns)) as u128))
}

/// The integers of the composition, if so many primes determine them.
pub(crate) fn convolve(first: &Integers, next: &Integers, geometry: Geometry, primes: usize) -> Wide {
    let Geometry { first: a, next: b, dilation, result } = geometry;
    let plane = |integers: &Integers, shape: Shape, spacing| match integers {
        Integers::Words(words) => Plane::from_words(words, [shape.height, shape.width], spacing),
        Integers::Wide(wide) => Plane::from_wide(wide, [shape.height, shape.width], spacing),
    };
    let (first, next) = (plane(first, a, [1, 1]), plane(next, b, dilation));
    floating::convolve(&first, &next, [result.height, result.width], primes)
}
