//! Verdicts on equality and their descriptions against what the evaluator sees at every small size.

use std::cell::Cell;
use std::sync::Arc;

use convproof::ir::{
    AveragePool, Ends, Layer, MaxPool, Order, Padding, SizeCondition, SizeExpr, Sizes, Stack, StackClaim,
    Symbols, ends,
};
use convproof::operator::OperatorError;
use convproof::prove::condition::includes;
use convproof::prove::equality::decide;
use convproof::prove::region::{Agreement, LengthSet, SizeBox};
use convproof::prove::verdict::{Doubt, StackRefutation, StackVerdict, StackWitness};
use proptest::prelude::*;

use crate::equality::brute::{self, Seen, Survey};
use crate::equality::build::{chain, layer, pool, upsample};
use crate::equality::rewrites::{self, Pair};
use crate::equality::stacks::{Plan, any_layer, chained, linear};

/// How many verdicts of each kind there were.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) proved: Cell<u32>,
    pub(crate) refuted: Cell<u32>,
    pub(crate) described: Cell<u32>,
    pub(crate) unknown: Cell<u32>,
    pub(crate) errors: Cell<u32>,
}

pub(crate) fn count(cell: &Cell<u32>) {
    cell.set(cell.get() + 1);
}

/// So many cases, or as many as `PROPTEST_CASES` says.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 600, ..ProptestConfig::default() }
}

