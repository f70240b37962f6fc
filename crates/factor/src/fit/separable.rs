//! Kernels as sums of column × row: exact rank and decomposition, the best approximation of given rank, and a
//! certified lower bound on how good one can be.
//!
//! # The bound
//!
//! By Eckart and Young (1936), the squared distance from D to the sums of r products column × row is the sum of all
//! but the r largest eigenvalues of `G = DᵀD` (or `DDᵀ`). Let V be any square matrix, in practice rounded
//! eigenvectors; `M = VᵀGV` and `N = VᵀV` are computed exactly. Write M = Λ + E with Λ diagonal, N = I + F, and ‖·‖ for
//! the largest row sum of magnitudes, which bounds the spectral norm of a symmetric matrix. If ‖F‖ < 1, V is
//! invertible, and by Ostrowski's quantitative law of inertia the k-th eigenvalue of M is θ times that of G for
//! some 0 < θ ≤ 1 + ‖F‖, while by Weyl it is at least the k-th largest entry of Λ less ‖E‖. Hence the k-th eigenvalue
//! of G is at least max(0, Λ(k) − ‖E‖)/(1 + ‖F‖), exactly.

#![allow(clippy::float_arithmetic, reason = "a floating-point decomposition proposes what is proved exactly")]

use nalgebra::DMatrix;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::fixed::{Fixed, ratio};
use super::linear::{echelon, is_affordable};
use super::problem::{FitError, Limit, check_given};
use super::rationalise::Scaled;
use super::reduced::Reduced;
use convproof_exact::{Grid, Rational};

/// Bits behind the point of the rounded eigenvectors.
const BITS: i32 = 44;

/// The rank of a kernel as a matrix over the rationals, which is the least number of products column × row whose
/// sum it is (over any field containing the rationals).
///
/// # Errors
/// [`FitError::Empty`] and [`FitError::TooLarge`] for kernels outside the limits.
pub fn rank(kernel: &Grid<Rational>) -> Result<usize, FitError> {
    check_given(kernel)?;
    let kernel = Fixed::new(kernel);
    if !is_affordable(kernel.height(), kernel.width(), kernel.bits()) {
        return Err(FitError::TooLarge(Limit::Work));
    }
    Ok(echelon(&mut rows(&kernel)).0.len())
}

fn rows(kernel: &Fixed) -> Vec<Vec<BigInt>> {
    kernel.cells.rows().map(<[BigInt]>::to_vec).collect()
}

/// If the problem is a sum of products of a free column and a free row, all different: the index of the column
/// and the row of each product.
pub fn pairs(problem: &Reduced) -> Option<Vec<(usize, usize)>> {
    let mut used = vec![false; problem.unknowns.len()];
    let mut once = |u: usize| !std::mem::replace(&mut used[u], true);
    problem
        .products
        .iter()
        .map(|product| {
            let &[a, b] = product.unknowns.as_slice() else {
                return None;
            };
            let is_column = |u: usize| problem.unknowns[u].width == 1;
            let is_row = |u: usize| problem.unknowns[u].height == 1;
            let free = |u: usize| problem.unknowns[u].constraint == super::problem::Constraint::Free;
            let plain = product.known.is_none() && free(a) && free(b) && once(a) && once(b);
            match (is_column(a) && is_row(b), is_column(b) && is_row(a)) {
                (true, _) if plain => Some((a, b)),
                (_, true) if plain => Some((b, a)),
                _ => None,
            }
        })
        .collect()
}

/// Exact factors if the rank of the target is at most the number of products: rows of the target, and the columns
/// that combine them; products to spare are zero.
pub fn decompose(problem: &Reduced, pairs: &[(usize, usize)]) -> Option<Vec<Fixed>> {
    let target = &problem.target;
    if !is_affordable(target.height(), target.width(), target.bits()) {
        return None;
    }
    let mut reduced = rows(target);
    let (columns, order) = echelon(&mut reduced);
    if columns.len() > pairs.len() {
        return None;
    }
    let mut factors = problem.zero_factors();
    // Subtracting column × row / crossing lowers the rank by one (Wedderburn, 1934) and keeps every dependence
    // between rows, so a pivot column has a non-zero entry in one of the independent rows.
    let mut rest = target.clone();
    for (&(column, row), &pivot) in pairs.iter().zip(&columns) {
        let chosen = order[..columns.len()].iter().copied().find(|&i| !rest.cells.at(i, pivot).is_zero())?;
        let line = Grid::from_fn(1, rest.width(), |_, j| rest.cells.at(chosen, j).clone());
        let content = line.cells().iter().fold(BigInt::zero(), |g, x| g.gcd(x));
        let line = Fixed { cells: line.map(|x| x / &content), denominator: BigInt::one() };
        let head = line.cells.at(0, pivot).clone();
        let sign = if head.is_negative() { -BigInt::one() } else { BigInt::one() };
        let weights = Fixed {
            cells: Grid::from_fn(rest.height(), 1, |i, _| rest.cells.at(i, pivot) * &sign),
            denominator: &rest.denominator * head.abs(),
        };
        rest = rest.minus(&weights.convolve(&line));
        factors[row] = line;
        factors[column] = weights;
    }
    rest.is_zero().then_some(factors)
}

