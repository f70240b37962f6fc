//! Expressions, by operator precedence.
//!
//! Inside an array literal white space separates entries, so there an operator joins its two sides only when it
//! touches both (`1/4`, `2*a`); a sign with space before it and none after begins a new entry; every other
//! operator is an error. Parentheses, arguments and indices inside a literal are read as outside of it.

use crate::source::Span;
use convproof_exact::Rational;

use super::super::ast::{Argument, BinaryOp, Expr, ExprKind, Name};
use super::super::error::{Expected, MAX_NUMBER_BITS, SyntaxErrorKind};
use super::super::token::{Gap, TokenKind};
use super::{Parsed, Parser};

/// Whether white space separates.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Outside of array literals: it does not.
    Free,
    /// In an entry of an array literal: it does.
    Entry,
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.binary(BinaryOp::LOOSEST, Mode::Free)
    }

    /// Operators that bind at least as tightly as `level`, joined to the left.
    pub(super) fn binary(&mut self, level: u8, mode: Mode) -> Parsed<Expr> {
        let mut left = self.signed(mode)?;
        let mut height = self.height;
        while let Some(op) = binary_operator(self.kind()).filter(|op| op.level() >= level)
            && self.joins(mode)?
        {
            let place = self.bump().span;
            let right = self.binary(op.level() + 1, mode)?;
            self.grow(height.max(self.height), place)?;
            height = self.height;
            let span = left.span.to(right.span);
            left = Expr { kind: ExprKind::Binary(op, Box::new(left), Box::new(right)), span };
        }
        self.height = height;
        Ok(left)
    }

    /// Whether the operator here joins the operand before it to the one after it.
    fn joins(&self, mode: Mode) -> Parsed<bool> {
        if mode == Mode::Free {
            return Ok(true);
        }
        let token = self.token();
        match (token.gap, self.ahead(1).gap) {
            (Gap::None, Gap::None) => Ok(true),
            (_, Gap::None) if matches!(token.kind, TokenKind::Plus | TokenKind::Minus) => Ok(false),
            _ => Err(self.error(SyntaxErrorKind::SpacedOperator(self.slice(token.span).to_owned()))),
        }
    }

    /// `-e`, or a power. A sign binds less tightly than `^` and more tightly than `*`.
    fn signed(&mut self, mode: Mode) -> Parsed<Expr> {
        if self.kind() == TokenKind::Minus {
            let place = self.bump().span;
            let inner = self.nested(|parser| parser.signed(mode))?;
            self.grow(self.height, place)?;
            let span = place.to(inner.span);
            return Ok(Expr { kind: ExprKind::Negate(Box::new(inner)), span });
        }
        if mode == Mode::Entry && self.kind() == TokenKind::Plus && self.ahead(1).kind == TokenKind::Number {
            self.bump();
        }
        let base = self.postfix(mode)?;
        if self.kind() != TokenKind::Caret || !self.joins(mode)? {
            return Ok(base);
        }
        let (height, place) = (self.height, self.bump().span);
        let exponent = self.nested(|parser| parser.signed(mode))?;
        self.grow(height.max(self.height), place)?;
        let span = base.span.to(exponent.span);
        Ok(Expr { kind: ExprKind::Binary(BinaryOp::Pow, Box::new(base), Box::new(exponent)), span })
    }

    /// An operand with its calls and indices. In an entry they must touch it, and a literal has none.
    fn postfix(&mut self, mode: Mode) -> Parsed<Expr> {
        let literal = self.kind() == TokenKind::LeftBracket;
        let mut base = self.primary(mode)?;
        loop {
            let callable = !matches!(base.kind, ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_));
            if !callable || (mode == Mode::Entry && (literal || self.token().gap != Gap::None)) {
                return Ok(base);
            }
            let (height, place) = (self.height, self.token().span);
            let start = base.span.start;
            let kind = match self.kind() {
                TokenKind::LeftParen => {
                    let arguments = self.nested(Self::arguments)?;
                    ExprKind::Call(Box::new(base), arguments)
                }
                TokenKind::LeftBracket => {
                    let indices = self.nested(|parser| parser.listed(Self::subscript))?;
                    ExprKind::Index(Box::new(base), indices)
                }
                _ => return Ok(base),
            };
            self.grow(height.max(self.height), place)?;
            base = Expr { kind, span: Span::new(start, self.previous_end()) };
        }
    }

    fn primary(&mut self, mode: Mode) -> Parsed<Expr> {
        let token = self.token();
        let text = self.slice(token.span);
        self.height = 0;
        let kind = match token.kind {
            TokenKind::Number => ExprKind::Number(self.number(text)?),
            TokenKind::Name if matches!(text, "true" | "false") => ExprKind::Bool(text == "true"),
            TokenKind::Name if mode == Mode::Entry && matches!(text, "nan" | "inf") => {
                return Err(self.error(SyntaxErrorKind::NotFinite(text.to_owned())));
            }
            TokenKind::Name => ExprKind::Name(text.to_owned()),
            TokenKind::Keyword(_) if self.calls_kernel() => ExprKind::Name(text.to_owned()),
            TokenKind::Text => ExprKind::Text(self.text_value(token.span)),
            TokenKind::LeftParen => return self.nested(Self::parenthesis),
            TokenKind::LeftBracket => return self.nested(Self::array),
            _ => {
                let expected = if mode == Mode::Entry { Expected::Entry } else { Expected::Expression };
                return Err(self.unexpected(expected));
            }
        };
        self.bump();
        Ok(Expr { kind, span: token.span })
    }

    fn number(&self, text: &str) -> Parsed<Rational> {
        if let Ok(small) = text.parse::<i64>() {
            return Ok(Rational::from(small));
        }
        // The lexer lets nothing but numbers through, so this fails only for their length.
        let value = text.parse::<Rational>().ok().filter(|value| value.bits() <= MAX_NUMBER_BITS);
        value.ok_or_else(|| self.error(SyntaxErrorKind::NumberTooLarge))
    }

    /// What a string says, without quotes and escapes.
    pub(super) fn text_value(&self, span: Span) -> String {
        let mut rest = self.slice(Span::new(span.start + 1, span.end - 1));
        let mut text = String::with_capacity(rest.len());
        while let Some((before, after)) = rest.split_once('\\') {
            text.push_str(before);
            let escaped = after.starts_with(['"', '\\']);
            text.push_str(if escaped { &after[..1] } else { "\\" });
            rest = if escaped { &after[1..] } else { after };
        }
        text + rest
    }

    fn parenthesis(&mut self) -> Parsed<Expr> {
        let open = self.open();
        let inner = self.expression()?;
        let close = self.close(TokenKind::RightParen, Expected::Token(")"))?;
        Ok(Expr { kind: inner.kind, span: open.span.to(close.span) })
    }

    /// `(a, name=b)`; a comma may stand before the closing bracket.
    fn arguments(&mut self) -> Parsed<Vec<Argument>> {
        let mut arguments = Vec::new();
        let mut height = 0;
        self.open();
        while self.kind() != TokenKind::RightParen {
            let named = matches!(self.kind(), TokenKind::Name | TokenKind::Keyword(_))
                && self.ahead(1).kind == TokenKind::Assign;
            let name = if named {
                let span = self.bump().span;
                self.bump();
                Some(Name { text: self.slice(span).to_owned(), span })
            } else {
                None
            };
            arguments.push(Argument { name, value: self.expression()? });
            height = height.max(self.height);
            if !self.accept(TokenKind::Comma) {
                break;
            }
        }
        self.close(TokenKind::RightParen, Expected::CommaOr(")"))?;
        self.height = height;
        Ok(arguments)
    }

    /// `[i,j]` after a name that is declared.
    pub(super) fn indices(&mut self) -> Parsed<Vec<Expr>> {
        self.listed(Self::expression)
    }

    /// An index, or `from:to:step`.
    fn subscript(&mut self) -> Parsed<Expr> {
        let (start, mut height, mut colons) = (self.token().span, 0, 0);
        let mut parts = [None, None, None];
        loop {
            if !matches!(self.kind(), TokenKind::Colon | TokenKind::Comma | TokenKind::RightBracket) {
                parts[colons] = Some(self.expression()?);
                height = height.max(self.height);
            }
            if colons == 2 || !self.accept(TokenKind::Colon) {
                break;
            }
            colons += 1;
        }
        if colons == 0 {
            let [index, ..] = parts;
            return index.map_or_else(|| self.expression(), Ok);
        }
        self.height = height;
        let span = Span::new(start.start, self.previous_end());
        Ok(Expr { kind: ExprKind::Slice(Box::new(parts)), span })
    }

    fn listed(&mut self, one: impl Fn(&mut Self) -> Parsed<Expr>) -> Parsed<Vec<Expr>> {
        let mut indices = Vec::new();
        let mut height = 0;
        self.open();
        loop {
            indices.push(self.unbroken(&one)?);
            height = height.max(self.height);
            if !self.accept(TokenKind::Comma) {
                break;
            }
        }
        self.close(TokenKind::RightBracket, Expected::CommaOr("]"))?;
        self.height = height;
        Ok(indices)
    }
}

fn binary_operator(kind: TokenKind) -> Option<BinaryOp> {
    Some(match kind {
        TokenKind::Plus => BinaryOp::Add,
        TokenKind::Minus => BinaryOp::Sub,
        TokenKind::Star => BinaryOp::Mul,
        TokenKind::Slash => BinaryOp::Div,
        TokenKind::Percent => BinaryOp::Rem,
        TokenKind::Arrow => BinaryOp::Then,
        _ => return None,
    })
}

impl BinaryOp {
    /// The level of the operators that bind least tightly.
    pub(in super::super) const LOOSEST: u8 = 1;

    /// How tightly the operator binds.
    pub(in super::super) fn level(self) -> u8 {
        match self {
            Self::Then => Self::LOOSEST,
            Self::Add | Self::Sub => 2,
            Self::Mul | Self::Div | Self::Rem => 3,
            Self::Pow => 5,
        }
    }
}
