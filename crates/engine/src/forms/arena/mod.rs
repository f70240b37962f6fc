//! Sums of words, interned: equal sums are one number, and words are never listed.
//!
//! An output of a stack with channels is a sum of *words*, products of matrices and diagonals that end in an input
//! pixel, in the constant image, or in a nonlinear term. The words that begin with the same diagonal and matrix are
//! kept together, so that a sum is a tree of what its words begin with, and equal trees are shared (a trie that is
//! hash-consed, as in decision diagrams; Bryant 1986). Each node is divided by its first coefficient and moved to where
//! its first end stands, so sums that differ by a factor and a translation share their node.
//! `docs/semantics.md` has the theorem that equal sums are equal functions for every number of channels.
//!
//! Knows nothing of layers or kernels.

mod factors;
mod read;

use rustc_hash::FxHashMap;

pub use read::{FlatWord, Word};

use super::generic::Summand;
use super::numbered::{Numbered, SumList};
use super::range::Range;
use super::terms::Applied;
use crate::axes::{AXES, Axes, each};
use crate::ir::Roots;
use convproof_exact::budget::spend_on;
use convproof_exact::{Limited, Monomial, Rational};

/// Most edges of all nodes together: a few hundred megabytes.
const MAX_EDGES: usize = 4_000_000;

/// Most matrices in a word.
const MAX_LENGTH: usize = 400;

/// The sums outgrew their limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyWords;

/// Number of a node; 0 is the empty sum.
type TrieId = u32;

/// What a word ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// A block of channels of an input pixel, by number.
    Pixel(u32),
    /// The constant image: a column of ones.
    One,
    /// A maximum, by number; see `terms.rs`.
    Term(u32),
    /// Another function of a sum, by number; see `terms.rs`.
    Applied(u32),
    /// A product of sums, by number; see `products.rs`.
    Product(u32),
    /// The mean of a signal over all its positions, by number.
    Mean(u32),
}

/// A block of channels of a signal, by whatever number its owner gives the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MeanOf {
    /// The signal.
    pub signal: usize,
    /// The block.
    pub block: u32,
}

/// What the words of an edge begin with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A diagonal, then a matrix, then the words of a node.
    Letter {
        /// The diagonal, a monomial for a generic channel.
        diagonal: Monomial,
        /// The matrix.
        letter: u32,
    },
    /// A diagonal and the end of the word, times scalars.
    End {
        /// The diagonal.
        diagonal: Monomial,
        /// Commuting factors of the whole word.
        scalars: Monomial,
        /// The end.
        end: End,
    },
}

/// Words that begin alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TrieEdge {
    key: u32,
    shift: Axes<i64>,
    coefficient: Rational,
    child: TrieId,
}

#[derive(Clone, Debug, Default)]
struct TrieNode {
    edges: Vec<TrieEdge>,
    /// Whether it moves with the image: a pixel occurs in it.
    anchored: bool,
    /// Matrices in its longest word.
    length: usize,
}

/// A sum of words: a multiple of a node, moved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    coefficient: Rational,
    shift: Axes<i64>,
    node: TrieId,
}

impl Form {
    /// The empty sum.
    pub const ZERO: Self = Self { coefficient: Rational::ZERO, shift: [0; AXES], node: 0 };

    /// Whether there are no words.
    pub fn is_zero(&self) -> bool {
        self.node == 0
    }

    /// The sign of its first coefficient, in an order of words that neither translation nor a positive factor changes.
    pub fn sign(&self) -> i32 {
        self.coefficient.signum()
    }

    /// Its first coefficient.
    pub fn lead(&self) -> &Rational {
        &self.coefficient
    }

    /// An order of sums that translation does not change where they are of one kind.
    pub(in crate::forms) fn order(&self) -> (u32, Axes<i64>) {
        (self.node, self.shift)
    }

    /// Where its first end stands.
    pub fn place(&self) -> Axes<i64> {
        self.shift
    }

    /// Times a number.
    #[must_use]
    pub fn times(&self, factor: &Rational) -> Self {
        if factor.is_zero() {
            return Self::ZERO;
        }
        Self { coefficient: &self.coefficient * factor, ..self.clone() }
    }
}

/// Terms of a sum by node and place, divided by the first coefficient and moved to the first place.
type Relative = Vec<(TrieId, Axes<i64>, Rational)>;

