//! Operations that move entries or drop them: flips, dilation, padding, selection.

use super::concrete::check_memory;
use super::symbolic::positions;
use super::{ConcreteKernel, KernelError, Shape};

impl ConcreteKernel {
    /// The kernel turned by 180 degrees: both axes reversed.
    #[must_use]
    pub fn flip(&self) -> Self {
        let Shape { height, width, .. } = self.shape();
        self.spatial(height, width, |i, j| Some((height - 1 - i, width - 1 - j)))
    }

    /// Rows and columns exchanged; channels stay.
    #[must_use]
    pub fn transpose(&self) -> Self {
        let Shape { height, width, .. } = self.shape();
        self.spatial(width, height, |i, j| Some((j, i)))
    }

    /// `vertical − 1` and `horizontal − 1` zeros between neighbouring rows and columns.
    ///
    /// # Errors
    /// If a factor is 0 or the result too large.
    pub fn dilate(&self, [vertical, horizontal]: [usize; 2]) -> Result<Self, KernelError> {
        let Shape { height, width, .. } = self.shape();
        let (height, width) = (dilated(height, vertical)?, dilated(width, horizontal)?);
        self.check(height, width)?;
        Ok(self.spatial(height, width, |i, j| {
            (i.is_multiple_of(vertical) && j.is_multiple_of(horizontal))
                .then_some((i / vertical, j / horizontal))
        }))
    }

    /// Each entry becomes an `n × n` block of copies.
    ///
    /// # Errors
    /// If `n` is 0 or the result too large.
    pub fn repeat(&self, n: usize) -> Result<Self, KernelError> {
        if n == 0 {
            return Err(KernelError::ZeroFactor);
        }
        let Shape { height, width, .. } = self.shape();
        let extent = |length: usize| length.checked_mul(n).ok_or(KernelError::TooLarge);
        let (height, width) = (extent(height)?, extent(width)?);
        self.check(height, width)?;
        Ok(self.spatial(height, width, |i, j| Some((i / n, j / n))))
    }

    /// Rows and columns of zeros added on each side.
    ///
    /// # Errors
    /// If the result is too large.
    pub fn pad(&self, top: usize, left: usize, bottom: usize, right: usize) -> Result<Self, KernelError> {
        let Shape { height: h, width: w, .. } = self.shape();
        let extent = |before: usize, length: usize, after: usize| {
            before.checked_add(length)?.checked_add(after).filter(|&sum| sum < usize::MAX)
        };
        let (height, width) =
            extent(top, h, bottom).zip(extent(left, w, right)).ok_or(KernelError::TooLarge)?;
        self.check(height, width)?;
        Ok(self.spatial(height, width, |i, j| {
            let (i, j) = (i.checked_sub(top)?, j.checked_sub(left)?);
            (i < h && j < w).then_some((i, j))
        }))
    }

    /// Drops the border rows and columns that are 0 in all channels; also how many, as
    /// `[top, left, bottom, right]`, so that [`ConcreteKernel::pad`] restores the kernel. Of a zero kernel the
    /// top left entry stays.
    pub fn trim(&self) -> (Self, [usize; 4]) {
        let Shape { height, width, .. } = self.shape();
        let sides = self.zero_sides();
        if sides == [0; 4] {
            return (self.clone(), sides);
        }
        let [top, left, bottom, right] = sides;
        let (rows, columns) = (height - top - bottom, width - left - right);
        (self.spatial(rows, columns, |i, j| Some((i + top, j + left))), sides)
    }

    /// How many rows and columns at the top, left, bottom and right are 0 in all channels; of a zero kernel all but the
    /// first row and column.
    pub fn zero_sides(&self) -> [usize; 4] {
        let Shape { height, width, .. } = self.shape();
        let (mut rows, mut columns) = (vec![false; height], vec![false; width]);
        let mut unused = height + width;
        for index in (0..self.integers().len()).filter(|&index| !self.integers().is_zero_at(index)) {
            for used in [&mut rows[index / width % height], &mut columns[index % width]] {
                unused -= usize::from(!*used);
                *used = true;
            }
            if unused == 0 {
                break;
            }
        }
        let range = |used: &[bool]| {
            let first = used.iter().position(|&u| u).unwrap_or(0);
            (first, used.iter().rposition(|&u| u).unwrap_or(0))
        };
        let ((top, bottom), (left, right)) = (range(&rows), range(&columns));
        [top, left, height - 1 - bottom, width - 1 - right]
    }

    /// A kernel of another shape whose entries are picked from this one by position, zero where `None`.
    ///
    /// # Errors
    /// If the result is too large.
    pub fn gather(
        &self,
        shape: Shape,
        from: impl Fn([usize; 4]) -> Option<[usize; 4]>,
    ) -> Result<Self, KernelError> {
        check_memory(shape.validate()?, self.integers().max_bits())?;
        let old = self.shape();
        let place = |[o, c, i, j]: [usize; 4]| ((o * old.inputs + c) * old.height + i) * old.width + j;
        let sources = positions(shape).map(|at| from(at).map(place));
        Ok(Self::canonical(shape, self.integers().gather(sources), self.denominator().clone()))
    }

    fn check(&self, height: usize, width: usize) -> Result<(), KernelError> {
        check_memory(Shape { height, width, ..self.shape() }.validate()?, self.integers().max_bits())
    }

    /// The same rearrangement of every channel: `source` gives the old position of a new entry, `None` a 0.
    fn spatial(
        &self,
        height: usize,
        width: usize,
        source: impl Fn(usize, usize) -> Option<(usize, usize)>,
    ) -> Self {
        let old = self.shape();
        let shape = Shape { height, width, ..old };
        let plane: Vec<Option<usize>> = (0..height * width)
            .map(|index| source(index / width, index % width).map(|(i, j)| i * old.width + j))
            .collect();
        let starts = (0..old.outputs * old.inputs).map(|channel| channel * old.area());
        let sources = starts.flat_map(|start| plane.iter().map(move |s| s.map(|offset| start + offset)));
        Self::canonical(shape, self.integers().gather(sources), self.denominator().clone())
    }
}

/// The extent after dilation by `factor`.
pub(crate) fn dilated(extent: usize, factor: usize) -> Result<usize, KernelError> {
    if factor == 0 {
        return Err(KernelError::ZeroFactor);
    }
    (extent - 1).checked_mul(factor).and_then(|length| length.checked_add(1)).ok_or(KernelError::TooLarge)
}

/// Rows and columns of the composition of a kernel with another one that is dilated.
pub(crate) fn composed(
    first: [usize; 2],
    next: [usize; 2],
    dilation: [usize; 2],
) -> Result<[usize; 2], KernelError> {
    let extent = |axis: usize| {
        let added = (next[axis] - 1).checked_mul(dilation[axis])?;
        // Sums of a few such extents fit as well.
        first[axis].checked_add(added).filter(|&extent| extent <= 1 << 60)
    };
    extent(0).zip(extent(1)).map(|(height, width)| [height, width]).ok_or(KernelError::TooLarge)
}
