//! The worst difference of two stacks whose weights are numbers, in one pass over the weights.
//!
//! Square roots are replaced by rationals near them (`rounded`), then all is exact and in integers (`numbers`): each pair
//! of patterns is pulled back once, and positions that differ only in what of the input they see share its sums.

use std::cmp::Reverse;

use num_bigint::BigInt;
use rustc_hash::FxHashMap;

use super::rounded::Rounded;
use crate::ir::{StackClaim, Symbols, Tolerance};
use crate::operator::OperatorError;
use crate::prove::survey::input::Sides;
use crate::prove::survey::numbers::{NumericMaps, Signs};
use crate::prove::survey::table::Table;
use crate::prove::survey::{Extent, Sights};
use crate::prove::values::point::Dependence;
use crate::prove::verdict::Composed;
use crate::prove::verdict::region::Status;
use convproof_exact::Rational;

/// Bits of weights that are rounded: first few, then many.
const BITS: [u32; 2] = [56, 256];

/// What is found may be off by a `2^-NEAR` part of it: as much as six digits show.
const NEAR: u32 = 20;

/// What was found.
pub enum Bounded {
    /// The difference is nowhere larger than this number, which is attained if it is exact.
    Within {
        /// The number.
        worst: Rational,
        /// Whether no weight was rounded.
        exact: bool,
        /// How the maps came about whose difference that is.
        composed: Composed,
    },
    /// It passes the bound; and how the maps came about.
    Beyond(Attained, Composed),
}

/// A position at which the difference is larger than a bound, and the input that shows it.
pub struct Attained {
    /// No difference is larger than this.
    pub worst: Rational,
    /// Input size.
    pub size: [i64; 2],
    /// Output channel, row and column.
    pub output: [usize; 3],
    /// Input values, `[channel, row, column]`; 0 elsewhere.
    pub input: Vec<([usize; 3], Rational)>,
}

/// A value and where it is: of equal ones the first place counts as the largest.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Largest {
    value: BigInt,
    place: Reverse<([u32; 2], usize)>,
}

