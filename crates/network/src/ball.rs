//! Real numbers near a double: a middle and a radius, for sums of many products.
//!
//! Every operation adds to the radius what its rounding loses: of a sum that is a double, which is computed without
//! another rounding (Knuth's two-sum), of a product half a unit in the last place, at most `2⁻⁵³` of it, and `2⁻¹⁰⁷⁴`
//! where it is subnormal; nothing where its factors have so few bits that it has no more than 53. The sums of radii are
//! rounded too; each is multiplied by `1 + 2⁻⁵⁰`, which is more than its four roundings lose.

#![allow(
    clippy::float_arithmetic,
    reason = "every rounding is accounted for: what these bounds say is proved"
)]

use convproof_files::onnx::{ElementType, half};

use crate::enclosure::Enclosure;
use crate::kernel::Scalar;
use crate::number::{Number, Numbers};
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

/// Whether a product was not rounded: so many low bits of its factors are 0 that it has no more than 53.
fn is_exact(a: f64, b: f64, product: f64) -> bool {
    let low = |value: f64| value.to_bits().trailing_zeros().min(52);
    let few = low(a) + low(b) >= 53 || low(a) == 52 || low(b) == 52;
    few && product.is_normal()
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
        let sum = self.middle + product;
        let back = sum - self.middle;
        let lost = ((self.middle - (sum - back)) + (product - back)).abs();
        let spread = a.middle.abs() * b.radius + a.radius * (b.middle.abs() + b.radius);
        let points = a.radius == 0.0 && b.radius == 0.0;
        let rounding = if points && is_exact(a.middle, b.middle, product) {
            0.0
        } else {
            HALF_UNIT * product.abs() + f64::MIN_POSITIVE
        };
        self.middle = sum;
        self.radius = SLACK * (self.radius + spread + lost + rounding);
        // Not a number: an overflow somewhere.
        if !sum.is_finite() || self.radius.is_nan() {
            *self = Self::point(f64::INFINITY);
        }
    }

    fn elements(tensor: &Tensor, first: usize, step: usize, count: usize, to: &mut Vec<Self>) {
        let places = (0..count).map(|n| first + n * step);
        let missing = f64::INFINITY;
        match tensor.bytes() {
            Some((ElementType::Float32, bytes)) => to.extend(places.map(|place| {
                let stored = bytes.get(4 * place..4 * place + 4).and_then(|bytes| bytes.try_into().ok());
                Self::point(stored.map_or(missing, |bytes| f32::from_le_bytes(bytes).into()))
            })),
            Some((ElementType::Float16, bytes)) => to.extend(places.map(|place| {
                let stored = bytes.get(2 * place..2 * place + 2).and_then(|bytes| bytes.try_into().ok());
                Self::point(stored.map_or(missing, |bytes| half(u16::from_le_bytes(bytes))))
            })),
            _ => to.extend(places.map(|place| match tensor.stored(place) {
                Some(value) => Self::point(value),
                None => Self::around(tensor.enclosure(place)),
            })),
        }
    }

    fn of(number: &Number) -> Self {
        Self::around(number.enclosure())
    }

    fn of_several(numbers: &Numbers, place: usize) -> Self {
        numbers.enclosures().get(place).map_or(Self::point(f64::INFINITY), |&bounds| Self::around(bounds))
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
    fn what_is_not_rounded_has_no_radius() {
        let single = |value: f32| Ball::point(value.into());
        let mut ball = Ball::zero();
        ball.add_product(&single(0.1), &single(0.7));
        ball.add_product(&single(0.1), &single(-0.7));
        assert_eq!(ball, Ball::zero());
        ball.add_product(&Ball::point(0.1), &Ball::point(0.5));
        assert_eq!(ball, Ball::point(0.05));
        let mut rounded = Ball::zero();
        rounded.add_product(&Ball::point(0.1), &Ball::point(0.1));
        assert!(rounded.radius > 0.0);
        let mut summed = Ball::point(1.0);
        summed.add_product(&Ball::point(1e-20), &Ball::point(1.0));
        assert!(summed.radius >= 1e-20);
    }

    #[test]
    fn what_is_not_finite_has_no_bound() {
        let mut ball = Ball::zero();
        ball.add_product(&Ball::point(1e300), &Ball::point(1e300));
        assert_eq!(ball.enclosure(), Enclosure::ALL);
    }
}
