//! From values of Rust to the intermediate form, through the builder that the spec language uses too: every check is
//! there. The only part of `model` that knows places and the form of stacks.
//!
//! A place of a model is the line of a layer in a listing of its layers, which messages and derivations quote. The
//! listing is written, never read.

use std::collections::HashMap;
use std::sync::Arc;

use super::claim::{Claim, Side};
use super::condition::{self, Condition, ConditionNode, Length};
use super::error::ModelError;
use super::kernel::{self, Change, Join, Kernel};
use super::layers::{AvgPool, Convolution, MaxPool, Plain};
use super::pair::{Padding, Pair, Sides};
use super::stack::{self, Stack};
use super::{Rational, listing};
use crate::ir::{self, Layer, Span, StackClaim, Tolerance, Upsample};
use crate::kernel::{ConcreteKernel, Shape};
use crate::operator::gather::index;
use crate::resolve::build::conditions::SizeTerm;
use crate::resolve::build::layers::{Movement, Statistics, Weights};
use crate::resolve::build::value::{Array, Role, StackValue};
use crate::resolve::build::{Amount, Builder};
use crate::source::Source;

/// What a claim is about once it is built.
pub(super) enum Built {
    /// Two stacks.
    Stacks(StackClaim),
    /// Two kernels.
    Kernels(ir::KernelTerm, ir::KernelTerm),
}

/// Builds one claim.
#[derive(Default)]
pub(super) struct Build {
    pub(super) builder: Builder,
    listing: String,
    names: HashMap<String, (Vec<usize>, Array)>,
    kernels: HashMap<*const kernel::Node, Array>,
    stacks: HashMap<*const stack::Node, StackValue>,
    mistake: Option<ModelError>,
}

impl Build {
    /// The claim, or the first mistake.
    pub(super) fn claim(&mut self, claim: &Claim) -> Result<Built, ModelError> {
        let built = self.sides(claim);
        let source = self.source();
        if let Some(mistake) = self.mistake.take() {
            return Err(mistake);
        }
        match (built, self.builder.errors.first()) {
            (Some(built), None) => Ok(built),
            (_, Some(error)) => Err(ModelError::of_diagnostic(&error.diagnostic(), &source)),
            (None, None) => Err(ModelError::TooDeep),
        }
    }

    /// The listing of all layers so far.
    pub(super) fn source(&self) -> Source {
        Source::new("model", self.listing.as_str())
    }

    fn sides(&mut self, claim: &Claim) -> Option<Built> {
        match (&claim.left, &claim.right) {
            (Side::Stack(left), Side::Stack(right)) => self.stacks(claim, left, right).map(Built::Stacks),
            (Side::Kernel(left), Side::Kernel(right)) => {
                if let Some(clause) = claim.clause() {
                    return self.wrong(ModelError::Clause(clause));
                }
                let left = self.kernel(left, Span::default())?;
                let right = self.kernel(right, Span::default())?;
                Some(Built::Kernels(left.term, right.term))
            }
            _ => self.wrong(ModelError::Mixed),
        }
    }

    fn stacks(&mut self, claim: &Claim, left: &Stack, right: &Stack) -> Option<StackClaim> {
        let (a, b) = (self.stack(left)?, self.stack(right)?);
        let (at, bt) = (a.stack.span, b.stack.span);
        let size = match claim.on {
            None => None,
            Some(Pair(size)) => Some([
                self.whole(size[0], Amount::INPUT_SIZE, at)?,
                self.whole(size[1], Amount::INPUT_SIZE, at)?,
            ]),
        };
        let condition = match &claim.when {
            None => None,
            Some(condition) => Some(self.condition(condition, at)?),
        };
        let sizes = self.builder.sizes(size, condition, at)?;
        let tolerance = match &claim.within {
            None => None,
            Some((bound, range)) => {
                let (Some(bound), Some(range)) = (bound.clone(), range.clone()) else {
                    return self.wrong(ModelError::NotFinite);
                };
                let bound = self.builder.not_negative(bound, "the bound", at)?;
                Some(Tolerance { bound, range: self.builder.not_negative(range, "the range", at)? })
            }
        };
        self.builder.stack_claim((&a, at), (&b, bt), tolerance, sizes, at)
    }

    /// Notes a mistake that only this front end knows.
    fn wrong<T>(&mut self, error: ModelError) -> Option<T> {
        self.mistake.get_or_insert(error);
        None
    }

    /// Writes a line of the listing; its place is what it is about.
    fn place(&mut self, stack: &Stack) -> Span {
        let start = self.listing.len();
        self.listing.push_str(&listing::stack(stack));
        let span = Span::new(start, self.listing.len());
        self.listing.push('\n');
        span
    }

