//! Layers with a definition of their own as stacks of simpler ones (section 15 of `docs/semantics.md`).
//!
//! Only the engine reads them; the naive evaluator keeps to the definitions, so that each check of a proof compares both.

use super::error::OperatorError;
use super::gather::{index, signed};
use crate::axes::{AXES, Axes, Ends, along, try_each};
use crate::ir::{
    AveragePool, Composite, Conv, KernelTerm, Layer, NonEmpty, Operation, Origin, PadMode, Padding,
    Pointwise, Stack,
};
use crate::kernel::{ConcreteKernel, KernelError, Shape};
use convproof_exact::{Limited, Rational};

/// Most entries along an axis that mirror or repeat others, at both ends together.
pub const MAX_MIRRORED: i64 = 64;

/// Builds the stack of one layer.
pub(super) struct Builder {
    pub(super) at: Origin,
    pub(super) channels: usize,
}

/// The stack that a layer is equal to on images of some channels, of any size or of this one.
///
/// # Errors
/// If the stack depends on a size that is not known, and beyond the limits.
pub fn expanded(
    layer: &Composite,
    at: Origin,
    channels: usize,
    size: Option<Axes<i64>>,
) -> Result<Stack, OperatorError> {
    let build = Builder { at, channels };
    match layer {
        Composite::Pointwise(function) => build.pointwise(function),
        Composite::Pad { ends, mode: PadMode::Constant(value) } => build.filled(*ends, value),
        Composite::Pad { ends, mode } => {
            let along = |axis| build.padded(axis, ends[axis], mode, size.map(|size| size[axis]));
            Ok(build.chain(&try_each(along)?))
        }
        Composite::Resize(resize) => build.resized(resize, size),
        Composite::AdaptivePool { size, maximum: false } if *size == [1; AXES] => {
            Ok(build.layer(Layer::GlobalAverage))
        }
        Composite::AdaptivePool { size: outputs, maximum } => {
            let size = size.ok_or(OperatorError::NeedsSize { at })?;
            let along = |axis: usize| build.shared(axis, signed(outputs[axis]), size[axis], *maximum);
            Ok(build.chain(&try_each(along)?))
        }
        Composite::Permute(order) => build.mixed(order.len(), |o, c| order[o] == c),
        Composite::ChannelShuffle(groups) => {
            let per_group = channels / groups.max(&1);
            build.mixed(channels, |o, c| c == o % groups * per_group + o / groups)
        }
        Composite::ChannelMean => {
            let share = Rational::from(signed(channels)).recip().unwrap_or_default();
            Ok(build.chain(&[build.mixed(1, |_, _| true)?, build.scale(&share)?]))
        }
    }
}

impl Builder {
    pub(super) fn layer(&self, layer: Layer) -> Stack {
        Stack::layer(layer, self.at)
    }

    pub(super) fn chain(&self, links: &[Stack]) -> Stack {
        Stack::chain(links, self.at)
    }

    pub(super) fn sum(&self, branches: Vec<(i64, Stack)>) -> Result<Stack, OperatorError> {
        let (factors, stacks): (Vec<i64>, Vec<Stack>) = branches.into_iter().unzip();
        let number = |factor: &i64| self.number(&Rational::from(*factor));
        let factors = factors.iter().map(number).collect::<Result<Vec<_>, _>>()?;
        let terms = factors.into_iter().zip(&stacks).collect();
        let terms = NonEmpty::of(terms).ok_or(OperatorError::TooLarge { at: self.at })?;
        Ok(Stack::sum(terms, self.at))
    }

    pub(super) fn blame<T>(&self, result: Result<T, KernelError>) -> Result<T, OperatorError> {
        result.map_err(|error| OperatorError::Kernel { at: self.at, error })
    }

    fn number(&self, value: &Rational) -> Result<KernelTerm, OperatorError> {
        let kernel = ConcreteKernel::from_rationals(Shape::plane(1, 1), std::slice::from_ref(value));
        Ok(KernelTerm::constant(self.blame(kernel)?))
    }

