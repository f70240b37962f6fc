//! From floating-point proposals to exact factors: rounds the nonlinear unknowns, solves for the linear ones
//! exactly, and recognises factors whose product is exactly the target.

#![allow(clippy::float_arithmetic, reason = "least squares proposes candidates in floating point")]

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::fixed::Fixed;
use super::linear::solve_gram;
use super::problem::Constraint;
use super::reduced::{Product, Reduced};
use convproof_exact::{Grid, Limited};

/// Most variables for which the linear unknowns are solved for exactly; beyond, they are rounded as well.
pub const MAX_EXACT_VARIABLES: usize = 48;
/// Bits behind the point to which factors are rounded, relative to their largest entry. The residual is flat
/// at its minimum, so an error of 2^-25 in a factor changes it by a relative 2^-45 or so.
const BITS: i64 = 24;
/// Bits where all factors are rounded and none is solved for.
const FINE_BITS: i64 = 40;
/// Tolerances, tried in turn, within which the simplest fraction is taken for an entry's exact value.
const TOLERANCES: [f64; 5] = [1e-11, 1e-8, 1e-5, 1e-3, 1e-2];

/// A floating-point kernel to be multiplied by 2^exponent.
pub struct Scaled {
    pub cells: Grid<f64>,
    pub exponent: i64,
}

/// Exact factors near the (gauged) proposal. With `optimal`, the linear unknowns are the exact least-squares solution for
/// the rounded others. A small residual (relative to the target's norm) asks for more bits.
pub fn round(problem: &Reduced, proposal: &[Scaled], relative: f64, optimal: bool) -> Vec<Fixed> {
    let bits = bits_for(relative);
    let solve = optimal && problem.is_solvable(bits.unsigned_abs());
    let bits = if solve { bits } else { FINE_BITS };
    let mut factors: Vec<Fixed> =
        proposal.iter().map(|scaled| round_kernel(&scaled.cells, scaled.exponent, bits)).collect();
    if solve {
        let rounded = factors.clone();
        solve_linear(problem, &mut factors);
        // Solving on the support of a nonnegative proposal can still give a negative entry.
        let negative = |u: usize| {
            problem.unknowns[u].constraint == Constraint::Nonnegative
                && factors[u].cells.cells().iter().any(Signed::is_negative)
        };
        if (0..factors.len()).any(negative) {
            return rounded;
        }
    }
    factors
}

/// Bits for a residual of this size relative to the target: more where it is less than 1/16.
fn bits_for(relative: f64) -> i64 {
    let more = (-relative.max(1e-12).log2()).to_i64().unwrap_or(0) - 4;
    (BITS + more.max(0)).min(FINE_BITS)
}

/// Factors with simple entries near the (gauged) proposal whose product is exactly the target, if there are any: primitive
/// integers with a positive largest entry for unknowns whose scale is free, so that the linear unknowns hold the
/// content.
pub fn recognise(problem: &Reduced, proposal: &[Scaled]) -> Option<Vec<Fixed>> {
    if !problem.is_solvable(BITS.unsigned_abs()) {
        return None;
    }
    TOLERANCES.iter().find_map(|&tolerance| {
        let mut factors = (0..proposal.len())
            .map(|u| {
                let kernel = simple_kernel(&proposal[u].cells, tolerance)?;
                Some(if problem.is_scalable(u) {
                    primitive(kernel)
                } else {
                    shift(kernel, proposal[u].exponent)
                })
            })
            .collect::<Option<Vec<_>>>()?;
        solve_linear(problem, &mut factors);
        problem.residual(&factors).is_zero().then_some(factors)
    })
}

