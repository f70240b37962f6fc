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
