//! Affine forms: a value as a sum of kernels applied to earlier terms, plus a bias.
//!
//! Composition is exact at every size or refused: where a layer would read another one past its border, and what it
//! would find there is not what the composed kernel finds, `compose` says so and the caller cuts.

use std::sync::Arc;

use crate::dim::Dim;
use crate::kernel::{Kernel, KernelData, KernelForm, column, compose, diagonal, identity};
use crate::number::{Number, Numbers};
use crate::tensor::Tensor;

/// The number of a term.
pub type TermId = usize;

/// How a kernel moves along an axis: `y[n] = Σ K[t]·x̂[stride·n + t − before]`, where `x̂` is the signal with
/// `up − 1` zeros after each value, and 0 outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Axis {
    /// Zeros between values, plus one.
    pub up: usize,
    /// From an output to the next.
    pub stride: usize,
    /// Zeros read before the first value; negative: values not read.
    pub before: i64,
    /// The same after the last.
    pub after: i64,
}

impl Axis {
    /// Nothing moves.
    pub const PLAIN: Self = Self { up: 1, stride: 1, before: 0, after: 0 };
}

/// A kernel with its movement along each axis of a value.
#[derive(Clone, Debug)]
pub struct Map {
    /// Along each axis; plain along that of the channels.
    pub axes: Vec<Axis>,
    /// The coefficients.
    pub kernel: Kernel,
}

/// A part of a form.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it reads.
    pub source: TermId,
    /// What it does to it.
    pub map: Map,
}

/// A value as kernels applied to terms, plus a number for each channel.
#[derive(Clone, Debug)]
pub struct Form {
    /// The axis of the channels; the rank of the value if there is one nameless channel.
    pub axis: usize,
    /// The extents.
    pub shape: Vec<Dim>,
    /// One for each source, by its number.
    pub parts: Vec<Part>,
    /// A kernel from a constant 1.
    pub bias: Option<Kernel>,
    /// The nodes of the file that it is made of.
    pub nodes: Vec<usize>,
}

impl Form {
    /// A term as it is.
    pub fn of_term(source: TermId, shape: Vec<Dim>) -> Self {
        let axis = channel_axis(&shape);
        let channels = shape.get(axis).and_then(Dim::size).unwrap_or(1);
        let map = Map { axes: vec![Axis::PLAIN; shape.len()], kernel: identity(channels, shape.len()) };
        Self { axis, shape, parts: vec![Part { source, map }], bias: None, nodes: Vec::new() }
    }

    /// How many axes it has.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// How many channels it has.
    pub fn channels(&self) -> usize {
        self.shape.get(self.axis).and_then(Dim::size).unwrap_or(1)
    }

    /// Whether its kernels are made of so many parts that it should be cut.
    pub fn is_large(&self) -> bool {
        let kernels = self.parts.iter().map(|part| &part.map.kernel).chain(&self.bias);
        kernels.into_iter().any(|kernel| kernel.is_large())
    }

    /// The term that it is, as it is.
    pub fn as_term(&self) -> Option<TermId> {
        match (self.parts.as_slice(), &self.bias) {
            ([part], None) if part.map.is_identity() => Some(part.source),
            _ => None,
        }
    }

    /// The same value with another axis for its channels, if no kernel tells channels apart.
    pub fn with_axis(&self, axis: usize) -> Option<Self> {
        if axis == self.axis {
            return Some(self.clone());
        }
        let channels = match self.shape.get(axis) {
            Some(dim) => dim.size().filter(|&extent| extent <= MAX_CHANNELS)?,
            None => 1,
        };
        let mut form = self.clone();
        form.axis = axis;
        for part in &mut form.parts {
            let moves = |map: &Map| {
                map.axes.get(axis).is_some_and(|&moved| moved != Axis::PLAIN || map.kernel.taps[axis] > 1)
            };
            if moves(&part.map) {
                return None;
            }
            part.map.kernel = part.map.kernel.uniform(channels)?;
        }
        if let Some(bias) = &form.bias {
            let KernelForm::Dense(dense) = &bias.node else { return None };
            let number = dense.tensor.uniform()?;
            form.bias = Some(column(&Tensor::computed(vec![channels], vec![number; channels])?, self.rank()));
        }
        Some(form)
    }

