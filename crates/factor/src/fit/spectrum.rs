//! Eigenvectors of Gram matrices to any precision, and certified lower bounds on sums of their eigenvalues.
//! Knows nothing of problems.
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
//!
//! # The eigenvectors
//!
//! A nearly rank-deficient D has eigenvalues that floats do not see (float64 data of rank one has a second one near
//! 10⁻³² of the first), so the vectors are refined by cyclic Jacobi rotations in fixed point, with more bits until the
//! bound is sharp. Nothing rests on them being right.

#![allow(clippy::float_arithmetic, reason = "a floating-point decomposition proposes where to begin")]

use convproof_exact::budget::{self, Extents, words};
use nalgebra::DMatrix;
use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::fixed::{Fixed, ratio};
use convproof_exact::{Limited, Rational};

/// Bits behind the point of the vectors, tried in turn.
const PRECISIONS: [u64; 4] = [128, 256, 512, 1024];
/// Most machine-word multiplications of one Jacobi sweep, roughly: about a second.
const MAX_WORK: u64 = 100_000_000;
/// Sweeps of rotations; convergence is quadratic, and the first vectors are right to float precision.
const SWEEPS: usize = 12;
/// A bound is sharp if it lacks less than 2^-SHARP of what it bounds.
pub const SHARP: u64 = 40;

/// What is known of the singular values of a kernel.
pub struct Spectrum {
    /// Vectors near the eigenvectors of the smaller Gram matrix, by decreasing eigenvalue, in units of 2^-bits.
    pub vectors: Vec<Vec<BigInt>>,
    /// How many bits the largest eigenvalue has more than the first that is skipped over.
    pub spread: u64,
    /// A number that the squared distance to the kernels of the rank asked for is not below.
    pub tail: Rational,
}

/// The spectrum of a kernel, precise enough for a sharp bound on its distance to rank `rank` where that is affordable;
/// `None` for the zero kernel, and where floats fail.
pub fn spectrum(kernel: &Fixed, rank: usize) -> Option<Spectrum> {
    let gram = gram(kernel);
    let size = gram.len().product();
    let mut vectors = float_eigenvectors(&gram)?;
    let mut best: Option<Spectrum> = None;
    for bits in PRECISIONS {
        let words = words(bits + gram.iter().flatten().map(BigInt::bits).max()?);
        if best.is_some() && [size, size, size, words, words].product().exceeds(MAX_WORK) {
            break;
        }
        refine(&gram, &mut vectors, bits);
        let Some((tail, diagonal, sharp)) = tail_of_eigenvalues(&gram, &vectors, bits, rank) else {
            continue;
        };
        let mut order: Vec<usize> = (0..vectors.len()).collect();
        order.sort_by(|&a, &b| diagonal[b].cmp(&diagonal[a]));
        let first_skipped = order.get(rank).map_or(0, |&k| diagonal[k].bits());
        best = Some(Spectrum {
            vectors: order.iter().map(|&k| vectors[k].clone()).collect(),
            spread: diagonal[order[0]].bits().saturating_sub(first_skipped),
            tail: &tail * &ratio(BigInt::one(), &kernel.denominator * &kernel.denominator),
        });
        if sharp {
            break;
        }
    }
    best
}

/// Whether the smaller Gram matrix of a kernel is that of its rows.
pub fn by_rows(kernel: &Fixed) -> bool {
    kernel.height() <= kernel.width()
}

/// The Gram matrix of the rows or that of the columns, whichever is smaller, of the numerators.
fn gram(kernel: &Fixed) -> Vec<Vec<BigInt>> {
    let lines: Vec<Vec<&BigInt>> = if by_rows(kernel) {
        kernel.cells.rows().map(|row| row.iter().collect()).collect()
    } else {
        (0..kernel.width()).map(|j| (0..kernel.height()).map(|i| kernel.cells.at(i, j)).collect()).collect()
    };
    let dot = |a: &[&BigInt], b: &[&BigInt]| -> BigInt { a.iter().zip(b).map(|(x, y)| *x * *y).sum() };
    lines.iter().map(|a| lines.iter().map(|b| dot(a, b)).collect()).collect()
}

/// Eigenvectors as floats find them, in units of 2^-60.
fn float_eigenvectors(gram: &[Vec<BigInt>]) -> Option<Vec<Vec<BigInt>>> {
    let size = gram.len();
    let drop = gram.iter().flatten().map(BigInt::bits).max()?.saturating_sub(1000);
    let floats = DMatrix::from_fn(size, size, |i, j| (&gram[i][j] >> drop).to_f64().unwrap_or(f64::NAN));
    let largest = floats.amax();
    if !(largest > 0.0 && largest.is_finite()) {
        return None;
    }
    let eigen = (floats / largest).try_symmetric_eigen(f64::EPSILON, 10_000)?;
    let unit = 2.0_f64.powi(60);
    let round = |x: f64| Some(BigInt::from((x * unit).round().to_i64()?));
    (0..size).map(|k| (0..size).map(|i| round(eigen.eigenvectors[(i, k)])).collect()).collect()
}

/// Steps that a product of two numbers of so many bits takes.
fn product(bits: u64) -> u64 {
    let words = words(bits);
    40 + [2, words, words].product()
}

