//! The worst difference over all inputs against impulse responses.

use std::cell::Cell;
use std::sync::Arc;

use convproof::algebra::{Rational, SplitMix64};
use convproof::evaluate::{Ball, Image, Weights, enclosed};
use convproof::ir::{Order, SizeCondition, SizeExpr, Sizes, Stack, StackClaim, Symbols, Tolerance};
use convproof::operator::OperatorError;
use convproof::prove::verdict::Doubt;
use convproof::prove::verdict::{StackProof, StackVerdict, StackWitness, Worst};
use convproof::prove::within::{Measure, decide};
use proptest::prelude::*;

use crate::equality::brute::output;
use crate::equality::build::chain;
use crate::equality::decide::{Tally, config, count};
use crate::equality::rewrites;
use crate::equality::stacks::{Choice, Plan, chained, conv_plan, linear, max_plan};

/// The largest difference of the outputs for inputs up to `range`, as near as the weights' square roots are; `None`
/// where sizes differ.
pub(crate) fn worst(stacks: [&Stack; 2], size: [usize; 2], range: &Rational) -> Option<Rational> {
    let weights = Weights::new();
    let [h, w] = size;
    // Roots are known to some hundred digits; what may be 0 is taken to be that.
    let apart = |(a, b): (&Ball, &Ball)| if a.differs(b) { a.middle() - b.middle() } else { Rational::ZERO };
    let difference = |x: &Image| -> Option<Vec<Rational>> {
        let run = |stack: &Stack| match enclosed(stack, x, &weights) {
            Ok(output) => Some(output),
            Err(error) if error.is_no_output() => None,
            Err(error) => panic!("{error:?}"),
        };
        match stacks.map(run) {
            [None, None] => Some(Vec::new()),
            [Some(a), Some(b)] if a.size() == b.size() => {
                Some(a.values().iter().zip(b.values()).map(apart).collect())
            }
            _ => None,
        }
    };
    let silent = difference(&Image::zeros(1, h, w)?)?;
    let mut sums = vec![Rational::from(0); silent.len()];
    for at in 0..h * w {
        let answer = difference(&Image::impulse([1, h, w], [0, at / w, at % w])?)?;
        for ((sum, here), zero) in sums.iter_mut().zip(&answer).zip(&silent) {
            *sum = &*sum + &(here - zero).abs();
        }
    }
    let totals = sums.iter().zip(&silent).map(|(sum, zero)| &(sum * range) + &zero.abs());
    Some(totals.max().unwrap_or(Rational::from(0)))
}

fn fixed(plans: Vec<Plan>) -> Vec<Plan> {
    let seed = |choice: Choice| match choice {
        Choice::Free => Choice::Seed(5),
        seed @ Choice::Seed(_) => seed,
    };
    let all = |plans: Vec<Plan>| fixed(plans);
    let each = |plan: Plan| match plan {
        Plan::Conv { outputs, size, stride, dilation, padding, bias, weights } => {
            Plan::Conv { outputs, size, stride, dilation, padding, bias, weights: seed(weights) }
        }
        Plan::Transpose { size, stride, dilation, crop, more, weights } => {
            Plan::Transpose { size, stride, dilation, crop, more, weights: seed(weights) }
        }
        Plan::Grouped { per_group, size, stride, transposed, weights } => {
            Plan::Grouped { per_group, size, stride, transposed, weights: seed(weights) }
        }
        Plan::Scale(choice) => Plan::Scale(seed(choice)),
        Plan::Bias(choice) => Plan::Bias(seed(choice)),
        Plan::Sum(branches) => Plan::Sum(branches.into_iter().map(|(n, plans)| (n, all(plans))).collect()),
        Plan::Concat(branches) => Plan::Concat(branches.into_iter().map(all).collect()),
        other => other,
    };
    plans.into_iter().map(each).collect()
}

fn concrete_plans(most: usize) -> impl Strategy<Value = Vec<Plan>> {
    prop::collection::vec(linear(), 0..most).prop_map(fixed)
}

/// `h <= most and w <= most`.
fn up_to(most: i64) -> Sizes {
    let at_most = |side| Box::new(SizeCondition::Compare(side, Order::Le, SizeExpr::Constant(most)));
    Sizes::Where(SizeCondition::And(at_most(SizeExpr::Length(0)), at_most(SizeExpr::Length(1))))
}

