//! Bounds by hand and for planted factors; lifts and searches against what was multiplied.

use super::*;
use convproof_exact::SplitMix64;
use convproof_exact::poly::ring::Word;

fn grid(rows: &[&[i64]]) -> Grid<BigInt> {
    Grid::from_rows(rows.iter().map(|row| row.iter().map(|c| BigInt::from(*c)).collect()).collect()).unwrap()
}

/// A primitive irreducible polynomial with nonzero corners.
fn irreducible(random: &mut SplitMix64, height: usize, width: usize) -> Grid<BigInt> {
    loop {
        let f = Grid::from_fn(height, width, |_, _| BigInt::from(random.below(9)) - 4);
        let corners = [(0, 0), (height - 1, 0), (0, width - 1), (height - 1, width - 1)];
        if corners.iter().all(|&(i, j)| *f.at(i, j) != BigInt::ZERO)
            && plane::content_in_y(&f).unwrap().len() == 1
        {
            let (_, f) = plane::primitive(&f);
            if irreducible_factors(&f).unwrap() == [f.clone()] {
                return f;
            }
        }
    }
}

/// Lifts a polynomial from one of its images, modulo the highest power of the prime that fits a word.
fn lifted<T>(f: &Grid<BigInt>, number: usize, run: impl Fn(&Lift<Word>, &BigInt) -> T) -> T {
    let rows: Vec<&[BigInt]> = f.rows().collect();
    let image = images(&rows, 0).nth(number).unwrap();
    let (p, mut exponent) = (image.field.modulus(), 1);
    while p.checked_pow(exponent + 1).is_some_and(|power| power >> Word::BITS == 0) {
        exponent += 1;
    }
    let bound = coefficient_bound(f);
    assert!(separates(&p.pow(exponent).into(), &bound));
    let ring = Word::new(p.pow(exponent)).unwrap();
    run(&Lift::new(&ring, f, &image, exponent).unwrap(), &bound)
}

fn sorted(mut factors: Vec<Grid<BigInt>>) -> Vec<Grid<BigInt>> {
    factors.sort_by(|a, b| (a.height(), a.cells()).cmp(&(b.height(), b.cells())));
    factors
}

#[test]
fn bounds_are_as_worked_out_by_hand() {
    // ‖f‖ = 7 and ‖lead‖ = 5, each rounded up to the next integer; 2² for x and 2 for y.
    let f = grid(&[&[4, 2], &[2, 0], &[3, 4]]);
    assert_eq!(coefficient_bound(&f), BigInt::from(8 * 6 * 8));
    assert_eq!([5, 6, 12].map(extra_orders), [1, 2, 3]);
    // 12 unknowns, two orders: 6, and three to spare.
    assert_eq!(few_coefficients(9), 9);
    assert_eq!(tries(3, 10, 20), [(0, 10), (0, 20), (1, 10), (2, 10)]);
    assert_eq!(tries(2, 20, 20), [(0, 20), (1, 20)]);
    assert_eq!(tries(0, 10, 20), []);
}

/// `2^d` bounds the coefficients of `(x + 1)^d`, and d is the second of them.
#[test]
fn the_bound_of_the_second_coefficient_is_met_by_a_power() {
    for degree in 1..20 {
        for size in [1, 7] {
            let bound = BigInt::from(size) << degree;
            let f = Grid::from_fn(degree + 1, 3, |_, _| BigInt::from(1));
            assert_eq!(trace_bound(&bound, &f), BigInt::from(size * degree));
        }
    }
}

#[test]
fn factors_that_were_multiplied_are_found_within_the_bounds() {
    let mut random = SplitMix64::new(1);
    for (first, second) in [((2, 2), (3, 2)), ((3, 2), (3, 2)), ((3, 3), (2, 2)), ((4, 2), (3, 2))] {
        for _ in 0..4 {
            let factors =
                [irreducible(&mut random, first.0, first.1), irreducible(&mut random, second.0, second.1)];
            if factors[0] == factors[1] {
                continue;
            }
            let f = plane::mul(&factors[0], &factors[1]);
            let bound = coefficient_bound(&f);
            for (own, other) in [(0, 1), (1, 0)] {
                let lead = plane::row(&factors[other], factors[other].height() - 1);
                let scaled = plane::mul(&factors[own], &plane::from_row(&lead));
                assert!(scaled.cells().iter().all(|c| c.magnitude() <= bound.magnitude()));
                let second = plane::row(&scaled, scaled.height() - 2);
                let trace = trace_bound(&bound, &f);
                assert!(second.iter().all(|c| c.magnitude() <= trace.magnitude()));
            }
            let expected = sorted(factors.to_vec());
            for number in 0..3 {
                lifted(&f, number, |lift, bound| {
                    let one_each = (0..lift.factors.len()).map(|k| vec![k]).collect();
                    assert_eq!(lift.search(one_each, bound).map(sorted), Some(expected.clone()));
                    // Without a proven precision there is no search: the groups must be right.
                    assert_eq!(lift.factors(false, bound).map(sorted), Some(expected.clone()));
                });
            }
            assert_eq!(sorted(irreducible_factors(&f).unwrap()), expected);
        }
    }
}

