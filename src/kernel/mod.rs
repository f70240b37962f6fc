//! Exact arrays of rationals and their operations. Knows nothing of stacks or layers.

mod arithmetic;
mod compose;
mod concrete;
mod direct;
mod error;
mod integers;
mod measure;
mod rearrange;
mod shape;
mod spectral;

pub use concrete::ConcreteKernel;
pub use error::KernelError;
pub use integers::Integers;
pub use shape::{MAX_ENTRIES, Shape};
