//! Kernels, stacks and claims built in Rust code, for tests of whatever rewrites layers. The front page of this crate
//! has a tutorial.
//!
//! Values are cheap and unchecked; all checks and all arithmetic happen when a claim is decided, and a mistake is a
//! [`ModelError`]. No text is written or read on the way: claims are built for the engine directly.
//!
//! Options belong to the layers that have them:
//!
//! ```
//! # use convproof::model::{Kernel, conv};
//! # let (a, b) = (Kernel::free("A", 3, 3), Kernel::free("B", 3, 3));
//! let _ = conv(&a).stride(2).then(conv(&b));
//! ```
//!
//! A chain has none, so this does not compile:
//!
//! ```compile_fail
//! # use convproof::model::{Kernel, conv};
//! # let (a, b) = (Kernel::free("A", 3, 3), Kernel::free("B", 3, 3));
//! let _ = conv(&a).then(conv(&b)).stride(2);
//! ```
//!
//! nor does it for a layer without a stride:
//!
//! ```compile_fail
//! # use convproof::model::relu;
//! let _ = relu().stride(2);
//! ```

#[doc(hidden)]
pub mod assertion;
mod build;
mod claim;
mod composite;
mod condition;
mod error;
mod files;
mod kernel;
mod layers;
mod listing;
mod number;
mod pair;
mod stack;
#[cfg(test)]
mod tests;
mod verdict;

pub use crate::algebra::Rational;
pub use crate::algebra::budget::{Budget, Cancel};
pub use crate::evaluate::Image;
pub use crate::ir::{Coordinates, Function, Interpolation};
pub use crate::prove::region::{LengthSet, SizeBox};
pub use claim::{Claim, Side, equivalence};
pub use composite::*;
pub use condition::{Condition, Length, h, w};
pub use error::ModelError;
pub use kernel::Kernel;
pub use layers::{
    AvgPool, Conv, ConvTranspose, Dense, MaxPool, avgpool, batchnorm, batchnorm_with_eps, bias, conv,
    convtranspose, crop, dense, depth_to_space, global_avgpool, id, maxpool, pad, relu, scale, select,
    space_to_depth, subsample, sumpool, upsample, zero_insert,
};
pub use number::Number;
pub use pair::{Padding, Pair, Sides};
pub use stack::{Stack, concat};
pub use verdict::{
    Agreement, Counterexample, EntryWitness, Excess, Mismatch, Outcome, Proof, Reason, Refutation, Verdict,
    Witness, Worst,
};

/// How many operations may be inside one another.
const MAX_DEPTH: usize = 300;
