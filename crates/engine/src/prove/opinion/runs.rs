//! Runs of both sides of a proved claim on small images at given weights.
//!
//! What they show proves nothing. Beside a bound, images are made worse entry by entry, so that one that is too small by a
//! little is noticed as well.

use crate::evaluate::{Ball, EvaluateError, Evaluator, Functions, Image, Weights};
use crate::ir::StackClaim;
use crate::prove::verdict::StackProof;
use convproof_exact::{Rational, SplitMix64};

/// Runs of both sides at given weights.
pub(super) struct Runs<'a> {
    claim: &'a StackClaim,
    /// By how much outputs may differ.
    worst: Rational,
    /// Whether a bound was proved.
    bounded: bool,
    evaluator: Evaluator<'a>,
    /// Steps in all.
    steps: u64,
    /// Steps that are left.
    left: u64,
    generator: SplitMix64,
    /// What the first image of a size holds.
    first: Filling,
    /// The image on which outputs were farthest apart, and where.
    farthest: Option<Farthest>,
}

struct Farthest {
    image: Image,
    differences: Differences,
    /// The place of the largest of them.
    at: usize,
}

/// How far apart outputs are, beside a bound.
#[derive(Clone)]
struct Differences {
    all: Vec<Rational>,
    /// The size of their channels.
    size: [usize; 2],
}

/// What an image holds.
#[derive(Clone, Copy)]
enum Filling {
    /// Small numbers, or for a bound ends of the range, drawn one by one.
    Drawn,
    /// The upper end of the range: errors of one sign add up, through layers and in means.
    Most,
    /// The lower end.
    Least,
    /// Zeros but for about so many entries: products with zeros take no steps.
    Few,
}

/// How many entries are not 0 where images of others take too many steps.
const FEW: u64 = 12;

/// The share of the steps that an image without zeros may take: one over this. One of few entries is tried where it takes more.
const FULL: u64 = 4;

/// The outputs on an image.
enum Outputs {
    /// Neither side has one.
    None,
    /// They differ by more than was proved.
    Apart,
    /// They do not.
    Near(Differences),
}

impl<'a> Runs<'a> {
    /// Runs in so many steps, at weights that are [`for_proof`].
    pub(super) fn new(claim: &'a StackClaim, proof: &StackProof, weights: &'a Weights, steps: u64) -> Self {
        let bound = bound(proof);
        Self {
            claim,
            worst: bound.cloned().unwrap_or_default(),
            bounded: bound.is_some(),
            evaluator: Evaluator::rough(weights),
            steps,
            left: steps,
            generator: SplitMix64::new(0x00B1_A5ED),
            first: Filling::Drawn,
            farthest: None,
        }
    }

    /// Steps that were taken.
    pub(super) fn done(&self) -> u64 {
        self.steps - self.left
    }

    /// Whether both stacks do at a size as proved; `None` if neither has an output. After so many steps one image is enough.
    pub(super) fn agrees(&mut self, size: [i64; 2], enough: u64) -> Result<Option<bool>, EvaluateError> {
        let mut first = self.first_filled(size);
        if matches!((&first, self.first), (Err(EvaluateError::TooLarge), Filling::Drawn)) {
            // Later sizes are larger.
            self.first = Filling::Few;
            first = self.first_filled(size);
        }
        match first? {
            Outputs::None => return Ok(None),
            Outputs::Apart => return Ok(Some(false)),
            Outputs::Near(_) => {}
        }
        for filling in [Filling::Most, Filling::Least] {
            if !self.bounded || self.done() > enough {
                break;
            }
            match self.filled(size, filling) {
                Ok(Outputs::Apart) => return Ok(Some(false)),
                Ok(_) => {}
                // Steps have run out.
                Err(_) => break,
            }
        }
        Ok(Some(true))
    }

    /// What outputs are to each other on the first image of a size. Where it takes too many steps they do not count.
    fn first_filled(&mut self, size: [i64; 2]) -> Result<Outputs, EvaluateError> {
        let left = self.left;
        if matches!(self.first, Filling::Drawn) {
            self.left /= FULL;
        }
        let allowed = self.left;
        let outputs = self.filled(size, self.first);
        self.left = match outputs {
            Err(EvaluateError::TooLarge) => left,
            _ => left - (allowed - self.left),
        };
        outputs
    }

    /// What outputs are to each other on an image that is filled so; it is kept where they are farther apart than on those before.
    fn filled(&mut self, size: [i64; 2], filling: Filling) -> Result<Outputs, EvaluateError> {
        let image = self.image(size, filling)?;
        let outputs = self.outputs(&image)?;
        if let Outputs::Near(differences) = &outputs
            && let Some((at, most)) =
                differences.all.iter().enumerate().max_by_key(|(_, difference)| *difference)
            && self.farthest.as_ref().is_none_or(|before| *most > before.differences.all[before.at])
        {
            self.farthest = Some(Farthest { image, at, differences: differences.clone() });
        }
        Ok(outputs)
    }

