//! Operators on constants and extents, computed while the graph is read: in exact numbers, or in expressions.

use convproof_exact::Rational;
use convproof_files::onnx::ElementType;

use crate::dim::Dim;
use crate::number::Number;
use crate::tensor::{Tensor, indices, strides};

use super::{Call, Known, Read, Reader, Stop, Value, as_dim};

/// The value of a node that rests on constants and extents alone; nothing if it rests on more.
pub(super) fn folded(reader: &mut Reader<'_>, call: &Call<'_>) -> Read<Option<Value>> {
    match call.node.operator.as_str() {
        "Constant" => return constant(call).map(Some),
        "Shape" => return Ok(shape(reader, call)),
        _ => {}
    }
    let known = |known: &Known| matches!(known.value, Value::Tensor(_) | Value::Dims(..));
    if call.inputs.is_empty() || !call.inputs.iter().flatten().all(known) {
        return Ok(None);
    }
    let numeric = call.inputs.iter().flatten().all(|known| matches!(known.value, Value::Tensor(_)));
    if let Some(count) = elements(call).filter(|&count| numeric && count > MOST_ELEMENTS) {
        return Err(Stop::Wrong(format!("its value would have {count} elements, more than {MOST_ELEMENTS}")));
    }
    let found = if numeric { tensors(call) } else { None };
    Ok(match found {
        Some(tensor) => fits(&tensor, call).then_some(Value::Tensor(tensor)),
        None => {
            call.forget();
            extents(reader, call)
        }
    })
}

/// Most elements of an array that a node makes of constants: as many as an array of a file can have.
const MOST_ELEMENTS: u128 = 1 << 31;

/// How many elements a node makes out of next to nothing.
fn elements(call: &Call<'_>) -> Option<u128> {
    let product = |dims: &Tensor| -> Option<u128> {
        let extents: Option<Vec<u128>> =
            dims.integers()?.iter().map(|&dim| u128::try_from(dim).ok()).collect();
        let extents = extents.filter(|extents| !extents.contains(&0))?;
        Some(extents.into_iter().fold(1, u128::saturating_mul))
    };
    match call.node.operator.as_str() {
        "ConstantOfShape" => product(call.tensor(0)?),
        "Expand" => product(call.tensor(1)?),
        "Range" => {
            let [start, limit, step] =
                [0, 1, 2].map(|n| call.tensor(n).and_then(|tensor| tensor.number(0)?.as_rational()));
            let count = (limit? - start?).checked_div(&step?)?;
            u128::try_from(floor(&count).unwrap_or(i64::MAX)).ok()
        }
        _ => None,
    }
}

/// Whether computed elements are ones of the type that the operator gives: integers that overflow are not known.
fn fits(tensor: &Tensor, call: &Call<'_>) -> bool {
    let computes = matches!(
        call.node.operator.as_str(),
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Neg" | "Abs" | "Cast" | "Range" | "Sqrt" | "Reciprocal"
    );
    let (low, high) = match crate::types::result(call.node, |n| call.element(n)) {
        _ if !computes => return true,
        Some(ElementType::Bool) => (0, 1),
        Some(ElementType::Signed(8)) => (i64::MIN, i64::MAX),
        Some(ElementType::Signed(size)) => (-(1 << (8 * size - 1)), (1 << (8 * size - 1)) - 1),
        Some(ElementType::Unsigned(8)) => (0, i64::MAX),
        Some(ElementType::Unsigned(size)) => (0, (1 << (8 * size)) - 1),
        Some(_) => return true,
        None => return false,
    };
    tensor.integers().is_some_and(|values| values.iter().all(|value| (low..=high).contains(value)))
}

fn constant(call: &Call<'_>) -> Read<Value> {
    let attributes = &call.attributes;
    let integers = |dims: Vec<usize>, values: &[i64]| {
        Tensor::computed(dims, values.iter().map(|&value| value.into()).collect()).map(|t| t.typed(true))
    };
    let floats = |dims: Vec<usize>, values: &[f32]| {
        let numbers: Option<Vec<Number>> =
            values.iter().map(|&value| Number::from_f64(value.into())).collect();
        Tensor::computed(dims, numbers?)
    };
    let tensor = if let Some(array) = attributes.array("value") {
        Some(array.clone().into())
    } else if let Some(value) = attributes.float("value_float") {
        floats(Vec::new(), &[value])
    } else if let Some(values) = attributes.floats("value_floats") {
        floats(vec![values.len()], values)
    } else if let Some(values) = attributes.ints("value_ints") {
        integers(vec![values.len()], values)
    } else if attributes.has("value_int") {
        integers(Vec::new(), &[attributes.int("value_int", 0)])
    } else {
        None
    };
    tensor.map(Value::Tensor).ok_or(Stop::Function)
}

