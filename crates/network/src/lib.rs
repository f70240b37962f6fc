//! Networks from model files, and whether two of them are the same function.
//!
//! `understand` turns the graph of a file into terms of affine forms; `matching` finds the terms of one network in
//! another; `compare` decides pairs. Opens no files and prints nothing.

pub mod agreement;
mod attributes;
pub mod ball;
pub mod compare;
pub mod diff;
pub mod dim;
pub mod enclosure;
pub mod evaluate;
pub mod explain;
pub mod form;
pub mod kernel;
pub mod matching;
mod mend;
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
