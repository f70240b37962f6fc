//! Expressions to values: literals, names, indices, and which kind of call a call is.

use std::sync::Arc;

use num_traits::ToPrimitive;

use super::Resolver;
use super::arguments::entries;
use super::builtins::{self, FUNCTIONS, LAYERS, PLAIN_LAYERS};
use super::error::{Limit, ResolveErrorKind};
use super::value::{Array, Role, Value, degree};
use crate::source::Span;
use crate::syntax::ast::{Argument, BinaryOp, Expr, ExprKind};
use convproof_engine::ir::{KernelExpr, KernelTerm, Quantity};
use convproof_engine::kernel::{ConcreteKernel, Kernel, KernelError, Shape};
use convproof_exact::{MAX_DEGREE, Poly, Rational, Symbol};

/// Longest numerator or denominator of an entry without free symbols, in bits.
const MAX_BITS: u64 = 1 << 17;

/// How many definitions and operators a value may rest on, one on top of the other; the evaluator that replays
/// counterexamples goes deeper than that.
const MAX_DEPTH: u32 = 250;

/// Most entries of an array literal that are not plain numbers.
const MAX_EXPRESSIONS: usize = 1 << 18;

impl Resolver<'_> {
    /// What an expression stands for; `None` where mistakes were found (and reported) in it.
    pub(super) fn value(&mut self, expr: &Expr) -> Option<Value> {
        if let Some(number) = constant(expr) {
            if number.bits() > MAX_BITS {
                let error = KernelError::TooLarge;
                return self.fail(expr.span, ResolveErrorKind::TooLarge(Limit::Kernel(error)));
            }
            return Some(Value::Array(number_array(number)));
        }
        match &expr.kind {
            ExprKind::Number(number) => Some(Value::Array(number_array(number.clone()))),
            ExprKind::Name(name) => self.named(name, expr.span),
            ExprKind::Text(_) => Some(Value::Text),
            ExprKind::Bool(value) => Some(Value::Bool(*value)),
            ExprKind::Array(_) => self.literal(expr).map(Value::Array),
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
        }
    }

    /// A name that stands alone.
    fn named(&mut self, name: &str, span: Span) -> Option<Value> {
        if self.scope.get(name).is_none() {
            if PLAIN_LAYERS.contains(&name) {
                return self.plain_layer(name, span).map(Value::Stack);
            }
            let listed = FUNCTIONS.iter().chain(&LAYERS).find(|signature| signature.name == name);
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
            let plain = PLAIN_LAYERS.contains(&name.as_str());
            if plain && arguments.is_empty() {
                return self.plain_layer(name, span).map(Value::Stack);
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
        let value = self.value(base)?;
        let mut at = Vec::with_capacity(indices.len());
        for index in indices {
            at.push(self.integer(index, "the index", [i64::MIN, i64::MAX])?);
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
                    Some(Quantity::Poly(poly)) => self.poly(poly, span).map(Value::Array),
                    Some(Quantity::Root(square)) => Some(Value::Root(square.clone())),
                    None => self.fail(span, bounds(format!("[{}]", list.len()), None)),
                };
            }
            other => {
                let kind =
                    ResolveErrorKind::WrongKind { expected: "a kernel or a list", found: other.show() };
                return self.fail(base.span, kind);
            }
        };
        let shape = array.shape();
        let full = match (at.as_slice(), array.role) {
            ([n], _) if shape.is_plane() && shape.height == 1 => [0, 0, 0, *n],
            ([n], _) if shape.is_plane() && shape.width == 1 => [0, 0, *n, 0],
            ([n], _) if array.vector_len() == Some(shape.outputs) => [*n, 0, 0, 0],
            ([i, j], _) if shape.is_plane() => [0, 0, *i, *j],
            ([c, i, j], Role::Image) => [*c, 0, *i, *j],
            ([o, c, i, j], _) => [*o, *c, *i, *j],
            _ => {
                let expected = match (array.role, shape.is_plane()) {
                    (Role::Image, false) => "3 indices [channel,row,column]",
                    (_, true) => "2 indices [row,column]",
                    _ => "4 indices [out,in,row,column]",
                };
                return self.fail(span, ResolveErrorKind::IndexCount { found: at.len(), expected });
            }
        };
        let extents = [shape.outputs, shape.inputs, shape.height, shape.width];
        let position = full.map(|n| n.to_usize().unwrap_or(usize::MAX));
        if position.iter().zip(extents).any(|(&n, extent)| n >= extent) {
            return self.fail(span, bounds(array.show_shape(), array.declared));
        }
        let kernel = entry(&array, position);
        self.derived(kernel, KernelExpr::Entry(array.expr(), position), Role::Scalar, &[&array], span)
            .map(Value::Array)
    }

    /// `[1 2 1]`, `[[1, 0], [0, 1]]`.
    fn literal(&mut self, expr: &Expr) -> Option<Array> {
        let mut lengths = Vec::new();
        let mut level = expr;
        while let ExprKind::Array(entries) = &level.kind {
            lengths.push(entries.len());
            let Some(first) = entries.first() else { break };
            level = first;
        }
        let (shape, role) = match *lengths.as_slice() {
            [n] => (Shape::plane(1, n), Role::Row),
            [h, w] => (Shape::plane(h, w), Role::Kernel),
            [c, h, w] => (Shape::new(c, 1, h, w), Role::Image),
            [o, i, h, w] => (Shape::new(o, i, h, w), Role::Kernel),
            _ => {
                let what = "an array has at most 4 levels of brackets";
                return self.fail(expr.span, ResolveErrorKind::Literal(what));
            }
        };
        let mut leaves = Vec::new();
        collect(expr, &mut leaves);
        if let Err(error) = shape.validate() {
            return self.fail(expr.span, ResolveErrorKind::TooLarge(Limit::Kernel(error)));
        }
        if let Some(numbers) = leaves.iter().map(|leaf| constant(leaf)).collect::<Option<Vec<_>>>() {
            let kernel = ConcreteKernel::from_rationals(shape, &numbers);
            return self.concrete(kernel, role, expr.span);
        }
        if leaves.len() > MAX_EXPRESSIONS {
            let why = "an array literal of this size may hold numbers only";
            return self.fail(expr.span, ResolveErrorKind::Literal(why));
        }
        let (mut polys, mut exprs) = (Vec::with_capacity(leaves.len()), Vec::with_capacity(leaves.len()));
        let (mut depth, mut fine) = (0, true);
        for leaf in leaves {
            match self.value(leaf) {
                Some(Value::Array(array)) if array.is_scalar() => {
                    polys.push(array.term.kernel.as_scalar().unwrap_or_default());
                    exprs.push(array.expr());
                    depth = depth.max(array.depth);
                }
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
        let kernel = Kernel::from_entries(shape, polys);
        self.made(kernel, KernelExpr::Array { shape, entries: exprs }, role, depth, expr.span)
    }

    /// A kernel without free symbols.
    pub(super) fn concrete(
        &mut self,
        kernel: Result<ConcreteKernel, KernelError>,
        role: Role,
        span: Span,
    ) -> Option<Array> {
        let kernel =
            kernel.and_then(
                |kernel| {
                    if bits(&kernel) > MAX_BITS { Err(KernelError::TooLarge) } else { Ok(kernel) }
                },
            );
        match kernel {
            Ok(kernel) => {
                let term = KernelTerm::constant(kernel);
                Some(Array { term, role, declared: None, depth: 0, degree: 0 })
            }
            Err(error) => self.fail(span, ResolveErrorKind::TooLarge(Limit::Kernel(error))),
        }
    }

    /// A number, possibly with free symbols, that has no kernel expression of its own.
    fn poly(&mut self, poly: &Poly, span: Span) -> Option<Array> {
        match poly.as_constant() {
            Some(value) => Some(number_array(value)),
            None => self.fail(span, ResolveErrorKind::NotConstant { what: "an entry of a list" }),
        }
    }

    /// The result of an operation on arrays.
    pub(super) fn derived(
        &mut self,
        kernel: Result<Kernel, KernelError>,
        expr: KernelExpr,
        role: Role,
        from: &[&Array],
        span: Span,
    ) -> Option<Array> {
        let depth = from.iter().map(|array| array.depth).max().unwrap_or(0);
        self.made(kernel, expr, role, depth, span)
    }

    /// The same, for operands known by their depth.
    pub(super) fn made(
        &mut self,
        kernel: Result<Kernel, KernelError>,
        expr: KernelExpr,
        role: Role,
        depth: u32,
        span: Span,
    ) -> Option<Array> {
        let kernel = match kernel.and_then(checked) {
            Ok(kernel) => kernel,
            Err(error) => return self.fail(span, ResolveErrorKind::TooLarge(Limit::Kernel(error))),
        };
        let degree = kernel_degree(&kernel);
        if degree > MAX_DEGREE {
            return self.fail(span, ResolveErrorKind::TooLarge(Limit::Degree(MAX_DEGREE)));
        }
        let depth = depth + 1;
        if depth > MAX_DEPTH {
            return self.fail(span, ResolveErrorKind::TooLarge(Limit::Depth(MAX_DEPTH)));
        }
        Some(Array { term: KernelTerm { kernel, expr: Arc::new(expr) }, role, declared: None, depth, degree })
    }

    /// A 1×n kernel with the entries of a vector of any orientation.
    pub(super) fn as_row(&mut self, array: Array, len: usize, span: Span) -> Option<Array> {
        let shape = Shape::plane(1, len);
        if array.shape() == shape {
            return Some(array);
        }
        let old = array.shape();
        let kernel = array.term.kernel.gather(shape, |[_, _, _, n]| {
            let place = |extent: usize| if extent == 1 { 0 } else { n };
            Some([old.outputs, old.inputs, old.height, old.width].map(place))
        });
        self.derived(kernel, KernelExpr::Reshape(array.expr(), shape), Role::Row, &[&array], span)
    }
}

/// A kernel within the limits.
fn checked(kernel: Kernel) -> Result<Kernel, KernelError> {
    kernel.shape().validate()?;
    match kernel.as_concrete() {
        Some(concrete) if bits(concrete) > MAX_BITS => Err(KernelError::TooLarge),
        _ => Ok(kernel),
    }
}

/// Length of the longest number in a kernel.
pub(super) fn bits(kernel: &ConcreteKernel) -> u64 {
    kernel.integers().max_bits().max(kernel.denominator().bits())
}

/// One entry. That of a free kernel is its symbol; nothing needs to be expanded for it.
fn entry(array: &Array, [o, c, i, j]: [usize; 4]) -> Result<Kernel, KernelError> {
    if let KernelExpr::Free { first, shape } = &*array.term.expr
        && shape.entries() != Some(1)
    {
        let offset = ((o * shape.inputs + c) * shape.height + i) * shape.width + j;
        let offset = u32::try_from(offset).map_err(|_| KernelError::TooLarge)?;
        return Ok(Kernel::scalar(&Poly::symbol(Symbol(first.0 + offset))));
    }
    Ok(match array.term.kernel.as_concrete() {
        Some(kernel) => Kernel::scalar(&Poly::constant(kernel.entry(o, c, i, j))),
        None => Kernel::scalar(array.term.kernel.expand()?.entry(o, c, i, j)),
    })
}

/// Highest total degree of an entry in the free symbols.
pub(super) fn kernel_degree(kernel: &Kernel) -> u32 {
    match kernel {
        Kernel::Concrete(_) => 0,
        Kernel::Atoms(kernel) => kernel.degree(),
        Kernel::Symbolic(kernel) => kernel.entries().iter().map(degree).max().unwrap_or(0),
    }
}

/// A number as a value.
pub(super) fn number_array(number: Rational) -> Array {
    let kernel = ConcreteKernel::from_rationals(Shape::plane(1, 1), &[number]).expect("one entry");
    Array { term: KernelTerm::constant(kernel), role: Role::Scalar, declared: None, depth: 0, degree: 0 }
}

/// The entries of an array literal in order.
fn collect<'e>(expr: &'e Expr, leaves: &mut Vec<&'e Expr>) {
    match &expr.kind {
        ExprKind::Array(entries) => entries.iter().for_each(|entry| collect(entry, leaves)),
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

/// Whether all entries of an array are numbers without free symbols.
pub(super) fn is_constant(array: &Array) -> bool {
    array.term.kernel.as_concrete().is_some()
        || entries(array).is_some_and(|all| all.iter().all(|entry| entry.as_constant().is_some()))
}
