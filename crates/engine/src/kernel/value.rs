//! A kernel in the cheapest exact form that holds it: concrete, a polynomial in whole free kernels, or
//! expanded entry by entry. Operations move to the next form only when they must.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::ConcreteKernel;
use super::KernelError;
use super::Shape;
use super::atoms::AtomKernel;
use super::later::{Later, SMALL, later};
use super::symbolic::{MAX_TERMS, SymbolicKernel, positions};
use convproof_exact::{Fp, Poly, Rational, Sum, Symbol};

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

impl Kernel {
    /// The free kernel whose entries are the symbols from `first` on.
    pub fn free(first: Symbol, shape: Shape) -> Result<Self, KernelError> {
        Ok(if shape.outputs == 1 && shape.inputs == 1 {
            AtomKernel::free(first, [shape.height, shape.width]).into()
        } else {
            let count = u32::try_from(shape.validate()?).map_err(|_| KernelError::TooLarge)?;
            if count as usize > SMALL {
                return Ok(Self::Later(Arc::new(Later::free(first, count, shape))));
            }
            return Self::expanded_free(first, shape);
        })
    }

    /// The free kernel whose entries are the symbols from `first` on, entry by entry.
    pub(super) fn expanded_free(first: Symbol, shape: Shape) -> Result<Self, KernelError> {
        if shape.entries().is_none_or(|count| count > MAX_TERMS) {
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
            Self::Concrete(kernel) if kernel.integers().count_nonzero() > super::symbolic::MAX_TERMS => {
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
        if terms.saturating_mul(factor.terms().len()) > MAX_TERMS {
            return Err(KernelError::TooManyTerms { limit: MAX_TERMS });
        }
        Ok(expanded.scale(factor).into())
    }

    /// `A * B`: full convolution, first `self`, then `next`, a matrix product in channels; a single 1×1 kernel
    /// scales any kernel.
    pub fn convolve(&self, next: &Self) -> Result<Self, KernelError> {
        if self.shape().entries() == Some(1)
            && let Some(factor) = self.as_scalar()
        {
            return next.scale(&factor);
        }
        if next.shape().entries() == Some(1)
            && let Some(factor) = next.as_scalar()
        {
            return self.scale(&factor);
        }
        self.convolve_dilated(next, [1, 1])
    }

    /// First `self`, then `next` dilated by `dilation`; channels must fit.
    pub fn convolve_dilated(&self, next: &Self, dilation: [usize; 2]) -> Result<Self, KernelError> {
        if let Some(shape) = self.large_product(next, dilation)? {
            let degree = self.degree().saturating_add(next.degree());
            let make = move |from: &[Self]| from[0].made()?.multiplied(from[1].made()?, dilation);
            return Ok(later(shape, degree, &[self, next], make));
        }
        self.multiplied(next, dilation)
    }

    /// The shape of a product of kernels with channels that has many terms.
    fn large_product(&self, next: &Self, dilation: [usize; 2]) -> Result<Option<Shape>, KernelError> {
        let (a, b) = (self.shape(), next.shape());
        let free = !(matches!(self, Self::Concrete(_)) && matches!(next, Self::Concrete(_)));
        let plane = a.is_plane() && b.is_plane();
        if !free || plane || a.outputs != b.inputs {
            return Ok(None);
        }
        let terms = [a.inputs, b.outputs, a.outputs, a.area(), b.area()];
        let products = terms.iter().fold(1_usize, |product, &n| product.saturating_mul(n));
        // Entries that are sums themselves have more terms than products.
        let terms = products.max(self.written().saturating_mul(next.written()) / a.outputs.max(1));
        if !self.is_later() && !next.is_later() && terms <= SMALL {
            return Ok(None);
        }
        let (height, width) =
            (a.height + (b.height - 1) * dilation[0], a.width + (b.width - 1) * dilation[1]);
        let shape = Shape { outputs: b.outputs, inputs: a.inputs, height, width };
        shape.validate_unwritten()?;
        Ok(Some(shape))
    }

    /// How many terms are written down.
    fn written(&self) -> usize {
        match self {
            Self::Symbolic(kernel) => kernel.entries().iter().map(|entry| entry.terms().len()).sum(),
            _ => self.shape().entries().unwrap_or(usize::MAX),
        }
    }

    fn multiplied(&self, next: &Self, dilation: [usize; 2]) -> Result<Self, KernelError> {
        Ok(match self.pair(next)? {
            Pair::Concrete(a, b) => a.convolve_dilated(b, dilation)?.into(),
            Pair::Atoms(a, b) => a.convolve(&b, dilation)?.into(),
            Pair::Symbolic(a, b) => a.convolve(&b, dilation)?.into(),
        })
    }

    /// `self ^ exponent` for kernels with as many outputs as inputs, by squaring.
    pub fn pow(&self, exponent: u32) -> Result<Self, KernelError> {
        let mut power = Self::identity(self.shape().inputs)?;
        for bit in (0..32 - exponent.leading_zeros()).rev() {
            power = power.convolve_dilated(&power, [1, 1])?;
            if exponent >> bit & 1 == 1 {
                power = power.convolve_dilated(self, [1, 1])?;
            }
        }
        Ok(power)
    }

    /// `n − 1` zeros between entries, per axis.
    pub fn dilate(&self, by: [usize; 2]) -> Result<Self, KernelError> {
        let old = self.shape();
        let (height, width) = ((old.height - 1) * by[0] + 1, (old.width - 1) * by[1] + 1);
        let dilated = Shape { height, width, ..old };
        let from = move |[o, c, i, j]: [usize; 4]| {
            (i % by[0] == 0 && j % by[1] == 0).then(|| [o, c, i / by[0], j / by[1]])
        };
        match self {
            Self::Atoms(_) => Self::identity(1)?.convolve_dilated(self, by),
            Self::Symbolic(_) if dilated.entries().is_none_or(|count| count > SMALL) => {
                Ok(self.changed(dilated, move |kernel| kernel.gather(dilated, from)))
            }
            Self::Concrete(_) | Self::Symbolic(_) => self.gather(dilated, from),
            Self::Later(_) => Ok(self.changed(dilated, move |kernel| kernel.dilate(by))),
        }
    }

    /// Each entry becomes a `by[0] × by[1]` block.
    pub fn repeat(&self, by: [usize; 2]) -> Result<Self, KernelError> {
        if self.is_later() {
            let old = self.shape();
            let grown = Shape { height: old.height * by[0], width: old.width * by[1], ..old };
            return Ok(self.changed(grown, move |kernel| kernel.repeat(by)));
        }
        let channels = self.shape().outputs;
        let shape = Shape::new(channels, channels, by[0], by[1]);
        shape.validate()?;
        let ones = positions(shape).map(|[o, c, _, _]| i64::from(o == c)).collect();
        let block = ConcreteKernel::from_integers(shape, ones)?;
        self.dilate(by)?.convolve_dilated(&block.into(), [1, 1])
    }

    /// Both axes reversed.
    pub fn flip(&self) -> Result<Self, KernelError> {
        Ok(match self {
            Self::Concrete(kernel) => kernel.flip().into(),
            Self::Atoms(kernel) => kernel.flip()?.into(),
            Self::Symbolic(kernel) => kernel.flip()?.into(),
            Self::Later(_) => self.changed(self.shape(), Self::flip),
        })
    }

    /// Rows and columns exchanged.
    pub fn transpose(&self) -> Result<Self, KernelError> {
        Ok(match self {
            Self::Concrete(kernel) => kernel.transpose().into(),
            Self::Atoms(kernel) => kernel.transpose()?.into(),
            Self::Symbolic(kernel) => kernel.transpose()?.into(),
            Self::Later(_) => {
                let old = self.shape();
                self.changed(Shape { height: old.width, width: old.height, ..old }, Self::transpose)
            }
        })
    }

    /// Zeros added at the top, left, bottom and right.
    pub fn pad(&self, sides: [usize; 4]) -> Result<Self, KernelError> {
        if sides == [0; 4] {
            return Ok(self.clone());
        }
        let [top, left, bottom, right] = sides;
        Ok(match self {
            Self::Concrete(kernel) => kernel.pad(top, left, bottom, right)?.into(),
            Self::Atoms(kernel) => kernel.pad(sides).into(),
            Self::Symbolic(kernel) => kernel.pad(sides)?.into(),
            Self::Later(_) => {
                let old = self.shape();
                let (height, width) = (old.height + top + bottom, old.width + left + right);
                self.changed(Shape { height, width, ..old }, move |kernel| kernel.pad(sides))
            }
        })
    }

    /// Without the border rows and columns that vanish for all weights, and how many were removed at the top,
    /// left, bottom and right.
    pub fn trim(&self) -> Result<(Self, [usize; 4]), KernelError> {
        Ok(match self {
            Self::Concrete(kernel) if kernel.zero_sides() == [0; 4] => (self.clone(), [0; 4]),
            Self::Concrete(kernel) => {
                let (kernel, sides) = kernel.trim();
                (kernel.into(), sides)
            }
            Self::Atoms(kernel) => {
                let (kernel, sides) = kernel.trim();
                (kernel.into(), sides)
            }
            Self::Later(later) => return later.get()?.trim(),
            Self::Symbolic(kernel) => match kernel.trim()? {
                Some((kernel, sides)) => (kernel.into(), sides),
                None => (self.clone(), [0; 4]),
            },
        })
    }

    /// A kernel of another shape whose entries are picked from this one by position, zero where `None`.
    pub fn gather(
        &self,
        shape: Shape,
        from: impl Fn([usize; 4]) -> Option<[usize; 4]>,
    ) -> Result<Self, KernelError> {
        if let Self::Concrete(kernel) = self {
            return Ok(kernel.gather(shape, from)?.into());
        }
        Ok(self.expand()?.gather(shape, from)?.into())
    }

    /// The same, written out only where somebody asks for it if there are many entries.
    pub fn gather_later(
        &self,
        shape: Shape,
        from: impl Fn([usize; 4]) -> Option<[usize; 4]> + Send + Sync + 'static,
    ) -> Result<Self, KernelError> {
        if self.is_long() {
            Ok(self.changed(shape, move |kernel| kernel.gather(shape, &from)))
        } else {
            self.gather(shape, from)
        }
    }

    /// The sums of the entries of each output channel, or input channel, as a row; later if there are many.
    pub fn channel_sums(&self, outputs: bool) -> Result<Self, KernelError> {
        let shape = self.shape();
        let row = Shape::plane(1, if outputs { shape.outputs } else { shape.inputs });
        if self.is_long() {
            return Ok(self.changed(row, move |kernel| kernel.channel_sums_now(outputs)));
        }
        self.channel_sums_now(outputs)
    }

    fn channel_sums_now(&self, outputs: bool) -> Result<Self, KernelError> {
        let shape = self.shape();
        let count = if outputs { shape.outputs } else { shape.inputs };
        let mut sums: Vec<Sum> = (0..count).map(|_| Sum::default()).collect();
        let expanded = self.expand()?;
        for ([o, c, _, _], entry) in positions(shape).zip(expanded.entries()) {
            sums[if outputs { o } else { c }].add_product(entry, &Poly::one());
        }
        Self::from_entries(Shape::plane(1, count), sums.into_iter().map(Sum::finish).collect())
    }

    /// Whether its entries are not to be written out before somebody asks for them.
    fn is_long(&self) -> bool {
        self.is_later() || self.has_many() && !matches!(self, Self::Concrete(_))
    }

    /// Whether it has many entries.
    fn has_many(&self) -> bool {
        self.shape().entries().is_none_or(|count| count > SMALL)
    }

    /// Every `step`-th row and column, from `start` on; one zero if none is left.
    pub fn every(&self, start: [usize; 2], step: [usize; 2]) -> Result<Self, KernelError> {
        let shape = self.shape();
        let left = |size: usize, axis: usize| size.saturating_sub(start[axis]).div_ceil(step[axis]).max(1);
        let kept = Shape { height: left(shape.height, 0), width: left(shape.width, 1), ..shape };
        self.gather(kept, |[o, c, i, j]| {
            let (row, column) = (start[0] + i * step[0], start[1] + j * step[1]);
            (row < shape.height && column < shape.width).then_some([o, c, row, column])
        })
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
        match self {
            Self::Later(later) => later.ranges(),
            _ => self.symbols().into_iter().map(|symbol| (symbol, 1)).collect(),
        }
    }

    /// All symbols that occur, sorted.
    pub fn symbols(&self) -> Vec<Symbol> {
        let mut all: Vec<Symbol> = match self {
            Self::Concrete(_) => Vec::new(),
            Self::Atoms(kernel) => kernel
                .free_kernels()
                .into_iter()
                .flat_map(|(first, [height, width])| (0..height * width).map(move |n| (first, n)))
                .filter_map(|(first, n)| u32::try_from(n).ok().map(|n| Symbol(first.0 + n)))
                .collect(),
            Self::Symbolic(kernel) => kernel.entries().iter().flat_map(Poly::symbols).collect(),
            Self::Later(later) => later.symbols(),
        };
        all.sort_unstable();
        all.dedup();
        all
    }
}
