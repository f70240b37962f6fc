//! Operators that act on each element alone, in one spelling: saturations as `sat(u) = min(max(u, 0), 1)`.

use crate::dim::Dim;
use crate::form::Form;
use crate::number::Number;
use crate::tensor::Tensor;
use crate::term::Kind;

use crate::types::type_name;

use super::{Call, MAX_REWRITING, Read, Reader, Stop, Value, as_dim, uniform};

impl Reader<'_> {
    /// An operator on one operand, element by element, or another function of known extents.
    pub(super) fn pointwise(&mut self, call: &Call<'_>) -> Read<Form> {
        let name = call.node.operator.as_str();
        let form = self.form(call, 0)?;
        let attributes = &call.attributes;
        let number = |name: &str, default: f32| attributes.number(name, default).ok_or(Stop::Function);
        match name {
            "Relu" => self.relu(&form, call),
            "Clip" => {
                let [low, high] = self.bounds(call)?;
                self.clip(&form, low, high, call)
            }
            "HardSigmoid" => self.hard_sigmoid(&form, &number("alpha", 0.2)?, &number("beta", 0.5)?, call),
            "HardSwish" => {
                let sixth = ratio(1, 6)?;
                let saturated = self.hard_sigmoid(&form, &sixth, &ratio(1, 2)?, call)?;
                self.product(vec![form, saturated], call)
            }
            "Sqrt" | "Exp" | "Log" | "Tanh" | "Sigmoid" | "Erf" | "Softplus" | "Sin" | "Cos" | "Floor"
            | "Ceil" | "Round" | "Sign" | "Not" | "Softsign" | "Mish" => {
                let shape = form.shape.clone();
                Ok(self.term(call, Kind::Channelwise, name, vec![form], shape))
            }
            "Elu" | "Celu" | "Selu" | "ThresholdedRelu" => {
                let shape = form.shape.clone();
                let attributes = attributes.spelled().ok_or(Stop::Function)?;
                Ok(self.term(call, Kind::Channelwise, format!("{name}{attributes}"), vec![form], shape))
            }
            "Abs" => {
                let shape = form.shape.clone();
                Ok(self.term(call, Kind::Homogeneous, "abs", vec![form], shape))
            }
            "LeakyRelu" => {
                let slope = attributes.float("alpha").unwrap_or(0.01);
                let shape = form.shape.clone();
                Ok(self.term(call, Kind::Homogeneous, format!("LeakyRelu {slope:?}"), vec![form], shape))
            }
            "Swish" | "QuickGelu" => {
                let alpha = number("alpha", if name == "QuickGelu" { 1.702 } else { 1.0 })?;
                let inside = form.scaled(&vec![alpha; form.channels()].into());
                let shape = form.shape.clone();
                let sigmoid = self.term(call, Kind::Channelwise, "Sigmoid", vec![inside], shape);
                self.product(vec![form, sigmoid], call)
            }
            "Gelu" if attributes.text("approximate", "none") == "none" => self.gelu(&form, call),
            "Softmax" | "LogSoftmax" => self.softmax(form, call),
            "LayerNormalization" => self.layer_normalization(&form, call),
            _ => Err(Stop::Function),
        }
    }

    pub(super) fn relu(&mut self, form: &Form, call: &Call<'_>) -> Read<Form> {
        if self.is_nonnegative(form) {
            return Ok(form.clone());
        }
        // max(max(x), 0) = max(max(x, 0)): the inner one first.
        if self.depth < MAX_REWRITING
            && let Some((_, pool)) = self.inside(form, "MaxPool")
        {
            let (op, args, shape) = (pool.op.clone(), pool.args.clone(), pool.shape.clone());
            let inner = args.first().cloned().ok_or(Stop::Function)?;
            self.depth += 1;
            let inner = self.relu(&inner, call);
            self.depth -= 1;
            let inner = inner?;
            return Ok(self.term(call, op.kind, op.name, vec![inner], shape));
        }
        let shape = form.shape.clone();
        Ok(self.term(call, Kind::Homogeneous, "relu", vec![form.clone()], shape))
    }

    /// Whether a form is channels of terms that are never negative, times numbers that are not.
    pub(super) fn is_nonnegative(&self, form: &Form) -> bool {
        self.is_nonnegative_to(form, MAX_REWRITING)
    }

    fn is_nonnegative_to(&self, form: &Form, depth: usize) -> bool {
        depth > 0
            && form.bias.is_none()
            && !form.parts.is_empty()
            && form.parts.iter().all(|part| {
                let term = self.terms.get(part.source);
                let pool = term.op.name.starts_with("MaxPool ")
                    && term.args.iter().all(|arg| self.is_nonnegative_to(arg, depth - 1));
                part.map.kernel.keeps_sign() && (term.is_nonnegative() || pool)
            })
    }

    /// The bounds of a `Clip`: attributes or operands; nothing where one does not bound.
    fn bounds(&self, call: &Call<'_>) -> Read<[Option<Number>; 2]> {
        let bound = |name: &str, position: usize, is_none: fn(f64) -> bool| -> Read<Option<Number>> {
            let value = if call.opset < 11 {
                call.attributes.float(name).map(f64::from)
            } else {
                match call.tensor(position) {
                    Some(tensor) if tensor.len() == 1 && tensor.stored(0).is_none_or(f64::is_finite) => {
                        return tensor.number(0).map(Some).ok_or(Stop::Function);
                    }
                    Some(tensor) if tensor.len() == 1 => tensor.stored(0),
                    None if !call.is_given(position) => None,
                    _ => return Err(Stop::Function),
                }
            };
            // Infinity, and what older files write for it, is no bound on its side.
            match value {
                Some(value) if is_none(value) => Ok(None),
                Some(value) => Number::from_f64(value).map(Some).ok_or(Stop::Function),
                None => Ok(None),
            }
        };
        Ok([
            bound("min", 1, |value| value <= f64::from(f32::MIN))?,
            bound("max", 2, |value| value >= f64::from(f32::MAX))?,
        ])
    }

    pub(super) fn clip(
        &mut self,
        form: &Form,
        low: Option<Number>,
        high: Option<Number>,
        call: &Call<'_>,
    ) -> Read<Form> {
        let all = |number: Number| vec![number; form.channels()];
        let column =
            |number: Number| Tensor::computed(vec![form.channels()], all(number)).ok_or(Stop::Function);
        match (low, high) {
            (None, None) => Ok(form.clone()),
            (Some(low), None) => {
                let above = form.shifted(&column(low.negated())?);
                Ok(self.relu(&above, call)?.shifted(&column(low)?))
            }
            (None, Some(high)) => {
                // min(x, h) = h − max(h − x, 0).
                let below = form.scaled(&all((-1).into()).into()).shifted(&column(high.clone())?);
                let cut = self.relu(&below, call)?;
                Ok(cut.scaled(&all((-1).into()).into()).shifted(&column(high)?))
            }
            (Some(low), Some(high)) => {
                let width = high.minus(&low);
                if width.enclosure().low <= 0.0 {
                    return Err(Stop::Function);
                }
                let inverse = width.reciprocal().ok_or(Stop::Function)?;
                let offset = low.negated().times(&inverse).ok_or(Stop::Function)?;
                let inside = self.hard_sigmoid(form, &inverse, &offset, call)?;
                Ok(inside.scaled(&all(width).into()).shifted(&column(low)?))
            }
        }
    }

    /// A function of several operands, element by element.
    pub(super) fn joint(&mut self, call: &Call<'_>, type_: &str) -> Read<Form> {
        let args = (0..call.inputs.len()).map(|n| self.form(call, n)).collect::<Read<Vec<Form>>>()?;
        let mut shape = args.first().ok_or(Stop::Function)?.shape.clone();
        for arg in &args[1..] {
            shape = self.joined(&shape, &arg.shape)?;
        }
        let attributes = call.attributes.spelled().ok_or(Stop::Function)?;
        let kind = Kind::of_function(&call.node.operator);
        Ok(self.term(call, kind, format!("{}{type_}{attributes}", call.node.operator), args, shape))
    }

    /// An operator that is read for real numbers, on others: a function of them by its name and their type.
    pub(super) fn of_integers(&mut self, call: &Call<'_>) -> Read<Form> {
        let each_alone =
            ["Abs", "Add", "Ceil", "Div", "Floor", "Mul", "Neg", "Pow", "Round", "Sign", "Sub", "Sum"];
        if !each_alone.contains(&call.node.operator.as_str()) {
            return Err(Stop::Function);
        }
        let type_ = call.element(0).map_or_else(String::new, type_name);
        self.joint(call, &format!(" {type_}"))
    }

    /// `sat(alpha·x + beta)`.
    pub(super) fn hard_sigmoid(
        &mut self,
        form: &Form,
        alpha: &Number,
        beta: &Number,
        call: &Call<'_>,
    ) -> Read<Form> {
        let column = Tensor::computed(vec![form.channels()], vec![beta.clone(); form.channels()]);
        let inside =
            form.scaled(&vec![alpha.clone(); form.channels()].into()).shifted(&column.ok_or(Stop::Function)?);
        let shape = inside.shape.clone();
        Ok(self.term(call, Kind::Channelwise, "sat", vec![inside], shape))
    }

    /// `x·(1 + erf(x/√2))/2`.
    fn gelu(&mut self, form: &Form, call: &Call<'_>) -> Read<Form> {
        let channels = form.channels();
        let half = ratio(1, 2)?;
        let root = half.root().ok_or(Stop::Function)?;
        let inside = form.scaled(&vec![root; channels].into());
        let shape = form.shape.clone();
        let erf = self.term(call, Kind::Channelwise, "Erf", vec![inside], shape);
        let ones =
            Tensor::computed(vec![erf.channels()], vec![1.into(); erf.channels()]).ok_or(Stop::Function)?;
        let product = self.product(vec![form.clone(), erf.shifted(&ones)], call)?;
        Ok(product.scaled(&vec![half; product.channels()].into()))
    }

    fn softmax(&mut self, form: Form, call: &Call<'_>) -> Read<Form> {
        let rank = form.rank();
        let old = self.opset < 13;
        let axis = super::constants::axis(call.attributes.int("axis", if old { 1 } else { -1 }), rank);
        let axis = axis.ok_or_else(|| Stop::Wrong("its axis is none of its operand's".to_owned()))?;
        // Before operator set 13 all axes from this one on were one.
        let together = old && form.shape[axis + 1..].iter().any(|dim| !dim.is_one());
        let name = format!("{} {axis}{}", call.node.operator, if together { "…" } else { "" });
        let shape = form.shape.clone();
        Ok(self.term(call, Kind::Function, name, vec![form], shape))
    }

    /// Its definition: subtract the mean, divide by the root of the mean of squares plus epsilon, scale, shift.
    fn layer_normalization(&mut self, form: &Form, call: &Call<'_>) -> Read<Form> {
        let rank = form.rank();
        let axis = super::constants::axis(call.attributes.int("axis", -1), rank).ok_or(Stop::Function)?;
        if axis + 1 != rank || call.node.outputs.iter().skip(1).any(|output| !output.is_empty()) {
            return Err(Stop::Function);
        }
        let epsilon = call.attributes.number("epsilon", 1e-5).ok_or(Stop::Function)?;
        let mean = self.mean(form, &[axis], call)?;
        let centred = self.difference(form, &mean, call)?;
        let square = self.product(vec![centred.clone(), centred.clone()], call)?;
        let variance = self.mean(&square, &[axis], call)?;
        let column = Tensor::computed(vec![variance.channels()], vec![epsilon; variance.channels()]);
        let inside = variance.shifted(&column.ok_or(Stop::Function)?);
        let shape = inside.shape.clone();
        let root = self.term(call, Kind::Channelwise, "Sqrt", vec![inside], shape.clone());
        let inverse = self.term(call, Kind::Channelwise, "Reciprocal", vec![root], shape);
        let mut result = self.product(vec![centred, inverse], call)?;
        if let Some(scale) = call.tensor(1) {
            result = self.times_constant(&result, &scale.clone(), call)?;
        }
        match call.tensor(2) {
            Some(shift) => self.plus_constant(&result, &shift.clone(), call),
            None => Ok(result),
        }
    }

    /// Constants over open extents.
    pub(super) fn of_extents(&mut self, call: &Call<'_>) -> Read<Form> {
        let lists: Option<Vec<Vec<Dim>>> = (0..call.inputs.len())
            .map(|position| match call.input(position)? {
                Value::Dims(dims, _) => Some(dims.clone()),
                Value::Tensor(tensor) => Some(tensor.integers()?.into_iter().map(Dim::from).collect()),
                _ => None,
            })
            .collect();
        let lists = lists.ok_or(Stop::Function)?;
        if call.node.operator == "ConstantOfShape" {
            let value: Tensor = call
                .attributes
                .array("value")
                .map_or_else(|| Tensor::scalar(0.into()), |value| value.clone().into());
            let number = value.uniform().ok_or(Stop::Function)?;
            return uniform(number, lists.first().cloned().ok_or(Stop::Function)?).ok_or(Stop::Function);
        }
        let [start, limit, step] = lists.as_slice() else { return Err(Stop::Function) };
        let texts: Vec<String> = lists.iter().flatten().map(Dim::to_string).collect();
        let shape = match (start.as_slice(), limit.as_slice(), step.as_slice()) {
            ([start], [limit], [step]) if *step == as_dim(1) => vec![limit.plus(&start.times_number(-1))],
            _ => return Err(Stop::Function),
        };
        Ok(self.term(call, Kind::Function, format!("Range {texts:?}"), Vec::new(), shape))
    }
}

/// A fraction.
pub(super) fn ratio(numerator: i64, denominator: i64) -> Read<Number> {
    convproof_exact::Rational::ratio(numerator, denominator).map(Number::from).ok_or(Stop::Function)
}
