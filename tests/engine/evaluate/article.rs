//! The examples that the article prints (sections 1, 2, 4 and 5).

use std::sync::Arc;

use convproof::evaluate::{Weights, kernel};
use convproof::ir::{KernelExpr, Layer, Padding, ends};

use super::build::{array, average, chain, conv, eval, expr, image, layer, plain_conv, plane};

fn strided(text: &str, stride: usize) -> Arc<convproof::ir::Stack> {
    layer(Layer::Conv(convproof::ir::Conv { stride: [stride; 2], ..plain_conv(plane(text)) }))
}

#[test]
fn correlation() {
    let b1 = image(
        "-1 -3 4 -3 1 -2 -2;\
         -3 -4 -2 -2 1 3 2;\
         -1 -4 2 3 3 3 -3;\
         3 -3 -2 1 3 -1 0;\
         2 -4 0 2 4 0 2;\
         4 0 -3 4 4 3 0;\
         0 -4 -2 4 3 -3 1",
    );
    let c1 = image(
        "-2 3 2 7 -2;\
         -3 -4 -1 1 6;\
         -2 0 7 5 9;\
         -2 2 2 10 3;\
         -6 0 3 5 4",
    );
    assert_eq!(eval(&conv("0 1 0; 0 0 0; 1 0 1"), &b1), Ok(c1));
}

#[test]
fn two_convolutions_and_their_product() {
    let (a1, a2) = ("1 0 1; 1 1 1; 0 0 0", "0 0 1; 0 1 0; 0 0 0");
    let d1 = "0 0 1 0 1;\
         0 1 1 2 1;\
         0 1 1 1 0;\
         0 0 0 0 0;\
         0 0 0 0 0";
    let b1 = image(
        "-3 -4 4 -4 0 -2 3;\
         2 0 -3 3 4 2 -4;\
         0 4 -4 0 1 1 2;\
         -4 -3 0 -1 -3 0 -2;\
         4 1 2 -2 -3 -1 1;\
         3 -1 -1 -4 -1 3 -2;\
         4 0 -1 -3 -4 -4 -3",
    );
    let c1 = image(
        "0 -8 8 3 5;\
         -1 3 -2 7 4;\
         -11 0 -7 -3 -2;\
         3 -3 -6 -7 -8;\
         7 -7 -7 -5 -2",
    );
    let c2 = image(
        "11 1 12;\
         -2 0 1;\
         -10 -9 -9",
    );
    assert_eq!(eval(&conv(a1), &b1).as_ref(), Ok(&c1));
    assert_eq!(eval(&chain(&[conv(a1), conv(a2)]), &b1).as_ref(), Ok(&c2));
    assert_eq!(eval(&conv(d1), &b1), Ok(c2));
    let product = KernelExpr::Convolve(expr(a1), expr(a2));
    assert_eq!(kernel(&product, &Weights::new()), Ok(array(1, d1)));
    let of_chain = KernelExpr::OfStack(chain(&[conv(a1), conv(a2)]));
    assert_eq!(kernel(&of_chain, &Weights::new()), Ok(array(1, d1)));
}

#[test]
fn average_pooling_is_a_strided_convolution() {
    let b1 = image(
        "-12 -4 0 8 -4 4 -12 -8;\
         4 -4 8 -12 -8 -16 -12 -8;\
         -16 -16 -16 8 8 -16 -12 0;\
         -12 -8 -4 16 -4 -8 -16 -4;\
         -12 -8 -12 16 -4 4 -4 0;\
         -12 -12 4 -8 -12 8 0 16;\
         -8 16 8 16 -12 -12 -16 0;\
         -8 4 4 -12 12 -4 -16 4",
    );
    let c1 = image(
        "-4. 1. -6. -10.;\
         -13. 1. -5. -8.;\
         -11. 0. -1. 3.;\
         1. 4. -4. -7.",
    );
    let d1 = image(
        "-4. 0. 1. -4. -6. -9. -10.;\
         -8. -7. -3. -1. -8. -14. -8.;\
         -13. -11. 1. 7. -5. -13. -8.;\
         -10. -8. 4. 6. -3. -6. -6.;\
         -11. -7. 0. -2. -1. 2. 3.;\
         -4. 4. 5. -4. -7. -5. 0.;\
         1. 8. 4. 1. -4. -12. -7.",
    );
    let smoothing = "1/4 1/4; 1/4 1/4";
    assert_eq!(eval(&average(2), &b1).as_ref(), Ok(&c1));
    assert_eq!(eval(&conv(smoothing), &b1).as_ref(), Ok(&d1));
    assert_eq!(eval(&strided(smoothing, 2), &b1).as_ref(), Ok(&c1));
    assert_eq!(eval(&chain(&[conv(smoothing), layer(Layer::Subsample([2, 2]))]), &b1), Ok(c1));
}

