//! `+ - * / ^` of arrays, and what is done entry by entry.

use std::cmp::Ordering;

use super::arrays::{bits, is_constant, number_array, side};
use super::error::{Exceeded, ResolveErrorKind};
use super::value::{Array, Role, degree};
use super::{Amount, Builder};
use crate::source::Span;
use convproof_engine::ir::{KernelTerm, MAX_SYMBOLS, Operation, TermError};
use convproof_engine::kernel::{ConcreteKernel, KernelError, Shape};
use convproof_engine::prove::numbers::compared_with_zero;
use convproof_exact::{MAX_DEGREE, Rational};

/// Highest exponent of a kernel without free symbols.
pub const MAX_POWER: i64 = 1024;

/// Highest product of an exponent and the length of its base in bits.
const MAX_POWER_BITS: u64 = 1 << 18;

/// Most square roots of a spec that depend on free symbols.
pub const MAX_ROOTS: usize = 4096;

impl Builder {
    /// The powers that an array may be raised to.
    pub fn exponents(array: &Array) -> Amount {
        let free = !is_constant(array);
        let most = if free { i64::from(MAX_DEGREE / array.degree.max(1)) } else { MAX_POWER };
        let least = if array.is_scalar() { -most } else { 0 };
        Amount { what: "the exponent", range: [least, most] }
    }

    /// `-A`.
    pub fn negative(&mut self, array: &Array, span: Span) -> Option<Array> {
        self.applied(Operation::Negate(&array.term), array.role, [array], span)
    }

    /// A sum, or a difference with `minus`.
    pub fn add(
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
        let operation = if minus { Operation::Sub } else { Operation::Add };
        self.applied(operation(&a.term, &b.term), joint_role(a, b), [a, b], span)
    }

    /// An array of a shape with all entries equal to a scalar.
    pub fn spread(&mut self, scalar: &Array, shape: Shape, span: Span) -> Option<Array> {
        let ones = self.concrete(ConcreteKernel::ones(shape), Role::Row, span)?;
        self.multiply((scalar, span), (&ones, span), span)
    }

    /// First the left, then the right: full convolution, or scaling by a number.
    pub fn multiply(&mut self, left: (&Array, Span), right: (&Array, Span), span: Span) -> Option<Array> {
        let ((a, at), (b, bt)) = (left, right);
        let role = if a.is_scalar() {
            b.role
        } else if b.is_scalar() {
            a.role
        } else {
            joint_role(a, b)
        };
        if !a.is_scalar() && !b.is_scalar() && a.shape().outputs != b.shape().inputs {
            let (outputs, inputs) = (a.shape().outputs, b.shape().inputs);
            let hint = if inputs == 1 && b.shape().outputs.is_multiple_of(outputs) {
                format!("a depthwise kernel is joined by `kernel(conv(A) -> conv(B, groups={outputs}))`")
            } else {
                format!(
                    "`A * B` is A first, then B: the {outputs} output channels of the first meet {inputs} input \
                     channels"
                )
            };
            let context = "a product";
            let (left, right) = (side(at, a), side(bt, b));
            return self
                .fail(span, ResolveErrorKind::ShapeMismatch { context, left, right, hint: Some(hint) });
        }
        let product = self.applied(Operation::Convolve(&a.term, &b.term), role, [a, b], span)?;
        Some(self.rational(product))
    }

    /// The number itself where square roots of numbers were multiplied to a rational one.
    fn rational(&self, array: Array) -> Array {
        if !array.is_scalar() || self.symbols.roots().is_empty() {
            return array;
        }
        let number = array.term.kernel().as_scalar();
        let number =
            number.filter(|number| number.as_constant().is_none() && self.symbols.is_numeric(number));
        match number.and_then(|number| self.symbols.simplified(&number).as_constant()) {
            Some(value) => Array { declared: array.declared, ..number_array(value) },
            None => array,
        }
    }

    /// Division by a number, or entry by entry.
    pub fn divide(&mut self, left: (&Array, Span), right: (&Array, Span), span: Span) -> Option<Array> {
        let ((a, at), (b, bt)) = (left, right);
        if a.shape() != b.shape() && (a.role, b.role) == (Role::Scalar, Role::Row) {
            // A number is divided by every entry of a vector, as in `1/sqrt(var + eps)`.
            let wide = self.spread(a, b.shape(), at)?;
            return self.divide((&wide, at), right, span);
        }
        if !b.is_scalar() && a.shape() != b.shape() {
            let hint =
                Some("kernels are divided by a number, or entry by entry by a kernel of the same shape");
            let context = "a quotient";
            let (left, right) = (side(at, a), side(bt, b));
            let hint = hint.map(str::to_owned);
            return self.fail(span, ResolveErrorKind::ShapeMismatch { context, left, right, hint });
        }
        match a.term.divided(&b.term, &mut self.symbols) {
            Ok(term) => {
                let quotient = self.derived(Ok(term), a.role, [a, b], span)?;
                Some(self.rational(quotient))
            }
            Err(error) => self.refused(&error, bt, span),
        }
    }

