//! Stacks taken apart into nodes that read each other at regular positions.
//!
//! A layer's output is a node with a length: it is zero outside. A product of kernels is never multiplied out: it is one
//! node after the other, and those between are *unbounded*, defined at all positions, as a kernel knows of no border.
//! So a kernel means the same here whether it was written as a product or given by stacks.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Unsupported;
use super::weights::{Letters, Place, Weight, split};
use crate::ir::{AveragePool, Conv, KernelExpr, KernelTerm, Layer, Padding, Stack, StackKind, Upsample};
use crate::kernel::{ConcreteKernel, Shape};
use crate::operator::gather::{SameRule, signed};
use crate::operator::length::Length;
use crate::operator::shape::{Signal, after};
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
}

impl Movement {
    /// Every output reads its own position.
    pub fn identity() -> Self {
        Self { down: 1, up: 1, offset: 0, taps: vec![0], same: None }
    }
}

/// What a node makes of what it reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The input.
    Input,
    /// One source; weights by row tap and column tap, and a constant.
    Taps {
        /// Row tap, column tap, weight.
        weights: Vec<(u32, u32, Weight)>,
        /// Added at every position.
        bias: Weight,
    },
    /// The sum of the sources.
    Sum,
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
}

impl At {
    fn plain(depthwise: bool) -> Self {
        let same = [None, None];
        Self { step: [1; 2], offset: [0; 2], down: [1; 2], same, turned: false, depthwise }
    }

    /// The same kernel where it stands inside another one.
    fn inner(&self) -> Self {
        Self { offset: [0; 2], down: [1; 2], same: [None, None], ..self.clone() }
    }

