//! Arithmetic modulo the 61-bit primes of exact transforms. Unlike with [`Fp`](super::Fp), whose one modulus is
//! fixed, nothing is left to chance: enough primes determine a bounded integer (see `lift.rs`).

use crate::montgomery;

/// Primes just below 2⁶¹ that are 1 modulo 2¹⁶·45045, so that each has roots of unity of every order up to 16
/// and of every power of two up to 2¹⁶.
pub const PRIMES: [u64; 16] = [
    2_305_842_998_982_082_561,
    2_305_842_972_413_460_481,
    2_305_842_966_509_322_241,
    2_305_842_928_132_423_681,
    2_305_842_880_899_317_761,
    2_305_842_874_995_179_521,
    2_305_842_795_289_313_281,
    2_305_842_792_337_244_161,
    2_305_842_771_672_760_321,
    2_305_842_756_912_414_721,
    2_305_842_745_104_138_241,
    2_305_842_647_685_857_281,
    2_305_842_624_069_304_321,
    2_305_842_594_548_613_121,
    2_305_842_573_884_129_281,
    2_305_842_567_979_991_041,
];

/// How many products of two residues fit in a `u128` sum: each is below 2¹²².
pub const PRODUCTS: usize = 64;

/// The number of [`PRIMES`] whose product exceeds twice any integer below `2^bits` in magnitude; `None` if all
/// together do not. The product of the first `k` exceeds `2^(61·k − 1)`.
pub fn primes_for(bits: u64) -> Option<usize> {
    let count = usize::try_from(bits.checked_add(2)?.div_ceil(61)).ok()?;
    (count <= PRIMES.len()).then_some(count)
}

/// The integers modulo a prime below 2⁶¹, with Montgomery reduction (R = 2⁶⁴).
#[derive(Clone, Copy, Debug)]
pub struct PrimeField {
    /// The prime.
    pub p: u64,
    /// The inverse of `p` modulo 2⁶⁴.
    inverse: u64,
    /// R² modulo `p`.
    square: u64,
}

/// A constant factor with its precomputed quotient (Shoup's trick).
#[derive(Clone, Copy, Debug)]
pub struct Multiplier {
    value: u64,
    quotient: u64,
}

#[allow(clippy::cast_possible_truncation, reason = "words of double-word products are taken on purpose")]
impl PrimeField {
    /// The field of p elements.
    pub fn new(p: u64) -> Self {
        debug_assert!(p % 2 == 1 && p < 1 << 61);
        let [_, square] = montgomery::radix(p);
        Self { p, inverse: montgomery::inverse(p), square }
    }

    /// `value / R`, from 0 to `p − 1`, for any value.
    #[inline]
    pub fn reduce(&self, value: u128) -> u64 {
        let mut high = (value >> 64) as u64;
        if high >= self.p {
            high %= self.p;
        }
        montgomery::reduce(u128::from(high) << 64 | u128::from(value as u64), self.p, self.inverse)
    }

    /// `a + b`.
    #[inline]
    pub fn sum(&self, a: u64, b: u64) -> u64 {
        let sum = a + b;
        if sum >= self.p { sum - self.p } else { sum }
    }

    /// `a · b / R`.
    #[inline]
    pub fn montgomery(&self, a: u64, b: u64) -> u64 {
        self.reduce(u128::from(a).wrapping_mul(u128::from(b)))
    }

    /// `a · R`.
    pub fn scaled(&self, a: u64) -> u64 {
        self.montgomery(a, self.square)
    }

    /// `a · b`.
    pub fn multiply(&self, a: u64, b: u64) -> u64 {
        self.montgomery(a, self.scaled(b))
    }

