//! Kernels as sums of column × row: exact rank and decomposition, and the best approximation of given rank. How near
//! one can come is bounded in `spectrum.rs`.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use super::fixed::Fixed;
use super::linear::{echelon, is_affordable};
use super::problem::{FitError, FitLimit, check_given};
use super::rationalise::solve_linear;
use super::reduced::Reduced;
use super::spectrum::{SHARP, Spectrum, by_rows};
use convproof_exact::{Grid, Rational};

/// Bits behind the point of the vectors that are rounded, where all singular values are of one size.
const BITS: u64 = 24;
/// Bits added where the residual is not within 2^-SHARP of the bound, and how often.
const MORE_BITS: usize = 12;
const ATTEMPTS: usize = 4;

/// The rank of a kernel as a matrix over the rationals, which is the least number of products column × row whose
/// sum it is (over any field containing the rationals).
///
/// # Errors
/// [`FitError::Empty`] and [`FitError::TooLarge`] for kernels outside the limits.
pub fn rank(kernel: &Grid<Rational>) -> Result<usize, FitError> {
    check_given(kernel)?;
    let kernel = Fixed::new(kernel);
    if !is_affordable(kernel.height(), kernel.width(), kernel.bits()) {
        return Err(FitError::TooLarge(FitLimit::Work));
    }
    Ok(echelon(&mut rows(&kernel)).0.len())
}

fn rows(kernel: &Fixed) -> Vec<Vec<BigInt>> {
    kernel.cells.rows().map(<[BigInt]>::to_vec).collect()
}

/// If the problem is a sum of products of a free column and a free row, all different: the index of the column
/// and the row of each product.
pub fn pairs(problem: &Reduced) -> Option<Vec<(usize, usize)>> {
    let mut used = vec![false; problem.unknowns.len()];
    let mut once = |u: usize| !std::mem::replace(&mut used[u], true);
    problem
        .products
        .iter()
        .map(|product| {
            let &[a, b] = product.unknowns.as_slice() else {
                return None;
            };
            let is_column = |u: usize| problem.unknowns[u].width == 1;
            let is_row = |u: usize| problem.unknowns[u].height == 1;
            let free = |u: usize| problem.unknowns[u].constraint == super::problem::Constraint::Free;
            let plain = product.known.is_none() && free(a) && free(b) && once(a) && once(b);
            match (is_column(a) && is_row(b), is_column(b) && is_row(a)) {
                (true, _) if plain => Some((a, b)),
                (_, true) if plain => Some((b, a)),
                _ => None,
            }
        })
        .collect()
}

/// Exact factors if the rank of the target is at most the number of products: rows of the target, and the columns
/// that combine them; products to spare are zero.
pub fn decompose(problem: &Reduced, pairs: &[(usize, usize)]) -> Option<Vec<Fixed>> {
    let target = &problem.target;
    if !is_affordable(target.height(), target.width(), target.bits()) {
        return None;
    }
    let mut reduced = rows(target);
    let (columns, order) = echelon(&mut reduced);
    if columns.len() > pairs.len() {
        return None;
    }
    let mut factors = problem.zero_factors();
    // Subtracting column × row / crossing lowers the rank by one (Wedderburn, 1934) and keeps every dependence
    // between rows, so a pivot column has a non-zero entry in one of the independent rows.
    let mut rest = target.clone();
    for (&(column, row), &pivot) in pairs.iter().zip(&columns) {
        let chosen = order[..columns.len()].iter().copied().find(|&i| !rest.cells.at(i, pivot).is_zero())?;
        let line = Grid::from_fn(1, rest.width(), |_, j| rest.cells.at(chosen, j).clone());
        let content = line.cells().iter().fold(BigInt::zero(), |g, x| g.gcd(x));
        let line = Fixed { cells: line.map(|x| x / &content), denominator: BigInt::one() };
        let head = line.cells.at(0, pivot).clone();
        let sign = if head.is_negative() { -BigInt::one() } else { BigInt::one() };
        let weights = Fixed {
            cells: Grid::from_fn(rest.height(), 1, |i, _| rest.cells.at(i, pivot) * &sign),
            denominator: &rest.denominator * head.abs(),
        };
        rest = rest.minus(&weights.convolve(&line));
        factors[row] = line;
        factors[column] = weights;
    }
    rest.is_zero().then_some(factors)
}

