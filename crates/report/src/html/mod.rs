//! The report as a page: prose, declarations, claims with verdicts, and pictures of what shows them. One file that
//! needs no other and no script, for light and dark screens and for paper. The same for the same input.
//!
//! Text is escaped by the templates, prose by its own writer; what could change the order of text, or steer what
//! shows it, is made visible in the whole page at the end. Decides nothing.

mod claim;
mod code;
mod heat;
mod network;
mod picture;
mod prose;
mod strip;

pub use network::network;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::anchors::Anchors;
use super::diagnostics;
use super::escape::{link_target, visible};
use super::model::{ClaimReport, Entry, FileReport, Outcome};
use super::summary::Summary;

const STYLE: &str = include_str!("style.css");

/// Nothing is fetched and nothing is run, whatever a page contains.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A line of the table of contents.
struct Line {
    anchor: String,
    title: String,
    /// The mark of a claim and its class; none for a heading.
    mark: Option<(char, &'static str)>,
}

/// A document's parts with the lines that lead to them.
#[derive(Default)]
struct Document {
    anchors: Anchors,
    lines: Vec<Line>,
    parts: Vec<Markup>,
}

/// One page for all files.
pub fn render(files: &[FileReport]) -> String {
    let mut document = Document::default();
    for file in files {
        document.add(file);
    }
    let title = match files {
        [file] => file.title().unwrap_or_else(|| file.source.name()).to_owned(),
        _ => Summary::of_all(files).to_string(),
    };
    document.page(&title, Summary::of_all(files))
}

/// A table of pages: for each file its address relative to the table, and its report.
pub fn index(title: &str, documents: &[(String, &FileReport)]) -> String {
    let mut total = Summary::default();
    let row = |name: Markup, summary: Summary| {
        let class = if summary.fail + summary.errors == 0 { "good" } else { "bad" };
        html! {
            tr class=(class) {
                td { (name) }
                @for number in [summary.claims, summary.hold, summary.fail, summary.errors] {
                    td.number { (number) }
                }
            }
        }
    };
    let mut rows = Vec::new();
    for (address, file) in documents {
        let summary = Summary::of(file);
        let name = file.title().unwrap_or(address);
        rows.push(row(html! { a href=(link_target(address)) { (code::words(name)) } }, summary));
        total += summary;
    }
    rows.push(row(html! { strong { "all" } }, total));
    let table = html! {
        h1 { (title) }
        table {
            thead { tr { @for head in ["spec", "claims", "hold", "fail", "errors"] { th { (head) } } } }
            tbody { @for row in rows { (row) } }
        }
    };
    page(title, &html! { main { (table) } })
}

impl Document {
    fn add(&mut self, file: &FileReport) {
        let mut places = self.anchors.claims(file).into_iter();
        if file.title().is_none() {
            let anchor = self.line(file.source.name(), None);
            self.parts.push(html! { h1 id=(anchor) { (file.source.name()) } });
        }
        for entry in &file.entries {
            match entry {
                Entry::Prose(text) => {
                    let markup = prose::prose(text, |title| self.line(title, None));
                    self.parts.push(markup);
                }
                Entry::Declarations(text) => self.parts.push(html! { pre { code { (code::code(text)) } } }),
                Entry::Claim(report) => {
                    let anchor = places.next().unwrap_or_default();
                    self.parts.push(claim::section(report, &anchor));
                    let mark = Some((report.mark(), class(report)));
                    self.lines.push(Line { anchor, title: report.label.clone(), mark });
                }
            }
        }
        for error in &file.errors {
            let title = format!("Error {}", error.code);
            let anchor = self.line(&format!("{title}: {}", error.message), Some(('✗', "bad")));
            let text = diagnostics::render(error, &file.source, false);
            self.parts.push(html! {
                section.claim.bad id=(anchor) {
                    h3 { span.mark { "✗" } " " (title) }
                    pre { (text) }
                }
            });
        }
    }

    /// Adds a line to the table of contents; gives the place that it leads to.
    fn line(&mut self, title: &str, mark: Option<(char, &'static str)>) -> String {
        let anchor = self.anchors.name(title);
        self.lines.push(Line { anchor: anchor.clone(), title: title.to_owned(), mark });
        anchor
    }

    fn page(self, title: &str, summary: Summary) -> String {
        let state = if summary.fail + summary.errors == 0 { "good" } else { "bad" };
        let contents = html! {
            nav aria-label="Contents" {
                p class={ "summary " (state) } { (summary.to_string()) }
                ul {
                    @for Line { anchor, title, mark } in &self.lines {
                        @match mark {
                            Some((mark, class)) => li class=(class) {
                                span.mark { (mark) } " " a href={ "#" (anchor) } { (code::words(title)) }
                            },
                            None => li.heading { a href={ "#" (anchor) } { (code::words(title)) } },
                        }
                    }
                }
            }
        };
        page(title, &html! { (contents) main { @for part in &self.parts { (part) } } })
    }
}

fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    format!("{}\n", visible(&page.into_string(), true))
}

/// How a claim stands.
fn class(claim: &ClaimReport) -> &'static str {
    match (claim.holds, claim.outcome) {
        (true, Outcome::Found) => "weak",
        (true, _) => "good",
        (false, _) => "bad",
    }
}
