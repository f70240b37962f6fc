//! Whether two stacks are equal, and unknown kernels that make them so.
//!
//! `equality.rs` goes through the procedures, each complete in itself: words, terms, normal forms with a survey, averages.
//! Bounds on differences are in `within`.

mod averaged;
pub mod equality;
pub mod fitting;
pub mod layers;
mod looker;
pub mod terms;
pub(super) mod words;
