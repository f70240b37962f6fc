//! Claims for all values of sizes: instances are decided by the engine for numbers, and a proof for all values has
//! instances beside it as a second opinion. The least instance that fails refutes.

use crate::check::proposition;
use crate::diagnostic::Diagnostic;
use crate::ir::Prop;
use crate::present::Shown;
use crate::present::families::{self, Instances, at};
use crate::prove::opinion;
use crate::prove::verdict::{StackProof, StackVerdict};
use crate::report::Outcome;
use crate::resolve::{Family, Instance, ResolveErrorKind, Resolver, operator_diagnostic};
use crate::source::Source;

/// Instances that are decided where there is no proof for all values.
const MAX_INSTANCES: usize = 40;
/// Instances that are decided beside a proof.
const MAX_SPOTS: usize = 6;
/// Instances after the one that refutes, to see where the claim does hold.
const MAX_MORE: usize = 16;
/// The sum of the numbers beyond the least one, up to which these are looked for: larger instances cost more.
const MAX_MORE_EXCESS: i64 = 4;
/// Choices of numbers that are looked at, those that the conditions exclude counted.
const MAX_CHOICES: usize = 4096;
/// The sum of the numbers beyond the least one, up to which choices are looked at.
const MAX_EXCESS: i64 = 24;

/// Different numbers for different numbers of channels.
const COUNTS: [i64; 8] = [7, 11, 13, 17, 19, 23, 29, 31];

/// Decides a claim for all values of its sizes.
pub(crate) fn decide(
    family: &Family,
    resolver: &mut Resolver<'_>,
    source: &Source,
) -> Result<Shown, Vec<Diagnostic>> {
    if family.sizes.is_empty() {
        return instance(family, &[], resolver, source)?.ok_or_else(|| vec![nothing(family)]);
    }
    let proof = resolver.prove(family).or_else(|reason| matrices(family, resolver).ok_or(reason));
    let most = if proof.is_ok() { MAX_SPOTS } else { MAX_INSTANCES };
    let mut tried = Instances { sizes: &family.sizes, all: Vec::new() };
    for values in choices(family.sizes.len()) {
        if tried.all.len() >= most {
            break;
        }
        let Some(shown) = instance(family, &values, resolver, source)? else { continue };
        match shown.outcome {
            Outcome::Refuted if proof.is_ok() => return Ok(families::contradicted(&family.sizes, &values)),
            Outcome::Refuted => {
                look_further(family, &values, &mut tried, resolver, source);
                return Ok(families::refuted(&values, shown, &tried));
            }
            outcome => tried.all.push((values, outcome == Outcome::Proved)),
        }
    }
    if tried.all.is_empty() {
        return Err(vec![nothing(family)]);
    }
    Ok(match proof {
        Ok(law) => families::proved(law, &tried),
        Err(reason) => families::undecided(reason, &tried),
    })
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

/// One instance; `None` where the claim does not speak of these numbers.
fn instance(
    family: &Family,
    values: &[i64],
    resolver: &mut Resolver<'_>,
    source: &Source,
) -> Result<Option<Shown>, Vec<Diagnostic>> {
    let hinted = |diagnostic: Diagnostic| {
        if values.is_empty() {
            diagnostic
        } else {
            diagnostic.with_hint(format!("this is at {}", at(&family.sizes, values)))
        }
    };
    let silent = |kind: &ResolveErrorKind| {
        matches!(
            kind,
            ResolveErrorKind::NoOutput { .. } | ResolveErrorKind::SaysNothing | ResolveErrorKind::TooLarge(_)
        )
    };
    let prop = match resolver.instance(family, values) {
        Ok(Instance::Excluded) => return Ok(None),
        Ok(Instance::Claim(prop)) => prop,
        Err(errors) if !errors.is_empty() && errors.iter().all(|error| silent(&error.kind)) => {
            return Ok(None);
        }
        Err(errors) => return Err(errors.iter().map(|error| hinted(error.diagnostic())).collect()),
    };
    match proposition(&prop, resolver.symbols(), source) {
        Ok(shown) => Ok(Some(shown)),
        Err(error) => {
            let diagnostic = operator_diagnostic(&error, family.span);
            // A side without an output, or with too much of it, says nothing at these numbers.
            if matches!(diagnostic.code, "E0221" | "E0222") {
                Ok(None)
            } else {
                Err(vec![hinted(diagnostic)])
            }
        }
    }
}

/// Decides some instances after the one that fails, to see where the claim does hold.
fn look_further(
    family: &Family,
    failing: &[i64],
    tried: &mut Instances<'_>,
    resolver: &mut Resolver<'_>,
    source: &Source,
) {
    let most = tried.all.len() + MAX_MORE;
    tried.all.push((failing.to_vec(), false));
    for values in choices(family.sizes.len()).skip_while(|values| values != failing).skip(1) {
        if tried.all.len() > most || excess(&values) > MAX_MORE_EXCESS {
            break;
        }
        // A mistake at larger numbers does not save the claim.
        let Ok(Some(shown)) = instance(family, &values, resolver, source) else { continue };
        match shown.outcome {
            Outcome::Proved => tried.all.push((values, true)),
            Outcome::Refuted => tried.all.push((values, false)),
            _ => {}
        }
    }
}

/// All choices of numbers from 1, by their sum, then in order.
fn choices(count: usize) -> impl Iterator<Item = Vec<i64>> {
    let mut excess = 0;
    let mut next: Option<Vec<i64>> = Some(first(count, 0));
    std::iter::from_fn(move || {
        let current = next.take().or_else(|| {
            excess += 1;
            (excess <= MAX_EXCESS).then(|| first(count, excess))
        })?;
        next = after(&current);
        Some(current)
    })
    .take(MAX_CHOICES)
}

/// How far the sum of the numbers is beyond the least one.
fn excess(values: &[i64]) -> i64 {
    values.iter().map(|value| value - 1).sum()
}

/// The first choice with a given sum beyond the least: all of it on the last size.
fn first(count: usize, excess: i64) -> Vec<i64> {
    let mut values = vec![1; count];
    if let Some(last) = values.last_mut() {
        *last += excess;
    }
    values
}

/// The next choice of the same sum in order.
fn after(values: &[i64]) -> Option<Vec<i64>> {
    let last = values.len().checked_sub(1)?;
    let from = (1..=last).rev().find(|&at| values[at] > 1)?;
    let mut next = values.to_vec();
    next[from - 1] += 1;
    let rest = next[from] - 2;
    next[from] = 1;
    next[last] += rest;
    Some(next)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_come_by_sum_then_in_order_of_declaration() {
        let all: Vec<Vec<i64>> = choices(2).take(6).collect();
        assert_eq!(all, [[1, 1], [1, 2], [2, 1], [1, 3], [2, 2], [3, 1]]);
        let three: Vec<Vec<i64>> = choices(3).take(10).collect();
        assert_eq!(three[4..7], [[1, 1, 3], [1, 2, 2], [1, 3, 1]]);
        let mut all: Vec<Vec<i64>> = choices(4).take(126).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 126);
    }

    #[test]
    fn many_sizes_and_none_end() {
        assert_eq!(choices(8).count(), MAX_CHOICES);
        assert!(choices(1).count() <= MAX_CHOICES);
    }
}
