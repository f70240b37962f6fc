//! Stacks as sequences of nodes: linear maps with one kernel, constants, maxima over windows, relu. Nodes that can be one
//! are one.

use super::exponent::{Exponent, is_at_least, times, whole};
use super::join::{agreeing, identity, is_nothing, push};
use super::kernel::KernelForm;
use super::number::Number;
use super::reach::{SymbolicReach, inside};
use super::trace::{PartKind, Steps};
use super::{Reading, Unread};
use crate::ir::Origin;
use crate::operator::trace::Made;

/// A constant for each channel, which is added.
#[derive(Clone, Debug)]
pub struct Constant {
    /// The sum of words that makes it, without places.
    pub kernel: KernelForm,
    /// The number of channels, if a vector is in it.
    pub length: Option<Exponent>,
}

/// A linear map without constants: `kernel` holds its taps at the places that output 0 reads.
#[derive(Clone, Debug)]
pub struct Linear {
    /// The taps.
    pub kernel: KernelForm,
    /// Where they are.
    pub reach: SymbolicReach,
    /// Numbers of channels out and in, if it does not take each channel by itself.
    pub channels: Option<[Exponent; 2]>,
}

/// A part of a stack.
#[derive(Clone, Debug)]
pub enum MapNode {
    /// A linear map.
    Linear(Linear),
    /// A constant that is added.
    Constant(Constant),
    /// The maximum over a window.
    Max(SymbolicReach),
    /// `max(x, 0)`.
    Relu,
}

/// A stack: its nodes in order, as few as the rules make them, and the steps that made them.
#[derive(Clone, Debug, Default)]
pub struct Map {
    nodes: Vec<MapNode>,
    steps: Steps,
}

/// How kernels tell which axes of a free kernel have the extent 1.
pub type Flat<'a> = &'a dyn Fn(u32, usize) -> bool;

impl Map {
    /// One node.
    ///
    /// # Errors
    /// If a stride may be below 1, or a maximum be taken over no position.
    pub fn node(node: MapNode) -> Reading<Self> {
        if let MapNode::Linear(Linear { reach, .. }) | MapNode::Max(reach) = &node {
            if !reach.stride.iter().all(|stride| is_at_least(stride, 1)) {
                return Err(Unread("a stride may be below 1 at some sizes"));
            }
            for axis in 0..2 {
                if !is_at_least(&(&reach.last[axis] - &reach.first[axis]), 0) {
                    return Err(Unread("a window or an extent may be below 1 at some sizes"));
                }
            }
        }
        if let MapNode::Max(reach) = &node {
            for axis in 0..2 {
                let past = &(&reach.last[axis] - &reach.first[axis]) - &reach.end(axis);
                if !is_at_least(&reach.last[axis], 0) || !is_at_least(&past, 0) {
                    return Err(Unread("a maximum may be over padding alone at some sizes"));
                }
            }
        }
        Ok(vec![node].into())
    }

    /// The stack that changes nothing.
    pub fn identity() -> Self {
        Self::default()
    }

    /// Both, one after the other.
    ///
    /// # Errors
    /// If a kernel has too many terms.
    pub fn then(mut self, next: &Self, flat: Flat<'_>) -> Reading<Self> {
        let mut joined = Vec::new();
        for node in &next.nodes {
            joined.extend(push(&mut self.nodes, node.clone(), flat)?);
        }
        let reach = self.reach();
        self.steps.then(&next.steps, joined, reach);
        Ok(self)
    }

    /// The same as one part of a larger stack: what stands at a place, or as what it was read.
    #[must_use]
    pub fn part(mut self, origin: Origin, part: Option<PartKind>) -> Self {
        let (part, reach) = (part.unwrap_or_else(|| self.layer()), self.reach());
        self.steps.part(origin, part, reach);
        self
    }

    /// The same, made by the steps of another stack.
    #[must_use]
    pub fn made_by(self, other: Self) -> Self {
        Self { steps: other.steps, ..self }
    }