/// The best approximation: singular vectors rounded to as many bits as it takes to come within 2^-SHARP of the bound,
/// and the others solved for.
pub fn nearest(problem: &Reduced, pairs: &[(usize, usize)], spectrum: &Spectrum) -> Vec<Fixed> {
    let enough = bits_for(spectrum.spread);
    let mut best: Option<(Rational, Vec<Fixed>)> = None;
    for bits in (enough..).step_by(MORE_BITS).take(ATTEMPTS) {
        let factors = rounded(problem, pairs, spectrum, bits);
        let residual = problem.residual(&factors).norm_squared();
        let excess = &residual - &spectrum.tail;
        let near = &excess * &Rational::from(1_i64 << SHARP) <= residual;
        if best.as_ref().is_none_or(|(least, _)| residual < *least) {
            best = Some((residual, factors));
        }
        if near {
            break;
        }
    }
    best.map_or_else(|| problem.zero_factors(), |(_, factors)| factors)
}

/// Bits of vectors: an error of 2^-b in one adds about 4^-b of the largest squared singular value to the squared residual.
fn bits_for(spread: u64) -> u64 {
    BITS + (spread / 2).saturating_sub(4)
}

/// Of each pair one factor is a singular vector whose largest entry is 1, the others rounded to `bits` bits; the other
/// is the exact least-squares solution, or nearly so where that is not affordable.
fn rounded(problem: &Reduced, pairs: &[(usize, usize)], spectrum: &Spectrum, bits: u64) -> Vec<Fixed> {
    let target = &problem.target;
    let mut factors = problem.zero_factors();
    for (&(column, row), vector) in pairs.iter().zip(&spectrum.vectors) {
        let vertical = problem.linear[row];
        let (given, solved) = if vertical { (column, row) } else { (row, column) };
        let by_rows = by_rows(target);
        let entries = if vertical == by_rows { vector.clone() } else { applied(target, vector, by_rows) };
        let given_vector = normalised(&entries, bits);
        let image = applied(target, &given_vector, vertical);
        let norm = given_vector.iter().map(|x| x * x).sum::<BigInt>().max(BigInt::one());
        let unit = BigInt::one() << bits;
        let shape = |factor: usize, entries: Vec<BigInt>, denominator: BigInt| Fixed {
            cells: Grid::new(problem.unknowns[factor].height, problem.unknowns[factor].width, entries)
                .expect("a column or row of the target"),
            denominator,
        };
        let numerators = image.into_iter().map(|x| x * &unit).collect();
        factors[given] = shape(given, given_vector, unit);
        factors[solved] = shape(solved, numerators, norm * &target.denominator);
    }
    if problem.is_solvable(bits) {
        solve_linear(problem, &mut factors);
    }
    factors
}

/// The numerators of the target combined: its rows, with the vector as weights, or its columns.
fn applied(target: &Fixed, weights: &[BigInt], rows: bool) -> Vec<BigInt> {
    if rows {
        let column = |j: usize| weights.iter().enumerate().map(|(i, x)| x * target.cells.at(i, j)).sum();
        (0..target.width()).map(column).collect()
    } else {
        target.cells.rows().map(|row| row.iter().zip(weights).map(|(x, y)| x * y).sum()).collect()
    }
}

