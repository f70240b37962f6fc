//! Claims for all values of whole numbers, from instances. A proof for all values, by whatever law, has instances beside
//! it as a second opinion, as many as a bounded number of steps allows; without one, the least instance that fails refutes,
//! and nothing proves.

use super::decide::Outcome;
use convproof_exact::Limited;
use convproof_exact::budget;

/// Instances that are decided where there is no proof for all values.
const MAX_INSTANCES: usize = 40;
/// Instances that are decided beside a proof, at most.
const MAX_SPOTS: usize = 6;
/// Steps after which there are no more of them than the least number.
const SPOT_STEPS: u64 = 1 << 16;
/// Instances after the one that refutes, to see where the claim does hold.
const MAX_MORE: usize = 16;
/// The sum of the numbers beyond the least one, up to which these are looked for: larger instances cost more.
const MAX_MORE_EXCESS: i64 = 4;
/// The largest number that a condition speaks of.
const MAX_BOUND: i64 = 4;
/// Choices of numbers that are looked at, those that the conditions exclude counted.
const MAX_CHOICES: usize = 4096;
/// The sum of the numbers beyond the least one, up to which choices are looked at.
const MAX_EXCESS: i64 = 24;

/// Steps after which no further instance is looked at: instances get larger, and so do their strides.
const MAX_STEPS: u64 = 200_000_000;

/// What is known of a claim for all values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllValues<T> {
    /// There is a proof, and no instance that was tried fails.
    Proved,
    /// An instance fails: its numbers, and what was found there.
    Refuted(Vec<i64>, T),
    /// There is no proof, and no instance that was tried fails.
    Unknown,
    /// There is a proof, but the instance with these numbers fails: a defect of this program.
    Contradicted(Vec<i64>),
    /// The claim speaks of none of the numbers that were tried.
    Silent,
}

impl<T> AllValues<T> {
    /// What became of the claim.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Proved => Outcome::Proved,
            Self::Refuted(..) => Outcome::Refuted,
            Self::Unknown | Self::Contradicted(_) | Self::Silent => Outcome::Unknown,
        }
    }
}

/// Instances by their numbers, and whether each is known to hold.
pub type Tried = Vec<(Vec<i64>, bool)>;

/// A simple condition on sizes, which are named by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It is 1.
    One(usize),
    /// It is at most a number.
    UpTo(usize, i64),
    /// They are the same.
    Same(usize, usize),
    /// The first is at most the second.
    AtMost(usize, usize),
}

impl Rule {
    /// All conditions on so many sizes.
    pub fn all(count: usize) -> Vec<Self> {
        let mut all: Vec<Self> = (0..count).map(Self::One).collect();
        if count == 1 {
            all.extend((2..=MAX_BOUND).map(|most| Self::UpTo(0, most)));
        }
        for a in 0..count {
            all.extend((0..count).filter(|b| *b != a).map(|b| Self::AtMost(a, b)));
            all.extend((a + 1..count).map(|b| Self::Same(a, b)));
        }
        all
    }

    /// Whether it holds of these numbers.
    pub fn holds(self, values: &[i64]) -> bool {
        match self {
            Self::One(a) => values[a] == 1,
            Self::UpTo(a, most) => values[a] <= most,
            Self::Same(a, b) => values[a] == values[b],
            Self::AtMost(a, b) => values[a] <= values[b],
        }
    }
}

/// Conditions under which a claim is proved that fails at some instance: those of `all` under which no instance fails
/// and `proves` succeeds, without those that say nothing new of the instances.
pub fn proved_where(all: Vec<Rule>, tried: &Tried, mut proves: impl FnMut(Rule) -> bool) -> Vec<Rule> {
    let meets = |rule: &Rule, held: bool| {
        tried.iter().filter(|(_, holds)| *holds == held).filter(|(values, _)| rule.holds(values)).count()
    };
    let mut rules: Vec<Rule> =
        all.into_iter().filter(|rule| meets(rule, false) == 0 && meets(rule, true) > 0).collect();
    rules.sort_by_key(|rule| std::cmp::Reverse(meets(rule, true)));
    let mut kept: Vec<Rule> = Vec::new();
    for rule in rules {
        let new = |values: &[i64]| rule.holds(values) && !kept.iter().any(|own| own.holds(values));
        if tried.iter().any(|(values, holds)| *holds && new(values)) && proves(rule) {
            kept.push(rule);
        }
    }
    kept
}

