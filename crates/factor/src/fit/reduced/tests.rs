//! Problems in floating point are the same problems.

use super::*;
use crate::fit::correlation::convolve;
use crate::fit::model::tests::problems;
use num_bigint::BigInt;

#[test]
fn powers_of_two_are_taken_out_of_target_and_unknowns() {
    for power in [0_u32, 9, 30] {
        for mut problem in problems() {
            // Large known factors, and a target that the factors below give exactly.
            for factor in problem.terms.iter_mut().flatten() {
                if let FitFactor::Known(kernel) = factor {
                    *kernel = kernel.map(|x| x * &Rational::from(1_i64 << power));
                }
            }
            let factors: Vec<Fixed> = problem
                .unknowns
                .iter()
                .map(|u| Fixed {
                    cells: Grid::from_fn(u.height, u.width, |i, j| BigInt::from(3 * i + 2 * j + 1)),
                    denominator: BigInt::from(8),
                })
                .collect();
            let rest = Reduced::new(&problem).residual(&factors).to_rationals();
            let cells = problem.target.cells().iter().zip(rest.cells()).map(|(x, rest)| x - rest);
            problem.target = Grid::new(rest.height(), rest.width(), cells.collect()).unwrap();
            let reduced = Reduced::new(&problem);
            assert!(reduced.residual(&factors).is_zero());
            let (target, known, exponents) = reduced.in_floats();
            let floats: Vec<Grid<f64>> = factors
                .iter()
                .zip(&exponents)
                .map(|(factor, &exponent)| factor.to_floats(exponent))
                .collect();
            let mut sum = target.map(|_| 0.0);
            for (product, known) in reduced.products.iter().zip(&known) {
                let one = Grid::from_fn(1, 1, |_, _| 1.0);
                let start = known.clone().unwrap_or(one);
                let product = product.unknowns.iter().fold(start, |all, &u| convolve(&all, &floats[u]));
                sum.cells_mut().iter_mut().zip(product.cells()).for_each(|(sum, x)| *sum += x);
            }
            // What the unknowns can take of the target's size they take.
            if let Some(degree) = reduced.degree() {
                let largest = target.cells().iter().fold(0.0_f64, |l, x| l.max(x.abs()));
                let span = 2.0_f64.powi(1 + i32::try_from(degree).unwrap());
                assert!(largest < span && largest * span > 1.0, "{largest}");
            }
            // Powers of two round nothing.
            assert_eq!(sum, target);
        }
    }
}

#[test]
fn what_is_linear_can_be_solved_for_up_to_a_size() {
    let problem = &problems()[0];
    let reduced = Reduced::new(problem);
    assert_eq!(reduced.linear, [false, true]);
    assert!(!reduced.is_linear() && reduced.is_scalable(0) && !reduced.is_scalable(1));
    assert!(reduced.is_solvable(100));
    // 6 variables take 6³ steps, of (2·bits/64)² words each.
    assert!(reduced.is_solvable(36_000) && !reduced.is_solvable(37_000));
    assert_eq!(reduced.degree(), Some(2));
    assert_eq!(Reduced::new(&problems()[3]).degree(), None);
}

#[test]
fn a_product_with_a_known_factor_is_no_nearer_than_a_free_one() {
    let kernel = |height: usize, width: usize| {
        Grid::from_fn(height, width, |i, j| Rational::from([3_i64, -1, 4, 1, -5][(3 * i + 2 * j) % 5]))
    };
    let known = FitFactor::Known(kernel(2, 3));
    let free = Problem {
        unknowns: vec![FitUnknown::free(3, 4)],
        terms: vec![vec![known.clone(), FitFactor::Unknown(0)]],
        target: kernel(4, 6),
    };
    let product = Problem {
        unknowns: vec![FitUnknown::free(2, 2), FitUnknown::free(2, 3)],
        terms: vec![vec![FitFactor::Unknown(0), known, FitFactor::Unknown(1)]],
        target: kernel(4, 6),
    };
    let bound = Reduced::new(&free).linear_relaxation().unwrap();
    assert!(!bound.is_zero());
    assert_eq!(Reduced::new(&product).linear_relaxation(), Some(bound));
    assert_eq!(Reduced::new(&problems()[0]).linear_relaxation(), None);
}

#[test]
fn the_unknown_with_most_entries_is_linear() {
    let target = Grid::from_fn(2, 7, |_, _| Rational::ONE);
    // 5 and 6 entries, whose extents sum to 6 and to 5.
    for (shapes, linear) in [([(1, 5), (2, 3)], [false, true]), ([(2, 3), (1, 5)], [true, false])] {
        assert_eq!(Reduced::new(&Problem::product(&shapes, target.clone())).linear, linear);
    }
    let square = Grid::from_fn(3, 3, |_, _| Rational::ONE);
    assert_eq!(Reduced::new(&Problem::product(&[(2, 2), (2, 2)], square)).linear, [false, true]);
}