    fn bias(&self, value: &Rational) -> Result<Stack, OperatorError> {
        Ok(self.layer(Layer::Bias(self.number(value)?)))
    }

    fn scale(&self, value: &Rational) -> Result<Stack, OperatorError> {
        Ok(self.layer(Layer::Scale(self.number(value)?)))
    }

    /// `max(x − from, 0)`.
    fn above(&self, from: &Rational) -> Result<Stack, OperatorError> {
        Ok(self.chain(&[self.bias(&-from)?, self.layer(Layer::Relu)]))
    }

    fn pointwise(&self, function: &Pointwise) -> Result<Stack, OperatorError> {
        let relu = || self.layer(Layer::Relu);
        let negative = || Ok(self.chain(&[self.scale(&Rational::from(-1))?, relu()]));
        match function {
            Pointwise::LeakyRelu(slopes) => {
                let scaled = self.chain(&[negative()?, self.layer(Layer::Scale(slopes.clone()))]);
                self.sum(vec![(1, relu()), (-1, scaled)])
            }
            Pointwise::Clip { low, high } => {
                let between = self.sum(vec![(1, self.above(low)?), (-1, self.above(high)?)])?;
                Ok(self.chain(&[between, self.bias(low)?]))
            }
            Pointwise::Abs => self.sum(vec![(1, relu()), (1, negative()?)]),
            Pointwise::HardSigmoid { slope, offset } => {
                let clip = Pointwise::Clip { low: Rational::ZERO, high: Rational::ONE };
                Ok(self.chain(&[self.scale(slope)?, self.bias(offset)?, self.pointwise(&clip)?]))
            }
        }
    }

    /// `x − value`, zeros around it, plus the value.
    fn filled(&self, ends: Axes<Ends>, value: &KernelTerm) -> Result<Stack, OperatorError> {
        let minus = self.blame(KernelTerm::apply(Operation::Negate(value)))?;
        let links = [Layer::Bias(minus), Layer::Pad(ends), Layer::Bias(value.clone())];
        Ok(self.chain(&links.map(|layer| self.layer(layer))))
    }

    /// A 1×1 kernel with ones where `one` says so.
    fn mixed(&self, outputs: usize, one: impl Fn(usize, usize) -> bool) -> Result<Stack, OperatorError> {
        let shape = Shape::new(outputs, self.channels, 1, 1);
        let count = self.blame(shape.validate())?;
        let ones = (0..count).map(|n| i64::from(one(n / self.channels, n % self.channels))).collect();
        let kernel = self.blame(ConcreteKernel::from_integers(shape, ones))?;
        Ok(self.layer(Layer::Conv(Conv::plain(KernelTerm::constant(kernel), 1))))
    }

    /// Entries before the start and after the end of an axis.
    pub(super) fn pad(&self, axis: usize, before: i64, after: i64) -> Stack {
        self.layer(Layer::Pad(along(axis, &Ends { before, after }, &Ends::default())))
    }

