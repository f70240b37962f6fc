//! Stacks applied to images: `S(X)`.

use super::Resolver;
use super::build::error::ResolveErrorKind;
use super::build::value::Array;
use super::value::Value;
use crate::source::Span;
use crate::syntax::ast::{Argument, Expr};

impl Resolver<'_> {
    /// `callee(argument)` where the callee is no function of the language.
    pub(super) fn application(&mut self, callee: &Expr, arguments: &[Argument], span: Span) -> Option<Array> {
        let stack = match self.value(callee)? {
            Value::Stack(stack) => self.build.finished(stack)?,
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
                let kind = ResolveErrorKind::TooManyArguments { function, next: None, signature };
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
        self.build.apply(&stack, (&image, argument.value.span), span)
    }
}
