//! From a problem to exact factors by search: descents from several kinds of starts, the relaxation where one is asked for,
//! and the rounding of the best end.

#![allow(clippy::float_arithmetic, reason = "least squares proposes candidates in floating point")]

use nalgebra::DVector;

use super::model::Model;
use super::problem::{Constraint, FitError, FitUnknown};
use super::rationalise::{self, Scaled};
use super::reduced::Reduced;
use super::relax::Relaxation;
use super::search::{Effort, Search};
use super::turns::{Character, characters};
use super::{Bound, Certify, LastFactor, Options, Outcome};
use convproof_exact::Grid;

/// Searches, and makes exact factors of the best that was found.
pub(super) fn search_and_round(problem: &Reduced, options: &Options) -> Result<Outcome, FitError> {
    let (target, known, exponents) = problem.in_floats();
    if known.iter().flatten().chain([&target]).flat_map(Grid::cells).any(|x| !x.is_finite()) {
        return Err(FitError::OutOfRange);
    }
    let mut model = Model::new(problem, target, known);
    let effort = Effort::of(&model, options.starts).map_err(FitError::TooLarge)?;
    let whole = model.target_squared();
    let mut search = Search::new(&mut model, effort);
    search.symmetric(&symmetries(problem), options.seed, SYMMETRIC_DRAWS);
    search.random(options.seed);
    // φ is half of the squared residual.
    let relative = |search: &Search| 2.0 * search.value() / whole;
    let bound = match options.certify {
        Certify::Products(most) if relative(&search) > NEARLY_EXACT => {
            relaxed(problem, most, &mut search, relative)
        }
        _ => None,
    };
    let found = search.finish().ok_or(FitError::OutOfRange)?;
    model.evaluate(&found.best.x);
    let proposal: Vec<Scaled> = model
        .kernels()
        .iter()
        .zip(exponents)
        .map(|(cells, exponent)| Scaled { cells: cells.clone(), exponent })
        .collect();
    let proposal = rationalise::gauge(problem, proposal);
    let rest = (2.0 * found.best.value / whole).sqrt();
    let exact = (found.best.value < 1e-12).then(|| rationalise::recognise(problem, &proposal)).flatten();
    let factors = exact
        .unwrap_or_else(|| rationalise::round(problem, &proposal, rest, options.last == LastFactor::Optimal));
    Ok(Outcome {
        factors,
        converged: found.best.converged,
        starts: found.starts,
        reached: found.reached,
        iterations: found.iterations,
        bound,
    })
}

/// Squared residuals below this, relative to the target's squared norm, are left to be recognised as exact.
const NEARLY_EXACT: f64 = 1e-20;
/// Starts for each way in which factors can have the target's symmetries.
const SYMMETRIC_DRAWS: usize = 4;

/// The relaxation, solved; where it shows that there may be nearer products, the search goes on from where it points.
fn relaxed(
    problem: &Reduced,
    most: usize,
    search: &mut Search,
    relative: impl Fn(&Search) -> f64,
) -> Option<Bound> {
    let relaxation = Relaxation::new(problem, most)?;
    let relaxed = relaxation.solve(relative(search))?;
    if let [product] = problem.products.as_slice()
        && let &[first, second] = product.unknowns.as_slice()
        && first != second
        && relaxed.floor() < relative(search) * (1.0 - 1e-5)
    {
        let swapped = problem.eliminated[first];
        let moved = if swapped { second } else { first };
        if problem.unknowns[moved].constraint == Constraint::Free {
            for [p, q] in relaxation.starts(&relaxed) {
                search.hint(DVector::from_vec(if swapped { q } else { p }));
            }
        }
    }
    Some(Bound::Relaxed(Box::new(relaxation), relaxed))
}

/// The ways in which the unknowns that the search moves can have the target's symmetries.
fn symmetries(problem: &Reduced) -> Vec<Character> {
    let unknowns = problem.unknowns.iter().zip(&problem.eliminated);
    let moved: Vec<&FitUnknown> =
        unknowns.filter(|(_, eliminated)| !**eliminated).map(|(unknown, _)| unknown).collect();
    if moved.is_empty() || moved.iter().any(|unknown| unknown.constraint != Constraint::Free) {
        return Vec::new();
    }
    let sizes: Vec<(usize, usize)> = moved.iter().map(|unknown| (unknown.height, unknown.width)).collect();
    characters(&problem.target.cells, &sizes)
}
