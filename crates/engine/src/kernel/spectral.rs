//! Composition by transforms modulo several primes: at every frequency a product of matrices over the channels.
//! Exact when the primes determine the result, which the caller's bound proves.

use super::compose::Geometry;
use super::{Integers, Shape};
use convproof_exact::field::{PRIMES, PRODUCTS, PrimeField};
use convproof_exact::lift::lift;
use convproof_exact::transform::{Cell, LANES, Plan, transform_length};
use convproof_exact::{Limited, Wide};

/// No array of residues is longer than this.
const MAX_RESIDUES: usize = 1 << 23;

/// An estimate of the time for one prime, in nanoseconds; `None` if the transform would be too long.
pub(crate) fn cost(geometry: Geometry) -> Option<u128> {
    let Geometry { first: a, next: b, result, .. } = geometry;
    let (rows, columns) = (transform_length(result.height)?, transform_length(result.width)?);
    let planes = [a.outputs * a.inputs, b.outputs * b.inputs, result.outputs * result.inputs];
    let points = rows.checked_mul(columns)?;
    if planes.iter().any(|&count| count.checked_mul(points).is_none_or(|total| total.exceeds(MAX_RESIDUES))) {
        return None;
    }
    let axis = |length: usize| if length <= 16 { 2 + length / 2 } else { length.ilog2() as usize };
    let lines = (planes.iter().sum::<usize>() * points * (axis(rows) + axis(columns) + 4)) as u128;
    let products = (result.outputs * result.inputs * a.outputs) as u128 * points as u128;
    Some(lines + products)
}

/// The integers of the composition from their residues modulo the first `primes` primes.
pub(crate) fn convolve(first: &Integers, next: &Integers, geometry: Geometry, primes: usize) -> Wide {
    let modulo = |&p: &u64| convolve_modulo(PrimeField::new(p), first, next, geometry);
    let residues: Vec<Vec<u64>> = PRIMES.iter().take(primes).map(modulo).collect();
    lift(&residues)
}

/// The residues of the composition, in the order `[out][in][row][column]`.
fn convolve_modulo(field: PrimeField, first: &Integers, next: &Integers, geometry: Geometry) -> Vec<u64> {
    let Geometry { first: a, next: b, dilation, result } = geometry;
    let length = |extent| transform_length(extent).expect("`cost` has checked the extents");
    let rows = Plan::new(field, length(result.height));
    let columns = if length(result.width) == rows.length() { None } else { Some(length(result.width)) };
    let columns = columns.map(|length| Plan::new(field, length));
    let torus = Torus { rows: &rows, columns: columns.as_ref().unwrap_or(&rows) };

    // Channel pairs such that both factors have the summed channel innermost.
    let left = torus.spectrum(field, next, b, dilation, |o, m| o * b.inputs + m);
    let right = torus.spectrum(field, first, a, [1, 1], |m, c| c * a.outputs + m);
    let mut product = vec![0; torus.points() * result.outputs * result.inputs];
    multiply_channels(field, &left, &right, &mut product, [result.outputs, a.outputs, result.inputs]);
    drop((left, right));
    torus.original(field, product, result)
}

/// The transforms of both axes. Arrays are ordered `[row][column][channel pair]`.
struct Torus<'a> {
    rows: &'a Plan,
    columns: &'a Plan,
}

impl Torus<'_> {
    fn points(&self) -> usize {
        self.rows.length() * self.columns.length()
    }

    /// The transform of a kernel's residues, channel pair `(out, in)` at place `pair(out, in)`.
    fn spectrum(
        &self,
        field: PrimeField,
        integers: &Integers,
        shape: Shape,
        [vertical, horizontal]: [usize; 2],
        pair: impl Fn(usize, usize) -> usize,
    ) -> Vec<u64> {
        let pairs = shape.outputs * shape.inputs;
        let row = self.columns.length() * pairs;
        let mut cells = vec![0; self.points() * pairs];
        let residue = |index: usize| match integers {
            Integers::Words(words) => field.residue(words[index]),
            Integers::Wide(wide) => wide.residue(index, &field),
        };
        let mut index = 0;
        for plane in 0..pairs {
            let offset = pair(plane / shape.inputs, plane % shape.inputs);
            for i in 0..shape.height {
                let line = &mut cells[i * vertical * row + offset..];
                for cell in line.iter_mut().step_by(horizontal * pairs).take(shape.width) {
                    *cell = residue(index);
                    index += 1;
                }
            }
        }
        let (height, width) = ((shape.height - 1) * vertical + 1, (shape.width - 1) * horizontal + 1);
        along(&mut cells[..height * row], self.columns.length(), pairs, |line| {
            self.columns.forward(line, width);
        });
        along(&mut cells, self.rows.length(), row, |line| self.rows.forward(line, height));
        cells
    }

    /// The residues whose transform, divided by R, is `cells`; in the order `[out][in][row][column]`.
    fn original(&self, field: PrimeField, mut cells: Vec<u64>, shape: Shape) -> Vec<u64> {
        let pairs = shape.outputs * shape.inputs;
        let row = self.columns.length() * pairs;
        along(&mut cells, self.rows.length(), row, |line| self.rows.inverse(line));
        let cells = &mut cells[..shape.height * row];
        along(cells, self.columns.length(), pairs, |line| self.columns.inverse(line));
        // Undoes the factor of the transforms and the division by R of Montgomery's products, here too.
        let scale = field.scaled(field.scaled(field.invert(self.points() as u64)));
        let mut residues = Vec::with_capacity(pairs * shape.area());
        for pair in 0..pairs {
            for line in cells.chunks_exact(row) {
                let values = line.chunks_exact(pairs).take(shape.width);
                residues.extend(values.map(|value| field.montgomery(value[pair], scale)));
            }
        }
        residues
    }
}

