//! The normal form of a stack: affine maps between the few signals that cannot be composed away.
//!
//! A stack becomes one [`Affine`] map over *nodes*. The input is a node; a further node stands only where
//! composition stops: where an intermediate signal is cut to zero beyond its border and a later layer reads
//! there ([`Node::Cut`]), where a mean has no constant divisor, and at nonlinearities. Nodes are interned, so
//! two stacks with the same normal form get the very same nodes and equality is a comparison of numbers.
//! What different normal forms mean is for `prove` to find out.
//!
//! Here are the nodes; `layers.rs` goes through a stack, `compose.rs` composes or cuts, `affine.rs` adds and joins maps, `told.rs`
//! keeps what was done.

mod affine;
mod compose;
mod layers;
mod told;

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use self::affine::{add_part, affine};
use self::told::Told;
use super::gather::Gather;
use super::length::Length;
use super::lower::Windows;
use super::trace::Stop;
use crate::axes::{Axes, each};
use crate::ir::Function;
use crate::kernel::KernelError;
use convproof_exact::budget;

pub(super) use affine::longer;
pub use affine::{Affine, Part};

/// Number of a node; nodes only refer to smaller numbers. 0 is the input.
pub type NodeId = usize;

/// A signal that layers read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// The input image.
    Input {
        /// Its channels.
        channels: usize,
    },
    /// An affine map's output, zero outside its range.
    Cut(Affine),
    /// Means over windows of a node with divisors that depend on the position.
    Average {
        /// The node.
        source: NodeId,
        /// The windows.
        windows: Windows,
        /// Output length along each axis.
        length: Axes<Arc<Length>>,
    },
    /// Maxima over windows of a node.
    Maximum {
        /// The node.
        source: NodeId,
        /// The windows.
        windows: Windows,
        /// Output length along each axis.
        length: Axes<Arc<Length>>,
    },
    /// The positive part of an affine map.
    Relu(Affine),
    /// A function of each entry of an affine map.
    Function(Function, Affine),
    /// The first half of the channels of an affine map, each times one of the other half.
    Product(Affine),
    /// The mean of each channel of an affine map.
    GlobalAverage(Affine),
    /// The only position of an affine map at all positions of a signal.
    Broadcast {
        /// What has one position.
        of: Affine,
        /// Output length along each axis.
        length: Axes<Arc<Length>>,
    },
}

/// Builds normal forms over one input.
#[derive(Debug)]
pub struct Operators {
    nodes: Vec<Node>,
    index: FxHashMap<Node, NodeId>,
    size: Option<Axes<i64>>,
    borders: bool,
    /// What is done, where somebody asks.
    trace: Option<Told>,
}

impl Operators {
    /// For an input of some channels and every size, or of one size.
    pub fn new(channels: usize, size: Option<Axes<i64>>) -> Self {
        let input = Node::Input { channels };
        let index = std::iter::once((input.clone(), 0)).collect();
        Self { nodes: vec![input], index, size, borders: true, trace: None }
    }

    /// The same, but signals have no borders: what stacks do far inside a large image.
    pub fn without_borders(channels: usize) -> Self {
        Self { borders: false, ..Self::new(channels, None) }
    }

