//! Proofs in integer arithmetic that a symmetric matrix is positive definite.
//!
//! Floating point proposes X ≈ S·L⁻¹ for the Cholesky factor L of the matrix A. For the rounded integer matrix X,
//! `M = X A Xᵀ` is computed exactly. If every diagonal entry of M exceeds the sum of the magnitudes of the others
//! in its row, M is positive definite (Gershgorin), hence X is invertible and `A = X⁻¹ M X⁻ᵀ` is positive definite.
//! Nothing rests on how floats round.

#![allow(clippy::float_arithmetic, reason = "floats propose the congruence; the check is in integers")]

use convproof_exact::budget::{self, Extents, words};
use nalgebra::DMatrix;
use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};

/// Whether `matrix` (symmetric, given in full) is proved positive definite. False if not definite, or too nearly
/// singular for floats to propose a proof.
pub fn is_positive_definite(matrix: &[Vec<BigInt>]) -> bool {
    let short: Option<Vec<Vec<i128>>> =
        matrix.iter().map(|row| row.iter().map(ToPrimitive::to_i128).collect()).collect();
    if let Some(short) = short
        && is_positive_definite_short(&short)
    {
        return true;
    }
    let Some(proposal) = inverse_factor(matrix) else {
        return false;
    };
    let proposal: Vec<Vec<BigInt>> =
        proposal.iter().map(|row| row.iter().map(|&x| BigInt::from(x)).collect()).collect();
    (0..matrix.len()).all(|row| dominates_long(&proposal, matrix, row))
}

/// The same for entries of few bits, and false as well where the proof does not succeed in 128-bit integers.
pub fn is_positive_definite_short(matrix: &[Vec<i128>]) -> bool {
    let Some(proposal) = inverse_factor(matrix) else {
        return false;
    };
    (0..matrix.len()).try_fold((), |(), row| dominates(&proposal, matrix, row)).is_some()
}

/// An integer lower triangular approximation of a multiple of the inverse Cholesky factor.
fn inverse_factor<T: ToPrimitive>(matrix: &[Vec<T>]) -> Option<Vec<Vec<i128>>> {
    let count = matrix.len();
    let mut floats = DMatrix::zeros(count, count);
    for (i, row) in matrix.iter().enumerate() {
        for (j, x) in row.iter().enumerate() {
            floats[(i, j)] = x.to_f64()?;
        }
    }
    budget::spend_on([count; 3], 1);
    let factor = floats.cholesky()?.unpack();
    // Rounding X by up to 1/2 disturbs row sums of M by about count² · |L| · S, against S² on the diagonal.
    let scale = [8, count, count].product().to_f64()? * factor.amax().max(1.0);
    let mut inverse = DMatrix::identity(count, count) * scale;
    if !factor.solve_lower_triangular_mut(&mut inverse) {
        return None;
    }
    (0..count).map(|i| (0..=i).map(|j| inverse[(i, j)].round().to_i128()).collect()).collect()
}

/// Whether the diagonal entry of row `row` of `X A Xᵀ` dominates its row; `None` if not, or on overflow.
fn dominates(x: &[Vec<i128>], matrix: &[Vec<i128>], row: usize) -> Option<()> {
    budget::spend_on([2, matrix.len(), matrix.len()], 3);
    let product = (0..matrix.len())
        .map(|j| dot(&x[row], matrix.iter().map(|line| &line[j])))
        .collect::<Option<Vec<_>>>()?;
    let mut rest = 0_i128;
    let mut diagonal = 0;
    for (other, line) in x.iter().enumerate() {
        let value = dot(line, product.iter())?;
        if other == row {
            diagonal = value;
        } else {
            rest = rest.checked_add(value.checked_abs()?)?;
        }
    }
    (diagonal > rest).then_some(())
}

