//! Operators that move values, or make integers from sizes.

use crate::precise::Precise;
use crate::tensor::{Broadcast, broadcast, indices, strides};

use super::linear::transposed;
use super::{Array, Call, Data, Evaluated, Refusal, place, room};

pub(super) fn moved(call: &Call<'_>) -> Evaluated<Array> {
    match call.node.operator.as_str() {
        "Constant" => constant(call),
        "Identity" => call.array(0).cloned(),
        "Dropout" => {
            let training = call.optional(2).map_or(Some(&[0][..]), Array::integer_values);
            ["ratio", "seed"].iter().for_each(|name| call.attributes.ignore(name));
            call.optional(1);
            if training == Some(&[0]) { call.array(0).cloned() } else { Err(Refusal::Operator) }
        }
        "Cast" => cast(call),
        "Shape" => shape(call),
        "ConstantOfShape" => constant_of_shape(call),
        "Range" => range(call),
        "Concat" => concat(call),
        "Slice" => slice(call),
        "Gather" => gather(call),
        "Pad" => pad(call),
        "Resize" | "Upsample" => super::resize::resize(call),
        "SpaceToDepth" => space_to_depth(call),
        "DepthToSpace" => depth_to_space(call),
        "Transpose" => {
            let x = call.array(0)?;
            let rank = x.dims.len();
            let order: Option<Vec<usize>> = match call.ints("perm") {
                Some(order) => order.iter().map(|&axis| place(axis, rank)).collect(),
                None => Some((0..rank).rev().collect()),
            };
            transposed(x, &order.ok_or(Refusal::Operands)?)
        }
        "Expand" => {
            let x = call.array(0)?;
            let wanted = naturals(&call.list("", 1, 0).ok_or(Refusal::Operands)?)?;
            let dims = broadcast(&x.dims, &wanted).ok_or(Refusal::Operands)?;
            room(&dims)?;
            let walk = Broadcast::new(&x.dims, &dims).ok_or(Refusal::Operands)?;
            x.gathered(dims.clone(), indices(&dims).map(|index| walk.place(&index))).ok_or(Refusal::Operands)
        }
        _ => reshape(call),
    }
}

fn naturals(values: &[i64]) -> Evaluated<Vec<usize>> {
    values.iter().map(|&value| usize::try_from(value).ok()).collect::<Option<_>>().ok_or(Refusal::Operands)
}

fn constant(call: &Call<'_>) -> Evaluated<Array> {
    let real = |value: &f32| Precise::point((*value).into());
    let attributes = &call.attributes;
    if let Some(array) = attributes.array("value") {
        Array::of_stored(array).ok_or(Refusal::Operands)
    } else if let Some(value) = attributes.float("value_float") {
        Ok(Array::reals(Vec::new(), vec![real(&value)]))
    } else if let Some(value) = attributes.required_int("value_int") {
        Ok(Array::integers(Vec::new(), vec![value]))
    } else if let Some(values) = attributes.floats("value_floats") {
        Ok(Array::reals(vec![values.len()], values.iter().map(real).collect()))
    } else if let Some(values) = attributes.ints("value_ints") {
        Ok(Array::integers(vec![values.len()], values.to_vec()))
    } else {
        Err(Refusal::Operator)
    }
}

fn cast(call: &Call<'_>) -> Evaluated<Array> {
    let x = call.array(0)?;
    match (call.attributes.required_int("to").ok_or(Refusal::Operands)?, &x.data) {
        (1 | 10 | 11 | 16, _) => {
            Ok(Array::reals(x.dims.clone(), (0..x.len()).map(|place| x.real(place)).collect()))
        }
        (6 | 7, Data::Integers(_)) => Ok(x.clone()),
        (9, Data::Integers(values)) => {
            Ok(Array::integers(x.dims.clone(), values.iter().map(|&value| i64::from(value != 0)).collect()))
        }
        _ => Err(Refusal::Operator),
    }
}

