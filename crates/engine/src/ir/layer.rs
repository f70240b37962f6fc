//! Layers, resolved.

use super::{AXES, Axes, Composite, Ends, Function, KernelTerm};

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

impl Conv {
    /// A convolution without options.
    pub fn plain(kernel: KernelTerm, groups: usize) -> Self {
        let padding = Padding::Sides(Ends::NONE);
        Self { kernel, stride: [1; AXES], dilation: [1; AXES], padding, groups, bias: None }
    }
}

impl ConvTranspose {
    /// A transposed convolution without options.
    pub fn plain(kernel: KernelTerm, groups: usize) -> Self {
        Self {
            kernel,
            stride: [1; AXES],
            dilation: [1; AXES],
            padding: Ends::NONE,
            output_padding: [0; AXES],
            groups,
            bias: None,
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
    /// Every `s`-th entry along each axis, from the first.
    Subsample(Axes<usize>),
    /// Zeros added at both ends of each axis; negative removes.
    Pad(Axes<Ends>),
    /// Each channel times its entry of a vector, or all times a scalar.
    Scale(KernelTerm),
    /// Each channel plus its entry of a vector, or all plus a scalar.
    Bias(KernelTerm),
    /// More entries along each axis.
    Upsample(Upsample),
    /// Blocks of n entries along each axis to channels, the last axis running fastest: of two axes `[c, n·h, n·w]` to
    /// `[c·n², h, w]`, and channel `c·n² + a·n + b` holds phase `(a, b)`.
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
    /// The mean of each channel, as an image of one entry.
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
    pub stride: Axes<usize>,
    /// Dilation.
    pub dilation: Axes<usize>,
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
    pub stride: Axes<usize>,
    /// Dilation.
    pub dilation: Axes<usize>,
    /// What is removed at both ends of each axis.
    pub padding: Axes<Ends>,
    /// What is added at the end of each axis.
    pub output_padding: Axes<usize>,
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
    pub size: Axes<usize>,
    /// Stride.
    pub stride: Axes<usize>,
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
            Padding::Sides(all) => (self.ceil_mode, all.iter().any(|ends| ends.before > 0 || ends.after > 0)),
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
    pub size: Axes<usize>,
    /// Stride.
    pub stride: Axes<usize>,
    /// Entries at both ends of each axis that no maximum is taken over.
    pub padding: Padding,
    /// Whether the output length is rounded up (PyTorch's rule: no window starts in the padding after the end).
    pub ceil_mode: bool,
}

/// `upsample` and `zero_insert`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upsample {
    /// Factor.
    pub factor: Axes<usize>,
    /// Whether entries are repeated (nearest) or zeros inserted after them.
    pub nearest: bool,
}

/// How an image is extended before a window moves over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Padding {
    /// Zeros at both ends of each axis; negative removes.
    Sides(Axes<Ends>),
    /// Output ⌈n/s⌉, the odd zero at the end (TensorFlow, ONNX `SAME_UPPER`).
    SameUpper,
    /// Output ⌈n/s⌉, the odd zero at the start (ONNX `SAME_LOWER`).
    SameLower,
}
