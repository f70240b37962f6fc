//! Approximate equality of stacks with nonlinear layers: how far apart they are at most, and images that show how far.
//!
//! The difference of both sides is a sum of pixels, maxima and other functions (`forms/terms.rs`), bounded by `bounder.rs`;
//! images at which a bound may be attained are tried, and replayed where they show more than the claim allows. Means over whole
//! signals are sums at one size, so small sizes are tried one by one.

use rustc_hash::FxHashMap;

use super::bounder::{Bounder, DifferenceBound};
use super::linear;
use super::outcome;
use super::rounded::Rounded;
use super::shown::{Attempts, Shown};
use crate::evaluate::{Functions, Weights};
use crate::forms::Unsupported;
use crate::forms::arena::{Arena, Form};
use crate::forms::net::ChannelBlocks;
use crate::ir::{Sizes, StackClaim, Symbols, Tolerance};
use crate::prove::stacks::kinks;
use crate::prove::stacks::terms;
use crate::prove::stacks::words::SumComparison;
use crate::prove::survey::condition;
use crate::prove::values::hull::Pixel;
use crate::prove::verdict::Worst;
use crate::prove::verdict::counterexample::{Counterexample, roots_in};
use crate::prove::verdict::region::Status;
use crate::prove::verdict::{Derivation, Doubt, Limit, StackProof, StackVerdict, StackWitness};
use crate::prove::witness::probe::Probe;
use crate::prove::witness::search;
use convproof_exact::Rational;
use convproof_exact::budget::doing;
use std::sync::Arc;

/// Bits of square roots that are rounded.
const BITS: u32 = 256;

/// Positions at which a difference beyond the bound is looked for.
const MAX_PLACES: usize = 32;

/// Positions at which the evaluator is asked for functions with irrational values.
const MAX_NEAR_PLACES: usize = 4;

/// How much larger sizes are tried than the smallest ones at which sides differ.
const MAX_LARGER: i64 = 4;

/// Pixels that are turned one by one to make a difference larger.
const MAX_TURNS: usize = 256;

/// Decides `left ~= right within bound for |x| <= range` where layers are nonlinear; `None` where the stacks are not read as
/// sums of terms.
pub fn decide(claim: &StackClaim, tolerance: &Tolerance, symbols: &Symbols) -> Option<StackVerdict> {
    let _doing = doing("bounding nonlinear terms");
    if let Some(equal) = equal(claim, tolerance, symbols) {
        return Some(equal);
    }
    let (error, claimed) = with_rational_weights(claim, tolerance, symbols);
    let mut compared = match SumComparison::new(&claimed, symbols, ChannelBlocks::Apart) {
        Ok(compared) => compared,
        Err(Unsupported::TooLarge) => return Some(StackVerdict::Unknown(Doubt::Limit(Limit::Terms))),
        Err(_) => return None,
    };
    if let Some((size, _)) = compared.table.statuses.smallest(|status| status == Status::Sizes) {
        return Some(outcome::unequal(claim, symbols, size));
    }
    let forms = differing(&compared);
    let weights = search::plain_weights(claim, symbols);
    let near = [&*claimed.left, &*claimed.right];
    let attempts = Attempts { claim, tolerance, symbols, near, error: error.clone() };
    let means = compared.arena.has_means();
    if !is_numeric(&compared, &forms) {
        let beyond =
            Beyond { claim, tolerance, symbols, compared: &compared, weights: &weights, attempts: &attempts };
        let pairs = forms.iter().map(|(pair, ..)| *pair).filter(|_| means);
        return Some(beyond.at_single_sizes(pairs, None));
    }
    let mut bounder = Bounder::new(&mut compared.arena, &compared.insides, tolerance.range.clone());
    let mut all = Vec::new();
    for (pair, block, form) in forms {
        let difference = bounder.difference(&form)?;
        all.push((pair, block, form, difference));
    }
    // The first of the worst.
    all.sort_by(|a, b| b.3.bound.cmp(&a.3.bound));
    let Some((.., form, first)) = all.first() else {
        return Some(outcome::proved(
            error.clone(),
            error.is_zero(),
            tolerance,
            Derivation::Read(compared.read),
        ));
    };
    let arena = &compared.arena;
    let none = Weights::new();
    let functions = !arena.has_no_functions();
    let attained = || largest(arena, &none, form, &first.images, &tolerance.range);
    let exact = !functions && !means && attained()?.0 == first.bound;
    let worst = &first.bound + &error;
    if tolerance.allows(&worst, &Rational::ZERO) {
        let read = Derivation::Read(compared.read.clone());
        return Some(outcome::proved(worst, exact && error.is_zero(), tolerance, read));
    }
    let beyond =
        Beyond { claim, tolerance, symbols, compared: &compared, weights: &weights, attempts: &attempts };
    let found = if means {
        beyond.at_single_sizes(all.iter().map(|(pair, ..)| *pair), Some(&worst))
    } else if functions {
        beyond.with_functions(all, worst)
    } else {
        beyond.attained(all, &error, worst, exact)?
    };
    Some(found.after(Derivation::Read(compared.read.clone())))
}

