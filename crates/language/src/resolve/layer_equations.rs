//! Equations of `solve` and `exists` whose unknown kernels stand in layers: which kernels make two stacks equal.

use super::Resolver;
use super::build::error::ResolveErrorKind;
use super::build::value::{Array, Role};
use super::scope::Entry;
use super::value::Value;
use crate::syntax::ast::{self, ClaimScope, CompareOp, Declared, Expr, ExprKind, PropKind};
use convproof_engine::ir::{FreeKernel, KernelExpr, KernelTerm, Prop, StackClaim};
use convproof_engine::kernel::Kernel;
use convproof_exact::Poly;

/// An equation between stacks with unknown kernels.
#[derive(Clone, Debug)]
pub struct LayerEquation {
    /// The unknown kernels.
    pub unknowns: Vec<FreeKernel>,
    /// The equation as a claim about all values of them.
    pub claim: StackClaim,
    /// As it was written.
    body: ast::Prop,
}

/// Whether an unknown kernel stands in a call that does not give a kernel of it, as those of layers do.
pub(super) fn is_of_layers(unknowns: &[Declared], left: &Expr, right: &Expr) -> bool {
    [left, right].into_iter().any(|side| in_call(side, unknowns, false))
}

fn in_call(expr: &Expr, unknowns: &[Declared], inside: bool) -> bool {
    match &expr.kind {
        ExprKind::Name(name) => inside && unknowns.iter().any(|unknown| unknown.name.text == *name),
        ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::Slice(_) => false,
        ExprKind::Array(entries, _) => entries.iter().any(|entry| in_call(entry, unknowns, inside)),
        ExprKind::Negate(inner) => in_call(inner, unknowns, inside),
        ExprKind::Binary(_, left, right) => {
            [left, right].into_iter().any(|side| in_call(side, unknowns, inside))
        }
        ExprKind::Call(callee, arguments) => {
            let inside = inside || !is_dilation(callee);
            arguments.iter().any(|argument| in_call(&argument.value, unknowns, inside))
        }
        ExprKind::Index(base, _) => in_call(base, unknowns, inside),
    }
}

/// Whether this is the function `dilate`, whose name cannot be declared.
pub(super) fn is_dilation(callee: &Expr) -> bool {
    matches!(&callee.kind, ExprKind::Name(name) if name == "dilate")
}

impl Resolver<'_> {
    /// `exists V[3,3]: conv(V) == S` at the top of a claim; `None` if it is no equation of layers.
    pub(super) fn exists_layers(&mut self, prop: &ast::Prop) -> Option<Option<LayerEquation>> {
        let PropKind::Exists { unknowns, field, body } = &prop.kind else { return None };
        let PropKind::Compare { left, op: CompareOp::Eq, right, .. } = &body.kind else { return None };
        if !is_of_layers(unknowns, left, right) {
            return None;
        }
        // Linear equations have solutions over one field if they have over another.
        let field = self.field(field.as_ref());
        let equation = self.layer_equation(unknowns, (**body).clone());
        Some(equation.filter(|_| field.is_some()))
    }

    /// An equation between stacks, for unknown kernels that are declared in it.
    pub(super) fn layer_equation(&mut self, declared: &[Declared], body: ast::Prop) -> Option<LayerEquation> {
        let hiding = self.scope.hiding();
        let mut unknowns = Vec::new();
        for (n, kernel) in declared.iter().enumerate() {
            let Declared { name, shape } = kernel;
            if let Some(first) = declared[..n].iter().find(|other| other.name.text == name.text) {
                let (name, first) = (name.text.clone(), first.name.span);
                return self.fail(kernel.name.span, ResolveErrorKind::DefinedTwice { name, first });
            }
            let value = self.local_kernel(kernel)?;
            if let Value::Array(array) = &value
                && let KernelExpr::Free { first, shape: extents } = array.term.expr()
            {
                let (indices, name) = (shape.as_ref().map_or(0, Vec::len), name.text.clone());
                unknowns.push(FreeKernel { name, shape: *extents, indices, first: *first });
            }
            self.scope.hide(&name.text, Entry { value: Some(value), span: name.span });
        }
        let prop = self.proposition(&body);
        self.scope.reveal(hiding);
        match prop? {
            Prop::Stacks(claim) => Some(LayerEquation { unknowns, claim, body }),
            _ => {
                let why = "unknown kernels may only be added, subtracted, multiplied, dilated and divided by numbers, or be those of layers";
                self.fail(body.span, ResolveErrorKind::Equation(why))
            }
        }
    }

    /// The claim with kernels in place of the unknown ones; `None` where they are too large.
    pub fn with_kernels(&mut self, equation: &LayerEquation, kernels: &[Kernel]) -> Option<StackClaim> {
        self.scope.reveal(0);
        self.build.errors.clear();
        for (unknown, kernel) in equation.unknowns.iter().zip(kernels) {
            let term = KernelTerm::of_kernel(kernel, &self.build.symbols)?;
            for entry in kernel.expand().ok()?.entries() {
                for &(symbol, _) in
                    entry.terms().iter().flat_map(|(monomial, _)| monomial.factors()).filter(|f| f.1 < 0)
                {
                    self.build.symbols.divide_by(&Poly::symbol(symbol));
                }
            }
            let role = if unknown.indices == 1 { Role::Row } else { Role::Kernel };
            let degree = term.kernel().degree();
            let array = Array { term, role, declared: None, depth: 0, degree };
            let entry = Entry { value: Some(Value::Array(array)), span: equation.body.span };
            self.scope.hide(&unknown.name, entry);
        }
        let prop = self.proposition(&equation.body);
        self.scope.reveal(0);
        let errors = std::mem::take(&mut self.build.errors);
        match prop {
            Some(Prop::Stacks(claim)) if errors.is_empty() => Some(claim),
            _ => None,
        }
    }
}

/// The equation of a `solve` as a proposition.
pub(super) fn as_proposition(
    left: &Expr,
    right: &Expr,
    scope: &ClaimScope,
    span: crate::source::Span,
) -> ast::Prop {
    let (left, right, scope) = (left.clone(), right.clone(), scope.clone());
    ast::Prop { kind: PropKind::Compare { left, op: CompareOp::Eq, right, scope }, span }
}
