//! Verdicts about claims for all values of sizes, from those about instances.

use super::doubt;
use super::{Shown, Told};
use crate::{Block, Witness};
use convproof_engine::prove::instances::{AllValues, Rule, Tried};

/// Instances of a claim that were decided.
#[derive(Clone, Debug)]
pub struct Instances<'a> {
    /// The sizes, in order.
    pub sizes: &'a [String],
    /// Their values in each instance, and whether it holds.
    pub all: Tried,
    /// Conditions under which a claim that fails at some is proved.
    pub proved: Vec<Rule>,
}

/// `p = 1, q = 2`
pub fn at(sizes: &[String], values: &[i64]) -> String {
    let all: Vec<String> =
        sizes.iter().zip(values).map(|(name, value)| format!("{name} = {value}")).collect();
    all.join(", ")
}

/// A verdict for all values as a report shows it, with the law that proves it or the reason why none does; `None`
/// where the claim speaks of no values.
pub fn all_sizes(
    found: AllValues<Shown>,
    law: Result<&str, &str>,
    instances: &Instances<'_>,
) -> Option<Shown> {
    let outcome = found.outcome();
    let Told { method, details, witness } = match (found, law) {
        (AllValues::Silent, _) => return None,
        (AllValues::Contradicted(values), _) => contradicted(instances.sizes, &values),
        (AllValues::Refuted(values, instance), _) => refuted(&values, instance, instances),
        (AllValues::Proved, law) => proved(law.unwrap_or_default(), instances),
        (AllValues::Unknown, reason) => undecided(reason.err().unwrap_or_default(), instances),
    };
    Some(Shown { outcome, method, details, witness })
}

/// A proof for all values by a law.
fn proved(law: &str, instances: &Instances<'_>) -> Told {
    let names = instances.sizes.join(", ");
    Told {
        method: format!("for all {names}: {law}; {}", instances.summary()),
        details: Vec::new(),
        witness: Some(Witness::AllSizes { sizes: instances.sizes.to_vec(), law: law.to_owned() }),
    }
}

/// No proof for all values, and no instance that fails.
fn undecided(reason: &str, instances: &Instances<'_>) -> Told {
    let names = instances.sizes.join(", ");
    let method = format!("undecided for all {names}: {reason}; {}", instances.summary());
    let sizes = Some(instances.sizes.to_vec());
    let witness = Witness::Unknown { reason: method.clone(), code: "all_sizes", sizes };
    Told { method, details: Vec::new(), witness: Some(witness) }
}

/// A proof that an instance contradicts.
fn contradicted(sizes: &[String], values: &[i64]) -> Told {
    let at = at(sizes, values);
    let method = format!(
        "undecided: a proof for all sizes was found, but the instance {at} fails; please report this as a defect"
    );
    doubt::undecided(method, "defect")
}

/// An instance that fails, and where the claim holds among others.
fn refuted(values: &[i64], instance: Shown, instances: &Instances<'_>) -> Told {
    let Shown { method, mut details, witness, .. } = instance;
    details.extend(instances.rule().map(Block::Text));
    let sizes = instances.sizes.iter().cloned().zip(values.iter().copied()).collect();
    Told {
        method: format!("at {}: {method}", at(instances.sizes, values)),
        details,
        witness: Some(Witness::Instance { sizes, instance: witness.map(Box::new) }),
    }
}

impl Instances<'_> {
    fn held(&self) -> usize {
        self.all.iter().filter(|(_, holds)| *holds).count()
    }

    /// How many instances hold, and the largest that was tried.
    fn summary(&self) -> String {
        let held = self.held();
        let largest = self.all.iter().max_by_key(|(values, _)| values.iter().sum::<i64>());
        let largest = largest.map(|(values, _)| at(self.sizes, values)).unwrap_or_default();
        let open = match self.all.len() - held {
            0 => String::new(),
            open => format!(", {open} undecided"),
        };
        let s = if held == 1 { "" } else { "s" };
        format!("with numbers in their place it holds at {held} instance{s}{open}, up to {largest}")
    }

    /// Where the claim does hold, as far as that is known: where it is proved, or else a simple condition that tells the
    /// instances that hold from those that do not.
    fn rule(&self) -> Option<String> {
        let count = self.all.len();
        if count < 2 {
            return None;
        }
        let held = self.held();
        if held == 0 {
            return Some(format!("it holds at none of the {count} instances that were tried"));
        }
        let covered = |values: &[i64]| self.proved.iter().any(|rule| rule.holds(values));
        if self.all.iter().all(|(values, holds)| covered(values) == *holds) {
            let rules: Vec<String> = self.proved.iter().map(|rule| self.words(*rule)).collect();
            let others = match count - held {
                1 => "the one other instance that was tried".to_owned(),
                n => format!("all {n} other instances that were tried"),
            };
            return Some(format!("it is proved wherever {}; it fails at {others}", rules.join(" or ")));
        }
        let tells = |rules: &[Rule]| {
            self.all.iter().all(|(values, holds)| rules.iter().any(|rule| rule.holds(values)) == *holds)
        };
        let all = Rule::all(self.sizes.len());
        let one = all.iter().map(|a| vec![*a]);
        let two = all.iter().flat_map(|a| all.iter().map(|b| vec![*a, *b]));
        let rules = one.chain(two).find(|rules| tells(rules))?;
        let rules: Vec<String> = rules.into_iter().map(|rule| self.words(rule)).collect();
        Some(format!(
            "of the {count} instances that were tried it holds exactly at those with {}",
            rules.join(" or ")
        ))
    }

    fn words(&self, rule: Rule) -> String {
        let name = |at: usize| &self.sizes[at];
        match rule {
            Rule::One(a) => format!("{} = 1", name(a)),
            Rule::UpTo(a, most) => format!("{} ≤ {most}", name(a)),
            Rule::Same(a, b) => format!("{} = {}", name(a), name(b)),
            Rule::AtMost(a, b) => format!("{} ≤ {}", name(a), name(b)),
        }
    }
}
