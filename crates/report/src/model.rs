//! What a report says, independent of how it is written down.

use std::time::Duration;

pub use convproof_engine::ir::ClaimKind;
pub use convproof_engine::prove::decide::Outcome;

use convproof_exact::{Grid, Rational};
use convproof_language::diagnostic::Diagnostic;
use convproof_language::source::Source;

use crate::witness::Witness;

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

impl FileReport {
    /// The title that the spec's prose gives the document, if it begins with one.
    pub fn title(&self) -> Option<&str> {
        match self.entries.first() {
            Some(Entry::Prose(text)) => text.trim_start().lines().next()?.strip_prefix("# ").map(str::trim),
            _ => None,
        }
    }
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
    /// The same as data: counterexample, factors, certificate.
    pub witness: Option<Witness>,
    /// Time spent deciding.
    pub elapsed: Duration,
}

impl ClaimReport {
    /// The verdict in words, with what was claimed in mind.
    pub fn verdict(&self) -> &'static str {
        match (self.outcome, self.kind) {
            (Outcome::Proved, ClaimKind::Refute) => "Proved, though claimed to be false",
            (Outcome::Refuted, ClaimKind::Refute) => "Refuted, as claimed",
            (Outcome::Proved, _) => "Proved",
            (Outcome::Refuted, _) => "Refuted",
            (Outcome::Unknown, _) => "Unknown",
            (Outcome::Exact, _) => "Exact",
            (Outcome::Optimal, _) => "Optimal",
            (Outcome::Found, _) => "Best found",
        }
    }

    /// `✓` for what was asked and is certain, `○` for the best that a search found, `✗` for what fails.
    pub fn mark(&self) -> char {
        match (self.holds, self.outcome) {
            (true, Outcome::Found) => '○',
            (true, _) => '✓',
            (false, _) => '✗',
        }
    }
}

/// A piece of explanation. What is a picture is there as data, which each format draws, writes out or leaves to the
/// words beside it.
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
    /// A matrix whose signs and sizes matter more than its digits: a residual.
    HeatMap(Matrix),
    /// An input, and what the left and the right side make of it.
    Outputs {
        /// One matrix for each channel; none if it is too large to show.
        input: Vec<Matrix>,
        /// The same for both outputs.
        sides: [Vec<Matrix>; 2],
    },
    /// A stack, layer by layer.
    Layers {
        /// Which one.
        title: String,
        /// Its layers, first to last.
        steps: Vec<Step>,
        /// Whether it is part of a proof, and so belongs into reports without pictures.
        derivation: bool,
    },
    /// How many rows and columns of a large output differ at its top, left, bottom and right.
    Ring {
        /// The numbers.
        ring: [i64; 4],
        /// Whether every position in them does.
        exactly: bool,
    },
    /// Which positions of an output differ.
    Wrong(Grid<bool>),
    /// The squared norm of a residual, and one that none is below.
    Gap {
        /// What was found.
        found: Rational,
        /// What is certified.
        bound: Rational,
    },
}

/// A layer of a stack, and what the stack is up to there.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The layer as written.
    pub layer: String,
    /// Whether not everything goes through it.
    pub branch: bool,
    /// Rows and columns of its window, if it has one.
    pub window: Option<[usize; 2]>,
    /// Down and across, of all layers so far; `None` where that is not one number.
    pub stride: Option<Pair>,
    /// Rows and columns of the input that an output depends on.
    pub field: Option<Pair>,
    /// What was done with it.
    pub law: String,
}

/// A number for rows and one for columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pair {
    /// Numbers.
    Numbers([usize; 2]),
    /// Polynomials in the sizes of a claim.
    Polynomials([String; 2]),
}

impl Pair {
    /// The numbers, if they are.
    pub fn numbers(&self) -> Option<[usize; 2]> {
        match self {
            Self::Numbers(pair) => Some(*pair),
            Self::Polynomials(_) => None,
        }
    }

    /// Once if both are the same.
    pub fn once(&self) -> String {
        let [v, h] = self.texts();
        if v == h { v } else { format!("{v}, {h}") }
    }

    /// Rows times columns.
    pub fn by(&self) -> String {
        let [v, h] = self.texts().map(|text| if text.contains(' ') { format!("({text})") } else { text });
        // Sums are long.
        if v == h && v.contains(' ') { format!("{v}²") } else { format!("{v}×{h}") }
    }

    fn texts(&self) -> [String; 2] {
        match self {
            Self::Numbers(pair) => pair.map(|number| number.to_string()),
            Self::Polynomials(pair) => pair.clone(),
        }
    }
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
    /// The numbers that the cells show, where they are numbers.
    pub values: Option<Grid<Rational>>,
}

impl Matrix {
    /// Most cells that are read as numbers.
    const READABLE: usize = 256;

    /// Whether it is too large to be read as numbers, so that only its colours tell something.
    pub fn is_large(&self) -> bool {
        self.rows.iter().map(Vec::len).sum::<usize>() > Self::READABLE
    }

    /// Numbers, each written by `cell`.
    pub fn of_numbers(
        title: impl Into<String>,
        values: &Grid<Rational>,
        cell: impl Fn(&Rational) -> String,
    ) -> Self {
        let rows = values.rows().map(|row| row.iter().map(&cell).collect()).collect();
        Self { title: title.into(), rows, mark: None, values: Some(values.clone()) }
    }
}
