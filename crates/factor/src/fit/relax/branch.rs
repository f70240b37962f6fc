//! Bounds by cases: where the relaxation stays below what is to be shown, because it mixes several products, a quadratic
//! form of one factor keeps them apart, and each case is relaxed by itself. Proposes only.

#![allow(clippy::float_arithmetic, reason = "cases are proposed in floating point and checked exactly")]

use nalgebra::DMatrix;
use num_bigint::BigInt;
use num_traits::ToPrimitive;

use super::Relaxation;
use super::case::Case;
use super::certificate::{Cases, Condition, Form};
use super::interior::Solution;
use convproof_exact::{Grid, Limited};

/// Most cases of one certificate.
const MAX_CASES: usize = 16;
/// Entries of the direction that a form is made of are rounded to this.
const LARGEST: f64 = 6.0;
/// A form compares the part along its direction with a number of eighths of the whole.
const PARTS: i64 = 8;
/// Where the main direction of a factor has more than this share, nothing is mixed.
const PURE: f64 = 0.999;

/// Solved relaxations by cases.
pub enum Tree {
    /// One relaxation.
    Solved(Solution),
    /// The form's two signs.
    Two(Form, Box<[Tree; 2]>),
}

impl Relaxation {
    /// Cases in each of which the relaxation's bound reaches the goal, if they are found.
    pub fn cover(&self, goal: f64) -> Option<Tree> {
        let mut left = MAX_CASES;
        self.branch(goal, &mut Vec::new(), &mut left)
    }

    fn branch(&self, goal: f64, conditions: &mut Vec<Condition>, left: &mut usize) -> Option<Tree> {
        let solution = Case::new(self, conditions)?.solve(goal)?;
        if solution.bound.reaches(goal) {
            *left = left.checked_sub(1)?;
            return Some(Tree::Solved(solution));
        }
        if conditions.len().reaches(*left) {
            return None;
        }
        let form = self.form(&solution.moments)?;
        let trees = both(conditions, &form, |conditions, _| self.branch(goal, conditions, left))?;
        Some(Tree::Two(form, Box::new(trees)))
    }

    /// A form that keeps apart what the moments mix: whether the part of a factor along its main direction has more than its
    /// usual share.
    fn form(&self, moments: &DMatrix<f64>) -> Option<Form> {
        let [(a, b), (c, d)] = self.lifted.sizes;
        let (rows, columns) = (a * b, c * d);
        let at = |i: usize, j: usize, k: usize, l: usize| moments[(1 + i * columns + j, 1 + k * columns + l)];
        let p = DMatrix::from_fn(rows, rows, |i, k| (0..columns).map(|j| at(i, j, k, j)).sum::<f64>());
        let q = DMatrix::from_fn(columns, columns, |j, l| (0..rows).map(|i| at(i, j, i, l)).sum::<f64>());
        let main = |(factor, matrix): (usize, DMatrix<f64>)| {
            let whole = matrix.trace();
            let eigen = matrix.try_symmetric_eigen(1e-12, 10_000)?;
            let k = eigen.eigenvalues.imax();
            let share = eigen.eigenvalues[k] / whole;
            Some((share, factor, eigen.eigenvectors.column(k).clone_owned()))
        };
        let (share, factor, direction) = [(0, p), (1, q)]
            .into_iter()
            .filter_map(main)
            .filter(|(share, ..)| *share < PURE)
            .min_by(|a, b| a.0.total_cmp(&b.0))?;
        let scale = LARGEST / direction.amax();
        let integers: Option<Vec<i64>> = direction.iter().map(|x| (x * scale).round().to_i64()).collect();
        let integers = integers?;
        let whole: i64 = integers.iter().map(|x| x * x).sum();
        let parts = (share * PARTS.to_f64()?).round().to_i64()?.clamp(1, PARTS - 1);
        let entry = |i: usize, k: usize| {
            let diagonal = if i == k { parts * whole } else { 0 };
            BigInt::from(PARTS * integers[i] * integers[k] - diagonal)
        };
        Some(Form { factor, matrix: Grid::from_fn(integers.len(), integers.len(), entry) })
    }

    /// As how many bits behind the point the solutions must be kept, for the bound t to be proved with them.
    pub(super) fn bits(&self, tree: &Tree, t: f64, conditions: &mut Vec<Condition>) -> Option<u32> {
        match tree {
            Tree::Solved(solution) => Case::new(self, conditions)?.bits(solution, t),
            Tree::Two(form, inner) => {
                let [a, b] = both(conditions, form, |conditions, k| self.bits(&inner[k], t, conditions))?;
                Some(a.max(b))
            }
        }
    }

    /// The solutions in units of 2^-bits.
    pub(super) fn rounded(&self, tree: &Tree, bits: u32, conditions: &mut Vec<Condition>) -> Option<Cases> {
        match tree {
            Tree::Solved(solution) => {
                let (multipliers, weights) = Case::new(self, conditions)?.round(solution, bits)?;
                Some(Cases::One { multipliers, weights })
            }
            Tree::Two(form, inner) => {
                let cases =
                    both(conditions, form, |conditions, k| self.rounded(&inner[k], bits, conditions))?;
                Some(Cases::Two(form.clone(), Box::new(cases)))
            }
        }
    }
}

/// What is found with the one sign of a form and with the other.
fn both<T>(
    conditions: &mut Vec<Condition>,
    form: &Form,
    mut find: impl FnMut(&mut Vec<Condition>, usize) -> Option<T>,
) -> Option<[T; 2]> {
    let mut at = |k: usize, condition: Condition| {
        conditions.push(condition);
        let found = find(conditions, k);
        conditions.pop();
        found
    };
    let [first, second] = form.conditions();
    Some([at(0, first)?, at(1, second)?])
}

impl Tree {
    /// The least bound of all cases.
    pub fn bound(&self) -> f64 {
        match self {
            Self::Solved(solution) => solution.bound,
            Self::Two(_, inner) => inner.iter().map(Self::bound).fold(f64::INFINITY, f64::min),
        }
    }
}

#[cfg(test)]
mod tests;
