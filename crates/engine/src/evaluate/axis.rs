//! Where a layer reads along one axis: which input cell each tap of each output stands on.

use std::ops::Range;

use super::EvaluateError;
use crate::ir::{Ends, Padding};

/// Strides, dilations, sizes and paddings beyond this are not evaluated, so that positions fit in 64 bits.
const MAX_PARAMETER: i64 = 1 << 30;

/// What one tap of one output reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tap {
    /// This cell of the input.
    Cell(usize),
    /// A place beyond the ends of the input, which counts as 0.
    Outside,
    /// A place between cells that were spread apart, which is 0.
    Gap,
}

/// How the outputs of a layer read its input along one axis: tap `u` of output `o` stands at
/// `(o·down + u·step − before) / up`.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// Number of outputs, at least 1.
    pub(super) outputs: usize,
    /// Number of taps of each output.
    pub(super) taps: usize,
    down: i64,
    up: i64,
    step: i64,
    before: i64,
    /// The cells that are read; negative padding leaves some out.
    real: Range<i64>,
    /// The same and the padding.
    padded: Range<i64>,
}

/// A window that moves over an axis.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) size: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    pub(super) padding: Padding,
    pub(super) ceil: bool,
}

/// The transpose of a window that moves.
#[derive(Clone, Copy)]
pub(super) struct Spread {
    pub(super) size: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    pub(super) crop: Ends,
    pub(super) output_padding: usize,
}

impl Window {
    pub(super) fn new(size: usize, stride: usize) -> Self {
        Self { size, stride, dilation: 1, padding: Padding::Sides(Ends::NONE), ceil: false }
    }

    /// The window on `length` cells of axis 0 (vertical) or 1.
    pub(super) fn on(self, axis: usize, length: usize) -> Result<Axis, EvaluateError> {
        let [taps, length] = [amount(self.size)?, amount(length)?];
        let [stride, dilation] = [amount(self.stride)?, amount(self.dilation)?];
        let extent = dilation * (taps - 1) + 1;
        let (before, after, outputs) = match self.padding {
            Padding::Sides(ends) => {
                let (before, after) = (side(ends[axis].before)?, side(ends[axis].after)?);
                let padded = length + before + after;
                let outputs = if self.ceil {
                    // PyTorch: no window starts beyond the padding before and the input, as far as it is kept.
                    let most = (padded - extent + stride - 1).div_euclid(stride) + 1;
                    let starts = length + before + after.min(0);
                    if (most - 1) * stride >= starts { most - 1 } else { most }
                } else {
                    (padded - extent).div_euclid(stride) + 1
                };
                (before, after, outputs)
            }
            Padding::SameUpper | Padding::SameLower => {
                let outputs = (length + stride - 1) / stride;
                let total = ((outputs - 1) * stride + extent - length).max(0);
                let (less, more) = (total / 2, total - total / 2);
                if self.padding == Padding::SameUpper { (less, more, outputs) } else { (more, less, outputs) }
            }
        };
        Ok(Axis {
            outputs: positive(outputs)?,
            taps: self.size,
            down: stride,
            up: 1,
            step: dilation,
            before,
            real: (-before).max(0)..(length + after).min(length),
            padded: -before..length + after,
        })
    }
}

impl Spread {
    /// The spread of `length` cells.
    pub(super) fn on(self, length: usize) -> Result<Axis, EvaluateError> {
        let [taps, length] = [amount(self.size)?, amount(length)?];
        let [stride, dilation] = [amount(self.stride)?, amount(self.dilation)?];
        let (before, after) = (side(self.crop.before)?, side(self.crop.after)?);
        let more = i64::try_from(self.output_padding).map_err(|_| EvaluateError::TooLarge)?;
        let outputs = (length - 1) * stride - before - after + dilation * (taps - 1) + side(more)? + 1;
        // Input i adds to output o = stride·i + dilation·u − before.
        Ok(Axis {
            outputs: positive(outputs)?,
            taps: self.size,
            down: 1,
            up: stride,
            step: -dilation,
            before: -before,
            real: 0..length,
            padded: 0..length,
        })
    }
}

impl Axis {
    #[inline]
    pub(super) fn tap(&self, output: usize, tap: usize) -> Tap {
        let place = self.place(output, tap);
        let cell = if self.up == 1 {
            place
        } else if place % self.up == 0 {
            place / self.up
        } else {
            return Tap::Gap;
        };
        if self.real.contains(&cell) {
            usize::try_from(cell).map_or(Tap::Outside, Tap::Cell)
        } else {
            Tap::Outside
        }
    }

    /// The cell that a tap stands on.
    pub(super) fn cell(&self, output: usize, tap: usize) -> Option<usize> {
        if let Tap::Cell(cell) = self.tap(output, tap) { Some(cell) } else { None }
    }

    /// The taps of an output that stand on cells, and those cells.
    pub(super) fn cells(&self, output: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..self.taps).filter_map(move |tap| Some((tap, self.cell(output, tap)?)))
    }

    /// Whether cells are spread apart, so that taps may stand between them.
    pub(super) fn spreads(&self) -> bool {
        self.up > 1
    }

    /// The cells under the window of an output, and how many places of it are cells or padding: `ceil_mode` may
    /// make windows hang over even that. For windows without dilation.
    pub(super) fn window(&self, output: usize) -> (Range<usize>, u64) {
        let (start, end) = (self.place(output, 0), self.place(output, self.taps));
        let within = |range: &Range<i64>| start.max(range.start)..end.min(range.end);
        let (real, padded) = (within(&self.real), within(&self.padded));
        let index = |place: i64| usize::try_from(place).unwrap_or(0);
        (index(real.start)..index(real.end), u64::try_from(padded.end - padded.start).unwrap_or(0))
    }

    #[inline]
    fn place(&self, output: usize, tap: usize) -> i64 {
        // Both are below MAX_PARAMETER squared.
        let [output, tap] = [output, tap].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        output
            .saturating_mul(self.down)
            .saturating_add(tap.saturating_mul(self.step))
            .saturating_sub(self.before)
    }
}

/// A size, stride, dilation or length: at least 1.
fn amount(value: usize) -> Result<i64, EvaluateError> {
    if value == 0 {
        return Err(EvaluateError::Malformed);
    }
    i64::try_from(value).ok().filter(|&value| value <= MAX_PARAMETER).ok_or(EvaluateError::TooLarge)
}

fn side(value: i64) -> Result<i64, EvaluateError> {
    if (-MAX_PARAMETER..=MAX_PARAMETER).contains(&value) { Ok(value) } else { Err(EvaluateError::TooLarge) }
}

fn positive(outputs: i64) -> Result<usize, EvaluateError> {
    usize::try_from(outputs).ok().filter(|&outputs| outputs > 0).ok_or(EvaluateError::NoOutput)
}
