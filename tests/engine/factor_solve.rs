//! Existence over ℚ, ℝ and ℂ with solutions, counts and obstacles.

use convproof::algebra::Grid;
use convproof::algebra::Rational;
use convproof::algebra::poly::plane;
use convproof::factor::bins::Bin;
use convproof::factor::blocks::{Spread, solve_blocks};
use convproof::factor::divide::divide;
use convproof::factor::exact::FactorError;
use convproof::factor::phases::solve_dilated;
use convproof::factor::real::real_solution;
use convproof::factor::solve::{Answer, Existence, Obstacle, solve};
use num_bigint::{BigInt, BigUint};
use num_traits::{One, Zero};
use proptest::prelude::*;

const FAILS: Existence = Existence::Fails(Obstacle::Shapes);

fn grid(rows: &[&[i64]]) -> Grid<BigInt> {
    Grid::from_rows(rows.iter().map(|row| row.iter().map(|c| BigInt::from(*c)).collect()).collect()).unwrap()
}

fn bins(shapes: &[(usize, usize)]) -> Vec<Bin> {
    shapes.iter().map(|(height, width)| Bin { height: *height, width: *width, power: 1 }).collect()
}

/// Solves and multiplies back exactly.
fn checked(kernel: &Grid<BigInt>, scale: &Rational, bins: &[Bin]) -> Answer {
    let answer = solve(kernel, scale, bins).unwrap();
    if let Ok(solution) = &answer.rational {
        let mut product = plane::one();
        let mut scalar = Rational::one();
        for ((factor, s), bin) in solution.kernels.iter().zip(&solution.scales).zip(bins) {
            assert_eq!((factor.height(), factor.width()), (bin.height, bin.width));
            for _ in 0..bin.power {
                product = plane::mul(&product, factor);
                scalar *= s;
            }
        }
        assert_eq!((product.height(), product.width()), (kernel.height(), kernel.width()));
        for (c, d) in product.cells().iter().zip(kernel.cells()) {
            assert_eq!(&scalar * Rational::from(c.clone()), scale * Rational::from(d.clone()));
        }
        assert!(!solution.count.is_zero());
        assert_eq!(answer.real, Existence::Exists);
    }
    if answer.real == Existence::Exists {
        assert_eq!(answer.complex, Existence::Exists);
        if answer.rational.is_err() {
            let real = real_solution(kernel, scale, bins, &answer).unwrap();
            let tiny = Rational::new(BigInt::one(), BigInt::from(10).pow(30)).unwrap();
            assert!(real.residual < tiny, "residual {}", real.residual);
            assert!(!real.fields.is_empty() || matches!(answer.rational, Err(Obstacle::Scalar(_))));
        }
    }
    answer
}

fn verdicts(kernel: &Grid<BigInt>, bins: &[Bin]) -> (bool, Existence, Existence) {
    let answer = checked(kernel, &Rational::one(), bins);
    (answer.rational.is_ok(), answer.real, answer.complex)
}

#[test]
fn fields_matter() {
    let row = bins(&[(1, 3), (1, 3)]);
    let square = bins(&[(3, 3), (3, 3)]);
    assert_eq!(verdicts(&grid(&[&[1, 0, 0, 0, 1]]), &row), (false, Existence::Exists, Existence::Exists));
    let real = grid(&[&[1, 0, 2, 0, 1], &[0; 5], &[2, 0, 0, 0, 0], &[0; 5], &[1, 0, 0, 0, 0]]);
    assert_eq!(verdicts(&real, &square), (false, Existence::Exists, Existence::Exists));
    let complex = grid(&[&[1, 0, 0, 0, 1], &[0; 5], &[2, 0, 0, 0, 0], &[0; 5], &[1, 0, 0, 0, 0]]);
    assert_eq!(verdicts(&complex, &square), (false, FAILS, Existence::Exists));
    let gauss = grid(&[
        &[1, 4, 7, 4, 1],
        &[4, 16, 26, 16, 4],
        &[7, 26, 41, 26, 7],
        &[4, 16, 26, 16, 4],
        &[1, 4, 7, 4, 1],
    ]);
    let canny = grid(&[
        &[2, 4, 5, 4, 2],
        &[4, 9, 12, 9, 4],
        &[5, 12, 15, 12, 5],
        &[4, 9, 12, 9, 4],
        &[2, 4, 5, 4, 2],
    ]);
    let log =
        grid(&[&[0, 0, 1, 0, 0], &[0, 1, 2, 1, 0], &[1, 2, -16, 2, 1], &[0, 1, 2, 1, 0], &[0, 0, 1, 0, 0]]);
    for kernel in [gauss, canny, log] {
        assert_eq!(verdicts(&kernel, &square), (false, FAILS, FAILS));
        let answer = solve(&kernel, &Rational::one(), &square).unwrap();
        assert_eq!(answer.splits[0].absolute.count, 1);
    }
}

