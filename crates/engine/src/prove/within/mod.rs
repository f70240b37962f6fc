//! How far two stacks are apart at most, over all inputs of bounded size.
//!
//! `linear.rs` and `bounds.rs` say it exactly where layers are linear, `lipschitz.rs` bounds it through nonlinear ones, `layered.rs` layer by
//! layer where these have many weights.
//! Whether they are equal is for `stacks`.

mod bounder;
mod bounds;
mod layered;
mod linear;
mod lipschitz;
mod minimax;
mod outcome;
mod pairing;
mod rounded;
mod shown;

pub use linear::{Measure, decide};