    /// The input itself.
    pub fn input(&self) -> Result<Affine, KernelError> {
        self.reading(0)
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no nodes; there is always the input.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Channels and length of a node.
    pub fn signal(&self, id: NodeId) -> (usize, Axes<Arc<Length>>) {
        match &self.nodes[id] {
            Node::Input { channels } => (*channels, each(|_| Arc::new(Length::Input))),
            Node::Cut(affine) | Node::Relu(affine) | Node::Function(_, affine) => {
                (affine.channels, affine.length.clone())
            }
            Node::Product(affine) => (affine.channels / 2, affine.length.clone()),
            Node::Average { source, length, .. } | Node::Maximum { source, length, .. } => {
                (self.signal(*source).0, length.clone())
            }
            Node::GlobalAverage(affine) => {
                (affine.channels, affine.length.clone().map(|length| Arc::new(Length::One(length))))
            }
            Node::Broadcast { of, length } => (of.channels, length.clone()),
        }
    }

    /// The nodes that a map depends on, nonlinear ones and what is inside them included; greatest first.
    pub fn reachable(&self, affine: &Affine) -> Vec<NodeId> {
        let mut seen = BTreeSet::new();
        let mut todo: Vec<NodeId> = affine.parts.iter().map(|part| part.source).collect();
        while let Some(id) = todo.pop() {
            budget::spend(30);
            if seen.insert(id) {
                match &self.nodes[id] {
                    Node::Input { .. } => {}
                    Node::Cut(inner)
                    | Node::Relu(inner)
                    | Node::Function(_, inner)
                    | Node::Product(inner)
                    | Node::GlobalAverage(inner)
                    | Node::Broadcast { of: inner, .. } => {
                        todo.extend(inner.parts.iter().map(|part| part.source));
                    }
                    Node::Average { source, .. } | Node::Maximum { source, .. } => todo.push(*source),
                }
            }
        }
        seen.into_iter().rev().collect()
    }

    /// Whether a node is no linear function of the positions that it reads, or reads all of them.
    pub fn is_nonlinear(&self, id: NodeId) -> bool {
        matches!(
            self.nodes[id],
            Node::Relu(_)
                | Node::Function(..)
                | Node::Product(_)
                | Node::Maximum { .. }
                | Node::GlobalAverage(_)
                | Node::Broadcast { .. }
        )
    }

    /// Whether a map reads a function whose values are not computed.
    pub fn has_functions(&self, map: &Affine) -> bool {
        let function = |id: NodeId| matches!(self.nodes[id], Node::Function(..));
        self.reachable(map).into_iter().any(function)
    }

    /// The maps inside two nodes of the same nonlinear kind.
    pub fn insides(&self, a: NodeId, b: NodeId) -> Result<Option<[Affine; 2]>, KernelError> {
        Ok(match (&self.nodes[a], &self.nodes[b]) {
            (Node::Relu(a), Node::Relu(b))
            | (Node::Product(a), Node::Product(b))
            | (Node::GlobalAverage(a), Node::GlobalAverage(b)) => Some([a.clone(), b.clone()]),
            (Node::Function(f, a), Node::Function(g, b)) if f == g => Some([a.clone(), b.clone()]),
            (Node::Broadcast { of: a, length }, Node::Broadcast { of: b, length: other })
                if length == other =>
            {
                Some([a.clone(), b.clone()])
            }
            (Node::Maximum { source: a, .. }, Node::Maximum { source: b, .. }) => {
                Some([self.reading(*a)?, self.reading(*b)?])
            }
            _ => None,
        })
    }

    /// The map with a node replaced by another one of the same signal, wherever it is read.
    pub fn replace(&mut self, affine: &Affine, from: NodeId, to: NodeId) -> Result<Affine, KernelError> {
        let mut replaced = std::iter::once((from, to)).collect();
        // Only greater nodes refer to it.
        for id in self.reachable(affine).into_iter().rev().filter(|&id| id > from) {
            let new = self.replaced_node(id, &replaced)?;
            replaced.insert(id, new);
        }
        self.rebuilt(affine, &replaced)
    }

    /// The map over the nodes that others were replaced by.
    fn rebuilt(&self, affine: &Affine, replaced: &FxHashMap<NodeId, NodeId>) -> Result<Affine, KernelError> {
        let mut parts = Vec::new();
        for part in &affine.parts {
            let source = replaced.get(&part.source).copied().unwrap_or(part.source);
            add_part(&mut parts, source, part.gather.clone())?;
        }
        Ok(self::affine(affine.channels, affine.length.clone(), parts, affine.bias.clone()))
    }

    fn replaced_node(
        &mut self,
        id: NodeId,
        replaced: &FxHashMap<NodeId, NodeId>,
    ) -> Result<NodeId, KernelError> {
        budget::spend(200);
        let new = |source: NodeId| replaced.get(&source).copied().unwrap_or(source);
        let node = match self.nodes[id].clone() {
            Node::Input { channels } => Node::Input { channels },
            Node::Cut(inner) => Node::Cut(self.rebuilt(&inner, replaced)?),
            Node::Relu(inner) => Node::Relu(self.rebuilt(&inner, replaced)?),
            Node::Function(function, inner) => Node::Function(function, self.rebuilt(&inner, replaced)?),
            Node::Product(inner) => Node::Product(self.rebuilt(&inner, replaced)?),
            Node::GlobalAverage(inner) => Node::GlobalAverage(self.rebuilt(&inner, replaced)?),
            Node::Broadcast { of, length } => Node::Broadcast { of: self.rebuilt(&of, replaced)?, length },
            Node::Average { source, windows, length } => {
                Node::Average { source: new(source), windows, length }
            }
            Node::Maximum { source, windows, length } => {
                Node::Maximum { source: new(source), windows, length }
            }
        };
        Ok(self.intern(node))
    }

    fn intern(&mut self, node: Node) -> NodeId {
        budget::spend(100);
        if let Some(&id) = self.index.get(&node) {
            return id;
        }
        let id = self.nodes.len();
        self.nodes.push(node.clone());
        self.index.insert(node, id);
        id
    }

    /// The map that copies a node.
    fn reading(&self, source: NodeId) -> Result<Affine, KernelError> {
        let (channels, length) = self.signal(source);
        let parts = vec![Part { source, gather: Gather::identity(channels)? }];
        Ok(Affine { channels, length, parts, bias: Vec::new() })
    }

    /// A node whose signal is the affine map's output.
    fn as_node(&mut self, affine: Affine) -> Result<(NodeId, Stop), KernelError> {
        if let [part] = affine.parts.as_slice()
            && affine == self.reading(part.source)?
        {
            return Ok((part.source, Stop::Node(part.source)));
        }
        let id = self.intern(Node::Cut(affine));
        Ok((id, Stop::Cut(id)))
    }
}
