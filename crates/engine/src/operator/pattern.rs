//! What one output position sees along one axis, borders included.
//!
//! Output `i` of an input of length `n` reads finitely many positions of every node, and those that lie
//! outside a node's range are cut. Which taps remain is the *pattern* of `(n, i)`. Axes are
//! independent, so what a stack does at an output position is determined by a pattern along each; and only finitely many patterns occur over all input lengths (`docs/semantics.md`).

use std::collections::BTreeSet;
use std::sync::Arc;

use num_integer::Integer;
use smallvec::SmallVec;

use super::error::OperatorError;
use super::gather::signed;
use super::length::{Length, MAX_LENGTH, MAX_PERIOD, ceil, common_period, ratio, repeats};
use super::normal::{Affine, Node, NodeId, Operators};
use convproof_exact::budget;
use convproof_exact::{Limited, Rational};

/// One read: output number, tap, source number (numbers count the positions that are read, in order).
pub type Edge = (u32, u32, u32);

/// One read before positions are numbered: output number, tap, source position.
type Read = (usize, i64, i64);

/// For each part that reads the input, where its reads start and the phase of its upsampling.
pub type Starts = SmallVec<[(i64, i64); 4]>;

/// What reads: one of the compared maps, or a node's inner map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reader {
    /// The `n`-th of the maps that are compared.
    Root(usize),
    /// A node.
    Node(NodeId),
}

/// The part of a pattern that decides what the weights do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// For each reader and each of its parts (in order), the reads.
    pub reads: Vec<(Reader, Vec<Vec<Edge>>)>,
    /// How many positions of each node are read.
    pub positions: Vec<usize>,
    /// For each averaging node, how many positions count in each of its windows.
    pub counts: Vec<(NodeId, Vec<i64>)>,
    /// Whether nothing was cut: all reads of inner nodes lie inside them.
    pub whole: bool,
}

/// A pattern at a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sight {
    /// The pattern.
    pub pattern: Arc<Pattern>,
    /// The input positions that are read, in order, whether or not they lie inside the input.
    pub input: Vec<i64>,
}

/// Which input lengths show everything along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// From this length on everything repeats.
    pub from: i64,
    /// After so many lengths.
    pub period: i64,
    /// So many outputs at the start may see a border there.
    pub start: i64,
}

/// Looks along one axis at maps that share a graph of nodes.
#[derive(Debug)]
pub struct Viewer<'a> {
    operators: &'a Operators,
    roots: Vec<&'a Affine>,
    axis: usize,
    /// Nodes that the roots depend on, greatest first.
    order: Vec<NodeId>,
    lengths: Vec<Option<Arc<Length>>>,
}

impl<'a> Viewer<'a> {
    /// A viewer for some maps along one axis.
    pub fn new(operators: &'a Operators, roots: Vec<&'a Affine>, axis: usize) -> Self {
        let mut seen = BTreeSet::new();
        let mut todo: Vec<NodeId> =
            roots.iter().flat_map(|root| root.parts.iter().map(|p| p.source)).collect();
        while let Some(id) = todo.pop() {
            if seen.insert(id) {
                todo.extend(linear_sources(operators.node(id)));
            }
        }
        let mut lengths = vec![None; operators.len()];
        for &id in &seen {
            lengths[id] = Some(operators.signal(id).1[axis].clone());
        }
        Self { operators, roots, axis, order: seen.into_iter().rev().collect(), lengths }
    }

    /// The nodes that the maps depend on, greatest first; nonlinear nodes are leaves.
    pub fn nodes(&self) -> &[NodeId] {
        &self.order
    }

    fn length(&self, id: NodeId, n: i64) -> i64 {
        self.lengths[id].as_ref().and_then(|length| length.at(n)).unwrap_or(0)
    }

    /// Whether another viewer of the same maps sees the same along its axis.
    pub fn is_like(&self, other: &Viewer<'_>) -> bool {
        let counted = |id: NodeId, axis: usize| match self.operators.node(id) {
            Node::Average { windows, .. } => windows.counted.map(|counted| counted[axis]),
            _ => None,
        };
        let roots = 0..self.roots.len();
        let mut readers = roots.map(Reader::Root).chain(self.order.iter().copied().map(Reader::Node));
        self.lengths == other.lengths
            && self.roots.iter().all(|root| root.length[self.axis] == root.length[other.axis])
            && readers.all(|reader| self.inner_parts(reader) == other.inner_parts(reader))
            && self.order.iter().all(|&id| counted(id, self.axis) == counted(id, other.axis))
    }

