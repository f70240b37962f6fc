//! The single kernel of a stack: how often each cell counts in one output (`counts.rs`), or what it makes of unit impulses.
//!
//! A stack has a kernel `K` if away from borders each output is the same sum of the inputs around it:
//! `y[o, i] = b[o] + Σ K[o, c, u] · x[c, S·i + p + u]` per axis, for some stride `S` and offset `p`. The extent
//! of `K` is the receptive field that the sizes, strides and dilations of the layers give, whatever the
//! weights; of branches, the smallest box that holds all fields. Zeros at its border stay.
//!
//! The input is the smallest on which outputs exist whose receptive field touches no border of any layer. A
//! stack that spreads cells apart (`upsample`, `convtranspose`) may treat consecutive outputs differently;
//! then enough of them are compared, and the stack has a kernel only if all agree.

use super::array::BallArray as Array4;
use super::array::place;
use super::axis::{Axis, Tap};
use super::evaluator::Evaluator;
use super::image::BallImage as Image;
use super::{Ball, EvaluateError};
use crate::ir::{Layer, Op, Stack};
use std::rc::Rc;

type Result<T> = std::result::Result<T, EvaluateError>;

/// Inputs are tried up to this height and width.
const MAX_SIDE: usize = 1024;
/// Stacks that take any number of channels are given the fewest, from 1 up to this.
const MAX_CHANNELS: usize = 4096;

/// The cells along one axis that an output depends on: first and last.
type CellRange = (usize, usize);

/// Entries of a kernel by their places in storage order.
type Entries = Vec<(usize, Ball)>;

/// Some consecutive outputs along one axis, and what each reads.
struct Probe {
    /// Length of the input.
    length: usize,
    /// The first of the outputs.
    first: usize,
    /// The field of each; all of one extent.
    fields: Vec<CellRange>,
}

impl Probe {
    fn extent(&self) -> usize {
        self.fields.first().map_or(0, |(low, high)| high - low + 1)
    }

    /// All cells in any of the fields.
    fn cells(&self) -> impl Iterator<Item = usize> + use<> {
        let low = self.fields.iter().map(|field| field.0).min().unwrap_or(1);
        let high = self.fields.iter().map(|field| field.1).max().unwrap_or(0);
        low..=high
    }

    /// The outputs that read a cell: how many after the first, and where in their field it lies.
    fn readers(&self, cell: usize) -> impl Iterator<Item = (usize, usize)> {
        let reads = move |&(_, (low, high)): &(usize, CellRange)| (low..=high).contains(&cell);
        self.fields.iter().copied().enumerate().filter(reads).map(move |(n, (low, _))| (n, cell - low))
    }
}

impl<'a> Evaluator<'a> {
    pub(super) fn kernel_of_stack(&mut self, stack: &'a Stack) -> Result<Array4> {
        let (inputs, outputs) = self.channels(stack)?;
        let (rows, columns) = (self.probe(stack, 0)?, self.probe(stack, 1)?);
        let size = [inputs, rows.length, columns.length];
        let shape = [outputs, inputs, rows.extent(), columns.extent()];
        let entries = match self.read_back(stack, size, shape, [&rows, &columns])? {
            Some(entries) => entries,
            None => self.responses(stack, size, shape, [&rows, &columns])?,
        };
        let mut kernels = Vec::new();
        for entries in entries {
            kernels.push(Array4::of(&mut self.work, shape, entries)?);
        }
        let kernel = kernels.pop().ok_or(EvaluateError::NoKernel)?;
        if kernels.iter().all(|other| *other == kernel) { Ok(kernel) } else { Err(EvaluateError::NoKernel) }
    }

    /// The entries of the kernel at each phase, from the outputs back; `None` if a layer is not read so.
    fn read_back(
        &mut self,
        stack: &'a Stack,
        size: [usize; 3],
        shape: [usize; 4],
        [rows, columns]: [&Probe; 2],
    ) -> Result<Option<Vec<Entries>>> {
        let Some(steps) = self.steps(stack, size)? else { return Ok(None) };
        let mut all = Vec::new();
        for (n, (top, bottom)) in rows.fields.iter().enumerate() {
            for (m, (left, right)) in columns.fields.iter().enumerate() {
                let mut entries = Vec::new();
                for o in 0..shape[0] {
                    let output = [o, rows.first + n, columns.first + m];
                    let Some(counts) = self.counts(stack, &steps, output)? else { return Ok(None) };
                    for ([c, row, column], count) in counts {
                        if !(top..=bottom).contains(&&row) || !(left..=right).contains(&&column) {
                            return Err(EvaluateError::NoKernel);
                        }
                        entries.push((place(shape, [o, c, row - top, column - left]), count));
                    }
                }
                all.push(entries);
            }
        }
        Ok(Some(all))
    }

