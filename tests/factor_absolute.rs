//! Splitting over ℂ and ℝ: the check cases, and norms from known fields.

use convproof::algebra::Grid;
use convproof::algebra::poly::plane;
use convproof::factor::absolute::{Certificate, absolute_factor_count, real_counts, split};
use convproof::factor::exact::factor;
use num_bigint::BigInt;
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
    assert_eq!(splitting.factor.height(), (f.height() - 1) / if f.height() == 1 { 1 } else { count } + 1);
    (count, real, pairs)
}

#[test]
fn check_cases() {
    assert_eq!(verdict(&grid(&[&[1, 0, 0, 0, 1]])), (4, 0, 2));
    assert_eq!(verdict(&grid(&[&[-2], &[0], &[0], &[0], &[1]])), (4, 2, 1));
    let real = grid(&[&[1, 0, 2, 0, 1], &[0; 5], &[2, 0, 0, 0, 0], &[0; 5], &[1, 0, 0, 0, 0]]);
    let complex = grid(&[&[1, 0, 0, 0, 1], &[0; 5], &[2, 0, 0, 0, 0], &[0; 5], &[1, 0, 0, 0, 0]]);
    // (x² + 1)² + (y² + 1)² − 1 and (x² + 1)² + y⁴
    assert_eq!(verdict(&complex), (2, 0, 1));
    assert_eq!(verdict(&real), (2, 2, 0));
}

#[test]
fn named_kernels() {
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
    for kernel in [&gauss, &canny, &log] {
        let f = grid(kernel);
        println!("{:?} {:?}", absolute_factor_count(&f), verdict(&f));
    }
}
