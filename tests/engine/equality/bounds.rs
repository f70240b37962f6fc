//! Bounds where weights are numbers: square roots that are rounded on the way, and integers that outgrow their words.

use std::cell::Cell;
use std::fmt::Write as _;

use convproof::algebra::{Rational, SplitMix64};
use convproof::ir::{Sizes, StackClaim, Symbols, Tolerance};
use convproof::prove::verdict::{StackProof, StackVerdict, StackWitness};
use convproof::prove::within::decide;
use proptest::prelude::*;

use crate::equality::decide::config;
use crate::equality::opinion::claim;
use crate::equality::within::worst;

/// A claim about images of one size with another bound.
fn bounded(text: &str, bound: &Rational) -> (StackClaim, Tolerance, Symbols) {
    let (mut claim, symbols) = claim(&format!("{text} within 1"));
    claim.sizes = Sizes::One([4, 5]);
    let tolerance = Tolerance { bound: bound.clone(), ..claim.tolerance.clone().unwrap() };
    claim.tolerance = Some(tolerance.clone());
    (claim, tolerance, symbols)
}

fn verdict(text: &str, bound: &Rational) -> StackVerdict {
    let (claim, tolerance, symbols) = bounded(text, bound);
    decide(&claim, &tolerance, &symbols).expect(text)
}

/// The proved bound, and whether it is exact.
fn proved(text: &str, bound: &Rational) -> Option<(Rational, bool)> {
    match verdict(text, bound) {
        StackVerdict::Proved(StackProof::Within(found, _)) => Some((found.worst().clone(), found.is_exact())),
        _ => None,
    }
}

fn is_refuted(text: &str, bound: &Rational) -> bool {
    matches!(verdict(text, bound), StackVerdict::Refuted(found) if matches!(found.witness, StackWitness::Excess(_)))
}

fn dyadic(bits: u32) -> Rational {
    Rational::dyadic(1.into(), bits)
}

/// Layers with square roots, and the same with decimals in their place; one channel.
fn layers(seed: u64) -> [String; 2] {
    let mut random = SplitMix64::new(seed);
    let mut texts = [String::from("id"), String::from("id")];
    for _ in 0..=random.below(3) {
        let n = random.below(7) + 2;
        // √n to three places.
        let near = (0_u64..).find(|k| (k + 1) * (k + 1) > n * 1_000_000).unwrap();
        let mut small = || i64::try_from(random.below(9)).unwrap() - 4;
        let kernel = format!("[{} {} {}; {} {} 1]", small(), small(), small(), small(), small());
        let (gain, mean) = (small(), small());
        let link = match random.below(9) {
            0 => ["scale(sqrt(N))", "scale(R)"].map(str::to_owned),
            1 => ["scale(1/sqrt(N))", "scale(1/(R))"].map(str::to_owned),
            2 => ["bias(sqrt(N))", "bias(R)"].map(str::to_owned),
            3 => [
                format!("batchnorm({gain}, 1/3, {mean}, N - 1/7, 1/7)"),
                format!("scale({gain}/(R)) -> bias(1/3 - {mean}*{gain}/(R))"),
            ],
            4 => ["sqrt(N)", "(R)"]
                .map(|root| format!("({root} * conv({kernel}, padding=1) + 2 * pad(1,0,0,0))")),
            5 => ["sqrt(N)", "(R)"]
                .map(|root| format!("convtranspose({kernel} * {root}, stride=2, bias={root})")),
            6 => ["sqrt(N)", "(R)"].map(|root| format!("concat(id, scale({root})) -> select(1,2)")),
            7 => ["sumpool(2)"; 2].map(str::to_owned),
            _ => [(); 2].map(|()| format!("conv({kernel}, padding=[1,1,1,1])")),
        };
        for (text, link) in texts.iter_mut().zip(link) {
            let link = link.replace('N', &n.to_string()).replace('R', &format!("{near}/1000"));
            write!(text, " -> {link}").unwrap();
        }
    }
    texts
}

/// The bound holds the true value, which is known to hundreds of bits, and little more; and however near to it a claim's
/// bound is, it decides.
#[test]
fn rounded_roots_enclose_the_worst_difference() {
    let (decided, close) = (Cell::new(0), Cell::new(0));
    proptest!(config(60), |(seed in any::<u64>())| {
        let [left, right] = layers(seed);
        let text = format!("{left} ~= {right}");
        let (claim, tolerance, _) = bounded(&text, &Rational::ONE);
        let expected = worst([&claim.left, &claim.right], [4, 5], &tolerance.range).unwrap();
        if expected.is_zero() {
            prop_assert!(proved(&text, &Rational::ZERO).is_some(), "{text}");
            return Ok(());
        }
        for bits in [10, 40, 150] {
            let (above, below) = (&expected * &(Rational::ONE + dyadic(bits)), &expected * &(Rational::ONE - dyadic(bits)));
            let found = proved(&text, &above);
            prop_assert!(found.is_some(), "{text} within {above}");
            let (found, exact) = found.unwrap();
            prop_assert!(found <= above && found >= &expected * &(Rational::ONE - dyadic(250)));
            prop_assert!(found <= &expected * &(Rational::ONE + dyadic(18)));
            prop_assert!(!exact || found == expected);
            prop_assert!(is_refuted(&text, &below), "{text} within {below}");
            decided.set(decided.get() + 1);
            close.set(close.get() + u32::from(!exact));
        }
    });
    assert!(decided.get() > 60 && close.get() > 30, "{decided:?} {close:?}");
}

