//! Arrays of integers in machine words while they fit, and their common factors.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::algebra::lift::Lifted;

/// The integers of a kernel, over its common denominator, in the order `[out][in][row][column]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Integers {
    /// All fit in machine words.
    Words(Vec<i64>),
    /// At least one does not.
    Big(Vec<BigInt>),
}

impl Integers {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Words(words) => words.len(),
            Self::Big(bigs) => bigs.len(),
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
            Self::Big(bigs) => bigs[index].clone(),
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
            Self::Big(bigs) => bigs[index].is_zero(),
        }
    }

    /// How many differ from 0.
    pub fn count_nonzero(&self) -> usize {
        match self {
            Self::Words(words) => words.iter().filter(|&&word| word != 0).count(),
            Self::Big(bigs) => bigs.iter().filter(|big| !big.is_zero()).count(),
        }
    }

    /// The representation that is canonical: words whenever all fit.
    pub(crate) fn narrow(self) -> Self {
        match self {
            Self::Big(bigs) => bigs
                .iter()
                .map(ToPrimitive::to_i64)
                .collect::<Option<_>>()
                .map_or(Self::Big(bigs), Self::Words),
            words @ Self::Words(_) => words,
        }
    }

    /// Divides by as many twos as all share, up to `limit`; how many.
    pub(crate) fn from_lifted(mut lifted: Lifted, limit: u64) -> (Self, u64) {
        let twos = lifted.take_twos(limit);
        (lifted.to_words().map_or_else(|| Self::Big(lifted.to_bigs()), Self::Words), twos)
    }

    pub(crate) fn from_doubles(doubles: Vec<i128>) -> Self {
        match doubles.iter().map(|&double| i64::try_from(double)).collect() {
            Ok(words) => Self::Words(words),
            Err(_) => Self::Big(doubles.into_iter().map(BigInt::from).collect()),
        }
    }

    pub(crate) fn to_bigs(&self) -> Vec<BigInt> {
        match self {
            Self::Words(words) => words.iter().map(|&word| word.into()).collect(),
            Self::Big(bigs) => bigs.clone(),
        }
    }

    /// For each position of the result the source index, or `None` for a 0.
    pub(crate) fn gather(&self, sources: impl Iterator<Item = Option<usize>>) -> Self {
        match self {
            Self::Words(words) => Self::Words(sources.map(|s| s.map_or(0, |index| words[index])).collect()),
            Self::Big(bigs) => {
                Self::Big(sources.map(|s| s.map_or_else(BigInt::zero, |index| bigs[index].clone())).collect())
            }
        }
    }

    /// Divides the integers and the positive `denominator` by all factors that they share.
    pub(crate) fn reduce(&mut self, denominator: &mut BigInt) {
        if denominator.is_one() {
            return;
        }
        let common = match self {
            Self::Words(words) => common_factor_of_words(words, denominator),
            Self::Big(bigs) => common_factor_of_bigs(bigs, denominator),
        };
        if common.is_one() {
            return;
        }
        *denominator /= &common;
        match self {
            Self::Words(words) => match common.to_i64() {
                Some(divisor) => words.iter_mut().for_each(|word| *word /= divisor),
                // It divides every word and is beyond i64, so the words are 0 or, if 2⁶³, also i64::MIN.
                None => words.iter_mut().for_each(|word| *word = word.signum()),
            },
            Self::Big(bigs) if is_power_of_two(&common) => {
                let twos = common.bits() - 1;
                bigs.iter_mut().for_each(|big| *big >>= twos);
            }
            Self::Big(bigs) => bigs.iter_mut().for_each(|big| *big /= &common),
        }
    }

    /// A number of bits that no magnitude exceeds; tight for big integers and words alike.
    pub(crate) fn max_bits(&self) -> u64 {
        match self {
            Self::Words(words) => bits_of(max_magnitude(words).into()),
            Self::Big(bigs) => bigs.iter().map(BigInt::bits).max().unwrap_or(0),
        }
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
    // Starting from 0, the gcd of the words alone, which is reduced against a long denominator at the end.
    let mut common = denominator.to_u64().unwrap_or(0);
    for magnitude in words.iter().map(|word| word.unsigned_abs()).filter(|&magnitude| magnitude != 0) {
        if common == 0 || magnitude % common != 0 {
            common = common.gcd(&magnitude);
            if common == 1 {
                break;
            }
        }
    }
    denominator.gcd(&common.into())
}

fn is_power_of_two(positive: &BigInt) -> bool {
    positive.trailing_zeros().is_some_and(|zeros| zeros + 1 == positive.bits())
}

fn common_factor_of_bigs(bigs: &[BigInt], denominator: &BigInt) -> BigInt {
    let mut common = denominator.clone();
    if is_power_of_two(denominator) {
        // A power of two, as for all weights that were floats.
        let mut zeros = denominator.bits() - 1;
        for own in bigs.iter().filter_map(BigInt::trailing_zeros) {
            zeros = zeros.min(own);
            if zeros == 0 {
                break;
            }
        }
        return BigInt::one() << zeros;
    }
    for big in bigs {
        if !(big % &common).is_zero() {
            common = common.gcd(big);
            if common.is_one() {
                break;
            }
        }
    }
    common.abs()
}