/// The best approximation by singular vectors, in floating point: columns of unit norm times rows that hold the
/// singular values.
pub fn propose(problem: &Reduced, pairs: &[(usize, usize)], exponent: i64) -> Option<Vec<Scaled>> {
    let target = problem.target.to_floats(exponent);
    let matrix = DMatrix::from_row_slice(target.height(), target.width(), target.cells());
    let svd = matrix.try_svd(true, true, f64::EPSILON, 1000)?;
    let (u, v_t) = (svd.u?, svd.v_t?);
    let mut order: Vec<usize> = (0..svd.singular_values.len()).collect();
    order.sort_by(|&a, &b| svd.singular_values[b].total_cmp(&svd.singular_values[a]));
    let zero = |u: usize| Scaled {
        cells: Grid::from_fn(problem.unknowns[u].height, problem.unknowns[u].width, |_, _| 0.0),
        exponent,
    };
    let mut proposal: Vec<Scaled> = (0..problem.unknowns.len()).map(zero).collect();
    for (&(column, row), &k) in pairs.iter().zip(&order) {
        let cells = Grid::from_fn(target.height(), 1, |i, _| u[(i, k)]);
        // Whichever of the two is solved for takes the scale.
        let (column_value, row_value) =
            if problem.linear[row] { (1.0, svd.singular_values[k]) } else { (svd.singular_values[k], 1.0) };
        proposal[column].cells = cells.map(|x| x * column_value);
        proposal[row].cells = Grid::from_fn(1, target.width(), |_, j| v_t[(k, j)] * row_value);
        let other = if problem.linear[row] { column } else { row };
        proposal[other].exponent = 0;
    }
    Some(proposal)
}

/// A lower bound on the squared Frobenius distance from the kernel to the matrices of rank at most `rank`.
pub fn distance_to_rank_squared(kernel: &Fixed, rank: usize) -> Rational {
    let (height, width) = (kernel.height(), kernel.width());
    let tall = height > width;
    let size = height.min(width);
    let entry = |i: usize, k: usize| if tall { kernel.cells.at(k, i) } else { kernel.cells.at(i, k) };
    let gram: Vec<Vec<BigInt>> = (0..size)
        .map(|i| (0..size).map(|j| (0..height.max(width)).map(|k| entry(i, k) * entry(j, k)).sum()).collect())
        .collect();
    tail_of_eigenvalues(&gram, rank).map_or(Rational::ZERO, |tail| {
        &tail * &ratio(BigInt::one(), &kernel.denominator * &kernel.denominator)
    })
}

/// A lower bound on the sum of all but the `skip` largest eigenvalues of a Gram matrix.
fn tail_of_eigenvalues(gram: &[Vec<BigInt>], skip: usize) -> Option<Rational> {
    let size = gram.len();
    let bits = gram.iter().flatten().map(BigInt::bits).max()?;
    let drop = bits.saturating_sub(1000);
    let floats = DMatrix::from_fn(size, size, |i, j| (&gram[i][j] >> drop).to_f64().unwrap_or(f64::NAN));
    let largest = floats.amax();
    if !(largest > 0.0 && largest.is_finite()) {
        return None;
    }
    let eigen = (floats / largest).try_symmetric_eigen(f64::EPSILON, 10_000)?;
    let unit = 2.0_f64.powi(BITS);
    // v[k]: the k-th eigenvector, in units of 2^-BITS.
    let vectors: Option<Vec<Vec<BigInt>>> = (0..size)
        .map(|k| {
            (0..size)
                .map(|i| Some(BigInt::from((eigen.eigenvectors[(i, k)] * unit).round().to_i64()?)))
                .collect()
        })
        .collect();
    let vectors = vectors?;
    let dot = |a: &[BigInt], b: &[BigInt]| -> BigInt { a.iter().zip(b).map(|(x, y)| x * y).sum() };
    let mapped: Vec<Vec<BigInt>> =
        vectors.iter().map(|v| gram.iter().map(|row| dot(row, v)).collect()).collect();
    let one = BigInt::one() << (2 * BITS);
    let mut diagonal = Vec::with_capacity(size);
    let (mut error, mut skew) = (BigInt::zero(), BigInt::zero());
    for k in 0..size {
        let (mut off, mut away) = (BigInt::zero(), BigInt::zero());
        for l in 0..size {
            let product = dot(&vectors[k], &vectors[l]);
            if l == k {
                diagonal.push(dot(&vectors[k], &mapped[k]));
                away += (product - &one).abs();
            } else {
                off += dot(&vectors[l], &mapped[k]).abs();
                away += product.abs();
            }
        }
        error = error.max(off);
        skew = skew.max(away);
    }
    if skew >= one {
        return None;
    }
    diagonal.sort_by(|a, b| b.cmp(a));
    let tail: BigInt = diagonal.into_iter().skip(skip).map(|x| (x - &error).max(BigInt::zero())).sum();
    // M is in units of 2^-2·BITS as well, so that its scale cancels against that of N.
    Some(ratio(tail, one + skew))
}
