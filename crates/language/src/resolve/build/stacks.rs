//! `+ - * / ^` and `->` where they make stacks, and the limits of stacks.

use std::sync::Arc;

use super::arrays::number_array;
use super::error::{Exceeded, ResolveErrorKind};
use super::value::{Array, Role, StackValue, Tail};
use super::{Amount, Builder};
use crate::source::Span;
use convproof_engine::ir::{Composite, KernelTerm, Layer, NonEmpty, Operation, Stack};
use convproof_engine::operator::shape::is_single;
use convproof_exact::Rational;

/// Most layers of a stack, those of its parts included.
pub const MAX_LAYERS: usize = 4096;

/// Most sums, products and concatenations of a stack.
pub const MAX_JOINS: usize = 4096;

/// Highest degree of a stack in the free symbols.
pub const MAX_STACK_DEGREE: u32 = 512;

impl Builder {
    /// The identity.
    pub fn identity(&mut self, span: Span) -> StackValue {
        StackValue::new(Stack::identity(self.origins.of(span)), 0)
    }

    /// A `flatten` that a `dense` is to follow.
    pub fn flatten(&mut self, span: Span) -> StackValue {
        StackValue { tail: Tail::Flatten(span), ..self.identity(span) }
    }

    /// How often a stack may follow itself.
    pub fn repetitions(stack: &StackValue) -> Amount {
        let most = i64::try_from(MAX_LAYERS / stack.layers.max(1)).unwrap_or(1);
        Amount { what: "the exponent", range: [0, most] }
    }

