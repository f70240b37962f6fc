//! A kernel in the cheapest exact form that holds it: concrete, a polynomial in whole free kernels, or
//! expanded entry by entry. Operations move to the next form only when they must.

use std::sync::Arc;

use super::ConcreteKernel;
use super::KernelError;
use super::Shape;
use super::atoms::AtomKernel;
use super::symbolic::{SymbolicKernel, positions};
use convproof_exact::{Fp, Poly, Rational, Symbol};

/// An exact kernel `[out,in,h,w]`, free symbols included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// No free symbols.
    Concrete(Arc<ConcreteKernel>),
    /// One channel, free kernels used whole.
    Atoms(Arc<AtomKernel>),
    /// Anything else, expanded.
    Symbolic(Arc<SymbolicKernel>),
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
            SymbolicKernel::free(first, shape)?.into()
        })
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
        }
    }

    /// Bytes that were counted for it when it was made within a budget.
    pub fn memory(&self) -> u64 {
        match self {
            Self::Concrete(kernel) => kernel.memory(),
            Self::Atoms(kernel) => kernel.memory(),
            Self::Symbolic(kernel) => kernel.memory(),
        }
    }

    /// The concrete kernel, if no free symbol occurs.
    pub fn as_concrete(&self) -> Option<&ConcreteKernel> {
        if let Self::Concrete(kernel) = self { Some(kernel) } else { None }
    }

    /// The only entry of a single-channel 1×1 kernel.
    pub fn as_scalar(&self) -> Option<Poly> {
        (self.shape().entries() == Some(1)).then(|| self.expand().ok()?.entries().first().cloned()).flatten()
    }

    /// Whether the form is zero: then the kernel is zero for all weights.
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Concrete(kernel) => kernel.is_zero(),
            Self::Atoms(kernel) => kernel.is_zero(),
            Self::Symbolic(kernel) => kernel.entries().iter().all(Poly::is_zero),
        }
    }

    /// The kernel as a polynomial in whole free kernels, where it is one.
    pub fn as_atoms(&self) -> Option<Arc<AtomKernel>> {
        match self {
            Self::Concrete(kernel) => AtomKernel::concrete(kernel).map(Arc::new),
            Self::Atoms(kernel) => Some(kernel.clone()),
            Self::Symbolic(_) => None,
        }
    }

    /// Every entry as a polynomial.
    pub fn expand(&self) -> Result<Arc<SymbolicKernel>, KernelError> {
        Ok(match self {
            Self::Concrete(kernel) if kernel.integers().count_nonzero() > super::symbolic::MAX_TERMS => {
                return Err(KernelError::TooManyTerms { limit: super::symbolic::MAX_TERMS });
            }
            Self::Concrete(kernel) => Arc::new(SymbolicKernel::from_concrete(kernel)?),
            Self::Atoms(kernel) => {
                let terms = kernel.expanded_terms();
                if terms > super::symbolic::MAX_TERMS {
                    return Err(KernelError::TooManyTerms { limit: super::symbolic::MAX_TERMS });
                }
                Arc::new(kernel.expand()?)
            }
            Self::Symbolic(kernel) => kernel.clone(),
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
        })
    }

    /// Every entry times a polynomial.
    pub fn scale(&self, factor: &Poly) -> Result<Self, KernelError> {
        if let Some(constant) = factor.as_constant() {
            return self.scale_rational(&constant);
        }
        if let (Some(kernel), Some(scalar)) = (self.as_atoms(), AtomKernel::scalar(factor)) {
            return Ok(kernel.convolve(&scalar, [1, 1])?.into());
        }
        Ok(self.expand()?.scale(factor).into())
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
        Ok(match self.pair(next)? {
            Pair::Concrete(a, b) => a.convolve_dilated(b, dilation)?.into(),
            Pair::Atoms(a, b) => a.convolve(&b, dilation)?.into(),
            Pair::Symbolic(a, b) => a.convolve(&b, dilation)?.into(),
        })
    }

    /// `self ^ exponent` for kernels with as many outputs as inputs.
    pub fn pow(&self, exponent: u32) -> Result<Self, KernelError> {
        (0..exponent).try_fold(Self::identity(self.shape().inputs)?, |power, _| power.convolve(self))
    }

    /// `n − 1` zeros between entries, per axis.
    pub fn dilate(&self, by: [usize; 2]) -> Result<Self, KernelError> {
        Self::identity(self.shape().inputs)?.convolve_dilated(self, by)
    }

    /// Each entry becomes a `by[0] × by[1]` block.
    pub fn repeat(&self, by: [usize; 2]) -> Result<Self, KernelError> {
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
        })
    }

    /// Rows and columns exchanged.
    pub fn transpose(&self) -> Result<Self, KernelError> {
        Ok(match self {
            Self::Concrete(kernel) => kernel.transpose().into(),
            Self::Atoms(kernel) => kernel.transpose()?.into(),
            Self::Symbolic(kernel) => kernel.transpose()?.into(),
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
        })
    }

    /// Without the border rows and columns that vanish for all weights, and how many were removed at the top,
    /// left, bottom and right.
    pub fn trim(&self) -> Result<(Self, [usize; 4]), KernelError> {
        Ok(match self {
            Self::Concrete(kernel) => {
                let (kernel, sides) = kernel.trim();
                (kernel.into(), sides)
            }
            Self::Atoms(kernel) => {
                let (kernel, sides) = kernel.trim();
                (kernel.into(), sides)
            }
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
        };
        all.sort_unstable();
        all.dedup();
        all
    }
}
