//! Compares what the program says of a claim with what is seen at every small size.

use std::collections::BTreeMap;
use std::fmt;

use convproof::check::{Files, check};
use convproof::report::{ClaimReport, Outcome, Witness};
use convproof::source::Source;
use serde_json::Value;

use super::evaluate::{Image, Weights, channels, run};
use super::number::{Fraction, Number, Residue};
use super::random::Random;
use super::spec::{Claim, Layer, Sizes, Stack, entry_name, is_nonlinear};
use super::words::{self, Agreement};

/// Sizes up to this are all looked at.
const MOST: i64 = 9;

/// Sizes up to this are looked at for the worst difference, which takes a run for each entry of the image.
const MOST_BOUNDED: i64 = 7;

/// What was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    Proved,
    Refuted,
    /// Refuted, with a description of where the sides agree.
    Described,
    /// Refuted, with how many positions of a large image are wrong, some but not all.
    Counted,
    Within,
    Exceeded,
    /// Left open where nonlinear layers allow it.
    Open,
    /// Left open by a limit.
    Limited,
    /// An error that is one.
    Error,
    /// Not claimed: the stacks do not fit each other.
    Unfit,
}

/// What was wrong, in words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wrong(pub(crate) String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn wrong<T>(what: impl fmt::Display) -> Result<T, Wrong> {
    Err(Wrong(what.to_string()))
}

/// What happens at a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Silent,
    Sizes,
    /// The output's height and width, and the positions that differ.
    Output([i64; 2], Vec<[i64; 2]>),
    /// Numbers outgrew their bits.
    Unseen,
}

impl Seen {
    fn is_equal(&self) -> bool {
        matches!(self, Self::Output(_, different) if different.is_empty())
    }

    pub(crate) fn is_different(&self) -> bool {
        *self == Self::Sizes || matches!(self, Self::Output(_, different) if !different.is_empty())
    }
}

pub(crate) struct NoFiles;

impl Files for NoFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("{path}: no files"))
    }
}

/// The least number of input channels that both sides accept, if they then have equally many outputs.
pub(crate) fn input_channels(sides: &[Stack; 2]) -> Option<i64> {
    let c = (1..=16).find(|&c| sides.iter().all(|side| channels(side, c).is_some()))?;
    (channels(&sides[0], c) == channels(&sides[1], c)).then_some(c)
}

/// Weights and an image from a seed, as numbers of one kind.
fn random_value<T: Number>(seed: u64, spread: i64) -> impl Fn(u64) -> T {
    move |at| {
        let value = Random(seed.wrapping_add(at.wrapping_mul(0x1234_5677))).from(-spread, spread);
        T::integer(if value == 0 { 1 } else { value })
    }
}

fn seen_with<T: Number>(
    claim: &Claim,
    c: i64,
    [h, w]: [i64; 2],
    seed: u64,
    spread: i64,
    spoilt: impl Fn(&T) -> bool,
) -> Seen {
    let value = random_value::<T>(seed, spread);
    let weights = |kernel: usize, offset: usize| value((kernel * 1000 + offset) as u64 + 1_000_000);
    let image = Image::build([c, h, w], |[c, i, j]| value(((c * 4096 + i) * 4096 + j) as u64));
    let image = image.expect("a size from 1 on");
    match claim.sides.each_ref().map(|side| run(side, &image, &weights)) {
        [None, None] => Seen::Silent,
        [Some(left), Some(right)] if left.size == right.size => {
            if left.cells.iter().chain(&right.cells).any(spoilt) {
                return Seen::Unseen;
            }
            let [c, h, w] = left.size;
            let all = (0..h * w).map(|n| [n / w, n % w]);
            let differs = |&[i, j]: &[i64; 2]| (0..c).any(|c| left.at([c, i, j]) != right.at([c, i, j]));
            Seen::Output([h, w], all.filter(differs).collect())
        }
        _ => Seen::Sizes,
    }
}

