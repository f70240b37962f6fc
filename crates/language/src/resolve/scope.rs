//! Names: what they stand for, where they were declared, which one was meant.

use rustc_hash::FxHashMap;

use super::Resolver;
use super::build::error::{ResolveError, ResolveErrorKind};
use super::builtins;
use super::value::Value;
use crate::source::Span;
use crate::syntax::ast::Name;

/// A declared name.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// What it stands for; `None` where that is not known and uses are to be passed over in silence.
    pub(super) value: Option<Value>,
    /// Where it was declared.
    pub(super) span: Span,
}

/// All names.
#[derive(Debug, Default)]
pub(super) struct Scope {
    entries: FxHashMap<String, Entry>,
    /// What names stood for that are hidden now, the last one hidden at the end.
    hidden: Vec<(String, Option<Entry>)>,
}

impl Scope {
    pub(super) fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// Declares a name.
    pub(super) fn set(&mut self, name: &str, entry: Entry) {
        self.entries.insert(name.to_owned(), entry);
    }

    /// Declares a name that may hide another one, until it is revealed.
    pub(super) fn hide(&mut self, name: &str, entry: Entry) {
        let before = self.entries.insert(name.to_owned(), entry);
        self.hidden.push((name.to_owned(), before));
    }

    /// How many names hide another meaning.
    pub(super) fn hiding(&self) -> usize {
        self.hidden.len()
    }

    /// Gives all but the first `count` hidden names back what they stood for.
    pub(super) fn reveal(&mut self, count: usize) {
        for (name, before) in self.hidden.drain(count..).rev() {
            match before {
                Some(entry) => self.entries.insert(name, entry),
                None => self.entries.remove(&name),
            };
        }
    }
}

impl Resolver<'_> {
    /// Whether a name may be declared here; reports why not.
    pub(super) fn may_declare(&mut self, name: &Name) -> bool {
        if !self.may_shadow(name) {
            return false;
        }
        if let Some(entry) = self.scope.get(&name.text) {
            let kind = ResolveErrorKind::DefinedTwice { name: name.text.clone(), first: entry.span };
            self.report(name.span, kind);
            return false;
        }
        true
    }

    /// Whether a name may be declared inside a proposition, where it may hide another one.
    pub(super) fn may_shadow(&mut self, name: &Name) -> bool {
        if builtins::reserved().any(|own| own == name.text) {
            self.report(name.span, ResolveErrorKind::BuiltIn(name.text.clone()));
            return false;
        }
        true
    }

    /// What a name stands for.
    pub(super) fn lookup(&mut self, name: &str, span: Span) -> Option<Value> {
        if let Some(entry) = self.scope.get(name) {
            let mut value = entry.value.clone()?;
            if let Value::Array(array) = &mut value {
                array.declared = Some(entry.span);
            }
            return Some(value);
        }
        // One statement may use a name that is not there more than once.
        let known = |error: &ResolveError| matches!(&error.kind, ResolveErrorKind::UnknownName { name: own, .. } if own == name);
        if self.build.errors.iter().any(known) {
            return None;
        }
        let declared = self.scope.entries.keys().map(String::as_str);
        let suggestion = nearest(name, declared.chain(builtins::names().map(|own| -> &str { own })));
        let below = self.places.get(name).copied().filter(|place| place.start > span.start);
        self.fail(span, ResolveErrorKind::UnknownName { name: name.to_owned(), suggestion, below })
    }
}

/// The candidate that a misspelt name most likely stands for; the first in order among equally near ones.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    // Names are short; a long one is no misspelling and would make the comparison slow.
    if name.len() > 64 {
        return None;
    }
    let lower = name.to_lowercase();
    candidates
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= 2)
        .map(|candidate| {
            let exact = strsim::damerau_levenshtein(name, candidate);
            (exact.min(strsim::damerau_levenshtein(&lower, &candidate.to_lowercase())), exact, candidate)
        })
        .filter(|(distance, exact, candidate)| {
            (*distance == 0 && *exact > 0) || (*distance <= 2 && 3 * distance <= candidate.chars().count())
        })
        .min()
        .map(|(_, _, candidate)| candidate.to_owned())
}
