//! Compares two affine maps at every output position of every input size, finitely.
//!
//! Along each axis all input lengths up to the horizon are looked at; each output position has a pattern, and
//! whether the maps agree there depends only on the row pattern and the column pattern. Each pair of patterns
//! is compared once: modulo a prime, which refutes, and with polynomials where that shows no difference.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::point::{Dependence, Point};
use crate::algebra::{Fp, Poly, SplitMix64, Symbol};
use crate::ir::Symbols;
use crate::kernel::Kernel;
use crate::operator::pattern::{Pattern, Starts, Viewer};
use crate::operator::pull::{Functional, Number, Pulled, Puller, Weights};
use crate::operator::{Affine, Node, NodeId, OperatorError, Operators};

/// Most output positions that are looked at along one axis, over all lengths together.
const MAX_POSITIONS: usize = 400_000;

/// Most pairs of patterns that are compared, and of sights that are told apart.
const MAX_PAIRS: usize = 2_000_000;

/// Longest input that is looked at along each axis; sizes are looked at in pairs.
const MAX_SURVEYED: i64 = 2_500;

/// Why a survey stops short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SurveyLimit {
    /// Sizes, strides or paddings are too large to look at every size.
    Operator(OperatorError),
    /// More positions or pairs of patterns than the limits.
    Positions,
    /// Polynomials outgrew their limit.
    Terms,
}

impl From<OperatorError> for SurveyLimit {
    fn from(error: OperatorError) -> Self {
        Self::Operator(error)
    }
}

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
struct Refined {
    pattern: u32,
    visible: (u32, u32),
}

/// One axis, looked at for many input lengths.
#[derive(Clone, Debug, Default)]
pub struct AxisSurvey {
    /// From this length on everything repeats.
    pub from: i64,
    /// After so many lengths.
    pub period: i64,
    /// So many outputs at the start may see a border at settled lengths.
    pub start: usize,
    /// The lengths that were looked at, in order.
    pub sizes: Vec<SizeView>,
    patterns: Vec<Arc<Pattern>>,
    refined: Vec<Refined>,
}

impl AxisSurvey {
    fn look(
        viewer: &Viewer<'_>,
        lengths: &[i64],
        axis: usize,
        maps: [&Affine; 2],
    ) -> Result<Self, SurveyLimit> {
        let mut survey = Self::default();
        let mut patterns: FxHashMap<Arc<Pattern>, u32> = FxHashMap::default();
        let mut refined: FxHashMap<Refined, u32> = FxHashMap::default();
        let mut known: FxHashMap<Starts, (u32, Vec<i64>)> = FxHashMap::default();
        let mut positions = 0_usize;
        for &n in lengths {
            let [left, right] = maps.map(|map| map.length[axis].at(n));
            let mut sights = Vec::new();
            if let (Some(length), true) = (left, left == right) {
                positions = positions.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
                if positions > MAX_POSITIONS {
                    return Err(SurveyLimit::Positions);
                }
                for i in 0..length {
                    let mut see = |base: i64| {
                        let sight = viewer.sight(n, i);
                        let next = number(patterns.len());
                        let pattern = *patterns.entry(sight.pattern).or_insert_with_key(|pattern| {
                            survey.patterns.push(pattern.clone());
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
                        survey.refined.push(key.clone());
                        next
                    }));
                }
            }
            survey.sizes.push(SizeView { n, left, right, sights });
        }
        Ok(survey)
    }

    /// How many patterns occur.
    pub fn pattern_count(&self) -> usize {
        self.patterns.len()
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Channel, row and column number of a read input, and by how much its coefficients differ.
pub type Differing = ([u32; 3], Poly);

/// Where two functionals differ.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// In the constant or at a leaf other than the input: visible at every size.
    pub everywhere: bool,
    /// Numbers of the read rows and columns at which the input's coefficients differ.
    pub support: Vec<(u32, u32)>,
    /// Whether everything else was shown to be equal; residues only show what differs.
    pub exact: bool,
}

impl Difference {
    /// Whether the functionals are equal.
    pub fn is_none(&self) -> bool {
        !self.everywhere && self.support.is_empty()
    }

