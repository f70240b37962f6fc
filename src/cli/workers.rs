//! Checks several specs at once and hands out their reports in order.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Builder};

use crate::check::check;
use crate::report::FileReport;

use super::files::Spec;
use super::progress::{self, Slot};

/// Stack of a thread that checks. It is address space only, until it is used.
const STACK: usize = 256 << 20;

/// Checks the specs; `each` gets their reports in the order of the specs, each as soon as that allows.
pub(super) fn check_all(specs: &[Spec], each: impl FnMut(FileReport)) {
    let jobs = thread::available_parallelism().map_or(1, usize::from).min(specs.len());
    let slots: Vec<Slot> = (0..jobs).map(|_| Slot::default()).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, reports) = mpsc::channel();
        let (watched, end) = mpsc::channel();
        if progress::wanted() {
            // Without a thread to spare there is no progress to see, and nothing else is lost.
            let _ = Builder::new().spawn_scoped(scope, || progress::watch(&slots, end, tell));
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
            Ok(source) => check(&source, &spec.folder(), &mut |label| slot.begin(label)),
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
    // There is nowhere to report a broken standard error to.
    let _ = writeln!(std::io::stderr(), "checking {label:?} …");
}
