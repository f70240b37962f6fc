//! Choosing weights: random residues that tell polynomials apart, and small whole numbers that show it.

use std::collections::BTreeSet;

use crate::ir::{Root, Symbols};
use convproof_exact::{Fp, Poly, Rational, SplitMix64, Symbol, budget};
use rustc_hash::{FxHashMap, FxHashSet};

/// A symbol whose value follows from others.
#[derive(Clone, Debug)]
enum Derived {
    /// `(root² − rest) / coefficient`: the radicand is `coefficient · v + rest`.
    Square {
        /// The square root.
        root: Symbol,
        /// What is added to the symbol's multiple under it.
        rest: Poly,
        /// The symbol's coefficient there.
        coefficient: Rational,
    },
    /// One of two square roots whose squares differ by `gap > 0`: `(q ± gap/q) / 2` with `q = n·(⌊gap⌋ + 1)`, which
    /// is positive for every `n ≥ 1`.
    Half {
        /// The symbol that is chosen as `n`.
        choice: Symbol,
        /// `⌊gap⌋ + 1`.
        unit: Rational,
        /// The difference of the squares.
        gap: Rational,
        /// Whether this is the greater root.
        greater: bool,
    },
}

/// Which symbols may be chosen, and which follow from them.
#[derive(Clone, Debug, Default)]
pub struct Dependence {
    derived: FxHashMap<Symbol, Derived>,
    /// The symbol that follows from each root.
    squared: FxHashMap<Symbol, Symbol>,
    /// Symbols that are chosen for pairs of roots instead of their own value.
    choices: Vec<Symbol>,
    fixed: Vec<Root>,
    /// What was asked about, and what roots among it rest on.
    used: Vec<Symbol>,
}

impl Dependence {
    /// Sorts the square roots of a spec: where a radicand is `c·v + rest` with a symbol `v` of its own, the root is
    /// chosen and `v` follows, so that square roots never get in the way. Two roots may share such a symbol if their
    /// squares differ by a number, as with two values of `eps`.
    /// Only the roots that `used` symbols rest on matter.
    pub fn of(symbols: &Symbols, used: &[Symbol]) -> Self {
        let mut dependence = Self { used: symbols.foundations(used.to_vec()), ..Self::default() };
        let used: FxHashSet<Symbol> = dependence.used.iter().copied().collect();
        let roots: Vec<&Root> = symbols.roots().iter().filter(|root| used.contains(&root.symbol)).collect();
        // The roots that are taken of something with a symbol.
        let mut roots_over: FxHashMap<Symbol, Vec<usize>> = FxHashMap::default();
        for (number, root) in roots.iter().enumerate() {
            for symbol in root.radicand.symbols() {
                roots_over.entry(symbol).or_default().push(number);
            }
        }
        for (number, &root) in roots.iter().enumerate() {
            if dependence.derived.contains_key(&root.symbol) {
                continue;
            }
            let own = root.radicand.terms().iter().find_map(|(monomial, coefficient)| {
                let [(symbol, 1)] = monomial.factors() else { return None };
                let unique =
                    root.radicand.terms().iter().filter(|(m, _)| m.exponent(*symbol) != 0).count() == 1;
                let free = !dependence.derived.contains_key(symbol) && symbols.root_of(*symbol).is_none();
                let mut others = roots_over.get(symbol)?.iter().filter(|&&n| n != number);
                let partner = others.next().map(|&other| roots[other]);
                let gap = partner.map(|other| (&other.radicand - &root.radicand).as_constant());
                let alone = others.next().is_none() && gap != Some(None);
                (unique && free && alone && !coefficient.is_negative())
                    .then(|| (*symbol, coefficient.clone(), partner.zip(gap.flatten())))
            });
            let Some((symbol, coefficient, partner)) = own else {
                dependence.fixed.push(root.clone());
                continue;
            };
            let rest = &root.radicand - &Poly::symbol(symbol).scaled(&coefficient);
            dependence.squared.insert(root.symbol, symbol);
            dependence.derived.insert(symbol, Derived::Square { root: root.symbol, rest, coefficient });
            if let Some((other, gap)) = partner {
                let greater = gap.is_negative();
                for (member, greater) in [(root.symbol, greater), (other.symbol, !greater)] {
                    let gap = gap.abs();
                    let unit = Rational::from(gap.numerator() / gap.denominator() + 1);
                    let half = Derived::Half { choice: root.symbol, unit, gap, greater };
                    dependence.derived.insert(member, half);
                }
                dependence.choices.push(root.symbol);
            }
        }
        dependence
    }

