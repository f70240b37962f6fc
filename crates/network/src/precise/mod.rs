//! Real numbers near one with a mantissa of 256 bits: a middle, and how far from it they are at most.
//!
//! Bounds of a deep network in doubles are wider than what they are computed for: each layer makes them wider by the sum
//! of its weights' sizes over what these sum to, and the product over all layers was seen to be up to 10⁴⁹. With 77 digits
//! something is left. A radius is a double that is rounded up: each operation on radii is followed by a factor that is
//! more than its roundings lose.

#![allow(clippy::float_arithmetic, reason = "radii and bounds, which are rounded outward")]

mod dot;
mod float;
mod functions;

use std::cmp::Ordering;

use convproof_exact::Rational;

use crate::enclosure::Enclosure;
pub use dot::{Factors, NumberGroups, Sum};
use float::Float;

/// All numbers at most a radius from a middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Precise {
    middle: Float,
    radius: f64,
}

/// 1 + 2⁻⁵⁰.
const SLACK: f64 = 1.0 + 4.0 * f64::EPSILON;

/// A sum of radii.
fn sum(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { a + b } else { (a + b) * SLACK }
}

/// A product of radii, which does not vanish.
fn product(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { (a * b) * SLACK + f64::MIN_POSITIVE }
}

/// A quotient of bounds from above; no bound where the divisor is none.
fn quotient(a: f64, b: f64) -> f64 {
    match () {
        () if a == 0.0 => 0.0,
        () if b > 0.0 => a / b * SLACK + f64::MIN_POSITIVE,
        () => f64::INFINITY,
    }
}

impl Precise {
    /// Nothing but 0.
    pub const ZERO: Self = Self { middle: Float::ZERO, radius: 0.0 };
    /// Nothing but 1.
    pub const ONE: Self = Self { middle: Float::ONE, radius: 0.0 };
    /// No bound at all.
    pub const ALL: Self = Self { middle: Float::ZERO, radius: f64::INFINITY };

    /// Nothing but this number; without bound if it is not finite.
    pub fn point(value: f64) -> Self {
        if value.is_finite() { Self { middle: Float::of_double(value), radius: 0.0 } } else { Self::ALL }
    }

    /// An integer.
    pub fn whole(value: i64) -> Self {
        Self { middle: Float::of_integer(value), radius: 0.0 }
    }

    /// A fraction of numbers of machine size; others are not known.
    pub fn of_rational(value: &Rational) -> Self {
        let parts = value.as_small_parts();
        parts.map_or(Self::ALL, |(numerator, denominator)| {
            Self::whole(numerator).over(Self::whole(denominator))
        })
    }

    /// The numbers of an enclosure.
    pub fn around(bounds: Enclosure) -> Self {
        if !bounds.is_finite() {
            return Self::ALL;
        }
        let half = |value: f64| Self { middle: Float::of_double(value).scaled(-1), radius: 0.0 };
        let middle = half(bounds.low).plus(half(bounds.high));
        let reach = half(bounds.high).minus(half(bounds.low)).most();
        middle.within(reach)
    }

    /// The middle and a number of this size or less.
    fn within(self, radius: f64) -> Self {
        Self { radius: if radius.is_nan() { f64::INFINITY } else { sum(self.radius, radius) }, ..self }
    }

    /// Bounds in doubles.
    pub fn enclosure(self) -> Enclosure {
        let [least, most] = self.middle.size();
        if !most.is_finite() || !self.radius.is_finite() {
            return Enclosure::ALL;
        }
        let (low, high) = if self.middle.is_negative() { (-most, -least) } else { (least, most) };
        if self.radius == 0.0 {
            return Enclosure::between(low, high);
        }
        Enclosure::between((low - self.radius).next_down(), (high + self.radius).next_up())
    }

    /// The integer that it is nothing but.
    pub fn as_integer(self) -> Option<i64> {
        if self.radius == 0.0 { self.enclosure().whole() } else { None }
    }

    /// Whether both bounds are finite.
    pub fn is_finite(self) -> bool {
        self.radius.is_finite()
    }

    /// No smaller than the absolute value of any of its numbers.
    pub fn most(self) -> f64 {
        sum(self.middle.size()[1], self.radius)
    }

    /// No larger than the absolute value of any of its numbers.
    pub fn least(self) -> f64 {
        ((self.middle.size()[0] - self.radius) / SLACK).next_down().max(0.0)
    }

