//! What a report says, independent of how it is written down.

use std::time::Duration;

pub use convproof_engine::ir::ClaimKind;
use serde_json::Value;

use convproof_language::diagnostic::Diagnostic;
use convproof_language::source::Source;

/// The outcome of checking one spec.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// The spec, under the name the user gave.
    pub source: Source,
    /// Prose, declarations and claims in source order.
    pub entries: Vec<Entry>,
    /// What is wrong with the spec, in source order.
    pub errors: Vec<Diagnostic>,
}

/// One piece of a report.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A Markdown block of the spec.
    Prose(String),
    /// Declarations as they were written, consecutive ones together.
    Declarations(String),
    /// A claim and its verdict.
    Claim(Box<ClaimReport>),
}

/// The verdicts, without their witnesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The claim is true.
    Proved,
    /// The claim is false.
    Refuted,
    /// It could not be decided.
    Unknown,
    /// `fit`: the factors reproduce the kernel.
    Exact,
    /// `fit`: it is certified that no factors are better by more than a stated share.
    Optimal,
    /// `fit`: the best that a search found, without such a certificate.
    Found,
}

impl Outcome {
    /// The verdict's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Refuted => "refuted",
            Self::Unknown => "unknown",
            Self::Exact => "exact",
            Self::Optimal => "optimal",
            Self::Found => "best found",
        }
    }

    /// Whether kernels that solve an equation exactly were found.
    pub fn is_exact(self) -> bool {
        matches!(self, Self::Proved | Self::Exact)
    }

    /// Whether a claim with this verdict holds.
    pub fn holds(self, kind: ClaimKind) -> bool {
        match self {
            Self::Proved | Self::Exact | Self::Optimal | Self::Found => kind != ClaimKind::Refute,
            Self::Refuted => kind == ClaimKind::Refute,
            Self::Unknown => false,
        }
    }
}

/// A claim, its verdict and what shows it.
#[derive(Clone, Debug)]
pub struct ClaimReport {
    /// The label; chain steps are `LABEL step N`. The statement stands in where there is none.
    pub label: String,
    /// Line of the claim, from 1.
    pub line: usize,
    /// Its keyword.
    pub kind: ClaimKind,
    /// The statement as written, on one line.
    pub statement: String,
    /// The verdict.
    pub outcome: Outcome,
    /// Whether the claim holds, as [`Outcome::holds`] says.
    pub holds: bool,
    /// How it was decided, in one line.
    pub method: String,
    /// What a reader needs to follow or check it by hand, in order.
    pub details: Vec<Block>,
    /// The same for machines: counterexample, factors, certificate; numbers as strings. `null` if none.
    pub witness: Value,
    /// Time spent deciding.
    pub elapsed: Duration,
}

impl ClaimReport {
    /// `✓` for what was asked and is certain, `○` for the best that a search found, `✗` for what fails.
    pub fn mark(&self) -> char {
        match (self.holds, self.outcome) {
            (true, Outcome::Found) => '○',
            (true, _) => '✓',
            (false, _) => '✗',
        }
    }
}

/// A piece of explanation.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Plain text; backticks mark code.
    Text(String),
    /// A table; all rows are as long as the header.
    Table {
        /// Column titles.
        header: Vec<String>,
        /// Cells.
        rows: Vec<Vec<String>>,
    },
    /// Matrices laid side by side, each with a title.
    Matrices(Vec<Matrix>),
}

/// A titled matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// What it is.
    pub title: String,
    /// Rows of cells; never ragged.
    pub rows: Vec<Vec<String>>,
    /// A cell to point out, as row and column.
    pub mark: Option<(usize, usize)>,
}
