//! One start: damped Newton descent on the reduced function φ, projected where entries must not be negative.
//! Knows nothing of where starts come from.

#![allow(clippy::float_arithmetic, reason = "least squares proposes candidates in floating point")]

use nalgebra::{Cholesky, DMatrix, DVector};

use super::model::Model;

/// Gradients of φ below this, for a target of norm about 1, count as converged.
const FLAT: f64 = 1e-9;
/// Descent goes on to this, so that the last digits are right as well.
const FLATTEST: f64 = 1e-14;

/// Values of φ that agree to this, relatively, count as one: 1e-9 in the residual.
pub(crate) const SAME: f64 = 2e-9;

/// Where a descent ended.
#[derive(Clone, Debug)]
pub(crate) struct Descent {
    /// The nonlinear variables.
    pub(crate) x: DVector<f64>,
    /// φ there.
    pub(crate) value: f64,
    pub(crate) iterations: usize,
    /// Whether the gradient vanished (up to rounding).
    pub(crate) converged: bool,
}

/// Descends from `x` for at most `limit` iterations (Newton's method with Levenberg–Marquardt damping; the full
/// Hessian, so convergence is quadratic also where the residual is large). Stops early, not converged, when
/// the quadratic model is trustworthy and predicts a minimum clearly above `rival`.
pub(crate) fn descend(model: &mut Model, mut x: DVector<f64>, limit: usize, rival: f64) -> Descent {
    normalise(model, &mut x);
    project(model, &mut x);
    let mut value = model.evaluate(&x);
    let mut damping = 0.1;
    let mut settled = 0;
    let mut result = Descent { x, value, iterations: 0, converged: false };
    while result.iterations < limit && value.is_finite() {
        result.iterations += 1;
        model.differentiate();
        let held = hold(model, &result.x);
        let slope = model.gradient.norm();
        result.converged = slope <= FLAT * (1.0 + value.sqrt());
        if slope <= FLATTEST {
            break;
        }
        let scale = model.hessian.diagonal().amax().max(f64::MIN_POSITIVE);
        let Some((step, predicted)) = newton_step(model, &held, &mut damping, scale) else {
            break;
        };
        if settled >= 1 && predicted <= 0.003 * value && value - 2.0 * predicted > rival * (1.0 + 1e-6) {
            result.converged = false;
            break;
        }
        // The rest of the way to a minimum already known is not worth going.
        if settled >= 2 && value - predicted <= rival * (1.0 + SAME) && predicted <= 0.1 * SAME * value {
            break;
        }
        let mut next = &result.x + &step;
        normalise(model, &mut next);
        project(model, &mut next);
        let after = model.evaluate(&next);
        let gain = (value - after) / predicted.max(f64::MIN_POSITIVE);
        if after < value {
            settled = if gain > 0.7 && gain < 1.3 { settled + 1 } else { 0 };
            (result.x, value) = (next, after);
            damping *= if gain > 0.75 {
                0.2
            } else if gain < 0.25 {
                3.0
            } else {
                1.0
            };
            damping = damping.max(1e-13);
        } else {
            if predicted <= 1e-15 * value || step.norm() <= 1e-15 * (1.0 + result.x.norm()) || damping > 1e12 {
                break;
            }
            settled = 0;
            damping = (damping * 8.0).max(1e-4);
            // Gradient and Hessian belong to the old point.
            model.evaluate(&result.x);
        }
    }
    result.value = model.evaluate(&result.x);
    result
}

/// Nonnegative variables at 0 that would move below: they are held, their derivatives cleared.
fn hold(model: &mut Model, x: &DVector<f64>) -> Vec<usize> {
    let held: Vec<usize> = (0..x.len())
        .filter(|&k| model.nonnegative[k] && x[k] <= 0.0 && model.gradient[k] >= 0.0)
        .collect();
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
        *damping = (*damping * 4.0).max(1e-6);
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
