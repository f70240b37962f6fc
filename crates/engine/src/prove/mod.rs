//! Decides claims: verdicts, each with the witness that it cannot be built without.

mod averaged;
mod bounds;
pub mod condition;
pub mod counterexample;
mod difference;
pub mod equality;
pub mod factoring;
mod fewer;
mod interval;
pub mod kernels;
mod numbers;
pub mod opinion;
mod point;
pub mod region;
mod rounded;
mod search;
mod sights;
mod survey;
mod table;
mod terms;
pub mod verdict;
mod whole;
pub mod within;
mod words;
