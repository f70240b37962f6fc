//! Arrays made and taken apart, within the limits of kernels.

use super::Builder;
use super::error::{Exceeded, ResolveErrorKind, Side};
use super::value::{Array, Role};
use crate::source::Span;
use std::sync::Arc;

use convproof_engine::ir::{KernelTerm, Operation};
use convproof_engine::kernel::symbolic::SymbolicKernel;
use convproof_engine::kernel::{ConcreteKernel, KernelError, Shape};
use convproof_exact::{MAX_DEGREE, Poly, Rational};

/// Longest numerator or denominator of an entry without free symbols, in bits.
pub const MAX_BITS: u64 = 1 << 17;

/// How many definitions and operators a value may rest on, one on top of the other; the evaluator that replays
/// counterexamples goes deeper than that.
pub const MAX_DEPTH: u32 = 250;

impl Builder {
    /// A number.
    pub fn number(&mut self, number: Rational, span: Span) -> Option<Array> {
        if number.bits() > MAX_BITS {
            return self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Kernel(KernelError::TooLarge)));
        }
        Some(number_array(number))
    }

    /// A kernel without free symbols.
    pub fn concrete(
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
            Err(error) => self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Kernel(error))),
        }
    }

    /// The result of an operation on arrays.
    pub fn applied(
        &mut self,
        operation: Operation<'_>,
        role: Role,
        from: impl IntoIterator<Item = impl std::borrow::Borrow<Array>>,
        span: Span,
    ) -> Option<Array> {
        self.derived(KernelTerm::apply(operation), role, from, span)
    }

    /// The same, for results that may be an error.
    pub fn derived(
        &mut self,
        term: Result<KernelTerm, KernelError>,
        role: Role,
        from: impl IntoIterator<Item = impl std::borrow::Borrow<Array>>,
        span: Span,
    ) -> Option<Array> {
        let depth = from.into_iter().map(|array| array.borrow().depth).max().unwrap_or(0);
        self.made(term, role, depth, span)
    }

    /// The same, for operands known by their depth.
    pub fn made(
        &mut self,
        term: Result<KernelTerm, KernelError>,
        role: Role,
        depth: u32,
        span: Span,
    ) -> Option<Array> {
        let term = match term.and_then(checked) {
            Ok(term) => term,
            Err(error) => return self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Kernel(error))),
        };
        let degree = term.kernel().degree();
        if degree > MAX_DEGREE {
            return self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Degree(MAX_DEGREE)));
        }
        let depth = depth + 1;
        if depth > MAX_DEPTH {
            return self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Depth(MAX_DEPTH)));
        }
        Some(Array { term, role, declared: None, depth, degree })
    }

    /// A new free kernel.
    pub fn free(&mut self, name: &str, shape: Shape, indices: usize, span: Span) -> Option<Array> {
        let Some(free) = self.symbols.declare(name, shape, indices) else {
            return self.fail(
                span,
                ResolveErrorKind::TooLarge(Exceeded::Symbols(convproof_engine::ir::MAX_SYMBOLS)),
            );
        };
        let role = match indices {
            0 => Role::Scalar,
            1 => Role::Row,
            _ => Role::Kernel,
        };
        self.derived(KernelTerm::free(&free), role, &[], span)
    }

    /// An array of scalars in storage order.
    pub fn array_of(&mut self, shape: Shape, role: Role, entries: &[Array], span: Span) -> Option<Array> {
        let terms: Vec<&KernelTerm> = entries.iter().map(|entry| &entry.term).collect();
        self.applied(Operation::Array(shape, &terms), role, entries, span)
    }

    /// The entry at `[out,in,row,column]`.
    pub fn entry(&mut self, array: &Array, position: [usize; 4], span: Span) -> Option<Array> {
        let shape = array.shape();
        let extents = [shape.outputs, shape.inputs, shape.height, shape.width];
        if position.iter().zip(extents).any(|(&n, extent)| n >= extent) {
            let index = format!("{position:?}").replace(' ', "");
            let (shape, declared) = (array.show_shape(), array.declared);
            return self.fail(span, ResolveErrorKind::IndexOutOfBounds { index, shape, declared });
        }
        self.applied(Operation::Entry(&array.term, position), Role::Scalar, [array], span)
    }

    /// Checks the shape of an array that is to be declared or read.
    pub fn shape(&mut self, shape: Shape, span: Span) -> Option<Shape> {
        match shape.validate() {
            Ok(_) => Some(shape),
            Err(error) => self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Kernel(error))),
        }
    }

    /// All entries as polynomials.
    pub fn polys(&mut self, array: &Array, span: Span) -> Option<Arc<SymbolicKernel>> {
        match array.term.polynomials() {
            Ok(entries) => Some(entries),
            Err(error) => self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Kernel(error))),
        }
    }

    /// A kernel with at most one extent above 1, or a scalar, as a 1×n kernel, and its length.
    pub fn vector(&mut self, array: Array, span: Span) -> Option<(Array, usize)> {
        let Some(len) = array.vector_len() else {
            let expected = "a vector or a number";
            return self.fail(span, ResolveErrorKind::WrongKind { expected, found: array.show() });
        };
        Some((self.as_row(array, len, span)?, len))
    }

    /// A 1×n kernel with the entries of a vector of any orientation.
    fn as_row(&mut self, array: Array, len: usize, span: Span) -> Option<Array> {
        let shape = Shape::plane(1, len);
        if array.shape() == shape {
            return Some(array);
        }
        self.applied(Operation::Reshape(&array.term, shape), Role::Row, [&array], span)
    }

    /// An array as a kernel: not one with three indices, which may be an image `[c,h,w]` or weights `[out,in,k]`.
    pub fn no_channels(&mut self, array: Array, span: Span) -> Option<Array> {
        if array.role == Role::Channels {
            let Shape { outputs, height, width, .. } = array.shape();
            return self.fail(span, ResolveErrorKind::ThreeIndices([outputs, height, width]));
        }
        Some(array)
    }

    /// An array with three indices in a declared shape with the same extents, those of 1 left aside.
    pub fn respelled(&mut self, array: Array, shape: Shape, span: Span) -> Option<Array> {
        let extents = |shape: Shape| {
            let all = [shape.outputs, shape.inputs, shape.height, shape.width];
            all.into_iter().filter(|&n| n > 1).collect::<Vec<usize>>()
        };
        let old = array.shape();
        if array.role != Role::Channels || old == shape || extents(old) != extents(shape) {
            return Some(array);
        }
        self.applied(Operation::Reshape(&array.term, shape), Role::Kernel, [&array], span)
    }
}

