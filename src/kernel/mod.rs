//! Exact arrays and their operations. Knows nothing of layers, images or sizes.

pub mod atoms;
pub mod concrete;
pub mod error;
pub mod shape;
pub mod symbolic;
pub mod value;

pub use concrete::ConcreteKernel;
pub use error::KernelError;
pub use shape::{MAX_ENTRIES, Shape};
pub use symbolic::SymbolicKernel;
pub use value::Kernel;
