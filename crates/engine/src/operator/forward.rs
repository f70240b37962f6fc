//! A stack applied to one image: plain evaluation with exact numbers or polynomials.

use std::fmt;
use std::sync::Arc;

use super::error::OperatorError;
use super::gather::{Gather, index, signed};
use super::lower::{Lowered, Site, Windows, lower};
use crate::ir::{Branch, Given, Layer, NonEmpty, Op, Origin, Stack};
use crate::kernel::symbolic::MAX_TERMS;
use crate::kernel::{Kernel, KernelError, Shape, SymbolicKernel};
use convproof_exact::{Poly, Rational, Sum};

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
        /// Rows and columns that reach it.
        size: [i64; 2],
    },
    /// Branches of different sizes.
    BranchSizes {
        /// One branch and its size.
        left: (Origin, [i64; 2]),
        /// Another one.
        right: (Origin, [i64; 2]),
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
            Self::NoOutput { size: [height, width], .. } => write!(f, "no output for {height}×{width}"),
            Self::BranchSizes { left: (_, [a, b]), right: (_, [c, d]) } => {
                write!(f, "branches of {a}×{b} and {c}×{d}")
            }
            Self::Symbolic { .. } => write!(f, "a nonlinear layer meets free symbols"),
            Self::Transcendental { .. } => write!(f, "the value of a function is not rational"),
            Self::Work => write!(f, "more than {MAX_WORK} multiplications"),
        }
    }
}

/// An image under way.
#[derive(Clone)]
struct Signal {
    channels: usize,
    size: [i64; 2],
    entries: Vec<Poly>,
}

impl Signal {
    fn at(&self, channel: usize, row: i64, column: i64) -> Option<&Poly> {
        let [height, width] = self.size;
        if !(0..height).contains(&row) || !(0..width).contains(&column) {
            return None;
        }
        self.entries.get((channel * index(height) + index(row)) * index(width) + index(column))
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
        size: [signed(shape.height), signed(shape.width)],
        entries: expanded.entries().to_vec(),
    };
    let mut work = 0;
    let output = run(stack, image, &mut work)?;
    let [height, width] = output.size.map(index);
    let shape = Shape::new(output.channels, 1, height, width);
    Kernel::from_entries(shape, output.entries)
        .map_err(|error| OperatorError::Kernel { at: stack.origin(), error }.into())
}

/// Every entry as a polynomial, within the limit.
fn expanded(kernel: &Kernel, at: Origin) -> Result<Arc<SymbolicKernel>, OperatorError> {
    let small = kernel.shape().entries().is_some_and(|count| count <= MAX_TERMS);
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
    if *work > MAX_WORK { Err(ForwardError::Work) } else { Ok(()) }
}

fn layer_after(layer: Lowered, image: &Signal, at: Origin, work: &mut usize) -> Result<Signal, ForwardError> {
    match layer {
        Lowered::Linear { gather, steps, bias, .. } => {
            let size = lengths(image, [0, 1].map(|axis| steps[axis].apply(image.size[axis])), at)?;
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

fn lengths(image: &Signal, size: [Option<i64>; 2], at: Origin) -> Result<[i64; 2], ForwardError> {
    let [Some(height), Some(width)] = size else {
        return Err(ForwardError::NoOutput { at, size: image.size });
    };
    Ok([height, width])
}

fn gathered(
    gather: &Gather,
    bias: &[Poly],
    image: &Signal,
    size: [i64; 2],
    at: Origin,
    work: &mut usize,
) -> Result<Signal, ForwardError> {
    let shape = gather.kernel.shape();
    let output = Shape::new(shape.outputs, 1, index(size[0]), index(size[1]));
    let count = output.validate().map_err(|error| OperatorError::Kernel { at, error })?;
    let kernel = expanded(&gather.kernel, at)?;
    // The taps that are not zero, for each output channel.
    let mut taps: Vec<Vec<(usize, i64, i64, &Poly)>> = vec![Vec::new(); shape.outputs];
    for ([o, c, i, j], entry) in crate::kernel::positions(shape).zip(kernel.entries()) {
        if !entry.is_zero() {
            taps[o].push((c, signed(i), signed(j), entry));
        }
    }
    let offset = [0, 1].map(|axis| gather.axes[axis].offset_at(image.size[axis]));
    let mut entries = Vec::with_capacity(count);
    let mut terms = 0_usize;
    for (o, taps) in taps.iter().enumerate() {
        for i in 0..size[0] {
            for j in 0..size[1] {
                spend(work, taps.len())?;
                let mut sum = Sum::default();
                for &(c, p, q, tap) in taps {
                    let Some(row) = gather.axes[0].read(i, p, offset[0]) else { continue };
                    let Some(column) = gather.axes[1].read(j, q, offset[1]) else { continue };
                    let Some(value) = image.at(c, row, column) else { continue };
                    spend(work, value.terms().len().saturating_mul(tap.terms().len()))?;
                    sum.add_product(value, tap);
                }
                let mut entry = sum.finish();
                if let Some(bias) = bias.get(o) {
                    entry = &entry + bias;
                }
                terms = terms.saturating_add(entry.terms().len());
                if terms > MAX_TERMS {
                    let error = KernelError::TooManyTerms { limit: MAX_TERMS };
                    return Err(OperatorError::Kernel { at, error }.into());
                }
                entries.push(entry);
            }
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
    let size = lengths(image, [0, 1].map(|axis| windows.steps[axis].apply(image.size[axis])), at)?;
    let shape = Shape::new(image.channels, 1, index(size[0]), index(size[1]));
    shape.validate().map_err(|error| OperatorError::Kernel { at, error })?;
    let range = |axis: usize, i: i64| {
        let movement = &windows.axes[axis];
        let first = movement.down * i - movement.offset_at(image.size[axis]);
        first.max(0)..(first + windows.size[axis]).min(image.size[axis])
    };
    let mut entries = Vec::new();
    for channel in 0..image.channels {
        for i in 0..size[0] {
            for j in 0..size[1] {
                let mut inside = Vec::new();
                for row in range(0, i) {
                    for column in range(1, j) {
                        inside.extend(image.at(channel, row, column));
                    }
                }
                spend(work, 1 + inside.iter().map(|entry| entry.terms().len()).sum::<usize>())?;
                let counts = windows.count(0, i, image.size[0]) * windows.count(1, j, image.size[1]);
                entries.push(reduce(&inside, counts)?);
            }
        }
    }
    Ok(Signal { size, entries, ..*image })
}
