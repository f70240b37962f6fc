//! Coefficient rings `ℤ/m` for dense polynomials: machine words and big integers behind one trait.
//!
//! The trait separates products from their reduction (`add_product`, `fold`, `reduce_sum`), so that a
//! convolution costs one reduction per coefficient. Knows nothing of polynomials.

// Montgomery arithmetic splits 128-bit products into their halves: the truncating casts are the algorithm.
#![allow(clippy::cast_possible_truncation)]

use crate::montgomery;
use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::fmt::Debug;

/// A finite ring `ℤ/m` with odd `m`.
pub trait Ring {
    /// A residue, in whatever form the ring computes with.
    type Elem: Clone + PartialEq + Debug;
    /// An unreduced sum of products.
    type Sum: Clone;
    /// How many products a [`Ring::Sum`] takes before [`Ring::fold`] must be called.
    const SUM_LIMIT: usize;

    /// The residue 0.
    fn zero(&self) -> Self::Elem;
    /// The residue 1.
    fn one(&self) -> Self::Elem;
    /// Whether `a` is 0.
    fn is_zero(&self, a: &Self::Elem) -> bool;
    /// `a + b`.
    fn add(&self, a: &Self::Elem, b: &Self::Elem) -> Self::Elem;
    /// `a − b`.
    fn sub(&self, a: &Self::Elem, b: &Self::Elem) -> Self::Elem;
    /// `a · b`.
    fn mul(&self, a: &Self::Elem, b: &Self::Elem) -> Self::Elem;
    /// `1 / a`; `None` if `a` is not a unit.
    fn inverse(&self, a: &Self::Elem) -> Option<Self::Elem>;
    /// The empty sum.
    fn empty_sum(&self) -> Self::Sum;
    /// `sum += a · b`.
    fn add_product(&self, sum: &mut Self::Sum, a: &Self::Elem, b: &Self::Elem);
    /// Steps that a product takes, as [`budget`](crate::budget) counts them.
    fn steps(&self) -> u64;
    /// Makes room for [`Ring::SUM_LIMIT`] − 1 further products.
    fn fold(&self, sum: &mut Self::Sum);
    /// The residue of a sum.
    fn reduce_sum(&self, sum: &Self::Sum) -> Self::Elem;
    /// The residue of an integer.
    fn embed(&self, value: &BigInt) -> Self::Elem;
    /// The residue of a small integer.
    fn embed_small(&self, value: u64) -> Self::Elem;
    /// The representative in `(−m/2, m/2)`.
    fn symmetric(&self, a: &Self::Elem) -> BigInt;
    /// The residue modulo a divisor `p` of `m`.
    fn residue(&self, a: &Self::Elem, p: u64) -> u64;
}

/// `ℤ/m` for odd `2 < m < 2^58` in Montgomery form (Montgomery 1985, "Modular multiplication without trial
/// division").
#[derive(Clone, Copy, Debug)]
pub struct Word {
    modulus: u64,
    /// `m⁻¹ mod 2^64`.
    inverse: u64,
    /// `2^64 mod m`, the form of 1.
    unit: u64,
    /// `2^128 mod m`.
    square: u64,
}

impl Word {
    /// Moduli stay below `2^BITS`, so that 64 products fit one sum.
    pub const BITS: u32 = 58;

    /// The ring modulo `modulus`; `None` unless it is odd and `2 < modulus < 2^58`.
    pub fn new(modulus: u64) -> Option<Self> {
        if modulus.is_multiple_of(2) || modulus < 3 || modulus >> Self::BITS != 0 {
            return None;
        }
        let [unit, square] = montgomery::radix(modulus);
        Some(Self { modulus, inverse: montgomery::inverse(modulus), unit, square })
    }

    /// The modulus m.
    pub fn modulus(&self) -> u64 {
        self.modulus
    }

    /// The representative in `0..m`.
    pub fn canonical(&self, a: u64) -> u64 {
        self.redc(u128::from(a))
    }

    /// `t / 2^64` modulo m for `t < m · 2^64`.
    #[inline]
    fn redc(&self, t: u128) -> u64 {
        montgomery::reduce(t, self.modulus, self.inverse)
    }
}

