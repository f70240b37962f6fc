//! Irreducible factors over ℚ of polynomials in one variable: Zassenhaus' algorithm with the degree sets of several
//! primes, one Hensel lift to a proven precision, and a bounded search for the factors.

use super::bivariate::next_choice;
use super::error::FactorError;
use super::hensel::lift;
use super::images::{DegreeSet, Finding, ModularImage, survey};
use super::precision::{Computation, separating_bits, with_precision};
use convproof_exact::Limited;
use convproof_exact::budget::Extents;
use convproof_exact::poly::dense::mul;
use convproof_exact::poly::integer;
use convproof_exact::poly::ring::Ring;
use num_bigint::BigInt;
use num_traits::{Signed, Zero};

/// Products of lifted factors whose second coefficient is looked at before giving up.
const TRIAL_LIMIT: usize = 1 << 20;
/// Sets of primes tried before giving up, and the distance from one to the next.
const ROUNDS: usize = 8;
const SKIP: usize = 40;

/// The distinct irreducible factors of a primitive polynomial of positive degree with nonzero constant term.
pub(super) fn irreducible_factors(a: &[BigInt]) -> Result<Vec<Vec<BigInt>>, FactorError> {
    if a.len() == 2 {
        return Ok(vec![a.to_vec()]);
    }
    let rows: Vec<&[BigInt]> = a.chunks(1).collect();
    for skip in (0..).step_by(SKIP).take(ROUNDS) {
        match survey(&rows, skip) {
            Finding::Irreducible => return Ok(vec![a.to_vec()]),
            Finding::Open(images, degrees) => {
                let image = images.first().ok_or(FactorError::Limit)?;
                return from_image(a, image, &degrees);
            }
            Finding::Degenerate => {
                let derivative = integer::derivative(a);
                let common = integer::gcd(&[a, &derivative]).ok_or(FactorError::Limit)?;
                if common.len() > 1 {
                    let common = integer::primitive(&common);
                    let part = integer::exact_div(a, &common).ok_or(FactorError::Limit)?;
                    return irreducible_factors(&integer::primitive(&part));
                }
                // Square-free, but not modulo these primes: take others.
            }
        }
    }
    Err(FactorError::Limit)
}

fn from_image(
    a: &[BigInt],
    image: &ModularImage,
    degrees: &DegreeSet,
) -> Result<Vec<Vec<BigInt>>, FactorError> {
    struct Recombination<'a>(&'a [BigInt], &'a ModularImage, &'a DegreeSet);
    impl Computation for Recombination<'_> {
        type Output = Result<Vec<Vec<BigInt>>, FactorError>;
        fn run<R: Ring>(self, ring: &R, exponent: u32, _: &BigInt) -> Self::Output {
            let Self(a, image, degrees) = self;
            Search::new(ring, a, image, exponent, degrees)?.run(a)
        }
    }
    let search = Recombination(a, image, degrees);
    // Ten products of full length in each of about eight rounds.
    let products = [a.len(), a.len(), 80].product();
    let bits = separating_bits(&coefficient_bound(a));
    with_precision(image.field.modulus(), bits, products, search).ok_or(FactorError::Limit)?
}

/// Mignotte: a factor of lc·a has coefficients of at most `2^n · lc · ‖a‖₂`.
fn coefficient_bound(a: &[BigInt]) -> BigInt {
    let lead = a.last().map(Signed::abs).unwrap_or_default();
    (integer::norm_bound(a) * &lead) << (a.len() - 1)
}

/// What the sum of any roots of a polynomial, times its leading coefficient, does not exceed: no root is larger than
/// `1 + height/lc`.
fn trace_bound(a: &[BigInt]) -> BigInt {
    let lead = a.last().map(Signed::abs).unwrap_or_default();
    (integer::height(a) + lead) * (a.len() - 1)
}

/// Search for products of lifted factors that are true factors.
struct Search<'a, R: Ring> {
    ring: &'a R,
    degrees: &'a DegreeSet,
    factors: Vec<Vec<R::Elem>>,
}

impl<'a, R: Ring> Search<'a, R> {
    fn new(
        ring: &'a R,
        a: &[BigInt],
        image: &ModularImage,
        exponent: u32,
        degrees: &'a DegreeSet,
    ) -> Result<Self, FactorError> {
        let target: Vec<R::Elem> = a.iter().map(|c| ring.embed(c)).collect();
        let target = convproof_exact::poly::dense::monic(ring, &target).ok_or(FactorError::Limit)?;
        let modular = image.split.factors(&image.field);
        let tree = lift(ring, &image.field, exponent, &target, &modular).ok_or(FactorError::Limit)?;
        Ok(Self { ring, degrees, factors: tree.leaves() })
    }

