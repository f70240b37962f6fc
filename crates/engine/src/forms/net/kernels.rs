//! Kernel expressions as nodes: products one node after the other, leaves tap by tap.
//!
//! Computes no products of kernels; what is not read here is refused.

use std::sync::Arc;

use super::{ChannelBlocks, Kind, Movement, Net, NetNodeId, Same, Tap, in_place, number};
use crate::axes::{AXES, Axes, each, positions, try_each};
use crate::forms::Unsupported;
use crate::forms::blocks::Block;
use crate::forms::generic::{Weight, split};
use crate::forms::weights::Place;
use crate::ir::{KernelExpr, KernelTerm, Rearrangement};
use crate::kernel::{ConcreteKernel, Shape};
use crate::operator::gather::signed;
use crate::operator::length::Length;
use crate::operator::shape::Signal;
use crate::operator::single::single;
use convproof_exact::{Limited, Poly, Rational};

/// Where a kernel is applied: y[i] = Σ K[u]·x[down·i + offset + step·u − same].
#[derive(Clone, Debug)]
pub(super) struct At {
    pub(super) step: Axes<i64>,
    pub(super) offset: Axes<i64>,
    pub(super) down: Axes<i64>,
    pub(super) same: Axes<Option<Same>>,
    /// The axes of the kernel are in reverse order.
    pub(super) turned: bool,
    /// Whether channel o of the output reads channel o of the input only.
    pub(super) depthwise: bool,
    /// So many parts of the output read a part of the input each.
    pub(super) groups: usize,
    /// The kernel's input channels are those of the output, as in a transposed convolution.
    pub(super) crossed: bool,
}

impl At {
    pub(super) fn plain(depthwise: bool) -> Self {
        Self {
            step: [1; AXES],
            offset: [0; AXES],
            down: [1; AXES],
            same: each(|_| None),
            turned: false,
            depthwise,
            groups: 1,
            crossed: false,
        }
    }

    /// The same kernel where it stands inside another one.
    pub(super) fn inner(&self) -> Self {
        Self { offset: [0; AXES], down: [1; AXES], same: each(|_| None), ..self.clone() }
    }

    pub(super) fn movement(&self, axis: usize, taps: usize) -> Movement {
        Movement {
            down: self.down[axis],
            up: 1,
            offset: self.offset[axis],
            taps: (0..signed(taps)).map(|k| k * self.step[axis]).collect(),
            same: self.same[axis].clone(),
            border: None,
        }
    }

    pub(super) fn turn<T: Copy>(&self, mut of: Axes<T>) -> Axes<T> {
        if self.turned {
            of.reverse();
        }
        of
    }

    /// Output and input channels of a kernel of a shape.
    pub(super) fn channels(&self, shape: Shape) -> [usize; 2] {
        if self.crossed { [shape.inputs, shape.outputs] } else { [shape.outputs, shape.inputs] }
    }

    /// Moved by so many taps.
    pub(super) fn shifted(&self, by: Axes<i64>) -> Result<Self, Unsupported> {
        let by = self.turn(by);
        let moved = |axis: usize| self.step[axis].checked_mul(by[axis])?.checked_add(self.offset[axis]);
        let offset = try_each(|axis| small(moved(axis)))?;
        Ok(Self { offset, ..self.clone() })
    }
}

/// A position or distance within the limits.
pub(super) fn small(n: Option<i64>) -> Result<i64, Unsupported> {
    const MOST: i64 = 1 << 24;
    n.filter(|n| (-MOST..=MOST).contains(n)).ok_or(Unsupported::TooLarge)
}

impl Net {
    /// All entries of a kernel as polynomials, in storage order.
    pub(super) fn entries(&self, term: &KernelTerm) -> Result<Vec<Poly>, Unsupported> {
        const MOST: usize = 1 << 14;
        if term.len().exceeds(MOST) {
            return Err(Unsupported::TooLarge);
        }
        Ok(term.kernel().expand().map_err(|_| Unsupported::TooLarge)?.entries().to_vec())
    }

    /// The entries of a vector, or a scalar, for each block: a generic channel, or every one.
    pub(super) fn vector(
        &mut self,
        vector: &KernelTerm,
        channels: usize,
    ) -> Result<Vec<Weight>, Unsupported> {
        if self.channels == ChannelBlocks::Apart {
            let entries = self.entries(vector)?;
            let entry = |block: usize| entries.get(if entries.len() == 1 { 0 } else { block }).map(split);
            return (0..channels).map(|block| entry(block).ok_or(Unsupported::Kernel)).collect();
        }
        self.diagonal(vector.expr(), channels)
    }

