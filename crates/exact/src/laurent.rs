//! Laurent polynomials in free symbols with rational coefficients, fully expanded and in normal form.
//!
//! Knows nothing of kernels or names; relations between symbols (square roots) are not its business.

use std::collections::hash_map::Entry;
use std::fmt;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::{Fp, Rational, budget};

/// A free scalar, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u32);

impl Symbol {
    /// Set in the number of a symbol that is a whole scalar, not an entry of a larger kernel.
    const SCALAR: u32 = 1 << 31;

    /// The `n`-th whole scalar.
    pub fn scalar(n: u32) -> Self {
        Self(n | Self::SCALAR)
    }

    /// Whether this is a whole scalar.
    pub fn is_scalar(self) -> bool {
        self.0 & Self::SCALAR != 0
    }
}

/// A product of powers of symbols, sorted by symbol; exponents are never 0 and may be negative.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Monomial(SmallVec<[(Symbol, i16); 4]>);

impl Monomial {
    /// The empty product.
    pub fn one() -> Self {
        Self::default()
    }

    /// `symbol ^ exponent`.
    pub fn power(symbol: Symbol, exponent: i16) -> Self {
        if exponent == 0 { Self::one() } else { Self(smallvec::smallvec![(symbol, exponent)]) }
    }

    /// The factors in order of their symbols.
    pub fn factors(&self) -> &[(Symbol, i16)] {
        &self.0
    }

    /// Whether this is the empty product.
    pub fn is_one(&self) -> bool {
        self.0.is_empty()
    }

    /// The exponent of one symbol, 0 where it does not occur.
    pub fn exponent(&self, symbol: Symbol) -> i16 {
        self.0.binary_search_by_key(&symbol, |factor| factor.0).map_or(0, |at| self.0[at].1)
    }

    /// One divided by it.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self(self.0.iter().map(|&(symbol, exponent)| (symbol, -exponent)).collect())
    }

    /// The powers of some symbols in it.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(Symbol) -> bool) -> Self {
        Self(self.0.iter().filter(|(symbol, _)| wanted(*symbol)).copied().collect())
    }

    /// The product, by merging.
    ///
    /// # Panics
    /// If an exponent leaves the range of `i16`; callers bound degrees (see `MAX_DEGREE`).
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.0.as_slice(), other.0.as_slice());
        let mut product = SmallVec::with_capacity(left.len() + right.len());
        while let (Some(&(a, e)), Some(&(b, f))) = (left.first(), right.first()) {
            match a.cmp(&b) {
                std::cmp::Ordering::Less => {
                    product.push((a, e));
                    left = &left[1..];
                }
                std::cmp::Ordering::Greater => {
                    product.push((b, f));
                    right = &right[1..];
                }
                std::cmp::Ordering::Equal => {
                    // Never wraps, whatever the build: a wrong exponent would make different things equal.
                    let sum = e.checked_add(f).expect("callers bound degrees");
                    if sum != 0 {
                        product.push((a, sum));
                    }
                    (left, right) = (&left[1..], &right[1..]);
                }
            }
        }
        product.extend_from_slice(left);
        product.extend_from_slice(right);
        Self(product)
    }
}

/// Largest exponent that a power in a spec may ask for; keeps monomials far from overflow.
pub const MAX_DEGREE: u32 = 64;

/// A polynomial: terms sorted by monomial, no zero coefficients, no monomial twice.
///
/// ```
/// use convproof_exact::{Poly, Symbol};
/// let (a, b) = (Poly::symbol(Symbol(0)), Poly::symbol(Symbol(1)));
/// assert!((&(&a + &b) * &(&a - &b) - &(&a * &a) + &(&b * &b)).is_zero());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Poly {
    terms: Vec<(Monomial, Rational)>,
}

impl Poly {
    /// The zero polynomial.
    pub fn zero() -> Self {
        Self::default()
    }

    /// The constant 1.
    pub fn one() -> Self {
        Self::constant(Rational::from(1))
    }

    /// A constant.
    pub fn constant(value: Rational) -> Self {
        Self::term(Monomial::one(), value)
    }

    /// A single symbol.
    pub fn symbol(symbol: Symbol) -> Self {
        Self::term(Monomial::power(symbol, 1), Rational::from(1))
    }

    /// `coefficient · monomial`.
    pub fn term(monomial: Monomial, coefficient: Rational) -> Self {
        let mut terms = Vec::new();
        if !coefficient.is_zero() {
            terms.push((monomial, coefficient));
        }
        Self { terms }
    }

    /// The terms in order of their monomials.
    pub fn terms(&self) -> &[(Monomial, Rational)] {
        &self.terms
    }

