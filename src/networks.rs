//! Model files compared, or shown, in words: the verdicts of `convproof-network` as reports.

use convproof_network::compare::{Apart, Weight};
use convproof_network::decide::Diff;
use convproof_network::enclosure::Enclosure;
use convproof_network::finding::Finding;
use convproof_network::matching::{Decision, Segment};
use convproof_network::show::Overview;
use convproof_network::term::{Kind, Term};
use convproof_network::understand::Understood;
use convproof_network::verdict::{Difference, Reason, Side, SizeClass, Verdict};
use convproof_network::witness::{Border, Differs, Spread, Witness};
use serde_json::{Value, json};

use crate::report::networks::{NetworkReport, SegmentReport};

/// The report on two models under the names of their files.
pub fn report(before: &str, after: &str, diff: &Diff) -> NetworkReport {
    let segments = diff.comparison.matcher.segments();
    let shown: Vec<SegmentReport> =
        (0..segments.len()).filter_map(|n| segment_report(diff, n, &segments[n])).collect();
    let counted = segments.iter().filter(|segment| is_segment(segment));
    let equal = counted.clone().filter(|segment| matches!(segment.decision, Decision::Equal)).count();
    let agreement = diff.comparison.matcher.terms().agreement.pairs();
    NetworkReport {
        schema: 1,
        before: before.to_owned(),
        after: after.to_owned(),
        verdict: diff.verdict.word(),
        summary: summary(diff, equal, counted.count()),
        details: details(diff),
        segments: shown,
        equal_segments: equal,
        conditions: agreement.iter().map(|(a, b)| format!("{a} = {b}")).collect(),
        sizes: sizes(diff),
        witness: match &diff.verdict {
            Verdict::Different(witness) => witness_value(witness),
            _ => Value::Null,
        },
    }
}

/// Whether a term stands for a segment: inputs, constants and cuts are not counted unless they differ.
fn is_segment(segment: &Segment) -> bool {
    let differs =
        matches!(segment.decision, Decision::Weights(_) | Decision::Structure(_) | Decision::Operator);
    differs || !matches!(segment.after.op.kind, Kind::Input | Kind::Constant | Kind::Cut)
}

fn sizes(diff: &Diff) -> Vec<String> {
    let text = |(name, dims): (&String, &Vec<_>)| format!("{name}: {}", by_times(dims));
    diff.comparison.shapes.iter().map(text).collect()
}

fn by_times<T: ToString>(dims: &[T]) -> String {
    dims.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
}

fn summary(diff: &Diff, equal: usize, all: usize) -> String {
    let limit = number(diff.comparison.limit);
    match &diff.verdict {
        Verdict::Equal => format!("the same function over the real numbers; {all} segments are equal"),
        Verdict::Rounding { most, .. } => format!(
            "the same function with weights moved by at most {} of the largest of their segment (limit {limit}); {equal} of {all} segments are equal",
            number(*most)
        ),
        Verdict::Different(witness) => match &witness.differs {
            Differs::Sizes { before, after } => {
                format!("the outputs have different sizes: {} and {}", by_times(before), by_times(after))
            }
            Differs::Values { relative, .. } => {
                format!("for some input the outputs differ by {} of the largest", number(*relative))
            }
        },
        Verdict::Unknown(_) => "it could not be decided".to_owned(),
    }
}

fn details(diff: &Diff) -> Vec<String> {
    let mut lines = Vec::new();
    match &diff.verdict {
        Verdict::Equal => {}
        Verdict::Rounding { worst, .. } => {
            if let Some((segment, weight)) = worst {
                let place = place(diff, &diff.comparison.matcher.segments()[*segment]);
                lines.push(format!("most at {place}: {}", weight_words(weight)));
            }
        }
        Verdict::Different(witness) => {
            if let Some(difference) = diff.differences.first() {
                let segment = &diff.comparison.matcher.segments()[difference.segment];
                lines.push(format!("first at {}", place(diff, segment)));
            }
            lines.extend(witness_words(witness));
        }
        Verdict::Unknown(reasons) => lines.extend(reasons.iter().map(|reason| reason_words(diff, reason))),
    }
    if let Some(classes) = class_words(&diff.agreeing) {
        lines.push(format!("equal, or equal up to rounding, exactly where {classes}"));
    }
    let opaque = &diff.comparison.after.opaque;
    if !opaque.is_empty() {
        let nodes: Vec<String> =
            opaque.iter().take(5).map(|opaque| diff.comparison.after.opaque_words(opaque)).collect();
        let more = if opaque.len() > 5 { ", …" } else { "" };
        lines.push(format!(
            "{} nodes were taken as functions by name: {}{more}",
            opaque.len(),
            nodes.join(", ")
        ));
    }
    lines
}

