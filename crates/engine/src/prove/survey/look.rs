//! Two maps looked at: what every output position of every input size sees, finitely. Nothing is compared yet.

use super::condition;
use super::difference::{Difference, MapPair, compare, inside};
use super::limit::SurveyLimit;
use super::numbers::NumericMaps;
use super::sights::{AxisSights, Refined, number};
use super::table::Table;
use super::whole::WholeKernels;
use crate::axes::{Axes, each, try_each};
use crate::ir::{Sizes, Symbols};
use crate::limits::{MAX_PAIRS, MAX_SURVEYED};
use crate::operator::length::common_period;
use crate::operator::pattern::{Pattern, Viewer};
use crate::operator::{Affine, Node, NodeId, Operators};
use crate::prove::values::point::{Dependence, Point};
use convproof_exact::budget;
use convproof_exact::{Fp, Limited, Poly, Symbol};

/// Channel, row and column number of a read input, and by how much its coefficients differ.
pub type Differing = ([u32; 3], Poly);

/// Which input lengths a survey looks at.
#[derive(Clone, Copy, Debug)]
pub enum Extent {
    /// Every length: up to the horizon, at least to `reach` and in steps of a multiple of `modulus`.
    All {
        /// The condition compares heights and widths with numbers up to this, and with each other.
        reach: i64,
        /// The claim itself repeats with this period.
        modulus: i64,
    },
    /// One size.
    One(Axes<i64>),
}

impl Extent {
    /// The lengths that show everything about the sizes that a claim speaks of.
    pub fn of(sizes: &Sizes) -> Self {
        if let Sizes::One(size) = sizes {
            return Self::One(*size);
        }
        let (reach, modulus) = condition::reach(sizes);
        Self::All { reach, modulus }
    }
}

/// Two maps and what their output positions see.
#[derive(Debug)]
pub struct Sights<'a> {
    pub(super) operators: &'a Operators,
    pub(super) maps: [&'a Affine; 2],
    pub(super) symbols: &'a Symbols,
    dependence: Dependence,
    nodes: Vec<NodeId>,
    /// What is seen along each axis.
    pub axes: Axes<AxisSights>,
}