fn shape(call: &Call<'_>) -> Evaluated<Array> {
    let dims = &call.array(0)?.dims;
    let rank = i64::try_from(dims.len()).map_err(|_| Refusal::TooLarge)?;
    let at = |value: i64| {
        usize::try_from(if value < 0 { value + rank } else { value }.clamp(0, rank)).unwrap_or(0)
    };
    let (start, end) = (at(call.int("start", 0)), at(call.int("end", i64::MAX)));
    let dims = dims.get(start..end.max(start)).ok_or(Refusal::Operands)?;
    let values = dims.iter().map(|&extent| i64::try_from(extent).unwrap_or(i64::MAX)).collect();
    Ok(Array::integers(vec![dims.len()], values))
}

fn constant_of_shape(call: &Call<'_>) -> Evaluated<Array> {
    let dims = naturals(&call.list("", 0, 0).ok_or(Refusal::Operands)?)?;
    let count = room(&dims)?;
    let value = match call.attributes.array("value") {
        Some(array) => Array::of_stored(array).ok_or(Refusal::Operands)?,
        None => Array::reals(vec![1], vec![Precise::ZERO]),
    };
    value.gathered(dims, std::iter::repeat_n(0, count)).ok_or(Refusal::Operands)
}

fn range(call: &Call<'_>) -> Evaluated<Array> {
    let number = |position: usize| -> Evaluated<i64> {
        let array = call.array(position)?;
        match &array.data {
            Data::Integers(values) => values.first().copied().ok_or(Refusal::Operands),
            _ => array.real(0).as_integer().ok_or(Refusal::Operator),
        }
    };
    let (start, limit, step) = (number(0)?, number(1)?, number(2)?);
    if step == 0 {
        return Err(Refusal::Operands);
    }
    let distance = i128::from(limit) - i128::from(start);
    let count = (distance + i128::from(step) - i128::from(step.signum())).div_euclid(i128::from(step)).max(0);
    let count = usize::try_from(count).map_err(|_| Refusal::TooLarge)?;
    room(&[count])?;
    let values: Vec<i64> =
        std::iter::successors(Some(start), |at| at.checked_add(step)).take(count).collect();
    Ok(if matches!(call.array(0)?.data, Data::Integers(_)) {
        Array::integers(vec![count], values)
    } else {
        Array::reals(vec![count], values.into_iter().map(Precise::whole).collect())
    })
}

fn concat(call: &Call<'_>) -> Evaluated<Array> {
    let first = call.array(0)?;
    let axis = call.attributes.required_int("axis").and_then(|axis| place(axis, first.dims.len()));
    let axis = axis.ok_or(Refusal::Operands)?;
    let mut dims = first.dims.clone();
    dims[axis] = 0;
    let mut parts = Vec::new();
    for position in 0..call.inputs.len() {
        let part = call.array(position)?;
        let fits =
            part.dims.len() == dims.len() && (0..dims.len()).all(|n| n == axis || part.dims[n] == dims[n]);
        if !fits {
            return Err(Refusal::Operands);
        }
        dims[axis] += part.dims[axis];
        parts.push(part);
    }
    room(&dims)?;
    let outer: usize = dims[..axis].iter().product();
    let whole = parts.iter().all(|part| matches!(part.data, Data::Integers(_)));
    let (mut reals, mut integers) = (Vec::new(), Vec::new());
    for block in 0..outer {
        for part in &parts {
            let size = part.len() / outer;
            for at in block * size..(block + 1) * size {
                match &part.data {
                    Data::Integers(values) if whole => integers.push(values[at]),
                    _ => reals.push(part.real(at)),
                }
            }
        }
    }
    Ok(if whole { Array::integers(dims, integers) } else { Array::reals(dims, reals) })
}