/// The worst difference for `|x| ≤ range`, if all weights are numbers and it can be told from the bound and from 0
/// with rounded weights.
pub fn decide(
    claim: &StackClaim,
    tolerance: &Tolerance,
    symbols: &Symbols,
) -> Result<Option<Bounded>, OperatorError> {
    for bits in BITS {
        let Some(rounded) = Rounded::of(claim, symbols, bits, &tolerance.range) else { return Ok(None) };
        let found = bounded(claim, &rounded, tolerance, symbols)?;
        // A refutation states the worst difference itself, so it is worth many digits.
        let settled = found.as_ref().is_some_and(|found| matches!(found, Bounded::Within { .. }));
        if settled || bits == BITS[1] || rounded.error.is_zero() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn bounded(
    claim: &StackClaim,
    rounded: &Rounded,
    tolerance: &Tolerance,
    symbols: &Symbols,
) -> Result<Option<Bounded>, OperatorError> {
    let exact = rounded.error.is_zero();
    let sides = Sides::of(claim, rounded.stacks.each_ref())?;
    if sides.are_one() {
        let composed = sides.composed;
        return Ok(exact.then_some(Bounded::Within { worst: Rational::ZERO, exact, composed }));
    }
    if sides.are_nonlinear() {
        return Ok(None);
    }
    let (maps, extent) = (sides.both(), Extent::of(&claim.sizes));
    let Ok(survey) = Sights::look(&sides.operators, maps, symbols, extent, Dependence::default()) else {
        return Ok(None);
    };
    let Some(numbers) = survey.numbers() else { return Ok(None) };
    let table = survey.spoken_of(&claim.sizes);
    if table.statuses.any(|status| status == Status::Sizes) {
        return Ok(None);
    }
    let scale = Scale::new(&numbers, &tolerance.range);
    let Some(worst) = worst(&survey, &numbers, &table, &scale) else { return Ok(None) };
    let value = scale.value(worst.value);
    let (low, high) = (&value - &rounded.error, &value + &rounded.error);
    if rounded.error > &value * &Rational::dyadic(1.into(), NEAR) {
        return Ok(None);
    }
    if tolerance.allows(&high, &Rational::ZERO) {
        return Ok(Some(Bounded::Within { worst: high, exact, composed: sides.composed.clone() }));
    }
    if tolerance.allows(&low, &Rational::ZERO) {
        return Ok(None);
    }
    let excess = excess(&survey, &numbers, &table, worst.place.0, &tolerance.range);
    let composed = sides.composed.clone();
    Ok(excess.map(|excess| Bounded::Beyond(Attained { worst: high, ..excess }, composed)))
}

/// How sums of coefficients and constants, over denominators of their own, become comparable.
struct Scale {
    coefficients: BigInt,
    constant: BigInt,
    denominator: BigInt,
}

impl Scale {
    fn new(numbers: &NumericMaps<'_>, range: &Rational) -> Self {
        let (input, constant) = (numbers.denominators().input(), numbers.denominators().constant());
        let (top, bottom) = (range.numerator(), range.denominator());
        Self {
            coefficients: &top * constant,
            constant: input * &bottom,
            denominator: input * constant * bottom,
        }
    }

    fn value(&self, sum: BigInt) -> Rational {
        Rational::new(sum, self.denominator.clone()).unwrap_or_default()
    }
}

/// The position with the worst difference among those that are spoken of; `None` past a limit.
fn worst(survey: &Sights<'_>, numbers: &NumericMaps<'_>, table: &Table, scale: &Scale) -> Option<Largest> {
    let mut worst = Largest { value: BigInt::ZERO, place: Reverse(([u32::MAX; 2], 0)) };
    let mut pairs: FxHashMap<[u32; 2], Vec<[u32; 2]>> = FxHashMap::default();
    for sights in table.sight_pairs() {
        pairs.entry(survey.pattern_numbers(sights)).or_default().push(sights);
    }
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_unstable();
    for (_, all) in pairs {
        let patterns = survey.patterns_of(*all.first()?);
        for channel in 0..survey.channels() {
            let sums = numbers.sums(patterns, channel)?;
            let constant = &sums.constant * &scale.constant;
            for &sights in &all {
                let value = sums.within(survey.visible(sights)) * &scale.coefficients + &constant;
                worst = worst.max(Largest { value, place: Reverse((sights, channel)) });
            }
        }
    }
    Some(worst)
}

/// The input that attains the difference at a position.
fn excess(
    survey: &Sights<'_>,
    numbers: &NumericMaps<'_>,
    table: &Table,
    (sights, channel): ([u32; 2], usize),
    range: &Rational,
) -> Option<Attained> {
    let Signs { constant, coefficients } = numbers.signs(survey.patterns_of(sights), channel)?;
    let [rows, columns] = survey.visible(sights);
    let inside = |at: u32, range: (u32, u32)| (range.0..range.1).contains(&at);
    let (size, output) = table.example(&survey.axes, sights)?;
    let positions = [0, 1].map(|axis| survey.input_positions(axis, size[axis], output[axis]));
    let place = |axis: usize, at: u32| usize::try_from(*positions[axis].get(at as usize)?).ok();
    let overall = if constant < 0 { -1 } else { 1 };
    let input = coefficients
        .into_iter()
        .filter(|([_, row, column], _)| inside(*row, rows) && inside(*column, columns))
        .map(|([c, row, column], sign)| {
            let value = &Rational::from(sign * overall) * range;
            Some(([c as usize, place(0, row)?, place(1, column)?], value))
        })
        .collect::<Option<_>>()?;
    let [i, j] = output.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    Some(Attained { worst: Rational::ZERO, size, output: [channel, i, j], input })
}
