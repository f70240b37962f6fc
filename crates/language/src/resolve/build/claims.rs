//! Claims about stacks: sides that fit each other in channels and sizes, and why stacks have no normal form.

use super::Builder;
use super::arrays::short;
use super::error::{ChannelSource, Exceeded, ResolveError, ResolveErrorKind};
use super::value::StackValue;
use crate::diagnostic::Diagnostic;
use crate::source::{Origins, Span};
use convproof_engine::ir::{Op, Origin, SizeCondition, Sizes, Stack, StackClaim, Tolerance};
use convproof_engine::operator::shape;
use convproof_engine::operator::{OperatorError, blame};
use convproof_engine::prove::{condition, fitting};
use convproof_exact::Rational;

impl Builder {
    /// A claim about two stacks.
    pub fn stack_claim(
        &mut self,
        left: (&StackValue, Span),
        right: (&StackValue, Span),
        tolerance: Option<Tolerance>,
        sizes: Sizes,
        span: Span,
    ) -> Option<StackClaim> {
        let (a, b) = (self.finished(left.0.clone()), self.finished(right.0.clone()));
        let (a, b) = (a?, b?);
        let channels = self.fitting(&a.stack, &b.stack, &sizes, span)?;
        Some(StackClaim { left: a.stack, right: b.stack, channels, tolerance, sizes })
    }

    /// The sizes that a claim is limited to.
    pub fn sizes(
        &mut self,
        on: Option<[i64; 2]>,
        condition: Option<SizeCondition>,
        span: Span,
    ) -> Option<Sizes> {
        match (on, condition) {
            (None, None) => Some(Sizes::All),
            (Some(size), None) => Some(Sizes::One(size)),
            (None, Some(condition)) => Some(Sizes::Where(condition)),
            (Some(_), Some(_)) => {
                let why = "`on` names one size, so a condition on sizes beside it says nothing";
                self.fail(span, ResolveErrorKind::Condition(why))
            }
        }
    }

    /// A bound or a range, which is not negative.
    pub fn not_negative(&mut self, value: Rational, what: &'static str, span: Span) -> Option<Rational> {
        if value.is_negative() {
            let (found, allowed) = (short(&value), "a number from 0 on".to_owned());
            return self.fail(span, ResolveErrorKind::OutOfRange { what, found, allowed });
        }
        Some(value)
    }

    /// The input channels of two stacks, of which one has an output for them at some size.
    fn fitting(&mut self, s: &Stack, t: &Stack, sizes: &Sizes, span: Span) -> Option<usize> {
        let size = if let Sizes::One(size) = sizes { Some(*size) } else { None };
        let channels = match shape::input_channels(&[s, t]) {
            Ok(channels) => channels,
            Err(error) => match (shape::input_channels(&[s]), shape::input_channels(&[t])) {
                // Each takes images, but no image is for both.
                (Ok(channels), Ok(_)) => channels,
                _ => return self.operator(&error, &[s, t], span),
            },
        };
        let mut signals = Vec::new();
        let mut never = Vec::new();
        for stack in [s, t] {
            match fitting::signal(stack, channels, size) {
                Ok(Ok(signal)) => signals.push(signal),
                Ok(Err(error)) => never.push((error, stack)),
                Err(error) => {
                    self.operator::<()>(&error, &[stack], span);
                    if matches!(error, OperatorError::NeedsSize { .. }) {
                        return None;
                    }
                }
            }
        }
        let (Some(a), Some(b), 2) = (signals.first(), signals.last(), signals.len() + never.len()) else {
            for (error, stack) in never {
                self.operator::<()>(&error, &[stack], span);
            }
            return None;
        };
        match condition::says_something(sizes, [&a.length, &b.length]) {
            Ok(Some(_)) => Some(channels),
            Ok(None) => {
                let none = |size| self.no_output(s, channels, size, span);
                let kind = size.map_or(ResolveErrorKind::SaysNothing, none);
                self.fail(span, kind)
            }
            Err(error) => self.operator(&error, &[s, t], span),
        }
    }

