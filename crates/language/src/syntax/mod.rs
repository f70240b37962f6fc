//! From text to syntax tree and back. nom does the scanning and stays inside this module.
//!
//! [`parse`] never fails: it returns what it understood and one [`SyntaxError`] for each mistake. [`print()`] is
//! its inverse up to places, redundant parentheses and white space.

pub mod ast;
mod error;
mod highlight;
mod layout;
mod lexer;
mod message;
pub mod names;
mod parser;
mod printer;
mod spans;
mod token;

pub use error::{
    Context, Expected, Found, MAX_HEIGHT, MAX_NESTING, MAX_NUMBER_BITS, RowShape, SyntaxError,
    SyntaxErrorKind,
};
pub use highlight::{Part, highlight};
pub use lexer::is_name;
pub(crate) use parser::RESERVED;
pub use parser::parse;
pub use printer::{print, print_expression, print_proposition, print_statement};

/// Words that begin a statement wherever they stand.
pub(crate) fn keywords() -> impl Iterator<Item = &'static str> {
    token::Keyword::ALL.into_iter().map(|(word, _)| word)
}

/// The beginning of a text, for messages.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
