//! Claims that kernels with a given product exist: `solve`, `exists`, `forall … exists`, `fit`.
//!
//! An equation with one unknown that occurs once in each term is linear: an exact quotient. A single product of
//! unknowns and concrete known kernels is factored; where some are dilated, `dilated` says how. Sums of products of
//! unknowns are decided only where least squares happens to meet them exactly.

mod forall;
mod nearest;

use num_bigint::BigUint;

use super::dilated::{self, DilationKind, Dilations};
use crate::ir::{Equation, Factor, Field, Symbols};
use crate::kernel::deconvolve::{DeconvolveError, deconvolve, integers};
use crate::kernel::{ConcreteKernel, Kernel, KernelError, Shape};
use crate::prove::verdict::{Doubt, Limit};
use convproof_exact::{Grid, Rational};
use convproof_factor::bins::Bin;
use convproof_factor::blocks::{Spread, solve_blocks};
use convproof_factor::exact::FactorError;
use convproof_factor::fit::{self, Certify, Options};
use convproof_factor::phases::solve_dilated;
use convproof_factor::real::{RealSolution, real_solution};
use convproof_factor::solve::{Answer, Existence, solve as factor_solve};

pub use forall::{ForallVerdict, Reason, forall};
use nearest::problem;
pub use nearest::{FitFailure, Fitted, least_squares};

/// Kernels that solve an equation; made only after multiplying back.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    kernels: Vec<Kernel>,
    count: Option<BigUint>,
}

impl Solution {
    /// Multiplies back; `None` if the kernels do not solve the equation.
    fn checked(
        equation: &Equation,
        kernels: Vec<Kernel>,
        count: Option<BigUint>,
    ) -> Result<Option<Self>, KernelError> {
        let (product, target) = (left_side(equation, &kernels)?, equation.target.kernel());
        // One kernel may have several forms; expanded it has one.
        let solves = product == *target || product.expand()? == target.expand()?;
        Ok(solves.then_some(Self { kernels, count }))
    }

    /// The unknowns' values.
    pub fn kernels(&self) -> &[Kernel] {
        &self.kernels
    }

    /// How many solutions there are up to scalar factors, where that is known.
    pub fn count(&self) -> Option<&BigUint> {
        self.count.as_ref()
    }
}

/// Why an equation has no solution.
#[derive(Clone, Debug)]
pub enum Absence {
    /// The division leaves a remainder.
    NoQuotient,
    /// What is left for kernels with this dilation has entries where these have zeros.
    Gaps([usize; 2]),
    /// Full convolution of the unknowns' shapes gives another shape than the target's.
    Shapes {
        /// Shape of the left side.
        product: Shape,
        /// Shape of the target.
        target: Shape,
    },
    /// The irreducible factors cannot be distributed.
    Factors(Box<Answer>),
}

/// What is known of an equation over the three fields.
#[derive(Clone, Debug)]
pub enum EquationVerdict {
    /// Rational kernels solve it.
    Solved(Solution),
    /// No rational kernels do; what holds over ℝ and ℂ is in the answer, with real kernels as decimals where there are any.
    Irrational {
        /// The factorization and what follows from it.
        answer: Box<Answer>,
        /// Approximate real kernels.
        real: Option<RealSolution>,
    },
    /// Nothing solves it, over any field.
    Absent(Absence),
    /// It could not be decided.
    Unknown(Doubt),
}

impl EquationVerdict {
    /// Whether it is solvable over a field; `None` if that is not known.
    pub fn solvable(&self, field: Field) -> Option<bool> {
        let known = |existence: Existence| match existence {
            Existence::Exists => Some(true),
            Existence::Fails(_) => Some(false),
            Existence::Unknown => None,
        };
        match (self, field) {
            (Self::Solved(_), _) => Some(true),
            (Self::Absent(_), _) | (Self::Irrational { .. }, Field::Rationals) => Some(false),
            (Self::Irrational { answer, .. }, Field::Reals) => known(answer.real),
            (Self::Irrational { answer, .. }, Field::Complex) => known(answer.complex),
            (Self::Unknown(_), _) => None,
        }
    }
}

