//! Stacks as nodes, value by value and layer by layer.
//!
//! Layers that are stacks of others are read as those; `kernels.rs` reads kernels.

use std::sync::Arc;

use super::kernels::{At, has_channel_sums, small};
use super::order::commutes;
use super::{ChannelBlocks, Kind, Movement, Net, NetNode, NetNodeId, Same, Tap, Wire, in_place, number};
use crate::axes::{AXES, Axes, all, each, place, positions};
use crate::forms::Unsupported;
use crate::forms::border::Border;
use crate::forms::generic::split;
use crate::forms::trace::Did;
use crate::forms::weights::Place;
use crate::ir::{
    AveragePool, Branch, Composite, Conv, ConvTranspose, Ends, Given, KernelTerm, Layer, Op, Origin, Padding,
    Stack, Upsample,
};
use crate::kernel::{self, Shape};
use crate::operator::expand::expanded;
use crate::operator::gather::{SameRule, signed};
use crate::operator::length::Length;
use crate::operator::lower::area;
use crate::operator::shape::{Signal, step};
use crate::operator::signature::block;
use convproof_exact::{Limited, Poly, Rational};

/// Most equal taps of a layer.
const MAX_TAPS: usize = 1 << 16;

impl Net {
    /// The output of a stack.
    ///
    /// # Errors
    /// [`Unsupported`] for layers and kernels that are not read here, and beyond limits.
    pub fn apply(&mut self, stack: &Stack, wire: Wire) -> Result<Wire, Unsupported> {
        // Functions of each entry stand before what they commute with.
        let ordered = stack.reordered(|layer, before| commutes(layer, before, &self.roots));
        let origins =
            |stack: &Stack| stack.graph().values().map(|(_, value)| value.origin).collect::<Vec<_>>();
        self.told.trace.reordered |= origins(&ordered) != origins(stack);
        ordered.fold(wire, |op, origin| self.value(op, origin))
    }

    fn value(&mut self, op: Given<'_, Wire>, origin: Origin) -> Result<Wire, Unsupported> {
        let mut reads = Vec::new();
        let op = op.into(|wire| {
            reads.push(wire.step);
            wire
        });
        let (mut wire, did) = self.made_of(op, origin)?;
        wire.step = self.tell(origin, reads, did, (wire.node, &wire.signal));
        Ok(wire)
    }

