//! Equality of two stacks, for all weights, inputs and input sizes.
//!
//! First the normal forms: if they are the same, so are the functions. Otherwise every output position of
//! every input size is surveyed, which decides the rest; only nonlinear layers that do not match one to one
//! can leave it open. A refutation is replayed by the naive evaluator before it is believed.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::averaged::{self, Averaged};
use super::refutation::refutation;
use super::terms;
use super::words;
use crate::ir::{Sizes, StackClaim, Symbols};
use crate::operator::length::first_difference;
use crate::operator::{Affine, Node, NodeId, OperatorError, Operators};
use crate::prove::survey::input::{Sides, input_of};
use crate::prove::survey::limit::SurveyLimit;
use crate::prove::survey::{Compared, Extent, Sights};
use crate::prove::verdict::{Composed, Derivation, Doubt, Inner, Matched, StackProof, StackVerdict};
use crate::prove::witness::replayed::mismatch;
use crate::prove::witness::search;
use convproof_exact::budget;

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
        return Ok(one(sides));
    }
    if let Some(verdict) = terms::decide(claim, symbols) {
        return Ok(verdict);
    }
    surveyed(sides, claim, symbols)
}

/// A procedure that decides whether two stacks are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Sums of words in matrices.
    Words,
    /// Sums of pixels and nonlinear terms.
    Terms,
    /// Equal normal forms.
    NormalForms,
    /// Normal forms at all output positions.
    Survey,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Words, Self::Terms, Self::NormalForms, Self::Survey];

    /// What it says by itself of a claim that [`decide`] may settle before it or never ask it about; `None` if it does not decide.
    /// For tests: where two procedures can prove a claim, each hides the other's mistakes.
    ///
    /// # Errors
    /// If a stack has no normal form.
    pub fn alone(self, claim: &StackClaim, symbols: &Symbols) -> Result<Option<StackVerdict>, OperatorError> {
        let sides = || Sides::of(claim, [&claim.left, &claim.right]);
        Ok(match self {
            Self::Words => words::compared(claim, symbols, false),
            Self::Terms => terms::compared(claim, symbols),
            Self::NormalForms => Some(sides()?).filter(Sides::are_one).map(one),
            Self::Survey => Some(surveyed(sides()?, claim, symbols)?),
        })
    }
}

/// The proof that equal normal forms are.
fn one(sides: Sides) -> StackVerdict {
    let Sides { operators, maps: [map, _], composed } = sides;
    let inner = inner(&operators, &map);
    StackVerdict::Proved(StackProof::NormalForm { map, inner, composed })
}

/// What a survey says after nonlinear nodes were matched.
fn surveyed(sides: Sides, claim: &StackClaim, symbols: &Symbols) -> Result<StackVerdict, OperatorError> {
    let Sides { mut operators, maps, mut composed } = sides;
    let [left, right] = matched(&mut operators, maps, claim, symbols, &mut composed)?;
    let verdict = by_survey(claim, symbols, &operators, [&left, &right], composed.clone())?;
    Ok(verdict.after(Derivation::Composed(composed)))
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
    let found = refutation(claim, symbols, survey);
    Ok(found.map_or_else(StackVerdict::Unknown, |found| StackVerdict::Refuted(Box::new(found))))
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

/// What a map reads beside the input.
fn inner(operators: &Operators, map: &Affine) -> Inner {
    let mut inner = Inner::default();
    for id in operators.reachable(map) {
        match operators.node(id) {
            Node::Input { .. } => {}
            Node::Relu(_)
            | Node::Function(..)
            | Node::Product(_)
            | Node::Maximum { .. }
            | Node::Broadcast { .. } => {
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
