//! Layers with a definition of their own that are equal to stacks of simpler ones.
//!
//! The naive evaluator follows the definitions here; the engine reads the stack that `operator/expand.rs` makes of a
//! layer. What else is to be known of one, its name and its numbers, its channels and what its outputs read, stands here too, so
//! nothing else of the engine has to know them.

use super::named::{LayerNumber, MAX_EXTENT, MAX_OUTPUTS, Named};
use super::{Axes, Ends, KernelTerm, Layer};
use convproof_exact::Rational;

/// A layer with a definition of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum Composite {
    /// A function of each entry.
    Pointwise(Pointwise),
    /// Entries added at both ends of each axis, none removed.
    Pad {
        /// How many.
        ends: Axes<Ends>,
        /// What they hold.
        mode: PadMode,
    },
    /// The image between its entries, at other distances.
    Resize(Resize),
    /// The mean or the maximum of each of so many windows that share an axis of length n: the i-th of o goes from
    /// `⌊i·n/o⌋` to just before `⌈(i + 1)·n/o⌉`.
    AdaptivePool {
        /// The size of the output.
        size: Axes<usize>,
        /// Whether it is the maximum.
        maximum: bool,
    },
    /// Channel i of the output is this one of the input; each occurs once.
    Permute(Vec<usize>),
    /// The channels as a matrix with so many rows, transposed: channel `j·g + i` is channel `i·(c/g) + j`.
    ChannelShuffle(usize),
    /// The mean of all channels, as one channel.
    ChannelMean,
}

/// `⌊n·p/q⌋` entries along an axis of length n for a factor p/q, between those of the image. Places outside of it hold
/// its outermost entries.
#[derive(Clone, Debug, PartialEq)]
pub struct Resize {
    /// `[p, q]` of each axis, in lowest terms.
    pub factor: Axes<[i64; 2]>,
    /// How it goes between entries.
    pub method: Interpolation,
    /// Where output i stands in the input.
    pub coordinates: Coordinates,
}

/// What stands between entries, as PyTorch and ONNX define it.
#[derive(Clone, Debug, PartialEq)]
pub enum Interpolation {
    /// The entry at the place rounded down (`Asymmetric`), or to the nearest one, the earlier of two.
    Nearest,
    /// A straight line.
    Linear,
    /// Keys' cubic with this number a: `(a+2)·d³ − (a+3)·d² + 1` at distances d up to 1, and
    /// `a·d³ − 5a·d² + 8a·d − 4a` up to 2.
    Cubic(Rational),
}

/// Where output i of o stands in an axis of length n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coordinates {
    /// `(i + 1/2)·q/p − 1/2`.
    HalfPixel,
    /// `i·q/p`.
    Asymmetric,
    /// `i·(n − 1)/(o − 1)`, or 0 where o is 1.
    AlignCorners,
}

/// A piecewise linear function of one number.
#[derive(Clone, Debug, PartialEq)]
pub enum Pointwise {
    /// `max(x, 0) + a·min(x, 0)`: one slope for each channel, or one for all.
    LeakyRelu(KernelTerm),
    /// `min(max(x, low), high)` with `low ≤ high`.
    Clip {
        /// The least value.
        low: Rational,
        /// The greatest value.
        high: Rational,
    },
    /// `|x|`.
    Abs,
    /// `min(max(slope·x + offset, 0), 1)`.
    HardSigmoid {
        /// The slope between both ends.
        slope: Rational,
        /// The value at 0.
        offset: Rational,
    },
}

