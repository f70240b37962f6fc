//! Two networks compared: what each term of the second is in the first, and what that comes to.

use std::collections::BTreeMap;

use convproof_files::onnx::{Attribute, ElementType, Model};

use crate::dim::Dim;
use crate::matching::{Decision, Matcher, Segment};
use crate::table::Terms;
use crate::term::Kind;
use crate::understand::{GraphError, InputShapes, Understood, input_shapes, understand};
use crate::verdict::{Reason, Side};

/// What is asked of a comparison.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How far weights may move, relative to the largest of their segment; by the type of the weights if not said.
    pub limit: Option<f64>,
    /// Extents of inputs, by name; an empty name stands for the first input.
    pub sizes: BTreeMap<String, Vec<i64>>,
}

/// Two networks in one table, and what was decided term by term.
pub struct Comparison {
    /// What was found.
    pub matcher: Matcher,
    /// The first network.
    pub before: Understood,
    /// The second.
    pub after: Understood,
    /// The extents of the inputs.
    pub shapes: InputShapes,
    /// How far weights were allowed to move.
    pub limit: f64,
    /// How many of the extents taken as equal the first network asks for.
    own_conditions: usize,
}

/// What the comparison alone says, before any input is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Standing {
    /// All outputs are equal.
    Equal,
    /// All outputs are those of the first network with weights moved by at most this much.
    Rounding(f64),
    /// Something differs, or was not found.
    Open,
}

/// Weights of 32 bits or more may move by 2⁻²⁰, those of 16 by 2⁻⁹.
const LIMIT: f64 = 9.536_743_164_062_5e-7;
const LIMIT_OF_HALVES: f64 = 1.953_125e-3;

