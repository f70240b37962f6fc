//! Convolutions and correlations of small kernels in floating point: the inner loops of the search.

#![allow(clippy::float_arithmetic, reason = "least squares proposes candidates in floating point")]

use convproof_exact::Grid;

/// Height and width.
type Size = (usize, usize);

/// The full convolution of two non-empty kernels.
pub fn convolve(a: &Grid<f64>, b: &Grid<f64>) -> Grid<f64> {
    let mut product = Grid::from_fn(a.height() + b.height() - 1, a.width() + b.width() - 1, |_, _| 0.0);
    add_convolution(&mut product, a, b);
    product
}

/// Adds the full convolution of `a` and `b` to `sum`, which has its shape.
pub fn add_convolution(sum: &mut Grid<f64>, a: &Grid<f64>, b: &Grid<f64>) {
    let width = sum.width();
    let cells = sum.cells_mut();
    for (i, row) in a.rows().enumerate() {
        for (j, x) in row.iter().enumerate() {
            for (k, other) in b.rows().enumerate() {
                let start = (i + k) * width + j;
                for (cell, y) in cells[start..start + other.len()].iter_mut().zip(other) {
                    *cell += x * y;
                }
            }
        }
    }
}

/// `table[d] = Σ_v a[v + d] · b[v]` for all d with `b` shifted inside `a`, row by row.
pub fn correlate(a: &Grid<f64>, b: &Grid<f64>, table: &mut Vec<f64>) {
    table.clear();
    for i in 0..=a.height() - b.height() {
        for j in 0..=a.width() - b.width() {
            let mut sum = 0.0;
            for (k, row) in b.rows().enumerate() {
                let start = (i + k) * a.width() + j;
                sum += a.cells()[start..start + row.len()].iter().zip(row).map(|(x, y)| x * y).sum::<f64>();
            }
            table.push(sum);
        }
    }
}

/// `table[a − b] = Σ_v first[v] · second[v + a − b]` for entries a of a kernel of the first shape and b of one of the second, the lags
/// row by row from the smallest.
pub fn lag_table(first: &Grid<f64>, second: &Grid<f64>, shapes: (Size, Size), table: &mut Vec<f64>) {
    table.clear();
    let (up, left) = (shapes.1.0 - 1, shapes.1.1 - 1);
    let (height, width) = (shapes.0.0 + up, shapes.0.1 + left);
    table.resize(height * width, 0.0);
    // Entry v of `first` and w of `second` meet at lag w − v. An autocorrelation is symmetric about lag 0.
    let symmetric = std::ptr::eq(first, second);
    for (i, row) in first.rows().enumerate() {
        let lines = (if symmetric { i } else { i.saturating_sub(up) }, (i + shapes.0.0).min(second.height()));
        for (j, x) in row.iter().enumerate() {
            let (start, end) = (j.saturating_sub(left), (j + shapes.0.1).min(second.width()));
            for k in lines.0..lines.1 {
                let lag = (k + up - i) * width + start + left - j;
                let others = &second.cells()[k * second.width() + start..k * second.width() + end];
                for (cell, y) in table[lag..lag + end - start].iter_mut().zip(others) {
                    *cell += x * y;
                }
            }
        }
    }
    if symmetric {
        for lag in 0..up * width {
            table[lag] = table[height * width - 1 - lag];
        }
    }
}
