//! A stack as a map, value by value: what each layer does to the map before it.

use convproof_exact::Limited;
use std::sync::Arc;

use super::affine::{Affine, Part, added, affine, at, is_copy, longer, scaled, side_by_side};
use super::compose::reads_inside;
use super::{Node, NodeId, Operators};
use crate::axes::{AXES, Axes, all};
use crate::ir::{Branch, Given, Layer, Op, Origin, Stack};
use crate::kernel::{ConcreteKernel, KernelError, Shape};
use crate::operator::error::OperatorError;
use crate::operator::expand::expanded;
use crate::operator::gather::MAX_FACTOR;
use crate::operator::length::{Length, Step};
use crate::operator::lower::{Lowered, Site, Windows, lower};
use crate::operator::shape::{Signal, broadcast, fixed};
use crate::operator::trace::{Did, Positive, Stop};

/// A map, and the number of the step that made it.
#[derive(Clone)]
struct Value {
    map: Affine,
    step: usize,
}

impl Operators {
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
            Op::Broadcast([single, like]) => {
                let signals = [&single, &like].map(|branch| {
                    let Affine { channels, ref length, .. } = branch.of;
                    Branch { of: Signal { channels, length: length.clone() }, origin: branch.origin }
                });
                let Signal { length, .. } = broadcast(signals, self.size)?;
                let id = self.intern(Node::Broadcast { of: single.of, length });
                Ok((at(origin, self.reading(id))?, Did::Broadcast(id)))
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
        let own =
            if matches!(layer, Layer::Dense { .. }) { size.or_else(|| fixed(&signal.length)) } else { size };
        let site = Site { at, channels: signal.channels, size: own };
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
                size.within(MAX_FACTOR).then_some((size, a.strided(b)?))
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
