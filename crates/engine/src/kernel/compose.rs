//! Composition of kernels: checks, a proven bound on the result, and the choice of the cheapest exact method
//! among those that the bound allows.

use num_bigint::BigInt;

use super::concrete::{check_denominator, check_memory};
use super::integers::{bits_of, max_magnitude};
use super::rearrange::dilated;
use super::{ConcreteKernel, Integers, KernelError, Shape, direct, matrices, planes, spectral};
use convproof_exact::Limited;
use convproof_exact::budget::{self, Extents};
use convproof_exact::field::primes_for;

/// No composition starts that by the estimates below takes longer than this many nanoseconds.
const MAX_COST: u128 = 20_000_000_000;

/// Extents of a composition: `first` then `next`, the latter dilated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) first: Shape,
    pub(crate) next: Shape,
    pub(crate) dilation: [usize; 2],
    pub(crate) result: Shape,
}

impl Geometry {
    /// The same if `next` has one tap, with all that an output reads as one row of one channel, in the same order.
    pub(crate) fn flat(self) -> Self {
        let flat = |shape: Shape| Shape { inputs: 1, height: 1, width: shape.inputs * shape.area(), ..shape };
        Self { first: flat(self.first), result: flat(self.result), ..self }
    }
}

impl ConcreteKernel {
    /// The kernel that does what `self` and then `next` do: full convolution in space, matrix product in
    /// channels. A 1×1 kernel with a single channel multiplies a kernel of any number of channels.
    ///
    /// # Errors
    /// If the channels do not meet, or the result or the work is too large.
    pub fn convolve(&self, next: &Self) -> Result<Self, KernelError> {
        self.convolve_dilated(next, [1, 1])
    }

    /// [`ConcreteKernel::convolve`] with `next` dilated by `[vertical, horizontal]`, without making its zeros.
    ///
    /// # Errors
    /// If a dilation is 0, the channels do not meet, or the result or the work is too large.
    pub fn convolve_dilated(&self, next: &Self, dilation: [usize; 2]) -> Result<Self, KernelError> {
        let (a, b) = (self.shape(), next.shape());
        let [height, width] = [dilated(b.height, dilation[0])?, dilated(b.width, dilation[1])?];
        if a.outputs != b.inputs {
            return if a.is_scalar() {
                next.scale(&self.entry(0, 0, 0, 0))?.dilate(dilation)
            } else if b.is_scalar() {
                self.scale(&next.entry(0, 0, 0, 0))
            } else {
                Err(KernelError::ChannelMismatch { outputs: a.outputs, inputs: b.inputs })
            };
        }
        let extent = |x: usize, y: usize| x.checked_add(y - 1).ok_or(KernelError::TooLarge);
        let result = Shape::new(b.outputs, a.inputs, extent(a.height, height)?, extent(a.width, width)?);
        // Single channels commute, and the inner loops run along rows of the first kernel.
        let swap = a.is_plane() && b.is_plane() && dilation == [1, 1] && b.area() > a.area();
        let (first, next) = if swap { (next, self) } else { (self, next) };
        let geometry = Geometry { first: first.shape(), next: next.shape(), dilation, result };
        let denominator = first.denominator() * next.denominator();
        check_denominator(denominator.bits())?;
        let integers = compose(first.integers(), next.integers(), geometry)?;
        Ok(Self::canonical(result, integers, denominator))
    }

    /// The composition of `n` copies; the identity for 0.
    ///
    /// # Errors
    /// If inputs and outputs differ in number, or the result or the work is too large.
    pub fn pow(&self, n: usize) -> Result<Self, KernelError> {
        let Shape { outputs, inputs, height, width } = self.shape();
        if outputs != inputs {
            return Err(KernelError::ChannelMismatch { outputs, inputs });
        }
        let extent = |length: usize| Some((length - 1).checked_mul(n)?.saturating_add(1));
        let (height, width) = extent(height).zip(extent(width)).ok_or(KernelError::TooLarge)?;
        Shape { height, width, ..self.shape() }.validate()?;
        let mut power = Self::identity(inputs)?;
        for bit in (0..usize::BITS - n.leading_zeros()).rev() {
            power = power.convolve(&power)?;
            if n >> bit & 1 == 1 {
                power = power.convolve(self)?;
            }
        }
        Ok(power)
    }
}