fn shape(reader: &mut Reader<'_>, call: &Call<'_>) -> Option<Value> {
    let dims: Vec<Dim> = match call.input(0)? {
        Value::Form(form) => form.shape.clone(),
        Value::Tensor(tensor) => tensor.dims().iter().copied().map(as_dim).collect(),
        Value::Dims(dims, scalar) => {
            if *scalar {
                Vec::new()
            } else {
                vec![as_dim(dims.len())]
            }
        }
        Value::Opaque(_) => return None,
    };
    reader.extents.extend(dims.iter().cloned());
    let (start, end) = (call.attributes.int("start", 0), call.attributes.int("end", i64::MAX));
    let rank = i64::try_from(dims.len()).ok()?;
    let place = |value: i64| {
        usize::try_from(if value < 0 { value + rank } else { value }.clamp(0, rank)).unwrap_or(0)
    };
    let (start, end) = (place(start), place(end));
    Some(dims_value(dims.get(start..end.max(start))?.to_vec(), false))
}

/// Extents that are all numbers are a constant.
pub(super) fn dims_value(dims: Vec<Dim>, scalar: bool) -> Value {
    let numbers: Option<Vec<Number>> = dims.iter().map(|dim| dim.number().map(Number::from)).collect();
    let shape = if scalar { Vec::new() } else { vec![dims.len()] };
    match numbers.and_then(|numbers| Tensor::computed(shape, numbers)) {
        Some(tensor) => Value::Tensor(tensor.typed(true)),
        None => Value::Dims(dims, scalar),
    }
}

/// The value of an operator on arrays.
#[expect(clippy::too_many_lines, reason = "one arm for each operator")]
fn tensors(call: &Call<'_>) -> Option<Tensor> {
    let (a, b) = (call.tensor(0)?, call.tensor(1));
    match call.node.operator.as_str() {
        "Identity" => Some(a.clone()),
        "Dropout" => super::shaping::is_test(call).then(|| a.clone()),
        "Cast" => cast(a, call.attributes.required_int("to")?),
        "Add" => a.combined(b?, |a, b| Some(a.plus(b))),
        "Sub" => a.combined(b?, |a, b| Some(a.minus(b))),
        "Mul" => a.times(b?),
        "Div" if a.is_integer() && b?.is_integer() => a.combined(b?, |a, b| {
            let (a, b) = (a.as_rational()?.as_i64()?, b.as_rational()?.as_i64()?);
            a.checked_div(b).map(Number::from)
        }),
        "Div" => a.times(&b?.mapped(Number::reciprocal)?),
        "Pow" => a.combined(b?, power),
        "Neg" => a.mapped(|a| Some(a.negated())),
        "Sqrt" => a.mapped(Number::root),
        "Reciprocal" => a.mapped(Number::reciprocal),
        "Abs" => a.mapped(|a| a.as_rational().map(|a| a.abs().into())),
        "Floor" => a.mapped(|a| floor(&a.as_rational()?).map(Number::from)),
        "Ceil" => a.mapped(|a| floor(&-a.as_rational()?).map(|a| Number::from(-a))),
        "Min" => a.combined(b?, |a, b| Some(a.as_rational()?.min(b.as_rational()?).into())),
        "Max" => a.combined(b?, |a, b| Some(a.as_rational()?.max(b.as_rational()?).into())),
        "Equal" => a.combined(b?, |a, b| Some(i64::from(a.minus(b).is_zero()).into())).map(|t| t.typed(true)),
        "Greater" => order(a, b?, std::cmp::Ordering::is_gt),
        "GreaterOrEqual" => order(a, b?, std::cmp::Ordering::is_ge),
        "Less" => order(a, b?, std::cmp::Ordering::is_lt),
        "LessOrEqual" => order(a, b?, std::cmp::Ordering::is_le),
        "Not" => a.mapped(|a| Some(i64::from(a.is_zero()).into())),
        "And" => a.combined(b?, |a, b| Some(i64::from(!a.is_zero() && !b.is_zero()).into())),
        "Or" => a.combined(b?, |a, b| Some(i64::from(!a.is_zero() || !b.is_zero()).into())),
        "Where" => where_(a, b?, call.tensor(2)?),
        "Concat" => concat(call),
        "Slice" => slice(call, a),
        "Gather" => gather(a, b?, call.attributes.int("axis", 0)),
        "Transpose" => a.transposed(&order_of(call, a.dims().len())?),
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => {
            let dims: Vec<Dim> = a.dims().iter().copied().map(as_dim).collect();
            let shape: Option<Vec<usize>> =
                super::shaping::target(call, &dims)?.iter().map(Dim::size).collect();
            a.reshaped(shape?)
        }
        "Expand" => {
            let wanted: Option<Vec<usize>> =
                b?.integers()?.iter().map(|&dim| usize::try_from(dim).ok()).collect();
            a.expanded(&crate::tensor::broadcast(a.dims(), &wanted?)?)
        }
        "ConstantOfShape" => {
            let dims: Option<Vec<usize>> =
                a.integers()?.iter().map(|&dim| usize::try_from(dim).ok()).collect();
            let value: Tensor = call
                .attributes
                .array("value")
                .map_or_else(|| Tensor::scalar(0.into()), |value| value.clone().into());
            value.reshaped(Vec::new())?.expanded(&dims?)
        }
        "Range" => {
            let (start, limit) = (a.number(0)?.as_rational()?, b?.number(0)?.as_rational()?);
            let step = call.tensor(2)?.number(0)?.as_rational()?;
            let count = floor(&-(limit - start.clone()).checked_div(&step)?)?.checked_neg()?.max(0);
            let count = usize::try_from(count).ok().filter(|&count| count <= crate::tensor::MAX_COMPUTED)?;
            let number =
                |n: usize| Some((&start + &(&step * &Rational::from(i64::try_from(n).ok()?))).into());
            let numbers: Option<Vec<Number>> = (0..count).map(number).collect();
            Tensor::computed(vec![count], numbers?).map(|t| t.typed(a.is_integer()))
        }
        _ => None,
    }
}

