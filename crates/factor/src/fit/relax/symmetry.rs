//! Symmetries of a lifted problem: turns and mirror images of both factors, and their exchange, that leave the function of
//! z as it is. Averaging over them changes neither the relaxation's value nor its feasibility, so multipliers may be
//! taken to be invariant: one variable for each orbit.

use std::ops::Neg;

use super::lifted::{Lifted, Minor, Size, minor_index};
use crate::fit::turns::{TURNS, turn};

/// Minors that share a multiplier, with their signs; the first has the sign 1.
pub type Orbit = Vec<(usize, f64)>;

/// A permutation of z that leaves the function as it is, and the sign that z takes.
pub type Symmetry = (Vec<usize>, f64);

/// What a symmetry does to the entries of each factor; `None` where it exchanges the factors.
pub fn turned(permutation: &[usize], rows: usize, columns: usize) -> Option<[Vec<usize>; 2]> {
    let p: Vec<usize> = (0..rows).map(|i| permutation[i * columns] / columns).collect();
    let q: Vec<usize> = (0..columns).map(|j| permutation[j] % columns).collect();
    let is_both = (0..permutation.len()).all(|z| permutation[z] == p[z / columns] * columns + q[z % columns]);
    is_both.then_some([p, q])
}

/// All symmetries of the problem, a group.
pub fn symmetries(lifted: &Lifted) -> Vec<Symmetry> {
    let sign = |permutation: Vec<usize>| sign(lifted, &permutation).map(|sign| (permutation, sign));
    permutations(lifted.sizes).into_iter().filter_map(sign).collect()
}

/// The orbits of the minors under the symmetries. Minors whose multiplier must be 0 are left out.
pub fn orbits(sizes: [Size; 2], symmetries: &[Symmetry], minors: &[Minor]) -> Vec<Orbit> {
    let [first, second] = sizes;
    let (rows, columns) = (first.0 * first.1, second.0 * second.1);
    let images: Vec<Vec<(usize, f64)>> = symmetries
        .iter()
        .map(|(permutation, _)| {
            let image = |minor: &Minor| {
                let (a, b) = (permutation[minor.plus.0], permutation[minor.plus.1]);
                let (i, j, k, l) = (a / columns, a % columns, b / columns, b % columns);
                // Exchanging rows or columns changes the sign of a minor.
                let (ordered, crossed) = ((i.min(k), i.max(k)), (j.min(l), j.max(l)));
                let sign = if (i < k) == (j < l) { 1.0 } else { -1.0 };
                (minor_index(columns, rows, ordered, crossed), sign)
            };
            minors.iter().map(image).collect()
        })
        .collect();
    let mut signs = vec![0_i8; minors.len()];
    let mut orbits = Vec::new();
    for start in 0..minors.len() {
        if signs[start] == 0 {
            orbits.extend(orbit(start, &images, &mut signs));
        }
    }
    orbits
}

/// The orbit of one minor; `None` if it contains the minor with both signs.
fn orbit(start: usize, images: &[Vec<(usize, f64)>], signs: &mut [i8]) -> Option<Orbit> {
    let mut orbit = vec![(start, 1.0)];
    signs[start] = 1;
    let (mut next, mut vanishes) = (0, false);
    while next < orbit.len() {
        let (minor, _) = orbit[next];
        next += 1;
        for image in images {
            let (other, sign) = image[minor];
            let sign = if sign > 0.0 { signs[minor] } else { signs[minor].neg() };
            if signs[other] == 0 {
                signs[other] = sign;
                orbit.push((other, f64::from(sign)));
            } else if signs[other] != sign {
                vanishes = true;
            }
        }
    }
    (!vanishes).then_some(orbit)
}

/// The sign with which the permutation of z leaves the function as it is; `None` if it does not.
fn sign(lifted: &Lifted, permutation: &[usize]) -> Option<f64> {
    let linear = &lifted.linear;
    let keeps = || permutation.iter().zip(linear).all(|(&image, value)| linear[image] == *value);
    let negates = || permutation.iter().zip(linear).all(|(&image, value)| linear[image] == -value);
    let sign = if keeps() { 1.0 } else { -1.0 };
    let fits = (sign > 0.0 || negates())
        && permutation.iter().zip(&lifted.gram).all(|(&image, row)| {
            permutation.iter().zip(row).all(|(&other, value)| lifted.gram[image][other] == *value)
        });
    fits.then_some(sign)
}

