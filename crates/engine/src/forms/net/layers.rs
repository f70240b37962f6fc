//! Stacks as nodes, value by value and layer by layer.
//!
//! Layers that are stacks of others are read as those; `kernels.rs` reads kernels.

use super::kernels::{At, has_channel_sums, small};
use super::{Channels, Kind, Movement, Net, Node, NodeId, Same, Tap, Wire, in_place, number};
use crate::forms::Unsupported;
use crate::forms::border::Border;
use crate::forms::trace::Did;
use crate::forms::weights::{Place, split};
use crate::ir::{
    AveragePool, Branch, Composite, Conv, ConvTranspose, Function, Given, KernelTerm, Layer, Op, Origin,
    Padding, Pointwise, Stack, Upsample,
};
use crate::kernel::{ConcreteKernel, Shape, positions};
use crate::operator::expand::expanded;
use crate::operator::gather::{SameRule, signed};
use crate::operator::shape::{Signal, step};
use convproof_exact::{Poly, Rational};

impl Net {
    /// The output of a stack.
    ///
    /// # Errors
    /// [`Unsupported`] for layers and kernels that are not read here, and beyond limits.
    pub fn apply(&mut self, stack: &Stack, wire: Wire) -> Result<Wire, Unsupported> {
        // Functions of each entry stand before what they commute with.
        stack.reordered(commutes).fold(wire, |op, origin| self.value(op, origin))
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
        let signal = |op: &Given<'_, Wire>| step(op.map(|wire| wire.signal.clone()), origin, None);
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
        Ok((Wire { node: self.intern(Node { kind, sources, length })?, signal, step: 0 }, did))
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each layer")]
    fn layer(
        &mut self,
        layer: &Layer,
        origin: Origin,
        wire: &Wire,
    ) -> Result<(Wire, Option<Did>), Unsupported> {
        let after = || step(Op::Layer(layer, wire.signal.clone()), origin, None);
        if let Layer::Composite(Composite::Pad { sides: [top, left, bottom, right], mode }) = layer
            && let Some(rows) = Border::of(mode, [*top, *bottom])
            && let Some(columns) = Border::of(mode, [*left, *right])
        {
            let signal = after()?;
            let moves = [(rows, *top), (columns, *left)].map(|(border, before)| Movement {
                offset: -before,
                border: Some(border),
                ..Movement::identity()
            });
            let node = self.uniform(wire, moves, &Rational::ONE, &signal)?;
            return Ok((Wire { node, signal, step: 0 }, None));
        }
        if let Layer::Composite(layer) = layer {
            let size = self.size.map(|size| wire.signal.at(size).unwrap_or([1; 2]));
            let inner = expanded(layer, origin, wire.signal.channels, size)?;
            self.told.trace.enter();
            let made = self.apply(&inner, wire.clone())?;
            self.told.trace.leave();
            return Ok((made, Some(Did::Expanded { layers: inner.graph().values().len() })));
        }
        let signal = after()?;
        let plain = |taps: [Vec<i64>; 2], down: [i64; 2], up: [i64; 2], offset: [i64; 2]| {
            let [rows, columns] = taps;
            [(rows, 0), (columns, 1)].map(|(taps, axis)| Movement {
                down: down[axis],
                up: up[axis],
                offset: offset[axis],
                taps,
                same: None,
                border: None,
            })
        };
        let node = match layer {
            Layer::Conv(conv) => self.conv(conv, wire, &signal)?,
            Layer::Pool(pool) => self.pool(pool, origin, wire, &signal)?,
            Layer::Subsample(stride) => {
                let moves = plain([vec![0], vec![0]], stride.map(signed), [1; 2], [0; 2]);
                self.uniform(wire, moves, &Rational::ONE, &signal)?
            }
            Layer::Pad([top, left, _, _]) => {
                let moves = plain([vec![0], vec![0]], [1; 2], [1; 2], [-top, -left]);
                self.uniform(wire, moves, &Rational::ONE, &signal)?
            }
            Layer::Upsample(Upsample { factor, nearest }) => {
                let up = factor.map(signed);
                let taps = up.map(|u| if *nearest { (1 - u..=0).collect() } else { vec![0] });
                let moves = plain(taps, [1; 2], up, [0; 2]);
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
            Layer::ConvTranspose(conv) if self.channels != Channels::Apart => {
                let applied = self.crossed(conv, wire, &signal)?;
                self.biased(applied, conv.bias.as_ref(), &signal)?
            }
            Layer::SpaceToDepth(n) | Layer::DepthToSpace(n) => self.shuffled(layer, *n, wire, &signal)?,
            _ if self.channels != Channels::Apart => return Err(Unsupported::Layer),
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
    ) -> Result<NodeId, Unsupported> {
        let deep = matches!(layer, Layer::SpaceToDepth(_));
        let taps: Vec<i64> =
            if deep { (0..signed(n)).collect() } else { (1 - signed(n)..=0).rev().collect() };
        let (down, up) = if deep { (signed(n), 1) } else { (1, signed(n)) };
        let moves =
            [0, 1].map(|_| Movement { down, up, offset: 0, taps: taps.clone(), same: None, border: None });
        let blocks = [&wire.signal, signal].map(|signal| self.divided(signal.channels));
        let [inputs, outputs] = blocks.map(|blocks| blocks.map(|blocks| (blocks.len(), blocks[0])));
        let (inputs, outputs) = (inputs?, outputs?);
        let (shallow, all) = if deep { (inputs, outputs) } else { (outputs, inputs) };
        let turns = [shallow, all].iter().all(|(count, block)| block.width == 1 || block.step == *count);
        if !turns || shallow.1.width != all.1.width || shallow.0.saturating_mul(n * n) != all.0 {
            return Err(Unsupported::Layer);
        }
        let shallow = shallow.0;
        let mut weights = Vec::new();
        for c in 0..shallow {
            for a in 0..n {
                for b in 0..n {
                    let [c, d] = [number(c), number(c * n * n + a * n + b)];
                    let (output, input) = if deep { (d, c) } else { (c, d) };
                    let weight = split(&Poly::one());
                    weights.push(Tap { output, row: number(a), column: number(b), input, weight });
                }
            }
        }
        weights.sort_by_key(|tap| (tap.output, tap.row, tap.column, tap.input));
        let kind = Kind::Taps { weights, bias: Vec::new() };
        self.reading(kind, (wire.node, moves), Some(signal.length.clone()))
    }

    /// A transposed convolution where each channel is a block.
    pub(super) fn transposed(
        &mut self,
        conv: &ConvTranspose,
        wire: &Wire,
        signal: &Signal,
    ) -> Result<NodeId, Unsupported> {
        let shape = conv.kernel.shape();
        let entries = self.entries(&conv.kernel)?;
        let [top, left, _, _] = conv.padding;
        let extents = [shape.height, shape.width];
        let moves = [0, 1].map(|axis| Movement {
            down: 1,
            up: signed(conv.stride[axis]),
            offset: [top, left][axis],
            taps: (0..signed(extents[axis])).map(|k| -k * signed(conv.dilation[axis])).collect(),
            same: None,
            border: None,
        });
        let per_input = shape.outputs / conv.groups.max(1);
        let place = |[c, o, i, j]: [usize; 4]| [o + c / per_input.max(1) * shape.inputs, c, i, j];
        let weights = taps_of(shape, &entries, place);
        let bias = conv.bias.as_ref().map_or(Ok(Vec::new()), |bias| self.vector(bias, signal.channels))?;
        let kind = Kind::Taps { weights, bias };
        self.reading(kind, (wire.node, moves), Some(signal.length.clone()))
    }

    /// A transposed convolution by matrices: zeros between, then a kernel with its channels exchanged, turned around.
    pub(super) fn crossed(
        &mut self,
        conv: &ConvTranspose,
        wire: &Wire,
        signal: &Signal,
    ) -> Result<NodeId, Unsupported> {
        let shape = conv.kernel.shape();
        let depthwise = conv.groups > 1 && shape.inputs == 1 && shape.outputs == conv.groups;
        if conv.groups > 1 && !depthwise {
            return Err(Unsupported::Layer);
        }
        let mut source = wire.node;
        if conv.stride != [1, 1] {
            let up = |stride: usize| Movement { up: signed(stride), ..Movement::identity() };
            let weights = self.each(wire.signal.channels, &[(0, 0, split(&Poly::one()))])?;
            let kind = Kind::Taps { weights, bias: Vec::new() };
            // What is beyond the signal's range is zero here too.
            source =
                self.intern(Node { kind, sources: vec![(source, conv.stride.map(up))], length: None })?;
        }
        let mut at = At { crossed: true, ..At::plain(depthwise) };
        for axis in 0..2 {
            at.step[axis] = -signed(conv.dilation[axis]);
            at.offset[axis] = conv.padding[axis];
        }
        self.kernel(conv.kernel.expr(), source, &at, Some(signal.length.clone()))
    }

    /// Equal weights at all taps, each channel by itself.
    pub(super) fn uniform(
        &mut self,
        wire: &Wire,
        moves: [Movement; 2],
        weight: &Rational,
        signal: &Signal,
    ) -> Result<NodeId, Unsupported> {
        let [rows, columns] = [0, 1].map(|axis| moves[axis].taps.len());
        if rows.saturating_mul(columns) > 1 << 16 {
            return Err(Unsupported::TooLarge);
        }
        let weight = split(&Poly::constant(weight.clone()));
        let places = (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j)));
        let taps: Vec<_> = places.map(|(i, j)| (number(i), number(j), weight.clone())).collect();
        let kind = Kind::Taps { weights: self.each(signal.channels, &taps)?, bias: Vec::new() };
        self.reading(kind, (wire.node, moves), Some(signal.length.clone()))
    }

    pub(super) fn pool(
        &mut self,
        pool: &AveragePool,
        origin: Origin,
        wire: &Wire,
        signal: &Signal,
    ) -> Result<NodeId, Unsupported> {
        let padded = !matches!(pool.padding, Padding::Sides(sides) if sides.iter().all(|&side| side <= 0));
        let same = !matches!(pool.padding, Padding::Sides(_));
        if let Padding::Sides(sides) = pool.padding
            && pool.average
            && pool.ceil_mode
            && pool.count_include_pad
            && padded
        {
            // Zeros that count are entries of a longer signal; what windows read beyond it does not count.
            let (padded, _) = self.layer(&Layer::Pad(sides), origin, wire)?;
            let inner = AveragePool { padding: Padding::Sides([0; 4]), ..pool.clone() };
            return self.pool(&inner, origin, &padded, signal);
        }
        let mean = pool.average && (pool.ceil_mode && !same || padded && !pool.count_include_pad);
        let moves = windows(pool.size, pool.stride, pool.padding, wire);
        if mean {
            let length = Some(signal.length.clone());
            return self.reading(Kind::Mean, (wire.node, moves), length);
        }
        let area = Rational::from(signed(pool.size[0])) * Rational::from(signed(pool.size[1]));
        let weight = if pool.average { area.recip().unwrap_or(Rational::ONE) } else { Rational::ONE };
        self.uniform(wire, moves, &weight, signal)
    }

    pub(super) fn conv(&mut self, conv: &Conv, wire: &Wire, signal: &Signal) -> Result<NodeId, Unsupported> {
        let shape = conv.kernel.shape();
        let depthwise = conv.groups > 1 && shape.inputs == 1 && shape.outputs == conv.groups;
        let mut at = At { groups: conv.groups, ..At::plain(depthwise) };
        let extents = [shape.height, shape.width];
        for axis in 0..2 {
            let dilation = signed(conv.dilation[axis]);
            let extent = small(signed(extents[axis] - 1).checked_mul(dilation))? + 1;
            let (offset, same) = start(conv.padding, axis, extent, conv.stride[axis], wire);
            at.step[axis] = dilation;
            at.down[axis] = signed(conv.stride[axis]);
            at.offset[axis] = offset;
            at.same[axis] = same;
        }
        let length = Some(signal.length.clone());
        if self.channels == Channels::Apart {
            let bias =
                conv.bias.as_ref().map_or(Ok(Vec::new()), |bias| self.vector(bias, signal.channels))?;
            let entries = self.entries(&conv.kernel)?;
            let per_output = shape.outputs / conv.groups.max(1);
            let place = |[o, c, i, j]: [usize; 4]| [o, c + o / per_output.max(1) * shape.inputs, i, j];
            let weights = taps_of(shape, &entries, place);
            let moves = [0, 1].map(|axis| at.movement(axis, extents[axis]));
            let kind = Kind::Taps { weights, bias };
            return self.reading(kind, (wire.node, moves), length);
        }
        let applied = self.kernel(conv.kernel.expr(), wire.node, &at, length)?;
        self.biased(applied, conv.bias.as_ref(), signal)
    }

    /// A signal plus a vector, if there is one.
    pub(super) fn biased(
        &mut self,
        source: NodeId,
        bias: Option<&KernelTerm>,
        signal: &Signal,
    ) -> Result<NodeId, Unsupported> {
        let Some(bias) = bias else { return Ok(source) };
        if self.channels == Channels::Apart || !has_channel_sums(bias.expr()) {
            let bias = self.vector(bias, signal.channels)?;
            return self.pointwise(source, self.ones(signal.channels)?, bias, Some(signal));
        }
        let constant = self.constant(bias.expr(), signal.channels)?;
        self.total(vec![source, constant], Some(signal.length.clone()))
    }
}

/// Whether a layer commutes with one before it: what never falls with the largest of some entries, a function that is
/// the same for all channels with channels in another order.
fn commutes(layer: &Layer, before: &Layer) -> bool {
    match before {
        Layer::MaxPool(_) => never_falls(layer),
        Layer::Composite(Composite::Permute(_) | Composite::ChannelShuffle(_)) => match layer {
            Layer::Relu | Layer::Function(_) => true,
            Layer::Composite(Composite::Pointwise(function)) => {
                function.weights().is_none_or(|slopes| slopes.len() == 1)
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether a layer is a function of each entry that never falls.
fn never_falls(layer: &Layer) -> bool {
    match layer {
        Layer::Composite(Composite::Pointwise(function)) => match function {
            Pointwise::Clip { .. } => true,
            Pointwise::HardSigmoid { slope, .. } => !slope.is_negative(),
            Pointwise::LeakyRelu(slopes) => {
                let rises = |kernel: &ConcreteKernel| kernel.entries().all(|slope| !slope.is_negative());
                slopes.kernel().as_concrete().is_some_and(rises)
            }
            Pointwise::Abs => false,
        },
        Layer::Function(function) => {
            matches!(function, Function::Sigmoid | Function::Tanh | Function::Softplus)
        }
        _ => false,
    }
}

/// How a window moves over a signal.
fn windows(size: [usize; 2], stride: [usize; 2], padding: Padding, wire: &Wire) -> [Movement; 2] {
    [0, 1].map(|axis| {
        let (extent, down) = (signed(size[axis]), signed(stride[axis]));
        let (offset, same) = start(padding, axis, extent, stride[axis], wire);
        Movement { down, up: 1, offset, taps: (0..extent).collect(), same, border: None }
    })
}

/// Where output 0 reads the first tap, and zeros before the start that depend on the size.
fn start(padding: Padding, axis: usize, extent: i64, stride: usize, wire: &Wire) -> (i64, Option<Same>) {
    let of = wire.signal.length[axis].clone();
    let rule = |upper| SameRule { stride: signed(stride), extent, upper };
    match padding {
        Padding::Sides([top, left, _, _]) => (-[top, left][axis], None),
        Padding::SameUpper => (0, Some(Same { rule: rule(true), of })),
        Padding::SameLower => (0, Some(Same { rule: rule(false), of })),
    }
}

/// The taps of a kernel's entries, whose output and input block `place` tells; zeros are left out.
fn taps_of(shape: Shape, entries: &[Poly], place: impl Fn([usize; 4]) -> [usize; 4]) -> Vec<Tap> {
    let all = positions(shape).zip(entries).filter(|(_, entry)| !entry.is_zero());
    let mut taps: Vec<Tap> = all
        .map(|(at, entry)| {
            let [output, input, row, column] = place(at).map(number);
            Tap { output, row, column, input, weight: split(entry) }
        })
        .collect();
    taps.sort_by_key(|tap| (tap.output, tap.row, tap.column, tap.input));
    taps
}
