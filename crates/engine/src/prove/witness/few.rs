//! Counterexamples to claims about many channels in which all but a few have no weights: looked for where few channels are all
//! there is, which takes little, and replayed with all of them.

use super::fewer::FewChannels;
use super::search::{tried, weights_from};
use super::simple::simplified;
use crate::evaluate::{Functions, Image, Weights};
use crate::ir::{StackClaim, Symbols};
use crate::prove::values::point::Dependence;
use crate::prove::verdict::counterexample::{Counterexample, roots_in};
use convproof_exact::{Limited, Symbol};

/// Most weights that few channels may have.
const MAX_WEIGHTS: usize = 2048;

/// Most replays with all channels.
const MAX_REPLAYS: usize = 8;

/// A counterexample at one of some sizes, if one is found: with one channel of each block, or with two.
pub fn counterexample(claim: &StackClaim, symbols: &Symbols, sizes: &[[i64; 2]]) -> Option<Counterexample> {
    let roots = roots_in([&claim.left, &claim.right], symbols);
    [1, 2].into_iter().find_map(|most| {
        let few = FewChannels::of(claim, most).filter(|few| few.symbols.len().within(MAX_WEIGHTS))?;
        let own: Vec<Symbol> = few.symbols.keys().copied().collect();
        // Those over few channels, so that they are rational if that can be.
        let known = |symbol: &Symbol| few.symbols.contains_key(symbol) || symbols.root_of(*symbol).is_some();
        let over = roots.iter().filter(|&&root| symbols.foundations(vec![root]).iter().all(known));
        let resting = own.iter().chain(over).copied().collect::<Vec<_>>();
        let dependent = Dependence::of(symbols, &resting);
        let mut left = MAX_REPLAYS;
        tried(&few.claim, symbols, &dependent, sizes, &mut 0, |weights, found| {
            left = left.checked_sub(1)?;
            let (weights, found) = simplified(&few.claim, symbols, own.clone(), (weights, found));
            embedded(claim, &few, symbols, &roots, &weights, &found)
        })
    })
}

/// The same with all channels, of which the others have no weights but those that may not be 0.
fn embedded(
    claim: &StackClaim,
    few: &FewChannels,
    symbols: &Symbols,
    roots: &[Symbol],
    weights: &Weights,
    found: &Counterexample,
) -> Option<Counterexample> {
    let mut all =
        weights_from(symbols, &Dependence::of(symbols, roots), |_| None).with_functions(Functions::Near);
    for (&own, &old) in &few.symbols {
        all.set(old, weights.get(own));
    }
    let [_, height, width] = found.input().size();
    let mut pixels = Image::zeros(claim.channels, height, width)?.values().to_vec();
    for (values, &channel) in found.input().values().chunks((height * width).max(1)).zip(&few.inputs) {
        pixels[channel * height * width..][..values.len()].clone_from_slice(values);
    }
    let image = Image::new(claim.channels, height, width, pixels)?;
    Counterexample::replay(&claim.left, &claim.right, &all, symbols, image, None).ok()
}
