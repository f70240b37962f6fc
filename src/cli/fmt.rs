//! `convproof fmt PATH…`

use std::path::PathBuf;

use crate::report::diagnostics;
use crate::syntax::{parse, print};

use super::Status;
use super::files::{Spec, collect};
use super::output::Output;
use super::write::write;

/// Write specs in their canonical form
///
/// Files are rewritten in place; standard input is written to standard output. A spec with syntax errors stays as it
/// is. Exit status: 0 done, 1 `--check` found a spec that is not canonical, 2 a spec or a file is wrong.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Specs, folders of specs (`*.cf`, at any depth), or `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Change nothing; name the specs that are not canonical
    #[arg(long)]
    check: bool,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Status {
    let specs = collect(&arguments.paths);
    specs.iter().map(|spec| format(spec, arguments.check, output)).max().unwrap_or(Status::Holds)
}

fn format(spec: &Spec, check: bool, output: &mut Output) -> Status {
    let source = match spec.read() {
        Ok(source) => source,
        Err(report) => {
            for error in &report.errors {
                output.note(diagnostics::render(error, &report.source, true));
            }
            return Status::Wrong;
        }
    };
    let (tree, errors) = parse(source.text());
    if !errors.is_empty() {
        for error in errors {
            output.note(diagnostics::render(&error.diagnostic(), &source, true));
        }
        return Status::Wrong;
    }
    let canonical = print(&tree);
    let changes = canonical != source.text();
    match &spec.path {
        _ if check && changes => output.print(&format!("{}\n", spec.name())),
        None if !check => output.print(&canonical),
        Some(path) if changes => {
            if let Err(error) = write(path, &canonical) {
                output.fail(format_args!("{}: {error}", path.display()));
            }
        }
        _ => {}
    }
    if check && changes { Status::Fails } else { Status::Holds }
}
