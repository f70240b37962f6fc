//! Claims whose square roots are replaced by rationals near them, and by how much that can move an output.
//!
//! Only for stacks whose weights are numbers. The bound goes through the layers as they stand, uncomposed: a layer
//! with weights `W` for which `W'` stands takes a signal of size `s` that is off by `e` to one that is off by at most
//! `‖W'‖·e + ‖W − W'‖·s` (`docs/semantics.md`, Theorem 11b). It is coarse, but the roots are as near as one likes.

use std::sync::Arc;

use crate::ir::{
    AveragePool, Branch, Composite, Conv, ConvTranspose, Given, KernelTerm, Layer, Op, PadMode, Stack,
    StackClaim, Symbols, ValueId, ValueOp,
};
use crate::kernel::ConcreteKernel;
use crate::prove::values::interval::{Encloser, places};
use convproof_exact::{Poly, Rational};

/// A claim's two stacks with rational weights.
pub struct Rounded {
    /// Left and right.
    pub stacks: [Stack; 2],
    /// What the difference of their outputs may be off by.
    pub error: Rational,
}

/// What is known of a signal.
#[derive(Clone)]
struct Signal {
    /// No value, exact or rounded, is larger.
    size: Rational,
    /// No rounded value is further off.
    error: Rational,
}

/// Rational weights in place of some.
struct RoundedTerm {
    term: KernelTerm,
    /// No entry is further off.
    radius: Rational,
}

impl Rounded {
    /// Both sides of a claim for inputs up to `range`, with weights of about so many bits where they are irrational.
    /// `None` where a weight is no number.
    pub fn of(claim: &StackClaim, symbols: &Symbols, bits: u32, range: &Rational) -> Option<Self> {
        let sides = [&claim.left, &claim.right];
        let used = sides.map(|stack| stack.symbols());
        if used.iter().all(Vec::is_empty) {
            return Some(Self { stacks: sides.map(|stack| (**stack).clone()), error: Rational::ZERO });
        }
        if !used.iter().flatten().all(|&symbol| symbols.is_number(symbol)) {
            return None;
        }
        // Sums and quotients of roots lose some bits.
        let mut rounder = Rounder { encloser: Encloser::new(symbols, bits + 48), bits, biases: true };
        let mut side =
            |stack: &Stack| rounder.stack(stack, Signal { size: range.clone(), error: Rational::ZERO });
        let (left, right) = (side(sides[0])?, side(sides[1])?);
        Some(Self { stacks: [left.0, right.0], error: left.1.error + right.1.error })
    }
}

/// What no output of a stack is larger than, for inputs of a size: layer by layer, by norms. Without biases that is what two inputs so far
/// apart become at most, if it is linear. `None` where a weight is no number.
pub fn size_after(stack: &Stack, symbols: &Symbols, size: &Rational, biases: bool) -> Option<Rational> {
    const BITS: u32 = 56;
    if !stack.symbols().iter().all(|&symbol| symbols.is_number(symbol)) {
        return None;
    }
    let mut rounder = Rounder { encloser: Encloser::new(symbols, BITS + 48), bits: BITS, biases };
    let (_, signal) = rounder.stack(stack, Signal { size: size.clone(), error: Rational::ZERO })?;
    Some(signal.size)
}

struct Rounder<'a> {
    encloser: Encloser<'a>,
    bits: u32,
    /// Whether biases make signals larger.
    biases: bool,
}

