//! `+ - * / ^` between values of every kind; those that make stacks are in `stacks.rs`.

use super::Resolver;
use super::arguments::side;
use super::error::{Limit, ResolveErrorKind, Side};
use super::expression::{bits, is_constant, number_array};
use super::value::{Array, Role, Value};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr};
use convproof_engine::ir::KernelExpr;
use convproof_engine::kernel::symbolic::MAX_TERMS;
use convproof_engine::kernel::{ConcreteKernel, Kernel, KernelError, Shape};
use convproof_exact::{MAX_DEGREE, Monomial, Poly, Rational};

/// Highest exponent of a kernel without free symbols.
const MAX_POWER: i64 = 1024;

/// Highest product of an exponent and the length of its base in bits.
const MAX_POWER_BITS: u64 = 1 << 18;

impl Resolver<'_> {
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        left: (&Value, Span),
        right: (&Value, Span),
        span: Span,
    ) -> Option<Value> {
        use Value::{Array as A, Root, Stack as S};
        let minus = op == BinaryOp::Sub;
        match (op, left.0, right.0) {
            (BinaryOp::Add | BinaryOp::Sub, A(a), A(b)) => {
                self.add((a, left.1), (b, right.1), minus, span).map(A)
            }
            (BinaryOp::Mul, A(a), A(b)) => self.multiply((a, left.1), (b, right.1), span).map(A),
            (BinaryOp::Div, A(a), A(b)) => self.divide((a, left.1), (b, right.1), span).map(A),
            (BinaryOp::Add | BinaryOp::Sub, S(s), S(t)) => self.sum_of(s, t, minus, span).map(S),
            (BinaryOp::Then, S(s), S(t)) => self.then(s, t, span).map(S),
            (BinaryOp::Mul, A(c), S(s)) if c.is_scalar() => self.scaled(c, s, span).map(S),
            (BinaryOp::Mul, S(s), A(c)) if c.is_scalar() => self.scaled(c, s, span).map(S),
            (BinaryOp::Div, S(s), A(c)) if c.is_scalar() => {
                let one = number_array(Rational::from(1));
                let inverse = self.divide((&one, right.1), (c, right.1), right.1)?;
                self.scaled(&inverse, s, span).map(S)
            }
            (BinaryOp::Mul, A(c), Root(square)) | (BinaryOp::Mul | BinaryOp::Div, Root(square), A(c))
                if c.constant().is_some_and(|c| !c.is_negative()) =>
            {
                let c = c.constant().unwrap_or_default();
                let factor = if op == BinaryOp::Div { c.recip() } else { Some(c) };
                let Some(factor) = factor else {
                    return self.fail(right.1, ResolveErrorKind::DivisionByZero);
                };
                Some(root(&(square * &factor) * &factor))
            }
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
            Value::Array(array) => {
                let kernel = array.term.kernel.scale_rational(&Rational::from(-1));
                self.derived(kernel, KernelExpr::Negate(array.expr()), array.role, &[&array], span)
                    .map(Value::Array)
            }
            Value::Stack(stack) => {
                let minus = number_array(Rational::from(-1));
                self.scaled(&minus, &stack, span).map(Value::Stack)
            }
            other => {
                let expected = "a number, a kernel or a stack";
                self.fail(span, ResolveErrorKind::WrongKind { expected, found: other.show() })
            }
        }
    }

    pub(super) fn add(
        &mut self,
        left: (&Array, Span),
        right: (&Array, Span),
        minus: bool,
        span: Span,
    ) -> Option<Array> {
        let ((a, at), (b, bt)) = (left, right);
        if a.shape() != b.shape() {
            // A number is added to every entry of a vector, as in `sqrt(var + eps)`.
            match (a.role, b.role) {
                (Role::Scalar, Role::Row) => {
                    let wide = self.spread(a, b.shape(), at)?;
                    return self.add((&wide, at), right, minus, span);
                }
                (Role::Row, Role::Scalar) => {
                    let wide = self.spread(b, a.shape(), bt)?;
                    return self.add(left, (&wide, bt), minus, span);
                }
                _ => {}
            }
            let hint = sum_hint(a, b);
            let context = if minus { "a difference" } else { "a sum" };
            let kind =
                ResolveErrorKind::ShapeMismatch { context, left: side(at, a), right: side(bt, b), hint };
            return self.fail(span, kind);
        }
        let (x, y) = (&a.term.kernel, &b.term.kernel);
        let kernel = if minus { x.sub(y) } else { x.add(y) };
        let expr =
            if minus { KernelExpr::Sub(a.expr(), b.expr()) } else { KernelExpr::Add(a.expr(), b.expr()) };
        self.derived(kernel, expr, joint_role(a, b), &[a, b], span)
    }

    /// An array of a shape with all entries equal to a scalar.
    pub(super) fn spread(&mut self, scalar: &Array, shape: Shape, span: Span) -> Option<Array> {
        let ones = self.concrete(ConcreteKernel::ones(shape), Role::Row, span)?;
        self.multiply((scalar, span), (&ones, span), span)
    }

    pub(super) fn multiply(
        &mut self,
        left: (&Array, Span),
        right: (&Array, Span),
        span: Span,
    ) -> Option<Array> {
        let ((a, at), (b, bt)) = (left, right);
        let role = if a.is_scalar() {
            b.role
        } else if b.is_scalar() {
            a.role
        } else {
            joint_role(a, b)
        };
        if !a.is_scalar() && !b.is_scalar() && a.shape().outputs != b.shape().inputs {
            let hint = format!(
                "`A * B` is A first, then B: the {} output channels of the first meet {} input channels",
                a.shape().outputs,
                b.shape().inputs
            );
            let context = "a product";
            let (left, right) = (side(at, a), side(bt, b));
            return self
                .fail(span, ResolveErrorKind::ShapeMismatch { context, left, right, hint: Some(hint) });
        }
        let (x, y) = (&a.term.kernel, &b.term.kernel);
        let kernel = match (symbolic_terms(x), symbolic_terms(y)) {
            (Some(m), Some(n)) if !both_whole(x, y) && m.saturating_mul(n) > MAX_TERMS => {
                Err(KernelError::TooManyTerms { limit: MAX_TERMS })
            }
            _ => x.convolve(y),
        };
        self.derived(kernel, KernelExpr::Convolve(a.expr(), b.expr()), role, &[a, b], span)
    }

    pub(super) fn divide(
        &mut self,
        left: (&Array, Span),
        right: (&Array, Span),
        span: Span,
    ) -> Option<Array> {
        let ((a, at), (b, bt)) = (left, right);
        if !b.is_scalar() && a.shape() != b.shape() {
            let hint =
                Some("kernels are divided by a number, or entry by entry by a kernel of the same shape");
            let context = "a quotient";
            let (left, right) = (side(at, a), side(bt, b));
            let hint = hint.map(str::to_owned);
            return self.fail(span, ResolveErrorKind::ShapeMismatch { context, left, right, hint });
        }
        let mut inverses = Vec::new();
        for divisor in self.polys(b, bt)? {
            // The square of a known root is divided by as the root's power -2.
            let square = || {
                let root = self.symbols.roots().iter().find(|root| root.radicand == divisor)?;
                Some(Poly::term(Monomial::power(root.symbol, -2), Rational::from(1)))
            };
            match divisor.reciprocal().or_else(square) {
                Some(inverse) => inverses.push(inverse),
                None if divisor.is_zero() => return self.fail(bt, ResolveErrorKind::DivisionByZero),
                None => {
                    let shown = self.symbols.show(&divisor);
                    return self.fail(bt, ResolveErrorKind::NotDivisible(shown));
                }
            }
        }
        let kernel = match inverses.as_slice() {
            [inverse] => a.term.kernel.scale(inverse),
            _ => {
                let dividends = self.polys(a, at)?;
                let quotients = dividends.iter().zip(&inverses).map(|(x, y)| x * y).collect();
                Kernel::from_entries(a.shape(), quotients)
            }
        };
        self.derived(kernel, KernelExpr::Divide(a.expr(), b.expr()), a.role, &[a, b], span)
    }

    /// All entries as polynomials.
    pub(super) fn polys(&mut self, array: &Array, span: Span) -> Option<Vec<Poly>> {
        let small = array.term.len() <= MAX_TERMS;
        let expanded = if small {
            array.term.kernel.expand()
        } else {
            Err(KernelError::TooManyTerms { limit: MAX_TERMS })
        };
        match expanded {
            Ok(kernel) => Some(kernel.entries().to_vec()),
            Err(error) => self.fail(span, ResolveErrorKind::TooLarge(Limit::Kernel(error))),
        }
    }

    pub(super) fn power(&mut self, base: &Expr, exponent: &Expr, span: Span) -> Option<Value> {
        let value = self.value(base);
        match value? {
            Value::Array(array) => {
                let free = !is_constant(&array);
                let most = if free { i64::from(MAX_DEGREE / array.degree.max(1)) } else { MAX_POWER };
                let least = if array.is_scalar() { -most } else { 0 };
                let n = self.integer(exponent, "the exponent", [least, most])?;
                self.kernel_power((&array, base.span), n, exponent.span, span).map(Value::Array)
            }
            Value::Stack(stack) => self.repeated(stack, exponent, span).map(Value::Stack),
            Value::Root(square) => {
                let n = self.count(exponent, "the exponent", [1, i64::from(MAX_DEGREE)])?;
                let half = square.pow(u32::try_from(n / 2).unwrap_or(0)).unwrap_or_default();
                let rest = if n % 2 == 1 { square } else { Rational::from(1) };
                Some(root(&(&half * &half) * &rest))
            }
            other => {
                let expected = "a number, a kernel or a stack";
                self.fail(base.span, ResolveErrorKind::WrongKind { expected, found: other.show() })
            }
        }
    }

    fn kernel_power(&mut self, base: (&Array, Span), n: i64, at: Span, span: Span) -> Option<Array> {
        let (array, place) = base;
        let inverse;
        let (array, n) = if n < 0 {
            let one = number_array(Rational::from(1));
            inverse = self.divide((&one, at), base, span)?;
            (&inverse, n.unsigned_abs())
        } else {
            (array, n.unsigned_abs())
        };
        let shape = array.shape();
        if shape.outputs != shape.inputs {
            let hint = Some("a power needs as many output channels as input channels".to_owned());
            let (left, right) = (side(place, array), side(place, array));
            let context = "a power";
            return self.fail(span, ResolveErrorKind::ShapeMismatch { context, left, right, hint });
        }
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        let long = array
            .term
            .kernel
            .as_concrete()
            .is_some_and(|k| bits(k) > 1 && bits(k) * u64::from(n) > MAX_POWER_BITS);
        let kernel = if long { Err(KernelError::TooLarge) } else { power(&array.term.kernel, n) };
        let expr = KernelExpr::Power(array.expr(), n);
        self.derived(kernel, expr, array.role, &[array], span)
    }
}

