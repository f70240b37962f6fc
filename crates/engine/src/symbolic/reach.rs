//! What outputs read of their input, and when one thing after another reads nothing that borders cut (Theorem 22 of
//! `docs/semantics.md`).

use super::Reading;
use super::exponent::{Exponent, is_at_least, times, whole};
use crate::operator::trace::Harmless;

/// What an output position reads along both axes, and how many outputs there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolicReach {
    /// Places of the first and last position read by output 0.
    pub first: [Exponent; 2],
    /// The last one.
    pub last: [Exponent; 2],
    /// How far the next output's are.
    pub stride: [Exponent; 2],
    /// `⌊(n + add) / stride⌋` outputs for an input of length n; none where that is below 1.
    pub add: [Exponent; 2],
}

impl SymbolicReach {
    /// Of a window of an extent, with a stride, and zeros around the image: `[top, left, bottom, right]`.
    pub fn window(extent: &[Exponent; 2], stride: &[Exponent; 2], padding: &[Exponent; 4]) -> Self {
        let axes = [0, 1];
        let add = axes.map(|axis| {
            let around = &padding[axis] + &padding[axis + 2];
            &(&around - &extent[axis]) + &stride[axis]
        });
        Self {
            first: axes.map(|axis| whole(0) - &padding[axis]),
            last: axes.map(|axis| &(&extent[axis] - &whole(1)) - &padding[axis]),
            stride: stride.clone(),
            add,
        }
    }

    pub(super) fn is_identity(&self) -> bool {
        *self == Self::window(&[whole(1), whole(1)], &[whole(1), whole(1)], &[0, 1, 2, 3].map(|_| whole(0)))
    }

    /// Whether no output reads before the start, or past the end, of its input.
    fn stays_inside(&self, axis: usize) -> [bool; 2] {
        [is_at_least(&self.first[axis], 0), is_at_least(&(whole(0) - &self.end(axis)), 0)]
    }

    /// By how much the last output may read past the end.
    pub(super) fn end(&self, axis: usize) -> Exponent {
        &(&self.add[axis] - &self.stride[axis]) + &(&self.last[axis] + &whole(1))
    }

    /// Whether what would be read before output 0, or after the last one, is nothing of the input.
    fn fades(&self, axis: usize) -> [bool; 2] {
        let end = &(&self.add[axis] - &self.stride[axis]) + &(&whole(1) + &self.first[axis]);
        [is_at_least(&(whole(0) - &self.last[axis]), 0), is_at_least(&end, 0)]
    }

    /// Why a linear map with this reach and then one with another are one: nothing that the second one reads is
    /// cut, or what is cut is 0. `None` where they are not plainly one.
    pub(super) fn harmless_before(&self, next: &Self) -> Option<Harmless> {
        let mut border = Harmless::Inside;
        for axis in 0..2 {
            let (inside, fades) = (next.stays_inside(axis), self.fades(axis));
            if inside == [true, true] {
                continue;
            }
            let padded = is_at_least(&(whole(0) - &self.first[axis]), 0) && is_at_least(&self.end(axis), 0);
            if !padded || !(0..2).all(|side| inside[side] || fades[side]) {
                return None;
            }
            border = Harmless::Zero;
        }
        Some(border)
    }

    /// The extent of what is read.
    pub fn extent(&self) -> [Exponent; 2] {
        [0, 1].map(|axis| &(&self.last[axis] - &self.first[axis]) + &whole(1))
    }

    /// The reach of both.
    pub(super) fn then(&self, next: &Self) -> Reading<Self> {
        let both = |a: &Exponent, b: &Exponent, axis: usize| -> Reading<Exponent> {
            Ok(a + &times(&self.stride[axis], b)?)
        };
        let pair = |a: &[Exponent; 2], b: &[Exponent; 2]| -> Reading<[Exponent; 2]> {
            Ok([both(&a[0], &b[0], 0)?, both(&a[1], &b[1], 1)?])
        };
        Ok(Self {
            first: pair(&self.first, &next.first)?,
            last: pair(&self.last, &next.last)?,
            stride: [times(&self.stride[0], &next.stride[0])?, times(&self.stride[1], &next.stride[1])?],
            add: pair(&self.add, &next.add)?,
        })
    }
}

pub(super) fn inside(reach: &SymbolicReach) -> bool {
    [0, 1].into_iter().all(|axis| reach.stays_inside(axis) == [true, true])
}

/// Whether a maximum of maxima is one: the outer windows stay inside, and inner windows leave no gaps.
pub(super) fn follow(a: &SymbolicReach, b: &SymbolicReach) -> bool {
    let dense = |axis: usize| {
        let size = &(&a.last[axis] - &a.first[axis]) + &whole(1);
        b.first[axis] == b.last[axis] || is_at_least(&(&size - &a.stride[axis]), 0)
    };
    inside(b) && dense(0) && dense(1)
}
