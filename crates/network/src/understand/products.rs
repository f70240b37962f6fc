//! Sums, and products of values: scalars come out of products, so that a product is one of terms as they are.

use crate::dim::Dim;
use crate::form::Form;
use crate::number::{Number, Numbers};
use crate::tensor::Tensor;
use crate::term::Kind;

use super::{Call, Read, Reader, Stop, Value, as_dim, uniform};

impl Reader<'_> {
    /// The extents of a result element by element; ones that differ, and of which none is 1, are taken as equal.
    pub(super) fn joined(&mut self, a: &[Dim], b: &[Dim]) -> Read<Vec<Dim>> {
        let rank = a.len().max(b.len());
        let at = |dims: &[Dim], axis: usize| {
            (axis + dims.len()).checked_sub(rank).map_or(as_dim(1), |own| dims[own].clone())
        };
        (0..rank)
            .map(|axis| {
                let (x, y) = (at(a, axis), at(b, axis));
                match (x == y, x.is_one(), y.is_one()) {
                    (true, ..) | (_, _, true) => Ok(x),
                    (_, true, _) => Ok(y),
                    _ => self.agreed(&x, &y),
                }
            })
            .collect()
    }

    /// Two extents that have to be one.
    pub(super) fn agreed(&mut self, a: &Dim, b: &Dim) -> Read<Dim> {
        if self.terms.agreement.unite(a, b) {
            return Ok(self.terms.agreement.name(a).clone());
        }
        Err(Stop::Wrong(format!("extents of {a} and {b} meet")))
    }

    pub(super) fn sum(&mut self, call: &Call<'_>) -> Read<Form> {
        let negated = |form: &Form| form.scaled(&vec![Number::from(-1); form.channels()].into());
        match call.node.operator.as_str() {
            "Neg" => return self.form(call, 0).map(|form| negated(&form)),
            "Sub" => {
                if let Some(tensor) = call.tensor(1).cloned() {
                    let form = self.form(call, 0)?;
                    let tensor = tensor.mapped(|number| Some(number.negated())).ok_or(Stop::Function)?;
                    return self.plus_constant(&form, &tensor, call);
                }
                let b = self.form(call, 1)?;
                if let Some(tensor) = call.tensor(0).cloned() {
                    return self.plus_constant(&negated(&b), &tensor, call);
                }
                let a = self.form(call, 0)?;
                return self.plus(&a, &negated(&b), call);
            }
            _ => {}
        }
        let mut sum: Option<Form> = None;
        let (mut tensors, mut rest) = (Vec::new(), Vec::new());
        for position in 0..call.inputs.len() {
            match call.tensor(position) {
                Some(tensor) => tensors.push(tensor.clone()),
                None => rest.push(self.form(call, position)?),
            }
        }
        for form in rest {
            sum = Some(match sum {
                Some(sum) => self.plus(&sum, &form, call)?,
                None => form,
            });
        }
        let mut sum = sum.ok_or(Stop::Function)?;
        for tensor in tensors {
            sum = self.plus_constant(&sum, &tensor, call)?;
        }
        Ok(sum)
    }

    pub(super) fn difference(&mut self, a: &Form, b: &Form, call: &Call<'_>) -> Read<Form> {
        let negative = b.scaled(&vec![Number::from(-1); b.channels()].into());
        self.plus(a, &negative, call)
    }

    pub(super) fn plus(&mut self, a: &Form, b: &Form, call: &Call<'_>) -> Read<Form> {
        let shape = self.joined(&a.shape, &b.shape)?;
        let (a, b) = (self.expanded(a, &shape, call), self.expanded(b, &shape, call));
        let (a, b) = match (a.with_axis(b.axis), b.with_axis(a.axis)) {
            (_, Some(b)) => (a, b),
            (Some(a), _) => (a, b),
            _ => {
                let b = self.on_axis(&b, a.axis, call)?;
                (a, b)
            }
        };
        if let Some(sum) = a.plus(&b) {
            return Ok(sum);
        }
        let axis = a.axis;
        let cut = self.terms.cut(&b, Some(call.id));
        let cut = cut.with_axis(axis).ok_or(Stop::Function)?;
        a.plus(&cut).ok_or(Stop::Function)
    }

    pub(super) fn plus_constant(&mut self, form: &Form, tensor: &Tensor, call: &Call<'_>) -> Read<Form> {
        let dims: Vec<Dim> = tensor.dims().iter().copied().map(as_dim).collect();
        let shape = self.joined(&form.shape, &dims)?;
        let form = self.expanded(form, &shape, call);
        if let Some((axis, numbers)) = by_channel(tensor, &form) {
            let form = self.on_axis(&form, axis, call)?;
            return Ok(form.shifted(&numbers));
        }
        let constant = self.constant(tensor);
        self.plus(&form, &constant, call)
    }

    pub(super) fn times_constant(&mut self, form: &Form, tensor: &Tensor, call: &Call<'_>) -> Read<Form> {
        let dims: Vec<Dim> = tensor.dims().iter().copied().map(as_dim).collect();
        let shape = self.joined(&form.shape, &dims)?;
        let form = self.expanded(form, &shape, call);
        if let Some((axis, numbers)) = by_channel(tensor, &form) {
            let form = self.on_axis(&form, axis, call)?;
            return Ok(form.scaled(&numbers.numbers().ok_or(Stop::Function)?.into()));
        }
        let constant = self.constant(tensor);
        self.product(vec![form, constant], call)
    }

    pub(super) fn multiply(&mut self, call: &Call<'_>) -> Read<Form> {
        match call.node.operator.as_str() {
            "Reciprocal" => {
                let form = self.form(call, 0)?;
                let shape = form.shape.clone();
                Ok(self.term(call, Kind::Channelwise, "Reciprocal", vec![form], shape))
            }
            "Pow" => self.pow(call),
            "Div" => self.divide(call),
            _ => {
                if let (Some(tensor), Some(Value::Form(form))) = (call.tensor(0), call.peek(1)) {
                    call.ignore(1);
                    return self.times_constant(&form.clone(), &tensor.clone(), call);
                }
                let form = self.form(call, 0)?;
                if let Some(tensor) = call.tensor(1) {
                    return self.times_constant(&form, &tensor.clone(), call);
                }
                let other = self.form(call, 1)?;
                self.product(vec![form, other], call)
            }
        }
    }

    fn pow(&mut self, call: &Call<'_>) -> Read<Form> {
        let form = self.form(call, 0)?;
        // An exponent of more axes, or longer ones, would repeat the base.
        let alone = |exponent: &&Tensor| exponent.len() == 1 && exponent.dims().len() <= form.rank();
        let exponent = call.tensor(1).filter(alone).and_then(|exponent| exponent.number(0)?.as_rational());
        let exponent = exponent.ok_or(Stop::Function)?;
        match exponent.as_i64() {
            Some(count @ 1..=4) => {
                let count = usize::try_from(count).map_err(|_| Stop::Function)?;
                self.product(vec![form; count], call)
            }
            None if Some(&exponent) == convproof_exact::Rational::ratio(1, 2).as_ref() => {
                let shape = form.shape.clone();
                Ok(self.term(call, Kind::Channelwise, "Sqrt", vec![form], shape))
            }
            _ => Err(Stop::Function),
        }
    }

    fn divide(&mut self, call: &Call<'_>) -> Read<Form> {
        if let Some(tensor) = call.tensor(1) {
            let form = self.form(call, 0)?;
            let inverse = tensor.mapped(Number::reciprocal).ok_or(Stop::Function)?;
            return self.times_constant(&form, &inverse, call);
        }
        let divisor = self.form(call, 1)?;
        let shape = divisor.shape.clone();
        let inverse = self.term(call, Kind::Channelwise, "Reciprocal", vec![divisor], shape);
        if let Some(tensor) = call.tensor(0) {
            return self.times_constant(&inverse, &tensor.clone(), call);
        }
        let form = self.form(call, 0)?;
        self.product(vec![form, inverse], call)
    }

    /// The product of values, repeated along axes of extent 1; factors that are numbers stand before it.
    pub(super) fn product(&mut self, factors: Vec<Form>, call: &Call<'_>) -> Read<Form> {
        let mut shape = factors.first().ok_or(Stop::Function)?.shape.clone();
        for factor in &factors[1..] {
            shape = self.joined(&shape, &factor.shape)?;
        }
        let target = Form::of_term(0, shape.clone());
        let mut numbers: Option<Numbers> = None;
        let mut args = Vec::new();
        for factor in factors {
            let (scale, inner) = self.without_scale(&factor, &target);
            if let Some(scale) = scale {
                numbers = Some(match numbers {
                    None => scale,
                    Some(own) => own
                        .iter()
                        .zip(scale.iter())
                        .map(|(a, b)| a.times(b))
                        .collect::<Option<Vec<_>>>()
                        .ok_or(Stop::Function)?
                        .into(),
                });
            }
            match self.inside_product(&inner, &shape) {
                Some(inside) => args.extend(inside),
                None => args.push(inner),
            }
        }
        if args.len() > 64 {
            return Err(Stop::Function);
        }
        let result = self.term(call, Kind::Product, "product", args, shape);
        Ok(match numbers {
            Some(numbers) => result.scaled(&numbers),
            None => result,
        })
    }

    /// The factors of a value that is a product of the extents wanted.
    fn inside_product(&self, form: &Form, shape: &[Dim]) -> Option<Vec<Form>> {
        let term = self.terms.get(form.as_term()?);
        (term.op.kind == Kind::Product && term.shape == shape).then(|| term.args.clone())
    }

    /// The numbers that multiply a term, as numbers for each channel of the product, and the term.
    fn without_scale(&self, form: &Form, target: &Form) -> (Option<Numbers>, Form) {
        let whole = (None, form.clone());
        let Some((source, Some(numbers))) = form.as_scaled_term() else { return whole };
        let alike = numbers.iter().all(|number| *number == numbers[0]);
        let numbers: Numbers = if alike {
            vec![numbers[0].clone(); target.channels()].into()
        } else if form.rank() == target.rank()
            && form.axis == target.axis
            && numbers.len() == target.channels()
        {
            numbers
        } else {
            return whole;
        };
        let term = Form::of_term(source, form.shape.clone());
        let inner = term.with_axis(form.axis).unwrap_or(term);
        (Some(numbers), Form { nodes: form.nodes.clone(), ..inner })
    }

    /// A form repeated along axes of extent 1.
    pub(super) fn expanded(&mut self, form: &Form, shape: &[Dim], call: &Call<'_>) -> Form {
        if self.terms.agreement.same(&form.shape, shape) {
            return form.clone();
        }
        if form.parts.is_empty() {
            let number = form.bias.as_ref().map_or(Some(Some(Number::default())), |bias| {
                let row = |n| bias.row::<crate::kernel::Exact>(n).values.first().cloned().flatten();
                let first = row(0);
                ((1..form.channels()).all(|n| row(n) == first)).then_some(first)
            });
            if let Some(form) = number.flatten().and_then(|number| uniform(number, shape.to_vec())) {
                return form;
            }
        }
        let texts: Vec<String> = shape.iter().map(Dim::to_string).collect();
        self.term(call, Kind::Function, format!("expand {texts:?}"), vec![form.clone()], shape.to_vec())
    }

    pub(super) fn matmul(&mut self, call: &Call<'_>) -> Read<Form> {
        let fused = call.node.operator == "FusedMatMul";
        let flag = |name: &str| fused && call.attributes.int(name, 0) != 0;
        let alpha = if fused { call.attributes.number("alpha", 1.0) } else { Some(1.into()) };
        let alpha = alpha.ok_or(Stop::Function)?;
        let flags = ["transBatchA", "transBatchB", "transA"].map(flag);
        if flags.contains(&true) {
            return Err(Stop::Function);
        }
        let form = self.form(call, 0)?;
        let scaled = |form: Form| form.scaled(&vec![alpha.clone(); form.channels()].into());
        if let Some(weights) = call.tensor(1)
            && weights.dims().len() == 2
            && form.rank() >= 2
            && !matches!(call.peek(0), Some(Value::Tensor(_)))
        {
            let form = self.on_axis(&form, form.rank() - 1, call)?;
            let weights = weights.clone();
            return self.matrix(&form, &weights, flag("transB"), call).map(scaled);
        }
        let other = self.form(call, 1)?;
        if form.rank() < 2 || other.rank() < 2 {
            return Err(Stop::Function);
        }
        let (rows, columns) = (form.rank() - 2, other.rank() - if flag("transB") { 2 } else { 1 });
        let mut shape = self.joined(&form.shape[..rows], &other.shape[..other.rank() - 2])?;
        shape.extend([form.shape[rows].clone(), other.shape[columns].clone()]);
        let name = if flag("transB") { "MatMul transposed" } else { "MatMul" };
        Ok(scaled(self.term(call, Kind::Function, name, vec![form, other], shape)))
    }
}

/// A constant as numbers for the channels of one axis of a form, if it tells no other axis apart.
fn by_channel(tensor: &Tensor, form: &Form) -> Option<(usize, Tensor)> {
    if let Some(number) = tensor.uniform() {
        let channels = form.channels();
        return Some((form.axis, Tensor::computed(vec![channels], vec![number; channels])?));
    }
    let missing = form.rank().checked_sub(tensor.dims().len())?;
    let mut long = tensor.dims().iter().enumerate().filter(|(_, extent)| **extent != 1);
    let (axis, &extent) = long.next()?;
    if long.next().is_some() || form.shape.get(axis + missing)?.size() != Some(extent) {
        return None;
    }
    Some((axis + missing, tensor.reshaped(vec![extent])?))
}
