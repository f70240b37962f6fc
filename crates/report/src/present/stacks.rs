//! Verdicts about two stacks.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::doubt::unknown;
use super::text::{
    both_values, count, image_json, image_matrices, image_size, image_words, matrix, position, size, weights,
    weights_json,
};
use super::{Shown, derivation};
use crate::{Block, Matrix, Outcome};
use convproof_engine::ir::{Sizes, StackClaim, Symbols};
use convproof_engine::kernel::Kernel;
use convproof_engine::operator::{Affine, Axis};
use convproof_engine::prove::counterexample::{Counterexample, Mismatch};
use convproof_engine::prove::opinion::{Decided, Opinion};
use convproof_engine::prove::region::{Agreement, LengthSet, SizeBox};
use convproof_engine::prove::verdict::{Inner, StackProof, StackRefutation, StackVerdict, StackWitness};
use convproof_engine::prove::within::{Enclosure, Excess, Worst};
use convproof_exact::{Grid, Rational, Symbol};
use convproof_language::source::Source;

/// Said of proofs without a second opinion.
const UNEVALUATED: &str =
    "Images on which the naive evaluator could run both sides beside the proof are too large.";

/// A verdict about two stacks as a report shows it.
pub fn stacks(decided: &Decided, claim: &StackClaim, symbols: &Symbols, source: &Source) -> Shown {
    match decided.verdict() {
        StackVerdict::Proved(proof) => {
            let mut shown = proved(proof, claim, symbols, source);
            match decided.opinion() {
                Some(Opinion::Agrees(sizes)) => shown.witness["evaluated"] = json!(sizes),
                _ => shown.details.push(Block::Text(UNEVALUATED.to_owned())),
            }
            shown
        }
        StackVerdict::Refuted(refutation) => refuted(refutation, claim),
        StackVerdict::Unknown(doubt) => unknown(doubt),
    }
}

/// For which sizes and channels a claim was proved.
fn domain(claim: &StackClaim) -> String {
    let sizes = match &claim.sizes {
        Sizes::All => "every input size".to_owned(),
        Sizes::One(one) => format!("inputs of {}", size(*one)),
        Sizes::Where(_) => "every input size that satisfies the condition".to_owned(),
    };
    let channels =
        if claim.channels == 1 { String::new() } else { format!(" with {} channels", claim.channels) };
    format!("for all weights, all inputs and {sizes}{channels}")
}

