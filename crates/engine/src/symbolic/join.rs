//! A node behind others: whether it is one with the last of them, and what became of it (Theorems 22, 23 and 23a of
//! `docs/semantics.md`).

use super::exponent::{Exponent, whole};
use super::kernel::KernelForm;
use super::map::{Constant, Flat, Linear, MapNode};
use super::number::Number;
use super::reach::{SymbolicReach, follow, inside};
use super::trace::Became;
use super::{Reading, Unread};
use crate::operator::trace::Made;
use convproof_exact::Poly;

/// Adds a node, into the last one if both are one; says what became of it.
pub(super) fn push(nodes: &mut Vec<MapNode>, node: MapNode, flat: Flat<'_>) -> Reading<Vec<Became>> {
    if is_nothing(&node) {
        return Ok(vec![Became::Kept]);
    }
    if let MapNode::Constant(constant) = &node {
        constant.push(nodes, false)?;
        return Ok(vec![Became::Added]);
    }
    if let Some(MapNode::Constant(constant)) = nodes.last()
        && let Some(after) = constant.through(&node)?
    {
        nodes.pop();
        let mut joined = push(nodes, node, flat)?;
        after.push(nodes, false)?;
        joined.push(Became::Passed);
        return Ok(joined);
    }
    let (merged, joined) = match (nodes.last(), &node) {
        (Some(MapNode::Relu), MapNode::Relu) => (Some(MapNode::Relu), Became::Positive),
        (Some(MapNode::Linear(a)), MapNode::Linear(b)) => match a.reach.harmless_before(&b.reach) {
            Some(border) => {
                let kernel = a.kernel.times(&b.kernel.dilated(&a.reach.stride, flat)?)?;
                let both = Linear { kernel, reach: a.reach.then(&b.reach)?, channels: chained(a, b)? };
                let wide = |axis: usize| b.reach.first[axis] != b.reach.last[axis];
                let dilated = (0..2).any(|axis| a.reach.stride[axis] != whole(1) && wide(axis));
                (Some(MapNode::Linear(both)), Became::Convolved { dilated, border })
            }
            None => (None, Became::Cut),
        },
        (Some(MapNode::Max(a)), MapNode::Max(b)) if follow(a, b) => {
            (Some(MapNode::Max(a.then(b)?)), Became::Maxima)
        }
        (Some(MapNode::Max(a)), MapNode::Linear(b))
            if b.reach.first == b.reach.last && b.kernel_is_one() && inside(&b.reach) =>
        {
            (Some(MapNode::Max(a.then(&b.reach)?)), Became::Chosen)
        }
        (None, _) => (None, Became::First),
        (Some(_), _) => (None, Became::Apart),
    };
    if merged.is_some() {
        nodes.pop();
    }
    nodes.push(merged.unwrap_or(node));
    Ok(vec![joined])
}

impl Constant {
    /// What it is behind a node that reads no padding; `None` where it does not pass.
    fn through(&self, node: &MapNode) -> Reading<Option<Self>> {
        match node {
            MapNode::Linear(map) if inside(&map.reach) => {
                let length = match &map.channels {
                    Some([outputs, inputs]) => {
                        agreeing(self.length.as_ref(), Some(inputs))?;
                        Some(outputs.clone())
                    }
                    None => self.length.clone(),
                };
                Ok(Some(Self { kernel: self.kernel.times(&map.kernel.total()?)?, length }))
            }
            // Padding is not read by a maximum.
            MapNode::Max(_) => Ok(Some(self.clone())),
            _ => Ok(None),
        }
    }

    /// Adds it behind nodes, to the constant that is there.
    pub(super) fn push(&self, nodes: &mut Vec<MapNode>, minus: bool) -> Reading<()> {
        let before = match nodes.last() {
            Some(MapNode::Constant(before)) => before.clone(),
            _ => Self { kernel: KernelForm::number(&Number::of(Poly::zero())), length: None },
        };
        agreeing(before.length.as_ref(), self.length.as_ref())?;
        if let Some(MapNode::Linear(Linear { channels: Some([outputs, _]), .. })) = nodes.last() {
            agreeing(Some(outputs), self.length.as_ref())?;
        }
        if matches!(nodes.last(), Some(MapNode::Constant(_))) {
            nodes.pop();
        }
        let kernel = before.kernel.add(&self.kernel, minus)?;
        if !kernel.is_zero() {
            let length = before.length.or_else(|| self.length.clone());
            nodes.push(MapNode::Constant(Self { kernel, length }));
        }
        Ok(())
    }
}

/// Checks that two numbers of channels are one, where both are known.
pub(super) fn agreeing(a: Option<&Exponent>, b: Option<&Exponent>) -> Reading<()> {
    match (a, b) {
        (Some(a), Some(b)) if a != b => Err(Unread("numbers of channels do not plainly agree")),
        _ => Ok(()),
    }
}

impl Linear {
    /// What it is, by its kernel.
    pub(super) fn made(&self) -> Made {
        match self.kernel.made() {
            Made::Moved if self.reach.is_identity() => Made::Same,
            made => made,
        }
    }

    /// Whether it copies the one position that it reads.
    fn kernel_is_one(&self) -> bool {
        let back = [0, 1].map(|axis| whole(0) - &self.reach.first[axis]);
        self.kernel.shifted(&back).is_one()
    }
}

pub(super) fn identity() -> Linear {
    let one = [whole(1), whole(1)];
    let reach = SymbolicReach::window(&one, &one, &[0, 1, 2, 3].map(|_| whole(0)));
    Linear { kernel: KernelForm::number(&Number::of(Poly::one())), reach, channels: None }
}

pub(super) fn is_nothing(node: &MapNode) -> bool {
    if let MapNode::Constant(constant) = node {
        return constant.kernel.is_zero() && constant.length.is_none();
    }
    matches!(node, MapNode::Linear(map) if map.reach.is_identity() && map.channels.is_none() && map.kernel.is_one())
}

/// The channels of two maps one after the other.
fn chained(a: &Linear, b: &Linear) -> Reading<Option<[Exponent; 2]>> {
    match (&a.channels, &b.channels) {
        (None, other) | (other, None) => Ok(other.clone()),
        (Some([outputs, first]), Some([last, inputs])) if outputs == inputs => {
            Ok(Some([last.clone(), first.clone()]))
        }
        _ => Err(Unread("numbers of channels do not plainly agree")),
    }
}