    /// The form after a map; `None` where no single map says it at every size.
    pub fn after(&self, map: &Map, shape: Vec<Dim>) -> Option<Self> {
        let pads = map.axes.iter().any(|axis| axis.before > 0 || axis.after > 0 || axis.up > 1);
        let bias = match &self.bias {
            Some(_) if pads => return None,
            Some(bias) => {
                let rank = self.rank();
                Some(compose(&map.kernel, bias, vec![0; rank], vec![1; rank]))
            }
            None => None,
        };
        let after = |part: &Part| Some(Part { source: part.source, map: part.map.then(map)? });
        let parts: Option<Vec<Part>> = self.parts.iter().map(after).collect();
        Some(Self { axis: self.axis, shape, parts: parts?, bias, nodes: self.nodes.clone() })
    }

    /// The form after a map, borders disregarded; `None` where the strides do not fit each other.
    pub fn after_inside(&self, map: &Map) -> Option<Self> {
        let rank = self.rank();
        let bias = match &self.bias {
            Some(_) if map.axes.iter().any(|axis| axis.up > 1) => return None,
            bias => bias.as_ref().map(|bias| compose(&map.kernel, bias, vec![0; rank], vec![1; rank])),
        };
        let after = |part: &Part| Some(Part { source: part.source, map: part.map.composed(map)? });
        let parts: Option<Vec<Part>> = self.parts.iter().map(after).collect();
        Some(Self {
            axis: self.axis,
            shape: self.shape.clone(),
            parts: parts?,
            bias,
            nodes: self.nodes.clone(),
        })
    }

    /// The sum of two forms of equal shape and axis; `None` where a source is read in two rhythms.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        if self.axis != other.axis || self.rank() != other.rank() || self.channels() != other.channels() {
            return None;
        }
        let mut sum = self.clone();
        for part in &other.parts {
            match sum.parts.iter_mut().find(|own| own.source == part.source) {
                Some(own) => own.map = own.map.plus(&part.map)?,
                None => sum.parts.push(part.clone()),
            }
        }
        sum.parts.sort_by_key(|part| part.source);
        sum.bias = match (self.bias.clone(), other.bias.clone()) {
            (Some(a), Some(b)) => Some(add(&a, &b)),
            (a, b) => a.or(b),
        };
        sum.join_nodes(other);
        Some(sum)
    }

    /// Adds the nodes that another form is made of.
    pub fn join_nodes(&mut self, other: &Self) {
        self.nodes.extend(&other.nodes);
        self.nodes.sort_unstable();
        self.nodes.dedup();
    }

    /// Each channel times a number.
    #[must_use]
    pub fn scaled(&self, numbers: &Numbers) -> Self {
        let mut form = self.clone();
        if numbers.iter().all(|number| number.as_rational().is_some_and(|number| number == 1.into())) {
            return form;
        }
        let rank = self.rank();
        let ones = || vec![1; rank];
        let scale = diagonal(numbers.clone(), rank);
        for part in &mut form.parts {
            part.map.kernel = compose(&scale, &part.map.kernel, ones(), ones());
        }
        form.bias = form.bias.map(|bias| match scaled_column(&bias, numbers) {
            Some(bias) => bias,
            None => compose(&scale, &bias, ones(), ones()),
        });
        form
    }

    /// The form plus a number for each channel.
    #[must_use]
    pub fn shifted(&self, numbers: &Tensor) -> Self {
        let mut form = self.clone();
        let zero = numbers.uniform().is_some_and(|number| number.is_zero());
        if !zero {
            let column = column(numbers, self.rank());
            form.bias = Some(match &form.bias {
                Some(bias) => add(bias, &column),
                None => column,
            });
        }
        form
    }

    /// The numbers that multiply the only source, channel by channel, where the form is nothing else.
    pub fn as_scaled_term(&self) -> Option<(TermId, Option<Numbers>)> {
        let ([part], None) = (self.parts.as_slice(), &self.bias) else { return None };
        if part.map.axes.iter().any(|&axis| axis != Axis::PLAIN) {
            return None;
        }
        match &part.map.kernel.node {
            KernelForm::Identity => Some((part.source, None)),
            KernelForm::Diagonal(numbers) => Some((part.source, Some(numbers.clone()))),
            _ => None,
        }
    }
}

/// Most channels of a form; a longer axis is one of places.
const MAX_CHANNELS: usize = 1 << 20;
/// Most taps of a kernel, gaps included.
const MAX_TAPS: usize = 1 << 16;

/// Whether a kernel has no more taps than can be held.
fn are_few(taps: &[usize]) -> bool {
    crate::tensor::count(taps).is_some_and(|count| count <= MAX_TAPS)
}

/// The axis that channels most likely stand on: the second, else the last of known extent.
fn channel_axis(shape: &[Dim]) -> usize {
    let known =
        |axis: usize| shape.get(axis).and_then(Dim::size).is_some_and(|extent| extent <= MAX_CHANNELS);
    match shape.len() {
        0 => 0,
        1 => usize::from(!known(0)),
        _ if known(1) => 1,
        rank => (0..rank).rev().find(|&axis| known(axis)).unwrap_or(rank),
    }
}

