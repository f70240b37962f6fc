//! Code with its parts marked, and lines of words with code among them.

use maud::{Markup, html};

use convproof_language::syntax::{Part, highlight};

/// A piece of a spec, coloured.
pub(super) fn code(text: &str) -> Markup {
    let mut parts = Vec::new();
    let mut end = 0;
    for (part, span) in highlight(text) {
        // The parts of a text are within it and follow each other; what would not be is left plain.
        let (Some(before), Some(within)) = (text.get(end..span.start), text.get(span.start..span.end)) else {
            continue;
        };
        parts.push((None, before));
        parts.push((Some(class(part)), within));
        end = span.end;
    }
    parts.push((None, text.get(end..).unwrap_or_default()));
    html! {
        @for (class, text) in parts {
            @match class {
                Some(class) => span class=(class) { (text) },
                None => (text),
            }
        }
    }
}

fn class(part: Part) -> &'static str {
    match part {
        Part::Keyword => "k",
        Part::Call => "c",
        Part::Number => "n",
        Part::Text | Part::Prose => "s",
        Part::Comment => "r",
        Part::Relation => "o",
        Part::Bad => "e",
    }
}

/// A line of words; paired backticks mark code.
pub(super) fn words(text: &str) -> Markup {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('`') {
        let Some((code, tail)) = after.split_once('`').filter(|(code, _)| !code.trim().is_empty()) else {
            break;
        };
        parts.push((false, plain));
        parts.push((true, code));
        rest = tail;
    }
    parts.push((false, rest));
    html! {
        @for (is_code, text) in parts {
            @if is_code { code { (text) } } @else { (text) }
        }
    }
}
