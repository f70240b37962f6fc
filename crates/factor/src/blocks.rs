//! `Π unknown_k(x^a, y^b) == scale · kernel` with any dilations, the same unknown with several too: over ℚ, and over ℝ and ℂ where
//! that follows (Theorem 13b of `docs/semantics.md`).
//!
//! An irreducible polynomial of an unknown, dilated, is a product of irreducible factors of the kernel: a block of them. Blocks
//! are distributed so that every factor is used up.

use super::bins::{Bin, STEP_LIMIT};
use super::exact::{FactorError, Factorization, factor};
use super::phases::{common_phase, degrees, dilate};
use super::solve::{Answer, Existence, Obstacle, common_power, padded, shifted, solution, splits};
use convproof_exact::budget;
use convproof_exact::poly::plane;
use convproof_exact::{Grid, Limited, Rational};
use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::{One, Zero};
use rustc_hash::FxHashMap;

/// An unknown kernel and the dilation of each of its occurrences.
#[derive(Clone, Debug)]
pub struct Spread {
    /// Number of rows.
    pub height: usize,
    /// Number of columns.
    pub width: usize,
    /// At least one.
    pub dilations: Vec<[usize; 2]>,
}

/// An irreducible polynomial that an unknown may have as a factor.
struct Block {
    unknown: usize,
    polynomial: Grid<BigInt>,
    /// How often it takes x, y and each factor of the kernel, over all occurrences of the unknown.
    takes: Vec<usize>,
}

impl Spread {
    /// Its shape, and how often it occurs.
    fn bin(&self) -> Bin {
        Bin { height: self.height, width: self.width, power: self.dilations.len() }
    }

    /// The degrees of the product of all occurrences, if the unknown itself has at most these.
    fn reach(&self, degrees: [usize; 2]) -> [usize; 2] {
        let rooms = [self.height - 1, self.width - 1];
        let along =
            |axis: usize| self.dilations.iter().map(|by| rooms[axis].min(degrees[axis]) * by[axis]).sum();
        [along(0), along(1)]
    }
}

/// Decides the equation. The answer's real and complex existence are unknown where factors split further.
///
/// # Errors
/// As [`solve`](super::solve::solve).
pub fn solve_blocks(
    kernel: &Grid<BigInt>,
    scale: &Rational,
    unknowns: &[Spread],
) -> Result<Answer, FactorError> {
    if unknowns.iter().any(|unknown| unknown.dilations.is_empty()) || unknowns.is_empty() {
        return Err(FactorError::Shapes);
    }
    if scale.is_zero() {
        return Err(FactorError::Zero);
    }
    let factorization = factor(kernel)?;
    let mut blocks = Vec::new();
    let mut reach = [0_usize; 2];
    for (index, unknown) in unknowns.iter().enumerate() {
        let degrees = blocks_of(kernel, &factorization, (index, unknown), &mut blocks)?;
        (0..2).for_each(|axis| reach[axis] += unknown.reach(degrees)[axis]);
    }
    let bins: Vec<Bin> = unknowns.iter().map(Spread::bin).collect();
    let exponent = common_power(&bins);
    let scalar = scale * Rational::from(factorization.content.clone());
    let mut answer = Answer {
        factorization,
        phases: None,
        splits: Vec::new(),
        rational: Err(Obstacle::Shapes),
        real: Existence::Unknown,
        complex: Existence::Unknown,
    };
    if let Some((exponents, count)) = distribution(&answer.factorization, &blocks, &bins)? {
        let product = |index: usize| {
            let own = blocks.iter().zip(&exponents).filter(|(block, _)| block.unknown == index);
            let all = own.flat_map(|(block, &times)| std::iter::repeat_n(&block.polynomial, times));
            all.fold(plane::one(), |product, factor| plane::mul(&product, factor))
        };
        let kernels = bins.iter().enumerate().map(|(index, bin)| padded(&product(index), bin)).collect();
        answer.rational = solution(kernels, &bins, &scalar, count);
        let no_real_root = scalar.is_negative() && exponent.is_even();
        (answer.real, answer.complex) = (Existence::Exists, Existence::Exists);
        if no_real_root {
            answer.real = Existence::Fails(Obstacle::Scalar(exponent));
        }
        return Ok(answer);
    }
    answer.splits = splits(&answer.factorization).unwrap_or_default();
    let whole = answer.splits.len() == answer.factorization.factors.len()
        && answer.splits.iter().all(|split| split.absolute.count == 1);
    let needed = degrees(kernel).ok_or(FactorError::Zero)?;
    if whole || needed[0] > reach[0] || needed[1] > reach[1] {
        let fails = Existence::Fails(Obstacle::Shapes);
        (answer.real, answer.complex) = (fails, fails);
    }
    Ok(answer)
}

