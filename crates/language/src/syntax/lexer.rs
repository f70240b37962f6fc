//! Text to tokens, in linear time. Never fails: what is no token becomes [`TokenKind::Bad`] with an error.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_until, take_while1};
use nom::character::complete::{char, digit0, digit1, none_of, one_of};
use nom::combinator::{not, opt, recognize, value};
use nom::error::{Error, ErrorKind};
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
        if at.fragment().starts_with('#') {
            let after = at.take_from(line_length(at.fragment()));
            let span = Span::new(start, after.location_offset());
            lexed.comments.push(CommentToken { span, gap, before: lexed.tokens.len() });
            input = after;
            continue;
        }
        let kind;
        (input, kind) = token(at).unwrap_or_else(|_| {
            let (length, kind) = bad(at);
            let span = Span::new(start, start + length);
            lexed.errors.push(SyntaxError { kind, span, advice: None });
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

fn line_length(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
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
        Some(c) if c.is_ascii_digit() || matches!(c, '.' | '…') => alt((
            value(TokenKind::Ellipsis, alt((tag("..."), tag("…")))),
            value(TokenKind::Number, terminated(number, not(junk))),
        ))
        .parse(input),
        _ => match symbol(input.fragment()) {
            Some((length, kind)) => Ok((input.take_from(length), kind)),
            None => Err(nom::Err::Error(Error::new(input, ErrorKind::OneOf))),
        },
    }
}

/// Whether a text is one name, and nothing beside it. Words with a meaning of their own are names too.
pub fn is_name(text: &str) -> bool {
    text.starts_with(starts_word) && text.chars().all(continues_word)
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

/// Operators and brackets, by hand: trying each in turn would be most of the lexer's time.
fn symbol(text: &str) -> Option<(usize, TokenKind)> {
    use TokenKind as T;
    let bytes = text.as_bytes();
    let long = match bytes.get(..2) {
        Some(b"->") => Some(T::Arrow),
        Some(b"==") => Some(T::Equal),
        Some(b"!=") => Some(T::NotEqual),
        Some(b"<=") => Some(T::LessEqual),
        Some(b">=") => Some(T::GreaterEqual),
        Some(b"~=") => Some(T::Approx),
        _ => None,
    };
    if let Some(kind) = long {
        return Some((2, kind));
    }
    let short = match bytes.first()? {
        b'(' => T::LeftParen,
        b')' => T::RightParen,
        b'[' => T::LeftBracket,
        b']' => T::RightBracket,
        b',' => T::Comma,
        b';' => T::Semicolon,
        b':' => T::Colon,
        b'|' => T::Bar,
        b'+' => T::Plus,
        b'-' => T::Minus,
        b'*' => T::Star,
        b'/' => T::Slash,
        b'%' => T::Percent,
        b'^' => T::Caret,
        b'=' => T::Assign,
        b'<' => T::Less,
        b'>' => T::Greater,
        b'~' => T::Tilde,
        _ => return None,
    };
    Some((1, short))
}

/// The length and the mistake of what stands where no token does: at least one character, never past the
/// line save for prose.
fn bad(input: Input) -> (usize, SyntaxErrorKind) {
    let text = *input.fragment();
    let first = text.chars().next().unwrap_or_default();
    let opening = first.len_utf8();
    match first {
        '"' if text.starts_with("\"\"\"") => (text.len(), SyntaxErrorKind::UnclosedProse),
        '"' => (text[..line_length(text)].trim_end().len(), SyntaxErrorKind::UnclosedText),
        '\'' | '‘' | '’' | '“' | '”' | '„' | '«' => {
            // Without a closing quote the rest of the line is taken, else each further quote would search it.
            let end =
                text[opening..].find(['\'', '’', '”', '“', '»', '\n']).map_or(text.len(), |at| opening + at);
            let closing = text[end..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
            (end + closing, SyntaxErrorKind::WrongQuotes)
        }
        _ => match recognize(pair(number, junk)).parse(input) {
            Ok((_, number)) => (number.len(), SyntaxErrorKind::MalformedNumber(shorten(number.fragment()))),
            Err(_) => (opening, SyntaxErrorKind::UnexpectedCharacter(first)),
        },
    }
}
