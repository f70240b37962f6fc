//! Exact arithmetic: grids, rationals, polynomials, modular arithmetic. Imports nothing else of the crate.

pub mod grid;
pub mod rational;

pub use grid::Grid;
pub use rational::{ParseRationalError, Rational};
