//! What nodes are at pairs of patterns: sums of words, block by block.

use rustc_hash::FxHashMap;

use super::Unsupported;
use super::arena::{Arena, End, Form, MeanOf};
use super::generic::Weight;
use super::net::{Kind, Net, NetNodeId, Tap};
use super::pattern::{Pair, Patterns, TapRead};
use super::range::Range;
use crate::axes::{Axes, all, each, positions};
use convproof_exact::{Limited, Rational};

/// Most sums that are formed.
const MAX_WORK: usize = 30_000_000;

/// For signals of equal lengths, two by two, what both read at all positions along each axis.
pub type Alike = FxHashMap<[NetNodeId; 2], Axes<Vec<Pair>>>;

/// For signals of equal lengths, two by two, what their blocks are whose means are taken, at all positions.
pub type Insides = FxHashMap<[NetNodeId; 2], Vec<FxHashMap<MeanOf, Form>>>;

/// Values of nodes at pairs of patterns, places counted from the first one that is read along each axis.
#[derive(Debug)]
pub struct NodeSums<'n> {
    net: &'n Net,
    patterns: &'n Patterns,
    /// All sums so far.
    pub arena: Arena,
    memo: FxHashMap<(NetNodeId, u32, Axes<u32>), Form>,
    /// The averaged signals that are compared, the smaller number first.
    alike: &'n Alike,
    /// The signals whose means have numbers of their own.
    means: Vec<MeanOf>,
    mean_memo: FxHashMap<MeanOf, Form>,
    work: usize,
}

impl<'n> NodeSums<'n> {
    /// An evaluator that has made nothing yet.
    ///
    /// `alike` has the pairs of averaged signals that are compared; the means of others have nothing to do with each other.
    pub fn new(net: &'n Net, patterns: &'n Patterns, alike: &'n Alike) -> Self {
        let mut arena = Arena::default();
        (arena.gates, arena.roots) = (net.has_products(), net.letters.roots().clone());
        let (memo, mean_memo) = (FxHashMap::default(), FxHashMap::default());
        Self { net, patterns, arena, memo, alike, means: Vec::new(), mean_memo, work: 0 }
    }

    /// The sum of words that a block of a node is where it reads by these patterns.
    ///
    /// # Errors
    /// [`Unsupported`] beyond the limits.
    #[expect(clippy::too_many_lines, reason = "one arm for each kind of node")]
    pub fn value(&mut self, id: NetNodeId, block: u32, seen: Axes<u32>) -> Result<Form, Unsupported> {
        if let Some(known) = self.memo.get(&(id, block, seen)) {
            return Ok(known.clone());
        }
        let (net, patterns) = (self.net, self.patterns);
        let reads = seen.map(|pattern| patterns.reads(pattern));
        let node = net.node(id);
        let mut terms = Vec::new();
        let sum = match &node.kind {
            Kind::Input => self.arena.end(End::Pixel(block))?,
            Kind::Taps { weights, bias } => {
                // Constants have no source.
                if let Some((source, moves)) = node.sources.first() {
                    self.taps(
                        weights,
                        *source,
                        block,
                        moves.each_ref().map(|movement| movement.taps.len()),
                        reads,
                        &mut terms,
                    )?;
                }
                if let Some(bias) = bias.get(block as usize) {
                    let one = self.arena.end(End::One)?;
                    self.weigh(bias, &one, &mut terms)?;
                }
                self.arena.sum(&terms)?
            }
            Kind::Sum | Kind::Mean => {
                self.read_all(id, block, reads, None, &mut terms)?;
                let sum = self.arena.sum(&terms)?;
                if node.kind == Kind::Sum {
                    sum
                } else {
                    let count = i64::try_from(terms.len()).unwrap_or(i64::MAX);
                    sum.times(&Rational::from(count).recip().ok_or(Unsupported::Layer)?)
                }
            }
            Kind::Pick(picks) => {
                let (slot, inner) = *picks.get(block as usize).ok_or(Unsupported::Layer)?;
                self.read_all(id, inner, reads, Some(slot), &mut terms)?;
                self.arena.sum(&terms)?
            }
            Kind::Maximum => {
                self.read_all(id, block, reads, None, &mut terms)?;
                if terms.is_empty() {
                    return Err(Unsupported::Layer);
                }
                self.arena.maximum(terms.clone())?
            }
            Kind::Function(function) => {
                self.read_all(id, block, reads, None, &mut terms)?;
                let sum = self.arena.sum(&terms)?;
                self.arena.function(*function, &sum)?
            }
            Kind::Product => {
                let mut factors = [Form::ZERO, Form::ZERO];
                for (slot, factor) in (0..).zip(&mut factors) {
                    let mut read = Vec::new();
                    self.read_all(id, block, reads, Some(slot), &mut read)?;
                    *factor = self.arena.sum(&read)?;
                }
                let [left, right] = factors;
                self.arena.product(&left, &right)?
            }
            Kind::Average(signal) => self.mean(MeanOf { signal: *signal, block })?,
            Kind::Relu => {
                self.read_all(id, block, reads, None, &mut terms)?;
                terms.push(Form::ZERO);
                self.arena.maximum(terms.clone())?
            }
        };
        self.work += terms.len() + 1;
        if self.work.exceeds(MAX_WORK) {
            return Err(Unsupported::TooLarge);
        }
        self.memo.insert((id, block, seen), sum.clone());
        Ok(sum)
    }

