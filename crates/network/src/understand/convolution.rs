//! Convolutions, matrices and the layers that fold into them, as maps.

use std::sync::Arc;

use crate::dim::Dim;
use crate::form::{Axis, Form, Map};
use crate::kernel::{Dense, Kernel, KernelData, KernelForm, compose, diagonal};
use crate::number::{Number, Numbers};
use crate::tensor::{Tensor, indices, strides};
use crate::term::Kind;

use super::{Call, Read, Reader, Stop, Value, as_dim};

/// Window, stride, dilation and padding along the axes of an image.
pub(super) struct Window {
    pub sizes: Vec<usize>,
    pub strides: Vec<usize>,
    pub dilations: Vec<usize>,
    pub before: Vec<i64>,
    pub after: Vec<i64>,
}

/// Largest window, stride, dilation or padding along an axis.
const MAX_STEP: i64 = 1 << 20;
/// Most taps of a kernel, gaps of dilation included.
pub(super) const MAX_TAPS: usize = 1 << 16;

impl Window {
    /// The window of a node on an image of these extents; `None` if the file's numbers make no window, or padding
    /// rests on a size that is open.
    pub(super) fn read(call: &Call<'_>, sizes: Vec<usize>, extents: &[Dim]) -> Option<Self> {
        let axes = sizes.len();
        let list = |name: &str, default: i64, count: usize| -> Option<Vec<i64>> {
            let values = call.attributes.ints(name).map_or_else(|| vec![default; count], <[i64]>::to_vec);
            let fine = values.len() == count && values.iter().all(|value| (0..=MAX_STEP).contains(value));
            fine.then_some(values)
        };
        let positive = |name: &str| -> Option<Vec<usize>> {
            list(name, 1, axes)?
                .iter()
                .map(|&value| usize::try_from(value).ok().filter(|&value| value > 0))
                .collect()
        };
        let (strides, dilations) = (positive("strides")?, positive("dilations")?);
        let mut taps = 1usize;
        for (&size, &dilation) in sizes.iter().zip(&dilations) {
            taps = taps
                .checked_mul((size.checked_sub(1)?).checked_mul(dilation)? + 1)
                .filter(|&taps| taps <= MAX_TAPS)?;
        }
        let mut window = Self { sizes, strides, dilations, before: Vec::new(), after: Vec::new() };
        let rule = call.attributes.text("auto_pad", "NOTSET");
        // With a rule, paddings may be written all the same; others than 0 are not read.
        if rule != "NOTSET"
            && call.attributes.ints("pads").is_some_and(|pads| pads.iter().any(|&pad| pad != 0))
        {
            return None;
        }
        match rule {
            "SAME_UPPER" | "SAME_LOWER" => {
                for axis in 0..axes {
                    let total = window.same_padding(axis, extents.get(axis)?)?;
                    let less = total / 2;
                    let (before, after) =
                        if rule == "SAME_UPPER" { (less, total - less) } else { (total - less, less) };
                    window.before.push(before);
                    window.after.push(after);
                }
            }
            "VALID" => {
                window.before = vec![0; axes];
                window.after = vec![0; axes];
            }
            "NOTSET" => {
                let pads = list("pads", 0, 2 * axes)?;
                window.before = pads[..axes].to_vec();
                window.after = pads[axes..].to_vec();
            }
            _ => return None,
        }
        Some(window)
    }

    /// Taps along an axis, gaps included.
    pub(super) fn extent(&self, axis: usize) -> i64 {
        whole((self.sizes[axis] - 1) * self.dilations[axis] + 1)
    }

    /// The padding that gives `⌈n/stride⌉` outputs: it rests on the rest of `n` by the stride alone.
    fn same_padding(&self, axis: usize, extent: &Dim) -> Option<i64> {
        let stride = whole(self.strides[axis]);
        let rest = (0..stride).find(|&rest| extent.plus_number(-rest).is_multiple_of(stride))?;
        Some((self.extent(axis) - if rest == 0 { stride } else { rest }).max(0))
    }

    /// The extent of the output along an axis.
    pub(super) fn output(&self, axis: usize, extent: &Dim, round_up: bool) -> Dim {
        let stride = whole(self.strides[axis]);
        let room = self.before[axis] + self.after[axis] - self.extent(axis);
        extent.plus_number(room + if round_up { stride - 1 } else { 0 }).over(stride).plus_number(1)
    }

