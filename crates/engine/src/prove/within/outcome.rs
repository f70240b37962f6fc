//! Verdicts about bounds, made of what was found.

use crate::evaluate::{Image, Weights};
use crate::ir::{StackClaim, Symbols, Tolerance};
use crate::prove::verdict::counterexample::Counterexample;
use crate::prove::verdict::{
    Derivation, Doubt, Enclosure, Excess, StackProof, StackVerdict, StackWitness, Worst,
};
use crate::prove::witness::replayed::mismatch;
use crate::prove::witness::search;
use convproof_exact::Rational;

/// Refuted by a size at which the outputs differ in size.
pub fn unequal(claim: &StackClaim, symbols: &Symbols, size: [i64; 2]) -> StackVerdict {
    mismatch(claim, symbols, size).map_or_else(StackVerdict::Unknown, search::refuted)
}

/// Proved, with what the difference is at most, or exactly, and how the two came about whose difference it is.
pub fn proved(worst: Rational, exact: bool, tolerance: &Tolerance, derivation: Derivation) -> StackVerdict {
    let found = Enclosure::new(worst, exact, tolerance.bound.clone());
    StackVerdict::Proved(StackProof::Within(found, derivation))
}

/// Refuted, if the replay agrees.
pub fn excess(found: Option<Counterexample>, worst: Worst, tolerance: &Tolerance) -> StackVerdict {
    found.map_or(StackVerdict::Unknown(Doubt::Contradiction), |counterexample| {
        let bound = tolerance.bound.clone();
        search::refuted(StackWitness::Excess(Excess::new(counterexample, worst, bound)))
    })
}

/// The replayed input, if it passes the bound.
pub fn beyond(
    claim: &StackClaim,
    tolerance: &Tolerance,
    symbols: &Symbols,
    weights: &Weights,
    image: Image,
    at: [usize; 3],
) -> Option<Counterexample> {
    let found = Counterexample::replay(&claim.left, &claim.right, weights, symbols, image, Some(at)).ok()?;
    found.passes(&tolerance.bound).then_some(found)
}
