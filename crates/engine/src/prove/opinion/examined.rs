//! A second opinion on proofs: the naive evaluator runs both stacks at pseudo-random weights on a few small images.
//!
//! It proves nothing and is no part of any proof. It shares no code with the procedures that decide, so a proof that
//! is wrong about small sizes or about what a layer does is likely to be noticed; then there is no verdict. Its work is
//! bounded in steps, not in time, so it is the same on every machine.

use super::runs::{Runs, for_proof};
use crate::evaluate::{EvaluateError, Image, Weights};
use crate::ir::{Sizes, StackClaim, Symbols};
use crate::kernel::joined;
use crate::operator::OperatorError;
use crate::operator::shape::{Signal, after};
use crate::prove::stacks::{equality, fitting, terms};
use crate::prove::survey::condition::includes;
use crate::prove::values::point::Dependence;
use crate::prove::verdict::counterexample::roots_in;
use crate::prove::verdict::{Doubt, StackProof, StackVerdict, StackWitness};
use crate::prove::within;
use crate::prove::witness::fewer::FewChannels;
use crate::prove::witness::search::{dependence, used};
use convproof_exact::{Limited, Rational, SplitMix64, Symbol, budget};

/// Most free weights that values are made up for.
pub(super) const MAX_WEIGHTS: usize = 1 << 10;
/// Steps for each entry of the kernels: it is copied, and multiplied by an entry of the image and added, in numbers of a few words.
const STEPS_PER_WEIGHT: u64 = 1 << 9;
/// Most steps, however many weights there are: about a second.
const MAX_STEPS: u64 = 1 << 29;
/// After how many steps a bound about many weights is looked at on one image only: about a hundredth of a second.
const OTHER_IMAGES: u64 = 1 << 22;
/// After how many times as many steps as it takes to leave out further sizes no worse input of a bound is looked for.
const CLIMBS: u64 = 4;
/// Lengths of each axis that sizes are taken from.
const MAX_LENGTH: i64 = 64;

/// A verdict about two stacks and, beside a proof, what the evaluator says of it.
#[derive(Clone, Debug)]
pub struct Decided {
    verdict: StackVerdict,
    opinion: Option<Opinion>,
}

impl Decided {
    /// The verdict.
    pub fn verdict(&self) -> &StackVerdict {
        &self.verdict
    }

    /// The second opinion on a proof.
    pub fn opinion(&self) -> Option<&Opinion> {
        self.opinion.as_ref()
    }
}

/// What the evaluator says of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// Both stacks do as proved at these sizes of the input.
    Agrees(Vec<[i64; 2]>),
    /// No small size, or none that takes few enough steps.
    None,
    /// They do not at this size: there is a defect in this program.
    Differs([i64; 2]),
}

/// Decides a claim about two stacks; a proof that the evaluator contradicts is none.
///
/// # Errors
/// If a stack has no normal form.
pub fn decide(claim: &StackClaim, symbols: &Symbols) -> Result<Decided, OperatorError> {
    if let Some(verdict) = fitting::decide(claim, symbols)? {
        return Ok(Decided { verdict: about(verdict, claim), opinion: None });
    }
    let verdict = match &claim.tolerance {
        None => equality::decide(claim, symbols),
        Some(tolerance) => within::decide(claim, tolerance, symbols),
    }?;
    Ok(examined(verdict, claim, symbols))
}

/// A verdict with a second opinion on it, if it is a proof; a refutation by what the claim does not speak of is none.
pub fn examined(verdict: StackVerdict, claim: &StackClaim, symbols: &Symbols) -> Decided {
    let StackVerdict::Proved(proof) = &verdict else {
        return Decided { verdict: about(verdict, claim), opinion: None };
    };
    match opinion(proof, claim, symbols) {
        Opinion::Differs(size) => {
            Decided { verdict: StackVerdict::Unknown(Doubt::Disagreement { size }), opinion: None }
        }
        opinion => Decided { verdict, opinion: Some(opinion) },
    }
}

/// The verdict, unless it is a refutation by an input that the claim does not speak of.
fn about(verdict: StackVerdict, claim: &StackClaim) -> StackVerdict {
    let StackVerdict::Refuted(refutation) = &verdict else { return verdict };
    let (channels, size, values) = match &refutation.witness {
        StackWitness::Value(found) => shown(found.input()),
        StackWitness::Excess(excess) => shown(excess.counterexample().input()),
        StackWitness::Size(found) => (found.channels(), found.size(), [].as_slice()),
    };
    let in_range = claim
        .tolerance
        .as_ref()
        .is_none_or(|tolerance| values.iter().all(|value| value.abs() <= tolerance.range));
    if channels == claim.channels && includes(&claim.sizes, size) && in_range {
        verdict
    } else {
        StackVerdict::Unknown(Doubt::Contradiction)
    }
}

