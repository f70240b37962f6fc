//! Kernels as matrices for each tap, read from their expressions and never expanded in channels.
//!
//! A free kernel with channels is a matrix *letter* for each tap. A vector, or a kernel with one entry for each channel,
//! is a *diagonal*: a Laurent polynomial for a generic channel, in *generic* symbols that stand for the entry of
//! whichever channel it is. Scalars and taps of kernels with one channel commute with everything. A kernel given in
//! numbers is a multiple of the identity, a generic symbol, or an opaque letter for each tap, by its contents.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::Unsupported;
use super::blocks::Block;
use super::generic::{Summand, Weight, generic, is_generic, made, split};
use super::numbered::Numbered;
use crate::axes::{self, AXES, Axes, positions};
use crate::ir::{KernelExpr, Roots};
use crate::kernel::{ConcreteKernel, Shape, tap};
use convproof_exact::{Limited, Monomial, Poly, Rational, Symbol};

/// Most taps of one kernel with channels, and of kernels whose products are multiplied out.
const MAX_TAPS: usize = 1 << 12;

/// A matrix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Letter {
    /// A tap of a free kernel, or a part of it.
    Free {
        /// Symbol of the kernel's first entry.
        first: Symbol,
        /// The kernel's shape.
        shape: Shape,
        /// Which tap, in storage order.
        tap: usize,
        /// Which rows and columns of the matrix.
        blocks: [Block; 2],
        /// Whether the kernel's inputs are the rows, as a transposed convolution applies it.
        crossed: bool,
    },
    /// A matrix of numbers.
    Concrete(Arc<ConcreteKernel>),
}

impl Letter {
    /// The symbol of entry `[output, input]`, counted from the start of its blocks; `None` of a matrix of numbers.
    pub fn symbol(&self, output: usize, input: usize) -> Option<Symbol> {
        let Self::Free { first, shape, tap, blocks: [rows, columns], crossed } = self else { return None };
        let (row, column) = (rows.at(output), columns.at(input));
        let (output, input) = if *crossed { (column, row) } else { (row, column) };
        let offset = (output * shape.inputs + input) * shape.area() + tap;
        Some(Symbol(first.0.checked_add(u32::try_from(offset).ok()?)?))
    }

    /// Channels out and in.
    pub fn channels(&self) -> [usize; 2] {
        match self {
            Self::Free { blocks, .. } => blocks.map(|block| block.width),
            Self::Concrete(kernel) => [kernel.shape().outputs, kernel.shape().inputs],
        }
    }
}

/// Which entries of an array are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The entry of a generic channel of a block: of a vector, or of a kernel with one entry for each channel.
    generic: Option<Block>,
    /// Where the tap is.
    tap: Axes<usize>,
}

impl Place {
    /// The only entry of a scalar.
    pub const SCALAR: Self = Self { generic: None, tap: [0; AXES] };

    /// The entry of a vector for a generic channel of a block.
    pub fn channel(block: Block) -> Self {
        Self { generic: Some(block), tap: [0; AXES] }
    }

    /// A tap of a kernel with one channel in and out, or for a generic channel of a block of one that links each channel
    /// with itself.
    pub fn tap(tap: Axes<usize>, generic: Option<Block>) -> Self {
        Self { generic, tap }
    }
}

/// The letters and symbols of one comparison.
#[derive(Debug, Default)]
pub struct Letters {
    letters: Numbered<Letter>,
    /// Those of the claim, and those of entries of generic channels.
    roots: Roots,
    vectors: FxHashMap<Arc<ConcreteKernel>, Symbol>,
    made: u32,
    /// Whether entries of a kernel may be in letters of another shape as well.
    regrouped: bool,
}

impl Letters {
    /// Letters of kernels in which these square roots stand.
    pub fn new(roots: Roots) -> Self {
        Self { roots, ..Self::default() }
    }

    /// The square roots that stand in weights.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// A letter by its number.
    pub fn letter(&self, number: u32) -> &Letter {
        self.letters.get(number)
    }

    /// Makes known that the entries of a kernel become letters in another shape than its own, so that letters need not be
    /// independent.
    pub fn regroup(&mut self) {
        self.regrouped = true;
    }

    /// Whether different sums of words are different functions for some weights, for words of up to `longest` matrices
    /// in which these symbols occur (Theorem 6b of `docs/semantics.md`).
    pub fn tell_apart(&self, longest: usize, used: &FxHashSet<Symbol>) -> bool {
        if self.regrouped {
            return false;
        }
        let free = |letter: &Letter| {
            matches!(letter, Letter::Free { .. }) && letter.channels().iter().all(|&count| count > longest)
        };
        // A matrix and its transpose are not independent.
        let firsts = |wanted: bool| -> FxHashSet<Symbol> {
            let first = |letter: &Letter| match letter {
                Letter::Free { first, crossed, .. } if *crossed == wanted => Some(*first),
                _ => None,
            };
            self.letters.all().iter().filter_map(first).collect()
        };
        if !firsts(true).is_disjoint(&firsts(false)) {
            return false;
        }
        let mut seen = FxHashSet::default();
        // A root of c·v + number with a symbol v of its own is as free as v.
        let mut apart = |radicand: &Poly| {
            let [only] = radicand.symbols()[..] else { return false };
            let linear = radicand.terms().iter().all(|(m, _)| m.is_one() || m.exponent(only) == 1);
            linear && !used.contains(&only) && seen.insert(only)
        };
        let mut roots = used.iter().filter_map(|&symbol| self.roots.get(symbol));
        self.vectors.is_empty()
            && self.letters.all().iter().all(free)
            && roots.all(|root| apart(&root.radicand))
    }