    /// The mean of a signal: that of another one times a number where at every position the signal is (Theorem 9c of
    /// `docs/semantics.md`), else one with a number of its own.
    fn mean(&mut self, of: MeanOf) -> Result<Form, Unsupported> {
        if let Some(known) = self.mean_memo.get(&of) {
            return Ok(known.clone());
        }
        let alike = self.alike;
        for at in 0..self.means.len() {
            let other = self.means[at];
            let key = [other.signal.min(of.signal), other.signal.max(of.signal)];
            let Some(pairs) = alike.get(&key) else { continue };
            let pair = if other.signal == key[0] { [other, of] } else { [of, other] };
            let Some(mut factor) = self.multiple(pair, pairs)? else { continue };
            if other.signal != key[0] {
                let Some(inverse) = factor.recip() else { continue };
                factor = inverse;
            }
            let mean = self.arena.mean(other, Range::default())?.times(&factor);
            self.mean_memo.insert(of, mean.clone());
            return Ok(mean);
        }
        let range = self.range(of)?;
        let mean = self.arena.mean(of, range)?;
        self.means.push(of);
        self.mean_memo.insert(of, mean.clone());
        Ok(mean)
    }

    /// What means are taken of.
    ///
    /// # Errors
    /// [`Unsupported`] beyond the limits.
    pub fn insides(&mut self) -> Result<Insides, Unsupported> {
        let (alike, mut insides) = (self.alike, Insides::default());
        for (signals, pairs) in alike {
            let mut positions = Vec::new();
            for pair in choices(pairs.each_ref().map(Vec::as_slice)) {
                let mut position = FxHashMap::default();
                for of in self.arena.means.all().to_vec() {
                    if of.signal == signals[0] {
                        position.insert(of, self.value(of.signal, of.block, pair.map(|pair| pair.0))?);
                    } else if of.signal == signals[1] {
                        let form = self.value(of.signal, of.block, pair.map(|pair| pair.1))?;
                        position.insert(of, self.arena.moved(&form, pair.map(|pair| pair.2)));
                    }
                }
                positions.push(position);
            }
            insides.insert(*signals, positions);
        }
        Ok(insides)
    }

    /// What a signal is never below or above.
    fn range(&mut self, of: MeanOf) -> Result<Range, Unsupported> {
        let Some(pairs) = self.alike.get(&[of.signal; 2]) else {
            return Ok(Range::default());
        };
        let mut range: Option<Range> = None;
        for pair in choices(pairs.each_ref().map(Vec::as_slice)) {
            let form = self.value(of.signal, of.block, pair.map(|pair| pair.0))?;
            let here = self.arena.range(&form);
            range = Some(range.map_or(here.clone(), |range| range.around(&here)));
        }
        Ok(range.unwrap_or_default())
    }

