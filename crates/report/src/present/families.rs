//! Verdicts about claims for all values of sizes, from those about instances.

use std::collections::BTreeMap;

use super::{Shown, Told, derivation, doubt, steps, symbolic};
use crate::witness::Derivation;
use crate::{Block, Witness};
use convproof_engine::prove::instances::{AllValues, Rule, Tried};
use convproof_engine::prove::verdict::Read;
use convproof_language::resolve::{NumbersCompared, SizeLaw, SizeProof};
use convproof_language::source::Places;

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

/// Why a claim holds for all values of its sizes.
#[derive(Clone, Debug, Default)]
pub struct Grounds {
    law: String,
    by: &'static str,
    details: Vec<Block>,
    written: Option<BTreeMap<String, String>>,
    at: Option<BTreeMap<String, i64>>,
    left: Option<Vec<Option<String>>>,
    differences: Option<Vec<String>>,
    derivation: Option<Box<Derivation>>,
    first: Option<Box<Derivation>>,
}

impl Grounds {
    /// A law of which nothing more is said.
    pub fn unsaid(law: &str) -> Self {
        Self { law: law.to_owned(), ..Self::default() }
    }

    /// A proof with the sizes as symbols.
    pub fn symbolic(proof: &SizeProof, places: Places<'_>) -> Self {
        let both = |steps| Some(Box::new(symbolic::derivation(steps, proof, places)));
        let blocks = |steps| symbolic::blocks(steps, proof, places);
        let mut grounds = match &proof.law {
            SizeLaw::NormalForm(steps) => Self {
                by: "normal_form",
                details: steps.as_ref().map(blocks).unwrap_or_default(),
                derivation: steps.as_ref().and_then(both),
                ..Self::unsaid(NORMAL_FORM)
            },
            SizeLaw::Induction { first, next } => {
                let titled = |title: &str, steps| {
                    let blocks = blocks(steps);
                    let title = (!blocks.is_empty()).then(|| Block::Text(title.to_owned()));
                    title.into_iter().chain(blocks).collect::<Vec<_>>()
                };
                Self {
                    by: "induction",
                    details: [titled(ONE_STAGE, first), titled(NEXT_STAGE, next)].concat(),
                    derivation: both(next),
                    first: both(first),
                    ..Self::unsaid(INDUCTION)
                }
            }
            SizeLaw::Numbers(numbers) => Self::numbers(numbers, proof),
        };
        let written = proof.written();
        if !written.is_empty() {
            let all: Vec<String> = written.iter().map(|(size, value)| format!("{size} = {value}")).collect();
            let all = all.join(", ");
            let prime = if all.contains('′') { "; a primed number is any whole one from 1" } else { "" };
            grounds.details.push(Block::Text(format!("Sizes that conditions restrict: {all}{prime}.")));
            grounds.written =
                Some(written.into_iter().map(|(size, value)| (size.to_owned(), value)).collect());
        }
        grounds
    }

    fn numbers(numbers: &[NumbersCompared], proof: &SizeProof) -> Self {
        let left: Vec<_> = numbers.iter().map(|one| one.left.as_ref().map(|left| proof.show(left))).collect();
        let differences: Vec<_> = numbers.iter().map(|one| proof.show(&one.difference)).collect();
        let text = if numbers.iter().all(|one| one.difference.is_zero()) {
            let left = left.iter().cloned().collect::<Option<Vec<_>>>();
            left.map(|left| format!("Both sides are {}.", left.join(", ")))
        } else {
            Some(format!("The right side less the left one is {}.", differences.join(", ")))
        };
        Self {
            by: "numbers",
            details: text.map(Block::Text).into_iter().collect(),
            left: Some(left),
            differences: Some(differences),
            ..Self::unsaid(NUMBERS)
        }
    }

    /// A proof by sums of products of matrices at so many channels, which are the same for every number of them.
    pub fn matrices(read: &Read, sizes: &[String], values: &[i64], places: Places<'_>) -> Self {
        Self {
            by: "words",
            details: derivation::read(read, places, true),
            derivation: Some(Box::new(steps::read(read, places))),
            at: Some(sizes.iter().cloned().zip(values.iter().copied()).collect()),
            ..Self::unsaid(MATRICES)
        }
    }
}

const NORMAL_FORM: &str = "both sides have the same normal form, with the sizes as symbols in the exponents";
const INDUCTION: &str = "by induction: one stage is the right side at 1, and one stage after the right side is it at the next number";
const ONE_STAGE: &str = "One stage, on the left, is the other side at 1:";
const NEXT_STAGE: &str =
    "The other side and one more stage, on the left, is the other side at the next number:";
const NUMBERS: &str =
    "the difference of both sides, a polynomial in the sizes, has no coefficient of the wrong sign";
const MATRICES: &str = "at all pairs of row and column border patterns both sides are the same sum of products of the kernels' matrices";

/// `p = 1, q = 2`
pub fn at(sizes: &[String], values: &[i64]) -> String {
    let all: Vec<String> =
        sizes.iter().zip(values).map(|(name, value)| format!("{name} = {value}")).collect();
    all.join(", ")
}

/// A verdict for all values as a report shows it, with what proves it or the reason why nothing does; `None`
/// where the claim speaks of no values.
pub fn all_sizes(
    found: AllValues<Shown>,
    proof: Result<Grounds, &str>,
    instances: &Instances<'_>,
) -> Option<Shown> {
    let outcome = found.outcome();
    let Told { method, details, witness } = match (found, proof) {
        (AllValues::Silent, _) => return None,
        (AllValues::Contradicted(values), _) => contradicted(instances.sizes, &values),
        (AllValues::Refuted(values, instance), _) => refuted(&values, instance, instances),
        (AllValues::Proved, proof) => proved(proof.unwrap_or_default(), instances),
        (AllValues::Unknown, reason) => undecided(reason.err().unwrap_or_default(), instances),
    };
    Some(Shown { outcome, method, details, witness })
}

/// A proof for all values by a law.
fn proved(grounds: Grounds, instances: &Instances<'_>) -> Told {
    let Grounds { law, by, details, written, at, left, differences, derivation, first } = grounds;
    let (names, sizes) = (instances.sizes.join(", "), instances.sizes.to_vec());
    Told {
        method: format!("for all {names}: {law}; {}", instances.summary()),
        details,
        witness: Some(Witness::AllSizes {
            sizes,
            law,
            by,
            written,
            at,
            left,
            differences,
            derivation,
            first,
        }),
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
