//! Numbers between two rationals: what is known of an expression with square roots.

use num_integer::Integer;
use rustc_hash::FxHashMap;

use crate::ir::Symbols;
use convproof_exact::{Monomial, Poly, Rational, Symbol, budget};

/// A real number between two rationals, exactly known when they are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosed {
    low: Rational,
    high: Rational,
}

impl From<Rational> for Enclosed {
    fn from(value: Rational) -> Self {
        Self { low: value.clone(), high: value }
    }
}

/// Square roots are enclosed to within `2^-ROOT_BITS` of their radicand's scale.
const ROOT_BITS: u32 = 256;

impl Enclosed {
    /// The value of a polynomial in square roots of numbers; other symbols count as 0. `None` as for [`Enclosed::at`].
    pub fn of(poly: &Poly, symbols: &Symbols) -> Option<Self> {
        Self::at(poly, symbols, &|_| Rational::ZERO)
    }

    /// The value of a polynomial for given values of the symbols that are no square roots; `None` if something
    /// under a root is not positive, or a value that is divided by may be 0.
    pub fn at(poly: &Poly, symbols: &Symbols, value: &impl Fn(Symbol) -> Rational) -> Option<Self> {
        Self::sum(poly, ROOT_BITS, &mut |symbol| match symbols.root_of(symbol) {
            None => Some(Self::from(value(symbol))),
            Some(root) => Self::at(&root.radicand, symbols, value)?.positive_root(ROOT_BITS),
        })
    }

    /// The value of a polynomial for enclosed values of its symbols, quotients rounded to `bits` digits; `None` as for
    /// [`Enclosed::at`].
    fn sum(poly: &Poly, bits: u32, value: &mut impl FnMut(Symbol) -> Option<Self>) -> Option<Self> {
        let mut sum = Self::from(Rational::ZERO);
        for (monomial, coefficient) in poly.terms() {
            let mut product = Self::from(coefficient.clone());
            let mut divisor = Self::from(Rational::ONE);
            for &(symbol, exponent) in monomial.factors() {
                let base = value(symbol)?;
                let side = if exponent < 0 { &mut divisor } else { &mut product };
                for _ in 0..exponent.unsigned_abs() {
                    *side = side.product(&base);
                }
            }
            sum = sum.plus(&product.over(&divisor, bits)?);
        }
        Some(sum)
    }

    /// A number not above the value.
    pub fn low(&self) -> &Rational {
        &self.low
    }

    /// A number not below the value.
    pub fn high(&self) -> &Rational {
        &self.high
    }

    /// Whether the value may be 0, as far as is known.
    pub fn may_vanish(&self) -> bool {
        !(self.low.signum() > 0 || self.high.is_negative())
    }

    /// Whether the value is known exactly.
    pub fn is_point(&self) -> bool {
        self.low == self.high
    }

    /// The sum.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self { low: &self.low + &other.low, high: &self.high + &other.high }
    }

    /// The product with a number.
    #[must_use]
    pub fn times(&self, factor: &Rational) -> Self {
        let (low, high) =
            if factor.is_negative() { (&self.high, &self.low) } else { (&self.low, &self.high) };
        Self { low: low * factor, high: high * factor }
    }

    /// The absolute value.
    #[must_use]
    pub fn abs(&self) -> Self {
        if !self.low.is_negative() {
            self.clone()
        } else if self.high.is_negative() {
            Self { low: -&self.high, high: -&self.low }
        } else {
            let high = if self.high > -&self.low { self.high.clone() } else { -&self.low };
            Self { low: Rational::from(0), high }
        }
    }

    /// What lies between two numbers, the smaller one first.
    pub fn between(low: Rational, high: Rational) -> Self {
        Self { low, high }
    }

    /// The larger of two.
    #[must_use]
    pub fn larger(&self, other: &Self) -> Self {
        Self { low: self.low.clone().max(other.low.clone()), high: self.high.clone().max(other.high.clone()) }
    }

    /// The product.
    #[must_use]
    pub fn product(&self, other: &Self) -> Self {
        if self.is_point() {
            return other.times(&self.low);
        }
        if other.is_point() {
            return self.times(&other.low);
        }
        if !self.low.is_negative() && !other.low.is_negative() {
            return Self { low: &self.low * &other.low, high: &self.high * &other.high };
        }
        let ends = [
            (&self.low, &other.low),
            (&self.low, &other.high),
            (&self.high, &other.low),
            (&self.high, &other.high),
        ]
        .map(|(a, b)| a * b);
        let low = ends.iter().min().cloned().unwrap_or_else(|| Rational::from(0));
        let high = ends.iter().max().cloned().unwrap_or_else(|| Rational::from(0));
        Self { low, high }
    }

    /// The quotient, between binary fractions of about `bits` digits unless the divisor is known exactly; `None` where the divisor may
    /// be 0.
    fn over(&self, divisor: &Self, bits: u32) -> Option<Self> {
        if divisor.may_vanish() {
            return None;
        }
        if divisor.is_point() {
            return if divisor.low.is_one() {
                Some(self.clone())
            } else {
                Some(self.times(&divisor.low.recip()?))
            };
        }
        if divisor.high.is_negative() {
            let negative = |of: &Self| Self { low: -&of.high, high: -&of.low };
            return negative(self).over(&negative(divisor), bits);
        }
        let most = [&self.low, &self.high].into_iter().filter_map(digits).max().unwrap_or(0);
        let places = u64::try_from(i64::from(bits) - most + digits(&divisor.low)?).unwrap_or(0);
        let quotient = |number: &Rational, by: &Rational| {
            let numerator = (number.numerator() * by.denominator()) << places;
            Rational::dyadic(numerator.div_floor(&(number.denominator() * by.numerator())), places)
        };
        let nearer = |number: &Rational| if number.is_negative() { &divisor.low } else { &divisor.high };
        let below = quotient(&self.low, nearer(&self.low));
        let opposite = -&self.high;
        let above = quotient(&opposite, nearer(&opposite));
        Some(Self { low: below, high: -above })
    }

    /// The square root of a positive number, to within `2^-bits` of its radicand's scale; `None` if it may not be one.
    fn positive_root(&self, bits: u32) -> Option<Self> {
        if self.low.signum() <= 0 {
            return None;
        }
        let (low, high) = root(&self.low, bits);
        Some(Self { low, high: if self.is_point() { high } else { root(&self.high, bits).1 } })
    }

    /// The same between binary fractions, unless it is known exactly; the magnitude has about `bits` digits. Products and sums of
    /// such numbers need no greatest common divisors.
    pub fn outward(self, bits: u32) -> Self {
        if self.is_point() {
            return self;
        }
        let places = places([&self.low, &self.high], bits);
        Self { low: self.low.floor_to(places), high: -(-&self.high).floor_to(places) }
    }
}

