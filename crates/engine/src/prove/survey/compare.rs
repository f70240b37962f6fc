//! Two maps compared at every pair of patterns: modulo a prime, which refutes, and with polynomials where that shows no
//! difference.
//!
//! Says where the maps differ. Where residues showed a difference of two patterns, nothing is known yet of positions at which
//! that is not visible, so nothing here is called equal.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::difference::Difference;
use super::limit::SurveyLimit;
use super::look::Sights;
use super::sights::{Refined, number};
use super::surveyed::Surveyed;
use super::table::{Failures, Table};
use crate::axes::{Axes, each, positions};
use crate::ir::Sizes;
use crate::operator::pattern::Pattern;
use crate::prove::values::point::Point;
use convproof_exact::budget;
use convproof_exact::{Fp, SplitMix64};

/// Two maps compared at every pair of patterns.
#[derive(Debug)]
pub struct Compared<'a> {
    pub(super) sights: Sights<'a>,
    /// By the number of the pattern along each axis.
    pub(super) differences: FxHashMap<Axes<u32>, Difference>,
    /// How many of the pairs are far from all borders, where the maps agree by their normal forms.
    pub(super) settled: usize,
}

impl<'a> Compared<'a> {
    /// Compares every pair of patterns; `interior_equal` if the maps agree far from all borders, by their normal forms.
    ///
    /// # Errors
    /// [`SurveyLimit`] where positions or terms are too many.
    pub fn of(sights: Sights<'a>, interior_equal: bool) -> Result<Self, SurveyLimit> {
        let differences = differences(&sights, interior_equal)?;
        let settled =
            pattern_pairs(&sights).filter(|&pair| is_settled(&sights, pair, interior_equal)).count();
        Ok(Self { sights, differences, settled })
    }

    /// The survey, once what is to be called equal is: at the sizes at which no difference is visible.
    ///
    /// # Errors
    /// As for [`Compared::of`].
    pub fn surveyed(self, sizes: &Sizes) -> Result<Surveyed<'a>, SurveyLimit> {
        self.confirmed(sizes, Table::equal_pairs)
    }

    /// The survey, once it is certain of every position that the claim speaks of whether it differs.
    ///
    /// # Errors
    /// As for [`Compared::of`].
    pub fn surveyed_everywhere(self, sizes: &Sizes) -> Result<Surveyed<'a>, SurveyLimit> {
        self.confirmed(sizes, Table::sight_pairs)
    }

    fn confirmed(
        mut self,
        sizes: &Sizes,
        wanted: impl Fn(&Table) -> BTreeSet<Axes<u32>>,
    ) -> Result<Surveyed<'a>, SurveyLimit> {
        let mut failures = self.failures();
        let mut table = Table::new(&self.sights.axes, &failures, sizes);
        if self.confirm(wanted(&table))? {
            failures = self.failures();
            table = Table::new(&self.sights.axes, &failures, sizes);
        }
        Ok(Surveyed { compared: self, failures, table })
    }

    /// Makes sure that positions which are to be called equal are: where residues showed a difference of the
    /// patterns, but none that is visible there, the patterns are compared with polynomials. Tells whether
    /// anything was compared.
    pub(super) fn confirm(
        &mut self,
        pairs: impl IntoIterator<Item = Axes<u32>>,
    ) -> Result<bool, SurveyLimit> {
        let open: BTreeSet<Axes<u32>> = pairs
            .into_iter()
            .map(|sights| self.sights.pattern_numbers(sights))
            .filter(|pair| self.differences.get(pair).is_some_and(|difference| !difference.exact))
            .collect();
        if open.is_empty() {
            return Ok(false);
        }
        let exact = self.sights.exact()?;
        let mut found = Vec::new();
        for pair in open {
            found.push((pair, self.sights.exact_difference(&exact, patterns(&self.sights, pair))?));
        }
        self.differences.extend(found);
        Ok(true)
    }

    /// The pairs of sights at which a difference is visible.
    pub(super) fn failures(&self) -> Failures {
        let [rows, columns] = &self.sights.axes;
        budget::spend_on([rows.refined.len(), columns.refined.len()], 20);
        let row = |row: &Refined| {
            let differs = |column: &Refined| {
                let known = self.differences.get(&[row.pattern, column.pattern]);
                known.is_some_and(|difference| difference.visible([row.visible, column.visible]))
            };
            columns.refined.iter().map(differs).collect()
        };
        Failures::new(rows.refined.iter().map(row).collect())
    }
}

fn differences(
    sights: &Sights<'_>,
    interior_equal: bool,
) -> Result<FxHashMap<Axes<u32>, Difference>, SurveyLimit> {
    if sights.axes.iter().any(|axis| axis.patterns.is_empty()) {
        return Ok(FxHashMap::default());
    }
    let random = Point::random(0x5EED);
    if sights.whole_kernels().is_some_and(|kernels| kernels.differ(sights.dependence(), &random)) {
        let different = Difference { everywhere: true, exact: true, ..Difference::default() };
        return Ok(pattern_pairs(sights).map(|pair| (pair, different.clone())).collect());
    }
    let random = if sights.is_free() { sights.residues(&random) } else { None };
    let mut generator = SplitMix64::new(0x0DD);
    let output: Vec<Fp> = (0..sights.maps[0].channels).map(|_| generator.next_fp()).collect();
    let mut exact = None;
    let mut differences = FxHashMap::default();
    let _doing = budget::doing("comparing border patterns");
    for pair in pattern_pairs(sights) {
        budget::spend(100);
        let patterns = patterns(sights, pair);
        let settled = is_settled(sights, pair, interior_equal);
        let mut difference = Difference { exact: settled, ..Difference::default() };
        if let Some(random) = random.as_ref().filter(|_| !settled) {
            let pulled = random.pulled(patterns, &output).ok_or(SurveyLimit::Positions)?;
            difference.collect(&pulled, |a, b| a != b);
        }
        if !settled && difference.is_none() {
            if exact.is_none() {
                exact = Some(sights.exact()?);
            }
            difference = sights.exact_difference(exact.as_ref().ok_or(SurveyLimit::Terms)?, patterns)?;
        }
        differences.insert(pair, difference);
    }
    Ok(differences)
}

/// Whether a pair of patterns is far from all borders, and the maps agree there.
fn is_settled(sights: &Sights<'_>, pair: Axes<u32>, interior_equal: bool) -> bool {
    interior_equal && patterns(sights, pair).iter().all(|pattern| pattern.whole)
}

/// The numbers of all patterns along each axis with all others.
fn pattern_pairs(sights: &Sights<'_>) -> impl Iterator<Item = Axes<u32>> + use<> {
    positions(each(|axis| sights.axes[axis].patterns.len())).map(|pair| pair.map(number))
}

fn patterns<'s>(sights: &'s Sights<'_>, pair: Axes<u32>) -> Axes<&'s Pattern> {
    each(|axis| &*sights.axes[axis].patterns[pair[axis] as usize])
}
