//! Ring and field operations of [`Rational`]; every intermediate of the small path fits in 128 bits.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Zero};

use super::{Rational, Repr, gcd};
use crate::budget;

impl Rational {
    /// The quotient; `None` when dividing by 0.
    pub fn checked_div(&self, divisor: &Self) -> Option<Self> {
        Some(self * &divisor.recip()?)
    }

    /// The reciprocal; `None` for 0.
    pub fn recip(&self) -> Option<Self> {
        match &self.0 {
            Repr::Small(0, _) => None,
            Repr::Small(n, d) => Some(Self::from_reduced_i128(
                i128::from(d.get()) * i128::from(n.signum()),
                i128::from(*n).abs(),
            )),
            Repr::Large(f) if self.is_negative() => {
                Some(Self::from_reduced(-f.denominator.clone(), -f.numerator.clone()))
            }
            Repr::Large(f) => Some(Self::from_reduced(f.denominator.clone(), f.numerator.clone())),
        }
    }

    /// The power `self^exponent` (0⁰ = 1); `None` if the result could be longer than
    /// [`Rational::MAX_POWER_BITS`].
    pub fn pow(&self, exponent: u32) -> Option<Self> {
        if let Some((n @ -1..=1, 1)) = self.as_small_parts() {
            let value = if exponent == 0 {
                1
            } else if exponent.is_multiple_of(2) {
                n * n
            } else {
                n
            };
            return Some(Self::from(value));
        }
        if self.bits().checked_mul(u64::from(exponent))? > Self::MAX_POWER_BITS {
            return None;
        }
        Some(Self::from_reduced(self.numerator().pow(exponent), self.denominator().pow(exponent)))
    }

    /// The non-negative square root where it is rational.
    pub fn exact_sqrt(&self) -> Option<Self> {
        if self.is_negative() {
            return None;
        }
        let (n, d) = (self.numerator(), self.denominator());
        let (p, q) = (n.sqrt(), d.sqrt());
        (&p * &p == n && &q * &q == d).then(|| Self::from_reduced(p, q))
    }

    /// `self + other`, or `self - other` if `negate`; Knuth, "Seminumerical Algorithms", 4.5.1.
    fn sum(&self, other: &Self, negate: bool) -> Self {
        match (&self.0, &other.0) {
            (Repr::Small(a, b), Repr::Small(c, d)) => {
                let (a, b) = (i128::from(*a), b.get());
                let (c, d) = (if negate { -i128::from(*c) } else { i128::from(*c) }, d.get());
                if b == 1 && d == 1 {
                    return Self::from_reduced_i128(a + c, 1);
                }
                let common = if b == d { b } else { b.gcd(&d) };
                // Both products are below 2¹²⁶ in magnitude.
                let total = a * i128::from(d / common) + c * i128::from(b / common);
                let rest = i128::from(common_divisor(total, common));
                Self::from_reduced_i128(total / rest, i128::from(b / common) * (i128::from(d) / rest))
            }
            _ => {
                self.spend_with(other);
                let c = if negate { -other.numerator() } else { other.numerator() };
                if let (Some(b), Some(d)) = (self.binary_places(), other.binary_places()) {
                    let places = b.max(d);
                    return Self::dyadic((self.numerator() << (places - b)) + (c << (places - d)), places);
                }
                let (b, d) = (self.denominator(), other.denominator());
                let common = if b == d { b.clone() } else { gcd(&b, &d) };
                let b = b / &common;
                let total = self.numerator() * (&d / &common) + c * &b;
                let rest = gcd(&total, &common);
                Self::from_reduced(total / &rest, b * (d / rest))
            }
        }
    }

    /// Takes what an operation on two long fractions takes, most of it for greatest common divisors.
    fn spend_with(&self, other: &Self) {
        let words = (self.bits() + other.bits()) / 64 + 4;
        budget::spend_on([words, words], 8);
    }

    fn product(&self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (Repr::Small(a, b), Repr::Small(c, d)) => {
                let (b, d) = (b.get(), d.get());
                if b == 1 && d == 1 {
                    return Self::from_reduced_i128(i128::from(*a) * i128::from(*c), 1);
                }
                let (ad, cb) = (common_divisor((*a).into(), d), common_divisor((*c).into(), b));
                Self::from_reduced_i128(
                    i128::from(a / ad) * i128::from(c / cb),
                    i128::from(b / cb) * i128::from(d / ad),
                )
            }
            _ if self.is_zero() || other.is_zero() => Self::ZERO,
            _ => {
                self.spend_with(other);
                if let (Some(b), Some(d)) = (self.binary_places(), other.binary_places()) {
                    return Self::dyadic(self.numerator() * other.numerator(), b + d);
                }
                let (a, b, c, d) =
                    (self.numerator(), self.denominator(), other.numerator(), other.denominator());
                let (ad, cb) = (unless_one(&a, &d), unless_one(&c, &b));
                Self::from_reduced(a / &ad * (c / &cb), b / cb * (d / ad))
            }
        }
    }
}

/// gcd of any integer and a positive one.
fn common_divisor(value: i128, positive: i64) -> i64 {
    if positive == 1 {
        return 1;
    }
    // A remainder by an i64 is an i64, and so is a divisor of one.
    let remainder = i64::try_from(value % i128::from(positive)).expect("remainder by an i64");
    remainder.gcd(&positive)
}

fn unless_one(value: &BigInt, positive: &BigInt) -> BigInt {
    if positive.is_one() { BigInt::one() } else { gcd(value, positive) }
}

impl Neg for &Rational {
    type Output = Rational;
    fn neg(self) -> Rational {
        match &self.0 {
            Repr::Small(n, d) => Rational(Repr::Small(-n, *d)),
            Repr::Large(f) => Rational::from_reduced(-f.numerator.clone(), f.denominator.clone()),
        }
    }
}

impl Neg for Rational {
    type Output = Rational;
    fn neg(self) -> Rational {
        -&self
    }
}

macro_rules! operators {
    ($($operator:ident $method:ident $assign:ident $assign_method:ident |$left:ident, $right:ident| $body:expr;)*) => {$(
        impl $operator for &Rational {
            type Output = Rational;
            fn $method(self, other: &Rational) -> Rational {
                let ($left, $right) = (self, other);
                $body
            }
        }
        impl $operator for Rational {
            type Output = Rational;
            fn $method(self, other: Rational) -> Rational {
                (&self).$method(&other)
            }
        }
        impl $operator<&Rational> for Rational {
            type Output = Rational;
            fn $method(self, other: &Rational) -> Rational {
                (&self).$method(other)
            }
        }
        impl $operator<Rational> for &Rational {
            type Output = Rational;
            fn $method(self, other: Rational) -> Rational {
                self.$method(&other)
            }
        }
        impl $assign<&Rational> for Rational {
            fn $assign_method(&mut self, other: &Rational) {
                *self = (&*self).$method(other);
            }
        }
        impl $assign for Rational {
            fn $assign_method(&mut self, other: Rational) {
                *self = (&*self).$method(&other);
            }
        }
    )*};
}

operators! {
    Add add AddAssign add_assign |a, b| a.sum(b, false);
    Sub sub SubAssign sub_assign |a, b| a.sum(b, true);
    Mul mul MulAssign mul_assign |a, b| a.product(b);
}

impl Zero for Rational {
    fn zero() -> Self {
        Self::ZERO
    }
    fn is_zero(&self) -> bool {
        Rational::is_zero(self)
    }
}

impl One for Rational {
    fn one() -> Self {
        Self::ONE
    }
}

impl Sum for Rational {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::ZERO, |total, value| total + value)
    }
}
