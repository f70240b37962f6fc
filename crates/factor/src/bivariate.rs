//! Irreducible factors over ℚ of polynomials in two variables: an image modulo p at a point y = a, Hensel lifting
//! modulo powers of p and then of y, recombination by linear algebra.
//!
//! Precision is first what planted factors need, then what a proven bound on the coefficients of factors asks for.
//! A candidate counts only when it divides exactly.

use super::error::FactorError;
use super::hensel::{Series, lift, lift_series};
use super::images::{Finding, ModularImage, images, survey};
use super::precision::{Computation, separates, separating_bits, with_precision};
use super::recombine::{Groups, group};
use convproof_exact::budget::Extents;
use convproof_exact::poly::dense::{Accumulator, dot_reversed, taylor_shift, trim};
use convproof_exact::poly::ring::Ring;
use convproof_exact::poly::{integer, plane};
use convproof_exact::{Grid, Limited};
use num_bigint::BigInt;

/// Products of groups looked at by the exhaustive search before giving up.
const TRIAL_LIMIT: usize = 1 << 18;
/// As how many of them each counts that it computes.
const CANDIDATE_TRIALS: usize = 1 << 8;
/// Sets of images tried before giving up.
const ROUNDS: usize = 4;
/// Images tried for a certificate of absolute irreducibility.
const CERTIFICATE_IMAGES: usize = 60;
/// Primes from one set of images to the next.
const SKIP: usize = 40;

/// The distinct irreducible factors of a primitive polynomial with at least two rows and columns, no zero
/// borders, and no factor in y alone.
pub(super) fn irreducible_factors(f: &Grid<BigInt>) -> Result<Vec<Grid<BigInt>>, FactorError> {
    if f.height() == 2 {
        return Ok(vec![f.clone()]);
    }
    let rows: Vec<&[BigInt]> = f.rows().collect();
    match survey(&rows, 0) {
        Finding::Irreducible => Ok(vec![f.clone()]),
        Finding::Open(candidates, _) => from_images(f, candidates),
        Finding::Degenerate => {
            let part = square_free_part(f)?;
            if part.height() == f.height() {
                return from_images(f, Vec::new());
            }
            irreducible_factors(&part)
        }
    }
}

/// A prime and a value of y that certify absolute irreducibility: modulo the prime, f has no proper factor of positive
/// degree in x, and the degrees of the factors of the square-free image have no common divisor.
pub(super) fn irreducible_image(f: &Grid<BigInt>) -> Option<(u64, u64, Vec<usize>)> {
    let rows: Vec<&[BigInt]> = f.rows().collect();
    for image in images(&rows, 0).take(CERTIFICATE_IMAGES) {
        if image.degrees.iter().fold(0, |acc, d| num_integer::gcd(acc, *d)) != 1 {
            continue;
        }
        let Some(lift) = Lift::new(&image.field, f, &image, 1) else { continue };
        let groups = group(&image.field, &image.field, &lift.rows, &lift.factors, f.height());
        if matches!(groups, Groups::Partition(groups) if groups.len() == 1) {
            return Some((image.field.modulus(), image.point, image.degrees));
        }
    }
    None
}

/// `f / gcd(f, ∂f/∂x)`.
fn square_free_part(f: &Grid<BigInt>) -> Result<Grid<BigInt>, FactorError> {
    let derivative = Grid::from_fn(f.height() - 1, f.width(), |i, j| f.at(i + 1, j) * (i + 1));
    let common = plane::gcd(f, &derivative).ok_or(FactorError::Limit)?;
    let part = plane::exact_div(f, &common).ok_or(FactorError::Limit)?;
    Ok(plane::primitive(&part).1)
}

/// Lifts images until one settles the factorization.
fn from_images(
    f: &Grid<BigInt>,
    mut candidates: Vec<ModularImage>,
) -> Result<Vec<Grid<BigInt>>, FactorError> {
    let bound = coefficient_bound(f);
    let proven = separating_bits(&bound);
    let hopeful = (integer::height(f.cells()).bits() + 12).min(proven);
    let rows: Vec<&[BigInt]> = f.rows().collect();
    for skip in (SKIP..).step_by(SKIP).take(ROUNDS) {
        for (index, bits) in tries(candidates.len(), hopeful, proven) {
            if let Some(factors) = attempt(f, &candidates[index], bits, &bound) {
                return Ok(factors);
            }
        }
        candidates = match survey(&rows, skip) {
            Finding::Irreducible => return Ok(vec![f.clone()]),
            Finding::Open(candidates, _) => candidates,
            Finding::Degenerate => Vec::new(),
        };
    }
    Err(FactorError::Limit)
}

