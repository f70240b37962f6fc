//! What the relaxation proposes and what it proves, on small problems.

use nalgebra::DVector;

use super::*;
use crate::fit::problem::{FitUnknown, Problem};

/// A product of unknowns of these sizes, and the kernel that it is to come near.
fn problem(sizes: &[Size], target: &Grid<i64>) -> Problem {
    Problem::product(sizes, target.map(|&x| Rational::from(x)))
}

#[test]
fn groups_have_as_few_entries_as_possible() {
    for sizes in [vec![(2, 2), (3, 3)], vec![(1, 2), (2, 1), (2, 2)], vec![(3, 3), (1, 2), (2, 3), (1, 4)]] {
        let extent = |of: &dyn Fn(&Size) -> usize| 1 + sizes.iter().map(|size| of(size) - 1).sum::<usize>();
        let target = Grid::from_fn(extent(&|size| size.0), extent(&|size| size.1), |_, _| 1);
        let problem = problem(&sizes, &target);
        let reduced = Reduced::new(&problem);
        let entries = |[(a, b), (c, d)]: [Size; 2]| a * b + c * d;
        let products = |[(a, b), (c, d)]: [Size; 2]| a * b * c * d;
        // All ways to divide them into two groups.
        let all: Vec<[Size; 2]> = (1..(1_usize << sizes.len()) - 1)
            .map(|mask| {
                [true, false].map(|wanted| {
                    let chosen =
                        sizes.iter().enumerate().filter(|(k, _)| (mask >> k) % 2 == usize::from(wanted));
                    chosen.fold((1, 1), |(a, b), (_, &(c, d))| (a + c - 1, b + d - 1))
                })
            })
            .collect();
        let mut counts: Vec<usize> = all.iter().map(|&sizes| products(sizes)).collect();
        counts.push(0);
        for most in counts {
            let best =
                all.iter().filter(|&&sizes| products(sizes) <= most).map(|&sizes| entries(sizes)).min();
            let found = groups(&reduced, &reduced.products[0], most);
            assert_eq!(found.map(entries), best);
            assert!(found.is_none_or(|found| all.contains(&found)));
        }
    }
    // One unknown is no product.
    let one = Problem {
        unknowns: vec![FitUnknown::free(2, 2)],
        ..problem(&[(2, 2)], &Grid::from_fn(2, 2, |_, _| 1))
    };
    let one = Reduced::new(&one);
    assert!(groups(&one, &one.products[0], 100).is_none());
}

#[test]
fn factors_of_a_product_are_found_up_to_a_scale() {
    let (p, q) = (DVector::from_vec(vec![1.0, -2.0, 0.5]), DVector::from_vec(vec![3.0, 1.0, -1.0]));
    let along = |a: &[f64], b: &DVector<f64>| {
        let a = DVector::from_column_slice(a);
        (a.dot(b).abs() - a.norm() * b.norm()).abs() < 1e-9 * a.norm() * b.norm()
    };
    let product = &p * q.transpose();
    let found = factors(&product, false);
    assert!(found.len() == 1 && along(&found[0][0], &p) && along(&found[0][1], &q));
    let mixed = (&product + product.transpose()) * 0.5;
    let found = factors(&mixed, true);
    assert_eq!(found.len(), 2);
    let [a, b] = &found[1];
    assert!(along(a, &p) && along(b, &q) || along(a, &q) && along(b, &p));
}

#[test]
fn goals_lie_between_what_is_sought_and_what_is_there() {
    for level in LEVELS {
        let within = goal(2.0, level);
        assert!(2.0 / above(level).to_f64() < within && within < 2.0);
    }
    assert_eq!(above(10_000), Rational::from(4));
}

#[test]
fn the_distance_to_products_is_certified() {
    // No product of two rows is nearer to (1, 0, 1) than (1, 0, 0).
    let problem = problem(&[(1, 2), (1, 2)], &Grid::new(1, 3, vec![1, 0, 1]).unwrap());
    let reduced = Reduced::new(&problem);
    let relaxation = Relaxation::new(&reduced, 100).unwrap();
    // Scaled to norm 1, half of its square is left.
    let relaxed = relaxation.solve(0.5).unwrap();
    assert!((relaxed.floor() - 0.5).abs() < 1e-3);
    let solution = &relaxed.0;
    assert!(solution.bound <= solution.ceiling + 1e-9);
    // Both nearest products are seen, (1, 0, 0) and (0, 0, 1).
    for place in [0, 1] {
        let near = |x: &[f64]| x.len() == 2 && x[1 - place].abs() < 1e-3 * x[place].abs();
        assert!(relaxation.starts(&relaxed).iter().any(|[p, q]| near(p) && near(q)));
    }
    let (certificate, bound) = relaxation.certify(relaxed, &Rational::ONE).unwrap();
    assert!(certificate.is_valid() && bound <= Rational::ONE && bound <= certificate.squared());
    assert!(bound > Rational::ratio(99, 100).unwrap());
    // What is claimed to be nearer than anything is cannot be proved to be nearest.
    let relaxed = relaxation.solve(0.5).unwrap();
    let far = relaxation.certify(relaxed, &Rational::ratio(3, 2).unwrap());
    assert!(
        far.is_none_or(
            |(certificate, bound)| bound <= Rational::ONE && certificate.squared() <= Rational::ONE
        )
    );
    assert!(Relaxation::new(&reduced, 3).is_none());
}

