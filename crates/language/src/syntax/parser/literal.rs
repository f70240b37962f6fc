//! Array literals: their entries, and how they are laid out.

use std::ops::Range;

use crate::source::Span;

use super::super::ast::{BinaryOp, Expr, ExprKind, Layout, LineBreak};
use super::super::error::{Expected, RowShape, SyntaxError, SyntaxErrorKind};
use super::super::token::{Gap, TokenKind};
use super::expression::Mode;
use super::{Parsed, Parser};

/// What is known of the array literals of the current statement.
#[derive(Default)]
pub(super) struct Literals {
    /// The tokens of each entry read so far, in the literal that is read.
    entries: Vec<Range<usize>>,
    /// How many levels of what is printed on one line are entered.
    unbroken: usize,
    /// Indices of the comments that stay between the lines of a literal.
    pub(super) comments: Vec<usize>,
}

impl Parser<'_> {
    /// Reads what is printed on one line, so that line breaks in it need not be kept.
    pub(super) fn unbroken<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.literals.unbroken += 1;
        let result = parse(self);
        self.literals.unbroken -= 1;
        result
    }

    /// `[1 2 1]`, `[[1, 0], [0, 1]]`, `[1 2; 3 4]`; never ragged, never empty.
    pub(super) fn array(&mut self) -> Parsed<Expr> {
        let outermost = self.literals.unbroken == 0;
        if outermost {
            self.literals.entries.clear();
        }
        let mut layout = Layout { spaces: outermost, ..Layout::default() };
        let open = self.open().span;
        let (mut rows, mut entries): (Vec<Expr>, Vec<Expr>) = (Vec::new(), Vec::new());
        let mut height = 0;
        loop {
            match self.kind() {
                TokenKind::RightBracket => break,
                TokenKind::Semicolon => {
                    let place = self.bump().span;
                    rows.push(row(std::mem::take(&mut entries), place)?);
                }
                TokenKind::Ellipsis => return Err(self.error(SyntaxErrorKind::ElidedArray)),
                _ => {
                    entries.push(self.unbroken(Self::entry)?);
                    height = height.max(self.height);
                    layout.spaces &= !self.accept(TokenKind::Comma);
                }
            }
        }
        let close = self.close(TokenKind::RightBracket, Expected::CommaOr("]"))?.span;
        let span = open.to(close);
        if !rows.is_empty() {
            layout.semicolons = true;
            height += 1;
            if !entries.is_empty() {
                rows.push(row(entries, close)?);
            }
            entries = rows;
        }
        self.grow(height, span)?;
        if outermost {
            layout.breaks = self.line_breaks();
        }
        let layout = (layout != Layout::default()).then(|| Box::new(layout));
        row(entries, span).map(|array| array.laid_out(span, layout))
    }

    /// An entry of an array literal.
    fn entry(&mut self) -> Parsed<Expr> {
        let (start, before) = (self.at, self.literals.entries.len());
        let entry = self.binary(BinaryOp::LOOSEST, Mode::Entry)?;
        if !matches!(entry.kind, ExprKind::Array(..)) {
            self.literals.entries.truncate(before);
            self.literals.entries.push(start..self.at);
        }
        Ok(entry)
    }

    /// Where lines end between the entries of the literal that was read, with the comments that stand there.
    fn line_breaks(&mut self) -> Vec<LineBreak> {
        let mut breaks = Vec::new();
        for entries in 1..self.literals.entries.len() {
            let between = self.literals.entries[entries - 1].end..=self.literals.entries[entries].start;
            let tokens = &self.tokens[between.clone()];
            if tokens.iter().all(|token| token.gap < Gap::Line) {
                continue;
            }
            let mut line = LineBreak { entries, ..LineBreak::default() };
            let all = self.comments.all;
            let first = all.partition_point(|comment| comment.before < *between.start());
            let count = all[first..].partition_point(|comment| comment.before <= *between.end());
            for index in first..first + count {
                let comment = self.comments.comment(index);
                if index == first && all[index].gap < Gap::Line {
                    line.trailing = Some(comment.text);
                } else {
                    line.comments.push(comment);
                }
                self.literals.comments.push(index);
            }
            line.blank_before = tokens.iter().any(|token| token.gap == Gap::Blank);
            breaks.push(line);
        }
        breaks
    }
}

impl Expr {
    /// An array literal with its place and layout.
    fn laid_out(self, span: Span, layout: Option<Box<Layout>>) -> Self {
        match self.kind {
            ExprKind::Array(entries, _) => Self { kind: ExprKind::Array(entries, layout), span },
            kind => Self { kind, span },
        }
    }
}

/// An array of these entries, which must be alike; its place is theirs, and `empty` if there are none.
fn row(entries: Vec<Expr>, empty: Span) -> Parsed<Expr> {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        return Err(SyntaxError { kind: SyntaxErrorKind::EmptyArray, span: empty, advice: None });
    };
    if let Some(index) = entries.iter().position(|entry| !same_shape(first, entry)) {
        let kind = SyntaxErrorKind::RaggedArray {
            row: index + 1,
            found: row_shape(&entries[index]),
            expected: row_shape(first),
            first: first.span,
        };
        return Err(SyntaxError { kind, span: entries[index].span, advice: None });
    }
    let span = first.span.to(last.span);
    Ok(Expr { kind: ExprKind::Array(entries, None), span })
}

/// Whether two entries, arrays of which are not ragged, have the same lengths.
fn same_shape(a: &Expr, b: &Expr) -> bool {
    match (&a.kind, &b.kind) {
        (ExprKind::Array(a, _), ExprKind::Array(b, _)) => {
            a.len() == b.len() && a.iter().zip(b).take(1).all(|(a, b)| same_shape(a, b))
        }
        (ExprKind::Array(..), _) | (_, ExprKind::Array(..)) => false,
        _ => true,
    }
}

fn row_shape(mut entry: &Expr) -> RowShape {
    let mut lengths = Vec::new();
    while let ExprKind::Array(entries, _) = &entry.kind {
        lengths.push(entries.len());
        let Some(first) = entries.first() else { break };
        entry = first;
    }
    if lengths.is_empty() { RowShape::Entry } else { RowShape::Array(lengths) }
}