/// The vector divided by its (first) entry of largest magnitude, in units of 2^-bits.
fn normalised(vector: &[BigInt], bits: u64) -> Vec<BigInt> {
    let largest =
        vector.iter().fold(BigInt::zero(), |l, x| if x.magnitude() > l.magnitude() { x.clone() } else { l });
    if largest.is_zero() {
        return vector.to_vec();
    }
    let half = largest.abs() >> 1_u32;
    let rounded = |x: &BigInt| {
        let scaled = if largest.is_negative() { -x } else { x.clone() };
        ((scaled << bits) + &half).div_floor(&largest.abs())
    };
    vector.iter().map(rounded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::problem::{Constraint, FitFactor, FitUnknown, Problem};
    use crate::fit::spectrum::spectrum;

    fn target(height: usize, width: usize, cells: &[i64]) -> Grid<Rational> {
        let cells = cells.iter().map(|&x| Rational::ratio(x, 3).unwrap()).collect();
        Grid::new(height, width, cells).unwrap()
    }

    /// Of rank 2: the third row is the sum of the others.
    fn flat() -> Grid<Rational> {
        target(3, 4, &[1, 0, -2, 5, 3, 7, 1, -1, 4, 7, -1, 4])
    }

    fn full() -> Grid<Rational> {
        target(3, 4, &[1, 0, -2, 5, 3, 7, 1, -1, 4, 7, -1, 9])
    }

    fn transposed(grid: &Grid<Rational>) -> Grid<Rational> {
        Grid::from_fn(grid.width(), grid.height(), |i, j| grid.at(j, i).clone())
    }

    #[test]
    fn sums_of_free_columns_and_rows_are_recognised() {
        let problem = Problem::separable(2, full());
        assert_eq!(pairs(&Reduced::new(&problem)), Some(vec![(0, 1), (2, 3)]));
        let with = |change: &dyn Fn(&mut Problem)| {
            let mut problem = problem.clone();
            change(&mut problem);
            pairs(&Reduced::new(&problem))
        };
        assert_eq!(with(&|p| p.terms[0].reverse()), Some(vec![(0, 1), (2, 3)]));
        assert_eq!(with(&|p| p.terms[1] = p.terms[0].clone()), None);
        assert_eq!(with(&|p| p.terms[1][0] = FitFactor::Unknown(0)), None);
        assert_eq!(with(&|p| p.terms[1][1] = FitFactor::Unknown(1)), None);
        assert_eq!(with(&|p| p.unknowns[1].constraint = Constraint::Nonnegative), None);
        assert_eq!(with(&|p| p.unknowns[2].constraint = Constraint::HalfTurn), None);
        let one = Grid::from_fn(1, 1, |_, _| Rational::from(2));
        assert_eq!(with(&|p| p.terms[0].push(FitFactor::Known(one.clone()))), None);
        let square = |p: &mut Problem| {
            (p.unknowns[0], p.unknowns[1]) = (FitUnknown::free(2, 2), FitUnknown::free(2, 3));
        };
        assert_eq!(with(&square), None);
        // Two columns, or two rows, are no column and row.
        for (shape, height, width) in [((2, 1), 3, 1), ((1, 2), 1, 3)] {
            let problem = Problem::product(&[shape, shape], target(height, width, &[1, 5, 2]));
            assert_eq!(pairs(&Reduced::new(&problem)), None);
        }
    }

    #[test]
    fn what_has_the_rank_is_decomposed() {
        let negative = flat().map(|x| -x);
        for target in [flat(), transposed(&flat()), negative.clone(), transposed(&negative)] {
            assert_eq!(rank(&target), Ok(2));
            for count in [1, 2, 3] {
                let problem = Problem::separable(count, target.clone());
                let problem = Reduced::new(&problem);
                let found = decompose(&problem, &pairs(&problem).unwrap());
                assert_eq!(found.is_some(), count >= 2);
                let Some(factors) = found else { continue };
                assert!(problem.residual(&factors).is_zero());
                // The rows have no content.
                for row in (0..2).map(|pair| &factors[2 * pair + 1]) {
                    assert!(row.cells.cells().iter().fold(BigInt::zero(), |g, x| g.gcd(x)).is_one());
                }
            }
        }
        assert_eq!(rank(&full()), Ok(3));
        assert_eq!(rank(&full().map(|_| Rational::ZERO)), Ok(0));
    }

    #[test]
    fn what_has_not_is_approximated_as_near_as_can_be() {
        for target in [full(), transposed(&full())] {
            for count in [1, 2] {
                let problem = Problem::separable(count, target.clone());
                let problem = Reduced::new(&problem);
                let spectrum = spectrum(&problem.target, count).unwrap();
                let factors = nearest(&problem, &pairs(&problem).unwrap(), &spectrum);
                let residual = problem.residual(&factors).norm_squared();
                assert!(residual >= spectrum.tail);
                assert!(&(&residual - &spectrum.tail) * &Rational::from(1_i64 << SHARP) <= residual);
            }
        }
    }

    #[test]
    fn long_lines_are_approximated_without_being_solved_for() {
        // More variables than are solved for exactly.
        let cells: Vec<i64> = (0..120).map(|k| (k * k + 3 * k) % 17 - 8).collect();
        let target = target(2, 60, &cells);
        for target in [target.clone(), transposed(&target)] {
            let problem = Problem::separable(1, target);
            let problem = Reduced::new(&problem);
            assert!(!problem.is_solvable(BITS));
            let spectrum = spectrum(&problem.target, 1).unwrap();
            let factors = nearest(&problem, &pairs(&problem).unwrap(), &spectrum);
            let residual = problem.residual(&factors).norm_squared();
            assert!(residual >= spectrum.tail);
            assert!(&(&residual - &spectrum.tail) * &Rational::from(1_i64 << SHARP) <= residual);
        }
    }

    #[test]
    fn nearly_rank_deficient_kernels_ask_for_more_bits() {
        assert_eq!([0, 8, 10, 41].map(bits_for), [BITS, BITS, BITS + 1, BITS + 16]);
    }

    #[test]
    fn the_largest_entry_becomes_one() {
        let numbers = |cells: [i64; 3]| cells.map(BigInt::from).to_vec();
        assert_eq!(normalised(&numbers([3, -6, 1]), 4), numbers([-8, 16, -3]));
        assert_eq!(normalised(&numbers([5, 1, -5]), 4), numbers([16, 3, -16]));
        assert_eq!(normalised(&numbers([0, 0, 0]), 4), numbers([0, 0, 0]));
    }
}
