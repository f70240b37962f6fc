//! Kernels as products and sums of the arrays of a file, not multiplied out.
//!
//! A kernel maps input channels to output channels with one coefficient for each tap. What it is at one output
//! channel is computed by pulling that channel back through the parts, in exact numbers or in balls; nothing as
//! large as the whole product is ever held.

use std::sync::Arc;

use crate::number::{Number, Numbers};
use crate::tensor::Tensor;

/// A kernel; cheap to clone.
pub type Kernel = Arc<KernelData>;

/// The channels and taps of a kernel, and how it is made.
#[derive(Clone, Debug)]
pub struct KernelData {
    /// Output channels.
    pub outputs: usize,
    /// Input channels.
    pub inputs: usize,
    /// Taps along each axis of the value; 1 along the axis of the channels.
    pub taps: Vec<usize>,
    /// How it is made.
    pub node: KernelForm,
}

/// Most parts of a kernel; a form of larger ones is cut.
pub const MAX_PARTS: usize = 256;

/// How a kernel is made.
#[derive(Clone, Debug)]
pub enum KernelForm {
    /// Each channel to itself.
    Identity,
    /// No coefficient but 0.
    Zero,
    /// Each channel to itself, times a number of its own.
    Diagonal(Numbers),
    /// Each channel to itself, all taps the same number.
    Uniform(Number),
    /// The elements of an array.
    Dense(Dense),
    /// One kernel after another: a tap `t` of `outer` and one `u` of `inner` meet at `t·outer_step + u·inner_step`.
    Compose {
        /// The kernel that is applied last.
        outer: Kernel,
        /// The kernel that is applied first.
        inner: Kernel,
        /// How far apart neighbouring taps of `outer` stand, along each axis.
        outer_step: Vec<usize>,
        /// The same of `inner`.
        inner_step: Vec<usize>,
    },
    /// The sum of kernels, each from this tap on.
    Sum(Vec<(Kernel, Vec<usize>)>),
    /// The output channels of the first kernel, then those of the second, …, each from this tap on.
    Stack(Vec<(Kernel, Vec<usize>)>),
    /// These output channels.
    Select(Kernel, Arc<[usize]>),
}

/// The elements of an array as a kernel: where the one for an output, an input and a tap stands.
#[derive(Clone, Debug)]
pub struct Dense {
    /// The array.
    pub tensor: Tensor,
    /// Output channels of a group.
    pub group_outputs: usize,
    /// Input channels of a group.
    pub group_inputs: usize,
    /// From a group to the next.
    pub group_stride: usize,
    /// From an output channel to the next.
    pub output_stride: usize,
    /// From an input channel to the next.
    pub input_stride: usize,
    /// For each tap: where its element stands, and its tap along each axis.
    pub places: Arc<[(usize, Vec<usize>)]>,
}

/// The coefficients of one output channel: for each of these input channels, all taps.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<T> {
    /// Input channels, rising.
    pub channels: Vec<usize>,
    /// Taps along each axis.
    pub taps: Vec<usize>,
    /// Coefficients, all taps of the first channel first.
    pub values: Vec<T>,
}

/// Numbers that rows are computed in.
pub trait Scalar: Clone {
    /// 0.
    fn zero() -> Self;
    /// Whether it is certainly 0.
    fn is_zero(&self) -> bool;
    /// Adds a product.
    fn add_product(&mut self, a: &Self, b: &Self);
    /// Adds the products of a number and the elements of an array from a place on, so far apart, to as many sums, so far
    /// apart; does nothing and says so where there is no faster way than one by one.
    fn add_stored(_: &mut [Self], _: Spaced, _: &Self, _: &Tensor, _: Spaced) -> bool {
        false
    }
    /// The elements of an array at these places.
    fn elements(tensor: &Tensor, from: Spaced, to: &mut Vec<Self>);
    /// An exact number.
    fn of(number: &Number) -> Self;
    /// One of several numbers.
    fn of_several(numbers: &Numbers, place: usize) -> Self;
}

