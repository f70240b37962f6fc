//! Decides claims: verdicts, each with the witness that it cannot be built without.

pub mod counterexample;
pub mod equality;
pub mod factoring;
mod interval;
pub mod kernels;
mod point;
pub mod region;
mod search;
mod survey;
pub mod verdict;
pub mod within;
