//! A case's program against the matrices that certificates have.

use super::*;
use crate::fit::problem::Problem;
use crate::fit::reduced::Reduced;
use crate::fit::relax::certificate::{Cases, Certificate, Form};
use convproof_exact::{Rational, SplitMix64};
use nalgebra::DMatrix;

/// The nearest product of a row and a square.
fn relaxation() -> Relaxation {
    let cells = [3_i64, -1, 2, 0, 5, -4].map(Rational::from).to_vec();
    let problem = Problem::product(&[(1, 2), (2, 2)], Grid::new(2, 3, cells).unwrap());
    Relaxation::new(&Reduced::new(&problem), 100).unwrap()
}

/// `4·vvᵀ − 1`.
fn condition(factor: usize, v: &[i64], negative: bool) -> Condition {
    let cell = |i: usize, k: usize| BigInt::from(4 * v[i] * v[k] - i64::from(i == k));
    Condition { form: Form { factor, matrix: Grid::from_fn(v.len(), v.len(), cell) }, negative }
}

/// A certificate of a bound for a target of norm 1, to so many bits, without its multipliers.
fn certificate(relaxation: &Relaxation, bits: u32, bound: f64) -> Certificate {
    let least = bound * relaxation.scales.0.powi(2) * 2.0_f64.powi(i32::try_from(bits).unwrap());
    Certificate {
        sizes: relaxation.lifted.sizes,
        target: relaxation.target.clone(),
        known: relaxation.known.clone(),
        unit: Rational::ONE,
        rounding: Rational::ZERO,
        bits,
        least: BigInt::from_f64(least).unwrap(),
        cases: Cases::One { multipliers: Vec::new(), weights: Vec::new() },
    }
}

#[test]
fn programs_and_certificates_have_the_same_matrices() {
    let relaxation = relaxation();
    let conditions = [condition(0, &[1, -2], false), condition(1, &[1, 0, 2, -1], true)];
    let case = Case::new(&relaxation, &conditions).unwrap();
    let mut random = SplitMix64::new(1);
    let mut number = || random.below(201) as f64 / 100.0 - 1.0;
    let solution = Solution {
        bound: 0.25,
        ceiling: 0.25,
        multipliers: case.program.orbits.iter().map(|_| number()).collect(),
        weights: case.program.weights.iter().map(|_| number()).collect(),
        moments: DMatrix::zeros(0, 0),
    };
    let (norm, known) = relaxation.scales;
    let bits = 40;
    let (multipliers, weights) = case.round(&solution, bits).unwrap();
    let unit = 2.0_f64.powi(40);
    let certificate = certificate(&relaxation, bits, solution.bound);
    let exact = certificate.matrix(&relaxation.lifted, &multipliers, &weights, &conditions);
    let y: Vec<f64> =
        [-solution.bound].iter().chain(&solution.multipliers).chain(&solution.weights).copied().collect();
    let matrix = case.program.matrix(&y);
    // The border is last there and first here, and the target and the known factor have norm 1 here.
    let places = exact.len();
    let at = |k: usize| if k == 0 { places - 1 } else { k - 1 };
    let scale = |k: usize| if k == 0 { norm } else { known };
    for (i, k) in pairs(places) {
        let value = exact[at(i)][at(k)].to_f64().unwrap() / unit / scale(i) / scale(k);
        assert!((matrix[(i, k)] - value).abs() < 1e-9, "{i} {k}");
    }
    // Then a block for the weights of each condition, and nothing else.
    let mut start = places;
    let mut rest = matrix.norm_squared() - matrix.view((0, 0), (places, places)).norm_squared();
    for weight in &weights {
        for (j, l) in pairs(weight.height()) {
            let value = weight.at(j, l).to_f64().unwrap() / unit / known / known;
            assert!((matrix[(start + j, start + l)] - value).abs() < 1e-9);
            rest -= value * value;
        }
        start += weight.height();
    }
    assert!(start == matrix.nrows() && rest.abs() < 1e-9);
}

#[test]
fn rounding_to_as_many_bits_as_wanted_keeps_a_matrix_definite() {
    let relaxation = relaxation();
    for conditions in [vec![], vec![condition(0, &[3, 1], false)]] {
        let case = Case::new(&relaxation, &conditions).unwrap();
        let solution = case.solve(f64::INFINITY).unwrap();
        assert!(solution.bound <= solution.ceiling + 1e-6);
        let mut last = 0;
        for share in [0.5, 0.9, 0.999] {
            let t = solution.bound * share;
            let bits = case.bits(&solution, t).unwrap();
            // A bound that is nearer takes more bits, as the matrix is nearer to a singular one.
            assert!((LEAST_BITS..=MOST_BITS).contains(&bits) && bits >= last);
            last = bits;
            let (multipliers, weights) = case.round(&solution, bits).unwrap();
            let certificate = certificate(&relaxation, bits, t);
            let matrix = certificate.matrix(&relaxation.lifted, &multipliers, &weights, &conditions);
            assert!(crate::fit::definite::is_positive_definite(&matrix));
        }
        // Beyond the bound no precision helps.
        assert!(case.bits(&solution, solution.ceiling * 1.1 + 0.1).is_none());
    }
}

#[test]
fn places_are_shared_along_turns_and_the_transpose() {
    let exchange = vec![1, 0, 2];
    let all = shared(3, &[&exchange]);
    let mut seen: Vec<(usize, usize)> = all.iter().flatten().copied().collect();
    seen.sort_unstable();
    assert_eq!(seen, pairs(3).collect::<Vec<_>>());
    for places in &all {
        for &(j, l) in places {
            assert!(places.contains(&(l, j)) && places.contains(&(exchange[j], exchange[l])));
        }
    }
    // (0,0) with (1,1); (0,1) with (1,0); (0,2) with (1,2) and back; (2,2).
    let mut sizes: Vec<usize> = all.iter().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 2, 2, 4]);
}