fn cast(tensor: &Tensor, to: i64) -> Option<Tensor> {
    let float = matches!(to, 1 | 10 | 11 | 16);
    if float || tensor.is_integer() && to != 9 {
        return Some(tensor.clone().typed(!float));
    }
    let truth = to == 9;
    let number = |number: &Number| {
        if truth {
            return Some(i64::from(!number.is_zero()).into());
        }
        let value = number.as_rational()?;
        let size = floor(&value.abs())?;
        Some(Number::from(if value.is_negative() { -size } else { size }))
    };
    tensor.mapped(number).map(|tensor| tensor.typed(true))
}

/// A small whole power, or a square root.
pub(super) fn power(base: &Number, exponent: &Number) -> Option<Number> {
    let exponent = exponent.as_rational()?;
    if Rational::ratio(1, 2).as_ref() == Some(&exponent) {
        return base.root();
    }
    let exponent = exponent.as_i64().filter(|exponent| exponent.abs() <= 64)?;
    let one = Number::from(1);
    let size = (0..exponent.abs()).try_fold(one, |product, _| product.times(base))?;
    if exponent < 0 { size.reciprocal() } else { Some(size) }
}

fn floor(value: &Rational) -> Option<i64> {
    use num_bigint::BigInt;
    let (numerator, denominator): (BigInt, BigInt) = (value.numerator(), value.denominator());
    let quotient = &numerator / &denominator;
    let exact = &quotient * &denominator == numerator;
    let whole = i64::try_from(quotient).ok()?;
    if value.is_negative() && !exact { whole.checked_sub(1) } else { Some(whole) }
}

fn order(a: &Tensor, b: &Tensor, holds: fn(std::cmp::Ordering) -> bool) -> Option<Tensor> {
    let compare =
        |a: &Number, b: &Number| Some(i64::from(holds(a.as_rational()?.cmp(&b.as_rational()?))).into());
    a.combined(b, compare).map(|tensor| tensor.typed(true))
}

fn where_(condition: &Tensor, a: &Tensor, b: &Tensor) -> Option<Tensor> {
    // c·a + (1 − c)·b with c of 0 and 1.
    let yes = condition.combined(a, Number::times)?;
    let no = condition.mapped(|c| Some(Number::from(1).minus(c)))?.combined(b, Number::times)?;
    let sum = yes.combined(&no, |a, b| Some(a.plus(b)))?;
    Some(sum.typed(a.is_integer() && b.is_integer()))
}

