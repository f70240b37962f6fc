//! Equality of kernels and images, shape included, for all weights; and comparisons of numbers.

use std::sync::Arc;

use crate::evaluate::{self, EvaluateError, Weights};
use crate::ir::{Conv, KernelTerm, Layer, Order, Origin, Quantity, Sizes, Stack, StackClaim, Symbols};
use crate::kernel::positions;
use crate::prove::stacks::words;
use crate::prove::values::interval::Enclosed;
use crate::prove::values::point::{Dependence, Point};
use crate::prove::verdict::counterexample::{Counterexample, differ, named};
use crate::prove::verdict::{
    Doubt, EntryWitness, KernelVerdict, Limit, NumberVerdict, StackVerdict, StackWitness,
};
use crate::prove::witness::search;
use convproof_exact::{Poly, Rational};

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
    let differences = a.entries().iter().zip(b.entries()).map(|(a, b)| symbols.reduce(&(a - b)));
    match differences.enumerate().find(|(_, difference)| !difference.is_zero()) {
        None => KernelVerdict::Equal,
        // Irrational roots, or a multiple of the prime.
        Some((entry, difference)) => {
            match search::telling(&difference, &symbols.foundations(used), symbols) {
                Some(values) => {
                    let weights = values.into_iter().collect::<Weights>().approximating();
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
        .then(|| {
            start.shrink(
                &choices,
                |symbol| dependence.is_root(symbol) || symbols.is_divisor(symbol),
                &differs,
            )
        })
        .flatten();
    let Some(point) = shrunk else { return KernelVerdict::Unknown(Doubt::Irrational) };
    let mut weights: Weights = symbols.divisors().map(|symbol| (symbol, Rational::ONE)).collect();
    for &symbol in used.iter().chain(&choices).filter(|&&symbol| symbols.root_of(symbol).is_none()) {
        weights.set(symbol, dependence.rational(symbol, &|chosen| point.rational(chosen)));
    }
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
    let value = |term: &KernelTerm| evaluate::kernel(term.expr(), weights);
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
    let values = Some((a.at(entry), b.at(entry))).filter(|(a, b)| differ(a, b, weights));
    let position = positions(left.shape()).nth(entry);
    let used = symbols.foundations([left, right].map(|term| term.kernel().symbols()).concat());
    match (values, position) {
        (Some((a, b)), Some(position)) => KernelVerdict::Entry(EntryWitness {
            weights: named(weights, symbols, |symbol| used.contains(&symbol)),
            approximate: weights.is_approximating(),
            position,
            left: a.clone(),
            right: b.clone(),
        }),
        _ => KernelVerdict::Unknown(Doubt::Contradiction),
    }
}

/// Compares numbers, or lists entry by entry.
///
/// Both sides are constants for orderings; for `==` and `!=` they may depend on weights, `!=` then claiming that
/// the polynomials differ.
pub fn compare(left: &[Quantity], order: Order, right: &[Quantity], symbols: &Symbols) -> NumberVerdict {
    let all = left.len().min(right.len());
    let holds: Vec<Option<bool>> =
        (0..all).map(|index| compare_one(&left[index], order, &right[index], symbols)).collect();
    // Lists differ when some entry does; everything else must hold for all entries.
    let decisive = order == Order::Ne;
    if let Some(index) = holds.iter().position(|&one| one == Some(decisive)) {
        return if decisive { NumberVerdict::True } else { fails(index, left, right, symbols) };
    }
    if holds.contains(&None) {
        return NumberVerdict::Unknown(Doubt::Irrational);
    }
    if decisive { fails(0, left, right, symbols) } else { NumberVerdict::True }
}

fn fails(index: usize, left: &[Quantity], right: &[Quantity], symbols: &Symbols) -> NumberVerdict {
    let difference = match (left.get(index), right.get(index)) {
        (Some(Quantity::Poly(a)), Some(Quantity::Poly(b))) => Some(symbols.reduce(&(a - b))),
        _ => None,
    };
    NumberVerdict::False { index, difference: difference.filter(|d| d.as_constant().is_none()) }
}

/// Whether a comparison holds; `None` where square roots leave that open.
fn compare_one(left: &Quantity, order: Order, right: &Quantity, symbols: &Symbols) -> Option<bool> {
    use std::cmp::Ordering;
    let ordering = match (left, right) {
        (Quantity::Poly(a), Quantity::Poly(b)) => {
            let plain = a - b;
            let difference = symbols.reduce(&plain);
            let used = difference.symbols();
            match difference.as_constant() {
                Some(value) if value.is_zero() => Ordering::Equal,
                _ if plain.symbols().iter().all(|&s| symbols.is_number(s)) => {
                    let enclosed = Enclosed::of(&plain, symbols);
                    if enclosed.high().is_negative() {
                        Ordering::Less
                    } else if !enclosed.low().is_negative() && !enclosed.low().is_zero() {
                        Ordering::Greater
                    } else {
                        return None;
                    }
                }
                // It depends on weights: not equal, if some weights show it.
                _ => {
                    let dependence = Dependence::of(symbols, &used);
                    let point = Point::random(1);
                    let value = |symbol| dependence.residue(symbol, &|chosen| point.residue(chosen));
                    let residue =
                        dependence.is_free(&used).then(|| difference.evaluate_mod(&value)).flatten();
                    let differs = residue.is_some_and(|value| !value.is_zero())
                        || search::telling(&difference, &symbols.foundations(used), symbols).is_some();
                    return differs.then_some(order == Order::Ne);
                }
            }
        }
        (Quantity::Root(a), Quantity::Root(b)) => a.cmp(b),
        (Quantity::Root(a), Quantity::Poly(b)) => compare_root(a, b),
        (Quantity::Poly(a), Quantity::Root(b)) => compare_root(b, a).reverse(),
    };
    Some(match order {
        Order::Eq => ordering.is_eq(),
        Order::Ne => ordering.is_ne(),
        Order::Lt => ordering.is_lt(),
        Order::Le => ordering.is_le(),
        Order::Gt => ordering.is_gt(),
        Order::Ge => ordering.is_ge(),
    })
}

/// `√square` against a constant, by squares.
fn compare_root(square: &Rational, other: &Poly) -> std::cmp::Ordering {
    let other = other.as_constant().unwrap_or_else(|| Rational::from(0));
    if other.is_negative() { std::cmp::Ordering::Greater } else { square.cmp(&(&other * &other)) }
}
