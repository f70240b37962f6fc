//! What proofs keep of how they came about, against what the naive evaluator shows.

use convproof::algebra::Rational;
use convproof::evaluate::{Image, Weights, run};
use convproof::ir::Stack;
use convproof::operator::reach::Reaches;
use convproof::operator::trace::{Did, Harmless, Joined, Needed, Positive};
use convproof::prove::opinion::decide;
use convproof::prove::verdict::{Derivation, StackProof, StackVerdict};

use super::opinion::claim;

/// Rows and columns of the input; large enough that the middle output sees no border.
const SIZE: usize = 40;

fn proof(line: &str) -> (Derivation, std::sync::Arc<Stack>) {
    let (claim, symbols) = claim(line);
    let decided = decide(&claim, &symbols).unwrap();
    let StackVerdict::Proved(proof) = decided.verdict() else { panic!("{line}: {:?}", decided.verdict()) };
    let kept = match proof {
        StackProof::NormalForm { composed, .. }
        | StackProof::Patterns { composed, .. }
        | StackProof::Averages { composed, .. } => Derivation::Composed(composed.clone()),
        StackProof::Words { read, .. } | StackProof::Terms { read, .. } => Derivation::Read(read.clone()),
        StackProof::Within(_, derivation) => derivation.clone(),
    };
    (kept, claim.left)
}

/// The first and the last row, or column, of the input that an output depends on.
fn seen(stack: &Stack, axis: usize, at: [usize; 2]) -> [i64; 2] {
    let output = |image: Image| run(stack, &image, &Weights::new()).unwrap().at(0, at[0], at[1]).clone();
    let nothing = output(Image::zeros(1, SIZE, SIZE).unwrap());
    let line = |line: usize| {
        let along = |other| if axis == 0 { [0, line, other] } else { [0, other, line] };
        let ones: Vec<_> = (0..SIZE).map(|other| (along(other), Rational::ONE)).collect();
        Image::sparse([1, SIZE, SIZE], ones).unwrap()
    };
    let read: Vec<usize> = (0..SIZE).filter(|&n| output(line(n)) != nothing).collect();
    [read.first(), read.last()].map(|at| i64::try_from(*at.unwrap()).unwrap())
}

#[test]
fn what_is_said_to_be_read_is_what_outputs_depend_on() {
    let k = "[1 2 1; 3 1 1; 1 1 2]";
    let composed = [
        format!("conv({k}) -> conv([1 2])"),
        format!("conv({k}, stride=2) -> conv({k})"),
        format!("conv([0 1 1], stride=[1,3]) -> conv({k})"),
        "avgpool(2) -> avgpool(3, stride=1) -> subsample([1,2])".to_owned(),
        format!("conv({k}, padding=1) -> conv({k}, padding=1, stride=2)"),
        "maxpool(2) -> maxpool(3, stride=1)".to_owned(),
        format!("avgpool(2, padding=same) -> conv({k})"),
        "upsample(2) -> conv([1 1 1 1])".to_owned(),
        "conv([1 1]) -> convtranspose([1 1 1], stride=[1,2])".to_owned(),
        format!("(crop(2) -> conv([1])) + conv({k}, padding=-1)"),
        format!("relu -> conv({k}) -> relu -> avgpool(2)"),
        "avgpool(3, padding=1, stride=2, count_include_pad=false) -> relu".to_owned(),
    ];
    let read = [
        format!("pad(2, mode=reflect) -> conv({k}) -> conv({k}, stride=2)"),
        format!("pad(1, mode=replicate) -> upsample(2) -> conv({k})"),
        "pad(1, mode=replicate) -> maxpool(2) -> relu -> avgpool(3, padding=1, count_include_pad=false)"
            .to_owned(),
    ];
    for stack in composed.iter().chain(&read) {
        let line = format!("{stack} == {stack} -> scale(1)");
        let (kept, stack) = proof(&line);
        let reach: Reaches = match &kept {
            Derivation::Composed(composed) => {
                composed.sides[0].kept.last().and_then(|record| record.output.reach)
            }
            Derivation::Read(read) => read.sides[0].kept.last().and_then(|record| record.output.reach),
        };
        let output = run(&stack, &Image::zeros(1, SIZE, SIZE).unwrap(), &Weights::new()).unwrap();
        let [_, height, width] = output.size();
        let middle = [height / 2, width / 2];
        for axis in 0..2 {
            let reach = reach.unwrap_or_else(|| panic!("{line}: nothing is said"))[axis];
            let up = usize::try_from(reach.up).unwrap();
            let mut later = middle;
            later[axis] += up;
            let [here, there] = [middle, later].map(|at| seen(&stack, axis, at));
            assert_eq!(there[0] - here[0], reach.down, "{line}: stride along axis {axis}");
            if up == 1 {
                assert_eq!(here[1] - here[0] + 1, reach.extent(), "{line}: extent along axis {axis}");
            }
        }
    }
}

