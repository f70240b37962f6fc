//! What shows a difference that a survey found, and where the sides agree. Nothing here makes a proof: what it finds is
//! replayed by the naive evaluator.

use crate::evaluate::{Image, Weights};
use crate::ir::{StackClaim, Symbols};
use crate::prove::survey::{Sights, Surveyed, Visible};
use crate::prove::values::point::Point;
use crate::prove::verdict::counterexample::Counterexample;
use crate::prove::verdict::region::{Agreement, Status};
use crate::prove::verdict::{Doubt, Limit, StackRefutation, StackWitness};
use crate::prove::witness::replayed::{doubt_of, mismatch};
use crate::prove::witness::search;
use convproof_exact::{Poly, Symbol};

/// What shows the difference that a survey found, and where the sides agree.
pub(super) fn refutation(
    claim: &StackClaim,
    symbols: &Symbols,
    mut survey: Surveyed<'_>,
) -> Result<StackRefutation, Doubt> {
    let fails = |status| matches!(status, Status::Sizes | Status::Values);
    let (mut size, status) = survey.table().statuses.smallest(fails).ok_or(Doubt::Limit(Limit::Positions))?;
    let border = survey.interior();
    if border.is_some() && status == Status::Values {
        let telling = survey.table().telling(&survey.sights().axes, survey.failures());
        size = telling.unwrap_or(size);
    }
    let (witness, known) = match status {
        Status::Sizes => (mismatch(claim, symbols, size)?, Known::Everywhere),
        _ => counterexample(claim, symbols, &survey, size)?,
    };
    if known == Known::There {
        // Differences elsewhere were not enclosed, so it is only said where there are none.
        let agreement = border.map(|found| match found {
            Agreement::Interior { ring, .. } => Agreement::Interior { ring, exactly: false },
            other => other,
        });
        let agreement = agreement.into_iter().collect();
        return Ok(StackRefutation { witness, wrong: None, typical: None, agreement, derivation: None });
    }
    let agreement = agreement(&survey, border, symbols);
    let wrong = survey.wrong_at(size);
    let typical = survey.typical(&claim.sizes);
    Ok(StackRefutation { witness, wrong, typical, agreement, derivation: None })
}

/// Where differences are known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// At every output.
    Everywhere,
    /// At the one that is shown.
    There,
}

/// Finds small weights and an impulse that show a difference at a size, and replays them.
fn counterexample(
    claim: &StackClaim,
    symbols: &Symbols,
    survey: &Surveyed<'_>,
    size: [i64; 2],
) -> Result<(StackWitness, Known), Doubt> {
    let there = |witness| (witness, Known::There);
    let (failures, survey) = (survey.failures(), survey.sights());
    let view = |axis: usize| survey.axes[axis].sizes.iter().find(|view| view.n == size[axis]);
    let (Some(rows), Some(columns)) = (view(0), view(1)) else { return Err(Doubt::Contradiction) };
    let position = rows.sights.iter().enumerate().find_map(|(i, &row)| {
        let fails = |&(_, &column): &(usize, &u32)| failures.at([row, column]);
        columns.sights.iter().enumerate().find(fails).map(|(j, &column)| ([i, j], [row, column]))
    });
    let Some(([i, j], sights)) = position else { return Err(Doubt::Contradiction) };
    let used: Vec<Symbol> = survey.symbols_in_maps();
    let choices = survey.dependence().choices(&used);
    if !survey.is_free() {
        return enclosed(claim, symbols, survey, sights, (size, [i, j])).map(there);
    }
    let whole = survey.whole_kernels();
    for seed in 1..4 {
        let start = Point::random(seed);
        // With one channel it is known which one differs.
        let find = || {
            let trial = survey.trial(sights, &start)?;
            (0..survey.channels()).find(|&o| trial.difference(o).is_some())
        };
        let Some(channel) = (if survey.channels() == 1 { Some(0) } else { find() }) else { continue };
        let differs = |point: &Point| match &whole {
            Some(kernels) => kernels.differ(survey.dependence(), point),
            None => survey.trial(sights, point).and_then(|trial| trial.difference(channel)).is_some(),
        };
        let Some(point) =
            start.shrink(&choices, |symbol| survey.dependence().is_positive(symbol, symbols), differs)
        else {
            continue;
        };
        let weights = search::weights_from(symbols, survey.dependence(), |symbol| point.chosen(symbol));
        let found = survey.trial(sights, &point).and_then(|trial| trial.difference(channel));
        let Some(found) = found else { continue };
        let witness = replay((claim, symbols), survey, &weights, found, (size, [channel, i, j]))?;
        return Ok((witness, Known::Everywhere));
    }
    // The difference is a multiple of the prime.
    enclosed(claim, symbols, survey, sights, (size, [i, j])).map(there)
}

