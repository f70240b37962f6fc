//! Exact rational numbers with a machine-word fast path. Knows no floats except as exact dyadic values
//! (see `text.rs` for text, decimals and conversions).

mod arithmetic;
mod text;

use std::cmp::Ordering;
use std::num::NonZeroI64;

use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

pub use text::ParseRationalError;

/// An exact rational number in lowest terms.
///
/// The representation is canonical, so `==` and `Hash` are mathematical equality.
///
/// ```
/// use convproof_exact::Rational;
/// let x: Rational = "0.25".parse().unwrap();
/// assert_eq!(x, Rational::ratio(1, 4).unwrap());
/// assert_eq!((&x - &Rational::from(2)).to_string(), "-7/4");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Rational(Repr);

/// `Small` whenever |numerator| and denominator are at most `i64::MAX`, else `Large`; both in lowest terms
/// with a positive denominator. Leaving out `i64::MIN` keeps negation and reciprocal inside `Small`.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Small(i64, NonZeroI64),
    Large(Box<Fraction>),
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Fraction {
    numerator: BigInt,
    denominator: BigInt,
}

const UNIT: NonZeroI64 = NonZeroI64::new(1).expect("1 is not 0");

impl Rational {
    /// The number 0.
    pub const ZERO: Self = Self(Repr::Small(0, UNIT));
    /// The number 1.
    pub const ONE: Self = Self(Repr::Small(1, UNIT));
    /// [`Rational::pow`] refuses results whose numerator or denominator could be longer than this many bits.
    pub const MAX_POWER_BITS: u64 = 1 << 17;

    /// `numerator / denominator` in lowest terms; `None` if the denominator is 0.
    pub fn new(numerator: BigInt, denominator: BigInt) -> Option<Self> {
        if denominator.is_zero() {
            return None;
        }
        if let (Some(n), Some(d)) = (numerator.to_i64(), denominator.to_i64()) {
            return Self::ratio(n, d);
        }
        let common = gcd(&numerator, &denominator);
        let (mut n, mut d) = if common.is_one() {
            (numerator, denominator)
        } else {
            (numerator / &common, denominator / &common)
        };
        if d.is_negative() {
            (n, d) = (-n, -d);
        }
        Some(Self::from_reduced(n, d))
    }

    /// `numerator / 2^bits`.
    pub fn dyadic(numerator: BigInt, bits: impl Into<u64>) -> Self {
        let bits = bits.into();
        let common = numerator.trailing_zeros().map_or(bits, |zeros| zeros.min(bits));
        Self::from_reduced(numerator >> common, BigInt::one() << (bits - common))
    }

