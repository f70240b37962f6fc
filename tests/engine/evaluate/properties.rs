//! Laws that hold for all layers, on random ones.

use std::sync::Arc;

use convproof::algebra::Rational;
use convproof::evaluate::{Array4, Image, Weights, kernel};
use convproof::ir::{
    AveragePool, Conv, ConvTranspose, Ends, KernelExpr, KernelTerm, Layer, MaxPool, Padding, Stack, Upsample,
    ends,
};
use convproof::kernel::{ConcreteKernel, Shape};
use proptest::prelude::*;

use super::build::{chain, eval, image, layer, plain_conv};

fn number() -> impl Strategy<Value = Rational> {
    prop_oneof![
        (-9i64..10).prop_map(Rational::from),
        (-9i64..10, 1i64..5).prop_map(|(n, d)| Rational::ratio(n, d).unwrap())
    ]
}

fn random_kernel(shape: [usize; 4]) -> impl Strategy<Value = KernelTerm> {
    let [o, c, h, w] = shape;
    prop::collection::vec(number(), o * c * h * w).prop_map(move |values| {
        KernelTerm::constant(ConcreteKernel::from_rationals(Shape::new(o, c, h, w), &values).unwrap())
    })
}

fn random_image(size: [usize; 3]) -> impl Strategy<Value = Image> {
    prop::collection::vec(number(), size.iter().product::<usize>())
        .prop_map(move |values| Image::new(size[0], size[1], size[2], values).unwrap())
}

fn pair(range: std::ops::Range<usize>) -> impl Strategy<Value = [usize; 2]> {
    [range.clone(), range]
}

fn padding(range: std::ops::Range<i64>) -> impl Strategy<Value = Padding> {
    prop_oneof![
        4 => [range.clone(), range.clone(), range.clone(), range].prop_map(|all| Padding::Sides(ends(all))),
        1 => Just(Padding::SameUpper),
        1 => Just(Padding::SameLower),
    ]
}

fn random_conv(padding: impl Strategy<Value = Padding>) -> impl Strategy<Value = Conv> {
    let kernel = pair(1..4).prop_flat_map(|[h, w]| random_kernel([1, 1, h, w]));
    (kernel, pair(1..4), pair(1..3), padding).prop_map(|(kernel, stride, dilation, padding)| Conv {
        stride,
        dilation,
        padding,
        ..plain_conv(kernel)
    })
}

fn random_pool(padding: impl Strategy<Value = Padding>) -> impl Strategy<Value = AveragePool> {
    (any::<bool>(), pair(1..4), pair(1..4), padding, any::<bool>(), any::<bool>()).prop_map(
        |(average, size, stride, padding, count_include_pad, ceil_mode)| AveragePool {
            average,
            size,
            stride,
            padding,
            count_include_pad,
            ceil_mode,
        },
    )
}

fn random_transpose() -> impl Strategy<Value = ConvTranspose> {
    let kernel = pair(1..4).prop_flat_map(|[h, w]| random_kernel([1, 1, h, w]));
    (kernel, pair(1..4), pair(1..3), [-1i64..2, -1i64..2, -1i64..2, -1i64..2], pair(0..2)).prop_map(
        |(kernel, stride, dilation, sides, output_padding)| ConvTranspose {
            kernel,
            stride,
            dilation,
            padding: ends(sides),
            output_padding,
            groups: 1,
            bias: None,
        },
    )
}

/// A linear layer from one channel to one channel.
fn linear_layer() -> impl Strategy<Value = Layer> {
    prop_oneof![
        random_conv(padding(-1..3)).prop_map(Layer::Conv),
        random_pool(padding(-1..2)).prop_map(Layer::Pool),
        random_transpose().prop_map(Layer::ConvTranspose),
        pair(1..3).prop_map(Layer::Subsample),
        [-1i64..3, -1i64..3, -1i64..3, -1i64..3].prop_map(|all| Layer::Pad(ends(all))),
        (pair(1..3), any::<bool>())
            .prop_map(|(factor, nearest)| Layer::Upsample(Upsample { factor, nearest })),
        random_kernel([1, 1, 1, 1]).prop_map(Layer::Scale),
        Just(Layer::GlobalAverage),
    ]
}

fn linear_stack() -> impl Strategy<Value = Arc<Stack>> {
    prop::collection::vec(linear_layer().prop_map(layer), 1..4).prop_map(|layers| chain(&layers))
}

