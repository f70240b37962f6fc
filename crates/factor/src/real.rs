//! Real solutions where no rational ones exist: approximations of the kernels and their exact residual.
//!
//! Each factor irreducible over ℚ is split with `absolute`; the approximations are dyadic rationals, and the
//! product of what is returned is compared exactly with the kernel.

use super::absolute::{Splitting, split};
use super::bins::{Bin, distribute};
use super::exact::FactorError;
use super::solve::{Answer, padded, pieces_over, scale_exponents};
use convproof_exact::Grid;
use convproof_exact::Rational;
use convproof_exact::poly::number_field::Element;
use convproof_exact::poly::plane;
use convproof_exact::poly::roots::Root;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Zero};

/// Fractional bits of the approximations, and of what they are computed from.
const BITS: u32 = 160;
const FINE_BITS: u32 = 2 * BITS;

/// Real kernels, approximately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealSolution {
    /// One kernel for each unknown, in the requested shape; cells are dyadic rationals with 160 fractional bits.
    pub kernels: Vec<Grid<Rational>>,
    /// The largest absolute cell of `scale · kernel − Π kernels^powers`, exactly.
    pub residual: Rational,
    /// For each factor of the factorization that splits, its index and the irreducible integer polynomial (constant term
    /// first) whose roots generate the fields of the factor's factors.
    pub fields: Vec<(usize, Vec<BigInt>)>,
}

/// Approximates the first real solution in the order of `bins`: x, y, then for each factor its real factors by increasing
/// root of the field, then those of conjugate pairs.
///
/// # Errors
/// [`FactorError::Shapes`] if there is no real solution, [`FactorError::Limit`] when splitting or searching
/// reaches a limit.
pub fn real_solution(
    kernel: &Grid<BigInt>,
    scale: &Rational,
    bins: &[Bin],
    answer: &Answer,
) -> Result<RealSolution, FactorError> {
    if answer.splits.len() != answer.factorization.factors.len() {
        return Err(FactorError::Limit);
    }
    let found = distribute(&pieces_over(&answer.factorization, &answer.splits, true), bins)?
        .ok_or(FactorError::Shapes)?;
    let mut pieces = vec![monomial(1, 0), monomial(0, 1)];
    let mut fields = Vec::new();
    let mut scalar = scale * Rational::from(answer.factorization.content.clone());
    for (index, (f, multiplicity)) in answer.factorization.factors.iter().enumerate() {
        let splitting = split(f)?;
        pieces.extend(real_pieces(&splitting).into_iter().map(|piece| round(&piece)));
        // The factors are monic in the leading cell; the rest of f is that cell.
        let (row, column) = plane::leading_position(f).ok_or(FactorError::Zero)?;
        scalar *= num_traits::pow(Rational::from(f.at(row, column).clone()), *multiplicity);
        if splitting.field.len() > 2 {
            fields.push((index, splitting.field));
        }
    }
    let exponent = bins.iter().fold(0, |acc, bin| acc.gcd(&bin.power));
    let root = real_root(&scalar, exponent).ok_or(FactorError::Shapes)?;
    let mut kernels = Vec::with_capacity(bins.len());
    for (k, (bin, scale_exponent)) in bins.iter().zip(scale_exponents(bins)).enumerate() {
        let exponent = usize::try_from(scale_exponent.unsigned_abs()).map_err(|_| FactorError::Limit)?;
        let size = num_traits::pow(root.clone(), exponent);
        let scale = if scale_exponent.is_negative() { size.recip().ok_or(FactorError::Zero)? } else { size };
        let mut product = Grid::from_fn(1, 1, |_, _| scale.clone());
        for (piece, exponents) in pieces.iter().zip(&found.first) {
            for _ in 0..exponents[k] {
                product = mul(&product, piece);
            }
        }
        kernels.push(round(&padded(&product, bin)));
    }
    let copies = kernels.iter().zip(bins).flat_map(|(kernel, bin)| std::iter::repeat_n(kernel, bin.power));
    let product = copies.fold(Grid::from_fn(1, 1, |_, _| Rational::one()), |acc, k| mul(&acc, k));
    let cells = product.cells().iter().zip(kernel.cells());
    let residual = cells
        .map(|(c, d)| (c - scale * Rational::from(d.clone())).abs())
        .max()
        .unwrap_or_else(Rational::zero);
    Ok(RealSolution { kernels, residual, fields })
}

/// The monic factors over ℝ: for real roots, then for conjugate pairs the product of both.
fn real_pieces(splitting: &Splitting) -> Vec<Grid<Rational>> {
    let (real, complex) = splitting.roots.split_at(splitting.real);
    let mut pieces: Vec<Grid<Rational>> =
        real.iter().map(|root| splitting.factor.map(|c| value(c, root).0)).collect();
    for pair in complex.chunks(2) {
        let cells = splitting.factor.map(|c| value(c, &pair[0]));
        let (re, im) = (cells.map(|c| c.0.clone()), cells.map(|c| c.1.clone()));
        // (a + ib)(a − ib) = a² + b²
        let (squares, others) = (mul(&re, &re), mul(&im, &im));
        pieces.push(Grid::from_fn(squares.height(), squares.width(), |i, j| {
            squares.at(i, j) + others.at(i, j)
        }));
    }
    pieces
}

/// The value of an element at a root of the field's polynomial.
fn value(element: &Element, root: &Root) -> (Rational, Rational) {
    let start = (Rational::zero(), Rational::zero());
    element.iter().rev().fold(start, |(re, im), c| {
        let next = (&re * &root.re - &im * &root.im + c, &re * &root.im + &im * &root.re);
        (round_cell(&next.0, FINE_BITS), round_cell(&next.1, FINE_BITS))
    })
}

