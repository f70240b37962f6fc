//! Movements against their definition on signals without borders: composition, normal form and sums are those of functions.

use super::*;
use crate::kernel::{ConcreteKernel, Shape};
use convproof_exact::{Rational, SplitMix64};

#[test]
fn each_limit_holds_by_itself() {
    let fits =
        |up: i64, down: i64, offset: i64| Axis { up, down, offset, same: None }.within_limits().is_some();
    assert!(fits(MAX_FACTOR, MAX_FACTOR, MAX_OFFSET) && fits(1, 1, -MAX_OFFSET));
    assert!(!fits(MAX_FACTOR + 1, 1, 0) && !fits(1, MAX_FACTOR + 1, 0));
    assert!(!fits(1, 1, MAX_OFFSET + 1) && !fits(1, 1, -MAX_OFFSET - 1));
}

/// Draws gathers of one channel along one axis.
struct Draw {
    generator: SplitMix64,
    axis: usize,
}

impl Draw {
    fn number(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.generator.below(u64::try_from(high - low + 1).unwrap())).unwrap()
    }

    fn gather(&mut self, up: i64, down: i64) -> Gather {
        let taps = self.number(1, 4);
        let values = (0..taps).map(|_| self.number(-2, 2)).collect();
        let shape = [Shape::plane(index(taps), 1), Shape::plane(1, index(taps))][self.axis];
        let kernel = ConcreteKernel::from_integers(shape, values).unwrap().into();
        let mut axes = [Axis::IDENTITY; AXES];
        axes[self.axis] = Axis { up, down, offset: self.number(-3, 3), same: None };
        Gather { kernel, axes }
    }

    fn factor(&mut self) -> i64 {
        [1, 1, 2, 3, 4][index(self.number(0, 4))]
    }
}

/// Output `i`, by the definition: the sum of taps times what they read, where they read a position at all.
fn output(gather: &Gather, axis: usize, input: &dyn Fn(i64) -> Rational, i: i64) -> Rational {
    let kernel = gather.kernel.as_concrete().unwrap();
    let Axis { up, down, offset, .. } = gather.axes[axis];
    (0..).zip(kernel.entries()).fold(Rational::ZERO, |sum, (k, tap)| {
        let at = down * i + k - offset;
        if at % up == 0 { sum + &tap * &input(at / up) } else { sum }
    })
}

/// A signal without pattern.
fn signal(at: i64) -> Rational {
    Rational::from((at * at * 7 + at * 13).rem_euclid(31) - 11)
}

const OUTPUTS: std::ops::RangeInclusive<i64> = -13..=13;

#[test]
fn gathers_compose_as_functions_do_where_they_compose() {
    let length = [(); AXES].map(|()| Arc::new(Length::Input));
    for round in 0..2000 {
        let axis = round % AXES;
        let mut draw = Draw { generator: SplitMix64::new(round as u64), axis };
        let [first, next] = [draw.factor(), draw.factor()].map(|up| {
            let down = draw.factor();
            draw.gather(up, down)
        });
        let [a, b] = [first.axes[axis], next.axes[axis]];
        let Some(both) = first.then(&next, &length, &length) else {
            assert!(a.down > 1 && b.up > 1, "{a:?} {b:?}");
            continue;
        };
        let (both, _) = both.unwrap();
        assert!(a.down == 1 || b.up == 1 || first.is_identity() || next.is_identity(), "{a:?} {b:?}");
        let between = |at| output(&first, axis, &signal, at);
        for i in OUTPUTS {
            assert_eq!(output(&both, axis, &signal, i), output(&next, axis, &between, i), "{a:?} {b:?}");
        }
    }
}

#[test]
fn normal_forms_are_the_same_functions_in_lowest_terms() {
    for round in 0..2000 {
        let axis = round % AXES;
        let mut draw = Draw { generator: SplitMix64::new(round as u64), axis };
        let [up, down] = [draw.factor(), draw.factor()];
        let gather = draw.gather(up, down);
        let normal = gather.clone().normal().unwrap();
        assert!(normal.axes[axis].up.gcd(&normal.axes[axis].down) == 1, "{gather:?}");
        let taps: Vec<Rational> = normal.kernel.as_concrete().unwrap().entries().collect();
        let border = |tap: Option<&Rational>| tap.is_some_and(|tap| !tap.is_zero());
        assert!(taps.len() == 1 || border(taps.first()) && border(taps.last()), "{gather:?}");
        for i in OUTPUTS {
            assert_eq!(output(&normal, axis, &signal, i), output(&gather, axis, &signal, i), "{gather:?}");
        }
    }
}

#[test]
fn gathers_that_move_alike_are_added() {
    for round in 0..1000 {
        let axis = round % AXES;
        let mut draw = Draw { generator: SplitMix64::new(round as u64), axis };
        let [up, down] = [draw.factor(), draw.factor()];
        let [one, other] = [draw.gather(up, down), draw.gather(up, down)];
        let sum = one.plus(&other).unwrap().unwrap();
        for i in OUTPUTS {
            let apart = output(&one, axis, &signal, i) + output(&other, axis, &signal, i);
            assert_eq!(output(&sum, axis, &signal, i), apart, "{one:?} {other:?}");
        }
        assert!(
            one.plus(&draw.gather(up + 1, down)).is_none() && one.plus(&draw.gather(up, down + 1)).is_none()
        );
    }
}
