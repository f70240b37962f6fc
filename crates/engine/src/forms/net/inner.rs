//! The kernel of a stack applied to a signal: its layers one after the other, with borders nowhere.
//!
//! A node stands for what the stack makes up to one of its values, at all positions: node[j] = Σ K[u]·x[j + step·u] where the value
//! itself has K at the positions that are a stride apart. Only where a position has several outputs, after depth became tiles, nodes are
//! the values themselves (Theorem 6d of `docs/semantics.md`).

use std::sync::Arc;

use super::kernels::{At, small};
use super::{Kind, Movement, Net, NetNodeId};
use crate::axes::{AXES, Axes, Ends, each, try_each};
use crate::forms::Unsupported;
use crate::forms::generic::split;
use crate::forms::weights::Place;
use crate::ir::{Conv, Given, Layer, Op, Padding, Stack};
use crate::kernel::Shape;
use crate::operator::gather::signed;
use crate::operator::length::Length;
use crate::operator::lower::area;
use crate::operator::signature::block;
use crate::operator::tiles::{self, Tiled};
use convproof_exact::{Poly, Rational};

/// What a stack makes of a signal up to one of its values.
#[derive(Clone, Copy)]
struct Value {
    node: NetNodeId,
    channels: usize,
    reach: Axes<Tiled>,
}

impl Net {
    /// The kernel of a stack, of a shape, applied to a signal.
    pub(super) fn of_stack(
        &mut self,
        stack: &Stack,
        shape: Shape,
        source: NetNodeId,
        at: &At,
        length: Option<Axes<Arc<Length>>>,
    ) -> Result<NetNodeId, Unsupported> {
        if at.turned || at.crossed || at.groups > 1 {
            return Err(Unsupported::Kernel);
        }
        let input = Value { node: source, channels: shape.inputs, reach: [Tiled::IDENTITY; AXES] };
        let all = stack.fold(input, |op, _| self.inner(op, at.step))?;
        let extents = shape.extents().map(|extent| (1, signed(extent)));
        if all.reach.map(|reach| (reach.up, reach.extent())) != extents || all.channels != shape.outputs {
            return Err(Unsupported::Kernel);
        }
        let moves = try_each(|axis| {
            let before = at.step[axis].checked_mul(all.reach[axis].reads[0]);
            let offset = small(before.and_then(|before| at.offset[axis].checked_sub(before)))?;
            let same = at.same[axis].clone();
            Ok::<_, Unsupported>(Movement { offset, down: at.down[axis], same, ..Movement::identity() })
        })?;
        self.moved(&all, moves, length)
    }

    /// One value, for taps of the whole kernel that are `step` apart.
    fn inner(&mut self, op: Given<'_, Value>, step: Axes<i64>) -> Result<Value, Unsupported> {
        match op {
            Op::Layer(layer, before) => self.inner_layer(layer, &before, step),
            Op::Sum(terms) => {
                let reach: Vec<_> = terms.iter().map(|(_, branch)| branch.of.reach).collect();
                let reach = tiles::joined(&reach).ok_or(Unsupported::Kernel)?;
                let mut nodes = Vec::new();
                let mut channels = 0;
                for (factor, branch) in terms {
                    channels = branch.of.channels;
                    let factor = split(&self.letters.entry(factor.expr(), Place::SCALAR)?);
                    let weights = vec![factor; self.divided(channels)?.len()];
                    nodes.push(self.bounded(branch.of.node, weights, None)?);
                }
                Ok(Value { node: self.total(nodes, None)?, channels, reach })
            }
            Op::Product(_) | Op::Concat(_) | Op::Broadcast(_) => Err(Unsupported::Kernel),
        }
    }