    /// Padding along one axis, of this length if it is known.
    pub(super) fn padded(
        &self,
        axis: usize,
        ends: Ends,
        mode: &PadMode,
        length: Option<i64>,
    ) -> Result<Stack, OperatorError> {
        let Ends { before, after } = ends;
        if ends == Ends::default() {
            return Ok(self.chain(&[]));
        }
        if ends.sum().exceeds(MAX_MIRRORED) {
            return Err(OperatorError::TooLarge { at: self.at });
        }
        // Each copy is an entry, counted from the start or the end, and how far it moves.
        let (needs, start, end): (i64, Vec<[i64; 2]>, Vec<[i64; 2]>) = match mode {
            PadMode::Constant(_) | PadMode::Circular => {
                let length = length.ok_or(OperatorError::NeedsSize { at: self.at })?;
                return self.wrapped(axis, ends, length);
            }
            PadMode::Reflect => (
                before.max(after) + 1,
                (1..=before).map(|k| [k, before - 2 * k]).collect(),
                (1..=after).map(|k| [k, before + 2 * k]).collect(),
            ),
            PadMode::Symmetric => (
                before.max(after),
                (0..before).map(|k| [k, before - 1 - 2 * k]).collect(),
                (0..after).map(|k| [k, before + 2 * k + 1]).collect(),
            ),
            PadMode::Replicate => return self.replicated(axis, ends),
        };
        let total = ends.sum();
        let mut branches = vec![(1, self.pad(axis, before, after))];
        for [k, by] in start {
            for (sign, k) in [(1, k), (-1, k + 1)] {
                // The first k entries are cut away and zeros stand in their place.
                let rest = [self.pad(axis, -k, k), self.pad(axis, k, -k), self.pad(axis, by, total - by)];
                branches.push((sign, self.chain(&rest)));
            }
        }
        for [k, by] in end {
            for (sign, k) in [(1, k), (-1, k + 1)] {
                let rest = [self.pad(axis, k, -k), self.pad(axis, -k, k), self.pad(axis, by, total - by)];
                branches.push((sign, self.chain(&rest)));
            }
        }
        // No output where there are fewer entries than are mirrored.
        let least = needs - 1;
        branches.push((0, self.chain(&[self.pad(axis, -least, 0), self.pad(axis, least + before, after)])));
        self.sum(branches)
    }

    /// The outermost entries, alone among zeros, summed over windows that meet them as often as they are repeated.
    fn replicated(&self, axis: usize, Ends { before, after }: Ends) -> Result<Stack, OperatorError> {
        let window = |size: i64, before: i64, after: i64| {
            self.layer(Layer::Pool(AveragePool {
                average: false,
                size: along(axis, &index(size), &1),
                stride: [1; AXES],
                padding: Padding::Sides(along(axis, &Ends { before, after }, &Ends::default())),
                count_include_pad: true,
                ceil_mode: false,
            }))
        };
        let mut branches = vec![(1, self.pad(axis, before, after))];
        let mut repeat = |[away, back]: [Stack; 2], window: Stack| {
            branches.push((1, window.clone()));
            branches.push((-1, self.chain(&[away, back, window])));
        };
        if before > 0 {
            repeat(
                [self.pad(axis, -1, 1), self.pad(axis, 1, -1)],
                window(before, before - 1, before + after),
            );
        }
        if after > 0 {
            repeat([self.pad(axis, 1, -1), self.pad(axis, -1, 1)], window(after, before + after, after - 1));
        }
        self.sum(branches)
    }

