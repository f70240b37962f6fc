//! Integers from their least residues modulo the primes of `field.rs`: mixed radix digits (Garner 1959, "The residue
//! number system") between −p/2 and p/2. As all primes are odd, every integer below half of the product in magnitude
//! has just one such expansion, and its sign is that of its leading digit other than 0.

use pulp::Simd;

use super::field::{PRIMES, Twiddle};
use super::lanes::{Lanes, least};
use super::small;
use crate::Wide;
use crate::field::PrimeField;

/// Digits found together while they are near.
const CHUNK: usize = 512;

/// Replaces residues between −p/2 and p/2 by mixed radix digits; the arrays have one length, a multiple of the lanes.
#[inline(always)]
pub(super) fn digits<S: Simd>(simd: S, residues: &mut [Vec<f64>]) {
    let length = residues.first().map_or(0, Vec::len);
    let inverses = inverses(&PRIMES[..residues.len()], Twiddle::new);
    for start in (0..length).step_by(CHUNK) {
        let part = start..length.min(start + CHUNK);
        for k in 1..residues.len() {
            let lanes = Lanes::new(simd, PRIMES[k]);
            let (earlier, later) = residues.split_at_mut(k);
            let values = S::as_mut_simd_f64s(&mut later[0][part.clone()]).0;
            for (digits, &inverse) in earlier.iter().zip(&inverses[k]) {
                let inverse = lanes.spread(inverse);
                for (value, digit) in values.iter_mut().zip(S::as_simd_f64s(&digits[part.clone()]).0) {
                    *value = lanes.times(lanes.difference(*value, *digit), inverse);
                }
            }
            for value in values {
                *value = lanes.reduce(*value);
            }
        }
    }
}

/// Replaces reduced residues modulo the primes of `small.rs` by mixed radix digits, and those by digits over products of two
/// primes, the last one over a single prime if their number is odd.
#[inline(always)]
#[allow(clippy::cast_precision_loss, reason = "primes below 2²⁴")]
pub(super) fn small_digits<S: Simd>(simd: S, residues: &mut Vec<Vec<f64>>) {
    let length = residues.first().map_or(0, Vec::len);
    let inverses = inverses(&small::PRIMES[..residues.len()], |value, field| least(value, field.p));
    for start in (0..length).step_by(CHUNK) {
        let part = start..length.min(start + CHUNK);
        for k in 1..residues.len() {
            let lanes = Lanes::new(simd, small::PRIMES[k]);
            let (earlier, later) = residues.split_at_mut(k);
            let values = S::as_mut_simd_f64s(&mut later[0][part.clone()]).0;
            for (digits, &inverse) in earlier.iter().zip(&inverses[k]) {
                let inverse = simd.splat_f64s(inverse);
                for (value, digit) in values.iter_mut().zip(S::as_simd_f64s(&digits[part.clone()]).0) {
                    // At most 2²⁴ times 2²³.
                    let difference = simd.sub_f64s(*value, *digit);
                    *value = lanes.reduce(simd.mul_f64s(difference, inverse));
                }
            }
        }
        for (pair, prime) in residues.chunks_exact_mut(2).zip(small::PRIMES.iter().step_by(2)) {
            let [low, high] = pair else { continue };
            let prime = simd.splat_f64s(*prime as f64);
            let high = S::as_simd_f64s(&high[part.clone()]).0;
            for (low, &high) in S::as_mut_simd_f64s(&mut low[part.clone()]).0.iter_mut().zip(high) {
                // At most 2⁴⁷ + 2²³.
                *low = simd.mul_add_f64s(high, prime, *low);
            }
        }
    }
    let mut number = 0;
    residues.retain(|_| {
        number += 1;
        number % 2 == 1
    });
}

/// For each prime the inverses of those before it.
fn inverses<T>(primes: &[u64], factor: impl Fn(u64, &PrimeField) -> T) -> Vec<Vec<T>> {
    let row = |(k, &p)| {
        let field = PrimeField::new(p);
        primes[..k].iter().map(|prime| factor(field.invert(prime % p), &field)).collect()
    };
    primes.iter().enumerate().map(row).collect()
}

