//! Factorization of polynomials in one variable over a small prime field (Cantor and Zassenhaus 1981).
//!
//! Deterministic: the splitting polynomials come from a fixed generator. Square-free input only.

use super::dense::{Accumulator, derivative, div_rem, gcd, mul, rem, sub};
use super::ring::{Ring, Word};

/// A square-free monic polynomial over `F_p`, split by the degrees of its irreducible factors.
pub struct DistinctDegrees {
    /// `(d, product of all irreducible factors of degree d)`, d increasing, products not constant.
    pub parts: Vec<(usize, Vec<u64>)>,
    /// Row i is `x^(i·p)` modulo the polynomial.
    frobenius: Vec<Vec<u64>>,
    modulus: Vec<u64>,
}

/// Whether `a` has no repeated factor, over a prime field.
pub fn is_square_free(field: &Word, a: &[u64]) -> bool {
    gcd(field, a, &derivative(field, a)).is_some_and(|g| g.len() == 1)
}

/// `x^p` modulo the monic `modulus` of degree at least 2.
fn frobenius_of_x(field: &Word, modulus: &[u64]) -> Vec<u64> {
    let p = field.modulus();
    let mut power = vec![field.one()];
    for bit in (0..64 - p.leading_zeros()).rev() {
        let mut square = mul(field, &power, &power);
        if p >> bit & 1 == 1 {
            square.insert(0, field.zero());
        }
        power = rem(field, &square, modulus);
    }
    power
}

impl DistinctDegrees {
    /// Splits a square-free monic polynomial of positive degree.
    pub fn new(field: &Word, modulus: Vec<u64>) -> Self {
        let degree = modulus.len() - 1;
        if degree == 1 {
            return Self { parts: vec![(1, modulus.clone())], frobenius: Vec::new(), modulus };
        }
        let x_to_p = frobenius_of_x(field, &modulus);
        let mut frobenius = vec![vec![field.one()], x_to_p.clone()];
        while frobenius.len() < degree {
            let next = mul(field, &frobenius[frobenius.len() - 1], &x_to_p);
            frobenius.push(rem(field, &next, &modulus));
        }
        let mut split = Self { parts: Vec::new(), frobenius, modulus };
        let x = [field.zero(), field.one()];
        let (mut rest, mut power) = (split.modulus.clone(), x_to_p);
        let mut d = 1;
        while 2 * d < rest.len() {
            let difference = sub(field, &power, &x);
            // The leading coefficient is a unit of the field, so the divisor exists.
            let common = gcd(field, &rest, &difference).unwrap_or_default();
            if common.len() > 1 {
                rest = div_rem(field, &rest, &common).0;
                split.parts.push((d, common));
            }
            d += 1;
            if 2 * d < rest.len() {
                power = split.to_the_p(field, &power);
            }
        }
        if rest.len() > 1 {
            split.parts.push((rest.len() - 1, rest));
        }
        split
    }

    /// The degrees of the irreducible factors, increasing.
    pub fn degrees(&self) -> Vec<usize> {
        self.parts.iter().flat_map(|(d, part)| std::iter::repeat_n(*d, (part.len() - 1) / d)).collect()
    }

    /// `a^p` modulo the polynomial.
    fn to_the_p(&self, field: &Word, a: &[u64]) -> Vec<u64> {
        let mut sum = Accumulator::new(field, self.modulus.len() - 1);
        for (c, row) in a.iter().zip(&self.frobenius) {
            sum.add_scaled(0, c, row);
        }
        let mut power = sum.finish();
        super::dense::trim(field, &mut power);
        power
    }

    /// The monic irreducible factors, in a fixed order.
    pub fn factors(&self, field: &Word) -> Vec<Vec<u64>> {
        let mut random = Generator(0x9e37_79b9_7f4a_7c15);
        let mut factors = Vec::new();
        for (d, part) in &self.parts {
            let mut pending = vec![part.clone()];
            while let Some(piece) = pending.pop() {
                if piece.len() - 1 == *d {
                    factors.push(piece);
                    continue;
                }
                let splitter = self.splitter(field, *d, &piece, &mut random);
                let common = gcd(field, &piece, &splitter).unwrap_or_default();
                if common.len() > 1 && common.len() < piece.len() {
                    pending.push(div_rem(field, &piece, &common).0);
                    pending.push(common);
                } else {
                    pending.push(piece);
                }
            }
        }
        factors
    }

    /// `a^((p^d − 1)/2) − 1` modulo `piece` for a random a: divisible by about half of its factors.
    fn splitter(&self, field: &Word, d: usize, piece: &[u64], random: &mut Generator) -> Vec<u64> {
        let degree = self.modulus.len() - 1;
        let mut conjugate: Vec<u64> = (0..degree).map(|_| field.embed_small(random.next())).collect();
        super::dense::trim(field, &mut conjugate);
        // (p^d − 1)/2 = (1 + p + … + p^(d−1)) · (p − 1)/2: a norm, then a short power.
        let mut norm = rem(field, &conjugate, piece);
        for _ in 1..d {
            conjugate = self.to_the_p(field, &conjugate);
            norm = rem(field, &mul(field, &norm, &rem(field, &conjugate, piece)), piece);
        }
        let exponent = (field.modulus() - 1) / 2;
        let mut power = vec![field.one()];
        for bit in (0..64 - exponent.leading_zeros()).rev() {
            power = rem(field, &mul(field, &power, &power), piece);
            if exponent >> bit & 1 == 1 {
                power = rem(field, &mul(field, &power, &norm), piece);
            }
        }
        sub(field, &power, &[field.one()])
    }
}

