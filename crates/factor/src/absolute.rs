//! How a factor that is irreducible over ℚ splits over ℂ and ℝ.
//!
//! Over ℂ it is a constant times r conjugate factors of equal bidegree, with coefficients in a field of degree r. Each real
//! embedding of that field gives a factor over ℝ, each pair of complex embeddings one of twice the
//! bidegree. Input is always one irreducible factor as `exact::factor` returns it.

use super::bivariate::irreducible_image;
use super::exact::{FactorError, factor};
use super::ruppert::System;
use convproof_exact::Rational;
use convproof_exact::poly::finite_field::large_primes;
use convproof_exact::poly::number_field::{Element, NumberField};
use convproof_exact::poly::roots::{Root, count_real, isolate};
use convproof_exact::poly::{integer, plane};
use convproof_exact::{Grid, Limited};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Zero};

/// Unknowns up to which Ruppert's system is the first choice, and up to which it is tried at all.
const RUPPERT_FIRST: usize = 180;
const RUPPERT_LIMIT: usize = 600;
/// Largest number of conjugates whose field is computed.
const FIELD_LIMIT: usize = 64;
/// Largest number of unknowns of Ruppert's system for which the field is computed.
const FIELD_UNKNOWNS: usize = 320;

/// Why a factor has the stated number of factors over ℂ. A reader can check each with any computer algebra system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AbsoluteCertificate {
    /// One variable: all factors over ℂ are linear.
    OneVariable,
    /// The number of conjugates divides the degrees in x and y, which are coprime.
    CoprimeDegrees,
    /// Ruppert's system has this rank modulo the prime, so at most `unknowns − rank` factors over ℂ; when that is not
    /// 1, as many exact rational solutions were found.
    Ruppert {
        /// The prime.
        prime: u64,
        /// Number of unknowns, `2mn + m + n`.
        unknowns: usize,
        /// The rank.
        rank: usize,
    },
    /// Modulo the prime, f is irreducible (up to a factor in one variable), its image at the point is square-free of
    /// full degree, and the degrees of the image's irreducible factors have no common divisor: conjugates would permute
    /// the factors of the image in cycles of one length that divides all degrees.
    Image {
        /// The prime.
        prime: u64,
        /// Whether the point is a value of x instead of y.
        transposed: bool,
        /// The point.
        point: u64,
        /// The degrees of the image's factors modulo the prime.
        degrees: Vec<usize>,
    },
}

/// The number of irreducible factors over ℂ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsoluteCount {
    /// The number r of conjugate factors.
    pub count: usize,
    /// Why there are that many.
    pub certificate: AbsoluteCertificate,
}

/// Counts the factors over ℂ of a polynomial irreducible over ℚ.
///
/// # Errors
/// [`FactorError::Zero`] for constants, [`FactorError::Limit`] for large degrees when no cheap certificate exists.
pub fn absolute_factor_count(f: &Grid<BigInt>) -> Result<AbsoluteCount, FactorError> {
    let (m, n) = match (f.height(), f.width()) {
        (0, _) | (_, 0) | (1, 1) => return Err(FactorError::Zero),
        (1, w) => return Ok(AbsoluteCount { count: w - 1, certificate: AbsoluteCertificate::OneVariable }),
        (h, 1) => return Ok(AbsoluteCount { count: h - 1, certificate: AbsoluteCertificate::OneVariable }),
        (h, w) => (h - 1, w - 1),
    };
    if m.gcd(&n) == 1 {
        return Ok(AbsoluteCount { count: 1, certificate: AbsoluteCertificate::CoprimeDegrees });
    }
    let unknowns = 2 * m * n + m + n;
    if unknowns.exceeds(RUPPERT_FIRST)
        && let Some(certificate) = image_certificate(f)
    {
        return Ok(AbsoluteCount { count: 1, certificate });
    }
    if unknowns.exceeds(RUPPERT_LIMIT) {
        return Err(FactorError::Limit);
    }
    let system = System::new(f);
    let field = large_primes().next().ok_or(FactorError::Limit)?;
    let count = system.kernel(&field).len();
    if count.exceeds(1) {
        if unknowns.exceeds(FIELD_UNKNOWNS) {
            return Err(FactorError::Limit);
        }
        // As many exact solutions: the bound is attained.
        system.solutions(count)?;
    }
    let certificate =
        AbsoluteCertificate::Ruppert { prime: field.modulus(), unknowns, rank: unknowns - count };
    Ok(AbsoluteCount { count, certificate })
}

