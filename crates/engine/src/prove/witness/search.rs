//! Looks for counterexamples by trying small inputs, where no procedure decides: nonlinear layers that do not
//! match, and limits. What it finds is replayed; what it does not find says nothing.

use super::simple::{simpler, simpler_values};
use crate::prove::survey::condition::{self, includes};
use crate::prove::survey::input::input_of;
use crate::prove::survey::table::Table;
use crate::prove::values::interval::Enclosed;
use crate::prove::values::point::Dependence;
use crate::prove::verdict::counterexample::{Counterexample, Mismatch};
use crate::prove::verdict::region::Status;
use crate::prove::verdict::{Doubt, StackRefutation, StackVerdict, StackWitness};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::evaluate::{Functions, Image, MAX_CELLS, Weights};
use crate::ir::{Sizes, StackClaim, Symbols};
use crate::operator::Operators;
use crate::operator::length::{Length, MAX_LENGTH, first_difference};
use convproof_exact::budget;
use convproof_exact::{Limited, Poly, Rational, SplitMix64, Symbol};

/// Inputs tried at each size.
const TRIES: usize = 60;

/// Most weights whose values are made simpler.
const MAX_SIMPLIFIED: usize = 600;

/// Every scalar, divisor and square root 1, every other weight 0 or what follows from the roots: an output of the
/// right size, and no division by zero.
pub fn plain_weights(claim: &StackClaim, symbols: &Symbols) -> Weights {
    weights_from(symbols, &dependence(claim, symbols), |_| None)
}

/// How the weights of a claim depend on each other.
pub fn dependence(claim: &StackClaim, symbols: &Symbols) -> Dependence {
    Dependence::of(symbols, &used(claim, symbols))
}

/// All symbols that the weights of a claim rest on.
pub fn used(claim: &StackClaim, symbols: &Symbols) -> Vec<Symbol> {
    symbols.foundations([&claim.left, &claim.right].map(|stack| stack.symbols()).concat())
}

/// Values for the weights of a claim: those that are chosen, plain ones for the rest.
pub fn weights_from(
    symbols: &Symbols,
    dependence: &Dependence,
    chosen: impl Fn(Symbol) -> Option<Rational>,
) -> Weights {
    let plain = |symbol: Symbol| {
        let one = symbol.is_scalar() || dependence.is_positive(symbol, symbols);
        Rational::from(i64::from(one))
    };
    let mut weights = Weights::new();
    for symbol in concerned(symbols, dependence) {
        weights
            .set(symbol, dependence.rational(symbol, &|inner| chosen(inner).unwrap_or_else(|| plain(inner))));
    }
    weights
}

/// The weights that a claim rests on, in order, and those that are not 0 even where they cancel: what is divided by, and scalars.
fn concerned(symbols: &Symbols, dependence: &Dependence) -> BTreeSet<Symbol> {
    let scalars = symbols.kernels().map(|kernel| kernel.first).filter(|symbol| symbol.is_scalar());
    dependence.used().iter().copied().chain(symbols.divisors()).chain(scalars).collect()
}

