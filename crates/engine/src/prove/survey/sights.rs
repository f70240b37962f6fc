//! What output positions see along one axis, for many input lengths.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::limit::SurveyLimit;
use crate::limits::MAX_POSITIONS;
use crate::operator::Affine;
use crate::operator::pattern::{Edge, Pattern, Starts, Viewer};
use convproof_exact::Limited;
use convproof_exact::budget;

/// The output positions of one input length along one axis.
#[derive(Clone, Debug)]
pub struct SizeView {
    /// The input length.
    pub n: i64,
    /// Output length of the left map.
    pub left: Option<i64>,
    /// Output length of the right map.
    pub right: Option<i64>,
    /// For each output position the number of what it sees; empty unless the lengths agree.
    pub sights: Vec<u32>,
}

/// What an output position sees: a pattern and which of the read positions lie in the input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Refined {
    /// The number of the pattern.
    pub pattern: u32,
    /// The numbers of the read positions that lie in the input, from the first on up to the last.
    pub visible: (u32, u32),
}

/// One axis, looked at for many input lengths.
#[derive(Clone, Debug, Default)]
pub struct AxisSights {
    /// From this length on everything repeats.
    pub from: i64,
    /// After so many lengths.
    pub period: i64,
    /// So many outputs at the start may see a border at settled lengths.
    pub start: usize,
    /// The lengths that were looked at, in order.
    pub sizes: Vec<SizeView>,
    /// The patterns that occur.
    pub patterns: Vec<Arc<Pattern>>,
    /// What output positions see, by number.
    pub refined: Vec<Refined>,
}

impl AxisSights {
    /// Looks at every output position of some input lengths.
    pub fn look(
        viewer: &Viewer<'_>,
        lengths: &[i64],
        axis: usize,
        maps: [&Affine; 2],
    ) -> Result<Self, SurveyLimit> {
        let mut looked = Self::default();
        let mut patterns: FxHashMap<Arc<Pattern>, u32> = FxHashMap::default();
        let mut refined: FxHashMap<Refined, u32> = FxHashMap::default();
        let mut known: FxHashMap<Starts, (u32, Vec<i64>)> = FxHashMap::default();
        let mut positions = 0_usize;
        let mut held = Vec::new();
        for &n in lengths {
            let [left, right] = maps.map(|map| map.length[axis].at(n));
            let mut sights = Vec::new();
            if let (Some(length), true) = (left, left == right) {
                positions = positions.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
                if positions.exceeds(MAX_POSITIONS) {
                    return Err(SurveyLimit::Positions);
                }
                for i in 0..length {
                    budget::spend(60);
                    let mut see = |base: i64| {
                        let sight = viewer.sight(n, i);
                        let edges = sight.pattern.reads.iter().flat_map(|(_, parts)| parts).map(Vec::len);
                        let edges = edges.chain([sight.input.len()]);
                        held.push(budget::hold(edges.sum(), size_of::<Edge>()));
                        let next = number(patterns.len());
                        let pattern = *patterns.entry(sight.pattern).or_insert_with_key(|pattern| {
                            looked.patterns.push(pattern.clone());
                            next
                        });
                        (pattern, sight.input.into_iter().map(|at| at - base).collect())
                    };
                    let seen: (u32, Vec<i64>);
                    let ((pattern, input), base) = match viewer.starts(n, i) {
                        Some((starts, base)) => (&*known.entry(starts).or_insert_with(|| see(base)), base),
                        None => {
                            seen = see(0);
                            (&seen, 0)
                        }
                    };
                    let count = |bound: i64| number(input.partition_point(|&at| at + base < bound));
                    let key = Refined { pattern: *pattern, visible: (count(0), count(n)) };
                    let next = number(refined.len());
                    sights.push(*refined.entry(key).or_insert_with_key(|key| {
                        looked.refined.push(key.clone());
                        next
                    }));
                }
            }
            looked.sizes.push(SizeView { n, left, right, sights });
        }
        Ok(looked)
    }

    /// What is seen at an input length that was looked at.
    pub fn view(&self, n: i64) -> Option<&SizeView> {
        self.sizes.iter().find(|view| view.n == n)
    }

    /// How often each sight occurs at an input length, which need not have been looked at (Theorem 10b); `None` where the
    /// output lengths differ or there is no output.
    pub fn occurrences(&self, n: i64) -> Option<FxHashMap<u32, usize>> {
        let count = |n: i64| {
            let view = self.view(n).filter(|view| view.left.is_some() && view.left == view.right)?;
            let mut all: FxHashMap<u32, usize> = FxHashMap::default();
            for &sight in &view.sights {
                *all.entry(sight).or_default() += 1;
            }
            Some(all)
        };
        if self.view(n).is_some() {
            return count(n);
        }
        if self.period == 0 || n < self.from {
            return None;
        }
        let first = self.from + (n - self.from) % self.period;
        let times = usize::try_from((n - first) / self.period).ok()?;
        let (before, mut all) = (count(first)?, count(first + self.period)?);
        for (sight, count) in &mut all {
            let least = before.get(sight).copied().unwrap_or(0);
            let more = count.checked_sub(least)?.checked_mul(times)?;
            *count = least.checked_add(more)?;
        }
        Some(all)
    }
}

/// The number of a thing among so many, far fewer than 2³².
pub fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
