//! Operators that change the extents of a value but none of its elements.

use crate::dim::Dim;
use crate::form::{Form, Map, TermId};
use crate::term::Kind;

use super::constants::{axis, order_of};
use super::{Call, MAX_REWRITING, Read, Reader, Stop, Value, as_dim};

/// The extents that a node gives a value of these.
pub(super) fn target(call: &Call<'_>, shape: &[Dim]) -> Option<Vec<Dim>> {
    let rank = shape.len();
    match call.node.operator.as_str() {
        "Flatten" => {
            let at = call.attributes.int("axis", 1);
            let at = if at == i64::try_from(rank).ok()? { rank } else { axis(at, rank)? };
            let product = |dims: &[Dim]| dims.iter().fold(as_dim(1), |product, dim| product.times(dim));
            Some(vec![product(&shape[..at]), product(&shape[at..])])
        }
        "Squeeze" => {
            let named = call.setting("axes", 1, 13);
            if named.is_none() && call.is_given(1) {
                return None;
            }
            let gone: Vec<usize> = match named {
                Some(axes) => axes.iter().map(|&place| axis(place, rank)).collect::<Option<_>>()?,
                None if shape.iter().any(|dim| dim.number().is_none()) => return None,
                None => (0..rank).filter(|&axis| shape[axis].is_one()).collect(),
            };
            Some((0..rank).filter(|axis| !gone.contains(axis)).map(|axis| shape[axis].clone()).collect())
        }
        "Unsqueeze" => {
            let axes = call.setting("axes", 1, 13)?;
            let rank = rank.checked_add(axes.len()).filter(|&rank| rank <= 64)?;
            let new: Vec<usize> = axes.iter().map(|&place| axis(place, rank)).collect::<Option<_>>()?;
            let mut old = shape.iter().cloned();
            (0..rank).map(|axis| if new.contains(&axis) { Some(as_dim(1)) } else { old.next() }).collect()
        }
        _ => reshaped(call, shape),
    }
}

/// The extents that a `Reshape` asks for: 0 keeps one, −1 takes what is left.
fn reshaped(call: &Call<'_>, shape: &[Dim]) -> Option<Vec<Dim>> {
    let wanted: Vec<Dim> = match call.input(1) {
        Some(Value::Dims(dims, _)) => dims.clone(),
        Some(Value::Tensor(tensor)) => tensor.integers()?.into_iter().map(Dim::from).collect(),
        _ => return None,
    };
    let keep = call.attributes.int("allowzero", 0) == 0;
    let mut dims = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (axis, dim) in wanted.into_iter().enumerate() {
        dims.push(match dim.number() {
            Some(0) if keep => shape.get(axis)?.clone(),
            Some(-1) if open.is_none() => {
                open = Some(axis);
                as_dim(1)
            }
            Some(number) if number < 0 => return None,
            _ => dim,
        });
    }
    if let Some(axis) = open {
        dims[axis] = left(shape, &dims);
    }
    Some(dims)
}

/// What is left of the product of extents after some others: equal ones cancel first.
fn left(shape: &[Dim], taken: &[Dim]) -> Dim {
    let mut rest: Vec<Dim> = shape.to_vec();
    let mut divisors = Vec::new();
    for dim in taken {
        match rest.iter().position(|own| own == dim) {
            Some(place) => {
                rest.swap_remove(place);
            }
            None => divisors.push(dim.clone()),
        }
    }
    let product = |dims: &[Dim]| dims.iter().fold(as_dim(1), |product, dim| product.times(dim));
    product(&rest).over_dim(&product(&divisors))
}