/// The proposal in the stated gauge: where its scale is free, the (first) entry of largest magnitude of an
/// unknown is 1, and the linear unknowns make up for it.
pub fn gauge(problem: &Reduced, mut proposal: Vec<Scaled>) -> Vec<Scaled> {
    for unknown in (0..proposal.len()).filter(|&u| problem.is_scalable(u)) {
        let cells = proposal[unknown].cells.cells();
        let largest = cells.iter().fold(0.0_f64, |l, &x| if x.abs() > l.abs() { x } else { l });
        if largest == 0.0 {
            continue;
        }
        let exponent = std::mem::take(&mut proposal[unknown].exponent);
        proposal[unknown].cells = proposal[unknown].cells.map(|x| x / largest);
        for linear in (0..proposal.len()).filter(|&u| problem.linear[u]) {
            let product = problem.products.iter().find(|product| product.unknowns.contains(&linear));
            for _ in 0..product.map_or(0, |product| problem.count(product, unknown)) {
                proposal[linear].cells = proposal[linear].cells.map(|x| x * largest);
                proposal[linear].exponent += exponent;
            }
        }
    }
    proposal
}

/// Entries rounded to `bits` bits behind the point of the largest one.
fn round_kernel(cells: &Grid<f64>, exponent: i64, bits: i64) -> Fixed {
    let largest = cells.cells().iter().fold(0.0_f64, |l, x| l.max(x.abs()));
    // Least power of two above the largest entry, by its exponent field.
    let top = if largest == 0.0 { 0 } else { i64::try_from(largest.to_bits() >> 52).unwrap_or(0) - 1022 };
    let unit = bits - top;
    // Two factors, since one power of two may leave the range of floats.
    let half = i32::try_from(unit / 2).unwrap_or(0);
    let rest = i32::try_from(unit - unit / 2).unwrap_or(0);
    let integers = cells.map(|x| {
        let rounded = (x * 2.0_f64.powi(half) * 2.0_f64.powi(rest)).round();
        BigInt::from(rounded.to_i64().unwrap_or(0))
    });
    shift(Fixed { cells: integers, denominator: BigInt::one() }, exponent - unit)
}

/// The kernel times 2^exponent.
fn shift(kernel: Fixed, exponent: i64) -> Fixed {
    let (up, down) = (exponent.max(0).unsigned_abs(), exponent.min(0).unsigned_abs());
    Fixed { cells: kernel.cells.map(|x| x << up), denominator: kernel.denominator << down }
}

/// Every entry replaced by the simplest fraction nearby.
fn simple_kernel(cells: &Grid<f64>, tolerance: f64) -> Option<Fixed> {
    let fractions = cells.cells().iter().map(|&x| simplest(x, tolerance)).collect::<Option<Vec<_>>>()?;
    let mut denominator = BigInt::one();
    for (_, d) in &fractions {
        denominator = denominator.lcm(&BigInt::from(*d));
    }
    let integers = fractions.iter().map(|(n, d)| BigInt::from(*n) * (&denominator / *d)).collect();
    Some(Fixed { cells: Grid::new(cells.height(), cells.width(), integers)?, denominator })
}

/// The first convergent of the continued fraction of `x` within `tolerance · (1 + |x|)`, if its denominator is
/// at most 10^5.
fn simplest(x: f64, tolerance: f64) -> Option<(i64, i64)> {
    let ((mut n0, mut d0), (mut n1, mut d1)) = ((0_i64, 1_i64), (1_i64, 0_i64));
    let mut rest = x;
    for _ in 0..20 {
        let whole = rest.floor().to_i64()?;
        let (n2, d2) = (whole.checked_mul(n1)?.checked_add(n0)?, whole.checked_mul(d1)?.checked_add(d0)?);
        (n0, d0, n1, d1) = (n1, d1, n2, d2);
        if d1.exceeds(100_000) {
            return None;
        }
        if (n1.to_f64()? / d1.to_f64()? - x).abs().within(tolerance * (1.0 + x.abs())) {
            return Some((n1, d1));
        }
        rest = 1.0 / (rest - rest.floor());
    }
    None
}

/// The primitive integer kernel proportional to this one whose first entry of largest magnitude is positive.
fn primitive(kernel: Fixed) -> Fixed {
    let content = kernel.cells.cells().iter().fold(BigInt::zero(), |g, x| g.gcd(x));
    if content.is_zero() {
        return Fixed { cells: kernel.cells, denominator: BigInt::one() };
    }
    let (_, (row, column)) = kernel.largest();
    let divisor = if kernel.cells.at(row, column).is_negative() { -content } else { content };
    Fixed { cells: kernel.cells.map(|x| x / &divisor), denominator: BigInt::one() }
}

