//! Real numbers between two doubles: every operation rounds outward, so the true value is always inside.
//!
//! The rounding of IEEE 754 is to nearest, so the true result lies between the neighbours of the computed one
//! (`next_down`, `next_up`); that holds on every machine, and no rounding mode is set. The exponential is summed here
//! from its series, since the one of a system's library promises no digits.

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

    /// The smaller.
    #[must_use]
    pub fn minimum(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.min(other.high) }
    }

    /// The least one that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// The absolute value.
    #[must_use]
    pub fn magnitude(self) -> Self {
        if self.has_zero() {
            return Self { low: 0.0, high: self.high.max(-self.low) };
        }
        self.maximum(self.negated())
    }

    /// The exponential.
    #[must_use]
    pub fn exp(self) -> Self {
        Self { low: exp_point(self.low).low.max(0.0), high: exp_point(self.high).high }
    }

    /// `1 / (1 + e^(-x))`.
    #[must_use]
    pub fn sigmoid(self) -> Self {
        let result = Self::ONE.over(Self::ONE.plus(self.negated().exp()));
        Self { low: result.low.max(0.0), high: result.high.min(1.0) }
    }

    /// The hyperbolic tangent, `2·sigmoid(2x) − 1`.
    #[must_use]
    pub fn tanh(self) -> Self {
        let two = Self::point(2.0);
        two.times(two.times(self).sigmoid()).minus(Self::ONE)
    }

    /// The natural logarithm of what is positive of it.
    #[must_use]
    pub fn ln(self) -> Self {
        let low = if self.low > 0.0 { ln_point(self.low).low } else { f64::NEG_INFINITY };
        let high = if self.high > 0.0 { ln_point(self.high).high } else { f64::INFINITY };
        Self { low, high }
    }

    /// The error function.
    #[must_use]
    pub fn erf(self) -> Self {
        Self { low: erf_point(self.low).low, high: erf_point(self.high).high }
    }

    /// A number inside.
    pub fn middle(self) -> f64 {
        let middle = self.low / 2.0 + self.high / 2.0;
        if middle.is_finite() { middle } else { 0.0 }
    }

    /// The largest double that is certainly not above the distance between a number of each.
    pub fn apart(self, other: Self) -> f64 {
        down(self.low - other.high).max(down(other.low - self.high)).max(0.0)
    }
}

/// The exponential of one double: `(e^(x/2ᵏ))^(2ᵏ)` with `|x/2ᵏ| ≤ 1/4` by its series.
fn exp_point(x: f64) -> Enclosure {
    if x < -745.2 {
        return Enclosure { low: 0.0, high: f64::MIN_POSITIVE };
    }
    if x > 709.0 {
        return Enclosure { low: f64::MAX, high: f64::INFINITY };
    }
    let mut halvings = 0;
    let mut y = x;
    while y.abs() > 0.25 {
        // Exact: only the exponent changes, and y is not subnormal here.
        y /= 2.0;
        halvings += 1;
    }
    let y = Enclosure::point(y);
    let (mut sum, mut term) = (Enclosure::ONE, Enclosure::ONE);
    for n in 1..=16u32 {
        term = term.times(y).over(Enclosure::point(f64::from(n)));
        sum = sum.plus(term);
    }
    // What is left of the series is less than the last term.
    let rest = term.magnitude().high;
    sum = sum.plus(Enclosure { low: -rest, high: rest });
    for _ in 0..halvings {
        sum = sum.times(sum);
    }
    sum
}

/// The logarithm: Newton's step from the library's value `y` gives `ln x = y + ln(x/eʸ)`, and `t − t² ≤ ln(1+t) ≤ t`
/// for `|t| ≤ 1/2`.
fn ln_point(x: f64) -> Enclosure {
    if !x.is_finite() {
        return Enclosure::ALL;
    }
    let y = Enclosure::point(x.ln());
    let t = Enclosure::point(x).over(y.exp()).minus(Enclosure::ONE);
    if t.magnitude().high > 0.5 {
        return Enclosure::ALL;
    }
    let square = t.times(t);
    y.plus(Enclosure { low: t.minus(square).low, high: t.high })
}

/// The error function by its series `2/√π · Σ (−1)ⁿ x²ⁿ⁺¹ / (n! (2n+1))`; within 10⁻⁸ of ±1 from 4.2 on.
fn erf_point(x: f64) -> Enclosure {
    if x.is_nan() {
        return Enclosure { low: -1.0, high: 1.0 };
    }
    if x.abs() > 4.2 {
        let size = Enclosure { low: 1.0 - 1e-8, high: 1.0 };
        return if x > 0.0 { size } else { size.negated() };
    }
    let x = Enclosure::point(x);
    let square = x.times(x);
    let (mut power, mut sum) = (x, x);
    for n in 1..=96u32 {
        power = power.times(square).over(Enclosure::point(f64::from(n))).negated();
        sum = sum.plus(power.over(Enclosure::point(f64::from(2 * n + 1))));
    }
    // Alternating and falling: x² < n from the nineteenth term on.
    let rest = power.magnitude().high;
    sum = sum.plus(Enclosure { low: -rest, high: rest });
    // The constant is 2/√π rounded.
    let near = Enclosure::point(std::f64::consts::FRAC_2_SQRT_PI);
    let factor = Enclosure { low: near.low.next_down(), high: near.high.next_up() };
    let result = factor.times(sum);
    Enclosure { low: result.low.max(-1.0), high: result.high.min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrow_around(found: Enclosure, wanted: f64) {
        assert!(found.low <= wanted && wanted <= found.high, "{found:?} {wanted}");
        assert!(found.high - found.low <= 1e-12 * (1.0 + wanted.abs()), "{found:?}");
    }

    #[test]
    fn functions_enclose_known_values() {
        narrow_around(Enclosure::point(1.0).exp(), std::f64::consts::E);
        narrow_around(Enclosure::point(-3.5).exp(), 0.030_197_383_422_318_5);
        narrow_around(Enclosure::point(10.0).ln(), std::f64::consts::LN_10);
        narrow_around(Enclosure::point(0.5).erf(), 0.520_499_877_813_046_5);
        narrow_around(Enclosure::point(-2.0).erf(), -0.995_322_265_018_952_7);
        narrow_around(Enclosure::point(2.0).root(), std::f64::consts::SQRT_2);
        narrow_around(Enclosure::point(0.3).tanh(), 0.291_312_612_451_590_9);
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
