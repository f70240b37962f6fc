//! Exact arithmetic, files, kernels, the naive evaluator, factoring and fits; all of them against other programs; and random
//! specs, decided in full.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod equality;
mod evaluate;
mod factor_absolute;
mod factor_exact;
mod factor_solve;
mod fit;
mod kernel;
mod load;
mod oracle;
mod oracle_arrays;
mod oracle_flint;
mod oracle_onnx;
mod random;
mod rational;