    /// The weights of all taps of a free kernel or of one in numbers, in storage order, zeros left out, from a block of its input
    /// channels to one of its output channels.
    ///
    /// # Errors
    /// [`Unsupported`] for what must be taken apart first.
    pub fn taps(
        &mut self,
        expr: &KernelExpr,
        shape: Shape,
        blocks: [Block; 2],
        crossed: bool,
    ) -> Result<Vec<(Axes<usize>, Weight)>, Unsupported> {
        if shape.area().exceeds(MAX_TAPS) {
            return Err(Unsupported::TooLarge);
        }
        let mut all = Vec::new();
        for at in positions(shape.extents()) {
            let weight = match expr {
                _ if shape.outputs == 1 && shape.inputs == 1 => {
                    split(&self.entry(expr, Place::tap(at, None))?)
                }
                KernelExpr::Free { first, shape } => {
                    let tap = axes::place(at, shape.extents());
                    let letter = self.letters.number(Letter::Free {
                        first: *first,
                        shape: *shape,
                        tap,
                        blocks,
                        crossed,
                    })?;
                    vec![one(Some(letter))]
                }
                KernelExpr::Constant(kernel) => self.concrete_tap(kernel, at, blocks, crossed)?,
                _ => return Err(Unsupported::Kernel),
            };
            if !weight.is_empty() {
                all.push((at, weight));
            }
        }
        Ok(all)
    }

    fn concrete_tap(
        &mut self,
        kernel: &ConcreteKernel,
        at: Axes<usize>,
        [rows, columns]: [Block; 2],
        crossed: bool,
    ) -> Result<Weight, Unsupported> {
        let turned = |[row, column]: [usize; 2]| if crossed { [column, row] } else { [row, column] };
        if rows.width == columns.width
            && [rows.step, columns.step] == [1, 1]
            && let Some(factor) = kernel.identity_factor(at, turned([rows.start, columns.start]), rows.width)
        {
            return Ok(split(&Poly::constant(factor)));
        }
        let shape = Shape::new(rows.width, columns.width, 1, 1);
        let matrix = kernel
            .gather(shape, |[o, c, ..]| {
                let [output, input] = turned([rows.at(o), columns.at(c)]);
                Some(tap(output, input, at))
            })
            .map_err(|_| Unsupported::TooLarge)?;
        if matrix.is_zero() {
            return Ok(Weight::new());
        }
        if rows.width == columns.width
            && let Some(factor) = matrix.identity_factor([0; AXES], [0, 0], rows.width)
        {
            return Ok(split(&Poly::constant(factor)));
        }
        Ok(vec![one(Some(self.letters.number(Letter::Concrete(Arc::new(matrix)))?))])
    }

    /// One entry, for a generic channel where the place says so.
    ///
    /// # Errors
    /// [`Unsupported`] where entries are not alike for all channels, and for kernels with channels.
    pub fn entry(&mut self, expr: &KernelExpr, place: Place) -> Result<Poly, Unsupported> {
        use KernelExpr as E;
        Ok(match expr {
            E::Constant(kernel) => self.constant(kernel, place)?,
            E::Free { first, shape } => {
                let offset = offset(*shape, place)?;
                let symbol = first.0.checked_add(offset).ok_or(Unsupported::TooLarge)?;
                let alike = place.generic.is_none() || shape.entries() == Some(1);
                Poly::symbol(if alike { Symbol(symbol) } else { generic(Symbol(symbol)) })
            }
            E::Add(a, b) => &self.entry(a, place)? + &self.entry(b, place)?,
            E::Sub(a, b) => &self.entry(a, place)? - &self.entry(b, place)?,
            E::Negate(a) => -&self.entry(a, place)?,
            E::Hadamard(a, b) => &self.entry(a, place)? * &self.entry(b, place)?,
            E::Divide(a, b) => {
                let at = if b.shape().is_scalar() { Place::SCALAR } else { place };
                let divisor = self.entry(b, at)?;
                &self.entry(a, place)? * &self.reciprocal(&divisor)?
            }
            E::Convolve(a, b) if a.shape().is_scalar() => {
                &self.entry(a, Place::SCALAR)? * &self.entry(b, place)?
            }
            E::Convolve(a, b) if b.shape().is_scalar() => {
                &self.entry(a, place)? * &self.entry(b, Place::SCALAR)?
            }
            E::Sqrt(a) => {
                let radicand = self.entry(a, place)?;
                self.root(&radicand)?
            }
            E::Reshape(a, shape) if place.generic.is_some() => {
                // Entries keep their order; only of kernels that are as large is a channel still a channel.
                let (old, vector) = (a.shape(), [a.shape(), *shape].map(|shape| shape.is_vector()));
                if old.area() != shape.area()
                    && !(vector[0] && shape.area() == 1)
                    && !(vector[1] && old.area() == 1)
                {
                    return Err(Unsupported::Kernel);
                }
                let [_, _, tap @ ..] = old.entry(axes::place(place.tap, shape.extents()));
                let tap = if vector[0] { [0; AXES] } else { tap };
                self.entry(a, Place { tap, ..place })?
            }
            E::ScaleOutputs(kernel, vector) => {
                let block = place.generic.ok_or(Unsupported::Kernel)?;
                &self.entry(kernel, place)? * &self.entry(vector, Place::channel(block))?
            }
            E::Array { shape, entries } if place.generic.is_none() && shape.is_plane() => {
                let at = axes::place(place.tap, shape.extents());
                self.entry(entries.get(at).ok_or(Unsupported::Kernel)?, Place::SCALAR)?
            }
            _ => return Err(Unsupported::Kernel),
        })
    }

