//! Dense polynomials in one variable over the integers: content, exact division, greatest common divisors.
//!
//! A polynomial is a vector of coefficients, constant term first, without trailing zeros; zero is empty.

use super::dense;
use super::finite_field::large_primes;
use super::ring::{Ring, Word};
use crate::budget::{self, Extents, words};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

/// Removes trailing zeros.
pub fn trim(a: &mut Vec<BigInt>) {
    while a.last().is_some_and(Zero::is_zero) {
        a.pop();
    }
}

/// The nonnegative greatest common divisor of integers (0 if all are).
pub fn content<'a>(cells: impl IntoIterator<Item = &'a BigInt>) -> BigInt {
    let mut common = BigInt::zero();
    for cell in cells {
        if common.is_one() {
            break;
        }
        common = common.gcd(cell);
    }
    common
}

/// The largest absolute value of integers.
pub fn height<'a>(cells: impl IntoIterator<Item = &'a BigInt>) -> BigInt {
    cells.into_iter().map(Signed::abs).max().unwrap_or_default()
}

/// An integer at least as large as the Euclidean norm of the cells.
pub fn norm_bound<'a>(cells: impl IntoIterator<Item = &'a BigInt>) -> BigInt {
    let square: BigInt = cells.into_iter().map(|c| c * c).sum();
    square.sqrt() + 1u32
}

/// Divides by the content and makes the leading coefficient positive; zero stays zero.
pub fn primitive(a: &[BigInt]) -> Vec<BigInt> {
    let mut divisor = content(a);
    if a.last().is_some_and(Signed::is_negative) {
        divisor = -divisor;
    }
    if divisor.is_one() || divisor.is_zero() {
        return a.to_vec();
    }
    a.iter().map(|c| c / &divisor).collect()
}

/// `a · b`.
pub fn mul(a: &[BigInt], b: &[BigInt]) -> Vec<BigInt> {
    if a.is_empty() || b.is_empty() {
        return Vec::new();
    }
    budget::spend_on([a.len(), b.len()], 60);
    let mut product = vec![BigInt::zero(); a.len() + b.len() - 1];
    for (i, x) in a.iter().enumerate().filter(|(_, x)| !x.is_zero()) {
        for (cell, y) in product[i..].iter_mut().zip(b) {
            *cell += x * y;
        }
    }
    product
}

/// `a / b` if `b` is not zero and divides `a` over the integers.
pub fn exact_div(a: &[BigInt], b: &[BigInt]) -> Option<Vec<BigInt>> {
    let lead = b.last()?;
    if a.is_empty() {
        return Some(Vec::new());
    }
    let mut rest = a.to_vec();
    let count = (a.len() + 1).checked_sub(b.len()).filter(|count| *count > 0)?;
    let mut quotient = vec![BigInt::zero(); count];
    for k in (0..count).rev() {
        let top = &rest[k + b.len() - 1];
        if top.is_zero() {
            continue;
        }
        budget::spend_on(b.len(), 60);
        let (q, r) = top.div_rem(lead);
        if !r.is_zero() {
            return None;
        }
        for (cell, y) in rest[k..].iter_mut().zip(b) {
            *cell -= &q * y;
        }
        quotient[k] = q;
    }
    rest.iter().all(Zero::is_zero).then_some(quotient)
}

/// The value at `x`.
pub fn evaluate(a: &[BigInt], x: &BigInt) -> BigInt {
    let (count, words) = (a.len().product(), words(x.bits()));
    // The value grows by the length of x with each coefficient.
    budget::spend_on([count, count.div_ceil(2), words], words);
    budget::spend_on(count, 60);
    a.iter().rev().fold(BigInt::zero(), |value, c| value * x + c)
}

/// The derivative.
pub fn derivative(a: &[BigInt]) -> Vec<BigInt> {
    a.iter().enumerate().skip(1).map(|(i, c)| c * i).collect()
}