/// A kernel within the limits.
fn checked(term: KernelTerm) -> Result<KernelTerm, KernelError> {
    term.kernel().allows(term.shape())?;
    match term.kernel().as_concrete() {
        Some(concrete) if bits(concrete) > MAX_BITS => Err(KernelError::TooLarge),
        _ => Ok(term),
    }
}

/// Length of the longest number in a kernel.
pub fn bits(kernel: &ConcreteKernel) -> u64 {
    kernel.integers().max_bits().max(kernel.denominator().bits())
}

/// A number as a value.
pub fn number_array(number: Rational) -> Array {
    let kernel = ConcreteKernel::from_rationals(Shape::plane(1, 1), &[number]).expect("one entry");
    Array { term: KernelTerm::constant(kernel), role: Role::Scalar, declared: None, depth: 0, degree: 0 }
}

/// Whether all entries of an array are numbers without free symbols.
pub fn is_constant(array: &Array) -> bool {
    array.term.kernel().as_concrete().is_some()
        || entries(array).is_some_and(|all| all.iter().all(|entry| entry.as_constant().is_some()))
}

/// The entries of an array as polynomials; only for small arrays.
fn entries(array: &Array) -> Option<Vec<Poly>> {
    Some(array.term.kernel().expand().ok()?.entries().to_vec())
}

/// A side of a mismatch.
pub fn side(span: Span, array: &Array) -> Side {
    Side { span, declared: array.declared, what: array.show_shape() }
}

/// A number, shortened where it is too long to read.
pub fn short(value: &Rational) -> String {
    if value.bits() <= 64 { value.to_string() } else { format!("about {}", value.to_decimal(6)) }
}
