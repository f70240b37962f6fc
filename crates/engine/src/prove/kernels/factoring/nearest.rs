//! Equations as problems of least squares: the kernels whose product is nearest to a target.

use crate::ir::{Equation, Factor, FitProblem};
use crate::kernel::{ConcreteKernel, Kernel, Shape};
use crate::limits::CERTIFYING;
use convproof_exact::{Grid, Rational, budget};
use convproof_factor::fit::{self, Certify, Fit, FitError, Options, Problem};

/// The equation as a least-squares problem; known kernels must be concrete.
pub(super) fn problem(equation: &Equation) -> Result<Problem, FitFailure> {
    let grid = |kernel: &Kernel| {
        kernel.as_concrete().map(|kernel| kernel.block(0, 0)).ok_or(FitFailure::FreeSymbols)
    };
    let factor = |factor: &Factor| match factor {
        Factor::Unknown(n) => Ok(fit::FitFactor::Unknown(*n)),
        Factor::Known(term) => Ok(fit::FitFactor::Known(grid(term.kernel())?)),
        Factor::Dilated(..) => Err(FitFailure::Dilated),
    };
    let terms = equation.terms.iter().map(|(coefficient, factors)| {
        let mut all = factors.iter().map(factor).collect::<Result<Vec<_>, _>>()?;
        if !coefficient.is_one() {
            all.push(fit::FitFactor::Known(Grid::from_fn(1, 1, |_, _| coefficient.clone())));
        }
        Ok(all)
    });
    Ok(Problem {
        unknowns: equation
            .unknowns
            .iter()
            .map(|unknown| fit::FitUnknown::free(unknown.shape.height, unknown.shape.width))
            .collect(),
        terms: terms.collect::<Result<_, _>>()?,
        target: grid(equation.target.kernel())?,
    })
}

/// Why a fit was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FitFailure {
    /// A kernel holds free symbols.
    FreeSymbols,
    /// An unknown kernel is dilated.
    Dilated,
    /// The problem is not one that can be fitted.
    Fit(FitError),
}

/// A fit and the kernels that it binds.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The fit.
    pub fit: Fit,
    /// The target.
    pub target: Grid<Rational>,
    /// The unknowns' values, in order of declaration.
    pub kernels: Vec<ConcreteKernel>,
}

/// Least squares.
pub fn least_squares(problem_: &FitProblem) -> Result<Fitted, FitFailure> {
    let equation = &problem_.equation;
    let plain = problem(equation)?;
    let problem = match problem_.rank {
        None => plain,
        Some(rank) => Problem::separable(rank, plain.target),
    };
    if problem_.certify.is_some() {
        budget::extend(CERTIFYING);
    }
    let defaults = Options::default();
    let options = Options {
        seed: problem_.seed.unwrap_or(defaults.seed),
        starts: problem_.starts,
        certify: match problem_.certify {
            _ if problem_.quick => Certify::Quick,
            Some(most) => Certify::Products(most),
            None => defaults.certify,
        },
        ..defaults
    };
    let fit = fit::fit(&problem, &options).map_err(FitFailure::Fit)?;
    let kernels = match problem_.rank {
        None => fit.factors.clone(),
        // The unknown is the sum itself.
        Some(_) => vec![Grid::from_fn(problem.target.height(), problem.target.width(), |i, j| {
            problem.target.at(i, j) - fit.residual.at(i, j)
        })],
    };
    let concrete = |grid: &Grid<Rational>| {
        ConcreteKernel::from_rationals(Shape::plane(grid.height(), grid.width()), grid.cells())
    };
    let kernels = kernels.iter().map(concrete).collect::<Result<Vec<_>, _>>();
    let kernels = kernels.map_err(|_| FitFailure::Fit(FitError::Empty))?;
    Ok(Fitted { fit, target: problem.target, kernels })
}
