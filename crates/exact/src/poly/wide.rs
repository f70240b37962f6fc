//! `ℤ/m` in a fixed number of machine words, between [`Word`](super::ring::Word) and [`Big`](super::ring::Big).

// Montgomery arithmetic splits 128-bit products into their halves: the truncating casts are the algorithm.
#![allow(clippy::cast_possible_truncation)]

use super::ring::Ring;
use crate::montgomery;
use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::One;

/// `ℤ/m` for odd m below `2^(64·N − 6)` in Montgomery form with radix `R = 2^(64·N)`: 64 products fit a sum.
#[derive(Clone, Debug)]
pub struct WideRing<const N: usize> {
    modulus: [u64; N],
    big: BigInt,
    /// `m⁻¹ mod 2^64`.
    inverse: u64,
    /// `R mod m`, the form of 1.
    unit: [u64; N],
    /// `R² mod m`.
    square: [u64; N],
}

fn words<const N: usize>(value: &BigInt) -> [u64; N] {
    let mut words = [0; N];
    for (word, digit) in words.iter_mut().zip(value.iter_u64_digits()) {
        *word = digit;
    }
    words
}

/// `a − b` and whether it borrowed.
#[inline]
fn subtract<const N: usize>(a: &[u64; N], b: &[u64; N]) -> ([u64; N], bool) {
    let mut difference = [0; N];
    let mut borrow = false;
    for i in 0..N {
        let (d, first) = a[i].overflowing_sub(b[i]);
        let (d, second) = d.overflowing_sub(u64::from(borrow));
        difference[i] = d;
        borrow = first | second;
    }
    (difference, borrow)
}

/// `a + b` without the last carry.
#[inline]
fn sum<const N: usize>(a: &[u64; N], b: &[u64; N]) -> [u64; N] {
    let mut sum = [0; N];
    let mut carry = 0u128;
    for i in 0..N {
        carry = carry.wrapping_add(u128::from(a[i])).wrapping_add(u128::from(b[i]));
        sum[i] = carry as u64;
        carry >>= 64;
    }
    sum
}

impl<const N: usize> WideRing<N> {
    /// The ring modulo `modulus`; `None` unless it is odd, above 2 and below `2^(64·N − 6)`.
    pub fn new(modulus: BigInt) -> Option<Self> {
        if modulus.is_even() || modulus <= BigInt::one() || modulus.bits() + 6 > 64 * N as u64 {
            return None;
        }
        let low = modulus.iter_u64_digits().next()?;
        let inverse = montgomery::inverse(low);
        let unit = words(&((BigInt::one() << (64 * N)) % &modulus));
        let square = words(&((BigInt::one() << (128 * N)) % &modulus));
        Some(Self { modulus: words(&modulus), big: modulus, inverse, unit, square })
    }

    /// `t / R` modulo m for `t < m·R`, given in two halves.
    #[inline]
    fn redc(&self, halves: &[[u64; N]; 2]) -> [u64; N] {
        let mut t = *halves;
        // The carry out of word i + N goes into word i + N + 1 in the next round.
        let mut above = 0u64;
        for i in 0..N {
            // Adding q·m clears word i.
            let q = t[0][i].wrapping_mul(self.inverse.wrapping_neg());
            let mut carry = 0u128;
            for (j, m) in self.modulus.iter().enumerate() {
                let cell = &mut t[(i + j) / N][(i + j) % N];
                carry = carry.wrapping_add(u128::from(*cell)).wrapping_add(u128::from(q) * u128::from(*m));
                *cell = carry as u64;
                carry >>= 64;
            }
            carry = carry.wrapping_add(u128::from(t[1][i])).wrapping_add(u128::from(above));
            t[1][i] = carry as u64;
            above = (carry >> 64) as u64;
        }
        let (reduced, borrow) = subtract(&t[1], &self.modulus);
        if borrow { t[1] } else { reduced }
    }

    fn plain(&self, a: &[u64; N]) -> [u64; N] {
        self.redc(&[*a, [0; N]])
    }

    fn integer(&self, a: &[u64; N]) -> BigInt {
        let digits = self.plain(a).iter().flat_map(|w| [*w as u32, (*w >> 32) as u32]).collect();
        BigInt::from_biguint(Sign::Plus, BigUint::new(digits))
    }
}

impl<const N: usize> Ring for WideRing<N> {
    type Elem = [u64; N];
    type Sum = [[u64; N]; 2];
    const SUM_LIMIT: usize = 64;

    fn steps(&self) -> u64 {
        (N * N) as u64 + 2
    }

    fn zero(&self) -> [u64; N] {
        [0; N]
    }

    fn one(&self) -> [u64; N] {
        self.unit
    }

    fn is_zero(&self, a: &[u64; N]) -> bool {
        *a == [0; N]
    }

    #[inline]
    fn add(&self, a: &[u64; N], b: &[u64; N]) -> [u64; N] {
        let total = sum(a, b);
        let (reduced, borrow) = subtract(&total, &self.modulus);
        if borrow { total } else { reduced }
    }

    #[inline]
    fn sub(&self, a: &[u64; N], b: &[u64; N]) -> [u64; N] {
        let (difference, borrow) = subtract(a, b);
        if borrow { sum(&difference, &self.modulus) } else { difference }
    }

