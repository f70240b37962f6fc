//! Expressions as text, with as few parentheses as their operators allow.

use convproof_exact::Rational;

use super::super::ast::{Argument, BinaryOp, Expr, ExprKind};
use super::super::layout::Doc;
use super::literal;

/// How tightly `-e` binds: less than `^`, more than `*`.
const SIGNED: u8 = 4;
/// How tightly calls, indices and single tokens bind.
const POSTFIX: u8 = 6;

/// An expression outside of an array literal.
pub(super) fn free(expression: &Expr) -> Doc {
    free_at(expression, BinaryOp::LOOSEST)
}

/// An expression that begins on a line of its own, so that its further lines need no indent.
pub(super) fn standing(expression: &Expr) -> Doc {
    match &expression.kind {
        ExprKind::Binary(op, ..) if *op != BinaryOp::Pow => {
            Doc::Group(Box::new(Doc::Concat(sequence(expression, op.level()))))
        }
        _ => free(expression),
    }
}

/// An expression outside of an array literal, on one line.
pub(super) fn flat(expression: &Expr) -> String {
    flat_at(expression, BinaryOp::LOOSEST)
}

fn flat_at(expression: &Expr, level: u8) -> String {
    free_at(expression, level).render(Doc::ONE_LINE)
}

/// How tightly the outermost operator binds.
fn level(expression: &Expr) -> u8 {
    match &expression.kind {
        ExprKind::Number(value) if number(value).contains('/') => BinaryOp::Div.level(),
        ExprKind::Number(value) if value.is_negative() => SIGNED,
        ExprKind::Negate(_) => SIGNED,
        ExprKind::Binary(op, ..) => op.level(),
        _ => POSTFIX,
    }
}

/// An expression, in parentheses if it binds less tightly than `least`.
fn free_at(expression: &Expr, least: u8) -> Doc {
    if level(expression) < least {
        return Doc::Concat(vec![Doc::text("("), free(expression), Doc::text(")")]);
    }
    match &expression.kind {
        ExprKind::Array(..) => literal::array(expression, false),
        ExprKind::Negate(inner) => Doc::Concat(vec![Doc::text("-"), free_at(inner, SIGNED)]),
        ExprKind::Binary(BinaryOp::Pow, base, exponent) => {
            Doc::Concat(vec![free_at(base, POSTFIX), Doc::text(" ^ "), free_at(exponent, SIGNED)])
        }
        ExprKind::Binary(op, ..) => Doc::hanging(sequence(expression, op.level())),
        ExprKind::Call(callee, arguments) => {
            let mut parts = Vec::new();
            for (index, argument) in arguments.iter().enumerate() {
                if index > 0 {
                    parts.extend([Doc::text(","), Doc::Break(" ")]);
                } else {
                    parts.push(Doc::Break(""));
                }
                let name = argument.name.as_ref();
                parts.extend(name.map(|name| Doc::Text(format!("{}=", name.text))));
                parts.push(free(&argument.value));
            }
            let inner =
                vec![Doc::text("("), Doc::Nest(Box::new(Doc::Concat(parts))), Doc::Break(""), Doc::text(")")];
            Doc::Concat(vec![free_at(callee, POSTFIX), Doc::Group(Box::new(Doc::Concat(inner)))])
        }
        ExprKind::Index(base, list) => Doc::Concat(vec![free_at(base, POSTFIX), Doc::Text(indices(list))]),
        ExprKind::Slice(parts) => Doc::Text(slice(parts)),
        ExprKind::Number(_) | ExprKind::Name(_) | ExprKind::Text(_) | ExprKind::Bool(_) => {
            Doc::Text(token(expression))
        }
    }
}

