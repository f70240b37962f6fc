//! How far a number may be off: 32 bits and a power of two, always rounded up. Knows no numbers but rational ones.

use convproof_exact::Rational;
use num_bigint::BigInt;

/// Powers of two beyond this are not told apart.
const MAX_EXPONENT: i64 = 1 << 16;

/// An upper bound, `mantissa · 2^exponent`, with a mantissa of 32 bits unless it is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Radius {
    mantissa: u32,
    exponent: i32,
}

impl Radius {
    pub(super) const ZERO: Self = Self { mantissa: 0, exponent: 0 };
    /// Nothing is known.
    const INFINITE: Self = Self { mantissa: u32::MAX, exponent: i32::MAX };

    #[inline]
    pub(super) fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    pub(super) fn is_infinite(self) -> bool {
        self == Self::INFINITE
    }

    /// At least `value · 2^exponent`.
    fn up(value: u64, exponent: i64) -> Self {
        if value == 0 {
            return Self::ZERO;
        }
        let bits = 64 - i64::from(value.leading_zeros());
        let (mut mantissa, mut exponent) = if bits <= 32 {
            (value << (32 - bits), exponent - (32 - bits))
        } else {
            (value.div_ceil(1 << (bits - 32)), exponent + (bits - 32))
        };
        if mantissa >> 32 != 0 {
            (mantissa, exponent) = (mantissa >> 1, exponent + 1);
        }
        if exponent > MAX_EXPONENT {
            return Self::INFINITE;
        }
        let exponent = exponent.max(-MAX_EXPONENT);
        match (u32::try_from(mantissa), i32::try_from(exponent)) {
            (Ok(mantissa), Ok(exponent)) => Self { mantissa, exponent },
            _ => Self::INFINITE,
        }
    }

    /// At least `2^-places`.
    pub(super) fn unit(places: u64) -> Self {
        Self::up(1, i64::try_from(places).map_or(-MAX_EXPONENT, |places| -places))
    }

    /// At least the magnitude of a number.
    pub(super) fn above(value: &Rational) -> Self {
        if value.is_zero() {
            return Self::ZERO;
        }
        let (quotient, places) = value.leading();
        Self::up(quotient + 2, -places)
    }

    pub(super) fn plus(self, other: Self) -> Self {
        if self.is_zero() || other.is_zero() {
            return if self.is_zero() { other } else { self };
        }
        if self.is_infinite() || other.is_infinite() {
            return Self::INFINITE;
        }
        let (large, small) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let shift = large.exponent - small.exponent;
        if shift < 32 {
            Self::up((u64::from(large.mantissa) << shift) + u64::from(small.mantissa), small.exponent.into())
        } else {
            Self::up(u64::from(large.mantissa) + 1, large.exponent.into())
        }
    }

    pub(super) fn times(self, other: Self) -> Self {
        if self.is_zero() || other.is_zero() {
            return Self::ZERO;
        }
        if self.is_infinite() || other.is_infinite() {
            return Self::INFINITE;
        }
        let product = u64::from(self.mantissa) * u64::from(other.mantissa);
        Self::up(product, i64::from(self.exponent) + i64::from(other.exponent))
    }

    /// Whether it is no smaller than another.
    pub(super) fn is_at_least(self, other: Self) -> bool {
        // Mantissas have their highest bit set.
        let order = |radius: Self| (!radius.is_zero(), radius.exponent, radius.mantissa);
        other.is_zero() || order(self) >= order(other)
    }

    /// At least the quotient by the magnitude of a number other than 0.
    pub(super) fn over(self, divisor: &Rational) -> Self {
        let (quotient, places) = divisor.leading();
        if self.is_infinite() || quotient == 0 {
            return Self::INFINITE;
        }
        let shifted = u64::from(self.mantissa) << 31;
        Self::up(shifted.div_ceil(quotient), i64::from(self.exponent) - 31 + places)
    }

    /// The bound as a number; `None` where there is none.
    pub(super) fn value(self) -> Option<Rational> {
        if self.is_infinite() {
            return None;
        }
        let mantissa = BigInt::from(self.mantissa);
        Some(match u64::try_from(self.exponent) {
            Ok(exponent) => Rational::from(mantissa << exponent),
            Err(_) => Rational::dyadic(mantissa, self.exponent.unsigned_abs()),
        })
    }

    /// Binary places beyond which nothing of a number that is so far off is known.
    pub(super) fn places(self) -> u64 {
        if self.exponent < 0 { self.exponent.unsigned_abs().into() } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = Rational> {
        let part = || prop_oneof![-9..10_i64, any::<i64>()];
        (part(), part(), -300..300_i32).prop_map(|(a, b, shift)| {
            let ratio = Rational::ratio(a, b).unwrap_or(Rational::ONE);
            let power = Rational::from(BigInt::from(1) << shift.unsigned_abs());
            if shift < 0 { ratio.checked_div(&power).unwrap() } else { ratio * power }
        })
    }

    /// At least a number, and at most a little more.
    fn bounds(radius: Radius, exact: &Rational) -> bool {
        let value = radius.value().unwrap();
        value >= *exact && value <= exact * &(Rational::ONE + Rational::dyadic(1.into(), 28_u32))
    }

    proptest! {
        #[test]
        fn bounds_are_bounds_and_close(a in number(), b in number()) {
            let (a, b) = (a.abs(), b.abs());
            let [x, y] = [&a, &b].map(Radius::above);
            prop_assert!(bounds(x, &a) && bounds(y, &b));
            let [p, q] = [x, y].map(|radius| radius.value().unwrap());
            prop_assert!(bounds(x.plus(y), &(&p + &q)));
            prop_assert!(bounds(x.times(y), &(&p * &q)));
            if !b.is_zero() {
                prop_assert!(bounds(x.over(&b), &p.checked_div(&b).unwrap()));
            }
            prop_assert_eq!(x.is_zero(), a.is_zero());
        }
    }

    #[test]
    fn what_is_out_of_range_bounds_nothing_or_is_tiny() {
        let mut large = Radius::above(&Rational::from(7));
        let mut small = Radius::unit(9);
        for _ in 0..40 {
            (large, small) = (large.times(large), small.times(small));
        }
        assert!(large.is_infinite() && large.value().is_none() && large.plus(small).is_infinite());
        assert_eq!(small.value().unwrap(), Rational::dyadic((1_u64 << 31).into(), 1_u64 << 16));
        assert!(!small.is_zero() && small.times(large).is_infinite() && large.times(Radius::ZERO).is_zero());
    }
}
