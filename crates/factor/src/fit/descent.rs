//! One start: damped Newton descent on the reduced function φ, projected where entries must not be negative.
//! Knows nothing of where starts come from.

#![allow(clippy::float_arithmetic, reason = "least squares proposes candidates in floating point")]

use nalgebra::{Cholesky, DMatrix, DVector};

use super::model::Model;
use convproof_exact::{Limited, budget};

/// Gradients of φ below this, for a target of norm about 1, count as converged.
const FLAT: f64 = 1e-9;
/// Descent goes on to this, near the rounding errors of a gradient, so that the last digits are right as well.
const FLATTEST: f64 = 1e-13;
/// Below this, φ is heading for zero, a gradient says little (a multiple root flattens it) and descent goes on
/// until rounding ends it,
const VANISHING: f64 = 1e-10;
/// or φ is this small.
pub const VANISHED: f64 = 1e-31;

/// Values of φ that agree to this, relatively, count as one: 1e-9 in the residual.
pub const SAME: f64 = 2e-9;

/// Where a descent ended.
#[derive(Clone, Debug)]
pub struct Descent {
    /// The nonlinear variables.
    pub x: DVector<f64>,
    /// φ there.
    pub value: f64,
    pub iterations: usize,
    /// Whether the gradient vanished (up to rounding).
    pub converged: bool,
}

/// Descends from `x` for at most `limit` iterations (Newton's method with Levenberg–Marquardt damping; the full
/// Hessian, so convergence is quadratic also where the residual is large). With a `rival`, the best value known so
/// far, stops as soon as it is clear whether this start beats it.
pub fn descend(model: &mut Model, mut x: DVector<f64>, limit: usize, rival: Option<f64>) -> Descent {
    normalise(model, &mut x);
    project(model, &mut x);
    let mut value = model.evaluate(&x);
    let (mut damping, mut settled, mut last) = (0.1, 0, 6);
    let mut result = Descent { x, value, iterations: 0, converged: false };
    'descent: while result.iterations < limit && last > 0 && value.is_finite() {
        model.differentiate();
        let held = hold(model, &result.x);
        let slope = model.gradient.norm();
        result.converged = slope.within(FLAT);
        if is_over(value, slope) {
            break;
        }
        let scale = model.hessian.diagonal().amax().max(f64::MIN_POSITIVE);
        loop {
            result.iterations += 1;
            budget::spend_on(model.cost().max(2000), 1);
            let Some((step, predicted)) = newton_step(model, &held, &mut damping, scale) else {
                break 'descent;
            };
            if rival.is_some_and(|rival| is_settled(settled, value, predicted, rival)) {
                result.converged = false;
                break 'descent;
            }
            let mut next = &result.x + &step;
            normalise(model, &mut next);
            project(model, &mut next);
            let after = model.evaluate(&next);
            if let Some(taken) = Taken::new(value, after, predicted, damping) {
                last -= usize::from(taken.hidden);
                settled = if taken.as_predicted { settled + 1 } else { 0 };
                (result.x, value, damping) = (next, after, taken.damping);
                break;
            }
            if is_hopeless(predicted, value, damping) || result.iterations >= limit {
                break 'descent;
            }
            settled = 0;
            damping = scaled(damping, 8.0, 1e-4);
        }
    }
    result.value = model.evaluate(&result.x);
    result
}

/// Whether the gradient says that nothing is left to gain, or φ does.
fn is_over(value: f64, slope: f64) -> bool {
    value <= VANISHED || (slope <= FLATTEST && value > VANISHING)
}

/// Whether no shorter step than one that was refused would be better.
fn is_hopeless(predicted: f64, value: f64, damping: f64) -> bool {
    predicted <= 1e-15 * value || damping > 1e12
}

/// The damping some times as large, or the least.
fn scaled(damping: f64, times: f64, least: f64) -> f64 {
    (damping * times).max(least)
}

/// What a step showed that is taken.
#[derive(Debug, PartialEq)]
struct Taken {
    /// Rounding hides the decrease: a few such steps are taken on trust, as they make the gradient smaller.
    hidden: bool,
    /// The decrease was about the predicted one.
    as_predicted: bool,
    /// The damping to go on with.
    damping: f64,
}

impl Taken {
    /// `None` for a step that is not to be taken.
    fn new(value: f64, after: f64, predicted: f64, damping: f64) -> Option<Self> {
        let hidden = predicted <= 1e-12 * value && after <= value * (1.0 + 1e-12);
        if !(after < value || hidden) {
            return None;
        }
        let gain = (value - after) / predicted;
        let damping = if hidden {
            scaled(damping, 0.01, 1e-13)
        } else if gain > 0.75 {
            scaled(damping, 0.2, 1e-13)
        } else if gain < 0.25 {
            scaled(damping, 3.0, 0.0)
        } else {
            damping
        };
        Some(Self { hidden, as_predicted: gain > 0.7 && gain < 1.3, damping })
    }
}

/// Whether a descent whose last `settled` steps went as predicted is clearly heading for a minimum above the
/// rival's, or has in effect reached one that is no higher.
fn is_settled(settled: usize, value: f64, predicted: f64, rival: f64) -> bool {
    let loses = settled >= 1 && predicted <= 0.003 * value && value - 2.0 * predicted > rival * (1.0 + 1e-6);
    let arrived =
        settled >= 2 && value - predicted <= rival * (1.0 + SAME) && predicted <= 0.1 * SAME * value;
    loses || arrived
}

/// Nonnegative variables at 0 that would move below: they are held, their derivatives cleared.
fn hold(model: &mut Model, x: &DVector<f64>) -> Vec<usize> {
    let held: Vec<usize> =
        (0..x.len()).filter(|&k| model.nonnegative[k] && x[k] <= 0.0 && model.gradient[k] >= 0.0).collect();
    for &k in &held {
        model.gradient[k] = 0.0;
        model.hessian.row_mut(k).fill(0.0);
        model.hessian.column_mut(k).fill(0.0);
    }
    held
}

/// The step of the least damping (from `damping · scale` on) that makes the Hessian positive definite, with the
/// decrease that the quadratic model predicts.
fn newton_step(model: &Model, held: &[usize], damping: &mut f64, scale: f64) -> Option<(DVector<f64>, f64)> {
    for _ in 0..60 {
        let mut damped: DMatrix<f64> = model.hessian.clone();
        for k in 0..damped.nrows() {
            damped[(k, k)] += *damping * scale;
        }
        if let Some(factor) = Cholesky::new(damped) {
            let mut step = -&model.gradient;
            factor.solve_mut(&mut step);
            held.iter().for_each(|&k| step[k] = 0.0);
            let predicted = 0.5 * (*damping * scale * step.norm_squared() - model.gradient.dot(&step));
            return (predicted.is_finite() && predicted > 0.0).then_some((step, predicted));
        }
        *damping = scaled(*damping, 4.0, 1e-6);
    }
    None
}

/// Brings the norm of every unknown whose scale is free to 1.
fn normalise(model: &Model, x: &mut DVector<f64>) {
    for range in &model.scalable {
        let mut block = x.rows_range_mut(range.clone());
        let norm = block.norm();
        if norm > 0.0 {
            block /= norm;
        }
    }
}

fn project(model: &Model, x: &mut DVector<f64>) {
    for (entry, _) in x.iter_mut().zip(&model.nonnegative).filter(|(_, bounded)| **bounded) {
        *entry = entry.max(0.0);
    }
}

#[cfg(test)]
mod tests;
