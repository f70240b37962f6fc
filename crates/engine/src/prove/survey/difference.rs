//! What two maps read from the same output position, side by side, and where that differs. Generic over the
//! numbers that stand for the weights.

use std::collections::BTreeSet;

use super::sights::number;
use crate::axes::{AXES, Axes, positions};
use crate::operator::integers::{Denominators, Whole};
use crate::operator::pattern::Pattern;
use crate::operator::pull::{Functional, MapWeights, Pulled, Puller, WeightNumber};
use crate::operator::{Affine, NodeId, Operators};
use convproof_exact::{Fp, Poly};

/// Two maps with their weights as numbers.
pub struct MapPair<'a, R> {
    maps: [&'a Affine; 2],
    weights: [MapWeights<R>; 2],
    puller: Puller<'a, R>,
}

impl<'a> MapPair<'a, Fp> {
    /// The maps with weights modulo the prime; `None` if some weight has no residue.
    pub fn residues(
        operators: &'a Operators,
        nodes: &'a [NodeId],
        maps: [&'a Affine; 2],
        value: impl Fn(convproof_exact::Symbol) -> Fp,
    ) -> Option<Self> {
        Self::new(operators, nodes, maps, |_, affine| {
            MapWeights::of(
                affine,
                |part| part.gather.kernel.evaluate_mod(&value),
                |poly| poly.evaluate_mod(&value),
            )
        })
    }
}

impl<'a> MapPair<'a, Poly> {
    /// The maps with polynomial weights; `None` past the limit of terms.
    pub fn polynomials(operators: &'a Operators, nodes: &'a [NodeId], maps: [&'a Affine; 2]) -> Option<Self> {
        Self::new(operators, nodes, maps, |_, affine| {
            MapWeights::of(
                affine,
                |part| Some(part.gather.kernel.expand().ok()?.entries().to_vec()),
                |poly| Some(poly.clone()),
            )
        })
    }
}

impl<'a, R: Whole> MapPair<'a, R> {
    /// The maps with integers for weights; `None` if a symbol occurs, or they do not fit.
    pub fn integers(
        operators: &'a Operators,
        nodes: &'a [NodeId],
        maps: [&'a Affine; 2],
        denominators: &Denominators,
    ) -> Option<Self> {
        Self::new(operators, nodes, maps, |reader, affine| denominators.weights(reader, affine))
    }
}

impl<'a, R: WeightNumber> MapPair<'a, R> {
    fn new(
        operators: &'a Operators,
        nodes: &'a [NodeId],
        maps: [&'a Affine; 2],
        weigh: impl Fn(Option<NodeId>, &Affine) -> Option<MapWeights<R>>,
    ) -> Option<Self> {
        let puller = Puller::new(operators, nodes, &weigh)?;
        Some(Self { maps, weights: [weigh(None, maps[0])?, weigh(None, maps[1])?], puller })
    }

    /// Whether the limit on work is reached.
    pub fn is_exhausted(&self) -> bool {
        self.puller.is_exhausted()
    }

    /// Output channels.
    pub fn channels(&self) -> usize {
        self.maps[0].channels
    }

    /// What both maps read where the axes have these patterns, with their output channels weighted by
    /// `output`; `None` past a limit.
    pub fn pulled(&self, patterns: Axes<&Pattern>, output: &[R]) -> Option<[Pulled<R>; 2]> {
        let pull =
            |side: usize| self.puller.pull(side, self.maps[side], &self.weights[side], output, patterns);
        Some([pull(0)?, pull(1)?])
    }

    /// The same for one output channel.
    pub fn channel(&self, patterns: Axes<&Pattern>, channel: usize) -> Option<[Pulled<R>; 2]> {
        let zero = || R::finish(R::Accumulator::default());
        let unit = |o: usize| if o == channel { R::one() } else { zero() };
        self.pulled(patterns, &(0..self.maps[0].channels).map(unit).collect::<Vec<R>>())
    }
}

/// Where two functionals differ.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// In the constant or at a leaf other than the input: visible at every size.
    pub everywhere: bool,
    /// Numbers of the read positions along each axis at which the input's coefficients differ, sorted.
    pub support: Vec<Axes<u32>>,
    /// Whether everything else was shown to be equal; residues only show what differs.
    pub exact: bool,
}

impl Difference {
    /// Whether the functionals are equal.
    pub fn is_none(&self) -> bool {
        !self.everywhere && self.support.is_empty()
    }

    /// Whether they differ where these of the read positions lie in the input.
    pub fn visible(&self, visible: Axes<(u32, u32)>) -> bool {
        self.everywhere || self.support.iter().any(|&at| inside(at, visible))
    }

    /// Adds where two functionals differ.
    pub fn collect<R: WeightNumber>(
        &mut self,
        [left, right]: &[Pulled<R>; 2],
        mut differ: impl FnMut(&R, &R) -> bool,
    ) {
        self.everywhere |= differ(&left.constant, &right.constant);
        compare(left, right, |id, [_, at @ ..], a, b| {
            if differ(a, b) {
                if id == 0 {
                    self.support.push(at);
                } else {
                    self.everywhere = true;
                }
            }
        });
        self.support.sort_unstable();
        self.support.dedup();
    }
}

/// Whether a read position is among those that lie in the input.
pub fn inside(at: Axes<u32>, visible: Axes<(u32, u32)>) -> bool {
    (0..AXES).all(|axis| (visible[axis].0..visible[axis].1).contains(&at[axis]))
}

/// The nodes that are read from either side, and what each side reads of them.
pub fn leaves<'p, R>(
    left: &'p Pulled<R>,
    right: &'p Pulled<R>,
) -> impl Iterator<Item = (NodeId, [Option<&'p Functional<R>>; 2])> {
    let ids: BTreeSet<NodeId> = left.leaves.iter().chain(&right.leaves).map(|(id, _)| *id).collect();
    ids.into_iter().map(move |id| {
        let of = |pulled: &'p Pulled<R>| pulled.leaves.iter().find(|(leaf, _)| *leaf == id);
        (id, [left, right].map(|pulled| of(pulled).map(|(_, leaf)| leaf)))
    })
}

/// Calls `each` with node, channel, row and column number, and both coefficients of everything that is read.
pub fn compare<R: WeightNumber>(
    left: &Pulled<R>,
    right: &Pulled<R>,
    mut each: impl FnMut(NodeId, [u32; 3], &R, &R),
) {
    let zero = R::finish(R::Accumulator::default());
    for (id, [a, b]) in leaves(left, right) {
        let Some(shape) = a.or(b) else { continue };
        let area = shape.extents.iter().product::<usize>().max(1);
        for channel in 0..shape.coefficients.len() / area {
            for (at, [row, column]) in positions(shape.extents).enumerate() {
                let at = channel * area + at;
                let [a, b] = [a, b].map(|f: Option<&Functional<R>>| f.map_or(&zero, |f| &f.coefficients[at]));
                each(id, [channel, row, column].map(number), a, b);
            }
        }
    }
}