    fn whole(&mut self, n: i64, amount: Amount, at: Span) -> Option<i64> {
        self.builder.integer(&Rational::from(n), amount, at)
    }

    fn count(&mut self, n: i64, amount: Amount, at: Span) -> Option<usize> {
        self.whole(n, amount, at).map(index)
    }

    /// A number of things as Rust counts them.
    fn size(&mut self, n: usize, amount: Amount, at: Span) -> Option<usize> {
        self.count(i64::try_from(n).unwrap_or(i64::MAX), amount, at)
    }

    fn pair(&mut self, Pair([vertical, horizontal]): Pair, amount: Amount, at: Span) -> Option<[usize; 2]> {
        Some([self.count(vertical, amount, at)?, self.count(horizontal, amount, at)?])
    }

    fn four(&mut self, Sides(sides): Sides, amount: Amount, at: Span) -> Option<[i64; 4]> {
        for side in sides {
            self.whole(side, amount, at)?;
        }
        Some(sides)
    }

    fn padding(&mut self, padding: Padding, amount: Amount, at: Span) -> Option<ir::Padding> {
        Some(match padding {
            Padding::Sides(sides) => ir::Padding::Sides(self.four(sides, amount, at)?),
            Padding::Same => ir::Padding::SameUpper,
            Padding::SameLower => ir::Padding::SameLower,
        })
    }

    /// A kernel; the same value in several places is built once.
    fn kernel(&mut self, kernel: &Kernel, at: Span) -> Option<Array> {
        let key = Arc::as_ptr(&kernel.node);
        if let Some(array) = self.kernels.get(&key) {
            return Some(array.clone());
        }
        let array = self.new_kernel(&kernel.node, at)?;
        self.kernels.insert(key, array.clone());
        Some(array)
    }

    fn new_kernel(&mut self, node: &kernel::Node, at: Span) -> Option<Array> {
        use kernel::Node;
        match node {
            Node::Invalid(error) => self.wrong(error.clone()),
            Node::Free { name, extents } => self.free(name, extents, at),
            Node::Given { extents, values } => {
                let (shape, role) = self.shape(extents, at)?;
                self.builder.concrete(ConcreteKernel::from_rationals(shape, values), role, at)
            }
            Node::Image { size: [channels, height, width], values } => {
                let (shape, _) = self.shape(&[*channels, 1, *height, *width], at)?;
                self.builder.concrete(ConcreteKernel::from_rationals(shape, values), Role::Image, at)
            }
            Node::Applied(stack, image) => {
                let (value, image) = (self.stack(stack)?, self.kernel(image, at)?);
                self.builder.apply(&value, (&image, at), at)
            }
            Node::Filled { extents, value } => {
                let (shape, _) = self.shape(extents, at)?;
                self.builder.filled(shape, *value, at)
            }
            Node::Box(size) => {
                let size = self.pair(*size, Amount::BOX, at)?;
                self.builder.box_kernel(size, at)
            }
            Node::Delta { size, at: Pair([row, column]) } => {
                let [height, width] = self.pair(*size, Amount::EXTENT, at)?;
                let row = self.count(*row, Amount::below(height, "the row"), at)?;
                let column = self.count(*column, Amount::below(width, "the column"), at)?;
                let kernel = ConcreteKernel::delta(height, width, row, column);
                self.builder.concrete(kernel, Role::Kernel, at)
            }
            Node::Eye(channels) => {
                let channels = self.count(*channels, Amount::CHANNELS, at)?;
                self.builder.concrete(ConcreteKernel::identity(channels), Role::Kernel, at)
            }
            Node::Join(join, left, right) => {
                let (a, b) = (self.kernel(left, at)?, self.kernel(right, at)?);
                self.joined(*join, &a, &b, at)
            }
            Node::Change(change, inner) => {
                let array = self.kernel(inner, at)?;
                self.changed(*change, &array, at)
            }
            Node::OfStack(stack) => {
                let value = self.stack(stack)?;
                let value = self.builder.finished(value)?;
                self.builder.single_kernel(&value.stack, at)
            }
        }
    }

    fn free(&mut self, name: &str, extents: &[usize], at: Span) -> Option<Array> {
        if let Some((first, array)) = self.names.get(name) {
            if first == extents {
                return Some(array.clone());
            }
            let (first, second) = (first.clone(), extents.to_vec());
            return self.wrong(ModelError::NameClash { name: name.to_owned(), first, second });
        }
        if !crate::syntax::is_name(name) {
            return self.wrong(ModelError::Name(name.to_owned()));
        }
        let (shape, _) = self.shape(extents, at)?;
        let array = self.builder.free(name, shape, extents.len(), at)?;
        self.names.insert(name.to_owned(), (extents.to_vec(), array.clone()));
        Some(array)
    }

