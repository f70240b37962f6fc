//! Matrices, normalizations and reductions.

use crate::precise::Precise;
use crate::tensor::{Broadcast, broadcast, indices, strides};

use super::{Array, Call, Evaluated, Machine, Refusal, place, room};

pub(super) fn batch_normalization(call: &Call<'_>) -> Evaluated<Array> {
    let x = call.array(0)?;
    let (gamma, beta, mean, variance) = (call.array(1)?, call.array(2)?, call.array(3)?, call.array(4)?);
    let epsilon = call.float("epsilon").unwrap_or(Precise::point(1e-5f32.into()));
    call.attributes.ignore("momentum");
    if call.int("training_mode", 0) != 0 || x.dims.len() < 2 {
        return Err(Refusal::Operator);
    }
    let value = |(place, index): (usize, Vec<usize>)| {
        let channel = index[1];
        let root = variance.real(channel).plus(epsilon).root();
        let centred = x.real(place).minus(mean.real(channel));
        centred.times(gamma.real(channel)).over(root).plus(beta.real(channel))
    };
    Ok(Array::reals(x.dims.clone(), indices(&x.dims).enumerate().map(value).collect()))
}

pub(super) fn gemm(machine: &mut Machine, call: &Call<'_>) -> Evaluated<Array> {
    let (a, b) = (call.array(0)?, call.array(1)?);
    let turned = |array: &Array, name: &str| -> Evaluated<Array> {
        if call.int(name, 0) == 0 { Ok(array.clone()) } else { transposed(array, &[1, 0]) }
    };
    let product = matrix(machine, &turned(a, "transA")?, &turned(b, "transB")?)?;
    let alpha = call.float("alpha").unwrap_or(Precise::ONE);
    let beta = call.float("beta").unwrap_or(Precise::ONE);
    let Some(c) = call.optional(2) else {
        let values = (0..product.len()).map(|place| product.real(place).times(alpha)).collect();
        return Ok(Array::reals(product.dims, values));
    };
    let walk = Broadcast::new(&c.dims, &product.dims).ok_or(Refusal::Operands)?;
    let value = |(place, index): (usize, Vec<usize>)| {
        product.real(place).times(alpha).plus(c.real(walk.place(&index)).times(beta))
    };
    let values = indices(&product.dims).enumerate().map(value).collect();
    Ok(Array::reals(product.dims.clone(), values))
}

pub(super) fn matmul(machine: &mut Machine, call: &Call<'_>) -> Evaluated<Array> {
    let (mut a, mut b) = (call.array(0)?.clone(), call.array(1)?.clone());
    if call.node.operator == "MatMul" && (a.dims.len() == 1 || b.dims.len() == 1) {
        // A list is a row before a matrix, and a column after one.
        let lists = [a.dims.len() == 1, b.dims.len() == 1];
        if lists[0] {
            a.dims.insert(0, 1);
        }
        if lists[1] {
            b.dims.push(1);
        }
        let mut product = matrix(machine, &a, &b)?;
        let rank = product.dims.len();
        if lists[1] {
            product.dims.remove(rank - 1);
        }
        if lists[0] {
            product.dims.remove(rank - 2);
        }
        return Ok(product);
    }
    if a.dims.len() < 2 || b.dims.len() < 2 {
        return Err(Refusal::Operator);
    }
    let fused = call.node.operator == "FusedMatMul";
    let flag = |name: &str| fused && call.int(name, 0) != 0;
    let last = |array: Array, name: &str| -> Evaluated<Array> {
        if !flag(name) {
            return Ok(array);
        }
        let rank = array.dims.len();
        let mut order: Vec<usize> = (0..rank).collect();
        order.swap(rank.checked_sub(2).ok_or(Refusal::Operands)?, rank - 1);
        transposed(&array, &order)
    };
    if ["transBatchA", "transBatchB"].map(flag).contains(&true) {
        return Err(Refusal::Operator);
    }
    let product = matrix(machine, &last(a, "transA")?, &last(b, "transB")?)?;
    let alpha = if fused { call.float("alpha") } else { None }.unwrap_or(Precise::ONE);
    let values = (0..product.len()).map(|place| product.real(place).times(alpha)).collect();
    Ok(Array::reals(product.dims, values))
}

