//! Arrays of integers of several machine words each, in one piece of memory: an allocation for every integer
//! would cost as much as computing it.

use num_bigint::{BigInt, Sign};

use super::field::PrimeField;

/// Integers as signs and magnitudes, all of the same number of words.
///
/// Equality is that of the integers: there is no spare word common to all, and 0 is not negative.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wide {
    /// Words of one magnitude, least significant first; at least 1.
    length: usize,
    magnitudes: Vec<u64>,
    negative: Vec<bool>,
}

impl Wide {
    /// From `length` words for each sign, least significant first.
    pub fn new(length: usize, magnitudes: Vec<u64>, negative: Vec<bool>) -> Self {
        debug_assert!(length > 0 && magnitudes.len() == length * negative.len());
        let mut wide = Self { length, magnitudes, negative };
        wide.normalize();
        wide
    }

    /// From integers of any size.
    pub fn from_bigs(bigs: &[BigInt]) -> Self {
        let length = bigs.iter().map(|big| big.iter_u64_digits().len()).max().unwrap_or(0).max(1);
        let mut magnitudes = vec![0; length * bigs.len()];
        for (magnitude, big) in magnitudes.chunks_exact_mut(length).zip(bigs) {
            magnitude.iter_mut().zip(big.iter_u64_digits()).for_each(|(word, digit)| *word = digit);
        }
        Self { length, magnitudes, negative: bigs.iter().map(|big| big.sign() == Sign::Minus).collect() }
    }

    /// From integers of two words.
    #[allow(clippy::cast_possible_truncation, reason = "the two words of a double word")]
    pub fn from_doubles(doubles: &[i128]) -> Self {
        let all = doubles.iter().fold(0, |all, double| all | double.unsigned_abs());
        let length = if all >> 64 == 0 { 1 } else { 2 };
        let mut magnitudes = vec![0; length * doubles.len()];
        for (words, double) in magnitudes.chunks_exact_mut(length).zip(doubles) {
            words[0] = double.unsigned_abs() as u64;
            if let Some(high) = words.get_mut(1) {
                *high = (double.unsigned_abs() >> 64) as u64;
            }
        }
        Self { length, magnitudes, negative: doubles.iter().map(|double| *double < 0).collect() }
    }

    /// How many integers there are.
    pub fn len(&self) -> usize {
        self.negative.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.negative.is_empty()
    }

    /// The integer at this index.
    ///
    /// # Panics
    /// If the index is out of range.
    pub fn get(&self, index: usize) -> BigInt {
        let magnitude = self.magnitude(index);
        if magnitude.len() <= 2 {
            let double = magnitude.iter().rev().fold(0u128, |high, &word| high << 64 | u128::from(word));
            return if self.negative[index] { -BigInt::from(double) } else { double.into() };
        }
        let halves: Vec<u32> =
            magnitude.iter().flat_map(|word| [word & 0xffff_ffff, word >> 32]).map(half).collect();
        BigInt::from_slice(if self.negative[index] { Sign::Minus } else { Sign::Plus }, &halves)
    }

    /// The words of the magnitude at this index, least significant first, the leading ones 0 at will.
    pub fn magnitude(&self, index: usize) -> &[u64] {
        &self.magnitudes[index * self.length..][..self.length]
    }

    /// Whether the integer at this index is negative.
    pub fn is_negative(&self, index: usize) -> bool {
        self.negative[index]
    }

    /// All as machine words, if they fit.
    pub fn to_words(&self) -> Option<Vec<i64>> {
        if self.length > 1 {
            return None;
        }
        let signed = |(&magnitude, &negative): (&u64, &bool)| {
            let value = i128::from(magnitude);
            i64::try_from(if negative { -value } else { value }).ok()
        };
        self.magnitudes.iter().zip(&self.negative).map(signed).collect()
    }

