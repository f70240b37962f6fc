//! Stacks applied to images: `S(X)`.

use super::Resolver;
use super::error::{Limit, ResolveErrorKind};
use super::value::{Array, Role, Value};
use crate::source::Span;
use crate::syntax::ast::{Argument, Expr};
use convproof_engine::ir::{KernelExpr, Stack};
use convproof_engine::operator::forward::{ForwardError, MAX_WORK, apply_image};

impl Resolver<'_> {
    /// `callee(argument)` where the callee is no function of the language.
    pub(super) fn application(&mut self, callee: &Expr, arguments: &[Argument], span: Span) -> Option<Array> {
        let stack = match self.value(callee)? {
            Value::Stack(stack) => self.finished(stack)?,
            other => {
                let kind =
                    ResolveErrorKind::WrongKind { expected: "a stack or a function", found: other.show() };
                return self.fail(callee.span, kind);
            }
        };
        let signature = "S(X)";
        let function = "a stack";
        let argument = match arguments {
            [argument] => argument,
            [] => {
                let kind = ResolveErrorKind::MissingArgument { function, argument: "X", signature };
                return self.fail(span, kind);
            }
            [_, second, ..] => {
                let kind = ResolveErrorKind::TooManyArguments { function, signature };
                return self.fail(second.value.span, kind);
            }
        };
        if let Some(name) = &argument.name {
            let kind = ResolveErrorKind::UnknownArgument {
                function,
                argument: name.text.clone(),
                suggestion: None,
                signature,
            };
            return self.fail(name.span, kind);
        }
        let image = self.array(&argument.value, "an image")?;
        if image.shape().inputs != 1 {
            let expected = "an image [h,w] or [c,h,w]";
            let kind = ResolveErrorKind::WrongKind { expected, found: image.show() };
            return self.fail(argument.value.span, kind);
        }
        let kernel = match apply_image(&stack.stack, &image.term.kernel) {
            Ok(kernel) => kernel,
            Err(error) => return self.forward(&error, &stack.stack, span),
        };
        let expr = KernelExpr::Apply(stack.stack, image.expr());
        self.made(Ok(kernel), expr, Role::Image, image.depth, span)
    }

    fn forward<T>(&mut self, error: &ForwardError, stack: &Stack, span: Span) -> Option<T> {
        let (at, kind) = match *error {
            ForwardError::Operator(ref error) => return self.operator(error, &[stack], span),
            ForwardError::NoOutput { at, size } => {
                (span, ResolveErrorKind::NoOutput { size: None, layer: Some((at, size)) })
            }
            ForwardError::BranchSizes { left, right } => {
                let sizes = Some([left.1, right.1]);
                (span, ResolveErrorKind::BranchSizes { left: left.0, right: right.0, sizes, example: None })
            }
            ForwardError::Symbolic { at } => (span, ResolveErrorKind::NonlinearImage { layer: at }),
            ForwardError::Work => (span, ResolveErrorKind::TooLarge(Limit::Work(MAX_WORK))),
        };
        self.fail(at, kind)
    }
}
