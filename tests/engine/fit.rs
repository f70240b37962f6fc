//! Least squares: exact recovery, sound bounds, stated gauges and limits.

use convproof::algebra::{Grid, Rational};
use convproof::factor::fit::{
    BoundMethod, Cases, Certificate, Certify, Constraint, Fit, FitError, FitFactor, FitLimit, FitUnknown,
    LastFactor, Options, Problem, Quality, fit, lower_bound, rank,
};
use num_bigint::BigInt;
use proptest::prelude::*;

type Kernel = Grid<Rational>;

fn kernel(rows: &[&[i64]]) -> Kernel {
    Grid::from_rows(rows.iter().map(|row| row.iter().map(|&x| Rational::from(x)).collect()).collect())
        .unwrap()
}

fn convolve(a: &Kernel, b: &Kernel) -> Kernel {
    let mut product =
        Grid::from_fn(a.height() + b.height() - 1, a.width() + b.width() - 1, |_, _| Rational::ZERO);
    for i in 0..a.height() {
        for j in 0..a.width() {
            for k in 0..b.height() {
                for l in 0..b.width() {
                    let term = a.at(i, j) * b.at(k, l);
                    let sum = product.at(i + k, j + l) + &term;
                    *product.at_mut(i + k, j + l) = sum;
                }
            }
        }
    }
    product
}

fn minus(a: &Kernel, b: &Kernel) -> Kernel {
    Grid::from_fn(a.height(), a.width(), |i, j| a.at(i, j) - b.at(i, j))
}

fn norm_squared(a: &Kernel) -> Rational {
    a.cells().iter().map(|x| x * x).sum()
}

/// The sum of products that the factors give, by the definition.
fn model(problem: &Problem, factors: &[Kernel]) -> Kernel {
    let mut sum = problem.target.map(|_| Rational::ZERO);
    for term in &problem.terms {
        let product = term.iter().fold(kernel(&[&[1]]), |p, factor| match factor {
            FitFactor::Unknown(u) => convolve(&p, &factors[*u]),
            FitFactor::Known(k) => convolve(&p, k),
        });
        sum = Grid::from_fn(sum.height(), sum.width(), |i, j| sum.at(i, j) + product.at(i, j));
    }
    sum
}

/// Fits, and checks everything that must hold of any fit.
fn checked(problem: &Problem, options: &Options) -> Fit {
    let result = fit(problem, options).unwrap();
    assert_eq!(result.residual, minus(&problem.target, &model(problem, &result.factors)));
    assert_eq!(result.residual_squared, norm_squared(&result.residual));
    assert_eq!(result.largest, result.residual.cells().iter().map(Rational::abs).max().unwrap());
    assert_eq!(result.residual.at(result.largest_at.0, result.largest_at.1).abs(), result.largest);
    if let Some(bound) = &result.lower_bound {
        assert!(bound.squared <= result.residual_squared, "the bound exceeds the residual");
        assert!(!bound.squared.is_negative());
    }
    result
}

/// Pseudo-random integers from `-limit` to `limit`, the same on every run.
struct Draw(u64);

impl Draw {
    fn integer(&mut self, limit: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % (2 * limit + 1)).unwrap() - i64::try_from(limit).unwrap()
    }

    fn kernel(&mut self, height: usize, width: usize, limit: u64) -> Kernel {
        Grid::from_fn(height, width, |_, _| Rational::from(self.integer(limit)))
    }
}

/// Without costly certificates.
fn quick() -> Options {
    Options { certify: Certify::Quick, ..Options::default() }
}

#[test]
fn planted_products_come_back_exactly() {
    let mut draw = Draw(1);
    for (first, second) in
        [((3, 3), (3, 3)), ((3, 3), (3, 3)), ((2, 3), (4, 2)), ((5, 5), (2, 2)), ((3, 3), (5, 5))].repeat(8)
    {
        let target = convolve(&draw.kernel(first.0, first.1, 9), &draw.kernel(second.0, second.1, 9));
        let result = checked(&Problem::product(&[first, second], target), &Options::default());
        assert!(result.is_exact() && result.converged);
        assert_eq!(result.relative_squared, Some(Rational::ZERO));
    }
}

#[test]
fn exact_factors_are_primitive_and_the_last_holds_the_content() {
    let third = Rational::ratio(1, 3).unwrap();
    let target =
        convolve(&kernel(&[&[2, -4], &[6, 2]]), &kernel(&[&[3, 1, 2], &[0, 5, 7]])).map(|x| x * &third);
    let result = checked(&Problem::product(&[(2, 2), (2, 3)], target), &Options::default());
    assert_eq!(result.factors[0], kernel(&[&[1, -2], &[3, 1]]));
    let two_thirds = Rational::ratio(2, 3).unwrap();
    assert_eq!(result.factors[1], kernel(&[&[3, 1, 2], &[0, 5, 7]]).map(|x| x * &two_thirds));
}

