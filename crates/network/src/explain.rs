//! What a difference is, as far as it can be shown from the two forms.

use crate::ball::Ball;
use crate::compare::Compared;
use crate::compare::is_affordable;
use crate::compare::{Apart, FormRow, Tally, comparable, compare};
use crate::enclosure::Enclosure;
use crate::finding::Finding;
use crate::form::{Form, Map};
use crate::kernel::{Kernel, KernelForm};
use crate::matching::{Decision, Matcher, Segment};
use crate::scales::{factor, misplaced, without_bias};
use crate::term::{Kind, Term};

/// What can be said of a segment that differs.
pub fn explain(matcher: &Matcher, segment: &Segment) -> Vec<Finding> {
    let before = segment.before.map(|id| matcher.terms().get(id));
    match (&segment.decision, before) {
        (Decision::Operator, Some(before)) => {
            vec![Finding::Operator { before: before.op.name.clone(), after: segment.after.op.name.clone() }]
        }
        (Decision::Weights(_), Some(before)) => weights(matcher, before, &segment.after),
        (Decision::Structure(apart), Some(before)) => structure(matcher, before, &segment.after, *apart),
        _ => vec![Finding::Alone],
    }
}

/// The pair of operands that differs most.
fn operands<'t>(matcher: &Matcher, a: &'t Term, b: &'t Term) -> Option<(&'t Form, &'t Form)> {
    let differs = |(a, b): &(&Form, &Form)| {
        !matches!(compare(a, b, 0.0, &matcher.terms().agreement, matcher.memo()), Compared::Equal)
    };
    a.args.iter().zip(&b.args).find(differs)
}

fn weights(matcher: &Matcher, a: &Term, b: &Term) -> Vec<Finding> {
    let Some((a, b)) = operands(matcher, a, b) else { return Vec::new() };
    if comparable(a, b).is_some() || !is_affordable(a) || !is_affordable(b) {
        return Vec::new();
    }
    let limit = matcher.limit();
    let mut findings = moved(matcher, a, b);
    if !findings.is_empty() {
        return findings;
    }
    let (mut bias_only, mut wrong, mut factors, mut single) = (true, Vec::new(), Vec::new(), 0usize);
    let scale = scale(a);
    for output in 0..a.channels() {
        let (own, other) = (FormRow::<Ball>::new(a, output), FormRow::<Ball>::new(b, output));
        let mut differs = 0usize;
        own.pairs(&other, |source, _, _, x, y| {
            let x = x.map_or(Enclosure::ZERO, |x| x.enclosure());
            let y = y.map_or(Enclosure::ZERO, |y| y.enclosure());
            if x.minus(y).magnitude().over(scale).low > limit {
                differs += 1;
                bias_only = bias_only && source.is_none();
            }
        });
        single += differs;
        if differs > 0 {
            wrong.push(output);
            factors.push(channel_factor(a, b, output, limit));
        }
    }
    let of = a.channels();
    if bias_only && !wrong.is_empty() {
        let missing = missing_part(a, b, limit);
        findings.push(Finding::Bias { channels: wrong.len(), of, missing });
        return findings;
    }
    if single == 1 {
        findings.push(Finding::OneWeight);
    }
    if exchanged(a, b, limit) {
        findings.push(Finding::Exchanged);
    }
    match misplaced(a, b, limit) {
        Some(finding) => findings.push(finding),
        None => findings.extend(factors.into_iter().take(3).flatten()),
    }
    let count = wrong.len();
    findings.push(Finding::Channels { channels: wrong.into_iter().take(8).collect(), count, of });
    findings
}

/// The largest weight of a form.
fn scale(form: &Form) -> Enclosure {
    let mut largest = Enclosure::ZERO;
    for output in 0..form.channels() {
        FormRow::<Ball>::new(form, output).each(|_, _, _, value| {
            largest = largest.maximum(value.enclosure().magnitude());
        });
    }
    largest
}

/// The factor between an output channel before and after: of all its weights, or of all but the bias.
fn channel_factor(a: &Form, b: &Form, channel: usize, limit: f64) -> Option<Finding> {
    let between = |a: &Form, b: &Form| factor(&FormRow::new(a, channel), &FormRow::new(b, channel), limit);
    let with = |bias| move |factor| Finding::Factor { channel, factor, bias };
    let weights = || {
        between(&without_bias(a), &without_bias(b))
            .filter(|factor| factor.minus(Enclosure::ONE).magnitude().low > limit)
    };
    between(a, b).map(with(true)).or_else(|| weights().map(with(false)))
}

/// Whether the bias after is the bias before without one of its addends.
fn missing_part(a: &Form, b: &Form, limit: f64) -> bool {
    let Some(bias) = &a.bias else { return false };
    let without: Vec<Option<Kernel>> = addends(bias);
    without.into_iter().any(|bias| {
        let fewer = Form { bias, ..a.clone() };
        let mut tally = Tally::default();
        for output in 0..a.channels() {
            tally.add(&FormRow::new(&fewer, output), &FormRow::new(b, output), output, Enclosure::ONE);
        }
        tally.change().most <= limit
    })
}

/// A bias without each of its addends in turn, as far as they are still apart.
fn addends(bias: &Kernel) -> Vec<Option<Kernel>> {
    match &bias.node {
        KernelForm::Sum(parts) => (0..parts.len())
            .map(|n| {
                let mut parts = parts.clone();
                parts.remove(n);
                let data = crate::kernel::KernelData { node: KernelForm::Sum(parts), ..(**bias).clone() };
                Some(std::sync::Arc::new(data))
            })
            .collect(),
        _ => vec![None],
    }
}

