//! Numbers that stacks have: stride, kernel size, output size, parameters, multiplications; and their single
//! kernel.

use num_bigint::BigInt;

use super::Resolver;
use super::arguments::Bound;
use super::build::arrays::number_array;
use super::build::error::{Exceeded, ResolveErrorKind};
use super::value::Value;
use crate::source::Span;
use convproof_engine::ir::{Composite, Layer, Op, Stack};
use convproof_engine::operator::gather::index;
use convproof_engine::operator::geometry::{self, GeometryError};
use convproof_engine::operator::shape::{self, Signal};
use convproof_exact::{Poly, Rational};

impl Resolver<'_> {
    /// A function of a stack.
    pub(super) fn quantity(&mut self, name: &str, bound: &Bound<'_>, span: Span) -> Option<Value> {
        let value = self.stack(bound.at(0));
        let size = match bound.get("size") {
            Some(expr) => Some(self.size(expr)?),
            None => None,
        };
        let stack = value?;
        let stack = &stack.stack;
        match name {
            "kernel" => self.build.single_kernel(stack, span).map(Value::Array),
            "matrix" => self.build.matrix(stack, size?, span).map(Value::Array),
            "stride" => {
                let strides = geometry::strides(stack).map_err(|error| (error, "stride"));
                let strides = self.geometry(strides, span)?;
                let rational = |n: num_rational::Ratio<i64>| Rational::ratio(*n.numer(), *n.denom());
                Some(Value::List(strides.map(|n| constant(rational(n).unwrap_or_default())).to_vec()))
            }
            "kernel_size" => {
                let fields = geometry::fields(stack).map_err(|error| (error, "kernel size"));
                let fields = self.geometry(fields, span)?;
                Some(Value::List(fields.map(|field| constant(Rational::from(field.extent()))).to_vec()))
            }
            "params" => Some(number(parameters(stack))),
            _ => {
                let size = size?;
                let channels = match shape::input_channels(&[stack]) {
                    Ok(channels) => channels,
                    Err(error) => return self.build.operator(&error, &[stack], span),
                };
                let output = match shape::after(stack, Signal::input(channels), Some(size)) {
                    Ok(signal) => signal.at(size),
                    Err(error) => return self.build.operator(&error, &[stack], span),
                };
                let Some(output) = output else {
                    let kind = self.build.no_output(stack, channels, size, span);
                    return self.fail(span, kind);
                };
                if name == "output_size" {
                    return Some(Value::List(output.map(|n| constant(Rational::from(n))).to_vec()));
                }
                Some(number(multiplications(stack, channels, size)))
            }
        }
    }

    fn geometry<T>(&mut self, result: Result<T, (GeometryError, &'static str)>, span: Span) -> Option<T> {
        let (error, quantity) = match result {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let (reason, layer) = match error {
            GeometryError::Upsamples(layer) => {
                ("this layer upsamples, so outputs differ in what they read", layer)
            }
            GeometryError::WholeImage(layer) => ("this layer reads the whole image", layer),
            GeometryError::Strides(_, layer) => ("this branch moves at another stride", layer),
            GeometryError::TooLarge(layer) => {
                return self
                    .fail(self.build.place(layer, span), ResolveErrorKind::TooLarge(Exceeded::Extents));
            }
        };
        let layer = self.build.place(layer, span);
        self.fail(span, ResolveErrorKind::NoQuantity { quantity, reason, layer })
    }
}

fn constant(value: Rational) -> Poly {
    Poly::constant(value)
}

fn number(value: u128) -> Value {
    Value::Array(number_array(Rational::from(BigInt::from(value))))
}

/// Entries of kernels, biases and per-channel vectors.
fn parameters(stack: &Stack) -> u128 {
    let padding = |layer: &&Layer| matches!(layer, Layer::Composite(Composite::Pad { .. }));
    let weights = stack.layers().filter(|layer| !padding(layer)).flat_map(Layer::weights);
    weights.map(|term| term.len() as u128).sum()
}

/// Multiplications with weights, for an input whose output is known to exist.
fn multiplications(stack: &Stack, channels: usize, size: [i64; 2]) -> u128 {
    let area = |[height, width]: [i64; 2]| index(height) as u128 * index(width) as u128;
    let mut total = 0;
    let counted = stack.fold((channels, size), |op, origin| {
        let (channels, output) = shape::sized(&op, origin).ok().flatten().ok_or(())?;
        if let Op::Layer(layer, (_, size)) = op {
            total += match layer {
                Layer::Conv(conv) => area(output) * conv.kernel.len() as u128,
                Layer::ConvTranspose(conv) => area(size) * conv.kernel.len() as u128,
                Layer::Dense { weights, .. } => weights.len() as u128,
                Layer::Scale(_) => area(output) * channels as u128,
                _ => 0,
            };
        }
        Ok::<_, ()>((channels, output))
    });
    debug_assert!(counted.is_ok(), "the output exists");
    total
}
