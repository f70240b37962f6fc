//! Statements: what they declare and claim.

use std::path::{Component, Path};

use super::build::error::{Exceeded, ResolveErrorKind, Side};
use super::build::value::{Array, Role};
use super::scope::Entry;
use super::value::Value;
use super::{ClaimBody, Resolved, ResolvedClaim, Resolver};
use crate::source::Span;
use crate::syntax::ast::{
    Chain, Claim, CompareOp, Declared, Expr, Link, Name, Problem, Prop, PropKind, Relation, Statement,
    StatementKind,
};
use crate::syntax::{print_proposition, print_statement};
use convproof_engine::ir::ClaimKind;
use convproof_engine::kernel::Shape;

/// Most bytes of all kernels and stacks that a spec gives names to.
pub const MAX_MEMORY: u64 = 1 << 30;

impl Resolver<'_> {
    pub(super) fn resolve(&mut self, statement: &Statement) -> Option<Resolved> {
        match &statement.kind {
            StatementKind::Kernel { target: Declared { name, .. }, .. }
            | StatementKind::Image { target: Declared { name, .. }, .. }
            | StatementKind::Scalar { name, .. }
            | StatementKind::Stack { name, .. } => {
                let fresh = self.may_declare(name);
                let (name, value) = self.declaration(statement)?;
                self.declare(name, fresh, value)
            }
            StatementKind::Size { .. } => None,
            StatementKind::Export { names, path } => self.export(names, path),
            StatementKind::Prove(claim) => self.single(ClaimKind::Prove, claim, statement.span),
            StatementKind::Refute(claim) => self.single(ClaimKind::Refute, claim, statement.span),
            StatementKind::Chain(claim) => self.chain(claim).map(Resolved::Claims),
            StatementKind::Solve(claim) => self.problem(ClaimKind::Solve, claim, statement),
            StatementKind::Fit(claim) => self.problem(ClaimKind::Fit, claim, statement),
        }
    }

    /// Kernels that go to a file.
    fn export(&mut self, names: &[Name], path: &Name) -> Option<Resolved> {
        if !is_archive_beside(&path.text) {
            let what = "arrays go to a file below the spec's folder that ends in .npz";
            return self.fail(path.span, ResolveErrorKind::Export(what));
        }
        let mut kernels = Vec::with_capacity(names.len());
        for name in names {
            match self.lookup(&name.text, name.span)? {
                Value::Array(array) => match array.term.kernel().as_concrete() {
                    Some(kernel) => kernels.push((name.text.clone(), kernel.clone())),
                    None => {
                        let what = "an exported kernel";
                        return self.fail(name.span, ResolveErrorKind::NotConstant { what });
                    }
                },
                other => {
                    let kind = ResolveErrorKind::WrongKind { expected: "a kernel", found: other.show() };
                    return self.fail(name.span, kind);
                }
            }
        }
        Some(Resolved::Export { path: path.text.clone(), kernels })
    }

    /// The name that a declaration declares, and its value if there are no mistakes in it.
    pub(super) fn declaration<'s>(&mut self, statement: &'s Statement) -> Option<(&'s Name, Option<Value>)> {
        Some(match &statement.kind {
            StatementKind::Kernel { target, value } => {
                (&target.name, self.declared_kernel(target, value.as_ref()))
            }
            StatementKind::Scalar { name, value } => {
                let value = match value {
                    Some(expr) => self.scalar(expr).map(|array| Array { role: Role::Scalar, ..array }),
                    None => self.build.free(&name.text, Shape::plane(1, 1), 0, name.span),
                };
                (name, value.map(Value::Array))
            }
            StatementKind::Image { target, value } => (&target.name, self.declared_image(target, value)),
            StatementKind::Stack { name, value } => (name, self.stack(value).map(Value::Stack)),
            _ => return None,
        })
    }

    /// Gives a name its value, or notes that it has none; a second declaration changes nothing.
    fn declare(&mut self, name: &Name, fresh: bool, value: Option<Value>) -> Option<Resolved> {
        if !fresh {
            return None;
        }
        self.kept = self.kept.saturating_add(match &value {
            Some(Value::Array(array)) => array.term.kernel().memory(),
            Some(Value::Stack(stack)) => stack.stack.memory(),
            _ => 0,
        });
        if self.kept > MAX_MEMORY {
            self.scope.set(&name.text, Entry { value: None, span: name.span });
            return self.fail(name.span, ResolveErrorKind::TooLarge(Exceeded::Memory(MAX_MEMORY)));
        }
        let known = value.is_some();
        self.scope.set(&name.text, Entry { value, span: name.span });
        known.then_some(Resolved::Declaration)
    }

    fn declared_kernel(&mut self, target: &Declared, value: Option<&Expr>) -> Option<Value> {
        let shape = target
            .shape
            .as_ref()
            .map(|indices| self.extents(indices, false, target.name.span).map(|shape| (shape, indices)));
        let Some(expr) = value else {
            let Some(shape) = shape else {
                let name = target.name.text.clone();
                return self.fail(target.name.span, ResolveErrorKind::UnknownShape(name));
            };
            let (shape, indices) = shape?;
            return self
                .build
                .free(
                    &target.name.text,
                    shape,
                    if indices.len() == 3 { 4 } else { indices.len() },
                    target.name.span,
                )
                .map(Value::Array);
        };
        let array = self.array(expr, "a kernel")?;
        if let Some(shape) = shape {
            let (shape, indices) = shape?;
            let array = self.build.respelled(array, shape, expr.span)?;
            self.agrees(&array, expr.span, shape, indices)?;
            let role = if indices.len() == 1 { Role::Row } else { Role::Kernel };
            return Some(Value::Array(Array { role, ..array }));
        }
        let array = self.build.no_channels(array, expr.span)?;
        let role = if matches!(array.role, Role::Image | Role::Scalar) { Role::Kernel } else { array.role };
        Some(Value::Array(Array { role, ..array }))
    }

    fn declared_image(&mut self, target: &Declared, value: &Expr) -> Option<Value> {
        let shape = target
            .shape
            .as_ref()
            .map(|indices| self.extents(indices, true, target.name.span).map(|shape| (shape, indices)));
        let array = self.array(value, "an image")?;
        if array.shape().inputs != 1 {
            let expected = "an image [h,w] or [c,h,w]";
            return self.fail(value.span, ResolveErrorKind::WrongKind { expected, found: array.show() });
        }
        if let Some(shape) = shape {
            let (shape, indices) = shape?;
            self.agrees(&array, value.span, shape, indices)?;
        }
        Some(Value::Array(Array { role: Role::Image, ..array }))
    }

    /// Checks a value against the shape that it was declared with.
    fn agrees(&mut self, array: &Array, span: Span, shape: Shape, indices: &[Expr]) -> Option<()> {
        if array.shape() == shape {
            return Some(());
        }
        let place = match (indices.first(), indices.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => span,
        };
        let all = [shape.outputs, shape.inputs, shape.height, shape.width];
        let written: Vec<String> = match indices.len() {
            3 if shape.height == 1 => {
                [shape.outputs, shape.inputs, shape.width].map(|n| n.to_string()).to_vec()
            }
            3 => [shape.outputs, shape.height, shape.width].map(|n| n.to_string()).to_vec(),
            count => all[4 - count..].iter().map(ToString::to_string).collect(),
        };
        let left = Side { span: place, declared: None, what: format!("[{}]", written.join(",")) };
        let right = super::build::arrays::side(span, array);
        self.fail(span, ResolveErrorKind::ShapeMismatch { context: "a declaration", left, right, hint: None })
    }

    fn single(&mut self, kind: ClaimKind, claim: &Claim<Prop>, span: Span) -> Option<Resolved> {
        let body = match self.exists_layers(&claim.body) {
            Some(equation) => ClaimBody::Layers(Box::new(equation?)),
            None => ClaimBody::Prop(self.proposition(&claim.body)?),
        };
        let statement = print_proposition(&claim.body);
        let label = claim.label.clone();
        Some(Resolved::Claims(vec![ResolvedClaim { label, kind, statement, span, body }]))
    }

    fn chain(&mut self, claim: &Claim<Chain>) -> Option<Vec<ResolvedClaim>> {
        let first = &claim.body.first;
        let mut left = (first, self.value(first));
        let mut claims = Vec::with_capacity(claim.body.links.len());
        for (at, link) in claim.body.links.iter().enumerate() {
            let right = (&link.right, self.value(&link.right));
            if let (Some(a), Some(b)) = (&left.1, &right.1) {
                let prop = self.step((a, left.0.span), link, (b, link.right.span));
                let step = format!("step {}", at + 1);
                let label =
                    claim.label.as_ref().map_or_else(|| step.clone(), |label| format!("{label} {step}"));
                claims.extend(prop.map(|prop| ResolvedClaim {
                    label: Some(label),
                    kind: ClaimKind::Chain,
                    statement: print_proposition(&as_proposition(left.0, link)),
                    span: link.span,
                    body: ClaimBody::Prop(prop),
                }));
            }
            left = right;
        }
        // Steps whose sides are known are checked even where another step uses a name that is not.
        (!claims.is_empty()).then_some(claims)
    }

    fn problem(
        &mut self,
        kind: ClaimKind,
        claim: &Claim<Problem>,
        statement: &Statement,
    ) -> Option<Resolved> {
        let body = if kind == ClaimKind::Solve {
            self.solve(&claim.body)
        } else {
            self.fit(&claim.body).map(ClaimBody::Fit)
        };
        let body = body?;
        let label = claim.label.clone();
        let text = print_statement(&Statement {
            kind: match &statement.kind {
                StatementKind::Solve(_) => {
                    StatementKind::Solve(Claim { label: None, body: claim.body.clone() })
                }
                _ => StatementKind::Fit(Claim { label: None, body: claim.body.clone() }),
            },
            comments: Vec::new(),
            trailing: None,
            ..*statement
        });
        let keyword = if kind == ClaimKind::Solve { "solve" } else { "fit" };
        let text = text.strip_prefix(keyword).unwrap_or(&text).trim_start().to_owned();
        let span = statement.span;
        Some(Resolved::Claims(vec![ResolvedClaim { label, kind, statement: text, span, body }]))
    }
}

/// A step of a chain as a proposition of its own.
pub(super) fn as_proposition(left: &Expr, link: &Link) -> Prop {
    let (left, right, scope) = (left.clone(), link.right.clone(), link.scope.clone());
    let kind = match &link.relation {
        Relation::Equal => PropKind::Compare { left, op: CompareOp::Eq, right, scope },
        Relation::Within { bound, range } => {
            PropKind::Within { left, right, bound: bound.clone(), range: range.clone(), scope }
        }
    };
    Prop { kind, span: link.span }
}

/// Whether a path names an archive of arrays and cannot leave the folder that it is taken from.
fn is_archive_beside(path: &str) -> bool {
    let path = Path::new(path);
    path.extension().is_some_and(|extension| extension == "npz")
        && path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}