#[test]
fn the_worst_difference_is_exact() {
    let tally = Tally::default();
    let largest = Cell::new(0);
    let sizes = prop_oneof![2 => Just(None), 1 => [1..11i64, 1..11].prop_map(Some)];
    let range = prop_oneof![Just(Rational::from(1)), Just(Rational::ratio(5, 2).unwrap())];
    proptest!(config(150), |(
        plans in concrete_plans(4),
        (place, change) in (0..12usize, 0..6usize),
        sizes in sizes,
        range in range,
        exceed in any::<bool>(),
    )| {
        let mut symbols = Symbols::default();
        let (left, _) = chained(&plans, 1, &mut symbols);
        let right = rewrites::mutated(&left, place, change);
        let most = 8_i64;
        let spoken: Vec<[usize; 2]> = match sizes {
            Some([h, w]) => vec![[h, w].map(|n| usize::try_from(n).unwrap())],
            None => (1..9).flat_map(|h| (1..9).map(move |w| [h, w])).collect(),
        };
        let expected: Option<Vec<Rational>> =
            spoken.iter().map(|&size| worst([&left, &right], size, &range)).collect();
        let expected = expected.map(|all| all.into_iter().max().unwrap());
        let bound = match (&expected, exceed) {
            (Some(worst), true) => worst * &Rational::ratio(999, 1000).unwrap(),
            (Some(worst), false) => worst.clone(),
            (None, _) => Rational::from(1_000_000),
        };
        let tolerance = Tolerance { bound, range };
        let claim = StackClaim {
            left: left.clone(),
            right: right.clone(),
            channels: 1,
            tolerance: Some(tolerance.clone()),
            sizes: sizes.map_or(up_to(most), Sizes::One),
        };
        match (decide(&claim, &tolerance, &symbols), expected) {
            (Err(_), _) => count(&tally.errors),
            (Ok(StackVerdict::Unknown(doubt)), expected) => {
                prop_assert!(false, "{:?} {:?}", doubt, expected);
            }
            (Ok(StackVerdict::Proved(StackProof::Within(found, _))), Some(expected)) => {
                count(&tally.proved);
                prop_assert!(found.is_exact());
                prop_assert_eq!(found.worst(), &expected);
                prop_assert!(!exceed || expected.is_zero());
                largest.set(largest.get() + u32::from(!expected.is_zero()));
            }
            (Ok(StackVerdict::Refuted(found)), expected) => {
                count(&tally.refuted);
                match (&found.witness, expected) {
                    (StackWitness::Excess(excess), Some(expected)) => {
                        prop_assert_eq!(excess.worst(), &Worst::Is(expected.clone()));
                        let shown = excess.counterexample();
                        prop_assert_eq!((shown.left() - shown.right()).abs(), expected);
                        let most = tolerance.range.clone();
                        prop_assert!(shown.input().values().iter().all(|x| x.abs() <= most));
                    }
                    (StackWitness::Size(_), None) => {}
                    (witness, expected) => prop_assert!(false, "{:?} {:?}", witness, expected),
                }
            }
            (Ok(other), expected) => prop_assert!(false, "{:?} {:?}", other, expected),
        }
    });
    println!("{tally:?} {largest:?}");
    assert!(largest.get() > 0 && tally.refuted.get() > 0, "{tally:?}");
}

/// Free weights in the difference make it as large as one likes.
#[test]
fn free_weights_exceed_every_bound() {
    let refuted = Cell::new(0);
    proptest!(config(60), |(plans in prop::collection::vec(linear(), 1..4), place in 0..12usize, change in 0..6usize)| {
        let mut symbols = Symbols::default();
        let (left, _) = chained(&plans, 1, &mut symbols);
        let right = rewrites::mutated(&left, place, change);
        let tolerance = Tolerance { bound: Rational::from(1000), range: Rational::from(1) };
        let claim = StackClaim {
            left: left.clone(),
            right: right.clone(),
            channels: 1,
            tolerance: Some(tolerance.clone()),
            sizes: Sizes::All,
        };
        let mut random = SplitMix64::new(4);
        match decide(&claim, &tolerance, &symbols) {
            Ok(StackVerdict::Proved(_)) => {
                // No weights may exceed it.
                let weights = crate::equality::brute::weights(&symbols, &mut random);
                for size in [[1, 1], [3, 4], [6, 5], [9, 10]] {
                    let unit = Rational::from(1);
                    let values = (0..size[0] * size[1]).map(|n| if n % 3 == 0 { unit.clone() } else { -&unit });
                    let x = Image::new(1, size[0], size[1], values.collect()).unwrap();
                    match [&left, &right].map(|stack| output(stack, &x, &weights)) {
                        [None, None] => {}
                        [Some(a), Some(b)] => {
                            prop_assert_eq!(a.size(), b.size());
                            let differences = a.values().iter().zip(b.values()).map(|(a, b)| (a - b).abs());
                            prop_assert!(differences.max().unwrap() <= tolerance.bound);
                        }
                        _ => prop_assert!(false, "sizes differ"),
                    }
                }
            }
            Ok(StackVerdict::Refuted(found)) => {
                refuted.set(refuted.get() + 1);
                if let StackWitness::Excess(excess) = &found.witness {
                    let shown = excess.counterexample();
                    prop_assert!((shown.left() - shown.right()).abs() > tolerance.bound);
                    prop_assert!(shown.input().values().iter().all(|x| x.abs() <= tolerance.range));
                }
            }
            Ok(StackVerdict::Unknown(doubt)) => prop_assert!(false, "{:?}", doubt),
            Err(_) => {}
        }
    });
    assert!(refuted.get() > 0);
}

