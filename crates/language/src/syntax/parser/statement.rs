//! Statements: declarations, claims, chains, and the problems of `solve` and `fit`.

use crate::source::Span;

use super::super::ast::{
    Argument, Chain, Claim, ClaimScope, Declared, Link, Name, Problem, Relation, StatementKind,
};
use super::super::error::{Context, Expected, SyntaxErrorKind};
use super::super::token::{Keyword, TokenKind};
use super::{Parsed, Parser};

/// Words that would be ambiguous as names.
pub(crate) const RESERVED: [&str; 13] =
    ["true", "false", "exists", "forall", "and", "or", "not", "on", "where", "within", "for", "over", "with"];

impl Parser<'_> {
    /// The rest of a statement after its keyword.
    pub(super) fn statement(&mut self, keyword: Keyword) -> Parsed<StatementKind> {
        Ok(match keyword {
            Keyword::Kernel => {
                let target = self.target()?;
                let value = if self.accept(TokenKind::Assign) { Some(self.expression()?) } else { None };
                StatementKind::Kernel { target, value }
            }
            Keyword::Scalar => {
                let name = self.new_name()?;
                let value = if self.accept(TokenKind::Assign) { Some(self.expression()?) } else { None };
                StatementKind::Scalar { name, value }
            }
            Keyword::Image => {
                let target = self.target()?;
                self.expect(TokenKind::Assign, Expected::Value)?;
                StatementKind::Image { target, value: self.expression()? }
            }
            Keyword::Stack => {
                let name = self.new_name()?;
                self.expect(TokenKind::Assign, Expected::Value)?;
                StatementKind::Stack { name, value: self.expression()? }
            }
            Keyword::Size => {
                let mut names = vec![self.new_name()?];
                while self.accept(TokenKind::Comma) {
                    names.push(self.new_name()?);
                }
                let condition = match self.word() {
                    Some("where") => {
                        self.bump();
                        Some(self.unbroken(Self::condition)?)
                    }
                    _ => None,
                };
                StatementKind::Size { names, condition }
            }
            Keyword::Export => {
                let mut names = vec![self.name()?];
                while self.accept(TokenKind::Comma) {
                    names.push(self.name()?);
                }
                let span = self.expect(TokenKind::Text, Expected::File)?.span;
                StatementKind::Export { names, path: Name { text: self.text_value(span), span } }
            }
            Keyword::Prove => {
                StatementKind::Prove(Claim { label: self.label(false)?, body: self.proposition()? })
            }
            Keyword::Refute => {
                StatementKind::Refute(Claim { label: self.label(false)?, body: self.proposition()? })
            }
            Keyword::Chain => StatementKind::Chain(Claim { label: self.label(false)?, body: self.chain()? }),
            Keyword::Solve => {
                StatementKind::Solve(Claim { label: self.label(false)?, body: self.problem(Context::Solve)? })
            }
            Keyword::Fit => {
                StatementKind::Fit(Claim { label: self.label(true)?, body: self.problem(Context::Fit)? })
            }
        })
    }

    /// A label with its colon, or the colon alone, or neither. With `or_rank`, `rank` may take the colon's place.
    fn label(&mut self, or_rank: bool) -> Parsed<Option<String>> {
        if self.kind() != TokenKind::Text {
            self.accept(TokenKind::Colon);
            return Ok(None);
        }
        let span = self.bump().span;
        if !(or_rank && self.word() == Some("rank")) {
            self.expect(TokenKind::Colon, Expected::ColonAfterLabel)?;
        }
        Ok(Some(self.text_value(span)))
    }

    /// A name that may be declared.
    pub(super) fn name(&mut self) -> Parsed<Name> {
        match self.word() {
            Some(word) if RESERVED.contains(&word) => {
                Err(self.error(SyntaxErrorKind::ReservedName(word.to_owned())))
            }
            Some(word) => Ok(Name { text: word.to_owned(), span: self.bump().span }),
            None => Err(self.unexpected(Expected::Name)),
        }
    }

    /// A name that this statement declares for those after it.
    fn new_name(&mut self) -> Parsed<Name> {
        let name = self.name()?;
        self.declared.push(name.clone());
        Ok(name)
    }

    /// `A` or `A[3,3]`, declared for the statements after this one.
    fn target(&mut self) -> Parsed<Declared> {
        let name = self.new_name()?;
        self.shape(name)
    }

    fn shape(&mut self, name: Name) -> Parsed<Declared> {
        let shape = match self.kind() {
            TokenKind::LeftBracket => Some(self.nested(Self::indices)?),
            _ => None,
        };
        Ok(Declared { name, shape })
    }

    /// `P[3,3], Q[3,3]`; with `bind`, for the statements after this one too.
    pub(super) fn kernels(&mut self, bind: bool) -> Parsed<Vec<Declared>> {
        let mut kernels = Vec::new();
        loop {
            let name = if bind { self.new_name()? } else { self.name()? };
            kernels.push(self.shape(name)?);
            if !self.accept(TokenKind::Comma) {
                return Ok(kernels);
            }
        }
    }

    fn chain(&mut self) -> Parsed<Chain> {
        let first = self.expression()?;
        let mut links: Vec<Link> = Vec::new();
        loop {
            let operator = self.token();
            let approx = match operator.kind {
                TokenKind::Equal => false,
                TokenKind::Approx => true,
                kind if kind.relates() => return Err(self.wrong_relation(Context::Chain)),
                _ if links.is_empty() => return Err(self.unexpected(Expected::Link)),
                _ => return Ok(Chain { first, links }),
            };
            self.bump();
            let left = links.last().map_or(first.span, |link| link.right.span);
            let right = self.expression()?;
            let clauses = self.clauses(approx.then_some(operator.span))?;
            let relation = match clauses.bound {
                Some(bound) => Relation::Within { bound, range: clauses.range },
                None => Relation::Equal,
            };
            let span = Span::new(left.start, self.previous_end());
            links.push(Link { relation, right, scope: clauses.scope, span });
        }
    }

    fn problem(&mut self, context: Context) -> Parsed<Problem> {
        let (mut rank, mut unknowns) = (None, Vec::new());
        let named_rank =
            matches!(self.ahead(1).kind, TokenKind::LeftBracket | TokenKind::Comma | TokenKind::Colon);
        if context == Context::Fit && self.word() == Some("rank") && !named_rank {
            self.bump();
            rank = Some(self.unbroken(Self::expression)?);
            self.expect(TokenKind::Colon, Expected::Token(":"))?;
        } else {
            unknowns = self.kernels(true)?;
            self.expect(TokenKind::Colon, Expected::ColonAfterKernels)?;
        }
        let left = self.expression()?;
        let relation = if context == Context::Fit { TokenKind::Tilde } else { TokenKind::Equal };
        if self.kind() != relation && self.kind().relates() {
            return Err(self.wrong_relation(context));
        }
        let written = if context == Context::Fit { "~" } else { "==" };
        self.expect(relation, Expected::Token(written))?;
        let right = self.expression()?;
        let span = left.span.to(right.span);
        let scope = if context == Context::Fit { ClaimScope::default() } else { self.clauses(None)?.scope };
        let (mut within, mut quick, mut options) = (None, false, Vec::new());
        if context == Context::Fit {
            if self.accept_word("within") {
                within = Some(self.expression()?);
            }
            quick = self.accept_word("quick");
            options = self.options()?;
        }
        Ok(Problem { rank, unknowns, left, right, scope, within, quick, options, span })
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let here = self.word() == Some(word);
        if here {
            self.bump();
        }
        here
    }

    /// `with seed=7, starts=50`, if it is there.
    fn options(&mut self) -> Parsed<Vec<Argument>> {
        let mut options = Vec::new();
        if !self.accept_word("with") {
            return Ok(options);
        }
        loop {
            let name = self.name()?;
            self.expect(TokenKind::Assign, Expected::Token("="))?;
            options.push(Argument { name: Some(name), value: self.unbroken(Self::expression)? });
            if !self.accept(TokenKind::Comma) {
                return Ok(options);
            }
        }
    }
}