/// A layer that is one strided convolution on the whole image, and its stride.
fn unpadded_layer() -> impl Strategy<Value = (Layer, [usize; 2])> {
    let valid = || Just(Padding::Sides(Ends::NONE));
    prop_oneof![
        random_conv(valid()).prop_map(|conv| (Layer::Conv(conv.clone()), conv.stride)),
        random_pool(valid()).prop_map(|pool| {
            let stride = pool.stride;
            (Layer::Pool(AveragePool { ceil_mode: false, ..pool }), stride)
        }),
        pair(1..3).prop_map(|stride| (Layer::Subsample(stride), stride)),
    ]
}

fn combine(a: &Rational, x: &Image, b: &Rational, y: &Image) -> Image {
    let values = x.values().iter().zip(y.values()).map(|(x, y)| a * x + b * y).collect();
    Image::new(x.channels(), x.height(), x.width(), values).unwrap()
}

fn inner(x: &Image, y: &Image) -> Rational {
    assert_eq!(x.size(), y.size());
    x.values().iter().zip(y.values()).map(|(x, y)| x * y).sum()
}

fn constant(array: &Array4) -> KernelTerm {
    let [o, c, h, w] = array.shape();
    KernelTerm::constant(ConcreteKernel::from_rationals(Shape::new(o, c, h, w), &array.values()).unwrap())
}