    /// Where the reads of output `i` start, if all are of the input: for each read part relative to a base, with
    /// the phase of its upsampling, and the base. Outputs with the same starts see the same pattern, and their
    /// input positions are the same relative to the base.
    pub fn starts(&self, n: i64, i: i64) -> Option<(Starts, i64)> {
        if self.order.iter().any(|&id| id != 0) {
            return None;
        }
        let parts = self.roots.iter().flat_map(|root| &root.parts);
        let mut starts: Starts = parts
            .map(|part| {
                let axis = &part.gather.axes[self.axis];
                (axis.down * i - axis.offset_at(n)).div_mod_floor(&axis.up)
            })
            .collect();
        let base = starts.first().map_or(0, |(start, _)| *start);
        starts.iter_mut().for_each(|(start, _)| *start -= base);
        Some((starts, base))
    }

    /// What output `i` sees for an input of length `n`.
    ///
    /// The input itself is taken to reach beyond its ends, so that equal patterns are frequent; who needs the
    /// true input looks at the positions.
    #[expect(clippy::too_many_lines, reason = "one walk over all operators")]
    pub fn sight(&self, n: i64, i: i64) -> Sight {
        budget::spend_on(self.operators.len(), 20);
        let mut wanted: Vec<Vec<i64>> = vec![Vec::new(); self.operators.len()];
        let mut raw: Vec<(Reader, Vec<Vec<Read>>)> = Vec::new();
        let mut counts = Vec::new();
        let mut whole = true;
        for (number, root) in self.roots.iter().enumerate() {
            let reads = self.affine_reads(root, &[i], n, &mut wanted, &mut whole);
            raw.push((Reader::Root(number), reads));
        }
        for &id in &self.order {
            // All readers of the node came before it.
            let mut positions = std::mem::take(&mut wanted[id]);
            positions.sort_unstable();
            positions.dedup();
            match self.operators.node(id) {
                Node::Cut(affine) => {
                    let reads = self.affine_reads(affine, &positions, n, &mut wanted, &mut whole);
                    raw.push((Reader::Node(id), reads));
                }
                Node::Average { source, windows, .. } => {
                    let inner = self.length(*source, n);
                    let axis = &windows.axes[self.axis];
                    let offset = axis.offset_at(inner);
                    let reads = self.reads(
                        *source,
                        &positions,
                        windows.size[self.axis],
                        |i, k| axis.read(i, k, offset),
                        n,
                        &mut wanted,
                        &mut whole,
                    );
                    raw.push((Reader::Node(id), vec![reads]));
                    counts
                        .push((id, positions.iter().map(|&p| windows.count(self.axis, p, inner)).collect()));
                }
                Node::Input { .. }
                | Node::Maximum { .. }
                | Node::Relu(_)
                | Node::Function(..)
                | Node::Product(_)
                | Node::GlobalAverage(_)
                | Node::Broadcast { .. } => {}
            }
            wanted[id] = positions;
        }
        let numbered = |id: NodeId, position: i64| wanted[id].partition_point(|&at| at < position);
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let reads = raw
            .into_iter()
            .map(|(reader, parts)| {
                let sources = self.sources(reader);
                let parts = parts.into_iter().zip(sources).map(|(edges, source)| {
                    let edge = |(at, tap, position): (usize, i64, i64)| {
                        (number(at), u32::try_from(tap).unwrap_or(0), number(numbered(source, position)))
                    };
                    edges.into_iter().map(edge).collect()
                });
                (reader, parts.collect())
            })
            .collect();
        let positions = wanted.iter().map(Vec::len).collect();
        let input = std::mem::take(&mut wanted[0]);
        Sight { pattern: Arc::new(Pattern { reads, positions, counts, whole }), input }
    }

    /// The nodes that a reader's parts read, in order.
    fn sources(&self, reader: Reader) -> Vec<NodeId> {
        let affine = match reader {
            Reader::Root(number) => self.roots[number],
            Reader::Node(id) => match self.operators.node(id) {
                Node::Cut(affine) => affine,
                Node::Average { source, .. } => return vec![*source],
                _ => return Vec::new(),
            },
        };
        affine.parts.iter().map(|part| part.source).collect()
    }

