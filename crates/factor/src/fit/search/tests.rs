//! What a search may spend and what it counts.

use super::*;
use crate::fit::problem::Problem;
use crate::fit::reduced::Reduced;
use convproof_exact::{Grid, Rational};

/// The product of two 2×2 kernels.
fn model() -> Model {
    let cells = [2_i64, 3, -2, 7, 0, 2, 3, 3, 0].map(Rational::from);
    let problem = Problem::product(&[(2, 2), (2, 2)], Grid::new(3, 3, cells.to_vec()).unwrap());
    let problem = Reduced::new(&problem);
    let (target, known, _) = problem.in_floats();
    Model::new(&problem, target, known)
}

#[test]
fn random_numbers_are_centred_and_of_variance_one_about() {
    let mut random = Random::new(1);
    let drawn: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
    let mean = drawn.iter().sum::<f64>() / 20_000.0;
    let variance = drawn.iter().map(|x| x * x).sum::<f64>() / 20_000.0;
    assert!(mean.abs() < 0.03 && (variance - 1.7 * 1.7 / 3.0).abs() < 0.05, "{mean} {variance}");
    // Each of the four parts counts: the largest sum is near four halves.
    assert!(drawn.iter().all(|x| x.abs() <= 3.4) && drawn.iter().any(|x| *x > 2.5));
    assert_ne!(Random::new(1).next(), Random::new(2).next());
}

#[test]
fn efforts_stay_within_the_budget() {
    let model = model();
    let cost = 2000_usize.max(model.cost());
    let most = Effort::BUDGET / (20 * cost);
    let plain = Effort::of(&model, None).unwrap();
    assert_eq!((plain.starts, plain.iterations, plain.steps), (64, 200, 64 * 200));
    let some = Effort::of(&model, Some(most)).unwrap();
    assert_eq!((some.starts, some.iterations), (most, Effort::BUDGET / (cost * most)));
    assert_eq!(some.steps, Effort::BUDGET / cost);
    assert_eq!(Effort::of(&model, Some(most + 1)).unwrap_err(), FitLimit::Starts(most));
    assert_eq!(Effort::of(&model, Some(0)).unwrap().starts, 1);
    // Three ends at one value are enough for up to nine variables, and one more for each more.
    assert_eq!([0, 9, 10, 20].map(|variables| plain.enough(variables)), [3, 3, 4, 14]);
    assert_eq!(Effort { starts: 2, ..plain }.enough(20), 2);
}

#[test]
fn searches_count_starts_and_ends() {
    let mut model = model();
    let effort = Effort { starts: 5, iterations: 200, steps: 100_000 };
    let mut search = Search::new(&mut model, effort);
    assert!(search.value().is_infinite());
    search.random(3);
    let (starts, spent) = (search.ends.len(), search.iterations);
    assert!((1..=5 * Effort::PERSISTENCE).contains(&starts) && spent >= starts);
    // An exact product is left alone once it is found.
    let value = search.value();
    assert!(value < 1e-20, "{value}");
    assert!(search.ends.iter().all(|end| *end >= value));
    let reached = search.reached();
    assert!((1..=starts).contains(&reached));
    // A hint that leads to nothing better is no end.
    search.hint(DVector::from_element(4, 0.0));
    assert_eq!(search.ends.len(), starts);
    let found = search.finish().unwrap();
    assert!(found.best.value <= value * (1.0 + 1e-9) && found.iterations > spent);
    assert_eq!((found.starts, found.reached), (starts, reached));
}

#[test]
fn a_search_ends_with_its_steps() {
    let mut model = model();
    let mut search = Search::new(&mut model, Effort { starts: 5, iterations: 200, steps: 3 });
    assert!(search.start(DVector::from_element(4, 0.4)) && search.iterations <= 3);
    while search.iterations < 3 && search.value() > VANISHED {
        assert!(search.start(DVector::from_vec(vec![0.3, -0.7, 0.1, 0.9])));
    }
    assert!(!search.start(DVector::from_element(4, 0.2)));
    assert!(Search::new(&mut model, Effort { starts: 5, iterations: 0, steps: 0 }).finish().is_none());
}

#[test]
fn a_search_goes_on_until_the_best_is_reached_often_enough() {
    let cells = [2_i64, 3, -2, 7, 1, 2, 3, 3, 5].map(Rational::from);
    let problem = Problem::product(&[(2, 2), (2, 2)], Grid::new(3, 3, cells.to_vec()).unwrap());
    let problem = Reduced::new(&problem);
    let (target, known, _) = problem.in_floats();
    let mut model = Model::new(&problem, target, known);
    for (starts, seed) in (1..9).flat_map(|starts| (0..3).map(move |seed| (starts, seed))) {
        let effort = Effort { starts, iterations: 200, steps: 100_000 };
        let mut search = Search::new(&mut model, effort);
        search.random(seed);
        let (made, reached, enough) = (search.ends.len(), search.reached(), effort.enough(4));
        // Never fewer than asked for, and none after enough of them have reached the best.
        assert!(made >= starts && made <= starts * Effort::PERSISTENCE);
        assert!(reached >= enough || made == starts * Effort::PERSISTENCE);
        search.ends.pop();
        assert!(made == starts || search.reached() < enough);
    }
    // With symmetries, so many of each kind.
    let characters = crate::fit::turns::characters(&Grid::from_fn(3, 3, |_, _| 1.into()), &[(2, 2)]);
    let mut search = Search::new(&mut model, Effort { starts: 5, iterations: 200, steps: 100_000 });
    search.symmetric(&characters, 1, 3);
    assert!(search.ends.len() > 3 && search.ends.len() <= 3 * characters.len());
    let mut search = Search::new(&mut model, Effort { starts: 5, iterations: 200, steps: 1 });
    search.symmetric(&characters, 1, 3);
    assert_eq!(search.ends.len(), 1);
}

#[test]
fn values_are_compared_up_to_what_rounding_does() {
    assert!(is_reached(4.0, 4.0) && is_reached(4.0 * (1.0 + SAME), 4.0));
    assert!(!is_reached(4.0 * (1.0 + 2.0 * SAME), 4.0) && !is_reached(4.5, 4.0));
    assert!(is_reached(1e-24, 0.0) && !is_reached(2e-24, 0.0));
    assert!(is_no_worse(4.0, 4.0) && is_no_worse(4.0 * (1.0 + 1e-12), 4.0));
    assert!(!is_no_worse(4.0 * (1.0 + 2e-12), 4.0) && !is_no_worse(4.5, 4.0));
}
