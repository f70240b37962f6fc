//! Checks several specs at once and hands out their reports in order.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Builder};
use std::time::Duration;

use crate::algebra::budget::Budget;
use crate::check::check_within;
use crate::report::FileReport;
use crate::room::STACK;

use super::files::Spec;
use super::progress::{self, Slot};

/// Checks the specs, with as much time for each claim as `limit` says; `each` gets their reports in the order of the
/// specs, each as soon as that allows.
pub(super) fn check_all(specs: &[Spec], limit: Option<Duration>, each: impl FnMut(FileReport)) {
    let jobs = thread::available_parallelism().map_or(1, usize::from).min(specs.len());
    let slots: Vec<Slot> = (0..jobs).map(|_| Slot::default()).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, reports) = mpsc::channel();
        let (watched, end) = mpsc::channel();
        if progress::wanted() || limit.is_some() {
            // Without a thread to spare there is no progress to see and no clock; the budget limits the work.
            let _ = Builder::new().spawn_scoped(scope, || progress::watch(&slots, end, limit, tell));
        }
        let mut started = 0;
        for slot in &slots {
            let (sender, next) = (sender.clone(), &next);
            let worker = Builder::new().stack_size(STACK);
            started +=
                usize::from(worker.spawn_scoped(scope, move || work(specs, next, slot, &sender)).is_ok());
        }
        if let (0, Some(slot)) = (started, slots.first()) {
            work(specs, &next, slot, &sender);
        }
        drop(sender);
        in_order(&reports, each);
        drop(watched);
    });
}

/// Takes one spec after the other until none is left.
fn work(specs: &[Spec], next: &AtomicUsize, slot: &Slot, sender: &Sender<(usize, FileReport)>) {
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some(spec) = specs.get(at) else { return };
        let report = match spec.read() {
            Ok(source) => {
                let budget = Budget { cancel: slot.cancel.clone(), ..Budget::default() };
                check_within(&source, &spec.folder(), &budget, &mut |label| slot.begin(label))
            }
            Err(report) => *report,
        };
        slot.rest();
        if sender.send((at, report)).is_err() {
            return;
        }
    }
}

fn in_order(reports: &Receiver<(usize, FileReport)>, mut each: impl FnMut(FileReport)) {
    let mut early = BTreeMap::new();
    let mut wanted = 0;
    for (at, report) in reports {
        early.insert(at, report);
        while let Some(report) = early.remove(&wanted) {
            each(report);
            wanted += 1;
        }
    }
}

fn tell(label: &str) {
    if progress::wanted() {
        // There is nowhere to report a broken standard error to.
        let _ = writeln!(std::io::stderr(), "checking {label:?} …");
    }
}
