//! Exact linear algebra over the integers: fraction-free solution of normal equations, and rank.
//!
//! Bareiss, "Sylvester's identity and multistep integer-preserving Gaussian elimination", 1968: every
//! intermediate value is a minor of the matrix, so every division is exact and numbers stay short.

use convproof_exact::budget::{self, Extents, words};
use num_bigint::BigInt;
use num_traits::{One, Zero};

/// Whether eliminating a matrix of integers of so many bits takes seconds at most: the number of multiplications times
/// the square of the length of the minors, in machine words, is bounded.
pub fn is_affordable(height: usize, width: usize, bits: u64) -> bool {
    let rank = height.min(width);
    let words = words([rank.product(), bits].product());
    [[height, width, rank].product(), words, words].product() <= 10_000_000_000
}

/// Solves `matrix · x = right` for a symmetric positive semidefinite `matrix` (rows of integers, a Gram matrix)
/// and a `right` in its range, as numerators over one positive denominator. Unknowns that the system leaves
/// free are 0.
pub fn solve_gram(mut matrix: Vec<Vec<BigInt>>, mut right: Vec<BigInt>) -> (Vec<BigInt>, BigInt) {
    let count = right.len();
    let mut pivots = Vec::with_capacity(count);
    let mut previous = BigInt::one();
    for k in 0..count {
        // A semidefinite matrix with a zero on the diagonal has zeros beside it: that unknown is free.
        if matrix[k][k].is_zero() {
            continue;
        }
        pivots.push(k);
        let (head, tail) = matrix.split_at_mut(k + 1);
        let pivot_row = &head[k];
        spend(tail.len(), count - k, &pivot_row[k], &previous);
        let (right_head, right_tail) = right.split_at_mut(k + 1);
        for (row, value) in tail.iter_mut().zip(right_tail) {
            let factor = std::mem::take(&mut row[k]);
            for j in k + 1..count {
                row[j] = (&row[j] * &pivot_row[k] - &factor * &pivot_row[j]) / &previous;
            }
            *value = (&*value * &pivot_row[k] - &factor * &right_head[k]) / &previous;
        }
        previous.clone_from(&matrix[k][k]);
    }
    // With all pivots used, `previous` is the determinant of the system that remains; numerators over it are
    // integers by Cramer's rule.
    let mut solution = vec![BigInt::zero(); count];
    for (position, &k) in pivots.iter().enumerate().rev() {
        let known: BigInt = pivots[position + 1..].iter().map(|&j| &matrix[k][j] * &solution[j]).sum();
        solution[k] = (&right[k] * &previous - known) / &matrix[k][k];
    }
    (solution, previous)
}

/// Fraction-free row echelon form. Returns the column of each pivot; the matrix becomes the echelon form, its
/// first rows the non-zero ones, and `order` tells which original row each came from.
pub fn echelon(matrix: &mut [Vec<BigInt>]) -> (Vec<usize>, Vec<usize>) {
    let (height, width) = (matrix.len(), matrix.first().map_or(0, Vec::len));
    let mut order: Vec<usize> = (0..height).collect();
    let mut columns = Vec::new();
    let mut previous = BigInt::one();
    for column in 0..width {
        let top = columns.len();
        // The shortest pivot keeps the numbers short.
        let candidates = (top..height).filter(|&i| !matrix[i][column].is_zero());
        let Some(chosen) = candidates.min_by_key(|&i| matrix[i][column].bits()) else {
            continue;
        };
        matrix.swap(top, chosen);
        order.swap(top, chosen);
        columns.push(column);
        let (head, tail) = matrix.split_at_mut(top + 1);
        let pivot_row = &head[top];
        spend(tail.len(), width - column, &pivot_row[column], &previous);
        for row in tail {
            let factor = std::mem::take(&mut row[column]);
            for j in column + 1..width {
                row[j] = (&row[j] * &pivot_row[column] - &factor * &pivot_row[j]) / &previous;
            }
        }
        previous.clone_from(&matrix[top][column]);
    }
    (columns, order)
}

