//! The naive evaluator against values computed by hand, printed elsewhere or required by algebra.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod article;
mod build;
mod kernels;
mod layers;
mod properties;