    /// The shape of an array and what it was written as.
    fn shape(&mut self, extents: &[usize], at: Span) -> Option<(Shape, Role)> {
        for &extent in extents {
            self.size(extent, Amount::EXTENT, at)?;
        }
        let (shape, role) = match *extents {
            [] => (Shape::plane(1, 1), Role::Scalar),
            [n] => (Shape::plane(1, n), Role::Row),
            [height, width] => (Shape::plane(height, width), Role::Kernel),
            [outputs, inputs, height, width] => (Shape { outputs, inputs, height, width }, Role::Kernel),
            _ => return self.wrong(ModelError::Extents { extents: extents.to_vec(), values: None }),
        };
        Some((self.builder.shape(shape, at)?, role))
    }

    fn joined(&mut self, join: Join, a: &Array, b: &Array, at: Span) -> Option<Array> {
        let (left, right) = ((a, at), (b, at));
        let builder = &mut self.builder;
        match join {
            Join::Add => builder.add(left, right, false, at),
            Join::Subtract => builder.add(left, right, true, at),
            Join::Convolve => builder.multiply(left, right, at),
            Join::Divide => builder.divide(left, right, at),
            Join::Hadamard => builder.hadamard(left, right, at),
            Join::Outer => builder.outer(left, right, at),
            Join::ScaleRows => builder.scale_channels(true, left, right, at),
            Join::ScaleColumns => builder.scale_channels(false, left, right, at),
        }
    }

    fn changed(&mut self, change: Change, array: &Array, at: Span) -> Option<Array> {
        match change {
            Change::Negate => self.builder.negative(array, at),
            Change::Power(n) => {
                let n = self.whole(n, Builder::exponents(array), at)?;
                self.builder.kernel_power((array, at), n, at, at)
            }
            Change::Sqrt => self.builder.sqrt(array, at, at),
            Change::Sum => self.builder.sum(array, at),
            Change::Entry(position) => self.builder.entry(array, position, at),
            Change::Repeat(by) => {
                let by = self.pair(by, Amount::FACTOR, at)?;
                self.builder.repeat(array, by, at)
            }
            Change::Dilate(by) => {
                let by = self.pair(by, Amount::FACTOR, at)?;
                self.builder.dilate(array, by, at)
            }
            Change::Pad(sides) => {
                let sides = self.four(sides, Amount::ADDED_PADDING, at)?;
                self.builder.pad(array, sides.map(index), at)
            }
            Change::Trim => self.builder.trim(array, at),
            Change::Flip => self.builder.flip(array, at),
            Change::Transpose => self.builder.transpose(array, at),
        }
    }

    /// A stack; the same value in several places is built once.
    fn stack(&mut self, stack: &Stack) -> Option<StackValue> {
        let key = Arc::as_ptr(&stack.node);
        if let Some(value) = self.stacks.get(&key) {
            return Some(value.clone());
        }
        let at = self.place(stack);
        let value = self.new_stack(&stack.node, at)?;
        self.stacks.insert(key, value.clone());
        Some(value)
    }