    /// `K ^ n`, with `n` in the range of [`Self::exponents`].
    pub fn kernel_power(&mut self, base: (&Array, Span), n: i64, at: Span, span: Span) -> Option<Array> {
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
            .kernel()
            .as_concrete()
            .is_some_and(|k| bits(k) > 1 && bits(k) * u64::from(n) > MAX_POWER_BITS);
        let power = if long {
            Err(KernelError::TooLarge)
        } else {
            KernelTerm::apply(Operation::Power(&array.term, n))
        };
        let power = self.derived(power, array.role, [array], span)?;
        Some(self.rational(power))
    }

    /// Positive square roots, entry by entry.
    pub fn sqrt(&mut self, array: &Array, at: Span, span: Span) -> Option<Array> {
        let expanded = self.polys(array, at)?;
        let entries = expanded.entries();
        let free = entries.iter().filter(|entry| entry.as_constant().is_none()).count();
        if free + self.symbols.roots().len() > MAX_ROOTS {
            return self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Roots(MAX_ROOTS)));
        }
        for entry in entries {
            // Keeps degrees bounded when the root is squared away again.
            let nested = entry.symbols().iter().any(|&symbol| self.symbols.root_of(symbol).is_some());
            if nested && degree(entry) > 2 {
                return self
                    .fail(at, ResolveErrorKind::Root("a root inside a root may only be squared there"));
            }
            // Free weights are those at which it is positive; of a number that must be known.
            if nested && self.symbols.is_numeric(entry) {
                match compared_with_zero(entry, &self.symbols) {
                    Some(Ordering::Greater) => {}
                    Some(Ordering::Less) => {
                        let why = "a negative number has no real square root";
                        return self.fail(at, ResolveErrorKind::Root(why));
                    }
                    _ => {
                        let why = "this is 0, or so near to it that it cannot be told to be positive";
                        return self.fail(at, ResolveErrorKind::Root(why));
                    }
                }
            }
        }
        match array.term.sqrt(&mut self.symbols) {
            Ok(term) => self.derived(Ok(term), array.role, [array], span),
            Err(error) => self.refused(&error, at, span),
        }
    }

    /// A quotient or a root that is refused, for the divisor or radicand at a place.
    fn refused<T>(&mut self, error: &TermError, at: Span, span: Span) -> Option<T> {
        let (at, kind) = match error {
            TermError::Kernel(error) => (span, ResolveErrorKind::TooLarge(Exceeded::Kernel(*error))),
            TermError::TooManySymbols => (span, ResolveErrorKind::TooLarge(Exceeded::Symbols(MAX_SYMBOLS))),
            TermError::DivisionByZero => (at, ResolveErrorKind::DivisionByZero),
            TermError::NotDivisible(divisor) => {
                (at, ResolveErrorKind::NotDivisible(self.symbols.show(divisor)))
            }
            TermError::NegativeRoot => {
                (at, ResolveErrorKind::Root("a negative number has no real square root"))
            }
        };
        self.fail(at, kind)
    }

    /// Entry by entry products.
    pub fn hadamard(&mut self, left: (&Array, Span), right: (&Array, Span), span: Span) -> Option<Array> {
        let ((a, at), (b, bt)) = (left, right);
        if a.shape() != b.shape() {
            let (left, right) = (side(at, a), side(bt, b));
            let context = "an entry by entry product";
            return self.fail(span, ResolveErrorKind::ShapeMismatch { context, left, right, hint: None });
        }
        self.applied(Operation::Hadamard(&a.term, &b.term), a.role, [a, b], span)
    }

    /// Output or input channels times the entries of a vector: a product with a diagonal 1×1 kernel.
    pub fn scale_channels(
        &mut self,
        outputs: bool,
        (kernel, at): (&Array, Span),
        (vector, bt): (&Array, Span),
        span: Span,
    ) -> Option<Array> {
        let (vector, len) = self.vector(vector.clone(), bt)?;
        let channels = if outputs { kernel.shape().outputs } else { kernel.shape().inputs };
        if len == 1 {
            return self.multiply((&vector, bt), (kernel, at), span);
        }
        if len != channels {
            let which = if outputs { "output" } else { "input" };
            let hint = format!("one factor for each of the {channels} {which} channels");
            let (left, right) = (side(at, kernel), side(bt, &vector));
            let context = "scaled channels";
            return self
                .fail(span, ResolveErrorKind::ShapeMismatch { context, left, right, hint: Some(hint) });
        }
        let operation = if outputs { Operation::ScaleOutputs } else { Operation::ScaleInputs };
        self.applied(operation(&kernel.term, &vector.term), kernel.role, [kernel, &vector], span)
    }
}

/// What an array of two others is.
fn joint_role(a: &Array, b: &Array) -> Role {
    match (a.role, b.role) {
        (x, y) if x == y => x,
        (Role::Channels, _) | (_, Role::Channels) => Role::Channels,
        (Role::Image, _) | (_, Role::Image) => Role::Image,
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