/// Small values of the symbols that are no square roots at which a difference is not 0, though roots may be
/// irrational: many zeros, if that can be. All other `used` roots are of positive numbers there.
pub fn telling(difference: &Poly, used: &[Symbol], symbols: &Symbols) -> Option<BTreeMap<Symbol, Rational>> {
    let roots: Vec<Poly> = used
        .iter()
        .filter(|&&symbol| symbols.root_of(symbol).is_some())
        .map(|&symbol| Poly::symbol(symbol))
        .collect();
    // Only what the difference and the roots rest on matters; divisors are not 0.
    let resting = roots.iter().chain([difference]).flat_map(Poly::symbols).collect::<Vec<_>>();
    let mut open = symbols.foundations(resting);
    open.retain(|&symbol| symbols.root_of(symbol).is_none());
    open.sort_unstable();
    open.dedup();
    let mut values: BTreeMap<Symbol, Rational> = used
        .iter()
        .filter(|symbol| symbol.is_scalar() && symbols.root_of(**symbol).is_none())
        .chain(&open)
        .copied()
        .chain(symbols.divisors())
        .map(|symbol| (symbol, Rational::ONE))
        .collect();
    let tells = |values: &BTreeMap<Symbol, Rational>| {
        let value = |symbol| values.get(&symbol).cloned().unwrap_or_default();
        Enclosed::at(difference, symbols, &value).is_some_and(|found| !found.may_vanish())
            && roots.iter().all(|root| Enclosed::at(root, symbols, &value).is_some())
    };
    // Scalars are not 0 either, as something may be divided by them elsewhere.
    let stays = |symbol: Symbol| symbol.is_scalar() || symbols.is_divisor(symbol);
    let mut generator = SplitMix64::new(0x7E11);
    let mut tries = 0;
    while !tells(&values) {
        tries += 1;
        if tries > TRIES as u64 {
            return None;
        }
        // More and more values, so that a polynomial in one symbol of a high degree has not all of them as roots.
        for &symbol in &open {
            let value = drawn(&mut generator, 3 + tries);
            values.insert(symbol, if stays(symbol) && value.is_zero() { Rational::ONE } else { value });
        }
    }
    if open.len().within(MAX_SIMPLIFIED) {
        for &symbol in &open {
            let last = values.get(&symbol).cloned().unwrap_or_default();
            let simple = simpler_values(&last).into_iter().skip(usize::from(stays(symbol)));
            for value in simple.chain([last]) {
                values.insert(symbol, value);
                if tells(&values) {
                    break;
                }
            }
        }
    }
    Some(values)
}

/// Tries sizes that the survey of the linear parts points at.
pub fn nonlinear(claim: &StackClaim, symbols: &Symbols, table: &Table) -> StackVerdict {
    let of = |wanted: Status| {
        table
            .statuses
            .by_area()
            .into_iter()
            .filter(move |(_, status)| *status == wanted)
            .map(|(size, _)| size)
    };
    if let Some(size) = of(Status::Sizes).next()
        && let Ok(found) =
            Mismatch::replay(&claim.left, &claim.right, &plain_weights(claim, symbols), claim.channels, size)
    {
        return refuted(StackWitness::Size(found));
    }
    let sizes = of(Status::Values).take(4).collect::<Vec<_>>();
    try_sizes(claim, symbols, &sizes, |tries| Doubt::Nonlinear { tries })
}

/// Tries the smallest sizes at which there is an output.
pub fn at_small_sizes(claim: &StackClaim, symbols: &Symbols, doubt: Doubt) -> StackVerdict {
    let sizes = match &claim.sizes {
        Sizes::One(size) => vec![*size],
        sizes => small_sizes(claim).into_iter().filter(|&[h, w]| includes(sizes, [h, w])).collect(),
    };
    for &size in &sizes {
        let weights = plain_weights(claim, symbols);
        if let Ok(found) = Mismatch::replay(&claim.left, &claim.right, &weights, claim.channels, size) {
            return refuted(StackWitness::Size(found));
        }
    }
    try_sizes(claim, symbols, &sizes, |_| doubt)
}

/// Small lengths that are looked at for outputs of unequal size.
const SMALL: i64 = 128;

/// A small size that a claim speaks of at which two stacks have outputs of different sizes, or one has none; looked
/// for also at the first lengths at which they differ, however far out, and at those that the condition names.
pub fn unequal_size(sizes: &Sizes, lengths: [&[Arc<Length>; 2]; 2]) -> Option<[i64; 2]> {
    if let Sizes::One(_) = sizes {
        return None;
    }
    let (reach, modulus) = condition::reach(sizes);
    let named = [modulus, modulus.saturating_mul(2), modulus.saturating_mul(3)];
    let [heights, widths] = [0, 1].map(|axis| {
        let first = first_difference(&lengths[0][axis], &lengths[1][axis]).ok().flatten();
        let exists = |n: &i64| lengths.iter().any(|length| length[axis].at(*n).is_some());
        let from = (1..MAX_LENGTH).find(exists).unwrap_or(1);
        let beyond = reach..reach.saturating_add(SMALL);
        let all = (1..=SMALL).chain(from..from + SMALL).chain(beyond).chain(named).chain(first);
        all.filter(|n| (1..MAX_LENGTH).contains(n)).collect::<BTreeSet<i64>>()
    });
    let outputs = |[h, w]: [i64; 2]| lengths.map(|length| Some([length[0].at(h)?, length[1].at(w)?]));
    let pairs = heights.iter().flat_map(|&h| widths.iter().map(move |&w| [h, w]));
    pairs
        .filter(|&[h, w]| includes(sizes, [h, w]))
        .filter(|&size| {
            let [left, right] = outputs(size);
            left != right
        })
        .min_by_key(|[h, w]| (h.saturating_mul(*w), *h))
}

