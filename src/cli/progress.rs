//! The clock: shows on standard error what takes long, if a person is there to see it, and stops what takes longer than
//! asked for.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::algebra::budget::Cancel;
use crate::report::escape::visible;

use super::files::Spec;
use super::workers::Settings;

/// Time after which a claim is worth a line.
const PATIENCE: Duration = Duration::from_secs(1);
/// Time between two looks.
const TICK: Duration = Duration::from_millis(100);
/// Characters of the line, so that it stays one on most terminals.
const WIDTH: usize = 78;

/// What one worker is deciding, and since when.
#[derive(Default)]
pub(super) struct Slot {
    current: Mutex<Option<Current>>,
    /// Stops the worker.
    pub(super) cancel: Cancel,
}

struct Current {
    spec: String,
    label: String,
    /// The claim's number and how many there are.
    number: Option<(usize, usize)>,
    since: Instant,
}

impl Slot {
    /// The worker begins with a statement or claim.
    pub(super) fn begin(&self, spec: &Spec, label: &str, number: Option<(usize, usize)>) {
        let (spec, label) = (spec.name(), label.to_owned());
        self.set(Some(Current { spec, label, number, since: Instant::now() }));
    }

    /// The worker has nothing to do.
    pub(super) fn rest(&self) {
        self.set(None);
    }

    /// What is to be shown of a worker that has had a claim for long, and since when.
    fn overdue(&self) -> Option<(Instant, String)> {
        let current = self.lock();
        let current = current.as_ref().filter(|current| current.since.elapsed() >= PATIENCE)?;
        let Current { spec, label, number, since } = current;
        let number = number.map_or_else(String::new, |(number, of)| format!("{number}/{of}, "));
        let line = format!("{number}{} s  {spec}: {label}", since.elapsed().as_secs());
        Some((*since, visible(&line, false).chars().take(WIDTH).collect()))
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

/// Whether there is anybody to show it to.
pub(super) fn wanted() -> bool {
    std::io::stderr().is_terminal()
}

/// The line that is on the screen, below all else; empty if there is none.
static LINE: Mutex<String> = Mutex::new(String::new());

/// Takes the line off the screen; none comes back before the guard is dropped.
pub(super) fn without_line() -> MutexGuard<'static, String> {
    let mut line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
    draw(&mut line, "");
    line
}

fn draw(line: &mut String, text: &str) {
    if line != text {
        // There is nowhere to report a broken standard error to.
        let _ = write!(std::io::stderr(), "\r\x1b[2K{text}");
        text.clone_into(line);
    }
}

/// Watches the workers until the sender of `end` is gone.
#[allow(clippy::needless_pass_by_value)] // dropped with the thread
pub(super) fn watch(slots: &[Slot], end: Receiver<()>, settings: &Settings) {
    let tick = settings.limit.map_or(TICK, |limit| (limit / 10).clamp(Duration::from_millis(1), TICK));
    let shown = wanted();
    while end.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
        look(slots, settings);
        if shown {
            let longest = slots.iter().filter_map(Slot::overdue).min();
            let mut line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
            draw(&mut line, &longest.map_or_else(String::new, |(_, text)| text));
        }
    }
    drop(without_line());
}

/// Stops what is to end.
fn look(slots: &[Slot], settings: &Settings) {
    if settings.ends() {
        slots.iter().for_each(|slot| slot.cancel.cancel());
    } else if let Some(limit) = settings.limit {
        slots.iter().for_each(|slot| slot.expire(limit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::files::collect;

    #[test]
    fn only_what_takes_long_is_shown_and_stopped() {
        let slots = [Slot::default(), Slot::default(), Slot::default()];
        let specs = collect(&["a.cf".into()]);
        let since = Instant::now().checked_sub(2 * PATIENCE).expect("a clock that has run for two seconds");
        let (spec, label) = ("a.cf".to_owned(), "slow\n".repeat(100));
        slots[0].set(Some(Current { spec, label, number: Some((3, 17)), since }));
        slots[1].begin(&specs[0], "quick", None);
        slots[2].begin(&specs[0], "done", None);
        slots[2].rest();
        let (_, shown) = slots[0].overdue().unwrap();
        assert!(shown.starts_with("3/17, 2 s  a.cf: slow slow"), "{shown}");
        assert_eq!(shown.chars().count(), WIDTH);
        assert_eq!([slots[1].overdue(), slots[2].overdue()], [None, None]);
        look(&slots, &Settings { limit: Some(PATIENCE), ..Settings::default() });
        assert!(slots[0].cancel.is_cancelled());
        assert!(!slots[1].cancel.is_cancelled());
        slots[0].begin(&specs[0], "next", None);
        assert!(!slots[0].cancel.is_cancelled());
    }

    #[test]
    fn an_interrupt_ends_everything() {
        let slots = [Slot::default()];
        let settings = Settings::default();
        settings.stop.cancel();
        look(&slots, &settings);
        assert!(slots[0].cancel.is_cancelled() && settings.end.is_cancelled());
    }
}
