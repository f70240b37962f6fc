//! Cholesky's factorization of large symmetric matrices in floating point, by blocks, so that nearly all work is done
//! by matrix products.

#![allow(clippy::float_arithmetic, reason = "multipliers are proposed in floating point and checked exactly")]

use nalgebra::DMatrix;

/// Columns of a block.
const BLOCK: usize = 48;

/// Overwrites the lower triangle by the factor L of `A = LLᵀ`; false if a pivot is not positive.
pub fn factor(matrix: &mut DMatrix<f64>) -> bool {
    let size = matrix.nrows();
    let mut start = 0;
    while start < size {
        let width = BLOCK.min(size - start);
        if !panel(matrix, start, width) {
            return false;
        }
        let below = start + width;
        // The trailing triangle, a strip of columns at a time.
        let mut left = below;
        while left < size {
            let strip = BLOCK.min(size - left);
            let rows = size - left;
            let (done, mut rest) = matrix.columns_range_pair_mut(start..below, left..left + strip);
            let across = done.rows(left, strip).transpose();
            rest.rows_mut(left, rows).gemm(-1.0, &done.rows(left, rows), &across, 1.0);
            left += strip;
        }
        start = below;
    }
    true
}

/// Factors the columns `start..start + width`, all rows from `start` on, which earlier blocks have updated.
fn panel(matrix: &mut DMatrix<f64>, start: usize, width: usize) -> bool {
    let size = matrix.nrows();
    let cells = matrix.as_mut_slice();
    for k in start..start + width {
        let (head, tail) = cells.split_at_mut(k * size);
        let column = &mut tail[..size];
        for earlier in head[start * size..].chunks_exact(size) {
            let weight = earlier[k];
            for (x, y) in column[k..].iter_mut().zip(&earlier[k..]) {
                *x -= weight * y;
            }
        }
        let pivot = column[k];
        if !(pivot > 0.0 && pivot.is_finite()) {
            return false;
        }
        let scale = 1.0 / pivot.sqrt();
        column[k..].iter_mut().for_each(|x| *x *= scale);
    }
    true
}

/// Solves `LLᵀ x = b` in place.
pub fn solve(factor: &DMatrix<f64>, x: &mut [f64]) {
    let size = x.len();
    for k in 0..size {
        let column = &factor.as_slice()[k * size..(k + 1) * size];
        x[k] /= column[k];
        let value = x[k];
        for (entry, weight) in x[k + 1..].iter_mut().zip(&column[k + 1..]) {
            *entry -= value * weight;
        }
    }
    for k in (0..size).rev() {
        let column = &factor.as_slice()[k * size..(k + 1) * size];
        let rest: f64 = x[k + 1..].iter().zip(&column[k + 1..]).map(|(a, b)| a * b).sum();
        x[k] = (x[k] - rest) / column[k];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_join() {
        let size = 2 * BLOCK + 7;
        let mix = |i: usize, j: usize| ((i * 31 + j * 17) % 13) as f64 / 13.0 - 0.4;
        let root = DMatrix::from_fn(size, size, mix);
        let matrix = &root * root.transpose() + DMatrix::identity(size, size);
        let right: Vec<f64> = (0..size).map(|k| mix(k, 3)).collect();
        let (mut lower, mut x) = (matrix.clone(), right.clone());
        assert!(factor(&mut lower));
        solve(&lower, &mut x);
        let rest = &matrix * DMatrix::from_vec(size, 1, x) - DMatrix::from_vec(size, 1, right);
        assert!(rest.amax() < 1e-9);
        // A pivot of 0 is none.
        assert!(!factor(&mut DMatrix::zeros(1, 1)));
        assert!(!factor(&mut (matrix - DMatrix::identity(size, size) * 1e3)));
    }
}
