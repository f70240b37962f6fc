//! Numbers that are exact, or known to within a radius (ball arithmetic, as in van der Hoeven, "Ball arithmetic", 2009): every
//! operation gives a ball that holds the true value. Knows no limits; see `work.rs` for those.

use std::ops::Neg;

use super::radius::Radius;
use convproof_exact::Rational;
use num_integer::Integer;

/// A number that lies within a radius of a rational one, and is that where the radius is 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ball {
    middle: Rational,
    radius: Radius,
}

impl Ball {
    /// The number 0.
    pub const ZERO: Self = Self { middle: Rational::ZERO, radius: Radius::ZERO };
    /// The number 1.
    pub const ONE: Self = Self { middle: Rational::ONE, radius: Radius::ZERO };

    /// What lies within a radius of a number; of the number no more is kept than is known.
    pub(super) fn new(middle: Rational, radius: Radius) -> Self {
        if radius.is_zero() || middle.as_small_parts().is_some_and(|(_, denominator)| denominator == 1) {
            return Self { middle, radius };
        }
        let places = radius.places();
        Self { middle: middle.floor_to(places), radius: radius.plus(Radius::unit(places)) }
    }

    /// What lies between two numbers.
    pub(super) fn between([low, high]: &[Rational; 2]) -> Self {
        Self::new(low.clone(), Radius::above(&(high - low)))
    }

    /// The rational number in the middle.
    pub fn middle(&self) -> &Rational {
        &self.middle
    }

    /// The number, where it is known.
    pub fn exact(&self) -> Option<&Rational> {
        self.is_exact().then_some(&self.middle)
    }

    /// Whether the number is known.
    #[inline]
    pub fn is_exact(&self) -> bool {
        self.radius.is_zero()
    }

    /// Whether it is known to be 0.
    #[inline]
    pub fn is_zero(&self) -> bool {
        self.is_exact() && self.middle.is_zero()
    }

    pub(super) fn radius(&self) -> Radius {
        self.radius
    }

    /// The least and the greatest that it may be; `None` if nothing is known.
    pub(super) fn ends(&self) -> Option<[Rational; 2]> {
        let radius = self.radius.value()?;
        Some([&self.middle - &radius, &self.middle + &radius])
    }

    /// Whether two numbers are known to differ by more than a bound.
    pub fn differs_by_more(&self, other: &Self, bound: &Rational) -> bool {
        if self == other {
            return bound.is_negative() && self.is_exact();
        }
        let difference = (&self.middle - &other.middle).abs();
        // Bounds that were proved are long fractions, which take less to compare than to subtract.
        let radius = || self.radius.plus(other.radius);
        difference > *bound && radius().value().is_some_and(|radius| difference - bound > radius)
    }

    /// How much two numbers differ at least.
    pub fn least_difference(&self, other: &Self) -> Rational {
        let difference = (&self.middle - &other.middle).abs();
        let radius = self.radius.plus(other.radius).value();
        radius.map_or(Rational::ZERO, |radius| (difference - radius).max(Rational::ZERO))
    }

    /// Whether two numbers are known to differ.
    pub fn differs(&self, other: &Self) -> bool {
        self.differs_by_more(other, &Rational::ZERO)
    }

    /// The magnitude.
    pub(super) fn abs(&self) -> Self {
        Self { middle: self.middle.abs(), radius: self.radius }
    }

    /// The larger one of two.
    pub(super) fn max(&self, other: &Self) -> Self {
        let (low, high) = if self.middle <= other.middle { (self, other) } else { (other, self) };
        // The larger one of two numbers is off by no more than the one that is farther off.
        let wider = |a: Radius, b: Radius| if a.is_at_least(b) { a } else { b };
        let clear = low.is_exact() && high.is_exact() || high.differs(low);
        let radius = if clear { high.radius } else { wider(low.radius, high.radius) };
        Self { middle: high.middle.clone(), radius }
    }

    /// The smaller one of two.
    pub(super) fn min(&self, other: &Self) -> Self {
        -&(-self).max(&-other)
    }

    /// The largest one of some.
    pub(super) fn largest<'b>(all: impl Iterator<Item = &'b Self>) -> Option<Self> {
        let mut largest: Option<Self> = None;
        for ball in all {
            match &mut largest {
                Some(so_far) if so_far.is_exact() && ball.is_exact() => {
                    if so_far.middle < ball.middle {
                        so_far.clone_from(ball);
                    }
                }
                Some(so_far) => *so_far = so_far.max(ball),
                None => largest = Some(ball.clone()),
            }
        }
        largest
    }

    /// How far a product is off at most.
    #[inline]
    pub(super) fn product_radius(&self, other: &Self) -> Radius {
        if self.is_exact() && other.is_exact() {
            return Radius::ZERO;
        }
        let [a, b] = [self, other].map(|ball| Radius::above(&ball.middle));
        a.times(other.radius).plus(b.times(self.radius)).plus(self.radius.times(other.radius))
    }

    /// The quotient; `None` where the divisor may be 0.
    pub(super) fn over(&self, divisor: &Self) -> Option<Self> {
        if self.is_exact() && divisor.is_exact() {
            return self.middle.checked_div(&divisor.middle).map(Self::from);
        }
        let least = divisor.middle.abs() - divisor.radius.value()?;
        if least <= Rational::ZERO {
            return None;
        }
        if self.is_zero() {
            return Some(Self::ZERO);
        }
        // With q = a/b in the middle, |a'/b' − q| = |(a' − a) − q(b' − b)| / |b'|.
        let quotient = Radius::above(&self.middle).over(&divisor.middle);
        let radius = self.radius.plus(quotient.times(divisor.radius)).over(&least);
        let places = radius.places();
        let numerator = self.middle.numerator() * divisor.middle.denominator();
        let denominator = self.middle.denominator() * divisor.middle.numerator();
        let middle = Rational::dyadic((numerator << places).div_floor(&denominator), places);
        Some(Self { middle, radius: radius.plus(Radius::unit(places)) })
    }

    /// The non-negative square root, where it is irrational known to a `2^-bits` part; `None` where it may not exist.
    pub(super) fn root(&self, bits: u32) -> Option<Self> {
        let [least, _] = self.ends()?;
        if least.is_negative() {
            return None;
        }
        if self.middle.is_zero() {
            return self.is_exact().then_some(Self::ZERO);
        }
        let (numerator, denominator) = (self.middle.numerator(), self.middle.denominator());
        // So many places that the integers have more than `bits` bits even where the value is small.
        let missing = denominator.bits().saturating_sub(numerator.bits()).div_ceil(2);
        let places = u64::from(bits) + missing + 1;
        let root = Rational::dyadic(((numerator << (2 * places)) / denominator).sqrt(), places);
        // |√x − √m| = |x − m| / (√x + √m).
        let radius = self.radius.over(&root).plus(Radius::unit(places));
        Some(Self::new(root, radius))
    }
}

