//! What was done with each layer while a normal form was made, as the code that did it tells: every function that makes a
//! map gives a [`Did`] with it. Decides nothing, and reads no layer.

use std::sync::Arc;

use super::gather::Axis;
use super::length::Length;
use super::normal::NodeId;
use super::reach::Reaches;
use crate::axes::Axes;
use crate::ir::Origin;

/// Most steps that are kept of a stack; they are the first ones.
const MAX_STEPS: usize = 256;

/// What a layer that is one linear map became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// A kernel, dilated where the layer is.
    Kernel,
    /// A kernel turned around, on the image with zeros between its entries.
    Transposed,
    /// A window of equal weights that sum to 1.
    Box,
    /// A window of ones.
    Ones,
    /// A single 1, so that entries are left out, moved, or stand among zeros.
    Moved,
    /// A single 1 that moves nothing.
    Same,
    /// Numbers on the diagonal, each channel by itself.
    Diagonal,
    /// The identity, and a constant.
    Constant,
    /// Zeros and ones, from channels to channels.
    Rearranged,
    /// A kernel as large as the image.
    Matrix,
}

/// How a kernel was put together with one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// Nothing was before it.
    First,
    /// It is the identity, so that what was before it is kept.
    Kept,
    /// Both were convolved.
    Convolved {
        /// How far the kernel before was dilated, by the upsampling after it.
        spread: Axes<usize>,
        /// How far the kernel after was dilated, by the stride before it.
        dilated: Axes<usize>,
    },
}

/// Why borders do not keep two layers from being one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harmless {
    /// The second reads no position beyond the ends of what the first gives, or there are no ends.
    Inside,
    /// What the first would give beyond its ends is 0, as what the second reads there is.
    Zero,
}

/// Why two layers are not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// The second reads zeros beyond the ends of what the first gives, where that would go on.
    Border,
    /// The constant of the first would not be one after the second, which upsamples.
    Constant,
    /// A stride before an upsampling, or padding that depends on the length of the signal between.
    Positions,
    /// The kernel of both would have too many terms.
    Terms,
}

/// What is read by a layer that is not composed with those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A signal that was there.
    Node(NodeId),
    /// What comes before it, cut to its length.
    Cut(NodeId),
}

/// What was done with the kernel of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Joined {
    /// It was composed with the kernels before it.
    Composed {
        /// How, for each of them; what was done alike is said once.
        laws: Vec<Law>,
        /// Why that is right at borders.
        border: Harmless,
    },
    /// It stands alone, over a signal.
    Apart {
        /// The signal.
        over: Stop,
        /// Why.
        why: Needed,
    },
}

/// What became of a positive part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positive {
    /// That of what comes before it, as a whole.
    Whole(NodeId),
    /// What comes before it is one already.
    Already,
    /// It was moved before a copy or a maximum, with which it commutes.
    Moved(NodeId),
}

/// What was done with a value of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Did {
    /// A linear layer.
    Linear {
        /// What it became.
        made: Made,
        /// The extent of its kernel.
        window: Axes<i64>,
        /// How that moves.
        axes: Axes<Axis>,
        /// What was done with that.
        joined: Joined,
    },
    /// Means over windows with divisors that vary.
    Mean {
        /// Of what.
        over: Stop,
        /// The extent of a window.
        window: Axes<i64>,
        /// The signal that it is.
        node: NodeId,
    },
    /// Maxima over windows.
    Maximum {
        /// Of what.
        over: Stop,
        /// The extent of a window.
        window: Axes<i64>,
        /// Whether it is one maximum with that before it.
        merged: bool,
        /// The signal that it is.
        node: NodeId,
    },
    /// The positive part.
    Relu(Positive),
    /// A function of each entry.
    Function(NodeId),
    /// The mean of each channel over all positions.
    Average {
        /// Whether it was taken before kernels of one entry, which it commutes with.
        moved: bool,
        /// The signals that are averaged.
        nodes: Vec<NodeId>,
    },
    /// The product of two branches.
    Product(NodeId),
    /// One position, at all positions of another signal.
    Broadcast(NodeId),
    /// The sum of branches.
    Sum {
        /// How many.
        branches: usize,
        /// Of how many kernels the sum consists.
        kernels: usize,
    },
    /// Channels of branches, joined.
    Concat {
        /// How many.
        branches: usize,
    },
    /// A layer that is a stack of others, which come before this one.
    Expanded {
        /// How many.
        layers: usize,
    },
    /// Nothing reaches it at this size.
    Unreached,
}

