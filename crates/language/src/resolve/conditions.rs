//! Conditions on input sizes: `where h % 2 == 0 and w >= 4`.

use super::Resolver;
use super::error::ResolveErrorKind;
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Condition, Expr, ExprKind};
use convproof_engine::ir::{SizeCondition, SizeExpr};

/// Largest constant in a condition.
const MAX_CONSTANT: i64 = 1_000_000;

/// A size is never larger than this where a condition is evaluated; keeps every value in 64 bits.
const MAX_SIZE: i64 = 1 << 24;

/// What is known of a size expression beside its value.
struct Known {
    expr: SizeExpr,
    /// Coefficients of `h` and `w` outside of remainders; `None` where it is not linear in them.
    linear: Option<[i64; 2]>,
    /// The value if it does not depend on the size.
    constant: Option<i64>,
    /// No absolute value is larger than this.
    bound: i64,
}

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
                let (a, b) = (a?, b?);
                let span = left.span.to(right.span);
                let coefficients = match (a.linear, b.linear) {
                    (Some(x), Some(y)) => [0, 1].map(|axis| x[axis].saturating_sub(y[axis])),
                    _ => {
                        let why =
                            "products of `h` and `w` may stand only inside a remainder, as in `h * w % 4`";
                        return self.fail(span, ResolveErrorKind::Condition(why));
                    }
                };
                if coefficients.iter().any(|c| c.abs() > 1) {
                    let why = "outside of remainders `h` and `w` may not be multiplied";
                    return self.fail(span, ResolveErrorKind::Condition(why));
                }
                Some(SizeCondition::Compare(a.expr, super::claims::order(*op), b.expr))
            }
        }
    }

    fn size_expression(&mut self, expr: &Expr) -> Option<Known> {
        match &expr.kind {
            ExprKind::Name(name) if name == "h" => {
                Some(Known { expr: SizeExpr::Height, linear: Some([1, 0]), constant: None, bound: MAX_SIZE })
            }
            ExprKind::Name(name) if name == "w" => {
                Some(Known { expr: SizeExpr::Width, linear: Some([0, 1]), constant: None, bound: MAX_SIZE })
            }
            ExprKind::Negate(inner) => {
                let zero = Known::constant(0);
                let inner = self.size_expression(inner)?;
                self.combined(BinaryOp::Sub, zero, inner, expr.span)
            }
            ExprKind::Binary(op @ (BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul), left, right) => {
                let (a, b) = (self.size_expression(left), self.size_expression(right));
                self.combined(*op, a?, b?, expr.span)
            }
            ExprKind::Binary(BinaryOp::Rem, left, right) => {
                let (a, b) = (self.size_expression(left), self.size_expression(right));
                let (a, b) = (a?, b?);
                let Some(modulus) = b.constant.filter(|&n| n > 0) else {
                    let why = "a remainder is taken by a positive whole number, as in `h % 2`";
                    return self.fail(right.span, ResolveErrorKind::Condition(why));
                };
                if let Some(value) = a.constant {
                    return Some(Known::constant(value.rem_euclid(modulus)));
                }
                let expr = SizeExpr::Rem(Box::new(a.expr), modulus);
                Some(Known { expr, linear: Some([0, 0]), constant: None, bound: modulus })
            }
            ExprKind::Binary(BinaryOp::Div, ..) => {
                let why = "division is not part of conditions; `h % 2 == 0` says that 2 divides h";
                self.fail(expr.span, ResolveErrorKind::Condition(why))
            }
            _ => {
                let range = [-MAX_CONSTANT, MAX_CONSTANT];
                self.integer(expr, "a number in a condition", range).map(Known::constant)
            }
        }
    }

    fn combined(&mut self, op: BinaryOp, a: Known, b: Known, span: Span) -> Option<Known> {
        let pick = |x: Option<i64>, y: Option<i64>, f: fn(i64, i64) -> Option<i64>| f(x?, y?);
        let (bound, constant) = match op {
            BinaryOp::Add => (a.bound.checked_add(b.bound), pick(a.constant, b.constant, i64::checked_add)),
            BinaryOp::Sub => (a.bound.checked_add(b.bound), pick(a.constant, b.constant, i64::checked_sub)),
            _ => (a.bound.checked_mul(b.bound), pick(a.constant, b.constant, i64::checked_mul)),
        };
        let Some(bound) = bound.filter(|&bound| bound < 1 << 62) else {
            let why = "its numbers become too large";
            return self.fail(span, ResolveErrorKind::Condition(why));
        };
        if let Some(value) = constant {
            return Some(Known::constant(value));
        }
        let each = |f: &dyn Fn(i64, i64) -> i64| {
            let (x, y) = (a.linear?, b.linear?);
            Some([f(x[0], y[0]), f(x[1], y[1])])
        };
        let linear = match op {
            BinaryOp::Add => each(&i64::saturating_add),
            BinaryOp::Sub => each(&i64::saturating_sub),
            _ => match (a.constant, b.constant) {
                (Some(c), _) => b.linear.map(|all| all.map(|x| x.saturating_mul(c))),
                (_, Some(c)) => a.linear.map(|all| all.map(|x| x.saturating_mul(c))),
                // A product of remainders is bounded and periodic like a remainder.
                _ if a.linear == Some([0, 0]) && b.linear == Some([0, 0]) => Some([0, 0]),
                _ => None,
            },
        };
        let (x, y) = (Box::new(a.expr), Box::new(b.expr));
        let expr = match op {
            BinaryOp::Add => SizeExpr::Add(x, y),
            BinaryOp::Sub => SizeExpr::Sub(x, y),
            _ => SizeExpr::Mul(x, y),
        };
        Some(Known { expr, linear, constant: None, bound })
    }
}

impl Known {
    fn constant(value: i64) -> Self {
        let bound = value.saturating_abs();
        Self { expr: SizeExpr::Constant(value), linear: Some([0, 0]), constant: Some(value), bound }
    }
}
