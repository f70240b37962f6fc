//! Claims for all values of sizes: the resolver's laws and instances, decided by the engine.

use super::proposition;
use crate::diagnostic::Diagnostic;
use crate::ir::Prop;
use crate::present::Shown;
use crate::present::families::{self, Instances, at};
use crate::prove::instances::{self, AllValues, Rule, proved_where};
use crate::prove::opinion;
use crate::prove::verdict::{StackProof, StackVerdict};
use crate::resolve::{Family, Instance, ResolveErrorKind, Resolver, operator_diagnostic};
use crate::source::Source;

/// Different numbers for different numbers of channels.
const COUNTS: [i64; 8] = [7, 11, 13, 17, 19, 23, 29, 31];

/// Decides a claim for all values of its sizes.
pub(crate) fn decide(
    family: &Family,
    resolver: &mut Resolver<'_>,
    source: &Source,
) -> Result<Shown, Vec<Diagnostic>> {
    // What is said where no numbers are left to speak of: the first limit that was passed, if any was.
    let mut limit = None;
    let silence = |limit: Option<Vec<Diagnostic>>| limit.unwrap_or_else(|| vec![nothing(family)]);
    if family.sizes.is_empty() {
        return instance(family, &[], resolver, source, &mut limit)?.ok_or_else(|| silence(limit));
    }
    let proof = resolver.prove(family).or_else(|reason| matrices(family, resolver).ok_or(reason));
    let (found, all) = instances::decide(family.sizes.len(), proof.is_ok(), |values| {
        let shown = instance(family, values, resolver, source, &mut limit)?;
        Ok::<_, Vec<Diagnostic>>(shown.map(|shown| (shown.outcome, shown)))
    })?;
    let proved = match &found {
        AllValues::Refuted(..) => proved_where(Rule::all(family.sizes.len()), &all, |rule| {
            // All numbers that such a condition leaves were tried.
            let few = family.sizes.len() == 1 && matches!(rule, Rule::One(_) | Rule::UpTo(..));
            few || resolver.prove(&family.restricted(rule)).is_ok()
        }),
        _ => Vec::new(),
    };
    let tried = Instances { sizes: &family.sizes, all, proved };
    families::all_sizes(found, proof, &tried).ok_or_else(|| silence(limit))
}

/// A proof by words at one choice of numbers of channels, which is one for all (Theorem 25 of `docs/semantics.md`).
fn matrices(family: &Family, resolver: &mut Resolver<'_>) -> Option<&'static str> {
    if !family.counts_channels() {
        return None;
    }
    let Ok(Instance::Claim(Prop::Stacks(claim))) = resolver.instance(family, &COUNTS[..family.sizes.len()])
    else {
        return None;
    };
    let decided = opinion::decide(&claim, resolver.symbols()).ok()?;
    match decided.verdict() {
        StackVerdict::Proved(StackProof::Words { .. }) => Some(
            "at all pairs of row and column border patterns both sides are the same sum of products of the kernels' matrices",
        ),
        _ => None,
    }
}

/// One instance; `None` where the claim does not speak of these numbers, or where they pass a limit, which is noted.
fn instance(
    family: &Family,
    values: &[i64],
    resolver: &mut Resolver<'_>,
    source: &Source,
    limit: &mut Option<Vec<Diagnostic>>,
) -> Result<Option<Shown>, Vec<Diagnostic>> {
    let hinted = |diagnostic: Diagnostic| {
        if values.is_empty() {
            diagnostic
        } else {
            diagnostic.with_hint(format!("this is at {}", at(&family.sizes, values)))
        }
    };
    let nothing = |kind: &ResolveErrorKind| {
        matches!(kind, ResolveErrorKind::NoOutput { .. } | ResolveErrorKind::SaysNothing)
    };
    let beyond = |kind: &ResolveErrorKind| {
        nothing(kind)
            || matches!(
                kind,
                ResolveErrorKind::TooLarge(_)
                    | ResolveErrorKind::PeriodTooLong
                    | ResolveErrorKind::AboveLimit { .. }
            )
    };
    let prop = match resolver.instance(family, values) {
        Ok(Instance::Excluded) => return Ok(None),
        Ok(Instance::Claim(prop)) => prop,
        Err(errors) => {
            let all = |test: &dyn Fn(&ResolveErrorKind) -> bool| errors.iter().all(|error| test(&error.kind));
            let (silent, limited) = (all(&nothing), all(&beyond));
            let told = errors.iter().map(|error| hinted(error.diagnostic())).collect();
            if !limited || errors.is_empty() {
                return Err(told);
            }
            if !silent {
                limit.get_or_insert(told);
            }
            return Ok(None);
        }
    };
    match proposition(&prop, resolver.symbols(), resolver.places(source)) {
        Ok(shown) => Ok(Some(shown)),
        Err(error) => {
            let diagnostic = operator_diagnostic(&error, resolver.origins(), family.span);
            match diagnostic.code {
                // A side without an output says nothing at these numbers.
                "E0221" => {}
                "E0222" | "E0239" => {
                    limit.get_or_insert_with(|| vec![hinted(diagnostic)]);
                }
                _ => return Err(vec![hinted(diagnostic)]),
            }
            Ok(None)
        }
    }
}

/// No numbers were found that the claim speaks of.
fn nothing(family: &Family) -> Diagnostic {
    Diagnostic::new(
        "E0240",
        "this claim speaks of none of the small values of its sizes that were tried",
        family.span,
        "says nothing",
    )
    .with_hint("write a condition that small numbers satisfy")
}
