//! `+ - * / ^` and `->`: which operation on which kinds of value.

use super::Resolver;
use super::build::Builder;
use super::build::error::{ResolveErrorKind, Side};
use super::value::Value;
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr};

impl Resolver<'_> {
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        left: (&Value, Span),
        right: (&Value, Span),
        span: Span,
    ) -> Option<Value> {
        use Value::{Array as A, Stack as S};
        let minus = op == BinaryOp::Sub;
        match (op, left.0, right.0) {
            (BinaryOp::Add | BinaryOp::Sub, A(a), A(b)) => {
                self.build.add((a, left.1), (b, right.1), minus, span).map(A)
            }
            (BinaryOp::Mul, A(a), A(b)) => self.build.multiply((a, left.1), (b, right.1), span).map(A),
            (BinaryOp::Div, A(a), A(b)) => self.build.divide((a, left.1), (b, right.1), span).map(A),
            (BinaryOp::Add | BinaryOp::Sub, S(s), S(t)) => self.build.sum_of(s, t, minus, span).map(S),
            (BinaryOp::Then, S(s), S(t)) => self.build.then(s, t, span).map(S),
            (BinaryOp::Mul, S(s), S(t)) => self.build.product_of(s, t, span).map(S),
            (BinaryOp::Mul, A(c), S(s)) if c.is_scalar() => self.build.scaled((c, left.1), s, span).map(S),
            (BinaryOp::Mul, S(s), A(c)) if c.is_scalar() => self.build.scaled((c, right.1), s, span).map(S),
            (BinaryOp::Div, S(s), A(c)) if c.is_scalar() => self.build.divided(s, (c, right.1), span).map(S),
            _ => {
                let side = |(value, span): (&Value, Span)| Side {
                    span,
                    declared: value.declared(),
                    what: value.show(),
                };
                let kind = ResolveErrorKind::NoOperation {
                    operator: symbol(op),
                    left: side(left),
                    right: side(right),
                };
                self.fail(span, kind)
            }
        }
    }

    pub(super) fn negate(&mut self, value: Value, span: Span) -> Option<Value> {
        match value {
            Value::Array(array) => self.build.negative(&array, span).map(Value::Array),
            Value::Stack(stack) => self.build.negated(&stack, span).map(Value::Stack),
            other => {
                let expected = "a number, a kernel or a stack";
                self.fail(span, ResolveErrorKind::WrongKind { expected, found: other.show() })
            }
        }
    }

    pub(super) fn power(&mut self, base: &Expr, exponent: &Expr, span: Span) -> Option<Value> {
        let value = self.value(base);
        match value? {
            Value::Array(array) => {
                let n = self.integer(exponent, Builder::exponents(&array))?;
                self.build.kernel_power((&array, base.span), n, exponent.span, span).map(Value::Array)
            }
            Value::Stack(stack) => {
                let n = self.count(exponent, Builder::repetitions(&stack))?;
                self.build.repeated(&stack, n, span).map(Value::Stack)
            }
            other => {
                let expected = "a number, a kernel or a stack";
                self.fail(base.span, ResolveErrorKind::WrongKind { expected, found: other.show() })
            }
        }
    }
}

fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Pow => "^",
        BinaryOp::Rem => "%",
        BinaryOp::Then => "->",
    }
}
