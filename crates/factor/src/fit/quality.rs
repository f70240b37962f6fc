//! How good a fit is known to be: what its residual and its certified lower bound say together.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::One;

use super::{Fit, LowerBound};
use convproof_exact::Rational;

/// How far above the least possible residual a fit may be and still be called optimal, unless told otherwise: 5 %.
pub const OPTIMAL: (i64, i64) = (1, 20);

/// How good a fit is known to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quality {
    /// The residual is 0.
    Exact,
    /// It is certified that no choice of factors has a residual smaller than this one divided by 1 + `within`.
    Certified {
        /// The share, rounded up to two digits; 0 if the bound is attained.
        within: Rational,
    },
    /// The best that the search found; nothing is known but that no residual is negative.
    Found,
}

impl Fit {
    /// What the residual and the bound say.
    pub fn quality(&self) -> Quality {
        match &self.lower_bound {
            _ if self.is_exact() => Quality::Exact,
            Some(LowerBound { squared, .. }) if !squared.is_zero() => {
                Quality::Certified { within: excess(&self.residual_squared, squared) }
            }
            _ => Quality::Found,
        }
    }
}

/// A number e with `above ≤ (1 + e)²·below`, rounded up to two digits, for `0 < below ≤ above`.
fn excess(above: &Rational, below: &Rational) -> Rational {
    if above <= below {
        return Rational::ZERO;
    }
    let (numerator, denominator) =
        (above.numerator() * below.denominator(), above.denominator() * below.numerator());
    // √(n/d) − 1 in units of 10^-15, rounded up.
    let unit = BigInt::from(10_u64.pow(15));
    let square = (numerator * &unit * &unit).div_ceil(&denominator);
    let floor = square.sqrt();
    let root = if &floor * &floor == square { floor } else { floor + 1_u32 };
    let (mut digits, mut power) = ((root - &unit).max(BigInt::one()), BigInt::one());
    while digits >= BigInt::from(100) {
        digits = digits.div_ceil(&BigInt::from(10));
        power *= 10;
    }
    Rational::new(digits * power, unit).unwrap_or(Rational::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_excess_is_rounded_up() {
        let ratio = |n, d| Rational::ratio(n, d).unwrap();
        assert_eq!(excess(&ratio(121, 100), &ratio(1, 1)), ratio(1, 10));
        assert_eq!(excess(&ratio(5, 7), &ratio(5, 7)), Rational::ZERO);
        assert_eq!(excess(&ratio(2, 1), &ratio(1, 1)), ratio(42, 100));
        // To the last of 15 digits, and to two digits.
        let unit = 10_i64.pow(15);
        assert_eq!(excess(&ratio(unit + 10, unit), &ratio(1, 1)), ratio(5, unit));
        let square = |n: i64| &ratio(unit + n, unit) * &ratio(unit + n, unit);
        assert_eq!(excess(&square(99), &ratio(1, 1)), ratio(99, unit));
        assert_eq!(excess(&square(101), &ratio(1, 1)), ratio(110, unit));
        assert_eq!(
            excess(&ratio(10_000_000_001, 1), &ratio(10_000_000_000, 1)),
            ratio(50, 1_000_000_000_000)
        );
    }
}
