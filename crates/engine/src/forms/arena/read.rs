//! What stands in sums of words: their words, those without matrices, and the numbers among them.

use std::cmp::Ordering;

use rustc_hash::FxHashSet;

use super::{Arena, End, Form, Key, TrieEdge, plus};
use crate::axes::{AXES, Axes};
use convproof_exact::{Monomial, Rational, Symbol};

/// One word of a sum: its coefficient, `(diagonal, letter)` pairs from the output on, the last diagonal, scalars, the
/// end and the pixel's place.
#[derive(Clone, Debug)]
pub struct Word {
    /// The coefficient.
    pub coefficient: Rational,
    /// Diagonals and the matrices after them, output side first.
    pub letters: Vec<(Monomial, u32)>,
    /// The diagonal before the end.
    pub diagonal: Monomial,
    /// Commuting factors.
    pub scalars: Monomial,
    /// The end.
    pub end: End,
    /// Where the pixel stands.
    pub place: Axes<i64>,
}

/// A word without matrices.
#[derive(Clone, Debug)]
pub struct FlatWord {
    /// The diagonal.
    pub diagonal: Monomial,
    /// Commuting factors.
    pub scalars: Monomial,
    /// The end.
    pub end: End,
    /// Where the end stands.
    pub place: Axes<i64>,
    /// The coefficient.
    pub coefficient: Rational,
}

impl Arena {
    /// The ends of words without matrices: factors, end, place and coefficient; `None` if some word has a matrix.
    pub fn flat(&self, form: &Form) -> Option<Vec<FlatWord>> {
        self.flat_words(form).collect()
    }

    /// The same one after the other; `None` for each matrix with which words begin.
    pub(in crate::forms) fn flat_words<'a>(
        &'a self,
        form: &'a Form,
    ) -> impl Iterator<Item = Option<FlatWord>> + 'a {
        let edges = &self.nodes[form.node as usize].edges;
        edges.iter().map(|edge| match self.keys.get(edge.key) {
            Key::Letter { .. } => None,
            Key::End { diagonal, scalars, end } => {
                let place = if self.is_anchored(edge) { plus(form.shift, edge.shift) } else { [0; AXES] };
                let coefficient = &form.coefficient * &edge.coefficient;
                Some(FlatWord {
                    diagonal: diagonal.clone(),
                    scalars: scalars.clone(),
                    end: *end,
                    place,
                    coefficient,
                })
            }
        })
    }

    /// The words that are a number times a nonlinear term: coefficient, term and place.
    pub fn plain_terms(&self, form: &Form) -> Vec<(Rational, u32, Axes<i64>)> {
        let edges = &self.nodes[form.node as usize].edges;
        let plain = |edge: &TrieEdge| match self.keys.get(edge.key) {
            Key::End { diagonal, scalars, end: End::Term(term) } if diagonal.is_one() && scalars.is_one() => {
                let place = if self.is_anchored(edge) { plus(form.shift, edge.shift) } else { [0; AXES] };
                Some((&form.coefficient * &edge.coefficient, *term, place))
            }
            _ => None,
        };
        edges.iter().filter_map(plain).collect()
    }

    /// The number that stands in a sum beside its other words.
    pub fn constant(&self, form: &Form) -> Rational {
        let edges = &self.nodes[form.node as usize].edges;
        let plain = |edge: &&TrieEdge| match self.keys.get(edge.key) {
            Key::End { diagonal, scalars, end: End::One } => diagonal.is_one() && scalars.is_one(),
            _ => false,
        };
        edges.iter().find(plain).map_or(Rational::ZERO, |edge| &form.coefficient * &edge.coefficient)
    }

    /// The sign of a difference, for two sums of one word without matrices each.
    pub fn sign_of_difference(&self, a: &Form, b: &Form) -> Option<i32> {
        let single = |form: &Form| match self.nodes[form.node as usize].edges.as_slice() {
            [edge] if matches!(self.keys.get(edge.key), Key::End { .. }) => {
                let shift = if self.is_anchored(edge) { form.shift } else { [0; AXES] };
                Some(self.order_of(&TrieEdge { shift, ..edge.clone() }))
            }
            _ => None,
        };
        // Nodes of one word have its coefficient 1; the first word decides.
        Some(match single(a)?.cmp(&single(b)?) {
            Ordering::Less => a.coefficient.signum(),
            Ordering::Equal => (&a.coefficient - &b.coefficient).signum(),
            Ordering::Greater => -b.coefficient.signum(),
        })
    }

    /// The number that a sum is, if it is one: words that are nothing but a multiple of the constant image.
    pub fn number(&self, form: &Form) -> Option<Rational> {
        if form.is_zero() {
            return Some(Rational::ZERO);
        }
        let [edge] = self.nodes[form.node as usize].edges.as_slice() else { return None };
        match self.keys.get(edge.key) {
            Key::End { diagonal, scalars, end: End::One } if diagonal.is_one() && scalars.is_one() => {
                Some(&form.coefficient * &edge.coefficient)
            }
            _ => None,
        }
    }

    /// Matrices in the longest word of all sums.
    pub fn longest(&self) -> usize {
        self.nodes.iter().map(|node| node.length).max().unwrap_or(0)
    }

    /// All symbols of scalars and diagonals.
    pub fn symbols(&self) -> FxHashSet<Symbol> {
        let mut all = FxHashSet::default();
        for key in self.keys.all() {
            let (Key::Letter { diagonal, .. } | Key::End { diagonal, .. }) = key;
            all.extend(diagonal.factors().iter().map(|(symbol, _)| *symbol));
            if let Key::End { scalars, .. } = key {
                all.extend(scalars.factors().iter().map(|(symbol, _)| *symbol));
            }
        }
        all
    }

    /// Words of a sum with as few matrices as any, at most `most` of them.
    pub fn shortest_words(&self, form: &Form, most: usize) -> Vec<Word> {
        let mut level = vec![(form.clone(), Vec::new())];
        while !level.is_empty() {
            let mut found = Vec::new();
            let mut next = Vec::new();
            for (form, letters) in level {
                for edge in &self.nodes[form.node as usize].edges {
                    let coefficient = &form.coefficient * &edge.coefficient;
                    let shift = plus(form.shift, edge.shift);
                    match self.keys.get(edge.key) {
                        Key::Letter { diagonal, letter } => {
                            let mut letters: Vec<(Monomial, u32)> = letters.clone();
                            letters.push((diagonal.clone(), *letter));
                            next.push((Form { coefficient, shift, node: edge.child }, letters));
                        }
                        Key::End { diagonal, scalars, end } => found.push(Word {
                            coefficient,
                            letters: letters.clone(),
                            diagonal: diagonal.clone(),
                            scalars: scalars.clone(),
                            end: *end,
                            place: shift,
                        }),
                    }
                    if found.len() >= most {
                        return found;
                    }
                }
            }
            if !found.is_empty() {
                return found;
            }
            next.truncate(most);
            level = next;
        }
        Vec::new()
    }
}