fn image_certificate(f: &Grid<BigInt>) -> Option<AbsoluteCertificate> {
    let transposed = f.width() < f.height();
    let image = if transposed { irreducible_image(&plane::transpose(f)) } else { irreducible_image(f) };
    image.map(|(prime, point, degrees)| AbsoluteCertificate::Image { prime, transposed, point, degrees })
}

/// The factors over ℂ and ℝ of a polynomial irreducible over ℚ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splitting {
    /// The irreducible integer polynomial E (constant term first) of degree r that defines the field `ℚ[t]/E`.
    pub field: Vec<BigInt>,
    /// One factor: each cell holds the coefficients of `1, t, …, t^(r−1)`; the last nonzero cell in row-major order
    /// is 1. The conjugates have the other roots of E for t.
    pub factor: Grid<Element>,
    /// Certified approximations of the roots of E: `real` real ones in increasing order, then `pairs` conjugate pairs.
    pub roots: Vec<Root>,
    /// Number of factors over ℝ with the bidegree of `factor`.
    pub real: usize,
    /// Number of factors over ℝ with twice that bidegree.
    pub pairs: usize,
}

/// Finds the field over which a factor irreducible over ℚ splits completely, and its factors.
///
/// # Errors
/// [`FactorError::Zero`] for constants, [`FactorError::Limit`] when degrees are large or roots too close.
pub fn split(f: &Grid<BigInt>) -> Result<Splitting, FactorError> {
    let count = absolute_factor_count(f)?.count;
    if count.exceeds(FIELD_LIMIT) {
        return Err(FactorError::Limit);
    }
    let (field, factor) = if f.height() == 1 || f.width() == 1 {
        one_variable(f)?
    } else if count == 1 {
        let lead = plane::leading_position(f).ok_or(FactorError::Zero)?;
        let scale = Rational::from(f.at(lead.0, lead.1).clone()).recip().ok_or(FactorError::Zero)?;
        (vec![BigInt::zero(), BigInt::one()], f.map(|c| vec![&Rational::from(c.clone()) * &scale]))
    } else {
        two_variables(f, count)?
    };
    let roots = isolate(&field).ok_or(FactorError::Limit)?;
    let real = count_real(&field);
    let pairs = (field.len() - 1 - real) / 2;
    Ok(Splitting { field, factor, roots, real, pairs })
}

/// How many factors over ℝ have the bidegree of one factor over ℂ, and how many have twice that: `(real, pairs)`.
///
/// # Errors
/// As [`split`], which it needs only in two variables.
pub fn real_counts(f: &Grid<BigInt>, count: usize) -> Result<(usize, usize), FactorError> {
    if count == 1 {
        return Ok((1, 0));
    }
    let field =
        if f.height() == 1 || f.width() == 1 { f.cells().to_vec() } else { two_variables(f, count)?.0 };
    let real = count_real(&field);
    Ok((real, (count - real) / 2))
}

type FieldAndFactor = (Vec<BigInt>, Grid<Element>);

/// `x − t` in the field of a root of f itself.
fn one_variable(f: &Grid<BigInt>) -> Result<FieldAndFactor, FactorError> {
    let field = f.cells().to_vec();
    let numbers = NumberField::new(&field).ok_or(FactorError::Zero)?;
    let minus_root = numbers.generator().iter().map(|c| -c).collect();
    let cells = vec![minus_root, numbers.rational(Rational::one())];
    let (height, width) = if f.height() == 1 { (1, 2) } else { (2, 1) };
    Ok((field, Grid::new(height, width, cells).ok_or(FactorError::Zero)?))
}

