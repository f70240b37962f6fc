//! Every renderer on one hand-built report that holds all kinds of entries and text that needs escaping.

use std::time::Duration;

use convproof::diagnostic::Diagnostic;
use convproof::report::text::{Detail, Options};
use convproof::report::{
    Block, ClaimKind, ClaimReport, Entry, FileReport, Matrix, Outcome, Summary, Witness, json, junit,
    markdown, text,
};
use convproof::source::{Source, Span};
use serde_json::json;

fn matrix(title: &str, rows: &[&str], mark: Option<(usize, usize)>) -> Matrix {
    let rows = rows.iter().map(|row| row.split_whitespace().map(str::to_owned).collect()).collect();
    Matrix { title: title.to_owned(), rows, mark, values: None }
}

fn strings<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn claim(label: &str, line: usize, kind: ClaimKind, statement: &str, outcome: Outcome) -> ClaimReport {
    let holds = outcome.holds(kind);
    ClaimReport {
        label: label.to_owned(),
        line,
        kind,
        statement: statement.to_owned(),
        outcome,
        holds,
        method: String::new(),
        details: Vec::new(),
        witness: None,
        elapsed: Duration::from_micros(412),
    }
}

fn composed() -> ClaimReport {
    let statement = "conv(A1) -> conv(A2) == conv(A1 * A2)";
    let mut proved = claim("two are one", 9, ClaimKind::Prove, statement, Outcome::Proved);
    proved.method = "a stack of convolutions is the convolution with the product of its kernels".to_owned();
    let header = strings(["layer", "kernel | `a|b`", "receptive field"]);
    let rows = vec![strings(["`conv(A1)`", "3×3", "3"]), strings(["`conv(A2)`", "3×3 <b>", "5"])];
    proved.details = vec![Block::Table { header, rows }];
    proved
}

fn counterexample() -> ClaimReport {
    let statement = "conv(A) == conv(B)";
    let mut refuted = claim("a *false* claim", 14, ClaimKind::Prove, statement, Outcome::Refuted);
    refuted.method = "a counterexample, replayed by the naive evaluator".to_owned();
    refuted.details = vec![
        Block::Text("At `output[0,1]` the left side is 7 and the right side is -1/2.".to_owned()),
        Block::Matrices(vec![
            matrix("A", &["1 0 1", "1 1 1", "0 0 0"], None),
            matrix("X", &["0 0 0 0", "0 1 0 0", "0 0 0 0", "0 0 0 0"], Some((1, 1))),
            matrix("left", &["1 7", "0 0"], Some((0, 1))),
            matrix("right", &["1 -1/2", "0 0"], Some((0, 1))),
        ]),
    ];
    let numbers = |number: &str| vec![number.to_owned()];
    refuted.witness = Some(Witness::Numbers { left: numbers("7"), right: numbers("-1/2") });
    refuted
}

fn everything() -> FileReport {
    let spec = "\"\"\"\n# Two are one\n\nProse with `code` & 1 < 2.\n\"\"\"\nkernel A1[3,3]\nkernel A2[3,3]\n\n\
                prove x\n\n\n\n\nprove y\n\nprove conv(C) == conv(A1)\n";
    let mut undecided = claim("with relu", 16, ClaimKind::Chain, "S == T", Outcome::Unknown);
    undecided.method = "the segments differ and no counterexample was found".to_owned();
    let mut refuted = claim("no split", 17, ClaimKind::Refute, "P * Q == D", Outcome::Refuted);
    refuted.method = "a certificate".to_owned();
    let contrary = claim("A == A", 18, ClaimKind::Refute, "A == A", Outcome::Proved);
    let mut solved = claim("deconvolve", 19, ClaimKind::Solve, "P[1,1]: P * A == B", Outcome::Proved);
    solved.details = vec![Block::Matrices(vec![matrix("P", &["2"], None)])];
    let place = spec.find("C)").expect("the spec names C");
    let error = Diagnostic::new("E0201", "unknown name `C`", Span::new(place, place + 1), "not declared")
        .with_hint("did you mean `A1`?");
    let claims = [composed(), counterexample(), undecided, refuted, contrary, solved];
    let mut entries = vec![
        Entry::Prose("# Two are one\n\nProse with `code` & 1 < 2.".to_owned()),
        Entry::Declarations("kernel A1[3,3]\nkernel A2[3,3]".to_owned()),
    ];
    entries.extend(claims.map(|claim| Entry::Claim(Box::new(claim))));
    FileReport { source: Source::new("specs/all.cf", spec), entries, errors: vec![error] }
}

fn missing() -> FileReport {
    let error = Diagnostic::new("E0001", "the spec cannot be read: no such file", Span::default(), "");
    FileReport { source: Source::new("specs/gone.cf", ""), entries: Vec::new(), errors: vec![error] }
}

fn holding() -> FileReport {
    let entries = vec![Entry::Claim(Box::new(composed()))];
    FileReport { source: Source::new("specs/one.cf", "prove x\n"), entries, errors: Vec::new() }
}

