//! Sums and norms of kernels, exact.

use num_bigint::BigInt;
use num_traits::Signed;

use super::{ConcreteKernel, Integers};
use convproof_exact::{Fp, Grid, Rational};

impl ConcreteKernel {
    /// All entries modulo the prime of [`Fp`], in storage order; `None` if it divides the denominator.
    pub fn residues(&self) -> Option<Vec<Fp>> {
        let inverse = Fp::from(self.denominator()).inverse()?;
        Some(match self.integers() {
            Integers::Words(words) => words.iter().map(|&word| Fp::from(word) * inverse).collect(),
            wide @ Integers::Wide(_) => wide.iter().map(|integer| Fp::from(&integer) * inverse).collect(),
        })
    }

    /// Whether all entries are 0.
    pub fn is_zero(&self) -> bool {
        self.integers().is_zero()
    }

    /// The sum over rows and columns for each output (row of the grid) and input (column).
    pub fn sum(&self) -> Grid<Rational> {
        let shape = self.shape();
        let mut sums = self.sums_of(shape.area(), false).into_iter();
        Grid::from_fn(shape.outputs, shape.inputs, |_, _| sums.next().expect("one sum for each plane"))
    }

    /// The sum of absolute values for each output channel: what the output can reach for inputs up to 1.
    pub fn l1(&self) -> Vec<Rational> {
        self.sums_of(self.shape().inputs * self.shape().area(), true)
    }

    /// The same of each row of a matrix.
    pub fn row_l1(&self) -> Vec<Rational> {
        let [_, inputs] = self.shape().matrix();
        self.sums_of(inputs, true)
    }

    /// The sum of the squares of all entries.
    pub fn frobenius_squared(&self) -> Rational {
        let total: BigInt = match self.integers() {
            // 2²⁴ squares of up to 2¹²⁶ overflow; a partial sum of two does not.
            Integers::Words(words) => words
                .chunks(2)
                .map(|pair| pair.iter().map(|word| u128::from(word.unsigned_abs()).pow(2)).sum::<u128>())
                .fold(WideSum::default(), WideSum::add)
                .total(),
            Integers::Wide(_) => self.integers().iter().map(|big| &big * &big).sum(),
        };
        let denominator = self.denominator() * self.denominator();
        Rational::new(total, denominator).expect("denominators are positive")
    }

    /// The largest absolute value.
    pub fn max_abs(&self) -> Rational {
        let largest = match self.integers() {
            Integers::Words(words) => super::integers::max_magnitude(words).into(),
            Integers::Wide(_) => self.integers().iter().map(|big| big.abs()).max().unwrap_or_default(),
        };
        self.over_denominator(largest)
    }

    /// Sums of `length` entries each, of absolute values if asked for.
    fn sums_of(&self, length: usize, absolute: bool) -> Vec<Rational> {
        let sums: Vec<BigInt> = match self.integers() {
            // At most 2²⁴ words of up to 2⁶³.
            Integers::Words(words) => words
                .chunks(length)
                .map(|part| {
                    part.iter().map(|&w| if absolute { i128::from(w).abs() } else { w.into() }).sum::<i128>()
                })
                .map(BigInt::from)
                .collect(),
            Integers::Wide(wide) => {
                let own = |index| if absolute { wide.get(index).abs() } else { wide.get(index) };
                (0..wide.len()).step_by(length).map(|start| (start..start + length).map(own).sum()).collect()
            }
        };
        sums.into_iter().map(|sum| self.over_denominator(sum)).collect()
    }
}

/// A sum of `u128` that may outgrow it.
#[derive(Default)]
struct WideSum {
    low: u128,
    carries: u64,
}

impl WideSum {
    fn add(self, value: u128) -> Self {
        let (low, carry) = self.low.overflowing_add(value);
        Self { low, carries: self.carries + u64::from(carry) }
    }

    fn total(self) -> BigInt {
        (BigInt::from(self.carries) << 128u32) + self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Shape;

    #[test]
    fn squares_of_the_largest_words_carry() {
        // Nine squares of 2^126 are more than twice what 128 bits hold.
        let least = ConcreteKernel::from_integers(Shape::plane(3, 3), vec![i64::MIN; 9]).unwrap();
        assert_eq!(least.frobenius_squared(), Rational::from(BigInt::from(9) << 126_u32));
        assert_eq!(least.max_abs(), Rational::from(BigInt::from(1) << 63_u32));
        assert_eq!(least.l1(), [Rational::from(BigInt::from(9) << 63_u32)]);
    }
}