/// Sizes up to this are tried one by one; `EQUALITY_MOST` sets another number.
fn most() -> usize {
    std::env::var("EQUALITY_MOST").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

/// Decides the equality of two stacks and compares the verdict with the evaluator's results.
pub(crate) fn check(
    [left, right]: [&Arc<Stack>; 2],
    channels: usize,
    symbols: &Symbols,
    sizes: &Sizes,
    tally: &Tally,
) -> Result<bool, TestCaseError> {
    let claim = StackClaim {
        left: left.clone(),
        right: right.clone(),
        channels,
        tolerance: None,
        sizes: sizes.clone(),
    };
    let spoken = |size: [usize; 2]| {
        let [h, w] = size.map(|n| i64::try_from(n).unwrap());
        includes(sizes, [h, w])
    };
    let survey = || -> Survey {
        let mut all = match sizes {
            Sizes::One(size) => {
                let size = size.map(|n| usize::try_from(n).unwrap());
                std::iter::once((size, brute::at([left, right], channels, symbols, size, 5))).collect()
            }
            _ => brute::survey([left, right], channels, symbols, most()),
        };
        all.retain(|&size, _| spoken(size));
        all
    };
    match decide(&claim, symbols) {
        Err(OperatorError::BranchSizes { .. }) => {
            count(&tally.errors);
            let outputs = survey().into_iter().find(|(_, seen)| matches!(seen, Seen::Output(..)));
            prop_assert!(outputs.is_none(), "branches agree after all: {:?}", outputs);
            Ok(false)
        }
        Err(error) => Err(TestCaseError::fail(format!("{error:?}"))),
        Ok(StackVerdict::Unknown(doubt)) => {
            count(&tally.unknown);
            // Random strides under branches can leave one size or none: then a limit is an honest answer.
            prop_assert!(matches!(doubt, Doubt::Nonlinear { .. } | Doubt::Limit(_)), "{:?}", doubt);
            Ok(false)
        }
        Ok(StackVerdict::Proved(proof)) => {
            count(&tally.proved);
            let wrong = survey().into_iter().find(|(_, seen)| seen.is_different());
            prop_assert!(wrong.is_none(), "proved by {:?}, but {:?}", proof, wrong);
            Ok(true)
        }
        Ok(StackVerdict::Refuted(refutation)) => {
            count(&tally.refuted);
            if !refutation.agreement.is_empty() {
                count(&tally.described);
                let later = |size: [usize; 2]| brute::at([left, right], channels, symbols, size, 7);
                check_agreement(&refutation, sizes, &survey(), later)?;
            }
            Ok(false)
        }
    }
}

fn contains(set: Option<&LengthSet>, n: usize) -> bool {
    let n = i64::try_from(n).unwrap();
    set.is_none_or(|set| {
        if n >= set.from { set.residues.contains(&(n % set.modulus)) } else { set.small.contains(&n) }
    })
}

/// Whether the description of where the sides agree is what is seen.
fn check_agreement(
    refutation: &StackRefutation,
    sizes: &Sizes,
    survey: &Survey,
    later: impl Fn([usize; 2]) -> Seen,
) -> Result<(), TestCaseError> {
    let mut described = matches!(sizes, Sizes::One(_));
    for agreement in &refutation.agreement {
        match agreement {
            Agreement::Sizes(boxes) => {
                described = true;
                for (&[h, w], seen) in survey.iter().filter(|(_, seen)| **seen != Seen::Silent) {
                    let holds =
                        |one: &SizeBox| contains(one.height.as_ref(), h) && contains(one.width.as_ref(), w);
                    let said = boxes.iter().any(holds);
                    prop_assert_eq!(said, seen.is_equal(), "{:?} at {}x{}: {:?}", agreement, h, w, seen);
                }
            }
            Agreement::SizesBelow(boxes, bound) => {
                described = true;
                let bound = usize::try_from(*bound).unwrap();
                for (&[h, w], seen) in survey.iter().filter(|(_, seen)| **seen != Seen::Silent) {
                    let holds =
                        |one: &SizeBox| contains(one.height.as_ref(), h) && contains(one.width.as_ref(), w);
                    let said = boxes.iter().any(holds);
                    let known = said || h < bound && w < bound;
                    prop_assert!(
                        !known || said == seen.is_equal(),
                        "{:?} at {}x{}: {:?}",
                        agreement,
                        h,
                        w,
                        seen
                    );
                }
            }
            Agreement::Some(listed) => {
                described = true;
                let mut equal: Vec<[usize; 2]> =
                    survey.iter().filter(|(_, seen)| seen.is_equal()).map(|(&size, _)| size).collect();
                equal.sort_by_key(|&[h, w]| (h * w, h.abs_diff(w), h));
                for &size in listed {
                    let [h, w] = size.map(|n| usize::try_from(n).unwrap());
                    let seen = survey.get(&[h, w]).cloned().unwrap_or_else(|| later([h, w]));
                    prop_assert!(seen.is_equal(), "{:?} at {}x{}: {:?}", agreement, h, w, seen);
                }
                for [h, w] in equal.into_iter().take(6).filter(|[h, w]| h * w <= most()) {
                    let listed = listed.contains(&[h, w].map(|n| i64::try_from(n).unwrap()));
                    prop_assert!(listed, "{:?} leaves out {}x{}", agreement, h, w);
                }
            }
            Agreement::Interior { ring, exactly } => {
                let [top, left, bottom, right] = ring.map(|n| usize::try_from(n).unwrap());
                for size in [[41, 42], [43, 40], [44, 47]] {
                    let Seen::Output([h, w], wrong) = later(size) else { continue };
                    for (i, j) in (0..h).flat_map(|i| (0..w).map(move |j| (i, j))) {
                        let border = i < top || j < left || i + bottom >= h || j + right >= w;
                        let differs = wrong.binary_search(&[i, j]).is_ok();
                        prop_assert!(border || !differs, "{:?} at {:?}: {} {}", agreement, size, i, j);
                        prop_assert!(
                            !exactly || border == differs,
                            "{:?} at {:?}: {} {} of {:?}",
                            agreement,
                            size,
                            i,
                            j,
                            [h, w]
                        );
                    }
                }
            }
            // Compared in tests of their own; `Nowhere` is what remains.
            Agreement::IfZero(_) | Agreement::Nowhere => {}
        }
    }
    if !described {
        let equal = survey.iter().find(|(_, seen)| seen.is_equal());
        prop_assert!(equal.is_none(), "{:?}, but {:?}", refutation.agreement, equal);
    }
    Ok(())
}

/// A pair between the same layers, and the channels of the input.
fn embedded() -> impl Strategy<Value = (Pair, Vec<Plan>, Vec<Plan>, usize)> {
    let around = || prop::collection::vec(linear(), 0..2);
    (rewrites::pair(), around(), around(), channels())
}

fn channels() -> impl Strategy<Value = usize> {
    prop_oneof![5 => Just(1usize), 1 => 2..5usize]
}

/// The stacks of a pair between the same layers, and whether they must be equal.
fn embed(
    pair: &Pair,
    before: &[Plan],
    after: &[Plan],
    inputs: usize,
    symbols: &mut Symbols,
) -> Option<([Arc<Stack>; 2], bool)> {
    let (first, channels) = chained(before, inputs, symbols);
    let (sides, outputs, equal) = pair.stacks(channels, symbols)?;
    let (last, _) = chained(after, outputs, symbols);
    let stacks = sides.map(|side| chain(&[&first, &side, &last]));
    stacks.iter().all(|stack| brute::is_sound(stack, inputs, symbols)).then_some((stacks, equal))
}

#[test]
fn rewritten_stacks_are_equal() {
    let tally = Tally::default();
    proptest!(config(400), |((pair, before, after, inputs) in embedded())| {
        let mut symbols = Symbols::default();
        let built = embed(&pair, &before, &after, inputs, &mut symbols);
        prop_assume!(built.is_some());
        let ([left, right], equal) = built.unwrap();
        let errors = tally.errors.get();
        let proved = check([&left, &right], inputs, &symbols, &Sizes::All, &tally)?;
        prop_assert!(proved || !equal || tally.errors.get() > errors, "not proved");
    });
    println!("{tally:?}");
    assert!(tally.proved.get() > 0 && tally.unknown.get() == 0, "{tally:?}");
}

#[test]
fn wrong_rewrites_are_told_apart() {
    let tally = Tally::default();
    proptest!(config(400), |((pair, before, after, inputs) in embedded(), place in 0..12usize, change in 0..6usize)| {
        let mut symbols = Symbols::default();
        let built = embed(&pair, &before, &after, inputs, &mut symbols);
        prop_assume!(built.is_some());
        let ([left, right], _) = built.unwrap();
        let right = rewrites::mutated(&right, place, change);
        check([&left, &right], inputs, &symbols, &Sizes::All, &tally)?;
    });
    println!("{tally:?}");
    assert!(tally.refuted.get() > 0, "{tally:?}");
}

#[test]
fn unrelated_stacks() {
    let tally = Tally::default();
    let plans = || prop::collection::vec(linear(), 1..4);
    proptest!(config(300), |(left in plans(), right in plans())| {
        let mut symbols = Symbols::default();
        let (left, outputs) = chained(&left, 1, &mut symbols);
        let (right, others) = chained(&right, 1, &mut symbols);
        let one = |stack: Arc<Stack>, channels: usize| match channels {
            1 => stack,
            _ => chain(&[&stack, &layer(Layer::Select { from: 0, to: 1 })]),
        };
        let (left, right) = rewrites::levelled(&one(left, outputs), &one(right, others));
        prop_assume!(brute::is_sound(&left, 1, &symbols) && brute::is_sound(&right, 1, &symbols));
        check([&left, &right], 1, &symbols, &Sizes::All, &tally)?;
    });
    println!("{tally:?}");
    assert!(tally.refuted.get() > 0, "{tally:?}");
}

#[test]
fn global_averages() {
    let tally = Tally::default();
    let changes = prop::option::of((0..12usize, 0..6usize));
    let first = prop::option::of((prop::sample::select(vec![2usize, 3]), prop::bool::ANY));
    proptest!(config(120), |((pair, before, _, inputs) in embedded(), change in changes, first in first)| {
        let mut symbols = Symbols::default();
        let built = embed(&pair, &before, &[], inputs, &mut symbols);
        prop_assume!(built.is_some());
        let ([left, mut right], _) = built.unwrap();
        if let Some((place, change)) = change {
            right = rewrites::mutated(&right, place, change);
        }
        // A mean of means is the mean if the windows fill the image, whatever comes before.
        let (means, other) = match first {
            Some((p, true)) => (layer(Layer::Pool(pool([p; 2], [p; 2], Padding::Sides(Ends::NONE)))), left.clone()),
            Some((p, false)) => (upsample([p, 1], true), left.clone()),
            None => (chain(&[]), right),
        };
        let mean = layer(Layer::GlobalAverage);
        let sides = [chain(&[&left, &means, &mean]), chain(&[&other, &mean])];
        prop_assume!(sides.iter().all(|side| brute::is_sound(side, inputs, &symbols)));
        check([&sides[0], &sides[1]], inputs, &symbols, &Sizes::All, &tally)?;
    });
    println!("{tally:?}");
    assert!(tally.proved.get() > 20 && tally.refuted.get() > 20, "{tally:?}");
    assert!(tally.unknown.get() * 4 < tally.proved.get() + tally.refuted.get(), "{tally:?}");
}

/// `±h ± w` or one of them or a remainder, compared with a small number or remainder.
fn compare() -> impl Strategy<Value = SizeCondition> {
    use SizeExpr::{Add, Constant, Length, Rem, Sub};
    let order = prop::sample::select(vec![Order::Eq, Order::Ne, Order::Lt, Order::Le, Order::Gt, Order::Ge]);
    let remainder = || {
        let of = prop_oneof![
            Just(Length(0)),
            Just(Length(1)),
            Just(SizeExpr::Mul(Box::new(Length(0)), Box::new(Length(1))))
        ];
        (of, 2..4i64).prop_map(|(inner, m)| Rem(Box::new(inner), m))
    };
    let left = prop_oneof![
        2 => Just(Length(0)),
        2 => Just(Length(1)),
        1 => remainder(),
        1 => Just(Add(Box::new(Length(0)), Box::new(Length(1)))),
        2 => Just(Sub(Box::new(Length(0)), Box::new(Length(1)))),
    ];
    let right = prop_oneof![3 => (-4..9i64).prop_map(Constant), 1 => remainder()];
    (left, order, right).prop_map(|(a, order, b)| SizeCondition::Compare(a, order, b))
}

fn condition() -> impl Strategy<Value = SizeCondition> {
    compare().prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| SizeCondition::And(Box::new(a), Box::new(b))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| SizeCondition::Or(Box::new(a), Box::new(b))),
            inner.prop_map(|a| SizeCondition::Not(Box::new(a))),
        ]
    })
}

