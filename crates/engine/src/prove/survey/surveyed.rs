//! Two maps compared at all positions of all sizes: the only state of a survey that can say that they are equal.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::compare::Compared;
use super::difference::{Difference, compare, inside};
use super::look::Sights;
use super::table::{self, Failures, Table};
use crate::axes::Axes;
use crate::ir::Sizes;
use crate::prove::verdict::Wrong;
use crate::prove::verdict::region::{Agreement, Status};
use convproof_exact::budget;
use convproof_exact::{Limited, Poly};

/// Two maps compared; whatever is called equal here was confirmed with polynomials or whole numbers.
#[derive(Debug)]
pub struct Surveyed<'a> {
    pub(super) compared: Compared<'a>,
    /// The pairs of sights at which the maps differ.
    pub(super) failures: Failures,
    pub(super) table: Table,
}

impl<'a> Surveyed<'a> {
    /// What the positions see.
    pub fn sights(&self) -> &Sights<'a> {
        &self.compared.sights
    }

    /// The pairs of sights at which the maps differ.
    pub fn failures(&self) -> &Failures {
        &self.failures
    }

    /// What happens at each size.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// How many pairs of patterns are far from all borders, where it was known that the maps agree.
    pub fn settled(&self) -> usize {
        self.compared.settled
    }

    /// Whether the maps are equal at all sizes that the claim speaks of.
    pub fn is_equal(&self) -> bool {
        !self.table.statuses.any(|status| matches!(status, Status::Sizes | Status::Values))
    }

    /// At an input size: which output positions differ for general weights and inputs.
    pub fn wrong_at(&self, size: Axes<i64>) -> Option<Wrong> {
        let axes = &self.sights().axes;
        Wrong::of([&axes[0].view(size[0])?.sights, &axes[1].view(size[1])?.sights], self.failures.rows())
    }

    /// Which positions of a typical image's output differ, if the claim speaks of one and of other sizes; those that do not are
    /// confirmed.
    pub fn typical(&mut self, sizes: &Sizes) -> Option<Wrong> {
        let positions = table::typical(&self.sights().axes, sizes)?;
        let [rows, columns] = &positions;
        let pairs = rows.keys().flat_map(|&row| columns.keys().map(move |&column| [row, column]));
        let right: Vec<Axes<u32>> = pairs.filter(|&pair| !self.failures.at(pair)).collect();
        if self.compared.confirm(right).ok()? {
            return Some(table::wrong(&positions, &self.compared.failures()));
        }
        Some(table::wrong(&positions, &self.failures))
    }

    /// All distinct polynomials by which the maps visibly differ at some positions, in order; `None` past a limit.
    pub fn visible_polynomials(&self, pairs: &BTreeSet<Axes<u32>>) -> Option<Vec<Poly>> {
        const MOST: usize = 4096;
        let sights = self.sights();
        let exact = sights.polynomials().ok()?;
        let (mut all, mut known) = (Vec::new(), FxHashSet::default());
        let mut seen = FxHashSet::default();
        let _doing = budget::doing("describing where the sides agree");
        for &pair in pairs {
            budget::spend(100);
            let difference = self.compared.differences.get(&sights.pattern_numbers(pair));
            if difference.is_none_or(Difference::is_none) || !seen.insert(pair) {
                continue;
            }
            let (patterns, visible) = (sights.patterns_of(pair), sights.visible(pair));
            for channel in 0..sights.channels() {
                let [left, right] = exact.channel(patterns, channel)?;
                let mut add = |a: &Poly, b: &Poly| {
                    let difference = if a == b { return } else { sights.symbols.numerator(&(a - b)) };
                    if !difference.is_zero() && known.insert(difference.clone()) {
                        all.push(difference);
                    }
                };
                add(&left.constant, &right.constant);
                compare(&left, &right, |id, [_, at @ ..], a, b| {
                    if id != 0 || inside(at, visible) {
                        add(a, b);
                    }
                });
            }
            if all.len().exceeds(MOST) || seen.len().exceeds(MOST) {
                return None;
            }
        }
        Some(all)
    }

    /// The border outside of which the maps agree, confirmed; `None` past a limit.
    pub fn interior(&mut self) -> Option<Agreement> {
        let (found, pairs) = table::ring(&self.sights().axes, &self.failures)?;
        if !self.compared.confirm(pairs).ok()? {
            return Some(found);
        }
        table::ring(&self.sights().axes, &self.compared.failures()).map(|(found, _)| found)
    }
}
