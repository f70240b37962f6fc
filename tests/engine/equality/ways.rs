//! What each procedure says by itself of every claim of the corpus that two stacks are equal, and what is said of the others; and
//! in how many steps.
//!
//! Most true claims have two proofs, so a procedure that loses one, or refutes what it should not, would not be noticed by
//! verdicts alone. The snapshots beside this file keep what was said; `cargo insta review` shows what has changed.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use convproof::ir::{Prop, Symbols};
use convproof::prove::decide::{Evidence, proposition};
use convproof::prove::equality::Way;
use convproof::prove::layers::{self, Candidate};
use convproof::prove::verdict::{StackProof, StackRefutation, StackVerdict, StackWitness};
use convproof::resolve::{ClaimBody, Resolved, Resolver};
use convproof::syntax::ast::Item;
use convproof::syntax::parse;
use convproof_exact::budget::{Budget, Halt, left};
use convproof_exact::floating::available;

/// Steps that one procedure may take for one claim.
const STEPS: u64 = 10_000_000;

/// All claims of a corpus file whose names all come from declarations, with their lines.
fn claims(name: &str) -> Vec<(usize, ClaimBody, Symbols)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/corpus/{name}.cf"));
    let text = fs::read_to_string(path).unwrap();
    let (spec, mistakes) = parse(&text);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    let mut resolver = Resolver::new(|_, _| Err("no files".to_owned()));
    let mut all = Vec::new();
    for item in &spec.items {
        let Item::Statement(statement) = item else { continue };
        let Ok(Resolved::Claims(found)) = resolver.statement(statement) else { continue };
        for claim in found {
            let line = text[..claim.span.start].lines().count() + 1;
            all.push((line, claim.body, resolver.symbols().clone()));
        }
    }
    all
}

/// A verdict in one line.
fn line_of(verdict: &StackVerdict) -> String {
    match verdict {
        StackVerdict::Proved(proof) => match proof {
            StackProof::NormalForm { map, inner, .. } => {
                format!("proved: {} parts, {inner:?}", map.parts.len())
            }
            StackProof::Patterns { patterns, horizon, composed } => {
                let matched: Vec<_> = composed.matched.iter().map(|matched| matched.patterns).collect();
                let (repeats, settled) = (composed.repeats, &composed.settled);
                format!("proved: patterns {patterns:?} {horizon:?} {repeats:?} {settled:?} {matched:?}")
            }
            StackProof::Words { patterns, horizon, sums, read } => {
                format!(
                    "proved: {patterns:?} {horizon:?} {:?} in {} blocks, {sums} sums",
                    read.repeats, read.blocks
                )
            }
            StackProof::Terms { patterns, horizon, terms, read } => {
                format!(
                    "proved: {patterns:?} {horizon:?} {:?} in {} blocks, {terms} terms",
                    read.repeats, read.blocks
                )
            }
            StackProof::Averages { bound, .. } => format!("proved: averages below {bound}"),
            StackProof::Within(enclosure, _) => format!("proved: {enclosure:?}"),
        },
        StackVerdict::Refuted(found) => format!("refuted: {}", refutation(found)),
        StackVerdict::Unknown(doubt) => format!("unknown: {doubt:?}"),
    }
}

fn refutation(found: &StackRefutation) -> String {
    let mut said = match &found.witness {
        StackWitness::Value(value) => {
            format!(
                "{:?} at {:?}: {} and {}",
                value.input().size(),
                value.position(),
                value.left(),
                value.right()
            )
        }
        StackWitness::Size(mismatch) => format!("{mismatch:?}"),
        StackWitness::Excess(excess) => {
            let value = excess.counterexample();
            let (size, position) = (value.input().size(), value.position());
            format!("{size:?} at {position:?}: {} and {}, {:?}", value.left(), value.right(), excess.worst())
        }
    };
    for wrong in [&found.wrong, &found.typical].into_iter().flatten() {
        write!(said, ", {} of {}", wrong.count, wrong.all).unwrap();
    }
    write!(said, ", {:?}", found.agreement).unwrap();
    said
}

