//! The machine-readable report: schema 2, as `docs/json.md` and `docs/json.schema.json` describe it.

use serde::Serialize;

use convproof_language::diagnostic::{Diagnostic, Label};
use convproof_language::source::{Source, Span};

use super::anchors::Anchors;
use super::model::{ClaimReport, FileReport};
use super::summary::Summary;
use super::witness::Witness;

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
    /// The claim's place in Markdown and HTML reports of the file.
    anchor: String,
    line: usize,
    kind: &'static str,
    statement: &'a str,
    verdict: &'static str,
    holds: bool,
    method: &'a str,
    witness: Option<&'a Witness>,
    elapsed_ms: f64,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
    /// Other places that explain it.
    related: Vec<Place<'a>>,
    hints: &'a [String],
}

/// A place of a spec, lines and columns from 1; the end is the first place after it.
#[derive(Serialize)]
struct Place<'a> {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    /// What is to be said of it.
    label: &'a str,
}

/// One JSON object for all files, ending with a line break. Only `elapsed_ms` differs from run to run.
pub fn render(files: &[FileReport]) -> String {
    let report =
        Report { schema: 2, files: files.iter().map(File::new).collect(), summary: Summary::of_all(files) };
    let mut text = serde_json::to_string_pretty(&report).expect("plain structs with string keys");
    text.push('\n');
    super::escape::json(&text)
}

impl<'a> File<'a> {
    fn new(file: &'a FileReport) -> Self {
        let anchors = Anchors::default().claims(file);
        Self {
            path: file.source.name(),
            claims: file.claims().zip(anchors).map(|(claim, anchor)| Claim::new(claim, anchor)).collect(),
            errors: file.errors.iter().map(|error| Error::new(error, &file.source)).collect(),
        }
    }
}

impl<'a> Claim<'a> {
    fn new(claim: &'a ClaimReport, anchor: String) -> Self {
        // A time for people to read, not a value that anything is decided by.
        #[allow(clippy::float_arithmetic, clippy::cast_precision_loss)]
        let elapsed_ms = claim.elapsed.as_micros() as f64 / 1000.0;
        Self {
            label: &claim.label,
            anchor,
            line: claim.line,
            kind: claim.kind.keyword(),
            statement: &claim.statement,
            verdict: claim.outcome.word(),
            holds: claim.holds,
            method: &claim.method,
            witness: claim.witness.as_ref(),
            elapsed_ms,
        }
    }
}

impl<'a> Error<'a> {
    fn new(error: &'a Diagnostic, source: &Source) -> Self {
        let place = |label: &'a Label| Place::new(label.span, &label.text, source);
        Self {
            code: error.code,
            severity: "error",
            message: &error.message,
            place: place(&error.primary),
            related: error.secondary.iter().map(place).collect(),
            hints: &error.hints,
        }
    }
}

impl<'a> Place<'a> {
    fn new(span: Span, label: &'a str, source: &Source) -> Self {
        let ((line, column), (end_line, end_column)) =
            (source.position(span.start), source.position(span.end));
        Self { line, column, end_line, end_column, label }
    }
}
