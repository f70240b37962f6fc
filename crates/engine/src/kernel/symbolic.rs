//! Kernels whose entries are expanded polynomials in the weights, channels included.

use super::ConcreteKernel;
use super::KernelError;
use super::Shape;
use convproof_exact::budget::{self, Held};
use convproof_exact::{Limited, Monomial, Poly, Rational, Sum, Symbol};

/// Most monomials all entries of an expanded kernel may hold together.
pub const MAX_TERMS: usize = 2_000_000;

/// An array `[out,in,h,w]` of polynomials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SymbolicKernel {
    shape: Shape,
    entries: Vec<Poly>,
    held: Held,
}

impl SymbolicKernel {
    /// Builds a kernel from its entries in the order `[out][in][row][column]`.
    pub fn new(shape: Shape, entries: Vec<Poly>) -> Result<Self, KernelError> {
        if shape.entries() != Some(entries.len()) {
            return Err(KernelError::EntryCount { expected: shape.validate()?, found: entries.len() });
        }
        Ok(Self::holding(shape, entries))
    }

    fn holding(shape: Shape, entries: Vec<Poly>) -> Self {
        let terms: usize = entries.iter().map(|entry| entry.terms().len()).sum();
        let bytes = size_of_val(entries.as_slice()) + terms * size_of::<(Monomial, Rational)>();
        budget::spend_on(entries.len() + terms, 10);
        Self { shape, entries, held: budget::hold(bytes, 1) }
    }

    /// All entries zero.
    pub fn zeros(shape: Shape) -> Result<Self, KernelError> {
        let count = shape.validate()?;
        Self::new(shape, vec![Poly::zero(); count])
    }

    /// The free kernel whose entries are the symbols from `first` on.
    pub fn free(first: Symbol, shape: Shape) -> Result<Self, KernelError> {
        let count = shape.validate()?;
        let end = u32::try_from(count).map_err(|_| KernelError::TooLarge)?;
        Self::new(shape, (0..end).map(|offset| Poly::symbol(Symbol(first.0 + offset))).collect())
    }

    /// A concrete kernel.
    pub fn from_concrete(kernel: &ConcreteKernel) -> Result<Self, KernelError> {
        Self::new(kernel.shape(), kernel.entries().map(Poly::constant).collect())
    }

    /// The concrete kernel, if no symbol occurs.
    pub fn as_concrete(&self) -> Option<ConcreteKernel> {
        let values = self.entries.iter().map(Poly::as_constant).collect::<Option<Vec<_>>>()?;
        ConcreteKernel::from_rationals(self.shape, &values).ok()
    }

