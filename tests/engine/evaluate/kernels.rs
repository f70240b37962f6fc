//! Kernel expressions, and the kernels of stacks, against values worked out by hand.

use std::sync::Arc;

use convproof::algebra::{Rational, Symbol};
use convproof::evaluate::{Array4, EvaluateError, MAX_DEPTH, Weights, kernel};
use convproof::ir::{AveragePool, Conv, ConvTranspose, KernelExpr, Layer, Padding, Stack, Upsample, ends};
use convproof::kernel::Shape;

use super::build::{
    array, average, chain, channels, concat, conv, expr, expr_of, layer, max_pool, plain_conv, plain_pool,
    plain_transpose, plane, q, sum,
};

fn value(expr: &KernelExpr) -> Result<Array4, EvaluateError> {
    kernel(expr, &Weights::new())
}

fn of_stack(stack: Arc<Stack>) -> Result<Array4, EvaluateError> {
    value(&KernelExpr::OfStack(stack))
}

#[test]
fn free_kernels_take_their_weights_and_otherwise_0() {
    let free = KernelExpr::Free { first: Symbol(7), shape: Shape::new(1, 1, 2, 2) };
    let weights = [(Symbol(7), q("1/2")), (Symbol(10), q("-3")), (Symbol(11), q("9"))].into_iter().collect();
    assert_eq!(kernel(&free, &weights), Ok(array(1, "1/2 0; 0 -3")));
    let entries = vec![expr("1"), Arc::new(KernelExpr::Entry(Arc::new(free), [0, 0, 1, 1]))];
    let literal = KernelExpr::Array { shape: Shape::new(1, 1, 1, 2), entries };
    assert_eq!(kernel(&literal, &weights), Ok(array(1, "1 -3")));
    let last = KernelExpr::Free { first: Symbol(u32::MAX), shape: Shape::new(1, 1, 1, 2) };
    assert_eq!(kernel(&last, &weights), Err(EvaluateError::Malformed));
}

#[test]
fn entrywise_operations() {
    let (a, b) = (expr("1 2; 3 4"), expr("5 6; 7 8"));
    assert_eq!(value(&KernelExpr::Add(a.clone(), b.clone())), Ok(array(1, "6 8; 10 12")));
    assert_eq!(value(&KernelExpr::Sub(a.clone(), b.clone())), Ok(array(1, "-4 -4; -4 -4")));
    assert_eq!(value(&KernelExpr::Negate(a.clone())), Ok(array(1, "-1 -2; -3 -4")));
    assert_eq!(value(&KernelExpr::Hadamard(a.clone(), b.clone())), Ok(array(1, "5 12; 21 32")));
    assert_eq!(value(&KernelExpr::Divide(a.clone(), b.clone())), Ok(array(1, "1/5 1/3; 3/7 1/2")));
    assert_eq!(value(&KernelExpr::Divide(a.clone(), expr("2"))), Ok(array(1, "1/2 1; 3/2 2")));
    assert_eq!(value(&KernelExpr::Sum(a.clone())), Ok(array(1, "10")));
    assert_eq!(value(&KernelExpr::Divide(b, expr("0 1; 1 1"))), Err(EvaluateError::DivisionByZero));
    let uneven = value(&KernelExpr::Add(a.clone(), expr("1 2")));
    assert_eq!(uneven, Err(EvaluateError::ShapeMismatch { left: [1, 1, 2, 2], right: [1, 1, 1, 2] }));
    assert_eq!(value(&KernelExpr::Entry(a, [0, 0, 2, 0])), Err(EvaluateError::Malformed));
}

#[test]
fn square_roots_are_exact_or_refused() {
    let root = |text| value(&KernelExpr::Sqrt(expr(text)));
    assert_eq!(root("9/4 0 1/1000000"), Ok(array(1, "3/2 0 1/1000")));
    for irrational in ["2", "1/3", "4/3", "-4"] {
        assert_eq!(root(irrational), Err(EvaluateError::Irrational), "{irrational}");
    }
}

#[test]
fn convolution_is_full_and_multiplies_channels() {
    let product = value(&KernelExpr::Convolve(expr("1 2"), expr("1 10; 100 1000")));
    assert_eq!(product, Ok(array(1, "1 12 20; 100 1200 2000")));
    // First [2,1] then [1,2]: one channel; the other way round, two.
    let (spread, join) = (expr_of(2, "1 2 | 3 4"), expr_of(1, "10 | 100"));
    assert_eq!(value(&KernelExpr::Convolve(spread.clone(), join.clone())), Ok(array(1, "310 420")));
    let outer = value(&KernelExpr::Convolve(join, spread.clone()));
    assert_eq!(outer, Ok(array(2, "10 20 | 100 200 | 30 40 | 300 400")));
    assert_eq!(value(&KernelExpr::Convolve(spread.clone(), expr("5"))), Ok(array(2, "5 10 | 15 20")));
    assert_eq!(value(&KernelExpr::Convolve(expr("5"), spread.clone())), Ok(array(2, "5 10 | 15 20")));
    let misfit = value(&KernelExpr::Convolve(spread, expr("1 1")));
    assert_eq!(misfit, Err(EvaluateError::ShapeMismatch { left: [2, 1, 1, 2], right: [1, 1, 1, 2] }));
}

