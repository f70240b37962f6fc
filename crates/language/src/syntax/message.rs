//! The wording of syntax errors: messages, labels and hints.

use crate::diagnostic::Diagnostic;
use crate::foreign;
use crate::source::Span;

use super::error::{Context, Expected, Found, MAX_HEIGHT, MAX_NESTING, SyntaxError, SyntaxErrorKind};
use super::token::Keyword;

/// Words that continue a statement.
pub(super) const CLAUSES: [&str; 8] = ["on", "where", "within", "for", "over", "with", "and", "or"];

impl SyntaxError {
    /// The stable code of this kind of mistake.
    pub fn code(&self) -> &'static str {
        use SyntaxErrorKind as K;
        match &self.kind {
            K::UnexpectedCharacter(_) => "E0101",
            K::WrongQuotes => "E0102",
            K::UnclosedText => "E0103",
            K::UnclosedProse => "E0104",
            K::MalformedNumber(_) => "E0105",
            K::NumberTooLarge => "E0106",
            K::UnknownStatement { .. } => "E0107",
            K::Unexpected { .. } => "E0108",
            K::Unclosed { .. } => "E0109",
            K::ReservedName(_) => "E0110",
            K::Trailing(_) => "E0111",
            K::WrongRelation { .. } => "E0112",
            K::MissingBound(_) => "E0113",
            K::BoundWithoutApprox(_) => "E0114",
            K::RepeatedClause(_) => "E0115",
            K::SecondComparison { .. } => "E0116",
            K::SpacedOperator(_) => "E0117",
            K::RaggedArray { .. } => "E0118",
            K::EmptyArray => "E0119",
            K::ElidedArray => "E0120",
            K::NotFinite(_) => "E0121",
            K::NestedTooDeep => "E0122",
            K::TooManyOperands => "E0123",
        }
    }

    /// The mistake in words.
    pub fn diagnostic(&self) -> Diagnostic {
        let mut diagnostic = self.described();
        if let Some(advice) = &self.advice {
            diagnostic.hints = vec![advice.clone()];
        }
        diagnostic
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each mistake")]
    fn described(&self) -> Diagnostic {
        use SyntaxErrorKind as K;
        let new = |message: String, at: &str| Diagnostic::new(self.code(), message, self.span, at);
        match &self.kind {
            K::UnexpectedCharacter(c) => character(*c, self.span, self.code()),
            K::WrongQuotes => new("text stands in double quotes".to_owned(), "not a string")
                .with_hint("write it between two plain `\"`"),
            K::UnclosedText => new("this string has no closing quote".to_owned(), "opened here")
                .with_hint("a string ends with `\"` on the line on which it began"),
            K::UnclosedProse => new("this prose block is never closed".to_owned(), "opened here")
                .with_hint("close it with `\"\"\"`"),
            K::MalformedNumber(text) => new(format!("`{text}` is not a number"), "malformed").with_hint(
                "numbers are written `12`, `0.25`, `1e-3`; a product needs its `*`, as in `2 * A`",
            ),
            K::NumberTooLarge => new("this number is too long".to_owned(), "beyond the limit")
                .with_hint("numerator and denominator may have about 2400 digits each"),
            K::UnknownStatement { word, assigned } => {
                let error = new(format!("`{word}` does not begin a statement"), "expected a statement");
                match nearest(word, Keyword::ALL.iter().map(|(text, _)| *text)) {
                    _ if foreign::statement(word).is_some() => {
                        error.with_hint(foreign::statement(word).unwrap_or_default())
                    }
                    Some(keyword) => error.with_hint(format!("did you mean `{keyword}`?")),
                    None if *assigned => error.with_hint(format!(
                        "a declaration begins with its kind, as in `kernel {word} = …` or `stack {word} = …`"
                    )),
                    None => error.with_hint(
                        "statements begin with `kernel`, `scalar`, `image`, `stack`, `prove`, `refute`, `chain`, \
                         `solve` or `fit`",
                    ),
                }
            }
            K::Unexpected { expected, found, opener } => {
                let mut error =
                    new(format!("expected {expected}, found {found}"), &format!("expected {expected}"));
                if let Some(opener) = opener {
                    error = error.with_label(*opener, "inside this bracket");
                }
                match unexpected_hint(*expected, found) {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                }
            }
            K::Unclosed { bracket, found, found_at } => {
                let closer = if *bracket == '(' { ')' } else { ']' };
                new(format!("this `{bracket}` is never closed"), "opened here")
                    .with_label(*found_at, format!("expected `{closer}` before {found}"))
                    .with_hint(format!("add the missing `{closer}`"))
            }
            K::ReservedName(word) => {
                new(format!("`{word}` is a word of the language and cannot be a name"), "reserved")
                    .with_hint("choose another name")
            }
            K::Trailing(found) => trailing(
                new(
                    format!("{found} does not belong to this statement"),
                    "the statement is complete before this",
                ),
                found,
            ),
            K::WrongRelation { context, found } => {
                let (message, hint) = relation(*context, found);
                new(message, "this relation").with_hint(hint)
            }
            K::MissingBound(found) => {
                let error = new("`~=` needs a bound".to_owned(), "`within` is missing")
                    .with_hint("say how far the outputs may differ, as in `S ~= T within 1/100`");
                match found {
                    Found::Token(text) if nearest(text, ["within"].into_iter()).is_some() => {
                        error.with_hint(format!("did you mean `within` where `{text}` stands?"))
                    }
                    _ => error,
                }
            }
            K::BoundWithoutApprox(word) => {
                new(format!("`{word}` belongs to `~=`, and this claim has none"), "no bound is needed here")
                    .with_hint(match *word {
                        "for" => "claims hold for all weights and inputs as they stand; `S ~= T within e for |x| <= R` limits inputs",
                        _ => "`==` and the other comparisons are exact; `S ~= T within e` allows a difference",
                    })
            }
            K::RepeatedClause(word) => new(format!("`{word}` is given twice"), "second time")
                .with_hint(format!("keep one `{word}`; conditions are joined with `and`")),
            K::SecondComparison { first } => {
                new("a proposition has one comparison".to_owned(), "second comparison")
                    .with_label(*first, "first comparison")
                    .with_hint("`chain S == T == U` claims each step")
            }
            K::SpacedOperator(operator) => {
                let error = new(
                    format!("`{operator}` with a space after it is ambiguous in an array literal"),
                    "operator or sign?",
                );
                match operator.as_str() {
                    "+" | "-" => error.with_hint(format!(
                        "for one entry write `(a {operator} b)`; for two entries write `a {operator}b`"
                    )),
                    _ => error.with_hint(format!("write `(a {operator} b)` or `a{operator}b`")),
                }
            }
            K::RaggedArray { row, found, expected, first } => {
                new(format!("row {row} has {found}, but row 1 has {expected}"), &format!("has {found}"))
                    .with_label(*first, format!("has {expected}"))
                    .with_hint("the rows of an array have the same length")
            }
            K::EmptyArray => new("an array needs at least one entry".to_owned(), "nothing between these")
                .with_hint("write `zeros(h,w)` for a kernel of zeros"),
            K::ElidedArray => new("NumPy left entries out here".to_owned(), "the entries are missing")
                .with_hint("print the array again after `np.set_printoptions(threshold=np.inf)`"),
            K::NotFinite(text) => new(format!("`{text}` is not a number"), "not a rational number")
                .with_hint(
                    "entries are exact numbers; look for an overflow or a division by zero in the source",
                ),
            K::NestedTooDeep => {
                new(format!("more than {MAX_NESTING} levels of nesting"), "the limit is reached here")
                    .with_hint("name an inner part with `kernel` or `stack` and use the name")
            }
            K::TooManyOperands => new(
                format!("more than {MAX_HEIGHT} operators on top of one another"),
                "the limit is reached here",
            )
            .with_hint("name a part with `kernel` or `stack` and use the name; `S ^ 100` repeats a stack"),
        }
    }
}

