//! Unknown kernels of layers: which ones make two stacks equal.
//!
//! Both stacks are affine in the unknown entries, so that they are equal is a system of linear equations between these:
//! the coefficients at all pairs of border patterns (Theorem 16a of `docs/semantics.md`). A solution is only proposed; with
//! it in its place the claim is decided like any other. Equations of the second degree, and what stands inside nonlinear
//! layers, are not solved.

use std::collections::BTreeMap;

use crate::ir::{FreeKernel, Root, StackClaim, Symbols};
use crate::kernel::Kernel;
use crate::kernel::deconvolve::quotient;
use crate::operator::OperatorError;
use crate::prove::survey::input::Sides;
use crate::prove::survey::{Compared, Extent, Sights};
use crate::prove::values::point::{Dependence, Point};
use crate::prove::verdict::region::Status;
use crate::prove::verdict::{Doubt, Limit};
use crate::prove::witness::search;
use convproof_exact::{Fp, Limited, Monomial, Poly, Rational, Symbol, budget};

/// What is known of the equations.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Values of the unknown kernels: they meet all equations, or else those before the first that contradicts them.
    pub kernels: Vec<Kernel>,
    /// How far they do.
    pub meets: Meets,
    /// How many of the entries can be chosen freely; here they are 0.
    pub free: usize,
}

/// Which equations kernels meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meets {
    /// All of them.
    All,
    /// Those far from all borders, and no kernels meet the others, too.
    Inside,
    /// Some of them, and no kernels meet all.
    Some,
    /// The outputs differ in size at some input, whatever the kernels are.
    Never,
}

/// Solves the equations between the entries of unknown kernels, which stand in the claim as free ones.
///
/// # Errors
/// If a stack has no normal form.
pub fn solve(
    claim: &StackClaim,
    unknowns: &[FreeKernel],
    symbols: &Symbols,
) -> Result<Result<Candidate, Doubt>, OperatorError> {
    let _doing = budget::doing("looking for kernels of layers");
    let sides = Sides::of(claim, [&claim.left, &claim.right])?;
    let nonlinear = sides.are_nonlinear();
    let (maps, dependence) = (sides.both(), search::dependence(claim, symbols));
    let surveyed = Sights::look(&sides.operators, maps, symbols, Extent::of(&claim.sizes), dependence)
        .and_then(|sights| Compared::of(sights, false)?.surveyed(&claim.sizes));
    let survey = match surveyed {
        Ok(survey) => survey,
        Err(limit) => return Ok(Err(Doubt::Limit(limit.limit()))),
    };
    let mut system = System::new(unknowns, symbols);
    if survey.table().statuses.any(|status| status == Status::Sizes) {
        return Ok(system.candidate(Meets::Never));
    }
    let (inside, border): (Vec<_>, Vec<_>) = survey
        .table()
        .sight_pairs()
        .into_iter()
        .partition(|&pair| survey.sights().patterns_of(pair).iter().all(|pattern| pattern.whole));
    let (mut meets, mut so_far) = (Meets::All, Vec::new());
    for (pairs, fails) in [(inside, Meets::Some), (border, Meets::Inside)] {
        let Some(equations) = survey.visible_polynomials(&pairs.into_iter().collect()) else {
            return Ok(Err(Doubt::Limit(Limit::Terms)));
        };
        let fine = system.add_all(&equations);
        so_far.extend(equations);
        match fine {
            Ok(true) => {}
            // Coefficients of nonlinear signals need not be equal.
            Ok(false) if nonlinear => return Ok(Err(Doubt::NotLinear)),
            // Roots may be tied to each other in ways that polynomials do not show.
            Ok(false) if !survey.sights().is_free() => return Ok(Err(Doubt::Irrational)),
            Ok(false) if system.is_met_somewhere(&so_far, survey.sights().dependence()) => {
                return Ok(Err(Doubt::Contradiction));
            }
            Ok(false) => {
                meets = fails;
                break;
            }
            Err(doubt) => return Ok(Err(doubt)),
        }
    }
    Ok(system.candidate(meets))
}