impl<'a> Sights<'a> {
    /// Looks along all axes.
    ///
    /// # Errors
    /// [`SurveyLimit`] where everything shows only at too many lengths or positions.
    pub fn look(
        operators: &'a Operators,
        maps: [&'a Affine; 2],
        symbols: &'a Symbols,
        extent: Extent,
        dependence: Dependence,
    ) -> Result<Self, SurveyLimit> {
        let _doing = budget::doing("looking for border patterns");
        let viewers = each(|axis| Viewer::new(operators, maps.to_vec(), axis));
        let axes = match extent {
            Extent::One(size) => {
                try_each(|axis| AxisSights::look(&viewers[axis], &[size[axis]], axis, maps))?
            }
            Extent::All { reach, modulus } => every_length(&viewers, maps, reach, modulus)?,
        };
        let pairs = axes.iter().map(|axis| axis.refined.len()).fold(1, usize::saturating_mul);
        if pairs.exceeds(MAX_PAIRS) {
            return Err(SurveyLimit::Positions);
        }
        let nodes = viewers.first().map_or_else(Vec::new, |viewer| viewer.nodes().to_vec());
        Ok(Self { operators, maps, symbols, dependence, nodes, axes })
    }

    /// The sizes that a claim speaks of and the pairs of sights that occur there, while nothing is known to be equal.
    pub fn spoken_of(&self, sizes: &Sizes) -> Table {
        Table::uncompared(&self.axes, sizes)
    }

    /// How many patterns there are along each axis.
    pub fn patterns(&self) -> Axes<usize> {
        self.axes.each_ref().map(|axis| axis.patterns.len())
    }

    /// Output channels.
    pub fn channels(&self) -> usize {
        self.maps[0].channels
    }

    /// Whether all weights of the maps can be chosen freely or follow from chosen ones.
    pub fn is_free(&self) -> bool {
        self.dependence.is_free(&self.symbols_in_maps())
    }

    /// All symbols that the maps' weights depend on, sorted.
    pub fn symbols_in_maps(&self) -> Vec<Symbol> {
        let inner = self.nodes.iter().filter_map(|&id| match self.operators.node(id) {
            Node::Cut(affine) => Some(affine),
            _ => None,
        });
        let mut all: Vec<Symbol> = inner
            .chain(self.maps)
            .flat_map(|map| {
                let kernels = map.parts.iter().flat_map(|part| part.gather.kernel.symbols());
                kernels.chain(map.bias.iter().flat_map(Poly::symbols)).collect::<Vec<_>>()
            })
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// How symbols depend on each other.
    pub fn dependence(&self) -> &Dependence {
        &self.dependence
    }

    /// The kernels of the maps, if these are one kernel each, with weights that can be chosen, and every output
    /// position sees all of them.
    pub fn whole_kernels(&self) -> Option<WholeKernels> {
        let sees_all = |axis: &AxisSights| {
            let all = |seen: &Refined| (0, number(axis.patterns[seen.pattern as usize].positions[0]));
            axis.refined.iter().all(|seen| seen.visible == all(seen))
        };
        WholeKernels::of(self.maps).filter(|_| self.is_free() && self.axes.iter().all(sees_all))
    }

    /// The maps at a pair of sights, for given weights (those not chosen are random); `None` if they have no value.
    pub fn trial(&self, sights: Axes<u32>, point: &Point) -> Option<Trial<'_>> {
        let (patterns, visible) = (self.patterns_of(sights), self.visible(sights));
        Some(Trial { patterns, visible, residues: self.residues(point)? })
    }

    /// For one output channel the differences of the constants and of the input's coefficients `(channel, row,
    /// column, difference)` that are visible at a position; `None` past a limit or where a nonlinear layer's
    /// output is read differently.
    pub fn exact_differences(&self, sights: Axes<u32>, channel: usize) -> Option<(Poly, Vec<Differing>)> {
        let (patterns, visible) = (self.patterns_of(sights), self.visible(sights));
        let [left, right] = self.polynomials().ok()?.channel(patterns, channel)?;
        let constant = &left.constant - &right.constant;
        let mut all = Vec::new();
        let mut foreign = false;
        compare(&left, &right, |id, place, a, b| {
            let [_, at @ ..] = place;
            if id != 0 {
                foreign |= a != b;
            } else if a != b && inside(at, visible) {
                let difference = a - b;
                if !self.symbols.numerator(&difference).is_zero() {
                    all.push((place, difference));
                }
            }
        });
        (!foreign).then_some((constant, all))
    }

    /// The input positions that output `i` reads along an axis for an input of length `n`, in order.
    pub fn input_positions(&self, axis: usize, n: i64, i: i64) -> Vec<i64> {
        Viewer::new(self.operators, self.maps.to_vec(), axis).sight(n, i).input
    }

    /// The numbers of the patterns at a pair of sights.
    pub fn pattern_numbers(&self, sights: Axes<u32>) -> Axes<u32> {
        self.refined(sights).map(|seen| seen.pattern)
    }

    /// The patterns at a pair of sights.
    pub fn patterns_of(&self, sights: Axes<u32>) -> Axes<&Pattern> {
        let refined = self.refined(sights);
        each(|axis| &*self.axes[axis].patterns[refined[axis].pattern as usize])
    }

    /// The numbers of the read positions along each axis that lie in the input.
    pub fn visible(&self, sights: Axes<u32>) -> Axes<(u32, u32)> {
        self.refined(sights).map(|seen| seen.visible)
    }

    fn refined(&self, sights: Axes<u32>) -> Axes<&Refined> {
        each(|axis| &self.axes[axis].refined[sights[axis] as usize])
    }

    pub(super) fn residues(&self, point: &Point) -> Option<MapPair<'_, Fp>> {
        let value = |symbol| self.dependence.residue(symbol, &|chosen| point.residue(chosen));
        MapPair::residues(self.operators, &self.nodes, self.maps, value)
    }

