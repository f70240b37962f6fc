//! Text to tokens, in linear time. Never fails: what is no token becomes [`TokenKind::Bad`] with an error.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_until, take_while, take_while1};
use nom::character::complete::{anychar, char, digit0, digit1, none_of, one_of};
use nom::combinator::{map_opt, not, opt, recognize, value};
use nom::multi::many0_count;
use nom::sequence::{pair, terminated};
use nom::{IResult, Input as _, Parser};
use nom_locate::LocatedSpan;

use crate::source::Span;

use super::error::{SyntaxError, SyntaxErrorKind};
use super::shorten;
use super::token::{CommentToken, Gap, Keyword, Lexed, Token, TokenKind};

type Input<'a> = LocatedSpan<&'a str>;

/// Splits a text into tokens and comments.
pub(super) fn lex(text: &str) -> Lexed {
    let mut lexed = Lexed { tokens: Vec::new(), comments: Vec::new(), errors: Vec::new() };
    let mut input = Input::new(text);
    if text.starts_with('\u{feff}') {
        input = input.take_from('\u{feff}'.len_utf8());
    }
    loop {
        let (at, gap) = skip_space(input);
        if at.fragment().is_empty() {
            let end = text.len();
            lexed.tokens.push(Token { kind: TokenKind::End, gap, span: Span::new(end, end) });
            return lexed;
        }
        let start = at.location_offset();
        if let Ok((after, _)) = comment(at) {
            let span = Span::new(start, after.location_offset());
            lexed.comments.push(CommentToken { span, gap, before: lexed.tokens.len() });
            input = after;
            continue;
        }
        let kind;
        (input, kind) = token(at).unwrap_or_else(|_| {
            let (length, kind) = bad(at);
            lexed.errors.push(SyntaxError { kind, span: Span::new(start, start + length) });
            (at.take_from(length), TokenKind::Bad)
        });
        lexed.tokens.push(Token { kind, gap, span: Span::new(start, input.location_offset()) });
    }
}

fn skip_space(input: Input) -> (Input, Gap) {
    let spaces = input.fragment().len() - input.fragment().trim_start().len();
    if spaces == 0 {
        return (input, Gap::None);
    }
    let after = input.take_from(spaces);
    // nom_locate counts lines, so a gap of two is an empty line.
    let gap = match after.location_line() - input.location_line() {
        0 => Gap::Space,
        1 => Gap::Line,
        _ => Gap::Blank,
    };
    (after, gap)
}

fn comment(input: Input) -> IResult<Input, Input> {
    recognize(pair(char('#'), take_while(|c| c != '\n'))).parse(input)
}

/// A well-formed token.
fn token(input: Input) -> IResult<Input, TokenKind> {
    match input.fragment().chars().next() {
        Some('"') if input.fragment().starts_with("\"\"\"") => value(TokenKind::Prose, prose).parse(input),
        Some('"') => value(TokenKind::Text, string).parse(input),
        Some(c) if starts_word(c) => {
            let (after, word) = take_while1(continues_word).parse(input)?;
            let keyword = Keyword::ALL.iter().find(|(text, _)| text == word.fragment());
            Ok((after, keyword.map_or(TokenKind::Name, |(_, keyword)| TokenKind::Keyword(*keyword))))
        }
        _ => alt((
            value(TokenKind::Ellipsis, alt((tag("..."), tag("…")))),
            value(TokenKind::Number, terminated(number, not(junk))),
            symbol,
        ))
        .parse(input),
    }
}

fn starts_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Superscript digits are left out: `A²` is not a name.
fn continues_word(c: char) -> bool {
    (c.is_alphanumeric() || c == '_') && !matches!(c, '²' | '³' | '¹' | '⁰' | '⁴'..='⁹')
}

fn prose(input: Input) -> IResult<Input, Input> {
    recognize((tag("\"\"\""), take_until("\"\"\""), tag("\"\"\""))).parse(input)
}

/// `"…"` on one line; `\"` and `\\` stand for a quote and a backslash.
fn string(input: Input) -> IResult<Input, Input> {
    let inner = many0_count(alt((
        take_while1(|c| !matches!(c, '"' | '\\' | '\n')),
        recognize(pair(char('\\'), none_of("\n"))),
    )));
    recognize((char('"'), inner, char('"'))).parse(input)
}

fn number(input: Input) -> IResult<Input, Input> {
    let exponent = (one_of("eE"), opt(one_of("+-")), digit1);
    let mantissa =
        alt((recognize((digit1, opt(pair(char('.'), digit0)))), recognize(pair(char('.'), digit1))));
    recognize(pair(mantissa, opt(exponent))).parse(input)
}

/// What cannot follow a number directly.
fn junk(input: Input) -> IResult<Input, Input> {
    take_while1(|c| continues_word(c) || c == '.').parse(input)
}

fn symbol(input: Input) -> IResult<Input, TokenKind> {
    use TokenKind as T;
    let long = alt((
        value(T::Arrow, tag("->")),
        value(T::Equal, tag("==")),
        value(T::NotEqual, tag("!=")),
        value(T::LessEqual, tag("<=")),
        value(T::GreaterEqual, tag(">=")),
        value(T::Approx, tag("~=")),
    ));
    let short = map_opt(anychar, |c| {
        Some(match c {
            '(' => T::LeftParen,
            ')' => T::RightParen,
            '[' => T::LeftBracket,
            ']' => T::RightBracket,
            ',' => T::Comma,
            ';' => T::Semicolon,
            ':' => T::Colon,
            '|' => T::Bar,
            '+' => T::Plus,
            '-' => T::Minus,
            '*' => T::Star,
            '/' => T::Slash,
            '%' => T::Percent,
            '^' => T::Caret,
            '=' => T::Assign,
            '<' => T::Less,
            '>' => T::Greater,
            '~' => T::Tilde,
            _ => return None,
        })
    });
    alt((long, short)).parse(input)
}

/// The length and the mistake of what stands where no token does: at least one character, never past the
/// line save for prose.
fn bad(input: Input) -> (usize, SyntaxErrorKind) {
    let text = *input.fragment();
    let line = text.split('\n').next().unwrap_or_default();
    let first = text.chars().next().unwrap_or_default();
    let opening = first.len_utf8();
    match first {
        '"' if text.starts_with("\"\"\"") => (text.len(), SyntaxErrorKind::UnclosedProse),
        '"' => (line.trim_end().len(), SyntaxErrorKind::UnclosedText),
        '\'' | '‘' | '’' | '“' | '”' | '„' | '«' => {
            let closing = line[opening..].find(['\'', '’', '”', '“', '»']);
            let length = closing.map_or(opening, |at| {
                let end = opening + at;
                end + line[end..].chars().next().map_or(0, char::len_utf8)
            });
            (length, SyntaxErrorKind::WrongQuotes)
        }
        _ => match recognize(pair(number, junk)).parse(input) {
            Ok((_, number)) => (number.len(), SyntaxErrorKind::MalformedNumber(shorten(number.fragment()))),
            Err(_) => (opening, SyntaxErrorKind::UnexpectedCharacter(first)),
        },
    }
}
