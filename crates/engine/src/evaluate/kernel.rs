//! Kernel expressions at given weights, each operation from its definition.

use std::rc::Rc;

use super::array::BallArray as Array4;
use super::array::{extents, place, places};
use super::evaluator::Evaluator;
use super::image::BallImage as Image;
use super::total::Total;
use super::work::{UNIT, Work};
use super::{Ball, EvaluateError, MAX_CELLS};
use crate::ir::{Axes, Ends, KernelExpr, KernelTerm, Rearrangement, Stack};
use crate::kernel::{ConcreteKernel, Shape};
use convproof_exact::Symbol;

type Result<T> = std::result::Result<T, EvaluateError>;

impl<'a> Evaluator<'a> {
    pub(super) fn compute_kernel(&mut self, expr: &'a KernelExpr) -> Result<Array4> {
        match expr {
            KernelExpr::Constant(_) | KernelExpr::Free { .. } | KernelExpr::Array { .. } => self.given(expr),
            KernelExpr::Add(left, right) => self.sum(left, right, &Ball::ONE),
            KernelExpr::Sub(left, right) => self.sum(left, right, &Ball::from(-1)),
            KernelExpr::Negate(operand) => self.each(operand, |_, value| Ok(-value)),
            KernelExpr::Convolve(left, right) => {
                let (left, right) = (self.kernel(left)?, self.kernel(right)?);
                convolve(&mut self.work, &left, &right)
            }
            KernelExpr::Hadamard(left, right) => {
                let (left, right) = self.alike(left, right)?;
                self.each_of(&left, |work, place, value| work.multiply(value, right.at(place)))
            }
            KernelExpr::Divide(dividend, divisor) => self.divided(dividend, divisor),
            KernelExpr::Power(base, exponent) => self.power(base, *exponent),
            KernelExpr::Entry(operand, position) => {
                let operand = self.kernel(operand)?;
                operand.get(*position).cloned().map(Array4::scalar).ok_or(EvaluateError::Malformed)
            }
            KernelExpr::Sum(operand) => {
                let operand = self.kernel(operand)?;
                let mut total = Ball::ZERO;
                for (_, value) in operand.entries() {
                    self.work.add(&mut total, value)?;
                }
                Ok(Array4::scalar(total))
            }
            KernelExpr::Sqrt(operand) => {
                let bits = self.root_bits;
                self.each(operand, |work, value| work.root(value, bits))
            }
            KernelExpr::Dilate(..)
            | KernelExpr::Repeat(..)
            | KernelExpr::Flip(_)
            | KernelExpr::Transpose(_)
            | KernelExpr::Pad(..)
            | KernelExpr::Trim(..) => self.moved(expr),
            KernelExpr::Outer(column, row) => self.outer(column, row),
            KernelExpr::ScaleOutputs(operand, factors) => self.scale(operand, factors, 0),
            KernelExpr::ScaleInputs(operand, factors) => self.scale(operand, factors, 1),
            KernelExpr::Reshape(operand, shape) => {
                let operand = self.kernel(operand)?;
                let shape = extents(*shape);
                let mismatch = EvaluateError::ShapeMismatch { left: shape, right: operand.shape() };
                self.work.charge(operand.entries().len() as u64)?;
                operand.reshaped(shape).ok_or(mismatch)
            }
            KernelExpr::Rearranged(operand, how) => self.rearranged(operand, *how),
            KernelExpr::ChannelSums { of, outputs } => self.channel_sums(of, *outputs),
            KernelExpr::OfStack(stack) => self.kernel_of_stack(stack),
            KernelExpr::Apply(stack, image) => self.applied(stack, image),
        }
    }

