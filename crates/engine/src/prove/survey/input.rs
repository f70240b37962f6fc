//! What every claim about two stacks starts with: the input's map, and as many channels on both sides.

use crate::ir::{Sizes, StackClaim};
use crate::operator::length::MAX_INPUT;
use crate::operator::{Affine, OperatorError, Operators};

/// The input's map, with errors blamed on the left stack.
pub fn input_of(operators: &Operators, claim: &StackClaim) -> Result<Affine, OperatorError> {
    if let Sizes::One(size) = claim.sizes
        && size.iter().any(|&n| n > MAX_INPUT)
    {
        return Err(OperatorError::TooLarge { at: claim.left.origin() });
    }
    operators.input().map_err(|error| OperatorError::Kernel { at: claim.left.origin(), error })
}

/// An error unless both sides have as many output channels.
pub fn same_channels(claim: &StackClaim, [left, right]: [&Affine; 2]) -> Result<(), OperatorError> {
    if left.channels == right.channels {
        return Ok(());
    }
    let [left, right] = [(claim.left.origin(), left.channels), (claim.right.origin(), right.channels)];
    Err(OperatorError::BranchChannels { left, right })
}
