//! What users meet: the language, the program, the library, reports, and the specs with their reports.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod browser;
mod circles;
mod command_line;
mod consumer;
mod corpus;
mod json_schema;
mod language;
mod limits;
mod model;
mod names;
mod pages;
mod proofs_fresh;
mod readme;
mod report_rendering;
mod reports;
mod running;
mod sarif;
mod schema;
mod sizes;
mod threads;