#[test]
fn repeated_factors_and_powers_are_recovered() {
    let binomial = kernel(&[&[1, 2, 1], &[2, 4, 2], &[1, 2, 1]]);
    let target = convolve(&binomial, &binomial);
    assert!(checked(&Problem::product(&[(3, 3), (3, 3)], target.clone()), &Options::default()).is_exact());
    let square = Problem {
        unknowns: vec![FitUnknown::free(3, 3)],
        terms: vec![vec![FitFactor::Unknown(0), FitFactor::Unknown(0)]],
        target: target.clone(),
    };
    assert!(checked(&square, &Options::default()).is_exact());
    let wanted = kernel(&[&[3, -1], &[2, 5]]);
    let cube = Problem {
        unknowns: vec![FitUnknown::free(2, 2)],
        terms: vec![vec![FitFactor::Unknown(0); 3]],
        target: convolve(&convolve(&wanted, &wanted), &wanted),
    };
    assert_eq!(checked(&cube, &Options::default()).factors, [wanted]);
}

#[test]
fn three_factors_known_factors_and_constraints() {
    let mut draw = Draw(7);
    let (a, b, c) = (draw.kernel(2, 2, 5), draw.kernel(2, 3, 5), draw.kernel(3, 2, 5));
    let target = convolve(&convolve(&a, &b), &c);
    let three = Problem::product(&[(2, 2), (2, 3), (3, 2)], target.clone());
    assert!(checked(&three, &Options::default()).is_exact());
    let known = Problem {
        unknowns: vec![FitUnknown::free(2, 2), FitUnknown::free(3, 2)],
        terms: vec![vec![FitFactor::Unknown(0), FitFactor::Known(b.clone()), FitFactor::Unknown(1)]],
        target: target.clone(),
    };
    assert!(checked(&known, &Options::default()).is_exact());
    let known = Problem {
        unknowns: vec![FitUnknown::free(4, 3)],
        terms: vec![vec![FitFactor::Known(b), FitFactor::Unknown(0)]],
        target: target.clone(),
    };
    let result = checked(&known, &Options::default());
    assert_eq!(result.factors, [convolve(&a, &c)]);
    for constraint in [Constraint::HalfTurn, Constraint::Transpose, Constraint::Nonnegative] {
        let unknown = FitUnknown { height: 3, width: 3, constraint };
        let problem = Problem {
            unknowns: vec![unknown, FitUnknown::free(3, 3)],
            terms: vec![vec![FitFactor::Unknown(0), FitFactor::Unknown(1)]],
            target: draw.kernel(5, 5, 9),
        };
        let result = checked(&problem, &Options::default());
        assert!(result.converged, "{constraint:?}");
        let p = &result.factors[0];
        let holds = |i: usize, j: usize| match constraint {
            Constraint::Free => true,
            Constraint::HalfTurn => p.at(i, j) == p.at(2 - i, 2 - j),
            Constraint::Transpose => p.at(i, j) == p.at(j, i),
            Constraint::Nonnegative => !p.at(i, j).is_negative(),
        };
        assert!((0..9).all(|k| holds(k / 3, k % 3)), "{constraint:?}");
        let free = Problem::product(&[(3, 3), (3, 3)], problem.target.clone());
        assert!(checked(&free, &Options::default()).residual_squared < result.residual_squared);
    }
}

#[test]
fn shared_repeated_and_vanishing_factors() {
    let mut draw = Draw(29);
    let (p, q, r) = (draw.kernel(2, 2, 5), draw.kernel(2, 2, 5), draw.kernel(2, 2, 5));
    let (pq, pr) = (convolve(&p, &q), convolve(&p, &r));
    let terms = vec![
        vec![FitFactor::Unknown(0), FitFactor::Unknown(1)],
        vec![FitFactor::Unknown(0), FitFactor::Unknown(2)],
    ];
    let unknowns = vec![FitUnknown::free(2, 2); 3];
    // P*Q + P*R is P*(Q + R): the linear unknowns are not determined.
    let problem = Problem { unknowns: unknowns.clone(), terms, target: minus(&pq, &pr.map(|x| -x)) };
    assert!(checked(&problem, &Options::default()).is_exact());
    let terms = vec![vec![FitFactor::Unknown(0), FitFactor::Unknown(1), FitFactor::Unknown(0)]];
    let problem = Problem { unknowns: unknowns[..2].to_vec(), terms, target: convolve(&p, &pq) };
    assert!(checked(&problem, &Options::default()).is_exact());
    let zero = FitFactor::Known(p.map(|_| Rational::ZERO));
    let terms = vec![vec![FitFactor::Unknown(0), zero, FitFactor::Unknown(1)]];
    let problem = Problem { unknowns: unknowns[..2].to_vec(), terms, target: draw.kernel(4, 4, 9) };
    assert_eq!(checked(&problem, &Options::default()).relative_squared, Some(Rational::ONE));
}

