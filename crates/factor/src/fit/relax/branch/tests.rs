//! Forms that tell products apart, and the order of cases.

use super::*;
use crate::fit::problem::Problem;
use crate::fit::reduced::Reduced;
use convproof_exact::Rational;
use nalgebra::DVector;
use num_traits::Signed;

fn relaxation() -> Relaxation {
    let cells = [3_i64, -1, 2, 0, 5, -4].map(Rational::from).to_vec();
    let problem = Problem::product(&[(1, 2), (2, 2)], Grid::new(2, 3, cells).unwrap());
    Relaxation::new(&Reduced::new(&problem), 100).unwrap()
}

/// The average of (1, z)(1, z)ᵀ over products of factors.
fn moments(products: &[([f64; 2], [f64; 4])]) -> DMatrix<f64> {
    let each = products.iter().map(|(p, q)| {
        let z = [1.0].into_iter().chain(p.iter().flat_map(|x| q.iter().map(move |y| x * y)));
        let z = DVector::from_iterator(9, z);
        &z * z.transpose()
    });
    each.sum::<DMatrix<f64>>() / products.len() as f64
}

/// `xᵀGx`.
fn value(form: &Form, x: &[i64]) -> BigInt {
    let row = |(i, a): (usize, &i64)| -> BigInt {
        x.iter().enumerate().map(|(k, b)| form.matrix.at(i, k) * b * a).sum()
    };
    x.iter().enumerate().map(row).sum()
}

#[test]
fn a_form_keeps_apart_what_is_mixed() {
    let relaxation = relaxation();
    // The second factors are the same, the first ones lie across each other, one counting more.
    let mixed = moments(&[([3.0, 1.0], [1.0, 0.0, 2.0, 1.0]), ([-1.0, 2.0], [1.0, 0.0, 2.0, 1.0])]);
    let form = relaxation.form(&mixed).unwrap();
    assert!(form.factor == 0 && form.matrix.height() == 2);
    assert_eq!(form.matrix.at(0, 1), form.matrix.at(1, 0));
    assert!(value(&form, &[3, 1]).is_positive() && value(&form, &[-1, 2]).is_negative());
    // What is made of a direction v with a number of eighths e: 8·vvᵀ − e·|v|², whose values on v and across sum to …
    let trace = form.matrix.at(0, 0) + form.matrix.at(1, 1);
    let determinant = form.matrix.at(0, 0) * form.matrix.at(1, 1) - form.matrix.at(0, 1).pow(2);
    // … eigenvalues (8 − e)·|v|² and −e·|v|², with e from 1 to 7 and the share 10/15 of the first.
    let length = (&trace * &trace - 4_u32 * &determinant).sqrt() / 8_u32;
    assert_eq!((&trace + 8_u32 * &length) / 2_u32, &length * (8 - 5));
    assert_eq!(&determinant, &(&length * &length * (8 - 5) * -5));
    let across = moments(&[([3.0, 1.0], [4.0, 0.0, 0.0, 0.0]), ([3.0, 1.0], [0.0, 1.0, 0.0, 2.0])]);
    let form = relaxation.form(&across).unwrap();
    assert!(form.factor == 1 && form.matrix.height() == 4);
    assert!(value(&form, &[1, 0, 0, 0]).is_positive() && value(&form, &[0, 1, 0, 2]).is_negative());
    // One product is not mixed.
    assert!(relaxation.form(&moments(&[([3.0, 1.0], [1.0, 0.0, 2.0, 1.0])])).is_none());
}

#[test]
fn both_signs_are_conditions_while_they_are_looked_at() {
    let form = Form { factor: 1, matrix: Grid::from_fn(4, 4, |i, k| BigInt::from(u8::from(i == k))) };
    let mut conditions = Vec::new();
    let signs =
        both(&mut conditions, &form, |conditions, k| Some((k, conditions.len(), conditions[0].negative)));
    assert_eq!(signs, Some([(0, 1, false), (1, 1, true)]));
    assert!(conditions.is_empty());
    assert_eq!(both(&mut conditions, &form, |_, k| (k == 0).then_some(k)), None);
    assert!(conditions.is_empty());
}

#[test]
fn forms_are_as_worked_out_by_hand() {
    let relaxation = relaxation();
    // (1, 2) is the main direction, with 16/17 and 36/37 of the whole: of eighths, 7.5 and 7.8, at most 7.
    let q = [1.0, 0.0, 2.0, 1.0];
    for times in [4.0, 6.0] {
        let form = relaxation.form(&moments(&[([times, 2.0 * times], q), ([-2.0, 1.0], q)])).unwrap();
        // 8·vvᵀ − 7·|v|² for v = (3, 6).
        let entries = [8 * 9 - 7 * 45, 8 * 18, 8 * 18, 8 * 36 - 7 * 45];
        assert_eq!(form.matrix.cells(), entries.map(BigInt::from));
    }
    // Shares of one half: four eighths.
    let form = relaxation.form(&moments(&[([1.1, 2.2], q), ([-2.0, 1.0], q)])).unwrap();
    assert_eq!(form.matrix.at(0, 0), &BigInt::from(8 * 9 - 4 * 45));
}
