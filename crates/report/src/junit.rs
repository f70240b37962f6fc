//! The report for continuous integration: JUnit's XML, one suite per file and one case per claim or error.

use std::fmt::Write;
use std::time::Duration;

use super::diagnostics;
use super::escape::xml;
use super::model::{ClaimReport, FileReport, Outcome};
use super::summary::Summary;
use super::text;

/// One XML document for all files. Times are written only if `timings` asks for them, so that the rest can be
/// compared.
pub fn render(files: &[FileReport], timings: bool) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let total = Summary::of_all(files);
    let _ = writeln!(out, "<testsuites name=\"convproof\"{}>", counts(total, timings));
    for file in files {
        suite(file, timings, &mut out);
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(file: &FileReport, timings: bool, out: &mut String) {
    let name = xml(file.source.name());
    let _ = writeln!(out, "  <testsuite name=\"{name}\"{}>", counts(Summary::of(file), timings));
    for claim in file.claims() {
        let label = xml(&claim.label);
        let time = time(claim.elapsed, timings);
        let _ = write!(out, "    <testcase name=\"{label}\" classname=\"{name}\"{time}");
        if claim.outcome == Outcome::Found {
            let body = xml_lines(&claim.method);
            let _ = writeln!(out, ">\n      <system-out>{body}</system-out>\n    </testcase>");
        } else if claim.holds {
            out.push_str("/>\n");
        } else {
            let kind = claim.outcome.word();
            let message = xml(&format!("{} {kind}: {}", claim.kind.keyword(), claim.statement));
            let body = xml_lines(&failure(claim, file.source.name()));
            let _ = writeln!(
                out,
                ">\n      <failure type=\"{kind}\" message=\"{message}\">{body}</failure>\n    </testcase>"
            );
        }
    }
    for error in &file.errors {
        let (line, column) = file.source.position(error.primary.span.start);
        let message = xml(&error.message);
        let body = xml_lines(&diagnostics::render(error, &file.source, false));
        let code = error.code;
        let _ = writeln!(
            out,
            "    <testcase name=\"{code} at {line}:{column}\" classname=\"{name}\">\n      \
             <error type=\"{code}\" message=\"{message}\">{body}</error>\n    </testcase>"
        );
    }
    out.push_str("  </testsuite>\n");
}

fn counts(summary: Summary, timings: bool) -> String {
    let Summary { claims, fail, errors, elapsed, .. } = summary;
    let tests = claims + errors;
    format!(" tests=\"{tests}\" failures=\"{fail}\" errors=\"{errors}\"{}", time(elapsed, timings))
}

fn time(time: Duration, timings: bool) -> String {
    let micros = time.as_micros();
    if timings {
        format!(" time=\"{}.{:06}\"", micros / 1_000_000, micros % 1_000_000)
    } else {
        String::new()
    }
}

fn failure(claim: &ClaimReport, path: &str) -> String {
    let mut lines = vec![format!("{path}:{}", claim.line), claim.method.clone()];
    lines.extend(text::blocks(&claim.details));
    lines.join("\n")
}

/// Text for an element's content, where line breaks may stay as they are.
fn xml_lines(text: &str) -> String {
    text.lines().map(xml).collect::<Vec<_>>().join("\n")
}