    fn run(mut self, a: &[BigInt]) -> Result<Vec<Vec<BigInt>>, FactorError> {
        let mut rest = a.to_vec();
        let mut found = Vec::new();
        let (mut size, mut trials) = (1, 0);
        'sizes: while 2 * size <= self.factors.len() {
            let lead = rest.last().cloned().unwrap_or_default();
            let unit = self.ring.embed(&lead);
            // The second coefficient of lc·Π is −lc times the sum of the roots.
            let root_sum = trace_bound(&rest);
            let traces: Vec<R::Elem> =
                self.factors.iter().map(|f| self.ring.mul(&f[f.len() - 2], &unit)).collect();
            let mut choice: Vec<usize> = (0..size).collect();
            loop {
                trials += 1;
                if trials.exceeds(TRIAL_LIMIT) {
                    return Err(FactorError::Limit);
                }
                if let Some((factor, quotient)) = self.trial(&rest, &unit, &choice, &traces, &root_sum) {
                    found.push(factor);
                    rest = quotient;
                    let mut index = 0;
                    self.factors.retain(|_| {
                        index += 1;
                        !choice.contains(&(index - 1))
                    });
                    continue 'sizes;
                }
                if !next_choice(&mut choice, self.factors.len()) {
                    break;
                }
            }
            size += 1;
        }
        found.push(rest);
        Ok(found)
    }

    /// The primitive factor that the chosen lifted factors stand for, and its cofactor.
    fn trial(
        &self,
        rest: &[BigInt],
        unit: &R::Elem,
        choice: &[usize],
        traces: &[R::Elem],
        root_sum: &BigInt,
    ) -> Option<(Vec<BigInt>, Vec<BigInt>)> {
        let ring = self.ring;
        let degree: usize = choice.iter().map(|i| self.factors[*i].len() - 1).sum();
        if !self.degrees.contains(degree) {
            return None;
        }
        let trace = choice.iter().fold(ring.zero(), |sum, i| ring.add(&sum, &traces[*i]));
        if ring.symmetric(&trace).abs().exceeds(root_sum.clone()) {
            return None;
        }
        let product = choice.iter().fold(vec![unit.clone()], |acc, i| mul(ring, &acc, &self.factors[*i]));
        let cells: Vec<BigInt> = product.iter().map(|c| ring.symmetric(c)).collect();
        let factor = integer::primitive(&cells);
        // A cheap necessary condition before the division.
        if !(rest.first()? % factor.first()?).is_zero() {
            return None;
        }
        let quotient = integer::exact_div(rest, &factor)?;
        Some((factor, quotient))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_exact::SplitMix64;

    fn numbers(cells: &[i64]) -> Vec<BigInt> {
        cells.iter().map(|&c| c.into()).collect()
    }

    #[test]
    fn bounds_are_as_worked_out_by_hand() {
        // ‖a‖ = 3, rounded up to the next integer; lc = 2 and degree 2: 4·2·4.
        assert_eq!(coefficient_bound(&numbers(&[1, 2, -2])), BigInt::from(32));
        // Three roots of at most 1 + 11/2.
        assert_eq!(trace_bound(&numbers(&[-6, 11, -6, 2])), BigInt::from(3 * (11 + 2)));
        // x² − 9: both roots are 3, and x² − 3x − 3 has one of nearly 4.
        assert_eq!(trace_bound(&numbers(&[-9, 0, 1])), BigInt::from(20));
    }

    #[test]
    fn factors_that_were_multiplied_are_found_within_the_bounds() {
        let mut random = SplitMix64::new(1);
        let mut irreducible = |degree: usize| loop {
            let mut cells: Vec<i64> =
                (0..=degree).map(|_| i64::try_from(random.below(41)).unwrap() - 20).collect();
            cells[degree] = 1 + cells[degree].abs();
            let f = integer::primitive(&numbers(&cells));
            if cells[0] != 0 && irreducible_factors(&f).unwrap().len() == 1 {
                return f;
            }
        };
        for (first, second) in [(1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (4, 4), (1, 5), (5, 6)] {
            for _ in 0..4 {
                let mut factors = vec![irreducible(first), irreducible(second)];
                if factors[0] == factors[1] {
                    continue;
                }
                let f = integer::mul(&factors[0], &factors[1]);
                let (bound, trace) = (coefficient_bound(&f), trace_bound(&f));
                for (own, other) in [(0, 1), (1, 0)] {
                    let scaled: Vec<BigInt> =
                        factors[own].iter().map(|c| c * &factors[other][factors[other].len() - 1]).collect();
                    assert!(scaled.iter().all(|c| c.abs() <= bound));
                    assert!(scaled[scaled.len() - 2].abs() <= trace);
                }
                let mut found = irreducible_factors(&f).unwrap();
                found.sort();
                factors.sort();
                assert_eq!(found, factors);
            }
        }
    }
}