/// Adds the blocks of an unknown; the degrees that all of them together have.
fn blocks_of(
    kernel: &Grid<BigInt>,
    factorization: &Factorization,
    (index, unknown): (usize, &Spread),
    blocks: &mut Vec<Block>,
) -> Result<[usize; 2], FactorError> {
    let widest = unknown.dilations.iter().max_by_key(|by| by[0] * by[1]).copied().unwrap_or([1, 1]);
    // What divides the kernel after dilation divides all phases.
    let common = common_phase(kernel, widest).ok_or(FactorError::Limit)?;
    let own = factor(&common)?;
    let monomials = [shifted(&plane::one(), 1, 0), shifted(&plane::one(), 0, 1)];
    for polynomial in monomials.into_iter().chain(own.factors.into_iter().map(|(factor, _)| factor)) {
        let mut takes = vec![0; factorization.factors.len() + 2];
        let mut fits = true;
        for by in &unknown.dilations {
            fits &= add_takes(&dilate(&polynomial, *by), factorization, &mut takes);
        }
        if fits {
            blocks.push(Block { unknown: index, polynomial, takes });
        }
    }
    degrees(&common).ok_or(FactorError::Zero)
}

/// Adds how often x, y and the factors are in a polynomial; whether there is nothing else in it.
fn add_takes(polynomial: &Grid<BigInt>, factorization: &Factorization, takes: &mut [usize]) -> bool {
    let Some((mut left, x, y)) = plane::strip(polynomial) else { return false };
    takes[0] += x;
    takes[1] += y;
    for ((factor, _), takes) in factorization.factors.iter().zip(&mut takes[2..]) {
        while let Some(quotient) = plane::exact_div(&left, factor) {
            left = quotient;
            *takes += 1;
        }
    }
    left.cells().len() == 1 && left.cells()[0].is_one()
}

/// The first choice of exponents, larger ones first, that uses all factors up, and the number of them.
fn distribution(
    factorization: &Factorization,
    blocks: &[Block],
    bins: &[Bin],
) -> Result<Option<(Vec<usize>, BigUint)>, FactorError> {
    let mut left = vec![factorization.x_power, factorization.y_power];
    left.extend(factorization.factors.iter().map(|(_, times)| *times));
    let mut state = State { left, room: bins.iter().map(|bin| [bin.height - 1, bin.width - 1]).collect() };
    let mut search = Search { blocks, memo: FxHashMap::default(), steps: 0 };
    let count = search.count(0, &state)?;
    if count.is_zero() {
        return Ok(None);
    }
    let mut exponents = Vec::with_capacity(blocks.len());
    for index in 0..blocks.len() {
        for (times, next) in search.choices(index, &state)?.into_iter().rev() {
            if !search.count(index + 1, &next)?.is_zero() {
                exponents.push(times);
                state = next;
                break;
            }
        }
    }
    Ok(Some((exponents, count)))
}

/// What is left of each factor, and the degrees still free in each unknown.
#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    left: Vec<usize>,
    room: Vec<[usize; 2]>,
}

struct Search<'a> {
    blocks: &'a [Block],
    memo: FxHashMap<(usize, State), BigUint>,
    steps: usize,
}

