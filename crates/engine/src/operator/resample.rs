//! Resizing and adaptive pooling as stacks of simpler layers, along one axis at a time (section 15 of
//! `docs/semantics.md`).

use num_integer::Integer;

use super::error::OperatorError;
use super::expand::Builder;
use super::gather::index;
use super::length::floor;
use crate::axes::{AXES, Axes, Ends, along, try_each};
use crate::ir::{
    AveragePool, Conv, ConvTranspose, Coordinates, Interpolation, KernelTerm, Layer, MaxPool, PadMode,
    Padding, Resize, Stack,
};
use crate::kernel::{ConcreteKernel, Shape};
use convproof_exact::{Limited, Rational};

/// Most phases of a factor, and most outputs along an axis of layers that are read at one size only.
pub const MAX_PHASES: i64 = 256;

/// Most weights of a layer that is read at one size only.
const MAX_WEIGHTS: usize = 1 << 20;

impl Builder {
    pub(super) fn resized(&self, resize: &Resize, size: Option<Axes<i64>>) -> Result<Stack, OperatorError> {
        let along = try_each(|axis| {
            let [up, down] = resize.factor[axis];
            if up.max(down).exceeds(MAX_PHASES) {
                return Err(OperatorError::TooLarge { at: self.at });
            }
            match (resize.coordinates, size) {
                (Coordinates::HalfPixel, _) => {
                    let half = ratio(1, 2);
                    let start = &(&ratio(down, up) * &half) - &half;
                    self.interpolated(axis, [up, down], &start, &resize.method, true)
                }
                (Coordinates::Asymmetric, _) => {
                    self.interpolated(axis, [up, down], &Rational::ZERO, &resize.method, false)
                }
                (Coordinates::AlignCorners, Some(size)) => {
                    let (length, outputs) = (size[axis], size[axis].saturating_mul(up) / down);
                    self.aligned(axis, length, outputs, &resize.method)
                }
                (Coordinates::AlignCorners, None) => Err(OperatorError::NeedsSize { at: self.at }),
            }
        })?;
        Ok(self.chain(&along))
    }

    /// Output i stands at `start + i·down/up`: a transposed convolution makes all places `start + j/up`, of which every
    /// `down`-th is kept.
    fn interpolated(
        &self,
        axis: usize,
        [up, down]: [i64; 2],
        start: &Rational,
        method: &Interpolation,
        rounds: bool,
    ) -> Result<Stack, OperatorError> {
        let phase = |r: i64| taps(&(start + &ratio(r, up)), method, rounds);
        let phases: Vec<_> =
            (0..up).map(phase).collect::<Option<_>>().ok_or(OperatorError::TooLarge { at: self.at })?;
        let positions = || phases.iter().flatten().map(|(at, _)| *at);
        let (least, most) = (positions().min().unwrap_or(0), positions().max().unwrap_or(0));
        // The last output that is kept stands before the end by down/up.
        let (before, after) = ((-least).max(0), (most + 1 - Integer::div_ceil(&down, &up)).max(0));
        let extent = index(up * (most - least + 1));
        let mut values = vec![Rational::ZERO; extent];
        for (r, taps) in (0..up).zip(&phases) {
            for (at, weight) in taps {
                values[index(r + up * (most - at))] = weight.clone();
            }
        }
        let kernel = self.blame(self.depthwise(1, along(axis, &extent, &1), |_, n| values[n].clone()))?;
        let cut = Ends { before: up * (before + most), after: up * (after - least) + down - 1 };
        let spread = Layer::ConvTranspose(ConvTranspose {
            kernel: KernelTerm::constant(kernel),
            stride: along(axis, &index(up), &1),
            dilation: [1; AXES],
            padding: along(axis, &cut, &Ends::default()),
            output_padding: [0; AXES],
            groups: self.channels,
            bias: None,
        });
        let padded = self.padded(axis, Ends { before, after }, &PadMode::Replicate, None)?;
        let kept = self.layer(Layer::Subsample(along(axis, &index(down), &1)));
        Ok(self.chain(&[padded, self.layer(spread), kept]))
    }

