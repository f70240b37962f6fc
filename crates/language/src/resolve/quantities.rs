//! Numbers that stacks have: stride, kernel size, output size, parameters, multiplications; and their single
//! kernel.

use num_bigint::BigInt;

use super::Resolver;
use super::arguments::Bound;
use super::build::arrays::number_array;
use super::build::error::{Limit, ResolveErrorKind};
use super::value::Value;
use crate::source::Span;
use convproof_engine::ir::{Composite, KernelTerm, Layer, Quantity, Stack, StackKind};
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
                let mut signal = (channels, size);
                Some(number(multiplications(stack, &mut signal)))
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
                return self.fail(self.build.place(layer, span), ResolveErrorKind::TooLarge(Limit::Extents));
            }
        };
        let layer = self.build.place(layer, span);
        self.fail(span, ResolveErrorKind::NoQuantity { quantity, reason, layer })
    }
}

fn constant(value: Rational) -> Quantity {
    Quantity::Poly(Poly::constant(value))
}

fn number(value: u128) -> Value {
    Value::Array(number_array(Rational::from(BigInt::from(value))))
}

/// Entries of kernels, biases and per-channel vectors.
fn parameters(stack: &Stack) -> u128 {
    let bias = |bias: &Option<KernelTerm>| bias.as_ref().map_or(0, |bias| bias.len() as u128);
    match &stack.kind {
        StackKind::Layer(layer) => match layer {
            Layer::Conv(conv) => conv.kernel.len() as u128 + bias(&conv.bias),
            Layer::ConvTranspose(conv) => conv.kernel.len() as u128 + bias(&conv.bias),
            Layer::Dense { weights, bias: own } => weights.len() as u128 + bias(own),
            Layer::Scale(vector) | Layer::Bias(vector) => vector.len() as u128,
            Layer::Composite(Composite::Pointwise(function)) => {
                function.weights().map_or(0, KernelTerm::len) as u128
            }
            _ => 0,
        },
        StackKind::Chain(links) => links.iter().map(|link| parameters(link)).sum(),
        StackKind::Sum(branches) => branches.iter().map(|(_, branch)| parameters(branch)).sum(),
        StackKind::Product(factors) => factors.iter().map(|factor| parameters(factor)).sum(),
        StackKind::Concat(branches) => branches.iter().map(|branch| parameters(branch)).sum(),
    }
}

/// Multiplications with weights, for an input whose output is known to exist; `signal` becomes the output's
/// channels and size.
fn multiplications(stack: &Stack, signal: &mut (usize, [i64; 2])) -> u128 {
    let before = *signal;
    match &stack.kind {
        StackKind::Layer(layer) => {
            let after = shape::after(stack, Signal::input(before.0), Some(before.1));
            if let Ok(after) = after {
                *signal = (after.channels, after.at(before.1).unwrap_or([0, 0]));
            }
            let area = |[height, width]: [i64; 2]| index(height) as u128 * index(width) as u128;
            match layer {
                Layer::Conv(conv) => area(signal.1) * conv.kernel.len() as u128,
                Layer::ConvTranspose(conv) => area(before.1) * conv.kernel.len() as u128,
                Layer::Dense { weights, .. } => weights.len() as u128,
                Layer::Scale(_) => area(signal.1) * signal.0 as u128,
                _ => 0,
            }
        }
        StackKind::Chain(links) => links.iter().map(|link| multiplications(link, signal)).sum(),
        StackKind::Sum(branches) => {
            let parts = branches.iter().map(|(_, branch)| &**branch);
            branch_multiplications(parts, signal, |_, channels| channels)
        }
        StackKind::Product(factors) => {
            let parts = factors.iter().map(|factor| &**factor);
            branch_multiplications(parts, signal, |_, channels| channels)
        }
        StackKind::Concat(branches) => {
            branch_multiplications(branches.iter().map(|branch| &**branch), signal, |sum, channels| {
                sum + channels
            })
        }
    }
}

fn branch_multiplications<'a>(
    branches: impl Iterator<Item = &'a Stack>,
    signal: &mut (usize, [i64; 2]),
    channels: impl Fn(usize, usize) -> usize,
) -> u128 {
    let (mut total, mut outputs, mut size) = (0, 0, signal.1);
    for branch in branches {
        let mut own = *signal;
        total += multiplications(branch, &mut own);
        (outputs, size) = (channels(outputs, own.0), own.1);
    }
    *signal = (outputs, size);
    total
}
