//! Differences with functions whose values are not rational: images at which a sum is enclosed between numbers that leave
//! out 0.
//!
//! Only what is enclosed is believed; the evaluator then shows numbers near the values.

use rustc_hash::FxHashMap;

use super::probe::{Known, MAX_KNOWN, Probe};
use crate::evaluate::{Functions, Weights, exact_value};
use crate::forms::arena::{Arena, End, Form};
use crate::ir::Function;
use crate::prove::values::hull::Pixel;
use crate::prove::values::interval::Enclosed;
use convproof_exact::budget::spend_on;
use convproof_exact::{Rational, SplitMix64, elementary};

/// Images that are tried.
const IMAGES: u64 = 24;

/// Pixels that are set, at most.
const MAX_PIXELS: usize = 64;

/// An image at which a sum is certainly not 0, with the weights to show it at.
pub fn search(
    arena: &Arena,
    form: &Form,
    weights: &Weights,
) -> Option<(FxHashMap<Pixel, Rational>, Weights)> {
    if arena.has_no_functions() {
        return None;
    }
    let mut probe = Probe::new(arena, weights);
    let (pixels, _) = probe.parts(form);
    let pixels: Vec<Pixel> = pixels.into_iter().take(MAX_PIXELS).collect();
    let mut generator = SplitMix64::new(0x00F0_0D5E);
    for round in 0..IMAGES {
        let mut value = || {
            let n = i64::try_from(generator.below(9)).unwrap_or(0) - 4;
            // Of both signs, nearer to 0, and of one sign.
            let [n, divisor] = match round % 4 {
                0 => [n, 1],
                1 => [n, 4],
                2 => [-n.abs(), 1],
                _ => [n.abs(), 2],
            };
            Rational::ratio(n, divisor).unwrap_or_default()
        };
        probe.pixels = pixels.iter().map(|&pixel| (pixel, value())).collect();
        let enclosed = enclosed(&probe, form);
        if enclosed.is_some_and(|enclosed| !enclosed.may_vanish()) {
            let weights = weights.clone().with_functions(Functions::Near);
            return Some((probe.pixels, weights));
        }
    }
    None
}

/// Bits of the ends of what a sum lies between.
const BITS: u32 = 256;

/// What a sum lies between; `None` where words have matrices, and for large arguments.
fn enclosed(probe: &Probe<'_>, form: &Form) -> Option<Enclosed> {
    enclosed_at(probe, form, [0, 0], &mut Known::default())
}

/// The same of a sum moved by a place.
fn enclosed_at(
    probe: &Probe<'_>,
    form: &Form,
    moved: [i64; 2],
    known: &mut Known<Enclosed>,
) -> Option<Enclosed> {
    let words = probe.arena().flat(form)?;
    spend_on(words.len() + 1, 1_000);
    let mut sum = Enclosed::from(Rational::ZERO);
    for word in words {
        let place = [word.place[0] + moved[0], word.place[1] + moved[1]];
        let end = match known.get(&(word.end, place)) {
            Some(end) => end.clone(),
            None => {
                let end = enclosed_end(probe, word.end, place, known)?;
                if known.len() < MAX_KNOWN {
                    known.insert((word.end, place), end.clone());
                }
                end
            }
        };
        let factor = &word.coefficient * &probe.factor(&word.scalars)?;
        sum = sum.plus(&end.product(&Enclosed::from(factor)));
    }
    // Else numbers grow with every layer.
    Some(sum.outward(BITS))
}

/// What the end of a word lies between, at a place.
fn enclosed_end(
    probe: &Probe<'_>,
    end: End,
    place: [i64; 2],
    known: &mut Known<Enclosed>,
) -> Option<Enclosed> {
    Some(match end {
        End::Pixel(block) => Enclosed::from(probe.pixels.get(&(block, place)).cloned().unwrap_or_default()),
        End::One => Enclosed::from(Rational::ONE),
        // Of the whole image not enough is known.
        End::Mean(_) => return None,
        End::Applied(number) => {
            let applied = probe.arena().applied(number);
            value(applied.function, &enclosed_at(probe, &applied.form, place, known)?)?
        }
        End::Product(number) => {
            let mut product = Enclosed::from(Rational::ONE);
            for factor in probe.arena().factors(number) {
                product = product.product(&enclosed_at(probe, factor, place, known)?);
            }
            product
        }
        End::Term(term) => {
            let forms = &probe.arena().term(term).forms;
            let all = forms.iter().map(|form| enclosed_at(probe, form, place, known));
            all.collect::<Option<Vec<_>>>()?.into_iter().reduce(|a, b| a.larger(&b))?
        }
    })
}

/// What a function lies between at an enclosed argument.
fn value(function: Function, x: &Enclosed) -> Option<Enclosed> {
    if x.is_point()
        && let Some(exact) = exact_value(function, x.low())
    {
        return Some(Enclosed::from(exact));
    }
    // Of functions that grow with their argument, both ends are enough.
    let growing = |of: fn(&Rational) -> Option<[Rational; 2]>, x: &Enclosed| {
        let ([low, _], [_, high]) = (of(x.low())?, of(x.high())?);
        Some(Enclosed::between(low, high))
    };
    match function {
        Function::Sigmoid => growing(elementary::sigmoid, x),
        Function::Tanh => growing(elementary::tanh, x),
        Function::Softplus => growing(elementary::softplus, x),
        Function::Silu => Some(x.product(&growing(elementary::sigmoid, x)?)),
        Function::Gelu => Some(x.product(&growing(elementary::normal, x)?)),
        Function::GeluTanh => {
            let half = growing(elementary::gelu_argument, x)?;
            Some(x.product(&growing(elementary::sigmoid, &half.plus(&half))?))
        }
        Function::HardSwish => {
            let [sixth, half] = [Rational::ratio(1, 6)?, Rational::ratio(1, 2)?];
            let gate = x.times(&sixth).plus(&Enclosed::from(half));
            let clip = |end: &Rational| end.clone().max(Rational::ZERO).min(Rational::ONE);
            Some(x.product(&Enclosed::between(clip(gate.low()), clip(gate.high()))))
        }
    }
}