/// Sorts terms by number and place, with one for those that are alike, and none that is zero.
fn gather(terms: &mut Vec<(u32, Axes<i64>, Rational)>) {
    terms.sort_unstable_by_key(|(number, shift, _)| (*number, *shift));
    terms.dedup_by(|next, kept| {
        let alike = (next.0, next.1) == (kept.0, kept.1);
        if alike {
            kept.2 += &next.2;
        }
        alike
    });
    terms.retain(|(.., coefficient)| !coefficient.is_zero());
}

/// All sums of one comparison.
#[derive(Debug)]
pub struct Arena {
    keys: Numbered<Key>,
    /// The place of each key in the order of words.
    ranks: Vec<u32>,
    /// Keys without the factors in them.
    bare: Numbered<Key>,
    nodes: Vec<TrieNode>,
    node_index: FxHashMap<Vec<TrieEdge>, TrieId>,
    sums: FxHashMap<Relative, Form>,
    products: FxHashMap<(Monomial, Monomial, TrieId), Form>,
    edges: usize,
    /// Nonlinear terms and their numbers.
    pub(in crate::forms) terms: Numbered<SumList>,
    /// Functions of sums and their numbers.
    pub(in crate::forms) applied: Numbered<Applied>,
    /// Products of sums and their numbers.
    pub(in crate::forms) products_of: Numbered<SumList>,
    /// Whether functions that are products are written as such (Theorem 29c).
    pub(in crate::forms) gates: bool,
    /// Means of signals and their numbers.
    pub(in crate::forms) means: Numbered<MeanOf>,
    /// The square roots in weights, all of them in what is compared.
    pub(in crate::forms) roots: Roots,
    /// What is known of the size of ends.
    pub(in crate::forms) ranges: FxHashMap<End, Range>,
    /// What is known of the size of products that were multiplied out, by the node of the sum, with leading coefficient 1.
    pub(in crate::forms) product_ranges: FxHashMap<TrieId, Range>,
}

impl Default for Arena {
    fn default() -> Self {
        Self {
            keys: Numbered::default(),
            ranks: Vec::new(),
            bare: Numbered::default(),
            nodes: vec![TrieNode::default()],
            node_index: FxHashMap::default(),
            sums: FxHashMap::default(),
            products: FxHashMap::default(),
            edges: 0,
            terms: Numbered::default(),
            applied: Numbered::default(),
            products_of: Numbered::default(),
            gates: false,
            means: Numbered::default(),
            roots: Roots::default(),
            ranges: FxHashMap::default(),
            product_ranges: FxHashMap::default(),
        }
    }
}

fn plus(a: Axes<i64>, b: Axes<i64>) -> Axes<i64> {
    each(|axis| a[axis] + b[axis])
}

fn minus(a: Axes<i64>, b: Axes<i64>) -> Axes<i64> {
    each(|axis| a[axis] - b[axis])
}

impl Arena {
    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Whether nothing was made yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a sum moves with the image.
    pub fn is_anchored_form(&self, form: &Form) -> bool {
        self.nodes[form.node as usize].anchored
    }

    /// The sum of one word without matrices and factors, at the origin.
    pub fn end(&mut self, end: End) -> Result<Form, TooManyWords> {
        let key = self.key(Key::End { diagonal: Monomial::one(), scalars: Monomial::one(), end })?;
        self.make(vec![TrieEdge { key, shift: [0; AXES], coefficient: Rational::ONE, child: 0 }])
    }

    /// The mean of a signal that lies in a range, over all its positions. Nothing else is known of it but that it is the same
    /// everywhere.
    pub fn mean(&mut self, of: MeanOf, range: Range) -> Result<Form, TooManyWords> {
        let end = End::Mean(self.means.number(of)?);
        self.note(end, range);
        self.end(end)
    }

    /// The mean that has a number.
    pub fn mean_of(&self, number: u32) -> MeanOf {
        *self.means.get(number)
    }

    /// Whether means of whole signals occur.
    pub fn has_means(&self) -> bool {
        !self.means.all().is_empty()
    }

    /// The same words about an image that is moved.
    #[must_use]
    pub fn moved(&self, form: &Form, by: Axes<i64>) -> Form {
        if self.nodes[form.node as usize].anchored {
            Form { shift: plus(form.shift, by), ..form.clone() }
        } else {
            form.clone()
        }
    }