impl Reader<'_> {
    pub(super) fn reshape(&mut self, call: &Call<'_>) -> Read<Form> {
        let form = self.form(call, 0)?;
        let shape = target(call, &form.shape).ok_or(Stop::Function)?;
        Ok(self.with_shape(&form, shape, call))
    }

    /// The same elements in the same order with other extents.
    pub(super) fn with_shape(&mut self, form: &Form, shape: Vec<Dim>, call: &Call<'_>) -> Form {
        let mut form = form.clone();
        while let Some((_, inner)) = self.inside(&form, "reshape") {
            match inner.args.first() {
                Some(arg) => {
                    let nodes = arg.nodes.iter().chain(&form.nodes).copied().collect();
                    form = Form { nodes, ..arg.clone() };
                }
                None => break,
            }
        }
        if self.terms.agreement.same(&form.shape, &shape) {
            return form;
        }
        let texts: Vec<String> = shape.iter().map(Dim::to_string).collect();
        self.term(call, Kind::Function, format!("reshape {texts:?}"), vec![form], shape)
    }

    pub(super) fn transpose(&mut self, call: &Call<'_>) -> Read<Form> {
        let form = self.form(call, 0)?;
        let order = order_of(call, form.rank());
        let order =
            order.ok_or_else(|| Stop::Wrong("its order is not one of the axes of its operand".to_owned()))?;
        Ok(self.reordered(&form, &order, call))
    }

    /// A form with its axes in another order: its maps turned, and the terms that they read.
    fn reordered(&mut self, form: &Form, order: &[usize], call: &Call<'_>) -> Form {
        let shape: Vec<Dim> = order.iter().map(|&axis| form.shape[axis].clone()).collect();
        if order.iter().copied().eq(0..form.rank()) {
            return form.clone();
        }
        // Axes of extent 1 may stand anywhere.
        if order.iter().filter(|&&axis| !form.shape[axis].is_one()).is_sorted() {
            return self.with_shape(form, shape, call);
        }
        let axis = order.iter().position(|&axis| axis == form.axis).unwrap_or(form.rank());
        let bias = form.bias.as_ref().map(|bias| bias.permuted(order));
        let mut sum = Form { axis, shape, parts: Vec::new(), bias, nodes: form.nodes.clone() };
        for part in &form.parts {
            let axes = order.iter().map(|&axis| part.map.axes[axis]).collect();
            let map = Map { axes, kernel: part.map.kernel.permuted(order) };
            let source = self.reordered_term(part.source, order, call);
            let read = source.with_axis(axis).and_then(|source| source.after(&map, sum.shape.clone()));
            match read.and_then(|read| sum.plus(&read)) {
                Some(more) => sum = more,
                None => return self.turned_whole(form, order, call),
            }
        }
        sum
    }

    /// A form with its axes in another order, as a function of it.
    fn turned_whole(&mut self, form: &Form, order: &[usize], call: &Call<'_>) -> Form {
        let shape: Vec<Dim> = order.iter().map(|&axis| form.shape[axis].clone()).collect();
        self.term(call, Kind::Function, format!("transpose {order:?}"), vec![form.clone()], shape)
    }

    /// A term with its axes in another order: what acts on each element alone acts on them in any order.
    fn reordered_term(&mut self, id: TermId, order: &[usize], call: &Call<'_>) -> Form {
        let key = (id, order.to_vec());
        if let Some(form) = self.turned.get(&key) {
            return form.clone();
        }
        let term = self.terms.get(id).clone();
        let alone =
            term.op.kind == Kind::Channelwise || matches!(term.op.name.as_str(), "relu" | "abs" | "product");
        let fits = term.args.iter().all(|arg| arg.rank() == order.len());
        let form = if alone && fits && self.depth < MAX_REWRITING {
            self.depth += 1;
            let args = term.args.iter().map(|arg| self.reordered(arg, order, call)).collect();
            self.depth -= 1;
            let shape = order.iter().map(|&axis| term.shape[axis].clone()).collect();
            self.term(call, term.op.kind, term.op.name, args, shape)
        } else if let (Some((name, _)), Some(arg)) = (term.op.name.split_once(" over ["), term.args.first())
            && self.depth < MAX_REWRITING
        {
            // A reduction over axes is one over the places where they now stand.
            let axes = order_in(&term.op.name);
            let axes: Vec<usize> =
                axes.iter().filter_map(|axis| order.iter().position(|own| own == axis)).collect();
            self.depth += 1;
            let arg = self.reordered(arg, order, call);
            self.depth -= 1;
            self.reduced(name, &arg, &axes, call)
        } else if let (true, Some(arg)) = (term.op.name.starts_with("transpose "), term.args.first()) {
            let first = order_in(&term.op.name);
            let order: Vec<usize> = order.iter().map(|&axis| first[axis]).collect();
            self.reordered(arg, &order, call)
        } else if let (true, Some(arg)) = (term.op.name.starts_with("reshape "), term.args.first())
            && let Some(inner) = around_ones(&arg.shape, &term.shape, order)
            && self.depth < MAX_REWRITING
        {
            // Axes of extent 1 that come or go do so in any order of the others.
            let shape = order.iter().map(|&axis| term.shape[axis].clone()).collect();
            self.depth += 1;
            let arg = self.reordered(arg, &inner, call);
            self.depth -= 1;
            self.with_shape(&arg, shape, call)
        } else if let Some(tensor) = term.constant.as_ref().and_then(|tensor| tensor.transposed(order)) {
            self.constant(&tensor)
        } else {
            self.turned_whole(&Form::of_term(id, term.shape), order, call)
        };
        self.turned.insert(key, form.clone());
        form
    }

    pub(super) fn expand(&mut self, call: &Call<'_>) -> Read<Form> {
        let form = self.form(call, 0)?;
        let wanted: Vec<Dim> = match call.input(1) {
            Some(Value::Dims(dims, _)) => dims.clone(),
            Some(Value::Tensor(tensor)) => {
                tensor.integers().ok_or(Stop::Function)?.into_iter().map(Dim::from).collect()
            }
            _ => return Err(Stop::Function),
        };
        let shape = self.joined(&form.shape, &wanted)?;
        Ok(self.expanded(&form, &shape, call))
    }

    /// Operators that give back their operand: over the reals a cast between floats is one.
    pub(super) fn identity(&mut self, call: &Call<'_>) -> Read<Value> {
        if call.node.operator == "Cast" {
            let to = call.attributes.required_int("to").ok_or(Stop::Function)?;
            let to_float = matches!(to, 1 | 10 | 11 | 16);
            if !to_float && matches!(call.peek(0), Some(Value::Form(_))) {
                return self.joint(call, "").map(Value::Form);
            }
            if !to_float || matches!(call.peek(0), Some(Value::Dims(..))) {
                return Err(Stop::Function);
            }
        }
        if call.node.operator == "Dropout" && !is_test(call) {
            return Err(Stop::Function);
        }
        call.input(0).cloned().ok_or_else(|| Stop::Wrong("its operand is missing".to_owned()))
    }

    /// An `LSTM` is a function; only its extents are known.
    pub(super) fn lstm(&mut self, call: &Call<'_>) -> Read<Vec<Value>> {
        let input = self.form(call, 0)?;
        let weights = call.tensor(2).ok_or(Stop::Function)?;
        let (&[directions, _, hidden], 3) = (weights.dims(), input.rank()) else {
            return Err(Stop::Function);
        };
        if call.attributes.int("layout", 0) != 0 {
            return Err(Stop::Function);
        }
        let (steps, batch) = (input.shape[0].clone(), input.shape[1].clone());
        let attributes = call.attributes.spelled().ok_or(Stop::Function)?;
        let present: String =
            call.inputs.iter().map(|input| if input.is_some() { 'x' } else { '-' }).collect();
        let args: Vec<Form> = call.inputs.iter().flatten().map(|known| self.as_form(&known.value)).collect();
        (0..call.inputs.len()).for_each(|position| call.ignore(position));
        let state = vec![as_dim(directions), batch.clone(), as_dim(hidden)];
        let shapes = [vec![steps, as_dim(directions), batch, as_dim(hidden)], state.clone(), state];
        let result = |(n, shape): (usize, Vec<Dim>)| {
            Value::Form(self.term(
                call,
                Kind::Function,
                format!("LSTM{attributes} ({present}) #{n}"),
                args.clone(),
                shape,
            ))
        };
        Ok(shapes.into_iter().enumerate().map(result).collect())
    }
}

