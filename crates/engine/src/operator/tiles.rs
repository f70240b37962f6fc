//! What the outputs of a stack read along an axis where tiles become channels and back, so that positions have parts in
//! between. For the kernels of stacks that are read layer by layer; `geometry.rs` has what all reports say.

use super::gather::signed;
use super::geometry::ReceptiveField;
use super::signature::Moves;
use crate::axes::{AXES, Axes, Ends, all};
use crate::ir::{Layer, Op, Origin, Padding, Stack};

/// What the outputs of a value read along one axis: output 0 what lies between two positions of the input, the others as
/// many further on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiled {
    /// Input positions from one output to the next; 1 where a position has several outputs.
    pub stride: i64,
    /// The first and the last position.
    pub reads: [i64; 2],
    /// So many outputs belong to a position.
    pub up: i64,
    /// Which of the parts that depth became tiles of output 0 reads, and how far the next output is.
    parts: ReceptiveField,
}

impl Tiled {
    /// Every output reads its own position.
    pub const IDENTITY: Self = Self { stride: 1, reads: [0; 2], up: 1, parts: ReceptiveField::IDENTITY };

    /// How many positions in a row are read.
    pub fn extent(&self) -> i64 {
        self.reads[1] - self.reads[0] + 1
    }

    /// Outputs of a layer that reads these, where output 0 reads from one output to another.
    fn then(self, next: &ReceptiveField) -> Option<Self> {
        let whole = ReceptiveField { stride: self.stride, first: self.reads[0], last: self.reads[1] };
        if self.up == 1 {
            let ReceptiveField { stride, first, last } = whole.then(next)?;
            return Some(Self { stride, reads: [first, last], ..self });
        }
        if self.up % next.stride != 0 {
            return None;
        }
        let (up, parts) = (self.up / next.stride, self.parts.then(next)?);
        if up > 1 {
            return Some(Self { up, parts, ..self });
        }
        // All parts of a position are one output again.
        let [first, last] = [parts.first, parts.last].map(|part| part.div_euclid(parts.stride));
        let reads = [whole.first.checked_add(first)?, whole.last.checked_add(last)?];
        Some(Self { reads, ..Self::IDENTITY })
    }

    /// Each output becomes several.
    fn apart(self, by: i64) -> Option<Self> {
        (self.up == 1 && self.stride == 1).then_some(Self { up: by, ..self })
    }
}

/// What the outputs of a layer read; `None` of layers whose kernel is not read here, or where outputs do not read alike.
pub fn through(reach: Axes<Tiled>, layer: &Layer) -> Option<Axes<Tiled>> {
    let padding = match layer {
        Layer::DepthToSpace(n) => return all(|axis| reach[axis].apart(signed(*n))),
        Layer::Conv(conv) if conv.bias.is_none() => conv.padding,
        Layer::Pool(pool) if !pool.divisor_varies() => pool.padding,
        Layer::Scale(_) | Layer::Subsample(_) | Layer::Pad(_) | Layer::SpaceToDepth(_) => {
            Padding::Sides(Ends::NONE)
        }
        _ => return None,
    };
    let (Padding::Sides(_), Moves::Window(_)) = (padding, Moves::of(layer)) else { return None };
    let own = super::geometry::layer_fields(layer, Origin::NOWHERE).ok()?;
    all(|axis| reach[axis].then(&own[axis]))
}

/// What the outputs of a stack read along each axis; `None` as for a layer.
pub fn of(stack: &Stack) -> Option<Axes<Tiled>> {
    let found = stack.fold([Tiled::IDENTITY; AXES], |op, _| match op {
        Op::Layer(layer, reach) => through(reach, layer).ok_or(()),
        Op::Sum(terms) => joined(&terms.iter().map(|(_, branch)| branch.of).collect::<Vec<_>>()).ok_or(()),
        Op::Product(_) | Op::Concat(_) | Op::Broadcast(_) => Err(()),
    });
    found.ok().filter(|reach| reach.iter().all(|axis| axis.up == 1))
}

/// What sums of values read that move alike.
pub fn joined(values: &[Axes<Tiled>]) -> Option<Axes<Tiled>> {
    all(|axis| {
        let mut values = values.iter().map(|reach| reach[axis]);
        let first = values.next()?;
        values.try_fold(first, |joined, next| {
            let alike = joined.stride == next.stride
                && joined.up == next.up
                && joined.parts.stride == next.parts.stride;
            let parts = ReceptiveField {
                first: joined.parts.first.min(next.parts.first),
                last: joined.parts.last.max(next.parts.last),
                ..joined.parts
            };
            let reads = [joined.reads[0].min(next.reads[0]), joined.reads[1].max(next.reads[1])];
            alike.then_some(Tiled { reads, parts, ..joined })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(stride: i64, first: i64, last: i64) -> ReceptiveField {
        ReceptiveField { stride, first, last }
    }

    #[test]
    fn parts_of_positions_are_whole_again_after_a_stride() {
        // Tiles of 2, a padded 3×3 of stride 2: parts −1, 0 and 1 are of positions −1 and 0.
        let tiles = Tiled::IDENTITY.apart(2).unwrap();
        assert_eq!(tiles.then(&field(2, -1, 1)).unwrap().reads, [-1, 0]);
        // Without padding parts 0, 1 and 2; a 3×3 before the stride reads four.
        assert_eq!(tiles.then(&field(2, 0, 2)).unwrap().reads, [0, 1]);
        let longer = tiles.then(&field(1, 0, 2)).unwrap();
        assert_eq!((longer.up, longer.then(&field(2, 0, 1)).unwrap().reads), (2, [0, 1]));
        // Strides that leave parts, other strides, and parts of parts.
        assert_eq!(tiles.then(&field(3, 0, 2)), None);
        assert_eq!(Tiled::IDENTITY.apart(4).unwrap().then(&field(2, 0, 1)).unwrap().up, 2);
        assert_eq!(tiles.apart(2), None);
        assert_eq!(Tiled::IDENTITY.then(&field(2, 0, 0)).unwrap().apart(2), None);
    }

    #[test]
    fn what_moves_alike_is_read_together() {
        let moved = |by: &ReceptiveField| [Tiled::IDENTITY.then(by).unwrap(); AXES];
        let together = joined(&[moved(&field(2, -1, 1)), moved(&field(2, 0, 3))]).unwrap();
        assert_eq!(together.map(|reach| (reach.reads, reach.stride)), [([-1, 3], 2); AXES]);
        assert_eq!(joined(&[moved(&field(2, 0, 1)), moved(&field(1, 0, 1))]), None);
        let tiles = Tiled::IDENTITY.apart(2).unwrap();
        assert_eq!(joined(&[[tiles; AXES], [Tiled::IDENTITY; AXES]]), None);
        assert_eq!(joined(&[[tiles; AXES], [tiles.then(&field(1, 0, 2)).unwrap(); AXES]]).unwrap()[0].up, 2);
        assert_eq!(joined(&[]), None);
    }
}
