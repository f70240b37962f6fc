//! `check --watch`: looks at the times of files, and checks again when one has changed.
//!
//! It looks rather than being told: that works the same on every system and on network drives.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use crate::algebra::budget::Cancel;
use crate::check::Files;
use crate::folder::Folder;

use super::Status;
use super::files::{Spec, collect};
use super::output::Output;

/// Time between two looks.
const INTERVAL: Duration = Duration::from_millis(200);

/// When a file was changed and how long it is, as far as there is one.
type State = Option<(SystemTime, u64)>;

fn state(path: &Path) -> State {
    let found = fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}

/// Files that specs have loaded, as they were before.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<BTreeMap<PathBuf, State>>);

impl Seen {
    fn states(&self) -> BTreeMap<PathBuf, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The files of one spec, each noted as it is read.
pub(super) struct Noted<'a> {
    pub(super) folder: Folder,
    pub(super) seen: &'a Seen,
}

impl Files for Noted<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let place = self.folder.place(path);
        let before = state(&place);
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner).entry(place).or_insert(before);
        self.folder.read(path)
    }
}

fn of_specs(specs: &[Spec]) -> BTreeMap<PathBuf, State> {
    let paths = specs.iter().filter_map(|spec| spec.path.as_ref());
    paths.map(|path| (path.clone(), state(path))).collect()
}

/// Checks the specs, and again after each change, until it is stopped.
pub(super) fn again_and_again(
    arguments: &[PathBuf],
    stop: &Cancel,
    output: &mut Output,
    mut check: impl FnMut(&[Spec], &Seen, &mut Output) -> Status,
) -> Status {
    if arguments.iter().any(|argument| argument.as_os_str() == "-") {
        output.fail("standard input cannot be watched");
        return Status::Wrong;
    }
    loop {
        let specs = collect(arguments);
        // Before the check, so that what changes meanwhile is seen.
        let (before, seen) = (of_specs(&specs), Seen::default());
        check(&specs, &seen, output);
        let loaded = seen.states();
        output.note("watching; Ctrl-C ends");
        loop {
            if stop.is_cancelled() {
                return Status::Stopped;
            }
            sleep(INTERVAL);
            let same = |(path, before): (&PathBuf, &State)| state(path) == *before;
            if of_specs(&collect(arguments)) != before || !loaded.iter().all(same) {
                break;
            }
        }
    }
}