    #[inline]
    fn mul(&self, a: &[u64; N], b: &[u64; N]) -> [u64; N] {
        let mut product = self.empty_sum();
        self.add_product(&mut product, a, b);
        self.redc(&product)
    }

    fn inverse(&self, a: &[u64; N]) -> Option<[u64; N]> {
        self.integer(a).modinv(&self.big).map(|inverse| self.embed(&inverse))
    }

    #[inline]
    fn empty_sum(&self) -> [[u64; N]; 2] {
        [[0; N]; 2]
    }

    #[inline]
    fn add_product(&self, sum: &mut [[u64; N]; 2], a: &[u64; N], b: &[u64; N]) {
        let mut above = 0u64;
        for (i, x) in a.iter().enumerate() {
            let mut carry = 0u128;
            for (j, y) in b.iter().enumerate() {
                let cell = &mut sum[(i + j) / N][(i + j) % N];
                carry = carry.wrapping_add(u128::from(*cell)).wrapping_add(u128::from(*x) * u128::from(*y));
                *cell = carry as u64;
                carry >>= 64;
            }
            carry = carry.wrapping_add(u128::from(sum[1][i])).wrapping_add(u128::from(above));
            sum[1][i] = carry as u64;
            above = (carry >> 64) as u64;
        }
    }

    fn fold(&self, sum: &mut [[u64; N]; 2]) {
        // (sum / R)·R, as one unreduced product.
        let reduced = self.redc(sum);
        *sum = self.empty_sum();
        self.add_product(sum, &reduced, &self.unit);
    }

    #[inline]
    fn reduce_sum(&self, sum: &[[u64; N]; 2]) -> [u64; N] {
        self.redc(sum)
    }

    fn embed(&self, value: &BigInt) -> [u64; N] {
        self.mul(&words(&value.mod_floor(&self.big)), &self.square)
    }

    fn embed_small(&self, value: u64) -> [u64; N] {
        self.embed(&BigInt::from(value))
    }

    fn symmetric(&self, a: &[u64; N]) -> BigInt {
        let value = self.integer(a);
        if &value + &value > self.big { value - &self.big } else { value }
    }

    fn residue(&self, a: &[u64; N], p: u64) -> u64 {
        let wide = u128::from(p);
        self.plain(a)
            .iter()
            .rev()
            .fold(0, |acc, w| (((u128::from(acc) << 64) | u128::from(*w)) % wide) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ring::Big;
    use super::*;
    use proptest::prelude::*;

    fn integer(words: &[u64]) -> BigInt {
        words.iter().fold(BigInt::ZERO, |acc, w| (acc << 64u32) + w)
    }

    fn agree<const N: usize>(m: &BigInt, a: &BigInt, b: &BigInt, terms: usize) {
        let (wide, big) = (WideRing::<N>::new(m.clone()).unwrap(), Big::new(m.clone()).unwrap());
        let (wa, wb, ba, bb) = (wide.embed(a), wide.embed(b), big.embed(a), big.embed(b));
        assert_eq!(wide.symmetric(&wide.mul(&wa, &wb)), big.symmetric(&big.mul(&ba, &bb)));
        assert_eq!(wide.symmetric(&wide.add(&wa, &wb)), big.symmetric(&big.add(&ba, &bb)));
        assert_eq!(wide.symmetric(&wide.sub(&wa, &wb)), big.symmetric(&big.sub(&ba, &bb)));
        assert_eq!(wide.residue(&wa, 251), big.residue(&ba, 251));
        let inverses = (wide.inverse(&wa), big.inverse(&ba));
        assert_eq!(inverses.0.map(|i| wide.symmetric(&i)), inverses.1.map(|i| big.symmetric(&i)));
        // Sums of the largest residues as well as of arbitrary ones.
        let top = wide.embed(&-BigInt::one());
        for (x, y, expected) in [(&wa, &wb, &ba * &bb), (&top, &top, BigInt::one())] {
            let mut sum = wide.empty_sum();
            for i in 0..terms {
                if i % 63 == 62 {
                    wide.fold(&mut sum);
                }
                wide.add_product(&mut sum, x, y);
            }
            assert_eq!(
                wide.symmetric(&wide.reduce_sum(&sum)),
                big.symmetric(&big.embed(&(expected * terms)))
            );
        }
    }

    proptest! {
        #[test]
        fn wide_agrees_with_big(
            m in prop::collection::vec(any::<u64>(), 1..=4),
            full: bool,
            a in prop::collection::vec(any::<u64>(), 5),
            b in prop::collection::vec(any::<u64>(), 5),
            terms in 0usize..200,
        ) {
            let (a, b) = (-integer(&a), integer(&b));
            let mut m = integer(&m) | BigInt::from(3);
            if full {
                m = (BigInt::one() << 250u32) - (m % 1_000_000u32) * 2 - 1;
            }
            if m.bits() <= 122 {
                agree::<2>(&m, &a, &b, terms);
            }
            if m.bits() <= 250 {
                agree::<4>(&m, &a, &b, terms);
            }
            agree::<8>(&m, &a, &b, terms);
        }
    }
}
