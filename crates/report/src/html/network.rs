//! The page about two model files: the verdict, how many segments are equal, and those that are not.

use maud::{Markup, html};

use super::code::words;
use super::page;
use crate::networks::{NetworkReport, SegmentReport};

/// Width of the bar of segments.
const BAR: usize = 360;

/// The report as a page of its own.
pub fn network(report: &NetworkReport) -> String {
    let NetworkReport { before, after, verdict, summary, details, conditions, .. } = report;
    let (mark, state) = if report.holds() { ("✓", "good") } else { ("✗", "bad") };
    let body = html! {
        main {
            h1 { (before) " → " (after) }
            section class={ "claim " (state) } {
                h3 { span.mark { (mark) } " " span.verdict { (verdict) } }
                p.method { (words(summary)) }
                @for line in details { p { (words(line)) } }
                @for condition in conditions { p { "for sizes with " (condition) } }
            }
            (segments(report))
            (inputs(report))
        }
    };
    page(&format!("{before} → {after}: {verdict}"), &body)
}

fn segments(report: &NetworkReport) -> Markup {
    let (moved, others): (Vec<_>, Vec<_>) =
        report.segments.iter().partition(|segment| segment.verdict == "rounding");
    html! {
        h2 { "Segments" }
        (bar([("equal", report.equal_segments), ("rounding", moved.len()), ("different", others.len())]))
        @for segment in others { (different(segment)) }
        @if !moved.is_empty() {
            div.wide {
                table {
                    thead { tr { th { "equal up to rounding" } th { "weights moved by" } } }
                    tbody {
                        @for segment in moved {
                            tr {
                                td { (words(&segment.place)) }
                                td.number { (segment.moved.as_deref().unwrap_or("")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A segment that is not equal, and what is known of that.
fn different(segment: &SegmentReport) -> Markup {
    let counterpart = segment.counterpart.as_ref().filter(|other| **other != segment.place);
    html! {
        section.claim.bad {
            h3 { span.mark { "✗" } " " span.verdict { (segment.verdict) } " " (words(&segment.place)) }
            @if let Some(other) = counterpart { p { "compared with " (words(other)) } }
            @if let Some(moved) = &segment.moved { p { "weights moved by " (moved) } }
            @for line in &segment.findings { p { (words(line)) } }
        }
    }
}

/// How many segments there are of each kind, as parts of one bar.
fn bar(kinds: [(&str, usize); 3]) -> Markup {
    let all = kinds.iter().map(|(_, count)| count).sum::<usize>().max(1);
    let classes = ["same", "moved", "wrong"];
    let mut parts = Vec::new();
    let mut from = 0;
    for (class, (_, count)) in classes.into_iter().zip(kinds) {
        // What there is can be seen, however little it is.
        let width = (BAR * count / all).max(usize::from(count > 0) * 3);
        parts.push((class, from, width));
        from += width;
    }
    let caption: Vec<String> =
        kinds.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}")).collect();
    let caption = caption.join(", ");
    html! {
        figure {
            figcaption { (caption) }
            svg.segments role="img" aria-label=(caption) width=(from) height="20" viewBox={ "0 0 " (from) " 20" } {
                @for (class, x, width) in parts { rect class=(class) x=(x) width=(width) height="20" {} }
            }
        }
    }
}

/// The input that shows a difference, and what both files give for it.
fn inputs(report: &NetworkReport) -> Markup {
    let witness = &report.witness;
    let differs = &witness["differs"];
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows = ["index", "before", "after", "relative", "differing", "of"];
    html! {
        @if !witness.is_null() {
            h2 { "An input that shows it" }
            table {
                tbody {
                    @for input in witness["inputs"].as_array().into_iter().flatten() {
                        tr { th { "input " (text(&input["name"])) } td.number { (text(&input["size"])) } }
                    }
                    tr { th { "output" } td.number { (text(&witness["output"])) } }
                    @for name in rows {
                        @if let Some(value) = differs.get(name) {
                            tr { th { (name) } td.number { (text(value)) } }
                        }
                    }
                }
            }
            p { code { "convproof diff … --counterexample x.npy" } " writes the input." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report() -> NetworkReport {
        let segment = |place: &str, verdict, moved: Option<&str>| SegmentReport {
            place: place.to_owned(),
            counterpart: None,
            verdict,
            moved: moved.map(str::to_owned),
            findings: vec!["<b>one</b>".to_owned(), "two".to_owned()],
        };
        NetworkReport {
            schema: 1,
            before: "a<script>.onnx".to_owned(),
            after: "b\u{202e}.onnx".to_owned(),
            verdict: "different",
            summary: "for some input the outputs differ".to_owned(),
            details: vec!["first at `conv`".to_owned()],
            segments: vec![segment("conv", "different", None), segment("fc", "rounding", Some("1e-7"))],
            equal_segments: 6,
            conditions: vec!["n = m".to_owned()],
            sizes: Vec::new(),
            witness: json!({
                "inputs": [{ "name": "x", "size": [1, 3] }], "output": "y",
                "differs": { "index": [0, 1], "before": "1", "after": "2" }
            }),
        }
    }

    #[test]
    fn the_page_says_what_the_report_says_and_escapes_it() {
        let page = network(&report());
        for part in [
            "a&lt;script&gt;.onnx",
            "<p>&lt;b&gt;one&lt;/b&gt;</p><p>two</p>",
            "6 equal, 1 rounding, 1 different",
            "n = m",
            "[0,1]",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("<script") && !page.contains('\u{202e}'), "{page}");
        // Six of eight segments are three quarters of the bar.
        assert!(page.contains("class=\"same\" x=\"0\" width=\"270\""), "{page}");
        assert!(page.contains("class=\"wrong\" x=\"315\" width=\"45\""), "{page}");
    }

    #[test]
    fn files_without_a_difference_show_no_input() {
        let same = NetworkReport {
            verdict: "equal",
            segments: Vec::new(),
            witness: serde_json::Value::Null,
            ..report()
        };
        let page = network(&same);
        assert!(page.contains("claim good") && !page.contains("An input that shows it"), "{page}");
    }
}
