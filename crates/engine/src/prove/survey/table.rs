//! What a survey says of sizes: the status of each, the pairs of sights that occur there, and the border outside of
//! which two stacks agree.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::condition::includes;
use super::sights::{AxisSights, SizeView};
use crate::ir::{Axes, Sizes};
use crate::prove::verdict::region::{Agreement, Status, Statuses};
use crate::prove::verdict::{TYPICAL, Wrong};
use convproof_exact::Limited;
use convproof_exact::budget;

/// The pairs of sights at which two stacks differ. Of what is not among them whoever calls sizes equal has shown that the
/// stacks are equal there.
#[derive(Clone, Debug)]
pub struct Failures(Vec<Vec<bool>>);

impl Failures {
    /// For each sight of the rows the sights of the columns at which something differs.
    pub fn new(rows: Vec<Vec<bool>>) -> Self {
        Self(rows)
    }

    /// The same.
    pub fn rows(&self) -> &[Vec<bool>] {
        &self.0
    }

    /// Whether something differs at a pair of sights.
    pub fn at(&self, [row, column]: Axes<u32>) -> bool {
        self.0[row as usize][column as usize]
    }
}

/// The status of every pair of lengths that a survey looked at.
#[derive(Debug)]
pub struct Table {
    /// The statuses.
    pub statuses: Statuses,
    /// Of heights and of widths.
    classes: [Classes; 2],
}

/// Input lengths along an axis, those together at which the same sights occur.
#[derive(Debug)]
struct Classes {
    /// The class of each length that was looked at.
    of: Vec<usize>,
    /// The sights that occur at the lengths of each class, sorted.
    sets: Vec<Vec<u32>>,
}

impl Classes {
    fn of(axis: &AxisSights) -> Self {
        let mut known: FxHashMap<Vec<u32>, usize> = FxHashMap::default();
        let mut sets = Vec::new();
        let of = axis.sizes.iter().map(|view| {
            let set = distinct(&view.sights);
            *known.entry(set).or_insert_with_key(|set| {
                sets.push(set.clone());
                sets.len() - 1
            })
        });
        Self { of: of.collect(), sets }
    }

    /// For each class of column sights whether one of them fails together with one of some row sights.
    fn meet(&self, rows: &[u32], failures: &Failures) -> Vec<bool> {
        let mut failing = vec![false; failures.0.first().map_or(0, Vec::len)];
        for &row in rows {
            budget::spend_on(failing.len(), 1);
            for (cell, &fails) in failing.iter_mut().zip(&failures.0[row as usize]) {
                *cell |= fails;
            }
        }
        let fails = |set: &Vec<u32>| set.iter().any(|&column| failing.get(column as usize) == Some(&true));
        self.sets.iter().map(fails).collect()
    }
}

impl Table {
    /// Works out the status of all sizes.
    pub fn new(axes: &Axes<AxisSights>, failures: &Failures, sizes: &Sizes) -> Self {
        Self::of(axes, Some(failures), sizes)
    }

    /// The statuses while nothing was compared: no size is called equal, as values may differ wherever both sides have outputs of
    /// one size.
    pub fn uncompared(axes: &Axes<AxisSights>, sizes: &Sizes) -> Self {
        Self::of(axes, None, sizes)
    }

    fn of(axes: &Axes<AxisSights>, failures: Option<&Failures>, sizes: &Sizes) -> Self {
        let [rows, columns] = axes;
        let classes = [Classes::of(rows), Classes::of(columns)];
        // For each class of heights and of widths whether some output differs.
        let differ = |set: &Vec<u32>| match failures {
            Some(failures) => classes[1].meet(set, failures),
            None => vec![true; classes[1].sets.len()],
        };
        let differ: Vec<Vec<bool>> = classes[0].sets.iter().map(differ).collect();
        budget::spend_on([rows.sizes.len(), columns.sizes.len()], 20);
        let mut cells = Vec::with_capacity(rows.sizes.len() * columns.sizes.len());
        for (row, &height) in rows.sizes.iter().zip(&classes[0].of) {
            for (column, &width) in columns.sizes.iter().zip(&classes[1].of) {
                let left = row.left.is_some() && column.left.is_some();
                let right = row.right.is_some() && column.right.is_some();
                cells.push(if !(left || right) || !includes(sizes, [row.n, column.n]) {
                    Status::Silent
                } else if row.left != row.right || column.left != column.right {
                    Status::Sizes
                } else if differ[height][width] {
                    Status::Values
                } else {
                    Status::Equal
                });
            }
        }
        let lengths = |axis: &AxisSights| axis.sizes.iter().map(|view| view.n).collect();
        let cycles = [rows, columns].map(|axis| (axis.from, axis.period));
        Self { statuses: Statuses::new([lengths(rows), lengths(columns)], cells, cycles), classes }
    }

