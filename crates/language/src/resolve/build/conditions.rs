//! Conditions on input sizes that can be decided: linear in `h` and `w` outside of remainders, numbers that stay
//! in 64 bits.

use super::error::ResolveErrorKind;
use super::{Amount, Builder};
use crate::source::Span;
use convproof_engine::ir::{Order, SizeCondition, SizeExpr};

/// A size is never larger than this where a condition is evaluated; keeps every value in 64 bits.
pub const MAX_SIZE: i64 = 1 << 24;

/// A whole number that depends on the input's size, and what is known of it beside its value.
#[derive(Clone, Debug)]
pub struct SizeTerm {
    expr: SizeExpr,
    /// Coefficients of `h` and `w` outside of remainders; `None` where it is not linear in them.
    linear: Option<[i64; 2]>,
    /// The value if it does not depend on the size.
    constant: Option<i64>,
    /// No absolute value is larger than this.
    bound: i64,
}

/// What joins two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeOperator {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `%`
    Rem,
}

impl SizeTerm {
    /// What a constant may be.
    pub const CONSTANT: Amount = Amount { what: "a number in a condition", range: [-1_000_000, 1_000_000] };

    /// The input's height.
    pub fn height() -> Self {
        Self { expr: SizeExpr::Length(0), linear: Some([1, 0]), constant: None, bound: MAX_SIZE }
    }

    /// The input's width.
    pub fn width() -> Self {
        Self { expr: SizeExpr::Length(1), linear: Some([0, 1]), constant: None, bound: MAX_SIZE }
    }

    /// A number in the range of [`Self::CONSTANT`].
    pub fn constant(value: i64) -> Self {
        let bound = value.saturating_abs();
        Self { expr: SizeExpr::Constant(value), linear: Some([0, 0]), constant: Some(value), bound }
    }
}

impl Builder {
    /// A comparison of whole numbers that depend on the size.
    pub fn size_comparison(
        &mut self,
        a: SizeTerm,
        order: Order,
        b: SizeTerm,
        span: Span,
    ) -> Option<SizeCondition> {
        let coefficients = match (a.linear, b.linear) {
            (Some(x), Some(y)) => [0, 1].map(|axis| x[axis].saturating_sub(y[axis])),
            _ => {
                let why = "products of `h` and `w` may stand only inside a remainder, as in `h * w % 4`";
                return self.fail(span, ResolveErrorKind::Condition(why));
            }
        };
        if coefficients.iter().any(|c| c.abs() > 1) {
            let why = "outside of remainders `h` and `w` may not be multiplied";
            return self.fail(span, ResolveErrorKind::Condition(why));
        }
        Some(SizeCondition::Compare(a.expr, order, b.expr))
    }

    /// Whole numbers joined.
    pub fn size_term(
        &mut self,
        operator: SizeOperator,
        a: SizeTerm,
        (b, bt): (SizeTerm, Span),
        span: Span,
    ) -> Option<SizeTerm> {
        if operator == SizeOperator::Rem {
            return self.remainder(a, &b, bt);
        }
        let pick = |x: Option<i64>, y: Option<i64>, f: fn(i64, i64) -> Option<i64>| f(x?, y?);
        let (bound, constant) = match operator {
            SizeOperator::Add => {
                (a.bound.checked_add(b.bound), pick(a.constant, b.constant, i64::checked_add))
            }
            SizeOperator::Sub => {
                (a.bound.checked_add(b.bound), pick(a.constant, b.constant, i64::checked_sub))
            }
            _ => (a.bound.checked_mul(b.bound), pick(a.constant, b.constant, i64::checked_mul)),
        };
        let Some(bound) = bound.filter(|&bound| bound < 1 << 62) else {
            let why = "its numbers become too large";
            return self.fail(span, ResolveErrorKind::Condition(why));
        };
        if let Some(value) = constant {
            return Some(SizeTerm::constant(value));
        }
        let linear = linear(operator, &a, &b);
        let (x, y) = (Box::new(a.expr), Box::new(b.expr));
        let expr = match operator {
            SizeOperator::Add => SizeExpr::Add(x, y),
            SizeOperator::Sub => SizeExpr::Sub(x, y),
            _ => SizeExpr::Mul(x, y),
        };
        Some(SizeTerm { expr, linear, constant: None, bound })
    }

    fn remainder(&mut self, a: SizeTerm, b: &SizeTerm, at: Span) -> Option<SizeTerm> {
        let Some(modulus) = b.constant.filter(|&n| n > 0) else {
            let why = "a remainder is taken by a positive whole number, as in `h % 2`";
            return self.fail(at, ResolveErrorKind::Condition(why));
        };
        if let Some(value) = a.constant {
            return Some(SizeTerm::constant(value.rem_euclid(modulus)));
        }
        let expr = SizeExpr::Rem(Box::new(a.expr), modulus);
        Some(SizeTerm { expr, linear: Some([0, 0]), constant: None, bound: modulus })
    }
}

/// The coefficients of a sum, a difference or a product.
fn linear(operator: SizeOperator, a: &SizeTerm, b: &SizeTerm) -> Option<[i64; 2]> {
    let each = |f: &dyn Fn(i64, i64) -> i64| {
        let (x, y) = (a.linear?, b.linear?);
        Some([f(x[0], y[0]), f(x[1], y[1])])
    };
    match operator {
        SizeOperator::Add => each(&i64::saturating_add),
        SizeOperator::Sub => each(&i64::saturating_sub),
        _ => match (a.constant, b.constant) {
            (Some(c), _) => b.linear.map(|all| all.map(|x| x.saturating_mul(c))),
            (_, Some(c)) => a.linear.map(|all| all.map(|x| x.saturating_mul(c))),
            // A product of remainders is bounded and periodic like a remainder.
            _ if a.linear == Some([0, 0]) && b.linear == Some([0, 0]) => Some([0, 0]),
            _ => None,
        },
    }
}