    fn inner_layer(&mut self, layer: &Layer, before: &Value, step: Axes<i64>) -> Result<Value, Unsupported> {
        let reach = tiles::through(before.reach, layer).ok_or(Unsupported::Kernel)?;
        // How far apart the layer's taps are; where positions have parts, its outputs are a stride apart.
        let parts = before.reach.map(|reach| reach.up > 1);
        let apart = try_each(|axis| {
            if (parts[axis] || reach[axis].up > 1) && step[axis] != 1 {
                return Err(Unsupported::Kernel);
            }
            small(step[axis].checked_mul(before.reach[axis].stride))
        })?;
        let down = |axis: usize, stride: usize| if parts[axis] { signed(stride) } else { 1 };
        let (size, stride, sides) = match layer {
            Layer::Conv(conv) => {
                let node = self.inner_conv(conv, before, apart, parts)?;
                return Ok(Value { node, channels: conv.kernel.shape().outputs, reach });
            }
            Layer::Scale(vector) => {
                let weights = self.vector(vector, before.channels)?;
                let node = self.pointwise(before.node, weights, Vec::new(), None)?;
                return Ok(Value { node, reach, ..*before });
            }
            Layer::SpaceToDepth(n) | Layer::DepthToSpace(n) => {
                let deep = matches!(layer, Layer::SpaceToDepth(_));
                let channels = if deep {
                    before.channels.checked_mul(block(*n))
                } else {
                    Some(before.channels / block(*n))
                };
                let channels = channels.ok_or(Unsupported::TooLarge)?;
                let moves = each(|axis| Movement {
                    down: if deep { down(axis, *n) } else { 1 },
                    up: if deep { 1 } else { signed(*n) },
                    taps: (0..signed(*n)).map(|k| if deep { k * apart[axis] } else { -k }).collect(),
                    ..Movement::identity()
                });
                let weights = self.tiles(deep, *n, [before.channels, channels])?;
                let kind = Kind::Taps { weights, bias: Vec::new() };
                let node = self.reading(kind, (before.node, moves), None)?;
                return Ok(Value { node, channels, reach });
            }
            Layer::Pool(pool) => (pool.size, pool.stride, pool.padding),
            Layer::Subsample(stride) => ([1; AXES], *stride, Padding::Sides(Ends::NONE)),
            Layer::Pad(ends) => ([1; AXES], [1; AXES], Padding::Sides(*ends)),
            _ => return Err(Unsupported::Layer),
        };
        let moves = try_each(|axis| {
            small(apart[axis].checked_mul(signed(size[axis])))?;
            let taps = (0..signed(size[axis])).map(|k| k * apart[axis]).collect();
            let (offset, down) = (shift(apart[axis], sides, axis)?, down(axis, stride[axis]));
            Ok::<_, Unsupported>(Movement { taps, offset, down, ..Movement::identity() })
        })?;
        let weight = match layer {
            Layer::Pool(pool) if pool.average => area(pool.size.map(signed)).recip().unwrap_or(Rational::ONE),
            _ => Rational::ONE,
        };
        let node = self.evenly(before.node, before.channels, moves, &weight, None)?;
        Ok(Value { node, reach, ..*before })
    }

    /// A convolution whose taps are so far apart, with its stride where positions have parts.
    fn inner_conv(
        &mut self,
        conv: &Conv,
        before: &Value,
        apart: Axes<i64>,
        parts: Axes<bool>,
    ) -> Result<NetNodeId, Unsupported> {
        let shape = conv.kernel.shape();
        let depthwise = conv.groups > 1 && shape.inputs == 1 && shape.outputs == conv.groups;
        if shape.inputs.checked_mul(conv.groups) != Some(before.channels) {
            return Err(Unsupported::Kernel);
        }
        let mut at = At { groups: conv.groups, ..At::plain(depthwise) };
        for axis in 0..AXES {
            at.step[axis] = small(apart[axis].checked_mul(signed(conv.dilation[axis])))?;
            at.offset[axis] = shift(apart[axis], conv.padding, axis)?;
            at.down[axis] = if parts[axis] { signed(conv.stride[axis]) } else { 1 };
        }
        self.kernel(conv.kernel.expr(), before.node, &at, None)
    }

    /// A value at other positions.
    fn moved(
        &mut self,
        value: &Value,
        moves: Axes<Movement>,
        length: Option<Axes<Arc<Length>>>,
    ) -> Result<NetNodeId, Unsupported> {
        let weights = self.each(value.channels, &[([0; AXES], split(&Poly::one()))])?;
        self.reading(Kind::Taps { weights, bias: Vec::new() }, (value.node, moves), length)
    }
}

/// Where the first tap of output 0 stands, of taps so far apart.
fn shift(apart: i64, padding: Padding, axis: usize) -> Result<i64, Unsupported> {
    let Padding::Sides(ends) = padding else { return Err(Unsupported::Kernel) };
    small(apart.checked_mul(-ends[axis].before))
}
