//! An input at which two networks differ, found by trying, shown by evaluating both files with certain digits.

use std::collections::BTreeMap;

use convproof_exact::SplitMix64;
use convproof_files::onnx::{ElementType, Model};
use rustc_hash::FxHashMap;

use crate::dim::Dim;
use crate::enclosure::Enclosure;
use crate::evaluate::{Array, Data, EvaluationError, MAX_WORK, evaluate_within};
use crate::precise::Precise;
use crate::understand::InputShapes;

/// An input of both networks.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its extents.
    pub dims: Vec<usize>,
    /// Its elements, which are floats of 32 bits; the last index fastest.
    pub values: Vec<f32>,
}

/// What two networks give for one input.
#[derive(Clone, Debug)]
pub struct Witness {
    /// The inputs.
    pub inputs: Vec<Input>,
    /// Which output.
    pub output: usize,
    /// How it differs.
    pub differs: Differs,
}

/// How two outputs differ.
#[derive(Clone, Debug)]
pub enum Differs {
    /// In their extents.
    Sizes {
        /// Those of the first.
        before: Vec<usize>,
        /// Those of the second.
        after: Vec<usize>,
    },
    /// In an element.
    Values {
        /// Where.
        index: Vec<usize>,
        /// The first network's.
        before: Enclosure,
        /// The second's.
        after: Enclosure,
        /// How far they are apart, at least, relative to the largest element of the output.
        relative: f64,
        /// How many elements certainly differ, of how many.
        count: (usize, usize),
        /// The indices that differ along each axis: all of them, or the first and the last if it is a range.
        spread: Vec<Spread>,
        /// The sides of the image near which all of them are, if there is more of it.
        border: Option<Border>,
    },
}

/// Sides of an image: all that differs is near one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Border {
    /// How many axes the image has.
    pub axes: usize,
    /// The sides: an axis of the image, and whether its end is meant.
    pub sides: Vec<(usize, bool)>,
    /// How far from them, at most.
    pub width: usize,
    /// Whether that holds of all elements that differ, or of those that differ by more than a thousandth of the most.
    pub all: bool,
}

/// Where along an axis elements differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spread {
    /// At every index.
    Everywhere,
    /// At these.
    At(Vec<usize>),
}

/// What the search came to.
pub enum Search {
    /// An input that tells the networks apart.
    Found(Box<Witness>),
    /// No difference in so many inputs.
    Nothing(usize),
    /// They cannot be evaluated.
    Impossible(EvaluationError),
}

/// Sizes tried for open extents other than the first of an input.
const SIZES: [i64; 5] = [9, 8, 12, 33, 64];
/// Most products of all evaluations of a search.
const MOST_PRODUCTS: u64 = 1 << 31;
/// How large the elements are.
const SCALES: [f32; 4] = [1.0, 8.0, 64.0, 1024.0];

/// Looks for an input at which two networks differ by more than `least`, relative to the output's largest element.
pub fn search(before: &Model, after: &Model, shapes: &InputShapes, least: f64) -> Search {
    let (mut tried, mut left) = (0, MOST_PRODUCTS);
    let mut problem = None;
    for size in SIZES {
        let Some(dims) = concrete(shapes, size) else { continue };
        for (n, scale) in SCALES.into_iter().enumerate() {
            let inputs = draw(before, &dims, scale, u64::try_from(tried).unwrap_or(0));
            let arrays = arrays(before, &inputs);
            let mut run = |model| {
                let most = left.min(MAX_WORK);
                let mut rest = most;
                let outputs = evaluate_within(model, &arrays, &mut rest);
                left -= most - rest;
                outputs
            };
            let outputs = run(before).and_then(|own| Ok((own, run(after)?)));
            match outputs {
                Ok((own, others)) => {
                    tried += 1;
                    if let Some((output, differs)) = difference(&own, &others, least) {
                        return Search::Found(Box::new(Witness { inputs, output, differs }));
                    }
                }
                Err(error) => {
                    problem.get_or_insert(error);
                    break;
                }
            }
            if n == 0 && shapes.values().flatten().all(|dim| dim.number().is_some()) && tried == 0 {
                break;
            }
        }
    }
    match problem {
        Some(error) if tried == 0 => Search::Impossible(error),
        _ => Search::Nothing(tried),
    }
}

