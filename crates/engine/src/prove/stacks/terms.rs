//! Equality of stacks with nonlinear layers, one output channel at a time: sums of pixels and nonlinear terms.
//!
//! Equal sums are equal functions (Theorem 9b of `docs/semantics.md`). Different ones may be equal functions all the same,
//! so a difference is believed only when an image shows it: images are tried that reach the kinks of the terms in the
//! difference. What is neither equal nor refuted is left to `equality.rs`.

use super::kinks::at_size;
use super::words::SumComparison;
use crate::forms::arena::{Arena, End, Form};
use crate::forms::border::Border;
use crate::forms::net::ChannelBlocks;
use crate::ir::{Composite, Ends, Layer, Op, Sizes, Stack, StackClaim, Symbols};
use crate::prove::verdict::counterexample::Mismatch;
use crate::prove::verdict::region::Status;
use crate::prove::verdict::{StackProof, StackVerdict, StackWitness};
use crate::prove::witness::search;
use convproof_exact::budget::{doing, spend_on};
use rustc_hash::FxHashSet;

/// Sizes at which differences are looked for.
const MAX_SIZES: usize = 6;

/// Whether a stack has a layer that is read as a nonlinear term.
pub fn applies(stack: &Stack) -> bool {
    stack.graph().values().any(|(_, value)| match &value.op {
        Op::Product(_) | Op::Broadcast(_) => true,
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

/// Decides a claim by its terms alone; `None` where that is left to others.
pub(super) fn compared(claim: &StackClaim, symbols: &Symbols) -> Option<StackVerdict> {
    let _doing = doing("comparing nonlinear terms");
    let compared = SumComparison::new(claim, symbols, ChannelBlocks::Apart).ok()?;
    let failing = |status: &Status| matches!(status, Status::Sizes | Status::Values);
    let mut sizes: Vec<_> = compared
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
    if sizes[0].1 == Status::Values {
        sizes.splice(0..0, compared.telling().map(|size| (size, Status::Values)));
    }
    for (size, status) in sizes {
        if status == Status::Sizes {
            let weights = search::plain_weights(claim, symbols);
            let found = Mismatch::replay(&claim.left, &claim.right, &weights, claim.channels, size).ok()?;
            return Some(compared.refuted(claim, StackWitness::Size(found)));
        }
        if compared.arena.has_means() {
            // Of one size the mean of a signal is a sum of its entries.
            let here = StackClaim { sizes: Sizes::One(size), ..claim.clone() };
            if let Some(StackVerdict::Refuted(found)) = self::compared(&here, symbols) {
                return Some(compared.refuted(claim, found.witness));
            }
            continue;
        }
        // Of sums of pixels alone one weight for each factor of a word shows it.
        let plain =
            compared.arena.is_linear().then(|| compared.counterexample(claim, symbols, size)).flatten();
        if let Some(found) = plain {
            return Some(compared.refuted(claim, StackWitness::Value(found)));
        }
        if let Some(found) = at_size(claim, symbols, &compared, size) {
            return Some(compared.refuted(claim, StackWitness::Value(found)));
        }
    }
    None
}

/// Whether no free weight occurs in a sum or in its terms.
pub fn is_numeric(arena: &Arena, form: &Form) -> bool {
    let (mut open, mut seen) = (vec![form], FxHashSet::default());
    while let Some(form) = open.pop() {
        let Some(words) = arena.flat(form) else { return false };
        spend_on(words.len() + 1, 100);
        for word in words {
            if !word.scalars.is_one() {
                return false;
            }
            // Layers read what is before them over and over.
            match word.end {
                _ if !seen.insert(word.end) => {}
                End::Term(term) => open.extend(&arena.term(term).forms),
                End::Applied(number) => open.push(&arena.applied(number).form),
                End::Product(number) => open.extend(arena.factors(number)),
                End::Pixel(_) | End::One | End::Mean(_) => {}
            }
        }
    }
    true
}
