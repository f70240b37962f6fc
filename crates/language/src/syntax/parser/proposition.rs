//! Propositions, their clauses (`within`, `for`, `on`, `where`) and conditions.

use crate::source::Span;

use super::super::ast::{ClaimScope, CompareOp, Condition, Expr, Prop, PropKind};
use super::super::error::{Context, Expected, SyntaxError, SyntaxErrorKind};
use super::super::token::TokenKind;
use super::{Parsed, Parser};

/// What may follow the right side of a claim.
pub(super) struct Clauses {
    /// `e` of `within e`; present just when the claim is `~=`.
    pub(super) bound: Option<Expr>,
    /// `r` of `for |x| <= r`.
    pub(super) range: Option<Expr>,
    pub(super) scope: ClaimScope,
}

impl TokenKind {
    /// The comparison that this token writes.
    fn comparison(self) -> Option<CompareOp> {
        Some(match self {
            Self::Equal => CompareOp::Eq,
            Self::NotEqual => CompareOp::Ne,
            Self::Less => CompareOp::Lt,
            Self::LessEqual => CompareOp::Le,
            Self::Greater => CompareOp::Gt,
            Self::GreaterEqual => CompareOp::Ge,
            _ => return None,
        })
    }

    /// Whether this token stands between two sides of some claim, rightly or by mistake.
    pub(super) fn relates(self) -> bool {
        self.comparison().is_some() || matches!(self, Self::Approx | Self::Tilde | Self::Assign)
    }
}

