//! Checks specs with several threads, more than one of them to a spec where there are fewer specs, and hands out what
//! comes of it in order.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::{self, Builder, ScopedJoinHandle};
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
    /// Threads that read specs and decide claims.
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
    each: impl FnMut(usize, Part) + Send,
) {
    let jobs = settings.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let slots: Vec<Slot> = (0..jobs).map(|_| Slot::default()).collect();
    let (next, order) = (AtomicUsize::new(0), Mutex::new(InOrder::new(each)));
    let send = |at, part| order.lock().unwrap_or_else(PoisonError::into_inner).put(at, part);
    let worker = |slots| Worker { specs, next: &next, settings, seen, say, slots, send: &send };
    thread::scope(|scope| {
        let (watched, end) = mpsc::channel();
        // Without a thread to spare there is no progress to see and no clock; the budget limits the work.
        let _ = Builder::new().spawn_scoped(scope, || progress::watch(&slots, end, settings));
        let mut threads = Vec::new();
        for slots in shares(&slots, specs.len()) {
            let (thread, worker) = (Builder::new().stack_size(STACK), worker(slots));
            threads.extend(thread.spawn_scoped(scope, move || worker.work()));
        }
        if threads.is_empty() {
            worker(&slots[..1]).work();
        }
        let ends: Vec<_> = threads.into_iter().map(ScopedJoinHandle::join).collect();
        // The clock ends with them, however they do.
        drop(watched);
        if let Some(panic) = ends.into_iter().find_map(Result::err) {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Threads for specs: one or more for each that is checked at a time.
fn shares(mut slots: &[Slot], specs: usize) -> Vec<&[Slot]> {
    let mut shares = Vec::new();
    for left in (1..=specs.min(slots.len())).rev() {
        let (share, rest) = slots.split_at(slots.len().div_ceil(left));
        shares.push(share);
        slots = rest;
    }
    shares
}

struct Worker<'a> {
    specs: &'a [Spec],
    next: &'a AtomicUsize,
    settings: &'a Settings,
    seen: &'a Seen,
    say: Say<'a>,
    /// Its own, and those of the threads that help it.
    slots: &'a [Slot],
    send: &'a (dyn Fn(usize, Part) + Sync),
}

impl Worker<'_> {
    /// Takes one spec after the other until none is left.
    fn work(self) {
        while !self.settings.ends() {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(spec) = self.specs.get(at) else { return };
            let done = self.check(at, spec);
            self.slots.iter().for_each(Slot::rest);
            (self.send)(at, Part::Done(Box::new(done)));
        }
    }

    fn check(&self, at: usize, spec: &Spec) -> Done {
        let (mut left_out, mut found, mut exports) = (0, Vec::new(), Vec::new());
        let source = match spec.read() {
            Ok(source) => source,
            Err(report) => return Done { report: *report, left_out, found, exports },
        };
        let files = Noted { folder: spec.folder(), seen: self.seen };
        let report = check_with(&source, &files, &self.options(), &mut |event| match event {
            Event::Reading(line) => self.slots[0].begin(spec, line, None),
            Event::Deciding { label, number, of, thread } => {
                self.slots[thread].begin(spec, label, Some((number, of)));
            }
            Event::Idle(thread) => self.slots[thread].rest(),
            Event::Decided(claim) => {
                let text = (self.say)(claim);
                if !text.is_empty() {
                    (self.send)(at, Part::Claim(text));
                }
            }
            Event::Found(name, kernel) => {
                found.extend(kernel.as_concrete().map(|kernel| (name.to_owned(), array(kernel))));
            }
            Event::Export { path, kernels } => {
                let place = spec.folder().place(path);
                exports.extend(
                    kernels.iter().map(|(name, kernel)| (place.clone(), name.clone(), array(kernel))),
                );
            }
            Event::LeftOut(claims) => left_out = claims,
        });
        Done { report, left_out, found, exports }
    }

    fn options(&self) -> Options {
        let budget = |slot: &Slot| Budget { cancel: slot.cancel.clone(), ..Budget::default() };
        Options {
            budget: budget(&self.slots[0]),
            helpers: self.slots[1..].iter().map(budget).collect(),
            only: self.settings.only.clone(),
            fail_fast: self.settings.fail_fast,
            stop: self.settings.end.clone(),
        }
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
struct InOrder<F> {
    early: BTreeMap<usize, Vec<Part>>,
    wanted: usize,
    each: F,
}

impl<F: FnMut(usize, Part)> InOrder<F> {
    fn new(each: F) -> Self {
        Self { early: BTreeMap::new(), wanted: 0, each }
    }

    fn put(&mut self, at: usize, part: Part) {
        self.early.entry(at).or_default().push(part);
        while let Some(parts) = self.early.remove(&self.wanted) {
            let done = parts.iter().any(|part| matches!(part, Part::Done(..)));
            parts.into_iter().for_each(|part| (self.each)(self.wanted, part));
            if !done {
                break;
            }
            self.wanted += 1;
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
        let claim = |text: &str| Part::Claim(text.to_owned());
        let sent = [(1, claim("b")), (0, claim("a")), (1, done()), (0, claim("A")), (0, done()), (2, done())];
        let mut got = Vec::new();
        let mut order = InOrder::new(|at, part| match part {
            Part::Claim(text) => got.push(text),
            Part::Done(..) => got.push(at.to_string()),
        });
        sent.into_iter().for_each(|(at, part)| order.put(at, part));
        assert_eq!(got, ["a", "A", "0", "b", "1", "2"]);
    }

    #[test]
    fn threads_are_shared_among_the_specs() {
        let slots: Vec<Slot> = (0..8).map(|_| Slot::default()).collect();
        let lengths = |specs| shares(&slots, specs).iter().map(|share| share.len()).collect::<Vec<_>>();
        assert_eq!(lengths(1), [8]);
        assert_eq!(lengths(3), [3, 3, 2]);
        assert_eq!(lengths(20), [1; 8]);
        assert!(lengths(0).is_empty());
    }
}
