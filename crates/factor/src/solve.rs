//! `Π unknown_k^power_k == scale · kernel`: existence over ℚ, ℝ and ℂ, the first rational solution and their number.
//!
//! Unique factorization turns the question into the distribution of irreducible factors (`bins`) and one condition
//! on the scalar. Real solutions as decimals are the business of `real`.

use super::absolute::{AbsoluteCount, absolute_factor_count, real_counts};
use super::bins::{Bin, Piece, distribute};
use super::exact::{FactorError, Factorization, factor};
use convproof_exact::Rational;
use convproof_exact::poly::plane;
use convproof_exact::{Grid, Limited};
use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::{Pow, Signed, Zero};

/// Largest power of an unknown.
const POWER_LIMIT: usize = 1024;

/// Why no kernels of the requested shapes exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The irreducible factors cannot be distributed over the shapes.
    Shapes,
    /// All unknowns occur in powers divisible by this number, and the scalar is not such a power in the field.
    Scalar(usize),
}

/// Whether solutions exist over a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// They do.
    Exists,
    /// They do not.
    Fails(Obstacle),
    /// A limit was reached before that was known.
    Unknown,
}

/// How one irreducible factor splits over larger fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorSplit {
    /// Number of factors over ℂ, with its certificate.
    pub absolute: AbsoluteCount,
    /// Factors over ℝ of the bidegree of one over ℂ.
    pub real: usize,
    /// Factors over ℝ of twice that bidegree.
    pub pairs: usize,
}

/// A rational solution: unknown k is `scales[k] · kernels[k]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RationalSolution {
    /// Primitive integer kernels of the requested shapes; the first nonzero cell in row-major order is positive.
    pub kernels: Vec<Grid<BigInt>>,
    /// The scalars: all 1 but for the first unknown of power 1, if there is one.
    pub scales: Vec<Rational>,
    /// Number of different tuples of kernels, up to scalar factors.
    pub count: BigUint,
}

/// What is known of `Π unknown_k^power_k == scale · kernel`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The factors over ℚ.
    pub factorization: Factorization,
    /// The dilation, where these are not factors of the kernel but of the common divisor of its phases.
    pub phases: Option<[usize; 2]>,
    /// How each factor splits further, in the order of the factors; empty if there is a rational solution or a
    /// limit was reached.
    pub splits: Vec<FactorSplit>,
    /// The first rational solution.
    pub rational: Result<RationalSolution, Obstacle>,
    /// Existence over the reals.
    pub real: Existence,
    /// Existence over the complex numbers.
    pub complex: Existence,
}

/// Whether the product of kernels with the shapes of the bins has the shape of a kernel.
fn adds_up(kernel: &Grid<BigInt>, bins: &[Bin]) -> bool {
    let size = |extent: fn(&Bin) -> usize| {
        bins.iter()
            .try_fold(1usize, |sum, bin| sum.checked_add(extent(bin).checked_sub(1)?.checked_mul(bin.power)?))
    };
    !bins.is_empty()
        && size(|bin| bin.height) == Some(kernel.height())
        && size(|bin| bin.width) == Some(kernel.width())
}

