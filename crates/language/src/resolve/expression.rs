//! Expressions to values: literals, names, indices, and which kind of call a call is.

use num_traits::ToPrimitive;

use super::Resolver;
use super::build::Amount;
use super::build::error::ResolveErrorKind;
use super::build::value::{Array, Role};
use super::builtins::{self, FUNCTIONS, LAYERS};
use super::value::Value;
use crate::source::Span;
use crate::syntax::ast::{Argument, BinaryOp, Expr, ExprKind};
use crate::syntax::print_expression;
use convproof_engine::kernel::{ConcreteKernel, Shape};
use convproof_exact::{Poly, Rational};

/// Most entries of an array literal that are not plain numbers.
const MAX_EXPRESSIONS: usize = 1 << 18;

impl Resolver<'_> {
    /// What an expression stands for; `None` where mistakes were found (and reported) in it.
    pub(super) fn value(&mut self, expr: &Expr) -> Option<Value> {
        if let Some(number) = constant(expr) {
            return self.build.number(number, expr.span).map(Value::Array);
        }
        match &expr.kind {
            ExprKind::Number(number) => self.build.number(number.clone(), expr.span).map(Value::Array),
            ExprKind::Name(name) => self.named(name, expr.span),
            ExprKind::Text(_) => Some(Value::Text),
            ExprKind::Bool(value) => Some(Value::Bool(*value)),
            ExprKind::Array(..) => self.literal(expr).map(Value::Array),
            ExprKind::Negate(inner) => {
                let value = self.value(inner)?;
                self.negate(value, expr.span)
            }
            ExprKind::Binary(BinaryOp::Pow, base, exponent) => self.power(base, exponent, expr.span),
            ExprKind::Binary(op, left, right) => {
                let (a, b) = (self.value(left), self.value(right));
                self.binary(*op, (&a?, left.span), (&b?, right.span), expr.span)
            }
            ExprKind::Call(callee, arguments) => self.call(callee, arguments, expr.span),
            ExprKind::Index(base, indices) => self.index(base, indices, expr.span),
            // They stand among indices only.
            ExprKind::Slice(_) => None,
        }
    }

    /// A name that stands alone.
    fn named(&mut self, name: &str, span: Span) -> Option<Value> {
        if self.scope.get(name).is_none() {
            if builtins::plain_layers().any(|own| own == name) {
                return Some(Value::Stack(self.plain_layer(name, span)));
            }
            let listed = FUNCTIONS.iter().chain(&*LAYERS).find(|signature| signature.name == name);
            if let Some(signature) = listed {
                let expected = "a value";
                let found = format!("`{name}` without its arguments, as in `{}`", signature.text);
                return self.fail(span, ResolveErrorKind::WrongKind { expected, found });
            }
            if builtins::PADDINGS.contains(&name) {
                let found = format!("`{name}`, which is a way of padding");
                return self.fail(span, ResolveErrorKind::WrongKind { expected: "a value", found });
            }
        }
        self.lookup(name, span)
    }

    fn call(&mut self, callee: &Expr, arguments: &[Argument], span: Span) -> Option<Value> {
        if let ExprKind::Name(name) = &callee.kind
            && self.scope.get(name).is_none()
        {
            let plain = builtins::plain_layers().any(|own| own == name);
            if plain && arguments.is_empty() {
                return Some(Value::Stack(self.plain_layer(name, span)));
            }
            let count = arguments.len();
            if name == "concat" {
                return self.concat(arguments, span).map(Value::Stack);
            }
            if name == "pad" && matches!(count, 2 | 5) && arguments.iter().all(|a| a.name.is_none()) {
                return self.pad_kernel(arguments, span).map(Value::Array);
            }
            if let Some(signature) = builtins::signature(&LAYERS, name, count) {
                let bound = self.arguments(signature, arguments, span)?;
                return self.layer(signature.name, &bound, span).map(Value::Stack);
            }
            if let Some(signature) = builtins::signature(&FUNCTIONS, name, count) {
                let bound = self.arguments(signature, arguments, span)?;
                return self.function(signature.name, &bound, span);
            }
            if !plain {
                self.lookup(name, callee.span)?;
            }
        }
        self.application(callee, arguments, span).map(Value::Array)
    }

    /// `A[1,2]`, `stride(S)[0]`.
    fn index(&mut self, base: &Expr, indices: &[Expr], span: Span) -> Option<Value> {
        let is_slice = |index: &Expr| matches!(index.kind, ExprKind::Slice(_));
        if let ExprKind::Index(inner, first) = &base.kind
            && !first.iter().any(is_slice)
        {
            let all: Vec<String> = first.iter().chain(indices).map(print_expression).collect();
            let advice = format!("write `{}[{}]`", print_expression(inner), all.join(","));
            let kind = ResolveErrorKind::IndexCount { found: first.len(), expected: "all indices at once" };
            self.build.advise(span, kind, Some(advice));
            return None;
        }
        let value = self.value(base)?;
        if indices.iter().any(is_slice) {
            return match value {
                Value::Array(array) => self.sliced(&array, indices, span).map(Value::Array),
                other => {
                    let kind =
                        ResolveErrorKind::WrongKind { expected: "a kernel or an image", found: other.show() };
                    self.fail(base.span, kind)
                }
            };
        }
        let mut at = Vec::with_capacity(indices.len());
        for index in indices {
            at.push(self.integer(index, Amount { what: "the index", range: [i64::MIN, i64::MAX] })?);
        }
        let shown = || at.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let bounds = |shape: String, declared| ResolveErrorKind::IndexOutOfBounds {
            index: format!("[{}]", shown()),
            shape,
            declared,
        };
        let array = match value {
            Value::Array(array) => array,
            Value::List(list) => {
                let [n] = at.as_slice() else {
                    return self
                        .fail(span, ResolveErrorKind::IndexCount { found: at.len(), expected: "1 index" });
                };
                return match n.to_usize().and_then(|n| list.get(n)) {
                    Some(poly) => self.poly(poly, span).map(Value::Array),
                    None => self.fail(span, bounds(format!("[{}]", list.len()), None)),
                };
            }
            other => {
                let kind =
                    ResolveErrorKind::WrongKind { expected: "a kernel or a list", found: other.show() };
                return self.fail(base.span, kind);
            }
        };
        let full = match place(&array, &at) {
            Ok(full) => full,
            Err(expected) => {
                return self.fail(span, ResolveErrorKind::IndexCount { found: at.len(), expected });
            }
        };
        let position = full.map(|n| n.to_usize().unwrap_or(usize::MAX));
        self.build.entry(&array, position, span).map(Value::Array)
    }

    /// `[1 2 1]`, `[[1, 0], [0, 1]]`.
    fn literal(&mut self, expr: &Expr) -> Option<Array> {
        let mut lengths = Vec::new();
        let mut level = expr;
        while let ExprKind::Array(entries, _) = &level.kind {
            lengths.push(entries.len());
            let Some(first) = entries.first() else { break };
            level = first;
        }
        let (shape, role) = match *lengths.as_slice() {
            [n] => (Shape::plane(1, n), Role::Row),
            [h, w] => (Shape::plane(h, w), Role::Kernel),
            [c, h, w] => (Shape::new(c, 1, h, w), Role::Channels),
            [o, i, h, w] => (Shape::new(o, i, h, w), Role::Kernel),
            _ => {
                let what = "an array has at most 4 levels of brackets";
                return self.fail(expr.span, ResolveErrorKind::Literal(what));
            }
        };
        let mut leaves = Vec::new();
        collect(expr, &mut leaves);
        self.build.shape(shape, expr.span)?;
        if let Some(numbers) = leaves.iter().map(|leaf| constant(leaf)).collect::<Option<Vec<_>>>() {
            let kernel = ConcreteKernel::from_rationals(shape, &numbers);
            return self.build.concrete(kernel, role, expr.span);
        }
        if leaves.len() > MAX_EXPRESSIONS {
            let why = "an array literal of this size may hold numbers only";
            return self.fail(expr.span, ResolveErrorKind::Literal(why));
        }
        let (mut all, mut fine) = (Vec::with_capacity(leaves.len()), true);
        for leaf in leaves {
            match self.value(leaf) {
                Some(Value::Array(array)) if array.is_scalar() => all.push(array),
                Some(other) => {
                    let found = other.show();
                    self.report(leaf.span, ResolveErrorKind::WrongKind { expected: "a number", found });
                    fine = false;
                }
                None => fine = false,
            }
        }
        if !fine {
            return None;
        }
        self.build.array_of(shape, role, &all, expr.span)
    }

    /// A number, possibly with free symbols, that has no kernel expression of its own.
    fn poly(&mut self, poly: &Poly, span: Span) -> Option<Array> {
        match poly.as_constant() {
            Some(value) => self.build.number(value, span),
            None => self.fail(span, ResolveErrorKind::NotConstant { what: "an entry of a list" }),
        }
    }
}