/// Channels, size and entries of an image.
fn shown(image: &Image) -> (usize, [i64; 2], &[Rational]) {
    let [channels, h, w] = image.size();
    (channels, [h, w].map(|n| i64::try_from(n).unwrap_or(i64::MAX)), image.values())
}

fn opinion(proof: &StackProof, claim: &StackClaim, symbols: &Symbols) -> Opinion {
    // A proof for every number of channels is looked at for few of them.
    if let StackProof::Words { .. } = proof {
        match with_channels(proof, claim) {
            Ok(Opinion::None) => {}
            // More channels take no fewer steps.
            found => return found.unwrap_or(Opinion::None),
        }
    }
    let rooted = !roots_in([&claim.left, &claim.right], symbols).is_empty();
    tried(proof, claim, rooted, |signs| weights(claim, symbols, signs))
        .map_or(Opinion::None, |(opinion, _)| opinion)
}

/// The opinion on a claim about one channel for each block of them, and then about two, with which matrices do not commute,
/// where these take few enough steps.
fn with_channels(proof: &StackProof, claim: &StackClaim) -> Result<Opinion, TooMuch> {
    let (one, once) = with_at_most(1, proof, claim)?;
    // Products of matrices take most steps.
    if !matches!(one, Opinion::Agrees(_)) || once.saturating_mul(8) > steps(proof)[0] {
        return Ok(one);
    }
    let (two, _) = with_at_most(2, proof, claim)?;
    Ok(if two == Opinion::None { one } else { two })
}

/// The opinion on a claim about so many channels for each block, none if it is not read so, and the steps that it takes once.
fn with_at_most(most: usize, proof: &StackProof, claim: &StackClaim) -> Result<(Opinion, u64), TooMuch> {
    match FewChannels::of(claim, most) {
        Some(few) if few.symbols.len().within(MAX_WEIGHTS) => {
            let value = |symbol: Symbol, signs: MadeUp| {
                let signs = if few.under_roots.contains(&symbol) { MadeUp::Positive } else { signs };
                (symbol, made_up(symbol, signs))
            };
            let all = |signs| few.symbols.keys().map(|&symbol| value(symbol, signs)).collect::<Weights>();
            tried(proof, &few.claim, !few.under_roots.is_empty(), |signs| Some(all(signs)))
        }
        _ => Ok((Opinion::None, 0)),
    }
}

/// How values of weights are made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MadeUp {
    /// Of both signs.
    Mixed,
    /// The opposite of those. Roots are 1 then, so that what is under them changes its sign as well.
    Opposite,
    /// All positive.
    Positive,
}

/// A claim takes more steps than the second opinion on it may.
struct TooMuch;

/// Most steps of the evaluator, in its own units, of which a product takes some 64: for the first size, and after how
/// many there is no other. A proof by normal forms takes some microseconds, one by words less than a millisecond.
fn steps(proof: &StackProof) -> [u64; 2] {
    match proof {
        StackProof::NormalForm { .. } => [1 << 19, 1 << 13],
        StackProof::Words { .. } => [1 << 18, 1 << 14],
        _ => [1 << 20, 1 << 17],
    }
}

/// Steps in which each weight of a claim is read once and multiplied a few times.
fn steps_to_read(claim: &StackClaim) -> u64 {
    let weights = claim.left.weight_count().saturating_add(claim.right.weight_count());
    u64::try_from(weights).unwrap_or(u64::MAX).saturating_mul(STEPS_PER_WEIGHT).min(MAX_STEPS)
}

/// Steps that neither the work nor the memory of a statement is spent by, so that no proof is lost: they are taken up to six times, by
/// images of many and of few entries at weights of both signs, at the opposite ones and at positive ones, and what is kept takes at most two bytes for each, counted by the mebibyte.
fn affordable() -> u64 {
    let bytes = budget::bytes_left().map(|bytes| bytes.saturating_sub(1 << 20));
    let left = [budget::left(), bytes].into_iter().flatten().min();
    left.map_or(u64::MAX, |left| left / 6)
}

