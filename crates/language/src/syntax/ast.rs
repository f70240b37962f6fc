//! The syntax tree of a spec: what was typed, with places, before any name has a meaning.

use crate::source::Span;
use convproof_exact::Rational;

/// A whole spec.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spec {
    /// Prose and statements in source order.
    pub items: Vec<Item>,
    /// `#` comments after the last item.
    pub comments: Vec<Comment>,
    /// Names that statements with a syntax error, which are not in `items`, would have declared.
    pub broken: Vec<Name>,
}

/// A `#` comment on a line of its own, or one moved there by `fmt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The text after `#`, without the first space and without white space at its end.
    pub text: String,
    /// Whether an empty line stands before it.
    pub blank_before: bool,
}

/// One top-level piece of a spec.
// Nearly every item is a statement, so a box would save nothing.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A triple-quoted Markdown block.
    Prose(Prose),
    /// A statement.
    Statement(Statement),
}

/// A Markdown block, without its quotes.
#[derive(Clone, Debug, PartialEq)]
pub struct Prose {
    /// `#` comments before the block.
    pub comments: Vec<Comment>,
    /// Whether an empty line stands before it.
    pub blank_before: bool,
    /// The Markdown text, first and last line break removed; line breaks are `\n`.
    pub text: String,
    /// Its place, quotes included.
    pub span: Span,
}

/// A statement with the comments before and in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// `#` comments before or inside the statement, in order, which `fmt` prints above it; but for those between the
    /// lines of an array literal ([`LineBreak`]).
    pub comments: Vec<Comment>,
    /// The `#` comment after the statement, on the line where it ends.
    pub trailing: Option<String>,
    /// Whether an empty line stands before it (after its comments).
    pub blank_before: bool,
    /// What it states.
    pub kind: StatementKind,
    /// Its place, from its keyword to its last token.
    pub span: Span,
}

/// A name where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// The kinds of statement.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// `kernel A[3,3]`, `kernel A = expr`, `kernel A[3,3] = expr`.
    Kernel {
        /// What is declared, with its shape if given.
        target: Declared,
        /// Its value; `None` declares free symbols.
        value: Option<Expr>,
    },
    /// `scalar a`, `scalar a = 1/3`.
    Scalar {
        /// The name.
        name: Name,
        /// Its value; `None` declares a free symbol.
        value: Option<Expr>,
    },
    /// `image X = [[…]]`.
    Image {
        /// What is declared, with its shape if given.
        target: Declared,
        /// Its value.
        value: Expr,
    },
    /// `stack S = …`.
    Stack {
        /// The name.
        name: Name,
        /// Its value.
        value: Expr,
    },
    /// `size p, q where p <= q`.
    Size {
        /// The names, each for every whole number from 1.
        names: Vec<Name>,
        /// What is assumed of them.
        condition: Option<Condition>,
    },
    /// `export K, L "kernels.npz"`.
    Export {
        /// The kernels.
        names: Vec<Name>,
        /// The file that they go to, and its place.
        path: Name,
    },
    /// `prove "label": PROP`.
    Prove(Claim<Prop>),
    /// `refute "label": PROP`.
    Refute(Claim<Prop>),
    /// `chain "label": S == T == …`.
    Chain(Claim<Chain>),
    /// `solve "label": P[3,3], …: lhs == rhs`.
    Solve(Claim<Problem>),
    /// `fit "label": P[3,3], …: lhs ~ rhs`.
    Fit(Claim<Problem>),
}

/// A label and what it labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim<T> {
    /// The quoted label, if any.
    pub label: Option<String>,
    /// What is claimed.
    pub body: T,
}

/// A name with an optional shape: `A`, `A[3,3]`, `W[64,64,3,3]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// The name.
    pub name: Name,
    /// The indices in brackets, if any.
    pub shape: Option<Vec<Expr>>,
}

/// `first == second == third ~= fourth within 1/100`.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// The leftmost side.
    pub first: Expr,
    /// Each further side with its relation to the one before it; never empty.
    pub links: Vec<Link>,
}

/// One step of a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// How the side before it and `right` relate.
    pub relation: Relation,
    /// The right side of the step.
    pub right: Expr,
    /// Which input sizes the step speaks of.
    pub scope: ClaimScope,
    /// From the left side of the step to its end.
    pub span: Span,
}

/// Equality, or equality up to a bound.
#[derive(Clone, Debug, PartialEq)]
pub enum Relation {
    /// `==`.
    Equal,
    /// `~= … within e for |x| <= r`.
    Within {
        /// The bound `e`.
        bound: Expr,
        /// The input range `r`; 1 if absent.
        range: Option<Expr>,
    },
}