/// Σ coefficient · product.
fn left_side(equation: &Equation, kernels: &[Kernel]) -> Result<Kernel, KernelError> {
    let mut sum: Option<Kernel> = None;
    for (coefficient, factors) in &equation.terms {
        let product = product(factors, |n| kernels.get(n).cloned())?.scale_rational(coefficient)?;
        sum = Some(match sum {
            None => product,
            Some(sum) => sum.add(&product)?,
        });
    }
    sum.ok_or(KernelError::EmptyShape)
}

/// The product of the factors for which there is a value.
fn product(factors: &[Factor], value: impl Fn(usize) -> Option<Kernel>) -> Result<Kernel, KernelError> {
    let mut all = Kernel::identity(1)?;
    for factor in factors {
        let next = match factor {
            Factor::Known(term) => Some(term.kernel().clone()),
            Factor::Unknown(n) => value(*n),
            Factor::Dilated(n, by) => value(*n).map(|kernel| kernel.dilate(*by)).transpose()?,
        };
        if let Some(next) = next {
            all = all.convolve(&next)?;
        }
    }
    Ok(all)
}

fn occurrences(factors: &[Factor], unknown: usize) -> usize {
    factors.iter().filter(|factor| factor.unknown().is_some_and(|(n, _)| n == unknown)).count()
}

/// The shape of a term's product.
fn term_shape(equation: &Equation, factors: &[Factor]) -> Shape {
    let added = |factor: &Factor| match factor {
        Factor::Known(term) => (term.shape(), [1, 1]),
        Factor::Unknown(n) => (equation.unknowns[*n].shape, [1, 1]),
        Factor::Dilated(n, by) => (equation.unknowns[*n].shape, *by),
    };
    let grown = |all: usize, extent: usize, by: usize| all.saturating_add((extent - 1).saturating_mul(by));
    factors.iter().fold(Shape::plane(1, 1), |all, factor| {
        let (next, by) = added(factor);
        Shape::plane(grown(all.height, next.height, by[0]), grown(all.width, next.width, by[1]))
    })
}

/// Decides an equation over ℚ, and over ℝ and ℂ where that follows.
///
/// In divisions square roots are symbols of their own. A quotient is one whatever they are; that there is none says nothing if
/// they are related, as a root is to its square.
pub fn equation(equation: &Equation, symbols: &Symbols) -> EquationVerdict {
    match by_division(equation) {
        EquationVerdict::Absent(Absence::NoQuotient | Absence::Gaps(_)) if has_roots(equation, symbols) => {
            EquationVerdict::Unknown(Doubt::Roots)
        }
        verdict => verdict,
    }
}

/// Whether square roots occur among the numbers of an equation.
fn has_roots(equation: &Equation, symbols: &Symbols) -> bool {
    let mut all = equation.given().flat_map(|term| term.kernel().symbols());
    !symbols.roots().is_empty() && all.any(|symbol| symbols.root_of(symbol).is_some())
}

fn by_division(equation: &Equation) -> EquationVerdict {
    let target = equation.target.shape();
    for (_, factors) in &equation.terms {
        let product = term_shape(equation, factors);
        if product != target {
            return EquationVerdict::Absent(Absence::Shapes { product, target });
        }
    }
    let linear = || equation.terms.iter().all(|(_, factors)| occurrences(factors, 0) <= 1);
    if equation.unknowns.len() == 1 && linear() {
        return quotient(equation);
    }
    match equation.terms.as_slice() {
        [(coefficient, factors)] => factored(equation, coefficient, factors),
        _ => by_least_squares(equation),
    }
}

fn limit_of(error: DeconvolveError) -> Doubt {
    match error {
        DeconvolveError::Channels | DeconvolveError::Limit => Doubt::Limit(Limit::Search),
        DeconvolveError::CommonFactor => Doubt::CommonFactor,
        DeconvolveError::Kernel(_) => Doubt::Limit(Limit::Terms),
    }
}

fn solution(equation: &Equation, kernels: Vec<Kernel>, count: Option<BigUint>) -> EquationVerdict {
    match Solution::checked(equation, kernels, count) {
        Ok(Some(solution)) => EquationVerdict::Solved(solution),
        Ok(None) => EquationVerdict::Unknown(Doubt::Contradiction),
        Err(_) => EquationVerdict::Unknown(Doubt::Limit(Limit::Terms)),
    }
}

