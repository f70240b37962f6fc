//! The clock: tells on standard error what takes long, if a person is there to read it, and stops what takes longer
//! than asked for.

use std::io::IsTerminal;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::algebra::budget::Cancel;

/// Time after which a claim is worth a line.
const PATIENCE: Duration = Duration::from_secs(1);

/// What one worker is deciding, and since when.
#[derive(Default)]
pub(super) struct Slot {
    current: Mutex<Option<Current>>,
    /// Stops the worker.
    pub(super) cancel: Cancel,
}

struct Current {
    label: String,
    since: Instant,
    told: bool,
}

impl Slot {
    /// The worker begins with a claim.
    pub(super) fn begin(&self, label: &str) {
        self.set(Some(Current { label: label.to_owned(), since: Instant::now(), told: false }));
    }

    /// The worker has nothing to do.
    pub(super) fn rest(&self) {
        self.set(None);
    }

    /// The claim that has taken too long to say nothing, once.
    fn overdue(&self) -> Option<String> {
        let mut current = self.lock();
        let current =
            current.as_mut().filter(|current| !current.told && current.since.elapsed() >= PATIENCE)?;
        current.told = true;
        Some(current.label.clone())
    }

    /// Stops the worker if its claim has taken longer than `limit`.
    fn expire(&self, limit: Duration) {
        if self.lock().as_ref().is_some_and(|current| current.since.elapsed() >= limit) {
            self.cancel.cancel();
        }
    }

    fn set(&self, value: Option<Current>) {
        let mut current = self.lock();
        // Within the lock, so that no claim is stopped for the one before it.
        self.cancel.reset();
        *current = value;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is anybody to tell.
pub(super) fn wanted() -> bool {
    std::io::stderr().is_terminal()
}

/// Watches the workers until the sender of `end` is gone; a claim may take as long as `limit`.
#[allow(clippy::needless_pass_by_value)] // dropped with the thread
pub(super) fn watch(slots: &[Slot], end: Receiver<()>, limit: Option<Duration>, tell: impl Fn(&str)) {
    let tick = limit.map_or(PATIENCE, |limit| limit.min(PATIENCE)) / 10;
    while end.recv_timeout(tick.max(Duration::from_millis(1))) == Err(RecvTimeoutError::Timeout) {
        if let Some(limit) = limit {
            slots.iter().for_each(|slot| slot.expire(limit));
        }
        for label in slots.iter().filter_map(Slot::overdue) {
            tell(&label);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn only_what_takes_long_is_told_and_once() {
        let slots = [Slot::default(), Slot::default(), Slot::default()];
        let long_ago =
            Instant::now().checked_sub(2 * PATIENCE).expect("a clock that has run for two seconds");
        slots[0].set(Some(Current { label: "slow".to_owned(), since: long_ago, told: false }));
        slots[1].begin("quick");
        slots[2].begin("done");
        slots[2].rest();
        let (sender, end) = mpsc::channel();
        let told = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                watch(&slots, end, Some(PATIENCE), |label| told.lock().unwrap().push(label.to_owned()));
            });
            std::thread::sleep(PATIENCE / 2);
            drop(sender);
        });
        assert_eq!(*told.lock().unwrap(), ["slow"]);
        assert!(slots[0].cancel.is_cancelled());
        assert!(!slots[1].cancel.is_cancelled());
        slots[0].begin("next");
        assert!(!slots[0].cancel.is_cancelled());
    }
}