    /// The same from what the stack makes of impulses, one cell after the other.
    fn responses(
        &mut self,
        stack: &'a Stack,
        size: [usize; 3],
        shape: [usize; 4],
        [rows, columns]: [&Probe; 2],
    ) -> Result<Vec<Entries>> {
        let silence = Image::build(&mut self.work, size, |_, _| Ok(Ball::ZERO))?;
        let silent = self.stack(stack, &Rc::new(silence))?;
        let phases = rows.fields.len() * columns.fields.len();
        let mut entries: Vec<Entries> = vec![Vec::new(); phases];
        for c in 0..size[0] {
            for row in rows.cells() {
                for column in columns.cells() {
                    let impulse = Image::build(&mut self.work, size, |_, at| {
                        Ok(if at == [c, row, column] { Ball::ONE } else { Ball::ZERO })
                    })?;
                    let impulse = Rc::new(impulse);
                    let answer = self.stack(stack, &impulse)?;
                    Rc::into_inner(impulse).into_iter().for_each(|impulse| self.discard(impulse));
                    for (n, u) in rows.readers(row) {
                        for (m, v) in columns.readers(column) {
                            for o in 0..shape[0] {
                                let (i, j) = (rows.first + n, columns.first + m);
                                let mut response = -silent.at(o, i, j);
                                self.work.add(&mut response, answer.at(o, i, j))?;
                                if !response.is_zero() {
                                    entries[n * columns.fields.len() + m]
                                        .push((place(shape, [o, c, u, v]), response));
                                }
                            }
                        }
                    }
                    self.discard(answer);
                }
            }
        }
        Ok(entries)
    }