    /// Bytes that were counted for it when it was made within a budget.
    pub fn memory(&self) -> u64 {
        self.held.bytes()
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The entries in the order `[out][in][row][column]`.
    pub fn entries(&self) -> &[Poly] {
        &self.entries
    }

    /// One entry.
    pub fn entry(&self, o: usize, c: usize, i: usize, j: usize) -> &Poly {
        &self.entries[self.index(o, c, i, j)]
    }

    fn index(&self, o: usize, c: usize, i: usize, j: usize) -> usize {
        ((o * self.shape.inputs + c) * self.shape.height + i) * self.shape.width + j
    }

    /// A kernel of another shape whose entries are picked from this one by position, zero where `None`.
    pub fn gather(
        &self,
        shape: Shape,
        from: impl Fn([usize; 4]) -> Option<[usize; 4]>,
    ) -> Result<Self, KernelError> {
        shape.validate()?;
        let entry = |at| from(at).map_or_else(Poly::zero, |[o, c, i, j]| self.entry(o, c, i, j).clone());
        Self::new(shape, positions(shape).map(entry).collect())
    }

    /// Entry by entry sum.
    pub fn add(&self, other: &Self) -> Result<Self, KernelError> {
        if self.shape != other.shape {
            return Err(KernelError::ShapeMismatch { left: self.shape, right: other.shape });
        }
        let entries = self.entries.iter().zip(&other.entries).map(|(a, b)| a + b).collect();
        Self::new(self.shape, entries)
    }

    /// Every entry times a polynomial.
    #[must_use]
    pub fn scale(&self, factor: &Poly) -> Self {
        Self::holding(self.shape, self.entries.iter().map(|entry| entry * factor).collect())
    }

    /// Composition "self first, then `next` dilated by `dilation`": full convolution in space, matrix product
    /// in channels.
    pub fn convolve(&self, next: &Self, dilation: [usize; 2]) -> Result<Self, KernelError> {
        let (a, b) = (self.shape, next.shape);
        if a.outputs != b.inputs {
            return Err(KernelError::ChannelMismatch { outputs: a.outputs, inputs: b.inputs });
        }
        let [height, width] = super::rearrange::composed([a.height, a.width], [b.height, b.width], dilation)?;
        let shape = Shape { outputs: b.outputs, inputs: a.inputs, height, width };
        let count = shape.validate()?;
        // A single entry multiplies all of the other kernel.
        match (self.entries.as_slice(), next.entries.as_slice()) {
            (_, [only]) => return self.multiplied(only),
            ([only], _) if dilation == [1, 1] => return next.multiplied(only),
            _ => {}
        }
        let _doing = budget::doing("composing kernels with free symbols");
        let _sums = budget::hold(count, size_of::<Sum>());
        let mut sums: Vec<Sum> = Vec::new();
        sums.resize_with(count, Sum::default);
        let mut total = 0_usize;
        for [o, m, p, q] in positions(b) {
            let tap = next.entry(o, m, p, q);
            if tap.is_zero() {
                continue;
            }
            budget::spend_on([a.inputs, a.area()], 3);
            for c in 0..a.inputs {
                for i in 0..a.height {
                    for j in 0..a.width {
                        let value = self.entry(m, c, i, j);
                        if value.is_zero() {
                            continue;
                        }
                        total = total.saturating_add(value.terms().len().saturating_mul(tap.terms().len()));
                        if total.exceeds(MAX_TERMS) {
                            return Err(KernelError::TooManyTerms { limit: MAX_TERMS });
                        }
                        let (row, column) = (i + p * dilation[0], j + q * dilation[1]);
                        let at = ((o * shape.inputs + c) * shape.height + row) * shape.width + column;
                        sums[at].add_product(value, tap);
                    }
                }
            }
        }
        Self::new(shape, sums.into_iter().map(Sum::finish).collect())
    }

    /// [`SymbolicKernel::scale`] within the limit of terms.
    fn multiplied(&self, factor: &Poly) -> Result<Self, KernelError> {
        let terms = self.entries.iter().map(|entry| entry.terms().len()).fold(0, usize::saturating_add);
        if terms.saturating_mul(factor.terms().len()).exceeds(MAX_TERMS) {
            return Err(KernelError::TooManyTerms { limit: MAX_TERMS });
        }
        Ok(self.scale(factor))
    }

    /// Both axes reversed.
    pub fn flip(&self) -> Result<Self, KernelError> {
        let Shape { height, width, .. } = self.shape;
        self.gather(self.shape, |[o, c, i, j]| Some([o, c, height - 1 - i, width - 1 - j]))
    }

    /// Rows and columns exchanged.
    pub fn transpose(&self) -> Result<Self, KernelError> {
        let shape = Shape { height: self.shape.width, width: self.shape.height, ..self.shape };
        self.gather(shape, |[o, c, i, j]| Some([o, c, j, i]))
    }

    /// Zeros added at the top, left, bottom and right.
    pub fn pad(&self, [top, left, bottom, right]: [usize; 4]) -> Result<Self, KernelError> {
        let Shape { height, width, .. } = self.shape;
        let shape = Shape { height: height + top + bottom, width: width + left + right, ..self.shape };
        self.gather(shape, |[o, c, i, j]| {
            let (row, column) = (i.checked_sub(top)?, j.checked_sub(left)?);
            (row < height && column < width).then_some([o, c, row, column])
        })
    }

    /// The kernel without its zero border rows and columns, and how many were removed at the top, left,
    /// bottom and right; a zero kernel becomes one zero. `None` if there is nothing to remove.
    pub fn trim(&self) -> Result<Option<(Self, [usize; 4])>, KernelError> {
        let Shape { height, width, .. } = self.shape;
        // The box of the entries that are not zero: first and last row, first and last column.
        let used = positions(self.shape).zip(&self.entries).filter(|(_, entry)| !entry.is_zero());
        let found = used.fold(None, |found: Option<[usize; 4]>, ([_, _, row, column], _)| {
            let [top, last_row, left, last_column] = found.unwrap_or([row, row, column, column]);
            Some([top.min(row), last_row.max(row), left.min(column), last_column.max(column)])
        });
        let Some([top, last_row, left, last_column]) = found else {
            let zero = Self::zeros(Shape { height: 1, width: 1, ..self.shape })?;
            return Ok(Some((zero, [0, 0, height - 1, width - 1])));
        };
        let shape = Shape { height: last_row - top + 1, width: last_column - left + 1, ..self.shape };
        if shape == self.shape {
            return Ok(None);
        }
        let trimmed = self.gather(shape, |[o, c, i, j]| Some([o, c, i + top, j + left]))?;
        Ok(Some((trimmed, [top, left, height - 1 - last_row, width - 1 - last_column])))
    }

    /// Each entry replaced by a function of it.
    #[must_use]
    pub fn map(&self, f: impl FnMut(&Poly) -> Poly) -> Self {
        Self::holding(self.shape, self.entries.iter().map(f).collect())
    }

    /// The sum of all entries.
    pub fn sum(&self) -> Poly {
        let mut sum = Sum::default();
        for (monomial, coefficient) in self.entries.iter().flat_map(Poly::terms) {
            sum.add(monomial.clone(), coefficient);
        }
        sum.finish()
    }

    /// The value for given weights; `None` where a weight that is divided by vanishes.
    pub fn evaluate(&self, value: &impl Fn(Symbol) -> Rational) -> Option<ConcreteKernel> {
        let entries = self.entries.iter().map(|entry| entry.evaluate(value)).collect::<Option<Vec<_>>>()?;
        ConcreteKernel::from_rationals(self.shape, &entries).ok()
    }
}

/// All positions `[out, in, row, column]` of a shape in storage order.
pub fn positions(shape: Shape) -> impl Iterator<Item = [usize; 4]> {
    (0..shape.outputs).flat_map(move |o| {
        (0..shape.inputs).flat_map(move |c| {
            (0..shape.height).flat_map(move |i| (0..shape.width).map(move |j| [o, c, i, j]))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use budget::Budget;

    #[test]
    fn all_of_a_zero_kernel_but_one_entry_is_border() {
        let zero = SymbolicKernel::zeros(Shape::plane(3, 5)).unwrap();
        let (trimmed, removed) = zero.trim().unwrap().unwrap();
        assert_eq!((trimmed.shape(), removed), (Shape::plane(1, 1), [0, 0, 2, 4]));
    }

    #[test]
    fn entries_and_terms_are_held_while_there_is_a_budget() {
        let kernel = || SymbolicKernel::free(Symbol(0), Shape::plane(3, 4)).unwrap();
        let bytes = Budget::default().run(|| kernel().memory()).unwrap();
        let term = size_of::<Poly>() + size_of::<(Monomial, Rational)>();
        assert_eq!(bytes, 12 * term as u64);
        let small = Budget { bytes: bytes - 1, ..Budget::default() };
        assert!(small.run(kernel).is_err());
    }
}
