//! Source text, places in it, and what is known of where parts of the intermediate form stand in it. Reads no files and
//! prints nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use convproof_engine::ir::Origin;
use rustc_hash::FxHashMap;

/// A half-open range of byte offsets into one source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset just past the last byte.
    pub end: usize,
}

impl Span {
    /// The range `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// The places that origins stand for, in one text. A copy is the same table. Origins of another text are not in it.
#[derive(Clone, Debug, Default)]
pub struct Origins(Arc<Mutex<Table>>);

/// Places and their origins, one for each place.
#[derive(Debug, Default)]
struct Table {
    places: FxHashMap<Origin, Span>,
    origins: FxHashMap<Span, Origin>,
}

impl Origins {
    /// The origin that stands for a place.
    pub fn of(&self, span: Span) -> Origin {
        let mut table = self.table();
        let origin = *table.origins.entry(span).or_insert_with(Origin::fresh);
        table.places.insert(origin, span);
        origin
    }

    /// The place that an origin stands for; `None` if it stands for none here.
    pub fn place(&self, origin: Origin) -> Option<Span> {
        self.table().places.get(&origin).copied()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing is left half done where a thread is stopped.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A text with the places of origins in it.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// The text.
    pub source: &'a Source,
    /// Where origins stand in it.
    pub origins: &'a Origins,
}

impl<'a> Places<'a> {
    /// The text that an origin stands for; empty if it stands for none.
    pub fn text(self, origin: Origin) -> &'a str {
        self.origins.place(origin).map_or("", |span| self.source.slice(span))
    }
}

/// One spec's text under the name a user knows it by.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// Wraps a text; `name` is a path as the user gave it, or `<stdin>`.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name: name.into(), text, line_starts }
    }

    /// The name a user knows the text by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span; empty if the span does not fall on character boundaries of this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// Line and column of a byte offset, both from 1; columns count characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|&start| start <= offset).max(1);
        let start = self.line_starts[line - 1];
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        (line, column + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_of_another_text_stand_for_nothing() {
        let [ours, theirs] = [Origins::default(), Origins::default()];
        let (span, later) = (Span::new(0, 2), Span::new(1, 2));
        let [origin, foreign] = [ours.of(span), theirs.of(later)];
        let copy = ours.clone();
        assert_eq!(copy.of(span), origin);
        assert_ne!(copy.of(later), origin);
        assert_eq!([origin, foreign].map(|one| ours.place(one)), [Some(span), None]);
        assert_eq!(ours.place(Origin::NOWHERE), None);
        let source = Source::new("a.cf", "id");
        let text = |origins| Places { source: &source, origins }.text(origin);
        assert_eq!([&ours, &theirs].map(text), ["id", ""]);
    }
}
