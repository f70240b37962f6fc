//! The shape of a kernel: channels and extents, in PyTorch's order.

use convproof_exact::Limited;
use std::fmt;

use super::KernelError;
use crate::axes::Axes;

/// No kernel has more entries than this.
pub const MAX_ENTRIES: usize = 1 << 24;

/// The place `[out,in,h,w]` of a tap.
pub const fn tap(output: usize, input: usize, [row, column]: Axes<usize>) -> [usize; 4] {
    [output, input, row, column]
}

/// `[outputs, inputs, height, width]` of a kernel; for grouped convolution `inputs` is per group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    /// Output channels.
    pub outputs: usize,
    /// Input channels.
    pub inputs: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Shape {
    /// The shape with these extents.
    pub const fn new(outputs: usize, inputs: usize, height: usize, width: usize) -> Self {
        Self { outputs, inputs, height, width }
    }

    /// The shape of a single-channel kernel.
    pub const fn plane(height: usize, width: usize) -> Self {
        Self::new(1, 1, height, width)
    }

    /// Where an entry `[out,in,h,w]` stands in storage order.
    pub const fn offset(&self, [o, c, i, j]: [usize; 4]) -> usize {
        ((o * self.inputs + c) * self.height + i) * self.width + j
    }

    /// The entry at a place in storage order.
    pub const fn entry(&self, offset: usize) -> [usize; 4] {
        let plane = offset / self.width / self.height;
        let (row, column) = (offset / self.width % self.height, offset % self.width);
        [plane / self.inputs, plane % self.inputs, row, column]
    }

    /// `[outputs, inputs, height, width]`.
    pub const fn dimensions(&self) -> [usize; 4] {
        [self.outputs, self.inputs, self.height, self.width]
    }

    /// Whether it has an entry.
    pub fn holds(&self, at: [usize; 4]) -> bool {
        at.iter().zip(self.dimensions()).all(|(&n, extent)| n < extent)
    }

    /// Rows and columns of a matrix, which is a kernel of one channel in and out.
    pub const fn matrix(&self) -> [usize; 2] {
        [self.height, self.width]
    }

    /// Its extent along each spatial axis.
    pub const fn extents(&self) -> Axes<usize> {
        [self.height, self.width]
    }

    /// The same channels with other extents.
    pub const fn with_extents(self, [height, width]: Axes<usize>) -> Self {
        Self { height, width, ..self }
    }

    /// The number of entries; `None` if it overflows. It may exceed [`MAX_ENTRIES`]: see [`Shape::validate`].
    pub fn entries(&self) -> Option<usize> {
        self.outputs.checked_mul(self.inputs)?.checked_mul(self.height)?.checked_mul(self.width)
    }

    /// The number of entries if a kernel of this shape may exist.
    ///
    /// # Errors
    /// [`KernelError::EmptyShape`] if an extent is 0, [`KernelError::TooLarge`] beyond [`MAX_ENTRIES`].
    pub fn validate(&self) -> Result<usize, KernelError> {
        if [self.outputs, self.inputs, self.height, self.width].contains(&0) {
            return Err(KernelError::EmptyShape);
        }
        self.entries().filter(|&count| count.within(MAX_ENTRIES)).ok_or(KernelError::TooLarge)
    }

    /// The same for a kernel that is not written out: channels and extents are bounded each by themselves.
    ///
    /// # Errors
    /// As for [`Shape::validate`].
    pub fn validate_unwritten(&self) -> Result<(), KernelError> {
        let channels = Self::new(self.outputs, self.inputs, 1, 1);
        channels.validate().and(Self::plane(self.height, self.width).validate()).map(|_| ())
    }

    /// Whether one channel goes in and one comes out.
    pub const fn is_plane(&self) -> bool {
        self.outputs == 1 && self.inputs == 1
    }

    /// Whether it is one row or one column of numbers.
    pub const fn is_vector(&self) -> bool {
        self.is_plane() && (self.height == 1 || self.width == 1)
    }

    /// Whether the kernel is 1×1 with a single channel.
    pub const fn is_scalar(&self) -> bool {
        self.is_plane() && self.height == 1 && self.width == 1
    }

    /// Entries of one output and one input channel.
    pub(crate) const fn area(&self) -> usize {
        self.height * self.width
    }
}

impl fmt::Display for Shape {
    /// `[3,3]` for a single channel, else `[out,in,3,3]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_plane() {
            return write!(f, "[{},{},{},{}]", self.outputs, self.inputs, self.height, self.width);
        }
        write!(f, "[{},{}]", self.height, self.width)
    }
}