/// What turns of both factors, and their exchange, do to the places of z.
fn permutations([first, second]: [Size; 2]) -> Vec<Vec<usize>> {
    let (rows, columns) = (first.0 * first.1, second.0 * second.1);
    let mut all = Vec::new();
    for t in TURNS {
        let (turned, other) = (t.size(first), t.size(second));
        let cells = |size: Size| (0..size.0 * size.1).map(move |k| turn(t, size, k)).collect::<Vec<usize>>();
        let (p, q) = (cells(first), cells(second));
        let of = |place: &dyn Fn(usize, usize) -> usize| {
            (0..rows * columns).map(|z| place(p[z / columns], q[z % columns])).collect()
        };
        if (turned, other) == (first, second) {
            all.push(of(&|i, j| i * columns + j));
        }
        if (turned, other) == (second, first) {
            all.push(of(&|i, j| j * columns + i));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;

    use super::super::lifted::minors;
    use super::*;
    use convproof_exact::Grid;

    fn count(cells: [i64; 9]) -> usize {
        let target = Grid::new(3, 3, cells.map(BigInt::from).to_vec()).unwrap();
        let known = Grid::from_fn(1, 1, |_, _| BigInt::from(1));
        let sizes = [(2, 2), (2, 2)];
        let minors = minors(sizes);
        let lifted = Lifted::new(&target, &known, sizes);
        let orbits = orbits(sizes, &symmetries(&lifted), &minors);
        assert!(orbits.iter().flatten().count() <= minors.len());
        orbits.len()
    }

    #[test]
    fn symmetries_leave_the_function_as_it_is() {
        // A mirror image changes the sign of the target, a turn of rows does not.
        let cells = [-1, 0, 1, -2, 0, 2, -1, 0, 1].map(BigInt::from).to_vec();
        let known = Grid::from_fn(1, 1, |_, _| BigInt::from(1));
        for sizes in [[(2, 2), (2, 2)], [(1, 3), (3, 1)], [(2, 3), (2, 1)]] {
            let lifted = Lifted::new(&Grid::new(3, 3, cells.clone()).unwrap(), &known, sizes);
            let all = symmetries(&lifted);
            assert!(all.iter().any(|(_, sign)| *sign < 0.0) && all.iter().any(|(_, sign)| *sign > 0.0));
            let (rows, columns) = (sizes[0].0 * sizes[0].1, sizes[1].0 * sizes[1].1);
            for (permutation, sign) in all {
                for (k, &image) in permutation.iter().enumerate() {
                    let negated = if sign < 0.0 { -&lifted.linear[k] } else { lifted.linear[k].clone() };
                    assert_eq!(lifted.linear[image], negated);
                    for (l, &other) in permutation.iter().enumerate() {
                        assert_eq!(lifted.gram[image][other], lifted.gram[k][l]);
                    }
                }
                // It moves entries of each factor, or exchanges the factors.
                match turned(&permutation, rows, columns) {
                    Some([p, q]) => {
                        for (z, &image) in permutation.iter().enumerate() {
                            assert_eq!(image, p[z / columns] * columns + q[z % columns]);
                        }
                    }
                    None => {
                        assert_eq!(sizes[0].0 + sizes[0].1, sizes[1].0 + sizes[1].1);
                        // Entries i, j and i, l come to one row if it does not exchange.
                        assert!(columns < 2 || permutation[0] / columns != permutation[1] / columns);
                    }
                }
            }
        }
    }

    #[test]
    fn without_symmetries_each_minor_is_by_itself() {
        for sizes in [[(2, 3), (2, 1)], [(1, 3), (2, 3)], [(2, 2), (1, 5)]] {
            let minors = minors(sizes);
            let places = sizes[0].0 * sizes[0].1 * sizes[1].0 * sizes[1].1;
            let found = orbits(sizes, &[((0..places).collect(), 1.0)], &minors);
            assert_eq!(found, (0..minors.len()).map(|k| vec![(k, 1.0)]).collect::<Vec<_>>());
        }
    }

    #[test]
    fn symmetries_join_minors() {
        // Equal factors can always be exchanged: 36 minors, 6 of them fixed.
        assert_eq!(count([1, 2, 3, 4, 5, 7, 6, 8, 0]), 21);
        assert!(count([1, 2, 3, 2, 5, 7, 3, 7, 0]) < 21, "a transpose");
        assert!(count([1, 2, 1, 2, 4, 2, 1, 2, 1]) < 10, "all turns");
        assert!(count([-1, 0, 1, -2, 0, 2, -1, 0, 1]) < 21, "a mirror image up to the sign");
    }
}
