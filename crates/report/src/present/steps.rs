//! How a proof came about, as the JSON report has it: the steps as they were told, one for one.

use super::derivation::text;
use crate::witness::{self, Derivation, Matched, Side, Step, Whole};
use convproof_engine::forms::trace::{self as read, TapWeights};
use convproof_engine::operator::gather::signed;
use convproof_engine::operator::reach::Reach;
use convproof_engine::operator::trace::{Did, Harmless, Joined, Law, Made, Needed, Output, Record, Trace};
use convproof_engine::prove::verdict::{self as told, Composed, Read};
use convproof_language::source::Places;

/// The steps of both sides.
pub(super) fn all(derivation: &told::Derivation, places: Places<'_>) -> Derivation {
    match derivation {
        told::Derivation::Composed(composed) => self::composed(composed, places),
        told::Derivation::Read(read) => self::read(read, places),
    }
}

/// The steps of both sides, composed.
pub(super) fn composed(composed: &Composed, places: Places<'_>) -> Derivation {
    let step = |record: &Record<Did>| moving(composition(&record.did), record);
    let [left, right] = composed.sides.each_ref().map(|trace| side(trace, places, step));
    let matched =
        composed.matched.iter().map(|found| Matched { nodes: found.nodes, patterns: found.patterns });
    Derivation {
        left,
        right,
        shared: Some(composed.shared()),
        matched: Some(matched.collect()),
        settled: Some(composed.settled),
        repeats: composed.repeats,
        ..Derivation::default()
    }
}

/// The steps of both sides, read as sums.
pub(super) fn read(read: &Read, places: Places<'_>) -> Derivation {
    let step = |record: &Record<read::Did>| moving(reading(&record.did), record);
    let [left, right] = read.sides.each_ref().map(|trace| side(trace, places, step));
    Derivation { left, right, blocks: Some(read.blocks), repeats: read.repeats, ..Derivation::default() }
}

/// The steps of one side; what was done, and how what came out moves, is said by `step`.
pub(super) fn side<D, O>(
    trace: &Trace<D, O>,
    places: Places<'_>,
    step: impl Fn(&Record<D, O>) -> Step,
) -> Side {
    let steps = trace.kept.iter().map(|record| Step {
        layer: text(places, record.origin),
        depth: record.depth,
        reads: record.reads.clone(),
        ..step(record)
    });
    Side { count: trace.all, reordered: trace.reordered, steps: steps.collect() }
}

fn moving<D>(did: witness::Did, record: &Record<D>) -> Step {
    let Output { length, reach } = &record.output;
    let pair = |of: fn(&Reach) -> i64| reach.map(|axes| axes.map(|axis| Whole::Number(of(&axis))));
    Step {
        did,
        stride: pair(|axis| axis.down),
        upsampling: pair(|axis| axis.up),
        extent: pair(Reach::extent),
        length: length.each_ref().map(|length| length.law().map(|law| law.map(Whole::Number))),
        ..Step::default()
    }
}

/// What composition did.
fn composition(did: &Did) -> witness::Did {
    let plain = |what| witness::Did { what, nodes: did.nodes(), ..witness::Did::default() };
    match did {
        Did::Linear { made, window, joined, .. } => {
            let (laws, border, apart) = match joined {
                Joined::Composed { laws, border } => {
                    (Some(laws.iter().map(law).collect()), Some(harmless(*border)), None)
                }
                Joined::Apart { why, .. } => (None, None, Some(needed(*why))),
            };
            let (kernel, window) = (Some(kernel(*made)), Some(*window));
            witness::Did { kernel, window, laws, border, apart, ..plain("linear") }
        }
        Did::Mean { window, .. } => witness::Did { window: Some(*window), ..plain("mean") },
        Did::Maximum { window, .. } => witness::Did { window: Some(*window), ..plain("maximum") },
        Did::Relu(_) => plain("relu"),
        Did::Function(_) => plain("function"),
        Did::Average { .. } => plain("average"),
        Did::Product(_) => plain("product"),
        Did::Broadcast(_) => plain("broadcast"),
        Did::Sum { branches, .. } => witness::Did { branches: Some(*branches), ..plain("sum") },
        Did::Concat { branches } => witness::Did { branches: Some(*branches), ..plain("concat") },
        Did::Expanded { layers } => witness::Did { parts: Some(*layers), ..plain("expanded") },
        Did::Unreached => plain("unreached"),
    }
}

/// What reading a side as sums did.
fn reading(did: &read::Did) -> witness::Did {
    let plain = |what| witness::Did { what, ..witness::Did::default() };
    let over = |window: &[usize; 2]| Some(window.map(signed));
    match did {
        read::Did::Kept => plain("kept"),
        read::Did::Taps { window, signals, weights, constant } => {
            let (weights, matrices) = match weights {
                TapWeights::Ones => ("ones", None),
                TapWeights::Numbers => ("numbers", None),
                TapWeights::Entries => ("entries", None),
                TapWeights::Matrices(count) => ("matrices", Some(*count)),
            };
            let window = window.map(|window| window.map(signed));
            let (weights, parts) = (Some(weights), Some(*signals));
            let constant = Some(*constant);
            witness::Did { window, parts, weights, matrices, constant, ..plain("taps") }
        }
        read::Did::Chosen => plain("chosen"),
        read::Did::Mean { window } => witness::Did { window: over(window), ..plain("mean") },
        read::Did::Maximum { window } => witness::Did { window: over(window), ..plain("maximum") },
        read::Did::Relu => plain("relu"),
        read::Did::Function => plain("function"),
        read::Did::Average { .. } => plain("average"),
        read::Did::Product => plain("product"),
        read::Did::Broadcast => plain("broadcast"),
        read::Did::Sum { branches } => witness::Did { branches: Some(*branches), ..plain("sum") },
        read::Did::Concat { branches } => witness::Did { branches: Some(*branches), ..plain("concat") },
        read::Did::Expanded { layers } => witness::Did { parts: Some(*layers), ..plain("expanded") },
    }
}

pub(super) fn kernel(made: Made) -> &'static str {
    match made {
        Made::Kernel => "kernel",
        Made::Transposed => "transposed",
        Made::Box => "box",
        Made::Ones => "ones",
        Made::Moved => "moved",
        Made::Same => "same",
        Made::Diagonal => "diagonal",
        Made::Constant => "constant",
        Made::Rearranged => "rearranged",
        Made::Matrix => "matrix",
    }
}

fn law(law: &Law) -> witness::Law {
    match *law {
        Law::First => witness::Law::First,
        Law::Kept => witness::Law::Kept,
        Law::Convolved { spread, dilated } => witness::Law::Convolved { spread, dilated },
    }
}

pub(super) fn harmless(border: Harmless) -> &'static str {
    match border {
        Harmless::Inside => "inside",
        Harmless::Zero => "zero",
    }
}

fn needed(why: Needed) -> &'static str {
    match why {
        Needed::Border => "border",
        Needed::Constant => "constant",
        Needed::Positions => "positions",
        Needed::Terms => "terms",
    }
}