impl Did {
    /// The signals at which composition stopped here.
    pub fn nodes(&self) -> Vec<NodeId> {
        let cut = |stop: &Stop| if let Stop::Cut(node) = stop { Some(*node) } else { None };
        match self {
            Self::Linear { joined: Joined::Apart { over, .. }, .. } => cut(over).into_iter().collect(),
            Self::Mean { over, node, .. } | Self::Maximum { over, node, .. } => {
                cut(over).into_iter().chain([*node]).collect()
            }
            Self::Relu(Positive::Whole(node) | Positive::Moved(node))
            | Self::Function(node)
            | Self::Product(node)
            | Self::Broadcast(node) => vec![*node],
            Self::Average { nodes, .. } => nodes.clone(),
            Self::Linear { .. }
            | Self::Relu(Positive::Already)
            | Self::Sum { .. }
            | Self::Concat { .. }
            | Self::Expanded { .. }
            | Self::Unreached => Vec::new(),
        }
    }
}

/// What came out of a step.
#[derive(Clone, Debug)]
pub struct Output {
    /// The length of what came out, along each axis.
    pub length: Axes<Arc<Length>>,
    /// What an output reads of the input.
    pub reach: Reaches,
}

/// What was done with one value of a stack.
#[derive(Clone, Debug)]
pub struct Record<D, O = Output> {
    /// Where the value came from.
    pub origin: Origin,
    /// 0 for values of the stack itself, more for those inside of layers that are stacks of others.
    pub depth: u32,
    /// The steps that it reads, counted from 1; 0 is the input.
    pub reads: Vec<usize>,
    /// What was done.
    pub did: D,
    /// What came out.
    pub output: O,
}

/// What was done with all values of one stack.
#[derive(Clone, Debug)]
pub struct Trace<D, O = Output> {
    /// The steps in order; of many the first ones.
    pub kept: Vec<Record<D, O>>,
    /// How many there were.
    pub all: usize,
    /// Whether layers were put before others with which they commute, so that their order is not that of the stack.
    pub reordered: bool,
    depth: u32,
}

impl<D, O> Default for Trace<D, O> {
    fn default() -> Self {
        Self { kept: Vec::new(), all: 0, reordered: false, depth: 0 }
    }
}

impl<D, O> Trace<D, O> {
    /// Takes in what was done; gives the number of that step.
    pub(crate) fn tell(&mut self, step: impl FnOnce(u32) -> Record<D, O>) -> usize {
        if self.all < MAX_STEPS {
            self.kept.push(step(self.depth));
        }
        self.all += 1;
        self.all
    }

    /// The steps from now on are inside of a layer.
    pub(crate) fn enter(&mut self) {
        self.depth += 1;
    }

    /// They no longer are.
    pub(crate) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Whether none was left out.
    pub fn is_whole(&self) -> bool {
        self.kept.len() == self.all
    }
    /// Takes in what was done with what reads `ends` in the place of its input.
    pub(crate) fn append(&mut self, next: &Self, ends: &[usize])
    where
        Record<D, O>: Clone,
    {
        let before = self.all;
        for record in &next.kept {
            let reads = record.reads.iter();
            let reads = reads.flat_map(|&read| if read == 0 { ends.to_vec() } else { vec![before + read] });
            let record =
                Record { reads: reads.collect(), depth: self.depth + record.depth, ..record.clone() };
            self.tell(|_| record);
        }
        self.all = before + next.all;
    }
}