/// A known value: a mean against its centre.
#[test]
fn a_known_worst_difference() {
    let id = chain(&[]);
    let mean =
        crate::equality::build::padded(&crate::equality::build::concrete([1, 1, 3, 3], vec![1; 9]), [1; 4]);
    let left: Arc<Stack> = chain(&[&mean]);
    let tolerance = Tolerance { bound: Rational::from(8), range: Rational::from(1) };
    let claim =
        StackClaim { left, right: id, channels: 1, tolerance: Some(tolerance.clone()), sizes: Sizes::All };
    let Ok(StackVerdict::Proved(StackProof::Within(found, _))) =
        decide(&claim, &tolerance, &Symbols::default())
    else {
        panic!("not within 8")
    };
    assert_eq!(*found.worst(), Rational::from(8));
}

/// Largest difference at random images of numbers and ends of the range.
fn seen(stacks: [&Stack; 2], size: [usize; 2], random: &mut SplitMix64) -> Option<Rational> {
    let [h, w] = size;
    let mut values = Vec::new();
    for _ in 0..h * w {
        values.push(Rational::ratio(i64::try_from(random.below(5)).ok()? - 2, 2)?);
    }
    let image = Image::new(1, h, w, values)?;
    let outputs = stacks.map(|stack| output(stack, &image, &Weights::new()));
    let [Some(a), Some(b)] = outputs else { return None };
    a.values().iter().zip(b.values()).map(|(a, b)| (a - b).abs()).max()
}

/// How many bounds were of which kind.
#[derive(Default)]
struct Bounds {
    all: Tally,
    exact: Cell<u32>,
    between: Cell<u32>,
}

/// What decides a claim.
type Decide = fn(&StackClaim, &Tolerance, &Symbols) -> Result<StackVerdict, OperatorError>;

/// A bound on the difference of a stack and one with a mistake: no image shows more, what is called exact is attained, and
/// what is refuted is shown.
fn holds(
    decide: Decide,
    plans: &[Plan],
    (place, change): (usize, usize),
    sizes: &Sizes,
    seed: u64,
    tally: &Bounds,
) -> Result<(), TestCaseError> {
    let mut symbols = Symbols::default();
    let (left, _) = chained(plans, 1, &mut symbols);
    let right = rewrites::mutated(&left, place, change);
    let verdict = |bound: Rational| {
        let tolerance = Tolerance { bound, range: Rational::from(1) };
        let claim = StackClaim {
            left: left.clone(),
            right: right.clone(),
            channels: 1,
            tolerance: Some(tolerance.clone()),
            sizes: sizes.clone(),
        };
        decide(&claim, &tolerance, &symbols)
    };
    let Ok(StackVerdict::Proved(StackProof::Within(found, _))) = verdict(Rational::from(1_000_000)) else {
        count(&tally.all.errors);
        return Ok(());
    };
    count(&tally.all.proved);
    let mut random = SplitMix64::new(seed);
    let mut most = Rational::ZERO;
    for size in (1..6).flat_map(|h| (1..6).map(move |w| [h, w])) {
        for _ in 0..6 {
            most = most.max(seen([&left, &right], size, &mut random).unwrap_or(Rational::ZERO));
        }
    }
    prop_assert!(most <= *found.worst(), "{:?} is more than {:?}", most, found.worst());
    if found.worst().is_zero() {
        return Ok(());
    }
    tally.exact.set(tally.exact.get() + u32::from(found.is_exact()));
    let below = found.worst() * &Rational::ratio(999, 1000).unwrap();
    match verdict(below.clone()) {
        Ok(StackVerdict::Refuted(refuted)) => {
            count(&tally.all.refuted);
            let StackWitness::Excess(excess) = &refuted.witness else { panic!("sizes are equal") };
            let shown = excess.counterexample();
            prop_assert!((shown.left() - shown.right()).abs() > below);
            prop_assert!(shown.input().values().iter().all(|x| x.abs() <= Rational::from(1)));
        }
        Ok(StackVerdict::Unknown(_)) => {
            prop_assert!(!found.is_exact());
            tally.between.set(tally.between.get() + 1);
        }
        other => prop_assert!(false, "{:?}", other),
    }
    Ok(())
}

