//! Equality of two stacks, for all weights, inputs and input sizes.
//!
//! First the normal forms: if they are the same, so are the functions. Otherwise every output position of
//! every input size is surveyed, which decides the rest; only nonlinear layers that do not match one to one
//! can leave it open. A refutation is replayed by the naive evaluator before it is believed.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::averaged::{self, Averaged};
use super::terms;
use super::words;
use crate::evaluate::{Image, Weights};
use crate::ir::{Sizes, StackClaim, Symbols};
use crate::operator::length::first_difference;
use crate::operator::{Affine, Node, NodeId, OperatorError, Operators};
use crate::prove::survey::input::{Sides, input_of};
use crate::prove::survey::limit::SurveyLimit;
use crate::prove::survey::{Compared, Extent, Sights, Surveyed, Visible};
use crate::prove::values::point::Point;
use crate::prove::verdict::counterexample::Counterexample;
use crate::prove::verdict::region::{Agreement, Status};
use crate::prove::verdict::{
    Composed, Derivation, Doubt, Inner, Limit, Matched, StackProof, StackRefutation, StackVerdict,
    StackWitness,
};
use crate::prove::witness::replayed::{doubt_of, mismatch};
use crate::prove::witness::search;
use convproof_exact::budget;
use convproof_exact::{Poly, Symbol};

/// Decides whether two stacks are equal.
pub fn decide(claim: &StackClaim, symbols: &Symbols) -> Result<StackVerdict, OperatorError> {
    if let Some(verdict) = words::decide(claim, symbols) {
        return Ok(verdict);
    }
    if let Some(verdict) = terms::with_borders(claim, symbols) {
        return Ok(verdict);
    }
    let sides = Sides::of(claim, [&claim.left, &claim.right])?;
    if sides.are_one() {
        let Sides { operators, maps: [map, _], composed } = sides;
        let inner = inner(&operators, &map);
        return Ok(StackVerdict::Proved(StackProof::NormalForm { map, inner, composed }));
    }
    if let Some(verdict) = terms::decide(claim, symbols) {
        return Ok(verdict);
    }
    let Sides { mut operators, maps, mut composed } = sides;
    let [left, right] = matched(&mut operators, maps, claim, symbols, &mut composed)?;
    by_survey(claim, symbols, &operators, [&left, &right], composed)
}

/// Compares all output positions of all sizes; decides whatever has no nonlinear layers that do not match.
fn by_survey(
    claim: &StackClaim,
    symbols: &Symbols,
    operators: &Operators,
    maps: [&Affine; 2],
    mut composed: Composed,
) -> Result<StackVerdict, OperatorError> {
    let every = claim.sizes.one().is_none();
    let interior_equal = every && interiors_agree(claim)?;
    let dependence = search::dependence(claim, symbols);
    let extent = Extent::of(&claim.sizes);
    let surveyed = Sights::look(operators, maps, symbols, extent, dependence)
        .and_then(|sights| Compared::of(sights, interior_equal)?.surveyed(&claim.sizes));
    let survey = match surveyed {
        Ok(survey) => survey,
        Err(limit) => return Ok(stopped(claim, symbols, maps, &limit)),
    };
    if survey.is_equal() {
        let (axes, patterns) = (&survey.sights().axes, survey.sights().patterns());
        let horizon = every.then_some(axes[0].from + axes[0].period);
        composed.repeats = every.then_some([axes[0].from, axes[0].period]);
        composed.settled = survey.settled();
        return Ok(StackVerdict::Proved(StackProof::Patterns { patterns, horizon, composed }));
    }
    if every
        && averaged::applies(operators, maps)
        && let Some(averaged) = averaged::compare(claim, symbols, operators, maps)?
    {
        return averages(claim, symbols, averaged, composed);
    }
    if maps.iter().any(|map| !nonlinear_nodes(operators, map).is_empty()) {
        // What differs is only how nonlinear outputs are read; that is no refutation yet.
        let verdict = search::nonlinear(claim, symbols, survey.table());
        let functions = maps.iter().any(|map| operators.has_functions(map));
        return Ok(match verdict {
            StackVerdict::Unknown(Doubt::Nonlinear { .. }) if functions => {
                StackVerdict::Unknown(Doubt::Functions)
            }
            verdict => verdict,
        });
    }
    Ok(match refutation(claim, symbols, survey) {
        Ok(found) => {
            let derivation = Some(Derivation::Composed(composed));
            StackVerdict::Refuted(Box::new(StackRefutation { derivation, ..found }))
        }
        Err(doubt) => StackVerdict::Unknown(doubt),
    })
}

