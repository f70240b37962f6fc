//! Where two stacks agree: for which input sizes, and away from which borders.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::sights::AxisSurvey;
use super::survey::Survey;
use crate::ir::{Order, SizeCondition, SizeExpr, Sizes};

/// Where a refuted equality does hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// At no size (for general weights), and not in the interior either.
    Nowhere,
    /// Exactly at the sizes in at least one of these boxes.
    Sizes(Vec<SizeBox>),
    /// At every size, except within some rows and columns of the output's border: top, left, bottom, right.
    Interior {
        /// Width of the border that is wrong, per side.
        ring: [i64; 4],
        /// Whether every output in the border is wrong (for general weights), once there is an interior.
        exactly: bool,
    },
    /// At sizes that no simple condition describes; some are listed, smallest first.
    Some(Vec<[i64; 2]>),
    /// Exactly where these free scalars are 0.
    IfZero(Vec<String>),
}

/// The sizes whose height and width each satisfy a condition; `None` is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeBox {
    /// Condition on the height.
    pub height: Option<LengthSet>,
    /// Condition on the width.
    pub width: Option<LengthSet>,
}

/// A set of input lengths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LengthSet {
    /// Lengths from here on are described by the residues.
    pub from: i64,
    /// The modulus, 1 if there is none.
    pub modulus: i64,
    /// Residues that belong, sorted.
    pub residues: Vec<i64>,
    /// Smaller lengths that belong, sorted.
    pub small: Vec<i64>,
}

/// What happens at an input size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Neither stack has an output, or the claim does not speak of the size.
    Silent,
    /// Both have the same output.
    Equal,
    /// The output sizes differ.
    Sizes,
    /// Some output differs.
    Values,
}