/// The integers of the composition, over the product of the denominators.
fn compose(first: &Integers, next: &Integers, geometry: Geometry) -> Result<Integers, KernelError> {
    let count = geometry.result.validate()?;
    let bits = bound_bits(first, next, geometry);
    check_memory(count, bits)?;
    let plan = choose(first, next, geometry, bits);
    if plan.cost.exceeds(MAX_COST) {
        return Err(KernelError::TooLarge);
    }
    if plan.method == Method::Bigs {
        // Each big integer costs about ten words more while it is a value of its own.
        check_memory(count, bits.saturating_add(640))?;
    }
    let _doing = budget::doing("composing kernels");
    budget::spend(u64::try_from(plan.cost).unwrap_or(u64::MAX));
    Ok(execute(plan.method, first, next, geometry))
}

fn execute(method: Method, first: &Integers, next: &Integers, geometry: Geometry) -> Integers {
    match (method, first, next) {
        (Method::HalfWords, Integers::Words(a), Integers::Words(b)) => {
            let halves = direct::convolve::<i32, i32>(&half_words(a), &half_words(b), geometry);
            Integers::Words(halves.into_iter().map(i64::from).collect())
        }
        (Method::Words, Integers::Words(a), Integers::Words(b)) => {
            Integers::Words(direct::convolve::<i64, i64>(a, b, geometry))
        }
        (Method::Doubles, Integers::Words(a), Integers::Words(b)) => {
            Integers::from_doubles(&direct::convolve::<i64, i128>(a, b, geometry))
        }
        (Method::Residues { primes }, ..) => {
            Integers::from_wide(spectral::convolve(first, next, geometry, primes))
        }
        (Method::Matrices { primes }, ..) => {
            Integers::from_wide(matrices::convolve(first, next, geometry, primes))
        }
        (Method::Floats { primes }, ..) => {
            Integers::from_wide(planes::convolve(first, next, geometry, primes))
        }
        _ => {
            let bigs = direct::convolve::<BigInt, BigInt>(&first.to_bigs(), &next.to_bigs(), geometry);
            Integers::from_bigs(&bigs)
        }
    }
}

/// The integers modulo 2³², which determine a result of 31 bits.
#[allow(clippy::cast_possible_truncation, reason = "the low half is meant")]
fn half_words(words: &[i64]) -> Vec<i32> {
    words.iter().map(|&word| word as i32).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// Loops over half words, of which vector registers hold more; the result fits in 31 bits.
    HalfWords,
    /// Loops over machine words; the result fits in 63 bits.
    Words,
    /// Loops over machine words, sums in double words; the result fits in 127 bits.
    Doubles,
    /// Transforms modulo so many primes.
    Residues { primes: usize },
    /// Transforms in floating point modulo so many smaller primes.
    Floats { primes: usize },
    /// Products of matrices in floating point modulo so many primes that are smaller still.
    Matrices { primes: usize },
    /// Loops over big integers.
    Bigs,
}

struct Candidate {
    method: Method,
    /// A rough estimate, in nanoseconds.
    cost: u128,
}

/// The cheapest method that is exact for results below `2^bits`. The factors are measured, not proven: a wrong
/// one costs time only.
fn choose(first: &Integers, next: &Integers, geometry: Geometry, bits: u64) -> Candidate {
    let a = geometry.first;
    // Zero taps of the next kernel cost nothing.
    let products = (next.count_nonzero() as u128) * (a.inputs * a.area()) as u128;
    let words = matches!((first, next), (Integers::Words(_), Integers::Words(_)));
    let loops = if words && bits <= 31 {
        Candidate { method: Method::HalfWords, cost: products * 4 / 10 }
    } else if words && bits <= 63 {
        Candidate { method: Method::Words, cost: products * 6 / 10 }
    } else if words && bits <= 127 {
        Candidate { method: Method::Doubles, cost: products }
    } else {
        let words = [first, next].map(|integers| integers.max_bits().div_ceil(64));
        Candidate { method: Method::Bigs, cost: products * (50 + u128::from(words.product())) }
    };
    // Below this a transform never pays.
    if products < 10_000 {
        return loops;
    }
    let residues = primes_for(bits).and_then(|primes| {
        let cost = spectral::cost(geometry)? * primes as u128;
        Some(Candidate { method: Method::Residues { primes }, cost })
    });
    let floats = planes::cost(geometry, bits)
        .map(|(primes, cost)| Candidate { method: Method::Floats { primes }, cost });
    let matrices = matrices::cost(geometry, bits)
        .map(|(primes, cost)| Candidate { method: Method::Matrices { primes }, cost });
    // The first of equals: transforms before loops.
    let all = floats.into_iter().chain(matrices).chain(residues).chain([loops]);
    all.min_by_key(|candidate| candidate.cost).expect("loops always work")
}