impl Parser<'_> {
    pub(super) fn proposition(&mut self) -> Parsed<Prop> {
        let start = self.token().span.start;
        let kind = match self.word() {
            Some("exists") => self.exists()?,
            Some("forall") => self.forall()?,
            _ => self.comparison()?,
        };
        Ok(Prop { kind, span: Span::new(start, self.previous_end()) })
    }

    fn exists(&mut self) -> Parsed<PropKind> {
        self.bump();
        let unknowns = self.kernels(false)?;
        let field = if self.word() == Some("over") {
            self.bump();
            Some(self.name()?)
        } else {
            None
        };
        self.expect(TokenKind::Colon, Expected::ColonAfterKernels)?;
        let body = Box::new(self.nested(Self::proposition)?);
        Ok(PropKind::Exists { unknowns, field, body })
    }

    fn forall(&mut self) -> Parsed<PropKind> {
        self.bump();
        let kernels = self.kernels(false)?;
        self.expect(TokenKind::Colon, Expected::ColonAfterKernels)?;
        let body = Box::new(self.nested(Self::proposition)?);
        Ok(PropKind::Forall { kernels, body })
    }

    fn comparison(&mut self) -> Parsed<PropKind> {
        let left = self.expression()?;
        let operator = self.token();
        let comparison = operator.kind.comparison();
        if comparison.is_none() && operator.kind != TokenKind::Approx {
            return Err(if operator.kind.relates() {
                self.wrong_relation(Context::Claim)
            } else {
                self.unexpected(Expected::Comparison)
            });
        }
        self.bump();
        let right = self.expression()?;
        let clauses = self.clauses(comparison.is_none().then_some(operator.span))?;
        if self.kind().relates() {
            return Err(self.error(SyntaxErrorKind::SecondComparison { first: operator.span }));
        }
        let Clauses { bound, range, scope } = clauses;
        Ok(match (comparison, bound) {
            (None, Some(bound)) => PropKind::Within { left, right, bound, range, scope },
            (op, _) => PropKind::Compare { left, op: op.unwrap_or(CompareOp::Eq), right, scope },
        })
    }

    pub(super) fn wrong_relation(&self, context: Context) -> SyntaxError {
        let found = self.slice(self.token().span).to_owned();
        self.error(SyntaxErrorKind::WrongRelation { context, found })
    }

    /// The clauses after a right side, in any order; `approx` is the place of `~=` if that is the relation.
    pub(super) fn clauses(&mut self, approx: Option<Span>) -> Parsed<Clauses> {
        let mut clauses = Clauses { bound: None, range: None, scope: ClaimScope::default() };
        loop {
            let (given, word) = match self.word() {
                Some("within") => (clauses.bound.is_some(), "within"),
                Some("for") => (clauses.range.is_some(), "for"),
                Some("on") => (clauses.scope.on.is_some(), "on"),
                Some("where") => (clauses.scope.condition.is_some(), "where"),
                _ => break,
            };
            if given {
                return Err(self.error(SyntaxErrorKind::RepeatedClause(word)));
            }
            if approx.is_none() && matches!(word, "within" | "for") {
                return Err(self.error(SyntaxErrorKind::BoundWithoutApprox(word)));
            }
            self.bump();
            match word {
                "within" => clauses.bound = Some(self.expression()?),
                "for" => clauses.range = Some(self.range()?),
                "on" => clauses.scope.on = Some(self.expression()?),
                _ => clauses.scope.condition = Some(self.unbroken(Self::condition)?),
            }
        }
        match approx {
            Some(span) if clauses.bound.is_none() => {
                Err(self.error_at(span, SyntaxErrorKind::MissingBound(self.found())))
            }
            _ => Ok(clauses),
        }
    }

    /// `|x| <= r` after `for`.
    fn range(&mut self) -> Parsed<Expr> {
        self.expect(TokenKind::Bar, Expected::Range)?;
        if self.word() != Some("x") {
            return Err(self.unexpected(Expected::Range));
        }
        self.bump();
        self.expect(TokenKind::Bar, Expected::Range)?;
        self.expect(TokenKind::LessEqual, Expected::Range)?;
        self.expression()
    }

    /// Conditions joined by `or`, and within those by `and`.
    pub(super) fn condition(&mut self) -> Parsed<Condition> {
        self.joined("or", |parser| parser.joined("and", Self::negation, Condition::And), Condition::Or)
    }

    fn joined(
        &mut self,
        word: &str,
        part: impl Fn(&mut Self) -> Parsed<Condition>,
        join: impl Fn(Box<Condition>, Box<Condition>) -> Condition,
    ) -> Parsed<Condition> {
        let mut left = part(self)?;
        while self.word() == Some(word) {
            let (height, place) = (self.height, self.bump().span);
            let right = part(self)?;
            self.grow(height.max(self.height), place)?;
            left = join(Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Parsed<Condition> {
        if self.word() == Some("not") {
            let place = self.bump().span;
            let inner = self.nested(Self::negation)?;
            self.grow(self.height, place)?;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.kind() == TokenKind::LeftParen && self.parenthesis_holds_condition() {
            self.open();
            let inner = self.nested(Self::condition)?;
            self.close(TokenKind::RightParen, Expected::Token(")"))?;
            return Ok(inner);
        }
        let left = self.expression()?;
        let Some(op) = self.kind().comparison() else {
            return Err(if self.kind().relates() {
                self.wrong_relation(Context::Claim)
            } else {
                self.unexpected(Expected::Comparison)
            });
        };
        let (height, place) = (self.height, self.bump().span);
        let right = self.expression()?;
        self.grow(height.max(self.height), place)?;
        Ok(Condition::Compare { left, op, right })
    }

    /// Whether the parenthesis that opens here is around a condition rather than an expression: only conditions
    /// hold comparisons.
    fn parenthesis_holds_condition(&self) -> bool {
        let mut depth = 0_usize;
        for token in &self.tokens[self.at..] {
            match token.kind {
                TokenKind::LeftParen => depth += 1,
                TokenKind::RightParen if depth == 1 => return false,
                TokenKind::RightParen => depth -= 1,
                TokenKind::Keyword(_) | TokenKind::Prose | TokenKind::End => return false,
                TokenKind::Name if self.slice(token.span) == "not" => return true,
                kind if kind.comparison().is_some() => return true,
                _ => {}
            }
        }
        false
    }
}
