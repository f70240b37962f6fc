//! Tokens: what the lexer hands to the parser. Holds no text; a token's text is its span of the source.

use crate::source::Span;

/// A token and the white space before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) gap: Gap,
    pub(super) span: Span,
}

/// What stands between a token (or comment) and the one before it. `None < Space < Line < Blank`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    /// Nothing.
    None,
    /// White space on one line.
    Space,
    /// A line break.
    Line,
    /// At least one empty line.
    Blank,
}

/// The kinds of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A word that begins a statement.
    Keyword(Keyword),
    /// Any other word.
    Name,
    Number,
    Text,
    Prose,
    /// `...`, as NumPy prints for entries that it leaves out.
    Ellipsis,
    /// Something that is no token; its error is in [`Lexed::errors`].
    Bad,
    /// The end of the text.
    End,
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    Comma,
    Semicolon,
    Colon,
    Bar,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Caret,
    Arrow,
    Assign,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Tilde,
    Approx,
}

impl TokenKind {
    /// The closing bracket of an opening one.
    pub(super) fn closer(self) -> TokenKind {
        if self == Self::LeftParen { Self::RightParen } else { Self::RightBracket }
    }
}

/// The words that begin statements. They cannot be names, save for the function `kernel(…)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Kernel,
    Scalar,
    Image,
    Stack,
    Prove,
    Refute,
    Chain,
    Solve,
    Fit,
    /// `size`, which is a keyword only at the start of a statement and before a name: old specs use it as a name.
    Size,
    /// `export`, likewise.
    Export,
}

impl Keyword {
    /// Every keyword that is one wherever it stands.
    pub(super) const ALL: [(&'static str, Keyword); 9] = [
        ("kernel", Keyword::Kernel),
        ("scalar", Keyword::Scalar),
        ("image", Keyword::Image),
        ("stack", Keyword::Stack),
        ("prove", Keyword::Prove),
        ("refute", Keyword::Refute),
        ("chain", Keyword::Chain),
        ("solve", Keyword::Solve),
        ("fit", Keyword::Fit),
    ];

    /// Whether it names something rather than claiming something.
    pub(super) fn declares(self) -> bool {
        matches!(self, Self::Kernel | Self::Scalar | Self::Image | Self::Stack | Self::Size)
    }
}

/// A comment, `#` included, and where it stands among the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CommentToken {
    pub(super) span: Span,
    pub(super) gap: Gap,
    /// Index of the token that follows.
    pub(super) before: usize,
}

/// A text as tokens.
#[derive(Debug)]
pub(super) struct Lexed {
    /// The tokens; the last one, and only that, is [`TokenKind::End`].
    pub(super) tokens: Vec<Token>,
    pub(super) comments: Vec<CommentToken>,
    /// One error for each [`TokenKind::Bad`], in order.
    pub(super) errors: Vec<super::SyntaxError>,
}
