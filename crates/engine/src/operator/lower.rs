//! Layers in the terms of the engine: a gather with its output length, or one of the layers that are not
//! one linear map for all positions.

use super::error::OperatorError;
use super::gather::{Axis, Gather, SameRule, signed};
use super::length::Step;
use crate::ir::{
    AveragePool, Conv, ConvTranspose, Function, KernelTerm, Layer, MaxPool, Origin, Padding, Upsample,
};
use crate::kernel::{ConcreteKernel, Kernel, KernelError, Shape};
use convproof_exact::{Poly, Rational};

/// A layer in the terms of the engine.
#[derive(Clone, Debug)]
pub enum Lowered {
    /// `y = gather(x) + bias`; an empty bias is none.
    Linear {
        /// The linear part.
        gather: Gather,
        /// Output length along each axis.
        steps: [Step; 2],
        /// One entry for each output channel, or none at all.
        bias: Vec<Poly>,
    },
    /// A mean over the part of each window that counts.
    Average(Windows),
    /// The maximum over the part of each window that lies in the image.
    Maximum(Windows),
    /// `max(x, 0)`.
    Relu,
    /// A function of each entry.
    Function(Function),
    /// The mean of each channel.
    GlobalAverage,
}

/// Windows that move along both axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Windows {
    /// Rows and columns of a window.
    pub size: [i64; 2],
    /// How they move.
    pub axes: [Axis; 2],
    /// Output length along each axis.
    pub steps: [Step; 2],
    /// Zeros that count, before the start and after the end; none if only real entries count.
    pub counted: Option<[[i64; 2]; 2]>,
}

impl Windows {
    /// How many positions of the window of output `i` count, for a source of length `n`.
    pub fn count(&self, axis: usize, i: i64, n: i64) -> i64 {
        let movement = &self.axes[axis];
        let first = movement.down * i - movement.offset_at(n);
        let [before, after] = self.counted.map_or([0, 0], |counted| counted[axis]);
        ((first + self.size[axis]).min(n + after) - first.max(-before)).max(0)
    }
}

/// Where a layer stands and what reaches it.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// The layer's place in the spec.
    pub at: Origin,
    /// Channels that reach it.
    pub channels: usize,
    /// Size of the image that reaches it, where the claim is about one size.
    pub size: Option<[i64; 2]>,
}

impl Site {
    fn kernel<T>(&self, result: Result<T, KernelError>) -> Result<T, OperatorError> {
        result.map_err(|error| OperatorError::Kernel { at: self.at, error })
    }

    fn needs(&self, channels: usize) -> Result<(), OperatorError> {
        if self.channels == channels {
            return Ok(());
        }
        Err(OperatorError::Channels { at: self.at, needs: channels, gets: self.channels })
    }
}

/// Largest stride, dilation, window, factor or padding of a layer.
const MAX_PARAMETER: i64 = 1 << 20;

/// An error for layers with numbers so large that positions might leave 64 bits.
pub(super) fn within_limits(layer: &Layer, at: Origin) -> Result<(), OperatorError> {
    let sides = |padding: &Padding| if let Padding::Sides(sides) = padding { *sides } else { [0; 4] };
    let (amounts, sides) = match layer {
        Layer::Conv(conv) => ([conv.stride, conv.dilation], sides(&conv.padding)),
        Layer::ConvTranspose(conv) => {
            let most = [0, 1].map(|axis| conv.stride[axis].max(conv.output_padding[axis]));
            ([most, conv.dilation], conv.padding)
        }
        Layer::Pool(pool) => ([pool.size, pool.stride], sides(&pool.padding)),
        Layer::MaxPool(pool) => ([pool.size, pool.stride], sides(&pool.padding)),
        Layer::Subsample(stride) => ([*stride; 2], [0; 4]),
        Layer::Upsample(upsample) => ([upsample.factor; 2], [0; 4]),
        Layer::SpaceToDepth(n) | Layer::DepthToSpace(n) => ([[*n; 2]; 2], [0; 4]),
        Layer::Pad(sides) => ([[1; 2]; 2], *sides),
        Layer::Scale(_)
        | Layer::Bias(_)
        | Layer::Select { .. }
        | Layer::GlobalAverage
        | Layer::Dense { .. }
        | Layer::Composite(_)
        | Layer::Function(_)
        | Layer::Relu => return Ok(()),
    };
    let fits = amounts.iter().flatten().all(|&amount| signed(amount) <= MAX_PARAMETER)
        && sides.iter().all(|side| (-MAX_PARAMETER..=MAX_PARAMETER).contains(side));
    if fits { Ok(()) } else { Err(OperatorError::TooLarge { at }) }
}