/// Places of an array: the first, from one to the next, and how many.
#[derive(Clone, Copy)]
pub struct Spaced {
    /// The first.
    pub first: usize,
    /// From one to the next.
    pub step: usize,
    /// How many.
    pub count: usize,
}

impl Spaced {
    /// Each place.
    pub fn places(self) -> impl Iterator<Item = usize> {
        (0..self.count).map(move |n| self.first + n * self.step)
    }
}

/// An exact number; nothing where an element is not finite or has too many roots.
pub type Exact = Option<Number>;

impl Scalar for Exact {
    fn zero() -> Self {
        Some(Number::default())
    }

    fn is_zero(&self) -> bool {
        self.as_ref().is_some_and(Number::is_zero)
    }

    fn add_product(&mut self, a: &Self, b: &Self) {
        *self = match (&self, a, b) {
            (Some(sum), Some(a), Some(b)) => a.times(b).map(|product| sum.plus(&product)),
            _ => None,
        };
    }

    fn elements(tensor: &Tensor, from: Spaced, to: &mut Vec<Self>) {
        to.extend(from.places().map(|place| tensor.number(place)));
    }

    fn of(number: &Number) -> Self {
        Some(number.clone())
    }

    fn of_several(numbers: &Numbers, place: usize) -> Self {
        numbers.get(place).cloned()
    }
}

/// The identity on this many channels.
pub fn identity(channels: usize, rank: usize) -> Kernel {
    Arc::new(KernelData {
        outputs: channels,
        inputs: channels,
        taps: vec![1; rank],
        node: KernelForm::Identity,
    })
}

/// Each channel times a number.
pub fn diagonal(numbers: Numbers, rank: usize) -> Kernel {
    let channels = numbers.len();
    Arc::new(KernelData {
        outputs: channels,
        inputs: channels,
        taps: vec![1; rank],
        node: KernelForm::Diagonal(numbers),
    })
}

/// A column of numbers: from the single channel of a constant 1.
pub fn column(tensor: &Tensor, rank: usize) -> Kernel {
    let dense = Dense {
        group_outputs: tensor.len(),
        group_inputs: 1,
        group_stride: 0,
        output_stride: 1,
        input_stride: 1,
        places: [(0, vec![0; rank])].into(),
        tensor: tensor.clone(),
    };
    Arc::new(KernelData {
        outputs: tensor.len(),
        inputs: 1,
        taps: vec![1; rank],
        node: KernelForm::Dense(dense),
    })
}

/// One kernel after another.
pub fn compose(outer: &Kernel, inner: &Kernel, outer_step: Vec<usize>, inner_step: Vec<usize>) -> Kernel {
    let plain = outer_step.iter().chain(&inner_step).all(|&step| step == 1);
    match (&outer.node, &inner.node) {
        (KernelForm::Identity, _) if inner_step.iter().all(|&step| step == 1) => return inner.clone(),
        (_, KernelForm::Identity) if outer_step.iter().all(|&step| step == 1) => return outer.clone(),
        (KernelForm::Diagonal(a), KernelForm::Diagonal(b)) if plain => {
            let product: Option<Vec<Number>> = a.iter().zip(b.iter()).map(|(a, b)| a.times(b)).collect();
            if let Some(product) = product {
                return diagonal(product.into(), outer.taps.len());
            }
        }
        // A diagonal stands before everything else, so that products made in different orders look alike.
        (KernelForm::Compose { outer: o, inner: i, inner_step: is, .. }, _)
            if matches!(o.node, KernelForm::Diagonal(_)) && is.iter().all(|&step| step == 1) =>
        {
            let ones = || vec![1; outer.taps.len()];
            return compose(o, &compose(i, inner, outer_step, inner_step), ones(), ones());
        }
        (
            KernelForm::Diagonal(_),
            KernelForm::Compose { outer: o, inner: i, outer_step: os, inner_step: is },
        ) if plain && matches!(o.node, KernelForm::Diagonal(_)) => {
            return compose(&compose(outer, o, outer_step, os.clone()), i, os.clone(), is.clone());
        }
        _ => {}
    }
    let taps = (0..outer.taps.len())
        .map(|axis| (outer.taps[axis] - 1) * outer_step[axis] + (inner.taps[axis] - 1) * inner_step[axis] + 1)
        .collect();
    let node = KernelForm::Compose { outer: outer.clone(), inner: inner.clone(), outer_step, inner_step };
    Arc::new(KernelData { outputs: outer.outputs, inputs: inner.inputs, taps, node })
}