    pub(super) fn polynomials(&self) -> Result<MapPair<'_, Poly>, SurveyLimit> {
        MapPair::polynomials(self.operators, &self.nodes, self.maps).ok_or(SurveyLimit::Terms)
    }

    /// The maps in integers, if all weights are numbers.
    pub fn numbers(&self) -> Option<NumericMaps<'_>> {
        NumericMaps::new(self.operators, &self.nodes, self.maps)
    }

    pub(super) fn exact(&self) -> Result<Exact<'_>, SurveyLimit> {
        let polynomials = || Ok(Exact::Polynomials(Box::new(self.polynomials()?)));
        self.numbers().map_or_else(polynomials, |numbers| Ok(Exact::NumericMaps(Box::new(numbers))))
    }

    /// Where the maps differ, over all output channels.
    pub(super) fn exact_difference(
        &self,
        exact: &Exact<'_>,
        patterns: Axes<&Pattern>,
    ) -> Result<Difference, SurveyLimit> {
        let exact = match exact {
            Exact::NumericMaps(numbers) => return numbers.difference(patterns).ok_or(SurveyLimit::Terms),
            Exact::Polynomials(pair) => pair,
        };
        let mut difference = Difference { exact: true, ..Difference::default() };
        for channel in 0..self.maps[0].channels {
            let pulled = exact.channel(patterns, channel).ok_or(SurveyLimit::Terms)?;
            difference.collect(&pulled, |a, b| a != b && !self.symbols.numerator(&(a - b)).is_zero());
        }
        Ok(difference)
    }
}

/// Two maps with exact weights.
pub(super) enum Exact<'a> {
    NumericMaps(Box<NumericMaps<'a>>),
    Polynomials(Box<MapPair<'a, Poly>>),
}

/// The maps at one pair of sights, with weights modulo the prime.
pub struct Trial<'a> {
    patterns: Axes<&'a Pattern>,
    visible: Axes<(u32, u32)>,
    residues: MapPair<'a, Fp>,
}

/// How the maps differ visibly in one output channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visible {
    /// In the constant or at a leaf other than the input.
    Everywhere,
    /// At the input: channel, row number and column number of one read position.
    At([u32; 3]),
}

impl Trial<'_> {
    /// One visible difference in an output channel, if there is any.
    pub fn difference(&self, channel: usize) -> Option<Visible> {
        let [left, right] = self.residues.channel(self.patterns, channel)?;
        let mut found = (left.constant != right.constant).then_some(Visible::Everywhere);
        compare(&left, &right, |id, place, a, b| {
            let [_, at @ ..] = place;
            if a == b {
                return;
            }
            if id != 0 {
                found = Some(Visible::Everywhere);
            } else if found.is_none() && inside(at, self.visible) {
                found = Some(Visible::At(place));
            }
        });
        found
    }
}

/// Looks at every length that shows something, and tells from which on everything repeats.
fn every_length(
    viewers: &Axes<Viewer<'_>>,
    maps: [&Affine; 2],
    reach: i64,
    modulus: i64,
) -> Result<Axes<AxisSights>, SurveyLimit> {
    let horizons = try_each(|axis| viewers[axis].horizon())?;
    let from = horizons.iter().fold(reach.saturating_add(1), |from, horizon| from.max(horizon.from));
    let period = common_period(horizons.iter().map(|horizon| horizon.period).chain([modulus]))?;
    let end = from.saturating_add(reach).saturating_add(period.saturating_mul(2));
    if end.exceeds(MAX_SURVEYED) {
        return Err(SurveyLimit::Lengths { needed: end, most: MAX_SURVEYED });
    }
    let lengths: Vec<i64> = (1..end).collect();
    let mut all: Vec<AxisSights> = Vec::new();
    for (axis, horizon) in horizons.iter().enumerate() {
        let like = (0..axis).find(|&before| viewers[before].is_like(&viewers[axis]));
        all.push(match like {
            Some(before) => all[before].clone(),
            None => {
                let looked = AxisSights::look(&viewers[axis], &lengths, axis, maps)?;
                AxisSights { from, period, start: usize::try_from(horizon.start).unwrap_or(0), ..looked }
            }
        });
    }
    let mut all = all.into_iter();
    Ok(each(|_| all.next().unwrap_or_default()))
}