/// What no coefficient of `c·g` exceeds, for a factor g of f and the c that gives it the leading coefficient in x of f.
///
/// Mahler's measure M is multiplicative and at least 1 for integers, so `M(c·g) ≤ M(lead)·M(f)`; it is at most the Euclidean
/// norm, and a coefficient is at most M times a binomial coefficient in each variable, which `2^degree` is not below.
fn coefficient_bound(f: &Grid<BigInt>) -> BigInt {
    let lead = plane::row(f, f.height() - 1);
    (integer::norm_bound(f.cells()) * integer::norm_bound(&lead)) << (f.height() + f.width() - 2)
}

/// Which images to try with how many bits: more precision once, for failures for other reasons are cured by other images.
fn tries(images: usize, hopeful: u64, proven: u64) -> Vec<(usize, u64)> {
    let mut tries: Vec<(usize, u64)> = (0..images).map(|index| (index, hopeful)).collect();
    tries.insert(images.min(1), (0, proven));
    tries.dedup();
    tries.truncate(if images == 0 { 0 } else { tries.len() });
    tries
}

/// One lift to at least `bits` bits; `None` if it does not settle the factorization.
fn attempt(f: &Grid<BigInt>, image: &ModularImage, bits: u64, bound: &BigInt) -> Option<Vec<Grid<BigInt>>> {
    struct Attempt<'a>(&'a Grid<BigInt>, &'a ModularImage, &'a BigInt);
    impl Computation for Attempt<'_> {
        type Output = Option<Vec<Grid<BigInt>>>;
        fn run<R: Ring>(self, ring: &R, exponent: u32, modulus: &BigInt) -> Self::Output {
            let Self(f, image, bound) = self;
            Lift::new(ring, f, image, exponent)?.factors(separates(modulus, bound), bound)
        }
    }
    let cells = f.cells().len();
    let products = [cells, cells.div_ceil(4)].product();
    with_precision(image.field.modulus(), bits, products, Attempt(f, image, bound))?
}

/// The lifted factors of one polynomial.
struct Lift<'a, R: Ring> {
    ring: &'a R,
    image: &'a ModularImage,
    polynomial: &'a Grid<BigInt>,
    /// Rows of the polynomial shifted so that the point is 0.
    rows: Vec<Vec<R::Elem>>,
    /// Monic factors modulo a power of y above the degree.
    factors: Vec<Series<R::Elem>>,
}

impl<'a, R: Ring> Lift<'a, R> {
    fn new(ring: &'a R, f: &'a Grid<BigInt>, image: &'a ModularImage, exponent: u32) -> Option<Self> {
        let point = ring.embed_small(image.point);
        let rows: Vec<Vec<R::Elem>> = f
            .rows()
            .map(|row| {
                let mut row: Vec<R::Elem> = row.iter().map(|c| ring.embed(c)).collect();
                if image.point != 0 {
                    taylor_shift(ring, &mut row, &point);
                }
                row
            })
            .collect();
        let order = f.width() + extra_orders(image.degrees.len());
        let inverse = series_inverse(ring, &rows[rows.len() - 1], order)?;
        let monic: Vec<Vec<R::Elem>> = rows
            .iter()
            .map(|row| {
                let mut product = Accumulator::new(ring, order);
                product.add_product(row, &inverse);
                product.finish()
            })
            .collect();
        let target: Series<R::Elem> = (0..order)
            .map(|j| {
                let mut line = monic.iter().map(|series| series[j].clone()).collect();
                trim(ring, &mut line);
                line
            })
            .collect();
        let modular = image.split.factors(&image.field);
        let tree = lift(ring, &image.field, exponent, &target[0], &modular)?;
        let factors = lift_series(ring, &tree, target);
        Some(Self { ring, image, polynomial: f, rows, factors })
    }

