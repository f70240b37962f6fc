//! What a sum is at the image of a probe: one walk over its words, in exact numbers or in what they lie between.

use rustc_hash::FxHashMap;

use super::probe::Probe;
use crate::forms::arena::{End, Form};
use crate::ir::Function;
use convproof_exact::Rational;
use convproof_exact::budget::spend_on;

/// Most ends at places of which something is remembered.
pub(super) const MAX_KNOWN: usize = 1 << 18;

/// A kind of number that sums are computed in.
pub(super) trait Quantity: Clone + From<Rational> {
    /// Steps that a word takes.
    const STEPS: u64;
    /// Whether it is known to be 0.
    fn is_zero(&self) -> bool;
    /// The sum.
    fn plus(&self, other: &Self) -> Self;
    /// The product.
    fn times(&self, other: &Self) -> Self;
    /// The larger of two.
    fn larger(self, other: Self) -> Self;
    /// A function of it, where that is known.
    fn applied(&self, function: Function) -> Option<Self>;
    /// What is kept of a sum.
    fn kept(self) -> Self {
        self
    }
}

/// A walk, with what is known of the ends of words at places: what layers make of one another is read over and over.
pub(super) struct Walk<'p, 'a, N> {
    probe: &'p Probe<'a>,
    known: FxHashMap<(End, [i64; 2]), N>,
}

impl<'p, 'a, N: Quantity> Walk<'p, 'a, N> {
    pub(super) fn new(probe: &'p Probe<'a>) -> Self {
        Self { probe, known: FxHashMap::default() }
    }

    /// The value of a sum moved by a place; `None` where words have matrices, and where a function's value is not known.
    pub(super) fn sum(&mut self, form: &Form, moved: [i64; 2]) -> Option<N> {
        let words = self.probe.arena().flat(form)?;
        spend_on(words.len() + 1, N::STEPS);
        let mut sum = N::from(Rational::ZERO);
        for word in words {
            let end = self.end(word.end, [word.place[0] + moved[0], word.place[1] + moved[1]])?;
            if !end.is_zero() {
                let factor = &word.coefficient * &self.probe.factor(&word.scalars)?;
                sum = sum.plus(&end.times(&factor.into()));
            }
        }
        Some(sum.kept())
    }

    /// What a word ends in, at a place.
    fn end(&mut self, end: End, place: [i64; 2]) -> Option<N> {
        if let Some(known) = self.known.get(&(end, place)) {
            return Some(known.clone());
        }
        let value = self.computed(end, place)?;
        if self.known.len() < MAX_KNOWN {
            self.known.insert((end, place), value.clone());
        }
        Some(value)
    }

    fn computed(&mut self, end: End, place: [i64; 2]) -> Option<N> {
        let arena = self.probe.arena();
        match end {
            End::Pixel(block) => {
                Some(self.probe.pixels.get(&(block, place)).cloned().unwrap_or_default().into())
            }
            End::One => Some(Rational::ONE.into()),
            // Of the whole image not enough is known.
            End::Mean(_) => None,
            End::Applied(number) => {
                let applied = arena.applied(number);
                self.sum(&applied.form, place)?.applied(applied.function)
            }
            End::Product(number) => {
                let mut factors = arena.factors(number).iter();
                factors.try_fold(N::from(Rational::ONE), |product, factor| {
                    Some(product.times(&self.sum(factor, place)?))
                })
            }
            End::Term(term) => {
                let values = arena.term(term).forms.iter().map(|form| self.sum(form, place));
                values.collect::<Option<Vec<_>>>()?.into_iter().reduce(N::larger)
            }
        }
    }
}