    fn turn<T: Copy>(&self, pair: [T; 2]) -> [T; 2] {
        if self.turned { [pair[1], pair[0]] } else { pair }
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
    /// A net with nothing but its input.
    pub fn new() -> Self {
        let length = Some([Arc::new(Length::Input), Arc::new(Length::Input)]);
        let input = Node { kind: Kind::Input, sources: Vec::new(), length };
        let index = std::iter::once((input.clone(), 0)).collect();
        Self { nodes: vec![input], index, letters: Letters::default() }
    }

    /// The input with some channels.
    pub fn input(&self, channels: usize) -> Wire {
        Wire { node: 0, signal: Signal::input(channels) }
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
        match &stack.kind {
            StackKind::Layer(layer) => self.layer(layer, stack, &wire),
            StackKind::Chain(links) => links.iter().try_fold(wire, |wire, link| self.apply(link, wire)),
            StackKind::Sum(branches) => {
                let signal = after(stack, wire.signal.clone(), None)?;
                let mut sources = Vec::new();
                for (factor, branch) in branches {
                    let output = self.apply(branch, wire.clone())?;
                    let factor = self.letters.entry(&factor.expr, Place::SCALAR)?;
                    let node =
                        self.pointwise(output.node, split(&factor), Weight::new(), Some(&output.signal))?;
                    sources.push((node, [Movement::identity(), Movement::identity()]));
                }
                let length = Some(signal.length.clone());
                Ok(Wire { node: self.intern(Node { kind: Kind::Sum, sources, length })?, signal })
            }
            StackKind::Concat(_) => Err(Unsupported::Layer),
        }
    }

    fn layer(&mut self, layer: &Layer, stack: &Stack, wire: &Wire) -> Result<Wire, Unsupported> {
        let signal = after(stack, wire.signal.clone(), None)?;
        let plain = |taps: [Vec<i64>; 2], down: [i64; 2], up: [i64; 2], offset: [i64; 2]| {
            let [rows, columns] = taps;
            [(rows, 0), (columns, 1)].map(|(taps, axis)| Movement {
                down: down[axis],
                up: up[axis],
                offset: offset[axis],
                taps,
                same: None,
            })
        };
        let node = match layer {
            Layer::Conv(conv) => return self.conv(conv, wire, signal),
            Layer::Pool(pool) => self.pool(pool, wire, &signal)?,
            Layer::Subsample(stride) => {
                let moves = plain([vec![0], vec![0]], stride.map(signed), [1; 2], [0; 2]);
                self.uniform(wire.node, moves, &Rational::ONE, &signal)?
            }
            Layer::Pad([top, left, _, _]) => {
                let moves = plain([vec![0], vec![0]], [1; 2], [1; 2], [-top, -left]);
                self.uniform(wire.node, moves, &Rational::ONE, &signal)?
            }
            Layer::Upsample(Upsample { factor, nearest }) => {
                let up = factor.map(signed);
                let taps = up.map(|u| if *nearest { (1 - u..=0).collect() } else { vec![0] });
                let moves = plain(taps, [1; 2], up, [0; 2]);
                self.uniform(wire.node, moves, &Rational::ONE, &signal)?
            }
            Layer::Scale(vector) => {
                let weight = self.vector(vector)?;
                self.pointwise(wire.node, weight, Weight::new(), Some(&signal))?
            }
            Layer::Bias(vector) => {
                let bias = self.vector(vector)?;
                self.pointwise(wire.node, split(&Poly::one()), bias, Some(&signal))?
            }
            _ => return Err(Unsupported::Layer),
        };
        Ok(Wire { node, signal })
    }

    /// The entry of a vector, or a scalar, for a generic channel.
    fn vector(&mut self, vector: &KernelTerm) -> Result<Weight, Unsupported> {
        let place = if vector.shape().is_scalar() { Place::SCALAR } else { Place::CHANNEL };
        Ok(split(&self.letters.entry(&vector.expr, place)?))
    }

    /// Each position of a signal times a weight, plus a constant.
    fn pointwise(
        &mut self,
        source: NodeId,
        weight: Weight,
        bias: Weight,
        signal: Option<&Signal>,
    ) -> Result<NodeId, Unsupported> {
        let one = split(&Poly::one());
        if bias.is_empty() && weight == one {
            return Ok(source);
        }
        let kind = Kind::Taps { weights: vec![(0, 0, weight)], bias };
        let sources = vec![(source, [Movement::identity(), Movement::identity()])];
        let length = signal.map(|signal| signal.length.clone());
        self.intern(Node { kind, sources, length })
    }

    /// Equal weights at all taps, each channel by itself.
    fn uniform(
        &mut self,
        source: NodeId,
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
        let weights = places.map(|(i, j)| (number(i), number(j), weight.clone())).collect();
        let kind = Kind::Taps { weights, bias: Weight::new() };
        self.intern(Node { kind, sources: vec![(source, moves)], length: Some(signal.length.clone()) })
    }

    fn pool(&mut self, pool: &AveragePool, wire: &Wire, signal: &Signal) -> Result<NodeId, Unsupported> {
        let padded = !matches!(pool.padding, Padding::Sides(sides) if sides.iter().all(|&side| side <= 0));
        let same = !matches!(pool.padding, Padding::Sides(_));
        // Divisors that depend on the position are not read here.
        if pool.average && (pool.ceil_mode && !same || padded && !pool.count_include_pad) {
            return Err(Unsupported::Layer);
        }
        let size = pool.size.map(signed);
        let moves = [0, 1].map(|axis| {
            let (offset, same) = start(pool.padding, axis, size[axis], pool.stride[axis], wire);
            let down = signed(pool.stride[axis]);
            Movement { down, up: 1, offset, taps: (0..size[axis]).collect(), same }
        });
        let area = Rational::from(size[0]) * Rational::from(size[1]);
        let weight = if pool.average { area.recip().unwrap_or(Rational::ONE) } else { Rational::ONE };
        self.uniform(wire.node, moves, &weight, signal)
    }

    fn conv(&mut self, conv: &Conv, wire: &Wire, signal: Signal) -> Result<Wire, Unsupported> {
        let shape = conv.kernel.shape();
        let depthwise = conv.groups > 1;
        if depthwise && (shape.inputs != 1 || shape.outputs != conv.groups) {
            return Err(Unsupported::Layer);
        }
        let mut at = At::plain(depthwise);
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
        let applied = self.kernel(&conv.kernel.expr, wire.node, &at, length)?;
        let node = match &conv.bias {
            None => applied,
            Some(bias) => {
                let bias = self.vector(bias)?;
                self.pointwise(applied, split(&Poly::one()), bias, Some(&signal))?
            }
        };
        Ok(Wire { node, signal })
    }

    /// A kernel applied to a signal; the result has a length, or is defined everywhere.
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
            E::Convolve(first, second) => {
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
                let identity = || [Movement::identity(), Movement::identity()];
                let sources = vec![(left, identity()), (right, identity())];
                self.intern(Node { kind: Kind::Sum, sources, length })
            }
            E::ScaleOutputs(a, vector) => {
                let inner = self.kernel(a, source, at, None)?;
                let weight = split(&self.letters.entry(vector, Place::CHANNEL)?);
                self.bounded(inner, weight, length)
            }
            E::ScaleInputs(a, vector) => {
                let weight = split(&self.letters.entry(vector, Place::CHANNEL)?);
                let scaled = self.pointwise(source, weight, Weight::new(), None)?;
                // What is outside the source's range stays zero.
                self.kernel(a, scaled, at, length)
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
                self.block(*by, between, at, length)
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
            _ => Err(Unsupported::Kernel),
        }
    }