    /// The symbols that it is about.
    pub fn used(&self) -> &[Symbol] {
        &self.used
    }

    /// Whether the values of these symbols can be chosen freely or follow from chosen ones.
    pub fn is_free(&self, symbols: &[Symbol]) -> bool {
        self.fixed.iter().all(|root| !symbols.contains(&root.symbol))
    }

    /// The symbols that must be chosen to know the given ones, sorted.
    pub fn choices(&self, symbols: &[Symbol]) -> Vec<Symbol> {
        let mut todo: Vec<Symbol> = symbols.to_vec();
        let mut all = BTreeSet::new();
        while let Some(symbol) = todo.pop() {
            budget::spend(50);
            let symbol = match self.derived.get(&symbol) {
                Some(Derived::Square { root, rest, .. }) => {
                    todo.push(*root);
                    todo.extend(rest.symbols());
                    continue;
                }
                Some(Derived::Half { choice, .. }) => *choice,
                None => symbol,
            };
            if all.insert(symbol) {
                // A root's own symbol has to come out consistent as well.
                todo.extend(self.rest_under(symbol).into_iter().flat_map(Poly::symbols));
            }
        }
        all.into_iter().collect()
    }

    /// What stands beside its own symbol under a root.
    fn rest_under(&self, wanted: Symbol) -> Option<&Poly> {
        match self.derived.get(self.squared.get(&wanted)?)? {
            Derived::Square { rest, .. } => Some(rest),
            Derived::Half { .. } => None,
        }
    }

    /// Whether a symbol stands for a square root, which is positive.
    pub fn is_root(&self, symbol: Symbol) -> bool {
        self.rest_under(symbol).is_some()
            || matches!(self.derived.get(&symbol), Some(Derived::Half { .. }))
            || self.fixed.iter().any(|root| root.symbol == symbol)
    }

    /// Whether a symbol may take positive values only.
    pub fn is_positive(&self, symbol: Symbol, symbols: &Symbols) -> bool {
        self.is_root(symbol) || symbols.is_divisor(symbol)
    }

    /// The value of any symbol from chosen rationals.
    pub fn rational(&self, symbol: Symbol, chosen: &impl Fn(Symbol) -> Rational) -> Rational {
        self.value(symbol, chosen).unwrap_or_default()
    }

    fn value(&self, symbol: Symbol, chosen: &impl Fn(Symbol) -> Rational) -> Option<Rational> {
        match self.derived.get(&symbol) {
            None => Some(chosen(symbol)),
            Some(Derived::Square { root, rest, coefficient }) => {
                let root = self.value(*root, chosen)?;
                let rest = rest.evaluate(&|inner| self.rational(inner, chosen))?;
                (&(&root * &root) - &rest).checked_div(coefficient)
            }
            Some(Derived::Half { choice, unit, gap, greater }) => {
                let q = unit * &chosen(*choice);
                let other = gap.checked_div(&q)?;
                let sum = if *greater { &q + &other } else { &q - &other };
                sum.checked_div(&Rational::from(2))
            }
        }
    }

    /// The value of any symbol from chosen residues.
    pub fn residue(&self, symbol: Symbol, chosen: &impl Fn(Symbol) -> Fp) -> Fp {
        self.residue_of(symbol, chosen).unwrap_or(Fp::ZERO)
    }

    fn residue_of(&self, symbol: Symbol, chosen: &impl Fn(Symbol) -> Fp) -> Option<Fp> {
        match self.derived.get(&symbol) {
            None => Some(chosen(symbol)),
            Some(Derived::Square { root, rest, coefficient }) => {
                let root = self.residue_of(*root, chosen)?;
                let rest = rest.evaluate_mod(&|inner| self.residue(inner, chosen))?;
                Some((root * root - rest) * Fp::from_rational(coefficient)?.inverse()?)
            }
            Some(Derived::Half { choice, unit, gap, greater }) => {
                let gap = Fp::from_rational(gap)?;
                let q = Fp::from_rational(unit)? * chosen(*choice);
                let other = gap * q.inverse()?;
                Some((if *greater { q + other } else { q - other }) * Fp::from(2).inverse()?)
            }
        }
    }
}