/// One movement for several maps.
struct Aligned {
    axes: Vec<Axis>,
    /// Where each kernel starts.
    starts: Vec<Vec<usize>>,
    /// Taps along each axis.
    taps: Vec<usize>,
}

impl Map {
    /// Whether it is the identity.
    pub fn is_identity(&self) -> bool {
        matches!(self.kernel.node, KernelForm::Identity) && self.axes.iter().all(|&axis| axis == Axis::PLAIN)
    }

    /// What stays the same under composition: the length of the output is `⌊(input + room)/stride⌋ + 1`.
    fn room(&self, axis: usize) -> i64 {
        let Axis { before, after, .. } = self.axes[axis];
        before + after - signed(self.kernel.taps[axis])
    }

    /// Whether the map gives 0 outside its range, where another one would read it.
    fn is_zero_outside(&self, axis: usize, reader: Axis) -> bool {
        let Axis { stride, before, after, .. } = self.axes[axis];
        let taps = signed(self.kernel.taps[axis]);
        let start = reader.before <= 0 || before >= taps - signed(stride);
        let end = reader.after <= 0 || after >= taps - 1;
        start && end
    }

    /// Another map after this one; `None` where the composition is not one map at every size.
    fn then(&self, outer: &Self) -> Option<Self> {
        let clean = (0..self.axes.len()).all(|axis| self.is_zero_outside(axis, outer.axes[axis]));
        if clean { self.composed(outer) } else { None }
    }

    /// Another map after this one, borders disregarded.
    fn composed(&self, outer: &Self) -> Option<Self> {
        let mut axes = Vec::with_capacity(self.axes.len());
        let (mut outer_step, mut inner_step, mut all_taps) = (Vec::new(), Vec::new(), Vec::new());
        for (axis, (inner, outside)) in self.axes.iter().zip(&outer.axes).enumerate() {
            if (outside.up > 1 && inner.stride > 1) || (outside.stride > 1 && inner.up > 1) {
                return None;
            }
            let (stride, up) = (signed(inner.stride), signed(outside.up));
            let room = if outside.up == 1 {
                self.room(axis) + stride * (1 + outer.room(axis))
            } else {
                up * (1 + self.room(axis)) + outer.room(axis)
            };
            let before = up * inner.before + stride * outside.before;
            let taps = (signed(outer.kernel.taps[axis]) - 1) * stride
                + (signed(self.kernel.taps[axis]) - 1) * up
                + 1;
            axes.push(Axis {
                up: inner.up.checked_mul(outside.up)?,
                stride: inner.stride.checked_mul(outside.stride)?,
                before,
                after: room - before + taps,
            });
            all_taps.push(usize::try_from(taps).ok()?);
            outer_step.push(inner.stride);
            inner_step.push(outside.up);
        }
        if !are_few(&all_taps) {
            return None;
        }
        let kernel = compose(&outer.kernel, &self.kernel, outer_step, inner_step);
        Some(Self { axes, kernel })
    }

    /// The sum; `None` if the rhythms differ.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        let Aligned { axes, starts, taps } = Self::aligned(&[self, other])?;
        let parts = vec![(self.kernel.clone(), starts[0].clone()), (other.kernel.clone(), starts[1].clone())];
        Some(Self { axes, kernel: sum(parts, taps) })
    }

    /// The map whose output channels are those of the first, then those of the second, …
    pub fn stacked(maps: &[&Self]) -> Option<Self> {
        let Aligned { axes, starts, taps } = Self::aligned(maps)?;
        let parts: Vec<(Kernel, Vec<usize>)> =
            maps.iter().map(|map| map.kernel.clone()).zip(starts).collect();
        Some(Self { axes, kernel: stack(parts, taps) })
    }

    /// One movement for several maps; nothing where their rhythms differ.
    fn aligned(maps: &[&Self]) -> Option<Aligned> {
        let rank = maps.first()?.axes.len();
        let mut axes = Vec::with_capacity(rank);
        let mut starts = vec![Vec::with_capacity(rank); maps.len()];
        let mut taps = Vec::with_capacity(rank);
        for axis in 0..rank {
            let first = maps[0].axes[axis];
            if maps.iter().any(|map| (map.axes[axis].up, map.axes[axis].stride) != (first.up, first.stride)) {
                return None;
            }
            let before = maps.iter().map(|map| map.axes[axis].before).max()?;
            let end = |map: &&Self| before - map.axes[axis].before + signed(map.kernel.taps[axis]);
            let extent = maps.iter().map(end).max()?;
            // Both lengths are the length of the value, so the larger room is as true as the smaller.
            let room = maps.iter().map(|map| map.room(axis)).max()?;
            for (start, map) in starts.iter_mut().zip(maps) {
                start.push(usize::try_from(before - map.axes[axis].before).ok()?);
            }
            axes.push(Axis { before, after: room - before + extent, ..first });
            taps.push(usize::try_from(extent).ok()?);
        }
        are_few(&taps).then_some(Aligned { axes, starts, taps })
    }
}