/// Decides a claim for all values of so many numbers; `instance` decides it at some, `None` where it says nothing. Of a claim
/// that is proved, `beside` says how many instances are decided at least.
///
/// # Errors
/// Those of an instance, up to the first that fails.
pub fn decide<T, E>(
    count: usize,
    beside: Option<usize>,
    mut instance: impl FnMut(&[i64]) -> Result<Option<(Outcome, T)>, E>,
) -> Result<(AllValues<T>, Tried), E> {
    let proved = beside.is_some();
    let (most, steps) = if proved { (MAX_SPOTS, SPOT_STEPS) } else { (MAX_INSTANCES, MAX_STEPS) };
    let least = beside.unwrap_or(1);
    let mut tried = Tried::new();
    let spent = spent();
    for values in if proved { spots(count) } else { choices(count) } {
        if tried.len() >= most || (spent().exceeds(steps) && tried.len() >= least) {
            break;
        }
        match instance(&values)? {
            None => {}
            Some((Outcome::Refuted, _)) if proved => return Ok((AllValues::Contradicted(values), tried)),
            Some((Outcome::Refuted, found)) => {
                look_further(&values, &mut tried, instance);
                return Ok((AllValues::Refuted(values, found), tried));
            }
            Some((outcome, _)) => tried.push((values, outcome == Outcome::Proved)),
        }
    }
    let found = match (tried.is_empty(), proved) {
        (true, _) => AllValues::Silent,
        (false, true) => AllValues::Proved,
        (false, false) => AllValues::Unknown,
    };
    Ok((found, tried))
}

/// Decides some instances after the one that fails, to see where the claim does hold.
fn look_further<T, E>(
    failing: &[i64],
    tried: &mut Tried,
    mut instance: impl FnMut(&[i64]) -> Result<Option<(Outcome, T)>, E>,
) {
    let most = tried.len() + MAX_MORE;
    let spent = spent();
    tried.push((failing.to_vec(), false));
    for values in choices(failing.len()).skip_while(|values| values != failing).skip(1) {
        if tried.len() > most || excess(&values).exceeds(MAX_MORE_EXCESS) || spent().exceeds(MAX_STEPS) {
            break;
        }
        // A mistake at larger numbers does not save the claim.
        match instance(&values) {
            Ok(Some((Outcome::Proved, _))) => tried.push((values, true)),
            Ok(Some((Outcome::Refuted, _))) => tried.push((values, false)),
            _ => {}
        }
    }
}

/// Tells how many steps were taken since, by the budget in force.
fn spent() -> impl Fn() -> u64 {
    let before = budget::left();
    move || before.zip(budget::left()).map_or(0, |(before, now)| before.saturating_sub(now))
}

/// Choices of numbers to look at beside a proof, those first that would show most: no number is 1 and those next to each other
/// differ, then all are 1, then all others.
fn spots(count: usize) -> Box<dyn Iterator<Item = Vec<i64>>> {
    let apart: Vec<i64> = (2..=4).cycle().take(count).collect();
    let others = choices(count).filter({
        let apart = apart.clone();
        move |values| *values != apart
    });
    Box::new(std::iter::once(apart).chain(others))
}

/// All choices of numbers from 1, by their sum, then in order.
fn choices(count: usize) -> Box<dyn Iterator<Item = Vec<i64>>> {
    let mut excess = 0;
    let mut next: Option<Vec<i64>> = Some(first(count, 0));
    let all = std::iter::from_fn(move || {
        let current = next.take().or_else(|| {
            excess += 1;
            excess.within(MAX_EXCESS).then(|| first(count, excess))
        })?;
        next = after(&current);
        Some(current)
    });
    Box::new(all.take(MAX_CHOICES))
}

