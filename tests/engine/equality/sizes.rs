//! Where a refuted equality holds, as described, against the claim decided at one size after the other.

use convproof::ir::{Prop, Sizes, StackClaim, Symbols};
use convproof::operator::shape::{Signal, after};
use convproof::prove::condition::includes;
use convproof::prove::equality::decide;
use convproof::prove::region::Agreement;
use convproof::prove::verdict::StackVerdict;
use convproof::resolve::{ClaimBody, Resolved, Resolver};
use convproof::syntax::ast::Item;
use convproof::syntax::parse;
use proptest::prelude::*;

/// Sizes below this are decided one by one.
const END: i64 = 22;

/// Stacks that agree at some sizes only.
const PAIRS: [&str; 7] = [
    "avgpool([3,1]) == avgpool([3,1], ceil_mode=true)",
    "avgpool([2,3]) == avgpool([2,3], ceil_mode=true)",
    "avgpool(2) -> conv(A, padding=1) == conv(repeat(A,2)/4, stride=2, padding=2)",
    "space_to_depth(2) -> depth_to_space(2) == id",
    "conv(A, stride=2, padding=same) == conv(A, stride=2, padding=1)",
    "crop(0,0,2,0) -> pad(0,0,2,0) -> conv(B) == conv(B)",
    "pad(0,0,1,1) -> avgpool([2,3]) == avgpool([2,3], padding=[0,0,1,1])",
];

/// A claim and the symbols it is about, or nothing if it is refused.
fn claim(text: &str) -> Option<(StackClaim, Symbols)> {
    let (spec, mistakes) = parse(&format!("kernel A[3,3]\nkernel B = [[1 2] [0 0]]\nprove {text}"));
    assert!(mistakes.is_empty(), "{text}");
    let mut resolver = Resolver::new(|_, _| Err(String::new()));
    let mut last = None;
    for item in &spec.items {
        if let Item::Statement(statement) = item {
            last = Some(resolver.statement(statement));
        }
    }
    let Ok(Resolved::Claims(mut claims)) = last? else { return None };
    let ClaimBody::Prop(Prop::Stacks(claim)) = claims.pop()?.body else { return None };
    Some((claim, resolver.symbols().clone()))
}

fn has_output(claim: &StackClaim, size: [i64; 2]) -> bool {
    [&claim.left, &claim.right].into_iter().any(|stack| {
        after(stack, Signal::input(claim.channels), Some(size)).is_ok_and(|signal| signal.at(size).is_some())
    })
}

/// The sizes at which some side has an output, and whether the sides agree there.
fn truth(pair: &str) -> Vec<([i64; 2], bool)> {
    let (claim, symbols) = claim(pair).expect("a claim");
    let sizes = (1..END).flat_map(|h| (1..END).map(move |w| [h, w]));
    sizes
        .filter(|&size| has_output(&claim, size))
        .map(|size| {
            let one = StackClaim { sizes: Sizes::One(size), ..claim.clone() };
            (size, matches!(decide(&one, &symbols).unwrap(), StackVerdict::Proved(_)))
        })
        .collect()
}

fn comparison() -> impl Strategy<Value = String> {
    let side = prop_oneof![
        4 => Just("h"), 4 => Just("w"), 3 => Just("h - w"), 2 => Just("h + w"), 1 => Just("w - h"),
    ];
    let order = prop_oneof![Just("<"), Just("<="), Just(">"), Just(">="), Just("=="), Just("!=")];
    prop_oneof![
        (side.clone(), order, -2..7i64).prop_map(|(side, order, c)| format!("{side} {order} {c}")),
        (side, 2..4i64, 0..3i64).prop_map(|(side, m, r)| format!("({side}) % {m} == {r}")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    let joined = || (comparison(), prop_oneof![Just("and"), Just("or")], comparison());
    prop_oneof![
        comparison(),
        joined().prop_map(|(a, and, b)| format!("{a} {and} {b}")),
        (joined(), comparison()).prop_map(|((a, and, b), c)| format!("({a} {and} {b}) and {c}")),
    ]
}

/// Whether what is said of sizes is so.
fn check(text: &str, truth: &[([i64; 2], bool)]) {
    let Some((claim, symbols)) = claim(text) else { return };
    let spoken: Vec<([i64; 2], bool)> =
        truth.iter().copied().filter(|&([h, w], _)| includes(&claim.sizes, [h, w])).collect();
    match decide(&claim, &symbols).unwrap() {
        StackVerdict::Unknown(doubt) => panic!("{text}: {doubt:?}"),
        StackVerdict::Proved(_) => {
            assert!(spoken.iter().all(|(_, equal)| *equal), "{text}: proved");
        }
        StackVerdict::Refuted(refutation) => {
            for agreement in &refutation.agreement {
                for &(size, equal) in &spoken {
                    let said = match agreement {
                        Agreement::Sizes(boxes) => boxes.iter().any(|sizes| sizes.contains(size)),
                        Agreement::Nowhere => false,
                        Agreement::Some(sizes) if sizes.contains(&size) => true,
                        _ => equal,
                    };
                    assert_eq!(said, equal, "{text} at {size:?}: {agreement:?}");
                }
            }
        }
    }
}

#[test]
fn descriptions_of_sizes_are_true() {
    let truths = PAIRS.map(truth);
    for (pair, truth) in PAIRS.iter().zip(&truths) {
        check(pair, truth);
    }
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(150));
    let strategy = (0..PAIRS.len(), condition());
    let outcome = runner.run(&strategy, |(pair, condition)| {
        check(&format!("{} where {condition}", PAIRS[pair]), &truths[pair]);
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn coupled_heights_and_widths_are_described_by_what_decides() {
    for (condition, height) in [("h >= w", true), ("h < w + 3", true), ("h == w", true), ("w % 3 == 1", true)]
    {
        let text = format!("{} where {condition}", PAIRS[0]);
        let (claim, symbols) = claim(&text).expect("a claim");
        let StackVerdict::Refuted(refutation) = decide(&claim, &symbols).unwrap() else { panic!("{text}") };
        let [Agreement::Sizes(boxes)] = refutation.agreement.as_slice() else {
            panic!("{text}: {:?}", refutation.agreement)
        };
        let [only] = boxes.as_slice() else { panic!("{text}: {boxes:?}") };
        let set = only.height.as_ref().expect("a condition on the height");
        assert_eq!(
            (set.modulus, set.residues.as_slice(), only.width.is_none()),
            (3, &[0][..], height),
            "{text}"
        );
    }
}