/// Reads two models into one table, the second under the names of the first; the extents of the inputs are those of
/// the files if not given. `progress` is told how many terms of how many have been matched.
///
/// # Errors
/// Which of them is no network, and why.
pub fn compare_models(
    before: &Model,
    after: &Model,
    options: &Options,
    shapes: Option<InputShapes>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Comparison, (Side, GraphError)> {
    let shapes = match shapes {
        Some(shapes) => shapes,
        None => joined_shapes(before, after, options)?,
    };
    let limit = options.limit.unwrap_or(if has_halves(before) || has_halves(after) {
        LIMIT_OF_HALVES
    } else {
        LIMIT
    });
    let mut terms = Terms::default();
    let first = understand(before, &shapes, &mut terms, "before").map_err(|error| (Side::Before, error))?;
    let mut others = Terms::under(terms.agreement.clone());
    let second = understand(after, &shapes, &mut others, "after").map_err(|error| (Side::After, error))?;
    let own_conditions = terms.agreement.pairs().len();
    let mut matcher = Matcher::new(terms.clone(), limit, true);
    matcher.match_all(&others, progress);
    let mut found = Comparison { matcher, before: first, after: second, shapes, limit, own_conditions };
    if found.matcher.has_rescaled() && found.standing() == Standing::Open {
        // A factor that nothing takes back is a difference where it comes in, not where it comes out.
        let with = found.differences().len();
        let mut plain = Matcher::new(terms, limit, false);
        plain.match_all(&others, progress);
        let rescaled = std::mem::replace(&mut found.matcher, plain);
        if found.differences().len() > with {
            found.matcher = rescaled;
        }
    }
    Ok(found)
}

/// The extents of the inputs of both: numbers where either file or the options give one.
fn joined_shapes(
    before: &Model,
    after: &Model,
    options: &Options,
) -> Result<InputShapes, (Side, GraphError)> {
    let wrong = |side, input: &str, reason: String| {
        (side, GraphError::Wrong { node: format!("input `{input}`"), reason })
    };
    let mut shapes = input_shapes(before).map_err(|error| (Side::Before, error))?;
    let others = input_shapes(after).map_err(|error| (Side::After, error))?;
    for (name, dims) in others {
        let Some(own) = shapes.get_mut(&name) else {
            shapes.insert(name, dims);
            continue;
        };
        if own.len() != dims.len() {
            return Err(wrong(
                Side::After,
                &name,
                format!("{} axes here, {} in the other file", dims.len(), own.len()),
            ));
        }
        for (own, other) in own.iter_mut().zip(dims) {
            if own.number().is_none() && other.number().is_some() {
                *own = other;
            }
        }
    }
    let first = before.graph.inputs.first().map(|input| input.name.clone()).unwrap_or_default();
    for (name, sizes) in &options.sizes {
        let name = if name.is_empty() { &first } else { name };
        let fits = shapes.get(name).is_some_and(|own| own.len() == sizes.len());
        if !fits {
            return Err(wrong(Side::Before, name, "the size given is not one of it".to_owned()));
        }
        shapes.insert(name.clone(), sizes.iter().copied().map(Dim::from).collect());
    }
    Ok(shapes)
}

fn has_halves(model: &Model) -> bool {
    let half = |element| matches!(element, ElementType::Float16 | ElementType::BFloat16);
    let stored = model.graph.constants.iter().map(|(_, array)| array);
    let inside =
        model.graph.nodes.iter().flat_map(|node| &node.attributes).filter_map(
            |(_, attribute)| match attribute {
                Attribute::Array(array) => Some(array),
                _ => None,
            },
        );
    stored.chain(inside).any(|array| half(array.element()) && array.len() > 1)
}

impl Comparison {
    /// What was decided, all in all.
    pub fn standing(&self) -> Standing {
        let mut most = 0.0f64;
        let mut outputs = 0;
        for segment in self.matcher.segments() {
            match &segment.decision {
                Decision::Equal => {}
                Decision::Rounding(change) => most = most.max(change.most),
                Decision::Alone if segment.after.op.kind != Kind::Output => continue,
                _ => return Standing::Open,
            }
            outputs += usize::from(segment.after.op.kind == Kind::Output);
        }
        if outputs != self.after.outputs.len() || self.before.outputs.len() != outputs {
            Standing::Open
        } else if most == 0.0 {
            Standing::Equal
        } else {
            Standing::Rounding(most)
        }
    }

    /// The terms that differ, with their numbers, in the order of evaluation.
    pub fn differences(&self) -> Vec<(usize, &Segment)> {
        let differs = |(_, segment): &(usize, &Segment)| {
            // An input, a cut or a constant that was not found shows in what reads it, if anything does.
            let helper = matches!(segment.after.op.kind, Kind::Input | Kind::Cut | Kind::Constant);
            match segment.decision {
                Decision::Equal | Decision::Rounding(_) => false,
                Decision::Alone => !helper,
                _ => true,
            }
        };
        self.matcher.segments().iter().enumerate().filter(differs).collect()
    }

    /// What the second network asks of sizes beyond what the first does.
    pub fn conditions(&self) -> Vec<Reason> {
        let (own, others) = self.matcher.terms().agreement.pairs().split_at(self.own_conditions);
        let open = others.iter().filter(|pair| !implied(own, pair));
        open.map(|(a, b)| Reason::Condition(a.clone(), b.clone())).collect()
    }

    /// The terms whose weights moved a little.
    pub fn moved(&self) -> Vec<&Segment> {
        self.matcher
            .segments()
            .iter()
            .filter(|segment| matches!(segment.decision, Decision::Rounding(_)))
            .collect()
    }
}

/// Whether two extents are equal wherever all of some others are: seen class by class, sizes by their rests modulo
/// powers of two, where every expression is one without quotients.
fn implied(given: &[(Dim, Dim)], wanted: &(Dim, Dim)) -> bool {
    let difference = |(a, b): &(Dim, Dim)| a.plus(&b.times_number(-1));
    let mut names = difference(wanted).symbols();
    names.sort();
    names.dedup();
    if names.len() > 2 {
        return false;
    }
    (1..=6).any(|bits| {
        let modulus = 1i64 << bits;
        let classes = (0..names.len()).fold(1i64, |classes, _| classes * modulus);
        (0..classes).all(|class| {
            let inside = |pair: &(Dim, Dim)| {
                let mut rest = class;
                let mut sum = difference(pair);
                for name in &names {
                    let value = Dim::symbol(name).times_number(modulus).plus_number(rest % modulus);
                    sum = sum.with(name, &value);
                    rest /= modulus;
                }
                sum.number()
            };
            let impossible = given.iter().any(|pair| inside(pair).is_some_and(|number| number != 0));
            impossible || inside(wanted) == Some(0)
        })
    })
}
