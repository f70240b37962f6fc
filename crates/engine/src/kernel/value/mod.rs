//! A kernel in the cheapest exact form that holds it: concrete, a polynomial in whole free kernels, or
//! expanded entry by entry. Operations move to the next form only when they must.

mod product;
mod rearrange;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::ConcreteKernel;
use super::KernelError;
use super::Shape;
use super::atoms::AtomKernel;
use super::later::{Later, SMALL, joined, later};
use super::symbolic::{MAX_TERMS, SymbolicKernel, positions};
use convproof_exact::{Fp, Limited, Poly, Rational, Symbol};

/// An exact kernel `[out,in,h,w]`, free symbols included.
#[derive(Clone, Debug)]
pub enum Kernel {
    /// No free symbols.
    Concrete(Arc<ConcreteKernel>),
    /// One channel, free kernels used whole.
    Atoms(Arc<AtomKernel>),
    /// Anything else, expanded.
    Symbolic(Arc<SymbolicKernel>),
    /// Many channels and free symbols: one of the others, once somebody asks.
    Later(Arc<Later>),
}

impl PartialEq for Kernel {
    /// Equal forms; of kernels that are too large to be made, only the very same are equal.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Concrete(a), Self::Concrete(b)) => a == b,
            (Self::Atoms(a), Self::Atoms(b)) => a == b,
            (Self::Symbolic(a), Self::Symbolic(b)) => a == b,
            (Self::Later(a), Self::Later(b)) if Arc::ptr_eq(a, b) => true,
            (Self::Later(later), known) | (known, Self::Later(later)) => {
                later.shape() == known.shape() && later.get().is_ok_and(|made| made == known)
            }
            _ => false,
        }
    }
}

impl Eq for Kernel {}

impl Hash for Kernel {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Concrete(kernel) => kernel.hash(state),
            Self::Atoms(kernel) => kernel.hash(state),
            // Symbolic kernels and those that are made later may be equal.
            Self::Symbolic(_) | Self::Later(_) => self.shape().hash(state),
        }
    }
}

/// Two kernels in one form.
enum Pair<'a> {
    Concrete(&'a ConcreteKernel, &'a ConcreteKernel),
    Atoms(Arc<AtomKernel>, Arc<AtomKernel>),
    Symbolic(Arc<SymbolicKernel>, Arc<SymbolicKernel>),
}

impl From<ConcreteKernel> for Kernel {
    fn from(kernel: ConcreteKernel) -> Self {
        Self::Concrete(Arc::new(kernel))
    }
}

impl From<AtomKernel> for Kernel {
    fn from(kernel: AtomKernel) -> Self {
        kernel.as_concrete().map_or_else(|| Self::Atoms(Arc::new(kernel)), Self::from)
    }
}

impl From<SymbolicKernel> for Kernel {
    fn from(kernel: SymbolicKernel) -> Self {
        kernel.as_concrete().map_or_else(|| Self::Symbolic(Arc::new(kernel)), Self::from)
    }
}

/// Whether kernels of a shape have many entries.
fn has_many(shape: Shape) -> bool {
    shape.entries().is_none_or(|count| count.exceeds(SMALL))
}

impl Kernel {
    /// The free kernel whose entries are the symbols from `first` on.
    pub fn free(first: Symbol, shape: Shape) -> Result<Self, KernelError> {
        Ok(if shape.outputs == 1 && shape.inputs == 1 {
            AtomKernel::free(first, [shape.height, shape.width]).into()
        } else {
            let count = u32::try_from(shape.validate()?).map_err(|_| KernelError::TooLarge)?;
            if (count as usize).exceeds(SMALL) {
                return Ok(Self::Later(Arc::new(Later::free(first, count, shape))));
            }
            return Self::expanded_free(first, shape);
        })
    }

    /// The free kernel whose entries are the symbols from `first` on, entry by entry.
    pub(super) fn expanded_free(first: Symbol, shape: Shape) -> Result<Self, KernelError> {
        if shape.entries().is_none_or(|count| count.exceeds(MAX_TERMS)) {
            return Err(KernelError::TooManyTerms { limit: MAX_TERMS });
        }
        Ok(SymbolicKernel::free(first, shape)?.into())
    }

