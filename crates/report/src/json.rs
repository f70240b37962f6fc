//! The machine-readable report: schema 1 of the language reference.

use serde::Serialize;
use serde_json::Value;

use convproof_language::diagnostic::Diagnostic;
use convproof_language::source::Source;

use super::model::{ClaimReport, FileReport};
use super::summary::Summary;

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    files: Vec<File<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    claims: Vec<Claim<'a>>,
    errors: Vec<Error<'a>>,
}

#[derive(Serialize)]
struct Claim<'a> {
    label: &'a str,
    line: usize,
    kind: &'static str,
    statement: &'a str,
    verdict: &'static str,
    holds: bool,
    method: &'a str,
    witness: &'a Value,
    elapsed_ms: f64,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'static str,
    message: &'a str,
    line: usize,
    column: usize,
}

/// One JSON object for all files, ending with a line break. Only `elapsed_ms` differs from run to run.
pub fn render(files: &[FileReport]) -> String {
    let report =
        Report { schema: 1, files: files.iter().map(File::new).collect(), summary: Summary::of_all(files) };
    let mut text = serde_json::to_string_pretty(&report).expect("plain structs with string keys");
    text.push('\n');
    super::escape::json(&text)
}

impl<'a> File<'a> {
    fn new(file: &'a FileReport) -> Self {
        Self {
            path: file.source.name(),
            claims: file.claims().map(Claim::new).collect(),
            errors: file.errors.iter().map(|error| Error::new(error, &file.source)).collect(),
        }
    }
}

impl<'a> Claim<'a> {
    fn new(claim: &'a ClaimReport) -> Self {
        // A time for people to read, not a value that anything is decided by.
        #[allow(clippy::float_arithmetic, clippy::cast_precision_loss)]
        let elapsed_ms = claim.elapsed.as_micros() as f64 / 1000.0;
        Self {
            label: &claim.label,
            line: claim.line,
            kind: claim.kind.keyword(),
            statement: &claim.statement,
            verdict: claim.outcome.word(),
            holds: claim.holds,
            method: &claim.method,
            witness: &claim.witness,
            elapsed_ms,
        }
    }
}

impl<'a> Error<'a> {
    fn new(error: &'a Diagnostic, source: &Source) -> Self {
        let (line, column) = source.position(error.primary.span.start);
        Self { code: error.code, message: &error.message, line, column }
    }
}
