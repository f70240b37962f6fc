//! How channels are divided into blocks, where layers take them apart or join them.
//!
//! All cuts of a claim are multiples of one width. Signals whose number of channels is a multiple of it are that many blocks,
//! others are one block: so a division depends on the number of channels alone, and every layer that keeps channels keeps
//! blocks. Matrices are divided like what they read and write. Blocks are runs of channels; where tiles become channels or
//! the reverse, every so many channels are a block instead.

use convproof_exact::Limited;
use num_integer::Integer;
use rustc_hash::FxHashSet;

use super::Unsupported;
use crate::ir::{
    Axes, Conv, Given, KernelExpr, KernelTerm, Layer, Op, Origin, Rearrangement, Stack, StackClaim,
};
use crate::operator::shape::{Signal, step};

/// Most blocks of one signal.
const MAX_BLOCKS: usize = 64;

/// Some channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    /// The first of them.
    pub start: usize,
    /// How far each is from the one before.
    pub step: usize,
    /// How many.
    pub width: usize,
}

impl Block {
    /// A channel of the block.
    pub fn at(&self, n: usize) -> usize {
        self.start + n * self.step
    }
}

/// How the channels of all signals are divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Division {
    /// The width of a block, where it divides the number of channels; `None` if nothing is divided.
    width: Option<usize>,
    /// Whether blocks take turns: of k blocks, block r has the channels that are r modulo k.
    turns: bool,
}

impl Division {
    /// Each channel by itself.
    pub const APART: Self = Self { width: Some(1), turns: false };

    /// How wide the blocks of some channels are.
    pub fn width(self, channels: usize) -> usize {
        self.width.filter(|width| channels.is_multiple_of(*width)).unwrap_or(channels).max(1)
    }

    /// How far a channel of a block is from the one before.
    pub fn step(self, channels: usize) -> usize {
        if self.turns { channels / self.width(channels) } else { 1 }
    }

    /// The blocks of some channels.
    ///
    /// # Errors
    /// [`Unsupported::TooLarge`] beyond the limit.
    pub fn blocks(self, channels: usize) -> Result<Vec<Block>, Unsupported> {
        let (width, step) = (self.width(channels), self.step(channels));
        let count = channels / width;
        if count.exceeds(MAX_BLOCKS) {
            return Err(Unsupported::TooLarge);
        }
        let start = |block| if self.turns { block } else { block * width };
        Ok((0..count).map(|block| Block { start: start(block), step, width }).collect())
    }
}

/// The division of channels such that all cuts of a claim fall between blocks.
///
/// # Errors
/// [`Unsupported`] where the sides are not read, or both runs and turns would be needed.
pub fn division(claim: &StackClaim) -> Result<Division, Unsupported> {
    let mut cuts = Cuts { size: claim.sizes.one(), common: 0, turns: 0, seen: FxHashSet::default() };
    for stack in [&claim.left, &claim.right] {
        cuts.stack(stack, Signal::input(claim.channels))?;
    }
    match [cuts.common, cuts.turns] {
        [0, 0] => Ok(Division::default()),
        [width, 0] => Ok(Division { width: Some(width), turns: false }),
        [0, width] => Ok(Division { width: Some(width), turns: true }),
        _ => Err(Unsupported::Layer),
    }
}

/// The greatest common divisor of all cuts so far; 0 before the first.
struct Cuts {
    size: Option<Axes<i64>>,
    common: usize,
    /// That of all numbers of channels whose tiles become channels.
    turns: usize,
    /// Expressions by their addresses, as parts are shared.
    seen: FxHashSet<usize>,
}

impl Cuts {
    fn at(&mut self, numbers: impl IntoIterator<Item = usize>) {
        numbers.into_iter().for_each(|number| self.common = self.common.gcd(&number));
    }

    fn stack(&mut self, stack: &Stack, signal: Signal) -> Result<(), Unsupported> {
        stack.fold(signal, |op, origin| self.value(&op, origin)).map(|_| ())
    }

    fn value(&mut self, op: &Given<'_, Signal>, origin: Origin) -> Result<Signal, Unsupported> {
        let output = step(op.clone(), origin, self.size)?;
        match op {
            Op::Concat(parts) => self.at(parts.iter().map(|part| part.of.channels)),
            Op::Layer(layer, Signal { channels: inputs, .. }) => {
                match layer {
                    Layer::Select { from, to } => self.at([*from, *to, *inputs]),
                    Layer::Conv(Conv { groups, .. }) if (2..*inputs).contains(groups) => {
                        self.at([inputs / groups, output.channels / groups]);
                    }
                    Layer::SpaceToDepth(_) => self.turns = self.turns.gcd(inputs),
                    Layer::DepthToSpace(_) => self.turns = self.turns.gcd(&output.channels),
                    _ => {}
                }
                layer.weights().into_iter().try_for_each(|term: &KernelTerm| self.kernel(term.expr()))?;
            }
            Op::Sum(_) | Op::Product(_) | Op::Broadcast(_) => {}
        }
        Ok(output)
    }

    fn kernel(&mut self, expr: &KernelExpr) -> Result<(), Unsupported> {
        if !self.seen.insert(std::ptr::from_ref(expr).addr()) {
            return Ok(());
        }
        if let KernelExpr::Reshape(of, shape) = expr
            && let KernelExpr::OfStack(stack) = &**of
        {
            return self.stack(stack, Signal::input(shape.inputs));
        }
        if let KernelExpr::Rearranged(operand, how) = expr {
            let shape = operand.shape();
            match how {
                Rearrangement::Outputs([from, to]) => self.at([*from, *to, shape.outputs]),
                Rearrangement::Inputs([from, to]) => self.at([*from, *to, shape.inputs]),
                Rearrangement::SwapChannels | Rearrangement::Ungroup(_) | Rearrangement::Part { .. } => {}
            }
        }
        expr.operands().into_iter().try_for_each(|operand| self.kernel(operand))
    }
}
