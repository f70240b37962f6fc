//! Certificates of optimality for products: a semidefinite relaxation whose multipliers integers check.
//!
//! The lifted problem (`lifted.rs`) is a quadratic function of z = vec(p qᵀ); the relaxation frees z from being of rank
//! one and pays for each 2×2 minor with a multiplier. Its value is solved for in floating point (`interior.rs`, one
//! variable for each orbit of minors under the problem's symmetries, `symmetry.rs`); what the multipliers prove is
//! checked exactly (`certificate.rs`). It also shows where nearest products are. Where the relaxation stays below the least
//! residual, cases (`case.rs`, `branch.rs`) come nearer.
//!
//! A product of more than two unknowns is that of two groups of them, which can only come nearer; a constraint on the
//! factors is left out of account. Sums of products are not relaxed.

#![allow(clippy::float_arithmetic, reason = "multipliers are proposed in floating point and checked exactly")]

mod branch;
mod case;
mod certificate;
mod cholesky;
mod interior;
mod lifted;
mod symmetry;

use nalgebra::DMatrix;
use num_bigint::BigInt;
use num_traits::ToPrimitive;

use branch::Tree;
use case::Case;
use certificate::least_above;
pub use certificate::{Cases, Certificate, Form};
use interior::Solution;
use lifted::{Lifted, Minor, Size, minor_count, minors};
use symmetry::{Symmetry, symmetries};

use super::fixed::Fixed;
use super::reduced::{Product, Reduced};
use convproof_exact::{Grid, Limited, Rational, budget};

/// Bits kept of the target's entries; what is dropped is subtracted from the bound.
const BITS: u64 = 40;
/// Most bits of a known factor's entries.
pub const KNOWN_BITS: u64 = 24;
/// Most minors: a Cholesky factorization of 450 MB, about 7 s.
const MAX_MINORS: usize = 100_000;
/// Most multipliers that differ, after symmetries.
pub const MAX_MULTIPLIERS: usize = 7500;
/// Shares of the least residual within which optimality is certified, tried in turn, in units of 1/10,000.
const LEVELS: [i64; 8] = [1, 10, 100, 500, 1000, 3000, 10_000, 40_000];
/// Where optimality is not certified within this level, cases are tried.
const CLOSE: i64 = 100;
/// Most minors for which cases are tried: two 3×3.
const BRANCHED: usize = 1296;

/// The relaxation of a problem that is one product.
pub struct Relaxation {
    target: Grid<BigInt>,
    known: Grid<BigInt>,
    unit: Rational,
    rounding: Rational,
    lifted: Lifted,
    minors: Vec<Minor>,
    symmetries: Vec<Symmetry>,
    /// The norms of the target and of the known factor.
    scales: (f64, f64),
    /// Steps of the budget that are left to what does not seek multipliers: a quarter of what there was.
    reserve: u64,
}

/// What a solved relaxation says.
pub struct Relaxed(Solution);

impl Relaxed {
    /// The least squared residual, relative to the target's squared norm, or less.
    pub fn floor(&self) -> f64 {
        self.0.ceiling
    }
}

impl Relaxation {
    /// The relaxation, if the problem is one product of at most `most` products of entries, and not too large otherwise.
    pub fn new(problem: &Reduced, most: usize) -> Option<Self> {
        let [product] = problem.products.as_slice() else { return None };
        let sizes = groups(problem, product, most)?;
        let short = problem.target.shortened(BITS)?;
        let known = match &product.known {
            None => Grid::from_fn(1, 1, |_, _| BigInt::from(1)),
            Some(known) => known.shortened(u64::MAX)?.cells,
        };
        if known.cells().iter().any(|x| x.bits().exceeds(KNOWN_BITS)) {
            return None;
        }
        let lifted = Lifted::new(&short.cells, &known, sizes);
        let minors = minors(sizes);
        let symmetries = symmetries(&lifted);
        let root = |square: &BigInt| square.to_f64().map(f64::sqrt);
        let scales = (root(&lifted.norm)?, root(&lifted.gram[0][0])?);
        Some(Self {
            target: short.cells,
            known,
            unit: short.unit,
            rounding: short.error,
            lifted,
            minors,
            symmetries,
            scales,
            reserve: budget::left().map_or(0, |left| left / 4),
        })
    }

    /// The matrix without multipliers, scaled to a target of norm 1 and a known factor of norm 1, the border first.
    fn base(&self) -> DMatrix<f64> {
        let (norm, known) = self.scales;
        let size = self.lifted.linear.len() + 1;
        let float = |x: &BigInt| x.to_f64().unwrap_or(f64::NAN);
        DMatrix::from_fn(size, size, |i, j| match (i, j) {
            (0, 0) => 1.0,
            (0, k) | (k, 0) => -float(&self.lifted.linear[k - 1]) / (norm * known),
            _ => float(&self.lifted.gram[i - 1][j - 1]) / (known * known),
        })
    }

    /// Solves the relaxation, until it shows that a squared residual (relative to that of no factors at all) is optimal.
    pub fn solve(&self, relative: f64) -> Option<Relaxed> {
        Case::new(self, &[])?.solve(goal(relative, LEVELS[0])).map(Relaxed)
    }

