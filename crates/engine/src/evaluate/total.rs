//! Sums of products: terms of machine words are added up over one denominator, and reduced once.

use num_integer::Integer;

use super::radius::Radius;
use super::work::{OPERATION, Work};
use super::{Ball, EvaluateError};
use convproof_exact::Rational;

/// After how many units of work they are charged.
const CHARGED: u64 = 1 << 12;

/// A numerator over a positive denominator, not in lowest terms.
type Fraction = (i128, i64);

/// A sum that is under way.
pub(super) struct Total {
    /// The other terms.
    rest: Rational,
    /// Terms that fit into machine words.
    fraction: Fraction,
    /// How far all of it is off at most.
    radius: Radius,
    /// Work that was done since it was last charged.
    done: u64,
}

impl Total {
    /// The sum of one term.
    pub(super) fn new(first: &Ball) -> Self {
        Self { rest: first.middle().clone(), fraction: (0, 1), radius: first.radius(), done: 0 }
    }

    /// Adds a product; free of charge where a factor is 0.
    #[inline]
    pub(super) fn add_product(
        &mut self,
        work: &mut Work,
        left: &Ball,
        right: &Ball,
    ) -> Result<(), EvaluateError> {
        if left.is_zero() || right.is_zero() {
            return Ok(());
        }
        if !(left.is_exact() && right.is_exact()) {
            self.radius = self.radius.plus(left.product_radius(right));
        }
        let (left, right) = (left.middle(), right.middle());
        if let (Some((a, over)), Some((b, also))) = (left.as_small_parts(), right.as_small_parts())
            && let Some(denominator) = over.checked_mul(also)
        {
            self.charge(work, 2 * OPERATION)?;
            return self.add_fraction(work, (i128::from(a) * i128::from(b), denominator));
        }
        work.operation(left, right)?;
        self.add_rational(work, &(left * right))
    }

    /// Adds a number; free of charge where it is 0.
    pub(super) fn add(&mut self, work: &mut Work, term: &Ball) -> Result<(), EvaluateError> {
        if term.is_zero() {
            return Ok(());
        }
        self.radius = self.radius.plus(term.radius());
        let term = term.middle();
        if let Some((numerator, denominator)) = term.as_small_parts() {
            self.charge(work, OPERATION)?;
            return self.add_fraction(work, (numerator.into(), denominator));
        }
        self.add_rational(work, term)
    }

    /// Charges work, many operations at a time.
    #[inline]
    fn charge(&mut self, work: &mut Work, units: u64) -> Result<(), EvaluateError> {
        self.done += units;
        if self.done < CHARGED { Ok(()) } else { work.charge(std::mem::take(&mut self.done)) }
    }

    /// Adds a fraction with a positive denominator.
    #[inline]
    fn add_fraction(&mut self, work: &mut Work, term: Fraction) -> Result<(), EvaluateError> {
        let sum = sum(self.fraction, term);
        if sum.is_none() {
            self.settle(work)?;
        }
        self.fraction = sum.unwrap_or(term);
        Ok(())
    }

    /// Moves the fraction to the rest.
    fn settle(&mut self, work: &mut Work) -> Result<(), EvaluateError> {
        let fraction = std::mem::replace(&mut self.fraction, (0, 1));
        match fraction.0 {
            0 => Ok(()),
            _ if self.rest.is_zero() => {
                self.rest = rational(fraction);
                work.charge(OPERATION)
            }
            _ => self.add_rational(work, &rational(fraction)),
        }
    }

    fn add_rational(&mut self, work: &mut Work, term: &Rational) -> Result<(), EvaluateError> {
        work.operation(&self.rest, term)?;
        self.rest += term;
        Ok(())
    }

    /// What the sum is.
    pub(super) fn value(mut self, work: &mut Work) -> Result<Ball, EvaluateError> {
        work.charge(self.done)?;
        self.settle(work)?;
        Ok(Ball::new(self.rest, self.radius))
    }
}

/// The sum of two fractions, if it fits.
#[inline]
fn sum((a, b): Fraction, (c, d): Fraction) -> Option<Fraction> {
    if b == d {
        return Some((a.checked_add(c)?, b));
    }
    // Of binary fractions one denominator divides the other.
    if b % d == 0 {
        return Some((a.checked_add(times(c, b / d)?)?, b));
    }
    if d % b == 0 {
        return Some((times(a, d / b)?.checked_add(c)?, d));
    }
    let common = b.gcd(&d);
    let (more, also) = (d / common, b / common);
    Some((times(a, more)?.checked_add(times(c, also)?)?, b.checked_mul(more)?))
}

/// The product, if it fits; that of machine words does.
#[inline]
fn times(numerator: i128, factor: i64) -> Option<i128> {
    match i64::try_from(numerator) {
        Ok(numerator) => Some(i128::from(numerator) * i128::from(factor)),
        Err(_) => numerator.checked_mul(factor.into()),
    }
}

fn rational((numerator, denominator): Fraction) -> Rational {
    i64::try_from(numerator)
        .ok()
        .and_then(|numerator| Rational::ratio(numerator, denominator))
        .or_else(|| Rational::new(numerator.into(), denominator.into()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = Rational> {
        let part = || prop_oneof![-9..10_i64, any::<i64>(), Just(i64::MAX), Just(i64::MIN)];
        (part(), part()).prop_map(|(a, b)| Rational::ratio(a, b).unwrap_or_default())
    }

    proptest! {
        #[test]
        fn it_is_the_sum_of_products_of_any_size(
            first in number(), terms in prop::collection::vec((number(), number()), 0..20), shift in 0..200_u32,
        ) {
            let mut work = Work::new(1 << 30);
            let mut total = Total::new(&first.clone().into());
            let mut expected = first;
            for (a, b) in &terms {
                // Longer than a machine word, some of them.
                let a = a * &Rational::dyadic(1.into(), shift / 10);
                let ball = Ball::from(b.clone());
                total.add_product(&mut work, &a.clone().into(), &ball).unwrap();
                total.add(&mut work, &ball).unwrap();
                expected += &(&a * b + b);
            }
            prop_assert_eq!(total.value(&mut work).unwrap(), Ball::from(expected));
        }
    }

    #[test]
    fn each_product_is_work_unless_a_factor_is_0() {
        for count in [0, 1, 63, 64, 65, 1000] {
            let mut work = Work::new(1 << 20);
            let mut total = Total::new(&Ball::ZERO);
            let (a, half) = (Ball::ONE, Ball::from(Rational::ratio(1, 2).unwrap()));
            for _ in 0..count {
                total.add_product(&mut work, &a, &half).unwrap();
                total.add_product(&mut work, &Ball::ZERO, &half).unwrap();
                total.add_product(&mut work, &half, &Ball::ZERO).unwrap();
            }
            assert_eq!(total.value(&mut work).unwrap(), Ball::from(Rational::ratio(count, 2).unwrap()));
            let done = (1 << 20) - work.left();
            // The sum itself is moved once.
            assert_eq!(
                done,
                u64::try_from(count).unwrap() * 2 * OPERATION + if count > 0 { OPERATION } else { 0 }
            );
        }
        let mut work = Work::new(1 << 13);
        let mut total = Total::new(&Ball::ZERO);
        let failed = (0..1000).find(|_| total.add(&mut work, &Ball::ONE).is_err());
        assert_eq!(failed, Some(383), "it stops while it is at it");
    }
}
