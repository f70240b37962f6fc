//! `convproof` settles claims about stacks of linear layers exactly.
//!
//! See the README for the command line and `docs/architecture.md` for the map of the code.

pub mod algebra;
pub mod check;
pub mod cli;
pub mod diagnostic;
pub mod evaluate;
pub mod explain;
pub mod factor;
pub mod ir;
pub mod kernel;
pub mod load;
pub mod model;
pub mod operator;
pub mod present;
pub mod prove;
pub mod report;
pub mod resolve;
pub mod source;
pub mod syntax;
