//! The multi-start search: descents from random points, from points with the target's symmetries and from where others
//! point, and which of their ends are kept. Deterministic, with a bound on the steps of all descents.

#![allow(clippy::float_arithmetic, reason = "least squares proposes candidates in floating point")]

use nalgebra::DVector;

use super::descent::{Descent, SAME, VANISHED, descend};
use super::model::Model;
use super::problem::FitLimit;
use super::turns::Character;
use convproof_exact::Limited;

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
    /// Random starts; more follow while too few have reached the best value, up to [`Effort::PERSISTENCE`] times as many.
    pub starts: usize,
    /// Newton iterations of one descent.
    pub iterations: usize,
    /// Newton iterations of all descents.
    pub steps: usize,
}

impl Effort {
    /// Floating-point operations that a whole search may take, roughly: a few seconds.
    const BUDGET: usize = 2_000_000_000;
    /// Starts unless asked for more or fewer.
    const STARTS: usize = 64;
    /// Iterations of one descent, of which few need more than 30.
    const ITERATIONS: usize = 200;
    /// Iterations of a whole search, for each start that is wanted.
    const STEPS: usize = 200;
    /// How many times as many starts as wanted are made at most.
    const PERSISTENCE: usize = 12;
    /// How often the best value must be reached for the search to end before that: more often with more variables than
    /// two 3×3 have, where the best of many minima may be reached seldom.
    fn enough(self, variables: usize) -> usize {
        (3 + variables.saturating_sub(9)).min(self.starts)
    }

    /// As many starts as asked for, or by default as many as the budget allows for if each takes a typical number of
    /// iterations.
    ///
    /// # Errors
    /// If it allows for less than one, or than were asked for.
    pub fn of(model: &Model, asked: Option<usize>) -> Result<Self, FitLimit> {
        // Small problems have their overhead, too.
        let cost = model.cost().max(2000);
        // Without nonlinear variables all starts are the same.
        let wanted = if model.gradient.is_empty() { 1 } else { asked.unwrap_or(Self::STARTS).max(1) };
        let most = Self::BUDGET / cost.saturating_mul(20);
        if most == 0 {
            return Err(FitLimit::Work);
        }
        if asked.is_some() && wanted > most {
            return Err(FitLimit::Starts(most));
        }
        let starts = wanted.min(most);
        Ok(Self {
            starts,
            iterations: Self::ITERATIONS.min(Self::BUDGET / cost.saturating_mul(starts)),
            steps: starts.saturating_mul(Self::STEPS).min(Self::BUDGET / cost),
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

/// A search in progress.
pub struct Search<'a> {
    model: &'a mut Model,
    effort: Effort,
    best: Option<Descent>,
    ends: Vec<f64>,
    iterations: usize,
}

impl<'a> Search<'a> {
    /// A search that has not begun.
    pub fn new(model: &'a mut Model, effort: Effort) -> Self {
        Self { model, effort, best: None, ends: Vec::new(), iterations: 0 }
    }

    /// The best value so far.
    pub fn value(&self) -> f64 {
        self.best.as_ref().map_or(f64::INFINITY, |best| best.value)
    }

    /// Descends from a point; false if the budget of steps is spent or nothing is left to find.
    pub fn start(&mut self, x: DVector<f64>) -> bool {
        let left = self.effort.steps.saturating_sub(self.iterations);
        if left == 0 || self.value().within(VANISHED) {
            return false;
        }
        let value = self.descend(x, self.effort.iterations.min(left));
        self.ends.push(value);
        true
    }

    /// Descends from a point that is not one of the search's own and does not count among its starts.
    pub fn hint(&mut self, x: DVector<f64>) {
        let before = self.value();
        let value = self.descend(x, self.effort.iterations);
        if value < before {
            self.ends.push(value);
        }
    }

    fn descend(&mut self, x: DVector<f64>, limit: usize) -> f64 {
        let rival = self.value();
        let end = descend(self.model, x, limit, Some(rival));
        self.iterations += end.iterations;
        let value = end.value;
        if value.is_finite() && value < rival {
            self.best = Some(end);
        }
        value
    }

    /// Starts at random points, until the best value has been reached a few times or the effort is spent.
    pub fn random(&mut self, seed: u64) {
        let variables = self.model.gradient.len();
        let mut random = Random::new(seed);
        let most = if variables == 0 { 1 } else { self.effort.starts * Effort::PERSISTENCE };
        for made in 0..most {
            if made.reaches(self.effort.starts) && self.reached().reaches(self.effort.enough(variables)) {
                break;
            }
            if !self.start(DVector::from_fn(variables, |_, _| random.normal())) {
                break;
            }
        }
    }

    /// Starts at random points with the symmetries that the target has, `draws` of each kind.
    pub fn symmetric(&mut self, characters: &[Character], seed: u64, draws: usize) {
        let mut random = Random::new(seed ^ 0x5157);
        for character in characters {
            for _ in 0..draws {
                let start = DVector::from_fn(self.model.gradient.len(), |_, _| random.normal());
                let start = character.project(&start);
                if start.norm().exceeds(1e-6) && !self.start(start) {
                    return;
                }
            }
        }
    }

    fn reached(&self) -> usize {
        self.ends.iter().filter(|&&value| is_reached(value, self.value())).count()
    }

    /// The best end, followed to where rounding ends the descent; `None` if no start gave a finite value.
    pub fn finish(mut self) -> Option<Found> {
        let reached = self.reached();
        let mut best = self.best.take()?;
        // Starts after the first to get there may have stopped a little short of it.
        let polished = descend(self.model, best.x.clone(), self.effort.iterations, None);
        self.iterations += polished.iterations;
        if is_no_worse(polished.value, best.value) {
            best = polished;
        }
        Some(Found { best, starts: self.ends.len(), reached, iterations: self.iterations })
    }
}

/// Whether a value counts as the best one.
fn is_reached(value: f64, best: f64) -> bool {
    value <= best * (1.0 + SAME) + 1e-24
}

/// Whether a value is the best one or below, up to rounding.
fn is_no_worse(value: f64, best: f64) -> bool {
    value <= best * (1.0 + 1e-12)
}

#[cfg(test)]
mod tests;
