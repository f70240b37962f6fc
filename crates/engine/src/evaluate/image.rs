//! Images: channels of rows of exact numbers. Knows no layers.

use super::EvaluateError;
use super::work::Work;
use convproof_exact::{Grid, Rational};

/// Most entries of an image or kernel that the evaluator takes on.
pub const MAX_CELLS: usize = 1 << 22;

/// An image of `channels × height × width` exact numbers; no extent is 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Image {
    channels: usize,
    height: usize,
    width: usize,
    values: Vec<Rational>,
}

impl Image {
    /// The image with these values, channel by channel and row by row; `None` if an extent is 0, their number
    /// is wrong or there are more than [`MAX_CELLS`].
    pub fn new(channels: usize, height: usize, width: usize, values: Vec<Rational>) -> Option<Self> {
        let image = Self { channels, height, width, values };
        (cells(image.size()) == Some(image.values.len())).then_some(image)
    }

    /// An image of zeros; `None` as for [`Image::new`].
    pub fn zeros(channels: usize, height: usize, width: usize) -> Option<Self> {
        let count = cells([channels, height, width])?;
        Self::new(channels, height, width, vec![Rational::ZERO; count])
    }

    /// Zeros but for a 1 at `[channel, row, column]`; `None` if that lies outside, and as for [`Image::new`].
    pub fn impulse(size: [usize; 3], position: [usize; 3]) -> Option<Self> {
        Self::sparse(size, [(position, Rational::ONE)])
    }

    /// Zeros but for these values at `[channel, row, column]`; `None` if one lies outside, and as for [`Image::new`].
    pub fn sparse(
        size: [usize; 3],
        values: impl IntoIterator<Item = ([usize; 3], Rational)>,
    ) -> Option<Self> {
        let mut image = Self::zeros(size[0], size[1], size[2])?;
        for (position, value) in values {
            if (0..3).any(|axis| position[axis] >= size[axis]) {
                return None;
            }
            let at = image.index(position);
            image.values[at] = value;
        }
        Some(image)
    }

    /// The image whose entries `entry` computes; [`EvaluateError::NoOutput`] if an extent is 0.
    pub(super) fn build(
        work: &mut Work,
        [channels, height, width]: [usize; 3],
        mut entry: impl FnMut(&mut Work, [usize; 3]) -> Result<Rational, EvaluateError>,
    ) -> Result<Self, EvaluateError> {
        let count = Self::room([channels, height, width])?;
        let mut values = Vec::with_capacity(count);
        for channel in 0..channels {
            for row in 0..height {
                let start = values.len();
                for column in 0..width {
                    values.push(entry(work, [channel, row, column])?);
                }
                work.keep(&values[start..])?;
            }
        }
        Ok(Self { channels, height, width, values })
    }

    /// How many entries an image of a size has; an error if it cannot be one.
    pub(super) fn room(size: [usize; 3]) -> Result<usize, EvaluateError> {
        if size.contains(&0) {
            return Err(EvaluateError::NoOutput);
        }
        cells(size).ok_or(EvaluateError::TooLarge)
    }

    /// `[channels, height, width]`.
    pub fn size(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All entries, channel by channel and row by row.
    pub fn values(&self) -> &[Rational] {
        &self.values
    }

    /// One entry.
    ///
    /// # Panics
    /// If the position lies outside of the image.
    #[inline]
    pub fn at(&self, channel: usize, row: usize, column: usize) -> &Rational {
        assert!(row < self.height && column < self.width, "position within the image");
        &self.values[self.index([channel, row, column])]
    }

    /// One row of one channel.
    pub(super) fn row(&self, channel: usize, row: usize) -> &[Rational] {
        &self.values[self.index([channel, row, 0])..][..self.width]
    }

    /// One channel as a grid; `None` if there is no such channel.
    pub fn channel(&self, channel: usize) -> Option<Grid<Rational>> {
        let area = self.height * self.width;
        let values = self.values.chunks(area).nth(channel)?;
        Grid::new(self.height, self.width, values.to_vec())
    }

    #[inline]
    fn index(&self, [channel, row, column]: [usize; 3]) -> usize {
        (channel * self.height + row) * self.width + column
    }
}

/// The number of entries, if there are any and at most [`MAX_CELLS`].
fn cells([channels, height, width]: [usize; 3]) -> Option<usize> {
    let count = channels.checked_mul(height)?.checked_mul(width)?;
    (1..=MAX_CELLS).contains(&count).then_some(count)
}