/// The status of every pair of lengths that a survey looked at.
#[derive(Debug)]
pub struct Table {
    heights: Vec<i64>,
    widths: Vec<i64>,
    cells: Vec<Status>,
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
    fn of(axis: &AxisSurvey) -> Self {
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
    fn meet(&self, rows: &[u32], failures: &[Vec<bool>]) -> Vec<bool> {
        let mut failing = vec![false; failures.first().map_or(0, Vec::len)];
        for &row in rows {
            for (cell, &fails) in failing.iter_mut().zip(&failures[row as usize]) {
                *cell |= fails;
            }
        }
        let fails = |set: &Vec<u32>| set.iter().any(|&column| failing.get(column as usize) == Some(&true));
        self.sets.iter().map(fails).collect()
    }
}

/// Orders sizes by area, then by how far from square they are, then by height.
fn by_area([h, w]: [i64; 2]) -> (i64, i64, i64) {
    (h * w, (h - w).abs(), h)
}

impl Table {
    /// Works out the status of all sizes.
    pub fn new(survey: &Survey<'_>, failures: &[Vec<bool>], sizes: &Sizes) -> Self {
        let [rows, columns] = &survey.axes;
        let classes = [Classes::of(rows), Classes::of(columns)];
        // For each class of heights and of widths whether some output differs.
        let differ: Vec<Vec<bool>> =
            classes[0].sets.iter().map(|set| classes[1].meet(set, failures)).collect();
        let mut cells = Vec::with_capacity(rows.sizes.len() * columns.sizes.len());
        for (row, &height) in rows.sizes.iter().zip(&classes[0].of) {
            for (column, &width) in columns.sizes.iter().zip(&classes[1].of) {
                let left = row.left.is_some() && column.left.is_some();
                let right = row.right.is_some() && column.right.is_some();
                cells.push(if !(left || right) || !includes(sizes, row.n, column.n) {
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
        let lengths = |axis: &AxisSurvey| axis.sizes.iter().map(|view| view.n).collect();
        Self { heights: lengths(rows), widths: lengths(columns), cells, classes }
    }

    /// The smallest size of a wanted status, and that status: of least area, and of those the flattest.
    pub fn smallest(&self, wanted: impl Fn(Status) -> bool) -> Option<([i64; 2], Status)> {
        let mut least: Option<([i64; 2], Status)> = None;
        for (size, status) in self.all() {
            if wanted(status) && least.is_none_or(|(known, _)| by_area(size) < by_area(known)) {
                least = Some((size, status));
            }
        }
        least
    }

    /// All sizes with their status, the smallest first.
    pub fn by_area(&self) -> Vec<([i64; 2], Status)> {
        let mut all: Vec<_> = self.all().collect();
        all.sort_by_key(|(size, _)| by_area(*size));
        all
    }

    fn all(&self) -> impl Iterator<Item = ([i64; 2], Status)> {
        let sizes = self.heights.iter().flat_map(|&h| self.widths.iter().map(move |&w| [h, w]));
        sizes.zip(self.cells.iter().copied())
    }

    fn status(&self, row: usize, column: usize) -> Status {
        self.cells[row * self.widths.len() + column]
    }

    /// The pairs of row and column sights that occur at a size that is spoken of.
    pub fn sight_pairs(&self) -> BTreeSet<[u32; 2]> {
        self.pairs(|status| status != Status::Silent)
    }

    fn pairs(&self, wanted: impl Fn(Status) -> bool) -> BTreeSet<[u32; 2]> {
        let [rows, columns] = &self.classes;
        let mut met = vec![vec![false; columns.sets.len()]; rows.sets.len()];
        for (i, &height) in rows.of.iter().enumerate() {
            for (j, &width) in columns.of.iter().enumerate() {
                met[height][width] |= wanted(self.status(i, j));
            }
        }
        let mut all = BTreeSet::new();
        for (set, met) in rows.sets.iter().zip(&met) {
            for (others, _) in columns.sets.iter().zip(met).filter(|(_, met)| **met) {
                all.extend(set.iter().flat_map(|&r| others.iter().map(move |&c| [r, c])));
            }
        }
        all
    }

    /// The first spoken-of size at which a pair of sights occurs, and the output position there.
    pub fn example(&self, survey: &Survey<'_>, [row, column]: [u32; 2]) -> Option<([i64; 2], [i64; 2])> {
        let [rows, columns] = &survey.axes;
        let find = |sights: &[u32], wanted: u32| {
            sights.iter().position(|&sight| sight == wanted).and_then(|at| i64::try_from(at).ok())
        };
        rows.sizes.iter().enumerate().find_map(|(a, view)| {
            let i = find(&view.sights, row)?;
            columns.sizes.iter().enumerate().find_map(|(b, other)| {
                let j = find(&other.sights, column)?;
                (self.status(a, b) != Status::Silent).then_some(([view.n, other.n], [i, j]))
            })
        })
    }

    /// The pairs of sights that occur at sizes of status `Equal`.
    pub fn equal_pairs(&self) -> BTreeSet<[u32; 2]> {
        self.pairs(|status| status == Status::Equal)
    }

    /// Whether some size has a status.
    pub fn any(&self, wanted: impl Fn(Status) -> bool) -> bool {
        self.cells.iter().any(|&status| wanted(status))
    }

    /// Describes the sizes of status `Equal` among those that are not silent.
    pub fn describe(&self, survey: &Survey<'_>) -> Agreement {
        let equal = |i: usize, j: usize| self.status(i, j) == Status::Equal;
        let fails = |i: usize, j: usize| matches!(self.status(i, j), Status::Sizes | Status::Values);
        let (rows, columns) = (self.heights.len(), self.widths.len());
        if !self.any(|status| status == Status::Equal) {
            return Agreement::Nowhere;
        }
        // A height is good if it occurs in some equal size; a product set is one where that is all there is to it.
        let good_rows: Vec<bool> = (0..rows).map(|i| (0..columns).any(|j| equal(i, j))).collect();
        let good_columns: Vec<bool> = (0..columns).map(|j| (0..rows).any(|i| equal(i, j))).collect();
        let product = (0..rows).all(|i| {
            (0..columns).all(|j| match (good_rows[i] && good_columns[j], self.status(i, j)) {
                (_, Status::Silent) | (true, Status::Equal) => true,
                (good, _) => !good && fails(i, j),
            })
        });
        if product {
            return Agreement::Sizes(vec![self.size_box(survey, &good_rows, &good_columns)]);
        }
        if let Some(boxes) = self.boxes(survey) {
            return Agreement::Sizes(boxes);
        }
        let listed = self.by_area().into_iter().filter(|(_, status)| *status == Status::Equal);
        Agreement::Some(listed.map(|(size, _)| size).take(6).collect())
    }

    /// The equal sizes as a few largest boxes, where the claim speaks of all sizes at which there is an output.
    fn boxes(&self, survey: &Survey<'_>) -> Option<Vec<SizeBox>> {
        const MOST: usize = 4;
        let (rows, columns) = (self.heights.len(), self.widths.len());
        let spoken = |i: usize, j: usize| self.status(i, j) != Status::Silent;
        let spoken_rows: Vec<usize> = (0..rows).filter(|&i| (0..columns).any(|j| spoken(i, j))).collect();
        let spoken_columns: Vec<usize> = (0..columns).filter(|&j| (0..rows).any(|i| spoken(i, j))).collect();
        if spoken_rows.iter().any(|&i| spoken_columns.iter().any(|&j| !spoken(i, j))) {
            return None;
        }
        // At each height the widths that are equal. The largest box with just these widths has all heights at
        // which no fewer are.
        let equal =
            |i: usize| (0..columns).map(|j| self.status(i, j) == Status::Equal).collect::<Vec<bool>>();
        let at: Vec<Vec<bool>> = (0..rows).map(equal).collect();
        let mut sets: Vec<&Vec<bool>> = Vec::new();
        for widths in at.iter().filter(|widths| widths.contains(&true)) {
            if !sets.contains(&widths) {
                if sets.len() == MOST {
                    return None;
                }
                sets.push(widths);
            }
        }
        let all_of =
            |set: &[bool], widths: &[bool]| set.iter().zip(widths).all(|(wanted, has)| has | !wanted);
        let boxes = sets.into_iter().map(|set| {
            let heights: Vec<bool> = at.iter().map(|widths| all_of(set, widths)).collect();
            self.size_box(survey, &heights, set)
        });
        Some(boxes.collect())
    }

    fn size_box(&self, survey: &Survey<'_>, good_rows: &[bool], good_columns: &[bool]) -> SizeBox {
        let (rows, columns) = (self.heights.len(), self.widths.len());
        let spoken_row = |i: usize| (0..columns).any(|j| self.status(i, j) != Status::Silent);
        let spoken_column = |j: usize| (0..rows).any(|i| self.status(i, j) != Status::Silent);
        SizeBox {
            height: set(&self.heights, good_rows, spoken_row, &survey.axes[0]),
            width: set(&self.widths, good_columns, spoken_column, &survey.axes[1]),
        }
    }
}

/// The border within which all differences lie, if there is an interior without any at large sizes, and the pairs
/// of sights inside it.
pub fn ring(survey: &Survey<'_>, failures: &[Vec<bool>]) -> Option<(Agreement, BTreeSet<[u32; 2]>)> {
    let [rows, columns] = &survey.axes;
    if rows.period == 0 || rows.sizes.iter().chain(&columns.sizes).any(|view| view.left != view.right) {
        return None;
    }
    let large = |axis: &AxisSurvey| axis.sizes.iter().position(|view| view.n >= axis.from);
    let (first_row, first_column) = (large(rows)?, large(columns)?);
    let mut ring = [0_i64; 4];
    let mut exactly = true;
    let fails = |i: u32, j: u32| failures[i as usize][j as usize];
    for (axis, views, others, inner) in [
        (0, &rows.sizes[first_row..], &columns.sizes[first_column..], columns.start),
        (1, &columns.sizes[first_column..], &rows.sizes[first_row..], rows.start),
    ] {
        let fails = |own: u32, other: u32| if axis == 0 { fails(own, other) } else { fails(other, own) };
        for view in views {
            for other in others {
                let middle = other.sights.get(inner).copied()?;
                let wrong: Vec<bool> = view.sights.iter().map(|&sight| fails(sight, middle)).collect();
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
    let mut inner = BTreeSet::new();
    // Everything inside the ring must agree at every large size, corners included.
    for row in &rows.sizes[first_row..] {
        for column in &columns.sizes[first_column..] {
            let inside = |sights: &[u32], before: i64, after: i64| -> Option<Vec<u32>> {
                let (before, after) = (usize::try_from(before).ok()?, usize::try_from(after).ok()?);
                (before + after < sights.len()).then(|| distinct(&sights[before..sights.len() - after]))
            };
            let (r, c) = (inside(&row.sights, ring[0], ring[2])?, inside(&column.sights, ring[1], ring[3])?);
            if r.iter().any(|&i| c.iter().any(|&j| fails(i, j))) {
                return None;
            }
            inner.extend(r.iter().flat_map(|&i| c.iter().map(move |&j| [i, j])));
            for (at, &i) in row.sights.iter().enumerate() {
                for (to, &j) in column.sights.iter().enumerate() {
                    let on = |at: usize, n: usize, before: i64, after: i64| {
                        let at = i64::try_from(at).unwrap_or(0);
                        at < before || at >= i64::try_from(n).unwrap_or(0) - after
                    };
                    let border = on(at, row.sights.len(), ring[0], ring[2])
                        || on(to, column.sights.len(), ring[1], ring[3]);
                    exactly &= border == fails(i, j);
                }
            }
        }
    }
    Some((Agreement::Interior { ring, exactly }, inner))
}

fn distinct(sights: &[u32]) -> Vec<u32> {
    let mut all = sights.to_vec();
    all.sort_unstable();
    all.dedup();
    all
}

/// The good lengths among those spoken of, described with the smallest modulus; `None` if all are good.
fn set(
    lengths: &[i64],
    good: &[bool],
    spoken: impl Fn(usize) -> bool,
    axis: &AxisSurvey,
) -> Option<LengthSet> {
    let spoken: Vec<usize> = (0..lengths.len()).filter(|&at| spoken(at)).collect();
    if spoken.iter().all(|&at| good[at]) {
        return None;
    }
    let large: Vec<usize> = spoken.iter().copied().filter(|&at| lengths[at] >= axis.from).collect();
    let modulus = (1..=axis.period)
        .filter(|m| axis.period % m == 0)
        .find(|m| {
            large
                .iter()
                .all(|&a| large.iter().all(|&b| (lengths[a] - lengths[b]) % m != 0 || good[a] == good[b]))
        })
        .unwrap_or(axis.period.max(1));
    let mut residues: Vec<i64> =
        large.iter().filter(|&&at| good[at]).map(|&at| lengths[at] % modulus).collect();
    residues.sort_unstable();
    residues.dedup();
    // Take in smaller lengths as long as the residues describe them too.
    let fits = |at: usize| residues.contains(&(lengths[at] % modulus)) == good[at];
    let odd = spoken.iter().rposition(|&at| lengths[at] < axis.from && !fits(at));
    let from = odd.map_or(1, |at| lengths[spoken[at]] + 1);
    let small = spoken
        .iter()
        .map(|&at| (lengths[at], good[at]))
        .filter(|&(n, good)| n < from && good)
        .map(|(n, _)| n);
    Some(LengthSet { from, modulus, small: small.collect(), residues })
}

/// Whether a claim speaks of a size.
pub fn includes(sizes: &Sizes, h: i64, w: i64) -> bool {
    match sizes {
        Sizes::All => true,
        Sizes::One(size) => *size == [h, w],
        Sizes::Where(condition) => holds(condition, h, w),
    }
}

fn holds(condition: &SizeCondition, h: i64, w: i64) -> bool {
    match condition {
        SizeCondition::And(a, b) => holds(a, h, w) && holds(b, h, w),
        SizeCondition::Or(a, b) => holds(a, h, w) || holds(b, h, w),
        SizeCondition::Not(a) => !holds(a, h, w),
        SizeCondition::Compare(a, order, b) => {
            let (a, b) = (size_value(a, h, w), size_value(b, h, w));
            match order {
                Order::Eq => a == b,
                Order::Ne => a != b,
                Order::Lt => a < b,
                Order::Le => a <= b,
                Order::Gt => a > b,
                Order::Ge => a >= b,
            }
        }
    }
}

/// Saturating: the resolver bounds constants so that no sum or product of two terms gets near the ends.
fn size_value(expr: &SizeExpr, h: i64, w: i64) -> i64 {
    match expr {
        SizeExpr::Height => h,
        SizeExpr::Width => w,
        SizeExpr::Constant(value) => *value,
        SizeExpr::Add(a, b) => size_value(a, h, w).saturating_add(size_value(b, h, w)),
        SizeExpr::Sub(a, b) => size_value(a, h, w).saturating_sub(size_value(b, h, w)),
        SizeExpr::Mul(a, b) => size_value(a, h, w).saturating_mul(size_value(b, h, w)),
        SizeExpr::Rem(a, m) => size_value(a, h, w).rem_euclid(*m),
    }
}

/// What a condition adds to the horizon: a bound `R` on everything that `±h` and `±w` are compared with, and its
/// period. Beyond the horizon a size can be moved by whole periods, as long as `h`, `w` and `h − w` stay on the
/// same side of everything up to `R` (`docs/semantics.md`).
pub fn reach(sizes: &Sizes) -> (i64, i64) {
    fn of_expr(expr: &SizeExpr) -> (i64, i64) {
        match expr {
            SizeExpr::Height | SizeExpr::Width => (0, 1),
            SizeExpr::Constant(value) => (value.saturating_abs(), 1),
            SizeExpr::Add(a, b) | SizeExpr::Sub(a, b) => {
                let ((r, m), (s, k)) = (of_expr(a), of_expr(b));
                (r.saturating_add(s), lcm(m, k))
            }
            SizeExpr::Mul(a, b) => {
                let ((r, m), (s, k)) = (of_expr(a), of_expr(b));
                (r.saturating_mul(s), lcm(m, k))
            }
            SizeExpr::Rem(a, m) => (*m, lcm(*m, of_expr(a).1)),
        }
    }
    fn of(condition: &SizeCondition) -> (i64, i64) {
        match condition {
            SizeCondition::And(a, b) | SizeCondition::Or(a, b) => {
                let ((r, m), (s, k)) = (of(a), of(b));
                (r.max(s), lcm(m, k))
            }
            SizeCondition::Not(a) => of(a),
            SizeCondition::Compare(a, _, b) => {
                let ((r, m), (s, k)) = (of_expr(a), of_expr(b));
                (r.saturating_add(s), lcm(m, k))
            }
        }
    }
    match sizes {
        Sizes::Where(condition) => of(condition),
        Sizes::All | Sizes::One(_) => (0, 1),
    }
}

/// The least common multiple, saturating.
fn lcm(a: i64, b: i64) -> i64 {
    (a / num_integer::gcd(a, b)).saturating_mul(b)
}
