//! What a proof for all values of sizes keeps: its law, the steps that made both sides, and what its symbols stand for.
//! Decides nothing and words nothing.

use convproof_engine::symbolic::exponent::Exponent;
use convproof_engine::symbolic::trace::Steps;
use convproof_exact::{Poly, Rational, Sum, Symbol};

/// By which law a claim holds for all values of its sizes.
#[derive(Clone, Debug)]
pub enum SizeLaw {
    /// Both sides have one normal form; the steps that made it, of stacks.
    NormalForm(Option<[Steps; 2]>),
    /// By induction over a size to which a stage is raised: one stage is the other side at 1, and the other side and one
    /// more stage is it at the next number.
    Induction {
        /// The stage, and the other side at 1.
        first: [Steps; 2],
        /// The other side and one more stage, and it at the next number.
        next: [Steps; 2],
    },
    /// Numbers one by one.
    Numbers(Vec<NumbersCompared>),
}

/// Two numbers of which a comparison plainly holds.
#[derive(Clone, Debug)]
pub struct NumbersCompared {
    /// The left one, unless it is a quotient.
    pub left: Option<Exponent>,
    /// The right one less the left one: with no coefficient of the wrong sign.
    pub difference: Exponent,
}

/// A proof for all values of sizes.
#[derive(Clone, Debug)]
pub struct SizeProof {
    /// Its law.
    pub law: SizeLaw,
    pub(super) names: SymbolNames,
}

/// What symbols stand for.
#[derive(Clone, Debug, Default)]
pub(super) struct SymbolNames {
    /// The sizes, in symbols; each has one of its own, in order.
    pub(super) sizes: Vec<(String, Exponent)>,
    /// For each symbol from the given one: a number to the power of another symbol less 1.
    pub(super) powers: (u32, Vec<(i64, Symbol)>),
}

impl SizeProof {
    /// A polynomial in the names of sizes, with a prime where a condition writes the size in terms of another number.
    pub fn show(&self, poly: &Exponent) -> String {
        let mut shown = Sum::default();
        for (monomial, coefficient) in poly.terms() {
            let mut coefficient = coefficient.clone();
            for &(symbol, exponent) in monomial.factors() {
                if let Some((base, _)) = self.names.power(symbol) {
                    let share =
                        Rational::from(base).pow(u32::from(exponent.unsigned_abs())).unwrap_or_default();
                    let share = if exponent < 0 { Some(share) } else { share.recip() };
                    coefficient = &coefficient * &share.unwrap_or_default();
                }
            }
            shown.add(monomial.clone(), &coefficient);
        }
        shown.finish().display(|symbol| self.names.of(symbol)).to_string()
    }

    /// The sizes that a condition writes in terms of other numbers from 1, and how.
    pub fn written(&self) -> Vec<(&str, String)> {
        let written = self.names.sizes.iter().zip(0..).filter(|((_, own), at)| !is_bare(own, *at));
        written.map(|((name, own), _)| (name.as_str(), self.show(own))).collect()
    }
}

impl SymbolNames {
    /// A number and the symbol to which less 1 it is raised, if that is what a symbol stands for.
    fn power(&self, symbol: Symbol) -> Option<(i64, Symbol)> {
        let (first, powers) = &self.powers;
        symbol.0.checked_sub(*first).and_then(|at| powers.get(at as usize)).copied()
    }

    /// The name of a symbol; that of a power is without the 1 less.
    fn of(&self, symbol: Symbol) -> String {
        if let Some((base, of)) = self.power(symbol) {
            return format!("{base}^{}", self.of(of));
        }
        match self.sizes.get(symbol.0 as usize) {
            Some((name, own)) if is_bare(own, symbol.0) => name.clone(),
            Some((name, _)) => format!("{name}′"),
            None => String::new(),
        }
    }
}

fn is_bare(own: &Exponent, at: u32) -> bool {
    *own == Poly::symbol(Symbol(at))
}
