//! Concrete kernels as the evaluator keeps them: plain four-dimensional arrays.

use super::work::Work;
use super::{EvaluateError, MAX_CELLS};
use convproof_exact::Rational;

/// A kernel of exact numbers, `[out, in, height, width]`, the last index fastest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Array4 {
    shape: [usize; 4],
    values: Vec<Rational>,
}

impl Array4 {
    /// The array with these values in storage order; `None` if an extent is 0, their number is wrong or there
    /// are more than [`MAX_CELLS`].
    pub fn new(shape: [usize; 4], values: Vec<Rational>) -> Option<Self> {
        (entries(shape) == Some(values.len())).then_some(Self { shape, values })
    }

    pub(super) fn scalar(value: Rational) -> Self {
        Self { shape: [1; 4], values: vec![value] }
    }

    /// The array whose entries `entry` computes, in storage order.
    pub(super) fn build(
        work: &mut Work,
        shape: [usize; 4],
        mut entry: impl FnMut(&mut Work, [usize; 4]) -> Result<Rational, EvaluateError>,
    ) -> Result<Self, EvaluateError> {
        let count = entries(shape).ok_or(EvaluateError::TooLarge)?;
        let mut values = Vec::with_capacity(count);
        for o in 0..shape[0] {
            for c in 0..shape[1] {
                for i in 0..shape[2] {
                    let start = values.len();
                    for j in 0..shape[3] {
                        values.push(entry(work, [o, c, i, j])?);
                    }
                    work.keep(&values[start..])?;
                }
            }
        }
        Ok(Self { shape, values })
    }

    /// The array that is 0 but for some entries, by their places in storage order.
    pub(super) fn sparse<'v>(
        work: &mut Work,
        shape: [usize; 4],
        others: impl Iterator<Item = (usize, &'v Rational)>,
    ) -> Result<Self, EvaluateError> {
        let mut array = Self::zeros(work, shape)?;
        for (place, value) in others {
            work.keep(std::slice::from_ref(value))?;
            *array.values.get_mut(place).ok_or(EvaluateError::Malformed)? = value.clone();
        }
        Ok(array)
    }

    pub(super) fn zeros(work: &mut Work, shape: [usize; 4]) -> Result<Self, EvaluateError> {
        Self::build(work, shape, |_, _| Ok(Rational::ZERO))
    }

    /// `[out, in, height, width]`.
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// All entries in storage order.
    pub fn values(&self) -> &[Rational] {
        &self.values
    }

    /// One entry `[out, in, row, column]`; `None` outside.
    pub fn get(&self, position: [usize; 4]) -> Option<&Rational> {
        let inside = (0..4).all(|axis| position[axis] < self.shape[axis]);
        inside.then(|| &self.values[self.index(position)])
    }

    /// The only entry of an array that has one.
    pub fn as_scalar(&self) -> Option<&Rational> {
        if let [only] = self.values.as_slice() { Some(only) } else { None }
    }

    /// One entry.
    ///
    /// # Panics
    /// May panic if the position lies outside.
    #[inline]
    pub(super) fn at(&self, position: [usize; 4]) -> &Rational {
        &self.values[self.index(position)]
    }

    pub(super) fn at_mut(&mut self, position: [usize; 4]) -> &mut Rational {
        let index = self.index(position);
        &mut self.values[index]
    }

    #[inline]
    fn index(&self, [o, c, i, j]: [usize; 4]) -> usize {
        let [_, inputs, height, width] = self.shape;
        ((o * inputs + c) * height + i) * width + j
    }
}

/// The number of entries, if there are any and at most [`MAX_CELLS`].
fn entries(shape: [usize; 4]) -> Option<usize> {
    let count = shape.iter().try_fold(1usize, |count, &extent| count.checked_mul(extent))?;
    (1..=MAX_CELLS).contains(&count).then_some(count)
}
