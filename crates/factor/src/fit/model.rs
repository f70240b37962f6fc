//! The fit in floating point: value, gradient and Hessian of `½‖target − Σ_t Π_k F‖²`, with the unknowns that
//! enter linearly eliminated. Proposes only; nothing computed here is ever reported as a fact.
//!
//! Variable projection (Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
//! problems whose variables separate", 1973): for fixed nonlinear unknowns x the best linear unknowns y(x) solve
//! a linear system, and `φ(x) = min_y f(x, y)` is minimised over x alone. With `f_y = 0` the gradient of φ is
//! `f_x` and its Hessian the Schur complement `f_xx − f_xy f_yy⁻¹ f_yx`. Because a product of convolutions is
//! multilinear, every block is a table of correlations: between entry a of one factor and entry b of another the
//! second derivative is the cross-correlation of what multiplies them at lag a − b, plus, within one product, the
//! correlation of the error with the remaining factors at a + b.

#![allow(clippy::float_arithmetic, reason = "least squares proposes candidates in floating point")]

use std::ops::Range;

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use super::correlation::{add_convolution, convolve, correlate, lag_table};
use super::problem::Constraint;
use super::reduced::Reduced;
use convproof_exact::Grid;

/// One occurrence of an unknown in a product, with the product of everything that multiplies it there.
struct Slot {
    term: usize,
    unknown: usize,
    others: Grid<f64>,
}

struct Shape {
    height: usize,
    width: usize,
    /// The variable behind each entry; those of the eliminated unknowns are counted from 0 on their own.
    variables: Vec<usize>,
    /// Whether the variables are consecutive.
    plain: bool,
    linear: bool,
}

/// The problem in floating point, and the work space of its derivatives.
pub struct Model {
    target: Grid<f64>,
    /// What each product holds beside the unknowns.
    known: Vec<Option<Grid<f64>>>,
    shapes: Vec<Shape>,
    slots: Vec<Slot>,
    values: Vec<Grid<f64>>,
    error: Grid<f64>,
    /// Which nonlinear variables may not fall below zero.
    pub nonnegative: Vec<bool>,
    /// Ranges of nonlinear variables that the eliminated unknowns can rescale, so that their norm is free.
    pub scalable: Vec<Range<usize>>,
    linear: DVector<f64>,
    linear_factor: Option<Cholesky<f64, Dyn>>,
    mixed: DMatrix<f64>,
    table: Vec<f64>,
    /// Gradient of φ, as of the last call of [`Model::differentiate`].
    pub gradient: DVector<f64>,
    /// Hessian of φ (lower triangle), as of the last call of [`Model::differentiate`].
    pub hessian: DMatrix<f64>,
}

impl Model {
    /// The model of a problem whose target and known products are given in floating point, suitably scaled.
    pub fn new(problem: &Reduced, target: Grid<f64>, known: Vec<Option<Grid<f64>>>) -> Self {
        let mut counts = [0, 0];
        let mut nonnegative = Vec::new();
        let mut ranges = Vec::new();
        let mut shapes = Vec::new();
        for (unknown, &linear) in problem.unknowns.iter().zip(&problem.eliminated) {
            let (mut variables, count) = unknown.variables();
            let first = counts[usize::from(linear)];
            variables.iter_mut().for_each(|v| *v += first);
            counts[usize::from(linear)] += count;
            ranges.push(first..first + count);
            if !linear {
                let bounded = unknown.constraint == Constraint::Nonnegative;
                nonnegative.extend(std::iter::repeat_n(bounded, count));
            }
            let plain = variables.iter().enumerate().all(|(k, &v)| v == first + k);
            shapes.push(Shape { height: unknown.height, width: unknown.width, variables, plain, linear });
        }
        let slots = problem.products.iter().enumerate().flat_map(|(term, product)| {
            let empty = Grid::from_fn(1, 1, |_, _| 1.0);
            product.unknowns.iter().map(move |&unknown| Slot { term, unknown, others: empty.clone() })
        });
        let rescales = problem.eliminated.contains(&true);
        let scalable =
            (0..shapes.len()).filter(|&u| rescales && problem.is_scalable(u)).map(|u| ranges[u].clone());
        let [nonlinear, linear] = counts;
        Self {
            scalable: scalable.collect(),
            slots: slots.collect(),
            values: shapes.iter().map(|s| Grid::from_fn(s.height, s.width, |_, _| 0.0)).collect(),
            error: target.clone(),
            target,
            known,
            shapes,
            nonnegative,
            linear: DVector::zeros(linear),
            linear_factor: None,
            mixed: DMatrix::zeros(nonlinear, linear),
            table: Vec::new(),
            gradient: DVector::zeros(nonlinear),
            hessian: DMatrix::zeros(nonlinear, nonlinear),
        }
    }

