//! The parts of the method against their definitions.

use super::*;
use crate::fit::relax::lifted::minors;
use convproof_exact::SplitMix64;

const SIZES: [(usize, usize); 2] = [(1, 2), (1, 3)];

fn any(random: &mut SplitMix64, size: usize) -> DMatrix<f64> {
    DMatrix::from_fn(size, size, |_, _| random.below(2001) as f64 / 1000.0 - 1.0)
}

fn symmetric(random: &mut SplitMix64, size: usize) -> DMatrix<f64> {
    let any = any(random, size);
    &any + any.transpose()
}

fn definite(random: &mut SplitMix64, size: usize) -> DMatrix<f64> {
    let any = any(random, size);
    &any * any.transpose() + DMatrix::identity(size, size) * 0.5
}

/// A program with minors alone, together, and two weights, and no symmetry but the one that changes nothing.
fn program<'a>(random: &mut SplitMix64, minors: &'a [Minor]) -> Program<'a> {
    let size = 7 + 2;
    let weight = |entries: &[((usize, usize), f64)]| {
        Sparse(entries.iter().flat_map(|&((i, j), x)| [((i, j), x), ((j, i), x)]).collect())
    };
    Program {
        base: definite(random, size),
        minors,
        orbits: vec![vec![(0, 1.0)], vec![(1, 1.0)], vec![(2, 1.0)]],
        weights: vec![weight(&[((7, 7), 0.5), ((1, 4), -2.0)]), weight(&[((7, 8), 1.0), ((2, 3), 3.0)])],
        symmetries: vec![(0..size).map(|k| (k, 1.0)).collect()],
        reserve: 0,
    }
}

/// The matrix that belongs to a variable, −t first.
fn matrix_of(program: &Program, variable: usize) -> DMatrix<f64> {
    let mut y = vec![0.0; 1 + program.orbits.len() + program.weights.len()];
    y[variable] = 1.0;
    program.matrix(&y) - &program.base
}

#[test]
fn a_minor_is_its_value_on_products() {
    let (mut random, minors) = (SplitMix64::new(1), minors(SIZES));
    let program = program(&mut random, &minors);
    let (p, q) = ([2.0, -3.0], [1.0, 0.5, -2.0]);
    let z: Vec<f64> = [1.0].into_iter().chain(p.iter().flat_map(|x| q.iter().map(move |y| x * y))).collect();
    let z = nalgebra::DVector::from_fn(9, |k, _| z.get(k).copied().unwrap_or(0.0));
    for variable in 0..4 {
        let matrix = matrix_of(&program, variable);
        let value = if variable == 0 { 1.0 } else { 0.0 };
        assert!((z.dot(&(&matrix * &z)) - value).abs() < 1e-12);
        assert!((&matrix - matrix.transpose()).norm() < 1e-12);
        assert!(matrix.norm() > 0.5);
    }
}

#[test]
fn the_adjoint_belongs_to_the_matrices() {
    let (mut random, minors) = (SplitMix64::new(2), minors(SIZES));
    let program = program(&mut random, &minors);
    let x = symmetric(&mut random, 9);
    for (variable, value) in program.adjoint(&x).into_iter().enumerate() {
        assert!((matrix_of(&program, variable).dot(&x) - value).abs() < 1e-12);
    }
    let dense = any(&mut random, 9);
    for weight in &program.weights {
        let mut whole = DMatrix::zeros(9, 9);
        weight.add(2.0, &mut whole);
        assert!((weight.times(&dense) * 2.0 - &whole * &dense).norm() < 1e-12);
        assert!((weight.dot(&dense) * 2.0 - whole.dot(&dense)).abs() < 1e-12);
    }
}

#[test]
fn schur_s_matrix_is_that_of_traces() {
    let (mut random, minors) = (SplitMix64::new(3), minors(SIZES));
    let program = program(&mut random, &minors);
    let (inverse, x) = (definite(&mut random, 9), definite(&mut random, 9));
    let schur = program.schur(&inverse, &x);
    for u in 0..schur.nrows() {
        for v in u..schur.nrows() {
            let product = &inverse * matrix_of(&program, u) * &x * matrix_of(&program, v);
            assert!((schur[(v, u)] - product.trace()).abs() < 1e-9, "{u} {v}");
        }
    }
}

