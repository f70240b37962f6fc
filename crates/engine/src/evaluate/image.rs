//! Images: channels of rows of numbers. Knows no layers.

use super::work::Work;
use super::{Ball, EvaluateError};
use convproof_exact::{Grid, Rational};

/// Most entries of an image or kernel that the evaluator takes on.
pub const MAX_CELLS: usize = 1 << 22;

/// An image of `channels × height × width` numbers, exact ones unless said otherwise; no extent is 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Image<N = Rational> {
    channels: usize,
    height: usize,
    width: usize,
    values: Vec<N>,
}

impl Image {
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

    /// The same numbers, as balls.
    pub(super) fn balls(&self) -> Image<Ball> {
        self.map(|value| value.clone().into())
    }
}

impl Image<Ball> {
    /// The numbers, if all of them are known.
    pub fn exact(&self) -> Option<Image> {
        self.values.iter().all(Ball::is_exact).then(|| self.middle())
    }

    /// The numbers in the middle.
    pub fn middle(&self) -> Image {
        self.map(|value| value.middle().clone())
    }

    /// The image whose entries `entry` computes; [`EvaluateError::NoOutput`] if an extent is 0.
    pub(super) fn build(
        work: &mut Work,
        [channels, height, width]: [usize; 3],
        mut entry: impl FnMut(&mut Work, [usize; 3]) -> Result<Ball, EvaluateError>,
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
}

/// An image of balls, as the evaluator computes with.
pub(super) type BallImage = Image<Ball>;

impl<N> Image<N> {
    /// The image with these values, channel by channel and row by row; `None` if an extent is 0, their number
    /// is wrong or there are more than [`MAX_CELLS`].
    pub fn new(channels: usize, height: usize, width: usize, values: Vec<N>) -> Option<Self> {
        let image = Self { channels, height, width, values };
        (cells(image.size()) == Some(image.values.len())).then_some(image)
    }

    fn map<M>(&self, number: impl Fn(&N) -> M) -> Image<M> {
        let [channels, height, width] = self.size();
        Image { channels, height, width, values: self.values.iter().map(number).collect() }
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
    pub fn values(&self) -> &[N] {
        &self.values
    }

    /// One entry.
    ///
    /// # Panics
    /// If the position lies outside of the image.
    #[inline]
    pub fn at(&self, channel: usize, row: usize, column: usize) -> &N {
        assert!(row < self.height && column < self.width, "position within the image");
        &self.values[self.index([channel, row, column])]
    }

    /// One channel as a grid; `None` if there is no such channel.
    pub fn channel(&self, channel: usize) -> Option<Grid<N>>
    where
        N: Clone,
    {
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
