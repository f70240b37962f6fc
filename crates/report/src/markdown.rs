//! The report as a document: the spec's prose in place, its declarations, and every claim with its verdict and
//! what shows it. The same for the same input: no times, no line numbers, no places on a disk.

use super::anchors::Anchors;
use super::diagnostics;
use super::escape::{code_block, code_span, link_target, markdown, markdown_literal, table_cell};
use super::layout::{self, Written};
use super::model::{ClaimReport, Entry, FileReport};
use super::prose::prose;
use super::summary::Summary;

/// The last line of a document that may be overwritten by the next one.
pub const MARK: &str = "<!-- convproof writes this file anew -->\n";

/// One document for all files.
pub fn render(files: &[FileReport]) -> String {
    let documents: Vec<String> = files.iter().map(|file| document(file, None)).collect();
    documents.join("\n---\n\n")
}

/// The document of one file. It begins with the prose's own title, or else with the file's name, and ends with a link
/// to a page with pictures, if there is one.
pub fn document(file: &FileReport, page: Option<&str>) -> String {
    let mut parts = Vec::new();
    if file.title().is_none() {
        parts.push(format!("# {}\n", markdown_literal(file.source.name())));
    }
    let mut anchors = Anchors::default().claims(file).into_iter();
    for entry in &file.entries {
        match entry {
            Entry::Prose(text) => parts.push(prose(text)),
            Entry::Declarations(text) => parts.push(code_block(text, "convproof")),
            Entry::Claim(claim) => {
                parts.push(claim_section(claim, &anchors.next().unwrap_or_default()));
            }
        }
    }
    for error in &file.errors {
        let text = diagnostics::render(error, &file.source, false);
        parts.push(format!("### ✗ Error {}\n\n{}", error.code, code_block(&text, "text")));
    }
    let page = page.map_or_else(String::new, |page| format!(" · [with pictures](<{}>)", link_target(page)));
    parts.push(format!("*{}*{page}\n", Summary::of(file)));
    parts.join("\n")
}

/// A table of documents: for each file its address relative to the table, and its report.
pub fn index(title: &str, documents: &[(String, &FileReport)]) -> String {
    let mut out = format!("# {}\n\n| spec | claims | hold | fail | errors |\n", markdown_literal(title));
    out.push_str("| --- | ---: | ---: | ---: | ---: |\n");
    let mut total = Summary::default();
    let mut row = |name: &str, summary: Summary| {
        let Summary { claims, hold, fail, errors, .. } = summary;
        out.push_str(&format!("| {name} | {claims} | {hold} | {fail} | {errors} |\n"));
    };
    for (address, file) in documents {
        let summary = Summary::of(file);
        let name = file.title().unwrap_or(address);
        row(&format!("[{}](<{}>)", table_cell(name), link_target(address)), summary);
        total += summary;
    }
    row("**all**", total);
    out
}

/// A claim under a heading, at a place that links to it can name.
fn claim_section(claim: &ClaimReport, anchor: &str) -> String {
    let sign = claim.mark();
    let verdict = claim.verdict();
    let statement = code_span(&claim.statement);
    let mut parts = vec![format!("<a id=\"{anchor}\"></a>\n")];
    if claim.label == claim.statement {
        parts.push(format!("### {sign} {verdict}: {statement}\n"));
    } else {
        parts.push(format!("### {sign} {verdict}: {}\n\n{statement}\n", markdown_literal(&claim.label)));
    }
    if !claim.method.trim().is_empty() {
        parts.push(paragraph(&claim.method));
    }
    parts.extend(claim.details.iter().flat_map(layout::written).map(|block| written(&block)));
    parts.join("\n")
}

fn written(block: &Written<'_>) -> String {
    match block {
        Written::Text(text) => paragraph(text),
        Written::Table(header, rows) => table(header, rows),
        Written::Matrices(matrices) => code_block(&layout::matrices(matrices).join("\n"), "text"),
    }
}

/// Lines of text; each line break is kept.
fn paragraph(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let lines: Vec<String> = lines.map(markdown).collect();
    format!("{}\n", lines.join("\\\n"))
}

fn table(header: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| table_cell(cell)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rules: Vec<&str> = layout::numeric_columns(header, rows)
        .into_iter()
        .map(|numeric| if numeric { "---:" } else { "---" })
        .collect();
    let mut out = line(header);
    out.push_str(&format!("| {} |\n", rules.join(" | ")));
    rows.iter().for_each(|row| out.push_str(&line(row)));
    out
}
