//! Numbers in the place of weights and pixels: residues and small whole numbers, rationals around square roots, and hulls
//! of affine functions.
//!
//! Knows neither stacks nor claims, but for the symbols that weights are named by.

pub(super) mod hull;
pub(super) mod interval;
pub(super) mod point;