impl Rounder<'_> {
    fn stack(&mut self, stack: &Stack, signal: Signal) -> Option<(Stack, Signal)> {
        let mut signals = Vec::new();
        let rounded = stack.rebuilt(|op| {
            let of = |id: &ValueId| if id.index() == 0 { &signal } else { &signals[id.index() - 1] };
            let (op, signal) = self.value(&op, of)?;
            signals.push(signal);
            Some(op)
        })?;
        let output = match stack.output().of.index() {
            0 => signal,
            at => signals.swap_remove(at - 1),
        };
        Some((rounded, output))
    }

    /// A value with rational weights, and what is known of it by what is known of those that it reads.
    fn value<'s>(
        &mut self,
        op: &Given<'_, ValueId>,
        of: impl Fn(&ValueId) -> &'s Signal,
    ) -> Option<(ValueOp, Signal)> {
        Some(match op {
            Op::Layer(layer, read) => {
                let (layer, signal) = self.layer(layer, of(read).clone())?;
                (Op::Layer(Arc::new(layer), *read), signal)
            }
            Op::Sum(terms) => {
                let mut sum = Signal { size: Rational::ZERO, error: Rational::ZERO };
                let terms = terms.clone().filled(|(factor, branch)| {
                    let factor = self.weights(factor)?;
                    let output = of(&branch.of).clone().scaled(&factor.concrete()?.max_abs(), &factor.radius);
                    sum = Signal { size: &sum.size + output.size, error: &sum.error + output.error };
                    Some((factor.term, branch))
                })?;
                (Op::Sum(terms), sum)
            }
            Op::Product(_) | Op::Broadcast(_) => return None,
            Op::Concat(parts) => {
                let most = |most: Signal, part: &Branch<ValueId>| {
                    let part = of(&part.of);
                    Signal {
                        size: most.size.max(part.size.clone()),
                        error: most.error.max(part.error.clone()),
                    }
                };
                let none = Signal { size: Rational::ZERO, error: Rational::ZERO };
                (Op::Concat(parts.clone()), parts.iter().fold(none, most))
            }
        })
    }

    fn layer(&mut self, layer: &Layer, signal: Signal) -> Option<(Layer, Signal)> {
        Some(match layer {
            Layer::Conv(conv) => {
                let kernel = self.weights(&conv.kernel)?;
                let shape = conv.kernel.shape();
                let norm = kernel.concrete()?.l1().into_iter().max()?;
                let signal = signal.scaled(&norm, &kernel.radius_of(shape.inputs * shape.area()));
                let (bias, signal) = self.bias(conv.bias.as_ref(), signal)?;
                (Layer::Conv(Conv { kernel: kernel.term, bias, ..conv.clone() }), signal)
            }
            Layer::ConvTranspose(conv) => {
                let kernel = self.weights(&conv.kernel)?;
                let signal = kernel.dense(&signal)?;
                let (bias, signal) = self.bias(conv.bias.as_ref(), signal)?;
                (Layer::ConvTranspose(ConvTranspose { kernel: kernel.term, bias, ..conv.clone() }), signal)
            }
            Layer::Dense { weights, bias } => {
                let weights = self.weights(weights)?;
                let [_, inputs] = weights.term.shape().matrix();
                let norm = weights.concrete()?.row_l1().into_iter().max()?;
                let signal = signal.scaled(&norm, &weights.radius_of(inputs));
                let (bias, signal) = self.bias(bias.as_ref(), signal)?;
                (Layer::Dense { weights: weights.term, bias }, signal)
            }
            Layer::Scale(factors) => {
                let factors = self.weights(factors)?;
                let signal = signal.scaled(&factors.concrete()?.max_abs(), &factors.radius);
                (Layer::Scale(factors.term), signal)
            }
            Layer::Bias(terms) => {
                let (terms, signal) = self.bias(Some(terms), signal)?;
                (Layer::Bias(terms?), signal)
            }
            Layer::Pool(AveragePool { average: false, size, .. }) => {
                let area = Rational::from(i64::try_from(size[0].checked_mul(size[1])?).ok()?);
                (layer.clone(), signal.scaled(&area, &Rational::ZERO))
            }
            // Each output is one input, 0, a mean, or the largest of some.
            Layer::Pool(_)
            | Layer::MaxPool(_)
            | Layer::Relu
            | Layer::Subsample(_)
            | Layer::Pad(_)
            | Layer::Upsample(_)
            | Layer::SpaceToDepth(_)
            | Layer::DepthToSpace(_)
            | Layer::Select { .. }
            | Layer::GlobalAverage => (layer.clone(), signal),
            Layer::Composite(Composite::Pad { mode, .. }) if !matches!(mode, PadMode::Constant(_)) => {
                (layer.clone(), signal)
            }
            Layer::Function(function) => {
                let signal = signal.scaled(&function.steepest(), &Rational::ZERO);
                let zero = if self.biases {
                    function.at_zero().map_or(Rational::ONE, |zero| zero.abs())
                } else {
                    Rational::ZERO
                };
                (layer.clone(), Signal { size: signal.size + zero, ..signal })
            }
            Layer::Composite(_) => return None,
        })
    }

    fn bias(&mut self, bias: Option<&KernelTerm>, signal: Signal) -> Option<(Option<KernelTerm>, Signal)> {
        let Some(bias) = bias else { return Some((None, signal)) };
        let bias = self.weights(bias)?;
        let more = if self.biases { bias.concrete()?.max_abs() + &bias.radius } else { Rational::ZERO };
        let size = signal.size + more;
        let error = signal.error + &bias.radius;
        Some((Some(bias.term), Signal { size, error }))
    }

    /// Rational weights near some.
    fn weights(&mut self, term: &KernelTerm) -> Option<RoundedTerm> {
        if term.is_constant() {
            return Some(RoundedTerm { term: term.clone(), radius: Rational::ZERO });
        }
        let entries = term.kernel().expand().ok()?;
        let enclosed =
            entries.entries().iter().map(|entry| self.enclosed(entry)).collect::<Option<Vec<_>>>()?;
        let places = places(enclosed.iter().flatten(), self.bits);
        let rounded: Vec<Rational> = enclosed.iter().map(|[low, _]| low.floor_to(places)).collect();
        let off = enclosed.iter().zip(&rounded).map(|([_, high], rounded)| high - rounded);
        let radius = off.max().unwrap_or_default();
        let kernel = ConcreteKernel::from_rationals(term.shape(), &rounded).ok()?;
        Some(RoundedTerm { term: KernelTerm::constant(kernel), radius })
    }

    /// What an entry lies between.
    fn enclosed(&mut self, entry: &Poly) -> Option<[Rational; 2]> {
        let enclosed = self.encloser.enclose(entry)?;
        Some([enclosed.low().clone(), enclosed.high().clone()])
    }
}