/// Decides the equation; `bins` are the unknowns.
///
/// # Errors
/// [`FactorError::Shapes`] if the shapes do not add up to that of the kernel, [`FactorError::Zero`] if kernel or scale is
/// zero (then any solution has a zero unknown), [`FactorError::Limit`] when the rational question stays open.
pub fn solve(kernel: &Grid<BigInt>, scale: &Rational, bins: &[Bin]) -> Result<Answer, FactorError> {
    if bins.iter().any(|bin| bin.power.exceeds(POWER_LIMIT)) {
        return Err(FactorError::Limit);
    }
    if !adds_up(kernel, bins) {
        return Err(FactorError::Shapes);
    }
    if scale.is_zero() {
        return Err(FactorError::Zero);
    }
    let factorization = factor(kernel)?;
    let scalar = scale * Rational::from(factorization.content.clone());
    let exponent = common_power(bins);
    let pieces = rational_pieces(&factorization);
    let rational = match distribute(&pieces, bins)? {
        None => Err(Obstacle::Shapes),
        Some(found) => {
            let kernel = |(index, bin)| padded(&product(&factorization, &found.first, index), bin);
            solution(bins.iter().enumerate().map(kernel).collect(), bins, &scalar, found.count)
        }
    };
    let no_real_root = scalar.is_negative() && exponent.is_multiple_of(2);
    let shapes_fit = !matches!(rational, Err(Obstacle::Shapes));
    let mut answer = Answer {
        factorization,
        phases: None,
        splits: Vec::new(),
        rational,
        real: Existence::Exists,
        complex: Existence::Exists,
    };
    if answer.rational.is_err()
        && let Ok(splits) = splits(&answer.factorization)
    {
        answer.splits = splits;
    }
    if !shapes_fit {
        let over = |real: bool| {
            if answer.splits.len() < answer.factorization.factors.len() {
                return Existence::Unknown;
            }
            existence(&pieces_over(&answer.factorization, &answer.splits, real), bins)
        };
        (answer.real, answer.complex) = (over(true), over(false));
    }
    if no_real_root && answer.real == Existence::Exists {
        answer.real = Existence::Fails(Obstacle::Scalar(exponent));
    }
    Ok(answer)
}

/// The greatest common divisor of the powers.
pub(super) fn common_power(bins: &[Bin]) -> usize {
    bins.iter().fold(0, |all, bin| all.gcd(&bin.power))
}

/// Kernels whose product is the right one up to a scalar, with the scalar among them, if it is a power as it must be.
pub(super) fn solution(
    mut kernels: Vec<Grid<BigInt>>,
    bins: &[Bin],
    scalar: &Rational,
    count: BigUint,
) -> Result<RationalSolution, Obstacle> {
    let sign = first_positive(&mut kernels, bins);
    let exponent = common_power(bins);
    let root = rational_root(&(scalar * Rational::from(sign)), exponent);
    let root = root.ok_or(Obstacle::Scalar(exponent))?;
    Ok(RationalSolution { kernels, scales: scales(&root, bins), count })
}

/// Makes the first nonzero cell of each kernel positive; the sign by which their product changes.
pub(super) fn first_positive(kernels: &mut [Grid<BigInt>], bins: &[Bin]) -> i64 {
    let mut sign = 1;
    for (kernel, bin) in kernels.iter_mut().zip(bins) {
        if kernel.cells().iter().find(|cell| !cell.is_zero()).is_some_and(Signed::is_negative) {
            *kernel = kernel.map(|cell| -cell);
            if bin.power % 2 == 1 {
                sign = -sign;
            }
        }
    }
    sign
}

pub(super) fn existence(pieces: &[Piece], bins: &[Bin]) -> Existence {
    match distribute(pieces, bins) {
        Ok(Some(_)) => Existence::Exists,
        Ok(None) => Existence::Fails(Obstacle::Shapes),
        Err(_) => Existence::Unknown,
    }
}

/// How each factor splits over ℝ and ℂ.
pub(super) fn splits(factorization: &Factorization) -> Result<Vec<FactorSplit>, FactorError> {
    let split = |(f, _): &(Grid<BigInt>, usize)| {
        let absolute = absolute_factor_count(f)?;
        let (real, pairs) = real_counts(f, absolute.count)?;
        Ok(FactorSplit { absolute, real, pairs })
    };
    factorization.factors.iter().map(split).collect()
}

/// x and y, where they occur.
fn monomials(factorization: &Factorization) -> [Piece; 2] {
    [
        Piece { rows: 1, columns: 0, multiplicity: factorization.x_power },
        Piece { rows: 0, columns: 1, multiplicity: factorization.y_power },
    ]
}

/// The pieces over ℚ: x, y, then the factors in their order.
pub(super) fn rational_pieces(factorization: &Factorization) -> Vec<Piece> {
    let factors = factorization.factors.iter().map(|(f, multiplicity)| Piece {
        rows: f.height() - 1,
        columns: f.width() - 1,
        multiplicity: *multiplicity,
    });
    monomials(factorization).into_iter().chain(factors).collect()
}

