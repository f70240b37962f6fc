//! Checks several specs at once and hands out what comes of it in order.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Builder};
use std::time::Duration;

use crate::algebra::budget::{Budget, Cancel};
use crate::check::{Event, Options, check_with};
use crate::kernel::ConcreteKernel;
use crate::load::Loaded;
use crate::report::{ClaimReport, FileReport};
use crate::room::STACK;

use super::files::Spec;
use super::progress::{self, Slot};
use super::watch::{Noted, Seen};

/// How specs are checked.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Time for each claim.
    pub(super) limit: Option<Duration>,
    /// Specs at a time.
    pub(super) jobs: Option<usize>,
    /// Part of the labels of the claims to decide.
    pub(super) only: Option<String>,
    /// Whether a spec ends at its first claim that fails.
    pub(super) fail_fast: bool,
    /// Ends the run with what is known: Ctrl-C.
    pub(super) stop: Cancel,
    /// Ends the run, for that or another reason.
    pub(super) end: Cancel,
}

impl Settings {
    /// Whether the run is to end; what is under way is told by the clock.
    pub(super) fn ends(&self) -> bool {
        if self.stop.is_cancelled() {
            self.end.cancel();
        }
        self.end.is_cancelled()
    }
}

/// What comes of a spec, bit by bit.
pub(super) enum Part {
    /// What is said of its next claim.
    Claim(String),
    /// All of it.
    Done(Box<Done>),
}

/// What came of a spec.
pub(super) struct Done {
    /// Its report.
    pub(super) report: FileReport,
    /// How many claims were left out.
    pub(super) left_out: usize,
    /// The kernels that `solve` and `fit` found, where they have no free symbols.
    pub(super) found: Vec<(String, Loaded)>,
    /// What is to go to files.
    pub(super) exports: Vec<(PathBuf, String, Loaded)>,
}

/// What is said of a claim.
type Say<'a> = &'a (dyn Fn(&ClaimReport) -> String + Sync);

/// Checks the specs; `each` gets the parts of what comes of them in the order of the specs and their claims, each as
/// soon as that allows. What `say` makes of a claim is a part unless it is empty.
pub(super) fn check_all(
    specs: &[Spec],
    settings: &Settings,
    seen: &Seen,
    say: Say<'_>,
    each: impl FnMut(usize, Part),
) {
    let jobs = settings.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let slots: Vec<Slot> = (0..jobs.min(specs.len())).map(|_| Slot::default()).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, parts) = mpsc::channel();
        let (watched, end) = mpsc::channel();
        // Without a thread to spare there is no progress to see and no clock; the budget limits the work.
        let _ = Builder::new().spawn_scoped(scope, || progress::watch(&slots, end, settings));
        let mut started = 0;
        for slot in &slots {
            let worker = Worker { specs, next: &next, settings, seen, say, slot, sender: sender.clone() };
            let thread = Builder::new().stack_size(STACK);
            started += usize::from(thread.spawn_scoped(scope, move || worker.work()).is_ok());
        }
        if let (0, Some(slot)) = (started, slots.first()) {
            Worker { specs, next: &next, settings, seen, say, slot, sender: sender.clone() }.work();
        }
        drop(sender);
        in_order(&parts, each);
        drop(watched);
    });
}

struct Worker<'a> {
    specs: &'a [Spec],
    next: &'a AtomicUsize,
    settings: &'a Settings,
    seen: &'a Seen,
    say: Say<'a>,
    slot: &'a Slot,
    sender: Sender<(usize, Part)>,
}

impl Worker<'_> {
    /// Takes one spec after the other until none is left.
    fn work(self) {
        while !self.settings.ends() {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(spec) = self.specs.get(at) else { return };
            let (mut left_out, mut found, mut exports) = (0, Vec::new(), Vec::new());
            let report = match spec.read() {
                Ok(source) => {
                    let files = Noted { folder: spec.folder(), seen: self.seen };
                    check_with(&source, &files, &self.options(), &mut |event| match event {
                        Event::Reading(line) => self.slot.begin(spec, line, None),
                        Event::Deciding { label, number, of } => {
                            self.slot.begin(spec, label, Some((number, of)));
                        }
                        Event::Decided(claim) => {
                            let text = (self.say)(claim);
                            if !text.is_empty() {
                                self.send(at, Part::Claim(text));
                            }
                        }
                        Event::Found(name, kernel) => {
                            found.extend(kernel.as_concrete().map(|kernel| (name.to_owned(), array(kernel))));
                        }
                        Event::Export { path, kernels } => {
                            let place = spec.folder().place(path);
                            let all = kernels.iter();
                            exports.extend(
                                all.map(|(name, kernel)| (place.clone(), name.clone(), array(kernel))),
                            );
                        }
                        Event::LeftOut(claims) => left_out = claims,
                    })
                }
                Err(report) => *report,
            };
            self.slot.rest();
            self.send(at, Part::Done(Box::new(Done { report, left_out, found, exports })));
        }
    }

    fn options(&self) -> Options {
        Options {
            budget: Budget { cancel: self.slot.cancel.clone(), ..Budget::default() },
            only: self.settings.only.clone(),
            fail_fast: self.settings.fail_fast,
            stop: self.settings.end.clone(),
        }
    }

    fn send(&self, at: usize, part: Part) {
        // The receiver is there until all senders are gone.
        let _ = self.sender.send((at, part));
    }
}

/// A kernel as an array: a matrix unless it has channels.
pub(super) fn array(kernel: &ConcreteKernel) -> Loaded {
    let shape = kernel.shape();
    let all = [shape.outputs, shape.inputs, shape.height, shape.width];
    let dims = if shape.is_plane() { all[2..].to_vec() } else { all.to_vec() };
    Loaded { dims, values: kernel.entries().collect() }
}

/// Hands out the parts of the first spec that is not done as they come, those of later ones when it is their turn.
fn in_order(parts: &Receiver<(usize, Part)>, mut each: impl FnMut(usize, Part)) {
    let mut early: BTreeMap<usize, Vec<Part>> = BTreeMap::new();
    let mut wanted = 0;
    for (at, part) in parts {
        early.entry(at).or_default().push(part);
        while let Some(parts) = early.remove(&wanted) {
            let done = parts.iter().any(|part| matches!(part, Part::Done(..)));
            parts.into_iter().for_each(|part| each(wanted, part));
            if !done {
                break;
            }
            wanted += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn what_comes_early_waits_and_what_is_due_does_not() {
        let done = || {
            let source = Source::new("a", "");
            let report = FileReport { source, entries: Vec::new(), errors: Vec::new() };
            Part::Done(Box::new(Done { report, left_out: 0, found: Vec::new(), exports: Vec::new() }))
        };
        let (sender, parts) = mpsc::channel();
        let claim = |text: &str| Part::Claim(text.to_owned());
        let sent = [(1, claim("b")), (0, claim("a")), (1, done()), (0, claim("A")), (0, done()), (2, done())];
        sent.into_iter().for_each(|part| sender.send(part).unwrap());
        drop(sender);
        let mut got = Vec::new();
        in_order(&parts, |at, part| match part {
            Part::Claim(text) => got.push(text),
            Part::Done(..) => got.push(at.to_string()),
        });
        assert_eq!(got, ["a", "A", "0", "b", "1", "2"]);
    }
}
