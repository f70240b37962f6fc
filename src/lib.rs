//! `convproof` settles claims about stacks of linear layers exactly.
//!
//! See the README for the command line and `docs/architecture.md` for the map of the code.

pub mod algebra;
pub mod factor;
