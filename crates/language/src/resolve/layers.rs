//! Calls of layers to layers with all defaults filled in.

use super::Resolver;
use super::arguments::{Bound, MAX_EXTENT, side};
use super::error::ResolveErrorKind;
use super::expression::number_array;
use super::value::{Array, Role, StackValue, Tail};
use crate::source::Span;
use crate::syntax::ast::{Argument, Expr, ExprKind};
use convproof_engine::ir::{
    AveragePool, Conv, ConvTranspose, KernelExpr, KernelTerm, Layer, MaxPool, Padding, Stack, StackKind,
    Upsample,
};
use convproof_engine::kernel::Shape;
use convproof_exact::Rational;

impl Resolver<'_> {
    /// A layer without arguments.
    pub(super) fn plain_layer(&mut self, name: &str, span: Span) -> Option<StackValue> {
        let layer = match name {
            "relu" => Layer::Relu,
            "global_avgpool" => Layer::GlobalAverage,
            _ => {
                let identity = Stack { kind: StackKind::Chain(Vec::new()), span };
                let tail = if name == "flatten" { Tail::Flatten(span) } else { Tail::Image };
                return Some(StackValue { tail, ..StackValue::new(identity, 0) });
            }
        };
        Some(StackValue::new(Stack { kind: StackKind::Layer(layer), span }, 0))
    }

    /// A layer with its arguments sorted.
    pub(super) fn layer(&mut self, name: &str, bound: &Bound<'_>, span: Span) -> Option<StackValue> {
        let mut degree = 0;
        let layer = match name {
            "conv" => Layer::Conv(self.conv(bound, &mut degree)?),
            "convtranspose" => Layer::ConvTranspose(self.convtranspose(bound, &mut degree)?),
            "avgpool" | "sumpool" => Layer::Pool(self.pool(name == "avgpool", bound)?),
            "maxpool" => Layer::MaxPool(self.maxpool(bound)?),
            "subsample" => Layer::Subsample(self.pair(bound.at(0), "the stride", 1)?),
            "pad" | "crop" => {
                let [top, left, bottom, right] = self.four_sides(bound)?;
                let sign = if name == "pad" { 1 } else { -1 };
                Layer::Pad([top * sign, left * sign, bottom * sign, right * sign])
            }
            "scale" | "bias" => {
                let (vector, _) = self.vector(bound.at(0))?;
                degree = vector.degree;
                if name == "scale" { Layer::Scale(vector.term) } else { Layer::Bias(vector.term) }
            }
            "upsample" | "zero_insert" => {
                let factor = self.pair(bound.at(0), "the factor", 1)?;
                Layer::Upsample(Upsample { factor, nearest: name == "upsample" })
            }
            "space_to_depth" => Layer::SpaceToDepth(self.count(bound.at(0), "the block", [1, 256])?),
            "depth_to_space" => Layer::DepthToSpace(self.count(bound.at(0), "the block", [1, 256])?),
            "select" => {
                let from = self.count(bound.at(0), "the first channel", [0, MAX_EXTENT])?;
                let least = i64::try_from(from + 1).unwrap_or(MAX_EXTENT);
                Layer::Select {
                    from,
                    to: self.count(bound.at(1), "the end of the channels", [least, MAX_EXTENT])?,
                }
            }
            "batchnorm" => return self.batchnorm(bound, span),
            _ => return self.dense(bound, span),
        };
        Some(StackValue::new(Stack { kind: StackKind::Layer(layer), span }, degree))
    }

    fn conv(&mut self, bound: &Bound<'_>, degree: &mut u32) -> Option<Conv> {
        let kernel = self.array(bound.at(0), "a kernel");
        let stride = self.pair_or(bound.get("stride"), "the stride", 1, [1, 1]);
        let dilation = self.pair_or(bound.get("dilation"), "the dilation", 1, [1, 1]);
        let padding = self.padding(bound.get("padding"), None);
        let groups = self.groups(bound);
        let kernel = kernel?;
        let shape = kernel.shape();
        let groups = self.dividing(groups?, "output channels", shape.outputs, &kernel, bound)?;
        let bias = self.bias_vector(bound, shape.outputs, &kernel)?;
        *degree = kernel.degree.max(bias.as_ref().map_or(0, |bias| bias.degree));
        let bias = bias.map(|bias| bias.term);
        Some(Conv {
            kernel: kernel.term,
            stride: stride?,
            dilation: dilation?,
            padding: padding?,
            groups,
            bias,
        })
    }

    fn convtranspose(&mut self, bound: &Bound<'_>, degree: &mut u32) -> Option<ConvTranspose> {
        let kernel = self.array(bound.at(0), "a kernel");
        let stride = self.pair_or(bound.get("stride"), "the stride", 1, [1, 1]);
        let dilation = self.pair_or(bound.get("dilation"), "the dilation", 1, [1, 1]);
        let padding = match bound.get("padding") {
            None => Some([0; 4]),
            Some(expr) => self.sides(expr, "the padding", -MAX_EXTENT),
        };
        let output_padding = self.pair_or(bound.get("output_padding"), "the output padding", 0, [0, 0]);
        let groups = self.groups(bound);
        let kernel = kernel?;
        let shape = kernel.shape();
        let groups = self.dividing(groups?, "input channels", shape.outputs, &kernel, bound)?;
        let outputs = shape.inputs.saturating_mul(groups);
        let bias = self.bias_vector(bound, outputs, &kernel)?;
        *degree = kernel.degree.max(bias.as_ref().map_or(0, |bias| bias.degree));
        let (stride, dilation, output_padding) = (stride?, dilation?, output_padding?);
        for axis in 0..2 {
            let limit = stride[axis].max(dilation[axis]);
            if output_padding[axis] >= limit {
                let span = bound.get("output_padding").map_or(bound.at(0).span, |expr| expr.span);
                let kind = ResolveErrorKind::OutOfRange {
                    what: "the output padding",
                    found: output_padding[axis].to_string(),
                    allowed: format!("less than the stride or the dilation, here {limit}"),
                };
                return self.fail(span, kind);
            }
        }
        let bias = bias.map(|bias| bias.term);
        Some(ConvTranspose {
            kernel: kernel.term,
            stride,
            dilation,
            padding: padding?,
            output_padding,
            groups,
            bias,
        })
    }

    fn groups(&mut self, bound: &Bound<'_>) -> Option<usize> {
        bound.get("groups").map_or(Some(1), |expr| self.count(expr, "the number of groups", [1, MAX_EXTENT]))
    }

    fn dividing(
        &mut self,
        groups: usize,
        which: &'static str,
        channels: usize,
        kernel: &Array,
        bound: &Bound<'_>,
    ) -> Option<usize> {
        if channels.is_multiple_of(groups) {
            return Some(groups);
        }
        let span = bound.get("groups").map_or(bound.at(0).span, |expr| expr.span);
        let shape = kernel.show_shape();
        self.fail(span, ResolveErrorKind::Groups { groups, which, channels, shape })
    }

    /// `bias=…` of a layer: one entry for each output channel, or one for all.
    fn bias_vector(&mut self, bound: &Bound<'_>, outputs: usize, kernel: &Array) -> Option<Option<Array>> {
        let Some(expr) = bound.get("bias") else { return Some(None) };
        let (bias, len) = self.vector(expr)?;
        if len == 1 || len == outputs {
            return Some(Some(bias));
        }
        let hint = Some(format!("one entry for each of the {outputs} output channels, or a single one"));
        let (left, right) = (side(bound.at(0).span, kernel), side(expr.span, &bias));
        let context = "a bias";
        self.fail(expr.span, ResolveErrorKind::ShapeMismatch { context, left, right, hint })
    }

    /// `padding=…`; with a window, only what pooling allows.
    fn padding(&mut self, expr: Option<&Expr>, window: Option<[usize; 2]>) -> Option<Padding> {
        let Some(expr) = expr else { return Some(Padding::Sides([0; 4])) };
        if let ExprKind::Name(name) = &expr.kind {
            match name.as_str() {
                "valid" => return Some(Padding::Sides([0; 4])),
                "same" => return Some(Padding::SameUpper),
                "same_lower" => return Some(Padding::SameLower),
                _ => {}
            }
        }
        self.window_sides(expr, window).map(Padding::Sides)
    }

    fn window_sides(&mut self, expr: &Expr, window: Option<[usize; 2]>) -> Option<[i64; 4]> {
        let least = if window.is_some() { 0 } else { -MAX_EXTENT };
        let sides = self.sides(expr, "the padding", least)?;
        let window = window.map(|window| window.map(convproof_engine::operator::gather::signed));
        if let Some([height, width]) = window {
            let limits = [height, width, height, width];
            if let Some(side) = (0..4).find(|&side| sides[side] >= limits[side]) {
                let kind = ResolveErrorKind::OutOfRange {
                    what: "the padding",
                    found: sides[side].to_string(),
                    allowed: format!("less than the window, here {}", limits[side]),
                };
                return self.fail(expr.span, kind);
            }
        }
        Some(sides)
    }

    fn pool(&mut self, average: bool, bound: &Bound<'_>) -> Option<AveragePool> {
        let size = self.pair(bound.at(0), "the window", 1)?;
        let stride = self.pair_or(bound.get("stride"), "the stride", 1, size);
        let padding = self.padding(bound.get("padding"), Some(size));
        let count_include_pad = self.flag(bound.get("count_include_pad"), true);
        let ceil_mode = self.flag(bound.get("ceil_mode"), false);
        Some(AveragePool {
            average,
            size,
            stride: stride?,
            padding: padding?,
            count_include_pad: count_include_pad?,
            ceil_mode: ceil_mode?,
        })
    }

    fn maxpool(&mut self, bound: &Bound<'_>) -> Option<MaxPool> {
        let size = self.pair(bound.at(0), "the window", 1)?;
        let stride = self.pair_or(bound.get("stride"), "the stride", 1, size);
        let padding = match bound.get("padding") {
            None => Some([0; 4]),
            Some(Expr { kind: ExprKind::Name(name), .. }) if name == "valid" => Some([0; 4]),
            Some(expr) => self.window_sides(expr, Some(size)),
        };
        Some(MaxPool { size, stride: stride?, padding: padding? })
    }

    /// `pad(n)`, `pad([v,h])`, `pad(top,left,bottom,right)`.
    fn four_sides(&mut self, bound: &Bound<'_>) -> Option<[i64; 4]> {
        let rest = ["left", "bottom", "right"].map(|name| bound.get(name));
        let [Some(left), Some(bottom), Some(right)] = rest else {
            if let Some(extra) = rest.iter().flatten().next() {
                let signature = "pad(n), pad([v,h]) or pad(top,left,bottom,right)";
                let kind =
                    ResolveErrorKind::MissingArgument { function: "pad", argument: "right", signature };
                return self.fail(extra.span, kind);
            }
            return self.sides(bound.at(0), "the padding", -MAX_EXTENT);
        };
        let mut sides = [0; 4];
        for (side, expr) in sides.iter_mut().zip([bound.at(0), left, bottom, right]) {
            *side = self.integer(expr, "the padding", [-MAX_EXTENT, MAX_EXTENT])?;
        }
        Some(sides)
    }

    /// `γ · (x − mean) / √(var + eps) + β` as a scale and a bias.
    fn batchnorm(&mut self, bound: &Bound<'_>, span: Span) -> Option<StackValue> {
        let all = [0, 1, 2, 3].map(|at| self.vector(bound.at(at)).map(|vector| (vector, bound.at(at).span)));
        let eps = match bound.get("eps") {
            Some(expr) => self.scalar(expr).map(|eps| (eps, expr.span)),
            None => Rational::ratio(1, 100_000).map(|eps| (number_array(eps), span)),
        };
        let [gamma, beta, mean, var] = all;
        let (((gamma, channels), gamma_at), ((beta, _), beta_at)) = (gamma?, beta?);
        let (((mean, _), mean_at), ((var, _), var_at)) = (mean?, var?);
        let (eps, eps_at) = eps?;
        for (other, at) in [(&beta, beta_at), (&mean, mean_at), (&var, var_at)] {
            if other.shape() != gamma.shape() {
                let (left, right) = (side(gamma_at, &gamma), side(at, other));
                let context = "batchnorm";
                let hint = Some("gamma, beta, mean and var have one entry for each channel".to_owned());
                return self.fail(at, ResolveErrorKind::ShapeMismatch { context, left, right, hint });
            }
        }
        let eps = self.spread(&eps, Shape::plane(1, channels), eps_at)?;
        let sum = self.add((&var, var_at), (&eps, eps_at), false, var_at)?;
        let sigma = self.sqrt(&sum, var_at, var_at)?;
        let factor = self.divide((&gamma, gamma_at), (&sigma, var_at), span)?;
        let shift = self.hadamard((&mean, mean_at), (&factor, span), span)?;
        let offset = self.add((&beta, beta_at), (&shift, mean_at), true, span)?;
        let degree = factor.degree.saturating_add(offset.degree);
        let layer = |layer| std::sync::Arc::new(Stack { kind: StackKind::Layer(layer), span });
        let links = vec![layer(Layer::Scale(factor.term)), layer(Layer::Bias(offset.term))];
        Some(StackValue {
            layers: 2,
            ..StackValue::new(Stack { kind: StackKind::Chain(links), span }, degree)
        })
    }

    fn dense(&mut self, bound: &Bound<'_>, span: Span) -> Option<StackValue> {
        let weights = self.array(bound.at(0), "a matrix [outputs,inputs]")?;
        let shape = weights.shape();
        let weights = if shape.is_plane() {
            weights
        } else if shape.height == 1 && shape.width == 1 {
            let plane = Shape::plane(shape.outputs, shape.inputs);
            let kernel = weights.term.kernel.gather(plane, |[_, _, o, c]| Some([o, c, 0, 0]));
            let expr = KernelExpr::Reshape(weights.expr(), plane);
            self.derived(kernel, expr, Role::Kernel, &[&weights], bound.at(0).span)?
        } else {
            let expected = "a matrix [outputs,inputs]";
            let kind = ResolveErrorKind::WrongKind { expected, found: weights.show() };
            return self.fail(bound.at(0).span, kind);
        };
        let bias = self.bias_vector(bound, weights.shape().height, &weights)?;
        let degree = weights.degree.max(bias.as_ref().map_or(0, |bias| bias.degree));
        let bias: Option<KernelTerm> = bias.map(|bias| bias.term);
        let layer = Layer::Dense { weights: weights.term, bias };
        let stack = StackValue::new(Stack { kind: StackKind::Layer(layer), span }, degree);
        Some(StackValue { head: Some(span), tail: Tail::Vector, ..stack })
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
        if arguments.is_empty() {
            let kind = ResolveErrorKind::MissingArgument { function: "concat", argument: "S", signature };
            return self.fail(span, kind);
        }
        let parts: Vec<Option<StackValue>> =
            arguments.iter().map(|argument| self.stack(&argument.value)).collect();
        let parts = parts.into_iter().collect::<Option<Vec<StackValue>>>()?;
        let layers = parts.iter().map(|part| part.layers).sum();
        let depth = parts.iter().map(|part| part.depth).max().unwrap_or(0) + 1;
        let degree = parts.iter().map(|part| part.degree).max().unwrap_or(0);
        let vectors = parts.iter().all(|part| part.tail == Tail::Vector);
        let tail = if vectors { Tail::Vector } else { Tail::Image };
        let kind = StackKind::Concat(parts.into_iter().map(|part| part.stack).collect());
        self.limited(Stack { kind, span }, layers, depth, degree, tail)
    }
}
