//! Kernels and stacks in words, as the spec language would have them, for messages and derivations. Never read back.

use std::fmt::{self, Write};

use super::composite::{Own, PadMode};
use super::kernel::{Change, Join, Kernel, KernelNode};
use super::layers::{AvgPool, Convolution, Plain};
use super::pair::{Padding, Pair, Sides};
use super::stack::{Stack, StackNode};
use crate::ir::{Coordinates, Interpolation, Named};

/// Longest text. A value may use others many times over, so that its whole text could be endless.
const MAX_TEXT: usize = 400;

/// A text that ends where it becomes too long.
struct Short(String);

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MAX_TEXT {
            self.0.push('…');
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// A stack in words.
pub(super) fn stack(stack: &Stack) -> String {
    let mut out = Short(String::new());
    // Where it ended early, its beginning is what is shown.
    let _ = write_stack(stack, &mut out);
    out.0
}

/// A kernel in words.
pub(super) fn kernel(kernel: &Kernel) -> String {
    let mut out = Short(String::new());
    let _ = write_kernel(kernel, &mut out);
    out.0
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&kernel(self))
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&stack(self))
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([vertical, horizontal]) = self;
        if vertical == horizontal { write!(f, "{vertical}") } else { write!(f, "[{vertical},{horizontal}]") }
    }
}

impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([top, left, bottom, right]) = self;
        if [left, bottom, right] == [top; 3] {
            write!(f, "{top}")
        } else {
            write!(f, "[{top},{left},{bottom},{right}]")
        }
    }
}

impl fmt::Display for Padding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sides(sides) => sides.fmt(f),
            Self::Same => f.write_str("same"),
            Self::SameLower => f.write_str("same_lower"),
        }
    }
}

fn write_kernel(kernel: &Kernel, out: &mut Short) -> fmt::Result {
    match &*kernel.node {
        KernelNode::Invalid(_) => out.write_str("?"),
        KernelNode::Free { name, .. } => out.write_str(name),
        KernelNode::Image { size: [channels, height, width], .. } => {
            write!(out, "image[{channels},{height},{width}]")
        }
        KernelNode::Applied(stack, image) => {
            write_stack(stack, out)?;
            call("(", image, out)?;
            out.write_char(')')
        }
        KernelNode::Given { extents, values } if extents.is_empty() => {
            values.iter().try_for_each(|value| write!(out, "{value}"))
        }
        KernelNode::Given { extents, values } => {
            let width = extents.last().copied().unwrap_or(1).max(1);
            out.write_char('[')?;
            for (row, entries) in values.chunks(width).enumerate() {
                out.write_str(if row > 0 { "; " } else { "" })?;
                for (column, entry) in entries.iter().enumerate() {
                    write!(out, "{}{entry}", if column > 0 { " " } else { "" })?;
                }
            }
            out.write_char(']')
        }
        KernelNode::Filled { extents, value } => {
            let name = if *value == 0 { "zeros" } else { "ones" };
            write!(out, "{name}({})", extents.iter().map(usize::to_string).collect::<Vec<_>>().join(","))
        }
        KernelNode::Box(Pair([height, width])) => write!(out, "box({height},{width})"),
        KernelNode::Delta { size: Pair([height, width]), at: Pair([row, column]) } => {
            write!(out, "delta({height},{width},{row},{column})")
        }
        KernelNode::Eye(channels) => write!(out, "eye({channels})"),
        KernelNode::Join(join, left, right) => write_join(*join, left, right, out),
        KernelNode::Change(change, inner) => write_change(*change, inner, out),
        KernelNode::OfStack(stack) => {
            out.write_str("kernel(")?;
            write_stack(stack, out)?;
            out.write_char(')')
        }
    }
}

fn write_join(join: Join, left: &Kernel, right: &Kernel, out: &mut Short) -> fmt::Result {
    let (before, between) = match join {
        Join::Add => ("(", " + "),
        Join::Subtract => ("(", " - "),
        Join::Convolve => ("(", " * "),
        Join::Divide => ("(", " / "),
        Join::Hadamard => ("hadamard(", ", "),
        Join::Outer => ("outer(", ", "),
        Join::ScaleRows => ("scale_rows(", ", "),
        Join::ScaleColumns => ("scale_columns(", ", "),
    };
    out.write_str(before)?;
    write_kernel(left, out)?;
    out.write_str(between)?;
    write_kernel(right, out)?;
    out.write_char(')')
}