/// Steele, Lea and Flood's `SplitMix64`: any well mixed sequence serves.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// How many primes [`image_prime`] knows.
const PRIME_COUNT: usize = 1024;

const PRIMES: [u64; PRIME_COUNT] = {
    let mut primes = [0; PRIME_COUNT];
    let (mut count, mut n) = (0, 251);
    while count < PRIME_COUNT {
        let mut d = 3;
        while d * d <= n && n % d != 0 {
            d += 2;
        }
        if d * d > n {
            primes[count] = n;
            count += 1;
        }
        n += 2;
    }
    primes
};

/// The primes used for images, increasing from 251; `None` beyond the end of the table.
///
/// They are large enough that a random image is rarely degenerate and small enough that `x^p` is cheap.
pub fn image_prime(index: usize) -> Option<Word> {
    PRIMES.get(index).copied().and_then(Word::new)
}

/// What the largest primes below 2^58 lack to it: most callers need only one.
const LARGE_PRIME_GAPS: [u64; 8] = [27, 57, 63, 137, 141, 147, 161, 203];

/// The primes below 2^58 in decreasing order.
pub fn large_primes() -> impl Iterator<Item = Word> {
    let top = 1u64 << Word::BITS;
    let known = LARGE_PRIME_GAPS.into_iter().filter_map(move |gap| Word::new(top - gap));
    let start = top - LARGE_PRIME_GAPS[LARGE_PRIME_GAPS.len() - 1];
    known.chain((1..start).rev().step_by(2).filter_map(|n| Word::new(n - 1)).filter(is_prime))
}

/// Miller–Rabin with bases that are right for all 64-bit numbers (Sinclair 2011).
fn is_prime(ring: &Word) -> bool {
    let n = ring.modulus();
    let (shift, odd) = ((n - 1).trailing_zeros(), (n - 1) >> (n - 1).trailing_zeros());
    let minus_one = ring.sub(&0, &ring.one());
    [2, 325, 9375, 28178, 450_775, 9_780_504, 1_795_265_022].into_iter().all(|base| {
        let base = ring.embed_small(base);
        let mut power = ring.one();
        for bit in (0..64 - odd.leading_zeros()).rev() {
            power = ring.mul(&power, &power);
            if odd >> bit & 1 == 1 {
                power = ring.mul(&power, &base);
            }
        }
        if base == 0 || power == ring.one() || power == minus_one {
            return true;
        }
        (1..shift).any(|_| {
            power = ring.mul(&power, &power);
            power == minus_one
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poly::dense::monic;
    use proptest::prelude::*;

    #[test]
    fn first_large_primes() {
        let top = 1u64 << Word::BITS;
        let tested = (1..top).rev().step_by(2).filter_map(Word::new).filter(is_prime).take(12);
        let tested: Vec<u64> = tested.map(|field| field.modulus()).collect();
        assert_eq!(tested, large_primes().take(12).map(|field| field.modulus()).collect::<Vec<u64>>());
        let small: Vec<u64> =
            (0..10_000).filter_map(Word::new).filter(is_prime).map(|f| f.modulus()).collect();
        let sieve = |n: &u64| (2..*n).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
        assert_eq!(small, (3..10_000).filter(sieve).collect::<Vec<u64>>());
    }

    proptest! {
        #[test]
        fn factors_multiply_back_and_have_no_roots_below_their_degree(
            coefficients in prop::collection::vec(0u64..251, 2..14),
        ) {
            let field = image_prime(0).unwrap();
            let mut a: Vec<u64> = coefficients.iter().map(|c| field.embed_small(*c)).collect();
            a.push(field.one());
            prop_assume!(is_square_free(&field, &a));
            let split = DistinctDegrees::new(&field, a.clone());
            let factors = split.factors(&field);
            let product = factors.iter().fold(vec![field.one()], |acc, f| mul(&field, &acc, f));
            prop_assert_eq!(&product, &a);
            let mut degrees: Vec<usize> = factors.iter().map(|f| f.len() - 1).collect();
            degrees.sort_unstable();
            prop_assert_eq!(degrees, split.degrees());
            for f in &factors {
                prop_assert_eq!(&monic(&field, f).unwrap(), f);
                let roots = (0..251u64)
                    .filter(|x| super::super::dense::evaluate(&field, f, &field.embed_small(*x)) == 0)
                    .count();
                prop_assert_eq!(roots, usize::from(f.len() == 2));
            }
        }
    }
}
