//! What to write instead of something that is written so elsewhere: patterns of tokens around a mistake.

use super::super::error::{Context, Expected, SyntaxError, SyntaxErrorKind as K};
use super::super::token::{Gap, Keyword, TokenKind};
use super::Parser;
use crate::{builtins, foreign};

/// Tokens before and after a mistake that are looked at.
const SEEN: usize = 4;

impl Parser<'_> {
    /// What to write instead, if the tokens around the current one tell.
    pub(super) fn advice(&self, error: &SyntaxError) -> Option<String> {
        let first = self.first.max(self.at.saturating_sub(SEEN));
        let texts = |range: std::ops::Range<usize>| -> Vec<&str> {
            self.tokens[range].iter().map(|token| self.slice(token.span)).collect()
        };
        let before = texts(first..self.at);
        let at = texts(self.at..(self.at + SEEN).min(self.tokens.len()));
        self.claim_alone(error)
            .or_else(|| self.at_the_character(error, &before, &at))
            .or_else(|| self.in_a_declaration(error, &before, &at))
            .or_else(|| self.in_an_expression(error, &before, &at))
            .or_else(|| self.after_a_claim(error, &before, &at))
    }

    /// A line with two sides and no keyword before them.
    fn claim_alone(&self, error: &SyntaxError) -> Option<String> {
        let first = match error.kind {
            K::Trailing(_) => self.at,
            K::UnknownStatement { assigned: false, .. } => self.first,
            _ => return None,
        };
        let (token, rest) = self.tokens[first..].split_first()?;
        let line = rest.iter().take_while(|token| token.gap < Gap::Line && token.kind != TokenKind::End);
        let compares = line.clone().any(|token| matches!(token.kind, TokenKind::Equal | TokenKind::Approx));
        (token.gap >= Gap::Line && compares).then(|| {
            let text = self.slice(token.span);
            format!("a claim begins with `prove` or `refute`: write `prove {text}…`")
        })
    }

    /// Characters and numbers that are no tokens.
    fn at_the_character(&self, error: &SyntaxError, before: &[&str], at: &[&str]) -> Option<String> {
        match (&error.kind, before, at) {
            (K::WrongQuotes, [.., "padding", "="], [quoted, ..]) => {
                let inner = quoted.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
                foreign::is_padding(inner).then(|| format!("write `padding={inner}`, without quotes"))
            }
            (K::UnexpectedCharacter('.'), [.., name], [_, extension, ..])
                if before.contains(&"load") || foreign::is_extension(extension) =>
            {
                Some(format!("names of files stand in quotes: `\"{name}.{extension}\"`"))
            }
            (K::UnexpectedCharacter('.'), [.., kernel], [_, "T", ..]) => {
                Some(format!("write `transpose({kernel})`"))
            }
            (K::UnexpectedCharacter('.'), [.., ")"], [_, option, "(", ..]) if builtins::is_option(option) => {
                let value = self.inside(self.at + 2).unwrap_or_else(|| "…".to_owned());
                Some(format!("options stand in the layer's parentheses, as in `conv(K, {option}={value})`"))
            }
            (K::UnexpectedCharacter('.'), [.., ")"], [_, name, ..]) => {
                let advice = foreign::name(name).unwrap_or_else(|| format!("write `{name}`"));
                Some(format!("layers are joined with `->`: {advice}"))
            }
            (K::UnexpectedCharacter('.'), [.., library], [_, name, ..]) => {
                let advice = foreign::name(name).unwrap_or_else(|| format!("write `{name}`"));
                Some(format!("without `{library}.`: {advice}"))
            }
            (K::MalformedNumber(text), ..) => {
                let word = text.trim_start_matches(|c: char| c.is_ascii_digit());
                let number = &text[..text.len() - word.len()];
                matches!(word, "and" | "or" | "on" | "where" | "within" | "for")
                    .then(|| format!("put a space between them: `{number} {word}`"))
            }
            _ => None,
        }
    }

    fn in_a_declaration(&self, error: &SyntaxError, before: &[&str], at: &[&str]) -> Option<String> {
        let keyword = self.tokens[self.first].kind;
        if !matches!(keyword, TokenKind::Keyword(Keyword::Kernel | Keyword::Image | Keyword::Scalar)) {
            return None;
        }
        let keyword = self.slice(self.tokens[self.first].span);
        match (&error.kind, before, at) {
            (K::Trailing(_) | K::Unexpected { .. }, [_, name], ["(", ..]) => {
                let extents = self.inside(self.at).unwrap_or_else(|| "3,3".to_owned());
                Some(format!("extents stand in square brackets: `{name}[{extents}]`"))
            }
            (K::Trailing(_), [.., "]"], ["[", ..]) => {
                Some("all extents stand in one pair of brackets, as in `A[3,3]`".to_owned())
            }
            (K::Trailing(_), _, [",", name, ..]) => {
                Some(format!("a statement declares one name: write `{keyword} {name}…` as the next one"))
            }
            _ => None,
        }
    }

    fn in_an_expression(&self, error: &SyntaxError, before: &[&str], at: &[&str]) -> Option<String> {
        match (&error.kind, before, at) {
            (
                K::Unexpected { expected: Expected::Expression | Expected::Entry, .. },
                [.., "*"],
                ["*", ..],
            ) => Some("powers are written with `^`, as in `A ^ 2`".to_owned()),
            (K::Unexpected { expected: Expected::Expression, .. }, [.., number, "%"], _)
                if number.starts_with(|c: char| c.is_ascii_digit()) =>
            {
                Some(format!("write `{number}/100`"))
            }
            (K::Unexpected { .. }, [.., "/"], ["/" | "*", ..])
            | (K::Trailing(_) | K::Unexpected { .. }, _, ["/", "/" | "*", ..]) => {
                Some("comments begin with `#`".to_owned())
            }
            (K::Unexpected { expected: Expected::Token(")"), opener: Some(_), .. }, _, [",", ..]) => {
                let open = (0..self.at).rev().find(|&at| self.tokens[at].kind == TokenKind::LeftParen)?;
                let pair = self.inside(open).unwrap_or_else(|| "2,2".to_owned());
                Some(format!("numbers that belong together stand in square brackets: `[{pair}]`"))
            }
            (K::WrongRelation { context: Context::Claim | Context::Chain, .. }, _, ["=", ">", ..])
            | (K::Unexpected { .. }, [.., "-"], [">", ..]) => Some("layers are joined with `->`".to_owned()),
            (K::SecondComparison { first }, ..) if self.slice(*first) == ">" || at.first() == Some(&">") => {
                Some("layers are joined with `->`, not with `>`".to_owned())
            }
            _ => None,
        }
    }

    fn after_a_claim(&self, error: &SyntaxError, before: &[&str], at: &[&str]) -> Option<String> {
        match (&error.kind, before, at) {
            (K::Trailing(_) | K::Unexpected { .. }, _, ["|", "|", ..]) => {
                Some("conditions are joined with `or`".to_owned())
            }
            (K::Trailing(_) | K::Unexpected { .. }, _, ["|", ..]) => {
                Some("layers are joined with `->`".to_owned())
            }
            (
                K::Unexpected { expected: Expected::Comparison, .. },
                [.., side],
                ["is", word @ ("even" | "odd"), ..] | [word @ ("even" | "odd"), ..],
            ) => Some(format!("write `{side} % 2 == {}`", u8::from(*word == "odd"))),
            (K::Trailing(_), _, [";", ..]) => {
                Some("a statement ends where the next one begins; leave the `;` out".to_owned())
            }
            (K::Trailing(_), _, ["if" | "when" | "given" | "assuming" | "provided" | "such", ..]) => {
                Some("conditions on sizes follow `where`, as in `where h % 2 == 0`".to_owned())
            }
            (K::Trailing(_) | K::Unexpected { .. }, [.., function], [argument, ..])
                if foreign::takes_arguments(function) && is_operand(argument) =>
            {
                Some(format!("arguments stand in parentheses, as in `{function}({argument})`"))
            }
            _ => None,
        }
    }

    /// The text inside of the parenthesis that opens at a token, if it is short and on one line.
    fn inside(&self, open: usize) -> Option<String> {
        let tokens = &self.tokens[open + 1..];
        let end = tokens.iter().take(12).position(|token| token.kind == TokenKind::RightParen)?;
        let (first, last) = (tokens.first()?, tokens.get(end)?);
        let text = &self.text[first.span.start..last.span.start];
        let plain = text.chars().all(|c| c.is_alphanumeric() || matches!(c, ',' | ' ' | '_'));
        plain.then(|| text.chars().filter(|c| !c.is_whitespace()).collect())
    }
}

fn is_operand(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}