    /// Whether an edge moves with the image.
    fn is_anchored(&self, edge: &TrieEdge) -> bool {
        match self.keys.get(edge.key) {
            Key::Letter { .. } => self.nodes[edge.child as usize].anchored,
            Key::End { end, .. } => match end {
                End::Pixel(_) => true,
                End::One | End::Mean(_) => false,
                End::Term(number) => self.terms.get(*number).anchored,
                End::Applied(number) => self.applied.get(*number).anchored,
                End::Product(number) => self.products_of.get(*number).anchored,
            },
        }
    }

    /// The sum of some edges, no two of which are alike.
    fn make(&mut self, mut edges: Vec<TrieEdge>) -> Result<Form, TooManyWords> {
        spend_on(edges.len() + 1, 200);
        edges.retain(|edge| !edge.coefficient.is_zero());
        edges.sort_unstable_by_key(|edge| self.order_of(edge));
        let Some(first) = edges.first() else { return Ok(Form::ZERO) };
        let lead = first.coefficient.clone();
        let base = edges.iter().find(|edge| self.is_anchored(edge)).map(|edge| edge.shift);
        if !lead.is_one() {
            let inverse = lead.recip().unwrap_or(Rational::ONE);
            edges.iter_mut().for_each(|edge| edge.coefficient = &edge.coefficient * &inverse);
        }
        if let Some(base) = base.filter(|base| *base != [0, 0]) {
            for edge in &mut edges {
                if self.is_anchored(edge) {
                    edge.shift = minus(edge.shift, base);
                }
            }
        }
        let shift = base.unwrap_or([0; AXES]);
        if let Some(&node) = self.node_index.get(&edges) {
            return Ok(Form { coefficient: lead, shift, node });
        }
        let length = |edge: &TrieEdge| match self.keys.get(edge.key) {
            Key::Letter { .. } => 1 + self.nodes[edge.child as usize].length,
            Key::End { .. } => 0,
        };
        let length = edges.iter().map(length).max().unwrap_or(0);
        self.edges += edges.len();
        if self.edges.exceeds(MAX_EDGES) || length.exceeds(MAX_LENGTH) {
            return Err(TooManyWords);
        }
        let node = u32::try_from(self.nodes.len()).map_err(|_| TooManyWords)?;
        self.nodes.push(TrieNode { edges: edges.clone(), anchored: base.is_some(), length });
        self.node_index.insert(edges, node);
        Ok(Form { coefficient: lead, shift, node })
    }

    /// The sum of sums.
    pub fn sum(&mut self, forms: &[Form]) -> Result<Form, TooManyWords> {
        let forms = forms.iter().filter(|form| !form.is_zero());
        self.sum_of(forms.map(|form| (form.node, form.shift, form.coefficient.clone())).collect())
    }

    /// The sum of multiples of nodes, none of them the empty sum.
    fn sum_of(&mut self, mut terms: Relative) -> Result<Form, TooManyWords> {
        spend_on(terms.len() + 1, 200);
        gather(&mut terms);
        let Some((first, shift, lead)) = terms.first().cloned() else { return Ok(Form::ZERO) };
        if terms.len() == 1 {
            return Ok(Form { coefficient: lead, shift, node: first });
        }
        let anchored = |node: TrieId| self.nodes[node as usize].anchored;
        let base = terms.iter().find(|(node, ..)| anchored(*node)).map_or([0; AXES], |(_, shift, _)| *shift);
        let inverse = lead.recip().unwrap_or(Rational::ONE);
        for (node, shift, coefficient) in &mut terms {
            if anchored(*node) {
                *shift = minus(*shift, base);
            }
            *coefficient = if *coefficient == lead { Rational::ONE } else { &*coefficient * &inverse };
        }
        let sum = match self.sums.get(&terms) {
            Some(known) => known.clone(),
            None => {
                let sum = self.merged(&terms)?;
                self.edges += terms.len();
                self.sums.insert(terms, sum.clone());
                sum
            }
        };
        Ok(self.moved(&sum.times(&lead), base))
    }

