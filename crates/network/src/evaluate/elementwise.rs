//! Operators element by element, extents of 1 repeated.

use std::cmp::Ordering;

use crate::precise::Precise;
use crate::tensor::{Broadcast, broadcast, indices};

use super::{Array, Call, Data, Evaluated, Refusal, room};

pub(super) fn elementwise(call: &Call<'_>) -> Evaluated<Array> {
    if let "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" = call.node.operator.as_str() {
        return compared(call);
    }
    if call.node.operator == "Where" {
        return chosen(call);
    }
    if call.inputs.iter().flatten().any(|array| matches!(array.data, Data::Integers(_))) {
        return integers(call)?.ok_or(Refusal::Operator);
    }
    match call.node.operator.as_str() {
        "Add" | "Sum" => fold(call, Precise::plus),
        "Mul" => fold(call, Precise::times),
        "Max" => fold(call, Precise::maximum),
        "Min" => fold(call, Precise::minimum),
        "Sub" => fold(call, Precise::minus),
        "Div" => fold(call, Precise::over),
        "Pow" => pow(call),
        "PRelu" => {
            fold(call, |x, slope| x.maximum(Precise::ZERO).plus(x.minimum(Precise::ZERO).times(slope)))
        }
        "Clip" => {
            let (low, high) = (bound(call, 1, "min", -1.0)?, bound(call, 2, "max", 1.0)?);
            map(call.array(0)?, |x| {
                let x = low.map_or(x, |low| x.maximum(low));
                high.map_or(x, |high| x.minimum(high))
            })
        }
        _ => {
            let function = function(call).ok_or(Refusal::Operator)?;
            map(call.array(0)?, function)
        }
    }
}

/// A bound of a `Clip`: an attribute or an operand; infinity on its side is none.
fn bound(call: &Call<'_>, position: usize, name: &str, side: f64) -> Evaluated<Option<Precise>> {
    let value = if call.opset < 11 {
        call.attributes.float(name).map(f64::from)
    } else {
        let Some(bound) = call.optional(position) else { return Ok(None) };
        match bound.stored(0) {
            Some(value) => Some(value),
            None => return Ok(Some(bound.real(0))),
        }
    };
    match value {
        Some(value) if value.is_infinite() && value.is_sign_negative() == side.is_sign_negative() => Ok(None),
        Some(value) if !value.is_finite() => Err(Refusal::Operator),
        value => Ok(value.map(Precise::point)),
    }
}

/// About how many products an element takes: some functions are summed from series.
pub(super) fn cost(operator: &str) -> usize {
    match operator {
        "Sigmoid" | "Tanh" | "Exp" | "Log" | "Erf" | "Gelu" | "QuickGelu" | "Swish" | "Softplus" | "Mish"
        | "Elu" | "Celu" | "Selu" | "Pow" | "Softmax" | "LogSoftmax" => 512,
        _ => 1,
    }
}

type Function<'f> = Box<dyn Fn(Precise) -> Precise + 'f>;

/// The function that an operator on one operand applies to each element.
#[expect(clippy::too_many_lines, reason = "one arm for each operator")]
fn function<'f>(call: &Call<'_>) -> Option<Function<'f>> {
    let point = |value: f64| Precise::point(value);
    let parameter = |name: &str, default: f32| call.float(name).unwrap_or(Precise::point(default.into()));
    Some(match call.node.operator.as_str() {
        "Relu" => Box::new(|x| x.maximum(Precise::ZERO)),
        "Sigmoid" => Box::new(Precise::sigmoid),
        "Tanh" => Box::new(Precise::tanh),
        "Exp" => Box::new(Precise::exp),
        "Log" => Box::new(Precise::ln),
        "Sqrt" => Box::new(Precise::root),
        "Erf" => Box::new(Precise::erf),
        "Abs" => Box::new(Precise::magnitude),
        "Neg" => Box::new(Precise::negated),
        "Reciprocal" => Box::new(Precise::reciprocal),
        "LeakyRelu" => {
            let slope = parameter("alpha", 0.01);
            Box::new(move |x| x.maximum(Precise::ZERO).plus(x.minimum(Precise::ZERO).times(slope)))
        }
        "HardSigmoid" => {
            let (alpha, beta) = (parameter("alpha", 0.2), parameter("beta", 0.5));
            Box::new(move |x| saturated(alpha.times(x).plus(beta)))
        }
        "HardSwish" => {
            let sixth = Precise::ONE.over(point(6.0));
            Box::new(move |x| x.times(saturated(x.times(sixth).plus(Precise::point(0.5)))))
        }
        "Gelu" if call.text("approximate", "none") == "none" => Box::new(move |x| {
            let inside = x.over(point(2.0).root());
            x.times(Precise::ONE.plus(inside.erf())).over(point(2.0))
        }),
        "QuickGelu" | "Swish" => {
            let alpha = parameter("alpha", if call.node.operator == "QuickGelu" { 1.702 } else { 1.0 });
            Box::new(move |x| x.times(alpha.times(x).sigmoid()))
        }
        "Gelu" => Box::new(gelu_by_tanh),
        "Softplus" => Box::new(softplus),
        "Mish" => Box::new(|x| x.times(softplus(x).tanh())),
        "Softsign" => Box::new(|x| x.over(Precise::ONE.plus(x.magnitude()))),
        "Elu" => {
            let alpha = parameter("alpha", 1.0);
            Box::new(move |x| x.maximum(Precise::ZERO).plus(alpha.times(below(x))))
        }
        "Celu" => {
            let alpha = parameter("alpha", 1.0);
            Box::new(move |x| x.maximum(Precise::ZERO).plus(alpha.times(below(x.over(alpha)))))
        }
        "Selu" => {
            let (alpha, gamma) = (parameter("alpha", 1.673_263_2), parameter("gamma", 1.050_701));
            Box::new(move |x| gamma.times(x.maximum(Precise::ZERO).plus(alpha.times(below(x)))))
        }
        "ThresholdedRelu" => {
            let alpha = parameter("alpha", 1.0);
            Box::new(move |x| match x.compared(alpha) {
                Some(Ordering::Greater) => x,
                Some(_) => Precise::ZERO,
                None => x.minimum(Precise::ZERO).hull(x.maximum(Precise::ZERO)),
            })
        }
        // Rising functions: each bound has its own step.
        "Floor" => Box::new(|x| x.stepped(f64::floor)),
        "Ceil" => Box::new(|x| x.stepped(f64::ceil)),
        "Round" => Box::new(|x| x.stepped(f64::round_ties_even)),
        "Sign" => {
            let sign = |bound: f64| if bound == 0.0 { 0.0 } else { bound.signum() };
            Box::new(move |x| x.stepped(sign))
        }
        _ => return None,
    })
}

