//! How a verdict came about, layer by layer: words for what was told while it happened. Reads no layers, only their texts.

use super::text::count;
use crate::{Block, Pair, Step};
use convproof_engine::forms::trace as read;
use convproof_engine::ir::Origin;
use convproof_engine::operator::gather::index;
use convproof_engine::operator::trace::{
    Did, Harmless, Joined, Law, Made, Needed, Positive, Record, Stop, Trace,
};
use convproof_engine::prove::verdict::{Composed, Derivation, Read};
use convproof_language::source::Places;

/// Longest text of a layer.
const MAX_TEXT: usize = 48;

/// Said of a kernel behind a stride.
pub(super) const DILATES: &str = "; the stride before it dilates the kernel (noble identity)";

/// Said of one that was composed though it reads zeros.
pub(super) const ENDS: &str = "; where it reads beyond the ends, what is before it is 0";

/// Most layers that are shown.
const MAX_LAYERS: usize = 40;

/// What was done on the way to a verdict; as a derivation, or only to look at.
pub(super) fn blocks(derivation: &Derivation, places: Places<'_>, proof: bool) -> Vec<Block> {
    match derivation {
        Derivation::Composed(composed) => self::composed(composed, places, proof),
        Derivation::Read(read) => self::read(read, places, proof),
    }
}

/// Both sides, composed, and what was found to be equal in them.
pub(super) fn composed(composed: &Composed, places: Places<'_>, proof: bool) -> Vec<Block> {
    let words = |record: &Record<Did>| moving(composition(&record.did), record);
    let mut all = sides(composed.sides.each_ref(), places, proof, words);
    if !composed.matched.is_empty() && proof {
        all.push(Block::Text(format!(
            "Nonlinear layers that agree in all that they read, at every position of the claim's sizes: {}.",
            count(composed.matched.len(), "pair", "pairs")
        )));
    }
    if composed.settled > 0 && proof {
        all.push(Block::Text(format!(
            "Of the pairs of border patterns {} far from all borders, where both sides have one normal form.",
            if composed.settled == 1 { "1 is".to_owned() } else { format!("{} are", composed.settled) }
        )));
    }
    all
}

/// Both sides, read as sums.
pub(super) fn read(read: &Read, places: Places<'_>, proof: bool) -> Vec<Block> {
    let words = |record: &Record<read::Did>| moving(reading(&record.did), record);
    let mut all = sides(read.sides.each_ref(), places, proof, words);
    if proof && !all.is_empty() && read.sides.iter().any(|side| side.reordered) {
        all.push(Block::Text("Layers were read before others with which they commute.".to_owned()));
    }
    all
}

/// Both sides, layer by layer.
pub(super) fn sides<D, O>(
    [left, right]: [&Trace<D, O>; 2],
    places: Places<'_>,
    proof: bool,
    words: impl Fn(&Record<D, O>) -> Said,
) -> Vec<Block> {
    let sides = [("The left side", left), ("The right side", right)];
    sides.into_iter().filter_map(|(title, side)| layers(title, side, places, proof, &words)).collect()
}

/// What is said of a step: the window that moves, and what was done.
type Words = (Option<[usize; 2]>, String);

/// The same with stride and receptive field of what came out.
pub(super) struct Said {
    pub window: Option<[usize; 2]>,
    pub stride: Option<Pair>,
    pub field: Option<Pair>,
    pub law: String,
}

/// Stride and receptive field, where they are numbers of the image itself.
fn moving<D>((window, law): Words, record: &Record<D>) -> Said {
    let plain = record.output.reach.filter(|axes| axes.iter().all(|axis| axis.up == 1));
    let stride = plain.map(|axes| Pair::Numbers(axes.map(|axis| index(axis.down))));
    let field = plain.map(|axes| Pair::Numbers(axes.map(|axis| index(axis.extent()))));
    Said { window, stride, field, law }
}

/// The layers of a stack with stride and receptive field after each, and what was done with it.
fn layers<D, O>(
    title: &str,
    side: &Trace<D, O>,
    places: Places<'_>,
    proof: bool,
    words: impl Fn(&Record<D, O>) -> Said,
) -> Option<Block> {
    let own: Vec<(usize, &Record<D, O>)> =
        (1..).zip(&side.kept).filter(|(_, record)| record.depth == 0).collect();
    if !side.is_whole() || own.len() < 2 || own.len() > MAX_LAYERS {
        return None;
    }
    let spine = spine(&own);
    let steps = own.iter().map(|(number, record)| {
        let Said { window, stride, field, law } = words(record);
        let layer = text(places, record.origin);
        Step { layer, branch: !spine.contains(number), window, stride, field, law }
    });
    Some(Block::Layers { title: title.to_owned(), steps: steps.collect(), derivation: proof })
}

