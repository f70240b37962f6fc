//! Conditions on input sizes: which sizes a claim speaks of, and how far one has to look to see them all.

use std::sync::Arc;

use crate::ir::{Axes, Order, SizeCondition, SizeExpr, Sizes};
use crate::operator::OperatorError;
use crate::operator::length::Length;
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
    let mut left = MAX_TRIED;
    for h in (0..last).map(nth) {
        left -= 1;
        budget::spend(40);
        let rows = exists(0, h);
        if rows == [false; 2] && left > 0 {
            continue;
        }
        for w in (0..last).map(nth) {
            left -= 1;
            budget::spend(60);
            if left <= 0 {
                return Err(OperatorError::PeriodTooLong);
            }
            if both(rows, exists(1, w)) && includes(sizes, [h, w]) {
                return Ok(Some([h, w]));
            }
        }
    }
    if settles { Ok(None) } else { Err(OperatorError::PeriodTooLong) }
}

/// The least common multiple, saturating.
fn lcm(a: i64, b: i64) -> i64 {
    (a / num_integer::gcd(a, b)).saturating_mul(b)
}
