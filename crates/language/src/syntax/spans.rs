//! Trees without places, to compare what two texts say.

use crate::source::Span;

use super::ast::{
    Argument, Chain, ClaimScope, Comment, Condition, Declared, Expr, ExprKind, Item, Layout, Name, Problem,
    Prop, PropKind, Relation, Spec, StatementKind,
};

impl Spec {
    /// The same tree with every span empty and no note of lines, but with its comments: equal for two texts that say
    /// the same.
    #[must_use]
    pub fn without_spans(&self) -> Spec {
        let mut spec = self.clone();
        for item in &mut spec.items {
            match item {
                Item::Prose(prose) => {
                    prose.span = Span::default();
                    prose.blank_before = false;
                    comments(&mut prose.comments);
                }
                Item::Statement(statement) => {
                    statement.span = Span::default();
                    statement.blank_before = false;
                    comments(&mut statement.comments);
                    kind(&mut statement.kind);
                }
            }
        }
        comments(&mut spec.comments);
        spec.broken.iter_mut().for_each(name);
        spec
    }
}

fn comments(comments: &mut [Comment]) {
    for comment in comments {
        comment.blank_before = false;
    }
}

fn name(name: &mut Name) {
    name.span = Span::default();
}

fn declared(declared: &mut Declared) {
    name(&mut declared.name);
    declared.shape.iter_mut().flatten().for_each(expression);
}

fn kind(kind: &mut StatementKind) {
    match kind {
        StatementKind::Kernel { target, value } => {
            declared(target);
            value.iter_mut().for_each(expression);
        }
        StatementKind::Scalar { name: target, value } => {
            name(target);
            value.iter_mut().for_each(expression);
        }
        StatementKind::Image { target, value } => {
            declared(target);
            expression(value);
        }
        StatementKind::Stack { name: target, value } => {
            name(target);
            expression(value);
        }
        StatementKind::Size { names, condition: assumed } => {
            names.iter_mut().for_each(name);
            assumed.iter_mut().for_each(condition);
        }
        StatementKind::Export { names, path } => names.iter_mut().chain([path]).for_each(name),
        StatementKind::Prove(claim) | StatementKind::Refute(claim) => proposition(&mut claim.body),
        StatementKind::Chain(claim) => chain(&mut claim.body),
        StatementKind::Solve(claim) | StatementKind::Fit(claim) => problem(&mut claim.body),
    }
}

fn chain(chain: &mut Chain) {
    expression(&mut chain.first);
    for link in &mut chain.links {
        link.span = Span::default();
        if let Relation::Within { bound, range } = &mut link.relation {
            expression(bound);
            range.iter_mut().for_each(expression);
        }
        expression(&mut link.right);
        scope(&mut link.scope);
    }
}

fn problem(problem: &mut Problem) {
    problem.span = Span::default();
    problem.rank.iter_mut().for_each(expression);
    problem.unknowns.iter_mut().for_each(declared);
    expression(&mut problem.left);
    expression(&mut problem.right);
    scope(&mut problem.scope);
    problem.within.iter_mut().for_each(expression);
    problem.options.iter_mut().for_each(argument);
}

fn proposition(prop: &mut Prop) {
    prop.span = Span::default();
    match &mut prop.kind {
        PropKind::Compare { left, right, scope: sizes, .. } => {
            expression(left);
            expression(right);
            scope(sizes);
        }
        PropKind::Within { left, right, bound, range, scope: sizes } => {
            expression(left);
            expression(right);
            expression(bound);
            range.iter_mut().for_each(expression);
            scope(sizes);
        }
        PropKind::Exists { unknowns, field, body } => {
            unknowns.iter_mut().for_each(declared);
            field.iter_mut().for_each(name);
            proposition(body);
        }
        PropKind::Forall { kernels, body } => {
            kernels.iter_mut().for_each(declared);
            proposition(body);
        }
    }
}

fn scope(scope: &mut ClaimScope) {
    scope.on.iter_mut().for_each(expression);
    scope.condition.iter_mut().for_each(condition);
}

fn condition(condition: &mut Condition) {
    match condition {
        Condition::And(a, b) | Condition::Or(a, b) => {
            self::condition(a);
            self::condition(b);
        }
        Condition::Not(inner) => self::condition(inner),
        Condition::Compare { left, right, .. } => {
            expression(left);
            expression(right);
        }
    }
}

fn argument(argument: &mut Argument) {
    argument.name.iter_mut().for_each(name);
    expression(&mut argument.value);
}

/// The comments of a layout, if it has any.
fn commented(layout: Layout) -> Option<Layout> {
    let mut breaks = layout.breaks;
    breaks.retain(|line| line.trailing.is_some() || !line.comments.is_empty());
    for line in &mut breaks {
        line.blank_before = false;
        comments(&mut line.comments);
    }
    (!breaks.is_empty()).then(|| Layout { breaks, ..Layout::default() })
}

fn expression(expr: &mut Expr) {
    expr.span = Span::default();
    match &mut expr.kind {
        ExprKind::Number(_) | ExprKind::Name(_) | ExprKind::Text(_) | ExprKind::Bool(_) => {}
        ExprKind::Array(entries, layout) => {
            entries.iter_mut().for_each(expression);
            *layout = layout.take().and_then(|layout| commented(*layout)).map(Box::new);
        }
        ExprKind::Negate(inner) => expression(inner),
        ExprKind::Binary(_, left, right) => {
            expression(left);
            expression(right);
        }
        ExprKind::Call(callee, arguments) => {
            expression(callee);
            arguments.iter_mut().for_each(argument);
        }
        ExprKind::Index(base, list) => {
            expression(base);
            list.iter_mut().for_each(expression);
        }
        ExprKind::Slice(parts) => parts.iter_mut().flatten().for_each(expression),
    }
}
