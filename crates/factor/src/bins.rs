//! Distributing irreducible factors over kernels of requested shapes.
//!
//! Complete: every distribution is counted, by dynamic programming over the room left in each kernel. Knows
//! only bidegrees, so it serves every field.

use super::exact::FactorError;
use convproof_exact::Limited;
use convproof_exact::budget;
use num_bigint::BigUint;
use num_traits::{One, Zero};
use rustc_hash::FxHashMap;

/// Steps of the search before giving up.
pub const STEP_LIMIT: usize = 4_000_000;

/// One unknown kernel: its shape, and how often it occurs in the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bin {
    /// Number of rows.
    pub height: usize,
    /// Number of columns.
    pub width: usize,
    /// Exponent in the product; 1 for an ordinary unknown.
    pub power: usize,
}

/// A factor irreducible over the field in question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Degree in x: rows less one.
    pub rows: usize,
    /// Degree in y: columns less one.
    pub columns: usize,
    /// How often the factor occurs.
    pub multiplicity: usize,
}

/// All ways to distribute the pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distributions {
    /// The first: `first[piece][bin]` is the exponent of the piece in that unknown. The order is lexicographic by
    /// pieces, then by bins, larger exponents first.
    pub first: Vec<Vec<usize>>,
    /// How many there are, and so how many different tuples of kernels up to scalar factors.
    pub count: BigUint,
}

/// Distributes all pieces so that in each bin the degrees stay below the shape; `None` if that is impossible.
///
/// # Errors
/// [`FactorError::Shapes`] for an empty bin or the power 0, [`FactorError::Limit`] when the search is cut short.
pub fn distribute(pieces: &[Piece], bins: &[Bin]) -> Result<Option<Distributions>, FactorError> {
    if bins.iter().any(|bin| bin.height == 0 || bin.width == 0 || bin.power == 0) {
        return Err(FactorError::Shapes);
    }
    let powers = bins.iter().map(|bin| bin.power).collect();
    let mut search = Search { pieces, powers, memo: FxHashMap::default(), steps: 0 };
    let mut room: Room = bins.iter().map(|bin| (bin.height - 1, bin.width - 1)).collect();
    let count = search.count(0, &room)?;
    if count.is_zero() {
        return Ok(None);
    }
    let mut first = Vec::with_capacity(pieces.len());
    for index in 0..pieces.len() {
        for (exponents, next) in search.placements(index, &room)? {
            if !search.count(index + 1, &next)?.is_zero() {
                first.push(exponents);
                room = next;
                break;
            }
        }
    }
    Ok(Some(Distributions { first, count }))
}

/// Degrees in x and y still free in each bin.
type Room = Vec<(usize, usize)>;

/// Index of the next piece, and (power, room) of the bins in increasing order.
type State = (usize, Vec<(usize, (usize, usize))>);

struct Search<'a> {
    pieces: &'a [Piece],
    powers: Vec<usize>,
    memo: FxHashMap<State, BigUint>,
    steps: usize,
}