/// The proof that sides with square roots in their weights are equal, if they are the same sums.
fn equal(claim: &StackClaim, tolerance: &Tolerance, symbols: &Symbols) -> Option<StackVerdict> {
    if roots_in([&claim.left, &claim.right], symbols).is_empty() {
        return None;
    }
    let compared = SumComparison::new(claim, symbols, ChannelBlocks::Apart).ok()?;
    let differs = compared.table.statuses.any(|status| matches!(status, Status::Sizes | Status::Values));
    let proved = || outcome::proved(Rational::ZERO, true, tolerance, Derivation::Read(compared.read));
    (!differs).then(proved)
}

/// The claim with rational weights in place of square roots, and what the difference may be off by.
fn with_rational_weights(
    claim: &StackClaim,
    tolerance: &Tolerance,
    symbols: &Symbols,
) -> (Rational, StackClaim) {
    match Rounded::of(claim, symbols, BITS, &tolerance.range) {
        Some(Rounded { stacks: [left, right], error }) => {
            (error, StackClaim { left: Arc::new(left), right: Arc::new(right), ..claim.clone() })
        }
        None => (Rational::ZERO, claim.clone()),
    }
}

/// The pairs of patterns that the claim speaks of, the channels that differ there, and left minus right.
fn differing(compared: &SumComparison) -> Vec<([u32; 2], usize, Form)> {
    let found = compared.table.sight_pairs().into_iter().map(|pair| {
        let here = compared.differences.get(&(pair[0], pair[1])).into_iter().flatten();
        here.map(move |(block, form)| (pair, *block, form.clone()))
    });
    found.flatten().collect()
}

/// Whether no free weight occurs in differences, or in what their means are taken of.
fn is_numeric(compared: &SumComparison, forms: &[([u32; 2], usize, Form)]) -> bool {
    let insides = compared.insides.values().flatten().flat_map(|position| position.values());
    forms.iter().map(|(.., form)| form).chain(insides).all(|form| terms::is_numeric(&compared.arena, form))
}

/// An output position, a sum that differs there, and a bound on it.
type Differing = ([u32; 2], usize, Form, DifferenceBound);

/// What it takes to look for images that pass a bound.
struct Beyond<'a> {
    claim: &'a StackClaim,
    tolerance: &'a Tolerance,
    symbols: &'a Symbols,
    compared: &'a SumComparison,
    weights: &'a Weights,
    attempts: &'a Attempts<'a>,
}

