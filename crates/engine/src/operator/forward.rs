//! A stack applied to one image: plain evaluation with exact numbers or polynomials.

use std::fmt;
use std::sync::Arc;

use super::error::OperatorError;
use super::gather::{Gather, index, signed};
use super::length::Step;
use super::lower::{Lowered, Site, Windows, lower};
use crate::axes::{AXES, Axes, all, each, place, positions};
use crate::ir::{Branch, Given, Layer, NonEmpty, Op, Origin, Stack};
use crate::kernel::symbolic::MAX_TERMS;
use crate::kernel::{Kernel, KernelError, Shape, SymbolicKernel};
use convproof_exact::{Limited, Poly, Rational, Sum};

/// Most products of terms that one application may take.
pub const MAX_WORK: usize = 20_000_000;

/// Why a stack gives no image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForwardError {
    /// Channels, or a kernel that is too large.
    Operator(OperatorError),
    /// A layer leaves no output.
    NoOutput {
        /// The layer.
        at: Origin,
        /// The size of what reaches it.
        size: Axes<i64>,
    },
    /// Branches of different sizes.
    BranchSizes {
        /// One branch and its size.
        left: (Origin, Axes<i64>),
        /// Another one.
        right: (Origin, Axes<i64>),
    },
    /// `relu` or `maxpool` on values that depend on free symbols.
    Symbolic {
        /// The layer.
        at: Origin,
    },
    /// A function whose value is not rational.
    Transcendental {
        /// The layer.
        at: Origin,
    },
    /// More than [`MAX_WORK`].
    Work,
}

impl From<OperatorError> for ForwardError {
    fn from(error: OperatorError) -> Self {
        Self::Operator(error)
    }
}

impl fmt::Display for ForwardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator(error) => write!(f, "{error:?}"),
            Self::NoOutput { size, .. } => write!(f, "no output for {}", times(*size)),
            Self::BranchSizes { left, right } => {
                write!(f, "branches of {} and {}", times(left.1), times(right.1))
            }
            Self::Symbolic { .. } => write!(f, "a nonlinear layer meets free symbols"),
            Self::Transcendental { .. } => write!(f, "the value of a function is not rational"),
            Self::Work => write!(f, "more than {MAX_WORK} multiplications"),
        }
    }
}

/// A size as it is read: `3×4`.
fn times(size: Axes<i64>) -> String {
    size.map(|length| length.to_string()).join("×")
}

/// An image under way.
#[derive(Clone)]
struct Signal {
    channels: usize,
    size: Axes<i64>,
    entries: Vec<Poly>,
}

impl Signal {
    fn at(&self, channel: usize, at: Axes<i64>) -> Option<&Poly> {
        if (0..AXES).any(|axis| !(0..self.size[axis]).contains(&at[axis])) {
            return None;
        }
        let size = self.size.map(index);
        self.entries.get(channel * size.iter().product::<usize>() + place(at.map(index), size))
    }
}

/// The image `[c,1,h,w]` that a stack makes of an image of that form.
///
/// # Errors
/// If channels or sizes do not fit, a nonlinear layer meets free symbols, or a limit is exceeded.
pub fn apply_image(stack: &Stack, image: &Kernel) -> Result<Kernel, ForwardError> {
    let shape = image.shape();
    let expanded = expanded(image, stack.origin())?;
    let image = Signal {
        channels: shape.outputs,
        size: shape.extents().map(signed),
        entries: expanded.entries().to_vec(),
    };
    let mut work = 0;
    let output = run(stack, image, &mut work)?;
    let shape = Shape::new(output.channels, 1, 1, 1).with_extents(output.size.map(index));
    Kernel::from_entries(shape, output.entries)
        .map_err(|error| OperatorError::Kernel { at: stack.origin(), error }.into())
}

/// Every entry as a polynomial, within the limit.
fn expanded(kernel: &Kernel, at: Origin) -> Result<Arc<SymbolicKernel>, OperatorError> {
    let small = kernel.shape().entries().is_some_and(|count| count.within(MAX_TERMS));
    let expanded = if small { kernel.expand() } else { Err(KernelError::TooManyTerms { limit: MAX_TERMS }) };
    expanded.map_err(|error| OperatorError::Kernel { at, error })
}

fn run(stack: &Stack, image: Signal, work: &mut usize) -> Result<Signal, ForwardError> {
    stack.fold(image, |op, origin| value(op, origin, work))
}