/// A value, affine in unknown entries.
#[derive(Clone, Debug, Default)]
struct LinearForm {
    /// The factors of the unknown entries, none of them 0.
    factors: BTreeMap<Symbol, Poly>,
    rest: Poly,
}

/// Stands for the rest of a linear form among its unknowns: after all symbols.
const REST: Symbol = Symbol(u32::MAX);

/// Most entries of rows that are looked at for a second opinion on a contradiction.
const MAX_CHECKED: usize = 1 << 20;

impl LinearForm {
    fn add(&mut self, other: &Self, times: &Poly) {
        self.rest = &self.rest + &(&other.rest * times);
        for (&symbol, factor) in &other.factors {
            let sum = self.factors.entry(symbol).or_default();
            *sum = &*sum + &(factor * times);
        }
        budget::spend_on(other.factors.len() + 1, 200);
    }

    /// The factors and the rest at a point; `None` where something that is divided by is 0.
    fn at(&self, value: &impl Fn(Symbol) -> Fp) -> Option<BTreeMap<Symbol, Fp>> {
        let all = self.factors.iter().map(|(&symbol, factor)| (symbol, factor));
        all.chain([(REST, &self.rest)])
            .map(|(symbol, poly)| Some((symbol, poly.evaluate_mod(value)?)))
            .collect()
    }

    /// An unknown that the equation can be solved for, with its factor's inverse: of a number, or else of a single term in weights,
    /// which may be 0.
    fn pivot(&self) -> Option<(Symbol, Poly)> {
        let all = || self.factors.iter();
        let number = all().find(|(_, factor)| factor.as_constant().is_some());
        number.into_iter().chain(all()).find_map(|(&symbol, factor)| Some((symbol, factor.reciprocal()?)))
    }

    /// The same equation with 1 for the factor of some unknown, by which all others can be divided.
    fn divided(&self) -> Option<(Symbol, Self)> {
        self.factors.iter().find_map(|(&symbol, divisor)| {
            let others =
                self.factors.iter().map(|(&other, factor)| Some((other, quotient(factor, divisor)?)));
            let factors = others.collect::<Option<_>>()?;
            Some((symbol, Self { factors, rest: quotient(&self.rest, divisor)? }))
        })
    }

    /// The factors times their entries, and the rest.
    fn whole(&self) -> Poly {
        let products = self.factors.iter().map(|(&symbol, factor)| factor * &Poly::symbol(symbol));
        products.fold(self.rest.clone(), |sum, product| &sum + &product)
    }
}

/// Linear equations between unknown entries, and what follows from those so far.
struct System<'a> {
    unknowns: &'a [FreeKernel],
    symbols: &'a Symbols,
    /// Entries in terms of those that do not occur here.
    solved: BTreeMap<Symbol, LinearForm>,
    /// Equations in which no unknown has a factor that can be divided by.
    open: Vec<LinearForm>,
}

impl<'a> System<'a> {
    fn new(unknowns: &'a [FreeKernel], symbols: &'a Symbols) -> Self {
        Self { unknowns, symbols, solved: BTreeMap::new(), open: Vec::new() }
    }

    /// Adds that these are 0, and whether that contradicts nothing.
    fn add_all(&mut self, equations: &[Poly]) -> Result<bool, Doubt> {
        for equation in equations {
            let affine = self.affine(equation).ok_or(Doubt::NotLinear)?;
            if !self.add(&affine)? {
                return Ok(false);
            }
        }
        // What was open may be settled by what came later.
        loop {
            let open = std::mem::take(&mut self.open);
            let before = (open.len(), self.solved.len());
            for equation in open {
                if !self.add(&equation)? {
                    return Ok(false);
                }
            }
            if (self.open.len(), self.solved.len()) == before {
                return if self.open.is_empty() { Ok(true) } else { Err(Doubt::CommonFactor) };
            }
        }
    }

