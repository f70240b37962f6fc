//! The naive evaluator against values computed by hand, printed elsewhere or required by algebra.

mod article;
mod build;
mod kernels;
mod layers;
mod properties;
