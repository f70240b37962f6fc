//! Convolution of two planes of integers by transforms modulo primes below 2⁴⁹ in doubles, and of kernels with channels by
//! products of matrices modulo primes below 2²⁴ (`channels`), where the processor has vector registers with fused products
//! and sums. Exact: `field.rs` and `small.rs` prove that no rounding is left, and enough primes determine a bounded integer. Without such registers [`available`] says so, and nothing here is used.

pub mod channels;
mod field;
mod lanes;
mod lift;
mod points;
mod small;
mod transform;

use pulp::{Arch, Simd, WithSimd};

pub use field::primes_for;
pub use small::primes_for as small_primes_for;

use crate::Wide;
use crate::field::PrimeField;
use field::{PRIMES, Twiddle};
use lanes::Lanes;
use transform::{LINES, LinePlan};

/// The longest line that can be transformed.
const MAX_LENGTH: usize = 1 << 16;

/// Whether this processor has vectors of doubles with fused products and sums, so that all this is fast.
pub fn available() -> bool {
    cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) && !matches!(Arch::new(), Arch::Scalar)
}

/// The length of the transform for lines of `length`; `None` if that is too long.
pub fn transform_length(length: usize) -> Option<usize> {
    (length <= MAX_LENGTH).then(|| length.next_power_of_two().max(LINES))
}

/// An array of integers, cut into digits of 32 bits and into blocks of `LINES` columns.
pub struct Plane {
    height: usize,
    blocks: usize,
    /// From the leading one; each in the order `[block][row][column of the block]`.
    digits: Vec<Vec<f64>>,
}

impl Plane {
    /// The plane of these words, row by row, `spacing` apart.
    #[allow(clippy::cast_precision_loss, reason = "32 bits fit in a double")]
    pub fn from_words(words: &[i64], shape: [usize; 2], spacing: [usize; 2]) -> Self {
        let mut plane = Self::zero(shape, spacing, 2);
        for (index, &word) in words.iter().enumerate() {
            let place = plane.place(index, shape[1], spacing);
            plane.digits[0][place] = (word >> 32) as f64;
            plane.digits[1][place] = (word & 0xffff_ffff) as f64;
        }
        plane
    }

    /// The plane of these integers, row by row, `spacing` apart.
    #[allow(clippy::cast_precision_loss, reason = "32 bits fit in a double")]
    pub fn from_wide(wide: &Wide, shape: [usize; 2], spacing: [usize; 2]) -> Self {
        let words = usize::try_from(wide.max_bits().div_ceil(64)).unwrap_or(1).max(1);
        let mut plane = Self::zero(shape, spacing, 2 * words);
        for index in 0..wide.len() {
            let place = plane.place(index, shape[1], spacing);
            let halves = wide.magnitude(index).iter().flat_map(|word| [word & 0xffff_ffff, word >> 32]);
            for (digits, half) in plane.digits.iter_mut().rev().zip(halves) {
                let half = half.cast_signed();
                digits[place] = if wide.is_negative(index) { -half } else { half } as f64;
            }
        }
        plane
    }

    fn zero([height, width]: [usize; 2], [vertical, horizontal]: [usize; 2], digits: usize) -> Self {
        let (height, width) = ((height - 1) * vertical + 1, (width - 1) * horizontal + 1);
        let blocks = width.div_ceil(LINES);
        Self { height, blocks, digits: vec![vec![0.0; blocks * height * LINES]; digits] }
    }

    fn place(&self, index: usize, width: usize, [vertical, horizontal]: [usize; 2]) -> usize {
        let (row, column) = (index / width * vertical, index % width * horizontal);
        (column / LINES * self.height + row) * LINES + column % LINES
    }
}

/// The convolution of two planes, `height` by `width`, if so many primes determine it.
///
/// # Panics
/// If a side has no [`transform_length`], or there are not so many primes.
pub fn convolve(first: &Plane, next: &Plane, extents: [usize; 2], primes: usize) -> Wide {
    convolve_by(Arch::new(), first, next, extents, primes)
}

fn convolve_by(arch: Arch, first: &Plane, next: &Plane, extents: [usize; 2], primes: usize) -> Wide {
    let [height, width] = extents;
    let [rows, columns] = [height, width].map(|extent| transform_length(extent).expect("a checked extent"));
    let blocks = width.div_ceil(LINES);
    let digits = arch.dispatch(Convolution { planes: [first, next], rows, columns, blocks, primes });
    let block = rows * LINES;
    let place = |row, column| column / LINES * block + row * LINES + column % LINES;
    let places = (0..height).flat_map(|row| (0..width).map(move |column| place(row, column)));
    lift::integers(&digits, &PRIMES, places, height * width)
}