/// Two products and a division for each entry of a step of elimination; entries are about as long as the pivots.
fn spend(height: usize, width: usize, pivot: &BigInt, previous: &BigInt) {
    let words = words(pivot.bits().max(previous.bits()));
    budget::spend_on([height, width], 200 + [4, words, words].product());
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_exact::SplitMix64;

    fn any(random: &mut SplitMix64, height: usize, width: usize) -> Vec<Vec<BigInt>> {
        (0..height).map(|_| (0..width).map(|_| BigInt::from(random.below(9)) - 4).collect()).collect()
    }

    fn product(a: &[Vec<BigInt>], b: &[Vec<BigInt>]) -> Vec<Vec<BigInt>> {
        let cell =
            |row: &[BigInt], j: usize| -> BigInt { row.iter().zip(b).map(|(x, line)| x * &line[j]).sum() };
        a.iter().map(|row| (0..b[0].len()).map(|j| cell(row, j)).collect()).collect()
    }

    #[test]
    fn solutions_solve_the_normal_equations() {
        let mut random = SplitMix64::new(1);
        for (rows, count) in [(1, 1), (2, 4), (4, 2), (5, 5), (3, 6)] {
            for _ in 0..10 {
                let columns = any(&mut random, count, rows);
                let transposed: Vec<Vec<BigInt>> =
                    (0..rows).map(|i| columns.iter().map(|column| column[i].clone()).collect()).collect();
                let gram = product(&columns, &transposed);
                let right: Vec<BigInt> = product(&columns, &any(&mut random, rows, 1)).concat();
                let (solution, denominator) = solve_gram(gram.clone(), right.clone());
                let solution: Vec<Vec<BigInt>> = solution.into_iter().map(|x| vec![x]).collect();
                let expected: Vec<BigInt> = right.iter().map(|x| x * &denominator).collect();
                assert_eq!(product(&gram, &solution).concat(), expected);
                assert!(denominator > BigInt::zero());
            }
        }
    }

    #[test]
    fn echelon_forms_show_the_rank() {
        let mut random = SplitMix64::new(2);
        for (height, width, rank) in [(3, 3, 3), (4, 3, 2), (3, 5, 1), (4, 4, 3), (2, 3, 2)] {
            // Unit triangular parts make the rank what it is.
            let mut left = any(&mut random, height, rank);
            let mut right = any(&mut random, rank, width);
            for k in 0..rank {
                for l in k..rank {
                    left[k][l] = BigInt::from(u8::from(k == l));
                    right[l][k] = BigInt::from(u8::from(k == l));
                }
            }
            let matrix = product(&left, &right);
            let mut reduced = matrix.clone();
            let (columns, order) = echelon(&mut reduced);
            assert_eq!(columns.len(), rank);
            assert!(columns.is_sorted_by(|a, b| a < b));
            for (row, &column) in columns.iter().enumerate() {
                assert!(!reduced[row][column].is_zero() && reduced[row][..column].iter().all(Zero::is_zero));
            }
            assert!(reduced[rank..].iter().flatten().all(Zero::is_zero));
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..height).collect::<Vec<_>>());
            // The first ones are independent.
            let mut chosen: Vec<Vec<BigInt>> = order[..rank].iter().map(|&i| matrix[i].clone()).collect();
            assert_eq!(echelon(&mut chosen).0.len(), rank);
        }
    }

    #[test]
    fn a_hundred_rows_are_affordable_up_to_a_length() {
        // 100³ steps on 100·63/64 + 1 = 99 words, or on 101.
        assert!(is_affordable(100, 100, 63) && !is_affordable(100, 100, 64));
        assert!(is_affordable(100, 10, 1000) && !is_affordable(1000, 1000, 64));
        assert!(is_affordable(10_000_000_000, 1, 0) && !is_affordable(10_000_000_001, 1, 0));
    }

    /// Steps that some work takes.
    fn steps(work: impl FnOnce()) -> u64 {
        let budget = budget::Budget::default();
        let left = budget.run(|| {
            work();
            budget::left()
        });
        budget.steps - left.unwrap().unwrap()
    }

    #[test]
    fn elimination_spends_on_the_entries_that_it_changes() {
        let identity = |size: usize| -> Vec<Vec<BigInt>> {
            (0..size).map(|i| (0..size).map(|j| BigInt::from(u8::from(i == j))).collect()).collect()
        };
        // Below the first pivot two rows of three entries, below the second one of two; 200 + 4 steps each.
        assert_eq!(steps(|| drop(echelon(&mut identity(3)))), 8 * 204);
        assert_eq!(steps(|| drop(solve_gram(identity(3), vec![BigInt::one(); 3]))), 8 * 204);
        // Two words.
        let long = BigInt::one() << 64_u32;
        assert_eq!(steps(|| spend(5, 7, &long, &BigInt::one())), 35 * 216);
        assert_eq!(steps(|| spend(5, 7, &BigInt::one(), &long)), 35 * 216);
    }

    #[test]
    fn pivots_of_an_echelon_form_are_minors() {
        let mut random = SplitMix64::new(3);
        for _ in 0..20 {
            let matrix = any(&mut random, 3, 3);
            let minor = |i: usize, j: usize, k: usize| {
                &matrix[0][i] * (&matrix[1][j] * &matrix[2][k] - &matrix[1][k] * &matrix[2][j])
            };
            let determinant = minor(0, 1, 2) + minor(1, 2, 0) + minor(2, 0, 1);
            let mut reduced = matrix.clone();
            if echelon(&mut reduced).0.len() == 3 {
                assert_eq!(reduced[2][2].magnitude(), determinant.magnitude());
            }
        }
    }
}
