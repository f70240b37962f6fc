//! Factors of words: square roots, whose squares are what stands under them, and what all words of a sum can be divided by. Positive
//! symbols pass maxima (Theorem 29f of `docs/semantics.md`), all of them products (Theorem 29b). The order of words does not see
//! factors where either is asked for, so that it is the same with and without them.

use super::{Arena, Form, Key, TooManyWords, TrieEdge};
use crate::axes::Axes;
use crate::forms::generic::{Weight, split};
use convproof_exact::{Limited, Monomial, Poly, Rational};

/// Most terms that a product of roots becomes.
const MAX_SUMMANDS: usize = 256;

/// A product of powers that a sum can be divided by.
#[derive(Clone, Debug)]
pub(in crate::forms) struct Factors {
    /// For each channel, before the first matrix.
    diagonal: Monomial,
    /// For all channels alike.
    scalars: Monomial,
}

/// A key whose words have no factors.
fn without_factors(key: &Key) -> Key {
    let [diagonal, scalars] = [Monomial::one(), Monomial::one()];
    match key {
        Key::Letter { letter, .. } => Key::Letter { diagonal, letter: *letter },
        Key::End { end, .. } => Key::End { diagonal, scalars, end: *end },
    }
}

impl Arena {
    /// Whether the order of words does not see their factors.
    fn is_blind(&self) -> bool {
        self.gates || !self.roots.is_empty()
    }

    /// The number of a key.
    pub(super) fn key(&mut self, key: Key) -> Result<u32, TooManyWords> {
        let bare = self.is_blind().then(|| without_factors(&key));
        let number = self.keys.number(key)?;
        if self.ranks.len() == number as usize {
            let rank = match bare {
                Some(bare) => self.bare.number(bare)?,
                None => number,
            };
            self.ranks.push(rank);
        }
        Ok(number)
    }

    /// What decides the order of words.
    pub(super) fn order_of(&self, edge: &TrieEdge) -> (u32, bool, Axes<i64>, u32) {
        // Where a rank is of one key all of its words move or none.
        let anchored = self.is_blind() && self.is_anchored(edge);
        (self.ranks[edge.key as usize], anchored, edge.shift, edge.key)
    }

    /// The positive symbols in the first word of a sum, if there are any.
    pub(in crate::forms) fn leading_positive(&self, form: &Form) -> Option<Factors> {
        if self.roots.is_empty() {
            return None;
        }
        let Factors { diagonal, scalars } = self.leading(form)?;
        let [diagonal, scalars] =
            [diagonal, scalars].map(|of| of.only(|symbol| self.roots.is_positive(symbol)));
        let none = diagonal.is_one() && scalars.is_one();
        (!none).then_some(Factors { diagonal, scalars })
    }

    /// The factors of the first word of a sum, if it has any.
    pub(in crate::forms) fn leading(&self, form: &Form) -> Option<Factors> {
        let mut first = None;
        let mut edge = self.nodes[form.node as usize].edges.first()?;
        loop {
            let (Key::Letter { diagonal, .. } | Key::End { diagonal, .. }) = self.keys.get(edge.key);
            let diagonal = first.unwrap_or(diagonal);
            match self.keys.get(edge.key) {
                Key::Letter { .. } => edge = self.nodes[edge.child as usize].edges.first()?,
                Key::End { scalars, .. } => {
                    let (diagonal, scalars) = (diagonal.clone(), scalars.clone());
                    let none = diagonal.is_one() && scalars.is_one();
                    return (!none).then_some(Factors { diagonal, scalars });
                }
            }
            first = Some(diagonal);
        }
    }

    /// A sum times factors, or divided by them.
    pub(in crate::forms) fn times_factors(
        &mut self,
        form: &Form,
        by: &Factors,
        divided: bool,
    ) -> Result<Form, TooManyWords> {
        let power = |of: &Monomial| if divided { of.inverse() } else { of.clone() };
        self.scaled(&power(&by.diagonal), &power(&by.scalars), form)
    }

    /// A product of weights with squares of roots replaced by what is under them; `None` if there are none, or
    /// that would be long.
    pub(super) fn reduced(&self, diagonal: &Monomial, scalars: &Monomial) -> Option<Weight> {
        if self.roots.is_empty() {
            return None;
        }
        let product = diagonal.times(scalars);
        let terms = self.roots.terms_of_squares(&product)?;
        let product = Poly::term(product, Rational::ONE);
        terms.within(MAX_SUMMANDS).then(|| split(&self.roots.simplified(&product)))
    }
}
