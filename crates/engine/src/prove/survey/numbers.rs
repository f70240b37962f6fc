//! Two maps whose weights are numbers, compared exactly and in integers: no polynomial is made.

use std::cell::OnceCell;

use num_bigint::BigInt;
use num_traits::Signed;

use super::difference::{Difference, MapPair, compare, leaves};
use crate::axes::Axes;
use crate::operator::integers::{Denominators, Whole};
use crate::operator::pattern::Pattern;
use crate::operator::pull::Pulled;
use crate::operator::{Affine, NodeId, Operators};

/// Two maps with numbers for weights.
pub struct NumericMaps<'a> {
    operators: &'a Operators,
    nodes: &'a [NodeId],
    maps: [&'a Affine; 2],
    denominators: Denominators,
    /// In double words, while these suffice.
    doubles: Option<MapPair<'a, i128>>,
    bigs: OnceCell<Option<MapPair<'a, BigInt>>>,
}

/// By how much an output channel of two maps differs: sums of magnitudes over one denominator for the input's
/// coefficients and another one for the constant.
pub struct Sums {
    /// For each read row and column the sum over input channels, as sums from the first row and column on: entry
    /// `[i][j]` is that of the first `i` rows and `j` columns.
    prefix: Vec<Vec<BigInt>>,
    /// The magnitude of the constants' difference.
    pub constant: BigInt,
}

impl Sums {
    /// The sum over the positions that lie in the input.
    pub fn within(&self, [rows, columns]: Axes<(u32, u32)>) -> BigInt {
        let at = |row: u32, column: u32| {
            let row = self.prefix.get(row as usize).or_else(|| self.prefix.last());
            row.and_then(|row| row.get(column as usize).or_else(|| row.last())).cloned().unwrap_or_default()
        };
        at(rows.1, columns.1) - at(rows.0, columns.1) - at(rows.1, columns.0) + at(rows.0, columns.0)
    }
}

/// The signs of the differences of an output channel.
pub struct Signs {
    /// Of the constants' difference.
    pub constant: i64,
    /// Of those of the input's coefficients, by channel, row and column number; zeros left out.
    pub coefficients: Vec<([u32; 3], i64)>,
}

impl<'a> NumericMaps<'a> {
    /// The maps, if their weights are numbers and no mean has a divisor that depends on the position.
    pub fn new(operators: &'a Operators, nodes: &'a [NodeId], maps: [&'a Affine; 2]) -> Option<Self> {
        let denominators = Denominators::of(operators, nodes, maps)?;
        let doubles = MapPair::integers(operators, nodes, maps, &denominators);
        Some(Self { operators, nodes, maps, denominators, doubles, bigs: OnceCell::new() })
    }

    /// What the sums are integers over.
    pub fn denominators(&self) -> &Denominators {
        &self.denominators
    }

    fn bigs(&self) -> Option<&MapPair<'a, BigInt>> {
        let make = || MapPair::integers(self.operators, self.nodes, self.maps, &self.denominators);
        self.bigs.get_or_init(make).as_ref()
    }

    /// The sums for one output channel; `None` past a limit, or if something else than the input is read differently.
    pub fn sums(&self, patterns: Axes<&Pattern>, channel: usize) -> Option<Sums> {
        self.either(
            |pair| sums(&pair.channel(patterns, channel)?),
            |pair| sums(&pair.channel(patterns, channel)?),
        )
    }

    /// The signs for one output channel; `None` past a limit.
    pub fn signs(&self, patterns: Axes<&Pattern>, channel: usize) -> Option<Signs> {
        self.either(
            |pair| signs(&pair.channel(patterns, channel)?),
            |pair| signs(&pair.channel(patterns, channel)?),
        )
    }

    /// Where the maps differ, over all output channels; `None` past a limit.
    pub fn difference(&self, patterns: Axes<&Pattern>) -> Option<Difference> {
        self.either(|pair| difference(pair, patterns), |pair| difference(pair, patterns))
    }

    /// What is found in double words, or else in integers of any size.
    fn either<T>(
        &self,
        doubles: impl FnOnce(&MapPair<'a, i128>) -> Option<T>,
        bigs: impl FnOnce(&MapPair<'a, BigInt>) -> Option<T>,
    ) -> Option<T> {
        if let Some(pair) = &self.doubles {
            let found = doubles(pair);
            if found.is_some() || pair.is_exhausted() {
                return found;
            }
        }
        bigs(self.bigs()?)
    }
}

fn difference<R: Whole>(pair: &MapPair<'_, R>, patterns: Axes<&Pattern>) -> Option<Difference> {
    let mut difference = Difference { exact: true, ..Difference::default() };
    for channel in 0..pair.channels() {
        difference.collect(&pair.channel(patterns, channel)?, |a, b| a != b);
    }
    Some(difference)
}

fn sums<R: Whole>(pulled: &[Pulled<R>; 2]) -> Option<Sums> {
    let [left, right] = pulled;
    let zero = R::finish(R::Accumulator::default());
    let (mut cells, mut columns) = (Vec::new(), 0);
    for (id, both) in leaves(left, right) {
        // Only the input's coefficients have a bound.
        if id != 0 {
            return None;
        }
        let Some(shape) = both[0].or(both[1]) else { continue };
        let (area, count) = (shape.extents.iter().product::<usize>(), shape.coefficients.len());
        let [a, b] = both.map(|side| side.map(|side| side.coefficients.as_slice()));
        let difference = |at: usize| match (a, b) {
            (Some(a), Some(b)) => a[at].minus(&b[at]),
            _ => a.map_or(&zero, |a| &a[at]).minus(b.map_or(&zero, |b| &b[at])),
        };
        let [_, width] = shape.extents;
        (cells, columns) = (vec![zero.clone(); area], width);
        for channel in (0..count).step_by(area.max(1)) {
            for (at, cell) in cells.iter_mut().enumerate() {
                if !difference(channel + at)?.add_magnitude(cell) {
                    return None;
                }
            }
        }
    }
    let constant = left.constant.minus(&right.constant)?.to_big().abs();
    let mut prefix = vec![vec![BigInt::ZERO; columns + 1]];
    for row in cells.chunks(columns.max(1)) {
        let above = prefix.last()?;
        let mut sum = BigInt::ZERO;
        let mut line = vec![BigInt::ZERO];
        for (cell, above) in row.iter().zip(&above[1..]) {
            sum += cell.to_big();
            line.push(&sum + above);
        }
        prefix.push(line);
    }
    Some(Sums { prefix, constant })
}

fn signs<R: Whole>(pulled: &[Pulled<R>; 2]) -> Option<Signs> {
    let [left, right] = pulled;
    let mut coefficients = Vec::new();
    let mut fits = true;
    compare(left, right, |id, at, a, b| match a.minus(b).map(|difference| difference.sign()) {
        Some(0) => {}
        Some(sign) if id == 0 => coefficients.push((at, sign)),
        _ => fits = false,
    });
    let constant = left.constant.minus(&right.constant)?.sign();
    fits.then_some(Signs { constant, coefficients })
}
