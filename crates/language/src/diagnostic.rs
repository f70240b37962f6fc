//! What is wrong with a spec, as data. Rendering is `report`'s business.

use crate::source::Span;

/// A place with a remark about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be said of it; may be empty.
    pub text: String,
}

/// One mistake in a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code such as `E0203`; `convproof explain` and `docs/diagnostics.md` have a section for each.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub message: String,
    /// The place that is wrong.
    pub primary: Label,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// A diagnostic with one place and no hints yet.
    pub fn new(code: &'static str, message: impl Into<String>, span: Span, at: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            primary: Label { span, text: at.into() },
            secondary: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Adds a second place, unless the same is said of it already.
    #[must_use]
    pub fn with_label(mut self, span: Span, text: impl Into<String>) -> Self {
        let label = Label { span, text: text.into() };
        if !self.secondary.contains(&label) {
            self.secondary.push(label);
        }
        self
    }

    /// Adds a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}
