//! Comparisons of numbers and lists of them, with square roots and for all weights; kernels are for `entries`.

use std::cmp::Ordering;

use crate::ir::{Order, Symbols};
use crate::prove::values::interval::Encloser;
use crate::prove::verdict::{Doubt, NumberVerdict};
use crate::prove::witness::search;
use convproof_exact::{Monomial, Poly, Rational};

/// Bits to which square roots are enclosed where sums of several are compared.
const BITS: u32 = 256;

/// A number with square roots, about; `None` if it has other symbols, or something under a root may not be positive.
pub fn about(number: &Poly, symbols: &Symbols) -> Option<Rational> {
    Some(Encloser::new(symbols, BITS).enclose(number)?.low().clone())
}

/// Compares numbers, or lists entry by entry.
///
/// Both sides are numbers for orderings; for `==` and `!=` they may depend on weights, `!=` then claiming that the polynomials
/// differ.
pub fn compare(left: &[Poly], order: Order, right: &[Poly], symbols: &Symbols) -> NumberVerdict {
    let pairs = || left.iter().zip(right);
    let holds: Vec<Option<bool>> = pairs().map(|(a, b)| compare_one(a, order, b, symbols)).collect();
    let fails = |index: usize| {
        let difference = pairs().nth(index).map(|(a, b)| symbols.simplified(&(a - b)));
        NumberVerdict::False { index, difference: difference.filter(|d| !symbols.is_numeric(d)) }
    };
    // Lists differ when some entry does; everything else must hold for all entries.
    let decisive = order == Order::Ne;
    if let Some(index) = holds.iter().position(|&one| one == Some(decisive)) {
        return if decisive { NumberVerdict::True } else { fails(index) };
    }
    if holds.contains(&None) {
        return NumberVerdict::Unknown(Doubt::Irrational);
    }
    if decisive { fails(0) } else { NumberVerdict::True }
}

/// Whether a comparison holds; `None` where square roots leave that open.
fn compare_one(left: &Poly, order: Order, right: &Poly, symbols: &Symbols) -> Option<bool> {
    let difference = left - right;
    let sign = if symbols.is_numeric(&difference) {
        compared_with_zero(&difference, symbols)?
    } else {
        let numerator = symbols.numerator(&difference);
        if !numerator.is_zero() {
            // It depends on weights: not equal, if some weights show it.
            let used = symbols.foundations(difference.symbols());
            return search::telling(&numerator, &used, symbols).map(|_| order == Order::Ne);
        }
        Ordering::Equal
    };
    Some(match order {
        Order::Eq => sign.is_eq(),
        Order::Ne => sign.is_ne(),
        Order::Lt => sign.is_lt(),
        Order::Le => sign.is_le(),
        Order::Gt => sign.is_gt(),
        Order::Ge => sign.is_ge(),
    })
}

/// How a sum of products of square roots of numbers compares with 0; `None` if it is nearer to 0 than can be told, or something
/// under a root is. Roots are positive, so of two products the one with the larger square decides.
pub fn compared_with_zero(sum: &Poly, symbols: &Symbols) -> Option<Ordering> {
    let enclosed = Encloser::new(symbols, BITS).enclose(sum)?;
    if !enclosed.may_vanish() {
        return Some(enclosed.low().cmp(&Rational::ZERO));
    }
    match symbols.numerator(sum).terms() {
        [] => Some(Ordering::Equal),
        [one, other] => {
            let (a, b) = (square(one, symbols)?, square(other, symbols)?);
            Some(if one.1.is_negative() { b.cmp(&a) } else { a.cmp(&b) })
        }
        _ => None,
    }
}

/// The square of a product of roots, where that is rational.
fn square((monomial, coefficient): &(Monomial, Rational), symbols: &Symbols) -> Option<Rational> {
    let product = Poly::term(monomial.clone(), coefficient.clone());
    symbols.simplified(&(&product * &product)).as_constant()
}

#[cfg(test)]
#[allow(clippy::float_arithmetic, reason = "a coarse check of exact comparisons")]
mod tests {
    use super::*;

