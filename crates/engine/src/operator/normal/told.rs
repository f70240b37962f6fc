//! What is done with the values of a stack, kept where somebody asks. Nothing that is kept here is read while maps are made.

use super::affine::Affine;
use super::{Node, Operators};
use crate::axes::AXES;
use crate::ir::Origin;
use crate::operator::gather::signed;
use crate::operator::reach::{Reach, Reaches, moved, together};
use crate::operator::trace::{Did, Output, Record, Trace};

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) trace: Trace<Did>,
    /// What the first nodes read of the input.
    reaches: Vec<Reaches>,
}

impl Operators {
    /// The same, keeping what is done with each layer.
    #[must_use]
    pub fn traced(mut self) -> Self {
        self.trace = Some(Told::default());
        self
    }

    /// What was done with the stack before; from now on it is another one.
    pub fn told(&mut self) -> Trace<Did> {
        self.trace.as_mut().map(|told| std::mem::take(&mut told.trace)).unwrap_or_default()
    }

    /// Keeps what was done with a value, where somebody asks.
    pub(super) fn tell(&mut self, origin: Origin, reads: Vec<usize>, did: Did, map: &Affine) -> usize {
        let Some(mut told) = self.trace.take() else { return 0 };
        while let Some(node) = self.nodes.get(told.reaches.len()) {
            let reach = self.reach_of(node, &told.reaches);
            told.reaches.push(reach);
        }
        let reach = read_by(map, &told.reaches);
        let length = map.length.clone();
        let step =
            told.trace.tell(|depth| Record { origin, depth, reads, did, output: Output { length, reach } });
        self.trace = Some(told);
        step
    }

    /// What a node reads of the input, given that for those before it.
    fn reach_of(&self, node: &Node, known: &[Reaches]) -> Reaches {
        match node {
            Node::Input { .. } => Some([Reach::INPUT; AXES]),
            Node::Cut(inner) | Node::Relu(inner) | Node::Function(_, inner) | Node::Product(inner) => {
                read_by(inner, known)
            }
            Node::Average { source, windows, .. } | Node::Maximum { source, windows, .. } => {
                moved(known[*source], &windows.axes, windows.size)
            }
            Node::GlobalAverage(_) | Node::Broadcast { .. } => None,
        }
    }
}

/// What a map reads of the input, given that for the nodes.
fn read_by(map: &Affine, nodes: &[Reaches]) -> Reaches {
    together(map.parts.iter().map(|part| {
        let taps = part.gather.kernel.shape().extents().map(signed);
        moved(nodes[part.source], &part.gather.axes, taps)
    }))
}
