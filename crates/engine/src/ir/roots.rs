//! Square roots: one symbol for each radicand, and sums reduced by what the squares of these symbols are.
//!
//! Knows no names; who asks for a root says what symbol a new one gets. `docs/semantics.md`, section 6.

use std::sync::{Arc, LazyLock};

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Zero};
use rustc_hash::{FxHashMap, FxHashSet};

use super::log::Log;
use convproof_exact::{Monomial, Poly, Rational, Sum, Symbol};

/// A symbol that stands for the positive square root of a polynomial.
#[derive(Clone, Debug, PartialEq)]
pub struct Root {
    /// The symbol.
    pub symbol: Symbol,
    /// What its square is.
    pub radicand: Poly,
}

/// Square roots in order of appearance. A copy is cheap and stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    all: Log<Root>,
    /// The number of the root that a symbol stands for.
    numbers: Arc<FxHashMap<Symbol, usize>>,
    /// The symbol of each root.
    radicands: Arc<FxHashMap<Poly, Symbol>>,
    /// The roots, and the symbols that are positive where they are.
    positive: Arc<FxHashSet<Symbol>>,
}

/// Primes below this are pulled out of square roots.
const SMALL_PRIMES: u32 = 1000;

/// The small primes, as many together as have a product of one word, with that product.
static SMALL_PRODUCTS: LazyLock<Vec<(u64, Vec<u32>)>> = LazyLock::new(|| {
    let mut groups: Vec<(u64, Vec<u32>)> = Vec::new();
    for prime in
        (2..SMALL_PRIMES).filter(|n| (2..*n).take_while(|q| q * q <= *n).all(|q| !(*n).is_multiple_of(q)))
    {
        match groups.last_mut().and_then(|group| Some((group.0.checked_mul(prime.into())?, group))) {
            Some((product, group)) => {
                group.0 = product;
                group.1.push(prime);
            }
            None => groups.push((prime.into(), vec![prime])),
        }
    }
    groups
});

/// The small primes that divide a number; none of 0.
fn small_factors(number: &BigInt) -> Vec<u32> {
    let digits: Vec<u64> = number.iter_u64_digits().collect();
    let mut found = Vec::new();
    for (product, primes) in SMALL_PRODUCTS.iter().filter(|_| !digits.is_empty()) {
        // One remainder of the long number for many primes.
        let modulus = u128::from(*product);
        let rest = digits.iter().rev().fold(0, |rest, &digit| (rest << 64 | u128::from(digit)) % modulus);
        found.extend(primes.iter().copied().filter(|&prime| rest.is_multiple_of(u128::from(prime))));
    }
    found
}

/// A number whose square divides all coefficients: all numerators, and all denominators.
fn square_in(poly: &Poly) -> Rational {
    if poly.terms().iter().any(|(_, coefficient)| coefficient.is_one()) {
        return Rational::ONE;
    }
    let common = |part: fn(&Rational) -> BigInt| {
        poly.terms().iter().fold(BigInt::ZERO, |all, (_, coefficient)| all.gcd(&part(coefficient)))
    };
    let root = |mut rest: BigInt| {
        let mut root = BigInt::one();
        for prime in small_factors(&rest) {
            while (&rest % (prime * prime)).is_zero() {
                rest /= prime * prime;
                root *= prime;
            }
        }
        let last = rest.sqrt();
        if &last * &last == rest { root * last } else { root }
    };
    Rational::new(root(common(Rational::numerator)), root(common(Rational::denominator)))
        .unwrap_or(Rational::ONE)
}