/// The pieces over ℝ or ℂ: x, y, then for each factor those of single bidegree, then (over ℝ) those of twice it.
pub(super) fn pieces_over(factorization: &Factorization, splits: &[FactorSplit], real: bool) -> Vec<Piece> {
    let mut pieces = monomials(factorization).to_vec();
    for ((f, multiplicity), split) in factorization.factors.iter().zip(splits) {
        let r = split.absolute.count;
        let part = |times: usize| Piece {
            rows: (f.height() - 1) / r * times,
            columns: (f.width() - 1) / r * times,
            multiplicity: *multiplicity,
        };
        let (single, double) = if real { (split.real, split.pairs) } else { (r, 0) };
        pieces.extend(std::iter::repeat_n(part(1), single).chain(std::iter::repeat_n(part(2), double)));
    }
    pieces
}

/// The rational t with `t^exponent == value`, positive for even exponents.
pub(super) fn rational_root(value: &Rational, exponent: usize) -> Option<Rational> {
    let exponent = u32::try_from(exponent).ok().filter(|e| *e > 0)?;
    if value.is_negative() && exponent % 2 == 0 {
        return None;
    }
    let root = |n: &BigInt| Some(n.nth_root(exponent)).filter(|root| Pow::pow(root, exponent) == *n);
    Rational::new(root(&value.numerator())?, root(&value.denominator())?)
}

/// Scalars with `Π scales[k]^power_k == root^g`, g the greatest common divisor of the powers.
pub(super) fn scale_exponents(bins: &[Bin]) -> Vec<i64> {
    if let Some(first) = bins.iter().position(|bin| bin.power == 1) {
        return (0..bins.len()).map(|k| i64::from(k == first)).collect();
    }
    // Bézout coefficients of the powers, one after the other; those needed are small.
    let mut exponents: Vec<i64> = Vec::with_capacity(bins.len());
    let mut common = 0i64;
    for bin in bins {
        let power = i64::try_from(bin.power).unwrap_or(i64::MAX);
        let step = common.extended_gcd(&power);
        for e in &mut exponents {
            *e = e.saturating_mul(step.x);
        }
        exponents.push(step.y);
        common = step.gcd;
    }
    exponents
}

pub(super) fn scales(root: &Rational, bins: &[Bin]) -> Vec<Rational> {
    let power = |e: &i64| {
        let size = num_traits::pow(root.clone(), usize::try_from(e.unsigned_abs()).unwrap_or(usize::MAX));
        if e.is_negative() { size.recip().unwrap_or_default() } else { size }
    };
    scale_exponents(bins).iter().map(power).collect()
}

/// The pieces that one bin got, `first[piece][bin]` being how often.
pub(super) fn product(factorization: &Factorization, first: &[Vec<usize>], bin: usize) -> Grid<BigInt> {
    let (x, y) = (first[0][bin], first[1][bin]);
    let mut product = plane::one();
    for ((f, _), exponents) in factorization.factors.iter().zip(&first[2..]) {
        for _ in 0..exponents[bin] {
            product = plane::mul(&product, f);
        }
    }
    shifted(&product, x, y)
}

/// Times x^x · y^y: rows and columns of zeros in front.
pub(super) fn shifted(a: &Grid<BigInt>, x: usize, y: usize) -> Grid<BigInt> {
    Grid::from_fn(a.height() + x, a.width() + y, |i, j| {
        if i >= x && j >= y { a.at(i - x, j - y).clone() } else { BigInt::zero() }
    })
}

