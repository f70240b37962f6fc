//! One linear layer in normal form: every output reads the input at regular positions.
//!
//! Along an axis, output `i` reads tap `k` of the kernel at input `(down·i + k − offset) / up`, where that is a
//! whole number inside the input. Convolution, pooling, subsampling, padding and cropping have `up = 1`;
//! transposed convolution and upsampling have `down = 1`.

use convproof_exact::Limited;
use std::sync::Arc;

use num_integer::Integer;

use super::length::Length;
use super::trace::Law;
use crate::axes::{AXES, Axes, Ends, all, each, ends, sides};
use crate::kernel::{Kernel, KernelError};

/// Zeros that SAME padding puts before the start, a function of the length of the signal that the layer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SameRule {
    /// Stride of the layer.
    pub stride: i64,
    /// Extent of its window, dilation included.
    pub extent: i64,
    /// Whether the odd zero is at the end.
    pub upper: bool,
}

impl SameRule {
    /// The zeros before the start for a signal of length `n`.
    pub fn before(&self, n: i64) -> i64 {
        let outputs = Integer::div_ceil(&n, &self.stride);
        let total = ((outputs - 1) * self.stride + self.extent - n).max(0);
        if self.upper { total / 2 } else { total - total / 2 }
    }
}

/// How positions map along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Axis {
    /// Upsampling factor.
    pub up: i64,
    /// Stride.
    pub down: i64,
    /// Position of the first output before the first input, in steps of the upsampled input.
    pub offset: i64,
    /// Added to `offset` where padding depends on the source's length; only with `up = 1`.
    pub same: Option<SameRule>,
}

/// Largest stride and upsampling factor of a movement.
pub const MAX_FACTOR: i64 = 1 << 20;
/// Largest offset of a movement.
const MAX_OFFSET: i64 = 1 << 40;

impl Axis {
    /// The same if positions in signals as long as they may be fit in 64 bits.
    fn within_limits(self) -> Option<Self> {
        let fits = self.up.within(MAX_FACTOR)
            && self.down.within(MAX_FACTOR)
            && self.offset.abs().within(MAX_OFFSET);
        fits.then_some(self)
    }

    /// `self`, then a movement without upsampling.
    pub(super) fn strided(&self, next: &Self) -> Option<Self> {
        let axis = Self {
            up: self.up,
            down: self.down.checked_mul(next.down)?,
            offset: self.offset.checked_add(self.down.checked_mul(next.offset)?)?,
            same: self.same.or(next.same),
        };
        axis.within_limits()
    }

    /// A movement without stride, `self`, then one that upsamples.
    fn upsampled(&self, next: &Self) -> Option<Self> {
        let axis = Self {
            up: self.up.checked_mul(next.up)?,
            down: next.down,
            offset: next.offset.checked_add(next.up.checked_mul(self.offset)?)?,
            same: None,
        };
        axis.within_limits()
    }

    /// Every output reads its own position.
    pub const IDENTITY: Self = Self { up: 1, down: 1, offset: 0, same: None };

    /// The offset for a source of length `n`.
    pub fn offset_at(&self, n: i64) -> i64 {
        self.offset + self.same.map_or(0, |rule| rule.before(n))
    }

    /// The input that tap `k` of output `i` reads, wherever it lies.
    pub fn read(&self, i: i64, k: i64, offset: i64) -> Option<i64> {
        let position = self.down * i + k - offset;
        (position.rem_euclid(self.up) == 0).then(|| position.div_euclid(self.up))
    }

    /// Least and greatest position read by outputs `first..=last` with `taps` taps.
    pub fn reach(&self, first: i64, last: i64, taps: i64, offset: i64) -> (i64, i64) {
        let low = Integer::div_ceil(&(self.down * first - offset), &self.up);
        (low, Integer::div_floor(&(self.down * last + taps - 1 - offset), &self.up))
    }
}

/// A kernel and how it moves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gather {
    /// The kernel, `[out,in,h,w]`.
    pub kernel: Kernel,
    /// How it moves along each axis.
    pub axes: Axes<Axis>,
}

impl Gather {
    /// The identity on some channels.
    pub fn identity(channels: usize) -> Result<Self, KernelError> {
        Ok(Self { kernel: Kernel::identity(channels)?, axes: [Axis::IDENTITY; AXES] })
    }

    /// Whether every output is its own input.
    pub(super) fn is_identity(&self) -> bool {
        let shape = self.kernel.shape();
        self.axes == [Axis::IDENTITY; AXES]
            && (shape.extents(), shape.inputs) == ([1; AXES], shape.outputs)
            && Kernel::identity(shape.inputs).is_ok_and(|identity| identity == self.kernel)
    }

