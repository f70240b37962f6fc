//! Where the parts of a mistake stand that does not lie in one layer alone.

use super::error::OperatorError;
use super::shape::{Signal, after};
use crate::ir::{Composite, Layer, Origin, Stack, StackKind};

/// Largest size at which branches are compared for an example.
const MAX_EXAMPLE: i64 = 256;

/// The layer that the channels reaching the layer at `target` come from; `None` where they are the input's.
pub fn channel_source(stack: &Stack, target: Origin) -> Option<Origin> {
    let mut source = None;
    if search(stack, target, &mut source) { source } else { None }
}

/// Whether the target was found; `source` is what channels come from there, or after the stack.
fn search(stack: &Stack, target: Origin, source: &mut Option<Origin>) -> bool {
    match &stack.kind {
        StackKind::Layer(layer) => {
            if stack.origin == target {
                return true;
            }
            let sets = matches!(
                layer,
                Layer::Conv(_)
                    | Layer::ConvTranspose(_)
                    | Layer::SpaceToDepth(_)
                    | Layer::DepthToSpace(_)
                    | Layer::Select { .. }
                    | Layer::Dense { .. }
                    | Layer::Composite(Composite::ChannelMean)
            );
            if sets {
                *source = Some(stack.origin);
            }
            false
        }
        StackKind::Chain(links) => links.iter().any(|link| search(link, target, source)),
        StackKind::Sum(branches) => {
            let mut branches = branches.iter().map(|(_, branch)| &**branch);
            search_branches(&mut branches, stack.origin, target, source)
        }
        StackKind::Product(factors) => {
            search_branches(&mut factors.iter().map(|factor| &**factor), stack.origin, target, source)
        }
        StackKind::Concat(branches) => {
            search_branches(&mut branches.iter().map(|branch| &**branch), stack.origin, target, source)
        }
    }
}

fn search_branches(
    branches: &mut dyn Iterator<Item = &Stack>,
    origin: Origin,
    target: Origin,
    source: &mut Option<Origin>,
) -> bool {
    for branch in branches {
        let mut own = *source;
        if search(branch, target, &mut own) {
            *source = own;
            return true;
        }
    }
    *source = Some(origin);
    false
}

/// An input size and the sizes of the two branches at these places, which differ there.
pub fn branch_example(stack: &Stack, channels: usize, branches: [Origin; 2]) -> Option<[[i64; 2]; 3]> {
    find_branches(stack, &Signal::input(channels), branches)
}

fn find_branches(stack: &Stack, signal: &Signal, origins: [Origin; 2]) -> Option<[[i64; 2]; 3]> {
    let parts: Vec<&Stack> = match &stack.kind {
        StackKind::Layer(_) => return None,
        StackKind::Chain(links) => {
            let mut signal = signal.clone();
            for link in links {
                match after(link, signal.clone(), None) {
                    Ok(next) => signal = next,
                    Err(_) => return find_branches(link, &signal, origins),
                }
            }
            return None;
        }
        StackKind::Sum(branches) => branches.iter().map(|(_, branch)| &**branch).collect(),
        StackKind::Product(factors) => factors.iter().map(|factor| &**factor).collect(),
        StackKind::Concat(branches) => branches.iter().map(|branch| &**branch).collect(),
    };
    let outputs: Vec<(Origin, Result<Signal, OperatorError>)> =
        parts.iter().map(|part| (part.origin, after(part, signal.clone(), None))).collect();
    if let Some(at) = outputs.iter().position(|(_, output)| output.is_err()) {
        return find_branches(parts[at], signal, origins);
    }
    let output = |origin: Origin| {
        outputs.iter().find(|(own, _)| *own == origin).and_then(|(_, output)| output.as_ref().ok())
    };
    let (left, right) = (output(origins[0])?, output(origins[1])?);
    // Even sizes are what people think of first.
    (4..=MAX_EXAMPLE / 2).map(|half| [2 * half; 2]).find_map(|size| {
        let (a, b) = (left.at(size)?, right.at(size)?);
        (a != b).then_some([size, a, b])
    })
}
