//! Layers that look at the whole image, square roots, and stacks that no spec resolves to.

use std::sync::Arc;

use convproof::algebra::{Rational, SplitMix64};
use convproof::evaluate::run;
use convproof::ir::{KernelTerm, Layer, Operation, Sizes, Stack, StackClaim, Symbols, Tolerance, ends};
use convproof::operator::OperatorError;
use convproof::prove::equality::decide;
use convproof::prove::verdict::{StackVerdict, StackWitness};
use convproof::prove::within;
use proptest::prelude::*;

use crate::equality::brute;
use crate::equality::build::{added, chain, conv, free, integer, layer, pool, seeded, sum};
use crate::equality::decide::{Tally, check, config};
use crate::equality::stacks::{Choice, chained, choice, linear};

fn dense(weights: &KernelTerm) -> Arc<Stack> {
    layer(Layer::Dense { weights: weights.clone(), bias: Some(seeded([1, 1, 1, weights.shape().height], 4)) })
}

#[test]
fn whole_images() {
    let tally = Tally::default();
    let around = || prop::collection::vec(linear(), 0..3);
    proptest!(config(150), |(
        before in around(),
        size in [1..9usize, 1..9],
        outputs in 1..4usize,
        weights in choice(),
        kind in 0..5usize,
    )| {
        let mut symbols = Symbols::default();
        let (first, channels) = chained(&before, 1, &mut symbols);
        let mut random = SplitMix64::new(8);
        let x = brute::image(1, size, &mut random);
        let Ok(image) = run(&first, &x, &brute::weights(&symbols, &mut random)) else { return Ok(()) };
        let [_, h, w] = image.size();
        let count = channels * h * w;
        prop_assume!(count * outputs <= 200);
        let matrix = match weights {
            Choice::Free if count * outputs < 30 => free(&mut symbols, [1, 1, outputs, count]),
            _ => seeded([1, 1, outputs, count], 5),
        };
        let left = chain(&[&first, &dense(&matrix)]);
        let right = match kind {
            // The matrix as a kernel.
            0 => {
                let shape = convproof::kernel::Shape::new(outputs, channels, h, w);
                let kernel = crate::equality::build::apply(Operation::Reshape(&matrix, shape));
                let bias = Some(seeded([1, 1, 1, outputs], 4));
                chain(&[&first, &conv(convproof::ir::Conv { bias, ..crate::equality::build::plain(&kernel) })])
            }
            // One weight changed.
            1 => {
                let unit = (0..count * outputs).map(|n| i64::from(n == count / 2)).collect();
                let other = added(&matrix, &crate::equality::build::concrete([1, 1, outputs, count], unit));
                chain(&[&first, &dense(&other)])
            }
            // Two matrices in a row, the second the identity or not.
            2 | 3 => {
                let entry = |n: usize| i64::from(n.is_multiple_of(outputs + 1) || kind == 3 && n == 1);
                let square = (0..outputs * outputs).map(entry).collect();
                let weights = crate::equality::build::concrete([1, 1, outputs, outputs], square);
                let last = layer(Layer::Dense { weights, bias: None });
                chain(&[&left, &last])
            }
            _ => sum(&[(2, &left), (-1, &left)]),
        };
        let size = size.map(|n| i64::try_from(n).unwrap());
        let proved = check([&left, &right], 1, &symbols, &Sizes::One(size), &tally)?;
        prop_assert!(proved || matches!(kind, 1 | 3));
        // The mean of all.
        let mean = chain(&[&first, &layer(Layer::GlobalAverage)]);
        let window = chain(&[&first, &layer(Layer::Pool(pool([h, w], [1, 1], crate::equality::build::NO_PADDING)))]);
        prop_assert!(check([&mean, &window], 1, &symbols, &Sizes::One(size), &tally)?);
    });
    println!("{tally:?}");
    assert!(tally.refuted.get() > 0 && tally.unknown.get() == 0, "{tally:?}");
}

/// `√(v + e)` with a free `v`, and `e`.
fn root(symbols: &mut Symbols) -> (KernelTerm, KernelTerm) {
    let radicand = added(&free(symbols, [1; 4]), &integer(2));
    (radicand.sqrt(symbols).unwrap(), radicand)
}

fn inverse(term: &KernelTerm, symbols: &mut Symbols) -> KernelTerm {
    integer(1).divided(term, symbols).unwrap()
}