/// Values to try for a weight, simplest first; a polynomial of degree below 64 cannot vanish at all of them.
const VALUES: [i64; 65] = {
    let mut values = [0; 65];
    let (mut at, mut size) = (0, 1);
    while at < 65 {
        values[at] = if at % 2 == 0 { size } else { -size };
        size += if at % 2 == 0 { 0 } else { 1 };
        at += 1;
    }
    values
};

/// Weights under construction: some chosen, the others random.
#[derive(Clone, Debug, Default)]
pub struct Point {
    chosen: FxHashMap<Symbol, i64>,
    seed: u64,
}

impl Point {
    /// All weights random, by seed.
    pub fn random(seed: u64) -> Self {
        Self { chosen: FxHashMap::default(), seed }
    }

    /// The value modulo the prime.
    pub fn residue(&self, symbol: Symbol) -> Fp {
        match self.chosen.get(&symbol) {
            Some(&value) => Fp::from(value),
            None => {
                SplitMix64::new(self.seed ^ (u64::from(symbol.0) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
                    .next_fp()
            }
        }
    }

    /// The value of a symbol if it was chosen.
    pub fn chosen(&self, symbol: Symbol) -> Option<Rational> {
        self.chosen.get(&symbol).copied().map(Rational::from)
    }

    /// Chooses a small value for every symbol such that `differs` stays true; as many zeros as possible, then
    /// ones. `differs` must be true for the random point and is told each point to try.
    ///
    /// A polynomial of degree at most `t` in each variable that is not zero has a non-zero value on `{0..t}`
    /// in each variable, whatever the other variables' values were fixed to while it stayed non-zero; so the
    /// search always succeeds, up to values that only a random residue hides.
    pub fn shrink(
        self,
        symbols: &[Symbol],
        positive: impl Fn(Symbol) -> bool,
        differs: impl Fn(&Self) -> bool,
    ) -> Option<Self> {
        let (roots, plain): (Vec<Symbol>, Vec<Symbol>) = symbols.iter().copied().partition(|&s| positive(s));
        // Roots first: 1 keeps everything rational and simple.
        self.settle(&roots, 1, &VALUES.map(i64::abs), &differs)?.settle(&plain, 0, &VALUES, &differs)
    }

    /// Chooses values for some symbols: `plain` for as many as possible, the first of `values` that will do for the
    /// others.
    fn settle(
        mut self,
        symbols: &[Symbol],
        plain: i64,
        values: &[i64],
        differs: &impl Fn(&Self) -> bool,
    ) -> Option<Self> {
        let mut todo: Vec<&[Symbol]> = vec![symbols];
        let _doing = budget::doing("simplifying the weights of a counterexample");
        while let Some(chunk) = todo.pop() {
            budget::spend_on(self.chosen.len() + chunk.len(), 30);
            if chunk.is_empty() {
                continue;
            }
            let mut trial = self.clone();
            trial.chosen.extend(chunk.iter().map(|&symbol| (symbol, plain)));
            if differs(&trial) {
                self = trial;
            } else if let [symbol] = chunk {
                self = self.choose(*symbol, values, differs)?;
            } else {
                let (first, second) = chunk.split_at(chunk.len() / 2);
                // Later weights become zero first, so that the remaining ones are the first of their kernel.
                todo.push(first);
                todo.push(second);
            }
        }
        Some(self)
    }

    fn choose(mut self, symbol: Symbol, values: &[i64], differs: &impl Fn(&Self) -> bool) -> Option<Self> {
        for &value in values {
            self.chosen.insert(symbol, value);
            if differs(&self) {
                return Some(self);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Shape;

    #[test]
    fn what_follows_from_chosen_values_fits_all_radicands() {
        let mut symbols = Symbols::default();
        let mut free =
            |name: &str| Poly::symbol(symbols.declare(name, Shape::new(1, 1, 1, 1), 0).unwrap().first);
        let [v, w, x, y] = ["v", "w", "x", "y"].map(&mut free);
        let number = |n: i64| Poly::constant(Rational::from(n));
        // Two pairs that differ by 3 and by −5/2, and one root by itself over two symbols.
        let half = Poly::constant(Rational::ratio(7, 2).unwrap());
        let radicands =
            [&v + &number(1), &v + &number(4), &w + &number(6), &w + &half, &(&x + &x) + &(&y * &y)];
        let roots: Vec<Symbol> =
            radicands.iter().map(|radicand| symbols.root(radicand).unwrap().symbols()[0]).collect();
        let dependence = Dependence::of(&symbols, &roots);
        assert!(dependence.is_free(&roots) && roots.iter().all(|&root| dependence.is_root(root)));
        // A root of a number, or of a square, has no symbol that could follow from it.
        let fixed = symbols.root(&(&(&x * &x) + &(&y * &y))).unwrap().symbols()[0];
        let with_fixed = Dependence::of(&symbols, &[&roots[..], &[fixed]].concat());
        assert!(with_fixed.is_root(fixed) && !with_fixed.is_free(&[fixed]));
        assert!([&v, &w, &x, &y].iter().all(|free| !with_fixed.is_root(free.symbols()[0])));
        for n in 1..5 {
            let chosen = |symbol: Symbol| Rational::from(n + i64::from(symbol.0 % 3));
            let value = |symbol: Symbol| dependence.rational(symbol, &chosen);
            let residue =
                |symbol: Symbol| dependence.residue(symbol, &|s| Fp::from_rational(&chosen(s)).unwrap());
            for (radicand, &root) in radicands.iter().zip(&roots) {
                let own = value(root);
                assert!(own > Rational::ZERO, "{own}");
                assert_eq!(Some(&own * &own), radicand.evaluate(&value));
                assert_eq!(Some(residue(root) * residue(root)), radicand.evaluate_mod(&residue));
                assert_eq!(residue(root), Fp::from_rational(&own).unwrap());
            }
        }
    }

    /// What a polynomial's value is shown to differ from 0 at: the chosen values of its symbols.
    fn shrunk(poly: &Poly, symbols: &[Symbol], positive: &[Symbol]) -> Option<Vec<Rational>> {
        let differs = |point: &Point| {
            !poly.evaluate_mod(&|symbol| point.residue(symbol)).is_none_or(convproof_exact::Fp::is_zero)
        };
        let point = Point::random(7).shrink(symbols, |symbol| positive.contains(&symbol), differs)?;
        Some(symbols.iter().map(|&symbol| point.chosen(symbol).expect("a choice")).collect())
    }

    #[test]
    fn values_are_0_where_they_can_be_then_the_least_that_will_do() {
        let symbols: Vec<Symbol> = (1..7).map(Symbol).collect();
        let all: Vec<Poly> = symbols.iter().map(|&symbol| Poly::symbol(symbol)).collect();
        let [a, b, c, d, e, f] = &all[..] else { unreachable!() };
        let number = |n: i64| Poly::constant(Rational::from(n));
        let expect = |poly: &Poly, positive: &[Symbol], values: [i64; 6]| {
            let found = shrunk(poly, &symbols, positive);
            assert_eq!(found, Some(values.map(Rational::from).to_vec()), "{values:?}");
        };
        expect(&number(1), &[], [0; 6]);
        // The first of several that would do stays.
        expect(&(&(a * b) + &(&(c + d) + &(e + f))), &[], [1, 1, 0, 0, 0, 0]);
        expect(&(&(c + d) + f), &[], [0, 0, 1, 0, 0, 0]);
        // Roots of the polynomial are left out: 1, then −1, then 2.
        expect(&(d - &number(1)), &[], [0; 6]);
        expect(&(&(d - &number(1)) * d), &[], [0, 0, 0, -1, 0, 0]);
        expect(&(&(&(d * d) - &number(1)) * d), &[], [0, 0, 0, 2, 0, 0]);
        // Positive ones are 1 where they can be, and never less.
        expect(&(a + b), &symbols[2..5], [1, 0, 1, 1, 1, 0]);
        expect(&(&(e - &number(1)) * a), &symbols[4..5], [1, 0, 0, 0, 2, 0]);
        // All values are tried before it is given up: 1, −1, …, 32, −32, 33.
        let roots = (-31..=32).fold(a.clone(), |product, n| &product * &(a - &number(n)));
        expect(&roots, &[], [-32, 0, 0, 0, 0, 0]);
        let more = &roots * &(a + &number(32));
        assert_eq!(shrunk(&more, &symbols, &[]), Some([33, 0, 0, 0, 0, 0].map(Rational::from).to_vec()));
        assert_eq!(shrunk(&number(0), &symbols, &[]), None);
    }
}
