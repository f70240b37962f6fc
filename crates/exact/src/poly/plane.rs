//! Dense polynomials in two variables over the integers, as grids: cell (i, j) is the coefficient of `x^i y^j`.
//!
//! Products and exact quotients go through machine words while they provably fit.

use super::integer;
use crate::Grid;
use crate::budget;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// The polynomial 1.
pub fn one() -> Grid<BigInt> {
    Grid::from_fn(1, 1, |_, _| BigInt::one())
}

/// The cells as machine words if all fit.
fn words(a: &Grid<BigInt>) -> Option<Vec<i64>> {
    a.cells().iter().map(ToPrimitive::to_i64).collect()
}

/// Bits of the sum of absolute values.
fn norm_bits(cells: &[i64]) -> u32 {
    let norm = cells.iter().map(|c| u128::from(c.unsigned_abs())).fold(0, u128::saturating_add);
    u128::BITS - norm.leading_zeros()
}

/// `a · b`; of shape `(h + h' − 1) × (w + w' − 1)`.
pub fn mul(a: &Grid<BigInt>, b: &Grid<BigInt>) -> Grid<BigInt> {
    if a.cells().is_empty() || b.cells().is_empty() {
        return Grid::from_fn(0, 0, |_, _| BigInt::zero());
    }
    let (height, width) = (a.height() + b.height() - 1, a.width() + b.width() - 1);
    budget::spend_on([a.cells().len(), b.cells().len()], 4);
    if let (Some(small_a), Some(small_b)) = (words(a), words(b))
        && norm_bits(&small_a) + norm_bits(&small_b) < 127
    {
        let mut product = vec![0i128; height * width];
        for (p, x) in small_a.iter().enumerate().filter(|(_, x)| **x != 0) {
            let start = p / a.width() * width + p % a.width();
            for (q, row) in small_b.chunks(b.width()).enumerate() {
                let from = start + q * width;
                for (cell, y) in product[from..from + row.len()].iter_mut().zip(row) {
                    *cell = cell.wrapping_add(i128::from(*x).wrapping_mul(i128::from(*y)));
                }
            }
        }
        return Grid::from_fn(height, width, |i, j| BigInt::from(product[i * width + j]));
    }
    budget::spend_on([a.cells().len(), b.cells().len()], 60);
    let mut product = Grid::from_fn(height, width, |_, _| BigInt::zero());
    for (i, row) in a.rows().enumerate() {
        for (j, x) in row.iter().enumerate().filter(|(_, x)| !x.is_zero()) {
            for (p, other) in b.rows().enumerate() {
                for (q, y) in other.iter().enumerate() {
                    *product.at_mut(i + p, j + q) += x * y;
                }
            }
        }
    }
    product
}

/// Position of the last nonzero cell in row-major order: the leading term for the order with x before y.
pub fn leading_position(a: &Grid<BigInt>) -> Option<(usize, usize)> {
    let last = a.cells().iter().rposition(|c| !c.is_zero())?;
    Some((last / a.width(), last % a.width()))
}

/// Integers that long division can compute with: machine words refuse to overflow.
trait Cell: Clone {
    fn is_nonzero(&self) -> bool;
    /// `self / divisor` if exact and representable.
    fn exact_quotient(&self, divisor: &Self) -> Option<Self>;
    /// `self − a · b`, if representable.
    fn minus_product(&self, a: &Self, b: &Self) -> Option<Self>;
}

impl Cell for i64 {
    fn is_nonzero(&self) -> bool {
        *self != 0
    }
    fn exact_quotient(&self, divisor: &Self) -> Option<Self> {
        let quotient = self.checked_div(*divisor)?;
        (quotient.wrapping_mul(*divisor) == *self).then_some(quotient)
    }
    fn minus_product(&self, a: &Self, b: &Self) -> Option<Self> {
        self.checked_sub(a.checked_mul(*b)?)
    }
}

impl Cell for BigInt {
    fn is_nonzero(&self) -> bool {
        !self.is_zero()
    }
    fn exact_quotient(&self, divisor: &Self) -> Option<Self> {
        let (quotient, rest) = self.div_rem(divisor);
        rest.is_zero().then_some(quotient)
    }
    fn minus_product(&self, a: &Self, b: &Self) -> Option<Self> {
        Some(self - a * b)
    }
}

/// Why a long division ended without a quotient.
enum NoQuotient {
    NotDivisible,
    Overflow,
}

