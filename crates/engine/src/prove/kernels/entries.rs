//! Equality of kernels and images, shape included, for all weights.

use std::sync::Arc;

use crate::evaluate::{self, EvaluateError, Weights};
use crate::ir::{Conv, KernelTerm, Layer, Origin, Sizes, Stack, StackClaim, Symbols};
use crate::kernel::positions;
use crate::prove::stacks::words;
use crate::prove::values::point::{Dependence, Point};
use crate::prove::verdict::counterexample::{Counterexample, named};
use crate::prove::verdict::{Doubt, EntryWitness, KernelVerdict, Limit, StackVerdict, StackWitness};
use crate::prove::witness::search;

/// Decides whether two kernels are equal.
pub fn decide(left: &KernelTerm, right: &KernelTerm, symbols: &Symbols) -> KernelVerdict {
    if left.shape() != right.shape() {
        return KernelVerdict::Shapes;
    }
    // Entries that nobody has written down yet are looked at only where matrices do not decide.
    let later = left.kernel().is_later() || right.kernel().is_later();
    if later {
        let verdict = by_words(left, right, symbols);
        if !matches!(verdict, KernelVerdict::Unknown(_)) {
            return verdict;
        }
    }
    if left.kernel() == right.kernel() {
        return KernelVerdict::Equal;
    }
    let used = [left, right].map(|term| term.kernel().symbols()).concat();
    let dependence = Dependence::of(symbols, &used);
    let at = |term: &KernelTerm, point: &Point| {
        term.kernel().evaluate_mod(&|symbol| dependence.residue(symbol, &|chosen| point.residue(chosen)))
    };
    let differing = |point: &Point| {
        let (a, b) = (at(left, point)?, at(right, point)?);
        a.iter().zip(&b).position(|(a, b)| a != b)
    };
    if dependence.is_free(&used)
        && let Some(entry) = differing(&Point::random(1))
    {
        return entry_witness(left, right, symbols, &dependence, entry, |point| {
            let (Some(a), Some(b)) = (at(left, point), at(right, point)) else { return false };
            a[entry] != b[entry]
        });
    }
    // No difference modulo the prime: expand, which decides.
    let (Ok(a), Ok(b)) = (left.kernel().expand(), right.kernel().expand()) else {
        // Words that did not decide before do not now.
        let doubt = KernelVerdict::Unknown(Doubt::Limit(Limit::Terms));
        return if later { doubt } else { by_words(left, right, symbols) };
    };
    let differences = a.entries().iter().zip(b.entries()).map(|(a, b)| symbols.numerator(&(a - b)));
    match differences.enumerate().find(|(_, difference)| !difference.is_zero()) {
        None => KernelVerdict::Equal,
        // Irrational roots, or a multiple of the prime.
        Some((entry, difference)) => {
            match search::telling(&difference, &symbols.foundations(used), symbols) {
                Some(values) => {
                    let weights = values.into_iter().collect::<Weights>();
                    confirmed(left, right, symbols, entry, &weights)
                }
                None => KernelVerdict::Unknown(Doubt::Irrational),
            }
        }
    }
}

/// Kernels of many terms, as convolutions of an image of their own size: one output for each channel, the sum of all entries
/// times those of the image. So kernels are equal where these are, and an image with a single 1 shows one entry.
fn by_words(left: &KernelTerm, right: &KernelTerm, symbols: &Symbols) -> KernelVerdict {
    let doubt = KernelVerdict::Unknown(Doubt::Limit(Limit::Terms));
    let shape = left.shape();
    let size = [shape.height, shape.width].map(i64::try_from);
    let ([Ok(height), Ok(width)], false) = (size, shape.inputs == 0) else { return doubt };
    let alone = |kernel: &KernelTerm| {
        let layer = Layer::Conv(Conv::plain(kernel.clone(), 1));
        Arc::new(Stack::layer(layer, Origin::NOWHERE))
    };
    let claim = StackClaim {
        left: alone(left),
        right: alone(right),
        channels: shape.inputs,
        tolerance: None,
        sizes: Sizes::One([height, width]),
    };
    match words::decide(&claim, symbols) {
        Some(StackVerdict::Proved(_)) => KernelVerdict::Equal,
        Some(StackVerdict::Refuted(refutation)) => match &refutation.witness {
            StackWitness::Value(found) => single(found).map_or(doubt, KernelVerdict::Entry),
            _ => doubt,
        },
        _ => doubt,
    }
}

