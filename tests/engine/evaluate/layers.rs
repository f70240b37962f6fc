//! Each layer on images small enough to follow by hand, and what it refuses.

use convproof::evaluate::{EvaluateError, MAX_CELLS, MAX_DEPTH};
use convproof::ir::{
    AveragePool, Conv, ConvTranspose, KernelTerm, Layer, MaxPool, Operation, Padding, Upsample, ends,
};

use super::build::{
    chain, channels, concat, conv, eval, image, layer, max_pool, one, plain_conv, plain_pool,
    plain_transpose, plane, sum,
};

const NINE: &str = "1 2 3; 4 5 6; 7 8 9";

fn sides(all: i64) -> Padding {
    Padding::Sides(ends([all; 4]))
}

#[test]
fn convolution_with_padding_stride_and_bias() {
    let layer = Conv {
        stride: [2, 2],
        padding: sides(1),
        bias: Some(plane("1/2")),
        ..plain_conv(plane("1 0 0; 0 10 0; 0 0 100"))
    };
    // Centres at the four corners: 10·1 + 100·5, 10·3, 10·7, 9·10 + 5.
    assert_eq!(one(Layer::Conv(layer), NINE), Ok(image("510.5 30.5; 70.5 95.5")));
}

#[test]
fn convolution_with_dilation_and_uneven_sides() {
    let layer = Conv {
        dilation: [1, 2],
        padding: Padding::Sides(ends([1, 0, 0, 1])),
        ..plain_conv(plane("1 10; 100 1000"))
    };
    // Rows -1..2 and columns 0..3 exist; taps two columns apart.
    assert_eq!(one(Layer::Conv(layer), NINE), Ok(image("3100 200; 6431 502; 9764 805")));
}

#[test]
fn negative_padding_removes_cells() {
    let cropped = Conv { padding: Padding::Sides(ends([-1, 0, 0, -1])), ..plain_conv(plane("1 1; 1 1")) };
    assert_eq!(one(Layer::Conv(cropped), NINE), Ok(image("24")));
    assert_eq!(one(Layer::Pad(ends([-1, 1, 0, -2])), NINE), Ok(image("0 4; 0 7")));
}

#[test]
fn grouped_convolution_reads_its_own_channels() {
    let layer = |groups| Conv {
        groups,
        bias: Some(plane("0 0 0 1")),
        ..plain_conv(channels(4, "1 | 10 | 100 | 1000"))
    };
    assert_eq!(one(Layer::Conv(layer(2)), "2 | 3"), Ok(image("2 | 20 | 300 | 3001")));
    let wide = Conv { groups: 2, ..plain_conv(channels(2, "1 | 10 | 100 | 1000")) };
    assert_eq!(one(Layer::Conv(wide), "1 | 2 | 3 | 4"), Ok(image("21 | 4300")));
    let three = one(Layer::Conv(layer(3)), "2 | 3");
    assert_eq!(three, Err(EvaluateError::Malformed));
    assert_eq!(
        one(Layer::Conv(layer(2)), "2"),
        Err(EvaluateError::ChannelMismatch { expected: 2, found: 1 })
    );
}

#[test]
fn channels_of_zeros_add_nothing() {
    // Two groups, of which one reads zeros only.
    let kernel = || channels(2, "1 2; 3 4 | 5 6; 7 8");
    let grouped = |text: &str| one(Layer::Conv(Conv { groups: 2, ..plain_conv(kernel()) }), text);
    assert_eq!(grouped("1 0; 0 0 | 0 0; 0 0"), Ok(image("1 | 0")));
    assert_eq!(grouped("0 0; 0 0 | 0 1; 0 0"), Ok(image("0 | 6")));
    assert_eq!(grouped("0 0; 0 0 | 0 0; 0 0"), Ok(image("0 | 0")));
    assert_eq!(one(Layer::Conv(plain_conv(kernel())), "0 0; 0 1"), Ok(image("4 | 8")));
}

#[test]
fn same_padding_puts_the_odd_zero_at_the_end_or_the_start() {
    let layer = |padding, stride: usize| {
        Layer::Conv(Conv { padding, stride: [1, stride], ..plain_conv(plane("1 10")) })
    };
    assert_eq!(one(layer(Padding::SameUpper, 1), "1 2 3"), Ok(image("21 32 3")));
    assert_eq!(one(layer(Padding::SameLower, 1), "1 2 3"), Ok(image("10 21 32")));
    assert_eq!(one(layer(Padding::SameUpper, 2), "1 2 3"), Ok(image("21 3")));
    assert_eq!(one(layer(Padding::SameLower, 2), "1 2 3"), Ok(image("10 32")));
    // ⌈4/3⌉ outputs need no padding, and never a negative one.
    assert_eq!(one(layer(Padding::SameUpper, 3), "1 2 3 4 5 6"), Ok(image("21 54")));
}

