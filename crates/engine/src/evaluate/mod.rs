//! The naive evaluator: what a stack makes of one image, and what a kernel expression is at given weights, by
//! nested loops straight from the definitions that PyTorch and ONNX give.
//!
//! It shares no code with the engine that proves and refutes: of kernels it reads only the entries of
//! constants, of everything else only the expression it came from. So a counterexample that it replays does
//! not rest on the engine being right. Clarity comes before speed; [`MAX_WORK`] bounds what it takes on.

mod array;
mod axis;
mod ball;
mod composite;
mod convolution;
mod counts;
mod error;
mod evaluator;
mod function;
mod image;
mod impulse;
mod kernel;
mod layer;
mod radius;
mod stack;
mod total;
mod work;

pub use array::Array4;
pub use ball::Ball;
pub use error::EvaluateError;
pub use evaluator::{Evaluator, MAX_DEPTH, Weights, enclosed, kernel, kernel_enclosed, run};
pub use function::{Functions, exact_value};
pub use image::{Image, MAX_CELLS};
pub use work::MAX_WORK;
