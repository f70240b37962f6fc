//! A certified distance from a kernel to all products of two smaller kernels of whatever shapes.
//!
//! # The bound
//!
//! Read a kernel of m + 1 rows and n + 1 columns, m, n ≥ 1, as the polynomial f in x and y whose coefficient of
//! x^i y^j is the entry in row i and column j. For a pair (g, h) with g of degree ≤ m − 1 in x and ≤ n in y, and
//! h of degree ≤ m in x and ≤ n − 2 in y, put
//!
//! `R(f)(g, h) = f·∂g/∂y − g·∂f/∂y + h·∂f/∂x − f·∂h/∂x`
//!
//! (Ruppert, "Reduzibilität ebener Kurven", 1986; it is f²·(∂(g/f)/∂y − ∂(h/f)/∂x)). R(f) is a matrix, linear in f.
//!
//! **Products are singular.** Let P and Q be real or complex kernels of formats (m₁, n₁) and (m₂, n₂), meaning
//! bounds on the degrees, with m₁ + m₂ = m, n₁ + n₂ = n, and neither format (0, 0). Then R(PQ)v = 0 for some
//! v ≠ 0. Proof: put
//!
//! `g = n₂·Q·∂P/∂x − n₁·P·∂Q/∂x`, `h = n₂·Q·∂P/∂y − n₁·P·∂Q/∂y`.
//!
//! Where PQ ≠ 0, g/(PQ) and h/(PQ) are the two derivatives of n₂ log P − n₁ log Q, so R(PQ)(g, h) = 0, and as a
//! polynomial identity in the entries of P and Q this holds always. The degrees fit: g has degree ≤ m − 1 in x
//! and ≤ n in y; h has degree ≤ m in x, and its coefficient of y^(n−1) is n₂·n₁·p·q − n₁·n₂·p·q = 0 for the
//! formal leading coefficients p and q of P and Q in y, whether or not these vanish. The pair (g, h) is zero for
//! some P and Q (squares, constants, zero), but not identically. If n₁, n₂ ≥ 1, take P = 1 + y^n₁ and
//! Q = 2 + y^n₂, with h = n₁n₂·(2y^(n₁−1) − y^(n₂−1)) ≠ 0. If n₁ = 0, then m₁ ≥ 1 and n₂ = n ≥ 1, and P = x, Q = 1
//! give g = n. If n₂ = 0, the same with the roles exchanged. So R(PQ) has a nontrivial null vector for all pairs
//! outside a proper algebraic set, that is, for a dense set of pairs. Having one is a closed condition on a matrix
//! (its least singular value is 0), and PQ depends continuously on P and Q. So it holds for all pairs: lower
//! degrees, monomials, constants and PQ = 0 included. ∎
//!
//! Products of three and more kernels are products of two. A constraint on factors only makes the set smaller.
//!
//! **From singular to far.** The matrix of R(f) has a row for each monomial x^s y^t of the result, s < 2m and
//! t < 2n − 1, and its entries are integers times entries of f. Entry p of f and coordinate q of v = (g, h) meet, with
//! coefficient c(p, q), in one row only, since their monomials fix the monomial of the result. Let N(r) be the sum of
//! c(p, q)² over the pairs that meet in row r. By Cauchy and Schwarz, for any kernel e,
//! `(R(e)v)(r)² ≤ N(r) · Σ e(p)² v(q)²`, summed over the pairs of row r. With W = diag(N(r)^(−1/2)), summing over the
//! rows gives `‖W R(e) v‖² ≤ ‖e‖_F² ‖v‖²`. Hence for every product F, with a unit null vector v of R(F),
//!
//! `σ_min(W R(f)) ≤ ‖W R(f) v‖ = ‖W R(f − F) v‖ ≤ ‖f − F‖_F`.
//!
//! This is the argument of Kaltofen and May, "On approximate irreducibility of polynomials in several variables"
//! (2003), with rows weighted so that the amplification constant is 1; for 5×5 kernels this is about 3 times
//! better than dividing by a bound on the norm of the unweighted matrix. The mirrored form (x and y exchanged) is a
//! second bound; the better one is used.
//!
//! **The certificate.** The weights 2^q/N(r) are rounded down to integers, and with these as W² the integer matrix
//! `RᵀW²R − t·I` is proved positive definite in integer arithmetic (see `definite.rs`), so that
//! ‖f − F‖ ≥ √(t/2^q). Kernels with large entries are first rounded to integers of `BITS` bits; the norm of the
//! rounding error is subtracted from the bound.

#![allow(
    clippy::float_arithmetic,
    reason = "a floating-point eigenvalue proposes the bound that integers prove"
)]

use nalgebra::DMatrix;
use num_bigint::BigInt;
use num_traits::{One, ToPrimitive};

use super::definite::is_positive_definite_short;
use super::fixed::{Fixed, Shortened, ratio};
use convproof_exact::{Grid, Limited, Rational};

