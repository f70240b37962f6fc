//! `Rational` against `num_rational::BigRational`, at and across the border of machine words.

#![allow(clippy::float_arithmetic, reason = "floats are what is tested")]
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use convproof::algebra::{ParseRationalError, Rational};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use proptest::prelude::*;

fn integer() -> impl Strategy<Value = BigInt> {
    let edge = prop_oneof![
        Just(BigInt::from(i64::MAX)),
        Just(BigInt::from(i64::MIN)),
        Just(BigInt::from(i64::MIN) - 1),
        Just(BigInt::from(i64::MAX) + 1),
        Just(BigInt::from(i32::MAX)),
    ];
    prop_oneof![
        4 => (-20i64..=20).prop_map(BigInt::from),
        2 => any::<i64>().prop_map(BigInt::from),
        2 => edge,
        1 => any::<i128>().prop_map(BigInt::from),
        1 => (any::<i128>(), any::<i128>()).prop_map(|(a, b)| BigInt::from(a) * BigInt::from(b)),
        1 => (any::<i64>(), 0u32..200).prop_map(|(a, s)| BigInt::from(a) << s),
    ]
}

fn pair() -> impl Strategy<Value = (Rational, BigRational)> {
    let power = (0u32..200).prop_map(|places| BigInt::one() << places);
    let denominator = prop_oneof![2 => integer().prop_filter("denominator", |d| !d.is_zero()), 1 => power];
    (integer(), denominator)
        .prop_map(|(n, d)| (Rational::new(n.clone(), d.clone()).unwrap(), BigRational::new(n, d)))
}

fn same(ours: &Rational, theirs: &BigRational) -> Result<(), TestCaseError> {
    prop_assert_eq!(&ours.numerator(), theirs.numer());
    prop_assert_eq!(&ours.denominator(), theirs.denom());
    // The representation is canonical: whoever builds the value, equality and hash agree.
    let rebuilt = Rational::new(theirs.numer().clone(), theirs.denom().clone()).unwrap();
    prop_assert_eq!(ours, &rebuilt);
    prop_assert_eq!(hash(ours), hash(&rebuilt));
    Ok(())
}

fn hash(value: &Rational) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_first_binary_places((a, x) in pair(), places in 0u64..300) {
        let power = BigInt::one() << places;
        let floor = BigRational::new((&x * BigRational::from(power.clone())).floor().to_integer(), power);
        same(&a.floor_to(places), &floor)?;
    }

    #[test]
    fn the_first_bits((a, x) in pair()) {
        let (quotient, places) = a.leading();
        let power = BigRational::from(BigInt::one() << places.unsigned_abs());
        let scaled = if places < 0 { x.abs() / power } else { x.abs() * power };
        let near = [0, 2].map(|more| BigRational::from(BigInt::from(quotient + more)));
        prop_assert!(near[0] <= scaled && scaled <= near[1], "{a} {quotient} {places}");
        prop_assert!(x.is_zero() || (1 << 32..1 << 34).contains(&quotient), "{a} {quotient}");
    }

    #[test]
    fn field_operations((a, x) in pair(), (b, y) in pair()) {
        same(&(&a + &b), &(&x + &y))?;
        same(&(&a - &b), &(&x - &y))?;
        same(&(&a * &b), &(&x * &y))?;
        same(&-&a, &-&x)?;
        same(&a.abs(), &x.abs())?;
        match a.checked_div(&b) {
            Some(quotient) => same(&quotient, &(&x / &y))?,
            None => prop_assert!(y.is_zero()),
        }
        match a.recip() {
            Some(reciprocal) => same(&reciprocal, &x.recip())?,
            None => prop_assert!(x.is_zero()),
        }
        prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        prop_assert_eq!(a == b, x == y);
    }

    #[test]
    fn shared_denominators((a, x) in pair(), (b, y) in pair()) {
        // Sums whose denominators share factors take another path than random ones.
        let (u, v) = (BigRational::new(1.into(), x.denom() * 12), BigRational::new(5.into(), x.denom() * 18));
        let sum = Rational::new(u.numer().clone(), u.denom().clone()).unwrap()
            + Rational::new(v.numer().clone(), v.denom().clone()).unwrap();
        same(&sum, &(u + v))?;
        same(&((&a + &b) - &b), &x)?;
        same(&(&a * &b * b.recip().unwrap_or(Rational::ONE)), &if y.is_zero() { y } else { x })?;
    }

    #[test]
    fn queries((a, x) in pair()) {
        prop_assert_eq!(a.is_zero(), x.is_zero());
        prop_assert_eq!(a.is_one(), x.is_one());
        prop_assert_eq!(a.is_negative(), x.is_negative());
        prop_assert_eq!(a.is_integer(), x.is_integer());
        prop_assert_eq!(BigInt::from(a.signum()), x.numer().signum());
        prop_assert_eq!(a.as_integer(), x.is_integer().then(|| x.to_integer()));
        prop_assert_eq!(a.as_i64(), if x.is_integer() { x.numer().to_i64() } else { None });
        prop_assert_eq!(a.bits(), x.numer().bits().max(x.denom().bits()));
        prop_assert_eq!(a.to_string(), x.to_string());
        prop_assert_eq!(a.to_string().parse::<Rational>(), Ok(a));
    }

    #[test]
    fn powers((a, x) in pair(), exponent in 0u32..6) {
        same(&a.pow(exponent).unwrap(), &num_traits::pow(x, exponent as usize))?;
    }

    #[test]
    fn floats_are_exact_and_nearest(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        match Rational::from_f64(value) {
            None => prop_assert!(!value.is_finite()),
            Some(exact) => {
                same(&exact, &BigRational::from_float(value).unwrap())?;
                prop_assert_eq!(exact.to_f64(), value);
                // Half-way to the next float goes to the even one, anything beyond goes up.
                let next = f64::from_bits(bits + 1);
                if let Some(above) = Rational::from_f64(next).filter(|_| value.abs() < f64::MAX) {
                    let middle = (&exact + &above) * Rational::ratio(1, 2).unwrap();
                    prop_assert_eq!(middle.to_f64(), if bits % 2 == 0 { value } else { next });
                    let beyond = &middle + &((&above - &exact) * Rational::ratio(1, 1 << 40).unwrap());
                    prop_assert_eq!(beyond.to_f64(), next);
                }
            }
        }
    }

    #[test]
    fn nearest_float_of_a_ratio(n in any::<i64>(), d in 1i64..1 << 53) {
        // Both operands are exact floats, so the division is the nearest float by IEEE 754.
        let n = n >> 11;
        prop_assert_eq!(Rational::ratio(n, d).unwrap().to_f64(), n as f64 / d as f64);
    }

    #[test]
    fn decimals_are_nearest((a, x) in pair(), digits in 1usize..30) {
        let text = a.to_decimal(digits);
        let shown: Rational = text.parse().unwrap();
        let significant = text.split('e').next().unwrap().trim_start_matches(['-', '0', '.']).replace('.', "");
        prop_assert!(significant.len() <= digits, "{text} for {digits} digits");
        // Within half a unit of the last of `digits` places: 10^(leading - digits + 1) / 2.
        let error = (shown - &a).abs();
        if !x.is_zero() {
            let mut unit = BigRational::one();
            let ten = BigRational::from_integer(10.into());
            while &unit * &ten <= x.abs() { unit *= &ten; }
            while unit > x.abs() { unit /= &ten; }
            unit /= num_traits::pow(ten, digits - 1) * BigRational::from_integer(2.into());
            prop_assert!(BigRational::new(error.numerator(), error.denominator()) <= unit);
        }
    }

    #[test]
    fn arbitrary_text_is_read_or_refused(text in "[-+0-9./eE ]{0,12}") {
        if let Ok(value) = text.parse::<Rational>() {
            prop_assert_eq!(value.to_string().parse::<Rational>(), Ok(value));
        }
    }
}

