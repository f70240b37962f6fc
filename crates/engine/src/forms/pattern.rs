//! What an output position reads along one axis, node by node, and the sizes that show everything.
//!
//! The pattern of output i of a node at input length n is the list of taps that read inside the range of their source,
//! with the patterns of what they read, up to translation. Rows and columns are independent. Patterns are interned, for
//! both axes together.

use std::sync::Arc;

use num_integer::Integer;
use num_rational::Ratio;
use rustc_hash::FxHashMap;

use super::Unsupported;
use super::border::Border;
use super::net::{Net, NetNodeId, number};
use crate::ir::Ends;
use crate::operator::length::{Length, MAX_LENGTH, MAX_PERIOD};
use crate::operator::pattern::Horizon;
use convproof_exact::budget::spend_on;
use convproof_exact::{Limited, Rational};

/// Most reads of all patterns at all sizes.
const MAX_READS: usize = 20_000_000;

/// One tap that reads a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TapRead {
    /// Which source.
    pub slot: u32,
    /// Which tap.
    pub tap: u32,
    /// The pattern of what is read.
    pub pattern: u32,
    /// Where the first pixel that is read through this tap stands, counted from the first of all.
    pub offset: i64,
}

/// A pattern and the first input position that it reads; `None` if it reads none.
pub type Seen = (u32, Option<i64>);

/// Patterns by number; 0 is that of the input itself.
#[derive(Debug)]
pub struct Patterns {
    all: Vec<Vec<TapRead>>,
    index: FxHashMap<Vec<TapRead>, u32>,
    reads: usize,
}

impl Default for Patterns {
    fn default() -> Self {
        Self { all: vec![Vec::new()], index: FxHashMap::default(), reads: 0 }
    }
}

impl Patterns {
    /// The taps of a pattern.
    pub fn reads(&self, pattern: u32) -> &[TapRead] {
        &self.all[pattern as usize]
    }

    fn intern(&mut self, reads: Vec<TapRead>) -> u32 {
        if let Some(&id) = self.index.get(&reads) {
            return id;
        }
        let id = number(self.all.len());
        self.all.push(reads.clone());
        self.index.insert(reads, id);
        id
    }
}

/// What an output reads of a node that has a length: positions from `pace·i + low` to `pace·i + high`.
#[derive(Clone, Copy, Debug)]
struct Span {
    pace: i64,
    low: i64,
    high: i64,
}

/// Looks along one axis.
///
/// Outputs that read inside every range on the way to the input have one pattern, which is found once for each node.
#[derive(Debug)]
pub struct NetViewer<'n> {
    net: &'n Net,
    axis: usize,
    /// For each node what it reads of those that have a length; `None` where upsampling or SAME padding is on the way.
    spans: Vec<Option<Vec<(NetNodeId, Span)>>>,
    /// For each node the pattern of outputs that nothing is cut from, with one of them and its first input position.
    whole: Vec<Option<(u32, i64, Option<i64>)>>,
    n: i64,
    lengths: Vec<Option<i64>>,
    memo: FxHashMap<(NetNodeId, i64), Seen>,
}

impl<'n> NetViewer<'n> {
    /// A viewer along an axis; look at a length next.
    pub fn new(net: &'n Net, axis: usize) -> Self {
        let mut spans: Vec<Option<Vec<(NetNodeId, Span)>>> = Vec::with_capacity(net.count());
        for id in 0..net.count() {
            let found = spans_of(net, axis, id, &spans);
            spans.push(found);
        }
        let (lengths, memo) = (vec![None; net.count()], FxHashMap::default());
        Self { net, axis, spans, whole: vec![None; net.count()], n: 0, lengths, memo }
    }

    /// Turns to an input length.
    pub fn turn_to(&mut self, n: i64) {
        let (net, axis) = (self.net, self.axis);
        let length =
            |id: NetNodeId| net.node(id).length.as_ref().map(|length| length[axis].at(n).unwrap_or(0));
        self.n = n;
        self.lengths = (0..net.count()).map(length).collect();
        self.memo.clear();
    }

    /// How far the input moves with an output that nothing is cut from; `None` of others.
    fn uncut(&self, node: NetNodeId, i: i64) -> Option<i64> {
        let spans = self.spans[node].as_ref()?;
        let inside = spans.iter().all(|(source, span)| {
            let (low, high) = (span.pace * i + span.low, span.pace * i + span.high);
            low >= 0 && self.lengths[*source].is_none_or(|length| high < length)
        });
        // All paths to the input have one pace, else there would be no horizon.
        let pace = spans.iter().find(|(source, _)| *source == 0).map_or(0, |(_, span)| span.pace);
        inside.then_some(pace)
    }

