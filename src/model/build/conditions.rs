//! Conditions on input sizes.

use super::Build;
use crate::ir::SizeCondition;
use crate::model::condition::{Condition, ConditionNode, Length, LengthNode};
use crate::model::error::ModelError;
use crate::resolve::build::conditions::SizeTerm;
use crate::source::Span;

impl Build {
    pub(super) fn condition(&mut self, condition: &Condition, at: Span) -> Option<SizeCondition> {
        Some(match &condition.node {
            ConditionNode::TooDeep => return self.wrong(ModelError::TooDeep),
            ConditionNode::Compare(left, order, right) => {
                let (left, right) = (self.length(left, at)?, self.length(right, at)?);
                self.builder.size_comparison(left, *order, right, at)?
            }
            ConditionNode::And(both) => SizeCondition::And(
                Box::new(self.condition(&both[0], at)?),
                Box::new(self.condition(&both[1], at)?),
            ),
            ConditionNode::Or(both) => SizeCondition::Or(
                Box::new(self.condition(&both[0], at)?),
                Box::new(self.condition(&both[1], at)?),
            ),
            ConditionNode::Not(inner) => SizeCondition::Not(Box::new(self.condition(inner, at)?)),
        })
    }

    fn length(&mut self, length: &Length, at: Span) -> Option<SizeTerm> {
        match &length.node {
            LengthNode::TooDeep => self.wrong(ModelError::TooDeep),
            LengthNode::Height => Some(SizeTerm::height()),
            LengthNode::Width => Some(SizeTerm::width()),
            LengthNode::Number(n) => self.whole(*n, SizeTerm::CONSTANT, at).map(SizeTerm::constant),
            LengthNode::Join(operator, both) => {
                let (left, right) = (self.length(&both[0], at)?, self.length(&both[1], at)?);
                self.builder.size_term(*operator, left, (right, at), at)
            }
        }
    }
}
