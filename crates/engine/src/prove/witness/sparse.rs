//! Counterexamples with few weights: whatever can be 0 while the sides still differ is set to 0, many weights at a time
//! first (Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input"). Every step is replayed.

use rustc_hash::FxHashSet;

use super::search;
use crate::evaluate::Weights;
use crate::ir::{StackClaim, Symbols};
use crate::prove::verdict::counterexample::Counterexample;
use convproof_exact::{Rational, Symbol};

/// Counterexamples with fewer weights are read as they are.
const FEW: usize = 24;

/// Of more weights a reader sees none anyway, and replays are slow.
const MOST: usize = 1 << 14;

/// Replays.
const MAX_TRIES: usize = 300;

/// A counterexample at the same image with as few weights as are found. What is divided by, and what roots rest on, stays.
pub fn sparser(
    claim: &StackClaim,
    symbols: &Symbols,
    weights: &Weights,
    mut found: Counterexample,
) -> Counterexample {
    let roots = symbols.roots().flat_map(|root| root.radicand.symbols());
    let fixed: FxHashSet<Symbol> = symbols.divisors().chain(roots).collect();
    let is_open = |symbol: &Symbol| {
        !symbol.is_scalar() && symbols.root_of(*symbol).is_none() && !fixed.contains(symbol)
    };
    let mut open = search::used(claim, symbols);
    open.retain(|symbol| !weights.get(*symbol).is_zero() && is_open(symbol));
    open.sort_unstable();
    open.dedup();
    if !(FEW..MOST).contains(&open.len()) {
        return found;
    }
    let mut weights = weights.clone();
    let (mut size, mut tries) = (open.len().div_ceil(2), 0);
    loop {
        let mut at = 0;
        while at < open.len() {
            let end = open.len().min(at + size);
            let before: Vec<Rational> = open[at..end].iter().map(|&symbol| weights.get(symbol)).collect();
            open[at..end].iter().for_each(|&symbol| weights.set(symbol, Rational::ZERO));
            let (image, position) = (found.input().clone(), Some(found.position()));
            match Counterexample::replay(&claim.left, &claim.right, &weights, symbols, image, position) {
                Ok(better) => {
                    found = better;
                    open.drain(at..end);
                }
                Err(_) => {
                    open[at..end].iter().zip(before).for_each(|(&symbol, value)| weights.set(symbol, value));
                    at = end;
                }
            }
            tries += 1;
            if tries == MAX_TRIES {
                return found;
            }
        }
        if size == 1 {
            return found;
        }
        size = size.div_ceil(2);
    }
}
