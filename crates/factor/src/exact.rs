//! Complete factorization over ℚ of a kernel, seen as the polynomial `Σ K[i][j] x^i y^j`.
//!
//! Splits off content, powers of x and y and factors in one variable, leaves the rest to `bivariate` and
//! `univariate`, and multiplies everything back before it answers.

pub use super::error::FactorError;
use super::{bivariate, univariate};
use convproof_exact::poly::plane;
use convproof_exact::{Grid, Limited};
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
    if !is_affordable([inner.height() - 1, inner.width() - 1]) {
        return Err(FactorError::Limit);
    }
    let (content, primitive) = plane::primitive(&inner);
    let distinct = distinct_factors(&primitive)?;
    let factors = with_multiplicities(&primitive, distinct)?;
    Ok(Factorization { content, x_power, y_power, factors })
}

fn is_affordable(degrees: [usize; 2]) -> bool {
    let limit = if degrees.contains(&0) { UNIVARIATE_DEGREE_LIMIT } else { BIVARIATE_DEGREE_LIMIT };
    degrees.into_iter().all(|degree| degree.within(limit))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[i64]) -> Grid<BigInt> {
        Grid::from_fn(1, cells.len(), |_, j| cells[j].into())
    }

    #[test]
    fn degrees_are_limited() {
        for degrees in [[0, 256], [256, 0], [128, 128], [1, 128]] {
            assert!(is_affordable(degrees));
        }
        for degrees in [[0, 257], [257, 0], [129, 1], [1, 129], [129, 129]] {
            assert!(!is_affordable(degrees));
        }
    }

    #[test]
    fn degrees_are_one_less_than_extents() {
        // x^d + y is irreducible, being linear in y.
        let line = |degree: usize| {
            Grid::from_fn(degree + 1, 2, |i, j| {
                BigInt::from(u8::from((i, j) == (degree, 0) || (i, j) == (0, 1)))
            })
        };
        for turn in [plane::transpose, Grid::clone] {
            let factors = factor(&turn(&line(128))).unwrap().factors;
            assert_eq!(factors, vec![(turn(&line(128)), 1)]);
            assert_eq!(factor(&turn(&line(129))), Err(FactorError::Limit));
        }
    }

    #[test]
    fn factors_that_do_not_multiply_to_the_whole_are_refused() {
        let (a, b) = (row(&[1, 1]), row(&[1, 0, 1]));
        let product = plane::mul(&a, &b);
        let square = plane::mul(&product, &a);
        assert_eq!(
            with_multiplicities(&product, vec![b.clone(), a.clone()]),
            Ok(vec![(a.clone(), 1), (b.clone(), 1)])
        );
        assert_eq!(
            with_multiplicities(&square, vec![a.clone(), b.clone()]),
            Ok(vec![(a.clone(), 2), (b.clone(), 1)])
        );
        assert_eq!(with_multiplicities(&product, vec![a.clone()]), Err(FactorError::Limit));
        assert_eq!(with_multiplicities(&row(&[2, 2]), vec![a]), Err(FactorError::Limit));
    }

    #[test]
    fn borders_are_counted_and_multiplied_back() {
        let kernel =
            Grid::from_fn(4, 5, |i, j| if i >= 2 && j >= 1 { BigInt::from(6) } else { BigInt::ZERO });
        let found = factor(&kernel).unwrap();
        assert_eq!((found.content.clone(), found.x_power, found.y_power), (BigInt::from(6), 2, 1));
        assert_eq!(found.product(), kernel);
    }
}
