//! Factorization of kernels: exact over ℚ, counted over ℝ and ℂ, and sorted into requested shapes.

pub mod absolute;
pub mod bins;
mod bivariate;
pub mod divide;
pub mod exact;
mod hensel;
mod images;
mod precision;
pub mod real;
mod recombine;
mod ruppert;
pub mod solve;
mod univariate;