#[test]
fn claims_about_some_sizes() {
    let tally = Tally::default();
    let sizes = prop_oneof![
        1 => [1..14i64, 1..14].prop_map(Sizes::One),
        2 => condition().prop_map(Sizes::Where),
    ];
    let changes = prop::option::of((0..12usize, 0..6usize));
    proptest!(config(400), |((pair, before, after, inputs) in embedded(), change in changes, sizes in sizes)| {
        let mut symbols = Symbols::default();
        let built = embed(&pair, &before, &after, inputs, &mut symbols);
        prop_assume!(built.is_some());
        let ([left, mut right], _) = built.unwrap();
        if let Some((place, change)) = change {
            right = rewrites::mutated(&right, place, change);
        }
        check([&left, &right], inputs, &symbols, &sizes, &tally)?;
    });
    println!("{tally:?}");
    assert!(tally.refuted.get() > 0, "{tally:?}");
}

#[test]
fn nonlinear_proofs_hold() {
    let tally = Tally::default();
    let around = || prop::collection::vec(any_layer(), 0..3);
    let changes = prop::option::of((0..12usize, 0..6usize));
    let pairs = prop_oneof![2 => rewrites::pair(), 1 => rewrites::nonlinear_pair()];
    proptest!(config(400), |(pair in pairs, before in around(), after in around(), inputs in channels(), change in changes)| {
        let mut symbols = Symbols::default();
        let built = embed(&pair, &before, &after, inputs, &mut symbols);
        prop_assume!(built.is_some());
        let ([left, mut right], _) = built.unwrap();
        if let Some((place, change)) = change {
            right = rewrites::mutated(&right, place, change);
        }
        check([&left, &right], inputs, &symbols, &Sizes::All, &tally)?;
    });
    println!("{tally:?}");
    assert!(tally.proved.get() > 0, "{tally:?}");
}

