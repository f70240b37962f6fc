//! Counterexamples as simple as they are found: weights and pixels that are 0, or else ±1, wherever the sides differ all the
//! same. Of many weights many at a time become 0 first (Zeller and Hildebrandt 2002, "Simplifying and isolating
//! failure-inducing input"), then each by itself. Every step is replayed.

use rustc_hash::FxHashSet;

use super::search;
use crate::evaluate::{Image, MAX_WORK, Weights};
use crate::ir::{StackClaim, Symbols};
use crate::prove::verdict::counterexample::Counterexample;
use convproof_exact::{Limited, Rational, Symbol, budget};

/// So few weights are looked at one by one only.
const FEW: usize = 24;

/// Of more weights a reader sees none anyway, and replays are slow.
const MOST: usize = 1 << 14;

/// Replays with many weights changed.
const MAX_MANY: usize = 300;

/// Most entries of weights and image together that are looked at one by one.
const MAX_ENTRIES: usize = 600;

/// Replays with one entry changed.
const MAX_SINGLE: usize = 3_000;

/// A counterexample that is as simple as is found.
pub fn simpler(
    claim: &StackClaim,
    symbols: &Symbols,
    weights: Weights,
    found: Counterexample,
) -> Counterexample {
    simplified(claim, symbols, search::used(claim, symbols), (weights, found)).1
}

/// A counterexample that is as simple as is found with other values of some weights, and the weights. Square roots, and what they
/// rest on, stay.
pub fn simplified(
    claim: &StackClaim,
    symbols: &Symbols,
    mut open: Vec<Symbol>,
    (weights, found): (Weights, Counterexample),
) -> (Weights, Counterexample) {
    let fixed: FxHashSet<Symbol> = symbols.roots().iter().flat_map(|root| root.radicand.symbols()).collect();
    open.retain(|symbol| symbols.root_of(*symbol).is_none() && !fixed.contains(symbol));
    open.sort_unstable();
    open.dedup();
    // No counterexample is lost to what makes it simpler: most of the budget stays, and what one more replay may take.
    let reserve = budget::left().map_or(0, |left| (left - left / 8).max(2 * MAX_WORK));
    let mut simple = Simple { claim, symbols, open, weights, found, left: MAX_MANY, reserve };
    simple.drop_many();
    let pixels = simple.found.input().values().len();
    if (simple.nonzero().len() + pixels).within(MAX_ENTRIES) {
        simple.left = MAX_SINGLE;
        // What a pixel needed may be simpler without it.
        while simple.simplify_weights() | simple.simplify_pixels() {}
    }
    (simple.weights, simple.found)
}

/// A counterexample on its way to a simpler one.
struct Simple<'a> {
    claim: &'a StackClaim,
    symbols: &'a Symbols,
    /// What may be changed, in order.
    open: Vec<Symbol>,
    /// The weights of the counterexample.
    weights: Weights,
    found: Counterexample,
    /// Replays that are left.
    left: usize,
    /// Steps of the budget that are not to be spent.
    reserve: u64,
}

