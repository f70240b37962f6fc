//! Convolutions and transposed ones, from their definitions.

use std::borrow::Cow;
use std::rc::Rc;

use smallvec::SmallVec;

use super::array::BallArray as Array4;
use super::array::extents;
use super::axis::Axis;
use super::evaluator::Evaluator;
use super::image::BallImage as Image;
use super::kernel::readable;
use super::total::Total;
use super::work::{UNIT, Work};
use super::{Ball, EvaluateError};
use crate::ir::{Conv, ConvTranspose, KernelExpr};
use crate::kernel::ConcreteKernel;
use convproof_exact::Rational;

type Result<T> = std::result::Result<T, EvaluateError>;

/// The taps of an output that stand on cells, and those cells.
type Cells = SmallVec<[(usize, usize); 8]>;

/// The kernel of a convolution.
pub(super) enum Taps<'k> {
    /// Numbers that are given, of which only those that are read are made.
    Given(&'k ConcreteKernel),
    /// What was computed.
    Computed(Rc<Array4>),
}

impl Taps<'_> {
    /// `[out, in, height, width]`.
    pub(super) fn shape(&self) -> [usize; 4] {
        match self {
            Self::Given(kernel) => extents(kernel.shape()),
            Self::Computed(array) => array.shape(),
        }
    }

    /// The rows and the columns that hold more than zeros, as far as that is known.
    fn live(&self) -> [Vec<bool>; 2] {
        let [_, _, height, width] = self.shape();
        match self {
            Self::Given(_) => [vec![true; height], vec![true; width]],
            Self::Computed(array) => live([height, width], array.entries().iter().map(|(place, _)| *place)),
        }
    }

    /// What [`Taps::planes`] are to be divided by.
    fn denominator(&self) -> Ball {
        match self {
            Self::Given(kernel) => Rational::from(kernel.denominator().clone()).into(),
            Self::Computed(_) => Ball::ONE,
        }
    }

    /// Adds the entries of pairs of channels at the places that are read, times the denominator.
    fn planes<'s>(
        &'s self,
        pairs: impl Iterator<Item = [usize; 2]>,
        places: &Places,
        into: &mut Vec<Cow<'s, Ball>>,
    ) {
        match self {
            Self::Given(kernel) => {
                let ([_, inputs, height, width], integers) = (self.shape(), kernel.integers());
                for [output, input] in pairs {
                    let plane = (output * inputs + input) * (height * width);
                    for tap in &places.read {
                        into.push(Cow::Owned(integers.rational(plane + tap).into()));
                    }
                }
            }
            Self::Computed(array) => {
                for [output, input] in pairs {
                    let start = into.len();
                    into.resize(start + places.read.len(), Cow::Owned(Ball::ZERO));
                    for (at, entry) in array.plane(output, input) {
                        if let Some(number) = places.numbers[at] {
                            into[start + number] = Cow::Borrowed(entry);
                        }
                    }
                }
            }
        }
    }
}

/// The taps of a kernel that some output reads.
struct Places {
    /// Their indices among all taps, row by row.
    read: Vec<usize>,
    /// For each tap its number among them.
    numbers: Vec<Option<usize>>,
}

impl Places {
    fn of(lines: &[Vec<Cells>; 2], [height, width]: [usize; 2]) -> Self {
        let mut used = [vec![false; height], vec![false; width]];
        for (used, lines) in used.iter_mut().zip(lines) {
            lines.iter().flatten().for_each(|&(tap, _)| used[tap] = true);
        }
        let mut places = Self { read: Vec::new(), numbers: vec![None; height * width] };
        for u in (0..height).filter(|u| used[0][*u]) {
            for v in (0..width).filter(|v| used[1][*v]) {
                places.numbers[u * width + v] = Some(places.read.len());
                places.read.push(u * width + v);
            }
        }
        places
    }
}

/// What a convolution reads.
struct Reading<'s> {
    taps: &'s Taps<'s>,
    denominator: Ball,
    /// For each output along both axes the taps that stand on cells, and those cells.
    lines: [Vec<Cells>; 2],
    image: &'s Image,
    /// The output channel of the planes.
    output: Option<usize>,
    /// The input channels that it reads, and its planes one after the other.
    inputs: Vec<usize>,
    planes: Vec<Cow<'s, Ball>>,
    places: Places,
}

impl<'s> Reading<'s> {
    fn new(taps: &'s Taps<'s>, lines: [Vec<Cells>; 2], image: &'s Image) -> Self {
        let [_, _, height, width] = taps.shape();
        let places = Places::of(&lines, [height, width]);
        let (denominator, inputs, planes) = (taps.denominator(), Vec::new(), Vec::new());
        Self { taps, denominator, lines, image, output: None, inputs, planes, places }
    }

    /// A number plus what an output reads of these input channels, whose planes are between the channels that `pair` tells.
    #[inline]
    fn add(
        &mut self,
        work: &mut Work,
        first: &Ball,
        at: [usize; 3],
        inputs: impl Iterator<Item = usize>,
        pair: impl Fn(usize) -> [usize; 2],
    ) -> Result<Ball> {
        let reads = !self.lines[0][at[1]].is_empty() && !self.lines[1][at[2]].is_empty();
        if !reads {
            return Ok(first.clone());
        }
        let mut sum = self.sum(work, at, inputs, pair)?;
        work.add(&mut sum, first)?;
        Ok(sum)
    }