    /// The image three times in a row, cut; without output where more is asked for.
    fn wrapped(&self, axis: usize, Ends { before, after }: Ends, n: i64) -> Result<Stack, OperatorError> {
        if before.max(after) > n {
            return Ok(self.pad(axis, -n, 0));
        }
        let copies = [-n, 0, n].map(|by| (1, self.pad(axis, before + by, after - by)));
        self.sum(copies.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{Image, Weights, run};
    use crate::ir::{Coordinates, Interpolation, Resize, ends};
    use convproof_exact::SplitMix64;

    fn number(value: i64) -> KernelTerm {
        KernelTerm::constant(ConcreteKernel::from_integers(Shape::plane(1, 1), vec![value]).unwrap())
    }

    fn vector(values: &[i64]) -> KernelTerm {
        let shape = Shape::plane(1, values.len());
        KernelTerm::constant(ConcreteKernel::from_integers(shape, values.to_vec()).unwrap())
    }

    fn random(size: [usize; 3], generator: &mut SplitMix64) -> Image {
        let count = size.iter().product();
        let value = |_| Rational::from(i64::try_from(generator.below(19)).unwrap() - 9);
        Image::new(size[0], size[1], size[2], (0..count).map(value).collect()).unwrap()
    }

    /// The layer from its definition and from its stack make the same of random images of these sizes, or both nothing.
    fn agrees(layer: &Composite, channels: usize, sizes: impl IntoIterator<Item = [usize; 2]>) {
        let mut generator = SplitMix64::new(7);
        let at = Origin::NOWHERE;
        let own = Stack::layer(Layer::Composite(layer.clone()), at);
        for [h, w] in sizes {
            let image = random([channels, h, w], &mut generator);
            let defined = run(&own, &image, &Weights::default());
            let size = Some([h, w].map(signed));
            let stack = expanded(layer, at, channels, size).unwrap();
            let made = run(&stack, &image, &Weights::default());
            match (&defined, &made) {
                (Err(a), Err(b)) => assert!(a.is_no_output() && b.is_no_output(), "{layer:?} {a} {b}"),
                _ => assert_eq!(defined, made, "{layer:?} {h} {w}"),
            }
            if let Ok(stack) = expanded(layer, at, channels, None) {
                assert_eq!(made.ok(), run(&stack, &image, &Weights::default()).ok(), "{layer:?}");
            }
        }
    }

    fn square(most: usize) -> Vec<[usize; 2]> {
        (1..=most).flat_map(|h| (1..=most).map(move |w| [h, w])).collect()
    }

    #[test]
    fn interpolation_is_its_definition_at_every_size() {
        let methods = [
            Interpolation::Nearest,
            Interpolation::Linear,
            Interpolation::Cubic(Rational::ratio(-3, 4).unwrap()),
        ];
        for method in methods {
            for coordinates in [Coordinates::HalfPixel, Coordinates::Asymmetric, Coordinates::AlignCorners] {
                for factor in [[1, 1], [2, 1], [3, 1], [4, 1], [1, 2], [1, 3], [1, 4], [3, 2], [2, 3], [5, 3]]
                {
                    let factor = [factor, [3, 1]];
                    agrees(
                        &Composite::Resize(Resize { factor, method: method.clone(), coordinates }),
                        2,
                        square(6),
                    );
                }
            }
        }
    }

    #[test]
    fn windows_that_share_an_axis_and_channels_in_another_order() {
        for maximum in [false, true] {
            for size in [[1, 1], [1, 2], [3, 2], [4, 5], [7, 1]] {
                agrees(&Composite::AdaptivePool { size, maximum }, 2, square(7));
            }
        }
        agrees(&Composite::Permute(vec![2, 0, 3, 1]), 4, square(2));
        agrees(&Composite::ChannelShuffle(2), 6, square(2));
        agrees(&Composite::ChannelShuffle(3), 6, square(2));
        agrees(&Composite::ChannelMean, 3, square(2));
    }

    #[test]
    fn padding_is_its_definition_at_every_size() {
        for mode in [PadMode::Reflect, PadMode::Symmetric, PadMode::Replicate, PadMode::Circular] {
            for before in 0..4 {
                for after in 0..4 {
                    let ends = ends([before, after, after, 3 - before]);
                    agrees(&Composite::Pad { ends, mode: mode.clone() }, 2, square(6));
                }
            }
        }
        for value in [number(5), vector(&[3, -2])] {
            agrees(
                &Composite::Pad { ends: ends([1, 0, 2, 3]), mode: PadMode::Constant(value) },
                2,
                square(3),
            );
        }
    }

    #[test]
    fn functions_of_entries_are_sums_of_relus() {
        let ratio = |n, d| Rational::ratio(n, d).unwrap();
        let functions = [
            Pointwise::Abs,
            Pointwise::relu6(),
            Pointwise::hard_sigmoid(),
            Pointwise::Clip { low: ratio(-7, 2), high: ratio(-7, 2) },
            Pointwise::Clip { low: Rational::from(-3), high: ratio(5, 2) },
            Pointwise::HardSigmoid { slope: ratio(-1, 5), offset: ratio(1, 3) },
            Pointwise::LeakyRelu(number(-2)),
            Pointwise::LeakyRelu(vector(&[3, 0])),
        ];
        for function in functions {
            agrees(&Composite::Pointwise(function), 2, [[4, 5], [1, 7]]);
        }
    }
}
