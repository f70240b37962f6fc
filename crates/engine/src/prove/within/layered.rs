//! How far two stacks are apart at most, layer by layer (Theorem 11f of `docs/semantics.md`).
//!
//! Both are cut at the same nonlinear layers and joins. What lies between two cuts is linear and compared as a claim of its own; what
//! the difference before it becomes is bounded by norms. Bounds are coarser than those of `lipschitz.rs`, which looks at all layers
//! together, but the work grows with the weights alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::linear;
use super::outcome;
use super::rounded::{self, Rounded};
use super::shown::{Attempts, Shown};
use crate::axes::AXES;
use crate::ir::{
    Branch, Composite, Function, Graph, KernelTerm, Layer, NonEmpty, Op, Pointwise, Sizes, Stack, StackClaim,
    Symbols, Tolerance, Value, ValueId, ValueOp,
};
use crate::kernel::ConcreteKernel;
use crate::operator::shape::{self, Signal};
use crate::prove::survey::input::Sides;
use crate::prove::values::interval;
use crate::prove::verdict::{Derivation, Doubt, StackProof, StackVerdict, Worst};
use convproof_exact::budget::doing;
use convproof_exact::{Limited, Rational};

/// Bits of square roots where stacks are composed, and where inputs are tried.
const BITS: u32 = 56;

/// Most pairs of values that something is known of.
const MAX_PAIRS: usize = 100_000;

/// Bits of bounds that are rounded up, and with more they are.
const DIGITS: u32 = 256;

/// What is known of two values, one of each stack, at all inputs of the claim: channels and sizes are the same.
#[derive(Clone)]
struct Known {
    /// Neither is larger.
    size: Rational,
    /// They are no further apart.
    error: Rational,
    channels: usize,
    sizes: Sizes,
}

/// Decides `left ~= right within bound for |x| <= range` by the layers of both; `None` where these do not match, or weights are no
/// numbers.
pub fn decide(claim: &StackClaim, tolerance: &Tolerance, symbols: &Symbols) -> Option<StackVerdict> {
    let sides = [&claim.left, &claim.right].map(|stack| Side::new(stack));
    if sides.iter().all(|side| side.sources.iter().all(|source| source.index() == 0)) {
        return None;
    }
    let rounded = Rounded::of(claim, symbols, BITS, &tolerance.range);
    let _doing = doing("bounding the difference layer by layer");
    let input = Known {
        size: tolerance.range.clone(),
        error: Rational::ZERO,
        channels: claim.channels,
        sizes: claim.sizes.clone(),
    };
    let ends = sides.each_ref().map(|side| side.stack.output().of);
    let mut layers = Layers { sides, symbols, known: FxHashMap::default(), first: Vec::new() };
    let start = claim.left.graph().input(0)?;
    layers.known.insert([start; 2], input);
    let worst = layers.found(ends)?.error;
    let near = rounded.as_ref().map_or([&*claim.left, &*claim.right], |rounded| rounded.stacks.each_ref());
    // Beyond the limits of normal forms nothing is told of how the sides are composed.
    let derivation =
        Derivation::Composed(Sides::of(claim, near).map(|sides| sides.composed).unwrap_or_default());
    if tolerance.allows(&worst, &Rational::ZERO) {
        let exact = worst.is_zero();
        return Some(outcome::proved(worst, exact, tolerance, derivation));
    }
    let error = rounded.as_ref().map_or(Rational::ZERO, |rounded| rounded.error.clone());
    let attempts = Attempts { claim, tolerance, symbols, near, error };
    Some(match attempts.farthest(&layers.first) {
        Some(Shown { difference, image, at }) if attempts.passes(&difference) => {
            let replayed = outcome::beyond(claim, tolerance, symbols, &attempts.weights(), image, at);
            outcome::excess(replayed, Worst::AtMost(worst), tolerance).after(derivation)
        }
        shown => {
            let found = shown.map_or(Rational::ZERO, |shown| shown.difference);
            StackVerdict::Unknown(Doubt::Between { found, at_most: worst })
        }
    })
}

/// A stack, and for each value the last one before it, or itself, that is the input or a cut.
struct Side<'a> {
    stack: &'a Stack,
    sources: Vec<ValueId>,
}

