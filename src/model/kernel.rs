//! Kernels as values of Rust: what they are made of, before anything is checked or computed.
//!
//! Checks and arithmetic happen when a claim is decided, in `build.rs`; until then a mistake is kept as a value.

use std::ops::{Add, Div, Mul, Neg, Sub};
use std::path::Path;
use std::sync::Arc;

use super::error::ModelError;
use super::number::Number;
use super::pair::{Pair, Sides};
use super::stack::Stack;
use super::{MAX_DEPTH, Rational, files};

/// A kernel, vector or number: given, or free, which is for all values.
///
/// Numbers are 1×1 kernels, vectors 1×n. `&a * &b` is first `a`, then `b` (full convolution); a number scales.
#[derive(Clone)]
pub struct Kernel {
    pub(super) node: Arc<KernelNode>,
    pub(super) depth: usize,
}

/// What a kernel is made of.
pub(super) enum KernelNode {
    /// A mistake that was made on the way.
    Invalid(ModelError),
    /// A free kernel, by the extents that it was declared with.
    Free { name: String, extents: Vec<usize> },
    /// An image `[channels, height, width]`.
    Image { size: [usize; 3], values: Vec<Rational> },
    /// What a stack makes of an image.
    Applied(Stack, Kernel),
    /// Given numbers, by their extents.
    Given { extents: Vec<usize>, values: Vec<Rational> },
    /// Entries that are all the same.
    Filled { extents: Vec<usize>, value: i64 },
    /// The mean over a window.
    Box(Pair),
    /// Zeros but for one 1.
    Delta { size: Pair, at: Pair },
    /// The identity of so many channels.
    Eye(i64),
    /// Two kernels joined.
    Join(Join, Kernel, Kernel),
    /// One kernel changed.
    Change(Change, Kernel),
    /// The kernel that a stack is, away from borders.
    OfStack(Stack),
}

/// What joins two kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    Add,
    Subtract,
    Convolve,
    Divide,
    Hadamard,
    Outer,
    ScaleRows,
    ScaleColumns,
}

/// What is done to one kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Negate,
    Power(i64),
    Sqrt,
    Sum,
    Entry([usize; 4]),
    Repeat(Pair),
    Dilate(Pair),
    Pad(Sides),
    Trim,
    Flip,
    Transpose,
    SwapChannels,
    Ungroup(usize),
    Channels { outputs: bool, from: usize, to: usize },
    ChannelSums { outputs: bool },
}

/// Stops at shapes that are no kernel's.
fn given(extents: &[usize], values: Vec<Option<Rational>>) -> KernelNode {
    let count = extents.iter().try_fold(1_usize, |all, &n| all.checked_mul(n));
    if !matches!(extents.len(), 0 | 1 | 2 | 4) || extents.contains(&0) || count != Some(values.len()) {
        return KernelNode::Invalid(ModelError::Extents {
            extents: extents.to_vec(),
            values: Some(values.len()),
        });
    }
    match values.into_iter().collect() {
        Some(values) => KernelNode::Given { extents: extents.to_vec(), values },
        None => KernelNode::Invalid(ModelError::NotFinite),
    }
}

impl Kernel {
    fn leaf(node: KernelNode) -> Self {
        Self { node: Arc::new(node), depth: 1 }
    }

    /// A kernel made of others; too deep a one is a mistake.
    fn over(node: KernelNode, depth: usize) -> Self {
        if depth >= MAX_DEPTH {
            return Self::leaf(KernelNode::Invalid(ModelError::TooDeep));
        }
        Self { node: Arc::new(node), depth: depth + 1 }
    }

    fn join(join: Join, left: Kernel, right: Kernel) -> Self {
        let depth = left.depth.max(right.depth);
        Self::over(KernelNode::Join(join, left, right), depth)
    }

    fn change(&self, change: Change) -> Self {
        Self::over(KernelNode::Change(change, self.clone()), self.depth)
    }

    fn declared(name: &str, extents: &[usize]) -> Self {
        if extents.contains(&0) {
            return Self::leaf(KernelNode::Invalid(ModelError::Extents {
                extents: extents.to_vec(),
                values: None,
            }));
        }
        Self::leaf(KernelNode::Free { name: name.to_owned(), extents: extents.to_vec() })
    }

    /// A free `height × width` kernel: every statement about it is for all its values.
    ///
    /// The same name and shape is the same kernel; the same name with another shape is an error of the claim.
    pub fn free(name: &str, height: usize, width: usize) -> Self {
        Self::declared(name, &[height, width])
    }

    /// A free kernel `[outputs, inputs, height, width]`; of a grouped layer, `inputs` is for each group.
    pub fn free_channels(name: &str, outputs: usize, inputs: usize, height: usize, width: usize) -> Self {
        Self::declared(name, &[outputs, inputs, height, width])
    }

