//! Inputs that may show how far apart two stacks are: images of one value, and the worst inputs of their first layers.
//!
//! What is found is no bound; the claim is only refuted by what the evaluator replays.

use super::linear;
use crate::axes::{AXES, all};
use crate::evaluate::{self, Functions, Image, Weights};
use crate::ir::{Layer, Sizes, Stack, StackClaim, Symbols, Tolerance};
use crate::operator::shape::{self, Signal};
use crate::prove::survey::condition;
use crate::prove::verdict::{StackVerdict, StackWitness};
use crate::prove::witness::search;
use convproof_exact::{Limited, Rational};

/// Most linear parts of which the worst input is tried on the whole.
const MAX_PARTS: usize = 4;

/// Most weights that one may have.
const MAX_WEIGHTS: usize = 1 << 20;

/// How much larger than an input an image may be that has an output.
const MAX_MORE: i64 = 64;

/// Most products of weights and entries that it may take to run a side.
const MAX_PRODUCTS: usize = 1 << 23;

/// What it takes to try inputs.
pub struct Attempts<'a> {
    /// The claim.
    pub claim: &'a StackClaim,
    /// Its bound.
    pub tolerance: &'a Tolerance,
    /// The symbols.
    pub symbols: &'a Symbols,
    /// Both sides with weights near theirs that are rational.
    pub near: [&'a Stack; 2],
    /// What their difference may be off by.
    pub error: Rational,
}

/// A difference that an input shows.
pub struct Shown {
    /// How large it is at least.
    pub difference: Rational,
    /// The input.
    pub image: Image,
    /// Output channel, row and column.
    pub at: [usize; 3],
}

impl Attempts<'_> {
    /// The first difference that passes the bound, or the largest of those that do not, its input and where it is; `parts` are linear
    /// parts that read the input, and by how much their outputs differ.
    pub fn farthest(&self, parts: &[(StackClaim, Rational)]) -> Option<Shown> {
        let &Self { claim, tolerance, symbols, .. } = self;
        let constant = Image::new(claim.channels, 1, 1, vec![tolerance.range.clone(); claim.channels]);
        let small = |(part, _): &&(StackClaim, Rational)| {
            [&part.left, &part.right].iter().all(|stack| stack.weight_count().within(MAX_WEIGHTS))
        };
        let worst = parts
            .iter()
            .filter(small)
            .take(MAX_PARTS)
            .filter_map(|(part, apart)| worst_input(part, apart, symbols));
        let mut found: Option<Shown> = None;
        for image in constant.into_iter().chain(worst) {
            let Some(image) = self.enlarged(&image) else { continue };
            for image in [negative(&image), Some(image)].into_iter().flatten() {
                let Some((difference, at)) = self.largest(&image) else { continue };
                if found.as_ref().is_none_or(|most| difference > most.difference) {
                    let passes = self.passes(&difference);
                    found = Some(Shown { difference, image, at });
                    if passes {
                        return found;
                    }
                }
            }
        }
        found
    }

    /// The image, its outermost entries repeated until both sides have an output of which the claim speaks.
    fn enlarged(&self, image: &Image) -> Option<Image> {
        let claim = self.claim;
        let signal =
            |stack: &Stack| shape::after(stack, Signal::input(claim.channels), claim.sizes.one()).ok();
        let signals = [signal(&claim.left)?, signal(&claim.right)?];
        let [channels, height, width] = image.size();
        let least = [height, width].map(i64::try_from);
        let least = all(|axis| least[axis].ok())?;
        let fits = |size: &[i64; AXES]| {
            condition::includes(&claim.sizes, *size)
                && signals.iter().all(|signal| signal.at(*size).is_some())
        };
        let size = match claim.sizes {
            Sizes::One(size) => {
                Some(size).filter(|size| size.iter().zip(least).all(|(n, least)| *n >= least))
            }
            _ => (0..=MAX_MORE).map(|more| least.map(|n| n + more)).find(fits),
        };
        let size = size.filter(fits)?;
        let [rows, columns] = all(|axis| usize::try_from(size[axis]).ok())?;
        let mut values = Vec::new();
        for c in 0..channels {
            for i in 0..rows {
                values.extend((0..columns).map(|j| image.at(c, i.min(height - 1), j.min(width - 1)).clone()));
            }
        }
        Image::new(channels, rows, columns, values)
    }

    /// The largest difference of the outputs for an image, and where it is.
    fn largest(&self, image: &Image) -> Option<(Rational, [usize; 3])> {
        let weights = self.weights();
        let area = image.height().checked_mul(image.width())?;
        let run = |stack: &Stack| {
            let products =
                stack.weight_count().checked_mul(area).filter(|products| products.within(MAX_PRODUCTS));
            products.and_then(|_| evaluate::enclosed(stack, image, &weights).ok())
        };
        let [left, right] = self.near;
        let (left, right) = (run(left)?, run(right)?);
        if left.size() != right.size() {
            return None;
        }
        let [channels, height, width] = left.size();
        let at =
            (0..channels).flat_map(|c| (0..height).flat_map(move |i| (0..width).map(move |j| [c, i, j])));
        let apart = |at: [usize; 3]| {
            let [c, i, j] = at;
            (left.at(c, i, j).least_difference(right.at(c, i, j)), at)
        };
        at.map(apart).max_by(|a, b| a.0.cmp(&b.0))
    }

    /// The weights to replay with; values of functions are enclosed.
    pub fn weights(&self) -> Weights {
        let plain = search::plain_weights(self.claim, self.symbols);
        if self.has_functions() { plain.with_functions(Functions::Near) } else { plain }
    }

    /// Whether functions with irrational values occur.
    fn has_functions(&self) -> bool {
        let layers = self.near.into_iter().flat_map(Stack::layers);
        layers.into_iter().any(|layer| matches!(layer, Layer::Function(_)))
    }

    /// Whether a difference that was found passes the bound, weights being near theirs.
    pub fn passes(&self, difference: &Rational) -> bool {
        !self.tolerance.allows(difference, &self.error)
    }
}

/// The input at which a linear part is about as far off as it can be.
fn worst_input(part: &StackClaim, apart: &Rational, symbols: &Symbols) -> Option<Image> {
    let range = part.tolerance.as_ref()?.range.clone();
    let bound = apart * &Rational::ratio(1023, 1024)?;
    let verdict = linear::of_linear(part, &Tolerance { bound, range }, symbols).ok()??;
    let StackVerdict::Refuted(refuted) = verdict else { return None };
    let StackWitness::Excess(excess) = &refuted.witness else { return None };
    Some(excess.counterexample().input().clone())
}

fn negative(image: &Image) -> Option<Image> {
    let [channels, height, width] = image.size();
    Image::new(channels, height, width, image.values().iter().map(|value| -value).collect())
}
