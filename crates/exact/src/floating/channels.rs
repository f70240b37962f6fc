//! Composition of kernels with channels modulo small primes (`small.rs`): both are evaluated at as many points as the
//! result has rows and columns, at each point matrices are multiplied, and the values are interpolated.
//!
//! Exact: a polynomial of degree below n is determined modulo p by its values at n points that differ modulo p (Lagrange),
//! and enough primes determine a bounded integer. All three steps are sums of at most `TERMS` products of reduced values
//! at a time.

use pulp::{Arch, Simd, WithSimd};

use super::lanes::{Lanes, least};
use super::lift;
use super::points::{Matrix, interpolation, powers};
use super::small::{PRIMES, TERMS};
use crate::Wide;
use crate::field::PrimeField;

/// Longest side of a result, so that sums over taps are of no more than `TERMS` products.
pub const MAX_SIDE: usize = 32;

/// Output channels whose rows of a product are found together.
const ROWS: usize = 4;
/// Input channels come in multiples of this, which vectors divide.
const COLUMNS: usize = 8;
/// Cells that are combined together while they are near.
const TILE: usize = 256;

/// Output and input channels with those that fill up vectors.
pub fn padded([outputs, inputs]: [usize; 2]) -> [usize; 2] {
    [outputs.next_multiple_of(ROWS), inputs.next_multiple_of(COLUMNS)]
}

/// Where a pair of channels stands: of the kernel that comes first in rows of input channels, of the other one in columns of
/// `ROWS` output channels.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// The kernel that is applied first.
    First,
    /// The kernel that is applied to its result.
    Next,
}

/// A kernel of integers, cut into digits of 24 bits.
pub struct Operand {
    taps: [usize; 2],
    /// Cells of one tap.
    pairs: usize,
    /// In the order `[digit][row][column][pair of channels]`, from the lowest digit.
    digits: Vec<f64>,
}

impl Operand {
    /// The kernel of these words, of this shape `[out,in,row,column]` and in this order.
    pub fn from_words(words: &[i64], shape: [usize; 4], place: Place) -> Self {
        let bits = words.iter().fold(0, |all, word| all | word.unsigned_abs());
        let mut operand = Self::zero(shape, place, 64 - bits.leading_zeros() as usize);
        for (index, &word) in words.iter().enumerate() {
            operand.set(index, shape, place, &[word.unsigned_abs()], word < 0);
        }
        operand
    }

    /// The kernel of these integers, likewise.
    pub fn from_wide(wide: &Wide, shape: [usize; 4], place: Place) -> Self {
        let mut operand = Self::zero(shape, place, usize::try_from(wide.max_bits()).unwrap_or(usize::MAX));
        for index in 0..wide.len() {
            operand.set(index, shape, place, wide.magnitude(index), wide.is_negative(index));
        }
        operand
    }

    fn zero([outputs, inputs, rows, columns]: [usize; 4], place: Place, bits: usize) -> Self {
        let pairs = match place {
            Place::First => outputs * padded([outputs, inputs])[1],
            Place::Next => (padded([outputs, inputs])[0] * inputs).next_multiple_of(COLUMNS),
        };
        let digits = vec![0.0; bits.div_ceil(24).max(1) * rows * columns * pairs];
        Self { taps: [rows, columns], pairs, digits }
    }

    /// Pairs of channels at all taps.
    fn cells(&self) -> usize {
        self.taps[0] * self.taps[1] * self.pairs
    }

    #[allow(clippy::cast_precision_loss, reason = "24 bits fit in a double")]
    fn set(
        &mut self,
        index: usize,
        [outputs, inputs, rows, columns]: [usize; 4],
        place: Place,
        magnitude: &[u64],
        negative: bool,
    ) {
        let (tap, pair) = (index % (rows * columns), index / (rows * columns));
        let (output, input) = (pair / inputs, pair % inputs);
        let pair = match place {
            Place::First => output * padded([outputs, inputs])[1] + input,
            Place::Next => (output / ROWS * inputs + input) * ROWS + output % ROWS,
        };
        let cells = self.cells();
        for (k, digits) in self.digits.chunks_exact_mut(cells).enumerate() {
            let (word, shift) = (24 * k / 64, 24 * k % 64);
            let at = |word: usize| magnitude.get(word).copied().unwrap_or(0);
            let low = u128::from(at(word)) | u128::from(at(word + 1)) << 64;
            let digit = i64::try_from((low >> shift) & 0xff_ffff).unwrap_or(0);
            digits[tap * self.pairs + pair] = if negative { -digit } else { digit } as f64;
        }
    }
}

