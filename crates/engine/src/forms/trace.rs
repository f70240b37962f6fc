//! What was made of each layer while a stack was taken apart into nodes: read off the nodes between what it reads and what it
//! gives, never off the layer. Decides nothing.

use std::collections::BTreeSet;

use super::net::{Kind, Movement, Net, NetNodeId, Tap};
use crate::axes::{AXES, Axes, all};
use crate::ir::Origin;
use crate::operator::reach::{Reach, Reaches, together};
use crate::operator::shape::Signal;
use crate::operator::trace::{Output, Record, Trace};

/// What is multiplied by at the taps that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TapWeights {
    /// Ones.
    Ones,
    /// Numbers.
    Numbers,
    /// Entries of kernels and vectors, each channel by itself.
    Entries,
    /// So many different matrices, or blocks of them.
    Matrices(usize),
}

/// What was made of a value of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Did {
    /// It is what it reads.
    Kept,
    /// What taps read is multiplied and added.
    Taps {
        /// How many taps along each axis; none where several signals are read one after the other, as for products of kernels.
        window: Option<Axes<usize>>,
        /// How many signals that are.
        signals: usize,
        /// What is multiplied by.
        weights: TapWeights,
        /// Whether constants are added.
        constant: bool,
    },
    /// Channels are chosen.
    Chosen,
    /// What windows read is added, and divided by how much that is.
    Mean {
        /// The extent of a window.
        window: Axes<usize>,
    },
    /// The largest of what windows read.
    Maximum {
        /// The extent of a window.
        window: Axes<usize>,
    },
    /// The positive part.
    Relu,
    /// A function of each entry.
    Function,
    /// The mean over all positions.
    Average {
        /// Whether it was taken before what is done to each position by itself.
        moved: bool,
    },
    /// The product of two branches.
    Product,
    /// One position, at all positions of another signal.
    Broadcast,
    /// The sum of branches.
    Sum {
        /// How many.
        branches: usize,
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
}

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) trace: Trace<Did>,
    /// What the first nodes read of the input; none of constants.
    reaches: Vec<Option<Reaches>>,
}

impl Net {
    /// What was made of the stack before; from now on it is another one.
    pub fn told(&mut self) -> Trace<Did> {
        std::mem::take(&mut self.told.trace)
    }

    /// Keeps what was made of a value.
    pub(super) fn tell(
        &mut self,
        origin: Origin,
        reads: Vec<usize>,
        did: Did,
        (node, signal): (NetNodeId, &Signal),
    ) -> usize {
        for id in self.told.reaches.len()..self.count() {
            let reach = self.reach_of(id);
            self.told.reaches.push(reach);
        }
        let reach = self.told.reaches[node].flatten();
        let length = signal.length.clone();
        self.told.trace.tell(|depth| Record { origin, depth, reads, did, output: Output { length, reach } })
    }

    /// What a node reads of the input, given that for those before it; none of a constant.
    fn reach_of(&self, id: NetNodeId) -> Option<Reaches> {
        let node = self.node(id);
        if let Kind::Input = node.kind {
            return Some(Some([Reach::INPUT; AXES]));
        }
        if let Kind::Average(_) = node.kind {
            return Some(None);
        }
        let read = node.sources.iter().filter_map(|(source, moves)| {
            let of = self.told.reaches[*source]?;
            Some(of.and_then(|of| all(|axis| moved(of[axis], &moves[axis]))))
        });
        let mut read = read.peekable();
        read.peek()?;
        Some(together(read))
    }

    /// What a layer became: the nodes from what it reads to what it gives.
    pub(super) fn made(&self, source: NetNodeId, node: NetNodeId) -> Did {
        let between = self.between_nodes(source, node);
        let Some(last) = between.last() else { return Did::Kept };
        let window = |id: NetNodeId| {
            let taps = |moves: &Axes<Movement>| moves.each_ref().map(|movement| movement.taps.len());
            self.node(id).sources.first().map_or([1; AXES], |(_, moves)| taps(moves))
        };
        for &id in &between {
            return match &self.node(id).kind {
                Kind::Input | Kind::Taps { .. } | Kind::Sum => continue,
                Kind::Pick(_) => Did::Chosen,
                Kind::Mean => Did::Mean { window: window(id) },
                Kind::Maximum => Did::Maximum { window: window(id) },
                Kind::Product => Did::Product,
                Kind::Relu => Did::Relu,
                Kind::Function(_) => Did::Function,
                Kind::Average(of) => Did::Average { moved: *of != source || between.len() > 1 },
            };
        }
        let window = (between.len() == 1).then(|| window(*last));
        let (weights, constant) = self.weights(&between);
        Did::Taps { window, signals: between.len(), weights, constant }
    }

    /// The nodes that one depends on, up to another one; in order.
    fn between_nodes(&self, source: NetNodeId, node: NetNodeId) -> Vec<NetNodeId> {
        let mut seen = BTreeSet::new();
        let mut todo = vec![node];
        while let Some(id) = todo.pop() {
            if id != source && id != 0 && seen.insert(id) {
                todo.extend(self.node(id).sources.iter().map(|(inner, _)| *inner));
            }
        }
        seen.into_iter().collect()
    }

    /// What nodes multiply by, and whether they add constants.
    fn weights(&self, nodes: &[NetNodeId]) -> (TapWeights, bool) {
        let taps = nodes.iter().filter_map(|&id| match &self.node(id).kind {
            Kind::Taps { weights, bias } => Some((weights, bias)),
            _ => None,
        });
        let (mut letters, mut entries, mut ones, mut constant) = (BTreeSet::new(), false, true, false);
        for (weights, bias) in taps {
            constant |= !bias.is_empty();
            for Tap { weight, .. } in weights {
                ones &= matches!(weight.as_slice(), [factor] if factor.coefficient.is_one());
                for factor in weight {
                    letters.extend(factor.letter);
                    entries |= !factor.scalars.is_one() || !factor.diagonal.is_one();
                }
            }
        }
        let weights = match letters.len() {
            0 if entries => TapWeights::Entries,
            0 if ones => TapWeights::Ones,
            0 => TapWeights::Numbers,
            count => TapWeights::Matrices(count),
        };
        (weights, constant)
    }
}

/// What a movement over a signal reads of the input.
fn moved(of: Reach, movement: &Movement) -> Option<Reach> {
    let (low, high) = (movement.taps.iter().min()?, movement.taps.iter().max()?);
    let [low, high] = [low, high].map(|tap| tap.checked_add(movement.offset));
    of.over([movement.up, movement.down], [low?, high?], movement.same.is_some())
}
