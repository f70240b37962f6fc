//! The proof engine against the naive evaluator, on random stacks: whatever is decided for all sizes, weights
//! and inputs must show at every size, weight and input that is tried. `PROPTEST_CASES` raises the numbers.

mod bounds;
mod brute;
mod build;
mod cancelling;
mod decide;
mod derivation;
mod exotic;
mod expressions;
mod factors;
mod horizon;
mod kernels;
mod lengths;
mod measures;
mod opinion;
mod rewrites;
mod sizes;
mod stacks;
mod ways;
mod within;