    /// The unknown kernels as of the last call of [`Model::evaluate`].
    pub fn kernels(&self) -> &[Grid<f64>] {
        &self.values
    }

    /// The squared norm of the target.
    pub fn target_squared(&self) -> f64 {
        self.target.cells().iter().map(|x| x * x).sum()
    }

    /// Floating-point operations of one iteration, roughly.
    pub fn cost(&self) -> usize {
        let variables = self.gradient.len() + self.linear.len();
        let (slots, cells) = (self.slots.len(), self.target.cells().len());
        let widest = self.values.iter().map(|value| value.cells().len()).max().unwrap_or(0);
        let mut lengths = vec![0; self.known.len()];
        self.slots.iter().for_each(|slot| lengths[slot.term] += 1);
        let products: usize = lengths.iter().map(|length| length * length * length).sum();
        // Factoring matrices, correlating what multiplies each two slots, and multiplying that.
        variables * variables * variables / 3 + (4 * slots * slots + products) * cells * widest
    }

    /// `φ(x)`, with x the entries of the unknowns that are not eliminated; infinite where it cannot be computed.
    pub fn evaluate(&mut self, x: &DVector<f64>) -> f64 {
        self.spread(x.as_slice(), false);
        if !self.linear.is_empty() {
            if !self.eliminate() {
                return f64::INFINITY;
            }
            let linear = std::mem::replace(&mut self.linear, DVector::zeros(0));
            self.spread(linear.as_slice(), true);
            self.linear = linear;
        }
        self.multiply_others(false);
        self.error.cells_mut().copy_from_slice(self.target.cells());
        self.error.cells_mut().iter_mut().for_each(|cell| *cell = -*cell);
        for (index, slot) in self.slots.iter().enumerate() {
            if index == 0 || self.slots[index - 1].term != slot.term {
                // The first slot that is not eliminated need not be the first; any one gives the product.
                add_convolution(&mut self.error, &slot.others, &self.values[slot.unknown]);
            }
        }
        let value = 0.5 * self.error.cells().iter().map(|x| x * x).sum::<f64>();
        if value.is_finite() { value } else { f64::INFINITY }
    }

    fn spread(&mut self, variables: &[f64], linear: bool) {
        for (shape, value) in self.shapes.iter().zip(&mut self.values) {
            if shape.linear == linear {
                for (cell, &v) in value.cells_mut().iter_mut().zip(&shape.variables) {
                    *cell = variables[v];
                }
            }
        }
    }

    /// Recomputes what multiplies each occurrence of an eliminated (or each of another) unknown.
    fn multiply_others(&mut self, linear: bool) {
        for index in 0..self.slots.len() {
            if self.shapes[self.slots[index].unknown].linear == linear {
                self.slots[index].others = self.product_without(index, index);
            }
        }
    }

    /// The product to which slots `a` and `b` belong, without these two.
    fn product_without(&self, a: usize, b: usize) -> Grid<f64> {
        let term = self.slots[a].term;
        let mut product = self.known[term].clone();
        for (index, slot) in self.slots.iter().enumerate() {
            if slot.term == term && index != a && index != b {
                let value = &self.values[slot.unknown];
                product = Some(product.map_or_else(|| value.clone(), |p| convolve(&p, value)));
            }
        }
        product.unwrap_or_else(|| Grid::from_fn(1, 1, |_, _| 1.0))
    }

