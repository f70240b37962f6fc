//! Compares two affine maps at every output position of every input size, finitely.
//!
//! Along each axis all input lengths up to the horizon are looked at; each output position has a pattern, and
//! whether the maps agree there depends only on the row pattern and the column pattern. Each pair of patterns
//! is compared once: modulo a prime, which refutes, and with polynomials where that shows no difference.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::condition;
use super::difference::{Difference, Pair, compare, within};
use super::limit::SurveyLimit;
use super::numbers::Numbers;
use super::sights::{AxisSurvey, Refined, number};
use super::whole::WholeKernels;
use crate::ir::{Sizes, Symbols};
use crate::limits::{MAX_PAIRS, MAX_SURVEYED};
use crate::operator::length::common_period;
use crate::operator::pattern::{Pattern, Viewer};
use crate::operator::{Affine, Node, NodeId, Operators};
use crate::prove::values::point::{Dependence, Point};
use crate::prove::verdict::Wrong;
use convproof_exact::budget;
use convproof_exact::{Fp, Poly, SplitMix64, Symbol};

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
    One([i64; 2]),
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

/// Two maps compared at all positions.
#[derive(Debug)]
pub struct Survey<'a> {
    operators: &'a Operators,
    maps: [&'a Affine; 2],
    symbols: &'a Symbols,
    dependence: Dependence,
    nodes: Vec<NodeId>,
    /// Rows and columns.
    pub axes: [AxisSurvey; 2],
    /// The maps agree far from all borders, by their normal forms.
    interior_equal: bool,
    differences: FxHashMap<(u32, u32), Difference>,
}

