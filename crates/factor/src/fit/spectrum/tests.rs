//! Bounds and vectors against what is known of the singular values.

use super::*;
use convproof_exact::{Grid, SplitMix64};

fn kernel(height: usize, width: usize, cells: &[i64]) -> Fixed {
    let cells = cells.iter().map(|&x| BigInt::from(x)).collect();
    Fixed { cells: Grid::new(height, width, cells).unwrap(), denominator: BigInt::from(3) }
}

/// Below what it bounds, by less than 2^-30 of it.
fn is_sharp(tail: &Rational, exact: &Rational) -> bool {
    tail <= exact && &(exact - tail) * &Rational::from(1_i64 << 30) <= *exact
}

#[test]
fn tails_of_known_singular_values_are_sharp() {
    // √50 and √2 for the first one (over 3); rows 3 and 4 long; orthogonal columns 2, 3, 6 long.
    let cases: [(Fixed, &[i64]); 4] = [
        (kernel(2, 2, &[7, 1, 1, 1]), &[]),
        (kernel(2, 3, &[3, 0, 0, 0, 0, -4]), &[16, 9]),
        (kernel(3, 2, &[2, 2, 1, -1, 0, 0]), &[8, 2]),
        (kernel(3, 3, &[0, 3, 0, 2, 0, 0, 0, 0, 6]), &[36, 9, 4]),
    ];
    for (kernel, squares) in cases {
        let whole = kernel.norm_squared();
        assert!(is_sharp(&spectrum(&kernel, 0).unwrap().tail, &whole));
        for (rank, _) in squares.iter().enumerate() {
            let rest: i64 = squares[rank..].iter().sum();
            assert!(is_sharp(&spectrum(&kernel, rank).unwrap().tail, &Rational::ratio(rest, 9).unwrap()));
        }
        let full = kernel.height().min(kernel.width());
        assert!(spectrum(&kernel, full).unwrap().tail.is_zero());
    }
    assert!(spectrum(&kernel(2, 2, &[0; 4]), 1).is_none());
}

