//! Laws of concrete kernels, and every operation against loops over rationals written here.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use convproof::algebra::{Fp, Rational, SplitMix64};
use convproof::kernel::{ConcreteKernel, Integers, KernelError, MAX_ENTRIES, Shape};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Zero};
use proptest::prelude::*;

fn rational() -> impl Strategy<Value = Rational> {
    let large = (any::<i128>(), 1..i64::MAX).prop_map(|(n, d)| Rational::new(n.into(), d.into()).unwrap());
    prop_oneof![
        4 => (-4..5i64).prop_map(Rational::from),
        3 => (-9..10i64, 1..7i64).prop_map(|(n, d)| Rational::ratio(n, d).unwrap()),
        2 => any::<i64>().prop_map(Rational::from),
        1 => any::<f32>().prop_filter_map("finite", |x| Rational::from_f64(x.into())),
        1 => large,
    ]
}

fn of_shape(shape: Shape) -> impl Strategy<Value = ConcreteKernel> {
    let count = shape.entries().unwrap();
    let plain = prop::collection::vec((-4..5i64).prop_map(Rational::from), count);
    let values = prop_oneof![2 => plain, 1 => prop::collection::vec(rational(), count)];
    values.prop_map(move |values| ConcreteKernel::from_rationals(shape, &values).unwrap())
}

fn size() -> impl Strategy<Value = [usize; 2]> {
    [1..5usize, 1..5]
}

fn kernel() -> impl Strategy<Value = ConcreteKernel> {
    (1..4usize, 1..4usize, size()).prop_flat_map(|(o, c, [h, w])| of_shape(Shape::new(o, c, h, w)))
}

/// Kernels that compose in this order.
fn composable<const N: usize>() -> impl Strategy<Value = [ConcreteKernel; N]> {
    (prop::collection::vec(1..4usize, N + 1), [(); N].map(|()| size())).prop_flat_map(|(channels, sizes)| {
        std::array::from_fn::<_, N, _>(|k| {
            of_shape(Shape::new(channels[k + 1], channels[k], sizes[k][0], sizes[k][1]))
        })
    })
}

/// Two kernels of the same shape, and a third that follows them.
fn parallel() -> impl Strategy<Value = [ConcreteKernel; 3]> {
    (1..4usize, 1..4usize, 1..4usize, size(), size()).prop_flat_map(|(o, m, c, [h, w], [p, q])| {
        let shape = Shape::new(m, c, h, w);
        [of_shape(shape).boxed(), of_shape(shape).boxed(), of_shape(Shape::new(o, m, p, q)).boxed()]
    })
}

/// The entries by a formula of `(output, input, row, column)`.
fn build(shape: Shape, entry: impl Fn(usize, usize, usize, usize) -> Rational) -> Vec<Rational> {
    let mut values = Vec::new();
    for o in 0..shape.outputs {
        for c in 0..shape.inputs {
            for i in 0..shape.height {
                for j in 0..shape.width {
                    values.push(entry(o, c, i, j));
                }
            }
        }
    }
    values
}

fn naive_convolution(
    first: &ConcreteKernel,
    next: &ConcreteKernel,
    [v, h]: [usize; 2],
) -> (Shape, Vec<Rational>) {
    let (a, b) = (first.shape(), next.shape());
    let shape = Shape::new(b.outputs, a.inputs, a.height + (b.height - 1) * v, a.width + (b.width - 1) * h);
    let values = build(shape, |o, c, row, column| {
        let mut sum = Rational::ZERO;
        for m in 0..b.inputs {
            for (p, q) in (0..b.height * b.width).map(|k| (k / b.width, k % b.width)) {
                if let (Some(i), Some(j)) = (row.checked_sub(p * v), column.checked_sub(q * h))
                    && i < a.height
                    && j < a.width
                {
                    sum += next.entry(o, m, p, q) * first.entry(m, c, i, j);
                }
            }
        }
        sum
    });
    (shape, values)
}

fn values(kernel: &ConcreteKernel) -> Vec<Rational> {
    kernel.entries().collect()
}

/// Lowest terms, machine words exactly if all fit, and equal however it is made.
fn check_canonical(kernel: &ConcreteKernel) -> Result<(), TestCaseError> {
    let content = kernel.integers().iter().fold(kernel.denominator().clone(), |common, x| common.gcd(&x));
    prop_assert!(content.is_one() && kernel.denominator() > &BigInt::zero());
    let fits = kernel.integers().iter().all(|x| i64::try_from(x).is_ok());
    prop_assert_eq!(matches!(kernel.integers(), Integers::Words(_)), fits);
    let rebuilt = ConcreteKernel::from_rationals(kernel.shape(), &values(kernel)).unwrap();
    prop_assert_eq!(&rebuilt, kernel);
    let hash = |kernel: &ConcreteKernel| {
        let mut hasher = DefaultHasher::new();
        kernel.hash(&mut hasher);
        hasher.finish()
    };
    prop_assert_eq!(hash(&rebuilt), hash(kernel));
    Ok(())
}

