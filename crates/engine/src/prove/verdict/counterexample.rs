//! Counterexamples to the equality of stacks. They exist only as replayed by the naive evaluator.

use crate::evaluate::{self, Ball, EvaluateError, Functions, Image, Weights};
use crate::ir::{Stack, Symbols};
use crate::kernel::joined;
use convproof_exact::{Limited, Rational, Symbol};

/// Weights, an input, and an output position at which two stacks give different values; replayed.
///
/// Where outputs are irrational both values are enclosed, and the enclosures do not meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Counterexample {
    weights: Vec<(String, Rational)>,
    zeros: bool,
    approximate: bool,
    input: Image,
    position: [usize; 3],
    values: [Ball; 2],
    outputs: [Image; 2],
    different: usize,
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
        // A long vector or kernel with equal entries is one thing to read, and so are many entries of a vector.
        let mut next = symbol.0..;
        let alike = rest.iter().take_while(|(s, v)| Some(s.0) == next.next() && v == value).count();
        let many = symbols.owner(*symbol).and_then(|(kernel, offset)| {
            let entries = kernel.shape.entries()?;
            let count = alike.min(entries - offset);
            let name = match count {
                _ if !count.exceeds(FEW) => return None,
                _ if count == entries => format!("{}[*]", kernel.name),
                _ if kernel.indices == 1 => format!("{}[{offset}:{}]", kernel.name, offset + count),
                _ => return None,
            };
            Some((name, count))
        });
        let (name, count) = many.unwrap_or_else(|| (symbols.name(*symbol), 1));
        named.push((name, value.clone()));
        rest = &rest[count..];
    }
    named
}

/// More entries of a kernel, if they are all, or of a vector, one after the other, are shown as one weight where they are equal: `v[*]`,
/// `v[1:64]`.
const FEW: usize = 4;

/// The square roots in the weights of two stacks.
pub fn roots_in(stacks: [&Stack; 2], symbols: &Symbols) -> Vec<Symbol> {
    if symbols.roots().is_empty() { Vec::new() } else { Used::written(stacks).roots(symbols) }
}

/// The symbols that the weights of two stacks rest on, as ranges in order: the first, and how many.
struct Used(Vec<(Symbol, u32)>);

impl Used {
    fn of(stacks: [&Stack; 2], symbols: &Symbols) -> Self {
        let written = Self::written(stacks);
        let below = symbols.foundations(written.roots(symbols)).into_iter().map(|symbol| (symbol, 1));
        Self(joined(written.0.into_iter().chain(below).collect()))
    }

    /// Those that the weights are written in, without what roots are taken of.
    fn written(stacks: [&Stack; 2]) -> Self {
        Self(joined(stacks.map(Stack::symbol_ranges).concat()))
    }

    /// The square roots among them.
    fn roots(&self, symbols: &Symbols) -> Vec<Symbol> {
        symbols.roots().iter().map(|root| root.symbol).filter(|&root| self.contains(root)).collect()
    }

    /// How many there are that are no square roots.
    fn free(&self, symbols: &Symbols) -> usize {
        let all: usize = self.0.iter().map(|&(_, count)| count as usize).sum();
        all.saturating_sub(self.roots(symbols).len())
    }

    fn contains(&self, symbol: Symbol) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= symbol);
        after.checked_sub(1).is_some_and(|at| symbol.0 - self.0[at].0.0 < self.0[at].1)
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
        let run = |stack: &Stack| evaluate::enclosed(stack, &input, weights).map_err(ReplayError::Evaluate);
        let outputs = [run(left)?, run(right)?];
        if outputs[0].size() != outputs[1].size() {
            return Err(ReplayError::Contradiction);
        }
        let [channels, height, width] = outputs[0].size();
        let all =
            (0..channels).flat_map(|c| (0..height).flat_map(move |i| (0..width).map(move |j| [c, i, j])));
        let found = position
            .into_iter()
            .chain(all)
            .find(|&[c, i, j]| outputs[0].at(c, i, j).differs(outputs[1].at(c, i, j)))
            .ok_or(ReplayError::Contradiction)?;
        let [c, i, j] = found;
        let used = Used::of([left, right], symbols);
        let shown = named(weights, symbols, |symbol| used.contains(symbol));
        let values = outputs.each_ref().map(|output| output.at(c, i, j).clone());
        let pairs = outputs[0].values().iter().zip(outputs[1].values());
        let different = pairs.filter(|(a, b)| a.differs(b)).count();
        let approximate = outputs.iter().any(|output| output.exact().is_none());
        let outputs = outputs.map(|output| output.middle());
        let zeros =
            used.free(symbols) > weights.iter().filter(|(s, v)| !v.is_zero() && used.contains(*s)).count();
        Ok(Self { weights: shown, zeros, approximate, input, position: found, values, outputs, different })
    }

    /// The weights that are not 0, by name.
    pub fn weights(&self) -> &[(String, Rational)] {
        &self.weights
    }

    /// Whether the stacks have other free weights, which are 0.
    pub fn has_zeros(&self) -> bool {
        self.zeros
    }

    /// Whether some outputs are irrational, so that those that are shown are close.
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
        self.values[0].middle()
    }

    /// The right stack's value there.
    pub fn right(&self) -> &Rational {
        self.values[1].middle()
    }

    /// How far these are apart.
    pub fn difference(&self) -> Rational {
        (self.left() - self.right()).abs()
    }

    /// Whether they are known to be so far apart exactly.
    pub fn shows(&self, difference: &Rational) -> bool {
        self.values.iter().all(Ball::is_exact) && self.difference() == *difference
    }

    /// Whether they are known to be farther apart than a bound.
    pub fn passes(&self, bound: &Rational) -> bool {
        let [left, right] = &self.values;
        left.differs_by_more(right, bound)
    }

    /// Both stacks' outputs.
    pub fn outputs(&self) -> &[Image; 2] {
        &self.outputs
    }

    /// How many outputs differ, and how many there are.
    pub fn count(&self) -> (usize, usize) {
        (self.different, self.outputs[0].values().len())
    }
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
        let weights = weights.clone().with_functions(Functions::Surrogate);
        let run = |stack: &Stack| match evaluate::enclosed(stack, &zeros, &weights) {
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
