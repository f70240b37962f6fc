//! The certificate of the relaxation: multipliers with which integer matrices are positive definite, and the check.
//!
//! **Theorem.** Let y be a kernel, L the matrix of `z ↦ known * P * Q` for z = vec(p qᵀ), `C = LᵀL`, `b = Lᵀy`, and A(Y) the
//! combination with multipliers Y of the symmetric matrices whose quadratic forms are twice the 2×2 minors of p qᵀ. If
//! `[[C + A(Y), −b], [−bᵀ, ‖y‖² − t]]` is positive semidefinite, no real P, Q give a product nearer to y than √t.
//!
//! *Proof.* The minors of p qᵀ vanish, so zᵀA(Y)z = 0 and ‖y − Lz‖² − t = (z, 1)·matrix·(z, 1)ᵀ ≥ 0. ∎
//!
//! **Theorem** (cases). For a symmetric G let pᵀGp ≥ 0 be known, and let S be positive semidefinite. Then `C + A(Y) − G⊗S` may
//! stand for `C + A(Y)` above. So if one certificate holds with G and another with −G, the bound holds for all P and Q;
//! likewise for forms of q, and for several of them.
//!
//! *Proof.* zᵀ(G⊗S)z = pᵀGp · qᵀSq ≥ 0, and one of pᵀGp ≥ 0 and pᵀ(−G)p ≥ 0 is so. ∎

use num_bigint::BigInt;
use num_traits::{One, Zero};

use super::lifted::{Lifted, Size, minor_count, minors};
use crate::fit::definite::is_positive_definite;
use crate::fit::fixed::ratio;
use convproof_exact::{Grid, Rational};

/// Multipliers that prove how near products can come; whoever holds them can check the bound by elimination of
/// matrices of integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Sizes of the two factors.
    pub sizes: [Size; 2],
    /// The kernel y that is approximated, in units of `unit`.
    pub target: Grid<BigInt>,
    /// What both factors are multiplied with; its scale does not matter.
    pub known: Grid<BigInt>,
    /// What the entries of `target` are multiples of.
    pub unit: Rational,
    /// The kernel that was asked about differs from `unit·target` by at most this times `unit` in norm.
    pub rounding: Rational,
    /// Multipliers, weights and `least` are in units of 2^-bits.
    pub bits: u32,
    /// t, in units of 2^-bits: no product is nearer to `target` than its square root.
    pub least: BigInt,
    /// The multipliers, for all products at once or by cases.
    pub cases: Cases,
}

/// Multipliers for products that some conditions hold of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cases {
    /// One matrix for all of them.
    One {
        /// The multipliers of the minors in rows i < k and columns j < l of p qᵀ, by i, k, j, l.
        multipliers: Vec<BigInt>,
        /// The matrix S of each condition.
        weights: Vec<Grid<BigInt>>,
    },
    /// Those of which also `xᵀGx ≥ 0` holds, and those of which `xᵀGx ≤ 0` does.
    Two(Form, Box<[Cases; 2]>),
}

/// The quadratic form `xᵀGx` of the entries x of one factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// 0 for P, 1 for Q.
    pub factor: usize,
    /// G, symmetric.
    pub matrix: Grid<BigInt>,
}

/// That a form is not negative, or not positive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub form: Form,
    pub negative: bool,
}

impl Form {
    /// Both signs of the form, as conditions, in the order of the cases.
    pub fn conditions(&self) -> [Condition; 2] {
        [false, true].map(|negative| Condition { form: self.clone(), negative })
    }
}

impl Condition {
    /// The place in z of the product of entry i of the form's factor and entry j of the other.
    pub fn place(&self, [_, second]: [Size; 2], i: usize, j: usize) -> usize {
        let columns = second.0 * second.1;
        if self.form.factor == 0 { i * columns + j } else { j * columns + i }
    }

    /// The numbers of entries of the form's factor and of the other one.
    pub fn extents(&self, [first, second]: [Size; 2]) -> (usize, usize) {
        let (p, q) = (first.0 * first.1, second.0 * second.1);
        if self.form.factor == 0 { (p, q) } else { (q, p) }
    }
}

impl Certificate {
    /// Checks the certificate, in integers: whether its matrices are positive definite.
    pub fn is_valid(&self) -> bool {
        let (height, width) = (self.known.height(), self.known.width());
        let [(a, b), (c, d)] = self.sizes;
        let fits = height + a + c == self.target.height() + 2 && width + b + d == self.target.width() + 2;
        let proper = [a, b, c, d].iter().all(|&extent| extent > 0);
        proper && fits && self.is_proved(&Lifted::new(&self.target, &self.known, self.sizes))
    }

    /// The check, for the function that belongs to the certificate.
    pub(super) fn is_proved(&self, lifted: &Lifted) -> bool {
        self.holds(lifted, &self.cases, &mut Vec::new())
    }

