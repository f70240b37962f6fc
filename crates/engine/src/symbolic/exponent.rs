//! Exponents: polynomials in symbols that stand for whole numbers from 1. Tells signs where they are plain.

use std::cmp::Ordering;

use super::{Reading, Unread};
use convproof_exact::{Monomial, Poly, Rational};

/// A polynomial in whole numbers from 1.
pub type Exponent = Poly;

/// Highest degree of an exponent.
const MAX_DEGREE: u32 = 24;
/// Most terms of an exponent.
const MAX_TERMS: usize = 256;

/// A constant.
pub fn whole(n: i64) -> Exponent {
    Poly::constant(Rational::from(n))
}

/// The product, while it stays small.
///
/// # Errors
/// If it does not.
pub fn times(a: &Exponent, b: &Exponent) -> Reading<Exponent> {
    if a.degree() + b.degree() > MAX_DEGREE || a.terms().len() * b.terms().len() > MAX_TERMS {
        return Err(Unread("its sizes are polynomials of too high a degree"));
    }
    Ok(a * b)
}

/// Whether it is a polynomial with whole coefficients, so a whole number at all whole numbers.
pub fn is_whole(poly: &Poly) -> bool {
    poly.terms().iter().all(|(monomial, coefficient)| {
        coefficient.is_integer() && monomial.factors().iter().all(|(_, power)| *power > 0)
    })
}

/// Whether it is plainly at least `least` for all whole numbers from 1: with 1 + t in place of each symbol no
/// coefficient is negative.
pub fn is_at_least(poly: &Exponent, least: i64) -> bool {
    // Where it never falls, it is least at 1.
    let never_falls = |(monomial, c): &(Monomial, Rational)| {
        !c.is_negative() && monomial.factors().iter().all(|(_, power)| *power > 0)
            || monomial.factors().is_empty()
    };
    if poly.terms().iter().all(never_falls) {
        let at_one = poly.terms().iter().fold(Rational::ZERO, |sum, (_, c)| &sum + c);
        return at_one >= Rational::from(least);
    }
    let excess = poly - &whole(least);
    from_zero(&excess).is_some_and(|poly| poly.terms().iter().all(|(_, c)| !c.is_negative()))
}

/// With 1 + t in place of each symbol; `None` where that is no polynomial of a modest size.
fn from_zero(poly: &Poly) -> Option<Poly> {
    if poly.degree() > MAX_DEGREE {
        return None;
    }
    let mut sum = Poly::zero();
    for (monomial, coefficient) in poly.terms() {
        let mut product = Poly::constant(coefficient.clone());
        for &(symbol, power) in monomial.factors() {
            let base = Poly::one() + &Poly::symbol(symbol);
            product = &product * &base.pow(u32::try_from(power).ok()?);
            if product.terms().len() > MAX_TERMS {
                return None;
            }
        }
        sum = &sum + &product;
    }
    Some(sum)
}

/// Some order, to sort by.
pub fn order(a: &Poly, b: &Poly) -> Ordering {
    let key = |poly: &Poly| -> Vec<(Monomial, Rational)> { poly.terms().to_vec() };
    key(a).cmp(&key(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_exact::Symbol;

    #[test]
    fn signs_are_told_from_one_on() {
        let (p, q) = (Poly::symbol(Symbol(0)), Poly::symbol(Symbol(1)));
        assert!(is_at_least(&p, 1) && !is_at_least(&p, 2));
        assert!(is_at_least(&(&p * &q), 1));
        assert!(!is_at_least(&(&p - &q), 0) && !is_at_least(&(&q - &p), 0));
        assert!(is_at_least(&(&(&p * &q) - &p), 0));
        assert!(!is_at_least(&(&whole(0) - &p), 0));
    }

    #[test]
    fn fractions_are_not_whole() {
        let p = Poly::symbol(Symbol(0));
        assert!(is_whole(&p) && is_whole(&whole(-2)));
        assert!(!is_whole(&p.scaled(&Rational::ratio(1, 2).unwrap())));
        assert!(!is_whole(&p.reciprocal().unwrap()));
    }
}