    /// What output `i` of a node reads.
    ///
    /// # Errors
    /// [`Unsupported::TooLarge`] beyond the limits.
    pub fn see(&mut self, patterns: &mut Patterns, node: NetNodeId, i: i64) -> Result<Seen, Unsupported> {
        if node == 0 {
            return Ok((0, Some(i)));
        }
        let uncut = self.uncut(node, i);
        if let (Some(pace), Some((pattern, at, origin))) = (uncut, self.whole[node]) {
            return Ok((pattern, origin.map(|origin| origin + pace * (i - at))));
        }
        if let Some(&seen) = self.memo.get(&(node, i)) {
            return Ok(seen);
        }
        let net = self.net;
        let mut reads = Vec::new();
        for (slot, (source, moves)) in net.node(node).sources.iter().enumerate() {
            let movement = &moves[self.axis];
            let same = match &movement.same {
                None => 0,
                Some(same) => match same.of.at(self.n) {
                    Some(length) => same.rule.before(length),
                    None => continue,
                },
            };
            let start = movement.down.checked_mul(i).and_then(|at| at.checked_add(movement.offset - same));
            let start = start.ok_or(Unsupported::TooLarge)?;
            for (tap, at) in movement.taps.iter().enumerate() {
                let (position, rest) =
                    start.checked_add(*at).ok_or(Unsupported::TooLarge)?.div_mod_floor(&movement.up);
                let position = match (movement.border, self.lengths[*source]) {
                    (Some(border), Some(length)) => border.inside(position, length),
                    _ => position,
                };
                let inside = self.lengths[*source].is_none_or(|length| (0..length).contains(&position));
                if rest == 0 && inside {
                    let (pattern, origin) = self.see(patterns, *source, position)?;
                    reads.push((slot, tap, pattern, origin));
                }
            }
        }
        patterns.reads += reads.len() + 1;
        spend_on(reads.len() + 1, 100);
        if patterns.reads.exceeds(MAX_READS) {
            return Err(Unsupported::TooLarge);
        }
        let origin = reads.iter().filter_map(|(.., origin)| *origin).min();
        let read = |(slot, tap, pattern, at): (usize, usize, u32, Option<i64>)| TapRead {
            slot: number(slot),
            tap: number(tap),
            pattern,
            offset: at.zip(origin).map_or(0, |(at, origin)| at - origin),
        };
        let seen = (patterns.intern(reads.into_iter().map(read).collect()), origin);
        if uncut.is_some() {
            self.whole[node] = Some((seen.0, i, seen.1));
        }
        self.memo.insert((node, i), seen);
        Ok(seen)
    }
}

/// What a node reads of those that have a length; `None` beyond limits and where outputs do not all move alike.
fn spans_of(
    net: &Net,
    axis: usize,
    id: NetNodeId,
    known: &[Option<Vec<(NetNodeId, Span)>>],
) -> Option<Vec<(NetNodeId, Span)>> {
    const MOST: i64 = 1 << 30;
    let mut all: FxHashMap<NetNodeId, Span> = FxHashMap::default();
    let mut add = |source: NetNodeId, span: Span| {
        let old = *all.entry(source).or_insert(span);
        let merged = Span { pace: span.pace, low: old.low.min(span.low), high: old.high.max(span.high) };
        all.insert(source, merged);
        old.pace == span.pace && span.pace.within(MOST) && span.low >= -MOST && span.high.within(MOST)
    };
    for (source, moves) in &net.node(id).sources {
        let movement = &moves[axis];
        let (least, most) = (movement.taps.iter().min()?, movement.taps.iter().max()?);
        if movement.up != 1 || movement.same.is_some() {
            return None;
        }
        let direct = Span { pace: movement.down, low: movement.offset + least, high: movement.offset + most };
        if net.node(*source).length.is_some() && !add(*source, direct) {
            return None;
        }
        for (inner, span) in known[*source].as_ref()? {
            let (low, high) = (span.pace * direct.low + span.low, span.pace * direct.high + span.high);
            if !add(*inner, Span { pace: span.pace.checked_mul(direct.pace)?, low, high }) {
                return None;
            }
        }
    }
    let mut all: Vec<(NetNodeId, Span)> = all.into_iter().collect();
    all.sort_unstable_by_key(|(source, _)| *source);
    Some(all)
}

