//! Stacks of layers as values of Rust. Nothing is checked here: that happens when a claim is decided.

use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::Arc;

use super::MAX_DEPTH;
use super::composite::Own;
use super::error::ModelError;
use super::kernel::Kernel;
use super::layers::{AvgPool, Conv, ConvTranspose, Dense, MaxPool, Plain};
use super::pair::Pair;
use crate::ir::Named;

/// Layers one after the other, and branches that are added or joined.
///
/// A layer that has options, such as [`Conv`], becomes a stack by itself where one is due; a stack has none.
#[derive(Clone)]
pub struct Stack {
    pub(super) node: Arc<StackNode>,
    pub(super) depth: usize,
}

/// What a stack is made of.
pub(super) enum StackNode {
    /// A mistake that was made on the way.
    Invalid(ModelError),
    /// A layer without kernels.
    Plain(Plain),
    /// A layer of a name and whole numbers.
    Named(&'static Named, Vec<Pair>),
    Conv(Conv),
    ConvTranspose(ConvTranspose),
    AvgPool(AvgPool),
    MaxPool(MaxPool),
    /// `flatten -> dense`.
    Dense(Dense),
    /// A layer with a definition of its own.
    Own(Own),
    Scale(Kernel),
    Bias(Kernel),
    /// gamma, beta, mean, var, and what is added to the variances.
    BatchNorm([Kernel; 4], Option<Kernel>),
    /// One after the other; the identity when empty.
    Chain(Vec<Stack>),
    /// So many copies one after the other.
    Power(Stack, i64),
    Add(Stack, Stack),
    Subtract(Stack, Stack),
    Times(Kernel, Stack),
    Over(Stack, Kernel),
    /// Outputs multiplied entry by entry.
    Product(Stack, Stack),
    /// Output channels joined in order.
    Concat(Vec<Stack>),
}

impl Stack {
    pub(super) fn of(node: StackNode, depth: usize) -> Self {
        if depth >= MAX_DEPTH {
            return Self { node: Arc::new(StackNode::Invalid(ModelError::TooDeep)), depth: 1 };
        }
        Self { node: Arc::new(node), depth: depth + 1 }
    }

    /// First this stack, then another.
    #[must_use]
    pub fn then(self, next: impl Into<Stack>) -> Self {
        let next = next.into();
        let own = self.depth;
        // A chain is one deeper than its deepest link, and stays so as it grows.
        let inner = |node: &StackNode| if matches!(node, StackNode::Chain(_)) { own - 1 } else { own };
        let depth = inner(&self.node).max(next.depth);
        let links = match Arc::try_unwrap(self.node) {
            Ok(StackNode::Chain(mut links)) => {
                links.push(next);
                links
            }
            Ok(node) => vec![Self { node: Arc::new(node), depth: own }, next],
            Err(node) => match &*node {
                StackNode::Chain(links) => links.iter().cloned().chain([next]).collect(),
                _ => vec![Self { node: node.clone(), depth: own }, next],
            },
        };
        Self::of(StackNode::Chain(links), depth)
    }

    /// What it makes of an image: a [`Kernel::image`], or a kernel of one channel.
    #[must_use]
    pub fn apply(&self, image: impl Into<Kernel>) -> Kernel {
        Kernel::applied(self.clone(), image.into())
    }

    /// Both on the same input, outputs multiplied entry by entry; a side that has one position whatever its input is, as after a global mean, at every
    /// position of the other one.
    ///
    /// ```
    /// use convproof::assert_equivalent;
    /// use convproof::model::{Function, function, global_avgpool, id, relu};
    ///
    /// let gate = global_avgpool().then(function(Function::Sigmoid));
    /// assert_equivalent!(id().times(&gate).then(relu()), relu().times(gate));
    /// ```
    #[must_use]
    pub fn times(self, other: impl Into<Stack>) -> Self {
        let other = other.into();
        let depth = self.depth.max(other.depth);
        Self::of(StackNode::Product(self, other), depth)
    }

    /// So many copies of it, one after the other.
    #[must_use]
    pub fn pow(self, n: usize) -> Self {
        let depth = self.depth;
        Self::of(StackNode::Power(self, i64::try_from(n).unwrap_or(i64::MAX)), depth)
    }
}

/// Branches of one input whose output channels are joined in order.
pub fn concat<S: Into<Stack>>(branches: impl IntoIterator<Item = S>) -> Stack {
    let branches: Vec<Stack> = branches.into_iter().map(Into::into).collect();
    let depth = branches.iter().map(|branch| branch.depth).max().unwrap_or(0);
    Stack::of(StackNode::Concat(branches), depth)
}

impl<T: Clone + Into<Stack>> From<&T> for Stack {
    fn from(value: &T) -> Self {
        value.clone().into()
    }
}

impl<R: Into<Stack>> Add<R> for Stack {
    type Output = Stack;
    fn add(self, other: R) -> Stack {
        let other = other.into();
        let depth = self.depth.max(other.depth);
        Stack::of(StackNode::Add(self, other), depth)
    }
}

impl<R: Into<Stack>> Sub<R> for Stack {
    type Output = Stack;
    fn sub(self, other: R) -> Stack {
        let other = other.into();
        let depth = self.depth.max(other.depth);
        Stack::of(StackNode::Subtract(self, other), depth)
    }
}

/// By a number, given or free.
impl<R: Into<Kernel>> Mul<R> for Stack {
    type Output = Stack;
    fn mul(self, factor: R) -> Stack {
        let factor = factor.into();
        let depth = self.depth.max(factor.depth);
        Stack::of(StackNode::Times(factor, self), depth)
    }
}

/// By a number, given or free.
impl<R: Into<Kernel>> Div<R> for Stack {
    type Output = Stack;
    fn div(self, divisor: R) -> Stack {
        let divisor = divisor.into();
        let depth = self.depth.max(divisor.depth);
        Stack::of(StackNode::Over(self, divisor), depth)
    }
}

impl Neg for Stack {
    type Output = Stack;
    fn neg(self) -> Stack {
        self * -1
    }
}

/// Layers with options: as stacks they can be followed, added and scaled.
macro_rules! layers {
    ($($layer:ident),*) => {$(
        impl From<$layer> for Stack {
            fn from(layer: $layer) -> Self {
                let depth = layer.depth();
                Self::of(StackNode::$layer(layer), depth)
            }
        }

        impl $layer {
            /// First this layer, then what follows.
            #[must_use]
            pub fn then(self, next: impl Into<Stack>) -> Stack {
                Stack::from(self).then(next)
            }
        }

        impl<R: Into<Stack>> Add<R> for $layer {
            type Output = Stack;
            fn add(self, other: R) -> Stack {
                Stack::from(self) + other
            }
        }

        impl<R: Into<Stack>> Sub<R> for $layer {
            type Output = Stack;
            fn sub(self, other: R) -> Stack {
                Stack::from(self) - other
            }
        }

        impl<R: Into<Kernel>> Mul<R> for $layer {
            type Output = Stack;
            fn mul(self, factor: R) -> Stack {
                Stack::from(self) * factor
            }
        }

        impl<R: Into<Kernel>> Div<R> for $layer {
            type Output = Stack;
            fn div(self, divisor: R) -> Stack {
                Stack::from(self) / divisor
            }
        }
    )*};
}

layers!(Conv, ConvTranspose, AvgPool, MaxPool, Dense);
