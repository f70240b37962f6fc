//! Kernels with other extents: repeated, dilated, padded, flipped; and kernels of zeros and ones.

use super::Builder;
use super::error::ResolveErrorKind;
use super::value::{Array, Role};
use crate::source::Span;
use convproof_engine::ir::{Axes, Ends, Operation, Rearrangement};
use convproof_engine::kernel::{ConcreteKernel, KernelError, Shape};
use convproof_exact::Rational;

impl Builder {
    /// Each entry becomes a block.
    pub fn repeat(&mut self, array: &Array, by: [usize; 2], span: Span) -> Option<Array> {
        self.applied(Operation::Repeat(&array.term, by), grown_role(array), [array], span)
    }

    /// Zeros between entries.
    pub fn dilate(&mut self, array: &Array, by: [usize; 2], span: Span) -> Option<Array> {
        self.applied(Operation::Dilate(&array.term, by), grown_role(array), [array], span)
    }

    /// Zeros added at both ends of each axis.
    pub fn pad(&mut self, array: &Array, ends: Axes<Ends<usize>>, span: Span) -> Option<Array> {
        self.applied(Operation::Pad(&array.term, ends), grown_role(array), [array], span)
    }

    /// Border rows and columns removed that are 0 for all weights.
    pub fn trim(&mut self, array: &Array, span: Span) -> Option<Array> {
        self.applied(Operation::Trim(&array.term), array.role, [array], span)
    }

    /// Both axes reversed.
    pub fn flip(&mut self, array: &Array, span: Span) -> Option<Array> {
        self.applied(Operation::Flip(&array.term), array.role, [array], span)
    }

    /// Rows and columns exchanged.
    pub fn transpose(&mut self, array: &Array, span: Span) -> Option<Array> {
        self.applied(Operation::Transpose(&array.term), grown_role(array), [array], span)
    }

    /// The sum of all entries.
    pub fn sum(&mut self, array: &Array, span: Span) -> Option<Array> {
        self.applied(Operation::Sum(&array.term), Role::Scalar, [array], span)
    }

    /// Channels at other places.
    pub fn rearranged(&mut self, array: &Array, how: Rearrangement, span: Span) -> Option<Array> {
        self.applied(Operation::Rearrange(&array.term, how), Role::Kernel, [array], span)
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
        self.applied(Operation::ChannelSums { of: &array.term, outputs }, Role::Row, [array], span)
    }

    /// The column `u` times the row `v`.
    pub fn outer(&mut self, u: (&Array, Span), v: (&Array, Span), span: Span) -> Option<Array> {
        let (u, v) = (self.vector(u.0.clone(), u.1), self.vector(v.0.clone(), v.1));
        let ((u, _), (v, _)) = (u?, v?);
        self.applied(Operation::Outer(&u.term, &v.term), Role::Kernel, [&u, &v], span)
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