/// The digits of the convolution by what the processor offers, in the order `[block][row][column of the block]`.
struct Convolution<'a> {
    planes: [&'a Plane; 2],
    /// Lengths of the transforms.
    rows: usize,
    columns: usize,
    /// Blocks of the result.
    blocks: usize,
    primes: usize,
}

impl WithSimd for Convolution<'_> {
    type Output = Vec<Vec<f64>>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let mut results = Vec::new();
        // Used for one prime after the other, because fresh memory costs as much as the transforms.
        let mut spectra = [Vec::new(), Vec::new()];
        // Loops instead of closures here and below: a closure would be compiled without the vector instructions.
        for &p in &PRIMES[..self.primes] {
            results.push(self.residues(simd, p, &mut spectra));
        }
        lift::digits(simd, &mut results);
        results
    }
}

impl Convolution<'_> {
    /// The residues of the result between −p/2 and p/2.
    #[inline(always)]
    fn residues<S: Simd>(&self, simd: S, p: u64, [left, right]: &mut [Vec<f64>; 2]) -> Vec<f64> {
        let (lanes, field) = (Lanes::new(simd, p), PrimeField::new(p));
        let [rows, columns] = [LinePlan::new(&field, self.rows), LinePlan::new(&field, self.columns)];
        spectrum(lanes, &field, &rows, self.planes[0], left);
        spectrum(lanes, &field, &rows, self.planes[1], right);
        let block = self.rows * LINES;
        let mut product = vec![0.0; self.blocks * block];
        multiply(lanes, &columns, block, [&*left, &*right], &mut product);
        let scale = field.invert((self.rows * self.columns) as u64);
        let scale = lanes.spread(Twiddle::new(scale, &field));
        for block in product.chunks_exact_mut(block) {
            rows.inverse(lanes, block);
            for value in S::as_mut_simd_f64s(block).0 {
                *value = lanes.reduce(lanes.times(*value, scale));
            }
        }
        product
    }
}

/// The residues of a plane with its columns transformed, in the order `[block][row][column of the block]`.
#[inline(always)]
fn spectrum<S: Simd>(
    lanes: Lanes<S>,
    field: &PrimeField,
    rows: &LinePlan,
    plane: &Plane,
    cells: &mut Vec<f64>,
) {
    let radix = lanes.spread(Twiddle::new(1 << 32, field));
    cells.clear();
    cells.resize(plane.blocks * rows.length() * LINES, 0.0);
    let used = plane.height * LINES;
    for (index, block) in cells.chunks_exact_mut(rows.length() * LINES).enumerate() {
        let values = S::as_mut_simd_f64s(&mut block[..used]).0;
        for digits in &plane.digits {
            let digits = S::as_simd_f64s(&digits[index * used..][..used]).0;
            for (value, digit) in values.iter_mut().zip(digits) {
                // At most 3p/4 + 2³², which is below p.
                *value = lanes.sum(lanes.times(*value, radix), *digit);
            }
        }
        rows.forward(lanes, block);
    }
}

/// Of two arrays in blocks of this size whose columns are transformed: their rows transformed, multiplied and
/// transformed back.
#[inline(always)]
fn multiply<S: Simd>(
    lanes: Lanes<S>,
    columns: &LinePlan,
    block: usize,
    factors: [&[f64]; 2],
    product: &mut [f64],
) {
    let mut lines = [vec![0.0; columns.length() * LINES], vec![0.0; columns.length() * LINES]];
    for place in (0..block).step_by(LINES * LINES) {
        for (line, source) in lines.iter_mut().zip(factors) {
            for (target, block) in line.chunks_exact_mut(LINES * LINES).zip(source.chunks_exact(block)) {
                transpose(&block[place..], target);
            }
            line[source.len() / block * LINES * LINES..].fill(0.0);
            columns.forward(lanes, line);
        }
        let [line, other] = &mut lines;
        let (values, others) = (S::as_mut_simd_f64s(line).0, S::as_simd_f64s(other).0);
        for (x, y) in values.iter_mut().zip(others) {
            *x = lanes.product(lanes.reduce(*x), lanes.reduce(*y));
        }
        columns.inverse(lanes, line);
        for (source, block) in line.chunks_exact(LINES * LINES).zip(product.chunks_exact_mut(block)) {
            transpose(source, &mut block[place..]);
        }
    }
}