/// What an array of two others is.
pub(super) fn joint_role(a: &Array, b: &Array) -> Role {
    match (a.role, b.role) {
        (Role::Image, _) | (_, Role::Image) => Role::Image,
        (x, y) if x == y => x,
        (Role::Scalar, other) | (other, Role::Scalar) => other,
        _ => Role::Kernel,
    }
}

/// What may have been meant by a sum of different shapes.
fn sum_hint(a: &Array, b: &Array) -> Option<String> {
    if a.role == Role::Row && b.role == Role::Row {
        let hint = "`*` joins vectors by convolution; `hadamard(u,v)` multiplies them entry by entry";
        return Some(hint.to_owned());
    }
    let kernel = if b.is_scalar() { a } else { Some(b).filter(|_| a.is_scalar())? };
    let Shape { height, width, .. } = kernel.shape();
    Some(format!(
        "a number is a 1×1 kernel; to add it to every entry, multiply it by `ones({height},{width})`"
    ))
}

/// Whether the product is one of whole free kernels, which is not multiplied out.
fn both_whole(a: &Kernel, b: &Kernel) -> bool {
    matches!((a, b), (Kernel::Atoms(_), Kernel::Atoms(_)))
}

/// How many terms a kernel has where its products are multiplied out.
fn symbolic_terms(kernel: &Kernel) -> Option<usize> {
    match kernel {
        Kernel::Symbolic(kernel) => Some(kernel.entries().iter().map(|entry| entry.terms().len()).sum()),
        Kernel::Atoms(kernel) => Some(kernel.expanded_terms()),
        Kernel::Concrete(_) => None,
    }
}

/// `kernel ^ n` by squaring.
fn power(kernel: &Kernel, n: u32) -> Result<Kernel, KernelError> {
    let mut result = Kernel::identity(kernel.shape().inputs)?;
    for bit in (0..32 - n.leading_zeros()).rev() {
        result = result.convolve_dilated(&result, [1, 1])?;
        if n >> bit & 1 == 1 {
            result = result.convolve_dilated(kernel, [1, 1])?;
        }
    }
    Ok(result)
}

/// The square root of a rational that is not negative.
pub(super) fn root(square: Rational) -> Value {
    match square.exact_sqrt() {
        Some(root) => Value::Array(number_array(root)),
        None => Value::Root(square),
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