/// Gao's construction, sections 3 and 4: a solution g of Ruppert's system has `g = Σ λ_i f·∂h_i/h_i` over the conjugate
/// factors `h_i`; the `λ_i` are the roots of E, and the projection on one of them determines its factor.
fn two_variables(f: &Grid<BigInt>, count: usize) -> Result<FieldAndFactor, FactorError> {
    let system = System::new(f);
    if system.unknowns.exceeds(FIELD_UNKNOWNS) {
        return Err(FactorError::Limit);
    }
    let solutions = system.solutions(count)?;
    let line = Line::new(f, &solutions).ok_or(FactorError::Limit)?;
    let (field, powers) = line.primitive_element().ok_or(FactorError::Limit)?;
    let row = plane::from_row(&field);
    if factor(&row)?.factors != [(row, 1)] {
        return Err(FactorError::Limit);
    }
    let numbers = NumberField::new(&field).ok_or(FactorError::Limit)?;
    let factor = conjugate_factor(f, &solutions, &numbers, &powers).ok_or(FactorError::Limit)?;
    Ok((field, factor))
}

/// The algebra `ℚ[x]/f(x, a)` for a good point a, with the values of `g / (∂f/∂x)` for the solutions g.
struct Line {
    algebra: NumberField,
    values: Vec<Element>,
}

impl Line {
    fn new(f: &Grid<BigInt>, solutions: &[Grid<BigInt>]) -> Option<Self> {
        for point in (0..200).map(BigInt::from) {
            let at = |grid: &Grid<BigInt>| -> Vec<BigInt> {
                grid.rows().map(|row| integer::evaluate(row, &point)).collect()
            };
            let mut image = at(f);
            integer::trim(&mut image);
            let derivative = integer::derivative(&image);
            if image.len() != f.height() || integer::gcd(&[&image, &derivative])?.len() != 1 {
                continue;
            }
            let algebra = NumberField::new(&image)?;
            let rational = |cells: Vec<BigInt>| -> Element {
                let mut element: Element = cells.into_iter().map(Rational::from).collect();
                element.resize(algebra.degree(), Rational::zero());
                element
            };
            let inverse = algebra.inverse(&rational(derivative))?;
            let values = solutions.iter().map(|g| algebra.mul(&rational(at(g)), &inverse)).collect();
            return Some(Self { algebra, values });
        }
        None
    }

    /// The minimal polynomial of an element λ that generates the span of the values, and the coordinates of
    /// `1, λ, …, λ^(r−1)` in terms of the values.
    fn primitive_element(&self) -> Option<(Vec<BigInt>, Vec<Vec<Rational>>)> {
        let count = self.values.len();
        let rationals = NumberField::rationals();
        for trial in 0..40u32 {
            let mut element = self.algebra.rational(Rational::zero());
            for (index, value) in self.values.iter().enumerate() {
                let weight = Rational::from(BigInt::from(trial).pow(u32::try_from(index).ok()?));
                for (cell, c) in element.iter_mut().zip(value) {
                    *cell += c * &weight;
                }
            }
            let mut powers = vec![self.algebra.rational(Rational::one())];
            while powers.len() <= count {
                powers.push(self.algebra.mul(&powers[powers.len() - 1], &element));
            }
            let relations = rationals.kernel(self.rows(&powers), count + 1);
            let [relation] = relations.as_slice() else { continue };
            if relation[count][0].is_zero() {
                continue;
            }
            let field = clear_denominators(relation.iter().map(|c| &c[0]));
            let coordinates = powers[..count]
                .iter()
                .map(|power| {
                    let columns: Vec<Element> = self.values.iter().cloned().chain([power.clone()]).collect();
                    let kernel = rationals.kernel(self.rows(&columns), count + 1);
                    let [vector] = kernel.as_slice() else { return None };
                    // The free column is the power: Σ v_j·value_j + power = 0.
                    let scale = -vector[count][0].recip()?;
                    Some(vector[..count].iter().map(|c| &c[0] * &scale).collect())
                })
                .collect::<Option<Vec<_>>>()?;
            return Some((field, coordinates));
        }
        None
    }

    /// The linear system whose columns are these elements of the algebra.
    fn rows(&self, columns: &[Element]) -> Vec<Vec<Element>> {
        (0..self.algebra.degree())
            .map(|i| columns.iter().map(|column| vec![column[i].clone()]).collect())
            .collect()
    }
}

