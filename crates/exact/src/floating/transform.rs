//! Discrete Fourier transforms of power-of-two lengths over the primes of `field.rs`, several lines at a time.
//! Frequencies come in bit-reversed order: only pointwise products between a transform and its inverse make sense.
//!
//! Two levels at a time, as in [`crate::transform`]: block `i` of a level holds a polynomial modulo `x^(2·half) − w²`,
//! which splits into those modulo `x^half − w` and `x^half + w`, `w` being entry `i` of the table. Bounds, in units of
//! p, with 1/2 standing for `reduce` (plus 2/p): forward values up to 3 stay so, as |x₀| ≤ 1/2, |x₂w|, |x₃w| ≤ 3/4 make
//! x₀ ± x₂w ≤ 5/4 and x₁ ± x₃w ≤ 15/4 ≤ 8, whose product with a root is ≤ 3/4 again, in sum ≤ 2 + 2/p. Backward
//! values up to 2 stay so: sums of two ≤ 4, of four ≤ 8, reduced or multiplied ≤ 3/4; two products ≤ 3/2.

use pulp::Simd;

use super::field::Twiddle;
use super::lanes::Lanes;
use crate::field::PrimeField;

/// Lines transformed together; their cells stand side by side.
pub(super) const LINES: usize = 8;

/// The transform of a fixed length, a power of two, modulo a fixed prime.
pub(super) struct LinePlan {
    length: usize,
    forward: Vec<Twiddle>,
    inverse: Vec<Twiddle>,
}

impl LinePlan {
    pub(super) fn new(field: &PrimeField, length: usize) -> Self {
        let root = field.root_of_unity(length as u64);
        let table = |root| -> Vec<Twiddle> {
            let powers = crate::transform::bit_reversed_powers(*field, root, length);
            powers.into_iter().map(|power| Twiddle::new(power, field)).collect()
        };
        Self { length, forward: table(root), inverse: table(field.invert(root)) }
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Transforms [`LINES`] lines. Entries and results are at most `3p`.
    #[inline(always)]
    pub(super) fn forward<S: Simd>(&self, lanes: Lanes<S>, cells: &mut [f64]) {
        let values = vectors::<S>(cells, self.length);
        let mut length = values.len();
        let shortest = values.len() / self.length;
        if self.length.ilog2() % 2 == 1 {
            let (low, high) = values.split_at_mut(length / 2);
            for (x, y) in low.iter_mut().zip(high) {
                let (a, b) = (lanes.reduce(*x), lanes.reduce(*y));
                (*x, *y) = (lanes.sum(a, b), lanes.difference(a, b));
            }
            length /= 2;
        }
        while length > shortest {
            for (index, block) in values.chunks_exact_mut(length).enumerate() {
                let weights = [
                    lanes.spread(self.forward[index]),
                    lanes.spread(self.forward[2 * index]),
                    lanes.spread(self.forward[2 * index + 1]),
                ];
                for [x0, x1, x2, x3] in quarters(block) {
                    let a0 = lanes.reduce(*x0);
                    let (a2, a3) = (lanes.times(*x2, weights[0]), lanes.times(*x3, weights[0]));
                    let (b0, b1) = (lanes.sum(a0, a2), lanes.sum(*x1, a3));
                    let (b2, b3) = (lanes.difference(a0, a2), lanes.difference(*x1, a3));
                    let (c1, c3) = (lanes.times(b1, weights[1]), lanes.times(b3, weights[2]));
                    (*x0, *x1) = (lanes.sum(b0, c1), lanes.difference(b0, c1));
                    (*x2, *x3) = (lanes.sum(b2, c3), lanes.difference(b2, c3));
                }
            }
            length /= 4;
        }
    }

    /// Replaces transforms by `length` times the originals. Entries and results are at most `2p`.
    #[inline(always)]
    pub(super) fn inverse<S: Simd>(&self, lanes: Lanes<S>, cells: &mut [f64]) {
        let values = vectors::<S>(cells, self.length);
        let mut length = values.len() / self.length;
        while 4 * length <= values.len() {
            length *= 4;
            for (index, block) in values.chunks_exact_mut(length).enumerate() {
                let weights = [
                    lanes.spread(self.inverse[index]),
                    lanes.spread(self.inverse[2 * index]),
                    lanes.spread(self.inverse[2 * index + 1]),
                ];
                for [x0, x1, x2, x3] in quarters(block) {
                    let (b0, b2) = (lanes.sum(*x0, *x1), lanes.sum(*x2, *x3));
                    let b1 = lanes.times(lanes.difference(*x0, *x1), weights[1]);
                    let b3 = lanes.times(lanes.difference(*x2, *x3), weights[2]);
                    (*x0, *x1) = (lanes.reduce(lanes.sum(b0, b2)), lanes.sum(b1, b3));
                    *x2 = lanes.times(lanes.difference(b0, b2), weights[0]);
                    *x3 = lanes.times(lanes.difference(b1, b3), weights[0]);
                }
            }
        }
        if length < values.len() {
            let (low, high) = values.split_at_mut(length);
            for (x, y) in low.iter_mut().zip(high) {
                let (a, b) = (lanes.reduce(*x), lanes.reduce(*y));
                (*x, *y) = (lanes.sum(a, b), lanes.difference(a, b));
            }
        }
    }
}

/// The cells of lines of this length as vectors.
#[inline(always)]
fn vectors<S: Simd>(cells: &mut [f64], length: usize) -> &mut [S::f64s] {
    S::as_mut_simd_f64s(&mut cells[..length * LINES]).0
}

/// The values at the same place of the four quarters of a block.
#[inline(always)]
fn quarters<T>(block: &mut [T]) -> impl Iterator<Item = [&mut T; 4]> {
    let (low, high) = block.split_at_mut(block.len() / 2);
    let ((x0, x1), (x2, x3)) = (low.split_at_mut(low.len() / 2), high.split_at_mut(high.len() / 2));
    x0.iter_mut().zip(x1).zip(x2).zip(x3).map(|(((x0, x1), x2), x3)| [x0, x1, x2, x3])
}