impl<'a> Survey<'a> {
    /// Looks at both axes.
    pub fn new(
        operators: &'a Operators,
        maps: [&'a Affine; 2],
        symbols: &'a Symbols,
        extent: Extent,
        dependence: Dependence,
        interior_equal: bool,
    ) -> Result<Self, SurveyLimit> {
        let _doing = budget::doing("looking for border patterns");
        let viewers = [0, 1].map(|axis| Viewer::new(operators, maps.to_vec(), axis));
        let mut axes = [AxisSurvey::default(), AxisSurvey::default()];
        match extent {
            Extent::One(size) => {
                for axis in 0..2 {
                    axes[axis] = AxisSurvey::look(&viewers[axis], &[size[axis]], axis, maps)?;
                }
            }
            Extent::All { reach, modulus } => {
                let horizons = [viewers[0].horizon()?, viewers[1].horizon()?];
                let from = horizons[0].from.max(horizons[1].from).max(reach.saturating_add(1));
                let period = common_period([horizons[0].period, horizons[1].period, modulus])?;
                let end = from.saturating_add(reach).saturating_add(period.saturating_mul(2));
                if end > MAX_SURVEYED {
                    return Err(SurveyLimit::Lengths { needed: end, most: MAX_SURVEYED });
                }
                let lengths: Vec<i64> = (1..end).collect();
                for axis in 0..2 {
                    axes[axis] = if axis == 1 && viewers[0].is_like(&viewers[1]) {
                        axes[0].clone()
                    } else {
                        let looked = AxisSurvey::look(&viewers[axis], &lengths, axis, maps)?;
                        let start = usize::try_from(horizons[axis].start).unwrap_or(0);
                        AxisSurvey { from, period, start, ..looked }
                    };
                }
            }
        }
        if axes[0].refined.len().saturating_mul(axes[1].refined.len()) > MAX_PAIRS {
            return Err(SurveyLimit::Positions);
        }
        let nodes = viewers[0].nodes().to_vec();
        Ok(Self {
            operators,
            maps,
            symbols,
            dependence,
            nodes,
            axes,
            interior_equal,
            differences: FxHashMap::default(),
        })
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

    /// Compares every pair of patterns.
    pub fn compare(&mut self) -> Result<(), SurveyLimit> {
        if self.axes.iter().any(|axis| axis.patterns.is_empty()) {
            return Ok(());
        }
        let random = Point::random(0x5EED);
        if self.whole_kernels().is_some_and(|kernels| kernels.differ(&self.dependence, &random)) {
            let different = Difference { everywhere: true, exact: true, ..Difference::default() };
            self.differences = self.pattern_pairs().map(|pair| (pair, different.clone())).collect();
            return Ok(());
        }
        let random = if self.is_free() { self.residues(&random) } else { None };
        let mut generator = SplitMix64::new(0x0DD);
        let output: Vec<Fp> = (0..self.maps[0].channels).map(|_| generator.next_fp()).collect();
        let mut exact = None;
        let mut differences = FxHashMap::default();
        let _doing = budget::doing("comparing border patterns");
        for pair in self.pattern_pairs() {
            budget::spend(100);
            let patterns = self.patterns(pair);
            let settled = self.interior_equal && patterns.iter().all(|pattern| pattern.whole);
            let mut difference = Difference { exact: settled, ..Difference::default() };
            if let Some(random) = random.as_ref().filter(|_| !settled) {
                let pulled = random.pulled(patterns, &output).ok_or(SurveyLimit::Positions)?;
                difference.collect(&pulled, |a, b| a != b);
            }
            if !settled && difference.is_none() {
                if exact.is_none() {
                    exact = Some(self.exact()?);
                }
                difference = self.exact_difference(exact.as_ref().ok_or(SurveyLimit::Terms)?, patterns)?;
            }
            differences.insert(pair, difference);
        }
        self.differences = differences;
        Ok(())
    }

    /// The kernels of the maps, if these are one kernel each, with weights that can be chosen, and every output
    /// position sees all of them.
    pub fn whole_kernels(&self) -> Option<WholeKernels> {
        let sees_all = |axis: &AxisSurvey| {
            let all = |seen: &Refined| (0, number(axis.patterns[seen.pattern as usize].positions[0]));
            axis.refined.iter().all(|seen| seen.visible == all(seen))
        };
        WholeKernels::of(self.maps).filter(|_| self.is_free() && self.axes.iter().all(sees_all))
    }

    /// The numbers of all row patterns with all column patterns.
    fn pattern_pairs(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let [rows, columns] = [0, 1].map(|axis| number(self.axes[axis].patterns.len()));
        (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
    }

    fn patterns(&self, pair: (u32, u32)) -> [&Pattern; 2] {
        [&self.axes[0].patterns[pair.0 as usize], &self.axes[1].patterns[pair.1 as usize]]
    }

    /// Makes sure that positions which are to be called equal are: where residues showed a difference of the
    /// patterns, but none that is visible there, the patterns are compared with polynomials. Tells whether
    /// anything was compared.
    pub fn confirm(&mut self, pairs: impl IntoIterator<Item = [u32; 2]>) -> Result<bool, SurveyLimit> {
        let open: BTreeSet<(u32, u32)> = pairs
            .into_iter()
            .map(|[row, column]| {
                (self.axes[0].refined[row as usize].pattern, self.axes[1].refined[column as usize].pattern)
            })
            .filter(|pair| self.differences.get(pair).is_some_and(|difference| !difference.exact))
            .collect();
        if open.is_empty() {
            return Ok(false);
        }
        let exact = self.exact()?;
        let mut found = Vec::new();
        for pair in open {
            found.push((pair, self.exact_difference(&exact, self.patterns(pair))?));
        }
        self.differences.extend(found);
        Ok(true)
    }

    /// Pairs of refined sights, as a table: for each row sight the column sights at which the maps differ.
    pub fn failures(&self) -> Vec<Vec<bool>> {
        let [rows, columns] = &self.axes;
        budget::spend_on(rows.refined.len().saturating_mul(columns.refined.len()), 20);
        rows.refined
            .iter()
            .map(|row| {
                columns
                    .refined
                    .iter()
                    .map(|column| {
                        self.differences
                            .get(&(row.pattern, column.pattern))
                            .is_some_and(|difference| difference.visible(row.visible, column.visible))
                    })
                    .collect()
            })
            .collect()
    }

    /// At an input size: which output positions differ for general weights and inputs.
    pub fn wrong_at(&self, failures: &[Vec<bool>], size: [i64; 2]) -> Option<Wrong> {
        let view = |axis: usize| self.axes[axis].sizes.iter().find(|view| view.n == size[axis]);
        Wrong::of([&view(0)?.sights, &view(1)?.sights], failures)
    }

    /// All distinct polynomials by which the maps visibly differ at some positions, in order; `None` past a limit.
    pub fn visible_polynomials(&self, pairs: &BTreeSet<[u32; 2]>) -> Option<Vec<Poly>> {
        const MOST: usize = 4096;
        let exact = self.polynomials().ok()?;
        let (mut all, mut known) = (Vec::new(), FxHashSet::default());
        let mut seen = FxHashSet::default();
        let _doing = budget::doing("describing where the sides agree");
        for &[row, column] in pairs {
            budget::spend(100);
            let refined = self.refined([row, column]);
            let key = (refined[0].pattern, refined[1].pattern);
            if self.differences.get(&key).is_none_or(Difference::is_none) || !seen.insert([row, column]) {
                continue;
            }
            let patterns = [0, 1].map(|axis| self.pattern(axis, refined[axis]));
            for channel in 0..self.maps[0].channels {
                let [left, right] = exact.channel(patterns, channel)?;
                let mut add = |a: &Poly, b: &Poly| {
                    let difference = if a == b { return } else { self.symbols.reduce(&(a - b)) };
                    if !difference.is_zero() && known.insert(difference.clone()) {
                        all.push(difference);
                    }
                };
                add(&left.constant, &right.constant);
                compare(&left, &right, |id, [_, row, column], a, b| {
                    if id != 0 || within(row, refined[0].visible) && within(column, refined[1].visible) {
                        add(a, b);
                    }
                });
            }
            if all.len() > MOST || seen.len() > MOST {
                return None;
            }
        }
        Some(all)
    }

    /// The maps at a pair of sights, for given weights (those not chosen are random); `None` if they have no value.
    pub fn trial(&self, sights: [u32; 2], point: &Point) -> Option<Trial<'_>> {
        let (patterns, visible) = (self.patterns_of(sights), self.visible(sights));
        Some(Trial { patterns, visible, residues: self.residues(point)? })
    }

    /// For one output channel the differences of the constants and of the input's coefficients `(channel, row,
    /// column, difference)` that are visible at a position; `None` past a limit or where a nonlinear layer's
    /// output is read differently.
    pub fn exact_differences(&self, sights: [u32; 2], channel: usize) -> Option<(Poly, Vec<Differing>)> {
        let refined = self.refined(sights);
        let patterns = [0, 1].map(|axis| self.pattern(axis, refined[axis]));
        let [left, right] = self.polynomials().ok()?.channel(patterns, channel)?;
        let constant = &left.constant - &right.constant;
        let mut all = Vec::new();
        let mut foreign = false;
        compare(&left, &right, |id, [c, row, column], a, b| {
            if id != 0 {
                foreign |= a != b;
            } else if a != b && within(row, refined[0].visible) && within(column, refined[1].visible) {
                let difference = a - b;
                if !self.symbols.reduce(&difference).is_zero() {
                    all.push(([c, row, column], difference));
                }
            }
        });
        (!foreign).then_some((constant, all))
    }

    /// The input positions that output `i` reads along an axis for an input of length `n`, in order.
    pub fn input_positions(&self, axis: usize, n: i64, i: i64) -> Vec<i64> {
        Viewer::new(self.operators, self.maps.to_vec(), axis).sight(n, i).input
    }

    fn pattern(&self, axis: usize, refined: &Refined) -> &Pattern {
        &self.axes[axis].patterns[refined.pattern as usize]
    }

    /// The numbers of the patterns at a pair of sights.
    pub fn pattern_numbers(&self, sights: [u32; 2]) -> [u32; 2] {
        self.refined(sights).map(|seen| seen.pattern)
    }

    /// The patterns at a pair of sights.
    pub fn patterns_of(&self, sights: [u32; 2]) -> [&Pattern; 2] {
        let refined = self.refined(sights);
        [0, 1].map(|axis| self.pattern(axis, refined[axis]))
    }

    /// The numbers of the read rows and columns that lie in the input.
    pub fn visible(&self, sights: [u32; 2]) -> [(u32, u32); 2] {
        self.refined(sights).map(|seen| seen.visible)
    }

    fn refined(&self, sights: [u32; 2]) -> [&Refined; 2] {
        [0, 1].map(|axis| &self.axes[axis].refined[sights[axis] as usize])
    }

    fn residues(&self, point: &Point) -> Option<Pair<'_, Fp>> {
        let value = |symbol| self.dependence.residue(symbol, &|chosen| point.residue(chosen));
        Pair::residues(self.operators, &self.nodes, self.maps, value)
    }

    fn polynomials(&self) -> Result<Pair<'_, Poly>, SurveyLimit> {
        Pair::polynomials(self.operators, &self.nodes, self.maps).ok_or(SurveyLimit::Terms)
    }

