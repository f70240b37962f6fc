//! Concrete kernels as the evaluator keeps them: four-dimensional arrays, of which only entries other than 0 are stored.

use super::work::Work;
use super::{Ball, EvaluateError, MAX_CELLS};
use crate::kernel::Shape;
use convproof_exact::Rational;

/// A number that arrays hold.
pub trait Number: Clone + 'static {
    /// The number 0, to be lent.
    fn zero() -> &'static Self;
    /// Whether it is that.
    fn is_zero(&self) -> bool;
}

impl Number for Rational {
    fn zero() -> &'static Self {
        static ZERO: Rational = Rational::ZERO;
        &ZERO
    }
    fn is_zero(&self) -> bool {
        Self::is_zero(self)
    }
}

impl Number for Ball {
    fn zero() -> &'static Self {
        static ZERO: Ball = Ball::ZERO;
        &ZERO
    }
    fn is_zero(&self) -> bool {
        Self::is_zero(self)
    }
}

/// Most entries of an array, zeros included; places are counted up to it. Where words have 32 bits these are the limit.
const MAX_PLACES: u64 = 1 << 40;

/// A kernel of numbers, exact ones unless said otherwise, `[out, in, height, width]`, the last index fastest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Array4<N = Rational> {
    shape: [usize; 4],
    /// Entries that are not 0 by their places in storage order, in order.
    entries: Vec<(usize, N)>,
}

/// An array of balls, as the evaluator computes with.
pub(super) type BallArray = Array4<Ball>;

impl Array4<Ball> {
    /// The numbers, if all of them are known.
    pub fn exact(&self) -> Option<Array4> {
        let known = |(place, value): &(usize, Ball)| Some((*place, value.exact()?.clone()));
        Some(Array4 { shape: self.shape, entries: self.entries.iter().map(known).collect::<Option<_>>()? })
    }

    pub(super) fn scalar(value: Ball) -> Self {
        let entries = if value.is_zero() { Vec::new() } else { vec![(0, value)] };
        Self { shape: [1; 4], entries }
    }

    /// The array with some entries, by their places in storage order, in any order and none twice; the others are 0.
    pub(super) fn of(
        work: &mut Work,
        shape: [usize; 4],
        mut entries: Vec<(usize, Ball)>,
    ) -> Result<Self, EvaluateError> {
        let count = places(shape).ok_or(EvaluateError::TooLarge)?;
        entries.retain(|(_, value)| !value.is_zero());
        if entries.len() > MAX_CELLS {
            return Err(EvaluateError::TooLarge);
        }
        if !entries.is_sorted_by(|a, b| a.0 < b.0) {
            entries.sort_unstable_by_key(|(place, _)| *place);
        }
        if entries.last().is_some_and(|(place, _)| *place >= count) {
            return Err(EvaluateError::Malformed);
        }
        work.charge(entries.len() as u64)?;
        work.keep(entries.iter().map(|(_, value)| value))?;
        Ok(Self { shape, entries })
    }
}

impl<N: Number> Array4<N> {
    /// The array with these values in storage order; `None` if an extent is 0, their number is wrong or there
    /// are more than [`MAX_CELLS`].
    pub fn new(shape: [usize; 4], values: Vec<N>) -> Option<Self> {
        if values.len() > MAX_CELLS || places(shape) != Some(values.len()) {
            return None;
        }
        let entries = values.into_iter().enumerate().filter(|(_, value)| !value.is_zero()).collect();
        Some(Self { shape, entries })
    }

    /// `[out, in, height, width]`.
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// How many entries there are, zeros included.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are none; there always are some.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entries that are not 0 by their places in storage order, in order.
    pub fn entries(&self) -> &[(usize, N)] {
        &self.entries
    }

    /// All entries in storage order.
    pub fn values(&self) -> Vec<N> {
        let mut values = vec![N::zero().clone(); self.len()];
        self.entries.iter().for_each(|(place, value)| values[*place] = value.clone());
        values
    }

    /// One entry `[out, in, row, column]`; `None` outside.
    pub fn get(&self, position: [usize; 4]) -> Option<&N> {
        let inside = (0..4).all(|axis| position[axis] < self.shape[axis]);
        inside.then(|| self.at(place(self.shape, position)))
    }

    /// The only entry of an array that has one.
    pub fn as_scalar(&self) -> Option<&N> {
        (self.len() == 1).then(|| self.at(0))
    }

    /// The entry at a place in storage order; 0 outside.
    pub fn at(&self, place: usize) -> &N {
        if let Some((_, value)) = self.entries.get(place).filter(|(own, _)| *own == place) {
            return value;
        }
        let found = self.entries.binary_search_by_key(&place, |(place, _)| *place);
        found.map_or(N::zero(), |index| &self.entries[index].1)
    }

    /// Entries that are not 0 with places from one up to another.
    pub(super) fn between(&self, first: usize, end: usize) -> &[(usize, N)] {
        if self.entries.len() == self.len() {
            return self.entries.get(first..end).unwrap_or_default();
        }
        let start = self.entries.partition_point(|(place, _)| *place < first);
        let rest = &self.entries[start..];
        &rest[..rest.partition_point(|(place, _)| *place < end)]
    }

    /// The entries of one pair of channels that are not 0, by their places among those, in order.
    pub(super) fn plane(&self, output: usize, input: usize) -> impl Iterator<Item = (usize, &N)> {
        let area = self.shape[2] * self.shape[3];
        let first = (output * self.shape[1] + input) * area;
        self.between(first, first + area).iter().map(move |(place, value)| (place - first, value))
    }

    /// The position of a place in storage order.
    #[inline]
    pub(super) fn position(&self, place: usize) -> [usize; 4] {
        position(self.shape, place)
    }

    /// The same entries in the same order in another shape of as many.
    pub(super) fn reshaped(&self, shape: [usize; 4]) -> Option<Self> {
        (places(shape) == Some(self.len())).then(|| Self { shape, entries: self.entries.clone() })
    }
}

/// The place of a position in storage order.
#[inline]
pub(super) fn place([_, inputs, height, width]: [usize; 4], [o, c, i, j]: [usize; 4]) -> usize {
    ((o * inputs + c) * height + i) * width + j
}

/// The position of a place in storage order.
#[inline]
pub(super) fn position([_, inputs, height, width]: [usize; 4], place: usize) -> [usize; 4] {
    let (plane, cell) = (place / (height * width), place % (height * width));
    [plane / inputs, plane % inputs, cell / width, cell % width]
}

/// `[out, in, height, width]`.
pub(super) fn extents(shape: Shape) -> [usize; 4] {
    [shape.outputs, shape.inputs, shape.height, shape.width]
}

/// The number of entries, if there are any and at most [`MAX_PLACES`].
pub(super) fn places(shape: [usize; 4]) -> Option<usize> {
    let count = shape.iter().try_fold(1usize, |count, &extent| count.checked_mul(extent))?;
    let most = usize::try_from(MAX_PLACES).unwrap_or(usize::MAX);
    (1..=most).contains(&count).then_some(count)
}
