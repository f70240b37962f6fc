//! Short ways to write stacks, kernels and images. Matrices are rows separated by `;`, channels by `|`.

use std::sync::Arc;

use convproof::algebra::Rational;
use convproof::evaluate::{Array4, EvaluateError, Image, Weights, run};
use convproof::ir::{
    AveragePool, Conv, ConvTranspose, Ends, KernelExpr, KernelTerm, Layer, MaxPool, NonEmpty, Origin,
    Padding, Stack, ends,
};
use convproof::kernel::{ConcreteKernel, Shape};

pub(crate) fn q(text: &str) -> Rational {
    text.parse().unwrap()
}

/// Channels, height, width and values of a text.
fn parse(text: &str) -> ([usize; 3], Vec<Rational>) {
    let channels: Vec<Vec<Vec<Rational>>> = text
        .split('|')
        .map(|plane| plane.split(';').map(|row| row.split_whitespace().map(q).collect()).collect())
        .collect();
    let size = [channels.len(), channels[0].len(), channels[0][0].len()];
    let values: Vec<Rational> = channels.into_iter().flatten().flatten().collect();
    assert_eq!(values.len(), size.iter().product::<usize>(), "ragged: {text}");
    (size, values)
}

pub(crate) fn image(text: &str) -> Image {
    let ([c, h, w], values) = parse(text);
    Image::new(c, h, w, values).unwrap()
}

/// The planes in the order `[out][in]`.
pub(crate) fn array(outputs: usize, text: &str) -> Array4 {
    let ([planes, h, w], values) = parse(text);
    Array4::new([outputs, planes / outputs, h, w], values).unwrap()
}

/// A constant with `outputs` output channels, its planes in the order `[out][in]`.
pub(crate) fn channels(outputs: usize, text: &str) -> KernelTerm {
    let array = array(outputs, text);
    let [o, c, h, w] = array.shape();
    KernelTerm::constant(ConcreteKernel::from_rationals(Shape::new(o, c, h, w), &array.values()).unwrap())
}

pub(crate) fn expr_of(outputs: usize, text: &str) -> Arc<KernelExpr> {
    Arc::new(channels(outputs, text).expr().clone())
}

pub(crate) fn plane(text: &str) -> KernelTerm {
    channels(1, text)
}

pub(crate) fn expr(text: &str) -> Arc<KernelExpr> {
    Arc::new(plane(text).expr().clone())
}

pub(crate) fn layer(layer: Layer) -> Arc<Stack> {
    Arc::new(Stack::layer(layer, Origin::NOWHERE))
}

pub(crate) fn chain(stacks: &[Arc<Stack>]) -> Arc<Stack> {
    Arc::new(Stack::chain(stacks.iter().map(|stack| &**stack), Origin::NOWHERE))
}

pub(crate) fn sum(terms: &[(&str, Arc<Stack>)]) -> Arc<Stack> {
    let terms = terms.iter().map(|(factor, stack)| (plane(factor), &**stack)).collect();
    Arc::new(Stack::sum(NonEmpty::of(terms).expect("a branch"), Origin::NOWHERE))
}

pub(crate) fn concat(parts: &[Arc<Stack>]) -> Arc<Stack> {
    let parts = parts.iter().map(|part| &**part).collect();
    Arc::new(Stack::concat(NonEmpty::of(parts).expect("a branch"), Origin::NOWHERE))
}

pub(crate) fn plain_conv(kernel: KernelTerm) -> Conv {
    Conv::plain(kernel, 1)
}

pub(crate) fn conv(text: &str) -> Arc<Stack> {
    layer(Layer::Conv(plain_conv(plane(text))))
}

pub(crate) fn plain_transpose(kernel: KernelTerm) -> ConvTranspose {
    ConvTranspose::plain(kernel, 1)
}

pub(crate) fn plain_pool(size: usize) -> AveragePool {
    AveragePool {
        average: true,
        size: [size, size],
        stride: [size, size],
        padding: Padding::Sides(Ends::NONE),
        count_include_pad: true,
        ceil_mode: false,
    }
}

pub(crate) fn average(size: usize) -> Arc<Stack> {
    layer(Layer::Pool(plain_pool(size)))
}

pub(crate) fn max_pool(size: usize, padding: i64) -> Arc<Stack> {
    let padding = Padding::Sides(ends([padding; 4]));
    layer(Layer::MaxPool(MaxPool { size: [size; 2], stride: [size; 2], padding, ceil_mode: false }))
}

pub(crate) fn eval(stack: &Stack, x: &Image) -> Result<Image, EvaluateError> {
    run(stack, x, &Weights::new())
}

/// What a single layer makes of an image.
pub(crate) fn one(one: Layer, x: &str) -> Result<Image, EvaluateError> {
    eval(&layer(one), &image(x))
}