#[test]
fn nonnegative_products_come_back() {
    let target = convolve(&kernel(&[&[1, 2], &[0, 3]]), &kernel(&[&[2, 0, 1], &[1, 1, 5]]));
    let unknown = |height, width| FitUnknown { height, width, constraint: Constraint::Nonnegative };
    let problem = Problem {
        unknowns: vec![unknown(2, 2), unknown(2, 3)],
        terms: vec![vec![FitFactor::Unknown(0), FitFactor::Unknown(1)]],
        target,
    };
    let result = checked(&problem, &Options::default());
    assert!(result.relative_squared.unwrap() < Rational::from_f64(1e-18).unwrap());
}

#[test]
fn a_single_unknown_is_solved_exactly_with_a_tight_bound() {
    let mut draw = Draw(3);
    let known = draw.kernel(3, 3, 9);
    let problem = Problem {
        unknowns: vec![FitUnknown::free(3, 3)],
        terms: vec![
            vec![FitFactor::Known(known), FitFactor::Unknown(0)],
            vec![FitFactor::Known(draw.kernel(5, 5, 9))],
        ],
        target: draw.kernel(5, 5, 9),
    };
    let result = checked(&problem, &Options::default());
    let bound = result.lower_bound.unwrap();
    assert_eq!((bound.squared, bound.method), (result.residual_squared, BoundMethod::Linear));
    assert_eq!((result.starts, result.converged), (0, true));
}

#[test]
fn large_problems_stay_within_their_limits() {
    let mut draw = Draw(23);
    // Too many variables for an exact solution, so rounded.
    let (known, wanted) = (draw.kernel(3, 3, 9), draw.kernel(8, 7, 9));
    let noise = draw.kernel(10, 9, 1);
    let problem = Problem {
        unknowns: vec![FitUnknown::free(8, 7)],
        terms: vec![vec![FitFactor::Known(known.clone()), FitFactor::Unknown(0)]],
        target: minus(&convolve(&known, &wanted), &noise),
    };
    let result = checked(&problem, &Options::default());
    assert!(result.converged && result.residual_squared < norm_squared(&noise));
    let result =
        checked(&Problem::product(&[(11, 11), (11, 11)], draw.kernel(21, 21, 9)), &Options::default());
    assert!(result.starts >= 1 && result.starts <= 12 * 64);
    let terms = (0..16).map(|t| {
        vec![FitFactor::Unknown(t), FitFactor::Unknown(t), FitFactor::Known(draw.kernel(58, 58, 9))]
    });
    let many = Problem {
        unknowns: vec![FitUnknown::free(4, 4); 16],
        terms: terms.collect(),
        target: draw.kernel(64, 64, 9),
    };
    assert_eq!(fit(&many, &Options::default()).unwrap_err(), FitError::TooLarge(FitLimit::Work));
    let long = Rational::from(3).pow(2500).unwrap();
    let huge = Grid::from_fn(60, 60, |i, j| &long + &Rational::from(i64::try_from(i * j * j).unwrap()));
    assert_eq!(rank(&huge), Err(FitError::TooLarge(FitLimit::Work)));
    assert!(!checked(&Problem::separable(1, huge), &Options::default()).residual_squared.is_zero());
}

#[test]
fn the_last_factor_is_the_exact_minimiser() {
    let mut draw = Draw(5);
    let target = draw.kernel(5, 5, 9);
    let problem = Problem::product(&[(3, 3), (3, 3)], target);
    let result = checked(&problem, &Options::default());
    let p = &result.factors[0];
    assert!(p.cells().contains(&Rational::ONE) && p.cells().iter().all(|x| x.abs() <= Rational::ONE));
    // The residual is orthogonal to every shift of P.
    for i in 0..3 {
        for j in 0..3 {
            let inner: Rational =
                (0..9).map(|k| p.at(k / 3, k % 3) * result.residual.at(i + k / 3, j + k % 3)).sum();
            assert!(inner.is_zero());
        }
    }
    let short = checked(&problem, &Options { last: LastFactor::Short, ..Options::default() });
    assert!(short.residual.cells().iter().all(|x| x.bits() < 120));
    let worse = &short.residual_squared - &result.residual_squared;
    let worse = worse.checked_div(&result.residual_squared).unwrap();
    assert!(worse.abs() < Rational::from_f64(1e-12).unwrap());
}

