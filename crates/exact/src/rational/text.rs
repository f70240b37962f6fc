//! [`Rational`] as text, as decimals and as floats, by integer arithmetic only.

use std::fmt;
use std::str::FromStr;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::{Rational, Repr};

/// Why a text is not a [`Rational`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseRationalError {
    /// Not an integer, a fraction of integers or a decimal.
    Syntax,
    /// A fraction whose denominator is 0.
    ZeroDenominator,
    /// A decimal exponent beyond ±[`Rational::MAX_EXPONENT`].
    ExponentTooLarge,
    /// More than [`Rational::MAX_DIGITS`] characters.
    TooLong,
}

impl fmt::Display for ParseRationalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => write!(f, "not a number"),
            Self::ZeroDenominator => write!(f, "the denominator is 0"),
            Self::ExponentTooLarge => write!(f, "the exponent is beyond ±{}", Rational::MAX_EXPONENT),
            Self::TooLong => write!(f, "a number of more than {} characters", Rational::MAX_DIGITS),
        }
    }
}

impl std::error::Error for ParseRationalError {}

impl FromStr for Rational {
    type Err = ParseRationalError;

    /// Reads `12`, `-3`, `1/4`, `0.25`, `4.`, `-.5`, `1e-3`, `2.5E+3` exactly.
    fn from_str(text: &str) -> Result<Self, ParseRationalError> {
        if text.len() > Self::MAX_DIGITS {
            return Err(ParseRationalError::TooLong);
        }
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let value = match unsigned.split_once('/') {
            Some((numerator, denominator)) => Self::new(digits(numerator, "")?, digits(denominator, "")?)
                .ok_or(ParseRationalError::ZeroDenominator)?,
            None => decimal(unsigned)?,
        };
        Ok(if negative { -value } else { value })
    }
}

fn decimal(text: &str) -> Result<Rational, ParseRationalError> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let value = digits(whole, fraction)?;
    let places = i64::try_from(fraction.len()).expect("at most MAX_DIGITS");
    let shift = exponent - places;
    let power =
        BigInt::from(10).pow(u32::try_from(shift.unsigned_abs()).expect("digits and exponent are limited"));
    let (numerator, denominator) = if shift < 0 { (value, power) } else { (value * power, BigInt::one()) };
    Ok(Rational::new(numerator, denominator).expect("a power of ten is not 0"))
}

/// The natural number written by the digits of both parts; at least one digit in all.
fn digits(first: &str, second: &str) -> Result<BigInt, ParseRationalError> {
    let all = [first.as_bytes(), second.as_bytes()].concat();
    if !all.iter().all(u8::is_ascii_digit) {
        return Err(ParseRationalError::Syntax);
    }
    BigInt::parse_bytes(&all, 10).ok_or(ParseRationalError::Syntax)
}

fn parse_exponent(text: &str) -> Result<i64, ParseRationalError> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ParseRationalError::Syntax);
    }
    let limit = i64::from(Rational::MAX_EXPONENT);
    match text.parse::<i64>() {
        Ok(value) if (-limit..=limit).contains(&value) => Ok(value),
        _ => Err(ParseRationalError::ExponentTooLarge),
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Small(n, d) if d.get() == 1 => write!(f, "{n}"),
            Repr::Small(n, d) => write!(f, "{n}/{d}"),
            Repr::Large(x) if x.denominator.is_one() => write!(f, "{}", x.numerator),
            Repr::Large(x) => write!(f, "{}/{}", x.numerator, x.denominator),
        }
    }
}

impl fmt::Debug for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Rational {
    /// Largest magnitude of a decimal exponent that `FromStr` accepts.
    pub const MAX_EXPONENT: u32 = 4096;
    /// Longest text, in bytes, that `FromStr` accepts.
    pub const MAX_DIGITS: usize = 10_000;