/// Exchanges rows and columns of a square of [`LINES`] by [`LINES`].
#[inline(always)]
fn transpose(source: &[f64], target: &mut [f64]) {
    let (source, target) = (&source[..LINES * LINES], &mut target[..LINES * LINES]);
    for row in 0..LINES {
        for column in 0..LINES {
            target[column * LINES + row] = source[row * LINES + column];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SplitMix64;
    use num_bigint::BigInt;
    use proptest::prelude::*;

    /// By definition.
    fn naive(
        a: &[BigInt],
        [h, w]: [usize; 2],
        b: &[BigInt],
        [p, q]: [usize; 2],
        d: [usize; 2],
    ) -> Vec<BigInt> {
        let (height, width) = (h + (p - 1) * d[0], w + (q - 1) * d[1]);
        let mut sums = vec![BigInt::ZERO; height * width];
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate() {
                sums[(i / w + j / q * d[0]) * width + i % w + j % q * d[1]] += x * y;
            }
        }
        sums
    }

    /// Every instruction set that this processor has.
    pub(super) fn instruction_sets() -> Vec<Arch> {
        let mut all = vec![Arch::Scalar];
        #[cfg(target_arch = "x86_64")]
        all.extend(pulp::x86::V3::try_new().map(Arch::V3));
        if available() {
            all.push(Arch::new());
        }
        all
    }

    pub(super) fn integers(count: usize, bits: u32) -> impl Strategy<Value = Vec<BigInt>> {
        let limit = BigInt::from(1) << bits;
        let entry = (any::<[i128; 2]>(), 0..5u8).prop_map(move |([high, low], kind)| match kind {
            0 => &limit - 1,
            1 => -&limit,
            2 => BigInt::ZERO,
            _ => ((BigInt::from(high) << 128u32) + low) >> (255 - bits),
        });
        prop::collection::vec(entry, count)
    }

    proptest! {
        #[test]
        fn convolutions_are_those_of_integers(
            (a, b, first, next) in ([1..24usize, 1..30], [1..9usize, 1..20], prop_oneof![Just((63, 63)), Just((3, 30)), Just((100, 63)), Just((190, 180))])
                .prop_flat_map(|(first, next, (x, y))| (integers(first[0] * first[1], x), integers(next[0] * next[1], y), Just(first), Just(next))),
            spacing in [1..4usize, 1..3],
            more in 0..2usize,
        ) {
            let expected = naive(&a, first, &b, next, spacing);
            let bits = expected.iter().map(BigInt::bits).max().unwrap();
            let primes = (primes_for(bits).unwrap() + more).min(PRIMES.len());
            let plane = |integers: &[BigInt], shape, spacing| {
                let wide = Wide::from_bigs(integers);
                match wide.to_words() {
                    Some(words) => Plane::from_words(&words, shape, spacing),
                    None => Plane::from_wide(&wide, shape, spacing),
                }
            };
            let (x, y) = (plane(&a, first, [1, 1]), plane(&b, next, spacing));
            let extents = [0, 1].map(|axis| first[axis] + (next[axis] - 1) * spacing[axis]);
            for arch in instruction_sets() {
                let found = convolve_by(arch, &x, &y, extents, primes);
                prop_assert_eq!(&found, &Wide::from_bigs(&expected), "{:?}", arch);
            }
        }
    }

    /// Large planes, where sums are long: at some places against the definition, everywhere one way against another.
    #[test]
    fn large_planes() {
        let mut random = SplitMix64::new(5);
        let (n, m) = (300, 260);
        let mut words = |count: usize| -> Vec<i64> {
            // Extremes in a third of the places, so that sums are as long as they can be.
            let word = |bits: u64| if bits.is_multiple_of(3) { i64::MIN } else { bits.cast_signed() };
            (0..count).map(|_| word(random.next_u64())).collect()
        };
        let (a, b) = (words(n * 40), words(m * 40));
        let (x, y) = (Plane::from_words(&a, [40, n], [1, 1]), Plane::from_words(&b, [40, m], [1, 1]));
        let results: Vec<Wide> = instruction_sets()
            .into_iter()
            .map(|arch| convolve_by(arch, &x, &y, [79, n + m - 1], 3))
            .collect();
        assert!(results.iter().all(|result| *result == results[0]));
        for (row, column) in [(0, 0), (39, 270), (40, 299), (78, n + m - 2)] {
            let mut sum = BigInt::ZERO;
            for i in 0..40 {
                for j in 0..n {
                    if (i..i + 40).contains(&row) && (j..j + m).contains(&column) {
                        sum += BigInt::from(a[i * n + j]) * b[(row - i) * m + column - j];
                    }
                }
            }
            assert_eq!(results[0].get(row * (n + m - 1) + column), sum);
        }
    }
}