/// The `count` integers of the digits at these places, each over the product of the radices before it. The sign of every part of
/// leading digits is that of the first other than 0.
///
/// # Panics
/// Unless there are digits over 1 to 8 radices, of up to 49 bits.
pub(super) fn integers(
    digits: &[Vec<f64>],
    radices: &[u64],
    places: impl Iterator<Item = usize>,
    count: usize,
) -> Wide {
    macro_rules! dispatch {
        ($($primes:literal)*) => {
            match digits.len() {
                $($primes => integers_from::<$primes>(std::array::from_fn(|k| &digits[k][..]), radices, places, count),)*
                primes => panic!("digits for {primes} primes"),
            }
        };
    }
    dispatch!(1 2 3 4 5 6 7 8)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "digits are integers; the words of a sum"
)]
fn integers_from<const K: usize>(
    digits: [&[f64]; K],
    radices: &[u64],
    places: impl Iterator<Item = usize>,
    count: usize,
) -> Wide {
    let (mut magnitudes, mut negative) = (vec![0; K * count], vec![false; count]);
    for ((magnitude, negative), place) in magnitudes.chunks_exact_mut(K).zip(&mut negative).zip(places) {
        let digits: [i64; K] = std::array::from_fn(|k| digits[k][place] as i64);
        *negative = digits.iter().fold(0, |leading, &digit| if digit == 0 { leading } else { digit }) < 0;
        let sign = if *negative { -1 } else { 1 };
        // What the leading digits give is not negative, so neither is its sum with one more.
        let mut words = [0u64; K];
        words[0] = digits[K - 1].wrapping_mul(sign) as u64;
        for k in 1..K {
            let mut carry = i128::from(digits[K - 1 - k].wrapping_mul(sign));
            for word in &mut words[..=k] {
                let product = u128::from(*word).wrapping_mul(u128::from(radices[K - 1 - k]));
                let sum = product.cast_signed().wrapping_add(carry);
                (*word, carry) = (sum as u64, sum >> 64);
            }
        }
        magnitude.copy_from_slice(&words);
    }
    Wide::new(K, magnitudes, negative)
}

#[cfg(test)]
mod tests {
    use super::super::field::primes_for;
    use super::*;
    use num_bigint::BigInt;
    use num_integer::Integer;
    use num_traits::ToPrimitive;
    use proptest::prelude::*;

    #[allow(clippy::cast_precision_loss, reason = "a residue is below 2⁴⁹")]
    fn residue(value: &BigInt, p: u64) -> f64 {
        let rest = value.mod_floor(&p.into()).to_i64().expect("a residue");
        (if rest > p.cast_signed() / 2 { rest - p.cast_signed() } else { rest }) as f64
    }

    proptest! {
        #[test]
        fn lifts_every_integer_in_range(count in 1..=PRIMES.len(), words in any::<[[u64; 7]; 3]>(), cut in 0..500u64, signs: [bool; 3]) {
            // The longest integers for which `primes_for` allows `count` primes, and shorter ones.
            let bits = (49 * count as u64 - 2).saturating_sub(if cut < 100 { 0 } else { cut });
            let value = |(words, &negative): (&[u64; 7], &bool)| {
                let long = words.iter().fold(BigInt::ZERO, |sum, &word| (sum << 64u32) + word);
                let kept = long >> (7 * 64 - bits);
                if negative { -kept } else { kept }
            };
            let mut values: Vec<BigInt> = words.iter().zip(&signs).map(value).collect();
            let longest: BigInt = (BigInt::from(1) << bits) - 1;
            values.extend([longest.clone(), -longest, BigInt::ZERO, 1.into(), (-1).into()]);
            prop_assert!(primes_for(bits).unwrap() <= count);
            let mut residues: Vec<Vec<f64>> =
                PRIMES[..count].iter().map(|&p| values.iter().map(|value| residue(value, p)).collect()).collect();
            digits(pulp::Scalar, &mut residues);
            prop_assert_eq!(integers(&residues, &PRIMES, 0..values.len(), values.len()), Wide::from_bigs(&values));
        }
    }
}
