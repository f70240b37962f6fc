//! The relaxation of those products that some conditions hold of, as a program for the interior-point method, and its
//! solution in integers. Knows nothing of how cases are chosen.

#![allow(clippy::float_arithmetic, reason = "multipliers are proposed in floating point and checked exactly")]

use nalgebra::Cholesky;
use num_bigint::BigInt;
use num_traits::{FromPrimitive, ToPrimitive, Zero};

use super::certificate::{Condition, pairs};
use super::interior::{Program, Solution, Sparse};
use super::symmetry::{Symmetry, orbits, turned};
use super::{MAX_MULTIPLIERS, Relaxation};
use convproof_exact::{Grid, Limited};

/// Multipliers are rounded to so many bits behind the point, or more where the matrix is nearly singular.
const LEAST_BITS: u32 = 26;
const MOST_BITS: u32 = 64;

/// One case as a program.
pub struct Case<'a> {
    relaxation: &'a Relaxation,
    conditions: &'a [Condition],
    /// The entries of the weights that share a variable: the number of the condition, and places in its matrix.
    cells: Vec<(usize, Vec<(usize, usize)>)>,
    program: Program<'a>,
}

impl<'a> Case<'a> {
    /// `None` if there are too many variables.
    pub fn new(relaxation: &'a Relaxation, conditions: &'a [Condition]) -> Option<Self> {
        let sizes = relaxation.lifted.sizes;
        let extents = |condition: &Condition| condition.extents(sizes);
        let (rows, columns) = (sizes[0].0 * sizes[0].1, sizes[1].0 * sizes[1].1);
        // Symmetries that change a condition are none.
        let kept: Vec<(&Symmetry, Option<[Vec<usize>; 2]>)> = relaxation
            .symmetries
            .iter()
            .map(|symmetry| (symmetry, turned(&symmetry.0, rows, columns)))
            .filter(|(_, turned)| {
                conditions.iter().all(|Condition { form, .. }| {
                    turned.as_ref().is_some_and(|turned| {
                        let own = &turned[form.factor];
                        pairs(own.len()).all(|(i, k)| form.matrix.at(own[i], own[k]) == form.matrix.at(i, k))
                    })
                })
            })
            .collect();
        let symmetries: Vec<Symmetry> = kept.iter().map(|(symmetry, _)| (*symmetry).clone()).collect();
        let orbits = orbits(sizes, &symmetries, &relaxation.minors);
        let mut cells = Vec::new();
        for (number, condition) in conditions.iter().enumerate() {
            let turns =
                kept.iter().filter_map(|(_, turned)| Some(&turned.as_ref()?[1 - condition.form.factor]));
            let turns: Vec<&Vec<usize>> = turns.collect();
            cells.extend(shared(extents(condition).1, &turns).into_iter().map(|places| (number, places)));
        }
        if (orbits.len() + cells.len()).exceeds(MAX_MULTIPLIERS) {
            return None;
        }
        let mut signed: Vec<Vec<(usize, f64)>> = kept
            .iter()
            .map(|((permutation, sign), _)| {
                std::iter::once((0, 1.0)).chain(permutation.iter().map(|&k| (k + 1, *sign))).collect()
            })
            .collect();
        let mut size = 1 + rows * columns;
        let starts: Vec<usize> = conditions
            .iter()
            .map(|condition| {
                for (symmetry, (_, turned)) in signed.iter_mut().zip(&kept) {
                    let turned = turned.iter().flat_map(|turned| &turned[1 - condition.form.factor]);
                    symmetry.extend(turned.map(|&k| (size + k, 1.0)));
                }
                let start = size;
                size += extents(condition).1;
                start
            })
            .collect();
        let base = relaxation.base().resize(size, size, 0.0);
        let weights = cells
            .iter()
            .map(|(number, places)| weight_matrix(&conditions[*number], sizes, starts[*number], places))
            .collect();
        let Relaxation { minors, reserve, .. } = relaxation;
        let program = Program { base, minors, orbits, weights, symmetries: signed, reserve: *reserve };
        Some(Self { relaxation, conditions, cells, program })
    }

