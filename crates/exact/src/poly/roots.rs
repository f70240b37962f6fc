//! Roots of square-free integer polynomials in one variable: the number of real ones (Sturm), and certified
//! approximations of all complex ones.
//!
//! No floats: approximations are dyadic rationals found by the Ehrlich–Aberth iteration in fixed point, and
//! the enclosing discs follow from exact arithmetic (Smith 1970, "Error bounds for zeros of a polynomial based
//! upon Gerschgorin's theorems").

use super::integer;
use crate::Rational;
use crate::budget;
use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

/// Number of distinct real roots, by Sturm's theorem. Zero polynomials have none here.
pub fn count_real(a: &[BigInt]) -> usize {
    let (mut previous, mut current) = (a.to_vec(), integer::derivative(a));
    let mut signs = Vec::new();
    while let Some(lead) = previous.last() {
        signs.push((lead.is_negative(), previous.len() % 2 == 0));
        let next = negated_remainder(&previous, &current);
        (previous, current) = (current, next);
    }
    let variations =
        |sign: fn(&(bool, bool)) -> bool| signs.windows(2).filter(|w| sign(&w[0]) != sign(&w[1])).count();
    variations(|(negative, odd_degree)| negative != odd_degree) - variations(|(negative, _)| *negative)
}

/// A positive multiple of `−(a mod b)`; empty if `b` is zero or divides `a`.
fn negated_remainder(a: &[BigInt], b: &[BigInt]) -> Vec<BigInt> {
    let Some(lead) = b.last() else { return Vec::new() };
    let mut rest = a.to_vec();
    while rest.len() >= b.len() {
        let top = rest[rest.len() - 1].clone();
        let shift = rest.len() - b.len();
        let scale = lead.abs();
        let factor = if lead.is_negative() { -top } else { top };
        for c in &mut rest {
            *c *= &scale;
        }
        for (cell, c) in rest[shift..].iter_mut().zip(b) {
            *cell -= &factor * c;
        }
        integer::trim(&mut rest);
    }
    let content = integer::content(&rest);
    rest.iter().map(|c| -(c / &content)).collect()
}

/// A root: the disc around `re + i·im` of this radius contains it and no other root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Real part of the centre.
    pub re: Rational,
    /// Imaginary part of the centre; 0 exactly for real roots.
    pub im: Rational,
    /// Radius of the disc.
    pub radius: Rational,
}

/// Fractional bits of the fixed-point iteration.
const BITS: u32 = 384;
/// Every disc has a radius of at most `2^−RADIUS_BITS`.
const RADIUS_BITS: u32 = 160;
const ITERATIONS: usize = 400;

/// A complex number in fixed point.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fixed {
    re: BigInt,
    im: BigInt,
}

impl Fixed {
    fn mul(&self, other: &Self) -> Self {
        Self {
            re: (&self.re * &other.re - &self.im * &other.im) >> BITS,
            im: (&self.re * &other.im + &self.im * &other.re) >> BITS,
        }
    }

    fn div(&self, other: &Self) -> Option<Self> {
        let norm = &other.re * &other.re + &other.im * &other.im;
        if norm.is_zero() {
            return None;
        }
        let re = (&self.re * &other.re + &self.im * &other.im) << BITS;
        let im = (&self.im * &other.re - &self.re * &other.im) << BITS;
        Some(Self { re: re / &norm, im: im / &norm })
    }

    fn sub(&self, other: &Self) -> Self {
        Self { re: &self.re - &other.re, im: &self.im - &other.im }
    }
}

fn horner(a: &[BigInt], z: &Fixed) -> Fixed {
    a.iter().rev().fold(Fixed { re: BigInt::zero(), im: BigInt::zero() }, |value, c| {
        let mut value = value.mul(z);
        value.re += c << BITS;
        value
    })
}

/// Discs of radius at most `2^−160` around all roots of a square-free polynomial of positive degree: real roots in
/// increasing order, then those with positive imaginary part by real and imaginary part, each followed by its
/// conjugate. `None` if the iteration does not separate them.
pub fn isolate(a: &[BigInt]) -> Option<Vec<Root>> {
    let degree = a.len().checked_sub(1).filter(|degree| *degree > 0)?;
    let mut roots = iterate(a, degree)?;
    let real_count = count_real(a);
    // The real roots are those closest to the axis; the others are paired by reflection.
    roots.sort_by_key(|root| root.im.abs());
    let mut complex = roots.split_off(real_count);
    for root in &mut roots {
        root.im = BigInt::zero();
    }
    roots.sort_by(|a, b| a.re.cmp(&b.re));
    complex.retain(|root| root.im.is_positive());
    complex.sort_by(|a, b| (&a.re, &a.im).cmp(&(&b.re, &b.im)));
    for root in complex {
        let conjugate = Fixed { re: root.re.clone(), im: -&root.im };
        roots.extend([root, conjugate]);
    }
    if roots.len() != degree {
        return None;
    }
    certify(a, &roots)
}