    /// A block of ones on each channel.
    fn block(
        &mut self,
        by: [usize; 2],
        source: NodeId,
        at: &At,
        length: Option<[Arc<Length>; 2]>,
    ) -> Result<NodeId, Unsupported> {
        let ones = ConcreteKernel::ones(Shape::plane(by[0], by[1])).map_err(|_| Unsupported::TooLarge)?;
        let weights = self.letters.taps(&KernelExpr::Constant(Arc::new(ones)), Shape::plane(by[0], by[1]))?;
        self.placed(weights, [by[0], by[1]], source, at, length)
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
        self.bounded(inner, split(factor), length)
    }

    /// A signal times a weight, cut to a length.
    fn bounded(
        &mut self,
        source: NodeId,
        weight: Weight,
        length: Option<[Arc<Length>; 2]>,
    ) -> Result<NodeId, Unsupported> {
        let sources = vec![(source, [Movement::identity(), Movement::identity()])];
        self.intern(Node {
            kind: Kind::Taps { weights: vec![(0, 0, weight)], bias: Weight::new() },
            sources,
            length,
        })
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
        let weights = if at.depthwise {
            let places = (0..shape.height).flat_map(|i| (0..shape.width).map(move |j| [i, j]));
            let mut all: Vec<([usize; 2], Weight)> = Vec::new();
            for tap in places {
                let weight = split(&self.letters.entry(expr, Place::tap(tap, true))?);
                if !weight.is_empty() {
                    all.push((tap, weight));
                }
            }
            all
        } else {
            self.letters.taps(expr, shape)?
        };
        self.placed(weights, [shape.height, shape.width], source, at, length)
    }

    /// Taps at their places.
    fn placed(
        &mut self,
        weights: Vec<([usize; 2], Weight)>,
        extents: [usize; 2],
        source: NodeId,
        at: &At,
        length: Option<[Arc<Length>; 2]>,
    ) -> Result<NodeId, Unsupported> {
        let extents = at.turn(extents);
        let mut moves = [Movement::identity(), Movement::identity()];
        for axis in 0..2 {
            small(at.step[axis].checked_mul(signed(extents[axis])))?;
            moves[axis] = Movement {
                down: at.down[axis],
                up: 1,
                offset: at.offset[axis],
                taps: (0..signed(extents[axis])).map(|k| k * at.step[axis]).collect(),
                same: at.same[axis].clone(),
            };
        }
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let weights = weights
            .into_iter()
            .map(|(tap, weight)| {
                let [i, j] = at.turn(tap);
                (number(i), number(j), weight)
            })
            .collect();
        let kind = Kind::Taps { weights, bias: Weight::new() };
        self.intern(Node { kind, sources: vec![(source, moves)], length })
    }
}

impl Default for Net {
    fn default() -> Self {
        Self::new()
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
