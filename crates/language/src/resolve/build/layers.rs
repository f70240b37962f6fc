//! Layers with all arguments given, and what of it depends on their kernels checked: groups, biases, paddings.

use super::Builder;
use super::arrays::{number_array, side};
use super::error::ResolveErrorKind;
use super::value::{Array, Role, StackValue, Tail};
use crate::source::Span;
use convproof_engine::axes::{Axes, Ends, each, sides};
use convproof_engine::ir::{
    AveragePool, Conv, ConvTranspose, KernelTerm, Layer, MaxPool, Operation, Padding, Stack,
};
use convproof_engine::kernel::Shape;
use convproof_engine::operator::gather::signed;
use convproof_exact::Rational;

/// What convolutions and their transposes multiply and add.
#[derive(Clone, Copy, Debug)]
pub struct ConvWeights<'a> {
    /// The kernel.
    pub kernel: (&'a Array, Span),
    /// One entry for each output channel, or one for all.
    pub bias: Option<(&'a Array, Span)>,
    /// The number of groups.
    pub groups: (usize, Span),
}

/// How a window moves.
#[derive(Clone, Copy, Debug)]
pub struct Movement<P> {
    /// The stride.
    pub stride: [usize; 2],
    /// The dilation.
    pub dilation: [usize; 2],
    /// The padding.
    pub padding: P,
}

/// The four vectors and the number that normalise a batch.
#[derive(Clone, Copy, Debug)]
pub struct Statistics<'a> {
    /// Factors after normalising.
    pub gamma: (&'a Array, Span),
    /// Summands after it.
    pub beta: (&'a Array, Span),
    /// Means.
    pub mean: (&'a Array, Span),
    /// Variances.
    pub var: (&'a Array, Span),
    /// What is added to the variances.
    pub eps: (&'a Array, Span),
}

impl Builder {
    /// A layer without arguments that need a check.
    pub fn layer(&mut self, layer: Layer, span: Span) -> StackValue {
        StackValue::new(Stack::layer(layer, self.origins.of(span)), 0)
    }

    /// Each channel times its entry of a vector, or all times a scalar.
    pub fn scale(&mut self, vector: (&Array, Span), span: Span) -> Option<StackValue> {
        self.channelwise(Layer::Scale, vector, span)
    }

    /// Each channel plus its entry of a vector, or all plus a scalar.
    pub fn bias(&mut self, vector: (&Array, Span), span: Span) -> Option<StackValue> {
        self.channelwise(Layer::Bias, vector, span)
    }

    fn channelwise(
        &mut self,
        make: impl Fn(KernelTerm) -> Layer,
        (vector, at): (&Array, Span),
        span: Span,
    ) -> Option<StackValue> {
        let (vector, _) = self.vector(vector.clone(), at)?;
        Some(StackValue::new(Stack::layer(make(vector.term), self.origins.of(span)), vector.degree))
    }

    /// A convolution.
    pub fn conv(
        &mut self,
        weights: ConvWeights<'_>,
        moves: Movement<Padding>,
        span: Span,
    ) -> Option<StackValue> {
        let kernel = weights.kernel.0;
        let outputs = kernel.shape().outputs;
        self.grouped(&weights, "output channels", outputs)?;
        let bias = self.bias_vector(weights.bias, outputs, weights.kernel)?;
        let degree = kernel.degree.max(bias.as_ref().map_or(0, |bias| bias.degree));
        let layer = Layer::Conv(Conv {
            kernel: kernel.term.clone(),
            stride: moves.stride,
            dilation: moves.dilation,
            padding: moves.padding,
            groups: weights.groups.0,
            bias: bias.map(|bias| bias.term),
        });
        Some(StackValue::new(Stack::layer(layer, self.origins.of(span)), degree))
    }

    /// A transposed convolution.
    pub fn convtranspose(
        &mut self,
        weights: ConvWeights<'_>,
        moves: Movement<Axes<Ends>>,
        (output_padding, at): ([usize; 2], Span),
        span: Span,
    ) -> Option<StackValue> {
        let kernel = weights.kernel.0;
        let shape = kernel.shape();
        self.grouped(&weights, "input channels", shape.outputs)?;
        let outputs = shape.inputs.saturating_mul(weights.groups.0);
        let bias = self.bias_vector(weights.bias, outputs, weights.kernel)?;
        let degree = kernel.degree.max(bias.as_ref().map_or(0, |bias| bias.degree));
        for axis in 0..2 {
            let limit = moves.stride[axis].max(moves.dilation[axis]);
            if output_padding[axis] >= limit {
                let kind = ResolveErrorKind::OutOfRange {
                    what: "the output padding",
                    found: output_padding[axis].to_string(),
                    allowed: format!("less than the stride or the dilation, here {limit}"),
                };
                return self.fail(at, kind);
            }
        }
        let layer = Layer::ConvTranspose(ConvTranspose {
            kernel: kernel.term.clone(),
            stride: moves.stride,
            dilation: moves.dilation,
            padding: moves.padding,
            output_padding,
            groups: weights.groups.0,
            bias: bias.map(|bias| bias.term),
        });
        Some(StackValue::new(Stack::layer(layer, self.origins.of(span)), degree))
    }

    /// The padding of a transposed convolution on each side, and its output padding where that follows: with `same` the
    /// output is stride times as long as the input, as Keras and ONNX have it.
    pub fn transposed_padding(
        kernel: &Array,
        stride: [usize; 2],
        dilation: [usize; 2],
        padding: Padding,
    ) -> (Axes<Ends>, Axes<usize>) {
        let upper = match padding {
            Padding::Sides(ends) => return (ends, [0, 0]),
            Padding::SameUpper => true,
            Padding::SameLower => false,
        };
        let taps = kernel.shape().extents();
        let extents = each(|axis| (taps[axis] - 1).saturating_mul(dilation[axis]).saturating_add(1));
        let ends = each(|axis| {
            let total = signed(extents[axis].saturating_sub(stride[axis]));
            let (less, more) = (total / 2, total - total / 2);
            if upper { Ends { before: less, after: more } } else { Ends { before: more, after: less } }
        });
        (ends, each(|axis| stride[axis].saturating_sub(extents[axis])))
    }

    /// Checks that the groups divide the channels.
    fn grouped(&mut self, weights: &ConvWeights<'_>, which: &'static str, channels: usize) -> Option<()> {
        let (groups, span) = weights.groups;
        if channels.is_multiple_of(groups) {
            return Some(());
        }
        let shape = weights.kernel.0.show_shape();
        self.fail(span, ResolveErrorKind::Groups { groups, which, channels, shape })
    }

    /// The bias of a layer: one entry for each output channel, or one for all.
    fn bias_vector(
        &mut self,
        bias: Option<(&Array, Span)>,
        outputs: usize,
        (kernel, at): (&Array, Span),
    ) -> Option<Option<Array>> {
        let Some((bias, place)) = bias else { return Some(None) };
        let (bias, len) = self.vector(bias.clone(), place)?;
        if len == 1 || len == outputs {
            return Some(Some(bias));
        }
        let hint = Some(format!("one entry for each of the {outputs} output channels, or a single one"));
        let (left, right) = (side(at, kernel), side(place, &bias));
        let context = "a bias";
        self.fail(place, ResolveErrorKind::ShapeMismatch { context, left, right, hint })
    }

    /// Average or sum over windows.
    pub fn pool(&mut self, pool: AveragePool, padding_at: Span, span: Span) -> Option<StackValue> {
        if let Padding::Sides(ends) = pool.padding {
            self.below_window(ends, pool.size, padding_at)?;
        }
        Some(self.layer(Layer::Pool(pool), span))
    }

    /// Largest value of each window.
    pub fn maxpool(&mut self, pool: MaxPool, padding_at: Span, span: Span) -> Option<StackValue> {
        if let Padding::Sides(ends) = pool.padding {
            self.below_window(ends, pool.size, padding_at)?;
        }
        Some(self.layer(Layer::MaxPool(pool), span))
    }

    /// Checks that no window of pooling can lie in the padding.
    fn below_window(&mut self, ends: Axes<Ends>, window: Axes<usize>, span: Span) -> Option<()> {
        let limits = sides(window.map(signed).map(|limit| Ends { before: limit, after: limit }));
        match sides(ends).into_iter().zip(limits).find(|(side, limit)| side >= limit) {
            None => Some(()),
            Some((side, limit)) => {
                let kind = ResolveErrorKind::OutOfRange {
                    what: "the padding",
                    found: side.to_string(),
                    allowed: format!("less than the window, here {limit}"),
                };
                self.fail(span, kind)
            }
        }
    }

    /// What is added to variances unless said otherwise.
    pub fn default_eps() -> Array {
        number_array(Rational::ratio(1, 100_000).unwrap_or_default())
    }

    /// `γ · (x − mean) / √(var + eps) + β` as a scale and a bias.
    pub fn batchnorm(&mut self, statistics: &Statistics<'_>, span: Span) -> Option<StackValue> {
        let Statistics { gamma, beta, mean, var, eps } = *statistics;
        let all = [gamma, beta, mean, var].map(|(array, at)| (self.vector(array.clone(), at), at));
        let [(gamma, gamma_at), (beta, beta_at), (mean, mean_at), (var, var_at)] = all;
        let ((gamma, channels), (beta, _), (mean, _), (var, _)) = (gamma?, beta?, mean?, var?);
        for (other, at) in [(&beta, beta_at), (&mean, mean_at), (&var, var_at)] {
            if other.shape() != gamma.shape() {
                let (left, right) = (side(gamma_at, &gamma), side(at, other));
                let context = "batchnorm";
                let hint = Some("gamma, beta, mean and var have one entry for each channel".to_owned());
                return self.fail(at, ResolveErrorKind::ShapeMismatch { context, left, right, hint });
            }
        }
        if !eps.0.is_scalar() {
            let kind = ResolveErrorKind::WrongKind { expected: "a number", found: eps.0.show() };
            return self.fail(eps.1, kind);
        }
        let wide = self.spread(eps.0, Shape::plane(1, channels), eps.1)?;
        let sum = self.add((&var, var_at), (&wide, eps.1), false, var_at)?;
        let sigma = self.sqrt(&sum, var_at, var_at)?;
        let factor = self.divide((&gamma, gamma_at), (&sigma, var_at), span)?;
        let shift = self.hadamard((&mean, mean_at), (&factor, span), span)?;
        let offset = self.add((&beta, beta_at), (&shift, mean_at), true, span)?;
        let degree = factor.degree.saturating_add(offset.degree);
        let origin = self.origins.of(span);
        let links =
            [Layer::Scale(factor.term), Layer::Bias(offset.term)].map(|layer| Stack::layer(layer, origin));
        let whole = Stack::chain(&links, origin);
        Some(StackValue { layers: 2, ..StackValue::new(whole, degree) })
    }

    /// All entries of a flattened image through a matrix `[outputs,inputs]`.
    pub fn dense(
        &mut self,
        (weights, at): (&Array, Span),
        bias: Option<(&Array, Span)>,
        span: Span,
    ) -> Option<StackValue> {
        let shape = weights.shape();
        let weights = if shape.is_plane() {
            weights.clone()
        } else {
            // In storage order, as frameworks keep the weights of a layer that reads a whole image.
            let row = shape.inputs.saturating_mul(shape.height).saturating_mul(shape.width);
            let plane = Shape::plane(shape.outputs, row);
            self.applied(Operation::Reshape(&weights.term, plane), Role::Kernel, [weights], at)?
        };
        let bias = self.bias_vector(bias, weights.shape().height, (&weights, at))?;
        let degree = weights.degree.max(bias.as_ref().map_or(0, |bias| bias.degree));
        let layer = Layer::Dense { weights: weights.term, bias: bias.map(|bias| bias.term) };
        let stack = StackValue::new(Stack::layer(layer, self.origins.of(span)), degree);
        Some(StackValue { head: Some(span), tail: Tail::Vector, ..stack })
    }
}