    /// The steps that made it.
    pub fn steps(&self) -> &Steps {
        &self.steps
    }

    /// What a layer is.
    fn layer(&self) -> PartKind {
        match self.nodes.as_slice() {
            [] => PartKind::Linear(Made::Same),
            [MapNode::Linear(map)] => PartKind::Linear(map.made()),
            [MapNode::Constant(_)] => PartKind::Linear(Made::Constant),
            [MapNode::Max(_)] => PartKind::Maximum,
            [MapNode::Relu] => PartKind::Relu,
            _ => PartKind::Several,
        }
    }

    /// What an output reads of the input, padding between parts counted; `None` where that gets too large.
    fn reach(&self) -> Option<SymbolicReach> {
        let mut all = identity().reach;
        for node in &self.nodes {
            if let MapNode::Linear(Linear { reach, .. }) | MapNode::Max(reach) = node {
                all = all.then(reach).ok()?;
            }
        }
        Some(all)
    }

    /// The sum of two stacks, or the difference.
    ///
    /// # Errors
    /// If they are no linear maps of the same size.
    pub fn add(&self, other: &Self, minus: bool) -> Reading<Self> {
        let ((a, one), (b, two)) = (self.affine()?, other.affine()?);
        if a.reach.stride != b.reach.stride || a.reach.add != b.reach.add {
            return Err(Unread("branches of a sum do not plainly have the same size"));
        }
        let channels = joined(a.channels.as_ref(), b.channels.as_ref())?;
        let mut reach = a.reach.clone();
        for axis in 0..2 {
            let (own, other) = (&a.reach.first[axis], &b.reach.first[axis]);
            reach.first[axis] = least(own, other)?.clone();
            let (own, other) = (whole(0) - &a.reach.last[axis], whole(0) - &b.reach.last[axis]);
            reach.last[axis] = whole(0) - least(&own, &other)?;
        }
        let mut steps = self.steps.clone();
        steps.beside(&other.steps);
        let mut nodes =
            vec![MapNode::Linear(Linear { kernel: a.kernel.add(&b.kernel, minus)?, reach, channels })];
        for (constant, minus) in [(one, false), (two, minus)] {
            if let Some(constant) = constant {
                constant.push(&mut nodes, minus)?;
            }
        }
        Ok(Self { nodes, steps })
    }

    /// The output times a number.
    ///
    /// # Errors
    /// If a kernel has too many terms.
    pub fn scaled(self, number: &Number, flat: Flat<'_>) -> Reading<Self> {
        let one = MapNode::Linear(Linear { kernel: KernelForm::number(number), ..identity() });
        self.then(&vec![one].into(), flat)
    }

    /// So many copies one after the other.
    ///
    /// # Errors
    /// If that is no known law.
    pub fn repeated(&self, count: &Exponent) -> Reading<Self> {
        let map = linear(&self.nodes)?;
        let one = [whole(1), whole(1)];
        if map.reach.stride != one {
            return Err(Unread("a symbolic number of strided stages has no closed form here"));
        }
        if map.channels.as_ref().is_some_and(|[outputs, inputs]| outputs != inputs) {
            return Err(Unread("a stack whose numbers of channels differ is repeated"));
        }
        if !is_at_least(count, 1) || map.reach.harmless_before(&map.reach).is_none() {
            return Err(Unread("a padded stack is repeated a symbolic number of times"));
        }
        let pair = |pair: &[Exponent; 2]| -> Reading<[Exponent; 2]> {
            Ok([times(&pair[0], count)?, times(&pair[1], count)?])
        };
        let reach = SymbolicReach {
            first: pair(&map.reach.first)?,
            last: pair(&map.reach.last)?,
            stride: one,
            add: pair(&map.reach.add)?,
        };
        let kernel = map.kernel.pow(count)?;
        let nodes = vec![MapNode::Linear(Linear { kernel, reach, channels: map.channels })];
        Ok(Self { nodes, steps: self.steps.clone() })
    }

