//! Irrational square roots that cancel, in stacks that are not linear: what is true however it is written must never be refuted.

use std::cell::Cell;

use convproof::algebra::SplitMix64;
use convproof::algebra::budget::{Budget, Halt};
use convproof::prove::opinion::decide;
use convproof::prove::verdict::StackVerdict;
use proptest::prelude::*;

use crate::equality::decide::{config, count};
use crate::equality::opinion::claim;

/// Layers that a positive factor passes.
const LAYERS: [&str; 10] = [
    "conv([1 -2; 3 1])",
    "conv([2 0 -1], padding=1)",
    "relu",
    "maxpool(2)",
    "maxpool(2, stride=1)",
    "avgpool(2)",
    "sumpool(2, stride=1)",
    "leakyrelu(0.1)",
    "pad(1)",
    "scale(-2)",
];

/// A chain, and the same with a positive factor put in at one place and taken out at another: by a root and its reciprocal, by a root
/// twice, or by two whose product is a third; then what the chain must be multiplied by.
struct Rewritten {
    plain: String,
    rewritten: String,
    /// The same with a rational number near one of the roots.
    wrong: String,
}

fn rewritten(seed: u64) -> Rewritten {
    let mut random = SplitMix64::new(seed);
    let mut below = |n: u64| usize::try_from(random.below(n)).unwrap();
    let length = 1 + below(4);
    let layers: Vec<&str> = (0..length).map(|_| LAYERS[below(10)]).collect();
    let [first, second] = [below(length as u64 + 1), below(length as u64 + 1)];
    let (factors, near, product) = match below(4) {
        0 => (["sqrt(7)", "1/sqrt(7)"], "1/2.6458", "1"),
        1 => (["sqrt(3)", "sqrt(3)"], "1.7321", "3"),
        2 => (["sqrt(2)", "sqrt(3)/sqrt(6)"], "0.7072", "1"),
        _ => (["sqrt(a)", "sqrt(a)"], "a", "a"),
    };
    let with = |factors: [&str; 2]| {
        let mut links: Vec<String> = layers.iter().map(|&layer| layer.to_owned()).collect();
        let (at, then) = (first.min(second), first.max(second));
        links.insert(then, format!("scale({})", factors[1]));
        links.insert(at, format!("scale({})", factors[0]));
        links.join(" -> ")
    };
    let plain = format!("({} -> scale({product}))", layers.join(" -> "));
    Rewritten {
        plain,
        rewritten: format!("({})", with(factors)),
        wrong: format!("({})", with([factors[0], near])),
    }
}

/// What is found in few steps.
fn decided(text: &str) -> Option<StackVerdict> {
    let (claim, symbols) = claim(text);
    let budget = Budget { steps: 3_000_000, ..Budget::default() };
    let decided = budget.run(|| decide(&claim, &symbols).expect(text).verdict().clone());
    assert!(!matches!(decided, Err(Halt::Defect)), "{text}");
    decided.ok()
}

#[test]
fn what_is_true_is_not_refuted_by_what_rounding_leaves() {
    let (proved, refuted, tried) = (Cell::new(0), Cell::new(0), Cell::new(0));
    proptest!(config(120), |(seed in any::<u64>())| {
        let Rewritten { plain, rewritten, wrong } = rewritten(seed);
        let both = |left: &str| [
            format!("{left} == {plain}"),
            format!("{left} - {plain} == 0 * {plain}"),
            format!("({left} - {plain} -> relu) == 0 * {plain}"),
            format!("{left} ~= {plain} within 0"),
        ];
        for text in both(&rewritten) {
            let verdict = decided(&text);
            prop_assert!(!matches!(verdict, Some(StackVerdict::Refuted(_))), "{text}");
            proved.set(proved.get() + u32::from(matches!(verdict, Some(StackVerdict::Proved(_)))));
            count(&tried);
        }
        for text in both(&wrong) {
            // A chain whose outputs do not depend on its input, or are never positive, may make it true.
            let verdict = decided(&text);
            refuted.set(refuted.get() + u32::from(matches!(verdict, Some(StackVerdict::Refuted(_)))));
        }
    });
    let (proved, refuted, tried) = (proved.get(), refuted.get(), tried.get());
    assert!(5 * proved > 4 * tried && 3 * refuted > 2 * tried, "{proved} {refuted} of {tried}");
}
