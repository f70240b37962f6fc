//! The exact engine: what stacks of layers denote, and whether claims about them are true.
//!
//! `ir` says what is asked, `kernel` holds exact arrays, `operator` is what a stack denotes, `prove` decides, `symbolic` proves for all sizes of layers, and
//! `evaluate` is the naive evaluator that checks every refutation and shares no code with the others. Reads no text, no
//! files and no clock.

#![warn(clippy::too_many_lines)]

pub mod axes;
pub mod evaluate;
pub mod forms;
pub mod ir;
pub mod kernel;
pub mod limits;
pub mod operator;
pub mod prove;
pub mod symbolic;
