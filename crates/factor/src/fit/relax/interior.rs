//! The relaxation in floating point: a primal-dual interior-point method. Proposes only.
//!
//! Maximise t such that `Z = [[1 − t, −bᵀ], [−b, C + A(Y)]]` is positive semidefinite. The dual asks for a matrix X ≥ 0
//! with corner 1 on which every minor vanishes, and minimises `tr(M(0)·X)`: X stands for the average of (1, z)(1, z)ᵀ
//! over the nearest products. Directions are those of Helmberg, Rendl, Vanderbei and Wolkowicz (1996), with Mehrotra's
//! predictor and corrector. A step costs a Cholesky factorization with a row for each variable.
//!
//! Weights of conditions (`case.rs`) are further variables: their matrices add to Z, and Z has a block for each condition in
//! which they must be positive semidefinite as well.

#![allow(clippy::float_arithmetic, reason = "multipliers are proposed in floating point and checked exactly")]

use nalgebra::{Cholesky, DMatrix};
use num_traits::ToPrimitive;

use super::cholesky;
use super::lifted::Minor;
use super::symmetry::Orbit;
use convproof_exact::Limited;
use convproof_exact::budget::{self, Extents};

/// Most iterations; 10 to 20 are the rule.
const MAX_ITERATIONS: usize = 40;
/// Z counts as `M(Y, t)` when it differs by less than this.
const FEASIBLE: f64 = 1e-10;
/// Steps shorter than this lead nowhere.
const STUCK: f64 = 1e-4;
/// Where primal and dual agree to this share, nothing is left to gain.
const CLOSED: f64 = 1e-7;
/// By what share the diagonal of an ill-conditioned system is raised.
const RAISES: [f64; 5] = [0.0, 1e-12, 1e-10, 1e-8, 1e-6];

/// The relaxation of one lifted problem, scaled so that the norm of the target is 1.
pub struct Program<'a> {
    /// `[[1, −bᵀ], [−b, C]]`, and zeros in the blocks of conditions.
    pub base: DMatrix<f64>,
    pub minors: &'a [Minor],
    /// The minors of each variable.
    pub orbits: Vec<Orbit>,
    /// The symmetric matrices that belong to the variables after those.
    pub weights: Vec<Sparse>,
    /// The symmetries that all variables have: where each row comes from, with its sign.
    pub symmetries: Vec<Vec<(usize, f64)>>,
    /// Steps of the budget that iterations leave for what comes after them.
    pub reserve: u64,
}

/// A matrix of few entries: their places and values.
pub struct Sparse(pub Vec<((usize, usize), f64)>);

impl Sparse {
    fn dot(&self, matrix: &DMatrix<f64>) -> f64 {
        self.0.iter().map(|&(at, value)| value * matrix[at]).sum()
    }

    fn add(&self, factor: f64, matrix: &mut DMatrix<f64>) {
        self.0.iter().for_each(|&(at, value)| matrix[at] += factor * value);
    }

    /// Its product with a matrix.
    fn times(&self, matrix: &DMatrix<f64>) -> DMatrix<f64> {
        let mut product = DMatrix::zeros(matrix.nrows(), matrix.ncols());
        for column in 0..matrix.ncols() {
            self.0.iter().for_each(|&((i, k), value)| product[(i, column)] += value * matrix[(k, column)]);
        }
        product
    }
}

/// A feasible point.
pub struct Solution {
    /// t: no product is nearer than its square root.
    pub bound: f64,
    /// A value near or above the largest t.
    pub ceiling: f64,
    /// The multiplier of each orbit.
    pub multipliers: Vec<f64>,
    /// The variables after those.
    pub weights: Vec<f64>,
    /// The average of (1, z)(1, z)ᵀ over nearest products, roughly.
    pub moments: DMatrix<f64>,
}

struct Point {
    x: DMatrix<f64>,
    z: DMatrix<f64>,
    /// −t, the multiplier of each orbit, the weights.
    y: Vec<f64>,
}

struct Direction {
    x: DMatrix<f64>,
    z: DMatrix<f64>,
    y: Vec<f64>,
}