    #[test]
    fn sums_of_roots_compare_as_the_numbers_they_are() {
        let mut symbols = Symbols::default();
        let number = |n: i64| Poly::constant(Rational::from(n));
        let root = |symbols: &mut Symbols, of: &Poly| symbols.root(of).unwrap();
        let [two, three, six] = [2, 3, 6].map(|n| root(&mut symbols, &number(n)));
        let nested = root(&mut symbols, &(&number(4) + &(&number(2) * &three)));
        // A square that no small factor shows.
        let prime = 1_000_003;
        let square = root(&mut symbols, &number(2 * prime * prime));
        let order = |a: &Poly, b: &Poly| {
            let holds = |order| compare_one(a, order, b, &symbols);
            [Order::Lt, Order::Eq, Order::Gt].map(holds)
        };
        let (less, equal, greater) = ([true, false, false], [false, true, false], [false, false, true]);
        for (a, b, expected) in [
            (two.clone(), number(1), greater),
            (two.clone(), number(2), less),
            (number(-1), two.clone(), less),
            (&two * &three, six.clone(), equal),
            (&two * &two, number(2), equal),
            (&two + &three, &six + &number(1), less),
            (&two + &three, number(3), greater),
            (&two * &number(3), &three * &number(2), greater),
            (&number(-3) * &two, &number(-2) * &three, less),
            (square, &number(prime) * &two, equal),
        ] {
            assert_eq!(order(&a, &b), expected.map(Some), "{a:?} {b:?}");
            let turned = [expected[2], expected[1], expected[0]];
            assert_eq!(order(&b, &a), turned.map(Some), "{b:?} {a:?}");
        }
        // √(4 + 2√3) is 1 + √3, which no enclosure shows; nor is there a root of their difference.
        let other = &number(1) + &three;
        assert_eq!(order(&nested, &other), [None; 3]);
        let none = root(&mut symbols, &(&nested - &other));
        assert_eq!(compare_one(&none, Order::Gt, &number(0), &symbols), None);
    }

    /// The value of a sum of products of roots, about.
    fn float(poly: &Poly, symbols: &Symbols) -> f64 {
        let root = |symbol| float(&symbols.root_of(symbol).unwrap().radicand, symbols).sqrt();
        let product = |(monomial, coefficient): &(Monomial, Rational)| {
            let factors =
                monomial.factors().iter().map(|&(symbol, exponent)| root(symbol).powi(exponent.into()));
            coefficient.to_f64() * factors.product::<f64>()
        };
        poly.terms().iter().map(product).sum()
    }

    #[test]
    fn random_sums_of_powers_of_roots_compare_as_floats_do() {
        let mut symbols = Symbols::default();
        let number = |n: i64| Poly::constant(Rational::from(n));
        let mut roots: Vec<Poly> = [2, 3, 5].map(|n| symbols.root(&number(n)).unwrap()).to_vec();
        let nested = &number(4) + &(&number(2) * &roots[1]);
        roots.push(symbols.root(&nested).unwrap());
        let mut generator = convproof_exact::SplitMix64::new(1);
        let mut draw = |most: u64| i16::try_from(generator.below(most)).unwrap();
        let (mut equal, mut open) = (0, 0);
        for _ in 0..3000 {
            let mut sum = Poly::zero();
            for _ in 0..=draw(3) {
                let coefficient = Rational::ratio(i64::from(draw(5) - 2), i64::from(draw(2) + 1)).unwrap();
                let power =
                    |root: &Poly| Poly::term(Monomial::power(root.symbols()[0], draw(5) - 2), Rational::ONE);
                let product = roots.iter().map(power).fold(Poly::one(), |all, power| &all * &power);
                sum = &sum + &product.scaled(&coefficient);
            }
            let value = float(&sum, &symbols);
            let told = compared_with_zero(&sum, &symbols);
            if value.abs() > 1e-9 {
                assert_eq!(told, value.partial_cmp(&0.0), "{sum:?}");
            } else {
                assert!(told.is_none_or(Ordering::is_eq), "{sum:?}");
                equal += u32::from(told.is_some());
                open += u32::from(told.is_none());
            }
            let simple = symbols.simplified(&sum);
            assert!((float(&simple, &symbols) - value).abs() < 1e-6, "{sum:?} {simple:?}");
        }
        assert!(equal > 50, "{equal}, {open} open");
    }

    #[test]
    fn lists_differ_where_an_entry_does_and_are_equal_or_ordered_entry_by_entry() {
        let symbols = Symbols::default();
        let numbers = |all: [i64; 2]| all.map(|n| Poly::constant(Rational::from(n))).to_vec();
        let holds = |a, order, b| match compare(&numbers(a), order, &numbers(b), &symbols) {
            NumberVerdict::True => Ok(()),
            NumberVerdict::False { index, difference: None } => Err(index),
            verdict => panic!("{verdict:?}"),
        };
        assert_eq!(holds([1, 2], Order::Eq, [1, 2]), Ok(()));
        assert_eq!(holds([1, 2], Order::Eq, [1, 3]), Err(1));
        assert_eq!(holds([1, 2], Order::Ne, [1, 3]), Ok(()));
        assert_eq!(holds([1, 2], Order::Ne, [1, 2]), Err(0));
        assert_eq!(holds([1, 2], Order::Le, [1, 3]), Ok(()));
        assert_eq!(holds([1, 2], Order::Lt, [1, 3]), Err(0));
        assert_eq!(holds([1, 2], Order::Ge, [1, 3]), Err(1));
        assert_eq!(holds([1, 2], Order::Gt, [0, 1]), Ok(()));
    }
}
