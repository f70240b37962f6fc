//! Syntax tree to canonical text: comments and prose, statements, propositions. Lines have at most 100 characters
//! wherever an expression allows a break; rows of arrays, conditions, labels and comments are never broken. Array
//! literals keep their lines.

mod expression;
mod literal;

use super::ast::{
    Argument, Chain, Claim, ClaimScope, Comment, CompareOp, Condition, Declared, Expr, ExprKind, Item, Link,
    Problem, Prop, PropKind, Relation, Spec, Statement, StatementKind,
};
use super::layout::Doc;
use expression::{flat, free, indices, quoted, standing};
use literal::array;

const WIDTH: usize = 100;

/// The canonical text of a spec, comments included. Parsing it gives the same tree up to places, and printing
/// that gives the same text, for every tree that [`parse`](super::parse) returns.
pub fn print(spec: &Spec) -> String {
    let mut page = Page { text: String::new(), after_prose: false };
    for item in &spec.items {
        match item {
            Item::Prose(prose) => {
                page.comments(&prose.comments);
                page.line(
                    &format!("\"\"\"\n{}\n\"\"\"", prose.text),
                    prose.blank_before || prose.comments.is_empty(),
                );
                page.after_prose = true;
            }
            Item::Statement(statement) => {
                page.comments(&statement.comments);
                let mut text = document(statement).render(WIDTH);
                if let Some(comment) = &statement.trailing {
                    text.push_str("  ");
                    text.push_str(&comment_text(comment));
                }
                page.line(&text, statement.blank_before);
            }
        }
    }
    page.comments(&spec.comments);
    page.text
}

/// A statement without its comments, on one line.
pub fn print_statement(statement: &Statement) -> String {
    document(statement).render(Doc::ONE_LINE)
}

/// A proposition on one line.
pub fn print_proposition(proposition: &Prop) -> String {
    self::proposition(proposition).render(Doc::ONE_LINE)
}

/// An expression on one line.
pub fn print_expression(expression: &Expr) -> String {
    flat(expression)
}

struct Page {
    text: String,
    after_prose: bool,
}

