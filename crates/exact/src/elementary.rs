//! Exponentials and what is made of them, between two rationals: interval arithmetic on fixed-point numbers.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use crate::Rational;

/// Binary places.
const PLACES: u32 = 512;

/// Arguments beyond this are not looked at.
const MOST: i64 = 64;

/// Arguments of the normal distribution beyond this are not looked at, so that its series is short.
const MOST_NORMAL: i64 = 8;

/// A real number between two multiples of `2^-PLACES`.
#[derive(Clone, Debug)]
struct Interval {
    low: BigInt,
    high: BigInt,
}

fn ceil_shift(value: &BigInt) -> BigInt {
    -((-value) >> PLACES)
}

impl Interval {
    fn of(value: &Rational) -> Self {
        let (numerator, denominator) = (value.numerator() << PLACES, value.denominator());
        Self { low: numerator.div_floor(&denominator), high: Integer::div_ceil(&numerator, &denominator) }
    }

    fn whole(value: i64) -> Self {
        let value = BigInt::from(value) << PLACES;
        Self { low: value.clone(), high: value }
    }

    fn plus(&self, other: &Self) -> Self {
        Self { low: &self.low + &other.low, high: &self.high + &other.high }
    }

    fn minus(&self, other: &Self) -> Self {
        Self { low: &self.low - &other.high, high: &self.high - &other.low }
    }

    fn times(&self, other: &Self) -> Self {
        let ends = [
            &self.low * &other.low,
            &self.low * &other.high,
            &self.high * &other.low,
            &self.high * &other.high,
        ];
        let [mut low, mut high] = [ends[0].clone(), ends[0].clone()];
        for end in &ends[1..] {
            if *end < low {
                low.clone_from(end);
            }
            if *end > high {
                high.clone_from(end);
            }
        }
        Self { low: low >> PLACES, high: ceil_shift(&high) }
    }

    /// By a positive whole number.
    fn over(&self, by: u32) -> Self {
        let by = BigInt::from(by);
        Self { low: self.low.div_floor(&by), high: Integer::div_ceil(&self.high, &by) }
    }

    /// The reciprocal of a positive number; `None` if it may not be one.
    fn recip(&self) -> Option<Self> {
        let one = BigInt::one() << (2 * PLACES);
        self.low
            .is_positive()
            .then(|| Self { low: one.div_floor(&self.high), high: Integer::div_ceil(&one, &self.low) })
    }

    /// Wider by a magnitude on both sides.
    fn widened(&self, by: &Self) -> Self {
        let most = by.low.abs().max(by.high.abs()) + 1;
        Self { low: &self.low - &most, high: &self.high + &most }
    }

    /// The square root of a positive number.
    fn sqrt(&self) -> Self {
        let root = |value: &BigInt| (value << PLACES).sqrt();
        Self { low: root(&self.low), high: root(&self.high) + 1 }
    }

    fn ends(&self) -> [Rational; 2] {
        [&self.low, &self.high].map(|end| Rational::dyadic(end.clone(), PLACES))
    }

    /// e to its power, for magnitudes up to about `MOST`².
    fn exp(&self) -> Self {
        const HALVINGS: u32 = 16;
        // Both ends by themselves, as e^x grows with x.
        let end = |value: &BigInt| {
            let point = Self { low: value.clone(), high: value.clone() };
            let small = Self { low: &point.low >> HALVINGS, high: (&point.high >> HALVINGS) + 1 };
            let (mut sum, mut term) = (Self::whole(1), Self::whole(1));
            for k in 1..=80 {
                term = term.times(&small).over(k);
                sum = sum.plus(&term);
            }
            // Magnitudes of |small| up to 1/4: the rest is less than the last term.
            let mut power = sum.widened(&term);
            for _ in 0..HALVINGS {
                power = power.times(&power);
            }
            power
        };
        Self { low: end(&self.low).low.max(BigInt::zero()), high: end(&self.high).high }
    }

    /// `1/(1 + e^-x)`.
    fn sigmoid(&self) -> Option<Self> {
        let power = Self::whole(0).minus(self).exp();
        Self::whole(1).plus(&power).recip()
    }

    /// `ln(1 + u)` for u from 0 to 1, by the series of the inverse hyperbolic tangent of u/(2 + u).
    fn log_one_plus(&self) -> Option<Self> {
        let z = self.times(&Self::whole(2).plus(self).recip()?);
        let square = z.times(&z);
        let (mut sum, mut power) = (z.clone(), z);
        for k in 1..=200_u32 {
            power = power.times(&square);
            sum = sum.plus(&power.over(2 * k + 1));
        }
        // z is at most 1/3, so that the rest is less than the last power.
        Some(sum.plus(&sum).widened(&power))
    }
}

