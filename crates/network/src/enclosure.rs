//! Real numbers between two doubles: every operation rounds outward, so the true value is always inside.
//!
//! The rounding of IEEE 754 is to nearest, so the true result lies between the neighbours of the computed one
//! (`next_down`, `next_up`); that holds on every machine, and no rounding mode is set. Functions that have a series are in
//! `precise/`.

#![allow(clippy::float_arithmetic, reason = "rounded outward: what these bounds say is proved")]

use convproof_exact::Rational;

/// All numbers from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Enclosure {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

fn down(x: f64) -> f64 {
    if x.is_nan() { f64::NEG_INFINITY } else { x.next_down() }
}

fn up(x: f64) -> f64 {
    if x.is_nan() { f64::INFINITY } else { x.next_up() }
}

impl Enclosure {
    /// Nothing but 0.
    pub const ZERO: Self = Self { low: 0.0, high: 0.0 };
    /// Nothing but 1.
    pub const ONE: Self = Self { low: 1.0, high: 1.0 };
    /// No bound at all.
    pub const ALL: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };

    /// Nothing but this number; without bound if it is not finite.
    pub fn point(value: f64) -> Self {
        if value.is_finite() { Self { low: value, high: value } } else { Self::ALL }
    }

    /// The numbers between two bounds.
    pub fn between(low: f64, high: f64) -> Self {
        if low <= high { Self { low, high } } else { Self::ALL }
    }

    /// The narrowest doubles around a rational.
    pub fn of_rational(value: &Rational) -> Self {
        let near = value.to_f64();
        match Rational::from_f64(near) {
            Some(found) if found == *value => Self::point(near),
            // Two steps each way: the conversion is off by less than one.
            Some(_) => Self { low: near.next_down().next_down(), high: near.next_up().next_up() },
            None => Self::ALL,
        }
    }

    /// Whether it is nothing but 0.
    pub fn is_zero(self) -> bool {
        self.low == 0.0 && self.high == 0.0
    }

    /// Whether 0 is inside.
    pub fn has_zero(self) -> bool {
        self.low <= 0.0 && self.high >= 0.0
    }

    /// The whole number that it is nothing but.
    pub fn whole(self) -> Option<i64> {
        let small =
            self.low == self.high && self.low.fract() == 0.0 && self.low.abs() <= 9_007_199_254_740_992.0;
        if small { format!("{:.0}", self.low).parse().ok() } else { None }
    }

    /// Whether both bounds are finite.
    pub fn is_finite(self) -> bool {
        self.low.is_finite() && self.high.is_finite()
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        if self.is_zero() {
            return other;
        }
        if other.is_zero() {
            return self;
        }
        Self { low: down(self.low + other.low), high: up(self.high + other.high) }
    }

    /// The negative.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { low: -self.high, high: -self.low }
    }

    /// The difference.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.plus(other.negated())
    }

    /// The product.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        if self.is_zero() || other.is_zero() {
            return Self::ZERO;
        }
        if other == Self::ONE {
            return self;
        }
        if self == Self::ONE {
            return other;
        }
        let (a, b) = (self.low * other.low, self.low * other.high);
        let (c, d) = (self.high * other.low, self.high * other.high);
        if (a + b + c + d).is_nan() {
            return Self::ALL;
        }
        Self { low: down(a.min(b).min(c.min(d))), high: up(a.max(b).max(c.max(d))) }
    }

    /// One over it; without bound where 0 is inside.
    #[must_use]
    pub fn reciprocal(self) -> Self {
        if self.has_zero() {
            return Self::ALL;
        }
        Self { low: down(1.0 / self.high), high: up(1.0 / self.low) }
    }

    /// The quotient.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        self.times(other.reciprocal())
    }

    /// The square root of what is not negative of it.
    #[must_use]
    pub fn root(self) -> Self {
        if self.high < 0.0 {
            return Self::ALL;
        }
        Self { low: down(self.low.max(0.0).sqrt()).max(0.0), high: up(self.high.sqrt()) }
    }

    /// The larger.
    #[must_use]
    pub fn maximum(self, other: Self) -> Self {
        Self { low: self.low.max(other.low), high: self.high.max(other.high) }
    }

    /// The absolute value.
    #[must_use]
    pub fn magnitude(self) -> Self {
        if self.has_zero() {
            return Self { low: 0.0, high: self.high.max(-self.low) };
        }
        self.maximum(self.negated())
    }

    /// A number inside.
    pub fn middle(self) -> f64 {
        let middle = self.low / 2.0 + self.high / 2.0;
        if middle.is_finite() { middle } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrow_around(found: Enclosure, wanted: f64) {
        assert!(found.low <= wanted && wanted <= found.high, "{found:?} {wanted}");
        assert!(found.high - found.low <= 1e-12 * (1.0 + wanted.abs()), "{found:?}");
    }

    #[test]
    fn roots_enclose_known_values() {
        narrow_around(Enclosure::point(2.0).root(), std::f64::consts::SQRT_2);
    }

    #[test]
    fn bounds_are_outside_the_exact_result() {
        let third = Enclosure::ONE.over(Enclosure::point(3.0));
        let exact = Rational::ratio(1, 3).unwrap();
        assert!(Rational::from_f64(third.low).unwrap() < exact);
        assert!(Rational::from_f64(third.high).unwrap() > exact);
        assert_eq!(Enclosure::point(f64::NAN), Enclosure::ALL);
        assert_eq!(Enclosure { low: -1.0, high: 1.0 }.reciprocal(), Enclosure::ALL);
    }
}
