//! Exact arithmetic: grids, rationals, polynomials, modular arithmetic. Imports nothing else of the crate.

pub mod grid;
pub mod poly;

pub use grid::Grid;
