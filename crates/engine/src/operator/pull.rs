//! What an output position reads from the input, with which weights: the unit functional at the output pulled
//! back through the nodes. Generic over the numbers: residues to refute quickly, polynomials to prove.

use std::cell::Cell;

use super::normal::{Affine, Node, NodeId, Operators, Part};
use super::pattern::{Edge, Pattern, Reader};
use crate::axes::{AXES, Axes, each, place, positions};
use convproof_exact::budget::{self, Held};
use convproof_exact::{Fp, Limited, Monomial, Poly, Rational, Sum};

/// Numbers that weights can be.
pub trait WeightNumber: Clone {
    /// Collects a sum of products.
    type Accumulator: Default;
    /// Adds `a · b`; `false` when the sum has outgrown its limit.
    fn add_product(sum: &mut Self::Accumulator, a: &Self, b: &Self) -> bool;
    /// Adds `value` times each weight to a sum. `None` where what products cost is too much to be spent, or a sum has
    /// outgrown its limit.
    fn add_multiples<'n>(
        value: &Self,
        weights: impl Iterator<Item = &'n Self>,
        sums: impl Iterator<Item = &'n mut Self::Accumulator>,
        mut spend: impl FnMut(u64) -> bool,
    ) -> Option<()>
    where
        Self: 'n,
    {
        for (weight, sum) in weights.zip(sums).filter(|(weight, _)| !weight.is_zero()) {
            if !spend(Self::cost(value, weight)) || !Self::add_product(sum, value, weight) {
                return None;
            }
        }
        Some(())
    }
    /// Bytes that one takes.
    const MEMORY: usize;
    /// How many products of numbers that takes.
    fn cost(a: &Self, b: &Self) -> u64;
    /// The sum.
    fn finish(sum: Self::Accumulator) -> Self;
    /// 1.
    fn one() -> Self;
    /// Whether this is 0.
    fn is_zero(&self) -> bool;
    /// Divided by a positive count.
    fn divided(&self, count: i64) -> Self;
}

impl WeightNumber for Fp {
    type Accumulator = Fp;
    const MEMORY: usize = size_of::<Fp>();
    fn add_product(sum: &mut Fp, a: &Fp, b: &Fp) -> bool {
        *sum += *a * *b;
        true
    }
    fn cost(_: &Fp, _: &Fp) -> u64 {
        1
    }
    fn add_multiples<'n>(
        value: &Fp,
        weights: impl Iterator<Item = &'n Fp>,
        sums: impl Iterator<Item = &'n mut Fp>,
        mut spend: impl FnMut(u64) -> bool,
    ) -> Option<()> {
        let mut cost = 0;
        for (weight, sum) in weights.zip(sums).filter(|(weight, _)| **weight != Fp::ZERO) {
            cost += 1;
            *sum += *value * *weight;
        }
        spend(cost).then_some(())
    }
    fn finish(sum: Fp) -> Fp {
        sum
    }
    fn one() -> Fp {
        Fp::from(1)
    }
    fn is_zero(&self) -> bool {
        *self == Fp::ZERO
    }
    fn divided(&self, count: i64) -> Fp {
        *self * Fp::from(count).inverse().unwrap_or(Fp::ZERO)
    }
}

/// Most monomials one coefficient may have while pulled back.
pub const MAX_COEFFICIENT_TERMS: usize = 200_000;

impl WeightNumber for Poly {
    type Accumulator = Sum;
    // With one term, in the polynomial and in the sum.
    const MEMORY: usize = size_of::<Poly>() + 2 * size_of::<(Monomial, Rational)>();
    fn add_product(sum: &mut Sum, a: &Poly, b: &Poly) -> bool {
        sum.add_product(a, b);
        sum.len().within(MAX_COEFFICIENT_TERMS)
    }
    fn cost(a: &Poly, b: &Poly) -> u64 {
        // A term costs far more than a residue.
        16 * (a.terms().len() as u64) * (b.terms().len() as u64)
    }
    fn finish(sum: Sum) -> Poly {
        sum.finish()
    }
    fn one() -> Poly {
        Poly::one()
    }
    fn is_zero(&self) -> bool {
        self.is_zero()
    }
    fn divided(&self, count: i64) -> Poly {
        self.scaled(&Rational::from(count).recip().unwrap_or_else(|| Rational::from(0)))
    }
}