    /// What stands for itself: numbers, weights, scalars one by one.
    fn given(&mut self, expr: &'a KernelExpr) -> Result<Array4> {
        match expr {
            KernelExpr::Constant(kernel) => {
                let shape = readable(kernel)?;
                self.work.charge(kernel.integers().len() as u64)?;
                let entries = kernel.entries().enumerate().filter(|(_, entry)| !entry.is_zero());
                let entries = entries.map(|(place, entry)| (place, entry.into())).collect();
                Array4::of(&mut self.work, shape, entries)
            }
            KernelExpr::Free { first, shape } => {
                let count = shape.entries().and_then(|n| u32::try_from(n).ok());
                let end =
                    count.and_then(|count| first.0.checked_add(count)).ok_or(EvaluateError::Malformed)?;
                let shape = extents(*shape);
                let set = self.weights.between(*first, Symbol(end));
                let entries =
                    set.map(|(symbol, value)| ((symbol.0 - first.0) as usize, value.clone().into()));
                Array4::of(&mut self.work, shape, entries.collect())
            }
            KernelExpr::Array { shape, entries } => {
                let shape = extents(*shape);
                let values = entries.iter().map(|entry| self.scalar(entry)).collect::<Result<Vec<_>>>()?;
                self.work.keep(&values)?;
                Array4::new(shape, values).ok_or(EvaluateError::Malformed)
            }
            _ => Err(EvaluateError::Malformed),
        }
    }

    /// Rows and columns at other places.
    fn moved(&mut self, expr: &'a KernelExpr) -> Result<Array4> {
        match expr {
            KernelExpr::Dilate(operand, [n, m]) => {
                let (n, m) = (nonzero(*n)?, nonzero(*m)?);
                let longer = |length: usize, n| (length - 1).checked_mul(n)?.checked_add(1);
                let stretch = |[h, w]: [usize; 2]| Some([longer(h, n)?, longer(w, m)?]);
                self.rearrange(operand, stretch, |[i, j], _| std::iter::once([n * i, m * j]))
            }
            KernelExpr::Repeat(operand, [n, m]) => {
                let (n, m) = (nonzero(*n)?, nonzero(*m)?);
                let stretch = |[h, w]: [usize; 2]| Some([h.checked_mul(n)?, w.checked_mul(m)?]);
                self.rearrange(operand, stretch, |[i, j], _| {
                    (n * i..n * i + n)
                        .flat_map(move |row| (m * j..m * j + m).map(move |column| [row, column]))
                })
            }
            KernelExpr::Flip(operand) => {
                self.rearrange(operand, Some, |[i, j], [h, w]| std::iter::once([h - 1 - i, w - 1 - j]))
            }
            KernelExpr::Transpose(operand) => {
                self.rearrange(operand, |[h, w]| Some([w, h]), |[i, j], _| std::iter::once([j, i]))
            }
            KernelExpr::Pad(operand, [rows, columns]) => {
                let longer =
                    |length: usize, by: &Ends<usize>| length.checked_add(by.before)?.checked_add(by.after);
                let stretch = |[h, w]: [usize; 2]| Some([longer(h, rows)?, longer(w, columns)?]);
                self.rearrange(operand, stretch, |[i, j], _| {
                    std::iter::once([i + rows.before, j + columns.before])
                })
            }
            KernelExpr::Trim(operand, ends) => self.trim(operand, *ends),
            _ => Err(EvaluateError::Malformed),
        }
    }

    /// The image that a stack makes of an image.
    fn applied(&mut self, stack: &'a Stack, image: &'a KernelExpr) -> Result<Array4> {
        let image = self.kernel(image)?;
        let [channels, inputs, height, width] = image.shape();
        if inputs != 1 {
            return Err(EvaluateError::ChannelMismatch { expected: 1, found: inputs });
        }
        if image.len() > MAX_CELLS {
            return Err(EvaluateError::TooLarge);
        }
        let values = image.values();
        self.work.keep(&values)?;
        let image = Image::new(channels, height, width, values).ok_or(EvaluateError::TooLarge)?;
        let image = Rc::new(image);
        let output = self.stack(stack, &image)?;
        Rc::into_inner(image).into_iter().for_each(|image| self.discard(image));
        let [channels, height, width] = output.size();
        let values = output.values().to_vec();
        self.work.keep(&values)?;
        self.discard(output);
        Array4::new([channels, 1, height, width], values).ok_or(EvaluateError::TooLarge)
    }