    /// The maps in integers, if all weights are numbers.
    pub fn numbers(&self) -> Option<Numbers<'_>> {
        Numbers::new(self.operators, &self.nodes, self.maps)
    }

    fn exact(&self) -> Result<Exact<'_>, SurveyLimit> {
        let polynomials = || Ok(Exact::Polynomials(Box::new(self.polynomials()?)));
        self.numbers().map_or_else(polynomials, |numbers| Ok(Exact::Numbers(Box::new(numbers))))
    }

    /// Where the maps differ, over all output channels.
    fn exact_difference(
        &self,
        exact: &Exact<'_>,
        patterns: [&Pattern; 2],
    ) -> Result<Difference, SurveyLimit> {
        let exact = match exact {
            Exact::Numbers(numbers) => return numbers.difference(patterns).ok_or(SurveyLimit::Terms),
            Exact::Polynomials(pair) => pair,
        };
        let mut difference = Difference { exact: true, ..Difference::default() };
        for channel in 0..self.maps[0].channels {
            let pulled = exact.channel(patterns, channel).ok_or(SurveyLimit::Terms)?;
            difference.collect(&pulled, |a, b| a != b && !self.symbols.reduce(&(a - b)).is_zero());
        }
        Ok(difference)
    }
}

/// Two maps with exact weights.
enum Exact<'a> {
    Numbers(Box<Numbers<'a>>),
    Polynomials(Box<Pair<'a, Poly>>),
}

/// The maps at one pair of sights, with weights modulo the prime.
pub struct Trial<'a> {
    patterns: [&'a Pattern; 2],
    visible: [(u32, u32); 2],
    residues: Pair<'a, Fp>,
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
        let [rows, columns] = self.visible;
        compare(&left, &right, |id, at, a, b| {
            if a == b {
                return;
            }
            if id != 0 {
                found = Some(Visible::Everywhere);
            } else if found.is_none() && within(at[1], rows) && within(at[2], columns) {
                found = Some(Visible::At(at));
            }
        });
        found
    }
}
