//! Every layer from its definition, as PyTorch and ONNX state it.

use std::ops::Range;

use num_bigint::BigInt;

use super::axis::{Axis, Spread, Window};
use super::composite::Side;
use super::evaluator::Evaluator;
use super::image::BallImage as Image;
use super::kernel::per_channel;
use super::total::Total;
use super::{Ball, EvaluateError};
use crate::ir::{AveragePool, Composite, Ends, KernelTerm, Layer, MaxPool, PadMode, Padding, Upsample};
use convproof_exact::Rational;

type Result<T> = std::result::Result<T, EvaluateError>;

impl<'a> Evaluator<'a> {
    /// What a layer makes of an image.
    #[expect(clippy::too_many_lines, reason = "one arm for each layer")]
    pub(super) fn layer(&mut self, layer: &'a Layer, x: &Image) -> Result<Image> {
        if let Layer::Composite(inner) = layer {
            self.channels_after(layer, x.channels())?;
            return self.composite(inner, x);
        }
        let channels = self.channels_after(layer, x.channels())?;
        let axes = self.axes(layer, [x.height(), x.width()])?;
        let work = &mut self.work;
        let Some([rows, columns]) = axes else {
            return match layer {
                Layer::MaxPool(pool) => self.max_pool(pool, x),
                Layer::GlobalAverage => self.global_average(x),
                Layer::Function(function) => self.function(*function, x),
                Layer::Dense { weights, bias } => self.dense(weights, bias.as_ref(), x),
                _ => Image::build(work, x.size(), |_, [c, i, j]| Ok(x.at(c, i, j).max(&Ball::ZERO))),
            };
        };
        let size = [channels, rows.outputs, columns.outputs];
        // Before memory is taken for it.
        Image::room(size)?;
        match layer {
            Layer::Conv(conv) => self.conv(conv, size, [&rows, &columns], x),
            Layer::ConvTranspose(conv) => self.conv_transpose(conv, size, [&rows, &columns], x),
            Layer::Pool(pool) => self.pool(pool, size, [&rows, &columns], x),
            Layer::Scale(factors) => {
                let factors = self.kernel(factors.expr())?;
                let factor = per_channel(&factors, channels)?;
                Image::build(&mut self.work, size, |work, [c, i, j]| work.multiply(factor(c), x.at(c, i, j)))
            }
            Layer::Bias(terms) => {
                let terms = self.kernel(terms.expr())?;
                let term = per_channel(&terms, channels)?;
                Image::build(&mut self.work, size, |work, [c, i, j]| {
                    let mut sum = x.at(c, i, j).clone();
                    work.add(&mut sum, term(c))?;
                    Ok(sum)
                })
            }
            Layer::Select { from, .. } => {
                Image::build(work, size, |_, [c, i, j]| Ok(x.at(from + c, i, j).clone()))
            }
            Layer::SpaceToDepth(n) => Image::build(work, size, |_, [channel, i, j]| {
                let (c, phase) = (channel / (n * n), channel % (n * n));
                Ok(x.at(c, n * i + phase / n, n * j + phase % n).clone())
            }),
            Layer::DepthToSpace(n) => Image::build(work, size, |_, [c, i, j]| {
                let phase = (i % n) * n + j % n;
                Ok(x.at(c * n * n + phase, i / n, j / n).clone())
            }),
            Layer::Upsample(Upsample { factor: [n, m], nearest }) => {
                Image::build(work, size, |_, [c, i, j]| {
                    let first = i % n == 0 && j % m == 0;
                    Ok(if *nearest || first { x.at(c, i / n, j / m).clone() } else { Ball::ZERO })
                })
            }
            // Cells are kept or dropped, zeros come in from outside.
            Layer::Subsample(_) | Layer::Pad(_) => Image::build(work, size, |_, [c, i, j]| {
                Ok(match (rows.cell(i, 0), columns.cell(j, 0)) {
                    (Some(row), Some(column)) => x.at(c, row, column).clone(),
                    _ => Ball::ZERO,
                })
            }),
            Layer::MaxPool(_)
            | Layer::GlobalAverage
            | Layer::Dense { .. }
            | Layer::Relu
            | Layer::Function(_)
            | Layer::Composite(_) => Err(EvaluateError::Malformed),
        }
    }

