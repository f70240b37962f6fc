//! Symbols that stand for the entry of a generic channel, and weights as sums of products of commuting scalars and diagonals
//! in such symbols.

use convproof_exact::{Monomial, Poly, Rational, Symbol};

/// Set in the number of a symbol that stands for the entry of a generic channel.
const GENERIC: u32 = 1 << 30;
/// Set, beside `GENERIC`, in the number of a symbol made here: a root or a vector of numbers.
const MADE: u32 = 1 << 29;

/// A product of a number, commuting scalars, a diagonal and at most one matrix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Summand {
    /// The number.
    pub coefficient: Rational,
    /// Commuting scalars.
    pub scalars: Monomial,
    /// The diagonal, before the matrix (on the output side).
    pub diagonal: Monomial,
    /// The matrix.
    pub letter: Option<u32>,
}

/// What a tap does: a sum of products.
pub type Weight = Vec<Summand>;

/// The n-th symbol of those that are made here, for one number or for the entry of a generic channel.
pub fn made(n: u32, generic: bool) -> Symbol {
    Symbol(n | MADE | if generic { GENERIC } else { 0 })
}

/// The symbol of the entry of a generic channel, by that of channel 0.
pub fn generic(first: Symbol) -> Symbol {
    Symbol(first.0 | GENERIC)
}

/// Whether a symbol stands for the entry of a generic channel.
pub fn is_generic(symbol: Symbol) -> bool {
    symbol.0 & GENERIC != 0
}

/// The symbol of the entry of channel 0 that a generic symbol stands for; `None` of one made here.
pub fn declared(symbol: Symbol) -> Option<Symbol> {
    (symbol.0 & MADE == 0).then_some(Symbol(symbol.0 & !GENERIC))
}

/// A polynomial as a sum of products of scalars and diagonals.
pub fn split(poly: &Poly) -> Weight {
    let factor = |(monomial, coefficient): &(Monomial, Rational)| Summand {
        coefficient: coefficient.clone(),
        scalars: monomial.only(|symbol| !is_generic(symbol)),
        diagonal: monomial.only(is_generic),
        letter: None,
    };
    poly.terms().iter().map(factor).collect()
}
