//! What came of the statements of a spec, written down in their order, whatever the order in which it comes.

use std::collections::BTreeMap;

use super::Event;
use crate::algebra::budget::Cancel;
use crate::diagnostic::Diagnostic;
use crate::kernel::{ConcreteKernel, Kernel};
use crate::report::{ClaimReport, Entry, FileReport};
use crate::source::Source;

/// What came of a statement, or of a claim of it.
pub(super) enum Step {
    /// It is to be shown as it is.
    Prose(String),
    /// It declared a name.
    Declared(String),
    /// It declared nothing, but has files written.
    Export { path: String, kernels: Vec<(String, ConcreteKernel)> },
    /// A claim was decided, and found kernels for names.
    Decided { claim: Option<Box<ClaimReport>>, found: Vec<(String, Kernel)> },
    /// So many claims have no report, for these mistakes if there are any.
    Passed { claims: usize, errors: Vec<Diagnostic> },
    /// A claim was left out, as the run was stopped.
    Stopped,
}

pub(super) struct Ledger<'a> {
    tell: &'a mut (dyn FnMut(Event<'_>) + Send),
    /// Whether the first failure ends the run, and what stops the work that is under way then.
    fail_fast: Option<Vec<Cancel>>,
    /// What is still to be written down, by its place.
    early: BTreeMap<usize, Step>,
    /// The next place.
    next: usize,
    entries: Vec<Entry>,
    errors: Vec<Diagnostic>,
    /// Claims written down, or passed over.
    claims: usize,
    ended: bool,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(
        tell: &'a mut (dyn FnMut(Event<'_>) + Send),
        fail_fast: Option<Vec<Cancel>>,
        errors: Vec<Diagnostic>,
    ) -> Self {
        let (early, entries) = (BTreeMap::new(), Vec::new());
        let mut ledger = Self { tell, fail_fast, early, next: 0, entries, errors, claims: 0, ended: false };
        ledger.failed(!ledger.errors.is_empty());
        ledger
    }

    /// Whether nothing more is to be written down.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    pub(super) fn tell(&mut self, event: Event<'_>) {
        (self.tell)(event);
    }

    /// Writes something down at its place, as soon as all places before it are taken.
    pub(super) fn put(&mut self, place: usize, step: Step) {
        self.early.insert(place, step);
        while let Some(step) = self.early.remove(&self.next) {
            self.next += 1;
            if !self.ended {
                self.write(step);
            }
        }
    }

    fn write(&mut self, step: Step) {
        match step {
            Step::Prose(text) => self.entries.push(Entry::Prose(text)),
            Step::Declared(text) => self.declared(&text),
            Step::Export { path, kernels } => self.tell(Event::Export { path: &path, kernels: &kernels }),
            Step::Decided { claim, found } => {
                self.claims += 1;
                if let Some(claim) = claim {
                    self.tell(Event::Decided(&claim));
                    self.failed(!claim.holds);
                    self.entries.push(Entry::Claim(claim));
                }
                found.iter().for_each(|(name, kernel)| self.tell(Event::Found(name, kernel)));
            }
            Step::Passed { claims, errors } => {
                self.claims += claims;
                self.failed(!errors.is_empty());
                self.errors.extend(errors);
            }
            Step::Stopped => {}
        }
    }

    /// Adds a declaration to those before it.
    fn declared(&mut self, text: &str) {
        if let Some(Entry::Declarations(before)) = self.entries.last_mut() {
            before.push('\n');
            before.push_str(text);
        } else {
            self.entries.push(Entry::Declarations(text.to_owned()));
        }
    }

    fn failed(&mut self, failed: bool) {
        if let Some(under_way) = self.fail_fast.as_ref().filter(|_| failed) {
            self.ended = true;
            under_way.iter().for_each(Cancel::cancel);
        }
    }

    /// The report of a spec with so many claims.
    pub(super) fn finish(self, source: &Source, claims: usize, stopped: bool) -> FileReport {
        if (self.ended || stopped) && self.claims < claims {
            (self.tell)(Event::LeftOut(claims - self.claims));
        }
        let Self { entries, mut errors, .. } = self;
        errors.sort_by_key(|diagnostic| diagnostic.primary.span);
        FileReport { source: source.clone(), entries, errors }
    }
}
