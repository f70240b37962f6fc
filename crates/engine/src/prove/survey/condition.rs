//! Conditions on input sizes: which sizes a claim speaks of, and how far one has to look to see them all.

use std::sync::Arc;

use crate::ir::{Axes, Order, SizeCondition, SizeExpr, Sizes};
use crate::operator::OperatorError;
use crate::operator::length::Length;
use convproof_exact::Limited;
use convproof_exact::budget;

/// Whether a claim speaks of a size.
pub fn includes(sizes: &Sizes, size: Axes<i64>) -> bool {
    match sizes {
        Sizes::All => true,
        Sizes::One(one) => *one == size,
        Sizes::Where(condition) => holds(condition, size),
    }
}

fn holds(condition: &SizeCondition, size: Axes<i64>) -> bool {
    match condition {
        SizeCondition::And(a, b) => holds(a, size) && holds(b, size),
        SizeCondition::Or(a, b) => holds(a, size) || holds(b, size),
        SizeCondition::Not(a) => !holds(a, size),
        SizeCondition::Compare(a, order, b) => {
            let (a, b) = (size_value(a, size), size_value(b, size));
            match order {
                Order::Eq => a == b,
                Order::Ne => a != b,
                Order::Lt => a < b,
                Order::Le => a <= b,
                Order::Gt => a > b,
                Order::Ge => a >= b,
            }
        }
    }
}

/// Saturating: the resolver bounds constants so that no sum or product of two terms gets near the ends.
fn size_value(expr: &SizeExpr, size: Axes<i64>) -> i64 {
    match expr {
        SizeExpr::Length(axis) => size[*axis],
        SizeExpr::Constant(value) => *value,
        SizeExpr::Add(a, b) => size_value(a, size).saturating_add(size_value(b, size)),
        SizeExpr::Sub(a, b) => size_value(a, size).saturating_sub(size_value(b, size)),
        SizeExpr::Mul(a, b) => size_value(a, size).saturating_mul(size_value(b, size)),
        SizeExpr::Rem(a, m) => size_value(a, size).rem_euclid(*m),
    }
}

/// What a condition adds to the horizon: a bound `R` on everything that `±h` and `±w` are compared with, and its
/// period. Beyond the horizon a size can be moved by whole periods, as long as `h`, `w` and `h − w` stay on the
/// same side of everything up to `R` (`docs/semantics.md`).
pub fn reach(sizes: &Sizes) -> (i64, i64) {
    fn of_expr(expr: &SizeExpr) -> (i64, i64) {
        match expr {
            SizeExpr::Length(_) => (0, 1),
            SizeExpr::Constant(value) => (value.saturating_abs(), 1),
            SizeExpr::Add(a, b) | SizeExpr::Sub(a, b) => {
                let ((r, m), (s, k)) = (of_expr(a), of_expr(b));
                (r.saturating_add(s), lcm(m, k))
            }
            SizeExpr::Mul(a, b) => {
                let ((r, m), (s, k)) = (of_expr(a), of_expr(b));
                (r.saturating_mul(s), lcm(m, k))
            }
            SizeExpr::Rem(a, m) => (*m, lcm(*m, of_expr(a).1)),
        }
    }
    fn of(condition: &SizeCondition) -> (i64, i64) {
        match condition {
            SizeCondition::And(a, b) | SizeCondition::Or(a, b) => {
                let ((r, m), (s, k)) = (of(a), of(b));
                (r.max(s), lcm(m, k))
            }
            SizeCondition::Not(a) => of(a),
            SizeCondition::Compare(a, _, b) => {
                let ((r, m), (s, k)) = (of_expr(a), of_expr(b));
                (r.saturating_add(s), lcm(m, k))
            }
        }
    }
    match sizes {
        Sizes::Where(condition) => of(condition),
        Sizes::All | Sizes::One(_) => (0, 1),
    }
}

/// Most pairs of lengths that are tried for a size that a claim speaks of.
const MAX_TRIED: i64 = 1 << 24;

