//! Dense polynomials in one variable over a [`Ring`]: arithmetic, division, greatest common divisors.
//!
//! A polynomial is a vector of coefficients, constant term first, without trailing zeros; zero is empty.
//! Schoolbook multiplication: degrees here are those of kernels.

use super::ring::Ring;
use crate::budget;

/// A polynomial: coefficients, constant term first.
pub type Dense<R> = Vec<<R as Ring>::Elem>;

/// Removes trailing zeros.
pub fn trim<R: Ring>(ring: &R, a: &mut Vec<R::Elem>) {
    while a.last().is_some_and(|c| ring.is_zero(c)) {
        a.pop();
    }
}

/// Unreduced coefficients of a sum of products of polynomials.
pub struct Accumulator<'r, R: Ring> {
    ring: &'r R,
    sums: Vec<R::Sum>,
    pending: usize,
}

impl<'r, R: Ring> Accumulator<'r, R> {
    /// Zero, with room for `len` coefficients.
    pub fn new(ring: &'r R, len: usize) -> Self {
        Self { ring, sums: vec![ring.empty_sum(); len], pending: 0 }
    }

    /// Adds `a · b`, dropping coefficients beyond the accumulator's length.
    pub fn add_product(&mut self, a: &[R::Elem], b: &[R::Elem]) {
        let (a, b) = if a.len() <= b.len() { (a, b) } else { (b, a) };
        for (i, x) in a.iter().enumerate().take(self.sums.len()) {
            self.add_scaled(i, x, b);
        }
    }

    /// Adds `x · b` shifted up by `offset`, dropping coefficients beyond the accumulator's length.
    pub fn add_scaled(&mut self, offset: usize, x: &R::Elem, b: &[R::Elem]) {
        if self.pending + 1 >= R::SUM_LIMIT {
            for sum in &mut self.sums {
                self.ring.fold(sum);
            }
            self.pending = 0;
        }
        self.pending += 1;
        let ring = self.ring;
        budget::spend_on(b.len(), ring.steps());
        for (sum, y) in self.sums[offset..].iter_mut().zip(b) {
            ring.add_product(sum, x, y);
        }
    }

    /// The reduced coefficients, trailing zeros included.
    pub fn finish(self) -> Vec<R::Elem> {
        self.sums.iter().map(|sum| self.ring.reduce_sum(sum)).collect()
    }
}

/// `Σ a[i] · b[n−1−i]` for two slices of one length n.
pub fn dot_reversed<R: Ring>(ring: &R, a: &[R::Elem], b: &[R::Elem]) -> R::Elem {
    budget::spend_on(a.len(), ring.steps());
    let mut sum = ring.empty_sum();
    let mut pending = 0;
    for (x, y) in a.iter().zip(b.iter().rev()) {
        if pending + 1 >= R::SUM_LIMIT {
            ring.fold(&mut sum);
            pending = 0;
        }
        pending += 1;
        ring.add_product(&mut sum, x, y);
    }
    ring.reduce_sum(&sum)
}

/// `a + b`.
pub fn add<R: Ring>(ring: &R, a: &[R::Elem], b: &[R::Elem]) -> Vec<R::Elem> {
    let (a, b) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let mut sum = a.to_vec();
    for (x, y) in sum.iter_mut().zip(b) {
        *x = ring.add(x, y);
    }
    trim(ring, &mut sum);
    sum
}

/// `a − b`.
pub fn sub<R: Ring>(ring: &R, a: &[R::Elem], b: &[R::Elem]) -> Vec<R::Elem> {
    let mut difference = a.to_vec();
    difference.resize(a.len().max(b.len()), ring.zero());
    for (x, y) in difference.iter_mut().zip(b) {
        *x = ring.sub(x, y);
    }
    trim(ring, &mut difference);
    difference
}

/// `a · b`.
pub fn mul<R: Ring>(ring: &R, a: &[R::Elem], b: &[R::Elem]) -> Vec<R::Elem> {
    if a.is_empty() || b.is_empty() {
        return Vec::new();
    }
    let mut product = Accumulator::new(ring, a.len() + b.len() - 1);
    product.add_product(a, b);
    let mut product = product.finish();
    trim(ring, &mut product);
    product
}

/// `c · a`.
pub fn scale<R: Ring>(ring: &R, a: &[R::Elem], c: &R::Elem) -> Vec<R::Elem> {
    budget::spend_on(a.len(), ring.steps());
    let mut scaled = a.iter().map(|x| ring.mul(x, c)).collect();
    trim(ring, &mut scaled);
    scaled
}