    /// The entry of a vector, or a scalar, for a generic channel of each block.
    pub(super) fn diagonal(
        &mut self,
        vector: &KernelExpr,
        channels: usize,
    ) -> Result<Vec<Weight>, Unsupported> {
        let scalar = vector.shape().is_scalar();
        let blocks = self.divided(channels)?;
        let entry = |block| {
            let place = if scalar { Place::SCALAR } else { Place::channel(block) };
            Ok(split(&self.letters.entry(vector, place)?))
        };
        blocks.into_iter().map(entry).collect()
    }

    /// Each position of a signal times a weight, plus a constant.
    pub(super) fn pointwise(
        &mut self,
        source: NetNodeId,
        weights: Vec<Weight>,
        bias: Vec<Weight>,
        signal: Option<&Signal>,
    ) -> Result<NetNodeId, Unsupported> {
        let one = split(&Poly::one());
        if bias.is_empty() && weights.iter().all(|weight| *weight == one) {
            return Ok(source);
        }
        self.weighted(source, weights, bias, signal.map(|signal| signal.length.clone()))
    }

    /// A signal times a weight for each block, plus a constant, cut to a length.
    fn weighted(
        &mut self,
        source: NetNodeId,
        weights: Vec<Weight>,
        bias: Vec<Weight>,
        length: Option<Axes<Arc<Length>>>,
    ) -> Result<NetNodeId, Unsupported> {
        let tap = |(block, weight)| Tap { output: block, at: [0; AXES], input: block, weight };
        let kind = Kind::Taps { weights: (0..).zip(weights).map(tap).collect(), bias };
        self.reading(kind, in_place(source), length)
    }