/// What happens at a size for general weights and inputs. Nonlinear stacks are only sampled.
pub(crate) fn seen(claim: &Claim, c: i64, size: [i64; 2]) -> Seen {
    if claim.sides.iter().any(|side| is_nonlinear(side)) {
        let tries = (0..4).map(|seed| seen_with::<Fraction>(claim, c, size, seed, 6, |x| x.is_spoilt()));
        let mut tries: Vec<Seen> = tries.collect();
        let different = tries.iter().position(Seen::is_different);
        return tries.swap_remove(different.unwrap_or(0));
    }
    seen_with::<Residue>(claim, c, size, 7, i64::MAX / 8, |_| false)
}

/// Everything that the claim speaks of up to a size.
fn survey(claim: &Claim, c: i64) -> BTreeMap<[i64; 2], Seen> {
    let all: Vec<[i64; 2]> = match claim.sizes {
        Sizes::One(size) => vec![size],
        _ => (1..=MOST).flat_map(|h| (1..=MOST).map(move |w| [h, w])).collect(),
    };
    all.into_iter()
        .filter(|&size| claim.sizes.include(size))
        .map(|size| (size, seen(claim, c, size)))
        .collect()
}

/// The worst difference at a size for inputs up to a range; `None` where there is none or sizes differ.
pub(crate) fn worst_at(claim: &Claim, c: i64, [h, w]: [i64; 2], range: &Fraction) -> Option<Fraction> {
    let weights: Weights<Fraction> = &|_, _| Fraction::integer(0);
    let difference = |image: &Image<Fraction>| {
        let [left, right] = claim.sides.each_ref().map(|side| run(side, image, weights));
        let (left, right) = left.zip(right).filter(|(left, right)| left.size == right.size)?;
        Some(left.cells.iter().zip(&right.cells).map(|(a, b)| a.minus(b)).collect::<Vec<_>>())
    };
    let impulse = |at: i64| {
        Image::build([c, h, w], |[c, i, j]| Fraction::integer(i64::from((c * h + i) * w + j == at)))
    };
    let constant = difference(&impulse(-1)?)?;
    let mut sums = vec![Fraction::integer(0); constant.len()];
    for at in 0..c * h * w {
        let answer = difference(&impulse(at)?)?;
        for ((sum, here), zero) in sums.iter_mut().zip(&answer).zip(&constant) {
            *sum = sum.plus(&here.minus(zero).abs());
        }
    }
    let all = sums.iter().zip(&constant).map(|(sum, zero)| sum.times(range).plus(&zero.abs()));
    all.reduce(|a, b| if a.is_spoilt() || b.is_spoilt() { a.times(&b) } else { a.larger(&b) })
}

/// The worst difference at small sizes that the claim speaks of; `None` where sizes differ or numbers are
/// too long.
pub(crate) fn worst(claim: &Claim, c: i64, range: &Fraction) -> Option<Fraction> {
    let mut most = Fraction::integer(0);
    for (size, seen) in survey(claim, c) {
        let one = matches!(claim.sizes, Sizes::One(_));
        if !one && size.iter().any(|&length| length > MOST_BOUNDED) {
            continue;
        }
        match seen {
            Seen::Silent => {}
            Seen::Output(..) => most = most.larger(&worst_at(claim, c, size, range)?),
            Seen::Sizes | Seen::Unseen => return None,
        }
    }
    (!most.is_spoilt()).then_some(most)
}

/// Decides the claim and tells whether the answer is right.
pub(crate) fn judge(claim: &Claim) -> Result<Right, Wrong> {
    judge_text(&claim.to_string(), claim)
}

