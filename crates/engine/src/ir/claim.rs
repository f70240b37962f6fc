//! What a statement claims, resolved.

use std::sync::Arc;

use super::{AXES, Axes, KernelTerm, Stack};
use crate::axes::each;
use crate::kernel::Shape;
use convproof_exact::{Limited, Poly, Rational};

/// A resolved proposition.
#[derive(Clone, Debug, PartialEq)]
pub enum Prop {
    /// Two stacks are the same function, or differ by no more than a bound.
    Stacks(StackClaim),
    /// Two kernels (or images, or a stack's image and an image) are equal, shape included; `negated` for `!=`.
    Kernels {
        /// Left side.
        left: KernelTerm,
        /// Right side.
        right: KernelTerm,
        /// Whether the claim is that they differ.
        negated: bool,
        /// Whether they are images `[c,1,h,w]`.
        images: bool,
    },
    /// A comparison of numbers, or of lists entry by entry.
    Numbers {
        /// Left side; one entry for a plain number.
        left: Vec<Poly>,
        /// How they compare.
        order: Order,
        /// Right side, of the same length.
        right: Vec<Poly>,
    },
    /// Kernels exist that solve an equation.
    Exists {
        /// The equation.
        equation: Equation,
        /// Where the kernels' entries may come from.
        field: Field,
    },
    /// For all values of a kernel, kernels exist that solve an equation whose right side it is.
    ForallExists {
        /// The equation; its right side is a free kernel used whole.
        equation: Equation,
        /// Where the kernels' entries may come from.
        field: Field,
    },
}

/// Expressions of kernels are read without a memory of what was read, so one that is doubled thirty times is not.
const MAX_WRITTEN: u64 = 1 << 20;

/// A claim about two stacks.
#[derive(Clone, Debug, PartialEq)]
pub struct StackClaim {
    /// Left side.
    pub left: Arc<Stack>,
    /// Right side.
    pub right: Arc<Stack>,
    /// Channels of the input: the least number that both sides accept.
    pub channels: usize,
    /// Equality, or a bound on the difference.
    pub tolerance: Option<Tolerance>,
    /// The input sizes it speaks of.
    pub sizes: Sizes,
}

impl StackClaim {
    /// Whether the expressions of its kernels are few enough, written out, to be read one by one.
    pub fn is_readable(&self) -> bool {
        self.left.written().saturating_add(self.right.written()).within(MAX_WRITTEN)
    }
}

/// `~= … within bound for |x| <= range`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tolerance {
    /// Largest difference allowed; not negative.
    pub bound: Rational,
    /// Largest absolute input; not negative.
    pub range: Rational,
}

impl Tolerance {
    /// Whether a difference is not too large: the bound itself is allowed, and so is more of as much as may be `unsure`.
    pub fn allows(&self, difference: &Rational, unsure: &Rational) -> bool {
        *difference <= &self.bound + unsure
    }
}

/// Which input sizes a claim speaks of.
#[derive(Clone, Debug, PartialEq)]
pub enum Sizes {
    /// Every size.
    All,
    /// One size.
    One(Axes<i64>),
    /// Every size that satisfies a condition.
    Where(SizeCondition),
}

impl Sizes {
    /// The size, where it is only one.
    pub fn one(&self) -> Option<Axes<i64>> {
        if let Self::One(size) = self { Some(*size) } else { None }
    }
}

/// A condition on the input's size.
#[derive(Clone, Debug, PartialEq)]
pub enum SizeCondition {
    /// Both hold.
    And(Box<SizeCondition>, Box<SizeCondition>),
    /// At least one holds.
    Or(Box<SizeCondition>, Box<SizeCondition>),
    /// It does not hold.
    Not(Box<SizeCondition>),
    /// Whole numbers compared.
    Compare(SizeExpr, Order, SizeExpr),
}

/// A whole number that depends on the input's size.
#[derive(Clone, Debug, PartialEq)]
pub enum SizeExpr {
    /// The input's length along an axis.
    Length(usize),
    /// A constant.
    Constant(i64),
    /// A sum.
    Add(Box<SizeExpr>, Box<SizeExpr>),
    /// A difference.
    Sub(Box<SizeExpr>, Box<SizeExpr>),
    /// A product.
    Mul(Box<SizeExpr>, Box<SizeExpr>),
    /// The remainder by a positive constant, never negative.
    Rem(Box<SizeExpr>, i64),
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Order {
    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }
}

