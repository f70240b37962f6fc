//! Extents of values: whole numbers, or expressions in the open extents of the inputs.
//!
//! An expression is a sum of multiples of atoms: a symbol, a rounded-down quotient, a product. Equal expressions
//! are equal at all sizes; expressions that differ may still be equal.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A part of an extent that is not a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// An open extent of an input, or an extent that nothing is known of, by the text of what it is.
    Symbol(Arc<str>),
    /// A quotient rounded down.
    Floor(Box<Dim>, i64),
    /// A product of atoms, in order.
    Product(Vec<Atom>),
}

/// An extent: `constant + Σ factor·atom`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Dim {
    constant: i64,
    terms: BTreeMap<Atom, i64>,
}

impl From<i64> for Dim {
    fn from(constant: i64) -> Self {
        Self { constant, terms: BTreeMap::new() }
    }
}

/// Largest number that extents are computed with; what is beyond is a symbol.
const MAX: i64 = 1 << 40;
/// Most atoms of an expression.
const MAX_WEIGHT: usize = 128;
/// Longest name of a symbol.
const MAX_NAME: usize = 1 << 10;

impl Dim {
    /// An open extent. One of a long name is equal to no other.
    pub fn symbol(name: &str) -> Self {
        static UNIQUE: AtomicUsize = AtomicUsize::new(0);
        if name.len() <= MAX_NAME {
            return Self::atom(Atom::Symbol(name.into()));
        }
        let number = UNIQUE.fetch_add(1, Ordering::Relaxed);
        Self::atom(Atom::Symbol(format!("(unknown {number})").into()))
    }

    /// How many atoms it has, those inside others included.
    fn weight(&self) -> usize {
        self.terms.keys().map(atom_weight).sum()
    }

    fn atom(atom: Atom) -> Self {
        Self { constant: 0, terms: BTreeMap::from([(atom, 1)]) }
    }

    /// The extent if it is a number.
    pub fn number(&self) -> Option<i64> {
        self.terms.is_empty().then_some(self.constant)
    }

    /// The extent as the size of something that exists.
    pub fn size(&self) -> Option<usize> {
        self.number().and_then(|number| usize::try_from(number).ok())
    }

    /// Whether it is 1.
    pub fn is_one(&self) -> bool {
        self.number() == Some(1)
    }

    fn in_range(self, text: impl FnOnce() -> String) -> Self {
        let small = |&number: &i64| (-MAX..=MAX).contains(&number);
        let fine = small(&self.constant) && self.terms.values().all(small) && self.weight() <= MAX_WEIGHT;
        if fine { self } else { Self::symbol(&text()) }
    }

