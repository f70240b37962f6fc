//! Stacks taken apart into nodes that read each other at regular positions.
//!
//! A layer's output is a node with a length: it is zero outside. A product of kernels is never multiplied out: it is one
//! node after the other, and those between are *unbounded*, defined at all positions, as a kernel knows of no border.
//! So a kernel means the same here whether it was written as a product or given by stacks.
//!
//! Here are the nodes; `layers.rs` reads stacks, `kernels.rs` kernel expressions, `dense.rs` dense layers, `inner.rs` kernels that stacks are, `means.rs` means
//! over whole signals, `order.rs` what commutes.

mod dense;
mod inner;
mod kernels;
mod layers;
mod means;
mod order;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Unsupported;
use super::blocks::{Block, Division};
use super::border::Border;
use super::generic::{Weight, split};
use super::trace::Told;
use super::weights::Letters;
use crate::axes::{Axes, each};
use crate::ir::{Function, Roots};
use crate::operator::gather::SameRule;
use crate::operator::length::Length;
use crate::operator::shape::Signal;
use convproof_exact::{Limited, Poly};

/// Number of a node; nodes only read smaller numbers. 0 is the input.
pub type NetNodeId = usize;

/// Most nodes of a net.
const MAX_NODES: usize = 1 << 10;

/// Zeros before the start that depend on the length of a signal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Same {
    /// The rule.
    pub rule: SameRule,
    /// The length of the signal that the layer reads.
    pub of: Arc<Length>,
}

/// How a node reads another one along an axis: output i reads tap k at `(down·i + taps[k] + offset − same) / up`,
/// where that is whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Movement {
    /// Stride.
    pub down: i64,
    /// Upsampling factor.
    pub up: i64,
    /// Where output 0 reads tap position 0.
    pub offset: i64,
    /// Positions of the taps.
    pub taps: Vec<i64>,
    /// Zeros before the start, where they depend on the size.
    pub same: Option<Same>,
    /// What stands beyond the ends of the signal that is read, where that is not 0.
    pub border: Option<Border>,
}

impl Movement {
    /// Every output reads its own position.
    pub fn identity() -> Self {
        Self { down: 1, up: 1, offset: 0, taps: vec![0], same: None, border: None }
    }
}

/// What a node reads, and how along each axis.
pub type Source = (NetNodeId, Axes<Movement>);

/// A source of which every output reads its own position.
fn in_place(node: NetNodeId) -> Source {
    (node, each(|_| Movement::identity()))
}

/// A number as taps, blocks and patterns have it.
pub fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// What a node makes of what it reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The input.
    Input,
    /// One source; weights by taps along each axis, and a constant.
    Taps {
        /// The weights of all taps, sorted by output block and place.
        weights: Vec<Tap>,
        /// Added at every position, for each output block; empty if nothing is.
        bias: Vec<Weight>,
    },
    /// The sum of the sources.
    Sum,
    /// Each output block is a block of a source: which, and its number there.
    Pick(Vec<(u32, u32)>),
    /// The sum of what is read, divided by how many positions are.
    Mean,
    /// The largest of what is read.
    Maximum,
    /// The product of two sources.
    Product,
    /// The positive part.
    Relu,
    /// A function of each entry.
    Function(Function),
    /// The mean of a signal over all its positions; the signal is not among the sources, which are read position by position.
    Average(NetNodeId),
}

/// What an output block reads of a source's block through a tap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tap {
    /// The output block.
    pub output: u32,
    /// The tap along each axis.
    pub at: Axes<u32>,
    /// The input block.
    pub input: u32,
    /// The weight.
    pub weight: Weight,
}

/// What a block of channels is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelBlocks {
    /// All channels of a signal together, or in blocks; kernels are matrices.
    Together(Division),
    /// Each channel by itself; kernels are their entries.
    Apart,
}

/// A signal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NetNode {
    /// What it makes of its sources.
    pub kind: Kind,
    /// What it reads, and how along each axis.
    pub sources: Vec<Source>,
    /// Its length along each axis; `None` if it is defined everywhere.
    pub length: Option<Axes<Arc<Length>>>,
}

/// Nodes over one input.
#[derive(Debug)]
pub struct Net {
    nodes: Vec<NetNode>,
    index: FxHashMap<NetNode, NetNodeId>,
    /// The letters of all kernels.
    pub letters: Letters,
    /// The square roots in exact forms of weights.
    roots: Roots,
    channels: ChannelBlocks,
    /// The size of the input, where it is known.
    size: Option<Axes<i64>>,
    /// What was made of each layer.
    pub(super) told: Told,
}

/// A signal between layers.
#[derive(Clone, Debug)]
pub struct Wire {
    /// Its node.
    pub node: NetNodeId,
    /// Channels and lengths.
    pub signal: Signal,
    /// The number of the step that it comes from; 0 for the input.
    step: usize,
}