/// A composition: `first` after which comes `next`, of which the taps are `dilation` apart.
#[derive(Clone, Copy)]
pub struct Composition<'a> {
    /// The kernel that is applied first.
    pub first: &'a Operand,
    /// The kernel that is applied to its result.
    pub next: &'a Operand,
    /// Vertical and horizontal distance of the taps of `next`.
    pub dilation: [usize; 2],
    /// Output channels, those in between, and input channels.
    pub channels: [usize; 3],
    /// Rows and columns of the result, at most [`MAX_SIDE`].
    pub result: [usize; 2],
}

impl Composition<'_> {
    /// The integers in the order `[out][in][row][column]`, if so many primes determine them.
    ///
    /// # Panics
    /// If there are more than 16 primes, or none.
    pub fn integers(self, primes: usize) -> Wide {
        self.by(Arch::new(), primes)
    }

    fn by(self, arch: Arch, primes: usize) -> Wide {
        let digits = arch.dispatch(Residues { of: self, primes });
        let radices: Vec<u64> = PRIMES.chunks_exact(2).map(|pair| pair[0] * pair[1]).collect();
        let ([outputs, _, inputs], [rows, columns]) = (self.channels, self.result);
        let [padded_outputs, padded_inputs] = padded([outputs, inputs]);
        let (pairs, area) = (padded_outputs * padded_inputs, rows * columns);
        let of_pair = |pair: usize| pair / inputs * padded_inputs + pair % inputs;
        let places =
            (0..outputs * inputs).flat_map(|pair| (0..area).map(move |tap| tap * pairs + of_pair(pair)));
        lift::integers(&digits, &radices, places, outputs * inputs * area)
    }
}

/// The digits of a composition over products of two primes, by what the processor offers.
struct Residues<'a> {
    of: Composition<'a>,
    primes: usize,
}

impl WithSimd for Residues<'_> {
    type Output = Vec<Vec<f64>>;

    // Loops instead of closures here and below: a closure would be compiled without the vector instructions.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let mut results = Vec::new();
        // Used for one prime after the other, because fresh memory costs as much as the arithmetic.
        let mut rooms = [const { Vec::new() }; 4];
        for &p in &PRIMES[..self.primes] {
            results.push(residues(simd, p, self.of, &mut rooms));
        }
        lift::small_digits(simd, &mut results);
        results
    }
}

/// The residues of a composition, in the order `[row][column][pair of channels]`.
#[inline(always)]
fn residues<S: Simd>(simd: S, p: u64, of: Composition<'_>, rooms: &mut [Vec<f64>; 4]) -> Vec<f64> {
    let Composition { first, next, dilation, channels: [outputs, middle, inputs], result } = of;
    let (lanes, field) = (Lanes::new(simd, p), PrimeField::new(p));
    let [outputs, inputs] = padded([outputs, inputs]);
    let points = result[0] * result[1];
    let [cells, half, left, right] = rooms;
    for (operand, spacing, values) in [(first, [1, 1], &mut *right), (next, dilation, &mut *left)] {
        let matrices = [0, 1].map(|axis| powers(&field, result[axis], operand.taps[axis], spacing[axis]));
        let radices =
            (0..operand.digits.len() / operand.cells()).map(|k| field.power((1 << 24) % p, k as u64));
        let radices: Vec<f64> = radices.map(|radix| least(radix, p)).collect();
        resized(cells, operand.cells());
        combine(lanes, &Matrix { columns: radices.len(), entries: radices }, &operand.digits, cells);
        resized(values, points * operand.pairs);
        transform(lanes, &matrices, cells, half, values);
    }
    let mut product = vec![0.0; points * outputs * inputs];
    for point in 0..points {
        let left = &left[point * next.pairs..][..outputs * middle];
        let right = &right[point * first.pairs..][..middle * inputs];
        let target = &mut product[point * outputs * inputs..][..outputs * inputs];
        multiply(lanes, [left, right], target, [middle, inputs]);
    }
    resized(cells, product.len());
    transform(lanes, &result.map(|length| interpolation(&field, length)), &product, half, cells);
    product.copy_from_slice(cells);
    product
}