#[test]
fn separable_sums_reach_their_rank() {
    let mut draw = Draw(11);
    let terms: Vec<(Kernel, Kernel)> = (0..2).map(|_| (draw.kernel(5, 1, 9), draw.kernel(1, 4, 9))).collect();
    let sum = terms.iter().map(|(u, v)| convolve(u, v)).reduce(|a, b| minus(&a, &b.map(|x| -x))).unwrap();
    assert_eq!(rank(&sum).unwrap(), 2);
    assert!(checked(&Problem::separable(2, sum.clone()), &Options::default()).is_exact());
    assert!(checked(&Problem::separable(4, sum.clone()), &Options::default()).is_exact());
    let one = checked(&Problem::separable(1, sum), &Options::default());
    assert!(!one.is_exact());
    let bound = one.lower_bound.unwrap();
    assert_eq!(bound.method, BoundMethod::SingularValues);
    let gap = (&one.residual_squared - &bound.squared).checked_div(&one.residual_squared).unwrap();
    assert!(gap < Rational::from_f64(1e-9).unwrap(), "Eckart and Young's bound is attained");
}

/// Data of rank one rounded to float64: the second singular value is where floats see only rounding.
#[test]
fn nearly_rank_deficient_kernels_are_fitted_to_the_precision_of_their_data() {
    let sampled = |size: i32, sigma: f64| {
        let reach = f64::from(size / 2);
        let at = |i: usize| f64::from(u32::try_from(i).unwrap()) - reach;
        let side = usize::try_from(size).unwrap();
        let raw = Grid::from_fn(side, side, |i, j| {
            (-(at(i).powi(2) + at(j).powi(2)) / (2.0 * sigma * sigma)).exp()
        });
        let sum: f64 = raw.cells().iter().sum();
        raw.map(|x| Rational::from_f64(x / sum).unwrap())
    };
    for (size, sigma) in [(7, 1.4), (7, 1.5), (3, 1.0), (5, 0.8), (9, 2.0)] {
        let result = checked(&Problem::separable(1, sampled(size, sigma)), &Options::default());
        let bound = result.lower_bound.unwrap();
        assert!(result.residual_squared.to_f64().sqrt() < 1e-15, "{size} {sigma}");
        let excess = &result.residual_squared - &bound.squared;
        assert!(&excess * &Rational::from(10_i64.pow(12)) <= result.residual_squared, "{size} {sigma}");
    }
}

#[test]
fn a_tiny_disturbance_of_low_rank_is_found() {
    let mut draw = Draw(37);
    for exponent in ["1e-9", "1e-40", "1e-120"] {
        let scale: Rational = exponent.parse().unwrap();
        let (wide, tall) = (draw.kernel(4, 9, 9), draw.kernel(9, 4, 9));
        for noise in [wide, tall] {
            let plane = convolve(&draw.kernel(noise.height(), 1, 9), &draw.kernel(1, noise.width(), 9));
            let target = minus(&plane, &noise.map(|x| x * &scale));
            let result = checked(&Problem::separable(1, target), &Options::default());
            assert!(result.residual_squared <= norm_squared(&noise.map(|x| x * &scale)));
            let excess = &result.residual_squared - &result.lower_bound.unwrap().squared;
            assert!(&excess * &Rational::from(10_i64.pow(12)) <= result.residual_squared, "{exponent}");
        }
    }
}

#[test]
fn rank_of_known_kernels() {
    assert_eq!(rank(&kernel(&[&[0, 0], &[0, 0]])), Ok(0));
    assert_eq!(rank(&kernel(&[&[1, 4, 7, 4, 1], &[4, 16, 26, 16, 4], &[7, 26, 41, 26, 7]])), Ok(3));
    assert_eq!(rank(&kernel(&[&[0, 1, 2], &[0, 2, 4], &[0, 0, 1]])), Ok(2));
    assert_eq!(rank(&Grid::from_fn(0, 0, |_, _| Rational::ZERO)), Err(FitError::Empty));
}

#[test]
fn random_kernels_get_a_positive_bound() {
    let mut draw = Draw(13);
    for _ in 0..20 {
        let result = checked(&Problem::product(&[(3, 3), (3, 3)], draw.kernel(5, 5, 9)), &quick());
        let bound = result.lower_bound.unwrap();
        assert_eq!(bound.method, BoundMethod::Ruppert);
        assert!(&bound.squared * &Rational::from(1000) > result.residual_squared);
    }
}

