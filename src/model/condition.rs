//! Conditions on input sizes, as values of Rust: `(h() % 2).equals(0) & w().at_least(4)`.

use std::ops::{Add, BitAnd, BitOr, Mul, Not, Rem, Sub};

use super::MAX_DEPTH;
use crate::ir::Order;
use crate::resolve::build::conditions::SizeOperator;

/// A whole number that depends on the input's height and width.
#[derive(Clone, Debug)]
pub struct Length {
    pub(super) node: LengthNode,
    depth: usize,
}

/// What it is made of.
#[derive(Clone, Debug)]
pub(super) enum LengthNode {
    TooDeep,
    Height,
    Width,
    Number(i64),
    Join(SizeOperator, Box<[Length; 2]>),
}

/// A condition on the input's height and width; `&`, `|` and `!` join conditions.
#[derive(Clone, Debug)]
pub struct Condition {
    pub(super) node: ConditionNode,
    depth: usize,
}

/// What it is made of.
#[derive(Clone, Debug)]
pub(super) enum ConditionNode {
    TooDeep,
    Compare(Length, Order, Length),
    And(Box<[Condition; 2]>),
    Or(Box<[Condition; 2]>),
    Not(Box<Condition>),
}

/// The height of the input.
pub fn h() -> Length {
    Length { node: LengthNode::Height, depth: 1 }
}

/// The width of the input.
pub fn w() -> Length {
    Length { node: LengthNode::Width, depth: 1 }
}

impl From<i64> for Length {
    fn from(number: i64) -> Self {
        Self { node: LengthNode::Number(number), depth: 1 }
    }
}

impl From<i32> for Length {
    fn from(number: i32) -> Self {
        i64::from(number).into()
    }
}

macro_rules! operators {
    ($($operator:ident $method:ident),*) => {$(
        impl<R: Into<Length>> $operator<R> for Length {
            type Output = Length;
            fn $method(self, other: R) -> Length {
                let other = other.into();
                let depth = self.depth.max(other.depth) + 1;
                if depth > MAX_DEPTH {
                    return Length { node: LengthNode::TooDeep, depth: 1 };
                }
                Length { node: LengthNode::Join(SizeOperator::$operator, Box::new([self, other])), depth }
            }
        }
    )*};
}

operators!(Add add, Sub sub, Mul mul, Rem rem);

macro_rules! comparisons {
    ($($(#[$doc:meta])* $method:ident $order:ident),*) => {
        impl Length {$(
            $(#[$doc])*
            pub fn $method(self, other: impl Into<Length>) -> Condition {
                Condition { node: ConditionNode::Compare(self, Order::$order, other.into()), depth: 1 }
            }
        )*}
    };
}

comparisons!(
    /// `==`
    equals Eq,
    /// `!=`
    differs_from Ne,
    /// `<`
    less_than Lt,
    /// `<=`
    at_most Le,
    /// `>`
    more_than Gt,
    /// `>=`
    at_least Ge
);

impl Condition {
    fn over(node: ConditionNode, inner: usize) -> Self {
        if inner >= MAX_DEPTH {
            return Self { node: ConditionNode::TooDeep, depth: 1 };
        }
        Self { node, depth: inner + 1 }
    }
}

impl BitAnd for Condition {
    type Output = Condition;
    fn bitand(self, other: Self) -> Self {
        let depth = self.depth.max(other.depth);
        Self::over(ConditionNode::And(Box::new([self, other])), depth)
    }
}

impl BitOr for Condition {
    type Output = Condition;
    fn bitor(self, other: Self) -> Self {
        let depth = self.depth.max(other.depth);
        Self::over(ConditionNode::Or(Box::new([self, other])), depth)
    }
}

impl Not for Condition {
    type Output = Condition;
    fn not(self) -> Self {
        let depth = self.depth;
        Self::over(ConditionNode::Not(Box::new(self)), depth)
    }
}
