//! `K[0:2, :, 1:]`: parts of kernels and images, axis by axis, and every so many entries of them.
//!
//! As NumPy has it: `from:to:step` with ends that may be left out or counted from the end, and the axes that are not named
//! whole. But for two things: an end beyond the extent is a mistake, and a plain number beside a slice keeps its axis,
//! with one entry, as a kernel has all of its axes.

use super::Resolver;
use super::build::Amount;
use super::build::error::ResolveErrorKind;
use super::build::value::Array;
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind};
use convproof_engine::ir::Rearrangement;
use convproof_engine::kernel::Shape;

/// What is taken along an axis: the first entry, just past the last, and every so many of them.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Part {
    from: usize,
    to: usize,
    step: usize,
}

impl Part {
    fn count(self) -> usize {
        (self.to - self.from).div_ceil(self.step)
    }
}

impl Resolver<'_> {
    /// A part of an array.
    pub(super) fn sliced(&mut self, array: &Array, indices: &[Expr], span: Span) -> Option<Array> {
        let Shape { outputs, inputs, height, width } = array.shape();
        let extents = [outputs, inputs, height, width];
        let axes = axes(array, indices.len());
        if indices.len() > axes.len() {
            let expected = match axes {
                [2, 3] => "at most 2 indices [row,column]",
                [0, 2, 3] => "at most 3 indices [channel,row,column]",
                _ => "at most 4 indices [out,in,row,column]",
            };
            return self.fail(span, ResolveErrorKind::IndexCount { found: indices.len(), expected });
        }
        let mut parts = extents.map(|extent| Part { from: 0, to: extent, step: 1 });
        for (index, &axis) in indices.iter().zip(axes) {
            parts[axis] = self.axis_part(index, extents[axis])?;
        }
        // Ranges of channels are read in blocks, however many there are.
        let [o, c, ..] = parts;
        let mut array = array.clone();
        for (axis, part, how) in
            [(0, o, Rearrangement::Outputs([o.from, o.to])), (1, c, Rearrangement::Inputs([c.from, c.to]))]
        {
            if part.step == 1 {
                if part.to - part.from < extents[axis] {
                    let role = array.role;
                    array = Array { role, ..self.build.rearranged(&array, how, span)? };
                }
                parts[axis] = Part { from: 0, to: part.to - part.from, step: 1 };
            }
        }
        let Shape { outputs, inputs, height, width } = array.shape();
        let whole = [outputs, inputs, height, width].map(|extent| Part { from: 0, to: extent, step: 1 });
        if parts == whole {
            return Some(array);
        }
        let [from, step, count] =
            [parts.map(|part| part.from), parts.map(|part| part.step), parts.map(Part::count)];
        let role = array.role;
        let part = self.build.rearranged(&array, Rearrangement::Part { from, step, count }, span)?;
        Some(Array { role, ..part })
    }

    /// An index or a slice along an axis.
    fn axis_part(&mut self, index: &Expr, extent: usize) -> Option<Part> {
        let most = i64::try_from(extent).unwrap_or(i64::MAX);
        // From the end where it is negative.
        let place = |n: i64| usize::try_from(if n < 0 { n + most } else { n }).unwrap_or(0);
        let ExprKind::Slice(parts) = &index.kind else {
            let at = self.count(index, Amount::below(extent, "the index"))?;
            return Some(Part { from: at, to: at + 1, step: 1 });
        };
        let [from, to, step] = &**parts;
        let mut end = |expr: &Option<Expr>, what, range, usual| {
            expr.as_ref().map_or(Some(usual), |expr| self.integer(expr, Amount { what, range }))
        };
        let from = end(from, "the start of the slice", [-most, most - 1], 0)?;
        let to = end(to, "the end of the slice", [-most, most], most)?;
        let step = end(step, "the step of the slice", [1, most.max(1)], 1)?;
        let part = Part { from: place(from), to: place(to), step: place(step) };
        if part.from >= part.to {
            let (what, found) = ("the end of the slice", to.to_string());
            let kind = ResolveErrorKind::OutOfRange { what, found, allowed: "beyond its start".to_owned() };
            return self.fail(index.span, kind);
        }
        Some(part)
    }
}

/// The axes of `[out,in,row,column]` that so many indices are about.
fn axes(array: &Array, count: usize) -> &'static [usize] {
    let shape = array.shape();
    match (shape.is_plane(), shape.height, shape.width) {
        _ if array.role.is_image() && !(shape.is_plane() && count <= 2) => &[0, 2, 3],
        (true, 1, _) if count == 1 => &[3],
        (true, ..) => &[2, 3],
        (false, 1, _) if count == 3 => &[0, 1, 3],
        _ => &[0, 1, 2, 3],
    }
}