fn value(op: Given<'_, Signal>, at: Origin, work: &mut usize) -> Result<Signal, ForwardError> {
    match op {
        Op::Layer(Layer::Composite(layer), image) => {
            let inner = super::expand::expanded(layer, at, image.channels, Some(image.size))?;
            run(&inner, image, work)
        }
        Op::Layer(layer, image) => {
            let site = Site { at, channels: image.channels, size: Some(image.size) };
            layer_after(lower(layer, site)?, &image, at, work)
        }
        Op::Sum(terms) => {
            let terms = terms.try_map(|(factor, mut output)| {
                let unread = |error| OperatorError::Kernel { at: output.origin, error };
                let factor = factor.scalar().map_err(unread)?;
                for entry in &mut output.of.entries {
                    spend(work, entry.terms().len() * factor.terms().len())?;
                    *entry = &*entry * &factor;
                }
                Ok::<_, ForwardError>(output)
            })?;
            joined(terms, |a, b| {
                alike(a, b)?;
                for (entry, other) in a.of.entries.iter_mut().zip(&b.of.entries) {
                    *entry = &*entry + other;
                }
                Ok(())
            })
        }
        Op::Product(factors) => joined(factors.into(), |a, b| {
            alike(a, b)?;
            for (entry, other) in a.of.entries.iter_mut().zip(&b.of.entries) {
                spend(work, entry.terms().len() * other.terms().len())?;
                *entry = &*entry * other;
            }
            Ok(())
        }),
        Op::Broadcast([single, like]) => {
            let [left, right] = [&single, &like].map(|branch| (branch.origin, branch.of.size));
            if left.1 != [1; AXES] {
                return Err(ForwardError::BranchSizes { left, right });
            }
            let area = right.1.map(index).iter().product::<usize>();
            spend(work, single.of.entries.len().saturating_mul(area))?;
            let copies = single.of.entries.iter().flat_map(|entry| std::iter::repeat_n(entry.clone(), area));
            Ok(Signal { size: right.1, entries: copies.collect(), ..single.of })
        }
        Op::Concat(parts) => joined(parts, |a, b| {
            same_size(a, b)?;
            a.of.channels += b.of.channels;
            a.of.entries.append(&mut b.of.entries);
            Ok(())
        }),
    }
}

/// Branches put together, one after the other.
fn joined(
    branches: NonEmpty<Branch<Signal>>,
    mut join: impl FnMut(&mut Branch<Signal>, &mut Branch<Signal>) -> Result<(), ForwardError>,
) -> Result<Signal, ForwardError> {
    let joined = branches.reduce(|mut all, mut next| {
        join(&mut all, &mut next)?;
        Ok::<_, ForwardError>(all)
    })?;
    Ok(joined.of)
}

fn same_size(a: &Branch<Signal>, b: &Branch<Signal>) -> Result<(), ForwardError> {
    let [left, right] = [a, b].map(|branch| (branch.origin, branch.of.size));
    if left.1 == right.1 { Ok(()) } else { Err(ForwardError::BranchSizes { left, right }) }
}

/// Branches of one size, with as many channels.
fn alike(a: &Branch<Signal>, b: &Branch<Signal>) -> Result<(), ForwardError> {
    same_size(a, b)?;
    let [left, right] = [a, b].map(|branch| (branch.origin, branch.of.channels));
    if left.1 == right.1 { Ok(()) } else { Err(OperatorError::BranchChannels { left, right }.into()) }
}

fn spend(work: &mut usize, amount: usize) -> Result<(), ForwardError> {
    *work = work.saturating_add(amount);
    if (*work).exceeds(MAX_WORK) { Err(ForwardError::Work) } else { Ok(()) }
}

fn layer_after(layer: Lowered, image: &Signal, at: Origin, work: &mut usize) -> Result<Signal, ForwardError> {
    match layer {
        Lowered::Linear { gather, steps, bias, .. } => {
            let size = lengths(image, &steps, at)?;
            gathered(&gather, &bias, image, size, at, work)
        }
        Lowered::Average(windows) => windowed(&windows, image, at, work, |entries, counts| {
            let mut sum = Sum::default();
            for entry in entries {
                sum.add_product(entry, &Poly::one());
            }
            let divisor = Rational::from(counts);
            Ok(sum.finish().scaled(&divisor.recip().unwrap_or_default()))
        }),
        Lowered::Maximum(windows) => windowed(&windows, image, at, work, |entries, _| {
            let values = entries.iter().map(|entry| entry.as_constant()).collect::<Option<Vec<_>>>();
            let values = values.ok_or(ForwardError::Symbolic { at })?;
            let largest = values.into_iter().max();
            largest.map(Poly::constant).ok_or(ForwardError::NoOutput { at, size: image.size })
        }),
        Lowered::Relu => {
            let mut output = image.clone();
            for entry in &mut output.entries {
                let value = entry.as_constant().ok_or(ForwardError::Symbolic { at })?;
                if value.is_negative() {
                    *entry = Poly::zero();
                }
            }
            Ok(output)
        }
        Lowered::Function(function) => {
            let mut output = image.clone();
            for entry in &mut output.entries {
                let value = entry.as_constant().ok_or(ForwardError::Symbolic { at })?;
                let exact = crate::evaluate::exact_value(function, &value);
                *entry = Poly::constant(exact.ok_or(ForwardError::Transcendental { at })?);
            }
            Ok(output)
        }
        // `lower` makes a linear layer of the global mean where the size is known.
        Lowered::GlobalAverage => Err(ForwardError::NoOutput { at, size: image.size }),
    }
}

