//! The statements of one spec: which are read, which are decided, by which thread, and when it ends. What a claim's
//! verdict is, `check` says.
//!
//! One thread reads the statements in order. Claims that bind nothing can be decided beside it, with the symbols as they
//! are where the claim stands; `ledger` puts what comes of them into order. So the report is the same for any number of
//! threads, but for its times.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder};

use crate::algebra::budget::{Budget, Cancel};
use crate::diagnostic::Diagnostic;
use crate::ir::{Prop, Symbols, Unknown};
use crate::kernel::{ConcreteKernel, Kernel};
use crate::operator::OperatorError;
use crate::report::{ClaimKind, ClaimReport, FileReport};
use crate::resolve::{ClaimBody, Family, Resolved, ResolvedClaim, Resolver, operator_diagnostic};
use crate::room::STACK;
use crate::source::{Origins, Places, Source};
use crate::syntax::ast::{Item, Spec, Statement, StatementKind};
use crate::syntax::parse;

use super::ledger::{Ledger, Step};
use super::team::Team;
use super::{
    Heading, all_sizes, bind_nothing, decide, decide_prop, halt_diagnostic, halted, read_statement, unread,
};

/// How a spec is checked.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// For each step; its flag stops those under way and to come.
    pub budget: Budget,
    /// For each step of threads that decide claims beside the one that reads the spec; a thread for each. The flags of all
    /// are set where a failure ends the run.
    pub helpers: Vec<Budget>,
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
        /// The thread: 0 reads the spec, too, and the others help.
        thread: usize,
    },
    /// A helping thread has nothing to do.
    Idle(usize),
    /// A claim has its verdict, and so have those before it.
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

/// What all threads share.
struct Shared<'a> {
    source: &'a Source,
    options: &'a Options,
    ledger: Mutex<Ledger<'a>>,
    team: Team<Job>,
}

/// A claim to be decided.
struct Job {
    /// Its place in the ledger.
    place: usize,
    heading: Heading,
    number: usize,
    of: usize,
    prop: Prop,
    /// As they are where it stands.
    symbols: Symbols,
    origins: Origins,
}