fn proved(proof: &StackProof, claim: &StackClaim, symbols: &Symbols, source: &Source) -> Shown {
    let shown = |method: String, details: Vec<Block>, witness: Value| Shown {
        outcome: Outcome::Proved,
        method,
        details,
        witness,
    };
    let tables = || {
        let sides = [("The left side", &claim.left), ("The right side", &claim.right)];
        let mut blocks = Vec::new();
        for (name, stack) in sides {
            blocks.extend(derivation::layers(name, stack, source));
        }
        blocks
    };
    match proof {
        StackProof::NormalForm { map, inner } => {
            let what = normal_form(map, inner);
            let mut details = tables();
            details.extend(common_kernel(map, symbols));
            let witness = json!({
                "normal_form": what,
                "nonlinear": inner.nonlinear,
                "averages": inner.averages,
                "means": inner.means,
                "cuts": inner.cuts,
            });
            shown(
                format!("both sides have the same normal form, {what}: equal {}", domain(claim)),
                details,
                witness,
            )
        }
        StackProof::Patterns { patterns: [rows, columns], horizon } => {
            let sizes =
                horizon.map_or_else(String::new, |n| format!("; inputs shorter than {n} show all of them"));
            let pairs = format!("{rows}×{columns} pairs of row and column border patterns");
            let agree = match claim.sizes {
                Sizes::Where(_) => format!("of the {pairs} all that occur at sizes of the claim agree"),
                Sizes::All | Sizes::One(_) => format!("all {pairs} agree"),
            };
            let witness = json!({ "row_patterns": rows, "column_patterns": columns, "horizon": horizon });
            shown(format!("{agree}{sizes}: equal {}", domain(claim)), tables(), witness)
        }
        StackProof::Words { patterns: [rows, columns], horizon, .. } => {
            let sizes = horizon.map_or_else(String::new, |n| format!("; inputs up to {n} show all of them"));
            let method = format!(
                "at all {rows}×{columns} pairs of row and column border patterns both sides are the same sum of products of the kernels' matrices, whatever the number of channels{sizes}: equal {}",
                domain(claim)
            );
            let witness = json!({ "row_patterns": rows, "column_patterns": columns, "horizon": horizon });
            shown(method, tables(), witness)
        }
        StackProof::Terms { patterns: [rows, columns], horizon, terms } => {
            let sizes = horizon.map_or_else(String::new, |n| format!("; inputs up to {n} show all of them"));
            let method = format!(
                "at all {rows}×{columns} pairs of row and column border patterns both sides are the same sum of pixels and {}{sizes}: equal {}",
                count(*terms, "nonlinear term", "nonlinear terms"),
                domain(claim)
            );
            let witness = json!({ "row_patterns": rows, "column_patterns": columns, "horizon": horizon, "terms": terms });
            shown(method, tables(), witness)
        }
        StackProof::Averages { bound } => {
            let method = format!(
                "at every size of the claim below {bound}×{bound} the sides agree, and as both divide by areas only, that decides the rest: equal {}",
                domain(claim)
            );
            shown(method, tables(), json!({ "compared_below": bound }))
        }
        StackProof::Within(enclosure) => shown(
            within_text(enclosure, claim),
            Vec::new(),
            json!({
                "worst": enclosure.worst().to_string(),
                "attained": enclosure.is_exact(),
                "bound": enclosure.bound().to_string(),
            }),
        ),
    }
}

fn within_text(enclosure: &Enclosure, claim: &StackClaim) -> String {
    let worst = decimal(enclosure.worst());
    let kind = if enclosure.is_exact() { "is exactly" } else { "is at most" };
    format!(
        "the worst output difference over all inputs {}{kind} {worst}, within the bound {}",
        range(claim),
        enclosure.bound()
    )
}

/// A number with a decimal beside it where that helps.
pub fn decimal(value: &Rational) -> String {
    let text = value.to_string();
    if value.is_integer() && text.len() <= 12 {
        return text;
    }
    if text.len() > 40 {
        format!("about {}", value.to_decimal(6))
    } else {
        format!("{text} (about {})", value.to_decimal(6))
    }
}

/// A normal form in a few words.
fn normal_form(map: &Affine, inner: &Inner) -> String {
    let constant = if map.bias.is_empty() { "" } else { " plus a constant" };
    let kernels = match map.parts.as_slice() {
        [] => return format!("zero{constant}"),
        [part] => {
            let shape = part.gather.kernel.shape();
            let [rows, columns] = part.gather.axes;
            let channels = if shape.outputs == 1 && shape.inputs == 1 {
                String::new()
            } else {
                format!(" from {} to {} channels", shape.inputs, shape.outputs)
            };
            format!("one {}×{} kernel{channels}{}{constant}", shape.height, shape.width, moves(rows, columns))
        }
        parts => format!("a sum of {} kernels{constant}", parts.len()),
    };
    let between = [
        (inner.nonlinear, "nonlinear layer", "nonlinear layers"),
        (inner.averages, "global average", "global averages"),
        (inner.means, "mean with varying divisors", "means with varying divisors"),
        (inner.cuts, "signal cut at its border", "signals cut at their borders"),
    ];
    let between: Vec<String> = between
        .into_iter()
        .filter(|(number, _, _)| *number > 0)
        .map(|(number, one, many)| count(number, one, many))
        .collect();
    if between.is_empty() { kernels } else { format!("{kernels} after {}", between.join(" and ")) }
}

