//! What the naive evaluator says of two stacks at every small input size.

use std::collections::BTreeMap;

use convproof::algebra::{Rational, SplitMix64, Symbol};
use convproof::evaluate::{EvaluateError, Image, Weights, run};
use convproof::ir::{Stack, Symbols};

/// What happens at a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Neither stack has an output.
    Silent,
    /// The output sizes differ.
    Sizes,
    /// Both have an output of this height and width; these positions differ for some weights and input.
    Output([usize; 2], Vec<[usize; 2]>),
}

impl Seen {
    pub(crate) fn is_equal(&self) -> bool {
        matches!(self, Self::Output(_, wrong) if wrong.is_empty())
    }

    pub(crate) fn is_different(&self) -> bool {
        !self.is_equal() && *self != Self::Silent
    }
}

/// Every size that was tried.
pub(crate) type Survey = BTreeMap<[usize; 2], Seen>;

fn number(random: &mut SplitMix64, spread: u64) -> Rational {
    let value = i64::try_from(random.below(2 * spread)).unwrap() - spread.cast_signed();
    Rational::from(if value < 0 { value } else { value + 1 })
}

/// All symbols of a spec but its square roots.
pub(crate) fn all_symbols(symbols: &Symbols) -> Vec<Symbol> {
    let kernels = symbols.kernels();
    kernels
        .flat_map(|kernel| {
            let count = u32::try_from(kernel.shape.entries().unwrap()).unwrap();
            (0..count).map(|offset| Symbol(kernel.first.0 + offset))
        })
        .collect()
}

/// Random weights, none of them 0.
pub(crate) fn weights(symbols: &Symbols, random: &mut SplitMix64) -> Weights {
    all_symbols(symbols).into_iter().map(|symbol| (symbol, number(random, 1000))).collect()
}

pub(crate) fn image(channels: usize, [h, w]: [usize; 2], random: &mut SplitMix64) -> Image {
    let values = (0..channels * h * w).map(|_| number(random, 1 << 24)).collect();
    Image::new(channels, h, w, values).unwrap()
}

/// The output, if there is one.
pub(crate) fn output(stack: &Stack, image: &Image, weights: &Weights) -> Option<Image> {
    match run(stack, image, weights) {
        Ok(image) => Some(image),
        Err(error) if error.is_no_output() => None,
        Err(error) => panic!("{error:?}"),
    }
}

/// Whether an evaluation fails at any size for reasons other than the size.
pub(crate) fn is_sound(stack: &Stack, channels: usize, symbols: &Symbols) -> bool {
    let mut random = SplitMix64::new(3);
    let weights = weights(symbols, &mut random);
    let result = run(stack, &image(channels, [9, 10], &mut random), &weights);
    !matches!(result, Err(error) if !error.is_no_output() && error != EvaluateError::TooLarge)
}

/// What happens at one size.
pub(crate) fn at(
    stacks: [&Stack; 2],
    channels: usize,
    symbols: &Symbols,
    size: [usize; 2],
    seed: u64,
) -> Seen {
    let mut random = SplitMix64::new(seed);
    let mut wrong = Vec::new();
    let mut extent = [0; 2];
    let tries = if symbols.kernels().next().is_none() { 1 } else { 2 };
    for _ in 0..tries {
        let weights = weights(symbols, &mut random);
        let x = image(channels, size, &mut random);
        match stacks.map(|stack| output(stack, &x, &weights)) {
            [None, None] => return Seen::Silent,
            [Some(left), Some(right)] if left.size() == right.size() => {
                let [c, h, w] = left.size();
                extent = [h, w];
                for (i, j) in (0..h).flat_map(|i| (0..w).map(move |j| (i, j))) {
                    if (0..c).any(|c| left.at(c, i, j) != right.at(c, i, j)) {
                        wrong.push([i, j]);
                    }
                }
            }
            _ => return Seen::Sizes,
        }
    }
    wrong.sort_unstable();
    wrong.dedup();
    Seen::Output(extent, wrong)
}

/// What happens at all heights and widths up to `most`.
pub(crate) fn survey(stacks: [&Stack; 2], channels: usize, symbols: &Symbols, most: usize) -> Survey {
    let sizes = (1..=most).flat_map(|h| (1..=most).map(move |w| [h, w]));
    sizes.map(|size| (size, at(stacks, channels, symbols, size, 11))).collect()
}