/// Ehrlich–Aberth from points on a circle that encloses all roots.
fn iterate(a: &[BigInt], degree: usize) -> Option<Vec<Fixed>> {
    let derivative = integer::derivative(a);
    let lead = a.last()?.abs();
    let bound = integer::height(a) / &lead + 2;
    // Directions by repeated multiplication with a fixed unit-like number: distinct and not symmetric.
    let step = Fixed { re: (BigInt::one() << BITS) * 54 / 100, im: (BigInt::one() << BITS) * 84 / 100 };
    let mut direction = Fixed { re: BigInt::one() << BITS, im: BigInt::one() << (BITS - 2) };
    let mut roots = Vec::with_capacity(degree);
    for _ in 0..degree {
        roots.push(Fixed { re: &direction.re * &bound, im: &direction.im * &bound });
        direction = direction.mul(&step);
    }
    let one = Fixed { re: BigInt::one() << BITS, im: BigInt::zero() };
    for _ in 0..ITERATIONS {
        budget::spend_on([degree, degree], 2000);
        let mut largest = BigInt::zero();
        for i in 0..degree {
            let z = roots[i].clone();
            let value = horner(a, &z);
            let Some(newton) = value.div(&horner(&derivative, &z)) else { continue };
            let mut repulsion = Fixed { re: BigInt::zero(), im: BigInt::zero() };
            for (_, other) in roots.iter().enumerate().filter(|(j, _)| *j != i) {
                if let Some(term) = one.div(&z.sub(other)) {
                    repulsion.re += term.re;
                    repulsion.im += term.im;
                }
            }
            let Some(change) = newton.div(&one.sub(&newton.mul(&repulsion))) else { continue };
            largest = largest.max(change.re.abs()).max(change.im.abs());
            roots[i] = z.sub(&change);
        }
        if largest.bits() < u64::from(BITS - RADIUS_BITS - 64) {
            break;
        }
    }
    Some(roots)
}

/// Exact Weierstrass corrections: the discs of radius `degree · |W_i|` cover all roots, and one that meets no other
/// holds exactly one. A disc that is symmetric to the real axis then holds a real root.
fn certify(a: &[BigInt], centres: &[Fixed]) -> Option<Vec<Root>> {
    let radius = Rational::dyadic(BigInt::one(), RADIUS_BITS);
    let rational = |value: &BigInt| Rational::dyadic(value.clone(), BITS);
    let limit = BigInt::one() << (BITS - RADIUS_BITS + 1);
    let mut roots = Vec::with_capacity(centres.len());
    for (i, z) in centres.iter().enumerate() {
        // Numbers of some words for each degree.
        budget::spend_on([centres.len(), centres.len()], 400);
        // Homogeneous Horner: value = a(z)·2^(BITS·degree), exactly.
        let (mut re, mut im, mut scale) = (BigInt::zero(), BigInt::zero(), BigInt::one());
        for c in a.iter().rev() {
            (re, im) = (&re * &z.re - &im * &z.im + c * &scale, &re * &z.im + &im * &z.re);
            scale <<= BITS;
        }
        // |W|² = |value|² / (lc² · Π |z − z_j|²); both sides carry 2^(2·BITS·degree) once one factor is added.
        let lead = a.last()?;
        let mut denominator = lead * lead;
        for (_, other) in centres.iter().enumerate().filter(|(j, _)| *j != i) {
            let d = z.sub(other);
            if d.re.abs() <= limit && d.im.abs() <= limit {
                return None;
            }
            denominator *= &d.re * &d.re + &d.im * &d.im;
        }
        let degree = BigInt::from(centres.len());
        // degree²·|value|² ≤ radius²·2^(2·BITS)·denominator
        let left = (&re * &re + &im * &im) * &degree * &degree;
        if left > denominator << (2 * (BITS - RADIUS_BITS)) {
            return None;
        }
        roots.push(Root { re: rational(&z.re), im: rational(&z.im), radius: radius.clone() });
    }
    Some(roots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn polynomial(cells: &[i64]) -> Vec<BigInt> {
        cells.iter().copied().map(BigInt::from).collect()
    }

    #[test]
    fn known_counts() {
        assert_eq!(count_real(&polynomial(&[1, 0, 0, 0, 1])), 0);
        assert_eq!(count_real(&polynomial(&[-2, 0, 1])), 2);
        assert_eq!(count_real(&polynomial(&[-2, 0, 0, 1])), 1);
        assert_eq!(count_real(&polynomial(&[1, 0, -10, 0, 1])), 4);
    }

    proptest! {
        #[test]
        fn planted_real_roots(roots in prop::collection::btree_set(-20i64..20, 0..6), pairs in 0usize..3) {
            let mut a = vec![BigInt::one()];
            for root in &roots {
                a = integer::mul(&a, &polynomial(&[-root, 1]));
            }
            for c in 0..pairs {
                a = integer::mul(&a, &polynomial(&[1 + 3 * i64::try_from(c).unwrap(), 1, 1]));
            }
            prop_assert_eq!(count_real(&a), roots.len());
            prop_assume!(a.len() > 1);
            let isolated = isolate(&a).unwrap();
            prop_assert_eq!(isolated.len(), a.len() - 1);
            for (root, found) in roots.iter().zip(&isolated) {
                let distance = (&found.re - Rational::from(BigInt::from(*root))).abs();
                prop_assert!(distance <= found.radius && found.im.is_zero());
            }
            prop_assert!(isolated[roots.len()..].iter().all(|r| !r.im.is_zero()));
        }
    }
}