    /// A bound on the total degree of entries in the free symbols; exact for kernels that are not made later.
    pub fn degree(&self) -> u32 {
        match self {
            Self::Concrete(_) => 0,
            Self::Atoms(kernel) => kernel.degree(),
            Self::Symbolic(kernel) => kernel.entries().iter().map(Poly::degree).max().unwrap_or(0),
            Self::Later(later) => later.degree(),
        }
    }

    /// A kernel of which only the shape is known, and what kernels it is made from: looking at its entries fails.
    pub fn unwritten(shape: Shape, from: &[&Self]) -> Self {
        let degree = from.iter().fold(0, |sum: u32, kernel| sum.saturating_add(kernel.degree()));
        later(shape, degree, from, |_| Err(KernelError::TooLarge))
    }

    /// The kernel itself, made now if it is made later.
    fn made(&self) -> Result<&Self, KernelError> {
        if let Self::Later(later) = self { later.get() } else { Ok(self) }
    }

    /// What a change of shape makes of it, later.
    fn changed(
        &self,
        shape: Shape,
        change: impl Fn(&Self) -> Result<Self, KernelError> + Send + Sync + 'static,
    ) -> Self {
        later(shape, self.degree(), &[self], move |from| change(from[0].made()?))
    }

    /// Output or input channels times the entries of a vector.
    pub fn scale_channels(&self, factors: &Self, outputs: bool) -> Result<Self, KernelError> {
        // An identity of many channels times free factors is not written out either.
        if self.is_long() || self.has_many() && factors.as_concrete().is_none() {
            let degree = self.degree().saturating_add(factors.degree());
            let make = move |from: &[Self]| from[0].made()?.scaled_channels(&from[1], outputs);
            return Ok(later(self.shape(), degree, &[self, factors], make));
        }
        self.scaled_channels(factors, outputs)
    }

    /// The same, now.
    fn scaled_channels(&self, factors: &Self, outputs: bool) -> Result<Self, KernelError> {
        if let (Self::Concrete(kernel), Some(factors)) = (self, factors.as_concrete()) {
            let channels = if outputs { kernel.shape().outputs } else { kernel.shape().inputs };
            let square = Shape::new(channels, channels, 1, 1);
            let diagonal = factors.gather(square, |[o, c, _, _]| (o == c).then_some([0, 0, 0, o]))?;
            let [first, next] = if outputs { [&**kernel, &diagonal] } else { [&diagonal, &**kernel] };
            return Ok(first.convolve_dilated(next, [1, 1])?.into());
        }
        let (kernel, factors) = (self.expand()?, factors.expand()?);
        let factor = |[o, c, _, _]: [usize; 4]| &factors.entries()[if outputs { o } else { c }];
        let entries = positions(self.shape()).zip(kernel.entries()).map(|(at, entry)| entry * factor(at));
        Self::from_entries(self.shape(), entries.collect())
    }

    /// Whether what is made of this kernel may have a shape.
    ///
    /// # Errors
    /// [`KernelError`] if not.
    pub fn allows(&self, shape: Shape) -> Result<(), KernelError> {
        if self.is_later() { shape.validate_unwritten() } else { shape.validate().map(|_| ()) }
    }

    /// Whether it is made later, as its entries are many.
    pub fn is_later(&self) -> bool {
        matches!(self, Self::Later(_))
    }

    /// A 1×1 kernel.
    pub fn scalar(value: &Poly) -> Self {
        AtomKernel::scalar(value).map_or_else(
            || SymbolicKernel::new(Shape::plane(1, 1), vec![value.clone()]).expect("one entry").into(),
            Self::from,
        )
    }

    /// A kernel from polynomials in the order `[out][in][row][column]`.
    pub fn from_entries(shape: Shape, entries: Vec<Poly>) -> Result<Self, KernelError> {
        if let [only] = entries.as_slice()
            && shape.entries() == Some(1)
        {
            return Ok(Self::scalar(only));
        }
        SymbolicKernel::new(shape, entries).map(Self::from)
    }

