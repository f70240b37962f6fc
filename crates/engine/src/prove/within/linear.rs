//! Approximate equality: the worst difference over all inputs of bounded size, exactly where layers are linear.
//!
//! For `|x| ≤ r` the output difference at a position is an affine functional of the input; its largest absolute
//! value is `r·Σ|Δcoefficient| + |Δconstant|`, attained by an input of signs.

use super::bounds::{self, Bounded};
use super::layered;
use super::lipschitz;
use super::outcome::{beyond, excess, proved, unequal};
use crate::evaluate::{Image, Weights};
use crate::ir::{StackClaim, Symbols, Tolerance};
use crate::limits::{TOGETHER, TOGETHER_FIRST};
use crate::operator::OperatorError;
use crate::prove::survey::input::Sides;
use crate::prove::survey::{Compared, Extent, Sights, Surveyed};
use crate::prove::values::interval::Enclosed;
use crate::prove::values::point::Point;
use crate::prove::verdict::Worst;
use crate::prove::verdict::region::Status;
use crate::prove::verdict::{Derivation, Doubt, Limit, StackProof, StackVerdict};
use crate::prove::witness::search;
use convproof_exact::{Limited, Poly, Rational, Sum, Symbol};

/// The position with the worst difference so far.
struct Position {
    value: Enclosed,
    sights: [u32; 2],
    channel: usize,
}

/// Decides `left ~= right within bound for |x| <= range`.
///
/// # Errors
/// If a stack has no normal form.
pub fn decide(
    claim: &StackClaim,
    tolerance: &Tolerance,
    symbols: &Symbols,
) -> Result<StackVerdict, OperatorError> {
    if let Ok(Some(verdict)) = by_integers(claim, tolerance, symbols) {
        return Ok(verdict);
    }
    let first =
        if has_more(claim, TOGETHER_FIRST) { layered::decide(claim, tolerance, symbols) } else { None };
    let settled =
        |verdict: &&StackVerdict| has_more(claim, TOGETHER) || !matches!(verdict, StackVerdict::Unknown(_));
    if let Some(verdict) = first.as_ref().filter(settled) {
        return Ok(verdict.clone());
    }
    match (by_polynomials(claim, tolerance, symbols), first) {
        (Ok(second), Some(first)) => Ok(better(second, first)),
        // What is too large for one normal form was bounded all the same.
        (Err(_), Some(first)) => Ok(first),
        (second, None) => second,
    }
}

/// Whether a side has more weights than this.
fn has_more(claim: &StackClaim, most: usize) -> bool {
    [&claim.left, &claim.right].iter().any(|stack| stack.weight_count().exceeds(most))
}

/// The same where all layers are linear; `None` where one is not.
///
/// # Errors
/// If a stack has no normal form.
pub(super) fn of_linear(
    claim: &StackClaim,
    tolerance: &Tolerance,
    symbols: &Symbols,
) -> Result<Option<StackVerdict>, OperatorError> {
    if let Some(verdict) = by_integers(claim, tolerance, symbols)? {
        return Ok(Some(verdict));
    }
    let sides = Sides::of(claim, [&claim.left, &claim.right])?;
    if sides.are_nonlinear() { Ok(None) } else { of_sides(claim, tolerance, symbols, &sides).map(Some) }
}

/// How the worst difference is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Weights are numbers: sums of integers.
    Integers,
    /// Polynomials in the weights, and slopes of nonlinear layers.
    Polynomials,
    /// Layer by layer.
    Layers,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Integers, Self::Polynomials, Self::Layers];

    /// What it says by itself of a claim that [`decide`] may settle before it; `None` if it does not decide. For tests: each
    /// would hide the other's mistakes.
    ///
    /// # Errors
    /// If a stack has no normal form.
    pub fn alone(
        self,
        claim: &StackClaim,
        tolerance: &Tolerance,
        symbols: &Symbols,
    ) -> Result<Option<StackVerdict>, OperatorError> {
        match self {
            Self::Integers => by_integers(claim, tolerance, symbols),
            Self::Polynomials => by_polynomials(claim, tolerance, symbols).map(Some),
            Self::Layers => Ok(layered::decide(claim, tolerance, symbols)),
        }
    }
}

fn by_integers(
    claim: &StackClaim,
    tolerance: &Tolerance,
    symbols: &Symbols,
) -> Result<Option<StackVerdict>, OperatorError> {
    Ok(bounds::decide(claim, tolerance, symbols)?.map(|bounded| match bounded {
        Bounded::Within { worst, exact, composed } => {
            proved(worst, exact, tolerance, Derivation::Composed(composed))
        }
        Bounded::Beyond(excess, composed) => {
            passed(claim, tolerance, symbols, excess).after(Derivation::Composed(composed))
        }
    }))
}

