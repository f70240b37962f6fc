//! The statements of one spec, one after the other: which are read, which are decided, and when it ends. What a claim's
//! verdict is, `check` says.

use crate::algebra::budget::Budget;
use crate::algebra::budget::Cancel;
use crate::diagnostic::Diagnostic;
use crate::kernel::{ConcreteKernel, Kernel};
use crate::report::{ClaimReport, Entry, FileReport};
use crate::resolve::{ClaimBody, Family, Resolved, ResolvedClaim, Resolver, operator_diagnostic};
use crate::source::Source;
use crate::syntax::ast::{Item, Spec, Statement, StatementKind};
use crate::syntax::parse;

use super::{
    Heading, all_sizes, bind_nothing, decide, declare, halt_diagnostic, halted, read_statement, unread,
};

/// How a spec is checked.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// For each step; its flag stops those under way and to come.
    pub budget: Budget,
    /// Only claims whose label contains this are decided and reported, or whose statement does where there is no label.
    /// What `solve` and `fit` bind is bound all the same.
    pub only: Option<String>,
    /// Whether to end at the first claim that fails, or the first mistake.
    pub fail_fast: bool,
    /// Ends the run before its next statement.
    pub stop: Cancel,
}

/// What happens in a run.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A statement is read next.
    Reading(&'a str),
    /// A claim is decided next.
    Deciding {
        /// Its label, or its statement.
        label: &'a str,
        /// How many claims of the spec stand above it, and this one.
        number: usize,
        /// How many claims the spec has.
        of: usize,
    },
    /// A claim has its verdict.
    Decided(&'a ClaimReport),
    /// `solve` or `fit` has found the kernel of a name.
    Found(&'a str, &'a Kernel),
    /// Kernels are to go to a file below the spec's folder.
    Export {
        /// The file.
        path: &'a str,
        /// Each with its name.
        kernels: &'a [(String, ConcreteKernel)],
    },
    /// The run ended before so many claims.
    LeftOut(usize),
}

pub(super) struct Run<'a, 'r> {
    source: &'a Source,
    options: &'a Options,
    resolver: &'a mut Resolver<'r>,
    tell: &'a mut dyn FnMut(Event<'_>),
    entries: Vec<Entry>,
    errors: Vec<Diagnostic>,
    /// Claims met so far, and all of them.
    number: usize,
    of: usize,
    /// Whether a claim failed.
    fails: bool,
}