    fn constant(&mut self, kernel: &Arc<ConcreteKernel>, place: Place) -> Result<Poly, Unsupported> {
        let shape = kernel.shape();
        let Some(block) = place.generic.filter(|_| shape.entries() != Some(1)) else {
            if shape.outputs != 1 || shape.inputs != 1 {
                return Err(Unsupported::Kernel);
            }
            let [o, c, i, j] = tap(0, 0, place.tap);
            return Ok(Poly::constant(kernel.entry(o, c, i, j)));
        };
        let row = Shape::plane(1, block.width);
        let channel = if shape.is_vector() {
            kernel.gather(row, |[.., n]| Some(shape.entry(block.at(n))))
        } else {
            kernel.gather(row, |[.., n]| Some(tap(block.at(n), 0, place.tap)))
        };
        let vector = channel.map_err(|_| Unsupported::TooLarge)?;
        let first = vector.entry(0, 0, 0, 0);
        let equal = ConcreteKernel::ones(vector.shape()).and_then(|ones| ones.scale(&first));
        if equal.is_ok_and(|equal| equal == vector) {
            return Ok(Poly::constant(first));
        }
        let vector = Arc::new(vector);
        if let Some(&symbol) = self.vectors.get(&vector) {
            return Ok(Poly::symbol(symbol));
        }
        self.made += 1;
        let symbol = made(self.made, true);
        self.vectors.insert(vector, symbol);
        Ok(Poly::symbol(symbol))
    }

    /// The square root of a polynomial.
    fn root(&mut self, radicand: &Poly) -> Result<Poly, Unsupported> {
        let of_generic = radicand.symbols().into_iter().any(is_generic);
        let Self { roots, made: count, .. } = self;
        let mut next = || {
            *count += 1;
            Some(made(*count, of_generic))
        };
        roots.root(radicand, &mut next).ok_or(Unsupported::Kernel)
    }

    /// One divided by a single term, or by what is the square of a root.
    fn reciprocal(&self, divisor: &Poly) -> Result<Poly, Unsupported> {
        if let Some(root) = self.roots.with_radicand(divisor) {
            return Ok(Poly::term(Monomial::power(root, -2), Rational::ONE));
        }
        divisor.reciprocal().ok_or(Unsupported::Kernel)
    }

    /// One divided by a scalar.
    ///
    /// # Errors
    /// [`Unsupported`] if that is no Laurent polynomial.
    pub fn inverse(&mut self, scalar: &KernelExpr) -> Result<Poly, Unsupported> {
        let value = self.entry(scalar, Place::SCALAR)?;
        self.reciprocal(&value)
    }
}

/// A matrix, or the identity, as a factor.
fn one(letter: Option<u32>) -> Summand {
    Summand { coefficient: Rational::ONE, scalars: Monomial::one(), diagonal: Monomial::one(), letter }
}

/// The offset of the symbol of an entry, that of channel 0 for a generic channel.
fn offset(shape: Shape, place: Place) -> Result<u32, Unsupported> {
    let tap = axes::place(place.tap, shape.extents());
    let offset = if let Some(block) = place.generic {
        if shape.is_scalar() {
            0
        } else if shape.is_vector() {
            block.start
        } else if shape.inputs == 1 {
            block.start * shape.area() + tap
        } else {
            return Err(Unsupported::Kernel);
        }
    } else if shape.outputs == 1 && shape.inputs == 1 {
        tap
    } else {
        return Err(Unsupported::Kernel);
    };
    u32::try_from(offset).map_err(|_| Unsupported::TooLarge)
}

#[cfg(test)]
mod tests;
