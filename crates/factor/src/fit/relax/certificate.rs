//! The certificate of the relaxation: multipliers with which an integer matrix is positive definite, and the check.
//!
//! **Theorem.** Let y be a kernel, L the matrix of `z ↦ known * P * Q` for z = vec(p qᵀ), `C = LᵀL`, `b = Lᵀy`, and A(Y) the
//! combination with multipliers Y of the symmetric matrices whose quadratic forms are twice the 2×2 minors of p qᵀ. If
//! `[[C + A(Y), −b], [−bᵀ, ‖y‖² − t]]` is positive semidefinite, no real P, Q give a product nearer to y than √t.
//!
//! *Proof.* The minors of p qᵀ vanish, so zᵀA(Y)z = 0 and ‖y − Lz‖² − t = (z, 1)·matrix·(z, 1)ᵀ ≥ 0. ∎

use num_bigint::BigInt;
use num_traits::{One, Zero};

use super::lifted::{Lifted, Size, minor_count, minors};
use crate::fit::definite::is_positive_definite;
use crate::fit::fixed::ratio;
use convproof_exact::{Grid, Rational};

/// Multipliers that prove how near products can come; whoever holds them can check the bound by elimination of one
/// matrix of integers.
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
    /// Multipliers and `least` are in units of 2^-bits.
    pub bits: u32,
    /// t, in units of 2^-bits: no product is nearer to `target` than its square root.
    pub least: BigInt,
    /// The multipliers of the minors in rows i < k and columns j < l of p qᵀ, by i, k, j, l.
    pub multipliers: Vec<BigInt>,
}

impl Certificate {
    /// Checks the certificate, in integers: whether the matrix is positive definite.
    pub fn is_valid(&self) -> bool {
        let (height, width) = (self.known.height(), self.known.width());
        let [(a, b), (c, d)] = self.sizes;
        let fits = height + a + c == self.target.height() + 2 && width + b + d == self.target.width() + 2;
        let proper = [a, b, c, d].iter().all(|&extent| extent > 0);
        proper
            && fits
            && self.multipliers.len() == minor_count(self.sizes)
            && self.is_proved(&Lifted::new(&self.target, &self.known, self.sizes))
    }

    /// The check, for the function that belongs to the certificate.
    pub(super) fn is_proved(&self, lifted: &Lifted) -> bool {
        is_positive_definite(&self.matrix(lifted))
    }

    /// The matrix in units of 2^-bits, the border last.
    fn matrix(&self, lifted: &Lifted) -> Vec<Vec<BigInt>> {
        let mut matrix: Vec<Vec<BigInt>> = lifted
            .gram
            .iter()
            .zip(&lifted.linear)
            .map(|(row, b)| row.iter().map(|x| x << self.bits).chain([-(b << self.bits)]).collect())
            .collect();
        for (minor, multiplier) in minors(self.sizes).iter().zip(&self.multipliers) {
            let ((a, c), (b, d)) = (minor.plus, minor.minus);
            for (row, column) in [(a, c), (c, a)] {
                matrix[row][column] += multiplier;
            }
            for (row, column) in [(b, d), (d, b)] {
                matrix[row][column] -= multiplier;
            }
        }
        let border = lifted.linear.iter().map(|b| -(b << self.bits));
        matrix.push(border.chain([(&lifted.norm << self.bits) - &self.least]).collect());
        matrix
    }

    /// What the certificate proves of the squared distance from the kernel that was asked about to all products.
    pub fn squared(&self) -> Rational {
        // (√t − r)², with the root rounded up where it is subtracted.
        let t = ratio(self.least.clone(), BigInt::one() << self.bits);
        let rest = if self.rounding.is_zero() {
            t
        } else {
            let root = ratio((&self.least << self.bits).sqrt() + 1_u32, BigInt::one() << self.bits);
            let (squared, cross) = (&self.rounding * &self.rounding, &self.rounding * &root);
            &(&t + &squared) - &(&cross * &Rational::from(2))
        };
        if rest.is_negative() { Rational::ZERO } else { &(&rest * &self.unit) * &self.unit }
    }
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
