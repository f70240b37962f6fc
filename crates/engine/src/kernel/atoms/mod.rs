//! Single-channel kernels as polynomials in whole free kernels, never expanded.
//!
//! A free kernel used whole is one *atom* `A(z^m)`: the kernel with its dilation, flip and transposition.
//! A kernel is then a sum of products of atoms, each with a concrete kernel as coefficient. Equal forms are
//! equal kernels for all weights. The converse needs the atoms to be algebraically independent
//! (`docs/semantics.md`), so unequal forms are only a reason to look closer.

mod atom;
mod residues;

use std::collections::BTreeMap;

pub use atom::Atom;
use atom::{AtomWord, multiply};

use super::ConcreteKernel;
use super::KernelError;
use super::Shape;
use super::symbolic::SymbolicKernel;
use convproof_exact::budget;
use convproof_exact::{Limited, Monomial, Poly, Rational, Symbol};

/// A concrete kernel without zero border, and where its corner sits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Placed {
    top: usize,
    left: usize,
    kernel: ConcreteKernel,
}

impl Placed {
    fn new(top: usize, left: usize, kernel: &ConcreteKernel) -> Self {
        let (kernel, [above, before, _, _]) = kernel.trim();
        Self { top: top + above, left: left + before, kernel }
    }

    fn plus(&self, other: &Self) -> Result<Self, KernelError> {
        let (top, left) = (self.top.min(other.top), self.left.min(other.left));
        let reach = |p: &Self| (p.top + p.kernel.shape().height, p.left + p.kernel.shape().width);
        let (bottom, right) = (reach(self).0.max(reach(other).0), reach(self).1.max(reach(other).1));
        let grown =
            |p: &Self| p.kernel.pad(p.top - top, p.left - left, bottom - reach(p).0, right - reach(p).1);
        Ok(Self::new(top, left, &grown(self)?.add(&grown(other)?)?))
    }
}

/// A single-channel kernel `h × w` as a sum of products of atoms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AtomKernel {
    size: [usize; 2],
    terms: BTreeMap<AtomWord, Placed>,
}

/// Most terms a sum of products may have.
pub const MAX_ATOM_TERMS: usize = 4096;

impl AtomKernel {
    /// The free kernel whose entries are the symbols from `first` on.
    pub fn free(first: Symbol, size: [usize; 2]) -> Self {
        let mut form = Self { size, terms: BTreeMap::new() };
        form.terms.insert(vec![(Atom::new(first, size).normal(), 1)], Placed::new(0, 0, &one()));
        form
    }

    /// A concrete kernel; `None` if it has channels.
    pub fn concrete(kernel: &ConcreteKernel) -> Option<Self> {
        let shape = kernel.shape();
        if shape.outputs != 1 || shape.inputs != 1 {
            return None;
        }
        let mut terms = BTreeMap::new();
        if !kernel.is_zero() {
            terms.insert(AtomWord::new(), Placed::new(0, 0, kernel));
        }
        Some(Self { size: [shape.height, shape.width], terms })
    }

    /// A polynomial in whole scalars as a 1×1 kernel; `None` if it holds entries of larger kernels.
    pub fn scalar(value: &Poly) -> Option<Self> {
        let mut terms = BTreeMap::new();
        for (monomial, coefficient) in value.terms() {
            let word = monomial
                .factors()
                .iter()
                .map(|&(symbol, exponent)| {
                    symbol.is_scalar().then_some((Atom::new(symbol, [1, 1]), exponent))
                })
                .collect::<Option<AtomWord>>()?;
            let unit = one().scale(coefficient).ok()?;
            terms.insert(word, Placed::new(0, 0, &unit));
        }
        Some(Self { size: [1, 1], terms })
    }

    /// Bytes that were counted for its coefficients when they were made within a budget.
    pub fn memory(&self) -> u64 {
        self.terms.values().map(|placed| placed.kernel.memory()).sum()
    }

