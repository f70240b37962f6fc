//! Ruppert's linear system, whose solutions count the factors over ℂ.
//!
//! For f of bidegree (m, n) without repeated factors, the pairs (g, h) with `∂/∂y (g/f) = ∂/∂x (h/f)`,
//! deg g ≤ (m−1, n) and deg h ≤ (m, n−1) form a space whose dimension is the number of irreducible factors over ℂ
//! (Ruppert 1999; Gao 2003, "Factoring multivariate polynomials via partial differential equations", section 2).
//! The rank modulo a prime is at most that over ℚ, so it bounds the number of factors from above.

use super::exact::FactorError;
use convproof_exact::Grid;
use convproof_exact::poly::finite_field::large_primes;
use convproof_exact::poly::integer::Remainders;
use convproof_exact::poly::linear::kernel;
use convproof_exact::poly::ring::{Ring, Word};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

/// Primes used to find exact solutions before giving up.
const PRIME_LIMIT: usize = 64;

/// The system `f·g_y − g·f_y − f·h_x + h·f_x = 0`, one sparse equation for each monomial.
pub(super) struct System {
    /// Number of unknown coefficients of g and h.
    pub(super) unknowns: usize,
    equations: Vec<Vec<(usize, BigInt)>>,
    shape: (usize, usize),
}

impl System {
    /// The system of a polynomial of bidegree (m, n), both positive. Unknowns are the coefficients of g row by row (m rows
    /// of n + 1), then those of h (m + 1 rows of n).
    pub(super) fn new(f: &Grid<BigInt>) -> Self {
        let (m, n) = (f.height() - 1, f.width() - 1);
        let unknowns = m * (n + 1) + (m + 1) * n;
        let mut equations = vec![Vec::new(); 4 * m * n];
        let mut add = |x: usize, y: usize, unknown: usize, value: BigInt| {
            if !value.is_zero() {
                equations[(x * 2 * n) + y].push((unknown, value));
            }
        };
        for (a, row) in f.rows().enumerate() {
            for (b, c) in row.iter().enumerate().filter(|(_, c)| !c.is_zero()) {
                for i in 0..m {
                    for j in (0..=n).filter(|j| b + j > 0) {
                        let factor = BigInt::from(j) - BigInt::from(b);
                        add(a + i, b + j - 1, i * (n + 1) + j, c * factor);
                    }
                }
                for i in (0..=m).filter(|i| a + i > 0) {
                    for j in 0..n {
                        let factor = BigInt::from(a) - BigInt::from(i);
                        add(a + i - 1, b + j, m * (n + 1) + i * n + j, c * factor);
                    }
                }
            }
        }
        Self { unknowns, equations, shape: (m, n) }
    }

    /// Reduced basis of the solutions modulo a prime.
    pub(super) fn kernel(&self, field: &Word) -> Vec<Vec<u64>> {
        let rows = self.equations.iter().map(|equation| {
            let mut row = vec![0; self.unknowns];
            for (unknown, c) in equation {
                // A cell of f meets one unknown at one monomial once from each side of the equation.
                row[*unknown] = field.add(&row[*unknown], &field.embed(c));
            }
            row
        });
        kernel(field, rows, self.unknowns)
    }

    fn solves(&self, vector: &[BigInt]) -> bool {
        self.equations
            .iter()
            .all(|e| e.iter().map(|(unknown, c)| c * &vector[*unknown]).sum::<BigInt>().is_zero())
    }

    /// The polynomials g of a basis of the rational solutions, each verified exactly, when there are `count` of them.
    pub(super) fn solutions(&self, count: usize) -> Result<Vec<Grid<BigInt>>, FactorError> {
        let blank = || Remainders { modulus: BigInt::one(), values: vec![BigInt::zero(); self.unknowns] };
        let mut known: Vec<Remainders> = std::iter::repeat_with(blank).take(count).collect();
        let mut used = 0usize;
        for field in large_primes().take(PRIME_LIMIT) {
            let basis = self.kernel(&field);
            if basis.len() != count {
                continue;
            }
            for (remainders, image) in known.iter_mut().zip(&basis) {
                let plain: Vec<u64> = image.iter().map(|c| field.canonical(*c)).collect();
                remainders.extend(&field, &plain).ok_or(FactorError::Limit)?;
            }
            used += 1;
            if used.is_power_of_two()
                && let Some(vectors) =
                    known.iter().map(|v| integral(&v.values, &v.modulus)).collect::<Option<Vec<_>>>()
                && vectors.iter().all(|v| self.solves(v))
            {
                let (m, n) = self.shape;
                let grid = |v: &Vec<BigInt>| Grid::from_fn(m, n + 1, |i, j| v[i * (n + 1) + j].clone());
                return Ok(vectors.iter().map(grid).collect());
            }
        }
        Err(FactorError::Limit)
    }
}