proptest! {
    #[test]
    fn stacks_of_linear_layers_are_linear(
        stack in linear_stack(),
        (x, y) in pair(1..8).prop_flat_map(|[h, w]| (random_image([1, h, w]), random_image([1, h, w]))),
        a in number(),
        b in number(),
    ) {
        let (fx, fy, both) = (eval(&stack, &x), eval(&stack, &y), eval(&stack, &combine(&a, &x, &b, &y)));
        match (fx, fy) {
            (Ok(fx), Ok(fy)) => prop_assert_eq!(both, Ok(combine(&a, &fx, &b, &fy))),
            (fx, fy) => {
                // Whether there is an output depends on the size alone.
                prop_assert_eq!(&fx, &fy);
                prop_assert_eq!(fx, both);
            }
        }
    }

    #[test]
    fn unpadded_stacks_shift_with_their_input(
        layers in prop::collection::vec(unpadded_layer(), 1..4),
        x in random_image([1, 30, 30]),
    ) {
        let stride = |axis: usize| layers.iter().map(|(_, stride)| stride[axis]).product::<usize>();
        let (down, right) = (stride(0), stride(1));
        prop_assume!(down < 20 && right < 20);
        let stack = chain(&layers.iter().map(|(one, _)| layer(one.clone())).collect::<Vec<_>>());
        let crop = |top, left| {
            let negative = |n: usize| -i64::try_from(n).unwrap();
            layer(Layer::Pad(ends([negative(top), negative(left), 0, 0])))
        };
        if let (Ok(later), Ok(whole)) = (eval(&chain(&[crop(down, right), stack.clone()]), &x), eval(&stack, &x)) {
            prop_assert_eq!(eval(&crop(1, 1), &whole), Ok(later));
        }
    }

    #[test]
    fn an_unpadded_stack_is_its_kernel(
        layers in prop::collection::vec(unpadded_layer(), 0..4),
        x in pair(1..24).prop_flat_map(|[h, w]| random_image([1, h, w])),
    ) {
        let stride = [0, 1].map(|axis| layers.iter().map(|(_, stride)| stride[axis]).product());
        let stack = chain(&layers.iter().map(|(one, _)| layer(one.clone())).collect::<Vec<_>>());
        let array = kernel(&KernelExpr::OfStack(stack.clone()), &Weights::new()).unwrap();
        let single = layer(Layer::Conv(Conv { stride, ..plain_conv(constant(&array)) }));
        prop_assert_eq!(eval(&single, &x), eval(&stack, &x));
    }

    #[test]
    fn an_average_with_padding_is_a_convolution(
        pool in random_pool(padding(-1..2)),
        x in pair(1..8).prop_flat_map(|[h, w]| random_image([1, h, w])),
    ) {
        let pool = AveragePool { count_include_pad: true, ceil_mode: false, ..pool };
        let [h, w] = pool.size;
        let weight = if pool.average { Rational::ratio(1, i64::try_from(h * w).unwrap()).unwrap() } else { Rational::ONE };
        let smooth = constant(&Array4::new([1, 1, h, w], vec![weight; h * w]).unwrap());
        let conv = Conv { stride: pool.stride, padding: pool.padding, ..plain_conv(smooth) };
        prop_assert_eq!(eval(&layer(Layer::Pool(pool)), &x), eval(&layer(Layer::Conv(conv)), &x));
    }

    /// ⟨conv(x), y⟩ = ⟨x, convtranspose(y)⟩ with one kernel, the definition of a transpose.
    #[test]
    fn transposed_convolution_is_the_transpose(
        (groups, kernel) in (1usize..3, 1usize..3, 1usize..3).prop_flat_map(|(groups, o, c)| {
            let kernel = pair(1..4).prop_flat_map(move |[h, w]| random_kernel([o * groups, c, h, w]));
            (Just(groups), kernel)
        }),
        stride in pair(1..4),
        dilation in pair(1..3),
        sides in [-1i64..3, -1i64..3, -1i64..3, -1i64..3],
        size in pair(1..8),
        seed in prop::collection::vec(number(), 49 * 4 + 400),
    ) {
        let take = |[c, h, w]: [usize; 3], from: usize| {
            let values = seed.iter().cycle().skip(from).take(c * h * w).cloned().collect();
            Image::new(c, h, w, values).unwrap()
        };
        let channels = kernel.shape().inputs * groups;
        let x = take([channels, size[0], size[1]], 0);
        let conv = Conv { stride, dilation, padding: Padding::Sides(ends(sides)), groups, ..plain_conv(kernel.clone()) };
        let Ok(forward) = eval(&layer(Layer::Conv(conv)), &x) else { return Ok(()) };
        let y = take(forward.size(), 200);
        let mut back = ConvTranspose {
            kernel, stride, dilation, padding: ends(sides), output_padding: [0, 0], groups, bias: None,
        };
        // Cells at the end that no window reaches come back as output padding.
        let Ok(short) = eval(&layer(Layer::ConvTranspose(back.clone())), &y) else { return Ok(()) };
        back.output_padding = [size[0] - short.height(), size[1] - short.width()];
        let backward = eval(&layer(Layer::ConvTranspose(back)), &y).unwrap();
        prop_assert_eq!(inner(&forward, &y), inner(&x, &backward));
    }

    #[test]
    fn space_and_depth_are_inverse(
        (n, x) in (1usize..4, 1usize..3, pair(1..4))
            .prop_flat_map(|(n, c, [h, w])| (Just(n), random_image([c, n * h, n * w]))),
    ) {
        let there = eval(&layer(Layer::SpaceToDepth(n)), &x).unwrap();
        prop_assert_eq!(eval(&layer(Layer::DepthToSpace(n)), &there), Ok(x));
    }

    /// Any numbers whatever give a result or an error.
    #[test]
    fn no_layer_panics(
        extremes in prop::collection::vec(prop_oneof![0usize..4, Just(1 << 30), Just(1 << 33), Just(usize::MAX)], 8),
        sides in prop::array::uniform4(prop_oneof![-3i64..4, Just(i64::MIN), Just(i64::MAX), Just(-(1i64 << 30))]),
        same in 0usize..3,
        flags in any::<[bool; 3]>(),
    ) {
        let one = image("1 2 3; 4 5 6; 7 8 9 | 1 2 3; 4 5 6; 7 8 9");
        let pair = |at: usize| [extremes[at], extremes[at + 1]];
        let padding = [Padding::Sides(ends(sides)), Padding::SameUpper, Padding::SameLower][same];
        let kernel = constant(&Array4::new([2, 1, 2, 2], vec![Rational::ONE; 8]).unwrap());
        let conv = Conv { stride: pair(0), dilation: pair(2), padding, groups: extremes[4], ..plain_conv(kernel.clone()) };
        let back = ConvTranspose {
            kernel: kernel.clone(), stride: pair(0), dilation: pair(2), padding: ends(sides), output_padding: pair(5),
            groups: extremes[4], bias: None,
        };
        let pool = AveragePool {
            average: flags[0], size: pair(0), stride: pair(2), padding,
            count_include_pad: flags[1], ceil_mode: flags[2],
        };
        for candidate in [
            Layer::Conv(conv),
            Layer::ConvTranspose(back),
            Layer::Pool(pool),
            Layer::MaxPool(MaxPool { size: pair(0), stride: pair(2), padding: Padding::Sides(ends(sides)), ceil_mode: false }),
            Layer::Subsample(pair(0)),
            Layer::Pad(ends(sides)),
            Layer::Upsample(Upsample { factor: pair(0), nearest: flags[0] }),
            Layer::SpaceToDepth(extremes[0]),
            Layer::DepthToSpace(extremes[0]),
            Layer::Select { from: extremes[0], to: extremes[1] },
            Layer::Dense { weights: kernel, bias: None },
        ] {
            let stack = layer(candidate);
            if let Ok(output) = eval(&stack, &one) {
                prop_assert!(output.size().iter().all(|&extent| extent > 0));
            }
            let _ = kernel_of(&stack);
        }
    }
}

fn kernel_of(stack: &Arc<Stack>) -> Option<Array4> {
    kernel(&KernelExpr::OfStack(stack.clone()), &Weights::new()).ok()
}