    /// The sum of multiples of nodes, edge by edge.
    fn merged(&mut self, terms: &Relative) -> Result<Form, TooManyWords> {
        let mut ends = Vec::new();
        let mut letters: FxHashMap<u32, Relative> = FxHashMap::default();
        for (node, shift, coefficient) in terms {
            for edge in &self.nodes[*node as usize].edges {
                let shift = if self.is_anchored(edge) { plus(edge.shift, *shift) } else { [0; AXES] };
                let coefficient = &edge.coefficient * coefficient;
                match self.keys.get(edge.key) {
                    Key::Letter { .. } => {
                        let children =
                            letters.entry(edge.key).or_insert_with(|| Vec::with_capacity(terms.len()));
                        children.push((edge.child, shift, coefficient));
                    }
                    Key::End { .. } => ends.push((edge.key, shift, coefficient)),
                }
            }
        }
        gather(&mut ends);
        let end = |(key, shift, coefficient)| TrieEdge { key, shift, coefficient, child: 0 };
        let mut edges: Vec<TrieEdge> = ends.into_iter().map(end).collect();
        let mut letters: Vec<(u32, Relative)> = letters.into_iter().collect();
        letters.sort_unstable_by_key(|(key, _)| *key);
        for (key, children) in letters {
            let Form { coefficient, shift, node } = self.sum_of(children)?;
            edges.push(TrieEdge { key, shift, coefficient, child: node });
        }
        self.make(edges)
    }

    /// A matrix times a sum.
    pub fn after_letter(&mut self, letter: u32, form: &Form) -> Result<Form, TooManyWords> {
        if form.is_zero() {
            return Ok(Form::ZERO);
        }
        let key = self.key(Key::Letter { diagonal: Monomial::one(), letter })?;
        let Form { coefficient, shift, node } = form.clone();
        self.make(vec![TrieEdge { key, shift, coefficient, child: node }])
    }

    /// A diagonal and scalars times a sum.
    pub fn scaled(
        &mut self,
        diagonal: &Monomial,
        scalars: &Monomial,
        form: &Form,
    ) -> Result<Form, TooManyWords> {
        if form.is_zero() || diagonal.is_one() && scalars.is_one() {
            return Ok(form.clone());
        }
        let memo = (diagonal.clone(), scalars.clone(), form.node);
        let scaled = match self.products.get(&memo) {
            Some(known) => known.clone(),
            None => {
                let mut edges = Vec::new();
                let mut reduced = false;
                for edge in self.nodes[form.node as usize].edges.clone() {
                    reduced |= self.scaled_edge(&edge, diagonal, scalars, &mut edges)?;
                }
                let made = if reduced { self.sum_of_edges(edges)? } else { self.make(edges)? };
                self.products.insert(memo, made.clone());
                made
            }
        };
        Ok(self.moved(&scaled.times(&form.coefficient), form.shift))
    }

    /// Words that begin alike, times a diagonal and scalars, and whether squares of roots were replaced.
    fn scaled_edge(
        &mut self,
        edge: &TrieEdge,
        diagonal: &Monomial,
        scalars: &Monomial,
        edges: &mut Vec<TrieEdge>,
    ) -> Result<bool, TooManyWords> {
        let key = self.keys.get(edge.key).clone();
        let (Key::Letter { diagonal: inner, .. } | Key::End { diagonal: inner, .. }) = &key;
        let diagonal = inner.times(diagonal);
        let scalars = match &key {
            Key::Letter { .. } => scalars.clone(),
            Key::End { scalars: with, .. } => with.times(scalars),
        };
        let summands = self.reduced(&diagonal, &scalars);
        let reduced = summands.is_some();
        let same = || vec![Summand { coefficient: Rational::ONE, scalars, diagonal, letter: None }];
        for Summand { coefficient, scalars, diagonal, .. } in summands.unwrap_or_else(same) {
            let coefficient = &edge.coefficient * &coefficient;
            edges.push(match key {
                Key::Letter { letter, .. } => {
                    let child = Form { coefficient, shift: edge.shift, node: edge.child };
                    let child = self.scaled(&Monomial::one(), &scalars, &child)?;
                    let key = self.key(Key::Letter { diagonal, letter })?;
                    let Form { coefficient, shift, node } = child;
                    TrieEdge { key, shift, coefficient, child: node }
                }
                Key::End { end, .. } => {
                    let key = self.key(Key::End { diagonal, scalars, end })?;
                    TrieEdge { key, coefficient, ..edge.clone() }
                }
            });
        }
        Ok(reduced)
    }

    /// The sum of some edges, of which some may be alike.
    fn sum_of_edges(&mut self, edges: Vec<TrieEdge>) -> Result<Form, TooManyWords> {
        let single = |edge| self.make(vec![edge]);
        let forms = edges.into_iter().map(single).collect::<Result<Vec<_>, _>>()?;
        self.sum(&forms)
    }
}

#[cfg(test)]
mod tests;