    /// Channels at other places.
    fn rearranged(&mut self, operand: &'a KernelExpr, how: Rearrangement) -> Result<Array4> {
        let operand = self.kernel(operand)?;
        let [outputs, inputs, height, width] = operand.shape();
        let shape = extents(how.shape(Shape { outputs, inputs, height, width }));
        let per_group = |groups: usize| (outputs / groups.max(1)).max(1);
        let target = |[o, c, i, j]: [usize; 4]| match how {
            Rearrangement::SwapChannels => Some([c, o, i, j]),
            Rearrangement::Ungroup(groups) => Some([o, o / per_group(groups) * inputs + c, i, j]),
            Rearrangement::Outputs([from, to]) => (from..to).contains(&o).then(|| [o - from, c, i, j]),
            Rearrangement::Inputs([from, to]) => (from..to).contains(&c).then(|| [o, c - from, i, j]),
            Rearrangement::Part { from, step, count } => {
                let mut at = [o, c, i, j];
                for (axis, n) in at.iter_mut().enumerate() {
                    let beyond = n.checked_sub(from[axis])?;
                    if !beyond.is_multiple_of(step[axis]) || beyond / step[axis] >= count[axis] {
                        return None;
                    }
                    *n = beyond / step[axis];
                }
                Some(at)
            }
        };
        let entries = operand.entries().iter().filter_map(|(from, value)| {
            Some((place(shape, target(operand.position(*from))?), value.clone()))
        });
        Array4::of(&mut self.work, shape, entries.collect())
    }

    /// The sums of the entries of each output channel, or input channel.
    fn channel_sums(&mut self, of: &'a KernelExpr, outputs: bool) -> Result<Array4> {
        let operand = self.kernel(of)?;
        let mut sums = vec![Ball::ZERO; operand.shape()[usize::from(!outputs)]];
        for (place, value) in operand.entries() {
            let [o, c, _, _] = operand.position(*place);
            self.work.add(&mut sums[if outputs { o } else { c }], value)?;
        }
        self.work.keep(&sums)?;
        Array4::new([1, 1, 1, sums.len()], sums).ok_or(EvaluateError::TooLarge)
    }

    /// By a scalar, or entry by entry.
    fn divided(&mut self, dividend: &'a KernelExpr, divisor: &'a KernelExpr) -> Result<Array4> {
        let by = self.kernel(divisor)?;
        if by.entries().len() < by.len() {
            return Err(EvaluateError::DivisionByZero);
        }
        if let Some(by) = by.as_scalar() {
            return self.each(dividend, |work, value| work.divide(value, by));
        }
        let (left, right) = self.alike(dividend, divisor)?;
        self.each_of(&left, |work, place, value| work.divide(value, right.at(place)))
    }

    /// A column times a row.
    fn outer(&mut self, column: &'a KernelExpr, row: &'a KernelExpr) -> Result<Array4> {
        let (u, v) = (self.kernel(column)?, self.kernel(row)?);
        let mut entries = Vec::new();
        for (i, a) in u.entries() {
            for (j, b) in v.entries() {
                entries.push((i * v.len() + j, self.work.multiply(a, b)?));
            }
        }
        Array4::of(&mut self.work, [1, 1, u.len(), v.len()], entries)
    }

    /// Convolved with itself, so many times.
    fn power(&mut self, base: &'a KernelExpr, exponent: u32) -> Result<Array4> {
        let base = self.kernel(base)?;
        let channels = base.shape()[1];
        let ones = (0..channels).map(|channel| (channel * channels + channel, Ball::ONE));
        let one = Array4::of(&mut self.work, [channels, channels, 1, 1], ones.collect())?;
        (0..exponent).try_fold(one, |power, _| convolve(&mut self.work, &power, &base))
    }

    /// The number for each channel that a layer adds, 0 without one.
    pub(super) fn bias(&mut self, term: Option<&'a KernelTerm>, channels: usize) -> Result<Vec<Ball>> {
        Image::room([channels, 1, 1])?;
        let Some(term) = term else { return Ok(vec![Ball::ZERO; channels]) };
        let vector = self.kernel(term.expr())?;
        let entry = per_channel(&vector, channels)?;
        Ok((0..channels).map(|channel| entry(channel).clone()).collect())
    }

    /// The value of an expression with a single entry.
    pub(super) fn scalar(&mut self, expr: &'a KernelExpr) -> Result<Ball> {
        let array = self.kernel(expr)?;
        let mismatch = EvaluateError::ShapeMismatch { left: [1; 4], right: array.shape() };
        array.as_scalar().cloned().ok_or(mismatch)
    }

