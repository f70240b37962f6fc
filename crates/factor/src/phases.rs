//! `rest · Π unknown_k(x^a, y^b)^power_k == scale · kernel`: all unknown kernels but one are dilated alike.
//!
//! What divides a kernel after dilation divides all of its phases, the parts whose exponents agree modulo the dilation
//! (Theorem 13a of `docs/semantics.md`). So the irreducible factors of the phases' greatest common divisor are
//! distributed, and the kernel that is not dilated is what remains.

use super::bins::{Bin, Piece, distribute};
use super::exact::{FactorError, factor};
use super::solve::{
    Answer, Existence, Obstacle, RationalSolution, existence, first_positive, padded, pieces_over, product,
    rational_pieces, scales, shifted, splits,
};
use convproof_exact::poly::plane;
use convproof_exact::{Grid, Rational};
use num_bigint::BigInt;
use num_traits::Zero;

/// Decides the equation. `bins` are the unknowns before dilation; the one at `rest` occurs once and is not dilated.
///
/// The answer's factors are those of the common divisor of the phases.
///
/// # Errors
/// As [`solve`](super::solve::solve).
pub fn solve_dilated(
    kernel: &Grid<BigInt>,
    scale: &Rational,
    bins: &[Bin],
    rest: usize,
    by: [usize; 2],
) -> Result<Answer, FactorError> {
    if bins.get(rest).is_none_or(|bin| bin.power != 1) || by.contains(&0) {
        return Err(FactorError::Shapes);
    }
    if scale.is_zero() {
        return Err(FactorError::Zero);
    }
    let common = common_phase(kernel, by).ok_or(FactorError::Limit)?;
    let factorization = factor(&common)?;
    let remainder = plane::exact_div(kernel, &dilate(&common, by)).ok_or(FactorError::Limit)?;
    let degrees = degrees(&remainder).ok_or(FactorError::Zero)?;
    // In the units of the kernel; the part that no dilated kernel can take fills its room of the rest in advance.
    let room = |index: usize, bin: &Bin| -> Option<Bin> {
        let room = |extent: usize, axis: usize| {
            if index == rest { extent.checked_sub(degrees[axis]) } else { Some((extent - 1) * by[axis] + 1) }
        };
        let (height, width) = (room(bin.height, 0)?, room(bin.width, 1)?);
        (height > 0 && width > 0).then_some(Bin { height, width, power: bin.power })
    };
    let rooms: Option<Vec<Bin>> = bins.iter().enumerate().map(|(index, bin)| room(index, bin)).collect();
    let fails = Existence::Fails(Obstacle::Shapes);
    let mut answer = Answer {
        factorization,
        phases: Some(by),
        splits: Vec::new(),
        rational: Err(Obstacle::Shapes),
        real: fails,
        complex: fails,
    };
    let Some(rooms) = rooms else { return Ok(answer) };
    let scaled = |pieces: Vec<Piece>| -> Vec<Piece> {
        let piece =
            |piece: Piece| Piece { rows: piece.rows * by[0], columns: piece.columns * by[1], ..piece };
        pieces.into_iter().map(piece).collect()
    };
    if let Some(found) = distribute(&scaled(rational_pieces(&answer.factorization)), &rooms)? {
        let parts =
            (0..bins.len()).map(|index| product(&answer.factorization, &found.first, index)).collect();
        let (kernels, content) = with_rest(kernel, parts, bins, rest, by).ok_or(FactorError::Limit)?;
        let scales = scales(&(scale * Rational::from(content)), bins);
        answer.rational = Ok(RationalSolution { kernels, scales, count: found.count });
        (answer.real, answer.complex) = (Existence::Exists, Existence::Exists);
        return Ok(answer);
    }
    answer.splits = splits(&answer.factorization).unwrap_or_default();
    let over = |real: bool| {
        if answer.splits.len() < answer.factorization.factors.len() {
            return Existence::Unknown;
        }
        existence(&scaled(pieces_over(&answer.factorization, &answer.splits, real)), &rooms)
    };
    (answer.real, answer.complex) = (over(true), over(false));
    Ok(answer)
}

