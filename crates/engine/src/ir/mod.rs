//! Resolved specs: every name replaced by what it stands for, every default filled in, shapes checked.
//!
//! Kernels keep two readings: the exact form that the engine computed and the expression it came from, which
//! the naive evaluator reads on its own.

mod claim;
mod composite;
mod graph;
mod kernel;
mod layer;
mod log;
mod named;
mod nesting;
mod origin;
mod roots;
mod stack;
mod symbols;
mod term;

pub use crate::axes::{AXES, Axes, Ends, ends};
pub use claim::{
    ClaimKind, Equation, Factor, Field, FitProblem, Order, Prop, SizeCondition, SizeExpr, Sizes, StackClaim,
    Tolerance, Unknown,
};
pub use composite::{
    Channels, Composite, Coordinates, Function, Interpolation, PadMode, Pointwise, Reads, Resize,
};
/// The largest certificate that [`FitProblem::certify`] can ask for.
pub use convproof_factor::fit::MAX_CERTIFIED;
pub use graph::{Branch, Given, Graph, NonEmpty, Op, Value, ValueId, ValueOp};
pub use kernel::{KernelExpr, Rearrangement};
pub use layer::{AveragePool, Conv, ConvTranspose, Layer, MaxPool, Padding, Upsample};
pub use named::{LayerNumber, MAX_BLOCK, MAX_EXTENT, MAX_OUTPUTS, Named};
pub use origin::Origin;
pub use roots::{Root, Roots};
pub use stack::Stack;
pub use symbols::{FreeKernel, MAX_SYMBOLS, Symbols};
#[cfg(test)]
pub(crate) use term::tests::Pool;
pub use term::{KernelTerm, Operation, TermError};
