//! Sizes: whole numbers that a claim is about for all values. A claim in which sizes occur is a family of claims: it is
//! kept as syntax and resolved anew for each choice of numbers, as if they had been written in place of the sizes.
//! Decides no claims and chooses no numbers.

use super::build::arrays::number_array;
use super::build::error::ResolveErrorKind;
use super::build::value::{Array, Role};
use super::scope::Entry;
use super::symbolic::SizeProof;
use super::value::Value;
use super::{ResolveError, Resolved, Resolver};
use rustc_hash::FxHashMap;

use crate::source::Span;
use crate::syntax::ast::{
    BinaryOp, Chain, Claim, ClaimScope, CompareOp, Condition, Declared, Expr, ExprKind, Name, Prop, PropKind,
    Statement, StatementKind,
};
use crate::syntax::{names, print_proposition};
use convproof_engine::ir::{ClaimKind, Prop as Resolution, Symbols};
use convproof_engine::prove::instances::Rule;
use convproof_engine::symbolic::Unread;
use convproof_exact::Rational;

/// Most sizes that one claim may depend on.
const MAX_SIZES: usize = 8;

/// The sizes of a spec and what was declared with them.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    names: Vec<String>,
    conditions: Vec<Condition>,
    /// Declarations in which sizes occur, in order.
    later: Vec<Statement>,
    /// The free symbols without those of any instance, while there is one.
    plain: Option<Symbols>,
    /// Stacks and kernels without sizes, as they were written.
    written: FxHashMap<String, Expr>,
}

/// A claim for all values of some sizes.
#[derive(Clone, Debug)]
pub struct Family {
    /// The label.
    pub label: Option<String>,
    /// The keyword.
    pub kind: ClaimKind,
    /// What is claimed, on one line, without keyword and label.
    pub statement: String,
    /// Its place.
    pub span: Span,
    /// The sizes that it depends on, in order of declaration.
    pub sizes: Vec<String>,
    /// What is assumed of the sizes.
    pub(super) conditions: Vec<Condition>,
    /// The declarations in which they occur and that it depends on, in order.
    pub(super) declarations: Vec<Statement>,
    /// What is claimed of inputs whose size satisfies what is left of its condition.
    pub(super) body: Prop,
}

/// A family at some numbers.
#[derive(Clone, Debug)]
pub enum Instance {
    /// The numbers do not satisfy what is assumed of them.
    Excluded,
    /// The claim with the numbers in place of the sizes.
    Claim(Resolution),
}

impl Family {
    /// The same claim of fewer values: those that satisfy one more condition.
    #[must_use]
    pub fn restricted(&self, rule: Rule) -> Self {
        let name = |at: usize| ExprKind::Name(self.sizes[at].clone());
        let (left, op, right) = match rule {
            Rule::One(a) => (name(a), CompareOp::Eq, ExprKind::Number(Rational::from(1))),
            Rule::UpTo(a, most) => (name(a), CompareOp::Le, ExprKind::Number(Rational::from(most))),
            Rule::Same(a, b) => (name(a), CompareOp::Eq, name(b)),
            Rule::AtMost(a, b) => (name(a), CompareOp::Le, name(b)),
        };
        let expr = |kind: ExprKind| Expr { kind, span: self.span };
        let mut fewer = self.clone();
        fewer.conditions.push(Condition::Compare { left: expr(left), op, right: expr(right) });
        fewer
    }

    /// Both sides of an equation.
    pub(super) fn sides(&self) -> Option<[&Expr; 2]> {
        match &self.body.kind {
            PropKind::Compare { left, op: CompareOp::Eq, right, .. } => Some([left, right]),
            _ => None,
        }
    }
}

impl Sizes {
    /// What was written for a name, if it is an expression without sizes.
    pub(super) fn written(&self, name: &str) -> Option<&Expr> {
        self.written.get(name)
    }

    fn is_free(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name) || self.later.iter().any(|own| declared(own) == Some(name))
    }
}

/// The name that a declaration declares.
pub(super) fn declared(statement: &Statement) -> Option<&str> {
    match &statement.kind {
        StatementKind::Kernel { target, .. } | StatementKind::Image { target, .. } => Some(&target.name.text),
        StatementKind::Scalar { name, .. } | StatementKind::Stack { name, .. } => Some(&name.text),
        _ => None,
    }
}

