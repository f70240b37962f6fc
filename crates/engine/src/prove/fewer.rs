//! A claim about free kernels with many channels, said about few: for a second opinion on proofs that hold for every
//! number of channels. Reads the forms of kernels that words are made of, and no others.

use std::sync::Arc;

use crate::ir::{
    Composite, Conv, KernelExpr, KernelTerm, Layer, PadMode, Pointwise, Stack, StackClaim, StackKind,
};
use crate::kernel::{ConcreteKernel, Kernel, Shape};
use convproof_exact::Symbol;

/// More channels than this become so many.
const FEW: usize = 3;

/// The claim with at most [`FEW`] channels, and the symbols that occur in it; `None` if it has other layers or kernels.
pub fn with_few_channels(claim: &StackClaim) -> Option<(StackClaim, Vec<Symbol>)> {
    let mut symbols = Vec::new();
    let left = Arc::new(stack(&claim.left, &mut symbols)?);
    let right = Arc::new(stack(&claim.right, &mut symbols)?);
    symbols.sort_unstable();
    symbols.dedup();
    Some((StackClaim { left, right, channels: few(claim.channels), ..claim.clone() }, symbols))
}

fn few(channels: usize) -> usize {
    channels.min(FEW)
}

fn stack(old: &Stack, symbols: &mut Vec<Symbol>) -> Option<Stack> {
    let kind = match &old.kind {
        StackKind::Layer(old) => StackKind::Layer(layer(old, symbols)?),
        StackKind::Chain(links) => StackKind::Chain(
            links.iter().map(|link| Some(Arc::new(stack(link, symbols)?))).collect::<Option<_>>()?,
        ),
        StackKind::Sum(branches) => {
            let branch = |(factor, branch): &(KernelTerm, Arc<Stack>)| {
                Some((term(factor, true, symbols)?, Arc::new(stack(branch, symbols)?)))
            };
            StackKind::Sum(branches.iter().map(branch).collect::<Option<_>>()?)
        }
        StackKind::Concat(_) => return None,
    };
    Some(Stack { kind, span: old.span })
}

fn layer(old: &Layer, symbols: &mut Vec<Symbol>) -> Option<Layer> {
    Some(match old {
        Layer::Conv(conv) => {
            let bias = match &conv.bias {
                Some(bias) => Some(term(bias, true, symbols)?),
                None => None,
            };
            let kernel = term(&conv.kernel, false, symbols)?;
            Layer::Conv(Conv { kernel, bias, groups: few(conv.groups), ..conv.clone() })
        }
        Layer::Scale(vector) => Layer::Scale(term(vector, true, symbols)?),
        Layer::Bias(vector) => Layer::Bias(term(vector, true, symbols)?),
        Layer::Pool(_)
        | Layer::MaxPool(_)
        | Layer::Subsample(_)
        | Layer::Pad(_)
        | Layer::Upsample(_)
        | Layer::Relu
        | Layer::Function(_) => old.clone(),
        Layer::Composite(layer) => Layer::Composite(composite(layer, symbols)?),
        _ => return None,
    })
}

fn composite(old: &Composite, symbols: &mut Vec<Symbol>) -> Option<Composite> {
    Some(match old {
        Composite::Pointwise(Pointwise::LeakyRelu(slopes)) => {
            Composite::Pointwise(Pointwise::LeakyRelu(term(slopes, true, symbols)?))
        }
        Composite::Pad { sides, mode: PadMode::Constant(value) } => {
            Composite::Pad { sides: *sides, mode: PadMode::Constant(term(value, true, symbols)?) }
        }
        Composite::Pointwise(_)
        | Composite::Pad { .. }
        | Composite::Resize(_)
        | Composite::AdaptivePool { .. } => old.clone(),
        Composite::Permute(_) | Composite::ChannelShuffle(_) | Composite::ChannelMean => return None,
    })
}

/// A kernel, or a vector with one entry for each channel. Its exact form is never asked for.
fn term(old: &KernelTerm, vector: bool, symbols: &mut Vec<Symbol>) -> Option<KernelTerm> {
    let expr = expr(&old.expr, vector, symbols)?;
    let kernel = Kernel::unwritten(shape(old.shape(), vector));
    Some(KernelTerm { kernel, expr })
}

fn shape(old: Shape, vector: bool) -> Shape {
    let [height, width] = if vector { [few(old.height), few(old.width)] } else { [old.height, old.width] };
    Shape { outputs: few(old.outputs), inputs: few(old.inputs), height, width }
}

fn expr(old: &KernelExpr, vector: bool, symbols: &mut Vec<Symbol>) -> Option<Arc<KernelExpr>> {
    use KernelExpr as E;
    let mut same = |inner: &KernelExpr| expr(inner, vector, symbols);
    Some(Arc::new(match old {
        E::Constant(kernel) => {
            let kept: Result<ConcreteKernel, _> = kernel.gather(shape(kernel.shape(), vector), Some);
            E::Constant(Arc::new(kept.ok()?))
        }
        E::Free { first, shape: old } => {
            let shape = shape(*old, vector);
            let count = u32::try_from(shape.entries()?).ok()?;
            symbols.extend((0..count).map(|n| Symbol(first.0 + n)));
            E::Free { first: *first, shape }
        }
        E::Add(a, b) => E::Add(same(a)?, same(b)?),
        E::Sub(a, b) => E::Sub(same(a)?, same(b)?),
        E::Negate(a) => E::Negate(same(a)?),
        E::Hadamard(a, b) => E::Hadamard(same(a)?, same(b)?),
        E::Sqrt(a) => E::Sqrt(same(a)?),
        E::Convolve(a, b) => E::Convolve(same(a)?, same(b)?),
        E::Divide(a, b) => E::Divide(same(a)?, same(b)?),
        E::Power(a, n) => E::Power(same(a)?, *n),
        E::Dilate(a, by) => E::Dilate(same(a)?, *by),
        E::Repeat(a, by) => E::Repeat(same(a)?, *by),
        E::Flip(a) => E::Flip(same(a)?),
        E::Transpose(a) => E::Transpose(same(a)?),
        E::Pad(a, sides) => E::Pad(same(a)?, *sides),
        E::Trim(a, sides) => E::Trim(same(a)?, *sides),
        E::Reshape(a, old) if vector => E::Reshape(same(a)?, shape(*old, vector)),
        E::ScaleOutputs(a, v) => E::ScaleOutputs(same(a)?, expr(v, true, symbols)?),
        E::ScaleInputs(a, v) => E::ScaleInputs(same(a)?, expr(v, true, symbols)?),
        E::Array { .. }
        | E::Reshape(..)
        | E::Entry(..)
        | E::Sum(_)
        | E::Outer(..)
        | E::Rearranged(..)
        | E::ChannelSums { .. }
        | E::OfStack(_)
        | E::Apply(..) => return None,
    }))
}
