//! Sums of products with numbers of a file, all at once and without rounding: the other factors get a common last place,
//! and each number of the file is a word times a power of two.

use super::Precise;
use super::float::{BITS, Float, power_of_two};

/// Words of an exact sum: those of a factor, the range of powers of two of the numbers, and what carries.
const WORDS: usize = 10;
/// Largest range of powers of two.
const MOST_RANGE: i32 = 192;

/// Factors with a common last place.
pub struct Factors {
    /// Magnitude and sign: multiples of `2^(exponent − 256)`.
    values: Vec<([u64; 4], bool)>,
    exponent: i32,
    /// No smaller than the distance between each factor and what stands for it.
    radii: Vec<f64>,
}

impl Factors {
    /// Nothing where a factor has no bound.
    pub fn new(factors: &[Precise]) -> Option<Self> {
        let exponents = factors.iter().filter(|factor| !factor.middle.is_zero());
        let exponent = exponents.map(|factor| factor.middle.exponent()).max().unwrap_or(0);
        let values = factors.iter().map(|factor| factor.middle.cut_at(exponent)).collect();
        let unit = power_of_two(exponent - BITS);
        let radii = factors.iter().map(|factor| super::sum(factor.radius, unit)).collect();
        factors.iter().all(|factor| factor.is_finite()).then_some(Self { values, exponent, radii })
    }
}

/// A number of a file: its word, how many words above the last place it stands, and the factor that it multiplies.
struct Entry {
    word: u64,
    place: usize,
    negative: bool,
    factor: usize,
    /// The absolute value of the number, once if it has two words.
    size: f64,
}

/// The numbers of some sums, in groups.
pub struct NumberGroups {
    groups: Vec<Vec<Entry>>,
    /// All are multiples of two to this.
    exponent: i32,
}

impl NumberGroups {
    /// Each number with the factor that it multiplies, counted from one that a sum states; nothing where one is not finite,
    /// or their sizes are too different.
    pub fn new(groups: &[Vec<(f64, usize)>]) -> Option<Self> {
        let all = || groups.iter().flatten().map(|(number, _)| *number).filter(|number| *number != 0.0);
        if !all().all(f64::is_finite) {
            return None;
        }
        let place = |number: f64| Float::of_double(number).as_word().1;
        let exponent = all().map(place).min().unwrap_or(0);
        if all().map(place).max().unwrap_or(exponent) - exponent > MOST_RANGE {
            return None;
        }
        let entries = |(number, factor): &(f64, usize)| {
            let (word, own) = Float::of_double(*number).as_word();
            let above = if word == 0 { 0 } else { (own - exponent).cast_unsigned() };
            let wide = u128::from(word) << (above % 64);
            let (first, negative) = ((above / 64) as usize, number.is_sign_negative());
            let entry = |place, word, size| Entry { word, place, negative, factor: *factor, size };
            #[allow(clippy::cast_possible_truncation, reason = "the two words of a double word")]
            let words = [entry(first, wide as u64, number.abs()), entry(first + 1, (wide >> 64) as u64, 0.0)];
            words.into_iter().filter(|entry| entry.word != 0 || entry.size != 0.0)
        };
        let groups = groups.iter().map(|group| group.iter().flat_map(entries).collect()).collect();
        Some(Self { groups, exponent })
    }
}

/// A sum of products.
pub struct Sum<'s> {
    numbers: &'s NumberGroups,
    factors: &'s Factors,
    /// What is added, and what is subtracted.
    words: [[u64; WORDS]; 2],
    /// Rounded to nearest, of so many products.
    radius: f64,
    count: usize,
}

impl<'s> Sum<'s> {
    /// No product.
    pub fn new(numbers: &'s NumberGroups, factors: &'s Factors) -> Self {
        Self { numbers, factors, words: [[0; WORDS]; 2], radius: 0.0, count: 0 }
    }

    /// Adds the products of a group of numbers and the factors from one on.
    pub fn add(&mut self, group: usize, first: usize) {
        let entries = &self.numbers.groups[group];
        self.count += entries.len();
        for entry in entries {
            self.radius += entry.size * self.factors.radii[first + entry.factor];
            let (value, negative) = &self.factors.values[first + entry.factor];
            let words = &mut self.words[usize::from(entry.negative != *negative)][entry.place..];
            let mut carry = 0;
            for (word, own) in words.iter_mut().zip(value) {
                let sum = u128::from(entry.word) * u128::from(*own) + u128::from(*word) + carry;
                #[allow(clippy::cast_possible_truncation, reason = "the low word of a double word")]
                let low = sum as u64;
                (*word, carry) = (low, sum >> 64);
            }
            for word in &mut words[4..] {
                let sum = u128::from(*word) + carry;
                #[allow(clippy::cast_possible_truncation, reason = "the low word of a double word")]
                let low = sum as u64;
                (*word, carry) = (low, sum >> 64);
                if carry == 0 {
                    break;
                }
            }
        }
    }

    /// The sum.
    pub fn total(self) -> Precise {
        let exponent = self.factors.exponent - BITS + self.numbers.exponent;
        let [added, subtracted] = self.words.map(|words| {
            let (middle, error) = Float::of_words(&words, exponent);
            Precise { middle, radius: error }
        });
        // Each product and each sum lost half a unit in the last place, or the smallest number there is.
        let count = u32::try_from(self.count).map_or(f64::INFINITY, f64::from);
        let radius = (self.radius + count * f64::MIN_POSITIVE) * (1.0 + (count + 4.0) * 2.0 * f64::EPSILON);
        added.minus(subtracted).within(radius)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_exact::SplitMix64;

    #[test]
    fn sums_are_those_of_products_one_by_one() {
        let mut random = SplitMix64::new(11);
        let mut draw = |range: u64| {
            let size = 2f64.powi(i32::try_from(random.next_u64() % range).unwrap());
            (random.next_u64() >> 11) as f64 * 2f64.powi(-53) * size - size / 3.0
        };
        for range in [1, 20, 90] {
            let numbers: Vec<f64> = (0..40).map(|n| if n == 7 { 0.0 } else { draw(range) }).collect();
            let third = Precise::ONE.over(Precise::whole(3));
            let factors: Vec<Precise> = (0..40).map(|_| third.times(Precise::point(draw(40)))).collect();
            let pairs = |from: usize| (0..20).map(|n| (numbers[from + n], n)).collect::<Vec<_>>();
            let (own, fixed) =
                (NumberGroups::new(&[pairs(0), pairs(20)]).unwrap(), Factors::new(&factors).unwrap());
            let mut sum = Sum::new(&own, &fixed);
            sum.add(0, 0);
            sum.add(1, 20);
            let wanted = factors
                .iter()
                .zip(&numbers)
                .fold(Precise::ZERO, |sum, (factor, &number)| sum.plus(factor.times(Precise::point(number))));
            let off = sum.total().minus(wanted);
            assert!(off.least() == 0.0 && off.most() < 1e-30, "{range}: {off:?}");
        }
        assert!(NumberGroups::new(&[vec![(1e300, 0), (1e-300, 0)]]).is_none());
        assert!(NumberGroups::new(&[vec![(f64::INFINITY, 0)]]).is_none());
        assert!(Factors::new(&[Precise::ALL]).is_none());
    }
}
