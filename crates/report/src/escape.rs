//! Foreign text made safe for each output: terminals, Markdown, XML.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character changes the order in which text is shown, or breaks lines unseen.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Control characters as their visible pictures, so that a spec cannot steer the terminal that shows it.
/// Line breaks and tabs stay where `multiline` asks for it; carriage returns never do.
pub fn visible(text: &str, multiline: bool) -> Cow<'_, str> {
    let keep = |c: char| !(c.is_control() || is_hidden(c)) || (multiline && matches!(c, '\n' | '\t'));
    if text.chars().all(keep) {
        return Cow::Borrowed(text);
    }
    let picture = |c: char| match c {
        c if keep(c) => Some(c),
        '\r' => None,
        '\n' | '\t' => Some(' '),
        '\u{7f}' => Some('\u{2421}'),
        c if c < ' ' => char::from_u32(0x2400 + u32::from(c)),
        _ => Some('\u{fffd}'),
    };
    Cow::Owned(text.chars().filter_map(picture).collect())
}

/// JSON text in which no control character stands as it is. They occur in strings only, where an escape means the
/// same.
pub(super) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && (c.is_control() || is_hidden(c)) {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// An address for a Markdown link, relative to the document: `/` and letters stay, all else is encoded.
pub(super) fn link_target(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    for c in address.chars() {
        if c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '~') {
            out.push(c);
        } else {
            c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| _ = write!(out, "%{byte:02X}"));
        }
    }
    out
}

/// Text for an XML attribute or element. Characters that XML 1.0 cannot express become U+FFFD.
pub(super) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => _ = write!(out, "&#{};", u32::from(c)),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c if c.is_control() || is_hidden(c) => _ = write!(out, "&#{};", u32::from(c)),
            c => out.push(c),
        }
    }
    out
}

/// One line of text whose paired backticks mark code, as Markdown that shows exactly that.
pub(super) fn markdown(text: &str) -> String {
    let text = visible(text.trim(), false);
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = &*text;
    while let Some((plain, after)) = rest.split_once('`') {
        let Some((code, tail)) = after.split_once('`').filter(|(code, _)| !code.trim().is_empty()) else {
            break;
        };
        markdown_plain(plain, &mut out);
        out.push_str(&code_span(code));
        rest = tail;
    }
    markdown_plain(rest, &mut out);
    out
}

/// Text without any markup, as Markdown that shows exactly that.
pub(super) fn markdown_literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    markdown_plain(&visible(text.trim(), false), &mut out);
    out
}

fn markdown_plain(text: &str, out: &mut String) {
    let opens_line = out.is_empty();
    // Where a line begins, these would make it a heading, a quote, an underline or a list.
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let before_blank = |at: usize| matches!(text.as_bytes().get(at + 1), None | Some(b' ' | b'-'));
    for (at, c) in text.char_indices() {
        let special = match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '~' | '$' | '&' => true,
            '#' | '>' | '=' => opens_line && at == 0,
            '+' | '-' => opens_line && at == 0 && before_blank(at),
            '.' | ')' => opens_line && digits > 0 && at == digits && before_blank(at),
            _ => false,
        };
        if special {
            out.push('\\');
        }
        out.push(c);
    }
}

/// A Markdown code span of one line of text.
pub(super) fn code_span(text: &str) -> String {
    let text = visible(text, false);
    let ticks = "`".repeat(longest_run(&text, '`') + 1);
    // One space inside is stripped on both sides by Markdown; backticks at an end need it.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// A Markdown code block; `language` may be empty.
pub(super) fn code_block(text: &str, language: &str) -> String {
    let text = visible(text, true);
    let fence = "`".repeat(longest_run(&text, '`').max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

/// One cell of a Markdown table.
pub(super) fn table_cell(text: &str) -> String {
    // Bars are escaped inside code spans too: a table is split before its cells are read.
    markdown(text).replace('|', "\\|")
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_shows_what_was_meant() {
        assert_eq!(markdown("a*b_c <d> `x | *y*` [z]"), "a\\*b\\_c \\<d> `x | *y*` \\[z\\]");
        assert_eq!(markdown("one ` alone"), "one \\` alone");
        assert_eq!(markdown("# not a title"), "\\# not a title");
        assert_eq!(markdown("12. not a list"), "12\\. not a list");
        assert_eq!(markdown("- 1"), "\\- 1");
        assert_eq!(markdown("-1/2"), "-1/2");
        assert_eq!(markdown("---"), "\\---");
        assert_eq!(markdown("1.5 - 2 > 3"), "1.5 - 2 > 3");
        assert_eq!(markdown("``"), "\\`\\`");
    }

    #[test]
    fn code_survives_its_own_backticks() {
        assert_eq!(code_span("a"), "`a`");
        assert_eq!(code_span("a``b"), "```a``b```");
        assert_eq!(code_span("`a"), "`` `a ``");
        assert_eq!(code_block("x\n```\ny", "cf"), "````cf\nx\n```\ny\n````\n");
    }

    #[test]
    fn bars_do_not_split_cells() {
        assert_eq!(table_cell("`a|b` c|d"), "`a\\|b` c\\|d");
        assert_eq!(table_cell("|x| <= 1"), "\\|x\\| \\<= 1");
    }

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(visible("a\u{1b}[31m\nb", false), "a\u{241b}[31m b");
        assert_eq!(visible("a\n\tb\r", true), "a\n\tb");
        assert_eq!(visible("a\u{202e}b\u{9b}", true), "a\u{fffd}b\u{fffd}");
        assert_eq!(json("\"a\u{202e}\u{9b}\"\n"), "\"a\\u202e\\u009b\"\n");
        assert!(matches!(visible("plain ×", false), Cow::Borrowed(_)));
    }

    #[test]
    fn addresses_are_encoded() {
        assert_eq!(link_target("a b/é>(1)`\u{1b}.md"), "a%20b/é%3E%281%29%60%1B.md");
    }

    #[test]
    fn xml_is_well_formed() {
        assert_eq!(xml("<a & \"b\">\n\u{1}"), "&lt;a &amp; &quot;b&quot;&gt;&#10;\u{fffd}");
    }
}
