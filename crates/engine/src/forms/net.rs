//! Stacks taken apart into nodes that read each other at regular positions.
//!
//! A layer's output is a node with a length: it is zero outside. A product of kernels is never multiplied out: it is one
//! node after the other, and those between are *unbounded*, defined at all positions, as a kernel knows of no border.
//! So a kernel means the same here whether it was written as a product or given by stacks.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Unsupported;
use super::blocks::{Block, Division};
use super::border::Border;
use super::weights::{Letters, Place, Weight, split};
use crate::ir::{
    AveragePool, Branch, Composite, Conv, ConvTranspose, Function, Given, KernelExpr, KernelTerm, Layer, Op,
    Origin, Padding, Pointwise, Rearrangement, Stack, Upsample,
};
use crate::kernel::{ConcreteKernel, Shape, positions};
use crate::operator::expand::expanded;
use crate::operator::gather::{SameRule, signed};
use crate::operator::length::{Length, Step};
use crate::operator::shape::{Signal, step};
use crate::operator::single::single;
use convproof_exact::{Poly, Rational};

/// Number of a node; nodes only read smaller numbers. 0 is the input.
pub type NodeId = usize;

/// Most nodes of a net.
const MAX_NODES: usize = 1 << 10;

/// Zeros before the start that depend on the length of a signal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Same {
    /// The rule.
    pub rule: SameRule,
    /// The length of the signal that the layer reads.
    pub of: Arc<Length>,
}

/// How a node reads another one along an axis: output i reads tap k at `(down·i + taps[k] + offset − same) / up`,
/// where that is whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Movement {
    /// Stride.
    pub down: i64,
    /// Upsampling factor.
    pub up: i64,
    /// Where output 0 reads tap position 0.
    pub offset: i64,
    /// Positions of the taps.
    pub taps: Vec<i64>,
    /// Zeros before the start, where they depend on the size.
    pub same: Option<Same>,
    /// What stands beyond the ends of the signal that is read, where that is not 0.
    pub border: Option<Border>,
}

impl Movement {
    /// Every output reads its own position.
    pub fn identity() -> Self {
        Self { down: 1, up: 1, offset: 0, taps: vec![0], same: None, border: None }
    }
}

/// What a node makes of what it reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The input.
    Input,
    /// One source; weights by row tap and column tap, and a constant.
    Taps {
        /// The weights of all taps, sorted by output block, row and column.
        weights: Vec<Tap>,
        /// Added at every position, for each output block; empty if nothing is.
        bias: Vec<Weight>,
    },
    /// The sum of the sources.
    Sum,
    /// Each output block is a block of a source: which, and its number there.
    Pick(Vec<(u32, u32)>),
    /// The sum of what is read, divided by how many positions are.
    Mean,
    /// The largest of what is read.
    Maximum,
    /// The product of two sources.
    Product,
    /// The positive part.
    Relu,
    /// A function of each entry.
    Function(Function),
    /// The mean of a signal over all its positions; the signal is not among the sources, which are read position by position.
    Average(NodeId),
}

/// What an output block reads of a source's block through a tap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tap {
    /// The output block.
    pub output: u32,
    /// The row tap.
    pub row: u32,
    /// The column tap.
    pub column: u32,
    /// The input block.
    pub input: u32,
    /// The weight.
    pub weight: Weight,
}

/// What a block of channels is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// All channels of a signal together, or in blocks; kernels are matrices.
    Together(Division),
    /// Each channel by itself; kernels are their entries.
    Apart,
}

/// A signal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// What it makes of its sources.
    pub kind: Kind,
    /// What it reads, and how along rows and columns.
    pub sources: Vec<(NodeId, [Movement; 2])>,
    /// Its length along each axis; `None` if it is defined everywhere.
    pub length: Option<[Arc<Length>; 2]>,
}

/// Nodes over one input.
#[derive(Debug)]
pub struct Net {
    nodes: Vec<Node>,
    index: FxHashMap<Node, NodeId>,
    /// The letters of all kernels.
    pub letters: Letters,
    channels: Channels,
    /// The size of the input, where it is known.
    size: Option<[i64; 2]>,
}

/// A signal between layers.
#[derive(Clone, Debug)]
pub struct Wire {
    /// Its node.
    pub node: NodeId,
    /// Channels and lengths.
    pub signal: Signal,
}

