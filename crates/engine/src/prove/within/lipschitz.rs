//! Approximate equality of stacks with nonlinear layers: how far apart they are at most, and images that show how far.
//!
//! The difference of both sides is a sum of pixels, maxima and other functions (`forms/terms.rs`), bounded by `bounder.rs`;
//! images at which a bound may be attained are tried, and replayed where they show more than the claim allows.

use rustc_hash::FxHashMap;

use super::bounder::{Bounder, DifferenceBound};
use super::outcome;
use super::rounded::Rounded;
use crate::evaluate::{Functions, Weights};
use crate::forms::arena::{Arena, Form};
use crate::forms::net::ChannelBlocks;
use crate::ir::{StackClaim, Symbols, Tolerance};
use crate::prove::stacks::kinks;
use crate::prove::stacks::terms;
use crate::prove::stacks::words::SumComparison;
use crate::prove::values::hull::Pixel;
use crate::prove::verdict::Worst;
use crate::prove::verdict::counterexample::Counterexample;
use crate::prove::verdict::region::Status;
use crate::prove::verdict::{Derivation, Doubt, StackVerdict};
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

/// Pixels that are turned one by one to make a difference larger.
const MAX_TURNS: usize = 256;

/// Decides `left ~= right within bound for |x| <= range` where layers are nonlinear; `None` where the stacks are not read as
/// sums of terms.
pub fn decide(claim: &StackClaim, tolerance: &Tolerance, symbols: &Symbols) -> Option<StackVerdict> {
    let _doing = doing("bounding nonlinear terms");
    let rounded = Rounded::of(claim, symbols, BITS, &tolerance.range);
    let (error, claimed) = match rounded {
        Some(Rounded { stacks: [left, right], error }) => {
            (error, StackClaim { left: Arc::new(left), right: Arc::new(right), ..claim.clone() })
        }
        None => (Rational::ZERO, claim.clone()),
    };
    let mut compared = SumComparison::new(&claimed, ChannelBlocks::Apart).ok()?;
    if let Some((size, _)) = compared.table.statuses.smallest(|status| status == Status::Sizes) {
        return Some(outcome::unequal(claim, symbols, size));
    }
    let spoken = compared.table.sight_pairs();
    let mut forms: Vec<([u32; 2], usize, Form)> = Vec::new();
    for pair in spoken {
        let found = compared.differences.get(&(pair[0], pair[1])).into_iter().flatten();
        forms.extend(found.map(|(block, form)| (pair, *block, form.clone())));
    }
    if !forms.iter().all(|(.., form)| terms::is_numeric(&compared.arena, form)) {
        return Some(StackVerdict::Unknown(Doubt::Unbounded));
    }
    let mut bounder = Bounder::new(&mut compared.arena, tolerance.range.clone());
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
    let exact = !functions && attained()?.0 == first.bound;
    let worst = &first.bound + &error;
    if tolerance.allows(&worst, &Rational::ZERO) {
        let read = Derivation::Read(compared.read.clone());
        return Some(outcome::proved(worst, exact && error.is_zero(), tolerance, read));
    }
    let plain = search::plain_weights(claim, symbols);
    let weights = if error.is_zero() { plain } else { plain.approximating() };
    let beyond = Beyond { claim, tolerance, symbols, compared: &compared, weights: &weights };
    let found = if functions {
        beyond.with_functions(all, worst)
    } else {
        beyond.attained(all, &error, worst, exact)?
    };
    Some(found.after(Derivation::Read(compared.read.clone())))
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
}

impl Beyond<'_> {
    /// Functions with irrational values: what the evaluator shows near them.
    fn with_functions(&self, all: Vec<Differing>, worst: Rational) -> StackVerdict {
        let &Self { claim, tolerance, symbols, compared, weights } = self;
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
        let &Self { claim, tolerance, symbols, compared, weights } = self;
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
    let weights = weights.clone().approximating().with_functions(Functions::Near);
    let (size, at) = compared.example(pair)?;
    let [i, j] = at.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let margin = Rational::dyadic(1.into(), 30_u32);
    images.iter().flat_map(|image| [(image, 1), (image, -1)]).find_map(|(image, sign)| {
        let sign = Rational::from(sign);
        let pixels = image.iter().map(|(pixel, value)| (*pixel, value * &sign)).collect();
        let image = kinks::image(claim.channels, size, compared.origin(size, at), &pixels)?;
        let found = outcome::beyond(claim, tolerance, symbols, &weights, image, [block, i, j])?;
        (!tolerance.allows(&found.difference(), &margin)).then_some(found)
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