    /// Rows and columns.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// The kernel's shape, with one channel in and out.
    pub fn shape(&self) -> Shape {
        Shape::plane(self.size[0], self.size[1])
    }

    /// Whether the form has no terms; such a kernel is zero for all weights.
    pub fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    /// The kernel if no atom occurs in it.
    pub fn as_concrete(&self) -> Option<ConcreteKernel> {
        let [height, width] = self.size;
        match self.terms.iter().next() {
            None => ConcreteKernel::zeros(self.shape()).ok(),
            Some((word, placed)) if word.is_empty() && self.terms.len() == 1 => {
                let shape = placed.kernel.shape();
                let (below, after) = (height - placed.top - shape.height, width - placed.left - shape.width);
                placed.kernel.pad(placed.top, placed.left, below, after).ok()
            }
            Some(_) => None,
        }
    }

    fn insert(&mut self, word: AtomWord, placed: Placed) -> Result<(), KernelError> {
        if placed.kernel.is_zero() {
            return Ok(());
        }
        match self.terms.remove(&word) {
            None => {
                self.terms.insert(word, placed);
            }
            Some(before) => {
                let sum = before.plus(&placed)?;
                if !sum.kernel.is_zero() {
                    self.terms.insert(word, sum);
                }
            }
        }
        if self.terms.len().exceeds(MAX_ATOM_TERMS) {
            return Err(KernelError::TooManyTerms { limit: MAX_ATOM_TERMS });
        }
        Ok(())
    }

    /// Entry by entry sum of two kernels of one size.
    pub fn add(&self, other: &Self) -> Result<Self, KernelError> {
        if self.size != other.size {
            return Err(KernelError::ShapeMismatch { left: self.shape(), right: other.shape() });
        }
        let mut sum = self.clone();
        for (word, placed) in &other.terms {
            sum.insert(word.clone(), placed.clone())?;
        }
        Ok(sum)
    }

    /// Every entry times a rational.
    pub fn scale(&self, factor: &Rational) -> Result<Self, KernelError> {
        let mut scaled = Self { size: self.size, terms: BTreeMap::new() };
        for (word, placed) in &self.terms {
            let kernel = placed.kernel.scale(factor)?;
            scaled.insert(word.clone(), Placed { kernel, ..*placed })?;
        }
        Ok(scaled)
    }

    /// Full convolution with `other` dilated by `dilation`.
    pub fn convolve(&self, other: &Self, dilation: [usize; 2]) -> Result<Self, KernelError> {
        let size = super::rearrange::composed(self.size, other.size, dilation)?;
        let mut product = Self { size, terms: BTreeMap::new() };
        for (left, a) in &self.terms {
            for (right, b) in &other.terms {
                budget::spend_on(left.len() + right.len() + 4, 60);
                let right = right.iter().map(|&(atom, exponent)| Some((atom.dilated(dilation)?, exponent)));
                let right = right.collect::<Option<Vec<_>>>().ok_or(KernelError::TooLarge)?;
                let placed = Placed {
                    // Within the size, which fits.
                    top: a.top + b.top * dilation[0],
                    left: a.left + b.left * dilation[1],
                    kernel: a.kernel.convolve_dilated(&b.kernel, dilation)?,
                };
                product.insert(multiply(left, right).ok_or(KernelError::TooLarge)?, placed)?;
            }
        }
        Ok(product)
    }

