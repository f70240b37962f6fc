//! Claims of one spec decided by several threads: the reports are those of one thread, whatever it is that ends the run.

use std::fs;
use std::path::{Path, PathBuf};

use convproof::algebra::budget::Budget;
use convproof::check::{Event, Files, Options, check_with};
use convproof::report::json;
use convproof::source::Source;
use serde_json::Value;

/// The files beside a spec.
struct Beside(PathBuf);

impl Files for Beside {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(self.0.join(path)).map_err(|error| error.to_string())
    }
}

/// The report without times, and the events that come in order.
fn checked(path: &Path, text: &str, options: &Options) -> (Value, Vec<String>) {
    let source = Source::new(path.to_string_lossy(), text.to_owned());
    let files = Beside(path.parent().unwrap().to_owned());
    let mut events = Vec::new();
    let report = check_with(&source, &files, options, &mut |event| match event {
        Event::Decided(claim) => events.push(format!("{}: {}", claim.label, claim.outcome.word())),
        Event::Found(name, _) => events.push(format!("found {name}")),
        Event::Export { path, .. } => events.push(format!("export {path}")),
        Event::LeftOut(claims) => events.push(format!("without {claims}")),
        Event::Reading(_) | Event::Deciding { .. } | Event::Idle(_) => {}
    });
    let mut shown: Value = serde_json::from_str(&json::render(&[report])).unwrap();
    for claim in shown["files"][0]["claims"].as_array_mut().unwrap() {
        claim.as_object_mut().unwrap().remove("elapsed_ms");
    }
    (shown, events)
}

fn with_helpers(helpers: usize, options: Options) -> Options {
    let helpers = (0..helpers).map(|_| Budget::default()).collect();
    Options { budget: Budget::default(), helpers, ..options }
}

fn specs(folder: &str) -> Vec<PathBuf> {
    let listed = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "cf"));
    paths.sort();
    paths
}

#[test]
fn reports_of_all_specs_are_the_same_for_any_number_of_threads() {
    for path in ["specs/article", "specs/gallery", "specs/zoo", "tests/diagnostics"].map(specs).concat() {
        let text = fs::read_to_string(&path).unwrap();
        let alone = checked(&path, &text, &Options::default());
        let together = checked(&path, &text, &with_helpers(2, Options::default()));
        assert_eq!(alone, together, "{}", path.display());
    }
}

const MIXED: &str = "kernel A[3,3]\n\
    prove \"first\": conv(A) -> conv(A) == conv(A * A)\n\
    solve \"apart\": P[1,2], Q[1,2]: P * Q == [1 3 2]\n\
    prove \"late\": P * Q == [1 3 2]\n\
    refute \"true\": A == A\n\
    kernel B[3,3]\n\
    prove \"wrong\": conv(B) == conv(C)\n\
    chain \"steps\": A == A + 0*A == A\n\
    solve \"no\": R[1,2]: R * [1 1] == [1 0 1]\n\
    prove \"silent\": R == R\n\
    prove \"last\": conv(B) == conv(A)\n";

#[test]
fn whatever_ends_a_run_ends_it_at_the_same_claim() {
    let run = |text: &str, helpers, options: &Options| {
        checked(Path::new("/a.cf"), text, &with_helpers(helpers, options.clone()))
    };
    let fail_fast = Options { fail_fast: true, ..Options::default() };
    let only = |part: &str| Options { only: Some(part.to_owned()), ..Options::default() };
    let stopped = Options::default();
    stopped.stop.cancel();
    for options in [Options::default(), fail_fast.clone(), only("la"), only("nowhere"), stopped] {
        let alone = run(MIXED, 0, &options);
        for helpers in [1, 3] {
            for _ in 0..20 {
                assert_eq!(run(MIXED, helpers, &options), alone);
            }
        }
    }
    let (_, events) = run(MIXED, 3, &fail_fast);
    assert_eq!(
        events,
        ["first: proved", "apart: proved", "found P", "found Q", "late: proved", "true: proved", "without 6"]
    );
}

/// What is declared, or divided by, below a claim is nothing to it.
#[test]
fn claims_do_not_see_what_stands_below_them() {
    let mut text = String::new();
    for n in 0..150 {
        text.push_str(&format!(
            "kernel A{n}[2,2]\nscalar a{n}\n\
             prove \"{n}\": conv(a{n} * A{n}) -> scale({n}) == conv({n} * a{n} * A{n})\n\
             refute conv(A{n}, padding=1) -> bias(a{n}) == bias(a{n}) -> conv(A{n}, padding=1)\n\
             prove conv(A{n} * sqrt(a{n}) / a{n}) == conv(A{n} / sqrt(a{n}))\n"
        ));
    }
    let path = Path::new("/a.cf");
    let alone = checked(path, &text, &Options::default());
    assert!(alone.0["files"][0]["claims"].as_array().unwrap().iter().all(|claim| claim["holds"] == true));
    assert_eq!(checked(path, &text, &with_helpers(3, Options::default())), alone);
}
