//! Tokens to syntax tree by recursive descent: the cursor, the loop over items, and recovery from mistakes.
//!
//! A statement gives at most one error, since what follows a mistake may be its consequence. After an error the
//! parser skips to what can only be the start of another item: a keyword at the start of a line, a keyword with
//! what must follow it, prose, or a line outside of brackets that looks like a statement with a wrong keyword.

mod advice;
mod comments;
mod expression;
mod literal;
mod proposition;
mod statement;

use crate::source::Span;

use super::ast::{Comment, Item, Name, Prose, Spec, Statement};
use super::error::{Expected, Found, MAX_HEIGHT, MAX_NESTING, SyntaxError, SyntaxErrorKind};
use super::lexer::lex;
use super::message::{CLAUSES, nearest};
use super::shorten;
use super::token::{Gap, Keyword, Token, TokenKind};
use comments::Comments;
use literal::Literals;
pub(crate) use statement::RESERVED;

/// Reads a spec: everything that could be parsed, and one error for each mistake, in source order.
///
/// A statement with a mistake is left out; the names that it would have declared are in [`Spec::broken`]. Takes
/// time and memory linear in the length of the text (some 30 bytes a token); callers limit that length.
///
/// ```
/// use convproof_language::syntax::parse;
/// let (spec, errors) = parse("kernel A[3,3]\nkernle B[3,3]\nprove A * A == A ^ 2");
/// assert_eq!((spec.items.len(), errors.len()), (2, 1));
/// assert_eq!(errors[0].diagnostic().hints, ["did you mean `kernel`?"]);
/// ```
pub fn parse(text: &str) -> (Spec, Vec<SyntaxError>) {
    let lexed = lex(text);
    let mut parser = Parser {
        text,
        tokens: &lexed.tokens,
        lexical: &lexed.errors,
        at: 0,
        first: 0,
        openers: Vec::new(),
        nesting: 0,
        height: 0,
        declared: Vec::new(),
        comments: Comments { text, all: &lexed.comments, next: 0 },
        literals: Literals::default(),
    };
    let mut spec = Spec::default();
    let mut errors = Vec::new();
    while parser.kind() != TokenKind::End {
        match parser.item() {
            Ok(item) => spec.items.push(item),
            Err(mut error) => {
                error.advice = parser.advice(&error);
                parser.declare_rest(&error);
                let lines = errors.len() < MANY_MISTAKES;
                let begun = matches!(parser.tokens[parser.first].kind, TokenKind::Keyword(_));
                errors.push(error);
                parser.synchronize(begun, lines);
                parser.comments.skip_before(parser.at);
                spec.broken.append(&mut parser.declared);
            }
        }
    }
    spec.comments = parser.comments.up_to(parser.at, &[]);
    (spec, errors)
}

/// Mistakes after which lines are no longer looked at one by one to find more.
const MANY_MISTAKES: usize = 1000;

type Parsed<T> = Result<T, SyntaxError>;

struct Parser<'a> {
    text: &'a str,
    /// Ends with [`TokenKind::End`].
    tokens: &'a [Token],
    /// The errors of [`TokenKind::Bad`] tokens, in order.
    lexical: &'a [SyntaxError],
    /// Index of the current token.
    at: usize,
    /// Index of the token with which the current statement begins.
    first: usize,
    /// The brackets that are open, innermost last.
    openers: Vec<Token>,
    /// How many levels of [`Parser::nested`] are entered.
    nesting: usize,
    /// Height of the tree that was built last.
    height: usize,
    /// The names that the current statement declares.
    declared: Vec<Name>,
    /// The comments that no item has yet.
    comments: Comments<'a>,
    literals: Literals,
}

impl<'a> Parser<'a> {
    fn token(&self) -> Token {
        self.ahead(0)
    }

    fn kind(&self) -> TokenKind {
        self.token().kind
    }