impl Ring for Word {
    type Elem = u64;
    type Sum = u128;
    const SUM_LIMIT: usize = 64;

    #[inline]
    fn zero(&self) -> u64 {
        0
    }

    #[inline]
    fn one(&self) -> u64 {
        self.unit
    }

    #[inline]
    fn is_zero(&self, a: &u64) -> bool {
        *a == 0
    }

    #[inline]
    fn add(&self, a: &u64, b: &u64) -> u64 {
        let sum = a.wrapping_add(*b);
        if sum >= self.modulus { sum.wrapping_sub(self.modulus) } else { sum }
    }

    #[inline]
    fn sub(&self, a: &u64, b: &u64) -> u64 {
        let (d, borrow) = a.overflowing_sub(*b);
        if borrow { d.wrapping_add(self.modulus) } else { d }
    }

    #[inline]
    fn mul(&self, a: &u64, b: &u64) -> u64 {
        self.redc(u128::from(*a).wrapping_mul(u128::from(*b)))
    }

    fn inverse(&self, a: &u64) -> Option<u64> {
        // Euclid on plain residues; the coefficients stay below the modulus in size.
        let (mut r0, mut r1) = (self.modulus, self.canonical(*a));
        let (mut t0, mut t1) = (0i64, 1i64);
        while r1 != 0 {
            let q = r0 / r1;
            (r0, r1) = (r1, r0 - q * r1);
            (t0, t1) = (t1, t0.wrapping_sub(q.cast_signed().wrapping_mul(t1)));
        }
        if r0 != 1 {
            return None;
        }
        let plain = if t0 < 0 { self.modulus - t0.unsigned_abs() } else { t0.unsigned_abs() };
        Some(self.embed_small(plain))
    }

    #[inline]
    fn empty_sum(&self) -> u128 {
        0
    }

    #[inline]
    fn add_product(&self, sum: &mut u128, a: &u64, b: &u64) {
        *sum = sum.wrapping_add(u128::from(*a).wrapping_mul(u128::from(*b)));
    }

    #[inline]
    fn fold(&self, sum: &mut u128) {
        // Congruent modulo m·2^64. What is left is below m·2^64, and so are the next 63 products' sum and
        // the reduction's tolerance together: `reduce_sum` folds once more.
        let high = (*sum >> 64) as u64 % self.modulus;
        *sum = (u128::from(high) << 64) | u128::from(*sum as u64);
    }

    #[inline]
    fn steps(&self) -> u64 {
        1
    }

    #[inline]
    fn reduce_sum(&self, sum: &u128) -> u64 {
        // At most 64 products are below m·2^64; after a fold the high half may reach 2m.
        let high = (*sum >> 64) as u64;
        if high < self.modulus {
            self.redc(*sum)
        } else {
            self.redc((u128::from(high % self.modulus) << 64) | u128::from(*sum as u64))
        }
    }

    fn embed(&self, value: &BigInt) -> u64 {
        let m = u128::from(self.modulus);
        let size = value
            .iter_u64_digits()
            .rev()
            .fold(0u64, |acc, digit| (((u128::from(acc) << 64) | u128::from(digit)) % m) as u64);
        let plain = if value.sign() == Sign::Minus && size != 0 { self.modulus - size } else { size };
        self.embed_small(plain)
    }

    #[inline]
    fn embed_small(&self, value: u64) -> u64 {
        let value = if value < self.modulus { value } else { value % self.modulus };
        self.mul(&value, &self.square)
    }

    fn symmetric(&self, a: &u64) -> BigInt {
        let plain = self.canonical(*a);
        if plain > self.modulus / 2 { -BigInt::from(self.modulus - plain) } else { BigInt::from(plain) }
    }

    fn residue(&self, a: &u64, p: u64) -> u64 {
        self.canonical(*a) % p
    }
}

/// `ℤ/m` for any odd `m > 2`; residues are kept in `0..m`.
#[derive(Clone, Debug)]
pub struct Big {
    modulus: BigInt,
    half: BigInt,
}

