//! What can be wrong with the text of a spec, as data. The wording of it is in `message.rs`.

use std::fmt;

use crate::source::Span;
use convproof_exact::Rational;

/// A mistake in the text of a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub kind: SyntaxErrorKind,
    /// Where.
    pub span: Span,
    /// What to write instead, where the tokens around it tell; it takes the place of the usual hints.
    pub advice: Option<String>,
}

/// The kinds of mistake. Each has a code and a section in `docs/diagnostics.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyntaxErrorKind {
    /// A character that begins no token.
    UnexpectedCharacter(char),
    /// Text in quotes other than `"`.
    WrongQuotes,
    /// A string without its closing quote on the same line.
    UnclosedText,
    /// A prose block without its closing quotes.
    UnclosedProse,
    /// A number that runs into letters or further points.
    MalformedNumber(String),
    /// A number beyond [`MAX_NUMBER_BITS`].
    NumberTooLarge,
    /// A word at the start of a statement that begins none.
    UnknownStatement {
        /// The word.
        word: String,
        /// Whether `=` follows it, as in a declaration without its keyword.
        assigned: bool,
    },
    /// A token where another was due.
    Unexpected {
        /// What was due.
        expected: Expected,
        /// What stands there.
        found: Found,
        /// The bracket that is open there, if any.
        opener: Option<Span>,
    },
    /// A bracket without its closing one.
    Unclosed {
        /// `(` or `[`.
        bracket: char,
        /// What ended the search for the closing one.
        found: Found,
        /// Its place.
        found_at: Span,
    },
    /// A word of the language where a name is declared.
    ReservedName(String),
    /// Something on the lines of a statement that is complete without it.
    Trailing(Found),
    /// A relation that does not belong into this kind of statement.
    WrongRelation {
        /// Where it stands.
        context: Context,
        /// The relation as written.
        found: String,
    },
    /// `~=` without `within`.
    MissingBound(Found),
    /// `within` or `for` on a claim without `~=`.
    BoundWithoutApprox(&'static str),
    /// A clause given twice for the same claim.
    RepeatedClause(&'static str),
    /// A second comparison in one proposition.
    SecondComparison {
        /// Place of the first.
        first: Span,
    },
    /// An operator in an array literal with space after it.
    SpacedOperator(String),
    /// An array literal whose rows do not match.
    RaggedArray {
        /// Position of the row that differs, from 1.
        row: usize,
        /// What it holds.
        found: RowShape,
        /// What the first row holds.
        expected: RowShape,
        /// Place of the first row.
        first: Span,
    },
    /// An array literal, or a row of it, without entries.
    EmptyArray,
    /// `...` in an array literal.
    ElidedArray,
    /// `nan` or `inf` as an entry of an array literal.
    NotFinite(String),
    /// More than [`MAX_NESTING`] brackets, signs or quantifiers inside one another.
    NestedTooDeep,
    /// An expression whose tree is higher than [`MAX_HEIGHT`].
    TooManyOperands,
}

/// How many brackets, signs, powers or quantifiers may stand inside one another.
pub const MAX_NESTING: usize = 100;

/// How high the tree of an expression or a condition may be. An operator adds 1 to the higher of its sides, so a
/// flat chain such as `a + b + c …` has at most this many operands.
pub const MAX_HEIGHT: usize = 500;

/// How many bits the numerator and the denominator of a written number may have.
pub const MAX_NUMBER_BITS: u64 = 8192;

// A number within the limit, written as a decimal, can be read again.
const _: () = assert!(MAX_NUMBER_BITS < Rational::MAX_DIGITS as u64 && MAX_NUMBER_BITS / 3 < 4096);

/// What was due where something else stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// An operand.
    Expression,
    /// An entry of an array literal, or its end.
    Entry,
    /// A keyword or prose.
    Statement,
    /// A name.
    Name,
    /// A comparison between two sides.
    Comparison,
    /// `==` or `~=`.
    Link,
    /// `|x| <= r` after `for`.
    Range,
    /// The colon after the label.
    ColonAfterLabel,
    /// The colon after unknowns or quantified kernels, or another of them.
    ColonAfterKernels,
    /// The value of a declaration.
    Value,
    /// The file of an `export`.
    File,
    /// This token.
    Token(&'static str),
    /// A comma or this closing bracket.
    CommaOr(&'static str),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expression => f.write_str("an expression"),
            Self::Entry => f.write_str("an entry or `]`"),
            Self::Statement => f.write_str("a statement"),
            Self::Name => f.write_str("a name"),
            Self::Comparison => f.write_str("a comparison such as `==`"),
            Self::Link => f.write_str("`==` or `~=`"),
            Self::Range => f.write_str("`|x| <= …` after `for`"),
            Self::ColonAfterLabel => f.write_str("`:` after the label"),
            Self::ColonAfterKernels => f.write_str("`,` and another kernel, or `:`"),
            Self::Value => f.write_str("`=` and a value"),
            Self::File => f.write_str("`,` and another kernel, or a file in quotes"),
            Self::Token(token) => write!(f, "`{token}`"),
            Self::CommaOr(token) => write!(f, "`,` or `{token}`"),
        }
    }
}

/// What stands at the place of a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing more.
    End,
    /// A prose block.
    Prose,
    /// This token.
    Token(String),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("the end of the text"),
            Self::Prose => f.write_str("a prose block"),
            Self::Token(text) => write!(f, "`{text}`"),
        }
    }
}

/// Where a relation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// In a proposition.
    Claim,
    /// In a chain.
    Chain,
    /// In the equation of `solve`.
    Solve,
    /// In the equation of `fit`.
    Fit,
}

/// What a row of an array literal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowShape {
    /// It is an entry, not a row.
    Entry,
    /// It has this many entries in each direction, outermost first.
    Array(Vec<usize>),
}

impl fmt::Display for RowShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry => f.write_str("a single entry"),
            Self::Array(lengths) => match lengths.as_slice() {
                [1] => f.write_str("1 entry"),
                [length] => write!(f, "{length} entries"),
                lengths => {
                    let text: Vec<String> = lengths.iter().map(ToString::to_string).collect();
                    write!(f, "{} entries", text.join("×"))
                }
            },
        }
    }
}
