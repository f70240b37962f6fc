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
use crate::kernel::{Scalar, Spaced};
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

/// A product of a number as large as this and an element of 32 bits other than 0 is not subnormal.
const SAFE: f64 = 1e-240;

/// How many of the lowest bits of the mantissa are 0.
fn low_bits(value: f64) -> u32 {
    value.to_bits().trailing_zeros().min(52)
}

/// Whether a product was not rounded: so many low bits of its factors are 0 that it has no more than 53.
fn is_exact(a: f64, b: f64, product: f64) -> bool {
    let few = low_bits(a) + low_bits(b) >= 53 || low_bits(a) == 52 || low_bits(b) == 52;
    few && product.is_normal()
}

/// The sum as a double, and what that lacks; not a number where something overflows.
#[inline]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let back = sum - a;
    (sum, ((a - (sum - back)) + (b - back)).abs())
}

/// Adds the products of a number and floats with mantissas of so many bits, infinite ones too, to sums.
fn add_points<'s>(
    sums: impl Iterator<Item = &'s mut Ball>,
    a: &Ball,
    points: impl Iterator<Item = f64>,
    bits: u32,
) {
    // Whether no product is rounded is seen once: the floats have so few bits, and none is near underflow.
    if a.radius == 0.0 && low_bits(a.middle) >= bits && a.middle.abs() >= SAFE {
        for (sum, b) in sums.zip(points) {
            let (total, lost) = two_sum(sum.middle, a.middle * b);
            *sum = Ball { middle: total, radius: SLACK * (sum.radius + lost) };
        }
        return;
    }
    // What a product is off, as a multiple of the float.
    let off = SLACK * (a.radius + HALF_UNIT * a.middle.abs());
    for (sum, b) in sums.zip(points) {
        let (total, lost) = two_sum(sum.middle, a.middle * b);
        let least = if b == 0.0 { 0.0 } else { f64::MIN_POSITIVE };
        let radius = SLACK * (sum.radius + (off * b.abs() + least) + lost);
        *sum = Ball { middle: total, radius };
    }
}

/// The same with floats of so many bytes; nothing where there are too few. Neighbours are handled several at once.
fn add_spaced<const N: usize>(
    sums: &mut [Ball],
    to: Spaced,
    a: &Ball,
    (bytes, from): (&[u8], Spaced),
    (read, bits): (impl Fn([u8; N]) -> f64, u32),
) -> bool {
    let floats = bytes.as_chunks().0;
    let end = |places: Spaced| places.first + places.count.saturating_sub(1) * places.step;
    if from.step == 0 || to.step == 0 || end(from) >= floats.len() || end(to) >= sums.len() {
        return false;
    }
    let (sums, floats) = (&mut sums[to.first..], &floats[from.first..]);
    match (to.step, from.step) {
        (1, 1) => {
            let floats = floats[..from.count].iter().map(|&bytes| read(bytes));
            add_points(sums[..to.count].iter_mut(), a, floats, bits);
        }
        _ => {
            let floats = floats.iter().step_by(from.step).take(from.count).map(|&bytes| read(bytes));
            add_points(sums.iter_mut().step_by(to.step), a, floats, bits);
        }
    }
    true
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
        let (sum, lost) = two_sum(self.middle, product);
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

    fn add_stored(sums: &mut [Self], to: Spaced, a: &Self, tensor: &Tensor, from: Spaced) -> bool {
        match tensor.bytes() {
            Some((ElementType::Float32, bytes)) => {
                let read = |bytes| f32::from_le_bytes(bytes).into();
                add_spaced(sums, to, a, (bytes, from), (read, f32::MANTISSA_DIGITS))
            }
            Some((ElementType::Float16, bytes)) => {
                let read = |bytes| half(u16::from_le_bytes(bytes));
                add_spaced(sums, to, a, (bytes, from), (read, 11))
            }
            _ => false,
        }
    }

    fn elements(tensor: &Tensor, from: Spaced, to: &mut Vec<Self>) {
        to.extend(from.places().map(|place| match tensor.stored(place) {
            Some(value) => Self::point(value),
            None => Self::around(tensor.enclosure(place)),
        }));
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

    /// Sums of products with stored floats, one number times several elements at once.
    fn stored(element: ElementType, bytes: Vec<u8>, factors: &[Ball], count: usize) -> Vec<Ball> {
        let dims = vec![bytes.len() / element.size()];
        let tensor = Tensor::from(convproof_files::onnx::Array::new(dims, element, bytes.into()).unwrap());
        let mut sums = vec![Ball::zero(); 2 * count];
        for step in [1, 2] {
            let to = Spaced { first: 0, step, count };
            for (n, factor) in factors.iter().enumerate() {
                let from = Spaced { first: n, step, count };
                assert!(Ball::add_stored(&mut sums, to, factor, &tensor, from));
            }
            let beyond = Spaced { first: 0, step, count: tensor.len() + 1 };
            assert!(!Ball::add_stored(&mut sums, to, &factors[0], &tensor, beyond));
        }
        sums
    }

    #[test]
    fn products_with_stored_floats_are_those_one_by_one() {
        let floats = [0.1f32, -3.5, 1e-42, 0.0, 7.25e8, f32::MIN_POSITIVE, -0.7];
        let bytes: Vec<u8> = floats.iter().flat_map(|value| value.to_le_bytes()).collect();
        let wide = Ball { middle: 0.3, radius: 1e-9 };
        for factors in
            [[Ball::point(0.5), Ball::point(-3.0)], [Ball::point(0.1), Ball::point(1e-300)], [wide; 2]]
        {
            let sums = stored(ElementType::Float32, bytes.clone(), &factors, 3);
            let mut others = vec![Ball::zero(); 6];
            for step in [1, 2] {
                for (n, factor) in factors.iter().enumerate() {
                    for k in 0..3 {
                        others[k * step].add_product(factor, &Ball::point(floats[n + k * step].into()));
                    }
                }
            }
            for (sum, other) in sums.iter().zip(&others) {
                assert_eq!(sum.middle, other.middle);
                // No less is allowed for; as nothing where nothing is rounded.
                assert!(
                    sum.radius >= other.radius && (other.radius > 0.0 || sum.radius == 0.0),
                    "{sum:?} {other:?}"
                );
            }
        }
    }

    #[test]
    fn a_stored_float_that_is_not_finite_has_no_bound() {
        for (bits, factor) in [(0x7c00u16, 1.0), (0x7e00, 0.5), (0xfc00, -2.0)] {
            let bytes = [bits, 0x3c00, 0x3c00, bits].iter().flat_map(|bits| bits.to_le_bytes()).collect();
            let sums = stored(ElementType::Float16, bytes, &[Ball::point(factor)], 2);
            assert_eq!(sums[0].enclosure(), Enclosure::ALL);
            assert!(!Scalar::is_zero(&sums[0]) && !sums[0].distance(sums[0]).is_finite());
            assert_eq!(sums[2].enclosure(), Enclosure::point(factor));
        }
    }
}
