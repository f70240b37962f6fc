//! Linear claims with global averages, for every input size: decided size by size up to a bound.
//!
//! A global average divides by its own area, so each coefficient of the difference of two stacks is a rational
//! function of height and width: for sizes with the same remainders, and for pixels at the same place near a
//! border or inside, a polynomial of bounded degree over the product of the areas. A polynomial that vanishes
//! often enough vanishes everywhere (`docs/semantics.md`, section 8).

use std::collections::HashSet;

use crate::ir::{Sizes, StackClaim, Symbols};
use crate::limits::{MAX_AVERAGED, MAX_AVERAGED_WORK};
use crate::operator::length::common_period;
use crate::operator::pattern::Viewer;
use crate::operator::{Affine, Node, OperatorError, Operators};
use crate::prove::survey::input::input_of;
use crate::prove::survey::{Compared, Extent, Sights, condition};
use crate::prove::verdict::region::{Agreement, Status, Statuses};
use crate::prove::witness::search;
use convproof_exact::Limited;
use convproof_exact::budget;

/// Whether all nonlinear nodes that some maps depend on are global averages, and there is one.
pub fn applies(operators: &Operators, maps: [&Affine; 2]) -> bool {
    let nonlinear =
        maps.iter().flat_map(|map| operators.reachable(map)).filter(|&id| operators.is_nonlinear(id));
    let mut averages = nonlinear.map(|id| matches!(operators.node(id), Node::GlobalAverage(_))).peekable();
    averages.peek().is_some() && averages.all(|average| average)
}

/// What all sizes below a bound say.
pub enum Averaged {
    /// They agree, and so do all others.
    Equal {
        /// The bound on height and width.
        bound: i64,
    },
    /// The sides differ at a size.
    Differ {
        /// The least one.
        size: [i64; 2],
        /// Where they agree, as far as that could be described.
        agreement: Vec<Agreement>,
    },
}

/// Looks at the sizes that such a claim speaks of; `None` if that would take too long.
pub fn compare(
    claim: &StackClaim,
    symbols: &Symbols,
    operators: &Operators,
    maps: [&Affine; 2],
) -> Result<Option<Averaged>, OperatorError> {
    let Some(Bound { settled, period, bound }) = bound(claim, operators, maps) else { return Ok(None) };
    let mut cells = Vec::new();
    for h in 1..bound {
        for w in 1..bound {
            budget::spend(100);
            let spoken = condition::includes(&claim.sizes, [h, w]);
            let Some(status) = (if spoken { status(claim, symbols, [h, w])? } else { Some(Status::Silent) })
            else {
                return Ok(None);
            };
            cells.push(status);
        }
    }
    let lengths: Vec<i64> = (1..bound).collect();
    let statuses = Statuses::new([lengths.clone(), lengths], cells, [(settled, period); 2]);
    let fails = |status| matches!(status, Status::Sizes | Status::Values);
    let Some((size, _)) = statuses.smallest(fails) else {
        return Ok(Some(Averaged::Equal { bound }));
    };
    let agreement = match statuses.describe() {
        Agreement::Sizes(boxes) => vec![Agreement::SizesBelow(boxes, bound)],
        listed @ Agreement::Some(_) => vec![listed],
        _ => Vec::new(),
    };
    Ok(Some(Averaged::Differ { size, agreement }))
}

/// Up to where sizes have to be looked at.
struct Bound {
    /// From this length on only the areas that are divided by grow.
    settled: i64,
    /// The lengths repeat after so many.
    period: i64,
    /// All lengths below this are enough.
    bound: i64,
}

fn bound(claim: &StackClaim, operators: &Operators, maps: [&Affine; 2]) -> Option<Bound> {
    let mut nodes: Vec<usize> = maps.iter().flat_map(|map| operators.reachable(map)).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let averages: Vec<&Affine> = nodes
        .iter()
        .filter_map(
            |&id| if let Node::GlobalAverage(inner) = operators.node(id) { Some(inner) } else { None },
        )
        .collect();
    let (reach, modulus) = condition::reach(&claim.sizes);
    let (mut settled, mut period) = (reach.checked_add(1)?, modulus);
    for axis in 0..2 {
        let horizon = Viewer::new(operators, maps.to_vec(), axis).horizon().ok()?;
        settled = settled.max(horizon.from);
        period = common_period([period, horizon.period]).ok()?;
        for inner in &averages {
            let viewer = Viewer::new(operators, vec![inner], axis);
            let horizon = viewer.horizon().ok()?;
            if horizon.from.max(horizon.period).exceeds(MAX_AVERAGED) {
                return None;
            }
            // What one position of the averaged signal reads of the input, at most.
            budget::spend_on(usize::try_from(horizon.from + horizon.period).unwrap_or(0), 500);
            let spans = (horizon.from..horizon.from + horizon.period).flat_map(|n| {
                let length = inner.length[axis].at(n).unwrap_or(0);
                (0..length).map(move |i| (n, i))
            });
            let span = spans.filter_map(|(n, i)| {
                let input = viewer.sight(n, i).input;
                Some(input.last()? - input.first()? + 1)
            });
            settled = settled.max(horizon.from + span.max().unwrap_or(0));
            period = common_period([period, horizon.period]).ok()?;
        }
    }
    // In height and in width the degree is at most the number of different lengths that are divided by. A condition
    // may leave a diagonal only, on which it is the sum of both, or a cone, which has room for a grid further out.
    let degrees =
        [0, 1].map(|axis| averages.iter().map(|inner| &inner.length[axis]).collect::<HashSet<_>>().len());
    let degree = i64::try_from(degrees[0].max(degrees[1])).ok()?;
    let points = if claim.sizes == Sizes::All { degree + 1 } else { 2 * degree + 2 };
    let bound = settled.checked_add(reach)?.checked_add(points.checked_mul(period)?)?;
    let kernels = maps.into_iter().chain(nodes.iter().filter_map(|&id| match operators.node(id) {
        Node::Cut(inner) | Node::GlobalAverage(inner) => Some(inner),
        _ => None,
    }));
    let entries = kernels.flat_map(|map| &map.parts).map(|part| part.gather.kernel.shape().entries());
    let entries = entries.sum::<Option<usize>>().and_then(|sum| i64::try_from(sum).ok())?;
    let pixels = (bound * (bound - 1) / 2).checked_pow(2)?;
    (bound.within(MAX_AVERAGED) && entries.checked_mul(pixels)?.within(MAX_AVERAGED_WORK)).then_some(Bound {
        settled,
        period,
        bound,
    })
}

/// What happens at one size; `None` past a limit.
fn status(claim: &StackClaim, symbols: &Symbols, size: [i64; 2]) -> Result<Option<Status>, OperatorError> {
    let mut operators = Operators::new(claim.channels, Some(size));
    let input = input_of(&operators, claim)?;
    let left = operators.apply(&claim.left, input.clone())?;
    let right = operators.apply(&claim.right, input)?;
    if left == right {
        let silent = (0..2).any(|axis| left.length[axis].at(size[axis]).is_none());
        return Ok(Some(if silent { Status::Silent } else { Status::Equal }));
    }
    let (maps, dependence) = ([&left, &right], search::dependence(claim, symbols));
    let surveyed = Sights::look(&operators, maps, symbols, Extent::One(size), dependence)
        .and_then(|sights| Compared::of(sights, false)?.surveyed(&Sizes::One(size)));
    Ok(surveyed.ok().map(|survey| survey.table().statuses.status(0, 0)))
}