    /// Both values, of one shape.
    fn alike(&mut self, left: &'a KernelExpr, right: &'a KernelExpr) -> Result<(Rc<Array4>, Rc<Array4>)> {
        let (left, right) = (self.kernel(left)?, self.kernel(right)?);
        if left.shape() != right.shape() {
            return Err(EvaluateError::ShapeMismatch { left: left.shape(), right: right.shape() });
        }
        Ok((left, right))
    }

    /// A function of each entry that is 0 at 0.
    fn each(
        &mut self,
        operand: &'a KernelExpr,
        operation: impl Fn(&mut Work, &Ball) -> Result<Ball>,
    ) -> Result<Array4> {
        let operand = self.kernel(operand)?;
        self.each_of(&operand, |work, _, value| operation(work, value))
    }

    /// The same of the place, too.
    fn each_of(
        &mut self,
        operand: &Array4,
        operation: impl Fn(&mut Work, usize, &Ball) -> Result<Ball>,
    ) -> Result<Array4> {
        let mut entries = Vec::with_capacity(operand.entries().len());
        for (place, value) in operand.entries() {
            self.work.charge(1)?;
            entries.push((*place, operation(&mut self.work, *place, value)?));
        }
        Array4::of(&mut self.work, operand.shape(), entries)
    }

    /// `left + factor·right`.
    fn sum(&mut self, left: &'a KernelExpr, right: &'a KernelExpr, factor: &Ball) -> Result<Array4> {
        let (left, right) = self.alike(left, right)?;
        let mut others = right.entries().iter().peekable();
        let mut entries = Vec::with_capacity(left.entries().len().max(right.entries().len()));
        for (place, value) in left.entries() {
            while let Some((other, more)) = others.next_if(|(other, _)| other < place) {
                entries.push((*other, self.work.multiply(factor, more)?));
            }
            let mut sum = value.clone();
            if let Some((_, more)) = others.next_if(|(other, _)| other == place) {
                let more = self.work.multiply(factor, more)?;
                self.work.add(&mut sum, &more)?;
            }
            entries.push((*place, sum));
        }
        for (place, value) in others {
            entries.push((*place, self.work.multiply(factor, value)?));
        }
        Array4::of(&mut self.work, left.shape(), entries)
    }

    /// Moves the entries of each pair of channels: `targets` tells where in the new size the entry at a place of the old
    /// size goes.
    fn rearrange<T: Iterator<Item = [usize; 2]>>(
        &mut self,
        operand: &'a KernelExpr,
        size: impl Fn([usize; 2]) -> Option<[usize; 2]>,
        targets: impl Fn([usize; 2], [usize; 2]) -> T,
    ) -> Result<Array4> {
        let operand = self.kernel(operand)?;
        let [outputs, inputs, height, width] = operand.shape();
        let [new_height, new_width] = size([height, width]).ok_or(EvaluateError::TooLarge)?;
        let shape = [outputs, inputs, new_height, new_width];
        places(shape).ok_or(EvaluateError::TooLarge)?;
        let mut entries = Vec::with_capacity(operand.entries().len());
        for (from, value) in operand.entries() {
            let [o, c, i, j] = operand.position(*from);
            for [row, column] in targets([i, j], [height, width]) {
                self.work.charge(1)?;
                if entries.len() > MAX_CELLS {
                    return Err(EvaluateError::TooLarge);
                }
                entries.push((place(shape, [o, c, row, column]), value.clone()));
            }
        }
        Array4::of(&mut self.work, shape, entries)
    }

    fn trim(&mut self, operand: &'a KernelExpr, [rows, columns]: Axes<Ends<usize>>) -> Result<Array4> {
        let operand = self.kernel(operand)?;
        let [outputs, inputs, height, width] = operand.shape();
        let (top, left) = (rows.before, columns.before);
        let rest = |length: usize, cut: Ends<usize>| {
            length.checked_sub(cut.before)?.checked_sub(cut.after).filter(|&rest| rest > 0)
        };
        let new_height = rest(height, rows).ok_or(EvaluateError::Malformed)?;
        let new_width = rest(width, columns).ok_or(EvaluateError::Malformed)?;
        // Nothing but zeros is dropped.
        let kept = |from: usize| {
            let [_, _, i, j] = operand.position(from);
            (top..top + new_height).contains(&i) && (left..left + new_width).contains(&j)
        };
        if !operand.entries().iter().all(|(from, _)| kept(*from)) {
            return Err(EvaluateError::Malformed);
        }
        let shape = [outputs, inputs, new_height, new_width];
        let moved = |(from, value): &(usize, Ball)| {
            let [o, c, i, j] = operand.position(*from);
            (place(shape, [o, c, i - top, j - left]), value.clone())
        };
        let entries = operand.entries().iter().map(moved).collect();
        Array4::of(&mut self.work, shape, entries)
    }

