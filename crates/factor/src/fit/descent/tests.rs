//! Steps and where they end.

use super::*;
use crate::fit::problem::Problem;
use crate::fit::reduced::Reduced;
use convproof_exact::{Grid, Rational, SplitMix64};

/// The fit of two 2×2 kernels, both unknown, to a product of such kernels.
fn product(problem: &Problem) -> Model {
    let problem = Reduced::new(problem);
    let (target, known, _) = problem.in_floats();
    Model::new(&problem, target, known)
}

fn problem() -> Problem {
    // (1 + 2y + 3x)·(2 − y + x + xy)
    let cells = [2_i64, 3, -2, 7, 0, 2, 3, 3, 0].map(Rational::from);
    Problem::product(&[(2, 2), (2, 2)], Grid::new(3, 3, cells.to_vec()).unwrap())
}

fn point(seed: u64, size: usize) -> DVector<f64> {
    let mut random = SplitMix64::new(seed);
    DVector::from_fn(size, |_, _| random.below(2001) as f64 / 1000.0 - 1.0)
}

#[test]
fn a_step_decreases_the_quadratic_model_as_predicted() {
    for seed in 0..20 {
        let mut model = product(&problem());
        model.evaluate(&point(seed, 4));
        model.differentiate();
        let scale = model.hessian.diagonal().amax();
        for held in [vec![], vec![2]] {
            for &k in &held {
                model.gradient[k] = 0.0;
                model.hessian.row_mut(k).fill(0.0);
                model.hessian.column_mut(k).fill(0.0);
            }
            let mut damping = 0.1;
            let (step, predicted) = newton_step(&model, &held, &mut damping, scale).unwrap();
            let lower = model.hessian.lower_triangle();
            let hessian = &lower + lower.transpose() - DMatrix::from_diagonal(&lower.diagonal());
            let change = model.gradient.dot(&step) + 0.5 * step.dot(&(&hessian * &step));
            assert!((change + predicted).abs() < 1e-9 * (1.0 + predicted), "{change} {predicted}");
            assert!(predicted > 0.0 && held.iter().all(|&k| step[k] == 0.0));
        }
    }
}

#[test]
fn descents_never_end_higher_and_find_exact_products() {
    let mut least = f64::INFINITY;
    for seed in 0..20 {
        let mut model = product(&problem());
        let mut start = point(seed, 4);
        normalise(&model, &mut start);
        assert!((start.norm() - 1.0).abs() < 1e-12);
        let value = model.evaluate(&start);
        let end = descend(&mut model, point(seed, 4), 200, None);
        assert!(end.value <= value * (1.0 + 1e-12) && end.iterations > 0 && end.iterations <= 200);
        assert_eq!(end.value, model.evaluate(&end.x));
        model.differentiate();
        if end.converged {
            assert!(model.gradient.norm() < 1e-7);
        }
        least = least.min(end.value);
        for limit in 1..9 {
            assert!(descend(&mut model, point(seed, 4), limit, None).iterations <= limit);
        }
        // Nothing is left to do where a descent ended, and nothing is done without iterations.
        let again = descend(&mut model, end.x.clone(), 200, None);
        assert!(again.value <= end.value * (1.0 + 1e-9) + 1e-28, "{} {}", again.value, end.value);
        let none = descend(&mut model, start, 0, None);
        assert!(none.iterations == 0 && (none.value - value).abs() <= 1e-12 * value && !none.converged);
    }
    assert!(least < 1e-25, "{least}");
}

#[test]
fn steps_are_judged_by_what_they_gain() {
    let taken = |value, after, predicted, damping| {
        let taken = Taken::new(value, after, predicted, damping);
        taken.map(|taken| (taken.hidden, taken.as_predicted, taken.damping))
    };
    // Gains of 1, 3/4, 1/4, 1/8 and 2 times what was predicted.
    assert_eq!(taken(8.0, 7.0, 1.0, 5.0), Some((false, true, 1.0)));
    assert_eq!(taken(8.0, 5.0, 4.0, 5.0), Some((false, true, 5.0)));
    assert_eq!(taken(8.0, 7.0, 4.0, 5.0), Some((false, false, 5.0)));
    assert_eq!(taken(8.0, 7.0, 8.0, 5.0), Some((false, false, 15.0)));
    assert_eq!(taken(8.0, 6.0, 1.0, 5.0), Some((false, false, 1.0)));
    assert_eq!(taken(8.0, 7.0, 1.0, 1e-13), Some((false, true, 1e-13)));
    // A gain of exactly 7/10 or 13/10 is not about the predicted one.
    assert_eq!(taken(0.7, 0.0, 1.0, 5.0), Some((false, false, 5.0)));
    assert_eq!(taken(1.3, 0.0, 1.0, 5.0), Some((false, false, 1.0)));
    // No gain, or a loss.
    assert_eq!(taken(8.0, 8.0, 1.0, 5.0), None);
    assert_eq!(taken(8.0, 8.5, 1.0, 5.0), None);
    // Too little to be seen, to the last digit of what that is.
    assert_eq!(taken(8.0, 8.0, 8e-12, 5.0), Some((true, false, 0.05)));
    assert_eq!(taken(8.0, 8.0 * (1.0 + 1e-12), 1e-12, 5.0).map(|taken| taken.0), Some(true));
    assert_eq!(taken(8.0, 8.0 * (1.0 + 3e-12), 1e-12, 5.0), None);
    assert_eq!(taken(8.0, 8.0, 9e-12, 5.0), None);
    assert_eq!(taken(8.0, 8.0, 8e-12, 1e-12), Some((true, false, 1e-13)));
}