/// The weights of an affine map as numbers.
#[derive(Clone, Debug)]
pub struct MapWeights<R> {
    /// For each part its kernel's entries in storage order.
    kernels: Vec<Vec<R>>,
    /// One entry for each channel; empty if all are zero.
    bias: Vec<R>,
    _held: Vec<Held>,
}

impl<R: WeightNumber> MapWeights<R> {
    /// Converts the weights of a map; `None` if some conversion fails.
    pub fn of(
        affine: &Affine,
        kernel: impl Fn(&Part) -> Option<Vec<R>>,
        scalar: impl Fn(&Poly) -> Option<R>,
    ) -> Option<Self> {
        let mut held = Vec::new();
        let weigh = |part: &Part| {
            let entries = kernel(part)?;
            let more = entries.iter().filter(|entry| !entry.is_zero()).count();
            held.push(budget::hold(entries.len(), size_of::<R>()));
            held.push(budget::hold(more, R::MEMORY));
            Some(entries)
        };
        let kernels = affine.parts.iter().map(weigh).collect::<Option<_>>()?;
        Some(Self { kernels, bias: affine.bias.iter().map(scalar).collect::<Option<_>>()?, _held: held })
    }
}

/// A functional on one node: for each channel the coefficients of the positions that are read.
#[derive(Clone, Debug)]
pub struct Functional<R> {
    /// How many positions are read along each axis.
    pub extents: Axes<usize>,
    /// The coefficients.
    pub coefficients: Vec<R>,
}

/// What one output reads: the leaves' functionals and a constant.
#[derive(Clone, Debug)]
pub struct Pulled<R> {
    /// The functional on each leaf that is read.
    pub leaves: Vec<(NodeId, Functional<R>)>,
    /// The part that does not depend on any image.
    pub constant: R,
}

/// Pulls functionals back through the nodes of one graph.
#[derive(Debug)]
pub struct Puller<'a, R> {
    operators: &'a Operators,
    order: &'a [NodeId],
    /// The weights of the inner maps, by node.
    weights: Vec<Option<MapWeights<R>>>,
    /// Products of numbers so far.
    work: Cell<u64>,
}

/// Most products of numbers that one puller makes, a few seconds' worth; terms of polynomials count more.
pub const MAX_WORK: u64 = 1_500_000_000;

impl<'a, R: WeightNumber> Puller<'a, R> {
    /// A puller for the given nodes (greatest first), with the weights of their inner maps from `weigh`, which is
    /// told the node.
    pub fn new(
        operators: &'a Operators,
        order: &'a [NodeId],
        weigh: impl Fn(Option<NodeId>, &Affine) -> Option<MapWeights<R>>,
    ) -> Option<Self> {
        let mut weights: Vec<Option<MapWeights<R>>> = Vec::new();
        weights.resize_with(operators.len(), || None);
        for &id in order {
            if let Node::Cut(affine) = operators.node(id) {
                weights[id] = Some(weigh(Some(id), affine)?);
            }
        }
        Some(Self { operators, order, weights, work: Cell::new(0) })
    }

    /// Whether the limit on work is reached.
    pub fn is_exhausted(&self) -> bool {
        self.work.get().exceeds(MAX_WORK)
    }

