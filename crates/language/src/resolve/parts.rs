//! `load("m.onnx", from="x", to="y")`: a part of a model file as a stack.
//!
//! What reads the file writes the part as an expression of this language; here it is parsed and resolved in the place
//! of the call, so that every mistake in it is one of the call.

use super::Resolver;
use super::arguments::Bound;
use super::build::error::ResolveErrorKind;
use super::value::Value;
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, Item, StatementKind};
use crate::syntax::parse;

impl Resolver<'_> {
    pub(super) fn part(&mut self, bound: &Bound<'_>, span: Span) -> Option<Value> {
        let path = self.text(bound.at(0))?;
        let mut names = [None, None];
        for (name, place) in names.iter_mut().zip(["from", "to"]) {
            if let Some(expr) = bound.get(place) {
                *name = Some(self.text(expr)?);
            }
        }
        let text = match (self.parts)(&path, names[0].as_deref(), names[1].as_deref()) {
            Ok(text) => text,
            Err(reason) => return self.fail(span, ResolveErrorKind::Load { path, reason }),
        };
        let (spec, errors) = parse(&format!("stack part = {text}\n"));
        let value = spec.items.into_iter().find_map(|item| match item {
            Item::Statement(statement) => match statement.kind {
                StatementKind::Stack { value, .. } => Some(value),
                _ => None,
            },
            Item::Prose(_) => None,
        });
        let Some(mut value) = value.filter(|_| errors.is_empty()) else {
            let reason = "the part cannot be written as a stack".to_owned();
            return self.fail(span, ResolveErrorKind::Load { path, reason });
        };
        place(&mut value, span);
        self.value(&value)
    }
}

/// Says of an expression and all in it that they stand in one place.
fn place(expr: &mut Expr, span: Span) {
    expr.span = span;
    match &mut expr.kind {
        ExprKind::Number(_) | ExprKind::Name(_) | ExprKind::Text(_) | ExprKind::Bool(_) => {}
        ExprKind::Negate(inner) => place(inner, span),
        ExprKind::Binary(_, left, right) => [left, right].into_iter().for_each(|side| place(side, span)),
        ExprKind::Array(all, _) => all.iter_mut().for_each(|one| place(one, span)),
        ExprKind::Call(callee, arguments) => {
            place(callee, span);
            for argument in arguments {
                place(&mut argument.value, span);
                argument.name.iter_mut().for_each(|name| name.span = span);
            }
        }
        ExprKind::Index(base, indices) => {
            place(base, span);
            indices.iter_mut().for_each(|index| place(index, span));
        }
        ExprKind::Slice(parts) => parts.iter_mut().flatten().for_each(|part| place(part, span)),
    }
}
