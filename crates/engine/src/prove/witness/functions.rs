//! Differences with functions whose values are not rational: images at which a sum is enclosed between numbers that leave
//! out 0.
//!
//! Only what is enclosed is believed; the evaluator then shows numbers near the values.

use rustc_hash::FxHashMap;

use super::probe::Probe;
use super::walk::{Quantity, Walk};
use crate::evaluate::{Functions, Weights, exact_value};
use crate::forms::arena::{Arena, Form};
use crate::ir::Function;
use crate::prove::values::hull::Pixel;
use crate::prove::values::interval::Enclosed;
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
        let enclosed: Option<Enclosed> = Walk::new(&probe).sum(form, [0, 0]);
        if enclosed.is_some_and(|enclosed| !enclosed.may_vanish()) {
            let weights = weights.clone().with_functions(Functions::Near);
            return Some((probe.pixels, weights));
        }
    }
    None
}

/// Bits of the ends of what a sum lies between.
const BITS: u32 = 256;

impl Quantity for Enclosed {
    const STEPS: u64 = 1_000;
    fn is_zero(&self) -> bool {
        self.is_point() && self.low().is_zero()
    }
    fn plus(&self, other: &Self) -> Self {
        self.plus(other)
    }
    fn times(&self, other: &Self) -> Self {
        self.product(other)
    }
    fn larger(self, other: Self) -> Self {
        Self::larger(&self, &other)
    }
    fn applied(&self, function: Function) -> Option<Self> {
        value(function, self)
    }
    fn kept(self) -> Self {
        // Else numbers grow with every layer.
        self.outward(BITS)
    }
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
