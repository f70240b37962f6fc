//! Stacks as sequences of nodes: linear maps with one kernel, constants, maxima over windows, relu. Nodes that can be one
//! are one.

use super::exponent::{Exponent, is_at_least, times, whole};
use super::kernel::KernelForm;
use super::number::Number;
use super::trace::{Became, PartKind, Steps};
use super::{Reading, Unread};
use crate::ir::Origin;
use crate::operator::trace::{Harmless, Made};
use convproof_exact::Poly;

/// What an output position reads along both axes, and how many outputs there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolicReach {
    /// Places of the first and last position read by output 0.
    pub first: [Exponent; 2],
    /// The last one.
    pub last: [Exponent; 2],
    /// How far the next output's are.
    pub stride: [Exponent; 2],
    /// `⌊(n + add) / stride⌋` outputs for an input of length n; none where that is below 1.
    pub add: [Exponent; 2],
}

impl SymbolicReach {
    /// Of a window of an extent, with a stride, and zeros around the image: `[top, left, bottom, right]`.
    pub fn window(extent: &[Exponent; 2], stride: &[Exponent; 2], padding: &[Exponent; 4]) -> Self {
        let axes = [0, 1];
        let add = axes.map(|axis| {
            let around = &padding[axis] + &padding[axis + 2];
            &(&around - &extent[axis]) + &stride[axis]
        });
        Self {
            first: axes.map(|axis| whole(0) - &padding[axis]),
            last: axes.map(|axis| &(&extent[axis] - &whole(1)) - &padding[axis]),
            stride: stride.clone(),
            add,
        }
    }

    fn is_identity(&self) -> bool {
        *self == Self::window(&[whole(1), whole(1)], &[whole(1), whole(1)], &[0, 1, 2, 3].map(|_| whole(0)))
    }

    /// Whether no output reads before the start, or past the end, of its input.
    fn stays_inside(&self, axis: usize) -> [bool; 2] {
        [is_at_least(&self.first[axis], 0), is_at_least(&(whole(0) - &self.end(axis)), 0)]
    }

    /// By how much the last output may read past the end.
    fn end(&self, axis: usize) -> Exponent {
        &(&self.add[axis] - &self.stride[axis]) + &(&self.last[axis] + &whole(1))
    }

    /// Whether what would be read before output 0, or after the last one, is nothing of the input.
    fn fades(&self, axis: usize) -> [bool; 2] {
        let end = &(&self.add[axis] - &self.stride[axis]) + &(&whole(1) + &self.first[axis]);
        [is_at_least(&(whole(0) - &self.last[axis]), 0), is_at_least(&end, 0)]
    }

    /// Why a linear map with this reach and then one with another are one: nothing that the second one reads is
    /// cut, or what is cut is 0. `None` where they are not plainly one.
    fn harmless_before(&self, next: &Self) -> Option<Harmless> {
        let mut border = Harmless::Inside;
        for axis in 0..2 {
            let (inside, fades) = (next.stays_inside(axis), self.fades(axis));
            if inside == [true, true] {
                continue;
            }
            let padded = is_at_least(&(whole(0) - &self.first[axis]), 0) && is_at_least(&self.end(axis), 0);
            if !padded || !(0..2).all(|side| inside[side] || fades[side]) {
                return None;
            }
            border = Harmless::Zero;
        }
        Some(border)
    }

    /// The extent of what is read.
    pub fn extent(&self) -> [Exponent; 2] {
        [0, 1].map(|axis| &(&self.last[axis] - &self.first[axis]) + &whole(1))
    }

    /// The reach of both.
    fn then(&self, next: &Self) -> Reading<Self> {
        let both = |a: &Exponent, b: &Exponent, axis: usize| -> Reading<Exponent> {
            Ok(a + &times(&self.stride[axis], b)?)
        };
        let pair = |a: &[Exponent; 2], b: &[Exponent; 2]| -> Reading<[Exponent; 2]> {
            Ok([both(&a[0], &b[0], 0)?, both(&a[1], &b[1], 1)?])
        };
        Ok(Self {
            first: pair(&self.first, &next.first)?,
            last: pair(&self.last, &next.last)?,
            stride: [times(&self.stride[0], &next.stride[0])?, times(&self.stride[1], &next.stride[1])?],
            add: pair(&self.add, &next.add)?,
        })
    }
}

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

/// Adds a node, into the last one if both are one; says what became of it.
fn push(nodes: &mut Vec<MapNode>, node: MapNode, flat: Flat<'_>) -> Reading<Vec<Became>> {
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
    fn push(&self, nodes: &mut Vec<MapNode>, minus: bool) -> Reading<()> {
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
fn agreeing(a: Option<&Exponent>, b: Option<&Exponent>) -> Reading<()> {
    match (a, b) {
        (Some(a), Some(b)) if a != b => Err(Unread("numbers of channels do not plainly agree")),
        _ => Ok(()),
    }
}

impl Linear {
    /// What it is, by its kernel.
    fn made(&self) -> Made {
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

fn inside(reach: &SymbolicReach) -> bool {
    [0, 1].into_iter().all(|axis| reach.stays_inside(axis) == [true, true])
}

/// Whether a maximum of maxima is one: the outer windows stay inside, and inner windows leave no gaps.
fn follow(a: &SymbolicReach, b: &SymbolicReach) -> bool {
    let dense = |axis: usize| {
        let size = &(&a.last[axis] - &a.first[axis]) + &whole(1);
        b.first[axis] == b.last[axis] || is_at_least(&(&size - &a.stride[axis]), 0)
    };
    inside(b) && dense(0) && dense(1)
}

fn identity() -> Linear {
    let one = [whole(1), whole(1)];
    let reach = SymbolicReach::window(&one, &one, &[0, 1, 2, 3].map(|_| whole(0)));
    Linear { kernel: KernelForm::number(&Number::of(Poly::one())), reach, channels: None }
}

fn is_nothing(node: &MapNode) -> bool {
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