pub(super) fn split(call: &Call<'_>) -> Evaluated<Vec<Array>> {
    let x = call.array(0)?;
    let axis = call.axis("axis", 0, x.dims.len())?;
    let count = call.node.outputs.len().max(1);
    let extent = x.dims[axis];
    let parts = call.attributes.required_int("num_outputs");
    if parts.is_some_and(|parts| usize::try_from(parts) != Ok(count)) {
        return Err(Refusal::Operands);
    }
    let sizes = match call.list("split", 1, 13) {
        Some(sizes) => naturals(&sizes)?,
        None if call.opset < 18 && extent % count != 0 => return Err(Refusal::Operands),
        None => (0..count)
            .map(|n| extent.div_ceil(count).min(extent.saturating_sub(n * extent.div_ceil(count))))
            .collect(),
    };
    if sizes.iter().sum::<usize>() != extent {
        return Err(Refusal::Operands);
    }
    let mut first = 0;
    let mut parts = Vec::new();
    for size in sizes {
        parts.push(along(x, axis, &(first..first + size).collect::<Vec<_>>())?);
        first += size;
    }
    Ok(parts)
}

/// These places along an axis.
fn along(x: &Array, axis: usize, chosen: &[usize]) -> Evaluated<Array> {
    let own = strides(&x.dims);
    let mut dims = x.dims.clone();
    dims[axis] = chosen.len();
    room(&dims)?;
    let places = indices(&dims).map(|index| {
        index.iter().enumerate().map(|(n, &i)| if n == axis { chosen[i] } else { i } * own[n]).sum()
    });
    x.gathered(dims.clone(), places).ok_or(Refusal::Operands)
}

fn slice(call: &Call<'_>) -> Evaluated<Array> {
    let mut x = call.array(0)?.clone();
    let starts = call.list("starts", 1, 10).ok_or(Refusal::Operands)?;
    let ends = call.list("ends", 2, 10).ok_or(Refusal::Operands)?;
    let count = i64::try_from(starts.len()).map_err(|_| Refusal::TooLarge)?;
    let axes = call.list("axes", 3, 10).unwrap_or_else(|| (0..count).collect());
    let steps = call.list("", 4, 0).unwrap_or_else(|| vec![1; starts.len()]);
    if (0..axes.len()).any(|n| axes[..n].contains(&axes[n])) {
        return Err(Refusal::Operands);
    }
    for (n, &start) in starts.iter().enumerate() {
        let at = |list: &[i64]| list.get(n).copied().ok_or(Refusal::Operands);
        let (end, axis, step) = (at(&ends)?, at(&axes)?, at(&steps)?);
        let axis = place(axis, x.dims.len()).ok_or(Refusal::Operands)?;
        let extent = i64::try_from(x.dims[axis]).map_err(|_| Refusal::TooLarge)?;
        let from_end = |value: i64| if value < 0 { value.saturating_add(extent) } else { value };
        let (start, end) = (from_end(start), from_end(end));
        let inside: Vec<usize> = match step {
            0 => return Err(Refusal::Operands),
            1.. => (start.clamp(0, extent)..end.clamp(0, extent))
                .step_by(usize::try_from(step).unwrap_or(usize::MAX))
                .filter_map(|at| usize::try_from(at).ok())
                .collect(),
            _ => {
                let (mut at, end) = (start.min(extent - 1), end.max(-1));
                let mut inside = Vec::new();
                while at > end {
                    inside.push(usize::try_from(at).map_err(|_| Refusal::Operands)?);
                    at = at.saturating_add(step);
                }
                inside
            }
        };
        x = along(&x, axis, &inside)?;
    }
    Ok(x)
}

fn gather(call: &Call<'_>) -> Evaluated<Array> {
    let (x, names) = (call.array(0)?, call.array(1)?);
    let axis = call.axis("axis", 0, x.dims.len())?;
    let values = names.integer_values().ok_or(Refusal::Operands)?;
    let places: Option<Vec<usize>> = values.iter().map(|&name| place(name, x.dims[axis])).collect();
    let flat = along(x, axis, &places.ok_or(Refusal::Operands)?)?;
    let dims = x.dims[..axis].iter().chain(&names.dims).chain(&x.dims[axis + 1..]).copied().collect();
    flat.reshaped(dims).ok_or(Refusal::Operands)
}