    /// The quotient by a kernel of a single term, where every term of this one has one; concrete coefficients are
    /// divided by `divide`. `None` says nothing: a quotient may exist that is not found term by term.
    pub fn quotient(
        &self,
        divisor: &Self,
        divide: impl Fn(&ConcreteKernel, &ConcreteKernel) -> Option<ConcreteKernel>,
    ) -> Option<Self> {
        let (by, part) = divisor.terms.iter().next().filter(|_| divisor.terms.len() == 1)?;
        let size = [0, 1].map(|axis| self.size[axis].checked_sub(divisor.size[axis] - 1));
        let size = [size[0]?, size[1]?];
        let mut quotient = Self { size, terms: BTreeMap::new() };
        for (word, whole) in &self.terms {
            let word = multiply(word, by.iter().map(|&(atom, exponent)| (atom, -exponent)))?;
            let kernel = divide(&whole.kernel, &part.kernel)?;
            let placed = Placed {
                top: whole.top.checked_sub(part.top)?,
                left: whole.left.checked_sub(part.left)?,
                kernel,
            };
            let extent = extent_of(&word, &placed);
            if placed.top + extent[0] > size[0] || placed.left + extent[1] > size[1] {
                return None;
            }
            quotient.insert(word, placed).ok()?;
        }
        Some(quotient)
    }

    /// `n − 1` zeros between entries, per axis.
    pub fn dilate(&self, by: [usize; 2]) -> Result<Self, KernelError> {
        Self::scalar(&Poly::one()).expect("a constant").convolve(self, by)
    }

    /// Both axes reversed.
    pub fn flip(&self) -> Result<Self, KernelError> {
        let mut flipped = Self { size: self.size, terms: BTreeMap::new() };
        for (word, placed) in &self.terms {
            let extent = extent_of(word, placed);
            let placed = Placed {
                top: self.size[0] - placed.top - extent[0],
                left: self.size[1] - placed.left - extent[1],
                kernel: placed.kernel.flip(),
            };
            let word = multiply(&[], word.iter().map(|&(atom, e)| (atom.flipped(), e)));
            flipped.insert(word.ok_or(KernelError::TooLarge)?, placed)?;
        }
        Ok(flipped)
    }

    /// Rows and columns exchanged.
    pub fn transpose(&self) -> Result<Self, KernelError> {
        let mut transposed = Self { size: [self.size[1], self.size[0]], terms: BTreeMap::new() };
        for (word, placed) in &self.terms {
            let placed = Placed { top: placed.left, left: placed.top, kernel: placed.kernel.transpose() };
            let word = multiply(&[], word.iter().map(|&(atom, e)| (atom.transposed(), e)));
            transposed.insert(word.ok_or(KernelError::TooLarge)?, placed)?;
        }
        Ok(transposed)
    }

    /// Zeros added at the top, left, bottom and right.
    #[must_use]
    pub fn pad(&self, [top, left, bottom, right]: [usize; 4]) -> Self {
        let size = [self.size[0] + top + bottom, self.size[1] + left + right];
        let moved = |p: &Placed| Placed { top: p.top + top, left: p.left + left, kernel: p.kernel.clone() };
        Self { size, terms: self.terms.iter().map(|(word, placed)| (word.clone(), moved(placed))).collect() }
    }

    /// The kernel without the border rows and columns that are zero in every term, and how many were removed
    /// at the top, left, bottom and right. A single term is trimmed fully.
    #[must_use]
    pub fn trim(&self) -> (Self, [usize; 4]) {
        let boxes = self.terms.iter().map(|(word, placed)| {
            let extent = extent_of(word, placed);
            [
                placed.top,
                placed.left,
                self.size[0] - placed.top - extent[0],
                self.size[1] - placed.left - extent[1],
            ]
        });
        let Some(margin) = boxes.reduce(|a, b| [0, 1, 2, 3].map(|side| a[side].min(b[side]))) else {
            let rest = [0, 0, self.size[0] - 1, self.size[1] - 1];
            return (Self { size: [1, 1], terms: BTreeMap::new() }, rest);
        };
        let [top, left, bottom, right] = margin;
        let size = [self.size[0] - top - bottom, self.size[1] - left - right];
        let moved = |p: &Placed| Placed { top: p.top - top, left: p.left - left, kernel: p.kernel.clone() };
        let terms = self.terms.iter().map(|(word, placed)| (word.clone(), moved(placed))).collect();
        (Self { size, terms }, margin)
    }

