//! The eight turns and mirror images of a rectangle, as permutations of its cells, and the symmetries of a target.

#![allow(clippy::float_arithmetic, reason = "least squares proposes candidates in floating point")]

use nalgebra::DVector;
use num_bigint::BigInt;
use num_traits::ToPrimitive;

use convproof_exact::{Grid, Limited};

/// A mirror image or turn: transposed first or not, then rows and columns reversed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    transpose: bool,
    flip_rows: bool,
    flip_columns: bool,
}

const fn turned(transpose: bool, flip_rows: bool, flip_columns: bool) -> Turn {
    Turn { transpose, flip_rows, flip_columns }
}

/// All of them; the first changes nothing.
pub const TURNS: [Turn; 8] = [
    turned(false, false, false),
    turned(false, false, true),
    turned(false, true, false),
    turned(false, true, true),
    turned(true, false, false),
    turned(true, false, true),
    turned(true, true, false),
    turned(true, true, true),
];

impl Turn {
    /// Height and width of what a rectangle becomes.
    pub fn size(self, (height, width): (usize, usize)) -> (usize, usize) {
        if self.transpose { (width, height) } else { (height, width) }
    }
}

/// Where a cell (row by row) of a rectangle comes to lie.
pub fn turn(turn: Turn, size: (usize, usize), cell: usize) -> usize {
    let (mut i, mut j) = (cell / size.1, cell % size.1);
    if turn.transpose {
        (i, j) = (j, i);
    }
    let (height, width) = turn.size(size);
    if turn.flip_rows {
        i = height - 1 - i;
    }
    if turn.flip_columns {
        j = width - 1 - j;
    }
    i * width + j
}

/// How the nonlinear unknowns of a problem answer to turns that leave its target as it is, up to the sign: each turn
/// leaves them as they are, or changes their signs.
pub struct Character {
    /// For each turn, where each variable comes to lie, and with which sign.
    images: Vec<(Vec<usize>, f64)>,
}

impl Character {
    /// The point's part with these symmetries: projections in turn, which converge to it.
    pub fn project(&self, point: &DVector<f64>) -> DVector<f64> {
        let mut point = point.clone();
        for _ in 0..12 {
            for (image, sign) in &self.images {
                let before = point.clone();
                for (k, &other) in image.iter().enumerate() {
                    point[other] = 0.5 * (before[other] + sign * before[k]);
                }
            }
        }
        point
    }
}

/// The ways in which unknowns of the given sizes, entry by entry the variables, can answer to the symmetries of a
/// target: to one turn, or to two.
pub fn characters(target: &Grid<BigInt>, sizes: &[(usize, usize)]) -> Vec<Character> {
    let size = (target.height(), target.width());
    let cells = target.cells();
    let keeps = |t: Turn, sign: i32| {
        t.size(size) == size && (0..cells.len()).all(|k| cells[turn(t, size, k)] == &cells[k] * sign)
    };
    let images: Vec<Vec<usize>> = TURNS[1..]
        .iter()
        .filter(|&&t| sizes.iter().all(|&size| t.size(size) == size) && (keeps(t, 1) || keeps(t, -1)))
        .map(|&t| {
            let mut first = 0;
            let mut image = Vec::new();
            for &size in sizes {
                let count = size.0 * size.1;
                image.extend((0..count).map(|k| first + turn(t, size, k)));
                first += count;
            }
            image
        })
        .collect();
    let variables = sizes.iter().map(|size| size.0 * size.1).sum();
    // Different pairs of turns may say the same, which shows on any one point that has no symmetry.
    let probe = DVector::from_fn(variables, |k, _| 1.0 / (k + 1).to_f64().unwrap_or(1.0));
    let mut seen: Vec<DVector<f64>> = vec![DVector::zeros(variables)];
    let mut all = Vec::new();
    let mut offer = |images: Vec<(Vec<usize>, f64)>| {
        let character = Character { images };
        let shown = character.project(&probe);
        if seen.iter().all(|other| (other - &shown).norm().exceeds(1e-3)) {
            seen.push(shown);
            all.push(character);
        }
    };
    for (n, first) in images.iter().enumerate() {
        for sign in [1.0, -1.0] {
            offer(vec![(first.clone(), sign)]);
            for second in &images[..n] {
                for other in [1.0, -1.0] {
                    offer(vec![(first.clone(), sign), (second.clone(), other)]);
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_answer_to_symmetries_counts_once() {
        let target = |cells: [i64; 9]| Grid::new(3, 3, cells.map(BigInt::from).to_vec()).unwrap();
        let count = |cells| characters(&target(cells), &[(2, 2)]).len();
        assert_eq!(count([1, 2, 3, 4, 5, 6, 7, 8, 8]), 0);
        assert_eq!(count([1, 2, 1, 3, 4, 3, 5, 6, 5]), 2, "a mirror image");
        // Of the 24 characters of the subgroups, a 2×2 kernel answers to those that leave it anything.
        assert!((10..=24).contains(&count([1, 2, 1, 2, 5, 2, 1, 2, 1])));
    }

    #[test]
    fn projections_answer_to_each_turn_with_its_sign() {
        let target = Grid::new(3, 3, [1, 2, 1, 2, 5, 2, 1, 2, 1].map(BigInt::from).to_vec()).unwrap();
        for sizes in [vec![(2, 2)], vec![(2, 3)], vec![(1, 3), (3, 2)], vec![(1, 2), (2, 1), (1, 3)]] {
            let variables: usize = sizes.iter().map(|(height, width)| height * width).sum();
            let all = characters(&target, &sizes);
            assert!(!all.is_empty());
            let point =
                DVector::from_fn(variables, |k, _| [3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0, 6.0, 5.5][k]);
            for character in &all {
                let shown = character.project(&point);
                // A quarter turn is averaged away by a factor of √2 each time, of which there are 12.
                let off = 0.05 * point.norm();
                assert!((character.project(&shown) - &shown).norm() < off);
                for (image, sign) in &character.images {
                    assert!((0..variables).all(|k| image.contains(&k)) && image.len() == variables);
                    assert!((0..variables).all(|k| (shown[image[k]] - sign * shown[k]).abs() < off));
                    // Entries stay within their unknown.
                    let mut first = 0;
                    for (height, width) in &sizes {
                        let own = first..first + height * width;
                        assert!(own.clone().all(|k| own.contains(&image[k])));
                        first = own.end;
                    }
                }
                assert!(shown.norm() <= point.norm() + 1e-9);
            }
        }
    }

    #[test]
    fn turns_are_different_permutations() {
        let images: Vec<Vec<usize>> =
            TURNS.iter().map(|&t| (0..9).map(|k| turn(t, (3, 3), k)).collect()).collect();
        for (n, image) in images.iter().enumerate() {
            assert!(!images[..n].contains(image));
            assert!((0..9).all(|k| image.contains(&k)));
        }
        let quarter: Vec<usize> = (0..6).map(|k| turn(turned(true, false, true), (2, 3), k)).collect();
        assert_eq!(quarter, [1, 3, 5, 0, 2, 4]);
    }
}
