//! Polynomials of small degree by their values at as many points, modulo primes below 2²⁴: the matrices of both directions.

use super::lanes::least;
use crate::field::PrimeField;

/// A matrix of reduced values, row by row.
pub(super) struct Matrix {
    pub(super) columns: usize,
    pub(super) entries: Vec<f64>,
}

/// The points: as many as asked for, around 0.
fn points(count: usize) -> impl Iterator<Item = i64> + Clone {
    let half = i64::try_from(count / 2).unwrap_or(0);
    (-half..).take(count)
}

/// The powers of the points that taps are multiplied by.
pub(super) fn powers(field: &PrimeField, count: usize, taps: usize, spacing: usize) -> Matrix {
    let row = |point| {
        let point = field.residue(point);
        (0..taps).map(move |tap| least(field.power(point, (tap * spacing) as u64), field.p))
    };
    Matrix { columns: taps, entries: points(count).flat_map(row).collect() }
}

/// The coefficients, by degree, of which the values at the points are multiplied to get those of a polynomial: the numerators
/// of Lagrange's polynomials, each over its own value at its point.
pub(super) fn interpolation(field: &PrimeField, count: usize) -> Matrix {
    let modulus = field.p.cast_signed();
    let mut entries = vec![0.0; count * count];
    for (column, own) in points(count).enumerate() {
        let mut numerator = vec![1];
        let mut value = 1;
        for other in points(count).filter(|&other| other != own) {
            numerator.push(0);
            // Times x − other.
            for degree in (0..numerator.len()).rev() {
                let below = if degree == 0 { 0 } else { numerator[degree - 1] };
                numerator[degree] = (below - other * numerator[degree]) % modulus;
            }
            value = value * (own - other) % modulus;
        }
        let inverse = field.invert(field.residue(value));
        for (degree, coefficient) in numerator.into_iter().enumerate() {
            entries[degree * count + column] =
                least(field.multiply(field.residue(coefficient), inverse), field.p);
        }
    }
    Matrix { columns: count, entries }
}
