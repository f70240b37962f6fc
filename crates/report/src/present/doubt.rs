//! Why something could not be decided.

use super::stacks::decimal;
use super::{Shown, Told};
use crate::{Outcome, Witness};
use convproof_engine::prove::verdict::{Doubt, Limit};
use convproof_exact::budget::{Halt, Resource};

/// An undecided claim with its reason.
pub fn unknown(doubt: &Doubt) -> Shown {
    let Told { method, details, witness } = reason(doubt);
    Shown { outcome: Outcome::Unknown, method, details, witness }
}

/// The reason, in words and as data.
pub(super) fn reason(doubt: &Doubt) -> Told {
    let method = match doubt {
        Doubt::Nonlinear { tries: 0 } => {
            "undecided: no bound on the difference is known for these nonlinear layers; `on [28,28]` asks about one size"
                .to_owned()
        }
        Doubt::Between { found, at_most } => format!(
            "undecided: the worst output difference is at most {}, and no input was found that shows more than {}",
            decimal(at_most),
            decimal(found)
        ),
        Doubt::Nonlinear { tries } => format!(
            "undecided: the nonlinear layers do not match one to one, and none of {tries} small inputs tells the sides apart"
        ),
        Doubt::Functions => "undecided: of functions such as the sigmoid little more is used than that equal arguments have equal values; \
                             that is not enough here, and at no input that was tried the sides are certain to differ"
            .to_owned(),
        Doubt::Limit(limit) => format!("undecided: {}", limit_text(*limit)),
        Doubt::Irrational => {
            "undecided: the difference involves irrational square roots, and no weights were found at which it is certain not to be 0".to_owned()
        }
        Doubt::Dilations => {
            "undecided: the unknown kernel is added to itself with another dilation, which is not solved".to_owned()
        }
        Doubt::FreeTarget => {
            "undecided: factors are only sought of kernels whose entries are rational numbers, and this one has free weights or square roots; \
             `exists` asks whether all its values have some"
                .to_owned()
        }
        Doubt::Sums => "undecided: sums of products of unknown kernels are only looked for by least squares, among kernels of numbers, \
                        which met none exactly"
            .to_owned(),
        Doubt::EveryTarget { tries } => format!(
            "undecided: no rule says that every kernel is such a product, and among {tries} small kernels none was found that certainly is not"
        ),
        Doubt::NotLinear => {
            "undecided: the equations are not linear in the entries of the unknown kernels: there are products of these, or layers such as `relu` that do not match; an equation of kernels, as `U * V == D`, may have products".to_owned()
        }
        Doubt::Roots => {
            "undecided: no kernel solves it where square roots count as symbols of their own, which as numbers may be related; \
             between layers, as in `solve K[1,2]: conv(K) -> S == T`, such equations may be solved"
                .to_owned()
        }
        Doubt::CommonFactor => {
            "undecided: no kernel was found whose entries are polynomials in the weights, and fractions with sums below the line are not searched".to_owned()
        }
        Doubt::Unbounded => {
            "undecided: the difference depends on free weights, and none were found at which it exceeds the bound".to_owned()
        }
        Doubt::Contradiction => {
            "undecided: the engine and the naive evaluator contradict each other; please report this as a defect".to_owned()
        }
        Doubt::Disagreement { size: [height, width] } => format!(
            "undecided: a proof was found, but the naive evaluator sees a difference at {height}×{width}; please report this as a defect"
        ),
        Doubt::Halted(Halt::Exhausted(exhausted)) => format!("undecided: {exhausted}"),
        Doubt::Halted(Halt::Defect) => {
            "undecided: defect: convproof failed on this claim; please report it, with the spec".to_owned()
        }
    };
    undecided(method, code(doubt))
}

/// A reason with its code.
pub(super) fn undecided(reason: String, code: &'static str) -> Told {
    let witness = Some(Witness::Unknown { reason: reason.clone(), code, sizes: None });
    Told { method: reason, details: Vec::new(), witness }
}

/// The reason's code, which stays when its words change.
fn code(doubt: &Doubt) -> &'static str {
    match doubt {
        Doubt::Nonlinear { .. } => "nonlinear",
        Doubt::Functions => "functions",
        Doubt::Between { .. } => "between",
        Doubt::Limit(limit) => match limit {
            Limit::Lengths { .. } => "limit_lengths",
            Limit::Period => "limit_period",
            Limit::Positions => "limit_positions",
            Limit::Terms => "limit_terms",
            Limit::Replay => "limit_replay",
            Limit::Search => "limit_search",
        },
        Doubt::Irrational | Doubt::Roots => "irrational",
        Doubt::Dilations => "dilations",
        Doubt::FreeTarget => "free_target",
        Doubt::Sums => "sums",
        Doubt::EveryTarget { .. } => "every_target",
        Doubt::NotLinear => "not_linear",
        Doubt::CommonFactor => "fractions",
        Doubt::Unbounded => "unbounded",
        Doubt::Contradiction | Doubt::Disagreement { .. } | Doubt::Halted(Halt::Defect) => "defect",
        Doubt::Halted(Halt::Exhausted(exhausted)) => match exhausted.resource {
            Resource::Work => "budget_work",
            Resource::Memory => "budget_memory",
            Resource::Time => "budget_time",
        },
    }
}

/// A limit in words.
pub fn limit_text(limit: Limit) -> String {
    let text = match limit {
        Limit::Lengths { needed, most } => {
            return format!(
                "deciding it takes every height and width below {needed}, and only those below {most} are looked at; try `on [h,w]`"
            );
        }
        Limit::Period => "the sizes repeat with too long a period to look at all of them; try `on [h,w]`",
        Limit::Positions => "too many output positions or border patterns to look at; try `on [h,w]`",
        Limit::Terms => "the exact coefficients of the sides have too many terms, or take too many products",
        Limit::Replay => "the counterexample is too large to be replayed",
        Limit::Search => "the search for factors stopped at its bound",
    };
    text.to_owned()
}
