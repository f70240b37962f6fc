//! Rounding and exact solving.

use super::*;
use crate::fit::model::tests::problems;
use convproof_exact::{Rational, SplitMix64};

fn floats(seed: u64, height: usize, width: usize) -> Grid<f64> {
    let mut random = SplitMix64::new(seed);
    Grid::from_fn(height, width, |_, _| random.below(2001) as f64 / 1000.0 - 1.0)
}

#[test]
fn the_simplest_fraction_nearby_is_found() {
    assert_eq!(simplest(0.5, 1e-9), Some((1, 2)));
    assert_eq!(simplest(-0.75, 1e-9), Some((-3, 4)));
    assert_eq!(simplest(-3.0, 1e-9), Some((-3, 1)));
    assert_eq!(simplest(0.0, 1e-9), Some((0, 1)));
    assert_eq!(simplest(std::f64::consts::PI, 1e-3), Some((22, 7)));
    assert_eq!(simplest(std::f64::consts::PI, 1e-7), Some((355, 113)));
    assert_eq!(simplest(std::f64::consts::PI, 1e-16), None);
    assert_eq!(simplest(f64::NAN, 1e-3), None);
    // The tolerance is relative to 1 + |x|.
    assert_eq!(simplest(1000.4, 1e-3), Some((1000, 1)));
    assert_eq!(simplest(0.4, 1e-3), Some((2, 5)));
}

#[test]
fn rounding_keeps_so_many_bits_of_the_largest_entry() {
    for (exponent, bits, size) in
        [(0, 24, 1.0), (5, 24, 1e-6), (-40, 40, 3e7), (3, 10, 1e300), (0, 24, 1e-300)]
    {
        let cells = floats(1, 2, 3).map(|x| x * size);
        let rounded = round_kernel(&cells, 0, bits).to_rationals();
        let largest = cells.cells().iter().fold(0.0_f64, |l, x| l.max(x.abs()));
        for (x, y) in cells.cells().iter().zip(rounded.cells()) {
            assert!((x - y.to_f64()).abs() <= largest * 2.0_f64.powi(1 - i32::try_from(bits).unwrap()));
        }
        // Not many more, unless they are before the point.
        let cut = round_kernel(&cells, 0, bits);
        let found = cut.cells.cells().iter().map(BigInt::bits).max().unwrap();
        assert!(size > 1e10 || found.abs_diff(bits.unsigned_abs()) <= 1);
        let moved = round_kernel(&cells, exponent, bits).to_rationals();
        let power =
            Rational::dyadic(BigInt::one() << exponent.max(0).unsigned_abs(), exponent.min(0).unsigned_abs());
        assert_eq!(moved, rounded.map(|x| x * &power));
    }
    assert!(round_kernel(&floats(1, 2, 2).map(|_| 0.0), 3, 24).is_zero());
}

#[test]
fn primitive_kernels_are_multiples_with_a_positive_largest_entry() {
    let kernel = |cells: [i64; 4], denominator: i64| Fixed {
        cells: Grid::new(2, 2, cells.map(BigInt::from).to_vec()).unwrap(),
        denominator: BigInt::from(denominator),
    };
    let cells = |fixed: Fixed| (fixed.cells, fixed.denominator);
    assert_eq!(cells(primitive(kernel([6, -9, 3, 0], 7))), cells(kernel([-2, 3, -1, 0], 1)));
    assert_eq!(cells(primitive(kernel([4, -4, 2, 0], 7))), cells(kernel([2, -2, 1, 0], 1)));
    assert_eq!(cells(primitive(kernel([0; 4], 7))), cells(kernel([0; 4], 1)));
}

/// The sum of products of floating-point factors, without the powers of two in the known ones.
fn sum(problem: &Reduced, factors: &[Scaled]) -> Grid<f64> {
    let exact: Vec<Fixed> =
        factors.iter().map(|factor| round_kernel(&factor.cells, factor.exponent, 50)).collect();
    problem.residual(&exact).to_rationals().map(Rational::to_f64)
}

