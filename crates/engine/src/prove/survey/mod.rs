//! All output positions of all input sizes, finitely: which sizes a claim speaks of, what the positions see, and whether
//! two maps differ there.
//!
//! Reads maps and says where they differ. What becomes of a claim is for `stacks` and `within`; looks for no
//! counterexamples.

mod compare;
pub mod condition;
mod difference;
pub(super) mod limit;
pub(super) mod look;
pub(super) mod numbers;
pub(super) mod sights;
pub(super) mod table;
mod whole;

pub(super) use compare::{Extent, Survey, Visible};
