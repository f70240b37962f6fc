//! Certificates against what they mean.

use super::*;
use convproof_exact::SplitMix64;

/// A whole number from −4 to 4.
fn small(random: &mut SplitMix64) -> BigInt {
    BigInt::from(random.below(9)) - 4
}

fn grid(random: &mut SplitMix64, height: usize, width: usize) -> Grid<BigInt> {
    Grid::from_fn(height, width, |_, _| small(random))
}

fn symmetric(random: &mut SplitMix64, size: usize) -> Grid<BigInt> {
    let any = grid(random, size, size);
    Grid::from_fn(size, size, |i, j| any.at(i, j) + any.at(j, i))
}

/// `xᵀMx`.
fn form(matrix: &[Vec<BigInt>], x: &[BigInt]) -> BigInt {
    matrix.iter().zip(x).map(|(row, a)| row.iter().zip(x).map(|(m, b)| m * b).sum::<BigInt>() * a).sum()
}

fn fraction(numerator: i64, denominator: i64) -> Rational {
    Rational::ratio(numerator, denominator).unwrap()
}

const SIZES: [Size; 2] = [(1, 2), (2, 2)];

/// A certificate with random multipliers, which proves nothing.
fn any(random: &mut SplitMix64) -> Certificate {
    Certificate {
        sizes: SIZES,
        target: grid(random, 3, 4),
        known: grid(random, 2, 2),
        unit: Rational::ONE,
        rounding: Rational::ZERO,
        bits: 3,
        least: small(random),
        cases: Cases::One { multipliers: Vec::new(), weights: Vec::new() },
    }
}

#[test]
fn the_matrix_is_the_distance_less_the_bound_and_the_conditions() {
    let mut random = SplitMix64::new(1);
    for _ in 0..20 {
        let certificate = any(&mut random);
        let lifted = Lifted::new(&certificate.target, &certificate.known, SIZES);
        let multipliers: Vec<BigInt> = (0..minor_count(SIZES)).map(|_| small(&mut random)).collect();
        let conditions: Vec<Condition> = [(0, false), (1, true), (1, false)]
            .map(|(factor, negative)| {
                let matrix = symmetric(&mut random, [2, 4][factor]);
                Condition { form: Form { factor, matrix }, negative }
            })
            .to_vec();
        let weights: Vec<Grid<BigInt>> =
            conditions.iter().map(|condition| symmetric(&mut random, condition.extents(SIZES).1)).collect();
        let matrix = certificate.matrix(&lifted, &multipliers, &weights, &conditions);
        let (p, q) = (grid(&mut random, 1, 2), grid(&mut random, 2, 2));
        let z = p.cells().iter().flat_map(|x| q.cells().iter().map(move |y| x * y));
        let point: Vec<BigInt> = z.chain([BigInt::one()]).collect();
        // The minors of a product vanish, so their multipliers do not matter.
        let products = Grid::from_fn(3, 4, |i, j| {
            let mut sum = certificate.target.at(i, j).clone();
            for (a, b) in (0..2).flat_map(|a| (0..2).map(move |b| (a, b))) {
                for (l, (m, n)) in
                    (0..2).flat_map(|l| (0..2).flat_map(move |m| (0..2).map(move |n| (l, (m, n)))))
                {
                    if (a + m, b + l + n) == (i, j) {
                        sum -= certificate.known.at(a, b) * p.at(0, l) * q.at(m, n);
                    }
                }
            }
            sum
        });
        let distance: BigInt = products.cells().iter().map(|x| x * x).sum();
        let mut expected = (distance << 3_u32) - &certificate.least;
        for (condition, weight) in conditions.iter().zip(&weights) {
            let (own, other) = if condition.form.factor == 0 { (&p, &q) } else { (&q, &p) };
            let value = form(&rows(&condition.form.matrix), own.cells()) * form(&rows(weight), other.cells());
            if condition.negative { expected += value } else { expected -= value }
        }
        assert_eq!(form(&matrix, &point), expected);
        let symmetric = Grid::from_rows(matrix).unwrap();
        assert!(is_symmetric(&symmetric));
    }
}