impl<'a> Side<'a> {
    fn new(stack: &'a Stack) -> Self {
        let mut sources: Vec<ValueId> = stack.graph().input(0).into_iter().collect();
        for (id, value) in stack.graph().values() {
            let mut reads = value.reads().into_iter().map(|read| sources[read.index()]);
            let first = reads.next().unwrap_or(sources[0]);
            let apart = match &value.op {
                Op::Layer(layer, _) => is_cut(layer),
                Op::Sum(_) | Op::Concat(_) => reads.any(|read| read != first),
                Op::Product(_) | Op::Broadcast(_) => true,
            };
            sources.push(if apart { id } else { first });
        }
        Self { stack, sources }
    }

    fn is_cut(&self, id: ValueId) -> bool {
        self.sources[id.index()] == id
    }

    fn op(&self, id: ValueId) -> Option<&'a ValueOp> {
        self.stack.graph().value(id).map(|value| &value.op)
    }

    /// What a value is of the cut before it.
    fn part(&self, to: ValueId) -> Option<Stack> {
        let values = self.stack.graph();
        let from = self.sources[to.index()];
        let mut needed = BTreeSet::from([to]);
        let mut open = vec![to];
        while let Some(id) = open.pop().filter(|id| *id != from) {
            let reads = values.value(id)?.reads();
            open.extend(reads.into_iter().filter(|read| *read != from && needed.insert(*read)));
        }
        let mut graph = Graph::new(1);
        let mut made = FxHashMap::from_iter([(from, graph.input(0)?)]);
        for id in needed.into_iter().filter(|id| *id != from) {
            let value = values.value(id)?;
            let op = value.op.map(|read| made[read]);
            made.insert(id, graph.push(op, value.origin)?);
        }
        graph.output(Branch { of: *made.get(&to)?, origin: self.stack.origin() })?;
        Stack::try_from(graph).ok()
    }
}

/// Whether a layer is not linear, or has positions of another kind.
fn is_cut(layer: &Layer) -> bool {
    use Composite::{AdaptivePool, Pointwise};
    matches!(
        layer,
        Layer::MaxPool(_)
            | Layer::GlobalAverage
            | Layer::Relu
            | Layer::Function(_)
            | Layer::Composite(Pointwise(_) | AdaptivePool { .. })
    )
}

/// Both stacks, and what is known of pairs of their values.
struct Layers<'a> {
    sides: [Side<'a>; 2],
    symbols: &'a Symbols,
    known: FxHashMap<[ValueId; 2], Known>,
    /// The linear parts that read the input and differ, and by how much.
    first: Vec<(StackClaim, Rational)>,
}