    fn affine_reads(
        &self,
        affine: &Affine,
        outputs: &[i64],
        n: i64,
        wanted: &mut [Vec<i64>],
        whole: &mut bool,
    ) -> Vec<Vec<Read>> {
        let part = |part: &super::Part| {
            let axis = &part.gather.axes[self.axis];
            let offset = axis.offset_at(self.length(part.source, n));
            let taps = signed(part.gather.kernel.shape().extents()[self.axis]);
            self.reads(part.source, outputs, taps, |i, k| axis.read(i, k, offset), n, wanted, whole)
        };
        affine.parts.iter().map(part).collect()
    }

    #[allow(clippy::too_many_arguments)]
    fn reads(
        &self,
        source: NodeId,
        outputs: &[i64],
        taps: i64,
        read: impl Fn(i64, i64) -> Option<i64>,
        n: i64,
        wanted: &mut [Vec<i64>],
        whole: &mut bool,
    ) -> Vec<Read> {
        let length = self.length(source, n);
        let mut edges = Vec::new();
        for (number, &i) in outputs.iter().enumerate() {
            // Reading, sorting and numbering.
            budget::spend_on(usize::try_from(taps).unwrap_or(0), 20);
            for tap in 0..taps {
                let Some(position) = read(i, tap) else { continue };
                if source == 0 || (0..length).contains(&position) {
                    wanted[source].push(position);
                    edges.push((number, tap, position));
                } else {
                    *whole = false;
                }
            }
        }
        edges
    }

    /// Input lengths that show everything: `N` and `S` such that whatever happens at a length `n ≥ N` happens at
    /// `n + S` as well, and the reverse.
    ///
    /// Output `i` reads node `v` within `[α·i + lo, α·i + hi]` and `v` ends near `ρ·n`. An output is near the
    /// start if `α·i + lo < 0` for some `v`, near the end if `α·i + hi` may pass the end of some `v`. Once the
    /// two zones are apart, adding `S` (a multiple of all periods) to `n` moves the end zone with everything it
    /// reads and leaves the start zone alone.
    pub fn horizon(&self) -> Result<Horizon, OperatorError> {
        let mut roots = self.roots.iter().map(|root| root.length[self.axis].clone());
        let first = roots.next().ok_or(OperatorError::PeriodTooLong)?;
        let common = roots.fold(first, |common, length| common.agree(&length));
        let (period, settled) = (common.period()?, common.settled()?);
        if settled.within(MAX_LENGTH) && (settled..settled + period).all(|n| common.at(n).is_none()) {
            // From there on there are no outputs to be compared.
            return Ok(Horizon { from: settled, period, start: 0 });
        }
        let lengths = self.order.iter().filter_map(|&id| self.lengths[id].as_deref());
        let (settled, mut period) = repeats(lengths.chain([&*common]), 1)?;
        let root = &self.roots.first().ok_or(OperatorError::PeriodTooLong)?.length[self.axis];
        let slope = root.slope();
        if slope.is_zero() {
            // Nothing that is read grows, so everything repeats once the lengths have settled.
            let fixed = |length: &Arc<Length>| length.slope().is_zero();
            let all = self.order.iter().filter_map(|&id| self.lengths[id].as_ref()).all(fixed);
            let horizon = Horizon { from: settled, period, start: 0 };
            return if all { Ok(horizon) } else { Err(OperatorError::PeriodTooLong) };
        }
        for (source, axis, _) in self
            .order
            .iter()
            .flat_map(|&id| self.inner_parts(Reader::Node(id)))
            .chain((0..self.roots.len()).flat_map(|number| self.inner_parts(Reader::Root(number))))
        {
            let same = match (axis.same, &self.lengths[source]) {
                (Some(rule), Some(length)) => length.period_modulo(rule.stride)?,
                _ => 1,
            };
            period = common_period([period, same, axis.up])?;
            if period.exceeds(MAX_PERIOD) {
                return Err(OperatorError::PeriodTooLong);
            }
        }
        // Everything repeats once the output is longer than both zones and one period of phases.
        let (start, end) = self.zones(settled, period)?;
        let Some(pace) = slope.recip() else { return Ok(Horizon { from: settled, period, start: 0 }) };
        let needed = &start + end + &slope * Rational::from(period) + Rational::from(2);
        // L(n) ≥ slope·n + e for the least e over one period.
        let least = (settled..settled + period)
            .filter_map(|n| Some(Rational::from(root.at(n)?) - &slope * Rational::from(n)))
            .min()
            .unwrap_or_default();
        let from = ceil(&((needed - least) * pace)).filter(|&from| from.within(MAX_LENGTH));
        let (Some(from), Some(start)) = (from, ceil(&start)) else {
            return Err(OperatorError::PeriodTooLong);
        };
        Ok(Horizon { from: from.max(settled), period, start })
    }

