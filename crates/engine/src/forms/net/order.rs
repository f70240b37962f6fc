//! Layers that commute with those before them (Theorem 30 of `docs/semantics.md`), so that stacks are read in one order.

use crate::ir::{Composite, Function, Layer, Pointwise, Roots};
use crate::kernel::ConcreteKernel;
use convproof_exact::{Monomial, Rational};

/// Whether a layer commutes with one before it: what never falls with the largest of some entries, a function that is
/// the same for all channels with channels in another order.
pub(super) fn commutes(layer: &Layer, before: &Layer, roots: &Roots) -> bool {
    match before {
        Layer::MaxPool(_) => never_falls(layer, roots),
        Layer::Composite(Composite::Permute(_) | Composite::ChannelShuffle(_)) => match layer {
            Layer::Relu | Layer::Function(_) => true,
            Layer::Composite(Composite::Pointwise(function)) => {
                function.weights().is_none_or(|slopes| slopes.len() == 1)
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether a layer is a function of each entry that never falls.
fn never_falls(layer: &Layer, roots: &Roots) -> bool {
    match layer {
        Layer::Bias(_) => true,
        Layer::Scale(factors) => {
            let positive = |(monomial, coefficient): &(Monomial, Rational)| {
                !coefficient.is_negative()
                    && monomial.factors().iter().all(|(symbol, _)| roots.is_positive(*symbol))
            };
            let expanded = factors.polynomials();
            expanded.is_ok_and(|all| all.entries().iter().all(|entry| entry.terms().iter().all(positive)))
        }
        Layer::Composite(Composite::Pointwise(function)) => match function {
            Pointwise::Clip { .. } => true,
            Pointwise::HardSigmoid { slope, .. } => !slope.is_negative(),
            Pointwise::LeakyRelu(slopes) => {
                let rises = |kernel: &ConcreteKernel| kernel.entries().all(|slope| !slope.is_negative());
                slopes.kernel().as_concrete().is_some_and(rises)
            }
            Pointwise::Abs => false,
        },
        Layer::Function(function) => {
            matches!(function, Function::Sigmoid | Function::Tanh | Function::Softplus)
        }
        _ => false,
    }
}
