//! Exact arithmetic: grids, rationals, polynomials, modular arithmetic; and the budget that work is counted in.
//! Imports nothing else of the crate.

#![warn(clippy::too_many_lines)]

pub mod budget;
pub mod elementary;
pub mod field;
pub mod floating;
mod fractions;
pub mod grid;
mod laurent;
pub mod lift;
mod limit;
pub mod modular;
mod montgomery;
pub mod poly;
pub mod rational;
pub mod transform;
pub mod wide;

pub use fractions::{Fractions, MAX_PLACES};
pub use grid::Grid;
pub use laurent::{MAX_DEGREE, Monomial, Poly, Sum, Symbol};
pub use limit::Limited;
pub use modular::{Fp, SplitMix64};
pub use rational::{ParseRationalError, Rational};
pub use wide::Wide;