    /// The stride of a single linear map.
    pub fn stride(&self) -> Option<[Exponent; 2]> {
        match self.nodes.as_slice() {
            [MapNode::Linear(map)] => Some(map.reach.stride.clone()),
            _ => None,
        }
    }

    /// Whether two stacks have the same normal form.
    ///
    /// # Errors
    /// If kernels have too many terms to be compared, or not plainly the same channels.
    pub fn equals(&self, other: &Self) -> Reading<bool> {
        let nodes =
            |map: &Self| map.nodes.iter().filter(|node| !is_nothing(node)).cloned().collect::<Vec<_>>();
        let (left, right) = (nodes(self), nodes(other));
        if left.len() != right.len() {
            return Ok(false);
        }
        for pair in left.iter().zip(&right) {
            let same = match pair {
                (MapNode::Relu, MapNode::Relu) => true,
                (MapNode::Max(a), MapNode::Max(b)) => a == b,
                (MapNode::Constant(a), MapNode::Constant(b)) => {
                    agreeing(a.length.as_ref(), b.length.as_ref())?;
                    a.kernel.equals(&b.kernel)?
                }
                (MapNode::Linear(a), MapNode::Linear(b)) => {
                    joined(a.channels.as_ref(), b.channels.as_ref())?;
                    a.reach.stride == b.reach.stride
                        && a.reach.add == b.reach.add
                        && a.kernel.equals(&b.kernel)?
                }
                _ => false,
            };
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What a stack without padding that is one node reads.
    ///
    /// # Errors
    /// If it is not one.
    pub fn unpadded(&self) -> Reading<SymbolicReach> {
        let reach = match self.nodes.as_slice() {
            [] => identity().reach,
            [MapNode::Linear(Linear { reach, .. }) | MapNode::Max(reach)]
            | [MapNode::Linear(Linear { reach, .. }) | MapNode::Max(reach), MapNode::Constant(_)] => {
                reach.clone()
            }
            _ => return Err(Unread("a kernel size is asked of more than one linear map")),
        };
        if inside(&reach) {
            Ok(reach)
        } else {
            Err(Unread("the kernel size of padded layers is not read with sizes as symbols"))
        }
    }

    /// A linear map and a constant.
    fn affine(&self) -> Reading<(Linear, Option<Constant>)> {
        match self.nodes.as_slice() {
            [before @ .., MapNode::Constant(constant)] => Ok((linear(before)?, Some(constant.clone()))),
            nodes => Ok((linear(nodes)?, None)),
        }
    }
}

impl From<Vec<MapNode>> for Map {
    fn from(nodes: Vec<MapNode>) -> Self {
        Self { nodes, steps: Steps::default() }
    }
}

fn linear(nodes: &[MapNode]) -> Reading<Linear> {
    match nodes {
        [] => Ok(identity()),
        [MapNode::Linear(map)] => Ok(map.clone()),
        _ => Err(Unread("a part that is summed or repeated is no single linear map")),
    }
}

/// The channels of two maps side by side.
fn joined(a: Option<&[Exponent; 2]>, b: Option<&[Exponent; 2]>) -> Reading<Option<[Exponent; 2]>> {
    match (a, b) {
        (None, None) => Ok(None),
        (None, Some(pair)) | (Some(pair), None) if pair[0] == pair[1] => Ok(Some(pair.clone())),
        (Some(a), Some(b)) if a == b => Ok(Some(a.clone())),
        _ => Err(Unread("numbers of channels do not plainly agree")),
    }
}

/// The smaller one, where it is plain which that is.
fn least<'a>(a: &'a Exponent, b: &'a Exponent) -> Reading<&'a Exponent> {
    if is_at_least(&(b - a), 0) {
        Ok(a)
    } else if is_at_least(&(a - b), 0) {
        Ok(b)
    } else {
        Err(Unread("it is not plain which branch of a sum reads further"))
    }
}
