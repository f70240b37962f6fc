//! Discrete Fourier transforms along one axis of an array of residues, several lines at a time. Frequencies
//! come in an order of their own: only pointwise products between a transform and its inverse make sense.

use super::field::{Multiplier, PRODUCTS, PrimeField};

/// Lines transformed together; their cells stand side by side.
pub const LANES: usize = 8;
/// One cell of [`LANES`] lines.
pub type Cell = [u64; LANES];
/// The longest line that can be transformed.
pub const MAX_LENGTH: usize = 1 << 16;

/// Up to this length the transform is a matrix product, which needs no padding to a power of two.
const MAX_DENSE: usize = 16;

/// The shortest transform that holds lines of `length`; `None` beyond [`MAX_LENGTH`].
pub fn transform_length(length: usize) -> Option<usize> {
    match length {
        0..=MAX_DENSE => Some(length.max(1)),
        _ if length <= MAX_LENGTH => Some(length.next_power_of_two()),
        _ => None,
    }
}

/// The transform of a fixed length modulo a fixed prime.
pub struct Plan {
    field: PrimeField,
    length: usize,
    tables: Tables,
}

enum Tables {
    /// The matrix of the transform and `length` times its inverse, row by row, times R.
    Dense { forward: Vec<u64>, inverse: Vec<u64> },
    /// Roots of unity and their inverses, exponents in bit-reversed order.
    Radix2 { forward: Vec<Multiplier>, inverse: Vec<Multiplier> },
}

impl Plan {
    /// A plan for a length given by [`transform_length`].
    pub fn new(field: PrimeField, length: usize) -> Self {
        let root = field.root_of_unity(length as u64);
        let inverse_root = field.invert(root);
        let tables = if length <= MAX_DENSE {
            let matrix = |root| {
                let row = |f: usize| (0..length).map(move |t| (f * t % length) as u64);
                (0..length).flat_map(row).map(|e| field.scaled(field.power(root, e))).collect()
            };
            Tables::Dense { forward: matrix(root), inverse: matrix(inverse_root) }
        } else {
            let table = |root| {
                let powers = bit_reversed_powers(field, root, length);
                powers.into_iter().map(|power| field.factor(power)).collect()
            };
            Tables::Radix2 { forward: table(root), inverse: table(inverse_root) }
        };
        Self { field, length, tables }
    }

    /// Number of points.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Replaces `cells[..length]`, of which those from `used` on are 0, by its transform. Entries and results
    /// lie below `p`.
    pub fn forward(&self, cells: &mut [Cell], used: usize) {
        match &self.tables {
            Tables::Dense { forward, .. } => self.dense(forward, cells, used),
            Tables::Radix2 { forward, .. } => self.radix2_forward(forward, &mut cells[..self.length]),
        }
    }

    /// Replaces a transform by `length` times the original.
    pub fn inverse(&self, cells: &mut [Cell]) {
        match &self.tables {
            Tables::Dense { inverse, .. } => self.dense(inverse, cells, self.length),
            Tables::Radix2 { inverse, .. } => self.radix2_inverse(inverse, &mut cells[..self.length]),
        }
    }

    fn dense(&self, matrix: &[u64], cells: &mut [Cell], used: usize) {
        const { assert!(MAX_DENSE <= PRODUCTS) };
        let mut input = [[0; LANES]; MAX_DENSE];
        let input = &mut input[..used];
        input.copy_from_slice(&cells[..used]);
        for (output, row) in cells.iter_mut().zip(matrix.chunks_exact(self.length)) {
            let mut sums = [0u128; LANES];
            for (cell, &weight) in input.iter().zip(row) {
                for (sum, &x) in sums.iter_mut().zip(cell) {
                    *sum = sum.wrapping_add(u128::from(x).wrapping_mul(u128::from(weight)));
                }
            }
            for (value, &sum) in output.iter_mut().zip(&sums) {
                *value = self.field.reduce(sum);
            }
        }
    }

    /// Harvey 2014, "Faster arithmetic for number-theoretic transforms": values stay below `4p` until the end.
    /// At each level, block `i` holds a polynomial modulo `x^(2·half) − w²`, which splits into those modulo
    /// `x^half − w` and `x^half + w`, `w` being entry `i` of the table. Two levels at a time spare half of the
    /// loads and stores.
    fn radix2_forward(&self, table: &[Multiplier], cells: &mut [Cell]) {
        let (field, double) = (self.field, 2 * self.field.p);
        let values = cells.as_flattened_mut();
        let mut length = values.len();
        if self.length.ilog2() % 2 == 1 {
            let (low, high) = values.split_at_mut(length / 2);
            for (x, y) in low.iter_mut().zip(high) {
                // The entries are below p, and w is 1.
                (*x, *y) = (x.wrapping_add(*y), x.wrapping_add(double).wrapping_sub(*y));
            }
            length /= 2;
        }
        while length > LANES {
            for (index, block) in values.chunks_exact_mut(length).enumerate() {
                let weights = [table[index], table[2 * index], table[2 * index + 1]];
                for [x0, x1, x2, x3] in quarters(block) {
                    let (a0, a1) = (subtract_if_above(*x0, double), subtract_if_above(*x1, double));
                    let (a2, a3) = (field.lazy(*x2, weights[0]), field.lazy(*x3, weights[0]));
                    let (b0, b1) = (a0.wrapping_add(a2), a1.wrapping_add(a3));
                    let (b2, b3) =
                        (a0.wrapping_add(double).wrapping_sub(a2), a1.wrapping_add(double).wrapping_sub(a3));
                    let (c0, c1) = (subtract_if_above(b0, double), field.lazy(b1, weights[1]));
                    let (c2, c3) = (subtract_if_above(b2, double), field.lazy(b3, weights[2]));
                    (*x0, *x1) = (c0.wrapping_add(c1), c0.wrapping_add(double).wrapping_sub(c1));
                    (*x2, *x3) = (c2.wrapping_add(c3), c2.wrapping_add(double).wrapping_sub(c3));
                }
            }
            length /= 4;
        }
        for x in values {
            *x = subtract_if_above(subtract_if_above(*x, double), field.p);
        }
    }

