//! What `tests/engine` does not see of lengths: laws, bounds, remainders, limits.

use super::*;
use convproof_exact::SplitMix64;

/// Inputs that are looked at.
const LOOKED: i64 = 600;

fn step(random: &mut SplitMix64) -> Step {
    let mut below = |most: u64| i64::try_from(random.below(most)).unwrap();
    let step = Step::new(1 + below(3), below(9) - 5, 1 + below(4));
    match below(6) {
        1 => Step::divided(1 + below(3)),
        2 => Step::window(1 + below(4), 1 + below(3), below(3), below(3)),
        _ => step,
    }
}

fn length(random: &mut SplitMix64, depth: u64) -> Arc<Length> {
    match if depth == 0 { 0 } else { random.below(9) } {
        0 => Arc::new(Length::Input),
        1 => Arc::new(Length::One(length(random, depth - 1))),
        8 => {
            let [length, other] = [0; 2].map(|_| length(random, depth - 1));
            length.where_other(&other).unwrap_or(length)
        }
        2 | 3 => length(random, depth - 1).agree(&length(random, depth - 1)),
        _ => {
            let inner = length(random, depth - 1);
            let step = step(random);
            inner.then(step).unwrap()
        }
    }
}

fn lengths(seed: u64, count: usize) -> Vec<Arc<Length>> {
    let mut random = SplitMix64::new(seed);
    (0..count).map(|_| length(&mut random, 3)).collect()
}

#[test]
fn steps_are_as_counted_by_hand() {
    // A window of 3 moved by 2 over one more row at each end; outputs of a stride that cannot be are none.
    let window = Step::window(3, 2, 1, 1);
    assert_eq!((1..8).map(|n| window.apply(n).unwrap()).collect::<Vec<_>>(), [1, 1, 2, 2, 3, 3, 4]);
    assert_eq!(
        (1..7).map(|n| Step::divided(3).apply(n)).collect::<Vec<_>>(),
        [None, None, Some(1), None, None, Some(2)]
    );
    // The longest signal that there may be, and one that is longer.
    assert!(Arc::new(Length::Input).then(Step::new(1 << 20, 0, 1)).is_some());
    assert!(Arc::new(Length::Input).then(Step::new((1 << 20) + 1, 0, 1)).is_none());
}

#[test]
fn a_fixed_length_is_that_wherever_there_is_one_and_others_change() {
    let mut seen = [0; 2];
    for length in lengths(3, 4000) {
        let found: Vec<i64> = (1..LOOKED).filter_map(|n| length.at(n)).collect();
        match length.fixed() {
            Some(fixed) => assert!(found.iter().all(|&value| value == fixed), "{length:?}"),
            // Lengths that must agree may do so at one only.
            None if matches!(*length, Length::Agree(..)) || found.len() < 300 => continue,
            None => assert!(found.iter().any(|&value| value != found[0]), "{length:?}"),
        }
        seen[usize::from(length.fixed().is_some())] += usize::from(!found.is_empty());
    }
    assert!(seen.iter().all(|&count| count > 200), "{seen:?}");
    let input = Arc::new(Length::Input);
    let one = Arc::new(Length::One(input.clone()));
    let four = one.then(Step::new(1, 3, 1)).unwrap();
    assert_eq!([&input, &one, &four].map(|length| length.fixed()), [None, Some(1), Some(4)]);
    assert_eq!([input.agree(&four), four.agree(&input)].map(|length| length.fixed()), [Some(4); 2]);
}

#[test]
fn a_law_is_the_length_wherever_there_is_one() {
    let mut said = 0;
    for length in lengths(2, 2000) {
        let Some([a, b, c]) = length.law() else { continue };
        said += 1;
        for n in 1..100 {
            assert!(length.at(n).is_none_or(|value| value == (a * n + b).div_euclid(c)), "{length:?} {n}");
        }
    }
    assert!(said > 500, "{said}");
    let input = Arc::new(Length::Input);
    let half = input.then(Step::new(1, 1, 2)).unwrap();
    assert_eq!((input.law(), half.law()), (Some([1, 0, 1]), Some([1, 1, 2])));
    assert_eq!(Length::One(half.clone()).law(), Some([0, 1, 1]));
    let more = half.then(Step::new(2, 0, 1)).unwrap();
    assert_eq!((more.law(), input.agree(&half).law()), (None, None));
}

