//! The free symbols of a spec: their names, and the square roots among them. A copy is cheap and stays as it is, so that
//! a claim can be decided while later statements declare more.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Zero};
use rustc_hash::{FxHashMap, FxHashSet};

use super::log::Log;
use crate::kernel::Shape;
use convproof_exact::{Monomial, Poly, Rational, Sum, Symbol};

/// A free kernel or scalar and the symbols of its entries.
#[derive(Clone, Debug, PartialEq)]
pub struct FreeKernel {
    /// The name it was declared with.
    pub name: String,
    /// Its shape; `[1,1]` for a scalar.
    pub shape: Shape,
    /// Indices it was declared with: 0 for a scalar, 1 for a vector, 2 or 4.
    pub indices: usize,
    /// The symbol of its first entry; the others follow in storage order.
    pub first: Symbol,
}

/// A symbol that stands for the positive square root of a polynomial.
#[derive(Clone, Debug, PartialEq)]
pub struct Root {
    /// The symbol.
    pub symbol: Symbol,
    /// What its square is.
    pub radicand: Poly,
}

/// All free symbols of a spec.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    kernels: Log<FreeKernel>,
    /// The numbers of the free kernels that are scalars, and of the others: both in order of their first symbols.
    owners: [Log<(Symbol, usize)>; 2],
    /// In order of their symbols.
    roots: Log<Root>,
    divisors: Arc<BTreeSet<Symbol>>,
    /// The symbol of each root.
    radicands: Arc<FxHashMap<Poly, Symbol>>,
    entries: u32,
    scalars: u32,
}

/// Primes below this are pulled out of square roots.
const SMALL_PRIMES: u32 = 1000;

/// Most free scalars a spec may declare, entries of kernels included.
pub const MAX_SYMBOLS: u32 = 1 << 28;

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

impl Symbols {
    /// Declares a free kernel; `None` when the spec would exceed [`MAX_SYMBOLS`].
    pub fn declare(&mut self, name: &str, shape: Shape, indices: usize) -> Option<FreeKernel> {
        let count = shape.entries().and_then(|n| u32::try_from(n).ok())?;
        let first = if count == 1 {
            self.next_scalar()?
        } else {
            let first = self.entries;
            self.entries = first.checked_add(count).filter(|&end| end <= MAX_SYMBOLS)?;
            Symbol(first)
        };
        let kernel = FreeKernel { name: name.to_owned(), shape, indices, first };
        self.owners[usize::from(first.is_scalar())].push((first, self.kernels.len()));
        self.kernels.push(kernel.clone());
        Some(kernel)
    }

    fn next_scalar(&mut self) -> Option<Symbol> {
        let number = self.scalars;
        self.scalars = number.checked_add(1).filter(|&end| end <= MAX_SYMBOLS)?;
        Some(Symbol::scalar(number))
    }

    /// Takes note that something is divided by a polynomial, whose symbols are not 0 from here on.
    pub fn divide_by(&mut self, divisor: &Poly) {
        let mut symbols = divisor.symbols();
        symbols.retain(|symbol| !self.divisors.contains(symbol));
        if !symbols.is_empty() {
            Arc::make_mut(&mut self.divisors).extend(symbols);
        }
    }

    /// Whether something is divided by a symbol, though that may have cancelled since.
    pub fn is_divisor(&self, symbol: Symbol) -> bool {
        self.divisors.contains(&symbol)
    }

    /// All symbols that something is divided by.
    pub fn divisors(&self) -> impl Iterator<Item = Symbol> {
        self.divisors.iter().copied()
    }

    /// The positive square root of a polynomial, one symbol for equal radicands; exact for squares of
    /// rationals, `None` for negative constants or too many symbols.
    pub fn root(&mut self, radicand: &Poly) -> Option<Poly> {
        if let Some(value) = radicand.as_constant() {
            if value.is_negative() {
                return None;
            }
            return self.root_of_number(&value);
        }
        // √(s²·p) = s·√p, so that radicands which differ by a square share their symbol.
        let scale = square_in(radicand);
        if scale.is_one() {
            return self.root_symbol(radicand);
        }
        let square = (&scale * &scale).recip()?;
        Some(self.root_symbol(&radicand.scaled(&square))?.scaled(&scale))
    }