/// The opinion at the weights of a claim, and the steps that the first size at which it agrees took. Where there are square roots,
/// maxima in sums of words rest on signs.
fn tried(
    proof: &StackProof,
    claim: &StackClaim,
    rooted: bool,
    weights: impl Fn(MadeUp) -> Option<Weights>,
) -> Result<(Opinion, u64), TooMuch> {
    let sizes = sizes(claim);
    let [first, enough] = steps(proof);
    let first = first.max(steps_to_read(claim)).min(affordable());
    let on_signs = rooted
        && matches!(proof, StackProof::Words { .. } | StackProof::Terms { .. })
        && [&claim.left, &claim.right].iter().any(|stack| terms::applies(stack));
    let mut found = None;
    // Where roots of some weights would not be real, positive weights are tried.
    for signs in [MadeUp::Mixed, MadeUp::Opposite, MadeUp::Positive] {
        let needed = if signs == MadeUp::Opposite { on_signs } else { found.is_none() };
        if !needed {
            continue;
        }
        let Some(weights) = weights(signs).filter(|_| !sizes.is_empty()) else { break };
        let weights = for_proof(weights, proof);
        let mut runs = Runs::new(claim, proof, &weights, first);
        let (mut agreed, mut once) = (Vec::new(), 0);
        for &size in &sizes {
            match runs.agrees(size, enough.max((first / 2).min(OTHER_IMAGES))) {
                Ok(None) => {}
                Ok(Some(true)) => {
                    if agreed.is_empty() {
                        once = runs.done();
                    }
                    agreed.push(size);
                }
                Ok(Some(false)) => return Ok((Opinion::Differs(size), 0)),
                // Other weights take as many steps.
                Err(EvaluateError::TooLarge) if agreed.is_empty() && found.is_none() => return Err(TooMuch),
                Err(_) => break,
            }
            if runs.done() > enough || signs == MadeUp::Opposite && !agreed.is_empty() {
                break;
            }
        }
        if agreed.is_empty() || found.is_some() {
            continue;
        }
        let opinion = runs.climbs(CLIMBS * enough).map_or(Opinion::Agrees(agreed), Opinion::Differs);
        if matches!(opinion, Opinion::Differs(_)) {
            return Ok((opinion, once));
        }
        found = Some((opinion, once));
    }
    Ok(found.unwrap_or((Opinion::None, 0)))
}

/// A few small sizes that the claim speaks of: the smallest, one near it, and one in between.
fn sizes(claim: &StackClaim) -> Vec<[i64; 2]> {
    if let Sizes::One(size) = claim.sizes {
        return vec![size];
    }
    let signals = [&claim.left, &claim.right].map(|stack| after(stack, Signal::input(claim.channels), None));
    let [Ok(left), Ok(right)] = signals else { return Vec::new() };
    // The shortest few are enough, unless a condition leaves none of them.
    for few in [4, usize::MAX] {
        let [heights, widths] = [0, 1].map(|axis| {
            let exists = |n: &i64| left.length[axis].at(*n).is_some() || right.length[axis].at(*n).is_some();
            (1..=MAX_LENGTH).filter(exists).take(few).collect::<Vec<i64>>()
        });
        let pairs = heights.iter().flat_map(|&h| widths.iter().map(move |&w| [h, w]));
        let mut pairs: Vec<[i64; 2]> = pairs.filter(|&[h, w]| includes(&claim.sizes, [h, w])).collect();
        pairs.sort_by_key(|[h, w]| (h * w, *h));
        pairs.truncate(16);
        let chosen = [0, pairs.len() / 2, pairs.len().saturating_sub(1)];
        let mut chosen: Vec<[i64; 2]> = chosen.iter().filter_map(|&at| pairs.get(at).copied()).collect();
        chosen.dedup();
        if !chosen.is_empty() {
            return chosen;
        }
    }
    Vec::new()
}

/// Values for all free weights of a claim, none of them 0; `None` if there are too many.
fn weights(claim: &StackClaim, symbols: &Symbols, signs: MadeUp) -> Option<Weights> {
    // Free kernels with many channels have millions, as their ranges tell.
    let ranges = joined([&claim.left, &claim.right].map(|stack| stack.symbol_ranges()).concat());
    let many: usize = ranges.iter().map(|&(_, count)| count as usize).sum();
    if many.exceeds(MAX_WEIGHTS) {
        return None;
    }
    let used = used(claim, symbols);
    if used.len().exceeds(MAX_WEIGHTS) {
        return None;
    }
    Some(values(&used, &dependence(claim, symbols), symbols, signs))
}

/// Values that are made up for some weights, and for all scalars: those that cancel may still be divided by.
pub(super) fn values(used: &[Symbol], dependence: &Dependence, symbols: &Symbols, signs: MadeUp) -> Weights {
    let chosen = |symbol: Symbol| match symbols.root_of(symbol) {
        Some(_) if signs == MadeUp::Opposite => Rational::ONE,
        _ => made_up(symbol, signs),
    };
    let scalars = symbols.kernels().map(|kernel| kernel.first).filter(|symbol| symbol.is_scalar());
    let all = scalars.take(MAX_WEIGHTS).chain(used.iter().copied());
    all.map(|symbol| (symbol, dependence.rational(symbol, &chosen))).collect()
}