#[test]
fn real_quadratics_of_the_eighth_cyclotomic() {
    let kernel = grid(&[&[1, 0, 0, 0, 1]]);
    let unknowns = bins(&[(1, 3), (1, 3)]);
    let answer = checked(&kernel, &Rational::one(), &unknowns);
    let real = real_solution(&kernel, &Rational::one(), &unknowns, &answer).unwrap();
    assert_eq!(real.fields, [(0, [1, 0, 0, 0, 1].map(BigInt::from).to_vec())]);
    // t² + √2 t + 1 and t² − √2 t + 1
    let middle = real.kernels[0].at(0, 1);
    let error = (middle * middle - Rational::from(BigInt::from(2))).abs();
    assert!(error < Rational::new(BigInt::one(), BigInt::from(10).pow(30)).unwrap());
    assert_eq!(*middle, -real.kernels[1].at(0, 1));
}

#[test]
fn binomials_split_in_many_ways() {
    let row = [1, 4, 6, 4, 1];
    let rows: Vec<Vec<i64>> = row.iter().map(|a| row.iter().map(|b| a * b).collect()).collect();
    let rows: Vec<&[i64]> = rows.iter().map(Vec::as_slice).collect();
    let kernel = grid(&rows);
    let one = Rational::new(BigInt::one(), BigInt::from(256)).unwrap();
    let count = |shapes: &[(usize, usize)]| checked(&kernel, &one, &bins(shapes)).rational.unwrap().count;
    assert_eq!(count(&[(3, 3), (3, 3)]), BigUint::one());
    assert_eq!(count(&[(5, 1), (1, 5)]), BigUint::one());
    assert_eq!(count(&[(2, 2); 4]), BigUint::one());
    let squared = checked(&kernel, &one, &[Bin { height: 3, width: 3, power: 2 }]).rational.unwrap();
    assert_eq!(squared.kernels, [grid(&[&[1, 2, 1], &[2, 4, 2], &[1, 2, 1]])]);
    assert_eq!(squared.scales, [Rational::new(BigInt::one(), BigInt::from(16)).unwrap()]);
}

#[test]
fn scalars_of_equal_unknowns() {
    let kernel = grid(&[&[2, 4, 2]]);
    let twice = [Bin { height: 1, width: 2, power: 2 }];
    let answer = checked(&kernel, &Rational::one(), &twice);
    assert_eq!(answer.rational, Err(Obstacle::Scalar(2)));
    assert_eq!((answer.real, answer.complex), (Existence::Exists, Existence::Exists));
    let negative = checked(&kernel, &-Rational::one(), &twice);
    assert_eq!(negative.rational, Err(Obstacle::Scalar(2)));
    assert_eq!((negative.real, negative.complex), (Existence::Fails(Obstacle::Scalar(2)), Existence::Exists));
    // P²·Q³ with a scalar that is no square and no cube.
    let mixed = [Bin { height: 1, width: 2, power: 2 }, Bin { height: 2, width: 1, power: 3 }];
    let cube = grid(&[&[1], &[3], &[3], &[1]]);
    let answer = checked(&plane::mul(&grid(&[&[1, 2, 1]]), &cube), &Rational::from(BigInt::from(-6)), &mixed);
    assert!(answer.rational.is_ok());
}

#[test]
fn zero_borders_leave_room() {
    // x·(1 + y) in a 3×3: one way to put x into either factor, two to put 1 + y.
    let kernel = grid(&[&[0, 0, 0], &[1, 1, 0], &[0, 0, 0]]);
    let answer = checked(&kernel, &Rational::one(), &bins(&[(2, 2), (2, 2)]));
    let solution = answer.rational.unwrap();
    assert_eq!(solution.count, BigUint::from(4u32));
    assert_eq!(solution.kernels[0], grid(&[&[0, 0], &[1, 1]]));
    assert_eq!(solve(&kernel, &Rational::one(), &bins(&[(2, 2), (2, 1)])), Err(FactorError::Shapes));
    assert_eq!(solve(&kernel, &Rational::one(), &[]), Err(FactorError::Shapes));
    assert_eq!(solve(&kernel, &Rational::zero(), &bins(&[(3, 3)])), Err(FactorError::Zero));
}

#[test]
fn long_rows_split_into_real_quadratics() {
    let cells: Vec<i64> = (0..17).map(|i| (i * i * 7 + 3 * i + 5) % 19 - 9).collect();
    let row = grid(&[&cells]);
    let (_, real, complex) = verdicts(&row, &bins(&[(1, 3); 8]));
    assert_eq!((real, complex), (Existence::Exists, Existence::Exists));
}

