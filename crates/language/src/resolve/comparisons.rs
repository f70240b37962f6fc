//! Comparisons of kernels, images, numbers and lists.

use super::Resolver;
use super::build::error::{ResolveErrorKind, Side};
use super::build::value::{Array, Role};
use super::claims::Terms;
use super::value::Value;
use crate::source::Span;
use convproof_engine::ir::{Order, Prop};
use convproof_exact::Poly;

impl Resolver<'_> {
    /// A comparison, by the kinds of its sides.
    pub(super) fn compare(
        &mut self,
        left: (&Value, Span),
        right: (&Value, Span),
        terms: &Terms<'_>,
        span: Span,
    ) -> Option<Prop> {
        if let (Value::Stack(a), Value::Stack(b)) = (left.0, right.0) {
            return self.stacks((a, left.1), (b, right.1), terms, span);
        }
        let stack = [left.0, right.0].iter().any(|value| matches!(value, Value::Stack(_)));
        if !stack {
            self.no_clauses(terms, span)?;
        }
        let order = terms.order;
        match (left.0, right.0) {
            (Value::Array(a), Value::Array(b)) if !numeric(a, b) => {
                let kinds = |array: &Array| array.is_scalar() && array.role == Role::Scalar;
                if kinds(a) != kinds(b) {
                    return self.kinds_differ(left, right, span);
                }
                if !matches!(order, Order::Eq | Order::Ne) {
                    if a.role == Role::Row && b.role == Role::Row {
                        return self.numbers(left, order, right, span);
                    }
                    let sides = [left, right].map(side);
                    let [left, right] = sides;
                    let operator = order.sign();
                    return self.fail(span, ResolveErrorKind::NoOperation { operator, left, right });
                }
                let images = a.role.is_image() || b.role.is_image();
                let (left, right) = (a.term.clone(), b.term.clone());
                Some(Prop::Kernels { left, right, negated: order == Order::Ne, images })
            }
            (Value::Array(_) | Value::List(_), Value::Array(_) | Value::List(_)) => {
                self.numbers(left, order, right, span)
            }
            _ => self.kinds_differ(left, right, span),
        }
    }

    /// A comparison of numbers or lists.
    fn numbers(
        &mut self,
        left: (&Value, Span),
        order: Order,
        right: (&Value, Span),
        span: Span,
    ) -> Option<Prop> {
        let (Some(a), Some(b)) = (left.0.numbers(), right.0.numbers()) else {
            return self.kinds_differ(left, right, span);
        };
        let list = |value: &Value| match value {
            Value::List(_) => true,
            Value::Array(array) => array.role == Role::Row,
            _ => false,
        };
        if list(left.0) != list(right.0) {
            return self.kinds_differ(left, right, span);
        }
        if a.len() != b.len() {
            let what = |list: &[Poly]| {
                if list.len() == 1 { "1 entry".to_owned() } else { format!("{} entries", list.len()) }
            };
            let side = |(value, span): (&Value, Span), what| Side { span, declared: value.declared(), what };
            let (left, right) = (side(left, what(&a)), side(right, what(&b)));
            let context = "a comparison of lists";
            return self.fail(span, ResolveErrorKind::ShapeMismatch { context, left, right, hint: None });
        }
        if !matches!(order, Order::Eq | Order::Ne) {
            for (list, at) in [(&a, left.1), (&b, right.1)] {
                if !list.iter().all(|number| self.build.symbols.is_numeric(number)) {
                    let what = "a side of `<`, `<=`, `>` or `>=`";
                    return self.fail(at, ResolveErrorKind::NotConstant { what });
                }
            }
        }
        Some(Prop::Numbers { left: a, order, right: b })
    }

    fn kinds_differ(&mut self, left: (&Value, Span), right: (&Value, Span), span: Span) -> Option<Prop> {
        let [left, right] = [left, right].map(side);
        self.fail(span, ResolveErrorKind::KindsDiffer { left, right })
    }

    /// `on`, `where` and `~=` make sense for stacks alone.
    fn no_clauses(&mut self, terms: &Terms<'_>, span: Span) -> Option<()> {
        let (clause, place) = if let Some(on) = &terms.scope.on {
            ("on", on.span)
        } else if terms.scope.condition.is_some() {
            ("where", span)
        } else if let Some((bound, _)) = terms.bound {
            ("~=", bound.span)
        } else {
            return Some(());
        };
        let about = "numbers or kernels";
        self.fail(place, ResolveErrorKind::ClauseMisplaced { clause, about })
    }
}

fn side((value, span): (&Value, Span)) -> Side {
    Side { span, declared: value.declared(), what: value.show() }
}

/// Whether two arrays are compared as numbers.
fn numeric(a: &Array, b: &Array) -> bool {
    a.is_scalar() && b.is_scalar() && a.role != Role::Row && b.role != Role::Row
}