/// Encloses polynomials in square roots of numbers, each root and each product of roots once.
pub struct Encloser<'a> {
    symbols: &'a Symbols,
    bits: u32,
    roots: FxHashMap<Symbol, Enclosed>,
    products: FxHashMap<Monomial, Enclosed>,
}

impl<'a> Encloser<'a> {
    /// Roots are enclosed to within `2^-bits` of their radicand's scale.
    pub fn new(symbols: &'a Symbols, bits: u32) -> Self {
        Self { symbols, bits, roots: FxHashMap::default(), products: FxHashMap::default() }
    }

    /// The value of a polynomial; `None` if a symbol is no root of a number, or a value that is divided by may be 0.
    pub fn enclose(&mut self, poly: &Poly) -> Option<Enclosed> {
        budget::spend_on(poly.terms().len(), 1_000);
        let mut sum = Enclosed::from(Rational::ZERO);
        for (monomial, coefficient) in poly.terms() {
            if !self.products.contains_key(monomial) {
                let product = Poly::term(monomial.clone(), Rational::ONE);
                let enclosed =
                    Enclosed::sum(&product, self.bits, &mut |symbol| self.root(symbol))?.outward(self.bits);
                self.products.insert(monomial.clone(), enclosed);
            }
            sum = sum.plus(&self.products.get(monomial)?.times(coefficient));
        }
        Some(sum)
    }

    fn root(&mut self, symbol: Symbol) -> Option<Enclosed> {
        if let Some(known) = self.roots.get(&symbol) {
            return Some(known.clone());
        }
        let radicand = &self.symbols.root_of(symbol)?.radicand;
        let root = self.enclose(radicand)?.positive_root(self.bits)?;
        self.roots.insert(symbol, root.clone());
        Some(root)
    }
}

/// So many binary places that the largest of some numbers has about `bits` digits.
pub fn places<'n>(numbers: impl IntoIterator<Item = &'n Rational>, bits: u32) -> u64 {
    let most = numbers.into_iter().filter_map(digits).max();
    u64::try_from(i64::from(bits) - most.unwrap_or(0)).unwrap_or(0)
}

/// About how many binary digits a number has before the point; `None` for 0.
fn digits(number: &Rational) -> Option<i64> {
    let (_, places) = number.leading();
    (!number.is_zero()).then_some(33 - places)
}