fn concat(call: &Call<'_>) -> Option<Tensor> {
    let parts: Option<Vec<&Tensor>> = (0..call.inputs.len()).map(|n| call.tensor(n)).collect();
    let parts = parts?;
    let first = parts.first()?;
    let axis = axis(call.attributes.required_int("axis")?, first.dims().len())?;
    let mut dims = first.dims().to_vec();
    let others = |tensor: &Tensor| {
        tensor.dims().iter().enumerate().filter(|(n, _)| *n != axis).map(|(_, &d)| d).collect::<Vec<_>>()
    };
    if parts.iter().any(|part| part.dims().len() != dims.len() || others(part) != others(first)) {
        return None;
    }
    dims[axis] = parts.iter().map(|part| part.dims()[axis]).sum();
    let inner: usize = dims[axis + 1..].iter().product();
    let outer: usize = dims[..axis].iter().product();
    let mut numbers = Vec::new();
    for block in 0..outer {
        for part in &parts {
            let size = part.dims()[axis] * inner;
            for place in block * size..(block + 1) * size {
                numbers.push(part.number(place)?);
            }
        }
        if numbers.len() > crate::tensor::MAX_COMPUTED {
            return None;
        }
    }
    Tensor::computed(dims, numbers).map(|tensor| tensor.typed(first.is_integer()))
}

/// An axis counted from the start.
pub(super) fn axis(axis: i64, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    usize::try_from(if axis < 0 { axis + rank } else { axis })
        .ok()
        .filter(|&axis| i64::try_from(axis).is_ok_and(|a| a < rank))
}

/// The order of axes of a `Transpose`.
pub(super) fn order_of(call: &Call<'_>, rank: usize) -> Option<Vec<usize>> {
    let order: Vec<usize> = match call.attributes.ints("perm") {
        Some(order) => order.iter().map(|&place| axis(place, rank)).collect::<Option<_>>()?,
        None => (0..rank).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    (sorted.iter().copied().eq(0..rank)).then_some(order)
}

/// First, last and step along each axis that a `Slice` names.
pub(super) fn cuts(call: &Call<'_>, rank: usize) -> Option<Vec<(usize, i64, i64, i64)>> {
    let starts = call.setting("starts", 1, 10)?;
    let ends = call.setting("ends", 2, 10)?;
    let axes = match call.setting("axes", 3, 10) {
        Some(axes) => axes,
        None if call.is_given(3) => return None,
        None => (0..i64::try_from(starts.len()).ok()?).collect(),
    };
    let steps = if call.is_given(4) { call.integers(4)? } else { vec![1; starts.len()] };
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return None;
    }
    let axes: Vec<usize> = axes.iter().map(|&named| axis(named, rank)).collect::<Option<_>>()?;
    // What an axis means that is named twice is not defined.
    let twice = (0..axes.len()).any(|n| axes[..n].contains(&axes[n]));
    let cut = |n: usize| (axes[n], starts[n], ends[n], steps[n]);
    (!twice).then(|| (0..starts.len()).map(cut).collect())
}

/// The indices of a slice of an axis of known extent.
pub(super) fn cut_indices(extent: usize, start: i64, end: i64, step: i64) -> Option<Vec<usize>> {
    if step == 0 || extent == 0 {
        return (step != 0).then(Vec::new);
    }
    let extent = i64::try_from(extent).ok()?;
    let from_end = |value: i64| if value < 0 { value.saturating_add(extent) } else { value };
    let (low, high) = if step > 0 { (0, extent) } else { (-1, extent - 1) };
    let (mut at, end) = (from_end(start).clamp(low.max(0), high), from_end(end).clamp(low, high.max(low)));
    let mut indices = Vec::new();
    if (end - at) / step > i64::try_from(crate::tensor::MAX_COMPUTED).ok()? {
        return None;
    }
    while (step > 0 && at < end) || (step < 0 && at > end) {
        indices.push(usize::try_from(at).ok()?);
        at = at.saturating_add(step);
    }
    Some(indices)
}

fn slice(call: &Call<'_>, tensor: &Tensor) -> Option<Tensor> {
    if tensor.is_huge() {
        return None;
    }
    let mut chosen: Vec<Vec<usize>> = tensor.dims().iter().map(|&extent| (0..extent).collect()).collect();
    for (axis, start, end, step) in cuts(call, tensor.dims().len())? {
        chosen[axis] = cut_indices(tensor.dims()[axis], start, end, step)?;
    }
    let dims: Vec<usize> = chosen.iter().map(Vec::len).collect();
    let steps = strides(tensor.dims());
    let places = indices(&dims)
        .map(|index| index.iter().enumerate().map(|(axis, &i)| chosen[axis][i] * steps[axis]).sum());
    tensor.gathered(dims.clone(), places)
}