    /// How two numbers compare, where that is certain.
    pub fn compared(self, other: Self) -> Option<Ordering> {
        let difference = self.minus(other);
        if difference.middle.is_zero() && difference.radius == 0.0 {
            return Some(Ordering::Equal);
        }
        let sign = if difference.middle.is_negative() { Ordering::Less } else { Ordering::Greater };
        (difference.least() > 0.0).then_some(sign)
    }

    /// The largest double that is certainly not above the distance between a number of each.
    pub fn apart(self, other: Self) -> f64 {
        self.minus(other).least()
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let (middle, error) = self.middle.plus(&other.middle);
        Self { middle, radius: sum(sum(self.radius, other.radius), error) }
    }

    /// The negative.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { middle: self.middle.negated(), ..self }
    }

    /// The difference.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.plus(other.negated())
    }

    /// The product.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let (middle, error) = self.middle.times(&other.middle);
        let mut radius = error;
        if self.radius > 0.0 && !(other.middle.is_zero() && other.radius == 0.0) {
            radius = sum(radius, product(self.radius, other.most()));
        }
        if other.radius > 0.0 && !self.middle.is_zero() {
            radius = sum(radius, product(other.radius, self.middle.size()[1]));
        }
        Self { middle, radius }
    }

    /// The quotient by a small number that is not 0.
    #[must_use]
    fn over_small(self, divisor: u32) -> Self {
        let (middle, error) = self.middle.over_small(divisor);
        Self { middle, radius: quotient(self.radius, divisor.into()) }.within(error)
    }

    /// One over it; without bound where 0 is inside.
    #[must_use]
    pub fn reciprocal(self) -> Self {
        if self.least() <= 0.0 || !self.is_finite() {
            return Self::ALL;
        }
        // Newton's steps from a double, for the mantissa alone.
        let exponent = self.middle.exponent();
        let own = Self { middle: self.middle.scaled(-exponent), radius: 0.0 };
        let mut found = Self::point(1.0 / own.enclosure().middle());
        for _ in 0..3 {
            let rest = Self::ONE.minus(own.times(found));
            found = found.plus(found.times(rest)).centre();
        }
        // |1/d − x| = |1 − d·x|/|d|.
        let rest = Self::ONE.minus(own.times(found)).most();
        let near = found.within(quotient(rest, own.least()));
        let result = near.moved(-exponent);
        // |1/x − 1/m| = |x − m|/(|x|·|m|).
        result.within(quotient(quotient(self.radius, self.least()), self.middle.size()[0]))
    }

    /// Times a power of two.
    fn moved(self, exponent: i32) -> Self {
        Self {
            middle: self.middle.scaled(exponent),
            radius: product(self.radius, float::power_of_two(exponent)),
        }
    }

    /// The middle alone.
    fn centre(self) -> Self {
        Self { radius: 0.0, ..self }
    }

    /// The quotient.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        if other == Self::ONE { self } else { self.times(other.reciprocal()) }
    }

    /// The square root of what is not negative of it.
    #[must_use]
    pub fn root(self) -> Self {
        if self == Self::ZERO {
            return self;
        }
        if self.middle.is_negative() || self.least() <= 0.0 || !self.is_finite() {
            // Not known closely: between 0 and the root of the upper bound.
            return Self::around(self.enclosure().root());
        }
        let half = self.middle.exponent().div_euclid(2);
        let own = Self { middle: self.middle.scaled(-2 * half), radius: 0.0 };
        let mut found = Self::point(own.enclosure().middle().sqrt());
        for _ in 0..3 {
            found = found.plus(own.over(found)).moved(-1).centre();
        }
        // |y − √m| = |y² − m|/(y + √m).
        let rest = found.times(found).minus(own).most();
        let near = found.within(quotient(rest, found.least())).moved(half);
        // |√x − √m| ≤ |x − m|/√m.
        near.within(quotient(self.radius, near.least()))
    }

    /// The larger.
    #[must_use]
    pub fn maximum(self, other: Self) -> Self {
        match self.compared(other) {
            Some(Ordering::Less) => other,
            Some(_) => self,
            None => {
                let larger = if self.minus(other).middle.is_negative() { other } else { self };
                Self { radius: self.radius.max(other.radius), ..larger }
            }
        }
    }

    /// The smaller.
    #[must_use]
    pub fn minimum(self, other: Self) -> Self {
        self.negated().maximum(other.negated()).negated()
    }

    /// Numbers that hold both and all between them.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        self.plus(other).moved(-1).within(self.minus(other).moved(-1).most())
    }

    /// The absolute value.
    #[must_use]
    pub fn magnitude(self) -> Self {
        if self.middle.is_negative() { self.negated() } else { self }
    }

    /// The values of a function that rises in steps, where both bounds are on one of them.
    #[must_use]
    pub fn stepped(self, step: impl Fn(f64) -> f64) -> Self {
        let bounds = self.enclosure();
        if bounds.is_finite() {
            Self::around(Enclosure::between(step(bounds.low), step(bounds.high)))
        } else {
            Self::ALL
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_exact::SplitMix64;

    fn rational(float: f64) -> Rational {
        Rational::from_f64(float).unwrap()
    }

    /// Doubles of very different sizes.
    fn draw(random: &mut SplitMix64) -> f64 {
        let exponent = (random.next_u64() % 80) as i32 - 40;
        let mantissa = (random.next_u64() >> 11) as f64 * 2f64.powi(-53) - 0.5;
        mantissa * 2f64.powi(exponent)
    }

    #[test]
    fn results_are_within_the_radius_of_exact_ones() {
        let mut random = SplitMix64::new(5);
        for _ in 0..2_000 {
            let [a, b, c] = [(); 3].map(|()| draw(&mut random));
            let own = Precise::point(a).times(Precise::point(b)).plus(Precise::point(c));
            let exact = rational(a) * rational(b) + rational(c);
            let bounds = own.enclosure();
            assert!(rational(bounds.low) <= exact && exact <= rational(bounds.high), "{a} {b} {c}");
            // As narrow as doubles can be, whatever cancels.
            assert!(
                bounds.high - bounds.low <= 4.0 * f64::EPSILON * bounds.high.abs(),
                "{a} {b} {c}: {bounds:?}"
            );
            let back = own.minus(Precise::point(c)).over(Precise::point(a));
            assert!(back.apart(Precise::point(b)) == 0.0, "{a} {b} {c}");
            assert!(back.minus(Precise::point(b)).most() <= 1e-40, "{a} {b} {c}");
            let root = own.magnitude().root();
            assert!(root.times(root).apart(own.magnitude()) == 0.0);
            assert!(root.times(root).minus(own.magnitude()).most() <= 1e-60 * own.most().max(1.0));
        }
    }

    #[test]
    fn what_is_large_and_small_at_once_keeps_its_digits() {
        let tiny = Precise::point(2f64.powi(-200));
        let sum = Precise::ONE.plus(tiny).minus(Precise::whole(1));
        assert_eq!(sum.compared(tiny), Some(Ordering::Equal));
        let lost = Precise::ONE.plus(Precise::point(2f64.powi(-300))).minus(Precise::whole(1));
        assert!(lost.most() > 0.0 && lost.least() == 0.0);
        let third = Precise::ONE.over(Precise::whole(3));
        assert_eq!(third.plus(third).plus(third).compared(Precise::whole(1)), None);
        assert!(Precise::ONE.over(third).minus(Precise::whole(3)).most() < 1e-70);
        assert!(!Precise::ONE.over(Precise::ZERO).is_finite());
        let mut power = Precise::point(1e300);
        for _ in 0..40 {
            power = power.times(power);
        }
        assert!(!power.is_finite());
        let mut power = Precise::point(1e-300);
        for _ in 0..40 {
            power = power.times(power);
        }
        assert!(power.apart(Precise::ZERO) == 0.0 && power.most() < 1e-300);
    }

    #[test]
    fn intervals_are_inside() {
        let wide = Precise::around(Enclosure { low: -1.0, high: 3.0 });
        assert!(wide.times(wide).most() >= 9.0);
        assert!(!wide.reciprocal().is_finite());
        let above = wide.maximum(Precise::ZERO).enclosure();
        assert!(above.low <= 0.0 && above.high >= 3.0);
        let root = wide.root().enclosure();
        assert!(root.low <= 0.0 && root.high >= 3f64.sqrt());
        let narrow = Precise::around(Enclosure { low: 3.9, high: 4.1 });
        let (root, inverse) = (narrow.root().enclosure(), narrow.reciprocal().enclosure());
        assert!(root.low <= 3.9f64.sqrt() && root.high >= 4.1f64.sqrt() && root.high - root.low < 0.11);
        assert!(inverse.low <= 1.0 / 4.1 && inverse.high >= 1.0 / 3.9 && inverse.high - inverse.low < 0.014);
    }
}