/// No integer of the composition reaches `2^bits` in magnitude: each is a sum of products of entries of both
/// kernels, so at most the sum of magnitudes of those of one of them times the largest of the other.
fn bound_bits(first: &Integers, next: &Integers, geometry: Geometry) -> u64 {
    let Geometry { first: a, next: b, .. } = geometry;
    match (first, next) {
        (Integers::Words(x), Integers::Words(y)) => {
            // The sum over the shorter kernel: for `next` all that one output sees, for `first` one input.
            let (sum, largest) = if y.len() <= x.len() {
                (y.chunks(b.inputs * b.area()).map(sum_of_magnitudes).max(), max_magnitude(x))
            } else {
                let mut sums = vec![0; a.inputs];
                for (index, plane) in x.chunks(a.area()).enumerate() {
                    sums[index % a.inputs] += sum_of_magnitudes(plane);
                }
                (sums.into_iter().max(), max_magnitude(y))
            };
            let sum = sum.unwrap_or(0);
            sum.checked_mul(largest.into()).map_or_else(|| bits_of(sum) + bits_of(largest.into()), bits_of)
        }
        _ => {
            // Terms of one sum: all that an output sees, or all that come from an input.
            let terms = (b.inputs * b.area()).min(a.outputs * a.area());
            first.max_bits().saturating_add(next.max_bits()).saturating_add(bits_of(terms as u128))
        }
    }
}