    fn holds(&self, lifted: &Lifted, cases: &Cases, conditions: &mut Vec<Condition>) -> bool {
        match cases {
            Cases::One { multipliers, weights } => {
                multipliers.len() == minor_count(self.sizes)
                    && weights.len() == conditions.len()
                    && weights.iter().zip(&*conditions).all(|(weight, condition)| {
                        let (_, other) = condition.extents(self.sizes);
                        weight.height() == other
                            && is_symmetric(weight)
                            && is_positive_definite(&rows(weight))
                    })
                    && is_positive_definite(&self.matrix(lifted, multipliers, weights, conditions))
            }
            Cases::Two(form, cases) => {
                let entries = [self.sizes[0], self.sizes[1]].map(|(height, width)| height * width);
                entries.get(form.factor).is_some_and(|&count| form.matrix.height() == count)
                    && is_symmetric(&form.matrix)
                    && cases.iter().zip(form.conditions()).all(|(inner, condition)| {
                        conditions.push(condition);
                        let holds = self.holds(lifted, inner, conditions);
                        conditions.pop();
                        holds
                    })
            }
        }
    }

    /// The matrix of one case in units of 2^-bits, the border last.
    pub(super) fn matrix(
        &self,
        lifted: &Lifted,
        multipliers: &[BigInt],
        weights: &[Grid<BigInt>],
        conditions: &[Condition],
    ) -> Vec<Vec<BigInt>> {
        let mut matrix: Vec<Vec<BigInt>> = lifted
            .gram
            .iter()
            .zip(&lifted.linear)
            .map(|(row, b)| row.iter().map(|x| x << self.bits).chain([-(b << self.bits)]).collect())
            .collect();
        for (minor, multiplier) in minors(self.sizes).iter().zip(multipliers) {
            let ((a, c), (b, d)) = (minor.plus, minor.minus);
            for (row, column) in [(a, c), (c, a)] {
                matrix[row][column] += multiplier;
            }
            for (row, column) in [(b, d), (d, b)] {
                matrix[row][column] -= multiplier;
            }
        }
        for (weight, condition) in weights.iter().zip(conditions) {
            let (own, other) = condition.extents(self.sizes);
            for (i, k) in pairs(own) {
                let g = condition.form.matrix.at(i, k);
                for (j, l) in pairs(other) {
                    let cell =
                        &mut matrix[condition.place(self.sizes, i, j)][condition.place(self.sizes, k, l)];
                    let value = g * weight.at(j, l);
                    if condition.negative { *cell += value } else { *cell -= value }
                }
            }
        }
        let border = lifted.linear.iter().map(|b| -(b << self.bits));
        matrix.push(border.chain([(&lifted.norm << self.bits) - &self.least]).collect());
        matrix
    }

    /// What the certificate proves of the squared distance from the kernel that was asked about to all products.
    pub fn squared(&self) -> Rational {
        // (√t − r)², the root rounded down; t itself where nothing is subtracted.
        let t = ratio(self.least.clone(), BigInt::one() << self.bits);
        let rest = if self.rounding.is_zero() {
            t
        } else {
            let root = ratio((&self.least << self.bits).sqrt(), BigInt::one() << self.bits);
            let far = (&root - &self.rounding).max(Rational::ZERO);
            &far * &far
        };
        &(&rest * &self.unit) * &self.unit
    }
}

/// All places of a square matrix.
pub fn pairs(size: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..size).flat_map(move |i| (0..size).map(move |k| (i, k)))
}

fn is_symmetric(matrix: &Grid<BigInt>) -> bool {
    matrix.height() == matrix.width()
        && pairs(matrix.height()).all(|(i, k)| matrix.at(i, k) == matrix.at(k, i))
}

fn rows(matrix: &Grid<BigInt>) -> Vec<Vec<BigInt>> {
    matrix.rows().map(<[BigInt]>::to_vec).collect()
}

/// A number of units of 2^-bits whose root is at least `√square + rounding`.
pub fn least_above(square: &Rational, rounding: &Rational, bits: u32) -> BigInt {
    let ceiling = |x: &Rational, bits: u32| {
        let (numerator, denominator) = (x.numerator() << bits, x.denominator());
        (&numerator + &denominator - BigInt::one()) / denominator
    };
    if rounding.is_zero() {
        return ceiling(square, bits);
    }
    // In units of 2^-bits: the root, and then its square.
    let root = ceiling(square, 2 * bits).sqrt() + 1_u32 + ceiling(rounding, bits);
    let square: BigInt = &root * &root;
    let unit = BigInt::one() << bits;
    if square.is_zero() { square } else { (square + &unit - BigInt::one()) / unit }
}

#[cfg(test)]
mod tests;
