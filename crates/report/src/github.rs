//! Annotations for a workflow of GitHub: one command a line for each claim that fails and each mistake.

use std::fmt::Write;

use super::model::FileReport;
use super::text;

/// Characters of an explanation that are shown beside a line of code.
const LONGEST: usize = 2000;

/// A line for each claim that fails and each mistake; empty where there is none.
pub fn render(files: &[FileReport]) -> String {
    let mut out = String::new();
    for file in files {
        let name = property(file.source.name());
        for claim in file.claims().filter(|claim| !claim.holds) {
            let title = property(&format!("{}: {}", claim.outcome.word(), claim.label));
            let mut lines =
                vec![format!("{} {}", claim.kind.keyword(), claim.statement), claim.method.clone()];
            lines.extend(text::blocks(&claim.details));
            let _ = writeln!(out, "::error file={name},line={},title={title}::{}", claim.line, data(&lines));
        }
        for error in &file.errors {
            let (line, column) = file.source.position(error.primary.span.start);
            let (end_line, end_column) = file.source.position(error.primary.span.end);
            let mut place = format!("line={line},endLine={end_line},col={column}");
            if line == end_line {
                let _ = write!(place, ",endColumn={end_column}");
            }
            let title = property(error.code);
            let mut lines = vec![error.message.clone()];
            lines.extend(error.hints.iter().map(|hint| format!("help: {hint}")));
            let _ = writeln!(out, "::error file={name},{place},title={title}::{}", data(&lines));
        }
    }
    out
}

/// The text of a command.
fn data(lines: &[String]) -> String {
    let text = lines.join("\n");
    let text = match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    escaped(&super::escape::visible(&text, true))
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    escaped(&super::escape::visible(text, false)).replace(':', "%3A").replace(',', "%2C")
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_language::diagnostic::Diagnostic;
    use convproof_language::source::{Source, Span};

    #[test]
    fn nothing_in_a_text_ends_the_command_or_begins_another() {
        let source = Source::new("a,b:c.cf", "kernel A\n::error::x");
        let error =
            Diagnostic::new("E0201", "100% wrong\n::warning::y", Span::new(7, 8), "").with_hint("try");
        let shown = render(&[FileReport { source, entries: Vec::new(), errors: vec![error] }]);
        assert_eq!(
            shown,
            "::error file=a%2Cb%3Ac.cf,line=1,endLine=1,col=8,endColumn=9,title=E0201::\
             100%25 wrong%0A::warning::y%0Ahelp: try\n"
        );
    }
}