/// Lowers one layer.
#[expect(clippy::too_many_lines, reason = "one arm for each layer")]
pub fn lower(layer: &Layer, site: Site) -> Result<Lowered, OperatorError> {
    within_limits(layer, site.at)?;
    match layer {
        Layer::Conv(conv) => lower_conv(conv, site),
        Layer::ConvTranspose(conv) => lower_transpose(conv, site),
        Layer::Pool(pool) => lower_pool(pool, site),
        Layer::MaxPool(pool) => Ok(lower_maxpool(pool)),
        Layer::Subsample(stride) => {
            let axes = stride.map(|s| Axis { down: signed(s), ..Axis::IDENTITY });
            let steps = stride.map(|s| Step::new(1, signed(s) - 1, signed(s)));
            uniform(site, [1, 1], axes, steps, &Rational::from(1))
        }
        Layer::Pad([top, left, bottom, right]) => {
            let axes = [*top, *left].map(|offset| Axis { offset, ..Axis::IDENTITY });
            let steps = [top + bottom, left + right].map(|added| Step::new(1, added, 1));
            uniform(site, [1, 1], axes, steps, &Rational::from(1))
        }
        Layer::Scale(factor) => {
            let diagonal = diagonal(site, factor)?;
            Ok(linear(
                Gather { kernel: diagonal, axes: [Axis::IDENTITY; 2] },
                [Step::new(1, 0, 1); 2],
                Vec::new(),
            ))
        }
        Layer::Bias(bias) => {
            let bias = per_channel(site, bias)?;
            Ok(linear(identity(site)?, [Step::new(1, 0, 1); 2], bias))
        }
        Layer::Upsample(Upsample { factor, nearest }) => {
            let steps = factor.map(|u| Step::new(signed(u), 0, 1));
            let offset = |u: usize| if *nearest { signed(u) - 1 } else { 0 };
            let axes = factor.map(|u| Axis { up: signed(u), offset: offset(u), ..Axis::IDENTITY });
            let window = if *nearest { *factor } else { [1, 1] };
            uniform(site, window, axes, steps, &Rational::from(1))
        }
        Layer::SpaceToDepth(n) => {
            let shape = site.kernel(checked(site.channels.checked_mul(n * n), site.channels, *n))?;
            let one_hot = rearranged(site, shape, |[o, c, i, j]| o == c * n * n + i * n + j)?;
            let axis = Axis { down: signed(*n), ..Axis::IDENTITY };
            let step = Step::divided(signed(*n));
            Ok(linear(Gather { kernel: one_hot, axes: [axis; 2] }, [step; 2], Vec::new()))
        }
        Layer::DepthToSpace(n) => {
            if !site.channels.is_multiple_of(n * n) {
                return Err(OperatorError::ChannelMultiple { at: site.at, of: n * n, gets: site.channels });
            }
            let shape = site.kernel(checked(Some(site.channels / (n * n)), site.channels, *n))?;
            let one_hot =
                rearranged(site, shape, |[o, c, i, j]| c == o * n * n + (n - 1 - i) * n + (n - 1 - j))?;
            let axis = Axis { up: signed(*n), offset: signed(*n) - 1, ..Axis::IDENTITY };
            let step = Step::new(signed(*n), 0, 1);
            Ok(linear(Gather { kernel: one_hot, axes: [axis; 2] }, [step; 2], Vec::new()))
        }
        Layer::Select { from, to } => {
            if *to > site.channels {
                return Err(OperatorError::Channels { at: site.at, needs: *to, gets: site.channels });
            }
            let shape = Shape { outputs: to - from, inputs: site.channels, height: 1, width: 1 };
            let one_hot = rearranged(site, shape, |[o, c, _, _]| c == o + from)?;
            Ok(linear(
                Gather { kernel: one_hot, axes: [Axis::IDENTITY; 2] },
                [Step::new(1, 0, 1); 2],
                Vec::new(),
            ))
        }
        Layer::GlobalAverage => match site.size {
            None => Ok(Lowered::GlobalAverage),
            Some(size) => {
                let area = Rational::from(size[0]) * Rational::from(size[1]);
                let mean = area.recip().unwrap_or_else(|| Rational::from(1));
                let steps = size.map(|n| Step::window(n, 1, 0, 0));
                uniform(site, size.map(super::gather::index), [Axis::IDENTITY; 2], steps, &mean)
            }
        },
        Layer::Dense { weights, bias } => lower_dense(weights, bias.as_ref(), site),
        Layer::Relu => Ok(Lowered::Relu),
        Layer::Function(function) => Ok(Lowered::Function(*function)),
        // Those who lower layers expand these before.
        Layer::Composite(_) => Err(OperatorError::TooLarge { at: site.at }),
    }
}

