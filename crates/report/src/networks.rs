//! The report on two model files, and its writers: text, JSON, Markdown, JUnit.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

use super::escape::{markdown, table_cell, visible, xml};

/// What is said of two model files.
#[derive(Clone, Debug, Serialize)]
pub struct NetworkReport {
    /// The version of this report's form.
    pub schema: u32,
    /// The first file, under the name the user gave.
    pub before: String,
    /// The second.
    pub after: String,
    /// `equal`, `rounding`, `different` or `unknown`.
    pub verdict: &'static str,
    /// The verdict in one sentence.
    pub summary: String,
    /// What else a reader needs, in order.
    pub details: Vec<String>,
    /// The segments that are not equal, in the order of evaluation.
    pub segments: Vec<SegmentReport>,
    /// Segments that are equal.
    pub equal_segments: usize,
    /// Extents taken as equal: the verdict speaks of sizes at which they are.
    pub conditions: Vec<String>,
    /// The extents of the inputs.
    pub sizes: Vec<String>,
    /// The input that shows a difference, and what both files give for it; `null` if there is none.
    pub witness: Value,
}

/// What is said of a segment: what lies between an operator that is not linear and those before it.
#[derive(Clone, Debug, Serialize)]
pub struct SegmentReport {
    /// Its nodes in the second file.
    pub place: String,
    /// The nodes of the first file that it was compared with.
    pub counterpart: Option<String>,
    /// `rounding`, `different` or `unmatched`.
    pub verdict: &'static str,
    /// By how much its weights moved at most, relative to the largest.
    pub moved: Option<String>,
    /// What can be said of it.
    pub findings: Vec<String>,
}

impl NetworkReport {
    /// Whether the second file may stand for the first.
    pub fn holds(&self) -> bool {
        matches!(self.verdict, "equal" | "rounding")
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.summary.clone()];
        lines.extend(self.details.iter().cloned());
        lines.extend(self.conditions.iter().map(|condition| format!("for sizes with {condition}")));
        lines
    }
}

/// Most segments that a text lists; the rest are counted.
const SHOWN: usize = 20;

/// The report as text. Segments that only moved are left out unless all are asked for.
pub fn text(report: &NetworkReport, all: bool) -> String {
    let mut out = format!(
        "{}: {} -> {}\n",
        report.verdict,
        visible(&report.before, false),
        visible(&report.after, false)
    );
    for line in report.lines() {
        let _ = writeln!(out, "  {}", visible(&line, false));
    }
    let wanted: Vec<&SegmentReport> =
        report.segments.iter().filter(|segment| all || segment.verdict != "rounding").collect();
    for segment in wanted.iter().take(if all { usize::MAX } else { SHOWN }) {
        let _ = writeln!(out, "  {}", visible(&line(segment), false));
    }
    if !all && wanted.len() > SHOWN {
        let _ = writeln!(out, "  and {} more", wanted.len() - SHOWN);
    }
    out
}

fn line(segment: &SegmentReport) -> String {
    let mut text = format!("{}: {}", segment.verdict, segment.place);
    if let Some(moved) = &segment.moved {
        let _ = write!(text, ", weights moved by {moved}");
    }
    for finding in &segment.findings {
        let _ = write!(text, "; {finding}");
    }
    text
}

/// Lines of text in which nothing but line breaks moves a terminal.
pub fn plain(text: &str) -> String {
    visible(text, true).into_owned()
}

/// The report as one JSON object, ending with a line break.
pub fn json(report: &NetworkReport) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("plain structs with string keys");
    text.push('\n');
    text
}

/// The report as a Markdown document.
pub fn document(report: &NetworkReport) -> String {
    let sign = if report.holds() { '✓' } else { '✗' };
    let names = markdown(&format!("{} -> {}", report.before, report.after));
    let mut out = format!("# {names}\n\n**{sign} {}**\n\n", report.verdict);
    for line in report.lines() {
        let _ = writeln!(out, "{}\n", markdown(&line));
    }
    if !report.segments.is_empty() {
        out.push_str("| segment | verdict | moved by | findings |\n| --- | --- | --- | --- |\n");
        for segment in &report.segments {
            let moved = segment.moved.as_deref().unwrap_or_default();
            let cells =
                [&segment.place, segment.verdict, moved, &segment.findings.join("; ")].map(table_cell);
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
    }
    out
}

/// The report as JUnit's XML: one case for the whole, one for each segment that is not equal.
pub fn junit(report: &NetworkReport) -> String {
    let name = xml(&format!("{} -> {}", report.before, report.after));
    let failing = |segment: &&SegmentReport| segment.verdict != "rounding";
    let failures = report.segments.iter().filter(failing).count() + usize::from(!report.holds());
    let tests = report.segments.len() + 1;
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"convproof\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">"
    );
    let _ =
        writeln!(out, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">");
    let mut case = |label: &str, fails: bool, kind: &str, body: &str| {
        let _ = write!(out, "    <testcase name=\"{}\" classname=\"{name}\"", xml(label));
        if fails {
            let body: Vec<String> = body.lines().map(xml).collect();
            let _ = writeln!(
                out,
                ">\n      <failure type=\"{kind}\">{}</failure>\n    </testcase>",
                body.join("\n")
            );
        } else {
            out.push_str("/>\n");
        }
    };
    case("the same function", !report.holds(), report.verdict, &report.lines().join("\n"));
    for segment in &report.segments {
        case(&segment.place, failing(&segment), segment.verdict, &line(segment));
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}
