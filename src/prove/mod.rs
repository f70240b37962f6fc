//! Decides claims: verdicts, each with the witness that it cannot be built without.

pub mod point;
pub mod survey;