/// Checks a spec and tells whether the answer is right for a claim.
pub(crate) fn judge_text(spec: &str, claim: &Claim) -> Result<Right, Wrong> {
    let Some(c) = input_channels(&claim.sides) else { return Ok(Right::Unfit) };
    let source = Source::new("claim", spec);
    let report = check(&source, &NoFiles, &mut |_| {});
    if let Some(error) = report.errors.first() {
        return refused(claim, c, error.code, &error.message);
    }
    let Some(found) = report.claims().next() else { return wrong("no claim in the report") };
    let survey = survey(claim, c);
    match found.outcome {
        Outcome::Unknown => open(claim, found),
        Outcome::Proved => proved(claim, c, &survey, found),
        Outcome::Refuted => refuted(claim, c, &survey, found),
        Outcome::Exact | Outcome::Optimal | Outcome::Found => wrong("a verdict of `fit`"),
    }
}

fn refused(claim: &Claim, c: i64, code: &str, message: &str) -> Result<Right, Wrong> {
    let outputs = |side: &Stack| {
        let alone =
            Claim { sides: [side.clone(), side.clone()], sizes: claim.sizes.clone(), ..claim.clone() };
        survey(&alone, c).into_iter().find(|(_, seen)| matches!(seen, Seen::Output(..)))
    };
    let found = claim.sides.each_ref().map(outputs);
    let right = match code {
        // Branches that agree at no size, or no size with an output.
        "E0220" => found.iter().any(Option::is_none),
        "E0221" => found.iter().all(Option::is_none),
        // A matrix for another number of entries.
        "E0227" => claim.sides.iter().any(|side| side.iter().any(|layer| matches!(layer, Layer::Dense(..)))),
        _ => false,
    };
    if right { Ok(Right::Error) } else { wrong(format!("{code} {message}, but outputs at {found:?}")) }
}

fn open(claim: &Claim, found: &ClaimReport) -> Result<Right, Wrong> {
    let text = &found.method;
    if text.contains("contradict") || text.contains("defect") {
        return wrong(text);
    }
    let mean = |layer: &Layer| matches!(layer, Layer::GlobalAverage);
    let nonlinear = claim.sides.iter().any(|side| is_nonlinear(side));
    let mean = claim.sides.iter().any(|side| super::spec::any_layer(side, &mean));
    match text.contains("nonlinear") || text.contains("affine") {
        true if nonlinear || mean => Ok(Right::Open),
        true => wrong(text),
        false => Ok(Right::Limited),
    }
}

fn proved(
    claim: &Claim,
    c: i64,
    survey: &BTreeMap<[i64; 2], Seen>,
    found: &ClaimReport,
) -> Result<Right, Wrong> {
    let Some([bound, range]) = &claim.within else {
        return match survey.iter().find(|(_, seen)| seen.is_different()) {
            Some(counterexample) => wrong(format!("proved, but {counterexample:?}")),
            None => Ok(Right::Proved),
        };
    };
    if let Some(different) = survey.iter().find(|(_, seen)| **seen == Seen::Sizes) {
        return wrong(format!("proved within, but {different:?}"));
    }
    let said = witness(found)["worst"].as_str().and_then(Fraction::parse);
    let Some(said) = said else { return Ok(Right::Within) };
    match claim.worst.or_else(|| worst(claim, c, range)) {
        Some(worst) if worst.exceeds(bound) || worst.exceeds(&said) => {
            wrong(format!("proved that the worst is {said}, but {worst} occurs"))
        }
        // A size beyond those looked at may be worse, but not beyond the bound.
        _ if said.exceeds(bound) => wrong(format!("proved within {bound} with the worst {said}")),
        _ => Ok(Right::Within),
    }
}

/// What shows a verdict, as JSON has it.
fn witness(found: &ClaimReport) -> Value {
    found.witness.as_ref().map_or(Value::Null, Witness::to_json)
}

fn three(value: &Value) -> Option<[i64; 3]> {
    let all: Vec<i64> = value.as_array()?.iter().filter_map(Value::as_i64).collect();
    all.try_into().ok()
}