#[test]
fn tails_are_below_the_distance_to_any_kernel_of_the_rank() {
    let mut random = SplitMix64::new(1);
    let mut number = || i64::try_from(random.below(19)).unwrap() - 9;
    for _ in 0..10 {
        let cells: Vec<i64> = (0..12).map(|_| number()).collect();
        let fixed = kernel(3, 4, &cells);
        let Some(found) = spectrum(&fixed, 1) else { continue };
        // The determinant of [[a, b], [b, d]]-like Gram matrices is not needed: any product is further away.
        for _ in 0..20 {
            let (p, q): (Vec<i64>, Vec<i64>) =
                ((0..3).map(|_| number()).collect(), (0..4).map(|_| number()).collect());
            let product: Vec<i64> = p.iter().flat_map(|x| q.iter().map(move |y| x * y)).collect();
            // Scaled to come nearest.
            let dot = |a: &[i64], b: &[i64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<i64>();
            let norm = dot(&product, &product).max(1);
            let meet = dot(&cells, &product);
            let distance = Rational::ratio(dot(&cells, &cells) * norm - meet * meet, norm * 9).unwrap();
            assert!(found.tail <= distance);
        }
        assert!(!found.tail.is_zero());
    }
}

#[test]
fn nearly_rank_deficient_kernels_have_exact_vectors() {
    // Of rank one but for 1 in 10^20.
    let large = 10_i64.pow(10);
    let fixed = kernel(2, 2, &[large, large, large, large + 1]);
    let found = spectrum(&fixed, 1).unwrap();
    // The determinant, which is 10^10, is the product of the singular values; the first is near 2·10^10.
    let exact = Rational::ratio(1, 36).unwrap();
    let near = |x: &Rational, y: &Rational| (x - y).abs() < Rational::ratio(1, 1 << 30).unwrap();
    assert!(near(&found.tail, &exact), "{}", found.tail);
    assert!(found.spread > 60);
}

#[test]
fn vectors_are_eigenvectors() {
    for fixed in [kernel(3, 3, &[1, 2, 3, 4, 5, 6, 7, 8, 10]), kernel(2, 3, &[1, 0, 5, -2, 2, 0])] {
        let found = spectrum(&fixed, 1).unwrap();
        let gram = gram(&fixed);
        assert_eq!(found.vectors.len(), gram.len());
        let mut last: Option<BigInt> = None;
        for vector in &found.vectors {
            let image: Vec<BigInt> = gram.iter().map(|row| dot(row, vector)).collect();
            let (norm, meet) = (dot(vector, vector), dot(vector, &image));
            // ‖norm·Gv − meet·v‖ is small beside norm·‖v‖.
            let off =
                image.iter().zip(vector).map(|(x, y)| x * &norm - y * &meet).map(|x| &x * &x).sum::<BigInt>();
            assert!((off << 80_u32) < &norm * &norm * &norm);
            let value = (meet << 40_u32) / norm;
            assert!(last.replace(value.clone()).is_none_or(|last| value < last));
        }
    }
}

#[test]
fn any_vectors_give_a_bound() {
    let fixed = kernel(2, 2, &[3, 1, 1, 2]);
    let gram = gram(&fixed);
    // Eigenvalues of [[10, 5], [5, 5]]: (15 ± √125)/2, the smaller one 1.9098….
    let unit = BigInt::one() << 20_u32;
    let skewed = |x: i64, y: i64| vec![&unit * x / 100, &unit * y / 100];
    for vectors in [
        [skewed(85, 52), skewed(-52, 85)],
        [skewed(80, 60), skewed(-60, 80)],
        [skewed(100, 0), skewed(0, 100)],
    ] {
        let (tail, diagonal, sharp) = tail_of_eigenvalues(&gram, &vectors, 20, 1).unwrap();
        assert!(tail <= Rational::ratio(190_984, 100_000).unwrap() && !sharp && diagonal.len() == 2);
    }
    // Not near orthonormal.
    assert!(tail_of_eigenvalues(&gram, &[skewed(100, 0), skewed(100, 0)], 20, 1).is_none());
    assert!(tail_of_eigenvalues(&gram, &[skewed(0, 0), skewed(0, 100)], 20, 1).is_none());
}

#[test]
fn the_smaller_gram_matrix_is_taken() {
    for (height, width, rows) in [(2, 3, true), (3, 2, false), (2, 2, true)] {
        let cells: Vec<i64> = (1..=6).take(height * width).collect();
        let kernel = kernel(height, width, &cells);
        assert_eq!((by_rows(&kernel), gram(&kernel).len()), (rows, 2));
    }
    assert_eq!([63, 64, 128].map(product), [42, 48, 58]);
}

#[test]
fn long_entries_take_more_bits() {
    // 10^30 is the determinant and nearly half the first singular value: the second is near 1/2, over 3.
    let large = BigInt::from(10).pow(30);
    let mut cells = vec![large.clone(); 4];
    cells[3] += 1;
    let fixed = Fixed { cells: Grid::new(2, 2, cells).unwrap(), denominator: BigInt::from(3) };
    let found = spectrum(&fixed, 1).unwrap();
    let exact = Rational::ratio(1, 36).unwrap();
    assert!((&found.tail - &exact).abs() < Rational::ratio(1, 1 << 40).unwrap(), "{}", found.tail);
    // Entries beyond the squares of floats.
    let small = kernel(2, 2, &[3, 1, 1, 2]);
    let long = Fixed { cells: small.cells.map(|x| x << 450_u32), denominator: small.denominator.clone() };
    let (small, long) = (spectrum(&small, 1).unwrap().tail, spectrum(&long, 1).unwrap().tail);
    let scaled = &small * &Rational::from(BigInt::one() << 900_u32);
    assert!(&(&scaled - &long).abs() * &Rational::from(1_i64 << 30) < scaled);
}

/// Random vectors with entries below 2^bits in magnitude.
fn any(random: &mut SplitMix64, size: usize, bits: u64) -> Vec<Vec<BigInt>> {
    let mut number = || (BigInt::from(random.below(1 << 40)) << bits >> 39_u32) - (BigInt::one() << bits);
    (0..size).map(|_| (0..size).map(|_| number()).collect()).collect()
}

#[test]
fn vectors_become_orthonormal() {
    let mut random = SplitMix64::new(7);
    for size in 1..5 {
        let mut vectors = any(&mut random, size, 100);
        orthonormalise(&mut vectors, 100);
        for (k, vector) in vectors.iter().enumerate() {
            for (l, other) in vectors.iter().enumerate() {
                let expected = if k == l { BigInt::one() << 200_u32 } else { BigInt::zero() };
                assert!((dot(vector, other) - expected).bits() < 110);
            }
        }
    }
}

#[test]
fn a_rotation_clears_an_entry_and_keeps_the_form() {
    let mut random = SplitMix64::new(8);
    for size in 2..5 {
        let half = any(&mut random, size, 99);
        let start: Vec<Vec<BigInt>> =
            (0..size).map(|i| (0..size).map(|j| &half[i][j] + &half[j][i]).collect()).collect();
        let unit = |i: usize, j: usize| if i == j { BigInt::one() << 100_u32 } else { BigInt::zero() };
        let mut vectors: Vec<Vec<BigInt>> =
            (0..size).map(|i| (0..size).map(|j| unit(i, j)).collect()).collect();
        let mut matrix = start.clone();
        for p in 0..size {
            for q in p + 1..size {
                rotate(&mut matrix, &mut vectors, (p, q), 100);
                assert!(matrix[p][q].bits() < 10 && matrix[q][p].bits() < 10);
            }
        }
        // The matrix is that of the form in the basis of the vectors, which are orthonormal.
        for (i, vector) in vectors.iter().enumerate() {
            let image: Vec<BigInt> = start.iter().map(|row| dot(row, vector)).collect();
            for (j, other) in vectors.iter().enumerate() {
                assert!(((dot(other, &image) >> 200_u32) - &matrix[i][j]).bits() < 12);
                assert!((dot(vector, other) - (unit(i, j) << 100_u32)).bits() < 112);
            }
        }
    }
}

#[test]
fn exact_eigenvectors_are_sharp() {
    let fixed = kernel(2, 2, &[3, 0, 0, 2]);
    let unit = BigInt::one() << 60_u32;
    let vectors = [[1, 0], [0, 1]].map(|row| row.map(|x| &unit * x).to_vec());
    for (skip, tail) in [(0, 13), (1, 4), (2, 0)] {
        let (found, _, sharp) = tail_of_eigenvalues(&gram(&fixed), &vectors, 60, skip).unwrap();
        assert!(sharp && found == Rational::from(tail));
    }
}
