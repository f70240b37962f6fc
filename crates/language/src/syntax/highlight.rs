//! What each part of a text is, for pages that colour it. Made from the parser's own tokens; any text has parts.

use super::lexer::lex;
use super::token::TokenKind;
use crate::source::Span;

/// What a part of a text is. White space, brackets and separators are none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A word that begins a statement.
    Keyword,
    /// A name that is given arguments: a layer or a function.
    Call,
    /// A number.
    Number,
    /// A label or a path.
    Text,
    /// A block of prose.
    Prose,
    /// From `#` to the end of the line.
    Comment,
    /// A relation or `->`.
    Relation,
    /// What no statement can contain.
    Bad,
}

/// The parts of a text in order; none overlap.
pub fn highlight(text: &str) -> Vec<(Part, Span)> {
    let lexed = lex(text);
    let next = |at: usize| lexed.tokens.get(at + 1).map(|token| token.kind);
    let tokens = lexed.tokens.iter().enumerate().filter_map(|(at, token)| {
        let part = match token.kind {
            TokenKind::Name | TokenKind::Keyword(_) if next(at) == Some(TokenKind::LeftParen) => Part::Call,
            TokenKind::Keyword(_) => Part::Keyword,
            TokenKind::Number => Part::Number,
            TokenKind::Text => Part::Text,
            TokenKind::Prose => Part::Prose,
            TokenKind::Bad => Part::Bad,
            TokenKind::Arrow
            | TokenKind::Equal
            | TokenKind::NotEqual
            | TokenKind::Less
            | TokenKind::LessEqual
            | TokenKind::Greater
            | TokenKind::GreaterEqual
            | TokenKind::Tilde
            | TokenKind::Approx => Part::Relation,
            _ => return None,
        };
        Some((part, token.span))
    });
    let comments = lexed.comments.iter().map(|comment| (Part::Comment, comment.span));
    let mut parts: Vec<(Part, Span)> = tokens.chain(comments).collect();
    parts.sort_by_key(|(_, span)| span.start);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_tokens() {
        let text = "prove \"a\": conv(K, stride=2) == 1/2 # why\n'";
        let parts: Vec<(Part, &str)> =
            highlight(text).into_iter().map(|(part, span)| (part, &text[span.start..span.end])).collect();
        let expected = [
            (Part::Keyword, "prove"),
            (Part::Text, "\"a\""),
            (Part::Call, "conv"),
            (Part::Number, "2"),
            (Part::Relation, "=="),
            (Part::Number, "1"),
            (Part::Number, "2"),
            (Part::Comment, "# why"),
            (Part::Bad, "'"),
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn parts_follow_each_other_within_any_text() {
        for text in
            ["", "\u{feff}kernel é", "\"\"\"open", "#", "«x\n\u{202e}1.2.3 kernel(", "prove \"é", "…\0²"]
        {
            let mut end = 0;
            for (_, span) in highlight(text) {
                assert!(end <= span.start && text.get(span.start..span.end).is_some(), "{text}");
                end = span.end;
            }
        }
    }
}