/// The least lengths with an output and a few more, along both axes.
fn small_sizes(claim: &StackClaim) -> Vec<[i64; 2]> {
    let mut operators = Operators::new(claim.channels, None);
    let Ok(input) = input_of(&operators, claim) else { return Vec::new() };
    let lengths = [&claim.left, &claim.right]
        .map(|stack| operators.apply(stack, input.clone()).map(|map| map.length).ok());
    let least = [0, 1].map(|axis| {
        let exists = |n: &i64| lengths.iter().flatten().any(|length| length[axis].at(*n).is_some());
        (1..256).find(exists).unwrap_or(1)
    });
    let mut sizes: Vec<[i64; 2]> =
        (0..4).flat_map(|down| (0..4).map(move |across| [least[0] + down, least[1] + across])).collect();
    sizes.sort_by_key(|[h, w]| h * w);
    sizes
}

/// Refuted, with nothing said of other sizes.
pub fn refuted(witness: StackWitness) -> StackVerdict {
    StackVerdict::Refuted(Box::new(StackRefutation::bare(witness)))
}

fn try_sizes(
    claim: &StackClaim,
    symbols: &Symbols,
    sizes: &[[i64; 2]],
    doubt: impl FnOnce(usize) -> Doubt,
) -> StackVerdict {
    let mut tries = 0;
    let found = tried(claim, symbols, &dependence(claim, symbols), sizes, &mut tries, |weights, found| {
        Some(simpler(claim, symbols, weights, found))
    });
    match found {
        Some(found) => refuted(StackWitness::Value(found)),
        None => StackVerdict::Unknown(doubt(tries)),
    }
}

/// What comes of the first counterexample of which something does, at small weights and images of some sizes; counts them.
pub fn tried<T>(
    claim: &StackClaim,
    symbols: &Symbols,
    dependence: &Dependence,
    sizes: &[[i64; 2]],
    tries: &mut usize,
    mut made: impl FnMut(Weights, Counterexample) -> Option<T>,
) -> Option<T> {
    let concerned = concerned(symbols, dependence);
    let mut generator = SplitMix64::new(0x00C0_FFEE);
    for &size in sizes {
        let [h, w] = size.map(|n| usize::try_from(n).unwrap_or(0));
        let cells = claim.channels.saturating_mul(h).saturating_mul(w);
        if cells.exceeds(MAX_CELLS) {
            continue;
        }
        for _ in 0..TRIES {
            *tries += 1;
            budget::spend_on(cells.saturating_add(concerned.len()), 100);
            let mut small = |spread: u64| drawn(&mut generator, spread);
            let random: FxHashMap<Symbol, Rational> = concerned
                .iter()
                .map(|&symbol| (symbol, small(2)))
                .filter(|(symbol, value)| !(symbol.is_scalar() && value.is_zero()))
                .collect();
            let weights = weights_from(symbols, dependence, |symbol| random.get(&symbol).cloned())
                .with_functions(Functions::Near);
            let values = (0..cells).map(|_| small(3)).collect();
            let Some(image) = Image::new(claim.channels, h, w, values) else { continue };
            let found = Counterexample::replay(&claim.left, &claim.right, &weights, symbols, image, None);
            if let Some(made) = found.ok().and_then(|found| made(weights, found)) {
                return Some(made);
            }
        }
    }
    None
}

/// A whole number no further from 0 than that.
fn drawn(generator: &mut SplitMix64, spread: u64) -> Rational {
    let value = i64::try_from(generator.below(2 * spread + 1)).unwrap_or(0);
    Rational::from(value - i64::try_from(spread).unwrap_or(0))
}

#[cfg(test)]
mod tests;
