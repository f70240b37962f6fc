//! Operators that choose, join and move values without computing: slices, concatenations, padding, enlargement.

use std::sync::Arc;

use crate::dim::Dim;
use crate::form::{Axis, Form, Map, Part, select, zero};
use crate::kernel::{KernelData, KernelForm, identity};
use crate::number::Number;
use crate::term::Kind;

use super::constants::{axis, cut_indices, cuts};
use super::convolution::whole;
use super::{Call, Read, Reader, Stop, Value, as_dim, plain};

impl Reader<'_> {
    pub(super) fn concat(&mut self, call: &Call<'_>) -> Read<Form> {
        let forms = (0..call.inputs.len()).map(|n| self.form(call, n)).collect::<Read<Vec<Form>>>()?;
        let rank = forms.first().ok_or(Stop::Function)?.rank();
        let axis = call.attributes.required_int("axis").and_then(|named| axis(named, rank));
        let axis = axis.ok_or_else(|| Stop::Wrong("its axis is none of its operands'".to_owned()))?;
        if forms.iter().any(|form| form.rank() != rank) {
            return Err(Stop::Wrong("its operands have different numbers of axes".to_owned()));
        }
        let mut shape = forms[0].shape.clone();
        for form in &forms[1..] {
            for other in (0..rank).filter(|&other| other != axis) {
                shape[other] = self.agreed(&shape[other], &form.shape[other])?;
            }
        }
        shape[axis] = forms.iter().fold(as_dim(0), |sum, form| sum.plus(&form.shape[axis]));
        if forms.iter().any(|form| form.shape[axis].size().is_none()) {
            return Ok(self.term(call, Kind::Function, format!("Concat {axis}"), forms, shape));
        }
        let mut forms =
            forms.iter().map(|form| self.on_axis(form, axis, call)).collect::<Read<Vec<Form>>>()?;
        if let Some(joined) = joined(&forms, shape.clone()) {
            return Ok(joined);
        }
        for form in &mut forms {
            *form = self.terms.cut(form, Some(call.id));
        }
        let forms = forms.iter().map(|form| self.on_axis(form, axis, call)).collect::<Read<Vec<Form>>>()?;
        joined(&forms, shape).ok_or(Stop::Function)
    }

    pub(super) fn split(&mut self, call: &Call<'_>) -> Read<Vec<Value>> {
        let form = self.form(call, 0)?;
        let axis = axis(call.attributes.int("axis", 0), form.rank());
        let axis = axis.ok_or_else(|| Stop::Wrong("its axis is none of its operand's".to_owned()))?;
        let extent = form.shape[axis].size().ok_or(Stop::Function)?;
        let count = call.node.outputs.len();
        if call
            .attributes
            .required_int("num_outputs")
            .is_some_and(|parts| usize::try_from(parts) != Ok(count))
        {
            return Err(Stop::Function);
        }
        let sizes: Vec<usize> = match call.setting("split", 1, 13) {
            Some(sizes) => sizes
                .iter()
                .map(|&size| usize::try_from(size).ok())
                .collect::<Option<_>>()
                .ok_or(Stop::Function)?,
            None if call.is_given(1) || count == 0 => return Err(Stop::Function),
            // Parts of different lengths are newer.
            None if call.opset < 18 && extent % count != 0 => return Err(Stop::Function),
            None => {
                let size = extent.div_ceil(count);
                (0..count).map(|n| size.min(extent.saturating_sub(n * size))).collect()
            }
        };
        if sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size)) != Some(extent) {
            return Err(Stop::Wrong("its parts are not as long as its operand".to_owned()));
        }
        let form = self.on_axis(&form, axis, call)?;
        let mut first = 0;
        let mut parts = Vec::new();
        for size in sizes {
            parts.push(Value::Form(chosen(&form, (first..first + size).collect())));
            first += size;
        }
        Ok(parts)
    }

    pub(super) fn gather(&mut self, call: &Call<'_>) -> Read<Form> {
        let form = self.form(call, 0)?;
        let places = call.tensor(1).ok_or(Stop::Function)?.clone();
        let axis = axis(call.attributes.int("axis", 0), form.rank());
        let axis = axis.ok_or_else(|| Stop::Wrong("its axis is none of its operand's".to_owned()))?;
        let extent = form.shape[axis].size().ok_or(Stop::Function)?;
        let names: Option<Vec<usize>> = places
            .integers()
            .and_then(|places| places.iter().map(|&place| super::constants::axis(place, extent)).collect());
        let names =
            names.ok_or_else(|| Stop::Wrong("it names a place that its operand does not have".to_owned()))?;
        let form = self.on_axis(&form, axis, call)?;
        let result = chosen(&form, names);
        match places.dims().len() {
            1 => Ok(result),
            _ => {
                let dims = places.dims().iter().copied().map(as_dim);
                let shape = form.shape[..axis]
                    .iter()
                    .cloned()
                    .chain(dims)
                    .chain(form.shape[axis + 1..].iter().cloned());
                let shape = shape.collect();
                Ok(self.with_shape(&result, shape, call))
            }
        }
    }

    pub(super) fn slice(&mut self, call: &Call<'_>) -> Read<Form> {
        let mut form = self.form(call, 0)?;
        let cuts = cuts(call, form.rank()).ok_or(Stop::Function)?;
        for &(axis, start, end, step) in &cuts {
            form = match form.shape[axis].size() {
                Some(extent) if axis == form.axis || step < 0 => {
                    let places = cut_indices(extent, start, end, step).ok_or(Stop::Function)?;
                    let form = self.on_axis(&form, axis, call)?;
                    chosen(&form, places)
                }
                _ => self.slice_along(&form, axis, (start, end, step), call)?,
            };
        }
        Ok(form)
    }

    /// A slice along an axis that is not that of the channels, as a movement.
    fn slice_along(
        &mut self,
        form: &Form,
        axis: usize,
        (start, end, step): (i64, i64, i64),
        call: &Call<'_>,
    ) -> Read<Form> {
        let dim = &form.shape[axis];
        let known = dim.number();
        // Within a known extent every place is counted from the start, else only what needs no clamping is read.
        let before = match known {
            Some(extent) => (if start < 0 { start + extent } else { start }).clamp(0, extent),
            None if (0..=1 << 20).contains(&start) => start,
            None => return Err(Stop::Function),
        };
        let after = match known {
            Some(extent) => {
                extent - (if end < 0 { end.saturating_add(extent) } else { end }).clamp(0, extent)
            }
            None if end >= 1 << 30 => 0,
            None if (-(1 << 20)..0).contains(&end) => -end,
            None => return Err(Stop::Function),
        };
        if step <= 0 || known.is_some_and(|extent| before + after >= extent) {
            return Err(Stop::Function);
        }
        let mut map = plain(form.channels(), form.rank());
        let stride = usize::try_from(step).map_err(|_| Stop::Function)?;
        let mut shape = form.shape.clone();
        shape[axis] = dim.plus_number(-before - after - 1).over(step).plus_number(1);
        map.axes[axis] = Axis { up: 1, stride, before: -before, after: -after };
        self.mapped(form, &map, shape, call)
    }

    pub(super) fn pad(&mut self, call: &Call<'_>) -> Read<Form> {
        let form = self.form(call, 0)?;
        let rank = form.rank();
        let pads = call.setting("pads", 1, 11).ok_or(Stop::Function)?;
        let mut all = vec![0; 2 * rank];
        match call.integers(3) {
            None if call.is_given(3) => return Err(Stop::Function),
            Some(axes) if pads.len() == 2 * axes.len() => {
                for (n, &named) in axes.iter().enumerate() {
                    let axis = axis(named, rank).ok_or(Stop::Function)?;
                    all[axis] = *pads.get(n).ok_or(Stop::Function)?;
                    all[axis + rank] = *pads.get(n + axes.len()).ok_or(Stop::Function)?;
                }
            }
            None if pads.len() == 2 * rank => all = pads,
            _ => return Err(Stop::Wrong("its padding does not fit its operand".to_owned())),
        }
        if all.iter().any(|pad| pad.abs() > 1 << 20) {
            return Err(Stop::Function);
        }
        let mut shape = form.shape.clone();
        for axis in 0..rank {
            shape[axis] = shape[axis].plus_number(all[axis] + all[axis + rank]);
        }
        if all.iter().all(|&pad| pad == 0) {
            return Ok(form);
        }
        let mode = call.attributes.text("mode", "constant");
        let value = match call.input(2) {
            _ if mode != "constant" => None,
            Some(Value::Tensor(value)) => value.number(0),
            Some(_) => None,
            None if call.opset < 11 => call.attributes.number("value", 0.0),
            None => Some(Number::default()),
        };
        if call.opset < 11 {
            // Only the constant mode has a value.
            call.attributes.ignore("value");
        }
        let by_zero = mode == "constant" && value.as_ref().is_some_and(Number::is_zero);
        let channels_stay = form.axis >= rank || (all[form.axis], all[form.axis + rank]) == (0, 0);
        if !by_zero || !channels_stay {
            let value = if mode == "constant" {
                format!(" {:?}", value.ok_or(Stop::Function)?)
            } else {
                String::new()
            };
            return Ok(self.term(
                call,
                Kind::Function,
                format!("Pad {mode} {all:?}{value}"),
                vec![form],
                shape,
            ));
        }
        let mut map = plain(form.channels(), rank);
        for axis in 0..rank {
            map.axes[axis] = Axis { up: 1, stride: 1, before: all[axis], after: all[axis + rank] };
        }
        self.mapped(&form, &map, shape, call)
    }

    pub(super) fn resize(&mut self, call: &Call<'_>) -> Read<Form> {
        let form = self.form(call, 0)?;
        let form = self.on_axis(&form, 1, call)?;
        let rank = form.rank();
        if rank < 2 {
            return Err(Stop::Function);
        }
        let scales = self.scales(call, &form)?;
        let attributes = &call.attributes;
        let mode = attributes.text("mode", "nearest");
        let old = counts_from_corners(call);
        let (coordinates, rounding) = if old {
            ("asymmetric", "floor")
        } else {
            (
                attributes.text("coordinate_transformation_mode", "half_pixel"),
                attributes.text("nearest_mode", "round_prefer_floor"),
            )
        };
        if coordinates == "tf_crop_and_resize" {
            return Err(Stop::Function);
        }
        // Only the mode above reads a region.
        if !old {
            call.ignore(1);
        }
        let whole_scales: Vec<usize> =
            scales.iter().filter_map(|scale| usize::try_from(scale.as_rational()?.as_i64()?).ok()).collect();
        let repeats = mode == "nearest"
            && repeats_values(coordinates, rounding)
            && whole_scales.len() == rank
            && whole_scales.iter().all(|scale| (1..=64).contains(scale))
            && whole_scales[..2] == [1, 1];
        let mut shape = form.shape.clone();
        if !repeats {
            for (dim, scale) in shape.iter_mut().zip(&scales) {
                *dim = match scale.as_rational().and_then(|scale| scale.as_i64()) {
                    Some(scale) => dim.times_number(scale),
                    None => Dim::symbol(&format!("floor({dim}*{scale:?})")),
                };
            }
            let others = attributes.spelled().ok_or(Stop::Function)?;
            let name = format!("Resize {mode} {coordinates} {rounding}{others} by {scales:?}");
            return Ok(self.term(call, Kind::Function, name, vec![form], shape));
        }
        // Nearest values are not weighed.
        attributes.ignore("cubic_coeff_a");
        let mut axes = vec![Axis::PLAIN; 2];
        for axis in 2..rank {
            let up = whole_scales[axis];
            shape[axis] = shape[axis].times_number(whole(up));
            axes.push(Axis { up, stride: 1, before: whole(up) - 1, after: whole(up) - 1 });
        }
        let channels = form.channels();
        let node = KernelForm::Uniform(1.into());
        let kernel = if whole_scales.iter().all(|&scale| scale == 1) {
            identity(channels, rank)
        } else {
            Arc::new(KernelData { outputs: channels, inputs: channels, taps: whole_scales, node })
        };
        self.mapped(&form, &Map { axes, kernel }, shape, call)
    }

    /// The factors of a `Resize`.
    fn scales(&self, call: &Call<'_>, form: &Form) -> Read<Vec<Number>> {
        let upsample = call.node.operator == "Upsample";
        if upsample && call.opset < 9 {
            let scales = call.attributes.floats("scales").ok_or(Stop::Function)?;
            return scales
                .iter()
                .map(|&scale| Number::from_f64(scale.into()))
                .collect::<Option<Vec<_>>>()
                .filter(|scales| scales.len() == form.rank())
                .ok_or(Stop::Function);
        }
        let at = if upsample || self.opset < 11 { 1 } else { 2 };
        if let Some(scales) = call.tensor(at)
            && !scales.is_empty()
        {
            return scales.numbers().filter(|scales| scales.len() == form.rank()).ok_or(Stop::Function);
        }
        let sizes: Vec<Dim> = match call.peek(3) {
            Some(Value::Dims(dims, _)) => dims.clone(),
            Some(Value::Tensor(sizes)) => {
                sizes.integers().ok_or(Stop::Function)?.into_iter().map(Dim::from).collect()
            }
            _ => return Err(Stop::Function),
        };
        call.ignore(3);
        // Sizes that are a whole multiple of the operand's.
        let factor = |(to, from): (&Dim, &Dim)| {
            let mut factors = 1..=64i64;
            factors.find(|&factor| from.times_number(factor) == *to).map(Number::from)
        };
        if sizes.len() != form.rank() {
            return Err(Stop::Function);
        }
        sizes.iter().zip(&form.shape).map(factor).collect::<Option<_>>().ok_or(Stop::Function)
    }
}

