//! Kernels of atoms modulo the prime, for given weights.

use super::AtomKernel;
use convproof_exact::budget;
use convproof_exact::{Fp, Grid, Symbol};

impl AtomKernel {
    /// Every entry modulo the prime, for given weights; `None` where a weight that is divided by vanishes.
    pub fn evaluate_mod(&self, value: &impl Fn(Symbol) -> Fp) -> Option<Grid<Fp>> {
        let mut total = Grid::from_fn(self.size[0], self.size[1], |_, _| Fp::ZERO);
        for (word, placed) in &self.terms {
            let block = placed.kernel.shape();
            let mut product = Grid::new(block.height, block.width, placed.kernel.residues()?)?;
            for &(atom, exponent) in word {
                let [height, width] = atom.taps();
                let mut taps = Grid::from_fn(height, width, |i, j| value(atom.symbol(i, j)));
                if exponent < 0 {
                    *taps.at_mut(0, 0) = taps.at(0, 0).inverse()?;
                }
                for _ in 0..exponent.unsigned_abs() {
                    product = convolve_mod(&product, &taps, atom.dilation);
                }
            }
            for i in 0..product.height() {
                for j in 0..product.width() {
                    let cell = total.at_mut(placed.top + i, placed.left + j);
                    *cell += *product.at(i, j);
                }
            }
        }
        Some(total)
    }

    /// The value modulo the prime of `Σ K[i,j] x^i y^j` for given weights; far cheaper than all entries.
    pub fn evaluate_at(&self, value: &impl Fn(Symbol) -> Fp, [x, y]: [Fp; 2]) -> Option<Fp> {
        let sum = |height: usize, width: usize, [x, y]: [Fp; 2], entry: &dyn Fn(usize, usize) -> Fp| {
            (0..height).rev().fold(Fp::ZERO, |rows, i| {
                rows * x + (0..width).rev().fold(Fp::ZERO, |row, j| row * y + entry(i, j))
            })
        };
        let power = |base: Fp, exponent: usize| base.pow(exponent as u64);
        let mut total = Fp::ZERO;
        for (word, placed) in &self.terms {
            let shape = placed.kernel.shape();
            let taps: usize = word.iter().map(|(atom, _)| atom.size[0] * atom.size[1]).sum();
            budget::spend_on(shape.area() + taps, 10);
            let entries = placed.kernel.residues()?;
            let mut product = sum(shape.height, shape.width, [x, y], &|i, j| entries[i * shape.width + j]);
            for &(atom, exponent) in word {
                let [height, width] = atom.taps();
                let steps = [power(x, atom.dilation[0]), power(y, atom.dilation[1])];
                let factor = sum(height, width, steps, &|i, j| value(atom.symbol(i, j)));
                let factor = if exponent < 0 { factor.inverse()? } else { factor };
                product *= factor.pow(u64::from(exponent.unsigned_abs()));
            }
            total += product * power(x, placed.top) * power(y, placed.left);
        }
        Some(total)
    }
}

/// Full convolution modulo the prime, the second factor dilated.
fn convolve_mod(left: &Grid<Fp>, right: &Grid<Fp>, dilation: [usize; 2]) -> Grid<Fp> {
    let height = left.height() + (right.height() - 1) * dilation[0];
    let width = left.width() + (right.width() - 1) * dilation[1];
    budget::spend_on([left.cells().len(), right.cells().len()], 2);
    let mut product = Grid::from_fn(height, width, |_, _| Fp::ZERO);
    for p in 0..right.height() {
        for q in 0..right.width() {
            let tap = *right.at(p, q);
            if tap == Fp::ZERO {
                continue;
            }
            for (i, row) in left.rows().enumerate() {
                let start = (i + p * dilation[0]) * width + q * dilation[1];
                for (cell, value) in product.cells_mut()[start..].iter_mut().zip(row) {
                    *cell += *value * tap;
                }
            }
        }
    }
    product
}