impl Search<'_> {
    /// Number of ways to place the pieces from `index` on. Bins of equal power and room are interchangeable for that.
    fn count(&mut self, index: usize, room: &Room) -> Result<BigUint, FactorError> {
        if index == self.pieces.len() {
            return Ok(BigUint::one());
        }
        let mut bins: Vec<_> = self.powers.iter().copied().zip(room.iter().copied()).collect();
        bins.sort_unstable();
        let key = (index, bins);
        if let Some(count) = self.memo.get(&key) {
            return Ok(count.clone());
        }
        let mut count = BigUint::zero();
        for (_, next) in self.placements(index, room)? {
            count += self.count(index + 1, &next)?;
        }
        self.memo.insert(key, count.clone());
        Ok(count)
    }

    /// All exponents of one piece with the room they leave, larger exponents in earlier bins first.
    fn placements(&mut self, index: usize, room: &Room) -> Result<Vec<(Vec<usize>, Room)>, FactorError> {
        let piece = self.pieces[index];
        let mut partial = vec![(piece.multiplicity, Vec::new(), room.clone())];
        for (bin, power) in self.powers.iter().enumerate() {
            let mut next = Vec::new();
            for (left, exponents, room) in partial {
                let fits = |degree: usize, free: usize| free.checked_div(degree).unwrap_or(left);
                let most =
                    (left / power).min(fits(piece.rows, room[bin].0)).min(fits(piece.columns, room[bin].1));
                for exponent in (0..=most).rev() {
                    self.steps += 1;
                    budget::spend_on(room.len() + 4, 40);
                    if self.steps.exceeds(STEP_LIMIT) {
                        return Err(FactorError::Limit);
                    }
                    let mut exponents = exponents.clone();
                    exponents.push(exponent);
                    let mut room = room.clone();
                    room[bin].0 -= exponent * piece.rows;
                    room[bin].1 -= exponent * piece.columns;
                    next.push((left - exponent * power, exponents, room));
                }
            }
            partial = next;
        }
        Ok(partial.into_iter().filter(|(left, ..)| *left == 0).map(|(_, e, room)| (e, room)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bin(height: usize, width: usize, power: usize) -> Bin {
        Bin { height, width, power }
    }

    fn piece(rows: usize, columns: usize, multiplicity: usize) -> Piece {
        Piece { rows, columns, multiplicity }
    }

    /// All exponent matrices, by brute force.
    fn brute(pieces: &[Piece], bins: &[Bin]) -> Vec<Vec<Vec<usize>>> {
        let Some((last, rest)) = pieces.split_last() else { return vec![Vec::new()] };
        let mut rows = vec![Vec::new()];
        for _ in bins {
            let extend = |row: Vec<usize>| {
                (0..=last.multiplicity).map(move |e| row.iter().copied().chain([e]).collect::<Vec<_>>())
            };
            rows = rows.into_iter().flat_map(extend).collect();
        }
        rows.retain(|row: &Vec<usize>| {
            row.iter().zip(bins).map(|(e, bin)| e * bin.power).sum::<usize>() == last.multiplicity
        });
        let mut all = Vec::new();
        for head in brute(rest, bins) {
            for row in &rows {
                let matrix: Vec<Vec<usize>> = head.iter().cloned().chain([row.clone()]).collect();
                let fits = bins.iter().enumerate().all(|(b, bin)| {
                    let used = |degree: fn(&Piece) -> usize| {
                        matrix.iter().zip(pieces).map(|(row, p)| row[b] * degree(p)).sum::<usize>()
                    };
                    used(|p| p.rows) < bin.height && used(|p| p.columns) < bin.width
                });
                if fits {
                    all.push(matrix);
                }
            }
        }
        all
    }

    proptest! {
        #[test]
        fn agrees_with_brute_force(
            pieces in prop::collection::vec((0usize..3, 0usize..3, 1usize..4), 0..4),
            bins in prop::collection::vec((1usize..5, 1usize..5, 1usize..3), 1..4),
        ) {
            let pieces: Vec<Piece> = pieces.into_iter().map(|(r, c, m)| piece(r, c, m)).collect();
            let bins: Vec<Bin> = bins.into_iter().map(|(h, w, p)| bin(h, w, p)).collect();
            let all = brute(&pieces, &bins);
            match distribute(&pieces, &bins).unwrap() {
                None => prop_assert!(all.is_empty()),
                Some(found) => {
                    prop_assert_eq!(found.count, BigUint::from(all.len()));
                    prop_assert_eq!(Some(&found.first), all.iter().max());
                }
            }
        }
    }

    #[test]
    fn many_equal_shapes_stay_bounded() {
        let pieces: Vec<Piece> = (0..8).map(|_| piece(2, 2, 1)).collect();
        let found = distribute(&pieces, &[bin(3, 3, 1); 8]).unwrap().unwrap();
        assert_eq!(found.count, BigUint::from(40_320u32));
    }

    #[test]
    fn bad_bins() {
        assert_eq!(distribute(&[], &[bin(0, 1, 1)]), Err(FactorError::Shapes));
        assert_eq!(distribute(&[], &[bin(1, 1, 0)]), Err(FactorError::Shapes));
    }
}
