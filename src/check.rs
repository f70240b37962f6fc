//! From a spec's text to its report: parse, resolve, decide, put into words, one statement after the other.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use crate::algebra::Rational;
use crate::diagnostic::Diagnostic;
use crate::ir::{KernelTerm, Prop, Symbols};
use crate::load;
use crate::operator::OperatorError;
use crate::present::{self, Shown};
use crate::prove::factoring::{self, EquationVerdict};
use crate::prove::verdict::Doubt;
use crate::prove::{kernels, opinion};
use crate::report::{ClaimReport, Entry, FileReport};
use crate::resolve::{ClaimBody, Resolved, ResolvedClaim, Resolver, operator_diagnostic};
use crate::source::Source;
use crate::syntax::ast::{Item, Statement};
use crate::syntax::parse;

/// Where `load` finds its files.
pub trait Files {
    /// The bytes of a file named in a spec, relative to the spec; the error is a message for the user.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// Checks one spec. `progress` is told the label of each claim before it is decided.
pub fn check(source: &Source, files: &dyn Files, progress: &mut dyn FnMut(&str)) -> FileReport {
    let (spec, mistakes) = parse(source.text());
    let mut errors: Vec<Diagnostic> = mistakes.iter().map(crate::syntax::SyntaxError::diagnostic).collect();
    let mut resolver = Resolver::new(|path: &str, entry: Option<&str>| read(files, path, entry));
    for name in &spec.broken {
        resolver.poison(&name.text, name.span);
    }
    let mut entries = Vec::new();
    for item in &spec.items {
        match item {
            Item::Prose(prose) => entries.push(Entry::Prose(prose.text.clone())),
            Item::Statement(statement) => match resolver.statement(statement) {
                Ok(Resolved::Declaration) => declare(&mut entries, source, statement),
                Ok(Resolved::Claims(claims)) => {
                    for claim in claims {
                        progress(claim.label.as_deref().unwrap_or(&claim.statement));
                        match guarded(&claim, &mut resolver, source) {
                            Ok(report) => entries.push(Entry::Claim(Box::new(report))),
                            Err(error) => errors.push(operator_diagnostic(&error, claim.span)),
                        }
                    }
                }
                Err(found) => errors.extend(found.iter().map(crate::resolve::ResolveError::diagnostic)),
            },
        }
    }
    errors.sort_by_key(|diagnostic| diagnostic.primary.span);
    FileReport { source: source.clone(), entries, errors }
}

/// Extents and values of an array in a file.
fn read(files: &dyn Files, path: &str, entry: Option<&str>) -> Result<(Vec<usize>, Vec<Rational>), String> {
    let bytes = files.read(path)?;
    let loaded = load::load(&bytes, path, entry).map_err(|error| error.to_string())?;
    Ok((loaded.dims, loaded.values))
}

/// Adds a declaration to those before it.
fn declare(entries: &mut Vec<Entry>, source: &Source, statement: &Statement) {
    let text = source.slice(statement.span);
    if let Some(Entry::Declarations(before)) = entries.last_mut() {
        before.push('\n');
        before.push_str(text);
    } else {
        entries.push(Entry::Declarations(text.to_owned()));
    }
}

/// Decides one claim; a defect that makes the engine panic costs this claim only, and is an `unknown`.
fn guarded(
    claim: &ResolvedClaim,
    resolver: &mut Resolver<'_>,
    source: &Source,
) -> Result<ClaimReport, OperatorError> {
    let attempt = AssertUnwindSafe(|| decide(claim, resolver, source));
    std::panic::catch_unwind(attempt).unwrap_or_else(|_| {
        let shown = present::unknown(&Doubt::Contradiction);
        Ok(report(claim, shown, source, Duration::ZERO))
    })
}

/// Decides one claim and puts the verdict into words.
fn decide(
    claim: &ResolvedClaim,
    resolver: &mut Resolver<'_>,
    source: &Source,
) -> Result<ClaimReport, OperatorError> {
    let start = Instant::now();
    let shown = match &claim.body {
        ClaimBody::Prop(prop) => proposition(prop, resolver.symbols(), source)?,
        ClaimBody::Solve(asked) => {
            let verdict = factoring::equation(asked);
            if let EquationVerdict::Solved(solution) = &verdict {
                for (unknown, kernel) in asked.unknowns.iter().zip(solution.kernels()) {
                    match KernelTerm::of_kernel(kernel) {
                        Some(term) => resolver.bind(&unknown.name, claim.span, term),
                        None => resolver.poison(&unknown.name, claim.span),
                    }
                }
            } else {
                asked.unknowns.iter().for_each(|unknown| resolver.poison(&unknown.name, claim.span));
            }
            present::equation(&verdict, asked, crate::ir::Field::Rationals, resolver.symbols())
        }
        ClaimBody::Fit(problem) => {
            let fitted = factoring::least_squares(problem);
            let unknowns = &problem.equation.unknowns;
            match &fitted {
                Ok(found) => {
                    for (unknown, kernel) in unknowns.iter().zip(&found.kernels) {
                        resolver.bind(&unknown.name, claim.span, KernelTerm::constant(kernel.clone()));
                    }
                }
                Err(_) => unknowns.iter().for_each(|unknown| resolver.poison(&unknown.name, claim.span)),
            }
            present::fitted(&fitted, problem)
        }
    };
    Ok(report(claim, shown, source, start.elapsed()))
}

/// A claim with its verdict in words.
fn report(claim: &ResolvedClaim, shown: Shown, source: &Source, elapsed: Duration) -> ClaimReport {
    let Shown { outcome, method, details, witness } = shown;
    ClaimReport {
        label: claim.label.clone().unwrap_or_else(|| claim.statement.clone()),
        line: source.position(claim.span.start).0,
        kind: claim.kind,
        statement: claim.statement.clone(),
        outcome,
        holds: outcome.holds(claim.kind),
        method,
        details,
        witness,
        elapsed,
    }
}

fn proposition(prop: &Prop, symbols: &Symbols, source: &Source) -> Result<Shown, OperatorError> {
    Ok(match prop {
        Prop::Stacks(claim) => present::stacks(&opinion::decide(claim, symbols)?, claim, symbols, source),
        Prop::Kernels { left, right, negated, images } => {
            present::kernels(&kernels::decide(left, right, symbols), left, right, *images, *negated, symbols)
        }
        Prop::Numbers { left, order, right } => {
            present::numbers(&kernels::compare(left, *order, right, symbols), left, *order, right, symbols)
        }
        Prop::Exists { equation, field } => {
            present::equation(&factoring::equation(equation), equation, *field, symbols)
        }
        Prop::ForallExists { equation, field } => {
            present::forall(&factoring::forall(equation, *field), equation, *field, symbols)
        }
    })
}