/// Whether a `Dropout` drops nothing; how much it would drop, and how it would draw, then have no meaning.
pub(super) fn is_test(call: &Call<'_>) -> bool {
    let training = if call.is_given(2) { call.integers(2) } else { Some(vec![0]) };
    let gives_mask = call.node.outputs.iter().skip(1).any(|output| !output.is_empty());
    ["ratio", "seed"].iter().for_each(|name| call.attributes.ignore(name));
    call.ignore(1);
    training.is_some_and(|training| training == [0]) && !gives_mask
}

/// The order of the axes of a value that is another one, but for axes of extent 1, in this order.
fn around_ones(from: &[Dim], to: &[Dim], order: &[usize]) -> Option<Vec<usize>> {
    let long = |dims: &[Dim]| (0..dims.len()).filter(|&axis| !dims[axis].is_one()).collect::<Vec<_>>();
    let (own, others) = (long(from), long(to));
    if !own.iter().map(|&axis| &from[axis]).eq(others.iter().map(|&axis| &to[axis])) {
        return None;
    }
    let moved = order.iter().filter_map(|axis| others.iter().position(|other| other == axis)).map(|n| own[n]);
    let ones = (0..from.len()).filter(|axis| !own.contains(axis));
    Some(moved.chain(ones).collect())
}

/// The order of axes in the name of a transposition.
fn order_in(name: &str) -> Vec<usize> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}