/// An integer multiple of the rational vector with these residues, if small fractions explain them.
fn integral(residues: &[BigInt], modulus: &BigInt) -> Option<Vec<BigInt>> {
    let limit = (modulus >> 1u32).sqrt();
    let mut fractions = Vec::with_capacity(residues.len());
    let mut common = BigInt::one();
    for residue in residues {
        let (numerator, denominator) = fraction(residue, modulus, &limit)?;
        common = common.lcm(&denominator);
        fractions.push((numerator, denominator));
    }
    Some(fractions.into_iter().map(|(n, d)| n * (&common / d)).collect())
}

/// Rational reconstruction: `n/d` with `|n|, d ≤ limit` and `n ≡ d·residue`.
fn fraction(residue: &BigInt, modulus: &BigInt, limit: &BigInt) -> Option<(BigInt, BigInt)> {
    let (mut r0, mut r1) = (modulus.clone(), residue.clone());
    let (mut t0, mut t1) = (BigInt::zero(), BigInt::one());
    while r1 > *limit {
        let q = &r0 / &r1;
        (r0, r1) = (r1.clone(), r0 - &q * &r1);
        (t0, t1) = (t1.clone(), t0 - &q * &t1);
    }
    if t1.is_zero() || t1.abs() > *limit {
        return None;
    }
    if t1.is_negative() { Some((-r1, -t1)) } else { Some((r1, t1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_found_exactly_where_there_are_small_ones() {
        let (modulus, limit) = (101_i64, 7_i64);
        for residue in 0..modulus {
            let small = (1..=limit).flat_map(|d| (-limit..=limit).map(move |n| (n, d)));
            let expected = small.filter(|(n, d)| (n - d * residue) % modulus == 0).min_by_key(|&(_, d)| d);
            let found = fraction(&residue.into(), &modulus.into(), &limit.into());
            assert_eq!(found, expected.map(|(n, d)| (n.into(), d.into())), "{residue}");
        }
        // 1/2 and −3 modulo 101, over a common denominator.
        let residues = [51, 98].map(BigInt::from);
        assert_eq!(integral(&residues, &101.into()), Some([1, -6].map(BigInt::from).to_vec()));
        assert_eq!(
            integral(&[BigInt::from(40)], &101.into()),
            fraction(&40.into(), &101.into(), &7.into()).map(|(n, _)| vec![n])
        );
    }

    #[test]
    fn the_derivatives_are_a_solution_and_others_are_not() {
        let f = Grid::from_fn(3, 4, |i, j| BigInt::from([3, -1, 4, 1, -5, 9, 2, 6, 5, 3, 5, 8][4 * i + j]));
        let system = System::new(&f);
        assert_eq!(system.unknowns, 2 * 4 + 3 * 3);
        let along_x = (0..2).flat_map(|i| (0..4).map(move |j| (i, j))).map(|(i, j)| f.at(i + 1, j) * (i + 1));
        let along_y = (0..3).flat_map(|i| (0..3).map(move |j| (i, j))).map(|(i, j)| f.at(i, j + 1) * (j + 1));
        let solution: Vec<BigInt> = along_x.chain(along_y).collect();
        assert!(system.solves(&solution));
        for k in 0..system.unknowns {
            let mut other = solution.clone();
            other[k] += 1;
            assert!(!system.solves(&other));
        }
        // It is the only one: f is irreducible over ℂ.
        assert_eq!(system.solutions(1).unwrap().len(), 1);
    }
}
