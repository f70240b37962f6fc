//! A claim about free kernels with many channels, said about few: for a second opinion on proofs that hold for every
//! number of channels, and for what refutes them at weights that are 0 elsewhere. Reads the forms of kernels that words are made
//! of, and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::forms::blocks::{self, Division};
use crate::ir::{
    Channels, Composite, Conv, ConvTranspose, KernelExpr, KernelTerm, Layer, Op, PadMode, Pointwise,
    Rearrangement, Stack, StackClaim,
};
use crate::kernel::{ConcreteKernel, Shape};
use convproof_exact::Symbol;

/// A claim about few channels.
pub struct FewChannels {
    /// The claim.
    pub claim: StackClaim,
    /// The symbols that occur in it, each with the one whose place it takes.
    pub symbols: BTreeMap<Symbol, Symbol>,
    /// Those of them that stand under a square root.
    pub under_roots: BTreeSet<Symbol>,
    /// The channels of the input that its channels stand for.
    pub inputs: Vec<usize>,
}

impl FewChannels {
    /// The claim with at most so many channels in each block; `None` if it has layers or kernels that are not read here.
    pub fn of(claim: &StackClaim, most: usize) -> Option<Self> {
        if !claim.is_readable() {
            return None;
        }
        let division = blocks::division(claim).ok()?;
        let (symbols, under_roots) = (BTreeMap::new(), BTreeSet::new());
        let mut fewer = Fewer { division, most, symbols, under_roots, in_root: false };
        let left = Arc::new(fewer.stack(&claim.left)?);
        let right = Arc::new(fewer.stack(&claim.right)?);
        let channels = fewer.few(claim.channels);
        let inputs = (0..channels).map(|channel| fewer.old(claim.channels, channel)).collect();
        let claim = StackClaim { left, right, channels, ..claim.clone() };
        Some(Self { claim, symbols: fewer.symbols, under_roots: fewer.under_roots, inputs })
    }
}

/// Makes blocks of channels narrower.
struct Fewer {
    /// The blocks, where channels are taken apart or joined.
    division: Division,
    /// More channels of a block than this become so many.
    most: usize,
    /// The symbols that occur, and those of the entries that they take the places of.
    symbols: BTreeMap<Symbol, Symbol>,
    /// Those under roots.
    under_roots: BTreeSet<Symbol>,
    /// Whether a root is being read.
    in_root: bool,
}

impl Fewer {
    /// How many some channels become: at most [`Self::most`] for each block.
    fn few(&self, channels: usize) -> usize {
        let width = self.division.width(channels);
        channels / width * width.min(self.most)
    }

    /// Which of some channels one of the few stands for.
    fn old(&self, channels: usize, channel: usize) -> usize {
        let width = self.division.width(channels);
        if self.division.step(channels) > 1 {
            // Blocks that take turns begin with the same channels.
            return channel;
        }
        channel / width.min(self.most) * width + channel % width.min(self.most)
    }

    /// Which entry of an array of a shape one of the few stands for.
    fn entry(&self, old: Shape, [o, c, i, j]: [usize; 4], vector: bool) -> [usize; 4] {
        let [o, c] = [self.old(old.outputs, o), self.old(old.inputs, c)];
        if vector { [o, c, self.old(old.height, i), self.old(old.width, j)] } else { [o, c, i, j] }
    }

    fn stack(&mut self, old: &Stack) -> Option<Stack> {
        old.rebuilt(|op| {
            Some(match op {
                Op::Layer(layer, of) => Op::Layer(Arc::new(self.layer(layer)?), of),
                Op::Sum(terms) => {
                    Op::Sum(terms.filled(|(factor, branch)| Some((self.term(factor, true)?, branch)))?)
                }
                Op::Product(factors) => Op::Product(factors),
                Op::Concat(parts) => Op::Concat(parts),
                Op::Broadcast(both) => Op::Broadcast(both),
            })
        })
    }

    fn layer(&mut self, old: &Layer) -> Option<Layer> {
        Some(match old {
            Layer::Conv(conv) => {
                let kernel = self.term(&conv.kernel, false)?;
                let (bias, groups) = (self.bias(conv.bias.as_ref())?, self.groups(&conv.kernel, conv.groups));
                Layer::Conv(Conv { kernel, bias, groups, ..conv.clone() })
            }
            Layer::ConvTranspose(conv) => {
                let kernel = self.term(&conv.kernel, false)?;
                let (bias, groups) = (self.bias(conv.bias.as_ref())?, self.groups(&conv.kernel, conv.groups));
                Layer::ConvTranspose(ConvTranspose { kernel, bias, groups, ..conv.clone() })
            }
            Layer::Scale(vector) => Layer::Scale(self.term(vector, true)?),
            Layer::Bias(vector) => Layer::Bias(self.term(vector, true)?),
            Layer::Pool(_)
            | Layer::GlobalAverage
            | Layer::MaxPool(_)
            | Layer::Subsample(_)
            | Layer::Pad(_)
            | Layer::Upsample(_)
            | Layer::SpaceToDepth(_)
            | Layer::DepthToSpace(_)
            | Layer::Relu
            | Layer::Function(_) => old.clone(),
            Layer::Composite(layer) => Layer::Composite(self.composite(layer)?),
            Layer::Select { from, to } => Layer::Select { from: self.few(*from), to: self.few(*to) },
            Layer::Dense { .. } => return None,
        })
    }

    fn bias(&mut self, old: Option<&KernelTerm>) -> Option<Option<KernelTerm>> {
        Some(match old {
            Some(bias) => Some(self.term(bias, true)?),
            None => None,
        })
    }