    /// The number of channels that a layer makes of `channels`.
    #[expect(clippy::too_many_lines, reason = "one arm for each layer")]
    pub(super) fn channels_after(&mut self, layer: &'a Layer, channels: usize) -> Result<usize> {
        let mismatch = |expected| EvaluateError::ChannelMismatch { expected, found: channels };
        match layer {
            Layer::Conv(conv) => {
                let [outputs, per_group, _, _] = self.taps(conv.kernel.expr())?.shape();
                let inputs = per_group.checked_mul(conv.groups).ok_or(EvaluateError::TooLarge)?;
                if conv.groups == 0 || outputs % conv.groups != 0 {
                    Err(EvaluateError::Malformed)
                } else if inputs != channels {
                    Err(mismatch(inputs))
                } else {
                    Ok(outputs)
                }
            }
            Layer::ConvTranspose(conv) => {
                let [inputs, per_group, _, _] = self.taps(conv.kernel.expr())?.shape();
                if conv.groups == 0 || inputs % conv.groups != 0 {
                    Err(EvaluateError::Malformed)
                } else if inputs != channels {
                    Err(mismatch(inputs))
                } else {
                    per_group.checked_mul(conv.groups).ok_or(EvaluateError::TooLarge)
                }
            }
            Layer::Composite(layer) => match (layer, layer.weights()) {
                (_, Some(vector)) => per_channel(&*self.kernel(vector.expr())?, channels).map(|_| channels),
                (Composite::Permute(order), _) if order.len() != channels => Err(mismatch(order.len())),
                (Composite::ChannelShuffle(0), _) => Err(EvaluateError::Malformed),
                (Composite::ChannelShuffle(groups), _) if !channels.is_multiple_of(*groups) => {
                    Err(mismatch(channels.next_multiple_of(*groups)))
                }
                (Composite::ChannelMean, _) => Ok(1),
                _ => Ok(channels),
            },
            Layer::Scale(vector) | Layer::Bias(vector) => {
                per_channel(&*self.kernel(vector.expr())?, channels).map(|_| channels)
            }
            Layer::SpaceToDepth(n) => {
                n.checked_mul(*n).and_then(|area| channels.checked_mul(area)).ok_or(EvaluateError::TooLarge)
            }
            Layer::DepthToSpace(0) => Err(EvaluateError::Malformed),
            Layer::DepthToSpace(n) => {
                let area = n.checked_mul(*n).ok_or(EvaluateError::TooLarge)?;
                if channels.is_multiple_of(area) {
                    Ok(channels / area)
                } else {
                    Err(mismatch(channels.next_multiple_of(area)))
                }
            }
            Layer::Select { from, to } if from >= to => Err(EvaluateError::Malformed),
            Layer::Select { to, .. } if *to > channels => Err(mismatch(*to)),
            Layer::Select { from, to } => Ok(to - from),
            Layer::Dense { weights, .. } => Ok(self.kernel(weights.expr())?.shape()[2]),
            Layer::Pool(_)
            | Layer::MaxPool(_)
            | Layer::Subsample(_)
            | Layer::Pad(_)
            | Layer::Upsample(_)
            | Layer::GlobalAverage
            | Layer::Function(_)
            | Layer::Relu => Ok(channels),
        }
    }

    /// How the outputs of a linear layer that moves over the image read it, vertically and horizontally.
    #[expect(clippy::too_many_lines, reason = "one arm for each layer")]
    pub(super) fn axes(&mut self, layer: &'a Layer, size: [usize; 2]) -> Result<Option<[Axis; 2]>> {
        let windows = |on: [Window; 2]| Ok(Some([on[0].on(0, size[0])?, on[1].on(1, size[1])?]));
        let spreads = |on: [Spread; 2]| Ok(Some([on[0].on(size[0])?, on[1].on(size[1])?]));
        let pick = |make: &dyn Fn(usize) -> Window| windows([make(0), make(1)]);
        let block = |factor: [usize; 2], taps: [usize; 2]| {
            let spread = |axis: usize| Spread {
                size: taps[axis],
                stride: factor[axis],
                dilation: 1,
                crop: Ends::default(),
                output_padding: factor[axis].saturating_sub(taps[axis]),
            };
            spreads([spread(0), spread(1)])
        };
        match layer {
            Layer::Conv(conv) => {
                let shape = self.taps(conv.kernel.expr())?.shape();
                pick(&|axis| Window {
                    size: shape[2 + axis],
                    stride: conv.stride[axis],
                    dilation: conv.dilation[axis],
                    padding: conv.padding,
                    ceil: false,
                })
            }
            Layer::ConvTranspose(conv) => {
                let shape = self.taps(conv.kernel.expr())?.shape();
                let spread = |axis: usize| Spread {
                    size: shape[2 + axis],
                    stride: conv.stride[axis],
                    dilation: conv.dilation[axis],
                    crop: conv.padding[axis],
                    output_padding: conv.output_padding[axis],
                };
                spreads([spread(0), spread(1)])
            }
            Layer::Pool(pool) => pick(&|axis| Window {
                size: pool.size[axis],
                stride: pool.stride[axis],
                dilation: 1,
                padding: pool.padding,
                ceil: pool.ceil_mode,
            }),
            Layer::Subsample(stride) => pick(&|axis| Window::new(1, stride[axis])),
            Layer::Pad(ends) => pick(&|_| Window { padding: Padding::Sides(*ends), ..Window::new(1, 1) }),
            // Added entries count as beyond the ends here: this tells where there are none.
            Layer::Composite(Composite::Pad { ends, mode }) if !matches!(mode, PadMode::Constant(_)) => {
                for axis in 0..2 {
                    // No output where there are fewer entries than are mirrored.
                    Side::new(mode, size[axis], ends[axis])?;
                }
                pick(&|_| Window { padding: Padding::Sides(*ends), ..Window::new(1, 1) })
            }
            Layer::Scale(_)
            | Layer::Bias(_)
            | Layer::Select { .. }
            | Layer::Composite(
                Composite::Permute(_) | Composite::ChannelShuffle(_) | Composite::ChannelMean,
            ) => pick(&|_| Window::new(1, 1)),
            Layer::SpaceToDepth(n) => {
                if *n != 0 && size.iter().any(|length| length % n != 0) {
                    return Err(EvaluateError::NoOutput);
                }
                pick(&|_| Window::new(*n, *n))
            }
            Layer::DepthToSpace(n) => block([*n; 2], [*n; 2]),
            Layer::Upsample(Upsample { factor, nearest }) => {
                block(*factor, if *nearest { *factor } else { [1, 1] })
            }
            Layer::MaxPool(_)
            | Layer::GlobalAverage
            | Layer::Dense { .. }
            | Layer::Relu
            | Layer::Function(_)
            | Layer::Composite(_) => Ok(None),
        }
    }

