//! Claims about kernels, images and numbers: whether they are equal, and whether kernels with a given product exist.
//!
//! Layers occur only where a comparison of kernels is told in words.

mod dilated;
pub(super) mod entries;
pub mod factoring;
pub mod numbers;
