//! Integers from their residues modulo several primes.

use super::Wide;
use super::field::{PRIMES, PrimeField};

/// The integers of least magnitude whose residues modulo prime `k` are `residues[k]`: mixed radix digits (Garner
/// 1959, "The residue number system").
///
/// # Panics
/// Unless there are residues for 1 to 16 primes, equally many for each.
pub fn lift(residues: &[Vec<u64>]) -> Wide {
    macro_rules! dispatch {
        ($($count:literal)*) => {
            match residues.len() {
                $($count => lift_from::<$count>(std::array::from_fn(|k| &residues[k][..])),)*
                count => panic!("residues for {count} primes"),
            }
        };
    }
    dispatch!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
}

/// What the primes determine, prepared.
struct Basis<const K: usize> {
    fields: [PrimeField; K],
    /// Row `k`: the products of the first 0, 1, … `k − 1` primes times R, modulo prime `k`.
    radices: [[u64; K]; K],
    /// Inverses of the products of the first `k` primes times R, modulo prime `k`.
    inverses: [u64; K],
    /// The product of all, least significant word first.
    modulus: [u64; K],
}

impl<const K: usize> Basis<K> {
    fn new() -> Self {
        let fields: [PrimeField; K] = std::array::from_fn(|k| PrimeField::new(PRIMES[k]));
        let (mut radices, mut inverses) = ([[0; K]; K], [0; K]);
        for (k, field) in fields.iter().enumerate() {
            let mut product = 1;
            for (earlier, radix) in fields[..k].iter().zip(&mut radices[k]) {
                *radix = field.scaled(product);
                product = field.multiply(product, earlier.p % field.p);
            }
            inverses[k] = field.scaled(field.invert(product));
        }
        let mut modulus = [0; K];
        modulus[0] = 1;
        for field in &fields {
            multiply_add(&mut modulus, field.p, 0);
        }
        Self { fields, radices, inverses, modulus }
    }

    /// Whether `words > modulus / 2`; the modulus is odd and less than `2^(64·K − 1)`.
    #[inline]
    fn is_upper_half(&self, words: &[u64; K]) -> bool {
        // 2·words > modulus, from the most significant word.
        for k in (0..K).rev() {
            let carry = if k == 0 { 0 } else { words[k - 1] >> 63 };
            let doubled = words[k] << 1 | carry;
            if doubled != self.modulus[k] {
                return doubled > self.modulus[k];
            }
        }
        false
    }
}

fn lift_from<const K: usize>(residues: [&[u64]; K]) -> Wide {
    let basis = Basis::<K>::new();
    let count = residues[0].len();
    let (mut magnitudes, mut negative) = (vec![0; K * count], vec![false; count]);
    for (index, (magnitude, negative)) in magnitudes.chunks_exact_mut(K).zip(&mut negative).enumerate() {
        let mut digits = [0u64; K];
        for k in 0..K {
            let field = basis.fields[k];
            let mut known = 0u128;
            for (&radix, &digit) in basis.radices[k][..k].iter().zip(&digits) {
                // At most 15 products, each below 2¹²².
                known = known.wrapping_add(u128::from(radix).wrapping_mul(u128::from(digit)));
            }
            let (known, residue) = (field.reduce(known), residues[k][index]);
            let rest = if residue < known { residue + field.p - known } else { residue - known };
            digits[k] = field.montgomery(rest, basis.inverses[k]);
        }
        let mut words = [0u64; K];
        for (field, &digit) in basis.fields.iter().zip(&digits).rev() {
            multiply_add(&mut words, field.p, digit);
        }
        *negative = basis.is_upper_half(&words);
        if *negative {
            let mut borrow = false;
            for (word, &top) in words.iter_mut().zip(&basis.modulus) {
                let (difference, first) = top.overflowing_sub(*word);
                let (difference, second) = difference.overflowing_sub(u64::from(borrow));
                (*word, borrow) = (difference, first || second);
            }
        }
        magnitude.copy_from_slice(&words);
    }
    Wide::new(K, magnitudes, negative)
}

/// `words · factor + addend` in place; the result must fit.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "the low word of a double-word sum")]
fn multiply_add<const K: usize>(words: &mut [u64; K], factor: u64, addend: u64) {
    let mut carry = addend;
    for word in words {
        let sum = u128::from(*word).wrapping_mul(u128::from(factor)).wrapping_add(u128::from(carry));
        (*word, carry) = (sum as u64, (sum >> 64) as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::primes_for;
    use num_bigint::BigInt;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lifts_every_integer_in_range(count in 1..=16usize, words in any::<[[u64; 17]; 3]>(), cut in 0u64..70, signs: [bool; 3]) {
            // The longest integers for which `primes_for` allows `count` primes, and shorter ones.
            let bits = (61 * count as u64 - 2).saturating_sub(if cut < 10 { 0 } else { cut * count as u64 });
            let value = |(words, &negative): (&[u64; 17], &bool)| {
                let long = words.iter().fold(BigInt::ZERO, |sum, &word| (sum << 64u32) + word);
                let kept = long >> (17 * 64 - bits);
                if negative { -kept } else { kept }
            };
            let mut values: Vec<BigInt> = words.iter().zip(&signs).map(value).collect();
            values.push((BigInt::from(1) << bits) - 1);
            values.push(-values[3].clone());
            prop_assert!(primes_for(bits).unwrap() <= count);
            let wide = Wide::from_bigs(&values);
            let residues: Vec<Vec<u64>> = PRIMES[..count]
                .iter()
                .map(|&p| (0..values.len()).map(|index| wide.residue(index, &PrimeField::new(p))).collect())
                .collect();
            prop_assert_eq!(lift(&residues), wide);
        }
    }
}
