//! How often each cell of the input counts in one output of a linear stack, from the output back, layer by layer.
//!
//! Straight from the definitions in `layer.rs`, read the other way around: an output that counts `a` times counts each cell
//! that it reads `a` times its weight. Zeros cost nothing. A stack with a layer that is not read here is left to
//! `impulse.rs`, which feeds it one cell after the other.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::array::BallArray as Array4;
use super::axis::Axis;
use super::evaluator::Evaluator;
use super::kernel::per_channel;
use super::layer::divisor;
use super::{Ball, EvaluateError};
use crate::ir::{Conv, ConvTranspose, Layer, Op, Stack, Upsample};

type Result<T> = std::result::Result<T, EvaluateError>;

/// How often cells `[channel, row, column]` count.
pub(super) type Counts = BTreeMap<[usize; 3], Ball>;

/// The memory that an entry of [`Counts`] takes, in units.
const ENTRY: u64 = 4;

/// What the outputs of a value come from.
pub(super) enum Step {
    /// A layer of so many output channels reads so along both axes.
    Layer([Axis; 2], usize),
    /// Parts of so many channels are added or joined.
    Parts(Vec<usize>),
}

impl<'a> Evaluator<'a> {
    /// How often each cell of an input counts in one output, for the steps of the stack; `None` if a layer is not read here.
    pub(super) fn counts(
        &mut self,
        stack: &'a Stack,
        steps: &[Step],
        output: [usize; 3],
    ) -> Result<Option<Counts>> {
        let graph = stack.graph();
        let mut all = vec![Counts::new(); graph.readers().len()];
        all[stack.output().of.index()].insert(output, Ball::ONE);
        for ((id, value), step) in graph.values().zip(steps).rev() {
            let mut counts = std::mem::take(&mut all[id.index()]);
            counts.retain(|_, count| !count.is_zero());
            match (&value.op, step) {
                (Op::Layer(layer, of), Step::Layer(axes, channels)) => {
                    if !self.through(layer, (axes, *channels), &counts, &mut all[of.index()])? {
                        return Ok(None);
                    }
                }
                (Op::Sum(terms), _) => {
                    for (factor, branch) in terms.iter() {
                        let factor = self.scalar(factor.expr())?;
                        for (&at, count) in &counts {
                            self.count(&mut all[branch.of.index()], at, count, &factor)?;
                        }
                    }
                }
                (Op::Concat(parts), Step::Parts(channels)) => {
                    let mut first = 0;
                    for (part, own) in parts.iter().zip(channels) {
                        for (&[c, i, j], count) in counts.range([first, 0, 0]..[first + own, 0, 0]) {
                            let into = &mut all[part.of.index()];
                            self.count(into, [c - first, i, j], count, &Ball::ONE)?;
                        }
                        first += own;
                    }
                }
                _ => return Ok(None),
            }
        }
        Ok(Some(all.swap_remove(0)))
    }

    /// How each value of a stack reads what it is made of, for an input of a size; `None` if a layer is not read here.
    pub(super) fn steps(&mut self, stack: &'a Stack, size: [usize; 3]) -> Result<Option<Vec<Step>>> {
        let mut steps = Vec::new();
        let folded = stack.fold(size, |op, _| match op {
            Op::Layer(layer, [channels, height, width]) => {
                let axes = self.axes(layer, [height, width]).map_err(Some)?.ok_or(None)?;
                let channels = self.channels_after(layer, channels).map_err(Some)?;
                let size = [channels, axes[0].outputs, axes[1].outputs];
                steps.push(Step::Layer(axes, channels));
                Ok(size)
            }
            Op::Sum(terms) => {
                let sizes: Vec<[usize; 3]> = terms.iter().map(|(_, branch)| branch.of).collect();
                steps.push(Step::Parts(sizes.iter().map(|size| size[0]).collect()));
                Ok(sizes[0])
            }
            Op::Concat(parts) => {
                let channels: Vec<usize> = parts.iter().map(|part| part.of[0]).collect();
                let [_, height, width] = parts.iter().next().ok_or(None)?.of;
                let all = channels.iter().try_fold(0, |all: usize, own| all.checked_add(*own));
                steps.push(Step::Parts(channels));
                Ok([all.ok_or(Some(EvaluateError::TooLarge))?, height, width])
            }
            Op::Product(_) | Op::Broadcast(_) => Err(None),
        });
        match folded {
            Ok(_) => Ok(Some(steps)),
            Err(None) => Ok(None),
            Err(Some(error)) => Err(error),
        }
    }