proptest! {
    #[test]
    fn convolution_is_its_definition([a, b] in composable::<2>(), dilation in [1..4usize, 1..4]) {
        let product = a.convolve_dilated(&b, dilation).unwrap();
        let (shape, expected) = naive_convolution(&a, &b, dilation);
        prop_assert_eq!(product.shape(), shape);
        prop_assert_eq!(values(&product), expected);
        check_canonical(&product)?;
        prop_assert_eq!(a.convolve(&b.dilate(dilation).unwrap()).unwrap(), product);
    }

    #[test]
    fn kernels_of_fixed_shape_are_a_module([a, b, next] in parallel(), s in rational(), t in rational()) {
        let sum = a.add(&b).unwrap();
        prop_assert_eq!(values(&sum), a.entries().zip(b.entries()).map(|(x, y)| x + y).collect::<Vec<_>>());
        check_canonical(&sum)?;
        prop_assert_eq!(&sum, &b.add(&a).unwrap());
        prop_assert_eq!(sum.sub(&b).unwrap(), a.clone());
        prop_assert_eq!(a.sub(&b).unwrap(), a.add(&b.neg()).unwrap());
        prop_assert_eq!(values(&a.neg()), a.entries().map(|x| -x).collect::<Vec<_>>());
        check_canonical(&a.neg())?;
        prop_assert!(a.sub(&a).unwrap().is_zero() && a.sub(&a).unwrap().denominator().is_one());
        let scaled = a.scale(&s).unwrap();
        prop_assert_eq!(values(&scaled), a.entries().map(|x| x * &s).collect::<Vec<_>>());
        check_canonical(&scaled)?;
        prop_assert_eq!(scaled.scale(&t).unwrap(), a.scale(&(&s * &t)).unwrap());
        // Composition distributes over sums and multiples.
        let parts = a.convolve(&next).unwrap().add(&b.convolve(&next).unwrap()).unwrap();
        prop_assert_eq!(sum.convolve(&next).unwrap(), parts);
        prop_assert_eq!(scaled.convolve(&next).unwrap(), a.convolve(&next).unwrap().scale(&s).unwrap());
    }

    #[test]
    fn composition_is_associative_with_identity([a, b, c] in composable::<3>()) {
        let left = a.convolve(&b).unwrap().convolve(&c).unwrap();
        prop_assert_eq!(left, a.convolve(&b.convolve(&c).unwrap()).unwrap());
        prop_assert_eq!(ConcreteKernel::identity(a.shape().inputs).unwrap().convolve(&a).unwrap(), a.clone());
        prop_assert_eq!(a.convolve(&ConcreteKernel::identity(a.shape().outputs).unwrap()).unwrap(), a);
    }

    #[test]
    fn single_channels_commute(a in size().prop_flat_map(|[h, w]| of_shape(Shape::plane(h, w))),
                               b in size().prop_flat_map(|[h, w]| of_shape(Shape::plane(h, w)))) {
        prop_assert_eq!(a.convolve(&b).unwrap(), b.convolve(&a).unwrap());
    }

    #[test]
    fn scalars_scale_any_kernel(a in kernel(), s in rational(), dilation in [1..3usize, 1..3]) {
        let scalar = ConcreteKernel::from_rationals(Shape::plane(1, 1), std::slice::from_ref(&s)).unwrap();
        prop_assert_eq!(a.convolve(&scalar).unwrap(), a.scale(&s).unwrap());
        let dilated = a.scale(&s).unwrap().dilate(dilation).unwrap();
        prop_assert_eq!(scalar.convolve_dilated(&a, dilation).unwrap(), dilated);
    }

    #[test]
    fn powers(c in 1..3usize, [h, w] in size(), n in 0..6usize, seed in any::<[i64; 36]>()) {
        let shape = Shape::new(c, c, h, w);
        let entries = seed.iter().cycle().take(shape.entries().unwrap()).map(|x| x % 5).collect();
        let a = ConcreteKernel::from_integers(shape, entries).unwrap();
        let product = (0..n).fold(ConcreteKernel::identity(c).unwrap(), |p, _| p.convolve(&a).unwrap());
        prop_assert_eq!(a.pow(n).unwrap(), product);
    }

    #[test]
    fn entries_move_where_they_should(a in kernel(), n in 1..4usize, d in [1..4usize, 1..4], border in [0..3usize, 0..3, 0..3, 0..3]) {
        let Shape { height: h, width: w, .. } = a.shape();
        let check = |result: &ConcreteKernel, height, width, source: &dyn Fn(usize, usize) -> Option<(usize, usize)>| {
            let shape = Shape { height, width, ..a.shape() };
            prop_assert_eq!(result.shape(), shape);
            let expected = build(shape, |o, c, i, j| source(i, j).map_or(Rational::ZERO, |(i, j)| a.entry(o, c, i, j)));
            prop_assert_eq!(values(result), expected);
            check_canonical(result)
        };
        check(&a.flip(), h, w, &|i, j| Some((h - 1 - i, w - 1 - j)))?;
        check(&a.transpose(), w, h, &|i, j| Some((j, i)))?;
        check(&a.repeat(n).unwrap(), h * n, w * n, &|i, j| Some((i / n, j / n)))?;
        let dilated = a.dilate(d).unwrap();
        check(&dilated, (h - 1) * d[0] + 1, (w - 1) * d[1] + 1, &|i, j| (i % d[0] == 0 && j % d[1] == 0).then(|| (i / d[0], j / d[1])))?;
        let [top, left, bottom, right] = border;
        let padded = a.pad(top, left, bottom, right).unwrap();
        check(&padded, h + top + bottom, w + left + right, &|i, j| {
            (i >= top && j >= left && i < top + h && j < left + w).then(|| (i - top, j - left))
        })?;
        // `repeat` is a dilation followed by a box of ones.
        if a.shape().is_plane() {
            let ones = ConcreteKernel::ones(Shape::plane(n, n)).unwrap();
            prop_assert_eq!(a.dilate([n, n]).unwrap().convolve(&ones).unwrap(), a.repeat(n).unwrap());
        }
    }

    #[test]
    fn trim_undoes_padding(a in kernel(), border in [0..3usize, 0..3, 0..3, 0..3]) {
        let [top, left, bottom, right] = border;
        let padded = a.pad(top, left, bottom, right).unwrap();
        let (trimmed, [t, l, b, r]) = padded.trim();
        check_canonical(&trimmed)?;
        prop_assert_eq!(trimmed.pad(t, l, b, r).unwrap(), padded);
        let Shape { outputs, inputs, height, width } = trimmed.shape();
        if a.is_zero() {
            prop_assert_eq!((height, width), (1, 1));
        } else {
            let nonzero = |i: &[usize], j: &[usize]| i.iter().any(|&i| j.iter().any(|&j| {
                (0..outputs).any(|o| (0..inputs).any(|c| !trimmed.entry(o, c, i, j).is_zero()))
            }));
            let (rows, columns) = ((0..height).collect::<Vec<_>>(), (0..width).collect::<Vec<_>>());
            prop_assert!(nonzero(&[0], &columns) && nonzero(&[height - 1], &columns));
            prop_assert!(nonzero(&rows, &[0]) && nonzero(&rows, &[width - 1]));
        }
    }

    #[test]
    fn blocks_are_entries(a in kernel()) {
        let Shape { outputs: o, inputs: c, height, width } = a.shape();
        for (k, m) in (0..o).flat_map(|k| (0..c).map(move |m| (k, m))) {
            let block = a.block(k, m);
            prop_assert_eq!((block.height(), block.width()), (height, width));
            for (i, j) in (0..height).flat_map(|i| (0..width).map(move |j| (i, j))) {
                prop_assert_eq!(block.at(i, j), &a.entry(k, m, i, j));
            }
        }
    }

    #[test]
    fn measures(a in kernel()) {
        let Shape { outputs, inputs, .. } = a.shape();
        let sums = a.sum();
        prop_assert_eq!((sums.height(), sums.width()), (outputs, inputs));
        for o in 0..outputs {
            let mut absolute = Rational::ZERO;
            for c in 0..inputs {
                prop_assert_eq!(sums.at(o, c), &a.block(o, c).cells().iter().cloned().sum::<Rational>());
                absolute += a.block(o, c).cells().iter().map(Rational::abs).sum::<Rational>();
            }
            prop_assert_eq!(&a.l1()[o], &absolute);
        }
        prop_assert_eq!(a.max_abs(), a.entries().map(|x| x.abs()).max().unwrap());
        prop_assert_eq!(a.frobenius_squared(), a.entries().map(|x| &x * &x).sum::<Rational>());
        prop_assert_eq!(a.is_zero(), a.entries().all(|x| x.is_zero()));
    }

    #[test]
    fn words_become_big_and_return(words in prop::collection::vec(prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0), any::<i64>()], 4)) {
        let a = ConcreteKernel::from_integers(Shape::plane(2, 2), words).unwrap();
        check_canonical(&a)?;
        check_canonical(&a.neg())?;
        prop_assert_eq!(a.neg().neg(), a.clone());
        let double = a.add(&a).unwrap();
        check_canonical(&double)?;
        prop_assert_eq!(double.sub(&a).unwrap(), a.clone());
        let huge = Rational::from(BigInt::from(1) << 64u32);
        prop_assert_eq!(a.scale(&huge).unwrap().scale(&huge.recip().unwrap()).unwrap(), a);
    }
}