fn class_words(classes: &[SizeClass]) -> Option<String> {
    let names = &classes.first()?.rests;
    // Extents whose rest makes no difference are not spoken of.
    let told = |n: usize| {
        classes.iter().any(|class| {
            let mut other = class.clone();
            other.rests[n].2 = 1 - other.rests[n].2;
            !classes.contains(&other)
        })
    };
    let told: Vec<usize> = (0..names.len()).filter(|&n| told(n)).collect();
    let word = |class: &SizeClass| {
        let rest =
            |&n: &usize| format!("{} % {} == {}", class.rests[n].0, class.rests[n].1, class.rests[n].2);
        told.iter().map(rest).collect::<Vec<_>>().join(" and ")
    };
    let mut words: Vec<String> = classes.iter().map(word).collect();
    words.sort();
    words.dedup();
    (!told.is_empty()).then(|| words.join(", or "))
}

fn segment_report(diff: &Diff, number_: usize, segment: &Segment) -> Option<SegmentReport> {
    let before = segment.before.map(|id| diff.comparison.matcher.terms().get(id));
    let counterpart = before.and_then(|term| nodes(&diff.comparison.before, term));
    let difference = diff.differences.iter().find(|difference| difference.segment == number_);
    let (verdict, moved) = match &segment.decision {
        Decision::Equal => return None,
        Decision::Rounding(change) => ("rounding", Some(number(change.most))),
        Decision::Weights(change) => ("different", Some(number(change.most))),
        Decision::Structure(_) | Decision::Operator => ("different", None),
        Decision::Alone => ("unmatched", None),
    };
    if verdict != "rounding" && difference.is_none() {
        return None;
    }
    let mut findings = difference.map_or_else(Vec::new, |difference| findings_words(diff, difference));
    if let (Decision::Weights(change), true) = (&segment.decision, difference.is_some()) {
        findings.extend(change.worst.as_ref().map(weight_words));
    }
    Some(SegmentReport { place: place(diff, segment), counterpart, verdict, moved, findings })
}

/// The nodes of a segment of the second file.
fn place(diff: &Diff, segment: &Segment) -> String {
    nodes(&diff.comparison.after, &segment.after).unwrap_or_else(|| segment.after.op.name.clone())
}

/// The nodes of a term: the linear ones that it reads through, then its own.
fn nodes(network: &Understood, term: &Term) -> Option<String> {
    let mut numbers: Vec<usize> = term.args.iter().flat_map(|arg| arg.nodes.iter().copied()).collect();
    numbers.extend(term.node);
    numbers.sort_unstable();
    numbers.dedup();
    let names: Vec<String> =
        numbers.iter().filter_map(|&node| network.nodes.get(node)).map(ToString::to_string).collect();
    match names.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        [first, last] => Some(format!("{first}, {last}")),
        [first, .., last] => Some(format!("{first}, …, {last}")),
    }
}

fn weight_words(weight: &Weight) -> String {
    let what = match weight.source {
        None => format!("the bias of channel {}", weight.output),
        Some(_) => {
            format!("channel {}, input channel {}, tap {:?}", weight.output, weight.input, weight.tap)
        }
    };
    format!("{what}: {} before, {} after", enclosed(weight.before), enclosed(weight.after))
}

