//! What every claim about two stacks starts with: the input's map, as many channels on both sides, and all positions
//! compared.

use super::compare::Survey;
use super::limit::SurveyLimit;
use super::table::Table;
use crate::ir::{Sizes, StackClaim};
use crate::operator::length::MAX_INPUT;
use crate::operator::{Affine, OperatorError, Operators};

/// Compares all positions: the pairs of sights at which the maps differ, and what happens at each size. Where
/// sizes are called equal, that is exact.
pub fn look(survey: &mut Survey<'_>, sizes: &Sizes) -> Result<(Vec<Vec<bool>>, Table), SurveyLimit> {
    survey.compare()?;
    let failures = survey.failures();
    let table = Table::new(&survey.axes, &failures, sizes);
    if !survey.confirm(table.equal_pairs())? {
        return Ok((failures, table));
    }
    let failures = survey.failures();
    let table = Table::new(&survey.axes, &failures, sizes);
    Ok((failures, table))
}

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