#[test]
fn powers() {
    assert_eq!(value(&KernelExpr::Power(expr("1 1"), 3)), Ok(array(1, "1 3 3 1")));
    assert_eq!(value(&KernelExpr::Power(expr("1 1"), 0)), Ok(array(1, "1")));
    let swap = expr_of(2, "0 | 1 | 1 | 0");
    assert_eq!(value(&KernelExpr::Power(swap.clone(), 2)), Ok(array(2, "1 | 0 | 0 | 1")));
    assert_eq!(value(&KernelExpr::Power(swap, 0)), Ok(array(2, "1 | 0 | 0 | 1")));
    assert_eq!(value(&KernelExpr::Power(expr("1"), u32::MAX)), Err(EvaluateError::TooLarge));
}

#[test]
fn rearrangements() {
    let a = expr("1 2; 3 4; 5 6");
    assert_eq!(value(&KernelExpr::Dilate(a.clone(), [1, 2])), Ok(array(1, "1 0 2; 3 0 4; 5 0 6")));
    assert_eq!(
        value(&KernelExpr::Dilate(a.clone(), [3, 1])),
        Ok(array(1, "1 2; 0 0; 0 0; 3 4; 0 0; 0 0; 5 6"))
    );
    assert_eq!(
        value(&KernelExpr::Repeat(a.clone(), [1, 3])),
        Ok(array(1, "1 1 1 2 2 2; 3 3 3 4 4 4; 5 5 5 6 6 6"))
    );
    assert_eq!(value(&KernelExpr::Flip(a.clone())), Ok(array(1, "6 5; 4 3; 2 1")));
    assert_eq!(value(&KernelExpr::Transpose(a.clone())), Ok(array(1, "1 3 5; 2 4 6")));
    let padded = Arc::new(KernelExpr::Pad(expr("1 2"), ends([1, 0, 0, 2])));
    assert_eq!(value(&padded), Ok(array(1, "0 0 0 0; 1 2 0 0")));
    assert_eq!(value(&KernelExpr::Trim(padded.clone(), ends([1, 0, 0, 2]))), Ok(array(1, "1 2")));
    assert_eq!(value(&KernelExpr::Trim(padded.clone(), ends([1, 1, 0, 2]))), Err(EvaluateError::Malformed));
    assert_eq!(value(&KernelExpr::Trim(padded, ends([2, 0, 0, 0]))), Err(EvaluateError::Malformed));
    assert_eq!(value(&KernelExpr::Outer(expr("1 2"), expr("3 4 5"))), Ok(array(1, "3 4 5; 6 8 10")));
    assert_eq!(value(&KernelExpr::Reshape(a.clone(), Shape::new(3, 2, 1, 1))), Ok(array(3, "1|2|3|4|5|6")));
    let wrong = value(&KernelExpr::Reshape(a.clone(), Shape::new(1, 1, 1, 5)));
    assert!(matches!(wrong, Err(EvaluateError::ShapeMismatch { .. })));
    for nothing in [KernelExpr::Dilate(a.clone(), [0, 1]), KernelExpr::Repeat(a.clone(), [1, 0])] {
        assert_eq!(value(&nothing), Err(EvaluateError::Malformed));
    }
    for vast in [KernelExpr::Repeat(a.clone(), [usize::MAX; 2]), KernelExpr::Pad(a, ends([usize::MAX; 4]))] {
        assert_eq!(value(&vast), Err(EvaluateError::TooLarge));
    }
}

#[test]
fn scaling_channels() {
    let kernel = expr_of(2, "1 2 | 3 4 | 5 6 | 7 8");
    let outputs = KernelExpr::ScaleOutputs(kernel.clone(), expr("1 10"));
    assert_eq!(value(&outputs), Ok(array(2, "1 2 | 3 4 | 50 60 | 70 80")));
    let inputs = KernelExpr::ScaleInputs(kernel.clone(), expr("1 10"));
    assert_eq!(value(&inputs), Ok(array(2, "1 2 | 30 40 | 5 6 | 70 80")));
    let wrong = KernelExpr::ScaleInputs(kernel, expr("1 10 100"));
    assert_eq!(value(&wrong), Err(EvaluateError::ChannelMismatch { expected: 2, found: 3 }));
}