    /// The sum.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        sum.constant += other.constant;
        for (atom, factor) in &other.terms {
            let entry = sum.terms.entry(atom.clone()).or_insert(0);
            *entry += factor;
            if *entry == 0 {
                sum.terms.remove(atom);
            }
        }
        sum.in_range(|| format!("({self} + {other})"))
    }

    /// The sum with a number.
    #[must_use]
    pub fn plus_number(&self, number: i64) -> Self {
        self.plus(&number.into())
    }

    /// The product with a number.
    #[must_use]
    pub fn times_number(&self, number: i64) -> Self {
        let text = || format!("({self} * {number})");
        if number == 0 {
            return 0.into();
        }
        let scaled = |value: i64| value.checked_mul(number);
        let terms: Option<BTreeMap<Atom, i64>> =
            self.terms.iter().map(|(atom, &factor)| Some((atom.clone(), scaled(factor)?))).collect();
        match (scaled(self.constant), terms) {
            (Some(constant), Some(terms)) => Self { constant, terms }.in_range(text),
            _ => Self::symbol(&text()),
        }
    }

    /// The product.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        if let Some(number) = self.number() {
            return other.times_number(number);
        }
        let mut sum = self.times_number(other.constant);
        for (atom, &factor) in &other.terms {
            for (own, &own_factor) in &self.terms {
                let mut atoms = Vec::new();
                for atom in [own, atom] {
                    match atom {
                        Atom::Product(inside) => atoms.extend(inside.iter().cloned()),
                        _ => atoms.push(atom.clone()),
                    }
                }
                if atoms.len() > 16 {
                    return Self::symbol(&format!("({self} * {other})"));
                }
                atoms.sort();
                let Some(factor) = factor.checked_mul(own_factor) else {
                    return Self::symbol(&format!("({self} * {other})"));
                };
                sum = sum.plus(&Self::atom(Atom::Product(atoms)).times_number(factor));
            }
            sum = sum.plus(&Self::atom(atom.clone()).times_number(factor.saturating_mul(self.constant)));
        }
        sum
    }

    /// The quotient by a positive number, rounded down.
    #[must_use]
    pub fn over(&self, divisor: i64) -> Self {
        if divisor <= 0 {
            return Self::symbol(&format!("({self} / {divisor})"));
        }
        let mut whole = Self::from(self.constant.div_euclid(divisor));
        let mut rest = Self::from(self.constant.rem_euclid(divisor));
        for (atom, &factor) in &self.terms {
            if factor % divisor == 0 {
                whole.terms.insert(atom.clone(), factor / divisor);
            } else {
                rest.terms.insert(atom.clone(), factor);
            }
        }
        if rest.terms.is_empty() {
            return whole;
        }
        // ⌊(⌊a/d⌋ + r)/e⌋ = ⌊(a + r·d)/(d·e)⌋.
        let (first, factor) =
            rest.terms.iter().next().map_or((None, 0), |(atom, &factor)| (Some(atom), factor));
        let nested = match first {
            Some(Atom::Floor(inside, inner)) if factor == 1 && rest.terms.len() == 1 => inner
                .checked_mul(divisor)
                .filter(|&joined| joined <= MAX)
                .map(|joined| inside.plus(&Self::from(*inner).times_number(rest.constant)).over(joined)),
            _ => None,
        };
        whole.plus(&nested.unwrap_or_else(|| Self::atom(Atom::Floor(Box::new(rest), divisor))))
    }

    /// The quotient by another extent that divides it; by its text where that is not seen.
    #[must_use]
    pub fn over_dim(&self, divisor: &Self) -> Self {
        if let Some(number) = divisor.number() {
            return self.over(number);
        }
        if self == divisor {
            return 1.into();
        }
        Self::symbol(&format!("({self} / {divisor})"))
    }

    /// Its value where the symbols have values.
    pub fn at(&self, sizes: &BTreeMap<String, i64>) -> Option<i64> {
        self.terms.iter().try_fold(self.constant, |sum, (atom, &factor)| {
            sum.checked_add(factor.checked_mul(atom_at(atom, sizes)?)?)
        })
    }

    /// The names of the symbols in it.
    pub fn symbols(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.terms.keys().for_each(|atom| atom_symbols(atom, &mut names));
        names
    }

    /// The expression where a symbol is another expression.
    #[must_use]
    pub fn with(&self, name: &str, value: &Self) -> Self {
        let mut sum = Self::from(self.constant);
        for (atom, &factor) in &self.terms {
            sum = sum.plus(&atom_with(atom, name, value).times_number(factor));
        }
        sum
    }

    /// Whether it is certainly not negative where no symbol is.
    pub fn is_natural(&self) -> bool {
        let natural = |atom: &Atom| match atom {
            // Texts in brackets stand for what nothing is known of.
            Atom::Symbol(name) => !name.starts_with('('),
            Atom::Floor(inside, _) => inside.is_natural(),
            Atom::Product(atoms) => {
                atoms.iter().all(|atom| !matches!(atom, Atom::Floor(inside, _) if !inside.is_natural()))
            }
        };
        self.constant >= 0 && self.terms.iter().all(|(atom, &factor)| factor >= 0 && natural(atom))
    }

    /// Whether it is certainly a multiple of this number.
    pub fn is_multiple_of(&self, number: i64) -> bool {
        number > 0 && self.constant % number == 0 && self.terms.values().all(|factor| factor % number == 0)
    }
}