/// `a + b - c`: the operators of one level, joined to the left, each before its line break.
fn sequence(expression: &Expr, level: u8) -> Vec<Doc> {
    let mut parts = Vec::new();
    let mut first = expression;
    while let ExprKind::Binary(op, left, right) = &first.kind
        && op.level() == level
        && !is_fraction(first)
    {
        parts.extend([free_at(right, level + 1), Doc::Text(format!("{} ", symbol(*op))), Doc::Break(" ")]);
        first = left;
    }
    parts.push(match &first.kind {
        ExprKind::Binary(_, left, right) if is_fraction(first) => {
            Doc::Text(format!("{}/{}", token(left), token(right)))
        }
        _ => free_at(first, level),
    });
    parts.reverse();
    parts
}

/// Whether this is `1/3`, written without spaces.
fn is_fraction(expression: &Expr) -> bool {
    let plain = |side: &Expr| matches!(&side.kind, ExprKind::Number(value) if value.is_integer() && !value.is_negative());
    matches!(&expression.kind, ExprKind::Binary(BinaryOp::Div, left, right) if plain(left) && plain(right))
}

fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Pow => "^",
        BinaryOp::Rem => "%",
        BinaryOp::Then => "->",
    }
}

/// The text of an expression without parts; empty for others.
fn token(expression: &Expr) -> String {
    match &expression.kind {
        ExprKind::Number(value) => number(value),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Text(text) => quoted(text),
        ExprKind::Bool(value) => value.to_string(),
        _ => String::new(),
    }
}

/// The exact decimal, or a fraction where there is none.
fn number(value: &Rational) -> String {
    /// Enough for numbers that people type; others are tried at full length.
    const SHORT: usize = 20;
    if value.as_i64().is_some() {
        return value.to_string();
    }
    [SHORT, Rational::MAX_DIGITS]
        .into_iter()
        .map(|digits| value.to_decimal(digits))
        .find(|text| text.parse().as_ref() == Ok(value))
        .unwrap_or_else(|| value.to_string())
}

pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `from:to:step`.
fn slice([from, to, step]: &[Option<Expr>; 3]) -> String {
    let part = |part: &Option<Expr>| part.as_ref().map_or_else(String::new, flat);
    let step = step.as_ref().map_or_else(String::new, |step| format!(":{}", flat(step)));
    format!("{}:{}{step}", part(from), part(to))
}

/// `[i,j]` after a name.
pub(super) fn indices(list: &[Expr]) -> String {
    format!("[{}]", list.iter().map(flat).collect::<Vec<_>>().join(","))
}

/// An entry of an array literal.
pub(super) fn entry(expression: &Expr) -> String {
    entry_at(expression, BinaryOp::Mul.level())
}

/// An entry without spaces, in parentheses if it binds less tightly than `least`.
fn entry_at(expression: &Expr, least: u8) -> String {
    if level(expression) < least {
        return format!("({})", flat(expression));
    }
    match &expression.kind {
        ExprKind::Array(..) => literal::line(expression, " "),
        ExprKind::Negate(inner) => format!("-{}", entry_at(inner, SIGNED)),
        ExprKind::Binary(BinaryOp::Pow, base, exponent) => {
            format!("{}^{}", entry_at(base, POSTFIX), entry_at(exponent, SIGNED))
        }
        ExprKind::Binary(op, left, right) => {
            let level = op.level();
            format!("{}{}{}", entry_at(left, level), symbol(*op), entry_at(right, level + 1))
        }
        ExprKind::Call(base, arguments) => {
            format!("{}({})", callee(base), arguments.iter().map(argument).collect::<Vec<_>>().join(", "))
        }
        ExprKind::Index(base, list) => callee(base) + &indices(list),
        ExprKind::Slice(parts) => slice(parts),
        _ => token(expression),
    }
}

fn argument(argument: &Argument) -> String {
    let name = argument.name.as_ref().map(|name| format!("{}=", name.text)).unwrap_or_default();
    name + &flat(&argument.value)
}

/// What is called or indexed in an entry.
fn callee(expression: &Expr) -> String {
    match &expression.kind {
        ExprKind::Name(_) | ExprKind::Call(..) | ExprKind::Index(..) => entry_at(expression, POSTFIX),
        _ => format!("({})", flat(expression)),
    }
}
