//! Numbers, matrices and images in JSON: exact, as strings.

use serde::{Serialize, Serializer};

use convproof_engine::evaluate::Image;
use convproof_exact::{Grid, Rational};

/// Most entries of an image that are listed.
const MAX_CELLS: usize = 4096;

/// A matrix whose numbers are written as strings, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix<T>(pub Grid<T>);

impl<T: ToString> Serialize for Matrix<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_seq(self.0.rows().map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>()))
    }
}

pub(super) fn text<T: std::fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(super) fn optional_text<S: Serializer>(
    value: &Option<Rational>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.as_ref().map(ToString::to_string).serialize(serializer)
}

pub(super) fn by_name<S: Serializer>(all: &[(String, Rational)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(all.iter().map(|(name, value)| (name, value.to_string())))
}

/// An image: its size and its first entries that are not 0. It may be far larger than what a report can hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sparse {
    /// Channels, height and width.
    pub size: [usize; 3],
    /// Entries by channel, row and column.
    pub nonzero: Vec<Cell>,
}

/// An entry of an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// Channel, row and column.
    pub position: [usize; 3],
    /// The number there.
    #[serde(serialize_with = "text")]
    pub value: Rational,
}

impl Sparse {
    /// The entries of an image, as many as are listed.
    pub fn of(image: &Image) -> Self {
        let size = image.size();
        let [_, height, width] = size;
        let position = |at: usize| [at / (height * width), at / width % height, at % width];
        let nonzero = image.values().iter().enumerate().filter(|(_, value)| !value.is_zero());
        let nonzero = nonzero.take(MAX_CELLS);
        let cell = |(at, value): (usize, &Rational)| Cell { position: position(at), value: value.clone() };
        Self { size, nonzero: nonzero.map(cell).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_listed_up_to_a_limit() {
        let image = Image::sparse([2, 3, 4], [([1, 2, 3], Rational::ONE), ([0, 1, 2], Rational::from(-5))]);
        let cells = Sparse::of(&image.unwrap()).nonzero;
        let cells: Vec<_> = cells.iter().map(|cell| (cell.position, cell.value.to_string())).collect();
        assert_eq!(cells, [([0, 1, 2], "-5".to_owned()), ([1, 2, 3], "1".to_owned())]);
        let full = Image::new(1, 100, 100, vec![Rational::ONE; 10_000]).unwrap();
        assert_eq!(Sparse::of(&full).nonzero.len(), MAX_CELLS);
    }
}