impl Bounds {
    fn say(&self) {
        eprintln!(
            "{} bounded, {} exact, {} shown, {} between, {} not",
            self.all.proved.get(),
            self.exact.get(),
            self.all.refuted.get(),
            self.between.get(),
            self.all.errors.get()
        );
    }
}

fn nonlinear_plan() -> impl Strategy<Value = Plan> {
    prop_oneof![2 => conv_plan(), 1 => max_plan(), 2 => Just(Plan::Relu), 1 => linear()]
}

#[test]
fn bounds_of_nonlinear_stacks_hold() {
    let tally = Bounds::default();
    let plans = prop::collection::vec(nonlinear_plan(), 1..4).prop_map(fixed);
    proptest!(config(150), |(plans in plans, mistake in (0..12usize, 0..6usize), seed in any::<u64>())| {
        holds(decide, &plans, mistake, &up_to(5), seed, &tally)?;
    });
    tally.say();
    assert!(tally.exact.get() > 0 && tally.all.refuted.get() > 0);
}

#[test]
fn bounds_of_means_hold_at_every_size() {
    let tally = Bounds::default();
    let before = prop::collection::vec(nonlinear_plan(), 0..3);
    let after = prop_oneof![Just(Plan::Relu), (1..9_u64).prop_map(|seed| Plan::Scale(Choice::Seed(seed)))];
    let plans = (before, prop::collection::vec(after, 0..3)).prop_map(|(mut plans, after)| {
        plans.push(Plan::GlobalAverage);
        plans.extend(after);
        fixed(plans)
    });
    proptest!(config(150), |(plans in plans, mistake in (0..12usize, 0..6usize), all: bool, seed in any::<u64>())| {
        holds(decide, &plans, mistake, &if all { Sizes::All } else { up_to(5) }, seed, &tally)?;
    });
    tally.say();
    assert!(tally.all.proved.get() > 0 && tally.all.refuted.get() > 0);
}

fn by_layers(
    claim: &StackClaim,
    tolerance: &Tolerance,
    symbols: &Symbols,
) -> Result<StackVerdict, OperatorError> {
    let found = Measure::Layers.alone(claim, tolerance, symbols)?;
    Ok(found.unwrap_or(StackVerdict::Unknown(Doubt::Nonlinear { tries: 0 })))
}

#[test]
fn bounds_layer_by_layer_hold() {
    let tally = Bounds::default();
    let scale = || (1..9_u64).prop_map(|seed| Plan::Scale(Choice::Seed(seed)));
    let branches = (scale(), scale(), 1..3_i64).prop_map(|(a, b, factor)| {
        Plan::Sum(vec![(factor, vec![a, Plan::Relu]), (-1, vec![Plan::Relu, b]), (1, vec![])])
    });
    let joined =
        (scale(), scale()).prop_map(|(a, b)| Plan::Concat(vec![vec![a, Plan::Relu], vec![Plan::Relu, b]]));
    let plan = prop_oneof![6 => nonlinear_plan(), 1 => branches, 1 => joined, 1 => Just(Plan::GlobalAverage)];
    let plans = prop::collection::vec(plan, 1..5).prop_map(fixed);
    proptest!(config(300), |(plans in plans, mistake in (0..12usize, 0..6usize), all: bool, seed in any::<u64>())| {
        holds(by_layers, &plans, mistake, &if all { Sizes::All } else { up_to(5) }, seed, &tally)?;
    });
    tally.say();
    assert!(tally.all.proved.get() > 0 && tally.all.refuted.get() > 0);
}