/// Long division by the leading term, in place; the quotient has shape `(h − h' + 1) × (w − w' + 1)`.
fn long_division<T: Cell>(
    rest: &mut [T],
    width: usize,
    divisor: &[T],
    divisor_width: usize,
    zero: &T,
) -> Result<Vec<T>, NoQuotient> {
    let lead = divisor.iter().rposition(Cell::is_nonzero).ok_or(NoQuotient::NotDivisible)?;
    let (lead_row, lead_column) = (lead / divisor_width, lead % divisor_width);
    let rows = rest.len() / width + 1 - divisor.len() / divisor_width;
    let columns = width + 1 - divisor_width;
    let mut quotient = vec![zero.clone(); rows * columns];
    for position in (0..rest.len()).rev() {
        if !rest[position].is_nonzero() {
            continue;
        }
        let (row, column) = (position / width, position % width);
        if row < lead_row || column < lead_column {
            return Err(NoQuotient::NotDivisible);
        }
        let (i, j) = (row - lead_row, column - lead_column);
        if i >= rows || j >= columns {
            return Err(NoQuotient::NotDivisible);
        }
        budget::spend_on(divisor.len(), 30);
        let q = rest[position].exact_quotient(&divisor[lead]).ok_or(NoQuotient::NotDivisible)?;
        for (k, line) in divisor.chunks(divisor_width).take(lead_row + 1).enumerate() {
            let start = (i + k) * width + j;
            for (cell, d) in rest[start..start + divisor_width].iter_mut().zip(line) {
                *cell = cell.minus_product(&q, d).ok_or(NoQuotient::Overflow)?;
            }
        }
        quotient[i * columns + j] = q;
    }
    Ok(quotient)
}

/// `a / b` of shape `(h − h' + 1) × (w − w' + 1)`, if `b` is not zero, its shape is no larger, and there is such a
/// quotient with integer cells.
pub fn exact_div(a: &Grid<BigInt>, b: &Grid<BigInt>) -> Option<Grid<BigInt>> {
    let rows = (a.height() + 1).checked_sub(b.height()).filter(|n| *n > 0)?;
    let columns = (a.width() + 1).checked_sub(b.width()).filter(|n| *n > 0)?;
    if b.cells().is_empty() {
        return None;
    }
    if let (Some(mut rest), Some(divisor)) = (words(a), words(b)) {
        match long_division(&mut rest, a.width(), &divisor, b.width(), &0) {
            Ok(cells) => return Grid::new(rows, columns, cells.into_iter().map(BigInt::from).collect()),
            Err(NoQuotient::NotDivisible) => return None,
            Err(NoQuotient::Overflow) => {}
        }
    }
    let mut rest = a.cells().to_vec();
    let cells = long_division(&mut rest, a.width(), b.cells(), b.width(), &BigInt::zero()).ok()?;
    Grid::new(rows, columns, cells)
}

/// The grid with rows and columns exchanged: x and y exchanged.
pub fn transpose(a: &Grid<BigInt>) -> Grid<BigInt> {
    Grid::from_fn(a.width(), a.height(), |i, j| a.at(j, i).clone())
}

/// The grid without its zero border rows and columns, and how many were dropped at the top and left: the powers of
/// x and y. `None` for zero.
pub fn strip(a: &Grid<BigInt>) -> Option<(Grid<BigInt>, usize, usize)> {
    let (mut top, mut left, mut bottom, mut right) = (usize::MAX, usize::MAX, 0, 0);
    for (i, row) in a.rows().enumerate() {
        for (j, _) in row.iter().enumerate().filter(|(_, c)| !c.is_zero()) {
            top = top.min(i);
            bottom = i;
            left = left.min(j);
            right = right.max(j);
        }
    }
    if top == usize::MAX {
        return None;
    }
    let inner = Grid::from_fn(bottom - top + 1, right - left + 1, |i, j| a.at(top + i, left + j).clone());
    Some((inner, top, left))
}

/// Content with the sign of the leading cell, and the primitive part with a positive leading cell.
pub fn primitive(a: &Grid<BigInt>) -> (BigInt, Grid<BigInt>) {
    let mut content = integer::content(a.cells());
    if leading_position(a).is_some_and(|(i, j)| a.at(i, j).is_negative()) {
        content = -content;
    }
    if content.is_zero() || content.is_one() {
        return (content, a.clone());
    }
    let part = a.map(|c| c / &content);
    (content, part)
}

/// Row `i` as a polynomial in y.
pub fn row(a: &Grid<BigInt>, i: usize) -> Vec<BigInt> {
    let mut cells = a.cells()[i * a.width()..(i + 1) * a.width()].to_vec();
    integer::trim(&mut cells);
    cells
}

/// A polynomial in y alone as a grid of one row.
pub fn from_row(cells: &[BigInt]) -> Grid<BigInt> {
    let width = cells.len();
    Grid::from_fn(1, width, |_, j| cells[j].clone())
}

