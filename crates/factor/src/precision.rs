//! Choice of the coefficient ring for a lift: the cheapest one that holds a power of p of the precision asked for.

use convproof_exact::Limited;
use convproof_exact::budget::{Extents, words};
use convproof_exact::poly::ring::{Big, Ring, Word};
use convproof_exact::poly::wide::WideRing;
use num_bigint::BigInt;

/// A computation over any ring `ℤ/p^k`.
pub(super) trait Computation {
    /// Its result.
    type Output;
    /// Runs it modulo `modulus = p^exponent`.
    fn run<R: Ring>(self, ring: &R, exponent: u32, modulus: &BigInt) -> Self::Output;
}

/// Whether residues modulo `modulus` tell apart all integers of at most that magnitude.
pub(super) fn separates(modulus: &BigInt, bound: &BigInt) -> bool {
    *modulus > bound << 1_u32
}

/// Bits with which a modulus that has more does.
pub(super) fn separating_bits(bound: &BigInt) -> u64 {
    (bound << 1_u32).bits()
}

/// Word products that a lift may take: about a minute.
const WORK_LIMIT: u64 = 20_000_000_000;

/// Runs modulo a power of p of more than `bits` bits a computation of about `products` products; `None` if that is
/// too much work.
pub(super) fn with_precision<C: Computation>(
    p: u64,
    bits: u64,
    products: u64,
    computation: C,
) -> Option<C::Output> {
    if [words(bits), words(bits), products].product().exceeds(WORK_LIMIT) {
        return None;
    }
    let (mut modulus, mut exponent) = (p, 1);
    while modulus < (1 << Word::BITS) / p {
        modulus *= p;
        exponent += 1;
    }
    if bits.within(u64::from(modulus.ilog2())) {
        return Some(computation.run(&Word::new(modulus)?, exponent, &modulus.into()));
    }
    let exponent = u32::try_from(bits / u64::from(p.ilog2()) + 1).ok()?;
    let modulus = BigInt::from(p).pow(exponent);
    Some(match modulus.bits() + 6 {
        0..=128 => computation.run(&WideRing::<2>::new(modulus.clone())?, exponent, &modulus),
        129..=256 => computation.run(&WideRing::<4>::new(modulus.clone())?, exponent, &modulus),
        257..=512 => computation.run(&WideRing::<8>::new(modulus.clone())?, exponent, &modulus),
        _ => computation.run(&Big::new(modulus.clone())?, exponent, &modulus),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn residues_of_both_signs_are_told_apart() {
        let separates = |modulus: u64, bound: u64| separates(&modulus.into(), &bound.into());
        // −3 … 3 are seven numbers.
        assert!(separates(7, 3) && !separates(6, 3) && !separates(5, 3));
        for bound in 1..100_u64 {
            let bits = separating_bits(&bound.into());
            assert!(separates(1 << bits, bound) && !separates(1 << (bits - 1), bound));
        }
    }

    /// Tells the modulus, as a power of what.
    struct Told;

    impl Computation for Told {
        type Output = (u32, BigInt);
        fn run<R: Ring>(self, ring: &R, exponent: u32, modulus: &BigInt) -> Self::Output {
            // −1 stays what it is, so the ring has that modulus or a multiple.
            let minus = BigInt::from(-1);
            assert_eq!(ring.symmetric(&ring.embed(&minus)), minus);
            assert_eq!(ring.symmetric(&ring.embed(modulus)), BigInt::ZERO);
            (exponent, modulus.clone())
        }
    }

    #[test]
    fn the_modulus_has_more_bits_than_asked_for() {
        for p in [251_u64, 257, 5003] {
            for bits in (1..700).step_by(7).chain([55, 56, 57, 58, 121, 122, 249, 250, 505, 506]) {
                let (exponent, modulus) = with_precision(p, bits, 1, Told).unwrap();
                assert_eq!(modulus, BigInt::from(p).pow(exponent));
                assert!(modulus.bits() > bits, "{p}^{exponent} for {bits} bits");
                assert!(modulus.bits() < 60.max(bits * 8 / 7 + 20), "{p}^{exponent} for {bits} bits");
            }
        }
        // 100² words a product.
        assert!(with_precision(251, 64 * 99, 2_000_000, Told).is_some());
        assert!(with_precision(251, 64 * 99, 2_000_001, Told).is_none());
        assert!(with_precision(251, 1 << 40, 1 << 40, Told).is_none());
    }
}