/// `a` divided by its leading coefficient; `None` if that is no unit or `a` is zero.
pub fn monic<R: Ring>(ring: &R, a: &[R::Elem]) -> Option<Vec<R::Elem>> {
    let lead = a.last()?;
    if *lead == ring.one() {
        return Some(a.to_vec());
    }
    let inverse = ring.inverse(lead)?;
    Some(scale(ring, a, &inverse))
}

/// Quotient and remainder by a monic, nonzero polynomial.
pub fn div_rem<R: Ring>(ring: &R, a: &[R::Elem], b: &[R::Elem]) -> (Vec<R::Elem>, Vec<R::Elem>) {
    let degree = b.len() - 1;
    if a.len() <= degree {
        return (Vec::new(), a.to_vec());
    }
    let count = a.len() - degree;
    let mut quotient = vec![ring.zero(); count];
    for k in (0..count).rev() {
        let reach = degree.min(count - 1 - k);
        let known = dot_reversed(ring, &quotient[k + 1..k + 1 + reach], &b[degree - reach..degree]);
        quotient[k] = ring.sub(&a[k + degree], &known);
    }
    let mut remainder = Vec::with_capacity(degree);
    for i in 0..degree {
        let high = i.min(count - 1);
        let known = dot_reversed(ring, &quotient[..=high], &b[i - high..=i]);
        remainder.push(ring.sub(&a[i], &known));
    }
    trim(ring, &mut remainder);
    (quotient, remainder)
}

/// Remainder by a monic, nonzero polynomial.
pub fn rem<R: Ring>(ring: &R, a: &[R::Elem], b: &[R::Elem]) -> Vec<R::Elem> {
    div_rem(ring, a, b).1
}

/// The monic greatest common divisor over a prime field (empty if both are zero).
///
/// # Errors
/// `None` if a leading coefficient is no unit, which cannot happen over a field.
pub fn gcd<R: Ring>(ring: &R, a: &[R::Elem], b: &[R::Elem]) -> Option<Vec<R::Elem>> {
    let (mut a, mut b) = (a.to_vec(), b.to_vec());
    while !b.is_empty() {
        if b.len() == 1 {
            return Some(vec![ring.one()]);
        }
        b = monic(ring, &b)?;
        let r = rem(ring, &a, &b);
        (a, b) = (b, r);
    }
    if a.is_empty() { Some(a) } else { monic(ring, &a) }
}

/// `(s, t)` with `s·a + t·b = 1`, `deg s < deg b`, `deg t < deg a`, over a prime field; `None` if `a` and `b`
/// are not coprime.
pub fn bezout<R: Ring>(ring: &R, a: &[R::Elem], b: &[R::Elem]) -> Option<(Dense<R>, Dense<R>)> {
    let (mut r0, mut r1) = (a.to_vec(), b.to_vec());
    let (mut s0, mut s1) = (vec![ring.one()], Vec::new());
    let (mut t0, mut t1) = (Vec::new(), vec![ring.one()]);
    while !r1.is_empty() {
        let inverse = ring.inverse(r1.last()?)?;
        r1 = scale(ring, &r1, &inverse);
        s1 = scale(ring, &s1, &inverse);
        t1 = scale(ring, &t1, &inverse);
        let (q, r) = div_rem(ring, &r0, &r1);
        let s = sub(ring, &s0, &mul(ring, &q, &s1));
        let t = sub(ring, &t0, &mul(ring, &q, &t1));
        (r0, r1, s0, s1, t0, t1) = (r1, r, s1, s, t1, t);
    }
    let [unit] = r0.as_slice() else { return None };
    let inverse = ring.inverse(unit)?;
    Some((scale(ring, &s0, &inverse), scale(ring, &t0, &inverse)))
}

/// The derivative.
pub fn derivative<R: Ring>(ring: &R, a: &[R::Elem]) -> Vec<R::Elem> {
    let mut result = Vec::with_capacity(a.len().saturating_sub(1));
    let mut index = ring.zero();
    for c in a.iter().skip(1) {
        index = ring.add(&index, &ring.one());
        result.push(ring.mul(c, &index));
    }
    trim(ring, &mut result);
    result
}

/// The value at `x`.
pub fn evaluate<R: Ring>(ring: &R, a: &[R::Elem], x: &R::Elem) -> R::Elem {
    budget::spend_on(a.len(), ring.steps());
    a.iter().rev().fold(ring.zero(), |value, c| ring.add(&ring.mul(&value, x), c))
}

/// Replaces `a(x)` by `a(x + c)` (trailing zeros kept).
pub fn taylor_shift<R: Ring>(ring: &R, a: &mut [R::Elem], c: &R::Elem) {
    for start in 0..a.len() {
        budget::spend_on(a.len() - start, ring.steps());
        for i in (start..a.len() - 1).rev() {
            a[i] = ring.add(&a[i], &ring.mul(&a[i + 1], c));
        }
    }
}
