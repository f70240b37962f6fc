//! The second opinion on proofs: it notices proofs that are wrong, and says where it has none.

use convproof::ir::{Prop, StackClaim, Symbols};
use convproof::prove::condition::includes;
use convproof::prove::opinion::{Decided, Opinion, decide, examined};
use convproof::prove::verdict::{Composed, Doubt, Read, StackProof, StackVerdict};
use convproof::resolve::{ClaimBody, Resolved, Resolver};
use convproof::syntax::ast::Item;
use convproof::syntax::parse;
use convproof_exact::budget::{self, Budget};

const KERNELS: &str = "kernel K[3,3]\nkernel J[3,3]\nkernel W[64,64,3,3]\nkernel V[64,64,1,1]\nkernel Many[2000,9]\nscalar a\nscalar b\n";

/// The claim about stacks that a line makes.
pub(crate) fn claim(line: &str) -> (StackClaim, Symbols) {
    let text = format!("{KERNELS}prove {line}");
    let (spec, mistakes) = parse(&text);
    assert!(mistakes.is_empty(), "{line}");
    let mut resolver = Resolver::new(|_, _| Err("no files".to_owned()));
    let mut found = None;
    for item in &spec.items {
        let Item::Statement(statement) = item else { continue };
        if let Resolved::Claims(mut claims) = resolver.statement(statement).expect(line) {
            found = claims.pop();
        }
    }
    let ClaimBody::Prop(Prop::Stacks(claim)) = found.expect("a claim").body else { panic!("{line}") };
    (claim, resolver.symbols().clone())
}

/// What is said of a proof of a claim that some procedure should come up with.
fn of_proof(proof: StackProof, line: &str) -> Decided {
    let (claim, symbols) = claim(line);
    examined(StackVerdict::Proved(proof), &claim, &symbols)
}

#[test]
fn wrong_proofs_are_noticed() {
    for line in [
        "conv(K, stride=2, padding=same) == pad(0,0,1,1) -> conv(K, stride=2, padding=same) where h % 2 == 1 and w % 2 == 1",
        "convtranspose([1], dilation=2, output_padding=1) -> avgpool(3,stride=2,padding=same) == avgpool(3,stride=2,padding=same) where h % 2 == 1 and w % 2 == 1",
        "conv(K) -> conv(J) == conv(K * J, padding=1)",
        "conv([1 -1]) -> relu == relu -> conv([1 -1])",
        "conv(K) == conv(J) where h >= 20 and w > h + 3",
        "avgpool(3, padding=1) == avgpool(3, padding=1, count_include_pad=false) on [5,5]",
        "batchnorm(a, b, 1, 1/3, 1/7) == batchnorm(a, b, 1, 1/3, 1/8)",
        "scale(a / b) == scale(b / a)",
        // Many weights that are written, each of which is read.
        "conv(pad(eye(64), 1, 1, 1, 1), padding=1) == scale(2)",
        "conv(pad(eye(64), 1, 1, 1, 1), padding=1) -> relu == relu -> scale(1001/1000)",
        // On images of few entries.
        "conv(ones(40, 40), stride=16) == conv(ones(40, 40), stride=16) -> scale(2)",
    ] {
        let wrong = StackProof::Patterns { patterns: [1, 1], horizon: None, composed: Composed::default() };
        let verdict = of_proof(wrong, line);
        assert!(
            matches!(verdict.verdict(), StackVerdict::Unknown(Doubt::Disagreement { .. })),
            "{line}: {verdict:?}"
        );
    }
}

#[test]
fn wrong_proofs_for_all_numbers_of_channels_are_noticed() {
    for line in [
        // True with one channel.
        "conv(W) -> conv(V) == conv(V) -> conv(W)",
        "conv(W * V) == conv(V * W)",
        "conv(W, padding=1) -> conv(W, padding=1) == conv(W * W, padding=2)",
    ] {
        let verdict = of_proof(
            StackProof::Words { patterns: [1, 1], horizon: None, sums: 1, read: Read::default() },
            line,
        );
        assert!(
            matches!(verdict.verdict(), StackVerdict::Unknown(Doubt::Disagreement { .. })),
            "{line}: {verdict:?}"
        );
    }
}

#[test]
fn refutations_by_what_a_claim_does_not_speak_of_are_noticed() {
    for (line, other) in [
        ("conv(K) == conv(J)", "conv(K) == conv(J) where h >= 30"),
        ("conv(K) == conv(J)", "conv(K) == conv(J) on [8,3]"),
        ("conv(K) == pad(1) -> conv(K)", "conv(K) == pad(1) -> conv(K) where w % 2 == 0"),
        ("conv(K) == conv(J)", "conv(W) -> conv(W) == conv(W)"),
        ("id ~= scale(2) within 1 for |x| <= 3", "id ~= scale(2) within 1/4 for |x| <= 1/2"),
        (
            "relu ~= scale(2) -> relu within 1 for |x| <= 3",
            "relu ~= scale(2) -> relu within 1/4 for |x| <= 1/2",
        ),
        ("sigmoid ~= scale(2) within 1 for |x| <= 3", "sigmoid ~= scale(2) within 1/4 for |x| <= 1/2"),
    ] {
        let (refuted, symbols) = claim(line);
        let verdict = decide(&refuted, &symbols).unwrap().verdict().clone();
        assert!(matches!(verdict, StackVerdict::Refuted(_)), "{line}: {verdict:?}");
        let same = examined(verdict.clone(), &refuted, &symbols);
        assert!(matches!(same.verdict(), StackVerdict::Refuted(_)), "{line}: {same:?}");
        let (other, symbols) = claim(other);
        let examined = examined(verdict, &other, &symbols);
        let found = examined.verdict();
        assert!(matches!(found, StackVerdict::Unknown(Doubt::Contradiction)), "{line}: {found:?}");
    }
}

