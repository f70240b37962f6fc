//! Witnesses that stand when the naive evaluator agrees, and what is said where it does not.

use super::search;
use crate::evaluate::EvaluateError;
use crate::ir::{StackClaim, Symbols};
use crate::prove::verdict::counterexample::{Mismatch, ReplayError};
use crate::prove::verdict::{Doubt, Limit, StackWitness};

/// A replayed size at which the outputs differ in size.
pub fn mismatch(claim: &StackClaim, symbols: &Symbols, size: [i64; 2]) -> Result<StackWitness, Doubt> {
    let weights = search::plain_weights(claim, symbols);
    Mismatch::replay(&claim.left, &claim.right, &weights, claim.channels, size)
        .map(StackWitness::Size)
        .map_err(doubt_of)
}

pub fn doubt_of(error: ReplayError) -> Doubt {
    match error {
        ReplayError::TooLarge | ReplayError::Evaluate(EvaluateError::TooLarge) => Doubt::Limit(Limit::Replay),
        ReplayError::Evaluate(EvaluateError::Irrational | EvaluateError::Transcendental) => Doubt::Irrational,
        ReplayError::Contradiction | ReplayError::Evaluate(_) => Doubt::Contradiction,
    }
}