/// Filled up with zeros at the bottom and right.
pub(super) fn padded<T: Clone + Zero>(a: &Grid<T>, bin: &Bin) -> Grid<T> {
    Grid::from_fn(bin.height, bin.width, |i, j| {
        if i < a.height() && j < a.width() { a.at(i, j).clone() } else { T::zero() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(height: usize, width: usize, power: usize) -> Bin {
        Bin { height, width, power }
    }

    fn grid(height: usize, width: usize, cells: &[i64]) -> Grid<BigInt> {
        Grid::from_fn(height, width, |i, j| cells[i * width + j].into())
    }

    #[test]
    fn shapes_add_up_along_both_axes() {
        let kernel = grid(3, 4, &[1; 12]);
        assert!(adds_up(&kernel, &[bin(2, 3, 1), bin(2, 2, 1)]));
        assert!(adds_up(&kernel, &[bin(1, 2, 1), bin(2, 2, 2)]));
        assert!(!adds_up(&kernel, &[bin(2, 3, 1), bin(3, 2, 1)]));
        assert!(!adds_up(&kernel, &[bin(2, 3, 1), bin(2, 3, 1)]));
        assert!(!adds_up(&kernel, &[bin(0, 3, 1), bin(4, 2, 1)]));
        assert!(!adds_up(&grid(1, 1, &[1]), &[]) && adds_up(&grid(1, 1, &[1]), &[bin(1, 1, 7)]));
    }

    #[test]
    fn first_entries_become_positive() {
        let mut kernels = [grid(1, 3, &[0, -2, 5]), grid(1, 2, &[-1, 1]), grid(1, 2, &[3, -1])];
        let sign = first_positive(&mut kernels, &[bin(1, 3, 3), bin(1, 2, 2), bin(1, 2, 1)]);
        // Only the odd power changes the product.
        assert_eq!(sign, -1);
        assert_eq!(kernels, [grid(1, 3, &[0, 2, -5]), grid(1, 2, &[1, -1]), grid(1, 2, &[3, -1])]);
    }

    #[test]
    fn roots_are_exact_or_none() {
        let ratio = |n, d| Rational::ratio(n, d).unwrap();
        assert_eq!(rational_root(&ratio(4, 9), 2), Some(ratio(2, 3)));
        assert_eq!(rational_root(&ratio(-8, 27), 3), Some(ratio(-2, 3)));
        for (value, exponent) in
            [(ratio(-4, 9), 2), (ratio(4, 8), 2), (ratio(3, 4), 2), (ratio(1, 3), 2), (ratio(1, 1), 0)]
        {
            assert_eq!(rational_root(&value, exponent), None);
        }
    }

    #[test]
    fn scales_make_up_the_root() {
        let root = Rational::ratio(3, 2).unwrap();
        for powers in [&[1, 1, 1][..], &[2, 1], &[2, 2], &[2, 3], &[6, 10, 15], &[4, 6]] {
            let bins: Vec<Bin> = powers.iter().map(|&power| bin(1, 1, power)).collect();
            let product = scales(&root, &bins)
                .iter()
                .zip(powers)
                .fold(Rational::from(1), |product, (scale, &power)| {
                    product * num_traits::pow(scale.clone(), power)
                });
            assert_eq!(product, num_traits::pow(root.clone(), common_power(&bins)));
        }
    }

    #[test]
    fn conjugates_divide_the_degrees_and_pairs_join_two() {
        use crate::absolute::AbsoluteCertificate;
        let f = Grid::from_fn(5, 9, |_, _| BigInt::from(1));
        let factorization =
            Factorization { content: 1.into(), x_power: 3, y_power: 0, factors: vec![(f, 7)] };
        let absolute = AbsoluteCount { count: 4, certificate: AbsoluteCertificate::OneVariable };
        let splits = [FactorSplit { absolute, real: 2, pairs: 1 }];
        let piece = |rows, columns, multiplicity| Piece { rows, columns, multiplicity };
        let [x, y] = [piece(1, 0, 3), piece(0, 1, 0)];
        let (one, two) = (piece(1, 2, 7), piece(2, 4, 7));
        assert_eq!(pieces_over(&factorization, &splits, true), [x, y, one, one, two]);
        assert_eq!(pieces_over(&factorization, &splits, false), [x, y, one, one, one, one]);
        assert_eq!(rational_pieces(&factorization), [x, y, piece(4, 8, 7)]);
    }

    #[test]
    fn padding_is_below_and_to_the_right() {
        assert_eq!(padded(&grid(1, 2, &[3, 4]), &bin(2, 3, 1)), grid(2, 3, &[3, 4, 0, 0, 0, 0]));
        assert_eq!(shifted(&grid(1, 2, &[3, 4]), 1, 1), grid(2, 3, &[0, 0, 0, 0, 3, 4]));
    }
}