    /// All as double words, if they fit.
    pub fn doubles(&self) -> Option<impl Iterator<Item = i128> + '_> {
        let signed = |(magnitude, &negative): (&[u64], &bool)| {
            let high = magnitude.get(1).map_or(0, |&word| i128::from(word) << 64);
            let value = high | i128::from(magnitude[0]);
            if negative { -value } else { value }
        };
        // −2¹²⁷ is left out.
        let fits = self.max_bits() <= 127;
        fits.then(|| self.magnitudes.chunks_exact(self.length).zip(&self.negative).map(signed))
    }

    /// The residue of the integer at this index.
    pub fn residue(&self, index: usize, field: &PrimeField) -> u64 {
        field.residue_of_words(self.magnitude(index), self.negative[index])
    }

    /// All signs changed.
    pub fn negated(mut self) -> Self {
        for (negative, magnitude) in self.negative.iter_mut().zip(self.magnitudes.chunks_exact(self.length)) {
            *negative = !*negative && magnitude.iter().any(|&word| word != 0);
        }
        self
    }

    /// For each position of the result the source index, or `None` for a 0.
    pub fn gather(&self, sources: impl Iterator<Item = Option<usize>>) -> Self {
        let count = sources.size_hint().0;
        let (mut magnitudes, mut negative) =
            (Vec::with_capacity(count * self.length), Vec::with_capacity(count));
        for source in sources {
            match source {
                Some(index) => magnitudes.extend_from_slice(self.magnitude(index)),
                None => magnitudes.resize(magnitudes.len() + self.length, 0),
            }
            negative.push(source.is_some_and(|index| self.negative[index]));
        }
        Self::new(self.length, magnitudes, negative)
    }

    /// The length in bits of the longest.
    pub fn max_bits(&self) -> u64 {
        // Without spare words, the longest has a bit in the leading word.
        let leading = self.magnitudes.iter().skip(self.length - 1).step_by(self.length);
        let bits = 64 - u64::from(leading.fold(0, |all, &word| all | word).leading_zeros());
        64 * (self.length as u64 - 1) + bits
    }

    /// Divides all by the largest power of two, up to `2^limit`, that divides all; its exponent.
    pub fn take_twos(&mut self, limit: u64) -> u64 {
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
        self.normalize();
        twos
    }

    /// Drops spare words and negative zeros.
    fn normalize(&mut self) {
        let old = self.length;
        let mut used = 1;
        for (magnitude, negative) in self.magnitudes.chunks_exact(old).zip(&mut self.negative) {
            let own = magnitude.iter().rposition(|&word| word != 0).map_or(0, |last| last + 1);
            *negative &= own > 0;
            used = used.max(own);
        }
        if used < old {
            for index in 0..self.negative.len() {
                self.magnitudes.copy_within(index * old..index * old + used, index * used);
            }
            self.magnitudes.truncate(used * self.negative.len());
            self.magnitudes.shrink_to_fit();
            self.length = used;
        }
    }
}

fn half(value: u64) -> u32 {
    u32::try_from(value).expect("32 bits of a word")
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_traits::ToPrimitive;
    use proptest::prelude::*;

    fn integers() -> impl Strategy<Value = Vec<BigInt>> {
        let edges = prop_oneof![
            Just(i128::MIN),
            Just(i64::MIN.into()),
            Just(1 << 63),
            Just(u64::MAX.into()),
            Just(0)
        ];
        let one = prop_oneof![
            edges.prop_map(BigInt::from),
            any::<i64>().prop_map(BigInt::from),
            (any::<i128>(), any::<i128>(), 0..200u32).prop_map(|(a, b, s)| (BigInt::from(a) * b) << s),
        ];
        prop_oneof![
            prop::collection::vec(one, 1..5),
            prop::collection::vec(any::<i64>().prop_map(BigInt::from), 1..5)
        ]
    }

    fn bigs(wide: &Wide) -> Vec<BigInt> {
        (0..wide.len()).map(|index| wide.get(index)).collect()
    }

    proptest! {
        #[test]
        fn holds_integers(values in integers(), spare in 0..3usize, limit in 0..300u64) {
            let wide = Wide::from_bigs(&values);
            prop_assert_eq!(&bigs(&wide), &values);
            let double = |value: &BigInt| value.to_i128().filter(|&double| double != i128::MIN);
            prop_assert_eq!(wide.doubles().map(Iterator::collect), values.iter().map(double).collect::<Option<Vec<_>>>());
            // Spare words and negative zeros do not distinguish.
            let length = wide.length + spare;
            let magnitudes = (0..wide.len()).flat_map(|k| [wide.magnitude(k), &vec![0; spare]].concat()).collect();
            let signs = values.iter().map(|value| value.sign() != Sign::Plus).collect();
            prop_assert_eq!(&Wide::new(length, magnitudes, signs), &wide);
            prop_assert_eq!(wide.to_words(), values.iter().map(ToPrimitive::to_i64).collect::<Option<Vec<_>>>());
            prop_assert_eq!(wide.max_bits(), values.iter().map(BigInt::bits).max().unwrap());
            let negated: Vec<BigInt> = values.iter().map(|value| -value).collect();
            prop_assert_eq!(wide.clone().negated(), Wide::from_bigs(&negated));
            if let Some(doubles) = values.iter().map(ToPrimitive::to_i128).collect::<Option<Vec<_>>>() {
                prop_assert_eq!(&Wide::from_doubles(&doubles), &wide);
            }
            let mut halved = wide;
            let twos = halved.take_twos(limit);
            let common = values.iter().filter_map(BigInt::trailing_zeros).min();
            prop_assert!(common.map_or(twos <= limit, |common| twos == common.min(limit)));
            prop_assert_eq!(halved, Wide::from_bigs(&values.iter().map(|value| value >> twos).collect::<Vec<_>>()));
        }

        #[test]
        fn gathers(values in integers(), sources in prop::collection::vec(prop::option::of(0..4usize), 1..6)) {
            let sources: Vec<_> = sources.into_iter().map(|s| s.filter(|&index| index < values.len())).collect();
            let expected: Vec<BigInt> = sources.iter().map(|s| s.map_or(BigInt::ZERO, |k| values[k].clone())).collect();
            let gathered = Wide::from_bigs(&values).gather(sources.into_iter());
            prop_assert_eq!(gathered, Wide::from_bigs(&expected));
        }
    }
}
