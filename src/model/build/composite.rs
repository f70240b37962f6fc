//! Layers with a definition of their own.

use super::Build;
use crate::algebra::Rational;
use crate::ir::{Layer, Pointwise};
use crate::model::composite::{Own, PadMode};
use crate::model::kernel::Kernel;
use crate::resolve::build::Amount;
use crate::resolve::build::error::ResolveErrorKind;
use crate::resolve::build::value::StackValue;
use crate::source::Span;

impl Build {
    /// The stack of one layer.
    pub(super) fn own(&mut self, layer: &Own, at: Span) -> Option<StackValue> {
        match layer {
            Own::Leaky(slopes) => {
                let slopes = self.kernel(slopes, at)?;
                self.builder.leaky_relu((&slopes, at), at)
            }
            Own::Clip(low, high) => {
                let [low, high] =
                    [low, high].map(|end| self.numbers(end, at).and_then(|all| all.first().cloned()));
                self.builder.clip((low?, high?), at, at)
            }
            Own::HardSigmoid => Some(self.builder.pointwise(Pointwise::hard_sigmoid(), at)),
            Own::Pad { sides, mode, value } => {
                let zeros = *mode == PadMode::Constant && value.is_none();
                let amount = if zeros { Amount::PADDING } else { Amount::ADDED_PADDING };
                let sides = self.four(*sides, amount, at)?;
                let value = match value {
                    Some(value) => Some((self.kernel(value, at)?, at)),
                    None => None,
                };
                self.builder.pad_image(sides, *mode, value, at)
            }
            Own::Resize { factor, method, coordinates } => {
                let factors = self.numbers(factor, at)?;
                self.builder.resize(&factors, method.clone(), *coordinates, at, at)
            }
            Own::Function(function) => Some(self.builder.layer(Layer::Function(*function), at)),
            Own::Permute(order) => {
                let number = |&n: &usize| Rational::from(i64::try_from(n).unwrap_or(i64::MAX));
                let order: Vec<Rational> = order.iter().map(number).collect();
                self.builder.permute(&order, at, at)
            }
        }
    }

    /// The entries of a number or a vector without free symbols.
    fn numbers(&mut self, kernel: &Kernel, at: Span) -> Option<Vec<Rational>> {
        let array = self.kernel(kernel, at)?;
        match array.term.kernel().as_concrete() {
            Some(kernel) => Some(kernel.entries().collect()),
            None => self.builder.fail(at, ResolveErrorKind::NotConstant { what: "a number of a layer" }),
        }
    }
}
