//! Claims that two stacks, or two kernels, are the same, and how they are decided.

use super::build::{Build, Built};
use super::condition::Condition;
use super::error::ModelError;
use super::kernel::Kernel;
use super::layers::{AvgPool, Conv, ConvTranspose, Dense, MaxPool};
use super::number::Number;
use super::pair::Pair;
use super::stack::Stack;
use super::verdict::Verdict;
use super::{Budget, Rational};
use crate::prove::verdict::Doubt;
use crate::room::on_large_stack;
use crate::source::Places;

/// A side of a claim.
#[derive(Clone, Debug)]
pub enum Side {
    /// A stack.
    Stack(Stack),
    /// A kernel.
    Kernel(Kernel),
}

impl From<Kernel> for Side {
    fn from(kernel: Kernel) -> Self {
        Self::Kernel(kernel)
    }
}

impl<T: Clone + Into<Side>> From<&T> for Side {
    fn from(side: &T) -> Self {
        side.clone().into()
    }
}

macro_rules! stacks {
    ($($layer:ident),*) => {$(
        impl From<$layer> for Side {
            fn from(layer: $layer) -> Self {
                Self::Stack(layer.into())
            }
        }
    )*};
}

stacks!(Stack, Conv, ConvTranspose, AvgPool, MaxPool, Dense);

/// A claim that two stacks are the same function, or differ by no more than a bound; or that two kernels are equal.
///
/// It is for all weights, all inputs and, unless said otherwise, all input sizes.
#[derive(Clone, Debug)]
#[must_use]
pub struct Claim {
    pub(super) left: Side,
    pub(super) right: Side,
    pub(super) on: Option<Pair>,
    pub(super) when: Option<Condition>,
    /// The bound and the largest input; a number that is none of them is a mistake.
    pub(super) within: Option<(Option<Rational>, Option<Rational>)>,
    budget: Budget,
}

impl Claim {
    /// The claim that both sides are the same.
    pub fn new(left: impl Into<Side>, right: impl Into<Side>) -> Self {
        Self {
            left: left.into(),
            right: right.into(),
            on: None,
            when: None,
            within: None,
            budget: Budget::default(),
        }
    }

    /// For inputs of one size, `[height, width]`.
    pub fn on(mut self, size: impl Into<Pair>) -> Self {
        self.on = Some(size.into());
        self
    }

    /// For input sizes that satisfy a condition; of several, all.
    pub fn when(mut self, condition: Condition) -> Self {
        self.when = Some(match self.when {
            None => condition,
            Some(before) => before & condition,
        });
        self
    }

    /// Outputs differ by no more than `bound` for inputs whose absolute values are at most 1.
    pub fn within(self, bound: impl Number) -> Self {
        self.within_for(bound, 1)
    }

    /// Outputs differ by no more than `bound` for inputs whose absolute values are at most `range`.
    pub fn within_for(mut self, bound: impl Number, range: impl Number) -> Self {
        self.within = Some((bound.exact(), range.exact()));
        self
    }

    /// With another budget of work and memory than the usual one; past it the claim is undecided. Its [`Cancel`](super::Cancel)
    /// flag stops the decision from elsewhere.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// The first clause that only claims about stacks have.
    pub(super) fn clause(&self) -> Option<&'static str> {
        let clauses =
            [(self.on.is_some(), "on"), (self.when.is_some(), "when"), (self.within.is_some(), "within")];
        clauses.into_iter().find_map(|(given, name)| given.then_some(name))
    }

    /// Decides the claim.
    ///
    /// # Errors
    /// What is wrong with it: channels that do not fit, a stride of 0, one name for two kernels.
    pub fn verdict(&self) -> Result<Verdict, ModelError> {
        on_large_stack(|| match self.budget.run(|| self.decide()) {
            Ok(decided) => decided,
            Err(halt) => Ok(Verdict::unknown(&Doubt::Halted(halt))),
        })
    }

    fn decide(&self) -> Result<Verdict, ModelError> {
        let mut build = Build::default();
        let built = build.claim(self)?;
        let (symbols, source) = (&build.builder.symbols, build.source());
        let places = Places { source: &source, origins: &build.builder.origins };
        match built {
            Built::Stacks(claim) => Verdict::of_stacks(&claim, symbols, places),
            Built::Kernels(left, right) => Ok(Verdict::of_kernels(&left, &right, symbols)),
        }
    }
}

/// Whether two stacks are the same function for all weights, inputs and input sizes; or two kernels equal.
///
/// # Errors
/// As [`Claim::verdict`].
pub fn equivalence(left: impl Into<Side>, right: impl Into<Side>) -> Result<Verdict, ModelError> {
    Claim::new(left, right).verdict()
}