#[test]
fn division() {
    let q = grid(&[&[0, 1, 2], &[3, -4, 0], &[0, 5, 6]]);
    let d = grid(&[&[0, 0, 0], &[0, -6, 9], &[3, 0, 0]]);
    let product = plane::mul(&q, &d);
    let found = divide(&product, &d).unwrap();
    assert_eq!((found.numerators, found.denominator), (q.clone(), BigInt::one()));
    let found = divide(&product, &d.map(|c| c * 4)).unwrap();
    assert_eq!((found.numerators, found.denominator), (q, BigInt::from(4)));
    assert_eq!(divide(&product, &d.map(|_| BigInt::zero())), None);
    assert_eq!(divide(&d, &product), None);
    // The quotient 1 + y⁴ does not fit the shape left over.
    let shifted = grid(&[&[0, 0, 1]]);
    assert_eq!(divide(&grid(&[&[1, 0, 0]]), &shifted), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn rows_of_five_split_over_the_reals(cells in prop::collection::vec(-20i64..=20, 5)) {
        prop_assume!(cells.iter().any(|c| *c != 0));
        let (_, real, complex) = verdicts(&grid(&[&cells]), &bins(&[(1, 3), (1, 3)]));
        prop_assert_eq!((real, complex), (Existence::Exists, Existence::Exists));
    }

    #[test]
    fn planted_solutions_are_found(
        f in prop::collection::vec(-3i64..=3, 9),
        g in prop::collection::vec(-3i64..=3, 9),
        h in prop::collection::vec(-3i64..=3, 4),
        square: bool,
    ) {
        let make = |n: usize, cells: &[i64]| Grid::new(n, n, cells.iter().map(|c| BigInt::from(*c)).collect()).unwrap();
        let (f, g, h) = (make(3, &f), make(3, &g), make(2, &h));
        let mut unknowns = bins(&[(3, 3), (3, 3), (2, 2)]);
        let mut product = plane::mul(&plane::mul(&f, &g), &h);
        if square {
            product = plane::mul(&product, &h);
            unknowns[2].power = 2;
        }
        prop_assume!(plane::leading_position(&product).is_some());
        prop_assert!(checked(&product, &Rational::one(), &unknowns).rational.is_ok());
    }

    /// a² − d·b² splits over ℚ(√d): into two of half the size over ℝ for d > 0, only over ℂ for d < 0.
    #[test]
    fn norms_split_over_their_field(
        a in prop::collection::vec(-4i64..=4, 9),
        b in prop::collection::vec(-4i64..=4, 9),
        d in prop::sample::select(vec![2i64, 3, 5, -1, -2, -7]),
    ) {
        let make = |cells: &[i64]| Grid::new(3, 3, cells.iter().map(|c| BigInt::from(*c)).collect()).unwrap();
        let (a, b) = (make(&a), make(&b));
        let (aa, bb) = (plane::mul(&a, &a), plane::mul(&b, &b));
        let norm = Grid::from_fn(5, 5, |i, j| aa.at(i, j) - bb.at(i, j) * d);
        prop_assume!(plane::leading_position(&norm).is_some());
        let answer = checked(&norm, &Rational::one(), &bins(&[(3, 3), (3, 3)]));
        prop_assert_eq!(answer.complex, Existence::Exists);
        if d > 0 {
            prop_assert_eq!(answer.real, Existence::Exists);
        }
    }
}

/// One unknown dilated beside others, or none: the search over blocks has the same solutions, and as many.
#[test]
fn blocks_are_sorted_as_factors_are() {
    let solvable = std::cell::Cell::new([0, 0]);
    proptest!(ProptestConfig::with_cases(150), |(
        cells in prop::collection::vec(-2..3i64, 6),
        more in prop::collection::vec(-2..3i64, 4),
        by in [1..3usize, 1..3usize],
        planted in any::<bool>(),
    )| {
        let small = |cells: &[i64], h: usize, w: usize| {
            Grid::from_fn(h, w, |i, j| BigInt::from(cells[(i * w + j) % cells.len()]))
        };
        let first = small(&cells, 2, 3);
        let spread = |a: &Grid<BigInt>, [v, h]: [usize; 2]| {
            Grid::from_fn((a.height() - 1) * v + 1, (a.width() - 1) * h + 1, |i, j| {
                if i % v == 0 && j % h == 0 { a.at(i / v, j / h).clone() } else { BigInt::zero() }
            })
        };
        let second = spread(&small(&more, 2, 2), by);
        let mut kernel = plane::mul(&first, &second);
        if !planted {
            *kernel.at_mut(1, 1) += BigInt::one();
        }
        prop_assume!(kernel.cells().iter().any(|cell| !cell.is_zero()));
        let bins = bins(&[(2, 3), (2, 2)]);
        let unknown = |bin: &Bin, dilation| Spread { height: bin.height, width: bin.width, dilations: vec![dilation] };
        let unknowns = [unknown(&bins[0], [1, 1]), unknown(&bins[1], by)];
        let blocks = solve_blocks(&kernel, &Rational::one(), &unknowns).unwrap();
        let other = if by == [1, 1] {
            checked(&kernel, &Rational::one(), &bins)
        } else {
            solve_dilated(&kernel, &Rational::one(), &bins, 0, by).unwrap()
        };
        let count = |answer: &Answer| answer.rational.as_ref().ok().map(|solution| solution.count.clone());
        prop_assert_eq!(count(&blocks), count(&other));
        for (mine, theirs) in [(blocks.real, other.real), (blocks.complex, other.complex)] {
            prop_assert!(mine == Existence::Unknown || mine == theirs, "{:?} {:?}", mine, theirs);
        }
        let mut seen = solvable.get();
        seen[usize::from(other.rational.is_ok())] += 1;
        solvable.set(seen);
    });
    assert!(solvable.get().iter().all(|count| *count > 20), "{:?}", solvable.get());
}
