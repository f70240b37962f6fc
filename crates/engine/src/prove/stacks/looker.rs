//! Two signals of a net side by side: what both read at every output position, for all lengths that show everything.
//!
//! Decides nothing; `words.rs` compares what the pairs make.

use convproof_exact::Limited;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::forms::Unsupported;
use crate::forms::net::{Net, NetNodeId, number};
use crate::forms::pattern::{NetViewer, Pair, Patterns, horizon};
use crate::forms::sums::Alike;
use crate::ir::Sizes;
use crate::limits::MAX_SURVEYED;
use crate::operator::length::Length;
use crate::operator::pattern::Horizon;
use crate::prove::survey::condition;
use crate::prove::survey::sights::{AxisSights, SizeView};

/// Most signals whose means are compared with each other.
const MAX_MEANS: usize = 12;

/// Two signals looked at along both axes.
pub struct Looked {
    /// The lengths and what is seen at their positions.
    pub axes: [AxisSights; 2],
    /// The pairs along each axis, by number.
    pub pairs: [Vec<Pair>; 2],
    /// For each axis, the first signal's first input position at each output of the lengths that were looked at.
    pub origins: [FxHashMap<(i64, i64), i64>; 2],
    /// Sizes up to this length show everything; `None` for one size.
    pub horizon: Option<i64>,
}

impl Looked {
    /// Looks at two signals of these lengths at all sizes.
    ///
    /// # Errors
    /// [`Unsupported::TooLarge`] beyond the limits.
    pub fn at(
        net: &Net,
        roots: [NetNodeId; 2],
        lengths: [&[Arc<Length>; 2]; 2],
        sizes: &Sizes,
        patterns: &mut Patterns,
    ) -> Result<Self, Unsupported> {
        let mut bounds = None;
        if !matches!(sizes, Sizes::One(_)) {
            let (reach, modulus) = condition::reach(sizes);
            let horizons = [horizon(net, roots, 0)?, horizon(net, roots, 1)?];
            bounds = Some((horizons, common(horizons, reach, modulus)?));
        }
        let mut axes = [AxisSights::default(), AxisSights::default()];
        let mut pairs = [Vec::new(), Vec::new()];
        let mut origins = [FxHashMap::default(), FxHashMap::default()];
        for axis in 0..2 {
            let all: Vec<i64> = match (sizes, &bounds) {
                (Sizes::One(size), _) => vec![size[axis]],
                (_, Some((_, common))) => (1..common.end).collect(),
                _ => Vec::new(),
            };
            let viewer = NetViewer::new(net, axis);
            let mut looker = Looker { viewer, roots, patterns, index: FxHashMap::default() };
            for n in all {
                let ends = lengths.map(|length| length[axis].at(n));
                let view = looker.look(n, ends, &mut pairs[axis], &mut origins[axis])?;
                axes[axis].sizes.push(view);
            }
            if let Some((horizons, common)) = &bounds {
                (axes[axis].from, axes[axis].period) = (common.from, common.period);
                axes[axis].start = usize::try_from(horizons[axis].start).unwrap_or(0);
            }
        }
        let horizon = bounds.map(|(_, common)| common.end - 1);
        Ok(Self { axes, pairs, origins, horizon })
    }

    /// Whether both signals have the same length at every size.
    fn same_lengths(&self) -> bool {
        self.axes.iter().all(|axis| axis.sizes.iter().all(|view| view.left == view.right))
    }
}

/// The signals of a net whose means can be compared, two by two, each also with itself, with what both read; the smaller
/// number is first.
pub fn alike(net: &Net, sizes: &Sizes, patterns: &mut Patterns) -> Alike {
    let averaged = net.averaged();
    let mut found = Alike::default();
    for (at, &second) in averaged.iter().enumerate().take(MAX_MEANS) {
        for &first in &averaged[..=at] {
            let [Some(left), Some(right)] = [first, second].map(|id| net.node(id).length.as_ref()) else {
                continue;
            };
            let looked = Looked::at(net, [first, second], [left, right], sizes, patterns);
            if let Some(looked) = looked.ok().filter(Looked::same_lengths) {
                found.insert([first, second], looked.pairs);
            }
        }
    }
    found
}

/// Lengths below `end` show everything; from `from` on it repeats with the period.
struct Common {
    from: i64,
    period: i64,
    end: i64,
}

/// The horizon of both axes and a condition together (Theorems 10 and 11).
fn common(horizons: [Horizon; 2], reach: i64, modulus: i64) -> Result<Common, Unsupported> {
    let from = horizons[0].from.max(horizons[1].from).max(reach.saturating_add(1));
    let period = num_integer::lcm(num_integer::lcm(horizons[0].period, horizons[1].period), modulus);
    let end = from.saturating_add(reach).saturating_add(period.saturating_mul(2));
    if end.exceeds(MAX_SURVEYED) { Err(Unsupported::TooLarge) } else { Ok(Common { from, period, end }) }
}

/// Looks at the output positions of lengths along an axis.
struct Looker<'n> {
    viewer: NetViewer<'n>,
    roots: [NetNodeId; 2],
    patterns: &'n mut Patterns,
    index: FxHashMap<Pair, u32>,
}

impl Looker<'_> {
    fn look(
        &mut self,
        n: i64,
        [left, right]: [Option<i64>; 2],
        pairs: &mut Vec<Pair>,
        origins: &mut FxHashMap<(i64, i64), i64>,
    ) -> Result<SizeView, Unsupported> {
        let mut sights = Vec::new();
        if let (Some(length), true) = (left, left == right) {
            self.viewer.turn_to(n);
            for i in 0..length {
                let (a, at) = self.viewer.see(self.patterns, self.roots[0], i)?;
                let (b, bt) = self.viewer.see(self.patterns, self.roots[1], i)?;
                let pair = (a, b, at.zip(bt).map_or(0, |(at, bt)| bt - at));
                let next = number(pairs.len());
                sights.push(*self.index.entry(pair).or_insert_with(|| {
                    pairs.push(pair);
                    next
                }));
                origins.extend(at.or(bt).map(|at| ((n, i), at)));
            }
        }
        Ok(SizeView { n, left, right, sights })
    }
}