fn by_polynomials(
    claim: &StackClaim,
    tolerance: &Tolerance,
    symbols: &Symbols,
) -> Result<StackVerdict, OperatorError> {
    let sides = Sides::of(claim, [&claim.left, &claim.right])?;
    if sides.are_nonlinear() && !sides.are_one() {
        return Ok(nonlinear(claim, tolerance, symbols));
    }
    of_sides(claim, tolerance, symbols, &sides)
}

/// Nonlinear layers all together, which may say exactly how far apart sides are; where there are few weights also layer by layer, if
/// that says more.
fn nonlinear(claim: &StackClaim, tolerance: &Tolerance, symbols: &Symbols) -> StackVerdict {
    let together = lipschitz::decide(claim, tolerance, symbols);
    let settled = match &together {
        Some(StackVerdict::Proved(StackProof::Within(found, _))) => found.is_exact(),
        Some(StackVerdict::Refuted(_)) => true,
        _ => false,
    };
    let layered = if !settled && !has_more(claim, TOGETHER_FIRST) {
        layered::decide(claim, tolerance, symbols)
    } else {
        None
    };
    let both = together.into_iter().chain(layered).reduce(better);
    both.unwrap_or(StackVerdict::Unknown(Doubt::Nonlinear { tries: 0 }))
}

/// What says more.
fn better(first: StackVerdict, second: StackVerdict) -> StackVerdict {
    use StackVerdict::{Proved, Unknown};
    match (first, second) {
        (Proved(StackProof::Within(a, first)), Proved(StackProof::Within(b, second))) => {
            let (found, derivation) = if b.worst() < a.worst() { (b, second) } else { (a, first) };
            Proved(StackProof::Within(found, derivation))
        }
        (
            Unknown(Doubt::Between { found: a, at_most: first }),
            Unknown(Doubt::Between { found: b, at_most: second }),
        ) => Unknown(Doubt::Between { found: a.max(b), at_most: first.min(second) }),
        (Unknown(_), second @ (Proved(_) | StackVerdict::Refuted(_) | Unknown(Doubt::Between { .. }))) => {
            second
        }
        (first, _) => first,
    }
}

fn of_sides(
    claim: &StackClaim,
    tolerance: &Tolerance,
    symbols: &Symbols,
    sides: &Sides,
) -> Result<StackVerdict, OperatorError> {
    let within = |worst: Rational, exact| {
        proved(worst, exact, tolerance, Derivation::Composed(sides.composed.clone()))
    };
    if sides.are_one() {
        return Ok(within(Rational::ZERO, true));
    }
    let (maps, extent) = (sides.both(), Extent::of(&claim.sizes));
    let surveyed = Sights::look(&sides.operators, maps, symbols, extent, search::dependence(claim, symbols))
        .and_then(|sights| Compared::of(sights, false)?.surveyed_everywhere(&claim.sizes));
    let survey = match surveyed {
        Ok(survey) => survey,
        Err(limit) => {
            let size = search::unequal_size(&claim.sizes, maps.map(|map| &map.length));
            let doubt = StackVerdict::Unknown(Doubt::Limit(limit.limit()));
            return Ok(size.map_or(doubt, |size| unequal(claim, symbols, size)));
        }
    };
    if let Some((size, _)) = survey.table().statuses.smallest(|status| status == Status::Sizes) {
        return Ok(unequal(claim, symbols, size));
    }
    let worst = match worst(claim, tolerance, symbols, &survey) {
        Ok(worst) => worst,
        Err(verdict) => return Ok(*verdict),
    };
    let Some(worst) = worst else { return Ok(within(Rational::ZERO, true)) };
    if tolerance.allows(worst.value.high(), &Rational::ZERO) {
        return Ok(within(worst.value.high().clone(), worst.value.is_point()));
    }
    if tolerance.allows(worst.value.low(), &Rational::ZERO) {
        return Ok(StackVerdict::Unknown(Doubt::Irrational));
    }
    let composed = Derivation::Composed(sides.composed.clone());
    Ok(exceeded(claim, tolerance, symbols, &survey, &worst).after(composed))
}

