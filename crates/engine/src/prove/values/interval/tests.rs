//! What is computed with enclosed numbers encloses what is computed with the numbers.

use super::*;

fn fraction(numerator: i64, denominator: i64) -> Rational {
    Rational::ratio(numerator, denominator).unwrap()
}

/// Intervals around 0, beside it and of one point, with numbers in them.
fn intervals() -> Vec<(Enclosed, Vec<Rational>)> {
    let ends = [(-3, -1), (-3, 0), (-2, 3), (-2, -2), (0, 0), (0, 2), (1, 4), (3, 3)];
    let of = |(low, high): (i64, i64)| {
        let inside = (0..=4).map(|k| fraction(low * (4 - k) + high * k, 4)).collect();
        (Enclosed::between(low.into(), high.into()), inside)
    };
    ends.map(of).to_vec()
}

fn contains(enclosed: &Enclosed, value: &Rational) -> bool {
    enclosed.low() <= value && value <= enclosed.high()
}

/// Whether an end of the interval is one of the values: it is no wider than it must be.
fn is_tight(enclosed: &Enclosed, values: &[Rational]) -> bool {
    values.iter().all(|value| contains(enclosed, value))
        && values.contains(enclosed.low())
        && values.contains(enclosed.high())
}

#[test]
fn operations_enclose_as_narrowly_as_they_can() {
    for (a, inside) in intervals() {
        let each = |f: &dyn Fn(&Rational) -> Rational| inside.iter().map(f).collect::<Vec<_>>();
        for factor in [-2, 0, 3].map(Rational::from) {
            assert!(is_tight(&a.times(&factor), &each(&|x| x * &factor)));
        }
        let zero = (inside.iter().any(Rational::is_negative) && contains(&a, &Rational::ZERO))
            .then_some(Rational::ZERO);
        let magnitudes: Vec<Rational> = each(&Rational::abs).into_iter().chain(zero).collect();
        assert!(is_tight(&a.abs(), &magnitudes));
        assert_eq!(a.may_vanish(), contains(&a, &Rational::ZERO));
        assert_eq!(a.is_point(), inside.iter().all(|x| *x == inside[0]));
        if !a.may_vanish() {
            assert!(is_tight(&a.recip(), &each(&|x| x.recip().unwrap())));
        }
        for (b, others) in intervals() {
            let all = |f: &dyn Fn(&Rational, &Rational) -> Rational| {
                inside.iter().flat_map(|x| others.iter().map(move |y| f(x, y))).collect::<Vec<_>>()
            };
            assert!(is_tight(&a.plus(&b), &all(&|x, y| x + y)));
            assert!(is_tight(&a.product(&b), &all(&|x, y| x * y)));
            assert!(is_tight(&a.larger(&b), &all(&|x, y| x.clone().max(y.clone()))));
        }
    }
}

#[test]
fn roots_are_enclosed_to_so_many_bits_and_of_positive_numbers_only() {
    let bits = 40;
    for (low, high) in
        [(fraction(2, 1), fraction(2, 1)), (fraction(1, 7), fraction(5, 1)), (fraction(9, 4), fraction(9, 4))]
    {
        let root = Enclosed::between(low.clone(), high.clone()).positive_root(bits).unwrap();
        let near = fraction(1, 1 << bits);
        for (end, square, below) in [(root.low(), &low, true), (root.high(), &high, false)] {
            let other = if below { end + &near } else { end - &near };
            let (at, beyond) = (end * end, &other * &other);
            assert!(if below {
                at <= *square && *square <= beyond
            } else {
                at >= *square && *square >= beyond
            });
        }
    }
    assert_eq!(Enclosed::from(fraction(9, 4)).positive_root(bits), Some(Enclosed::from(fraction(3, 2))));
    for (low, high) in [(0, 0), (0, 2), (-1, 1), (-2, -1)] {
        assert_eq!(Enclosed::between(low.into(), high.into()).positive_root(bits), None);
    }
}

#[test]
fn binary_fractions_outside_are_near() {
    let bits = 20;
    for (low, high) in [
        (fraction(1, 3), fraction(2, 3)),
        (fraction(-100_001, 7), fraction(1, 9)),
        (fraction(-5, 3), fraction(-4, 3)),
    ] {
        let enclosed = Enclosed::between(low.clone(), high.clone());
        let rounded = enclosed.clone().outward(bits);
        assert!(contains(&rounded, &low) && contains(&rounded, &high));
        let most = low.abs().max(high.abs());
        let near = &most * &fraction(1, 1 << (bits - 2));
        assert!(&low - rounded.low() <= near && rounded.high() - &high <= near);
        // The denominators are powers of two that leave about so many digits.
        for end in [rounded.low(), rounded.high()] {
            let denominator = end.denominator();
            assert_eq!(denominator.trailing_zeros().unwrap() + 1, denominator.bits());
            assert!(end.numerator().bits() <= u64::from(bits) + 1);
        }
    }
    let point = Enclosed::from(fraction(1, 3));
    assert_eq!(point.clone().outward(bits), point);
    assert_eq!(floor(&fraction(-1, 3), 2), fraction(-1, 2));
    assert_eq!(floor(&fraction(3, 4), 2), fraction(3, 4));
}