impl Layers<'_> {
    /// What is known of two values: first of those that they are made of, without recursion. `None` where they are made in different ways.
    fn found(&mut self, ends: [ValueId; 2]) -> Option<Known> {
        let mut open = vec![ends];
        while let Some(&ids) = open.last() {
            let missing: Vec<_> =
                self.before(ids)?.into_iter().filter(|ids| !self.known.contains_key(ids)).collect();
            if self.known.len().exceeds(MAX_PAIRS) {
                return None;
            }
            if !missing.is_empty() {
                open.extend(missing);
                continue;
            }
            open.pop();
            if !self.known.contains_key(&ids) {
                let known = if self.are_cuts(ids) { self.cut(ids) } else { self.part(ids) }?;
                let Known { size, error, .. } = known;
                self.known.insert(ids, Known { size: above(size), error: above(error), ..known });
            }
        }
        self.known.get(&ends).cloned()
    }

    fn are_cuts(&self, ids: [ValueId; 2]) -> bool {
        self.sides.iter().zip(ids).all(|(side, id)| side.is_cut(id))
    }

    /// The pairs that two values are made of.
    fn before(&self, ids: [ValueId; 2]) -> Option<Vec<[ValueId; 2]>> {
        let sources = [0, 1].map(|at| self.sides[at].sources[ids[at].index()]);
        if !self.are_cuts(ids) {
            return Some(vec![sources]);
        }
        let reads = [0, 1].map(|at| self.sides[at].stack.graph().value(ids[at]).map(Value::reads));
        match reads {
            [None, None] => Some(Vec::new()),
            [Some(left), Some(right)] if left.len() == right.len() => {
                Some(left.into_iter().zip(right).map(|(left, right)| [left, right]).collect())
            }
            _ => None,
        }
    }

    /// What is known of values that come before.
    fn value(&self, ids: [ValueId; 2]) -> Option<Known> {
        self.known.get(&ids).cloned()
    }

    /// Linear parts from one cut to the next.
    fn part(&mut self, ids: [ValueId; 2]) -> Option<Known> {
        let before = self.value([0, 1].map(|at| self.sides[at].sources[ids[at].index()]))?;
        let [left, right] = [self.sides[0].part(ids[0])?, self.sides[1].part(ids[1])?];
        let symbols = self.symbols;
        let size = |stack, size, biases| rounded::size_after(stack, symbols, size, biases);
        let sizes = [size(&left, &before.size, true)?, size(&right, &before.size, true)?];
        let carried = size(&right, &before.error, false)?;
        let one = before.sizes.one();
        let signal = shape::after(&left, Signal::input(before.channels), one).ok()?;
        let after = match one {
            Some(size) => Sizes::One(signal.at(size)?),
            None => Sizes::All,
        };
        let tolerance = Tolerance { bound: &sizes[0] + &sizes[1], range: before.size.clone() };
        let claim = StackClaim {
            left: Arc::new(left),
            right: Arc::new(right),
            channels: before.channels,
            tolerance: Some(tolerance.clone()),
            sizes: before.sizes,
        };
        let verdict = linear::of_linear(&claim, &tolerance, symbols).ok()??;
        let StackVerdict::Proved(StackProof::Within(found, _)) = verdict else { return None };
        let apart = found.worst().clone();
        if !apart.is_zero()
            && ids.iter().zip(&self.sides).all(|(id, side)| side.sources[id.index()].index() == 0)
        {
            self.first.push((claim, apart.clone()));
        }
        let [left, right] = sizes;
        Some(Known { size: left.max(right), error: apart + carried, channels: signal.channels, sizes: after })
    }

    /// Two nonlinear layers, or two joins of what different cuts are read by.
    fn cut(&self, ids: [ValueId; 2]) -> Option<Known> {
        let [left, right] = [self.sides[0].op(ids[0])?, self.sides[1].op(ids[1])?];
        match (left, right) {
            (Op::Layer(layer, left), Op::Layer(other, right)) => {
                let before = self.value([*left, *right])?;
                after(layer, other, before)
            }
            (Op::Sum(left), Op::Sum(right)) => {
                let factors = same_factors(left, right)?;
                let all = self.branches(left.iter().map(|term| &term.1), right.iter().map(|term| &term.1))?;
                let scaled = |sum: Rational, (of, factor): (&Rational, &Rational)| sum + of * factor;
                let total = |of: fn(&Known) -> &Rational| {
                    all.iter().map(of).zip(&factors).fold(Rational::ZERO, scaled)
                };
                let (size, error) = (total(|known| &known.size), total(|known| &known.error));
                Some(Known { size, error, ..all.first()?.clone() })
            }
            (Op::Concat(left), Op::Concat(right)) => {
                let all = self.branches(left.iter(), right.iter())?;
                let most = |of: fn(&Known) -> &Rational| all.iter().map(of).max().cloned();
                let channels = all.iter().try_fold(0_usize, |sum, known| sum.checked_add(known.channels))?;
                let (size, error) = (most(|known| &known.size)?, most(|known| &known.error)?);
                Some(Known { size, error, channels, ..all.first()?.clone() })
            }
            (Op::Product(left), Op::Product(right)) => {
                let all = self.branches(left.iter(), right.iter())?;
                let [a, b] = all.as_slice() else { return None };
                let error = &a.size * &b.error + &b.size * &a.error;
                Some(Known { size: &a.size * &b.size, error, ..a.clone() })
            }
            (Op::Broadcast(left), Op::Broadcast(right)) => {
                let all = self.branches(left.iter(), right.iter())?;
                let [single, like] = all.as_slice() else { return None };
                Some(Known { sizes: like.sizes.clone(), ..single.clone() })
            }
            _ => None,
        }
    }

    /// What is known of branches, in order.
    fn branches<'b>(
        &self,
        left: impl ExactSizeIterator<Item = &'b Branch<ValueId>>,
        right: impl ExactSizeIterator<Item = &'b Branch<ValueId>>,
    ) -> Option<Vec<Known>> {
        if left.len() != right.len() {
            return None;
        }
        left.zip(right).map(|(left, right)| self.value([left.of, right.of])).collect()
    }
}

