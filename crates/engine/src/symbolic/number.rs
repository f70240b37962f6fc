//! Numbers that depend on sizes and free scalars: Laurent polynomials over products of polynomials that are never 0.

use super::exponent::{is_at_least, order, times, whole};
use super::{Reading, Unread};
use convproof_exact::{Poly, Rational};

/// `value / product of divisors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// The dividend.
    pub value: Poly,
    /// The divisors, sorted; each is at least 1 or at most −1 whatever the sizes.
    pub divisors: Vec<Poly>,
}

impl Number {
    /// A polynomial.
    pub fn of(value: Poly) -> Self {
        Self { value, divisors: Vec::new() }
    }

    /// The sum, or the difference.
    ///
    /// # Errors
    /// If it is too large.
    pub fn add(&self, other: &Self, minus: bool) -> Reading<Self> {
        let (mut a, mut b) = (self.clone(), other.clone());
        for divisor in missing(&a.divisors, &b.divisors) {
            a = a.expanded(divisor)?;
        }
        for divisor in missing(&b.divisors, &a.divisors) {
            b = b.expanded(divisor)?;
        }
        let value = if minus { &a.value - &b.value } else { &a.value + &b.value };
        Ok(Self { value, divisors: a.divisors })
    }

    fn expanded(mut self, divisor: Poly) -> Reading<Self> {
        self.value = times(&self.value, &divisor)?;
        self.divisors = merged(&self.divisors, &[divisor]);
        Ok(self)
    }

    /// The product.
    ///
    /// # Errors
    /// If it is too large.
    pub fn times(&self, other: &Self) -> Reading<Self> {
        let value = times(&self.value, &other.value)?;
        Ok(Self { value, divisors: merged(&self.divisors, &other.divisors) })
    }

    /// The quotient by a number whose value is never 0 and depends on sizes alone: `size` tells which symbols are.
    ///
    /// # Errors
    /// If that is not plain.
    pub fn over(&self, other: &Self, size: impl Fn(&Poly) -> bool) -> Reading<Self> {
        let divisor = &other.value;
        let negative = whole(0) - divisor;
        if !size(divisor) || !(is_at_least(divisor, 1) || is_at_least(&negative, 1)) {
            let constant = divisor.as_constant().filter(|c| !c.is_zero());
            let Some(inverse) = constant.and_then(|c| c.recip()) else {
                return Err(Unread("it divides by what may be 0 at some sizes, or by a free scalar"));
            };
            return self.times(&Self::of(Poly::constant(inverse)));
        }
        let mut quotient = match divisor.reciprocal() {
            Some(inverse) => self.times(&Self::of(inverse))?,
            None => Self {
                value: self.value.clone(),
                divisors: merged(&self.divisors, std::slice::from_ref(divisor)),
            },
        };
        for factor in &other.divisors {
            quotient.value = times(&quotient.value, factor)?;
        }
        Ok(quotient)
    }

    /// The power by a whole number.
    ///
    /// # Errors
    /// If it is too large.
    pub fn pow(&self, exponent: u32) -> Reading<Self> {
        if exponent > 16 {
            return Err(Unread("a power of a number is too high"));
        }
        (0..exponent).try_fold(Self::of(Poly::one()), |power, _| power.times(self))
    }

    /// Whether two numbers are the same.
    ///
    /// # Errors
    /// If their difference is too large.
    pub fn equals(&self, other: &Self) -> Reading<bool> {
        Ok(self.add(other, true)?.value.is_zero())
    }

    /// The value if nothing is divided by but in single terms.
    pub fn polynomial(&self) -> Option<&Poly> {
        self.divisors.is_empty().then_some(&self.value)
    }

    /// A constant.
    pub fn constant(&self) -> Option<Rational> {
        self.polynomial()?.as_constant()
    }
}

/// What of the second multiset is not in the first.
pub fn missing(have: &[Poly], want: &[Poly]) -> Vec<Poly> {
    let mut left = have.to_vec();
    let mut out = Vec::new();
    for poly in want {
        match left.iter().position(|own| own == poly) {
            Some(at) => {
                left.swap_remove(at);
            }
            None => out.push(poly.clone()),
        }
    }
    out
}

/// Both multisets together, sorted.
pub fn merged(a: &[Poly], b: &[Poly]) -> Vec<Poly> {
    let mut all: Vec<Poly> = a.iter().chain(b).cloned().collect();
    all.sort_by(order);
    all
}
