//! Square roots in words. Their squares are what stands under them, and as factors that are never negative they pass maxima, as do
//! weights of which roots are taken (Theorem 29f of `docs/semantics.md`). The order of words does not see them, so that it is the same
//! with and without them.

use super::{Arena, Form, Key, TooManyWords, TrieEdge};
use crate::axes::Axes;
use crate::forms::generic::{Weight, split};
use convproof_exact::{Limited, Monomial, Poly, Rational};

/// Most terms that a product of roots becomes.
const MAX_SUMMANDS: usize = 256;

/// Powers of positive symbols: a factor of sums.
#[derive(Clone, Debug)]
pub(in crate::forms) struct PositiveFactor {
    /// For each channel, before the first matrix.
    diagonal: Monomial,
    /// For all channels alike.
    scalars: Monomial,
}

fn inverse(of: &Monomial) -> Monomial {
    of.factors().iter().fold(Monomial::one(), |all, &(symbol, e)| all.times(&Monomial::power(symbol, -e)))
}

impl Arena {
    /// The number of a key.
    pub(super) fn key(&mut self, key: Key) -> Result<u32, TooManyWords> {
        let bare = if self.roots.is_empty() { None } else { Some(self.without_positive(&key)) };
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

    /// What decides the order of words: positive symbols only where nothing else does.
    pub(super) fn order_of(&self, edge: &TrieEdge) -> (u32, bool, Axes<i64>, u32) {
        // Without roots a rank is of one key, of which all words move or none.
        let anchored = !self.roots.is_empty() && self.is_anchored(edge);
        (self.ranks[edge.key as usize], anchored, edge.shift, edge.key)
    }

    /// The powers of positive symbols in a product, or of all other ones.
    fn powers(&self, of: &Monomial, positive: bool) -> Monomial {
        let wanted = of.factors().iter().filter(|(symbol, _)| self.roots.is_positive(*symbol) == positive);
        wanted.fold(Monomial::one(), |all, &(symbol, e)| all.times(&Monomial::power(symbol, e)))
    }

    fn without_positive(&self, key: &Key) -> Key {
        match key {
            Key::Letter { diagonal, letter } => {
                Key::Letter { diagonal: self.powers(diagonal, false), letter: *letter }
            }
            Key::End { diagonal, scalars, end } => Key::End {
                diagonal: self.powers(diagonal, false),
                scalars: self.powers(scalars, false),
                end: *end,
            },
        }
    }

    /// The positive symbols in the first word of a sum, if there are any.
    pub(in crate::forms) fn leading_positive(&self, form: &Form) -> Option<PositiveFactor> {
        if self.roots.is_empty() {
            return None;
        }
        let mut first = None;
        let mut edge = self.nodes[form.node as usize].edges.first()?;
        loop {
            let (Key::Letter { diagonal, .. } | Key::End { diagonal, .. }) = self.keys.get(edge.key);
            let diagonal = first.unwrap_or(diagonal);
            match self.keys.get(edge.key) {
                Key::Letter { .. } => edge = self.nodes[edge.child as usize].edges.first()?,
                Key::End { scalars, .. } => {
                    let [diagonal, scalars] = [diagonal, scalars].map(|of| self.powers(of, true));
                    let none = diagonal.is_one() && scalars.is_one();
                    return (!none).then_some(PositiveFactor { diagonal, scalars });
                }
            }
            first = Some(diagonal);
        }
    }

    /// A sum times powers of positive symbols, or divided by them.
    pub(in crate::forms) fn times_positive(
        &mut self,
        form: &Form,
        by: &PositiveFactor,
        divided: bool,
    ) -> Result<Form, TooManyWords> {
        let power = |of: &Monomial| if divided { inverse(of) } else { of.clone() };
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