    /// Adds that this is 0, and whether that contradicts nothing.
    fn add(&mut self, equation: &LinearForm) -> Result<bool, Doubt> {
        let mut left = LinearForm { rest: equation.rest.clone(), ..LinearForm::default() };
        for (symbol, factor) in &equation.factors {
            match self.solved.get(symbol) {
                Some(value) => left.add(value, factor),
                None => left.add(&unit(*symbol), factor),
            }
        }
        // As a whole, since a numerator is a multiple.
        let mut left = self.affine(&self.symbols.numerator(&left.whole())).ok_or(Doubt::NotLinear)?;
        if left.factors.is_empty() {
            return Ok(left.rest.is_zero());
        }
        let (symbol, inverse) = match left.pivot().or_else(|| self.under_a_root(&left)) {
            Some(pivot) => pivot,
            None => match left.divided() {
                Some((symbol, divided)) => {
                    left = divided;
                    (symbol, Poly::one())
                }
                None => {
                    self.open.push(left);
                    return Ok(true);
                }
            },
        };
        let inverse = self.symbols.simplified(&inverse);
        left.factors.remove(&symbol);
        let mut value = LinearForm::default();
        value.add(&left, &inverse.scaled(&Rational::from(-1)));
        budget::spend_on(self.solved.len(), 20);
        for other in self.solved.values_mut() {
            if let Some(factor) = other.factors.remove(&symbol) {
                other.add(&value, &factor);
                other.factors.retain(|_, factor| !factor.is_zero());
            }
        }
        self.solved.insert(symbol, value);
        Ok(true)
    }

    /// An unknown whose factor is what stands under a root that occurs, times a single term, with the factor's inverse: that of the
    /// root's square, which is positive.
    fn under_a_root(&self, form: &LinearForm) -> Option<(Symbol, Poly)> {
        let roots: Vec<&Root> =
            form.whole().symbols().into_iter().filter_map(|symbol| self.symbols.root_of(symbol)).collect();
        form.factors.iter().find_map(|(&symbol, factor)| {
            roots.iter().find_map(|root| {
                let rest = quotient(factor, &root.radicand)?.reciprocal()?;
                Some((symbol, &rest * &Poly::term(Monomial::power(root.symbol, -2), Rational::ONE)))
            })
        })
    }

    /// Whether numbers meet all equations at random weights, modulo a prime: a second opinion on a contradiction, by elimination
    /// that knows of no polynomials. Not looked at if there are many.
    fn is_met_somewhere(&self, equations: &[Poly], dependence: &Dependence) -> bool {
        let point = Point::random(1);
        let value = |symbol| dependence.residue(symbol, &|chosen| point.residue(chosen));
        // By their first unknown, whose factor is 1; the rest counts as the last one.
        let mut rows: BTreeMap<Symbol, BTreeMap<Symbol, Fp>> = BTreeMap::new();
        let mut work = 0_usize;
        for equation in equations {
            let Some(mut row) = self.affine(equation).and_then(|form| form.at(&value)) else { return false };
            loop {
                row.retain(|_, factor| !factor.is_zero());
                let Some((&first, &factor)) = row.first_key_value() else { break };
                if first == REST {
                    return false;
                }
                work += row.len();
                if work.exceeds(MAX_CHECKED) {
                    return false;
                }
                budget::spend_on(row.len(), 100);
                match rows.get(&first) {
                    Some(known) => {
                        for (&symbol, &entry) in known {
                            let own = row.entry(symbol).or_insert(Fp::ZERO);
                            *own -= factor * entry;
                        }
                    }
                    None => {
                        let inverse = factor.inverse().unwrap_or(Fp::ZERO);
                        row.values_mut().for_each(|entry| *entry *= inverse);
                        rows.insert(first, row);
                        break;
                    }
                }
            }
        }
        true
    }

