//! Factorization of kernels: exact over ℚ, counted over ℝ and ℂ, and sorted into requested shapes.

pub mod absolute;
mod bivariate;
pub mod exact;
mod hensel;
mod images;
mod recombine;
mod ruppert;
mod univariate;