    /// The kernel of the identity on `channels` channels.
    pub fn identity(channels: usize) -> Result<Self, KernelError> {
        Ok(ConcreteKernel::identity(channels)?.into())
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        match self {
            Self::Concrete(kernel) => kernel.shape(),
            Self::Atoms(kernel) => kernel.shape(),
            Self::Symbolic(kernel) => kernel.shape(),
            Self::Later(later) => later.shape(),
        }
    }

    /// Bytes that were counted for it when it was made within a budget.
    pub fn memory(&self) -> u64 {
        match self {
            Self::Concrete(kernel) => kernel.memory(),
            Self::Atoms(kernel) => kernel.memory(),
            Self::Symbolic(kernel) => kernel.memory(),
            // Counted where it is made.
            Self::Later(_) => 0,
        }
    }

    /// The concrete kernel, if no free symbol occurs.
    pub fn as_concrete(&self) -> Option<&ConcreteKernel> {
        if let Self::Concrete(kernel) = self { Some(kernel) } else { None }
    }

    /// The only entry of a single-channel 1×1 kernel; `None` also where it has too many terms to be read.
    pub fn as_scalar(&self) -> Option<Poly> {
        (self.shape().entries() == Some(1)).then(|| self.expand().ok()?.entries().first().cloned()).flatten()
    }