    /// `√(n/d) = √(n·d) / d` with squares of small primes pulled out and one symbol for each prime that is left, so
    /// that products of square roots come together; roots of different primes are independent over ℚ.
    fn root_of_number(&mut self, value: &Rational) -> Option<Poly> {
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
                root = &root * &self.root_symbol(&Poly::constant(Rational::from(i64::from(prime))))?;
            }
        }
        let rest = Rational::from(rest);
        Some(match rest.exact_sqrt() {
            Some(exact) => root.scaled(&exact),
            None => &root * &self.root_symbol(&Poly::constant(rest))?,
        })
    }

    /// The symbol that stands for the square root of a radicand.
    fn root_symbol(&mut self, radicand: &Poly) -> Option<Poly> {
        if let Some(&symbol) = self.radicands.get(radicand) {
            return Some(Poly::symbol(symbol));
        }
        let symbol = self.next_scalar()?;
        Arc::make_mut(&mut self.radicands).insert(radicand.clone(), symbol);
        self.roots.push(Root { symbol, radicand: radicand.clone() });
        Some(Poly::symbol(symbol))
    }

    /// The free kernels in order of declaration.
    pub fn kernels(&self) -> impl Iterator<Item = &FreeKernel> {
        self.kernels.iter()
    }

    /// The square roots in order of appearance.
    pub fn roots(&self) -> impl Iterator<Item = &Root> {
        self.roots.iter()
    }

    /// How many square roots there are.
    pub fn root_count(&self) -> usize {
        self.roots.len()
    }

    /// The number of the square root that a symbol stands for, if it does.
    fn root_number(&self, symbol: Symbol) -> Option<usize> {
        let at = self.roots.partition_point(|root| root.symbol < symbol);
        (self.roots.get(at)?.symbol == symbol).then_some(at)
    }

    /// The square root that a symbol stands for, if it does.
    pub fn root_of(&self, symbol: Symbol) -> Option<&Root> {
        self.roots.get(self.root_number(symbol)?)
    }

    /// The free kernel that a symbol is an entry of, and which entry in storage order.
    pub fn owner(&self, symbol: Symbol) -> Option<(&FreeKernel, usize)> {
        let owners = &self.owners[usize::from(symbol.is_scalar())];
        let before = owners.partition_point(|(first, _)| *first <= symbol);
        let &(first, number) = owners.get(before.checked_sub(1)?)?;
        let kernel = self.kernels.get(number)?;
        let offset = usize::try_from(symbol.0 - first.0).ok()?;
        (offset < kernel.shape.entries()?).then_some((kernel, offset))
    }

    /// Whether a symbol is a square root of numbers only.
    pub fn is_number(&self, symbol: Symbol) -> bool {
        self.root_of(symbol).is_some_and(|root| root.radicand.symbols().iter().all(|&s| self.is_number(s)))
    }

    /// Whether a polynomial is a number: whether all its symbols are.
    pub fn is_numeric(&self, poly: &Poly) -> bool {
        poly.symbols().into_iter().all(|symbol| self.is_number(symbol))
    }

    /// The symbols with those that their square roots are taken of.
    pub fn foundations(&self, mut symbols: Vec<Symbol>) -> Vec<Symbol> {
        let mut known: FxHashSet<Symbol> = symbols.iter().copied().collect();
        let mut at = 0;
        while let Some(&symbol) = symbols.get(at) {
            at += 1;
            if let Some(root) = self.root_of(symbol) {
                symbols.extend(root.radicand.symbols().into_iter().filter(|&inner| known.insert(inner)));
            }
        }
        symbols
    }

    /// The name of a symbol: `a`, `A[0,2]`, `W[1,0,2,2]`, `sqrt(v + e)`.
    pub fn name(&self, symbol: Symbol) -> String {
        if let Some(root) = self.root_of(symbol) {
            return format!("sqrt({})", root.radicand.display(|inner| self.name(inner)));
        }
        let Some((kernel, offset)) = self.owner(symbol) else { return format!("?{}", symbol.0) };
        let [output, input, row, column] = kernel.shape.entry(offset);
        match kernel.indices {
            0 => kernel.name.clone(),
            1 => format!("{}[{offset}]", kernel.name),
            2 => format!("{}[{row},{column}]", kernel.name),
            _ => format!("{}[{output},{input},{row},{column}]", kernel.name),
        }
    }

    /// The polynomial as users read it.
    pub fn show(&self, poly: &Poly) -> String {
        poly.display(|symbol| self.name(symbol)).to_string()
    }

    /// The number of the last root that occurs in a polynomial, of those before `end`.
    fn last_root_in(&self, poly: &Poly, end: usize) -> Option<usize> {
        let numbers = poly.symbols().into_iter().filter_map(|symbol| self.root_number(symbol));
        numbers.filter(|&at| at < end).max()
    }

    /// A positive multiple of the polynomial in which no root has a negative exponent and `σ² = radicand` has been used up: zero
    /// exactly when the polynomial vanishes wherever all radicands are positive, as long as no radicand is a square or related to
    /// another one. Of several polynomials each gets a factor of its own; [`Symbols::simplified`] gives none.
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

    /// Later radicands may contain earlier roots, never the reverse.
    fn for_each_root(&self, poly: &Poly, change: impl Fn(&Poly, &Root) -> Poly) -> Poly {
        let mut poly = poly.clone();
        let mut last = self.roots.len();
        while let Some(at) = self.last_root_in(&poly, last) {
            let Some(root) = self.roots.get(at) else { break };
            poly = change(&poly, root);
            last = at;
        }
        poly
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
        let mut symbols = Symbols::default();
        let mut scalar = |name| Poly::symbol(symbols.declare(name, Shape::plane(1, 1), 0).unwrap().first);
        let [a, b] = ["a", "b"].map(&mut scalar);
        // At a = 4, b = 5 all roots are whole.
        let roots = [a.clone(), a.scaled(&Rational::from(9)), &a + &b, &(&a * &a) * &a];
        let roots = roots.map(|radicand| symbols.root(&radicand).unwrap());
        let used: Vec<Symbol> = [&a, &b].into_iter().chain(&roots).flat_map(Poly::symbols).collect();
        let value = |symbol: Symbol| match symbols.root_of(symbol) {
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
                let monomial =
                    used.iter().fold(one, |all, &symbol| all.times(&Monomial::power(symbol, number())));
                sum.add(monomial, &Rational::from(i64::from(number())));
            }
            let poly = sum.finish();
            let [plain, simplified, numerator] =
                [poly.clone(), symbols.simplified(&poly), symbols.numerator(&poly)]
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
            assert!(exponents(symbols.numerator(&poly)).iter().all(|e| (0..=1).contains(e)), "{poly:?}");
            assert!(exponents(symbols.simplified(&poly)).iter().all(|e| *e <= 1), "{poly:?}");
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