/// The primitive greatest common divisor in `ℤ[y]` of all rows of a grid without zero borders; `None` as in
/// [`integer::gcd`].
pub fn content_in_y(a: &Grid<BigInt>) -> Option<Vec<BigInt>> {
    let rows: Vec<Vec<BigInt>> = (0..a.height()).rev().map(|i| row(a, i)).collect();
    let lines: Vec<&[BigInt]> = rows.iter().map(Vec::as_slice).collect();
    integer::gcd(&lines).map(|common| integer::primitive(&common))
}

/// The coefficients in `(−base/2, base/2]` of the polynomial with `value` at `base`.
fn digits(mut value: BigInt, base: &BigInt) -> Vec<BigInt> {
    let half = base >> 1u32;
    let mut cells = Vec::new();
    while !value.is_zero() {
        let (mut quotient, mut digit) = value.div_mod_floor(base);
        if digit > half {
            digit -= base;
            quotient += 1u32;
        }
        cells.push(digit);
        value = quotient;
    }
    cells
}

/// Evaluation points tried by [`gcd`].
const GCD_POINTS: usize = 6;

/// The primitive greatest common divisor of two primitive grids without zero borders; `None` if the heuristic gives up.
///
/// Evaluates y at a large integer and reads the result off its digits (Char, Geddes and Gonnet 1989, "GCDHEU"). The
/// result divides both and, by their theorem, is the greatest such.
pub fn gcd(a: &Grid<BigInt>, b: &Grid<BigInt>) -> Option<Grid<BigInt>> {
    let height = integer::height(a.cells()).min(integer::height(b.cells()));
    let mut next = height * 2u32 + 29u32;
    for _ in 0..GCD_POINTS {
        let point = next;
        next = &point * 73_794u32 / 27_011u32;
        let image = |grid: &Grid<BigInt>| {
            let mut cells = grid.rows().map(|row| integer::evaluate(row, &point)).collect();
            integer::trim(&mut cells);
            cells
        };
        let Some(common) = integer::gcd(&[&image(a), &image(b)]) else { continue };
        let rows: Vec<Vec<BigInt>> = common.into_iter().map(|c| digits(c, &point)).collect();
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        let grid = Grid::from_fn(rows.len(), width, |i, j| rows[i].get(j).cloned().unwrap_or_default());
        let (_, candidate) = primitive(&grid);
        if exact_div(a, &candidate).is_some() && exact_div(b, &candidate).is_some() {
            return Some(candidate);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid(limit: i128) -> impl Strategy<Value = Grid<BigInt>> {
        (1usize..6, 1usize..6).prop_flat_map(move |(h, w)| {
            prop::collection::vec(-limit..=limit, h * w).prop_map(move |cells| {
                Grid::new(h, w, cells.into_iter().map(BigInt::from).collect()).unwrap()
            })
        })
    }

    proptest! {
        #[test]
        fn products_divide_exactly(a in grid(1 << 110), b in grid(9), c in grid(9)) {
            prop_assume!(leading_position(&b).is_some());
            prop_assert_eq!(exact_div(&mul(&a, &b), &b), Some(a));
            prop_assert_eq!(exact_div(&mul(&c, &b), &b), Some(c));
        }

        #[test]
        fn word_and_big_products_agree(a in grid(1 << 60), b in grid(1 << 60)) {
            let scale = BigInt::one() << 64u32;
            let big = mul(&a.map(|c| c * &scale), &b);
            prop_assert_eq!(big, mul(&a, &b).map(|c| c * &scale));
        }

        #[test]
        fn a_changed_product_does_not_divide(a in grid(9), b in grid(9), at: prop::sample::Index) {
            let mut product = mul(&a, &b);
            prop_assume!(b.cells().iter().filter(|c| !c.is_zero()).count() > 1);
            let at = at.index(product.cells().len());
            product.cells_mut()[at] += 1;
            prop_assert_eq!(exact_div(&product, &b), None);
        }

        #[test]
        fn gcd_of_multiples(a in grid(9), b in grid(9), g in grid(1 << 66)) {
            let strip = |a: &Grid<BigInt>| strip(a).map(|(inner, ..)| primitive(&inner).1);
            let (Some(a), Some(b), Some(g)) = (strip(&a), strip(&b), strip(&g)) else { return Ok(()) };
            let common = gcd(&mul(&a, &g), &mul(&b, &g)).unwrap();
            let rest = exact_div(&common, &g).unwrap();
            prop_assert_eq!(rest, gcd(&a, &b).unwrap());
        }
    }
}
