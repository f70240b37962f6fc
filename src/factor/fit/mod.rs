//! Least-squares factorization of kernels.

mod descent;
mod fixed;
mod model;
mod problem;
mod reduced;
mod search;

pub use problem::*;

use crate::algebra::{Grid,Rational};
pub fn experiment(k: &[f64], seed: u64, starts: usize, draws: usize, its: usize) -> (f64, usize, usize) {
    let p = Problem::product(&[(3, 3), (3, 3)], Grid::from_fn(5, 5, |_, _| Rational::ONE));
    let r = reduced::Reduced::new(&p);
    let n = k.iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut m = model::Model::new(&r, Grid::from_fn(5, 5, |i, j| k[i * 5 + j]/n), vec![None]);
    let f = search::search(&mut m, seed, search::Effort { starts, draws, iterations: its }).unwrap();
    ((2.0 * f.best.value).sqrt(), f.reached, f.iterations)
}