#[test]
fn wrong_bounds_are_noticed() {
    let (tight, symbols) = claim("avgpool(2) ~= 1001/1000 * avgpool(2) within 1/100");
    let decided = decide(&tight, &symbols).unwrap();
    let StackVerdict::Proved(proof) = decided.verdict() else { panic!("{decided:?}") };
    assert!(matches!(decided.opinion(), Some(Opinion::Agrees(_))), "{decided:?}");
    // The same bound for stacks that differ by more, though by less than the claim allows.
    // Errors of many weights add up at an end of the range.
    for line in [
        "avgpool(2) ~= 11/10 * avgpool(2) within 1",
        "conv(ones(60, 60) / 3600) ~= 101/100 * conv(ones(60, 60) / 3600) within 1",
    ] {
        let decided = of_proof(proof.clone(), line);
        let noticed = matches!(decided.verdict(), StackVerdict::Unknown(Doubt::Disagreement { .. }));
        assert!(noticed, "{line}: {decided:?}");
    }
}

#[test]
fn true_proofs_are_run_at_sizes_that_the_claim_speaks_of() {
    for line in [
        "conv(K) -> conv(J) == conv(K * J)",
        "conv(K) == conv(K) where h > w + 20",
        "relu -> pad(1) -> relu == pad(1) -> relu",
        "batchnorm(a, b, 1, 1/3, 1/7) == scale(a / sqrt(1/3 + 1/7)) -> bias(b - a / sqrt(1/3 + 1/7))",
        "scale(a) -> scale(1/a) == id",
        "global_avgpool -> scale(2) == scale(2) -> global_avgpool",
        "conv(K) == conv(K) on [7,3]",
        // Proved for every number of channels, and looked at with few.
        "conv(W) == conv(W)",
        // With one channel: two would take more steps than there are.
        "conv(W) -> conv(V) == conv(W * V) on [14,14]",
        "conv(kernel(conv(W) -> conv(V))) == conv(W) -> conv(V)",
        // Layers with a definition of their own.
        "conv(W) -> pad(1, value=2) == conv(W) -> pad(1, value=2)",
        "conv(W) -> leakyrelu(1/10) -> resize(2) == conv(W) -> leakyrelu(1/10) -> resize(2)",
        // Roots of weights that are chosen.
        "scale(sqrt(a + 1) / sqrt(b + 2)) -> scale(sqrt(b + 2)) == scale(sqrt(a + 1))",
        "conv(pad(eye(64), 1, 1, 1, 1), padding=1) -> relu == relu",
        "conv(ones(40, 40), stride=16) -> scale(2) == conv(2 * ones(40, 40), stride=16)",
        "conv(pad(eye(64), 1, 1, 1, 1), padding=1) -> relu ~= scale(1001/1000) -> relu within 1/100",
    ] {
        let (claim, symbols) = claim(line);
        let decided = decide(&claim, &symbols).unwrap();
        let Some(Opinion::Agrees(sizes)) = decided.opinion() else { panic!("{line}: {decided:?}") };
        assert!(!sizes.is_empty() && sizes.iter().all(|&[h, w]| includes(&claim.sizes, [h, w])), "{line}");
    }
}

#[test]
fn no_proof_is_lost_to_the_second_opinion_on_it() {
    let (claim, symbols) = claim("conv(pad(eye(64), 1, 1, 1, 1), padding=1) -> relu == relu");
    // Whether the proof has an opinion on it, and what is left; nothing where the proof itself takes more.
    let within = |budget: Budget| {
        let proved = || {
            let decided = decide(&claim, &symbols).unwrap();
            assert!(matches!(decided.verdict(), StackVerdict::Proved(_)), "{decided:?}");
            (decided.opinion() != Some(&Opinion::None), budget::left())
        };
        budget.run(proved).ok()
    };
    let Some((true, Some(left))) = within(Budget::default()) else { panic!("no opinion") };
    let steps = Budget::STEPS - left;
    let less = (0..=80).map(|part| Budget { steps: steps * part / 20, ..Budget::default() });
    let smaller = (10..=26).map(|n| Budget { bytes: 1 << n, ..Budget::default() });
    for budgets in [less.collect::<Vec<_>>(), smaller.collect()] {
        let found = budgets.into_iter().map(|budget| within(budget).map(|(opinion, _)| opinion));
        let mut kinds = found.collect::<Vec<_>>();
        kinds.dedup();
        assert_eq!(kinds, [None, Some(false), Some(true)]);
    }
}

#[test]
fn what_takes_too_many_steps_is_left_out() {
    for line in ["conv(K) == conv(K) on [3000,3000]", "id == id where h >= 1000"] {
        let (claim, symbols) = claim(line);
        let decided = decide(&claim, &symbols).unwrap();
        assert!(matches!(decided.verdict(), StackVerdict::Proved(_)), "{line}: {decided:?}");
        assert_eq!(decided.opinion(), Some(&Opinion::None), "{line}");
    }
}