/// The same weights read at other places, and with what padding.
fn moved(matcher: &Matcher, a: &Form, b: &Form) -> Vec<Finding> {
    let ([x], [y]) = (a.parts.as_slice(), b.parts.as_slice()) else { return Vec::new() };
    let by: Vec<i64> = x.map.axes.iter().zip(&y.map.axes).map(|(x, y)| y.before - x.before).collect();
    if by.iter().all(|&by| by == 0) {
        return Vec::new();
    }
    let mut back = b.clone();
    for (axis, by) in back.parts[0].map.axes.iter_mut().zip(&by) {
        axis.before -= by;
    }
    if !is_near(matcher, a, &back) {
        return Vec::new();
    }
    vec![Finding::Moved { by }, padding_of(&x.map, &y.map)]
}

/// Other padding around the same weights, so that the sizes differ.
fn padding(matcher: &Matcher, a: &Form, b: &Form) -> Option<Finding> {
    let ([x], [y]) = (a.parts.as_slice(), b.parts.as_slice()) else { return None };
    let mut like = Form { shape: a.shape.clone(), ..b.clone() };
    let rhythm = |map: &Map| map.axes.iter().map(|axis| (axis.up, axis.stride)).collect::<Vec<_>>();
    if rhythm(&x.map) != rhythm(&y.map) || x.map.axes == y.map.axes {
        return None;
    }
    like.parts[0].map.axes = x.map.axes.clone();
    is_near(matcher, a, &like).then(|| padding_of(&x.map, &y.map))
}

fn padding_of(before: &Map, after: &Map) -> Finding {
    let sides = |map: &Map| {
        let image = map.axes.get(2..).unwrap_or_default();
        image.iter().map(|axis| axis.before).chain(image.iter().map(|axis| axis.after)).collect()
    };
    Finding::Padding { before: sides(before), after: sides(after) }
}

fn is_near(matcher: &Matcher, a: &Form, b: &Form) -> bool {
    let compared = compare(a, b, matcher.limit(), &matcher.terms().agreement, matcher.memo());
    matches!(compared, Compared::Equal | Compared::Within(_))
}

/// Output channel, input channel and tap of a weight.
type Place = (usize, usize, Vec<i64>);

/// Whether the weights are those before with two axes exchanged.
fn exchanged(a: &Form, b: &Form, limit: f64) -> bool {
    let ([x], [_]) = (a.parts.as_slice(), b.parts.as_slice()) else { return false };
    let square = x.map.kernel.inputs == x.map.kernel.outputs;
    let channels = a.channels();
    if channels > 512 || a.rank() < 2 {
        return false;
    }
    let table = |form: &Form| {
        let mut table = std::collections::BTreeMap::new();
        for output in 0..channels {
            FormRow::<Ball>::new(form, output).each(|source, input, tap, value| {
                if source.is_some() {
                    table.insert((output, input, tap.to_vec()), value.enclosure());
                }
            });
        }
        table
    };
    let (own, other) = (table(a), table(b));
    let scale = scale(a);
    let agrees = |turn: &dyn Fn(&Place) -> Place| {
        own.len() == other.len()
            && own.iter().all(|(key, value)| {
                other
                    .get(&turn(key))
                    .is_some_and(|found| value.minus(*found).magnitude().over(scale).high <= limit)
            })
    };
    let channels_turned = square && agrees(&|(o, i, tap)| (*i, *o, tap.clone()));
    let rank = a.rank();
    let axes_turned = rank >= 4
        && agrees(&|(o, i, tap)| {
            let mut tap = tap.clone();
            tap.swap(rank - 1, rank - 2);
            (*o, *i, tap)
        });
    channels_turned || axes_turned
}

fn structure(matcher: &Matcher, a: &Term, b: &Term, apart: Apart) -> Vec<Finding> {
    match apart {
        Apart::Sizes => {
            let padding = a.args.iter().zip(&b.args).find_map(|(a, b)| padding(matcher, a, b));
            return [Finding::Sizes].into_iter().chain(padding).collect();
        }
        Apart::Size => return vec![Finding::TooLarge],
        Apart::Weights => return vec![Finding::Unusable],
        Apart::Sources | Apart::Strides => {}
    }
    let border = a.args.iter().zip(&b.args).find_map(|(a, b)| {
        let (mut ring, mut others) = (vec![0; a.rank()], vec![0; a.rank()]);
        let (x, y) = (inside(matcher, a, &mut ring, MAX_CUTS)?, inside(matcher, b, &mut others, MAX_CUTS)?);
        let ring = ring.iter().zip(&others).map(|(a, b)| *a.max(b)).collect();
        is_near(matcher, &x, &y).then_some(Finding::Border { ring })
    });
    vec![border.unwrap_or(Finding::Sources)]
}

/// Most cuts inside each other that are undone.
const MAX_CUTS: usize = 8;

/// A form with its cuts undone, as it is where no padding is read, and how far the padding of the cuts reaches.
fn inside(matcher: &Matcher, form: &Form, ring: &mut [i64], depth: usize) -> Option<Form> {
    if depth == 0 {
        return None;
    }
    let mut result = Form { parts: Vec::new(), ..form.clone() };
    for part in &form.parts {
        let term = matcher.terms().get(part.source);
        let alone = if term.op.kind == Kind::Cut {
            for (ring, axis) in ring.iter_mut().zip(&part.map.axes) {
                let stride = i64::try_from(axis.stride).ok()?;
                *ring = (*ring).max((axis.before.max(axis.after) + stride - 1).div_euclid(stride));
            }
            inside(matcher, &term.args[0], ring, depth - 1)?.with_axis(form.axis)?.after_inside(&part.map)?
        } else {
            Form { parts: vec![part.clone()], bias: None, ..form.clone() }
        };
        result = result.plus(&Form { shape: form.shape.clone(), ..alone })?;
    }
    Some(result)
}