/// Most products of a second opinion.
const OPINION: u64 = 1 << 21;
/// Most elements of all constants of networks that a second opinion is given on.
const MAX_CONSTANTS: usize = 1 << 17;

/// Whether two networks that are said to be equal certainly differ at some input: a defect of this program.
pub fn contradicts(before: &Model, after: &Model, shapes: &InputShapes) -> bool {
    let constants = |model: &Model| model.graph.constants.iter().map(|(_, array)| array.len()).sum::<usize>();
    if constants(before).max(constants(after)) > MAX_CONSTANTS {
        return false;
    }
    let mut all: Vec<_> = SIZES.iter().filter_map(|&size| concrete(shapes, size)).collect();
    all.dedup();
    all.iter().any(|dims| {
        let arrays = arrays(before, &draw(before, dims, 1.0, 1));
        let run = |model| evaluate_within(model, &arrays, &mut { OPINION });
        let outputs = run(before).and_then(|own| Ok((own, run(after)?)));
        outputs.is_ok_and(|(own, others)| difference(&own, &others, 0.0).is_some())
    })
}

/// The extents of the inputs where open ones have this size, the first of each input 1.
fn concrete(shapes: &InputShapes, size: i64) -> Option<BTreeMap<String, Vec<usize>>> {
    let mut sizes = BTreeMap::new();
    for dims in shapes.values() {
        for (axis, dim) in dims.iter().enumerate() {
            for symbol in dim.symbols() {
                sizes.entry(symbol).or_insert(if axis == 0 { 1 } else { size });
            }
        }
    }
    let extents = |dims: &Vec<Dim>| -> Option<Vec<usize>> {
        dims.iter().map(|dim| usize::try_from(dim.at(&sizes)?).ok()).collect()
    };
    let dims: Option<BTreeMap<String, Vec<usize>>> =
        shapes.iter().map(|(name, dims)| Some((name.clone(), extents(dims)?))).collect();
    dims.filter(|dims| {
        let count = |dims: &Vec<usize>| crate::tensor::count(dims).is_some_and(|count| count <= 1 << 20);
        dims.values().all(count)
    })
}

/// The type of an input that is not one of floats.
fn whole(model: &Model, name: &str) -> Option<ElementType> {
    let input = model.graph.inputs.iter().find(|input| input.name == name)?;
    input.element.filter(|element| !element.is_float())
}

/// Elements `k/64` between −scale and scale; 0 and 1 for inputs of integers, which count or choose something.
fn draw(model: &Model, dims: &BTreeMap<String, Vec<usize>>, scale: f32, seed: u64) -> Vec<Input> {
    let mut random = SplitMix64::new(seed);
    let mut value = |whole: bool| {
        let k = i16::try_from(random.next_u64() % 129).unwrap_or(0) - 64;
        #[allow(clippy::float_arithmetic, reason = "exact: a small integer times a power of two")]
        let value = if whole { f32::from(k & 1) } else { f32::from(k) / 64.0 * scale };
        value
    };
    let input = |(name, dims): (&String, &Vec<usize>)| {
        let count = crate::tensor::count(dims).unwrap_or(0);
        let whole = whole(model, name).is_some();
        let values = (0..count).map(|_| value(whole)).collect();
        Input { name: name.clone(), dims: dims.clone(), values }
    };
    dims.iter().map(input).collect()
}

fn arrays(model: &Model, inputs: &[Input]) -> FxHashMap<String, Array> {
    let array = |input: &Input| {
        let array = if whole(model, &input.name).is_some() {
            let values = input.values.iter().map(|&value| i64::from(value != 0.0)).collect();
            Array { dims: input.dims.clone(), data: Data::Integers(values) }
        } else {
            let values = input.values.iter().map(|&value| Precise::point(value.into())).collect();
            Array::reals(input.dims.clone(), values)
        };
        (input.name.clone(), array)
    };
    inputs.iter().map(array).collect()
}

