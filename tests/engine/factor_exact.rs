//! Exact factorization over ℚ: planted products come back, known cases get their known answers.

use convproof::algebra::Grid;
use convproof::algebra::poly::plane;
use convproof::factor::exact::{FactorError, Factorization, factor};
use num_bigint::BigInt;
use num_traits::{One, Signed};
use proptest::prelude::*;

fn grid(rows: &[&[i64]]) -> Grid<BigInt> {
    Grid::from_rows(rows.iter().map(|row| row.iter().map(|c| BigInt::from(*c)).collect()).collect()).unwrap()
}

fn random_grid(height: usize, width: usize, limit: BigInt) -> impl Strategy<Value = Grid<BigInt>> {
    let words = prop::collection::vec(prop::collection::vec(any::<u32>(), 1..6), height * width);
    words.prop_map(move |cells| {
        let span = &limit * 2 + 1;
        let cells = cells.into_iter().map(|digits| {
            let value = BigInt::from_slice(num_bigint::Sign::Plus, &digits);
            value % &span - &limit
        });
        Grid::new(height, width, cells.collect()).unwrap()
    })
}

/// Product, normal form, order and distinctness; irreducibility of each factor is asked of the factoriser again.
fn check(kernel: &Grid<BigInt>) -> Factorization {
    let result = factor(kernel).unwrap();
    let (inner, x, y) = plane::strip(kernel).unwrap();
    assert_eq!((result.x_power, result.y_power), (x, y));
    assert_eq!(plane::strip(&result.product()).unwrap(), (inner, x, y));
    for (f, multiplicity) in &result.factors {
        assert!(*multiplicity > 0);
        assert!(f.cells().len() > 1);
        let (content, part) = plane::primitive(f);
        assert!(content.is_one() && part == *f);
        assert!(f.cells().iter().rev().find(|c| **c != BigInt::ZERO).unwrap().is_positive());
        let (stripped, ..) = plane::strip(f).unwrap();
        assert_eq!(&stripped, f);
        let again = factor(f).unwrap();
        assert_eq!(again.factors, vec![(f.clone(), 1)]);
    }
    let key = |f: &Grid<BigInt>| (f.height(), f.width(), f.cells().to_vec());
    assert!(result.factors.windows(2).all(|w| key(&w[0].0) < key(&w[1].0)));
    result
}

fn count(rows: &[&[i64]]) -> usize {
    check(&grid(rows)).factors.iter().map(|(_, m)| m).sum()
}

#[test]
fn known_kernels() {
    assert_eq!(count(&[&[1, 0, 0, 0, 1]]), 1);
    assert_eq!(count(&[&[4, 0, 0, 0, 1]]), 2);
    // x⁴ + 2x² + y⁴ + 2y² + 1 and x⁴ + 2x² + y⁴ + 1
    assert_eq!(count(&[&[1, 0, 2, 0, 1], &[0; 5], &[2, 0, 0, 0, 0], &[0; 5], &[1, 0, 0, 0, 0]]), 1);
    assert_eq!(count(&[&[1, 0, 0, 0, 1], &[0; 5], &[2, 0, 0, 0, 0], &[0; 5], &[1, 0, 0, 0, 0]]), 1);
    let gauss = [
        &[1, 4, 7, 4, 1][..],
        &[4, 16, 26, 16, 4],
        &[7, 26, 41, 26, 7],
        &[4, 16, 26, 16, 4],
        &[1, 4, 7, 4, 1],
    ];
    assert_eq!(count(&gauss), 1);
    let canny =
        [&[2, 4, 5, 4, 2][..], &[4, 9, 12, 9, 4], &[5, 12, 15, 12, 5], &[4, 9, 12, 9, 4], &[2, 4, 5, 4, 2]];
    assert_eq!(count(&canny), 1);
    let log =
        [&[0, 0, 1, 0, 0][..], &[0, 1, 2, 1, 0], &[1, 2, -16, 2, 1], &[0, 1, 2, 1, 0], &[0, 0, 1, 0, 0]];
    assert_eq!(count(&log), 1);
    let row = [1, 4, 6, 4, 1];
    let binomial: Vec<Vec<i64>> = row.iter().map(|a| row.iter().map(|b| a * b).collect()).collect();
    let rows: Vec<&[i64]> = binomial.iter().map(Vec::as_slice).collect();
    assert_eq!(count(&rows), 8);
    assert_eq!(check(&grid(&rows)).factors.len(), 2);
}

#[test]
fn degenerate_inputs() {
    assert_eq!(factor(&grid(&[&[0, 0], &[0, 0]])), Err(FactorError::Zero));
    assert_eq!(factor(&Grid::from_fn(0, 0, |_, _| BigInt::one())), Err(FactorError::Zero));
    let constant = check(&grid(&[&[0, 0], &[0, -6]]));
    assert_eq!(constant.content, BigInt::from(-6));
    assert_eq!((constant.x_power, constant.y_power, constant.factors.len()), (1, 1, 0));
    assert_eq!(factor(&Grid::from_fn(1, 600, |_, _| BigInt::one())), Err(FactorError::Limit));
}

#[test]
fn discriminants_divisible_by_many_primes() {
    // No small prime is good for these.
    let n = [251, 257, 263, 269, 271, 277, 281, 283, 293, 307, 311, 313, 317, 331, 337].map(BigInt::from);
    let n: BigInt = n.iter().product();
    let row = Grid::from_fn(1, 3, |_, j| [-&n, BigInt::ZERO, BigInt::one()][j].clone());
    assert_eq!(check(&row).factors.len(), 1);
    let square = Grid::from_fn(1, 3, |_, j| [-(&n * &n), BigInt::ZERO, BigInt::one()][j].clone());
    assert_eq!(check(&square).factors.len(), 2);
    let plane = Grid::from_fn(3, 3, |i, j| match (i, j) {
        (2, 0) => BigInt::one(),
        (0, 2) => -&n,
        _ => BigInt::ZERO,
    });
    assert_eq!(check(&plane).factors.len(), 1);
}