#[test]
fn transposed_convolution() {
    let plain = plain_transpose(plane("1 10 100"));
    let strided = ConvTranspose { stride: [1, 2], ..plain.clone() };
    assert_eq!(one(Layer::ConvTranspose(strided.clone()), "1 2 3"), Ok(image("1 10 102 20 203 30 300")));
    let cut = ConvTranspose {
        padding: ends([0, 1, 0, 2]),
        output_padding: [0, 1],
        bias: Some(plane("5")),
        ..strided.clone()
    };
    assert_eq!(one(Layer::ConvTranspose(cut), "1 2 3"), Ok(image("15 107 25 208 35")));
    let more = ConvTranspose { padding: ends([0, -1, 0, 0]), output_padding: [1, 0], ..strided };
    assert_eq!(
        one(Layer::ConvTranspose(more), "1 2 3"),
        Ok(image("0 1 10 102 20 203 30 300; 0 0 0 0 0 0 0 0"))
    );
    let dilated = ConvTranspose { dilation: [1, 3], ..plain };
    assert_eq!(one(Layer::ConvTranspose(dilated), "1 2"), Ok(image("1 2 0 10 20 0 100 200")));
}

#[test]
fn transposed_convolution_stores_inputs_first() {
    let kernel = channels(2, "1 | 10 | 100 | 1000"); // [in 2, out 2]
    assert_eq!(one(Layer::ConvTranspose(plain_transpose(kernel)), "2 | 3"), Ok(image("302 | 3020")));
    let grouped = ConvTranspose { groups: 2, ..plain_transpose(channels(2, "1 | 10 | 100 | 1000")) };
    assert_eq!(one(Layer::ConvTranspose(grouped), "2 | 3"), Ok(image("2 | 20 | 300 | 3000")));
}

#[test]
fn the_divisor_of_an_average_counts_padding_or_not() {
    let pool = |count_include_pad, ceil_mode| {
        Layer::Pool(AveragePool {
            stride: [2, 2],
            padding: sides(1),
            count_include_pad,
            ceil_mode,
            ..plain_pool(3)
        })
    };
    let x = "9 9 9; 9 9 9; 9 9 9";
    assert_eq!(one(pool(true, false), x), Ok(image("4 4; 4 4")));
    assert_eq!(one(pool(false, false), x), Ok(image("9 9; 9 9")));
    // Rounded up on 4 columns a third window starts at column 3: it holds one real column, one padded column
    // that counts, and nothing beyond that.
    let x = "36 36 36 36";
    assert_eq!(one(pool(true, true), x), Ok(image("8 12 6")));
    assert_eq!(one(pool(false, true), x), Ok(image("36 36 36")));
    let sums = AveragePool { average: false, stride: [2, 2], padding: sides(1), ..plain_pool(3) };
    assert_eq!(one(Layer::Pool(sums), NINE), Ok(image("12 16; 24 28")));
}

#[test]
fn ceil_mode_starts_no_window_in_the_padding_after_the_end() {
    let pool = |padding| {
        Layer::Pool(AveragePool { ceil_mode: true, padding: Padding::Sides(ends(padding)), ..plain_pool(2) })
    };
    assert_eq!(one(pool([0; 4]), "1 2 3; 4 5 6; 7 8 12"), Ok(image("3 4.5; 7.5 12")));
    // 3 + 2 columns make 2.5 windows; the third would start at column 3, which is not there.
    assert_eq!(one(pool([0, 1, 0, 1]), "2 4 6; 2 4 6"), Ok(image("1 5")));
    assert_eq!(one(pool([0; 4]), "5"), Ok(image("5")));
    assert_eq!(one(Layer::Pool(plain_pool(2)), "5"), Err(EvaluateError::NoOutput));
    // A crop is not undone by a window that hangs over.
    assert_eq!(one(pool([0, 0, 0, -1]), "2 4 6 8; 2 4 6 8"), Ok(image("3 6")));
}