    /// Whether this is the zero polynomial.
    pub fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    /// The value if there are no symbols.
    pub fn as_constant(&self) -> Option<Rational> {
        match self.terms.as_slice() {
            [] => Some(Rational::from(0)),
            [(monomial, value)] if monomial.is_one() => Some(value.clone()),
            _ => None,
        }
    }

    /// The symbols of each term, one after the other.
    pub fn occurrences(&self) -> impl Iterator<Item = Symbol> {
        self.terms.iter().flat_map(|(monomial, _)| monomial.factors().iter().map(|factor| factor.0))
    }

    /// All symbols that occur, sorted.
    pub fn symbols(&self) -> Vec<Symbol> {
        let mut all: Vec<Symbol> = self.occurrences().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The highest total degree of a term, inverse powers counted as powers.
    pub fn degree(&self) -> u32 {
        let of = |monomial: &Monomial| monomial.factors().iter().map(|f| u32::from(f.1.unsigned_abs())).sum();
        self.terms.iter().map(|(monomial, _)| of(monomial)).max().unwrap_or(0)
    }

    /// Every coefficient times `factor`.
    #[must_use]
    pub fn scaled(&self, factor: &Rational) -> Self {
        if factor.is_zero() {
            return Self::zero();
        }
        budget::spend_on(self.terms.len(), 30);
        Self { terms: self.terms.iter().map(|(m, c)| (m.clone(), c * factor)).collect() }
    }

    /// `1 / self` where that is again a Laurent polynomial: for a single term.
    pub fn reciprocal(&self) -> Option<Self> {
        let [(monomial, coefficient)] = self.terms.as_slice() else { return None };
        Some(Self::term(monomial.inverse(), coefficient.recip()?))
    }

    /// `self ^ exponent`.
    #[must_use]
    pub fn pow(&self, exponent: u32) -> Self {
        (0..exponent).fold(Self::one(), |power, _| &power * self)
    }

    /// Replaces every symbol by a rational; `None` when a zero is raised to a negative power or a
    /// power is too long.
    pub fn evaluate(&self, value: &impl Fn(Symbol) -> Rational) -> Option<Rational> {
        budget::spend_on(self.terms.len(), 60);
        let mut sum = Rational::from(0);
        for (monomial, coefficient) in &self.terms {
            let mut product = coefficient.clone();
            for &(symbol, exponent) in monomial.factors() {
                let base = value(symbol);
                let power = base.pow(u32::from(exponent.unsigned_abs()))?;
                product = &product * &if exponent < 0 { power.recip()? } else { power };
            }
            sum += &product;
        }
        Some(sum)
    }

    /// The value modulo the prime of [`Fp`]; `None` when a denominator vanishes there.
    pub fn evaluate_mod(&self, value: &impl Fn(Symbol) -> Fp) -> Option<Fp> {
        budget::spend_on(self.terms.len(), 30);
        let mut sum = Fp::ZERO;
        for (monomial, coefficient) in &self.terms {
            let mut product = Fp::from_rational(coefficient)?;
            for &(symbol, exponent) in monomial.factors() {
                let base = value(symbol);
                let base = if exponent < 0 { base.inverse()? } else { base };
                product *= base.pow(u64::from(exponent.unsigned_abs()));
            }
            sum += product;
        }
        Some(sum)
    }

    /// Shows the polynomial with the given names, in the order of its terms.
    pub fn display<'a, F: Fn(Symbol) -> String>(&'a self, name: F) -> impl fmt::Display + use<'a, F> {
        Shown { poly: self, name }
    }
}

struct Shown<'a, F> {
    poly: &'a Poly,
    name: F,
}

impl<F: Fn(Symbol) -> String> fmt::Display for Shown<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.poly.is_zero() {
            return f.write_str("0");
        }
        let one = Rational::from(1);
        for (at, (monomial, coefficient)) in self.poly.terms.iter().enumerate() {
            let negative = coefficient.is_negative();
            match (at, negative) {
                (0, false) => {}
                (0, true) => f.write_str("-")?,
                (_, false) => f.write_str(" + ")?,
                (_, true) => f.write_str(" - ")?,
            }
            let size = coefficient.abs();
            if monomial.is_one() || size != one {
                write!(f, "{size}")?;
                if !monomial.is_one() {
                    f.write_str("·")?;
                }
            }
            for (at, &(symbol, exponent)) in monomial.factors().iter().enumerate() {
                let dot = if at == 0 { "" } else { "·" };
                write!(f, "{dot}{}", (self.name)(symbol))?;
                if exponent != 1 {
                    write!(f, "^{exponent}")?;
                }
            }
        }
        Ok(())
    }
}

