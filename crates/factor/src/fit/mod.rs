//! Least-squares factorization: the kernels whose sum of products comes nearest to a target, as exact rationals
//! with their exact residual, beside a certified bound below which no choice of factors can go.
//!
//! Floating point only proposes ([`Fit::converged`], [`Fit::starts`] and [`Fit::reached`] describe that search);
//! everything else in a [`Fit`] is exact: the factors are rationals, the residual is computed from them, and the lower
//! bound is proved in integer arithmetic. A local minimum found from many starts is not proved to be the global one;
//! the bound says how far from it one can be.
//!
//! The scale between factors (cP and Q/c have the same product) is fixed so: an unknown that the linear ones can
//! rescale has 1 as its (first) entry of largest magnitude; if the fit is exact it is a primitive integer
//! kernel instead whose entry of largest magnitude is positive. The linear unknowns, of P * Q the last of the largest,
//! hold what remains.

mod correlation;
mod definite;
mod descent;
mod fixed;
mod linear;
mod model;
mod nonlinear;
mod problem;
mod quality;
mod rationalise;
mod reduced;
mod relax;
mod ruppert;
mod search;
mod separable;
mod spectrum;
mod turns;

pub use problem::{
    Constraint, FitError, FitFactor, FitLimit, FitUnknown, MAX_CELLS, MAX_ENTRY_BITS, MAX_FACTORS, MAX_TERMS,
    MAX_UNKNOWNS, MAX_VARIABLES, Problem,
};
pub use quality::{OPTIMAL, Quality};
pub use relax::{Cases, Certificate, Form, KNOWN_BITS, MAX_MULTIPLIERS};
pub use separable::rank;

use fixed::Fixed;
use reduced::Reduced;
use relax::{Relaxation, Relaxed};

use convproof_exact::{Grid, Rational};

/// How to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// Seed of the random starts; the same seed gives the same result on every platform.
    pub seed: u64,
    /// Number of random starts; `None` for 64, or as many as the work of one fit allows for.
    pub starts: Option<usize>,
    /// How the linear unknowns become rationals.
    pub last: LastFactor,
    /// How hard to look for a lower bound.
    pub certify: Certify,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 0, starts: None, last: LastFactor::Optimal, certify: Certify::Products(CERTIFIED) }
    }
}

/// Most products of entries of two factors for which [`Options::default`] seeks a certificate: 6×6 into 3×3 and 4×4.
pub const CERTIFIED: usize = 144;
/// Most products of entries of two factors for which a certificate can be asked for.
pub const MAX_CERTIFIED: usize = 256;

/// How hard to look for a lower bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Certify {
    /// Not at all.
    No,
    /// Only bounds that cost less than the search.
    Quick,
    /// Also a certificate of optimality, for two factors with at most so many products of entries.
    Products(usize),
}

/// How the unknowns that enter linearly become rationals; the others are always rounded to 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LastFactor {
    /// The exact least-squares solution for the others: the best there is, with long numerators. Beyond 48
    /// variables or with very long numbers, and where it would break a sign constraint, as [`LastFactor::Short`].
    Optimal,
    /// All factors rounded to 40 bits: short numbers, the residual worse by a relative 10⁻²⁰ or so.
    Short,
}

/// What a lower bound rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BoundMethod {
    /// Nothing is known: the bound is 0.
    None,
    /// All unknowns enter linearly, or the product of the unknowns is replaced by a single unknown: an exact linear
    /// least-squares problem.
    Linear,
    /// Singular values (Eckart and Young 1936): the fit is a sum of products column × row.
    SingularValues,
    /// Ruppert's matrix: the target's distance to all products of two smaller kernels.
    Ruppert,
    /// The relaxation of the product of two factors, with its multipliers.
    Relaxation,
}

/// A number that the squared residual of no choice of factors goes below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowerBound {
    /// The bound on `‖target − Σ Π‖_F²`; at least 0.
    pub squared: Rational,
    /// What it rests on.
    pub method: BoundMethod,
    /// What anyone can check it with, where it rests on [`BoundMethod::Relaxation`].
    pub certificate: Option<Certificate>,
}

impl LowerBound {
    fn new(squared: Rational, method: BoundMethod) -> Self {
        Self { squared, method, certificate: None }
    }

    fn certified((certificate, squared): (Certificate, Rational)) -> Self {
        Self { squared, method: BoundMethod::Relaxation, certificate: Some(certificate) }
    }
}

/// Exact factors and how good they are.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The unknowns' values.
    pub factors: Vec<Grid<Rational>>,
    /// `target − Σ Π`, exactly.
    pub residual: Grid<Rational>,
    /// `‖residual‖_F²`, exactly.
    pub residual_squared: Rational,
    /// `‖residual‖_F² / ‖target‖_F²`; `None` for the zero target.
    pub relative_squared: Option<Rational>,
    /// Largest magnitude of an entry of the residual.
    pub largest: Rational,
    /// Row and column of the first such entry.
    pub largest_at: (usize, usize),
    /// Whether the search ended where the gradient vanishes; true when the residual is zero.
    pub converged: bool,
    /// Starts made; 0 where no search is needed.
    pub starts: usize,
    /// Starts that ended at the best value found (within 10⁻⁹). Starts given up early, as heading for a worse
    /// one, do not count.
    pub reached: usize,
    /// Newton iterations of all starts.
    pub iterations: usize,
    /// The certified bound; `None` if not asked for.
    pub lower_bound: Option<LowerBound>,
}

impl Fit {
    /// Whether the factors reproduce the target exactly.
    pub fn is_exact(&self) -> bool {
        self.residual_squared.is_zero()
    }
}

