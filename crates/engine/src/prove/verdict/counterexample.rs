//! Counterexamples to the equality of stacks. They exist only as replayed by the naive evaluator.

use crate::evaluate::{self, EvaluateError, Functions, Image, Weights};
use crate::ir::{Stack, Symbols};
use convproof_exact::{Limited, Rational, Symbol};

/// Weights, an input, and an output position at which two stacks give different values; replayed.
///
/// Where weights contain square roots of numbers that are irrational, both values are close rationals, which differ
/// by far more than they may be off.
#[derive(Clone, Debug, PartialEq)]
pub struct Counterexample {
    weights: Vec<(String, Rational)>,
    zeros: bool,
    approximate: bool,
    input: Image,
    position: [usize; 3],
    left: Rational,
    right: Rational,
    outputs: [Image; 2],
}

/// An input size at which two stacks have different output sizes; replayed.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    channels: usize,
    size: [i64; 2],
    left: Option<[usize; 3]>,
    right: Option<[usize; 3]>,
}

/// Why a candidate is no counterexample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// The evaluator has no result.
    Evaluate(EvaluateError),
    /// The stacks agree on it: the engine and the evaluator contradict each other.
    Contradiction,
    /// The input is too large to be an image.
    TooLarge,
}

/// The names and values of some weights that are not 0, in order of declaration.
pub fn named(
    weights: &Weights,
    symbols: &Symbols,
    shown: impl Fn(Symbol) -> bool,
) -> Vec<(String, Rational)> {
    let mut all: Vec<(Symbol, Rational)> = weights
        .iter()
        .filter(|(s, value)| !value.is_zero() && shown(*s))
        .map(|(s, v)| (s, v.clone()))
        .collect();
    all.sort_by_key(|(symbol, _)| *symbol);
    all.retain(|(symbol, _)| symbols.root_of(*symbol).is_none());
    let mut named = Vec::new();
    let mut rest = all.as_slice();
    while let Some((symbol, value)) = rest.first() {
        // A long vector or kernel with equal entries is one thing to read.
        let whole = symbols.owner(*symbol).filter(|(_, offset)| *offset == 0);
        let count = whole.and_then(|(kernel, _)| kernel.shape.entries()).unwrap_or(1);
        let equal = rest.len() >= count
            && rest[..count].iter().zip(symbol.0..).all(|((s, v), n)| s.0 == n && v == value);
        match whole {
            Some((kernel, _)) if equal && count.exceeds(FEW) => {
                named.push((format!("{}[*]", kernel.name), value.clone()));
                rest = &rest[count..];
            }
            _ => {
                named.push((symbols.name(*symbol), value.clone()));
                rest = &rest[1..];
            }
        }
    }
    named
}

/// Kernels of more entries, all of them equal, are shown as one weight: `v[*]`.
const FEW: usize = 4;

/// The symbols that the weights of two stacks rest on, as ranges.
struct Used {
    /// First symbols and how many, sorted, none inside another.
    ranges: Vec<(Symbol, u32)>,
    /// How many there are that are no square roots.
    free: usize,
}

impl Used {
    fn of(stacks: [&Stack; 2], symbols: &Symbols) -> Self {
        let (mut ranges, single): (Vec<_>, Vec<_>) =
            stacks.map(Stack::symbol_ranges).concat().into_iter().partition(|(_, count)| *count > 1);
        // Only single symbols can be roots.
        let single = symbols.foundations(single.into_iter().map(|(symbol, _)| symbol).collect());
        ranges.extend(single.into_iter().map(|symbol| (symbol, 1)));
        ranges.sort_unstable_by_key(|&(symbol, count)| (symbol, std::cmp::Reverse(count)));
        let mut kept: Vec<(Symbol, u32)> = Vec::new();
        for (symbol, count) in ranges {
            if kept.last().is_none_or(|(first, length)| symbol.0 - first.0 >= *length) {
                kept.push((symbol, count));
            }
        }
        let free = |&&(symbol, count): &&(Symbol, u32)| count > 1 || symbols.root_of(symbol).is_none();
        let free = kept.iter().filter(free).map(|&(_, count)| count as usize).sum();
        Self { ranges: kept, free }
    }

    fn contains(&self, symbol: Symbol) -> bool {
        let after = self.ranges.partition_point(|(first, _)| *first <= symbol);
        after.checked_sub(1).is_some_and(|at| symbol.0 - self.ranges[at].0.0 < self.ranges[at].1)
    }
}