    /// What counts of a layer's outputs make its input count; `false` if the layer is not read here.
    fn through(
        &mut self,
        layer: &'a Layer,
        ([rows, columns], channels): (&[Axis; 2], usize),
        counts: &Counts,
        into: &mut Counts,
    ) -> Result<bool> {
        if let Layer::Conv(conv) = layer {
            let kernel = self.kernel(conv.kernel.expr())?;
            return self.through_conv(conv, &kernel, [rows, columns], counts, into);
        }
        if let Layer::ConvTranspose(conv) = layer {
            let kernel = self.kernel(conv.kernel.expr())?;
            return self.through_transposed(conv, &kernel, [rows, columns], counts, into);
        }
        let factors =
            if let Layer::Scale(factors) = layer { Some(self.kernel(factors.expr())?) } else { None };
        let factor = factors.as_ref().map(|factors| per_channel(factors, channels)).transpose()?;
        let one = Ball::ONE;
        for (&[c, i, j], count) in counts {
            let (cell, weight) = match layer {
                Layer::Pool(pool) => {
                    let windows = [rows.window(i), columns.window(j)];
                    let weight = match divisor(pool, &windows)? {
                        Some(divisor) => self.work.divide(&one, &divisor)?,
                        None => Ball::ONE,
                    };
                    let [(down, _), (across, _)] = windows;
                    for (row, column) in down.flat_map(|row| across.clone().map(move |column| (row, column)))
                    {
                        self.count(into, [c, row, column], count, &weight)?;
                    }
                    continue;
                }
                Layer::Subsample(_) | Layer::Pad(_) => match (rows.cell(i, 0), columns.cell(j, 0)) {
                    (Some(row), Some(column)) => ([c, row, column], &one),
                    _ => continue,
                },
                Layer::Scale(_) => ([c, i, j], factor.as_ref().map_or(&one, |factor| factor(c))),
                Layer::Bias(_) => ([c, i, j], &one),
                Layer::Select { from, .. } => ([from + c, i, j], &one),
                Layer::SpaceToDepth(n) => {
                    let (channel, phase) = (c / (n * n), c % (n * n));
                    ([channel, n * i + phase / n, n * j + phase % n], &one)
                }
                Layer::DepthToSpace(n) => ([c * n * n + (i % n) * n + j % n, i / n, j / n], &one),
                Layer::Upsample(Upsample { factor: [n, m], nearest }) => {
                    if !nearest && (i % n != 0 || j % m != 0) {
                        continue;
                    }
                    ([c, i / n, j / m], &one)
                }
                _ => return Ok(false),
            };
            self.count(into, cell, count, weight)?;
        }
        Ok(true)
    }

    fn through_conv(
        &mut self,
        conv: &Conv,
        kernel: &Array4,
        [rows, columns]: [&Axis; 2],
        counts: &Counts,
        into: &mut Counts,
    ) -> Result<bool> {
        let [outputs, per_group, height, width] = kernel.shape();
        let size = per_group * height * width;
        for (&[o, i, j], count) in counts {
            let first = o / (outputs / conv.groups) * per_group;
            for (place, weight) in kernel.between(o * size, (o + 1) * size) {
                let [_, c, u, v] = kernel.position(*place);
                if let (Some(row), Some(column)) = (rows.cell(i, u), columns.cell(j, v)) {
                    self.count(into, [first + c, row, column], count, weight)?;
                }
            }
        }
        Ok(true)
    }

    fn through_transposed(
        &mut self,
        conv: &ConvTranspose,
        kernel: &Array4,
        [rows, columns]: [&Axis; 2],
        counts: &Counts,
        into: &mut Counts,
    ) -> Result<bool> {
        let [inputs, per_group, height, width] = kernel.shape();
        let group = inputs / conv.groups;
        for (&[o, i, j], count) in counts {
            let (first, own) = (o / per_group * group, o % per_group);
            self.work.charge(group as u64)?;
            for c in first..first + group {
                let start = (c * per_group + own) * height * width;
                for (place, weight) in kernel.between(start, start + height * width) {
                    let [_, _, u, v] = kernel.position(*place);
                    if let (Some(row), Some(column)) = (rows.cell(i, u), columns.cell(j, v)) {
                        self.count(into, [c, row, column], count, weight)?;
                    }
                }
            }
        }
        Ok(true)
    }

    /// A cell counts so often more, times a weight.
    fn count(&mut self, into: &mut Counts, at: [usize; 3], count: &Ball, weight: &Ball) -> Result<()> {
        let more = self.work.multiply(count, weight)?;
        self.work.room(into.len() as u64 * ENTRY)?;
        match into.entry(at) {
            Entry::Vacant(place) => {
                place.insert(more);
                Ok(())
            }
            Entry::Occupied(mut place) => self.work.add(place.get_mut(), &more),
        }
    }
}