/// Checks a spec.
pub(super) fn run(
    source: &Source,
    options: &Options,
    resolver: &mut Resolver<'_>,
    tell: &mut (dyn FnMut(Event<'_>) + Send),
) -> FileReport {
    let (spec, mistakes) = parse(source.text());
    let errors = mistakes.iter().map(crate::syntax::SyntaxError::diagnostic).collect();
    let budgets = [&options.budget].into_iter().chain(&options.helpers);
    let fail_fast = options.fail_fast.then(|| budgets.map(|budget| budget.cancel.clone()).collect());
    let ledger = Mutex::new(Ledger::new(tell, fail_fast, errors));
    let of = count(&spec);
    // A spec with few claims is done before a thread has begun.
    let helpers = &options.helpers[..options.helpers.len().min(of.saturating_sub(1))];
    let shared = Shared { source, options, ledger, team: Team::new(helpers.len()) };
    resolver.expect(&spec);
    thread::scope(|scope| {
        for (budget, thread) in helpers.iter().zip(1..) {
            // Without a thread to spare the others do its work.
            let shared = &shared;
            let _ = Builder::new().stack_size(STACK).spawn_scoped(scope, move || shared.help(budget, thread));
        }
        Run { shared: &shared, resolver, place: 0, number: 0, of }.spec(&spec);
        while let Some(job) = shared.team.now() {
            shared.decide(job, &options.budget, 0);
        }
        shared.team.close();
    });
    let ledger = shared.ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
    ledger.finish(source, of, options.stop.is_cancelled())
}

impl<'a> Shared<'a> {
    fn ledger(&self) -> MutexGuard<'_, Ledger<'a>> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing more is to be decided.
    fn ends(&self) -> bool {
        self.stopped() || self.ledger().ended()
    }

    /// Whether what has no verdict has none because the run was ended; it is left out then.
    fn stopped(&self) -> bool {
        self.options.stop.is_cancelled()
    }

    /// Takes one claim after the other until there are no more.
    fn help(&self, budget: &Budget, thread: usize) {
        while let Some(job) = self.team.next() {
            self.decide(job, budget, thread);
            self.ledger().tell(Event::Idle(thread));
        }
    }

    fn decide(&self, job: Job, budget: &Budget, thread: usize) {
        let Job { place, heading, number, of, prop, symbols, origins } = job;
        let places = Places { source: self.source, origins: &origins };
        if !self.begin(&heading, number, of, thread) {
            return self.ledger().put(place, Step::Stopped);
        }
        let step = match budget.run(|| decide_prop(&prop, &heading, &symbols, places)) {
            Ok(Ok(report)) => decided(report),
            Ok(Err(error)) => wrong(&error, &origins, &heading),
            Err(_) if self.stopped() => Step::Stopped,
            Err(halt) => decided(halted(heading, halt, self.source)),
        };
        self.ledger().put(place, step);
    }

    /// Tells that a thread begins with a claim, and whether it is to.
    fn begin(&self, heading: &Heading, number: usize, of: usize, thread: usize) -> bool {
        let mut ledger = self.ledger();
        let begins = !ledger.ended() && !self.stopped();
        if begins {
            ledger.tell(Event::Deciding { label: heading.label(), number, of, thread });
        }
        begins
    }
}

fn decided(claim: ClaimReport) -> Step {
    Step::Decided { claim: Some(Box::new(claim)), found: Vec::new() }
}

fn names_of(unknowns: &[Unknown]) -> Vec<&str> {
    unknowns.iter().map(|unknown| unknown.name.as_str()).collect()
}

fn wrong(error: &OperatorError, origins: &Origins, heading: &Heading) -> Step {
    Step::Passed { claims: 1, errors: vec![operator_diagnostic(error, origins, heading.span)] }
}

/// The thread that reads.
struct Run<'s, 'a, 'r, 'l> {
    shared: &'s Shared<'a>,
    resolver: &'r mut Resolver<'l>,
    /// The next place in the ledger.
    place: usize,
    /// Claims met so far, and all of them.
    number: usize,
    of: usize,
}

impl Run<'_, '_, '_, '_> {
    fn spec(&mut self, spec: &Spec) {
        for item in &spec.items {
            if self.shared.ends() {
                break;
            }
            match item {
                Item::Prose(prose) => self.put(Step::Prose(prose.text.clone())),
                Item::Statement(statement) => self.statement(statement),
            }
        }
    }

    fn place(&mut self) -> usize {
        self.place += 1;
        self.place - 1
    }

    fn put(&mut self, step: Step) {
        let place = self.place();
        self.shared.ledger().put(place, step);
    }

    fn statement(&mut self, statement: &Statement) {
        let Shared { source, options, .. } = *self.shared;
        let text = source.slice(statement.span);
        self.shared.ledger().tell(Event::Reading(text.lines().next().unwrap_or_default()));
        match options.budget.run(|| read_statement(self.resolver, statement)) {
            Ok(Ok(Resolved::Declaration)) => self.put(Step::Declared(text.to_owned())),
            Ok(Ok(Resolved::Export { path, kernels })) => {
                self.put(Step::Declared(text.to_owned()));
                self.put(Step::Export { path, kernels });
            }
            Ok(Ok(Resolved::Claims(claims))) => {
                for claim in claims {
                    if self.shared.ends() {
                        return bind_nothing(statement, self.resolver);
                    }
                    self.claim(claim, statement);
                }
            }
            Ok(Ok(Resolved::Families(families))) => {
                for family in &families {
                    if self.shared.ends() {
                        return;
                    }
                    self.family(family);
                }
            }
            Ok(Err(found)) => {
                let errors = found.iter().map(crate::resolve::ResolveError::diagnostic).collect();
                self.pass(claims_of(&statement.kind), errors);
            }
            Err(_) if self.shared.stopped() => {}
            Err(halt) => {
                bind_nothing(statement, self.resolver);
                let claims = claims_of(&statement.kind);
                match unread(statement, source) {
                    Some(heading) => {
                        self.put(decided(halted(heading, halt, source)));
                        // All claims of a chain have one report.
                        self.pass(claims.saturating_sub(1), Vec::new());
                        self.number += 1;
                    }
                    None => self.pass(claims, vec![halt_diagnostic(&halt, statement.span)]),
                }
            }
        }
    }

    /// Leaves claims without a report.
    fn pass(&mut self, claims: usize, errors: Vec<Diagnostic>) {
        self.number += claims;
        self.put(Step::Passed { claims, errors });
    }

    fn claim(&mut self, claim: ResolvedClaim, statement: &Statement) {
        let ResolvedClaim { label, kind, statement: text, span, body } = claim;
        let heading = Heading { label, kind, statement: text, span };
        let wanted = self.wanted(&heading);
        match body {
            ClaimBody::Prop(_) if !wanted => self.pass(1, Vec::new()),
            ClaimBody::Prop(prop) => {
                self.number += 1;
                let (number, of, symbols) = (self.number, self.of(), self.resolver.symbols().clone());
                let origins = self.resolver.origins().clone();
                let job = Job { place: self.place(), heading, number, of, prop, symbols, origins };
                if let Some(job) = self.shared.team.add(job) {
                    self.shared.decide(job, &self.shared.options.budget, 0);
                }
            }
            ClaimBody::Solve(_) | ClaimBody::Fit(_) | ClaimBody::Layers(_) => {
                self.number += 1;
                let step = self.find(heading, &body, statement, wanted);
                self.put(step);
            }
        }
    }

    /// Decides a claim that gives names their kernels, before there are statements that use them.
    fn find(&mut self, heading: Heading, body: &ClaimBody, statement: &Statement, wanted: bool) -> Step {
        let Shared { source, options, .. } = *self.shared;
        let names: Vec<&str> = match body {
            ClaimBody::Solve(equation) => names_of(&equation.unknowns),
            ClaimBody::Fit(problem) => names_of(&problem.equation.unknowns),
            ClaimBody::Layers(found) if heading.kind == ClaimKind::Solve => {
                found.unknowns.iter().map(|unknown| unknown.name.as_str()).collect()
            }
            ClaimBody::Layers(_) | ClaimBody::Prop(_) => Vec::new(),
        };
        if wanted && !self.shared.begin(&heading, self.number, self.of(), 0) {
            return Step::Stopped;
        }
        let claim = match options.budget.run(|| decide(body, &heading, self.resolver, source)) {
            Ok(Ok(report)) => report,
            Ok(Err(error)) => return wrong(&error, self.resolver.origins(), &heading),
            Err(halt) => {
                bind_nothing(statement, self.resolver);
                if self.shared.stopped() {
                    return Step::Stopped;
                }
                halted(heading, halt, source)
            }
        };
        let kernel = |name: &str| Some((name.to_owned(), self.resolver.named_kernel(name)?.clone()));
        let found = names.into_iter().filter_map(kernel).collect();
        Step::Decided { claim: wanted.then(|| Box::new(claim)), found }
    }

    fn family(&mut self, family: &Family) {
        let heading = Heading::of_family(family);
        if !self.wanted(&heading) {
            return self.pass(1, Vec::new());
        }
        self.number += 1;
        let Shared { source, options, .. } = *self.shared;
        let step = if self.shared.begin(&heading, self.number, self.of(), 0) {
            match options.budget.run(|| all_sizes(family, self.resolver, source)) {
                Ok(Ok(report)) => decided(report),
                Ok(Err(errors)) => Step::Passed { claims: 1, errors },
                Err(_) if self.shared.stopped() => Step::Stopped,
                Err(halt) => decided(halted(heading, halt, source)),
            }
        } else {
            Step::Stopped
        };
        self.put(step);
    }

    /// Whether a claim is to be reported.
    fn wanted(&self, heading: &Heading) -> bool {
        self.shared.options.only.as_ref().is_none_or(|part| heading.label().contains(part))
    }

    /// How many claims there are, as far as is known.
    fn of(&self) -> usize {
        self.of.max(self.number)
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
