//! Verdicts about two stacks.

use std::sync::Arc;

use super::agreement::agreement_text;
use super::doubt::reason;
use super::equations::cells;
use super::text::{
    both_values, count, grouped, image_matrices, image_size, image_words, matrix, percent, position, size,
    weights,
};
use super::{Told, derivation, steps};
use crate::witness::{self, Agrees, Equality, Patterns, Place, Typical, Witness};
use crate::{Block, Matrix};
use convproof_engine::ir::{Sizes, Stack, StackClaim, Symbols};
use convproof_engine::kernel::Kernel;
use convproof_engine::kernel::symbolic::SymbolicKernel;
use convproof_engine::operator::{Affine, Axis, OperatorError, blame, shape};
use convproof_engine::prove::counterexample::{Counterexample, Mismatch};
use convproof_engine::prove::fitting;
use convproof_engine::prove::opinion::{Decided, Opinion};
use convproof_engine::prove::region::Agreement;
use convproof_engine::prove::verdict::{Enclosure, Excess, Worst};
use convproof_engine::prove::verdict::{
    Inner, StackProof, StackRefutation, StackVerdict, StackWitness, TYPICAL, Wrong,
};
use convproof_exact::{Grid, Rational};
use convproof_language::source::Places;

/// Said of proofs without a second opinion.
const UNEVALUATED: &str =
    "Images on which the naive evaluator could run both sides beside the proof are too large.";