fn findings_words(diff: &Diff, difference: &Difference) -> Vec<String> {
    let segment = &diff.comparison.matcher.segments()[difference.segment];
    let image =
        |values: &[i64]| values.iter().skip(2).map(ToString::to_string).collect::<Vec<_>>().join(" x ");
    difference
        .findings
        .iter()
        .map(|finding| match finding {
            Finding::Operator { before, after } => operator_words(before, after),
            Finding::Bias { channels, of, missing } => {
                let why = if *missing { ": an addend of it is missing" } else { "" };
                format!("the weights agree, the bias differs in {channels} of {of} channels{why}")
            }
            Finding::Lost { what, node } => {
                format!("the {what} of {node} is missing: without it nothing differs")
            }
            Finding::Epsilon { node, value } => {
                format!("with an epsilon of {value} in {node} nothing differs")
            }
            Finding::Factor { channel, factor, bias } => {
                // As many digits as rounding leaves.
                let factor = format!("{:.5e}", factor.middle());
                let factor = factor.parse::<f64>().map_or(factor, |factor| factor.to_string());
                if *bias {
                    format!("channel {channel} is {factor} times what it was")
                } else {
                    format!(
                        "the weights of channel {channel} are {factor} times what they were, its bias is not"
                    )
                }
            }
            Finding::ScalesExchanged { pairs } => exchanged_words(pairs),
            Finding::ScaledInputs => {
                "each weight has the scale of its input channel: scaled along the wrong axis".to_owned()
            }
            Finding::Channels { channels, count, of } => {
                format!("{count} of {of} channels differ, the first {channels:?}")
            }
            Finding::OneWeight => "one weight alone differs".to_owned(),
            Finding::Moved { by } => format!("the same weights, the image moved by {}", image(by)),
            Finding::Padding { before, after } => {
                format!("padding, starts then ends: {before:?} before, {after:?} after")
            }
            Finding::Exchanged => "the same weights with two axes exchanged".to_owned(),
            Finding::Border { ring } => {
                format!("equal away from the border, on whose ring of width {} padding is read", image(ring))
            }
            Finding::Sizes => format!("the sizes of the values differ: {}", by_times(&segment.after.shape)),
            Finding::Sources => "it reads other values, or in another way".to_owned(),
            Finding::Alone if segment.after.op.kind == Kind::Output => {
                "nothing in the first file is like it".to_owned()
            }
            Finding::Alone => format!("nothing in the first file is like it, `{}`", segment.after.op.name),
            Finding::TooLarge => "too many products to compare its weights".to_owned(),
            Finding::Unusable => {
                "weights that are not finite, or constants of a function that moved".to_owned()
            }
        })
        .collect()
}

fn exchanged_words(pairs: &[(usize, usize)]) -> String {
    let words: Vec<String> = pairs.iter().take(4).map(|(a, b)| format!("channel {a} that of {b}")).collect();
    let more = if pairs.len() > 4 { ", …" } else { "" };
    format!("{} channels have the scale of another one: {}{more}", pairs.len(), words.join(", "))
}

fn operator_words(before: &str, after: &str) -> String {
    let head = |name: &str| name.split(' ').next().unwrap_or_default().to_owned();
    match (before, after) {
        ("sat", "relu") => "the upper bound of the clip is lost".to_owned(),
        _ if head(before) == head(after) => {
            let rounded = [before, after].map(|name| name.contains(" ceil:"));
            let lost = match rounded {
                [true, false] => "; its size is no longer rounded up",
                [false, true] => "; its size is rounded up now",
                _ => "",
            };
            format!("other settings: `{before}` became `{after}`{lost}")
        }
        _ => format!("`{before}` became `{after}`"),
    }
}

fn reason_words(diff: &Diff, reason: &Reason) -> String {
    match reason {
        Reason::Unmatched(segment) => {
            let segment = &diff.comparison.matcher.segments()[*segment];
            let why = match &segment.decision {
                Decision::Structure(Apart::Size) => "it is too large to multiply out",
                Decision::Structure(Apart::Weights) => {
                    "constants of a function moved, or weights are not finite"
                }
                _ => "it was not found in the first file",
            };
            format!("{}: {why}", place(diff, segment))
        }
        Reason::NotShown(tried) => format!("none of {tried} inputs shows a difference that rounding does not explain"),
        Reason::Unevaluated(error) => format!("no input shows a difference, since {error}"),
        Reason::Contradiction => {
            "the comparison says equal, an evaluation that the outputs differ: a defect of convproof; please report it".to_owned()
        }
        Reason::IllTyped(side, node) => format!("{} is no valid model: {node}", side_words(*side)),
        Reason::Condition(a, b) => format!("the second file asks that {a} = {b}, the first does not"),
    }
}

/// Which file is meant.
pub fn side_words(side: Side) -> &'static str {
    match side {
        Side::Before => "the first file",
        Side::After => "the second file",
    }
}