/// The product of the matrices on the last two axes.
fn matrix(machine: &mut Machine, a: &Array, b: &Array) -> Evaluated<Array> {
    let ([outer_a @ .., rows, inner], [outer_b @ .., inner_b, columns]) =
        (a.dims.as_slice(), b.dims.as_slice())
    else {
        return Err(Refusal::Operands);
    };
    if inner != inner_b {
        return Err(Refusal::Operands);
    }
    let outer = broadcast(outer_a, outer_b).ok_or(Refusal::Operands)?;
    let walks =
        Broadcast::new(outer_a, &outer).zip(Broadcast::new(outer_b, &outer)).ok_or(Refusal::Operands)?;
    let dims: Vec<usize> = outer.iter().chain([rows, columns]).copied().collect();
    machine.spend(room(&dims)?.saturating_mul(*inner))?;
    let mut values = Vec::new();
    for index in indices(&outer) {
        let (first_a, first_b) =
            (walks.0.place(&index) * rows * inner, walks.1.place(&index) * inner * columns);
        for row in 0..*rows {
            for column in 0..*columns {
                let term = |n: usize| {
                    a.real(first_a + row * inner + n).times(b.real(first_b + n * columns + column))
                };
                values.push((0..*inner).map(term).fold(Precise::ZERO, Precise::plus));
            }
        }
    }
    Ok(Array::reals(dims, values))
}

pub(super) fn transposed(array: &Array, order: &[usize]) -> Evaluated<Array> {
    let own = strides(&array.dims);
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..array.dims.len()) {
        return Err(Refusal::Operands);
    }
    let dims: Vec<usize> = order.iter().map(|&axis| array.dims[axis]).collect();
    let places = indices(&dims).map(|index| index.iter().zip(order).map(|(&i, &axis)| i * own[axis]).sum());
    array.gathered(dims.clone(), places).ok_or(Refusal::Operands)
}

pub(super) fn reduce(call: &Call<'_>) -> Evaluated<Array> {
    let x = call.array(0)?;
    let rank = x.dims.len();
    let name = call.node.operator.as_str();
    let global = name.starts_with("Global");
    let named = if global { None } else { call.list("axes", 1, if name == "ReduceSum" { 13 } else { 18 }) };
    let nothing = !global && call.int("noop_with_empty_axes", 0) != 0;
    if named.as_ref().is_none_or(Vec::is_empty) && nothing {
        call.attributes.ignore("keepdims");
        return Ok(x.clone());
    }
    let axes: Vec<usize> = match named {
        Some(axes) if !axes.is_empty() => {
            axes.iter().map(|&axis| place(axis, rank)).collect::<Option<_>>().ok_or(Refusal::Operands)?
        }
        _ => (if global { 2 } else { 0 }..rank).collect(),
    };
    if (0..axes.len()).any(|n| axes[..n].contains(&axes[n])) {
        return Err(Refusal::Operands);
    }
    let kept: Vec<usize> =
        (0..rank).map(|axis| if axes.contains(&axis) { 1 } else { x.dims[axis] }).collect();
    let walk = Broadcast::new(&kept, &x.dims).ok_or(Refusal::Operands)?;
    let mut values: Vec<Option<Precise>> = vec![None; room(&kept)?];
    let join: fn(Precise, Precise) -> Precise = match name {
        "ReduceMax" | "GlobalMaxPool" => Precise::maximum,
        "ReduceMin" => Precise::minimum,
        _ => Precise::plus,
    };
    for (at, index) in indices(&x.dims).enumerate() {
        let own = &mut values[walk.place(&index)];
        *own = Some(own.map_or_else(|| x.real(at), |own| join(own, x.real(at))));
    }
    let count: usize = axes.iter().map(|&axis| x.dims[axis]).product();
    let divisor = match name {
        "ReduceMean" | "GlobalAveragePool" => {
            Precise::whole(i64::try_from(count).map_err(|_| Refusal::Operands)?)
        }
        _ => Precise::ONE,
    };
    // The sum of nothing is 0; nothing else is known of nothing.
    let nothing = if name == "ReduceSum" { Some(Precise::ZERO) } else { None };
    let values: Option<Vec<Precise>> =
        values.into_iter().map(|value| Some(value.or(nothing)?.over(divisor))).collect();
    let dims = if global || call.int("keepdims", 1) != 0 {
        kept
    } else {
        (0..rank).filter(|axis| !axes.contains(axis)).map(|axis| x.dims[axis]).collect()
    };
    Ok(Array::reals(dims, values.ok_or(Refusal::Operator)?))
}