/// Fits the unknowns of a problem.
///
/// # Errors
/// What [`Problem::check`] finds, [`FitError::OutOfRange`], and [`FitError::TooLarge`] with [`FitLimit::Work`] for sums of
/// many large products.
///
/// ```
/// use convproof_exact::{Grid, Rational};
/// use convproof_factor::fit::{Options, Problem, fit};
/// let target = Grid::from_rows(vec![vec![1, 3, 2]]).unwrap().map(|&x| Rational::from(x));
/// let fit = fit(&Problem::product(&[(1, 2), (1, 2)], target), &Options::default()).unwrap();
/// assert!(fit.is_exact());
/// ```
pub fn fit(problem: &Problem, options: &Options) -> Result<Fit, FitError> {
    problem.check()?;
    let reduced = Reduced::new(problem);
    let mut outcome = solve(&reduced, options)?;
    let mut residual = reduced.residual(&outcome.factors);
    let mut residual_squared = residual.norm_squared();
    let nothing = reduced.target.norm_squared();
    if residual_squared > nothing {
        // Rounding of factors that ought to vanish.
        (outcome.factors, residual, residual_squared) =
            (reduced.zero_factors(), reduced.target.clone(), nothing);
    }
    if residual.is_zero() {
        outcome.converged = true;
    }
    let (largest, largest_at) = residual.largest();
    let relative_squared = residual_squared.checked_div(&Fixed::new(&problem.target).norm_squared());
    let lower_bound = (options.certify != Certify::No).then(|| match outcome.bound {
        _ if residual.is_zero() => LowerBound::new(Rational::ZERO, BoundMethod::None),
        Some(Bound::Known(bound)) => bound,
        Some(Bound::Relaxed(relaxation, relaxed)) => relaxation
            .certify(relaxed, &residual_squared)
            .map_or_else(|| bound_below(&reduced), LowerBound::certified),
        None => bound_below(&reduced),
    });
    Ok(Fit {
        factors: outcome.factors.iter().map(Fixed::to_rationals).collect(),
        residual: residual.to_rationals(),
        residual_squared,
        relative_squared,
        largest,
        largest_at,
        converged: outcome.converged,
        starts: outcome.starts,
        reached: outcome.reached,
        iterations: outcome.iterations,
        lower_bound,
    })
}

struct Outcome {
    factors: Vec<Fixed>,
    converged: bool,
    starts: usize,
    reached: usize,
    iterations: usize,
    /// The bound, where it comes with the factors.
    bound: Option<Bound>,
}

/// A bound that the search for factors came upon.
enum Bound {
    Known(LowerBound),
    /// To be certified for the residual.
    Relaxed(Box<Relaxation>, Relaxed),
}

impl Outcome {
    fn without_search(factors: Vec<Fixed>) -> Self {
        Self { factors, converged: true, starts: 0, reached: 0, iterations: 0, bound: None }
    }
}

fn solve(problem: &Reduced, options: &Options) -> Result<Outcome, FitError> {
    if problem.products.is_empty() || problem.target.is_zero() {
        return Ok(Outcome::without_search(problem.zero_factors()));
    }
    let pairs = separable::pairs(problem);
    if let Some(factors) = pairs.as_ref().and_then(|pairs| separable::decompose(problem, pairs)) {
        return Ok(Outcome::without_search(factors));
    }
    if problem.is_linear() && problem.is_solvable(0) {
        let mut factors = problem.zero_factors();
        rationalise::solve_linear(problem, &mut factors);
        return Ok(Outcome::without_search(factors));
    }
    if let Some(pairs) = &pairs {
        let spectrum = spectrum::spectrum(&problem.target, pairs.len()).ok_or(FitError::OutOfRange)?;
        let factors = separable::nearest(problem, pairs, &spectrum);
        let bound = LowerBound::new(spectrum.tail, BoundMethod::SingularValues);
        return Ok(Outcome { bound: Some(Bound::Known(bound)), ..Outcome::without_search(factors) });
    }
    nonlinear::search_and_round(problem, options)
}

/// A number that the squared residual of no choice of the unknowns goes below, without fitting; 0 if none is known.
///
/// # Errors
/// What [`Problem::check`] finds.
pub fn lower_bound(problem: &Problem) -> Result<LowerBound, FitError> {
    problem.check()?;
    Ok(bound_below(&Reduced::new(problem)))
}

/// The best bound known for the problem. See `docs/semantics-bounds.md` and the modules `ruppert` and `spectrum`.
fn bound_below(problem: &Reduced) -> LowerBound {
    let mut best = LowerBound::new(Rational::ZERO, BoundMethod::None);
    let mut offer = |squared: Rational, method| {
        if squared > best.squared {
            best = LowerBound::new(squared, method);
        }
    };
    if let Some(pairs) = separable::pairs(problem) {
        if let Some(spectrum) = spectrum::spectrum(&problem.target, pairs.len()) {
            offer(spectrum.tail, BoundMethod::SingularValues);
        }
    } else if let [product] = problem.products.as_slice() {
        // Numbers are no factors: with them any kernel is a product.
        let numbers = product.unknowns.iter().map(|&u| problem.unknowns[u].is_number());
        let factors = numbers.chain(product.known.as_ref().map(Fixed::is_number)).filter(|number| !number);
        if factors.count() >= 2 {
            let distance = ruppert::distance_to_products(&problem.target);
            offer(&distance * &distance, BoundMethod::Ruppert);
        }
    }
    if let Some(squared) = problem.linear_relaxation() {
        offer(squared, BoundMethod::Linear);
    }
    best
}

#[cfg(test)]
mod tests;
