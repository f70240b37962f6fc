//! One free kernel as it occurs whole, and products of such.

use std::collections::BTreeMap;

use convproof_exact::Symbol;

/// A free kernel as it occurs whole: dilated, flipped or transposed.
///
/// `size` is the shape as declared. Normal form: an axis of length 1 has dilation 1, and a 1×1 kernel is
/// neither flipped nor transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Atom {
    pub(super) first: Symbol,
    pub(super) size: [usize; 2],
    transposed: bool,
    flipped: bool,
    pub(super) dilation: [usize; 2],
}

impl Atom {
    /// The free kernel whose entries are the symbols from `first` on, row by row.
    pub fn new(first: Symbol, size: [usize; 2]) -> Self {
        Self { first, size, transposed: false, flipped: false, dilation: [1, 1] }
    }

    /// Rows and columns before dilation.
    pub(super) fn taps(&self) -> [usize; 2] {
        if self.transposed { [self.size[1], self.size[0]] } else { self.size }
    }

    /// Rows and columns, dilation included.
    pub(super) fn extent(&self) -> [usize; 2] {
        let taps = self.taps();
        [0, 1].map(|axis| (taps[axis] - 1) * self.dilation[axis] + 1)
    }

    /// The symbol at a tap (before dilation).
    pub(super) fn symbol(&self, row: usize, column: usize) -> Symbol {
        let taps = self.taps();
        let (row, column) =
            if self.flipped { (taps[0] - 1 - row, taps[1] - 1 - column) } else { (row, column) };
        let (row, column) = if self.transposed { (column, row) } else { (row, column) };
        let offset = u32::try_from(row * self.size[1] + column).expect("free kernels have few entries");
        Symbol(self.first.0 + offset)
    }

    pub(super) fn normal(mut self) -> Self {
        let taps = self.taps();
        for axis in 0..2 {
            if taps[axis] == 1 {
                self.dilation[axis] = 1;
            }
        }
        if self.size == [1, 1] {
            (self.transposed, self.flipped) = (false, false);
        }
        self
    }

    pub(super) fn dilated(self, by: [usize; 2]) -> Option<Self> {
        let dilation = [self.dilation[0].checked_mul(by[0])?, self.dilation[1].checked_mul(by[1])?];
        Some(Self { dilation, ..self }.normal())
    }

    pub(super) fn flipped(self) -> Self {
        Self { flipped: !self.flipped, ..self }.normal()
    }

    pub(super) fn transposed(self) -> Self {
        let dilation = [self.dilation[1], self.dilation[0]];
        Self { transposed: !self.transposed, dilation, ..self }.normal()
    }
}

/// A product of powers of atoms; exponents are negative only for 1×1 kernels.
pub(super) type AtomWord = Vec<(Atom, i16)>;

/// The product of two words, sorted, powers collected; `None` if an exponent is too large, or that of a kernel is negative.
pub(super) fn multiply(
    left: &[(Atom, i16)],
    right: impl IntoIterator<Item = (Atom, i16)>,
) -> Option<AtomWord> {
    let mut product: BTreeMap<Atom, i16> = left.iter().copied().collect();
    for (atom, exponent) in right {
        let sum = product.entry(atom).or_insert(0);
        *sum = sum.checked_add(exponent)?;
    }
    // A kernel times one with a negative exponent would multiply out and be no kernel all the same.
    let is_kernel = |(atom, exponent): (&Atom, &i16)| *exponent >= 0 || atom.size == [1, 1];
    product
        .iter()
        .all(is_kernel)
        .then(|| product.into_iter().filter(|&(_, exponent)| exponent != 0).collect())
}