    /// `numerator / denominator` in lowest terms; `None` if the denominator is 0.
    pub fn ratio(numerator: i64, denominator: i64) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        if denominator > 0 && denominator & (denominator - 1) == 0 {
            // Floats are such numbers; a greatest common divisor would take most of the time of reading them.
            let twos = numerator.trailing_zeros().min(denominator.trailing_zeros());
            let (n, d) = (numerator >> twos, denominator >> twos);
            if let (Some(n), Some(d)) = (small(Some(n)), NonZeroI64::new(d)) {
                return Some(Self(Repr::Small(n, d)));
            }
            return Some(Self::from_reduced_i128(n.into(), d.into()));
        }
        let (n, d) = (numerator.unsigned_abs(), denominator.unsigned_abs());
        let common = n.gcd(&d);
        let sign = numerator.signum() * denominator.signum();
        let (n, d) = (n / common, d / common);
        if let (Ok(n), Some(d)) = (i64::try_from(n), i64::try_from(d).ok().and_then(NonZeroI64::new)) {
            return Some(Self(Repr::Small(sign * n, d)));
        }
        Some(Self::from_reduced_i128(i128::from(sign) * i128::from(n), d.into()))
    }

    /// A value already in lowest terms with a positive denominator.
    fn from_reduced(numerator: BigInt, denominator: BigInt) -> Self {
        if let (Some(n), Some(d)) =
            (small(numerator.to_i64()), denominator.to_i64().and_then(NonZeroI64::new))
        {
            return Self(Repr::Small(n, d));
        }
        Self(Repr::Large(Box::new(Fraction { numerator, denominator })))
    }

    /// A value already in lowest terms with a positive denominator.
    fn from_reduced_i128(numerator: i128, denominator: i128) -> Self {
        let narrow =
            (small(i64::try_from(numerator).ok()), i64::try_from(denominator).ok().and_then(NonZeroI64::new));
        if let (Some(n), Some(d)) = narrow {
            return Self(Repr::Small(n, d));
        }
        Self(Repr::Large(Box::new(Fraction { numerator: numerator.into(), denominator: denominator.into() })))
    }

    /// Numerator in lowest terms; carries the sign.
    pub fn numerator(&self) -> BigInt {
        match &self.0 {
            Repr::Small(n, _) => BigInt::from(*n),
            Repr::Large(f) => f.numerator.clone(),
        }
    }

    /// Denominator in lowest terms; positive.
    pub fn denominator(&self) -> BigInt {
        match &self.0 {
            Repr::Small(_, d) => BigInt::from(d.get()),
            Repr::Large(f) => f.denominator.clone(),
        }
    }

    /// Numerator and denominator when both are below 2⁶³ in magnitude.
    pub fn as_small_parts(&self) -> Option<(i64, i64)> {
        match &self.0 {
            Repr::Small(n, d) => Some((*n, d.get())),
            Repr::Large(_) => None,
        }
    }

    /// The value if it is an integer.
    pub fn as_integer(&self) -> Option<BigInt> {
        self.is_integer().then(|| self.numerator())
    }

    /// The value if it is an integer that fits in an `i64`.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Small(n, d) => (d.get() == 1).then_some(*n),
            Repr::Large(f) => f.denominator.is_one().then(|| f.numerator.to_i64())?,
        }
    }

    /// Whether the value is 0.
    pub fn is_zero(&self) -> bool {
        matches!(self.0, Repr::Small(0, _))
    }

    /// Whether the value is 1.
    pub fn is_one(&self) -> bool {
        matches!(self.0, Repr::Small(1, d) if d.get() == 1)
    }

    /// Whether the value is below 0.
    pub fn is_negative(&self) -> bool {
        self.signum() < 0
    }

    /// Whether the denominator is 1.
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Small(_, d) => d.get() == 1,
            Repr::Large(f) => f.denominator.is_one(),
        }
    }

    /// -1, 0 or 1.
    pub fn signum(&self) -> i32 {
        match &self.0 {
            Repr::Small(n, _) => match n.cmp(&0) {
                Ordering::Less => -1,
                Ordering::Equal => 0,
                Ordering::Greater => 1,
            },
            Repr::Large(f) if f.numerator.sign() == Sign::Minus => -1,
            Repr::Large(_) => 1,
        }
    }

    /// The absolute value.
    #[must_use]
    pub fn abs(&self) -> Self {
        if self.is_negative() { -self } else { self.clone() }
    }

    /// The largest number with so many binary places that is no larger.
    #[must_use]
    pub fn floor_to(&self, places: u64) -> Self {
        let (numerator, denominator) = (self.numerator(), self.denominator());
        match self.binary_places() {
            Some(own) if own <= places => self.clone(),
            // Shifts of integers round down.
            Some(own) => Self::dyadic(numerator >> (own - places), places),
            None => Self::dyadic((numerator << places).div_floor(&denominator), places),
        }
    }

    /// The first bits of the magnitude: an integer q of 33 or 34 bits and a number of places p such that the magnitude is from
    /// q·2^-p to (q + 2)·2^-p; 0 for 0.
    pub fn leading(&self) -> (u64, i64) {
        let top_of = |word: u64| (word << word.leading_zeros(), 64 - i64::from(word.leading_zeros()));
        let (numerator, denominator) = match &self.0 {
            Repr::Small(0, _) => return (0, 0),
            Repr::Small(n, d) => (top_of(n.unsigned_abs()), top_of(d.get().unsigned_abs())),
            Repr::Large(f) => (top(&f.numerator), top(&f.denominator)),
        };
        // With tops t ≥ 2⁶³, n in [t, t + 1) and d in [u, u + 1) of the same units: t·2³³/(u + 1) and (t + 1)·2³³/u are less than 1 apart.
        let ((t, n_bits), (u, d_bits)) = (numerator, denominator);
        let quotient = (u128::from(t) << 33) / (u128::from(u) + 1);
        (u64::try_from(quotient).unwrap_or(u64::MAX), 33 + d_bits - n_bits)
    }

    /// How many places after the point its binary expansion has; `None` where it does not end.
    fn binary_places(&self) -> Option<u64> {
        match &self.0 {
            Repr::Small(_, d) => d.get().unsigned_abs().is_power_of_two().then(|| d.trailing_zeros().into()),
            Repr::Large(f) => {
                f.denominator.trailing_zeros().filter(|zeros| zeros + 1 == f.denominator.bits())
            }
        }
    }

    /// Length in bits of the longer of |numerator| and denominator.
    pub fn bits(&self) -> u64 {
        match &self.0 {
            Repr::Small(n, d) => {
                u64::from(64 - n.unsigned_abs().leading_zeros().min(d.get().unsigned_abs().leading_zeros()))
            }
            Repr::Large(f) => f.numerator.bits().max(f.denominator.bits()),
        }
    }
}