    /// The irreducible factors, if this lift settles them.
    fn factors(&self, proven: bool, bound: &BigInt) -> Option<Vec<Grid<BigInt>>> {
        // Enough equations to separate the factors if they are independent, then more. Equal answers are taken to
        // be final: the groups are factors modulo p.
        let few = few_coefficients(self.factors.len());
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for count in [few, 2 * few + 4, usize::MAX] {
            let Groups::Partition(partition) =
                group(self.ring, &self.image.field, &self.rows, &self.factors, count)
            else {
                continue;
            };
            if partition.len() == groups.len() {
                break;
            }
            if let Some(factors) = self.all_groups(&partition) {
                return Some(factors);
            }
            groups = partition;
        }
        if groups.is_empty() {
            groups = (0..self.factors.len()).map(|i| vec![i]).collect();
        }
        if proven { self.search(groups, bound) } else { None }
    }

    /// The factors if every group is one: then they are irreducible, for each true factor is a product of groups.
    fn all_groups(&self, groups: &[Vec<usize>]) -> Option<Vec<Grid<BigInt>>> {
        let degree = |group: &&Vec<usize>| group.iter().map(|i| self.factors[*i][0].len()).sum::<usize>();
        let mut order: Vec<&Vec<usize>> = groups.iter().collect();
        order.sort_by_key(degree);
        order.pop();
        let mut rest = self.polynomial.clone();
        let mut factors = Vec::with_capacity(groups.len());
        for group in order {
            let candidate = self.candidate(group, None).ok()??;
            rest = plane::exact_div(&rest, &candidate)?;
            factors.push(candidate);
        }
        factors.push(rest);
        Some(factors)
    }

