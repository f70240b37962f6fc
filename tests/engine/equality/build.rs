//! Short ways to write kernels and stacks, with both readings of every kernel.

use std::sync::Arc;

use convproof::algebra::{Rational, SplitMix64};
use convproof::ir::{
    AveragePool, Conv, ConvTranspose, Ends, KernelTerm, Layer, NonEmpty, Operation, Origin, Padding, Stack,
    Symbols, Upsample, ends,
};
use convproof::kernel::{ConcreteKernel, Shape};

pub(crate) const NO_PADDING: Padding = Padding::Sides(Ends::NONE);

pub(crate) fn layer(layer: Layer) -> Arc<Stack> {
    Arc::new(Stack::layer(layer, Origin::NOWHERE))
}

pub(crate) fn chain(stacks: &[&Arc<Stack>]) -> Arc<Stack> {
    Arc::new(Stack::chain(stacks.iter().map(|stack| &***stack), Origin::NOWHERE))
}

/// `Σ factor · branch`.
pub(crate) fn sum(branches: &[(i64, &Arc<Stack>)]) -> Arc<Stack> {
    let terms = branches.iter().map(|(factor, branch)| (integer(*factor), &***branch)).collect();
    Arc::new(Stack::sum(NonEmpty::of(terms).expect("a branch"), Origin::NOWHERE))
}

pub(crate) fn concat(branches: &[&Arc<Stack>]) -> Arc<Stack> {
    let parts = branches.iter().map(|branch| &***branch).collect();
    Arc::new(Stack::concat(NonEmpty::of(parts).expect("a branch"), Origin::NOWHERE))
}

pub(crate) fn concrete(shape: [usize; 4], values: Vec<i64>) -> KernelTerm {
    let [o, c, h, w] = shape;
    KernelTerm::constant(ConcreteKernel::from_integers(Shape::new(o, c, h, w), values).unwrap())
}

pub(crate) fn integer(value: i64) -> KernelTerm {
    concrete([1; 4], vec![value])
}

/// A kernel of small integers; every third is sparse and every ninth has one entry that is not 0.
pub(crate) fn seeded(shape: [usize; 4], seed: u64) -> KernelTerm {
    let mut random = SplitMix64::new(seed);
    let count = shape.iter().product::<usize>();
    let mut value = |spread: u64| i64::try_from(random.below(2 * spread + 1)).unwrap() - spread.cast_signed();
    let values = match seed % 9 {
        0 => {
            let at = usize::try_from(seed / 9).unwrap_or(0) % count;
            (0..count).map(|n| i64::from(n == at)).collect()
        }
        3 | 6 => (0..count).map(|_| value(4) / 3).collect(),
        _ => (0..count).map(|_| value(3)).collect(),
    };
    concrete(shape, values)
}

/// A free kernel with symbols of its own.
pub(crate) fn free(symbols: &mut Symbols, shape: [usize; 4]) -> KernelTerm {
    let [o, c, h, w] = shape;
    let shape = Shape::new(o, c, h, w);
    let indices = if shape.is_scalar() { 0 } else { 4 };
    let name = format!("F{}", symbols.kernels().count());
    let free = symbols.declare(&name, shape, indices).unwrap();
    KernelTerm::free(&free).unwrap()
}

/// The result of an operation that fits.
pub(crate) fn apply(operation: Operation<'_>) -> KernelTerm {
    KernelTerm::apply(operation).unwrap()
}

/// First `a`, then `b` dilated.
pub(crate) fn composed(a: &KernelTerm, b: &KernelTerm, dilation: [usize; 2]) -> KernelTerm {
    apply(Operation::Convolve(a, &dilated(b, dilation)))
}

pub(crate) fn dilated(a: &KernelTerm, by: [usize; 2]) -> KernelTerm {
    apply(Operation::Dilate(a, by))
}

pub(crate) fn added(a: &KernelTerm, b: &KernelTerm) -> KernelTerm {
    apply(Operation::Add(a, b))
}

pub(crate) fn subtracted(a: &KernelTerm, b: &KernelTerm) -> KernelTerm {
    apply(Operation::Sub(a, b))
}

pub(crate) fn flipped(a: &KernelTerm) -> KernelTerm {
    apply(Operation::Flip(a))
}

/// The sum of all entries as a scalar.
pub(crate) fn total(a: &KernelTerm) -> KernelTerm {
    apply(Operation::Sum(a))
}

/// A scalar times a kernel.
pub(crate) fn times(a: &KernelTerm, b: &KernelTerm) -> KernelTerm {
    apply(Operation::Convolve(a, b))
}

/// The same block of rationals on each of some channels.
pub(crate) fn on_each_channel(channels: usize, size: [usize; 2], value: &Rational) -> KernelTerm {
    let [h, w] = size;
    let entry = |n: usize| {
        let (o, c) = (n / (h * w) / channels, n / (h * w) % channels);
        if o == c { value.clone() } else { Rational::from(0) }
    };
    let values: Vec<Rational> = (0..channels * channels * h * w).map(entry).collect();
    let shape = Shape::new(channels, channels, h, w);
    KernelTerm::constant(ConcreteKernel::from_rationals(shape, &values).unwrap())
}

pub(crate) fn plain(kernel: &KernelTerm) -> Conv {
    Conv {
        kernel: kernel.clone(),
        stride: [1, 1],
        dilation: [1, 1],
        padding: NO_PADDING,
        groups: 1,
        bias: None,
    }
}

pub(crate) fn conv(conv: Conv) -> Arc<Stack> {
    layer(Layer::Conv(conv))
}

pub(crate) fn padded(kernel: &KernelTerm, sides: [i64; 4]) -> Arc<Stack> {
    conv(Conv { padding: Padding::Sides(ends(sides)), ..plain(kernel) })
}

pub(crate) fn spread(kernel: &KernelTerm, stride: [usize; 2]) -> ConvTranspose {
    ConvTranspose {
        kernel: kernel.clone(),
        stride,
        dilation: [1, 1],
        padding: Ends::NONE,
        output_padding: [0, 0],
        groups: 1,
        bias: None,
    }
}

pub(crate) fn pool(size: [usize; 2], stride: [usize; 2], padding: Padding) -> AveragePool {
    AveragePool { average: true, size, stride, padding, count_include_pad: true, ceil_mode: false }
}

pub(crate) fn upsample(factor: [usize; 2], nearest: bool) -> Arc<Stack> {
    layer(Layer::Upsample(Upsample { factor, nearest }))
}