#[test]
fn same_pooling_counts_its_padding_only_if_asked() {
    let pool = |count_include_pad| {
        Layer::Pool(AveragePool { padding: Padding::SameUpper, count_include_pad, ..plain_pool(2) })
    };
    assert_eq!(one(pool(true), "4 4 4"), Ok(image("2 1")));
    assert_eq!(one(pool(false), "4 4 4"), Ok(image("4 4")));
}

#[test]
fn maximum_ignores_padding() {
    let x = "-1 -2 -3; -4 -5 -6; -7 -8 -9";
    assert_eq!(eval(&max_pool(2, 0), &image(x)), Ok(image("-1")));
    assert_eq!(eval(&max_pool(2, 1), &image(x)), Ok(image("-1 -2; -4 -5")));
    assert_eq!(eval(&max_pool(1, 1), &image("1")), Err(EvaluateError::EmptyWindow));
    let pool = MaxPool {
        size: [1, 2],
        stride: [1, 1],
        padding: Padding::Sides(ends([0, 0, 0, -1])),
        ceil_mode: false,
    };
    assert_eq!(one(Layer::MaxPool(pool), "1 5 2 9"), Ok(image("5 5")));
}

#[test]
fn windows_without_a_cell_have_no_mean() {
    let far = AveragePool { count_include_pad: false, padding: sides(2), ..plain_pool(2) };
    assert_eq!(one(Layer::Pool(far.clone()), NINE), Err(EvaluateError::EmptyWindow));
    let counted = AveragePool { count_include_pad: true, ..far };
    assert_eq!(one(Layer::Pool(counted), "4"), Ok(image("0 0; 0 1")));
}

#[test]
fn layers_that_move_cells() {
    assert_eq!(one(Layer::Subsample([2, 1]), NINE), Ok(image("1 2 3; 7 8 9")));
    assert_eq!(one(Layer::Pad(ends([1, 0, 0, 2])), "1 2"), Ok(image("0 0 0 0; 1 2 0 0")));
    let up = |nearest| Layer::Upsample(Upsample { factor: [1, 3], nearest });
    assert_eq!(one(up(true), "1 2"), Ok(image("1 1 1 2 2 2")));
    assert_eq!(one(up(false), "1 2"), Ok(image("1 0 0 2 0 0")));
    assert_eq!(one(Layer::Select { from: 1, to: 3 }, "1 | 2 | 3 | 4"), Ok(image("2 | 3")));
    assert_eq!(
        one(Layer::Select { from: 1, to: 3 }, "1 | 2"),
        Err(EvaluateError::ChannelMismatch { expected: 3, found: 2 })
    );
    assert_eq!(one(Layer::Select { from: 1, to: 1 }, "1 | 2"), Err(EvaluateError::Malformed));
}

#[test]
fn space_and_depth() {
    let x = "1 2 3 4; 5 6 7 8 | 11 12 13 14; 15 16 17 18";
    let phases = "1 3 | 2 4 | 5 7 | 6 8 | 11 13 | 12 14 | 15 17 | 16 18";
    assert_eq!(one(Layer::SpaceToDepth(2), x), Ok(image(phases)));
    assert_eq!(one(Layer::DepthToSpace(2), phases), Ok(image(x)));
    assert_eq!(one(Layer::SpaceToDepth(2), NINE), Err(EvaluateError::NoOutput));
    assert_eq!(
        one(Layer::DepthToSpace(2), "1 | 2 | 3"),
        Err(EvaluateError::ChannelMismatch { expected: 4, found: 3 })
    );
}

#[test]
fn layers_that_work_channel_by_channel() {
    let x = "1 -2 | -3 4";
    assert_eq!(one(Layer::Scale(plane("2 1/3")), x), Ok(image("2 -4 | -1 4/3")));
    assert_eq!(one(Layer::Scale(plane("2")), x), Ok(image("2 -4 | -6 8")));
    assert_eq!(one(Layer::Bias(plane("10 20")), x), Ok(image("11 8 | 17 24")));
    assert_eq!(one(Layer::Bias(plane("10")), x), Ok(image("11 8 | 7 14")));
    assert_eq!(
        one(Layer::Bias(plane("1 2 3")), x),
        Err(EvaluateError::ChannelMismatch { expected: 2, found: 3 })
    );
    assert_eq!(one(Layer::Relu, x), Ok(image("1 0 | 0 4")));
    assert_eq!(one(Layer::GlobalAverage, "1 2; 3 5 | 1 1; 1 1"), Ok(image("11/4 | 1")));
}

