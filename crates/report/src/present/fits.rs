//! Least squares as a report shows it: the verdict, the factors, the residual and how far it may be from the least.

use super::Told;
use super::doubt::undecided;
use super::text::{count, root_decimal, short, side_by_side};
use crate::witness::{self, Witness};
use crate::{Block, Matrix, Outcome};
use convproof_engine::ir::{FitProblem, Unknown};
use convproof_engine::prove::factoring::{FitFailure, Fitted};
use convproof_exact::{Grid, Rational};
use convproof_factor::fit::{
    BoundMethod, Fit, FitError, FitLimit, LowerBound, MAX_CELLS, MAX_ENTRY_BITS, MAX_FACTORS, MAX_TERMS,
    MAX_UNKNOWNS, MAX_VARIABLES, Quality,
};

/// Largest residual, per side, that is shown.
const MAX_SIDE: usize = 64;

/// A `fit` as a report shows it.
pub(super) fn fitted(result: &Result<Fitted, FitFailure>, outcome: Outcome, asked: &FitProblem) -> Told {
    let found = match result {
        Ok(found) => found,
        Err(failure) => return failed(failure),
    };
    let quality = found.fit.quality();
    Told {
        method: method(&found.fit, &quality, outcome, asked),
        details: details(found, &asked.equation.unknowns),
        witness: Some(witness(found, &quality, &asked.equation.unknowns)),
    }
}

fn failed(failure: &FitFailure) -> Told {
    match failure {
        FitFailure::FreeSymbols => undecided(
            "no fit: least squares needs kernels without free symbols".to_owned(),
            "fit_free_symbols",
        ),
        FitFailure::Dilated => {
            undecided("no fit: unknown kernels are not dilated".to_owned(), "fit_no_problem")
        }
        FitFailure::Fit(error) => undecided(format!("no fit: {}", why(error)), code(error)),
    }
}

fn why(error: &FitError) -> String {
    let limit = match error {
        FitError::OutOfRange => return "the entries differ by too many orders of magnitude".to_owned(),
        FitError::TooLarge(limit) => limit,
        _ => return "the kernels do not make a least-squares problem".to_owned(),
    };
    match limit {
        FitLimit::Unknowns => format!("at most {MAX_UNKNOWNS} unknown kernels can be fitted"),
        FitLimit::Terms => format!("at most {MAX_TERMS} products of {MAX_FACTORS} factors can be fitted"),
        FitLimit::Variables => {
            format!("the unknown kernels may have at most {MAX_VARIABLES} entries together")
        }
        FitLimit::Cells => format!("kernels of more than {MAX_CELLS} entries are not fitted"),
        FitLimit::EntryBits => format!("entries of more than {MAX_ENTRY_BITS} bits are not fitted"),
        FitLimit::Work => "the search would take minutes; try smaller kernels or fewer products".to_owned(),
        FitLimit::Starts(most) => {
            format!("so many starts take more work than one fit may; at most `starts={most}` here")
        }
    }
}

fn code(error: &FitError) -> &'static str {
    match error {
        FitError::OutOfRange => "fit_range",
        FitError::TooLarge(_) => "fit_too_large",
        _ => "fit_no_problem",
    }
}

/// A share as a percentage.
fn percent(share: &Rational) -> String {
    format!("{} %", (share * &Rational::from(100)).to_decimal(12))
}

fn method(fit: &Fit, quality: &Quality, outcome: Outcome, asked: &FitProblem) -> String {
    let root = |square: &Rational| root_decimal(square, 8);
    let head = match (outcome, quality, &asked.within) {
        (Outcome::Exact, ..) => return "an exact factorization: the residual is 0".to_owned(),
        (Outcome::Optimal, Quality::Certified { within }, _) if !within.is_zero() => {
            format!("optimal within {}", percent(within))
        }
        (Outcome::Optimal, ..) => "optimal".to_owned(),
        (Outcome::Unknown, _, Some(wanted)) => {
            format!("the best found is not certified to be within {} of the least residual", percent(wanted))
        }
        _ => "the best found".to_owned(),
    };
    let relative = fit.relative_squared.as_ref().map_or_else(|| "0".to_owned(), root);
    let starts = match (fit.starts, asked.starts) {
        (0, _) => String::new(),
        (made, Some(asked)) if made < asked => {
            format!(
                ", {} of {} reached this value ({asked} were asked for)",
                fit.reached,
                count(made, "start", "starts")
            )
        }
        (made, _) => format!(", {} of {} reached this value", fit.reached, count(made, "start", "starts")),
    };
    let stopped = if fit.converged { "" } else { "; the search stopped at its limit of steps" };
    let below = fit.lower_bound.as_ref().map_or_else(String::new, bound);
    format!("{head}: residual {} (relative {relative}){starts}{stopped}{below}", root(&fit.residual_squared))
}