impl Beyond<'_> {
    /// Means: what single sizes show, at which they are sums, of a difference that is at most a number, if that is known.
    fn at_single_sizes(
        &self,
        pairs: impl Iterator<Item = [u32; 2]>,
        worst: Option<&Rational>,
    ) -> StackVerdict {
        let &Self { claim, tolerance, symbols, .. } = self;
        let mut most = Rational::ZERO;
        for size in self.small_sizes(pairs) {
            let one = StackClaim { sizes: Sizes::One(size), ..claim.clone() };
            match linear::decide(&one, tolerance, symbols) {
                Ok(StackVerdict::Refuted(found)) => {
                    let StackWitness::Excess(found) = &found.witness else { continue };
                    let worst = match (worst, found.worst()) {
                        (Some(worst), _) if found.counterexample().shows(worst) => Worst::Is(worst.clone()),
                        (Some(worst), _) => Worst::AtMost(worst.clone()),
                        (None, Worst::Unbounded) => Worst::Unbounded,
                        (None, _) => continue,
                    };
                    return outcome::excess(Some(found.counterexample().clone()), worst, tolerance);
                }
                Ok(StackVerdict::Proved(StackProof::Within(found, _))) if found.is_exact() => {
                    most = most.max(found.worst().clone());
                }
                Ok(StackVerdict::Unknown(Doubt::Between { found, .. })) => most = most.max(found),
                _ => {}
            }
        }
        let Some(worst) = worst else { return StackVerdict::Unknown(Doubt::Unbounded) };
        // At the one size of a claim images of one value are all that is tried.
        let shown = if claim.sizes.one().is_some() { self.attempts.farthest(&[]) } else { None };
        match shown {
            Some(Shown { difference, image, at }) if self.attempts.passes(&difference) => {
                let found = outcome::beyond(claim, tolerance, symbols, &self.attempts.weights(), image, at);
                outcome::excess(found, Worst::AtMost(worst.clone()), tolerance)
            }
            shown => {
                let found = shown.map_or(most, |shown| shown.difference);
                StackVerdict::Unknown(Doubt::Between { found, at_most: worst.clone() })
            }
        }
    }

    /// Sizes of the claim at which the sides differ, and some that are a little larger; none where the claim is about one.
    fn small_sizes(&self, pairs: impl Iterator<Item = [u32; 2]>) -> Vec<[i64; 2]> {
        let sizes = &self.claim.sizes;
        if sizes.one().is_some() {
            return Vec::new();
        }
        let mut first: Vec<[i64; 2]> =
            pairs.filter_map(|pair| Some(self.compared.example(pair)?.0)).collect();
        first.sort_unstable();
        first.dedup();
        let larger = |size: [i64; 2]| (0..MAX_LARGER).map(move |more| size.map(|n| n.saturating_add(more)));
        let all = first.into_iter().take(MAX_NEAR_PLACES).flat_map(larger);
        all.filter(|size| condition::includes(sizes, *size)).collect()
    }

    /// Functions with irrational values: what the evaluator shows near them.
    fn with_functions(&self, all: Vec<Differing>, worst: Rational) -> StackVerdict {
        let &Self { claim, tolerance, symbols, compared, weights, .. } = self;
        let shown = |(pair, block, _, difference): Differing| {
            let place = (pair, block);
            near_functions(claim, tolerance, symbols, (compared, weights), place, &difference.images)
        };
        match all.into_iter().take(MAX_NEAR_PLACES).find_map(shown) {
            Some(found) => outcome::excess(Some(found), Worst::AtMost(worst), tolerance),
            // What the others show was not computed, only that it is no more than the bound.
            None => {
                let found = tolerance.bound.clone();
                StackVerdict::Unknown(Doubt::Between { found, at_most: worst })
            }
        }
    }

    /// Piecewise linear sums: the first image whose value passes the bound, rounding included.
    fn attained(
        &self,
        all: Vec<Differing>,
        error: &Rational,
        worst: Rational,
        exact: bool,
    ) -> Option<StackVerdict> {
        let &Self { claim, tolerance, symbols, compared, weights, .. } = self;
        let none = Weights::new();
        let mut most = Rational::ZERO;
        for (pair, block, form, difference) in all.into_iter().take(MAX_PLACES) {
            let found = largest(&compared.arena, &none, &form, &difference.images, &tolerance.range);
            let Some((value, pixels)) = found else { continue };
            if !tolerance.allows(&value, error) {
                let worst = if exact { Worst::Is(worst) } else { Worst::AtMost(worst) };
                let (size, at) = compared.example(pair)?;
                let image = kinks::image(claim.channels, size, compared.origin(size, at), &pixels)?;
                let [i, j] = at.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
                let replayed = outcome::beyond(claim, tolerance, symbols, weights, image, [block, i, j]);
                return Some(outcome::excess(replayed, worst, tolerance));
            }
            most = most.max(value);
        }
        Some(StackVerdict::Unknown(Doubt::Between { found: most, at_most: worst }))
    }
}

/// A replayed image at which functions with irrational values differ by more than the bound, for certain.
fn near_functions(
    claim: &StackClaim,
    tolerance: &Tolerance,
    symbols: &Symbols,
    (compared, weights): (&SumComparison, &Weights),
    (pair, block): ([u32; 2], usize),
    images: &[Vec<(Pixel, Rational)>],
) -> Option<Counterexample> {
    let weights = weights.clone().with_functions(Functions::Near);
    let (size, at) = compared.example(pair)?;
    let [i, j] = at.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    images.iter().flat_map(|image| [(image, 1), (image, -1)]).find_map(|(image, sign)| {
        let sign = Rational::from(sign);
        let pixels = image.iter().map(|(pixel, value)| (*pixel, value * &sign)).collect();
        let image = kinks::image(claim.channels, size, compared.origin(size, at), &pixels)?;
        outcome::beyond(claim, tolerance, symbols, &weights, image, [block, i, j])
    })
}

/// The largest value among some images and those near the best of them, turning one pixel at a time.
fn largest(
    arena: &Arena,
    weights: &Weights,
    form: &Form,
    images: &[Vec<(Pixel, Rational)>],
    range: &Rational,
) -> Option<(Rational, FxHashMap<Pixel, Rational>)> {
    let mut probe = Probe::new(arena, weights);
    let mut best = (Rational::ZERO, FxHashMap::default());
    let mut attempt = |best: &mut (Rational, FxHashMap<Pixel, Rational>), pixels| {
        probe.pixels = pixels;
        let value = probe.value(form, [0, 0])?.abs();
        if value > best.0 {
            *best = (value, probe.pixels.clone());
        }
        Some(())
    };
    attempt(&mut best, FxHashMap::default())?;
    for image in images {
        for factor in [1, -1] {
            let turned = image.iter().map(|(pixel, value)| (*pixel, value * &Rational::from(factor)));
            attempt(&mut best, turned.collect())?;
        }
    }
    let mut pixels: Vec<Pixel> = best.1.keys().copied().collect();
    pixels.sort_unstable();
    for &pixel in pixels.iter().take(MAX_TURNS) {
        for end in [range.clone(), -range, Rational::ZERO] {
            let mut turned = best.1.clone();
            turned.insert(pixel, end);
            attempt(&mut best, turned)?;
        }
    }
    Some(best)
}