    /// The token `distance` places on; the end for all places beyond it.
    fn ahead(&self, distance: usize) -> Token {
        self.tokens[(self.at + distance).min(self.tokens.len() - 1)]
    }

    /// Steps over the current token and returns it.
    fn bump(&mut self) -> Token {
        let token = self.token();
        if token.kind != TokenKind::End {
            self.at += 1;
        }
        token
    }

    /// Steps over the current token if it is of this kind.
    fn accept(&mut self, kind: TokenKind) -> bool {
        let found = self.kind() == kind;
        if found {
            self.bump();
        }
        found
    }

    fn expect(&mut self, kind: TokenKind, expected: Expected) -> Parsed<Token> {
        if self.kind() == kind { Ok(self.bump()) } else { Err(self.unexpected(expected)) }
    }

    fn slice(&self, span: Span) -> &'a str {
        &self.text[span.start..span.end]
    }

    /// The current token if it is a word that is no keyword.
    fn word(&self) -> Option<&'a str> {
        (self.kind() == TokenKind::Name).then(|| self.slice(self.token().span))
    }

    /// Where the last token before the current one ends.
    fn previous_end(&self) -> usize {
        self.at.checked_sub(1).map_or(0, |before| self.tokens[before].span.end)
    }

    fn found(&self) -> Found {
        match self.kind() {
            TokenKind::End => Found::End,
            TokenKind::Prose => Found::Prose,
            _ => Found::Token(shorten(self.slice(self.token().span))),
        }
    }

    /// A mistake at the current token, or the token's own if it is no token at all.
    fn error(&self, kind: SyntaxErrorKind) -> SyntaxError {
        self.error_at(self.token().span, kind)
    }

    /// A mistake at a place, which shows at the current token.
    fn error_at(&self, span: Span, kind: SyntaxErrorKind) -> SyntaxError {
        let token = self.token();
        if token.kind == TokenKind::Bad
            && let Ok(index) = self.lexical.binary_search_by_key(&token.span, |error| error.span)
        {
            return self.lexical[index].clone();
        }
        SyntaxError { kind, span, advice: None }
    }

    /// The current token is not what is due.
    fn unexpected(&self, expected: Expected) -> SyntaxError {
        let token = self.token();
        if matches!(token.kind, TokenKind::Keyword(_)) && token.gap < Gap::Line {
            return self.error(SyntaxErrorKind::ReservedName(self.slice(token.span).to_owned()));
        }
        let ends = matches!(token.kind, TokenKind::End | TokenKind::Prose | TokenKind::Keyword(_));
        let Some(opener) = self.openers.last() else {
            // Something is missing at the end of the statement, not at the start of the next one.
            let end = self.previous_end();
            let place = if ends { Span::new(end, end) } else { token.span };
            let found = self.found();
            return self.error_at(place, SyntaxErrorKind::Unexpected { expected, found, opener: None });
        };
        let closes = matches!(token.kind, TokenKind::RightParen | TokenKind::RightBracket);
        if ends || (closes && token.kind != opener.kind.closer()) {
            let bracket = if opener.kind == TokenKind::LeftParen { '(' } else { '[' };
            let kind = SyntaxErrorKind::Unclosed { bracket, found: self.found(), found_at: token.span };
            return self.error_at(opener.span, kind);
        }
        self.error(SyntaxErrorKind::Unexpected { expected, found: self.found(), opener: Some(opener.span) })
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting == MAX_NESTING {
            return Err(self.error(SyntaxErrorKind::NestedTooDeep));
        }
        self.nesting += 1;
        let result = parse(self);
        self.nesting -= 1;
        result
    }

    /// Notes the height of a tree whose highest part has height `parts`; `place` is where it grew.
    fn grow(&mut self, parts: usize, place: Span) -> Parsed<()> {
        self.height = parts + 1;
        if self.height > MAX_HEIGHT {
            return Err(self.error_at(place, SyntaxErrorKind::TooManyOperands));
        }
        Ok(())
    }

    /// Steps over an opening bracket.
    fn open(&mut self) -> Token {
        let token = self.bump();
        self.openers.push(token);
        token
    }

    /// Steps over the closing bracket of the innermost open one.
    fn close(&mut self, closer: TokenKind, expected: Expected) -> Parsed<Token> {
        let token = self.expect(closer, expected)?;
        self.openers.pop();
        Ok(token)
    }

    fn item(&mut self) -> Parsed<Item> {
        self.openers.clear();
        self.declared.clear();
        self.nesting = 0;
        self.literals = Literals::default();
        let (first, token) = (self.at, self.token());
        self.first = first;
        let kind = self.keyword_here().map_or(token.kind, TokenKind::Keyword);
        match kind {
            TokenKind::Prose => {
                self.bump();
                Ok(Item::Prose(Prose {
                    comments: self.comments.up_to(first, &[]),
                    blank_before: token.gap == Gap::Blank,
                    text: prose_text(self.slice(token.span)),
                    span: token.span,
                }))
            }
            TokenKind::Keyword(keyword) => {
                self.bump();
                let kind = self.statement(keyword)?;
                self.end_of_statement()?;
                let mut statement = Statement {
                    comments: self.comments.up_to(first, &[]),
                    trailing: None,
                    blank_before: token.gap == Gap::Blank,
                    kind,
                    span: Span::new(token.span.start, self.previous_end()),
                };
                let inner = self.comments.up_to(self.at - 1, &self.literals.comments);
                // Comments from inside move above the statement, below the gap that was there.
                statement.comments.extend(inner.into_iter().map(|comment| Comment {
                    blank_before: std::mem::take(&mut statement.blank_before),
                    ..comment
                }));
                statement.trailing = self.comments.trailing(self.at);
                Ok(Item::Statement(statement))
            }
            _ => Err(self.no_statement()),
        }
    }

    /// Checks that the statement before the current token ends there.
    fn end_of_statement(&mut self) -> Parsed<()> {
        let done = match self.kind() {
            TokenKind::End | TokenKind::Prose => true,
            TokenKind::Keyword(_) => !self.calls_kernel(),
            TokenKind::Bad => self.starts_item(),
            _ => self.keyword_here().is_some() || self.starts_unknown_statement(),
        };
        if done { Ok(()) } else { Err(self.error(SyntaxErrorKind::Trailing(self.found()))) }
    }

    /// Whether the current token is the function `kernel(…)`, not the keyword.
    fn calls_kernel(&self) -> bool {
        self.kind() == TokenKind::Keyword(Keyword::Kernel) && self.ahead(1).kind == TokenKind::LeftParen
    }

    /// The keyword that a word is at the start of a line and before a name only.
    fn keyword_here(&self) -> Option<Keyword> {
        let next = self.ahead(1);
        let keyword = match self.word() {
            Some("size") => Keyword::Size,
            Some("export") => Keyword::Export,
            _ => return None,
        };
        let starts = self.token().gap >= Gap::Line || self.at == 0;
        (starts && next.kind == TokenKind::Name && next.gap < Gap::Line).then_some(keyword)
    }

    /// Whether the current line looks like a statement whose keyword is wrong or missing.
    fn starts_unknown_statement(&self) -> bool {
        let next = self.ahead(1);
        let follows = matches!(
            next.kind,
            TokenKind::Name | TokenKind::Keyword(_) | TokenKind::Text | TokenKind::Colon | TokenKind::Assign
        );
        let clause = |word| nearest(word, CLAUSES.into_iter()).is_some();
        self.token().gap >= Gap::Line && next.gap < Gap::Line && follows && !self.word().is_none_or(clause)
    }

    fn no_statement(&mut self) -> SyntaxError {
        let Some(word) = self.word() else {
            let error = self.unexpected(Expected::Statement);
            self.bump();
            return error;
        };
        let next = self.ahead(1);
        let assigned = next.kind == TokenKind::Assign;
        let error = self.error(SyntaxErrorKind::UnknownStatement { word: shorten(word), assigned });
        let declared = if assigned { self.token() } else { next };
        if declared.kind == TokenKind::Name && (assigned || next.gap < Gap::Line) {
            self.declared.push(Name { text: self.slice(declared.span).to_owned(), span: declared.span });
        }
        self.bump();
        error
    }

    /// Notes the names after a comma in a declaration, which takes one.
    fn declare_rest(&mut self, error: &SyntaxError) {
        let mut at = self.at;
        if !matches!(error.kind, SyntaxErrorKind::Trailing(_)) || self.declared.is_empty() {
            return;
        }
        while self.tokens[at].kind == TokenKind::Comma && self.tokens[at + 1].kind == TokenKind::Name {
            let span = self.tokens[at + 1].span;
            self.declared.push(Name { text: self.slice(span).to_owned(), span });
            at += 2;
            if self.tokens[at].kind == TokenKind::LeftBracket {
                let shape = self.tokens[at..].iter().take(10);
                at += shape.take_while(|token| token.kind != TokenKind::RightBracket).count() + 1;
                at = at.min(self.tokens.len() - 1);
            }
        }
    }

    /// Skips to the next token that begins an item, or with `lines` a line that is no part of what was `begun`.
    fn synchronize(&mut self, begun: bool, lines: bool) {
        let mut open = self.openers.len();
        while !self.starts_item() {
            match self.bump().kind {
                TokenKind::LeftParen | TokenKind::LeftBracket => open += 1,
                TokenKind::RightParen | TokenKind::RightBracket => open = open.saturating_sub(1),
                _ => {}
            }
            if lines && open == 0 && self.starts_afresh(begun) {
                return;
            }
        }
    }

    /// Whether a line begins here, without space before it, that continues no statement.
    fn starts_afresh(&self, begun: bool) -> bool {
        let token = self.token();
        let unindented = token.gap >= Gap::Line && self.text[..token.span.start].ends_with(['\n', '\r']);
        let joined = self.at > 0
            && matches!(
                self.tokens[self.at - 1].kind,
                TokenKind::Plus
                    | TokenKind::Minus
                    | TokenKind::Star
                    | TokenKind::Slash
                    | TokenKind::Arrow
                    | TokenKind::Assign
                    | TokenKind::Equal
                    | TokenKind::Approx
                    | TokenKind::Tilde
                    | TokenKind::Comma
                    | TokenKind::Colon
            );
        if !unindented || joined {
            return false;
        }
        let comment = token.kind == TokenKind::Slash && self.ahead(1).kind == TokenKind::Slash;
        let clause = self.word().is_some_and(|word| CLAUSES.contains(&word));
        comment
            || self.starts_unknown_statement()
            || (!begun && !clause && matches!(token.kind, TokenKind::Name | TokenKind::Bad))
    }

    fn starts_item(&self) -> bool {
        let token = self.token();
        match token.kind {
            TokenKind::End | TokenKind::Prose => true,
            TokenKind::Keyword(_) if self.calls_kernel() => false,
            TokenKind::Keyword(_) if token.gap >= Gap::Line || self.at == 0 => true,
            TokenKind::Keyword(keyword) if keyword.declares() => self.ahead(1).kind == TokenKind::Name,
            TokenKind::Keyword(_) => matches!(self.ahead(1).kind, TokenKind::Text | TokenKind::Colon),
            TokenKind::Bad => self.slice(token.span).starts_with("\"\"\""),
            TokenKind::Name => self.keyword_here().is_some(),
            _ => false,
        }
    }
}

fn prose_text(quoted: &str) -> String {
    let text = quoted[3..quoted.len() - 3].replace("\r\n", "\n").replace('\r', "\n");
    let text = text.strip_prefix('\n').unwrap_or(&text);
    text.strip_suffix('\n').unwrap_or(text).to_owned()
}