/// What stands at a place outside an axis, by the mode of a `Pad`: a place inside, or nothing.
fn inside(at: i64, extent: i64, mode: &str) -> Option<i64> {
    match mode {
        _ if (0..extent).contains(&at) => Some(at),
        "edge" if extent > 0 => Some(at.clamp(0, extent - 1)),
        "wrap" if extent > 0 => Some(at.rem_euclid(extent)),
        "reflect" if extent > 1 => {
            let period = 2 * (extent - 1);
            let at = at.rem_euclid(period);
            Some(at.min(period - at))
        }
        _ => None,
    }
}

fn pad(call: &Call<'_>) -> Evaluated<Array> {
    let x = call.array(0)?;
    let rank = x.dims.len();
    let pads = call.list("pads", 1, 11).ok_or(Refusal::Operands)?;
    let mode = call.text("mode", "constant");
    if !matches!(mode, "constant" | "edge" | "reflect" | "wrap") {
        return Err(Refusal::Operator);
    }
    let value = match call.optional(2) {
        Some(value) => value.real(0),
        None if call.opset < 11 => call.float("value").unwrap_or(Precise::ZERO),
        None => Precise::ZERO,
    };
    let axes: Vec<usize> = match call.optional(3).map(|axes| axes.integer_values().ok_or(Refusal::Operands)) {
        Some(axes) => {
            axes?.iter().map(|&axis| place(axis, rank).ok_or(Refusal::Operands)).collect::<Evaluated<_>>()?
        }
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() || pads.iter().any(|pad| pad.abs() >= 1 << 20) {
        return Err(Refusal::Operands);
    }
    if mode != "constant" && pads.iter().any(|&pad| pad < 0) || matches!(x.data, Data::Integers(_)) {
        return Err(Refusal::Operator);
    }
    let (mut before, mut dims) = (vec![0i64; rank], x.dims.clone());
    for (n, &axis) in axes.iter().enumerate() {
        let extent = i64::try_from(x.dims[axis]).map_err(|_| Refusal::TooLarge)?;
        before[axis] = pads[n];
        dims[axis] =
            usize::try_from(extent + pads[n] + pads[n + axes.len()]).map_err(|_| Refusal::Operands)?;
    }
    room(&dims)?;
    let own = strides(&x.dims);
    let element = |index: Vec<usize>| {
        let along = |axis: usize| -> Option<usize> {
            let extent = i64::try_from(x.dims[axis]).ok()?;
            let at = inside(i64::try_from(index[axis]).ok()? - before[axis], extent, mode)?;
            Some(usize::try_from(at).ok()? * own[axis])
        };
        (0..rank).map(along).sum::<Option<usize>>().map_or(value, |place| x.real(place))
    };
    Ok(Array::reals(dims.clone(), indices(&dims).map(element).collect()))
}

fn block(call: &Call<'_>) -> Evaluated<usize> {
    usize::try_from(call.int("blocksize", 0))
        .ok()
        .filter(|block| (1..=1024).contains(block))
        .ok_or(Refusal::Operands)
}

fn is_by_place(call: &Call<'_>, since: i64) -> Evaluated<bool> {
    match call.text("mode", "DCR") {
        "DCR" => Ok(true),
        "CRD" if call.opset >= since => Ok(false),
        _ => Err(Refusal::Operator),
    }
}

fn space_to_depth(call: &Call<'_>) -> Evaluated<Array> {
    let (x, block) = (call.array(0)?, block(call)?);
    let by_place = is_by_place(call, 28)?;
    let &[n, c, h, w] = x.dims.as_slice() else { return Err(Refusal::Operands) };
    if h % block != 0 || w % block != 0 {
        return Err(Refusal::Operands);
    }
    let split = x.reshaped(vec![n, c, h / block, block, w / block, block]).ok_or(Refusal::Operands)?;
    let turned = transposed(&split, if by_place { &[0, 3, 5, 1, 2, 4] } else { &[0, 1, 3, 5, 2, 4] })?;
    turned.reshaped(vec![n, c * block * block, h / block, w / block]).ok_or(Refusal::Operands)
}

fn depth_to_space(call: &Call<'_>) -> Evaluated<Array> {
    let (x, block) = (call.array(0)?, block(call)?);
    let &[n, c, h, w] = x.dims.as_slice() else { return Err(Refusal::Operands) };
    if c % (block * block) != 0 {
        return Err(Refusal::Operands);
    }
    let inner = c / (block * block);
    let by_place = is_by_place(call, 11)?;
    let turned = if by_place {
        let split = x.reshaped(vec![n, block, block, inner, h, w]).ok_or(Refusal::Operands)?;
        transposed(&split, &[0, 3, 4, 1, 5, 2])?
    } else {
        let split = x.reshaped(vec![n, inner, block, block, h, w]).ok_or(Refusal::Operands)?;
        transposed(&split, &[0, 1, 4, 2, 5, 3])?
    };
    turned.reshaped(vec![n, inner, h * block, w * block]).ok_or(Refusal::Operands)
}

fn reshape(call: &Call<'_>) -> Evaluated<Array> {
    let x = call.array(0)?;
    let rank = x.dims.len();
    let dims = match call.node.operator.as_str() {
        "Flatten" => {
            let at = call.int("axis", 1);
            let at = if usize::try_from(at).ok() == Some(rank) {
                rank
            } else {
                place(at, rank).ok_or(Refusal::Operands)?
            };
            vec![x.dims[..at].iter().product(), x.dims[at..].iter().product()]
        }
        "Squeeze" => {
            let gone: Option<Vec<usize>> = match call.list("axes", 1, 13) {
                Some(axes) => axes.iter().map(|&axis| place(axis, rank)).collect(),
                None => Some((0..rank).filter(|&axis| x.dims[axis] == 1).collect()),
            };
            let gone = gone.ok_or(Refusal::Operands)?;
            (0..rank).filter(|axis| !gone.contains(axis)).map(|axis| x.dims[axis]).collect()
        }
        "Unsqueeze" => {
            let axes = call.list("axes", 1, 13).ok_or(Refusal::Operands)?;
            let rank = rank + axes.len();
            let new: Option<Vec<usize>> = axes.iter().map(|&axis| place(axis, rank)).collect();
            let new = new.ok_or(Refusal::Operands)?;
            let mut old = x.dims.iter().copied();
            let dims = (0..rank).map(|axis| if new.contains(&axis) { Some(1) } else { old.next() });
            dims.collect::<Option<_>>().ok_or(Refusal::Operands)?
        }
        _ => wanted(call, x)?,
    };
    x.reshaped(dims).ok_or(Refusal::Operands)
}

/// The extents of a `Reshape`.
fn wanted(call: &Call<'_>, x: &Array) -> Evaluated<Vec<usize>> {
    let wanted = call.list("shape", 1, 5).ok_or(Refusal::Operands)?;
    let zero_copies = call.int("allowzero", 0) == 0;
    let mut dims = Vec::with_capacity(wanted.len());
    for (axis, &extent) in wanted.iter().enumerate() {
        dims.push(match extent {
            0 if zero_copies => *x.dims.get(axis).ok_or(Refusal::Operands)?,
            -1 => 1,
            _ => usize::try_from(extent).map_err(|_| Refusal::Operands)?,
        });
    }
    if let Some(axis) = wanted.iter().position(|&extent| extent == -1) {
        let others = crate::tensor::count(&dims).filter(|&others| others > 0).ok_or(Refusal::Operands)?;
        dims[axis] = x.len() / others;
    }
    Ok(dims)
}