fn linear(gather: Gather, steps: [Step; 2], bias: Vec<Poly>) -> Lowered {
    Lowered::Linear { gather, steps, bias }
}

fn identity(site: Site) -> Result<Gather, OperatorError> {
    site.kernel(Gather::identity(site.channels))
}

fn checked(outputs: Option<usize>, inputs: usize, n: usize) -> Result<Shape, KernelError> {
    let shape = Shape { outputs: outputs.ok_or(KernelError::TooLarge)?, inputs, height: n, width: n };
    shape.validate().map(|_| shape)
}

/// The concrete kernel with ones where `one` says so.
fn rearranged(site: Site, shape: Shape, one: impl Fn([usize; 4]) -> bool) -> Result<Kernel, OperatorError> {
    site.kernel(shape.validate())?;
    let ones = crate::kernel::positions(shape).map(|at| i64::from(one(at))).collect();
    Ok(site.kernel(ConcreteKernel::from_integers(shape, ones))?.into())
}

/// A window of equal weights on every channel.
fn uniform(
    site: Site,
    window: [usize; 2],
    axes: [Axis; 2],
    steps: [Step; 2],
    weight: &Rational,
) -> Result<Lowered, OperatorError> {
    let shape = Shape { outputs: site.channels, inputs: site.channels, height: window[0], width: window[1] };
    let ones = rearranged(site, shape, |[o, c, _, _]| o == c)?;
    let kernel = site.kernel(ones.scale_rational(weight))?;
    let gather = site.kernel(Gather { kernel, axes }.normal())?;
    Ok(linear(gather, steps, Vec::new()))
}

/// The entries of a vector, or a scalar as often as there are channels.
pub fn per_channel(site: Site, vector: &KernelTerm) -> Result<Vec<Poly>, OperatorError> {
    let entries = site.kernel(vector.kernel().expand())?;
    match entries.entries() {
        [only] => Ok(vec![only.clone(); site.channels]),
        all => {
            site.needs(all.len())?;
            Ok(all.to_vec())
        }
    }
}

/// The 1×1 kernel with the entries of a vector, or a scalar as often as there are channels, on its diagonal.
fn diagonal(site: Site, factors: &KernelTerm) -> Result<Kernel, OperatorError> {
    let only = factors.kernel().as_scalar();
    match &only {
        Some(only) if site.channels == 1 => return Ok(Kernel::scalar(only)),
        Some(_) => {}
        None => site.needs(factors.len())?,
    }
    let shape = Shape { outputs: site.channels, inputs: site.channels, height: 1, width: 1 };
    site.kernel(shape.validate())?;
    let entry = |[o, c, _, _]: [usize; 4]| (o == c).then_some([0, 0, 0, if only.is_some() { 0 } else { o }]);
    site.kernel(factors.kernel().gather(shape, entry))
}