    /// `self`, then `next`, as one gather where positions compose; ignores borders.
    ///
    /// Noble identities (Vaidyanathan 1993, §4.2): a stride before a kernel dilates it, so does an
    /// upsampling after it; a stride before an upsampling does not compose. A SAME rule of `next` is about the
    /// length of the signal `between`, in the composite about that of the `source`: only where these are the same
    /// function of the input's length, and `self` moves by one position a step, is it the same rule.
    ///
    /// Tells how both were put together.
    pub fn then(
        &self,
        next: &Self,
        source: &Axes<Arc<Length>>,
        between: &Axes<Arc<Length>>,
    ) -> Option<Result<(Self, Law), KernelError>> {
        let keeps_rule = |axis: usize| {
            let a = &self.axes[axis];
            (a.up, a.down, a.same) == (1, 1, None) && source[axis] == between[axis]
        };
        if (0..AXES).any(|axis| next.axes[axis].same.is_some() && !keeps_rule(axis)) {
            return None;
        }
        // Nothing happens before `next`, by far the most frequent case, or nothing after.
        if self.is_identity() {
            return Some(Ok((next.clone(), Law::First)));
        }
        if next.is_identity() {
            return Some(Ok((self.clone(), Law::Kept)));
        }
        let (mut spread, mut next_spread) = ([1; AXES], [1; AXES]);
        let axes = all(|axis| {
            let (a, b) = (&self.axes[axis], &next.axes[axis]);
            if b.up == 1 {
                next_spread[axis] = usize::try_from(a.down).ok()?;
                a.strided(b)
            } else if a.down == 1 && a.same.is_none() {
                spread[axis] = usize::try_from(b.up).ok()?;
                a.upsampled(b)
            } else {
                None
            }
        })?;
        let compose = || {
            let first = if spread == [1; AXES] { self.kernel.clone() } else { self.kernel.dilate(spread)? };
            let both = Self { kernel: first.convolve_dilated(&next.kernel, next_spread)?, axes }.normal()?;
            Ok((both, Law::Convolved { spread, dilated: next_spread }))
        };
        Some(compose())
    }

    /// The same function with no zero border in the kernel and with `up` and `down` coprime.
    pub fn normal(mut self) -> Result<Self, KernelError> {
        let common = self.axes.map(|axis| axis.up.gcd(&axis.down));
        if common != [1; AXES] {
            let start = each(|axis| self.axes[axis].offset.mod_floor(&common[axis]));
            self.kernel = self.kernel.every(start.map(index), common.map(index))?;
            for (axis, common) in self.axes.iter_mut().zip(common) {
                axis.offset = Integer::div_floor(&axis.offset, &common);
                axis.up /= common;
                axis.down /= common;
            }
        }
        let (kernel, removed) = self.kernel.trim()?;
        self.kernel = kernel;
        for (axis, removed) in self.axes.iter_mut().zip(ends(removed)) {
            axis.offset -= signed(removed.before);
        }
        Ok(self)
    }

    /// The sum of two gathers of one signal that move alike; `None` if they do not.
    pub fn plus(&self, other: &Self) -> Option<Result<Self, KernelError>> {
        let same = |axis: usize| {
            let (a, b) = (&self.axes[axis], &other.axes[axis]);
            (a.up, a.down, a.same) == (b.up, b.down, b.same)
        };
        if !(0..AXES).all(same) {
            return None;
        }
        let offset = each(|axis| self.axes[axis].offset.max(other.axes[axis].offset));
        let before = |gather: &Self, axis: usize| index(offset[axis] - gather.axes[axis].offset);
        let end = |gather: &Self, axis: usize| before(gather, axis) + gather.kernel.shape().extents()[axis];
        let size = each(|axis| end(self, axis).max(end(other, axis)));
        let grown = |gather: &Self| {
            let around = |axis| Ends { before: before(gather, axis), after: size[axis] - end(gather, axis) };
            gather.kernel.pad(sides(each(around)))
        };
        let sum = || {
            let axes = each(|axis| Axis { offset: offset[axis], ..self.axes[axis] });
            Self { kernel: grown(self)?.add(&grown(other)?)?, axes }.normal()
        };
        Some(sum())
    }
}

/// A count as a signed number; counts are far below the limit.
pub fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A non-negative position as an index.
pub fn index(position: i64) -> usize {
    usize::try_from(position).unwrap_or(0)
}

#[cfg(test)]
mod tests;
