//! Dense polynomials in one variable over the integers: content, exact division, greatest common divisors.
//!
//! A polynomial is a vector of coefficients, constant term first, without trailing zeros; zero is empty.

use super::dense;
use super::ring::{Ring, Word};
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
    a.iter().rev().fold(BigInt::zero(), |value, c| value * x + c)
}

/// The derivative.
pub fn derivative(a: &[BigInt]) -> Vec<BigInt> {
    a.iter().enumerate().skip(1).map(|(i, c)| c * i).collect()
}

/// The coefficients in `(−base/2, base/2]` of the polynomial with `value` at `base`.
pub(super) fn digits(mut value: BigInt, base: &BigInt) -> Vec<BigInt> {
    let half = base >> 1u32;
    let mut cells = Vec::new();
    while !value.is_zero() {
        let (mut quotient, mut digit) = value.div_mod_floor(base);
        if digit > half {
            digit -= base;
            quotient += 1u32;
        }
        cells.push(digit);
        value = quotient;
    }
    cells
}

/// Evaluation points of the heuristic greatest common divisor: each about e times the one before.
pub(super) fn gcd_points(height: &BigInt) -> impl Iterator<Item = BigInt> {
    std::iter::successors(Some(height * 2u32 + 29u32), |x| Some(x * 73_794u32 / 27_011u32)).take(8)
}

/// The greatest common divisor, content included, leading coefficient positive; `None` if the heuristic (Char,
/// Geddes and Gonnet 1989, "GCDHEU") gives up.
///
/// The result divides both and, by their theorem, is the greatest such.
pub fn gcd(a: &[BigInt], b: &[BigInt]) -> Option<Vec<BigInt>> {
    let common = content(a.iter().chain(b));
    if a.is_empty() || b.is_empty() {
        let lead = if a.is_empty() { b } else { a };
        return Some(primitive(lead).iter().map(|c| c * &common).collect());
    }
    if a.len() == 1 || b.len() == 1 {
        return Some(vec![common]);
    }
    let (a, b) = (primitive(a), primitive(b));
    for point in gcd_points(&height(&a).min(height(&b))) {
        let value = evaluate(&a, &point).gcd(&evaluate(&b, &point));
        let candidate = primitive(&digits(value, &point));
        if exact_div(&a, &candidate).is_some() && exact_div(&b, &candidate).is_some() {
            return Some(candidate.iter().map(|c| c * &common).collect());
        }
    }
    None
}

/// Whether the polynomials have no common factor of positive degree, decided by an image modulo a prime;
/// `false` may also mean that the image does not tell.
pub fn certainly_coprime(polynomials: &[&[BigInt]]) -> bool {
    let Some(field) = Word::new((1 << 58) - 27) else { return false };
    let mut common: Vec<u64> = Vec::new();
    for (index, polynomial) in polynomials.iter().enumerate() {
        let mut image: Vec<u64> = polynomial.iter().map(|c| field.embed(c)).collect();
        dense::trim(&field, &mut image);
        // A common factor keeps its degree in the image of the first polynomial if that keeps its own.
        if index == 0 && image.len() != polynomial.len() {
            return false;
        }
        let Some(next) = dense::gcd(&field, &image, &common) else { return false };
        common = next;
        if common.len() == 1 {
            return true;
        }
    }
    false
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
            let common = gcd(&mul(&a, &g), &mul(&b, &g)).unwrap();
            prop_assert!(exact_div(&common, &g).is_some());
            let cofactors = gcd(&a, &b).unwrap();
            prop_assert_eq!(common.len(), g.len() + cofactors.len() - 1);
            let unit = [BigInt::one()];
            prop_assert!(!certainly_coprime(&[&a, &b]) || cofactors.len() == unit.len());
        }
    }
}
