//! Stride and receptive field of a stack from its layers' extents, zeros of kernels included.

use num_rational::Ratio;
use num_traits::CheckedMul;

use super::gather::{Axis, SameRule};
use super::signature::Moves;
use crate::axes::{AXES, Axes, all, each};
use crate::ir::{Branch, Layer, Origin, Stack};

/// Why a stack has no stride or no kernel size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeometryError {
    /// A layer makes more rows than it gets, so that outputs differ in what they read.
    Upsamples(Origin),
    /// A layer reads the whole image, whatever its size.
    WholeImage(Origin),
    /// Two branches move at different strides.
    Strides(Origin, Origin),
    /// Beyond 64 bits.
    TooLarge(Origin),
}

/// One axis: output `i` reads input positions `stride·i + first ..= stride·i + last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceptiveField {
    /// Input positions from one output to the next.
    pub stride: i64,
    /// First position that output 0 reads.
    pub first: i64,
    /// Last position that output 0 reads.
    pub last: i64,
}

impl ReceptiveField {
    pub(super) const IDENTITY: Self = Self { stride: 1, first: 0, last: 0 };

    /// How many positions in a row are read.
    pub fn extent(&self) -> i64 {
        self.last - self.first + 1
    }

    pub(super) fn then(&self, next: &Self) -> Option<Self> {
        let field = Self {
            stride: self.stride.checked_mul(next.stride)?,
            first: self.first.checked_add(self.stride.checked_mul(next.first)?)?,
            last: self.last.checked_add(self.stride.checked_mul(next.last)?)?,
        };
        // So that the extent, and differences of ends, fit as well.
        (field.first.checked_abs()?.max(field.last.checked_abs()?) < 1 << 60).then_some(field)
    }
}

/// The zeros that SAME padding puts before images whose size is a multiple of the stride.
pub fn nominal_before(rule: SameRule) -> i64 {
    let total = (rule.extent - rule.stride).max(0);
    if rule.upper { total / 2 } else { total - total / 2 }
}

/// The receptive field along each axis: composition of extents and strides, the union over branches.
///
/// # Errors
/// Where outputs do not all read the input alike, or numbers leave 64 bits.
pub fn fields(stack: &Stack) -> Result<Axes<ReceptiveField>, GeometryError> {
    let union = |first: Branch<Axes<ReceptiveField>>, next: Branch<Axes<ReceptiveField>>| {
        if (0..AXES).any(|axis| first.of[axis].stride != next.of[axis].stride) {
            return Err(GeometryError::Strides(first.origin, next.origin));
        }
        let of = each(|axis| ReceptiveField {
            first: first.of[axis].first.min(next.of[axis].first),
            last: first.of[axis].last.max(next.of[axis].last),
            ..next.of[axis]
        });
        Ok(Branch { of, ..first })
    };
    stack.fold([ReceptiveField::IDENTITY; AXES], |op, origin| match op.branches() {
        Err((layer, fields)) => {
            let next = layer_fields(layer, origin)?;
            all(|axis| fields[axis].then(&next[axis])).ok_or(GeometryError::TooLarge(origin))
        }
        Ok(branches) => Ok(branches.reduce(union)?.of),
    })
}

pub(super) fn layer_fields(layer: &Layer, origin: Origin) -> Result<Axes<ReceptiveField>, GeometryError> {
    match Moves::of(layer) {
        Moves::Window(window) if window.axes.iter().all(|axis| axis.up == 1) => Ok(each(|axis| {
            let (Axis { down, offset, same, .. }, extent) = (window.axes[axis], window.extent[axis]);
            let before = offset + same.map_or(0, nominal_before);
            ReceptiveField { stride: down, first: -before, last: extent - 1 - before }
        })),
        Moves::Window(_) | Moves::Between(_) => Err(GeometryError::Upsamples(origin)),
        Moves::Whole => Err(GeometryError::WholeImage(origin)),
    }
}

/// Input positions per output position along each axis; below 1 where the stack upsamples.
///
/// # Errors
/// Where branches differ, the whole image is read, or numbers leave 64 bits.
pub fn strides(stack: &Stack) -> Result<Axes<Ratio<i64>>, GeometryError> {
    let common = |first: Branch<Axes<Ratio<i64>>>, next: Branch<Axes<Ratio<i64>>>| {
        if first.of == next.of { Ok(next) } else { Err(GeometryError::Strides(first.origin, next.origin)) }
    };
    stack.fold([Ratio::from(1); AXES], |op, origin| match op.branches() {
        Err((layer, before)) => {
            let next = layer_strides(layer, origin)?;
            all(|axis| before[axis].checked_mul(&next[axis])).ok_or(GeometryError::TooLarge(origin))
        }
        Ok(branches) => Ok(branches.reduce(common)?.of),
    })
}

fn layer_strides(layer: &Layer, origin: Origin) -> Result<Axes<Ratio<i64>>, GeometryError> {
    match Moves::of(layer) {
        Moves::Window(window) => Ok(window.axes.map(|axis| Ratio::new(axis.down, axis.up.max(1)))),
        Moves::Between(factor) => Ok(factor.map(|[up, down]| Ratio::new(down, up.max(1)))),
        Moves::Whole => Err(GeometryError::WholeImage(origin)),
    }
}
