//! Deconvolution: exact division of kernels over ℚ.

use convproof_exact::Grid;
use convproof_exact::poly::{integer, plane};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed};

/// A rational kernel `numerators / denominator` in lowest terms, denominator positive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotient {
    /// Integer cells.
    pub numerators: Grid<BigInt>,
    /// Common denominator of the cells.
    pub denominator: BigInt,
}

/// The kernel Q of shape `(H − h + 1) × (W − w + 1)` with `divisor * Q == dividend`; `None` if there is none. It is
/// unique unless the divisor is zero, for which the answer is `None`.
///
/// ```
/// use convproof_exact::Grid;
/// use convproof_factor::divide::divide;
/// let grid = |row: &[i64]| Grid::from_fn(1, row.len(), |_, j| row[j].into());
/// let quotient = divide(&grid(&[1, 3, 2]), &grid(&[2, 2])).unwrap();
/// assert_eq!((quotient.numerators, quotient.denominator), (grid(&[1, 2]), 2.into()));
/// ```
pub fn divide(dividend: &Grid<BigInt>, divisor: &Grid<BigInt>) -> Option<Quotient> {
    // By Gauss' lemma an exact quotient by a primitive polynomial has integer cells.
    let content = integer::content(divisor.cells());
    if content.is_one() {
        let numerators = plane::exact_div(dividend, divisor)?;
        return Some(Quotient { numerators, denominator: content });
    }
    let (_, primitive) = plane::primitive(divisor);
    let negated = plane::leading_position(divisor).is_some_and(|(i, j)| divisor.at(i, j).is_negative());
    let numerators = plane::exact_div(dividend, &primitive)?;
    let common = integer::content(numerators.cells()).gcd(&content);
    let scale = if negated { -&common } else { common.clone() };
    Some(Quotient { numerators: numerators.map(|c| c / &scale), denominator: content / common })
}
