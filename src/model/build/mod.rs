//! From values of Rust to the intermediate form, through the builder that the spec language uses too: every check is
//! there. The only part of `model` that knows places and the form of stacks.
//!
//! A place of a model is the line of a layer in a listing of its layers, which messages and derivations quote. The
//! listing is written, never read.

mod composite;
mod conditions;
mod kernels;
mod stacks;

use std::collections::HashMap;

use super::claim::{Claim, Side};
use super::error::ModelError;
use super::pair::{Padding, Pair, Sides};
use super::stack::Stack;
use super::{Rational, kernel, listing, stack};
use crate::ir::{self, Axes, Ends, StackClaim, Tolerance, ends};
use crate::operator::gather::index;
use crate::resolve::build::value::{Array, StackValue};
use crate::resolve::build::{Amount, Builder};
use crate::source::{Source, Span};

/// What a claim is about once it is built.
pub(in crate::model) enum Built {
    /// Two stacks.
    Stacks(StackClaim),
    /// Two kernels.
    Kernels(ir::KernelTerm, ir::KernelTerm),
}

/// Builds one claim.
#[derive(Default)]
pub(in crate::model) struct Build {
    pub(in crate::model) builder: Builder,
    listing: String,
    names: HashMap<String, (Vec<usize>, Array)>,
    kernels: HashMap<*const kernel::KernelNode, Array>,
    stacks: HashMap<*const stack::StackNode, StackValue>,
    mistake: Option<ModelError>,
}

impl Build {
    /// The claim, or the first mistake.
    pub(in crate::model) fn claim(&mut self, claim: &Claim) -> Result<Built, ModelError> {
        let built = self.sides(claim);
        let source = self.source();
        if let Some(mistake) = self.mistake.take() {
            return Err(mistake);
        }
        match (built, self.builder.errors.first()) {
            (Some(built), None) => Ok(built),
            (_, Some(error)) => Err(ModelError::of_diagnostic(&error.diagnostic(), &source)),
            (None, None) => Err(ModelError::Defect),
        }
    }

    /// The listing of all layers so far.
    pub(in crate::model) fn source(&self) -> Source {
        Source::new("model", self.listing.as_str())
    }

    fn sides(&mut self, claim: &Claim) -> Option<Built> {
        match (&claim.left, &claim.right) {
            (Side::Stack(left), Side::Stack(right)) => self.stacks(claim, left, right).map(Built::Stacks),
            (Side::Kernel(left), Side::Kernel(right)) => {
                if let Some(clause) = claim.clause() {
                    return self.wrong(ModelError::Clause(clause));
                }
                let [at, bt] = [left, right].map(|side| self.line(&listing::kernel(side)));
                let (left, right) = (self.kernel(left, at)?, self.kernel(right, bt)?);
                Some(Built::Kernels(left.term, right.term))
            }
            _ => self.wrong(ModelError::Mixed),
        }
    }

    fn stacks(&mut self, claim: &Claim, left: &Stack, right: &Stack) -> Option<StackClaim> {
        let (a, b) = (self.stack(left)?, self.stack(right)?);
        let [at, bt] = [&a, &b].map(|side| self.builder.place(side.stack.origin(), Span::default()));
        let size = match claim.on {
            None => None,
            Some(Pair(size)) => Some([
                self.whole(size[0], Amount::INPUT_SIZE, at)?,
                self.whole(size[1], Amount::INPUT_SIZE, at)?,
            ]),
        };
        let condition = match &claim.when {
            None => None,
            Some(condition) => Some(self.condition(condition, at)?),
        };
        let sizes = self.builder.sizes(size, condition, at)?;
        let tolerance = match &claim.within {
            None => None,
            Some((bound, range)) => {
                let (Some(bound), Some(range)) = (bound.clone(), range.clone()) else {
                    return self.wrong(ModelError::NotFinite);
                };
                let bound = self.builder.not_negative(bound, "the bound", at)?;
                Some(Tolerance { bound, range: self.builder.not_negative(range, "the range", at)? })
            }
        };
        self.builder.stack_claim((&a, at), (&b, bt), tolerance, sizes, at)
    }

    /// Notes a mistake that only this front end knows.
    fn wrong<T>(&mut self, error: ModelError) -> Option<T> {
        self.mistake.get_or_insert(error);
        None
    }

    /// Writes a line of the listing; its place is what it is about.
    fn line(&mut self, text: &str) -> Span {
        let start = self.listing.len();
        self.listing.push_str(text);
        let span = Span::new(start, self.listing.len());
        self.listing.push('\n');
        span
    }

    fn whole(&mut self, n: i64, amount: Amount, at: Span) -> Option<i64> {
        self.builder.integer(&Rational::from(n), amount, at)
    }

    fn count(&mut self, n: i64, amount: Amount, at: Span) -> Option<usize> {
        self.whole(n, amount, at).map(index)
    }

    /// A number of things as Rust counts them.
    fn size(&mut self, n: usize, amount: Amount, at: Span) -> Option<usize> {
        self.count(i64::try_from(n).unwrap_or(i64::MAX), amount, at)
    }

    fn pair(&mut self, Pair([vertical, horizontal]): Pair, amount: Amount, at: Span) -> Option<[usize; 2]> {
        Some([self.count(vertical, amount, at)?, self.count(horizontal, amount, at)?])
    }

    fn four(&mut self, Sides(sides): Sides, amount: Amount, at: Span) -> Option<Axes<Ends>> {
        for side in sides {
            self.whole(side, amount, at)?;
        }
        Some(ends(sides))
    }

    fn padding(&mut self, padding: Padding, amount: Amount, at: Span) -> Option<ir::Padding> {
        Some(match padding {
            Padding::Sides(sides) => ir::Padding::Sides(self.four(sides, amount, at)?),
            Padding::Same => ir::Padding::SameUpper,
            Padding::SameLower => ir::Padding::SameLower,
        })
    }
}
