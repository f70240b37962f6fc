//! Dense layers on signals of a known size, which are convolutions with kernels as large as the image.
//!
//! Reads matrices that are declared, numbers, and what is made of them entry by entry.

use std::sync::Arc;

use super::kernels::At;
use super::layers::taps_of;
use super::{ChannelBlocks, Net, NetNodeId, Wire};
use crate::axes::{each, try_each};
use crate::forms::Unsupported;
use crate::ir::{KernelExpr, KernelTerm};
use crate::kernel::Shape;
use crate::operator::shape::{Signal, fixed};

impl Net {
    /// `flatten -> dense(W)`. Flattening goes channel by channel and along rows, as kernels keep their entries, so W is
    /// the kernel of a single output, with its entries in the order that they have.
    pub(super) fn dense(
        &mut self,
        weights: &KernelTerm,
        bias: Option<&KernelTerm>,
        wire: &Wire,
        signal: &Signal,
    ) -> Result<NetNodeId, Unsupported> {
        let length = &wire.signal.length;
        let size =
            self.size.map_or_else(|| fixed(length), |size| wire.signal.at(size)).ok_or(Unsupported::Layer)?;
        let extents = try_each(|axis| usize::try_from(size[axis]).map_err(|_| Unsupported::Layer))?;
        let shape = Shape::new(signal.channels, wire.signal.channels, 1, 1).with_extents(extents);
        let at = At::plain(false);
        if self.channels == ChannelBlocks::Apart {
            let taps = taps_of(shape, &self.entries(weights)?, |at| at);
            return self.tapped(taps, each(|axis| at.movement(axis, extents[axis])), bias, wire, signal);
        }
        let kernel = in_shape(weights.expr(), shape).ok_or(Unsupported::Kernel)?;
        self.letters.regroup();
        let applied = self.kernel(&kernel, wire.node, &at, Some(signal.length.clone()))?;
        self.biased(applied, bias, signal)
    }
}

/// An expression with its entries, in storage order, in another shape; `None` where it is not made entry by entry.
fn in_shape(expr: &KernelExpr, shape: Shape) -> Option<KernelExpr> {
    use KernelExpr as E;
    let same = |of: &Arc<E>| in_shape(of, shape).map(Arc::new);
    if expr.shape().entries() != shape.entries() {
        return None;
    }
    Some(match expr {
        E::Free { first, .. } => E::Free { first: *first, shape },
        E::Constant(kernel) => {
            let old = kernel.shape();
            E::Constant(Arc::new(kernel.gather(shape, |at| Some(old.entry(shape.offset(at)))).ok()?))
        }
        E::Negate(a) => E::Negate(same(a)?),
        E::Add(a, b) => E::Add(same(a)?, same(b)?),
        E::Sub(a, b) => E::Sub(same(a)?, same(b)?),
        E::Divide(a, b) if b.shape().is_scalar() => E::Divide(same(a)?, b.clone()),
        E::Convolve(a, b) if a.shape().is_scalar() => E::Convolve(a.clone(), same(b)?),
        E::Convolve(a, b) if b.shape().is_scalar() => E::Convolve(same(a)?, b.clone()),
        _ => return None,
    })
}