impl Resolver<'_> {
    /// Resolves a statement about sizes; `None` if it is not about any.
    pub(super) fn sized(&mut self, statement: &Statement) -> Option<Option<Resolved>> {
        if let Some(plain) = self.sizes.plain.take() {
            self.build.symbols = plain;
        }
        if let StatementKind::Size { names, condition } = &statement.kind {
            return Some(self.new_sizes(names, condition.as_ref()));
        }
        let free = |name: &&str| self.sizes.is_free(name);
        if self.sizes.names.is_empty() || !names::of_statement(&statement.kind).iter().any(free) {
            self.note(statement);
            return None;
        }
        Some(match &statement.kind {
            StatementKind::Prove(claim) => self.family(ClaimKind::Prove, claim, statement.span),
            StatementKind::Refute(claim) => self.family(ClaimKind::Refute, claim, statement.span),
            StatementKind::Chain(claim) => self.steps(claim),
            StatementKind::Solve(_) | StatementKind::Fit(_) => {
                let why = "`solve` and `fit` look for one kernel, and a size stands for every whole number";
                self.fail(statement.span, ResolveErrorKind::Size(why))
            }
            StatementKind::Export { .. } => {
                let why = "an array has numbers, and a size stands for every whole number";
                self.fail(statement.span, ResolveErrorKind::Size(why))
            }
            _ => self.declare_later(statement),
        })
    }

    /// Takes note of how a declaration was written.
    fn note(&mut self, statement: &Statement) {
        let (name, value) = match &statement.kind {
            StatementKind::Stack { name, value } => (name, value),
            StatementKind::Kernel { target, value: Some(value) } => (&target.name, value),
            _ => return,
        };
        // Literals and files are read from their values. A second declaration of a name is a mistake.
        if self.scope.get(&name.text).is_none() && !names::of_expression(value).is_empty() {
            self.sizes.written.insert(name.text.clone(), value.clone());
        }
    }

    fn new_sizes(&mut self, names: &[Name], condition: Option<&Condition>) -> Option<Resolved> {
        for name in names {
            if matches!(name.text.as_str(), "h" | "w") {
                let why = "`h` and `w` are the height and width of the input; sizes have other names";
                return self.fail(name.span, ResolveErrorKind::Size(why));
            }
            if !self.may_declare(name) {
                return None;
            }
            self.scope.set(&name.text, Entry { value: None, span: name.span });
            self.sizes.names.push(name.text.clone());
        }
        let Some(condition) = condition else { return Some(Resolved::Declaration) };
        if names::of_condition(condition).iter().any(|name| !self.sizes.names.iter().any(|own| own == name)) {
            let why = "what is assumed of sizes is said with sizes and numbers alone";
            return self.fail(names[0].span, ResolveErrorKind::Size(why));
        }
        self.sizes.conditions.push(condition.clone());
        Some(Resolved::Declaration)
    }

    /// Keeps a declaration for later, once it has been seen to mean something for the least numbers.
    fn declare_later(&mut self, statement: &Statement) -> Option<Resolved> {
        let (target, span) = match &statement.kind {
            StatementKind::Kernel { target: Declared { name, .. }, .. }
            | StatementKind::Image { target: Declared { name, .. }, .. }
            | StatementKind::Scalar { name, .. }
            | StatementKind::Stack { name, .. } => (name, name.span),
            _ => return None,
        };
        if !self.may_declare(target) {
            return None;
        }
        if names::of_statement(&statement.kind).contains(target.text.as_str()) {
            let why = "a name is declared before its uses, so not by itself";
            return self.fail(span, ResolveErrorKind::Size(why));
        }
        self.scope.set(&target.text, Entry { value: None, span });
        self.sizes.later.push(statement.clone());
        // Names that are not there are reported here, not with each use.
        let known = |name: &&str| {
            let mut words = super::builtins::names().chain(super::builtins::MODES);
            self.scope.get(name).is_some() || words.any(|own| own == *name)
        };
        let missing: Vec<String> = names::of_statement(&statement.kind)
            .iter()
            .filter(|name| !known(name))
            .map(ToString::to_string)
            .collect();
        for name in missing {
            self.lookup(&name, statement.span);
        }
        self.build.errors.is_empty().then_some(Resolved::Declaration)
    }

    fn family(&mut self, kind: ClaimKind, claim: &Claim<Prop>, span: Span) -> Option<Resolved> {
        Some(Resolved::Families(vec![self.family_of(kind, claim.label.clone(), &claim.body, span)?]))
    }

    fn steps(&mut self, claim: &Claim<Chain>) -> Option<Resolved> {
        let mut left = &claim.body.first;
        let mut families = Vec::with_capacity(claim.body.links.len());
        for (at, link) in claim.body.links.iter().enumerate() {
            let step = format!("step {}", at + 1);
            let label = claim.label.as_ref().map_or_else(|| step.clone(), |label| format!("{label} {step}"));
            let prop = super::statements::as_proposition(left, link);
            families.push(self.family_of(ClaimKind::Chain, Some(label), &prop, link.span)?);
            left = &link.right;
        }
        Some(Resolved::Families(families))
    }

    fn family_of(
        &mut self,
        kind: ClaimKind,
        label: Option<String>,
        prop: &Prop,
        span: Span,
    ) -> Option<Family> {
        let statement = print_proposition(prop);
        let mut body = prop.clone();
        let mut conditions = Vec::new();
        if let PropKind::Compare { scope, .. } | PropKind::Within { scope, .. } = &mut body.kind {
            conditions = split(scope);
        }
        // What the claim depends on, through declarations; then through conditions that tie sizes together.
        let mut wanted: Vec<String> = names::of_proposition(prop).into_iter().map(str::to_owned).collect();
        let mut declarations = Vec::new();
        for own in self.sizes.later.iter().rev() {
            if declared(own).is_some_and(|name| wanted.iter().any(|other| other == name)) {
                wanted.extend(names::of_statement(&own.kind).into_iter().map(str::to_owned));
                declarations.push(own.clone());
            }
        }
        declarations.reverse();
        let mut left: Vec<&Condition> = self.sizes.conditions.iter().collect();
        while let Some(at) = left.iter().position(|part| {
            names::of_condition(part).iter().any(|name| wanted.iter().any(|other| other == name))
        }) {
            let part = left.swap_remove(at);
            wanted.extend(names::of_condition(part).into_iter().map(str::to_owned));
            conditions.push(part.clone());
        }
        let sizes: Vec<String> =
            self.sizes.names.iter().filter(|name| wanted.contains(name)).cloned().collect();
        if sizes.len() > MAX_SIZES {
            let why = "a claim may depend on up to 8 sizes";
            return self.fail(span, ResolveErrorKind::Size(why));
        }
        Some(Family { label, kind, statement, span, sizes, conditions, declarations, body })
    }

    /// A family with numbers in place of its sizes. The free symbols are those of this instance until the next.
    ///
    /// # Errors
    /// Every mistake that there is with these numbers.
    pub fn instance(&mut self, family: &Family, values: &[i64]) -> Result<Instance, Vec<ResolveError>> {
        self.scope.reveal(0);
        self.build.errors.clear();
        let resolved = self.at(family, values);
        self.scope.reveal(0);
        let mut errors = std::mem::take(&mut self.build.errors);
        errors.sort_by_key(|error| error.span);
        resolved.filter(|_| errors.is_empty()).ok_or(errors)
    }

    /// A proof for all values of the sizes.
    ///
    /// # Errors
    /// The reason why there is none.
    pub fn prove(&self, family: &Family) -> Result<SizeProof, &'static str> {
        super::symbolic::prove(self, family).map_err(|Unread(reason)| reason)
    }

    fn at(&mut self, family: &Family, values: &[i64]) -> Option<Instance> {
        let numbers = Numbers { sizes: &family.sizes, values, span: family.span };
        // Most choices of numbers get no further.
        for condition in &family.conditions {
            if !self.holds(condition, &numbers)? {
                return Some(Instance::Excluded);
            }
        }
        let plain = self.sizes.plain.get_or_insert_with(|| self.build.symbols.clone());
        self.build.symbols = plain.clone();
        self.hide_sizes(&numbers);
        for statement in &family.declarations {
            let (name, value) = self.declaration(statement)?;
            self.scope.hide(&name.text, Entry { value: Some(value?), span: name.span });
        }
        self.proposition(&family.body).map(Instance::Claim)
    }

    /// Lets the names of sizes stand for numbers.
    fn hide_sizes(&mut self, numbers: &Numbers<'_>) {
        for (name, value) in numbers.sizes.iter().zip(numbers.values) {
            let array = number_array(Rational::from(*value));
            let value = Some(Value::Array(Array { role: Role::Scalar, ..array }));
            self.scope.hide(name, Entry { value, span: numbers.span });
        }
    }

    /// Whether a condition on sizes is true of their numbers.
    fn holds(&mut self, condition: &Condition, numbers: &Numbers<'_>) -> Option<bool> {
        Some(match condition {
            Condition::And(a, b) => self.holds(a, numbers)? && self.holds(b, numbers)?,
            Condition::Or(a, b) => self.holds(a, numbers)? || self.holds(b, numbers)?,
            Condition::Not(inner) => !self.holds(inner, numbers)?,
            Condition::Compare { left, op, right } => {
                let (a, b) = (self.whole(left, numbers)?, self.whole(right, numbers)?);
                match op {
                    CompareOp::Eq => a == b,
                    CompareOp::Ne => a != b,
                    CompareOp::Lt => a < b,
                    CompareOp::Le => a <= b,
                    CompareOp::Gt => a > b,
                    CompareOp::Ge => a >= b,
                }
            }
        })
    }

    /// A number in a condition.
    fn whole(&mut self, expr: &Expr, numbers: &Numbers<'_>) -> Option<Rational> {
        match &expr.kind {
            ExprKind::Name(name) if numbers.of(name).is_some() => numbers.of(name).map(Rational::from),
            ExprKind::Number(number) => Some(number.clone()),
            ExprKind::Negate(inner) => Some(-self.whole(inner, numbers)?),
            ExprKind::Binary(BinaryOp::Rem, left, right) => {
                let (a, b) = (self.whole(left, numbers)?, self.whole(right, numbers)?);
                let positive = |n: &i64| *n > 0;
                let Some((a, b)) = a.as_i64().zip(b.as_i64().filter(positive)) else {
                    let why = "a remainder is that of a whole number, by a positive one";
                    return self.fail(expr.span, ResolveErrorKind::Size(why));
                };
                Some(Rational::from(a.rem_euclid(b)))
            }
            ExprKind::Binary(op @ (BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul), left, right) => {
                let (a, b) = (self.whole(left, numbers)?, self.whole(right, numbers)?);
                Some(match op {
                    BinaryOp::Add => &a + &b,
                    BinaryOp::Sub => &a - &b,
                    _ => &a * &b,
                })
            }
            _ => {
                self.hide_sizes(numbers);
                let number = self.number(expr, "a number in a condition on sizes");
                self.scope.reveal(0);
                number
            }
        }
    }
}

/// Numbers in place of sizes.
struct Numbers<'a> {
    sizes: &'a [String],
    values: &'a [i64],
    span: Span,
}

impl Numbers<'_> {
    /// The number that a size stands for.
    fn of(&self, name: &str) -> Option<i64> {
        self.sizes.iter().position(|own| own == name).and_then(|at| self.values.get(at)).copied()
    }
}

/// Takes the parts of a scope's condition that do not speak of the input, which are about sizes alone.
fn split(scope: &mut ClaimScope) -> Vec<Condition> {
    let Some(condition) = scope.condition.take() else { return Vec::new() };
    let mut parts = vec![condition];
    let (mut about_sizes, mut rest): (Vec<Condition>, Vec<Condition>) = (Vec::new(), Vec::new());
    while let Some(part) = parts.pop() {
        match part {
            Condition::And(a, b) => parts.extend([*b, *a]),
            part => {
                let names = names::of_condition(&part);
                let input = names.contains("h") || names.contains("w");
                if input { rest.push(part) } else { about_sizes.push(part) }
            }
        }
    }
    scope.condition = rest.into_iter().reduce(|a, b| Condition::And(Box::new(a), Box::new(b)));
    about_sizes
}
