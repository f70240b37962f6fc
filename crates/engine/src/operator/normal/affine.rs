//! Affine maps over nodes, and what adds, scales and joins them. Knows nothing of layers.

use std::sync::Arc;

use super::NodeId;
use crate::axes::{AXES, Axes, all, each};
use crate::ir::{Branch, NonEmpty, Origin};
use crate::kernel::{Kernel, KernelError, Shape};
use crate::operator::error::OperatorError;
use crate::operator::gather::{Axis, Gather};
use crate::operator::length::{Length, Step};
use convproof_exact::Poly;

/// One node's share in an affine map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// The node that is read.
    pub source: NodeId,
    /// How.
    pub gather: Gather,
}

/// `Σ gather(node) + bias`, with its length along each axis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Affine {
    /// Output channels.
    pub channels: usize,
    /// Length along each axis as a function of the input's.
    pub length: Axes<Arc<Length>>,
    /// What is read, sorted by node, zero kernels left out.
    pub parts: Vec<Part>,
    /// One entry for each channel; empty if all are zero.
    pub bias: Vec<Poly>,
}

pub(super) fn at<T>(origin: Origin, result: Result<T, KernelError>) -> Result<T, OperatorError> {
    result.map_err(|error| OperatorError::Kernel { at: origin, error })
}

/// An affine map with its zero parts and zero bias left out.
pub(super) fn affine(
    channels: usize,
    length: Axes<Arc<Length>>,
    mut parts: Vec<Part>,
    mut bias: Vec<Poly>,
) -> Affine {
    parts.retain(|part| !part.gather.kernel.is_zero());
    parts.sort_by_key(|part| part.source);
    if bias.iter().all(Poly::is_zero) {
        bias.clear();
    }
    Affine { channels, length, parts, bias }
}

/// Adds a gather of a node to the parts, merged with one that moves alike.
pub(super) fn add_part(parts: &mut Vec<Part>, source: NodeId, gather: Gather) -> Result<(), KernelError> {
    for part in parts.iter_mut().filter(|part| part.source == source) {
        if let Some(sum) = part.gather.plus(&gather) {
            part.gather = sum?;
            return Ok(());
        }
    }
    parts.push(Part { source, gather });
    Ok(())
}

pub(super) fn is_copy(gather: &Gather) -> bool {
    gather.axes == [Axis::IDENTITY; AXES]
}

pub(super) fn scaled(mut output: Affine, factor: &Poly) -> Result<Affine, KernelError> {
    for part in &mut output.parts {
        part.gather.kernel = part.gather.kernel.scale(factor)?;
    }
    for entry in &mut output.bias {
        *entry = &*entry * factor;
    }
    Ok(affine(output.channels, output.length, output.parts, output.bias))
}

/// The sum of two branches with equally many channels.
pub(super) fn added(left: Branch<Affine>, right: Branch<Affine>) -> Result<Branch<Affine>, OperatorError> {
    let [a, b] = [&left, &right].map(|branch| (branch.origin, branch.of.channels));
    if a.1 != b.1 {
        return Err(OperatorError::BranchChannels { left: a, right: b });
    }
    both(left, right)
}

/// The sum of two branches.
pub(super) fn both(left: Branch<Affine>, right: Branch<Affine>) -> Result<Branch<Affine>, OperatorError> {
    Ok(Branch { of: at(right.origin, joined(left.of, right.of))?, origin: left.origin })
}

/// The sum of two branches, with an output where they agree in size.
pub(super) fn joined(left: Affine, right: Affine) -> Result<Affine, KernelError> {
    let channels = left.channels;
    let length = each(|axis| left.length[axis].agree(&right.length[axis]));
    let mut parts = left.parts;
    for part in right.parts {
        add_part(&mut parts, part.source, part.gather)?;
    }
    let bias = match (left.bias.is_empty(), right.bias.is_empty()) {
        (_, true) => left.bias,
        (true, false) => right.bias,
        (false, false) => left.bias.iter().zip(&right.bias).map(|(a, b)| a + b).collect(),
    };
    Ok(affine(channels, length, parts, bias))
}

/// Branches with their channels joined.
pub(super) fn side_by_side(branches: NonEmpty<Branch<Affine>>) -> Result<Affine, OperatorError> {
    let total = branches.iter().map(|branch| branch.of.channels).sum();
    let mut from = 0;
    let placed = branches.try_map(|Branch { of, origin }| {
        let start = from;
        from += of.channels;
        Ok(Branch { of: at(origin, embedded(of, start, total))?, origin })
    })?;
    Ok(placed.reduce(both)?.of)
}

/// The output channels moved to `from..` among `total`.
pub(super) fn embedded(output: Affine, from: usize, total: usize) -> Result<Affine, KernelError> {
    let channels = output.channels;
    if channels == total {
        return Ok(output);
    }
    let inner = |o: usize| o.checked_sub(from).filter(|&o| o < channels);
    let mut parts = Vec::new();
    for part in output.parts {
        let shape = Shape { outputs: total, ..part.gather.kernel.shape() };
        let entry = |mut at: [usize; 4]| {
            at[0] = inner(at[0])?;
            Some(at)
        };
        let kernel: Kernel = part.gather.kernel.gather(shape, entry)?;
        parts.push(Part { source: part.source, gather: Gather { kernel, ..part.gather } });
    }
    let bias = if output.bias.is_empty() {
        Vec::new()
    } else {
        (0..total).map(|o| inner(o).map_or_else(Poly::zero, |o| output.bias[o].clone())).collect()
    };
    Ok(affine(total, output.length, parts, bias))
}

/// The lengths of a signal after one more layer.
pub(in crate::operator) fn longer(
    lengths: &Axes<Arc<Length>>,
    steps: Axes<Step>,
    at: Origin,
) -> Result<Axes<Arc<Length>>, OperatorError> {
    all(|axis| lengths[axis].then(steps[axis])).ok_or(OperatorError::TooLarge { at })
}