fn write_change(change: Change, inner: &Kernel, out: &mut Short) -> fmt::Result {
    let (before, after) = match change {
        Change::Negate => ("-", String::new()),
        Change::Power(n) => ("", format!("^{n}")),
        Change::Sqrt => ("sqrt(", ")".to_owned()),
        Change::Sum => ("sum(", ")".to_owned()),
        Change::Entry(at) => ("", format!("{at:?}")),
        Change::Repeat(by) => ("repeat(", format!(", {by})")),
        Change::Dilate(by) => ("dilate(", format!(", {by})")),
        Change::Pad(sides) => ("pad(", format!(", {sides})")),
        Change::Trim => ("trim(", ")".to_owned()),
        Change::Flip => ("flip(", ")".to_owned()),
        Change::Transpose => ("transpose(", ")".to_owned()),
        Change::SwapChannels => ("swap_channels(", ")".to_owned()),
        Change::Ungroup(groups) => ("ungroup(", format!(", {groups})")),
        Change::Channels { outputs: true, from, to } => ("select_rows(", format!(", {from}, {to})")),
        Change::Channels { outputs: false, from, to } => ("select_columns(", format!(", {from}, {to})")),
        Change::ChannelSums { outputs: true } => ("sum_rows(", ")".to_owned()),
        Change::ChannelSums { outputs: false } => ("sum_columns(", ")".to_owned()),
    };
    out.write_str(before)?;
    write_kernel(inner, out)?;
    out.write_str(&after)
}

#[expect(clippy::too_many_lines, reason = "one arm for each kind of stack")]
fn write_stack(stack: &Stack, out: &mut Short) -> fmt::Result {
    match &*stack.node {
        StackNode::Invalid(_) => out.write_str("?"),
        StackNode::Plain(layer) => write_plain(*layer, out),
        StackNode::Named(named, numbers) => write_named(named, numbers, out),
        StackNode::Conv(conv) => {
            write_convolution("conv", &conv.weights, out)?;
            option(out, "padding", conv.padding, 0.into())?;
            if let Some(mode) = conv.padding_mode {
                write!(out, ", padding_mode={}", word(mode))?;
            }
            out.write_char(')')
        }
        StackNode::ConvTranspose(conv) => {
            write_convolution("convtranspose", &conv.weights, out)?;
            option(out, "padding", conv.padding, 0.into())?;
            option(out, "output_padding", conv.output_padding, 0.into())?;
            out.write_char(')')
        }
        StackNode::AvgPool(pool) => write_pool(pool, out),
        StackNode::MaxPool(pool) => {
            write!(out, "maxpool({}", pool.size)?;
            option(out, "stride", pool.stride.unwrap_or(pool.size), pool.size)?;
            option(out, "padding", pool.padding, 0.into())?;
            option(out, "ceil_mode", pool.ceil_mode, false)?;
            out.write_char(')')
        }
        StackNode::Dense(dense) => {
            call("flatten -> dense(", &dense.matrix, out)?;
            with_kernel(out, "bias", dense.bias.as_ref())?;
            out.write_char(')')
        }
        StackNode::Own(layer) => write_own(layer, out),
        StackNode::Scale(factors) => {
            call("scale(", factors, out)?;
            out.write_char(')')
        }
        StackNode::Bias(summands) => {
            call("bias(", summands, out)?;
            out.write_char(')')
        }
        StackNode::BatchNorm(vectors, eps) => {
            for (at, vector) in vectors.iter().enumerate() {
                call(if at == 0 { "batchnorm(" } else { ", " }, vector, out)?;
            }
            with_kernel(out, "eps", eps.as_ref())?;
            out.write_char(')')
        }
        StackNode::Chain(links) => joined("(", links, " -> ", out),
        StackNode::Power(inner, n) => {
            write_stack(inner, out)?;
            write!(out, "^{n}")
        }
        StackNode::Add(left, right) => pair("(", [left, right], " + ", out),
        StackNode::Subtract(left, right) => pair("(", [left, right], " - ", out),
        StackNode::Times(factor, inner) => {
            write_kernel(factor, out)?;
            out.write_str(" * ")?;
            write_stack(inner, out)
        }
        StackNode::Over(inner, divisor) => {
            write_stack(inner, out)?;
            out.write_str(" / ")?;
            write_kernel(divisor, out)
        }
        StackNode::Product(left, right) => pair("(", [left, right], " * ", out),
        StackNode::Concat(branches) => joined("concat(", branches, ", ", out),
    }
}

/// The word for what stands in padding.
fn word(mode: PadMode) -> &'static str {
    match mode {
        PadMode::Constant => "constant",
        PadMode::Reflect => "reflect",
        PadMode::Replicate => "replicate",
        PadMode::Symmetric => "symmetric",
        PadMode::Circular => "circular",
    }
}

