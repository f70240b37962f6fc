//! Claims for all values of sizes: the resolver's laws and instances, decided by the engine.

use crate::diagnostic::Diagnostic;
use crate::ir::Prop;
use crate::present::families::{self, Grounds, Instances, at};
use crate::present::{self, Shown};
use crate::prove::decide::{Outcome, proposition};
use crate::prove::equality;
use crate::prove::instances::{self, AllValues, Rule, proved_where};
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
    // Matrices at some numbers of channels are an instance already.
    let (proof, beside) = match matrices(family, resolver, source) {
        Some(proof) => (Ok(proof), 1),
        None => (resolver.prove(family).map(|proof| Grounds::symbolic(&proof, resolver.places(source))), 2),
    };
    with_proof(proof, beside, family, resolver, source)
}

/// Decides a claim of which there is a proof, with so many instances beside it at least, or a reason why there is none.
fn with_proof(
    proof: Result<Grounds, &str>,
    beside: usize,
    family: &Family,
    resolver: &mut Resolver<'_>,
    source: &Source,
) -> Result<Shown, Vec<Diagnostic>> {
    // What is said where no numbers are left to speak of: the first limit that was passed, if any was.
    let mut limit = None;
    let silence = |limit: Option<Vec<Diagnostic>>| limit.unwrap_or_else(|| vec![nothing(family)]);
    if family.sizes.is_empty() {
        return instance(family, &[], (resolver, source), &mut limit, true)?.ok_or_else(|| silence(limit));
    }
    let (found, all) = instances::decide(family.sizes.len(), proof.is_ok().then_some(beside), |values| {
        let shown = instance(family, values, (resolver, source), &mut limit, false)?;
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
fn matrices(family: &Family, resolver: &mut Resolver<'_>, source: &Source) -> Option<Grounds> {
    if !family.counts_channels() {
        return None;
    }
    let counts = &COUNTS[..family.sizes.len()];
    let Ok(Instance::Claim(Prop::Stacks(claim))) = resolver.instance(family, counts) else { return None };
    // The evaluator has its say at instances.
    match equality::decide(&claim, resolver.symbols()).ok()? {
        StackVerdict::Proved(StackProof::Words { read, .. }) => {
            Some(Grounds::matrices(&read, &family.sizes, counts, resolver.places(source)))
        }
        _ => None,
    }
}

/// One instance, put into words where it is refuted or `all` is; `None` where the claim does not speak of these numbers, or
/// where they pass a limit, which is noted.
fn instance(
    family: &Family,
    values: &[i64],
    (resolver, source): (&mut Resolver<'_>, &Source),
    limit: &mut Option<Vec<Diagnostic>>,
    all: bool,
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
    match proposition(&prop, resolver.symbols()) {
        Ok(verdict) if all || verdict.outcome() == Outcome::Refuted => {
            Ok(Some(present::verdict(&verdict, resolver.symbols(), resolver.places(source))))
        }
        Ok(verdict) => Ok(Some(Shown::unsaid(verdict.outcome()))),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::Resolved;
    use crate::syntax::ast::Item;

    #[test]
    fn wrong_proofs_are_noticed() {
        let declared = "size c\nsize p, q\nkernel A[c,c,3,3]\nkernel B[c,c,3,3]\nkernel K[3,3]\n";
        for claim in [
            // True for one channel, where the sizes are equal, where one is 1, and where it is not.
            "conv(A) -> conv(B) == conv(B) -> conv(A)",
            "avgpool(p) -> subsample(q) == avgpool(q) -> subsample(p)",
            "conv(K) -> subsample(p) == conv(K)",
            "p >= 2",
            "p <= 1",
        ] {
            let source = Source::new("wrong.cf", format!("{declared}prove {claim}"));
            let (spec, mistakes) = crate::syntax::parse(source.text());
            assert!(mistakes.is_empty(), "{claim}");
            let mut resolver = Resolver::new(|_, _| Err("no files".to_owned()));
            let mut family = None;
            for item in &spec.items {
                let Item::Statement(statement) = item else { continue };
                if let Resolved::Families(mut all) = resolver.statement(statement).expect(claim) {
                    family = all.pop();
                }
            }
            let family = family.expect(claim);
            let wrong = Ok(Grounds::unsaid("a wrong law"));
            let shown = with_proof(wrong, 2, &family, &mut resolver, &source).expect(claim);
            assert_eq!(shown.outcome, Outcome::Unknown, "{claim}: {}", shown.method);
            assert!(shown.method.contains("please report this as a defect"), "{claim}: {}", shown.method);
        }
    }
}