    /// The output of a value, and what was made of it.
    fn made_of(&mut self, op: Given<'_, Wire>, origin: Origin) -> Result<(Wire, Did), Unsupported> {
        let size = self.size;
        let signal = |op: &Given<'_, Wire>| step(op.map(|wire| wire.signal.clone()), origin, size);
        let (kind, sources, signal, did) = match op {
            Op::Layer(layer, wire) => {
                let (next, expanded) = self.layer(layer, origin, &wire)?;
                let did = expanded.unwrap_or_else(|| self.made(wire.node, next.node));
                return Ok((next, did));
            }
            Op::Sum(ref terms) => {
                let signal = signal(&op)?;
                let mut sources = Vec::new();
                for (factor, Branch { of: output, .. }) in terms.iter() {
                    let factor = self.letters.entry(factor.expr(), Place::SCALAR)?;
                    let factor = vec![split(&factor); self.divided(output.signal.channels)?.len()];
                    let node = self.pointwise(output.node, factor, Vec::new(), Some(&output.signal))?;
                    sources.push(in_place(node));
                }
                let did = Did::Sum { branches: sources.len() };
                (Kind::Sum, sources, signal, did)
            }
            Op::Product(ref factors) => {
                let sources = factors.iter().map(|factor| in_place(factor.of.node)).collect();
                (Kind::Product, sources, signal(&op)?, Did::Product)
            }
            Op::Broadcast([ref single, _]) => {
                // The only position is the first.
                let moves = each(|_| Movement { down: 0, ..Movement::identity() });
                (Kind::Sum, vec![(single.of.node, moves)], signal(&op)?, Did::Broadcast)
            }
            Op::Concat(ref parts) => {
                let signal = signal(&op)?;
                let mut picks = Vec::new();
                for (slot, part) in (0..).zip(parts.iter()) {
                    let count = number(self.runs(part.of.signal.channels)?.len());
                    picks.extend((0..count).map(|block| (slot, block)));
                }
                if self.runs(signal.channels)?.len() != picks.len() {
                    return Err(Unsupported::Layer);
                }
                let sources: Vec<_> = parts.iter().map(|part| in_place(part.of.node)).collect();
                let did = Did::Concat { branches: sources.len() };
                (Kind::Pick(picks), sources, signal, did)
            }
        };
        let length = Some(signal.length.clone());
        Ok((Wire { node: self.intern(NetNode { kind, sources, length })?, signal, step: 0 }, did))
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each layer")]
    fn layer(
        &mut self,
        layer: &Layer,
        origin: Origin,
        wire: &Wire,
    ) -> Result<(Wire, Option<Did>), Unsupported> {
        let after = || step(Op::Layer(layer, wire.signal.clone()), origin, self.size);
        if let Layer::Composite(Composite::Pad { ends, mode }) = layer
            && let Some(borders) = all(|axis| Border::of(mode, ends[axis]))
        {
            let signal = after()?;
            let moves = each(|axis| Movement {
                offset: -ends[axis].before,
                border: Some(borders[axis]),
                ..Movement::identity()
            });
            let node = self.uniform(wire, moves, &Rational::ONE, &signal)?;
            return Ok((Wire { node, signal, step: 0 }, None));
        }
        if let Layer::Composite(layer) = layer {
            let size = self.size.map(|size| wire.signal.at(size).unwrap_or([1; AXES]));
            let inner = expanded(layer, origin, wire.signal.channels, size)?;
            self.told.trace.enter();
            let made = self.apply(&inner, wire.clone())?;
            self.told.trace.leave();
            return Ok((made, Some(Did::Expanded { layers: inner.graph().values().len() })));
        }
        let signal = after()?;
        let node = match layer {
            Layer::Conv(conv) => self.conv(conv, wire, &signal)?,
            Layer::Pool(pool) => self.pool(pool, origin, wire, &signal)?,
            Layer::Subsample(stride) => {
                let moves = stride.map(|down| Movement { down: signed(down), ..Movement::identity() });
                self.uniform(wire, moves, &Rational::ONE, &signal)?
            }
            Layer::Pad(ends) => {
                let moves = ends.map(|ends| Movement { offset: -ends.before, ..Movement::identity() });
                self.uniform(wire, moves, &Rational::ONE, &signal)?
            }
            Layer::Upsample(Upsample { factor, nearest }) => {
                let moves = factor.map(signed).map(|up| {
                    let taps = if *nearest { (1 - up..=0).collect() } else { vec![0] };
                    Movement { up, taps, ..Movement::identity() }
                });
                self.uniform(wire, moves, &Rational::ONE, &signal)?
            }
            Layer::Scale(vector) => {
                let weight = self.vector(vector, signal.channels)?;
                self.pointwise(wire.node, weight, Vec::new(), Some(&signal))?
            }
            Layer::Bias(vector) => self.biased(wire.node, Some(vector), &signal)?,
            Layer::Relu | Layer::Function(_) => {
                let kind = if let Layer::Function(function) = layer {
                    Kind::Function(*function)
                } else {
                    Kind::Relu
                };
                self.reading(kind, in_place(wire.node), Some(signal.length.clone()))?
            }
            Layer::MaxPool(pool) => {
                let moves = windows(pool.size, pool.stride, pool.padding, wire);
                self.reading(Kind::Maximum, (wire.node, moves), Some(signal.length.clone()))?
            }
            Layer::Select { from, to } => {
                let blocks = self.between(wire.signal.channels, [*from, *to])?;
                let picks = blocks.into_iter().map(|block| (0, block)).collect();
                self.reading(Kind::Pick(picks), in_place(wire.node), Some(signal.length.clone()))?
            }
            Layer::GlobalAverage => self.average(wire, &signal)?,
            Layer::ConvTranspose(conv) if self.channels != ChannelBlocks::Apart => {
                let applied = self.crossed(conv, wire, &signal)?;
                self.biased(applied, conv.bias.as_ref(), &signal)?
            }
            Layer::SpaceToDepth(n) | Layer::DepthToSpace(n) => self.shuffled(layer, *n, wire, &signal)?,
            Layer::Dense { weights, bias } => self.dense(weights, bias.as_ref(), wire, &signal)?,
            _ if self.channels != ChannelBlocks::Apart => return Err(Unsupported::Layer),
            Layer::ConvTranspose(conv) => self.transposed(conv, wire, &signal)?,
            _ => return Err(Unsupported::Layer),
        };
        Ok((Wire { node, signal, step: 0 }, None))
    }

    /// Tiles to channels, or the reverse, where each channel is a block or blocks take turns: of k blocks, channel ck + r
    /// becomes the channels (ck + r)n² + t, which are channels rn² + t of kn² turns.
    pub(super) fn shuffled(
        &mut self,
        layer: &Layer,
        n: usize,
        wire: &Wire,
        signal: &Signal,
    ) -> Result<NetNodeId, Unsupported> {
        let deep = matches!(layer, Layer::SpaceToDepth(_));
        let taps: Vec<i64> =
            if deep { (0..signed(n)).collect() } else { (1 - signed(n)..=0).rev().collect() };
        let (down, up) = if deep { (signed(n), 1) } else { (1, signed(n)) };
        let moves = each(|_| Movement { down, up, taps: taps.clone(), ..Movement::identity() });
        let weights = self.tiles(deep, n, [wire.signal.channels, signal.channels])?;
        let kind = Kind::Taps { weights, bias: Vec::new() };
        self.reading(kind, (wire.node, moves), Some(signal.length.clone()))
    }

    /// The weights of tiles that become channels, or the reverse, by the channels before and after.
    pub(super) fn tiles(&self, deep: bool, n: usize, channels: [usize; 2]) -> Result<Vec<Tap>, Unsupported> {
        let blocks = channels.map(|channels| self.divided(channels));
        let [inputs, outputs] = blocks.map(|blocks| blocks.map(|blocks| (blocks.len(), blocks[0])));
        let (inputs, outputs) = (inputs?, outputs?);
        let (shallow, all) = if deep { (inputs, outputs) } else { (outputs, inputs) };
        let turns = [shallow, all].iter().all(|(count, block)| block.width == 1 || block.step == *count);
        if !turns || shallow.1.width != all.1.width || shallow.0.saturating_mul(block(n)) != all.0 {
            return Err(Unsupported::Layer);
        }
        let shallow = shallow.0;
        let mut weights = Vec::new();
        for c in 0..shallow {
            for at in positions([n; AXES]) {
                let [c, d] = [number(c), number(c * block(n) + place(at, [n; AXES]))];
                let (output, input) = if deep { (d, c) } else { (c, d) };
                let weight = split(&Poly::one());
                weights.push(Tap { output, at: at.map(number), input, weight });
            }
        }
        weights.sort_by_key(|tap| (tap.output, tap.at, tap.input));
        Ok(weights)
    }

    /// A transposed convolution where each channel is a block.
    pub(super) fn transposed(
        &mut self,
        conv: &ConvTranspose,
        wire: &Wire,
        signal: &Signal,
    ) -> Result<NetNodeId, Unsupported> {
        let shape = conv.kernel.shape();
        let entries = self.entries(&conv.kernel)?;
        let moves = each(|axis| Movement {
            up: signed(conv.stride[axis]),
            offset: conv.padding[axis].before,
            taps: (0..signed(shape.extents()[axis])).map(|k| -k * signed(conv.dilation[axis])).collect(),
            ..Movement::identity()
        });
        let per_input = shape.outputs / conv.groups.max(1);
        let place = |[c, o, i, j]: [usize; 4]| [o + c / per_input.max(1) * shape.inputs, c, i, j];
        self.tapped(taps_of(shape, &entries, place), moves, conv.bias.as_ref(), wire, signal)
    }

    /// Taps where each channel is a block, plus a vector.
    pub(super) fn tapped(
        &mut self,
        weights: Vec<Tap>,
        moves: Axes<Movement>,
        bias: Option<&KernelTerm>,
        wire: &Wire,
        signal: &Signal,
    ) -> Result<NetNodeId, Unsupported> {
        let bias = bias.map_or(Ok(Vec::new()), |bias| self.vector(bias, signal.channels))?;
        self.reading(Kind::Taps { weights, bias }, (wire.node, moves), Some(signal.length.clone()))
    }

    /// A transposed convolution by matrices: zeros between, then a kernel with its channels exchanged, turned around.
    pub(super) fn crossed(
        &mut self,
        conv: &ConvTranspose,
        wire: &Wire,
        signal: &Signal,
    ) -> Result<NetNodeId, Unsupported> {
        let shape = conv.kernel.shape();
        let depthwise = conv.groups > 1 && shape.inputs == 1 && shape.outputs == conv.groups;
        if conv.groups > 1 && !depthwise {
            return Err(Unsupported::Layer);
        }
        let mut source = wire.node;
        if conv.stride != [1; AXES] {
            let up = |stride: usize| Movement { up: signed(stride), ..Movement::identity() };
            let weights = self.each(wire.signal.channels, &[([0; AXES], split(&Poly::one()))])?;
            let kind = Kind::Taps { weights, bias: Vec::new() };
            // What is beyond the signal's range is zero here too.
            source =
                self.intern(NetNode { kind, sources: vec![(source, conv.stride.map(up))], length: None })?;
        }
        let mut at = At { crossed: true, ..At::plain(depthwise) };
        at.step = conv.dilation.map(|dilation| -signed(dilation));
        at.offset = conv.padding.map(|ends| ends.before);
        self.kernel(conv.kernel.expr(), source, &at, Some(signal.length.clone()))
    }

    /// Equal weights at all taps, each channel by itself.
    pub(super) fn uniform(
        &mut self,
        wire: &Wire,
        moves: Axes<Movement>,
        weight: &Rational,
        signal: &Signal,
    ) -> Result<NetNodeId, Unsupported> {
        let length = Some(signal.length.clone());
        self.evenly(wire.node, signal.channels, moves, weight, length)
    }

    /// The same of a node.
    pub(super) fn evenly(
        &mut self,
        source: NetNodeId,
        channels: usize,
        moves: Axes<Movement>,
        weight: &Rational,
        length: Option<Axes<Arc<Length>>>,
    ) -> Result<NetNodeId, Unsupported> {
        let taps = each(|axis| moves[axis].taps.len());
        if taps.into_iter().fold(1, usize::saturating_mul).exceeds(MAX_TAPS) {
            return Err(Unsupported::TooLarge);
        }
        let weight = split(&Poly::constant(weight.clone()));
        let taps: Vec<_> = positions(taps).map(|at| (at.map(number), weight.clone())).collect();
        let kind = Kind::Taps { weights: self.each(channels, &taps)?, bias: Vec::new() };
        self.reading(kind, (source, moves), length)
    }

    pub(super) fn pool(
        &mut self,
        pool: &AveragePool,
        origin: Origin,
        wire: &Wire,
        signal: &Signal,
    ) -> Result<NetNodeId, Unsupported> {
        let padded = !matches!(pool.padding, Padding::Sides(ends) if ends.iter().all(|ends| ends.before <= 0 && ends.after <= 0));
        let same = !matches!(pool.padding, Padding::Sides(_));
        if let Padding::Sides(ends) = pool.padding
            && pool.average
            && pool.ceil_mode
            && pool.count_include_pad
            && padded
        {
            // Zeros that count are entries of a longer signal; what windows read beyond it does not count.
            let (padded, _) = self.layer(&Layer::Pad(ends), origin, wire)?;
            let inner = AveragePool { padding: Padding::Sides(Ends::NONE), ..pool.clone() };
            return self.pool(&inner, origin, &padded, signal);
        }
        let mean = pool.average && (pool.ceil_mode && !same || padded && !pool.count_include_pad);
        let moves = windows(pool.size, pool.stride, pool.padding, wire);
        if mean {
            let length = Some(signal.length.clone());
            return self.reading(Kind::Mean, (wire.node, moves), length);
        }
        let weight = if pool.average {
            area(pool.size.map(signed)).recip().unwrap_or(Rational::ONE)
        } else {
            Rational::ONE
        };
        self.uniform(wire, moves, &weight, signal)
    }

    pub(super) fn conv(
        &mut self,
        conv: &Conv,
        wire: &Wire,
        signal: &Signal,
    ) -> Result<NetNodeId, Unsupported> {
        let shape = conv.kernel.shape();
        let depthwise = conv.groups > 1 && shape.inputs == 1 && shape.outputs == conv.groups;
        let mut at = At { groups: conv.groups, ..At::plain(depthwise) };
        let extents = shape.extents();
        at.step = conv.dilation.map(signed);
        at.down = conv.stride.map(signed);
        for axis in 0..AXES {
            let extent = small(signed(extents[axis] - 1).checked_mul(at.step[axis]))? + 1;
            (at.offset[axis], at.same[axis]) = start(conv.padding, axis, extent, conv.stride[axis], wire);
        }
        if self.channels == ChannelBlocks::Apart {
            let entries = self.entries(&conv.kernel)?;
            let per_output = shape.outputs / conv.groups.max(1);
            let place = |[o, c, i, j]: [usize; 4]| [o, c + o / per_output.max(1) * shape.inputs, i, j];
            let taps = taps_of(shape, &entries, place);
            let moves = each(|axis| at.movement(axis, extents[axis]));
            return self.tapped(taps, moves, conv.bias.as_ref(), wire, signal);
        }
        let applied = self.kernel(conv.kernel.expr(), wire.node, &at, Some(signal.length.clone()))?;
        self.biased(applied, conv.bias.as_ref(), signal)
    }

    /// A signal plus a vector, if there is one.
    pub(super) fn biased(
        &mut self,
        source: NetNodeId,
        bias: Option<&KernelTerm>,
        signal: &Signal,
    ) -> Result<NetNodeId, Unsupported> {
        let Some(bias) = bias else { return Ok(source) };
        if self.channels == ChannelBlocks::Apart || !has_channel_sums(bias.expr()) {
            let bias = self.vector(bias, signal.channels)?;
            return self.pointwise(source, self.ones(signal.channels)?, bias, Some(signal));
        }
        let constant = self.constant(bias.expr(), signal.channels)?;
        self.total(vec![source, constant], Some(signal.length.clone()))
    }
}

/// How a window moves over a signal.
fn windows(size: Axes<usize>, stride: Axes<usize>, padding: Padding, wire: &Wire) -> Axes<Movement> {
    each(|axis| {
        let (extent, down) = (signed(size[axis]), signed(stride[axis]));
        let (offset, same) = start(padding, axis, extent, stride[axis], wire);
        Movement { down, offset, taps: (0..extent).collect(), same, ..Movement::identity() }
    })
}

/// Where output 0 reads the first tap, and zeros before the start that depend on the size.
fn start(padding: Padding, axis: usize, extent: i64, stride: usize, wire: &Wire) -> (i64, Option<Same>) {
    let of = wire.signal.length[axis].clone();
    let rule = |upper| SameRule { stride: signed(stride), extent, upper };
    match padding {
        Padding::Sides(ends) => (-ends[axis].before, None),
        Padding::SameUpper => (0, Some(Same { rule: rule(true), of })),
        Padding::SameLower => (0, Some(Same { rule: rule(false), of })),
    }
}

/// The taps of a kernel's entries, whose output and input block `place` tells; zeros are left out.
pub(super) fn taps_of(shape: Shape, entries: &[Poly], place: impl Fn([usize; 4]) -> [usize; 4]) -> Vec<Tap> {
    let all = kernel::positions(shape).zip(entries).filter(|(_, entry)| !entry.is_zero());
    let mut taps: Vec<Tap> = all
        .map(|(at, entry)| {
            let [output, input, at @ ..] = place(at).map(number);
            Tap { output, at, input, weight: split(entry) }
        })
        .collect();
    taps.sort_by_key(|tap| (tap.output, tap.at, tap.input));
    taps
}

#[cfg(test)]
mod tests;