    /// The movement along the axes of a value of which the image axes are the last ones.
    pub(super) fn axes(&self) -> Vec<Axis> {
        let image = (0..self.sizes.len()).map(|axis| Axis {
            up: 1,
            stride: self.strides[axis],
            before: self.before[axis],
            after: self.after[axis],
        });
        [Axis::PLAIN, Axis::PLAIN].into_iter().chain(image).collect()
    }
}

/// A number of taps as a signed number.
pub(super) fn whole(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX / 4)
}

impl Reader<'_> {
    pub(super) fn conv(&mut self, call: &Call<'_>) -> Read<Form> {
        let (weights, scale) = call.tensor(1).ok_or(Stop::Function)?.without_scale();
        let form = self.form(call, 0)?;
        let form = self.on_axis(&form, 1, call)?;
        let (sizes, groups) = kernel_sizes(call, &weights, form.rank())?;
        let outputs = weights.dims()[0];
        if form.channels() != weights.dims()[1].saturating_mul(groups) || outputs % groups != 0 {
            return Err(Stop::Wrong(format!(
                "its kernel has {} input channels in {groups} groups, its operand {}",
                weights.dims()[1],
                form.channels()
            )));
        }
        let window = Window::read(call, sizes, &form.shape[2..]).ok_or(Stop::Function)?;
        let own = strides(weights.dims());
        let dense = Dense {
            group_outputs: outputs / groups,
            group_inputs: weights.dims()[1],
            group_stride: (outputs / groups) * own[0],
            output_stride: own[0],
            input_stride: own[1],
            places: places(&window, &own[2..], false),
            tensor: weights,
        };
        let mut shape = vec![form.shape[0].clone(), as_dim(outputs)];
        shape.extend((0..window.sizes.len()).map(|axis| window.output(axis, &form.shape[axis + 2], false)));
        let kernel = dense_kernel(dense, outputs, form.channels(), &window);
        let kernel = times_slices(kernel, scale, (0, 1), groups)?;
        let map = Map { axes: window.axes(), kernel };
        let result = self.mapped(&form, &map, shape, call)?;
        let result = self.with_bias(result, call, 2)?;
        if call.node.operator == "FusedConv" { self.activated(result, call) } else { Ok(result) }
    }

    pub(super) fn conv_transpose(&mut self, call: &Call<'_>) -> Read<Form> {
        let (weights, scale) = call.tensor(1).ok_or(Stop::Function)?.without_scale();
        let form = self.form(call, 0)?;
        let form = self.on_axis(&form, 1, call)?;
        let (sizes, groups) = kernel_sizes(call, &weights, form.rank())?;
        let own = strides(weights.dims());
        let (inputs, group_outputs) = (weights.dims()[0], weights.dims()[1]);
        let outputs = group_outputs.saturating_mul(groups);
        if form.channels() != inputs || inputs % groups != 0 || call.attributes.has("output_shape") {
            return Err(Stop::Function);
        }
        let mut window = Window::read(call, sizes, &form.shape[2..]).ok_or(Stop::Function)?;
        if !matches!(call.attributes.text("auto_pad", "NOTSET"), "NOTSET" | "VALID") {
            return Err(Stop::Function);
        }
        let extra = call
            .attributes
            .ints("output_padding")
            .map_or_else(|| vec![0; window.sizes.len()], <[i64]>::to_vec);
        if extra.len() != window.sizes.len() {
            return Err(Stop::Function);
        }
        let dense = Dense {
            group_outputs,
            group_inputs: inputs / groups,
            group_stride: (inputs / groups) * own[0],
            output_stride: own[1],
            input_stride: own[0],
            places: places(&window, &own[2..], true),
            tensor: weights,
        };
        let mut shape = vec![form.shape[0].clone(), as_dim(outputs)];
        let mut axes = vec![Axis::PLAIN; 2];
        for axis in 0..window.sizes.len() {
            let (up, reach) = (window.strides[axis], window.extent(axis) - 1);
            let (before, after) = (reach - window.before[axis], reach - window.after[axis] + extra[axis]);
            // (n − 1)·up + 1 values and zeros, then a window of stride 1.
            shape.push(
                form.shape[axis + 2]
                    .plus_number(-1)
                    .times_number(whole(up))
                    .plus_number(1 + before + after - reach),
            );
            axes.push(Axis { up, stride: 1, before, after });
        }
        window.strides.fill(1);
        let kernel = dense_kernel(dense, outputs, inputs, &window);
        let map = Map { axes, kernel: times_slices(kernel, scale, (1, 0), groups)? };
        let result = self.mapped(&form, &map, shape, call)?;
        self.with_bias(result, call, 2)
    }

    /// Adds the constant operand at this position, a number for each channel.
    pub(super) fn with_bias(&mut self, form: Form, call: &Call<'_>, position: usize) -> Read<Form> {
        match call.input(position) {
            None => Ok(form),
            Some(Value::Tensor(bias)) if bias.len() == form.channels() => {
                Ok(form.shifted(&bias.reshaped(vec![bias.len()]).ok_or(Stop::Function)?))
            }
            Some(Value::Tensor(_)) => {
                Err(Stop::Wrong("its bias has not one number for each channel".to_owned()))
            }
            Some(_) => Err(Stop::Function),
        }
    }

    /// The activation that a fused node names.
    fn activated(&mut self, form: Form, call: &Call<'_>) -> Read<Form> {
        let form = if call.is_given(3) {
            let added = self.form(call, 3)?;
            self.plus(&form, &added, call)?
        } else {
            form
        };
        let parameters = call.attributes.floats("activation_params").unwrap_or(&[]);
        let parameter = |n: usize| {
            parameters.get(n).and_then(|&value| Number::from_f64(value.into())).ok_or(Stop::Function)
        };
        match call.attributes.text("activation", "") {
            "" => Ok(form),
            "Relu" => self.relu(&form, call),
            "Clip" => self.clip(&form, Some(parameter(0)?), Some(parameter(1)?), call),
            "HardSigmoid" => self.hard_sigmoid(&form, &parameter(0)?, &parameter(1)?, call),
            "Sigmoid" => Ok(self.term(call, Kind::Channelwise, "Sigmoid", vec![form.clone()], form.shape)),
            "Tanh" => Ok(self.term(call, Kind::Channelwise, "Tanh", vec![form.clone()], form.shape)),
            _ => Err(Stop::Function),
        }
    }

    pub(super) fn batch_normalization(&mut self, call: &Call<'_>) -> Read<Form> {
        let form = self.form(call, 0)?;
        // Older sets may normalize each place by itself.
        if call.attributes.int("training_mode", 0) != 0 || call.attributes.int("spatial", 1) != 1 {
            return Err(Stop::Function);
        }
        call.attributes.ignore("momentum");
        let form = self.on_axis(&form, 1, call)?;
        let parameter =
            |position: usize| call.tensor(position).and_then(Tensor::numbers).ok_or(Stop::Function);
        let (gamma, beta, mean, variance) = (parameter(1)?, parameter(2)?, parameter(3)?, parameter(4)?);
        let channels = form.channels();
        if [gamma.len(), beta.len(), mean.len(), variance.len()] != [channels; 4] {
            return Err(Stop::Wrong("its parameters have not one number for each channel".to_owned()));
        }
        let epsilon = call.attributes.number("epsilon", 1e-5).ok_or(Stop::Function)?;
        let mut scales = Vec::with_capacity(channels);
        let mut shifts = Vec::with_capacity(channels);
        for channel in 0..channels {
            let scale = variance[channel]
                .plus(&epsilon)
                .root()
                .and_then(|root| gamma[channel].times(&root.reciprocal()?));
            let scale = scale
                .ok_or_else(|| Stop::Wrong(format!("the variance of channel {channel} is not positive")))?;
            let moved = mean[channel].times(&scale).ok_or(Stop::Function)?;
            shifts.push(beta[channel].minus(&moved));
            scales.push(scale);
        }
        let shifts = Tensor::computed(vec![channels], shifts).ok_or(Stop::Function)?;
        Ok(form.scaled(&scales.into()).shifted(&shifts))
    }

    pub(super) fn gemm(&mut self, call: &Call<'_>) -> Read<Form> {
        let form = self.form(call, 0)?;
        let weights = call.tensor(1).ok_or(Stop::Function)?;
        if form.rank() != 2 || weights.dims().len() != 2 || call.attributes.int("transA", 0) != 0 {
            return Err(Stop::Function);
        }
        let alpha = call.attributes.number("alpha", 1.0).ok_or(Stop::Function)?;
        let beta = call.attributes.number("beta", 1.0).ok_or(Stop::Function)?;
        let transposed = call.attributes.int("transB", 0) != 0;
        let form = self.on_axis(&form, 1, call)?;
        let result = self.matrix(&form, weights, transposed, call)?;
        let result = result.scaled(&vec![alpha; result.channels()].into());
        match call.input(2) {
            None => Ok(result),
            Some(Value::Tensor(bias))
                if bias.uniform().is_some()
                    || bias.len() == result.channels() && bias.dims().last() == Some(&bias.len()) =>
            {
                let channels = result.channels();
                let one = bias.reshaped(vec![bias.len()]).and_then(|bias| {
                    if bias.len() == channels {
                        Some(bias)
                    } else {
                        bias.reshaped(vec![1])?.expanded(&[channels])
                    }
                });
                let bias = one.and_then(|bias| {
                    if beta == Number::from(1) { Some(bias) } else { bias.mapped(|b| b.times(&beta)) }
                });
                Ok(result.shifted(&bias.ok_or(Stop::Function)?))
            }
            Some(_) => Err(Stop::Function),
        }
    }

    /// A form times a matrix along the axis of its channels.
    pub(super) fn matrix(
        &mut self,
        form: &Form,
        weights: &Tensor,
        transposed: bool,
        call: &Call<'_>,
    ) -> Read<Form> {
        let &[rows, columns] = weights.dims() else { return Err(Stop::Function) };
        let (weights, scale) = weights.without_scale();
        let (inputs, outputs) = if transposed { (columns, rows) } else { (rows, columns) };
        if form.channels() != inputs || form.axis >= form.rank() {
            return Err(Stop::Wrong(format!("a matrix of {inputs} rows meets {} channels", form.channels())));
        }
        let rank = form.rank();
        let dense = Dense {
            group_outputs: outputs,
            group_inputs: inputs,
            group_stride: 0,
            output_stride: if transposed { inputs } else { 1 },
            input_stride: if transposed { 1 } else { outputs },
            places: [(0, vec![0; rank])].into(),
            tensor: weights,
        };
        let kernel =
            Arc::new(KernelData { outputs, inputs, taps: vec![1; rank], node: KernelForm::Dense(dense) });
        let kernel = times_slices(kernel, scale, if transposed { (0, 1) } else { (1, 0) }, 1)?;
        let mut shape = form.shape.clone();
        shape[form.axis] = as_dim(outputs);
        self.mapped(form, &Map { axes: vec![Axis::PLAIN; rank], kernel }, shape, call)
    }

    pub(super) fn space_to_depth(&mut self, call: &Call<'_>) -> Read<Form> {
        let (form, block, by_place) = self.blocks(call, 28)?;
        let channels = form.channels();
        let own = crate::kernel::identity(channels, 4);
        let parts = indices(&[block, block]).map(|at| (own.clone(), vec![0, 0, at[0], at[1]])).collect();
        let mut kernel = crate::form::stack(parts, vec![1, 1, block, block]);
        if !by_place {
            // All places of the first channel, then all of the second, …
            let places = block * block;
            let rows: Vec<usize> =
                (0..channels * places).map(|row| row % places * channels + row / places).collect();
            kernel = crate::form::select(&kernel, &rows.into());
        }
        // The extents are multiples of the block, so that what is after the last block is after the image.
        let axis = Axis { up: 1, stride: block, before: 0, after: whole(block) - 1 };
        let map = Map { axes: vec![Axis::PLAIN, Axis::PLAIN, axis, axis], kernel };
        let halved = |dim: &Dim| dim.over(whole(block));
        for dim in &form.shape[2..] {
            self.agreed(dim, &halved(dim).times_number(whole(block)))?;
        }
        let shape = vec![
            form.shape[0].clone(),
            as_dim(channels * block * block),
            halved(&form.shape[2]),
            halved(&form.shape[3]),
        ];
        self.mapped(&form, &map, shape, call)
    }

    /// An image, the side of its blocks, and whether channels of one place stand together; other orders only from an
    /// operator set on.
    fn blocks(&mut self, call: &Call<'_>, since: i64) -> Read<(Form, usize, bool)> {
        let form = self.form(call, 0)?;
        let form = self.on_axis(&form, 1, call)?;
        let (block, by_place) = (block_size(call)?, is_by_place(call, since)?);
        if form.rank() == 4 { Ok((form, block, by_place)) } else { Err(Stop::Function) }
    }

    /// A transposed convolution whose kernel has a single 1 for each channel and place.
    pub(super) fn depth_to_space(&mut self, call: &Call<'_>) -> Read<Form> {
        let (form, block, by_place) = self.blocks(call, 11)?;
        let places = block * block;
        let (inputs, outputs) = (form.channels(), form.channels() / places);
        if outputs * places != inputs {
            return Err(Stop::Wrong(format!(
                "its {inputs} channels are not {places} for each of its result"
            )));
        }
        let own = crate::kernel::identity(inputs, 4);
        let part = |at: Vec<usize>| {
            let place = at[0] * block + at[1];
            let row = |channel| if by_place { place * outputs + channel } else { channel * places + place };
            let rows: Vec<usize> = (0..outputs).map(row).collect();
            (crate::form::select(&own, &rows.into()), vec![0, 0, block - 1 - at[0], block - 1 - at[1]])
        };
        let node = KernelForm::Sum(indices(&[block, block]).map(part).collect());
        let kernel = Arc::new(KernelData { outputs, inputs, taps: vec![1, 1, block, block], node });
        let axis = Axis { up: block, stride: 1, before: whole(block) - 1, after: whole(block) - 1 };
        let map = Map { axes: vec![Axis::PLAIN, Axis::PLAIN, axis, axis], kernel };
        let larger = |axis: usize| form.shape[axis].times_number(whole(block));
        let shape = vec![form.shape[0].clone(), as_dim(outputs), larger(2), larger(3)];
        self.mapped(&form, &map, shape, call)
    }
}