impl Simple<'_> {
    /// Whether the sides differ at the weights as they are now and an image; then that is the counterexample.
    fn replays(&mut self, image: Image) -> bool {
        let spent = budget::left().is_some_and(|left| left < self.reserve);
        let Some(left) = self.left.checked_sub(1).filter(|_| !spent) else { return false };
        self.left = left;
        let ([one, other], position) = ([&self.claim.left, &self.claim.right], Some(self.found.position()));
        let found = Counterexample::replay(one, other, &self.weights, self.symbols, image, position).ok();
        let found = found.filter(|found| !found.is_approximate() || self.found.is_approximate());
        found.map(|found| self.found = found).is_some()
    }

    /// Whether the sides differ with other values of some weights; then these are the weights.
    fn takes(&mut self, changed: impl IntoIterator<Item = (Symbol, Rational)>) -> bool {
        let mut before = Vec::new();
        for (symbol, value) in changed {
            before.push((symbol, self.weights.get(symbol)));
            self.weights.set(symbol, value);
        }
        let replays = self.replays(self.found.input().clone());
        if !replays {
            before.into_iter().for_each(|(symbol, value)| self.weights.set(symbol, value));
        }
        replays
    }

    /// The weights that are not 0 and may be changed.
    fn nonzero(&self) -> Vec<Symbol> {
        self.open.iter().copied().filter(|&symbol| !self.weights.get(symbol).is_zero()).collect()
    }

    /// Makes as many weights 0 as can be at once, then half as many, and so on. Scalars, and what is divided by, are left.
    fn drop_many(&mut self) {
        let mut open = self.nonzero();
        open.retain(|symbol| !symbol.is_scalar() && !self.symbols.is_divisor(*symbol));
        if !(FEW..MOST).contains(&open.len()) {
            return;
        }
        let mut size = open.len().div_ceil(2);
        while self.left > 0 {
            let mut at = 0;
            while at < open.len() {
                let end = open.len().min(at + size);
                if self.takes(open[at..end].iter().map(|&symbol| (symbol, Rational::ZERO))) {
                    open.drain(at..end);
                } else {
                    at = end;
                }
            }
            if size == 1 {
                return;
            }
            size = size.div_ceil(2);
        }
    }

    /// Makes weights simpler one by one; whether one of them became so.
    fn simplify_weights(&mut self) -> bool {
        let mut any = false;
        for symbol in self.nonzero() {
            let simpler = simpler_values(&self.weights.get(symbol));
            any |= simpler.into_iter().any(|value| self.takes([(symbol, value)]));
        }
        any
    }

    /// Makes pixels simpler one by one; whether one of them became so.
    fn simplify_pixels(&mut self) -> bool {
        let mut any = false;
        let [channels, height, width] = self.found.input().size();
        for at in 0..self.found.input().values().len() {
            let simpler = simpler_values(&self.found.input().values()[at]);
            any |= simpler.into_iter().any(|value| {
                let mut values = self.found.input().values().to_vec();
                values[at] = value;
                Image::new(channels, height, width, values).is_some_and(|image| self.replays(image))
            });
        }
        any
    }
}

