//! Dense polynomials: over `ℤ/m` in one variable, over `ℤ` in one and two.

pub mod dense;
pub mod finite_field;
pub mod integer;
pub mod linear;
pub mod number_field;
pub mod plane;
pub mod ring;
pub mod roots;
pub mod wide;
