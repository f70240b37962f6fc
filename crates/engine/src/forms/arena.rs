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

use std::cmp::Ordering;

use rustc_hash::{FxHashMap, FxHashSet};

use super::numbered::{Numbered, SumList};
use super::range::Range;
use super::terms::Applied;
use crate::axes::{AXES, Axes, each};
use convproof_exact::budget::spend_on;
use convproof_exact::{Limited, Monomial, Rational, Symbol};

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
    pub(super) fn order(&self) -> (u32, Axes<i64>) {
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
    keys: Vec<Key>,
    key_index: FxHashMap<Key, u32>,
    nodes: Vec<TrieNode>,
    node_index: FxHashMap<Vec<TrieEdge>, TrieId>,
    sums: FxHashMap<Relative, Form>,
    products: FxHashMap<(Monomial, Monomial, TrieId), Form>,
    edges: usize,
    /// Nonlinear terms and their numbers.
    pub(super) terms: Numbered<SumList>,
    /// Functions of sums and their numbers.
    pub(super) applied: Numbered<Applied>,
    /// Products of sums and their numbers.
    pub(super) products_of: Numbered<SumList>,
    /// Whether functions that are products are written as such (Theorem 29c).
    pub(super) gates: bool,
    /// Means of signals and their numbers.
    pub(super) means: Numbered<MeanOf>,
    /// What is known of the size of ends.
    pub(super) ranges: FxHashMap<End, Range>,
    /// What is known of the size of products that were multiplied out, by the node of the sum, with leading coefficient 1.
    pub(super) product_ranges: FxHashMap<TrieId, Range>,
}

impl Default for Arena {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            key_index: FxHashMap::default(),
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

    fn key(&mut self, key: Key) -> u32 {
        if let Some(&id) = self.key_index.get(&key) {
            return id;
        }
        let id = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        self.keys.push(key.clone());
        self.key_index.insert(key, id);
        id
    }

    /// Whether a sum moves with the image.
    pub fn is_anchored_form(&self, form: &Form) -> bool {
        self.nodes[form.node as usize].anchored
    }

    /// The ends of words without matrices: factors, end, place and coefficient; `None` if some word has a matrix.
    pub fn flat(&self, form: &Form) -> Option<Vec<FlatWord>> {
        self.flat_words(form).collect()
    }