/// Replays both stacks on the input that shows a difference at an output of a size: zeros, but for one pixel.
fn replay(
    (claim, symbols): (&StackClaim, &Symbols),
    survey: &Sights<'_>,
    weights: &Weights,
    found: Visible,
    (size, output): ([i64; 2], [usize; 3]),
) -> Result<StackWitness, Doubt> {
    let [h, w] = size.map(|n| usize::try_from(n).unwrap_or(0));
    let place = [output[1], output[2]].map(|n| i64::try_from(n).unwrap_or(0));
    let image = match found {
        Visible::Everywhere => Image::zeros(claim.channels, h, w),
        Visible::At([c, row, column]) => {
            let [row, column] = [(0, row), (1, column)]
                .map(|(axis, read)| survey.input_positions(axis, size[axis], place[axis])[read as usize]);
            let at = [i64::from(c), row, column].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
            Image::impulse([claim.channels, h, w], at)
        }
    };
    let image = image.ok_or(Doubt::Limit(Limit::Replay))?;
    Counterexample::replay(&claim.left, &claim.right, weights, symbols, image, Some(output))
        .map(StackWitness::Value)
        .map_err(doubt_of)
}

/// A counterexample where square roots are irrational or residues show nothing: the difference is enclosed between rationals that
/// leave out 0, and so does the replay.
fn enclosed(
    claim: &StackClaim,
    symbols: &Symbols,
    survey: &Sights<'_>,
    sights: [u32; 2],
    (size, [i, j]): ([i64; 2], [usize; 2]),
) -> Result<StackWitness, Doubt> {
    for channel in 0..survey.channels() {
        let Some((constant, differences)) = survey.exact_differences(sights, channel) else {
            return Err(Doubt::Limit(Limit::Terms));
        };
        let first = differences.into_iter().next().map(|(at, poly)| (Visible::At(at), poly));
        let constant = (!symbols.numerator(&constant).is_zero()).then_some((Visible::Everywhere, constant));
        let Some((found, difference)) = constant.or(first) else { continue };
        let used = search::used(claim, symbols);
        let values = search::telling(&difference, &used, symbols).ok_or(Doubt::Irrational)?;
        let weights = values.into_iter().collect::<Weights>();
        return replay((claim, symbols), survey, &weights, found, (size, [channel, i, j]));
    }
    Err(Doubt::Contradiction)
}

fn agreement(survey: &Surveyed<'_>, border: Option<Agreement>, symbols: &Symbols) -> Vec<Agreement> {
    let mut all = Vec::new();
    let repeats = survey.sights().axes[0].period > 0;
    if repeats {
        match survey.table().statuses.describe() {
            Agreement::Nowhere => {}
            found => all.push(found),
        }
        all.extend(border);
    }
    let sizes_agree = !survey.table().statuses.any(|status| status == Status::Sizes);
    // Without free scalars or vectors there is nothing to be 0.
    let parameters =
        survey.sights().symbols_in_maps().into_iter().any(|symbol| is_parameter(symbols, symbol));
    if sizes_agree
        && parameters
        && let Some(polynomials) = survey.visible_polynomials(&survey.table().sight_pairs())
    {
        all.extend(zero_condition(&polynomials, symbols));
    }
    if all.is_empty() && repeats {
        all.push(Agreement::Nowhere);
    }
    all
}

/// Free scalars and vector entries whose vanishing is necessary and sufficient for all differences to vanish
/// for all other weights, where there is such a set.
fn zero_condition(differences: &[Poly], symbols: &Symbols) -> Option<Agreement> {
    use convproof_exact::Monomial;
    use rustc_hash::FxHashMap;
    // Coefficients of the monomials in the other weights, as sets of monomials in the parameters.
    let mut coefficients: Vec<Vec<Monomial>> = Vec::new();
    for difference in differences {
        let mut by_rest: FxHashMap<Monomial, Vec<Monomial>> = FxHashMap::default();
        for (monomial, _) in difference.terms() {
            if monomial.factors().iter().any(|&(s, e)| symbols.root_of(s).is_some() || e < 0) {
                return None;
            }
            let part = |wanted: bool| monomial.only(|symbol| is_parameter(symbols, symbol) == wanted);
            by_rest.entry(part(false)).or_default().push(part(true));
        }
        coefficients.extend(by_rest.into_values());
    }
    let mut zeros: Vec<Symbol> = coefficients
        .iter()
        .filter_map(|coefficient| match coefficient.as_slice() {
            [only] => match only.factors() {
                [(symbol, _)] => Some(*symbol),
                _ => None,
            },
            _ => None,
        })
        .collect();
    zeros.sort_unstable();
    zeros.dedup();
    let vanishes = |m: &Monomial| m.factors().iter().any(|(symbol, _)| zeros.binary_search(symbol).is_ok());
    let sufficient = coefficients.iter().all(|coefficient| coefficient.iter().all(vanishes));
    (sufficient && !zeros.is_empty())
        .then(|| Agreement::IfZero(zeros.into_iter().map(|s| symbols.name(s)).collect()))
}

/// Whether a symbol is a free scalar or an entry of a free vector.
fn is_parameter(symbols: &Symbols, symbol: Symbol) -> bool {
    symbols.root_of(symbol).is_none() && symbols.owner(symbol).is_some_and(|(kernel, _)| kernel.indices <= 1)
}