impl Page {
    /// Adds a line, after an empty one if asked to or if it follows prose.
    fn line(&mut self, text: &str, blank_before: bool) {
        if !self.text.is_empty() && (blank_before || self.after_prose) {
            self.text.push('\n');
        }
        self.after_prose = false;
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn comments(&mut self, comments: &[Comment]) {
        for comment in comments {
            self.line(&comment_text(&comment.text), comment.blank_before);
        }
    }
}

fn comment_text(text: &str) -> String {
    let space = if text.is_empty() || text.starts_with(['#', '!']) { "" } else { " " };
    format!("#{space}{text}")
}

fn document(statement: &Statement) -> Doc {
    match &statement.kind {
        StatementKind::Kernel { target, value } => {
            declaration(format!("kernel {}", declared(target)), value.as_ref())
        }
        StatementKind::Scalar { name, value } => declaration(format!("scalar {}", name.text), value.as_ref()),
        StatementKind::Image { target, value } => {
            declaration(format!("image {}", declared(target)), Some(value))
        }
        StatementKind::Stack { name, value } => declaration(format!("stack {}", name.text), Some(value)),
        StatementKind::Size { names, condition } => {
            let names: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
            let assumed = condition
                .as_ref()
                .map(|all| format!(" where {}", self::condition(all, 0)))
                .unwrap_or_default();
            Doc::Text(format!("size {}{assumed}", names.join(", ")))
        }
        StatementKind::Export { names, path } => {
            let names: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
            Doc::Text(format!("export {} {}", names.join(", "), quoted(&path.text)))
        }
        StatementKind::Prove(claim) => claimed("prove", claim, proposition),
        StatementKind::Refute(claim) => claimed("refute", claim, proposition),
        StatementKind::Chain(claim) => claimed("chain", claim, chain),
        StatementKind::Solve(claim) => problem("solve", "== ", claim),
        StatementKind::Fit(claim) => problem("fit", "~ ", claim),
    }
}

fn declaration(head: String, value: Option<&Expr>) -> Doc {
    match value {
        None => Doc::Text(head),
        Some(value) if matches!(value.kind, ExprKind::Array(..)) => {
            Doc::Concat(vec![Doc::Text(head + " = "), array(value, true)])
        }
        Some(value) => Doc::hanging(vec![Doc::Text(head + " ="), Doc::Break(" "), standing(value)]),
    }
}

fn claimed<T>(keyword: &str, claim: &Claim<T>, body: impl Fn(&T) -> Doc) -> Doc {
    let body = body(&claim.body);
    let head = match &claim.label {
        Some(label) => format!("{keyword} {}:", quoted(label)),
        // The colon keeps a string at the start of the body from being read as the label.
        None if body.begins_with('"') => format!("{keyword}:"),
        None => keyword.to_owned(),
    };
    Doc::hanging(vec![Doc::Text(head), Doc::Break(" "), body])
}

fn proposition(proposition: &Prop) -> Doc {
    let parts = match &proposition.kind {
        PropKind::Compare { left, op, right, scope } => {
            let operator = format!("{} ", comparison(*op));
            let mut parts = vec![free(left), Doc::Break(" "), Doc::Text(operator), free(right)];
            scoped(&mut parts, scope, &Doc::Break(" "));
            parts
        }
        PropKind::Within { left, right, bound, range, scope } => {
            let mut parts = vec![free(left), Doc::Break(" "), Doc::text("~= "), free(right), Doc::Break(" ")];
            parts.extend(within(bound, range.as_ref()));
            scoped(&mut parts, scope, &Doc::Break(" "));
            parts
        }
        PropKind::Exists { unknowns, field, body } => {
            let field = field.as_ref().map(|field| format!(" over {}", field.text)).unwrap_or_default();
            let head = format!("exists {}{field}:", kernels(unknowns));
            vec![Doc::Text(head), Doc::Break(" "), self::proposition(body)]
        }
        PropKind::Forall { kernels: names, body } => {
            vec![Doc::Text(format!("forall {}:", kernels(names))), Doc::Break(" "), self::proposition(body)]
        }
    };
    Doc::Group(Box::new(Doc::Concat(parts)))
}

fn chain(chain: &Chain) -> Doc {
    let mut parts = vec![free(&chain.first)];
    for Link { relation, right, scope, .. } in &chain.links {
        parts.push(Doc::Break(" "));
        match relation {
            Relation::Equal => parts.extend([Doc::text("== "), free(right)]),
            Relation::Within { bound, range } => {
                parts.extend([Doc::text("~= "), free(right), Doc::text(" ")]);
                parts.extend(within(bound, range.as_ref()));
            }
        }
        scoped(&mut parts, scope, &Doc::text(" "));
    }
    // Not a group of its own: a chain that does not fit has each step on a line.
    Doc::Concat(parts)
}

fn within(bound: &Expr, range: Option<&Expr>) -> Vec<Doc> {
    let mut parts = vec![Doc::text("within "), free(bound)];
    if let Some(range) = range {
        parts.extend([Doc::text(" for |x| <= "), free(range)]);
    }
    parts
}

/// Adds the clauses of a scope, each after a space or a break.
fn scoped(parts: &mut Vec<Doc>, scope: &ClaimScope, space: &Doc) {
    if let Some(size) = &scope.on {
        parts.extend([space.clone(), Doc::text("on "), free(size)]);
    }
    if let Some(condition) = &scope.condition {
        parts.extend([space.clone(), Doc::Text(format!("where {}", self::condition(condition, 0)))]);
    }
}

/// A condition, in parentheses if it binds less tightly than `level`.
fn condition(condition: &Condition, level: u8) -> String {
    let (own, text) = match condition {
        Condition::Or(a, b) => (1, format!("{} or {}", self::condition(a, 1), self::condition(b, 2))),
        Condition::And(a, b) => (2, format!("{} and {}", self::condition(a, 2), self::condition(b, 3))),
        Condition::Not(inner) => (3, format!("not {}", self::condition(inner, 3))),
        Condition::Compare { left, op, right } => {
            (4, format!("{} {} {}", flat(left), comparison(*op), flat(right)))
        }
    };
    if own < level { format!("({text})") } else { text }
}

fn comparison(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "==",
        CompareOp::Ne => "!=",
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
        CompareOp::Gt => ">",
        CompareOp::Ge => ">=",
    }
}

fn problem(keyword: &str, relation: &str, claim: &Claim<Problem>) -> Doc {
    let Problem { rank, unknowns, left, right, scope, within, quick, options, .. } = &claim.body;
    let label = claim.label.as_deref().map(quoted);
    let head = match (label, rank) {
        (Some(label), Some(rank)) => format!("{keyword} {label} rank {}:", flat(rank)),
        (None, Some(rank)) => format!("{keyword} rank {}:", flat(rank)),
        (Some(label), None) => format!("{keyword} {label}: {}:", kernels(unknowns)),
        (None, None) => format!("{keyword} {}:", kernels(unknowns)),
    };
    let mut parts = vec![free(left), Doc::Break(" "), Doc::text(relation), free(right)];
    scoped(&mut parts, scope, &Doc::Break(" "));
    if let Some(bound) = within {
        parts.push(Doc::Break(" "));
        parts.extend(self::within(bound, None));
    }
    if *quick {
        parts.extend([Doc::Break(" "), Doc::text("quick")]);
    }
    if !options.is_empty() {
        let options: Vec<String> = options.iter().map(option).collect();
        parts.extend([Doc::Break(" "), Doc::Text(format!("with {}", options.join(", ")))]);
    }
    Doc::hanging(vec![Doc::Text(head), Doc::Break(" "), Doc::Group(Box::new(Doc::Concat(parts)))])
}

fn option(option: &Argument) -> String {
    match &option.name {
        Some(name) => format!("{}={}", name.text, flat(&option.value)),
        None => flat(&option.value),
    }
}

fn kernels(kernels: &[Declared]) -> String {
    kernels.iter().map(declared).collect::<Vec<_>>().join(", ")
}

fn declared(declared: &Declared) -> String {
    let shape = declared.shape.as_deref().map(indices).unwrap_or_default();
    declared.name.text.clone() + &shape
}