fn witness_words(witness: &Witness) -> Vec<String> {
    let sizes: Vec<String> =
        witness.inputs.iter().map(|input| format!("{} {}", input.name, by_times(&input.dims))).collect();
    let mut lines = vec![format!("shown by an input of size {}", sizes.join(", "))];
    if let Differs::Values { index, before, after, count, spread, border, .. } = &witness.differs {
        lines.push(format!(
            "output {} at {index:?}: {} before, {} after; {} of {} elements differ",
            witness.output,
            enclosed(*before),
            enclosed(*after),
            count.0,
            count.1
        ));
        let along = |(axis, spread): (usize, &Spread)| match spread {
            Spread::Everywhere => None,
            Spread::At(places) if places.len() > 8 => {
                Some(format!("at {} indices of axis {axis}", places.len()))
            }
            Spread::At(places) => Some(format!("at indices {places:?} of axis {axis}")),
        };
        let mut places: Vec<String> = spread.iter().enumerate().filter_map(along).collect();
        if let Some(border) = border {
            places.retain(|_| spread.len() < 3);
            places.push(border_words(border));
        }
        if !places.is_empty() {
            let near = border.as_ref().is_some_and(|border| !border.all);
            let where_ = if near { "above a thousandth of that" } else { "there" };
            lines.push(format!("{where_} only {}", places.join(", ")));
        }
    }
    lines
}

/// Which sides of the image, in words.
fn border_words(border: &Border) -> String {
    let name = |&(axis, end): &(usize, bool)| {
        let which = if end { "last" } else { "first" };
        let what = match (border.axes, axis) {
            (2, 0) => "row".to_owned(),
            (2, 1) => "column".to_owned(),
            _ => format!("index of axis {}", axis + 2),
        };
        match border.width {
            1 => format!("the {which} {what}"),
            width => format!("the {which} {width} {what}s"),
        }
    };
    if border.sides.len() == 2 * border.axes {
        return format!("within {} of the border of the image", border.width);
    }
    format!("in {}", border.sides.iter().map(name).collect::<Vec<_>>().join(" and "))
}

fn witness_value(witness: &Witness) -> Value {
    let inputs: Vec<Value> =
        witness.inputs.iter().map(|input| json!({ "name": input.name, "size": input.dims })).collect();
    let differs = match &witness.differs {
        Differs::Sizes { before, after } => json!({ "before": before, "after": after }),
        Differs::Values { index, before, after, relative, count, .. } => json!({
            "index": index,
            "before": enclosed(*before),
            "after": enclosed(*after),
            "relative": number(*relative),
            "differing": count.0,
            "of": count.1,
        }),
    };
    json!({ "inputs": inputs, "output": witness.output, "differs": differs })
}

/// A number to four digits.
fn number(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { format!("{value:.3e}") }
}

/// The digits on which both bounds agree, up to twelve.
fn enclosed(value: Enclosure) -> String {
    for digits in (1..=12usize).rev() {
        let (low, high) = (format!("{:.digits$e}", value.low), format!("{:.digits$e}", value.high));
        if low == high {
            return low.parse::<f64>().map_or(low, |value| value.to_string());
        }
    }
    format!("between {:e} and {:e}", value.low, value.high)
}

/// A network as it is understood, in words: each term with what it reads.
pub fn overview(path: &str, network: &Overview) -> String {
    let mut out = format!("{path}: {} terms of {} nodes\n", network.terms.len(), network.nodes);
    for term in &network.terms {
        let place = term.node.as_deref().unwrap_or("-");
        out.push_str(&format!("#{} {}  [{}]  {place}\n", term.id, term.operator, term.shape.join(" x ")));
        for read in &term.reads {
            let mut text =
                format!("    reads #{} as {} -> {} channels", read.source, read.inputs, read.outputs);
            if read.taps.iter().any(|&taps| taps > 1) {
                text.push_str(&format!(", {} taps", by_times(&read.taps)));
            }
            if read.strides.iter().any(|&stride| stride > 1) {
                text.push_str(&format!(", stride {}", by_times(&read.strides)));
            }
            if read.ups.iter().any(|&up| up > 1) {
                text.push_str(&format!(", enlarged {}", by_times(&read.ups)));
            }
            if read.paddings.iter().any(|&(before, after)| (before, after) != (0, 0)) {
                let pads: Vec<String> =
                    read.paddings.iter().map(|(before, after)| format!("{before}+{after}")).collect();
                text.push_str(&format!(", padding {}", pads.join(" x ")));
            }
            out.push_str(&text);
            out.push('\n');
        }
        if let Some(field) = &term.field {
            out.push_str(&format!("    receptive field {}\n", by_times(field)));
        }
    }
    if !network.opaque.is_empty() {
        out.push_str(&format!("{} nodes are functions by name:\n", network.opaque.len()));
        network.opaque.iter().for_each(|node| out.push_str(&format!("    {node}\n")));
    }
    for condition in &network.conditions {
        out.push_str(&format!("for sizes with {condition}\n"));
    }
    crate::report::networks::plain(&out)
}
