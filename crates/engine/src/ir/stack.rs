//! Stacks of layers, resolved. Axis pairs are `[vertical, horizontal]`, sides `[top, left, bottom, right]`.

use std::sync::Arc;

use super::{Composite, Function, KernelTerm};
use crate::ir::Origin;
use convproof_exact::Symbol;

/// A stack and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    /// What it computes.
    pub kind: StackKind,
    /// Its place.
    pub origin: Origin,
}

/// The ways to build a stack.
#[derive(Clone, Debug, PartialEq)]
pub enum StackKind {
    /// A single layer.
    Layer(Layer),
    /// One after the other; the identity when empty.
    Chain(Vec<Arc<Stack>>),
    /// Outputs added, each times a scalar; sizes and channels must agree.
    Sum(Vec<(KernelTerm, Arc<Stack>)>),
    /// Outputs multiplied entry by entry; sizes and channels must agree.
    Product([Arc<Stack>; 2]),
    /// Output channels joined in order; sizes must agree.
    Concat(Vec<Arc<Stack>>),
}

impl Stack {
    /// The free symbols that its weights are made of, square roots included; sorted.
    pub fn symbols(&self) -> Vec<Symbol> {
        let mut all = Vec::new();
        self.collect_symbols(&mut all);
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Entries of all kernels, vectors and matrices of its layers together, saturating.
    pub fn weight_count(&self) -> usize {
        let sum = |stacks: &mut dyn Iterator<Item = &Arc<Self>>| {
            stacks.fold(0_usize, |sum, stack| sum.saturating_add(stack.weight_count()))
        };
        match &self.kind {
            StackKind::Layer(layer) => {
                layer.weights().iter().fold(0, |sum, term| sum.saturating_add(term.len()))
            }
            StackKind::Chain(stacks) | StackKind::Concat(stacks) => sum(&mut stacks.iter()),
            StackKind::Product(factors) => sum(&mut factors.iter()),
            StackKind::Sum(branches) => sum(&mut branches.iter().map(|(_, stack)| stack)),
        }
    }

    /// The free symbols that its weights may be made of, square roots included, as ranges.
    pub fn symbol_ranges(&self) -> Vec<(Symbol, u32)> {
        match &self.kind {
            StackKind::Layer(layer) => {
                layer.weights().into_iter().flat_map(|term| term.kernel().symbol_ranges()).collect()
            }
            StackKind::Chain(stacks) | StackKind::Concat(stacks) => {
                stacks.iter().flat_map(|stack| stack.symbol_ranges()).collect()
            }
            StackKind::Product(factors) => factors.iter().flat_map(|stack| stack.symbol_ranges()).collect(),
            StackKind::Sum(branches) => branches
                .iter()
                .flat_map(|(factor, stack)| [factor.kernel().symbol_ranges(), stack.symbol_ranges()].concat())
                .collect(),
        }
    }

    fn collect_symbols(&self, into: &mut Vec<Symbol>) {
        match &self.kind {
            StackKind::Layer(layer) => {
                into.extend(layer.weights().into_iter().flat_map(|term| term.kernel().symbols()));
            }
            StackKind::Chain(stacks) | StackKind::Concat(stacks) => {
                stacks.iter().for_each(|stack| stack.collect_symbols(into));
            }
            StackKind::Product(factors) => factors.iter().for_each(|stack| stack.collect_symbols(into)),
            StackKind::Sum(branches) => {
                for (factor, stack) in branches {
                    into.extend(factor.kernel().symbols());
                    stack.collect_symbols(into);
                }
            }
        }
    }
}

impl Layer {
    /// The kernels, vectors and matrices that it holds.
    pub fn weights(&self) -> Vec<&KernelTerm> {
        fn with_bias<'a>(kernel: &'a KernelTerm, bias: &'a Option<KernelTerm>) -> Vec<&'a KernelTerm> {
            std::iter::once(kernel).chain(bias).collect()
        }
        match self {
            Self::Conv(conv) => with_bias(&conv.kernel, &conv.bias),
            Self::ConvTranspose(conv) => with_bias(&conv.kernel, &conv.bias),
            Self::Dense { weights, bias } => with_bias(weights, bias),
            Self::Scale(term) | Self::Bias(term) => vec![term],
            Self::Composite(layer) => layer.weights().into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

/// A layer with all defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// Cross-correlation.
    Conv(Conv),
    /// The transpose of a strided convolution.
    ConvTranspose(ConvTranspose),
    /// Average or sum over windows.
    Pool(AveragePool),
    /// Largest value of each window.
    MaxPool(MaxPool),
    /// Every `s`-th row and column, from the first.
    Subsample([usize; 2]),
    /// Zero rows and columns added on each side; negative removes.
    Pad([i64; 4]),
    /// Each channel times its entry of a vector, or all times a scalar.
    Scale(KernelTerm),
    /// Each channel plus its entry of a vector, or all plus a scalar.
    Bias(KernelTerm),
    /// More rows and columns.
    Upsample(Upsample),
    /// `[c, n·h, n·w]` to `[c·n², h, w]`: channel `c·n² + a·n + b` holds phase `(a, b)`.
    SpaceToDepth(usize),
    /// The inverse of `SpaceToDepth`.
    DepthToSpace(usize),
    /// Channels `from..to`.
    Select {
        /// First channel.
        from: usize,
        /// Just past the last channel.
        to: usize,
    },
    /// The mean of each channel, as a 1×1 image.
    GlobalAverage,
    /// `flatten -> dense(W)`: all entries, channel by channel and row by row, through a matrix.
    Dense {
        /// The matrix, shape `[outputs, inputs]` (one output, one input channel).
        weights: KernelTerm,
        /// One entry for each output.
        bias: Option<KernelTerm>,
    },
    /// `max(x, 0)`.
    Relu,
    /// A function of each entry that is no piecewise linear one.
    Function(Function),
    /// A layer with a definition of its own that is equal to a stack of others.
    Composite(Composite),
}

/// `conv`: `y[o,i,j] = bias[o] + Σ K[o,c,u,v] · x[c, s·i + d·u − p, …]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// `[out, in / groups, h, w]`.
    pub kernel: KernelTerm,
    /// Stride.
    pub stride: [usize; 2],
    /// Dilation.
    pub dilation: [usize; 2],
    /// Padding.
    pub padding: Padding,
    /// Number of groups.
    pub groups: usize,
    /// One entry for each output channel.
    pub bias: Option<KernelTerm>,
}

/// `convtranspose`: input `(i, j)` adds `K[c,o,u,v]` times itself at output `s·i + d·u − p`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvTranspose {
    /// `[in, out / groups, h, w]`, as PyTorch and ONNX store it.
    pub kernel: KernelTerm,
    /// Stride.
    pub stride: [usize; 2],
    /// Dilation.
    pub dilation: [usize; 2],
    /// Rows and columns removed on each side.
    pub padding: [i64; 4],
    /// Rows and columns added at the bottom and right.
    pub output_padding: [usize; 2],
    /// Number of groups.
    pub groups: usize,
    /// One entry for each output channel.
    pub bias: Option<KernelTerm>,
}

/// `avgpool` and `sumpool`.
#[derive(Clone, Debug, PartialEq)]
pub struct AveragePool {
    /// Whether the sum of a window is divided by its size.
    pub average: bool,
    /// Window.
    pub size: [usize; 2],
    /// Stride.
    pub stride: [usize; 2],
    /// Padding.
    pub padding: Padding,
    /// Whether padded zeros count in the divisor.
    pub count_include_pad: bool,
    /// Whether the output length is rounded up (PyTorch's rule: no window starts in the padding after the end).
    pub ceil_mode: bool,
}

impl AveragePool {
    /// Whether windows may be divided by different numbers.
    pub fn divisor_varies(&self) -> bool {
        let (ceil, padded) = match self.padding {
            Padding::Sides(all) => (self.ceil_mode, all.iter().any(|&side| side > 0)),
            // The output length is ⌈n/s⌉ in either mode.
            Padding::SameUpper | Padding::SameLower => (false, true),
        };
        self.average && (ceil || padded && !self.count_include_pad)
    }
}

/// `maxpool`; what lies outside the image never wins.
#[derive(Clone, Debug, PartialEq)]
pub struct MaxPool {
    /// Window.
    pub size: [usize; 2],
    /// Stride.
    pub stride: [usize; 2],
    /// Rows and columns on each side that no maximum is taken over.
    pub padding: Padding,
    /// Whether the output length is rounded up (PyTorch's rule: no window starts in the padding after the end).
    pub ceil_mode: bool,
}

/// `upsample` and `zero_insert`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upsample {
    /// Factor.
    pub factor: [usize; 2],
    /// Whether entries are repeated (nearest) or zeros inserted after them.
    pub nearest: bool,
}

/// How an image is extended before a window moves over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Padding {
    /// Zero rows and columns on each side; negative removes.
    Sides([i64; 4]),
    /// Output ⌈n/s⌉, the odd zero at the end (TensorFlow, ONNX `SAME_UPPER`).
    SameUpper,
    /// Output ⌈n/s⌉, the odd zero at the start (ONNX `SAME_LOWER`).
    SameLower,
}