/// The zero condition is necessary and sufficient: scalars may be missing or too many.
#[test]
fn zero_conditions_are_exact() {
    let tally = Tally::default();
    let plans = || prop::collection::vec(linear(), 1..4);
    proptest!(config(40), |(plans in plans(), kinds in prop::collection::vec(0..3usize, 1..3))| {
        let mut symbols = Symbols::default();
        let (left, channels) = chained(&plans, 1, &mut symbols);
        prop_assume!(brute::is_sound(&left, 1, &symbols));
        // The right side has free scalars more that vanish or do no harm at 0.
        let right = rewrites::with_scalars(&left, channels, &kinds, &mut symbols);
        let claim = StackClaim { left: left.clone(), right: right.clone(), channels: 1, tolerance: None, sizes: Sizes::All };
        let Ok(StackVerdict::Refuted(found)) = decide(&claim, &symbols) else { return Ok(()) };
        for agreement in &found.agreement {
            let Agreement::IfZero(names) = agreement else { continue };
            count(&tally.described);
            let zeros: Vec<_> = brute::all_symbols(&symbols)
                .into_iter()
                .filter(|&symbol| names.contains(&symbols.name(symbol)))
                .collect();
            prop_assert_eq!(zeros.len(), names.len());
            let mut random = convproof::algebra::SplitMix64::new(9);
            let mut seen = vec![false; zeros.len() + 1];
            let mut outputs = 0;
            for size in (18..22).flat_map(|h| (18..22).map(move |w| [h, w])) {
                for (n, seen) in seen.iter_mut().enumerate() {
                    let mut weights = brute::weights(&symbols, &mut random);
                    for (m, &zero) in zeros.iter().enumerate().filter(|&(m, _)| m != n) {
                        let _ = m;
                        weights.set(zero, convproof::algebra::Rational::from(0));
                    }
                    let x = brute::image(1, size, &mut random);
                    let sides = [&left, &right].map(|stack| brute::output(stack, &x, &weights));
                    outputs += u32::from(sides[0].is_some());
                    *seen |= sides[0] != sides[1];
                }
            }
            // Receptive fields may be larger than all the sizes that are tried.
            prop_assume!(outputs > 0);
            let all_zero = seen.pop().unwrap();
            prop_assert!(!all_zero, "{:?} is not sufficient", names);
            prop_assert!(seen.iter().all(|&differs| differs), "{:?} is not necessary: {:?}", names, seen);
        }
    });
    println!("{tally:?}");
    assert!(tally.described.get() > 0, "{tally:?}");
}

