//! Kernels as resolved expressions.

use std::sync::Arc;

use super::{Axes, Ends, Stack, Symbols};
use crate::axes::each;
use crate::kernel::{ConcreteKernel, Shape};
use convproof_exact::{Monomial, Poly, Rational, Symbol};

/// A polynomial as a sum of products of free scalars and square roots.
pub(super) fn of_poly(poly: &Poly, symbols: &Symbols) -> KernelExpr {
    let number = |value: &Rational| {
        let one = ConcreteKernel::from_rationals(Shape::plane(1, 1), std::slice::from_ref(value));
        KernelExpr::Constant(Arc::new(one.expect("one entry")))
    };
    let term = |(monomial, coefficient): &(Monomial, Rational)| {
        monomial.factors().iter().fold(number(coefficient), |product, &(symbol, exponent)| {
            let base = Arc::new(match symbols.root_of(symbol) {
                Some(root) => KernelExpr::Sqrt(Arc::new(of_poly(&root.radicand, symbols))),
                None => KernelExpr::Free { first: symbol, shape: Shape::plane(1, 1) },
            });
            let power = Arc::new(KernelExpr::Power(base, u32::from(exponent.unsigned_abs())));
            let product = Arc::new(product);
            if exponent < 0 {
                KernelExpr::Divide(product, power)
            } else {
                KernelExpr::Convolve(product, power)
            }
        })
    };
    let mut terms: Vec<KernelExpr> = poly.terms().iter().map(term).collect();
    // Sums of halves, so that many terms are not as many levels.
    while terms.len() > 1 {
        let mut halved = Vec::with_capacity(terms.len().div_ceil(2));
        let mut rest = terms.into_iter();
        while let Some(a) = rest.next() {
            halved.push(match rest.next() {
                Some(b) => KernelExpr::Add(Arc::new(a), Arc::new(b)),
                None => a,
            });
        }
        terms = halved;
    }
    terms.pop().unwrap_or_else(|| number(&Rational::from(0)))
}

/// A kernel expression with all names resolved.
#[derive(Clone, Debug, PartialEq)]
pub enum KernelExpr {
    /// Given numbers.
    Constant(Arc<ConcreteKernel>),
    /// A free kernel, its symbols from `first` on in storage order.
    Free {
        /// Symbol of the first entry.
        first: Symbol,
        /// The shape.
        shape: Shape,
    },
    /// An array of scalars in storage order.
    Array {
        /// The shape.
        shape: Shape,
        /// One scalar for each entry.
        entries: Vec<Arc<KernelExpr>>,
    },
    /// Entry by entry sum.
    Add(Arc<KernelExpr>, Arc<KernelExpr>),
    /// Entry by entry difference.
    Sub(Arc<KernelExpr>, Arc<KernelExpr>),
    /// `-A`.
    Negate(Arc<KernelExpr>),
    /// Full convolution, first the left, then the right in channels; a 1×1 single-channel side scales.
    Convolve(Arc<KernelExpr>, Arc<KernelExpr>),
    /// Entry by entry product of kernels of one shape.
    Hadamard(Arc<KernelExpr>, Arc<KernelExpr>),
    /// Division by a scalar, or entry by entry by a kernel of the same shape.
    Divide(Arc<KernelExpr>, Arc<KernelExpr>),
    /// Convolution power.
    Power(Arc<KernelExpr>, u32),
    /// One entry `[out,in,row,column]`.
    Entry(Arc<KernelExpr>, [usize; 4]),
    /// The sum of all entries.
    Sum(Arc<KernelExpr>),
    /// The positive square root of every entry.
    Sqrt(Arc<KernelExpr>),
    /// `n − 1` zeros between entries, per axis.
    Dilate(Arc<KernelExpr>, Axes<usize>),
    /// Each entry becomes a block.
    Repeat(Arc<KernelExpr>, Axes<usize>),
    /// All axes reversed.
    Flip(Arc<KernelExpr>),
    /// The axes in reverse order: rows and columns exchanged.
    Transpose(Arc<KernelExpr>),
    /// Zeros added at both ends of each axis.
    Pad(Arc<KernelExpr>, Axes<Ends<usize>>),
    /// So many entries removed at both ends of each axis; they are zero for all weights.
    Trim(Arc<KernelExpr>, Axes<Ends<usize>>),
    /// The column `u` times the row `v`.
    Outer(Arc<KernelExpr>, Arc<KernelExpr>),
    /// Output channel `o` of the kernel times entry `o` of the vector.
    ScaleOutputs(Arc<KernelExpr>, Arc<KernelExpr>),
    /// Input channel `c` of the kernel times entry `c` of the vector.
    ScaleInputs(Arc<KernelExpr>, Arc<KernelExpr>),
    /// The same entries in storage order under another shape.
    Reshape(Arc<KernelExpr>, Shape),
    /// The same entries at other places.
    Rearranged(Arc<KernelExpr>, Rearrangement),
    /// For each output channel (or input channel) the sum of its entries, as a row.
    ChannelSums {
        /// The kernel.
        of: Arc<KernelExpr>,
        /// Whether output channels are summed up, otherwise input channels.
        outputs: bool,
    },
    /// The single kernel that a stack is equivalent to away from borders.
    OfStack(Arc<Stack>),
    /// The image that a stack makes of an image `[c,1,h,w]`.
    Apply(Arc<Stack>, Arc<KernelExpr>),
}