/// The first 64 bits of an integer other than 0, followed by zeros where it is shorter, and how many bits it has.
fn top(integer: &BigInt) -> (u64, i64) {
    let bits = integer.bits();
    let mut words = integer.iter_u64_digits().rev();
    let (first, second) = (words.next().unwrap_or(0), words.next().unwrap_or(0));
    let zeros = first.leading_zeros();
    let top = (u128::from(first) << 64 | u128::from(second)) << zeros >> 64;
    (u64::try_from(top).unwrap_or(u64::MAX), i64::try_from(bits).unwrap_or(i64::MAX / 4))
}

/// `i64::MIN` has no place in `Small`.
fn small(value: Option<i64>) -> Option<i64> {
    value.filter(|&v| v != i64::MIN)
}

/// Greatest common divisor, positive unless both are 0. Weights read from floats have powers of two as
/// denominators, for which counting zero bits beats the general algorithm by far.
pub fn gcd(a: &BigInt, b: &BigInt) -> BigInt {
    let (Some(za), Some(zb)) = (a.trailing_zeros(), b.trailing_zeros()) else {
        return (a + b).abs();
    };
    if za + 1 == a.bits() || zb + 1 == b.bits() {
        return BigInt::one() << za.min(zb);
    }
    if let (Some(x), Some(y)) = (a.magnitude().to_u64(), b.magnitude().to_u64()) {
        return x.gcd(&y).into();
    }
    a.gcd(b)
}

impl From<i64> for Rational {
    fn from(value: i64) -> Self {
        match small(Some(value)) {
            Some(value) => Self(Repr::Small(value, UNIT)),
            None => Self::from_reduced_i128(value.into(), 1),
        }
    }
}

impl From<BigInt> for Rational {
    fn from(value: BigInt) -> Self {
        Self::from_reduced(value, BigInt::one())
    }
}

impl Default for Rational {
    fn default() -> Self {
        Self::ZERO
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Small(a, b), Repr::Small(c, d)) => {
                (i128::from(*a) * i128::from(d.get())).cmp(&(i128::from(*c) * i128::from(b.get())))
            }
            _ => self.signum().cmp(&other.signum()).then_with(|| {
                (self.numerator() * other.denominator()).cmp(&(other.numerator() * self.denominator()))
            }),
        }
    }
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
