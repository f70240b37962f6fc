//! Layer by layer: what each layer adds to the kernel, the stride and the receptive field, and by which law.

use crate::{Block, Step};
use convproof_engine::ir::{Composite, Layer, Op, Origin, Padding, Stack, StackClaim, Value};
use convproof_engine::operator::gather::index;
use convproof_engine::operator::signature::{Moves, Window};
use convproof_language::source::Places;

/// Extent, stride and upsampling of everything so far, per axis.
#[derive(Clone, Copy)]
struct Reach {
    extent: [usize; 2],
    stride: [usize; 2],
    known: bool,
    /// The layer before is one kernel.
    composes: bool,
}

impl Reach {
    /// That of a layer more.
    fn grow(&mut self, layer: &Layer) {
        let Moves::Window(Window { extent, axes, .. }) = Moves::of(layer) else {
            self.known = false;
            return;
        };
        self.known &= axes.iter().all(|axis| axis.up == 1);
        for axis in 0..2 {
            let (extent, stride) = (index(extent[axis]), index(axes[axis].down));
            self.extent[axis] =
                self.extent[axis].saturating_add(extent.saturating_sub(1).saturating_mul(self.stride[axis]));
            self.stride[axis] = self.stride[axis].saturating_mul(stride);
        }
    }
}

/// Longest text of a layer.
const MAX_TEXT: usize = 48;

/// Most layers that are shown.
const MAX_LAYERS: usize = 40;

/// Both sides of a claim, layer by layer; as a derivation, or only to look at.
pub fn both_sides(claim: &StackClaim, places: Places<'_>, derivation: bool) -> Vec<Block> {
    let sides = [("The left side", &claim.left), ("The right side", &claim.right)];
    sides.into_iter().filter_map(|(title, stack)| layers(title, stack, places, derivation)).collect()
}

/// The layers of a stack with kernel, stride and receptive field after each, and the law that composes it.
fn layers(title: &str, stack: &Stack, places: Places<'_>, derivation: bool) -> Option<Block> {
    let layers = stack.spine();
    if layers.len() < 2 || layers.len() > MAX_LAYERS {
        return None;
    }
    let mut reach = Reach { extent: [1, 1], stride: [1, 1], known: true, composes: false };
    let steps = layers
        .iter()
        .map(|layer| {
            let law = step(layer, &mut reach);
            Step {
                layer: text(places, layer.origin),
                window: window(layer),
                stride: reach.known.then_some(reach.stride),
                field: reach.known.then_some(reach.extent),
                law,
            }
        })
        .collect();
    Some(Block::Layers { title: title.to_owned(), steps, derivation })
}

/// A place's text on one line, cut where it is long.
pub(super) fn text(places: Places<'_>, origin: Origin) -> String {
    let collapsed = places.text(origin).split_whitespace().collect::<Vec<_>>().join(" ");
    match collapsed.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", &collapsed[..end]),
        None => collapsed,
    }
}

/// Takes one layer in and names the law.
fn step(value: &Value, reach: &mut Reach) -> &'static str {
    let layer = match &value.op {
        Op::Layer(layer, _) => &**layer,
        Op::Sum(terms) if terms.iter().len() == 1 => {
            reach.composes = true;
            return "a 1×1 kernel";
        }
        op => {
            (reach.known, reach.composes) = (false, false);
            return match op {
                Op::Concat(_) => "the channels of the branches are joined",
                Op::Product(_) => "the outputs of both branches are multiplied",
                _ => "the outputs of the branches are added",
            };
        }
    };
    let strided = reach.known && reach.stride != [1, 1];
    reach.grow(layer);
    let composes = std::mem::replace(&mut reach.composes, composes_with_kernels(layer));
    match layer {
        Layer::Conv(conv) => match conv.padding {
            Padding::Sides(sides) if sides.iter().all(|&side| side <= 0) => match (composes, strided) {
                (false, _) => "a convolution",
                (true, false) => "kernels convolve",
                (true, true) => "kernels convolve; the stride before it dilates the kernel (noble identity)",
            },
            _ => "convolution; zeros stand around the image",
        },
        Layer::Pool(pool) => match (pool.average, pool.divisor_varies()) {
            (true, true) => "a mean whose divisor varies at the border",
            (true, false) => "average pooling is convolution with a box",
            (false, _) => "sum pooling is convolution with ones",
        },
        Layer::Subsample(_) => "strides multiply",
        Layer::MaxPool(_) => "nonlinear: a maximum over windows",
        Layer::Pad(sides) if sides.iter().all(|&side| side >= 0) => "zeros around the image",
        Layer::Pad(_) => "rows and columns are cut away",
        Layer::Scale(_) => "a 1×1 kernel",
        Layer::Bias(_) => "adds a constant",
        Layer::Select { .. } => "a 1×1 kernel of zeros and ones",
        Layer::SpaceToDepth(_) => "a strided kernel of zeros and ones",
        Layer::Composite(Composite::Pointwise(_)) => "nonlinear: a sum of relus of the entry",
        Layer::Composite(Composite::Permute(_) | Composite::ChannelShuffle(_) | Composite::ChannelMean) => {
            "a 1×1 kernel across channels"
        }
        Layer::Composite(Composite::Resize(_)) => "entries of the image, and what stands between them",
        Layer::Composite(Composite::AdaptivePool { .. }) => "windows that share the image",
        Layer::Composite(Composite::Pad { .. }) => "entries of the image, or a number, around it",
        Layer::Function(_) => "nonlinear: equal arguments have equal values",
        Layer::Relu => "nonlinear: the layers between nonlinearities are compared",
        Layer::ConvTranspose(_) | Layer::Upsample(_) | Layer::DepthToSpace(_) => {
            "a kernel on the upsampled image"
        }
        Layer::GlobalAverage => "the mean of the whole image",
        Layer::Dense { .. } => "a kernel as large as the image",
    }
}

/// The window of a layer that has one.
fn window(value: &Value) -> Option<[usize; 2]> {
    match (value.op.layer()?, Moves::of(value.op.layer()?)) {
        (Layer::Conv(_) | Layer::Pool(_) | Layer::MaxPool(_), Moves::Window(window)) => {
            Some(window.extent.map(index))
        }
        _ => None,
    }
}

/// Whether a layer is one kernel, which the kernel of a layer after it convolves.
fn composes_with_kernels(layer: &Layer) -> bool {
    match layer {
        Layer::Pool(pool) => !pool.divisor_varies(),
        Layer::MaxPool(_)
        | Layer::Relu
        | Layer::GlobalAverage
        | Layer::Dense { .. }
        | Layer::Function(_)
        | Layer::Composite(_) => false,
        _ => true,
    }
}