/// The entry that a counterexample shows whose image has a single 1.
fn single(found: &Counterexample) -> Option<EntryWitness> {
    let input = found.input();
    let [_, height, width] = input.size();
    let mut nonzero = input.values().iter().enumerate().filter(|(_, value)| !value.is_zero());
    let (at, value) = nonzero.next()?;
    let [output, ..] = found.position();
    (nonzero.next().is_none() && value.is_one()).then(|| EntryWitness {
        weights: found.weights().to_vec(),
        approximate: found.is_approximate(),
        position: [output, at / (height * width), at / width % height, at % width],
        left: found.left().clone(),
        right: found.right().clone(),
    })
}

/// Small weights at which an entry differs, confirmed by the naive evaluator.
fn entry_witness(
    left: &KernelTerm,
    right: &KernelTerm,
    symbols: &Symbols,
    dependence: &Dependence,
    entry: usize,
    differs: impl Fn(&Point) -> bool,
) -> KernelVerdict {
    let mut used = left.kernel().symbols();
    used.extend(right.kernel().symbols());
    used.sort_unstable();
    used.dedup();
    let choices = dependence.choices(&used);
    let start = Point::random(1);
    let shrunk = differs(&start)
        .then(|| start.shrink(&choices, |symbol| dependence.is_positive(symbol, symbols), &differs))
        .flatten();
    let Some(point) = shrunk else { return KernelVerdict::Unknown(Doubt::Irrational) };
    let weights = search::weights_from(symbols, dependence, |symbol| point.chosen(symbol));
    confirmed(left, right, symbols, entry, &weights)
}

/// Evaluates both kernels naively at weights at which an entry should differ.
fn confirmed(
    left: &KernelTerm,
    right: &KernelTerm,
    symbols: &Symbols,
    entry: usize,
    weights: &Weights,
) -> KernelVerdict {
    let value = |term: &KernelTerm| evaluate::kernel_enclosed(term.expr(), weights);
    let (a, b) = match (value(left), value(right)) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(error), _) | (_, Err(error)) => {
            return KernelVerdict::Unknown(match error {
                EvaluateError::Irrational => Doubt::Irrational,
                EvaluateError::TooLarge => Doubt::Limit(Limit::Replay),
                _ => Doubt::Contradiction,
            });
        }
    };
    let values = Some((a.at(entry), b.at(entry))).filter(|(a, b)| a.differs(b));
    let position = positions(left.shape()).nth(entry);
    let used = symbols.foundations([left, right].map(|term| term.kernel().symbols()).concat());
    match (values, position) {
        (Some((a, b)), Some(position)) => KernelVerdict::Entry(EntryWitness {
            weights: named(weights, symbols, |symbol| used.contains(&symbol)),
            approximate: !(a.is_exact() && b.is_exact()),
            position,
            left: a.middle().clone(),
            right: b.middle().clone(),
        }),
        _ => KernelVerdict::Unknown(Doubt::Contradiction),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Image;
    use crate::kernel::{ConcreteKernel, Shape};
    use convproof_exact::Rational;

    #[test]
    fn one_entry_is_shown_by_an_image_with_a_single_1_and_no_other() {
        let alone = |values: [i64; 2]| {
            let kernel = ConcreteKernel::from_integers(Shape::plane(1, 2), values.to_vec()).unwrap();
            Stack::layer(Layer::Conv(Conv::plain(KernelTerm::constant(kernel), 1)), Origin::NOWHERE)
        };
        let [left, right] = [[3, 4], [5, 7]].map(alone);
        let shown = |values: [i64; 2]| {
            let image = Image::new(1, 1, 2, values.map(Rational::from).to_vec()).unwrap();
            let weights = Weights::new();
            let symbols = Symbols::default();
            let found = Counterexample::replay(&left, &right, &weights, &symbols, image, None).unwrap();
            single(&found).map(|entry| (entry.position, entry.left, entry.right))
        };
        assert_eq!(shown([1, 0]), Some(([0, 0, 0, 0], Rational::from(3), Rational::from(5))));
        assert_eq!(shown([0, 1]), Some(([0, 0, 0, 1], Rational::from(4), Rational::from(7))));
        for more in [[1, 1], [2, 0], [0, -1], [1, 2]] {
            assert_eq!(shown(more), None, "{more:?}");
        }
    }
}
