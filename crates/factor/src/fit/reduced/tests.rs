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