#[test]
fn text_shows_details_of_what_fails() {
    insta::assert_snapshot!(text::render(&[everything(), missing()], Options::default()));
}

#[test]
fn text_is_coloured() {
    let coloured = text::render(&[holding()], Options { colours: true, ..Options::default() });
    insta::assert_snapshot!(coloured.escape_debug(), @r"\u{1b}[1mspecs/one.cf\u{1b}[0m\n  \u{1b}[32m✓ proved \u{1b}[0m  two are one  \u{1b}[2m(line 9)\u{1b}[0m\n\n\u{1b}[32m1 claim: 1 holds\u{1b}[0m\n");
}

#[test]
fn text_can_say_more_or_less() {
    let options = Options { detail: Detail::Full, timings: true, colours: false };
    insta::assert_snapshot!(text::render(&[holding()], options), @r"
    specs/one.cf
      ✓ proved   two are one  (line 9, 0.412 ms)
          prove conv(A1) -> conv(A2) == conv(A1 * A2)
          a stack of convolutions is the convolution with the product of its kernels
          layer       kernel | `a|b`  receptive field
          `conv(A1)`  3×3                           3
          `conv(A2)`  3×3 <b>                       5

    1 claim: 1 holds in 0.412 ms
    ");
    let options = Options { detail: Detail::Quiet, ..Options::default() };
    insta::assert_snapshot!(text::render(&[holding()], options), @"1 claim: 1 holds");
}

#[test]
fn markdown_is_a_document() {
    insta::assert_snapshot!(markdown::render(&[everything(), missing()]));
}

#[test]
fn the_index_counts_each_document() {
    let (all, one) = (everything(), holding());
    let pages = [("a b/all.md".to_owned(), &all), ("one.md".to_owned(), &one)];
    insta::assert_snapshot!(markdown::index("Proofs", &pages), @r"
    # Proofs

    | spec | claims | hold | fail | errors |
    | --- | ---: | ---: | ---: | ---: |
    | [Two are one](<a%20b/all.md>) | 6 | 3 | 3 | 1 |
    | [one.md](<one.md>) | 1 | 1 | 0 | 0 |
    | **all** | 7 | 4 | 3 | 1 |
    ");
}

#[test]
fn json_follows_the_schema() {
    insta::assert_snapshot!(json::render(&[everything(), missing()]));
    let none = json::render(&[]);
    let none: serde_json::Value = serde_json::from_str(&none).expect("valid JSON");
    assert_eq!(
        none["summary"],
        json!({ "claims": 0, "hold": 0, "found": 0, "fail": 0, "unknown": 0, "errors": 0 })
    );
}

#[test]
fn junit_has_a_case_for_each_claim_and_error() {
    insta::assert_snapshot!(junit::render(&[everything(), missing()], false));
    assert!(junit::render(&[holding()], true).contains(" time=\"0.000412\""));
}

/// What a search found without a certificate holds, but nowhere with the mark of what is certain.
#[test]
fn the_best_found_has_a_mark_of_its_own() {
    let mut found = claim("nearest", 3, ClaimKind::Fit, "P[3,3]: P ~ D", Outcome::Found);
    found.method = "the best found: residual 1 < 2".to_owned();
    let report = FileReport { entries: vec![Entry::Claim(Box::new(found))], ..holding() };
    let shown = anstream::adapter::strip_str(&text::file(&report, text::Options::default())).to_string();
    assert!(
        shown.contains("○ best found  nearest")
            && Summary::of(&report).to_string() == "1 claim: 1 holds (1 best found)",
        "{shown}"
    );
    assert!(markdown::document(&report, None).contains("### ○ Best found: nearest\n"));
    let suite = junit::render(std::slice::from_ref(&report), false);
    assert!(suite.contains("<system-out>the best found: residual 1 &lt; 2</system-out>"), "{suite}");
    assert!(suite.contains("failures=\"0\""));
    let json: serde_json::Value = serde_json::from_str(&json::render(&[report])).expect("valid JSON");
    let claim = &json["files"][0]["claims"][0];
    assert_eq!((&claim["verdict"], &claim["holds"]), (&json!("best found"), &json!(true)));
    assert_eq!(json["summary"]["found"], json!(1));
    for certain in [Outcome::Proved, Outcome::Exact, Outcome::Optimal] {
        let mark = |kind, outcome| claim_mark(kind, outcome);
        assert_eq!((mark(ClaimKind::Fit, certain), mark(ClaimKind::Refute, certain)), ('✓', '✗'));
    }
}

fn claim_mark(kind: ClaimKind, outcome: Outcome) -> char {
    claim("", 1, kind, "", outcome).mark()
}

#[test]
fn the_summary_counts_and_inflects() {
    let total = Summary::of_all(&[everything(), missing()]);
    assert_eq!(total.to_string(), "6 claims: 3 hold, 3 fail (1 unknown); 2 errors");
    assert_eq!(Summary::of(&holding()).to_string(), "1 claim: 1 holds");
    assert_eq!(Summary::of(&missing()).to_string(), "0 claims: nothing was decided; 1 error");
}