#[test]
fn dense_flattens_channel_by_channel() {
    let dense = Layer::Dense { weights: plane("1 10 100 1000; 0 0 0 1"), bias: Some(plane("0 1/2")) };
    assert_eq!(one(dense.clone(), "1 2 | 3 4"), Ok(image("4321 | 4.5")));
    let wrong = one(dense, "1 2 3");
    assert!(matches!(wrong, Err(EvaluateError::SizeMismatch { .. })), "{wrong:?}");
    assert!(wrong.unwrap_err().is_no_output());
}

#[test]
fn chains_sums_and_joined_channels() {
    let x = image("1 2 3");
    assert_eq!(eval(&chain(&[]), &x), Ok(x.clone()));
    let branches = sum(&[("1/2", conv("1 1")), ("-1", conv("1 0"))]);
    assert_eq!(eval(&branches, &x), Ok(image("1/2 1/2")));
    let joined = concat(&[conv("1 1"), chain(&[conv("1 0"), layer(Layer::Relu)])]);
    assert_eq!(eval(&joined, &x), Ok(image("3 5 | 1 2")));
    for uneven in [sum(&[("1", conv("1 1")), ("1", conv("1"))]), concat(&[conv("1 1"), conv("1")])] {
        let error = eval(&uneven, &x);
        assert_eq!(error, Err(EvaluateError::SizeMismatch { left: [1, 1, 2], right: [1, 1, 3] }));
    }
}

#[test]
fn numbers_without_meaning_are_refused() {
    for layer in [
        Layer::Conv(Conv { stride: [0, 1], ..plain_conv(plane("1")) }),
        Layer::Conv(Conv { dilation: [1, 0], ..plain_conv(plane("1")) }),
        Layer::Conv(Conv { groups: 0, ..plain_conv(plane("1")) }),
        Layer::ConvTranspose(ConvTranspose { stride: [0, 1], ..plain_transpose(plane("1")) }),
        Layer::ConvTranspose(ConvTranspose { groups: 0, ..plain_transpose(plane("1")) }),
        Layer::Pool(plain_pool(0)),
        Layer::Subsample([1, 0]),
        Layer::SpaceToDepth(0),
        Layer::DepthToSpace(0),
        Layer::Upsample(Upsample { factor: [0, 1], nearest: true }),
        Layer::Upsample(Upsample { factor: [0, 1], nearest: false }),
    ] {
        assert_eq!(one(layer.clone(), NINE), Err(EvaluateError::Malformed), "{layer:?}");
    }
}

#[test]
fn limits_end_with_an_error() {
    let huge = 1 << 40;
    for layer in [
        Layer::Pad(ends([huge, 0, 0, 0])),
        Layer::Pad(ends([4000, 4000, 4000, 4000])),
        Layer::Upsample(Upsample { factor: [5000, 5000], nearest: true }),
        Layer::DepthToSpace(usize::MAX),
        Layer::SpaceToDepth(usize::MAX),
    ] {
        let result = one(layer.clone(), NINE);
        assert!(
            matches!(result, Err(EvaluateError::TooLarge | EvaluateError::NoOutput)),
            "{layer:?}: {result:?}"
        );
    }
    // Vast windows cost no more than the cells under them: one of four holds the image.
    let vast = AveragePool { padding: sides(1 << 29), ..plain_pool(1 << 29) };
    assert_eq!(one(Layer::Pool(vast), NINE), Ok(image("0 0; 0 45/288230376151711744")));
    // Sums inside one another are no deeper than others.
    let deep = (0..2 * MAX_DEPTH).fold(conv("1"), |inner, _| concat(&[sum(&[("1", inner)])]));
    assert_eq!(eval(&deep, &image("1")), Ok(image("1")));
    let wide = layer(Layer::Upsample(Upsample { factor: [2048, 2048], nearest: true }));
    assert_eq!(eval(&wide, &image("1")).unwrap().values().len(), MAX_CELLS);
    let branches = sum(&vec![("1", wide); 9]);
    assert_eq!(eval(&branches, &image("1")), Err(EvaluateError::TooLarge));
    // Numbers of 2^16 digits, copied.
    let long =
        (0..16).fold(plane("10"), |inner, _| KernelTerm::apply(Operation::Hadamard(&inner, &inner)).unwrap());
    let copies = Layer::Upsample(Upsample { factor: [1000, 1000], nearest: true });
    let copied = chain(&[layer(Layer::Bias(long)), layer(copies)]);
    assert_eq!(eval(&copied, &image("1")), Err(EvaluateError::TooLarge));
}
