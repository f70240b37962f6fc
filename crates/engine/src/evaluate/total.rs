//! Sums of products: terms of machine words are added up over one denominator, and reduced once.

use num_integer::Integer;

use super::EvaluateError;
use super::work::{OPERATION, Work};
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
    /// Work that was done since it was last charged.
    done: u64,
}

impl Total {
    /// The sum of one term.
    pub(super) fn new(first: Rational) -> Self {
        Self { rest: first, fraction: (0, 1), done: 0 }
    }

    /// Adds a product; free of charge where a factor is 0.
    #[inline]
    pub(super) fn add_product(
        &mut self,
        work: &mut Work,
        left: &Rational,
        right: &Rational,
    ) -> Result<(), EvaluateError> {
        let (Some((a, over)), Some((b, also))) = (left.as_small_parts(), right.as_small_parts()) else {
            return work.add_product(&mut self.rest, left, right);
        };
        if a == 0 || b == 0 {
            return Ok(());
        }
        let Some(denominator) = over.checked_mul(also) else {
            return work.add_product(&mut self.rest, left, right);
        };
        self.charge(work, 2 * OPERATION)?;
        self.add_fraction(work, (i128::from(a) * i128::from(b), denominator))
    }

    /// Adds a number; free of charge where it is 0.
    pub(super) fn add(&mut self, work: &mut Work, term: &Rational) -> Result<(), EvaluateError> {
        let Some((numerator, denominator)) = term.as_small_parts() else {
            return work.add(&mut self.rest, term);
        };
        if numerator == 0 {
            return Ok(());
        }
        self.charge(work, OPERATION)?;
        self.add_fraction(work, (numerator.into(), denominator))
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
            _ => work.add(&mut self.rest, &rational(fraction)),
        }
    }

    /// What the sum is.
    pub(super) fn value(mut self, work: &mut Work) -> Result<Rational, EvaluateError> {
        work.charge(self.done)?;
        self.settle(work)?;
        Ok(self.rest)
    }
}

/// The sum of two fractions, if it fits.
#[inline]
fn sum((a, b): Fraction, (c, d): Fraction) -> Option<Fraction> {
    if b == d {
        return Some((a.checked_add(c)?, b));
    }
    let common = b.gcd(&d);
    let (more, also) = (d / common, b / common);
    let (a, c) = (a.checked_mul(more.into())?, c.checked_mul(also.into())?);
    Some((a.checked_add(c)?, b.checked_mul(more)?))
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
            let mut total = Total::new(first.clone());
            let mut expected = first;
            for (a, b) in &terms {
                // Longer than a machine word, some of them.
                let a = a * &Rational::dyadic(1.into(), shift / 10);
                total.add_product(&mut work, &a, b).unwrap();
                total.add(&mut work, b).unwrap();
                expected += &(&a * b + b);
            }
            prop_assert_eq!(total.value(&mut work).unwrap(), expected);
        }
    }

    #[test]
    fn each_product_is_work_unless_a_factor_is_0() {
        for count in [0, 1, 63, 64, 65, 1000] {
            let mut work = Work::new(1 << 20);
            let mut total = Total::new(Rational::ZERO);
            let (a, half) = (Rational::from(1), Rational::ratio(1, 2).unwrap());
            for _ in 0..count {
                total.add_product(&mut work, &a, &half).unwrap();
                total.add_product(&mut work, &Rational::ZERO, &half).unwrap();
                total.add_product(&mut work, &half, &Rational::ZERO).unwrap();
            }
            assert_eq!(total.value(&mut work).unwrap(), Rational::ratio(count, 2).unwrap());
            let done = (1 << 20) - work.left();
            // The sum itself is moved once.
            assert_eq!(
                done,
                u64::try_from(count).unwrap() * 2 * OPERATION + if count > 0 { OPERATION } else { 0 }
            );
        }
        let mut work = Work::new(1 << 13);
        let mut total = Total::new(Rational::ZERO);
        let failed = (0..1000).find(|_| total.add(&mut work, &Rational::ONE).is_err());
        assert_eq!(failed, Some(383), "it stops while it is at it");
    }
}
