//! Verdicts about unknown kernels of layers.

use super::stacks::{kernel_matrix, stacks};
use super::text::side_by_side;
use super::{Told, doubt};
use crate::witness::{Unknowns, Witness};
use crate::{Block, Matrix, Outcome};
use convproof_engine::ir::{FreeKernel, Symbols};
use convproof_engine::kernel::{Kernel, Shape};
use convproof_engine::prove::decide::Layers;
use convproof_engine::prove::layers::{Candidate, Meets};
use convproof_engine::prove::verdict::{Doubt, StackVerdict};
use convproof_language::source::Places;

/// Most channel pairs of a kernel that are shown.
const MOST: usize = 16;

/// Kernels that make two stacks equal, or why there are none, as a report shows it.
pub(super) fn layers(outcome: Outcome, found: &Layers<'_>, symbols: &Symbols, places: Places<'_>) -> Told {
    let Layers { unknowns, candidate, claim, decided } = found;
    let inner = stacks(decided, claim, symbols, places);
    let names: Vec<String> = unknowns.iter().map(|unknown| format!("`{}`", unknown.name)).collect();
    let names = names.join(", ");
    let (one, them) = if unknowns.len() == 1 { ("kernel", "it") } else { ("kernels", "them") };
    let method = match (outcome, candidate.meets) {
        (Outcome::Proved, _) => {
            let number = match candidate.free {
                0 => format!(", the only {}", if unknowns.len() == 1 { "one" } else { "ones" }),
                1 => ", one entry of which can be chosen freely (here it is 0)".to_owned(),
                n => format!(", {n} entries of which can be chosen freely (here they are 0)"),
            };
            format!("{one} {names} found{number}; with {them} {}", inner.method)
        }
        (Outcome::Refuted, Meets::Inside) => format!(
            "no {one} {names} of this shape: what is right away from the borders is wrong at them; {}",
            inner.method
        ),
        (Outcome::Refuted, Meets::Never) => {
            format!("no {one} {names} of this shape, whatever the entries: {}", inner.method)
        }
        (Outcome::Refuted, _) => format!(
            "no {one} {names} of this shape: the equations between the entries contradict each other, even away from the borders; with {them} as shown, {}",
            inner.method
        ),
        _ if matches!(decided.verdict(), StackVerdict::Unknown(_)) => return inner,
        // The engine is of two minds.
        _ => return doubt::reason(&Doubt::Contradiction),
    };
    let mut details: Vec<Block> = match candidate.meets {
        Meets::Never => Vec::new(),
        _ => side_by_side(matrices(unknowns, candidate, symbols)).into_iter().collect(),
    };
    details.extend(inner.details);
    let kernels = unknowns.iter().zip(&candidate.kernels);
    let kernels = kernels.map(|(unknown, kernel)| (unknown.name.clone(), entries(kernel, symbols))).collect();
    let (free_entries, instance) = (candidate.free, inner.witness.map(Box::new));
    let unknowns = Unknowns { kernels, free_entries, instance };
    let witness =
        if outcome == Outcome::Proved { Witness::Layers(unknowns) } else { Witness::NoLayers(unknowns) };
    Told { method, details, witness: Some(witness) }
}

/// Kernels as matrices, one for each pair of channels.
fn matrices(unknowns: &[FreeKernel], candidate: &Candidate, symbols: &Symbols) -> Vec<Matrix> {
    let mut all = Vec::new();
    for (unknown, kernel) in unknowns.iter().zip(&candidate.kernels) {
        let (name, shape) = (&unknown.name, kernel.shape());
        if shape.outputs * shape.inputs == 1 {
            all.extend(kernel_matrix(name, kernel, symbols));
        } else if shape.outputs * shape.inputs <= MOST {
            let Ok(expanded) = kernel.expand() else { continue };
            let planes = expanded.entries().chunks(shape.height * shape.width).enumerate();
            all.extend(planes.filter_map(|(n, plane)| {
                let title = format!("{name}[{},{}]", n / shape.inputs, n % shape.inputs);
                let plane = Kernel::from_entries(Shape::plane(shape.height, shape.width), plane.to_vec());
                kernel_matrix(&title, &plane.ok()?, symbols)
            }));
        }
    }
    all
}

/// All entries in storage order, written out; `None` where they have too many terms.
fn entries(kernel: &Kernel, symbols: &Symbols) -> Option<Vec<String>> {
    let expanded = kernel.expand().ok()?;
    Some(expanded.entries().iter().map(|entry| symbols.show(entry)).collect())
}