#[test]
fn what_is_irreducible_is_not_split() {
    let mut random = SplitMix64::new(2);
    for size in [(3, 3), (4, 3), (5, 3)] {
        for _ in 0..4 {
            let f = irreducible(&mut random, size.0, size.1);
            for number in 0..3 {
                lifted(&f, number, |lift, bound| {
                    let one_each = (0..lift.factors.len()).map(|k| vec![k]).collect();
                    assert_eq!(lift.search(one_each, bound), Some(vec![f.clone()]));
                    assert!(lift.factors(false, bound).is_none_or(|found| found == [f.clone()]));
                });
            }
        }
    }
}

#[test]
fn all_lifted_factors_together_are_the_polynomial() {
    let mut random = SplitMix64::new(3);
    for size in [(3, 3), (4, 3), (5, 3)] {
        let f = irreducible(&mut random, size.0, size.1);
        let most = integer::height(f.cells());
        for number in 0..3 {
            lifted(&f, number, |lift, _| {
                let all: Vec<usize> = (0..lift.factors.len()).collect();
                let symmetric = |c: &u64| lift.ring.symmetric(c);
                let trace: Vec<BigInt> = lift.trace(&all).iter().map(symmetric).collect();
                assert!(trace.iter().eq(f.rows().nth(f.height() - 2).unwrap()));
                // A coefficient may be as large as the bound, and no larger.
                assert_eq!(lift.candidate(&all, Some(&most)), Ok(Some(f.clone())));
                assert_eq!(lift.candidate(&all, Some(&(&most - 1))), Ok(None));
            });
        }
    }
}

#[test]
fn traces_are_small_up_to_the_bound() {
    lifted(&grid(&[&[1, 2, 3], &[4, 5, 7], &[3, 1, 1]]), 0, |lift, _| {
        let traces =
            [[5, 0, 0], [2, -9, 1]].map(|row| row.map(|c| lift.ring.embed(&BigInt::from(c))).to_vec());
        for (choice, least) in [(vec![0], 5), (vec![1], 9), (vec![0, 1], 9)] {
            assert!(lift.trace_is_small(&traces, &choice, &BigInt::from(least)));
            assert!(!lift.trace_is_small(&traces, &choice, &BigInt::from(least - 1)));
        }
    });
}

#[test]
fn an_image_certifies_what_is_irreducible_over_the_complex_numbers() {
    // A general cubic stays irreducible; x² − 2y² and a product do not.
    let cubic = grid(&[&[1, 2, 3], &[4, 5, 7], &[3, 1, 1], &[2, 0, 1]]);
    let (p, point, degrees) = irreducible_image(&cubic).unwrap();
    assert!(p > 250 && point < 60);
    assert!(degrees.iter().sum::<usize>() == 3 && degrees.contains(&1));
    assert!(irreducible_image(&grid(&[&[0, 0, -2], &[0, 0, 0], &[1, 0, 0]])).is_none());
    let product = plane::mul(&grid(&[&[1, 2], &[1, 1]]), &grid(&[&[3, 1], &[1, 5]]));
    assert!(irreducible_image(&product).is_none());
}

#[test]
fn repeated_factors_are_taken_once() {
    let (a, b) = (grid(&[&[1, 2], &[3, 1]]), grid(&[&[2, 1], &[1, -1], &[1, 3]]));
    let f = plane::mul(&plane::mul(&a, &a), &b);
    assert_eq!(square_free_part(&f), Ok(plane::mul(&a, &b)));
    assert_eq!(sorted(irreducible_factors(&f).unwrap()), sorted(vec![a, b]));
}

#[test]
fn inverse_series_multiply_to_one() {
    let field = Word::new(251).unwrap();
    let a: Vec<u64> = [3, 1, 4].map(|c| field.embed_small(c)).to_vec();
    for order in 1..8 {
        let inverse = series_inverse(&field, &a, order).unwrap();
        let mut product = convproof_exact::poly::dense::mul(&field, &a, &inverse);
        product.truncate(order);
        assert_eq!(product[0], field.one());
        assert!(inverse.len() == order && product[1..].iter().all(|c| *c == 0));
    }
    assert!(series_inverse(&field, &[0, 1], 3).is_none());
}

#[test]
fn choices_are_all_subsets_of_a_size() {
    for (size, n, count) in [(1, 4, 4), (2, 5, 10), (3, 5, 10), (4, 4, 1)] {
        let mut choice: Vec<usize> = (0..size).collect();
        let mut all = vec![choice.clone()];
        while next_choice(&mut choice, n) {
            assert!(choice.is_sorted_by(|a, b| a < b) && choice.iter().all(|&k| k < n));
            assert!(all.last().is_some_and(|last| *last < choice));
            all.push(choice.clone());
        }
        assert_eq!(all.len(), count);
    }
}