/// `e^x − 1` where x is negative, else 0.
fn below(x: Precise) -> Precise {
    x.minimum(Precise::ZERO).exp().minus(Precise::ONE)
}

fn softplus(x: Precise) -> Precise {
    // So that no exponential is large.
    let rest = Precise::ONE.plus(x.magnitude().negated().exp()).ln();
    x.maximum(Precise::ZERO).plus(rest)
}

/// `x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))`.
fn gelu_by_tanh(x: Precise) -> Precise {
    let two = Precise::point(2.0);
    let cubic = Precise::point(44_715.0).over(Precise::point(1e6)).times(x.times(x).times(x));
    let inside = two.over(Precise::pi()).root().times(x.plus(cubic));
    x.over(two).times(Precise::ONE.plus(inside.tanh()))
}

fn saturated(x: Precise) -> Precise {
    x.maximum(Precise::ZERO).minimum(Precise::ONE)
}

/// The activation that a fused convolution names.
pub(super) fn activation(call: &Call<'_>, x: Array) -> Evaluated<Array> {
    let x = match call.optional(3) {
        Some(added) => combine(&x, added, Precise::plus)?,
        None => x,
    };
    let parameters = call.attributes.floats("activation_params").unwrap_or(&[]);
    let parameters: Vec<Precise> = parameters.iter().map(|&value| Precise::point(value.into())).collect();
    let parameter = |n: usize| parameters.get(n).copied().ok_or(Refusal::Operands);
    match call.text("activation", "") {
        "" => Ok(x),
        "Relu" => map(&x, |x| x.maximum(Precise::ZERO)),
        "Sigmoid" => map(&x, Precise::sigmoid),
        "Tanh" => map(&x, Precise::tanh),
        "Clip" => {
            let (low, high) = (parameter(0)?, parameter(1)?);
            map(&x, |x| x.maximum(low).minimum(high))
        }
        "HardSigmoid" => {
            let (alpha, beta) = (parameter(0)?, parameter(1)?);
            map(&x, |x| saturated(alpha.times(x).plus(beta)))
        }
        _ => Err(Refusal::Operator),
    }
}

fn map(x: &Array, function: impl Fn(Precise) -> Precise) -> Evaluated<Array> {
    Ok(Array::reals(x.dims.clone(), (0..x.len()).map(|place| function(x.real(place))).collect()))
}

fn fold(call: &Call<'_>, op: impl Fn(Precise, Precise) -> Precise) -> Evaluated<Array> {
    let mut result = call.array(0)?.clone();
    for position in 1..call.inputs.len() {
        result = combine(&result, call.array(position)?, &op)?;
    }
    Ok(result)
}

fn combine(a: &Array, b: &Array, op: impl Fn(Precise, Precise) -> Precise) -> Evaluated<Array> {
    let dims = broadcast(&a.dims, &b.dims).ok_or(Refusal::Operands)?;
    room(&dims)?;
    let walks =
        Broadcast::new(&a.dims, &dims).zip(Broadcast::new(&b.dims, &dims)).ok_or(Refusal::Operands)?;
    let value = |index: Vec<usize>| op(a.real(walks.0.place(&index)), b.real(walks.1.place(&index)));
    Ok(Array::reals(dims.clone(), indices(&dims).map(value).collect()))
}

