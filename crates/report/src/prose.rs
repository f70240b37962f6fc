//! A spec's prose in a report: Markdown that ends with its block. What it leaves open could hide the verdicts below it,
//! so tags are shown as text, and a block whose fences do not close is shown as it was typed. Checks no other Markdown.

use super::escape::{code_block, visible};

/// A block of prose as Markdown.
pub(super) fn prose(text: &str) -> String {
    let text = visible(text.trim_matches('\n').trim_end(), true);
    literal_tags(&text).map_or_else(|| code_block(&text, "text"), |text| format!("{text}\n"))
}

/// A fence that is open: its indentation, its character and how many of them.
#[derive(Clone, Copy)]
struct Fence {
    indent: usize,
    mark: char,
    length: usize,
}

impl Fence {
    /// The fence that a line could open.
    fn of(line: &str) -> Option<Self> {
        let rest = line.trim_start_matches([' ', '\t']);
        let mark = rest.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let length = rest.len() - rest.trim_start_matches(mark).len();
        let info = &rest[length..];
        (length >= 3 && !(mark == '`' && info.contains('`'))).then_some(Self {
            indent: line.len() - rest.len(),
            mark,
            length,
        })
    }

    fn is_closed_by(self, line: &str) -> bool {
        Self::of(line).is_some_and(|end| {
            let same = (end.indent, end.mark) == (self.indent, self.mark);
            same && end.length >= self.length && line.trim() == self.mark.to_string().repeat(end.length)
        })
    }
}

/// The text with its tags escaped; `None` where a fence is not closed for certain, in lists and out of them.
fn literal_tags(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut fence: Option<Fence> = None;
    // An odd backtick may pair up with a later one of its paragraph, so nothing after it is code for certain.
    let mut loose = false;
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        if let Some(open) = fence {
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            if open.is_closed_by(line) {
                fence = None;
            } else if indent < open.indent && !line.trim().is_empty() {
                return None;
            }
            out.push_str(line);
            continue;
        }
        fence = Fence::of(line);
        if fence.is_some() {
            out.push_str(line);
            continue;
        }
        loose &= !line.trim().is_empty();
        loose = escape_tags(line, loose, &mut out);
    }
    fence.is_none().then_some(out)
}

/// Adds a line with `<` escaped outside of code; tells whether a backtick is left without its pair.
fn escape_tags(line: &str, mut loose: bool, out: &mut String) -> bool {
    let mut rest = line;
    while let Some(at) = rest.find(['`', '<']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = rest.len() - rest.trim_start_matches('`').len();
        if length == 0 {
            let link = ["<https://", "<http://", "<mailto:"].iter().any(|start| rest.starts_with(start));
            let tag = rest[1..].starts_with(|c: char| c.is_alphabetic() || matches!(c, '/' | '!' | '?'));
            out.push_str(if tag && !link { "\\<" } else { "<" });
            rest = &rest[1..];
        } else if let Some(end) = closing(&rest[length..], length).filter(|_| !loose) {
            let (code, after) = rest.split_at(length + end + length);
            out.push_str(code);
            rest = after;
        } else {
            loose = true;
            out.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    out.push_str(rest);
    loose
}

/// Where a run of exactly so many backticks begins.
fn closing(text: &str, length: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(start) = text[at..].find('`') {
        let run = &text[at + start..];
        let found = run.len() - run.trim_start_matches('`').len();
        if found == length {
            return Some(at + start);
        }
        at += start + found;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_prose_stays_as_it_is() {
        for text in [
            "# Title\n\n1 < 2, text with `a < b` and <https://example.org/x>.",
            "```cf\nkernel A[1,1] # <b>\n```\n\nafter",
            "- item\n  ```\n  code\n  ```\n- next",
            "~~~~\n```\n~~~~",
        ] {
            assert_eq!(prose(text), format!("{text}\n"));
        }
    }

    #[test]
    fn tags_are_text() {
        assert_eq!(prose("<details>\n<!-- hidden"), "\\<details>\n\\<!-- hidden\n");
        assert_eq!(prose("a `<b>` <i>"), "a `<b>` \\<i>\n");
        // The first backtick pairs up with the second one, so what follows is no code.
        assert_eq!(prose("odd `\n`<!-- `"), "odd `\n`\\<!-- `\n");
        assert_eq!(prose("odd `\n\n`<x>`"), "odd `\n\n`<x>`\n");
    }

    #[test]
    fn blocks_whose_fences_stay_open_are_shown_as_typed() {
        for text in ["```\nopen", "- a\n  ```\nback", " ```\nx\n  ```", "~~~\n```", "```\n``` no end"] {
            let shown = prose(text);
            assert!(shown.starts_with("```") && shown.contains(text), "{shown}");
            assert!(literal_tags(shown.trim_end()).is_some(), "{shown}");
        }
    }
}