impl Net {
    /// A net with nothing but its input, of any size or of this one. In exact forms of weights these square roots stand.
    pub fn new(channels: ChannelBlocks, size: Option<Axes<i64>>, roots: Roots) -> Self {
        let length = Some(each(|_| Arc::new(Length::Input)));
        let input = NetNode { kind: Kind::Input, sources: Vec::new(), length };
        let index = std::iter::once((input.clone(), 0)).collect();
        let letters = match channels {
            // From expressions alone, with roots of generic entries.
            ChannelBlocks::Together(_) => Letters::default(),
            ChannelBlocks::Apart => Letters::new(roots.clone()),
        };
        Self { nodes: vec![input], index, letters, roots, channels, size, told: Told::default() }
    }

    /// The input with some channels.
    pub fn input(&self, channels: usize) -> Wire {
        Wire { node: 0, signal: Signal::input(channels), step: 0 }
    }

    /// Whether outputs are multiplied.
    pub fn has_products(&self) -> bool {
        self.nodes.iter().any(|node| node.kind == Kind::Product)
    }

    /// A node.
    pub fn node(&self, id: NetNodeId) -> &NetNode {
        &self.nodes[id]
    }

    /// How many nodes there are.
    pub fn count(&self) -> usize {
        self.nodes.len()
    }

    /// The blocks of some channels.
    ///
    /// # Errors
    /// [`Unsupported::TooLarge`] if they are too many.
    pub fn divided(&self, channels: usize) -> Result<Vec<Block>, Unsupported> {
        match self.channels {
            ChannelBlocks::Apart => {
                Ok((0..channels).map(|start| Block { start, step: 1, width: 1 }).collect())
            }
            ChannelBlocks::Together(division) => division.blocks(channels),
        }
    }

    /// The blocks of some channels as runs of them, which others can follow.
    fn runs(&self, channels: usize) -> Result<Vec<Block>, Unsupported> {
        let blocks = self.divided(channels)?;
        if blocks.iter().any(|block| block.step > 1) { Err(Unsupported::Layer) } else { Ok(blocks) }
    }

    /// The blocks from one channel up to another.
    fn between(&self, channels: usize, [from, to]: [usize; 2]) -> Result<Vec<u32>, Unsupported> {
        let all = self.runs(channels)?;
        let ends = |block: &Block| [block.start, block.start + block.width];
        let inside = |block: &Block| (from..to).contains(&block.start);
        if all.iter().any(|block| inside(block) != (ends(block)[1] > from && ends(block)[1] <= to)) {
            return Err(Unsupported::Layer);
        }
        let found: Vec<u32> = (0..).zip(&all).filter(|(_, block)| inside(block)).map(|(at, _)| at).collect();
        // The part by itself is divided in the same way.
        if self.runs(to - from)?.len() == found.len() { Ok(found) } else { Err(Unsupported::Layer) }
    }

    /// The same weights for each block by itself.
    fn each(&self, channels: usize, taps: &[(Axes<u32>, Weight)]) -> Result<Vec<Tap>, Unsupported> {
        let blocks = (0..).zip(self.divided(channels)?);
        let of = |(block, _)| {
            taps.iter().map(move |(at, weight)| Tap {
                output: block,
                at: *at,
                input: block,
                weight: weight.clone(),
            })
        };
        Ok(blocks.flat_map(of).collect())
    }

    fn intern(&mut self, node: NetNode) -> Result<NetNodeId, Unsupported> {
        if let Some(&id) = self.index.get(&node) {
            return Ok(id);
        }
        if self.nodes.len().reaches(MAX_NODES) {
            return Err(Unsupported::TooLarge);
        }
        let id = self.nodes.len();
        self.nodes.push(node.clone());
        self.index.insert(node, id);
        Ok(id)
    }

    /// 1 for each block.
    fn ones(&self, channels: usize) -> Result<Vec<Weight>, Unsupported> {
        Ok(vec![split(&Poly::one()); self.divided(channels)?.len()])
    }

    /// The sum of some signals.
    fn total(
        &mut self,
        signals: Vec<NetNodeId>,
        length: Option<Axes<Arc<Length>>>,
    ) -> Result<NetNodeId, Unsupported> {
        let sources = signals.into_iter().map(in_place).collect();
        self.intern(NetNode { kind: Kind::Sum, sources, length })
    }

    /// A node that reads one source.
    fn reading(
        &mut self,
        kind: Kind,
        source: Source,
        length: Option<Axes<Arc<Length>>>,
    ) -> Result<NetNodeId, Unsupported> {
        self.intern(NetNode { kind, sources: vec![source], length })
    }

    /// A number for each block, at every position.
    fn even(&mut self, bias: Vec<Weight>) -> Result<NetNodeId, Unsupported> {
        self.intern(NetNode {
            kind: Kind::Taps { weights: Vec::new(), bias },
            sources: Vec::new(),
            length: None,
        })
    }
}
