//! Layers in the terms of the engine: a gather with its output length, or one of the layers that are not
//! one linear map for all positions.

use super::error::OperatorError;
use super::gather::{Axis, Gather, index};
use super::length::Step;
use super::signature::{Channels, Moves, Window, block, within_limits};
use super::trace::Made;
use crate::axes::{AXES, Axes, Ends, place};
use crate::ir::{AveragePool, Conv, ConvTranspose, Function, KernelTerm, Layer, Origin, Padding};
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
        steps: Axes<Step>,
        /// One entry for each output channel, or none at all.
        bias: Vec<Poly>,
        /// What the layer became.
        made: Made,
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

/// Windows that move along all axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Windows {
    /// The extent of a window along each axis.
    pub size: Axes<i64>,
    /// How they move.
    pub axes: Axes<Axis>,
    /// Output length along each axis.
    pub steps: Axes<Step>,
    /// Zeros that count, before the start and after the end; none if only real entries count.
    pub counted: Option<Axes<Ends>>,
}

impl Windows {
    fn new(window: Window, counted: Option<Axes<Ends>>) -> Self {
        Self { size: window.extent, axes: window.axes, steps: window.steps, counted }
    }

    /// How many positions of the window of output `i` count, for a source of length `n`.
    pub fn count(&self, axis: usize, i: i64, n: i64) -> i64 {
        let movement = &self.axes[axis];
        let first = movement.down * i - movement.offset_at(n);
        let Ends { before, after } = self.counted.unwrap_or(Ends::NONE)[axis];
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
    pub size: Option<Axes<i64>>,
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

/// Lowers one layer.
pub fn lower(layer: &Layer, site: Site) -> Result<Lowered, OperatorError> {
    within_limits(layer, site.at)?;
    let outputs = Channels::of(layer).after(site.channels, site.at)?;
    let window = match Moves::of(layer) {
        Moves::Window(window) => window,
        Moves::Whole => return whole(layer, site),
        // Those who lower layers expand these before.
        Moves::Between(_) => return Err(OperatorError::TooLarge { at: site.at }),
    };
    let one_hot = |one: &dyn Fn([usize; 4]) -> bool| {
        let shape = Shape::new(outputs, site.channels, 1, 1).with_extents(window.extent.map(index));
        let kernel = rearranged(site, shape, one)?;
        Ok(linear(Made::Rearranged, Gather { kernel, axes: window.axes }, window, Vec::new()))
    };
    match layer {
        Layer::Conv(conv) => lower_conv(conv, window, site),
        Layer::ConvTranspose(conv) => lower_transpose(conv, window, site),
        Layer::Pool(pool) => lower_pool(pool, window, site),
        Layer::MaxPool(_) => Ok(Lowered::Maximum(Windows::new(window, None))),
        Layer::Subsample(_) | Layer::Pad(_) | Layer::Upsample(_) => uniform(site, window, None),
        Layer::Scale(factor) => {
            let kernel = diagonal(site, factor)?;
            Ok(linear(Made::Diagonal, Gather { kernel, axes: window.axes }, window, Vec::new()))
        }
        Layer::Bias(bias) => {
            let bias = per_channel(site, bias)?;
            Ok(linear(Made::Constant, site.kernel(Gather::identity(site.channels))?, window, bias))
        }
        Layer::SpaceToDepth(n) => one_hot(&|[o, c, at @ ..]| o == c * block(*n) + place(at, [*n; AXES])),
        Layer::DepthToSpace(n) => {
            one_hot(&|[o, c, at @ ..]| c == o * block(*n) + place(at.map(|i| n - 1 - i), [*n; AXES]))
        }
        Layer::Select { from, .. } => one_hot(&|[o, c, ..]| c == o + from),
        Layer::Relu => Ok(Lowered::Relu),
        Layer::Function(function) => Ok(Lowered::Function(*function)),
        Layer::GlobalAverage | Layer::Dense { .. } | Layer::Composite(_) => whole(layer, site),
    }
}

/// Lowers a layer that reads the whole image.
fn whole(layer: &Layer, site: Site) -> Result<Lowered, OperatorError> {
    match (layer, site.size) {
        (Layer::GlobalAverage, None) => Ok(Lowered::GlobalAverage),
        (Layer::GlobalAverage, Some(size)) => {
            let window = Window::whole(size);
            uniform(site, window, share(&window).as_ref())
        }
        (Layer::Dense { .. }, None) => Err(OperatorError::NeedsSize { at: site.at }),
        (Layer::Dense { weights, bias }, Some(size)) => lower_dense(weights, bias.as_ref(), size, site),
        // Those who lower layers expand these before.
        _ => Err(OperatorError::TooLarge { at: site.at }),
    }
}

fn linear(made: Made, gather: Gather, window: Window, bias: Vec<Poly>) -> Lowered {
    Lowered::Linear { gather, steps: window.steps, bias, made }
}

/// One over the entries of a window.
fn share(window: &Window) -> Option<Rational> {
    area(window.extent).recip()
}

/// How many entries an image of a size has.
pub fn area(size: Axes<i64>) -> Rational {
    size.into_iter().fold(Rational::ONE, |area, length| area * Rational::from(length))
}

/// The concrete kernel with ones where `one` says so.
fn rearranged(site: Site, shape: Shape, one: impl Fn([usize; 4]) -> bool) -> Result<Kernel, OperatorError> {
    site.kernel(shape.validate())?;
    let ones = crate::kernel::positions(shape).map(|at| i64::from(one(at))).collect();
    Ok(site.kernel(ConcreteKernel::from_integers(shape, ones))?.into())
}

/// A window of equal weights on every channel, or of ones.
fn uniform(site: Site, window: Window, weight: Option<&Rational>) -> Result<Lowered, OperatorError> {
    let channels = Shape::new(site.channels, site.channels, 1, 1);
    let ones = rearranged(site, channels.with_extents(window.extent.map(index)), |[o, c, ..]| o == c)?;
    let (kernel, made) = match weight {
        Some(weight) => (site.kernel(ones.scale_rational(weight))?, Made::Box),
        None if window.is_still() => (ones, Made::Same),
        None if window.extent == [1; AXES] => (ones, Made::Moved),
        None => (ones, Made::Ones),
    };
    let gather = site.kernel(Gather { kernel, axes: window.axes }.normal())?;
    Ok(linear(made, gather, window, Vec::new()))
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
    let shape = Shape::new(site.channels, site.channels, 1, 1);
    site.kernel(shape.validate())?;
    let entry = |[o, c, ..]: [usize; 4]| (o == c).then_some([0, 0, 0, if only.is_some() { 0 } else { o }]);
    site.kernel(factors.kernel().gather(shape, entry))
}

fn bias_of(site: Site, outputs: usize, bias: Option<&KernelTerm>) -> Result<Vec<Poly>, OperatorError> {
    let outputs = Site { channels: outputs, ..site };
    bias.map_or_else(|| Ok(Vec::new()), |bias| per_channel(outputs, bias))
}

fn lower_conv(conv: &Conv, window: Window, site: Site) -> Result<Lowered, OperatorError> {
    let shape = conv.kernel.shape();
    let dense = site.kernel(ungrouped(conv.kernel.kernel(), conv.groups, false))?;
    let kernel = if conv.dilation == [1; AXES] { dense } else { site.kernel(dense.dilate(conv.dilation))? };
    let gather = site.kernel(Gather { kernel, axes: window.axes }.normal())?;
    Ok(linear(Made::Kernel, gather, window, bias_of(site, shape.outputs, conv.bias.as_ref())?))
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

fn lower_transpose(conv: &ConvTranspose, window: Window, site: Site) -> Result<Lowered, OperatorError> {
    let shape = conv.kernel.shape();
    let dense = site.kernel(ungrouped(conv.kernel.kernel(), conv.groups, true))?;
    let kernel = site.kernel(dense.dilate(conv.dilation).and_then(|kernel| kernel.flip()))?;
    let gather = site.kernel(Gather { kernel, axes: window.axes }.normal())?;
    let outputs = shape.inputs * conv.groups;
    Ok(linear(Made::Transposed, gather, window, bias_of(site, outputs, conv.bias.as_ref())?))
}

fn lower_pool(pool: &AveragePool, window: Window, site: Site) -> Result<Lowered, OperatorError> {
    let zeros = if let Padding::Sides(ends) = pool.padding { ends } else { Ends::NONE };
    if pool.divisor_varies() {
        let counted = pool.count_include_pad.then_some(zeros);
        return Ok(Lowered::Average(Windows::new(window, counted)));
    }
    uniform(site, window, share(&window).filter(|_| pool.average).as_ref())
}

fn lower_dense(
    weights: &KernelTerm,
    bias: Option<&KernelTerm>,
    size: Axes<i64>,
    site: Site,
) -> Result<Lowered, OperatorError> {
    let ([outputs, needs], extents) = (weights.shape().matrix(), size.map(index));
    let gets = extents.into_iter().fold(site.channels, usize::saturating_mul);
    if gets != needs {
        return Err(OperatorError::DenseInputs { at: site.at, needs, gets });
    }
    let shape = Shape::new(outputs, site.channels, 1, 1).with_extents(extents);
    let entry = |[o, c, at @ ..]: [usize; 4]| Some([0, 0, o, c * shape.area() + place(at, extents)]);
    let kernel = weights.kernel().gather(shape, entry);
    let window = Window::whole(size);
    let gather = site.kernel(Gather { kernel: site.kernel(kernel)?, axes: window.axes }.normal())?;
    Ok(linear(Made::Matrix, gather, window, bias_of(site, outputs, bias)?))
}