fn monomial(rows: usize, columns: usize) -> Grid<Rational> {
    Grid::from_fn(rows + 1, columns + 1, |i, j| {
        if (i, j) == (rows, columns) { Rational::one() } else { Rational::zero() }
    })
}

fn mul(a: &Grid<Rational>, b: &Grid<Rational>) -> Grid<Rational> {
    let mut product =
        Grid::from_fn(a.height() + b.height() - 1, a.width() + b.width() - 1, |_, _| Rational::zero());
    for (i, row) in a.rows().enumerate() {
        for (j, x) in row.iter().enumerate().filter(|(_, x)| !x.is_zero()) {
            for (p, other) in b.rows().enumerate() {
                for (q, y) in other.iter().enumerate() {
                    *product.at_mut(i + p, j + q) += x * y;
                }
            }
        }
    }
    product
}

fn round(a: &Grid<Rational>) -> Grid<Rational> {
    a.map(|c| round_cell(c, BITS))
}

fn round_cell(value: &Rational, bits: u32) -> Rational {
    Rational::dyadic((value.numerator() << bits) / value.denominator(), bits)
}

/// An approximation of the real `exponent`-th root, exact for exponent 1.
fn real_root(value: &Rational, exponent: usize) -> Option<Rational> {
    let exponent = u32::try_from(exponent).ok().filter(|e| *e > 0)?;
    if exponent == 1 {
        return Some(value.clone());
    }
    if value.is_negative() && exponent % 2 == 0 {
        return None;
    }
    let scaled = (value.numerator() << FINE_BITS.checked_mul(exponent)?) / value.denominator();
    Some(Rational::dyadic(scaled.nth_root(exponent), FINE_BITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(numerator: i64, denominator: i64) -> Rational {
        Rational::ratio(numerator, denominator).unwrap()
    }

    #[test]
    fn roots_are_near_below_and_exact_where_they_can_be() {
        let unit = Rational::dyadic(BigInt::one(), FINE_BITS);
        for (value, exponent) in
            [(ratio(2, 1), 2), (ratio(5, 7), 3), (ratio(1, 4), 2), (ratio(123_456, 5), 4)]
        {
            let root = real_root(&value, exponent).unwrap();
            let power = |x: &Rational| num_traits::pow(x.clone(), exponent);
            assert!(power(&root) <= value && value < power(&(&root + &unit)));
        }
        assert_eq!(real_root(&ratio(1, 4), 2), Some(ratio(1, 2)));
        assert_eq!(real_root(&ratio(-27, 1), 3), Some(ratio(-3, 1)));
        assert_eq!(real_root(&ratio(-2, 3), 1), Some(ratio(-2, 3)));
        assert_eq!(real_root(&ratio(-2, 3), 2), None);
        assert_eq!(real_root(&ratio(2, 3), 0), None);
    }

    #[test]
    fn fields_are_those_of_the_factors_that_split() {
        // (x − 1)·(x² − 2), with an empty row below, is a product of three lines over ℝ.
        let kernel = Grid::from_fn(5, 1, |i, _| BigInt::from([2, -2, -1, 1, 0][i]));
        let bins = [2, 2, 3].map(|height| Bin { height, width: 1, power: 1 });
        let one = Rational::one();
        let answer = crate::solve::solve(&kernel, &one, &bins).unwrap();
        assert!(answer.rational.is_ok());
        let lines = [2, 2, 2].map(|height| Bin { height, width: 1, power: 1 });
        let inner = Grid::from_fn(4, 1, |i, _| kernel.at(i, 0).clone());
        let answer = crate::solve::solve(&inner, &one, &lines).unwrap();
        let found = real_solution(&inner, &one, &lines, &answer).unwrap();
        assert_eq!(found.fields, [(1, [-2, 0, 1].map(BigInt::from).to_vec())]);
        assert!(found.residual < Rational::dyadic(BigInt::one(), 150_u32));
        // The same with room to spare.
        let found =
            real_solution(&kernel, &one, &bins, &crate::solve::solve(&inner, &one, &lines).unwrap()).unwrap();
        assert!(found.residual < Rational::dyadic(BigInt::one(), 150_u32));
        assert_eq!(found.kernels.iter().map(Grid::height).collect::<Vec<_>>(), [2, 2, 3]);
    }

    #[test]
    fn products_have_the_full_shape() {
        let (a, b) = (monomial(1, 2), monomial(2, 0));
        assert_eq!(mul(&a, &b), monomial(3, 2));
        let row = |cells: &[i64]| Grid::from_fn(1, cells.len(), |_, j| Rational::from(cells[j]));
        assert_eq!(mul(&row(&[1, 2]), &row(&[3, 4, 5])), row(&[3, 10, 13, 10]));
    }

    #[test]
    fn values_at_roots_are_those_of_polynomials() {
        let root = |re: Rational, im: Rational| Root { re, im, radius: Rational::zero() };
        let element = |cells: &[i64]| cells.iter().map(|&c| Rational::from(c)).collect::<Element>();
        let at = |cells: &[i64], re: i64, im: i64| value(&element(cells), &root(re.into(), im.into()));
        assert_eq!(at(&[1, 0, 1], 0, 1), (Rational::zero(), Rational::zero()));
        assert_eq!(at(&[5, 3], 1, 2), (ratio(8, 1), ratio(6, 1)));
        // (1 + 2i)² = −3 + 4i.
        assert_eq!(at(&[1, 2, 1], 1, 2), (ratio(0, 1), ratio(8, 1)));
        // No digit of the root is lost.
        let fine = Rational::dyadic((BigInt::one() << (FINE_BITS)) + 1, FINE_BITS);
        assert_eq!(value(&element(&[0, 1]), &root(fine.clone(), Rational::zero())).0, fine);
    }
}