    /// Solves it, until its bound reaches the goal.
    pub fn solve(&self, goal: f64) -> Option<Solution> {
        self.program.solve(goal)
    }

    /// As how many bits behind the point a solution must be kept, for the bound t to be proved with it.
    pub fn bits(&self, solution: &Solution, t: f64) -> Option<u32> {
        let y: Vec<f64> =
            [-t].iter().chain(&solution.multipliers).chain(&solution.weights).copied().collect();
        let matrix = self.program.matrix(&y);
        let size = matrix.nrows().to_f64()?;
        // The least eigenvalue is at least 1 over the norm of the inverse; rounding a multiplier moves it by at most size/2
        // units in all, and rounding weights by as much times the entries of their forms.
        let least = 1.0 / Cholesky::new(matrix)?.inverse().norm();
        let entries = |condition: &Condition| {
            let sums = condition
                .form
                .matrix
                .rows()
                .map(|row| row.iter().filter_map(ToPrimitive::to_f64).map(f64::abs).sum());
            sums.fold(0.0, f64::max)
        };
        let moved = 1.0 + self.conditions.iter().map(entries).sum::<f64>();
        let wanted = (4.0 * size * moved / least).log2().ceil().to_u32()?;
        let bits = wanted.max(LEAST_BITS);
        bits.within(MOST_BITS).then_some(bits)
    }

    /// The multipliers of all minors and the weights of the conditions, in units of 2^-bits.
    pub fn round(&self, solution: &Solution, bits: u32) -> Option<(Vec<BigInt>, Vec<Grid<BigInt>>)> {
        let known = self.relaxation.scales.1;
        let scale = known * known * 2.0_f64.powi(i32::try_from(bits).ok()?);
        let mut multipliers = vec![BigInt::zero(); self.relaxation.minors.len()];
        for (orbit, multiplier) in self.program.orbits.iter().zip(&solution.multipliers) {
            for &(minor, sign) in orbit {
                multipliers[minor] = BigInt::from_f64((sign * multiplier * scale).round())?;
            }
        }
        let mut weights: Vec<Grid<BigInt>> = self
            .conditions
            .iter()
            .map(|condition| {
                let other = condition.extents(self.relaxation.lifted.sizes).1;
                Grid::from_fn(other, other, |_, _| BigInt::zero())
            })
            .collect();
        for ((number, places), value) in self.cells.iter().zip(&solution.weights) {
            let value = BigInt::from_f64((value * scale).round())?;
            places.iter().for_each(|&(j, l)| *weights[*number].at_mut(j, l) = value.clone());
        }
        Some((multipliers, weights))
    }
}

/// The places of a symmetric matrix, those together that the turns carry to each other.
fn shared(size: usize, turns: &[&Vec<usize>]) -> Vec<Vec<(usize, usize)>> {
    let mut seen = vec![false; size * size];
    let mut all = Vec::new();
    for (j, l) in pairs(size) {
        if seen[j * size + l] {
            continue;
        }
        let mut places = vec![(j, l)];
        seen[j * size + l] = true;
        let mut next = 0;
        while next < places.len() {
            let (j, l) = places[next];
            next += 1;
            for (j, l) in turns.iter().map(|turn| (turn[j], turn[l])).chain([(l, j)]) {
                if !std::mem::replace(&mut seen[j * size + l], true) {
                    places.push((j, l));
                }
            }
        }
        all.push(places);
    }
    all
}

/// What one variable of a condition's weights adds: −G⊗E (or G⊗E) among the products, and E in the condition's block.
fn weight_matrix(
    condition: &Condition,
    sizes: [super::Size; 2],
    start: usize,
    places: &[(usize, usize)],
) -> Sparse {
    let mut entries: Vec<_> = places.iter().map(|&(j, l)| ((start + j, start + l), 1.0)).collect();
    for (i, k) in pairs(condition.extents(sizes).0) {
        let g = condition.form.matrix.at(i, k).to_f64().unwrap_or(f64::NAN);
        for &(j, l) in places {
            let at = (1 + condition.place(sizes, i, j), 1 + condition.place(sizes, k, l));
            entries.push((at, if condition.negative { g } else { -g }));
        }
    }
    Sparse(entries)
}

#[cfg(test)]
mod tests;
