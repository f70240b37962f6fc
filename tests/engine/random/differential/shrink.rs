//! Makes a claim that was answered wrongly smaller: layers and conditions are left out as long as the answer is
//! wrong.

use super::judge::{Wrong, judge};
use super::spec::{Claim, Condition, Layer, Sizes, Stack};

/// Stacks with one thing less.
fn smaller(stack: &[Layer]) -> Vec<Stack> {
    let mut all = Vec::new();
    for at in 0..stack.len() {
        let with = |inner: Vec<Layer>| [&stack[..at], &inner, &stack[at + 1..]].concat();
        all.push(with(Vec::new()));
        match &stack[at] {
            Layer::Sum(branches) => {
                for (n, (factor, branch)) in branches.iter().enumerate() {
                    all.push(with(branch.clone()));
                    let without = branches.iter().enumerate().filter(|(m, _)| *m != n);
                    let rest: Vec<_> = without.map(|(_, branch)| branch.clone()).collect();
                    if !rest.is_empty() {
                        all.push(with(vec![Layer::Sum(rest)]));
                    }
                    for less in smaller(branch) {
                        let mut branches = branches.clone();
                        branches[n] = (*factor, less);
                        all.push(with(vec![Layer::Sum(branches)]));
                    }
                }
            }
            Layer::Concat(branches) => {
                all.extend(branches.iter().map(|branch| with(branch.clone())));
            }
            Layer::Gated { plus, first, gate } if gate.len() > 1 => {
                let less = gate[..gate.len() - 1].to_vec();
                all.push(with(vec![Layer::Gated { plus: *plus, first: *first, gate: less }]));
            }
            Layer::Power(inner, exponent) => {
                all.push(with(inner.clone()));
                if *exponent > 0 {
                    all.push(with(vec![Layer::Power(inner.clone(), exponent - 1)]));
                }
            }
            _ => {}
        }
    }
    all
}

fn conditions(condition: &Condition) -> Vec<Condition> {
    match condition {
        Condition::And(a, b) | Condition::Or(a, b) => vec![(**a).clone(), (**b).clone()],
        Condition::Not(a) => vec![(**a).clone()],
        Condition::Compare(..) => Vec::new(),
    }
}

fn candidates(claim: &Claim) -> Vec<Claim> {
    let [left, right] = &claim.sides;
    let mut all = Vec::new();
    let with = |sides: [Stack; 2]| Claim { sides, worst: None, ..claim.clone() };
    // The same layer at the beginning or end of both.
    for common in 1..=left.len().min(right.len()) {
        all.push(with([left[common..].to_vec(), right[common..].to_vec()]));
        let [a, b] = [left, right].map(|side| side[..side.len() - common].to_vec());
        all.push(with([a, b]));
    }
    all.extend(smaller(left).into_iter().map(|left| with([left, right.clone()])));
    all.extend(smaller(right).into_iter().map(|right| with([left.clone(), right])));
    if let Sizes::Where(condition) = &claim.sizes {
        let fewer = std::iter::once(Sizes::All).chain(conditions(condition).into_iter().map(Sizes::Where));
        all.extend(fewer.map(|sizes| Claim { sizes, worst: None, ..claim.clone() }));
    }
    all
}

/// The kind of a complaint: its first words.
fn kind(wrong: &Wrong) -> &str {
    wrong.0.get(..8).unwrap_or(&wrong.0)
}

pub(crate) fn smallest(claim: &Claim, wrong: &Wrong) -> (Claim, Wrong) {
    let (mut claim, mut wrong) = (claim.clone(), wrong.clone());
    for _ in 0..60 {
        let next = candidates(&claim).into_iter().find_map(|smaller| match judge(&smaller) {
            Err(again) if kind(&again) == kind(&wrong) => Some((smaller, again)),
            _ => None,
        });
        match next {
            Some(found) => (claim, wrong) = found,
            None => break,
        }
    }
    (claim, wrong)
}