/// Five convolutions with a pooling by 2 after each but the last, composed with dilations in the library and
/// by the naive loops over fractions, pooling kernels dilated by hand.
#[test]
fn convolutions_and_poolings_to_one_kernel() {
    let convolutions = [
        [-3, -3, 4, -1, 1, -3, 4, 2, 0],
        [-3, -1, -1, -1, 0, 0, 1, -3, -3],
        [0, -3, 4, -3, 1, 3, -4, 3, -4],
        [0, 1, -1, -3, 1, -2, 0, 1, -2],
        [0, 4, -1, -2, -3, -2, 3, 4, 4],
    ]
    .map(|values| ConcreteKernel::from_integers(Shape::plane(3, 3), values.to_vec()).unwrap());
    let pool =
        ConcreteKernel::ones(Shape::plane(2, 2)).unwrap().scale(&Rational::ratio(1, 4).unwrap()).unwrap();
    let (mut found, mut expected, mut stride) = (convolutions[0].clone(), convolutions[0].clone(), 1);
    for kernel in &convolutions[1..] {
        for (next, dilation) in [(&pool, stride), (kernel, 2 * stride)] {
            found = found.convolve_dilated(next, [dilation, dilation]).unwrap();
            let (shape, values) = naive_convolution(&expected, next, [dilation, dilation]);
            expected = ConcreteKernel::from_rationals(shape, &values).unwrap();
        }
        stride *= 2;
    }
    assert_eq!((found.shape(), found.denominator()), (Shape::plane(78, 78), &BigInt::from(256)));
    assert_eq!(found, expected);
    let product = convolutions.iter().map(|kernel| kernel.sum().at(0, 0).clone());
    assert_eq!(found.sum().at(0, 0), &product.fold(Rational::ONE, |p, x| p * x));
}