fn moves(rows: Axis, columns: Axis) -> String {
    let pair = |name: &str, a: i64, b: i64, usual: i64| match (a, b) {
        (a, b) if a == usual && b == usual => String::new(),
        (a, b) if a == b => format!(", {name} {a}"),
        (a, b) => format!(", {name} [{a},{b}]"),
    };
    let stride = pair("stride", rows.down, columns.down, 1);
    let up = pair("upsampling", rows.up, columns.up, 1);
    let offset = pair("offset", rows.offset, columns.offset, 0);
    let same = if rows.same.is_some() || columns.same.is_some() { ", SAME padding" } else { "" };
    format!("{stride}{up}{offset}{same}")
}

/// The kernel of a normal form that is one kernel on the input, where it is small.
fn common_kernel(map: &Affine, symbols: &Symbols) -> Option<Block> {
    let [part] = map.parts.as_slice() else { return None };
    if part.source != 0 {
        return None;
    }
    let spread = part.gather.axes.iter().any(|axis| axis.up > 1);
    let title = if spread { "the common kernel, on the upsampled image" } else { "the common kernel" };
    let kernel = kernel_matrix(title, &part.gather.kernel, symbols)?;
    Some(Block::Matrices(vec![kernel]))
}

/// A single-channel kernel as a matrix, where it is small.
pub(super) fn kernel_matrix(title: &str, kernel: &Kernel, symbols: &Symbols) -> Option<Matrix> {
    let shape = kernel.shape();
    if shape.outputs != 1 || shape.inputs != 1 || shape.height > 9 || shape.width > 9 {
        return None;
    }
    if let Some(concrete) = kernel.as_concrete() {
        return matrix(title, &concrete.block(0, 0), None);
    }
    let expanded = kernel
        .expand()
        .ok()
        .filter(|kernel| kernel.entries().iter().all(|entry| entry.terms().len() <= 3))?;
    let cells = Grid::from_fn(shape.height, shape.width, |i, j| symbols.show(expanded.entry(0, 0, i, j)));
    let rows = cells.rows().map(<[String]>::to_vec).collect();
    Some(Matrix { title: title.to_owned(), rows, mark: None, values: None })
}

