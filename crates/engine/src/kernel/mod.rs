//! Exact arrays and their operations: concrete kernels, kernels as polynomials in whole free kernels, expanded
//! kernels, and the value that is one of the three. Knows nothing of stacks or layers.

mod arithmetic;
pub mod atoms;
mod compose;
mod concrete;
pub mod deconvolve;
mod direct;
mod error;
mod integers;
mod later;
mod matrices;
mod measure;
mod planes;
mod rearrange;
mod shape;
mod spectral;
pub mod symbolic;
mod value;

pub use concrete::ConcreteKernel;
pub use error::KernelError;
pub use integers::Integers;
pub(crate) use later::joined;
pub use shape::{MAX_ENTRIES, Shape, tap};
pub use symbolic::{SymbolicKernel, positions};
pub use value::Kernel;