/// Gives an array a length; what stands in it does not matter.
fn resized(array: &mut Vec<f64>, length: usize) {
    array.resize(length, 0.0);
}

/// Both axes of an array `[row][column][pair of channels]` times matrices.
#[inline(always)]
fn transform<S: Simd>(
    lanes: Lanes<S>,
    [rows, columns]: &[Matrix; 2],
    source: &[f64],
    half: &mut Vec<f64>,
    target: &mut [f64],
) {
    let line = source.len() / rows.columns;
    let lines = rows.entries.len() / rows.columns;
    resized(half, lines * line);
    combine(lanes, rows, source, half);
    for (source, target) in half.chunks_exact(line).zip(target.chunks_exact_mut(target.len() / lines)) {
        combine(lanes, columns, source, target);
    }
}

/// A matrix times the lines of an array.
#[inline(always)]
fn combine<S: Simd>(lanes: Lanes<S>, matrix: &Matrix, source: &[f64], target: &mut [f64]) {
    let length = source.len() / matrix.columns;
    for start in (0..length).step_by(TILE) {
        let end = length.min(start + TILE);
        for (weights, line) in
            matrix.entries.chunks_exact(matrix.columns).zip(target.chunks_exact_mut(length))
        {
            let target = S::as_mut_simd_f64s(&mut line[start..end]).0;
            for (k, (&weight, line)) in weights.iter().zip(source.chunks_exact(length)).enumerate() {
                add(lanes, weight, k, S::as_simd_f64s(&line[start..end]).0, target);
            }
            for value in target {
                *value = lanes.reduce(*value);
            }
        }
    }
}

/// Adds a multiple of a line to sums, or begins them with it if it is the first.
#[inline(always)]
fn add<S: Simd>(lanes: Lanes<S>, weight: f64, number: usize, line: &[S::f64s], sums: &mut [S::f64s]) {
    let weight = lanes.simd.splat_f64s(weight);
    if number == 0 {
        for (sum, &value) in sums.iter_mut().zip(line) {
            *sum = lanes.simd.mul_f64s(weight, value);
        }
    } else {
        for (sum, &value) in sums.iter_mut().zip(line) {
            *sum = lanes.simd.mul_add_f64s(weight, value, *sum);
        }
    }
}

/// The product of a matrix in columns of `ROWS` by one in rows, in rows.
#[inline(always)]
fn multiply<S: Simd>(
    lanes: Lanes<S>,
    [left, right]: [&[f64]; 2],
    product: &mut [f64],
    [middle, inputs]: [usize; 2],
) {
    let right = S::as_simd_f64s(right).0;
    let width = right.len() / middle;
    for (left, target) in left.chunks_exact(ROWS * middle).zip(product.chunks_exact_mut(ROWS * inputs)) {
        let target = S::as_mut_simd_f64s(target).0;
        let mut column = 0;
        while column + 2 <= width {
            block::<S, 2>(lanes, left, right, target, [column, width]);
            column += 2;
        }
        if column < width {
            block::<S, 1>(lanes, left, right, target, [column, width]);
        }
    }
}

/// Some vectors of `ROWS` rows of a product.
#[inline(always)]
fn block<S: Simd, const N: usize>(
    lanes: Lanes<S>,
    left: &[f64],
    right: &[S::f64s],
    target: &mut [S::f64s],
    [column, width]: [usize; 2],
) {
    let mut sums = [[lanes.simd.splat_f64s(0.0); N]; ROWS];
    for (left, right) in left.chunks(ROWS * TERMS).zip(right.chunks(width * TERMS)) {
        for (factors, line) in left.chunks_exact(ROWS).zip(right.chunks_exact(width)) {
            let line = &line[column..column + N];
            for (sums, &factor) in sums.iter_mut().zip(factors) {
                let factor = lanes.simd.splat_f64s(factor);
                for (sum, &value) in sums.iter_mut().zip(line) {
                    *sum = lanes.simd.mul_add_f64s(factor, value, *sum);
                }
            }
        }
        for sum in sums.as_flattened_mut() {
            *sum = lanes.reduce(*sum);
        }
    }
    for (sums, line) in sums.iter().zip(target.chunks_exact_mut(width)) {
        line[column..column + N].copy_from_slice(sums);
    }
}