/// Binary fractions around the square root of a number that is not negative, equal if they are it.
fn root(value: &Rational, bits: u32) -> (Rational, Rational) {
    if let Some(exact) = value.exact_sqrt() {
        return (exact.clone(), exact);
    }
    // ⌊√⌊4^p·n/d⌋⌋ is ⌊2^p·√(n/d)⌋.
    let (n, d) = (value.numerator(), value.denominator());
    let places = u64::from(bits) + d.bits();
    let floor = ((n << (2 * places)) / d).sqrt();
    (Rational::dyadic(floor.clone(), places), Rational::dyadic(floor + 1, places))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(numerator: i64, denominator: i64) -> Rational {
        Rational::ratio(numerator, denominator).unwrap()
    }

    /// Intervals around 0, beside it and of one point, with numbers in them.
    fn intervals() -> Vec<(Enclosed, Vec<Rational>)> {
        let ends = [(-3, -1), (-3, 0), (-2, 3), (-2, -2), (0, 0), (0, 2), (1, 4), (3, 3)];
        let of = |(low, high): (i64, i64)| {
            let inside = (0..=4).map(|k| fraction(low * (4 - k) + high * k, 4)).collect();
            (Enclosed::between(low.into(), high.into()), inside)
        };
        ends.map(of).to_vec()
    }

    fn contains(enclosed: &Enclosed, value: &Rational) -> bool {
        enclosed.low() <= value && value <= enclosed.high()
    }

    /// Whether an end of the interval is one of the values: it is no wider than it must be.
    fn is_tight(enclosed: &Enclosed, values: &[Rational]) -> bool {
        values.iter().all(|value| contains(enclosed, value))
            && values.contains(enclosed.low())
            && values.contains(enclosed.high())
    }

    #[test]
    fn operations_enclose_as_narrowly_as_they_can() {
        for (a, inside) in intervals() {
            let each = |f: &dyn Fn(&Rational) -> Rational| inside.iter().map(f).collect::<Vec<_>>();
            for factor in [-2, 0, 3].map(Rational::from) {
                assert!(is_tight(&a.times(&factor), &each(&|x| x * &factor)));
            }
            let zero = (inside.iter().any(Rational::is_negative) && contains(&a, &Rational::ZERO))
                .then_some(Rational::ZERO);
            let magnitudes: Vec<Rational> = each(&Rational::abs).into_iter().chain(zero).collect();
            assert!(is_tight(&a.abs(), &magnitudes));
            assert_eq!(a.may_vanish(), contains(&a, &Rational::ZERO));
            assert_eq!(a.is_point(), inside.iter().all(|x| *x == inside[0]));
            if !a.may_vanish() {
                for factor in [-3, 0, 2].map(Rational::from) {
                    let quotients = each(&|x| factor.checked_div(x).unwrap());
                    let found = Enclosed::from(factor).over(&a, 40).unwrap();
                    let near = fraction(1, 1 << 30);
                    let wider = [&found.low + &near, &found.high - &near];
                    assert!(quotients.iter().all(|quotient| contains(&found, quotient)));
                    assert!(quotients.iter().any(|quotient| *quotient <= wider[0]));
                    assert!(quotients.iter().any(|quotient| *quotient >= wider[1]));
                }
            }
            for (b, others) in intervals() {
                let all = |f: &dyn Fn(&Rational, &Rational) -> Rational| {
                    inside.iter().flat_map(|x| others.iter().map(move |y| f(x, y))).collect::<Vec<_>>()
                };
                assert!(is_tight(&a.plus(&b), &all(&|x, y| x + y)));
                assert!(is_tight(&a.product(&b), &all(&|x, y| x * y)));
                assert!(is_tight(&a.larger(&b), &all(&|x, y| x.clone().max(y.clone()))));
            }
        }
    }

    #[test]
    fn roots_are_enclosed_to_so_many_bits_and_of_positive_numbers_only() {
        let bits = 40;
        for (low, high) in [
            (fraction(2, 1), fraction(2, 1)),
            (fraction(1, 7), fraction(5, 1)),
            (fraction(9, 4), fraction(9, 4)),
        ] {
            let root = Enclosed::between(low.clone(), high.clone()).positive_root(bits).unwrap();
            let near = fraction(1, 1 << bits);
            for (end, square, below) in [(root.low(), &low, true), (root.high(), &high, false)] {
                let other = if below { end + &near } else { end - &near };
                let (at, beyond) = (end * end, &other * &other);
                assert!(if below {
                    at <= *square && *square <= beyond
                } else {
                    at >= *square && *square >= beyond
                });
            }
        }
        assert_eq!(Enclosed::from(fraction(9, 4)).positive_root(bits), Some(Enclosed::from(fraction(3, 2))));
        for (low, high) in [(0, 0), (0, 2), (-1, 1), (-2, -1)] {
            assert_eq!(Enclosed::between(low.into(), high.into()).positive_root(bits), None);
        }
    }

    #[test]
    fn binary_fractions_outside_are_near() {
        let bits = 20;
        for (low, high) in [
            (fraction(1, 3), fraction(2, 3)),
            (fraction(-100_001, 7), fraction(1, 9)),
            (fraction(-5, 3), fraction(-4, 3)),
        ] {
            let enclosed = Enclosed::between(low.clone(), high.clone());
            let rounded = enclosed.clone().outward(bits);
            assert!(contains(&rounded, &low) && contains(&rounded, &high));
            let most = low.abs().max(high.abs());
            let near = &most * &fraction(1, 1 << (bits - 2));
            assert!(&low - rounded.low() <= near && rounded.high() - &high <= near);
            // The denominators are powers of two that leave about so many digits.
            for end in [rounded.low(), rounded.high()] {
                let denominator = end.denominator();
                assert_eq!(denominator.trailing_zeros().unwrap() + 1, denominator.bits());
                assert!(end.numerator().bits() <= u64::from(bits) + 1);
            }
        }
        let point = Enclosed::from(fraction(1, 3));
        assert_eq!(point.clone().outward(bits), point);
    }
}
