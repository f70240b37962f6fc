//! The shape of a kernel: channels and extents, in PyTorch's order.

use std::fmt;

use super::KernelError;

/// No kernel has more entries than this.
pub const MAX_ENTRIES: usize = 1 << 24;

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
        self.entries().filter(|&count| count <= MAX_ENTRIES).ok_or(KernelError::TooLarge)
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
