//! Which names a piece of a spec mentions. What they stand for is not its business.

use rustc_hash::FxHashSet;

use super::ast::{
    ClaimScope, Condition, Declared, Expr, ExprKind, Link, Name, Prop, PropKind, Relation, StatementKind,
};

/// Names as they are written.
pub type Names<'a> = FxHashSet<&'a str>;

/// The names that a statement declares for those after it.
pub fn declared(kind: &StatementKind) -> Vec<&Name> {
    match kind {
        StatementKind::Kernel { target, .. } | StatementKind::Image { target, .. } => vec![&target.name],
        StatementKind::Scalar { name, .. } | StatementKind::Stack { name, .. } => vec![name],
        StatementKind::Size { names, .. } => names.iter().collect(),
        StatementKind::Solve(claim) | StatementKind::Fit(claim) => {
            claim.body.unknowns.iter().map(|unknown| &unknown.name).collect()
        }
        StatementKind::Export { .. }
        | StatementKind::Prove(_)
        | StatementKind::Refute(_)
        | StatementKind::Chain(_) => Vec::new(),
    }
}

/// The names that a statement mentions, those that it declares left out.
pub fn of_statement(kind: &StatementKind) -> Names<'_> {
    let mut all = Names::default();
    match kind {
        StatementKind::Kernel { target, value } => {
            extents(target, &mut all);
            value.iter().for_each(|expr| expression(expr, &mut all));
        }
        StatementKind::Image { target, value } => {
            extents(target, &mut all);
            expression(value, &mut all);
        }
        StatementKind::Scalar { value, .. } => value.iter().for_each(|expr| expression(expr, &mut all)),
        StatementKind::Stack { value, .. } => expression(value, &mut all),
        StatementKind::Size { condition: assumed, .. } => {
            assumed.iter().for_each(|part| condition(part, &mut all));
        }
        StatementKind::Export { names, .. } => all.extend(names.iter().map(|name| name.text.as_str())),
        StatementKind::Prove(claim) | StatementKind::Refute(claim) => proposition(&claim.body, &mut all),
        StatementKind::Chain(claim) => {
            expression(&claim.body.first, &mut all);
            claim.body.links.iter().for_each(|step| link(step, &mut all));
        }
        StatementKind::Solve(claim) | StatementKind::Fit(claim) => {
            let problem = &claim.body;
            problem.rank.iter().for_each(|expr| expression(expr, &mut all));
            problem.unknowns.iter().for_each(|unknown| extents(unknown, &mut all));
            [&problem.left, &problem.right].into_iter().for_each(|expr| expression(expr, &mut all));
            scope(&problem.scope, &mut all);
            problem.within.iter().for_each(|expr| expression(expr, &mut all));
            problem.options.iter().for_each(|option| expression(&option.value, &mut all));
        }
    }
    all
}

/// The names that a proposition mentions.
pub fn of_proposition(prop: &Prop) -> Names<'_> {
    let mut all = Names::default();
    proposition(prop, &mut all);
    all
}

/// The names that a condition mentions.
pub fn of_condition(part: &Condition) -> Names<'_> {
    let mut all = Names::default();
    condition(part, &mut all);
    all
}

/// The names that an expression mentions.
pub fn of_expression(expr: &Expr) -> Names<'_> {
    let mut all = Names::default();
    expression(expr, &mut all);
    all
}

fn extents<'a>(declared: &'a Declared, all: &mut Names<'a>) {
    declared.shape.iter().flatten().for_each(|expr| expression(expr, all));
}

fn link<'a>(link: &'a Link, all: &mut Names<'a>) {
    if let Relation::Within { bound, range } = &link.relation {
        expression(bound, all);
        range.iter().for_each(|expr| expression(expr, all));
    }
    expression(&link.right, all);
    scope(&link.scope, all);
}

fn proposition<'a>(prop: &'a Prop, all: &mut Names<'a>) {
    match &prop.kind {
        PropKind::Compare { left, right, scope: sizes, .. } => {
            expression(left, all);
            expression(right, all);
            scope(sizes, all);
        }
        PropKind::Within { left, right, bound, range, scope: sizes } => {
            [left, right, bound].into_iter().chain(range).for_each(|expr| expression(expr, all));
            scope(sizes, all);
        }
        PropKind::Exists { unknowns: kernels, body, .. } | PropKind::Forall { kernels, body } => {
            kernels.iter().for_each(|kernel| extents(kernel, all));
            proposition(body, all);
        }
    }
}

fn scope<'a>(scope: &'a ClaimScope, all: &mut Names<'a>) {
    scope.on.iter().for_each(|expr| expression(expr, all));
    scope.condition.iter().for_each(|part| condition(part, all));
}

fn condition<'a>(part: &'a Condition, all: &mut Names<'a>) {
    match part {
        Condition::And(a, b) | Condition::Or(a, b) => {
            condition(a, all);
            condition(b, all);
        }
        Condition::Not(inner) => condition(inner, all),
        Condition::Compare { left, right, .. } => {
            expression(left, all);
            expression(right, all);
        }
    }
}

fn expression<'a>(expr: &'a Expr, all: &mut Names<'a>) {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) => {}
        ExprKind::Name(name) => {
            all.insert(name);
        }
        ExprKind::Array(entries, _) => entries.iter().for_each(|entry| expression(entry, all)),
        ExprKind::Negate(inner) => expression(inner, all),
        ExprKind::Binary(_, left, right) => {
            expression(left, all);
            expression(right, all);
        }
        ExprKind::Call(callee, arguments) => {
            expression(callee, all);
            arguments.iter().for_each(|argument| expression(&argument.value, all));
        }
        ExprKind::Index(base, indices) => {
            expression(base, all);
            indices.iter().for_each(|index| expression(index, all));
        }
        ExprKind::Slice(parts) => parts.iter().flatten().for_each(|part| expression(part, all)),
    }
}
