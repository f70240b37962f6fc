//! The spec language: syntax, printing, names, shapes and mistakes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod diagnostics;
mod grammar;
mod hints;
mod resolve;
mod syntax_errors;
mod syntax_layout;
mod syntax_parse;
mod syntax_roundtrip;
