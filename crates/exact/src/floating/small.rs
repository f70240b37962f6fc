//! Arithmetic modulo primes just below 2²⁴ in doubles: sums of many products are exact, so that matrices are multiplied
//! with one reduction for many products.
//!
//! Rounding is no source of error here: every value is an integer that a double holds exactly. In what follows
//! 2²⁴ − 256 < p < 2²⁴, and a value is *reduced* if it is at most 2²³ in magnitude.
//!
//! **Sums.** [`TERMS`] = 64 products of reduced values and one reduced value are together at most 64·2⁴⁶ + 2²³ < 2⁵³, as
//! is each partial sum, so fused products and sums are exact in any order.
//!
//! **`reduce`** (`lanes.rs`). For |x| ≤ 2⁵³ let q = round(x · i), i being 1/p rounded and `round` adding and subtracting 3·2⁵¹, which
//! for values up to 2⁵¹ gives an integer at most 1/2 away. As |x/p| < 2^29.1, x · i differs from x/p by less than
//! 2^29.1 · 2⁻⁵² · (1 + 2⁻⁵³) < 2^−22.8, so |x − qp| < p/2 + 2.3 < 2²³ + 1, as p ≤ 2²⁴ − 3. Being an integer it is at most 2²³,
//! and exact in one fused step.
//!
//! **Digits.** Let |dₖ| ≤ 2²³ be digits of v = d₀ + p₀·(d₁ + p₁·(d₂ + …)) and P the product of the primes. As
//! 2²³ ≤ (1 + 2⁻¹⁵)·pₖ/2, |v| is at most (1 + 2⁻¹⁵)·P/2 · (1 + 1/p + 1/p² + …) < 0.51·P, and so is each part of it against the product of
//! its primes: the sign of v is that of its leading digit other than 0. If v is congruent to n modulo every prime and
//! 4·|n| ≤ P, then |v − n| < P and v = n: the digits need not be the ones between −p/2 and p/2.

/// The largest primes below 2²⁴.
pub(super) const PRIMES: [u64; 16] = [
    16_777_213, 16_777_199, 16_777_183, 16_777_153, 16_777_141, 16_777_139, 16_777_127, 16_777_121,
    16_777_099, 16_777_049, 16_777_027, 16_776_989, 16_776_973, 16_776_971, 16_776_967, 16_776_961,
];

/// Most products that are summed before they are reduced.
pub(super) const TERMS: usize = 64;

/// The number of `PRIMES` whose product is at least four times any integer below `2^bits` in magnitude; `None` if all
/// together are not. The product of the first `k` exceeds `2^(24·k − 1)`.
pub fn primes_for(bits: u64) -> Option<usize> {
    let count = usize::try_from(bits.checked_add(3)?.div_ceil(24)).ok()?;
    (count <= PRIMES.len()).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::super::lanes::{Lanes, least};
    use super::*;
    use crate::SplitMix64;
    use crate::field::PrimeField;
    use num_bigint::BigInt;
    use pulp::{Arch, Simd, WithSimd};

    #[test]
    fn primes_are_prime() {
        for (index, &p) in PRIMES.iter().enumerate() {
            assert!(p > (1 << 24) - 256 && p <= (1 << 24) - 3 && !PRIMES[..index].contains(&p));
            assert!((2..1 << 12).all(|q| p % q != 0), "{p} is composite");
            let product: BigInt = PRIMES[..=index].iter().product();
            assert!(product > BigInt::from(1) << (24 * (index + 1) - 1));
        }
        assert_eq!((primes_for(21), primes_for(22), primes_for(381)), (Some(1), Some(2), Some(16)));
        assert_eq!((primes_for(382), primes_for(u64::MAX)), (None, None));
    }

    struct Check(u64);

    impl WithSimd for Check {
        type Output = ();

        #[inline(always)]
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "integers up to 2⁵³")]
        fn with_simd<S: Simd>(self, simd: S) {
            let (p, lanes) = (self.0.cast_signed(), Lanes::new(simd, self.0));
            let mut random = SplitMix64::new(3);
            let most = (1i64 << 53) / p;
            let multiples =
                (0..60).map(|k| most - k).chain((0..400).map(|_| random.below(1 << 29).cast_signed()));
            for multiple in multiples {
                // Near multiples of p and of halves of it, where what is found is largest.
                for x in (-3..=3).flat_map(|d| [multiple * p + d, multiple * p + p / 2 + d]) {
                    for x in [x, -x].into_iter().filter(|x| x.abs() <= 1 << 53) {
                        let reduced = lanes.reduce(simd.splat_f64s(x as f64));
                        let found = simd.reduce_max_f64s(reduced) as i64;
                        assert!((found - x) % p == 0 && found.abs() <= 1 << 23, "{x} modulo {p}: {found}");
                    }
                }
            }
        }
    }

    #[test]
    fn reduction_is_exact() {
        for p in [PRIMES[0], PRIMES[15]] {
            Check(p).with_simd(pulp::Scalar);
            Arch::new().dispatch(Check(p));
        }
    }

    #[test]
    fn inverses_are_inverse() {
        for p in PRIMES {
            let field = PrimeField::new(p);
            for value in [1, 2, -3, 1000, -8_000_000] {
                let value = field.residue(value);
                let product = least(field.multiply(field.invert(value), value), p);
                assert!(product.to_bits() == 1f64.to_bits(), "{value} modulo {p}");
            }
        }
    }
}