impl From<Rational> for Ball {
    fn from(middle: Rational) -> Self {
        Self { middle, radius: Radius::ZERO }
    }
}

impl From<i64> for Ball {
    fn from(value: i64) -> Self {
        Rational::from(value).into()
    }
}

impl Neg for &Ball {
    type Output = Ball;
    fn neg(self) -> Ball {
        Ball { middle: -&self.middle, radius: self.radius }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A number, and a ball that holds it.
    fn held() -> impl Strategy<Value = (Rational, Ball)> {
        let small = || (-40..41_i64, 1..9_i64).prop_map(|(a, b)| Rational::ratio(a, b).unwrap());
        (small(), small(), 0..5_u32).prop_map(|(number, off, kind)| {
            let off = if kind == 0 { Rational::ZERO } else { off * Rational::dyadic(1.into(), 8 * kind) };
            let ball = Ball::new(&number + &off, Radius::above(&off));
            (number, ball)
        })
    }

    fn holds(ball: &Ball, number: &Rational) -> bool {
        let [low, high] = ball.ends().unwrap();
        low <= *number && *number <= high
    }

    proptest! {
        #[test]
        fn every_operation_holds_the_true_value((a, x) in held(), (b, y) in held()) {
            prop_assert!(holds(&x, &a) && holds(&y, &b));
            prop_assert!(holds(&x.abs(), &a.abs()) && holds(&-&x, &-&a));
            prop_assert!(holds(&x.max(&y), &a.clone().max(b.clone())));
            prop_assert!(holds(&x.min(&y), &a.clone().min(b.clone())));
            let product = Ball::new(x.middle() * y.middle(), x.product_radius(&y));
            prop_assert!(holds(&product, &(&a * &b)));
            if let Some(quotient) = x.over(&y) {
                prop_assert!(holds(&quotient, &a.checked_div(&b).unwrap()));
            }
            // The square of a number has it as its root.
            let square = Ball::new(x.middle() * x.middle(), x.product_radius(&x));
            if let Some(root) = square.root(40) {
                prop_assert!(holds(&root, &a.abs()));
            }
            let difference = (&a - &b).abs();
            prop_assert!(!x.differs_by_more(&y, &difference));
            prop_assert!(!x.differs(&y) || a != b);
            prop_assert_eq!(Ball::largest([&x, &y].into_iter()), Some(x.max(&y)));
        }
    }

    #[test]
    fn roots_are_as_close_as_asked_for() {
        for (square, bits) in [(2, 10), (3, 192), (1 << 40, 320), (1, 5)] {
            for over in [1, 3, 1 << 50] {
                let value = Rational::ratio(square, over).unwrap();
                let root = Ball::from(value.clone()).root(bits).unwrap();
                let [low, high] = root.ends().unwrap();
                assert!(&low * &low <= value && &high * &high >= value, "{value}");
                assert!(&high - &low <= &high * &Rational::dyadic(4.into(), bits), "{value} {bits}");
            }
        }
        assert_eq!(Ball::from(-1).root(9), None);
        assert_eq!(Ball::ZERO.root(9), Some(Ball::ZERO));
        let around = Ball::new(Rational::ONE, Radius::unit(0));
        assert!(around.root(9).is_some() && Ball::ONE.over(&around).is_none());
        let below = Ball::new(Rational::ONE, Radius::above(&Rational::from(2)));
        assert_eq!((below.root(9), Ball::ONE.over(&below), Ball::ZERO.over(&below)), (None, None, None));
        assert_eq!(Ball::ZERO.over(&Ball::new(Rational::ONE, Radius::unit(9))), Some(Ball::ZERO));
    }

    #[test]
    fn numbers_that_are_known_to_differ() {
        let near = Ball::new(Rational::ONE, Radius::unit(9));
        let half = Rational::ratio(1, 2).unwrap();
        assert!(near.differs(&Ball::ZERO) && !near.differs(&Ball::ONE) && !near.differs(&near));
        assert!(
            near.differs_by_more(&Ball::ZERO, &half) && !near.differs_by_more(&Ball::ZERO, &Rational::ONE)
        );
        assert!(
            Ball::ONE.differs_by_more(&Ball::ONE, &-&half)
                && !near.differs_by_more(&near, &-&Rational::dyadic(1.into(), 20_u32))
        );
    }
}