/// A verdict about two stacks as a report shows it.
pub(super) fn stacks(decided: &Decided, claim: &StackClaim, symbols: &Symbols, places: Places<'_>) -> Told {
    match decided.verdict() {
        StackVerdict::Proved(proof) => proved(proof, decided.opinion(), claim, symbols, places),
        StackVerdict::Refuted(refutation) => {
            let mut told = refuted(refutation, claim, places);
            if let Some(derivation) = &refutation.derivation {
                told.details.extend(derivation::blocks(derivation, places, false));
                let steps = Some(Box::new(steps::all(derivation, places)));
                match &mut told.witness {
                    Some(Witness::Counterexample(found)) => found.derivation = steps,
                    Some(Witness::Sizes(found)) => found.derivation = steps,
                    _ => {}
                }
            }
            told
        }
        StackVerdict::Unknown(doubt) => reason(doubt),
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

fn proved(
    proof: &StackProof,
    opinion: Option<&Opinion>,
    claim: &StackClaim,
    symbols: &Symbols,
    places: Places<'_>,
) -> Told {
    let (method, by) = method(proof, claim, symbols);
    let (mut details, derivation) = match proof {
        StackProof::NormalForm { composed, .. }
        | StackProof::Patterns { composed, .. }
        | StackProof::Averages { composed, .. } => {
            (derivation::composed(composed, places, true), Some(steps::composed(composed, places)))
        }
        StackProof::Words { read, .. } | StackProof::Terms { read, .. } => {
            (derivation::read(read, places, true), Some(steps::read(read, places)))
        }
        StackProof::Within(_, derivation) => {
            (derivation::blocks(derivation, places, true), Some(steps::all(derivation, places)))
        }
    };
    if let StackProof::NormalForm { map, .. } = proof {
        details.extend(common_kernel(map, symbols));
    }
    let evaluated = match opinion {
        Some(Opinion::Agrees(sizes)) => Some(sizes.clone()),
        _ => {
            details.push(Block::Text(UNEVALUATED.to_owned()));
            None
        }
    };
    let derivation = derivation.map(Box::new);
    Told { method, details, witness: Some(Witness::Equal { by, evaluated, derivation }) }
}

/// How an equality was proved, in words and as data.
#[expect(clippy::too_many_lines, reason = "one arm for each kind of proof")]
fn method(proof: &StackProof, claim: &StackClaim, symbols: &Symbols) -> (String, Equality) {
    let domain = domain(claim);
    let up_to = |horizon: &Option<i64>| {
        horizon.map_or_else(String::new, |n| format!("; inputs up to {n} show all of them"))
    };
    let data = |[rows, columns]: [usize; 2], horizon: Option<i64>| Patterns {
        row_patterns: rows,
        column_patterns: columns,
        horizon,
    };
    match proof {
        StackProof::NormalForm { map, inner, .. } => {
            let what = normal_form(map, inner);
            let method = format!("both sides have the same normal form, {what}: equal {domain}");
            // A matrix of numbers is shown up to another size.
            let shown = |kernel: &&Kernel| match kernel.as_concrete() {
                Some(_) => kernel_matrix("", kernel, symbols).is_some(),
                None => small(kernel).is_some(),
            };
            let kernel = single(map).filter(shown).and_then(|kernel| cells(kernel, symbols));
            let &Inner { nonlinear, averages, means, cuts } = inner;
            (method, Equality::NormalForm { normal_form: what, nonlinear, averages, means, cuts, kernel })
        }
        StackProof::Patterns { patterns, horizon, .. } => {
            let [rows, columns] = patterns;
            let sizes =
                horizon.map_or_else(String::new, |n| format!("; inputs shorter than {n} show all of them"));
            let pairs = format!("{rows}×{columns} pairs of row and column border patterns");
            let agree = match claim.sizes {
                Sizes::Where(_) => format!("of the {pairs} all that occur at sizes of the claim agree"),
                Sizes::All | Sizes::One(_) => format!("all {pairs} agree"),
            };
            (format!("{agree}{sizes}: equal {domain}"), Equality::BorderPatterns(data(*patterns, *horizon)))
        }
        StackProof::Words { patterns, horizon, .. } => {
            let [rows, columns] = patterns;
            let method = format!(
                "at all {rows}×{columns} pairs of row and column border patterns both sides are the same sum of products of the kernels' matrices, whatever the number of channels{}: equal {domain}",
                up_to(horizon)
            );
            (method, Equality::Words(data(*patterns, *horizon)))
        }
        StackProof::Terms { patterns, horizon, terms, .. } => {
            let [rows, columns] = patterns;
            let method = format!(
                "at all {rows}×{columns} pairs of row and column border patterns both sides are the same sum of pixels and {}{}: equal {domain}",
                count(*terms, "nonlinear term", "nonlinear terms"),
                up_to(horizon)
            );
            (method, Equality::Terms { patterns: data(*patterns, *horizon), terms: *terms })
        }
        StackProof::Averages { bound, .. } => {
            let method = format!(
                "at every size of the claim below {bound}×{bound} the sides agree, and as both divide by areas only, that decides the rest: equal {domain}"
            );
            (method, Equality::Averages { compared_below: *bound })
        }
        StackProof::Within(enclosure, _) => {
            let by = Equality::Bound {
                worst: enclosure.worst().clone(),
                attained: enclosure.is_exact(),
                bound: enclosure.bound().clone(),
            };
            (within_text(enclosure, claim), by)
        }
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

/// The kernel of a normal form that is one kernel on the input.
fn single(map: &Affine) -> Option<&Kernel> {
    let [part] = map.parts.as_slice() else { return None };
    (part.source == 0).then_some(&part.gather.kernel)
}

/// The same where it is small enough to show.
fn common_kernel(map: &Affine, symbols: &Symbols) -> Option<Block> {
    let kernel = single(map)?;
    let spread = map.parts.iter().any(|part| part.gather.axes.iter().any(|axis| axis.up > 1));
    let title = if spread { "the common kernel, on the upsampled image" } else { "the common kernel" };
    Some(Block::Matrices(vec![kernel_matrix(title, kernel, symbols)?]))
}

/// Terms that an entry of a kernel may have to be shown.
const TERMS: usize = 3;

/// The entries of a kernel if it has one channel, few entries, and few terms in each.
fn small(kernel: &Kernel) -> Option<Arc<SymbolicKernel>> {
    let shape = kernel.shape();
    if shape.outputs != 1 || shape.inputs != 1 || shape.height > 9 || shape.width > 9 {
        return None;
    }
    let expanded = kernel.expand_within(TERMS * shape.height * shape.width).ok()?;
    expanded.entries().iter().all(|entry| entry.terms().len() <= TERMS).then_some(expanded)
}

/// A single-channel kernel as a matrix, where it is small.
pub(super) fn kernel_matrix(title: &str, kernel: &Kernel, symbols: &Symbols) -> Option<Matrix> {
    let shape = kernel.shape();
    if let Some(concrete) = kernel.as_concrete().filter(|_| shape.is_plane()) {
        return matrix(title, &concrete.block(0, 0), None);
    }
    let expanded = small(kernel)?;
    let cells = Grid::from_fn(shape.height, shape.width, |i, j| symbols.show(expanded.entry(0, 0, i, j)));
    let rows = cells.rows().map(<[String]>::to_vec).collect();
    Some(Matrix { title: title.to_owned(), rows, mark: None, values: None })
}

fn refuted(refutation: &StackRefutation, claim: &StackClaim, places: Places<'_>) -> Told {
    let agreement = &refutation.agreement;
    let words: Vec<String> = agreement.iter().map(|one| agreement_text(one, claim)).collect();
    let wrong = refutation.wrong.as_ref().filter(|_| !matches!(refutation.witness, StackWitness::Size(_)));
    let typical = refutation.typical.as_ref().map(|typical| [typical.count, typical.all]);
    let place = Place {
        wrong_positions: wrong.map(|wrong| [wrong.count, wrong.all]),
        typical: typical.map(|wrong_positions| Typical { input_size: TYPICAL, wrong_positions }),
        wrong_map: wrong.and_then(|wrong| wrong.map.as_ref()).map(rows_of_signs),
        agreement: words.clone(),
        agrees: agreement.iter().map(Agrees::of).collect(),
    };
    let (mut method, mut details, witness) = match &refutation.witness {
        StackWitness::Value(found) => value_witness(found, place),
        StackWitness::Size(found) => size_witness(found, claim, places, place),
        StackWitness::Excess(found) => excess_witness(found, claim, place),
    };
    details.extend(shares(wrong, typical, claim.sizes.one().is_some()).map(Block::Text));
    // One that is wrong everywhere needs no picture.
    let map = wrong.filter(|wrong| wrong.count < wrong.all).and_then(|wrong| wrong.map.clone());
    details.extend(map.map(Block::Wrong));
    // What is said in the method is not said again.
    let first = agreement.iter().position(|one| !matches!(one, Agreement::Nowhere));
    if let Some(first) = first {
        method = format!("{method}; {}", words[first]);
    }
    for (at, (one, words)) in agreement.iter().zip(&words).enumerate() {
        if Some(at) != first {
            details.push(Block::Text(format!("{}.", capitalised(words))));
        }
        if let Agreement::Interior { ring, exactly } = *one {
            details.push(Block::Ring { ring, exactly });
        }
    }
    Told { method, details, witness: Some(witness) }
}

/// How many positions are wrong at the size of a counterexample, which may be the claim's `own`, and for a typical image.
fn shares(wrong: Option<&Wrong>, typical: Option<[usize; 2]>, own: bool) -> Option<String> {
    const GENERAL: &str = "are wrong for general weights and inputs";
    let here = wrong.map(|&Wrong { count, all, .. }| {
        let percent = if own { format!(", {}", percent(count, all)) } else { String::new() };
        let (count, all) = (grouped(count), grouped(all));
        format!("At this input size {count} of {all} output positions {GENERAL}{percent}")
    });
    let usual = typical.map(|[count, all]| {
        let share = match count {
            0 => format!("none of {}", grouped(all)),
            _ if count == all => format!("all {}", grouped(all)),
            _ => format!("{} of {} ({})", grouped(count), grouped(all), percent(count, all)),
        };
        match here {
            Some(_) => format!(", at {} {share}", size(TYPICAL)),
            None => format!("At {} {share} output positions {GENERAL}", size(TYPICAL)),
        }
    });
    let text = [here, usual].into_iter().flatten().collect::<String>();
    (!text.is_empty()).then(|| text + ".")
}

/// `#` for a position that is wrong, `.` for others.
fn rows_of_signs(map: &Grid<bool>) -> Vec<String> {
    map.rows().map(|row| row.iter().map(|&wrong| if wrong { '#' } else { '.' }).collect()).collect()
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

/// Both values at the position of a counterexample.
fn values(found: &Counterexample) -> String {
    let at = position(found.position(), found.outputs()[0].channels());
    let [left, right] = both_values([found.left(), found.right()], found.is_approximate());
    format!("output {at} is {left} on the left and {right} on the right")
}

/// What to take, and what both sides make of it; `then` is said in between.
fn taken(found: &Counterexample, then: &str) -> Vec<Block> {
    let (input, outputs) = (found.input(), found.outputs());
    let (different, all) = found.count();
    let matrices = image_matrices("input", input, is_impulse(found));
    let what = image_words(input, matrices.iter().any(|matrix| !matrix.is_large()));
    let weights = if found.weights().is_empty() && !found.has_zeros() {
        String::new()
    } else {
        format!("{}, and ", weights(found.weights(), found.has_zeros()))
    };
    let mut details =
        vec![Block::Text(format!("Take {weights}{what}. {then}{different} of {all} outputs differ."))];
    let side = |name: &str, n: usize| image_matrices(name, &outputs[n], Some(found.position()));
    let sides = [side("left output", 0), side("right output", 1)];
    if !(matrices.is_empty() && sides.iter().all(Vec::is_empty)) {
        details.push(Block::Outputs { input: matrices, sides });
    }
    details
}

fn counterexample(found: &Counterexample, excess: Option<witness::Excess>, place: Place) -> Witness {
    let [left, right] = both_values([found.left(), found.right()], found.is_approximate());
    let (differing_outputs, outputs) = found.count();
    let [left_output, right_output] = found.outputs().each_ref().map(witness::Sparse::of);
    Witness::Counterexample(Box::new(witness::Counterexample {
        weights: found.weights().to_vec(),
        input: witness::Sparse::of(found.input()),
        position: found.position(),
        left,
        right,
        left_output,
        right_output,
        differing_outputs,
        outputs,
        excess,
        place,
        derivation: None,
    }))
}

fn value_witness(found: &Counterexample, place: Place) -> (String, Vec<Block>, Witness) {
    let method = format!("counterexample: {}", values(found));
    (method, taken(found, ""), counterexample(found, None, place))
}

fn size_witness(
    found: &Mismatch,
    claim: &StackClaim,
    places: Places<'_>,
    place: Place,
) -> (String, Vec<Block>, Witness) {
    let describe = |output: Option<[usize; 3]>| output.map_or_else(|| "no output".to_owned(), image_size);
    let [left_size, right_size] = found.outputs();
    let method = format!(
        "output sizes differ: an input of {} gives {} on the left and {} on the right",
        size(found.size()),
        describe(left_size),
        describe(right_size)
    );
    let sides = [("left", &claim.left), ("right", &claim.right)];
    let never = sides.iter().find_map(|(side, stack)| never(side, stack, claim, places));
    let method = never.map_or(method.clone(), |never| format!("{never}; {method}"));
    let (input_size, channels) = (found.size(), found.channels());
    let witness = witness::Sizes { input_size, channels, left_size, right_size, place, derivation: None };
    (method, Vec::new(), Witness::Sizes(witness))
}

/// Why a side has no output for any image; `None` where it has one for some.
fn never(side: &str, stack: &Stack, claim: &StackClaim, places: Places<'_>) -> Option<String> {
    let reason = match fitting::signal(stack, claim.channels, claim.sizes.one()).ok()?.err()? {
        OperatorError::BranchSizes { left, right } => {
            let name = |origin| format!("`{}`", derivation::text(places, origin));
            let words = format!("{} and {} differ in size for every input", name(left), name(right));
            match blame::branch_example(stack, claim.channels, [left, right]) {
                Some([input, a, b]) => format!("{words} ({} and {} for {})", size(a), size(b), size(input)),
                None => words,
            }
        }
        _ => match shape::input_channels(&[stack]) {
            Ok(needs) => {
                let needs = count(needs, "channel", "channels");
                format!("it takes images of {needs}, the other side of {}", claim.channels)
            }
            Err(_) => "its channels do not fit".to_owned(),
        },
    };
    Some(format!("the {side} side never has an output, as {reason}"))
}

/// Which inputs a bound speaks of.
fn range(claim: &StackClaim) -> String {
    let range = claim.tolerance.as_ref().map(|tolerance| &tolerance.range);
    range.map_or_else(String::new, |range| format!("with |x| <= {range} "))
}

fn excess_witness(found: &Excess, claim: &StackClaim, place: Place) -> (String, Vec<Block>, Witness) {
    let example = found.counterexample();
    let shown = decimal(&(example.left() - example.right()).abs());
    let range = range(claim);
    let worst = match found.worst() {
        Worst::Is(worst) => {
            format!("the worst output difference over all inputs {range}is {}", decimal(worst))
        }
        Worst::AtMost(worst) => format!(
            "an input {range}shows an output difference of {shown} (none shows more than {})",
            decimal(worst)
        ),
        Worst::Unbounded => {
            format!("the output difference depends on the free weights and can be {shown}")
        }
    };
    let text = |worst: &Rational| {
        if example.is_approximate() { worst.to_decimal(20) } else { worst.to_string() }
    };
    let (worst_is, at_most) = match found.worst() {
        Worst::Is(worst) => (Some(text(worst)), None),
        Worst::AtMost(worst) => (None, Some(text(worst))),
        Worst::Unbounded => (None, None),
    };
    let excess = witness::Excess { worst: worst_is, at_most, bound: found.bound().clone() };
    let mut details = taken(example, &format!("Then {}; ", values(example)));
    let difference = example.left() - example.right();
    let all = [example.left(), example.right(), &difference];
    let decimals = all.map(|value| value.to_decimal(12));
    // Whole numbers and short decimals are read as they are.
    if all.iter().any(|value| value.to_string().len() > 6) {
        let [left, right, difference] = decimals;
        details.insert(
            1,
            Block::Text(format!(
                "In decimals: {left} on the left, {right} on the right, a difference of {difference}."
            )),
        );
    }
    (
        format!("{worst}, more than the bound {}", found.bound()),
        details,
        counterexample(example, Some(excess), place),
    )
}