/// Where a kernel is applied: y[i] = Σ K[u]·x[down·i + offset + step·u − same].
#[derive(Clone, Debug)]
struct At {
    step: [i64; 2],
    offset: [i64; 2],
    down: [i64; 2],
    same: [Option<Same>; 2],
    /// Rows and columns of the kernel are exchanged.
    turned: bool,
    /// Whether channel o of the output reads channel o of the input only.
    depthwise: bool,
    /// So many parts of the output read a part of the input each.
    groups: usize,
    /// The kernel's input channels are those of the output, as in a transposed convolution.
    crossed: bool,
}

impl At {
    fn plain(depthwise: bool) -> Self {
        let same = [None, None];
        let (turned, crossed) = (false, false);
        Self { step: [1; 2], offset: [0; 2], down: [1; 2], same, turned, depthwise, groups: 1, crossed }
    }

    /// The same kernel where it stands inside another one.
    fn inner(&self) -> Self {
        Self { offset: [0; 2], down: [1; 2], same: [None, None], ..self.clone() }
    }

    fn movement(&self, axis: usize, taps: usize) -> Movement {
        Movement {
            down: self.down[axis],
            up: 1,
            offset: self.offset[axis],
            taps: (0..signed(taps)).map(|k| k * self.step[axis]).collect(),
            same: self.same[axis].clone(),
            border: None,
        }
    }

    fn turn<T: Copy>(&self, pair: [T; 2]) -> [T; 2] {
        if self.turned { [pair[1], pair[0]] } else { pair }
    }

    /// Output and input channels of a kernel of a shape.
    fn channels(&self, shape: Shape) -> [usize; 2] {
        if self.crossed { [shape.inputs, shape.outputs] } else { [shape.outputs, shape.inputs] }
    }

    /// Moved by so many taps.
    fn shifted(&self, by: [i64; 2]) -> Result<Self, Unsupported> {
        let by = self.turn(by);
        let mut offset = self.offset;
        for axis in 0..2 {
            offset[axis] =
                small(self.step[axis].checked_mul(by[axis]).and_then(|n| n.checked_add(offset[axis])))?;
        }
        Ok(Self { offset, ..self.clone() })
    }
}

/// A position or distance within the limits.
fn small(n: Option<i64>) -> Result<i64, Unsupported> {
    const MOST: i64 = 1 << 24;
    n.filter(|n| (-MOST..=MOST).contains(n)).ok_or(Unsupported::TooLarge)
}

impl Net {
    /// A net with nothing but its input, of any size or of this one.
    pub fn new(channels: Channels, size: Option<[i64; 2]>) -> Self {
        let length = Some([Arc::new(Length::Input), Arc::new(Length::Input)]);
        let input = Node { kind: Kind::Input, sources: Vec::new(), length };
        let index = std::iter::once((input.clone(), 0)).collect();
        Self { nodes: vec![input], index, letters: Letters::default(), channels, size }
    }

    /// The input with some channels.
    pub fn input(&self, channels: usize) -> Wire {
        Wire { node: 0, signal: Signal::input(channels) }
    }