/// A small value, not 0, that depends on the symbol only.
fn made_up(symbol: Symbol, signs: MadeUp) -> Rational {
    let mut generator = SplitMix64::new(u64::from(symbol.0) + 1);
    let size = i64::try_from(generator.below(9)).unwrap_or(0) + 1;
    let negative = signs != MadeUp::Positive && (generator.below(2) == 1) == (signs == MadeUp::Mixed);
    let divisor = if generator.below(4) == 0 { 2 } else { 1 };
    Rational::ratio(if negative { -size } else { size }, divisor).unwrap_or(Rational::ONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Ends, Layer, Order, Origin, SizeCondition, SizeExpr, Stack};
    use std::sync::Arc;

    fn cropped(before: i64, sizes: Sizes) -> StackClaim {
        let stack =
            Arc::new(Stack::layer(Layer::Pad([Ends { before: -before, after: 0 }; 2]), Origin::NOWHERE));
        StackClaim { left: stack.clone(), right: stack, channels: 1, tolerance: None, sizes }
    }

    #[test]
    fn sizes_are_the_first_the_middle_and_the_last_of_a_few_small_ones() {
        let condition = |of: SizeExpr, order: Order, number: i64| {
            Sizes::Where(SizeCondition::Compare(of, order, SizeExpr::Constant(number)))
        };
        let [h, w] = [0, 1].map(SizeExpr::Length);
        // Four lengths from 3 on each, by their areas: 3×3, 3×4, 4×3, 3×5, 5×3, 4×4, 3×6, 6×3, 4×5, …, 6×6.
        assert_eq!(sizes(&cropped(2, Sizes::All)), [[3, 3], [4, 5], [6, 6]]);
        // No such height is among the first four, so the smallest of all up to a bound: 9×3, 10×3, 11×3, 9×4, 12×3, 13×3,
        // 10×4, 14×3, 11×4, …, 13×4.
        assert_eq!(sizes(&cropped(2, condition(h.clone(), Order::Ge, 9))), [[9, 3], [11, 4], [13, 4]]);
        // As many as there are.
        let one = SizeExpr::Mul(Box::new(h.clone()), Box::new(w.clone()));
        assert_eq!(sizes(&cropped(2, condition(one.clone(), Order::Le, 9))), [[3, 3]]);
        assert_eq!(sizes(&cropped(2, condition(one, Order::Le, 12))), [[3, 3], [3, 4], [4, 3]]);
        // Up to the bound, and none beyond it.
        assert_eq!(sizes(&cropped(0, condition(h.clone(), Order::Ge, 64)))[0], [64, 1]);
        assert!(sizes(&cropped(0, condition(h, Order::Ge, 65))).is_empty());
        assert!(sizes(&cropped(64, Sizes::All)).is_empty());
        // Those count at which one side alone has an output.
        let [whole, less] = [0, 2].map(|before| cropped(before, Sizes::All));
        for [left, right] in [[&whole, &less], [&less, &whole]] {
            let claim = StackClaim { left: left.left.clone(), ..right.clone() };
            assert_eq!(sizes(&claim), [[1, 1], [2, 3], [4, 4]]);
        }
        // One size is that size, however large.
        assert_eq!(sizes(&cropped(2, Sizes::One([100, 7]))), [[100, 7]]);
    }

    #[test]
    fn values_that_are_made_up_are_small_and_not_0() {
        let values = |signs: MadeUp| (0..2000).map(|n| made_up(Symbol(n), signs)).collect::<Vec<_>>();
        let [positive, all, opposite] = [MadeUp::Positive, MadeUp::Mixed, MadeUp::Opposite].map(values);
        assert!(positive.iter().all(|value| *value > Rational::ZERO && *value <= Rational::from(9)));
        assert!(all.iter().all(|value| !value.is_zero() && value.abs() <= Rational::from(9)));
        assert_eq!(all, values(MadeUp::Mixed));
        assert!(all.iter().zip(&opposite).all(|(value, opposite)| *value == -opposite));
        let whole = (1..=9).map(Rational::from);
        let halves = [1, 3, 5, 7, 9].map(|n| Rational::ratio(n, 2).unwrap());
        for value in whole.chain(halves) {
            assert!(positive.contains(&value), "{value}");
            assert!(all.contains(&value) && all.contains(&-&value), "{value}");
        }
    }
}