    /// A free vector of `n` entries, such as a bias.
    pub fn free_vector(name: &str, n: usize) -> Self {
        Self::declared(name, &[n])
    }

    /// A free number.
    pub fn free_scalar(name: &str) -> Self {
        Self::declared(name, &[])
    }

    /// A kernel of one channel, by its rows. Floats are exactly the numbers that they are.
    pub fn from_rows<T: Number, const H: usize, const W: usize>(rows: [[T; W]; H]) -> Self {
        Self::leaf(given(&[H, W], rows.into_iter().flatten().map(Number::exact).collect()))
    }

    /// A vector.
    pub fn vector<T: Number>(entries: &[T]) -> Self {
        Self::leaf(given(&[entries.len()], entries.iter().cloned().map(Number::exact).collect()))
    }

    /// An array `[n]`, `[h, w]` or `[out, in, h, w]` of values, the last index fastest.
    pub fn from_slice<T: Number>(extents: &[usize], values: &[T]) -> Self {
        Self::leaf(given(extents, values.iter().cloned().map(Number::exact).collect()))
    }

    /// An image of `[channels, height, width]` values, the last index fastest; see [`Stack::apply`].
    pub fn image<T: Number>(size: [usize; 3], values: &[T]) -> Self {
        let [channels, height, width] = size;
        // Checked as the kernel [channels, 1, height, width] that it is.
        Self::leaf(
            match given(&[channels, 1, height, width], values.iter().cloned().map(Number::exact).collect()) {
                KernelNode::Given { values, .. } => KernelNode::Image { size, values },
                other => other,
            },
        )
    }

    pub(super) fn applied(stack: Stack, image: Kernel) -> Self {
        let depth = stack.depth.max(image.depth);
        Self::over(KernelNode::Applied(stack, image), depth)
    }

    /// A number.
    pub fn number(value: impl Number) -> Self {
        Self::leaf(given(&[], vec![value.exact()]))
    }

    /// An array from a file `.npy`, `.npz` or `.safetensors`; the latter two name an entry where they have several.
    /// Arrays of three axes are refused: they can be read as a kernel in more than one way.
    ///
    /// # Errors
    /// [`ModelError::File`].
    pub fn load(path: impl AsRef<Path>, entry: Option<&str>) -> Result<Self, ModelError> {
        let (extents, values) = files::array(path.as_ref(), entry)?;
        match given(&extents, values.into_iter().map(Some).collect()) {
            KernelNode::Invalid(error) => Err(error),
            node => Ok(Self::leaf(node)),
        }
    }

    /// A `height × width` kernel of ones.
    pub fn ones(height: usize, width: usize) -> Self {
        Self::leaf(KernelNode::Filled { extents: vec![height, width], value: 1 })
    }

    /// A `height × width` kernel of zeros.
    pub fn zeros(height: usize, width: usize) -> Self {
        Self::leaf(KernelNode::Filled { extents: vec![height, width], value: 0 })
    }

    /// The mean over a window: `ones / (height · width)`.
    pub fn box_filter(size: impl Into<Pair>) -> Self {
        Self::leaf(KernelNode::Box(size.into()))
    }

    /// Zeros but for a 1 at a row and a column, both from 0.
    pub fn delta(size: impl Into<Pair>, at: impl Into<Pair>) -> Self {
        Self::leaf(KernelNode::Delta { size: size.into(), at: at.into() })
    }

    /// The 1×1 kernel that leaves so many channels as they are.
    pub fn eye(channels: usize) -> Self {
        Self::leaf(KernelNode::Eye(i64::try_from(channels).unwrap_or(i64::MAX)))
    }

    /// The single kernel that a stack is, away from borders.
    pub fn of_stack(stack: impl Into<Stack>) -> Self {
        let stack = stack.into();
        let depth = stack.depth;
        Self::over(KernelNode::OfStack(stack), depth)
    }

    /// `n − 1` zeros between entries.
    #[must_use]
    pub fn dilate(&self, n: impl Into<Pair>) -> Self {
        self.change(Change::Dilate(n.into()))
    }

    /// Each entry becomes an `n × n` block.
    #[must_use]
    pub fn repeat(&self, n: impl Into<Pair>) -> Self {
        self.change(Change::Repeat(n.into()))
    }

    /// Zeros around it.
    #[must_use]
    pub fn pad(&self, sides: impl Into<Sides>) -> Self {
        self.change(Change::Pad(sides.into()))
    }

    /// Without border rows and columns that are 0 for all weights.
    #[must_use]
    pub fn trim(&self) -> Self {
        self.change(Change::Trim)
    }

