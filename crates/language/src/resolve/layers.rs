//! Calls of layers: their arguments, with all defaults filled in.

use super::Resolver;
use super::arguments::Bound;
use super::build::composite::PaddingMode;
use super::build::error::ResolveErrorKind;
use super::build::layers::{ConvWeights, Movement, Statistics};
use super::build::value::{Array, StackValue};
use super::build::{Amount, Builder, MAX_EXTENT};
use super::expression::constant;
use crate::foreign;
use crate::source::Span;
use crate::syntax::ast::{Argument, Expr, ExprKind};
use convproof_engine::ir::{
    AXES, AveragePool, Axes, Coordinates, Ends, Function, Interpolation, Layer, MaxPool, Named, Padding,
    Pointwise, ends,
};
use convproof_exact::{Poly, Rational};

impl Resolver<'_> {
    /// A layer without arguments.
    pub(super) fn plain_layer(&mut self, name: &str, span: Span) -> StackValue {
        if let Some(function) = Function::named(name) {
            return self.build.layer(Layer::Function(function), span);
        }
        if let Some(layer) = Named::of(name).and_then(|named| named.layer(&[])) {
            return self.build.layer(layer, span);
        }
        match name {
            "hardsigmoid" => self.build.pointwise(Pointwise::hard_sigmoid(), span),
            "flatten" => self.build.flatten(span),
            _ => self.build.identity(span),
        }
    }

    /// A layer with its arguments sorted.
    pub(super) fn layer(&mut self, name: &str, bound: &Bound<'_>, span: Span) -> Option<StackValue> {
        if let Some(named) = Named::of(name) {
            return self.of_numbers(named, bound, span);
        }
        let vector = "a vector or a number";
        let layer = match name {
            "conv" => return self.conv(bound, span),
            "convtranspose" => return self.convtranspose(bound, span),
            "avgpool" | "sumpool" => return self.pool(name == "avgpool", bound, span),
            "maxpool" => return self.maxpool(bound, span),
            "batchnorm" => return self.batchnorm(bound, span),
            "dense" => return self.dense(bound, span),
            "scale" | "bias" => {
                let array = self.array(bound.at(0), vector)?;
                let array = (&array, bound.at(0).span);
                return if name == "scale" {
                    self.build.scale(array, span)
                } else {
                    self.build.bias(array, span)
                };
            }
            "pad" => return self.pad(bound, span),
            "leakyrelu" | "prelu" => {
                let slopes = if name == "prelu" {
                    self.array(bound.at(0), vector)?
                } else {
                    self.scalar(bound.at(0))?
                };
                return self.build.leaky_relu((&slopes, bound.at(0).span), span);
            }
            "clip" => {
                let what = "an end of a clip";
                let (low, high) = (self.number(bound.at(0), what), self.number(bound.at(1), what));
                return self.build.clip((low?, high?), bound.at(1).span, span);
            }
            "hardsigmoid" => return self.hard_sigmoid(bound, span),
            "resize" => return self.resize(bound, span),
            "slice" => return self.slice(bound, span),
            "permute" => {
                let order = self.rationals(bound.at(0), "a channel")?;
                return self.build.permute(&order, bound.at(0).span, span);
            }
            "crop" => Layer::Pad(self.four_sides(bound, Amount::PADDING)?.map(|ends| ends.map(|side| -side))),
            _ => {
                let from = self.count(bound.at(0), Amount::FIRST_CHANNEL)?;
                Layer::Select { from, to: self.count(bound.at(1), Amount::end_of_channels(from))? }
            }
        };
        Some(self.build.layer(layer, span))
    }

    /// A layer of whole numbers.
    fn of_numbers(&mut self, named: &Named, bound: &Bound<'_>, span: Span) -> Option<StackValue> {
        let mut numbers = Vec::with_capacity(named.numbers.len());
        for (at, &number) in named.numbers.iter().enumerate() {
            let (expr, amount) = (bound.at(at), Amount::of(number));
            numbers.push(if number.per_axis {
                self.pair(expr, amount)?
            } else {
                [self.count(expr, amount)?; AXES]
            });
        }
        Some(self.build.layer(named.layer(&numbers)?, span))
    }

    fn conv(&mut self, bound: &Bound<'_>, span: Span) -> Option<StackValue> {
        let kernel = self.kernel(bound.at(0));
        let stride = self.pair_or(bound.get("stride"), Amount::STRIDE, [1, 1]);
        let dilation = self.pair_or(bound.get("dilation"), Amount::DILATION, [1, 1]);
        let padding = self.padding(bound.get("padding"), Amount::PADDING);
        let groups = self.groups(bound);
        let bias = self.bias_argument(bound);
        let (kernel, groups, bias) = (kernel?, groups?, bias?);
        let weights = weights(bound, &kernel, groups, bias.as_ref());
        let moves = Movement { stride: stride?, dilation: dilation?, padding: padding? };
        match bound.get("padding_mode") {
            None => self.build.conv(weights, moves, span),
            Some(expr) => {
                let mode = self.pad_mode(expr)?;
                self.build.conv_with_mode(weights, moves, mode, expr.span, span)
            }
        }
    }

    /// `pad(…)`, with zeros or otherwise.
    fn pad(&mut self, bound: &Bound<'_>, span: Span) -> Option<StackValue> {
        let value = match bound.get("value") {
            None => None,
            Some(expr) => Some((self.scalar(expr)?, expr.span)),
        };
        let mode = bound.get("mode").map_or(Some(PaddingMode::Constant), |expr| self.pad_mode(expr))?;
        let amount = if mode == PaddingMode::Constant && value.is_none() {
            Amount::PADDING
        } else {
            Amount::ADDED_PADDING
        };
        let sides = self.four_sides(bound, amount)?;
        self.build.pad_image(sides, mode, value, span)
    }

    /// `slice(from=1, to=-1, step=2)`: rows and columns cut away, and every so many of the others.
    fn slice(&mut self, bound: &Bound<'_>, span: Span) -> Option<StackValue> {
        let both = |all: Vec<i64>| [all[0], all[all.len() - 1]];
        let mut pair = |name: &str, what, range| match bound.get(name) {
            None => Some([0, 0]),
            Some(expr) => self.integers(expr, Amount { what, range }, &[1, 2]).map(both),
        };
        let from = pair("from", "the start, from 0 on", [0, MAX_EXTENT]);
        let to = pair("to", "the end, counted from the image's", [-MAX_EXTENT, 0]);
        let step = self.pair_or(bound.get("step"), Amount::STRIDE, [1, 1]);
        let ([top, left], [bottom, right], step) = (from?, to?, step?);
        let cut = self.build.layer(Layer::Pad(ends([-top, -left, bottom, right])), span);
        let every = self.build.layer(Layer::Subsample(step), span);
        self.build.then(&cut, &every, span)
    }

    /// A word for what stands in padding.
    fn pad_mode(&mut self, expr: &Expr) -> Option<PaddingMode> {
        let found = match &expr.kind {
            ExprKind::Name(name) => match name.as_str() {
                "constant" | "zeros" => return Some(PaddingMode::Constant),
                "reflect" => return Some(PaddingMode::Reflect),
                "replicate" | "edge" => return Some(PaddingMode::Replicate),
                "symmetric" => return Some(PaddingMode::Symmetric),
                "circular" | "wrap" => return Some(PaddingMode::Circular),
                other => format!("`{other}`"),
            },
            ExprKind::Text(text) => format!("a string; write `{text}` without quotes"),
            _ => "an expression".to_owned(),
        };
        let expected = "`constant`, `reflect`, `replicate`, `symmetric` or `circular`";
        self.fail(expr.span, ResolveErrorKind::WrongKind { expected, found })
    }

    /// `resize(2, mode=bilinear)`.
    fn resize(&mut self, bound: &Bound<'_>, span: Span) -> Option<StackValue> {
        let factors = self.rationals(bound.at(0), "the factor")?;
        let word = |expr: Option<&Expr>| match expr {
            None => Some(String::new()),
            Some(Expr { kind: ExprKind::Name(name), .. }) => Some(name.clone()),
            Some(_) => None,
        };
        let a = match bound.get("a") {
            Some(expr) => Some((self.number(expr, "the number of a cubic")?, expr.span)),
            None => None,
        };
        let method = match (word(bound.get("mode")).as_deref(), &a) {
            (Some("" | "nearest"), None) => Some(Interpolation::Nearest),
            (Some("linear" | "bilinear"), None) => Some(Interpolation::Linear),
            (Some("cubic" | "bicubic"), a) => {
                let usual = || Rational::ratio(-3, 4).unwrap_or_default();
                Some(Interpolation::Cubic(a.as_ref().map_or_else(usual, |(a, _)| a.clone())))
            }
            _ => None,
        };
        let Some(method) = method else {
            let at = a.map_or_else(|| bound.get("mode").map_or(span, |expr| expr.span), |(_, at)| at);
            let expected = "`nearest`, `bilinear`, or `bicubic`, which alone has a number `a`";
            return self.fail(at, ResolveErrorKind::WrongKind { expected, found: "another mode".to_owned() });
        };
        let aligned = self.flag(bound.get("align_corners"), false)?;
        let nearest = method == Interpolation::Nearest;
        let coordinates = match (word(bound.get("coordinates")).as_deref(), aligned) {
            (Some("align_corners"), _) | (Some(""), true) => Coordinates::AlignCorners,
            (Some("asymmetric"), false) => Coordinates::Asymmetric,
            (Some(""), false) if nearest => Coordinates::Asymmetric,
            (Some("half_pixel" | ""), false) => Coordinates::HalfPixel,
            _ => {
                let at = bound.get("coordinates").map_or(span, |expr| expr.span);
                let expected = "`half_pixel`, `asymmetric` or `align_corners`";
                let found = "another word, or two that contradict".to_owned();
                return self.fail(at, ResolveErrorKind::WrongKind { expected, found });
            }
        };
        self.build.resize(&factors, method, coordinates, bound.at(0).span, span)
    }

    /// One number without free symbols, or a list of them.
    fn rationals(&mut self, expr: &Expr, what: &'static str) -> Option<Vec<Rational>> {
        if let Some(value) = constant(expr) {
            return Some(vec![value]);
        }
        let value = self.value(expr)?;
        let Some(all) = value.numbers() else {
            let (expected, found) = ("a number or a list of numbers", value.show());
            return self.fail(expr.span, ResolveErrorKind::WrongKind { expected, found });
        };
        match all.iter().map(Poly::as_constant).collect() {
            Some(all) => Some(all),
            None => self.fail(expr.span, ResolveErrorKind::NotConstant { what }),
        }
    }

    fn hard_sigmoid(&mut self, bound: &Bound<'_>, span: Span) -> Option<StackValue> {
        let Pointwise::HardSigmoid { slope, offset } = Pointwise::hard_sigmoid() else { return None };
        let mut number = |name: &str, usual: Rational| {
            bound.get(name).map_or(Some(usual), |expr| self.number(expr, "a number of hardsigmoid"))
        };
        let (slope, offset) = (number("a", slope), number("b", offset));
        Some(self.build.pointwise(Pointwise::HardSigmoid { slope: slope?, offset: offset? }, span))
    }

    fn convtranspose(&mut self, bound: &Bound<'_>, span: Span) -> Option<StackValue> {
        let kernel = self.kernel(bound.at(0));
        let stride = self.pair_or(bound.get("stride"), Amount::STRIDE, [1, 1]);
        let dilation = self.pair_or(bound.get("dilation"), Amount::DILATION, [1, 1]);
        let padding = self.padding(bound.get("padding"), Amount::PADDING);
        let extra = bound.get("output_padding");
        let output_padding = self.pair_or(extra, Amount::OUTPUT_PADDING, [0, 0]);
        let groups = self.groups(bound);
        let bias = self.bias_argument(bound);
        let (kernel, groups, bias) = (kernel?, groups?, bias?);
        let weights = weights(bound, &kernel, groups, bias.as_ref());
        let (stride, dilation, padding) = (stride?, dilation?, padding?);
        if let (Some(expr), Padding::SameUpper | Padding::SameLower) = (extra, padding) {
            let (expected, found) = ("no output padding with `same`, which fixes the size", "one".to_owned());
            return self.fail(expr.span, ResolveErrorKind::WrongKind { expected, found });
        }
        let (padding, fixed) = Builder::transposed_padding(&kernel, stride, dilation, padding);
        let output_padding = if fixed == [0, 0] { output_padding } else { Some(fixed) };
        let moves = Movement { stride, dilation, padding };
        let at = extra.map_or(bound.at(0).span, |expr| expr.span);
        self.build.convtranspose(weights, moves, (output_padding?, at), span)
    }

    fn groups(&mut self, bound: &Bound<'_>) -> Option<usize> {
        bound.get("groups").map_or(Some(1), |expr| self.count(expr, Amount::GROUPS))
    }

    /// `bias=…` of a layer, if it is given.
    fn bias_argument(&mut self, bound: &Bound<'_>) -> Option<Option<Array>> {
        bound.get("bias").map_or(Some(None), |expr| self.array(expr, "a vector or a number").map(Some))
    }

    /// `padding=…`.
    fn padding(&mut self, expr: Option<&Expr>, sides: Amount) -> Option<Padding> {
        let Some(expr) = expr else { return Some(Padding::Sides(Ends::NONE)) };
        if let ExprKind::Name(name) = &expr.kind {
            match name.as_str() {
                "valid" => return Some(Padding::Sides(Ends::NONE)),
                "same" => return Some(Padding::SameUpper),
                "same_lower" => return Some(Padding::SameLower),
                other if self.scope.get(other).is_none() => {
                    let kind =
                        ResolveErrorKind::UnknownName { name: name.clone(), suggestion: None, below: None };
                    self.build.advise(expr.span, kind, Some(foreign::padding(name)));
                    return None;
                }
                _ => {}
            }
        }
        self.sides(expr, sides).map(Padding::Sides)
    }

    fn pool(&mut self, average: bool, bound: &Bound<'_>, span: Span) -> Option<StackValue> {
        let size = self.pair(bound.at(0), Amount::WINDOW)?;
        let stride = self.pair_or(bound.get("stride"), Amount::STRIDE, size);
        let padding = self.padding(bound.get("padding"), Amount::ADDED_PADDING);
        let count_include_pad = self.flag(bound.get("count_include_pad"), true);
        let ceil_mode = self.flag(bound.get("ceil_mode"), false);
        let pool = AveragePool {
            average,
            size,
            stride: stride?,
            padding: padding?,
            count_include_pad: count_include_pad?,
            ceil_mode: ceil_mode?,
        };
        self.build.pool(pool, padding_place(bound), span)
    }

    fn maxpool(&mut self, bound: &Bound<'_>, span: Span) -> Option<StackValue> {
        let size = self.pair(bound.at(0), Amount::WINDOW)?;
        let stride = self.pair_or(bound.get("stride"), Amount::STRIDE, size);
        let padding = self.padding(bound.get("padding"), Amount::ADDED_PADDING);
        let ceil_mode = self.flag(bound.get("ceil_mode"), false);
        let pool = MaxPool { size, stride: stride?, padding: padding?, ceil_mode: ceil_mode? };
        self.build.maxpool(pool, padding_place(bound), span)
    }

    /// `pad(n)`, `pad([v,h])`, `pad(top,left,bottom,right)`.
    fn four_sides(&mut self, bound: &Bound<'_>, amount: Amount) -> Option<Axes<Ends>> {
        let rest = ["left", "bottom", "right"].map(|name| bound.get(name));
        let [Some(left), Some(bottom), Some(right)] = rest else {
            if let Some(extra) = rest.iter().flatten().next() {
                let signature = "pad(n), pad([v,h]) or pad(top,left,bottom,right)";
                let kind =
                    ResolveErrorKind::MissingArgument { function: "pad", argument: "right", signature };
                return self.fail(extra.span, kind);
            }
            return self.sides(bound.at(0), amount);
        };
        let mut sides = [0; 4];
        for (side, expr) in sides.iter_mut().zip([bound.at(0), left, bottom, right]) {
            *side = self.integer(expr, amount)?;
        }
        Some(ends(sides))
    }

    fn batchnorm(&mut self, bound: &Bound<'_>, span: Span) -> Option<StackValue> {
        let vector = "a vector or a number";
        let all =
            [0, 1, 2, 3].map(|at| self.array(bound.at(at), vector).map(|array| (array, bound.at(at).span)));
        let (eps, eps_at) = match bound.get("eps") {
            Some(expr) => (self.scalar(expr), expr.span),
            None => (Some(Builder::default_eps()), span),
        };
        let [gamma, beta, mean, var] = all;
        let [gamma, beta, mean, var] = [gamma?, beta?, mean?, var?];
        let statistics = Statistics {
            gamma: (&gamma.0, gamma.1),
            beta: (&beta.0, beta.1),
            mean: (&mean.0, mean.1),
            var: (&var.0, var.1),
            eps: (&eps?, eps_at),
        };
        self.build.batchnorm(&statistics, span)
    }

    fn dense(&mut self, bound: &Bound<'_>, span: Span) -> Option<StackValue> {
        let weights = self.array(bound.at(0), "a matrix [outputs,inputs]")?;
        let bias = self.bias_argument(bound)?;
        let bias = bias.as_ref().map(|bias| (bias, bias_place(bound)));
        self.build.dense((&weights, bound.at(0).span), bias, span)
    }

    /// `concat(S, T, …)`.
    pub(super) fn concat(&mut self, arguments: &[Argument], span: Span) -> Option<StackValue> {
        let signature = "concat(S,T,…)";
        if let Some(name) = arguments.iter().find_map(|argument| argument.name.as_ref()) {
            let kind = ResolveErrorKind::UnknownArgument {
                function: "concat",
                argument: name.text.clone(),
                suggestion: None,
                signature,
            };
            return self.fail(name.span, kind);
        }
        let parts: Vec<Option<StackValue>> =
            arguments.iter().map(|argument| self.stack(&argument.value)).collect();
        let parts = parts.into_iter().collect::<Option<Vec<StackValue>>>()?;
        self.build.concat(parts, span)
    }
}

fn weights<'a>(
    bound: &Bound<'_>,
    kernel: &'a Array,
    groups: usize,
    bias: Option<&'a Array>,
) -> ConvWeights<'a> {
    let at = bound.at(0).span;
    ConvWeights {
        kernel: (kernel, at),
        bias: bias.map(|bias| (bias, bias_place(bound))),
        groups: (groups, bound.get("groups").map_or(at, |expr| expr.span)),
    }
}

fn bias_place(bound: &Bound<'_>) -> Span {
    bound.get("bias").unwrap_or(bound.at(0)).span
}

fn padding_place(bound: &Bound<'_>) -> Span {
    bound.get("padding").unwrap_or(bound.at(0)).span
}