/// π, by Machin's formula.
fn pi() -> Interval {
    let arctan = |of: u32| {
        let square = of * of;
        let mut power = Interval::whole(1).over(of);
        let mut sum = power.clone();
        for k in 1..=250_u32 {
            power = power.over(square);
            let term = power.over(2 * k + 1);
            sum = if k % 2 == 1 { sum.minus(&term) } else { sum.plus(&term) };
        }
        sum.widened(&power)
    };
    let times = |interval: &Interval, n: i64| interval.times(&Interval::whole(n));
    times(&arctan(5), 16).minus(&times(&arctan(239), 4))
}

fn within(x: &Rational, most: i64) -> Option<Interval> {
    (x.abs() <= Rational::from(most)).then(|| Interval::of(x))
}

/// What `1/(1 + e^-x)` lies between; `None` for large numbers.
pub fn sigmoid(x: &Rational) -> Option<[Rational; 2]> {
    Some(within(x, MOST)?.sigmoid()?.ends())
}

/// What the hyperbolic tangent lies between; `None` for large numbers.
pub fn tanh(x: &Rational) -> Option<[Rational; 2]> {
    let x = within(x, MOST)?;
    let half = x.plus(&x).sigmoid()?;
    Some(half.plus(&half).minus(&Interval::whole(1)).ends())
}

/// What `ln(1 + e^x)` lies between; `None` for large numbers.
pub fn softplus(x: &Rational) -> Option<[Rational; 2]> {
    let positive = Interval::of(&x.clone().max(Rational::ZERO));
    let power = within(&-x.abs(), MOST)?.exp();
    Some(positive.plus(&power.log_one_plus()?).ends())
}

/// What the distribution function of the normal distribution lies between; `None` for large numbers.
pub fn normal(x: &Rational) -> Option<[Rational; 2]> {
    let x = within(x, MOST_NORMAL)?;
    let square = x.times(&x);
    let (mut sum, mut term) = (x.clone(), x);
    for k in 1..=400_u32 {
        term = term.times(&square).over(2 * k + 1);
        sum = sum.plus(&term);
    }
    // x² is at most 64, so that the rest is less than the last term.
    let sum = sum.widened(&term);
    let density = Interval::whole(0).minus(&square).over(2).exp();
    let area = pi().plus(&pi()).sqrt().recip()?;
    let half = Interval::whole(1).over(2);
    Some(half.plus(&density.times(&area).times(&sum)).ends())
}

/// What `√(2/π)·(x + 0.044715·x³)` lies between: half the argument of the sigmoid that stands for a normal distribution in
/// the approximate GELU; `None` for large numbers.
pub fn gelu_argument(x: &Rational) -> Option<[Rational; 2]> {
    let cube = &(x * x) * x;
    let inner = x + &(&cube * &Rational::ratio(44_715, 1_000_000)?);
    let inner = within(&inner, MOST / 4)?;
    let factor = Interval::whole(2).times(&pi().recip()?).sqrt();
    Some(inner.times(&factor).ends())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The enclosure is narrow and near a value with 16 digits.
    fn near([low, high]: [Rational; 2], value: &str) {
        let value: Rational = value.parse().unwrap();
        assert!(low <= high);
        assert!((&high - &low) < Rational::dyadic(BigInt::one(), 300_u32));
        let most = &value * &Rational::ratio(1, 1_000_000_000_000_000).unwrap();
        assert!((&low - &value).abs() <= most, "{} {value}", low.to_decimal(20));
    }

    #[test]
    fn values_are_those_of_other_programs() {
        let ratio = |n, d| Rational::ratio(n, d).unwrap();
        near(sigmoid(&ratio(1, 1)).unwrap(), "0.7310585786300049");
        near(sigmoid(&ratio(-40, 1)).unwrap(), "4.248354255291589e-18");
        near(sigmoid(&ratio(0, 1)).unwrap(), "0.5");
        near(tanh(&ratio(1, 2)).unwrap(), "0.46211715726000975");
        near(softplus(&ratio(0, 1)).unwrap(), "0.6931471805599453");
        near(softplus(&ratio(3, 1)).unwrap(), "3.0485873515737423");
        near(softplus(&ratio(-3, 1)).unwrap(), "0.04858735157374206");
        near(normal(&ratio(1, 1)).unwrap(), "0.8413447460685429");
        near(normal(&ratio(-2, 1)).unwrap(), "0.02275013194817921");
        near(normal(&ratio(7, 1)).unwrap(), "0.9999999999987202");
        near(gelu_argument(&ratio(1, 1)).unwrap(), "0.8335619689391656");
        assert!(sigmoid(&ratio(65, 1)).is_none() && normal(&ratio(9, 1)).is_none());
    }
}