/// The position with the worst difference, if there is any; or the verdict where free weights pass every bound.
fn worst(
    claim: &StackClaim,
    tolerance: &Tolerance,
    symbols: &Symbols,
    survey: &Surveyed<'_>,
) -> Result<Option<Position>, Box<StackVerdict>> {
    // Only positions that occur at a size the claim speaks of.
    let (spoken, failures) = (survey.table().sight_pairs(), survey.failures());
    let mut worst: Option<Position> = None;
    for sights in spoken.into_iter().filter(|&sights| failures.at(sights)) {
        for channel in 0..survey.sights().channels() {
            let Some((constant, mut differences)) = survey.sights().exact_differences(sights, channel) else {
                return Err(Box::new(StackVerdict::Unknown(Doubt::Limit(Limit::Terms))));
            };
            if tolerance.range.is_zero() {
                differences.clear();
            }
            let all = || std::iter::once(&constant).chain(differences.iter().map(|(_, poly)| poly));
            if let Some(varying) = all().map(|poly| varying_part(poly, symbols)).find(|part| !part.is_zero())
            {
                let place = (sights, channel);
                let verdict = unbounded(claim, tolerance, symbols, survey, place, &varying);
                return Err(Box::new(verdict));
            }
            let magnitude = |poly: &Poly| Some(Enclosed::of(poly, symbols)?.abs());
            let sum = differences
                .iter()
                .try_fold(Enclosed::from(Rational::ZERO), |sum, (_, poly)| Some(sum.plus(&magnitude(poly)?)));
            let (Some(sum), Some(constant)) = (sum, magnitude(&constant)) else {
                return Err(Box::new(StackVerdict::Unknown(Doubt::Irrational)));
            };
            let value = sum.times(&tolerance.range).plus(&constant);
            if worst.as_ref().is_none_or(|worst| value.high() > worst.value.high()) {
                worst = Some(Position { value, sights, channel });
            }
        }
    }
    Ok(worst)
}

/// The terms of a difference that depend on free weights.
fn varying_part(poly: &Poly, symbols: &Symbols) -> Poly {
    let mut part = Sum::default();
    for (monomial, coefficient) in poly.terms() {
        if monomial.factors().iter().any(|factor| !symbols.is_number(factor.0)) {
            part.add(monomial.clone(), coefficient);
        }
    }
    part.finish()
}

/// Refuted by the input that attains the worst difference.
fn passed(
    claim: &StackClaim,
    tolerance: &Tolerance,
    symbols: &Symbols,
    found: bounds::Attained,
) -> StackVerdict {
    let weights = search::plain_weights(claim, symbols);
    let [h, w] = found.size.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let Some(image) = Image::sparse([claim.channels, h, w], found.input) else {
        return StackVerdict::Unknown(Doubt::Limit(Limit::Replay));
    };
    excess(
        beyond(claim, tolerance, symbols, &weights, image, found.output),
        Worst::Is(found.worst),
        tolerance,
    )
}

fn exceeded(
    claim: &StackClaim,
    tolerance: &Tolerance,
    symbols: &Symbols,
    survey: &Surveyed<'_>,
    worst: &Position,
) -> StackVerdict {
    let found = survey.sights().exact_differences(worst.sights, worst.channel);
    let Some((constant, differences)) = found else { return StackVerdict::Unknown(Doubt::Contradiction) };
    let is_negative =
        |poly: &Poly| Enclosed::of(poly, symbols).is_some_and(|value| value.high().is_negative());
    let sign = if is_negative(&constant) { -1 } else { 1 };
    let signs = differences.iter().map(|(at, poly)| {
        let negative = is_negative(poly);
        let value = Rational::from(if negative { -sign } else { sign });
        (*at, &value * &tolerance.range)
    });
    let weights = search::plain_weights(claim, symbols);
    let Some((image, [i, j])) = image(claim, survey, worst.sights, signs) else {
        return StackVerdict::Unknown(Doubt::Limit(Limit::Replay));
    };
    let replayed = beyond(claim, tolerance, symbols, &weights, image, [worst.channel, i, j]);
    excess(replayed, Worst::Is(worst.value.high().clone()), tolerance)
}

/// An image with the given values at read positions of a sight's example, and the output position.
fn image(
    claim: &StackClaim,
    survey: &Surveyed<'_>,
    sights: [u32; 2],
    values: impl Iterator<Item = ([u32; 3], Rational)>,
) -> Option<(Image, [usize; 2])> {
    let (table, survey) = (survey.table(), survey.sights());
    let (size, output) = table.example(&survey.axes, sights)?;
    let [rows, columns] = [0, 1].map(|axis| survey.input_positions(axis, size[axis], output[axis]));
    let [h, w] = size.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let [i, j] = output.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let place = |([c, row, column], value): ([u32; 3], Rational)| {
        let row = usize::try_from(*rows.get(row as usize)?).ok()?;
        let column = usize::try_from(*columns.get(column as usize)?).ok()?;
        Some(([c as usize, row, column], value))
    };
    let values = values.map(place).collect::<Option<Vec<_>>>()?;
    Some((Image::sparse([claim.channels, h, w], values)?, [i, j]))
}