/// How outputs of the roots read a node: between α·i + low and α·i + high.
#[derive(Clone, Copy, Debug)]
struct Reach {
    pace: Ratio<i128>,
    low: Ratio<i128>,
    high: Ratio<i128>,
}

/// The horizon of two nodes along an axis (Theorem 10 of `docs/semantics.md`, over all nodes with a length).
///
/// # Errors
/// [`Unsupported::TooLarge`] if everything repeats too late, or branches move at different paces.
pub fn horizon(net: &Net, roots: [NetNodeId; 2], axis: usize) -> Result<Horizon, Unsupported> {
    let reach = reaches(net, roots, axis)?;
    let length = |id: NetNodeId| net.node(id).length.as_ref().map(|length| &length[axis]);
    let (mut period, mut settled) = (1_i64, 1_i64);
    for id in (0..net.count()).filter(|&id| reach[id].is_some()) {
        if let Some(length) = length(id) {
            period = lcm(period, length.period()?)?;
            settled = settled.max(length.settled()?);
        }
        for (_, moves) in &net.node(id).sources {
            period = lcm(period, moves[axis].up)?;
            if let Some(same) = &moves[axis].same {
                // The zeros before the start repeat with the length modulo the stride.
                period = lcm(period, same.of.period_modulo(same.rule.stride)?)?;
                settled = settled.max(same.of.settled()?);
            }
        }
    }
    if settled.exceeds(MAX_LENGTH) {
        return Err(Unsupported::TooLarge);
    }
    let root = length(roots[0]).ok_or(Unsupported::TooLarge)?;
    let slope = wide(&root.slope())?;
    if slope == Ratio::from(0) {
        return still(net, axis, &reach, settled, period);
    }
    // L(n) = slope·n + e(n), e periodic from `settled` on.
    let ends = |length: &Arc<Length>, slope: Ratio<i128>| {
        let all = (settled..settled + period)
            .filter_map(|n| Some(Ratio::from(i128::from(length.at(n)?)) - slope * i128::from(n)));
        all.fold(None, |seen: Option<(Ratio<i128>, Ratio<i128>)>, e| {
            Some(seen.map_or((e, e), |(least, most)| (least.min(e), most.max(e))))
        })
    };
    let (root_least, root_most) = ends(root, slope).ok_or(Unsupported::TooLarge)?;
    let (mut start, mut end) = (Ratio::from(0), Ratio::from(0));
    for (id, reach) in reach.iter().enumerate() {
        let (Some(Reach { pace, low, high }), Some(length)) = (reach, length(id)) else { continue };
        let own = wide(&length.slope())?;
        let Some((least, _)) = ends(length, own) else { continue };
        if own != pace * slope {
            return Err(Unsupported::TooLarge);
        }
        if *pace == Ratio::from(0) {
            // All outputs read the same positions of a signal whose length repeats.
            continue;
        }
        start = start.max(-low / pace);
        end = end.max(root_most - (least - 1 - high) / pace);
    }
    let needed = start + end + slope * i128::from(period) + 2;
    let from = ((needed - root_least) / slope).ceil().to_integer().max(i128::from(settled));
    let from = i64::try_from(from).map_err(|_| Unsupported::TooLarge)?;
    let start = i64::try_from(start.ceil().to_integer()).map_err(|_| Unsupported::TooLarge)?;
    Ok(Horizon { from, period, start })
}

/// The horizon where all lengths are the same from some length on, up to a period: so is what the roots read.
fn still(
    net: &Net,
    axis: usize,
    reach: &[Option<Reach>],
    settled: i64,
    period: i64,
) -> Result<Horizon, Unsupported> {
    let length = |id: NetNodeId| net.node(id).length.as_ref().map(|length| &length[axis]);
    let read = (0..net.count()).filter(|&id| reach[id].is_some()).filter_map(length);
    if read.into_iter().any(|length| !length.slope().is_zero()) {
        return Err(Unsupported::TooLarge);
    }
    Ok(Horizon { from: settled, period, start: 0 })
}

/// What two nodes read at an output position, and by how much the second one's first input position is later.
pub type Pair = (u32, u32, i64);

fn wide(value: &Rational) -> Result<Ratio<i128>, Unsupported> {
    let (numerator, denominator) = value.as_small_parts().ok_or(Unsupported::TooLarge)?;
    Ok(Ratio::new(i128::from(numerator), i128::from(denominator)))
}

