//! What came of a claim, as data, and in words.

use std::fmt;

use super::Rational;
use super::error::ModelError;
use crate::ir::{KernelTerm, StackClaim, Symbols};
use crate::present::{self, Shown};
use crate::prove::decide::{self, Evidence, Kernels};
use crate::prove::verdict::{Doubt, KernelVerdict, StackProof, StackRefutation, StackVerdict, StackWitness};
use crate::report::text;
use crate::resolve::operator_diagnostic;
use crate::source::{Origins, Places, Source};

pub use crate::prove::counterexample::{Counterexample, Mismatch};
pub use crate::prove::region::Agreement;
pub use crate::prove::verdict::EntryWitness;
pub use crate::prove::verdict::{Excess, Worst};

/// What came of a claim. Shown with `{}` it is the words of a report: the derivation or the counterexample.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verdict {
    /// What was found.
    pub outcome: Outcome,
    words: String,
}

/// What was found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The claim is true.
    Proved(Proof),
    /// The claim is false.
    Refuted(Box<Refutation>),
    /// It could not be decided.
    Unknown(Reason),
}

/// For what a claim is true.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proof {
    /// Channels of the input that both sides take; `None` for kernels.
    pub channels: Option<usize>,
    /// Of a claim with a bound: the worst difference over all inputs, or a number not below it.
    pub worst: Option<Rational>,
}

/// Why a claim is false, and where it still holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refutation {
    /// What shows it; replayed by a naive evaluator.
    pub witness: Witness,
    /// At the input size of a counterexample: how many output positions are wrong in general, of how many.
    pub wrong: Option<(usize, usize)>,
    /// The same for an image of 224×224, where that could be counted.
    pub typical: Option<(usize, usize)>,
    /// Where the sides are equal all the same, as far as that could be described.
    pub agreement: Vec<Agreement>,
}

/// What shows that two sides differ.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Witness {
    /// Weights, an input, and an output position with two values.
    Value(Counterexample),
    /// An input size at which the output sizes differ.
    Size(Mismatch),
    /// An input whose outputs differ by more than the bound.
    Excess(Excess),
    /// An entry at which two kernels differ.
    Entry(EntryWitness),
    /// Two kernels of different shapes, `[out, in, height, width]`.
    Shapes([[usize; 4]; 2]),
}

/// Why a claim could not be decided, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Verdict {
    /// Whether the claim is true.
    pub fn is_proved(&self) -> bool {
        matches!(self.outcome, Outcome::Proved(_))
    }

    /// Whether the claim is false.
    pub fn is_refuted(&self) -> bool {
        self.refutation().is_some()
    }

    /// Why the claim is false, if it is.
    pub fn refutation(&self) -> Option<&Refutation> {
        match &self.outcome {
            Outcome::Refuted(refutation) => Some(refutation),
            _ => None,
        }
    }

    fn new(outcome: Outcome, shown: &Shown) -> Self {
        let mut lines = vec![format!("{}: {}", shown.outcome.word(), shown.method)];
        lines.extend(text::blocks(&shown.details));
        Self { outcome, words: lines.join("\n") }
    }

    pub(super) fn unknown(doubt: &Doubt) -> Self {
        let shown = present::unknown(doubt);
        Self::new(Outcome::Unknown(Reason(shown.method.clone())), &shown)
    }

    /// Decides a claim about stacks.
    pub(super) fn of_stacks(
        claim: &StackClaim,
        symbols: &Symbols,
        places: Places<'_>,
    ) -> Result<Self, ModelError> {
        let verdict = decide::stacks(claim, symbols).map_err(|error| {
            let all = places.origins.place(claim.left.origin()).unwrap_or_default();
            ModelError::of_diagnostic(&operator_diagnostic(&error, places.origins, all), places.source)
        })?;
        Ok(Self::of(&verdict, symbols, places))
    }

    /// Decides a claim about kernels.
    pub(super) fn of_kernels(left: &KernelTerm, right: &KernelTerm, symbols: &Symbols) -> Self {
        let sides = Kernels { left, right, images: false };
        let places = Places { source: &Source::new("", ""), origins: &Origins::default() };
        Self::of(&decide::kernels(sides, false, symbols), symbols, places)
    }

    fn of(verdict: &decide::Verdict<'_>, symbols: &Symbols, places: Places<'_>) -> Self {
        let shown = present::verdict(verdict, symbols, places);
        let outcome = match verdict.evidence() {
            Evidence::Stacks(claim, decided) => Outcome::of_stacks(decided.verdict(), claim),
            Evidence::Kernels(sides, found) => Outcome::of_kernels(found, *sides),
            // No other claims are made here.
            _ => None,
        };
        let outcome = outcome.unwrap_or_else(|| Outcome::Unknown(Reason(shown.method.clone())));
        Self::new(outcome, &shown)
    }
}

impl Outcome {
    /// `None` if it is not known.
    fn of_stacks(verdict: &StackVerdict, claim: &StackClaim) -> Option<Self> {
        match verdict {
            StackVerdict::Proved(proof) => Some(Self::Proved(Proof {
                channels: Some(claim.channels),
                worst: match proof {
                    StackProof::Within(enclosure, _) => Some(enclosure.worst().clone()),
                    _ => None,
                },
            })),
            StackVerdict::Refuted(found) => {
                let StackRefutation { witness, wrong, typical, agreement, .. } = (**found).clone();
                let witness = match witness {
                    StackWitness::Value(found) => Witness::Value(found),
                    StackWitness::Size(found) => Witness::Size(found),
                    StackWitness::Excess(found) => Witness::Excess(found),
                };
                let [wrong, typical] =
                    [wrong, typical].map(|wrong| wrong.map(|wrong| (wrong.count, wrong.all)));
                Some(Self::Refuted(Box::new(Refutation { witness, wrong, typical, agreement })))
            }
            StackVerdict::Unknown(_) => None,
        }
    }

    fn of_kernels(verdict: &KernelVerdict, sides: Kernels<'_>) -> Option<Self> {
        let shape = |term: &KernelTerm| {
            let shape = term.shape();
            [shape.outputs, shape.inputs, shape.height, shape.width]
        };
        let refuted = |witness| {
            Some(Self::Refuted(Box::new(Refutation {
                witness,
                wrong: None,
                typical: None,
                agreement: Vec::new(),
            })))
        };
        match verdict {
            KernelVerdict::Equal => Some(Self::Proved(Proof { channels: None, worst: None })),
            KernelVerdict::Shapes => refuted(Witness::Shapes([shape(sides.left), shape(sides.right)])),
            KernelVerdict::Entry(found) => refuted(Witness::Entry(found.clone())),
            KernelVerdict::Unknown(_) => None,
        }
    }
}
