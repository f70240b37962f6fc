//! Layers whose strides, windows, extents, dilations, paddings and powers are polynomials in whole numbers from 1: a
//! normal form whose equality proves for all of these numbers (section 13 of `docs/semantics.md`).
//!
//! It proves; it does not refute. What it does not read is an [`Unread`] with its reason.

pub mod exponent;
mod join;
pub mod kernel;
pub mod map;
pub mod number;
pub mod reach;
pub mod trace;

/// Why something has no normal form here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread(pub &'static str);

/// A normal form, or why there is none.
pub type Reading<T> = Result<T, Unread>;