impl KernelData {
    /// The coefficients of an output channel.
    pub fn row<T: Scalar>(&self, output: usize) -> Row<T> {
        let unit = Row {
            channels: vec![output],
            taps: vec![1; self.taps.len()],
            values: vec![T::of(&Number::from(1))],
        };
        let ones = vec![1; self.taps.len()];
        pull(&unit, self, &ones, &ones)
    }

    /// Whether it is made of more parts than [`MAX_PARTS`], one that occurs twice counted twice; looks at no more.
    pub fn is_large(&self) -> bool {
        let mut left = MAX_PARTS;
        self.count_down(&mut left);
        left == 0
    }

    fn count_down(&self, left: &mut usize) {
        if *left == 0 {
            return;
        }
        *left -= 1;
        match &self.node {
            KernelForm::Compose { outer, inner, .. } => {
                outer.count_down(left);
                inner.count_down(left);
            }
            KernelForm::Sum(parts) | KernelForm::Stack(parts) => {
                parts.iter().for_each(|(part, _)| part.count_down(left));
            }
            KernelForm::Select(inner, _) => inner.count_down(left),
            _ => {}
        }
    }

    /// The same kernel on a value whose axes stand in another order.
    pub fn permuted(&self, order: &[usize]) -> Kernel {
        let turned = |taps: &[usize]| order.iter().map(|&axis| taps[axis]).collect::<Vec<usize>>();
        let all = |parts: &[(Kernel, Vec<usize>)]| {
            parts.iter().map(|(part, start)| (part.permuted(order), turned(start))).collect::<Vec<_>>()
        };
        let node = match &self.node {
            KernelForm::Dense(dense) => {
                let places = dense.places.iter().map(|(element, tap)| (*element, turned(tap))).collect();
                KernelForm::Dense(Dense { places, ..dense.clone() })
            }
            KernelForm::Compose { outer, inner, outer_step, inner_step } => KernelForm::Compose {
                outer: outer.permuted(order),
                inner: inner.permuted(order),
                outer_step: turned(outer_step),
                inner_step: turned(inner_step),
            },
            KernelForm::Sum(parts) => KernelForm::Sum(all(parts)),
            KernelForm::Stack(parts) => KernelForm::Stack(all(parts)),
            KernelForm::Select(inner, rows) => KernelForm::Select(inner.permuted(order), rows.clone()),
            node => node.clone(),
        };
        Arc::new(Self { outputs: self.outputs, inputs: self.inputs, taps: turned(&self.taps), node })
    }

    /// About how many products it takes to pull a row with so many coefficients back, and how many it then has.
    fn effort(&self, entries: u64) -> (u64, u64) {
        let most =
            self.taps.iter().fold(self.inputs as u64, |product, &taps| product.saturating_mul(taps as u64));
        match &self.node {
            KernelForm::Zero => (0, 0),
            KernelForm::Identity | KernelForm::Diagonal(_) => (entries, entries),
            KernelForm::Uniform(_) => {
                let cost = self.taps.iter().fold(entries, |cost, &taps| cost.saturating_mul(taps as u64));
                (cost, cost)
            }
            KernelForm::Dense(dense) => {
                let cost = entries.saturating_mul((dense.group_inputs * dense.places.len()) as u64);
                (cost, cost.min(most))
            }
            KernelForm::Compose { outer, inner, .. } => {
                let (first, between) = outer.effort(entries);
                let (second, left) = inner.effort(between);
                (first.saturating_add(second), left)
            }
            KernelForm::Sum(parts) => parts.iter().fold((0, 0), |(cost, left), (part, _)| {
                let (own, own_left) = part.effort(entries);
                (cost.saturating_add(own), left.max(own_left))
            }),
            KernelForm::Stack(parts) => parts.iter().fold((0, 0), |(cost, left), (part, _)| {
                let (own, own_left) = part.effort(entries);
                (cost.max(own), left.max(own_left))
            }),
            KernelForm::Select(inner, _) => inner.effort(entries),
        }
    }