/// Free weights occur in the difference: scaling all of them, or one of them up or down, passes every bound.
fn unbounded(
    claim: &StackClaim,
    tolerance: &Tolerance,
    symbols: &Symbols,
    survey: &Surveyed<'_>,
    (sights, channel): ([u32; 2], usize),
    varying: &Poly,
) -> StackVerdict {
    let Some((constant, differences)) = survey.sights().exact_differences(sights, channel) else {
        return StackVerdict::Unknown(Doubt::Limit(Limit::Terms));
    };
    let Some(Rays { scalable, weights }) = rays(claim, symbols, survey.sights(), varying) else {
        return StackVerdict::Unknown(Doubt::Irrational);
    };
    let (four, quarter) = (Rational::from(4), Rational::dyadic(1.into(), 2_u32));
    let single = |step: &Rational| {
        let step = step.clone();
        scalable.iter().map(move |&symbol| (Some(symbol), step.clone()))
    };
    let directions = std::iter::once((None, four.clone())).chain(single(&four)).chain(single(&quarter));
    for (only, step) in directions.take(MAX_RAYS) {
        // The difference may not grow along this ray; where it does, one of a growing sequence passes the bound.
        let mut scale = Rational::ONE;
        for _ in 0..MAX_STEPS {
            let weights = weights(&|symbol| {
                if only.is_none_or(|only| only == symbol) { scale.clone() } else { Rational::ONE }
            });
            let sign = |poly: &Poly| {
                let value = Enclosed::at(poly, symbols, &|symbol| weights.get(symbol))?;
                Some(if value.high().is_negative() { -1 } else { i64::from(!value.may_vanish()) })
            };
            // Coefficients and constant on one side, so that they do not cancel.
            let overall = if sign(&constant) == Some(-1) { -1 } else { 1 };
            let signs = differences.iter().filter_map(|(at, poly)| {
                Some((*at, &Rational::from(sign(poly)? * overall) * &tolerance.range))
            });
            if let Some((image, [i, j])) = image(claim, survey, sights, signs)
                && let Some(found) = beyond(claim, tolerance, symbols, &weights, image, [channel, i, j])
            {
                return excess(Some(found), Worst::Unbounded, tolerance);
            }
            scale = &scale * &step;
        }
    }
    StackVerdict::Unknown(Doubt::Unbounded)
}

/// Most ways to scale weights that are tried, and steps on each.
const MAX_RAYS: usize = 32;
const MAX_STEPS: usize = 64;

/// Weights as a function of what each is multiplied by.
type Scaled<'a> = Box<dyn Fn(&dyn Fn(Symbol) -> Rational) -> Weights + 'a>;

/// Weights at which a difference is not 0.
struct Rays<'a> {
    /// Those that can be scaled and are not 0.
    scalable: Vec<Symbol>,
    weights: Scaled<'a>,
}

/// Weights at which a difference is not 0; what is under irrational square roots is not scaled.
fn rays<'a>(
    claim: &'a StackClaim,
    symbols: &'a Symbols,
    survey: &'a Sights<'_>,
    varying: &Poly,
) -> Option<Rays<'a>> {
    let choices = survey.dependence().choices(&survey.symbols_in_maps());
    let differs = |point: &Point| {
        let value = |symbol| survey.dependence().residue(symbol, &|chosen| point.residue(chosen));
        varying.evaluate_mod(&value).is_some_and(|value| !value.is_zero())
    };
    let positive = |symbol| survey.dependence().is_positive(symbol, symbols);
    let point = survey.is_free().then(|| Point::random(1).shrink(&choices, positive, differs)).flatten();
    // Irrational roots, or a multiple of the prime.
    let Some(point) = point else {
        let used = search::used(claim, symbols);
        let values = search::telling(varying, &used, symbols)?;
        let under: Vec<Symbol> = used
            .iter()
            .filter_map(|&symbol| symbols.root_of(symbol))
            .flat_map(|root| root.radicand.symbols())
            .collect();
        let moves = |symbol: &Symbol| !under.contains(symbol);
        let nonzero = values.iter().filter(|(_, value)| !value.is_zero()).map(|(symbol, _)| *symbol);
        let scalable: Vec<Symbol> = nonzero.filter(moves).collect();
        let scaled = scalable.clone();
        let plain = search::plain_weights(claim, symbols);
        let weights = move |scale: &dyn Fn(Symbol) -> Rational| {
            let mut weights = plain.clone();
            for (&symbol, value) in &values {
                weights.set(
                    symbol,
                    if scaled.contains(&symbol) { value * &scale(symbol) } else { value.clone() },
                );
            }
            weights
        };
        return Some(Rays { scalable, weights: Box::new(weights) });
    };
    // A root is chosen, and what is under it follows.
    let moves = |symbol: &Symbol| point.chosen(*symbol).is_some_and(|value| !value.is_zero());
    let scalable: Vec<Symbol> = choices.iter().copied().filter(moves).collect();
    let weights = move |scale: &dyn Fn(Symbol) -> Rational| {
        let scaled = |symbol| point.chosen(symbol).map(|value| &value * &scale(symbol));
        search::weights_from(symbols, survey.dependence(), scaled)
    };
    Some(Rays { scalable, weights: Box::new(weights) })
}
