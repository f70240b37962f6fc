//! What becomes of a claim: its outcome and what shows it, for every kind of claim. Reports word this and decide
//! nothing. `instances.rs` makes verdicts for all values of sizes from such.

use super::kernels::factoring::{self, EquationVerdict, FitFailure, Fitted, ForallVerdict};
use super::kernels::{entries, numbers};
use super::opinion;
use super::opinion::Decided;
use super::stacks::layers::{Candidate, Meets};
use super::verdict::{Doubt, KernelVerdict, NumberVerdict, StackVerdict};
use crate::ir::{
    ClaimKind, Equation, Field, FitProblem, FreeKernel, KernelTerm, Order, Prop, StackClaim, Symbols,
};
use crate::operator::OperatorError;
use convproof_exact::{Poly, Rational};
use convproof_factor::fit::{OPTIMAL, Quality};

/// The verdicts, without what shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The claim is true.
    Proved,
    /// The claim is false.
    Refuted,
    /// It could not be decided.
    Unknown,
    /// `fit`: the factors reproduce the kernel.
    Exact,
    /// `fit`: it is certified that no factors are better by more than a stated share.
    Optimal,
    /// `fit`: the best that a search found, without such a certificate.
    Found,
}

impl Outcome {
    /// Of a claim that is true, false, or neither for all that is known.
    fn of(truth: Option<bool>) -> Self {
        match truth {
            Some(true) => Self::Proved,
            Some(false) => Self::Refuted,
            None => Self::Unknown,
        }
    }

    /// The verdict's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Refuted => "refuted",
            Self::Unknown => "unknown",
            Self::Exact => "exact",
            Self::Optimal => "optimal",
            Self::Found => "best found",
        }
    }

    /// Whether kernels that solve an equation exactly were found.
    pub fn is_exact(self) -> bool {
        matches!(self, Self::Proved | Self::Exact)
    }

    /// Whether a claim with this verdict holds.
    pub fn holds(self, kind: ClaimKind) -> bool {
        match self {
            Self::Proved | Self::Exact | Self::Optimal | Self::Found => kind != ClaimKind::Refute,
            Self::Refuted => kind == ClaimKind::Refute,
            Self::Unknown => false,
        }
    }
}

/// What became of a claim, and what shows it. Only the functions of this module make one.
#[derive(Clone, Debug)]
pub struct Verdict<'a> {
    outcome: Outcome,
    evidence: Evidence<'a>,
}

/// What shows a verdict, beside the claim that it is about.
#[derive(Clone, Debug)]
pub enum Evidence<'a> {
    /// Two stacks.
    Stacks(&'a StackClaim, Decided),
    /// Two kernels or images.
    Kernels(Kernels<'a>, KernelVerdict),
    /// Numbers.
    Numbers(Numbers<'a>, NumberVerdict),
    /// An equation between kernels.
    Equation(&'a Equation, EquationVerdict),
    /// An equation for every right side.
    Forall(&'a Equation, ForallVerdict),
    /// Nearest kernels.
    Fit(&'a FitProblem, Box<Result<Fitted, FitFailure>>),
    /// Unknown kernels of layers.
    Layers(Layers<'a>),
}

/// Unknown kernels of layers with values in their place.
#[derive(Clone, Debug)]
pub struct Layers<'a> {
    /// The unknown kernels.
    pub unknowns: &'a [FreeKernel],
    /// Their values.
    pub candidate: &'a Candidate,
    /// The claim with these in their place.
    pub claim: &'a StackClaim,
    /// What became of it.
    pub decided: Decided,
}

/// Two kernels or images that are compared.
#[derive(Clone, Copy, Debug)]
pub struct Kernels<'a> {
    /// Left side.
    pub left: &'a KernelTerm,
    /// Right side.
    pub right: &'a KernelTerm,
    /// Whether they are images.
    pub images: bool,
}

/// Numbers that are compared.
#[derive(Clone, Copy, Debug)]
pub struct Numbers<'a> {
    /// Left side.
    pub left: &'a [Poly],
    /// How they compare.
    pub order: Order,
    /// Right side.
    pub right: &'a [Poly],
}

impl Verdict<'_> {
    /// What became of the claim.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// What shows it.
    pub fn evidence(&self) -> &Evidence<'_> {
        &self.evidence
    }
}

/// Decides a proposition.
///
/// # Errors
/// If a stack has no normal form.
pub fn proposition<'a>(prop: &'a Prop, symbols: &Symbols) -> Result<Verdict<'a>, OperatorError> {
    Ok(match prop {
        Prop::Stacks(claim) => stacks(claim, symbols)?,
        Prop::Kernels { left, right, negated, images } => {
            self::kernels(Kernels { left, right, images: *images }, *negated, symbols)
        }
        Prop::Numbers { left, order, right } => {
            let verdict = numbers::compare(left, *order, right, symbols);
            let truth = match &verdict {
                NumberVerdict::True => Some(true),
                NumberVerdict::False { .. } => Some(false),
                NumberVerdict::Unknown(_) => None,
            };
            let evidence = Evidence::Numbers(Numbers { left, order: *order, right }, verdict);
            Verdict { outcome: Outcome::of(truth), evidence }
        }
        Prop::Exists { equation, field } => self::equation(equation, *field, symbols),
        Prop::ForallExists { equation, field } => {
            let verdict = factoring::forall(equation, *field, symbols);
            let truth = match &verdict {
                ForallVerdict::Always(_) => Some(true),
                ForallVerdict::Fails { .. } => Some(false),
                ForallVerdict::Unknown(_) => None,
            };
            Verdict { outcome: Outcome::of(truth), evidence: Evidence::Forall(equation, verdict) }
        }
    })
}