/// At most 2²⁴ words of up to 2⁶³.
fn sum_of_magnitudes(words: &[i64]) -> u128 {
    words.iter().map(|word| u128::from(word.unsigned_abs())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_exact::floating;
    use proptest::prelude::*;

    /// By definition, over the integers: the reference for every method.
    fn naive(first: &Integers, next: &Integers, geometry: Geometry) -> Vec<BigInt> {
        let Geometry { first: a, next: b, dilation, result } = geometry;
        let mut sums = vec![BigInt::ZERO; result.validate().unwrap()];
        for o in 0..b.outputs {
            for m in 0..b.inputs {
                for c in 0..a.inputs {
                    for (p, q) in (0..b.area()).map(|k| (k / b.width, k % b.width)) {
                        for (i, j) in (0..a.area()).map(|k| (k / a.width, k % a.width)) {
                            let (row, column) = (p * dilation[0] + i, q * dilation[1] + j);
                            let tap = next.get(((o * b.inputs + m) * b.height + p) * b.width + q);
                            let value = first.get(((m * a.inputs + c) * a.height + i) * a.width + j);
                            sums[((o * a.inputs + c) * result.height + row) * result.width + column] +=
                                tap * value;
                        }
                    }
                }
            }
        }
        sums
    }

    fn geometry(a: Shape, b: Shape, dilation: [usize; 2]) -> Geometry {
        let extent = |x: usize, y: usize, d: usize| x + (y - 1) * d;
        let (height, width) =
            (extent(a.height, b.height, dilation[0]), extent(a.width, b.width, dilation[1]));
        Geometry { first: a, next: b, dilation, result: Shape::new(b.outputs, a.inputs, height, width) }
    }

    #[test]
    fn integers_that_are_all_as_large_as_can_be_stay_within_the_bound() {
        for (a, b) in
            [([4, 2, 5, 5], [3, 4, 6, 6]), ([8, 1, 1, 2], [1, 8, 3, 3]), ([1, 9, 4, 4], [7, 1, 2, 2])]
        {
            let [a, b] =
                [a, b].map(|[outputs, inputs, height, width]| Shape::new(outputs, inputs, height, width));
            for dilation in [[1, 1], [2, 1]] {
                let geometry = geometry(a, b, dilation);
                for (x, y) in [(3, 3), (62, 62), (62, 100), (100, 62), (100, 100)] {
                    let all = |shape: Shape, bits: u32| {
                        Integers::from_bigs(&vec![(BigInt::from(1) << bits) - 1; shape.entries().unwrap()])
                    };
                    let (first, next) = (all(a, x), all(b, y));
                    let largest = naive(&first, &next, geometry).into_iter().max().unwrap();
                    let bound = bound_bits(&first, &next, geometry);
                    assert!(largest.bits() <= bound, "{} of {bound} bits: {a}, {b}", largest.bits());
                }
            }
        }
    }

    /// Integers up to `2^bits`, extremes among them.
    fn integers(count: usize, bits: u32) -> impl Strategy<Value = Integers> {
        let limit = BigInt::from(1) << bits;
        let entry = (any::<[i128; 2]>(), 0..4u8).prop_map(move |([high, low], kind)| match kind {
            0 => limit.clone(),
            1 => -&limit,
            2 => BigInt::ZERO,
            _ => ((BigInt::from(high) << 128u32) + low) >> (255 - bits),
        });
        prop::collection::vec(entry, count).prop_map(|values| Integers::from_bigs(&values))
    }

    fn operands() -> impl Strategy<Value = (Integers, Integers, Geometry)> {
        let sizes =
            (1..4usize, 1..6usize, 1..4usize, [1..5usize, 1..10], [1..4usize, 1..12], [1..4usize, 1..3]);
        let bits = prop_oneof![
            Just((3, 3)),
            Just((13, 12)),
            Just((30, 29)),
            Just((62, 62)),
            Just((70, 20)),
            Just((100, 150))
        ];
        (sizes, bits).prop_flat_map(|((o, m, c, [h, w], [p, q], dilation), (x, y))| {
            let (a, b) = (Shape::new(m, c, h, w), Shape::new(o, m, p, q));
            let (first, next) = (integers(a.entries().unwrap(), x), integers(b.entries().unwrap(), y));
            (first, next, Just(geometry(a, b, dilation)))
        })
    }

    proptest! {
        #[test]
        fn every_method_is_exact((first, next, geometry) in operands()) {
            let expected = Integers::from_bigs(&naive(&first, &next, geometry));
            let bits = bound_bits(&first, &next, geometry);
            prop_assert!(expected.max_bits() <= bits);
            let words = matches!((&first, &next), (Integers::Words(_), Integers::Words(_)));
            let primes = primes_for(bits).unwrap();
            let mut methods = vec![Method::Bigs, Method::Residues { primes }, Method::Residues { primes: primes + 3 }];
            if words && bits <= 127 { methods.push(Method::Doubles); }
            if words && bits <= 31 { methods.push(Method::HalfWords); }
            if words && bits <= 63 { methods.push(Method::Words); }
            if geometry.first.is_plane() && geometry.next.is_plane() && let Some(primes) = floating::primes_for(bits) {
                methods.push(Method::Floats { primes });
            }
            if let Some((primes, _)) = matrices::cost(geometry, bits) {
                methods.push(Method::Matrices { primes });
            }
            for method in methods {
                let found = execute(method, &first, &next, geometry);
                prop_assert_eq!(&found, &expected, "{:?}", method);
            }
            prop_assert_eq!(compose(&first, &next, geometry).unwrap(), expected);
        }
    }

    #[test]
    fn transforms_of_more_than_one_length() {
        // Lengths 16 | 32 | 64 in one call, products longer than one delayed reduction (65 channels), and lanes
        // that do not fill a cell.
        let cases = [
            (Shape::plane(9, 40), Shape::plane(8, 20), [1, 1]),
            (Shape::plane(30, 3), Shape::plane(2, 3), [2, 1]),
            (Shape::new(65, 1, 1, 2), Shape::new(2, 65, 2, 1), [1, 1]),
            (Shape::new(3, 3, 17, 1), Shape::new(5, 3, 2, 2), [3, 2]),
        ];
        for (a, b, dilation) in cases {
            let geometry = geometry(a, b, dilation);
            let values = |shape: Shape, seed: i64| {
                let value = |k: usize| {
                    (i64::try_from(k).unwrap() + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed())
                };
                Integers::Words((0..shape.entries().unwrap()).map(value).collect())
            };
            let (first, next) = (values(a, 1), values(b, 1000));
            let primes = primes_for(bound_bits(&first, &next, geometry)).unwrap();
            let found = execute(Method::Residues { primes }, &first, &next, geometry);
            assert_eq!(found, Integers::from_bigs(&naive(&first, &next, geometry)));
        }
    }

    #[test]
    fn zero_by_extremes_is_zero() {
        let shape = Shape::new(2, 2, 3, 3);
        let (zero, huge) = (Integers::Words(vec![0; 36]), Integers::Words(vec![i64::MIN; 36]));
        let geometry = geometry(shape, shape, [2, 1]);
        let expected = Integers::Words(vec![0; geometry.result.entries().unwrap()]);
        for (first, next) in [(&zero, &huge), (&huge, &zero), (&zero, &zero)] {
            assert_eq!(compose(first, next, geometry), Ok(expected.clone()));
        }
    }

    #[test]
    fn costs_are_as_worked_out_by_hand() {
        // 3 channels to 5 by 2×3 taps, to 6 by 3×2.
        let across = geometry(Shape::new(5, 3, 2, 3), Shape::new(6, 5, 3, 2), [1, 1]);
        // 15, 30 and 18 planes of 16 points, (4/2 + 2) along each axis and 4 beside; 6·3·5 products at each point.
        assert_eq!(spectral::cost(across), Some(63 * 16 * (4 + 4 + 4) + 90 * 16));
        // 16×59 in 16×64: 16/2 + 2 and log 64.
        let plane = geometry(Shape::plane(9, 40), Shape::plane(8, 20), [1, 1]);
        assert_eq!(spectral::cost(plane), Some(3 * 1024 * (10 + 6 + 4) + 1024));
        if floating::available() {
            // 6×3 pairs fill up 8×8. Sums of 4·4·(4 + 4) steps for each of them, 4·3·(2 + 4) for each of 5×8 and
            // 4·2·(3 + 4) for each of 8×5; 64·5 products at 16 points.
            let each = 320 * 16 / 6 + (64 * 128 + 40 * 72 + 40 * 56) / 3;
            assert_eq!(matrices::cost(across, 21), Some((1, each + 20 * 64 * 16)));
            assert_eq!(matrices::cost(across, 22), Some((2, 2 * each + 20 * 64 * 16)));
            assert_eq!(matrices::cost(plane, 21), None);
            // 4 + 6 levels and 16 more steps for three residues, 40 for each line.
            assert_eq!(planes::cost(plane, 47), Some((1, 1024 * 26 / 3 + 40 * 80)));
            assert_eq!(planes::cost(plane, 48), Some((2, 2048 * 26 / 3 + 40 * 2 * 80)));
            assert_eq!(planes::cost(across, 47), None);
        }
        let loops = |values: [i64; 2]| {
            let [first, next] = values.map(|value| Integers::Words(vec![value; 9]));
            let geometry = geometry(Shape::plane(3, 3), Shape::plane(3, 3), [1, 1]);
            choose(&first, &next, geometry, bound_bits(&first, &next, geometry)).cost
        };
        assert_eq!([loops([1, 1]), loops([1, 0])], [81 * 4 / 10, 0]);
        assert_eq!([loops([1 << 20, 1 << 20]), loops([1 << 40, 1 << 40])], [81 * 6 / 10, 81]);
        let big = Integers::from_bigs(&vec![BigInt::from(1) << 100_u32; 9]);
        let geometry = geometry(Shape::plane(3, 3), Shape::plane(3, 3), [1, 1]);
        assert_eq!(choose(&big, &big, geometry, 300).cost, 81 * (50 + 2 * 2));
    }

    #[test]
    fn methods_follow_bound_and_work() {
        let choice = |shape: Shape, value: i64| {
            let words = Integers::Words(vec![value; shape.entries().unwrap()]);
            let geometry = geometry(shape, shape, [1, 1]);
            choose(&words, &words, geometry, bound_bits(&words, &words, geometry)).method
        };
        assert_eq!(choice(Shape::plane(3, 3), 4), Method::HalfWords);
        // 9·2²⁶ takes 30 bits, 9·2²⁸ takes 32.
        assert_eq!(choice(Shape::plane(3, 3), 1 << 13), Method::HalfWords);
        assert_eq!(choice(Shape::plane(3, 3), 1 << 14), Method::Words);
        // 9·2⁵⁸ takes 62 bits, 9·2⁶⁰ takes 64.
        assert_eq!(choice(Shape::plane(3, 3), 1 << 29), Method::Words);
        assert_eq!(choice(Shape::plane(3, 3), 1 << 30), Method::Doubles);
        assert_eq!(choice(Shape::plane(1, 2), i64::MIN), Method::Bigs);
        let large = |value| choice(Shape::plane(256, 256), value);
        if floating::available() {
            assert_eq!(large(1), Method::Floats { primes: 1 });
            assert_eq!(large(i64::MIN), Method::Floats { primes: 3 });
            assert_eq!(choice(Shape::new(64, 64, 3, 3), i64::MIN), Method::Matrices { primes: 6 });
        } else {
            assert_eq!(
                (large(1), large(i64::MIN)),
                (Method::Residues { primes: 1 }, Method::Residues { primes: 3 })
            );
            assert_eq!(choice(Shape::new(64, 64, 3, 3), i64::MIN), Method::Residues { primes: 3 });
        }
    }

    #[test]
    fn powers_grow_by_all_but_one_row_each() {
        let two = ConcreteKernel::constant(Shape::plane(1, 1), 2).unwrap();
        let power = two.pow(3000).unwrap();
        assert_eq!(power.shape(), Shape::plane(1, 1));
        assert_eq!(power.integers().get(0), BigInt::from(1) << 3000);
        let line = ConcreteKernel::ones(Shape::plane(1, 2)).unwrap();
        assert_eq!(line.pow(5).unwrap().shape(), Shape::plane(1, 6));
        let count = crate::kernel::MAX_ENTRIES;
        assert_eq!(line.pow(count).err(), Some(KernelError::TooLarge));
    }
}
