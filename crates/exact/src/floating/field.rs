//! Arithmetic modulo primes below 2⁴⁹ in doubles, as many at a time as a vector register holds.
//!
//! Rounding is no source of error here: every value is an integer that a double holds exactly. In what follows
//! 2⁴⁸ < p < 2⁴⁹, an integer below 2⁵³ in magnitude is a double, sums and fused products and sums of doubles are rounded
//! once, to nearest, and `round` adds and subtracts 3·2⁵¹: for |v| ≤ 2⁵¹ the sum lies from 2⁵² to 2⁵³, where doubles are
//! the integers, so that the result is an integer at most 1/2 from v.
//!
//! **`reduce`** (`lanes.rs`). For |x| ≤ 8p let q = round(x · i), i being 1/p rounded. Then x · i differs from x/p by at most
//! 8 · 2·2⁻⁵³ (1 + 2⁻⁵³) < 2⁻⁴⁸, so |x − qp| < (1/2 + 2⁻⁴⁸) p < p/2 + 2, and being an integer it is exact in one fused step.
//! For |x| ≤ 2p the difference is below 2⁻⁵⁰ < 1/(2p), which is how far x/p at least is from half an integer (p is odd),
//! so the result is the one residue between −p/2 and p/2.
//!
//! **`times`.** For |x| ≤ 8p and a factor |w| ≤ p/2 with its quotient w/p rounded (at most 2⁻⁵⁵ off, being at most 1/2),
//! let q = round(x · quotient). The product is below 2⁵¹, so its rounding is at most 2⁻³ and it differs from xw/p by at
//! most 2⁵²·2⁻⁵⁵ + 2⁻³ = 1/4: |xw − qp| ≤ 3p/4. With h = xw rounded, the rest l = xw − h is a double, found by one fused
//! step, and |l| ≤ 2⁴⁶ as |xw| < 2¹⁰⁰; h − qp = (xw − qp) − l is an integer below 2⁴⁹ + 2⁴⁶ and exact in one fused step,
//! and so is its sum with l. So the result is congruent to xw and at most 3p/4.
//!
//! **`product`.** Of two reduced values |x|, |y| ≤ p/2 + 2 likewise, with q = round(h · i): h · i is below 2⁴⁸ and at
//! most 2⁴⁸ · 4·2⁻⁵³ < 1/4 from xy/p, so again the result is at most 3p/4.

use pulp::Simd;

use super::lanes::{Lanes, least};
use crate::field::PrimeField;

/// Primes just below 2⁴⁹ that are 1 modulo 2¹⁶, so that each has roots of unity of every power of two up to 2¹⁶.
pub const PRIMES: [u64; 8] = [
    562_949_952_700_417,
    562_949_951_979_521,
    562_949_950_537_729,
    562_949_948_833_793,
    562_949_948_440_577,
    562_949_948_178_433,
    562_949_947_260_929,
    562_949_947_195_393,
];

/// The number of `PRIMES` whose product exceeds twice any integer below `2^bits` in magnitude; `None` if all
/// together do not. The product of the first `k` exceeds `2^(49·k − 1)`.
pub fn primes_for(bits: u64) -> Option<usize> {
    let count = usize::try_from(bits.checked_add(2)?.div_ceil(49)).ok()?;
    (count <= PRIMES.len()).then_some(count)
}

/// A constant factor `w`, at most `p/2` in magnitude, and `w/p` rounded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Twiddle {
    value: f64,
    quotient: f64,
}

impl Twiddle {
    /// The factor congruent to `value`, which is below the prime.
    #[allow(
        clippy::float_arithmetic,
        clippy::cast_precision_loss,
        reason = "integers below 2⁴⁹; one rounding is meant"
    )]
    pub(super) fn new(value: u64, field: &PrimeField) -> Self {
        let value = least(value, field.p);
        Self { value, quotient: value / field.p as f64 }
    }
}

/// A twiddle factor in all lanes.
#[derive(Clone, Copy)]
pub(super) struct Spread<S: Simd> {
    value: S::f64s,
    quotient: S::f64s,
}

impl<S: Simd> Lanes<S> {
    #[inline(always)]
    pub(super) fn spread(&self, factor: Twiddle) -> Spread<S> {
        Spread { value: self.simd.splat_f64s(factor.value), quotient: self.simd.splat_f64s(factor.quotient) }
    }

    #[inline(always)]
    pub(super) fn sum(&self, x: S::f64s, y: S::f64s) -> S::f64s {
        self.simd.add_f64s(x, y)
    }

    #[inline(always)]
    pub(super) fn difference(&self, x: S::f64s, y: S::f64s) -> S::f64s {
        self.simd.sub_f64s(x, y)
    }

    /// Congruent to `x · factor` and at most `3p/4`; `x` is at most `8p`.
    #[inline(always)]
    pub(super) fn times(&self, x: S::f64s, factor: Spread<S>) -> S::f64s {
        let quotient = self.round(self.simd.mul_f64s(x, factor.quotient));
        self.rest(x, factor.value, self.simd.mul_f64s(x, factor.value), quotient)
    }