    /// Both axes reversed.
    #[must_use]
    pub fn flip(&self) -> Self {
        self.change(Change::Flip)
    }

    /// Rows and columns exchanged.
    #[must_use]
    pub fn transpose(&self) -> Self {
        self.change(Change::Transpose)
    }

    /// Output and input channels exchanged.
    #[must_use]
    pub fn swap_channels(&self) -> Self {
        self.change(Change::SwapChannels)
    }

    /// The block-diagonal kernel of a convolution with so many groups.
    #[must_use]
    pub fn ungroup(&self, groups: usize) -> Self {
        self.change(Change::Ungroup(groups))
    }

    /// The output channels of a range such as `0..16`.
    #[must_use]
    pub fn select_rows(&self, channels: std::ops::Range<usize>) -> Self {
        self.change(Change::Channels { outputs: true, from: channels.start, to: channels.end })
    }

    /// The input channels of a range such as `0..16`.
    #[must_use]
    pub fn select_columns(&self, channels: std::ops::Range<usize>) -> Self {
        self.change(Change::Channels { outputs: false, from: channels.start, to: channels.end })
    }

    /// For each output channel the sum of its entries, a vector.
    #[must_use]
    pub fn sum_rows(&self) -> Self {
        self.change(Change::ChannelSums { outputs: true })
    }

    /// For each input channel the sum of its entries, a vector.
    #[must_use]
    pub fn sum_columns(&self) -> Self {
        self.change(Change::ChannelSums { outputs: false })
    }

    /// The sum of all entries, a number.
    #[must_use]
    pub fn sum(&self) -> Self {
        self.change(Change::Sum)
    }

    /// The positive square root of every entry.
    #[must_use]
    pub fn sqrt(&self) -> Self {
        self.change(Change::Sqrt)
    }

    /// So many of it, one after the other; a negative power of a number divides.
    #[must_use]
    pub fn pow(&self, n: i64) -> Self {
        self.change(Change::Power(n))
    }

    /// One entry, at `[out, in, row, column]`, as a number.
    #[must_use]
    pub fn entry(&self, at: [usize; 4]) -> Self {
        self.change(Change::Entry(at))
    }

    /// Products entry by entry.
    #[must_use]
    pub fn hadamard(&self, other: impl Into<Kernel>) -> Self {
        Self::join(Join::Hadamard, self.clone(), other.into())
    }

    /// The column of this vector times the row of another.
    #[must_use]
    pub fn outer(&self, row: impl Into<Kernel>) -> Self {
        Self::join(Join::Outer, self.clone(), row.into())
    }

    /// Output channel `o` times entry `o` of a vector.
    #[must_use]
    pub fn scale_rows(&self, factors: impl Into<Kernel>) -> Self {
        Self::join(Join::ScaleRows, self.clone(), factors.into())
    }

    /// Input channel `c` times entry `c` of a vector.
    #[must_use]
    pub fn scale_columns(&self, factors: impl Into<Kernel>) -> Self {
        Self::join(Join::ScaleColumns, self.clone(), factors.into())
    }
}

impl<T: Clone + Into<Kernel>> From<&T> for Kernel {
    fn from(value: &T) -> Self {
        value.clone().into()
    }
}

macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Kernel {
            fn from(value: $kind) -> Self {
                Self::number(value)
            }
        }

        impl Mul<&Kernel> for $kind {
            type Output = Kernel;
            fn mul(self, kernel: &Kernel) -> Kernel {
                Kernel::join(Join::Convolve, self.into(), kernel.clone())
            }
        }

        impl Mul<Kernel> for $kind {
            type Output = Kernel;
            fn mul(self, kernel: Kernel) -> Kernel {
                self * &kernel
            }
        }
    )*};
}

numbers!(i32, i64, f32, f64, Rational);

macro_rules! operators {
    ($($operator:ident $method:ident $join:ident),*) => {$(
        impl<R: Into<Kernel>> $operator<R> for &Kernel {
            type Output = Kernel;
            fn $method(self, other: R) -> Kernel {
                Kernel::join(Join::$join, self.clone(), other.into())
            }
        }

        impl<R: Into<Kernel>> $operator<R> for Kernel {
            type Output = Kernel;
            fn $method(self, other: R) -> Kernel {
                Kernel::join(Join::$join, self, other.into())
            }
        }
    )*};
}

operators!(Add add Add, Sub sub Subtract, Mul mul Convolve, Div div Divide);

impl Neg for &Kernel {
    type Output = Kernel;
    fn neg(self) -> Kernel {
        self.change(Change::Negate)
    }
}

impl Neg for Kernel {
    type Output = Kernel;
    fn neg(self) -> Kernel {
        -&self
    }
}
