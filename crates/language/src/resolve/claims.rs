//! Propositions: quantifiers, and the sides of comparisons.

use super::Resolver;
use super::build::error::{ResolveErrorKind, Side};
use super::build::value::StackValue;
use super::layer_equations::is_of_layers;
use super::scope::Entry;
use super::value::Value;
use crate::source::Span;
use crate::syntax::ast::{self, ClaimScope, CompareOp, Declared, Expr, Link, Name, PropKind, Relation};
use convproof_engine::ir::{Field, KernelExpr, Order, Prop, Sizes, Tolerance};
use convproof_exact::Rational;

/// What a comparison asks for beside its sides.
pub(super) struct Terms<'e> {
    pub(super) order: Order,
    pub(super) bound: Option<(&'e Expr, Option<&'e Expr>)>,
    pub(super) scope: &'e ClaimScope,
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
        let hiding = self.scope.hiding();
        let mut fine = true;
        for kernel in kernels {
            let value = self.local_kernel(kernel);
            fine &= value.is_some();
            self.scope.hide(&kernel.name.text, Entry { value, span: kernel.name.span });
        }
        let prop = self.proposition(body);
        self.scope.reveal(hiding);
        prop.filter(|_| fine)
    }

    pub(super) fn local_kernel(&mut self, kernel: &Declared) -> Option<Value> {
        let Declared { name, shape } = kernel;
        if !self.may_shadow(name) {
            return None;
        }
        let Some(indices) = shape else {
            return self.fail(name.span, ResolveErrorKind::UnknownShape(name.text.clone()));
        };
        let shape = self.extents(indices, false, name.span)?;
        self.build.free(&name.text, shape, indices.len(), name.span).map(Value::Array)
    }

    fn exists(&mut self, unknowns: &[Declared], field: Option<&Name>, body: &ast::Prop) -> Option<Prop> {
        let field = self.field(field);
        let equation = match &body.kind {
            PropKind::Compare {
                left,
                op: CompareOp::Eq,
                right,
                scope: ClaimScope { on: None, condition: None },
            } if !is_of_layers(unknowns, left, right) => self.equation(unknowns, left, right, body.span),
            PropKind::Compare { left, op: CompareOp::Eq, right, .. }
                if is_of_layers(unknowns, left, right) =>
            {
                let why =
                    "that kernels of layers exist is a claim by itself: not below `forall`, nor with sizes";
                self.fail(body.span, ResolveErrorKind::Equation(why))
            }
            _ => {
                let why = "`exists` is followed by one equation of kernels, as in `P * Q == D`";
                self.fail(body.span, ResolveErrorKind::Equation(why))
            }
        };
        let (equation, field) = (equation?, field?);
        if matches!(equation.target.expr(), KernelExpr::Free { .. }) {
            return Some(Prop::ForallExists { equation, field });
        }
        Some(Prop::Exists { equation, field })
    }

    /// What stands after `over`.
    pub(super) fn field(&mut self, field: Option<&Name>) -> Option<Field> {
        let Some(name) = field else { return Some(Field::Reals) };
        match name.text.as_str() {
            "Q" => Some(Field::Rationals),
            "R" => Some(Field::Reals),
            "C" => Some(Field::Complex),
            _ => self.fail(name.span, ResolveErrorKind::UnknownField(name.text.clone())),
        }
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
        self.build.stack_claim(left, right, tolerance, sizes, span).map(Prop::Stacks)
    }

    /// The sizes that a claim is limited to.
    fn sizes(&mut self, scope: &ClaimScope) -> Option<Sizes> {
        let on = scope.on.as_ref().map(|expr| self.size(expr));
        let condition = scope.condition.as_ref().map(|condition| self.condition(condition));
        let span = scope.on.as_ref().map_or_else(Span::default, |expr| expr.span);
        let on = on.map_or(Some(None), |size| size.map(Some));
        let condition = condition.map_or(Some(None), |condition| condition.map(Some));
        self.build.sizes(on?, condition?, span)
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
        self.build.not_negative(value, what, expr.span)
    }
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
