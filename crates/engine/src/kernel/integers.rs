//! Arrays of integers in machine words while they fit, and their common factors.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, ToPrimitive, Zero};

use convproof_exact::{Limited, Rational, Wide};

/// The integers of a kernel, over its common denominator, in the order `[out][in][row][column]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Integers {
    /// All fit in machine words.
    Words(Vec<i64>),
    /// At least one does not.
    Wide(Wide),
}

impl Integers {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Words(words) => words.len(),
            Self::Wide(wide) => wide.len(),
        }
    }

    /// Whether there are none (never so in a kernel).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The integer at this index.
    ///
    /// # Panics
    /// If the index is out of range.
    pub fn get(&self, index: usize) -> BigInt {
        match self {
            Self::Words(words) => words[index].into(),
            Self::Wide(wide) => wide.get(index),
        }
    }

    /// The same as a rational.
    ///
    /// # Panics
    /// If the index is out of range.
    pub fn rational(&self, index: usize) -> Rational {
        match self {
            Self::Words(words) => words[index].into(),
            Self::Wide(wide) => wide.get(index).into(),
        }
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = BigInt> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Whether the integer at this index is 0.
    pub fn is_zero_at(&self, index: usize) -> bool {
        match self {
            Self::Words(words) => words[index] == 0,
            Self::Wide(wide) => wide.magnitude(index).iter().all(|&word| word == 0),
        }
    }

    /// Whether all are 0.
    pub fn is_zero(&self) -> bool {
        (0..self.len()).all(|index| self.is_zero_at(index))
    }

    /// How many differ from 0.
    pub fn count_nonzero(&self) -> usize {
        match self {
            Self::Words(words) => words.iter().filter(|&&word| word != 0).count(),
            Self::Wide(_) => (0..self.len()).filter(|&index| !self.is_zero_at(index)).count(),
        }
    }

    /// Words whenever all fit.
    pub(crate) fn from_wide(wide: Wide) -> Self {
        wide.to_words().map_or(Self::Wide(wide), Self::Words)
    }

    /// Words whenever all fit.
    pub(crate) fn from_bigs(bigs: &[BigInt]) -> Self {
        Self::from_wide(Wide::from_bigs(bigs))
    }

    /// Words whenever all fit.
    #[allow(clippy::cast_possible_truncation, reason = "all fit")]
    pub(crate) fn from_doubles(doubles: &[i128]) -> Self {
        // Without its sign each has at most 63 bits.
        let fit = doubles.iter().fold(0, |all, double| all | (double ^ (double >> 127))) >> 63 == 0;
        if fit {
            return Self::Words(doubles.iter().map(|&double| double as i64).collect());
        }
        Self::Wide(Wide::from_doubles(doubles))
    }

    /// Adds a multiple of each to a sum; `None` if the multiples may be longer than 127 bits. The sums are exact if the caller
    /// knows that they fit.
    pub(crate) fn add_multiples(&self, factor: i128, sums: &mut [i128]) -> Option<()> {
        if (self.max_bits() + bits_of(factor.unsigned_abs())).exceeds(127) {
            return None;
        }
        match self {
            Self::Words(words) => add(words.iter().map(|&word| word.into()), factor, sums),
            Self::Wide(wide) => add(wide.doubles()?, factor, sums),
        }
        Some(())
    }

    /// A multiple of each; `None` if they may be longer than 127 bits.
    pub(crate) fn multiples(&self, factor: i128) -> Option<Vec<i128>> {
        let mut sums = vec![0; self.len()];
        self.add_multiples(factor, &mut sums)?;
        Some(sums)
    }

    pub(crate) fn to_bigs(&self) -> Vec<BigInt> {
        self.iter().collect()
    }

    /// For each position of the result the source index, or `None` for a 0.
    pub(crate) fn gather(&self, sources: impl Iterator<Item = Option<usize>>) -> Self {
        match self {
            Self::Words(words) => Self::Words(sources.map(|s| s.map_or(0, |index| words[index])).collect()),
            Self::Wide(wide) => Self::from_wide(wide.gather(sources)),
        }
    }

    /// Divides the integers and the positive `denominator` by all factors that they share. Words stay words, and
    /// the result is words whenever all fit.
    pub(crate) fn reduce(self, denominator: &mut BigInt) -> Self {
        if denominator.is_one() {
            return self;
        }
        match self {
            Self::Words(mut words) if is_power_of_two(denominator) => {
                let all = words.iter().fold(0, |all, word| all | word);
                let twos = denominator.bits() - 1;
                let twos = if all == 0 { twos } else { twos.min(all.trailing_zeros().into()) };
                *denominator >>= twos;
                if all != 0 && twos > 0 {
                    words.iter_mut().for_each(|word| *word >>= twos);
                }
                Self::Words(words)
            }
            Self::Words(mut words) => {
                let common = common_factor_of_words(&words, denominator);
                if common.is_one() {
                    return Self::Words(words);
                }
                *denominator /= &common;
                match common.to_i64() {
                    Some(divisor) => words.iter_mut().for_each(|word| *word /= divisor),
                    // It divides every word and is beyond i64, so the words are 0 or, if 2⁶³, also i64::MIN.
                    None => words.iter_mut().for_each(|word| *word = word.signum()),
                }
                Self::Words(words)
            }
            Self::Wide(mut wide) => {
                let twos = wide.take_twos(denominator.trailing_zeros().unwrap_or(0));
                *denominator >>= twos;
                if is_power_of_two(denominator) {
                    return Self::from_wide(wide);
                }
                let common = common_factor_of_bigs((0..wide.len()).map(|index| wide.get(index)), denominator);
                if common.is_one() {
                    return Self::from_wide(wide);
                }
                *denominator /= &common;
                Self::from_bigs(&(0..wide.len()).map(|index| wide.get(index) / &common).collect::<Vec<_>>())
            }
        }
    }

    /// The length in bits of the longest magnitude.
    pub fn max_bits(&self) -> u64 {
        match self {
            Self::Words(words) => bits_of(max_magnitude(words).into()),
            Self::Wide(wide) => wide.max_bits(),
        }
    }
}