fn bound(bound: &LowerBound) -> String {
    let by = match bound.method {
        _ if bound.squared.is_zero() => return "; no lower bound is known".to_owned(),
        BoundMethod::Linear => "linear algebra",
        BoundMethod::SingularValues => "singular values, Eckart and Young",
        BoundMethod::Ruppert | BoundMethod::None => "Ruppert's matrix",
        BoundMethod::Relaxation => "multipliers of a relaxation, checked in integers",
    };
    format!("; no choice of factors gets below {} (certified by {by})", root_decimal(&bound.squared, 8))
}

fn details(found: &Fitted, unknowns: &[Unknown]) -> Vec<Block> {
    let fit = &found.fit;
    let shown = |title: String, grid: &Grid<Rational>| Matrix::of_numbers(title, grid, short);
    let factors = unknowns
        .iter()
        .zip(&found.kernels)
        .map(|(unknown, kernel)| shown(unknown.name.clone(), &kernel.block(0, 0)));
    let mut details: Vec<Block> = side_by_side(factors.collect()).into_iter().collect();
    if fit.is_exact() {
        return details;
    }
    if fit.residual.height() <= MAX_SIDE && fit.residual.width() <= MAX_SIDE {
        let mut residual = shown("residual".to_owned(), &fit.residual);
        residual.mark = Some(fit.largest_at);
        details.push(Block::HeatMap(residual));
    }
    if let Some(bound) = fit.lower_bound.as_ref().filter(|bound| !bound.squared.is_zero()) {
        details.push(Block::Gap { found: fit.residual_squared.clone(), bound: bound.squared.clone() });
    }
    details.push(Block::Text(format!(
        "The largest entry of the residual is {} at row {}, column {}. Entries are shown as decimals; the factors are exact rationals and the residual is computed from them exactly.",
        short(&fit.largest), fit.largest_at.0, fit.largest_at.1
    )));
    details
}

fn witness(found: &Fitted, quality: &Quality, unknowns: &[Unknown]) -> Witness {
    let fit = &found.fit;
    let matrix = |grid: &Grid<Rational>| witness::Matrix(grid.clone());
    let kernels = unknowns.iter().zip(&found.kernels);
    let bound = fit.lower_bound.as_ref();
    Witness::Fit(Box::new(witness::Fit {
        kernels: kernels
            .map(|(unknown, kernel)| (unknown.name.clone(), matrix(&kernel.block(0, 0))))
            .collect(),
        residual: matrix(&fit.residual),
        residual_squared: fit.residual_squared.clone(),
        relative_squared: fit.relative_squared.clone(),
        largest: fit.largest.clone(),
        largest_at: [fit.largest_at.0, fit.largest_at.1],
        lower_bound_squared: bound.map(|bound| bound.squared.clone()),
        bound_method: bound.and_then(|bound| match bound.method {
            BoundMethod::None => None,
            BoundMethod::Linear => Some("linear"),
            BoundMethod::SingularValues => Some("singular values"),
            BoundMethod::Ruppert => Some("ruppert"),
            BoundMethod::Relaxation => Some("relaxation"),
        }),
        certificate: bound.and_then(|bound| bound.certificate.clone()),
        optimal_within: match quality {
            Quality::Exact => Some(Rational::ZERO),
            Quality::Certified { within } => Some(within.clone()),
            Quality::Found => None,
        },
        starts: fit.starts,
        reached: fit.reached,
        converged: fit.converged,
    }))
}
