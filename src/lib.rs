//! `convproof` settles claims about stacks of linear layers exactly.
//!
//! See the README for the command line and `docs/architecture.md` for the map of the code.

pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod explain;
pub mod model;

#[doc(hidden)]
pub use convproof_engine::{evaluate, ir, kernel, operator, prove};
#[doc(hidden)]
pub use convproof_exact as algebra;
#[doc(hidden)]
pub use convproof_factor as factor;
#[doc(hidden)]
pub use convproof_files as load;
#[doc(hidden)]
pub use convproof_language::{diagnostic, resolve, source, syntax};
#[doc(hidden)]
pub use convproof_report as report;
#[doc(hidden)]
pub use convproof_report::present;