#[test]
fn the_base_is_the_scaled_distance() {
    let target = Grid::new(2, 3, vec![1, -2, 3, 0, 1, 4]).unwrap();
    let problem = problem(&[(1, 2), (2, 2)], &target);
    let relaxation = Relaxation::new(&Reduced::new(&problem), 100).unwrap();
    let base = relaxation.base();
    let (p, q) = ([2.0, -1.0], [1.0, 3.0, 0.5, -2.0]);
    let z: Vec<f64> = [1.0].into_iter().chain(p.iter().flat_map(|x| q.iter().map(move |y| x * y))).collect();
    let z = DVector::from_vec(z);
    let norm = target.cells().iter().map(|x| x * x).sum::<i64>() as f64;
    // The factors are those of the target of norm 1.
    let mut distance = 0.0;
    for i in 0..2 {
        for j in 0..3 {
            let mut rest = *target.at(i, j) as f64 / norm.sqrt();
            for (k, x) in p.iter().enumerate().filter(|(k, _)| *k <= j && j - k < 2) {
                rest -= x * q[2 * i + j - k];
            }
            distance += rest * rest;
        }
    }
    assert!((z.dot(&(&base * &z)) - distance).abs() < 1e-9);
}

#[test]
fn what_is_known_is_scaled_to_norm_one() {
    let target = Grid::new(2, 3, vec![1, -2, 3, 0, 1, 4]).unwrap();
    let base = |times: i64| {
        let mut problem = problem(&[(1, 2), (2, 1)], &target);
        let known = Grid::new(1, 2, [2_i64, -1].map(|x| Rational::from(x * times)).to_vec()).unwrap();
        problem.terms[0].push(crate::fit::problem::FitFactor::Known(known));
        Relaxation::new(&Reduced::new(&problem), 100).unwrap().base()
    };
    let one = base(1);
    assert!((one[(1, 1)] - 1.0).abs() < 1e-12 && (&one - base(3)).amax() < 1e-12);
}

#[test]
fn what_is_certified_scales_with_the_target() {
    let cells = [1, 0, 1].map(|x| Rational::ratio(x, 7).unwrap()).to_vec();
    let problem = Problem::product(&[(1, 2), (1, 2)], Grid::new(1, 3, cells).unwrap());
    let relaxation = Relaxation::new(&Reduced::new(&problem), 100).unwrap();
    let least = Rational::ratio(1, 49).unwrap();
    let (certificate, bound) = relaxation.certify(relaxation.solve(0.5).unwrap(), &least).unwrap();
    assert!(certificate.is_valid() && bound <= least && bound > &least * &Rational::ratio(99, 100).unwrap());
}

/// The average of (1, z)(1, z)ᵀ over products of factors, as a solution.
fn seen(products: &[(&[f64], &[f64])]) -> Relaxed {
    let each = products.iter().map(|(p, q)| {
        let z = [1.0].into_iter().chain(p.iter().flat_map(|x| q.iter().map(move |y| x * y)));
        let z = DVector::from_vec(z.collect());
        &z * z.transpose()
    });
    let moments = each.sum::<DMatrix<f64>>() / products.len() as f64;
    Relaxed(Solution { bound: 0.0, ceiling: 0.0, multipliers: Vec::new(), weights: Vec::new(), moments })
}

#[test]
fn starts_are_the_products_that_are_seen() {
    let along = |a: &[f64], b: &[f64]| {
        let (a, b) = (DVector::from_column_slice(a), DVector::from_column_slice(b));
        (a.dot(&b).abs() - a.norm() * b.norm()).abs() < 1e-3 * a.norm() * b.norm()
    };
    let relaxation = |sizes: [Size; 2], height, width| {
        let target = Grid::from_fn(height, width, |i, j| [3_i64, -1, 4, 1, -5, 9, 2][(3 * i + 2 * j) % 7]);
        Relaxation::new(&Reduced::new(&problem(&sizes, &target)), 100).unwrap()
    };
    let other = relaxation([(1, 3), (2, 2)], 2, 4);
    let (p, q): (&[f64], &[f64]) = (&[1.0, -2.0, 0.5], &[3.0, 1.0, -1.0, 2.0]);
    let sees = |starts: &[[Vec<f64>; 2]], p: &[f64], q: &[f64]| {
        starts.iter().any(|[a, b]| along(a, p) && along(b, q))
    };
    assert!(sees(&other.starts(&seen(&[(p, q)]))[..1], p, q));
    // Two of one length and nearly across: the main directions are their sum and difference.
    let (r, s): (&[f64], &[f64]) = (&[2.0, 1.0, 0.5], &[-1.0, 3.0, -2.0, 1.0]);
    let starts = other.starts(&seen(&[(p, q), (r, s)]));
    assert!(sees(&starts, p, q) && sees(&starts, r, s));
    // Where the factors can be exchanged, both orders are seen at once.
    let equal = relaxation([(1, 3), (1, 3)], 1, 5);
    let (q, r): (&[f64], &[f64]) = (&[3.0, 1.0, -1.0], &[1.0, -2.0, 0.5]);
    let starts = equal.starts(&seen(&[(r, q), (q, r)]));
    assert!(sees(&starts[..2], r, q) || sees(&starts[..2], q, r));
}
