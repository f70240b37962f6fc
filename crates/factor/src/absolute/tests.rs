//! Conjugates of known polynomials.

use super::*;

fn grid(rows: &[&[i64]]) -> Grid<BigInt> {
    let cells = rows.iter().map(|row| row.iter().map(|c| BigInt::from(*c)).collect()).collect();
    Grid::from_rows(cells).unwrap()
}

#[test]
fn the_longer_axis_is_looked_at() {
    let transposed = |f: &Grid<BigInt>| match image_certificate(f) {
        Some(AbsoluteCertificate::Image { transposed, .. }) => transposed,
        _ => panic!("no image"),
    };
    let wide = grid(&[&[1, 2, 3, 2], &[4, 5, 7, -1], &[3, 1, 1, 2]]);
    assert!(!transposed(&wide) && transposed(&plane::transpose(&wide)));
    assert!(!transposed(&grid(&[&[1, 2, 3], &[4, 5, 7], &[3, 1, 1]])));
}

#[test]
fn conjugates_are_counted_with_their_reality() {
    // x² − 2y², x² + 2y², x³ − 2y³ and x² + y² + 1; the last is a single factor.
    let cases = [
        (grid(&[&[0, 0, -2], &[0, 0, 0], &[1, 0, 0]]), 2, (2, 0)),
        (grid(&[&[0, 0, 2], &[0, 0, 0], &[1, 0, 0]]), 2, (0, 1)),
        (grid(&[&[0, 0, 0, -2], &[0; 4], &[0; 4], &[1, 0, 0, 0]]), 3, (1, 1)),
        (grid(&[&[1, 0, 1], &[0, 0, 0], &[1, 0, 0]]), 1, (1, 0)),
    ];
    for (f, count, counts) in cases {
        let found = absolute_factor_count(&f).unwrap();
        assert_eq!((found.count, real_counts(&f, count)), (count, Ok(counts)));
        let AbsoluteCertificate::Ruppert { unknowns, rank, .. } = found.certificate else {
            panic!("not by Ruppert's system")
        };
        let (m, n) = (f.height() - 1, f.width() - 1);
        assert_eq!((unknowns, rank), (m * (n + 1) + (m + 1) * n, unknowns - count));
        let splitting = split(&f).unwrap();
        assert_eq!((splitting.real, splitting.pairs), counts);
        assert_eq!(splitting.field.len(), count + 1);
        assert_eq!((splitting.factor.height(), splitting.factor.width()), (m / count + 1, n / count + 1));
    }
    // One variable: x³ − 2.
    let f = grid(&[&[-2, 0, 0, 1]]);
    assert_eq!((absolute_factor_count(&f).unwrap().count, real_counts(&f, 3)), (3, Ok((1, 1))));
    assert_eq!(absolute_factor_count(&plane::transpose(&f)).unwrap().count, 3);
}

#[test]
fn powers_of_the_primitive_element_are_combined_from_the_values() {
    let f = grid(&[&[0, 0, 0, -2], &[0; 4], &[0; 4], &[1, 0, 0, 0]]);
    let solutions = System::new(&f).solutions(3).unwrap();
    let line = Line::new(&f, &solutions).unwrap();
    let (field, powers) = line.primitive_element().unwrap();
    let combined: Vec<Element> = powers
        .iter()
        .map(|weights| {
            let mut sum = line.algebra.rational(Rational::zero());
            for (weight, value) in weights.iter().zip(&line.values) {
                sum.iter_mut().zip(value).for_each(|(cell, c)| *cell += c * weight);
            }
            sum
        })
        .collect();
    // 1, λ and λ², of which the first value has the weight 1 in λ; and λ is a root of the field's polynomial.
    assert_eq!(combined[0], line.algebra.rational(Rational::one()));
    assert!(powers[1][0].is_one());
    assert_eq!(combined[2], line.algebra.mul(&combined[1], &combined[1]));
    let value = field.iter().rev().fold(line.algebra.rational(Rational::zero()), |value, c| {
        let mut value = line.algebra.mul(&value, &combined[1]);
        value[0] += Rational::from(c.clone());
        value
    });
    assert!(value.iter().all(Zero::is_zero));
}

#[test]
fn each_monomial_of_a_product_gives_one_equation() {
    let f = grid(&[&[1, 2, 1], &[1, 1, 1]]);
    let zero = vec![Rational::zero()];
    let projection = Grid::from_fn(1, 3, |_, _| vec![Rational::one()]);
    let found = equations(&f, &projection, &vec![Rational::one()], [2, 2], &zero);
    assert_eq!((found.len(), found[0].len()), (2 * 4, 4));
}