/// The kernel as a matrix of polynomials at a point, `[out][in]`, modulo a prime that no transform uses.
fn evaluate(kernel: &ConcreteKernel, x: Fp, y: Fp) -> Vec<Fp> {
    let Shape { height, width, .. } = kernel.shape();
    let entries: Vec<Fp> = kernel.entries().map(|entry| Fp::from_rational(&entry).unwrap()).collect();
    let horner = |values: &[Fp]| values.iter().rev().fold(Fp::ZERO, |sum, &value| sum * x + value);
    entries
        .chunks(height * width)
        .map(|plane| plane.chunks(width).rev().fold(Fp::ZERO, |sum, row| sum * y + horner(row)))
        .collect()
}

/// Sizes for which transforms are chosen: an error would survive all points with a chance below 2⁻¹⁰⁰.
#[test]
fn large_compositions_agree_at_random_points() {
    let mut random = SplitMix64::new(7);
    let mut kernel = |shape: Shape, shift: u32| {
        let values =
            (0..shape.entries().unwrap()).map(|_| random.next_u64().cast_signed() >> shift).collect();
        ConcreteKernel::from_integers(shape, values)
            .unwrap()
            .scale(&Rational::ratio(1, 1 << 40).unwrap())
            .unwrap()
    };
    let plane = Shape::plane;
    let mut cases = vec![
        (kernel(plane(256, 256), 0), kernel(plane(256, 256), 0)),
        (kernel(plane(200, 90), 0), kernel(plane(50, 300), 40)),
        (kernel(Shape::new(30, 18, 3, 3), 20), kernel(Shape::new(21, 30, 3, 3), 20)),
    ];
    // Entries of three words by words, as for the third of a chain.
    let two = cases[2].0.convolve(&cases[2].1).unwrap();
    cases.push((two, kernel(Shape::new(33, 21, 3, 3), 0)));
    for (first, next) in &cases {
        let result = first.convolve(next).unwrap();
        let [o, m, c] = [result.shape().outputs, first.shape().outputs, result.shape().inputs];
        let mut points = SplitMix64::new(99);
        for _ in 0..3 {
            let (x, y) = (points.next_fp(), points.next_fp());
            let (a, b, found) = (evaluate(first, x, y), evaluate(next, x, y), evaluate(&result, x, y));
            for (k, value) in found.iter().enumerate() {
                let (row, column) = (k / c, k % c);
                let sum = (0..m).fold(Fp::ZERO, |sum, i| sum + b[row * m + i] * a[i * c + column]);
                assert_eq!(*value, sum, "{o} outputs, entry {k}");
            }
        }
    }
}

