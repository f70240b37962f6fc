//! Convolutions and transposed ones, from their definitions.

use std::borrow::Cow;
use std::rc::Rc;

use smallvec::SmallVec;

use super::array::places;
use super::axis::Axis;
use super::evaluator::Evaluator;
use super::kernel::per_channel;
use super::total::Total;
use super::work::Work;
use super::{Array4, EvaluateError, Image, MAX_CELLS};
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
            Self::Given(kernel) => shape(kernel),
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

    /// Adds the entries of one pair of channels at the places that are read.
    fn plane<'s>(&'s self, [output, input]: [usize; 2], places: &Places, into: &mut Vec<Cow<'s, Rational>>) {
        match self {
            Self::Given(kernel) => {
                let entry = |&[u, v]: &[usize; 2]| Cow::Owned(kernel.entry(output, input, u, v));
                into.extend(places.read.iter().map(entry));
            }
            Self::Computed(array) => {
                let start = into.len();
                into.resize(start + places.read.len(), Cow::Owned(Rational::ZERO));
                for (at, entry) in array.plane(output, input) {
                    if let Some(number) = places.numbers[at] {
                        into[start + number] = Cow::Borrowed(entry);
                    }
                }
            }
        }
    }
}

/// The taps of a kernel that some output reads.
struct Places {
    /// Row and column of each.
    read: Vec<[usize; 2]>,
    /// For each tap, row by row, its number among them.
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
                places.read.push([u, v]);
            }
        }
        places
    }
}

fn shape(kernel: &ConcreteKernel) -> [usize; 4] {
    let shape = kernel.shape();
    [shape.outputs, shape.inputs, shape.height, shape.width]
}

/// What a convolution reads.
struct Reading<'s> {
    taps: &'s Taps<'s>,
    /// For each output along both axes the taps that stand on cells, and those cells.
    lines: [Vec<Cells>; 2],
    image: &'s Image,
    /// The output channel of the planes.
    output: Option<usize>,
    /// The input channels that it reads, and its planes one after the other.
    inputs: Vec<usize>,
    planes: Vec<Cow<'s, Rational>>,
    places: Places,
}

impl<'s> Reading<'s> {
    fn new(taps: &'s Taps<'s>, lines: [Vec<Cells>; 2], image: &'s Image) -> Self {
        let [_, _, height, width] = taps.shape();
        let places = Places::of(&lines, [height, width]);
        Self { taps, lines, image, output: None, inputs: Vec::new(), planes: Vec::new(), places }
    }

    /// A number plus what an output reads of these input channels, whose planes are between the channels that `pair` tells.
    fn add(
        &mut self,
        work: &mut Work,
        first: Rational,
        [o, i, j]: [usize; 3],
        inputs: impl Iterator<Item = usize>,
        pair: impl Fn(usize) -> [usize; 2],
    ) -> Result<Rational> {
        let (rows, columns) = (&self.lines[0][i][..], &self.lines[1][j][..]);
        if rows.is_empty() || columns.is_empty() {
            return Ok(first);
        }
        if self.output != Some(o) {
            self.output = Some(o);
            self.inputs.clear();
            self.inputs.extend(inputs);
            self.planes.clear();
            work.charge((self.inputs.len() as u64).saturating_mul(self.places.read.len() as u64))?;
            for &input in &self.inputs {
                self.taps.plane(pair(input), &self.places, &mut self.planes);
            }
        }
        let width = self.taps.shape()[3];
        let mut total = Total::new(first);
        for (&c, plane) in self.inputs.iter().zip(self.planes.chunks(self.places.read.len())) {
            work.charge(rows.len() as u64 * columns.len() as u64)?;
            for &(u, row) in rows {
                let (numbers, entries) = (&self.places.numbers[u * width..], self.image.row(c, row));
                for &(v, column) in columns {
                    let weight = numbers[v].map(|number| &plane[number]).ok_or(EvaluateError::Malformed)?;
                    total.add_product(work, weight, &entries[column])?;
                }
            }
        }
        total.value(work)
    }
}

impl<'a> Evaluator<'a> {
    /// The kernel of a convolution.
    pub(super) fn taps(&mut self, expr: &'a KernelExpr) -> Result<Taps<'a>> {
        match expr {
            KernelExpr::Constant(kernel) => {
                let few = places(shape(kernel)).is_some_and(|count| count <= MAX_CELLS);
                if few { Ok(Taps::Given(kernel)) } else { Err(EvaluateError::TooLarge) }
            }
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
        let bias = conv.bias.as_ref().map(|bias| self.kernel(bias.expr())).transpose()?;
        let bias = bias.as_ref().map(|bias| per_channel(bias, size[0])).transpose()?;
        Image::build(&mut self.work, size, |work, at| {
            let first = at[0] / (outputs / conv.groups) * per_group;
            let read = (first..first + per_group).filter(|&c| lit.get(c) == Some(&true));
            let bias = bias.as_ref().map_or(Rational::ZERO, |bias| bias(at[0]).clone());
            reading.add(work, bias, at, read, |c| [at[0], c - first])
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
        let bias = conv.bias.as_ref().map(|bias| self.kernel(bias.expr())).transpose()?;
        let bias = bias.as_ref().map(|bias| per_channel(bias, size[0])).transpose()?;
        Image::build(&mut self.work, size, |work, at| {
            let first = at[0] / per_group * group_inputs;
            let read = first..first + group_inputs;
            let bias = bias.as_ref().map_or(Rational::ZERO, |bias| bias(at[0]).clone());
            reading.add(work, bias, at, read, |c| [c, at[0] % per_group])
        })
    }

    /// For each output along both axes the taps that stand on cells, and those cells. Lines of the kernel or of
    /// the image that hold only zeros are left out.
    fn lines(&mut self, axes: [&Axis; 2], taps: &Taps<'_>, x: &Image) -> Result<[Vec<Cells>; 2]> {
        let taps = taps.live();
        let lit = x.values().iter().enumerate().filter(|(_, value)| !value.is_zero());
        let cells = live([x.height(), x.width()], lit.map(|(place, _)| place));
        let taken = (axes[0].outputs + axes[1].outputs).saturating_mul(size_of::<Cells>());
        self.work.room(taken as u64 / 16)?;
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