/// As [`dominates`], in integers of any length.
fn dominates_long(x: &[Vec<BigInt>], matrix: &[Vec<BigInt>], row: usize) -> bool {
    budget::spend_on([2, matrix.len(), matrix.len()], 20);
    budget::spend_on([2, matrix.len(), matrix.len()], words(matrix[row][row].bits()));
    let dot = |a: &[BigInt], b: &[BigInt]| -> BigInt { a.iter().zip(b).map(|(x, y)| x * y).sum() };
    let product: Vec<BigInt> = matrix.iter().map(|line| dot(&x[row], line)).collect();
    let value = |line: &Vec<BigInt>| dot(line, &product);
    let rest: BigInt =
        x.iter().enumerate().filter(|(other, _)| *other != row).map(|(_, line)| value(line).abs()).sum();
    value(&x[row]) > rest
}

fn dot<'a>(a: &[i128], b: impl Iterator<Item = &'a i128>) -> Option<i128> {
    a.iter().zip(b).try_fold(0_i128, |sum, (x, y)| sum.checked_add(x.checked_mul(*y)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The answer of both arithmetics.
    fn both(matrix: &[Vec<i128>]) -> bool {
        let long: Vec<Vec<BigInt>> =
            matrix.iter().map(|row| row.iter().map(|&x| BigInt::from(x)).collect()).collect();
        let answer = is_positive_definite(&long);
        let shifted: Vec<Vec<BigInt>> =
            long.iter().map(|row| row.iter().map(|x| x << 200_u32).collect()).collect();
        assert_eq!(is_positive_definite(&shifted), answer);
        assert!(answer || !is_positive_definite_short(matrix));
        answer
    }

    fn gram(rows: &[Vec<i128>], size: usize) -> Vec<Vec<i128>> {
        (0..size).map(|i| (0..size).map(|j| rows.iter().map(|r| r[i] * r[j]).sum()).collect()).collect()
    }

    proptest! {
        /// Gram matrices plus the identity are definite; less one more than the trace, they are not.
        #[test]
        fn proves_what_holds_and_nothing_else(rows in prop::collection::vec(prop::collection::vec(-9..=9_i128, 6), 1..9)) {
            let mut matrix = gram(&rows, 6);
            (0..6).for_each(|k| matrix[k][k] += 1);
            prop_assert!(both(&matrix));
            let trace: i128 = (0..6).map(|k| matrix[k][k]).sum();
            matrix[5][5] -= trace;
            prop_assert!(!both(&matrix));
        }

        /// A singular matrix is never proved definite.
        #[test]
        fn singular_matrices_are_not_proved(rows in prop::collection::vec(prop::collection::vec(-9..=9_i128, 6), 1..6)) {
            prop_assert!(!both(&gram(&rows, 6)));
        }
    }

    #[test]
    fn equal_magnitudes_do_not_dominate() {
        let identity = vec![vec![1, 0], vec![0, 1]];
        let long = |matrix: &[Vec<i128>]| -> Vec<Vec<BigInt>> {
            matrix.iter().map(|row| row.iter().map(|&x| BigInt::from(x)).collect()).collect()
        };
        for (matrix, holds) in
            [(vec![vec![2, -2], vec![-2, 3]], false), (vec![vec![3, -2], vec![-2, 3]], true)]
        {
            assert_eq!(dominates(&identity, &matrix, 0).is_some(), holds);
            assert_eq!(dominates_long(&long(&identity), &long(&matrix), 0), holds);
        }
    }

    #[test]
    fn a_barely_indefinite_matrix_is_not_proved() {
        let n = 1_i128 << 40;
        assert!(both(&[vec![n, n - 1], vec![n - 1, n]]));
        assert!(!both(&[vec![n, n + 1], vec![n + 1, n]]));
        assert!(!both(&[vec![n, n], vec![n, n]]));
        let large = [vec![i128::MAX, 1], vec![1, i128::MAX]];
        assert!(both(&large) && !is_positive_definite_short(&large));
    }
}