/// Sums of products that pass 31, 63 and 127 bits by a factor that only their number makes.
#[test]
fn extreme_entries_do_not_wrap() {
    for bits in [15_u32, 16, 31, 32, 62, 63] {
        for count in [1, 2, 3, 4, 5, 16, 17] {
            let most = Rational::from(BigInt::from(1_u64 << bits) - 1);
            for sign in [1, -1] {
                let first = build(Shape::plane(1, count), |_, _, _, _| most.clone());
                let next = build(Shape::plane(1, count), |_, _, _, _| &most * &Rational::from(sign));
                let [first, next] = [first, next]
                    .map(|values| ConcreteKernel::from_rationals(Shape::plane(1, count), &values).unwrap());
                let (shape, expected) = naive_convolution(&first, &next, [1, 1]);
                let found = first.convolve(&next).unwrap();
                assert_eq!(
                    (found.shape(), values(&found)),
                    (shape, expected),
                    "{bits} bits, {count} entries"
                );
            }
        }
    }
}

#[test]
fn refused() {
    let plane = |h, w| ConcreteKernel::ones(Shape::plane(h, w)).unwrap();
    let a = plane(3, 3);
    assert_eq!(ConcreteKernel::zeros(Shape::plane(0, 3)), Err(KernelError::EmptyShape));
    assert_eq!(ConcreteKernel::zeros(Shape::plane(1, MAX_ENTRIES + 1)), Err(KernelError::TooLarge));
    assert_eq!(ConcreteKernel::zeros(Shape::new(usize::MAX, 2, usize::MAX, 2)), Err(KernelError::TooLarge));
    assert_eq!(
        ConcreteKernel::from_integers(Shape::plane(2, 2), vec![1]),
        Err(KernelError::EntryCount { expected: 4, found: 1 })
    );
    assert_eq!(
        ConcreteKernel::from_bigints(Shape::plane(1, 1), &[1.into()], 0.into()),
        Err(KernelError::ZeroDenominator)
    );
    assert_eq!(
        a.add(&plane(3, 2)),
        Err(KernelError::ShapeMismatch { left: Shape::plane(3, 3), right: Shape::plane(3, 2) })
    );
    let wide = ConcreteKernel::ones(Shape::new(2, 3, 1, 1)).unwrap();
    assert_eq!(wide.convolve(&wide), Err(KernelError::ChannelMismatch { outputs: 2, inputs: 3 }));
    assert_eq!(wide.pow(2), Err(KernelError::ChannelMismatch { outputs: 2, inputs: 3 }));
    assert_eq!(a.repeat(0), Err(KernelError::ZeroFactor));
    assert_eq!(a.dilate([1, 0]), Err(KernelError::ZeroFactor));
    assert_eq!(a.convolve_dilated(&a, [0, 1]), Err(KernelError::ZeroFactor));
    for error in [
        a.repeat(usize::MAX),
        a.repeat(5000),
        a.dilate([usize::MAX, 1]),
        a.convolve_dilated(&a, [1 << 40, 1]),
        a.pad(usize::MAX, 0, usize::MAX, 0),
        a.pad(0, 1 << 30, 0, 0),
        a.pow(usize::MAX),
        a.pow(10_000),
        plane(1, 1 << 23).convolve(&plane(1, 1 << 23)),
        ConcreteKernel::identity(5000),
        plane(1, 1).scale(&Rational::from(2).pow(1 << 16).unwrap().recip().unwrap()),
        plane(1, 300).scale(&Rational::from(BigInt::from(1) << (1u64 << 24))),
    ] {
        assert_eq!(error, Err(KernelError::TooLarge));
    }
}

#[test]
fn shapes() {
    assert_eq!(Shape::plane(3, 5).to_string(), "[3,5]");
    assert_eq!(Shape::new(2, 1, 3, 5).to_string(), "[2,1,3,5]");
    assert_eq!(Shape::new(usize::MAX, 2, 1, 1).entries(), None);
    assert!(Shape::plane(4096, 4096).validate().is_ok());
    assert_eq!(values(&ConcreteKernel::delta(2, 2, 1, 0).unwrap()), [0, 0, 1, 0].map(Rational::from));
}
