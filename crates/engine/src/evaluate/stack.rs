//! Stacks: chains, sums and joined channels of layers.

use super::evaluator::Evaluator;
use super::{EvaluateError, Image};
use crate::ir::{Stack, StackKind};
use convproof_exact::Rational;

type Result<T> = std::result::Result<T, EvaluateError>;

impl<'a> Evaluator<'a> {
    /// What a stack makes of an image.
    pub(super) fn stack(&mut self, stack: &'a Stack, image: &Image) -> Result<Image> {
        self.deeper(|this| match &stack.kind {
            StackKind::Layer(layer) => this.layer(layer, image),
            StackKind::Chain(stacks) => {
                let Some((first, rest)) = stacks.split_first() else {
                    return Image::build(&mut this.work, image.size(), |_, [c, i, j]| {
                        Ok(image.at(c, i, j).clone())
                    });
                };
                let mut image = this.stack(first, image)?;
                for stack in rest {
                    let next = this.stack(stack, &image)?;
                    this.discard(std::mem::replace(&mut image, next));
                }
                Ok(image)
            }
            StackKind::Sum(terms) => {
                let mut outputs = Vec::with_capacity(terms.len());
                for (factor, stack) in terms {
                    outputs.push((this.scalar(factor.expr())?, this.stack(stack, image)?));
                }
                let (_, first) = outputs.first().ok_or(EvaluateError::Malformed)?;
                for (_, output) in &outputs {
                    if output.size() != first.size() {
                        return Err(EvaluateError::SizeMismatch { left: first.size(), right: output.size() });
                    }
                }
                let sum = Image::build(&mut this.work, first.size(), |work, [c, i, j]| {
                    let mut total = Rational::ZERO;
                    for (factor, output) in &outputs {
                        work.add_product(&mut total, factor, output.at(c, i, j))?;
                    }
                    Ok(total)
                });
                outputs.into_iter().for_each(|(_, output)| this.discard(output));
                sum
            }
            StackKind::Product([left, right]) => {
                let (a, b) = (this.stack(left, image)?, this.stack(right, image)?);
                if a.channels() != b.channels() {
                    let (expected, found) = (a.channels(), b.channels());
                    return Err(EvaluateError::ChannelMismatch { expected, found });
                }
                if a.size() != b.size() {
                    return Err(EvaluateError::SizeMismatch { left: a.size(), right: b.size() });
                }
                let product = Image::build(&mut this.work, a.size(), |work, [c, i, j]| {
                    work.multiply(a.at(c, i, j), b.at(c, i, j))
                });
                this.discard(a);
                this.discard(b);
                product
            }
            StackKind::Concat(stacks) => {
                let mut outputs: Vec<Image> = Vec::with_capacity(stacks.len());
                for stack in stacks {
                    outputs.push(this.stack(stack, image)?);
                }
                let first = outputs.first().ok_or(EvaluateError::Malformed)?;
                let [_, height, width] = first.size();
                for output in &outputs {
                    if [output.height(), output.width()] != [height, width] {
                        return Err(EvaluateError::SizeMismatch { left: first.size(), right: output.size() });
                    }
                }
                let planes: Vec<(&Image, usize)> = outputs
                    .iter()
                    .flat_map(|output| (0..output.channels()).map(move |channel| (output, channel)))
                    .collect();
                let joined = Image::build(&mut this.work, [planes.len(), height, width], |_, [c, i, j]| {
                    let (output, channel) = planes[c];
                    Ok(output.at(channel, i, j).clone())
                });
                outputs.into_iter().for_each(|output| this.discard(output));
                joined
            }
        })
    }
}