    /// A vector at every position. The sums of a kernel over its inputs and taps are what it makes of ones everywhere.
    pub(super) fn constant(&mut self, expr: &KernelExpr, channels: usize) -> Result<NetNodeId, Unsupported> {
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

    /// A kernel applied to a signal; the result has a length, or is defined everywhere.
    #[expect(clippy::too_many_lines, reason = "one arm for each layer or operation")]
    pub(super) fn kernel(
        &mut self,
        expr: &KernelExpr,
        source: NetNodeId,
        at: &At,
        length: Option<Axes<Arc<Length>>>,
    ) -> Result<NetNodeId, Unsupported> {
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
                let step = try_each(|axis| small(at.step[axis].checked_mul(by[axis])))?;
                self.kernel(a, source, &At { step, ..at.clone() }, length)
            }
            E::Repeat(a, by) => {
                let between = self.kernel(&E::Dilate(a.clone(), *by), source, &at.inner(), None)?;
                self.block(*by, at.channels(a.shape())[0], between, at, length)
            }
            E::Pad(a, ends) => {
                let at = at.shifted(ends.map(|ends| signed(ends.before)))?;
                self.kernel(a, source, &at, length)
            }
            E::Trim(a, ends) => {
                let at = at.shifted(ends.map(|ends| -signed(ends.before)))?;
                self.kernel(a, source, &at, length)
            }
            E::Flip(a) => {
                let mut at = at.shifted(a.shape().extents().map(|extent| signed(extent - 1)))?;
                at.step = at.step.map(|step| -step);
                self.kernel(a, source, &at, length)
            }
            E::Transpose(a) => self.kernel(a, source, &At { turned: !at.turned, ..at.clone() }, length),
            E::Rearranged(a, Rearrangement::SwapChannels) if at.groups == 1 => {
                self.kernel(a, source, &At { crossed: !at.crossed, ..at.clone() }, length)
            }
            E::Reshape(of, shape) => {
                let E::OfStack(stack) = &**of else { return Err(Unsupported::Kernel) };
                match single(stack, shape.inputs).filter(|term| term.shape() == *shape) {
                    Some(term) => self.kernel(term.expr(), source, at, length),
                    None => self.of_stack(stack, *shape, source, at, length),
                }
            }
            E::Rearranged(..) if at.crossed => Err(Unsupported::Kernel),
            E::Rearranged(a, Rearrangement::Outputs(part)) => {
                let inner = self.kernel(a, source, at, None)?;
                let blocks = self.between(a.shape().outputs, *part)?;
                let picks = blocks.into_iter().map(|block| (0, block)).collect();
                self.reading(Kind::Pick(picks), in_place(inner), length)
            }
            E::Rearranged(a, Rearrangement::Inputs(part)) => {
                // The other inputs are 0.
                let blocks = self.between(a.shape().inputs, *part)?;
                let one = split(&Poly::one());
                let tap = |(input, output)| Tap { output, at: [0; AXES], input, weight: one.clone() };
                let kind = Kind::Taps { weights: (0..).zip(blocks).map(tap).collect(), bias: Vec::new() };
                let placed = self.reading(kind, in_place(source), None)?;
                self.kernel(a, placed, at, length)
            }
            _ => Err(Unsupported::Kernel),
        }
    }

    /// A block of ones on each channel.
    pub(super) fn block(
        &mut self,
        by: Axes<usize>,
        channels: usize,
        source: NetNodeId,
        at: &At,
        length: Option<Axes<Arc<Length>>>,
    ) -> Result<NetNodeId, Unsupported> {
        let plane = Shape::plane(1, 1).with_extents(by);
        let ones = ConcreteKernel::ones(plane).map_err(|_| Unsupported::TooLarge)?;
        let ones = KernelExpr::Constant(Arc::new(ones));
        let whole = Block { start: 0, step: 1, width: 1 };
        let taps = self.letters.taps(&ones, plane, [whole, whole], false)?;
        let count = number(self.divided(channels)?.len());
        let weights =
            (0..count).flat_map(|block| taps.iter().map(move |(tap, w)| ([block; 2], *tap, w.clone())));
        self.placed(weights.collect(), by, source, at, length)
    }

    /// A factor times a kernel.
    pub(super) fn scaled(
        &mut self,
        factor: &Poly,
        kernel: &KernelExpr,
        source: NetNodeId,
        at: &At,
        length: Option<Axes<Arc<Length>>>,
    ) -> Result<NetNodeId, Unsupported> {
        let inner = self.kernel(kernel, source, at, None)?;
        let weights = vec![split(factor); self.divided(at.channels(kernel.shape())[0])?.len()];
        self.bounded(inner, weights, length)
    }

    /// A signal times a weight for each block, cut to a length.
    pub(super) fn bounded(
        &mut self,
        source: NetNodeId,
        weights: Vec<Weight>,
        length: Option<Axes<Arc<Length>>>,
    ) -> Result<NetNodeId, Unsupported> {
        self.weighted(source, weights, Vec::new(), length)
    }

    /// A kernel that is read tap by tap.
    pub(super) fn leaf(
        &mut self,
        expr: &KernelExpr,
        source: NetNodeId,
        at: &At,
        length: Option<Axes<Arc<Length>>>,
    ) -> Result<NetNodeId, Unsupported> {
        let shape = expr.shape();
        let [rows, columns] = at.channels(shape);
        // Of a kernel with an entry for each channel the channels are in front either way.
        let outputs = self.divided(if at.depthwise { shape.outputs } else { rows })?;
        let mut weights = Vec::new();
        if at.depthwise {
            for tap in positions(shape.extents()) {
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
                    let taps = self.letters.taps(expr, shape, [rows, columns], at.crossed)?;
                    weights
                        .extend(taps.into_iter().map(|(tap, w)| ([number(output), number(input)], tap, w)));
                }
            }
        }
        self.placed(weights, shape.extents(), source, at, length)
    }

    /// Taps at their places.
    pub(super) fn placed(
        &mut self,
        weights: Vec<([u32; 2], Axes<usize>, Weight)>,
        extents: Axes<usize>,
        source: NetNodeId,
        at: &At,
        length: Option<Axes<Arc<Length>>>,
    ) -> Result<NetNodeId, Unsupported> {
        let extents = at.turn(extents);
        try_each(|axis| small(at.step[axis].checked_mul(signed(extents[axis]))))?;
        let moves = each(|axis| at.movement(axis, extents[axis]));
        let placed = |([output, input], tap, weight): ([u32; 2], Axes<usize>, Weight)| Tap {
            output,
            at: at.turn(tap).map(number),
            input,
            weight,
        };
        let mut weights: Vec<Tap> = weights.into_iter().map(placed).collect();
        weights.sort_by_key(|tap| (tap.output, tap.at, tap.input));
        let kind = Kind::Taps { weights, bias: Vec::new() };
        self.reading(kind, (source, moves), length)
    }
}

/// Whether sums over channels occur in the entries of a vector.
pub(super) fn has_channel_sums(expr: &KernelExpr) -> bool {
    match expr {
        KernelExpr::ChannelSums { .. } => true,
        KernelExpr::Add(a, b) | KernelExpr::Sub(a, b) | KernelExpr::Hadamard(a, b) => {
            has_channel_sums(a) || has_channel_sums(b)
        }
        _ => false,
    }
}
