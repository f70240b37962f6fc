//! Puts verdicts into words, tables and data. Decides nothing; every number comes from a witness.

mod agreement;
mod derivation;
mod doubt;
mod equations;
pub mod families;
mod fits;
mod kernels;
mod layers;
mod numbers;
mod stacks;
mod steps;
mod symbolic;
mod text;

use crate::{Block, Outcome, Witness};
use convproof_engine::ir::Symbols;
use convproof_engine::prove::decide::{Evidence, Verdict};
use convproof_language::source::Places;

pub use doubt::unknown;
pub(crate) use text::root_decimal;

/// What is said of a verdict.
#[derive(Clone, Debug)]
struct Told {
    method: String,
    details: Vec<Block>,
    witness: Option<Witness>,
}

/// A verdict as a report shows it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The verdict.
    pub outcome: Outcome,
    /// How it was decided, in one line.
    pub method: String,
    /// What shows it.
    pub details: Vec<Block>,
    /// The same as data.
    pub witness: Option<Witness>,
}

impl Shown {
    /// A verdict of which nothing more is said.
    #[must_use]
    pub fn unsaid(outcome: Outcome) -> Self {
        Self { outcome, method: String::new(), details: Vec::new(), witness: None }
    }
}

/// A verdict as a report shows it.
pub fn verdict(verdict: &Verdict<'_>, symbols: &Symbols, places: Places<'_>) -> Shown {
    let told = match verdict.evidence() {
        Evidence::Stacks(claim, decided) => stacks::stacks(decided, claim, symbols, places),
        Evidence::Kernels(sides, found) => kernels::kernels(found, *sides, symbols),
        Evidence::Numbers(asked, found) => numbers::numbers(found, *asked, symbols),
        Evidence::Equation(asked, found) => equations::equation(found, asked, symbols),
        Evidence::Forall(asked, found) => equations::forall(found, asked, symbols),
        Evidence::Layers(found) => layers::layers(verdict.outcome(), found, symbols, places),
        Evidence::Fit(asked, found) => fits::fitted(found, verdict.outcome(), asked),
    };
    let Told { method, details, witness } = told;
    Shown { outcome: verdict.outcome(), method, details, witness }
}