#[test]
fn the_least_bound_is_above_the_root_and_the_rounding() {
    let bits = 20;
    let unit = fraction(1, 1 << bits);
    for root in [fraction(0, 1), fraction(1, 16), fraction(1, 3), fraction(7, 5)] {
        for rounding in [fraction(0, 1), fraction(1, 8), fraction(1, 7), fraction(9, 2)] {
            let least = ratio(least_above(&(&root * &root), &rounding, bits), BigInt::one() << bits);
            let sum = &root + &rounding;
            assert!(least >= &sum * &sum, "{root} {rounding}");
            // No more than two units of the root are given away, and one of the square.
            let more = &sum + &(&unit * &Rational::from(2));
            assert!(least <= &(&more * &more) + &unit, "{root} {rounding}");
        }
    }
}

#[test]
fn what_is_proved_is_below_the_distance_less_the_rounding() {
    let bits = 20;
    let unit = fraction(3, 1);
    for (root, rounding) in [(2, 0), (2, 1), (3, 2), (7, 5), (1, 1), (1, 2), (0, 3)] {
        let certificate = Certificate {
            unit: unit.clone(),
            rounding: Rational::from(rounding),
            bits,
            least: BigInt::from(root * root) << bits,
            ..any(&mut SplitMix64::new(1))
        };
        let proved = certificate.squared();
        let rest = Rational::from((root - rounding).max(0));
        let exact = &(&rest * &rest) * &Rational::from(9);
        assert!(proved <= exact && proved >= &exact - &fraction(1, 1000), "{root} {rounding}: {proved}");
    }
}

/// `(1 + x)² + 4y²`... as a sum that no product of two rows comes near: the certificate of its distance, by hand.
fn proof() -> Certificate {
    // ‖(1, 0, 1) − p * q‖² for rows p and q: z = (p0q0, p0q1, p1q0, p1q1), whose squares and products are
    // z0² + (z1 + z2)² + z3² − 2z0 − 2z3 + 2. With −1 times the minor z0z3 − z1z2, twice, it is
    // (z0 + z3 ...)²: 1 is the least value on products, and any less is proved.
    Certificate {
        sizes: [(1, 2), (1, 2)],
        target: Grid::new(1, 3, [1, 0, 1].map(BigInt::from).to_vec()).unwrap(),
        known: Grid::from_fn(1, 1, |_, _| BigInt::one()),
        unit: Rational::ONE,
        rounding: Rational::ZERO,
        bits: 20,
        least: BigInt::from((1 << 20) - (1 << 12)),
        cases: Cases::One { multipliers: vec![BigInt::from((1 << 20) - (1 << 8))], weights: Vec::new() },
    }
}