impl Signal {
    /// Through weights with sums of magnitudes up to `norm`, which are off by sums up to `radius`.
    fn scaled(&self, norm: &Rational, radius: &Rational) -> Self {
        let size = &self.size * &(norm + radius);
        Self { size, error: norm * &self.error + radius * &self.size }
    }
}

impl RoundedTerm {
    fn concrete(&self) -> Option<&ConcreteKernel> {
        self.term.kernel().as_concrete()
    }

    /// What a sum over so many entries may be off by.
    fn radius_of(&self, entries: usize) -> Rational {
        &self.radius * &Rational::from(i64::try_from(entries).unwrap_or(i64::MAX))
    }

    /// A signal after outputs each of which reads some of the entries, each at most once.
    fn dense(&self, signal: &Signal) -> Option<Signal> {
        let norm = self.concrete()?.l1().into_iter().fold(Rational::ZERO, |sum, row| sum + row);
        Some(signal.scaled(&norm, &self.radius_of(self.term.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{self, Image, Weights};
    use crate::ir::{NonEmpty, Origin, Sizes};
    use crate::kernel::Shape;

    fn ratio(numerator: i64, denominator: i64) -> Rational {
        Rational::ratio(numerator, denominator).unwrap()
    }

    #[test]
    fn a_signal_that_is_scaled_is_as_far_off_as_it_can_be() {
        let (norm, radius) = (ratio(3, 1), ratio(1, 10));
        let signal = Signal { size: ratio(2, 1), error: ratio(1, 5) };
        let scaled = signal.scaled(&norm, &radius);
        // Both bounds are met by weights of 3 + 1/10 for which 3 stands, and by a signal of 2 for which 2 − 1/5 stands.
        let (exact, rounded) = ((&norm + &radius) * ratio(2, 1), &norm * &ratio(9, 5));
        assert_eq!((scaled.size, scaled.error), (exact.clone(), exact - rounded));
    }

    #[test]
    fn all_entries_may_be_off() {
        let rows = [ratio(1, 2), ratio(-1, 3), ratio(2, 1), ratio(0, 1)];
        let kernel = ConcreteKernel::from_rationals(Shape::new(2, 2, 1, 1), &rows).unwrap();
        let term = RoundedTerm { term: KernelTerm::constant(kernel), radius: ratio(1, 100) };
        assert_eq!(term.radius_of(7), ratio(7, 100));
        let dense = term.dense(&Signal { size: ratio(6, 1), error: ratio(1, 1) }).unwrap();
        // Magnitudes add up to 17/6, radii of four entries to 4/100.
        assert_eq!(dense.size, ratio(17, 1) + ratio(24, 100));
        assert_eq!(dense.error, ratio(17, 6) + ratio(24, 100));
    }

    #[test]
    fn weights_have_the_bits_that_are_asked_for() {
        let mut symbols = Symbols::default();
        let two = ConcreteKernel::from_integers(Shape::plane(1, 1), vec![2]).unwrap();
        let root = KernelTerm::constant(two).sqrt(&mut symbols).unwrap();
        let scaled = Arc::new(Stack::layer(Layer::Scale(root), Origin::NOWHERE));
        let tolerance = None;
        let claim =
            StackClaim { left: scaled.clone(), right: scaled, channels: 1, tolerance, sizes: Sizes::All };
        for bits in [20, 56, 256] {
            let rounded = Rounded::of(&claim, &symbols, bits, &Rational::from(1)).unwrap();
            // Of each side, whose weight is below 2.
            let allowed = Rational::dyadic(4.into(), bits);
            assert!(Rational::ZERO < rounded.error && rounded.error <= allowed, "{}", rounded.error);
        }
    }

    /// Both roundings of a stack, with few bits and with many, at an image of ones: how far apart they are, and how far they may be.
    fn apart(stack: &Stack, symbols: &Symbols, channels: usize) -> [Rational; 2] {
        let stack = Arc::new(stack.clone());
        let (left, right) = (stack.clone(), stack);
        let claim = StackClaim { left, right, channels, tolerance: None, sizes: Sizes::All };
        let [few, many] = [3, 100].map(|bits| Rounded::of(&claim, symbols, bits, &Rational::ONE).unwrap());
        let image = Image::new(channels, 4, 4, vec![Rational::ONE; channels * 16]).unwrap();
        let [few_out, many_out] =
            [&few, &many].map(|rounded| evaluate::run(&rounded.stacks[0], &image, &Weights::new()).unwrap());
        let pairs = few_out.values().iter().zip(many_out.values());
        let apart = pairs.map(|(a, b)| (a - b).abs()).max().unwrap();
        // Of one side.
        [apart, (few.error + many.error) * ratio(1, 2)]
    }

    #[test]
    fn rounded_stacks_are_no_further_apart_than_said_and_sometimes_as_far() {
        let mut symbols = Symbols::default();
        let mut root = |shape: Shape| {
            let twos = ConcreteKernel::from_integers(shape, vec![2; shape.entries().unwrap()]).unwrap();
            KernelTerm::constant(twos).sqrt(&mut symbols).unwrap()
        };
        let layer = |layer: Layer| Stack::layer(layer, Origin::NOWHERE);
        let mut conv = |shape: Shape, groups: usize, bias: bool| {
            let bias = bias.then(|| root(Shape::plane(1, shape.outputs)));
            let kernel = root(shape);
            Layer::Conv(Conv { bias, ..Conv::plain(kernel, groups) })
        };
        let convs = [
            (conv(Shape::new(2, 3, 3, 3), 1, false), 3),
            (conv(Shape::new(2, 3, 3, 3), 1, true), 3),
            (conv(Shape::new(4, 2, 2, 3), 2, true), 4),
            (conv(Shape::new(1, 1, 1, 4), 1, false), 1),
        ];
        let second = layer(conv(Shape::new(1, 2, 2, 1), 1, true));
        let transposed = Layer::ConvTranspose(ConvTranspose::plain(root(Shape::new(2, 3, 2, 2)), 1));
        let dense = Layer::Dense { weights: root(Shape::plane(1, 16)), bias: Some(root(Shape::plane(1, 1))) };
        let scalar = || Shape::plane(1, 1);
        let scale = layer(Layer::Scale(root(scalar())));
        let bias = layer(Layer::Bias(root(scalar())));
        let terms = [(root(scalar()), &scale), (KernelTerm::one(), &bias)];
        let sum = Stack::sum(NonEmpty::of(terms.to_vec()).unwrap(), Origin::NOWHERE);
        let both = Stack::concat(NonEmpty::of(vec![&scale, &bias]).unwrap(), Origin::NOWHERE);
        let first = layer(convs[0].0.clone());
        let chained = Stack::chain([&first, &second], Origin::NOWHERE);
        // All weights are off by as much in the same direction, so single layers, sums and chains are off by all that is said.
        let exact = convs.iter().map(|(conv, channels)| (layer(conv.clone()), *channels)).chain([
            (layer(dense), 1),
            (scale.clone(), 1),
            (bias.clone(), 1),
            (sum, 1),
            (both, 1),
            (chained, 3),
        ]);
        for (stack, channels) in exact {
            let [apart, said] = apart(&stack, &symbols, channels);
            assert!(apart <= said && said <= &apart * &ratio(1001, 1000), "{apart} {said} {stack:?}");
        }
        let [apart, said] = apart(&layer(transposed), &symbols, 2);
        assert!(apart <= said, "{apart} {said}");
    }
}