/// The steps that everything goes through.
fn spine<D, O>(own: &[(usize, &Record<D, O>)]) -> Vec<usize> {
    let mut spine = Vec::new();
    let mut first = own.last().map_or(0, |(number, _)| *number);
    for (number, record) in own.iter().rev() {
        if *number <= first {
            spine.push(*number);
        }
        first = record.reads.iter().fold(first, |first, read| first.min(*read));
    }
    spine
}

/// A place's text on one line, cut where it is long.
pub(super) fn text(places: Places<'_>, origin: Origin) -> String {
    let collapsed = places.text(origin).split_whitespace().collect::<Vec<_>>().join(" ");
    match collapsed.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", &collapsed[..end]),
        None => collapsed,
    }
}

/// What composition did.
fn composition(did: &Did) -> Words {
    match did {
        Did::Linear { made, window, axes, joined } => {
            let window = window.map(index);
            let shown = matches!(made, Made::Kernel | Made::Transposed | Made::Box | Made::Ones);
            let (up, down) = (axes.iter().any(|axis| axis.up > 1), axes.iter().any(|axis| axis.down > 1));
            (shown.then_some(window), linear(*made, window, [up, down], joined))
        }
        Did::Mean { over, window, .. } => {
            (Some(window.map(index)), format!("a mean whose divisor varies at the border{}", cut(*over)))
        }
        Did::Maximum { over, window, merged, .. } => {
            let what = if *merged {
                "nonlinear: a maximum of maxima is one over larger windows"
            } else {
                "nonlinear: a maximum over windows"
            };
            (Some(window.map(index)), format!("{what}{}", cut(*over)))
        }
        Did::Relu(Positive::Whole(_)) => {
            (None, "nonlinear: what is before it is compared as a whole".to_owned())
        }
        Did::Relu(Positive::Already) => (None, "nothing before it is negative".to_owned()),
        Did::Relu(Positive::Moved(_)) => {
            (None, "nonlinear: the positive part commutes with what is before it".to_owned())
        }
        Did::Function(_) => (None, "nonlinear: equal arguments have equal values".to_owned()),
        Did::Average { moved: false, .. } => (None, "the mean of the whole image".to_owned()),
        Did::Average { moved: true, .. } => {
            (None, "the mean of the whole image; 1×1 kernels before it commute with it".to_owned())
        }
        Did::Product(_) => (None, "the outputs of both branches are multiplied".to_owned()),
        Did::Broadcast(_) => (None, BROADCAST.to_owned()),
        Did::Sum { branches: 1, .. } => (None, "a 1×1 kernel".to_owned()),
        Did::Sum { kernels: 0, .. } => {
            (None, "the outputs of the branches are added: their kernels cancel".to_owned())
        }
        Did::Sum { kernels: 1, .. } => {
            (None, "the outputs of the branches are added: their kernels are one".to_owned())
        }
        Did::Sum { kernels, .. } => {
            let kernels = count(*kernels, "kernel", "kernels");
            (None, format!("the outputs of the branches are added: a sum of {kernels}"))
        }
        Did::Concat { .. } => (None, "the channels of the branches are joined".to_owned()),
        Did::Expanded { layers } => (None, expanded(*layers)),
        Did::Unreached => (None, "nothing reaches it".to_owned()),
    }
}

/// What a broadcast does.
const BROADCAST: &str = "one position, read at every position of the other branch";

fn expanded(layers: usize) -> String {
    if layers == 0 {
        return "nothing changes".to_owned();
    }
    format!("read as {}", count(layers, "simpler layer", "simpler layers"))
}

/// Said where what is read had to be cut before.
fn cut(over: Stop) -> &'static str {
    match over {
        Stop::Node(_) => "",
        Stop::Cut(_) => ", over what is before it, cut to its size",
    }
}