    /// Of a depthwise layer every channel is a group.
    fn groups(&self, kernel: &KernelTerm, groups: usize) -> usize {
        if kernel.shape().inputs == 1 { self.few(groups) } else { groups }
    }

    fn composite(&mut self, old: &Composite) -> Option<Composite> {
        Some(match old {
            Composite::Pointwise(Pointwise::LeakyRelu(slopes)) => {
                Composite::Pointwise(Pointwise::LeakyRelu(self.term(slopes, true)?))
            }
            Composite::Pad { ends, mode: PadMode::Constant(value) } => {
                Composite::Pad { ends: *ends, mode: PadMode::Constant(self.term(value, true)?) }
            }
            // What mixes no channels is the same on fewer.
            layer if layer.channels() == Channels::Kept(None) => layer.clone(),
            _ => return None,
        })
    }

    /// A kernel, or a vector with one entry for each channel. Its exact form is never asked for.
    fn term(&mut self, old: &KernelTerm, vector: bool) -> Option<KernelTerm> {
        let expr = self.expr(old.expr(), vector)?;
        Some(KernelTerm::unwritten(self.shape(old.shape(), vector), expr))
    }

    fn shape(&self, old: Shape, vector: bool) -> Shape {
        let [height, width] =
            if vector { [self.few(old.height), self.few(old.width)] } else { [old.height, old.width] };
        Shape { outputs: self.few(old.outputs), inputs: self.few(old.inputs), height, width }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each operation")]
    fn expr(&mut self, old: &KernelExpr, vector: bool) -> Option<Arc<KernelExpr>> {
        use KernelExpr as E;
        Some(Arc::new(match old {
            E::Constant(kernel) => {
                let old = kernel.shape();
                let kept: Result<ConcreteKernel, _> =
                    kernel.gather(self.shape(old, vector), |at| Some(self.entry(old, at, vector)));
                E::Constant(Arc::new(kept.ok()?))
            }
            E::Free { first, shape: old } => {
                let shape = self.shape(*old, vector);
                let numbered =
                    |offset: usize| Some(Symbol(first.0.checked_add(u32::try_from(offset).ok()?)?));
                for offset in 0..shape.entries()? {
                    let from = old.offset(self.entry(*old, shape.entry(offset), vector));
                    self.symbols.insert(numbered(offset)?, numbered(from)?);
                    if self.in_root {
                        self.under_roots.insert(numbered(offset)?);
                    }
                }
                E::Free { first: *first, shape }
            }
            E::Add(a, b) => E::Add(self.expr(a, vector)?, self.expr(b, vector)?),
            E::Sub(a, b) => E::Sub(self.expr(a, vector)?, self.expr(b, vector)?),
            E::Negate(a) => E::Negate(self.expr(a, vector)?),
            E::Hadamard(a, b) => E::Hadamard(self.expr(a, vector)?, self.expr(b, vector)?),
            E::Sqrt(a) => {
                let outer = std::mem::replace(&mut self.in_root, true);
                let under = self.expr(a, vector)?;
                self.in_root = outer;
                E::Sqrt(under)
            }
            E::Convolve(a, b) => E::Convolve(self.expr(a, vector)?, self.expr(b, vector)?),
            E::Divide(a, b) => E::Divide(self.expr(a, vector)?, self.expr(b, vector)?),
            E::Power(a, n) => E::Power(self.expr(a, vector)?, *n),
            E::Dilate(a, by) => E::Dilate(self.expr(a, vector)?, *by),
            E::Repeat(a, by) => E::Repeat(self.expr(a, vector)?, *by),
            E::Flip(a) => E::Flip(self.expr(a, vector)?),
            E::Transpose(a) => E::Transpose(self.expr(a, vector)?),
            E::Pad(a, sides) => E::Pad(self.expr(a, vector)?, *sides),
            E::Trim(a, sides) => E::Trim(self.expr(a, vector)?, *sides),
            E::OfStack(stack) => E::OfStack(Arc::new(self.stack(stack)?)),
            E::Reshape(a, old) if !vector && matches!(&**a, E::OfStack(_)) => {
                E::Reshape(self.expr(a, false)?, self.shape(*old, false))
            }
            E::Reshape(a, old) if vector => E::Reshape(self.expr(a, vector)?, self.shape(*old, vector)),
            E::Rearranged(a, Rearrangement::Outputs(part)) => {
                let part = part.map(|end| self.few(end));
                E::Rearranged(self.expr(a, vector)?, Rearrangement::Outputs(part))
            }
            E::Rearranged(a, Rearrangement::Inputs(part)) => {
                let part = part.map(|end| self.few(end));
                E::Rearranged(self.expr(a, vector)?, Rearrangement::Inputs(part))
            }
            E::Rearranged(a, Rearrangement::SwapChannels) => {
                E::Rearranged(self.expr(a, vector)?, Rearrangement::SwapChannels)
            }
            E::ScaleOutputs(a, v) => E::ScaleOutputs(self.expr(a, vector)?, self.expr(v, true)?),
            E::ScaleInputs(a, v) => E::ScaleInputs(self.expr(a, vector)?, self.expr(v, true)?),
            E::Array { .. }
            | E::Reshape(..)
            | E::Entry(..)
            | E::Sum(_)
            | E::Outer(..)
            | E::Rearranged(..)
            | E::ChannelSums { .. }
            | E::Apply(..) => return None,
        }))
    }
}
