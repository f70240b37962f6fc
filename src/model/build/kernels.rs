//! Kernels, each shared part once.

use std::sync::Arc;

use super::Build;
use crate::ir::Rearrangement;
use crate::kernel::{ConcreteKernel, Shape};
use crate::model::error::ModelError;
use crate::model::kernel::{Change, Join, Kernel, KernelNode};
use crate::model::pair::Pair;
use crate::operator::gather::index;
use crate::resolve::build::value::{Array, Role};
use crate::resolve::build::{Amount, Builder};
use crate::source::Span;

impl Build {
    /// A kernel; the same value in several places is built once.
    pub(super) fn kernel(&mut self, kernel: &Kernel, at: Span) -> Option<Array> {
        let key = Arc::as_ptr(&kernel.node);
        if let Some(array) = self.kernels.get(&key) {
            return Some(array.clone());
        }
        let array = self.new_kernel(&kernel.node, at)?;
        self.kernels.insert(key, array.clone());
        Some(array)
    }

    fn new_kernel(&mut self, node: &KernelNode, at: Span) -> Option<Array> {
        match node {
            KernelNode::Invalid(error) => self.wrong(error.clone()),
            KernelNode::Free { name, extents } => self.free(name, extents, at),
            KernelNode::Given { extents, values } => {
                let (shape, role) = self.shape(extents, at)?;
                self.builder.concrete(ConcreteKernel::from_rationals(shape, values), role, at)
            }
            KernelNode::Image { size: [channels, height, width], values } => {
                let (shape, _) = self.shape(&[*channels, 1, *height, *width], at)?;
                self.builder.concrete(ConcreteKernel::from_rationals(shape, values), Role::Image, at)
            }
            KernelNode::Applied(stack, image) => {
                let (value, image) = (self.stack(stack)?, self.kernel(image, at)?);
                self.builder.apply(&value, (&image, at), at)
            }
            KernelNode::Filled { extents, value } => {
                let (shape, _) = self.shape(extents, at)?;
                self.builder.filled(shape, *value, at)
            }
            KernelNode::Box(size) => {
                let size = self.pair(*size, Amount::BOX, at)?;
                self.builder.box_kernel(size, at)
            }
            KernelNode::Delta { size, at: Pair([row, column]) } => {
                let [height, width] = self.pair(*size, Amount::EXTENT, at)?;
                let row = self.count(*row, Amount::below(height, "the row"), at)?;
                let column = self.count(*column, Amount::below(width, "the column"), at)?;
                let kernel = ConcreteKernel::delta(height, width, row, column);
                self.builder.concrete(kernel, Role::Kernel, at)
            }
            KernelNode::Eye(channels) => {
                let channels = self.count(*channels, Amount::CHANNELS, at)?;
                self.builder.concrete(ConcreteKernel::identity(channels), Role::Kernel, at)
            }
            KernelNode::Join(join, left, right) => {
                let (a, b) = (self.kernel(left, at)?, self.kernel(right, at)?);
                self.joined(*join, &a, &b, at)
            }
            KernelNode::Change(change, inner) => {
                let array = self.kernel(inner, at)?;
                self.changed(*change, &array, at)
            }
            KernelNode::OfStack(stack) => {
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
                self.builder.pad(array, sides.map(|ends| ends.map(index)), at)
            }
            Change::Trim => self.builder.trim(array, at),
            Change::Flip => self.builder.flip(array, at),
            Change::Transpose => self.builder.transpose(array, at),
            Change::SwapChannels => self.builder.rearranged(array, Rearrangement::SwapChannels, at),
            Change::Ungroup(groups) => {
                let groups = self.size(groups, Amount::GROUPS, at)?;
                self.builder.ungroup(array, groups, at, at)
            }
            Change::Channels { outputs, from, to } => {
                let shape = array.shape();
                let count = if outputs { shape.outputs } else { shape.inputs };
                let from = self.size(from, Amount::channels(count, 0).0, at)?;
                let to = self.size(to, Amount::channels(count, from).1, at)?;
                let range = [from, to];
                let how = if outputs { Rearrangement::Outputs(range) } else { Rearrangement::Inputs(range) };
                self.builder.rearranged(array, how, at)
            }
            Change::ChannelSums { outputs } => self.builder.channel_sums(array, outputs, at),
        }
    }
}
