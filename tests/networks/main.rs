//! Model files: reading, verdicts with their places, and what hostile files come to.
#![allow(
    clippy::unwrap_used,
    clippy::float_arithmetic,
    reason = "a test may panic, and round as converters do"
)]

mod build;
mod forms;
mod hostile;
mod oracle;
mod packages;
mod pairs;
mod parts;
mod reading;
mod samples;
#[path = "../face/schema.rs"]
mod schema;
mod verdicts;
