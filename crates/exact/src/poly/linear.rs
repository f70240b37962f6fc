//! Linear algebra over a prime field of word size.

use super::ring::{Ring, Word};
use crate::budget;

/// Reduced row echelon basis of the vectors annihilated by `rows` over a prime field.
pub fn kernel(field: &Word, rows: impl IntoIterator<Item = Vec<u64>>, columns: usize) -> Vec<Vec<u64>> {
    let echelon = row_reduce(field, rows, columns);
    let pivots: Vec<usize> = echelon.iter().filter_map(|row| row.iter().position(|c| *c != 0)).collect();
    let mut basis = Vec::new();
    for free in (0..columns).filter(|c| !pivots.contains(c)) {
        let mut vector = vec![0; columns];
        vector[free] = field.one();
        for (row, pivot) in echelon.iter().zip(&pivots) {
            vector[*pivot] = field.sub(&0, &row[free]);
        }
        basis.push(vector);
    }
    row_reduce(field, basis, columns)
}

/// Nonzero rows of the reduced row echelon form.
pub fn row_reduce(field: &Word, rows: impl IntoIterator<Item = Vec<u64>>, columns: usize) -> Vec<Vec<u64>> {
    let mut echelon: Vec<(usize, Vec<u64>)> = Vec::new();
    for mut row in rows {
        for (pivot, known) in &echelon {
            let c = row[*pivot];
            if c != 0 {
                subtract(field, &mut row, known, c);
            }
        }
        let Some(pivot) = row.iter().position(|c| *c != 0) else { continue };
        let Some(inverse) = field.inverse(&row[pivot]) else { continue };
        for c in &mut row {
            *c = field.mul(c, &inverse);
        }
        for (_, known) in &mut echelon {
            let c = known[pivot];
            if c != 0 {
                subtract(field, known, &row, c);
            }
        }
        echelon.push((pivot, row));
        if echelon.len() == columns {
            break;
        }
    }
    echelon.sort_by_key(|(pivot, _)| *pivot);
    echelon.into_iter().map(|(_, row)| row).collect()
}

fn subtract(field: &Word, row: &mut [u64], other: &[u64], c: u64) {
    budget::spend_on(row.len(), 3);
    for (x, y) in row.iter_mut().zip(other) {
        *x = field.sub(x, &field.mul(y, &c));
    }
}