/// Most columns of Ruppert's matrix, 2mn + n − 1, for which a bound is computed: kernels of up to 12×12.
const MAX_COLUMNS: usize = 256;
/// Bits kept of the entries of the kernel.
const BITS: u64 = 16;
/// Bits of the weights; even.
const WEIGHT_BITS: u32 = 24;

/// A number ≥ 0 that no product of two kernels of smaller formats comes nearer to the kernel than, in
/// Frobenius norm; 0 if none is proved. See the module's description.
pub fn distance_to_products(kernel: &Fixed) -> Rational {
    let (height, width) = (kernel.height(), kernel.width());
    if height < 2 || width < 2 {
        return Rational::ZERO;
    }
    let Some(Shortened { cells, unit, error }) = kernel.shortened(BITS) else {
        return Rational::ZERO;
    };
    let cells = cells.map(|x| x.to_i128().unwrap_or(0));
    let mirrored = Grid::from_fn(width, height, |i, j| *cells.at(j, i));
    let mut systems: Vec<(f64, Vec<Vec<i128>>)> =
        [cells, mirrored].iter().filter_map(weighted_gram).map(with_least_eigenvalue).collect();
    systems.sort_by(|a, b| b.0.total_cmp(&a.0));
    let proved = systems.into_iter().find_map(|(least, gram)| prove_shift(least, &gram));
    let Some(shift) = proved else {
        return Rational::ZERO;
    };
    // √(shift / 2^q), rounded down to a multiple of 2^-q, q being even.
    let root = (BigInt::from(shift) << WEIGHT_BITS).sqrt();
    let bound = ratio(root, BigInt::one() << WEIGHT_BITS);
    let rest = &bound - &error;
    if rest.is_negative() { Rational::ZERO } else { &rest * &unit }
}

/// `RᵀW²R` in units of 2^-WEIGHT_BITS; `None` beyond [`MAX_COLUMNS`].
fn weighted_gram(kernel: &Grid<i128>) -> Option<Vec<Vec<i128>>> {
    let (m, n) = (kernel.height() - 1, kernel.width() - 1);
    let columns = 2 * m * n + n - 1;
    if columns.exceeds(MAX_COLUMNS) {
        return None;
    }
    let mut rows: Vec<Vec<(usize, i128)>> = vec![Vec::new(); 2 * m * (2 * n - 1)];
    let mut norms = vec![0_i128; rows.len()];
    let mut matrix = vec![vec![0_i128; columns]; rows.len()];
    let mut add = |column: usize, (s, t): (usize, usize), c: i128, entry: i128| {
        let row = s * (2 * n - 1) + t;
        norms[row] += c * c;
        // Coordinate and row fix the entry: they meet once.
        matrix[row][column] = c * entry;
    };
    for i in 0..=m {
        for j in 0..=n {
            let entry = *kernel.at(i, j);
            for a in 0..m {
                for b in (0..=n).filter(|&b| b != j) {
                    add(a * (n + 1) + b, (i + a, j + b - 1), difference(b, j), entry);
                }
            }
            for a in (0..=m).filter(|&a| a != i) {
                for b in 0..n - 1 {
                    add(m * (n + 1) + a * (n - 1) + b, (i + a - 1, j + b), difference(i, a), entry);
                }
            }
        }
    }
    for (row, dense) in rows.iter_mut().zip(&matrix) {
        row.extend(dense.iter().enumerate().filter(|(_, x)| **x != 0).map(|(k, x)| (k, *x)));
    }
    let mut gram = vec![vec![0_i128; columns]; columns];
    for (row, norm) in rows.iter().zip(norms) {
        let weight = (1_i128 << WEIGHT_BITS) / norm.max(1);
        for &(j, x) in row {
            for &(k, y) in row {
                gram[j][k] += weight * x * y;
            }
        }
    }
    Some(gram)
}

fn difference(a: usize, b: usize) -> i128 {
    a as i128 - b as i128
}

fn with_least_eigenvalue(gram: Vec<Vec<i128>>) -> (f64, Vec<Vec<i128>>) {
    let floats = DMatrix::from_fn(gram.len(), gram.len(), |i, j| gram[i][j].to_f64().unwrap_or(f64::NAN));
    (floats.symmetric_eigenvalues().min(), gram)
}

/// The largest of a few t a little below the eigenvalue with `gram − t·I` proved positive definite.
fn prove_shift(least: f64, gram: &[Vec<i128>]) -> Option<i128> {
    [1.0 / 256.0, 1.0 / 16.0, 0.5].into_iter().find_map(|slack| {
        let shift = (least * (1.0 - slack)).floor().to_i128().filter(|&t| t > 0)?;
        let mut shifted = gram.to_vec();
        for (k, row) in shifted.iter_mut().enumerate() {
            row[k] -= shift;
        }
        is_positive_definite_short(&shifted).then_some(shift)
    })
}

#[cfg(test)]
mod tests;