#[cfg(test)]
mod tests {
    use super::super::small::primes_for;
    use super::super::tests::{instruction_sets, integers};
    use super::*;
    use num_bigint::BigInt;
    use proptest::prelude::*;

    /// By definition.
    fn naive(
        [a, b]: [&[BigInt]; 2],
        [m, c, h, w]: [usize; 4],
        [o, _, p, q]: [usize; 4],
        d: [usize; 2],
    ) -> Vec<BigInt> {
        let (height, width) = (h + (p - 1) * d[0], w + (q - 1) * d[1]);
        let mut sums = vec![BigInt::ZERO; o * c * height * width];
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate().filter(|(j, _)| j / q / p % m == i / w / h / c) {
                let pair = j / q / p / m * c + i / w / h % c;
                let (row, column) = (i / w % h + j / q % p * d[0], i % w + j % q * d[1]);
                sums[(pair * height + row) * width + column] += x * y;
            }
        }
        sums
    }

    fn operand(integers: &[BigInt], shape: [usize; 4], place: Place) -> Operand {
        let wide = Wide::from_bigs(integers);
        match wide.to_words() {
            Some(words) => Operand::from_words(&words, shape, place),
            None => Operand::from_wide(&wide, shape, place),
        }
    }

    proptest! {
        #[test]
        fn compositions_are_those_of_integers(
            (a, b, first, next) in ([1..6usize, 1..10, 1..6, 1..5, 1..7, 1..4, 1..4], prop_oneof![Just((63, 63)), Just((3, 30)), Just((100, 63)), Just((150, 180))])
                .prop_flat_map(|([m, c, h, w, o, p, q], (x, y))| {
                    (integers(m * c * h * w, x), integers(o * m * p * q, y), Just([m, c, h, w]), Just([o, m, p, q]))
                }),
            dilation in [1..4usize, 1..3],
            more in 0..2usize,
        ) {
            let expected = naive([&a, &b], first, next, dilation);
            let bits = expected.iter().map(BigInt::bits).max().unwrap();
            let primes = (primes_for(bits).unwrap() + more).min(PRIMES.len());
            let (x, y) = (operand(&a, first, Place::First), operand(&b, next, Place::Next));
            let result = [0, 1].map(|axis| first[2 + axis] + (next[2 + axis] - 1) * dilation[axis]);
            let channels = [next[0], first[0], first[1]];
            for arch in instruction_sets() {
                let found = Composition { first: &x, next: &y, dilation, channels, result }.by(arch, primes);
                prop_assert_eq!(&found, &Wide::from_bigs(&expected), "{:?}", arch);
            }
        }
    }

    /// Sums of more than `TERMS` products of extremes.
    #[test]
    fn many_channels() {
        let (first, next) = ([200, 9, 1, 1], [5, 200, 1, 1]);
        let a: Vec<i64> = (0..1800).map(|n| if n % 7 == 0 { i64::MAX } else { i64::MIN }).collect();
        let b: Vec<i64> = (0..1000).map(|n| if n % 5 == 0 { i64::MIN } else { i64::MAX - n }).collect();
        let big = |words: &[i64]| words.iter().copied().map(BigInt::from).collect::<Vec<_>>();
        let expected = Wide::from_bigs(&naive([&big(&a), &big(&b)], first, next, [1, 1]));
        let (x, y) =
            (Operand::from_words(&a, first, Place::First), Operand::from_words(&b, next, Place::Next));
        for arch in instruction_sets() {
            let all =
                Composition { first: &x, next: &y, dilation: [1, 1], channels: [5, 200, 9], result: [1, 1] };
            assert_eq!(all.by(arch, primes_for(134).unwrap()), expected, "{arch:?}");
        }
    }
}
