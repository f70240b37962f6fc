//! Pooling and reductions.

use std::sync::Arc;

use crate::dim::Dim;
use crate::form::{Axis, Form, Map};
use crate::kernel::{Dense, KernelData, KernelForm};
use crate::number::Number;
use crate::tensor::Tensor;
use crate::term::Kind;

use super::convolution::{Window, whole};
use super::{Call, Read, Reader, Stop, as_dim};

/// Largest extent over which a sum is a linear map.
const MOST_SUMMED: usize = 1 << 12;

/// Whether the only window reads the whole image and nothing else: pooling is then the reduction of a global one.
fn covers_all(window: &Window, image: &[Dim]) -> bool {
    let padded = window.before.iter().chain(&window.after).any(|&pad| pad != 0);
    let gaps = window.dilations.iter().any(|&dilation| dilation != 1);
    let mut extents = window.sizes.iter().zip(image);
    !padded && !gaps && extents.all(|(&size, extent)| extent.number() == Some(whole(size)))
}

impl Reader<'_> {
    pub(super) fn pool(&mut self, call: &Call<'_>) -> Read<Form> {
        let form = self.form(call, 0)?;
        let form = self.on_axis(&form, 1, call)?;
        if form.rank() < 3 || call.node.outputs.iter().skip(1).any(|output| !output.is_empty()) {
            return Err(Stop::Function);
        }
        let sizes: Option<Vec<usize>> = call.attributes.ints("kernel_shape").and_then(|sizes| {
            sizes.iter().map(|&size| usize::try_from(size).ok().filter(|&size| size > 0)).collect()
        });
        let sizes = sizes.filter(|sizes| sizes.len() == form.rank() - 2);
        let sizes = sizes.ok_or_else(|| Stop::Wrong("its window does not fit its operand".to_owned()))?;
        let max = call.node.operator == "MaxPool";
        let Some(mut window) = Window::read(call, sizes, &form.shape[2..]) else {
            return self.pool_of_open_padding(&form, call);
        };
        let round_up = call.attributes.int("ceil_mode", 0) != 0;
        // Readings of both together differ.
        if round_up && call.attributes.text("auto_pad", "NOTSET") != "NOTSET" {
            return Err(Stop::Function);
        }
        if covers_all(&window, &form.shape[2..]) {
            let axes: Vec<usize> = (2..form.rank()).collect();
            let settings = ["count_include_pad", "storage_order"];
            settings.iter().for_each(|name| call.attributes.ignore(name));
            return Ok(self.reduced(if max { "max" } else { "mean" }, &form, &axes, call));
        }
        let mut open = String::new();
        let mut shape = form.shape[..2].to_vec();
        for axis in 0..window.sizes.len() {
            let extent = &form.shape[axis + 2];
            let (down, up) = (window.output(axis, extent, false), window.output(axis, extent, true));
            if !round_up || down == up {
                shape.push(down);
            } else if let (Some(outputs), Some(inputs)) = (up.number(), extent.number()) {
                // A last window that starts in the padding is left out.
                let stride = whole(window.strides[axis]);
                let outputs = if (outputs - 1) * stride >= inputs + window.before[axis] {
                    outputs - 1
                } else {
                    outputs
                };
                window.after[axis] =
                    (outputs - 1) * stride + window.extent(axis) - inputs - window.before[axis];
                shape.push(outputs.into());
                if !max && outputs != down.number().unwrap_or(outputs) {
                    open.push_str(&format!(" ceil:{axis}"));
                }
            } else {
                open.push_str(&format!(" ceil:{axis}"));
                // Whether the last window starts in the padding is known where there is too little of it.
                let never = window.after[axis] + whole(window.strides[axis]) <= window.extent(axis);
                let rounded =
                    || Dim::symbol(&format!("(ceil {up} of {extent} before {:?})", window.before[axis]));
                shape.push(if never { up } else { rounded() });
            }
        }
        if max {
            self.max_pool(form, window, &open, shape, call)
        } else {
            self.average_pool(&form, &window, &open, shape, call)
        }
    }

    /// Pooling with padding that rests on a size that is open.
    fn pool_of_open_padding(&mut self, form: &Form, call: &Call<'_>) -> Read<Form> {
        let rule = call.attributes.text("auto_pad", "NOTSET");
        if !rule.starts_with("SAME") {
            return Err(Stop::Wrong("its window has strides or padding that no window has".to_owned()));
        }
        let strides =
            call.attributes.ints("strides").map_or_else(|| vec![1; form.rank() - 2], <[i64]>::to_vec);
        let mut shape = form.shape[..2].to_vec();
        for (dim, &stride) in form.shape[2..].iter().zip(&strides) {
            shape.push(dim.plus_number(stride - 1).over(stride));
        }
        if shape.len() != form.rank() {
            return Err(Stop::Function);
        }
        if call.attributes.int("ceil_mode", 0) != 0 || strides.iter().any(|&stride| stride <= 0) {
            return Err(Stop::Function);
        }
        let name = format!("{}{}", call.node.operator, call.attributes.spelled().ok_or(Stop::Function)?);
        Ok(self.term(call, Kind::Function, name, vec![form.clone()], shape))
    }

    fn max_pool(
        &mut self,
        form: Form,
        mut window: Window,
        open: &str,
        shape: Vec<Dim>,
        call: &Call<'_>,
    ) -> Read<Form> {
        let mut form = form;
        // Zeros around values that are never negative are read like the values that are not there.
        if self.is_nonnegative(&form)
            && let [part] = form.parts.as_slice()
            && matches!(part.map.kernel.node, KernelForm::Identity)
            && part
                .map
                .axes
                .iter()
                .all(|axis| (axis.up, axis.stride) == (1, 1) && axis.before >= 0 && axis.after >= 0)
        {
            let axes = part.map.axes[2..].to_vec();
            let small = axes.iter().enumerate().all(|(n, axis)| {
                let extent = whole(window.sizes[n]);
                window.dilations[n] == 1
                    && window.before[n] + axis.before < extent
                    && window.after[n] + axis.after < extent
            });
            if small {
                for (n, axis) in axes.iter().enumerate() {
                    window.before[n] += axis.before;
                    window.after[n] += axis.after;
                }
                let term = self.terms.get(part.source);
                let inner = Form::of_term(part.source, term.shape.clone());
                let nodes = form.nodes.clone();
                form = Form { nodes, ..self.on_axis(&inner, 1, call)? };
            }
        }
        let Window { sizes, strides, dilations, before, after } = &window;
        let name = format!(
            "MaxPool {sizes:?} stride {strides:?} dilation {dilations:?} pads {before:?} {after:?}{open}"
        );
        Ok(self.term(call, Kind::Homogeneous, name, vec![form], shape))
    }

    fn average_pool(
        &mut self,
        form: &Form,
        window: &Window,
        open: &str,
        shape: Vec<Dim>,
        call: &Call<'_>,
    ) -> Read<Form> {
        let padded = window.before.iter().chain(&window.after).any(|&pad| pad > 0);
        let counted = call.attributes.int("count_include_pad", 0) != 0;
        let gaps = window.dilations.iter().any(|&dilation| dilation != 1);
        if !open.is_empty() || padded && !counted || gaps {
            // The divisor changes from place to place.
            let Window { sizes, strides, dilations, before, after } = window;
            let how = if counted { "padding counted" } else { "padding not counted" };
            let name = format!(
                "AveragePool {sizes:?} stride {strides:?} dilation {dilations:?} pads {before:?} {after:?} {how}{open}"
            );
            return Ok(self.term(call, Kind::Homogeneous, name, vec![form.clone()], shape));
        }
        let count = crate::tensor::count(&window.sizes).ok_or(Stop::Function)?;
        let number = Number::from(whole(count)).reciprocal().ok_or(Stop::Function)?;
        let taps = [1, 1].into_iter().chain(window.sizes.iter().copied()).collect();
        let channels = form.channels();
        let kernel = Arc::new(KernelData {
            outputs: channels,
            inputs: channels,
            taps,
            node: KernelForm::Uniform(number),
        });
        self.mapped(form, &Map { axes: window.axes(), kernel }, shape, call)
    }

    pub(super) fn reduce(&mut self, call: &Call<'_>) -> Read<Form> {
        let form = self.form(call, 0)?;
        let rank = form.rank();
        let global = call.node.operator.starts_with("Global");
        let axes: Vec<usize> = if global {
            (2..rank).collect()
        } else {
            let since = if call.node.operator == "ReduceSum" { 13 } else { 18 };
            let named = call.setting("axes", 1, since);
            if named.is_none() && call.is_given(1) {
                return Err(Stop::Function);
            }
            let nothing = call.attributes.int("noop_with_empty_axes", 0) != 0;
            match named.filter(|axes| !axes.is_empty()) {
                None if nothing => {
                    call.attributes.ignore("keepdims");
                    return Ok(form);
                }
                None => (0..rank).collect(),
                Some(axes) => {
                    let axes: Option<Vec<usize>> =
                        axes.iter().map(|&axis| super::constants::axis(axis, rank)).collect();
                    axes.ok_or_else(|| Stop::Wrong("its axes are not those of its operand".to_owned()))?
                }
            }
        };
        let reduced = match call.node.operator.as_str() {
            "GlobalAveragePool" | "ReduceMean" => self.mean(&form, &axes, call)?,
            "ReduceSum" => match self.one_axis(&form, &axes, &Number::from(1), call) {
                Some(sum) => sum,
                None => self.reduced("sum", &form, &axes, call),
            },
            "ReduceMin" => self.reduced("min", &form, &axes, call),
            _ => self.reduced("max", &form, &axes, call),
        };
        if global || call.attributes.int("keepdims", 1) != 0 {
            return Ok(reduced);
        }
        let kept: Vec<Dim> = reduced
            .shape
            .iter()
            .enumerate()
            .filter(|(axis, _)| !axes.contains(axis))
            .map(|(_, dim)| dim.clone())
            .collect();
        Ok(self.with_shape(&reduced, kept, call))
    }

    /// The mean over axes, which stay with extent 1.
    pub(super) fn mean(&mut self, form: &Form, axes: &[usize], call: &Call<'_>) -> Read<Form> {
        let extent = axes.first().and_then(|&axis| form.shape.get(axis)?.number());
        let weight = extent.and_then(|extent| Number::from(extent).reciprocal());
        let mean = weight.and_then(|weight| self.one_axis(form, axes, &weight, call));
        Ok(mean.unwrap_or_else(|| self.reduced("mean", form, axes, call)))
    }

    /// The sum over the channels, or over one of several axes of an image, times a number, as a linear map; nothing for
    /// other axes, or where the extent is open. Over the whole image it stays a function, which it is at all sizes.
    fn one_axis(&mut self, form: &Form, axes: &[usize], weight: &Number, call: &Call<'_>) -> Option<Form> {
        let (&[axis], rank) = (axes, form.rank()) else { return None };
        let extent = form.shape.get(axis)?.size().filter(|extent| (2..=MOST_SUMMED).contains(extent))?;
        if axis == 0 || rank < 3 || axis > 1 && rank == 3 {
            return None;
        }
        let form = self.on_axis(form, 1, call).ok()?;
        let (channels, mut taps) = (form.channels(), vec![1; rank]);
        let (outputs, node) = if axis == 1 {
            let dense = Dense {
                tensor: Tensor::computed(vec![channels], vec![weight.clone(); channels])?,
                group_outputs: 1,
                group_inputs: channels,
                group_stride: 0,
                output_stride: 0,
                input_stride: 1,
                places: [(0, vec![0; rank])].into(),
            };
            (1, KernelForm::Dense(dense))
        } else {
            taps[axis] = extent;
            (channels, KernelForm::Uniform(weight.clone()))
        };
        let mut shape = form.shape.clone();
        shape[axis] = as_dim(1);
        let kernel = Arc::new(KernelData { outputs, inputs: channels, taps, node });
        self.mapped(&form, &Map { axes: vec![Axis::PLAIN; rank], kernel }, shape, call).ok()
    }

    pub(super) fn reduced(&mut self, name: &str, form: &Form, axes: &[usize], call: &Call<'_>) -> Form {
        let mut axes = axes.to_vec();
        axes.sort_unstable();
        axes.dedup();
        // Over one value there is nothing to reduce.
        if axes.iter().all(|&axis| form.shape[axis].is_one()) {
            return form.clone();
        }
        let mut shape = form.shape.clone();
        for &axis in &axes {
            shape[axis] = as_dim(1);
        }
        let kind = if axes.contains(&form.axis) { Kind::Function } else { Kind::Homogeneous };
        self.term(call, kind, format!("{name} over {axes:?}"), vec![form.clone()], shape)
    }
}
