//! Layers: those with options are types of their own, so that an option is never given to anything else.

use super::composite::PadMode;
use super::kernel::Kernel;
use super::pair::{Padding, Pair, Sides};
use super::stack::{Stack, StackNode};
use crate::ir::Named;

/// A layer without kernels and options that is no list of whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    Identity,
    Pad(Sides),
    Crop(Sides),
    Select { from: usize, to: usize },
}

fn plain(layer: Plain) -> Stack {
    Stack::of(StackNode::Plain(layer), 0)
}

/// The layer of a name that the table of such layers has.
pub(super) fn named(name: &str, numbers: impl IntoIterator<Item = Pair>) -> Stack {
    let named = Named::of(name).expect("a layer of the table");
    Stack::of(StackNode::Named(named, numbers.into_iter().collect()), 0)
}

/// The image as it is.
pub fn id() -> Stack {
    plain(Plain::Identity)
}

/// `max(x, 0)`.
pub fn relu() -> Stack {
    named("relu", [])
}

/// The mean of each channel, as a 1×1 image.
pub fn global_avgpool() -> Stack {
    named("global_avgpool", [])
}

/// Every `n`-th row and column, from the first.
pub fn subsample(n: impl Into<Pair>) -> Stack {
    named("subsample", [n.into()])
}

/// Zero rows and columns on each side; negative numbers remove.
pub fn pad(sides: impl Into<Sides>) -> Stack {
    plain(Plain::Pad(sides.into()))
}

/// Rows and columns removed on each side.
pub fn crop(sides: impl Into<Sides>) -> Stack {
    plain(Plain::Crop(sides.into()))
}

/// Each entry repeated `n` times along both axes (nearest).
pub fn upsample(n: impl Into<Pair>) -> Stack {
    named("upsample", [n.into()])
}

/// `n − 1` zeros after each entry.
pub fn zero_insert(n: impl Into<Pair>) -> Stack {
    named("zero_insert", [n.into()])
}

/// `[c, n·h, n·w]` to `[c·n², h, w]`.
pub fn space_to_depth(n: usize) -> Stack {
    named("space_to_depth", [n.into()])
}

/// The inverse of [`space_to_depth`].
pub fn depth_to_space(n: usize) -> Stack {
    named("depth_to_space", [n.into()])
}

/// The channels of a range such as `0..16`.
pub fn select(channels: std::ops::Range<usize>) -> Stack {
    plain(Plain::Select { from: channels.start, to: channels.end })
}

/// Each channel times its entry of a vector, or all times a number.
pub fn scale(factors: impl Into<Kernel>) -> Stack {
    let factors = factors.into();
    let depth = factors.depth;
    Stack::of(StackNode::Scale(factors), depth)
}

/// Each channel plus its entry of a vector, or all plus a number.
pub fn bias(summands: impl Into<Kernel>) -> Stack {
    let summands = summands.into();
    let depth = summands.depth;
    Stack::of(StackNode::Bias(summands), depth)
}

/// Batch normalization in inference, `gamma · (x − mean) / √(var + 1e-5) + beta`, by vectors with one entry for each
/// channel.
pub fn batchnorm(
    gamma: impl Into<Kernel>,
    beta: impl Into<Kernel>,
    mean: impl Into<Kernel>,
    var: impl Into<Kernel>,
) -> Stack {
    normalized([gamma.into(), beta.into(), mean.into(), var.into()], None)
}

/// The same with another number than 1e-5.
pub fn batchnorm_with_eps(
    gamma: impl Into<Kernel>,
    beta: impl Into<Kernel>,
    mean: impl Into<Kernel>,
    var: impl Into<Kernel>,
    eps: impl Into<Kernel>,
) -> Stack {
    normalized([gamma.into(), beta.into(), mean.into(), var.into()], Some(eps.into()))
}

fn normalized(vectors: [Kernel; 4], eps: Option<Kernel>) -> Stack {
    let depth = vectors.iter().chain(&eps).map(|kernel| kernel.depth).max().unwrap_or(0);
    Stack::of(StackNode::BatchNorm(vectors, eps), depth)
}

/// What convolutions and their transposes have in common.
#[derive(Clone)]
pub(super) struct Convolution {
    pub(super) kernel: Kernel,
    pub(super) stride: Pair,
    pub(super) dilation: Pair,
    pub(super) groups: usize,
    pub(super) bias: Option<Kernel>,
}

impl Convolution {
    fn new(kernel: Kernel) -> Self {
        Self { kernel, stride: 1.into(), dilation: 1.into(), groups: 1, bias: None }
    }

    fn depth(&self) -> usize {
        self.bias.as_ref().map_or(0, |bias| bias.depth).max(self.kernel.depth)
    }
}

/// Cross-correlation with a kernel. A layer with options; see [`conv`].
#[derive(Clone)]
#[must_use]
pub struct Conv {
    pub(super) weights: Convolution,
    pub(super) padding: Padding,
    pub(super) padding_mode: Option<PadMode>,
}

/// Cross-correlation with a kernel `[out, in, h, w]`, as frameworks mean it; stride 1, no padding until said otherwise.
pub fn conv(kernel: impl Into<Kernel>) -> Conv {
    Conv { weights: Convolution::new(kernel.into()), padding: 0.into(), padding_mode: None }
}

