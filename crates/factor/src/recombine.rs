//! Which lifted factors belong together: linear algebra on logarithmic derivatives.
//!
//! For a true factor `g = Π F_i^(e_i)` of f, `Σ e_i · f · F_i'/F_i = g' · f/g` is a polynomial of y-degree at most
//! that of f. The vectors e with this property form a space that contains the indicator of every true
//! factor (Belabas, van Hoeij, Klüners and Steel 2009; Bostan, Lecerf, Salvy, Schost and Wiebelt 2004,
//! "Complexity issues in bivariate polynomial factorization"). Here it is computed modulo p, which can only make
//! it larger: if it has dimension 1, f is irreducible.

use super::hensel::Series;
use convproof_exact::poly::dense::Accumulator;
use convproof_exact::poly::linear::kernel;
use convproof_exact::poly::ring::{Ring, Word};

/// The first `count` coefficients in 1/x of `x · F'/F`, as power series in y of length `order`: the power sums of the
/// roots of the monic F.
fn power_sums<R: Ring>(ring: &R, factor: &Series<R::Elem>, count: usize, order: usize) -> Vec<Vec<R::Elem>> {
    let degree = factor[0].len() - 1;
    // Coefficient of x^(degree − j) as a series in y.
    let coefficient = |j: usize| -> Vec<R::Elem> {
        factor.iter().map(|c| c.get(degree - j).cloned().unwrap_or_else(|| ring.zero())).collect()
    };
    let known: Vec<Vec<R::Elem>> = (0..=degree.min(count)).map(coefficient).collect();
    let mut sums: Vec<Vec<R::Elem>> = Vec::with_capacity(count);
    for j in 0..count {
        // Newton's identities: (d − j)·a_j = Σ_{l ≤ j} a_{j−l}·c_l.
        let mut previous = Accumulator::new(ring, order);
        for (l, sum) in sums.iter().enumerate() {
            if let Some(a) = known.get(j - l) {
                previous.add_product(a, sum);
            }
        }
        let mut series: Vec<R::Elem> = previous.finish().iter().map(|c| ring.sub(&ring.zero(), c)).collect();
        if let Some(a) = known.get(j) {
            let multiple = ring.embed_small((degree - j) as u64);
            for (cell, c) in series.iter_mut().zip(a) {
                *cell = ring.add(cell, &ring.mul(c, &multiple));
            }
        }
        sums.push(series);
    }
    sums
}

/// Groups of lifted factors such that every true factor is a product of groups.
pub(super) enum Groups {
    /// The space is spanned by the indicators of these disjoint groups.
    Partition(Vec<Vec<usize>>),
    /// The space has another shape, and only single factors are certain to be fine enough.
    Unclear,
}

/// Groups the monic factors of f modulo `y^order`; `rows[i]` is the coefficient of `x^i` in f, a polynomial in y.
/// `count` limits how many coefficients in x are compared.
pub(super) fn group<R: Ring>(
    ring: &R,
    field: &Word,
    rows: &[Vec<R::Elem>],
    factors: &[Series<R::Elem>],
    count: usize,
) -> Groups {
    let order = factors[0].len();
    let width = rows[0].len();
    let degree = rows.len() - 1;
    let count = count.min(degree);
    let sums: Vec<_> = factors.iter().map(|f| power_sums(ring, f, count, order)).collect();
    let mut equations = Vec::new();
    for j in 1..count {
        let columns: Vec<Vec<R::Elem>> = sums
            .iter()
            .map(|sums| {
                let mut value = Accumulator::new(ring, order);
                for (l, sum) in sums.iter().enumerate().take(j + 1) {
                    value.add_product(&rows[degree - j + l], sum);
                }
                value.finish()
            })
            .collect();
        for o in width..order {
            let row = columns.iter().map(|c| field.embed_small(ring.residue(&c[o], field.modulus())));
            equations.push(row.collect());
        }
    }
    let basis = kernel(field, equations, factors.len());
    let mut groups = vec![Vec::new(); basis.len()];
    for column in 0..factors.len() {
        let mut members = (0..basis.len()).filter(|b| basis[*b][column] != 0);
        match (members.next(), members.next()) {
            (Some(b), None) if basis[b][column] == field.one() => groups[b].push(column),
            _ => return Groups::Unclear,
        }
    }
    Groups::Partition(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_sums_are_sums_of_powers_of_roots() {
        let field = Word::new(10_007).unwrap();
        let number = |x: i64| field.embed(&x.into());
        let row = |cells: &[i64]| cells.iter().map(|&x| number(x)).collect::<Vec<u64>>();
        // Roots 2 and 5.
        let sums = power_sums(&field, &vec![row(&[10, -7, 1])], 5, 1);
        assert_eq!(sums, [2, 7, 29, 133, 641].map(|x| vec![number(x)]));
        // Roots 1 + 3y and −2y: their squares are 1 + 6y + 9y² and 4y², their cubes 1 + 9y + 27y² + … and ….
        let factor = vec![row(&[0, -1, 1]), row(&[-2, -1]), row(&[-6])];
        let sums = power_sums(&field, &factor, 4, 3);
        assert_eq!(sums, [[2, 0, 0], [1, 1, 0], [1, 6, 13], [1, 9, 27]].map(|sum| row(&sum)));
    }
}