    fn visible(&self, rows: (u32, u32), columns: (u32, u32)) -> bool {
        self.everywhere || self.support.iter().any(|&(r, c)| within(r, rows) && within(c, columns))
    }
}

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
        interior_equal: bool,
    ) -> Result<Self, SurveyLimit> {
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
                let period =
                    num_integer::lcm(num_integer::lcm(horizons[0].period, horizons[1].period), modulus);
                let end = from.saturating_add(reach).saturating_add(period.saturating_mul(2));
                if end > MAX_SURVEYED {
                    return Err(SurveyLimit::Operator(OperatorError::PeriodTooLong));
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
        let dependence = Dependence::of(symbols);
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
        let random = self.is_free().then(|| self.residues(&Point::random(0x5EED))).flatten();
        let mut exact: Option<Exact<'_>> = None;
        let mut differences = FxHashMap::default();
        for row in 0..self.axes[0].patterns.len() {
            for column in 0..self.axes[1].patterns.len() {
                let patterns = [&*self.axes[0].patterns[row], &*self.axes[1].patterns[column]];
                let settled = self.interior_equal && patterns.iter().all(|pattern| pattern.whole);
                let quick = random
                    .as_ref()
                    .filter(|_| !settled)
                    .map(|random| random.difference(self, patterns).ok_or(SurveyLimit::Positions))
                    .transpose()?;
                let difference = match quick {
                    _ if settled => Difference { exact: true, ..Difference::default() },
                    Some(difference) if !difference.is_none() => difference,
                    _ => {
                        if exact.is_none() {
                            exact = Some(self.polynomials()?);
                        }
                        exact.as_ref().ok_or(SurveyLimit::Terms)?.difference(self, patterns)?.0
                    }
                };
                differences.insert((number(row), number(column)), difference);
            }
        }
        self.differences = differences;
        Ok(())
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
        let exact = self.polynomials()?;
        let mut found = Vec::new();
        for pair in open {
            let patterns =
                [&*self.axes[0].patterns[pair.0 as usize], &*self.axes[1].patterns[pair.1 as usize]];
            found.push((pair, exact.difference(self, patterns)?.0));
        }
        self.differences.extend(found);
        Ok(true)
    }

    /// Pairs of refined sights, as a table: for each row sight the column sights at which the maps differ.
    pub fn failures(&self) -> Vec<Vec<bool>> {
        let [rows, columns] = &self.axes;
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

    /// At an input size: how many output positions differ for general weights and inputs, and how many there are.
    pub fn wrong_at(&self, failures: &[Vec<bool>], size: [i64; 2]) -> Option<(usize, usize)> {
        let view = |axis: usize| self.axes[axis].sizes.iter().find(|view| view.n == size[axis]);
        let (rows, columns) = (view(0)?, view(1)?);
        let wrong = rows.sights.iter().map(|&row| {
            columns.sights.iter().filter(|&&column| failures[row as usize][column as usize]).count()
        });
        let all = rows.sights.len() * columns.sights.len();
        (all > 0).then(|| (wrong.sum(), all))
    }

    /// All distinct polynomials by which the maps visibly differ at some positions; `None` past a limit.
    pub fn visible_polynomials(&self, pairs: &BTreeSet<[u32; 2]>) -> Option<FxHashSet<Poly>> {
        const MOST: usize = 4096;
        let exact = self.polynomials().ok()?;
        let mut all = FxHashSet::default();
        let mut seen = FxHashSet::default();
        for &[row, column] in pairs {
            let refined = [&self.axes[0].refined[row as usize], &self.axes[1].refined[column as usize]];
            let key = (refined[0].pattern, refined[1].pattern);
            if self.differences.get(&key).is_none_or(Difference::is_none) || !seen.insert([row, column]) {
                continue;
            }
            let patterns = [0, 1].map(|axis| &*self.axes[axis].patterns[refined[axis].pattern as usize]);
            for channel in 0..self.maps[0].channels {
                let [left, right] = exact.pulled(self, patterns, channel).ok()?;
                let mut add = |a: &Poly, b: &Poly| {
                    if a != b {
                        all.insert(self.symbols.reduce(&(a - b)));
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
        all.retain(|poly| !poly.is_zero());
        Some(all)
    }

    /// Whether the maps differ visibly at one position for the given weights (the others random); tells where.
    pub fn differs_at(&self, sights: [u32; 2], point: &Point, channel: Option<usize>) -> Option<Difference> {
        let refined = [0, 1].map(|axis| &self.axes[axis].refined[sights[axis] as usize]);
        let patterns = [0, 1].map(|axis| &*self.axes[axis].patterns[refined[axis].pattern as usize]);
        let mut random = self.residues(point)?;
        if let Some(channel) = channel {
            random.select(channel);
        }
        let mut difference = random.difference(self, patterns)?;
        difference.support.retain(|&(r, c)| within(r, refined[0].visible) && within(c, refined[1].visible));
        (!difference.is_none()).then_some(difference)
    }

    /// The input channel, row and column of one visible difference at output `at` of an input size, for given
    /// weights.
    pub fn locate(
        &self,
        sights: [u32; 2],
        [size, at]: [[i64; 2]; 2],
        point: &Point,
        channel: usize,
    ) -> Option<[i64; 3]> {
        let refined = [0, 1].map(|axis| &self.axes[axis].refined[sights[axis] as usize]);
        let patterns = [0, 1].map(|axis| &*self.axes[axis].patterns[refined[axis].pattern as usize]);
        let mut random = self.residues(point)?;
        random.select(channel);
        let [left, right] = random.pulled(self, patterns)?;
        let mut found = None;
        compare(&left, &right, |id, [c, row, column], a, b| {
            let visible = within(row, refined[0].visible) && within(column, refined[1].visible);
            if id == 0 && a != b && visible && found.is_none() {
                found = Some([c, row, column]);
            }
        });
        let [c, row, column] = found?;
        let (rows, columns) =
            (self.input_positions(0, size[0], at[0]), self.input_positions(1, size[1], at[1]));
        Some([i64::from(c), rows[row as usize], columns[column as usize]])
    }

    /// For one output channel the differences of the constants and of the input's coefficients `(channel, row,
    /// column, difference)` that are visible at a position; `None` past a limit or where a nonlinear layer's
    /// output is read differently.
    pub fn exact_differences(&self, sights: [u32; 2], channel: usize) -> Option<(Poly, Vec<Differing>)> {
        let refined = [0, 1].map(|axis| &self.axes[axis].refined[sights[axis] as usize]);
        let patterns = [0, 1].map(|axis| &*self.axes[axis].patterns[refined[axis].pattern as usize]);
        let [left, right] = self.polynomials().ok()?.pulled(self, patterns, channel).ok()?;
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

    fn residues(&self, point: &Point) -> Option<Residues<'_>> {
        let value = |symbol| self.dependence.residue(symbol, &|chosen| point.residue(chosen));
        let weigh = |affine: &Affine| {
            Weights::of(
                affine,
                |kernel: &Kernel| kernel.evaluate_mod(&value),
                |poly| poly.evaluate_mod(&value),
            )
        };
        let puller = Puller::new(self.operators, &self.nodes, weigh)?;
        let mut generator = SplitMix64::new(0x0DD);
        let output = (0..self.maps[0].channels).map(|_| generator.next_fp()).collect();
        Some(Residues { puller, weights: [weigh(self.maps[0])?, weigh(self.maps[1])?], output })
    }

    fn polynomials(&self) -> Result<Exact<'_>, SurveyLimit> {
        let weigh = |affine: &Affine| {
            Weights::of(
                affine,
                |kernel: &Kernel| Some(kernel.expand().ok()?.entries().to_vec()),
                |poly| Some(poly.clone()),
            )
        };
        let build = || {
            let puller = Puller::new(self.operators, &self.nodes, weigh)?;
            Some(Exact { puller, weights: [weigh(self.maps[0])?, weigh(self.maps[1])?] })
        };
        build().ok_or(SurveyLimit::Terms)
    }
}

/// The maps with weights modulo the prime.
struct Residues<'a> {
    puller: Puller<'a, Fp>,
    weights: [Weights<Fp>; 2],
    /// How output channels are weighted.
    output: Vec<Fp>,
}

impl Residues<'_> {
    /// Looks at one output channel only.
    fn select(&mut self, channel: usize) {
        self.output.iter_mut().enumerate().for_each(|(o, value)| *value = Fp::from(i64::from(o == channel)));
    }

    fn pulled(&self, survey: &Survey<'_>, patterns: [&Pattern; 2]) -> Option<[Pulled<Fp>; 2]> {
        let pull = |side: usize| {
            let [rows, columns] = patterns;
            self.puller.pull(side, survey.maps[side], &self.weights[side], &self.output, rows, columns)
        };
        Some([pull(0)?, pull(1)?])
    }

    /// Where the functionals differ; `None` past the limit of work.
    fn difference(&self, survey: &Survey<'_>, patterns: [&Pattern; 2]) -> Option<Difference> {
        let [left, right] = self.pulled(survey, patterns)?;
        let mut difference =
            Difference { everywhere: left.constant != right.constant, ..Difference::default() };
        collect(&left, &right, &mut difference, |a, b| a != b);
        Some(difference)
    }
}

/// The maps with polynomial weights.
struct Exact<'a> {
    puller: Puller<'a, Poly>,
    weights: [Weights<Poly>; 2],
}

impl Exact<'_> {
    fn pulled(
        &self,
        survey: &Survey<'_>,
        [rows, columns]: [&Pattern; 2],
        channel: usize,
    ) -> Result<[Pulled<Poly>; 2], SurveyLimit> {
        let unit: Vec<Poly> = (0..survey.maps[0].channels)
            .map(|o| if o == channel { Poly::one() } else { Poly::zero() })
            .collect();
        let pull = |side: usize| {
            self.puller
                .pull(side, survey.maps[side], &self.weights[side], &unit, rows, columns)
                .ok_or(SurveyLimit::Terms)
        };
        Ok([pull(0)?, pull(1)?])
    }

    /// Where the functionals differ, over all output channels, and the polynomials by which they do.
    fn difference(
        &self,
        survey: &Survey<'_>,
        patterns: [&Pattern; 2],
    ) -> Result<(Difference, Vec<Poly>), SurveyLimit> {
        let mut difference = Difference { exact: true, ..Difference::default() };
        let mut polynomials = Vec::new();
        for channel in 0..survey.maps[0].channels {
            let [left, right] = self.pulled(survey, patterns, channel)?;
            let mut differ = |a: &Poly, b: &Poly| {
                if a == b {
                    return false;
                }
                let rest = survey.symbols.reduce(&(a - b));
                let differ = !rest.is_zero();
                if differ {
                    polynomials.push(rest);
                }
                differ
            };
            difference.everywhere |= differ(&left.constant, &right.constant);
            collect(&left, &right, &mut difference, differ);
        }
        difference.support.sort_unstable();
        difference.support.dedup();
        Ok((difference, polynomials))
    }
}