fn gather(tensor: &Tensor, indices_: &Tensor, along: i64) -> Option<Tensor> {
    let own = tensor.dims();
    if tensor.is_huge() {
        return None;
    }
    let axis = axis(along, own.len())?;
    let names: Option<Vec<usize>> =
        indices_.integers()?.iter().map(|&index| self::axis(index, own[axis])).collect();
    let names = names?;
    let dims: Vec<usize> =
        own[..axis].iter().chain(indices_.dims()).chain(&own[axis + 1..]).copied().collect();
    let (outer, inner): (usize, usize) = (own[..axis].iter().product(), own[axis + 1..].iter().product());
    let mut places = Vec::new();
    for block in 0..outer {
        for name in &names {
            let first = (block * own[axis] + name) * inner;
            places.extend(first..first + inner);
        }
        if places.len() > crate::tensor::MAX_COMPUTED.max(tensor.len()) {
            return None;
        }
    }
    tensor.gathered(dims, places.into_iter())
}

/// The value of an operator on extents.
fn extents(reader: &Reader<'_>, call: &Call<'_>) -> Option<Value> {
    let list = |position: usize| -> Option<(Vec<Dim>, bool)> {
        match call.input(position)? {
            Value::Dims(dims, scalar) => Some((dims.clone(), *scalar)),
            Value::Tensor(tensor) if tensor.dims().len() <= 1 => {
                Some((tensor.integers()?.into_iter().map(Dim::from).collect(), tensor.dims().is_empty()))
            }
            _ => None,
        }
    };
    let zip = |op: &dyn Fn(&Dim, &Dim) -> Dim| {
        let ((a, a_scalar), (b, b_scalar)) = (list(0)?, list(1)?);
        let at = |list: &[Dim], n: usize| list.get(if list.len() == 1 { 0 } else { n }).cloned();
        let dims: Option<Vec<Dim>> =
            (0..a.len().max(b.len())).map(|n| Some(op(&at(&a, n)?, &at(&b, n)?))).collect();
        Some(dims_value(dims?, a_scalar && b_scalar))
    };
    match call.node.operator.as_str() {
        "Identity" => call.input(0).cloned(),
        "Cast" if matches!(call.attributes.required_int("to"), Some(6 | 7)) => call.input(0).cloned(),
        "Add" => zip(&|a, b| a.plus(b)),
        "Sub" => zip(&|a, b| a.plus(&b.times_number(-1))),
        "Mul" => zip(&|a, b| a.times(b)),
        // Integers are divided towards zero, extents are rounded down: the same where none is negative.
        "Div" => {
            let natural = |dim: &Dim| reader.extents.contains(dim) || dim.is_natural();
            let all = |position: usize| list(position).is_some_and(|(dims, _)| dims.iter().all(natural));
            if all(0) && all(1) { zip(&|a, b| a.over_dim(b)) } else { None }
        }
        "Concat" if matches!(call.attributes.required_int("axis"), Some(0 | -1)) => {
            let parts: Option<Vec<(Vec<Dim>, bool)>> = (0..call.inputs.len()).map(list).collect();
            Some(dims_value(parts?.into_iter().flat_map(|part| part.0).collect(), false))
        }
        "Gather" => {
            let ((dims, _), (places, scalar)) = (list(0)?, list(1)?);
            let place = |place: &Dim| dims.get(axis(place.number()?, dims.len())?).cloned();
            Some(dims_value(places.iter().map(place).collect::<Option<_>>()?, scalar))
        }
        "Slice" => {
            let (dims, _) = list(0)?;
            let (_, start, end, step) = *cuts(call, 1)?.first()?;
            let places = cut_indices(dims.len(), start, end, step)?;
            Some(dims_value(places.iter().map(|&place| dims[place].clone()).collect(), false))
        }
        "Unsqueeze" if matches!(call.setting("axes", 1, 13)?.as_slice(), [0 | -1]) => {
            list(0).filter(|(_, scalar)| *scalar).map(|(dims, _)| dims_value(dims, false))
        }
        "Squeeze" if call.setting("axes", 1, 13).is_none_or(|axes| matches!(axes.as_slice(), [0 | -1])) => {
            let one = |(dims, scalar): &(Vec<Dim>, bool)| !scalar && dims.len() == 1;
            list(0).filter(one).map(|(dims, _)| dims_value(dims, true))
        }
        "Reshape" => match list(1)?.0.as_slice() {
            [] => list(0).filter(|(dims, _)| dims.len() == 1).map(|(dims, _)| dims_value(dims, true)),
            [_] => list(0).map(|(dims, _)| dims_value(dims, false)),
            _ => None,
        },
        _ => None,
    }
}
