//! Vectors of any length, by channels: biases, scales, batch normalization, and kernels whose rows or columns are scaled.
//!
//! A vector is a column that ends a word; one that multiplies is a diagonal matrix, a letter of its own that commutes with
//! nothing here. A quotient or root of vectors is one letter, by how it is written.

use super::{Item, Reader, Shaped};
use crate::resolve::build::value::Array;
use crate::resolve::value::Value;
use crate::syntax::ast::{BinaryOp, Declared, Expr, ExprKind, StatementKind};
use crate::syntax::print_expression;
use convproof_engine::ir::KernelExpr;
use convproof_engine::symbolic::exponent::{Exponent, is_at_least, whole};
use convproof_engine::symbolic::kernel::KernelForm;
use convproof_engine::symbolic::map::{Constant, Linear, Map, MapNode};
use convproof_engine::symbolic::number::Number;
use convproof_engine::symbolic::reach::SymbolicReach;
use convproof_engine::symbolic::{Reading, Unread};
use convproof_exact::{Poly, Rational};

const UNREAD: Unread = Unread("a vector is not read with sizes as symbols");

impl<'r> Reader<'r, '_> {
    /// The layer that adds a vector or a number.
    pub(super) fn bias(&mut self, expr: &Expr) -> Reading<Map> {
        let Constant { kernel, length } = self.constant(expr)?;
        Map::node(MapNode::Constant(Constant { kernel: kernel.total()?, length }))
    }

    /// The layer that multiplies by a vector or a number.
    pub(super) fn scale(&mut self, expr: &Expr) -> Reading<Map> {
        if let Ok(number) = self.number(expr) {
            return Map::identity().scaled(&number, &self.flat());
        }
        let (kernel, length) = self.diagonal(expr)?;
        diagonal_map(kernel, &length)
    }

    /// `gamma·(x − mean)/sqrt(var + eps) + beta`
    pub(super) fn batchnorm(&mut self, of: [&Expr; 4], eps: Option<&Expr>) -> Reading<Map> {
        let [gamma, beta, mean, var] = of;
        let binary = |op, a: &Expr, b: &Expr| {
            let kind = ExprKind::Binary(op, Box::new(a.clone()), Box::new(b.clone()));
            Expr { kind, span: gamma.span }
        };
        let usual = ExprKind::Number(Rational::ratio(1, 100_000).unwrap_or_default());
        let eps = eps.cloned().unwrap_or(Expr { kind: usual, span: gamma.span });
        let zero = matches!(&eps.kind, ExprKind::Number(number) if number.is_zero());
        let under = if zero { var.clone() } else { binary(BinaryOp::Add, var, &eps) };
        let root = call("sqrt", under);
        let factor = binary(BinaryOp::Div, gamma, &root);
        let scale = self.scale(&factor)?;
        let centred = Expr { kind: ExprKind::Negate(Box::new(mean.clone())), span: gamma.span };
        let flat = self.flat();
        self.bias(&centred)?.then(&scale, &flat)?.then(&self.bias(beta)?, &flat)
    }

    /// `scale_rows(K, v)` and `scale_columns(K, v)`
    pub(super) fn scaled_sides(&mut self, kernel: &Expr, by: &Expr, rows: bool) -> Reading<Shaped> {
        let kernel = self.kernel(kernel)?;
        let (diagonal, length) = self.diagonal(by)?;
        if kernel.channels[usize::from(!rows)] != length {
            return Err(Unread("numbers of channels do not plainly agree"));
        }
        let scaled = if rows { kernel.kernel.times(&diagonal)? } else { diagonal.times(&kernel.kernel)? };
        Ok(Shaped { kernel: scaled, ..kernel })
    }

    /// `hadamard(a, b)` and sums of vectors as a column; a number is the same in each channel.
    fn constant(&mut self, expr: &Expr) -> Reading<Constant> {
        if let Ok(number) = self.number(expr) {
            return Ok(Constant { kernel: KernelForm::number(&number), length: None });
        }
        match &expr.kind {
            ExprKind::Name(name) => {
                if let Some(value) = self.vector_value(name) {
                    return self.constant(value);
                }
                let length = self.vector_length(name).ok_or(UNREAD)??;
                let kernel = self.column(name, &length);
                Ok(Constant { kernel, length: Some(length) })
            }
            ExprKind::Negate(inner) => {
                let inner = self.constant(inner)?;
                let minus = KernelForm::number(&Number::of(whole(-1)));
                Ok(Constant { kernel: inner.kernel.times(&minus)?, ..inner })
            }
            ExprKind::Binary(op @ (BinaryOp::Add | BinaryOp::Sub), a, b) => {
                let (a, b) = (self.constant(a)?, self.constant(b)?);
                if a.length != b.length {
                    return Err(Unread("vectors do not plainly have the same length"));
                }
                Ok(Constant { kernel: a.kernel.add(&b.kernel, *op == BinaryOp::Sub)?, ..a })
            }
            ExprKind::Binary(BinaryOp::Mul, a, b) if self.number(a).is_ok() => self.multiple(b, a),
            ExprKind::Binary(BinaryOp::Mul, a, b) if self.number(b).is_ok() => self.multiple(a, b),
            ExprKind::Call(callee, arguments) => match (&callee.kind, arguments.as_slice()) {
                (ExprKind::Name(name), [a, b]) if name == "hadamard" => {
                    let a = self.constant(&a.value)?;
                    let (diagonal, length) = self.diagonal(&b.value)?;
                    if a.length.as_ref() != Some(&length) {
                        return Err(Unread("vectors do not plainly have the same length"));
                    }
                    Ok(Constant { kernel: a.kernel.times(&diagonal)?, ..a })
                }
                _ => Err(UNREAD),
            },
            _ => Err(UNREAD),
        }
    }

    fn multiple(&mut self, vector: &Expr, number: &Expr) -> Reading<Constant> {
        let (vector, number) = (self.constant(vector)?, self.number(number)?);
        Ok(Constant { kernel: vector.kernel.times(&KernelForm::number(&number))?, ..vector })
    }

    /// A vector as a diagonal matrix.
    fn diagonal(&mut self, expr: &Expr) -> Reading<(KernelForm, Exponent)> {
        if let ExprKind::Name(name) = &expr.kind
            && let Some(value) = self.vector_value(name)
        {
            return self.diagonal(value);
        }
        let length = self.length(expr)?.ok_or(UNREAD)?;
        // No name has a space in it.
        let written = format!("diagonal of {}", print_expression(expr));
        let one = [whole(1), whole(1)];
        let Item::Kernel(shaped) = self.letter(&written, one, [length.clone(), length.clone()]) else {
            return Err(UNREAD);
        };
        Ok((shaped.kernel, length))
    }

    /// A free vector as a column.
    fn column(&mut self, name: &str, length: &Exponent) -> KernelForm {
        let one = [whole(1), whole(1)];
        match self.letter(&format!("column {name}"), one, [length.clone(), whole(1)]) {
            Item::Kernel(shaped) => shaped.kernel,
            _ => KernelForm::number(&Number::of(Poly::zero())),
        }
    }

    /// The length of an expression that is made of free vectors and numbers entry by entry; `None` for numbers.
    fn length(&mut self, expr: &Expr) -> Reading<Option<Exponent>> {
        let all: Vec<&Expr> = match &expr.kind {
            ExprKind::Name(name) => match self.vector_length(name) {
                Some(length) => return length.map(Some),
                None => return self.number(expr).map(|_| None),
            },
            ExprKind::Negate(inner) => vec![inner],
            ExprKind::Binary(BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div, a, b) => {
                vec![a, b]
            }
            ExprKind::Call(callee, arguments) => match &callee.kind {
                ExprKind::Name(name) if name == "sqrt" || name == "hadamard" => {
                    arguments.iter().map(|argument| &argument.value).collect()
                }
                _ => return Err(UNREAD),
            },
            ExprKind::Number(_) => return Ok(None),
            _ => return Err(UNREAD),
        };
        let mut length: Option<Exponent> = None;
        for part in all {
            match (&length, self.length(part)?) {
                (Some(own), Some(other)) if *own != other => {
                    return Err(Unread("vectors do not plainly have the same length"));
                }
                (_, Some(other)) => length = Some(other),
                (_, None) => {}
            }
        }
        Ok(length)
    }

    /// What a vector is declared to be, if it is not free.
    fn vector_value(&self, name: &str) -> Option<&'r Expr> {
        let (family, resolver) = (self.family, self.resolver);
        let own = family.declarations.iter().find(|own| super::super::families::declared(own) == Some(name));
        match own.map(|own| &own.kind) {
            Some(StatementKind::Kernel { value, .. }) => value.as_ref(),
            _ => resolver.sizes.written(name),
        }
    }

    /// The length of a free vector; `None` if the name is none of such.
    fn vector_length(&mut self, name: &str) -> Option<Reading<Exponent>> {
        let (family, resolver) = (self.family, self.resolver);
        let own = family.declarations.iter().find(|own| super::super::families::declared(own) == Some(name));
        match own.map(|own| &own.kind) {
            Some(StatementKind::Kernel { target: Declared { shape: Some(shape), .. }, value: None }) => {
                let [length] = shape.as_slice() else { return None };
                Some(self.whole(length).and_then(|length| {
                    is_at_least(&length, 1).then_some(length).ok_or(Unread("a vector may be empty"))
                }))
            }
            Some(_) => None,
            None => match resolver.scope.get(name).and_then(|entry| entry.value.as_ref()) {
                Some(Value::Array(array)) => free_row(array).map(Ok),
                _ => None,
            },
        }
    }
}

/// The length of a free vector without sizes.
fn free_row(array: &Array) -> Option<Exponent> {
    let shape = array.shape();
    let row = shape.outputs == 1 && shape.inputs == 1 && shape.height == 1;
    (row && matches!(array.term.expr(), KernelExpr::Free { .. }))
        .then(|| whole(i64::try_from(shape.width).unwrap_or(i64::MAX)))
}

fn call(name: &str, argument: Expr) -> Expr {
    let span = argument.span;
    let callee = Box::new(Expr { kind: ExprKind::Name(name.to_owned()), span });
    let argument = crate::syntax::ast::Argument { name: None, value: argument };
    Expr { kind: ExprKind::Call(callee, vec![argument]), span }
}

fn diagonal_map(kernel: KernelForm, length: &Exponent) -> Reading<Map> {
    let one = [whole(1), whole(1)];
    let reach = SymbolicReach::window(&one, &one, &[0, 1, 2, 3].map(|_| whole(0)));
    Map::node(MapNode::Linear(Linear { kernel, reach, channels: Some([length.clone(), length.clone()]) }))
}