#[test]
fn applying_a_stack_gives_an_image() {
    let blur = conv("1 1; 1 1");
    let x = expr_of(1, "1 2 3; 4 5 6");
    assert_eq!(value(&KernelExpr::Apply(blur.clone(), x)), Ok(array(1, "12 16")));
    let joined = concat(&[conv("1"), conv("2")]);
    assert_eq!(value(&KernelExpr::Apply(joined, expr("1 2"))), Ok(array(2, "1 2 | 2 4")));
    let two = expr_of(1, "1 | 2"); // [1,2,1,1]: not an image
    let wrong = value(&KernelExpr::Apply(blur, two));
    assert_eq!(wrong, Err(EvaluateError::ChannelMismatch { expected: 1, found: 2 }));
}

#[test]
fn kernels_of_chains_compose_with_strides_and_dilations() {
    let first = Conv { stride: [1, 2], ..plain_conv(plane("1 10")) };
    let next = Conv { dilation: [1, 2], ..plain_conv(plane("1 100")) };
    // dilate(dilate("1 100", 2), 2) = 1 0 0 0 100
    let strided = chain(&[layer(Layer::Conv(first)), layer(Layer::Conv(next))]);
    assert_eq!(of_stack(strided), Ok(array(1, "1 10 0 0 100 1000")));
    let subsampled = chain(&[layer(Layer::Subsample([1, 3])), conv("1 2")]);
    assert_eq!(of_stack(subsampled), Ok(array(1, "1 0 0 2")));
    assert_eq!(of_stack(chain(&[conv("0 1 0"), conv("0 1")])), Ok(array(1, "0 0 1 0")));
    assert_eq!(of_stack(chain(&[])), Ok(array(1, "1")));
    assert_eq!(
        of_stack(chain(&[average(2), average(2)])),
        Ok(array(1, "1/16 1/16 1/16 1/16;".repeat(4).trim_end_matches(';')))
    );
}

#[test]
fn kernels_are_those_of_the_interior() {
    let padded = |kernel, padding| layer(Layer::Conv(Conv { padding, ..plain_conv(plane(kernel)) }));
    let a = "1 2 3; 4 5 6; 7 8 9";
    for padding in [
        Padding::Sides(ends([1; 4])),
        Padding::Sides(ends([5, 0, 0, -1])),
        Padding::SameUpper,
        Padding::SameLower,
    ] {
        assert_eq!(of_stack(padded(a, padding)), Ok(array(1, a)), "{padding:?}");
    }
    let twice =
        chain(&[padded("1 1 1", Padding::Sides(ends([0, 1, 0, 1]))), padded("1 2 1", Padding::SameUpper)]);
    assert_eq!(of_stack(twice), Ok(array(1, "1 3 4 3 1")));
    let pool = AveragePool {
        stride: [1, 1],
        padding: Padding::Sides(ends([0, 1, 0, 1])),
        size: [1, 3],
        count_include_pad: false,
        ..plain_pool(1)
    };
    assert_eq!(of_stack(layer(Layer::Pool(pool))), Ok(array(1, "1/3 1/3 1/3")));
    let affine = chain(&[layer(Layer::Bias(plane("7"))), conv("1 2"), layer(Layer::Bias(plane("-1")))]);
    assert_eq!(of_stack(affine), Ok(array(1, "1 2")));
}

#[test]
fn kernels_of_branches_cover_all_of_their_fields() {
    let padded = |kernel, padding| {
        layer(Layer::Conv(Conv { padding: Padding::Sides(ends(padding)), ..plain_conv(plane(kernel)) }))
    };
    let residual = sum(&[("1", padded("1 2 3; 4 5 6; 7 8 9", [1; 4])), ("10", chain(&[]))]);
    assert_eq!(of_stack(residual), Ok(array(1, "1 2 3; 4 15 6; 7 8 9")));
    let before = sum(&[("1", padded("1 2", [0, 1, 0, 0])), ("1", padded("10 20", [0, 0, 0, 1]))]);
    assert_eq!(of_stack(before), Ok(array(1, "1 12 20")));
    let joined = concat(&[conv("1 2"), padded("3", [0, 0, 0, -1])]);
    assert_eq!(of_stack(joined), Ok(array(2, "1 2 | 3 0")));
    let uneven = sum(&[("1", conv("1 2")), ("1", conv("1"))]);
    assert_eq!(of_stack(uneven), Err(EvaluateError::NoKernel));
}