    /// The same one after the other; `None` for each matrix with which words begin.
    pub(super) fn flat_words<'a>(&'a self, form: &'a Form) -> impl Iterator<Item = Option<FlatWord>> + 'a {
        let edges = &self.nodes[form.node as usize].edges;
        edges.iter().map(|edge| match &self.keys[edge.key as usize] {
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
        let plain = |edge: &TrieEdge| match &self.keys[edge.key as usize] {
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
        let plain = |edge: &&TrieEdge| match &self.keys[edge.key as usize] {
            Key::End { diagonal, scalars, end: End::One } => diagonal.is_one() && scalars.is_one(),
            _ => false,
        };
        edges.iter().find(plain).map_or(Rational::ZERO, |edge| &form.coefficient * &edge.coefficient)
    }

    /// The sign of a difference, for two sums of one word without matrices each.
    pub fn sign_of_difference(&self, a: &Form, b: &Form) -> Option<i32> {
        let single = |form: &Form| match self.nodes[form.node as usize].edges.as_slice() {
            [edge] if matches!(self.keys[edge.key as usize], Key::End { .. }) => {
                Some((edge.key, if self.is_anchored(edge) { form.shift } else { [0; AXES] }))
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
        match &self.keys[edge.key as usize] {
            Key::End { diagonal, scalars, end: End::One } if diagonal.is_one() && scalars.is_one() => {
                Some(&form.coefficient * &edge.coefficient)
            }
            _ => None,
        }
    }

    /// The sum of one word without matrices and factors, at the origin.
    pub fn end(&mut self, end: End) -> Result<Form, TooManyWords> {
        let key = self.key(Key::End { diagonal: Monomial::one(), scalars: Monomial::one(), end });
        self.make(vec![TrieEdge { key, shift: [0; AXES], coefficient: Rational::ONE, child: 0 }])
    }

    /// The mean of a signal that lies in a range, over all its positions. Nothing else is known of it but that it is the same
    /// everywhere.
    pub fn mean(&mut self, of: MeanOf, range: Range) -> Result<Form, TooManyWords> {
        let end = End::Mean(self.means.number(of)?);
        self.note(end, range);
        self.end(end)
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
        match &self.keys[edge.key as usize] {
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
        edges.sort_unstable_by_key(|edge| (edge.key, edge.shift));
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
        let length = |edge: &TrieEdge| match self.keys[edge.key as usize] {
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
                match self.keys[edge.key as usize] {
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
        let key = self.key(Key::Letter { diagonal: Monomial::one(), letter });
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
                let mut edges = self.nodes[form.node as usize].edges.clone();
                for edge in &mut edges {
                    match self.keys[edge.key as usize].clone() {
                        Key::Letter { diagonal: inner, letter } => {
                            let child = Form {
                                coefficient: edge.coefficient.clone(),
                                shift: edge.shift,
                                node: edge.child,
                            };
                            let child = self.scaled(&Monomial::one(), scalars, &child)?;
                            edge.key = self.key(Key::Letter { diagonal: inner.times(diagonal), letter });
                            (edge.coefficient, edge.shift, edge.child) =
                                (child.coefficient, child.shift, child.node);
                        }
                        Key::End { diagonal: inner, scalars: with, end } => {
                            let (diagonal, scalars) = (inner.times(diagonal), with.times(scalars));
                            edge.key = self.key(Key::End { diagonal, scalars, end });
                        }
                    }
                }
                let made = self.make(edges)?;
                self.products.insert(memo, made.clone());
                made
            }
        };
        Ok(self.moved(&scaled.times(&form.coefficient), form.shift))
    }

    /// Matrices in the longest word of all sums.
    pub fn longest(&self) -> usize {
        self.nodes.iter().map(|node| node.length).max().unwrap_or(0)
    }

    /// All symbols of scalars and diagonals.
    pub fn symbols(&self) -> FxHashSet<Symbol> {
        let mut all = FxHashSet::default();
        for key in &self.keys {
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
                    match &self.keys[edge.key as usize] {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(arena: &mut Arena, at: Axes<i64>) -> Form {
        let pixel = arena.end(End::Pixel(0)).unwrap();
        arena.moved(&pixel, at)
    }

    #[test]
    fn sums_do_not_depend_on_their_order_and_share_translates() {
        let mut arena = Arena::default();
        let pixels = [pixel(&mut arena, [0, 0]), pixel(&mut arena, [0, 1]), pixel(&mut arena, [3, 2])];
        let words: Vec<Form> =
            pixels.iter().zip(0..).map(|(form, letter)| arena.after_letter(letter, form).unwrap()).collect();
        let ab = arena.sum(&words[..2]).unwrap();
        let abc = arena.sum(&[ab.clone(), words[2].clone()]).unwrap();
        let bc = arena.sum(&words[1..]).unwrap();
        assert_eq!(abc, arena.sum(&[words[0].clone(), bc]).unwrap());
        let moved = words.iter().map(|form| arena.moved(form, [5, -7])).collect::<Vec<_>>();
        let other = arena.sum(&moved).unwrap();
        assert_eq!(other, arena.moved(&abc, [5, -7]));
        assert_eq!(arena.sum(&[abc.clone(), abc.times(&Rational::from(-1))]).unwrap(), Form::ZERO);
        assert_ne!(ab, words[0]);
    }

    #[test]
    fn signs_of_differences_are_those_of_the_differences() {
        let mut arena = Arena::default();
        let one = arena.end(End::One).unwrap();
        let other = arena.end(End::Pixel(1)).unwrap();
        let mut forms = vec![one, other.clone(), arena.moved(&other, [2, -1])];
        forms.extend([[0, 0], [0, 1], [1, -2]].map(|place| pixel(&mut arena, place)));
        let minus = Rational::from(-1);
        let all: Vec<Form> = forms.iter().flat_map(|form| [form.clone(), form.times(&minus)]).collect();
        for a in &all {
            for b in &all {
                let difference = arena.sum(&[a.clone(), b.times(&minus)]).unwrap();
                assert_eq!(arena.sign_of_difference(a, b), Some(difference.sign()), "{a:?} {b:?}");
            }
        }
        let sum = arena.sum(&[all[2].clone(), all[4].clone()]).unwrap();
        assert_eq!(arena.sign_of_difference(&sum, &all[0]), None);
        assert_eq!(arena.constant(&sum), Rational::ZERO);
        let sum = arena.sum(&[all[0].times(&Rational::from(7)), all[2].clone()]).unwrap();
        assert_eq!(arena.constant(&sum.times(&minus)), Rational::from(-7));
    }

    #[test]
    fn matrices_do_not_commute_and_diagonals_do() {
        let mut arena = Arena::default();
        let x = pixel(&mut arena, [0, 0]);
        let a = arena.after_letter(0, &x).unwrap();
        let ba = arena.after_letter(1, &a).unwrap();
        let b = arena.after_letter(1, &x).unwrap();
        let ab = arena.after_letter(0, &b).unwrap();
        assert_ne!(ab, ba);
        let [d, e] = [0, 1].map(|n| Monomial::power(Symbol(n), 1));
        let one = Monomial::one();
        let de = {
            let e = arena.scaled(&e, &one, &a).unwrap();
            arena.scaled(&d, &one, &e).unwrap()
        };
        let ed = {
            let d = arena.scaled(&d, &one, &a).unwrap();
            arena.scaled(&e, &one, &d).unwrap()
        };
        assert_eq!(de, ed);
        // A diagonal stays on its side of a matrix, a scalar does not.
        let inside = {
            let d = arena.scaled(&d, &one, &x).unwrap();
            arena.after_letter(0, &d).unwrap()
        };
        let outside = arena.scaled(&d, &one, &a).unwrap();
        assert_ne!(inside, outside);
        let inside = {
            let d = arena.scaled(&one, &d, &x).unwrap();
            arena.after_letter(0, &d).unwrap()
        };
        let outside = arena.scaled(&one, &d, &a).unwrap();
        assert_eq!(inside, outside);
    }

    #[test]
    fn constants_stay_where_the_image_moves() {
        let mut arena = Arena::default();
        let one = arena.end(End::One).unwrap();
        assert_eq!(arena.moved(&one, [3, 4]), one);
        let x = pixel(&mut arena, [0, 0]);
        let sum = arena.sum(&[x.clone(), one.clone()]).unwrap();
        let there = arena.moved(&sum, [1, 1]);
        let x = arena.moved(&x, [1, 1]);
        assert_eq!(there, arena.sum(&[x, one]).unwrap());
    }
}