    /// Congruent to `x · y` and at most `3p/4`; both are reduced.
    #[inline(always)]
    pub(super) fn product(&self, x: S::f64s, y: S::f64s) -> S::f64s {
        let high = self.simd.mul_f64s(x, y);
        self.rest(x, y, high, self.round(self.simd.mul_f64s(high, self.inverse)))
    }

    /// `x · y − quotient · p`, of which `high` is the rounded product.
    #[inline(always)]
    fn rest(&self, x: S::f64s, y: S::f64s, high: S::f64s, quotient: S::f64s) -> S::f64s {
        let low = self.simd.mul_add_f64s(x, y, self.simd.neg_f64s(high));
        self.simd.add_f64s(self.simd.negate_mul_add_f64s(quotient, self.p, high), low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SplitMix64;
    use num_bigint::BigInt;
    use pulp::{Arch, WithSimd};

    #[test]
    fn primes_are_prime_and_have_the_roots() {
        for (index, &p) in PRIMES.iter().enumerate() {
            assert!(p > 1 << 48 && p < 1 << 49 && p % (1 << 16) == 1 && !PRIMES[..index].contains(&p));
            // Below 2⁴⁹ no divisor needs to be above 2^24.5.
            assert!(
                (3..1 << 25).step_by(2).take_while(|q| q * q <= p).all(|q| p % q != 0),
                "{p} is composite"
            );
        }
        let product: BigInt = PRIMES.iter().product();
        assert!(product > BigInt::from(1) << (49 * PRIMES.len() - 1));
        assert_eq!((primes_for(47), primes_for(48), primes_for(390)), (Some(1), Some(2), Some(8)));
        assert_eq!((primes_for(391), primes_for(u64::MAX)), (None, None));
    }

    /// Every operation against integers, near all multiples of p and of p/2 up to the bounds and at random places.
    struct Check {
        p: i64,
        values: Vec<i64>,
        factors: Vec<i64>,
    }

    impl Check {
        fn new(p: u64) -> Self {
            let p = p.cast_signed();
            let mut random = SplitMix64::new(1);
            let near = |centre: i64| (-3..=3).map(move |d| centre + d);
            let mut values: Vec<i64> = (-16..=16).flat_map(|k| near(k * p / 2)).collect();
            values.extend((0..53).flat_map(|k| [1 << k, -(1 << k), (1 << k) - 1]));
            values.extend((0..500).map(|_| random.below(16 * p.unsigned_abs()).cast_signed() - 8 * p));
            values.retain(|value| value.abs() <= 8 * p);
            let mut factors: Vec<i64> = [0, p / 4, p / 2 - 1, p - 3].into_iter().flat_map(near).collect();
            factors.extend((0..60).map(|_| random.below(p.unsigned_abs()).cast_signed()));
            factors.retain(|factor| (0..p).contains(factor));
            Self { p, values, factors }
        }
    }

    impl WithSimd for Check {
        type Output = ();

        #[inline(always)]
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "integers below 2⁵³")]
        fn with_simd<S: Simd>(self, simd: S) {
            let p = self.p;
            let (lanes, field) = (Lanes::new(simd, p.unsigned_abs()), PrimeField::new(p.unsigned_abs()));
            let splat = |value: i64| simd.splat_f64s(value as f64);
            let first = |vector: S::f64s| {
                let value = simd.reduce_max_f64s(vector);
                assert!(value.to_bits() == simd.reduce_min_f64s(vector).to_bits() || value == 0.0);
                assert!(value.fract() == 0.0);
                value as i64
            };
            let congruent = |value: i64, expected: i128| (i128::from(value) - expected) % i128::from(p) == 0;
            for &x in &self.values {
                let reduced = first(lanes.reduce(splat(x)));
                let limit = if x.abs() <= 2 * p { p / 2 } else { p / 2 + 2 };
                assert!(congruent(reduced, x.into()) && reduced.abs() <= limit, "{x} modulo {p}: {reduced}");
                for &w in &self.factors {
                    let factor = Twiddle::new(w.unsigned_abs(), &field);
                    let found = first(lanes.times(splat(x), lanes.spread(factor)));
                    let exact = i128::from(x) * i128::from(w);
                    assert!(
                        congruent(found, exact) && 4 * found.abs() <= 3 * p,
                        "{x} · {w} modulo {p}: {found}"
                    );
                }
                for &y in self.values.iter().step_by(5).filter(|y| y.abs() <= p / 2 + 2) {
                    let found = first(lanes.product(splat(reduced), splat(y)));
                    let exact = i128::from(reduced) * i128::from(y);
                    assert!(congruent(found, exact) && 4 * found.abs() <= 3 * p, "{reduced} · {y}: {found}");
                }
            }
        }
    }

    #[test]
    fn operations_are_exact() {
        for p in [PRIMES[0], PRIMES[4], PRIMES[7]] {
            Check::new(p).with_simd(pulp::Scalar);
            Arch::new().dispatch(Check::new(p));
        }
    }
}
