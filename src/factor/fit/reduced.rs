//! A checked problem in the form that the search and the exact arithmetic share: known factors multiplied
//! together, products without an unknown subtracted from the target, and the unknowns to solve for chosen.

use super::fixed::Fixed;
use super::problem::{Constraint, Factor, Problem, Unknown};

/// One product: its unknowns, and everything known in it.
pub(crate) struct Product {
    pub(crate) unknowns: Vec<usize>,
    pub(crate) known: Option<Fixed>,
}

/// See the module's description.
pub(crate) struct Reduced<'a> {
    pub(crate) unknowns: &'a [Unknown],
    /// Which unknowns are solved for linearly once the others are given.
    pub(crate) linear: Vec<bool>,
    pub(crate) products: Vec<Product>,
    pub(crate) target: Fixed,
}

impl<'a> Reduced<'a> {
    /// The reduced form of a problem that [`Problem::check`] accepts.
    pub(crate) fn new(problem: &'a Problem) -> Self {
        let mut target = Fixed::new(&problem.target);
        let mut products = Vec::new();
        for term in &problem.terms {
            let mut product = Product { unknowns: Vec::new(), known: None };
            for factor in term {
                match factor {
                    Factor::Unknown(unknown) => product.unknowns.push(*unknown),
                    Factor::Known(kernel) => {
                        let kernel = Fixed::new(kernel);
                        product.known =
                            Some(product.known.map_or_else(|| kernel.clone(), |k| k.convolve(&kernel)));
                    }
                }
            }
            match product.known {
                Some(known) if product.unknowns.is_empty() => target = target.minus(&known),
                _ => products.push(product),
            }
        }
        let linear = linear_unknowns(&problem.unknowns, &products);
        Self { unknowns: &problem.unknowns, linear, products, target }
    }

    /// How often the unknown occurs in the product.
    pub(crate) fn count(&self, product: &Product, unknown: usize) -> usize {
        product.unknowns.iter().filter(|&&u| u == unknown).count()
    }

    /// Whether the nonlinear unknown can be rescaled freely: scaling it by c multiplies each of its products by a
    /// power of c, which the eliminated unknowns undo if each of them meets it equally often in all products.
    pub(crate) fn is_scalable(&self, unknown: usize) -> bool {
        let mut met: Vec<Option<usize>> = vec![None; self.unknowns.len()];
        !self.linear[unknown]
            && self.products.iter().all(|product| {
                let count = self.count(product, unknown);
                match product.unknowns.iter().find(|&&u| self.linear[u]) {
                    Some(&linear) => *met[linear].get_or_insert(count) == count,
                    None => count == 0,
                }
            })
    }

    /// The common number of unknowns of all products, if there is one.
    pub(crate) fn degree(&self) -> Option<usize> {
        let degree = self.products.first()?.unknowns.len();
        self.products.iter().all(|product| product.unknowns.len() == degree).then_some(degree)
    }

    /// `target − Σ products`, exactly.
    pub(crate) fn residual(&self, factors: &[Fixed]) -> Fixed {
        self.products.iter().fold(self.target.clone(), |rest, product| {
            rest.minus(&self.multiply(product, factors, None))
        })
    }

    /// The product of everything in `product` except the unknown `without`.
    pub(crate) fn multiply(&self, product: &Product, factors: &[Fixed], without: Option<usize>) -> Fixed {
        let known = product.known.clone().unwrap_or_else(Fixed::unit);
        product.unknowns.iter().filter(|&&u| Some(u) != without).fold(known, |p, &u| p.convolve(&factors[u]))
    }
}

/// The unknowns to solve for: the set with most entries such that no product holds two of them, or one twice.
/// None if a sign constraint asks for a search in all variables.
fn linear_unknowns(unknowns: &[Unknown], products: &[Product]) -> Vec<bool> {
    let count = unknowns.len();
    if unknowns.iter().any(|unknown| unknown.constraint == Constraint::Nonnegative) {
        return vec![false; count];
    }
    let size = |set: usize| -> usize {
        (0..count).filter(|u| set >> u & 1 == 1).map(|u| unknowns[u].height * unknowns[u].width).sum()
    };
    let independent = |set: &usize| {
        products.iter().all(|product| product.unknowns.iter().filter(|&&u| set >> u & 1 == 1).count() <= 1)
    };
    // Ties go to the later unknowns: of P * Q the factor solved for is Q.
    let best = (0..1_usize << count).filter(independent).max_by_key(|&set| (size(set), set)).unwrap_or(0);
    (0..count).map(|u| best >> u & 1 == 1).collect()
}