/// Whether the channels of one place of a block stand together, or, from an operator set on, the places of a channel.
fn is_by_place(call: &Call<'_>, since: i64) -> Read<bool> {
    match call.attributes.text("mode", "DCR") {
        "DCR" => Ok(true),
        "CRD" if call.opset >= since => Ok(false),
        _ => Err(Stop::Function),
    }
}

fn block_size(call: &Call<'_>) -> Read<usize> {
    let block = usize::try_from(call.attributes.int("blocksize", 0)).ok();
    let block = block.filter(|&block| (1..=64).contains(&block));
    block.ok_or_else(|| Stop::Wrong("its block size is not positive, or too large".to_owned()))
}

/// The extents of a kernel along the axes of the image, and the number of groups.
fn kernel_sizes(call: &Call<'_>, weights: &Tensor, rank: usize) -> Read<(Vec<usize>, usize)> {
    if weights.dims().len() != rank || rank < 2 || weights.is_empty() {
        return Err(Stop::Wrong(format!("its kernel has {} axes, its operand {rank}", weights.dims().len())));
    }
    let groups = usize::try_from(call.attributes.int("group", 1))
        .ok()
        .filter(|&groups| groups > 0 && groups <= 1 << 24);
    let groups = groups.ok_or_else(|| Stop::Wrong("its number of groups is not positive".to_owned()))?;
    let written = call.attributes.ints("kernel_shape");
    let same = |sizes: &[i64]| {
        sizes.len() == rank - 2
            && sizes.iter().zip(&weights.dims()[2..]).all(|(&size, &own)| usize::try_from(size) == Ok(own))
    };
    if written.is_some_and(|sizes| !same(sizes)) {
        return Err(Stop::Wrong("its `kernel_shape` is not that of its kernel".to_owned()));
    }
    Ok((weights.dims()[2..].to_vec(), groups))
}

