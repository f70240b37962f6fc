//! Splitting over ℂ and ℝ: the check cases, norms from known fields, and certificates checked by other means.

use convproof::algebra::Grid;
use convproof::algebra::poly::plane;
use convproof::factor::absolute::{
    AbsoluteCertificate, AbsoluteCount, absolute_factor_count, real_counts, split,
};
use convproof::factor::exact::{FactorError, factor};
use num_bigint::BigInt;
use num_traits::{One, ToPrimitive};
use proptest::prelude::*;

fn grid(rows: &[&[i64]]) -> Grid<BigInt> {
    Grid::from_rows(rows.iter().map(|row| row.iter().map(|c| BigInt::from(*c)).collect()).collect()).unwrap()
}

/// (factors over ℂ, real ones, pairs) of an irreducible polynomial; the field's roots must agree.
fn verdict(f: &Grid<BigInt>) -> (usize, usize, usize) {
    let count = absolute_factor_count(f).unwrap().count;
    let (real, pairs) = real_counts(f, count).unwrap();
    let splitting = split(f).unwrap();
    assert_eq!((splitting.real, splitting.pairs), (real, pairs));
    assert_eq!(splitting.roots.len(), count);
    assert_eq!(splitting.factor.height(), (f.height() - 1) / count + 1);
    assert_eq!(splitting.factor.width(), (f.width() - 1) / count + 1);
    (count, real, pairs)
}

#[test]
fn check_cases() {
    assert_eq!(verdict(&grid(&[&[1, 0, 0, 0, 1]])), (4, 0, 2));
    assert_eq!(verdict(&grid(&[&[-2], &[0], &[0], &[0], &[1]])), (4, 2, 1));
    // (x² + y² + 1)² − 2·x²y² and (x² + 1)² + y⁴
    let real = grid(&[&[1, 0, 2, 0, 1], &[0; 5], &[2, 0, 0, 0, 0], &[0; 5], &[1, 0, 0, 0, 0]]);
    let complex = grid(&[&[1, 0, 0, 0, 1], &[0; 5], &[2, 0, 0, 0, 0], &[0; 5], &[1, 0, 0, 0, 0]]);
    assert_eq!(verdict(&complex), (2, 0, 1));
    assert_eq!(verdict(&real), (2, 2, 0));
    // x⁴ − 2y⁴: two real lines and a pair; x³ − 2y³: one and a pair.
    let quartic = Grid::from_fn(5, 5, |i, j| {
        BigInt::from(i64::from((i, j) == (4, 0)) - 2 * i64::from((i, j) == (0, 4)))
    });
    assert_eq!(verdict(&quartic), (4, 2, 1));
    let cubic = Grid::from_fn(4, 4, |i, j| {
        BigInt::from(i64::from((i, j) == (3, 0)) - 2 * i64::from((i, j) == (0, 3)))
    });
    assert_eq!(verdict(&cubic), (3, 1, 1));
    assert_eq!(absolute_factor_count(&grid(&[&[7]])), Err(FactorError::Zero));
}

/// The rank of Ruppert's system modulo a prime, written independently: dense, one column for each basis pair.
fn ruppert_rank(f: &Grid<BigInt>, prime: u64) -> (usize, usize) {
    let p = i128::from(prime);
    let (m, n) = (f.height() - 1, f.width() - 1);
    let at = |i: usize, j: usize| (f.at(i, j) % prime).to_i128().unwrap().rem_euclid(p);
    let mut columns: Vec<Vec<i128>> = Vec::new();
    // Image of g = x^i y^j is f·g_y − g·f_y, of h = x^i y^j is h·f_x − f·h_x.
    for (of_g, rows, width) in [(true, m, n + 1), (false, m + 1, n)] {
        for i in 0..rows {
            for j in 0..width {
                let mut column = vec![0; (2 * m + 1) * (2 * n + 1)];
                for a in 0..=m {
                    for b in 0..=n {
                        let (x, y, c) = if of_g {
                            (a + i, (b + j).wrapping_sub(1), j as i128 - b as i128)
                        } else {
                            ((a + i).wrapping_sub(1), b + j, a as i128 - i as i128)
                        };
                        if x <= 2 * m && y <= 2 * n {
                            let cell = &mut column[x * (2 * n + 1) + y];
                            *cell = (*cell + at(a, b) * c.rem_euclid(p)).rem_euclid(p);
                        }
                    }
                }
                columns.push(column);
            }
        }
    }
    let unknowns = columns.len();
    let mut rank = 0;
    for position in 0..columns[0].len() {
        let Some(pivot) = (rank..unknowns).find(|c| columns[*c][position] != 0) else { continue };
        columns.swap(rank, pivot);
        let mut inverse = 1;
        let (mut base, mut exponent) = (columns[rank][position], p - 2);
        while exponent > 0 {
            if exponent & 1 == 1 {
                inverse = inverse * base % p;
            }
            base = base * base % p;
            exponent >>= 1;
        }
        let known = columns[rank].clone();
        for column in &mut columns[rank + 1..] {
            let factor = column[position] * inverse % p;
            if factor != 0 {
                for (x, y) in column.iter_mut().zip(&known) {
                    *x = (*x - factor * y % p).rem_euclid(p);
                }
            }
        }
        rank += 1;
    }
    (unknowns, rank)
}