/// These channels of a form.
fn chosen(form: &Form, places: Vec<usize>) -> Form {
    let mut form = form.clone();
    if let Some(dim) = form.shape.get_mut(form.axis) {
        *dim = as_dim(places.len());
    }
    let places: Arc<[usize]> = places.into();
    for part in &mut form.parts {
        part.map.kernel = select(&part.map.kernel, &places);
    }
    form.bias = form.bias.map(|bias| select(&bias, &places));
    form
}

/// Forms with their channels one after the other; nothing where a source is read in two rhythms.
fn joined(forms: &[Form], shape: Vec<Dim>) -> Option<Form> {
    let (axis, rank) = (forms.first()?.axis, forms.first()?.rank());
    let mut sources: Vec<usize> = forms.iter().flat_map(crate::term::sources).collect();
    sources.sort_unstable();
    sources.dedup();
    let mut parts = Vec::with_capacity(sources.len());
    for source in sources {
        let find = |form: &Form| form.parts.iter().find(|part| part.source == source).cloned();
        let sample = forms.iter().find_map(find)?;
        let inputs = sample.map.kernel.inputs;
        let map = |form: &Form| {
            find(form).map_or_else(
                || Map { axes: sample.map.axes.clone(), kernel: zero(form.channels(), inputs, rank) },
                |part| part.map,
            )
        };
        let mut maps: Vec<Map> = forms.iter().map(map).collect();
        for map in &mut maps {
            // A kernel of zeros has whatever extent keeps the length.
            if matches!(map.kernel.node, KernelForm::Zero) {
                let kernel = &map.kernel;
                let data = KernelData {
                    outputs: kernel.outputs,
                    inputs,
                    taps: sample.map.kernel.taps.clone(),
                    node: KernelForm::Zero,
                };
                map.kernel = Arc::new(data);
            }
        }
        let map = match maps.as_slice() {
            [only] => only.clone(),
            _ => Map::stacked(&maps.iter().collect::<Vec<_>>())?,
        };
        parts.push(Part { source, map });
    }
    let bias = if forms.iter().any(|form| form.bias.is_some()) {
        let bias = |form: &Form| {
            (form.bias.clone().unwrap_or_else(|| zero(form.channels(), 1, rank)), vec![0; rank])
        };
        Some(crate::form::stack(forms.iter().map(bias).collect(), vec![1; rank]))
    } else {
        None
    };
    let mut form = Form { axis, shape, parts, bias, nodes: Vec::new() };
    for other in forms {
        form.join_nodes(other);
    }
    Some(form)
}

/// Whether `Resize` is of the first sets, which count from the corner, and round down.
fn counts_from_corners(call: &Call<'_>) -> bool {
    call.node.operator == "Upsample" || call.opset < 11
}

/// Whether each value is repeated under these conventions; under others they move by half a value.
fn repeats_values(coordinates: &str, rounding: &str) -> bool {
    matches!(
        (coordinates, rounding),
        ("asymmetric", "floor")
            | ("half_pixel" | "pytorch_half_pixel", "round_prefer_floor" | "round_prefer_ceil")
    )
}
