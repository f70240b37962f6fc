//! `+ - * / ^` and `->` between values of every kind.

use std::sync::Arc;

use super::Resolver;
use super::arguments::side;
use super::error::{Limit, ResolveErrorKind, Side};
use super::expression::{bits, is_constant, number_array};
use super::value::{Array, Role, StackValue, Tail, Value};
use crate::algebra::{MAX_DEGREE, Monomial, Poly, Rational};
use crate::ir::{KernelExpr, Stack, StackKind};
use crate::kernel::{ConcreteKernel, Kernel, KernelError, Shape};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr};

/// Most layers of a stack, those of its parts included.
pub(super) const MAX_LAYERS: usize = 4096;

/// How many sums and chains may be inside one another.
const MAX_STACK_DEPTH: u32 = 200;

/// Highest degree of a stack in the free symbols.
const MAX_STACK_DEGREE: u32 = 512;

/// Highest exponent of a kernel without free symbols.
const MAX_POWER: i64 = 1024;

/// Highest product of an exponent and the length of its base in bits.
const MAX_POWER_BITS: u64 = 1 << 18;

impl Resolver<'_> {
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        left: (Value, Span),
        right: (Value, Span),
        span: Span,
    ) -> Option<Value> {
        use Value::{Array as A, Root, Stack as S};
        let minus = op == BinaryOp::Sub;
        match (op, &left.0, &right.0) {
            (BinaryOp::Add | BinaryOp::Sub, A(a), A(b)) => {
                self.add((a, left.1), (b, right.1), minus, span).map(A)
            }
            (BinaryOp::Mul, A(a), A(b)) => self.multiply((a, left.1), (b, right.1), span).map(A),
            (BinaryOp::Div, A(a), A(b)) => self.divide((a, left.1), (b, right.1), span).map(A),
            (BinaryOp::Add | BinaryOp::Sub, S(s), S(t)) => self.sum_of(s, t, minus, span).map(S),
            (BinaryOp::Then, S(s), S(t)) => self.then(s.clone(), t.clone(), span).map(S),
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
                let side = |(value, span): &(Value, Span)| Side {
                    span: *span,
                    declared: value.declared(),
                    what: value.show(),
                };
                let kind = ResolveErrorKind::NoOperation {
                    operator: symbol(op),
                    left: side(&left),
                    right: side(&right),
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
            let kernel = if b.is_scalar() { Some(a) } else { Some(b).filter(|_| a.is_scalar()) };
            let hint = kernel.map(|kernel| {
                let Shape { height, width, .. } = kernel.shape();
                format!("a number is a 1×1 kernel; to add it to every entry, multiply it by `ones({height},{width})`")
            });
            let context = if minus { "a difference" } else { "a sum" };
            let kind = ResolveErrorKind::ShapeMismatch { context, left: side(at, a), right: side(bt, b), hint };
            return self.fail(span, kind);
        }
        let (x, y) = (&a.term.kernel, &b.term.kernel);
        let kernel = if minus { x.sub(y) } else { x.add(y) };
        let expr = if minus { KernelExpr::Sub(a.expr(), b.expr()) } else { KernelExpr::Add(a.expr(), b.expr()) };
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
        let role = if a.is_scalar() { b.role } else if b.is_scalar() { a.role } else { joint_role(a, b) };
        if !a.is_scalar() && !b.is_scalar() && a.shape().outputs != b.shape().inputs {
            let hint = format!(
                "`A * B` is A first, then B: the {} output channels of the first meet {} input channels",
                a.shape().outputs,
                b.shape().inputs
            );
            let context = "a product";
            let (left, right) = (side(at, a), side(bt, b));
            return self.fail(span, ResolveErrorKind::ShapeMismatch { context, left, right, hint: Some(hint) });
        }
        let kernel = a.term.kernel.convolve(&b.term.kernel);
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
            let hint = Some("kernels are divided by a number, or entry by entry by a kernel of the same shape");
            let context = "a quotient";
            let (left, right) = (side(at, a), side(bt, b));
            let hint = hint.map(str::to_owned);
            return self.fail(span, ResolveErrorKind::ShapeMismatch { context, left, right, hint });
        }
        let mut inverses = Vec::new();
        for divisor in self.polys(b, bt)? {
            // The square of a known root is divided by as the root's power -2.
            let root = self.symbols.roots().iter().find(|root| root.radicand == divisor);
            let square = root.map(|root| Poly::term(Monomial::power(root.symbol, -2), Rational::from(1)));
            match divisor.reciprocal().or(square) {
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
        match array.term.kernel.expand() {
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
            Value::Stack(stack) => {
                let stack = self.finished(stack)?;
                let most = i64::try_from(MAX_LAYERS / stack.layers.max(1)).unwrap_or(1);
                let n = self.count(exponent, "the exponent", [0, most])?;
                let links = std::iter::repeat_n(stack.links(), n).flatten().collect();
                let degree = stack.degree.saturating_mul(u32::try_from(n).unwrap_or(u32::MAX));
                let (layers, depth) = (stack.layers * n, stack.depth);
                let whole = Stack { kind: StackKind::Chain(links), span };
                let tail = if n == 0 { Tail::Image } else { stack.tail };
                self.limited(whole, layers, depth, degree, tail).map(Value::Stack)
            }
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
        let long = array.term.kernel.as_concrete().is_some_and(|k| bits(k) > 1 && bits(k) * u64::from(n) > MAX_POWER_BITS);
        let kernel = if long { Err(KernelError::TooLarge) } else { power(&array.term.kernel, n) };
        let expr = KernelExpr::Power(array.expr(), n);
        self.derived(kernel, expr, array.role, &[array], span)
    }

    /// First `left`, then `right`.
    pub(super) fn then(&mut self, left: StackValue, right: StackValue, span: Span) -> Option<StackValue> {
        let empty = matches!(&right.stack.kind, StackKind::Chain(links) if links.is_empty());
        match (left.tail, right.head) {
            (Tail::Flatten(at), None) if !(empty && right.tail == Tail::Image) => {
                return self.fail(at, ResolveErrorKind::FlattenAlone);
            }
            (Tail::Image, Some(at)) if !left.links().is_empty() || left.head.is_some() => {
                return self.fail(at, ResolveErrorKind::DenseAlone);
            }
            _ => {}
        }
        let head = match (left.head, right.head) {
            (Some(at), _) => Some(at),
            (None, Some(at)) if left.tail == Tail::Image => Some(at),
            _ => None,
        };
        let tail = match right.tail {
            Tail::Image if empty => left.tail,
            Tail::Image if left.tail == Tail::Vector && keeps_vector(&right.stack) => Tail::Vector,
            tail => tail,
        };
        let mut links = left.links();
        links.extend(right.links());
        let layers = left.layers + right.layers;
        let depth = left.depth.max(right.depth);
        let degree = left.degree.saturating_add(right.degree);
        let whole = Stack { kind: StackKind::Chain(links), span };
        Some(StackValue { head, ..self.limited(whole, layers, depth, degree, tail)? })
    }

    fn sum_of(&mut self, left: &StackValue, right: &StackValue, minus: bool, span: Span) -> Option<StackValue> {
        let (left, right) = (self.finished(left.clone()), self.finished(right.clone()));
        let (left, mut right) = (left?, right?);
        if minus {
            right = self.scaled(&number_array(Rational::from(-1)), &right, right.stack.span)?;
        }
        let mut branches = branches(&left);
        branches.extend(self::branches(&right));
        let tail = if left.tail == right.tail { left.tail } else { Tail::Image };
        let whole = Stack { kind: StackKind::Sum(branches), span };
        let depth = left.depth.max(right.depth) + 1;
        self.limited(whole, left.layers + right.layers, depth, left.degree.max(right.degree), tail)
    }

    fn scaled(&mut self, factor: &Array, stack: &StackValue, span: Span) -> Option<StackValue> {
        let stack = self.finished(stack.clone())?;
        let mut branches = branches(&stack);
        for (own, _) in &mut branches {
            let kernel = factor.term.kernel.convolve(&own.kernel);
            let expr = if own.kernel.as_concrete().is_some_and(|k| k.entry(0, 0, 0, 0).is_one()) {
                (*factor.term.expr).clone()
            } else {
                KernelExpr::Convolve(factor.expr(), own.expr.clone())
            };
            *own = self.made(kernel, expr, Role::Scalar, factor.depth, span)?.term;
        }
        let whole = Stack { kind: StackKind::Sum(branches), span };
        let degree = stack.degree.saturating_add(factor.degree);
        self.limited(whole, stack.layers, stack.depth + 1, degree, stack.tail)
    }

    /// A stack, if it is within the limits.
    pub(super) fn limited(
        &mut self,
        stack: Stack,
        layers: usize,
        depth: u32,
        degree: u32,
        tail: Tail,
    ) -> Option<StackValue> {
        let limit = if layers > MAX_LAYERS {
            Limit::Layers(MAX_LAYERS)
        } else if depth > MAX_STACK_DEPTH {
            Limit::Depth(MAX_STACK_DEPTH)
        } else if degree > MAX_STACK_DEGREE {
            Limit::Degree(MAX_STACK_DEGREE)
        } else {
            return Some(StackValue { stack: Arc::new(stack), layers, depth, degree, head: None, tail });
        };
        self.fail(stack.span, ResolveErrorKind::TooLarge(limit))
    }
}

/// The branches of a sum, or the stack as the only one.
fn branches(stack: &StackValue) -> Vec<(crate::ir::KernelTerm, Arc<Stack>)> {
    match &stack.stack.kind {
        StackKind::Sum(branches) => branches.clone(),
        _ => vec![(number_array(Rational::from(1)).term, stack.stack.clone())],
    }
}

/// Whether a stack turns a 1×1 image into a 1×1 image for sure.
fn keeps_vector(stack: &Stack) -> bool {
    use crate::ir::Layer;
    match &stack.kind {
        StackKind::Layer(layer) => {
            matches!(layer, Layer::Scale(_) | Layer::Bias(_) | Layer::Relu | Layer::Select { .. })
        }
        StackKind::Chain(links) => links.iter().all(|link| keeps_vector(link)),
        StackKind::Sum(branches) => branches.iter().all(|(_, branch)| keeps_vector(branch)),
        StackKind::Concat(branches) => branches.iter().all(|branch| keeps_vector(branch)),
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
