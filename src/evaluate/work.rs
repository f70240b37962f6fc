//! The work limit of one evaluation, and the two operations that numbers grow by.

use super::EvaluateError;
use crate::algebra::Rational;

/// Most units of work of one evaluation. A product or sum of machine-word fractions takes [`OPERATION`] of
/// them, one of longer numbers as many times that as a schoolbook product has steps; looking at a cell takes
/// one, storing one [`STORAGE`].
pub const MAX_WORK: u64 = 1 << 30;

const OPERATION: u64 = 8;
const STORAGE: u64 = 64;

/// What is left of [`MAX_WORK`]. Memory is bounded by it too.
pub(super) struct Work {
    left: u64,
}

impl Work {
    pub(super) fn new() -> Self {
        Self { left: MAX_WORK }
    }

    pub(super) fn charge(&mut self, units: u64) -> Result<(), EvaluateError> {
        self.left = self.left.checked_sub(units).ok_or(EvaluateError::TooLarge)?;
        Ok(())
    }

    /// To be called before `count` numbers are stored.
    pub(super) fn store(&mut self, count: usize) -> Result<(), EvaluateError> {
        let count = u64::try_from(count).map_err(|_| EvaluateError::TooLarge)?;
        self.charge(count.saturating_mul(STORAGE))
    }

    pub(super) fn multiply(&mut self, a: &Rational, b: &Rational) -> Result<Rational, EvaluateError> {
        self.charge(operation(a, b))?;
        Ok(a * b)
    }

    pub(super) fn divide(&mut self, a: &Rational, b: &Rational) -> Result<Rational, EvaluateError> {
        self.charge(operation(a, b))?;
        a.checked_div(b).ok_or(EvaluateError::DivisionByZero)
    }

    pub(super) fn add(&mut self, total: &mut Rational, term: &Rational) -> Result<(), EvaluateError> {
        self.charge(operation(total, term))?;
        *total += term;
        Ok(())
    }

    /// `total += a · b`; free of charge where a factor is 0.
    pub(super) fn add_product(
        &mut self,
        total: &mut Rational,
        a: &Rational,
        b: &Rational,
    ) -> Result<(), EvaluateError> {
        if a.is_zero() || b.is_zero() {
            return Ok(());
        }
        let product = self.multiply(a, b)?;
        self.add(total, &product)
    }
}

fn operation(a: &Rational, b: &Rational) -> u64 {
    let words = |value: &Rational| value.bits() / 64 + 1;
    words(a).saturating_mul(words(b)).saturating_mul(OPERATION)
}