fn character(c: char, span: Span, code: &'static str) -> Diagnostic {
    let shown = if c.is_control() || c.is_whitespace() { String::new() } else { format!("`{c}` ") };
    let error = Diagnostic::new(
        code,
        format!("unexpected character {shown}(U+{:04X})", u32::from(c)),
        span,
        "not understood",
    );
    let instead = match c {
        '−' | '–' | '—' | '‐' | '‑' => "-",
        '×' | '·' | '∗' | '⋅' | '⊗' | '∘' | '@' => "*",
        '÷' | '∕' => "/",
        '≤' | '⩽' => "<=",
        '≥' | '⩾' => ">=",
        '≠' => "!=",
        '≡' => "==",
        '≈' | '≃' | '≅' => "~=",
        '→' | '⟶' | '⇒' => "->",
        '{' => "[",
        '}' => "]",
        '∀' => "forall",
        '∃' => "exists",
        '∧' | '&' => "and",
        '∨' => "or",
        '¬' | '!' => "not",
        '¹' | '²' | '³' => "^ 2",
        '，' => ",",
        '：' => ":",
        _ => return error,
    };
    error.with_hint(format!("write `{instead}`"))
}

fn unexpected_hint(expected: Expected, found: &Found) -> Option<&'static str> {
    let token = if let Found::Token(text) = found { text.as_str() } else { "" };
    match (expected, token) {
        (Expected::ColonAfterLabel, _) => Some("a label is followed by `:`, as in `prove \"label\": S == T`"),
        (Expected::Comparison, ":") => Some("a label stands in quotes, as in `prove \"label\": S == T`"),
        (Expected::Comparison, _) => {
            Some("a proposition compares two sides, as in `S == T`, or begins with `exists` or `forall`")
        }
        (Expected::Link, _) => Some("a chain joins its sides with `==` or `~=`"),
        (Expected::Value, _) => Some("an image has its entries, as in `image X = [[1 0] [0 1]]`"),
        (Expected::Name, "[") => Some("the name comes first, as in `P[3,3]`"),
        (Expected::CommaOr(_), "->" | "==") => Some("is a closing bracket missing before this?"),
        (Expected::Expression, "=") => Some("`==` compares two sides"),
        _ => None,
    }
}