#[test]
fn a_certificate_that_says_more_or_something_else_is_refused() {
    let proof = proof();
    assert!(proof.is_valid());
    let changed = |change: &dyn Fn(&mut Certificate)| {
        let mut certificate = proof.clone();
        change(&mut certificate);
        certificate.is_valid()
    };
    // (1, 0, 0) is a product, at distance 1.
    assert!(!changed(&|c| c.least = BigInt::from((1 << 20) + 1)));
    assert!(!changed(&|c| c.sizes = [(1, 2), (2, 2)]));
    assert!(!changed(&|c| c.sizes = [(1, 1), (1, 2)]));
    assert!(!changed(&|c| c.sizes = [(0, 2), (2, 2)]));
    assert!(!changed(&|c| c.sizes = [(1, 4), (1, 0)]));
    let one = |multipliers: &[i64], weights: Vec<Grid<BigInt>>| Cases::One {
        multipliers: multipliers.iter().map(|&m| BigInt::from(m)).collect(),
        weights,
    };
    let good = (1 << 20) - (1 << 8);
    let identity = |size: usize| Grid::from_fn(size, size, |i, j| BigInt::from(i32::from(i == j)));
    assert!(!changed(&|c| c.cases = one(&[0], vec![])));
    assert!(!changed(&|c| c.cases = one(&[-good], vec![])));
    assert!(!changed(&|c| c.cases = one(&[good, good], vec![])));
    assert!(!changed(&|c| c.cases = one(&[], vec![])));
    assert!(!changed(&|c| c.cases = one(&[good], vec![identity(2)])));
    // A case distinction by a form; weights must be definite and belong to the conditions.
    let weight = |size: usize, value: i32| identity(size).map(|x| x * value);
    let both = |form: Grid<BigInt>, factor: usize, first: Grid<BigInt>, second: Grid<BigInt>| {
        let cases = [one(&[good], vec![first]), one(&[good], vec![second])];
        Cases::Two(Form { factor, matrix: form }, Box::new(cases))
    };
    let difference =
        Grid::from_fn(2, 2, |i, j| BigInt::from(if i == j { 1 - 2 * i32::try_from(i).unwrap() } else { 0 }));
    for factor in [0, 1] {
        assert!(changed(&|c| c.cases = both(difference.clone(), factor, weight(2, 1), weight(2, 1))));
        assert!(!changed(&|c| c.cases = both(difference.clone(), factor, weight(2, -1), weight(2, 1))));
        assert!(!changed(&|c| c.cases = both(difference.clone(), factor, weight(2, 1), weight(2, -1))));
        assert!(!changed(&|c| c.cases = both(difference.clone(), factor, weight(2, 1), weight(3, 1))));
        assert!(!changed(&|c| c.cases = both(weight(3, 1), factor, weight(2, 1), weight(2, 1))));
        let skew = Grid::from_fn(2, 2, |i, j| BigInt::from(u8::from(i < j)));
        assert!(!changed(&|c| c.cases = both(skew.clone(), factor, weight(2, 1), weight(2, 1))));
        let leaning = Grid::from_fn(2, 2, |i, j| BigInt::from(u8::from(i <= j)));
        assert!(!changed(&|c| c.cases = both(difference.clone(), factor, leaning.clone(), weight(2, 1))));
    }
    assert!(!changed(&|c| c.cases = both(difference.clone(), 2, weight(2, 1), weight(2, 1))));
}

#[test]
fn factors_without_entries_certify_nothing() {
    // No entries, so no minors, and a matrix of the target's norm alone.
    for sizes in [[(0, 2), (3, 2)], [(3, 2), (0, 2)], [(2, 0), (1, 4)], [(2, 4), (1, 0)]] {
        let certificate = Certificate {
            sizes,
            target: Grid::from_fn(2, 3, |_, _| BigInt::from(5)),
            known: Grid::from_fn(1, 1, |_, _| BigInt::one()),
            unit: Rational::ONE,
            rounding: Rational::ZERO,
            bits: 0,
            least: BigInt::one(),
            cases: Cases::One { multipliers: Vec::new(), weights: Vec::new() },
        };
        assert!(!certificate.is_valid());
    }
}

#[test]
fn squares_are_rounded_up_only_where_they_must() {
    // (2 + 1 + 1)²: the root of 4, rounded up beyond itself, and the rounding.
    assert_eq!(least_above(&fraction(4, 1), &fraction(1, 1), 0), BigInt::from(16));
    assert_eq!(least_above(&fraction(4, 1), &fraction(1, 2), 0), BigInt::from(16));
    // In quarters: (8 + 1 + 4)² = 169 sixteenths are 42.25 quarters.
    assert_eq!(least_above(&fraction(4, 1), &fraction(1, 1), 2), BigInt::from(43));
    assert_eq!(least_above(&fraction(9, 4), &Rational::ZERO, 2), BigInt::from(9));
    assert_eq!(least_above(&fraction(7, 3), &Rational::ZERO, 2), BigInt::from(10));
}
