//! Kernels over one denominator against the rationals that they stand for.

use super::*;
use convproof_exact::SplitMix64;

fn any(random: &mut SplitMix64, height: usize, width: usize, denominator: i64) -> Fixed {
    let cells = Grid::from_fn(height, width, |_, _| BigInt::from(random.below(2001)) - 1000);
    Fixed { cells, denominator: BigInt::from(denominator) }
}

fn two() -> Rational {
    Rational::from(2)
}

#[test]
fn shortened_kernels_are_as_near_as_stated() {
    let mut random = SplitMix64::new(1);
    for (bits, large) in [(3, 0_u32), (5, 70), (40, 0), (1, 3)] {
        let kernel = any(&mut random, 2, 3, 7);
        let kernel = Fixed { cells: kernel.cells.map(|x| (x << large) * 6), ..kernel };
        let short = kernel.shortened(bits).unwrap();
        // Rounding up may take one bit more.
        assert!(short.cells.cells().iter().all(|x| x.bits() <= bits + 1));
        let units = kernel.to_rationals().map(|x| x.checked_div(&short.unit).unwrap());
        let cells = units.cells().iter().zip(short.cells.cells());
        let off: Vec<Rational> = cells.map(|(x, y)| x - &Rational::from(y.clone())).collect();
        assert!(off.iter().all(|x| x.abs() <= two().recip().unwrap()));
        let squares = off.iter().fold(Rational::ZERO, |sum, x| &sum + &(x * x));
        assert!(squares <= &short.error * &short.error && short.error <= two());
        if bits == 40 {
            assert!(
                short.error.is_zero()
                    && short.cells.cells().iter().fold(BigInt::zero(), |g, x| g.gcd(x)).is_one()
            );
        }
    }
    assert!(Fixed::zero(2, 2).shortened(5).is_none());
}

#[test]
fn exponents_bound_entries() {
    let mut random = SplitMix64::new(2);
    for denominator in [1, 3, 1000, 1 << 40] {
        let kernel = any(&mut random, 2, 2, denominator);
        let exponent = kernel.exponent().unwrap();
        let floats = kernel.to_floats(exponent);
        let largest = floats.cells().iter().fold(0.0_f64, |l, x| l.max(x.abs()));
        assert!((0.125..1.0).contains(&largest), "{largest}");
        for (x, y) in kernel.to_floats(exponent + 3).cells().iter().zip(floats.cells()) {
            assert_eq!(x * 8.0, *y);
        }
    }
    assert_eq!(Fixed::zero(1, 2).exponent(), None);
}

#[test]
fn sums_and_norms_are_those_of_rationals() {
    let mut random = SplitMix64::new(3);
    for (a, b) in [(1, 1), (4, 6), (3, 5), (12, 4)] {
        let (x, y) = (any(&mut random, 2, 2, a), any(&mut random, 2, 2, b));
        let (p, q) = (x.to_rationals(), y.to_rationals());
        let difference = x.minus(&y);
        let expected = Grid::from_fn(2, 2, |i, j| p.at(i, j) - q.at(i, j));
        assert_eq!(difference.to_rationals(), expected);
        assert_eq!(difference.denominator, BigInt::from(a).lcm(&BigInt::from(b)));
        let squares = p.cells().iter().fold(Rational::ZERO, |sum, x| &sum + &(x * x));
        assert_eq!(x.norm_squared(), squares);
        assert_eq!(Fixed::squared(&x.cells), &squares * &Rational::from(a * a));
        assert!(!difference.is_zero() && x.minus(&x).is_zero());
        let (largest, (row, column)) = x.largest();
        assert!(p.cells().iter().all(|x| x.abs() <= largest) && p.at(row, column).abs() == largest);
    }
}
