//! Random claims over all layers together, decided by the program and by brute force.
//!
//! A claim is made as data, printed in the spec language and checked as a user would check it. What the report says
//! (verdict, counterexample, worst difference, where the sides agree) is compared with an evaluator of its own, which
//! knows nothing of the crate. `DIFFERENTIAL_CLAIMS` sets how many claims are made, `DIFFERENTIAL_SEED` where to
//! begin; a failure prints the smallest claim that it could find.

mod claims;
pub(crate) mod evaluate;
pub(crate) mod judge;
pub(crate) mod number;
pub(crate) mod random;
mod rewrite;
mod shrink;
pub(crate) mod spec;
mod words;

use std::collections::BTreeMap;

use super::variable;
use judge::{Right, Wrong, judge, judge_text};
use random::Maker;
use spec::{Claim, Layer};

/// A claim that was answered wrongly, made smaller as far as it stays so.
fn complain(seed: u64, claim: &Claim, wrong: &Wrong) -> String {
    let (claim, wrong) = shrink::smallest(claim, wrong);
    format!("seed {seed}: {wrong}\n{claim}")
}

#[test]
fn every_answer_is_right() {
    let (first, count) = (variable("DIFFERENTIAL_SEED", 1), variable("DIFFERENTIAL_CLAIMS", 300));
    let mut tally: BTreeMap<Right, u64> = BTreeMap::new();
    let mut complaints = Vec::new();
    for seed in first..first + count {
        for claim in claims::claims(seed) {
            match judge(&claim) {
                Ok(right) => *tally.entry(right).or_default() += 1,
                Err(wrong) => complaints.push(complain(seed, &claim, &wrong)),
            }
        }
    }
    println!("{tally:?}");
    assert!(complaints.is_empty(), "{} wrong:\n\n{}", complaints.len(), complaints.join("\n\n"));
    // Parts of a large run may be short of a kind.
    if std::env::var_os("DIFFERENTIAL_CLAIMS").is_none() {
        let kinds =
            [Right::Proved, Right::Refuted, Right::Described, Right::Counted, Right::Within, Right::Exceeded];
        for kind in kinds {
            assert!(
                tally.get(&kind).is_some_and(|&times| times >= count / 100),
                "{kind:?} is rare: {tally:?}"
            );
        }
    }
}

/// Answers to another claim than the one they are compared with are found out.
#[test]
fn answers_to_another_claim_are_wrong() {
    let mut found = 0;
    for seed in 200..300 {
        for claim in claims::claims(seed).into_iter().take(1) {
            let [left, right] = &claim.sides;
            let changed = Maker::new(seed).changed_somewhere(right);
            let other = Claim { sides: [left.clone(), changed], worst: None, ..claim.clone() };
            found += u32::from(judge_text(&claim.to_string(), &other).is_err());
        }
    }
    assert!(found >= 40, "{found} of 100");
}

/// Every layer, and every option that differs from its default, occurs among the claims that are made.
#[test]
fn all_layers_and_options_occur() {
    let mut seen = BTreeMap::new();
    for claim in (1..400).flat_map(claims::claims) {
        let text = claim.to_string();
        let words = text.split(|c: char| !(c.is_alphanumeric() || "_=~<>!%".contains(c)));
        words.for_each(|word| *seen.entry(word.to_owned()).or_insert(0) += 1);
    }
    let layers = "conv convtranspose avgpool sumpool maxpool subsample pad crop scale bias batchnorm upsample \
                  zero_insert space_to_depth depth_to_space select concat relu global_avgpool flatten dense";
    let options = "padding=same padding=same_lower groups=2 dilation=2 output_padding=1 bias= stride=2 \
                   count_include_pad=false ceil_mode=true where on within and or not == ~= % kernel box";
    for word in layers.split_whitespace().chain(options.split_whitespace()) {
        assert!(seen.contains_key(word), "no {word}");
    }
}

/// The evaluator of these tests against outputs worked out by hand from the formulas of the language.
#[test]
fn the_evaluator_follows_the_formulas() {
    use evaluate::{Image, run};
    use number::{Fraction, Number};
    let x = Image::build([1, 1, 5], |[_, _, j]| Fraction::integer(j + 1)).unwrap();
    let row = |layer: Layer| -> Vec<String> {
        let output = run(&[layer], &x, &|_, _| Fraction::integer(0));
        output.map_or(Vec::new(), |image| image.cells.iter().map(ToString::to_string).collect())
    };
    let pool = |padding, count_padding, ceil| Layer::Pool {
        average: true,
        size: [1, 2],
        stride: [1, 2],
        padding,
        count_padding,
        ceil,
    };
    let none = spec::Padding::Sides([0; 4]);
    assert_eq!(row(pool(none, true, false)), ["3/2", "7/2"]);
    assert_eq!(row(pool(none, true, true)), ["3/2", "7/2", "5"]);
    assert_eq!(row(pool(spec::Padding::Same, true, false)), ["3/2", "7/2", "5/2"]);
    assert_eq!(row(pool(spec::Padding::Same, false, false)), ["3/2", "7/2", "5"]);
    assert_eq!(row(pool(spec::Padding::SameLower, true, false)), ["1/2", "5/2", "9/2"]);
    let kernel = spec::Kernel { shape: [1, 1, 1, 2], entries: spec::Entries::Numbers(vec![1, 10]) };
    let transposed = Layer::Transposed {
        kernel: kernel.clone(),
        stride: [1, 2],
        dilation: [1, 2],
        padding: [0, 1, 0, 0],
        more: [0, 1],
        groups: 1,
        bias: vec![(1, 2)],
    };
    let spread = [0, 12, 0, 23, 0, 34, 0, 45, 0, 50, 0].map(|n| format!("{}/2", 2 * n + 1));
    assert_eq!(row(transposed), spread);
    let conv = Layer::Conv {
        kernel,
        stride: [1, 2],
        dilation: [1, 2],
        padding: spec::Padding::Sides([0, 1, 0, -1]),
        groups: 1,
        bias: Vec::new(),
    };
    assert_eq!(row(conv), ["20", "42"]);
    assert_eq!(
        row(Layer::MaxPool {
            size: [1, 3],
            stride: [1, 2],
            padding: spec::Padding::Sides([0, 1, 0, 1]),
            ceil: false
        }),
        ["2", "4", "5"]
    );
    assert_eq!(row(Layer::SpaceToDepth(2)), [""; 0]);
    assert_eq!(row(Layer::BatchNorm([vec![2], vec![1], vec![3], vec![2]])), ["-1", "0", "1", "2", "3"]);
}