/// How far the sum of the numbers is beyond the least one.
fn excess(values: &[i64]) -> i64 {
    values.iter().map(|value| value - 1).sum()
}

/// The first choice with a given sum beyond the least: all of it on the last size.
fn first(count: usize, excess: i64) -> Vec<i64> {
    let mut values = vec![1; count];
    if let Some(last) = values.last_mut() {
        *last += excess;
    }
    values
}

/// The next choice of the same sum in order.
fn after(values: &[i64]) -> Option<Vec<i64>> {
    let last = values.len().checked_sub(1)?;
    let from = (1..=last).rev().find(|&at| values[at] > 1)?;
    let mut next = values.to_vec();
    next[from - 1] += 1;
    let rest = next[from] - 2;
    next[from] = 1;
    next[last] += rest;
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(beside: Option<usize>, at: impl Fn(i64) -> Option<Outcome>) -> (AllValues<i64>, usize) {
        let instance = |values: &[i64]| Ok::<_, ()>(at(values[0]).map(|outcome| (outcome, values[0])));
        let (found, tried) = decide(1, beside, instance).unwrap();
        (found, tried.len())
    }

    #[test]
    fn instances_refute_and_never_prove() {
        assert_eq!(decided(None, |_| Some(Outcome::Proved)), (AllValues::Unknown, 25));
        assert_eq!(decided(Some(2), |_| Some(Outcome::Proved)), (AllValues::Proved, MAX_SPOTS));
        assert_eq!(decided(Some(2), |_| Some(Outcome::Unknown)), (AllValues::Proved, MAX_SPOTS));
        let fails = |n| Some(if n == 3 { Outcome::Refuted } else { Outcome::Proved });
        assert_eq!(decided(Some(2), fails), (AllValues::Contradicted(vec![3]), 2));
        // Two before it, itself, and those up to a small excess.
        assert_eq!(decided(None, fails), (AllValues::Refuted(vec![3], 3), 5));
        assert_eq!(decided(Some(2), |_| None), (AllValues::Silent, 0));
        for unknown in [AllValues::Unknown, AllValues::Contradicted(vec![1]), AllValues::<()>::Silent] {
            assert_eq!(unknown.outcome(), Outcome::Unknown);
        }
    }

    #[test]
    fn a_condition_is_told_only_where_it_is_proved_and_no_instance_fails() {
        // Holds for a <= b, and for b = 1.
        let tried: Tried = choices(2).take(15).map(|n| (n.clone(), n[0] <= n[1] || n[1] == 1)).collect();
        let all = |proves: &dyn Fn(Rule) -> bool| proved_where(Rule::all(2), &tried, proves);
        assert_eq!(all(&|_| true), [Rule::AtMost(0, 1), Rule::One(1)]);
        assert_eq!(all(&|rule| rule != Rule::AtMost(0, 1)), [Rule::One(0), Rule::One(1), Rule::Same(0, 1)]);
        assert_eq!(all(&|_| false), []);
        let asked = std::cell::RefCell::new(Vec::new());
        all(&|rule| {
            asked.borrow_mut().push(rule);
            false
        });
        assert!(!asked.borrow().contains(&Rule::AtMost(1, 0)), "an instance with b <= a fails");
    }

    #[test]
    fn choices_come_by_sum_then_in_order_of_declaration() {
        let all: Vec<Vec<i64>> = choices(2).take(6).collect();
        assert_eq!(all, [[1, 1], [1, 2], [2, 1], [1, 3], [2, 2], [3, 1]]);
        let three: Vec<Vec<i64>> = choices(3).take(10).collect();
        assert_eq!(three[4..7], [[1, 1, 3], [1, 2, 2], [1, 3, 1]]);
        let mut all: Vec<Vec<i64>> = choices(4).take(126).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 126);
    }

    #[test]
    fn many_sizes_and_none_end() {
        assert_eq!(choices(8).count(), MAX_CHOICES);
        assert!(choices(1).count() <= MAX_CHOICES);
    }
}