    /// Each slice along an axis times its entry of a vector.
    fn scale(&mut self, operand: &'a KernelExpr, factors: &'a KernelExpr, axis: usize) -> Result<Array4> {
        let (operand, factors) = (self.kernel(operand)?, self.kernel(factors)?);
        let factors = per_channel(&factors, operand.shape()[axis])?;
        self.each_of(&operand, |work, place, value| {
            work.multiply(value, factors(operand.position(place)[axis]))
        })
    }
}

/// The shape of a kernel that is given, if it has few enough entries.
pub(super) fn readable(kernel: &ConcreteKernel) -> Result<[usize; 4]> {
    let few = kernel.integers().len() <= MAX_CELLS;
    if few { Ok(extents(kernel.shape())) } else { Err(EvaluateError::TooLarge) }
}

/// Entry `c` of a vector for channel `c`, or its only entry for all.
pub(super) fn per_channel<'v>(vector: &'v Array4, channels: usize) -> Result<impl Fn(usize) -> &'v Ball> {
    let found = vector.len();
    if found != 1 && found != channels {
        return Err(EvaluateError::ChannelMismatch { expected: channels, found });
    }
    Ok(move |channel| vector.at(if found == 1 { 0 } else { channel }))
}

/// Full convolution, first `left`, then `right`: in channels the matrix product `right · left`. A single
/// number scales.
fn convolve(work: &mut Work, left: &Array4, right: &Array4) -> Result<Array4> {
    for (factor, kernel) in [(left, right), (right, left)] {
        if let Some(factor) = factor.as_scalar() {
            let mut entries = Vec::with_capacity(kernel.entries().len());
            for (place, value) in kernel.entries() {
                entries.push((*place, work.multiply(factor, value)?));
            }
            return Array4::of(work, kernel.shape(), entries);
        }
    }
    let ([middle, inputs, h, w], [outputs, read, k, l]) = (left.shape(), right.shape());
    if middle != read {
        return Err(EvaluateError::ShapeMismatch { left: left.shape(), right: right.shape() });
    }
    let shape = [outputs, inputs, h + k - 1, w + l - 1];
    let row = places([1, inputs, h + k - 1, w + l - 1]).filter(|&row| row <= MAX_CELLS);
    let row = row.ok_or(EvaluateError::TooLarge)?;
    places(shape).ok_or(EvaluateError::TooLarge)?;
    work.charge(row as u64)?;
    work.room((row as u64).saturating_mul(size_of::<Option<Total>>() as u64) / UNIT as u64)?;
    let (mut sums, mut touched) = (Vec::new(), Vec::new());
    sums.resize_with(row, || None);
    let mut entries = Vec::new();
    for o in 0..outputs {
        for (place, next) in right.between(o * read * k * l, (o + 1) * read * k * l) {
            let [_, m, u, v] = right.position(*place);
            for (place, first) in left.between(m * inputs * h * w, (m + 1) * inputs * h * w) {
                let [_, c, i, j] = left.position(*place);
                let at = (c * (h + k - 1) + i + u) * (w + l - 1) + j + v;
                let sum = sums[at].get_or_insert_with(|| {
                    touched.push(at);
                    Total::new(&Ball::ZERO)
                });
                sum.add_product(work, first, next)?;
            }
        }
        touched.sort_unstable();
        for at in touched.drain(..) {
            if let Some(sum) = sums[at].take() {
                entries.push((o * row + at, sum.value(work)?));
            }
        }
        if entries.len() > MAX_CELLS {
            return Err(EvaluateError::TooLarge);
        }
    }
    Array4::of(work, shape, entries)
}

fn nonzero(factor: usize) -> Result<usize> {
    if factor == 0 { Err(EvaluateError::Malformed) } else { Ok(factor) }
}