/// The magnitudes of the factors of two sums, which must be the same numbers.
fn same_factors(
    left: &NonEmpty<(KernelTerm, Branch<ValueId>)>,
    right: &NonEmpty<(KernelTerm, Branch<ValueId>)>,
) -> Option<Vec<Rational>> {
    let pairs = left.iter().zip(right.iter()).map(|((a, _), (b, _))| {
        let [a, b] = [a, b].map(|term| term.kernel().as_concrete());
        (a? == b?).then(|| a.map(ConcreteKernel::max_abs))?
    });
    pairs.collect()
}

/// What is known after a nonlinear layer that both stacks have.
fn after(layer: &Layer, other: &Layer, before: Known) -> Option<Known> {
    let one = |size: [usize; AXES]| {
        let size = size.map(i64::try_from);
        size.iter().all(Result::is_ok).then(|| Sizes::One(size.map(Result::unwrap_or_default)))
    };
    // A maximum and a mean are no further apart than what they are of.
    Some(match (layer, other) {
        (Layer::Relu, Layer::Relu) => before,
        (Layer::MaxPool(pool), Layer::MaxPool(same)) if pool == same => {
            let pooled = Stack::layer(layer.clone(), crate::ir::Origin::NOWHERE);
            let size = before.sizes.one();
            let signal = shape::after(&pooled, Signal::input(before.channels), size).ok()?;
            let sizes = match size {
                Some(size) => Sizes::One(signal.at(size)?),
                None => Sizes::All,
            };
            Known { sizes, ..before }
        }
        (Layer::GlobalAverage, Layer::GlobalAverage) => Known { sizes: one([1; AXES])?, ..before },
        (
            Layer::Composite(Composite::AdaptivePool { size, maximum }),
            Layer::Composite(Composite::AdaptivePool { size: same, maximum: kind }),
        ) if size == same && maximum == kind => Known { sizes: one(*size)?, ..before },
        (Layer::Function(function), Layer::Function(other)) => {
            let apart = function.apart(*other)?;
            let ends = [function, other].map(|function| function.slopes());
            let steepest = ends.iter().flatten().map(Rational::abs).max()?;
            // Two that are apart are 0 at 0.
            let zero = function.at_zero().or_else(|| Rational::ratio(7, 10))?;
            let most = matches!(function, Function::Sigmoid | Function::Tanh).then_some(Rational::ONE);
            let after = through(before, &steepest, &zero, most);
            Known { error: &after.error + &apart, ..after }
        }
        (Layer::Composite(Composite::Pointwise(function)), Layer::Composite(Composite::Pointwise(same))) => {
            pointwise(function, same, before)?
        }
        _ => return None,
    })
}

fn pointwise(function: &Pointwise, same: &Pointwise, before: Known) -> Option<Known> {
    Some(match (function, same) {
        (Pointwise::LeakyRelu(slope), Pointwise::LeakyRelu(other)) => {
            let [slope, other] = [slope, other].map(|term| term.kernel().as_concrete());
            let (slope, other) = (slope?, other?);
            let steepest = slope.max_abs().max(Rational::ONE);
            (slope == other).then(|| through(before, &steepest, &Rational::ZERO, None))?
        }
        (Pointwise::Clip { low, high }, same) if function == same => {
            through(before, &Rational::ONE, &low.abs().max(high.abs()), Some(low.abs().max(high.abs())))
        }
        (Pointwise::Abs, Pointwise::Abs) => before,
        (Pointwise::HardSigmoid { slope, .. }, same) if function == same => {
            through(before, &slope.abs(), &Rational::ONE, Some(Rational::ONE))
        }
        _ => return None,
    })
}

/// Through a function that is at most so steep, no larger than a number at 0, and nowhere larger than another one.
fn through(before: Known, slope: &Rational, zero: &Rational, most: Option<Rational>) -> Known {
    let size = zero + &before.size * slope;
    let error = &before.error * slope;
    Known { size: most.map_or(size.clone(), |most| most.min(size)), error, ..before }
}

/// The number, or one a little above it that is shorter.
fn above(value: Rational) -> Rational {
    if value.bits() <= u64::from(4 * DIGITS) {
        return value;
    }
    let places = interval::places([&value], DIGITS);
    -(-value).floor_to(places)
}
