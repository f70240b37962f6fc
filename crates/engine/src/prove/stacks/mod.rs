//! Whether two stacks are equal, and unknown kernels that make them so.
//!
//! `equality.rs` goes through the procedures, each complete in itself: words, terms, normal forms with a survey, averages.
//! `refutation.rs`, `paths.rs` and `kinks.rs` show differences; no proof rests on them. Bounds on differences are in `within`.

mod averaged;
pub mod equality;
pub mod fitting;
pub(super) mod kinks;
pub mod layers;
mod looker;
mod paths;
mod refutation;
pub mod terms;
pub(super) mod words;
