//! How channels are divided into blocks, where layers take them apart or join them.
//!
//! All cuts of a claim are multiples of one width. Signals whose number of channels is a multiple of it are that many blocks,
//! others are one block: so a division depends on the number of channels alone, and every layer that keeps channels keeps
//! blocks. Matrices are divided like what they read and write.

use num_integer::Integer;
use rustc_hash::FxHashSet;

use super::Unsupported;
use crate::ir::{Conv, KernelExpr, KernelTerm, Layer, Rearrangement, Stack, StackClaim, StackKind};
use crate::operator::shape::{Signal, after};

/// Most blocks of one signal.
const MAX_BLOCKS: usize = 64;

/// Channels from `start` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    /// The first of them.
    pub start: usize,
    /// How many.
    pub width: usize,
}

/// Some channels in blocks of a width, where it divides them.
///
/// # Errors
/// [`Unsupported::TooLarge`] beyond the limit.
pub fn divided(channels: usize, width: Option<usize>) -> Result<Vec<Block>, Unsupported> {
    let width = width_of(channels, width);
    let count = channels / width;
    if count > MAX_BLOCKS {
        return Err(Unsupported::TooLarge);
    }
    Ok((0..count).map(|block| Block { start: block * width, width }).collect())
}

/// How wide the blocks of some channels are.
pub fn width_of(channels: usize, width: Option<usize>) -> usize {
    width.filter(|width| channels.is_multiple_of(*width)).unwrap_or(channels).max(1)
}

/// The width of blocks that all cuts of a claim fall between; `None` if nothing is cut.
///
/// # Errors
/// [`Unsupported`] where the sides are not read.
pub fn width(claim: &StackClaim) -> Result<Option<usize>, Unsupported> {
    let mut cuts = Cuts { size: claim.sizes.one(), common: 0, seen: FxHashSet::default() };
    for stack in [&claim.left, &claim.right] {
        cuts.stack(stack, Signal::input(claim.channels))?;
    }
    Ok((cuts.common > 0).then_some(cuts.common))
}

/// The greatest common divisor of all cuts so far; 0 before the first.
struct Cuts {
    size: Option<[i64; 2]>,
    common: usize,
    /// Expressions by their addresses, as parts are shared.
    seen: FxHashSet<usize>,
}

impl Cuts {
    fn at(&mut self, numbers: impl IntoIterator<Item = usize>) {
        numbers.into_iter().for_each(|number| self.common = self.common.gcd(&number));
    }

    fn stack(&mut self, stack: &Stack, signal: Signal) -> Result<Signal, Unsupported> {
        match &stack.kind {
            StackKind::Chain(links) => links.iter().try_fold(signal, |signal, link| self.stack(link, signal)),
            StackKind::Sum(branches) => {
                branches.iter().try_for_each(|(_, branch)| self.stack(branch, signal.clone()).map(|_| ()))?;
                Ok(after(stack, signal, self.size)?)
            }
            StackKind::Product(factors) => {
                factors.iter().try_for_each(|factor| self.stack(factor, signal.clone()).map(|_| ()))?;
                Ok(after(stack, signal, self.size)?)
            }
            StackKind::Concat(branches) => {
                for branch in branches {
                    let output = self.stack(branch, signal.clone())?;
                    self.at([output.channels]);
                }
                Ok(after(stack, signal, self.size)?)
            }
            StackKind::Layer(layer) => {
                let inputs = signal.channels;
                let output = after(stack, signal, self.size)?;
                match layer {
                    Layer::Select { from, to } => self.at([*from, *to, inputs]),
                    Layer::Conv(Conv { groups, .. }) if (2..inputs).contains(groups) => {
                        self.at([inputs / groups, output.channels / groups]);
                    }
                    _ => {}
                }
                layer.weights().into_iter().for_each(|term: &KernelTerm| self.kernel(term.expr()));
                Ok(output)
            }
        }
    }

    fn kernel(&mut self, expr: &KernelExpr) {
        if !self.seen.insert(std::ptr::from_ref(expr).addr()) {
            return;
        }
        if let KernelExpr::Rearranged(operand, how) = expr {
            let shape = operand.shape();
            match how {
                Rearrangement::Outputs([from, to]) => self.at([*from, *to, shape.outputs]),
                Rearrangement::Inputs([from, to]) => self.at([*from, *to, shape.inputs]),
                Rearrangement::SwapChannels | Rearrangement::Ungroup(_) | Rearrangement::Part { .. } => {}
            }
        }
        expr.operands().into_iter().for_each(|operand| self.kernel(operand));
    }
}
