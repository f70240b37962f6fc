//! Stride and receptive field of a stack from its layers' extents, zeros of kernels included.

use num_integer::Integer;
use num_rational::Ratio;

use super::gather::{SameRule, signed};
use crate::ir::{Branch, Composite, Coordinates, Layer, Origin, Padding, Stack};

/// Why a stack has no stride or no kernel size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeometryError {
    /// A layer makes more rows than it gets, so that outputs differ in what they read.
    Upsamples(Origin),
    /// A layer reads the whole image, whatever its size.
    WholeImage(Origin),
    /// Two branches move at different strides.
    Strides(Origin, Origin),
    /// Beyond 64 bits.
    TooLarge(Origin),
}

/// One axis: output `i` reads input positions `stride·i + first ..= stride·i + last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceptiveField {
    /// Input positions from one output to the next.
    pub stride: i64,
    /// First position that output 0 reads.
    pub first: i64,
    /// Last position that output 0 reads.
    pub last: i64,
}

impl ReceptiveField {
    const IDENTITY: Self = Self { stride: 1, first: 0, last: 0 };

    /// How many positions in a row are read.
    pub fn extent(&self) -> i64 {
        self.last - self.first + 1
    }

    fn window(extent: i64, stride: usize, before: i64) -> Self {
        Self { stride: signed(stride), first: -before, last: extent - 1 - before }
    }

    fn then(&self, next: &Self) -> Option<Self> {
        let field = Self {
            stride: self.stride.checked_mul(next.stride)?,
            first: self.first.checked_add(self.stride.checked_mul(next.first)?)?,
            last: self.last.checked_add(self.stride.checked_mul(next.last)?)?,
        };
        // So that the extent, and differences of ends, fit as well.
        (field.first.checked_abs()?.max(field.last.checked_abs()?) < 1 << 60).then_some(field)
    }
}

/// The zeros that SAME padding puts before images whose size is a multiple of the stride.
pub fn nominal_before(rule: SameRule) -> i64 {
    let total = (rule.extent - rule.stride).max(0);
    if rule.upper { total / 2 } else { total - total / 2 }
}

/// The receptive field along both axes: composition of extents and strides, the union over branches.
///
/// # Errors
/// Where outputs do not all read the input alike, or numbers leave 64 bits.
pub fn fields(stack: &Stack) -> Result<[ReceptiveField; 2], GeometryError> {
    let union = |first: Branch<[ReceptiveField; 2]>, next: Branch<[ReceptiveField; 2]>| {
        if (0..2).any(|axis| first.of[axis].stride != next.of[axis].stride) {
            return Err(GeometryError::Strides(first.origin, next.origin));
        }
        let of = [0, 1].map(|axis| ReceptiveField {
            first: first.of[axis].first.min(next.of[axis].first),
            last: first.of[axis].last.max(next.of[axis].last),
            ..next.of[axis]
        });
        Ok(Branch { of, ..first })
    };
    stack.fold([ReceptiveField::IDENTITY; 2], |op, origin| match op.branches() {
        Err((layer, fields)) => {
            let next = layer_fields(layer, origin)?;
            match [0, 1].map(|axis| fields[axis].then(&next[axis])) {
                [Some(rows), Some(columns)] => Ok([rows, columns]),
                _ => Err(GeometryError::TooLarge(origin)),
            }
        }
        Ok(branches) => Ok(branches.reduce(union)?.of),
    })
}