/// Powers: by products for small whole exponents, by `e^(y·ln x)` for others of positive bases.
fn pow(call: &Call<'_>) -> Evaluated<Array> {
    let power = |x: Precise, exponent: Precise| {
        let whole = (0..=16u32).find(|&n| exponent == Precise::point(n.into()));
        match whole {
            Some(n) => {
                let even = if n % 2 == 0 { x.magnitude() } else { x };
                (0..n).fold(Precise::ONE, |product, _| product.times(even))
            }
            None if exponent == Precise::point(0.5) => x.root(),
            None if x.compared(Precise::ZERO) == Some(Ordering::Greater) => exponent.times(x.ln()).exp(),
            None => Precise::ALL,
        }
    };
    combine(call.array(0)?, call.array(1)?, power)
}

/// How two numbers compare, where that is certain.
fn compared(call: &Call<'_>) -> Evaluated<Array> {
    let (a, b) = (call.array(0)?, call.array(1)?);
    let dims = broadcast(&a.dims, &b.dims).ok_or(Refusal::Operands)?;
    room(&dims)?;
    let walks =
        Broadcast::new(&a.dims, &dims).zip(Broadcast::new(&b.dims, &dims)).ok_or(Refusal::Operands)?;
    let holds = |index: Vec<usize>| {
        let (x, y) = (a.real(walks.0.place(&index)), b.real(walks.1.place(&index)));
        let order = x.compared(y).ok_or(Refusal::Operator)?;
        Ok(i64::from(match call.node.operator.as_str() {
            "Equal" => order.is_eq(),
            "Greater" => order.is_gt(),
            "GreaterOrEqual" => order.is_ge(),
            "Less" => order.is_lt(),
            _ => order.is_le(),
        }))
    };
    Ok(Array::integers(dims.clone(), indices(&dims).map(holds).collect::<Evaluated<_>>()?))
}

/// One of two arrays, element by element.
fn chosen(call: &Call<'_>) -> Evaluated<Array> {
    let (condition, a, b) = (call.array(0)?, call.array(1)?, call.array(2)?);
    let dims = broadcast(&condition.dims, &broadcast(&a.dims, &b.dims).ok_or(Refusal::Operands)?);
    let dims = dims.ok_or(Refusal::Operands)?;
    room(&dims)?;
    let walk = |array: &Array| Broadcast::new(&array.dims, &dims).ok_or(Refusal::Operands);
    let (walk_condition, walk_a, walk_b) = (walk(condition)?, walk(a)?, walk(b)?);
    let yes = condition.integer_values().ok_or(Refusal::Operator)?;
    let whole = a.integer_values().zip(b.integer_values());
    let from_first = |index: &[usize]| yes[walk_condition.place(index)] != 0;
    if let Some((x, y)) = whole {
        let value = |index: Vec<usize>| {
            if from_first(&index) { x[walk_a.place(&index)] } else { y[walk_b.place(&index)] }
        };
        return Ok(Array::integers(dims.clone(), indices(&dims).map(value).collect()));
    }
    let value = |index: Vec<usize>| {
        if from_first(&index) { a.real(walk_a.place(&index)) } else { b.real(walk_b.place(&index)) }
    };
    Ok(Array::reals(dims.clone(), indices(&dims).map(value).collect()))
}

/// Operators on integers, whose quotients are rounded towards zero; nothing for one that is not known here.
fn integers(call: &Call<'_>) -> Evaluated<Option<Array>> {
    let op: fn(i64, i64) -> Option<i64> = match call.node.operator.as_str() {
        "Add" => i64::checked_add,
        "Sub" => i64::checked_sub,
        "Mul" => i64::checked_mul,
        "Div" => i64::checked_div,
        "Max" => |a, b| Some(a.max(b)),
        "Min" => |a, b| Some(a.min(b)),
        "And" => |a, b| Some(a & b),
        "Or" => |a, b| Some(a | b),
        "Xor" => |a, b| Some(a ^ b),
        "Not" => {
            let values = call.array(0)?.integer_values().ok_or(Refusal::Operator)?;
            let not = values.iter().map(|&value| i64::from(value == 0)).collect();
            return Ok(Some(Array::integers(call.array(0)?.dims.clone(), not)));
        }
        _ => return Ok(None),
    };
    let mut result = call.array(0)?.clone();
    for position in 1..call.inputs.len() {
        let other = call.array(position)?;
        let (Some(x), Some(y)) = (result.integer_values(), other.integer_values()) else { return Ok(None) };
        let dims = broadcast(&result.dims, &other.dims).ok_or(Refusal::Operands)?;
        room(&dims)?;
        let walks = Broadcast::new(&result.dims, &dims)
            .zip(Broadcast::new(&other.dims, &dims))
            .ok_or(Refusal::Operands)?;
        let value = |index: Vec<usize>| op(x[walks.0.place(&index)], y[walks.1.place(&index)]);
        let values: Option<Vec<i64>> = indices(&dims).map(value).collect();
        result = Array::integers(dims, values.ok_or(Refusal::Operands)?);
    }
    Ok(Some(result))
}