fn trailing(error: Diagnostic, found: &Found) -> Diagnostic {
    let Found::Token(text) = found else { return error };
    if let Some(word) = nearest(text, CLAUSES.into_iter()) {
        return error.with_hint(format!("did you mean `{word}`?"));
    }
    match text.as_str() {
        ")" | "]" => error.with_hint("no bracket is open here"),
        "with" => error.with_hint("options after `with` belong to `fit`"),
        "(" => error.with_hint("multiplication is written with `*`"),
        "=" => error.with_hint("`==` compares two sides"),
        text if text.starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
            error.with_hint("layers are joined with `->`, factors with `*`")
        }
        _ => error,
    }
}

fn relation(context: Context, found: &str) -> (String, &'static str) {
    match (context, found) {
        (Context::Claim | Context::Chain, "=") => {
            ("`=` does not compare".to_owned(), "`==` compares; `=` gives a name its value")
        }
        (Context::Claim | Context::Chain, "~") => {
            ("`~` belongs to `fit`".to_owned(), "equality up to a bound is written `S ~= T within e`")
        }
        (Context::Claim | Context::Chain, _) => (
            format!("a chain cannot use `{found}`"),
            "a chain joins its sides with `==` or `~=`; other comparisons go into `prove`",
        ),
        (Context::Solve, "~" | "~=") => {
            (format!("`solve` is exact and cannot use `{found}`"), "use `==`, or `fit` for least squares")
        }
        (Context::Solve, _) => (format!("`solve` cannot use `{found}`"), "an equation is written with `==`"),
        (Context::Fit, "==") => {
            ("`fit` is not exact and cannot use `==`".to_owned(), "use `~`, or `solve` for an exact solution")
        }
        (Context::Fit, _) => {
            (format!("`fit` cannot use `{found}`"), "what is to be fitted is written `P * Q ~ D`")
        }
    }
}

/// The candidate that `word` most likely stands for.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(&word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 2 && 3 * distance <= candidate.len().max(3))
        .min()
        .map(|(_, candidate)| candidate)
}