impl Roots {
    /// The positive square root of a polynomial, one symbol for equal radicands; exact for squares of
    /// rationals, `None` for negative constants or where no symbol is to be had.
    pub fn root(&mut self, radicand: &Poly, symbol: &mut impl FnMut() -> Option<Symbol>) -> Option<Poly> {
        if let Some(value) = radicand.as_constant() {
            if value.is_negative() {
                return None;
            }
            return self.root_of_number(&value, symbol);
        }
        // √(s²·p) = s·√p, so that radicands which differ by a square share their symbol.
        let scale = square_in(radicand);
        if scale.is_one() {
            return self.root_symbol(radicand, symbol);
        }
        let square = (&scale * &scale).recip()?;
        Some(self.root_symbol(&radicand.scaled(&square), symbol)?.scaled(&scale))
    }

    /// `√(n/d) = √(n·d) / d` with squares of small primes pulled out and one symbol for each prime that is left, so
    /// that products of square roots come together; roots of different primes are independent over ℚ.
    fn root_of_number(
        &mut self,
        value: &Rational,
        symbol: &mut impl FnMut() -> Option<Symbol>,
    ) -> Option<Poly> {
        let denominator = Rational::from(value.denominator());
        let mut rest = value.numerator() * value.denominator();
        let mut root = Poly::constant(denominator.recip()?);
        for prime in small_factors(&rest) {
            let mut odd = false;
            while (&rest % prime).is_zero() {
                rest /= prime;
                if odd {
                    root = root.scaled(&Rational::from(i64::from(prime)));
                }
                odd = !odd;
            }
            if odd {
                root =
                    &root * &self.root_symbol(&Poly::constant(Rational::from(i64::from(prime))), symbol)?;
            }
        }
        let rest = Rational::from(rest);
        Some(match rest.exact_sqrt() {
            Some(exact) => root.scaled(&exact),
            None => &root * &self.root_symbol(&Poly::constant(rest), symbol)?,
        })
    }

    /// The symbol that stands for the square root of a radicand.
    fn root_symbol(&mut self, radicand: &Poly, symbol: &mut impl FnMut() -> Option<Symbol>) -> Option<Poly> {
        if let Some(known) = self.with_radicand(radicand) {
            return Some(Poly::symbol(known));
        }
        let symbol = symbol()?;
        self.push(Root { symbol, radicand: radicand.clone() });
        Some(Poly::symbol(symbol))
    }

    fn push(&mut self, root: Root) {
        let Root { symbol, radicand } = &root;
        Arc::make_mut(&mut self.radicands).insert(radicand.clone(), *symbol);
        Arc::make_mut(&mut self.numbers).insert(*symbol, self.all.len());
        Arc::make_mut(&mut self.positive).extend(odd_power(radicand).into_iter().chain([*symbol]));
        self.all.push(root);
    }

    /// The same for a claim in which some of them stand: what others say of signs is not known there.
    #[must_use]
    pub fn of_claim(&self, standing: &[Symbol]) -> Self {
        if standing.is_empty() {
            return Self::default();
        }
        let roots = standing.iter().filter_map(|&symbol| self.get(symbol));
        let positive = roots.flat_map(|root| odd_power(&root.radicand).into_iter().chain([root.symbol]));
        Self { positive: Arc::new(positive.collect()), ..self.clone() }
    }