/// Collects terms, then puts them into normal form once.
#[derive(Default)]
pub struct Sum {
    terms: FxHashMap<Monomial, Rational>,
}

impl Sum {
    /// Adds `coefficient · monomial`.
    pub fn add(&mut self, monomial: Monomial, coefficient: &Rational) {
        match self.terms.entry(monomial) {
            Entry::Occupied(mut entry) => *entry.get_mut() += coefficient,
            Entry::Vacant(entry) => {
                entry.insert(coefficient.clone());
            }
        }
    }

    /// Adds `left · right`.
    pub fn add_product(&mut self, left: &Poly, right: &Poly) {
        budget::spend_on([left.terms.len(), right.terms.len()], steps_for_product(left, right));
        for (m, c) in &left.terms {
            for (n, d) in &right.terms {
                self.add(m.times(n), &(c * d));
            }
        }
    }

    /// Number of different monomials so far.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The sum in normal form.
    pub fn finish(self) -> Poly {
        let mut terms: Vec<(Monomial, Rational)> =
            self.terms.into_iter().filter(|(_, c)| !c.is_zero()).collect();
        terms.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Poly { terms }
    }
}

/// Steps for each product of two terms: long monomials are merged, hashed and compared factor by factor, off the stack.
fn steps_for_product(left: &Poly, right: &Poly) -> u64 {
    let longest = |poly: &Poly| poly.terms.iter().map(|(monomial, _)| monomial.0.len()).max().unwrap_or(0);
    60 + 20 * (longest(left) + longest(right)).saturating_sub(8) as u64
}

/// Merges two sorted term lists, the second with a sign.
fn merge(left: &Poly, right: &Poly, negate: bool) -> Poly {
    budget::spend_on(left.terms.len() + right.terms.len(), 30);
    let signed = |c: &Rational| if negate { -c } else { c.clone() };
    let (mut a, mut b) = (left.terms.as_slice(), right.terms.as_slice());
    let mut terms = Vec::with_capacity(a.len() + b.len());
    while let (Some(x), Some(y)) = (a.first(), b.first()) {
        match x.0.cmp(&y.0) {
            std::cmp::Ordering::Less => {
                terms.push(x.clone());
                a = &a[1..];
            }
            std::cmp::Ordering::Greater => {
                terms.push((y.0.clone(), signed(&y.1)));
                b = &b[1..];
            }
            std::cmp::Ordering::Equal => {
                let sum = if negate { &x.1 - &y.1 } else { &x.1 + &y.1 };
                if !sum.is_zero() {
                    terms.push((x.0.clone(), sum));
                }
                (a, b) = (&a[1..], &b[1..]);
            }
        }
    }
    terms.extend(a.iter().cloned());
    terms.extend(b.iter().map(|(m, c)| (m.clone(), signed(c))));
    Poly { terms }
}

impl std::ops::Add for &Poly {
    type Output = Poly;
    fn add(self, other: &Poly) -> Poly {
        merge(self, other, false)
    }
}

impl std::ops::Sub for &Poly {
    type Output = Poly;
    fn sub(self, other: &Poly) -> Poly {
        merge(self, other, true)
    }
}

impl std::ops::Add<&Poly> for Poly {
    type Output = Poly;
    fn add(self, other: &Poly) -> Poly {
        merge(&self, other, false)
    }
}

impl std::ops::Sub<&Poly> for Poly {
    type Output = Poly;
    fn sub(self, other: &Poly) -> Poly {
        merge(&self, other, true)
    }
}

impl std::ops::Neg for &Poly {
    type Output = Poly;
    fn neg(self) -> Poly {
        self.scaled(&Rational::from(-1))
    }
}

impl std::ops::Mul for &Poly {
    type Output = Poly;
    fn mul(self, other: &Poly) -> Poly {
        match (self.terms.as_slice(), other.terms.as_slice()) {
            ([], _) | (_, []) => Poly::zero(),
            ([(m, c)], [(n, d)]) => Poly::term(m.times(n), c * d),
            ([(m, c)], _) if m.is_one() => other.scaled(c),
            (_, [(m, c)]) if m.is_one() => self.scaled(c),
            (many, [(n, d)]) | ([(n, d)], many) => {
                budget::spend_on(many.len(), steps_for_product(self, other));
                // Different monomials stay different.
                let mut terms: Vec<_> = many.iter().map(|(m, c)| (m.times(n), c * d)).collect();
                terms.sort_unstable_by(|a, b| a.0.cmp(&b.0));
                Poly { terms }
            }
            _ => {
                let mut sum = Sum::default();
                sum.add_product(self, other);
                sum.finish()
            }
        }
    }
}