/// Transposed convolution. A layer with options; see [`convtranspose`].
#[derive(Clone)]
#[must_use]
pub struct ConvTranspose {
    pub(super) weights: Convolution,
    pub(super) padding: Padding,
    pub(super) output_padding: Pair,
}

/// Transposed convolution with a kernel `[in, out, h, w]`, as PyTorch and ONNX store it.
pub fn convtranspose(kernel: impl Into<Kernel>) -> ConvTranspose {
    ConvTranspose { weights: Convolution::new(kernel.into()), padding: 0.into(), output_padding: 0.into() }
}

/// The options that both have.
macro_rules! convolutions {
    ($($layer:ident),*) => {$(
        impl $layer {
            /// The stride.
            pub fn stride(mut self, n: impl Into<Pair>) -> Self {
                self.weights.stride = n.into();
                self
            }

            /// The dilation.
            pub fn dilation(mut self, n: impl Into<Pair>) -> Self {
                self.weights.dilation = n.into();
                self
            }

            /// The number of groups.
            pub fn groups(mut self, n: usize) -> Self {
                self.weights.groups = n;
                self
            }

            /// One entry for each output channel, or one for all.
            pub fn bias(mut self, bias: impl Into<Kernel>) -> Self {
                self.weights.bias = Some(bias.into());
                self
            }

            pub(super) fn depth(&self) -> usize {
                self.weights.depth()
            }
        }
    )*};
}

convolutions!(Conv, ConvTranspose);

impl Conv {
    /// Zero padding: a number of zeros, or [`Padding::Same`].
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// What stands in the padding, in place of zeros.
    pub fn padding_mode(mut self, mode: PadMode) -> Self {
        self.padding_mode = Some(mode);
        self
    }
}

impl ConvTranspose {
    /// Rows and columns removed on each side, or [`Padding::Same`]: stride times as long as the input.
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Rows and columns added at the bottom and right.
    pub fn output_padding(mut self, n: impl Into<Pair>) -> Self {
        self.output_padding = n.into();
        self
    }
}

/// Average or sum over windows. A layer with options; see [`avgpool`] and [`sumpool`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct AvgPool {
    pub(super) average: bool,
    pub(super) size: Pair,
    pub(super) stride: Option<Pair>,
    pub(super) padding: Padding,
    pub(super) count_include_pad: bool,
    pub(super) ceil_mode: bool,
}

/// Mean over windows; the stride is the window until said otherwise.
pub fn avgpool(size: impl Into<Pair>) -> AvgPool {
    let (size, padding) = (size.into(), 0.into());
    AvgPool { average: true, size, stride: None, padding, count_include_pad: true, ceil_mode: false }
}

/// Sum over windows; the stride is the window until said otherwise.
pub fn sumpool(size: impl Into<Pair>) -> AvgPool {
    AvgPool { average: false, ..avgpool(size) }
}

impl AvgPool {
    /// The stride.
    pub fn stride(mut self, n: impl Into<Pair>) -> Self {
        self.stride = Some(n.into());
        self
    }

    /// Zero padding, less than the window, or [`Padding::Same`].
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Whether padded zeros count in the divisor of a mean; they do until said otherwise. A sum has no divisor.
    pub fn count_include_pad(mut self, yes: bool) -> Self {
        self.count_include_pad = yes;
        self
    }

    /// Whether the output length is rounded up, as in PyTorch.
    pub fn ceil_mode(mut self, yes: bool) -> Self {
        self.ceil_mode = yes;
        self
    }

    #[allow(clippy::unused_self)] // like that of the other layers
    pub(super) fn depth(&self) -> usize {
        0
    }
}

/// Largest value of each window. A layer with options; see [`maxpool`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct MaxPool {
    pub(super) size: Pair,
    pub(super) stride: Option<Pair>,
    pub(super) padding: Padding,
    pub(super) ceil_mode: bool,
}

/// Maximum over windows; the stride is the window until said otherwise.
pub fn maxpool(size: impl Into<Pair>) -> MaxPool {
    MaxPool { size: size.into(), stride: None, padding: 0.into(), ceil_mode: false }
}

impl MaxPool {
    /// The stride.
    pub fn stride(mut self, n: impl Into<Pair>) -> Self {
        self.stride = Some(n.into());
        self
    }

    /// Rows and columns on each side that no maximum is taken over, or [`Padding::Same`].
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Whether the output length is rounded up, as in PyTorch.
    pub fn ceil_mode(mut self, yes: bool) -> Self {
        self.ceil_mode = yes;
        self
    }

    #[allow(clippy::unused_self)] // like that of the other layers
    pub(super) fn depth(&self) -> usize {
        0
    }
}

/// A matrix over the flattened image. A layer with options; see [`dense`].
#[derive(Clone)]
#[must_use]
pub struct Dense {
    pub(super) matrix: Kernel,
    pub(super) bias: Option<Kernel>,
}

/// All entries of the image, channel by channel and row by row, through a matrix `[outputs, inputs]`; for claims about
/// one size.
pub fn dense(matrix: impl Into<Kernel>) -> Dense {
    Dense { matrix: matrix.into(), bias: None }
}

impl Dense {
    /// One entry for each output.
    pub fn bias(mut self, bias: impl Into<Kernel>) -> Self {
        self.bias = Some(bias.into());
        self
    }

    pub(super) fn depth(&self) -> usize {
        self.bias.as_ref().map_or(0, |bias| bias.depth).max(self.matrix.depth)
    }
}
