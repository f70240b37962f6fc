//! Choosing weights: random residues that tell polynomials apart, and small whole numbers that show it.

use rustc_hash::FxHashMap;

use crate::algebra::{Fp, Poly, Rational, SplitMix64, Symbol};
use crate::ir::{Root, Symbols};

/// A symbol whose value follows from a square root: `value = root² − rest`.
#[derive(Clone, Debug)]
struct Derived {
    root: Symbol,
    rest: Poly,
}

/// Which symbols may be chosen, and which follow from them.
#[derive(Clone, Debug, Default)]
pub struct Dependence {
    derived: FxHashMap<Symbol, Derived>,
    fixed: Vec<Root>,
}

impl Dependence {
    /// Sorts the square roots of a spec: where a radicand is `v + rest` with a symbol `v` of its own, the root
    /// is chosen and `v` follows, so that square roots never get in the way.
    pub fn of(symbols: &Symbols) -> Self {
        let mut dependence = Self::default();
        for root in symbols.roots() {
            let own = root.radicand.terms().iter().find_map(|(monomial, coefficient)| {
                let [(symbol, 1)] = monomial.factors() else { return None };
                let unique =
                    root.radicand.terms().iter().filter(|(m, _)| m.exponent(*symbol) != 0).count() == 1;
                let free = !dependence.derived.contains_key(symbol) && symbols.root_of(*symbol).is_none();
                let used_elsewhere = symbols
                    .roots()
                    .iter()
                    .any(|other| other.symbol != root.symbol && other.radicand.symbols().contains(symbol));
                (coefficient.is_one() && unique && free && !used_elsewhere).then_some(*symbol)
            });
            match own {
                Some(symbol) => {
                    let rest = &root.radicand - &Poly::symbol(symbol);
                    dependence.derived.insert(symbol, Derived { root: root.symbol, rest });
                }
                None => dependence.fixed.push(root.clone()),
            }
        }
        dependence
    }

    /// Whether the values of these symbols can be chosen freely or follow from chosen ones.
    pub fn is_free(&self, symbols: &[Symbol]) -> bool {
        self.fixed.iter().all(|root| !symbols.contains(&root.symbol))
    }

    /// The symbols that must be chosen to know the given ones, sorted.
    pub fn choices(&self, symbols: &[Symbol]) -> Vec<Symbol> {
        let mut todo: Vec<Symbol> = symbols.to_vec();
        let mut all = Vec::new();
        while let Some(symbol) = todo.pop() {
            if let Some(derived) = self.derived.get(&symbol) {
                todo.push(derived.root);
                todo.extend(derived.rest.symbols());
            } else if !all.contains(&symbol) {
                all.push(symbol);
                // A root's own symbol has to come out consistent as well.
                todo.extend(self.own_symbol(symbol).into_iter().flat_map(|derived| derived.rest.symbols()));
            }
        }
        all.sort_unstable();
        all
    }

    fn own_symbol(&self, root: Symbol) -> Option<&Derived> {
        self.derived.values().find(|derived| derived.root == root)
    }

    /// Whether a symbol stands for a square root, which is positive.
    pub fn is_root(&self, symbol: Symbol) -> bool {
        self.own_symbol(symbol).is_some() || self.fixed.iter().any(|root| root.symbol == symbol)
    }

    /// The value of any symbol from chosen rationals.
    pub fn rational(&self, symbol: Symbol, chosen: &impl Fn(Symbol) -> Rational) -> Rational {
        match self.derived.get(&symbol) {
            None => chosen(symbol),
            Some(derived) => {
                let root = chosen(derived.root);
                let rest = derived.rest.evaluate(&|inner| self.rational(inner, chosen));
                &(&root * &root) - &rest.unwrap_or_else(|| Rational::from(0))
            }
        }
    }

    /// The value of any symbol from chosen residues.
    pub fn residue(&self, symbol: Symbol, chosen: &impl Fn(Symbol) -> Fp) -> Fp {
        match self.derived.get(&symbol) {
            None => chosen(symbol),
            Some(derived) => {
                let root = chosen(derived.root);
                let rest = derived.rest.evaluate_mod(&|inner| self.residue(inner, chosen));
                root * root - rest.unwrap_or(Fp::ZERO)
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

    /// The value of a chosen symbol, 0 for others.
    pub fn rational(&self, symbol: Symbol) -> Rational {
        Rational::from(self.chosen.get(&symbol).copied().unwrap_or(0))
    }

    /// Chooses a small value for every symbol such that `differs` stays true; as many zeros as possible, then
    /// ones. `differs` must be true for the random point and is told each point to try.
    ///
    /// A polynomial of degree at most `t` in each variable that is not zero has a non-zero value on `{0..t}`
    /// in each variable, whatever the other variables' values were fixed to while it stayed non-zero; so the
    /// search always succeeds, up to values that only a random residue hides.
    pub fn shrink(
        mut self,
        symbols: &[Symbol],
        positive: impl Fn(Symbol) -> bool,
        differs: impl Fn(&Self) -> bool,
    ) -> Option<Self> {
        let (roots, plain): (Vec<Symbol>, Vec<Symbol>) = symbols.iter().copied().partition(|&s| positive(s));
        // Roots first: 1 keeps everything rational and simple.
        for &symbol in &roots {
            self = self.choose(symbol, &VALUES.map(i64::abs), &differs)?;
        }
        let mut todo: Vec<&[Symbol]> = vec![&plain];
        while let Some(chunk) = todo.pop() {
            if chunk.is_empty() {
                continue;
            }
            let mut trial = self.clone();
            trial.chosen.extend(chunk.iter().map(|&symbol| (symbol, 0)));
            if differs(&trial) {
                self = trial;
            } else if let [symbol] = chunk {
                self = self.choose(*symbol, &VALUES, &differs)?;
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
