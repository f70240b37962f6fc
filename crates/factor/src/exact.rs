//! Complete factorization over ℚ of a kernel, seen as the polynomial `Σ K[i][j] x^i y^j`.
//!
//! Splits off content, powers of x and y and factors in one variable, leaves the rest to `bivariate` and
//! `univariate`, and multiplies everything back before it answers.

pub use super::error::FactorError;
use super::{bivariate, univariate};
use convproof_exact::Grid;
use convproof_exact::poly::plane;
use num_bigint::BigInt;
use num_traits::One;

/// Largest degree in x or y of a polynomial in both.
pub const BIVARIATE_DEGREE_LIMIT: usize = 128;
/// Largest degree of a polynomial in one variable.
pub const UNIVARIATE_DEGREE_LIMIT: usize = 256;

/// `content · x^x_power · y^y_power · Π factor^multiplicity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factorization {
    /// The signed integer content.
    pub content: BigInt,
    /// Number of zero rows at the top: the power of x.
    pub x_power: usize,
    /// Number of zero columns on the left: the power of y.
    pub y_power: usize,
    /// The irreducible factors other than x and y with their multiplicities: primitive, without zero borders, the last
    /// nonzero cell in row-major order positive; ordered by height, then width, then cells in row-major order.
    pub factors: Vec<(Grid<BigInt>, usize)>,
}

impl Factorization {
    /// The product, without zero borders at the bottom and right.
    pub fn product(&self) -> Grid<BigInt> {
        let monomial = Grid::from_fn(self.x_power + 1, self.y_power + 1, |i, j| {
            if (i, j) == (self.x_power, self.y_power) { self.content.clone() } else { BigInt::ZERO }
        });
        let copies = self.factors.iter().flat_map(|(factor, m)| std::iter::repeat_n(factor, *m));
        let product = copies.fold(plane::one(), |product, factor| plane::mul(&product, factor));
        plane::mul(&product, &monomial)
    }
}

/// Factors a kernel over ℚ.
///
/// # Errors
/// [`FactorError::Zero`] for a kernel without nonzero entries, [`FactorError::Limit`] beyond the degree limits or when
/// a search is cut short.
pub fn factor(kernel: &Grid<BigInt>) -> Result<Factorization, FactorError> {
    let (inner, x_power, y_power) = plane::strip(kernel).ok_or(FactorError::Zero)?;
    let longest = inner.height().max(inner.width()) - 1;
    let thin = inner.height() == 1 || inner.width() == 1;
    if longest > if thin { UNIVARIATE_DEGREE_LIMIT } else { BIVARIATE_DEGREE_LIMIT } {
        return Err(FactorError::Limit);
    }
    let (content, primitive) = plane::primitive(&inner);
    let distinct = distinct_factors(&primitive)?;
    let factors = with_multiplicities(&primitive, distinct)?;
    Ok(Factorization { content, x_power, y_power, factors })
}

/// The distinct irreducible factors, sign-normalised, of a primitive polynomial without zero borders.
fn distinct_factors(f: &Grid<BigInt>) -> Result<Vec<Grid<BigInt>>, FactorError> {
    if f.cells().len() == 1 {
        return Ok(Vec::new());
    }
    if f.height() == 1 {
        return Ok(univariate::irreducible_factors(f.cells())?.iter().map(|g| plane::from_row(g)).collect());
    }
    // x becomes the variable of lower degree: fewer factors in the image.
    if f.width() < f.height() {
        let factors = distinct_factors(&plane::primitive(&plane::transpose(f)).1)?;
        return Ok(factors.iter().map(|g| plane::primitive(&plane::transpose(g)).1).collect());
    }
    let content = plane::content_in_y(f).ok_or(FactorError::Limit)?;
    if content.len() == 1 {
        return bivariate::irreducible_factors(f);
    }
    let content = plane::from_row(&content);
    let rest = plane::exact_div(f, &content).ok_or(FactorError::Limit)?;
    let mut factors = distinct_factors(&content)?;
    factors.extend(distinct_factors(&plane::primitive(&rest).1)?);
    Ok(factors)
}

/// Finds the multiplicities by division, and so multiplies back: what is left must be 1.
fn with_multiplicities(
    f: &Grid<BigInt>,
    mut distinct: Vec<Grid<BigInt>>,
) -> Result<Vec<(Grid<BigInt>, usize)>, FactorError> {
    distinct.sort_by(|a, b| (a.height(), a.width(), a.cells()).cmp(&(b.height(), b.width(), b.cells())));
    let product = distinct.iter().fold(plane::one(), |product, g| plane::mul(&product, g));
    if product == *f {
        return Ok(distinct.into_iter().map(|g| (g, 1)).collect());
    }
    let mut rest = f.clone();
    let mut factors = Vec::with_capacity(distinct.len());
    for g in distinct {
        let mut multiplicity = 0;
        while let Some(quotient) = plane::exact_div(&rest, &g) {
            rest = quotient;
            multiplicity += 1;
        }
        factors.push((g, multiplicity));
    }
    // Exact division has multiplied back step by step; anything left over would be a wrong factorization.
    if rest.cells().len() == 1 && rest.cells()[0].is_one() { Ok(factors) } else { Err(FactorError::Limit) }
}