impl Search<'_> {
    /// Number of ways to go on from a block.
    fn count(&mut self, index: usize, state: &State) -> Result<BigUint, FactorError> {
        if index == self.blocks.len() {
            return Ok(if state.left.iter().all(Zero::is_zero) { BigUint::one() } else { BigUint::zero() });
        }
        let key = (index, state.clone());
        if let Some(count) = self.memo.get(&key) {
            return Ok(count.clone());
        }
        let mut count = BigUint::zero();
        for (_, next) in self.choices(index, state)? {
            count += self.count(index + 1, &next)?;
        }
        self.memo.insert(key, count.clone());
        Ok(count)
    }

    /// All exponents of one block with what they leave, from 0 on.
    fn choices(&mut self, index: usize, state: &State) -> Result<Vec<(usize, State)>, FactorError> {
        let block = &self.blocks[index];
        let degrees = [block.polynomial.height() - 1, block.polynomial.width() - 1];
        let mut choices = vec![(0, state.clone())];
        loop {
            self.steps += 1;
            budget::spend_on(state.left.len() + state.room.len(), 40);
            if self.steps.exceeds(STEP_LIMIT) {
                return Err(FactorError::Limit);
            }
            let Some((times, State { left, room })) = choices.last() else { return Ok(choices) };
            let left: Option<Vec<usize>> =
                left.iter().zip(&block.takes).map(|(left, takes)| left.checked_sub(*takes)).collect();
            let own = room[block.unknown];
            let own = own[0].checked_sub(degrees[0]).zip(own[1].checked_sub(degrees[1]));
            let (Some(left), Some((rows, columns))) = (left, own) else { return Ok(choices) };
            let mut room = room.clone();
            room[block.unknown] = [rows, columns];
            choices.push((times + 1, State { left, room }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(cells: &[i64]) -> Grid<BigInt> {
        Grid::from_fn(cells.len(), 1, |i, _| cells[i].into())
    }

    fn spread(height: usize, dilations: &[[usize; 2]]) -> Spread {
        Spread { height, width: 1, dilations: dilations.to_vec() }
    }

    /// The verdicts over ℚ, ℝ and ℂ, which are the same with x and y exchanged.
    fn verdicts(kernel: &[i64], unknowns: &[Spread]) -> (bool, Existence, Existence) {
        let verdict = |kernel: &Grid<BigInt>, unknowns: &[Spread]| {
            let answer = solve_blocks(kernel, &Rational::from(1), unknowns).unwrap();
            (answer.rational.is_ok(), answer.real, answer.complex)
        };
        let kernel = column(kernel);
        let turned = |one: &Spread| Spread {
            height: one.width,
            width: one.height,
            dilations: one.dilations.iter().map(|by| [by[1], by[0]]).collect(),
        };
        let turned: Vec<Spread> = unknowns.iter().map(turned).collect();
        let found = verdict(&kernel, unknowns);
        assert_eq!(verdict(&plane::transpose(&kernel), &turned), found);
        found
    }

    #[test]
    fn what_may_split_further_is_not_called_impossible() {
        const FAILS: Existence = Existence::Fails(Obstacle::Shapes);
        let (one, twice) = (spread(2, &[[1, 1]]), spread(2, &[[1, 1], [1, 1]]));
        // x² − 2 is a product of two lines over ℝ, and more than one line in any field.
        let roots = [-2, 0, 1];
        let two = [one.clone(), one.clone()];
        assert_eq!(verdicts(&roots, &two), (false, Existence::Unknown, Existence::Unknown));
        assert_eq!(verdicts(&roots, std::slice::from_ref(&one)), (false, FAILS, FAILS));
        // (x + 1)·(x + 2) is no square in any field, x² + 2x + 1 is, and −x² − 2x − 1 not over ℝ.
        assert_eq!(verdicts(&[2, 3, 1], std::slice::from_ref(&twice)), (false, FAILS, FAILS));
        assert_eq!(
            verdicts(&[1, 2, 1], std::slice::from_ref(&twice)),
            (true, Existence::Exists, Existence::Exists)
        );
        let scalar = Existence::Fails(Obstacle::Scalar(2));
        assert_eq!(verdicts(&[-1, -2, -1], &[twice]), (false, scalar, Existence::Exists));
        // (x + 1)·(x² + 1) is P(x)·P(x²), and x³ + 1 is P(x³).
        assert!(verdicts(&[1, 1, 1, 1], &[spread(2, &[[1, 1], [2, 1]])]).0);
        assert!(verdicts(&[1, 0, 0, 1], &[spread(2, &[[3, 1]])]).0);
        assert_eq!(verdicts(&[1, 0, 1, 1], &[spread(2, &[[3, 1]])]), (false, FAILS, FAILS));
        // x times what is left.
        assert!(verdicts(&[0, 1, 1], &[one.clone(), one]).0);
        assert!(verdicts(&[0, 0, 0, 5], &[spread(2, &[[3, 1]])]).0);
    }

    #[test]
    fn nothing_to_multiply_is_refused() {
        let kernel = column(&[1, 1]);
        let refused = |unknowns: &[Spread]| solve_blocks(&kernel, &Rational::from(1), unknowns).err();
        assert_eq!(refused(&[]), Some(FactorError::Shapes));
        assert_eq!(refused(&[spread(2, &[[1, 1]]), spread(1, &[])]), Some(FactorError::Shapes));
        assert_eq!(refused(&[spread(2, &[[1, 1]])]), None);
    }

    #[test]
    fn reaches_and_takes_are_as_worked_out_by_hand() {
        let unknown = Spread { height: 3, width: 5, dilations: vec![[1, 2], [4, 3]] };
        assert_eq!(unknown.reach([9, 9]), [2 * 5, 4 * 5]);
        assert_eq!(unknown.reach([1, 3]), [5, 15]);
        // Twice x + 1, once x² + 1, and x³.
        let kernel = column(&[0, 0, 0, 1, 2, 2, 2, 1]);
        let factorization = factor(&kernel).unwrap();
        let mut takes = vec![0; 4];
        assert!(add_takes(&kernel, &factorization, &mut takes));
        assert_eq!(takes, [3, 0, 2, 1]);
        assert!(add_takes(&plane::transpose(&column(&[0, 1])), &factorization, &mut takes));
        assert_eq!(takes, [3, 1, 2, 1]);
        // What has another factor, or a number, has something else in it.
        let other = plane::mul(&column(&[1, 1]), &column(&[1, 3]));
        assert!(!add_takes(&other, &factorization, &mut [0; 4]));
        assert!(!add_takes(&column(&[2, 2]), &factorization, &mut [0; 4]));
    }

    #[test]
    fn the_widest_dilation_tells_most() {
        // By 3 rows 1 + x³ is 1 + x; by one row it is itself.
        let kernel = column(&[1, 0, 0, 1]);
        let factorization = factor(&kernel).unwrap();
        let unknown = spread(4, &[[1, 5], [3, 2]]);
        assert_eq!(blocks_of(&kernel, &factorization, (0, &unknown), &mut Vec::new()), Ok([1, 0]));
    }
}
