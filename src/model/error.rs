//! What can be wrong with what was built, as a value. None of it is a verdict.

use std::fmt;

use crate::diagnostic::Diagnostic;
use crate::report::diagnostics;
use crate::source::Source;

/// A mistake in kernels, stacks or claims.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelError {
    /// Two free kernels of one name have different shapes, so they are not the same kernel.
    NameClash {
        /// The name.
        name: String,
        /// Extents of the first one; none for a scalar.
        first: Vec<usize>,
        /// Extents of the other one.
        second: Vec<usize>,
    },
    /// A name that is no identifier, so that a counterexample could not be read.
    Name(String),
    /// An entry is infinite or not a number.
    NotFinite,
    /// Extents that are no kernel's, or that ask for another number of values than there are.
    Extents {
        /// What was given: `[n]`, `[h, w]` or `[out, in, h, w]`.
        extents: Vec<usize>,
        /// How many values there were; `None` for a free kernel.
        values: Option<usize>,
    },
    /// Operations nested deeper than any limit allows.
    TooDeep,
    /// A stack is compared with a kernel.
    Mixed,
    /// A clause that only claims about stacks have: `on`, `when`, `within`.
    Clause(&'static str),
    /// A file that cannot be read as an array.
    File {
        /// Its path.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A defect of this program: there should have been a result.
    Defect,
    /// Anything that is a mistake in the spec language too: channels that do not fit, a stride of 0, a limit.
    Invalid {
        /// The code under which `convproof explain` and `docs/diagnostics.md` have a section.
        code: &'static str,
        /// What is wrong, in one line.
        message: String,
        /// The same with the layer that it concerns, and what to do about it.
        shown: String,
    },
}

impl ModelError {
    /// A mistake that the builder found; the source is a listing of layers.
    pub(super) fn of_diagnostic(found: &Diagnostic, source: &Source) -> Self {
        let shown = diagnostics::render(found, source, false);
        Self::Invalid { code: found.code, message: found.message.clone(), shown }
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameClash { name, first, second } => {
                write!(f, "two free kernels are called `{name}`, one {first:?} and one {second:?}")
            }
            Self::Name(name) => write!(f, "{name:?} is no name: letters, digits and `_`, no digit first"),
            Self::NotFinite => write!(f, "an entry is infinite or not a number"),
            Self::Extents { extents, values: Some(values) } => {
                write!(f, "{values} values are no kernel {extents:?}: [n], [h, w] or [out, in, h, w]")
            }
            Self::Extents { extents, values: None } => {
                write!(f, "no kernel is {extents:?}: [n], [h, w] or [out, in, h, w]")
            }
            Self::TooDeep => write!(f, "operations are nested too deeply"),
            Self::Defect => write!(f, "a defect of convproof kept this from being built; please report it"),
            Self::Mixed => write!(f, "a stack is compared with a kernel; `conv` makes a stack of a kernel"),
            Self::Clause(clause) => write!(f, "`{clause}` is for claims about stacks"),
            Self::File { path, reason } => write!(f, "{path}: {reason}"),
            Self::Invalid { shown, .. } => write!(f, "{shown}"),
        }
    }
}

impl std::error::Error for ModelError {}