    /// That a stack has no output for images of a size, and the layer that leaves none.
    pub fn no_output(&self, stack: &Stack, channels: usize, size: [i64; 2], span: Span) -> ResolveErrorKind {
        let layer = failing_layer(stack, channels, size);
        let layer = layer.map(|(origin, reaching)| (self.place(origin, span), reaching));
        ResolveErrorKind::NoOutput { size: Some(size), layer }
    }

    /// Reports why a stack has no normal form.
    pub fn operator<T>(&mut self, error: &OperatorError, stacks: &[&Stack], span: Span) -> Option<T> {
        let ResolveError { span: at, mut kind, .. } = operator_error(error, &self.origins, span);
        match (&mut kind, error) {
            (
                ResolveErrorKind::Channels { source, .. },
                OperatorError::Channels { at, .. } | OperatorError::ChannelMultiple { at, .. },
            ) => {
                let found = stacks.iter().find_map(|stack| blame::channel_source(stack, *at));
                let found = found.and_then(|origin| self.origins.place(origin));
                *source = found.map_or(ChannelSource::Input, ChannelSource::Layer);
            }
            (
                ResolveErrorKind::BranchSizes { sizes, example, .. },
                OperatorError::BranchSizes { left, right },
            ) => {
                let found = stacks.iter().find_map(|stack| {
                    let channels = shape::input_channels(&[stack]).ok()?;
                    blame::branch_example(stack, channels, [*left, *right])
                });
                if let Some([input, a, b]) = found {
                    (*sizes, *example) = (Some([a, b]), Some(input));
                }
            }
            _ => {}
        }
        self.fail(at, kind)
    }
}

/// The mistake behind a stack that has no normal form; `span` stands in where the error has no place.
fn operator_error(error: &OperatorError, origins: &Origins, span: Span) -> ResolveError {
    let place = |origin: Origin| origins.place(origin).unwrap_or(span);
    let (span, kind) = match *error {
        OperatorError::Channels { at, needs, gets } => (
            place(at),
            ResolveErrorKind::Channels { needs: needs.to_string(), gets, source: ChannelSource::Input },
        ),
        OperatorError::ChannelMultiple { at, of, gets } => (
            place(at),
            ResolveErrorKind::Channels {
                needs: format!("a multiple of {of}"),
                gets,
                source: ChannelSource::Input,
            },
        ),
        OperatorError::BranchChannels { left, right } => {
            let context = "the branches of a sum or product";
            let [left, right] = [left, right].map(|(at, channels)| (place(at), channels));
            (right.0, ResolveErrorKind::OutputChannels { context, left, right })
        }
        OperatorError::BranchSizes { left, right } => {
            let [left, right] = [left, right].map(place);
            (right, ResolveErrorKind::BranchSizes { left, right, sizes: None, example: None })
        }
        OperatorError::NeedsSize { at } => (span, ResolveErrorKind::NeedsSize { layer: place(at) }),
        OperatorError::DenseInputs { at, needs, gets } => {
            (place(at), ResolveErrorKind::DenseInputs { needs, gets })
        }
        OperatorError::Kernel { at, error } => {
            (place(at), ResolveErrorKind::TooLarge(Exceeded::Kernel(error)))
        }
        OperatorError::TooLarge { at } => (place(at), ResolveErrorKind::TooLarge(Exceeded::Extents)),
        OperatorError::PeriodTooLong => (span, ResolveErrorKind::PeriodTooLong),
    };
    ResolveError { kind, span, advice: None }
}

/// The diagnostic of a stack that has no normal form; `span` is the claim's.
pub fn operator_diagnostic(error: &OperatorError, origins: &Origins, span: Span) -> Diagnostic {
    operator_error(error, origins, span).diagnostic()
}

/// The first layer that leaves no output, and the size that reaches it.
fn failing_layer(stack: &Stack, channels: usize, size: [i64; 2]) -> Option<(Origin, [i64; 2])> {
    // What is found is the error of a search; none where there is another mistake.
    let found = stack.fold((channels, size), |op, origin| {
        let reaching = if let Op::Layer(_, (_, size)) = op { Some((origin, size)) } else { None };
        shape::sized(&op, origin).map_err(|_| None)?.ok_or(reaching)
    });
    found.err().flatten()
}