    /// The pairs of row and column sights that occur at a size that is spoken of.
    pub fn sight_pairs(&self) -> BTreeSet<Axes<u32>> {
        self.pairs(|status| status != Status::Silent)
    }

    fn pairs(&self, wanted: impl Fn(Status) -> bool) -> BTreeSet<Axes<u32>> {
        let [rows, columns] = &self.classes;
        let mut met = vec![vec![false; columns.sets.len()]; rows.sets.len()];
        for (i, &height) in rows.of.iter().enumerate() {
            budget::spend_on(columns.of.len(), 2);
            for (j, &width) in columns.of.iter().enumerate() {
                met[height][width] |= wanted(self.statuses.status(i, j));
            }
        }
        let mut all = BTreeSet::new();
        for (set, met) in rows.sets.iter().zip(&met) {
            for (others, _) in columns.sets.iter().zip(met).filter(|(_, met)| **met) {
                budget::spend_on([set.len(), others.len()], 100);
                all.extend(set.iter().flat_map(|&r| others.iter().map(move |&c| [r, c])));
            }
        }
        all
    }

    /// The first spoken-of size at which a pair of sights occurs, and the output position there.
    pub fn example(
        &self,
        axes: &Axes<AxisSights>,
        [row, column]: Axes<u32>,
    ) -> Option<(Axes<i64>, Axes<i64>)> {
        let [rows, columns] = axes;
        let find = |sights: &[u32], wanted: u32| {
            sights.iter().position(|&sight| sight == wanted).and_then(|at| i64::try_from(at).ok())
        };
        rows.sizes.iter().enumerate().find_map(|(a, view)| {
            let i = find(&view.sights, row)?;
            columns.sizes.iter().enumerate().find_map(|(b, other)| {
                let j = find(&other.sights, column)?;
                (self.statuses.status(a, b) != Status::Silent).then_some(([view.n, other.n], [i, j]))
            })
        })
    }

    /// The smallest size of at most [`LARGEST`] rows and columns at which some output positions differ and some do not.
    pub fn telling(&self, axes: &Axes<AxisSights>, failures: &Failures) -> Option<Axes<i64>> {
        let small = |size: Axes<i64>| size.iter().all(|&length| length.within(LARGEST));
        let mut sizes = self.statuses.by_area().into_iter();
        let found = sizes.find(|&(size, status)| {
            let wrong = || positions(axes, size).map(|positions| wrong(&positions, failures));
            status == Status::Values && small(size) && wrong().is_some_and(|found| found.count < found.all)
        });
        found.map(|(size, _)| size)
    }

    /// The pairs of sights that occur at sizes of status `Equal`.
    pub fn equal_pairs(&self) -> BTreeSet<Axes<u32>> {
        self.pairs(|status| status == Status::Equal)
    }
}

/// Counterexamples that show a border have at most so many rows and columns.
const LARGEST: i64 = 8;

/// How often each row sight and each column sight occurs at a size.
pub type Positions = Axes<FxHashMap<u32, usize>>;

/// What is seen at the output positions of a size, looked at or not; `None` if the outputs have different sizes or there are
/// none.
fn positions(axes: &Axes<AxisSights>, size: Axes<i64>) -> Option<Positions> {
    Some([axes[0].occurrences(size[0])?, axes[1].occurrences(size[1])?])
}

/// At how many output positions two stacks differ, of how many.
pub fn wrong([rows, columns]: &Positions, failures: &Failures) -> Wrong {
    let (mut count, mut all) = (0_usize, 0_usize);
    for (&row, down) in rows {
        for (&column, across) in columns {
            let here = down.saturating_mul(*across);
            all = all.saturating_add(here);
            if failures.at([row, column]) {
                count = count.saturating_add(here);
            }
        }
    }
    Wrong { count, all, map: None }
}

/// What is seen at the output positions of an image of typical size, for a claim that speaks of it and of others.
pub fn typical(axes: &Axes<AxisSights>, sizes: &Sizes) -> Option<Positions> {
    let many = axes[0].period > 0;
    positions(axes, TYPICAL).filter(|_| many && includes(sizes, TYPICAL))
}