    /// The parts of a reader: source, movement, taps.
    fn inner_parts(&self, reader: Reader) -> Vec<(NodeId, super::Axis, i64)> {
        let affine = match reader {
            Reader::Root(number) => self.roots[number],
            Reader::Node(id) => match self.operators.node(id) {
                Node::Cut(affine) => affine,
                Node::Average { source, windows, .. } => {
                    return vec![(*source, windows.axes[self.axis], windows.size[self.axis])];
                }
                _ => return Vec::new(),
            },
        };
        let part = |part: &super::Part| {
            let taps = signed(part.gather.kernel.shape().extents()[self.axis]);
            (part.source, part.gather.axes[self.axis], taps)
        };
        affine.parts.iter().map(part).collect()
    }

    /// How many outputs at the start and at the end may see a border, as rational bounds.
    fn zones(&self, settled: i64, period: i64) -> Result<(Rational, Rational), OperatorError> {
        type Bounds = (Rational, Rational, Rational);
        let zero = Rational::ZERO;
        let mut reach: Vec<Option<Bounds>> = vec![None; self.operators.len()];
        let readers = (0..self.roots.len())
            .map(Reader::Root)
            .chain(self.order.iter().map(|&id| Reader::Node(id)))
            .collect::<Vec<_>>();
        for reader in readers {
            let from = match reader {
                Reader::Root(_) => Some((Rational::ONE, zero.clone(), zero.clone())),
                Reader::Node(id) => reach[id].clone(),
            };
            let Some((pace, low, high)) = from else { continue };
            for (source, axis, taps) in self.inner_parts(reader) {
                let most_same = axis.same.map_or(0, |rule| rule.extent);
                let (down, up) = (Rational::from(axis.down), ratio(1, axis.up));
                let new: Bounds = (
                    &pace * &down * &up,
                    (&low * &down - Rational::from(axis.offset + most_same)) * &up,
                    (&high * &down + Rational::from(taps - 1 - axis.offset)) * &up,
                );
                reach[source] = Some(match reach[source].take() {
                    None => new,
                    // Branches that agree in size for all large inputs move at one pace.
                    Some(old) if old.0 != new.0 => return Err(OperatorError::PeriodTooLong),
                    Some(old) => (old.0, old.1.min(new.1), old.2.max(new.2)),
                });
            }
        }
        let mut start = zero.clone();
        let mut end = zero.clone();
        let ends = |length: &Length| {
            let slope = length.slope();
            let rest = |n: i64| Some(Rational::from(length.at(n)?) - &slope * Rational::from(n));
            let all: Vec<Rational> = (settled..settled + period).filter_map(rest).collect();
            Some((all.iter().min()?.clone(), all.into_iter().max()?))
        };
        let Some(root) = self.roots.first().map(|root| root.length[self.axis].clone()) else {
            return Ok((start, end));
        };
        let Some((_, root_most)) = ends(&root) else { return Ok((start, end)) };
        for &id in &self.order {
            let (Some((pace, low, high)), Some(length)) = (reach[id].take(), self.lengths[id].as_ref())
            else {
                continue;
            };
            let (Some(steps), Some((least, _))) = (pace.recip(), ends(length)) else { continue };
            if length.slope() != pace * root.slope() {
                return Err(OperatorError::PeriodTooLong);
            }
            start = start.max(-(low * &steps));
            // Outputs from the end: j = L − 1 − i, with L ≤ ρ·n + e and v's end ≥ ρᵥ·n + eᵥ.
            end = end.max(&root_most - (least - Rational::ONE - high) * steps);
        }
        if start > Rational::from(MAX_LENGTH) || end > Rational::from(MAX_LENGTH) {
            return Err(OperatorError::PeriodTooLong);
        }
        Ok((start, end))
    }
}

/// The nodes that a node's output depends on linearly.
fn linear_sources(node: &Node) -> Vec<NodeId> {
    match node {
        Node::Cut(affine) => affine.parts.iter().map(|part| part.source).collect(),
        Node::Average { source, .. } => vec![*source],
        Node::Input { .. }
        | Node::Maximum { .. }
        | Node::Relu(_)
        | Node::Function(..)
        | Node::Product(_)
        | Node::GlobalAverage(_)
        | Node::Broadcast { .. } => Vec::new(),
    }
}