    /// The fewest channels that a stack takes, and how many it makes of them.
    fn channels(&mut self, stack: &'a Stack) -> Result<(usize, usize)> {
        for inputs in 1..=MAX_CHANNELS {
            match self.channels_through(stack, inputs) {
                Ok(outputs) => return Ok((inputs, outputs)),
                Err(EvaluateError::ChannelMismatch { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(EvaluateError::NoKernel)
    }

    fn channels_through(&mut self, stack: &'a Stack, inputs: usize) -> Result<usize> {
        let mismatch = |expected, found| EvaluateError::ChannelMismatch { expected, found };
        let same = |a, b| if a == b { Ok(a) } else { Err(mismatch(a, b)) };
        stack.fold(inputs, |op, _| {
            self.work.charge(1)?;
            let joined = matches!(op, Op::Concat(_));
            if let Op::Broadcast([single, _]) = op {
                return Ok(single.of);
            }
            match op.branches() {
                Err((layer, inputs)) => self.channels_after(layer, inputs),
                Ok(branches) if joined => branches
                    .map(|branch| branch.of)
                    .reduce(|total, more: usize| total.checked_add(more).ok_or(EvaluateError::TooLarge)),
                Ok(branches) => branches.map(|branch| branch.of).reduce(same),
            }
        })
    }

    /// Outputs in the interior along one axis: one, or one more than the spreading layers can tell apart.
    fn probe(&mut self, stack: &'a Stack, axis: usize) -> Result<Probe> {
        let phases = match spreading(stack, axis) {
            Some(1) => 1,
            Some(more) => more + 1,
            None => return Err(EvaluateError::TooLarge),
        };
        for length in 1..=MAX_SIDE {
            let outputs = match self.length_after(stack, axis, length) {
                Ok(outputs) => outputs,
                Err(error) if error.is_no_output() => continue,
                Err(error) => return Err(error),
            };
            let Some(spare) = outputs.checked_sub(phases) else { continue };
            let first = spare / 2;
            let mut fields = Vec::new();
            for output in first..first + phases {
                match self.reads(stack, axis, length, Reads::Cells(output, output))? {
                    Reads::Cells(low, high) => fields.push((low, high)),
                    Reads::Border | Reads::Nothing => break,
                }
            }
            if fields.len() < phases {
                continue;
            }
            let regular =
                |pair: &[CellRange]| (pair[1].0.checked_sub(pair[0].0), pair[1].1.checked_sub(pair[0].1));
            let steps: Vec<_> = fields.windows(2).map(regular).collect();
            if steps.iter().any(|&(low, high)| low.is_none() || low != high || (low, high) != steps[0]) {
                return Err(EvaluateError::NoKernel);
            }
            return Ok(Probe { length, first, fields });
        }
        Err(EvaluateError::NoKernel)
    }

    /// The length along one axis of what a stack makes of an image.
    fn length_after(&mut self, stack: &'a Stack, axis: usize, length: usize) -> Result<usize> {
        self.lengths(stack, axis, length, |_| {})
    }

    /// The same; what layers read along it is told in order, nothing for what joins others.
    fn lengths(
        &mut self,
        stack: &'a Stack,
        axis: usize,
        length: usize,
        mut tell: impl FnMut(Option<Axis>),
    ) -> Result<usize> {
        stack.fold(length, |op, _| {
            self.work.charge(1)?;
            if matches!(op, Op::Broadcast(_)) {
                return Err(EvaluateError::NoKernel);
            }
            match op.branches() {
                Err((layer, length)) => {
                    let along = self.axis(layer, axis, length)?;
                    let outputs = along.outputs;
                    tell(Some(along));
                    Ok(outputs)
                }
                Ok(branches) => {
                    tell(None);
                    let mismatch = |a, b| EvaluateError::SizeMismatch { left: [1, 1, a], right: [1, 1, b] };
                    let same = |a, b| if a == b { Ok(a) } else { Err(mismatch(a, b)) };
                    branches.map(|branch| branch.of).reduce(same)
                }
            }
        })
    }

    /// What these outputs along one axis depend on, for an input of this length.
    fn reads(&mut self, stack: &'a Stack, axis: usize, length: usize, outputs: Reads) -> Result<Reads> {
        let mut axes = Vec::new();
        self.lengths(stack, axis, length, |along| axes.push(along))?;
        let graph = stack.graph();
        let mut all = vec![Reads::Nothing; graph.readers().len()];
        all[stack.output().of.index()] = outputs;
        for ((id, value), along) in graph.values().zip(axes).rev() {
            let wanted = match along {
                Some(along) => self.layer_reads(&along, all[id.index()])?,
                None => all[id.index()],
            };
            for read in value.reads() {
                all[read.index()] = all[read.index()].or(wanted);
            }
        }
        Ok(all[0])
    }

    fn layer_reads(&mut self, layer: &Axis, outputs: Reads) -> Result<Reads> {
        let Reads::Cells(low, high) = outputs else { return Ok(outputs) };
        let read = |output, tap| match layer.tap(output, tap) {
            Tap::Cell(cell) => Reads::Cells(cell, cell),
            Tap::Outside => Reads::Border,
            Tap::Gap => Reads::Nothing,
        };
        if !layer.spreads() {
            return Ok(read(low, 0).or(read(high, layer.taps - 1)));
        }
        let mut reads = Reads::Nothing;
        for output in low..=high {
            self.work.charge(layer.taps as u64)?;
            reads = (0..layer.taps).fold(reads, |reads, tap| reads.or(read(output, tap)));
        }
        Ok(reads)
    }

    /// One axis of a layer on a square image.
    fn axis(&mut self, layer: &'a Layer, axis: usize, length: usize) -> Result<Axis> {
        let [rows, columns] = self.axes(layer, [length; 2])?.ok_or(EvaluateError::NoKernel)?;
        Ok(if axis == 0 { rows } else { columns })
    }
}

/// What some outputs depend on along one axis.
#[derive(Clone, Copy)]
enum Reads {
    Nothing,
    Cells(usize, usize),
    Border,
}

impl Reads {
    /// What one of both depends on, without gaps.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Border, _) | (_, Self::Border) => Self::Border,
            (Self::Nothing, reads) | (reads, Self::Nothing) => reads,
            (Self::Cells(a, b), Self::Cells(c, d)) => Self::Cells(a.min(c), b.max(d)),
        }
    }
}

/// The product of all factors by which layers spread cells apart; the pattern of outputs repeats after that
/// many at most. `None` if it is too large.
fn spreading(stack: &Stack, axis: usize) -> Option<usize> {
    let factor = |layer: &Layer| match layer {
        Layer::ConvTranspose(conv) => conv.stride[axis],
        Layer::Upsample(upsample) => upsample.factor[axis],
        Layer::DepthToSpace(n) => *n,
        _ => 1,
    };
    let most = |all: &usize| *all < MAX_SIDE;
    stack.layers().try_fold(1, |all: usize, layer| all.checked_mul(factor(layer)).filter(most))
}
