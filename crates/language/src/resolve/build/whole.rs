//! What stacks are as kernels, and what they make of images.

use std::sync::Arc;

use super::Builder;
use super::error::{Exceeded, ResolveErrorKind};
use super::value::{Array, Role, StackValue};
use crate::source::Span;
use convproof_engine::ir::{KernelTerm, Operation, Stack};
use convproof_engine::kernel::{ConcreteKernel, Kernel, KernelError, Shape};
use convproof_engine::operator::forward::{ForwardError, MAX_WORK, apply_image};
use convproof_engine::operator::gather::{index, signed};
use convproof_engine::operator::geometry;
use convproof_engine::operator::shape::{self, Signal};
use convproof_engine::operator::single::{single, unwritten};
use convproof_engine::operator::{Affine, Node, OperatorError, Operators, Part};
use convproof_engine::prove::terms;

/// Most entries of an image that the matrix of a stack is made for.
const MAX_INPUTS: usize = 1024;

/// Most entries of such a matrix.
const MAX_CELLS: usize = 1 << 20;

impl Builder {
    /// `kernel(S)`: the kernel that a stack is far from borders, with the extent that its layers have together.
    pub fn single_kernel(&mut self, stack: &Arc<Stack>, span: Span) -> Option<Array> {
        // Branches that differ in size everywhere make no image, so no kernel either.
        let signal = shape::input_channels(&[stack])
            .and_then(|channels| shape::after(stack, Signal::input(channels), None));
        if let Err(error @ OperatorError::BranchSizes { .. }) = signal {
            return self.operator(&error, &[stack], span);
        }
        // A product that is too long to be multiplied out stays one.
        if let Ok(channels) = shape::input_channels(&[stack])
            && let Some(term) = single(stack, channels)
            && let Kernel::Later(_) = term.kernel()
        {
            let term = KernelTerm::of_stack(stack.clone(), term.kernel().clone());
            return self.made(Ok(term), Role::Kernel, stack.height(), span);
        }
        if let Ok(channels) = shape::input_channels(&[stack])
            && let Some(term) = unwritten(stack, channels)
        {
            return self.made(Ok(term), Role::Kernel, stack.height(), span);
        }
        let normal = shape::input_channels(&[stack]).and_then(|channels| {
            let mut operators = Operators::without_borders(channels);
            let input =
                operators.input().map_err(|error| OperatorError::Kernel { at: stack.origin(), error })?;
            Ok((operators.apply(stack, input)?, operators, channels))
        });
        let (affine, operators, channels) = match normal {
            Ok(normal) => normal,
            Err(error) => return self.operator(&error, &[stack], span),
        };
        let outputs = affine.channels;
        let kernel = match single_part(&operators, &affine) {
            Err(reason) => return self.fail(span, ResolveErrorKind::NoSingleKernel(reason)),
            // All taps are 0, so only the layers tell how large the kernel is.
            Ok(None) if geometry::fields(stack).is_err() => {
                let reason = "it is 0, and its layers have no receptive field";
                return self.fail(span, ResolveErrorKind::NoSingleKernel(reason));
            }
            Ok(None) => ConcreteKernel::zeros(Shape::new(outputs, channels, 1, 1))
                .map(|kernel| (Kernel::from(kernel), [0, 0])),
            Ok(Some(part)) => {
                let offset = [0, 1].map(|axis| {
                    let axis = &part.gather.axes[axis];
                    -axis.offset - axis.same.map_or(0, geometry::nominal_before)
                });
                Ok((part.gather.kernel.clone(), offset))
            }
        };
        let kernel = kernel.and_then(|(kernel, offset)| match geometry::fields(stack) {
            Ok(fields) => {
                let size = [kernel.shape().height, kernel.shape().width].map(signed);
                let zero = kernel.is_zero();
                let before = [0, 1].map(|axis| if zero { 0 } else { offset[axis] - fields[axis].first });
                let after = [0, 1].map(|axis| fields[axis].extent() - before[axis] - size[axis]);
                kernel.pad([before[0], before[1], after[0], after[1]].map(index))
            }
            Err(_) => Ok(kernel),
        });
        let term = kernel.map(|kernel| KernelTerm::of_stack(stack.clone(), kernel));
        self.made(term, Role::Kernel, stack.height(), span)
    }