    /// A power, by squaring.
    pub fn power(&self, mut base: u64, mut exponent: u64) -> u64 {
        let mut result = 1;
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = self.multiply(result, base);
            }
            base = self.multiply(base, base);
            exponent >>= 1;
        }
        result
    }

    /// The inverse of a residue other than 0.
    pub fn invert(&self, a: u64) -> u64 {
        self.power(a, self.p - 2)
    }

    /// An element of exactly this order, which must divide `p − 1` and have no prime factor above 13.
    pub fn root_of_unity(&self, order: u64) -> u64 {
        let primes = [2, 3, 5, 7, 11, 13].into_iter().filter(|q| order.is_multiple_of(*q));
        // Of each prime factor q of the order, a candidate must not be a q-th power.
        (2..)
            .find(|&g| primes.clone().all(|q| self.power(g, (self.p - 1) / q) != 1))
            .map_or(1, |g| self.power(g, (self.p - 1) / order))
    }

    /// The residue of an integer.
    pub fn residue(&self, value: i64) -> u64 {
        let residue = value.unsigned_abs() % self.p;
        if value < 0 && residue > 0 { self.p - residue } else { residue }
    }

    /// The residue of a magnitude, least significant word first, with a sign.
    pub fn residue_of_words(&self, magnitude: &[u64], negative: bool) -> u64 {
        let shift = |residue, &word: &u64| self.sum(self.scaled(residue), word % self.p);
        let residue = magnitude.iter().rev().fold(0, shift);
        if negative && residue > 0 { self.p - residue } else { residue }
    }

    /// A residue prepared for many products with it.
    pub fn factor(&self, value: u64) -> Multiplier {
        Multiplier { value, quotient: ((u128::from(value) << 64) / u128::from(self.p)) as u64 }
    }

    /// `x · factor` plus possibly `p`, so below `2p`; any `x`.
    #[inline]
    pub fn lazy(&self, x: u64, factor: Multiplier) -> u64 {
        let quotient = ((u128::from(x) * u128::from(factor.quotient)) >> 64) as u64;
        x.wrapping_mul(factor.value).wrapping_sub(quotient.wrapping_mul(self.p))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigInt;
    use num_integer::Integer;
    use num_traits::ToPrimitive;
    use proptest::prelude::*;

    #[test]
    fn primes_are_prime_and_have_the_roots() {
        for (index, &p) in PRIMES.iter().enumerate() {
            assert!(p < 1 << 61 && !PRIMES[..index].contains(&p) && p % ((1 << 16) * 45_045) == 1);
            // Deterministic Miller–Rabin below 3.3·10²⁴ (Sorenson and Webster 2015).
            let m = u128::from(p);
            let pow = |mut b: u128, mut e: u64| {
                let mut r = 1;
                while e > 0 {
                    if e & 1 == 1 {
                        r = r * b % m;
                    }
                    b = b * b % m;
                    e >>= 1;
                }
                r
            };
            let twos = (p - 1).trailing_zeros();
            for a in [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41] {
                let mut x = pow(a, (p - 1) >> twos);
                let mut passes = x == 1;
                for _ in 0..twos {
                    passes |= x == m - 1;
                    x = x * x % m;
                }
                assert!(passes, "{p} is composite");
            }
        }
        let product: BigInt = PRIMES.iter().product();
        assert!(product > BigInt::from(1) << (61 * PRIMES.len() - 1));
    }

    #[test]
    fn roots_have_their_exact_order() {
        let field = PrimeField::new(PRIMES[3]);
        for order in (1..=16).chain((5..=16).map(|k| 1 << k)) {
            let root = field.root_of_unity(order);
            assert_eq!(field.power(root, order), 1);
            assert!(
                (1..order).filter(|d| order % d == 0).all(|d| field.power(root, d) != 1),
                "order {order}"
            );
        }
    }

    #[test]
    fn capacity() {
        assert_eq!((primes_for(0), primes_for(59), primes_for(60)), (Some(1), Some(1), Some(2)));
        assert_eq!((primes_for(120), primes_for(121), primes_for(974)), (Some(2), Some(3), Some(16)));
        assert_eq!((primes_for(975), primes_for(u64::MAX)), (None, None));
    }

    proptest! {
        #[test]
        fn reduction_agrees_with_big_integers(index in 0..PRIMES.len(), high in any::<u64>(), low in any::<u64>(), a in any::<u64>()) {
            let field = PrimeField::new(PRIMES[index]);
            let value = u128::from(high) << 64 | u128::from(low);
            let p = BigInt::from(field.p);
            let back = (BigInt::from(field.reduce(value)) << 64u32) - BigInt::from(value);
            prop_assert!(field.reduce(value) < field.p && back.is_multiple_of(&p));
            let residue = field.residue_of_words(&[low, high], a % 2 == 1);
            let signed = if a % 2 == 1 { -BigInt::from(value) } else { value.into() };
            prop_assert!(residue < field.p && (signed - residue).is_multiple_of(&p));
            prop_assert_eq!(field.residue(low.cast_signed()), field.residue_of_words(&[low.cast_signed().unsigned_abs()], low >> 63 == 1));
            let b = low % field.p;
            let product = BigInt::from(a % field.p) * BigInt::from(b) % &p;
            prop_assert_eq!(Some(field.multiply(a % field.p, b)), product.to_u64());
            let lazy = field.lazy(a, field.factor(b));
            prop_assert!(lazy < 2 * field.p);
            prop_assert_eq!(BigInt::from(lazy) % &p, BigInt::from(a) * b % &p);
        }
    }
}
