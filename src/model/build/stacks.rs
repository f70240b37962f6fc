//! Stacks, each shared part once.

use std::sync::Arc;

use super::Build;
use crate::ir::{self, Layer, Named};
use crate::model::kernel::Kernel;
use crate::model::layers::{AvgPool, Convolution, MaxPool, Plain};
use crate::model::listing;
use crate::model::pair::Pair;
use crate::model::stack::{Stack, StackNode};
use crate::resolve::build::layers::{ConvWeights, Movement, Statistics};
use crate::resolve::build::value::{Array, StackValue};
use crate::resolve::build::{Amount, Builder};
use crate::source::Span;

impl Build {
    /// A stack; the same value in several places is built once.
    pub(super) fn stack(&mut self, stack: &Stack) -> Option<StackValue> {
        let key = Arc::as_ptr(&stack.node);
        if let Some(value) = self.stacks.get(&key) {
            return Some(value.clone());
        }
        let at = self.line(&listing::stack(stack));
        let value = self.new_stack(&stack.node, at)?;
        self.stacks.insert(key, value.clone());
        Some(value)
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of stack")]
    fn new_stack(&mut self, node: &StackNode, at: Span) -> Option<StackValue> {
        match node {
            StackNode::Invalid(error) => self.wrong(error.clone()),
            StackNode::Plain(layer) => self.plain(*layer, at),
            StackNode::Named(named, numbers) => self.named(named, numbers, at),
            StackNode::Conv(conv) => {
                let padding = self.padding(conv.padding, Amount::PADDING, at)?;
                let mode = conv.padding_mode;
                self.convolution(&conv.weights, at, |builder, weights, stride, dilation| {
                    let moves = Movement { stride, dilation, padding };
                    match mode {
                        None => builder.conv(weights, moves, at),
                        Some(mode) => builder.conv_with_mode(weights, moves, mode, at, at),
                    }
                })
            }
            StackNode::ConvTranspose(conv) => {
                let padding = self.padding(conv.padding, Amount::PADDING, at)?;
                let extra = self.pair(conv.output_padding, Amount::OUTPUT_PADDING, at)?;
                self.convolution(&conv.weights, at, |builder, weights, stride, dilation| {
                    let kernel = weights.kernel.0;
                    let (padding, fixed) = Builder::transposed_padding(kernel, stride, dilation, padding);
                    let extra = if fixed == [0, 0] { extra } else { fixed };
                    builder.convtranspose(weights, Movement { stride, dilation, padding }, (extra, at), at)
                })
            }
            StackNode::AvgPool(pool) => self.avgpool(pool, at),
            StackNode::MaxPool(pool) => self.maxpool(pool, at),
            StackNode::Dense(dense) => {
                let matrix = self.kernel(&dense.matrix, at)?;
                let bias = self.optional(dense.bias.as_ref(), at)?;
                let flat = self.builder.flatten(at);
                let layer = self.builder.dense((&matrix, at), bias.as_ref().map(|bias| (bias, at)), at)?;
                self.builder.then(&flat, &layer, at)
            }
            StackNode::Own(layer) => self.own(layer, at),
            StackNode::Scale(factors) => {
                let factors = self.kernel(factors, at)?;
                self.builder.scale((&factors, at), at)
            }
            StackNode::Bias(summands) => {
                let summands = self.kernel(summands, at)?;
                self.builder.bias((&summands, at), at)
            }
            StackNode::BatchNorm(vectors, eps) => self.batchnorm(vectors, eps.as_ref(), at),
            StackNode::Chain(links) => {
                let mut chain = self.builder.identity(at);
                for link in links {
                    let link = self.stack(link)?;
                    chain = self.builder.then(&chain, &link, at)?;
                }
                Some(chain)
            }
            StackNode::Power(inner, n) => {
                let inner = self.stack(inner)?;
                let n = self.count(*n, Builder::repetitions(&inner), at)?;
                self.builder.repeated(&inner, n, at)
            }
            StackNode::Add(left, right) => self.sum(left, right, false, at),
            StackNode::Subtract(left, right) => self.sum(left, right, true, at),
            StackNode::Times(factor, inner) => {
                let (factor, inner) = (self.kernel(factor, at)?, self.stack(inner)?);
                self.builder.scaled((&factor, at), &inner, at)
            }
            StackNode::Over(inner, divisor) => {
                let (divisor, inner) = (self.kernel(divisor, at)?, self.stack(inner)?);
                self.builder.divided(&inner, (&divisor, at), at)
            }
            StackNode::Product(left, right) => {
                let (left, right) = (self.stack(left)?, self.stack(right)?);
                self.builder.product_of(&left, &right, at)
            }
            StackNode::Concat(branches) => {
                let parts = branches.iter().map(|branch| self.stack(branch)).collect::<Option<Vec<_>>>()?;
                self.builder.concat(parts, at)
            }
        }
    }

    fn sum(&mut self, left: &Stack, right: &Stack, minus: bool, at: Span) -> Option<StackValue> {
        let (left, right) = (self.stack(left)?, self.stack(right)?);
        self.builder.sum_of(&left, &right, minus, at)
    }

    fn plain(&mut self, layer: Plain, at: Span) -> Option<StackValue> {
        let layer = match layer {
            Plain::Identity => return Some(self.builder.identity(at)),
            Plain::Pad(sides) => Layer::Pad(self.four(sides, Amount::PADDING, at)?),
            Plain::Crop(sides) => {
                Layer::Pad(self.four(sides, Amount::PADDING, at)?.map(|ends| ends.map(|side| -side)))
            }
            Plain::Select { from, to } => {
                let from = self.size(from, Amount::FIRST_CHANNEL, at)?;
                Layer::Select { from, to: self.size(to, Amount::end_of_channels(from), at)? }
            }
        };
        Some(self.builder.layer(layer, at))
    }

    fn named(&mut self, named: &Named, numbers: &[Pair], at: Span) -> Option<StackValue> {
        let given = named.numbers.iter().zip(numbers);
        let numbers = given.map(|(&number, &given)| self.pair(given, Amount::of(number), at));
        let layer = named.layer(&numbers.collect::<Option<Vec<_>>>()?)?;
        Some(self.builder.layer(layer, at))
    }

    fn optional(&mut self, kernel: Option<&Kernel>, at: Span) -> Option<Option<Array>> {
        kernel.map_or(Some(None), |kernel| self.kernel(kernel, at).map(Some))
    }

    fn convolution(
        &mut self,
        conv: &Convolution,
        at: Span,
        make: impl FnOnce(&mut Builder, ConvWeights<'_>, [usize; 2], [usize; 2]) -> Option<StackValue>,
    ) -> Option<StackValue> {
        let stride = self.pair(conv.stride, Amount::STRIDE, at)?;
        let dilation = self.pair(conv.dilation, Amount::DILATION, at)?;
        let groups = self.size(conv.groups, Amount::GROUPS, at)?;
        let kernel = self.kernel(&conv.kernel, at)?;
        let bias = self.optional(conv.bias.as_ref(), at)?;
        let weights = ConvWeights {
            kernel: (&kernel, at),
            bias: bias.as_ref().map(|bias| (bias, at)),
            groups: (groups, at),
        };
        make(&mut self.builder, weights, stride, dilation)
    }

    fn avgpool(&mut self, pool: &AvgPool, at: Span) -> Option<StackValue> {
        let size = self.pair(pool.size, Amount::WINDOW, at)?;
        let stride = self.pair(pool.stride.unwrap_or(pool.size), Amount::STRIDE, at)?;
        let padding = self.padding(pool.padding, Amount::ADDED_PADDING, at)?;
        let &AvgPool { average, count_include_pad, ceil_mode, .. } = pool;
        let pool = ir::AveragePool { average, size, stride, padding, count_include_pad, ceil_mode };
        self.builder.pool(pool, at, at)
    }

    fn maxpool(&mut self, pool: &MaxPool, at: Span) -> Option<StackValue> {
        let size = self.pair(pool.size, Amount::WINDOW, at)?;
        let stride = self.pair(pool.stride.unwrap_or(pool.size), Amount::STRIDE, at)?;
        let padding = self.padding(pool.padding, Amount::ADDED_PADDING, at)?;
        self.builder.maxpool(ir::MaxPool { size, stride, padding, ceil_mode: pool.ceil_mode }, at, at)
    }

    fn batchnorm(&mut self, vectors: &[Kernel; 4], eps: Option<&Kernel>, at: Span) -> Option<StackValue> {
        let [gamma, beta, mean, var] = vectors.each_ref().map(|vector| self.kernel(vector, at));
        let [gamma, beta, mean, var] = [gamma?, beta?, mean?, var?];
        let eps = self.optional(eps, at)?.unwrap_or_else(Builder::default_eps);
        let statistics = Statistics {
            gamma: (&gamma, at),
            beta: (&beta, at),
            mean: (&mean, at),
            var: (&var, at),
            eps: (&eps, at),
        };
        self.builder.batchnorm(&statistics, at)
    }
}
