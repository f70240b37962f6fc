//! What shows a difference of sums of nonlinear terms: an image at which they differ, sought where terms have kinks. Nothing here
//! makes a proof: what it finds is replayed by the naive evaluator.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::terms::is_numeric;
use super::words::SumComparison;
use crate::evaluate::{Functions, Image};
use crate::ir::{StackClaim, Symbols};
use crate::prove::values::hull::Pixel;
use crate::prove::verdict::counterexample::Counterexample;
use crate::prove::witness::probe::Probe;
use crate::prove::witness::simple::simpler;
use crate::prove::witness::{functions, search};
use convproof_exact::{Limited, Rational, SplitMix64};

/// Choices of free weights that are tried at each size.
const WEIGHTS: u64 = 6;

/// Differing positions that are tried at each size.
const POSITIONS: usize = 16;

/// A counterexample at a size.
pub(super) fn at_size(
    claim: &StackClaim,
    symbols: &Symbols,
    compared: &SumComparison,
    size: [i64; 2],
) -> Option<Counterexample> {
    let [rows, columns] = compared.sights(size)?;
    let dependence = search::dependence(claim, symbols);
    let mut seen = BTreeSet::new();
    for (i, &row) in rows.iter().enumerate() {
        for (j, &column) in columns.iter().enumerate() {
            let Some((block, difference)) = compared.difference(row, column) else { continue };
            if !seen.insert((row, column)) || seen.len().exceeds(POSITIONS) {
                continue;
            }
            let at = [i, j].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
            let origin = compared.origin(size, at);
            for attempt in 0..WEIGHTS {
                let weights = search::weights_from(symbols, &dependence, |symbol| {
                    let all = [1, -1, 2, -2, 3];
                    let draw = SplitMix64::new(u64::from(symbol.0) ^ (attempt << 40)).below(5);
                    let root = symbols.root_of(symbol).is_some();
                    let value: i64 = all[usize::try_from(draw).unwrap_or(0)];
                    Some(Rational::from(if root || attempt == 0 { value.abs() } else { value }))
                });
                let mut point = Probe::new(&compared.arena, &weights);
                let found = point.search(difference, attempt);
                let Some(found) = found else {
                    if let Some((found, weights)) = functions::search(&compared.arena, difference, &weights) {
                        let image = image(claim.channels, size, origin, &found)?;
                        let output = Some([*block, i, j]);
                        let (left, right) = (&claim.left, &claim.right);
                        if let Ok(found) =
                            Counterexample::replay(left, right, &weights, symbols, image, output)
                        {
                            return Some(simpler(claim, symbols, weights, found));
                        }
                    }
                    if is_numeric(&compared.arena, difference) {
                        break;
                    }
                    continue;
                };
                let image = image(claim.channels, size, origin, &found)?;
                let output = Some([*block, i, j]);
                // Functions that both sides have alike are not in the difference, but in the outputs.
                let weights = if compared.arena.has_no_functions() {
                    weights
                } else {
                    weights.with_functions(Functions::Near)
                };
                let replayed =
                    Counterexample::replay(&claim.left, &claim.right, &weights, symbols, image, output);
                if let Ok(replayed) = replayed {
                    return Some(simpler(claim, symbols, weights, replayed));
                }
            }
        }
    }
    None
}

/// An image with some pixels, places counted from an origin.
pub fn image(
    channels: usize,
    size: [i64; 2],
    origin: [i64; 2],
    pixels: &FxHashMap<Pixel, Rational>,
) -> Option<Image> {
    let [h, w] = size.map(|n| usize::try_from(n).unwrap_or(0));
    let at = |place: [i64; 2], axis: usize| usize::try_from(place[axis] + origin[axis]).ok();
    let value = |((block, place), value): (&Pixel, &Rational)| {
        Some(([*block as usize, at(*place, 0)?, at(*place, 1)?], value.clone()))
    };
    Image::sparse([channels, h, w], pixels.iter().map(value).collect::<Option<Vec<_>>>()?)
}