    /// What the products without an eliminated unknown leave of the target.
    fn rest(&self) -> Grid<f64> {
        let mut rest = self.target.clone();
        for term in 0..self.known.len() {
            let mut slots = self.slots.iter().enumerate().filter(|(_, slot)| slot.term == term).peekable();
            if let Some(&(first, slot)) = slots.peek()
                && slots.all(|(_, slot)| !self.shapes[slot.unknown].linear)
            {
                let others = self.product_without(first, first).map(|x| -x);
                add_convolution(&mut rest, &others, &self.values[slot.unknown]);
            }
        }
        rest
    }

    /// Solves for the eliminated unknowns; false if the system is not positive definite even when regularised.
    fn eliminate(&mut self) -> bool {
        self.multiply_others(true);
        let count = self.linear.len();
        let rest = self.rest();
        let mut normal = DMatrix::zeros(count, count);
        self.linear.fill(0.0);
        for index in 0..self.slots.len() {
            if !self.shapes[self.slots[index].unknown].linear {
                continue;
            }
            let slot = &self.slots[index];
            correlate(&rest, &slot.others, &mut self.table);
            for (&v, c) in self.shapes[slot.unknown].variables.iter().zip(&self.table) {
                self.linear[v] += c;
            }
            for other in index..self.slots.len() {
                if self.shapes[self.slots[other].unknown].linear {
                    self.add_curvature(index, other, &mut normal);
                }
            }
        }
        // A little regularisation where others vanish or coincide; more where rounding asks for it.
        let scale = normal.diagonal().amax().max(1e-200);
        let mut ridges = [1e-15, 1e-11].into_iter();
        let factor = ridges.find_map(|ridge| {
            let mut regular = normal.clone();
            (0..count).for_each(|k| regular[(k, k)] += ridge * scale);
            Cholesky::new(regular)
        });
        let factor = match factor {
            Some(factor) => self.linear_factor.insert(factor),
            None => return false,
        };
        factor.solve_mut(&mut self.linear);
        true
    }

    /// Adds to `matrix[(row, column)]` the cross-correlation of what multiplies slots `a` (rows) and `b`
    /// (columns), and the transpose if these differ.
    fn add_curvature(&mut self, a: usize, b: usize, matrix: &mut DMatrix<f64>) {
        let (first, second) = (&self.slots[a], &self.slots[b]);
        let (rows, columns) = (&self.shapes[first.unknown], &self.shapes[second.unknown]);
        let shapes = ((rows.height, rows.width), (columns.height, columns.width));
        lag_table(&first.others, &second.others, shapes, &mut self.table);
        let span = rows.width + columns.width - 1;
        let last = (columns.height - 1) * span + columns.width - 1;
        let mirror = a != b && rows.linear == columns.linear;
        add_table(matrix, (rows, columns), &self.table, span, |i, j| last - i * span - j, mirror);
    }

    /// Adds the correlation of the error with the rest of the product that holds slots `a` and `b`.
    fn add_interaction(&mut self, a: usize, b: usize, matrix: &mut DMatrix<f64>) {
        let (rows, columns) = (&self.shapes[self.slots[a].unknown], &self.shapes[self.slots[b].unknown]);
        let span = rows.width + columns.width - 1;
        if self.known[self.slots[a].term].is_none()
            && self.slots.iter().filter(|s| s.term == self.slots[a].term).count() == 2
        {
            self.table.clear();
            self.table.extend_from_slice(self.error.cells());
        } else {
            correlate(&self.error, &self.product_without(a, b), &mut self.table);
        }
        add_table(
            matrix,
            (rows, columns),
            &self.table,
            span,
            |i, j| i * span + j,
            rows.linear == columns.linear,
        );
    }