impl Counterexample {
    /// Runs both stacks on the input and keeps the first difference found there, at `position` if that differs.
    pub fn replay(
        left: &Stack,
        right: &Stack,
        weights: &Weights,
        symbols: &Symbols,
        input: Image,
        position: Option<[usize; 3]>,
    ) -> Result<Self, ReplayError> {
        // Square roots that cancelled in the engine are still computed here, though they are irrational.
        let close;
        let both = |weights: &Weights| {
            let run = |stack: &Stack| evaluate::run(stack, &input, weights).map_err(ReplayError::Evaluate);
            Ok([run(left)?, run(right)?])
        };
        let (outputs, weights) = match both(weights) {
            Err(ReplayError::Evaluate(EvaluateError::Irrational)) => {
                close = weights.clone().approximating();
                (both(&close)?, &close)
            }
            exact => (exact?, weights),
        };
        if outputs[0].size() != outputs[1].size() {
            return Err(ReplayError::Contradiction);
        }
        let [channels, height, width] = outputs[0].size();
        let all =
            (0..channels).flat_map(|c| (0..height).flat_map(move |i| (0..width).map(move |j| [c, i, j])));
        let found = position
            .into_iter()
            .chain(all)
            .find(|&[c, i, j]| differ(outputs[0].at(c, i, j), outputs[1].at(c, i, j), weights))
            .ok_or(ReplayError::Contradiction)?;
        let [c, i, j] = found;
        let used = Used::of([left, right], symbols);
        let shown = named(weights, symbols, |symbol| used.contains(symbol));
        let (left, right) = (outputs[0].at(c, i, j).clone(), outputs[1].at(c, i, j).clone());
        let zeros = used.free > weights.iter().filter(|(s, v)| !v.is_zero() && used.contains(*s)).count();
        let approximate = weights.is_approximating();
        Ok(Self { weights: shown, zeros, approximate, input, position: found, left, right, outputs })
    }

    /// The weights that are not 0, by name.
    pub fn weights(&self) -> &[(String, Rational)] {
        &self.weights
    }

    /// Whether the stacks have other free weights, which are 0.
    pub fn has_zeros(&self) -> bool {
        self.zeros
    }

    /// Whether irrational square roots were replaced by close rationals, so that the values are close, too.
    pub fn is_approximate(&self) -> bool {
        self.approximate
    }

    /// The input.
    pub fn input(&self) -> &Image {
        &self.input
    }

    /// Channel, row and column of the output.
    pub fn position(&self) -> [usize; 3] {
        self.position
    }

    /// The left stack's value there.
    pub fn left(&self) -> &Rational {
        &self.left
    }

    /// The right stack's value there.
    pub fn right(&self) -> &Rational {
        &self.right
    }

    /// How far these are apart.
    pub fn difference(&self) -> Rational {
        (&self.left - &self.right).abs()
    }

    /// Both stacks' outputs.
    pub fn outputs(&self) -> &[Image; 2] {
        &self.outputs
    }

    /// How many outputs differ, and how many there are.
    pub fn count(&self) -> (usize, usize) {
        let [left, right] = &self.outputs;
        let pairs = left.values().iter().zip(right.values());
        (pairs.filter(|(a, b)| a != b).count(), left.values().len())
    }
}

/// Whether two values differ; where square roots were cut off, by far more than that could make.
pub fn differ(left: &Rational, right: &Rational, weights: &Weights) -> bool {
    differ_by_more(&Rational::ZERO, left, right, weights)
}

/// Whether two values differ by more than a bound; where square roots were cut off, by far more than that could make.
pub fn differ_by_more(bound: &Rational, left: &Rational, right: &Rational, weights: &Weights) -> bool {
    if left == right {
        return bound.is_negative();
    }
    let excess = (left - right).abs() - bound;
    excess > (left.abs() + right.abs()) * weights.margin()
}

impl Mismatch {
    /// Runs both stacks on a zero image and compares the output sizes.
    pub fn replay(
        left: &Stack,
        right: &Stack,
        weights: &Weights,
        channels: usize,
        size: [i64; 2],
    ) -> Result<Self, ReplayError> {
        let [h, w] = size.map(|n| usize::try_from(n).unwrap_or(0));
        let zeros = Image::zeros(channels, h, w).ok_or(ReplayError::TooLarge)?;
        // Sizes do not depend on weights.
        let weights = weights.clone().approximating().with_functions(Functions::Surrogate);
        let run = |stack: &Stack| match evaluate::run(stack, &zeros, &weights) {
            Ok(output) => Ok(Some(output.size())),
            // A stack that takes images of other channels has no output, either.
            Err(EvaluateError::ChannelMismatch { .. }) => Ok(None),
            Err(error) if error.is_no_output() => Ok(None),
            Err(error) => Err(ReplayError::Evaluate(error)),
        };
        let (left, right) = (run(left)?, run(right)?);
        if left == right {
            return Err(ReplayError::Contradiction);
        }
        Ok(Self { channels, size, left, right })
    }

    /// Channels of the input.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The input size.
    pub fn size(&self) -> [i64; 2] {
        self.size
    }

    /// Channels, rows and columns of both outputs; `None` where there is none.
    pub fn outputs(&self) -> [Option<[usize; 3]>; 2] {
        [self.left, self.right]
    }
}
