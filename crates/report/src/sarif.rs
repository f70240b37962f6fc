//! The report for code scanners: SARIF 2.1.0, a result for each claim that fails and each mistake.

use std::collections::BTreeSet;

use convproof_language::source::{Source, Span};
use serde_json::{Value, json};

use super::escape::link_target;
use super::model::{ClaimReport, FileReport, Outcome};
use super::text;

/// One JSON document for all files, ending with a line break.
pub fn render(files: &[FileReport]) -> String {
    let mut results = Vec::new();
    for file in files {
        let failing = file.claims().filter(|claim| !claim.holds);
        results.extend(failing.map(|claim| of_claim(claim, &file.source)));
        results.extend(file.errors.iter().map(|error| {
            let mut lines = vec![error.message.clone()];
            lines.extend(error.hints.iter().map(|hint| format!("help: {hint}")));
            result(error.code, &lines.join("\n"), &file.source, &region(&file.source, error.primary.span))
        }));
    }
    let rules: BTreeSet<&str> = results.iter().filter_map(|result| result["ruleId"].as_str()).collect();
    let rules: Vec<Value> = rules.into_iter().map(|id| json!({ "id": id })).collect();
    let driver = json!({
        "name": "convproof",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    let report = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results }],
    });
    super::escape::json(&format!("{report:#}\n"))
}

fn of_claim(claim: &ClaimReport, source: &Source) -> Value {
    let rule = match claim.outcome {
        Outcome::Unknown => "claim-unknown",
        Outcome::Refuted => "claim-refuted",
        _ => "claim-not-refuted",
    };
    let word = claim.outcome.word();
    let mut lines = vec![
        format!("{word}: {}", claim.label),
        format!("{} {}", claim.kind.keyword(), claim.statement),
        claim.method.clone(),
    ];
    lines.extend(text::blocks(&claim.details));
    result(rule, &lines.join("\n"), source, &json!({ "startLine": claim.line }))
}

fn result(rule: &str, message: &str, source: &Source, region: &Value) -> Value {
    json!({
        "ruleId": rule,
        "level": "error",
        "message": { "text": message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(source.name()) },
                "region": region,
            },
        }],
    })
}

/// A path as a relative address.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for c in link_target(&path.replace('\\', "/")).chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| out.push_str(&format!("%{byte:02X}")));
        }
    }
    out
}

fn region(source: &Source, span: Span) -> Value {
    let (line, column) = source.position(span.start);
    let (end_line, end_column) = source.position(span.end);
    json!({ "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column })
}

#[cfg(test)]
mod tests {
    use super::*;
    use convproof_language::diagnostic::Diagnostic;

    #[test]
    fn a_mistake_has_its_place_and_rule() {
        let source = Source::new("s p/é.cf", "kernel A\nprove B\n");
        let error = Diagnostic::new("E0201", "unknown", Span::new(15, 16), "").with_hint("try");
        let report = FileReport { source, entries: Vec::new(), errors: vec![error] };
        let shown: Value = serde_json::from_str(&render(&[report])).unwrap();
        let run = &shown["runs"][0];
        assert_eq!(shown["version"], "2.1.0");
        assert_eq!(run["tool"]["driver"]["rules"], json!([{ "id": "E0201" }]));
        let place = &run["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "s%20p/%C3%A9.cf");
        assert_eq!(
            place["region"],
            json!({ "startLine": 2, "startColumn": 7, "endLine": 2, "endColumn": 8 })
        );
        assert_eq!(run["results"][0]["message"]["text"], "unknown\nhelp: try");
    }
}
