//! Diagnostics as text: with the source around them, or on one line.

use std::ops::Range;

use super::escape::visible;
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use convproof_language::diagnostic::{Diagnostic, Label};
use convproof_language::source::{Source, Span};

/// Bytes of source text that are shown for one diagnostic.
const MAX_EXCERPT: usize = 8 << 10;

/// The diagnostic with the lines it speaks of, underlined; several lines without a final line break.
/// `styled` adds terminal colours.
///
/// Places too far from each other to show are given as line numbers, and lines too long to show are left out.
pub fn render(diagnostic: &Diagnostic, source: &Source, styled: bool) -> String {
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let diagnostic = plain(diagnostic);
    let name = visible(source.name(), false);
    renderer.render(&[group(&diagnostic, source, &name)])
}

/// The same diagnostic without control characters in its words; those of the source are the renderer's business.
fn plain(diagnostic: &Diagnostic) -> Diagnostic {
    let clean = |text: &String| visible(text, true).into_owned();
    let label = |label: &Label| Label { span: label.span, text: clean(&label.text) };
    Diagnostic {
        code: diagnostic.code,
        message: clean(&diagnostic.message),
        primary: label(&diagnostic.primary),
        secondary: diagnostic.secondary.iter().map(label).collect(),
        hints: diagnostic.hints.iter().map(clean).collect(),
    }
}

/// The diagnostic on one line: `spec.cf:3:14: error[E0203]: message`.
pub fn one_line(diagnostic: &Diagnostic, source: &Source) -> String {
    let (line, column) = source.position(diagnostic.primary.span.start);
    let message = super::escape::visible(&diagnostic.message, false);
    let name = super::escape::visible(source.name(), false);
    format!("{name}:{line}:{column}: error[{}]: {message}", diagnostic.code)
}

fn group<'a>(diagnostic: &'a Diagnostic, source: &'a Source, name: &'a str) -> Group<'a> {
    let mut group =
        Group::with_title(Level::ERROR.primary_title(diagnostic.message.as_str()).id(diagnostic.code));
    let labels: Vec<(&Label, Range<usize>)> = std::iter::once(&diagnostic.primary)
        .chain(&diagnostic.secondary)
        .map(|label| (label, clamp(label.span, source)))
        .collect();
    let primary = lines_around(&labels[0].1, source.text());
    let excerpt =
        labels.iter().map(|(_, span)| lines_around(span, source.text())).fold(primary, |sum, next| {
            let both = sum.start.min(next.start)..sum.end.max(next.end);
            if both.len() <= MAX_EXCERPT { both } else { sum }
        });
    let shown = |span: &Range<usize>| excerpt.start <= span.start && span.end <= excerpt.end;
    let (line, column) = source.position(labels[0].1.start);
    if source.text().is_empty() {
        group = group.element(Origin::path(name));
    } else if excerpt.len() > MAX_EXCERPT {
        group = group.element(Origin::path(name).line(line).char_column(column));
    } else {
        let lines = Lines::of(&source.text()[excerpt.clone()]);
        let mut snippet =
            Snippet::source(lines.text.clone()).path(name).line_start(source.position(excerpt.start).0);
        for (at, (label, span)) in labels.iter().enumerate().filter(|(_, (_, span))| shown(span)) {
            let kind = if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let span = lines.place(span.start - excerpt.start)..lines.place(span.end - excerpt.start);
            let text = Some(label.text.as_str()).filter(|text| !text.is_empty());
            snippet = snippet.annotation(kind.span(span).label(text));
        }
        group = group.element(snippet);
    }
    for (label, span) in labels.iter().skip(1).filter(|(_, span)| excerpt.len() > MAX_EXCERPT || !shown(span))
    {
        let line = source.position(span.start).0;
        group = group.element(Level::NOTE.message(format!("line {line}: {}", label.text)));
    }
    group.elements(diagnostic.hints.iter().map(|hint| Level::HELP.message(hint.as_str())))
}

/// Lines of a text as every system shows them: without the carriage returns that end them on some.
struct Lines {
    text: String,
    /// Where they stood.
    returns: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let ends = |at: usize| matches!(text.as_bytes().get(at + 1), None | Some(b'\n'));
        let returns: Vec<usize> = text.match_indices('\r').map(|(at, _)| at).filter(|&at| ends(at)).collect();
        let mut rest = 0;
        let mut shown = String::with_capacity(text.len());
        for &at in &returns {
            shown.push_str(&text[rest..at]);
            rest = at + 1;
        }
        shown.push_str(&text[rest..]);
        Self { text: shown, returns }
    }

    /// Where a place of the text is among them.
    fn place(&self, at: usize) -> usize {
        at - self.returns.partition_point(|&place| place < at)
    }
}

