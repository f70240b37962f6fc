//! The spec language: text to syntax trees, syntax trees to the engine's intermediate form, and mistakes as data.
//!
//! Decides no claims and opens no files.

#![warn(clippy::too_many_lines)]

mod builtins;
pub mod diagnostic;
mod foreign;
pub mod resolve;
pub mod source;
pub mod syntax;
pub mod words;