fn refuted(
    claim: &Claim,
    c: i64,
    survey: &BTreeMap<[i64; 2], Seen>,
    found: &ClaimReport,
) -> Result<Right, Wrong> {
    let witness = &witness(found);
    let size = if witness.get("input_size").is_some() {
        different_sizes(claim, c, witness)?
    } else {
        different_values(claim, c, witness)?
    };
    if !claim.sizes.include(size) {
        return wrong(format!("the counterexample's size {size:?} is none of the claim's"));
    }
    if claim.within.is_some() {
        return Ok(Right::Exceeded);
    }
    let nonlinear = claim.sides.iter().any(|side| is_nonlinear(side));
    if let Some([some, all]) = witness["wrong_positions"].as_array().map(Vec::as_slice)
        && let Seen::Output([h, w], different) = seen(claim, c, size)
        && !nonlinear
        && [some, all].map(Value::as_i64) != [different.len() as i64, h * w].map(Some)
    {
        return wrong(format!("{some} of {all} positions are wrong at {size:?}, but {different:?}"));
    }
    let counted = typical(claim, c, &witness["typical"])?;
    let sentences = witness["agreement"].as_array().map_or(&[][..], Vec::as_slice);
    for sentence in sentences.iter().filter_map(Value::as_str) {
        let Some(agreement) = words::agreement(sentence) else {
            return wrong(format!("words that are not understood: {sentence}"));
        };
        if !nonlinear {
            agrees(claim, c, survey, &agreement)?;
        }
    }
    Ok(match sentences {
        _ if counted => Right::Counted,
        [] => Right::Refuted,
        _ => Right::Described,
    })
}

/// Whether as many output positions of a large image are wrong as is said; `false` if nothing is, or all are.
fn typical(claim: &Claim, c: i64, said: &Value) -> Result<bool, Wrong> {
    let [size, positions] = [&said["input_size"], &said["wrong_positions"]].map(Value::as_array);
    let (Some(size), Some([some, all])) = (size, positions.map(Vec::as_slice)) else { return Ok(false) };
    let [Some(h), Some(w)] = [&size[0], &size[1]].map(Value::as_i64) else { return wrong("no size") };
    if !claim.sizes.include([h, w]) {
        return wrong("the claim does not speak of a typical image");
    }
    if some == all {
        // What differs everywhere has been seen to differ elsewhere.
        return Ok(false);
    }
    match seen(claim, c, [h, w]) {
        Seen::Output([h, w], different)
            if [some, all].map(Value::as_i64) == [different.len() as i64, h * w].map(Some) =>
        {
            Ok(true)
        }
        // Of nonlinear layers only some images are looked at.
        Seen::Output([h, w], different)
            if claim.sides.iter().any(|side| is_nonlinear(side))
                && all.as_i64() == Some(h * w)
                && some.as_i64() > Some(different.len() as i64) =>
        {
            Ok(true)
        }
        Seen::Output([h, w], different) => {
            let found = different.len();
            wrong(format!("{some} of {all} positions are wrong at a typical size, but {found} of {h}×{w}"))
        }
        other => wrong(format!("{some} of {all} positions are wrong at a typical size, but {other:?}")),
    }
}

fn different_sizes(claim: &Claim, c: i64, witness: &Value) -> Result<[i64; 2], Wrong> {
    let pair: Vec<i64> =
        witness["input_size"].as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
    let [h, w] = pair[..] else { return wrong("no size") };
    if witness["channels"].as_i64() != Some(c) {
        return wrong(format!("{} channels instead of {c}", witness["channels"]));
    }
    let image = Image::build([c, h, w], |_| Residue::integer(0)).ok_or(Wrong("an empty image".into()))?;
    let outputs = claim.sides.each_ref().map(|side| run(side, &image, &|_, _| Residue::integer(1)));
    let sizes = outputs.map(|output| output.map(|image| image.size));
    if sizes[0] == sizes[1] || sizes != [three(&witness["left_size"]), three(&witness["right_size"])] {
        return wrong(format!("the output sizes are {sizes:?}"));
    }
    Ok([h, w])
}