/// The border within which all differences lie, if there is an interior without any at large sizes, and the pairs
/// of sights inside it.
pub fn ring(axes: &Axes<AxisSights>, failures: &Failures) -> Option<(Agreement, BTreeSet<Axes<u32>>)> {
    let [rows, columns] = axes;
    if rows.period == 0 {
        return None;
    }
    let large = |axis: &AxisSights| axis.sizes.iter().position(|view| view.n >= axis.from);
    let (first_row, first_column) = (large(rows)?, large(columns)?);
    // Small sizes may differ in shape: nothing is said of them.
    let unlike = |view: &SizeView| view.left != view.right;
    if rows.sizes[first_row..].iter().chain(&columns.sizes[first_column..]).any(unlike) {
        return None;
    }
    let fails = |i: u32, j: u32| failures.at([i, j]);
    let large = [&rows.sizes[first_row..], &columns.sizes[first_column..]];
    let periods = [rows, columns].map(|axis| usize::try_from(axis.period).unwrap_or(usize::MAX));
    let (ring, mut exactly) = borders(large, [rows.start, columns.start], periods, fails)?;
    // The sights inside the ring and on it; sizes with the same say the same.
    let split = |views: &[SizeView], before: i64, after: i64| -> Option<BTreeSet<[Vec<u32>; 2]>> {
        let (before, after) = (usize::try_from(before).ok()?, usize::try_from(after).ok()?);
        let split = |SizeView { sights, .. }: &SizeView| {
            budget::spend_on(sights.len(), 10);
            let end = sights.len().checked_sub(after).filter(|end| before < *end)?;
            let on = [&sights[..before], &sights[end..]].concat();
            Some([distinct(&sights[before..end]), distinct(&on)])
        };
        views.iter().map(split).collect()
    };
    let (rows, columns) = (split(large[0], ring[0], ring[2])?, split(large[1], ring[1], ring[3])?);
    let mut inner = BTreeSet::new();
    // Everything inside the ring must agree at every large size, corners included.
    for [rows, rows_on] in &rows {
        for [columns, columns_on] in &columns {
            budget::spend_on([rows.len(), columns.len()], 100);
            budget::spend_on([rows.len() + rows_on.len(), columns.len() + columns_on.len()], 2);
            let any = |rows: &[u32], columns: &[u32], wanted: bool| {
                rows.iter().any(|&i| columns.iter().any(|&j| fails(i, j) == wanted))
            };
            if any(rows, columns, true) {
                return None;
            }
            inner.extend(rows.iter().flat_map(|&i| columns.iter().map(move |&j| [i, j])));
            exactly &= !any(rows_on, columns, false)
                && !any(rows, columns_on, false)
                && !any(rows_on, columns_on, false);
        }
    }
    Some((Agreement::Interior { ring, exactly }, inner))
}

/// How many rows and columns at the top, left, bottom and right hold all differences of the middle column and row at large
/// sizes, and whether all of those differ; `None` where more of them differ a period later, so that it is no border.
fn borders(
    [rows, columns]: [&[SizeView]; 2],
    inner: [usize; 2],
    periods: [usize; 2],
    fails: impl Fn(u32, u32) -> bool,
) -> Option<([i64; 4], bool)> {
    let mut ring = [0_i64; 4];
    let mut exactly = true;
    for (axis, views, others, inner) in [(0, rows, columns, inner[1]), (1, columns, rows, inner[0])] {
        let fails = |own: u32, other: u32| if axis == 0 { fails(own, other) } else { fails(other, own) };
        // Sizes with one sight in the middle say the same.
        let middles: Option<BTreeSet<u32>> =
            others.iter().map(|other| other.sights.get(inner).copied()).collect();
        for middle in middles? {
            let mut counts = Vec::new();
            for view in views {
                budget::spend_on(view.sights.len(), 3);
                let wrong: Vec<bool> = view.sights.iter().map(|&sight| fails(sight, middle)).collect();
                // What a period adds lies inside (Theorem 10b).
                let count = wrong.iter().filter(|&&wrong| wrong).count();
                let before = counts.len().checked_sub(periods[axis]).map(|at| counts[at]);
                if before.is_some_and(|before| before != count) {
                    return None;
                }
                counts.push(count);
                let start = wrong.iter().take_while(|&&wrong| wrong).count();
                let end = wrong.iter().rev().take_while(|&&wrong| wrong).count();
                let (last_start, last_end) = (
                    wrong.iter().take(wrong.len() / 2).rposition(|&wrong| wrong).map_or(0, |at| at + 1),
                    wrong
                        .iter()
                        .skip(wrong.len() / 2)
                        .position(|&wrong| wrong)
                        .map_or(0, |at| wrong.len() - wrong.len() / 2 - at),
                );
                exactly &= start == last_start && end == last_end;
                let signed = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
                ring[axis] = ring[axis].max(signed(last_start));
                ring[axis + 2] = ring[axis + 2].max(signed(last_end));
            }
        }
    }
    Some((ring, exactly))
}

fn distinct(sights: &[u32]) -> Vec<u32> {
    let mut all = sights.to_vec();
    all.sort_unstable();
    all.dedup();
    all
}
