//! The limits of one evaluation on time and memory, and the operations that numbers grow by.

use super::{Ball, EvaluateError};
use convproof_exact::Rational;
use convproof_exact::budget::{self, Held};

/// Most units of work of one evaluation, a few seconds. Reading a cell takes one, storing one eight, a product or
/// sum of machine-word fractions 32, one of longer numbers as many times that as a schoolbook product has steps.
pub const MAX_WORK: u64 = 1 << 31;

/// An operation on fractions of machine words.
pub(super) const OPERATION: u64 = 32;
const STORAGE: u64 = 8;
/// The unit that memory is counted in: what a small number takes.
pub(super) const UNIT: usize = size_of::<Ball>();
/// Most memory in use at a time, in units: half a gibibyte.
const MAX_KEPT: u64 = (1 << 29) / UNIT as u64;

/// Units of memory that are taken from the budget at a time, about a mebibyte.
const CHUNK: usize = (1 << 20) / UNIT;

/// What is left of the limits.
pub(super) struct Work {
    left: u64,
    kept: u64,
    /// The memory of the budget that was in use at most.
    held: Vec<Held>,
}

impl Work {
    /// So many units of work, at most [`MAX_WORK`].
    pub(super) fn new(units: u64) -> Self {
        Self { left: units.min(MAX_WORK), kept: 0, held: Vec::new() }
    }

    /// So many units of work from now on, at most [`MAX_WORK`].
    pub(super) fn allow(&mut self, units: u64) {
        self.left = units.min(MAX_WORK);
    }

    /// Units that are left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    #[inline]
    pub(super) fn charge(&mut self, units: u64) -> Result<(), EvaluateError> {
        self.left = self.left.checked_sub(units).ok_or(EvaluateError::TooLarge)?;
        budget::spend(units);
        Ok(())
    }

    /// To be called for all numbers that an image or kernel holds, row by row.
    pub(super) fn keep<'v>(
        &mut self,
        values: impl IntoIterator<Item = &'v Ball>,
    ) -> Result<(), EvaluateError> {
        let memory = values.into_iter().map(memory).sum::<u64>();
        self.charge(memory * STORAGE)?;
        self.kept = self.kept.saturating_add(memory);
        if self.kept > MAX_KEPT {
            return Err(EvaluateError::TooLarge);
        }
        while self.kept > (self.held.len() * CHUNK) as u64 {
            self.held.push(budget::hold(CHUNK, UNIT));
        }
        Ok(())
    }

    /// Whether so many more units of memory may be in use.
    pub(super) fn room(&self, units: u64) -> Result<(), EvaluateError> {
        if self.kept.saturating_add(units) > MAX_KEPT { Err(EvaluateError::TooLarge) } else { Ok(()) }
    }

    /// To be called when numbers that were kept are dropped.
    pub(super) fn release(&mut self, values: &[Ball]) {
        self.kept = self.kept.saturating_sub(values.iter().map(memory).sum());
    }

    /// To be called when nothing is kept any more.
    pub(super) fn release_all(&mut self) {
        self.kept = 0;
    }

    /// Charges an operation on two numbers.
    pub(super) fn operation(&mut self, a: &Rational, b: &Rational) -> Result<(), EvaluateError> {
        let words = |value: &Rational| value.bits() / 64 + 1;
        self.charge(words(a).saturating_mul(words(b)).saturating_mul(OPERATION))
    }

    pub(super) fn multiply(&mut self, a: &Ball, b: &Ball) -> Result<Ball, EvaluateError> {
        self.operation(a.middle(), b.middle())?;
        Ok(Ball::new(a.middle() * b.middle(), a.product_radius(b)))
    }

    pub(super) fn divide(&mut self, a: &Ball, b: &Ball) -> Result<Ball, EvaluateError> {
        self.operation(a.middle(), b.middle())?;
        let undefined = if b.is_exact() { EvaluateError::DivisionByZero } else { EvaluateError::Irrational };
        a.over(b).ok_or(undefined)
    }

    /// The non-negative square root; where it is irrational it is refused, or enclosed to so many bits.
    pub(super) fn root(&mut self, a: &Ball, bits: Option<u32>) -> Result<Ball, EvaluateError> {
        self.operation(a.middle(), a.middle())?;
        if let Some(root) = a.exact().and_then(Rational::exact_sqrt) {
            return Ok(root.into());
        }
        bits.and_then(|bits| a.root(bits)).ok_or(EvaluateError::Irrational)
    }

    /// `total += term`; free of charge where the term is 0.
    pub(super) fn add(&mut self, total: &mut Ball, term: &Ball) -> Result<(), EvaluateError> {
        if !term.is_zero() {
            self.operation(total.middle(), term.middle())?;
            *total = Ball::new(total.middle() + term.middle(), total.radius().plus(term.radius()));
        }
        Ok(())
    }
}

/// The memory that a number takes, in units: itself, or two long integers and what manages them.
fn memory(value: &Ball) -> u64 {
    let value = value.middle();
    if value.as_small_parts().is_some() { 1 } else { value.bits() / 64 + 8 }
}