#[test]
fn ruppert_certificates_can_be_checked() {
    let gauss = [
        &[1, 4, 7, 4, 1][..],
        &[4, 16, 26, 16, 4],
        &[7, 26, 41, 26, 7],
        &[4, 16, 26, 16, 4],
        &[1, 4, 7, 4, 1],
    ];
    let canny =
        [&[2, 4, 5, 4, 2][..], &[4, 9, 12, 9, 4], &[5, 12, 15, 12, 5], &[4, 9, 12, 9, 4], &[2, 4, 5, 4, 2]];
    let log =
        [&[0, 0, 1, 0, 0][..], &[0, 1, 2, 1, 0], &[1, 2, -16, 2, 1], &[0, 1, 2, 1, 0], &[0, 0, 1, 0, 0]];
    let real = [&[1, 0, 2, 0, 1][..], &[0; 5], &[2, 0, 0, 0, 0], &[0; 5], &[1, 0, 0, 0, 0]];
    for (kernel, expected) in [(&gauss, 1), (&canny, 1), (&log, 1), (&real, 2)] {
        let f = grid(kernel);
        let AbsoluteCount { count, certificate } = absolute_factor_count(&f).unwrap();
        assert_eq!(count, expected);
        let AbsoluteCertificate::Ruppert { prime, unknowns, rank } = certificate else {
            panic!("{certificate:?}")
        };
        assert_eq!(ruppert_rank(&f, prime), (unknowns, rank));
        assert_eq!(unknowns - rank, count);
    }
}

#[test]
fn large_kernels_are_certified_by_an_image() {
    let mut state = 7u64;
    let f = Grid::from_fn(17, 13, |_, _| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        BigInt::from((state >> 33) % 19) - 9
    });
    let AbsoluteCount { count, certificate } = absolute_factor_count(&f).unwrap();
    assert_eq!(count, 1);
    let AbsoluteCertificate::Image { prime, transposed, point, degrees } = certificate else {
        panic!("{certificate:?}")
    };
    assert!(transposed);
    assert_eq!(degrees.iter().sum::<usize>(), 12);
    assert_eq!(degrees.iter().copied().reduce(num_integer::gcd), Some(1));
    // As many linear factors as the image has roots.
    let value = |y: u64, x: u64| {
        let power = |base: u64, e: usize| (0..e).fold(1, |acc, _| acc * base % prime);
        let mut sum = 0;
        for (i, row) in f.rows().enumerate() {
            for (j, c) in row.iter().enumerate() {
                let c = (c % prime + prime) % prime;
                sum = (sum + c.to_u64().unwrap() * power(x, i) % prime * power(y, j)) % prime;
            }
        }
        sum
    };
    let roots = (0..prime).filter(|y| value(*y, point) == 0).count();
    assert_eq!(roots, degrees.iter().filter(|d| **d == 1).count());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// a² − d·b² is reducible over ℚ(√d); if it is irreducible over ℚ, that is its field.
    #[test]
    fn norms_have_their_field(
        a in prop::collection::vec(-4i64..=4, 6),
        b in prop::collection::vec(-4i64..=4, 6),
        d in prop::sample::select(vec![2i64, 3, -1, -5]),
    ) {
        let make = |cells: &[i64]| Grid::new(2, 3, cells.iter().map(|c| BigInt::from(*c)).collect()).unwrap();
        let (a, b) = (make(&a), make(&b));
        let (aa, bb) = (plane::mul(&a, &a), plane::mul(&b, &b));
        let norm = Grid::from_fn(3, 5, |i, j| aa.at(i, j) - bb.at(i, j) * d);
        prop_assume!(plane::leading_position(&norm).is_some());
        let factors = factor(&norm).unwrap().factors;
        prop_assume!(factors.len() == 1 && factors[0].1 == 1 && factors[0].0.height() == 3 && factors[0].0.width() == 5);
        prop_assert_eq!(verdict(&factors[0].0), if d > 0 { (2, 2, 0) } else { (2, 0, 1) });
        // The discriminant of the field's polynomial is d times a square.
        let field = split(&factors[0].0).unwrap().field;
        let discriminant = &field[1] * &field[1] - &field[0] * &field[2] * 4;
        let square: BigInt = discriminant * d;
        prop_assert_eq!(square.sqrt().pow(2), square);
        prop_assert!(field[2] >= BigInt::one());
    }
}