    /// Whether the form is zero: then the kernel is zero for all weights.
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Concrete(kernel) => kernel.is_zero(),
            Self::Atoms(kernel) => kernel.is_zero(),
            Self::Symbolic(kernel) => kernel.entries().iter().all(Poly::is_zero),
            Self::Later(later) => later.get().is_ok_and(Self::is_zero),
        }
    }

    /// The kernel as a polynomial in whole free kernels, where it is one.
    pub fn as_atoms(&self) -> Option<Arc<AtomKernel>> {
        match self {
            Self::Concrete(kernel) => AtomKernel::concrete(kernel).map(Arc::new),
            Self::Atoms(kernel) => Some(kernel.clone()),
            Self::Symbolic(_) => None,
            Self::Later(later) => later.get().ok()?.as_atoms(),
        }
    }

    /// Every entry as a polynomial.
    pub fn expand(&self) -> Result<Arc<SymbolicKernel>, KernelError> {
        self.expand_within(MAX_TERMS)
    }

    /// The same, where products of whole kernels have no more terms than that, like ones not yet added.
    pub fn expand_within(&self, limit: usize) -> Result<Arc<SymbolicKernel>, KernelError> {
        Ok(match self {
            Self::Concrete(kernel)
                if kernel.integers().count_nonzero().exceeds(super::symbolic::MAX_TERMS) =>
            {
                return Err(KernelError::TooManyTerms { limit: super::symbolic::MAX_TERMS });
            }
            Self::Concrete(kernel) => Arc::new(SymbolicKernel::from_concrete(kernel)?),
            Self::Atoms(kernel) => {
                if kernel.expanded_terms() > limit {
                    return Err(KernelError::TooManyTerms { limit });
                }
                Arc::new(kernel.expand()?)
            }
            Self::Symbolic(kernel) => kernel.clone(),
            Self::Later(later) => return later.get()?.expand_within(limit),
        })
    }

    fn pair<'a>(&'a self, other: &'a Self) -> Result<Pair<'a>, KernelError> {
        if let (Self::Concrete(a), Self::Concrete(b)) = (self, other) {
            return Ok(Pair::Concrete(a, b));
        }
        if let (Some(a), Some(b)) = (self.as_atoms(), other.as_atoms()) {
            return Ok(Pair::Atoms(a, b));
        }
        Ok(Pair::Symbolic(self.expand()?, other.expand()?))
    }

    /// Entry by entry sum.
    pub fn add(&self, other: &Self) -> Result<Self, KernelError> {
        if (self.is_later() || other.is_later()) && self.shape() == other.shape() {
            let degree = self.degree().max(other.degree());
            return Ok(later(self.shape(), degree, &[self, other], |from| {
                from[0].made()?.add(from[1].made()?)
            }));
        }
        Ok(match self.pair(other)? {
            Pair::Concrete(a, b) => a.add(b)?.into(),
            Pair::Atoms(a, b) => a.add(&b)?.into(),
            Pair::Symbolic(a, b) => a.add(&b)?.into(),
        })
    }

    /// Entry by entry difference.
    pub fn sub(&self, other: &Self) -> Result<Self, KernelError> {
        self.add(&other.scale_rational(&Rational::from(-1))?)
    }

    /// Every entry times a rational.
    pub fn scale_rational(&self, factor: &Rational) -> Result<Self, KernelError> {
        if factor.is_one() {
            return Ok(self.clone());
        }
        Ok(match self {
            Self::Concrete(kernel) => kernel.scale(factor)?.into(),
            Self::Atoms(kernel) => kernel.scale(factor)?.into(),
            Self::Symbolic(kernel) => kernel.scale(&Poly::constant(factor.clone())).into(),
            Self::Later(_) => {
                let factor = factor.clone();
                self.changed(self.shape(), move |kernel| kernel.scale_rational(&factor))
            }
        })
    }

    /// Every entry times a polynomial.
    pub fn scale(&self, factor: &Poly) -> Result<Self, KernelError> {
        if let Some(constant) = factor.as_constant() {
            return self.scale_rational(&constant);
        }
        if self.is_later() {
            let degree = self.degree().saturating_add(factor.degree());
            let (by, symbols) = (factor.clone(), Self::scalar(factor));
            return Ok(later(self.shape(), degree, &[self, &symbols], move |from| {
                from[0].made()?.scale(&by)
            }));
        }
        if let (Some(kernel), Some(scalar)) = (self.as_atoms(), AtomKernel::scalar(factor)) {
            return Ok(kernel.convolve(&scalar, [1, 1])?.into());
        }
        let expanded = self.expand()?;
        let terms: usize = expanded.entries().iter().map(|entry| entry.terms().len()).sum();
        if terms.saturating_mul(factor.terms().len()).exceeds(MAX_TERMS) {
            return Err(KernelError::TooManyTerms { limit: MAX_TERMS });
        }
        Ok(expanded.scale(factor).into())
    }

    /// Whether its entries are not to be written out before somebody asks for them.
    fn is_long(&self) -> bool {
        self.is_later() || self.has_many() && !matches!(self, Self::Concrete(_))
    }

    /// Whether it has many entries.
    fn has_many(&self) -> bool {
        has_many(self.shape())
    }

    /// The sum of all entries.
    pub fn sum(&self) -> Result<Poly, KernelError> {
        Ok(self.expand()?.sum())
    }

    /// All entries modulo the prime in storage order, for given weights; `None` where a denominator vanishes.
    pub fn evaluate_mod(&self, value: &impl Fn(Symbol) -> Fp) -> Option<Vec<Fp>> {
        match self {
            Self::Concrete(kernel) => kernel.residues(),
            Self::Atoms(kernel) => Some(kernel.evaluate_mod(value)?.cells().to_vec()),
            Self::Symbolic(kernel) => {
                kernel.entries().iter().map(|entry| entry.evaluate_mod(value)).collect()
            }
            Self::Later(later) => later.get().ok()?.evaluate_mod(value),
        }
    }

    /// The symbols that may occur, as ranges: the first, and how many. Few where kernels are not written out.
    pub fn symbol_ranges(&self) -> Vec<(Symbol, u32)> {
        let count = |height: usize, width: usize| u32::try_from(height.saturating_mul(width)).ok();
        match self {
            Self::Concrete(_) => Vec::new(),
            Self::Atoms(kernel) => {
                let free = kernel.free_kernels().into_iter();
                free.filter_map(|(first, [height, width])| Some((first, count(height, width)?))).collect()
            }
            Self::Symbolic(_) => joined(self.symbols().into_iter().map(|symbol| (symbol, 1)).collect()),
            Self::Later(later) => later.ranges().to_vec(),
        }
    }

    /// All symbols that occur, sorted.
    pub fn symbols(&self) -> Vec<Symbol> {
        let mut all = Vec::new();
        if let Self::Symbolic(kernel) = self {
            kernel.entries().iter().flat_map(Poly::occurrences).for_each(|symbol| all.push(symbol));
        } else {
            for (first, count) in self.symbol_ranges() {
                all.extend((0..count).map(|n| Symbol(first.0 + n)));
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

#[cfg(test)]
mod tests;
