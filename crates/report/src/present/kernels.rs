//! Verdicts about kernels and images.

use std::collections::BTreeSet;

use super::doubt::reason;
use super::stacks::kernel_matrix;
use super::text::weights;
use super::{Told, text};
use crate::witness::Entry;
use crate::{Block, Witness};
use convproof_engine::ir::{KernelTerm, Symbols};
use convproof_engine::kernel::Shape;
use convproof_engine::prove::decide::Kernels;
use convproof_engine::prove::verdict::{EntryWitness, KernelVerdict};
use convproof_exact::Symbol;

/// A verdict about two kernels, or two images, as a report shows it.
pub(super) fn kernels(
    verdict: &KernelVerdict,
    Kernels { left, right, images }: Kernels<'_>,
    symbols: &Symbols,
) -> Told {
    let noun = if images { "images" } else { "kernels" };
    match verdict {
        KernelVerdict::Equal => {
            let free = !left.kernel().symbols().is_empty();
            let shape = shape_text(left.shape(), images);
            let method = format!(
                "the {noun} are equal, entry by entry and in shape {shape}{}",
                if free { ", for all weights" } else { "" }
            );
            let matrix = kernel_matrix("both sides", left.kernel(), symbols);
            let details = matrix.map(|matrix| Block::Matrices(vec![matrix])).into_iter().collect();
            Told { method, details, witness: None }
        }
        KernelVerdict::Shapes => {
            let [a, b] = [left, right].map(|side| shape_text(side.shape(), images));
            let witness = Some(Witness::Shapes { left_shape: a.clone(), right_shape: b.clone() });
            Told { method: format!("the shapes differ: {a} and {b}"), details: Vec::new(), witness }
        }
        KernelVerdict::Entry(found) => entry(found, left, right, images, symbols),
        KernelVerdict::Unknown(doubt) => reason(doubt),
    }
}

fn shape_text(shape: Shape, image: bool) -> String {
    if image { text::image_size([shape.outputs, shape.height, shape.width]) } else { shape.to_string() }
}

fn entry(
    found: &EntryWitness,
    left: &KernelTerm,
    right: &KernelTerm,
    images: bool,
    symbols: &Symbols,
) -> Told {
    let [o, c, i, j] = found.position;
    let shape = left.shape();
    let at = if images {
        text::position([o, i, j], shape.outputs)
    } else if shape.outputs == 1 && shape.inputs == 1 {
        format!("[{i},{j}]")
    } else {
        format!("[{o},{c},{i},{j}]")
    };
    let [a, b] = text::both_values([&found.left, &found.right], found.approximate);
    let method = format!("entry {at} is {a} on the left and {b} on the right");
    let mut details = Vec::new();
    let used = [left, right].map(|term| term.kernel().symbols()).concat();
    let chosen = |symbol: &Symbol| symbols.root_of(*symbol).is_none();
    let free = symbols.foundations(used).into_iter().filter(chosen).collect::<BTreeSet<_>>().len();
    if free > 0 {
        details.push(Block::Text(format!("Take {}.", weights(&found.weights, free > found.weights.len()))));
    }
    let mut matrices: Vec<_> = [("left", left), ("right", right)]
        .iter()
        .filter_map(|(name, side)| kernel_matrix(name, side.kernel(), symbols))
        .collect();
    for matrix in &mut matrices {
        matrix.mark = Some((i, j));
    }
    details.extend(text::side_by_side(matrices));
    let witness = Entry {
        weights: found.weights.clone(),
        position: found.position,
        left: a,
        right: b,
        difference: difference(found),
    };
    Told { method, details, witness: Some(Witness::Entry(witness)) }
}

fn difference(found: &EntryWitness) -> String {
    let difference = &found.left - &found.right;
    if found.approximate { difference.to_decimal(20) } else { difference.to_string() }
}
