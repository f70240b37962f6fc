//! Between which numbers means over whole signals are, by what stands at their positions (Theorem 11e of
//! `docs/semantics.md`).

use super::{Bounder, Multiple, Sides};
use crate::forms::arena::{Form, MeanOf};
use convproof_exact::Rational;

/// Two numbers, the lower one first.
type Between = [Rational; 2];

/// A number times the mean of a block of a signal.
struct Mean {
    factor: Rational,
    of: MeanOf,
}

impl Bounder<'_> {
    /// Numbers between which a sum of means is at every image of every size; `None` where positions are not known.
    ///
    /// Signals that have the same positions are taken two by two, each with the one that leaves least.
    pub(super) fn means(&mut self, sides: &Sides) -> Option<Between> {
        let mean = |multiple: &Multiple, sign: i64| Mean {
            factor: &multiple.factor * &Rational::from(sign),
            of: self.arena.mean_of(multiple.term),
        };
        let [above, below] = sides;
        let signed = above
            .iter()
            .map(|multiple| mean(multiple, 1))
            .chain(below.iter().map(|multiple| mean(multiple, -1)));
        let means: Vec<Mean> = signed.collect();
        let mut left: Vec<usize> = means.iter().map(|mean| mean.of.signal).collect();
        left.sort_unstable();
        left.dedup();
        let mut sum = Between::default();
        while let Some(first) = left.pop() {
            let mut least: Option<(usize, Between)> = None;
            for (slot, &other) in left.iter().enumerate() {
                if let Some(between) = self.at_all_positions(&means, [other, first])
                    && least.as_ref().is_none_or(|(_, least)| width(&between) < width(least))
                {
                    least = Some((slot, between));
                }
            }
            let between = match least {
                Some((slot, between)) => {
                    left.swap_remove(slot);
                    between
                }
                None => self.at_all_positions(&means, [first; 2])?,
            };
            sum.iter_mut().zip(&between).for_each(|(sum, end)| *sum += end);
        }
        Some(sum)
    }

    /// Numbers between which the sum of some means' signals is wherever these have positions; the smaller signal is first.
    fn at_all_positions(&mut self, means: &[Mean], signals: [usize; 2]) -> Option<Between> {
        let insides = self.insides;
        let mut around: Option<Between> = None;
        for position in insides.get(&signals)? {
            let mut terms: Vec<Form> = Vec::new();
            for mean in means.iter().filter(|mean| signals.contains(&mean.of.signal)) {
                terms.push(position.get(&mean.of)?.times(&mean.factor));
            }
            let sum = self.arena.sum(&terms).ok()?;
            let [low, high] = self.between(&sum)?;
            let bound = self.difference(&sum)?.bound;
            let (low, high) = (low.max(-&bound), high.min(bound));
            around = Some(match around {
                None => [low, high],
                Some([least, most]) => [least.min(low), most.max(high)],
            });
        }
        around
    }
}

fn width([low, high]: &Between) -> Rational {
    high - low
}
