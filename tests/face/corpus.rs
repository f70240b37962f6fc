//! Runs the specs of `tests/corpus`, in which the line above each claim says what must come of it:
//! `# expect: proved`, `refuted`, `unknown`, `exact`, `optimal` or `best found`, then optionally `: words` that the explanation must contain.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use convproof::check::{Files, check};
use convproof::report::{Block, ClaimReport, FileReport};
use convproof::source::Source;

struct Nothing;

impl Files for Nothing {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("the corpus loads no files, not even {path}"))
    }
}

fn explanation(claim: &ClaimReport) -> String {
    let mut all = claim.method.clone();
    for block in &claim.details {
        if let Block::Text(text) = block {
            all.push('\n');
            all.push_str(text);
        }
    }
    all
}

/// The reports of the corpus, made once for all tests of this program.
pub(super) fn reports() -> &'static [FileReport] {
    static REPORTS: OnceLock<Vec<FileReport>> = OnceLock::new();
    REPORTS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
        let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "cf"));
        paths.sort();
        assert!(!paths.is_empty(), "the corpus is empty");
        let report = |path: &PathBuf| {
            let text = fs::read_to_string(path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy();
            check(&Source::new(name, text), &Nothing, &mut |_| {})
        };
        paths.iter().map(report).collect()
    })
}

#[test]
fn every_claim_of_the_corpus_comes_out_as_expected() {
    let mut wrong = Vec::new();
    let mut claims = 0;
    for report in reports() {
        let (name, text) = (report.source.name(), report.source.text());
        for error in &report.errors {
            wrong.push(format!("{name}: {} {}", error.code, error.message));
        }
        let lines: Vec<&str> = text.lines().collect();
        for claim in report.claims() {
            claims += 1;
            let above = claim.line.checked_sub(2).map_or("", |at| lines[at]);
            let Some(expected) = above.trim().strip_prefix("# expect: ") else {
                wrong.push(format!("{name}:{}: no expectation above {}", claim.line, claim.label));
                continue;
            };
            let (verdict, words) = expected.split_once(": ").unwrap_or((expected, ""));
            let said = explanation(claim);
            if verdict != claim.outcome.word() || !said.contains(words) {
                wrong.push(format!(
                    "{name}:{}: expected {expected}, got {}: {said}",
                    claim.line,
                    claim.outcome.word()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {claims} claims:\n{}", wrong.len(), wrong.join("\n"));
}