    /// A certificate for the tightest level that is found, and what it proves: that no squared residual is less than the given
    /// one divided by (1 + level)².
    pub fn certify(&self, relaxed: Relaxed, residual: &Rational) -> Option<(Certificate, Rational)> {
        let norm = &(&Fixed::squared(&self.target) * &self.unit) * &self.unit;
        let relative = residual.checked_div(&norm)?.to_f64();
        let in_units = residual.checked_div(&(&self.unit * &self.unit))?;
        let certified = |tree: &Tree, most: i64| {
            LEVELS.iter().filter(|&&level| level < most).find_map(|&level| {
                let t = relative / above(level).to_f64();
                if t.reaches(tree.bound()) {
                    return None;
                }
                let certificate = self.round(tree, t, &in_units.checked_div(&above(level))?)?;
                if !certificate.is_proved(&self.lifted) {
                    return None;
                }
                let bound = certificate.squared().min(residual.checked_div(&above(level))?);
                Some((level, (certificate, bound)))
            })
        };
        let whole = certified(&Tree::Solved(relaxed.0), i64::MAX);
        let level = whole.as_ref().map_or(i64::MAX, |(level, _)| *level);
        let closer = (level.exceeds(CLOSE) && self.minors.len().within(BRANCHED))
            .then(|| certified(&self.cover(goal(relative, CLOSE))?, level))
            .flatten();
        closer.or(whole).map(|(_, certificate)| certificate)
    }

    /// The solution's multipliers, rounded to as many bits as the matrices need, with the least squared distance to be proved.
    fn round(&self, tree: &Tree, t: f64, square: &Rational) -> Option<Certificate> {
        let bits = self.bits(tree, t, &mut Vec::new())?;
        Some(Certificate {
            sizes: self.lifted.sizes,
            target: self.target.clone(),
            known: self.known.clone(),
            unit: self.unit.clone(),
            rounding: self.rounding.clone(),
            bits,
            least: least_above(square, &self.rounding, bits),
            cases: self.rounded(tree, bits, &mut Vec::new())?,
        })
    }

    /// Pairs of factors near which the solution shows nearest products, up to a scale.
    pub fn starts(&self, relaxed: &Relaxed) -> Vec<[Vec<f64>; 2]> {
        let [first, second] = self.lifted.sizes;
        let (rows, columns) = (first.0 * first.1, second.0 * second.1);
        let moments = &relaxed.0.moments;
        let size = rows * columns;
        let mean = DMatrix::from_fn(rows, columns, |i, j| moments[(1 + i * columns + j, 0)]);
        let mut points = vec![mean];
        // Where several products are nearest, the main directions tell them apart.
        if let Some(eigen) =
            moments.view((1, 1), (size, size)).clone_owned().try_symmetric_eigen(1e-12, 10_000)
        {
            let mut order: Vec<usize> = (0..size).collect();
            order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
            for &k in order.iter().take(MAIN) {
                points.push(DMatrix::from_fn(rows, columns, |i, j| eigen.eigenvectors[(i * columns + j, k)]));
            }
            if let [_, first, second, ..] = points.as_slice() {
                let mixtures = [first + second, first - second];
                points.extend(mixtures);
            }
        }
        points.iter().flat_map(|point| factors(point, first == second)).collect()
    }
}

/// How many main directions are looked at.
const MAIN: usize = 3;

/// (1 + level)².
fn above(level: i64) -> Rational {
    let above = &Rational::ONE + &Rational::ratio(level, 10_000).unwrap_or(Rational::ONE);
    &above * &above
}

/// The bound with which a squared residual is optimal within a level, and a little more.
fn goal(relative: f64, level: i64) -> f64 {
    let ratio = 1.0 + 0.5 * (above(level).to_f64().sqrt() - 1.0);
    relative / (ratio * ratio)
}

/// Factors p, q of a matrix near p qᵀ, or near (p qᵀ + q pᵀ)/2 where the factors can be exchanged.
fn factors(point: &DMatrix<f64>, exchangeable: bool) -> Vec<[Vec<f64>; 2]> {
    let main = |matrix: DMatrix<f64>| {
        let eigen = matrix.try_symmetric_eigen(1e-14, 10_000)?;
        let k = eigen.eigenvalues.imax();
        Some(eigen.eigenvectors.column(k).iter().copied().collect::<Vec<f64>>())
    };
    let mut found = Vec::new();
    if let (Some(p), Some(q)) = (main(point * point.transpose()), main(point.transpose() * point)) {
        found.push([p, q]);
    }
    if exchangeable && let Some(eigen) = (point + point.transpose()).try_symmetric_eigen(1e-14, 10_000) {
        // (p qᵀ + q pᵀ)/2 has one eigenvalue of each sign.
        let (high, low) = (eigen.eigenvalues.imax(), eigen.eigenvalues.imin());
        let root = |k: usize| eigen.eigenvectors.column(k) * eigen.eigenvalues[k].abs().sqrt();
        let (plus, minus) = (root(high), root(low));
        found.push([&plus + &minus, &plus - &minus].map(|factor| factor.iter().copied().collect()));
    }
    found
}

/// The sizes of two groups of the product's unknowns, those with fewest entries, with at most `most` products of entries.
fn groups(problem: &Reduced, product: &Product, most: usize) -> Option<[Size; 2]> {
    let unknowns = &product.unknowns;
    if !(2..=8).contains(&unknowns.len()) {
        return None;
    }
    let size = |mask: usize, wanted: bool| {
        let chosen = unknowns.iter().enumerate().filter(|(k, _)| (mask >> k & 1 == 1) == wanted);
        chosen.fold((1, 1), |(height, width), (_, &u)| {
            (height + problem.unknowns[u].height - 1, width + problem.unknowns[u].width - 1)
        })
    };
    // The first unknown is always in the first group.
    (0..(1 << (unknowns.len() - 1)) - 1)
        .map(|rest| [size(2 * rest + 1, true), size(2 * rest + 1, false)])
        .filter(|&sizes| {
            let [(a, b), (c, d)] = sizes;
            (a * b).saturating_mul(c * d) <= most && minor_count(sizes).within(MAX_MINORS)
        })
        .min_by_key(|[(a, b), (c, d)]| a * b + c * d)
}

#[cfg(test)]
mod tests;