    /// Makes the worst image of a bound worse, entry by entry; the size at which outputs differ by more than was proved, if they
    /// come to. After so many steps no other image is tried.
    ///
    /// Where sides differ by a linear map, signs that are best one by one are best together, unless the difference changes its own.
    pub(super) fn climbs(&mut self, enough: u64) -> Option<[i64; 2]> {
        let Farthest { image, at, differences } = self.farthest.take()?;
        // A window in the middle loses nothing at the border.
        let [h, w] = differences.size;
        let middle = at - at % (h * w) + h / 2 * w + w / 2;
        let found =
            [middle, at].into_iter().any(|at| self.climbs_at(at, image.clone(), &differences, enough));
        let [_, height, width] = image.size();
        found.then(|| [height, width].map(|n| i64::try_from(n).unwrap_or(i64::MAX)))
    }

    /// The same for the output at one place.
    fn climbs_at(&mut self, at: usize, mut image: Image, start: &Differences, enough: u64) -> bool {
        let Some(mut difference) = start.all.get(at).cloned() else { return false };
        let [channels, height, width] = image.size();
        for entry in 0..image.values().len() {
            if self.done() > enough {
                break;
            }
            let mut values = image.values().to_vec();
            values[entry] = -&values[entry];
            let Some(flipped) = Image::new(channels, height, width, values) else { break };
            match self.outputs(&flipped) {
                Ok(Outputs::Apart) => return true,
                Ok(Outputs::Near(mut now)) if now.all.get(at).is_some_and(|now| *now > difference) => {
                    difference = now.all.swap_remove(at);
                    image = flipped;
                }
                Ok(_) => {}
                // Steps have run out.
                Err(_) => break,
            }
        }
        false
    }

    fn image(&mut self, size: [i64; 2], filling: Filling) -> Result<Image, EvaluateError> {
        let [h, w] = size.map(|n| usize::try_from(n).unwrap_or(0));
        let count = self.claim.channels.saturating_mul(h).saturating_mul(w);
        // Hardly a layer does with less than a product for each entry, or storing it.
        let each = if matches!(filling, Filling::Few) { 8 } else { 64 };
        if u64::try_from(count).is_ok_and(|count| count > self.left / each) {
            return Err(EvaluateError::TooLarge);
        }
        let values = (0..count).map(|_| self.entry(filling, count)).collect();
        Image::new(self.claim.channels, h, w, values).ok_or(EvaluateError::TooLarge)
    }

    /// One entry of an image of so many.
    fn entry(&mut self, filling: Filling, count: usize) -> Rational {
        if matches!(filling, Filling::Few) && self.generator.below(count as u64) >= FEW {
            return Rational::ZERO;
        }
        self.value(filling)
    }

    /// An entry that is not left out.
    fn value(&mut self, filling: Filling) -> Rational {
        match (&self.claim.tolerance, filling) {
            (Some(tolerance), Filling::Drawn) if self.generator.below(2) == 0 => tolerance.range.clone(),
            (Some(tolerance), Filling::Most) => tolerance.range.clone(),
            (Some(tolerance), _) => -&tolerance.range,
            (None, _) => Rational::from(i64::try_from(self.generator.below(19)).unwrap_or(0) - 9),
        }
    }

    /// What the outputs of both sides are to each other.
    fn outputs(&mut self, image: &Image) -> Result<Outputs, EvaluateError> {
        let (left, right) = match [self.run(image, false)?, self.run(image, true)?] {
            [None, None] => return Ok(Outputs::None),
            [Some(left), Some(right)] if left.size() == right.size() => (left, right),
            _ => return Ok(Outputs::Apart),
        };
        let pairs = || left.values().iter().zip(right.values());
        if pairs().any(|(a, b)| a.differs_by_more(b, &self.worst)) {
            return Ok(Outputs::Apart);
        }
        let all = if self.bounded {
            pairs().map(|(a, b)| (a.middle() - b.middle()).abs()).collect()
        } else {
            Vec::new()
        };
        Ok(Outputs::Near(Differences { all, size: [left.height(), left.width()] }))
    }

