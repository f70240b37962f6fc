//! Tells on standard error what takes long, if a person is there to read it. Never affects a result.

use std::io::IsTerminal;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time after which a claim is worth a line.
const PATIENCE: Duration = Duration::from_secs(1);

/// What one worker is deciding, and since when.
#[derive(Default)]
pub(super) struct Slot(Mutex<Option<(String, Instant)>>);

impl Slot {
    /// The worker begins with a claim.
    pub(super) fn begin(&self, label: &str) {
        self.set(Some((label.to_owned(), Instant::now())));
    }

    /// The worker has nothing to do.
    pub(super) fn rest(&self) {
        self.set(None);
    }

    /// The claim that has taken too long, once.
    fn overdue(&self) -> Option<String> {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.take_if(|(_, since)| since.elapsed() >= PATIENCE).map(|(label, _)| label)
    }

    fn set(&self, value: Option<(String, Instant)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

/// Whether there is anybody to tell.
pub(super) fn wanted() -> bool {
    std::io::stderr().is_terminal()
}

/// Watches the workers until the sender of `end` is gone.
#[allow(clippy::needless_pass_by_value)] // dropped with the thread
pub(super) fn watch(slots: &[Slot], end: Receiver<()>, tell: impl Fn(&str)) {
    while end.recv_timeout(PATIENCE / 10) == Err(RecvTimeoutError::Timeout) {
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
        slots[0].set(Some(("slow".to_owned(), long_ago)));
        slots[1].begin("quick");
        slots[2].begin("done");
        slots[2].rest();
        let (sender, end) = mpsc::channel();
        let told = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            scope.spawn(|| watch(&slots, end, |label| told.lock().unwrap().push(label.to_owned())));
            std::thread::sleep(PATIENCE / 2);
            drop(sender);
        });
        assert_eq!(*told.lock().unwrap(), ["slow"]);
    }
}
