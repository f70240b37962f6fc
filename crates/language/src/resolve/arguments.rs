//! Arguments of functions and layers: which is which, and what numbers they are.

use super::Resolver;
use super::build::Amount;
use super::build::error::ResolveErrorKind;
use super::build::value::{Array, StackValue};
use super::builtins::{self, Signature};
use super::expression::constant;
use super::scope::nearest;
use super::value::Value;
use crate::source::Span;
use crate::syntax::ast::{Argument, Expr, ExprKind};
use convproof_engine::ir::{Axes, Ends, ends};
use convproof_exact::Rational;

/// The arguments of one call, found by name.
#[derive(Debug)]
pub(super) struct Bound<'e> {
    signature: &'static Signature,
    values: Vec<Option<&'e Expr>>,
}

impl<'e> Bound<'e> {
    /// The value of an argument, if it was given.
    pub(super) fn get(&self, name: &str) -> Option<&'e Expr> {
        let names = self.signature.required.iter().chain(self.signature.optional);
        names.zip(&self.values).find(|(own, _)| **own == name).and_then(|(_, value)| *value)
    }

    /// The value of a required argument, by position.
    pub(super) fn at(&self, position: usize) -> &'e Expr {
        self.values[position].expect("required arguments are there")
    }
}

impl Resolver<'_> {
    /// Sorts arguments by the signature; reports all that do not fit.
    pub(super) fn arguments<'e>(
        &mut self,
        signature: &'static Signature,
        arguments: &'e [Argument],
        span: Span,
    ) -> Option<Bound<'e>> {
        let names: Vec<&'static str> = signature.required.iter().chain(signature.optional).copied().collect();
        let mut values: Vec<Option<&Expr>> = vec![None; names.len()];
        let (function, text) = (signature.name, signature.text);
        let mut fine = true;
        let mut position = 0;
        for argument in arguments {
            let place = argument.name.as_ref().map_or(argument.value.span, |name| name.span);
            let at = match &argument.name {
                None if position >= signature.positional => {
                    let next = names.get(position).filter(|_| signature.positional > 0).copied();
                    let kind = ResolveErrorKind::TooManyArguments { function, next, signature: text };
                    self.report(argument.value.span, kind);
                    return None;
                }
                None => {
                    position += 1;
                    position - 1
                }
                Some(name) => match names.iter().position(|own| *own == name.text) {
                    Some(at) => at,
                    None => {
                        let suggestion = nearest(&name.text, names.iter().copied());
                        let argument = name.text.clone();
                        self.report(
                            place,
                            ResolveErrorKind::UnknownArgument {
                                function,
                                argument,
                                suggestion,
                                signature: text,
                            },
                        );
                        fine = false;
                        continue;
                    }
                },
            };
            if let Some(first) = values[at] {
                let kind =
                    ResolveErrorKind::RepeatedArgument { argument: names[at].to_owned(), first: first.span };
                self.report(place, kind);
                fine = false;
            }
            values[at] = Some(&argument.value);
        }
        if let Some(missing) = (0..signature.required.len()).find(|&at| values[at].is_none()) {
            if fine {
                let argument = names[missing];
                self.report(span, ResolveErrorKind::MissingArgument { function, argument, signature: text });
            }
            fine = false;
        }
        fine.then_some(Bound { signature, values })
    }

    /// The only argument of a layer or function that has one or is applied to one.
    pub(super) fn array(&mut self, expr: &Expr, expected: &'static str) -> Option<Array> {
        match self.value(expr)? {
            Value::Array(array) => Some(array),
            other => self.fail(expr.span, ResolveErrorKind::WrongKind { expected, found: other.show() }),
        }
    }

    /// A kernel of a layer.
    pub(super) fn kernel(&mut self, expr: &Expr) -> Option<Array> {
        let array = self.array(expr, "a kernel")?;
        self.build.no_channels(array, expr.span)
    }

    /// A scalar.
    pub(super) fn scalar(&mut self, expr: &Expr) -> Option<Array> {
        let array = self.array(expr, "a number")?;
        if array.is_scalar() {
            return Some(array);
        }
        self.fail(expr.span, ResolveErrorKind::WrongKind { expected: "a number", found: array.show() })
    }

    /// A finished stack.
    pub(super) fn stack(&mut self, expr: &Expr) -> Option<StackValue> {
        match self.value(expr)? {
            Value::Stack(stack) => self.build.finished(stack),
            other => {
                let kind = ResolveErrorKind::WrongKind { expected: "a stack", found: other.show() };
                self.fail(expr.span, kind)
            }
        }
    }

    /// A number without free symbols.
    pub(super) fn number(&mut self, expr: &Expr, what: &'static str) -> Option<Rational> {
        if let Some(value) = constant(expr) {
            return Some(value);
        }
        let array = self.scalar(expr)?;
        match array.constant() {
            Some(value) => Some(value),
            None => self.fail(expr.span, ResolveErrorKind::NotConstant { what }),
        }
    }

    /// A whole number within a range.
    pub(super) fn integer(&mut self, expr: &Expr, amount: Amount) -> Option<i64> {
        let value = self.number(expr, amount.what)?;
        self.build.integer(&value, amount, expr.span)
    }

    pub(super) fn count(&mut self, expr: &Expr, amount: Amount) -> Option<usize> {
        usize::try_from(self.integer(expr, amount)?).ok()
    }

    /// Whole numbers: one, or a list of as many as `lengths` allows.
    pub(super) fn integers(&mut self, expr: &Expr, amount: Amount, lengths: &[usize]) -> Option<Vec<i64>> {
        let what = amount.what;
        if lengths.contains(&1)
            && let Some(value) = constant(expr)
        {
            return Some(vec![self.build.integer(&value, amount, expr.span)?]);
        }
        let value = self.value(expr)?;
        let Some(numbers) = value.numbers() else {
            let kind = ResolveErrorKind::WrongKind {
                expected: "a number or a list of numbers",
                found: value.show(),
            };
            let advice = match &expr.kind {
                ExprKind::Text(text) if builtins::PADDINGS.contains(&text.as_str()) => {
                    Some(format!("write `{text}` without quotes"))
                }
                _ => None,
            };
            self.build.advise(expr.span, kind, advice);
            return None;
        };
        if !lengths.contains(&numbers.len()) {
            let all: Vec<String> = lengths.iter().map(ToString::to_string).collect();
            let allowed = format!("{} numbers", all.join(" or "));
            let found =
                if numbers.len() == 1 { "1 number".to_owned() } else { format!("{} numbers", numbers.len()) };
            return self.fail(expr.span, ResolveErrorKind::OutOfRange { what, found, allowed });
        }
        let mut integers = Vec::with_capacity(numbers.len());
        for (at, number) in numbers.iter().enumerate() {
            let span = match &expr.kind {
                ExprKind::Array(entries, _) => entries.get(at).map_or(expr.span, |entry| entry.span),
                _ => expr.span,
            };
            let Some(value) = number.as_constant() else {
                return self.fail(span, ResolveErrorKind::NotConstant { what });
            };
            integers.push(self.build.integer(&value, amount, span)?);
        }
        Some(integers)
    }

    /// One number for both axes, or `[vertical, horizontal]`.
    pub(super) fn pair(&mut self, expr: &Expr, amount: Amount) -> Option<[usize; 2]> {
        let all = self.integers(expr, amount, &[1, 2])?;
        let both = [all[0], all[all.len() - 1]];
        Some(both.map(convproof_engine::operator::gather::index))
    }

    /// The same for an argument that may be left out.
    pub(super) fn pair_or(
        &mut self,
        expr: Option<&Expr>,
        amount: Amount,
        default: [usize; 2],
    ) -> Option<[usize; 2]> {
        expr.map_or(Some(default), |expr| self.pair(expr, amount))
    }

    /// One number, `[v,h]`, or `[top,left,bottom,right]`.
    pub(super) fn sides(&mut self, expr: &Expr, amount: Amount) -> Option<Axes<Ends>> {
        let all = self.integers(expr, amount, &[1, 2, 4])?;
        Some(ends(match all.as_slice() {
            [n] => [*n; 4],
            [v, h] => [*v, *h, *v, *h],
            four => [four[0], four[1], four[2], four[3]],
        }))
    }

    /// An input size `[h,w]`.
    pub(super) fn size(&mut self, expr: &Expr) -> Option<[i64; 2]> {
        if let Some(side) = constant(expr) {
            let found = "1 number".to_owned();
            let what = Amount::INPUT_SIZE.what;
            let kind = ResolveErrorKind::OutOfRange { what, found, allowed: "2 numbers".to_owned() };
            self.build.advise(expr.span, kind, Some(format!("write `[{side},{side}]`")));
            return None;
        }
        let all = self.integers(expr, Amount::INPUT_SIZE, &[2])?;
        Some([all[0], all[1]])
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, expr: Option<&Expr>, default: bool) -> Option<bool> {
        let Some(expr) = expr else { return Some(default) };
        match self.value(expr)? {
            Value::Bool(value) => Some(value),
            other => {
                let kind = ResolveErrorKind::WrongKind { expected: "`true` or `false`", found: other.show() };
                self.fail(expr.span, kind)
            }
        }
    }

    /// A quoted string.
    pub(super) fn text(&mut self, expr: &Expr) -> Option<String> {
        if let ExprKind::Text(text) = &expr.kind {
            return Some(text.clone());
        }
        if let ExprKind::Name(name) = &expr.kind
            && self.scope.get(name).is_none()
        {
            let kind = ResolveErrorKind::UnknownName { name: name.clone(), suggestion: None, below: None };
            let advice = format!("names of files and of arrays in them stand in quotes: `\"{name}\"`");
            self.build.advise(expr.span, kind, Some(advice));
            return None;
        }
        let found = self.value(expr)?.show();
        self.fail(expr.span, ResolveErrorKind::WrongKind { expected: "a string in quotes", found })
    }
}
