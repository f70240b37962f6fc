//! Means over whole signals (Theorem 9c of `docs/semantics.md`).
//!
//! Which means are alike is found in `forms/sums.rs`.

use std::sync::Arc;

use super::{Kind, Movement, Net, NetNode, NetNodeId, Wire, in_place};
use crate::axes::Axes;
use crate::forms::Unsupported;
use crate::operator::length::Length;
use crate::operator::shape::Signal;
use convproof_exact::{Limited, Rational};

impl Net {
    /// The mean over all positions.
    pub(super) fn average(&mut self, wire: &Wire, signal: &Signal) -> Result<NetNodeId, Unsupported> {
        /// Means of more entries are not written out.
        const MOST: i64 = 1 << 12;
        if wire.signal.length.iter().all(|length| matches!(**length, Length::One(_))) {
            return Ok(wire.node);
        }
        if let Some(size) = self.size.and_then(|size| wire.signal.at(size))
            && let Some(area) = size.into_iter().try_fold(1_i64, i64::checked_mul)
            && area.within(MOST)
        {
            let share = Rational::from(area).recip().unwrap_or(Rational::ONE);
            let moves = size.map(|length| Movement { taps: (0..length).collect(), ..Movement::identity() });
            return self.uniform(wire, moves, &share, signal);
        }
        self.mean(wire.node, &wire.signal.length, &signal.length)
    }

    /// The mean of a signal of a length, as a signal of another one. What is done to each position by itself and is affine
    /// is done to the mean instead.
    pub(super) fn mean(
        &mut self,
        id: NetNodeId,
        over: &Axes<Arc<Length>>,
        length: &Axes<Arc<Length>>,
    ) -> Result<NetNodeId, Unsupported> {
        let node = self.node(id).clone();
        let apart = node.sources.iter().all(|(_, moves)| moves.iter().all(|m| *m == Movement::identity()));
        let affine = matches!(node.kind, Kind::Taps { .. } | Kind::Sum | Kind::Pick(_));
        let whole = node.length.as_ref().is_none_or(|own| own == over);
        // Else one source may end before another.
        let even = |source: &NetNodeId| self.node(*source).length.as_ref().is_none_or(|own| own == over);
        if affine && apart && whole && node.sources.iter().all(|(source, _)| even(source)) {
            let sources = node
                .sources
                .into_iter()
                .map(|(source, moves)| Ok((self.mean(source, over, length)?, moves)))
                .collect::<Result<_, Unsupported>>()?;
            return self.intern(NetNode { kind: node.kind, sources, length: Some(length.clone()) });
        }
        if let Some(single) = broadcast(&node) {
            return self.intern(NetNode {
                kind: Kind::Sum,
                sources: vec![in_place(single)],
                length: Some(length.clone()),
            });
        }
        let scaled = node.sources.iter().any(|(source, _)| broadcast(self.node(*source)).is_some());
        if node.kind == Kind::Product
            && scaled
            && apart
            && whole
            && node.sources.iter().all(|(source, _)| even(source))
        {
            // The same factor at all positions.
            let sources = node
                .sources
                .into_iter()
                .map(|(source, _)| Ok(in_place(self.mean(source, over, length)?)))
                .collect::<Result<_, Unsupported>>()?;
            return self.intern(NetNode { kind: Kind::Product, sources, length: Some(length.clone()) });
        }
        if node.length.as_ref() != Some(over) {
            return Err(Unsupported::Layer);
        }
        self.intern(NetNode { kind: Kind::Average(id), sources: Vec::new(), length: Some(length.clone()) })
    }

    /// The signals of which means are taken.
    pub fn averaged(&self) -> Vec<NetNodeId> {
        let source = |node: &NetNode| if let Kind::Average(source) = node.kind { Some(source) } else { None };
        let mut all: Vec<NetNodeId> = self.nodes.iter().filter_map(source).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// What a node has at all positions, where that is the only position of another one.
fn broadcast(node: &NetNode) -> Option<NetNodeId> {
    match node.sources.as_slice() {
        [(single, moves)] if node.kind == Kind::Sum && moves.iter().all(|axis| axis.down == 0) => {
            Some(*single)
        }
        _ => None,
    }
}