/// What was done with the last layer on the left.
fn last(line: &str) -> Did {
    let Derivation::Composed(composed) = proof(line).0 else { panic!("{line} was not composed") };
    composed.sides[0].kept.last().unwrap().did.clone()
}

#[test]
fn why_layers_are_composed_or_not_is_kept() {
    let border = |line: &str| match last(line) {
        Did::Linear { joined: Joined::Composed { border, .. }, .. } => Ok(border),
        Did::Linear { joined: Joined::Apart { why, .. }, .. } => Err(why),
        other => panic!("{line}: {other:?}"),
    };
    for (stack, expected) in [
        ("conv(K) -> conv(J)", Ok(Harmless::Inside)),
        ("conv(K, padding=2) -> crop(1)", Ok(Harmless::Inside)),
        // All that the first kernel makes of zeros is there.
        ("conv(K, padding=2) -> conv(J, padding=1)", Ok(Harmless::Zero)),
        ("conv(K, padding=1) -> conv(J, padding=1)", Err(Needed::Border)),
        ("conv(K) -> conv(J, padding=1)", Err(Needed::Border)),
        ("bias(a) -> conv(J, padding=1)", Err(Needed::Border)),
        ("bias(a) -> convtranspose([1 2 3], stride=2, padding=[0,1])", Err(Needed::Constant)),
        ("conv(K, stride=2) -> upsample(2)", Err(Needed::Positions)),
    ] {
        assert_eq!(border(&format!("{stack} == {stack} -> scale(1)")), expected, "{stack}");
    }
}

#[test]
fn refutations_keep_what_was_done_before_too() {
    for (line, composed) in [
        ("conv(K) -> conv(J) == conv(K)", true),
        ("conv(K) -> conv(J, padding=1) == conv(K * J)", true),
        ("avgpool(2) ~= 2 * avgpool(2) within 1/100", true),
        ("conv(W) -> conv(W) == conv(W) -> conv(2 * W)", false),
        ("conv(K) -> relu == relu -> conv(K)", false),
    ] {
        let (claim, symbols) = claim(line);
        let decided = decide(&claim, &symbols).unwrap();
        let StackVerdict::Refuted(found) = decided.verdict() else {
            panic!("{line}: {:?}", decided.verdict())
        };
        let was = found.derivation.as_ref().map(|derivation| matches!(derivation, Derivation::Composed(_)));
        assert_eq!(was, Some(composed), "{line}");
    }
}

#[test]
fn layers_in_another_order_are_said_to_be() {
    for (stack, reordered) in [("maxpool(2) -> relu6", true), ("relu6 -> maxpool(2)", false)] {
        let line =
            format!("pad(1, mode=replicate) -> {stack} == pad(1, mode=replicate) -> {stack} -> scale(1)");
        let Derivation::Read(read) = proof(&line).0 else { panic!("{line} was composed") };
        assert_eq!(read.sides[0].reordered, reordered, "{line}");
    }
}

#[test]
fn nonlinear_layers_that_were_found_equal_are_kept() {
    // Both means are the same at every position, which shows in patterns only, and sums do not read so many entries that are
    // products.
    let [first, second] =
        ["avgpool(2, ceil_mode=true)", "avgpool([2,1], ceil_mode=true) -> avgpool([1,2], ceil_mode=true)"]
            .map(|mean| format!("{mean} -> relu -> flatten -> dense(hadamard(Many, Many))"));
    for (line, pairs) in
        [(format!("{first} == {second} on [5,5]"), 1), (format!("{first} == {first} on [5,5]"), 0)]
    {
        let Derivation::Composed(composed) = proof(&line).0 else { panic!("{line} was not composed") };
        assert_eq!(composed.matched.len(), pairs, "{line}");
        let relu = |side: usize| {
            composed.sides[side].kept.iter().find_map(|record| match record.did {
                Did::Relu(Positive::Whole(node)) => Some(node),
                _ => None,
            })
        };
        let relus = [relu(0).unwrap(), relu(1).unwrap()];
        if let Some(found) = composed.matched.first() {
            assert_eq!(found.nodes, relus);
            assert!(found.patterns.is_some());
        }
        assert_eq!(composed.shared().contains(&relus[0]), pairs == 0, "{line}");
    }
}
