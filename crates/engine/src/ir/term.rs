//! Kernels in two readings, the exact form and the expression, and the only code that puts the two together.
//!
//! For each operation the exact form and the expression stand side by side here; a test compares them through the naive
//! evaluator, operation by operation. What stacks are as kernels is computed above `ir` and comes in by constructors of
//! its own.

use std::sync::Arc;

use super::kernel::of_poly;
use super::{FreeKernel, KernelExpr, Rearrangement, Stack, Symbols};
use crate::axes::{Axes, Ends, each, ends, sides};
use crate::kernel::symbolic::{MAX_TERMS, SymbolicKernel};
use crate::kernel::{ConcreteKernel, Kernel, KernelError, Shape};
use convproof_exact::{MAX_DEGREE, Monomial, Poly, Rational, Symbol};

/// A kernel (or scalar, vector or image) with its two readings.
///
/// Scalars are 1×1 kernels, vectors 1×n, images `[c,1,h,w]`.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelTerm {
    kernel: Kernel,
    expr: Arc<KernelExpr>,
}

/// An operation on kernels with its operands. Those that divide or take roots need the symbols:
/// [`KernelTerm::divided`] and [`KernelTerm::sqrt`].
#[derive(Clone, Copy, Debug)]
pub enum Operation<'a> {
    /// An array of scalars in storage order.
    Array(Shape, &'a [&'a KernelTerm]),
    /// Kernels `[n,1,1,1]` beside each other: `[n,count,1,1]`.
    Columns(&'a [&'a KernelTerm]),
    /// Entry by entry sum.
    Add(&'a KernelTerm, &'a KernelTerm),
    /// Entry by entry difference.
    Sub(&'a KernelTerm, &'a KernelTerm),
    /// `-A`.
    Negate(&'a KernelTerm),
    /// Full convolution, first the left, then the right in channels; a 1×1 single-channel side scales.
    Convolve(&'a KernelTerm, &'a KernelTerm),
    /// Entry by entry product of kernels of one shape.
    Hadamard(&'a KernelTerm, &'a KernelTerm),
    /// Convolution power.
    Power(&'a KernelTerm, u32),
    /// One entry `[out,in,row,column]`.
    Entry(&'a KernelTerm, [usize; 4]),
    /// The sum of all entries.
    Sum(&'a KernelTerm),
    /// `n − 1` zeros between entries, per axis.
    Dilate(&'a KernelTerm, Axes<usize>),
    /// Each entry becomes a block.
    Repeat(&'a KernelTerm, Axes<usize>),
    /// Both axes reversed.
    Flip(&'a KernelTerm),
    /// Rows and columns exchanged.
    Transpose(&'a KernelTerm),
    /// Zeros added at the top, left, bottom, right.
    Pad(&'a KernelTerm, Axes<Ends<usize>>),
    /// All border rows and columns removed that are zero for all weights.
    Trim(&'a KernelTerm),
    /// The column of the first vector times the second as a row.
    Outer(&'a KernelTerm, &'a KernelTerm),
    /// Output channel `o` of the kernel times entry `o` of the vector.
    ScaleOutputs(&'a KernelTerm, &'a KernelTerm),
    /// Input channel `c` of the kernel times entry `c` of the vector.
    ScaleInputs(&'a KernelTerm, &'a KernelTerm),
    /// The same entries in storage order under another shape.
    Reshape(&'a KernelTerm, Shape),
    /// The same entries at other places.
    Rearrange(&'a KernelTerm, Rearrangement),
    /// For each output channel (or input channel) the sum of its entries, as a row.
    ChannelSums {
        /// The kernel.
        of: &'a KernelTerm,
        /// Whether output channels are summed up, otherwise input channels.
        outputs: bool,
    },
}

/// Why a quotient or a root has no exact form.
#[derive(Clone, Debug, PartialEq)]
pub enum TermError {
    /// A limit, or shapes that do not fit.
    Kernel(KernelError),
    /// A divisor that is 0 for all weights.
    DivisionByZero,
    /// A divisor whose inverse is no polynomial in the symbols and their inverses.
    NotDivisible(Poly),
    /// The square root of a negative number.
    NegativeRoot,
    /// More symbols than a spec may have.
    TooManySymbols,
}

impl From<KernelError> for TermError {
    fn from(error: KernelError) -> Self {
        Self::Kernel(error)
    }
}

impl KernelTerm {
    /// A kernel without free symbols.
    pub fn constant(kernel: ConcreteKernel) -> Self {
        let kernel = Arc::new(kernel);
        Self { kernel: Kernel::Concrete(kernel.clone()), expr: Arc::new(KernelExpr::Constant(kernel)) }
    }

    /// The number 1.
    pub fn one() -> Self {
        Self::constant(ConcreteKernel::ones(Shape::plane(1, 1)).expect("one entry"))
    }

    /// A free kernel.
    ///
    /// # Errors
    /// If it is too large.
    pub fn free(free: &FreeKernel) -> Result<Self, KernelError> {
        let (first, shape) = (free.first, free.shape);
        Ok(Self { kernel: Kernel::free(first, shape)?, expr: Arc::new(KernelExpr::Free { first, shape }) })
    }

    /// A kernel given by its exact form alone; `None` if that is too large to write out.
    pub fn of_kernel(kernel: &Kernel, symbols: &Symbols) -> Option<Self> {
        if let Some(concrete) = kernel.as_concrete() {
            return Some(Self::constant(concrete.clone()));
        }
        let expanded = kernel.expand().ok()?;
        let entries = expanded.entries().iter().map(|entry| Arc::new(of_poly(entry, symbols))).collect();
        let expr = Arc::new(KernelExpr::Array { shape: kernel.shape(), entries });
        Some(Self { kernel: kernel.clone(), expr })
    }

    /// A kernel given by its expression alone: only its shape is known, and whoever asks for entries of the exact form gets an
    /// error.
    pub fn unwritten(shape: Shape, expr: Arc<KernelExpr>) -> Self {
        Self { kernel: Kernel::unwritten(shape, &[]), expr }
    }

    /// The kernel that a stack is away from borders. The normal form of stacks computes it, which is built on `ir`; the naive
    /// evaluator finds it from the stack itself. The shape is written around it, as a stack alone does not tell.
    pub fn of_stack(stack: Arc<Stack>, computed: Kernel) -> Self {
        let of = Arc::new(KernelExpr::OfStack(stack));
        Self { expr: Arc::new(KernelExpr::Reshape(of, computed.shape())), kernel: computed }
    }

    /// The image that a stack makes of an image; computed above `ir` likewise.
    pub fn of_image(stack: Arc<Stack>, image: &Self, computed: Kernel) -> Self {
        Self { kernel: computed, expr: Arc::new(KernelExpr::Apply(stack, image.expr.clone())) }
    }

    /// The result of an operation, in both readings.
    ///
    /// # Errors
    /// A limit, or operands that do not fit together.
    pub fn apply(operation: Operation<'_>) -> Result<Self, KernelError> {
        use KernelExpr as E;
        use Operation as Op;
        let (kernel, expr) = match operation {
            Op::Array(shape, entries) => {
                let polys = entries.iter().map(|entry| entry.scalar()).collect::<Result<_, _>>()?;
                let entries = entries.iter().map(|entry| entry.expr.clone()).collect();
                (Kernel::from_entries(shape, polys)?, E::Array { shape, entries })
            }
            Op::Columns(columns) => return Self::columns(columns),
            Op::Add(a, b) => (a.kernel.add(&b.kernel)?, E::Add(a.expr.clone(), b.expr.clone())),
            Op::Sub(a, b) => (a.kernel.sub(&b.kernel)?, E::Sub(a.expr.clone(), b.expr.clone())),
            Op::Negate(a) => (a.kernel.scale_rational(&Rational::from(-1))?, E::Negate(a.expr.clone())),
            Op::Convolve(a, b) => {
                (a.kernel.convolve(&b.kernel)?, E::Convolve(a.expr.clone(), b.expr.clone()))
            }
            Op::Hadamard(a, b) => (a.hadamard(b)?, E::Hadamard(a.expr.clone(), b.expr.clone())),
            Op::Power(a, n) => (a.power(n)?, E::Power(a.expr.clone(), n)),
            Op::Entry(a, at) => (a.entry(at)?, E::Entry(a.expr.clone(), at)),
            Op::Sum(a) => (a.sum()?, E::Sum(a.expr.clone())),
            Op::Dilate(a, by) => (a.grown(by, false)?, E::Dilate(a.expr.clone(), by)),
            Op::Repeat(a, by) => (a.grown(by, true)?, E::Repeat(a.expr.clone(), by)),
            Op::Flip(a) => (a.kernel.flip()?, E::Flip(a.expr.clone())),
            Op::Transpose(a) => (a.kernel.transpose()?, E::Transpose(a.expr.clone())),
            Op::Pad(a, ends) => (a.padded(ends)?, E::Pad(a.expr.clone(), ends)),
            Op::Trim(a) => {
                let (kernel, sides) = a.kernel.trim()?;
                (kernel, E::Trim(a.expr.clone(), ends(sides)))
            }
            Op::Outer(u, v) => (u.outer(v)?, E::Outer(u.expr.clone(), v.expr.clone())),
            Op::ScaleOutputs(a, v) => {
                (a.scaled_channels(v, true)?, E::ScaleOutputs(a.expr.clone(), v.expr.clone()))
            }
            Op::ScaleInputs(a, v) => {
                (a.scaled_channels(v, false)?, E::ScaleInputs(a.expr.clone(), v.expr.clone()))
            }
            Op::Reshape(a, shape) => (a.reshaped(shape)?, E::Reshape(a.expr.clone(), shape)),
            Op::Rearrange(a, how) => (a.rearranged(how)?, E::Rearranged(a.expr.clone(), how)),
            Op::ChannelSums { of, outputs } => {
                (of.kernel.channel_sums(outputs)?, E::ChannelSums { of: of.expr.clone(), outputs })
            }
        };
        Ok(Self { kernel, expr: Arc::new(expr) })
    }

    /// Division by a scalar, or entry by entry by a kernel of the same shape. Takes note that the divisors are not 0.
    ///
    /// # Errors
    /// If a divisor is 0, or its inverse is no polynomial.
    pub fn divided(&self, by: &Self, symbols: &mut Symbols) -> Result<Self, TermError> {
        if !by.shape().is_scalar() && self.shape() != by.shape() {
            return Err(KernelError::ShapeMismatch { left: self.shape(), right: by.shape() }.into());
        }
        let mut inverses = Vec::new();
        for divisor in by.polynomials()?.entries() {
            // The square of a known root is divided by as the root's power -2.
            let square = || {
                let root = symbols.roots().with_radicand(divisor)?;
                Some(Poly::term(Monomial::power(root, -2), Rational::from(1)))
            };
            match divisor.reciprocal().or_else(square) {
                Some(inverse) => {
                    symbols.divide_by(divisor);
                    inverses.push(inverse);
                }
                None if divisor.is_zero() => return Err(TermError::DivisionByZero),
                None => return Err(TermError::NotDivisible(divisor.clone())),
            }
        }
        let kernel = match inverses.as_slice() {
            [inverse] => self.kernel.scale(inverse)?,
            _ => {
                let dividends = self.polynomials()?;
                let quotients = dividends.entries().iter().zip(&inverses).map(|(x, y)| x * y).collect();
                Kernel::from_entries(self.shape(), quotients)?
            }
        };
        Ok(Self { kernel, expr: Arc::new(KernelExpr::Divide(self.expr.clone(), by.expr.clone())) })
    }

    /// The positive square root of every entry.
    ///
    /// # Errors
    /// If an entry is a negative number.
    pub fn sqrt(&self, symbols: &mut Symbols) -> Result<Self, TermError> {
        let mut roots = Vec::new();
        for entry in self.polynomials()?.entries() {
            if entry.as_constant().is_some_and(|value| value.is_negative()) {
                return Err(TermError::NegativeRoot);
            }
            roots.push(symbols.root(entry).ok_or(TermError::TooManySymbols)?);
        }
        let kernel = Kernel::from_entries(self.shape(), roots)?;
        Ok(Self { kernel, expr: Arc::new(KernelExpr::Sqrt(self.expr.clone())) })
    }

    /// The exact form that the engine works with.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// Where it came from; the naive evaluator reads only this.
    pub fn expr(&self) -> &KernelExpr {
        &self.expr
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.kernel.shape()
    }

    /// Whether it is known to have no free symbols.
    pub fn is_constant(&self) -> bool {
        self.kernel.as_concrete().is_some()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.shape().entries().unwrap_or(usize::MAX)
    }

    /// Whether there are no entries; shapes never allow that.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a scalar.
    ///
    /// # Errors
    /// If it is none, or has too many terms.
    pub fn scalar(&self) -> Result<Poly, KernelError> {
        let not_one = KernelError::ShapeMismatch { left: self.shape(), right: Shape::plane(1, 1) };
        if !self.shape().is_scalar() {
            return Err(not_one);
        }
        self.kernel.expand()?.entries().first().cloned().ok_or(not_one)
    }

    /// All entries as polynomials.
    ///
    /// # Errors
    /// If they are too many, or have too many terms.
    pub fn polynomials(&self) -> Result<Arc<SymbolicKernel>, KernelError> {
        if self.len() > MAX_TERMS {
            return Err(KernelError::TooManyTerms { limit: MAX_TERMS });
        }
        self.kernel.expand()
    }
}

/// The exact forms of single operations.
impl KernelTerm {
    fn hadamard(&self, other: &Self) -> Result<Kernel, KernelError> {
        if self.shape() != other.shape() {
            return Err(KernelError::ShapeMismatch { left: self.shape(), right: other.shape() });
        }
        let (x, y) = (self.polynomials()?, other.polynomials()?);
        let (x, y) = (x.entries(), y.entries());
        let products = x.iter().zip(y).map(|(x, y)| x.terms().len().saturating_mul(y.terms().len()));
        if products.fold(0, usize::saturating_add) > MAX_TERMS {
            return Err(KernelError::TooManyTerms { limit: MAX_TERMS });
        }
        Kernel::from_entries(self.shape(), x.iter().zip(y).map(|(x, y)| x * y).collect())
    }

    fn power(&self, n: u32) -> Result<Kernel, KernelError> {
        let Shape { outputs, inputs, .. } = self.shape();
        if outputs != inputs {
            return Err(KernelError::ChannelMismatch { outputs, inputs });
        }
        if self.kernel.degree().saturating_mul(n) > MAX_DEGREE {
            return Err(KernelError::TooLarge);
        }
        self.kernel.pow(n)
    }

    /// One entry. That of a free kernel is its symbol; nothing needs to be expanded for it.
    fn entry(&self, at: [usize; 4]) -> Result<Kernel, KernelError> {
        let [o, c, i, j] = at;
        let shape = self.shape();
        if !shape.holds(at) {
            return Err(KernelError::NoSuchEntry);
        }
        if let KernelExpr::Free { first, .. } = &*self.expr
            && !shape.is_scalar()
        {
            let offset = u32::try_from(shape.offset(at)).map_err(|_| KernelError::TooLarge)?;
            return Ok(Kernel::scalar(&Poly::symbol(Symbol(first.0 + offset))));
        }
        Ok(match self.kernel.as_concrete() {
            Some(kernel) => Kernel::scalar(&Poly::constant(kernel.entry(o, c, i, j))),
            None => Kernel::scalar(self.kernel.expand()?.entry(o, c, i, j)),
        })
    }

    fn sum(&self) -> Result<Kernel, KernelError> {
        Ok(Kernel::scalar(&match self.kernel.as_concrete() {
            Some(kernel) => Poly::constant(kernel.sum().cells().iter().cloned().sum()),
            None => self.kernel.sum()?,
        }))
    }

    /// Dilated, or repeated.
    fn grown(&self, by: Axes<usize>, repeated: bool) -> Result<Kernel, KernelError> {
        if by.contains(&0) {
            return Err(KernelError::ZeroFactor);
        }
        let old = self.shape().extents();
        let extents = each(|axis| {
            let (n, by) = (old[axis], by[axis]);
            if repeated { n.saturating_mul(by) } else { (n - 1).saturating_mul(by).saturating_add(1) }
        });
        self.kernel.allows(self.shape().with_extents(extents))?;
        if repeated { self.kernel.repeat(by) } else { self.kernel.dilate(by) }
    }

    fn padded(&self, ends: Axes<Ends<usize>>) -> Result<Kernel, KernelError> {
        let old = self.shape().extents();
        let extents =
            each(|axis| old[axis].saturating_add(ends[axis].before).saturating_add(ends[axis].after));
        self.kernel.allows(self.shape().with_extents(extents))?;
        self.kernel.pad(sides(ends))
    }

    /// An error unless it is a row.
    fn row(&self) -> Result<&Kernel, KernelError> {
        let row = Shape::plane(1, self.len());
        let left = self.shape();
        if left == row { Ok(&self.kernel) } else { Err(KernelError::ShapeMismatch { left, right: row }) }
    }

    fn outer(&self, row: &Self) -> Result<Kernel, KernelError> {
        self.row()?.transpose()?.convolve(row.row()?)
    }

    fn scaled_channels(&self, factors: &Self, outputs: bool) -> Result<Kernel, KernelError> {
        let channels = if outputs { self.shape().outputs } else { self.shape().inputs };
        if factors.row()?.shape().area() != channels {
            let (left, right) = (Shape::plane(1, channels), factors.shape());
            return Err(KernelError::ShapeMismatch { left, right });
        }
        self.kernel.scale_channels(&factors.kernel, outputs)
    }

    fn reshaped(&self, shape: Shape) -> Result<Kernel, KernelError> {
        let old = self.shape();
        self.kernel.allows(shape)?;
        if shape.entries() != old.entries() {
            return Err(KernelError::EntryCount { expected: self.len(), found: shape.validate()? });
        }
        self.kernel.gather(shape, |at| Some(old.entry(shape.offset(at))))
    }

    fn rearranged(&self, how: Rearrangement) -> Result<Kernel, KernelError> {
        let old = self.shape();
        if !how.fits(old) {
            return Err(KernelError::NoSuchEntry);
        }
        let shape = how.shape(old);
        self.kernel.allows(shape)?;
        self.kernel.gather_later(shape, move |at| how.source([old.outputs, old.inputs], at))
    }

    /// The columns beside each other. The expression is a sum of columns after rows that pick one input each.
    fn columns(columns: &[&Self]) -> Result<Self, KernelError> {
        let count = columns.len();
        let outputs = columns.first().map_or(0, |column| column.shape().outputs);
        let shape = Shape::new(outputs, count, 1, 1);
        let mut entries = vec![Poly::zero(); shape.validate()?];
        let mut sums = Vec::with_capacity(count);
        for (n, column) in columns.iter().enumerate() {
            let one = Shape::new(outputs, 1, 1, 1);
            if column.shape() != one {
                return Err(KernelError::ShapeMismatch { left: column.shape(), right: one });
            }
            for (output, entry) in column.kernel.expand()?.entries().iter().enumerate() {
                entries[output * count + n] = entry.clone();
            }
            let picks = (0..count).map(|at| i64::from(at == n)).collect();
            let row = ConcreteKernel::from_integers(Shape::new(1, count, 1, 1), picks)?;
            let row = Arc::new(KernelExpr::Constant(Arc::new(row)));
            sums.push(Arc::new(KernelExpr::Convolve(row, column.expr.clone())));
        }
        // Sums of halves, so that many columns are not as many levels.
        while sums.len() > 1 {
            let sum = |pair: &[Arc<KernelExpr>]| match pair {
                [a, b] => Arc::new(KernelExpr::Add(a.clone(), b.clone())),
                rest => rest[0].clone(),
            };
            sums = sums.chunks(2).map(sum).collect();
        }
        let expr = sums.pop().ok_or(KernelError::EmptyShape)?;
        Ok(Self { kernel: Kernel::from_entries(shape, entries)?, expr })
    }
}

#[cfg(test)]
pub(super) mod tests;