fn clear_denominators<'a>(values: impl Iterator<Item = &'a Rational> + Clone) -> Vec<BigInt> {
    let common = values.clone().fold(BigInt::one(), |acc, c| acc.lcm(&c.denominator()));
    let cells: Vec<BigInt> = values.map(|c| c.numerator() * (&common / c.denominator())).collect();
    integer::primitive(&cells)
}

/// The equations for the entries of a factor h of some extent: `E'(λ)·f·∂h/∂x − projection·h = 0`.
fn equations(
    f: &Grid<BigInt>,
    projection: &Grid<Element>,
    derivative: &Element,
    [height, width]: [usize; 2],
    zero: &Element,
) -> Vec<Vec<Element>> {
    let (rows, columns) = (f.height() + height - 2, f.width() + width - 1);
    let mut equations = vec![vec![zero.clone(); height * width]; rows * columns];
    for i in 0..height {
        for j in 0..width {
            let unknown = i * width + j;
            for (a, line) in f.rows().enumerate().filter(|(a, _)| a + i > 0) {
                for (b, c) in line.iter().enumerate() {
                    let factor = Rational::from(c * i);
                    let cell = &mut equations[(a + i - 1) * columns + b + j][unknown];
                    for (x, d) in cell.iter_mut().zip(derivative) {
                        *x += d * &factor;
                    }
                }
            }
            for (a, line) in projection.rows().enumerate() {
                for (b, p) in line.iter().enumerate() {
                    for (x, c) in equations[(a + i) * columns + b + j][unknown].iter_mut().zip(p) {
                        *x -= c;
                    }
                }
            }
        }
    }
    equations
}

/// The factor h with `E'(λ)·f·∂h/∂x = (Σ q_k(λ)·w_k)·h`, where `w_k` belongs to λ^k and `E(t)/(t−λ) = Σ q_k(λ) t^k`.
fn conjugate_factor(
    f: &Grid<BigInt>,
    solutions: &[Grid<BigInt>],
    numbers: &NumberField,
    powers: &[Vec<Rational>],
) -> Option<Grid<Element>> {
    let count = powers.len();
    let minimal: Vec<Rational> = numbers.minimal().to_vec();
    let root = numbers.generator();
    // Synthetic division of E by t − λ, and E'(λ) = Σ q_k λ^k.
    let mut quotient = vec![numbers.rational(Rational::one())];
    for k in (1..count).rev() {
        let mut next = numbers.mul(&quotient[quotient.len() - 1], &root);
        next[0] += &minimal[k];
        quotient.push(next);
    }
    quotient.reverse();
    let zero = numbers.rational(Rational::zero());
    let derivative = quotient.iter().rev().fold(zero.clone(), |acc, q| {
        let mut value = numbers.mul(&acc, &root);
        for (cell, c) in value.iter_mut().zip(q) {
            *cell += c;
        }
        value
    });
    // Σ_k q_k w_k = Σ_j (Σ_k q_k·powers[k][j]) · solution_j.
    let weights: Vec<Element> = (0..count)
        .map(|j| {
            let mut weight = zero.clone();
            for (q, power) in quotient.iter().zip(powers) {
                for (cell, c) in weight.iter_mut().zip(q) {
                    *cell += c * &power[j];
                }
            }
            weight
        })
        .collect();
    let projection = Grid::from_fn(f.height() - 1, f.width(), |a, b| {
        let mut cell = zero.clone();
        for (weight, g) in weights.iter().zip(solutions) {
            let c = Rational::from(g.at(a, b).clone());
            for (x, w) in cell.iter_mut().zip(weight) {
                *x += w * &c;
            }
        }
        cell
    });
    let (height, width) = ((f.height() - 1) / count + 1, (f.width() - 1) / count + 1);
    let equations = equations(f, &projection, &derivative, [height, width], &zero);
    let mut kernel = numbers.kernel(equations, height * width);
    let vector = kernel.pop().filter(|_| kernel.is_empty())?;
    Grid::new(height, width, vector)
}

#[cfg(test)]
mod tests;