    /// Whether outputs are multiplied.
    pub fn has_products(&self) -> bool {
        self.nodes.iter().any(|node| node.kind == Kind::Product)
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no nodes; there is always the input.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The blocks of some channels.
    ///
    /// # Errors
    /// [`Unsupported::TooLarge`] if they are too many.
    pub fn divided(&self, channels: usize) -> Result<Vec<Block>, Unsupported> {
        match self.channels {
            Channels::Apart => Ok((0..channels).map(|start| Block { start, step: 1, width: 1 }).collect()),
            Channels::Together(division) => division.blocks(channels),
        }
    }

    /// The blocks of some channels as runs of them, which others can follow.
    fn runs(&self, channels: usize) -> Result<Vec<Block>, Unsupported> {
        let blocks = self.divided(channels)?;
        if blocks.iter().any(|block| block.step > 1) { Err(Unsupported::Layer) } else { Ok(blocks) }
    }

    /// The blocks from one channel up to another.
    fn between(&self, channels: usize, [from, to]: [usize; 2]) -> Result<Vec<u32>, Unsupported> {
        let all = self.runs(channels)?;
        let ends = |block: &Block| [block.start, block.start + block.width];
        let inside = |block: &Block| (from..to).contains(&block.start);
        if all.iter().any(|block| inside(block) != (ends(block)[1] > from && ends(block)[1] <= to)) {
            return Err(Unsupported::Layer);
        }
        let found: Vec<u32> = (0..).zip(&all).filter(|(_, block)| inside(block)).map(|(at, _)| at).collect();
        // The part by itself is divided in the same way.
        if self.runs(to - from)?.len() == found.len() { Ok(found) } else { Err(Unsupported::Layer) }
    }

    /// The same weights for each block by itself.
    fn each(&self, channels: usize, taps: &[(u32, u32, Weight)]) -> Result<Vec<Tap>, Unsupported> {
        let blocks = (0..).zip(self.divided(channels)?);
        let of = |(block, _)| {
            taps.iter().map(move |(row, column, weight)| Tap {
                output: block,
                row: *row,
                column: *column,
                input: block,
                weight: weight.clone(),
            })
        };
        Ok(blocks.flat_map(of).collect())
    }

    fn intern(&mut self, node: Node) -> Result<NodeId, Unsupported> {
        if let Some(&id) = self.index.get(&node) {
            return Ok(id);
        }
        if self.nodes.len() >= MAX_NODES {
            return Err(Unsupported::TooLarge);
        }
        let id = self.nodes.len();
        self.nodes.push(node.clone());
        self.index.insert(node, id);
        Ok(id)
    }

    /// The output of a stack.
    ///
    /// # Errors
    /// [`Unsupported`] for layers and kernels that are not read here, and beyond limits.
    pub fn apply(&mut self, stack: &Stack, wire: Wire) -> Result<Wire, Unsupported> {
        // Functions of each entry stand before what they commute with.
        stack.reordered(commutes).fold(wire, |op, origin| self.value(op, origin))
    }

    fn value(&mut self, op: Given<'_, Wire>, origin: Origin) -> Result<Wire, Unsupported> {
        let signal = |op: &Given<'_, Wire>| step(op.map(|wire| wire.signal.clone()), origin, None);
        let read = |node| (node, [Movement::identity(), Movement::identity()]);
        let (kind, sources, signal) = match op {
            Op::Layer(layer, wire) => return self.layer(layer, origin, &wire),
            Op::Sum(ref terms) => {
                let signal = signal(&op)?;
                let mut sources = Vec::new();
                for (factor, Branch { of: output, .. }) in terms.iter() {
                    let factor = self.letters.entry(factor.expr(), Place::SCALAR)?;
                    let factor = vec![split(&factor); self.divided(output.signal.channels)?.len()];
                    let node = self.pointwise(output.node, factor, Vec::new(), Some(&output.signal))?;
                    sources.push(read(node));
                }
                (Kind::Sum, sources, signal)
            }
            Op::Product(ref factors) => {
                let sources = factors.iter().map(|factor| read(factor.of.node)).collect();
                (Kind::Product, sources, signal(&op)?)
            }
            Op::Concat(ref parts) => {
                let signal = signal(&op)?;
                let mut picks = Vec::new();
                for (slot, part) in (0..).zip(parts.iter()) {
                    let count = u32::try_from(self.runs(part.of.signal.channels)?.len()).unwrap_or(u32::MAX);
                    picks.extend((0..count).map(|block| (slot, block)));
                }
                if self.runs(signal.channels)?.len() != picks.len() {
                    return Err(Unsupported::Layer);
                }
                (Kind::Pick(picks), parts.iter().map(|part| read(part.of.node)).collect(), signal)
            }
        };
        let length = Some(signal.length.clone());
        Ok(Wire { node: self.intern(Node { kind, sources, length })?, signal })
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each layer")]
    fn layer(&mut self, layer: &Layer, origin: Origin, wire: &Wire) -> Result<Wire, Unsupported> {
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
            return Ok(Wire { node, signal });
        }
        if let Layer::Composite(layer) = layer {
            let size = self.size.map(|size| wire.signal.at(size).unwrap_or([1; 2]));
            let inner = expanded(layer, origin, wire.signal.channels, size)?;
            return self.apply(&inner, wire.clone());
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
            Layer::Conv(conv) => return self.conv(conv, wire, signal),
            Layer::Pool(pool) => self.pool(pool, wire, &signal)?,
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
                let sources = vec![(wire.node, [Movement::identity(), Movement::identity()])];
                self.intern(Node { kind, sources, length: Some(signal.length.clone()) })?
            }
            Layer::MaxPool(pool) => {
                let moves = [0, 1].map(|axis| {
                    let extent = signed(pool.size[axis]);
                    let (offset, same) = start(pool.padding, axis, extent, pool.stride[axis], wire);
                    let down = signed(pool.stride[axis]);
                    Movement { down, up: 1, offset, taps: (0..extent).collect(), same, border: None }
                });
                let length = Some(signal.length.clone());
                self.intern(Node { kind: Kind::Maximum, sources: vec![(wire.node, moves)], length })?
            }
            Layer::Select { from, to } => {
                let blocks = self.between(wire.signal.channels, [*from, *to])?;
                let picks = blocks.into_iter().map(|block| (0, block)).collect();
                let sources = vec![(wire.node, [Movement::identity(), Movement::identity()])];
                self.intern(Node { kind: Kind::Pick(picks), sources, length: Some(signal.length.clone()) })?
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
        Ok(Wire { node, signal })
    }

    /// The mean over all positions.
    fn average(&mut self, wire: &Wire, signal: &Signal) -> Result<NodeId, Unsupported> {
        /// Means of more entries are not written out.
        const MOST: i64 = 1 << 12;
        if wire.signal.length.iter().all(|length| matches!(**length, Length::One(_))) {
            return Ok(wire.node);
        }
        if let Some([height, width]) = self.size.and_then(|size| wire.signal.at(size))
            && height.checked_mul(width).is_some_and(|area| area <= MOST)
        {
            let share = (Rational::from(height) * Rational::from(width)).recip().unwrap_or(Rational::ONE);
            let all = |length: i64| Movement { taps: (0..length).collect(), ..Movement::identity() };
            return self.uniform(wire, [all(height), all(width)], &share, signal);
        }
        self.mean(wire.node, &wire.signal.length, &signal.length)
    }

    /// The mean of a signal of a length, as a signal of another one. What is done to each position by itself and is affine
    /// is done to the mean instead.
    fn mean(
        &mut self,
        id: NodeId,
        over: &[Arc<Length>; 2],
        length: &[Arc<Length>; 2],
    ) -> Result<NodeId, Unsupported> {
        let node = self.node(id).clone();
        let apart = node.sources.iter().all(|(_, moves)| moves.iter().all(|m| *m == Movement::identity()));
        let affine = matches!(node.kind, Kind::Taps { .. } | Kind::Sum | Kind::Pick(_));
        let whole = node.length.as_ref().is_none_or(|own| own == over);
        // Else one source may end before another.
        let even = |source: &NodeId| self.node(*source).length.as_ref().is_none_or(|own| own == over);
        if affine && apart && whole && node.sources.iter().all(|(source, _)| even(source)) {
            let sources = node
                .sources
                .into_iter()
                .map(|(source, moves)| Ok((self.mean(source, over, length)?, moves)))
                .collect::<Result<_, Unsupported>>()?;
            return self.intern(Node { kind: node.kind, sources, length: Some(length.clone()) });
        }
        if node.length.as_ref() != Some(over) {
            return Err(Unsupported::Layer);
        }
        self.intern(Node { kind: Kind::Average(id), sources: Vec::new(), length: Some(length.clone()) })
    }

    /// The signals of which means are taken.
    pub fn averaged(&self) -> Vec<NodeId> {
        let source = |node: &Node| if let Kind::Average(source) = node.kind { Some(source) } else { None };
        let mut all: Vec<NodeId> = self.nodes.iter().filter_map(source).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Tiles to channels, or the reverse, where each channel is a block or blocks take turns: of k blocks, channel ck + r
    /// becomes the channels (ck + r)n² + t, which are channels rn² + t of kn² turns.
    fn shuffled(
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
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
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
        self.intern(Node { kind, sources: vec![(wire.node, moves)], length: Some(signal.length.clone()) })
    }

    /// A transposed convolution where each channel is a block.
    fn transposed(
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
        self.intern(Node { kind, sources: vec![(wire.node, moves)], length: Some(signal.length.clone()) })
    }

    /// A transposed convolution by matrices: zeros between, then a kernel with its channels exchanged, turned around.
    fn crossed(&mut self, conv: &ConvTranspose, wire: &Wire, signal: &Signal) -> Result<NodeId, Unsupported> {
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

    /// All entries of a kernel as polynomials, in storage order.
    fn entries(&self, term: &KernelTerm) -> Result<Vec<Poly>, Unsupported> {
        const MOST: usize = 1 << 14;
        if term.len() > MOST {
            return Err(Unsupported::TooLarge);
        }
        Ok(term.kernel().expand().map_err(|_| Unsupported::TooLarge)?.entries().to_vec())
    }

    /// 1 for each block.
    fn ones(&self, channels: usize) -> Result<Vec<Weight>, Unsupported> {
        Ok(vec![split(&Poly::one()); self.divided(channels)?.len()])
    }

    /// The entries of a vector, or a scalar, for each block: a generic channel, or every one.
    fn vector(&mut self, vector: &KernelTerm, channels: usize) -> Result<Vec<Weight>, Unsupported> {
        if self.channels == Channels::Apart {
            let entries = self.entries(vector)?;
            let entry = |block: usize| entries.get(if entries.len() == 1 { 0 } else { block }).map(split);
            return (0..channels).map(|block| entry(block).ok_or(Unsupported::Kernel)).collect();
        }
        self.diagonal(vector.expr(), channels)
    }

    /// The entry of a vector, or a scalar, for a generic channel of each block.
    fn diagonal(&mut self, vector: &KernelExpr, channels: usize) -> Result<Vec<Weight>, Unsupported> {
        let scalar = vector.shape().is_scalar();
        let blocks = self.divided(channels)?;
        let entry = |block| {
            let place = if scalar { Place::SCALAR } else { Place::channel(block) };
            Ok(split(&self.letters.entry(vector, place)?))
        };
        blocks.into_iter().map(entry).collect()
    }

    /// Each position of a signal times a weight, plus a constant.
    fn pointwise(
        &mut self,
        source: NodeId,
        weights: Vec<Weight>,
        bias: Vec<Weight>,
        signal: Option<&Signal>,
    ) -> Result<NodeId, Unsupported> {
        let one = split(&Poly::one());
        if bias.is_empty() && weights.iter().all(|weight| *weight == one) {
            return Ok(source);
        }
        let tap = |(block, weight)| Tap { output: block, row: 0, column: 0, input: block, weight };
        let kind = Kind::Taps { weights: (0..).zip(weights).map(tap).collect(), bias };
        let sources = vec![(source, [Movement::identity(), Movement::identity()])];
        let length = signal.map(|signal| signal.length.clone());
        self.intern(Node { kind, sources, length })
    }

    /// Equal weights at all taps, each channel by itself.
    fn uniform(
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
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let places = (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j)));
        let taps: Vec<_> = places.map(|(i, j)| (number(i), number(j), weight.clone())).collect();
        let kind = Kind::Taps { weights: self.each(signal.channels, &taps)?, bias: Vec::new() };
        self.intern(Node { kind, sources: vec![(wire.node, moves)], length: Some(signal.length.clone()) })
    }

    /// A signal with zeros around it.
    fn zeros_around(&mut self, wire: &Wire, sides: [i64; 4]) -> Result<Wire, Unsupported> {
        let [top, left, bottom, right] = sides;
        let longer = |axis: usize, added: i64| {
            wire.signal.length[axis].then(Step::new(1, added, 1)).ok_or(Unsupported::TooLarge)
        };
        let length = [longer(0, top + bottom)?, longer(1, left + right)?];
        let signal = Signal { channels: wire.signal.channels, length };
        let moves = [top, left].map(|before| Movement { offset: -before, ..Movement::identity() });
        Ok(Wire { node: self.uniform(wire, moves, &Rational::ONE, &signal)?, signal })
    }

    fn pool(&mut self, pool: &AveragePool, wire: &Wire, signal: &Signal) -> Result<NodeId, Unsupported> {
        let padded = !matches!(pool.padding, Padding::Sides(sides) if sides.iter().all(|&side| side <= 0));
        let same = !matches!(pool.padding, Padding::Sides(_));
        if let Padding::Sides(sides) = pool.padding
            && pool.average
            && pool.ceil_mode
            && pool.count_include_pad
            && padded
        {
            // Zeros that count are entries of a longer signal; what windows read beyond it does not count.
            let padded = self.zeros_around(wire, sides)?;
            let inner = AveragePool { padding: Padding::Sides([0; 4]), ..pool.clone() };
            return self.pool(&inner, &padded, signal);
        }
        let mean = pool.average && (pool.ceil_mode && !same || padded && !pool.count_include_pad);
        let size = pool.size.map(signed);
        let moves = [0, 1].map(|axis| {
            let (offset, same) = start(pool.padding, axis, size[axis], pool.stride[axis], wire);
            let down = signed(pool.stride[axis]);
            Movement { down, up: 1, offset, taps: (0..size[axis]).collect(), same, border: None }
        });
        if mean {
            let length = Some(signal.length.clone());
            return self.intern(Node { kind: Kind::Mean, sources: vec![(wire.node, moves)], length });
        }
        let area = Rational::from(size[0]) * Rational::from(size[1]);
        let weight = if pool.average { area.recip().unwrap_or(Rational::ONE) } else { Rational::ONE };
        self.uniform(wire, moves, &weight, signal)
    }

    fn conv(&mut self, conv: &Conv, wire: &Wire, signal: Signal) -> Result<Wire, Unsupported> {
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
            let node = self.intern(Node { kind, sources: vec![(wire.node, moves)], length })?;
            return Ok(Wire { node, signal });
        }
        let applied = self.kernel(conv.kernel.expr(), wire.node, &at, length)?;
        let node = self.biased(applied, conv.bias.as_ref(), &signal)?;
        Ok(Wire { node, signal })
    }

    /// A signal plus a vector, if there is one.
    fn biased(
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

    /// The sum of some signals.
    fn total(
        &mut self,
        signals: Vec<NodeId>,
        length: Option<[Arc<Length>; 2]>,
    ) -> Result<NodeId, Unsupported> {
        let identity = || [Movement::identity(), Movement::identity()];
        let sources = signals.into_iter().map(|signal| (signal, identity())).collect();
        self.intern(Node { kind: Kind::Sum, sources, length })
    }

    /// A vector at every position. The sums of a kernel over its inputs and taps are what it makes of ones everywhere.
    fn constant(&mut self, expr: &KernelExpr, channels: usize) -> Result<NodeId, Unsupported> {
        use KernelExpr as E;
        match expr {
            E::ChannelSums { of, outputs: true } => {
                let ones = self.ones(of.shape().inputs)?;
                let everywhere = self.even(ones)?;
                self.kernel(of, everywhere, &At::plain(false), None)
            }
            E::Add(a, b) | E::Sub(a, b) if has_channel_sums(expr) => {
                let left = self.constant(a, channels)?;
                let mut right = self.constant(b, channels)?;
                if matches!(expr, E::Sub(..)) {
                    let minus = split(&Poly::constant(Rational::from(-1)));
                    let minus = vec![minus; self.divided(channels)?.len()];
                    right = self.bounded(right, minus, None)?;
                }
                self.total(vec![left, right], None)
            }
            E::Hadamard(a, b) if has_channel_sums(expr) => {
                let (vector, sums) = if has_channel_sums(b) { (a, b) } else { (b, a) };
                let inner = self.constant(sums, channels)?;
                let weights = self.diagonal(vector, channels)?;
                self.bounded(inner, weights, None)
            }
            _ => {
                let weights = self.diagonal(expr, channels)?;
                self.even(weights)
            }
        }
    }

    /// A number for each block, at every position.
    fn even(&mut self, bias: Vec<Weight>) -> Result<NodeId, Unsupported> {
        self.intern(Node {
            kind: Kind::Taps { weights: Vec::new(), bias },
            sources: Vec::new(),
            length: None,
        })
    }

    /// A kernel applied to a signal; the result has a length, or is defined everywhere.
    #[expect(clippy::too_many_lines, reason = "one arm for each layer or operation")]
    fn kernel(
        &mut self,
        expr: &KernelExpr,
        source: NodeId,
        at: &At,
        length: Option<[Arc<Length>; 2]>,
    ) -> Result<NodeId, Unsupported> {
        use KernelExpr as E;
        if at.depthwise || matches!(expr, E::Free { .. } | E::Constant(_) | E::Array { .. }) {
            return self.leaf(expr, source, at, length);
        }
        match expr {
            E::Convolve(a, b) if a.shape().is_scalar() || b.shape().is_scalar() => {
                let (scalar, kernel) = if a.shape().is_scalar() { (a, b) } else { (b, a) };
                let factor = self.letters.entry(scalar, Place::SCALAR)?;
                self.scaled(&factor, kernel, source, at, length)
            }
            E::Convolve(..) | E::Power(..) | E::ScaleInputs(..) | E::Repeat(..) | E::Rearranged(..)
                if at.groups > 1 =>
            {
                Err(Unsupported::Kernel)
            }
            E::Convolve(first, second) => {
                let (first, second) = if at.crossed { (second, first) } else { (first, second) };
                let between = self.kernel(first, source, &at.inner(), None)?;
                self.kernel(second, between, at, length)
            }
            E::Power(base, n) if *n >= 1 => {
                let mut between = source;
                for _ in 1..*n {
                    between = self.kernel(base, between, &at.inner(), None)?;
                }
                self.kernel(base, between, at, length)
            }
            E::Negate(a) => self.scaled(&Poly::constant(Rational::from(-1)), a, source, at, length),
            E::Divide(a, scalar) if scalar.shape().is_scalar() => {
                let factor = self.letters.inverse(scalar)?;
                self.scaled(&factor, a, source, at, length)
            }
            E::Add(a, b) | E::Sub(a, b) => {
                let left = self.kernel(a, source, at, None)?;
                let right = if matches!(expr, E::Sub(..)) {
                    self.scaled(&Poly::constant(Rational::from(-1)), b, source, at, None)?
                } else {
                    self.kernel(b, source, at, None)?
                };
                self.total(vec![left, right], length)
            }
            E::ScaleOutputs(a, vector) | E::ScaleInputs(a, vector) => {
                let shape = a.shape();
                let outputs = matches!(expr, E::ScaleOutputs(..));
                let weights = self.diagonal(vector, if outputs { shape.outputs } else { shape.inputs })?;
                if outputs == at.crossed {
                    let scaled = self.pointwise(source, weights, Vec::new(), None)?;
                    // What is outside the source's range stays zero.
                    return self.kernel(a, scaled, at, length);
                }
                let inner = self.kernel(a, source, at, None)?;
                self.bounded(inner, weights, length)
            }
            E::Dilate(a, by) => {
                let by = at.turn(by.map(signed));
                let mut inner = at.clone();
                for axis in 0..2 {
                    inner.step[axis] = small(at.step[axis].checked_mul(by[axis]))?;
                }
                self.kernel(a, source, &inner, length)
            }
            E::Repeat(a, by) => {
                let between = self.kernel(&E::Dilate(a.clone(), *by), source, &at.inner(), None)?;
                self.block(*by, at.channels(a.shape())[0], between, at, length)
            }
            E::Pad(a, [top, left, _, _]) => {
                let at = at.shifted([signed(*top), signed(*left)])?;
                self.kernel(a, source, &at, length)
            }
            E::Trim(a, [top, left, _, _]) => {
                let at = at.shifted([-signed(*top), -signed(*left)])?;
                self.kernel(a, source, &at, length)
            }
            E::Flip(a) => {
                let shape = a.shape();
                let mut at = at.shifted([signed(shape.height - 1), signed(shape.width - 1)])?;
                at.step = at.step.map(|step| -step);
                self.kernel(a, source, &at, length)
            }
            E::Transpose(a) => self.kernel(a, source, &At { turned: !at.turned, ..at.clone() }, length),
            E::Rearranged(a, Rearrangement::SwapChannels) if at.groups == 1 => {
                self.kernel(a, source, &At { crossed: !at.crossed, ..at.clone() }, length)
            }
            E::Reshape(of, shape) => {
                let E::OfStack(stack) = &**of else { return Err(Unsupported::Kernel) };
                let term = single(stack, shape.inputs).filter(|term| term.shape() == *shape);
                self.kernel(term.ok_or(Unsupported::Kernel)?.expr(), source, at, length)
            }
            E::Rearranged(..) if at.crossed => Err(Unsupported::Kernel),
            E::Rearranged(a, Rearrangement::Outputs(part)) => {
                let inner = self.kernel(a, source, at, None)?;
                let blocks = self.between(a.shape().outputs, *part)?;
                let picks = blocks.into_iter().map(|block| (0, block)).collect();
                let sources = vec![(inner, [Movement::identity(), Movement::identity()])];
                self.intern(Node { kind: Kind::Pick(picks), sources, length })
            }
            E::Rearranged(a, Rearrangement::Inputs(part)) => {
                // The other inputs are 0.
                let blocks = self.between(a.shape().inputs, *part)?;
                let one = split(&Poly::one());
                let tap = |(input, output)| Tap { output, row: 0, column: 0, input, weight: one.clone() };
                let kind = Kind::Taps { weights: (0..).zip(blocks).map(tap).collect(), bias: Vec::new() };
                let sources = vec![(source, [Movement::identity(), Movement::identity()])];
                let placed = self.intern(Node { kind, sources, length: None })?;
                self.kernel(a, placed, at, length)
            }
            _ => Err(Unsupported::Kernel),
        }
    }

    /// A block of ones on each channel.
    fn block(
        &mut self,
        by: [usize; 2],
        channels: usize,
        source: NodeId,
        at: &At,
        length: Option<[Arc<Length>; 2]>,
    ) -> Result<NodeId, Unsupported> {
        let ones = ConcreteKernel::ones(Shape::plane(by[0], by[1])).map_err(|_| Unsupported::TooLarge)?;
        let (plane, ones) = (Shape::plane(by[0], by[1]), KernelExpr::Constant(Arc::new(ones)));
        let whole = Block { start: 0, step: 1, width: 1 };
        let taps = self.letters.taps(&ones, plane, [whole, whole], false)?;
        let count = u32::try_from(self.divided(channels)?.len()).unwrap_or(u32::MAX);
        let weights =
            (0..count).flat_map(|block| taps.iter().map(move |(tap, w)| ([block; 2], *tap, w.clone())));
        self.placed(weights.collect(), [by[0], by[1]], source, at, length)
    }

    /// A factor times a kernel.
    fn scaled(
        &mut self,
        factor: &Poly,
        kernel: &KernelExpr,
        source: NodeId,
        at: &At,
        length: Option<[Arc<Length>; 2]>,
    ) -> Result<NodeId, Unsupported> {
        let inner = self.kernel(kernel, source, at, None)?;
        let weights = vec![split(factor); self.divided(at.channels(kernel.shape())[0])?.len()];
        self.bounded(inner, weights, length)
    }

    /// A signal times a weight for each block, cut to a length.
    fn bounded(
        &mut self,
        source: NodeId,
        weights: Vec<Weight>,
        length: Option<[Arc<Length>; 2]>,
    ) -> Result<NodeId, Unsupported> {
        let sources = vec![(source, [Movement::identity(), Movement::identity()])];
        let tap = |(block, weight)| Tap { output: block, row: 0, column: 0, input: block, weight };
        let kind = Kind::Taps { weights: (0..).zip(weights).map(tap).collect(), bias: Vec::new() };
        self.intern(Node { kind, sources, length })
    }

    /// A kernel that is read tap by tap.
    fn leaf(
        &mut self,
        expr: &KernelExpr,
        source: NodeId,
        at: &At,
        length: Option<[Arc<Length>; 2]>,
    ) -> Result<NodeId, Unsupported> {
        let shape = expr.shape();
        let [rows, columns] = at.channels(shape);
        // Of a kernel with an entry for each channel the channels are in front either way.
        let outputs = self.divided(if at.depthwise { shape.outputs } else { rows })?;
        let mut weights = Vec::new();
        if at.depthwise {
            let places = (0..shape.height).flat_map(|i| (0..shape.width).map(move |j| [i, j]));
            for tap in places {
                for (number, &block) in (0..).zip(&outputs) {
                    let weight = split(&self.letters.entry(expr, Place::tap(tap, Some(block)))?);
                    if !weight.is_empty() {
                        weights.push(([number; 2], tap, weight));
                    }
                }
            }
        } else {
            let inputs = self.divided(columns)?;
            let read = at.groups.checked_mul(inputs.len()).ok_or(Unsupported::TooLarge)?;
            let whole = self.divided(columns.saturating_mul(at.groups))?.len();
            if at.groups > 1 && outputs.iter().chain(&inputs).any(|block| block.step > 1) {
                return Err(Unsupported::Layer);
            }
            if whole != read || !outputs.len().is_multiple_of(at.groups) {
                return Err(Unsupported::Layer);
            }
            let per_group = outputs.len() / at.groups;
            for (output, &rows) in outputs.iter().enumerate() {
                for (input, &columns) in inputs.iter().enumerate() {
                    let input = output / per_group * inputs.len() + input;
                    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                    let taps = self.letters.taps(expr, shape, [rows, columns], at.crossed)?;
                    weights
                        .extend(taps.into_iter().map(|(tap, w)| ([number(output), number(input)], tap, w)));
                }
            }
        }
        self.placed(weights, [shape.height, shape.width], source, at, length)
    }

    /// Taps at their places.
    fn placed(
        &mut self,
        weights: Vec<([u32; 2], [usize; 2], Weight)>,
        extents: [usize; 2],
        source: NodeId,
        at: &At,
        length: Option<[Arc<Length>; 2]>,
    ) -> Result<NodeId, Unsupported> {
        let extents = at.turn(extents);
        for axis in 0..2 {
            small(at.step[axis].checked_mul(signed(extents[axis])))?;
        }
        let moves = [0, 1].map(|axis| at.movement(axis, extents[axis]));
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let placed = |([output, input], tap, weight): ([u32; 2], [usize; 2], Weight)| {
            let [i, j] = at.turn(tap);
            Tap { output, row: number(i), column: number(j), input, weight }
        };
        let mut weights: Vec<Tap> = weights.into_iter().map(placed).collect();
        weights.sort_by_key(|tap| (tap.output, tap.row, tap.column, tap.input));
        let kind = Kind::Taps { weights, bias: Vec::new() };
        self.intern(Node { kind, sources: vec![(source, moves)], length })
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

/// Whether sums over channels occur in the entries of a vector.
fn has_channel_sums(expr: &KernelExpr) -> bool {
    match expr {
        KernelExpr::ChannelSums { .. } => true,
        KernelExpr::Add(a, b) | KernelExpr::Sub(a, b) | KernelExpr::Hadamard(a, b) => {
            has_channel_sums(a) || has_channel_sums(b)
        }
        _ => false,
    }
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
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
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