/// The kernels, primitive and with a positive first entry, once the one at `rest` is what the others leave; and the number
/// by which their product is short.
fn with_rest(
    kernel: &Grid<BigInt>,
    mut parts: Vec<Grid<BigInt>>,
    bins: &[Bin],
    rest: usize,
    by: [usize; 2],
) -> Option<(Vec<Grid<BigInt>>, BigInt)> {
    let mut left = kernel.clone();
    for (index, (part, bin)) in parts.iter().zip(bins).enumerate() {
        for _ in 0..if index == rest { 0 } else { bin.power } {
            left = plane::exact_div(&left, &dilate(part, by))?;
        }
    }
    let (content, primitive) = plane::primitive(&left);
    parts[rest] = primitive;
    let mut kernels: Vec<_> = parts.iter().zip(bins).map(|(part, bin)| padded(part, bin)).collect();
    let sign = first_positive(&mut kernels, bins);
    Some((kernels, content * sign))
}

/// The greatest common divisor of the phases of a kernel that is not 0, primitive.
pub(super) fn common_phase(kernel: &Grid<BigInt>, by: [usize; 2]) -> Option<Grid<BigInt>> {
    let mut common: Option<(Grid<BigInt>, usize, usize)> = None;
    for (i, j) in
        (0..by[0].min(kernel.height())).flat_map(|i| (0..by[1].min(kernel.width())).map(move |j| (i, j)))
    {
        let rows = (kernel.height() - i).div_ceil(by[0]);
        let columns = (kernel.width() - j).div_ceil(by[1]);
        let phase = Grid::from_fn(rows, columns, |k, l| kernel.at(i + k * by[0], j + l * by[1]).clone());
        let Some((inner, x, y)) = plane::strip(&phase) else { continue };
        let (_, inner) = plane::primitive(&inner);
        common = Some(match common {
            None => (inner, x, y),
            Some((other, s, t)) => (plane::gcd(&other, &inner)?, s.min(x), t.min(y)),
        });
    }
    let (inner, x, y) = common?;
    Some(shifted(&inner, x, y))
}

/// The polynomial in the powers of the variables.
pub(super) fn dilate(a: &Grid<BigInt>, by: [usize; 2]) -> Grid<BigInt> {
    Grid::from_fn((a.height() - 1) * by[0] + 1, (a.width() - 1) * by[1] + 1, |i, j| {
        if i % by[0] == 0 && j % by[1] == 0 { a.at(i / by[0], j / by[1]).clone() } else { BigInt::zero() }
    })
}