#[test]
fn cyclotomic_rows() {
    // x^n − 1 has one factor for each divisor of n.
    for (n, divisors) in [(12usize, 6usize), (30, 8), (60, 12), (64, 7)] {
        let mut cells = vec![0; n + 1];
        (cells[0], cells[n]) = (-1, 1);
        assert_eq!(count(&[&cells]), divisors, "x^{n} − 1");
    }
}

/// The minimal polynomial of √a + √b + …: splits into linear and quadratic factors modulo every prime.
fn swinnerton_dyer(squares: &[i64]) -> Vec<BigInt> {
    let mut p = vec![BigInt::ZERO, BigInt::one()];
    for a in squares {
        // p(x + √a)·p(x − √a) = u² − a·v² where p(x + √a) = u + √a·v.
        let (mut u, mut v) = (Vec::new(), Vec::new());
        for c in p.iter().rev() {
            let mut next_u = vec![BigInt::ZERO; u.len() + 1];
            let mut next_v = vec![BigInt::ZERO; u.len() + 1];
            for (i, x) in u.iter().enumerate() {
                next_u[i + 1] += x;
                next_v[i] += x;
            }
            for (i, x) in v.iter().enumerate() {
                let x: &BigInt = x;
                next_v[i + 1] += x;
                next_u[i] += x * a;
            }
            next_u[0] += c;
            (u, v) = (next_u, next_v);
        }
        let square = |w: &[BigInt]| {
            let mut s = vec![BigInt::ZERO; 2 * w.len() - 1];
            for (i, x) in w.iter().enumerate() {
                for (j, y) in w.iter().enumerate() {
                    s[i + j] += x * y;
                }
            }
            s
        };
        p = square(&u).iter().zip(square(&v)).map(|(x, y)| x - y * a).collect();
        while p.last().is_some_and(|c| *c == BigInt::ZERO) {
            p.pop();
        }
    }
    p
}

#[test]
fn swinnerton_dyer_is_irreducible() {
    for primes in [&[2, 3, 5][..], &[2, 3, 5, 7], &[2, 3, 5, 7, 11]] {
        let p = swinnerton_dyer(primes);
        assert_eq!(p.len(), (1 << primes.len()) + 1);
        let row = Grid::new(1, p.len(), p).unwrap();
        assert_eq!(check(&row).factors.len(), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn planted_products(
        f in (1usize..6, 1usize..6).prop_flat_map(|(h, w)| random_grid(h, w, 9.into())),
        g in (1usize..6, 1usize..6).prop_flat_map(|(h, w)| random_grid(h, w, 9.into())),
        power in 1usize..4,
    ) {
        let Ok(of_f) = factor(&f) else { return Ok(()) };
        let Ok(of_g) = factor(&g) else { return Ok(()) };
        let product = (0..power).fold(f, |acc, _| plane::mul(&acc, &g));
        let result = check(&product);
        // Unique factorization: the multiset is the union of those of the parts.
        let mut expected: Vec<(Grid<BigInt>, usize)> = Vec::new();
        let parts = of_f.factors.iter().map(|(h, m)| (h, *m));
        for (h, m) in parts.chain(of_g.factors.iter().map(|(h, m)| (h, m * power))) {
            match expected.iter_mut().find(|(other, _)| other == h) {
                Some((_, total)) => *total += m,
                None => expected.push((h.clone(), m)),
            }
        }
        expected.sort_by_key(|(h, _)| (h.height(), h.width(), h.cells().to_vec()));
        prop_assert_eq!(result.factors, expected);
    }

    #[test]
    fn few_small_coefficients(f in random_grid(4, 5, 1.into()), g in random_grid(5, 3, 1.into())) {
        prop_assume!(plane::leading_position(&f).is_some() && plane::leading_position(&g).is_some());
        let product = check(&plane::mul(&f, &g));
        let total: usize = product.factors.iter().map(|(_, m)| m).sum();
        let parts = [f, g].map(|h| factor(&h).unwrap().factors.iter().map(|(_, m)| m).sum::<usize>());
        prop_assert_eq!(total, parts[0] + parts[1]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn planted_with_forty_digits(
        f in (2usize..6, 2usize..6).prop_flat_map(|(h, w)| random_grid(h, w, BigInt::from(10).pow(40))),
        g in (2usize..6, 2usize..6).prop_flat_map(|(h, w)| random_grid(h, w, BigInt::from(10).pow(40))),
    ) {
        let product = check(&plane::mul(&f, &g));
        prop_assert!(product.factors.iter().map(|(_, m)| m).sum::<usize>() >= 2);
    }

    #[test]
    fn planted_seventeen(f in random_grid(9, 9, 9.into()), g in random_grid(9, 9, 9.into())) {
        prop_assert!(check(&plane::mul(&f, &g)).factors.iter().map(|(_, m)| m).sum::<usize>() >= 2);
    }
}

#[test]
fn planted_seventeen_with_forty_digits() {
    let limit = BigInt::from(10).pow(39);
    let mut state = BigInt::from(12345);
    let mut next = || {
        state = (&state * 6364136223846793005u64 + 1442695040888963407u64) % (&limit * 7 + 3);
        &state % &limit
    };
    let f = Grid::from_fn(9, 9, |_, _| next());
    let g = Grid::from_fn(9, 9, |_, _| next());
    assert_eq!(check(&plane::mul(&f, &g)).factors.len(), 2);
}
