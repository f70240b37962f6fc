//! Reports: one model, several renderers. Decides nothing.

pub mod model;

pub use model::{Block, ClaimKind, ClaimReport, Entry, FileReport, Matrix, Outcome};