/// The degrees of a polynomial that is not 0.
pub(super) fn degrees(a: &Grid<BigInt>) -> Option<[usize; 2]> {
    let (inner, x, y) = plane::strip(a)?;
    Some([inner.height() - 1 + x, inner.width() - 1 + y])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(cells: &[i64]) -> Grid<BigInt> {
        Grid::from_fn(cells.len(), 1, |i, _| cells[i].into())
    }

    /// `P(x²)·R`, P and R of so many rows, R in this power.
    fn solved(kernel: &[i64], rows: [usize; 2], power: usize, by: usize) -> Result<Answer, FactorError> {
        let bins = [Bin { height: rows[0], width: 1, power: 1 }, Bin { height: rows[1], width: 1, power }];
        solve_dilated(&column(kernel), &Rational::from(1), &bins, 1, [by, 1])
    }

    #[test]
    fn only_one_kernel_may_stay_as_it_is() {
        assert_eq!(solved(&[1, 0, 1], [2, 1], 2, 2), Err(FactorError::Shapes));
        assert_eq!(solved(&[1, 0, 1], [2, 1], 1, 0), Err(FactorError::Shapes));
        assert!(solved(&[1, 0, 1], [2, 1], 1, 2).is_ok_and(|answer| answer.rational.is_ok()));
    }

    #[test]
    fn what_does_not_fit_the_rest_has_no_solution() {
        // Nothing of 1 + x + x² is dilated: all of it must fit R.
        let fails = Existence::Fails(Obstacle::Shapes);
        for (rows, fits) in [([1, 3], true), ([1, 2], false), ([1, 1], false)] {
            let answer = solved(&[1, 1, 1], rows, 1, 2).unwrap();
            assert_eq!(answer.rational.is_ok(), fits);
            assert_eq!(answer.real == fails, !fits);
            // The same along the other axis.
            let bins = [2, rows[1]].map(|width| Bin { height: 1, width, power: 1 });
            let kernel = plane::transpose(&column(&[1, 1, 1]));
            let turned = solve_dilated(&kernel, &Rational::from(1), &bins, 1, [1, 2]).unwrap();
            assert_eq!((turned.rational.is_ok(), turned.real), (fits, answer.real));
        }
    }

    #[test]
    fn kernels_multiply_to_the_scaled_kernel() {
        // 2·(1 + x²)·(3 + x) times 5/2, with P of two rows once or twice.
        for (kernel, powers) in [(&[6, 2, 6, 2][..], [1, 1]), (&[6, 2, 12, 4, 6, 2], [2, 1])] {
            let kernel = column(kernel);
            let bins = powers.map(|power| Bin { height: 2, width: 1, power });
            let scale = Rational::ratio(5, 2).unwrap();
            let answer = solve_dilated(&kernel, &scale, &bins, 1, [2, 1]).unwrap();
            let solution = answer.rational.unwrap();
            let factors: Vec<Grid<BigInt>> = vec![dilate(&solution.kernels[0], [2, 1]); powers[0]]
                .into_iter()
                .chain([solution.kernels[1].clone()])
                .collect();
            let product = factors.iter().fold(plane::one(), |product, factor| plane::mul(&product, factor));
            let power = |k: usize| num_traits::pow(solution.scales[k].clone(), powers[k]);
            let whole = power(0) * power(1);
            for (x, y) in product.cells().iter().zip(kernel.cells()) {
                assert_eq!(&whole * &Rational::from(x.clone()), &scale * &Rational::from(y.clone()));
            }
            assert_eq!(product.height(), kernel.height());
        }
    }

    #[test]
    fn factors_may_split_over_the_reals() {
        // x⁴ − 2 is (x² − √2)·(x² + √2), and over ℝ x⁴ + 2 has no factor x² − a.
        let answer = solved(&[-2, 0, 0, 0, 1], [2, 3], 1, 2).unwrap();
        assert_eq!((answer.real, answer.complex), (Existence::Exists, Existence::Exists));
        assert_eq!(answer.rational, Err(Obstacle::Shapes));
        let answer = solved(&[2, 0, 0, 0, 1], [2, 3], 1, 2).unwrap();
        assert_eq!((answer.real, answer.complex), (Existence::Fails(Obstacle::Shapes), Existence::Exists));
    }

    #[test]
    fn phases_have_their_divisor_in_common() {
        // (1 + x²)(2 + x) has the phases 2 + 2x and 1 + x; x³ + x⁵ is x·(1 + x²)·x² by rows of two.
        assert_eq!(common_phase(&column(&[2, 1, 2, 1]), [2, 1]), Some(column(&[1, 1])));
        assert_eq!(common_phase(&column(&[0, 0, 0, 1, 0, 1]), [2, 1]), Some(column(&[0, 1, 1])));
        assert_eq!(dilate(&column(&[1, 2, 3]), [2, 1]), column(&[1, 0, 2, 0, 3]));
        assert_eq!(degrees(&column(&[0, 1, 1, 0])), Some([2, 0]));
    }
}