/// The output and element that are farthest apart for certain.
fn difference(before: &[Array], after: &[Array], least: f64) -> Option<(usize, Differs)> {
    for (output, (a, b)) in before.iter().zip(after).enumerate() {
        if a.dims != b.dims {
            return Some((output, Differs::Sizes { before: a.dims.clone(), after: b.dims.clone() }));
        }
        let mut largest = 0f64;
        let mut farthest: Option<(f64, usize)> = None;
        let mut places = Vec::new();
        for place in 0..a.len() {
            let (x, y) = (a.real(place), b.real(place));
            largest = largest.max(x.most()).max(y.most());
            let apart = x.apart(y);
            if apart > 0.0 {
                places.push(place);
                if farthest.is_none_or(|(most, _)| apart > most) {
                    farthest = Some((apart, place));
                }
            }
        }
        let Some((apart, place)) = farthest else { continue };
        let relative = Enclosure::point(apart).over(Enclosure::point(largest)).low;
        if relative > least {
            let index = |place: usize| position(&a.dims, place);
            let indices: Vec<Vec<usize>> = places.iter().map(|&place| index(place)).collect();
            let (spread, all) = (spread(&a.dims, &indices), border(&a.dims, &indices, true));
            #[allow(clippy::float_arithmetic, reason = "a threshold for what is said of, and said with it")]
            let border = all.or_else(|| {
                let far = |&place: &usize| a.real(place).apart(b.real(place)) > apart / 1000.0;
                border(&a.dims, &places.iter().copied().filter(far).map(index).collect::<Vec<_>>(), false)
            });
            let count = (places.len(), a.len());
            let differs = Differs::Values {
                index: index(place),
                before: a.real(place).enclosure(),
                after: b.real(place).enclosure(),
                relative,
                count,
                spread,
                border,
            };
            return Some((output, differs));
        }
    }
    None
}

fn position(dims: &[usize], place: usize) -> Vec<usize> {
    let mut rest = place;
    let step = |stride: usize| {
        let at = rest / stride;
        rest %= stride;
        at
    };
    crate::tensor::strides(dims).into_iter().map(step).collect()
}

/// The fewest sides of the image such that every index is near one of them; nothing where that is no small part of it.
fn border(dims: &[usize], indices: &[Vec<usize>], all: bool) -> Option<Border> {
    let image = dims.get(2..).filter(|image| (1..=3).contains(&image.len()))?;
    let sides: Vec<(usize, bool)> = (0..image.len()).flat_map(|axis| [(axis, false), (axis, true)]).collect();
    let distance = |index: &[usize], &(axis, end): &(usize, bool)| {
        let at = index[axis + 2];
        if end { image[axis] - 1 - at } else { at }
    };
    let near = |choice: usize| {
        let chosen: Vec<(usize, bool)> =
            (0..sides.len()).filter(|side| choice >> side & 1 == 1).map(|side| sides[side]).collect();
        let farthest = indices.iter().map(|index| chosen.iter().map(|side| distance(index, side)).min());
        let width = farthest.max()?? + 1;
        let small = chosen.iter().all(|&(axis, _)| 3 * width < image[axis]);
        small.then_some(Border { axes: image.len(), sides: chosen, width, all })
    };
    let choices = (1..1usize << sides.len()).filter_map(near);
    choices.min_by_key(|border| (border.sides.len(), border.width))
}

fn spread(dims: &[usize], indices: &[Vec<usize>]) -> Vec<Spread> {
    let along = |axis: usize| {
        let mut seen: Vec<usize> = indices.iter().map(|index| index[axis]).collect();
        seen.sort_unstable();
        seen.dedup();
        if seen.len() == dims[axis] { Spread::Everywhere } else { Spread::At(seen) }
    };
    (0..dims.len()).map(along).collect()
}
