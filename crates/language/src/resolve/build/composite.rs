//! Layers with a definition of their own: what of their arguments needs a check.

use super::Builder;
use super::error::ResolveErrorKind;
use super::layers::{ConvWeights, Movement};
use super::value::{Array, StackValue};
use crate::source::Span;
use convproof_engine::axes::{Axes, Ends, sides};
use convproof_engine::ir::{
    Composite, Coordinates, Interpolation, Layer, PadMode, Padding, Pointwise, Resize,
};
use convproof_engine::operator::gather::signed;
use convproof_engine::operator::resample::MAX_PHASES;
use convproof_exact::Rational;

/// What stands in padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaddingMode {
    /// A number, 0 unless said otherwise.
    Constant,
    /// The image mirrored at the middle of its outermost entries.
    Reflect,
    /// The outermost entry.
    Replicate,
    /// The image mirrored at its edge.
    Symmetric,
    /// The image again.
    Circular,
}

impl Builder {
    /// A function of each entry.
    pub fn pointwise(&mut self, function: Pointwise, span: Span) -> StackValue {
        self.layer(Layer::Composite(Composite::Pointwise(function)), span)
    }

    /// `max(x, 0) + a·min(x, 0)`.
    pub fn leaky_relu(&mut self, (slopes, at): (&Array, Span), span: Span) -> Option<StackValue> {
        let (slopes, _) = self.vector(slopes.clone(), at)?;
        let layer = self.pointwise(Pointwise::LeakyRelu(slopes.term), span);
        Some(StackValue { degree: slopes.degree, ..layer })
    }

    /// `min(max(x, low), high)`.
    pub fn clip(&mut self, (low, high): (Rational, Rational), at: Span, span: Span) -> Option<StackValue> {
        if low > high {
            let (what, found) = ("the upper end", high.to_string());
            let allowed = format!("at least the lower one, {low}");
            return self.fail(at, ResolveErrorKind::OutOfRange { what, found, allowed });
        }
        Some(self.pointwise(Pointwise::Clip { low, high }, span))
    }

    /// Channels in another order.
    pub fn permute(&mut self, order: &[Rational], at: Span, span: Span) -> Option<StackValue> {
        let place = |n: usize| Rational::from(signed(n));
        let find = |n: usize| order.iter().position(|own| *own == place(n));
        let all = (0..order.len()).map(find).collect::<Option<Vec<usize>>>();
        let Some(inverse) = all else {
            let expected = "the channels from 0, each once, in another order, as in `permute([1,0])`";
            let kind = ResolveErrorKind::WrongKind { expected, found: "other numbers".to_owned() };
            return self.fail(at, kind);
        };
        let mut order = vec![0; inverse.len()];
        for (channel, &output) in inverse.iter().enumerate() {
            order[output] = channel;
        }
        Some(self.layer(Layer::Composite(Composite::Permute(order)), span))
    }

    /// The image at other distances: one factor for both axes, or `[v,h]`.
    pub fn resize(
        &mut self,
        factors: &[Rational],
        method: Interpolation,
        coordinates: Coordinates,
        at: Span,
        span: Span,
    ) -> Option<StackValue> {
        let [.., last] = factors else { return None };
        let parts = |factor: &Rational| {
            let (up, down) = factor.as_small_parts()?;
            ((1..=MAX_PHASES).contains(&up) && down <= MAX_PHASES).then_some([up, down])
        };
        let factor = match (factors.len(), parts(&factors[0]), parts(last)) {
            (1 | 2, Some(vertical), Some(horizontal)) => [vertical, horizontal],
            _ => {
                let (what, found) = ("the factor", Rational::to_string(last));
                let allowed = format!("one number or two, positive, with parts up to {MAX_PHASES}");
                return self.fail(at, ResolveErrorKind::OutOfRange { what, found, allowed });
            }
        };
        let resize = Resize { factor, method, coordinates };
        Some(self.layer(Layer::Composite(Composite::Resize(resize)), span))
    }

    /// Entries around an image; negative numbers of zeros cut away.
    pub fn pad_image(
        &mut self,
        ends: Axes<Ends>,
        mode: PaddingMode,
        value: Option<(Array, Span)>,
        span: Span,
    ) -> Option<StackValue> {
        let mode = match (mode, value) {
            (PaddingMode::Constant, None) => return Some(self.layer(Layer::Pad(ends), span)),
            (PaddingMode::Constant, Some((value, _))) => {
                let layer = Composite::Pad { ends, mode: PadMode::Constant(value.term) };
                let layer = self.layer(Layer::Composite(layer), span);
                return Some(StackValue { degree: value.degree, ..layer });
            }
            (_, Some((_, at))) => {
                let (expected, found) = ("no value with this mode", "one".to_owned());
                return self.fail(at, ResolveErrorKind::WrongKind { expected, found });
            }
            (PaddingMode::Reflect, None) => PadMode::Reflect,
            (PaddingMode::Replicate, None) => PadMode::Replicate,
            (PaddingMode::Symmetric, None) => PadMode::Symmetric,
            (PaddingMode::Circular, None) => PadMode::Circular,
        };
        Some(self.layer(Layer::Composite(Composite::Pad { ends, mode }), span))
    }

    /// A convolution whose padding is no zeros: the padding, and then the convolution.
    pub fn conv_with_mode(
        &mut self,
        weights: ConvWeights<'_>,
        moves: Movement<Padding>,
        mode: PaddingMode,
        at: Span,
        span: Span,
    ) -> Option<StackValue> {
        let Padding::Sides(ends) = moves.padding else {
            let (expected, found) = ("numbers for the padding with this mode", "a word".to_owned());
            return self.fail(at, ResolveErrorKind::WrongKind { expected, found });
        };
        if mode == PaddingMode::Constant {
            return self.conv(weights, moves, span);
        }
        if let Some(side) = sides(ends).into_iter().find(|&side| side < 0) {
            let (what, found, allowed) = ("the padding", side.to_string(), "at least 0".to_owned());
            return self.fail(at, ResolveErrorKind::OutOfRange { what, found, allowed });
        }
        let padded = self.pad_image(ends, mode, None, span)?;
        let conv = self.conv(weights, Movement { padding: Padding::Sides(Ends::NONE), ..moves }, span)?;
        self.then(&padded, &conv, span)
    }
}
