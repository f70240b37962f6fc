//! A checked problem in the form that the search and the exact arithmetic share: known factors multiplied
//! together, products without an unknown subtracted from the target, and the unknowns to solve for chosen.

use super::fixed::Fixed;
use super::linear::is_affordable;
use super::problem::{Constraint, FitFactor, FitUnknown, Problem};
use super::rationalise::{MAX_EXACT_VARIABLES, solve_linear};
use convproof_exact::{Grid, Limited, Rational};

/// One product: its unknowns, and everything known in it.
pub struct Product {
    pub unknowns: Vec<usize>,
    pub known: Option<Fixed>,
}

/// See the module's description.
pub struct Reduced<'a> {
    pub unknowns: &'a [FitUnknown],
    /// Which unknowns are solved for linearly, exactly, once the others are given.
    pub linear: Vec<bool>,
    /// Which of them the search eliminates: all, unless a sign constraint forbids it.
    pub eliminated: Vec<bool>,
    pub products: Vec<Product>,
    pub target: Fixed,
}

impl<'a> Reduced<'a> {
    /// The reduced form of a problem that [`Problem::check`] accepts.
    pub fn new(problem: &'a Problem) -> Self {
        let mut target = Fixed::new(&problem.target);
        let mut products = Vec::new();
        for term in &problem.terms {
            let mut product = Product { unknowns: Vec::new(), known: None };
            for factor in term {
                match factor {
                    FitFactor::Unknown(unknown) => product.unknowns.push(*unknown),
                    FitFactor::Known(kernel) => {
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
        let bounded = problem.unknowns.iter().any(|unknown| unknown.constraint == Constraint::Nonnegative);
        let eliminated = linear.iter().map(|&linear| linear && !bounded).collect();
        Self { unknowns: &problem.unknowns, linear, eliminated, products, target }
    }

    /// How often the unknown occurs in the product.
    pub fn count(&self, product: &Product, unknown: usize) -> usize {
        product.unknowns.iter().filter(|&&u| u == unknown).count()
    }

    /// Whether the nonlinear unknown can be rescaled freely: scaling it by c multiplies each of its products by a
    /// power of c, which the eliminated unknowns undo if each of them meets it equally often in all products.
    pub fn is_scalable(&self, unknown: usize) -> bool {
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

    /// Whether every product is linear in the unknowns.
    pub fn is_linear(&self) -> bool {
        !self.unknowns.iter().any(|u| u.constraint == Constraint::Nonnegative)
            && !self.linear.contains(&false)
    }

    /// Whether solving for the linear unknowns exactly is reasonable, the others having `bits` bits per entry.
    pub fn is_solvable(&self, bits: u64) -> bool {
        let linear = self.unknowns.iter().zip(&self.linear).filter(|(_, linear)| **linear);
        let variables: usize = linear.map(|(unknown, _)| unknown.variables().1).sum();
        let longest = |product: &Product| {
            let others =
                u64::try_from(product.unknowns.len()).map_or(u64::MAX, |count| count.saturating_sub(1));
            others.saturating_mul(bits).saturating_add(product.known.as_ref().map_or(0, Fixed::bits))
        };
        // Entries of the normal equations are sums of products of two columns, or of a column and the target.
        let column = self.products.iter().map(longest).max().unwrap_or(0);
        let entry = column.saturating_add(column.max(self.target.bits()));
        variables.within(MAX_EXACT_VARIABLES) && is_affordable(variables, variables, entry)
    }

    /// The target and the known products in floating point, and by which power of two to multiply each unknown
    /// of the problem so stated.
    pub fn in_floats(&self) -> (Grid<f64>, Vec<Option<Grid<f64>>>, Vec<i64>) {
        let known = self.products.iter().filter_map(|p| p.known.as_ref().and_then(Fixed::exponent)).max();
        let known = known.unwrap_or(0);
        let rest = self.target.exponent().unwrap_or(0) - known;
        let full = self.products.iter().all(|p| p.unknowns.iter().any(|&u| self.linear[u]));
        let (gain, exponents) = match self.degree() {
            // The linear unknowns take the whole difference, or all unknowns of equal products a part each.
            _ if full => (rest, self.linear.iter().map(|&l| if l { rest } else { 0 }).collect()),
            Some(degree) => {
                let share = rest / i64::try_from(degree).unwrap_or(i64::MAX);
                (share * i64::try_from(degree).unwrap_or(0), vec![share; self.unknowns.len()])
            }
            None => (0, vec![0; self.unknowns.len()]),
        };
        // What a product lacks of the largest known factor it makes up for with a number.
        let number = (known != 0).then(|| Fixed::unit().to_floats(known));
        let scaled = self
            .products
            .iter()
            .map(|p| p.known.as_ref().map_or_else(|| number.clone(), |k| Some(k.to_floats(known))));
        (self.target.to_floats(gain + known), scaled.collect(), exponents)
    }

    /// The squared residual if every product of unknowns were one free unknown: a bound from below, exact where
    /// the problem is linear. `None` where that says nothing or is
    /// too large to solve.
    pub fn linear_relaxation(&self) -> Option<Rational> {
        if self.is_linear() {
            if !self.is_solvable(0) {
                return None;
            }
            let mut factors = self.zero_factors();
            solve_linear(self, &mut factors);
            return Some(self.residual(&factors).norm_squared());
        }
        // A product without a known factor of its own can be anything.
        let unknowns: Vec<FitUnknown> = self
            .products
            .iter()
            .map(|p| {
                let known = p.known.as_ref().filter(|k| !k.is_number())?;
                Some(FitUnknown::free(
                    self.target.height() + 1 - known.height(),
                    self.target.width() + 1 - known.width(),
                ))
            })
            .collect::<Option<_>>()?;
        let relaxed = Reduced {
            linear: vec![true; unknowns.len()],
            eliminated: vec![true; unknowns.len()],
            products: self
                .products
                .iter()
                .enumerate()
                .map(|(u, p)| Product { unknowns: vec![u], known: p.known.clone() })
                .collect(),
            target: self.target.clone(),
            unknowns: &unknowns,
        };
        relaxed.linear_relaxation()
    }

    /// The common number of unknowns of all products, if there is one.
    pub fn degree(&self) -> Option<usize> {
        let degree = self.products.first()?.unknowns.len();
        self.products.iter().all(|product| product.unknowns.len() == degree).then_some(degree)
    }

    /// All unknowns zero.
    pub fn zero_factors(&self) -> Vec<Fixed> {
        self.unknowns.iter().map(|u| Fixed::zero(u.height, u.width)).collect()
    }

    /// `target − Σ products`, exactly.
    pub fn residual(&self, factors: &[Fixed]) -> Fixed {
        self.products
            .iter()
            .fold(self.target.clone(), |rest, product| rest.minus(&self.multiply(product, factors, None)))
    }

    /// The product of everything in `product` except the unknown `without`.
    pub fn multiply(&self, product: &Product, factors: &[Fixed], without: Option<usize>) -> Fixed {
        let known = product.known.clone().unwrap_or_else(Fixed::unit);
        product.unknowns.iter().filter(|&&u| Some(u) != without).fold(known, |p, &u| p.convolve(&factors[u]))
    }
}

/// Unknowns of which no product holds two, or one twice: chosen greedily, those with most entries first and of
/// equal ones the later, so that of P * Q the factor solved for is Q.
fn linear_unknowns(unknowns: &[FitUnknown], products: &[Product]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..unknowns.len()).rev().collect();
    order.sort_by_key(|&u| std::cmp::Reverse(unknowns[u].height * unknowns[u].width));
    let mut chosen = vec![false; unknowns.len()];
    for unknown in order {
        chosen[unknown] = true;
        if products.iter().any(|p| p.unknowns.iter().filter(|&&u| chosen[u]).count() > 1) {
            chosen[unknown] = false;
        }
    }
    chosen
}

#[cfg(test)]
mod tests;