/// The verdict about global averages; a difference is shown at its size.
fn averages(
    claim: &StackClaim,
    symbols: &Symbols,
    averaged: Averaged,
    composed: Composed,
) -> Result<StackVerdict, OperatorError> {
    let (size, agreement) = match averaged {
        Averaged::Equal { bound } => {
            return Ok(StackVerdict::Proved(StackProof::Averages { bound, composed }));
        }
        Averaged::Differ { size, agreement } => (size, agreement),
    };
    let mut verdict = decide(&StackClaim { sizes: Sizes::One(size), ..claim.clone() }, symbols)?;
    if let StackVerdict::Refuted(refutation) = &mut verdict {
        refutation.agreement = agreement;
    }
    Ok(verdict)
}

/// What shows the difference that a survey found, and where the sides agree.
fn refutation(
    claim: &StackClaim,
    symbols: &Symbols,
    mut survey: Surveyed<'_>,
) -> Result<StackRefutation, Doubt> {
    let fails = |status| matches!(status, Status::Sizes | Status::Values);
    let (size, status) = survey.table().statuses.smallest(fails).ok_or(Doubt::Limit(Limit::Positions))?;
    let witness = match status {
        Status::Sizes => mismatch(claim, symbols, size)?,
        _ => counterexample(claim, symbols, &survey, size)?,
    };
    if let StackWitness::Value(found) = &witness
        && found.is_approximate()
    {
        // Differences elsewhere were not enclosed, so it is only said where there are none.
        let agreement = survey.interior().map(|found| match found {
            Agreement::Interior { ring, .. } => Agreement::Interior { ring, exactly: false },
            other => other,
        });
        let agreement = agreement.into_iter().collect();
        return Ok(StackRefutation { witness, wrong: None, agreement, derivation: None });
    }
    let agreement = agreement(&mut survey, symbols);
    let wrong = survey.wrong_at(size);
    Ok(StackRefutation { witness, wrong, agreement, derivation: None })
}

/// What a map reads beside the input.
fn inner(operators: &Operators, map: &Affine) -> Inner {
    let mut inner = Inner::default();
    for id in operators.reachable(map) {
        match operators.node(id) {
            Node::Input { .. } => {}
            Node::Relu(_) | Node::Function(..) | Node::Product(_) | Node::Maximum { .. } => {
                inner.nonlinear += 1;
            }
            Node::GlobalAverage(_) => inner.averages += 1,
            Node::Average { .. } => inner.means += 1,
            Node::Cut(_) => inner.cuts += 1,
        }
    }
    inner
}

/// Replaces nonlinear nodes of both maps by equal ones, where the maps do not share them already.
fn matched(
    operators: &mut Operators,
    mut maps: [Affine; 2],
    claim: &StackClaim,
    symbols: &Symbols,
    composed: &mut Composed,
) -> Result<[Affine; 2], OperatorError> {
    let origins = [claim.left.origin(), claim.right.origin()];
    let mut unlike = FxHashSet::default();
    'search: loop {
        let [left, right] = [0, 1].map(|side| nonlinear_nodes(operators, &maps[side]));
        // Smaller nodes first, so that what is inside has been matched before.
        let all: BTreeSet<NodeId> = left.union(&right).copied().collect();
        let shared = |id| left.contains(id) && right.contains(id);
        for id in &all {
            for other in all.range(..id).filter(|other| !(shared(id) && shared(other))) {
                budget::spend(100);
                if unlike.contains(&(*other, *id)) {
                    continue;
                }
                let blame = |error| OperatorError::Kernel { at: claim.right.origin(), error };
                if let Some([a, b]) = operators.insides(*other, *id).map_err(blame)?
                    && same_windows(operators, *other, *id, &claim.sizes)
                    && let Some(patterns) = agreeing(operators, [&a, &b], claim, symbols)
                {
                    composed.matched.push(Matched { nodes: [*other, *id], patterns });
                    for (map, at) in maps.iter_mut().zip(origins) {
                        let replaced = operators.replace(map, *id, *other);
                        *map = replaced.map_err(|error| OperatorError::Kernel { at, error })?;
                    }
                    continue 'search;
                }
                unlike.insert((*other, *id));
            }
        }
        return Ok(maps);
    }
}

fn nonlinear_nodes(operators: &Operators, map: &Affine) -> BTreeSet<NodeId> {
    operators.reachable(map).into_iter().filter(|&id| operators.is_nonlinear(id)).collect()
}

