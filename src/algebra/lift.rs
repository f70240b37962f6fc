//! Integers from their residues modulo several primes.

use num_bigint::{BigInt, Sign};

use super::field::{Field, PRIMES};

/// Integers as fixed numbers of words: what residues determine, before factors are taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lifted {
    /// Words of one magnitude, least significant first.
    length: usize,
    magnitudes: Vec<u64>,
    negative: Vec<bool>,
}

impl Lifted {
    /// The integers of least magnitude whose residues modulo prime `k` are `residues[k]`: mixed radix digits
    /// (Garner 1959, "The residue number system").
    ///
    /// # Panics
    /// Unless there are residues for 1 to 16 primes, equally many for each.
    pub(crate) fn from_residues(residues: &[Vec<u64>]) -> Self {
        macro_rules! dispatch {
            ($($count:literal)*) => {
                match residues.len() {
                    $($count => lift::<$count>(std::array::from_fn(|k| &residues[k][..])),)*
                    count => panic!("residues for {count} primes"),
                }
            };
        }
        dispatch!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
    }

    /// Divides all by the largest power of two, up to `2^limit`, that divides all; its exponent.
    pub(crate) fn take_twos(&mut self, limit: u64) -> u64 {
        let mut twos = limit.min(64 * self.length as u64);
        for magnitude in self.magnitudes.chunks_exact(self.length) {
            if twos == 0 {
                return 0;
            }
            if let Some(index) = magnitude.iter().position(|&word| word != 0) {
                twos = twos.min(64 * index as u64 + u64::from(magnitude[index].trailing_zeros()));
            }
        }
        let (words, bits) = (usize::try_from(twos / 64).unwrap_or(self.length), twos % 64);
        for magnitude in self.magnitudes.chunks_exact_mut(self.length) {
            for index in 0..self.length {
                let word = |k: usize| magnitude.get(k).copied().unwrap_or(0);
                let low = word(index + words) >> bits;
                // Two shifts, because one by 64 would be none.
                magnitude[index] = low | word(index + words + 1) << 1 << (63 - bits);
            }
        }
        twos
    }

    /// All as machine words, if they fit.
    pub(crate) fn to_words(&self) -> Option<Vec<i64>> {
        let signed = |(magnitude, &negative): (&[u64], &bool)| {
            if magnitude[1..].iter().any(|&word| word != 0) {
                return None;
            }
            let value = if negative { -i128::from(magnitude[0]) } else { magnitude[0].into() };
            i64::try_from(value).ok()
        };
        self.magnitudes.chunks_exact(self.length).zip(&self.negative).map(signed).collect()
    }

    /// All as big integers.
    pub(crate) fn to_bigs(&self) -> Vec<BigInt> {
        let big = |(magnitude, &negative): (&[u64], &bool)| {
            let sign = if negative { Sign::Minus } else { Sign::Plus };
            let used = magnitude.iter().rposition(|&word| word != 0).map_or(0, |last| last + 1);
            let mut halves = [0u32; 2 * PRIMES.len()];
            for (pair, &word) in halves.chunks_exact_mut(2).zip(magnitude) {
                #[allow(clippy::cast_possible_truncation, reason = "the two halves of a word")]
                pair.copy_from_slice(&[word as u32, (word >> 32) as u32]);
            }
            BigInt::from_slice(sign, &halves[..2 * used])
        };
        self.magnitudes.chunks_exact(self.length).zip(&self.negative).map(big).collect()
    }
}

/// What the primes determine, prepared.
struct Basis<const K: usize> {
    fields: [Field; K],
    /// Row `k`: the products of the first 0, 1, … `k − 1` primes times R, modulo prime `k`.
    radices: [[u64; K]; K],
    /// Inverses of the products of the first `k` primes times R, modulo prime `k`.
    inverses: [u64; K],
    /// The product of all, least significant word first.
    modulus: [u64; K],
}

impl<const K: usize> Basis<K> {
    fn new() -> Self {
        let fields: [Field; K] = std::array::from_fn(|k| Field::new(PRIMES[k]));
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

fn lift<const K: usize>(residues: [&[u64]; K]) -> Lifted {
    let basis = Basis::<K>::new();
    let count = residues[0].len();
    let mut lifted = Lifted { length: K, magnitudes: vec![0; K * count], negative: vec![false; count] };
    let targets = lifted.magnitudes.chunks_exact_mut(K).zip(&mut lifted.negative);
    for (index, (magnitude, negative)) in targets.enumerate() {
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
    lifted
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
    use crate::algebra::field::primes_for;
    use num_traits::ToPrimitive;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lifts_every_integer_in_range(count in 1..=16usize, words in any::<[[u64; 17]; 3]>(), cut in 0u64..70, signs: [bool; 3], zeros in 0u64..200) {
            // The longest integers for which `primes_for` allows `count` primes, and shorter ones.
            let bits = (61 * count as u64 - 2).saturating_sub(if cut < 10 { 0 } else { cut * count as u64 });
            let value = |(words, &negative): (&[u64; 17], &bool)| {
                let long = words.iter().fold(BigInt::ZERO, |sum, &word| (sum << 64u32) + word);
                let kept = (long >> (17 * 64 - bits)) >> zeros << zeros;
                if negative { -kept } else { kept }
            };
            let values: Vec<BigInt> = words.iter().zip(&signs).map(value).collect();
            let longest = values.iter().map(BigInt::bits).max().unwrap();
            prop_assert!(primes_for(longest).unwrap() <= count);
            let residues: Vec<Vec<u64>> = PRIMES[..count]
                .iter()
                .map(|&p| values.iter().map(|value| Field::new(p).residue_of_big(value)).collect())
                .collect();
            let mut lifted = Lifted::from_residues(&residues);
            prop_assert_eq!(&lifted.to_bigs(), &values);
            prop_assert_eq!(lifted.to_words(), values.iter().map(ToPrimitive::to_i64).collect::<Option<Vec<_>>>());
            let limit = cut * 3;
            let twos = lifted.take_twos(limit);
            let common = values.iter().filter_map(BigInt::trailing_zeros).min();
            prop_assert!(common.map_or(twos <= limit, |common| twos == common.min(limit)));
            prop_assert_eq!(lifted.to_bigs(), values.iter().map(|value| value >> twos).collect::<Vec<_>>());
        }
    }
}
