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
    if bits <= u64::from(modulus.ilog2()) {
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