#[test]
fn descents_end_where_nothing_is_left() {
    assert!(is_over(VANISHED, 1.0) && !is_over(2.0 * VANISHED, 1.0));
    assert!(is_over(1.0, FLATTEST) && !is_over(1.0, 2.0 * FLATTEST));
    assert!(!is_over(VANISHING, FLATTEST) && is_over(2.0 * VANISHING, FLATTEST));
    assert!(is_hopeless(1e-15 * 8.0, 8.0, 1.0) && !is_hopeless(9e-15, 8.0, 1.0));
    assert!(is_hopeless(1.0, 1.0, 2e12) && !is_hopeless(1.0, 1.0, 1e12));
    assert_eq!((scaled(2.0, 4.0, 1.0), scaled(2.0, 4.0, 9.0)), (8.0, 9.0));
    // Where the gradient vanishes there is no step to take.
    let mut model = product(&problem());
    model.evaluate(&point(1, 4));
    model.differentiate();
    model.gradient.fill(0.0);
    assert!(newton_step(&model, &[], &mut 0.1, 1.0).is_none());
    let mut x = DVector::zeros(4);
    normalise(&model, &mut x);
    assert_eq!(x, DVector::zeros(4));
}

#[test]
fn a_descent_stops_where_it_cannot_beat_its_rival() {
    // One step went as predicted, and twice what is predicted does not reach the rival.
    assert!(is_settled(1, 2.0, 0.001, 1.9));
    assert!(!is_settled(0, 2.0, 0.001, 1.9));
    assert!(!is_settled(1, 2.0, 0.01, 1.9));
    assert!(!is_settled(1, 2.0, 0.001, 1.999));
    // Two steps did, nothing is left to gain, and the rival is reached.
    assert!(is_settled(2, 2.0, 1e-12, 2.0));
    assert!(!is_settled(1, 2.0, 1e-12, 2.0));
    assert!(!is_settled(2, 2.0, 1e-8, 2.0));
    assert!(!is_settled(2, 2.0, 1e-12, 1.9999999));
    // At the limits themselves.
    assert!(is_settled(1, 1000.0, 0.003 * 1000.0, 1.0));
    assert!(!is_settled(1, 1.0 + 1e-6, 0.0, 1.0) && is_settled(1, 1.0 + 2e-6, 0.0, 1.0));
    assert!(is_settled(2, 1.0 + SAME, 0.0, 1.0) && !is_settled(2, 1.0 + 2.0 * SAME, 0.0, 1.0));
    assert!(is_settled(2, 1.0, 0.1 * SAME, 1.0));
    assert!(is_settled(2, 1.0 + SAME + 5e-11, 1e-10, 1.0));
}

#[test]
fn entries_that_must_not_be_negative_are_held_at_zero() {
    let mut problem = problem();
    problem.unknowns[0].constraint = crate::fit::problem::Constraint::Nonnegative;
    let mut model = product(&problem);
    assert_eq!(model.nonnegative, [true, true, true, true, false, false, false, false]);
    let mut x = point(3, 8);
    x[0] = -0.5;
    let before = x.clone();
    project(&model, &mut x);
    for k in 0..8 {
        assert_eq!(x[k], if k < 4 { before[k].max(0.0) } else { before[k] });
    }
    model.evaluate(&x);
    model.differentiate();
    for k in 0..8 {
        x[k] = if k % 2 == 0 { 0.0 } else { 0.5 };
        model.gradient[k] = if k % 4 < 2 { 1.0 } else { -1.0 };
    }
    // Only what is bounded, at 0, and would move below.
    assert_eq!(hold(&mut model, &x), [0]);
    assert!(model.gradient[0] == 0.0 && model.hessian.column(0).amax() == 0.0);
    assert!(model.hessian.row(0).amax() == 0.0 && model.gradient[1] == 1.0);
    // And what does not move at all.
    assert_eq!(hold(&mut model, &x), [0]);
    let end = descend(&mut model, point(4, 8), 200, None);
    assert!(end.x.iter().take(4).all(|&entry| entry >= 0.0));
}
