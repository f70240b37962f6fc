//! Numbers that stacks have: stride, kernel size, output size, parameters, multiplications; and their single
//! kernel.

use num_bigint::BigInt;

use super::Resolver;
use super::arguments::Bound;
use super::error::{Limit, ResolveErrorKind};
use super::expression::number_array;
use super::value::{Array, Role, Value};
use crate::source::Span;
use convproof_engine::ir::{KernelExpr, Layer, Quantity, Stack, StackKind};
use convproof_engine::kernel::Kernel;
use convproof_engine::operator::gather::{index, signed};
use convproof_engine::operator::geometry::{self, GeometryError};
use convproof_engine::operator::shape::{self, Signal};
use convproof_engine::operator::{Affine, Node, Operators, Part};
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
            "kernel" => self.single_kernel(stack, span).map(Value::Array),
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
                    Err(error) => return self.operator(&error, &[stack], span),
                };
                let output = match shape::after(stack, Signal::input(channels), Some(size)) {
                    Ok(signal) => signal.at(size),
                    Err(error) => return self.operator(&error, &[stack], span),
                };
                let Some(output) = output else {
                    let layer = failing_layer(stack, channels, size);
                    return self.fail(span, ResolveErrorKind::NoOutput { size: Some(size), layer });
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
                return self.fail(layer, ResolveErrorKind::TooLarge(Limit::Extents));
            }
        };
        self.fail(span, ResolveErrorKind::NoQuantity { quantity, reason, layer })
    }

    /// `kernel(S)`: the kernel that a stack is far from borders, with the extent that its layers have together.
    fn single_kernel(&mut self, stack: &std::sync::Arc<Stack>, span: Span) -> Option<Array> {
        let normal = shape::input_channels(&[stack]).and_then(|channels| {
            let mut operators = Operators::without_borders(channels);
            let input = operators.input().map_err(|error| {
                convproof_engine::operator::OperatorError::Kernel { at: stack.span, error }
            })?;
            Ok((operators.apply(stack, input)?, operators, channels))
        });
        let (affine, operators, channels) = match normal {
            Ok(normal) => normal,
            Err(error) => return self.operator(&error, &[stack], span),
        };
        let outputs = affine.channels;
        let kernel = match single_part(&operators, &affine) {
            Err(reason) => return self.fail(span, ResolveErrorKind::NoSingleKernel(reason)),
            Ok(None) => convproof_engine::kernel::ConcreteKernel::zeros(
                convproof_engine::kernel::Shape::new(outputs, channels, 1, 1),
            )
            .map(|kernel| (Kernel::from(kernel), [0, 0])),
            Ok(Some(part)) => {
                let offset = [0, 1].map(|axis| {
                    let axis = &part.gather.axes[axis];
                    -axis.offset - axis.same.map_or(0, geometry::nominal_before)
                });
                Ok((part.gather.kernel.clone(), offset))
            }
        };
        let kernel = kernel.and_then(|(kernel, offset)| match geometry::fields(stack) {
            Ok(fields) => {
                let size = [kernel.shape().height, kernel.shape().width].map(signed);
                let zero = kernel.is_zero();
                let before = [0, 1].map(|axis| if zero { 0 } else { offset[axis] - fields[axis].first });
                let after = [0, 1].map(|axis| fields[axis].extent() - before[axis] - size[axis]);
                kernel.pad([before[0], before[1], after[0], after[1]].map(index))
            }
            Err(_) => Ok(kernel),
        });
        self.made(kernel, KernelExpr::OfStack(stack.clone()), Role::Kernel, 0, span)
    }
}

/// The only part of an affine map without bias, `None` for the zero map, or what is in the way.
fn single_part<'a>(operators: &Operators, affine: &'a Affine) -> Result<Option<&'a Part>, &'static str> {
    if !affine.bias.is_empty() {
        return Err("it adds a bias");
    }
    match affine.parts.as_slice() {
        [] => Ok(None),
        [part] if part.source != 0 => Err(node_reason(operators, part)),
        [part] if part.gather.axes.iter().any(|axis| axis.up != 1) => Err("it upsamples"),
        [part] => Ok(Some(part)),
        _ => Err("its branches do not move alike"),
    }
}

/// Why a node other than the input is read by the last layers of a stack.
fn node_reason(operators: &Operators, part: &Part) -> &'static str {
    let gather = &part.gather;
    match operators.node(part.source) {
        Node::Cut(_) if gather.axes.iter().any(|axis| axis.same.is_some()) => {
            "SAME padding with a stride stands after a layer that changes the size; write that padding as numbers"
        }
        Node::Cut(inner) if !inner.bias.is_empty() => "it adds a bias",
        Node::Cut(_) => "an upsampling stands after a stride, or its kernels multiply to too many terms",
        _ => "a layer in it is nonlinear or averages over parts of windows",
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
    let bias =
        |bias: &Option<convproof_engine::ir::KernelTerm>| bias.as_ref().map_or(0, |bias| bias.len() as u128);
    match &stack.kind {
        StackKind::Layer(layer) => match layer {
            Layer::Conv(conv) => conv.kernel.len() as u128 + bias(&conv.bias),
            Layer::ConvTranspose(conv) => conv.kernel.len() as u128 + bias(&conv.bias),
            Layer::Dense { weights, bias: own } => weights.len() as u128 + bias(own),
            Layer::Scale(vector) | Layer::Bias(vector) => vector.len() as u128,
            _ => 0,
        },
        StackKind::Chain(links) => links.iter().map(|link| parameters(link)).sum(),
        StackKind::Sum(branches) => branches.iter().map(|(_, branch)| parameters(branch)).sum(),
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

/// The first layer that leaves no output, and the size that reaches it.
pub(super) fn failing_layer(stack: &Stack, channels: usize, size: [i64; 2]) -> Option<(Span, [i64; 2])> {
    let after = |stack: &Stack, channels, size| {
        let signal = shape::after(stack, Signal::input(channels), Some(size)).ok()?;
        Some((signal.channels, signal.at(size)))
    };
    match &stack.kind {
        StackKind::Layer(_) => match after(stack, channels, size)? {
            (_, None) => Some((stack.span, size)),
            _ => None,
        },
        StackKind::Chain(links) => {
            let (mut channels, mut size) = (channels, size);
            for link in links {
                match after(link, channels, size)? {
                    (next, Some(output)) => (channels, size) = (next, output),
                    (_, None) => return failing_layer(link, channels, size),
                }
            }
            None
        }
        StackKind::Sum(branches) => {
            branches.iter().find_map(|(_, branch)| failing_layer(branch, channels, size))
        }
        StackKind::Concat(branches) => {
            branches.iter().find_map(|branch| failing_layer(branch, channels, size))
        }
    }
}