/// Adds products that fit.
fn add(values: impl Iterator<Item = i128>, factor: i128, sums: &mut [i128]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum = sum.wrapping_add(value.wrapping_mul(factor));
    }
}

/// The largest magnitude; 0 if there is none.
pub(crate) fn max_magnitude(words: &[i64]) -> u64 {
    words.iter().map(|word| word.unsigned_abs()).max().unwrap_or(0)
}

/// The length in bits.
pub(crate) fn bits_of(value: u128) -> u64 {
    u64::from(128 - value.leading_zeros())
}

fn common_factor_of_words(words: &[i64], denominator: &BigInt) -> BigInt {
    // Starting from 0, the gcd of the words alone.
    let start = denominator.to_u64();
    let mut common = start.unwrap_or(0);
    for magnitude in words.iter().map(|word| word.unsigned_abs()).filter(|&magnitude| magnitude != 0) {
        if common == 0 || magnitude % common != 0 {
            common = common.gcd(&magnitude);
            if common == 1 {
                return BigInt::one();
            }
        }
    }
    if start.is_some() { common.into() } else { denominator.gcd(&common.into()) }
}

fn common_factor_of_bigs(bigs: impl Iterator<Item = BigInt>, denominator: &BigInt) -> BigInt {
    let mut common = denominator.clone();
    for big in bigs {
        if !(&big % &common).is_zero() {
            common = common.gcd(&big);
            if common.is_one() {
                break;
            }
        }
    }
    common
}

fn is_power_of_two(positive: &BigInt) -> bool {
    positive.trailing_zeros().is_some_and(|zeros| zeros + 1 == positive.bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_are_given_as_long_as_they_are_sure_to_fit() {
        let words = Integers::Words(vec![3, -1, i64::MAX]);
        let expected = [3, -1, i128::from(i64::MAX)].map(|word| word * 5).to_vec();
        assert_eq!(words.multiples(5), Some(expected));
        assert!(words.multiples(i128::from(u64::MAX)).is_some() && words.multiples(1 << 64).is_none());
        let wide = Integers::from_doubles(&[1 << 100, -7]);
        assert_eq!(wide.multiples(-3), Some(vec![-3 << 100, 21]));
        assert!(wide.multiples(1 << 26).is_none());
    }
}