/// Transforms the middle axis of an array `[outer][length][inner]`, [`LANES`] lines at a time.
fn along(cells: &mut [u64], length: usize, inner: usize, transform: impl Fn(&mut [Cell])) {
    if length == 1 {
        return;
    }
    let mut buffer = vec![[0; LANES]; length];
    let lines = cells.len() / length;
    let start = |line: usize| line / inner * length * inner + line % inner;
    for line in (0..lines).step_by(LANES) {
        let lanes = LANES.min(lines - line);
        let base = start(line);
        if lanes == LANES && line % inner + LANES <= inner {
            for (cell, source) in buffer.iter_mut().zip(cells[base..].chunks(inner)) {
                cell.copy_from_slice(&source[..LANES]);
            }
            transform(&mut buffer);
            for (cell, target) in buffer.iter().zip(cells[base..].chunks_mut(inner)) {
                target[..LANES].copy_from_slice(cell);
            }
        } else {
            for lane in 0..lanes {
                let source = cells[start(line + lane)..].iter().step_by(inner);
                buffer.iter_mut().zip(source).for_each(|(cell, &value)| cell[lane] = value);
            }
            transform(&mut buffer);
            for lane in 0..lanes {
                let target = cells[start(line + lane)..].iter_mut().step_by(inner);
                buffer.iter().zip(target).for_each(|(cell, value)| *value = cell[lane]);
            }
        }
    }
}

/// At each point the product of the matrix `left`, `[outputs][middle]`, by the transpose of `right`,
/// `[inputs][middle]`, divided by R.
fn multiply_channels(field: PrimeField, left: &[u64], right: &[u64], product: &mut [u64], sizes: [usize; 3]) {
    let [outputs, middle, inputs] = sizes;
    if middle == 1 && outputs == 1 && inputs == 1 {
        for (value, (&a, &b)) in product.iter_mut().zip(left.iter().zip(right)) {
            *value = field.montgomery(a, b);
        }
        return;
    }
    let points = left.chunks_exact(outputs * middle).zip(right.chunks_exact(inputs * middle));
    for ((left, right), product) in points.zip(product.chunks_exact_mut(outputs * inputs)) {
        for (a, values) in left.chunks_exact(middle).zip(product.chunks_exact_mut(inputs)) {
            let (mut fours, mut targets) = (right.chunks_exact(4 * middle), values.chunks_exact_mut(4));
            for (four, target) in (&mut fours).zip(&mut targets) {
                target.copy_from_slice(&dot_four(field, a, four));
            }
            for (b, value) in fours.remainder().chunks_exact(middle).zip(targets.into_remainder()) {
                *value = dot(field, a, b);
            }
        }
    }
}

/// The product of two lines, divided by R.
fn dot(field: PrimeField, a: &[u64], b: &[u64]) -> u64 {
    a.chunks(PRODUCTS).zip(b.chunks(PRODUCTS)).fold(0, |total, (a, b)| {
        field.sum(total, field.reduce(a.iter().zip(b).fold(0, |sum, (&x, &y)| plus_product(sum, x, y))))
    })
}

/// The products of `a` with four lines of its length, one after the other, divided by R. Together, because a
/// single chain of sums would wait for its carries.
fn dot_four(field: PrimeField, a: &[u64], lines: &[u64]) -> [u64; 4] {
    let mut results = [0; 4];
    for start in (0..a.len()).step_by(PRODUCTS) {
        let end = a.len().min(start + PRODUCTS);
        let part = |line: usize| &lines[line * a.len()..][start..end];
        let mut sums = [0u128; 4];
        let rest = part(0).iter().zip(part(1)).zip(part(2)).zip(part(3));
        for (&x, (((&b0, &b1), &b2), &b3)) in a[start..end].iter().zip(rest) {
            sums[0] = plus_product(sums[0], x, b0);
            sums[1] = plus_product(sums[1], x, b1);
            sums[2] = plus_product(sums[2], x, b2);
            sums[3] = plus_product(sums[3], x, b3);
        }
        for (result, sum) in results.iter_mut().zip(sums) {
            *result = field.sum(*result, field.reduce(sum));
        }
    }
    results
}

/// At most [`PRODUCTS`] of these in a row cannot overflow.
#[inline]
fn plus_product(sum: u128, x: u64, y: u64) -> u128 {
    sum.wrapping_add(u128::from(x).wrapping_mul(u128::from(y)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_products_of_lines_are_each_a_product_of_lines() {
        let field = PrimeField::new(PRIMES[0]);
        for length in [1, PRODUCTS, 2 * PRODUCTS + 3] {
            let word = |n: usize| (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) % PRIMES[0];
            let line: Vec<u64> = (0..length).map(word).collect();
            let lines: Vec<u64> = (length..5 * length).map(word).collect();
            let each: Vec<u64> = lines.chunks(length).map(|other| dot(field, &line, other)).collect();
            assert_eq!(dot_four(field, &line, &lines).to_vec(), each);
            // The definition, still divided by R.
            let sum = line
                .iter()
                .zip(&lines)
                .fold(0, |sum, (&a, &b)| field.sum(sum, field.reduce(u128::from(a) * u128::from(b))));
            assert_eq!(each[0], sum);
        }
    }
}
