//! Arithmetic modulo the Mersenne prime 2⁶¹ − 1 and a small deterministic generator, for random evaluation:
//! two different residues refute an equality, equal ones prove nothing.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use num_bigint::{BigInt, Sign};

use super::Rational;

/// A residue modulo the prime [`Fp::P`].
///
/// ```
/// use convproof_exact::{Fp, Rational};
/// let third = Fp::from_rational(&Rational::ratio(1, 3).unwrap()).unwrap();
/// assert_eq!(third * Fp::from(3), Fp::ONE);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Fp(u64);

impl Fp {
    /// The modulus 2⁶¹ − 1.
    pub const P: u64 = (1 << 61) - 1;
    /// The residue of 0.
    pub const ZERO: Self = Self(0);
    /// The residue of 1.
    pub const ONE: Self = Self(1);

    /// The residue of a natural number.
    pub const fn new(value: u64) -> Self {
        Self(value % Self::P)
    }

    /// The representative from 0 to `P − 1`.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// Whether this is the residue of 0.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The power `self^exponent`; `0⁰ = 1`.
    #[must_use]
    pub fn pow(self, mut exponent: u64) -> Self {
        let (mut base, mut result) = (self, Self::ONE);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result *= base;
            }
            base *= base;
            exponent >>= 1;
        }
        result
    }

    /// The multiplicative inverse; `None` for 0.
    pub fn inverse(self) -> Option<Self> {
        (!self.is_zero()).then(|| self.pow(Self::P - 2))
    }

    /// The residue of a fraction; `None` if the modulus divides its denominator.
    pub fn from_rational(value: &Rational) -> Option<Self> {
        let (n, d) = match value.as_small_parts() {
            Some((n, d)) => (Self::from(n), Self::from(d)),
            None => (Self::from(&value.numerator()), Self::from(&value.denominator())),
        };
        if d == Self::ONE { Some(n) } else { Some(n * d.inverse()?) }
    }
}

impl From<i64> for Fp {
    fn from(value: i64) -> Self {
        let residue = Self::new(value.unsigned_abs());
        if value < 0 { -residue } else { residue }
    }
}

impl From<&BigInt> for Fp {
    fn from(value: &BigInt) -> Self {
        // 2⁶⁴ = 8 modulo 2⁶¹ − 1.
        let residue =
            value.iter_u64_digits().rev().fold(Self::ZERO, |sum, digit| sum * Self(8) + Self::new(digit));
        if value.sign() == Sign::Minus { -residue } else { residue }
    }
}

impl Add for Fp {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let sum = self.0 + other.0;
        Self(if sum >= Self::P { sum - Self::P } else { sum })
    }
}

impl Sub for Fp {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Neg for Fp {
    type Output = Self;
    fn neg(self) -> Self {
        Self(if self.0 == 0 { 0 } else { Self::P - self.0 })
    }
}

impl Mul for Fp {
    type Output = Self;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the low bits are masked, the high ones are below 2⁶¹"
    )]
    fn mul(self, other: Self) -> Self {
        let product = u128::from(self.0) * u128::from(other.0);
        // 2⁶¹ = 1, so the bits from 61 up are added to those below.
        let sum = (product as u64 & Self::P) + (product >> 61) as u64;
        Self(if sum >= Self::P { sum - Self::P } else { sum })
    }
}

impl AddAssign for Fp {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Fp {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl MulAssign for Fp {
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

impl fmt::Debug for Fp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} mod {}", self.0, Self::P)
    }
}

/// The generator `SplitMix64` (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators"):
/// equal seeds give equal sequences. Not for secrets.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// A generator that depends on nothing but `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound` (0 if `bound` is 0); its bias is below `bound / 2⁶⁴`.
    #[allow(clippy::cast_possible_truncation, reason = "the product's high half is below `bound`")]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A uniform residue (rejection makes it exact).
    pub fn next_fp(&mut self) -> Fp {
        loop {
            let bits = self.next_u64() >> 3;
            if bits < Fp::P {
                return Fp(bits);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_integer::Integer;
    use num_traits::ToPrimitive;
    use proptest::prelude::*;

    fn residue(value: &BigInt) -> u64 {
        value.mod_floor(&BigInt::from(Fp::P)).to_u64().unwrap()
    }

    fn element() -> impl Strategy<Value = Fp> {
        prop_oneof![
            any::<u64>().prop_map(Fp::new),
            (0..4u64).prop_map(Fp::new),
            (1..4u64).prop_map(|d| Fp::new(Fp::P - d))
        ]
    }

    proptest! {
        #[test]
        fn agrees_with_big_integers(a in element(), b in element(), i in any::<i64>(), j in any::<[i128; 2]>()) {
            let (x, y) = (BigInt::from(a.value()), BigInt::from(b.value()));
            prop_assert_eq!((a + b).value(), residue(&(&x + &y)));
            prop_assert_eq!((a - b).value(), residue(&(&x - &y)));
            prop_assert_eq!((a * b).value(), residue(&(&x * &y)));
            prop_assert_eq!((-a).value(), residue(&-&x));
            prop_assert_eq!(Fp::from(i).value(), residue(&i.into()));
            let wide = BigInt::from(j[0]) * BigInt::from(j[1]);
            prop_assert_eq!(Fp::from(&wide).value(), residue(&wide));
            match a.inverse() {
                Some(inverse) => prop_assert_eq!(a * inverse, Fp::ONE),
                None => prop_assert!(a.is_zero()),
            }
        }

        #[test]
        fn residues_of_fractions_add_and_multiply(n in any::<[i64; 2]>(), d in any::<[i64; 2]>()) {
            prop_assume!(d[0] != 0 && d[1] != 0);
            let (a, b) = (Rational::ratio(n[0], d[0]).unwrap(), Rational::ratio(n[1], d[1]).unwrap());
            if let (Some(x), Some(y)) = (Fp::from_rational(&a), Fp::from_rational(&b)) {
                prop_assert_eq!(Fp::from_rational(&(&a + &b)), Some(x + y));
                prop_assert_eq!(Fp::from_rational(&(&a * &b)), Some(x * y));
            }
        }
    }

    #[test]
    fn denominators_divisible_by_the_modulus_have_no_residue() {
        let p = i64::try_from(Fp::P).unwrap();
        assert_eq!(Fp::from_rational(&Rational::ratio(1, p).unwrap()), None);
        let multiple = BigInt::from(p) * BigInt::from(1u128 << 70);
        assert_eq!(Fp::from_rational(&Rational::new(1.into(), multiple).unwrap()), None);
        assert_eq!(Fp::from_rational(&Rational::from(p)), Some(Fp::ZERO));
    }

    #[test]
    fn generator_matches_its_published_sequence() {
        // First outputs for seed 1234567 of the reference implementation by Vigna.
        let mut generator = SplitMix64::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([(); 3].map(|()| generator.next_u64()), expected);
        assert!((0..1000).all(|_| generator.below(7) < 7));
    }
}