    /// The highest total degree of a term in the free symbols, inverse powers counted as powers.
    pub fn degree(&self) -> u32 {
        let of = |word: &AtomWord| word.iter().map(|&(_, exponent)| u32::from(exponent.unsigned_abs())).sum();
        self.terms.keys().map(of).max().unwrap_or(0)
    }

    /// How many terms full expansion needs at most, saturating.
    pub fn expanded_terms(&self) -> usize {
        self.terms.iter().fold(0, |sum, (word, placed)| {
            let taps = word.iter().fold(
                placed.kernel.shape().height * placed.kernel.shape().width,
                |n, (atom, e)| {
                    (0..e.unsigned_abs()).fold(n, |n, _| n.saturating_mul(atom.size[0] * atom.size[1]))
                },
            );
            sum.saturating_add(taps)
        })
    }

    /// Every entry as a polynomial in the weights.
    pub fn expand(&self) -> Result<SymbolicKernel, KernelError> {
        let mut total: Option<SymbolicKernel> = None;
        for (word, placed) in &self.terms {
            let mut product = SymbolicKernel::from_concrete(&placed.kernel)?;
            for &(atom, exponent) in word {
                let factor = if exponent < 0 {
                    let inverse = Poly::term(Monomial::power(atom.first, exponent), Rational::from(1));
                    SymbolicKernel::new(Shape::plane(1, 1), vec![inverse])?
                } else {
                    let [height, width] = atom.taps();
                    let symbols = (0..height * width).map(|n| atom.symbol(n / width, n % width));
                    // What is one term so far is multiplied at once.
                    let begun = match product.entries() {
                        [only] if exponent == 1 && atom.dilation == [1, 1] => {
                            only.terms().first().filter(|_| only.terms().len() == 1)
                        }
                        _ => None,
                    };
                    let taps = match begun {
                        Some((monomial, factor)) => symbols
                            .map(|symbol| {
                                Poly::term(monomial.times(&Monomial::power(symbol, 1)), factor.clone())
                            })
                            .collect(),
                        None => symbols.map(Poly::symbol).collect(),
                    };
                    let taps = SymbolicKernel::new(Shape::plane(height, width), taps)?;
                    if begun.is_some() {
                        product = taps;
                        continue;
                    }
                    taps
                };
                for _ in 0..if exponent < 0 { 1 } else { exponent } {
                    product = product.convolve(&factor, atom.dilation)?;
                }
            }
            let shape = product.shape();
            let below = self.size[0] - placed.top - shape.height;
            let after = self.size[1] - placed.left - shape.width;
            let sides = [placed.top, placed.left, below, after];
            let product = if sides == [0; 4] { product } else { product.pad(sides)? };
            total = Some(match total {
                Some(total) => total.add(&product)?,
                None => product,
            });
        }
        total.map_or_else(|| SymbolicKernel::zeros(self.shape()), Ok)
    }

    /// The free kernels that occur, with their declared sizes, sorted.
    pub fn free_kernels(&self) -> Vec<(Symbol, [usize; 2])> {
        let mut all: Vec<_> = self.terms.keys().flatten().map(|(atom, _)| (atom.first, atom.size)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The kernel of the identity.
fn one() -> ConcreteKernel {
    ConcreteKernel::delta(1, 1, 0, 0).expect("one entry")
}

/// The extent of a term's product.
fn extent_of(word: &AtomWord, placed: &Placed) -> [usize; 2] {
    let shape = placed.kernel.shape();
    word.iter().fold([shape.height, shape.width], |size, (atom, exponent)| {
        let times = usize::from(exponent.unsigned_abs());
        [0, 1].map(|axis| size[axis] + times * (atom.extent()[axis] - 1))
    })
}

#[cfg(test)]
mod tests;