/// `on [28,28]` and `where h % 2 == 0`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClaimScope {
    /// One input size.
    pub on: Option<Expr>,
    /// A condition on `h` and `w`.
    pub condition: Option<Condition>,
}

/// A condition on the input size.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Both hold.
    And(Box<Condition>, Box<Condition>),
    /// At least one holds.
    Or(Box<Condition>, Box<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A comparison of integer expressions in `h` and `w` (`+ - * / %`).
    Compare {
        /// Left side.
        left: Expr,
        /// The comparison.
        op: CompareOp,
        /// Right side.
        right: Expr,
    },
}

/// A proposition.
#[derive(Clone, Debug, PartialEq)]
pub struct Prop {
    /// What it says.
    pub kind: PropKind,
    /// Its place.
    pub span: Span,
}

/// The kinds of proposition.
#[derive(Clone, Debug, PartialEq)]
pub enum PropKind {
    /// `left op right`, with a scope where the sides are stacks.
    Compare {
        /// Left side.
        left: Expr,
        /// The comparison.
        op: CompareOp,
        /// Right side.
        right: Expr,
        /// Which input sizes it speaks of.
        scope: ClaimScope,
    },
    /// `left ~= right within e`.
    Within {
        /// Left side.
        left: Expr,
        /// Right side.
        right: Expr,
        /// The bound `e`.
        bound: Expr,
        /// The input range `r` of `for |x| <= r`.
        range: Option<Expr>,
        /// Which input sizes it speaks of.
        scope: ClaimScope,
    },
    /// `exists P[3,3], Q[3,3] over Q: body`.
    Exists {
        /// The unknown kernels.
        unknowns: Vec<Declared>,
        /// `Q`, `R` or `C` after `over`.
        field: Option<Name>,
        /// What must hold for some values of them.
        body: Box<Prop>,
    },
    /// `forall D[5,5]: body`.
    Forall {
        /// The free kernels.
        kernels: Vec<Declared>,
        /// What must hold for all values of them.
        body: Box<Prop>,
    },
}

/// `solve` or `fit`: unknowns and an equation.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// `rank r` of `fit "label" rank 2: L ~ D` (also without a label: `fit rank 2: L ~ D`); `fit` only.
    pub rank: Option<Expr>,
    /// The unknown kernels.
    pub unknowns: Vec<Declared>,
    /// Left side of `==` or `~`.
    pub left: Expr,
    /// Right side.
    pub right: Expr,
    /// `on [h,w]`, `where …`: the input sizes of an equation between stacks (`solve` only).
    pub scope: ClaimScope,
    /// `within e`: how near to the best possible the fit must be certified to be (`fit` only).
    pub within: Option<Expr>,
    /// `quick`: no certificate is sought (`fit` only).
    pub quick: bool,
    /// `seed=7`, `starts=50`, … after `with` (`fit` only).
    pub options: Vec<Argument>,
    /// Place of the equation.
    pub span: Span,
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// An expression: a scalar, list, kernel, image or stack; which one is for `resolve` to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its place.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// An exact number.
    Number(Rational),
    /// A name: of a value, a layer without arguments (`relu`, `id`), or a word such as `same`.
    Name(String),
    /// A quoted string.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
    /// An array literal or a list: `[1 2 1]`, `[[1, 0], [0, 1]]`, `[1 2; 2 4]`, `[28,28]`; and how it is written,
    /// if that is to be kept.
    Array(Vec<Expr>, Option<Box<Layout>>),
    /// `-e`.
    Negate(Box<Expr>),
    /// `left op right`.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `callee(arguments)`: a function, a layer, or a stack applied to an image.
    Call(Box<Expr>, Vec<Argument>),
    /// `base[i,j]`.
    Index(Box<Expr>, Vec<Expr>),
    /// `from:to:step` among indices; what is not written is `None`.
    Slice(Box<[Option<Expr>; 3]>),
}

/// How an array literal is written. It has no meaning; `fmt` keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Rows end with `;` instead of standing in brackets.
    pub semicolons: bool,
    /// Between the entries of a single row there is white space alone, no comma. Not told of entries of a literal.
    pub spaces: bool,
    /// Where lines end, in order. Not told of entries of a literal.
    pub breaks: Vec<LineBreak>,
}

/// The end of a line between two entries of an array literal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineBreak {
    /// How many entries stand before it, those of all rows counted.
    pub entries: usize,
    /// The `#` comment at the end of the line.
    pub trailing: Option<String>,
    /// `#` comments on lines of their own.
    pub comments: Vec<Comment>,
    /// Whether an empty line stands before the next entry.
    pub blank_before: bool,
}

/// Binary operators, `->` included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `^`
    Pow,
    /// `%`, in conditions on the input size only.
    Rem,
    /// `->`
    Then,
}

/// A positional or named argument.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// The name before `=`, if any.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
}