/// A function of one number of which the engine knows that equal arguments have equal values, and its value at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    /// `1/(1 + e^−x)`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `x/(1 + e^−x)`.
    Silu,
    /// x times the distribution function of the normal distribution at x.
    Gelu,
    /// `x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))`.
    GeluTanh,
    /// `ln(1 + e^x)`.
    Softplus,
    /// `x·min(max(x/6 + 1/2, 0), 1)`.
    HardSwish,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Sigmoid, Self::Tanh, Self::Silu, Self::Gelu, Self::GeluTanh, Self::Softplus, Self::HardSwish];

    /// What it is called in specs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Silu => "silu",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_tanh",
            Self::Softplus => "softplus",
            Self::HardSwish => "hardswish",
        }
    }

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    /// Two numbers between which its slope is everywhere; the proofs are in section 9 of `docs/semantics.md`.
    ///
    /// The slope of the sigmoid is σ·(1 − σ); of `SiLU` σ + x·σ·(1 − σ), from −0.09984 to 1.09984; of GELU Φ + x·φ, from −0.12890
    /// to 1.12890, and of its approximation to 1.12900; of hard swish x/3 + 1/2 between −3 and 3.
    pub fn slopes(self) -> [Rational; 2] {
        let slopes: [(i64, i64); 2] = match self {
            Self::Sigmoid => [(0, 1), (1, 4)],
            Self::Tanh | Self::Softplus => [(0, 1), (1, 1)],
            Self::Silu => [(-1, 10), (11, 10)],
            Self::Gelu | Self::GeluTanh => [(-13, 100), (113, 100)],
            Self::HardSwish => [(-1, 2), (3, 2)],
        };
        slopes.map(|(numerator, denominator)| Rational::ratio(numerator, denominator).unwrap_or_default())
    }

    /// No slope is larger in magnitude.
    pub fn steepest(self) -> Rational {
        let [low, high] = self.slopes();
        low.abs().max(high)
    }

    /// What the values of two functions of the same number never differ by more than, where that is known; the proofs are in
    /// section 9 of `docs/semantics.md`.
    pub fn apart(self, other: Self) -> Option<Rational> {
        match (self, other) {
            _ if self == other => Some(Rational::ZERO),
            (Self::Gelu, Self::GeluTanh) | (Self::GeluTanh, Self::Gelu) => Rational::ratio(3, 5000),
            (Self::Silu, Self::HardSwish) | (Self::HardSwish, Self::Silu) => Rational::ratio(1423, 10_000),
            _ => None,
        }
    }

    /// s, c and d with `f(−x) = s·f(x) + c + d·x` for every x.
    pub fn reflection(self) -> [i64; 3] {
        match self {
            Self::Tanh => [-1, 0, 0],
            Self::Sigmoid => [-1, 1, 0],
            // Each is x/2 and a function that is the same at x and −x.
            Self::Silu | Self::Gelu | Self::GeluTanh | Self::Softplus | Self::HardSwish => [1, 0, -1],
        }
    }

    /// Numbers that its values are never below, and never above, where there are such.
    ///
    /// For t ≥ 0, t/(1 + eᵗ) ≤ 3/10 as eᵗ ≥ 1 + t + t²/2 + t³/6, and t·Φ(−t) ≤ t·e^(−t²/2)/2 ≤ e^(−1/2)/2.
    pub fn range(self) -> [Option<Rational>; 2] {
        let (low, high) = match self {
            Self::Sigmoid => ((0, 1), Some(1)),
            Self::Tanh => ((-1, 1), Some(1)),
            Self::Softplus => ((0, 1), None),
            Self::Silu | Self::GeluTanh => ((-3, 10), None),
            Self::Gelu => ((-31, 100), None),
            Self::HardSwish => ((-3, 8), None),
        };
        [Rational::ratio(low.0, low.1), high.map(Rational::from)]
    }

    /// The value at 0, where it is rational.
    pub fn at_zero(self) -> Option<Rational> {
        match self {
            Self::Sigmoid => Rational::ratio(1, 2),
            Self::Softplus => None,
            Self::Tanh | Self::Silu | Self::Gelu | Self::GeluTanh | Self::HardSwish => Some(Rational::ZERO),
        }
    }
}

/// What added entries are, as PyTorch and ONNX define it, along each axis of length n.
#[derive(Clone, Debug, PartialEq)]
pub enum PadMode {
    /// A number.
    Constant(KernelTerm),
    /// The image mirrored at the middle of its outermost entries: `x[−i] = x[i]`, for fewer than n of them.
    Reflect,
    /// The image mirrored at its edge: `x[−1 − i] = x[i]`, for at most n of them.
    Symmetric,
    /// The outermost entry.
    Replicate,
    /// The image again: `x[i − n] = x[i]`, for at most n of them.
    Circular,
}

impl Pointwise {
    /// `min(max(x, 0), 6)`.
    pub fn relu6() -> Self {
        Self::Clip { low: Rational::ZERO, high: Rational::from(6) }
    }

    /// The slopes that it holds.
    pub fn weights(&self) -> Option<&KernelTerm> {
        if let Self::LeakyRelu(slopes) = self { Some(slopes) } else { None }
    }