#[test]
fn literals() {
    let cases = [
        ("12", 12, 1),
        ("-3", -3, 1),
        ("+3", 3, 1),
        ("1/4", 1, 4),
        ("-6/4", -3, 2),
        ("0.25", 1, 4),
        ("4.", 4, 1),
        ("-.5", -1, 2),
        ("1e-3", 1, 1000),
        ("2.5E+3", 2500, 1),
        ("-1.5e0", -3, 2),
        ("007", 7, 1),
    ];
    for (text, n, d) in cases {
        assert_eq!(text.parse(), Ok(Rational::ratio(n, d).unwrap()), "{text}");
    }
}

#[test]
fn refused_literals() {
    use ParseRationalError::{ExponentTooLarge, Syntax, TooLong, ZeroDenominator};
    for text in [
        "", "-", ".", "e5", "1e", "1e+", "1//2", "1/", "/2", "1/-2", "0.5/2", "1.2.3", "--1", "1e1.5", " 1",
        "1_0", "é", "１",
    ] {
        assert_eq!(text.parse::<Rational>(), Err(Syntax), "{text}");
    }
    assert_eq!("1/0".parse::<Rational>(), Err(ZeroDenominator));
    assert_eq!("1e4097".parse::<Rational>(), Err(ExponentTooLarge));
    assert_eq!("1e-99999999999999999999".parse::<Rational>(), Err(ExponentTooLarge));
    assert!("1e4096".parse::<Rational>().is_ok());
    assert_eq!("1".repeat(10_001).parse::<Rational>(), Err(TooLong));
}

#[test]
fn decimals() {
    let cases = [
        ("1/4", 6, "0.25"),
        ("1/3", 4, "0.3333"),
        ("2/3", 1, "0.7"),
        ("-1/3", 3, "-0.333"),
        ("0", 3, "0"),
        ("999999/1000", 4, "1000"),
        ("9999.6", 4, "1e4"),
        ("1/8", 2, "0.12"),
        ("3/8", 2, "0.38"),
        ("100", 3, "100"),
        ("100", 2, "1e2"),
        ("0.00001", 5, "0.00001"),
        ("0.000001", 5, "1e-6"),
        ("123456789", 3, "1.23e8"),
        ("1e30", 40, "1000000000000000000000000000000"),
        ("12.5", 0, "1e1"),
    ];
    for (text, digits, expected) in cases {
        assert_eq!(text.parse::<Rational>().unwrap().to_decimal(digits), expected, "{text}");
    }
}

#[test]
fn limits() {
    assert_eq!(Rational::from(2).pow(u32::MAX), None);
    assert_eq!(Rational::from(-1).pow(u32::MAX), Some(Rational::from(-1)));
    assert_eq!(Rational::ZERO.pow(0), Some(Rational::ONE));
    assert_eq!(Rational::new(BigInt::one(), BigInt::zero()), None);
    assert_eq!(Rational::ratio(1, 0), None);
    assert_eq!(Rational::ratio(i64::MIN, i64::MIN), Some(Rational::ONE));
    assert_eq!(Rational::from_f64(f64::NAN), None);
    assert_eq!("1e4000".parse::<Rational>().unwrap().to_f64(), f64::INFINITY);
    assert_eq!("-1e-4000".parse::<Rational>().unwrap().to_f64(), 0.0);
    assert_eq!("1e-400".parse::<Rational>().unwrap().to_decimal(3), "1e-400");
}