/// A number of taps as a signed number.
fn signed(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX / 4)
}

fn add(a: &Kernel, b: &Kernel) -> Kernel {
    let start = || vec![0; a.taps.len()];
    if let (KernelForm::Dense(x), KernelForm::Dense(y)) = (&a.node, &b.node)
        && x.group_inputs == 1
        && x.tensor.dims().len() == 1
        && y.tensor.dims().len() == 1
        && let Some(sum) = x.tensor.combined(&y.tensor, |x, y| Some(x.plus(y)))
    {
        return column(&sum, a.taps.len());
    }
    sum(vec![(a.clone(), start()), (b.clone(), start())], a.taps.clone())
}

fn sum(parts: Vec<(Kernel, Vec<usize>)>, taps: Vec<usize>) -> Kernel {
    let (outputs, inputs) = parts.first().map_or((0, 0), |(kernel, _)| (kernel.outputs, kernel.inputs));
    let mut flat = Vec::new();
    for (kernel, start) in parts {
        match &kernel.node {
            KernelForm::Sum(inside) => {
                let moved = |from: &Vec<usize>| from.iter().zip(&start).map(|(a, b)| a + b).collect();
                flat.extend(inside.iter().map(|(part, from)| (part.clone(), moved(from))));
            }
            _ => flat.push((kernel, start)),
        }
    }
    Arc::new(KernelData { outputs, inputs, taps, node: KernelForm::Sum(flat) })
}

/// Output channels of kernels one after the other.
pub fn stack(parts: Vec<(Kernel, Vec<usize>)>, taps: Vec<usize>) -> Kernel {
    let outputs = parts.iter().map(|(kernel, _)| kernel.outputs).sum();
    let inputs = parts.first().map_or(0, |(kernel, _)| kernel.inputs);
    Arc::new(KernelData { outputs, inputs, taps, node: KernelForm::Stack(parts) })
}

/// The zero kernel.
pub fn zero(outputs: usize, inputs: usize, rank: usize) -> Kernel {
    Arc::new(KernelData { outputs, inputs, taps: vec![1; rank], node: KernelForm::Zero })
}

/// These output channels of a kernel.
pub fn select(kernel: &Kernel, rows: &Arc<[usize]>) -> Kernel {
    let node = match &kernel.node {
        KernelForm::Select(inner, names) => {
            let names: Vec<usize> = rows.iter().map(|&row| names[row]).collect();
            return select(inner, &names.into());
        }
        _ if rows.iter().copied().eq(0..kernel.outputs) => return kernel.clone(),
        _ => KernelForm::Select(kernel.clone(), rows.clone()),
    };
    Arc::new(KernelData { outputs: rows.len(), inputs: kernel.inputs, taps: kernel.taps.clone(), node })
}

fn scaled_column(bias: &Kernel, numbers: &[Number]) -> Option<Kernel> {
    let KernelForm::Dense(dense) = &bias.node else { return None };
    let own = dense.tensor.numbers()?;
    if own.len() != numbers.len() || dense.tensor.dims().len() != 1 {
        return None;
    }
    let product: Option<Vec<Number>> = own.iter().zip(numbers).map(|(a, b)| a.times(b)).collect();
    Some(column(&Tensor::computed(vec![numbers.len()], product?)?, bias.taps.len()))
}

impl KernelData {
    /// The same kernel on another number of channels, if it treats all alike.
    fn uniform(&self, channels: usize) -> Option<Kernel> {
        let number = match &self.node {
            KernelForm::Identity => return Some(identity(channels, self.taps.len())),
            KernelForm::Diagonal(numbers) => {
                numbers.first().filter(|first| numbers.iter().all(|n| n == *first))?.clone()
            }
            KernelForm::Uniform(number) => {
                let node = KernelForm::Uniform(number.clone());
                let taps = self.taps.clone();
                return Some(Arc::new(Self { outputs: channels, inputs: channels, taps, node }));
            }
            _ => return None,
        };
        Some(diagonal(vec![number; channels].into(), self.taps.len()))
    }
}