fn dot(a: &[BigInt], b: &[BigInt]) -> BigInt {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Makes the vectors orthonormal and rotates them until they are eigenvectors, with `bits` bits behind the point.
fn refine(gram: &[Vec<BigInt>], vectors: &mut [Vec<BigInt>], bits: u64) {
    orthonormalise(vectors, bits);
    // The matrix in the basis of the vectors, scaled so that its trace has `bits` bits.
    let size = gram.len();
    let trace: BigInt = (0..size).map(|k| &gram[k][k]).sum();
    let shift = 2 * bits + trace.bits().saturating_sub(bits);
    let up = bits.saturating_sub(trace.bits());
    let mapped: Vec<Vec<BigInt>> =
        vectors.iter().map(|v| gram.iter().map(|row| dot(row, v)).collect()).collect();
    let mut matrix: Vec<Vec<BigInt>> =
        vectors.iter().map(|v| mapped.iter().map(|image| (dot(v, image) << up) >> shift).collect()).collect();
    for _ in 0..SWEEPS {
        let mut still = true;
        for p in 0..size {
            for q in p + 1..size {
                // A few units are rounding.
                if matrix[p][q].bits().exceeds(6) {
                    still = false;
                    rotate(&mut matrix, vectors, (p, q), bits);
                }
            }
        }
        if still {
            break;
        }
    }
}

/// Gram and Schmidt's process, twice for the digits that the first pass loses.
fn orthonormalise(vectors: &mut [Vec<BigInt>], bits: u64) {
    for _ in 0..2 {
        for k in 0..vectors.len() {
            let (done, rest) = vectors.split_at_mut(k);
            let vector = &mut rest[0];
            budget::spend_on([4, done.len(), vector.len()], product(bits));
            for earlier in done.iter() {
                let share = dot(vector, earlier);
                let norm = dot(earlier, earlier);
                if norm.is_zero() {
                    continue;
                }
                for (x, y) in vector.iter_mut().zip(earlier) {
                    *x -= &share * y / &norm;
                }
            }
            let norm = (dot(vector, vector) << (2 * bits)).sqrt();
            if !norm.is_zero() {
                for x in vector.iter_mut() {
                    *x = (&*x << (2 * bits)) / &norm;
                }
            }
        }
    }
}

/// Jacobi's rotation, which makes `matrix[p][q]` vanish, applied to the matrix and to the vectors.
fn rotate(matrix: &mut [Vec<BigInt>], vectors: &mut [Vec<BigInt>], (p, q): (usize, usize), bits: u64) {
    budget::spend_on([12, matrix.len()], product(bits));
    // tan 2φ = 2c/d; cos φ = √((h + |d|)/2h), sin φ = c·sgn(d)/(h·cos φ) with h = √(d² + 4c²).
    let c = matrix[p][q].clone();
    let d = &matrix[p][p] - &matrix[q][q];
    let h = (&d * &d + ((&c * &c) << 2_u32)).sqrt();
    if h.is_zero() {
        return;
    }
    let cosine = (((&h + d.abs()) << (2 * bits)) / (&h << 1_u32)).sqrt();
    let signed = if d.is_negative() { -&c } else { c };
    let sine = (signed << (2 * bits)) / (&h * &cosine);
    let turn = |x: &mut BigInt, y: &mut BigInt| {
        let first = (&*x * &cosine + &*y * &sine) >> bits;
        *y = (&*y * &cosine - &*x * &sine) >> bits;
        *x = first;
    };
    for row in matrix.iter_mut() {
        let (head, tail) = row.split_at_mut(q);
        turn(&mut head[p], &mut tail[0]);
    }
    for lines in [matrix, vectors] {
        let (head, tail) = lines.split_at_mut(q);
        for (x, y) in head[p].iter_mut().zip(&mut tail[0]) {
            turn(x, y);
        }
    }
}

/// A lower bound on the sum of all but the `skip` largest eigenvalues of a Gram matrix, the approximate eigenvalues
/// in the order of the vectors, and whether the bound is sharp.
fn tail_of_eigenvalues(
    gram: &[Vec<BigInt>],
    vectors: &[Vec<BigInt>],
    bits: u64,
    skip: usize,
) -> Option<(Rational, Vec<BigInt>, bool)> {
    let size = gram.len();
    budget::spend_on([3, size, size, size], product(bits));
    let mapped: Vec<Vec<BigInt>> =
        vectors.iter().map(|v| gram.iter().map(|row| dot(row, v)).collect()).collect();
    let one = BigInt::one() << (2 * bits);
    let mut diagonal = Vec::with_capacity(vectors.len());
    let (mut error, mut skew) = (BigInt::zero(), BigInt::zero());
    for k in 0..vectors.len() {
        let (mut off, mut away) = (BigInt::zero(), BigInt::zero());
        for l in 0..vectors.len() {
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
    let mut sorted: Vec<&BigInt> = diagonal.iter().collect();
    sorted.sort_by(|a, b| b.cmp(a));
    let rest = &sorted[skip.min(sorted.len())..];
    let tail: BigInt = rest.iter().map(|x| (*x - &error).max(BigInt::zero())).sum();
    let whole: BigInt = rest.iter().copied().sum();
    let sharp = ((&whole - &tail) << SHARP).within(whole) && (&skew << SHARP).within(one.clone());
    // M is in units of 2^-2·bits as well, so that its scale cancels against that of N.
    Some((ratio(tail, one + skew), diagonal, sharp))
}

#[cfg(test)]
mod tests;
