//! How a verdict about two stacks came about: what was done with each layer, as it was told while it happened.
//!
//! A verdict by one method holds the steps of that method and of no other.

use crate::forms;
use crate::operator;
use crate::operator::NodeId;
use crate::operator::trace::Trace;

/// Layers composed to affine maps.
#[derive(Clone, Debug, Default)]
pub struct Composed {
    /// What was done with the left and the right stack.
    pub sides: [Trace<operator::trace::Did>; 2],
    /// Nonlinear signals that were found to be equal, in order.
    pub matched: Vec<Matched>,
    /// Of the pairs of patterns that were compared, those far from all borders, where normal forms without borders are the same.
    pub settled: usize,
    /// The length from which on all that positions see repeats, and with which period; none where sizes were not surveyed.
    pub repeats: Option<[i64; 2]>,
}

impl Composed {
    /// The signals at which composition stopped that are the same on both sides, without a survey.
    pub fn shared(&self) -> Vec<NodeId> {
        let [left, right] = [0, 1].map(|side: usize| {
            let nodes = self.sides[side].kept.iter().flat_map(|record| record.did.nodes());
            nodes.collect::<std::collections::BTreeSet<_>>()
        });
        left.intersection(&right).copied().collect()
    }
}

/// Two signals whose insides agree at all positions of all sizes, so that one was put in the place of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The one that stays and the one that goes.
    pub nodes: [NodeId; 2],
    /// How their insides were found to agree: by so many row patterns and column patterns; none where they are the same map.
    pub patterns: Option<[usize; 2]>,
}

/// Layers read as sums, one output at a time.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// What was made of the left and the right stack.
    pub sides: [Trace<forms::trace::Did>; 2],
    /// The blocks of output channels, each of which is a sum.
    pub blocks: usize,
    /// The length from which on all that positions see repeats, and with which period; none for a claim about one size.
    pub repeats: Option<[i64; 2]>,
}

/// What was done on the way to a verdict.
#[derive(Clone, Debug)]
pub enum Derivation {
    /// Layers were composed.
    Composed(Composed),
    /// Layers were read as sums.
    Read(Read),
}
