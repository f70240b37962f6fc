//! Decides whether two networks are the same function.
//!
//! Equal and rounding rest on the comparison of terms alone; different rests on an input at which the files, evaluated
//! with certain digits, differ; everything else is unknown, with the reason.

use convproof_files::onnx::Model;

use crate::compare::Weight;
use crate::diff::{Comparison, Options, Standing, compare_models};
use crate::dim::Dim;
use crate::explain::explain;
use crate::finding::Finding;
use crate::matching::{Decision, Segment};
use crate::mend::mend;
use crate::types::ill_typed;
use crate::understand::GraphError;
use crate::verdict::{Difference, Reason, Side, SizeClass, Verdict};
use crate::witness::{Search, contradicts, search};

/// What was found.
pub struct Diff {
    /// The verdict.
    pub verdict: Verdict,
    /// The comparison that it rests on.
    pub comparison: Comparison,
    /// The terms that differ, each with what can be said of it; the first is the cause of most that follow.
    pub differences: Vec<Difference>,
    /// Classes of sizes in which the networks are equal, or equal up to rounding, though they differ elsewhere.
    pub agreeing: Vec<SizeClass>,
}

/// Below this many times the limit, an unexplained difference of outputs may still be rounding.
const DOUBT: f64 = 1024.0;
/// Most nodes of networks that are compared again and again, to say more of a difference.
const MAX_NODES_EXPLAINED: usize = 400;

/// Decides whether two models are the same function.
///
/// # Errors
/// Which of them is no network, and why.
pub fn diff(
    before: &Model,
    after: &Model,
    options: &Options,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Diff, (Side, GraphError)> {
    let comparison = compare_models(before, after, options, None, progress)?;
    let mut differences: Vec<Difference> = comparison
        .differences()
        .into_iter()
        .map(|(segment, found)| Difference { segment, findings: explain(&comparison.matcher, found) })
        .collect();
    let mut agreeing = Vec::new();
    let verdict = match comparison.standing() {
        _ if !ill_typed_reasons(before, after).is_empty() => {
            Verdict::Unknown(ill_typed_reasons(before, after))
        }
        Standing::Open => {
            let verdict = open(before, after, &comparison, &differences);
            if matches!(verdict, Verdict::Different(_)) && comparison.after.needed <= MAX_NODES_EXPLAINED {
                if let Some(first) = differences.first_mut() {
                    first.findings.extend(mend(before, after, options, &comparison, first));
                }
                agreeing = agreeing_classes(before, after, options, &comparison);
            }
            verdict
        }
        _ if !comparison.conditions().is_empty() => Verdict::Unknown(comparison.conditions()),
        Standing::Equal if contradicts(before, after, &comparison.shapes) => {
            Verdict::Unknown(vec![Reason::Contradiction])
        }
        Standing::Equal => Verdict::Equal,
        Standing::Rounding(most) => Verdict::Rounding { most, worst: worst(&comparison) },
    };
    Ok(Diff { verdict, comparison, differences, agreeing })
}

fn ill_typed_reasons(before: &Model, after: &Model) -> Vec<Reason> {
    let sides = [(Side::Before, before), (Side::After, after)];
    let reason = |(side, model): (Side, &Model)| Some(Reason::IllTyped(side, ill_typed(model)?));
    sides.into_iter().filter_map(reason).collect()
}

/// The weight that moved most.
fn worst(comparison: &Comparison) -> Option<(usize, Weight)> {
    let moved = |(n, segment): (usize, &Segment)| match &segment.decision {
        Decision::Rounding(change) => Some((change.most, n, change.worst.clone()?)),
        _ => None,
    };
    let all = comparison.matcher.segments().iter().enumerate().filter_map(moved);
    all.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, n, weight)| (n, weight))
}

/// The verdict where terms differ or were not found.
#[allow(clippy::float_arithmetic, reason = "a threshold for calling a difference more than rounding")]
fn open(before: &Model, after: &Model, comparison: &Comparison, differences: &[Difference]) -> Verdict {
    // A place that was found makes every difference of the outputs one; without, it has to be more than rounding.
    let segments = comparison.matcher.segments();
    let located = differences.first().is_some_and(|difference| {
        let segment = &segments[difference.segment];
        match segment.decision {
            Decision::Weights(_) => true,
            // Other settings can mean the same; then what differs is what was rounded elsewhere.
            Decision::Operator => {
                let sources = segment.before.map(|id| comparison.matcher.terms().get(id).sources());
                let rounded = |segment: &Segment| matches!(segment.decision, Decision::Rounding(_));
                sources.is_some_and(|sources| sources == segment.after.sources())
                    && !segments.iter().any(rounded)
            }
            _ => false,
        }
    });
    let moved = differences.first().is_some_and(|difference| {
        difference
            .findings
            .iter()
            .any(|finding| matches!(finding, Finding::Moved { .. } | Finding::Border { .. }))
    });
    let least = if located || moved { 0.0 } else { comparison.limit * DOUBT };
    let reason = match search(before, after, &comparison.shapes, least) {
        Search::Found(witness) => return Verdict::Different(witness),
        Search::Nothing(tried) => Reason::NotShown(tried),
        Search::Impossible(error) => Reason::Unevaluated(error),
    };
    let unmatched = differences.iter().take(1).map(|difference| Reason::Unmatched(difference.segment));
    Verdict::Unknown(unmatched.chain([reason]).collect())
}

/// The classes of sizes, even and odd, in which two networks are equal that differ.
fn agreeing_classes(
    before: &Model,
    after: &Model,
    options: &Options,
    comparison: &Comparison,
) -> Vec<SizeClass> {
    let mut names: Vec<String> = Vec::new();
    for dims in comparison.shapes.values() {
        for dim in dims.iter().skip(1) {
            names.extend(dim.symbols());
        }
    }
    names.sort();
    names.dedup();
    if names.is_empty() || names.len() > 3 {
        return Vec::new();
    }
    let mut agreeing = Vec::new();
    for class in 0..1usize << names.len() {
        let rest = |n: usize| i64::from((class >> n) & 1 == 1);
        let mut shapes = comparison.shapes.clone();
        for (n, name) in names.iter().enumerate() {
            let value = Dim::symbol(name).times_number(2).plus_number(rest(n));
            for dim in shapes.values_mut().flatten() {
                *dim = dim.with(name, &value);
            }
        }
        let result = compare_models(before, after, options, Some(shapes), &mut |_, _| {});
        if let Ok(result) = result
            && result.standing() != Standing::Open
            && result.conditions().is_empty()
        {
            let rests = names.iter().enumerate().map(|(n, name)| (name.clone(), 2, rest(n))).collect();
            agreeing.push(SizeClass { rests });
        }
    }
    agreeing
}