fn claim(left: &Arc<Stack>, right: &Arc<Stack>) -> StackClaim {
    StackClaim { left: left.clone(), right: right.clone(), channels: 1, tolerance: None, sizes: Sizes::All }
}

#[test]
fn square_roots_cancel() {
    let mut symbols = Symbols::default();
    let kernel = free(&mut symbols, [1, 1, 3, 3]);
    let (sigma, radicand) = root(&mut symbols);
    let scale = |term: &KernelTerm| layer(Layer::Scale(term.clone()));
    let conv = |term: &KernelTerm| crate::equality::build::padded(term, [1; 4]);
    let inverse = inverse(&sigma, &mut symbols);
    let folded = crate::equality::build::composed(&kernel, &inverse, [1, 1]);
    let equal = [
        (chain(&[&scale(&sigma), &scale(&sigma)]), scale(&radicand)),
        (chain(&[&scale(&sigma), &scale(&inverse)]), chain(&[])),
        (chain(&[&conv(&kernel), &scale(&inverse)]), conv(&folded)),
        (chain(&[&scale(&inverse), &scale(&radicand)]), scale(&sigma)),
    ];
    for (left, right) in &equal {
        assert!(matches!(decide(&claim(left, right), &symbols), Ok(StackVerdict::Proved(_))));
        assert!(matches!(decide(&claim(right, left), &symbols), Ok(StackVerdict::Proved(_))));
    }
    let different = [
        (scale(&sigma), scale(&radicand)),
        (scale(&sigma), scale(&inverse)),
        (conv(&folded), conv(&kernel)),
        (chain(&[&scale(&sigma), &scale(&sigma)]), scale(&added(&radicand, &integer(1)))),
    ];
    for (left, right) in &different {
        let verdict = decide(&claim(left, right), &symbols);
        assert!(matches!(verdict, Ok(StackVerdict::Refuted(_))), "{verdict:?}");
    }
    // √2 has no rational value: the replay uses a close one.
    let two = integer(2);
    let half = two.sqrt(&mut symbols).unwrap();
    let twice = chain(&[&scale(&half), &scale(&half)]);
    assert!(matches!(decide(&claim(&twice, &scale(&two)), &symbols), Ok(StackVerdict::Proved(_))));
    let verdict = decide(&claim(&scale(&half), &scale(&two)), &symbols);
    let Ok(StackVerdict::Refuted(found)) = verdict else { panic!("{verdict:?}") };
    let StackWitness::Value(found) = found.witness else { panic!() };
    let error = &(found.left() * found.left()) - &Rational::from(2);
    let tiny: Rational = "1e-80".parse().unwrap();
    assert!(found.is_approximate() && error.abs() < tiny && *found.right() == Rational::from(2));
}

#[test]
fn different_channels_are_an_error() {
    let one = chain(&[]);
    let two = conv(crate::equality::build::plain(&seeded([2, 1, 1, 1], 1)));
    let symbols = Symbols::default();
    for (left, right) in [(&one, &two), (&two, &one)] {
        let claim = claim(left, right);
        assert!(matches!(decide(&claim, &symbols), Err(OperatorError::BranchChannels { .. })));
        let tolerance = Tolerance { bound: Rational::from(1), range: Rational::from(1) };
        let found = within::decide(&claim, &tolerance, &symbols);
        assert!(matches!(found, Err(OperatorError::BranchChannels { .. })));
    }
}

#[test]
fn sizes_far_out_are_decided() {
    // Zeros from width 101 on and from width 100 on.
    let cut = |n: i64| {
        let pads = [layer(Layer::Pad(ends([0, 0, 0, -n]))), layer(Layer::Pad(ends([0, 0, 0, n])))];
        chain(&[&pads[0], &pads[1], &layer(Layer::Scale(integer(0)))])
    };
    let verdict = decide(&claim(&cut(100), &cut(99)), &Symbols::default()).unwrap();
    let StackVerdict::Refuted(found) = verdict else { panic!("{verdict:?}") };
    let StackWitness::Size(size) = &found.witness else { panic!() };
    assert_eq!(size.size(), [1, 100]);
    assert!(matches!(decide(&claim(&cut(100), &cut(100)), &Symbols::default()), Ok(StackVerdict::Proved(_))));
}
