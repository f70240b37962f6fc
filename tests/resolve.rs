//! Statements to resolved claims: kinds, shapes, defaults, channels, equations.

use convproof::ir::{
    Factor, Field, KernelExpr, Layer, Padding, Prop, Quantity, SizeCondition, Sizes, Stack, StackKind,
};
use convproof::kernel::Shape;
use convproof::resolve::{ClaimBody, Resolved, ResolvedClaim, Resolver};
use convproof::source::Source;
use convproof::syntax::ast::Item;
use convproof::syntax::parse;

/// All claims of a spec and its mistakes as `code line`.
fn run(text: &str) -> (Vec<ResolvedClaim>, Vec<String>) {
    let (spec, errors) = parse(text);
    assert!(errors.is_empty(), "{errors:?} in {text}");
    let source = Source::new("test.cf", text);
    let mut resolver = Resolver::new(|path, _| Err(format!("no file {path}")));
    let (mut claims, mut mistakes) = (Vec::new(), Vec::new());
    for item in &spec.items {
        let Item::Statement(statement) = item else { continue };
        match resolver.statement(statement) {
            Ok(Resolved::Declaration) => {}
            Ok(Resolved::Claims(found)) => claims.extend(found),
            Err(errors) => mistakes.extend(errors.iter().map(|error| {
                let diagnostic = error.diagnostic();
                assert_eq!(diagnostic.code, error.code());
                format!("{} {}", diagnostic.code, source.position(error.span.start).0)
            })),
        }
    }
    (claims, mistakes)
}

#[track_caller]
fn claims(text: &str) -> Vec<ResolvedClaim> {
    let (claims, mistakes) = run(text);
    assert!(mistakes.is_empty(), "{mistakes:?} in {text}");
    claims
}

#[track_caller]
fn prop(text: &str) -> Prop {
    match claims(text).pop().expect("a claim").body {
        ClaimBody::Prop(prop) => prop,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn mistakes(text: &str) -> Vec<String> {
    run(text).1
}

#[test]
fn everything_that_specs_use_resolves() {
    for folder in ["specs", "/work/main/specs"] {
        for entry in walk(std::path::Path::new(folder)) {
            let text = std::fs::read_to_string(&entry).expect("readable");
            let (spec, errors) = parse(&text);
            assert!(errors.is_empty(), "{errors:?} in {}", entry.display());
            let source = Source::new("test.cf", text.as_str());
            let mut resolver = Resolver::new(|path, _| Err(format!("no file {path}")));
            for item in &spec.items {
                let Item::Statement(statement) = item else { continue };
                if let Err(errors) = resolver.statement(statement) {
                    for error in errors {
                        let d = error.diagnostic();
                        println!("{}:{} {} {} {:?}", entry.display(), source.position(error.span.start).0, d.code, d.message, d.hints);
                    }
                }
            }
        }
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut all = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() { all.extend(walk(&path)) } else if path.extension().is_some_and(|e| e == "cf") { all.push(path) }
    }
    all.sort();
    all
}
