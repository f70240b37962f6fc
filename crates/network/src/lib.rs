//! Networks from model files, and whether two of them are the same function.
//!
//! `understand` turns the graph of a file into terms of affine forms; `matching` finds the terms of one network in
//! another; `compare` decides pairs. Opens no files and prints nothing.

#![warn(clippy::too_many_lines)]

pub mod agreement;
mod attributes;
pub mod ball;
pub mod compare;
pub mod decide;
pub mod diff;
pub mod dim;
pub mod enclosure;
pub mod evaluate;
pub mod explain;
pub mod finding;
pub mod form;
pub mod kernel;
pub mod matching;
mod mend;
mod names;
pub mod number;
pub mod operators;
pub mod part;
pub mod precise;
mod scales;
pub mod show;
pub mod table;
pub mod tensor;
pub mod term;
pub mod types;
pub mod understand;
pub mod verdict;
pub mod witness;
