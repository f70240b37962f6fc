//! Equality of stacks with nonlinear layers, one output channel at a time: sums of pixels and nonlinear terms.
//!
//! Equal sums are equal functions (Theorem 9b of `docs/semantics.md`). Different ones may be equal functions all the same,
//! so a difference is believed only when an image shows it: images are tried that reach the kinks of the terms in the
//! difference. What is neither equal nor refuted is left to `equality.rs`.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::words::Compared;
use crate::evaluate::{Functions, Image};
use crate::forms::arena::{Arena, End, Form};
use crate::forms::border::Border;
use crate::forms::net::Channels;
use crate::ir::{Composite, Ends, Layer, Op, Sizes, Stack, StackClaim, Symbols};
use crate::prove::values::hull::Pixel;
use crate::prove::verdict::counterexample::{Counterexample, Mismatch};
use crate::prove::verdict::region::Status;
use crate::prove::verdict::{StackProof, StackVerdict, StackWitness};
use crate::prove::witness::probe::Probe;
use crate::prove::witness::sparse::sparser;
use crate::prove::witness::{functions, search};
use convproof_exact::budget::doing;
use convproof_exact::{Rational, SplitMix64};

/// Sizes at which differences are looked for.
const MAX_SIZES: usize = 6;

/// Choices of free weights that are tried at each size.
const WEIGHTS: u64 = 6;

/// Whether a stack has a layer that is read as a nonlinear term.
pub fn applies(stack: &Stack) -> bool {
    stack.graph().values().any(|(_, value)| match &value.op {
        Op::Product(_) => true,
        op => op.layer().is_some_and(|layer| match layer {
            Layer::Composite(layer) => layer.is_nonlinear(),
            layer => matches!(layer, Layer::Relu | Layer::MaxPool(_) | Layer::Function(_)),
        }),
    })
}

/// Whether a stack reads mirrored or repeated entries beyond the ends of a signal.
fn has_borders(stack: &Stack) -> bool {
    stack.layers().any(|layer| match layer {
        Layer::Composite(Composite::Pad { mode, .. }) => Border::of(mode, Ends::default()).is_some(),
        _ => false,
    })
}

/// Decides a claim about stacks that mirror or repeat entries: what is read is counted position by position here, where
/// normal forms have a branch for each entry. `None` where that is left to others.
pub fn with_borders(claim: &StackClaim, symbols: &Symbols) -> Option<StackVerdict> {
    [&claim.left, &claim.right].iter().any(|stack| has_borders(stack)).then(|| compared(claim, symbols))?
}

/// Decides a claim about stacks with nonlinear layers; `None` where that is left to others.
pub fn decide(claim: &StackClaim, symbols: &Symbols) -> Option<StackVerdict> {
    [&claim.left, &claim.right].iter().any(|stack| applies(stack)).then(|| compared(claim, symbols))?
}

fn compared(claim: &StackClaim, symbols: &Symbols) -> Option<StackVerdict> {
    let _doing = doing("comparing nonlinear terms");
    let compared = Compared::new(claim, Channels::Apart).ok()?;
    let failing = |status: &Status| matches!(status, Status::Sizes | Status::Values);
    let sizes: Vec<_> = compared
        .table
        .statuses
        .by_area()
        .into_iter()
        .filter(|(_, status)| failing(status))
        .take(MAX_SIZES)
        .collect();
    if sizes.is_empty() {
        let patterns = [0, 1].map(|axis| compared.pairs[axis].len());
        let (horizon, terms) = (compared.horizon, compared.arena.terms().len());
        let read = compared.read;
        return Some(StackVerdict::Proved(StackProof::Terms { patterns, horizon, terms, read }));
    }
    for (size, status) in sizes {
        if status == Status::Sizes {
            let weights = search::plain_weights(claim, symbols);
            let found = Mismatch::replay(&claim.left, &claim.right, &weights, claim.channels, size).ok()?;
            return Some(compared.refuted(StackWitness::Size(found), None));
        }
        if compared.arena.has_means() {
            // Of one size the mean of a signal is a sum of its entries.
            let here = StackClaim { sizes: Sizes::One(size), ..claim.clone() };
            if let Some(StackVerdict::Refuted(found)) = self::compared(&here, symbols) {
                return Some(compared.refuted(found.witness, None));
            }
            continue;
        }
        // Of sums of pixels alone one weight for each factor of a word shows it.
        let plain =
            compared.arena.is_linear().then(|| compared.counterexample(claim, symbols, size)).flatten();
        if let Some(found) = plain {
            return Some(compared.refuted(StackWitness::Value(found), Some(size)));
        }
        if let Some(found) = at_size(claim, symbols, &compared, size) {
            return Some(compared.refuted(StackWitness::Value(found), Some(size)));
        }
    }
    None
}

/// A counterexample at a size.
fn at_size(
    claim: &StackClaim,
    symbols: &Symbols,
    compared: &Compared,
    size: [i64; 2],
) -> Option<Counterexample> {
    let [rows, columns] = compared.sights(size)?;
    let dependence = search::dependence(claim, symbols);
    let mut seen = BTreeSet::new();
    for (i, &row) in rows.iter().enumerate() {
        for (j, &column) in columns.iter().enumerate() {
            let Some((block, difference)) = compared.difference(row, column) else { continue };
            if !seen.insert((row, column)) || seen.len() > 16 {
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
                            return Some(sparser(claim, symbols, &weights, found));
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
                    weights.approximating().with_functions(Functions::Near)
                };
                let replayed =
                    Counterexample::replay(&claim.left, &claim.right, &weights, symbols, image, output);
                if let Ok(replayed) = replayed {
                    return Some(sparser(claim, symbols, &weights, replayed));
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
    let mut values = vec![Rational::ZERO; channels.checked_mul(h)?.checked_mul(w)?];
    for ((block, place), value) in pixels {
        let row = usize::try_from(place[0] + origin[0]).ok()?;
        let column = usize::try_from(place[1] + origin[1]).ok()?;
        if row >= h || column >= w {
            return None;
        }
        *values.get_mut((*block as usize * h + row) * w + column)? = value.clone();
    }
    Image::new(channels, h, w, values)
}

/// Whether no free weight occurs in a sum or in its terms.
pub fn is_numeric(arena: &Arena, form: &Form) -> bool {
    arena.flat(form).is_some_and(|words| {
        words.iter().all(|word| {
            let inner = match word.end {
                End::Term(term) => arena.term(term).forms.iter().all(|form| is_numeric(arena, form)),
                End::Applied(number) => is_numeric(arena, &arena.applied(number).form),
                End::Product(number) => arena.factors(number).iter().all(|factor| is_numeric(arena, factor)),
                End::Pixel(_) | End::One | End::Mean(_) => true,
            };
            word.scalars.is_one() && inner
        })
    })
}
