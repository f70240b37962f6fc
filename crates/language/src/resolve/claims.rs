//! Propositions: quantifiers, and the sides of comparisons.

use super::Resolver;
use super::error::{ChannelSource, Limit, ResolveError, ResolveErrorKind, Side};
use super::scope::Entry;
use super::value::{StackValue, Value};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::{self, CompareOp, Declared, Expr, Link, Name, PropKind, Relation, Scope};
use convproof_engine::ir::{Field, KernelExpr, Order, Prop, Sizes, Stack, StackClaim, Tolerance};
use convproof_engine::operator::shape::{self, Signal};
use convproof_engine::operator::{OperatorError, blame};
use convproof_exact::Rational;

/// What a comparison asks for beside its sides.
pub(super) struct Terms<'e> {
    pub(super) order: Order,
    pub(super) bound: Option<(&'e Expr, Option<&'e Expr>)>,
    pub(super) scope: &'e Scope,
}

impl Resolver<'_> {
    pub(super) fn proposition(&mut self, prop: &ast::Prop) -> Option<Prop> {
        match &prop.kind {
            PropKind::Compare { left, op, right, scope } => {
                let (a, b) = (self.value(left), self.value(right));
                let terms = Terms { order: order(*op), bound: None, scope };
                self.compare((&a?, left.span), (&b?, right.span), &terms, prop.span)
            }
            PropKind::Within { left, right, bound, range, scope } => {
                let (a, b) = (self.value(left), self.value(right));
                let terms = Terms { order: Order::Eq, bound: Some((bound, range.as_ref())), scope };
                self.compare((&a?, left.span), (&b?, right.span), &terms, prop.span)
            }
            PropKind::Forall { kernels, body } => self.forall(kernels, body),
            PropKind::Exists { unknowns, field, body } => self.exists(unknowns, field.as_ref(), body),
        }
    }

    /// A step of a chain.
    pub(super) fn step(&mut self, left: (&Value, Span), link: &Link, right: (&Value, Span)) -> Option<Prop> {
        let bound = match &link.relation {
            Relation::Equal => None,
            Relation::Within { bound, range } => Some((bound, range.as_ref())),
        };
        self.compare(left, right, &Terms { order: Order::Eq, bound, scope: &link.scope }, link.span)
    }

    /// `forall D[5,5]: body`: the body with free kernels of its own.
    fn forall(&mut self, kernels: &[Declared], body: &ast::Prop) -> Option<Prop> {
        let mut before = Vec::new();
        let mut fine = true;
        for kernel in kernels {
            let value = self.local_kernel(kernel);
            fine &= value.is_some();
            let entry = Entry { value, span: kernel.name.span };
            before.push((&kernel.name.text, self.scope.set(&kernel.name.text, entry)));
        }
        let prop = self.proposition(body);
        for (name, entry) in before.into_iter().rev() {
            self.scope.restore(name, entry);
        }
        prop.filter(|_| fine)
    }

    fn local_kernel(&mut self, kernel: &Declared) -> Option<Value> {
        let Declared { name, shape } = kernel;
        if !self.may_shadow(name) {
            return None;
        }
        let Some(indices) = shape else {
            return self.fail(name.span, ResolveErrorKind::UnknownShape(name.text.clone()));
        };
        let shape = self.extents(indices, false, name.span)?;
        self.free(&name.text, shape, indices.len(), name.span).map(Value::Array)
    }

    fn exists(&mut self, unknowns: &[Declared], field: Option<&Name>, body: &ast::Prop) -> Option<Prop> {
        let field = match field {
            None => Some(Field::Reals),
            Some(name) => match name.text.as_str() {
                "Q" => Some(Field::Rationals),
                "R" => Some(Field::Reals),
                "C" => Some(Field::Complex),
                _ => self.fail(name.span, ResolveErrorKind::UnknownField(name.text.clone())),
            },
        };
        let equation = match &body.kind {
            PropKind::Compare {
                left,
                op: CompareOp::Eq,
                right,
                scope: Scope { on: None, condition: None },
            } => self.equation(unknowns, left, right, body.span),
            _ => {
                let why = "`exists` is followed by one equation of kernels, as in `P * Q == D`";
                self.fail(body.span, ResolveErrorKind::Equation(why))
            }
        };
        let (equation, field) = (equation?, field?);
        if matches!(&*equation.target.expr, KernelExpr::Free { .. }) {
            return Some(Prop::ForallExists { equation, field });
        }
        Some(Prop::Exists { equation, field })
    }

    /// A claim about two stacks.
    pub(super) fn stacks(
        &mut self,
        left: (&StackValue, Span),
        right: (&StackValue, Span),
        terms: &Terms<'_>,
        span: Span,
    ) -> Option<Prop> {
        let sizes = self.sizes(terms.scope);
        let tolerance = match terms.bound {
            None => Some(None),
            Some((bound, range)) => self.tolerance(bound, range).map(Some),
        };
        let (a, b) = (self.finished(left.0.clone()), self.finished(right.0.clone()));
        let (a, b) = (a?, b?);
        if terms.order != Order::Eq {
            let sides = [&left, &right].map(|(_, span)| Side {
                span: *span,
                declared: None,
                what: "a stack".to_owned(),
            });
            let [left, right] = sides;
            let operator = terms.order.sign();
            return self.fail(span, ResolveErrorKind::NoOperation { operator, left, right });
        }
        let (sizes, tolerance) = (sizes?, tolerance?);
        let channels = self.fitting(&a, left.1, &b, right.1, &sizes, span)?;
        Some(Prop::Stacks(StackClaim { left: a.stack, right: b.stack, channels, tolerance, sizes }))
    }

    /// The input channels of two stacks that fit each other in channels and sizes.
    fn fitting(
        &mut self,
        left: &StackValue,
        at: Span,
        right: &StackValue,
        bt: Span,
        sizes: &Sizes,
        span: Span,
    ) -> Option<usize> {
        let (s, t) = (&left.stack, &right.stack);
        if let (Some((a, first)), Some((b, second))) = (shape::asked(s), shape::asked(t))
            && a != b
        {
            let source = ChannelSource::OtherSide(first);
            let kind = ResolveErrorKind::Channels { needs: b.to_string(), gets: a, source };
            return self.fail(second, kind);
        }
        let size = if let Sizes::One(size) = sizes { Some(*size) } else { None };
        let channels = match shape::input_channels(&[s, t]) {
            Ok(channels) => channels,
            Err(error) => return self.operator(&error, &[s, t], span),
        };
        let mut signals = Vec::new();
        for stack in [s, t] {
            match shape::after(stack, Signal::input(channels), size) {
                Ok(signal) => signals.push(signal),
                Err(error) => {
                    self.operator::<()>(&error, &[stack], span);
                    if matches!(error, OperatorError::DenseNeedsSize { .. }) {
                        return None;
                    }
                }
            }
        }
        let [a, b] = signals.as_slice() else { return None };
        if a.channels != b.channels {
            let kind = ResolveErrorKind::OutputChannels {
                context: "the sides of a claim",
                left: (at, a.channels),
                right: (bt, b.channels),
            };
            return self.fail(span, kind);
        }
        if let Some(size) = size
            && a.at(size).is_none()
            && b.at(size).is_none()
        {
            let layer = super::quantities::failing_layer(s, channels, size);
            return self.fail(span, ResolveErrorKind::NoOutput { size: Some(size), layer });
        }
        Some(channels)
    }

    /// The sizes that a claim is limited to.
    fn sizes(&mut self, scope: &Scope) -> Option<Sizes> {
        let on = scope.on.as_ref().map(|expr| (self.size(expr), expr.span));
        let condition = scope.condition.as_ref().map(|condition| self.condition(condition));
        match (on, condition) {
            (None, None) => Some(Sizes::All),
            (Some((size, _)), None) => size.map(Sizes::One),
            (None, Some(condition)) => condition.map(Sizes::Where),
            (Some((size, span)), Some(condition)) => {
                size?;
                condition?;
                let why = "`on` names one size, so a condition on sizes beside it says nothing";
                self.fail(span, ResolveErrorKind::Condition(why))
            }
        }
    }

    fn tolerance(&mut self, bound: &Expr, range: Option<&Expr>) -> Option<Tolerance> {
        let bound = self.not_negative(bound, "the bound");
        let range = match range {
            None => Some(Rational::from(1)),
            Some(expr) => self.not_negative(expr, "the range"),
        };
        Some(Tolerance { bound: bound?, range: range? })
    }

    fn not_negative(&mut self, expr: &Expr, what: &'static str) -> Option<Rational> {
        let value = self.number(expr, what)?;
        if value.is_negative() {
            let (found, allowed) = (super::arguments::short(&value), "a number from 0 on".to_owned());
            return self.fail(expr.span, ResolveErrorKind::OutOfRange { what, found, allowed });
        }
        Some(value)
    }

    /// Reports why a stack has no normal form.
    pub(super) fn operator<T>(&mut self, error: &OperatorError, stacks: &[&Stack], span: Span) -> Option<T> {
        let mut error = operator_error(error, span);
        match &mut error.kind {
            ResolveErrorKind::Channels { source, .. } => {
                let found = stacks.iter().find_map(|stack| blame::channel_source(stack, error.span));
                *source = found.map_or(ChannelSource::Input, ChannelSource::Layer);
            }
            ResolveErrorKind::BranchSizes { left, right, sizes, example } => {
                let found = stacks.iter().find_map(|stack| {
                    let channels = shape::input_channels(&[stack]).ok()?;
                    blame::branch_example(stack, channels, [*left, *right])
                });
                if let Some([input, a, b]) = found {
                    (*sizes, *example) = (Some([a, b]), Some(input));
                }
            }
            _ => {}
        }
        self.fail(error.span, error.kind)
    }
}