/// What is off at first is off by far more after layers that enlarge it: each kind of layer must hand that on.
#[test]
fn what_is_off_grows_with_what_comes_after() {
    let huge = "1267650600228229401496703205376";
    for after in [
        format!("scale({huge})"),
        format!("conv([{huge} {huge}])"),
        format!("convtranspose([{huge} 1])"),
        format!("({huge} * id)"),
        format!("sumpool(2) -> scale({huge})"),
        format!("concat(id, scale({huge}))"),
    ] {
        let text = format!("scale(sqrt(2)) -> {after} ~= scale(1414/1000) -> {after}");
        let (claim, tolerance, _) = bounded(&text, &Rational::ONE);
        let expected = worst([&claim.left, &claim.right], [4, 5], &tolerance.range).unwrap();
        for bits in [20, 60, 120] {
            assert!(proved(&text, &(&expected * &(Rational::ONE + dyadic(bits)))).is_some(), "{text}");
            assert!(is_refuted(&text, &(&expected * &(Rational::ONE - dyadic(bits)))), "{text}");
        }
    }
}

#[test]
fn roots_that_cancel_leave_nothing() {
    for text in [
        "scale(sqrt(2)) -> conv([1 2]) ~= conv([1 2]) -> scale(sqrt(2))",
        "scale(sqrt(2)) -> scale(sqrt(2)) ~= scale(2)",
        "batchnorm(1, 2, 3, 4) -> conv([1 2; 3 4]) ~= conv([1 2; 3 4] / sqrt(4 + 1/100000)) -> bias(20 - 30 / sqrt(4 + 1/100000))",
    ] {
        assert_eq!(proved(text, &Rational::ZERO), Some((Rational::ZERO, true)), "{text}");
    }
}

/// Relu and max pooling make no error larger, and forget none: √2 is larger than the decimal by 3.73·10⁻¹⁰.
#[test]
fn roots_are_rounded_through_relu_and_max_pooling() {
    for layer in ["relu", "maxpool(2)"] {
        let text = format!("scale(sqrt(2)) -> {layer} ~= {layer} -> scale(1414213562/1000000000)");
        let (worst, exact) = proved(&text, &dyadic(20)).unwrap();
        assert!(!exact && worst > Rational::ratio(373, 1_000_000_000_000).unwrap());
        assert!(worst < Rational::ratio(374, 1_000_000_000_000).unwrap());
        assert!(is_refuted(&text, &dyadic(32)), "{text}");
    }
}

/// Integers that do not fit in words, at the start or on the way, are as exact as others.
#[test]
fn bounds_scale_with_the_weights() {
    let text = |factor: &str| {
        let side = |taps: &str| {
            format!(
                "{factor} * (conv([1 2 {taps}], padding=[0,1,0,1]) -> ({factor} * conv([{taps}; 5], padding=1)) -> ({factor} * conv([1; {taps}], padding=1)))"
            )
        };
        format!("{} ~= {}", side("3"), side("4"))
    };
    let large = Rational::dyadic(num_bigint::BigInt::from(1) << 1000_u32, 0_u32);
    let (one, exact) = proved(&text("1"), &large).unwrap();
    assert!(exact && !one.is_zero());
    let mut factors: Vec<(String, Rational)> = Vec::new();
    for bits in [20_u32, 40, 41, 42, 63, 64, 127, 200] {
        let power = num_bigint::BigInt::from(1) << bits;
        factors.push((power.to_string(), Rational::from(power.clone())));
        factors.push((format!("(1/{power})"), Rational::dyadic(1.into(), bits)));
        factors.push((format!("(-{power}/7)"), Rational::new(-power, 7.into()).unwrap()));
    }
    for (factor, value) in factors {
        let expected = &one * &value.abs().pow(3).unwrap();
        assert_eq!(proved(&text(&factor), &large), Some((expected.clone(), true)), "{factor}");
        assert!(is_refuted(&text(&factor), &(&expected * &(Rational::ONE - dyadic(100)))), "{factor}");
    }
}