    /// The number by which the first signal is to be multiplied at every position to give the second one.
    fn multiple(
        &mut self,
        [first, second]: [MeanOf; 2],
        pairs: &Axes<Vec<Pair>>,
    ) -> Result<Option<Rational>, Unsupported> {
        let mut factor: Option<Rational> = None;
        for pair in choices(pairs.each_ref().map(Vec::as_slice)) {
            let left = self.value(first.signal, first.block, pair.map(|pair| pair.0))?;
            let right = self.value(second.signal, second.block, pair.map(|pair| pair.1))?;
            let right = self.arena.moved(&right, pair.map(|pair| pair.2));
            if left.is_zero() && right.is_zero() {
                continue;
            }
            let Some(ratio) = right.lead().checked_div(left.lead()) else { return Ok(None) };
            if left.times(factor.get_or_insert(ratio)) != right {
                return Ok(None);
            }
        }
        Ok(Some(factor.unwrap_or(Rational::ONE)))
    }

    /// A block of the sources at every position that is read.
    fn read_all(
        &mut self,
        id: NetNodeId,
        block: u32,
        reads: Axes<&'n [TapRead]>,
        only: Option<u32>,
        terms: &mut Vec<Form>,
    ) -> Result<(), Unsupported> {
        for (slot, (source, _)) in (0..).zip(&self.net.node(id).sources) {
            if only.is_some_and(|only| only != slot) {
                continue;
            }
            // Reads are in the order of sources.
            let run = |reads: &'n [TapRead]| {
                let start = reads.partition_point(|read| read.slot < slot);
                &reads[start..reads.partition_point(|read| read.slot <= slot)]
            };
            for read in choices(reads.map(run)) {
                let inner = self.value(*source, block, read.map(|read| read.pattern))?;
                terms.push(self.arena.moved(&inner, read.map(|read| read.offset)));
            }
        }
        Ok(())
    }

    /// Weights times what taps read.
    fn taps(
        &mut self,
        weights: &[Tap],
        source: NetNodeId,
        block: u32,
        taps: Axes<usize>,
        reads: Axes<&[TapRead]>,
        terms: &mut Vec<Form>,
    ) -> Result<(), Unsupported> {
        let read_by = each(|axis| {
            let mut read_by = vec![None; taps[axis]];
            reads[axis].iter().for_each(|read| read_by[read.tap as usize] = Some(read));
            read_by
        });
        let first = weights.partition_point(|tap| tap.output < block);
        for tap in weights[first..].iter().take_while(|tap| tap.output == block) {
            let Some(read) = all(|axis| read_by[axis][tap.at[axis] as usize]) else { continue };
            let inner = self.value(source, tap.input, read.map(|read| read.pattern))?;
            let inner = self.arena.moved(&inner, read.map(|read| read.offset));
            self.weigh(&tap.weight, &inner, terms)?;
        }
        Ok(())
    }

    /// A weight times a sum, term by term.
    fn weigh(&mut self, weight: &Weight, inner: &Form, terms: &mut Vec<Form>) -> Result<(), Unsupported> {
        for factor in weight {
            let form = match factor.letter {
                Some(letter) => self.arena.after_letter(letter, inner)?,
                None => inner.clone(),
            };
            let form = self.arena.scaled(&factor.diagonal, &factor.scalars, &form)?;
            terms.push(form.times(&factor.coefficient));
        }
        Ok(())
    }
}

/// Every choice of one thing along each axis.
fn choices<T>(lists: Axes<&[T]>) -> impl Iterator<Item = Axes<&T>> {
    positions(lists.map(<[T]>::len)).map(move |at| each(|axis| &lists[axis][at[axis]]))
}