    fn new_stack(&mut self, node: &stack::Node, at: Span) -> Option<StackValue> {
        use stack::Node;
        match node {
            Node::Invalid(error) => self.wrong(error.clone()),
            Node::Plain(layer) => self.plain(*layer, at),
            Node::Conv(conv) => {
                let padding = self.padding(conv.padding, Amount::PADDING, at)?;
                self.convolution(&conv.weights, at, |builder, weights, stride, dilation| {
                    builder.conv(weights, Movement { stride, dilation, padding }, at)
                })
            }
            Node::ConvTranspose(conv) => {
                let padding = self.four(conv.padding, Amount::PADDING, at)?;
                let extra = self.pair(conv.output_padding, Amount::OUTPUT_PADDING, at)?;
                self.convolution(&conv.weights, at, |builder, weights, stride, dilation| {
                    builder.convtranspose(weights, Movement { stride, dilation, padding }, (extra, at), at)
                })
            }
            Node::AvgPool(pool) => self.avgpool(pool, at),
            Node::MaxPool(pool) => self.maxpool(pool, at),
            Node::Dense(dense) => {
                let matrix = self.kernel(&dense.matrix, at)?;
                let bias = self.optional(dense.bias.as_ref(), at)?;
                let flat = self.builder.flatten(at);
                let layer = self.builder.dense((&matrix, at), bias.as_ref().map(|bias| (bias, at)), at)?;
                self.builder.then(&flat, &layer, at)
            }
            Node::Scale(factors) => {
                let factors = self.kernel(factors, at)?;
                self.builder.scale((&factors, at), at)
            }
            Node::Bias(summands) => {
                let summands = self.kernel(summands, at)?;
                self.builder.bias((&summands, at), at)
            }
            Node::BatchNorm(vectors, eps) => self.batchnorm(vectors, eps.as_ref(), at),
            Node::Chain(links) => {
                let mut chain = self.builder.identity(at);
                for link in links {
                    let link = self.stack(link)?;
                    chain = self.builder.then(&chain, &link, at)?;
                }
                Some(chain)
            }
            Node::Power(inner, n) => {
                let inner = self.stack(inner)?;
                let n = self.count(*n, Builder::repetitions(&inner), at)?;
                self.builder.repeated(&inner, n, at)
            }
            Node::Add(left, right) => self.sum(left, right, false, at),
            Node::Subtract(left, right) => self.sum(left, right, true, at),
            Node::Times(factor, inner) => {
                let (factor, inner) = (self.kernel(factor, at)?, self.stack(inner)?);
                self.builder.scaled((&factor, at), &inner, at)
            }
            Node::Over(inner, divisor) => {
                let (divisor, inner) = (self.kernel(divisor, at)?, self.stack(inner)?);
                self.builder.divided(&inner, (&divisor, at), at)
            }
            Node::Concat(branches) => {
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
            Plain::Relu => Layer::Relu,
            Plain::GlobalAverage => Layer::GlobalAverage,
            Plain::Subsample(n) => Layer::Subsample(self.pair(n, Amount::STRIDE, at)?),
            Plain::Pad(sides) => Layer::Pad(self.four(sides, Amount::PADDING, at)?),
            Plain::Crop(sides) => Layer::Pad(self.four(sides, Amount::PADDING, at)?.map(|side| -side)),
            Plain::Upsample { factor, nearest } => {
                Layer::Upsample(Upsample { factor: self.pair(factor, Amount::FACTOR, at)?, nearest })
            }
            Plain::SpaceToDepth(n) => Layer::SpaceToDepth(self.size(n, Amount::BLOCK, at)?),
            Plain::DepthToSpace(n) => Layer::DepthToSpace(self.size(n, Amount::BLOCK, at)?),
            Plain::Select { from, to } => {
                let from = self.size(from, Amount::FIRST_CHANNEL, at)?;
                Layer::Select { from, to: self.size(to, Amount::end_of_channels(from), at)? }
            }
        };
        Some(self.builder.layer(layer, at))
    }

    fn optional(&mut self, kernel: Option<&Kernel>, at: Span) -> Option<Option<Array>> {
        kernel.map_or(Some(None), |kernel| self.kernel(kernel, at).map(Some))
    }

    fn convolution(
        &mut self,
        conv: &Convolution,
        at: Span,
        make: impl FnOnce(&mut Builder, Weights<'_>, [usize; 2], [usize; 2]) -> Option<StackValue>,
    ) -> Option<StackValue> {
        let stride = self.pair(conv.stride, Amount::STRIDE, at)?;
        let dilation = self.pair(conv.dilation, Amount::DILATION, at)?;
        let groups = self.size(conv.groups, Amount::GROUPS, at)?;
        let kernel = self.kernel(&conv.kernel, at)?;
        let bias = self.optional(conv.bias.as_ref(), at)?;
        let weights = Weights {
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
        let padding = self.four(pool.padding, Amount::ADDED_PADDING, at)?;
        self.builder.maxpool(ir::MaxPool { size, stride, padding }, at, at)
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

    fn condition(&mut self, condition: &Condition, at: Span) -> Option<ir::SizeCondition> {
        use ir::SizeCondition as S;
        Some(match &condition.node {
            ConditionNode::TooDeep => return self.wrong(ModelError::TooDeep),
            ConditionNode::Compare(left, order, right) => {
                let (left, right) = (self.length(left, at)?, self.length(right, at)?);
                self.builder.size_comparison(left, *order, right, at)?
            }
            ConditionNode::And(both) => {
                S::And(Box::new(self.condition(&both[0], at)?), Box::new(self.condition(&both[1], at)?))
            }
            ConditionNode::Or(both) => {
                S::Or(Box::new(self.condition(&both[0], at)?), Box::new(self.condition(&both[1], at)?))
            }
            ConditionNode::Not(inner) => S::Not(Box::new(self.condition(inner, at)?)),
        })
    }

    fn length(&mut self, length: &Length, at: Span) -> Option<SizeTerm> {
        match &length.node {
            condition::Node::TooDeep => self.wrong(ModelError::TooDeep),
            condition::Node::Height => Some(SizeTerm::height()),
            condition::Node::Width => Some(SizeTerm::width()),
            condition::Node::Number(n) => self.whole(*n, SizeTerm::CONSTANT, at).map(SizeTerm::constant),
            condition::Node::Join(operator, both) => {
                let (left, right) = (self.length(&both[0], at)?, self.length(&both[1], at)?);
                self.builder.size_term(*operator, left, (right, at), at)
            }
        }
    }
}