    /// `S ^ n`: n copies in a row; `n` is in the range of [`Self::repetitions`].
    pub fn repeated(&mut self, stack: &StackValue, n: usize, span: Span) -> Option<StackValue> {
        let stack = &self.finished(stack.clone())?;
        if stack.stack.joins().saturating_mul(n) > MAX_JOINS {
            return self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Joins(MAX_JOINS)));
        }
        let whole = Stack::chain(std::iter::repeat_n(&*stack.stack, n), self.origins.of(span));
        let degree = stack.degree.saturating_mul(u32::try_from(n).unwrap_or(u32::MAX));
        let layers = stack.layers * n;
        let tail = if n == 0 { Tail::Image } else { stack.tail };
        self.limited((whole, span), layers, degree, tail)
    }

    /// Checks that no `flatten` or `dense` lacks its counterpart.
    pub fn finished(&mut self, stack: StackValue) -> Option<StackValue> {
        if let Some(span) = stack.head {
            return self.fail(span, ResolveErrorKind::DenseAlone);
        }
        if let Tail::Flatten(span) = stack.tail {
            return self.fail(span, ResolveErrorKind::FlattenAlone);
        }
        Some(stack)
    }

    /// First `left`, then `right`.
    pub fn then(&mut self, left: &StackValue, right: &StackValue, span: Span) -> Option<StackValue> {
        let empty = right.stack.is_identity();
        match (left.tail, right.head) {
            (Tail::Flatten(at), None) if !(empty && right.tail == Tail::Image) => {
                return self.fail(at, ResolveErrorKind::FlattenAlone);
            }
            (Tail::Image, Some(at)) if !left.stack.is_identity() || left.head.is_some() => {
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
        let whole = Stack::chain([&*left.stack, &*right.stack], self.origins.of(span));
        let layers = left.layers + right.layers;
        let degree = left.degree.saturating_add(right.degree);
        Some(StackValue { head, ..self.limited((whole, span), layers, degree, tail)? })
    }

    /// Branches added, or subtracted with `minus`.
    pub fn sum_of(
        &mut self,
        left: &StackValue,
        right: &StackValue,
        minus: bool,
        span: Span,
    ) -> Option<StackValue> {
        let (left, right) = (self.finished(left.clone()), self.finished(right.clone()));
        let (left, mut right) = (left?, right?);
        if minus {
            right = self.negated(&right, self.place(right.stack.origin(), span))?;
        }
        let tail = if left.tail == right.tail { left.tail } else { Tail::Image };
        let single = [&left, &right].map(|value| is_single(&value.stack));
        let whole = left.stack.plus(&right.stack, single, self.origins.of(span));
        self.limited((whole, span), left.layers + right.layers, left.degree.max(right.degree), tail)
    }

    /// The outputs of two stacks multiplied, entry by entry.
    pub fn product_of(&mut self, left: &StackValue, right: &StackValue, span: Span) -> Option<StackValue> {
        let (left, right) = (self.finished(left.clone()), self.finished(right.clone()));
        let (left, right) = (left?, right?);
        let tail = if left.tail == right.tail { left.tail } else { Tail::Image };
        let single = [&left, &right].map(|value| is_single(&value.stack));
        let whole = Stack::product([&left.stack, &right.stack], single, self.origins.of(span));
        let degree = left.degree.saturating_add(right.degree);
        self.limited((whole, span), left.layers + right.layers, degree, tail)
    }

    /// A stack times a number.
    pub fn scaled(
        &mut self,
        (factor, at): (&Array, Span),
        stack: &StackValue,
        span: Span,
    ) -> Option<StackValue> {
        if !factor.is_scalar() {
            let (expected, found) = ("a number", factor.show());
            return self.fail(at, ResolveErrorKind::WrongKind { expected, found });
        }
        let stack = self.finished(stack.clone())?;
        let origin = self.origins.of(span);
        let whole = stack.stack.scaled(origin, |own| {
            let term = if own.kernel().as_concrete().is_some_and(|k| k.entry(0, 0, 0, 0).is_one()) {
                Ok(factor.term.clone())
            } else {
                KernelTerm::apply(Operation::Convolve(&factor.term, own))
            };
            Some(self.made(term, Role::Scalar, factor.depth, span)?.term)
        })?;
        let degree = stack.degree.saturating_add(factor.degree);
        self.limited((whole, span), stack.layers, degree, stack.tail)
    }

    /// A stack times -1.
    pub fn negated(&mut self, stack: &StackValue, span: Span) -> Option<StackValue> {
        self.scaled((&number_array(Rational::from(-1)), span), stack, span)
    }

    /// A stack over a number: `S / c`.
    pub fn divided(&mut self, stack: &StackValue, by: (&Array, Span), span: Span) -> Option<StackValue> {
        if !by.0.is_scalar() {
            let (expected, found) = ("a number", by.0.show());
            return self.fail(by.1, ResolveErrorKind::WrongKind { expected, found });
        }
        let one = number_array(Rational::from(1));
        let inverse = self.divide((&one, by.1), by, by.1)?;
        self.scaled((&inverse, by.1), stack, span)
    }

    /// Branches whose channels are joined in order; there is at least one.
    pub fn concat(&mut self, parts: Vec<StackValue>, span: Span) -> Option<StackValue> {
        if parts.is_empty() {
            let (function, argument, signature) = ("concat", "S", "concat(S,T,…)");
            return self.fail(span, ResolveErrorKind::MissingArgument { function, argument, signature });
        }
        let parts = parts.into_iter().map(|part| self.finished(part)).collect::<Option<Vec<_>>>()?;
        let layers = parts.iter().map(|part| part.layers).sum();
        let degree = parts.iter().map(|part| part.degree).max().unwrap_or(0);
        let vectors = parts.iter().all(|part| part.tail == Tail::Vector);
        let tail = if vectors { Tail::Vector } else { Tail::Image };
        let whole = parts.iter().map(|part| &*part.stack).collect();
        let whole = Stack::concat(NonEmpty::of(whole)?, self.origins.of(span));
        self.limited((whole, span), layers, degree, tail)
    }

    /// A stack, if it is within the limits.
    fn limited(
        &mut self,
        (stack, span): (Stack, Span),
        layers: usize,
        degree: u32,
        tail: Tail,
    ) -> Option<StackValue> {
        let limit = if layers > MAX_LAYERS {
            Exceeded::Layers(MAX_LAYERS)
        } else if stack.joins() > MAX_JOINS {
            Exceeded::Joins(MAX_JOINS)
        } else if degree > MAX_STACK_DEGREE {
            Exceeded::Degree(MAX_STACK_DEGREE)
        } else {
            return Some(StackValue { stack: Arc::new(stack), layers, degree, head: None, tail });
        };
        self.fail(span, ResolveErrorKind::TooLarge(limit))
    }
}

/// Whether a stack turns a 1×1 image into a 1×1 image for sure.
fn keeps_vector(stack: &Stack) -> bool {
    stack.layers().all(|layer| {
        matches!(
            layer,
            Layer::Scale(_)
                | Layer::Bias(_)
                | Layer::Relu
                | Layer::Select { .. }
                | Layer::Function(_)
                | Layer::Composite(Composite::Pointwise(_))
        )
    })
}
