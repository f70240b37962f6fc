//! Products of kernels: convolution in the cheapest form that holds both.

use super::{Kernel, Pair};
use crate::kernel::later::{SMALL, later};
use crate::kernel::{KernelError, Shape};
use convproof_exact::Limited;

impl Kernel {
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
        if !self.is_later() && !next.is_later() && terms.within(SMALL) {
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
}