#[test]
fn the_gauge_changes_no_product() {
    for problem in problems() {
        let problem = Reduced::new(&problem);
        let factors = || -> Vec<Scaled> {
            let unknowns = problem.unknowns.iter().enumerate();
            unknowns
                .map(|(u, unknown)| Scaled {
                    cells: floats(u as u64 + 3, unknown.height, unknown.width),
                    exponent: i64::try_from(u).unwrap() - 1,
                })
                .collect()
        };
        let gauged = gauge(&problem, factors());
        let (before, after) = (sum(&problem, &factors()), sum(&problem, &gauged));
        let largest = before.cells().iter().fold(1.0_f64, |l, x| l.max(x.abs()));
        for (x, y) in before.cells().iter().zip(after.cells()) {
            assert!((x - y).abs() < 1e-9 * largest, "{x} {y}");
        }
        for (u, factor) in gauged.iter().enumerate() {
            if problem.is_scalable(u) {
                let cells = factor.cells.cells();
                assert!(cells.contains(&1.0) && cells.iter().all(|x| x.abs() <= 1.0) && factor.exponent == 0);
            }
        }
    }
}

#[test]
fn what_is_solved_for_is_nearest() {
    for problem in problems() {
        let problem = Reduced::new(&problem);
        let mut factors: Vec<Fixed> = (0..problem.unknowns.len())
            .map(|u| {
                let unknown = &problem.unknowns[u];
                let (variables, _) = unknown.variables();
                let values = floats(u as u64 + 20, 1, variables.len());
                let cells = variables.iter().map(|&v| values.cells()[v].abs()).collect();
                let cells = Grid::new(unknown.height, unknown.width, cells).unwrap();
                round_kernel(&cells, 0, 8)
            })
            .collect();
        solve_linear(&problem, &mut factors);
        let least = problem.residual(&factors).norm_squared();
        for u in (0..factors.len()).filter(|&u| problem.linear[u]) {
            let (variables, count) = problem.unknowns[u].variables();
            for v in 0..count {
                for change in [-1, 1] {
                    let mut moved = factors.clone();
                    let step = &factors[u].denominator * change;
                    let cells = moved[u].cells.cells_mut().iter_mut().zip(&variables);
                    cells.filter(|(_, w)| **w == v).for_each(|(cell, _)| *cell += &step);
                    // Quadratic along each direction, with its least value at 0.
                    let more = &problem.residual(&moved).norm_squared() - &least;
                    let mut further = moved.clone();
                    let cells = further[u].cells.cells_mut().iter_mut().zip(&variables);
                    cells.filter(|(_, w)| **w == v).for_each(|(cell, _)| *cell += &step);
                    let most = &problem.residual(&further).norm_squared() - &least;
                    assert!(!more.is_negative() && most == &more * &Rational::from(4));
                }
            }
        }
    }
}

#[test]
fn small_residuals_ask_for_more_bits() {
    let powers = [0, 4, 5, 10, 20, 30].map(|power| bits_for(2.0_f64.powi(-power)));
    assert_eq!(powers, [24, 24, 25, 30, 40, 40]);
    assert_eq!((bits_for(0.0), bits_for(8.0)), (40, 24));
}

#[test]
fn factors_are_rounded_finely_unless_the_last_is_solved_for() {
    let problem = &problems()[0];
    let problem = Reduced::new(problem);
    let proposal = || -> Vec<Scaled> {
        let unknowns = problem.unknowns.iter().enumerate();
        unknowns
            .map(|(u, unknown)| Scaled {
                cells: floats(u as u64 + 7, unknown.height, unknown.width),
                exponent: 0,
            })
            .collect()
    };
    let bits = |fixed: &Fixed| fixed.cells.cells().iter().map(BigInt::bits).max().unwrap();
    let short = round(&problem, &proposal(), 1.0, false);
    assert!(short.iter().all(|factor| (39..=40).contains(&bits(factor))));
    let solved = round(&problem, &proposal(), 1.0, true);
    assert!((23..=24).contains(&bits(&solved[0])) && bits(&solved[1]) > 60);
    assert!(problem.residual(&solved).norm_squared() < problem.residual(&short).norm_squared());
    // The first of the largest entries becomes 1.
    let mut proposal = proposal();
    proposal[0].cells = Grid::new(2, 2, vec![1.0, -2.0, 2.0, 0.5]).unwrap();
    assert_eq!(gauge(&problem, proposal)[0].cells.cells(), [-0.5, 1.0, -1.0, -0.25]);
}

#[test]
fn simple_entries_have_one_denominator() {
    let kernel = simple_kernel(&Grid::new(1, 3, vec![0.5, -1.0 / 3.0, 2.0]).unwrap(), 1e-9).unwrap();
    assert_eq!(
        (kernel.cells.cells(), kernel.denominator),
        (&[3, -2, 12].map(BigInt::from)[..], BigInt::from(6))
    );
    assert!(simple_kernel(&Grid::new(1, 2, vec![0.5, std::f64::consts::PI]).unwrap(), 1e-16).is_none());
}
