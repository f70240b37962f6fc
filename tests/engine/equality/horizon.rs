//! Past the horizon nothing new is seen: the claim that makes all sizes finitely many.

use std::collections::BTreeSet;

use convproof::ir::Symbols;
use convproof::operator::length::Length;
use convproof::operator::pattern::{Pattern, Viewer};
use convproof::operator::{Affine, Operators};
use proptest::prelude::*;

use crate::equality::build::{chain, layer};
use crate::equality::decide::config;
use crate::equality::rewrites;
use crate::equality::stacks::{chained, linear};

/// What is seen at an input length: patterns, and how many of the read positions lie before and in the input.
fn seen(viewer: &Viewer<'_>, n: i64, outputs: i64) -> BTreeSet<(String, usize, usize)> {
    let show = |pattern: &Pattern| format!("{pattern:?}");
    let one = |i: i64| {
        let sight = viewer.sight(n, i);
        let below = |bound: i64| sight.input.partition_point(|&at| at < bound);
        (show(&sight.pattern), below(0), below(n))
    };
    (0..outputs).map(one).collect()
}

proptest! {
    #![proptest_config(config(250))]

    #[test]
    fn nothing_new_is_seen_past_the_horizon(
        left in prop::collection::vec(linear(), 1..5),
        right in prop::option::of(prop::collection::vec(linear(), 1..4)),
        place in 0..12usize,
        change in 0..6usize,
    ) {
        let mut symbols = Symbols::default();
        let one = |(stack, channels): (std::sync::Arc<_>, usize)| match channels {
            1 => stack,
            _ => chain(&[&stack, &layer(convproof::ir::Layer::Select { from: 0, to: 1 })]),
        };
        let left = one(chained(&left, 1, &mut symbols));
        let right = match right {
            Some(plans) => one(chained(&plans, 1, &mut symbols)),
            None => rewrites::mutated(&left, place, change),
        };
        let (left, right) = rewrites::levelled(&left, &right);
        let mut operators = Operators::new(1, None);
        let input = operators.input().unwrap();
        let maps = [&left, &right].map(|stack| operators.apply(stack, input.clone()));
        let [Ok(left), Ok(right)] = maps else { return Ok(()) };
        let maps: [&Affine; 2] = [&left, &right];
        for axis in 0..2 {
            let viewer = Viewer::new(&operators, maps.to_vec(), axis);
            let horizon = viewer.horizon().unwrap();
            prop_assume!(horizon.from + 3 * horizon.period < 400);
            let common = |n: i64| {
                let [a, b]: [&Length; 2] = [&maps[0].length[axis], &maps[1].length[axis]];
                (a.at(n), b.at(n))
            };
            for n in horizon.from..horizon.from + horizon.period {
                for later in [n + horizon.period, n + 2 * horizon.period] {
                    let (here, there) = (common(n), common(later));
                    prop_assert_eq!(here.0.is_some(), there.0.is_some());
                    prop_assert_eq!(here.1.is_some(), there.1.is_some());
                    prop_assert_eq!(here.0 == here.1, there.0 == there.1, "{} {}", n, later);
                    if let (Some(few), Some(more)) = (here.0.filter(|_| here.0 == here.1), there.0) {
                        prop_assert_eq!(seen(&viewer, n, few), seen(&viewer, later, more), "{} {}", n, later);
                    }
                }
            }
        }
    }
}