    /// Tries products of groups, few first; complete when the modulus exceeds twice the bound.
    fn search(&self, mut groups: Vec<Vec<usize>>, bound: &BigInt) -> Option<Vec<Grid<BigInt>>> {
        let trace_bound = trace_bound(bound, self.polynomial);
        let mut traces: Vec<Vec<R::Elem>> = groups.iter().map(|group| self.trace(group)).collect();
        let mut rest = self.polynomial.clone();
        let mut factors = Vec::new();
        let (mut size, mut trials) = (1, 0);
        'sizes: while 2 * size <= groups.len() {
            let mut choice: Vec<usize> = (0..size).collect();
            loop {
                trials += 1;
                if trials.exceeds(TRIAL_LIMIT) {
                    return None;
                }
                if self.trace_is_small(&traces, &choice, &trace_bound) {
                    trials += CANDIDATE_TRIALS;
                    let members: Vec<usize> = choice.iter().flat_map(|c| groups[*c].clone()).collect();
                    // Without an answer for one product the search would not be complete.
                    if let Some(candidate) = self.candidate(&members, Some(bound)).ok()?
                        && let Some(quotient) = plane::exact_div(&rest, &candidate)
                    {
                        rest = quotient;
                        factors.push(candidate);
                        for index in choice.iter().rev() {
                            groups.remove(*index);
                            traces.remove(*index);
                        }
                        continue 'sizes;
                    }
                }
                if !next_choice(&mut choice, groups.len()) {
                    break;
                }
            }
            size += 1;
        }
        factors.push(rest);
        Some(factors)
    }

    /// The second coefficient in x of the product of a group, times the leading coefficient of f: a polynomial in y.
    fn trace(&self, group: &[usize]) -> Vec<R::Elem> {
        let (ring, width) = (self.ring, self.polynomial.width());
        let mut sum = vec![ring.zero(); width];
        for factor in group.iter().map(|i| &self.factors[*i]) {
            let second = factor[0].len() - 2;
            for (cell, line) in sum.iter_mut().zip(factor) {
                if let Some(c) = line.get(second) {
                    *cell = ring.add(cell, c);
                }
            }
        }
        self.times_lead(&sum)
    }

    fn trace_is_small(&self, traces: &[Vec<R::Elem>], choice: &[usize], bound: &BigInt) -> bool {
        (0..self.polynomial.width()).all(|j| {
            let sum = choice.iter().fold(self.ring.zero(), |sum, c| self.ring.add(&sum, &traces[*c][j]));
            self.ring.symmetric(&sum).magnitude() <= bound.magnitude()
        })
    }

    /// A series times the leading coefficient of f, as a polynomial in the original y.
    fn times_lead(&self, series: &[R::Elem]) -> Vec<R::Elem> {
        let ring = self.ring;
        let mut row = Accumulator::new(ring, self.polynomial.width());
        row.add_product(series, &self.rows[self.rows.len() - 1]);
        let mut row = row.finish();
        if self.image.point != 0 {
            let back = ring.sub(&ring.zero(), &ring.embed_small(self.image.point));
            taylor_shift(ring, &mut row, &back);
        }
        row
    }

    /// The primitive polynomial that the product of some lifted factors stands for, if it is one: the leading
    /// coefficient of f times the product, without its content in y. `None` if it is certainly none.
    fn candidate(
        &self,
        members: &[usize],
        bound: Option<&BigInt>,
    ) -> Result<Option<Grid<BigInt>>, FactorError> {
        let ring = self.ring;
        let width = self.polynomial.width();
        let (first, others) = members.split_first().ok_or(FactorError::Limit)?;
        let mut product: Series<R::Elem> = self.factors[*first].clone();
        product.truncate(width);
        for factor in others.iter().map(|index| &self.factors[*index]) {
            let len = product[0].len() + factor[0].len() - 1;
            product = (0..width)
                .map(|j| {
                    let mut line = Accumulator::new(ring, len);
                    for i in 0..=j {
                        line.add_product(&product[i], &factor[j - i]);
                    }
                    line.finish()
                })
                .collect();
        }
        let mut cells = Vec::new();
        for i in 0..product[0].len() {
            let series: Vec<R::Elem> =
                product.iter().map(|line| line.get(i).cloned().unwrap_or_else(|| ring.zero())).collect();
            let row = self.times_lead(&series);
            for c in &row {
                let c = ring.symmetric(c);
                if bound.is_some_and(|bound| c.magnitude() > bound.magnitude()) {
                    return Ok(None);
                }
                cells.push(c);
            }
        }
        let stripped = Grid::new(product[0].len(), width, cells).and_then(|grid| plane::strip(&grid));
        let Some((grid, ..)) = stripped else { return Ok(None) };
        let content = plane::content_in_y(&grid).ok_or(FactorError::Limit)?;
        let part = plane::exact_div(&grid, &plane::from_row(&content));
        Ok(part.map(|part| plane::primitive(&part).1))
    }
}

/// What bounds the second coefficient in x if another bound is for all of them, binomial coefficients in x included.
fn trace_bound(bound: &BigInt, f: &Grid<BigInt>) -> BigInt {
    let degree = f.height() - 1;
    (bound >> degree) * degree
}

/// Coefficients in x that give enough equations to tell so many factors apart.
fn few_coefficients(factors: usize) -> usize {
    (factors + 3) / extra_orders(factors) + 3
}

/// Powers of y beyond the degree to lift to: each gives one equation for each coefficient compared.
fn extra_orders(factors: usize) -> usize {
    1 + factors / 6
}

/// The next subset of `0..n` of the same size in lexicographic order.
pub(super) fn next_choice(choice: &mut [usize], n: usize) -> bool {
    let k = choice.len();
    let Some(i) = (0..k).rev().find(|i| choice[*i] < n - k + i) else { return false };
    choice[i] += 1;
    for j in i + 1..k {
        choice[j] = choice[j - 1] + 1;
    }
    true
}

/// `1 / a` modulo `y^order`.
fn series_inverse<R: Ring>(ring: &R, a: &[R::Elem], order: usize) -> Option<Vec<R::Elem>> {
    let unit = ring.inverse(a.first()?)?;
    let mut inverse = vec![unit.clone()];
    for j in 1..order {
        let reach = j.min(a.len() - 1);
        let known = dot_reversed(ring, &a[1..=reach], &inverse[j - reach..]);
        inverse.push(ring.sub(&ring.zero(), &ring.mul(&known, &unit)));
    }
    Some(inverse)
}

#[cfg(test)]
mod tests;