    /// Computes gradient and Hessian of φ at the point last evaluated.
    pub fn differentiate(&mut self) {
        self.gradient.fill(0.0);
        let mut hessian = std::mem::replace(&mut self.hessian, DMatrix::zeros(0, 0));
        let mut mixed = std::mem::replace(&mut self.mixed, DMatrix::zeros(0, 0));
        hessian.fill(0.0);
        mixed.fill(0.0);
        for a in 0..self.slots.len() {
            let (term, linear) = (self.slots[a].term, self.shapes[self.slots[a].unknown].linear);
            if !linear {
                correlate(&self.error, &self.slots[a].others, &mut self.table);
                for (&v, c) in self.shapes[self.slots[a].unknown].variables.iter().zip(&self.table) {
                    self.gradient[v] += c;
                }
            }
            for b in 0..self.slots.len() {
                let other = self.shapes[self.slots[b].unknown].linear;
                let matrix = match (linear, other) {
                    (false, false) if b >= a => &mut hessian,
                    (false, true) => &mut mixed,
                    _ => continue,
                };
                self.add_curvature(a, b, matrix);
                if a != b && self.slots[b].term == term {
                    self.add_interaction(a, b, matrix);
                }
            }
        }
        if let Some(factor) = &self.linear_factor
            && !mixed.is_empty()
        {
            subtract_complement(factor.l_dirty(), &mut mixed, &mut hessian);
        }
        self.hessian = hessian;
        self.mixed = mixed;
    }
}

/// Adds to `matrix[(a, b)]`, for entries a of `shapes.0` and b = (i, j) of `shapes.1`, the table at
/// `offset(i, j)` plus the position of a in rows of `span`; with `mirror`, the transpose as well.
fn add_table(
    matrix: &mut DMatrix<f64>,
    shapes: (&Shape, &Shape),
    table: &[f64],
    span: usize,
    offset: impl Fn(usize, usize) -> usize,
    mirror: bool,
) {
    let (rows, columns) = shapes;
    let height = matrix.nrows();
    let cells = matrix.as_mut_slice();
    for (i, line) in columns.variables.chunks_exact(columns.width).enumerate() {
        for (j, &column) in line.iter().enumerate() {
            let mut start = offset(i, j);
            if rows.plain && !mirror {
                let corner = column * height + rows.variables[0];
                let target = &mut cells[corner..corner + rows.variables.len()];
                for (k, line) in target.chunks_exact_mut(rows.width).enumerate() {
                    let values = &table[start + k * span..start + k * span + rows.width];
                    line.iter_mut().zip(values).for_each(|(cell, value)| *cell += value);
                }
                continue;
            }
            for row_line in rows.variables.chunks_exact(rows.width) {
                for (&row, value) in row_line.iter().zip(&table[start..start + rows.width]) {
                    cells[column * height + row] += value;
                    if mirror {
                        cells[row * height + column] += value;
                    }
                }
                start += span;
            }
        }
    }
}

/// For `mixed` holding `f_xy`, and `f_yy = LLᵀ`: replaces `mixed` by Z with `Z Lᵀ = f_xy`, and subtracts Z Zᵀ from
/// the lower triangle of the Hessian.
fn subtract_complement(factor: &DMatrix<f64>, mixed: &mut DMatrix<f64>, hessian: &mut DMatrix<f64>) {
    let (rows, columns) = mixed.shape();
    for i in 0..columns {
        let (done, rest) = mixed.as_mut_slice().split_at_mut(i * rows);
        let column = &mut rest[..rows];
        for (k, earlier) in done.chunks_exact(rows).enumerate() {
            let weight = factor[(i, k)];
            column.iter_mut().zip(earlier).for_each(|(x, z)| *x -= weight * z);
        }
        let pivot = factor[(i, i)];
        column.iter_mut().for_each(|x| *x /= pivot);
        for (j, target) in hessian.as_mut_slice().chunks_exact_mut(rows).enumerate() {
            let weight = column[j];
            target[j..].iter_mut().zip(&column[j..]).for_each(|(t, z)| *t -= weight * z);
        }
    }
}

#[cfg(test)]
pub mod tests;
