//! Sums and multiples of kernels.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::ToPrimitive;

use super::concrete::{check_denominator, check_memory};
use super::{ConcreteKernel, Integers, KernelError};
use convproof_exact::{Limited, Rational};

impl ConcreteKernel {
    /// The sum of two kernels of equal shape.
    ///
    /// # Errors
    /// If the shapes differ, or the common denominator makes the result too large.
    pub fn add(&self, other: &Self) -> Result<Self, KernelError> {
        self.combine(other, false)
    }

    /// The difference of two kernels of equal shape.
    ///
    /// # Errors
    /// If the shapes differ, or the common denominator makes the result too large.
    pub fn sub(&self, other: &Self) -> Result<Self, KernelError> {
        self.combine(other, true)
    }

    /// All signs changed.
    #[must_use]
    pub fn neg(&self) -> Self {
        let integers = match self.integers() {
            Integers::Words(words) => {
                Integers::from_doubles(&words.iter().map(|&word| -i128::from(word)).collect::<Vec<_>>())
            }
            Integers::Wide(wide) => Integers::from_wide(wide.clone().negated()),
        };
        Self::canonical(self.shape(), integers, self.denominator().clone())
    }

    /// Every entry times `factor`.
    ///
    /// # Errors
    /// If the entries become too long.
    pub fn scale(&self, factor: &Rational) -> Result<Self, KernelError> {
        let (numerator, denominator) = (factor.numerator(), factor.denominator());
        check_memory(self.integers().len(), self.integers().max_bits() + numerator.bits())?;
        check_denominator(self.denominator().bits() + denominator.bits())?;
        let integers = match numerator.to_i128().and_then(|factor| self.integers().multiples(factor)) {
            Some(doubles) => Integers::from_doubles(&doubles),
            None => Integers::from_bigs(
                &self.integers().iter().map(|value| value * &numerator).collect::<Vec<_>>(),
            ),
        };
        Ok(Self::canonical(self.shape(), integers, self.denominator() * denominator))
    }

    fn combine(&self, other: &Self, negate: bool) -> Result<Self, KernelError> {
        if self.shape() != other.shape() {
            return Err(KernelError::ShapeMismatch { left: self.shape(), right: other.shape() });
        }
        let common = self.denominator().lcm(other.denominator());
        check_denominator(common.bits())?;
        let (f, g) = (&common / self.denominator(), &common / other.denominator());
        let bits = (self.integers().max_bits() + f.bits()).max(other.integers().max_bits() + g.bits()) + 1;
        check_memory(self.integers().len(), bits)?;
        let g = if negate { -g } else { g };
        let doubles = || {
            let (f, g) = bits.within(127).then(|| f.to_i128().zip(g.to_i128())).flatten()?;
            let mut sums = self.integers().multiples(f)?;
            other.integers().add_multiples(g, &mut sums)?;
            Some(sums)
        };
        let integers = match doubles() {
            Some(sums) => Integers::from_doubles(&sums),
            None => {
                let sum = |(x, y): (BigInt, BigInt)| x * &f + y * &g;
                let pairs = self.integers().iter().zip(other.integers().iter());
                Integers::from_bigs(&pairs.map(sum).collect::<Vec<_>>())
            }
        };
        Ok(Self::canonical(self.shape(), integers, common))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Shape;

    #[test]
    fn sums_just_beyond_double_words_are_right() {
        // Numerators of 63 bits over coprime denominators of 64: each product fits into 127 bits, their sum does not.
        let [one, other] = [1_u128, 3]
            .map(|less| Rational::new(i64::MAX.into(), BigInt::from((1_u128 << 64) - less)).unwrap());
        let kernel = |entry: &Rational| {
            ConcreteKernel::from_rationals(Shape::new(1, 1, 1, 2), &[entry.clone(), -entry]).unwrap()
        };
        let (sum, difference) = (&one + &other, &one - &other);
        assert_eq!(kernel(&one).add(&kernel(&other)).unwrap(), kernel(&sum));
        assert_eq!(kernel(&one).sub(&kernel(&other)).unwrap(), kernel(&difference));
    }
}