    /// About how many products all rows take.
    pub fn work(&self) -> u64 {
        // A row is cleared before it is filled.
        let room = self.taps.iter().fold(self.inputs as u64, |room, &taps| room.saturating_mul(taps as u64));
        self.effort(1).0.saturating_add(room / 8).saturating_mul(self.outputs as u64)
    }

    /// Whether two kernels are made of the same numbers in the same way.
    pub fn same(&self, other: &Self) -> bool {
        if (self.outputs, self.inputs, &self.taps) != (other.outputs, other.inputs, &other.taps) {
            return false;
        }
        let pairs = |a: &[(Kernel, Vec<usize>)], b: &[(Kernel, Vec<usize>)]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.1 == b.1 && same(&a.0, &b.0))
        };
        match (&self.node, &other.node) {
            (KernelForm::Identity, KernelForm::Identity) | (KernelForm::Zero, KernelForm::Zero) => true,
            (KernelForm::Diagonal(a), KernelForm::Diagonal(b)) => a == b,
            (KernelForm::Uniform(a), KernelForm::Uniform(b)) => a == b,
            (KernelForm::Dense(a), KernelForm::Dense(b)) => a.same(b),
            (
                KernelForm::Compose { outer, inner, outer_step, inner_step },
                KernelForm::Compose { outer: o, inner: i, outer_step: os, inner_step: is },
            ) => (outer_step, inner_step) == (os, is) && same(outer, o) && same(inner, i),
            (KernelForm::Sum(a), KernelForm::Sum(b)) | (KernelForm::Stack(a), KernelForm::Stack(b)) => {
                pairs(a, b)
            }
            (KernelForm::Select(a, rows), KernelForm::Select(b, others)) => rows == others && same(a, b),
            _ => false,
        }
    }

    /// Whether every output channel is an input channel times a number that is not negative.
    pub fn keeps_sign(&self) -> bool {
        match &self.node {
            KernelForm::Identity | KernelForm::Zero => true,
            KernelForm::Diagonal(numbers) => numbers.iter().all(|number| number.enclosure().low >= 0.0),
            KernelForm::Stack(parts) => parts.iter().all(|(part, _)| part.keeps_sign()),
            KernelForm::Select(kernel, _) => kernel.keeps_sign(),
            _ => false,
        }
    }
}

fn same(a: &Kernel, b: &Kernel) -> bool {
    Arc::ptr_eq(a, b) || a.same(b)
}

impl Dense {
    fn same(&self, other: &Self) -> bool {
        let layout = |dense: &Self| {
            (
                dense.group_outputs,
                dense.group_inputs,
                dense.group_stride,
                dense.output_stride,
                dense.input_stride,
            )
        };
        layout(self) == layout(other) && self.places == other.places && self.tensor.same(&other.tensor)
    }
}

/// Collects a row, channel by channel.
struct Collector<T> {
    taps: Vec<usize>,
    strides: Vec<usize>,
    size: usize,
    /// All taps of the first channel, then of the second, …
    values: Vec<T>,
    touched: Vec<bool>,
}