    /// What an output reads, if that is anything.
    fn sum(
        &mut self,
        work: &mut Work,
        [o, i, j]: [usize; 3],
        inputs: impl Iterator<Item = usize>,
        pair: impl Fn(usize) -> [usize; 2],
    ) -> Result<Ball> {
        let (rows, columns) = (&self.lines[0][i][..], &self.lines[1][j][..]);
        let count = self.places.read.len();
        if self.output != Some(o) {
            self.output = Some(o);
            self.inputs.clear();
            self.inputs.extend(inputs);
            self.planes.clear();
            let entries = (self.inputs.len() as u64).saturating_mul(count as u64);
            work.charge(entries)?;
            work.room(entries.saturating_mul(size_of::<Cow<'s, Ball>>() as u64) / UNIT as u64)?;
            self.planes.reserve(self.inputs.len() * count);
            self.taps.planes(self.inputs.iter().map(|&input| pair(input)), &self.places, &mut self.planes);
        }
        work.charge((rows.len() * columns.len()) as u64 * self.inputs.len() as u64)?;
        let (kernel_width, [_, height, width]) = (self.taps.shape()[3], self.image.size());
        let (numbers, planes, values) = (&self.places.numbers[..], &self.planes[..], self.image.values());
        let mut total = Total::new(&Ball::ZERO);
        for &(u, row) in rows {
            for &(v, column) in columns {
                let Some(tap) = numbers[u * kernel_width + v] else { return Err(EvaluateError::Malformed) };
                let cell = row * width + column;
                for (plane, &c) in self.inputs.iter().enumerate() {
                    total.add_product(
                        work,
                        &planes[plane * count + tap],
                        &values[c * height * width + cell],
                    )?;
                }
            }
        }
        let total = total.value(work)?;
        if self.denominator == Ball::ONE { Ok(total) } else { work.divide(&total, &self.denominator) }
    }
}

impl<'a> Evaluator<'a> {
    /// The kernel of a convolution.
    pub(super) fn taps(&mut self, expr: &'a KernelExpr) -> Result<Taps<'a>> {
        match expr {
            KernelExpr::Constant(kernel) => readable(kernel).map(|_| Taps::Given(kernel)),
            expr => self.kernel(expr).map(Taps::Computed),
        }
    }

    pub(super) fn conv(
        &mut self,
        conv: &'a Conv,
        size: [usize; 3],
        axes: [&Axis; 2],
        x: &Image,
    ) -> Result<Image> {
        let taps = self.taps(conv.kernel.expr())?;
        let [outputs, per_group, _, _] = taps.shape();
        // Channels of zeros add nothing.
        let area = (x.height() * x.width()).max(1);
        let lit: Vec<bool> =
            x.values().chunks(area).map(|channel| channel.iter().any(|value| !value.is_zero())).collect();
        let mut reading = Reading::new(&taps, self.lines(axes, &taps, x)?, x);
        let bias = self.bias(conv.bias.as_ref(), size[0])?;
        Image::build(&mut self.work, size, |work, at| {
            let first = at[0] / (outputs / conv.groups) * per_group;
            let read = (first..first + per_group).filter(|&c| lit.get(c) == Some(&true));
            reading.add(work, &bias[at[0]], at, read, |c| [at[0], c - first])
        })
    }

    pub(super) fn conv_transpose(
        &mut self,
        conv: &'a ConvTranspose,
        size: [usize; 3],
        axes: [&Axis; 2],
        x: &Image,
    ) -> Result<Image> {
        let taps = self.taps(conv.kernel.expr())?;
        let [inputs, per_group, _, _] = taps.shape();
        let group_inputs = inputs / conv.groups;
        let mut reading = Reading::new(&taps, self.lines(axes, &taps, x)?, x);
        let bias = self.bias(conv.bias.as_ref(), size[0])?;
        Image::build(&mut self.work, size, |work, at| {
            let first = at[0] / per_group * group_inputs;
            let read = first..first + group_inputs;
            reading.add(work, &bias[at[0]], at, read, |c| [c, at[0] % per_group])
        })
    }

    /// For each output along both axes the taps that stand on cells, and those cells. Lines of the kernel or of
    /// the image that hold only zeros are left out.
    fn lines(&mut self, axes: [&Axis; 2], taps: &Taps<'_>, x: &Image) -> Result<[Vec<Cells>; 2]> {
        let taps = taps.live();
        let lit = x.values().iter().enumerate().filter(|(_, value)| !value.is_zero());
        let cells = live([x.height(), x.width()], lit.map(|(place, _)| place));
        let taken = (axes[0].outputs + axes[1].outputs).saturating_mul(size_of::<Cells>());
        self.work.room((taken / UNIT) as u64)?;
        let mut lines = |axis: usize| {
            let holds = |&(tap, cell): &(usize, usize)| taps[axis][tap] && cells[axis][cell];
            // Before anything is allocated: there may be as many outputs as numbers have room for.
            self.work.charge((axes[axis].outputs as u64).saturating_mul(axes[axis].taps as u64))?;
            let mut lines: Vec<Cells> = Vec::new();
            let mut kept = 0;
            for output in 0..axes[axis].outputs {
                let line: Cells = axes[axis].cells(output).filter(holds).collect();
                kept += line.len() as u64;
                self.work.room(kept)?;
                lines.push(line);
            }
            Ok(lines)
        };
        Ok([lines(0)?, lines(1)?])
    }
}

/// The rows and the columns of planes of some height and width in which any plane has a number other than 0.
fn live([height, width]: [usize; 2], places: impl Iterator<Item = usize>) -> [Vec<bool>; 2] {
    let mut live = [vec![false; height], vec![false; width]];
    for place in places {
        live[0][place / width % height] = true;
        live[1][place % width] = true;
    }
    live
}