    /// The levels of `radix2_forward` undone in reverse; values stay below `2p` until the end.
    fn radix2_inverse(&self, table: &[Multiplier], cells: &mut [Cell]) {
        let (field, double) = (self.field, 2 * self.field.p);
        let values = cells.as_flattened_mut();
        let mut length = LANES;
        while 4 * length <= values.len() {
            length *= 4;
            for (index, block) in values.chunks_exact_mut(length).enumerate() {
                let weights = [table[index], table[2 * index], table[2 * index + 1]];
                for [x0, x1, x2, x3] in quarters(block) {
                    let (a0, a2) = (x0.wrapping_add(*x1), x2.wrapping_add(*x3));
                    let (b0, b2) = (subtract_if_above(a0, double), subtract_if_above(a2, double));
                    let b1 = field.lazy(x0.wrapping_add(double).wrapping_sub(*x1), weights[1]);
                    let b3 = field.lazy(x2.wrapping_add(double).wrapping_sub(*x3), weights[2]);
                    *x0 = subtract_if_above(b0.wrapping_add(b2), double);
                    *x1 = subtract_if_above(b1.wrapping_add(b3), double);
                    *x2 = field.lazy(b0.wrapping_add(double).wrapping_sub(b2), weights[0]);
                    *x3 = field.lazy(b1.wrapping_add(double).wrapping_sub(b3), weights[0]);
                }
            }
        }
        if length < values.len() {
            let (low, high) = values.split_at_mut(length);
            for (x, y) in low.iter_mut().zip(high) {
                let (a, b) = (*x, *y);
                *x = subtract_if_above(a.wrapping_add(b), double);
                *y = subtract_if_above(a.wrapping_add(double).wrapping_sub(b), double);
            }
        }
        for x in values {
            *x = subtract_if_above(*x, field.p);
        }
    }
}

/// The values at the same place of the four quarters of a block.
fn quarters(block: &mut [u64]) -> impl Iterator<Item = [&mut u64; 4]> {
    let (low, high) = block.split_at_mut(block.len() / 2);
    let ((x0, x1), (x2, x3)) = (low.split_at_mut(low.len() / 2), high.split_at_mut(high.len() / 2));
    x0.iter_mut().zip(x1).zip(x2).zip(x3).map(|(((x0, x1), x2), x3)| [x0, x1, x2, x3])
}

#[inline]
fn subtract_if_above(x: u64, limit: u64) -> u64 {
    x.min(x.wrapping_sub(limit))
}

/// The powers `root^e` for `e` below `length / 2` in bit-reversed order: 0, 1/4, 1/8, 3/8, … of `length`.
pub(crate) fn bit_reversed_powers(field: PrimeField, root: u64, length: usize) -> Vec<u64> {
    let mut powers = Vec::with_capacity(length / 2);
    powers.push(1);
    let mut exponent = length / 4;
    while powers.len() < length / 2 {
        let step = field.power(root, exponent as u64);
        for index in 0..powers.len() {
            powers.push(field.multiply(powers[index], step));
        }
        exponent /= 2;
    }
    powers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SplitMix64;
    use crate::field::PRIMES;

    /// Cyclic convolution by definition, against transform, product, inverse; every lane differs.
    #[test]
    fn products_are_cyclic_convolutions() {
        let mut random = SplitMix64::new(1);
        for length in (1..=16).chain([32, 64, 256]) {
            let field = PrimeField::new(PRIMES[length % PRIMES.len()]);
            let plan = Plan::new(field, length);
            let mut line = |used: usize| -> Vec<Cell> {
                let cell = |t| {
                    if t < used {
                        [(); LANES].map(|()| field.p - 1 - random.below(1 << 20))
                    } else {
                        [0; LANES]
                    }
                };
                (0..length).map(cell).collect()
            };
            let (a, b) = (line(length.div_ceil(2)), line(length));
            let (mut x, mut y) = (a.clone(), b.clone());
            plan.forward(&mut x, length.div_ceil(2));
            plan.forward(&mut y, length);
            for (u, v) in x.iter_mut().flatten().zip(y.iter().flatten()) {
                assert!(*u < field.p && *v < field.p);
                *u = field.multiply(*u, *v);
            }
            plan.inverse(&mut x);
            for lane in 0..LANES {
                for t in 0..length {
                    let sum = (0..length).fold(0, |sum, s| {
                        (sum + field.multiply(a[s][lane], b[(t + length - s) % length][lane])) % field.p
                    });
                    assert_eq!(x[t][lane], field.multiply(sum, length as u64), "length {length}");
                }
            }
        }
    }

    #[test]
    fn lengths() {
        let lengths = [0, 1, 16, 17, 512, 513, MAX_LENGTH, MAX_LENGTH + 1].map(transform_length);
        assert_eq!(
            lengths,
            [Some(1), Some(1), Some(16), Some(32), Some(512), Some(1024), Some(MAX_LENGTH), None]
        );
    }
}
