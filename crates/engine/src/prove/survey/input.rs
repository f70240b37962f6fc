//! What every claim about two stacks starts with: both sides as maps over the same nodes, with as many channels.

use crate::ir::{Sizes, Stack, StackClaim};
use crate::operator::length::MAX_INPUT;
use crate::operator::{Affine, OperatorError, Operators};
use crate::prove::verdict::Composed;
use convproof_exact::Limited;

/// Two stacks as maps, and how these came about.
pub struct Sides {
    /// The nodes.
    pub operators: Operators,
    /// Left and right.
    pub maps: [Affine; 2],
    /// What was done with the layers.
    pub composed: Composed,
}

impl Sides {
    /// Two stacks in the place of those of a claim.
    ///
    /// # Errors
    /// If one has no normal form, or they do not have as many output channels.
    pub fn of(claim: &StackClaim, [left, right]: [&Stack; 2]) -> Result<Self, OperatorError> {
        let mut operators = Operators::new(claim.channels, claim.sizes.one()).traced();
        let input = input_of(&operators, claim)?;
        let left = operators.apply(left, input.clone())?;
        let told = operators.told();
        let right = operators.apply(right, input)?;
        let composed = Composed { sides: [told, operators.told()], ..Composed::default() };
        same_channels(claim, [&left, &right])?;
        Ok(Self { operators, maps: [left, right], composed })
    }

    /// Both maps.
    pub fn both(&self) -> [&Affine; 2] {
        self.maps.each_ref()
    }

    /// Whether they are the same.
    pub fn are_one(&self) -> bool {
        let [left, right] = &self.maps;
        left == right
    }

    /// Whether one is no linear function of the positions that it reads, or reads all of them.
    pub fn are_nonlinear(&self) -> bool {
        let nodes = self.maps.iter().flat_map(|map| self.operators.reachable(map));
        nodes.into_iter().any(|id| self.operators.is_nonlinear(id))
    }
}

/// The input's map, with errors blamed on the left stack.
pub fn input_of(operators: &Operators, claim: &StackClaim) -> Result<Affine, OperatorError> {
    if let Sizes::One(size) = claim.sizes
        && size.iter().any(|&n| n.exceeds(MAX_INPUT))
    {
        return Err(OperatorError::TooLarge { at: claim.left.origin() });
    }
    operators.input().map_err(|error| OperatorError::Kernel { at: claim.left.origin(), error })
}

/// An error unless both sides have as many output channels.
fn same_channels(claim: &StackClaim, [left, right]: [&Affine; 2]) -> Result<(), OperatorError> {
    if left.channels == right.channels {
        return Ok(());
    }
    let [left, right] = [(claim.left.origin(), left.channels), (claim.right.origin(), right.channels)];
    Err(OperatorError::BranchChannels { left, right })
}
