//! How far the decision procedures look: limits that more than one of them has, or that the reference states.
//! Those of single operations stand beside the operation.

/// Longest input that claims about all sizes look at where borders matter.
pub const MAX_SURVEYED: i64 = 2_500;
/// Most output positions that are looked at on one axis.
pub const MAX_POSITIONS: usize = 400_000;
/// Most pairs of row patterns and column patterns that are compared.
pub const MAX_PAIRS: usize = 2_000_000;
/// Longest input that claims about all sizes look at where a global average divides by its area.
pub const MAX_AVERAGED: i64 = 60;
/// Most entries of kernels times pixels, over all sizes, for such claims.
pub const MAX_AVERAGED_WORK: i64 = 20_000_000;
/// Sides with up to so many weights are bounded with all their nonlinear layers together first.
pub const TOGETHER_FIRST: usize = 300;
/// With more, never: that takes seconds, and does not say much more.
pub const TOGETHER: usize = 4096;
/// Kernels tried as witnesses that not every target has a solution.
pub const WITNESSES: usize = 400;
/// How many times as much work a statement may take whose certificate was asked for.
pub const CERTIFYING: u64 = 20;
