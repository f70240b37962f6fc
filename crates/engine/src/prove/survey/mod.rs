//! All output positions of all input sizes, finitely: which sizes a claim speaks of, what the positions see, and whether
//! two maps differ there.
//!
//! A survey is in one of three states, each a type: [`Sights`] is what was looked at, [`Compared`] knows where the maps differ, and
//! [`Surveyed`] alone says where they are equal, as it confirmed that.
//!
//! Reads maps and says where they differ. What becomes of a claim is for `stacks` and `within`; looks for no
//! counterexamples.

mod compare;
pub mod condition;
mod difference;
pub(super) mod input;
pub(super) mod limit;
mod look;
pub(super) mod numbers;
pub(super) mod sights;
mod surveyed;
pub(super) mod table;
mod whole;

pub(super) use compare::Compared;
pub(super) use look::{Extent, Sights, Visible};
pub(super) use surveyed::Surveyed;

#[cfg(test)]
mod tests;