/// The entries of an array literal in order.
fn collect<'e>(expr: &'e Expr, leaves: &mut Vec<&'e Expr>) {
    match &expr.kind {
        ExprKind::Array(entries, _) => entries.iter().for_each(|entry| collect(entry, leaves)),
        _ => leaves.push(expr),
    }
}

/// The value of an expression of numbers and `+ - * /` alone; `None` for all others and for divisions by 0.
pub(super) fn constant(expr: &Expr) -> Option<Rational> {
    match &expr.kind {
        ExprKind::Number(number) => Some(number.clone()),
        ExprKind::Negate(inner) => constant(inner).map(|value| -value),
        ExprKind::Binary(op, left, right) => {
            if !matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div) {
                return None;
            }
            let (a, b) = (constant(left)?, constant(right)?);
            Some(match op {
                BinaryOp::Add => &a + &b,
                BinaryOp::Sub => &a - &b,
                BinaryOp::Mul => &a * &b,
                _ => a.checked_div(&b)?,
            })
        }
        _ => None,
    }
}

/// Indices as `[out,in,row,column]`, or what is expected in their place.
fn place(array: &Array, at: &[i64]) -> Result<[i64; 4], &'static str> {
    let shape = array.shape();
    Ok(match (at, array.role) {
        (&[n], _) if shape.is_plane() && shape.height == 1 => [0, 0, 0, n],
        (&[n], _) if shape.is_plane() && shape.width == 1 => [0, 0, n, 0],
        (&[n], _) if array.vector_len() == Some(shape.outputs) => [n, 0, 0, 0],
        (&[i, j], _) if shape.is_plane() => [0, 0, i, j],
        (&[c, i, j], role) if role.is_image() => [c, 0, i, j],
        (&[o, c, k], _) if shape.height == 1 => [o, c, 0, k],
        (&[o, c, i, j], _) => [o, c, i, j],
        (_, role) if role.is_image() && !shape.is_plane() => return Err("3 indices [channel,row,column]"),
        _ if shape.is_plane() => return Err("2 indices [row,column]"),
        _ => return Err("4 indices [out,in,row,column]"),
    })
}
