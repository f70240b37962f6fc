//! Layer by layer: what each layer adds to the kernel, the stride and the receptive field, and by which law.

use crate::Block;
use convproof_engine::ir::{Layer, Padding, Stack, StackKind};
use convproof_language::source::Source;

/// Extent, stride and upsampling of everything so far, per axis.
#[derive(Clone, Copy)]
struct Reach {
    extent: [usize; 2],
    stride: [usize; 2],
    known: bool,
}

/// Longest text of a layer in a table.
const MAX_TEXT: usize = 48;

/// Most rows of a table.
const MAX_ROWS: usize = 40;

/// A table of the layers of a stack: kernel, stride, receptive field after each, and the law that composes it.
pub fn table(stack: &Stack, source: &Source) -> Option<Block> {
    let mut layers = Vec::new();
    flatten(stack, &mut layers);
    if layers.len() < 2 || layers.len() > MAX_ROWS {
        return None;
    }
    let mut reach = Reach { extent: [1, 1], stride: [1, 1], known: true };
    let rows = layers
        .iter()
        .map(|layer| {
            let law = step(layer, &mut reach);
            let pair = |[v, h]: [usize; 2]| if v == h { v.to_string() } else { format!("{v}, {h}") };
            let size = |[v, h]: [usize; 2]| format!("{v}×{h}");
            let (stride, extent) = if reach.known {
                (pair(reach.stride), size(reach.extent))
            } else {
                ("–".into(), "–".into())
            };
            vec![text(source, layer), stride, extent, law.to_owned()]
        })
        .collect();
    let header = ["layer", "stride so far", "receptive field", "because"].map(str::to_owned).to_vec();
    Some(Block::Table { header, rows })
}

fn flatten<'a>(stack: &'a Stack, into: &mut Vec<&'a Stack>) {
    match &stack.kind {
        StackKind::Chain(inner) => inner.iter().for_each(|stack| flatten(stack, into)),
        StackKind::Layer(_) | StackKind::Sum(_) | StackKind::Concat(_) => into.push(stack),
    }
}

fn text(source: &Source, stack: &Stack) -> String {
    let collapsed = source.slice(stack.span).split_whitespace().collect::<Vec<_>>().join(" ");
    match collapsed.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("`{}…`", &collapsed[..end]),
        None => format!("`{collapsed}`"),
    }
}

/// Takes one layer in and names the law.
fn step(stack: &Stack, reach: &mut Reach) -> &'static str {
    let StackKind::Layer(layer) = &stack.kind else {
        reach.known = false;
        return "branches: kernels of equal stride add";
    };
    let window = |reach: &mut Reach, size: [usize; 2], stride: [usize; 2]| {
        for axis in 0..2 {
            reach.extent[axis] =
                reach.extent[axis].saturating_add((size[axis] - 1).saturating_mul(reach.stride[axis]));
            reach.stride[axis] = reach.stride[axis].saturating_mul(stride[axis]);
        }
    };
    match layer {
        Layer::Conv(conv) => {
            let shape = conv.kernel.shape();
            let taps = [shape.height, shape.width];
            let size = [0, 1].map(|axis| (taps[axis] - 1) * conv.dilation[axis] + 1);
            let first = reach.stride == [1, 1];
            window(reach, size, conv.stride);
            match (first, conv.padding) {
                (_, Padding::Sides(sides)) if sides.iter().all(|&side| side <= 0) => {}
                _ => return "convolution; zero padding cuts what lies outside",
            }
            if first {
                "kernels convolve"
            } else {
                "kernels convolve; the stride before it dilates the kernel (noble identity)"
            }
        }
        Layer::Pool(pool) => {
            window(reach, pool.size, pool.stride);
            if pool.average {
                "average pooling is convolution with a box"
            } else {
                "sum pooling is convolution with ones"
            }
        }
        Layer::Subsample(stride) => {
            window(reach, [1, 1], *stride);
            "strides multiply"
        }
        Layer::MaxPool(pool) => {
            window(reach, pool.size, pool.stride);
            "maximum over windows: composes over max and +"
        }
        Layer::Pad(_) => "shifts positions",
        Layer::Scale(_) => "a 1×1 kernel",
        Layer::Bias(_) => "adds a constant; later kernels multiply it by their sum",
        Layer::Select { .. } => "a 1×1 kernel of zeros and ones",
        Layer::SpaceToDepth(n) => {
            window(reach, [*n, *n], [*n, *n]);
            "a strided kernel of zeros and ones"
        }
        Layer::Relu => "nonlinear: the layers between nonlinearities are compared",
        Layer::ConvTranspose(_) | Layer::Upsample(_) | Layer::DepthToSpace(_) => {
            reach.known = false;
            "a kernel on the upsampled image (noble identity)"
        }
        Layer::GlobalAverage | Layer::Dense { .. } => {
            reach.known = false;
            "a kernel as large as the image"
        }
    }
}
