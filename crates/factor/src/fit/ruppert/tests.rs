//! The matrix against Ruppert's equation, and the bound against products.

use super::*;
use convproof_exact::SplitMix64;

/// A polynomial as coefficients of x^i y^j.
type Polynomial = Grid<i128>;

fn any(random: &mut SplitMix64, height: usize, width: usize) -> Polynomial {
    Grid::from_fn(height, width, |_, _| i128::from(random.below(9)) - 4)
}

/// `f·∂g/∂y − g·∂f/∂y + h·∂f/∂x − f·∂h/∂x`, coefficients of x^s y^t with s < 2m and t < 2n − 1.
fn equation(f: &Polynomial, g: &Polynomial, h: &Polynomial) -> Polynomial {
    let (m, n) = (f.height() - 1, f.width() - 1);
    let mut sum = Grid::from_fn(2 * m + 1, 2 * n + 1, |_, _| 0);
    let derivative = |p: &Polynomial, along_x: bool| {
        Grid::from_fn(p.height(), p.width(), |i, j| {
            let (i, j, factor) = if along_x { (i + 1, j, i + 1) } else { (i, j + 1, j + 1) };
            if i < p.height() && j < p.width() { *p.at(i, j) * factor as i128 } else { 0 }
        })
    };
    let mut add = |a: &Polynomial, b: &Polynomial, sign: i128| {
        for (i, row) in a.rows().enumerate() {
            for (j, x) in row.iter().enumerate() {
                for (k, other) in b.rows().enumerate() {
                    for (l, y) in other.iter().enumerate().filter(|(_, y)| sign * x * **y != 0) {
                        *sum.at_mut(i + k, j + l) += sign * x * y;
                    }
                }
            }
        }
    };
    add(f, &derivative(g, false), 1);
    add(g, &derivative(f, false), -1);
    add(h, &derivative(f, true), 1);
    add(f, &derivative(h, true), -1);
    sum
}

/// The pair (g, h) with coordinates v.
fn pair(v: &[i128], m: usize, n: usize) -> (Polynomial, Polynomial) {
    let (g, h) = v.split_at(m * (n + 1));
    let g = Grid::new(m, n + 1, g.to_vec()).unwrap();
    let h = Grid::from_fn(m + 1, n.max(2) - 1, |i, j| if n > 1 { h[i * (n - 1) + j] } else { 0 });
    (g, h)
}

#[test]
fn the_gram_matrix_is_that_of_the_weighted_equation() {
    let mut random = SplitMix64::new(1);
    for (m, n) in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (1, 3), (2, 4)] {
        let f = any(&mut random, m + 1, n + 1);
        let columns = 2 * m * n + n - 1;
        let gram = weighted_gram(&f).unwrap();
        assert_eq!(gram.len(), columns);
        // What each pair of an entry and a coordinate adds to the norm of its row.
        let mut norms = Grid::from_fn(2 * m + 1, 2 * n + 1, |_, _| 0_i128);
        for p in 0..(m + 1) * (n + 1) {
            let entry = Grid::from_fn(m + 1, n + 1, |i, j| i128::from(i * (n + 1) + j == p));
            for q in 0..columns {
                let v: Vec<i128> = (0..columns).map(|k| i128::from(k == q)).collect();
                let (g, h) = pair(&v, m, n);
                let one = equation(&entry, &g, &h);
                norms.cells_mut().iter_mut().zip(one.cells()).for_each(|(norm, c)| *norm += c * c);
            }
        }
        for _ in 0..5 {
            let v = any(&mut random, 1, columns);
            let (g, h) = pair(v.cells(), m, n);
            let result = equation(&f, &g, &h);
            let weighted = result.cells().iter().zip(norms.cells());
            let expected: i128 = weighted.map(|(x, norm)| x * x * ((1 << WEIGHT_BITS) / norm.max(&1))).sum();
            let x = v.cells();
            let found: i128 = gram
                .iter()
                .zip(x)
                .map(|(row, a)| a * row.iter().zip(x).map(|(g, b)| g * b).sum::<i128>())
                .sum();
            assert_eq!(found, expected);
        }
    }
    let wide = |n: usize| Grid::from_fn(2, n + 1, |_, _| 1_i128);
    // 2mn + n − 1 columns.
    assert!(weighted_gram(&wide(85)).is_some() && weighted_gram(&wide(86)).is_none());
}

fn fixed(cells: &Polynomial, denominator: i64) -> Fixed {
    Fixed { cells: cells.map(|x| BigInt::from(*x)), denominator: BigInt::from(denominator) }
}

#[test]
fn products_are_at_no_distance_and_others_no_nearer_than_bounded() {
    let mut random = SplitMix64::new(2);
    for ((a, b), (c, d)) in [((1, 2), (2, 1)), ((2, 2), (2, 2)), ((1, 3), (3, 1)), ((2, 2), (1, 2))] {
        let f = fixed(&any(&mut random, a + c - 1, b + d - 1), 7);
        let bound = distance_to_products(&f);
        for _ in 0..20 {
            let product = fixed(&any(&mut random, a, b), 7).convolve(&fixed(&any(&mut random, c, d), 1));
            assert!(distance_to_products(&product).is_zero());
            assert!(&bound * &bound <= f.minus(&product).norm_squared());
        }
    }
}

#[test]
fn the_bound_of_the_identity_is_positive_and_scales() {
    // (1, 0; 0, 1) is at distance 1 from (1, 0; 0, 0), a product.
    let identity = Grid::from_fn(2, 2, |i, j| i128::from(i == j));
    let bound = distance_to_products(&fixed(&identity, 1));
    assert!(bound > Rational::ratio(1, 4).unwrap() && bound <= Rational::ONE);
    assert_eq!(distance_to_products(&fixed(&identity, 5)), &bound * &Rational::ratio(1, 5).unwrap());
    // Rounded entries give some of the bound away, and no more than half a unit each.
    let long = identity.map(|x| x * ((1 << 40) + 1) + 3);
    let near =
        distance_to_products(&fixed(&long, 1)).checked_div(&Rational::from((1_i64 << 40) + 4)).unwrap();
    assert!(near < bound);
    assert!(near <= Rational::ONE && (&near - &bound).abs() < Rational::ratio(1, 1000).unwrap());
    // One row or one column is always a product.
    assert!(distance_to_products(&fixed(&Grid::from_fn(1, 3, |_, _| 1), 1)).is_zero());
    assert!(distance_to_products(&fixed(&Grid::from_fn(3, 1, |_, _| 1), 1)).is_zero());
    assert!(distance_to_products(&fixed(&Grid::from_fn(2, 2, |_, _| 0), 1)).is_zero());
}

#[test]
fn only_what_is_below_the_least_eigenvalue_is_proved() {
    let diagonal = |values: [i128; 2]| vec![vec![values[0], 0], vec![0, values[1]]];
    let proved = prove_shift(1000.0, &diagonal([1000, 2000])).unwrap();
    assert!((990..1000).contains(&proved));
    assert!(prove_shift(1.0, &diagonal([1, 2])).is_none());
    assert!(prove_shift(-1.0, &diagonal([-1, 2])).is_none());
    // A wrong eigenvalue proves nothing wrong.
    assert!(prove_shift(10_000.0, &diagonal([1000, 2000])).is_none());
}