#[test]
fn the_same_seed_gives_the_same_answer() {
    let target = Draw(17).kernel(5, 5, 9);
    let problem = Problem::product(&[(3, 3), (3, 3)], target);
    let run = |seed| format!("{:?}", fit(&problem, &Options { seed, ..Options::default() }).unwrap());
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn extreme_scales_are_no_obstacle() {
    let mut draw = Draw(19);
    let product = convolve(&draw.kernel(3, 3, 9), &draw.kernel(3, 3, 9));
    let random = draw.kernel(5, 5, 9);
    for exponent in ["1e-400", "1e400"] {
        let scale: Rational = exponent.parse().unwrap();
        let scaled = |k: &Kernel| k.map(|x| x * &scale);
        assert!(
            checked(&Problem::product(&[(3, 3), (3, 3)], scaled(&product)), &Options::default()).is_exact()
        );
        let plain = checked(&Problem::product(&[(3, 3), (3, 3)], random.clone()), &Options::default());
        let large = checked(&Problem::product(&[(3, 3), (3, 3)], scaled(&random)), &Options::default());
        let (a, b) = (plain.relative_squared.unwrap().to_f64(), large.relative_squared.unwrap().to_f64());
        assert!((a - b).abs() <= 1e-9 * a);
        assert!(!large.lower_bound.unwrap().squared.is_zero());
    }
}

#[test]
fn degenerate_problems() {
    let zero = kernel(&[&[0, 0, 0], &[0, 0, 0], &[0, 0, 0]]);
    let result = checked(&Problem::product(&[(2, 2), (2, 2)], zero), &Options::default());
    assert!(result.is_exact() && result.relative_squared.is_none());
    let result = checked(&Problem::product(&[(1, 1), (1, 1)], kernel(&[&[6]])), &Options::default());
    assert!(result.is_exact());
    let border = kernel(&[&[0, 0, 0, 0], &[0, 1, 5, 0], &[0, 2, 3, 0], &[0, 0, 0, 0]]);
    assert!(checked(&Problem::product(&[(2, 2), (3, 3)], border), &Options::default()).is_exact());
    let known_only = Problem {
        unknowns: vec![],
        terms: vec![vec![FitFactor::Known(kernel(&[&[1, 2]]))]],
        target: kernel(&[&[1, 5]]),
    };
    assert_eq!(checked(&known_only, &Options::default()).residual, kernel(&[&[0, 3]]));
    // -P * P is as near to P * P as zero is.
    let negative = Problem {
        unknowns: vec![FitUnknown::free(1, 1)],
        terms: vec![vec![FitFactor::Unknown(0); 2]],
        target: kernel(&[&[-4]]),
    };
    assert!(checked(&negative, &Options::default()).relative_squared.unwrap() <= Rational::ONE);
}

#[test]
fn starts_that_are_asked_for_are_made_or_refused() {
    let mut draw = Draw(77);
    let problem = Problem::product(&[(11, 11), (11, 11)], draw.kernel(21, 21, 9));
    let quick = |starts| Options { starts, certify: Certify::No, ..Options::default() };
    let Err(FitError::TooLarge(FitLimit::Starts(most))) = fit(&problem, &quick(Some(10_000))) else {
        panic!("10,000 starts of a large problem are not refused");
    };
    assert!(most >= 1 && fit(&problem, &quick(Some(most + 1))).is_err());
    let small = Problem::product(&[(2, 2), (2, 2)], draw.kernel(3, 3, 9));
    let many = fit(&small, &quick(Some(300))).expect("a fit");
    assert!(many.starts >= 300, "{}", many.starts);
}

#[test]
fn impossible_problems_are_refused() {
    let target = || kernel(&[&[1, 2, 3], &[4, 5, 6]]);
    let refused = |problem: &Problem| fit(problem, &Options::default()).unwrap_err();
    assert_eq!(
        refused(&Problem::product(&[(2, 2), (3, 3)], target())),
        FitError::ShapeMismatch { term: 0, product: (4, 4), target: (2, 3) }
    );
    assert_eq!(refused(&Problem::product(&[(0, 2), (3, 2)], target())), FitError::Empty);
    assert_eq!(refused(&Problem::product(&[], target())), FitError::NoFactors);
    assert_eq!(refused(&Problem::separable(0, target())), FitError::NoFactors);
    let empty = Grid::from_fn(0, 3, |_, _| Rational::ZERO);
    assert_eq!(refused(&Problem::product(&[(1, 1)], empty)), FitError::Empty);
    assert_eq!(
        refused(&Problem::product(&[(usize::MAX, usize::MAX); 2], target())),
        FitError::TooLarge(FitLimit::Variables)
    );
    assert_eq!(refused(&Problem::product(&[(1, 1); 40], target())), FitError::TooLarge(FitLimit::Unknowns));
    let mut problem = Problem::product(&[(2, 2), (1, 2)], target());
    problem.terms[0].push(FitFactor::Unknown(9));
    assert_eq!(refused(&problem), FitError::UndeclaredUnknown { term: 0, unknown: 9 });
    let mut problem = Problem::product(&[(2, 2), (1, 2)], target());
    problem.unknowns.push(FitUnknown::free(1, 1));
    assert_eq!(refused(&problem), FitError::UnusedUnknown(2));
    let mut problem = Problem::product(&[(2, 2), (1, 2)], target());
    problem.unknowns[1].constraint = Constraint::Transpose;
    assert_eq!(refused(&problem), FitError::NotSquare(1));
    let wide = Grid::from_fn(1, 5000, |_, _| Rational::ONE);
    assert_eq!(refused(&Problem::product(&[(1, 5000)], wide)), FitError::TooLarge(FitLimit::Cells));
    let long = Rational::from(2).pow(5000).unwrap();
    assert_eq!(
        refused(&Problem::product(&[(1, 1)], Grid::from_fn(1, 1, |_, _| long.clone()))),
        FitError::TooLarge(FitLimit::EntryBits)
    );
}

/// Kernels with symmetries, on which random starts fail: sizes, and a residual that products reach.
#[test]
fn symmetric_kernels_are_fitted_as_well_as_is_known() {
    let disc = Grid::from_fn(9, 9, |i, j| {
        let square = |k: usize| k.abs_diff(4) * k.abs_diff(4);
        Rational::from(i64::from(square(i) + square(j) <= 16))
    });
    for (target, side, best) in
        [(log(), 3, 0.026_298_507), (ridge(), 3, 2.509_504_93), (disc, 5, 0.598_069_37)]
    {
        let result = checked(&Problem::product(&[(side, side), (side, side)], target), &quick());
        assert!(result.residual_squared.to_f64().sqrt() <= best);
    }
}

/// A Laplacian of a Gaussian.
fn log() -> Kernel {
    kernel(&[&[0, 0, 1, 0, 0], &[0, 1, 2, 1, 0], &[1, 2, -16, 2, 1], &[0, 1, 2, 1, 0], &[0, 0, 1, 0, 0]])
}

fn ridge() -> Kernel {
    kernel(&[
        &[-2, 8, 26, 8, -2],
        &[8, 6, -30, 6, 8],
        &[26, -30, -48, -30, 26],
        &[8, 6, -30, 6, 8],
        &[-2, 8, 26, 8, -2],
    ])
}

/// Whether a fit is certified to be within a share, and by the relaxation, whose certificate holds.
fn is_certified(result: &Fit, share: f64) -> bool {
    let bound = result.lower_bound.as_ref().unwrap();
    let certificate = bound.certificate.as_ref();
    let holds = certificate.is_some_and(|c| c.is_valid() && c.squared() >= bound.squared);
    holds && matches!(result.quality(), Quality::Certified { within } if within.to_f64() <= share)
}

#[test]
fn products_are_certified_to_be_nearest() {
    let mut draw = Draw(41);
    let five = draw.kernel(5, 5, 9);
    for target in [log(), ridge(), five] {
        let result = checked(&Problem::product(&[(3, 3), (3, 3)], target), &Options::default());
        assert!(is_certified(&result, 1e-4), "{:?}", result.quality());
    }
    let small = |shapes: [(usize, usize); 2], target: Kernel| {
        checked(&Problem::product(&shapes, target), &Options::default())
    };
    assert!(is_certified(&small([(2, 2), (3, 3)], draw.kernel(4, 4, 9)), 1e-4));
    assert!(is_certified(&small([(1, 3), (2, 2)], draw.kernel(2, 4, 9)), 1e-2));
    // Entries that are no short integers: data of 53 bits, and extreme scales.
    let scale: Rational = "1e-300".parse().unwrap();
    let fine = draw.kernel(3, 3, 1 << 31).map(|x| &(x * x) * &scale);
    assert!(is_certified(&small([(2, 2), (2, 2)], fine), 1e-2));
}

#[test]
fn known_and_further_factors_are_certified_too() {
    let mut draw = Draw(43);
    let known = Problem {
        unknowns: vec![FitUnknown::free(2, 2), FitUnknown::free(2, 2)],
        terms: vec![vec![
            FitFactor::Unknown(0),
            FitFactor::Known(draw.kernel(2, 2, 9)),
            FitFactor::Unknown(1),
        ]],
        target: draw.kernel(4, 4, 9),
    };
    assert!(is_certified(&checked(&known, &Options::default()), 1e-2));
    let three = Problem::product(&[(2, 2), (2, 2), (2, 2)], draw.kernel(4, 4, 9));
    let bound = checked(&three, &Options::default()).lower_bound.unwrap();
    assert_eq!(bound.method, BoundMethod::Relaxation);
    assert!(bound.certificate.unwrap().is_valid());
}

#[test]
fn a_certificate_that_was_tampered_with_is_refused() {
    let result = checked(&Problem::product(&[(2, 2), (3, 3)], Draw(47).kernel(4, 4, 9)), &Options::default());
    let valid = result.lower_bound.unwrap().certificate.unwrap();
    assert!(valid.is_valid());
    let refused = |change: &dyn Fn(&mut Certificate)| {
        let mut changed = valid.clone();
        change(&mut changed);
        assert!(!changed.is_valid());
    };
    // More than the residual of the factors found is no bound.
    let residual = &result.residual_squared * &Rational::from(1_i64 << valid.bits);
    refused(&|c| c.least = residual.numerator() / residual.denominator() + 1);
    let (multipliers, weights) = first_case(&valid.cases);
    assert!(weights.is_empty());
    for at in (0..multipliers.len()).step_by(7) {
        refused(&|c| first_case_mut(&mut c.cases).0[at] += BigInt::from(8) << c.bits);
    }
    refused(&|c| first_case_mut(&mut c.cases).0.reverse());
    refused(&|c| first_case_mut(&mut c.cases).0.truncate(5));
    refused(&|c| c.sizes = [(3, 3), (3, 3)]);
    refused(&|c| *c.target.at_mut(0, 0) += 100);
}

fn first_case(cases: &Cases) -> (&Vec<BigInt>, &Vec<Grid<BigInt>>) {
    match cases {
        Cases::One { multipliers, weights } => (multipliers, weights),
        Cases::Two(_, inner) => first_case(&inner[0]),
    }
}

fn first_case_mut(cases: &mut Cases) -> (&mut Vec<BigInt>, &mut Vec<Grid<BigInt>>) {
    match cases {
        Cases::One { multipliers, weights } => (multipliers, weights),
        Cases::Two(_, inner) => first_case_mut(&mut inner[0]),
    }
}

/// A kernel that the relaxation by itself certifies within 10 % only.
fn mixing() -> Kernel {
    kernel(&[&[-6, 2, 2, 2, -6], &[2, 7, 7, 7, 2], &[2, 7, 3, 7, 2], &[2, 7, 7, 7, 2], &[-6, 2, 2, 2, -6]])
}

#[test]
fn cases_certify_what_one_relaxation_does_not() {
    let result = checked(&Problem::product(&[(3, 3), (3, 3)], mixing()), &Options::default());
    assert!(is_certified(&result, 1e-2), "{:?}", result.quality());
    let valid = result.lower_bound.unwrap().certificate.unwrap();
    let Cases::Two(form, inner) = &valid.cases else { panic!("one case was enough") };
    let refused = |change: &dyn Fn(&mut Certificate)| {
        let mut changed = valid.clone();
        change(&mut changed);
        assert!(!changed.is_valid());
    };
    // A case by itself proves nothing, nor do two with the same sign, or with forms that differ.
    for one in &**inner {
        refused(&|c| c.cases = one.clone());
        refused(&|c| c.cases = Cases::Two(form.clone(), Box::new([one.clone(), one.clone()])));
    }
    refused(&|c| c.cases = Cases::Two(form.clone(), Box::new([inner[1].clone(), inner[0].clone()])));
    refused(&|c| {
        let Cases::Two(form, _) = &mut c.cases else { return };
        form.factor = 2;
    });
    refused(&|c| {
        let Cases::Two(form, _) = &mut c.cases else { return };
        *form.matrix.at_mut(0, 1) += 1;
    });
    refused(&|c| {
        let Cases::Two(form, _) = &mut c.cases else { return };
        form.matrix = Grid::from_fn(8, 8, |_, _| BigInt::from(0));
    });
    // Weights are positive semidefinite, symmetric, one for each condition.
    refused(&|c| first_case_mut(&mut c.cases).1[0] = Grid::from_fn(9, 9, |_, _| BigInt::from(0)));
    refused(&|c| *first_case_mut(&mut c.cases).1[0].at_mut(0, 1) += 1);
    refused(&|c| first_case_mut(&mut c.cases).1.clear());
    let residual = &result.residual_squared * &Rational::from(1_i64 << valid.bits.min(62));
    refused(&|c| c.least = (residual.numerator() / residual.denominator() + 1) << (c.bits - c.bits.min(62)));
    let negated = |c: &mut Certificate| {
        let weight = &mut first_case_mut(&mut c.cases).1[0];
        *weight = weight.map(|x| -x);
    };
    refused(&negated);
}

fn small_kernel(height: usize, width: usize, limit: i64) -> impl Strategy<Value = Kernel> {
    // Many zeros, so that degrees drop and factors degenerate.
    let entry = prop_oneof![2 => Just(0), 3 => -limit..=limit];
    prop::collection::vec(entry, height * width).prop_map(move |cells| {
        Grid::new(height, width, cells.into_iter().map(Rational::from).collect()).unwrap()
    })
}

/// Two shapes, neither 1×1, whose product has at least two rows and columns.
fn shapes() -> impl Strategy<Value = [(usize, usize); 2]> {
    (1..4_usize, 1..4_usize, 1..4_usize, 1..4_usize)
        .prop_map(|(a, b, c, d)| [(a, b), (c, d)])
        .prop_filter("proper", |&[(a, b), (c, d)]| a * b > 1 && c * d > 1 && a + c > 2 && b + d > 2)
}

proptest! {
    /// The bound of a product disturbed by E never exceeds ‖E‖, however degenerate the factors.
    #[test]
    fn the_bound_is_sound(
        (p, q, noise) in shapes().prop_flat_map(|[a, b]| (
            small_kernel(a.0, a.1, 4),
            small_kernel(b.0, b.1, 4),
            small_kernel(a.0 + b.0 - 1, a.1 + b.1 - 1, 2),
        )),
        dilution in 1..2000_i64,
    ) {
        let noise = noise.map(|x| x * &Rational::ratio(1, dilution).unwrap());
        let target = minus(&convolve(&p, &q), &noise);
        let shapes = [(p.height(), p.width()), (q.height(), q.width())];
        let bound = lower_bound(&Problem::product(&shapes, target)).unwrap();
        prop_assert!(bound.squared <= norm_squared(&noise));
    }

    /// The same for the relaxation, with a known factor or none.
    #[test]
    fn the_relaxation_is_sound(
        (p, q, known, noise) in (small_kernel(2, 2, 4), small_kernel(2, 1, 4), small_kernel(1, 2, 2), small_kernel(3, 3, 2)),
        dilution in 1..200_i64,
    ) {
        let noise = noise.map(|x| x * &Rational::ratio(1, dilution).unwrap());
        let target = minus(&convolve(&convolve(&p, &q), &known), &noise);
        let problem = Problem {
            unknowns: vec![FitUnknown::free(2, 2), FitUnknown::free(2, 1)],
            terms: vec![vec![FitFactor::Unknown(0), FitFactor::Unknown(1), FitFactor::Known(known)]],
            target,
        };
        let options = Options { starts: Some(1), ..Options::default() };
        let bound = checked(&problem, &options).lower_bound.unwrap();
        prop_assert!(bound.squared <= norm_squared(&noise));
        prop_assert!(bound.certificate.is_none_or(|certificate| certificate.is_valid()));
    }

    /// The same for sums of products column × row.
    #[test]
    fn the_bound_on_separable_sums_is_sound(
        columns in prop::collection::vec(small_kernel(4, 1, 4), 1..3),
        rows in prop::collection::vec(small_kernel(1, 5, 4), 2),
        noise in small_kernel(4, 5, 2),
        dilution in 1..2000_i64,
    ) {
        let noise = noise.map(|x| x * &Rational::ratio(1, dilution).unwrap());
        let start = noise.clone();
        let sum = columns.iter().zip(&rows).fold(start, |s, (u, v)| minus(&s, &convolve(u, v).map(|x| -x)));
        let bound = lower_bound(&Problem::separable(columns.len(), sum.clone())).unwrap();
        prop_assert!(bound.squared <= norm_squared(&noise));
        prop_assert!(rank(&sum).unwrap() <= 4);
        prop_assert!(rank(&minus(&sum, &noise)).unwrap() <= columns.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the kernel and the shapes: the residual is the one of the factors, and above the bound.
    #[test]
    fn a_fit_is_what_it_says(
        (shapes, target) in shapes().prop_flat_map(|[a, b]| (
            Just([a, b]),
            small_kernel(a.0 + b.0 - 1, a.1 + b.1 - 1, 9),
        )),
        seed in any::<u64>(),
    ) {
        let options = Options { seed, starts: Some(8), ..Options::default() };
        let result = checked(&Problem::product(&shapes, target.clone()), &options);
        prop_assert!(result.residual_squared <= norm_squared(&target));
        prop_assert!(result.reached <= result.starts);
    }
}