#[test]
fn kernels_between_channels() {
    let spread = layer(Layer::Conv(plain_conv(channels(2, "1 2 | 3 4"))));
    let join = layer(Layer::Conv(plain_conv(channels(1, "10 | 100"))));
    assert_eq!(of_stack(chain(&[spread, join.clone()])), Ok(array(1, "310 420")));
    let grouped = Conv { groups: 2, ..plain_conv(channels(2, "1 2 | 3 4")) };
    assert_eq!(of_stack(layer(Layer::Conv(grouped))), Ok(array(2, "1 2 | 0 0 | 0 0 | 3 4")));
    assert_eq!(of_stack(chain(&[average(1), join])), Ok(array(1, "10 | 100")));
    assert_eq!(of_stack(layer(Layer::Select { from: 1, to: 2 })), Ok(array(1, "0 | 1")));
    let mixed =
        chain(&[layer(Layer::SpaceToDepth(2)), layer(Layer::Conv(plain_conv(channels(1, "1|2|3|4"))))]);
    assert_eq!(of_stack(mixed), Ok(array(1, "1 2; 3 4")));
}

#[test]
fn kernels_of_stacks_that_spread_cells_apart() {
    let up = layer(Layer::Upsample(Upsample { factor: [2, 2], nearest: true }));
    let holes = layer(Layer::Upsample(Upsample { factor: [1, 2], nearest: false }));
    let strided = |kernel, stride| layer(Layer::Conv(Conv { stride, ..plain_conv(plane(kernel)) }));
    assert_eq!(of_stack(up.clone()), Err(EvaluateError::NoKernel));
    assert_eq!(of_stack(holes.clone()), Err(EvaluateError::NoKernel));
    assert_eq!(of_stack(chain(&[up.clone(), strided("1 2; 3 4", [2, 2])])), Ok(array(1, "10")));
    assert_eq!(of_stack(chain(&[up.clone(), layer(Layer::Subsample([2, 2]))])), Ok(array(1, "1")));
    assert_eq!(of_stack(chain(&[holes, strided("1 2 3", [1, 2])])), Ok(array(1, "1 3")));
    let plain = plain_transpose(plane("1 2 3"));
    assert_eq!(of_stack(layer(Layer::ConvTranspose(plain.clone()))), Ok(array(1, "3 2 1")));
    let spread = layer(Layer::ConvTranspose(ConvTranspose { stride: [1, 2], ..plain }));
    assert_eq!(of_stack(spread.clone()), Err(EvaluateError::NoKernel));
    assert_eq!(of_stack(chain(&[spread, layer(Layer::Subsample([1, 2]))])), Ok(array(1, "3 1")));
    // Every output reads one cell more than the last, but not with the same weights.
    let wide = Conv { padding: Padding::Sides(ends([0, 2, 0, 2])), ..plain_conv(plane("1 1 1 1 1")) };
    let phases = sum(&[
        ("1", layer(Layer::Conv(wide))),
        (
            "1",
            chain(&[
                strided("1", [1, 2]),
                layer(Layer::Upsample(Upsample { factor: [1, 2], nearest: true })),
            ]),
        ),
    ]);
    assert_eq!(of_stack(phases), Err(EvaluateError::NoKernel));
}

#[test]
fn stacks_without_a_kernel() {
    for stack in [
        layer(Layer::Relu),
        max_pool(2, 0),
        layer(Layer::GlobalAverage),
        layer(Layer::Dense { weights: plane("1 2"), bias: None }),
        chain(&[conv("1 1"), layer(Layer::Relu), conv("1 1")]),
    ] {
        assert_eq!(of_stack(stack), Err(EvaluateError::NoKernel));
    }
}

#[test]
fn deep_and_shared_expressions_end() {
    let deep = (0..MAX_DEPTH).fold(expr("1"), |inner, _| Arc::new(KernelExpr::Negate(inner)));
    assert_eq!(value(&deep), Err(EvaluateError::TooDeep));
    let less = (1..MAX_DEPTH).fold(expr("1"), |inner, _| Arc::new(KernelExpr::Negate(inner)));
    assert_eq!(value(&less).unwrap().values()[0].abs(), Rational::ONE);
    // 2^90 paths but 91 expressions.
    let shared = (0..90).fold(expr("1"), |inner, _| Arc::new(KernelExpr::Add(inner.clone(), inner)));
    assert_eq!(value(&shared).unwrap().values()[0], Rational::from(2).pow(90).unwrap());
    // Numbers whose length doubles with every step.
    let squares = (0..90).fold(expr("3"), |inner, _| Arc::new(KernelExpr::Hadamard(inner.clone(), inner)));
    assert_eq!(value(&squares), Err(EvaluateError::TooLarge));
}
