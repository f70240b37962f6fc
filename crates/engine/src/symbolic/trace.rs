//! What was done with each part of a stack while its normal form was made, as the functions that made it tell. Decides
//! nothing, and reads no layer.

use super::reach::SymbolicReach;
use crate::ir::Origin;
use crate::operator::trace::{Harmless, Made, Record, Trace};

/// What a part of a stack is by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// A linear layer.
    Linear(Made),
    /// The maximum over a window.
    Maximum,
    /// The positive part.
    Relu,
    /// A layer that is several of these.
    Several,
    /// Layers one after the other that were put together before they came here.
    Stack,
    /// Branches that are added.
    Sum,
    /// A stack times a number.
    Times,
    /// Copies of a stack without strides, as many as a size says: a power of its kernel.
    Copies,
    /// Copies of a pooling or a stride, as many as a size says: one with the power of the stride.
    Poolings,
}

/// What became of a node that came behind others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// Nothing was before it.
    First,
    /// It changes nothing.
    Kept,
    /// Its kernel was convolved with the one before it.
    Convolved {
        /// Whether the stride before it dilated it.
        dilated: bool,
        /// Why that is right at borders.
        border: Harmless,
    },
    /// A maximum of maxima that leave no gaps is one.
    Maxima,
    /// It chooses among the maxima before it, which is a stride of these.
    Chosen,
    /// What comes before it is a positive part already.
    Positive,
    /// It adds a constant.
    Added,
    /// The constant before it was put behind it.
    Passed,
    /// It stands apart, as it reads zeros beyond the ends of what comes before it, which would go on.
    Cut,
    /// It stands apart, as the two do not make one node.
    Apart,
}

/// What was done with a part of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Did {
    /// What it is.
    pub part: PartKind,
    /// What became of its nodes behind those before it, in order.
    pub joined: Vec<Became>,
}

/// The steps that made a stack.
#[derive(Clone, Debug)]
pub struct Steps {
    trace: Trace<Did, Option<SymbolicReach>>,
    /// Those that its output reads.
    ends: Vec<usize>,
}

impl Default for Steps {
    fn default() -> Self {
        Self { trace: Trace::default(), ends: vec![0] }
    }
}

impl Steps {
    /// What was told.
    pub fn trace(&self) -> &Trace<Did, Option<SymbolicReach>> {
        &self.trace
    }

    /// How many parts there are one after the other.
    pub fn parts(&self) -> usize {
        self.trace.kept.iter().filter(|record| record.depth == 0).count()
    }

    /// All of this is one part of a larger stack.
    pub(super) fn part(&mut self, origin: Origin, part: PartKind, reach: Option<SymbolicReach>) {
        for record in &mut self.trace.kept {
            record.depth += 1;
            // What that says is said of the input of the part.
            record.output = None;
        }
        let reads = std::mem::take(&mut self.ends);
        let did = Did { part, joined: Vec::new() };
        let own = self.trace.tell(|depth| Record { origin, depth, reads, did, output: reach });
        self.ends = vec![own];
    }

    /// A part comes behind these.
    pub(super) fn then(&mut self, next: &Self, joined: Vec<Became>, reach: Option<SymbolicReach>) {
        let before = self.trace.all;
        self.trace.append(&next.trace, &self.ends);
        let ends = next.ends.iter();
        self.ends =
            ends.flat_map(|&end| if end == 0 { self.ends.clone() } else { vec![before + end] }).collect();
        if next.trace.all > 0
            && self.trace.is_whole()
            && let Some(last) = self.trace.kept.last_mut()
        {
            last.did.joined = joined;
            last.output = reach;
        }
    }

    /// A branch is added to these.
    pub(super) fn beside(&mut self, other: &Self) {
        let before = self.trace.all;
        self.trace.append(&other.trace, &[0]);
        self.ends.extend(other.ends.iter().map(|&end| if end == 0 { 0 } else { before + end }));
    }
}
