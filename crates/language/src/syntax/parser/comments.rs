//! The comments of a text, handed out to what they are about.

use super::super::ast::Comment;
use super::super::token::{CommentToken, Gap};
use crate::source::Span;

/// The comments of a text, of which some items have taken the first.
pub(super) struct Comments<'a> {
    pub(super) text: &'a str,
    pub(super) all: &'a [CommentToken],
    /// Index of the first that no item has yet.
    pub(super) next: usize,
}

impl Comments<'_> {
    /// Takes those before the token with this index; those whose indices are `kept` already have their place.
    pub(super) fn up_to(&mut self, token: usize, kept: &[usize]) -> Vec<Comment> {
        let first = self.next;
        self.skip_before(token + 1);
        (first..self.next)
            .filter(|index| kept.binary_search(index).is_err())
            .map(|index| self.comment(index))
            .collect()
    }

    /// Takes the one on the line on which the token before this index ends.
    pub(super) fn trailing(&mut self, token: usize) -> Option<String> {
        let first = self.all.get(self.next)?;
        if first.before != token || first.gap >= Gap::Line {
            return None;
        }
        self.next += 1;
        Some(self.content(first.span))
    }

    /// Drops those before tokens with a smaller index.
    pub(super) fn skip_before(&mut self, token: usize) {
        self.next += self.all[self.next..].partition_point(|comment| comment.before < token);
    }

    pub(super) fn comment(&self, index: usize) -> Comment {
        let comment = &self.all[index];
        Comment { text: self.content(comment.span), blank_before: comment.gap == Gap::Blank }
    }

    fn content(&self, span: Span) -> String {
        let text = &self.text[span.start + 1..span.end];
        text.strip_prefix(' ').unwrap_or(text).trim_end().to_owned()
    }
}