fn refuted(refutation: &StackRefutation, claim: &StackClaim) -> Shown {
    let (mut method, mut details, mut witness) = match &refutation.witness {
        StackWitness::Value(found) => value_witness(found),
        StackWitness::Size(found) => size_witness(found),
        StackWitness::Excess(found) => excess_witness(found, claim),
    };
    if let Some((wrong, all)) =
        refutation.wrong.filter(|_| !matches!(refutation.witness, StackWitness::Size(_)))
    {
        details.push(Block::Text(format!(
            "At this input size {wrong} of {all} output positions are wrong for general weights and inputs."
        )));
        if let Value::Object(map) = &mut witness {
            map.insert("wrong_positions".to_owned(), json!([wrong, all]));
        }
    }
    let places: Vec<String> =
        refutation.agreement.iter().map(|agreement| agreement_text(agreement, claim)).collect();
    if let Some(first) =
        refutation.agreement.iter().find(|agreement| !matches!(agreement, Agreement::Nowhere))
    {
        method = format!("{method}; {}", agreement_text(first, claim));
    }
    if let Value::Object(map) = &mut witness {
        map.insert("agreement".to_owned(), json!(places));
    }
    for (agreement, place) in refutation.agreement.iter().zip(places) {
        details.push(Block::Text(format!("{}.", capitalised(&place))));
        if let Agreement::Interior { ring, exactly } = *agreement {
            details.push(Block::Ring { ring, exactly });
        }
    }
    Shown { outcome: Outcome::Refuted, method, details, witness }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn is_impulse(found: &Counterexample) -> Option<[usize; 3]> {
    let [channels, height, width] = found.input().size();
    let mut cells = (0..channels)
        .flat_map(|c| (0..height).flat_map(move |i| (0..width).map(move |j| [c, i, j])))
        .filter(|&[c, i, j]| !found.input().at(c, i, j).is_zero());
    let first = cells.next()?;
    let [c, i, j] = first;
    (cells.next().is_none() && found.input().at(c, i, j).is_one()).then_some(first)
}

fn value_witness(found: &Counterexample) -> (String, Vec<Block>, Value) {
    let input = found.input();
    let impulse = is_impulse(found);
    let outputs = found.outputs();
    let at = position(found.position(), outputs[0].channels());
    let [left, right] = both_values([found.left(), found.right()], found.is_approximate());
    let method = format!("counterexample: output {at} is {left} on the left and {right} on the right");
    let (different, all) = found.count();
    let matrices = image_matrices("input", input, impulse);
    let what = image_words(input, !matrices.is_empty());
    let weights = if found.weights().is_empty() && !found.has_zeros() {
        String::new()
    } else {
        format!("{}, and ", weights(found.weights(), found.has_zeros()))
    };
    let mut details = vec![Block::Text(format!(
        "Take {weights}{what}. Then output {at} is {left} on the left and {right} on the right; {different} of {all} outputs differ.",
    ))];
    let side = |name: &str, n: usize| image_matrices(name, &outputs[n], Some(found.position()));
    let sides = [side("left output", 0), side("right output", 1)];
    if !(matrices.is_empty() && sides.iter().all(Vec::is_empty)) {
        details.push(Block::Outputs { input: matrices, sides });
    }
    let witness = json!({
        "weights": weights_json(found.weights()),
        "input": image_json(input),
        "position": found.position(),
        "left": left,
        "right": right,
        "differing_outputs": different,
        "outputs": all,
    });
    (method, details, witness)
}

fn size_witness(found: &Mismatch) -> (String, Vec<Block>, Value) {
    let describe = |output: Option<[usize; 3]>| output.map_or_else(|| "no output".to_owned(), image_size);
    let [left, right] = found.outputs();
    let method = format!(
        "output sizes differ: an input of {} gives {} on the left and {} on the right",
        size(found.size()),
        describe(left),
        describe(right)
    );
    let witness = json!({ "input_size": found.size(), "channels": found.channels(), "left_size": left, "right_size": right });
    (method, Vec::new(), witness)
}

/// Which inputs a bound speaks of.
fn range(claim: &StackClaim) -> String {
    let range = claim.tolerance.as_ref().map(|tolerance| &tolerance.range);
    range.map_or_else(String::new, |range| format!("with |x| <= {range} "))
}

fn excess_witness(found: &Excess, claim: &StackClaim) -> (String, Vec<Block>, Value) {
    let (_, details, mut witness) = value_witness(found.counterexample());
    let [left, right] = [found.counterexample().left(), found.counterexample().right()];
    let shown = decimal(&(left - right).abs());
    let worst = match found.worst() {
        Worst::Is(worst) => {
            format!("the worst output difference over all inputs {}is {}", range(claim), decimal(worst))
        }
        Worst::AtMost(worst) => format!(
            "an input {}shows an output difference of {shown} (none shows more than {})",
            range(claim),
            decimal(worst)
        ),
        Worst::Unbounded => {
            format!("the output difference depends on the free weights and can be {shown}")
        }
    };
    if let Value::Object(map) = &mut witness {
        let approximate = found.counterexample().is_approximate();
        let text = |worst: &Rational| if approximate { worst.to_decimal(20) } else { worst.to_string() };
        let (worst, at_most) = match found.worst() {
            Worst::Is(worst) => (Some(worst), None),
            Worst::AtMost(worst) => (None, Some(worst)),
            Worst::Unbounded => (None, None),
        };
        map.insert("worst".to_owned(), json!(worst.map(text)));
        if let Some(at_most) = at_most {
            map.insert("at_most".to_owned(), json!(text(at_most)));
        }
        map.insert("bound".to_owned(), json!(found.bound().to_string()));
    }
    (format!("{worst}, more than the bound {}", found.bound()), details, witness)
}

fn agreement_text(agreement: &Agreement, claim: &StackClaim) -> String {
    let among = if matches!(claim.sizes, Sizes::Where(_)) { " (among the sizes of the claim)" } else { "" };
    match agreement {
        Agreement::Nowhere => format!("for general weights the sides agree at no input size{among}"),
        Agreement::Sizes(boxes) => format!("equal exactly where {}{among}", size_boxes(boxes)),
        Agreement::SizesBelow(boxes, bound) => {
            format!("equal wherever {}{among}, and at no other size below {bound}×{bound}", size_boxes(boxes))
        }
        Agreement::Interior { ring, exactly } => {
            let [top, left, bottom, right] = ring;
            let width = if [left, bottom, right] == [top, top, top] {
                format!(
                    "the outermost {}",
                    if *top == 1 {
                        "row and column on each side".to_owned()
                    } else {
                        format!("{top} rows and columns on each side")
                    }
                )
            } else {
                let line = |count: i64, which: &str, name: &str| match count {
                    0 => None,
                    1 => Some(format!("the {which} {name}")),
                    n => Some(format!("the {which} {n} {name}s")),
                };
                let lines = [
                    line(*top, "first", "row"),
                    line(*bottom, "last", "row"),
                    line(*left, "first", "column"),
                    line(*right, "last", "column"),
                ];
                lines.into_iter().flatten().collect::<Vec<_>>().join(" and ")
            };
            if *exactly {
                format!("equal in the interior at every large size, wrong exactly on {width} of the output")
            } else {
                format!(
                    "equal in the interior at every large size; differences only on {width} of the output"
                )
            }
        }
        Agreement::Some(sizes) => {
            let listed: Vec<String> = sizes.iter().map(|&one| size(one)).collect();
            format!(
                "equal at some sizes that no simple condition describes, among them {}",
                listed.join(", ")
            )
        }
        Agreement::IfZero(names) => {
            let listed: Vec<String> = names.iter().take(12).map(|name| format!("`{name}` = 0")).collect();
            let more = if names.len() > 12 {
                format!(" and {} more are 0", names.len() - 12)
            } else {
                String::new()
            };
            let used: BTreeSet<Symbol> =
                [&claim.left, &claim.right].into_iter().flat_map(|stack| stack.symbols()).collect();
            let others = if used.len() > names.len() { " (for all other weights)" } else { "" };
            format!("equal if and only if {}{more}{others}", listed.join(" and "))
        }
    }
}

fn size_boxes(boxes: &[SizeBox]) -> String {
    boxes.iter().map(|sizes| size_box(sizes, boxes.len() > 1)).collect::<Vec<_>>().join(" or ")
}

/// The condition that a box of sizes stands for, in parentheses if it has two parts and is one of several.
fn size_box(sizes: &SizeBox, several: bool) -> String {
    match [("h", &sizes.height), ("w", &sizes.width)].map(|(name, set)| Some(length_set(name, set.as_ref()?)))
    {
        [Some(height), Some(width)] if several => format!("({height} and {width})"),
        [Some(height), Some(width)] => format!("{height} and {width}"),
        [Some(one), None] | [None, Some(one)] => one,
        [None, None] => "there is an output".to_owned(),
    }
}

fn length_set(name: &str, set: &LengthSet) -> String {
    let residues: Vec<String> = set.residues.iter().map(ToString::to_string).collect();
    let large = match (set.residues.as_slice(), set.modulus) {
        ([], _) => None,
        (all, modulus) if i64::try_from(all.len()) == Ok(modulus) => {
            (set.from > 1).then(|| format!("`{name} >= {}`", set.from))
        }
        ([one], modulus) => Some(format!("`{name} % {modulus} == {one}`")),
        (_, modulus) => Some(format!("`{name} % {modulus}` is one of {}", residues.join(", "))),
    };
    let from = (set.from > 1 && set.modulus > 1 && !set.residues.is_empty())
        .then(|| format!("`{name} >= {}`", set.from));
    let small: Vec<String> = set.small.iter().map(ToString::to_string).collect();
    let small = (!small.is_empty()).then(|| format!("`{name}` is {}", small.join(" or ")));
    let large = [large, from].into_iter().flatten().collect::<Vec<_>>().join(" and ");
    match (large.as_str(), small) {
        ("", Some(small)) if set.small.len() > 1 => format!("({small})"),
        ("", Some(small)) => small,
        ("", None) => format!("`{name}` takes no value"),
        (large, None) => large.to_owned(),
        (large, Some(small)) => format!("({large} or {small})"),
    }
}