#[test]
fn convolution_pooling_convolution() {
    let (a1, a2) = ("0 0 1; 1 0 0; 0 0 1", "1 1 1; 0 0 0; 0 0 1");
    let b1 = image(
        "0 -2 -1 -3 -4 2 -3 -1 -3 -4 -2 1;\
         4 -1 2 -4 -4 4 -1 -1 -4 -2 2 2;\
         1 -4 3 3 -2 2 3 -2 -3 4 -1 2;\
         -3 -1 -4 4 0 3 1 0 0 0 -4 1;\
         3 1 4 1 -2 -2 2 1 -3 0 3 -3;\
         -4 0 3 -4 3 4 2 0 3 0 1 -4;\
         1 -3 -1 -1 3 -4 -2 3 -4 1 0 -3;\
         1 -4 0 4 4 3 -2 -4 3 -2 3 0;\
         0 2 -2 3 3 3 2 -2 -1 0 1 -1;\
         -4 -4 2 -2 -4 -1 4 4 -1 3 -1 4;\
         4 4 -2 -1 -1 0 4 -2 3 3 -4 4;\
         -4 -3 0 -1 -2 0 -2 3 3 -1 -2 -4",
    );
    let c2 = image(
        "0. 1.25 -1. -3.25 -1.;\
         2.5 2.75 1.5 1.25 -2.;\
         0. 1.5 1.5 0.25 -0.75;\
         0.5 3. 4. -1.75 0.75;\
         -0.75 -1.25 1.25 4.75 1.25",
    );
    let c3 = image(
        "1.75 -2.75 -6.;\
         10.75 3.75 1.5;\
         4.25 8. 2.25",
    );
    let d1 = "0 0 1 1 1 1 1 1;\
         1 1 2 2 2 2 1 1;\
         1 1 2 2 2 2 1 1;\
         0 0 1 1 1 1 1 1;\
         0 0 0 0 0 0 1 1;\
         0 0 0 0 1 1 1 1;\
         0 0 0 0 1 1 1 1;\
         0 0 0 0 0 0 1 1";
    let stack = chain(&[conv(a1), average(2), conv(a2)]);
    assert_eq!(eval(&chain(&[conv(a1), average(2)]), &b1), Ok(c2));
    assert_eq!(eval(&stack, &b1).as_ref(), Ok(&c3));
    let quarter = KernelExpr::Divide(expr(d1), expr("4"));
    let quarter = kernel(&quarter, &Weights::new());
    assert_eq!(kernel(&KernelExpr::OfStack(stack), &Weights::new()), quarter);
    let repeated = KernelExpr::Convolve(expr(a1), Arc::new(KernelExpr::Repeat(expr(a2), [2, 2])));
    assert_eq!(kernel(&repeated, &Weights::new()), Ok(array(1, d1)));
    let eighth = chain(&[strided(d1, 2), layer(Layer::Scale(plane("1/4")))]);
    assert_eq!(eval(&eighth, &b1), Ok(c3));
}

#[test]
fn pooling_before_a_padded_convolution_differs_at_seven_of_sixteen_outputs_of_nine() {
    // A reference value known from elsewhere: 9×9, `avgpool(2) -> conv(A,padding=1)` against
    // `conv(repeat(A,2)/4, stride=2, padding=2)`.
    let a = "3 -1 4; 1 -5 9; 2 6 -7";
    let mut x = 0i64;
    let noise: Vec<_> = (0..81)
        .map(|_| {
            x = (x * 37 + 11) % 101;
            convproof::algebra::Rational::from(x - 50)
        })
        .collect();
    let x = convproof::evaluate::Image::new(1, 9, 9, noise).unwrap();
    let padded = |kernel, stride, side| {
        let padding = Padding::Sides(ends([side; 4]));
        layer(Layer::Conv(convproof::ir::Conv { stride: [stride; 2], padding, ..plain_conv(kernel) }))
    };
    let left = eval(&chain(&[average(2), padded(plane(a), 1, 1)]), &x).unwrap();
    let blocks = plane(
        "3/4 3/4 -1/4 -1/4 1 1; 3/4 3/4 -1/4 -1/4 1 1; 1/4 1/4 -5/4 -5/4 9/4 9/4; \
                        1/4 1/4 -5/4 -5/4 9/4 9/4; 1/2 1/2 3/2 3/2 -7/4 -7/4; 1/2 1/2 3/2 3/2 -7/4 -7/4",
    );
    let right = eval(&padded(blocks, 2, 2), &x).unwrap();
    assert_eq!(left.size(), [1, 4, 4]);
    assert_eq!(right.size(), [1, 4, 4]);
    let wrong = left.values().iter().zip(right.values()).filter(|(a, b)| a != b).count();
    assert_eq!(wrong, 7);
}

#[test]
fn four_convolutions_and_three_poolings_are_one_of_38_by_38() {
    let kernels =
        ["1 0 1; 1 1 1; 0 0 0", "0 0 1; 0 1 0; 0 0 0", "1 1 0; 1 0 0; 0 1 1", "1 1 1; 0 0 0; 0 0 1"];
    let mut layers = vec![conv(kernels[0])];
    for text in &kernels[1..] {
        layers.extend([average(2), conv(text)]);
    }
    // The article composes from the last layer to the first: a pooling before a kernel repeats its entries.
    let mut composed = expr(kernels[3]);
    for text in kernels[..3].iter().rev() {
        let pooled = KernelExpr::Divide(Arc::new(KernelExpr::Repeat(composed, [2, 2])), expr("4"));
        composed = Arc::new(KernelExpr::Convolve(expr(text), Arc::new(pooled)));
    }
    let single = kernel(&composed, &Weights::new()).unwrap();
    assert_eq!(single.shape(), [1, 1, 38, 38]);
    assert!(kernel(&KernelExpr::OfStack(chain(&layers)), &Weights::new()).as_ref() == Ok(&single));
}