/// The elements along an axis, line by line: the places of each.
fn lines(dims: &[usize], axis: usize) -> Vec<Vec<usize>> {
    let step = strides(dims)[axis];
    let mut first = dims.to_vec();
    first[axis] = 1;
    let own = strides(dims);
    let start = |index: Vec<usize>| -> usize { index.iter().zip(&own).map(|(&i, &step)| i * step).sum() };
    indices(&first)
        .map(|index| {
            let start = start(index);
            (0..dims[axis]).map(|n| start + n * step).collect()
        })
        .collect()
}

pub(super) fn softmax(call: &Call<'_>) -> Evaluated<Array> {
    let x = call.array(0)?;
    let old = call.opset < 13;
    let axis = call.axis("axis", if old { 1 } else { -1 }, x.dims.len())?;
    // Before operator set 13 all axes from this one on were one.
    let length: usize = x.dims[axis..].iter().product();
    let lines = if old {
        (0..x.len()).step_by(length.max(1)).map(|first| (first..first + length).collect()).collect()
    } else {
        lines(&x.dims, axis)
    };
    let mut values = vec![Precise::ZERO; x.len()];
    for line in lines {
        // A common shift of all exponents changes nothing; any number will do.
        let shift =
            Precise::point(line.iter().map(|&at| x.real(at).enclosure().middle()).fold(f64::MIN, f64::max));
        let powers: Vec<Precise> = line.iter().map(|&at| x.real(at).minus(shift).exp()).collect();
        let sum = powers.iter().copied().fold(Precise::ZERO, Precise::plus);
        for (&at, power) in line.iter().zip(powers) {
            values[at] = match call.node.operator.as_str() {
                "LogSoftmax" => x.real(at).minus(shift).minus(sum.ln()),
                _ => power.over(sum),
            };
        }
    }
    Ok(Array::reals(x.dims.clone(), values))
}

/// The normalized value, the means, and one over the deviations; the last axes are one line.
pub(super) fn layer_normalization(call: &Call<'_>) -> Evaluated<Vec<Array>> {
    let x = call.array(0)?;
    let axis = call.axis("axis", -1, x.dims.len())?;
    let epsilon = call.float("epsilon").unwrap_or(Precise::point(1e-5f32.into()));
    let length: usize = x.dims[axis..].iter().product();
    let (scale, shift) = (call.optional(1), call.optional(2));
    if [scale, shift].iter().flatten().any(|array| array.len() != length) {
        return Err(Refusal::Operator);
    }
    let count = Precise::whole(i64::try_from(length).map_err(|_| Refusal::Operands)?);
    let (mut values, mut means, mut inverses) = (Vec::with_capacity(x.len()), Vec::new(), Vec::new());
    for first in (0..x.len()).step_by(length.max(1)) {
        let line = || (first..first + length).map(|at| x.real(at));
        let mean = line().fold(Precise::ZERO, Precise::plus).over(count);
        let square = |value: Precise| {
            let centred = value.minus(mean).magnitude();
            centred.times(centred)
        };
        let variance = line().map(square).fold(Precise::ZERO, Precise::plus).over(count);
        let root = variance.plus(epsilon).root();
        for (n, value) in line().enumerate() {
            let scale = scale.map_or(Precise::ONE, |scale| scale.real(n));
            let shift = shift.map_or(Precise::ZERO, |shift| shift.real(n));
            values.push(value.minus(mean).over(root).times(scale).plus(shift));
        }
        means.push(mean);
        inverses.push(root.reciprocal());
    }
    let mut outer = x.dims[..axis].to_vec();
    outer.resize(x.dims.len(), 1);
    Ok(vec![
        Array::reals(x.dims.clone(), values),
        Array::reals(outer.clone(), means),
        Array::reals(outer, inverses),
    ])
}
