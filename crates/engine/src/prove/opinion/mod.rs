//! A second opinion on every proof about two stacks or two kernels, by the naive evaluator.
//!
//! No part of any proof: it can only take one back.

mod examined;
pub mod kernels;
mod runs;

pub use examined::{Decided, Opinion, decide, examined};