    /// What the map number `root` reads when its output channels are weighted by `output`; `None` past a limit.
    pub fn pull(
        &self,
        root: usize,
        affine: &Affine,
        weights: &MapWeights<R>,
        output: &[R],
        patterns: Axes<&Pattern>,
    ) -> Option<Pulled<R>> {
        let mut sums: Vec<Vec<R::Accumulator>> = Vec::new();
        sums.resize_with(self.operators.len(), Vec::new);
        budget::spend_on(self.operators.len(), 4);
        // Sums and the coefficients that they become, for the time of this call.
        let cells = |&id: &NodeId| {
            extents(patterns, id).into_iter().fold(self.operators.signal(id).0, usize::saturating_mul)
        };
        let cells = self.order.iter().map(cells).fold(0_usize, usize::saturating_add);
        let _held = budget::hold(cells, size_of::<R::Accumulator>() + R::MEMORY);
        let mut constant = R::Accumulator::default();
        let unit = Functional { extents: [1; AXES], coefficients: output.to_vec() };
        self.scatter(Reader::Root(root), affine, weights, &unit, patterns, &mut sums, &mut constant)?;
        let mut leaves = Vec::new();
        for &id in self.order {
            let collected = std::mem::take(&mut sums[id]);
            if collected.is_empty() {
                continue;
            }
            let coefficients = collected.into_iter().map(R::finish).collect();
            let mut functional = Functional { extents: extents(patterns, id), coefficients };
            match self.operators.node(id) {
                Node::Cut(inner) => {
                    let weights = self.weights[id].as_ref()?;
                    let reader = Reader::Node(id);
                    self.scatter(reader, inner, weights, &functional, patterns, &mut sums, &mut constant)?;
                }
                Node::Average { source, .. } => {
                    divide(&mut functional, patterns.map(|pattern| counts(pattern, id)));
                    self.spread(id, *source, &functional, patterns, &mut sums)?;
                }
                _ => leaves.push((id, functional)),
            }
        }
        Some(Pulled { leaves, constant: R::finish(constant) })
    }

    #[allow(clippy::too_many_arguments)]
    fn scatter(
        &self,
        reader: Reader,
        affine: &Affine,
        weights: &MapWeights<R>,
        functional: &Functional<R>,
        patterns: Axes<&Pattern>,
        sums: &mut [Vec<R::Accumulator>],
        constant: &mut R::Accumulator,
    ) -> Option<()> {
        let area: usize = functional.extents.iter().product();
        for (c, bias) in weights.bias.iter().enumerate() {
            if bias.is_zero() {
                continue;
            }
            for value in &functional.coefficients[c * area..(c + 1) * area] {
                self.add(constant, value, bias)?;
            }
        }
        let reads = patterns.map(|pattern| reads(pattern, reader));
        for (number, part) in affine.parts.iter().enumerate() {
            let shape = part.gather.kernel.shape();
            let kernel = &weights.kernels[number];
            let target = self.target(part.source, shape.inputs, patterns, sums);
            let extents_read = extents(patterns, part.source);
            let area_read: usize = extents_read.iter().product();
            let edges = reads.map(|parts| parts[number].as_slice());
            for at in positions(edges.map(<[Edge]>::len)) {
                spend_at(at, edges, shape.outputs * shape.inputs);
                let edge = each(|axis| edges[axis][at[axis]]);
                let from = place(edge.map(|(output, ..)| output as usize), functional.extents);
                let tap = place(edge.map(|(_, tap, _)| tap as usize), shape.extents());
                let cell = place(edge.map(|(.., read)| read as usize), extents_read);
                for o in 0..shape.outputs {
                    let value = &functional.coefficients[o * area + from];
                    if value.is_zero() {
                        continue;
                    }
                    let weights = &kernel[o * shape.inputs * shape.area()..][..shape.inputs * shape.area()];
                    let weights = weights[tap..].iter().step_by(shape.area());
                    let sums = target[cell..].iter_mut().step_by(area_read);
                    R::add_multiples(value, weights, sums, |cost| self.spend(cost))?;
                }
            }
        }
        Some(())
    }

    /// Adds a product, within the limits.
    fn add(&self, sum: &mut R::Accumulator, a: &R, b: &R) -> Option<()> {
        (self.spend(R::cost(a, b)) && R::add_product(sum, a, b)).then_some(())
    }

    /// Whether so much work is within the limit.
    fn spend(&self, cost: u64) -> bool {
        self.work.set(self.work.get() + cost);
        !self.is_exhausted()
    }

