//! Kernels whose entries are moved, left out, picked, or added up by channels.

use super::{Kernel, has_many};
use crate::kernel::symbolic::positions;
use crate::kernel::{ConcreteKernel, KernelError, Shape};
use convproof_exact::{Poly, Sum};

impl Kernel {
    /// `n − 1` zeros between entries, per axis.
    pub fn dilate(&self, by: [usize; 2]) -> Result<Self, KernelError> {
        let old = self.shape();
        let (height, width) = ((old.height - 1) * by[0] + 1, (old.width - 1) * by[1] + 1);
        let dilated = Shape { height, width, ..old };
        let from = move |[o, c, i, j]: [usize; 4]| {
            (i % by[0] == 0 && j % by[1] == 0).then(|| [o, c, i / by[0], j / by[1]])
        };
        match self {
            Self::Atoms(_) => Self::identity(1)?.convolve_dilated(self, by),
            Self::Concrete(_) | Self::Symbolic(_) => self.gather_later(dilated, from),
            Self::Later(_) => Ok(self.changed(dilated, move |kernel| kernel.dilate(by))),
        }
    }

    /// Each entry becomes a `by[0] × by[1]` block.
    pub fn repeat(&self, by: [usize; 2]) -> Result<Self, KernelError> {
        if self.is_later() {
            let old = self.shape();
            let grown = Shape { height: old.height * by[0], width: old.width * by[1], ..old };
            return Ok(self.changed(grown, move |kernel| kernel.repeat(by)));
        }
        let channels = self.shape().outputs;
        let shape = Shape::new(channels, channels, by[0], by[1]);
        shape.validate()?;
        let ones = positions(shape).map(|[o, c, _, _]| i64::from(o == c)).collect();
        let block = ConcreteKernel::from_integers(shape, ones)?;
        self.dilate(by)?.convolve_dilated(&block.into(), [1, 1])
    }

    /// Both axes reversed.
    pub fn flip(&self) -> Result<Self, KernelError> {
        Ok(match self {
            Self::Concrete(kernel) => kernel.flip().into(),
            Self::Atoms(kernel) => kernel.flip()?.into(),
            Self::Symbolic(kernel) => kernel.flip()?.into(),
            Self::Later(_) => self.changed(self.shape(), Self::flip),
        })
    }

    /// Rows and columns exchanged.
    pub fn transpose(&self) -> Result<Self, KernelError> {
        Ok(match self {
            Self::Concrete(kernel) => kernel.transpose().into(),
            Self::Atoms(kernel) => kernel.transpose()?.into(),
            Self::Symbolic(kernel) => kernel.transpose()?.into(),
            Self::Later(_) => {
                let old = self.shape();
                self.changed(Shape { height: old.width, width: old.height, ..old }, Self::transpose)
            }
        })
    }

    /// Zeros added at the top, left, bottom and right.
    pub fn pad(&self, sides: [usize; 4]) -> Result<Self, KernelError> {
        if sides == [0; 4] {
            return Ok(self.clone());
        }
        let [top, left, bottom, right] = sides;
        Ok(match self {
            Self::Concrete(kernel) => kernel.pad(top, left, bottom, right)?.into(),
            Self::Atoms(kernel) => kernel.pad(sides).into(),
            Self::Symbolic(kernel) => kernel.pad(sides)?.into(),
            Self::Later(_) => {
                let old = self.shape();
                let (height, width) = (old.height + top + bottom, old.width + left + right);
                self.changed(Shape { height, width, ..old }, move |kernel| kernel.pad(sides))
            }
        })
    }

    /// Without the border rows and columns that vanish for all weights, and how many were removed at the top,
    /// left, bottom and right.
    pub fn trim(&self) -> Result<(Self, [usize; 4]), KernelError> {
        Ok(match self {
            Self::Concrete(kernel) if kernel.zero_sides() == [0; 4] => (self.clone(), [0; 4]),
            Self::Concrete(kernel) => {
                let (kernel, sides) = kernel.trim();
                (kernel.into(), sides)
            }
            Self::Atoms(kernel) => {
                let (kernel, sides) = kernel.trim();
                (kernel.into(), sides)
            }
            Self::Later(later) => return later.get()?.trim(),
            Self::Symbolic(kernel) => match kernel.trim()? {
                Some((kernel, sides)) => (kernel.into(), sides),
                None => (self.clone(), [0; 4]),
            },
        })
    }

    /// A kernel of another shape whose entries are picked from this one by position, zero where `None`.
    pub fn gather(
        &self,
        shape: Shape,
        from: impl Fn([usize; 4]) -> Option<[usize; 4]>,
    ) -> Result<Self, KernelError> {
        if let Self::Concrete(kernel) = self {
            return Ok(kernel.gather(shape, from)?.into());
        }
        Ok(self.expand()?.gather(shape, from)?.into())
    }

    /// The same, written out only where somebody asks for it if there are many entries, or will be.
    pub fn gather_later(
        &self,
        shape: Shape,
        from: impl Fn([usize; 4]) -> Option<[usize; 4]> + Send + Sync + 'static,
    ) -> Result<Self, KernelError> {
        if self.is_long() || has_many(shape) && self.as_concrete().is_none() {
            Ok(self.changed(shape, move |kernel| kernel.gather(shape, &from)))
        } else {
            self.gather(shape, from)
        }
    }

    /// The sums of the entries of each output channel, or input channel, as a row; later if there are many.
    pub fn channel_sums(&self, outputs: bool) -> Result<Self, KernelError> {
        let shape = self.shape();
        let row = Shape::plane(1, if outputs { shape.outputs } else { shape.inputs });
        if self.is_long() {
            return Ok(self.changed(row, move |kernel| kernel.channel_sums_now(outputs)));
        }
        self.channel_sums_now(outputs)
    }

    fn channel_sums_now(&self, outputs: bool) -> Result<Self, KernelError> {
        let shape = self.shape();
        let count = if outputs { shape.outputs } else { shape.inputs };
        let mut sums: Vec<Sum> = (0..count).map(|_| Sum::default()).collect();
        let expanded = self.expand()?;
        for ([o, c, _, _], entry) in positions(shape).zip(expanded.entries()) {
            sums[if outputs { o } else { c }].add_product(entry, &Poly::one());
        }
        Self::from_entries(Shape::plane(1, count), sums.into_iter().map(Sum::finish).collect())
    }

    /// Every `step`-th row and column, from `start` on; one zero if none is left.
    pub fn every(&self, start: [usize; 2], step: [usize; 2]) -> Result<Self, KernelError> {
        let shape = self.shape();
        let left = |size: usize, axis: usize| size.saturating_sub(start[axis]).div_ceil(step[axis]).max(1);
        let kept = Shape { height: left(shape.height, 0), width: left(shape.width, 1), ..shape };
        self.gather(kept, |[o, c, i, j]| {
            let (row, column) = (start[0] + i * step[0], start[1] + j * step[1]);
            (row < shape.height && column < shape.width).then_some([o, c, row, column])
        })
    }
}
