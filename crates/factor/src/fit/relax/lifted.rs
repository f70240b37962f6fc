//! The distance of a kernel to the products of two factors as a quadratic function of z = vec(p qᵀ), in integers.
//! Knows nothing of how to bound it.

use num_bigint::BigInt;
use num_traits::Zero;

use convproof_exact::Grid;

/// Height and width of a kernel.
pub type Size = (usize, usize);

/// `‖target − known * P * Q‖² = norm − 2·linearᵀz + zᵀ·gram·z` for z = vec(p qᵀ), p and q the entries of P and Q row by
/// row: z has the product of entry i of P and entry j of Q at place `i·|Q| + j`.
pub struct Lifted {
    /// Sizes of P and Q.
    pub sizes: [Size; 2],
    pub gram: Vec<Vec<BigInt>>,
    pub linear: Vec<BigInt>,
    pub norm: BigInt,
}

/// That the 2×2 minor of p qᵀ in rows i < k and columns j < l vanishes: `z_ij·z_kl − z_il·z_kj = 0`, as places in z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minor {
    /// The places of the product that counts positively.
    pub plus: (usize, usize),
    /// Those of the product that counts negatively.
    pub minus: (usize, usize),
}

impl Lifted {
    /// The function of a target that has the size of `known * P * Q`.
    pub fn new(target: &Grid<BigInt>, known: &Grid<BigInt>, sizes: [Size; 2]) -> Self {
        let places = places(sizes);
        let (height, width) = (known.height(), known.width());
        // The products of two entries of `known` that are apart by some rows and columns, summed.
        let lag = |up: usize, down: usize, left: usize, right: usize| -> BigInt {
            let mut sum = BigInt::zero();
            for i in 0..height.saturating_sub(up.abs_diff(down)) {
                for j in 0..width.saturating_sub(left.abs_diff(right)) {
                    // Shifted by (up, left) and (down, right), entries meet that are apart by the difference.
                    let first = known.at(i + down.saturating_sub(up), j + right.saturating_sub(left));
                    let second = known.at(i + up.saturating_sub(down), j + left.saturating_sub(right));
                    sum += first * second;
                }
            }
            sum
        };
        let gram =
            places.iter().map(|&(i, j)| places.iter().map(|&(k, l)| lag(i, k, j, l)).collect()).collect();
        let meet = |&(i, j): &Size| -> BigInt {
            let rows = known.rows().enumerate();
            rows.map(|(k, row)| {
                row.iter().enumerate().map(|(l, x)| x * target.at(i + k, j + l)).sum::<BigInt>()
            })
            .sum()
        };
        Self {
            sizes,
            gram,
            linear: places.iter().map(meet).collect(),
            norm: target.cells().iter().map(|x| x * x).sum(),
        }
    }
}

/// Where the products of entries stand in `P * Q`.
fn places([first, second]: [Size; 2]) -> Vec<Size> {
    let cells = |(height, width): Size| (0..height * width).map(move |k| (k / width, k % width));
    cells(first).flat_map(|(i, j)| cells(second).map(move |(k, l)| (i + k, j + l))).collect()
}

/// All minors, by i, k, j, l.
pub fn minors([first, second]: [Size; 2]) -> Vec<Minor> {
    let (rows, columns) = (first.0 * first.1, second.0 * second.1);
    let mut all = Vec::with_capacity(minor_count([first, second]));
    for i in 0..rows {
        for k in i + 1..rows {
            for j in 0..columns {
                for l in j + 1..columns {
                    let at = |i: usize, j: usize| i * columns + j;
                    all.push(Minor { plus: (at(i, j), at(k, l)), minus: (at(i, l), at(k, j)) });
                }
            }
        }
    }
    all
}

/// The number of pairs of different things.
fn count(things: usize) -> usize {
    things * things.saturating_sub(1) / 2
}

/// How many minors there are.
pub fn minor_count([first, second]: [Size; 2]) -> usize {
    count(first.0 * first.1).saturating_mul(count(second.0 * second.1))
}

/// The place among [`minors`] of the one in rows i < k and columns j < l.
pub fn minor_index(columns: usize, rows: usize, (i, k): (usize, usize), (j, l): (usize, usize)) -> usize {
    let pair = |n: usize, a: usize, b: usize| a * (2 * n - a - 1) / 2 + b - a - 1;
    pair(rows, i, k) * count(columns) + pair(columns, j, l)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minors_are_found_again() {
        let sizes = [(2, 2), (2, 3)];
        let all = minors(sizes);
        assert_eq!(all.len(), minor_count(sizes));
        for (index, minor) in all.iter().enumerate() {
            let ((i, j), (k, l)) =
                ((minor.plus.0 / 6, minor.plus.0 % 6), (minor.plus.1 / 6, minor.plus.1 % 6));
            assert_eq!(minor_index(6, 4, (i, k), (j, l)), index);
            assert_eq!(minor.minus, (i * 6 + l, k * 6 + j));
        }
    }

    #[test]
    fn the_function_is_the_squared_distance() {
        let grid = |h, w, seed: i64| {
            let mut x = seed;
            Grid::from_fn(h, w, |_, _| {
                x = (x * 7 + 3) % 23;
                BigInt::from(x - 11)
            })
        };
        let (known, p, q, target) = (grid(2, 3, 1), grid(2, 2, 2), grid(3, 2, 3), grid(5, 5, 4));
        let lifted = Lifted::new(&target, &known, [(2, 2), (3, 2)]);
        let z: Vec<BigInt> = p.cells().iter().flat_map(|x| q.cells().iter().map(move |y| x * y)).collect();
        let quadratic: BigInt = (0..z.len())
            .flat_map(|u| (0..z.len()).map(move |v| (u, v)))
            .map(|(u, v)| &lifted.gram[u][v] * &z[u] * &z[v])
            .sum();
        let linear: BigInt = lifted.linear.iter().zip(&z).map(|(b, z)| b * z).sum();
        let mut rest = target;
        for (i, j) in (0..6).map(|k| (k / 3, k % 3)) {
            for (k, l) in (0..4).map(|k| (k / 2, k % 2)) {
                for (m, n) in (0..6).map(|k| (k / 2, k % 2)) {
                    *rest.at_mut(i + k + m, j + l + n) -= known.at(i, j) * p.at(k, l) * q.at(m, n);
                }
            }
        }
        let distance: BigInt = rest.cells().iter().map(|x| x * x).sum();
        assert_eq!(distance, &lifted.norm - linear * 2 + quadratic);
    }
}