    /// The sums of a node, made when it is first read.
    fn target<'s>(
        &self,
        id: NodeId,
        channels: usize,
        patterns: Axes<&Pattern>,
        sums: &'s mut [Vec<R::Accumulator>],
    ) -> &'s mut [R::Accumulator] {
        if sums[id].is_empty() {
            let size = channels * extents(patterns, id).iter().product::<usize>();
            sums[id].resize_with(size, Default::default);
        }
        &mut sums[id]
    }

    /// Spreads a functional on window means over the windows, with weight 1 each.
    fn spread(
        &self,
        id: NodeId,
        source: NodeId,
        functional: &Functional<R>,
        patterns: Axes<&Pattern>,
        sums: &mut [Vec<R::Accumulator>],
    ) -> Option<()> {
        let channels = self.operators.signal(source).0;
        let area: usize = functional.extents.iter().product();
        let extents_read = extents(patterns, source);
        let area_read: usize = extents_read.iter().product();
        let target = self.target(source, channels, patterns, sums);
        let one = R::one();
        let edges = patterns.map(|pattern| reads(pattern, Reader::Node(id))[0].as_slice());
        for at in positions(edges.map(<[Edge]>::len)) {
            spend_at(at, edges, channels);
            let edge = each(|axis| edges[axis][at[axis]]);
            let from = place(edge.map(|(output, ..)| output as usize), functional.extents);
            let cell = place(edge.map(|(.., read)| read as usize), extents_read);
            for c in 0..channels {
                self.add(&mut target[c * area_read + cell], &functional.coefficients[c * area + from], &one)?;
            }
        }
        Some(())
    }
}

fn divide<R: WeightNumber>(functional: &mut Functional<R>, counts: Axes<&[i64]>) {
    let area: usize = functional.extents.iter().product();
    for channel in functional.coefficients.chunks_mut(area.max(1)) {
        for (at, value) in positions(functional.extents).zip(channel) {
            let count: i64 = (0..AXES).map(|axis| counts[axis][at[axis]]).product();
            *value = value.divided(count.max(1));
        }
    }
}

/// How many positions of a node are read along each axis.
fn extents(patterns: Axes<&Pattern>, id: NodeId) -> Axes<usize> {
    patterns.map(|pattern| pattern.positions[id])
}

/// Accounts for a run of edges along the last axis at its start, each with so many products.
fn spend_at(at: Axes<usize>, edges: Axes<&[Edge]>, products: usize) {
    if at.ends_with(&[0]) {
        budget::spend_on([edges.last().map_or(0, |run| run.len()), products], 2);
    }
}

fn reads(pattern: &Pattern, reader: Reader) -> &[Vec<Edge>] {
    pattern.reads.iter().find(|(who, _)| *who == reader).map_or(&[], |(_, parts)| parts)
}

fn counts(pattern: &Pattern, id: NodeId) -> &[i64] {
    pattern.counts.iter().find(|(who, _)| *who == id).map_or(&[], |(_, counts)| counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_exact::Symbol;
    use std::ops::Range;

    fn sum_of(symbols: Range<u32>) -> Poly {
        let mut sum = Sum::default();
        symbols.for_each(|n| sum.add(Monomial::power(Symbol(n), 1), &Rational::ONE));
        sum.finish()
    }

    #[test]
    fn a_coefficient_is_a_sum_of_products_up_to_a_number_of_terms() {
        let (a, b) = (sum_of(0..500), sum_of(500..900));
        let mut sum = Sum::default();
        assert!(Poly::add_product(&mut sum, &a, &b));
        assert_eq!((sum.len(), Poly::cost(&a, &b)), (MAX_COEFFICIENT_TERMS, 16 * 500 * 400));
        assert!(!Poly::add_product(&mut sum, &a, &Poly::one()));
        let third = sum_of(0..2).divided(3);
        assert_eq!(
            third.terms().iter().map(|(_, x)| x.clone()).collect::<Vec<_>>(),
            vec![Rational::ratio(1, 3).unwrap(); 2]
        );
        assert_eq!(Fp::from(6).divided(3), Fp::from(2));
    }
}