impl<T: Scalar> Collector<T> {
    fn new(inputs: usize, taps: Vec<usize>) -> Self {
        let size: usize = taps.iter().product();
        let values = vec![T::zero(); inputs * size];
        Self { strides: crate::tensor::strides(&taps), taps, size, values, touched: vec![false; inputs] }
    }

    fn channel(&mut self, channel: usize) -> &mut [T] {
        self.touched[channel] = true;
        &mut self.values[channel * self.size..(channel + 1) * self.size]
    }

    fn finish(self) -> Row<T> {
        let channels: Vec<usize> = (0..self.touched.len()).filter(|&channel| self.touched[channel]).collect();
        if channels.len() == self.touched.len() {
            return Row { channels, taps: self.taps, values: self.values };
        }
        let size = self.size;
        let values = channels
            .iter()
            .flat_map(|channel| self.values[channel * size..(channel + 1) * size].iter().cloned());
        Row { values: values.collect(), taps: self.taps, channels }
    }
}

/// A row pulled back through a kernel: tap `t` of the row and `u` of the kernel meet at `t·row_step + u·step`.
fn pull<T: Scalar>(row: &Row<T>, kernel: &KernelData, row_step: &[usize], step: &[usize]) -> Row<T> {
    let taps = (0..row.taps.len())
        .map(|axis| (row.taps[axis] - 1) * row_step[axis] + (kernel.taps[axis] - 1) * step[axis] + 1)
        .collect();
    let mut collector = Collector::new(kernel.inputs, taps);
    pull_into(row, kernel, row_step, step, 0, &mut collector);
    collector.finish()
}

/// Adds a row pulled back through a kernel, from a place on.
fn pull_into<T: Scalar>(
    row: &Row<T>,
    kernel: &KernelData,
    row_step: &[usize],
    step: &[usize],
    start: usize,
    to: &mut Collector<T>,
) {
    let place = |tap: &[usize], step: &[usize], to: &Collector<T>| -> usize {
        tap.iter().zip(step).zip(&to.strides).map(|((&tap, &step), &stride)| tap * step * stride).sum()
    };
    match &kernel.node {
        KernelForm::Zero => {}
        KernelForm::Sum(parts) => {
            for (part, from) in parts {
                let start = start + place(from, step, to);
                pull_into(row, part, row_step, step, start, to);
            }
        }
        KernelForm::Stack(parts) => {
            let mut first = 0;
            for (part, from) in parts {
                let own = row.channels_between(first, first + part.outputs);
                if !own.channels.is_empty() {
                    pull_into(&own, part, row_step, step, start + place(from, step, to), to);
                }
                first += part.outputs;
            }
        }
        KernelForm::Select(inner, rows) => {
            pull_into(&row.renamed(rows, inner.outputs), inner, row_step, step, start, to);
        }
        KernelForm::Compose { outer, inner, outer_step, inner_step } => {
            let outer_step: Vec<usize> = outer_step.iter().zip(step).map(|(a, b)| a * b).collect();
            let inner_step: Vec<usize> = inner_step.iter().zip(step).map(|(a, b)| a * b).collect();
            let middle = pull(row, outer, row_step, &outer_step);
            let ones = vec![1; step.len()];
            pull_into(&middle, inner, &ones, &inner_step, start, to);
        }
        KernelForm::Identity | KernelForm::Diagonal(_) | KernelForm::Uniform(_) | KernelForm::Dense(_) => {
            let size: usize = row.taps.iter().product();
            let places: Vec<usize> =
                crate::tensor::indices(&row.taps).map(|tap| start + place(&tap, row_step, to)).collect();
            let mut leaf = Leaf::new(kernel, |tap| place(tap, step, to));
            for (n, &channel) in row.channels.iter().enumerate() {
                leaf.add(channel, &row.values[n * size..(n + 1) * size], &places, to);
            }
        }
    }
}

/// A kernel without parts, its taps as places.
struct Leaf<'k, T> {
    node: &'k KernelForm,
    places: Vec<(usize, usize)>,
    scalar: Option<T>,
    /// Those of one output channel.
    elements: Vec<T>,
}