    /// With the numbers of PyTorch: slope 1/6, and 1/2 at 0.
    pub fn hard_sigmoid() -> Self {
        let ratio = |n, d| Rational::ratio(n, d).unwrap_or_default();
        Self::HardSigmoid { slope: ratio(1, 6), offset: ratio(1, 2) }
    }
}

/// The channels that a layer takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// As many as it gets, which are so many if that is said.
    Kept(Option<usize>),
    /// As many as it gets, which are a multiple of this.
    KeptIn(usize),
    /// So many become so many.
    Changed {
        /// How many it takes.
        takes: usize,
        /// How many it gives.
        gives: usize,
    },
    /// So many of each.
    Multiplied(usize),
    /// One of so many.
    Divided(usize),
    /// Those from one to just before another.
    Part([usize; 2]),
    /// So many of however many it gets.
    Made(usize),
}

/// What an output of a layer with a definition of its own reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Its own position, in any channels.
    Position,
    /// Its own position, or an entry for one beyond the ends, where so many are added.
    Padded(Axes<Ends>),
    /// Entries at this ratio `[p, q]` of an output's length to the image's, along each axis.
    Between(Axes<[i64; 2]>),
    /// Any part of the image, or it depends on its size.
    Image,
}

/// The layers of a name and whole numbers.
pub(super) const COMPOSITES: [Named; 6] = [
    Named::plain("abs", |_| Layer::Composite(Composite::Pointwise(Pointwise::Abs))),
    Named::plain("relu6", |_| Layer::Composite(Composite::Pointwise(Pointwise::relu6()))),
    Named::plain("channel_mean", |_| Layer::Composite(Composite::ChannelMean)),
    Named {
        name: "adaptive_avgpool",
        text: "adaptive_avgpool(n)",
        arguments: &["n"],
        numbers: &[LayerNumber::each("the output size", MAX_OUTPUTS)],
        make: |numbers| Layer::Composite(Composite::AdaptivePool { size: numbers[0], maximum: false }),
    },
    Named {
        name: "adaptive_maxpool",
        text: "adaptive_maxpool(n)",
        arguments: &["n"],
        numbers: &[LayerNumber::each("the output size", MAX_OUTPUTS)],
        make: |numbers| Layer::Composite(Composite::AdaptivePool { size: numbers[0], maximum: true }),
    },
    Named {
        name: "channel_shuffle",
        text: "channel_shuffle(groups)",
        arguments: &["groups"],
        numbers: &[LayerNumber::one("the number of groups", MAX_EXTENT)],
        make: |numbers| Layer::Composite(Composite::ChannelShuffle(numbers[0][0])),
    },
];

impl Composite {
    /// The channels that it takes and gives.
    pub fn channels(&self) -> Channels {
        let vector = |term: &KernelTerm| Some(term.len()).filter(|&count| count > 1);
        match self {
            Self::Permute(order) => Channels::Kept(Some(order.len())),
            Self::ChannelShuffle(groups) => Channels::KeptIn(*groups),
            Self::ChannelMean => Channels::Made(1),
            Self::Pointwise(_) | Self::Pad { .. } | Self::Resize(_) | Self::AdaptivePool { .. } => {
                Channels::Kept(self.weights().and_then(vector))
            }
        }
    }

    /// What its outputs read.
    pub fn reads(&self) -> Reads {
        match self {
            Self::Pad { ends, .. } => Reads::Padded(*ends),
            Self::Resize(resize) if resize.coordinates != Coordinates::AlignCorners => {
                Reads::Between(resize.factor)
            }
            Self::Resize(_) | Self::AdaptivePool { .. } => Reads::Image,
            Self::Pointwise(_) | Self::Permute(_) | Self::ChannelShuffle(_) | Self::ChannelMean => {
                Reads::Position
            }
        }
    }

    /// The kernels and vectors that it holds.
    pub fn weights(&self) -> Option<&KernelTerm> {
        match self {
            Self::Pointwise(function) => function.weights(),
            Self::Pad { mode: PadMode::Constant(term), .. } => Some(term),
            _ => None,
        }
    }

    /// Whether it is no affine map of the image.
    pub fn is_nonlinear(&self) -> bool {
        matches!(self, Self::Pointwise(_) | Self::AdaptivePool { maximum: true, .. })
    }
}
