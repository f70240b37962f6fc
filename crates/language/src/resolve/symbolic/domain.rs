//! Conditions on sizes, by writing a size in terms of another symbol for a whole number from 1. What is not of such a
//! form is left out: then more is asked of a proof than need be.

use super::Reader;
use crate::syntax::ast::{BinaryOp, CompareOp, Condition, Expr, ExprKind};
use convproof_engine::symbolic::exponent::{Exponent, is_at_least, times, whole};
use convproof_engine::symbolic::{Reading, Unread};
use convproof_exact::{Poly, Symbol};

impl Reader<'_, '_> {
    /// Writes the sizes such that the conditions of the family hold.
    pub(super) fn restrict(&mut self) {
        let mut parts: Vec<&Condition> = self.family.conditions.iter().collect();
        let mut all = Vec::new();
        while let Some(part) = parts.pop() {
            match part {
                Condition::And(a, b) => parts.extend([&**b, &**a]),
                Condition::Compare { left, op, right } => all.push((left, *op, right)),
                Condition::Or(..) | Condition::Not(_) => {}
            }
        }
        for (left, op, right) in &all {
            if *op == CompareOp::Eq {
                self.same(left, right);
                self.same(right, left);
            }
        }
        for (left, op, right) in &all {
            if *op == CompareOp::Eq {
                self.remainder(left, right);
            }
        }
        for (left, op, right) in all {
            match op {
                CompareOp::Le => self.above(right, left, 0),
                CompareOp::Lt => self.above(right, left, 1),
                CompareOp::Ge => self.above(left, right, 0),
                CompareOp::Gt => self.above(left, right, 1),
                CompareOp::Eq | CompareOp::Ne => {}
            }
        }
    }

    /// `size == value` for a value that is plainly at least 1.
    fn same(&mut self, size: &Expr, value: &Expr) {
        let Some(symbol) = self.bare(size) else { return };
        let Ok(value) = self.whole(value) else { return };
        if !value.symbols().contains(&symbol) && is_at_least(&value, 1) {
            self.replace(symbol, &value);
        }
    }

    /// `size % m == r`: the size is m·k − (m − r) for r ≥ 1, and m·k for r = 0, with k ≥ 1.
    fn remainder(&mut self, left: &Expr, right: &Expr) {
        let ExprKind::Binary(BinaryOp::Rem, size, modulus) = &left.kind else { return };
        let Some(symbol) = self.bare(size) else { return };
        let number = |expr: &Expr| match &expr.kind {
            ExprKind::Number(number) => number.as_i64(),
            _ => None,
        };
        let (Some(m), Some(r)) = (number(modulus), number(right)) else { return };
        if (1..=1024).contains(&m) && (0..m).contains(&r) {
            let short = if r == 0 { 0 } else { m - r };
            let multiple = &Poly::symbol(symbol) * &whole(m);
            self.replace(symbol, &(&multiple - &whole(short)));
        }
    }

    /// `size >= bound + more`: the size is bound + more + k − 1 with k ≥ 1.
    fn above(&mut self, size: &Expr, bound: &Expr, more: i64) {
        let Some(symbol) = self.bare(size) else { return };
        let Ok(bound) = self.whole(bound) else { return };
        if !bound.symbols().contains(&symbol) {
            self.replace(symbol, &(&(&bound + &whole(more - 1)) + &Poly::symbol(symbol)));
        }
    }

    /// The symbol of a size that no condition has been used on yet.
    fn bare(&self, expr: &Expr) -> Option<Symbol> {
        let ExprKind::Name(name) = &expr.kind else { return None };
        let value = self.sizes.get(name.as_str())?;
        let [symbol] = value.symbols()[..] else { return None };
        (*value == Poly::symbol(symbol)).then_some(symbol)
    }

    /// Writes a polynomial for a symbol in all sizes.
    fn replace(&mut self, symbol: Symbol, by: &Exponent) {
        let mut written = self.sizes.clone();
        for value in written.values_mut() {
            match substituted(value, symbol, by) {
                Ok(new) => *value = new,
                Err(_) => return,
            }
        }
        self.sizes = written;
    }
}

/// A polynomial with another one in place of a symbol.
fn substituted(poly: &Exponent, symbol: Symbol, by: &Exponent) -> Reading<Exponent> {
    let mut sum = Poly::zero();
    for (monomial, coefficient) in poly.terms() {
        let mut product = Poly::constant(coefficient.clone());
        for &(own, power) in monomial.factors() {
            let base = if own == symbol { by.clone() } else { Poly::symbol(own) };
            for _ in 0..power {
                product = times(&product, &base)?;
            }
            if power < 0 {
                return Err(Unread("a condition with fractions"));
            }
        }
        sum = &sum + &product;
    }
    Ok(sum)
}
