//! Names of claims within a document, so that links to them stay when others come and go.

use std::collections::{HashMap, HashSet};

use super::model::FileReport;

/// Most characters of an anchor.
const LONGEST: usize = 60;

/// Hands out names of places that are unique in one document: small letters, digits and `-` only.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    taken: HashSet<String>,
    /// How often a text was asked for, where a search for the next free number goes on.
    asked: HashMap<String, usize>,
}

impl Anchors {
    /// A place named after a text.
    pub(super) fn name(&mut self, text: &str) -> String {
        let mut slug = String::new();
        for c in text.chars().flat_map(char::to_lowercase) {
            if c.is_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        let slug: String = slug.chars().take(LONGEST).collect();
        let slug = match slug.trim_matches('-') {
            "" => "claim",
            slug => slug,
        };
        let count = self.asked.entry(slug.to_owned()).or_default();
        loop {
            *count += 1;
            let name = if *count == 1 { slug.to_owned() } else { format!("{slug}-{count}") };
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }

    /// The places of the claims of a file, in order. They come first, so that they rest on labels only.
    pub(super) fn claims(&mut self, file: &FileReport) -> Vec<String> {
        file.claims().map(|claim| self.name(&claim.label)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_unique() {
        let mut anchors = Anchors::default();
        assert_eq!(anchors.name("Two are *one*!"), "two-are-one");
        assert_eq!(anchors.name("two are one"), "two-are-one-2");
        // A name that was numbered already.
        assert_eq!(anchors.name("two are one 2"), "two-are-one-2-2");
        assert_eq!(anchors.name("two are one"), "two-are-one-3");
        assert_eq!(anchors.name("\"><script>\u{202e}"), "script");
        assert_eq!(anchors.name("Größe 3×3"), "größe-3-3");
        assert_eq!(anchors.name("…"), "claim");
        assert_eq!(anchors.name(&"x ".repeat(500)).chars().count(), LONGEST - 1);
    }
}
