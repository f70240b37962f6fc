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

/// The size of an image and its entries that are not 0.
pub(super) fn image<S: Serializer>(image: &Image, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Shown {
        size: [usize; 3],
        nonzero: Vec<Cell>,
    }
    #[derive(Serialize)]
    struct Cell {
        position: [usize; 3],
        value: String,
    }
    let size = image.size();
    let [channels, height, width] = size;
    let cells = (0..channels).flat_map(|c| (0..height).flat_map(move |i| (0..width).map(move |j| [c, i, j])));
    let nonzero = cells
        .filter(|&[c, i, j]| !image.at(c, i, j).is_zero())
        .take(MAX_CELLS)
        .map(|position @ [c, i, j]| Cell { position, value: image.at(c, i, j).to_string() });
    Shown { size, nonzero: nonzero.collect() }.serialize(serializer)
}