fn bias_of(site: Site, outputs: usize, bias: Option<&KernelTerm>) -> Result<Vec<Poly>, OperatorError> {
    let outputs = Site { channels: outputs, ..site };
    bias.map_or_else(|| Ok(Vec::new()), |bias| per_channel(outputs, bias))
}

/// Zeros before the start and after the end of each axis.
fn sides([top, left, bottom, right]: [i64; 4]) -> [[i64; 2]; 2] {
    [[top, bottom], [left, right]]
}

/// Movement and output length of a window of some extent.
pub(super) fn movement(extent: [i64; 2], stride: [usize; 2], padding: Padding) -> [(Axis, Step); 2] {
    [0, 1].map(|axis| {
        let (extent, down) = (extent[axis], signed(stride[axis]));
        let plain = Axis { down, ..Axis::IDENTITY };
        let same = |upper| {
            let rule = SameRule { stride: down, extent, upper };
            let step = Step::new(1, down - 1, down);
            if down == 1 {
                // The padding does not depend on the size.
                return (Axis { offset: rule.before(extent), ..plain }, step);
            }
            (Axis { same: Some(rule), ..plain }, step)
        };
        match padding {
            Padding::Sides(all) => {
                let [before, after] = sides(all)[axis];
                (Axis { offset: before, ..plain }, Step::window(extent, down, before, after))
            }
            Padding::SameUpper => same(true),
            Padding::SameLower => same(false),
        }
    })
}

pub(super) fn extents(shape: Shape, dilation: [usize; 2]) -> [i64; 2] {
    [(shape.height, dilation[0]), (shape.width, dilation[1])].map(|(taps, d)| signed((taps - 1) * d + 1))
}

fn lower_conv(conv: &Conv, site: Site) -> Result<Lowered, OperatorError> {
    let shape = conv.kernel.shape();
    site.needs(shape.inputs * conv.groups)?;
    let dense = site.kernel(ungrouped(conv.kernel.kernel(), conv.groups, false))?;
    let kernel = if conv.dilation == [1, 1] { dense } else { site.kernel(dense.dilate(conv.dilation))? };
    let [(rows, row_step), (columns, column_step)] =
        movement(extents(shape, conv.dilation), conv.stride, conv.padding);
    let gather = site.kernel(Gather { kernel, axes: [rows, columns] }.normal())?;
    Ok(linear(gather, [row_step, column_step], bias_of(site, shape.outputs, conv.bias.as_ref())?))
}

/// The block-diagonal kernel of a grouped layer; `transposed` kernels are stored `[in, out/groups, h, w]` and
/// come out as `[out, in, h, w]`.
fn ungrouped(kernel: &Kernel, groups: usize, transposed: bool) -> Result<Kernel, KernelError> {
    let shape = kernel.shape();
    if groups == 1 && (!transposed || shape.outputs == 1 && shape.inputs == 1) {
        return Ok(kernel.clone());
    }
    let (outputs, inputs) = if transposed {
        (shape.inputs * groups, shape.outputs)
    } else {
        (shape.outputs, shape.inputs * groups)
    };
    let full = Shape { outputs, inputs, ..shape };
    let (per_output, per_input) = (outputs / groups, inputs / groups);
    kernel.gather(full, |[o, c, i, j]| {
        let same_group = o / per_output == c / per_input;
        let stored = if transposed { [c, o % per_output, i, j] } else { [o, c % per_input, i, j] };
        same_group.then_some(stored)
    })
}

pub(super) fn transpose_movement(conv: &ConvTranspose) -> [(Axis, Step); 2] {
    let extent = extents(conv.kernel.shape(), conv.dilation);
    let padding = sides(conv.padding);
    [0, 1].map(|axis| {
        let (up, [before, after]) = (signed(conv.stride[axis]), padding[axis]);
        let add = extent[axis] + signed(conv.output_padding[axis]) - up - before - after;
        (Axis { up, offset: extent[axis] - 1 - before, ..Axis::IDENTITY }, Step::new(up, add, 1))
    })
}