fn within(at: u32, range: (u32, u32)) -> bool {
    (range.0..range.1).contains(&at)
}

/// Calls `each` with node, channel, row and column number, and both coefficients of everything that is read.
fn compare<R: Number>(left: &Pulled<R>, right: &Pulled<R>, mut each: impl FnMut(NodeId, [u32; 3], &R, &R)) {
    let zero = R::finish(R::Accumulator::default());
    let ids: BTreeSet<NodeId> = left.leaves.iter().chain(&right.leaves).map(|(id, _)| *id).collect();
    for id in ids {
        let find = |pulled: &Pulled<R>| pulled.leaves.iter().position(|(leaf, _)| *leaf == id);
        let (a, b) = (find(left).map(|at| &left.leaves[at].1), find(right).map(|at| &right.leaves[at].1));
        let Some(shape) = a.or(b) else { continue };
        let (rows, columns) = (shape.rows, shape.columns);
        for at in 0..shape.coefficients.len() {
            let position = [at / columns / rows, at / columns % rows, at % columns].map(number);
            let [a, b] = [a, b].map(|f: Option<&Functional<R>>| f.map_or(&zero, |f| &f.coefficients[at]));
            each(id, position, a, b);
        }
    }
}

/// Collects where the leaves of two pulled functionals differ.
fn collect<R: Number>(
    left: &Pulled<R>,
    right: &Pulled<R>,
    difference: &mut Difference,
    mut differ: impl FnMut(&R, &R) -> bool,
) {
    compare(left, right, |id, [_, row, column], a, b| {
        if differ(a, b) {
            if id == 0 {
                difference.support.push((row, column));
            } else {
                difference.everywhere = true;
            }
        }
    });
    difference.support.sort_unstable();
    difference.support.dedup();
}
