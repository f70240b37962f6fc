//! Factoring kernels.

pub mod fit;