/// The products of columns with each other, and with the target.
fn normal_equations(columns: &[Vec<BigInt>], target: &[BigInt]) -> (Vec<Vec<BigInt>>, Vec<BigInt>) {
    let dot = |a: &[BigInt], b: &[BigInt]| -> BigInt { a.iter().zip(b).map(|(x, y)| x * y).sum() };
    let mut normal: Vec<Vec<BigInt>> = vec![vec![BigInt::zero(); columns.len()]; columns.len()];
    for i in 0..columns.len() {
        for j in 0..=i {
            let value = dot(&columns[i], &columns[j]);
            normal[j][i].clone_from(&value);
            normal[i][j] = value;
        }
    }
    let right = columns.iter().map(|column| dot(column, target)).collect();
    (normal, right)
}

/// Replaces the linear unknowns by the exact least-squares solution for the given others. Entries of nonnegative
/// unknowns that are 0 stay 0.
pub fn solve_linear(problem: &Reduced, factors: &mut [Fixed]) {
    let cells = problem.target.height() * problem.target.width();
    let mut columns: Vec<Vec<BigInt>> = Vec::new();
    // For each linear unknown, the column of each entry (none if it stays 0) and the scale of all of them.
    let mut places: Vec<(Vec<Option<usize>>, BigInt)> = vec![(Vec::new(), BigInt::zero()); factors.len()];
    for unknown in (0..factors.len()).filter(|&u| problem.linear[u]) {
        let products = problem.products.iter().filter(|product| product.unknowns.contains(&unknown));
        let others: Vec<Fixed> = products.map(|p| problem.multiply(p, factors, Some(unknown))).collect();
        let scale = others.iter().fold(BigInt::one(), |lcm, o| lcm.lcm(&o.denominator));
        let (variables, count) = problem.unknowns[unknown].variables();
        let bounded = problem.unknowns[unknown].constraint == Constraint::Nonnegative;
        let mut free: Vec<Option<usize>> = vec![None; count];
        let place: Vec<Option<usize>> = variables
            .iter()
            .zip(factors[unknown].cells.cells())
            .map(|(&v, cell)| {
                if bounded && !cell.is_positive() {
                    return None;
                }
                Some(*free[v].get_or_insert_with(|| {
                    columns.push(vec![BigInt::zero(); cells]);
                    columns.len() - 1
                }))
            })
            .collect();
        let width = problem.target.width();
        for (k, column) in place.iter().enumerate().filter_map(|(k, p)| p.map(|column| (k, column))) {
            let corner = k / factors[unknown].width() * width + k % factors[unknown].width();
            for other in &others {
                let up = &scale / &other.denominator;
                for (i, row) in other.cells.rows().enumerate() {
                    for (j, x) in row.iter().enumerate() {
                        columns[column][corner + i * width + j] += x * &up;
                    }
                }
            }
        }
        places[unknown] = (place, scale);
    }
    // What products without a linear unknown leave of the target.
    let solved = |product: &&Product| product.unknowns.iter().any(|&u| problem.linear[u]);
    let rest = problem.products.iter().filter(|product| !solved(product));
    let rest = rest
        .fold(problem.target.clone(), |rest, product| rest.minus(&problem.multiply(product, factors, None)));
    let (normal, right) = normal_equations(&columns, rest.cells.cells());
    let (solution, determinant) = solve_gram(normal, right);
    for (factor, (place, scale)) in factors.iter_mut().zip(places) {
        if place.is_empty() {
            continue;
        }
        let mut entries = place.iter();
        factor.cells = factor.cells.map(|_| match entries.next() {
            Some(Some(column)) => &solution[*column] * &scale,
            _ => BigInt::zero(),
        });
        factor.denominator = &determinant * &rest.denominator;
    }
}

#[cfg(test)]
mod tests;
