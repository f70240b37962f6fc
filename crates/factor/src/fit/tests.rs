//! What bounds rest on and what they say, on small problems.

use super::*;
use convproof_exact::budget::{self, Budget};

fn target() -> Grid<Rational> {
    let cells = [3_i64, -1, 2, 4, 0, -5, 1, 6, 2].map(Rational::from);
    Grid::new(3, 3, cells.to_vec()).unwrap()
}

fn number(x: i64) -> FitFactor {
    FitFactor::Known(Grid::from_fn(1, 1, |_, _| Rational::from(x)))
}

#[test]
fn numbers_are_no_factors() {
    // With a number as a factor everything is a product, so nothing is certified.
    for shapes in [vec![(1, 1), (3, 3)], vec![(3, 3), (1, 1), (1, 1)]] {
        let problem = Problem::product(&shapes, target());
        let bound = lower_bound(&problem).unwrap();
        assert!(bound.squared.is_zero());
        assert!(
            fit(&problem, &Options::default()).unwrap().residual_squared
                < Rational::ratio(1, 1 << 30).unwrap()
        );
        let mut problem = problem;
        problem.terms[0].push(number(2));
        assert!(lower_bound(&problem).unwrap().squared.is_zero());
    }
}

#[test]
fn products_of_two_are_as_far_as_ruppert_says() {
    let fixed = Fixed::new(&target());
    let distance = ruppert::distance_to_products(&fixed);
    assert!(!distance.is_zero());
    let expected = &distance * &distance;
    for shapes in [vec![(2, 2), (2, 2)], vec![(2, 3), (1, 1), (2, 1)], vec![(2, 1), (1, 2), (2, 2)]] {
        let bound = lower_bound(&Problem::product(&shapes, target())).unwrap();
        assert_eq!((bound.squared, bound.method), (expected.clone(), BoundMethod::Ruppert));
    }
    // A known factor counts as one.
    let mut problem = Problem::product(&[(1, 1), (2, 2)], target());
    problem.terms[0].push(FitFactor::Known(Grid::from_fn(2, 2, |i, j| Rational::from(i64::from(i <= j)))));
    let bound = lower_bound(&problem).unwrap();
    assert!(bound.squared >= expected);
    // What is a product is certified to be at no distance from one, by nothing.
    let product = Grid::new(2, 2, [2_i64, 3, 4, 6].map(Rational::from).to_vec()).unwrap();
    let bound = lower_bound(&Problem::product(&[(2, 1), (1, 2), (1, 1)], product)).unwrap();
    assert_eq!((bound.squared, bound.method), (Rational::ZERO, BoundMethod::None));
}

#[test]
fn what_is_certified_is_as_asked_for() {
    let problem = Problem::product(&[(2, 2), (2, 2)], target());
    let with = |certify| fit(&problem, &Options { certify, ..Options::default() }).unwrap();
    assert!(with(Certify::No).lower_bound.is_none());
    let quick = with(Certify::Quick).lower_bound.unwrap();
    assert_eq!(
        (&quick.squared, quick.method),
        (&lower_bound(&problem).unwrap().squared, BoundMethod::Ruppert)
    );
    let most = with(Certify::Products(16));
    let bound = most.lower_bound.unwrap();
    assert_eq!(bound.method, BoundMethod::Relaxation);
    assert!(bound.certificate.unwrap().is_valid() && bound.squared > quick.squared);
    assert!(bound.squared <= most.residual_squared);
    // 16 products of entries are more than 15.
    assert_eq!(with(Certify::Products(15)).lower_bound.unwrap().method, BoundMethod::Ruppert);
}

#[test]
fn a_fit_is_not_lost_to_its_certificate() {
    let cells = (0..25_i64).map(|k| Rational::from((k * k * k + 7 * k) % 19 - 9)).collect();
    let problem = Problem::product(&[(3, 3), (3, 3)], Grid::new(5, 5, cells).unwrap());
    let with = |steps, certify| {
        let fit =
            || (fit(&problem, &Options { certify, ..Options::default() }).unwrap(), budget::left().unwrap());
        Budget { steps, ..Budget::default() }.run(fit).unwrap()
    };
    let (quick, left) = with(Budget::STEPS, Certify::Quick);
    let spent = Budget::STEPS - left;
    // An iteration takes about 9,000,000.
    let (short, _) = with(spent + 20_000_000, Certify::Products(81));
    assert_eq!((short.factors, short.lower_bound), (quick.factors, quick.lower_bound));
    let (long, _) = with(spent + 400_000_000, Certify::Products(81));
    assert_eq!(long.lower_bound.unwrap().method, BoundMethod::Relaxation);
}