/// A size that a claim speaks of at which one of two stacks has an output, if there is one. Large and small lengths are tried
/// in turn, up to the bound of theorem 11: conditions ask for one or the other.
///
/// # Errors
/// If the sizes repeat with too long a period to try all of them, and none was found.
pub fn says_something(
    sizes: &Sizes,
    lengths: [&Axes<Arc<Length>>; 2],
) -> Result<Option<Axes<i64>>, OperatorError> {
    let exists = |axis: usize, n: i64| lengths.map(|length| length[axis].at(n).is_some());
    let both = |rows: [bool; 2], columns: [bool; 2]| (0..2).any(|side| rows[side] && columns[side]);
    if let Sizes::One([h, w]) = sizes {
        return Ok(both(exists(0, *h), exists(1, *w)).then_some([*h, *w]));
    }
    let (reach, modulus) = reach(sizes);
    let (mut from, mut period, mut settles) = (reach.saturating_add(1), modulus, true);
    for length in lengths.into_iter().flatten() {
        match (length.settled(), length.period()) {
            (Ok(settled), Ok(own)) => (from, period) = (from.max(settled), lcm(period, own)),
            _ => settles = false,
        }
    }
    let last = from.saturating_add(reach).saturating_add(period.saturating_mul(2)).saturating_sub(1);
    let nth = |at: i64| if at % 2 == 0 { 1 + at / 2 } else { last - at / 2 };
    let heights = (0..last.min(MAX_TRIED)).map(nth).filter_map(|h| {
        budget::spend(40);
        let rows = exists(0, h);
        (rows != [false; 2]).then_some((h, rows))
    });
    let mut all = heights.flat_map(|(h, rows)| (0..last).map(move |at| (rows, [h, nth(at)])));
    let mut tried = all.by_ref().take(usize::try_from(MAX_TRIED).unwrap_or(usize::MAX));
    let found = tried.find_map(|(rows, size)| {
        budget::spend(60);
        (both(rows, exists(1, size[1])) && includes(sizes, size)).then_some(size)
    });
    let is_whole = settles && !last.exceeds(MAX_TRIED) && all.next().is_none();
    if found.is_some() || is_whole { Ok(found) } else { Err(OperatorError::PeriodTooLong) }
}