/// The span within the text, on character boundaries; of a very long one only its first line.
fn clamp(span: Span, source: &Source) -> Range<usize> {
    let text = source.text();
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    let end = floor(span.end).max(start);
    if end - start <= MAX_EXCERPT / 4 {
        return start..end;
    }
    start..text[start..end].find('\n').map_or(end, |length| start + length)
}

/// The whole lines that a range touches.
fn lines_around(span: &Range<usize>, text: &str) -> Range<usize> {
    let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_source_is_shown_with_labels_and_hints() {
        let source = Source::new("specs/a.cf", "# one\nkernel A[3,3]\nprove conv(B) == conv(A)\n");
        let diagnostic = Diagnostic::new("E0201", "unknown name `B`", Span::new(31, 32), "not declared")
            .with_label(Span::new(13, 14), "a name that is near")
            .with_hint("did you mean `A`?");
        insta::assert_snapshot!(render(&diagnostic, &source, false), @r"
        error[E0201]: unknown name `B`
         --> specs/a.cf:3:12
          |
        2 | kernel A[3,3]
          |        - a name that is near
        3 | prove conv(B) == conv(A)
          |            ^ not declared
          |
          = help: did you mean `A`?
        ");
        assert_eq!(one_line(&diagnostic, &source), "specs/a.cf:3:12: error[E0201]: unknown name `B`");
        let styled = render(&diagnostic, &source, true);
        assert_eq!(anstream::adapter::strip_str(&styled).to_string(), render(&diagnostic, &source, false));
        assert_ne!(styled, render(&diagnostic, &source, false));
    }

    #[test]
    fn a_file_without_text_has_no_excerpt() {
        let source = Source::new("gone.cf", "");
        let diagnostic = Diagnostic::new("E0001", "cannot be read", Span::default(), "");
        insta::assert_snapshot!(render(&diagnostic, &source, false), @r"
        error[E0001]: cannot be read
        --> gone.cf
        ");
    }

    #[test]
    fn long_lines_and_far_places_are_named_only() {
        let line = format!("kernel A = [{}]\n", "1 ".repeat(MAX_EXCERPT));
        let near = Source::new("a.cf", format!("prove x\n{line}"));
        let far = Diagnostic::new("E0202", "twice", Span::new(6, 7), "here")
            .with_label(Span::new(15, 16), "and here");
        insta::assert_snapshot!(render(&far, &near, false), @r"
        error[E0202]: twice
         --> a.cf:1:7
          |
        1 | prove x
          |       ^ here
          |
          = note: line 2: and here
        ");
        let inside = Diagnostic::new("E0202", "twice", Span::new(15, 16), "here");
        insta::assert_snapshot!(render(&inside, &near, false), @r"
        error[E0202]: twice
        --> a.cf:2:8
        ");
    }

    #[test]
    fn ends_of_lines_do_not_show() {
        let at = |text: &str| {
            let start = text.find('B').unwrap();
            let source = Source::new("a.cf", text);
            let end = text.trim_end().len();
            let diagnostic = Diagnostic::new("E0201", "m", Span::new(start, end), "here")
                .with_label(Span::new(text.find("two").unwrap(), start), "from here");
            render(&diagnostic, &source, false)
        };
        let text = "one\ntwo\nprove B\n";
        assert_eq!(at(&text.replace('\n', "\r\n")), at(text));
        assert_eq!(at(&text.trim_end().replace('\n', "\r\n")), at(text.trim_end()));
    }

    proptest! {
        #[test]
        fn no_span_panics(text in "[a-zé×\\n\\t\\r\u{1b} ]{0,60}", spans in prop::collection::vec((0usize..80, 0usize..80), 1..4)) {
            let source = Source::new("a.cf", text);
            let mut diagnostic = Diagnostic::new("E0000", "m", Span::new(spans[0].0, spans[0].1), "l");
            for (start, end) in &spans[1..] {
                diagnostic = diagnostic.with_label(Span::new(*start, *end), "s");
            }
            prop_assert!(render(&diagnostic, &source, true).contains("E0000"));
        }
    }
}