#[test]
fn lengths_repeat_modulo_numbers_and_have_bounds_that_never_fall() {
    let mut told = 0;
    for length in lengths(3, 2000) {
        let (Ok(period), Ok(settled)) = (length.period(), length.settled()) else { continue };
        if settled + 3 * period > LOOKED {
            continue;
        }
        told += 1;
        for m in 1..5 {
            let Ok(period) = length.period_modulo(m) else { continue };
            for n in settled..settled + period {
                let modulo = |n| length.at(n).map(|value| value % m);
                assert_eq!(modulo(n), modulo(n + period), "{length:?} modulo {m}");
            }
        }
        let mut before = None;
        for n in 1..60 {
            let least = length.least_at(n);
            assert!(least >= before, "{length:?} {n}");
            before = least;
            let found = (n..90).filter_map(|n| length.at(n)).min();
            assert!(least.zip(found).is_none_or(|(least, found)| least <= found), "{length:?} {n}");
        }
    }
    assert!(told > 1500, "{told}");
}

#[test]
fn lengths_repeat_modulo_numbers_no_later_than_they_must() {
    let input = Arc::new(Length::Input);
    let half = input.then(Step::new(1, 0, 2)).unwrap();
    let doubled = input.then(Step::new(2, 1, 1)).unwrap();
    let modulo = |length: &Length, m: i64| length.period_modulo(m).unwrap();
    assert_eq!([1, 2, 5].map(|m| modulo(&input, m)), [1, 2, 5]);
    assert_eq!([1, 2, 3].map(|m| modulo(&half, m)), [2, 4, 6]);
    assert_eq!([1, 2, 3, 4, 6].map(|m| modulo(&doubled, m)), [1, 1, 3, 2, 3]);
    assert_eq!([1, 2, 7].map(|m| modulo(&Length::One(half.clone()), m)), [2, 2, 2]);
}

#[test]
fn what_is_periodic_is_tested_to_the_end() {
    let half = Arc::new(Length::Input).then(Step::new(1, 0, 2)).unwrap();
    let third = Arc::new(Length::Input).then(Step::new(1, -7, 3)).unwrap();
    let lengths = [&*half, &*third];
    // Both have settled from 10 on and repeat after 6, with every fifth after 30.
    assert_eq!(for_all_lengths(&lengths, 5, |_| true), Ok(true));
    for wrong in 1..10 + 60 {
        assert_eq!(for_all_lengths(&lengths, 5, |n| n != wrong), Ok(false), "{wrong}");
    }
    assert_eq!(for_all_lengths(&lengths, 5, |n| n < 10 + 60), Ok(true));
    assert_eq!(for_all_lengths(&lengths, MAX_PERIOD, |_| true), Err(OperatorError::PeriodTooLong));
}

#[test]
fn lengths_repeat_together_within_limits() {
    let input = Arc::new(Length::Input);
    let cropped = |rows: i64| input.then(Step::new(1, -rows, 1)).unwrap();
    let every = |rows: i64| input.then(Step::new(1, 0, rows)).unwrap();
    assert_eq!(repeats([&*cropped(7), &*every(6)], 4), Ok((8, 12)));
    let too_long = Err(OperatorError::PeriodTooLong);
    // Each limit by itself: where they begin to repeat, and after how many.
    assert_eq!(repeats([&*cropped(MAX_LENGTH - 1)], 1), Ok((MAX_LENGTH, 1)));
    assert_eq!(repeats([&*cropped(MAX_LENGTH)], 1), too_long);
    assert_eq!(repeats([&*every(2)], MAX_PERIOD), Ok((2, MAX_PERIOD)));
    assert_eq!(repeats([&*every(3)], MAX_PERIOD), too_long);
}

#[test]
fn quotients_are_rounded_to_their_side() {
    for (numerator, denominator, low, high) in [(7, 2, 3, 4), (-7, 2, -4, -3), (6, 3, 2, 2), (-6, 3, -2, -2)]
    {
        let value = ratio(numerator, denominator);
        assert_eq!((floor(&value), ceil(&value)), (Some(low), Some(high)));
    }
    let wide = Rational::from(i64::MAX) + ratio(1, 2);
    assert_eq!((floor(&wide), ceil(&wide)), (Some(i64::MAX), None));
    assert_eq!(floor(&(Rational::from(i64::MAX) + Rational::ONE)), None);
    assert_eq!(common_period([4, 6, 10]), Ok(60));
    assert_eq!(common_period([i64::MAX, i64::MAX - 1]), Err(OperatorError::PeriodTooLong));
}