fn lower_transpose(conv: &ConvTranspose, site: Site) -> Result<Lowered, OperatorError> {
    let shape = conv.kernel.shape();
    site.needs(shape.outputs)?;
    let dense = site.kernel(ungrouped(conv.kernel.kernel(), conv.groups, true))?;
    let kernel = site.kernel(dense.dilate(conv.dilation).and_then(|kernel| kernel.flip()))?;
    let [rows, columns] = transpose_movement(conv);
    let gather = site.kernel(Gather { kernel, axes: [rows.0, columns.0] }.normal())?;
    let outputs = shape.inputs * conv.groups;
    Ok(linear(gather, [rows.1, columns.1], bias_of(site, outputs, conv.bias.as_ref())?))
}

pub(super) fn pool_movement(
    size: [usize; 2],
    stride: [usize; 2],
    padding: Padding,
    ceil_mode: bool,
) -> [(Axis, Step); 2] {
    let size = size.map(signed);
    let moves = movement(size, stride, padding);
    let Padding::Sides(all) = padding else { return moves };
    if !ceil_mode {
        return moves;
    }
    [0, 1].map(|axis| {
        let (down, [before, after]) = (moves[axis].0.down, sides(all)[axis]);
        let add = before + after - size[axis] + 2 * down - 1;
        // PyTorch: the last window must start inside the image or the padding before it.
        (moves[axis].0, Step::new(1, add, down).capped(before + down - 1, down))
    })
}

fn lower_pool(pool: &AveragePool, site: Site) -> Result<Lowered, OperatorError> {
    let size = pool.size.map(signed);
    let moves = pool_movement(pool.size, pool.stride, pool.padding, pool.ceil_mode);
    let (axes, steps) = (moves.map(|(axis, _)| axis), moves.map(|(_, step)| step));
    let zeros = if let Padding::Sides(all) = pool.padding { sides(all) } else { [[0, 0]; 2] };
    if pool.divisor_varies() {
        let counted = pool.count_include_pad.then_some(zeros);
        return Ok(Lowered::Average(Windows { size, axes, steps, counted }));
    }
    let area = Rational::from(size[0]) * Rational::from(size[1]);
    let weight = if pool.average { area.recip() } else { None };
    uniform(site, pool.size, axes, steps, &weight.unwrap_or_else(|| Rational::from(1)))
}

fn lower_maxpool(pool: &MaxPool) -> Lowered {
    let size = pool.size.map(signed);
    let moves = pool_movement(pool.size, pool.stride, pool.padding, pool.ceil_mode);
    let (axes, steps) = (moves.map(|(axis, _)| axis), moves.map(|(_, step)| step));
    Lowered::Maximum(Windows { size, axes, steps, counted: None })
}

fn lower_dense(
    weights: &KernelTerm,
    bias: Option<&KernelTerm>,
    site: Site,
) -> Result<Lowered, OperatorError> {
    let Some([height, width]) = site.size else { return Err(OperatorError::NeedsSize { at: site.at }) };
    let (rows, columns) = (super::gather::index(height), super::gather::index(width));
    let matrix = weights.shape();
    let gets = site.channels.saturating_mul(rows).saturating_mul(columns);
    if gets != matrix.width {
        return Err(OperatorError::DenseInputs { at: site.at, needs: matrix.width, gets });
    }
    let shape = Shape { outputs: matrix.height, inputs: site.channels, height: rows, width: columns };
    let kernel = weights.kernel().gather(shape, |[o, c, i, j]| Some([0, 0, o, (c * rows + i) * columns + j]));
    let gather = site.kernel(Gather { kernel: site.kernel(kernel)?, axes: [Axis::IDENTITY; 2] }.normal())?;
    let steps = [height, width].map(|n| Step::window(n, 1, 0, 0));
    Ok(linear(gather, steps, bias_of(site, matrix.height, bias)?))
}
