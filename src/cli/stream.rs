//! Checks specs and says what comes of it as it comes, in the order of the specs and their claims.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::load::Loaded;
use crate::report::text::{self, Detail};
use crate::report::{ClaimReport, FileReport};

use super::files::Spec;
use super::output::Output;
use super::watch::Seen;
use super::workers::{Done, Part, Settings, check_all};

/// What a run came to.
#[derive(Debug, Default)]
pub(super) struct Streamed {
    /// The reports, of the first specs if it was stopped.
    pub(super) reports: Vec<FileReport>,
    /// Claims of those specs that were left out.
    pub(super) left_out: usize,
    /// The kernels that `solve` and `fit` found: under the names of the first spec that has them, and those of others
    /// after the name of their spec, as in `edges.P`.
    pub(super) found: Vec<(String, Loaded)>,
    /// The kernels that go to each file.
    pub(super) exports: BTreeMap<PathBuf, Vec<(String, Loaded)>>,
}

/// Checks the specs; with `options` says each verdict as soon as those before it are said.
pub(super) fn check(
    specs: &[Spec],
    settings: &Settings,
    options: Option<text::Options>,
    seen: &Seen,
    output: &mut Output,
) -> Streamed {
    let (mut streamed, mut ended, mut headed) = (Streamed::default(), false, false);
    let say = |claim: &ClaimReport| options.map_or_else(String::new, |options| text::claim(claim, options));
    check_all(specs, settings, seen, &say, |at, part| {
        if ended {
            return;
        }
        match part {
            Part::Claim(text) => {
                let heading = options.filter(|_| !headed).map(|options| heading(&specs[at], options));
                headed = true;
                output.print(&(heading.unwrap_or_default() + &text));
            }
            Part::Done(done) => {
                let Done { report, left_out, found, exports } = *done;
                if let Some(options) = options {
                    output.print(&rest(&report, headed, options));
                }
                headed = false;
                let fails = !report.errors.is_empty() || report.claims().any(|claim| !claim.holds);
                if settings.fail_fast && fails {
                    ended = true;
                    settings.end.cancel();
                }
                streamed.left_out += left_out;
                streamed.reports.push(report);
                for (path, name, array) in exports {
                    let file = streamed.exports.entry(path).or_default();
                    file.retain(|(own, _)| *own != name);
                    file.push((name, array));
                }
                let stem = specs[at].relative.with_extension("");
                for (name, array) in found {
                    let taken = streamed.found.iter().any(|(own, _)| *own == name);
                    let name = if taken { format!("{}.{name}", stem.display()) } else { name };
                    streamed.found.push((name, array));
                }
            }
        }
    });
    streamed
}

fn heading(spec: &Spec, options: text::Options) -> String {
    text::heading(&spec.name(), options)
}

/// What is left to say of a spec once its verdicts are said.
fn rest(report: &FileReport, headed: bool, options: text::Options) -> String {
    let errors = text::errors(report, options);
    let silent = errors.is_empty() && (options.detail == Detail::Quiet || report.claims().next().is_some());
    match (headed, silent) {
        (true, _) => errors + "\n",
        (false, true) => String::new(),
        (false, false) => text::heading(report.source.name(), options) + &errors + "\n",
    }
}