/// Whether two nodes that are nonlinear in the same way are equal functions if their insides are.
fn same_windows(operators: &Operators, a: NodeId, b: NodeId, sizes: &Sizes) -> bool {
    match (operators.node(a), operators.node(b)) {
        (
            Node::Maximum { windows: a, length: first, .. },
            Node::Maximum { windows: b, length: second, .. },
        ) => {
            let same = |axis: usize| match sizes {
                Sizes::One(size) => first[axis].at(size[axis]) == second[axis].at(size[axis]),
                _ => first_difference(&first[axis], &second[axis]) == Ok(None),
            };
            a == b && same(0) && same(1)
        }
        // Their lengths follow from those inside.
        _ => true,
    }
}

/// Whether two maps agree, in size and at all positions, at all sizes that a claim speaks of, and at how many patterns that
/// was seen, if they are not the same map; `None` where they do not, or that cannot be decided.
fn agreeing(
    operators: &Operators,
    maps: [&Affine; 2],
    claim: &StackClaim,
    symbols: &Symbols,
) -> Option<Option<[usize; 2]>> {
    if maps[0] == maps[1] {
        return Some(None);
    }
    if maps[0].channels != maps[1].channels {
        return None;
    }
    let extent = Extent::of(&claim.sizes);
    let dependence = search::dependence(claim, symbols);
    let sights = Sights::look(operators, maps, symbols, extent, dependence).ok()?;
    let survey = Compared::of(sights, false).and_then(|compared| compared.surveyed(&claim.sizes)).ok()?;
    survey.is_equal().then(|| Some(survey.sights().patterns()))
}

/// Whether the stacks agree where no border is near, by their normal forms.
fn interiors_agree(claim: &StackClaim) -> Result<bool, OperatorError> {
    let mut operators = Operators::without_borders(claim.channels);
    let input = input_of(&operators, claim)?;
    let left = operators.apply(&claim.left, input.clone())?;
    let right = operators.apply(&claim.right, input)?;
    Ok((&left.parts, &left.bias) == (&right.parts, &right.bias) && operators.len() == 1)
}

/// What to say when the survey cannot be finished: differences may still be found by their sizes, or by trying.
fn stopped(claim: &StackClaim, symbols: &Symbols, maps: [&Affine; 2], limit: &SurveyLimit) -> StackVerdict {
    if let Some(size) = search::unequal_size(&claim.sizes, maps.map(|map| &map.length)) {
        return match mismatch(claim, symbols, size) {
            Ok(witness) => search::refuted(witness),
            Err(doubt) => StackVerdict::Unknown(doubt),
        };
    }
    search::at_small_sizes(claim, symbols, Doubt::Limit(limit.limit()))
}

/// Finds small weights and an impulse that show a difference at a size, and replays them.
fn counterexample(
    claim: &StackClaim,
    symbols: &Symbols,
    survey: &Surveyed<'_>,
    size: [i64; 2],
) -> Result<StackWitness, Doubt> {
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
        return enclosed(claim, symbols, survey, sights, (size, [i, j]));
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
        let Some(point) = start.shrink(
            &choices,
            |symbol| survey.dependence().is_root(symbol) || symbols.is_divisor(symbol),
            differs,
        ) else {
            continue;
        };
        let weights = search::weights_from(symbols, survey.dependence(), |symbol| point.chosen(symbol));
        let found = survey.trial(sights, &point).and_then(|trial| trial.difference(channel));
        let Some(found) = found else { continue };
        return replay((claim, symbols), survey, &weights, found, (size, [channel, i, j]));
    }
    Err(Doubt::Contradiction)
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

/// A counterexample where square roots are irrational: the difference is enclosed between rationals that leave out
/// 0, and the replay uses close rationals for the roots.
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
        let constant = (!symbols.reduce(&constant).is_zero()).then_some((Visible::Everywhere, constant));
        let Some((found, difference)) = constant.or(first) else { continue };
        let used = search::used(claim, symbols);
        let values = search::telling(&difference, &used, symbols).ok_or(Doubt::Irrational)?;
        let weights = values.into_iter().collect::<Weights>().approximating();
        return replay((claim, symbols), survey, &weights, found, (size, [channel, i, j]));
    }
    Err(Doubt::Contradiction)
}

fn agreement(survey: &mut Surveyed<'_>, symbols: &Symbols) -> Vec<Agreement> {
    let mut all = Vec::new();
    let repeats = survey.sights().axes[0].period > 0;
    if repeats {
        match survey.table().statuses.describe() {
            Agreement::Nowhere => {}
            found => all.push(found),
        }
        all.extend(survey.interior());
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
            let part = |wanted: bool| {
                monomial
                    .factors()
                    .iter()
                    .filter(|factor| is_parameter(symbols, factor.0) == wanted)
                    .fold(Monomial::one(), |product, &(s, e)| product.times(&Monomial::power(s, e)))
            };
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
