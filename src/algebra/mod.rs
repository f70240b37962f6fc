//! Exact arithmetic: grids, rationals, polynomials, modular arithmetic. Imports nothing else of the crate.

pub(crate) mod field;
pub mod grid;
pub(crate) mod lift;
pub mod modular;
mod poly;
pub mod rational;
pub(crate) mod transform;
pub mod wide;

pub use grid::Grid;
pub use modular::{Fp, SplitMix64};
pub use poly::{MAX_DEGREE, Monomial, Poly, Sum, Symbol};
pub use rational::{ParseRationalError, Rational};
pub use wide::Wide;