impl Point {
    /// `tr(XZ)` after steps of these lengths.
    fn gap_after(&self, direction: &Direction, primal: f64, dual: f64) -> f64 {
        (&self.x + &direction.x * primal).dot(&(&self.z + &direction.z * dual))
    }
}

impl Program<'_> {
    /// Follows the central path until the bound reaches `goal`, the gap closes, floats are exhausted, or the budget has nothing
    /// left but the reserve; the best feasible point.
    pub fn solve(&self, goal: f64) -> Option<Solution> {
        let size = self.base.nrows();
        let _doing = budget::doing("solving a relaxation for a certificate");
        let count = 1 + self.orbits.len() + self.weights.len();
        // Schur's matrix and its factor.
        let _held = budget::hold(count * count, 16);
        let mut point = Point {
            x: DMatrix::identity(size, size),
            z: DMatrix::identity(size, size) * self.base.norm().max(1.0),
            y: vec![0.0; count],
        };
        let mut found = None;
        for _ in 0..MAX_ITERATIONS {
            let rest = self.matrix(&point.y) - &point.z;
            if rest.norm().within(FEASIBLE) {
                let ceiling = self.base.dot(&point.x);
                let bound = -point.y[0];
                let closed = (ceiling - bound).abs().within(CLOSED * ceiling.abs());
                found = Some(Solution {
                    bound,
                    ceiling,
                    multipliers: point.y[1..=self.orbits.len()].to_vec(),
                    weights: point.y[1 + self.orbits.len()..].to_vec(),
                    moments: point.x.clone(),
                });
                if bound.reaches(goal) || closed {
                    break;
                }
            }
            // A fit is not to be lost to its certificate.
            if !budget::spend_above(self.reserve, self.iteration()) || !self.advance(&mut point, &rest) {
                break;
            }
        }
        found
    }

    /// Steps of the budget for one iteration: a row of Schur's matrix for each variable, and factorizations, of which many operations
    /// take one step (as measured from 100 to 7,000 variables).
    fn iteration(&self) -> u64 {
        let size = self.base.nrows();
        let count = 1 + self.orbits.len() + self.weights.len();
        let rows = [count, size * size + 2 * self.minors.len()].product();
        let weights = [self.weights.len(), size, size, size].product() / 8;
        let factorization = [count, count, count].product() / 250;
        rows + weights
            + factorization
            + [3, size, size, size].product()
            + [2, self.symmetries.len(), size, size].product()
    }

    /// One step; false if floats do not allow for another.
    fn advance(&self, point: &mut Point, rest: &DMatrix<f64>) -> bool {
        let Some(inverse) = Cholesky::new(point.z.clone()).map(|factor| factor.inverse()) else {
            return false;
        };
        // Rounding hurts the symmetries, on which the equations below rest.
        let inverse = self.average(&inverse);
        point.x = self.average(&point.x);
        let Some(schur) = factored(&self.schur(&inverse, &point.x)) else {
            return false;
        };
        let gap = point.x.dot(&point.z);
        let size = point.x.nrows().to_f64().unwrap_or(1.0);
        let predictor = self.direction(point, &inverse, &schur, rest, (0.0, None));
        let (primal, dual) = (reach(&point.x, &predictor.x), reach(&point.z, &predictor.z));
        let left = point.gap_after(&predictor, primal, dual) / gap;
        let centring = centring(primal.min(dual), left);
        let second = &predictor.x * &predictor.z;
        let step = self.direction(point, &inverse, &schur, rest, (centring * gap / size, Some(&second)));
        let (primal, dual) = (reach(&point.x, &step.x), reach(&point.z, &step.z));
        let [primal, dual] = shortened([primal, dual]);
        point.x += step.x * primal;
        point.z += step.z * dual;
        point.y.iter_mut().zip(&step.y).for_each(|(y, change)| *y += dual * change);
        primal.max(dual).exceeds(STUCK)
    }

    /// Newton's direction towards `XZ = centre·I`, with a second-order correction.
    fn direction(
        &self,
        point: &Point,
        inverse: &DMatrix<f64>,
        schur: &DMatrix<f64>,
        rest: &DMatrix<f64>,
        (centre, correction): (f64, Option<&DMatrix<f64>>),
    ) -> Direction {
        let symmetric = |m: DMatrix<f64>| (&m + m.transpose()) * 0.5;
        let aim = |rest: &DMatrix<f64>| {
            let mut moved = inverse * centre - &point.x * rest * inverse;
            if let Some(second) = correction {
                moved -= second * inverse;
            }
            symmetric(moved)
        };
        let mut y = self.adjoint(&aim(rest));
        y[0] -= 1.0;
        cholesky::solve(schur, &mut y);
        let mut z = rest.clone();
        self.add(&y, &mut z);
        let x = aim(&z) - &point.x;
        Direction { x, z, y }
    }

    /// The average of a matrix and its transpose over the symmetries.
    fn average(&self, matrix: &DMatrix<f64>) -> DMatrix<f64> {
        let size = matrix.nrows();
        let mut sum = DMatrix::zeros(size, size);
        for symmetry in &self.symmetries {
            for (j, &(l, right)) in symmetry.iter().enumerate() {
                for (i, &(k, left)) in symmetry.iter().enumerate() {
                    sum[(i, j)] += left * right * (matrix[(k, l)] + matrix[(l, k)]);
                }
            }
        }
        sum / (2.0 * self.symmetries.len().to_f64().unwrap_or(1.0))
    }

    /// `[[1 − t, −bᵀ], [−b, C + A(Y)]]`, with the weights of conditions.
    pub fn matrix(&self, y: &[f64]) -> DMatrix<f64> {
        let mut matrix = self.base.clone();
        self.add(y, &mut matrix);
        matrix
    }

    fn add(&self, y: &[f64], matrix: &mut DMatrix<f64>) {
        matrix[(0, 0)] += y[0];
        let (multipliers, weights) = y[1..].split_at(self.orbits.len());
        for (weight, value) in self.weights.iter().zip(weights) {
            weight.add(*value, matrix);
        }
        for (orbit, multiplier) in self.orbits.iter().zip(multipliers) {
            for &(minor, sign) in orbit {
                let Minor { plus, minus } = self.minors[minor];
                let value = sign * multiplier;
                matrix[(plus.0 + 1, plus.1 + 1)] += value;
                matrix[(plus.1 + 1, plus.0 + 1)] += value;
                matrix[(minus.0 + 1, minus.1 + 1)] -= value;
                matrix[(minus.1 + 1, minus.0 + 1)] -= value;
            }
        }
    }

    /// The corner, what the minors of each orbit are on a symmetric matrix, twice, and its products with the weights.
    fn adjoint(&self, x: &DMatrix<f64>) -> Vec<f64> {
        let minor = |&(minor, sign): &(usize, f64)| {
            let Minor { plus, minus } = self.minors[minor];
            2.0 * sign * (x[(plus.0 + 1, plus.1 + 1)] - x[(minus.0 + 1, minus.1 + 1)])
        };
        std::iter::once(x[(0, 0)])
            .chain(self.orbits.iter().map(|orbit| orbit.iter().map(minor).sum()))
            .chain(self.weights.iter().map(|weight| weight.dot(x)))
            .collect()
    }

    /// `tr(A_u Z⁻¹ A_v X)` for v ≥ u (the lower triangle), with the matrix of −t for u = 0. As Z⁻¹ and X have the symmetries of
    /// the orbits, the first minor of an orbit stands for all.
    fn schur(&self, inverse: &DMatrix<f64>, x: &DMatrix<f64>) -> DMatrix<f64> {
        let size = x.nrows();
        let orbits = self.orbits.len();
        let count = orbits + 1 + self.weights.len();
        let mut schur = DMatrix::zeros(count, count);
        // T = Z⁻¹ A_u X by columns, and the minors on T + Tᵀ.
        let mut product = DMatrix::zeros(size, size);
        let mut values = vec![0.0; self.minors.len()];
        for u in 0..count {
            let mut weight = 1.0;
            if u == 0 {
                product.gemm(1.0, &inverse.columns(0, 1), &x.rows(0, 1), 0.0);
                schur[(0, 0)] = product[(0, 0)];
            } else if u <= orbits {
                let orbit = &self.orbits[u - 1];
                between(inverse, self.minors[orbit[0].0], x, &mut product);
                weight = orbit.len().to_f64().unwrap_or(0.0);
            } else {
                product.gemm(1.0, inverse, &self.weights[u - 1 - orbits].times(x), 0.0);
            }
            let (later, heavier) = schur.as_mut_slice()[u * count + 1..(u + 1) * count].split_at_mut(orbits);
            for (entry, heavy) in heavier.iter_mut().zip(&self.weights).skip(u.saturating_sub(orbits + 1)) {
                *entry = weight * heavy.dot(&product);
            }
            if u > orbits {
                continue;
            }
            let at = |i: usize, j: usize| product[(i + 1, j + 1)] + product[(j + 1, i + 1)];
            for (value, Minor { plus, minus }) in values.iter_mut().zip(self.minors) {
                *value = at(plus.0, plus.1) - at(minus.0, minus.1);
            }
            for (entry, orbit) in later.iter_mut().zip(&self.orbits).skip(u.max(1) - 1) {
                *entry = weight * orbit.iter().map(|&(minor, sign)| sign * values[minor]).sum::<f64>();
            }
        }
        schur
    }
}