/// The least common multiple, saturating.
fn lcm(a: i64, b: i64) -> i64 {
    (a / num_integer::gcd(a, b)).saturating_mul(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    const H: SizeExpr = SizeExpr::Length(0);
    const W: SizeExpr = SizeExpr::Length(1);

    fn number(value: i64) -> SizeExpr {
        SizeExpr::Constant(value)
    }

    fn rem(of: SizeExpr, m: i64) -> SizeExpr {
        SizeExpr::Rem(Box::new(of), m)
    }

    fn compared(a: SizeExpr, order: Order, b: SizeExpr) -> SizeCondition {
        SizeCondition::Compare(a, order, b)
    }

    /// What a condition says of a size.
    type Said = fn(i64, i64) -> bool;

    /// Conditions, and what each says.
    fn conditions() -> Vec<(SizeCondition, Said)> {
        let (add, sub, mul) = (SizeExpr::Add, SizeExpr::Sub, SizeExpr::Mul);
        let and = |a, b| SizeCondition::And(Box::new(a), Box::new(b));
        let or = |a, b| SizeCondition::Or(Box::new(a), Box::new(b));
        vec![
            (compared(H, Order::Lt, number(4)), |h, _| h < 4),
            (compared(number(-3), Order::Ge, sub(Box::new(H), Box::new(W))), |h, w| -3 >= h - w),
            (compared(mul(Box::new(number(2)), Box::new(W)), Order::Le, number(7)), |_, w| 2 * w <= 7),
            (
                compared(
                    add(Box::new(H), Box::new(number(2))),
                    Order::Eq,
                    add(Box::new(W), Box::new(number(3))),
                ),
                |h, w| h + 2 == w + 3,
            ),
            (compared(rem(H, 3), Order::Gt, rem(sub(Box::new(W), Box::new(number(2))), 2)), |h, w| {
                h % 3 > (w - 2).rem_euclid(2)
            }),
            (
                and(
                    compared(rem(H, 2), Order::Eq, number(1)),
                    SizeCondition::Not(Box::new(compared(W, Order::Ne, number(3)))),
                ),
                |h, w| h % 2 == 1 && w == 3,
            ),
            (or(compared(H, Order::Gt, number(5)), compared(rem(W, 4), Order::Ge, number(2))), |h, w| {
                h > 5 || w % 4 >= 2
            }),
        ]
    }

    #[test]
    fn a_claim_speaks_of_the_sizes_of_its_condition() {
        for (condition, expected) in conditions() {
            let sizes = Sizes::Where(condition);
            for (h, w) in (1..12).flat_map(|h| (1..12).map(move |w| (h, w))) {
                assert_eq!(includes(&sizes, [h, w]), expected(h, w), "{sizes:?} {h} {w}");
            }
        }
        assert!(includes(&Sizes::One([2, 3]), [2, 3]) && !includes(&Sizes::One([2, 3]), [3, 2]));
        assert!(includes(&Sizes::All, [7, 1]));
    }

    /// What theorem 11 rests on.
    #[test]
    fn beyond_its_reach_a_condition_repeats() {
        for (condition, expected) in conditions() {
            let (reach, modulus) = reach(&Sizes::Where(condition));
            let side = |x: i64| x.clamp(-reach - 1, reach + 1);
            let mut known = HashMap::new();
            for (h, w) in (1..40).flat_map(|h| (1..40).map(move |w| (h, w))) {
                let alike = (h % modulus, w % modulus, side(h), side(w), side(h - w));
                assert_eq!(*known.entry(alike).or_insert(expected(h, w)), expected(h, w), "{h} {w}");
            }
        }
        assert_eq!((reach(&Sizes::All), reach(&Sizes::One([3, 3]))), ((0, 1), (0, 1)));
    }

    #[test]
    fn a_size_is_found_where_there_is_one() {
        let input = || [Arc::new(Length::Input), Arc::new(Length::Input)];
        for (condition, expected) in conditions() {
            let sizes = Sizes::Where(condition.clone());
            let [h, w] = says_something(&sizes, [&input(), &input()]).unwrap().unwrap();
            assert!(expected(h, w));
            let never = Sizes::Where(SizeCondition::And(
                Box::new(condition.clone()),
                Box::new(SizeCondition::Not(Box::new(condition))),
            ));
            assert_eq!(says_something(&never, [&input(), &input()]), Ok(None));
        }
        assert_eq!(says_something(&Sizes::One([2, 9]), [&input(), &input()]), Ok(Some([2, 9])));
        // Each single size, near and far.
        for (h, w) in (1..12).flat_map(|h| (1..12).map(move |w| (h, w))) {
            let is = |length, n| Box::new(compared(length, Order::Eq, number(n)));
            let one = Sizes::Where(SizeCondition::And(is(H, h), is(W, w)));
            assert_eq!(says_something(&one, [&input(), &input()]), Ok(Some([h, w])));
        }
        // Remainders that contradict each other, where thousands of times as many lengths would have to be tried as are.
        let remainder = |n| Box::new(compared(rem(W, 1 << 37), Order::Eq, number(n)));
        let far = SizeCondition::And(remainder(0), Box::new(SizeCondition::Not(remainder(0))));
        assert_eq!(
            says_something(&Sizes::Where(far), [&input(), &input()]),
            Err(OperatorError::PeriodTooLong)
        );
        let none = Length::Input.into();
        let longer =
            |by: i64| Arc::new(Length::Input).then(crate::operator::length::Step::new(1, by, 1)).unwrap();
        let short = [longer(-4), none];
        assert_eq!(says_something(&Sizes::One([4, 9]), [&short, &short]), Ok(None));
        assert_eq!(says_something(&Sizes::One([4, 9]), [&short, &input()]), Ok(Some([4, 9])));
        let [h, _] = says_something(&Sizes::All, [&short, &short]).unwrap().unwrap();
        assert!(h > 4);
    }
}