    /// Outputs from the first to the last entry at equal distances, at one length: a matrix, whose outputs are channels
    /// before they are laid out along the axis.
    fn aligned(
        &self,
        axis: usize,
        length: i64,
        outputs: i64,
        method: &Interpolation,
    ) -> Result<Stack, OperatorError> {
        if outputs < 1 {
            return Ok(self.pad(axis, -length, 0));
        }
        let large = || OperatorError::TooLarge { at: self.at };
        let weights = index(length).saturating_mul(index(outputs)).saturating_mul(self.channels);
        if outputs.exceeds(MAX_PHASES) || weights.exceeds(MAX_WEIGHTS) {
            return Err(large());
        }
        let mut weights_of = vec![vec![Rational::ZERO; index(length)]; index(outputs)];
        for (i, own) in (0..outputs).zip(&mut weights_of) {
            let place = ratio(i * (length - 1), (outputs - 1).max(1));
            for (at, weight) in taps(&place, method, true).ok_or_else(large)? {
                own[index(at.clamp(0, length - 1))] += &weight;
            }
        }
        let count = index(outputs);
        let entry = |i: usize, n: usize| weights_of[i][n].clone();
        let matrix = self.blame(self.depthwise(count, along(axis, &index(length), &1), entry))?;
        let one = |i: usize, n: usize| if i == n { Rational::ONE } else { Rational::ZERO };
        let laid = self.blame(self.depthwise(count, along(axis, &count, &1), one))?;
        let laid = Layer::ConvTranspose(ConvTranspose::plain(KernelTerm::constant(laid), self.channels));
        let matrix = Layer::Conv(Conv::plain(KernelTerm::constant(matrix), self.channels));
        let matrix = self.layer(matrix);
        Ok(self.chain(&[matrix, self.layer(laid)]))
    }

    /// The same `per_channel` planes for each channel.
    fn depthwise(
        &self,
        per_channel: usize,
        extents: Axes<usize>,
        entry: impl Fn(usize, usize) -> Rational,
    ) -> Result<ConcreteKernel, crate::kernel::KernelError> {
        let shape = Shape::new(self.channels.saturating_mul(per_channel), 1, 1, 1).with_extents(extents);
        shape.validate()?;
        let plane = || (0..per_channel).flat_map(|i| (0..shape.area()).map(move |n| (i, n)));
        let values: Vec<Rational> =
            (0..self.channels).flat_map(|_| plane()).map(|(i, n)| entry(i, n)).collect();
        ConcreteKernel::from_rationals(shape, &values)
    }

    /// Windows that share an axis of some length: each is cut out, pooled to one entry, and put into its place.
    pub(super) fn shared(
        &self,
        axis: usize,
        outputs: i64,
        length: i64,
        maximum: bool,
    ) -> Result<Stack, OperatorError> {
        if outputs.exceeds(MAX_PHASES) {
            return Err(OperatorError::TooLarge { at: self.at });
        }
        let branch = |i: i64| {
            let (from, to) = (
                Integer::div_floor(&(i * length), &outputs),
                Integer::div_ceil(&((i + 1) * length), &outputs),
            );
            let cut = self.pad(axis, -from, to - length);
            let pooled = self.pooled(along(axis, &index(to - from), &1), maximum);
            (1, self.chain(&[cut, pooled, self.pad(axis, i, outputs - 1 - i)]))
        };
        self.sum((0..outputs).map(branch).collect())
    }

    fn pooled(&self, size: Axes<usize>, maximum: bool) -> Stack {
        let (stride, padding, ceil_mode) = (size, Padding::Sides(Ends::NONE), false);
        self.layer(if maximum {
            Layer::MaxPool(MaxPool { size, stride, padding, ceil_mode })
        } else {
            let (average, count_include_pad) = (true, true);
            Layer::Pool(AveragePool { average, size, stride, padding, count_include_pad, ceil_mode })
        })
    }
}

fn ratio(n: i64, d: i64) -> Rational {
    Rational::ratio(n, d).unwrap_or_default()
}

/// The entries that stand for a place, with their weights; `None` beyond 64 bits.
fn taps(place: &Rational, method: &Interpolation, rounds: bool) -> Option<Vec<(i64, Rational)>> {
    let first = floor(place)?;
    let t = place - &Rational::from(first);
    let one = Rational::ONE;
    let all = match method {
        Interpolation::Nearest => {
            let up = rounds && t > ratio(1, 2);
            vec![(first + i64::from(up), one)]
        }
        Interpolation::Linear => vec![(first, &one - &t), (first + 1, t)],
        Interpolation::Cubic(a) => {
            let (near, far) = (
                // At distance t, and at distance 1 + t.
                |t: &Rational| {
                    let inner = &(&(a + &Rational::from(2)) * t) - &(a + &Rational::from(3));
                    &(&(&inner * t) * t) + &Rational::ONE
                },
                |t: &Rational| &(a * t) * &(&(&(t * t) - &(&Rational::from(2) * t)) + &Rational::ONE),
            );
            let s = &one - &t;
            vec![(first - 1, far(&t)), (first, near(&t)), (first + 1, near(&s)), (first + 2, far(&s))]
        }
    };
    Some(all.into_iter().filter(|(_, weight)| !weight.is_zero()).collect())
}