/// A kernel of an array of which the slices along an axis are multiplied by numbers: by output channel, by input
/// channel, or not to be read. `axes` are those of the array for output and input channels.
fn times_slices(
    kernel: Kernel,
    scale: Option<(usize, Numbers)>,
    axes: (usize, usize),
    groups: usize,
) -> Read<Kernel> {
    let Some((axis, numbers)) = scale else { return Ok(kernel) };
    let rank = kernel.taps.len();
    let ones = || vec![1; rank];
    if axis == axes.0 && numbers.len() == kernel.outputs {
        Ok(compose(&diagonal(numbers, rank), &kernel, ones(), ones()))
    } else if axis == axes.1 && groups == 1 && numbers.len() == kernel.inputs {
        Ok(compose(&kernel, &diagonal(numbers, rank), ones(), ones()))
    } else {
        Err(Stop::Function)
    }
}

/// Where the element for each tap stands; mirrored for transposed convolutions.
fn places(window: &Window, steps: &[usize], mirrored: bool) -> Arc<[(usize, Vec<usize>)]> {
    let place = |index: Vec<usize>| {
        let element = index.iter().zip(steps).map(|(&i, &step)| i * step).sum();
        let along = |axis: usize| {
            let i = if mirrored { window.sizes[axis] - 1 - index[axis] } else { index[axis] };
            i * window.dilations[axis]
        };
        let tap = [0, 0].into_iter().chain((0..index.len()).map(along)).collect();
        (element, tap)
    };
    indices(&window.sizes).map(place).collect()
}

fn dense_kernel(dense: Dense, outputs: usize, inputs: usize, window: &Window) -> crate::kernel::Kernel {
    let image = (0..window.sizes.len()).map(|axis| usize::try_from(window.extent(axis)).unwrap_or(1));
    let taps = [1, 1].into_iter().chain(image).collect();
    Arc::new(KernelData { outputs, inputs, taps, node: KernelForm::Dense(dense) })
}
