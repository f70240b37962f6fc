//! Arrays and stacks with what the checks and limits need to know of them.

use std::sync::Arc;

use crate::source::Span;
use convproof_engine::ir::{KernelTerm, Stack};
use convproof_engine::kernel::Shape;
use convproof_exact::{Poly, Rational};

/// What an array was written as; decides how it is named and compared, nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A number.
    Scalar,
    /// One row in single brackets, or one index: a 1×n kernel, a vector, or a list.
    Row,
    /// A kernel.
    Kernel,
    /// An image `[c,1,h,w]`.
    Image,
    /// The same, written with three indices `[c,h,w]`. It is no kernel: `[out,in,k]` could be meant.
    Channels,
}

impl Role {
    /// Whether it is an image, however it was written.
    pub fn is_image(self) -> bool {
        matches!(self, Self::Image | Self::Channels)
    }
}

/// A scalar, vector, kernel or image.
#[derive(Clone, Debug)]
pub struct Array {
    /// Both readings of it.
    pub term: KernelTerm,
    /// What it was written as.
    pub role: Role,
    /// Where the name was declared, if it is one.
    pub declared: Option<Span>,
    /// Height of the expression that it came from.
    pub depth: u32,
    /// Highest total degree of an entry in the free symbols.
    pub degree: u32,
}

impl Array {
    /// Its shape.
    pub fn shape(&self) -> Shape {
        self.term.shape()
    }

    /// Whether it is a number.
    pub fn is_scalar(&self) -> bool {
        self.shape().is_scalar()
    }

    /// Its value if it is a number without free symbols.
    pub fn constant(&self) -> Option<Rational> {
        if !self.is_scalar() {
            return None;
        }
        match self.term.kernel().as_concrete() {
            Some(kernel) => Some(kernel.entry(0, 0, 0, 0)),
            None => self.term.kernel().as_scalar()?.as_constant(),
        }
    }

    /// The shape as the user thinks of it.
    pub fn show_shape(&self) -> String {
        let shape = self.shape();
        match self.role {
            role if role == Role::Channels || role == Role::Image && shape.outputs > 1 => {
                format!("[{},{},{}]", shape.outputs, shape.height, shape.width)
            }
            Role::Row if shape.is_plane() && shape.height == 1 => format!("[{}]", shape.width),
            _ => shape.to_string(),
        }
    }

    /// What it is, in words.
    pub fn show(&self) -> String {
        match self.role {
            Role::Scalar => "a number".to_owned(),
            Role::Row => format!("a row {}", self.show_shape()),
            Role::Kernel => format!("a kernel {}", self.show_shape()),
            Role::Image | Role::Channels => format!("an image {}", self.show_shape()),
        }
    }

    /// The number of entries if all but one extent are 1.
    pub fn vector_len(&self) -> Option<usize> {
        let Shape { outputs, inputs, height, width } = self.shape();
        let all = [outputs, inputs, height, width];
        (all.iter().filter(|&&n| n > 1).count() <= 1).then(|| all.iter().product())
    }
}

/// A stack, and what limits and the rules for `flatten` and `dense` need to know of it.
#[derive(Clone, Debug)]
pub struct StackValue {
    /// What it computes.
    pub stack: Arc<Stack>,
    /// How many layers it has.
    pub layers: usize,
    /// Degree in the free symbols of what it computes, at most.
    pub degree: u32,
    /// A `dense` at its start that needs a `flatten` before it.
    pub head: Option<Span>,
    /// What comes out of it.
    pub tail: Tail,
}

/// What comes out of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// An image, as far as is known.
    Image,
    /// A `flatten` whose `dense` is to follow.
    Flatten(Span),
    /// The vector that a `dense` makes.
    Vector,
}

impl StackValue {
    /// A single layer.
    pub fn new(stack: Stack, degree: u32) -> Self {
        Self { stack: Arc::new(stack), layers: 1, degree, head: None, tail: Tail::Image }
    }
}

/// The total degree of a polynomial, inverse powers counted as powers.
pub fn degree(poly: &Poly) -> u32 {
    let of = |factors: &[(convproof_exact::Symbol, i16)]| {
        factors.iter().map(|f| u32::from(f.1.unsigned_abs())).sum()
    };
    poly.terms().iter().map(|(monomial, _)| of(monomial.factors())).max().unwrap_or(0)
}