    /// A polynomial by its unknown entries; `None` if it is not affine in them.
    fn affine(&self, poly: &Poly) -> Option<LinearForm> {
        let mut all = LinearForm::default();
        for (monomial, coefficient) in poly.terms() {
            let mut found = monomial.factors().iter().filter(|(symbol, _)| self.is_unknown(*symbol));
            match (found.next(), found.next()) {
                (None, _) => all.rest = &all.rest + &Poly::term(monomial.clone(), coefficient.clone()),
                (Some(&(symbol, 1)), None) => {
                    let rest = monomial.times(&Monomial::power(symbol, -1));
                    all.add(&unit(symbol), &Poly::term(rest, coefficient.clone()));
                }
                _ => return None,
            }
        }
        // Of a root of an unknown entry nothing is known.
        let roots = poly.symbols().into_iter().filter_map(|symbol| self.symbols.root_of(symbol));
        let hidden = self.symbols.foundations(roots.map(|root| root.symbol).collect());
        (!hidden.into_iter().any(|symbol| self.is_unknown(symbol))).then_some(all)
    }

    fn is_unknown(&self, symbol: Symbol) -> bool {
        let owner = self.symbols.owner(symbol);
        owner.is_some_and(|(owner, _)| self.unknowns.iter().any(|unknown| unknown.first == owner.first))
    }

    /// The kernels that follow, where what can be chosen is 0.
    fn candidate(&self, meets: Meets) -> Result<Candidate, Doubt> {
        let mut free = 0;
        let mut kernels = Vec::with_capacity(self.unknowns.len());
        for unknown in self.unknowns {
            let values = (0..count(unknown)).map(|n| match self.solved.get(&Symbol(unknown.first.0 + n)) {
                Some(value) => self.symbols.simplified(&value.rest),
                None => {
                    free += 1;
                    Poly::zero()
                }
            });
            let kernel = Kernel::from_entries(unknown.shape, values.collect());
            kernels.push(kernel.map_err(|_| Doubt::Limit(Limit::Terms))?);
        }
        Ok(Candidate { kernels, meets, free })
    }
}

/// How many entries a kernel has.
fn count(kernel: &FreeKernel) -> u32 {
    kernel.shape.entries().and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
}

fn unit(symbol: Symbol) -> LinearForm {
    LinearForm { factors: BTreeMap::from([(symbol, Poly::one())]), rest: Poly::zero() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Shape;

    #[test]
    fn equations_are_met_somewhere_unless_they_contradict_each_other() {
        let mut symbols = Symbols::default();
        let unknown = symbols.declare("K", Shape::plane(1, 2), 2).unwrap();
        let [first, second] = [0, 1].map(|n| Poly::symbol(Symbol(unknown.first.0 + n)));
        let weight = Poly::symbol(symbols.declare("s", Shape::plane(1, 1), 0).unwrap().first);
        let root = symbols.root(&weight).unwrap();
        let used = [&first, &second, &weight, &root].map(Poly::symbols).concat();
        let dependence = Dependence::of(&symbols, &used);
        let unknowns = [unknown];
        let system = || System::new(&unknowns, &symbols);
        let number = |n: i64| Poly::constant(Rational::from(n));
        // √s·k₀ = s, k₀ + √s·k₁ = n·√s, k₁ = 3: a solution for n = 4 alone.
        let equations = |n: i64| {
            let sum = &first + &(&root * &second);
            [&(&root * &first) - &weight, &sum - &(&number(n) * &root), &second - &number(3)]
        };
        for n in 3..6 {
            let met = system().is_met_somewhere(&equations(n), &dependence);
            assert_eq!((met, system().add_all(&equations(n))), (n == 4, Ok(n == 4)), "{n}");
        }
        // More unknowns than equations, the same equation twice, and none of an unknown.
        assert!(system().is_met_somewhere(&equations(5)[..2], &dependence));
        assert!(system().is_met_somewhere(&[&equations(5)[..2], &equations(5)[..2]].concat(), &dependence));
        assert!(
            !system().is_met_somewhere(&[weight], &dependence) && system().is_met_somewhere(&[], &dependence)
        );
    }
}
