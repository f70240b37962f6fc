//! The multi-start search: where descents start, and which of their ends are kept. Deterministic.

#![allow(clippy::float_arithmetic, reason = "least squares proposes candidates in floating point")]

use nalgebra::DVector;

use super::descent::{Descent, SAME, descend};
use super::model::Model;

/// The generator `SplitMix64` (Steele, Lea, Flood 2014): small, seedable, the same everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Roughly normal with mean 0: the sum of four uniform numbers, centred. Needs no transcendental function, so
    /// that every platform draws the same numbers.
    fn normal(&mut self) -> f64 {
        let bits = self.next();
        let parts = (0..4).map(|k| (bits >> (16 * k)) & 0xffff);
        parts.map(|part| f64::from(u32::try_from(part).expect("16 bits")) / 65535.0 - 0.5).sum::<f64>() * 1.7
    }
}

/// How much work a search may do.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Descents.
    pub starts: usize,
    /// Newton iterations of one descent.
    pub iterations: usize,
}

impl Effort {
    /// Floating-point operations that a whole search may take, roughly: a few seconds.
    const BUDGET: usize = 2_000_000_000;
    /// Iterations of one descent, of which few need more than 30.
    const ITERATIONS: usize = 200;

    /// As many starts as wanted, or as the budget allows if each takes a typical number of iterations; `None` if it
    /// allows for less than one.
    pub fn of(model: &Model, wanted: usize) -> Option<Self> {
        // Small problems have their overhead, too.
        let cost = model.cost().max(2000);
        // Without nonlinear variables all starts are the same.
        let wanted = if model.gradient.is_empty() { 1 } else { wanted };
        let starts = wanted.max(1).min(Self::BUDGET / cost.saturating_mul(20));
        (starts > 0).then(|| Self {
            starts,
            iterations: Self::ITERATIONS.min(Self::BUDGET / cost.saturating_mul(starts)),
        })
    }
}

/// What a search found.
pub struct Found {
    pub best: Descent,
    pub starts: usize,
    /// How many starts ended at the best value.
    pub reached: usize,
    pub iterations: usize,
}

/// Runs the search; `None` if no start gave a finite value.
pub fn search(model: &mut Model, seed: u64, effort: Effort) -> Option<Found> {
    let variables = model.gradient.len();
    let mut random = Random::new(seed);
    let mut ends: Vec<f64> = Vec::new();
    let mut best: Option<Descent> = None;
    let mut iterations = 0;
    for _ in 0..effort.starts {
        let start = DVector::from_fn(variables, |_, _| random.normal());
        let rival = best.as_ref().map_or(f64::INFINITY, |b: &Descent| b.value);
        let end = descend(model, start, effort.iterations, Some(rival));
        iterations += end.iterations;
        ends.push(end.value);
        if end.value.is_finite() && end.value < rival {
            best = Some(end);
        }
    }
    let mut best = best?;
    let reached = ends.iter().filter(|&&value| value <= best.value * (1.0 + SAME) + 1e-24).count();
    // Starts after the first to get there may have stopped a little short of it.
    let polished = descend(model, best.x.clone(), effort.iterations, None);
    iterations += polished.iterations;
    if polished.value <= best.value * (1.0 + 1e-12) {
        best = polished;
    }
    Some(Found { best, starts: effort.starts, reached, iterations })
}