/// `Z⁻¹ A X` for the matrix A of one minor, of four entries on each side of the diagonal.
fn between(
    inverse: &DMatrix<f64>,
    Minor { plus, minus }: Minor,
    x: &DMatrix<f64>,
    product: &mut DMatrix<f64>,
) {
    let size = x.nrows();
    let column = |matrix: &DMatrix<f64>, k: usize| matrix.as_slice()[k * size..(k + 1) * size].to_vec();
    let places = [plus.0 + 1, plus.1 + 1, minus.0 + 1, minus.1 + 1];
    let [z0, z1, z2, z3] = places.map(|k| column(inverse, k));
    let [x0, x1, x2, x3] = places.map(|k| column(x, k));
    for (s, target) in product.as_mut_slice().chunks_exact_mut(size).enumerate() {
        let (w0, w1, w2, w3) = (x1[s], x0[s], x3[s], x2[s]);
        let left = z0.iter().zip(&z1).zip(z2.iter().zip(&z3));
        for (t, ((z0, z1), (z2, z3))) in target.iter_mut().zip(left) {
            *t = w0 * z0 + w1 * z1 - w2 * z2 - w3 * z3;
        }
    }
}

/// The Cholesky factor of a matrix that rounding may have made indefinite: then its diagonal is raised, by the least share
/// that helps. Directions are less exact then, but points stay feasible, as what is left of the constraint is computed anew.
fn factored(schur: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    RAISES.into_iter().find_map(|share| {
        let mut raised = schur.clone();
        (0..raised.nrows()).for_each(|k| raised[(k, k)] *= 1.0 + share);
        cholesky::factor(&mut raised).then_some(raised)
    })
}

/// How far to aim at the central path, for the length of the step that ignores it and the share of the gap that it leaves.
fn centring(length: f64, left: f64) -> f64 {
    if !length.reaches(0.1) {
        return 0.5;
    }
    left.max(0.0).powi(if length.exceeds(0.8) { 3 } else { 2 }).clamp(1e-4, 0.8)
}

/// The lengths of a step that stays inside; a whole one does.
fn shortened(lengths: [f64; 2]) -> [f64; 2] {
    let inside = 0.9 + 0.08 * lengths[0].min(lengths[1]);
    lengths.map(|length| if length.reaches(1.0) { 1.0 } else { length * inside })
}

/// The longest step, at most 1, that keeps the matrix positive definite, to a thousandth.
fn reach(matrix: &DMatrix<f64>, direction: &DMatrix<f64>) -> f64 {
    let stays = |length: f64| Cholesky::new(matrix + direction * length).is_some();
    if stays(1.0) {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..10 {
        let middle = 0.5 * (low + high);
        if stays(middle) { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests;