fn layer_fields(layer: &Layer, origin: Origin) -> Result<[ReceptiveField; 2], GeometryError> {
    let windows = |extent: [i64; 2], stride: [usize; 2], padding: Padding| {
        [0, 1].map(|axis| {
            let rule = |upper| SameRule { stride: signed(stride[axis]), extent: extent[axis], upper };
            let before = match padding {
                Padding::Sides(sides) => sides[axis],
                Padding::SameUpper => nominal_before(rule(true)),
                Padding::SameLower => nominal_before(rule(false)),
            };
            ReceptiveField::window(extent[axis], stride[axis], before)
        })
    };
    Ok(match layer {
        Layer::Conv(conv) => {
            windows(super::lower::extents(conv.kernel.shape(), conv.dilation), conv.stride, conv.padding)
        }
        Layer::Pool(pool) => windows(pool.size.map(signed), pool.stride, pool.padding),
        Layer::MaxPool(pool) => windows(pool.size.map(signed), pool.stride, pool.padding),
        Layer::Subsample(stride) => windows([1, 1], *stride, Padding::Sides([0; 4])),
        Layer::SpaceToDepth(n) => windows([signed(*n); 2], [*n; 2], Padding::Sides([0; 4])),
        Layer::Pad([top, left, _, _]) => windows([1, 1], [1, 1], Padding::Sides([*top, *left, 0, 0])),
        Layer::Scale(_) | Layer::Bias(_) | Layer::Select { .. } | Layer::Relu | Layer::Function(_) => {
            [ReceptiveField::IDENTITY; 2]
        }
        Layer::Composite(
            Composite::Pointwise(_)
            | Composite::Permute(_)
            | Composite::ChannelShuffle(_)
            | Composite::ChannelMean,
        ) => [ReceptiveField::IDENTITY; 2],
        Layer::Composite(Composite::Resize(resize)) if resize.coordinates != Coordinates::AlignCorners => {
            return Err(GeometryError::Upsamples(origin));
        }
        Layer::Composite(Composite::Resize(_) | Composite::AdaptivePool { .. }) => {
            return Err(GeometryError::WholeImage(origin));
        }
        Layer::Composite(Composite::Pad { sides: [top, left, ..], .. }) => {
            windows([1, 1], [1, 1], Padding::Sides([*top, *left, 0, 0]))
        }
        Layer::GlobalAverage | Layer::Dense { .. } => return Err(GeometryError::WholeImage(origin)),
        Layer::ConvTranspose(conv) if conv.stride == [1, 1] => {
            // The transpose of a layer without stride reads as many positions before as that does after.
            let extent = super::lower::extents(conv.kernel.shape(), conv.dilation);
            let [top, left, _, _] = conv.padding;
            windows(extent, [1, 1], Padding::Sides([extent[0] - 1 - top, extent[1] - 1 - left, 0, 0]))
        }
        Layer::ConvTranspose(_) | Layer::Upsample(_) | Layer::DepthToSpace(_) => {
            return Err(GeometryError::Upsamples(origin));
        }
    })
}

/// Input positions per output position along both axes; below 1 where the stack upsamples.
///
/// # Errors
/// Where branches differ, the whole image is read, or numbers leave 64 bits.
pub fn strides(stack: &Stack) -> Result<[Ratio<i64>; 2], GeometryError> {
    let common = |first: Branch<[Ratio<i64>; 2]>, next: Branch<[Ratio<i64>; 2]>| {
        if first.of == next.of { Ok(next) } else { Err(GeometryError::Strides(first.origin, next.origin)) }
    };
    stack.fold([Ratio::from(1); 2], |op, origin| match op.branches() {
        Err((layer, all)) => {
            let next = layer_strides(layer, origin)?;
            match [0, 1].map(|axis| product(all[axis], next[axis])) {
                [Some(rows), Some(columns)] => Ok([rows, columns]),
                _ => Err(GeometryError::TooLarge(origin)),
            }
        }
        Ok(branches) => Ok(branches.reduce(common)?.of),
    })
}

fn layer_strides(layer: &Layer, origin: Origin) -> Result<[Ratio<i64>; 2], GeometryError> {
    let inverse = |factor: [usize; 2]| Ok(factor.map(|n| Ratio::new(1, signed(n).max(1))));
    match layer {
        Layer::ConvTranspose(conv) => inverse(conv.stride),
        Layer::Upsample(upsample) => inverse(upsample.factor),
        Layer::DepthToSpace(n) => inverse([*n; 2]),
        Layer::Composite(Composite::Resize(resize)) if resize.coordinates != Coordinates::AlignCorners => {
            Ok(resize.factor.map(|[up, down]| Ratio::new(down, up.max(1))))
        }
        layer => layer_fields(layer, origin).map(|fields| fields.map(|field| Ratio::from(field.stride))),
    }
}

fn product(a: Ratio<i64>, b: Ratio<i64>) -> Option<Ratio<i64>> {
    let (f, g) = (a.numer().gcd(b.denom()), b.numer().gcd(a.denom()));
    let numerator = (a.numer() / f).checked_mul(b.numer() / g)?;
    Some(Ratio::new(numerator, (a.denom() / g).checked_mul(b.denom() / f)?))
}
