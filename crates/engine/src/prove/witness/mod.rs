//! Looks for what refutes: small inputs, kinks of nonlinear terms, weights that tell two polynomials apart.
//!
//! Proves nothing: what is not found here says nothing, and what is found counts when the naive evaluator has replayed it.

pub(super) mod few;
pub(super) mod fewer;
pub(super) mod functions;
pub(super) mod probe;
pub(super) mod replayed;
pub(super) mod search;
pub(super) mod simple;
mod walk;