#[test]
fn with_symmetries_one_minor_stands_for_its_orbit() {
    let (mut random, minors) = (SplitMix64::new(4), minors(SIZES));
    let mut program = program(&mut random, &minors);
    // Both rows exchanged: each minor changes its sign, so only pairs of them with z reversed as a whole stay.
    let reversed = |k: usize| if (1..7).contains(&k) { 7 - k } else { k };
    program.symmetries.push((0..9).map(|k| (reversed(k), 1.0)).collect());
    program.weights.clear();
    // Reversing exchanges the minors of columns 0, 1 and of columns 1, 2.
    program.orbits = vec![vec![(0, 1.0), (2, 1.0)], vec![(1, 1.0)]];
    let (inverse, x) =
        (program.average(&definite(&mut random, 9)), program.average(&definite(&mut random, 9)));
    for matrix in [&inverse, &x] {
        assert!((program.average(matrix) - matrix).norm() < 1e-12);
        assert!(
            (0..9)
                .all(|i| (0..9).all(|j| (matrix[(i, j)] - matrix[(reversed(j), reversed(i))]).abs() < 1e-12))
        );
    }
    let schur = program.schur(&inverse, &x);
    for u in 0..3 {
        for v in u..3 {
            let product = &inverse * matrix_of(&program, u) * &x * matrix_of(&program, v);
            assert!((schur[(v, u)] - product.trace()).abs() < 1e-9, "{u} {v}");
        }
    }
}

#[test]
fn directions_solve_newton_s_equations() {
    let (mut random, minors) = (SplitMix64::new(5), minors(SIZES));
    let program = program(&mut random, &minors);
    let y = vec![0.1; 6];
    let point = Point { x: definite(&mut random, 9), z: definite(&mut random, 9), y };
    let inverse = point.z.clone().try_inverse().unwrap();
    let mut schur = program.schur(&inverse, &point.x);
    assert!(cholesky::factor(&mut schur));
    let rest = program.matrix(&point.y) - &point.z;
    let second = any(&mut random, 9);
    for (centre, correction) in [(0.0, None), (0.3, None), (0.3, Some(&second))] {
        let direction = program.direction(&point, &inverse, &schur, &rest, (centre, correction));
        // Z + dZ is feasible, and so is X + dX.
        let next: Vec<f64> = point.y.iter().zip(&direction.y).map(|(y, change)| y + change).collect();
        assert!((&point.z + &direction.z - program.matrix(&next)).norm() < 1e-9);
        let x = &point.x + &direction.x;
        for (variable, value) in program.adjoint(&x).into_iter().enumerate() {
            assert!((value - if variable == 0 { 1.0 } else { 0.0 }).abs() < 1e-9);
        }
        // What is symmetric of X + dX + X·dZ·Z⁻¹ is centre·Z⁻¹, less the correction.
        let mut aim = &inverse * centre - &point.x * &direction.z * &inverse;
        if let Some(second) = correction {
            aim -= second * &inverse;
        }
        assert!(((&aim + aim.transpose()) * 0.5 - x).norm() < 1e-9);
    }
}

#[test]
fn a_step_reaches_as_far_as_the_matrix_stays_definite() {
    let identity = DMatrix::<f64>::identity(3, 3);
    let mut direction = DMatrix::zeros(3, 3);
    assert_eq!(reach(&identity, &direction), 1.0);
    for length in [0.25, 0.5, 0.7] {
        direction[(1, 1)] = -1.0 / length;
        let reached = reach(&identity, &direction);
        assert!(reached < length && reached > length - 0.001);
    }
    direction[(1, 1)] = 5.0;
    assert_eq!(reach(&identity, &direction), 1.0);
}

#[test]
fn a_nearly_singular_matrix_is_raised() {
    let matrix = DMatrix::from_row_slice(2, 2, &[1.0, 1.0, 1.0, 1.0 - 1e-13]);
    let factor = factored(&matrix).unwrap().lower_triangle();
    assert!((&factor * factor.transpose() - &matrix).norm() < 1e-9);
    assert!(factored(&DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 2.0, 1.0])).is_none());
}

#[test]
fn steps_are_aimed_and_shortened_as_worked_out_by_hand() {
    assert_eq!([centring(0.05, 0.9), centring(0.1, 0.5), centring(0.8, 0.5)], [0.5, 0.25, 0.25]);
    assert_eq!([centring(0.9, 0.5), centring(0.9, 2.0), centring(0.9, -1.0)], [0.125, 0.8, 1e-4]);
    assert_eq!(shortened([1.0, 1.0]), [1.0, 1.0]);
    assert_eq!(shortened([0.5, 1.0]), [0.5 * (0.9 + 0.08 * 0.5), 1.0]);
    assert_eq!(shortened([0.75, 0.25]), [0.75 * (0.9 + 0.08 * 0.25), 0.25 * (0.9 + 0.08 * 0.25)]);
}

#[test]
fn a_step_leaves_the_gap_that_it_leads_to() {
    let number = |x: f64| DMatrix::from_element(1, 1, x);
    let point = Point { x: number(3.0), z: number(5.0), y: Vec::new() };
    let direction = Direction { x: number(-2.0), z: number(-4.0), y: Vec::new() };
    assert_eq!(point.gap_after(&direction, 0.0, 0.0), 15.0);
    // (3 − 1)·(5 − 3)
    assert_eq!(point.gap_after(&direction, 0.5, 0.75), 4.0);
}