fn write_own(layer: &Own, out: &mut Short) -> fmt::Result {
    match layer {
        Own::Leaky(slopes) => call("leakyrelu(", slopes, out)?,
        Own::Clip(low, high) => {
            call("clip(", low, out)?;
            call(", ", high, out)?;
        }
        Own::HardSigmoid => return out.write_str("hardsigmoid"),
        Own::Pad { sides, mode, value } => {
            write!(out, "pad({sides}, mode={}", word(*mode))?;
            with_kernel(out, "value", value.as_ref())?;
        }
        Own::Resize { factor, method, coordinates } => {
            call("resize(", factor, out)?;
            match method {
                Interpolation::Nearest => out.write_str(", mode=nearest")?,
                Interpolation::Linear => out.write_str(", mode=bilinear")?,
                Interpolation::Cubic(a) => write!(out, ", mode=bicubic, a={a}")?,
            }
            out.write_str(match coordinates {
                Coordinates::HalfPixel => ", coordinates=half_pixel",
                Coordinates::Asymmetric => ", coordinates=asymmetric",
                Coordinates::AlignCorners => ", coordinates=align_corners",
            })?;
        }
        Own::Permute(order) => write!(out, "permute({order:?}")?,
        Own::Function(function) => {
            return out.write_str(function.name());
        }
    }
    out.write_char(')')
}

fn write_named(named: &Named, numbers: &[Pair], out: &mut Short) -> fmt::Result {
    out.write_str(named.name)?;
    for (at, (number, given)) in named.numbers.iter().zip(numbers).enumerate() {
        out.write_char(if at == 0 { '(' } else { ',' })?;
        if number.per_axis { write!(out, "{given}")? } else { write!(out, "{}", given.0[0])? }
    }
    if numbers.is_empty() { Ok(()) } else { out.write_char(')') }
}

fn write_plain(layer: Plain, out: &mut Short) -> fmt::Result {
    match layer {
        Plain::Identity => out.write_str("id"),
        Plain::Pad(sides) => write!(out, "pad({sides})"),
        Plain::Crop(sides) => write!(out, "crop({sides})"),
        Plain::Select { from, to } => write!(out, "select({from},{to})"),
    }
}

fn write_convolution(name: &str, conv: &Convolution, out: &mut Short) -> fmt::Result {
    write!(out, "{name}(")?;
    write_kernel(&conv.kernel, out)?;
    option(out, "stride", conv.stride, 1.into())?;
    option(out, "dilation", conv.dilation, 1.into())?;
    option(out, "groups", conv.groups, 1)?;
    with_kernel(out, "bias", conv.bias.as_ref())
}

fn write_pool(pool: &AvgPool, out: &mut Short) -> fmt::Result {
    write!(out, "{}({}", if pool.average { "avgpool" } else { "sumpool" }, pool.size)?;
    option(out, "stride", pool.stride.unwrap_or(pool.size), pool.size)?;
    option(out, "padding", pool.padding, 0.into())?;
    option(out, "count_include_pad", pool.count_include_pad, true)?;
    option(out, "ceil_mode", pool.ceil_mode, false)?;
    out.write_char(')')
}

/// An option, unless it is what it is by default.
fn option<T: Copy + fmt::Display + PartialEq>(
    out: &mut Short,
    name: &str,
    value: T,
    usual: T,
) -> fmt::Result {
    if value == usual { Ok(()) } else { write!(out, ", {name}={value}") }
}

fn with_kernel(out: &mut Short, name: &str, kernel: Option<&Kernel>) -> fmt::Result {
    let Some(kernel) = kernel else { return Ok(()) };
    write!(out, ", {name}=")?;
    write_kernel(kernel, out)
}

fn call(before: &str, kernel: &Kernel, out: &mut Short) -> fmt::Result {
    out.write_str(before)?;
    write_kernel(kernel, out)
}

fn pair(before: &str, [left, right]: [&Stack; 2], between: &str, out: &mut Short) -> fmt::Result {
    out.write_str(before)?;
    write_stack(left, out)?;
    out.write_str(between)?;
    write_stack(right, out)?;
    out.write_char(')')
}

fn joined(before: &str, stacks: &[Stack], between: &str, out: &mut Short) -> fmt::Result {
    out.write_str(before)?;
    for (at, stack) in stacks.iter().enumerate() {
        out.write_str(if at > 0 { between } else { "" })?;
        write_stack(stack, out)?;
    }
    out.write_char(')')
}