fn lengths(image: &Signal, steps: &Axes<Step>, at: Origin) -> Result<Axes<i64>, ForwardError> {
    let size = all(|axis| steps[axis].apply(image.size[axis]));
    size.ok_or(ForwardError::NoOutput { at, size: image.size })
}

fn gathered(
    gather: &Gather,
    bias: &[Poly],
    image: &Signal,
    size: Axes<i64>,
    at: Origin,
    work: &mut usize,
) -> Result<Signal, ForwardError> {
    let shape = gather.kernel.shape();
    let output = Shape::new(shape.outputs, 1, 1, 1).with_extents(size.map(index));
    let count = output.validate().map_err(|error| OperatorError::Kernel { at, error })?;
    let kernel = expanded(&gather.kernel, at)?;
    // The taps that are not zero, for each output channel.
    let mut taps: Vec<Vec<(usize, Axes<i64>, &Poly)>> = vec![Vec::new(); shape.outputs];
    for ([o, c, at @ ..], entry) in crate::kernel::positions(shape).zip(kernel.entries()) {
        if !entry.is_zero() {
            taps[o].push((c, at.map(signed), entry));
        }
    }
    let offset = each(|axis| gather.axes[axis].offset_at(image.size[axis]));
    let mut entries = Vec::with_capacity(count);
    let mut terms = 0_usize;
    for (o, taps) in taps.iter().enumerate() {
        for output in positions(size.map(index)) {
            spend(work, taps.len())?;
            let mut sum = Sum::default();
            for &(c, tap, weight) in taps {
                let read =
                    |axis: usize| gather.axes[axis].read(signed(output[axis]), tap[axis], offset[axis]);
                let Some(value) = all(read).and_then(|position| image.at(c, position)) else { continue };
                spend(work, value.terms().len().saturating_mul(weight.terms().len()))?;
                sum.add_product(value, weight);
            }
            let mut entry = sum.finish();
            if let Some(bias) = bias.get(o) {
                entry = &entry + bias;
            }
            terms = terms.saturating_add(entry.terms().len());
            if terms.exceeds(MAX_TERMS) {
                let error = KernelError::TooManyTerms { limit: MAX_TERMS };
                return Err(OperatorError::Kernel { at, error }.into());
            }
            entries.push(entry);
        }
    }
    Ok(Signal { channels: shape.outputs, size, entries })
}

/// Each output from the part of its window that lies in the image and the number of positions that count.
fn windowed(
    windows: &Windows,
    image: &Signal,
    at: Origin,
    work: &mut usize,
    reduce: impl Fn(&[&Poly], i64) -> Result<Poly, ForwardError>,
) -> Result<Signal, ForwardError> {
    let size = lengths(image, &windows.steps, at)?;
    let shape = Shape::new(image.channels, 1, 1, 1).with_extents(size.map(index));
    shape.validate().map_err(|error| OperatorError::Kernel { at, error })?;
    // The first position of a window in the image, and how many are there.
    let inside = |axis: usize, i: usize| {
        let movement = &windows.axes[axis];
        let first = movement.down * signed(i) - movement.offset_at(image.size[axis]);
        let end = (first + windows.size[axis]).min(image.size[axis]);
        (first.max(0), end - first.max(0))
    };
    let mut entries = Vec::new();
    for channel in 0..image.channels {
        for output in positions(size.map(index)) {
            let part = each(|axis| inside(axis, output[axis]));
            let read = positions(part.map(|(_, count)| index(count)));
            let read = read.map(|at| each(|axis| part[axis].0 + signed(at[axis])));
            let read: Vec<&Poly> = read.filter_map(|at| image.at(channel, at)).collect();
            spend(work, 1 + read.iter().map(|entry| entry.terms().len()).sum::<usize>())?;
            let counts = (0..AXES).map(|axis| windows.count(axis, signed(output[axis]), image.size[axis]));
            entries.push(reduce(&read, counts.product())?);
        }
    }
    Ok(Signal { size, entries, ..*image })
}