fn lcm(a: i64, b: i64) -> Result<i64, Unsupported> {
    let product = (a / a.gcd(&b)).checked_mul(b).filter(|&period| period.within(MAX_PERIOD));
    product.ok_or(Unsupported::TooLarge)
}

/// How the outputs of both roots read each node; `None` of nodes that they do not.
fn reaches(net: &Net, roots: [NetNodeId; 2], axis: usize) -> Result<Vec<Option<Reach>>, Unsupported> {
    let zero = Ratio::from(0);
    let mut all: Vec<Option<Reach>> = vec![None; net.count()];
    for root in roots {
        all[root] = Some(Reach { pace: Ratio::from(1), low: zero, high: zero });
    }
    for id in (0..net.count()).rev() {
        let Some(Reach { pace, low, high }) = all[id] else { continue };
        for (source, moves) in &net.node(id).sources {
            let movement = &moves[axis];
            let (down, up) = (i128::from(movement.down), i128::from(movement.up));
            let most_same = movement.same.as_ref().map_or(0, |same| i128::from(same.rule.extent));
            let (least, most) = (movement.taps.iter().min(), movement.taps.iter().max());
            let tap = |tap: Option<&i64>| i128::from(*tap.unwrap_or(&0)) + i128::from(movement.offset);
            let beyond = movement.border.map_or(Ends::default(), Border::reach).map(i128::from);
            let new = Reach {
                pace: pace * down / up,
                low: (low * down + tap(least) - most_same - beyond.before) / up,
                high: (high * down + tap(most) + beyond.after) / up,
            };
            let limit = Ratio::from(1_i128 << 40);
            if new.low < -limit
                || new.high > limit
                || new.pace.numer().exceeds(1 << 40)
                || new.pace.denom().exceeds(1 << 40)
            {
                return Err(Unsupported::TooLarge);
            }
            all[*source] = Some(match all[*source] {
                None => new,
                // Branches that agree in size for all large inputs move at one pace.
                Some(old) if old.pace != new.pace => return Err(Unsupported::TooLarge),
                Some(old) => Reach { low: old.low.min(new.low), high: old.high.max(new.high), ..old },
            });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forms::net::ChannelBlocks;
    use crate::ir::{Conv, KernelTerm, Layer, Origin, Padding, Roots, Stack};
    use crate::kernel::{ConcreteKernel, Shape};

    #[test]
    fn outputs_read_runs_of_entries_of_all_before_them() {
        let conv = |stride: usize| {
            let conv = Conv {
                kernel: KernelTerm::constant(ConcreteKernel::ones(Shape::plane(3, 3)).unwrap()),
                stride: [stride; 2],
                dilation: [1; 2],
                padding: Padding::Sides([Ends { before: 1, after: 1 }; 2]),
                groups: 1,
                bias: None,
            };
            Stack::layer(Layer::Conv(conv), Origin::NOWHERE)
        };
        let mut net = Net::new(ChannelBlocks::Apart, None, Roots::default());
        let input = net.input(1);
        let first = net.apply(&conv(2), input).unwrap();
        let second = net.apply(&conv(1), first.clone()).unwrap();
        let mut viewer = NetViewer::new(&net, 0);
        let spans = |viewer: &NetViewer<'_>, node: NetNodeId| {
            let all = viewer.spans[node].as_ref().expect("outputs that move alike");
            all.iter().map(|(id, span)| (*id, span.pace, span.low, span.high)).collect::<Vec<_>>()
        };
        assert_eq!(spans(&viewer, first.node), [(0, 2, -1, 1)]);
        let read = spans(&viewer, second.node);
        assert!(read.contains(&(0, 2, -3, 3)) && read.contains(&(first.node, 1, -1, 1)), "{read:?}");
        // Of 20 rows 10 come out: all but the first two and the last read nothing beyond an end.
        viewer.turn_to(20);
        let uncut: Vec<i64> = (0..10).filter(|&i| viewer.uncut(second.node, i).is_some()).collect();
        assert_eq!(uncut, [2, 3, 4, 5, 6, 7, 8]);
        let mut patterns = Patterns::default();
        let seen: Vec<Seen> = (0..10).map(|i| viewer.see(&mut patterns, second.node, i).unwrap()).collect();
        assert!((2..).zip(&seen[2..9]).all(|(i, one)| *one == (seen[2].0, Some(2 * i - 3))), "{seen:?}");
        assert!([0, 1, 9].into_iter().all(|i| seen[i].0 != seen[2].0), "{seen:?}");
    }
}