    /// The output of one side, if it has one.
    fn run(&mut self, image: &Image, right: bool) -> Result<Option<Image<Ball>>, EvaluateError> {
        let stack = if right { &self.claim.right } else { &self.claim.left };
        match self.evaluator.run(stack, image, &mut self.left) {
            Ok(output) => Ok(Some(output)),
            Err(error) if error.is_no_output() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The weights as they are for runs beside a proof.
///
/// A proof of equality says nothing of functions but that equal arguments have equal values; a bound rests on slopes.
pub(super) fn for_proof(weights: Weights, proof: &StackProof) -> Weights {
    weights.with_functions(if bound(proof).is_some() { Functions::Near } else { Functions::Surrogate })
}

/// By how much outputs differ at most, where that is what was proved.
fn bound(proof: &StackProof) -> Option<&Rational> {
    match proof {
        StackProof::Within(enclosure, _) => Some(enclosure.worst()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Conv, KernelTerm, Layer, Origin, Padding, Sizes, Stack, Tolerance, ends};
    use crate::kernel::{ConcreteKernel, Shape};
    use crate::prove::verdict::{Composed, Derivation, Enclosure};
    use std::collections::BTreeSet;
    use std::sync::Arc;

    fn conv(values: [i64; 9]) -> Layer {
        let kernel = ConcreteKernel::from_integers(Shape::plane(3, 3), values.to_vec()).unwrap();
        let padding = Padding::Sides(ends([1; 4]));
        Layer::Conv(Conv { padding, ..Conv::plain(KernelTerm::constant(kernel), 1) })
    }

    /// A convolution against another, and a bound that somebody says was proved.
    fn bounded(layers: [Layer; 2], worst: Rational) -> (StackClaim, StackProof) {
        let [left, right] = layers.map(|layer| Arc::new(Stack::layer(layer, Origin::NOWHERE)));
        let tolerance = Some(Tolerance { bound: Rational::from(1000), range: Rational::from(7) });
        let found = Enclosure::new(worst, true, Rational::from(1000));
        let proof = StackProof::Within(found, Derivation::Composed(Composed::default()));
        (StackClaim { left, right, channels: 1, tolerance, sizes: Sizes::All }, proof)
    }

    #[test]
    fn images_have_small_entries_of_both_signs_and_the_ends_of_ranges() {
        let drawn = |bounded_by: bool, filling: Filling| {
            let (claim, proof) = bounded([conv([0; 9]), conv([0; 9])], Rational::ONE);
            let weights = Weights::new();
            let tolerance = claim.tolerance.clone().filter(|_| bounded_by);
            let claim = StackClaim { tolerance, ..claim };
            let mut runs = Runs::new(&claim, &proof, &weights, 0);
            (0..500).map(|_| runs.value(filling)).collect::<BTreeSet<_>>()
        };
        assert_eq!(drawn(false, Filling::Drawn), (-9..=9).map(Rational::from).collect());
        let range = Rational::from(7);
        assert_eq!(drawn(true, Filling::Drawn), [-&range, range.clone()].into());
        assert_eq!(drawn(true, Filling::Least), [-&range].into());
        assert_eq!(drawn(true, Filling::Most), [range].into());
    }

    #[test]
    fn a_bound_that_is_too_small_by_a_little_is_noticed() {
        // Their difference has entries of both signs, whose magnitudes have the sum 45.
        let layers = || [conv([1, -2, 3, -4, 5, 6, -7, 8, 9]), conv([0; 9])];
        let seen = |worst: Rational, size: [i64; 2], enough: u64| {
            let (claim, proof) = bounded(layers(), worst);
            let weights = Weights::new();
            let mut runs = Runs::new(&claim, &proof, &weights, 1 << 20);
            assert_eq!(runs.agrees(size, 1 << 17), Ok(Some(true)));
            runs.climbs(enough)
        };
        let most = Rational::from(7 * 45);
        let less = &most - &Rational::ratio(1, 1000).unwrap();
        for size in [[3, 3], [3, 4], [4, 4], [5, 3]] {
            assert_eq!(seen(most.clone(), size, 1 << 20), None);
            assert_eq!(seen(less.clone(), size, 1 << 20), Some(size));
            // Not without trying other images.
            assert_eq!(seen(less.clone(), size, 0), None);
        }
    }

    #[test]
    fn errors_of_one_sign_are_noticed_at_the_ends_of_the_range() {
        for sign in [1, -1] {
            let (claim, proof) = bounded([conv([sign; 9]), conv([0; 9])], Rational::from(7 * 9 - 1));
            let weights = Weights::new();
            let mut runs = Runs::new(&claim, &proof, &weights, 1 << 20);
            assert_eq!(runs.agrees([3, 3], 1 << 17), Ok(Some(false)));
            // After enough steps the drawn image is all.
            let mut runs = Runs::new(&claim, &proof, &weights, 1 << 20);
            assert_eq!(runs.agrees([3, 3], 0), Ok(Some(true)));
        }
    }
}