/// Cases that random stacks found.
mod found {
    use super::*;

    fn verdict(left: &Arc<Stack>, right: &Arc<Stack>, sizes: Sizes) -> StackVerdict {
        let tally = Tally::default();
        check([left, right], 1, &Symbols::default(), &sizes, &tally).unwrap();
        let claim =
            StackClaim { left: left.clone(), right: right.clone(), channels: 1, tolerance: None, sizes };
        decide(&claim, &Symbols::default()).unwrap()
    }

    #[test]
    fn ceil_mode_changes_nothing_with_same_padding() {
        let same = pool([2, 2], [1, 1], Padding::SameUpper);
        let ceil = AveragePool { ceil_mode: true, ..same.clone() };
        let real = AveragePool { count_include_pad: false, ..same.clone() };
        let [same, ceil, real] = [same, ceil, real].map(|pool| layer(Layer::Pool(pool)));
        assert!(matches!(verdict(&same, &ceil, Sizes::All), StackVerdict::Proved(_)));
        assert!(matches!(verdict(&ceil, &real, Sizes::All), StackVerdict::Refuted(_)));
    }

    #[test]
    fn maxima_with_gaps_do_not_compose() {
        let max = |size, stride| {
            let padding = Padding::Sides(Ends::NONE);
            layer(Layer::MaxPool(MaxPool { size: [size; 2], stride: [stride; 2], padding, ceil_mode: false }))
        };
        let two = chain(&[&max(1, 2), &max(2, 1)]);
        assert!(matches!(verdict(&two, &max(3, 2), Sizes::All), StackVerdict::Refuted(_)));
        let apart = chain(&[&max(2, 3), &max(1, 2)]);
        assert!(matches!(verdict(&apart, &max(2, 6), Sizes::All), StackVerdict::Proved(_)));
    }