/// `Σ c·A·P + Σ c·B = D` for one unknown P: P = (D − Σ c·B) ÷ Σ c·A.
fn quotient(equation: &Equation) -> EquationVerdict {
    let mut dilations = equation.terms.iter().flat_map(|(_, factors)| factors).filter_map(Factor::unknown);
    let Some((_, by)) = dilations.next() else { return EquationVerdict::Unknown(Doubt::Contradiction) };
    if dilations.any(|(_, other)| other != by) {
        return EquationVerdict::Unknown(Doubt::Dilations);
    }
    let split = || -> Result<(Kernel, Kernel), KernelError> {
        let mut rest = equation.target.kernel().clone();
        let mut divisor: Option<Kernel> = None;
        for (coefficient, factors) in &equation.terms {
            let known = product(factors, |_| None)?.scale_rational(coefficient)?;
            if occurrences(factors, 0) == 0 {
                rest = rest.sub(&known)?;
            } else {
                divisor = Some(match divisor {
                    None => known,
                    Some(sum) => sum.add(&known)?,
                });
            }
        }
        Ok((rest, divisor.ok_or(KernelError::EmptyShape)?))
    };
    let Ok((rest, divisor)) = split() else { return EquationVerdict::Unknown(Doubt::Limit(Limit::Terms)) };
    // Of a divisor that is 0 every kernel is a quotient.
    let count = (!divisor.is_zero()).then(|| BigUint::from(1_u32));
    match deconvolve(&rest, &divisor) {
        Err(error) => EquationVerdict::Unknown(limit_of(error)),
        Ok(None) => EquationVerdict::Absent(Absence::NoQuotient),
        Ok(Some(found)) => match dilated::undilated(&found, by) {
            Ok(Some(found)) => solution(equation, vec![found], count),
            Ok(None) => EquationVerdict::Absent(Absence::Gaps(by)),
            Err(_) => EquationVerdict::Unknown(Doubt::Limit(Limit::Terms)),
        },
    }
}

/// The unknowns as shapes that factors are sorted into.
fn bins(equation: &Equation, factors: &[Factor]) -> Vec<Bin> {
    equation
        .unknowns
        .iter()
        .enumerate()
        .map(|(n, unknown)| Bin {
            height: unknown.shape.height,
            width: unknown.shape.width,
            power: occurrences(factors, n),
        })
        .collect()
}

/// One product of unknowns and known kernels.
fn factored(equation: &Equation, coefficient: &Rational, factors: &[Factor]) -> EquationVerdict {
    let unknown = || EquationVerdict::Unknown(Doubt::Limit(Limit::Terms));
    let Ok(known) = product(factors, |_| None).and_then(|known| known.scale_rational(coefficient)) else {
        return unknown();
    };
    // What the unknowns have to make.
    let whole = match deconvolve(equation.target.kernel(), &known) {
        Ok(Some(whole)) => whole,
        Ok(None) => return EquationVerdict::Absent(Absence::NoQuotient),
        Err(error) => return EquationVerdict::Unknown(limit_of(error)),
    };
    let Some(concrete) = whole.as_concrete() else {
        return EquationVerdict::Unknown(Doubt::FreeTarget);
    };
    let bins = bins(equation, factors);
    let dilations = Dilations::of(factors, &equation.unknowns);
    if concrete.is_zero() {
        let zeros =
            equation.unknowns.iter().map(|unknown| ConcreteKernel::zeros(unknown.shape).map(Kernel::from));
        return zeros
            .collect::<Result<Vec<_>, _>>()
            .map_or_else(|_| unknown(), |zeros| solution(equation, zeros, None));
    }
    let by = dilations.common();
    let whole = match dilated::undilated(&whole, by) {
        Ok(Some(whole)) => whole,
        Ok(None) => return EquationVerdict::Absent(Absence::Gaps(by)),
        Err(_) => return unknown(),
    };
    let Some(concrete) = whole.as_concrete() else { return unknown() };
    // Scaled to integers over one denominator; the denominator is part of the scalar.
    let kernel = integers(concrete);
    let scale = Rational::from(concrete.denominator().clone()).recip().unwrap_or_default();
    let kind = dilations.kind();
    let is_plain = matches!(kind, DilationKind::Plain);
    let answer = match kind {
        DilationKind::Plain => factor_solve(&kernel, &scale, &bins),
        DilationKind::Rest { rest, by } => solve_dilated(&kernel, &scale, &bins, rest, by),
        DilationKind::Mixed(dilations) => solve_blocks(&kernel, &scale, &spreads(&bins, dilations)),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(FactorError::Shapes) => {
            let product = term_shape(equation, factors);
            return EquationVerdict::Absent(Absence::Shapes { product, target: equation.target.shape() });
        }
        Err(FactorError::Zero | FactorError::Limit) => {
            return EquationVerdict::Unknown(Doubt::Limit(Limit::Search));
        }
    };
    if let Ok(found) = &answer.rational {
        let kernels = found.kernels.iter().zip(&found.scales).map(|(grid, scale)| scaled_kernel(grid, scale));
        let Ok(kernels) = kernels.collect::<Result<Vec<_>, _>>() else { return unknown() };
        return solution(equation, kernels, Some(found.count.clone()));
    }
    let fails = |existence| matches!(existence, Existence::Fails(_));
    if fails(answer.real) && fails(answer.complex) {
        return EquationVerdict::Absent(Absence::Factors(Box::new(answer)));
    }
    let real = (answer.real == Existence::Exists && is_plain)
        .then(|| real_solution(&kernel, &scale, &bins, &answer).ok())
        .flatten();
    EquationVerdict::Irrational { answer: Box::new(answer), real }
}