/// Channels of a kernel at other places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rearrangement {
    /// `[out,in,h,w]` becomes `[in,out,h,w]`.
    SwapChannels,
    /// The kernel of a grouped layer becomes the block-diagonal one of the same layer without groups.
    Ungroup(usize),
    /// Output channels from one to just before another.
    Outputs([usize; 2]),
    /// Input channels, likewise.
    Inputs([usize; 2]),
    /// So many entries along each axis of `[out,in,h,w]`, from one on, every so many.
    Part {
        /// The first one.
        from: [usize; 4],
        /// How far each is from the one before.
        step: [usize; 4],
        /// How many there are.
        count: [usize; 4],
    },
}

impl Rearrangement {
    /// Whether a kernel of a shape has the channels and entries that it speaks of.
    pub fn fits(self, old: Shape) -> bool {
        match self {
            Self::SwapChannels => true,
            Self::Ungroup(groups) => groups > 0 && old.outputs.is_multiple_of(groups),
            Self::Outputs([from, to]) => from < to && to <= old.outputs,
            Self::Inputs([from, to]) => from < to && to <= old.inputs,
            Self::Part { from, step, count } => {
                let extents = old.dimensions();
                (0..4).all(|axis| {
                    let last = count[axis].checked_sub(1).and_then(|most| step[axis].checked_mul(most));
                    let end = last.and_then(|last| last.checked_add(from[axis]));
                    step[axis] > 0 && end.is_some_and(|end| end < extents[axis])
                })
            }
        }
    }

    /// The shape of the result.
    pub fn shape(self, old: Shape) -> Shape {
        match self {
            Self::SwapChannels => Shape { outputs: old.inputs, inputs: old.outputs, ..old },
            Self::Ungroup(groups) => Shape { inputs: old.inputs.saturating_mul(groups), ..old },
            Self::Outputs([from, to]) => Shape { outputs: to.saturating_sub(from).max(1), ..old },
            Self::Inputs([from, to]) => Shape { inputs: to.saturating_sub(from).max(1), ..old },
            Self::Part { count: [o, c, h, w], .. } => Shape::new(o, c, h, w),
        }
    }

    /// Which entry of a kernel with so many output and input channels stands at a place of the result; `None` for 0.
    pub fn source(self, [outputs, inputs]: [usize; 2], [o, c, i, j]: [usize; 4]) -> Option<[usize; 4]> {
        match self {
            Self::SwapChannels => Some([c, o, i, j]),
            Self::Ungroup(groups) => {
                let per_group = outputs / groups.max(1);
                (c / inputs.max(1) == o / per_group.max(1)).then_some([o, c % inputs.max(1), i, j])
            }
            Self::Outputs([from, _]) => Some([from + o, c, i, j]),
            Self::Inputs([from, _]) => Some([o, from + c, i, j]),
            Self::Part { from, step, .. } => {
                let at = [o, c, i, j];
                Some([0, 1, 2, 3].map(|axis| from[axis] + step[axis] * at[axis]))
            }
        }
    }
}

impl KernelExpr {
    /// The shape of its value.
    pub fn shape(&self) -> Shape {
        // Another extent along each axis.
        fn changed(of: &KernelExpr, extent: impl Fn(usize, usize) -> usize) -> Shape {
            let shape = of.shape();
            let extents = shape.extents();
            shape.with_extents(each(|axis| extent(axis, extents[axis])))
        }
        match self {
            Self::Constant(kernel) => kernel.shape(),
            Self::Free { shape, .. } | Self::Array { shape, .. } | Self::Reshape(_, shape) => *shape,
            Self::Add(a, _)
            | Self::Sub(a, _)
            | Self::Negate(a)
            | Self::Hadamard(a, _)
            | Self::Divide(a, _)
            | Self::Power(a, 1)
            | Self::Sqrt(a)
            | Self::Flip(a)
            | Self::ScaleOutputs(a, _)
            | Self::ScaleInputs(a, _) => a.shape(),
            Self::Convolve(a, b) => {
                let (a, b) = (a.shape(), b.shape());
                if a.is_scalar() {
                    return b;
                }
                if b.is_scalar() {
                    return a;
                }
                let (first, second) = (a.extents(), b.extents());
                let extents = each(|axis| first[axis] + second[axis] - 1);
                Shape { outputs: b.outputs, inputs: a.inputs, ..a }.with_extents(extents)
            }
            Self::Power(a, n) => {
                let n = usize::try_from(*n).unwrap_or(usize::MAX);
                changed(a, |_, extent| (extent - 1).saturating_mul(n).saturating_add(1))
            }
            Self::Rearranged(a, how) => how.shape(a.shape()),
            Self::ChannelSums { of, outputs } => {
                let shape = of.shape();
                Shape::plane(1, if *outputs { shape.outputs } else { shape.inputs })
            }
            // Of a stack it is not known from the expression alone; never empty, so that nobody sees a kernel without taps.
            Self::Entry(..) | Self::Sum(_) | Self::OfStack(_) | Self::Apply(..) => Shape::plane(1, 1),
            Self::Dilate(a, by) => changed(a, |axis, extent| (extent - 1) * by[axis] + 1),
            Self::Repeat(a, by) => changed(a, |axis, extent| extent * by[axis]),
            Self::Transpose(a) => {
                let mut extents = a.shape().extents();
                extents.reverse();
                a.shape().with_extents(extents)
            }
            Self::Pad(a, ends) => changed(a, |axis, extent| extent + ends[axis].before + ends[axis].after),
            Self::Trim(a, ends) => {
                changed(a, |axis, extent| extent.saturating_sub(ends[axis].before + ends[axis].after).max(1))
            }
            Self::Outer(u, v) => Shape::plane(u.shape().area(), v.shape().area()),
        }
    }
}
