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
use convproof_exact::{Grid, Limited};

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
    let reached = |search: &Search| relative(search.value(), whole);
    let bound = match options.certify {
        Certify::Products(most) if reached(&search).exceeds(NEARLY_EXACT) => {
            relaxed(problem, most, &mut search, reached)
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
    let rest = relative(found.best.value, whole).sqrt();
    let exact = found.best.value.within(1e-12).then(|| rationalise::recognise(problem, &proposal)).flatten();
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
    reached: impl Fn(&Search) -> f64,
) -> Option<Bound> {
    let relaxation = Relaxation::new(problem, most)?;
    let relaxed = relaxation.solve(reached(search))?;
    if let [product] = problem.products.as_slice()
        && let &[first, second] = product.unknowns.as_slice()
        && first != second
        && is_below(relaxed.floor(), reached(search))
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

/// The squared residual for a value of φ, which is half of it, relative to the target's squared norm.
fn relative(value: f64, whole: f64) -> f64 {
    2.0 * value / whole
}

/// Whether a relaxation leaves room for something nearer than what was found.
fn is_below(floor: f64, found: f64) -> bool {
    floor < found * 0.99999
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::problem::Problem;
    use convproof_exact::Rational;

    #[test]
    fn residuals_are_relative_to_the_target() {
        assert_eq!(relative(3.0, 12.0), 0.5);
        assert!(is_below(0.5, 1.0) && !is_below(1.0, 1.0) && !is_below(0.99999, 1.0) && !is_below(1.5, 1.0));
    }

    #[test]
    fn only_free_unknowns_that_the_search_moves_take_symmetries() {
        let cells = [1_i64, 2, 1, 2, 5, 2, 1, 2, 1].map(Rational::from).to_vec();
        let target = Grid::new(3, 3, cells).unwrap();
        let counts = |problem: &Problem| {
            let reduced = Reduced::new(problem);
            let count = |size: (usize, usize)| characters(&reduced.target.cells, &[size]).len();
            (symmetries(&reduced).len(), count((1, 2)), count((3, 2)))
        };
        let mut problem = Problem::product(&[(1, 2), (3, 2)], target.clone());
        let (found, small, large) = counts(&problem);
        assert!(found == small && small != large && small > 0);
        problem.unknowns[1].constraint = Constraint::HalfTurn;
        assert_eq!(counts(&problem).0, small);
        problem.unknowns[0].constraint = Constraint::HalfTurn;
        assert_eq!(counts(&problem).0, 0);
        assert_eq!(symmetries(&Reduced::new(&Problem::product(&[(3, 3)], target))).len(), 0);
    }
}
