//! Decides claims: verdicts, each with the witness that it cannot be built without.
//!
//! In rooms, of which each imports only those before it: `verdict`, `values`, `survey`, `witness`, `stacks`, `within`,
//! `kernels`, `opinion`. `decide.rs` is what others call for one claim, `instances.rs` for claims about all values of sizes.

pub mod decide;
pub mod instances;
mod kernels;
pub mod opinion;
#[cfg(test)]
mod rooms;
mod stacks;
mod survey;
mod values;
pub mod verdict;
pub mod within;
mod witness;

pub use kernels::{factoring, numbers};
pub use stacks::{equality, fitting, layers, terms};
pub use survey::condition;
pub use verdict::{counterexample, region};