    fn pool(&mut self, pool: &AveragePool, size: [usize; 3], axes: [&Axis; 2], x: &Image) -> Result<Image> {
        Image::build(&mut self.work, size, |work, [c, i, j]| {
            let windows = [axes[0].window(i), axes[1].window(j)];
            let divisor = divisor(pool, &windows)?;
            let [(rows, _), (columns, _)] = windows;
            work.charge(rows.len() as u64 * columns.len() as u64)?;
            let mut total = Total::new(&Ball::ZERO);
            for row in rows {
                for column in columns.clone() {
                    total.add(work, x.at(c, row, column))?;
                }
            }
            let total = total.value(work)?;
            match divisor {
                Some(divisor) if !total.is_zero() => work.divide(&total, &divisor),
                _ => Ok(total),
            }
        })
    }

    fn max_pool(&mut self, pool: &MaxPool, x: &Image) -> Result<Image> {
        let window = |axis: usize| Window {
            padding: pool.padding,
            ceil: pool.ceil_mode,
            ..Window::new(pool.size[axis], pool.stride[axis])
        };
        let axes = [window(0).on(0, x.height())?, window(1).on(1, x.width())?];
        let size = [x.channels(), axes[0].outputs, axes[1].outputs];
        Image::build(&mut self.work, size, |work, [c, i, j]| {
            let [(rows, _), (columns, _)] = [axes[0].window(i), axes[1].window(j)];
            work.charge(rows.len() as u64 * columns.len() as u64)?;
            let cells = rows.flat_map(|row| columns.clone().map(move |column| x.at(c, row, column)));
            Ball::largest(cells).ok_or(EvaluateError::EmptyWindow)
        })
    }

    fn global_average(&mut self, x: &Image) -> Result<Image> {
        let area = i64::try_from(x.height() * x.width()).map_err(|_| EvaluateError::TooLarge)?;
        Image::build(&mut self.work, [x.channels(), 1, 1], |work, [c, _, _]| {
            let mut total = Total::new(&Ball::ZERO);
            for i in 0..x.height() {
                for j in 0..x.width() {
                    total.add(work, x.at(c, i, j))?;
                }
            }
            let total = total.value(work)?;
            work.divide(&total, &Ball::from(area))
        })
    }

    fn dense(&mut self, weights: &'a KernelTerm, bias: Option<&'a KernelTerm>, x: &Image) -> Result<Image> {
        let weights = self.kernel(weights.expr())?;
        let [planes, more_planes, outputs, inputs] = weights.shape();
        if [planes, more_planes] != [1, 1] {
            return Err(EvaluateError::ShapeMismatch {
                left: [1, 1, outputs, inputs],
                right: weights.shape(),
            });
        }
        if inputs != x.values().len() {
            return Err(EvaluateError::SizeMismatch { left: [inputs, 1, 1], right: x.size() });
        }
        let bias = self.bias(bias, outputs)?;
        Image::build(&mut self.work, [outputs, 1, 1], |work, [o, _, _]| {
            work.charge(inputs as u64)?;
            let mut total = Total::new(&bias[o]);
            for (place, weight) in weights.between(o * inputs, (o + 1) * inputs) {
                total.add_product(work, weight, &x.values()[place - o * inputs])?;
            }
            total.value(work)
        })
    }
}

/// What the sum over a window is divided by, if it is.
pub(super) fn divisor(pool: &AveragePool, windows: &[(Range<usize>, u64); 2]) -> Result<Option<Ball>> {
    let [(rows, padded_rows), (columns, padded_columns)] = windows;
    let counted = if pool.count_include_pad {
        u128::from(*padded_rows) * u128::from(*padded_columns)
    } else {
        rows.len() as u128 * columns.len() as u128
    };
    match counted {
        _ if !pool.average => Ok(None),
        0 => Err(EvaluateError::EmptyWindow),
        divisor => Ok(Some(Rational::from(BigInt::from(divisor)).into())),
    }
}
