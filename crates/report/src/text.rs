//! The report as people read it: one line per claim, details where they matter; with a terminal's colours on demand.

use std::fmt::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::diagnostics;
use super::escape::visible;
use super::layout::{self, Written};
use super::model::{Block, ClaimKind, ClaimReport, FileReport, Outcome};
use super::summary::Summary;
use super::witness::{Equality, Witness};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WEAK: Style = AnsiColor::Yellow.on_default();
const FAINT: Style = Style::new().dimmed();
const HEADING: Style = Style::new().bold();
const INDENT: &str = "      ";

/// How much to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Failing claims and errors only.
    Quiet,
    /// Every claim; details of what fails, of refutations and of solutions.
    #[default]
    Normal,
    /// The details of every claim.
    Full,
}

/// What a text report shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How much to say.
    pub detail: Detail,
    /// Whether to say how long each claim took.
    pub timings: bool,
    /// Whether to add a terminal's colours.
    pub colours: bool,
}

impl Options {
    /// The style where colours are wanted.
    fn style(self, style: Style) -> Style {
        if self.colours { style } else { Style::new() }
    }
}

/// The report of all files and the closing summary.
pub fn render(files: &[FileReport], options: Options) -> String {
    let mut out: String = files.iter().map(|report| file(report, options)).collect();
    out.push_str(&failures(files, options));
    out.push_str(&summary(Summary::of_all(files), options));
    out
}

/// The report of one file, ending with an empty line; empty if there is nothing to say.
pub fn file(file: &FileReport, options: Options) -> String {
    let mut out: String = file.claims().map(|one| claim(one, options)).collect();
    out.push_str(&errors(file, options));
    if out.is_empty() && (options.detail == Detail::Quiet || file.claims().next().is_some()) {
        return out;
    }
    format!("{}{out}\n", heading(file.source.name(), options))
}

/// The line above what is said of a file.
pub fn heading(name: &str, options: Options) -> String {
    let style = options.style(HEADING);
    format!("{style}{}{style:#}\n", visible(name, false))
}

/// What is said of one claim; empty if that is nothing.
pub fn claim(claim: &ClaimReport, options: Options) -> String {
    let mut out = String::new();
    if !claim.holds || options.detail != Detail::Quiet {
        claim_lines(claim, options, &mut out);
    }
    out
}

/// What is said of the mistakes in a file.
pub fn errors(file: &FileReport, options: Options) -> String {
    let shown = file.errors.iter().map(|error| diagnostics::render(error, &file.source, options.colours));
    shown.map(|text| text + "\n").collect()
}

/// Where to look first: every claim that fails and every mistake, a line each; empty where they are in sight anyway.
pub fn failures(files: &[FileReport], options: Options) -> String {
    const IN_SIGHT: usize = 20;
    let total = Summary::of_all(files);
    if total.fail + total.errors == 0 || (files.len() == 1 && total.claims <= IN_SIGHT) {
        return String::new();
    }
    let (bad, mut out) = (options.style(BAD), String::from("What fails:\n"));
    for file in files {
        let name = visible(file.source.name(), false);
        for claim in file.claims().filter(|claim| !claim.holds) {
            let (line, label) = (claim.line, visible(&claim.label, false));
            let _ = writeln!(out, "  {name}:{line}: {bad}{}{bad:#}: {label}", claim.outcome.word());
        }
        for error in &file.errors {
            let _ = writeln!(out, "  {}", diagnostics::one_line(error, &file.source));
        }
    }
    out.push('\n');
    out
}

/// The closing line.
pub fn summary(summary: Summary, options: Options) -> String {
    let style = options.style(if summary.fail + summary.errors == 0 { GOOD } else { BAD });
    let time = if options.timings { format!(" in {}", milliseconds(summary.elapsed)) } else { String::new() };
    format!("{style}{summary}{style:#}{time}\n")
}

/// Blocks as plain lines, for a terminal or any other monospaced place.
pub fn blocks(blocks: &[Block]) -> Vec<String> {
    let mut lines = Vec::new();
    for block in blocks.iter().flat_map(layout::written) {
        match block {
            Written::Text(text) => lines.extend(text.lines().map(|line| visible(line, false).into_owned())),
            Written::Table(header, rows) => lines.extend(layout::table(&header, &rows)),
            Written::Matrices(matrices) => lines.extend(layout::matrices(&matrices)),
        }
    }
    lines
}

fn claim_lines(claim: &ClaimReport, options: Options, out: &mut String) {
    let sign = claim.mark();
    let style = match (claim.holds, claim.outcome) {
        (true, Outcome::Found) => WEAK,
        (true, _) => GOOD,
        (false, _) => BAD,
    };
    let (style, faint) = (options.style(style), options.style(FAINT));
    let time = if options.timings { format!(", {}", milliseconds(claim.elapsed)) } else { String::new() };
    let word = claim.outcome.word();
    let label = visible(&claim.label, false);
    let line = claim.line;
    let _ = writeln!(out, "  {style}{sign} {word:<7}{style:#}  {label}  {faint}(line {line}{time}){faint:#}");
    let routine =
        claim.outcome == Outcome::Proved && !matches!(claim.kind, ClaimKind::Solve | ClaimKind::Fit);
    if claim.holds && routine && options.detail != Detail::Full {
        // How far the sides differ is what `~=` was asked for.
        if matches!(&claim.witness, Some(Witness::Equal { by: Equality::Bound { .. }, .. })) {
            let _ = writeln!(out, "{INDENT}{}", visible(&claim.method, false));
        }
        return;
    }
    let mut lines = Vec::new();
    if claim.statement != claim.label {
        lines.push(format!("{} {}", claim.kind.keyword(), visible(&claim.statement, false)));
    }
    if claim.kind == ClaimKind::Refute && claim.outcome == Outcome::Proved {
        lines.push("expected to be false, but it is true".to_owned());
    }
    lines.extend(claim.method.lines().map(|line| visible(line, false).into_owned()));
    lines.extend(blocks(&claim.details));
    for line in lines {
        let _ = writeln!(out, "{INDENT}{line}");
    }
}

fn milliseconds(time: Duration) -> String {
    let micros = time.as_micros();
    format!("{}.{:03} ms", micros / 1000, micros % 1000)
}
