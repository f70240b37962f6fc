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

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_exact::SplitMix64;

    fn grid(random: &mut SplitMix64, (height, width): Size) -> Grid<f64> {
        Grid::from_fn(height, width, |_, _| random.below(9) as f64 - 4.0)
    }

    fn sizes() -> impl Iterator<Item = Size> {
        (1..4).flat_map(|height| (1..4).map(move |width| (height, width)))
    }

    /// `Σ_v a[v + lag] · b[v]`, entries outside being 0.
    fn correlation(a: &Grid<f64>, b: &Grid<f64>, lag: [isize; 2]) -> f64 {
        let mut sum = 0.0;
        for (i, row) in b.rows().enumerate() {
            for (j, y) in row.iter().enumerate() {
                let at = (i.checked_add_signed(lag[0]), j.checked_add_signed(lag[1]));
                if let (Some(i), Some(j)) = at
                    && i < a.height()
                    && j < a.width()
                {
                    sum += a.at(i, j) * y;
                }
            }
        }
        sum
    }

    #[test]
    fn convolution_correlates_with_the_half_turn() {
        let mut random = SplitMix64::new(1);
        for (first, second) in sizes().flat_map(|a| sizes().map(move |b| (a, b))) {
            let (a, b) = (grid(&mut random, first), grid(&mut random, second));
            let turned =
                Grid::from_fn(b.height(), b.width(), |i, j| *b.at(b.height() - 1 - i, b.width() - 1 - j));
            let product = convolve(&a, &b);
            assert_eq!((product.height(), product.width()), (first.0 + second.0 - 1, first.1 + second.1 - 1));
            for (i, row) in product.rows().enumerate() {
                for (j, cell) in row.iter().enumerate() {
                    let lag = [i.cast_signed() + 1, j.cast_signed() + 1];
                    let lag = [lag[0] - second.0.cast_signed(), lag[1] - second.1.cast_signed()];
                    assert_eq!(*cell, correlation(&a, &turned, lag));
                }
            }
            let mut sum = product.clone();
            add_convolution(&mut sum, &b, &a);
            assert_eq!(sum, product.map(|x| 2.0 * x));
        }
    }

    #[test]
    fn correlations_are_listed_row_by_row() {
        let mut random = SplitMix64::new(2);
        let mut table = vec![7.0];
        for (inner, more) in sizes().flat_map(|a| sizes().map(move |b| (a, b))) {
            let a = grid(&mut random, (inner.0 + more.0 - 1, inner.1 + more.1 - 1));
            let b = grid(&mut random, inner);
            correlate(&a, &b, &mut table);
            let lags = (0..more.0).flat_map(|i| (0..more.1).map(move |j| [i.cast_signed(), j.cast_signed()]));
            let expected: Vec<f64> = lags.map(|lag| correlation(&a, &b, lag)).collect();
            assert_eq!(table, expected);
        }
    }

    #[test]
    fn lags_begin_with_the_smallest() {
        let mut random = SplitMix64::new(3);
        let mut table = vec![7.0];
        for (kernel, other) in sizes().flat_map(|a| sizes().map(move |b| (a, b))) {
            let lags = |extent: usize, other: usize| 1 - other.cast_signed()..extent.cast_signed();
            let lags: Vec<[isize; 2]> =
                lags(kernel.0, other.0).flat_map(|i| lags(kernel.1, other.1).map(move |j| [i, j])).collect();
            for size in sizes() {
                let (first, second) = (grid(&mut random, size), grid(&mut random, (3, 2)));
                lag_table(&first, &second, (kernel, other), &mut table);
                let expected: Vec<f64> = lags.iter().map(|&lag| correlation(&second, &first, lag)).collect();
                assert_eq!(table, expected);
                if kernel == other {
                    // One array with itself is found by halves.
                    lag_table(&first, &first, (kernel, other), &mut table);
                    let expected: Vec<f64> =
                        lags.iter().map(|&lag| correlation(&first, &first, lag)).collect();
                    assert_eq!(table, expected);
                }
            }
        }
    }
}