/// What became of the kernel of a linear layer; whether it moves with an upsampling and with a stride.
fn linear(made: Made, window: [usize; 2], moves: [bool; 2], joined: &Joined) -> String {
    let (laws, border) = match joined {
        Joined::Composed { laws, border } => (laws, border),
        Joined::Apart { why, .. } => {
            let what = alone(made, moves, false);
            let why = match why {
                Needed::Border => "what is before it is cut at its border, beyond which this reads zeros",
                Needed::Constant => "apart from a constant before it, which would not be one when upsampled",
                Needed::Positions => "apart from what is before it, as positions do not compose",
                Needed::Terms => "apart from what is before it, as one kernel would have too many terms",
            };
            return format!("{what}; {why}");
        }
    };
    let convolved = laws.iter().filter_map(|law| match law {
        Law::Convolved { spread, dilated } => Some((spread, dilated)),
        Law::First | Law::Kept => None,
    });
    let convolved: Vec<_> = convolved.collect();
    let mut words = match made {
        Made::Kernel if !convolved.is_empty() => "kernels convolve".to_owned(),
        _ => alone(made, moves, *border == Harmless::Zero),
    };
    if convolved.iter().any(|(_, by)| (0..2).any(|axis| by[axis] > 1 && window[axis] > 1)) {
        words += DILATES;
    }
    if convolved.iter().any(|(by, _)| **by != [1, 1]) {
        words += "; upsampling dilates the kernels before it (noble identity)";
    }
    if *border == Harmless::Zero && matches!(made, Made::Kernel | Made::Transposed | Made::Box | Made::Ones) {
        words += if convolved.is_empty() { "; zeros beyond the ends" } else { ENDS };
    }
    words
}

/// What a linear layer is by itself, which may upsample and have a stride; `beyond` if it reads beyond the ends.
pub(super) fn alone(made: Made, [up, down]: [bool; 2], beyond: bool) -> String {
    match made {
        Made::Kernel => "a convolution",
        Made::Transposed => "a kernel on the upsampled image",
        Made::Box => "average pooling is convolution with a box",
        Made::Ones if up => "entries are repeated: ones on the upsampled image",
        Made::Ones => "convolution with ones",
        Made::Moved if up => "zeros between entries: the upsampled image",
        Made::Moved if down => "strides multiply",
        Made::Moved if beyond => "zeros beyond the ends",
        Made::Moved => "entries are cut away or move",
        Made::Same => "nothing changes",
        Made::Diagonal => "a 1×1 kernel",
        Made::Constant => "adds a constant",
        Made::Rearranged => "a kernel of zeros and ones",
        Made::Matrix => "a kernel as large as the image",
    }
    .to_owned()
}

/// What reading a side as sums did.
fn reading(did: &read::Did) -> Words {
    let nonlinear = |what: &str| (None, format!("nonlinear: {what}"));
    match did {
        read::Did::Kept => (None, "nothing changes".to_owned()),
        read::Did::Taps { window, signals, weights, constant } => {
            let times = match weights {
                read::TapWeights::Ones => String::new(),
                read::TapWeights::Numbers => " times numbers".to_owned(),
                read::TapWeights::Entries => " times entries of kernels or vectors".to_owned(),
                read::TapWeights::Matrices(1) => " times one matrix".to_owned(),
                read::TapWeights::Matrices(n) => format!(" times {n} matrices"),
            };
            let plus = if *constant { " plus a constant" } else { "" };
            match window {
                Some([1, 1]) => (None, format!("each position{times}{plus}")),
                Some([rows, columns]) => {
                    (*window, format!("a sum over {rows}×{columns} positions{times}{plus}"))
                }
                None => (None, format!("made of {}{times}{plus}", count(*signals, "sum", "sums"))),
            }
        }
        read::Did::Chosen => (None, "channels are chosen".to_owned()),
        read::Did::Mean { window } => {
            (Some(*window), "a sum, divided by how many positions each window reads".to_owned())
        }
        read::Did::Maximum { window } => (Some(*window), "nonlinear: the largest of a window".to_owned()),
        read::Did::Relu => nonlinear("the larger of it and 0"),
        read::Did::Function => nonlinear("equal arguments have equal values"),
        read::Did::Average { moved: false } => (None, "the mean of the whole signal".to_owned()),
        read::Did::Average { moved: true } => {
            (None, "the mean of the whole signal, before what is done to each position by itself".to_owned())
        }
        read::Did::Product => nonlinear("the outputs of both branches are multiplied"),
        read::Did::Broadcast => (None, BROADCAST.to_owned()),
        read::Did::Sum { branches: 1 } => (None, "each position times a number".to_owned()),
        read::Did::Sum { .. } => (None, "the outputs of the branches are added".to_owned()),
        read::Did::Concat { .. } => (None, "the channels of the branches are joined".to_owned()),
        read::Did::Expanded { layers } => (None, expanded(*layers)),
    }
}
