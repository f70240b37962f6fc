//! Ctrl-C: the first ends the run with what is known, the second ends the program.

use std::sync::OnceLock;

use crate::algebra::budget::Cancel;

use super::Status;

static STOP: OnceLock<Cancel> = OnceLock::new();

/// The flag that Ctrl-C sets. Where no handler can be installed it stays unset, and Ctrl-C ends the program.
pub(super) fn flag() -> Cancel {
    let new = || {
        let stop = Cancel::default();
        let own = stop.clone();
        // Without a handler the system ends the program, which is no worse.
        let _ = ctrlc::set_handler(move || {
            if own.is_cancelled() {
                std::process::exit(Status::Stopped as i32);
            }
            own.cancel();
        });
        stop
    };
    STOP.get_or_init(new).clone()
}
