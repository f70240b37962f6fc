//! Real numbers near a double: a middle and a radius, for sums of many products.
//!
//! Every operation adds to the radius what its rounding may lose: half a unit in the last place of the result, at most
//! `2⁻⁵³` of it, and `2⁻¹⁰⁷⁴` where it is subnormal. The sums of radii are rounded too; each is multiplied by
//! `1 + 2⁻⁵⁰`, which is more than its four roundings lose.

#![allow(
    clippy::float_arithmetic,
    reason = "every rounding is accounted for: what these bounds say is proved"
)]

use crate::enclosure::Enclosure;
use crate::kernel::Scalar;
use crate::number::Number;
use crate::tensor::Tensor;

/// All numbers at most `radius` from `middle`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ball {
    middle: f64,
    radius: f64,
}

/// 2⁻⁵³.
const HALF_UNIT: f64 = f64::EPSILON / 2.0;
/// 1 + 2⁻⁵⁰.
const SLACK: f64 = 1.0 + 4.0 * f64::EPSILON;

impl Ball {
    /// Nothing but this number.
    fn point(middle: f64) -> Self {
        if middle.is_finite() {
            Self { middle, radius: 0.0 }
        } else {
            Self { middle: 0.0, radius: f64::INFINITY }
        }
    }

    fn around(bounds: Enclosure) -> Self {
        if bounds.low == bounds.high {
            return Self::point(bounds.low);
        }
        let middle = bounds.middle();
        let radius = (bounds.high - middle).max(middle - bounds.low);
        if radius.is_finite() { Self { middle, radius: radius * SLACK } } else { Self::point(f64::INFINITY) }
    }

    /// No smaller than the absolute value of any of its numbers.
    pub fn size(self) -> f64 {
        (self.middle.abs() + self.radius) * SLACK
    }

    /// No smaller than the distance between any of its numbers and any of another's.
    pub fn distance(self, other: Self) -> f64 {
        if self == other && self.radius == 0.0 {
            return 0.0;
        }
        ((self.middle - other.middle).abs() + self.radius + other.radius) * SLACK + f64::MIN_POSITIVE
    }

    /// Doubles around it.
    pub fn enclosure(self) -> Enclosure {
        if self.radius == 0.0 {
            return Enclosure::point(self.middle);
        }
        Enclosure::between((self.middle - self.radius).next_down(), (self.middle + self.radius).next_up())
    }
}

impl Scalar for Ball {
    fn zero() -> Self {
        Self { middle: 0.0, radius: 0.0 }
    }

    fn is_zero(&self) -> bool {
        self.middle == 0.0 && self.radius == 0.0
    }

    fn add_product(&mut self, a: &Self, b: &Self) {
        if Scalar::is_zero(b) {
            return;
        }
        let product = a.middle * b.middle;
        let exact = a.radius == 0.0 && b.radius == 0.0 && (a.middle == 1.0 || b.middle == 1.0);
        if exact && self.is_zero() {
            self.middle = product;
            return;
        }
        let sum = self.middle + product;
        let spread = a.middle.abs() * b.radius + a.radius * (b.middle.abs() + b.radius);
        let rounding = HALF_UNIT * (product.abs() + sum.abs()) + f64::MIN_POSITIVE;
        self.middle = sum;
        self.radius = SLACK * (self.radius + spread + rounding);
        // Not a number: an overflow somewhere.
        if !sum.is_finite() || self.radius.is_nan() {
            *self = Self::point(f64::INFINITY);
        }
    }

    fn element(tensor: &Tensor, place: usize) -> Self {
        match tensor.stored(place) {
            Some(value) => Self::point(value),
            None => Self::around(tensor.enclosure(place)),
        }
    }

    fn of(number: &Number) -> Self {
        Self::around(number.enclosure())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_exact::Rational;

    #[test]
    fn the_sum_is_inside() {
        let values = [0.1, -3.7, 1e-9, 123_456.789, -0.3];
        let mut ball = Ball::zero();
        let mut exact = Rational::ZERO;
        for a in values {
            for b in values {
                ball.add_product(&Ball::point(a), &Ball::point(b));
                exact = &exact + &(Rational::from_f64(a).unwrap() * Rational::from_f64(b).unwrap());
            }
        }
        let bounds = ball.enclosure();
        assert!(Rational::from_f64(bounds.low).unwrap() <= exact);
        assert!(Rational::from_f64(bounds.high).unwrap() >= exact);
        assert!(bounds.high - bounds.low < 1e-4);
        let mut tiny = Ball::zero();
        tiny.add_product(&Ball::point(1e-200), &Ball::point(1e-200));
        assert!(tiny.enclosure().high > 0.0);
    }

    #[test]
    fn what_is_not_finite_has_no_bound() {
        let mut ball = Ball::zero();
        ball.add_product(&Ball::point(1e300), &Ball::point(1e300));
        assert_eq!(ball.enclosure(), Enclosure::ALL);
    }
}
