//! Kernels with other extents: repeated, dilated, padded, flipped; and kernels of zeros and ones.

use super::Builder;
use super::error::ResolveErrorKind;
use super::value::{Array, Role};
use crate::source::Span;
use convproof_engine::ir::{KernelExpr, Rearrangement};
use convproof_engine::kernel::{ConcreteKernel, Kernel, KernelError, Shape};
use convproof_exact::{Poly, Rational};

impl Builder {
    /// Each entry becomes a block.
    pub fn repeat(&mut self, array: &Array, by: [usize; 2], span: Span) -> Option<Array> {
        // Factors and extents stay below 2^16 and 2^24, so their products do not overflow.
        let old = array.shape();
        let grown = Shape { height: old.height * by[0], width: old.width * by[1], ..old };
        let kernel = array.term.kernel.allows(grown).and_then(|()| array.term.kernel.repeat(by));
        self.derived(kernel, KernelExpr::Repeat(array.expr(), by), grown_role(array), [array], span)
    }

    /// Zeros between entries.
    pub fn dilate(&mut self, array: &Array, by: [usize; 2], span: Span) -> Option<Array> {
        let old = array.shape();
        let extent = |n: usize, by: usize| (n - 1) * by + 1;
        let grown = Shape { height: extent(old.height, by[0]), width: extent(old.width, by[1]), ..old };
        let kernel = array.term.kernel.allows(grown).and_then(|()| array.term.kernel.dilate(by));
        self.derived(kernel, KernelExpr::Dilate(array.expr(), by), grown_role(array), [array], span)
    }

    /// Zeros added at the top, left, bottom, right.
    pub fn pad(&mut self, array: &Array, sides: [usize; 4], span: Span) -> Option<Array> {
        let old = array.shape();
        let (height, width) = (old.height + sides[0] + sides[2], old.width + sides[1] + sides[3]);
        let grown = Shape { height, width, ..old };
        let kernel = array.term.kernel.allows(grown).and_then(|()| array.term.kernel.pad(sides));
        self.derived(kernel, KernelExpr::Pad(array.expr(), sides), grown_role(array), [array], span)
    }

    /// Border rows and columns removed that are 0 for all weights.
    pub fn trim(&mut self, array: &Array, span: Span) -> Option<Array> {
        let (kernel, sides) = match array.term.kernel.trim() {
            Ok((kernel, sides)) => (Ok(kernel), sides),
            Err(error) => (Err(error), [0; 4]),
        };
        self.derived(kernel, KernelExpr::Trim(array.expr(), sides), array.role, [array], span)
    }

    /// Both axes reversed.
    pub fn flip(&mut self, array: &Array, span: Span) -> Option<Array> {
        let kernel = array.term.kernel.flip();
        self.derived(kernel, KernelExpr::Flip(array.expr()), array.role, [array], span)
    }

    /// Rows and columns exchanged.
    pub fn transpose(&mut self, array: &Array, span: Span) -> Option<Array> {
        let kernel = array.term.kernel.transpose();
        self.derived(kernel, KernelExpr::Transpose(array.expr()), grown_role(array), [array], span)
    }

    /// The sum of all entries.
    pub fn sum(&mut self, array: &Array, span: Span) -> Option<Array> {
        let kernel = match array.term.kernel.as_concrete() {
            Some(kernel) => Ok(kernel.sum().cells().iter().cloned().sum::<Rational>())
                .map(|sum| Kernel::scalar(&Poly::constant(sum))),
            None => array.term.kernel.sum().map(|sum| Kernel::scalar(&sum)),
        };
        self.derived(kernel, KernelExpr::Sum(array.expr()), Role::Scalar, [array], span)
    }

    /// Channels at other places.
    pub fn rearranged(&mut self, array: &Array, how: Rearrangement, span: Span) -> Option<Array> {
        let old = array.shape();
        let shape = how.shape(old);
        let kernel = array.term.kernel.allows(shape).and_then(|()| {
            array.term.kernel.gather_later(shape, move |at| how.source([old.outputs, old.inputs], at))
        });
        self.derived(kernel, KernelExpr::Rearranged(array.expr(), how), Role::Kernel, [array], span)
    }

    /// The block-diagonal kernel of a grouped one.
    pub fn ungroup(&mut self, array: &Array, groups: usize, at: Span, span: Span) -> Option<Array> {
        let channels = array.shape().outputs;
        if !channels.is_multiple_of(groups) {
            let (which, shape) = ("output channels", array.show_shape());
            return self.fail(at, ResolveErrorKind::Groups { groups, which, channels, shape });
        }
        self.rearranged(array, Rearrangement::Ungroup(groups), span)
    }

    /// The sums of the entries of each output channel, or input channel.
    pub fn channel_sums(&mut self, array: &Array, outputs: bool, span: Span) -> Option<Array> {
        let sums = array.term.kernel.channel_sums(outputs);
        self.derived(sums, KernelExpr::ChannelSums { of: array.expr(), outputs }, Role::Row, [array], span)
    }

    /// The column `u` times the row `v`.
    pub fn outer(&mut self, u: (&Array, Span), v: (&Array, Span), span: Span) -> Option<Array> {
        let (u, v) = (self.vector(u.0.clone(), u.1), self.vector(v.0.clone(), v.1));
        let ((u, _), (v, _)) = (u?, v?);
        let kernel = u.term.kernel.transpose().and_then(|column| column.convolve(&v.term.kernel));
        self.derived(kernel, KernelExpr::Outer(u.expr(), v.expr()), Role::Kernel, [&u, &v], span)
    }

    /// Entries that are all the same.
    pub fn filled(&mut self, shape: Shape, value: i64, span: Span) -> Option<Array> {
        self.concrete(ConcreteKernel::constant(shape, value), Role::Kernel, span)
    }

    /// The mean over a window.
    pub fn box_kernel(&mut self, [height, width]: [usize; 2], span: Span) -> Option<Array> {
        let kernel = ConcreteKernel::ones(Shape::plane(height, width)).and_then(|ones| {
            let area = Rational::from(i64::try_from(height * width).unwrap_or(i64::MAX));
            ones.scale(&area.recip().ok_or(KernelError::EmptyShape)?)
        });
        self.concrete(kernel, Role::Kernel, span)
    }
}

/// What an array is after its extents changed.
fn grown_role(array: &Array) -> Role {
    if array.role.is_image() { array.role } else { Role::Kernel }
}