fn different_values(claim: &Claim, c: i64, witness: &Value) -> Result<[i64; 2], Wrong> {
    let input = &witness["input"];
    let size = three(&input["size"]).ok_or(Wrong("no input".into()))?;
    let mut image = Image::build(size, |_| Fraction::integer(0)).ok_or(Wrong("an empty image".into()))?;
    if size[0] != c {
        return wrong(format!("{} channels instead of {c}", size[0]));
    }
    let number = |value: &Value| value.as_str().and_then(Fraction::parse);
    for cell in input["nonzero"].as_array().into_iter().flatten() {
        let (at, value) =
            three(&cell["position"]).zip(number(&cell["value"])).ok_or(Wrong("no cell".into()))?;
        image.cells[((at[0] * size[1] + at[1]) * size[2] + at[2]) as usize] = value;
        if let Some([_, range]) = &claim.within
            && value.abs().exceeds(range)
        {
            return wrong(format!("the input {value} is out of range"));
        }
    }
    let weights = |kernel: usize, offset: usize| {
        let name = entry_name(kernel, claim.free[kernel], offset);
        witness["weights"].get(name).and_then(number).unwrap_or(Fraction::integer(0))
    };
    let at = three(&witness["position"]).ok_or(Wrong("no position".into()))?;
    let outputs = claim.sides.each_ref().map(|side| run(side, &image, &weights));
    let [Some(left), Some(right)] = &outputs else { return wrong("a side has no output") };
    if left.size != right.size {
        return wrong("the output sizes differ");
    }
    let found = [left.at(at), right.at(at)];
    if found.iter().any(|value| value.is_spoilt()) {
        return Ok([size[1], size[2]]);
    }
    if found.map(Some) != [number(&witness["left"]), number(&witness["right"])] {
        return wrong(format!("the values are {} and {}", found[0], found[1]));
    }
    let difference = found[0].minus(&found[1]).abs();
    if difference.is_zero() {
        return wrong("both values are the same");
    }
    if let Some([bound, _]) = &claim.within {
        let worst = number(&witness["worst"]);
        if !difference.exceeds(bound) || worst.is_some_and(|worst| worst != difference) {
            return wrong(format!("the difference {difference} is not the worst, {worst:?}, beyond {bound}"));
        }
    }
    Ok([size[1], size[2]])
}

/// Whether a sentence about where the sides agree is true.
fn agrees(
    claim: &Claim,
    c: i64,
    survey: &BTreeMap<[i64; 2], Seen>,
    agreement: &Agreement,
) -> Result<(), Wrong> {
    let heard = |(_, seen): &(&[i64; 2], &Seen)| !matches!(seen, Seen::Silent | Seen::Unseen);
    for (&size, seen) in survey.iter().filter(heard) {
        let equal = seen.is_equal();
        let right = match agreement {
            Agreement::Nowhere => !equal,
            Agreement::Exactly(said) => said.at(size) == equal,
            Agreement::Below(said, bound) if size[0] < *bound && size[1] < *bound => said.at(size) == equal,
            Agreement::Below(said, _) => equal || !said.at(size),
            Agreement::Some(listed) => equal || !listed.contains(&size),
            Agreement::Interior(..) | Agreement::IfZero => true,
        };
        if !right {
            return wrong(format!("{agreement:?}, but at {size:?}: {seen:?}"));
        }
    }
    let Agreement::Interior([top, left, bottom, right], exactly) = agreement else { return Ok(()) };
    for size in [[31, 32], [33, 30], [34, 35]].into_iter().filter(|&size| claim.sizes.include(size)) {
        let Seen::Output([h, w], different) = seen(claim, c, size) else {
            return wrong(format!("{agreement:?}, but no common size at {size:?}"));
        };
        for [i, j] in (0..h * w).map(|n| [n / w, n % w]) {
            let border = i < *top || j < *left || i + bottom >= h || j + right >= w;
            let differs = different.binary_search(&[i, j]).is_ok();
            if differs && !border || *exactly && border && !differs {
                return wrong(format!("{agreement:?}, but at {size:?}: {i} {j}"));
            }
        }
    }
    Ok(())
}