impl<'a, 'r> Run<'a, 'r> {
    pub(super) fn new(
        source: &'a Source,
        options: &'a Options,
        resolver: &'a mut Resolver<'r>,
        tell: &'a mut dyn FnMut(Event<'_>),
    ) -> Self {
        let (entries, errors) = (Vec::new(), Vec::new());
        Self { source, options, resolver, tell, entries, errors, number: 0, of: 0, fails: false }
    }

    pub(super) fn spec(mut self) -> FileReport {
        let (spec, mistakes) = parse(self.source.text());
        self.errors.extend(mistakes.iter().map(crate::syntax::SyntaxError::diagnostic));
        self.resolver.expect(&spec);
        self.of = count(&spec);
        for item in &spec.items {
            if self.ends() {
                break;
            }
            match item {
                Item::Prose(prose) => self.entries.push(Entry::Prose(prose.text.clone())),
                Item::Statement(statement) => self.statement(statement),
            }
        }
        if self.ends() && self.number < self.of {
            (self.tell)(Event::LeftOut(self.of - self.number));
        }
        let Self { source, entries, mut errors, .. } = self;
        errors.sort_by_key(|diagnostic| diagnostic.primary.span);
        FileReport { source: source.clone(), entries, errors }
    }

    /// Whether nothing more is to be decided.
    fn ends(&self) -> bool {
        self.options.stop.is_cancelled()
            || (self.options.fail_fast && (self.fails || !self.errors.is_empty()))
    }

    /// Whether what has no verdict has none because the run was ended; it is left out then.
    fn stopped(&self) -> bool {
        self.options.stop.is_cancelled()
    }

    fn statement(&mut self, statement: &Statement) {
        (self.tell)(Event::Reading(self.source.slice(statement.span).lines().next().unwrap_or_default()));
        match self.options.budget.run(|| read_statement(self.resolver, statement)) {
            Ok(Ok(Resolved::Declaration)) => declare(&mut self.entries, self.source, statement),
            Ok(Ok(Resolved::Export { path, kernels })) => {
                declare(&mut self.entries, self.source, statement);
                (self.tell)(Event::Export { path: &path, kernels: &kernels });
            }
            Ok(Ok(Resolved::Claims(claims))) => {
                for claim in &claims {
                    if self.ends() {
                        return bind_nothing(statement, self.resolver);
                    }
                    self.claim(claim, statement);
                }
            }
            Ok(Ok(Resolved::Families(families))) => {
                for family in &families {
                    if self.ends() {
                        return;
                    }
                    self.family(family);
                }
            }
            Ok(Err(found)) => {
                self.number += claims_of(&statement.kind);
                self.errors.extend(found.iter().map(crate::resolve::ResolveError::diagnostic));
            }
            Err(_) if self.stopped() => {}
            Err(halt) => {
                self.number += claims_of(&statement.kind);
                bind_nothing(statement, self.resolver);
                match unread(statement, self.source) {
                    Some(heading) => self.add(halted(heading, halt, self.source)),
                    None => self.errors.push(halt_diagnostic(&halt, statement.span)),
                }
            }
        }
    }

    fn claim(&mut self, claim: &ResolvedClaim, statement: &Statement) {
        let wanted = self.next(claim.label.as_deref(), &claim.statement);
        if !wanted && matches!(claim.body, ClaimBody::Prop(_)) {
            return;
        }
        match self.options.budget.run(|| decide(claim, self.resolver, self.source)) {
            Ok(Ok(report)) => {
                if wanted {
                    self.add(report);
                }
                self.found(claim);
            }
            Ok(Err(error)) => self.errors.push(operator_diagnostic(&error, claim.span)),
            Err(_) if self.stopped() => {
                bind_nothing(statement, self.resolver);
                self.number -= 1;
            }
            Err(halt) => {
                bind_nothing(statement, self.resolver);
                if wanted {
                    self.add(halted(Heading::of(claim), halt, self.source));
                }
            }
        }
    }

    /// Tells of the kernels that a claim has found.
    fn found(&mut self, claim: &ResolvedClaim) {
        let unknowns = match &claim.body {
            ClaimBody::Solve(equation) => &equation.unknowns,
            ClaimBody::Fit(problem) => &problem.equation.unknowns,
            ClaimBody::Prop(_) => return,
        };
        for unknown in unknowns {
            if let Some(kernel) = self.resolver.named_kernel(&unknown.name) {
                (self.tell)(Event::Found(&unknown.name, kernel));
            }
        }
    }

    fn family(&mut self, family: &Family) {
        if !self.next(family.label.as_deref(), &family.statement) {
            return;
        }
        match self.options.budget.run(|| all_sizes(family, self.resolver, self.source)) {
            Ok(Ok(report)) => self.add(report),
            Ok(Err(found)) => self.errors.extend(found),
            Err(_) if self.stopped() => self.number -= 1,
            Err(halt) => self.add(halted(Heading::of_family(family), halt, self.source)),
        }
    }

    /// Goes on to the next claim; tells of it if it is to be reported, and whether it is.
    fn next(&mut self, label: Option<&str>, statement: &str) -> bool {
        self.number += 1;
        let label = label.unwrap_or(statement);
        let wanted = self.options.only.as_ref().is_none_or(|part| label.contains(part));
        if wanted {
            (self.tell)(Event::Deciding { label, number: self.number, of: self.of.max(self.number) });
        }
        wanted
    }

    fn add(&mut self, report: ClaimReport) {
        self.fails |= !report.holds;
        (self.tell)(Event::Decided(&report));
        self.entries.push(Entry::Claim(Box::new(report)));
    }
}

/// How many claims a spec has.
fn count(spec: &Spec) -> usize {
    let statements = spec.items.iter().filter_map(|item| match item {
        Item::Statement(statement) => Some(&statement.kind),
        Item::Prose(_) => None,
    });
    statements.map(claims_of).sum()
}

/// How many claims a statement makes.
fn claims_of(kind: &StatementKind) -> usize {
    match kind {
        StatementKind::Chain(chain) => chain.body.links.len(),
        StatementKind::Prove(_)
        | StatementKind::Refute(_)
        | StatementKind::Solve(_)
        | StatementKind::Fit(_) => 1,
        _ => 0,
    }
}
