//! Lengths as functions against step-by-step evaluation.

use std::sync::Arc;

use convproof::algebra::Rational;
use convproof::operator::Length;
use convproof::operator::length::{Step, first_difference, for_all_lengths};
use proptest::prelude::*;

/// A layer's effect on a length.
#[derive(Clone, Debug)]
enum Move {
    Window { size: i64, stride: i64, before: i64, after: i64 },
    Ceil { size: i64, stride: i64, before: i64 },
    Pad(i64),
    Up(i64, i64),
    Divided(i64),
    Agree(Vec<Move>),
    Where(Vec<Move>),
    One,
}

fn simple() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => (1..5i64, 1..4i64, 0..3i64, -1..3i64)
            .prop_map(|(size, stride, before, after)| Move::Window { size, stride, before, after }),
        1 => (1..4i64, 1..4i64, 0..2i64).prop_map(|(size, stride, before)| Move::Ceil {
            size,
            stride,
            before: before.min(size - 1),
        }),
        2 => (-6..5i64).prop_map(Move::Pad),
        1 => (1..4i64, -2..3i64).prop_map(|(up, add)| Move::Up(up, add)),
        1 => (1..4i64).prop_map(Move::Divided),
    ]
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let few = || prop::collection::vec(simple(), 0..3);
    let any = prop_oneof![
        8 => simple(),
        1 => few().prop_map(Move::Agree),
        1 => few().prop_map(Move::Where),
        1 => Just(Move::One),
    ];
    prop::collection::vec(any, 0..5)
}

/// By the definition of the layers, one after the other.
fn direct(moves: &[Move], mut n: i64) -> Option<i64> {
    let start = n;
    for one in moves {
        n = match one {
            Move::Window { size, stride, before, after } => {
                (n + before + after - size).div_euclid(*stride) + 1
            }
            Move::Ceil { size, stride, before } => {
                let most = (n + before - size + stride - 1).div_euclid(*stride) + 1;
                if (most - 1) * stride >= n + before { most - 1 } else { most }
            }
            Move::Pad(add) => n + add,
            Move::Up(up, add) => up * n + add,
            Move::Divided(by) if n % by != 0 => return None,
            Move::Divided(by) => n / by,
            Move::Agree(other) => {
                if direct(other, start) != Some(n) {
                    return None;
                }
                n
            }
            Move::Where(other) => {
                direct(other, start)?;
                n
            }
            Move::One => 1,
        };
        if n < 1 {
            return None;
        }
    }
    Some(n)
}

fn length(moves: &[Move]) -> Arc<Length> {
    moves.iter().fold(Arc::new(Length::Input), |length, one| {
        let step = match one {
            Move::Window { size, stride, before, after } => Step::window(*size, *stride, *before, *after),
            // The last window begins inside.
            Move::Ceil { size, stride, before } => {
                Step::new(1, before + stride - 1 + (stride - size).min(0), *stride)
            }
            Move::Pad(add) => Step::new(1, *add, 1),
            Move::Up(up, add) => Step::new(*up, *add, 1),
            Move::Divided(by) => Step::divided(*by),
            Move::Agree(other) => return length.agree(&self::length(other)),
            Move::Where(other) => return length.where_other(&self::length(other)).expect("small numbers"),
            Move::One => return Arc::new(Length::One(length)),
        };
        length.then(step).expect("small numbers")
    })
}

proptest! {
    #![proptest_config(crate::equality::decide::config(2000))]

    #[test]
    fn a_length_is_its_steps(moves in moves()) {
        let length = length(&moves);
        for n in 0..60 {
            prop_assert_eq!(length.at(n), direct(&moves, n).filter(|_| n > 0), "at {}", n);
        }
    }

    #[test]
    fn a_settled_length_repeats(moves in moves()) {
        let length = length(&moves);
        let (settled, period) = (length.settled().unwrap(), length.period().unwrap());
        let added = length.slope() * Rational::from(period);
        prop_assert!((1..4000).contains(&settled) && (added.is_integer() || length.at(settled).is_none()));
        for n in settled..settled + 3 * period.min(60) {
            let later = length.at(n).map(|here| Rational::from(here) + &added);
            prop_assert_eq!(length.at(n + period).map(Rational::from), later, "at {}", n);
        }
    }

    #[test]
    fn a_first_difference_is_the_first(a in moves(), b in moves()) {
        let found = first_difference(&length(&a), &length(&b)).unwrap();
        let direct = (1..400).find(|&n| direct(&a, n) != direct(&b, n));
        prop_assert!(found == direct || direct.is_none() && found.is_some_and(|n| n >= 400), "{:?} {:?}", found, direct);
    }

    #[test]
    fn what_holds_for_all_lengths_holds_far_out(a in moves(), b in moves()) {
        let (left, right) = (length(&a), length(&b));
        let common = left.agree(&right);
        let never = for_all_lengths(&[&common], 1, |n| common.at(n).is_none()).unwrap();
        let met = (1..600).find(|&n| direct(&a, n).is_some() && direct(&a, n) == direct(&b, n));
        prop_assert!(!never || met.is_none(), "{:?}", met);
        let always = for_all_lengths(&[&common], 1, |n| common.at(n).is_some()).unwrap();
        prop_assert_eq!(always, (1..600).all(|n| direct(&a, n).is_some() && direct(&a, n) == direct(&b, n)));
    }
}