/// The mistake behind a stack that has no normal form; `span` stands in where the error has no place.
fn operator_error(error: &OperatorError, span: Span) -> ResolveError {
    let (span, kind) = match *error {
        OperatorError::Channels { at, needs, gets } => {
            (at, ResolveErrorKind::Channels { needs: needs.to_string(), gets, source: ChannelSource::Input })
        }
        OperatorError::ChannelMultiple { at, of, gets } => (
            at,
            ResolveErrorKind::Channels {
                needs: format!("a multiple of {of}"),
                gets,
                source: ChannelSource::Input,
            },
        ),
        OperatorError::BranchChannels { left, right } => {
            let context = "the branches of a sum";
            (right.0, ResolveErrorKind::OutputChannels { context, left, right })
        }
        OperatorError::BranchSizes { left, right } => {
            (right, ResolveErrorKind::BranchSizes { left, right, sizes: None, example: None })
        }
        OperatorError::DenseNeedsSize { at } => (span, ResolveErrorKind::DenseNeedsSize { layer: at }),
        OperatorError::DenseInputs { at, needs, gets } => (at, ResolveErrorKind::DenseInputs { needs, gets }),
        OperatorError::Kernel { at, error } => (at, ResolveErrorKind::TooLarge(Limit::Kernel(error))),
        OperatorError::TooLarge { at } => (at, ResolveErrorKind::TooLarge(Limit::Extents)),
        OperatorError::PeriodTooLong => (span, ResolveErrorKind::PeriodTooLong),
    };
    ResolveError { kind, span }
}

/// The diagnostic of a stack that has no normal form; `span` is the claim's.
pub fn operator_diagnostic(error: &OperatorError, span: Span) -> Diagnostic {
    operator_error(error, span).diagnostic()
}

pub(super) fn order(op: CompareOp) -> Order {
    match op {
        CompareOp::Eq => Order::Eq,
        CompareOp::Ne => Order::Ne,
        CompareOp::Lt => Order::Lt,
        CompareOp::Le => Order::Le,
        CompareOp::Gt => Order::Gt,
        CompareOp::Ge => Order::Ge,
    }
}
