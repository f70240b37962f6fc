//! The normal form of a stack: affine maps between the few signals that cannot be composed away.
//!
//! A stack becomes one [`Affine`] map over *nodes*. The input is a node; a further node stands only where
//! composition stops: where an intermediate signal is cut to zero beyond its border and a later layer reads
//! there ([`Node::Cut`]), where a mean has no constant divisor, and at nonlinearities. Nodes are interned, so
//! two stacks with the same normal form get the very same nodes and equality is a comparison of numbers.
//! What different normal forms mean is for `prove` to find out.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::error::OperatorError;
use super::expand::expanded;
use super::gather::{Axis, Gather, MAX_FACTOR, signed};
use super::length::{Length, Step, for_all_lengths, ratio};
use super::lower::{Lowered, Site, Windows, lower};
use super::trace::{
    Did, Harmless, Joined, Law, Made, Needed, Positive, Reach, Reaches, Record, Stop, Trace, together,
};
use crate::axes::{AXES, Axes, all, each, place};
use crate::ir::{Branch, Function, Given, Layer, NonEmpty, Op, Origin, Stack};
use crate::kernel::{ConcreteKernel, Kernel, KernelError, Shape};
use convproof_exact::Poly;
use convproof_exact::budget;

/// Number of a node; nodes only refer to smaller numbers. 0 is the input.
pub type NodeId = usize;

/// A signal that layers read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// The input image.
    Input {
        /// Its channels.
        channels: usize,
    },
    /// An affine map's output, zero outside its range.
    Cut(Affine),
    /// Means over windows of a node with divisors that depend on the position.
    Average {
        /// The node.
        source: NodeId,
        /// The windows.
        windows: Windows,
        /// Output length along each axis.
        length: Axes<Arc<Length>>,
    },
    /// Maxima over windows of a node.
    Maximum {
        /// The node.
        source: NodeId,
        /// The windows.
        windows: Windows,
        /// Output length along each axis.
        length: Axes<Arc<Length>>,
    },
    /// The positive part of an affine map.
    Relu(Affine),
    /// A function of each entry of an affine map.
    Function(Function, Affine),
    /// The first half of the channels of an affine map, each times one of the other half.
    Product(Affine),
    /// The mean of each channel of an affine map.
    GlobalAverage(Affine),
}

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

/// Builds normal forms over one input.
#[derive(Debug)]
pub struct Operators {
    nodes: Vec<Node>,
    index: FxHashMap<Node, NodeId>,
    size: Option<Axes<i64>>,
    borders: bool,
    /// What is done, where somebody asks.
    trace: Option<Told>,
}

/// What was told so far.
#[derive(Debug, Default)]
struct Told {
    trace: Trace<Did>,
    /// What the first nodes read of the input.
    reaches: Vec<Reaches>,
}

/// A map, and the number of the step that made it.
#[derive(Clone)]
struct Value {
    map: Affine,
    step: usize,
}

impl Operators {
    /// For an input of some channels and every size, or of one size.
    pub fn new(channels: usize, size: Option<Axes<i64>>) -> Self {
        let input = Node::Input { channels };
        let index = std::iter::once((input.clone(), 0)).collect();
        Self { nodes: vec![input], index, size, borders: true, trace: None }
    }

    /// The same, keeping what is done with each layer.
    #[must_use]
    pub fn traced(mut self) -> Self {
        self.trace = Some(Told::default());
        self
    }

    /// What was done with the stack before; from now on it is another one.
    pub fn told(&mut self) -> Trace<Did> {
        self.trace.as_mut().map(|told| std::mem::take(&mut told.trace)).unwrap_or_default()
    }

    /// The same, but signals have no borders: what stacks do far inside a large image.
    pub fn without_borders(channels: usize) -> Self {
        Self { borders: false, ..Self::new(channels, None) }
    }

