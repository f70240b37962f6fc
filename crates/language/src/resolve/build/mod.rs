//! Builds what claims are made of: arrays, layers, stacks and claims with shapes, channels, ranges and limits checked.
//!
//! Front ends call it: the spec language from syntax trees, `model` from values of Rust. It knows neither. A
//! [`Span`] is what a front end calls a place; nothing is read from it. What is built has an origin for each place, and this
//! is where both are exchanged. Mistakes are collected, a function that
//! found one gives `None`.

pub mod arithmetic;
pub mod arrays;
pub mod claims;
pub mod composite;
pub mod conditions;
pub mod error;
pub mod layers;
mod message;
pub mod rearrange;
pub mod stacks;
pub mod value;
pub mod whole;

use crate::source::{Origins, Span};
use arrays::short;
use convproof_engine::ir::{LayerNumber, Origin, Symbols};
use convproof_exact::Rational;
use error::{ResolveError, ResolveErrorKind};

/// Largest stride, dilation, padding, window or extent that may be written.
pub use convproof_engine::ir::MAX_EXTENT;

/// The free symbols of all that was built, and the mistakes found.
#[derive(Debug, Default)]
pub struct Builder {
    /// The free symbols so far.
    pub symbols: Symbols,
    /// The mistakes so far.
    pub errors: Vec<ResolveError>,
    /// The places of what was built.
    pub origins: Origins,
}

/// What a whole number is called, and the range that it must be in.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    /// `the stride`.
    pub what: &'static str,
    /// The smallest and the largest that may be.
    pub range: [i64; 2],
}

impl Amount {
    const fn at_least(least: i64, what: &'static str) -> Self {
        Self { what, range: [least, MAX_EXTENT] }
    }

    /// An extent of a declared kernel.
    pub const EXTENT: Self = Self::at_least(1, "an extent");
    /// A stride.
    pub const STRIDE: Self = Self::at_least(1, "the stride");
    /// A dilation.
    pub const DILATION: Self = Self::at_least(1, "the dilation");
    /// A factor of repetition, dilation or upsampling.
    pub const FACTOR: Self = Self::at_least(1, "the factor");
    /// A window of pooling.
    pub const WINDOW: Self = Self::at_least(1, "the window");
    /// Zeros around an image; negative removes.
    pub const PADDING: Self = Self::at_least(-MAX_EXTENT, "the padding");
    /// Zeros around what cannot be cropped: a kernel, or the image below a window of pooling.
    pub const ADDED_PADDING: Self = Self::at_least(0, "the padding");
    /// Rows and columns that a transposed convolution adds at its end.
    pub const OUTPUT_PADDING: Self = Self::at_least(0, "the output padding");
    /// Groups of channels.
    pub const GROUPS: Self = Self::at_least(1, "the number of groups");
    /// The first of the channels that are selected.
    pub const FIRST_CHANNEL: Self = Self::at_least(0, "the first channel");
    /// Channels of a kernel.
    pub const CHANNELS: Self = Self::at_least(1, "the number of channels");
    /// A box filter's extent.
    pub const BOX: Self = Self::at_least(1, "the box");
    /// A height.
    pub const HEIGHT: Self = Self::at_least(1, "the height");
    /// A width.
    pub const WIDTH: Self = Self::at_least(1, "the width");
    /// A side of the input.
    pub const INPUT_SIZE: Self = Self::at_least(1, "the input size");

    /// An argument of a layer.
    pub fn of(number: LayerNumber) -> Self {
        Self { what: number.what, range: number.range }
    }

    /// The end of the channels that are selected from `first` on.
    pub fn end_of_channels(first: usize) -> Self {
        Self::at_least(i64::try_from(first + 1).unwrap_or(MAX_EXTENT), "the end of the channels")
    }

    /// The first of so many channels that are selected, and the end of those from it on.
    pub fn channels(count: usize, first: usize) -> (Self, Self) {
        let most = i64::try_from(count).unwrap_or(i64::MAX);
        let usual = Self::end_of_channels(first);
        (Self::below(count, "the first channel"), Self { range: [usual.range[0], most], ..usual })
    }

    /// A place along an extent.
    pub fn below(extent: usize, what: &'static str) -> Self {
        Self { what, range: [0, i64::try_from(extent).unwrap_or(i64::MAX) - 1] }
    }
}

impl Builder {
    /// Where something stands; `otherwise` where that is not known.
    pub fn place(&self, origin: Origin, otherwise: Span) -> Span {
        self.origins.place(origin).unwrap_or(otherwise)
    }

    /// Notes a mistake.
    pub fn report(&mut self, span: Span, kind: ResolveErrorKind) {
        self.advise(span, kind, None);
    }

    /// Notes a mistake, and what to write instead.
    pub fn advise(&mut self, span: Span, kind: ResolveErrorKind, advice: Option<String>) {
        let error = ResolveError { kind, span, advice };
        // The same mistake can be met on several ways, such as from both sides of a claim.
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Notes a mistake in place of a value.
    pub fn fail<T>(&mut self, span: Span, kind: ResolveErrorKind) -> Option<T> {
        self.report(span, kind);
        None
    }

    /// A whole number within its range.
    pub fn integer(&mut self, value: &Rational, amount: Amount, span: Span) -> Option<i64> {
        let Amount { what, range: [least, most] } = amount;
        match value.as_i64().filter(|n| (least..=most).contains(n)) {
            Some(n) => Some(n),
            None => {
                let allowed = format!("a whole number from {least} to {most}");
                let found = short(value);
                let kind = if value.is_integer() && *value > Rational::from(most) {
                    ResolveErrorKind::AboveLimit { what, found, allowed }
                } else {
                    ResolveErrorKind::OutOfRange { what, found, allowed }
                };
                self.fail(span, kind)
            }
        }
    }

    /// The same for a number of things.
    pub fn count(&mut self, value: &Rational, amount: Amount, span: Span) -> Option<usize> {
        usize::try_from(self.integer(value, amount, span)?).ok()
    }
}