    #[test]
    fn space_to_depth_needs_multiples() {
        let there = layer(Layer::SpaceToDepth(2));
        let first = layer(Layer::Select { from: 0, to: 1 });
        let left = chain(&[&there, &first]);
        let right = layer(Layer::Subsample([2, 2]));
        let StackVerdict::Refuted(found) = verdict(&left, &right, Sizes::All) else { panic!() };
        let even = LengthSet { from: 1, modulus: 2, residues: vec![0], small: vec![] };
        let sizes = Agreement::Sizes(vec![SizeBox { height: Some(even.clone()), width: Some(even) }]);
        assert_eq!(found.agreement, [sizes]);
    }

    #[test]
    fn conditions_on_both_lengths_reach_beyond_the_horizon() {
        // Zeros of the input's size, on the right from width 9 on, on the left from width 10 on.
        let nothing = layer(Layer::Scale(crate::equality::build::integer(0)));
        let cut = |n: i64| {
            chain(&[
                &layer(Layer::Pad(ends([0, 0, 0, -n]))),
                &layer(Layer::Pad(ends([0, 0, 0, n]))),
                &nothing,
            ])
        };
        let (left, right) = (cut(9), cut(8));
        for n in [0, 5, 30] {
            let apart = SizeExpr::Sub(Box::new(SizeExpr::Length(0)), Box::new(SizeExpr::Length(1)));
            let far = SizeCondition::Compare(apart, Order::Eq, SizeExpr::Constant(n));
            let StackVerdict::Refuted(found) = verdict(&left, &right, Sizes::Where(far)) else {
                panic!("{n}")
            };
            let StackWitness::Size(size) = &found.witness else { panic!() };
            assert_eq!(size.size(), [9 + n, 9]);
        }
    }

    #[test]
    fn different_strides_are_decided_at_every_size() {
        let (id, other) = (chain(&[]), layer(Layer::Subsample([1, 2])));
        let height = SizeCondition::Compare(SizeExpr::Length(0), Order::Eq, SizeExpr::Constant(7));
        let StackVerdict::Refuted(found) = verdict(&id, &other, Sizes::Where(height)) else { panic!() };
        let one = LengthSet { from: 2, modulus: 1, residues: vec![], small: vec![1] };
        assert_eq!(found.agreement, [Agreement::Sizes(vec![SizeBox { height: None, width: Some(one) }])]);
        // Equal sizes as long as the width is at most 9.
        let cut = |n: i64| layer(Layer::Pad(ends([0, n, 0, 0])));
        let left = chain(&[
            &layer(Layer::Subsample([1, 2])),
            &cut(4),
            &layer(Layer::Scale(crate::equality::build::integer(0))),
        ]);
        let right = chain(&[
            &layer(Layer::Subsample([1, 3])),
            &cut(5),
            &layer(Layer::Scale(crate::equality::build::integer(0))),
        ]);
        let StackVerdict::Refuted(found) = verdict(&left, &right, Sizes::All) else { panic!() };
        assert!(
            matches!(&found.agreement[..], [Agreement::Sizes(boxes)] if matches!(boxes[..], [SizeBox { height: None, .. }])),
            "{:?}",
            found.agreement
        );
    }
}
