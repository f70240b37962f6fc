//! Number fields `ℚ[t]/E` and linear algebra over them; degree 1 is ℚ itself.
//!
//! For small systems only: elements are vectors of big rationals.

use crate::Rational;
use crate::budget;
use num_bigint::BigInt;
use num_traits::{One, Zero};

/// An element: coefficients of `1, t, …, t^(r−1)`.
pub type Element = Vec<Rational>;

/// `ℚ[t]/E` for a monic E. It is a field when E is irreducible; otherwise only [`NumberField::mul`] and the inverses of
/// units make sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberField {
    minimal: Vec<Rational>,
}

impl NumberField {
    /// The algebra of a polynomial of positive degree, constant term first.
    pub fn new(polynomial: &[BigInt]) -> Option<Self> {
        let lead = polynomial.last().filter(|lead| !lead.is_zero() && polynomial.len() > 1)?;
        let minimal =
            polynomial.iter().map(|c| Rational::new(c.clone(), lead.clone())).collect::<Option<_>>()?;
        Some(Self { minimal })
    }

    /// The rational numbers.
    pub fn rationals() -> Self {
        Self { minimal: vec![Rational::zero(), Rational::one()] }
    }

    /// The degree over ℚ.
    pub fn degree(&self) -> usize {
        self.minimal.len() - 1
    }

    /// The monic polynomial E, constant term first.
    pub fn minimal(&self) -> &[Rational] {
        &self.minimal
    }

    /// A rational number as an element.
    pub fn rational(&self, value: Rational) -> Element {
        let mut element = vec![Rational::zero(); self.degree()];
        element[0] = value;
        element
    }

    /// The class of t.
    pub fn generator(&self) -> Element {
        self.reduce(vec![Rational::zero(), Rational::one()])
    }

    /// `a · b`.
    pub fn mul(&self, a: &[Rational], b: &[Rational]) -> Element {
        budget::spend_on([2, a.len(), b.len()], 40);
        let mut product = vec![Rational::zero(); a.len() + b.len()];
        for (i, x) in a.iter().enumerate().filter(|(_, x)| !x.is_zero()) {
            for (cell, y) in product[i..].iter_mut().zip(b) {
                *cell += x * y;
            }
        }
        self.reduce(product)
    }

    fn reduce(&self, mut a: Vec<Rational>) -> Element {
        let degree = self.degree();
        while a.len() > degree {
            let Some(top) = a.pop() else { break };
            if top.is_zero() {
                continue;
            }
            let start = a.len() - degree;
            for (cell, c) in a[start..].iter_mut().zip(&self.minimal) {
                *cell -= &top * c;
            }
        }
        a.resize(degree, Rational::zero());
        a
    }

    /// `1 / a`; `None` for zero.
    pub fn inverse(&self, a: &[Rational]) -> Option<Element> {
        if a[1..].iter().all(Zero::is_zero) {
            return Some(self.rational(a[0].recip()?));
        }
        // Column i of the system is a·t^i; the solution b has a·b = 1.
        let degree = self.degree();
        let mut columns = vec![a.to_vec()];
        while columns.len() < degree {
            let next = self.mul(&columns[columns.len() - 1], &self.generator());
            columns.push(next);
        }
        let rationals = Self::rationals();
        let rows = (0..degree)
            .map(|i| {
                let mut row: Vec<Element> = columns.iter().map(|c| vec![c[i].clone()]).collect();
                row.push(vec![if i == 0 { -Rational::one() } else { Rational::zero() }]);
                row
            })
            .collect();
        let mut kernel = rationals.kernel(rows, degree + 1);
        let vector = kernel.pop().filter(|_| kernel.is_empty())?;
        let scale = vector[degree][0].recip()?;
        Some(vector[..degree].iter().map(|c| &c[0] * &scale).collect())
    }

    /// A basis of the vectors that all `rows` annihilate; in each, the free column has 1.
    pub fn kernel(&self, rows: Vec<Vec<Element>>, columns: usize) -> Vec<Vec<Element>> {
        let mut echelon: Vec<(usize, Vec<Element>)> = Vec::new();
        for mut row in rows {
            for (pivot, known) in &echelon {
                self.eliminate(&mut row, known, *pivot);
            }
            let Some(pivot) = row.iter().position(|c| !c.iter().all(Zero::is_zero)) else { continue };
            let Some(inverse) = self.inverse(&row[pivot]) else { continue };
            for c in &mut row {
                *c = self.mul(c, &inverse);
            }
            for (_, known) in &mut echelon {
                self.eliminate(known, &row, pivot);
            }
            echelon.push((pivot, row));
        }
        let mut basis = Vec::new();
        for free in (0..columns).filter(|c| echelon.iter().all(|(pivot, _)| pivot != c)) {
            let mut vector = vec![self.rational(Rational::zero()); columns];
            vector[free] = self.rational(Rational::one());
            for (pivot, row) in &echelon {
                vector[*pivot] = row[free].iter().map(|c| -c).collect();
            }
            basis.push(vector);
        }
        basis
    }

    /// `row −= row[pivot] · known`, where `known[pivot]` is 1.
    fn eliminate(&self, row: &mut [Element], known: &[Element], pivot: usize) {
        if row[pivot].iter().all(Zero::is_zero) {
            return;
        }
        let c = row[pivot].clone();
        for (x, y) in row.iter_mut().zip(known).filter(|(_, y)| !y.iter().all(Zero::is_zero)) {
            for (cell, d) in x.iter_mut().zip(self.mul(&c, y)) {
                *cell -= d;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn inverses(a in prop::collection::vec(-9i64..=9, 3)) {
            // t³ − 2 is irreducible.
            let field = NumberField::new(&[-2, 0, 0, 1].map(BigInt::from)).unwrap();
            let a: Element = a.into_iter().map(|c| Rational::from(BigInt::from(c))).collect();
            match field.inverse(&a) {
                Some(b) => prop_assert_eq!(field.mul(&a, &b), field.rational(Rational::one())),
                None => prop_assert!(a.iter().all(Zero::is_zero)),
            }
        }
    }
}
