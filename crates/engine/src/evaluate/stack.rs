//! Stacks: layers, and their outputs added, multiplied and joined.

use std::rc::Rc;

use super::evaluator::Evaluator;
use super::image::BallImage as Image;
use super::total::Total;
use super::{Ball, EvaluateError};
use crate::ir::{Given, Op, Stack};

type Result<T> = std::result::Result<T, EvaluateError>;

impl<'a> Evaluator<'a> {
    /// What a stack makes of an image.
    pub(super) fn stack(&mut self, stack: &'a Stack, input: &Rc<Image>) -> Result<Image> {
        // The input is the caller's, who holds it as long as anything reads it.
        let output = stack.fold(input.clone(), |op, _| {
            let output = self.value(&op)?;
            op.reads().into_iter().filter_map(Rc::into_inner).for_each(|read| self.discard(read));
            Ok(Rc::new(output))
        })?;
        match Rc::try_unwrap(output) {
            Ok(output) => Ok(output),
            // There is no layer, and what comes out counts as made here.
            Err(image) => {
                Image::build(&mut self.work, image.size(), |_, [c, i, j]| Ok(image.at(c, i, j).clone()))
            }
        }
    }

    /// What a value is of what it reads.
    fn value(&mut self, op: &Given<'a, Rc<Image>>) -> Result<Image> {
        match op {
            Op::Layer(layer, image) => self.layer(layer, image),
            Op::Sum(terms) => {
                let mut outputs = Vec::new();
                for (factor, branch) in terms.iter() {
                    outputs.push((self.scalar(factor.expr())?, &*branch.of));
                }
                let first = same_sizes(outputs.iter().map(|(_, output)| *output))?;
                Image::build(&mut self.work, first, |work, [c, i, j]| {
                    let mut total = Total::new(&Ball::ZERO);
                    for (factor, output) in &outputs {
                        total.add_product(work, factor, output.at(c, i, j))?;
                    }
                    total.value(work)
                })
            }
            Op::Product([a, b]) => {
                let (a, b) = (&*a.of, &*b.of);
                if a.channels() != b.channels() {
                    let (expected, found) = (a.channels(), b.channels());
                    return Err(EvaluateError::ChannelMismatch { expected, found });
                }
                let size = same_sizes([a, b].into_iter())?;
                Image::build(&mut self.work, size, |work, [c, i, j]| {
                    work.multiply(a.at(c, i, j), b.at(c, i, j))
                })
            }
            Op::Broadcast([single, like]) => {
                let (single, like) = (&*single.of, &*like.of);
                if [single.height(), single.width()] != [1, 1] {
                    return Err(EvaluateError::SizeMismatch { left: single.size(), right: like.size() });
                }
                let size = [single.channels(), like.height(), like.width()];
                Image::build(&mut self.work, size, |_, [c, _, _]| Ok(single.at(c, 0, 0).clone()))
            }
            Op::Concat(parts) => {
                let parts: Vec<&Image> = parts.iter().map(|part| &*part.of).collect();
                let first = parts[0];
                let [_, height, width] = first.size();
                for part in &parts {
                    if [part.height(), part.width()] != [height, width] {
                        return Err(EvaluateError::SizeMismatch { left: first.size(), right: part.size() });
                    }
                }
                let planes: Vec<(&Image, usize)> = parts
                    .iter()
                    .flat_map(|part| (0..part.channels()).map(move |channel| (*part, channel)))
                    .collect();
                Image::build(&mut self.work, [planes.len(), height, width], |_, [c, i, j]| {
                    let (part, channel) = planes[c];
                    Ok(part.at(channel, i, j).clone())
                })
            }
        }
    }
}

/// The common size of images, of which there is at least one.
fn same_sizes<'i>(mut images: impl Iterator<Item = &'i Image>) -> Result<[usize; 3]> {
    let first = images.next().ok_or(EvaluateError::Malformed)?.size();
    match images.find(|image| image.size() != first) {
        Some(other) => Err(EvaluateError::SizeMismatch { left: first, right: other.size() }),
        None => Ok(first),
    }
}