impl<'k, T: Scalar> Leaf<'k, T> {
    fn new(kernel: &'k KernelData, place: impl Fn(&[usize]) -> usize) -> Self {
        let mut scalar = None;
        let places = match &kernel.node {
            KernelForm::Dense(dense) => {
                dense.places.iter().map(|(element, tap)| (*element, place(tap))).collect()
            }
            KernelForm::Uniform(number) => {
                scalar = Some(T::of(number));
                crate::tensor::indices(&kernel.taps).map(|tap| (0, place(&tap))).collect()
            }
            _ => vec![(0, 0)],
        };
        Self { node: &kernel.node, places, scalar, elements: Vec::new() }
    }

    /// Adds the coefficients of an output channel, from these places on.
    fn add(&mut self, channel: usize, values: &[T], at: &[usize], to: &mut Collector<T>) {
        let values = values.iter().zip(at).filter(|(value, _)| !value.is_zero());
        match self.node {
            KernelForm::Dense(dense) => {
                let mut values = values.peekable();
                if values.peek().is_none() || dense.group_inputs == 0 {
                    return;
                }
                let (group, output) = (channel / dense.group_outputs, channel % dense.group_outputs);
                let first = group * dense.group_stride + output * dense.output_stride;
                let (inputs, first_input) = (dense.group_inputs, group * dense.group_inputs);
                to.touched[first_input..first_input + inputs].fill(true);
                let size = to.size;
                let own = &mut to.values[first_input * size..(first_input + inputs) * size];
                self.elements.clear();
                for (value, &at) in values {
                    for (n, &(element, place)) in self.places.iter().enumerate() {
                        let spaced = |first, step| Spaced { first, step, count: inputs };
                        let (from, sums) =
                            (spaced(first + element, dense.input_stride), spaced(at + place, size));
                        if T::add_stored(own, sums, value, &dense.tensor, from) {
                            continue;
                        }
                        if self.elements.len() == n * inputs {
                            T::elements(&dense.tensor, from, &mut self.elements);
                        }
                        let elements = &self.elements[n * inputs..(n + 1) * inputs];
                        let sums = own[at + place..].iter_mut().step_by(size);
                        sums.zip(elements).for_each(|(sum, element)| sum.add_product(value, element));
                    }
                }
            }
            KernelForm::Diagonal(numbers) => {
                let number = T::of_several(numbers, channel);
                values.for_each(|(value, &at)| to.channel(channel)[at].add_product(value, &number));
            }
            _ => {
                let one = T::of(&Number::from(1));
                let factor = self.scalar.as_ref().unwrap_or(&one);
                for (value, &at) in values {
                    for &(_, place) in &self.places {
                        to.channel(channel)[at + place].add_product(value, factor);
                    }
                }
            }
        }
    }
}

impl<T: Scalar> Row<T> {
    /// The part for channels in a range, counted from its start.
    fn channels_between(&self, start: usize, end: usize) -> Self {
        let size: usize = self.taps.iter().product();
        let (from, to) =
            (self.channels.partition_point(|&c| c < start), self.channels.partition_point(|&c| c < end));
        Self {
            channels: self.channels[from..to].iter().map(|channel| channel - start).collect(),
            taps: self.taps.clone(),
            values: self.values[from * size..to * size].to_vec(),
        }
    }

    /// Each channel under another number; values of equal numbers are added.
    fn renamed(&self, names: &[usize], channels: usize) -> Self {
        let size: usize = self.taps.iter().product();
        let mut collector = Collector::<T>::new(channels, self.taps.clone());
        let one = T::of(&Number::from(1));
        for (n, &channel) in self.channels.iter().enumerate() {
            let own = collector.channel(names[channel]);
            for (sum, value) in own.iter_mut().zip(&self.values[n * size..(n + 1) * size]) {
                sum.add_product(value, &one);
            }
        }
        collector.finish()
    }
}