    /// Whether a symbol is a root, or has an odd power under one, so that it is positive where all radicands are.
    pub fn is_positive(&self, symbol: Symbol) -> bool {
        self.positive.contains(&symbol)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Root> {
        self.all.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The square root that a symbol stands for, if it does.
    pub fn get(&self, symbol: Symbol) -> Option<&Root> {
        self.all.get(*self.numbers.get(&symbol)?)
    }

    /// The symbol of the square root of a polynomial, if there is one.
    pub fn with_radicand(&self, radicand: &Poly) -> Option<Symbol> {
        self.radicands.get(radicand).copied()
    }

    /// The number of the last root that occurs in a polynomial, of those before `end`.
    fn last_root_in(&self, poly: &Poly, end: usize) -> Option<usize> {
        let numbers = poly.symbols().into_iter().filter_map(|symbol| self.numbers.get(&symbol).copied());
        numbers.filter(|&at| at < end).max()
    }

    /// A positive multiple of the polynomial in which no root has a negative exponent and `σ² = radicand` has been used up: zero
    /// exactly when the polynomial vanishes wherever all radicands are positive, as long as no radicand is a square or related to
    /// another one. Of several polynomials each gets a factor of its own; [`Roots::simplified`] gives none.
    #[must_use]
    pub fn numerator(&self, poly: &Poly) -> Poly {
        self.for_each_root(poly, |poly, root| {
            let least = poly.terms().iter().map(|(monomial, _)| monomial.exponent(root.symbol)).min();
            let Some(least @ ..0) = least.filter(|_| root.radicand.reciprocal().is_none()) else {
                return with_squares(poly, root);
            };
            let shift = i16::try_from(least.unsigned_abs().next_multiple_of(2));
            let shift = Monomial::power(root.symbol, shift.expect("exponents are far below the limit"));
            with_squares(&(poly * &Poly::term(shift, Rational::ONE)), root)
        })
    }

    /// The same function with `σ² = radicand` used up, but for negative exponents of roots of sums.
    #[must_use]
    pub fn simplified(&self, poly: &Poly) -> Poly {
        self.for_each_root(poly, with_squares)
    }

    /// How many terms a product has at most after [`Self::simplified`]; `None` if it has no squares of roots to replace.
    pub fn terms_of_squares(&self, product: &Monomial) -> Option<usize> {
        let mut all: Option<usize> = None;
        for &(symbol, exponent) in product.factors() {
            let Some(root) = self.get(symbol) else { continue };
            let terms = root.radicand.terms();
            let squares = exponent.div_euclid(2);
            if squares == 0 || squares < 0 && terms.len() > 1 {
                continue;
            }
            // As many as there are ways to choose so many of them, order aside.
            let squares = squares.unsigned_abs();
            let count = (1..=usize::from(squares))
                .fold(1_usize, |count, n| count.saturating_mul(terms.len() - 1 + n) / n);
            let inner = root.radicand.symbols().into_iter().filter(|inner| self.get(*inner).is_some());
            let inner = inner.map(|symbol| {
                let most = terms.iter().map(|(monomial, _)| monomial.exponent(symbol).unsigned_abs()).max();
                let exponent = most.unwrap_or(0).saturating_mul(squares);
                let exponent = i16::try_from(exponent).unwrap_or(i16::MAX);
                self.terms_of_squares(&Monomial::power(symbol, exponent)).unwrap_or(1)
            });
            all = Some(inner.fold(count.saturating_mul(all.unwrap_or(1)), usize::saturating_mul));
        }
        all
    }

    /// Later radicands may contain earlier roots, never the reverse.
    fn for_each_root(&self, poly: &Poly, change: impl Fn(&Poly, &Root) -> Poly) -> Poly {
        let mut poly = poly.clone();
        let mut last = self.all.len();
        while let Some(at) = self.last_root_in(&poly, last) {
            let Some(root) = self.all.get(at) else { break };
            poly = change(&poly, root);
            last = at;
        }
        poly
    }
}

/// The symbol of which a radicand is an odd power, times a positive number.
fn odd_power(radicand: &Poly) -> Option<Symbol> {
    let [(monomial, coefficient)] = radicand.terms() else { return None };
    match monomial.factors() {
        [(under, exponent)] if exponent % 2 != 0 && !coefficient.is_negative() => Some(*under),
        _ => None,
    }
}

/// Even powers of a root as powers of its radicand, where that has them: exponents become 0 or 1. A sum has no negative powers.
fn with_squares(poly: &Poly, root: &Root) -> Poly {
    let exponents = || poly.terms().iter().map(|(monomial, _)| monomial.exponent(root.symbol));
    if exponents().all(|exponent| (0..=1).contains(&exponent)) {
        return poly.clone();
    }
    let inverse = root.radicand.reciprocal();
    let mut sum = Sum::default();
    for (monomial, coefficient) in poly.terms() {
        let exponent = monomial.exponent(root.symbol);
        let odd = exponent.rem_euclid(2);
        let base = if exponent < 0 { inverse.as_ref() } else { Some(&root.radicand) };
        let Some(base) = base else {
            sum.add(monomial.clone(), coefficient);
            continue;
        };
        let rest = monomial.times(&Monomial::power(root.symbol, odd - exponent));
        let square = base.pow(u32::from(((exponent - odd) / 2).unsigned_abs()));
        sum.add_product(&Poly::term(rest, coefficient.clone()), &square);
    }
    sum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simplified_is_the_same_function_and_a_numerator_a_positive_multiple() {
        let mut numbers = 2..;
        let mut next = || numbers.next().map(Symbol::scalar);
        let [a, b] = [0, 1].map(|n| Poly::symbol(Symbol::scalar(n)));
        // At a = 4, b = 5 all roots are whole.
        let roots = [a.clone(), a.scaled(&Rational::from(9)), &a + &b, &(&a * &a) * &a];
        let mut all = Roots::default();
        let roots = roots.map(|radicand| all.root(&radicand, &mut next).unwrap());
        let used: Vec<Symbol> = [&a, &b].into_iter().chain(&roots).flat_map(Poly::symbols).collect();
        let value = |symbol: Symbol| match all.get(symbol) {
            None if Poly::symbol(symbol) == a => Rational::from(4),
            None => Rational::from(5),
            Some(root) => {
                let under = root
                    .radicand
                    .evaluate(&|inner| Rational::from(if Poly::symbol(inner) == a { 4 } else { 5 }));
                under.unwrap().exact_sqrt().unwrap()
            }
        };
        let mut generator = convproof_exact::SplitMix64::new(1);
        let mut number = || i16::try_from(generator.below(7)).unwrap() - 3;
        for _ in 0..500 {
            let mut sum = Sum::default();
            for _ in 0..4 {
                let one = Monomial::power(used[0], 0);
                let monomial = used
                    .iter()
                    .fold(one, |product, &symbol| product.times(&Monomial::power(symbol, number())));
                sum.add(monomial, &Rational::from(i64::from(number())));
            }
            let poly = sum.finish();
            let [plain, simplified, numerator] = [poly.clone(), all.simplified(&poly), all.numerator(&poly)]
                .map(|poly| poly.evaluate(&value).unwrap());
            assert_eq!(plain, simplified, "{poly:?}");
            assert_eq!(plain.signum(), numerator.signum(), "{poly:?}");
            let exponents = |poly: Poly| {
                let roots = used[2..].iter();
                poly.terms()
                    .iter()
                    .flat_map(|(m, _)| roots.clone().map(|&s| m.exponent(s)))
                    .collect::<Vec<_>>()
            };
            assert!(exponents(all.numerator(&poly)).iter().all(|e| (0..=1).contains(e)), "{poly:?}");
            assert!(exponents(all.simplified(&poly)).iter().all(|e| *e <= 1), "{poly:?}");
        }
    }

    #[test]
    fn small_factors_are_those_of_trial_division() {
        let numbers = [1_u128, 2, 997, 1009, 30_030, 997 * 991 * 991, u128::MAX, (1 << 100) * 9 * 1_000_003];
        for number in numbers {
            let prime = |n: u32| (2..n).all(|q| !n.is_multiple_of(q));
            let expected: Vec<u32> =
                (2..SMALL_PRIMES).filter(|&n| prime(n) && number.is_multiple_of(u128::from(n))).collect();
            assert_eq!(small_factors(&BigInt::from(number)), expected, "{number}");
        }
        assert_eq!(small_factors(&BigInt::from(-6)), [2, 3]);
        assert_eq!(small_factors(&BigInt::ZERO), [0; 0]);
    }
}