/// What is simpler than a number: 0, 1 and −1, up to the number itself.
pub(super) fn simpler_values(value: &Rational) -> Vec<Rational> {
    [0, 1, -1].map(Rational::from).into_iter().take_while(|simpler| simpler != value).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ir::{Conv, KernelTerm, Layer, Origin, Sizes, Stack};
    use crate::kernel::Shape;
    use convproof_exact::{Poly, SplitMix64};

    fn conv(kernel: KernelTerm) -> Stack {
        Stack::layer(Layer::Conv(Conv::plain(kernel, 1)), Origin::NOWHERE)
    }

    fn claim(left: Stack, right: Stack, size: [i64; 2]) -> StackClaim {
        let [left, right] = [left, right].map(Arc::new);
        StackClaim { left, right, channels: 1, tolerance: None, sizes: Sizes::One(size) }
    }

    fn free(symbols: &mut Symbols, name: &str, shape: Shape) -> (KernelTerm, Vec<Symbol>) {
        let kernel = symbols.declare(name, shape, 2).unwrap();
        let count = u32::try_from(shape.entries().unwrap()).unwrap();
        let entries = (0..count).map(|n| Symbol(kernel.first.0 + n)).collect();
        (KernelTerm::free(&kernel).unwrap(), entries)
    }

    fn values(numbers: &[i64]) -> Vec<Rational> {
        numbers.iter().copied().map(Rational::from).collect()
    }

    #[test]
    fn simpler_numbers_are_0_and_1_and_minus_1() {
        let simpler = |n: i64| simpler_values(&Rational::from(n));
        assert_eq!([0, 1, -1].map(simpler), [&[][..], &[0], &[0, 1]].map(values));
        assert_eq!([5, -5].map(simpler), [&[0, 1, -1][..]; 2].map(values));
    }

    #[test]
    fn one_weight_and_one_pixel_are_left() {
        let mut symbols = Symbols::default();
        let kernels = ["A", "B"].map(|name| free(&mut symbols, name, Shape::plane(5, 5)));
        let entries = kernels.each_ref().map(|kernel| kernel.1.clone()).concat();
        let [left, right] = kernels.map(|kernel| conv(kernel.0));
        let claim = claim(left, right, [5, 5]);
        let weights = || -> Weights {
            (1..).zip(&entries).map(|(n, &symbol)| (symbol, Rational::from(i64::from(n)))).collect()
        };
        let replay = |symbols: &Symbols| {
            let image = Image::new(1, 5, 5, values(&[1; 25])).unwrap();
            Counterexample::replay(&claim.left, &claim.right, &weights(), symbols, image, None).unwrap()
        };
        let found = replay(&symbols);
        assert_eq!(found.weights().len(), 50);
        let simple = simpler(&claim, &symbols, weights(), found);
        assert_eq!(simple.weights(), [("B[4,4]".to_owned(), Rational::ONE)]);
        let mut last = vec![0; 25];
        last[24] = 1;
        assert_eq!(simple.input().values(), values(&last));
        assert_eq!(simple.difference(), Rational::ONE);
        // Where nothing may be spent on it, it stays as it is; where enough is left, not.
        let within = |steps: u64| {
            let budget = budget::Budget { steps, ..budget::Budget::default() };
            budget.run(|| simpler(&claim, &symbols, weights(), replay(&symbols))).unwrap().weights().len()
        };
        assert_eq!([2 * MAX_WORK, 4 * MAX_WORK].map(within), [50, 1]);
        // What a root rests on stays as it is, and so do others that it is then enough with.
        symbols.root(&(&Poly::symbol(entries[3]) + &Poly::constant(12.into()))).unwrap();
        let simple = simpler(&claim, &symbols, weights(), replay(&symbols));
        assert_eq!(simple.weights(), [("A[0,3]".to_owned(), Rational::from(4))]);
    }

    #[test]
    fn nothing_that_is_left_can_be_simpler_by_itself() {
        let mut random = SplitMix64::new(9);
        let mut below = |n: u64| i64::try_from(random.below(n)).unwrap();
        let relu = || Stack::layer(Layer::Relu, Origin::NOWHERE);
        let mut entries_left = 0;
        for case in 0..60 {
            let mut symbols = Symbols::default();
            let kernels = ["A", "B"].map(|name| free(&mut symbols, name, Shape::plane(1 + case % 2, 2)));
            let entries = kernels.each_ref().map(|kernel| kernel.1.clone()).concat();
            let [a, b] = kernels.map(|kernel| conv(kernel.0));
            let chain = |links: &[Stack]| Stack::chain(links, Origin::NOWHERE);
            let sides = match case % 3 {
                0 => [chain(&[a.clone(), relu(), b.clone()]), chain(&[b, relu(), a])],
                1 => [chain(&[a.clone(), relu(), b.clone(), relu()]), chain(&[a, b, relu()])],
                _ => [chain(&[relu(), a]), chain(&[b, relu()])],
            };
            let [left, right] = sides;
            let claim = claim(left, right, [3, 4]);
            let weights: Weights =
                entries.iter().map(|&symbol| (symbol, Rational::from(below(9) - 4))).collect();
            let image = Image::new(1, 3, 4, (0..12).map(|_| Rational::from(below(9) - 4)).collect()).unwrap();
            let differs = |weights: &Weights, image: Image| {
                Counterexample::replay(&claim.left, &claim.right, weights, &symbols, image, None)
            };
            let Ok(found) = differs(&weights, image) else { continue };
            let simple = simpler(&claim, &symbols, weights, found);
            let named = |symbol: Symbol| {
                let name = symbols.name(symbol);
                let shown = simple.weights().iter().find(|(other, _)| *other == name);
                shown.map_or(Rational::ZERO, |(_, value)| value.clone())
            };
            let weights: Weights = entries.iter().map(|&symbol| (symbol, named(symbol))).collect();
            assert!(differs(&weights, simple.input().clone()).is_ok(), "{case}");
            for &symbol in &entries {
                for value in simpler_values(&weights.get(symbol)) {
                    let mut weights = weights.clone();
                    weights.set(symbol, value);
                    assert!(differs(&weights, simple.input().clone()).is_err(), "{case} {symbol:?}");
                }
            }
            for (at, old) in simple.input().values().iter().enumerate() {
                entries_left += usize::from(!old.is_zero());
                for value in simpler_values(old) {
                    let mut values = simple.input().values().to_vec();
                    values[at] = value;
                    let image = Image::new(1, 3, 4, values).unwrap();
                    assert!(differs(&weights, image).is_err(), "{case} {at}");
                }
            }
        }
        assert!(entries_left > 40, "{entries_left}");
    }
}