/// What something says within a number of steps, and how many it took.
fn within(work: impl FnOnce() -> Option<String>) -> (Option<String>, u64) {
    let budget = Budget { steps: STEPS, ..Budget::default() };
    match budget.run(|| (work(), STEPS - left().unwrap())) {
        Ok(found) => found,
        Err(Halt::Exhausted(_)) => (Some("too many steps".to_owned()), 0),
        Err(Halt::Defect) => panic!("a defect"),
    }
}

/// What becomes of any other claim.
fn decided(body: &ClaimBody, symbols: &Symbols) -> Option<String> {
    match body {
        ClaimBody::Prop(prop) => {
            let verdict = proposition(prop, symbols).ok()?;
            let outcome = verdict.outcome();
            Some(match verdict.evidence() {
                Evidence::Stacks(_, decided) => {
                    format!("{} {:?}", line_of(decided.verdict()), decided.opinion())
                }
                Evidence::Kernels(_, verdict) => format!("{outcome:?}: {verdict:?}"),
                Evidence::Numbers(_, verdict) => format!("{outcome:?}: {verdict:?}"),
                // The corpus says what becomes of these.
                _ => return None,
            })
        }
        ClaimBody::Layers(equation) => {
            let found = layers::solve(&equation.claim, &equation.unknowns, symbols).ok()?;
            Some(match found {
                Ok(Candidate { kernels, meets, free }) => {
                    let sums: Vec<_> = kernels.iter().map(|kernel| kernel.sum().unwrap()).collect();
                    format!("{meets:?}, {free} free, {sums:?}")
                }
                Err(doubt) => format!("{doubt:?}"),
            })
        }
        // What is found in floating point is not the same on every machine.
        ClaimBody::Solve(_) | ClaimBody::Fit(_) => None,
    }
}

/// What all procedures say of a file, and in how many steps.
fn said(name: &str) -> [String; 2] {
    let mut all = String::new();
    let mut steps = [0; 5];
    for (line, body, symbols) in claims(name) {
        match &body {
            ClaimBody::Prop(Prop::Stacks(claim)) if claim.tolerance.is_none() => {
                let [mut proved, mut refuted] = [false; 2];
                for (way, steps) in Way::ALL.into_iter().zip(&mut steps) {
                    let (found, spent) = within(|| match way.alone(claim, &symbols) {
                        Ok(verdict) => {
                            proved |= matches!(verdict, Some(StackVerdict::Proved(_)));
                            refuted |= matches!(verdict, Some(StackVerdict::Refuted(_)));
                            verdict.as_ref().map(line_of)
                        }
                        // Without places, which are numbered over all specs that a process reads.
                        Err(error) => format!("{error:?}").split([' ', '(']).next().map(str::to_owned),
                    });
                    *steps += spent;
                    if let Some(found) = found {
                        writeln!(all, "{line} {way:?} {found}").unwrap();
                    }
                }
                assert!(!(proved && refuted), "{name}:{line}: procedures contradict each other");
            }
            other => {
                let (found, spent) = within(|| decided(other, &symbols));
                if let Some(found) = found {
                    steps[4] += spent;
                    writeln!(all, "{line} {found}").unwrap();
                }
            }
        }
    }
    let mut taken = String::new();
    for (way, steps) in Way::ALL.into_iter().zip(steps) {
        writeln!(taken, "{way:?}: {steps}").unwrap();
    }
    writeln!(taken, "others: {}", steps[4]).unwrap();
    [all, taken]
}

macro_rules! files {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            let name = stringify!($name).replace('_', "-");
            let [said, steps] = said(&name);
            insta::assert_snapshot!(stringify!($name), said);
            // Without the instructions for transforms other ways are cheapest.
            if available() {
                insta::assert_snapshot!(concat!(stringify!($name), "_steps"), steps);
            }
        })*

        #[test]
        fn all_files_are_here() {
            let listed = [$(stringify!($name)),*].map(|name| format!("{}.cf", name.replace('_', "-")));
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                assert!(!name.ends_with(".cf") || listed.contains(&name), "{name}");
            }
        }
    };
}

files! {
    blocks borders channels dilated equality field_borders field_branches field_nonlinear field_pooling field_shapes fit functions
    interpolation layers lipschitz means names nonlinear products questions ranges sizes slices soundness terms unknowns words
}