/// Where an unknown's entries may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The rational numbers.
    Rationals,
    /// The real numbers.
    Reals,
    /// The complex numbers.
    Complex,
}

/// An unknown kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Its name.
    pub name: String,
    /// Its shape, one channel in and out.
    pub shape: Shape,
}

/// A factor of a product of kernels.
#[derive(Clone, Debug, PartialEq)]
pub enum Factor {
    /// The `n`-th unknown.
    Unknown(usize),
    /// The `n`-th unknown with zeros between its entries: 1 along axes where it has one entry, not 1 along all.
    Dilated(usize, Axes<usize>),
    /// A known kernel.
    Known(KernelTerm),
}

impl Factor {
    /// An unknown of this shape, dilated.
    pub fn dilated(unknown: usize, shape: Shape, by: Axes<usize>) -> Self {
        let extents = shape.extents();
        let by = each(|axis| if extents[axis] == 1 { 1 } else { by[axis] });
        if by == [1; AXES] { Self::Unknown(unknown) } else { Self::Dilated(unknown, by) }
    }

    /// Which unknown it is, and its dilation.
    pub fn unknown(&self) -> Option<(usize, Axes<usize>)> {
        match self {
            Self::Unknown(n) => Some((*n, [1; AXES])),
            Self::Dilated(n, by) => Some((*n, *by)),
            Self::Known(_) => None,
        }
    }
}

/// `Σ coefficient · product of factors = target`, products being full convolutions.
#[derive(Clone, Debug, PartialEq)]
pub struct Equation {
    /// The unknown kernels, in order of declaration.
    pub unknowns: Vec<Unknown>,
    /// The terms: a rational coefficient and factors in order.
    pub terms: Vec<(Rational, Vec<Factor>)>,
    /// The right side.
    pub target: KernelTerm,
}

impl Equation {
    /// All kernels that are given: known factors, and the right side.
    pub fn given(&self) -> impl Iterator<Item = &KernelTerm> {
        let factors = self.terms.iter().flat_map(|(_, factors)| factors);
        let known = factors.filter_map(|factor| match factor {
            Factor::Known(term) => Some(term),
            Factor::Unknown(_) | Factor::Dilated(..) => None,
        });
        known.chain([&self.target])
    }
}

/// A `fit` statement.
#[derive(Clone, Debug, PartialEq)]
pub struct FitProblem {
    /// The equation to be met as well as possible.
    pub equation: Equation,
    /// `rank r`: the only unknown is a sum of so many separable kernels.
    pub rank: Option<usize>,
    /// Seed of the random starts.
    pub seed: Option<u64>,
    /// Number of starts.
    pub starts: Option<usize>,
    /// How near to the best possible, relatively, the residual must be certified to be.
    pub within: Option<Rational>,
    /// Whether to leave out the certificate.
    pub quick: bool,
    /// Most products of entries for which a certificate is sought.
    pub certify: Option<usize>,
}

/// The keyword that a claim was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClaimKind {
    /// `prove`
    Prove,
    /// `refute`
    Refute,
    /// One step of a `chain`
    Chain,
    /// `solve`
    Solve,
    /// `fit`
    Fit,
}

impl ClaimKind {
    /// The keyword itself.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Prove => "prove",
            Self::Refute => "refute",
            Self::Chain => "chain",
            Self::Solve => "solve",
            Self::Fit => "fit",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_within_itself() {
        let [half, more] = [(1, 2), (2, 3)].map(|(n, d)| Rational::ratio(n, d).unwrap());
        let tolerance = Tolerance { bound: half.clone(), range: Rational::ONE };
        assert!(tolerance.allows(&half, &Rational::ZERO) && tolerance.allows(&more, &Rational::ONE));
        assert!(!tolerance.allows(&more, &Rational::ZERO));
        assert!(!tolerance.allows(&(&half + &more), &half));
    }
}