    /// The exact value of a float; `None` for infinities and NaN.
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let bits = value.to_bits();
        let (field, fraction) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
        let (mantissa, exponent) = if field == 0 { (fraction, 0) } else { (fraction | (1 << 52), field - 1) };
        // value = ± mantissa · 2^(exponent - 1074), the exponent of a subnormal being 0.
        let magnitude = BigInt::from(mantissa);
        let signed = if value.is_sign_negative() { -magnitude } else { magnitude };
        if exponent >= 1074 {
            Some(Self::from(signed << (exponent - 1074)))
        } else {
            Some(Self::dyadic(signed, 1074 - exponent))
        }
    }

    /// The nearest float, ties to even; ±infinity beyond the range. For display and least squares only:
    /// nothing exact may depend on it.
    pub fn to_f64(&self) -> f64 {
        if self.is_zero() {
            return 0.0;
        }
        let (numerator, denominator) = (self.numerator().abs(), self.denominator());
        // quotient · 2^exponent, 55 or 56 bits unless the result is subnormal, whose unit is 2^-1074.
        let length = |value: &BigInt| i64::try_from(value.bits()).unwrap_or(i64::MAX / 2);
        let exponent = (length(&numerator) - length(&denominator) - 55).max(-1076);
        let (quotient, remainder) = if exponent < 0 {
            (numerator << exponent.unsigned_abs()).div_rem(&denominator)
        } else if exponent > 1024 {
            return if self.is_negative() { f64::NEG_INFINITY } else { f64::INFINITY };
        } else {
            numerator.div_rem(&(denominator << exponent.unsigned_abs()))
        };
        let quotient = quotient.to_u64().expect("at most 56 bits");
        let length = i64::from(64 - quotient.leading_zeros());
        let dropped = (length - 53).max(-1074 - exponent); // 2 or 3
        let kept = round_half_even(quotient, dropped.unsigned_abs(), !remainder.is_zero());
        // Adding the leading bit of `kept` to the field of the exponent makes the carry of a rounding up right.
        let field = (exponent + dropped + 1074).unsigned_abs();
        let bits = ((field << 52) + kept).min(0x7ff << 52);
        f64::from_bits(bits | (u64::from(self.is_negative()) << 63))
    }

    /// The value as a decimal of at most `significant_digits` digits (at least 1, at most 10⁴), correctly
    /// rounded with ties to even, trailing zeros dropped; scientific when the leading digit stands more than
    /// five places behind the point or the digits do not reach the point.
    ///
    /// ```
    /// use convproof_exact::Rational;
    /// assert_eq!(Rational::ratio(-2, 3).unwrap().to_decimal(4), "-0.6667");
    /// assert_eq!(Rational::from(123_456).to_decimal(3), "1.23e5");
    /// ```
    pub fn to_decimal(&self, significant_digits: usize) -> String {
        if self.is_zero() {
            return "0".to_owned();
        }
        let wanted = i64::try_from(significant_digits.clamp(1, Self::MAX_DIGITS)).expect("clamped");
        let (numerator, denominator) = (self.numerator().abs(), self.denominator());
        let mut exponent = leading_exponent(&numerator, &denominator);
        let scale = wanted - 1 - exponent;
        let power = power_of_ten(scale.unsigned_abs());
        let (top, bottom) =
            if scale < 0 { (numerator, denominator * power) } else { (numerator * power, denominator) };
        let (quotient, remainder) = top.div_rem(&bottom);
        let up = match (remainder * 2i32).cmp(&bottom) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => quotient.is_odd(),
            std::cmp::Ordering::Greater => true,
        };
        let mut text = (if up { quotient + 1 } else { quotient }).to_string();
        if text.len() > significant_digits.clamp(1, Self::MAX_DIGITS) {
            exponent += 1;
        }
        text.truncate(text.trim_end_matches('0').len());
        let sign = if self.is_negative() { "-" } else { "" };
        sign.to_owned() + &place_point(text, exponent, wanted)
    }
}

/// `quotient / 2^dropped` rounded, `dropped` from 1 to 63, where `sticky` says that the exact value lies
/// strictly above `quotient`.
fn round_half_even(quotient: u64, dropped: u64, sticky: bool) -> u64 {
    let (kept, half) = (quotient >> dropped, 1 << (dropped - 1));
    let rest = quotient - (kept << dropped);
    kept + u64::from(rest > half || (rest == half && (sticky || kept % 2 == 1)))
}

/// The `e` with `10^e ≤ numerator/denominator < 10^(e+1)`; both positive.
fn leading_exponent(numerator: &BigInt, denominator: &BigInt) -> i64 {
    let length = |value: &BigInt| i128::from(value.bits());
    // log10(2) lies between 30102/10⁵ and 30103/10⁵; the estimate is never too large.
    let lower = length(numerator) - 1 - length(denominator);
    let estimate = (lower * if lower < 0 { 30_103 } else { 30_102 }).div_euclid(100_000);
    let mut exponent = i64::try_from(estimate).expect("a number in memory has fewer than 2^63 digits");
    let reaches = |e: i64| {
        let power = power_of_ten(e.unsigned_abs());
        if e < 0 { numerator * power >= *denominator } else { *numerator >= denominator * power }
    };
    while reaches(exponent + 1) {
        exponent += 1;
    }
    exponent
}

fn power_of_ten(exponent: u64) -> BigInt {
    num_traits::pow(BigInt::from(10), usize::try_from(exponent).expect("bounded by a number in memory"))
}

/// Writes `digits`, the first of which has weight `10^exponent`.
fn place_point(digits: String, exponent: i64, wanted: i64) -> String {
    if exponent < -5 || exponent >= wanted {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        return format!("{first}{point}{rest}e{exponent}");
    }
    let Ok(before) = usize::try_from(exponent + 1) else {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).expect("at most 4"));
        return format!("0.{zeros}{digits}");
    };
    if before == 0 {
        format!("0.{digits}")
    } else if digits.len() <= before {
        let zeros = "0".repeat(before - digits.len());
        digits + &zeros
    } else {
        format!("{}.{}", &digits[..before], &digits[before..])
    }
}