/// The greatest common divisor of polynomials, content included, leading coefficient positive; empty if all are
/// zero. `None` if no candidate is confirmed within the primes that their size asks for.
///
/// Images modulo primes give the degree from above and, by the Chinese remainder theorem, a candidate; the candidate
/// counts when it divides all polynomials.
pub fn gcd(polynomials: &[&[BigInt]]) -> Option<Vec<BigInt>> {
    let nonzero: Vec<&[BigInt]> = polynomials.iter().copied().filter(|a| !a.is_empty()).collect();
    let common = content(nonzero.iter().copied().flatten());
    let scaled = |a: &[BigInt]| primitive(a).iter().map(|c| c * &common).collect();
    let Some(first) = nonzero.first() else { return Some(Vec::new()) };
    if nonzero.len() == 1 {
        return Some(scaled(first));
    }
    let lead = content(nonzero.iter().filter_map(|a| a.last()));
    let size = nonzero.iter().map(|a| height(*a).bits() + a.len() as u64).max().unwrap_or(0);
    // Room for the product of two such coefficients at a power of two of primes, and for some bad primes.
    let needed = usize::try_from(2 * size / u64::from(Word::BITS - 1) + 2).ok()?;
    let limit = needed.checked_next_power_of_two()? + needed + 16;
    let mut candidate = Remainders { modulus: BigInt::one(), values: Vec::new() };
    let mut used = 0usize;
    for field in large_primes().take(limit) {
        let Some(image) = image_of_gcd(&field, &nonzero) else { continue };
        if image.len() == 1 {
            return Some(vec![common]);
        }
        if image.len() < candidate.values.len() || candidate.values.is_empty() {
            candidate = Remainders { modulus: BigInt::one(), values: vec![BigInt::zero(); image.len()] };
            used = 0;
        } else if image.len() > candidate.values.len() {
            continue;
        }
        let unit = field.embed(&lead);
        let scaled_image: Vec<u64> = image.iter().map(|c| field.canonical(field.mul(c, &unit))).collect();
        candidate.extend(&field, &scaled_image)?;
        used += 1;
        if used.is_power_of_two() {
            let divisor = primitive(&candidate.symmetric());
            if nonzero.iter().all(|a| exact_div(a, &divisor).is_some()) {
                return Some(scaled(&divisor));
            }
        }
    }
    None
}

/// The monic greatest common divisor modulo a prime; `None` if the first polynomial loses its degree, for then the
/// image's degree is no bound.
fn image_of_gcd(field: &Word, polynomials: &[&[BigInt]]) -> Option<Vec<u64>> {
    let mut common: Vec<u64> = Vec::new();
    for (index, polynomial) in polynomials.iter().enumerate() {
        let mut image: Vec<u64> = polynomial.iter().map(|c| field.embed(c)).collect();
        dense::trim(field, &mut image);
        if index == 0 && image.len() != polynomial.len() {
            return None;
        }
        common = dense::gcd(field, &image, &common)?;
        if common.len() == 1 {
            break;
        }
    }
    Some(common)
}

/// Integers known modulo a product of primes (Chinese remainder theorem).
pub struct Remainders {
    /// The product of the primes.
    pub modulus: BigInt,
    /// The residues, in `0..modulus`.
    pub values: Vec<BigInt>,
}

impl Remainders {
    /// Adds the plain residues modulo one further prime; `None` if the prime was used before.
    pub fn extend(&mut self, field: &Word, residues: &[u64]) -> Option<()> {
        let inverse = field.inverse(&field.embed(&self.modulus))?;
        for (value, residue) in self.values.iter_mut().zip(residues) {
            let gap = field.sub(&field.embed_small(*residue), &field.embed(value));
            let step = field.canonical(field.mul(&gap, &inverse));
            if step != 0 {
                *value += &self.modulus * step;
            }
        }
        self.modulus *= field.modulus();
        Some(())
    }

    /// The representatives closest to 0.
    fn symmetric(&self) -> Vec<BigInt> {
        let half = &self.modulus >> 1u32;
        self.values.iter().map(|v| if *v > half { v - &self.modulus } else { v.clone() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn polynomial(limit: i128, degree: usize) -> impl Strategy<Value = Vec<BigInt>> {
        prop::collection::vec(-limit..=limit, 1..degree + 2).prop_map(|cells| {
            let mut cells: Vec<BigInt> = cells.into_iter().map(BigInt::from).collect();
            trim(&mut cells);
            cells
        })
    }

    proptest! {
        #[test]
        fn products_divide_exactly(a in polynomial(1 << 100, 8), b in polynomial(9, 8)) {
            prop_assume!(!b.is_empty());
            prop_assert_eq!(exact_div(&mul(&a, &b), &b), Some(a));
        }

        #[test]
        fn gcd_of_multiples(a in polynomial(9, 5), b in polynomial(9, 5), g in polynomial(1 << 70, 5)) {
            prop_assume!(!a.is_empty() && !b.is_empty() && !g.is_empty());
            let common = gcd(&[&mul(&a, &g), &[], &mul(&b, &g)]).unwrap();
            prop_assert!(exact_div(&common, &g).is_some());
            let cofactors = gcd(&[&a, &b]).unwrap();
            prop_assert_eq!(common.len(), g.len() + cofactors.len() - 1);
            prop_assert_eq!(content(&common), content(&g) * content(a.iter().chain(&b)));
        }
    }
}