/// Decides a claim about two stacks; proofs with a second opinion.
///
/// # Errors
/// If a stack has no normal form.
pub fn stacks<'a>(claim: &'a StackClaim, symbols: &Symbols) -> Result<Verdict<'a>, OperatorError> {
    let decided = opinion::decide(claim, symbols)?;
    let truth = match decided.verdict() {
        StackVerdict::Proved(_) => Some(true),
        StackVerdict::Refuted(_) => Some(false),
        StackVerdict::Unknown(_) => None,
    };
    Ok(Verdict { outcome: Outcome::of(truth), evidence: Evidence::Stacks(claim, decided) })
}

/// Decides whether there are kernels that make two stacks equal, from the best candidate and the claim with it in place.
///
/// # Errors
/// If a stack has no normal form.
pub fn layers<'a>(
    unknowns: &'a [FreeKernel],
    candidate: &'a Candidate,
    claim: &'a StackClaim,
    symbols: &Symbols,
) -> Result<Verdict<'a>, OperatorError> {
    let decided = opinion::decide(claim, symbols)?;
    let outcome = match (candidate.meets, decided.verdict()) {
        (Meets::All, StackVerdict::Proved(_)) => Outcome::Proved,
        (Meets::Inside | Meets::Some | Meets::Never, StackVerdict::Refuted(_)) => Outcome::Refuted,
        _ => Outcome::Unknown,
    };
    Ok(Verdict { outcome, evidence: Evidence::Layers(Layers { unknowns, candidate, claim, decided }) })
}

/// Decides whether two kernels or images are equal; `negated` for a claim that they differ.
pub fn kernels<'a>(sides: Kernels<'a>, negated: bool, symbols: &Symbols) -> Verdict<'a> {
    let verdict = entries::decide(sides.left, sides.right, symbols);
    let verdict = opinion::kernels::examined(verdict, sides.left, sides.right, symbols);
    let equal = match &verdict {
        KernelVerdict::Equal => Some(true),
        KernelVerdict::Shapes | KernelVerdict::Entry(_) => Some(false),
        KernelVerdict::Unknown(_) => None,
    };
    Verdict {
        outcome: Outcome::of(equal.map(|equal| equal != negated)),
        evidence: Evidence::Kernels(sides, verdict),
    }
}

/// Decides whether kernels over a field solve an equation.
pub fn equation<'a>(equation: &'a Equation, field: Field, symbols: &Symbols) -> Verdict<'a> {
    let verdict = match factoring::equation(equation, symbols) {
        EquationVerdict::Solved(found) if opinion::kernels::miss(equation, found.kernels(), symbols) => {
            EquationVerdict::Unknown(Doubt::Contradiction)
        }
        verdict => verdict,
    };
    Verdict { outcome: Outcome::of(verdict.solvable(field)), evidence: Evidence::Equation(equation, verdict) }
}

/// Seeks the kernels that come nearest to solving an equation.
pub fn fit(problem: &FitProblem) -> Verdict<'_> {
    let found = factoring::least_squares(problem);
    let outcome = match &found {
        Ok(found) => nearest(&found.fit.quality(), problem.within.as_ref()),
        Err(_) => Outcome::Unknown,
    };
    Verdict { outcome, evidence: Evidence::Fit(problem, Box::new(found)) }
}

/// What a fit of some quality is, where a share above the least residual may have been asked for.
fn nearest(quality: &Quality, wanted: Option<&Rational>) -> Outcome {
    let usual = Rational::ratio(OPTIMAL.0, OPTIMAL.1).unwrap_or_default();
    match quality {
        Quality::Exact => Outcome::Exact,
        Quality::Certified { within } if within <= wanted.unwrap_or(&usual) => Outcome::Optimal,
        Quality::Certified { .. } | Quality::Found if wanted.is_some() => Outcome::Unknown,
        Quality::Certified { .. } | Quality::Found => Outcome::Found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_never_holds() {
        for kind in [ClaimKind::Prove, ClaimKind::Refute, ClaimKind::Chain, ClaimKind::Solve, ClaimKind::Fit]
        {
            assert!(!Outcome::Unknown.holds(kind));
            assert_ne!(Outcome::Proved.holds(kind), Outcome::Refuted.holds(kind));
        }
    }

    #[test]
    fn a_share_that_was_asked_for_is_certified_or_unknown() {
        let share = |n, d| Rational::ratio(n, d).unwrap_or_default();
        let certified = |n, d| Quality::Certified { within: share(n, d) };
        assert_eq!(nearest(&certified(1, 20), None), Outcome::Optimal);
        assert_eq!(nearest(&certified(6, 100), None), Outcome::Found);
        assert_eq!(nearest(&certified(6, 100), Some(&share(6, 100))), Outcome::Optimal);
        assert_eq!(nearest(&certified(6, 100), Some(&share(5, 100))), Outcome::Unknown);
        assert_eq!(nearest(&Quality::Found, Some(&share(1, 1))), Outcome::Unknown);
        assert_eq!(nearest(&Quality::Exact, Some(&share(0, 1))), Outcome::Exact);
    }
}