    /// `matrix(S,[h,w])`: what a linear stack does to images of one size, as the kernel `[out,in,1,1]` of all outputs and
    /// all inputs, channel by channel and row by row.
    pub fn matrix(&mut self, stack: &Arc<Stack>, size: [i64; 2], span: Span) -> Option<Array> {
        let channels = match shape::input_channels(&[stack]) {
            Ok(channels) => channels,
            Err(error) => return self.operator(&error, &[stack], span),
        };
        let [h, w] = size.map(index);
        let inputs = channels.saturating_mul(h).saturating_mul(w);
        if inputs > MAX_INPUTS {
            let (found, allowed) = (inputs.to_string(), format!("up to {MAX_INPUTS}"));
            let what = "the number of entries of an image whose matrix is asked for";
            return self.fail(span, ResolveErrorKind::OutOfRange { what, found, allowed });
        }
        let image = |set: Option<usize>| {
            let entries = (0..inputs).map(|n| i64::from(Some(n) == set)).collect();
            ConcreteKernel::from_integers(Shape::new(channels, 1, h, w), entries)
        };
        if terms::applies(stack) {
            return self.fail(span, ResolveErrorKind::NoSingleKernel("a layer in it is nonlinear"));
        }
        let none = self.column(stack, image(None), span)?;
        if !none.kernel().is_zero() {
            return self.fail(span, ResolveErrorKind::NoSingleKernel("it adds a bias"));
        }
        if none.len().saturating_mul(inputs) > MAX_CELLS {
            return self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Kernel(KernelError::TooLarge)));
        }
        let columns =
            (0..inputs).map(|n| self.column(stack, image(Some(n)), span)).collect::<Option<Vec<_>>>()?;
        let columns: Vec<&KernelTerm> = columns.iter().collect();
        let depth = stack.height() + MAX_INPUTS.ilog2();
        self.made(KernelTerm::apply(Operation::Columns(&columns)), Role::Kernel, depth, span)
    }

    /// All outputs of a stack for an image, as a kernel `[out,1,1,1]`.
    fn column(
        &mut self,
        stack: &Arc<Stack>,
        image: Result<ConcreteKernel, KernelError>,
        span: Span,
    ) -> Option<KernelTerm> {
        let image = self.concrete(image, Role::Image, span)?.term;
        let output = match apply_image(stack, image.kernel()) {
            Ok(output) => KernelTerm::of_image(stack.clone(), &image, output),
            Err(error) => return self.forward(&error, stack, span),
        };
        let column = Shape::new(output.len(), 1, 1, 1);
        match KernelTerm::apply(Operation::Reshape(&output, column)) {
            Ok(column) => Some(column),
            Err(error) => self.fail(span, ResolveErrorKind::TooLarge(Exceeded::Kernel(error))),
        }
    }

    /// `S(X)`: the image that a stack makes of an image.
    pub fn apply(&mut self, stack: &StackValue, (image, at): (&Array, Span), span: Span) -> Option<Array> {
        if image.shape().inputs != 1 {
            let expected = "an image [h,w] or [c,h,w]";
            let kind = ResolveErrorKind::WrongKind { expected, found: image.show() };
            return self.fail(at, kind);
        }
        let kernel = match apply_image(&stack.stack.clone(), image.term.kernel()) {
            Ok(kernel) => kernel,
            Err(error) => return self.forward(&error, &stack.stack.clone(), span),
        };
        let term = KernelTerm::of_image(stack.stack.clone(), &image.term, kernel);
        self.made(Ok(term), Role::Image, image.depth.max(stack.stack.height()), span)
    }

    fn forward<T>(&mut self, error: &ForwardError, stack: &Stack, span: Span) -> Option<T> {
        let place = |origin| self.place(origin, span);
        let (at, kind) = match *error {
            ForwardError::Operator(ref error) => return self.operator(error, &[stack], span),
            ForwardError::NoOutput { at, size } => {
                (span, ResolveErrorKind::NoOutput { size: None, layer: Some((place(at), size)) })
            }
            ForwardError::BranchSizes { left, right } => {
                let sizes = Some([left.1, right.1]);
                (
                    span,
                    ResolveErrorKind::BranchSizes {
                        left: place(left.0),
                        right: place(right.0),
                        sizes,
                        example: None,
                    },
                )
            }
            ForwardError::Symbolic { at } => (span, ResolveErrorKind::NonlinearImage { layer: place(at) }),
            ForwardError::Transcendental { at } => {
                let expected = "layers whose values are rational numbers in an image `S(X)`";
                (
                    place(at),
                    ResolveErrorKind::WrongKind {
                        expected,
                        found: "a function whose value is not".to_owned(),
                    },
                )
            }
            ForwardError::Work => (span, ResolveErrorKind::TooLarge(Exceeded::Work(MAX_WORK))),
        };
        self.fail(at, kind)
    }
}

/// The only part of an affine map without bias, `None` for the zero map, or what is in the way.
fn single_part<'a>(operators: &Operators, affine: &'a Affine) -> Result<Option<&'a Part>, &'static str> {
    if !affine.bias.is_empty() {
        return Err("it adds a bias");
    }
    match affine.parts.as_slice() {
        [] => Ok(None),
        [part] if part.source != 0 => Err(node_reason(operators, part)),
        [part] if part.gather.axes.iter().any(|axis| axis.up != 1) => Err("it upsamples"),
        [part] => Ok(Some(part)),
        _ => Err("its branches do not move alike"),
    }
}

/// Why a node other than the input is read by the last layers of a stack.
fn node_reason(operators: &Operators, part: &Part) -> &'static str {
    let gather = &part.gather;
    match operators.node(part.source) {
        Node::Cut(_) if gather.axes.iter().any(|axis| axis.same.is_some()) => {
            "SAME padding with a stride stands after a layer that changes the size; write that padding as numbers"
        }
        Node::Cut(inner) if !inner.bias.is_empty() => "it adds a bias",
        Node::Cut(_) => "an upsampling stands after a stride, or its kernels multiply to too many terms",
        _ => "a layer in it is nonlinear or averages over parts of windows",
    }
}
