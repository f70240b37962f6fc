//! Factorization of kernels: exact over ℚ, counted over ℝ and ℂ, sorted into requested shapes, and fitted by least
//! squares with certified bounds where no exact factors exist.

#![warn(clippy::too_many_lines)]

pub mod absolute;
pub mod bins;
mod bivariate;
pub mod blocks;
pub mod divide;
mod error;
pub mod exact;
pub mod fit;
mod hensel;
mod images;
pub mod phases;
mod precision;
pub mod real;
mod recombine;
mod ruppert;
pub mod solve;
mod univariate;
