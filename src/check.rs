//! From a spec's text to its report: parse, resolve, decide, put into words, one statement after the other.

mod ledger;
mod reader;
mod run;
mod sizes;
mod team;

use std::time::{Duration, Instant};

use crate::algebra::budget::{self, Budget, Halt};
use crate::diagnostic::Diagnostic;
use crate::ir::{Field, KernelTerm, Prop, Symbols, Unknown};
use crate::kernel::Kernel;
use crate::operator::OperatorError;
use crate::present::{self, Shown};
use crate::prove;
use crate::prove::decide::{self, Evidence};
use crate::prove::factoring::EquationVerdict;
use crate::prove::verdict::{Doubt, Limit};
use crate::report::{ClaimKind, ClaimReport, FileReport, Outcome};
use crate::resolve::{ClaimBody, Family, LayerEquation, Resolved, Resolver};
use crate::source::{Places, Source, Span};
use crate::syntax::ast::{Statement, StatementKind};
use crate::syntax::names;

use reader::Reader;
pub use run::{Event, Options};

/// The code of a declaration that made the program panic.
const DEFECT: &str = "E0005";

/// Where `load` finds its files.
pub trait Files {
    /// The bytes of a file named in a spec, relative to the spec; the error is a message for the user.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// Checks one spec. `progress` is told of each statement before it is read, and the label of each claim before it
/// is decided. Each of these steps has a whole [`Budget`] of the usual size.
pub fn check(source: &Source, files: &dyn Files, progress: &mut (dyn FnMut(&str) + Send)) -> FileReport {
    check_within(source, files, &Budget::default(), progress)
}

/// The same with another budget for each step; its flag stops those under way and to come. A claim that has no
/// verdict by then is `unknown`, a declaration an error.
pub fn check_within(
    source: &Source,
    files: &dyn Files,
    budget: &Budget,
    progress: &mut (dyn FnMut(&str) + Send),
) -> FileReport {
    let options = Options { budget: budget.clone(), ..Options::default() };
    check_with(source, files, &options, &mut |event| match event {
        Event::Reading(label) | Event::Deciding { label, .. } => progress(label),
        Event::Decided(_) | Event::Found(..) | Event::Export { .. } | Event::LeftOut(_) | Event::Idle(_) => {}
    })
}

/// The same with all there is to choose; `tell` hears of everything as it happens, from whichever thread it happens on.
pub fn check_with(
    source: &Source,
    files: &dyn Files,
    options: &Options,
    tell: &mut (dyn FnMut(Event<'_>) + Send),
) -> FileReport {
    let reader = Reader::new(files);
    let mut resolver = reader.resolver();
    run::run(source, options, &mut resolver, tell)
}

/// Checks one spec, and gives the kernels that names stand for at its end, where they do.
#[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "the command line alone asks for it"))]
pub(crate) fn check_for(
    source: &Source,
    files: &dyn Files,
    names: &[&str],
) -> (FileReport, Vec<Option<Kernel>>) {
    let reader = Reader::new(files);
    let mut resolver = reader.resolver();
    let report = run::run(source, &Options::default(), &mut resolver, &mut |_| {});
    (report, names.iter().map(|name| resolver.named_kernel(name).cloned()).collect())
}

/// What a statement means.
fn read_statement(
    resolver: &mut Resolver<'_>,
    statement: &Statement,
) -> Result<Resolved, Vec<crate::resolve::ResolveError>> {
    let _doing = budget::doing("reading the statement");
    resolver.statement(statement)
}

/// A claim without a verdict.
fn halted(heading: Heading, halt: Halt, source: &Source) -> ClaimReport {
    let shown = present::unknown(&Doubt::Halted(halt));
    report(heading, shown, source, Duration::ZERO)
}

/// What a statement claims, if it does, in its own words.
fn unread(statement: &Statement, source: &Source) -> Option<Heading> {
    let (kind, label) = match &statement.kind {
        StatementKind::Prove(claim) => (ClaimKind::Prove, &claim.label),
        StatementKind::Refute(claim) => (ClaimKind::Refute, &claim.label),
        StatementKind::Chain(claim) => (ClaimKind::Chain, &claim.label),
        StatementKind::Solve(claim) => (ClaimKind::Solve, &claim.label),
        StatementKind::Fit(claim) => (ClaimKind::Fit, &claim.label),
        StatementKind::Kernel { .. }
        | StatementKind::Scalar { .. }
        | StatementKind::Image { .. }
        | StatementKind::Stack { .. }
        | StatementKind::Size { .. }
        | StatementKind::Export { .. } => return None,
    };
    let text = source.slice(statement.span);
    let text = text.strip_prefix(kind.keyword()).unwrap_or(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    Some(Heading { label: label.clone(), kind, statement: words.join(" "), span: statement.span })
}

/// Notes that the names of a statement have no values, so that their uses are passed over in silence.
fn bind_nothing(statement: &Statement, resolver: &mut Resolver<'_>) {
    for name in names::declared(&statement.kind) {
        resolver.poison(&name.text, name.span);
    }
}

/// A declaration without a value.
fn halt_diagnostic(halt: &Halt, span: Span) -> Diagnostic {
    match halt {
        Halt::Exhausted(exhausted) => {
            Diagnostic::new("E0222", format!("beyond the limits: {exhausted}"), span, "too much work")
        }
        Halt::Defect => {
            Diagnostic::new(DEFECT, "a defect of convproof kept this from being read", span, "left out")
                .with_hint("please report it, with the spec")
        }
    }
}

/// Decides a claim that binds nothing and puts the verdict into words.
fn decide_prop(
    prop: &Prop,
    heading: &Heading,
    symbols: &Symbols,
    places: Places<'_>,
) -> Result<ClaimReport, OperatorError> {
    let start = Instant::now();
    let _doing = budget::doing("deciding the claim");
    let shown = present::verdict(&decide::proposition(prop, symbols)?, symbols, places);
    Ok(report(heading.clone(), shown, places.source, start.elapsed()))
}

/// Decides a claim, gives names the kernels that were found for them, and puts the verdict into words.
fn decide(
    body: &ClaimBody,
    heading: &Heading,
    resolver: &mut Resolver<'_>,
    source: &Source,
) -> Result<ClaimReport, OperatorError> {
    let start = Instant::now();
    let _doing = budget::doing("deciding the claim");
    let (verdict, unknowns, found) = match body {
        ClaimBody::Solve(asked) => {
            let verdict = decide::equation(asked, Field::Rationals, resolver.symbols());
            let found = match verdict.evidence() {
                Evidence::Equation(_, EquationVerdict::Solved(solution)) => solution
                    .kernels()
                    .iter()
                    .map(|kernel| KernelTerm::of_kernel(kernel, resolver.symbols()))
                    .collect(),
                _ => Vec::new(),
            };
            (verdict, &asked.unknowns, found)
        }
        ClaimBody::Fit(problem) => {
            let verdict = decide::fit(problem);
            let found = match verdict.evidence() {
                Evidence::Fit(_, found) => found.as_ref().as_ref().map_or(&[][..], |found| &found.kernels),
                _ => &[],
            };
            let found = found.iter().map(|kernel| Some(KernelTerm::constant(kernel.clone()))).collect();
            (verdict, &problem.equation.unknowns, found)
        }
        ClaimBody::Layers(equation) => {
            let shown = layers(equation, heading, resolver, source)?;
            return Ok(report(heading.clone(), shown, source, start.elapsed()));
        }
        ClaimBody::Prop(prop) => {
            return decide_prop(prop, heading, resolver.symbols(), resolver.places(source));
        }
    };
    bind(unknowns, found, heading.span, resolver);
    let shown = present::verdict(&verdict, resolver.symbols(), resolver.places(source));
    Ok(report(heading.clone(), shown, source, start.elapsed()))
}

/// Seeks kernels of layers that make two stacks equal, and decides the claim with them in place; a `solve` gives its names
/// what was found.
fn layers(
    equation: &LayerEquation,
    heading: &Heading,
    resolver: &mut Resolver<'_>,
    source: &Source,
) -> Result<Shown, OperatorError> {
    let LayerEquation { unknowns, claim, .. } = equation;
    let found = prove::layers::solve(claim, unknowns, resolver.symbols())?.and_then(|candidate| {
        let claim = resolver.with_kernels(equation, &candidate.kernels);
        Ok((claim.ok_or(Doubt::Limit(Limit::Terms))?, candidate))
    });
    let (claim, candidate) = match found {
        Ok(found) => found,
        Err(doubt) => return Ok(present::unknown(&doubt)),
    };
    let verdict = decide::layers(unknowns, &candidate, &claim, resolver.symbols())?;
    if heading.kind == ClaimKind::Solve && verdict.outcome() == Outcome::Proved {
        for (unknown, kernel) in unknowns.iter().zip(&candidate.kernels) {
            if let Some(term) = KernelTerm::of_kernel(kernel, resolver.symbols()) {
                resolver.bind(&unknown.name, heading.span, term);
            }
        }
    }
    Ok(present::verdict(&verdict, resolver.symbols(), resolver.places(source)))
}

/// Gives unknowns their kernels; those without one are passed over in silence where they are used.
fn bind(unknowns: &[Unknown], found: Vec<Option<KernelTerm>>, span: Span, resolver: &mut Resolver<'_>) {
    let found = found.into_iter().chain(std::iter::repeat(None));
    for (unknown, kernel) in unknowns.iter().zip(found) {
        match kernel {
            Some(term) => resolver.bind(&unknown.name, span, term),
            None => resolver.poison(&unknown.name, span),
        }
    }
}

/// Decides a claim for all values of sizes and puts the verdict into words.
fn all_sizes(
    family: &Family,
    resolver: &mut Resolver<'_>,
    source: &Source,
) -> Result<ClaimReport, Vec<Diagnostic>> {
    let start = Instant::now();
    let _doing = budget::doing("deciding the claim for all sizes");
    let shown = sizes::decide(family, resolver, source)?;
    Ok(report(Heading::of_family(family), shown, source, start.elapsed()))
}

/// What a report says of a claim before its verdict.
#[derive(Clone)]
struct Heading {
    label: Option<String>,
    kind: ClaimKind,
    statement: String,
    span: Span,
}

impl Heading {
    /// The label, or the statement where there is none.
    fn label(&self) -> &str {
        self.label.as_ref().unwrap_or(&self.statement)
    }

    fn of_family(family: &Family) -> Self {
        let Family { label, kind, statement, span, .. } = family;
        Self { label: label.clone(), kind: *kind, statement: statement.clone(), span: *span }
    }
}

/// A claim with its verdict in words.
fn report(heading: Heading, shown: Shown, source: &Source, elapsed: Duration) -> ClaimReport {
    let Shown { outcome, method, details, witness } = shown;
    let Heading { label, kind, statement, span } = heading;
    ClaimReport {
        label: label.unwrap_or_else(|| statement.clone()),
        line: source.position(span.start).0,
        kind,
        statement,
        outcome,
        holds: outcome.holds(kind),
        method,
        details,
        witness,
        elapsed,
    }
}
