//! The worst difference of two stacks: within a bound, or an input that shows more.

use super::counterexample::Counterexample;
use convproof_exact::Rational;

/// The worst difference of two stacks, not above a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosure {
    worst: Rational,
    exact: bool,
    bound: Rational,
}

impl Enclosure {
    /// For the code that bounded the difference.
    pub(in crate::prove) fn new(worst: Rational, exact: bool, bound: Rational) -> Self {
        Self { worst, exact, bound }
    }

    /// The worst difference, or a number not below it.
    pub fn worst(&self) -> &Rational {
        &self.worst
    }

    /// Whether the worst difference is attained; otherwise square roots were enclosed between rationals, or nonlinear
    /// layers bounded.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// The bound of the claim.
    pub fn bound(&self) -> &Rational {
        &self.bound
    }
}

/// An input of the allowed size at which two stacks differ by more than a bound; replayed.
#[derive(Clone, Debug, PartialEq)]
pub struct Excess {
    counterexample: Counterexample,
    worst: Worst,
    bound: Rational,
}

/// What is known of the worst difference over all inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Worst {
    /// It is this number, or one beside it where square roots were enclosed.
    Is(Rational),
    /// It is no larger than this number.
    AtMost(Rational),
    /// Free weights make it as large as one likes.
    Unbounded,
}

impl Excess {
    /// For the code that compared a replayed difference with the bound.
    pub(in crate::prove) fn new(counterexample: Counterexample, worst: Worst, bound: Rational) -> Self {
        Self { counterexample, worst, bound }
    }

    /// The input and both values.
    pub fn counterexample(&self) -> &Counterexample {
        &self.counterexample
    }

    /// The worst difference over all inputs.
    pub fn worst(&self) -> &Worst {
        &self.worst
    }

    /// The bound of the claim.
    pub fn bound(&self) -> &Rational {
        &self.bound
    }
}
