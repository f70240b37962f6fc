//! What shows a difference of sums of words: weights along a path of channels that make a shortest word not 0. Nothing here makes a
//! proof: what it finds is replayed by the naive evaluator.

use rustc_hash::FxHashMap;

use super::words::SumComparison;
use crate::evaluate::{Image, Weights};
use crate::forms::arena::{End, Word};
use crate::forms::blocks::Block;
use crate::forms::generic::declared;
use crate::forms::weights::Letter;
use crate::ir::{StackClaim, Symbols};
use crate::kernel::Shape;
use crate::prove::values::point::Dependence;
use crate::prove::verdict::counterexample::Counterexample;
use convproof_exact::{Monomial, Rational, SplitMix64, Symbol};

/// Weights that are tried for each word.
const TRIES: u64 = 8;

/// Of these so many in which roots of entries of one vector are equal.
const ALIKE: u64 = 4;

/// Words that are tried.
const MAX_WORDS: usize = 12;

impl SumComparison {
    /// Weights and an image that show a difference at a size, replayed.
    pub fn counterexample(
        &self,
        claim: &StackClaim,
        symbols: &Symbols,
        size: [i64; 2],
    ) -> Option<Counterexample> {
        let [rows, columns] = self.sights(size)?;
        let places = rows.iter().enumerate().flat_map(|(i, &row)| {
            columns.iter().enumerate().map(move |(j, &column)| ([i, j], (row, column)))
        });
        let (position, (block, difference)) =
            places.filter_map(|(at, (row, column))| Some((at, self.difference(row, column)?))).next()?;
        let at = position.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        let origin = self.origin(size, at);
        let words = self.arena.shortest_words(difference, MAX_WORDS);
        let roots: Vec<Symbol> = symbols.roots().iter().map(|root| root.symbol).collect();
        let dependence = Dependence::of(symbols, &roots);
        for attempt in 0..TRIES {
            for word in &words {
                let first = *self.outputs.get(*block)?;
                let Some(point) = self.point(word, symbols, attempt, first) else { continue };
                let weights = point.all_weights(symbols, &dependence, attempt);
                let [h, w] = size.map(|n| usize::try_from(n).unwrap_or(0));
                let full = [claim.channels, h, w];
                let image = match word.end {
                    End::One => Image::zeros(claim.channels, h, w),
                    End::Term(_) | End::Applied(_) | End::Product(_) | End::Mean(_) => continue,
                    End::Pixel(_) => {
                        let place =
                            [0, 1].map(|a| usize::try_from(origin[a] + word.place[a]).unwrap_or(usize::MAX));
                        Image::impulse(full, [point.input, place[0], place[1]])
                    }
                };
                let Some(image) = image else { continue };
                let output = Some([point.output, position[0], position[1]]);
                let found =
                    Counterexample::replay(&claim.left, &claim.right, &weights, symbols, image, output);
                if let Ok(found) = found {
                    return Some(found);
                }
            }
        }
        None
    }

    /// Weights that make a word not 0: one entry of each matrix, along a path of channels that visits each only once
    /// where there are enough. `None` where channels or symbols cannot be chosen.
    fn point(&self, word: &Word, symbols: &Symbols, attempt: u64, block: Block) -> Option<Point> {
        let mut used: FxHashMap<usize, usize> = FxHashMap::default();
        let mut next = |count: usize| {
            let index = used.entry(count).or_default();
            *index += 1;
            (*index - 1) % count.max(1)
        };
        let counts = |letter: u32| self.letters.letter(letter).channels();
        let mut path = vec![next(block.width)];
        path.extend(word.letters.iter().map(|(_, letter)| next(counts(*letter)[1])));
        let value = |seed: u64| {
            let all = [1, -1, 2, 3];
            let at = if attempt == 0 { 0 } else { draw(seed ^ attempt, 4) };
            Rational::from(all[usize::try_from(at).unwrap_or(0)])
        };
        let mut weights: FxHashMap<Symbol, Rational> = FxHashMap::default();
        for (place, (diagonal, letter)) in word.letters.iter().enumerate() {
            let letter = self.letters.letter(*letter);
            if let Letter::Free { .. } = letter {
                let symbol = letter.symbol(path[place], path[place + 1])?;
                weights.insert(symbol, value(u64::from(symbol.0)));
            }
            self.set_diagonal(diagonal, path[place], symbols, &value, &mut weights);
        }
        let last = *path.last()?;
        self.set_diagonal(&word.diagonal, last, symbols, &value, &mut weights);
        for &(symbol, _) in word.scalars.factors() {
            if let Some(symbol) = declared(symbol) {
                weights.insert(symbol, value(u64::from(symbol.0)));
            }
        }
        let input =
            if let End::Pixel(number) = word.end { self.inputs.get(number as usize)?.at(last) } else { last };
        Some(Point { weights, output: block.at(path[0]), input })
    }

    /// Values of the entries of diagonals at a channel.
    fn set_diagonal(
        &self,
        diagonal: &Monomial,
        channel: usize,
        symbols: &Symbols,
        value: &impl Fn(u64) -> Rational,
        weights: &mut FxHashMap<Symbol, Rational>,
    ) {
        for symbol in diagonal.factors().iter().filter_map(|(symbol, _)| declared(*symbol)) {
            let Some((kernel, _)) = symbols.owner(symbol) else { continue };
            let Shape { outputs, height, width, .. } = kernel.shape;
            // A vector, or a kernel for each channel.
            let (count, area) =
                if kernel.shape.is_plane() { (height * width, 1) } else { (outputs, height * width) };
            let Some(offset) = u32::try_from(channel * self.division.step(count) * area).ok() else {
                continue;
            };
            weights.insert(Symbol(symbol.0 + offset), value(u64::from(symbol.0)));
        }
    }
}

/// Chosen weights, and the channels of the output and the input that they link.
struct Point {
    weights: FxHashMap<Symbol, Rational>,
    output: usize,
    input: usize,
}

impl Point {
    /// Values for all weights: the chosen ones, what follows from roots, 1 for what may be divided by, and 0.
    fn all_weights(&self, symbols: &Symbols, dependence: &Dependence, attempt: u64) -> Weights {
        let chosen = |symbol: Symbol| {
            if let Some(value) = self.weights.get(&symbol) {
                return value.clone();
            }
            if let Some(root) = symbols.root_of(symbol) {
                // First the same for all entries of a vector.
                let under = root.radicand.symbols().first().and_then(|&under| symbols.owner(under));
                let first = under.filter(|_| attempt < ALIKE).map_or(symbol, |(kernel, _)| kernel.first);
                let drawn = if attempt == 0 { 1 } else { draw(u64::from(first.0) ^ attempt, 3) + 1 };
                return Rational::from(drawn);
            }
            Rational::from(i64::from(symbol.is_scalar() || symbols.is_divisor(symbol)))
        };
        let scalars = symbols.kernels().map(|kernel| kernel.first).filter(|symbol| symbol.is_scalar());
        let roots = symbols.roots().iter().flat_map(|root| root.radicand.symbols());
        let all = scalars.chain(roots).chain(symbols.divisors()).chain(self.weights.keys().copied());
        all.map(|symbol| (symbol, dependence.rational(symbol, &chosen))).collect()
    }
}

/// A number below `below`, the same for the same seed.
fn draw(seed: u64, below: u64) -> i64 {
    i64::try_from(SplitMix64::new(seed).below(below)).unwrap_or(0)
}
