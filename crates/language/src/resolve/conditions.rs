//! Conditions on input sizes as they are written: `where h % 2 == 0 and w >= 4`.

use super::Resolver;
use super::build::conditions::{SizeOperator, SizeTerm};
use super::build::error::ResolveErrorKind;
use crate::foreign;
use crate::syntax::ast::{BinaryOp, Condition, Expr, ExprKind};
use convproof_engine::ir::SizeCondition;

impl Resolver<'_> {
    pub(super) fn condition(&mut self, condition: &Condition) -> Option<SizeCondition> {
        match condition {
            Condition::And(a, b) => {
                let (a, b) = (self.condition(a), self.condition(b));
                Some(SizeCondition::And(Box::new(a?), Box::new(b?)))
            }
            Condition::Or(a, b) => {
                let (a, b) = (self.condition(a), self.condition(b));
                Some(SizeCondition::Or(Box::new(a?), Box::new(b?)))
            }
            Condition::Not(inner) => Some(SizeCondition::Not(Box::new(self.condition(inner)?))),
            Condition::Compare { left, op, right } => {
                let (a, b) = (self.size_expression(left), self.size_expression(right));
                let order = super::claims::order(*op);
                self.build.size_comparison(a?, order, b?, left.span.to(right.span))
            }
        }
    }

    fn size_expression(&mut self, expr: &Expr) -> Option<SizeTerm> {
        match &expr.kind {
            ExprKind::Name(name) if name == "h" => Some(SizeTerm::height()),
            ExprKind::Name(name) if name == "w" => Some(SizeTerm::width()),
            ExprKind::Name(name) if self.scope.get(name).is_none() && foreign::side(name).is_some() => {
                let kind =
                    ResolveErrorKind::UnknownName { name: name.clone(), suggestion: None, below: None };
                self.build.advise(expr.span, kind, foreign::side(name));
                None
            }
            ExprKind::Negate(inner) => {
                let value = self.size_expression(inner)?;
                self.build.size_term(SizeOperator::Sub, SizeTerm::constant(0), (value, inner.span), expr.span)
            }
            ExprKind::Binary(BinaryOp::Div, ..) => {
                let why = "division is not part of conditions; `h % 2 == 0` says that 2 divides h";
                self.fail(expr.span, ResolveErrorKind::Condition(why))
            }
            ExprKind::Binary(op, left, right) if operator(*op).is_some() => {
                let (a, b) = (self.size_expression(left), self.size_expression(right));
                let (a, b) = (a?, b?);
                self.build.size_term(operator(*op)?, a, (b, right.span), expr.span)
            }
            _ => {
                let value = self.number(expr, SizeTerm::CONSTANT.what)?;
                self.build.integer(&value, SizeTerm::CONSTANT, expr.span).map(SizeTerm::constant)
            }
        }
    }
}

fn operator(op: BinaryOp) -> Option<SizeOperator> {
    Some(match op {
        BinaryOp::Add => SizeOperator::Add,
        BinaryOp::Sub => SizeOperator::Sub,
        BinaryOp::Mul => SizeOperator::Mul,
        BinaryOp::Rem => SizeOperator::Rem,
        _ => return None,
    })
}