impl Big {
    /// The ring modulo `modulus`; `None` unless it is odd and above 2.
    pub fn new(modulus: BigInt) -> Option<Self> {
        if modulus.is_even() || modulus <= BigInt::one() {
            return None;
        }
        let half = &modulus >> 1u32;
        Some(Self { modulus, half })
    }
}

impl Ring for Big {
    type Elem = BigInt;
    type Sum = BigInt;
    const SUM_LIMIT: usize = usize::MAX;

    fn zero(&self) -> BigInt {
        BigInt::zero()
    }

    fn one(&self) -> BigInt {
        BigInt::one()
    }

    fn is_zero(&self, a: &BigInt) -> bool {
        a.is_zero()
    }

    fn add(&self, a: &BigInt, b: &BigInt) -> BigInt {
        let sum = a + b;
        if sum >= self.modulus { sum - &self.modulus } else { sum }
    }

    fn sub(&self, a: &BigInt, b: &BigInt) -> BigInt {
        let d = a - b;
        if d.is_negative() { d + &self.modulus } else { d }
    }

    fn mul(&self, a: &BigInt, b: &BigInt) -> BigInt {
        (a * b) % &self.modulus
    }

    fn inverse(&self, a: &BigInt) -> Option<BigInt> {
        a.modinv(&self.modulus)
    }

    fn empty_sum(&self) -> BigInt {
        BigInt::zero()
    }

    fn add_product(&self, sum: &mut BigInt, a: &BigInt, b: &BigInt) {
        *sum += a * b;
    }

    fn fold(&self, _: &mut BigInt) {}

    fn steps(&self) -> u64 {
        let words = self.modulus.bits() / 64 + 1;
        words * words + 60
    }

    fn reduce_sum(&self, sum: &BigInt) -> BigInt {
        sum % &self.modulus
    }

    fn embed(&self, value: &BigInt) -> BigInt {
        value.mod_floor(&self.modulus)
    }

    fn embed_small(&self, value: u64) -> BigInt {
        BigInt::from(value) % &self.modulus
    }

    fn symmetric(&self, a: &BigInt) -> BigInt {
        if *a > self.half { a - &self.modulus } else { a.clone() }
    }

    fn residue(&self, a: &BigInt, p: u64) -> u64 {
        (a % p).to_u64().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn word_agrees_with_big(half in 1u64..(1 << 57), a: i128, b: i128, terms in 0usize..200) {
            let m = 2 * half + 1;
            let (word, big) = (Word::new(m).unwrap(), Big::new(m.into()).unwrap());
            let (a, b) = (BigInt::from(a), BigInt::from(b));
            let (wa, wb, ba, bb) = (word.embed(&a), word.embed(&b), big.embed(&a), big.embed(&b));
            prop_assert_eq!(word.symmetric(&word.mul(&wa, &wb)), big.symmetric(&big.mul(&ba, &bb)));
            prop_assert_eq!(word.symmetric(&word.add(&wa, &wb)), big.symmetric(&big.add(&ba, &bb)));
            prop_assert_eq!(word.symmetric(&word.sub(&wa, &wb)), big.symmetric(&big.sub(&ba, &bb)));
            prop_assert_eq!(
                word.inverse(&wa).map(|i| word.symmetric(&i)),
                big.inverse(&ba).map(|i| big.symmetric(&i))
            );
            let mut sum = word.empty_sum();
            for i in 0..terms {
                if i % Word::SUM_LIMIT == Word::SUM_LIMIT - 1 {
                    word.fold(&mut sum);
                }
                word.add_product(&mut sum, &wa, &wb);
            }
            let expected = big.embed(&(&a * &b * terms));
            prop_assert_eq!(word.symmetric(&word.reduce_sum(&sum)), big.symmetric(&expected));
        }

        #[test]
        fn full_sums_of_the_largest_residues(terms in 1usize..=64) {
            let word = Word::new((1 << 58) - 27).unwrap();
            let top = word.modulus() - 1;
            let mut sum = word.empty_sum();
            for _ in 0..terms {
                word.add_product(&mut sum, &top, &top);
            }
            let one = word.mul(&top, &top);
            let expected = (0..terms).fold(0, |acc, _| word.add(&acc, &one));
            prop_assert_eq!(word.reduce_sum(&sum), expected);
        }
    }
}
