//! What an expression can stand for.

use std::sync::Arc;

use crate::source::Span;
use convproof_engine::ir::{KernelExpr, KernelTerm, Quantity, Stack, StackKind};
use convproof_engine::kernel::Shape;
use convproof_exact::{Poly, Rational};

/// Most numbers of a row that is compared as a list.
const MAX_LIST: usize = 1 << 16;

/// The value of an expression.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A scalar, vector, kernel or image.
    Array(Array),
    /// A list of numbers such as a stride.
    List(Vec<Quantity>),
    /// An irrational number, the square root of a rational.
    Root(Rational),
    /// A stack.
    Stack(StackValue),
    /// A quoted string.
    Text,
    /// `true` or `false`.
    Bool(bool),
}

/// What an array was written as; decides how it is named and compared, nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A number.
    Scalar,
    /// One row in single brackets, or one index: a 1×n kernel, a vector, or a list.
    Row,
    /// A kernel.
    Kernel,
    /// An image `[c,1,h,w]`.
    Image,
}

/// A scalar, vector, kernel or image.
#[derive(Clone, Debug)]
pub(super) struct Array {
    pub(super) term: KernelTerm,
    pub(super) role: Role,
    /// Where the name was declared, if it is one.
    pub(super) declared: Option<Span>,
    /// Height of the expression that it came from.
    pub(super) depth: u32,
    /// Highest total degree of an entry in the free symbols.
    pub(super) degree: u32,
}

impl Array {
    pub(super) fn shape(&self) -> Shape {
        self.term.shape()
    }

    pub(super) fn is_scalar(&self) -> bool {
        self.shape().is_scalar()
    }

    pub(super) fn constant(&self) -> Option<Rational> {
        if !self.is_scalar() {
            return None;
        }
        match self.term.kernel.as_concrete() {
            Some(kernel) => Some(kernel.entry(0, 0, 0, 0)),
            None => self.term.kernel.as_scalar()?.as_constant(),
        }
    }

    pub(super) fn expr(&self) -> Arc<KernelExpr> {
        self.term.expr.clone()
    }

    /// The shape as the user thinks of it.
    pub(super) fn show_shape(&self) -> String {
        let shape = self.shape();
        match self.role {
            Role::Image if shape.outputs > 1 => {
                format!("[{},{},{}]", shape.outputs, shape.height, shape.width)
            }
            Role::Row if shape.is_plane() && shape.height == 1 => format!("[{}]", shape.width),
            _ => shape.to_string(),
        }
    }

    /// What it is, in words.
    pub(super) fn show(&self) -> String {
        match self.role {
            Role::Scalar => "a number".to_owned(),
            Role::Row => format!("a row {}", self.show_shape()),
            Role::Kernel => format!("a kernel {}", self.show_shape()),
            Role::Image => format!("an image {}", self.show_shape()),
        }
    }

    /// The number of entries if all but one extent are 1.
    pub(super) fn vector_len(&self) -> Option<usize> {
        let Shape { outputs, inputs, height, width } = self.shape();
        let all = [outputs, inputs, height, width];
        (all.iter().filter(|&&n| n > 1).count() <= 1).then(|| all.iter().product())
    }
}

/// A stack, and what limits and the rules for `flatten` and `dense` need to know of it.
#[derive(Clone, Debug)]
pub(super) struct StackValue {
    pub(super) stack: Arc<Stack>,
    pub(super) layers: usize,
    pub(super) depth: u32,
    /// Degree in the free symbols of what it computes, at most.
    pub(super) degree: u32,
    /// A `dense` at its start that needs a `flatten` before it.
    pub(super) head: Option<Span>,
    pub(super) tail: Tail,
}

/// What comes out of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// An image, as far as is known.
    Image,
    /// A `flatten` whose `dense` is to follow.
    Flatten(Span),
    /// The vector that a `dense` makes.
    Vector,
}

impl StackValue {
    pub(super) fn new(stack: Stack, degree: u32) -> Self {
        Self { stack: Arc::new(stack), layers: 1, depth: 1, degree, head: None, tail: Tail::Image }
    }

    /// The layers one after the other.
    pub(super) fn links(&self) -> Vec<Arc<Stack>> {
        match &self.stack.kind {
            StackKind::Chain(links) => links.clone(),
            _ => vec![self.stack.clone()],
        }
    }
}

impl Value {
    /// What it is, in words.
    pub(super) fn show(&self) -> String {
        match self {
            Self::Array(array) => array.show(),
            Self::List(list) => format!("a list of {}", list.len()),
            Self::Root(_) => "a number".to_owned(),
            Self::Stack(_) => "a stack".to_owned(),
            Self::Text => "a string".to_owned(),
            Self::Bool(value) => format!("`{value}`"),
        }
    }

    pub(super) fn declared(&self) -> Option<Span> {
        if let Self::Array(array) = self { array.declared } else { None }
    }

    /// The numbers of a list, a row or a number.
    pub(super) fn numbers(&self) -> Option<Vec<Quantity>> {
        match self {
            Self::List(list) => Some(list.clone()),
            Self::Root(square) => Some(vec![Quantity::Root(square.clone())]),
            Self::Array(array)
                if array.term.len() <= MAX_LIST && (array.is_scalar() || array.role == Role::Row) =>
            {
                let entries = array.term.kernel.expand().ok()?;
                Some(entries.entries().iter().cloned().map(Quantity::Poly).collect())
            }
            _ => None,
        }
    }
}

/// The total degree of a polynomial, inverse powers counted as powers.
pub(super) fn degree(poly: &Poly) -> u32 {
    let of = |factors: &[(convproof_exact::Symbol, i16)]| {
        factors.iter().map(|f| u32::from(f.1.unsigned_abs())).sum()
    };
    poly.terms().iter().map(|(monomial, _)| of(monomial.factors())).max().unwrap_or(0)
}
