//! How a proof with sizes as symbols came about: words and data for what was told while it was made. Reads no layers, only
//! their texts.

use super::derivation::{DILATES, ENDS, Said, alone, sides};
use super::steps::{harmless, kernel, side};
use crate::witness::{self, Derivation, Whole};
use crate::{Block, Pair};
use convproof_engine::operator::gather::index;
use convproof_engine::operator::trace::{Harmless, Made, Record};
use convproof_engine::symbolic::exponent::{Exponent, whole};
use convproof_engine::symbolic::reach::SymbolicReach;
use convproof_engine::symbolic::trace::{Became, Did, PartKind, Steps};
use convproof_language::resolve::SizeProof;
use convproof_language::source::Places;

/// Both sides, layer by layer.
pub(super) fn blocks(steps: &[Steps; 2], proof: &SizeProof, places: Places<'_>) -> Vec<Block> {
    sides(steps.each_ref().map(Steps::trace), places, true, |record| said(record, proof))
}

/// The same as data.
pub(super) fn derivation(steps: &[Steps; 2], proof: &SizeProof, places: Places<'_>) -> Derivation {
    let step = |record: &Record<Did, Option<SymbolicReach>>| {
        let reach = record.output.as_ref();
        let pair = |of: &[Exponent; 2]| of.each_ref().map(|one| number(one, proof));
        witness::Step {
            did: did(&record.did),
            stride: reach.map(|reach| pair(&reach.stride)),
            upsampling: reach.map(|_| [1, 1].map(Whole::Number)),
            extent: reach.map(|reach| pair(&reach.extent())),
            length: [0, 1].map(|axis| {
                let reach = reach?;
                let [add, stride] = [&reach.add[axis], &reach.stride[axis]].map(|one| number(one, proof));
                Some([Whole::Number(1), add, stride])
            }),
            ..witness::Step::default()
        }
    };
    let [left, right] = steps.each_ref().map(|own| side(own.trace(), places, step));
    Derivation { left, right, ..Derivation::default() }
}

fn number(value: &Exponent, proof: &SizeProof) -> Whole {
    let number = value.as_constant().and_then(|number| number.as_i64());
    number.map_or_else(|| Whole::Polynomial(proof.show(value)), Whole::Number)
}

fn pair(values: &[Exponent; 2], proof: &SizeProof) -> Pair {
    let numbers = values.each_ref().map(|value| number(value, proof));
    match numbers {
        [Whole::Number(v), Whole::Number(h)] => Pair::Numbers([v, h].map(index)),
        _ => Pair::Polynomials(values.each_ref().map(|value| proof.show(value))),
    }
}

fn said(record: &Record<Did, Option<SymbolicReach>>, proof: &SizeProof) -> Said {
    let reach = record.output.as_ref();
    Said {
        window: None,
        stride: reach.map(|reach| pair(&reach.stride, proof)),
        field: reach.map(|reach| pair(&reach.extent(), proof)),
        law: words(&record.did, reach.is_some_and(|reach| reach.stride.iter().any(|own| *own != whole(1)))),
    }
}

/// What was done with a part; `strided` if what came out has a stride.
fn words(did: &Did, strided: bool) -> String {
    let convolved = did.joined.iter().any(|one| matches!(one, Became::Convolved { .. }));
    let mut words = match did.part {
        PartKind::Linear(Made::Kernel) if convolved => "kernels convolve".to_owned(),
        PartKind::Linear(made) => alone(made, [false, strided], false),
        PartKind::Maximum => "nonlinear: a maximum over windows".to_owned(),
        PartKind::Relu => "nonlinear: what is before it is compared as a whole".to_owned(),
        PartKind::Several => "a kernel and constants".to_owned(),
        PartKind::Stack => "one part, put together before".to_owned(),
        PartKind::Sum => "the outputs of the branches are added: their kernels are one".to_owned(),
        PartKind::Times => "its kernel, times a number".to_owned(),
        PartKind::Copies => "so many copies: a power of the kernel".to_owned(),
        PartKind::Poolings => "so many copies are one, with the power of the stride".to_owned(),
    };
    for joined in &did.joined {
        words += match joined {
            Became::Convolved { dilated: true, .. } => DILATES,
            Became::Maxima => "; a maximum of maxima is one over larger windows",
            Became::Chosen => "; a stride of the maxima before it",
            Became::Positive => "; nothing before it is negative",
            Became::Passed => "; the constant before it moves behind it",
            Became::Cut => {
                "; apart, as what is before it is cut at its border, beyond which this reads zeros"
            }
            Became::Convolved { .. } | Became::First | Became::Kept | Became::Added | Became::Apart => "",
        };
        if let Became::Convolved { border: Harmless::Zero, .. } = joined {
            words += ENDS;
        }
    }
    words
}

fn did(did: &Did) -> witness::Did {
    let (what, made) = match did.part {
        PartKind::Linear(made) => ("linear", Some(kernel(made))),
        PartKind::Maximum => ("maximum", None),
        PartKind::Relu => ("relu", None),
        PartKind::Several => ("several", None),
        PartKind::Stack => ("stack", None),
        PartKind::Sum => ("sum", None),
        PartKind::Times => ("times", None),
        PartKind::Copies => ("copies", None),
        PartKind::Poolings => ("poolings", None),
    };
    let border = did.joined.iter().find_map(|one| match one {
        Became::Convolved { border, .. } => Some(harmless(*border)),
        _ => None,
    });
    let joined = did.joined.iter().map(|one| match one {
        Became::First => "first",
        Became::Kept => "kept",
        Became::Convolved { dilated: false, .. } => "convolved",
        Became::Convolved { dilated: true, .. } => "dilated",
        Became::Maxima => "maxima",
        Became::Chosen => "chosen",
        Became::Positive => "positive",
        Became::Added => "added",
        Became::Passed => "passed",
        Became::Cut => "cut",
        Became::Apart => "apart",
    });
    witness::Did { what, kernel: made, border, joined: Some(joined.collect()), ..witness::Did::default() }
}