fn atom_weight(atom: &Atom) -> usize {
    match atom {
        Atom::Symbol(_) => 1,
        Atom::Floor(inside, _) => 1 + inside.weight(),
        Atom::Product(atoms) => atoms.iter().map(atom_weight).sum(),
    }
}

fn atom_symbols(atom: &Atom, names: &mut Vec<String>) {
    match atom {
        Atom::Symbol(name) => names.push(name.to_string()),
        Atom::Floor(inside, _) => names.extend(inside.symbols()),
        Atom::Product(atoms) => atoms.iter().for_each(|atom| atom_symbols(atom, names)),
    }
}

fn atom_with(atom: &Atom, name: &str, value: &Dim) -> Dim {
    match atom {
        Atom::Symbol(own) if &**own == name => value.clone(),
        Atom::Symbol(_) => Dim::atom(atom.clone()),
        Atom::Floor(inside, divisor) => inside.with(name, value).over(*divisor),
        Atom::Product(atoms) => {
            atoms.iter().fold(Dim::from(1), |product, atom| product.times(&atom_with(atom, name, value)))
        }
    }
}

fn atom_at(atom: &Atom, sizes: &BTreeMap<String, i64>) -> Option<i64> {
    match atom {
        Atom::Symbol(name) => sizes.get(&**name).copied(),
        Atom::Floor(inside, divisor) => Some(inside.at(sizes)?.div_euclid(*divisor)),
        Atom::Product(atoms) => {
            atoms.iter().try_fold(1i64, |product, atom| product.checked_mul(atom_at(atom, sizes)?))
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (atom, &factor) in &self.terms {
            match (first, factor) {
                (true, 1) => {}
                (true, -1) => write!(f, "-")?,
                (true, _) => write!(f, "{factor}*")?,
                (false, 1) => write!(f, " + ")?,
                (false, -1) => write!(f, " - ")?,
                (false, _) if factor < 0 => write!(f, " - {}*", factor.unsigned_abs())?,
                (false, _) => write!(f, " + {factor}*")?,
            }
            write!(f, "{atom}")?;
            first = false;
        }
        match (first, self.constant) {
            (true, constant) => write!(f, "{constant}"),
            (false, 0) => Ok(()),
            (false, constant) if constant < 0 => write!(f, " - {}", constant.unsigned_abs()),
            (false, constant) => write!(f, " + {constant}"),
        }
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symbol(name) => write!(f, "{name}"),
            Self::Floor(inside, divisor) => write!(f, "floor(({inside})/{divisor})"),
            Self::Product(atoms) => {
                for (n, atom) in atoms.iter().enumerate() {
                    write!(f, "{}{atom}", if n == 0 { "" } else { "*" })?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_quotients_are_one() {
        let h = Dim::symbol("h");
        let twice = h.plus_number(-1).over(2).plus_number(1).plus_number(-1).over(2);
        assert_eq!(twice, h.plus_number(-1).over(4));
        assert_eq!(h.times_number(2).plus_number(3).over(2), h.plus_number(1));
    }

    #[test]
    fn values_agree_with_the_expression() {
        let sizes = BTreeMap::from([("h".to_owned(), 9), ("w".to_owned(), 5)]);
        let (h, w) = (Dim::symbol("h"), Dim::symbol("w"));
        let dim = h.plus_number(1).times(&w.plus_number(-2)).plus(&h.over(2).times(&w));
        assert_eq!(dim.at(&sizes), Some(10 * 3 + 4 * 5));
        assert_eq!(h.times(&w), w.times(&h));
    }
}
