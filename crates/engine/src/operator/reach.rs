//! What outputs read of the input, as far as it moves with them. Reports say it; nothing is decided by it.

use super::gather::Axis;
use crate::axes::{Axes, all};

/// What an output reads of the input along an axis: for output i the positions `(down·i + k) / up`, for k in a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Upsampling.
    pub up: i64,
    /// Stride.
    pub down: i64,
    first: i64,
    last: i64,
    /// Where it begins depends on the size.
    floating: bool,
}

impl Reach {
    /// The input's own.
    pub(crate) const INPUT: Self = Self { up: 1, down: 1, first: 0, last: 0, floating: false };

    /// How many positions of the upsampled input it spans.
    pub fn extent(&self) -> i64 {
        self.last - self.first + 1
    }

    /// What is read by so many taps that move over a signal which reads this; `None` where positions do not compose.
    pub(super) fn then(&self, axis: &Axis, taps: i64) -> Option<Self> {
        let low = axis.offset.checked_neg()?;
        let high = low.checked_add(taps)?.checked_sub(1)?;
        self.over([axis.up, axis.down], [low, high], axis.same.is_some())
    }

    /// What is read by outputs i that read this at positions `(down·i + k) / up`, for k from one number to another;
    /// `floating` where these depend on the size.
    pub(crate) fn over(&self, [up, down]: [i64; 2], [low, high]: [i64; 2], floating: bool) -> Option<Self> {
        let floating = self.floating || floating;
        let wide = |inner: i64, outer: i64, by: i64| inner.checked_add(by.checked_mul(outer)?);
        if up == 1 {
            return Some(Self {
                up: self.up,
                down: self.down.checked_mul(down)?,
                first: wide(self.first, low, self.down)?,
                last: wide(self.last, high, self.down)?,
                floating,
            });
        }
        (self.down == 1).then_some(())?;
        let (first, last) = (wide(low, self.first, up)?, wide(high, self.last, up)?);
        Some(Self { up: self.up.checked_mul(up)?, down, first, last, floating })
    }

    /// What two read together; `None` if they move apart.
    pub(crate) fn and(&self, other: &Self) -> Option<Self> {
        let fixed = !self.floating && !other.floating;
        let alike = (self.up, self.down) == (other.up, other.down);
        (self == other || fixed && alike).then(|| Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            ..*self
        })
    }
}

/// What an output reads of the input along each axis; `None` where that is not at regular positions, or nothing.
pub type Reaches = Option<Axes<Reach>>;

/// The reach of what reads some signals.
pub(crate) fn together(reaches: impl IntoIterator<Item = Reaches>) -> Reaches {
    let mut reaches = reaches.into_iter();
    let first = reaches.next()??;
    reaches.try_fold(first, |a, b| {
        let b = b?;
        all(|axis| a[axis].and(&b[axis]))
    })
}

/// What windows over a signal read of the input.
pub(super) fn moved(of: Reaches, axes: &Axes<Axis>, taps: Axes<i64>) -> Reaches {
    let of = of?;
    all(|axis| of[axis].then(&axes[axis], taps[axis]))
}