/// The unknowns with their dilations.
fn spreads(bins: &[Bin], dilations: Vec<Vec<[usize; 2]>>) -> Vec<Spread> {
    let spread = |(bin, dilations): (&Bin, _)| Spread { height: bin.height, width: bin.width, dilations };
    bins.iter().zip(dilations).map(spread).collect()
}

fn scaled_kernel(grid: &Grid<num_bigint::BigInt>, scale: &Rational) -> Result<Kernel, KernelError> {
    let shape = Shape::plane(grid.height(), grid.width());
    let numerator = scale.numerator();
    let numerators: Vec<_> = grid.cells().iter().map(|cell| cell * &numerator).collect();
    Ok(ConcreteKernel::from_bigints(shape, &numerators, scale.denominator())?.into())
}

/// Sums of products of unknowns: least squares may meet them exactly.
fn by_least_squares(equation: &Equation) -> EquationVerdict {
    let undecided = EquationVerdict::Unknown(Doubt::Sums);
    let Ok(problem) = problem(equation) else { return undecided };
    match fit::fit(&problem, &Options { certify: Certify::No, ..Options::default() }) {
        Ok(fit) if fit.is_exact() => match fit.factors.iter().map(grid_kernel).collect::<Result<Vec<_>, _>>()
        {
            Ok(kernels) => solution(equation, kernels, None),
            Err(_) => undecided,
        },
        _ => undecided,
    }
}

fn grid_kernel(grid: &Grid<Rational>) -> Result<Kernel, KernelError> {
    Ok(ConcreteKernel::from_rationals(Shape::plane(grid.height(), grid.width()), grid.cells())?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::KernelTerm;

    #[test]
    fn what_does_not_solve_an_equation_is_no_solution() {
        let kernel = |values: &[i64]| {
            ConcreteKernel::from_integers(Shape::plane(1, values.len()), values.to_vec()).unwrap()
        };
        let equation = Equation {
            unknowns: Vec::new(),
            terms: vec![(Rational::from(2), vec![Factor::Unknown(0), Factor::Unknown(1)])],
            target: KernelTerm::constant(kernel(&[2, 4, 2])),
        };
        let checked = |first: &[i64], second: &[i64]| {
            let kernels = vec![kernel(first).into(), kernel(second).into()];
            Solution::checked(&equation, kernels, None).unwrap().is_some()
        };
        assert!(checked(&[1, 1], &[1, 1]) && checked(&[-1, -1], &[-1, -1]) && checked(&[1, 2, 1], &[1]));
        assert!(!checked(&[1, 1], &[1, -1]) && !checked(&[1, 1], &[2, 2]) && !checked(&[1, 1, 0], &[1, 1]));
    }
}
