//! The model against its definition and against difference quotients.

use nalgebra::DVector;

use super::Model;
use crate::fit::correlation::convolve;
use crate::fit::problem::{Constraint, FitFactor, FitUnknown, Problem};
use crate::fit::reduced::Reduced;
use convproof_exact::{Grid, Rational, SplitMix64};

/// One problem of each form that the model tells apart.
pub fn problems() -> Vec<Problem> {
    use FitFactor::{Known, Unknown};
    let mut random = SplitMix64::new(5);
    let mut kernel = |height, width| {
        Grid::from_fn(height, width, |_, _| Rational::from(i64::try_from(random.below(9)).unwrap() - 4))
    };
    let free = FitUnknown::free;
    let with = |height, width, constraint| FitUnknown { height, width, constraint };
    vec![
        Problem::product(&[(2, 2), (2, 3)], kernel(3, 4)),
        Problem {
            unknowns: vec![free(2, 2)],
            terms: vec![vec![Unknown(0), Known(kernel(1, 2)), Unknown(0)]],
            target: kernel(3, 4),
        },
        Problem {
            unknowns: vec![with(2, 2, Constraint::Nonnegative), free(2, 2)],
            terms: vec![vec![Unknown(0), Unknown(1)]],
            target: kernel(3, 3),
        },
        // An unknown three times, one in two products, one that is solved for beside others.
        Problem {
            unknowns: vec![
                free(2, 1),
                with(1, 4, Constraint::HalfTurn),
                free(2, 2),
                with(3, 3, Constraint::Transpose),
            ],
            terms: vec![
                vec![Unknown(0), Unknown(1), Unknown(0), Unknown(0)],
                vec![Unknown(2), Unknown(3)],
                vec![Known(kernel(3, 3)), Unknown(2)],
            ],
            target: kernel(4, 4),
        },
        Problem::product(&[(2, 1), (1, 2), (2, 2)], kernel(3, 3)),
    ]
}

fn model(problem: &Reduced) -> Model {
    let (target, known, _) = problem.in_floats();
    Model::new(problem, target, known)
}

/// A point between −1 and 1 in each direction.
fn point(model: &Model, seed: u64) -> DVector<f64> {
    let mut random = SplitMix64::new(seed);
    DVector::from_fn(model.gradient.len(), |_, _| random.below(2001) as f64 / 1000.0 - 1.0)
}

#[test]
fn the_value_is_half_the_squared_residual() {
    for problem in problems() {
        let problem = Reduced::new(&problem);
        let (target, known, _) = problem.in_floats();
        let mut model = Model::new(&problem, target.clone(), known.clone());
        let value = model.evaluate(&point(&model, 1));
        let mut rest = target.clone();
        for (product, known) in problem.products.iter().zip(known) {
            let one = Grid::from_fn(1, 1, |_, _| 1.0);
            let factors = product.unknowns.iter().map(|&u| &model.kernels()[u]);
            let product = factors.fold(known.unwrap_or(one), |all, factor| convolve(&all, factor));
            rest.cells_mut().iter_mut().zip(product.cells()).for_each(|(rest, x)| *rest -= x);
        }
        let squares = |grid: &Grid<f64>| grid.cells().iter().map(|x| x * x).sum::<f64>();
        assert!((value - 0.5 * squares(&rest)).abs() < 1e-12 * (1.0 + value));
        assert_eq!(model.target_squared(), squares(&target));
        assert!(value > 0.0 && model.evaluate(&(point(&model, 1) * f64::NAN)).is_infinite());
    }
}

#[test]
fn derivatives_are_limits_of_difference_quotients() {
    for problem in problems() {
        let problem = Reduced::new(&problem);
        let mut model = model(&problem);
        let x = point(&model, 2);
        model.evaluate(&x);
        model.differentiate();
        let (gradient, hessian) = (model.gradient.clone(), model.hessian.clone());
        let width = 1e-5;
        let scale = 1.0 + hessian.amax() + gradient.amax();
        for k in 0..x.len() {
            let [(high, up), (low, down)] = [width, -width].map(|step| {
                let mut moved = x.clone();
                moved[k] += step;
                let value = model.evaluate(&moved);
                model.differentiate();
                (value, model.gradient.clone())
            });
            let quotient = (high - low) / (2.0 * width);
            assert!((quotient - gradient[k]).abs() < 1e-5 * scale, "{quotient} {}", gradient[k]);
            let quotients = (up - down) / (2.0 * width);
            for row in k..x.len() {
                assert!((quotients[row] - hessian[(row, k)]).abs() < 1e-4 * scale);
            }
        }
    }
}

#[test]
fn what_can_be_rescaled_and_what_a_step_costs() {
    let problem = Problem::product(&[(2, 2), (2, 3)], problems()[0].target.clone());
    let model = model(&Reduced::new(&problem));
    assert_eq!(model.scalable.iter().cloned().flatten().collect::<Vec<_>>(), [0, 1, 2, 3]);
    // 10 variables; 2 factors of one product; 12 cells of the target; 6 of the larger factor.
    assert_eq!(model.cost(), 10 * 10 * 10 / 3 + (4 * 2 * 2 + 2 * 2 * 2) * 12 * 6);
    // 14 variables; 4, 2 and 1 factors; 16 cells; 9 of the largest.
    let costly = Reduced::new(&problems()[3]).in_floats();
    let costly = super::Model::new(&Reduced::new(&problems()[3]), costly.0, costly.1);
    assert_eq!(costly.cost(), 14 * 14 * 14 / 3 + (4 * 7 * 7 + 64 + 8 + 1) * 16 * 9);
    // What occurs twice cannot be made up for.
    let problem = &problems()[1];
    assert!(
        super::Model::new(&Reduced::new(problem), problem.target.map(Rational::to_f64), vec![None])
            .scalable
            .is_empty()
    );
}
