//! Exact real numbers: sums of rationals times square roots of rationals.
//!
//! Square roots of positive rationals are linearly independent over the rationals if no quotient of two of them is a
//! rational, so a sum whose roots are kept apart in that way is 0 only if it has no term: equality is decided.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use convproof_exact::Rational;
use num_traits::One;
use smallvec::{SmallVec, smallvec};

use crate::enclosure::Enclosure;

/// Most square roots in one number.
const MAX_ROOTS: usize = 8;

/// `Σ cᵢ·√rᵢ`, every `cᵢ` other than 0, every `rᵢ` positive, no `rᵢ·rⱼ` a square.
#[derive(Clone, Debug, Default)]
pub struct Number {
    /// `(rᵢ, cᵢ)`; a rational has `r = 1`.
    terms: SmallVec<[(Rational, Rational); 1]>,
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        let written_alike = self.terms == other.terms;
        let rational = self.as_rational().is_some() && other.as_rational().is_some();
        written_alike || !rational && self.minus(other).is_zero()
    }
}

impl Eq for Number {}

impl From<Rational> for Number {
    fn from(value: Rational) -> Self {
        let terms = if value.is_zero() { SmallVec::new() } else { smallvec![(Rational::one(), value)] };
        Self { terms }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Rational::from(value).into()
    }
}

impl Number {
    /// The number that a double is; `None` if it is not finite.
    pub fn from_f64(value: f64) -> Option<Self> {
        Rational::from_f64(value).map(Self::from)
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    /// Its value if it is rational.
    pub fn as_rational(&self) -> Option<Rational> {
        match self.terms.as_slice() {
            [] => Some(Rational::ZERO),
            [(root, value)] if root.is_one() => Some(value.clone()),
            _ => None,
        }
    }

    /// Its only term, if that is a rational other than 0.
    fn rational(&self) -> Option<&Rational> {
        match self.terms.as_slice() {
            [(root, value)] if root.is_one() => Some(value),
            _ => None,
        }
    }

    /// Adds `value·√root`.
    fn add_term(&mut self, root: &Rational, value: Rational) {
        for at in 0..self.terms.len() {
            let (own, coefficient) = &self.terms[at];
            // √root = √(own·root)/own · √own.
            let joined = if own == root { Some(own.clone()) } else { (own * root).exact_sqrt() };
            let Some(factor) = joined.and_then(|joined| joined.checked_div(own)) else { continue };
            let sum = coefficient + &(value * factor);
            if sum.is_zero() {
                self.terms.remove(at);
            } else {
                self.terms[at].1 = sum;
            }
            return;
        }
        if !value.is_zero() {
            self.terms.push((root.clone(), value));
        }
    }

    /// The sum.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        if let (Some(a), Some(b)) = (self.rational(), other.rational()) {
            return (a + b).into();
        }
        let mut sum = self.clone();
        for (root, value) in &other.terms {
            sum.add_term(root, value.clone());
        }
        sum
    }

    /// The negative.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self { terms: self.terms.iter().map(|(root, value)| (root.clone(), -value)).collect() }
    }

    /// The difference.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.plus(&other.negated())
    }

    /// The product; `None` if it has too many square roots.
    pub fn times(&self, other: &Self) -> Option<Self> {
        if let (Some(a), Some(b)) = (self.rational(), other.rational()) {
            return Some((a * b).into());
        }
        let mut product = Self::default();
        for (root, value) in &self.terms {
            for (other_root, other_value) in &other.terms {
                let inside = root * other_root;
                let outside = value * other_value;
                match inside.exact_sqrt() {
                    Some(whole) => product.add_term(&Rational::one(), outside * whole),
                    None => product.add_term(&inside, outside),
                }
            }
        }
        (product.terms.len() <= MAX_ROOTS).then_some(product)
    }

    /// One over it, of a number with a single term.
    pub fn reciprocal(&self) -> Option<Self> {
        let [(root, value)] = self.terms.as_slice() else { return None };
        // 1/(c√r) = √r/(c·r).
        Some(Self { terms: smallvec![(root.clone(), (value * root).recip()?)] })
    }

    /// The square root of a rational that is not negative.
    pub fn root(&self) -> Option<Self> {
        let value = self.as_rational()?;
        if value.is_negative() {
            return None;
        }
        if value.is_zero() {
            return Some(Self::default());
        }
        Some(match value.exact_sqrt() {
            Some(root) => root.into(),
            None => Self { terms: smallvec![(value, Rational::one())] },
        })
    }

    /// Doubles around it.
    pub fn enclosure(&self) -> Enclosure {
        let mut sum = Enclosure::ZERO;
        for (root, value) in &self.terms {
            let value = Enclosure::of_rational(value);
            let root = if root.is_one() { Enclosure::ONE } else { Enclosure::of_rational(root).root() };
            sum = sum.plus(value.times(root));
        }
        sum
    }
}

/// Numbers with the doubles around them, which are computed once.
#[derive(Clone, Debug)]
pub struct Numbers(Arc<(Vec<Number>, OnceLock<Vec<Enclosure>>)>);

impl Numbers {
    /// Doubles around each.
    pub fn enclosures(&self) -> &[Enclosure] {
        self.0.1.get_or_init(|| self.0.0.iter().map(Number::enclosure).collect())
    }
}

impl From<Vec<Number>> for Numbers {
    fn from(numbers: Vec<Number>) -> Self {
        Self(Arc::new((numbers, OnceLock::new())))
    }
}

impl Deref for Numbers {
    type Target = [Number];

    fn deref(&self) -> &[Number] {
        &self.0.0
    }
}

impl PartialEq for Numbers {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || **self == **other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(value: i64) -> Number {
        Number::from(value).root().unwrap()
    }

    #[test]
    fn roots_of_one_class_are_one_term() {
        assert_eq!(root(8).minus(&root(2)), root(2));
        assert!(root(18).minus(&root(2).plus(&root(8))).is_zero());
        assert!(!root(2).plus(&root(3)).minus(&root(5)).is_zero());
        assert_eq!(root(2).times(&root(8)).unwrap(), Number::from(4));
        assert_eq!(root(2).reciprocal().unwrap().times(&root(2)).unwrap(), Number::from(1));
        assert_eq!(root(9), Number::from(3));
        assert!(Number::from(-1).root().is_none());
    }

    #[test]
    fn enclosures_hold_the_number() {
        let sum = root(2).plus(&root(3));
        let found = sum.enclosure();
        assert!(found.low < 3.146_264_369_941_973 && found.high > 3.146_264_369_941_972);
    }
}