    /// The input itself.
    pub fn input(&self) -> Result<Affine, KernelError> {
        self.reading(0)
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

    /// Channels and length of a node.
    pub fn signal(&self, id: NodeId) -> (usize, Axes<Arc<Length>>) {
        match &self.nodes[id] {
            Node::Input { channels } => (*channels, each(|_| Arc::new(Length::Input))),
            Node::Cut(affine) | Node::Relu(affine) | Node::Function(_, affine) => {
                (affine.channels, affine.length.clone())
            }
            Node::Product(affine) => (affine.channels / 2, affine.length.clone()),
            Node::Average { source, length, .. } | Node::Maximum { source, length, .. } => {
                (self.signal(*source).0, length.clone())
            }
            Node::GlobalAverage(affine) => {
                (affine.channels, affine.length.clone().map(|length| Arc::new(Length::One(length))))
            }
        }
    }

    /// The nodes that a map depends on, nonlinear ones and what is inside them included; greatest first.
    pub fn reachable(&self, affine: &Affine) -> Vec<NodeId> {
        let mut seen = BTreeSet::new();
        let mut todo: Vec<NodeId> = affine.parts.iter().map(|part| part.source).collect();
        while let Some(id) = todo.pop() {
            budget::spend(30);
            if seen.insert(id) {
                match &self.nodes[id] {
                    Node::Input { .. } => {}
                    Node::Cut(inner)
                    | Node::Relu(inner)
                    | Node::Function(_, inner)
                    | Node::Product(inner)
                    | Node::GlobalAverage(inner) => {
                        todo.extend(inner.parts.iter().map(|part| part.source));
                    }
                    Node::Average { source, .. } | Node::Maximum { source, .. } => todo.push(*source),
                }
            }
        }
        seen.into_iter().rev().collect()
    }

    /// Whether a node is no linear function of the positions that it reads, or reads all of them.
    pub fn is_nonlinear(&self, id: NodeId) -> bool {
        matches!(
            self.nodes[id],
            Node::Relu(_)
                | Node::Function(..)
                | Node::Product(_)
                | Node::Maximum { .. }
                | Node::GlobalAverage(_)
        )
    }

    /// Whether a map reads a function whose values are not computed.
    pub fn has_functions(&self, map: &Affine) -> bool {
        let function = |id: NodeId| matches!(self.nodes[id], Node::Function(..));
        self.reachable(map).into_iter().any(function)
    }

    /// The maps inside two nodes of the same nonlinear kind.
    pub fn insides(&self, a: NodeId, b: NodeId) -> Result<Option<[Affine; 2]>, KernelError> {
        Ok(match (&self.nodes[a], &self.nodes[b]) {
            (Node::Relu(a), Node::Relu(b))
            | (Node::Product(a), Node::Product(b))
            | (Node::GlobalAverage(a), Node::GlobalAverage(b)) => Some([a.clone(), b.clone()]),
            (Node::Function(f, a), Node::Function(g, b)) if f == g => Some([a.clone(), b.clone()]),
            (Node::Maximum { source: a, .. }, Node::Maximum { source: b, .. }) => {
                Some([self.reading(*a)?, self.reading(*b)?])
            }
            _ => None,
        })
    }

    /// The map with a node replaced by another one of the same signal, wherever it is read.
    pub fn replace(&mut self, affine: &Affine, from: NodeId, to: NodeId) -> Result<Affine, KernelError> {
        let mut replaced = std::iter::once((from, to)).collect();
        // Only greater nodes refer to it.
        for id in self.reachable(affine).into_iter().rev().filter(|&id| id > from) {
            let new = self.replaced_node(id, &replaced)?;
            replaced.insert(id, new);
        }
        self.rebuilt(affine, &replaced)
    }

    /// The map over the nodes that others were replaced by.
    fn rebuilt(&self, affine: &Affine, replaced: &FxHashMap<NodeId, NodeId>) -> Result<Affine, KernelError> {
        let mut parts = Vec::new();
        for part in &affine.parts {
            let source = replaced.get(&part.source).copied().unwrap_or(part.source);
            add_part(&mut parts, source, part.gather.clone())?;
        }
        Ok(self::affine(affine.channels, affine.length.clone(), parts, affine.bias.clone()))
    }

    fn replaced_node(
        &mut self,
        id: NodeId,
        replaced: &FxHashMap<NodeId, NodeId>,
    ) -> Result<NodeId, KernelError> {
        budget::spend(200);
        let new = |source: NodeId| replaced.get(&source).copied().unwrap_or(source);
        let node = match self.nodes[id].clone() {
            Node::Input { channels } => Node::Input { channels },
            Node::Cut(inner) => Node::Cut(self.rebuilt(&inner, replaced)?),
            Node::Relu(inner) => Node::Relu(self.rebuilt(&inner, replaced)?),
            Node::Function(function, inner) => Node::Function(function, self.rebuilt(&inner, replaced)?),
            Node::Product(inner) => Node::Product(self.rebuilt(&inner, replaced)?),
            Node::GlobalAverage(inner) => Node::GlobalAverage(self.rebuilt(&inner, replaced)?),
            Node::Average { source, windows, length } => {
                Node::Average { source: new(source), windows, length }
            }
            Node::Maximum { source, windows, length } => {
                Node::Maximum { source: new(source), windows, length }
            }
        };
        Ok(self.intern(node))
    }

    fn intern(&mut self, node: Node) -> NodeId {
        budget::spend(100);
        if let Some(&id) = self.index.get(&node) {
            return id;
        }
        let id = self.nodes.len();
        self.nodes.push(node.clone());
        self.index.insert(node, id);
        id
    }

    /// The map that copies a node.
    fn reading(&self, source: NodeId) -> Result<Affine, KernelError> {
        let (channels, length) = self.signal(source);
        let parts = vec![Part { source, gather: Gather::identity(channels)? }];
        Ok(Affine { channels, length, parts, bias: Vec::new() })
    }

    /// A node whose signal is the affine map's output.
    fn as_node(&mut self, affine: Affine) -> Result<(NodeId, Stop), KernelError> {
        if let [part] = affine.parts.as_slice()
            && affine == self.reading(part.source)?
        {
            return Ok((part.source, Stop::Node(part.source)));
        }
        let id = self.intern(Node::Cut(affine));
        Ok((id, Stop::Cut(id)))
    }

    /// The normal form of a stack after a signal.
    pub fn apply(&mut self, stack: &Stack, signal: Affine) -> Result<Affine, OperatorError> {
        Ok(self.applied(stack, Value { map: signal, step: 0 })?.map)
    }

    fn applied(&mut self, stack: &Stack, signal: Value) -> Result<Value, OperatorError> {
        stack.fold(signal, |op, origin| {
            let mut reads = Vec::new();
            let op = op.into(|value| {
                reads.push(value.step);
                value.map
            });
            let (map, did) = self.value(op, origin, &reads)?;
            let step = self.tell(origin, reads, did, &map);
            Ok(Value { map, step })
        })
    }

    /// Keeps what was done with a value, where somebody asks.
    fn tell(&mut self, origin: Origin, reads: Vec<usize>, did: Did, map: &Affine) -> usize {
        let Some(mut told) = self.trace.take() else { return 0 };
        while let Some(node) = self.nodes.get(told.reaches.len()) {
            let reach = self.reach_of(node, &told.reaches);
            told.reaches.push(reach);
        }
        let reach = read_by(map, &told.reaches);
        let length = map.length.clone();
        let step = told.trace.tell(|depth| Record { origin, depth, reads, did, length, reach });
        self.trace = Some(told);
        step
    }

    /// What a node reads of the input, given that for those before it.
    fn reach_of(&self, node: &Node, known: &[Reaches]) -> Reaches {
        match node {
            Node::Input { .. } => Some([Reach::INPUT; AXES]),
            Node::Cut(inner) | Node::Relu(inner) | Node::Function(_, inner) | Node::Product(inner) => {
                read_by(inner, known)
            }
            Node::Average { source, windows, .. } | Node::Maximum { source, windows, .. } => {
                moved(known[*source], &windows.axes, windows.size)
            }
            Node::GlobalAverage(_) => None,
        }
    }

    fn value(
        &mut self,
        op: Given<'_, Affine>,
        origin: Origin,
        reads: &[usize],
    ) -> Result<(Affine, Did), OperatorError> {
        match op {
            Op::Layer(layer, signal) => {
                let step = reads.first().copied().unwrap_or(0);
                self.layer(layer, Value { map: signal, step }, origin)
            }
            Op::Sum(terms) => {
                let terms = terms.try_map(|(factor, Branch { of, origin })| {
                    let factor = at(origin, factor.scalar())?;
                    Ok(Branch { of: at(origin, scaled(of, &factor))?, origin })
                })?;
                let branches = terms.iter().len();
                let sum = terms.reduce(added)?.of;
                let kernels = sum.parts.len();
                Ok((sum, Did::Sum { branches, kernels }))
            }
            Op::Product([left, right]) => {
                let [a, b] = [&left, &right].map(|branch| (branch.origin, branch.of.channels));
                let both = side_by_side([left, right].into())?;
                if a.1 != b.1 {
                    return Err(OperatorError::BranchChannels { left: a, right: b });
                }
                let id = self.intern(Node::Product(both));
                Ok((at(origin, self.reading(id))?, Did::Product(id)))
            }
            Op::Concat(parts) => {
                let branches = parts.iter().len();
                Ok((side_by_side(parts)?, Did::Concat { branches }))
            }
        }
    }

    fn layer(&mut self, layer: &Layer, signal: Value, at: Origin) -> Result<(Affine, Did), OperatorError> {
        let Value { map: signal, step } = signal;
        let size = self.size.and_then(|size| all(|axis| signal.length[axis].at(size[axis])));
        if let Layer::Composite(layer) = layer {
            let size = self.size.map(|_| size.unwrap_or([1; AXES]));
            return self.expanded(&expanded(layer, at, signal.channels, size)?, Value { map: signal, step });
        }
        let site = Site { at, channels: signal.channels, size };
        if let (Layer::Dense { weights, .. }, Some(_), None) = (layer, self.size, size) {
            // Nothing reaches it, so nothing comes out.
            let length = signal.length.map(|length| Arc::new(Length::One(length)));
            let [outputs, _] = weights.shape().matrix();
            let nothing = affine(outputs, length, Vec::new(), Vec::new());
            return Ok((nothing, Did::Unreached));
        }
        let lowered = lower(layer, site)?;
        self.after(signal, lowered, at)
    }

    /// The normal form of the stack that a layer is, after a signal.
    fn expanded(&mut self, inner: &Stack, signal: Value) -> Result<(Affine, Did), OperatorError> {
        if let Some(told) = &mut self.trace {
            told.trace.enter();
        }
        let made = self.applied(inner, signal)?;
        if let Some(told) = &mut self.trace {
            told.trace.leave();
        }
        Ok((made.map, Did::Expanded { layers: inner.graph().values().len() }))
    }

    /// The normal form of one lowered layer after a signal.
    fn after(
        &mut self,
        signal: Affine,
        layer: Lowered,
        origin: Origin,
    ) -> Result<(Affine, Did), OperatorError> {
        let (node, did) = match layer {
            Lowered::Linear { gather, steps, bias, made } => {
                let length = longer(&signal.length, steps, origin)?;
                return at(origin, self.compose(signal, (made, &gather), length, &bias));
            }
            Lowered::Average(windows) => {
                let (source, over, length) = self.windowed(signal, &windows, origin)?;
                let node = self.intern(Node::Average { source, windows, length });
                (node, Did::Mean { over, window: windows.size, node })
            }
            Lowered::Maximum(windows) => {
                let (source, over, length) = self.windowed(signal, &windows, origin)?;
                let (maximum, merged) = self.maximum(source, windows, length);
                let node = self.intern(maximum);
                (node, Did::Maximum { over, window: windows.size, merged, node })
            }
            Lowered::Relu => return at(origin, self.relu(signal)),
            Lowered::Function(function) => {
                let node = self.intern(Node::Function(function, signal));
                (node, Did::Function(node))
            }
            Lowered::GlobalAverage => return at(origin, self.global_average(signal)),
        };
        Ok((at(origin, self.reading(node))?, did))
    }

    fn windowed(
        &mut self,
        signal: Affine,
        windows: &Windows,
        origin: Origin,
    ) -> Result<(NodeId, Stop, Axes<Arc<Length>>), OperatorError> {
        let length = longer(&signal.length, windows.steps, origin)?;
        let (source, over) = at(origin, self.as_node(signal))?;
        Ok((source, over, length))
    }

    /// A maximum after a maximum is one maximum when the second reads inside the first (the same composition
    /// as for kernels, over max and +) and the first's windows leave no gaps between them.
    fn maximum(&self, source: NodeId, windows: Windows, length: Axes<Arc<Length>>) -> (Node, bool) {
        if let Node::Maximum { source: inner, windows: first, length: inner_length } = &self.nodes[source]
            && (0..AXES).all(|axis| {
                let taps = windows.size[axis];
                // Windows with gaps between them have no union that is a window.
                let gapless = taps == 1 || first.axes[axis].down <= first.size[axis];
                let plain = first.axes[axis].same.is_none() && windows.axes[axis].same.is_none();
                plain
                    && gapless
                    && reads_inside(&windows.axes[axis], taps, &inner_length[axis], &length[axis])
            })
            && let Some(both) = all(|axis| {
                let (a, b) = (&first.axes[axis], &windows.axes[axis]);
                let size = first.size[axis].checked_add((windows.size[axis] - 1).checked_mul(a.down)?)?;
                (size <= MAX_FACTOR).then_some((size, a.strided(b)?))
            })
        {
            let (size, axes) = (both.map(|(size, _)| size), both.map(|(_, axis)| axis));
            // The steps are part of `length` already; one spelling for all windows keeps equal nodes equal.
            let windows = Windows { size, axes, ..*first };
            return (Node::Maximum { source: *inner, windows, length }.spelled(), true);
        }
        (Node::Maximum { source, windows, length }.spelled(), false)
    }

    /// `max(x, 0)`; moved inside copies with positive factors and inside maxima, which it commutes with, and
    /// dropped after itself.
    fn relu(&mut self, signal: Affine) -> Result<(Affine, Did), KernelError> {
        if let [part] = signal.parts.as_slice()
            && signal.bias.is_empty()
            && part.gather.kernel.as_concrete().is_some_and(copies)
        {
            let source = part.source;
            let (inner, moved) = match self.nodes[source].clone() {
                Node::Relu(_) => return Ok((signal, Did::Relu(Positive::Already))),
                Node::Maximum { source: below, windows, length } => {
                    let reading = self.reading(below)?;
                    let (positive, _) = self.relu(reading)?;
                    let (positive, _) = self.as_node(positive)?;
                    let (node, _) = self.maximum(positive, windows, length);
                    (self.intern(node), true)
                }
                _ => {
                    let reading = self.reading(source)?;
                    (self.intern(Node::Relu(reading)), !part.gather.is_identity())
                }
            };
            let did = if moved { Positive::Moved(inner) } else { Positive::Whole(inner) };
            let gather = part.gather.clone();
            let copied = Affine { parts: vec![Part { source: inner, gather }], ..signal };
            return Ok((copied, Did::Relu(did)));
        }
        let id = self.intern(Node::Relu(signal));
        Ok((self.reading(id)?, Did::Relu(Positive::Whole(id))))
    }

    /// The mean of each channel; moved inside maps that mix channels position by position, which it commutes with.
    fn global_average(&mut self, signal: Affine) -> Result<(Affine, Did), KernelError> {
        let pointwise = signal.parts.iter().all(|part| {
            let shape = part.gather.kernel.shape();
            let same_length = self.signal(part.source).1 == signal.length;
            shape.extents() == [1; AXES] && is_copy(&part.gather) && same_length
        });
        if !pointwise || signal.parts.is_empty() {
            let id = self.intern(Node::GlobalAverage(signal));
            return Ok((self.reading(id)?, Did::Average { moved: false, nodes: vec![id] }));
        }
        let moved = !matches!(signal.parts.as_slice(), [part] if part.gather.is_identity());
        let (mut parts, mut nodes) = (Vec::new(), Vec::new());
        let mut length = signal.length.clone();
        for part in signal.parts {
            let reading = self.reading(part.source)?;
            let source = self.intern(Node::GlobalAverage(reading));
            length = self.signal(source).1;
            parts.push(Part { source, gather: part.gather });
            nodes.push(source);
        }
        let moved = moved || !signal.bias.is_empty();
        let mean = affine(signal.channels, length, parts, signal.bias);
        Ok((mean, Did::Average { moved, nodes }))
    }

    /// The gather after the signal, composed where that is exact at every border and cut where it is not.
    fn compose(
        &mut self,
        signal: Affine,
        (made, gather): (Made, &Gather),
        length: Axes<Arc<Length>>,
        bias: &[Poly],
    ) -> Result<(Affine, Did), KernelError> {
        let shape = gather.kernel.shape();
        let window = shape.extents().map(signed);
        let axes = gather.axes;
        let did = |joined| Did::Linear { made, window, axes, joined };
        let why = match self.harmless(&signal, gather, &length)? {
            Ok(border) => match self.composed(&signal, gather, &length, bias)? {
                Ok((composed, laws)) => return Ok((composed, did(Joined::Composed { laws, border }))),
                Err(why) => why,
            },
            Err(why) => why,
        };
        let (source, over) = self.as_node(signal)?;
        let part = Part { source, gather: gather.clone() };
        let map = affine(shape.outputs, length, vec![part], bias.to_vec());
        Ok((map, did(Joined::Apart { over, why })))
    }

    /// Why a gather after a signal may be composed with it at every border, or why not.
    fn harmless(
        &self,
        signal: &Affine,
        gather: &Gather,
        length: &Axes<Arc<Length>>,
    ) -> Result<Result<Harmless, Needed>, KernelError> {
        let constant = !signal.bias.is_empty();
        let border = if !self.borders || reads_signal_inside(gather, &signal.length, length) {
            Harmless::Inside
        } else if !constant && (0..AXES).all(|axis| self.vanishes_outside(signal, axis)) {
            Harmless::Zero
        } else {
            return Ok(Err(Needed::Border));
        };
        Ok(if constant && !has_equal_phases(gather)? { Err(Needed::Constant) } else { Ok(border) })
    }

    /// The gather after an affine map, borders ignored, and how each kernel came about; why there is none.
    #[allow(clippy::type_complexity, reason = "two ways to end, and the mistakes")]
    fn composed(
        &self,
        signal: &Affine,
        gather: &Gather,
        length: &Axes<Arc<Length>>,
        bias: &[Poly],
    ) -> Result<Result<(Affine, Vec<Law>), Needed>, KernelError> {
        let outputs = gather.kernel.shape().outputs;
        let (mut parts, mut laws) = (Vec::new(), Vec::new());
        for part in &signal.parts {
            let source = self.signal(part.source).1;
            match part.gather.then(gather, &source, &signal.length) {
                None => return Ok(Err(Needed::Positions)),
                Some(Err(KernelError::TooManyTerms { .. })) if !is_copy(&part.gather) => {
                    return Ok(Err(Needed::Terms));
                }
                Some(composed) => {
                    let (composed, law) = composed?;
                    add_part(&mut parts, part.source, composed)?;
                    if !laws.contains(&law) {
                        laws.push(law);
                    }
                }
            }
        }
        let mut total = if bias.is_empty() { vec![Poly::zero(); outputs] } else { bias.to_vec() };
        if !signal.bias.is_empty() {
            let sums = phase_sums(gather)?;
            for (o, entry) in total.iter_mut().enumerate() {
                for (c, inner) in signal.bias.iter().enumerate() {
                    *entry = &*entry + &(&sums[0][o * signal.channels + c] * inner);
                }
            }
        }
        Ok(Ok((affine(outputs, length.clone(), parts, total), laws)))
    }

    /// Whether the affine map (without bias) is zero wherever it is not cut, beyond both its ends.
    fn vanishes_outside(&self, signal: &Affine, axis: usize) -> bool {
        signal.parts.iter().all(|part| {
            let source = &self.signal(part.source).1[axis];
            let (movement, length) = (&part.gather.axes[axis], &signal.length[axis]);
            let taps = signed(part.gather.kernel.shape().extents()[axis]);
            for_sizes(movement, &[source, length], |n| {
                let (Some(inner), Some(outer)) = (source.at(n), length.at(n)) else { return true };
                let offset = movement.offset_at(inner);
                let before = movement.reach(-1, -1, taps, offset).1;
                let after = movement.reach(outer, outer, taps, offset).0;
                before < 0 && after >= inner
            })
        })
    }
}

impl Node {
    /// Windows in one spelling: steps that `length` implies are not compared.
    fn spelled(self) -> Self {
        match self {
            Self::Maximum { source, windows, length } => {
                let steps = [Step::new(1, 0, 1); AXES];
                Self::Maximum { source, windows: Windows { steps, counted: None, ..windows }, length }
            }
            other => other,
        }
    }
}

/// What a map reads of the input, given that for the nodes.
fn read_by(map: &Affine, nodes: &[Reaches]) -> Reaches {
    together(map.parts.iter().map(|part| {
        let taps = part.gather.kernel.shape().extents().map(signed);
        moved(nodes[part.source], &part.gather.axes, taps)
    }))
}

/// What windows over a signal read of the input.
fn moved(of: Reaches, axes: &Axes<Axis>, taps: Axes<i64>) -> Reaches {
    let of = of?;
    all(|axis| of[axis].then(&axes[axis], taps[axis]))
}

/// The sum of two branches with equally many channels.
fn added(left: Branch<Affine>, right: Branch<Affine>) -> Result<Branch<Affine>, OperatorError> {
    let [a, b] = [&left, &right].map(|branch| (branch.origin, branch.of.channels));
    if a.1 != b.1 {
        return Err(OperatorError::BranchChannels { left: a, right: b });
    }
    both(left, right)
}

/// The sum of two branches.
fn both(left: Branch<Affine>, right: Branch<Affine>) -> Result<Branch<Affine>, OperatorError> {
    Ok(Branch { of: at(right.origin, joined(left.of, right.of))?, origin: left.origin })
}

/// Branches with their channels joined.
fn side_by_side(branches: NonEmpty<Branch<Affine>>) -> Result<Affine, OperatorError> {
    let total = branches.iter().map(|branch| branch.of.channels).sum();
    let mut from = 0;
    let placed = branches.try_map(|Branch { of, origin }| {
        let start = from;
        from += of.channels;
        Ok(Branch { of: at(origin, embedded(of, start, total))?, origin })
    })?;
    Ok(placed.reduce(both)?.of)
}

fn at<T>(origin: Origin, result: Result<T, KernelError>) -> Result<T, OperatorError> {
    result.map_err(|error| OperatorError::Kernel { at: origin, error })
}

/// An affine map with its zero parts and zero bias left out.
fn affine(channels: usize, length: Axes<Arc<Length>>, mut parts: Vec<Part>, mut bias: Vec<Poly>) -> Affine {
    parts.retain(|part| !part.gather.kernel.is_zero());
    parts.sort_by_key(|part| part.source);
    if bias.iter().all(Poly::is_zero) {
        bias.clear();
    }
    Affine { channels, length, parts, bias }
}

/// Adds a gather of a node to the parts, merged with one that moves alike.
fn add_part(parts: &mut Vec<Part>, source: NodeId, gather: Gather) -> Result<(), KernelError> {
    for part in parts.iter_mut().filter(|part| part.source == source) {
        if let Some(sum) = part.gather.plus(&gather) {
            part.gather = sum?;
            return Ok(());
        }
    }
    parts.push(Part { source, gather });
    Ok(())
}

fn is_copy(gather: &Gather) -> bool {
    gather.axes == [Axis::IDENTITY; AXES]
}

/// For each phase of the upsampling, the sum of the taps it reads, per output and input channel.
fn phase_sums(gather: &Gather) -> Result<Vec<Vec<Poly>>, KernelError> {
    let shape = gather.kernel.shape();
    let kernel = gather.kernel.expand()?;
    let up = gather.axes.map(|axis| super::gather::index(axis.up).max(1));
    let mut sums = vec![vec![Poly::zero(); shape.outputs * shape.inputs]; up.iter().product()];
    for ([o, c, at @ ..], entry) in crate::kernel::positions(shape).zip(kernel.entries()) {
        if !entry.is_zero() {
            let phase = place(each(|axis| at[axis] % up[axis]), up);
            let cell = &mut sums[phase][o * shape.inputs + c];
            *cell = &*cell + entry;
        }
    }
    Ok(sums)
}

/// Whether a constant signal stays constant.
fn has_equal_phases(gather: &Gather) -> Result<bool, KernelError> {
    if gather.axes.iter().all(|axis| axis.up == 1) {
        return Ok(true);
    }
    let sums = phase_sums(gather)?;
    Ok(sums.windows(2).all(|pair| pair[0] == pair[1]))
}

/// Every output copies at most one input, times a positive factor.
fn copies(kernel: &ConcreteKernel) -> bool {
    let shape = kernel.shape();
    let Shape { outputs, inputs, .. } = shape;
    shape.area() == 1
        && (0..outputs).all(|o| {
            let entries = (0..inputs).map(|c| kernel.entry(o, c, 0, 0)).filter(|entry| !entry.is_zero());
            entries.fold(0, |n, entry| if entry.is_negative() { 2 } else { n + 1 }) <= 1
        })
}

fn scaled(mut output: Affine, factor: &Poly) -> Result<Affine, KernelError> {
    for part in &mut output.parts {
        part.gather.kernel = part.gather.kernel.scale(factor)?;
    }
    for entry in &mut output.bias {
        *entry = &*entry * factor;
    }
    Ok(affine(output.channels, output.length, output.parts, output.bias))
}

/// The sum of two branches, with an output where they agree in size.
fn joined(left: Affine, right: Affine) -> Result<Affine, KernelError> {
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

/// The lengths of a signal after one more layer.
pub(super) fn longer(
    lengths: &Axes<Arc<Length>>,
    steps: Axes<Step>,
    at: Origin,
) -> Result<Axes<Arc<Length>>, OperatorError> {
    all(|axis| lengths[axis].then(steps[axis])).ok_or(OperatorError::TooLarge { at })
}

/// The output channels moved to `from..` among `total`.
fn embedded(output: Affine, from: usize, total: usize) -> Result<Affine, KernelError> {
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

/// Whether a condition holds for all input lengths; `false` where it cannot be decided within the limits.
///
/// The conditions asked for compare positions that move at the same pace as the lengths, so they repeat with
/// the lengths' period once those have settled, and with that of the SAME rule.
fn for_sizes(movement: &Axis, lengths: &[&Arc<Length>; 2], holds: impl Fn(i64) -> bool) -> bool {
    let [source, output] = lengths;
    let pace = source.slope() * ratio(movement.up, movement.down);
    let same = movement.same.map_or(Ok(1), |rule| source.period_modulo(rule.stride));
    let plain: [&Length; 2] = [source, output];
    output.slope() == pace && same.and_then(|same| for_all_lengths(&plain, same, holds)).unwrap_or(false)
}

/// Whether outputs never read outside a signal along one axis.
fn reads_inside(movement: &Axis, taps: i64, source: &Arc<Length>, output: &Arc<Length>) -> bool {
    for_sizes(movement, &[source, output], |n| {
        let (Some(inner), Some(outer)) = (source.at(n), output.at(n)) else { return true };
        let (low, high) = movement.reach(0, outer - 1, taps, movement.offset_at(inner));
        low >= 0 && high < inner
    })
}

fn reads_signal_inside(gather: &Gather, source: &Axes<Arc<Length>>, output: &Axes<Arc<Length>>) -> bool {
    let extents = gather.kernel.shape().extents();
    (0..AXES).all(|axis| {
        let taps = signed(extents[axis]);
        reads_inside(&gather.axes[axis], taps, &source[axis], &output[axis])
    })
}
