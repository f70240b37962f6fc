//! The JSON report against its schema and its documentation.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use convproof::report::json;
use serde_json::{Value, json};

use super::corpus::reports;
use super::schema::check;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file that can be read")
}

fn schema() -> Value {
    serde_json::from_str(&read("docs/json.schema.json")).expect("valid JSON")
}

fn report(arguments: &[&str]) -> Value {
    formatted("json", arguments)
}

/// What `check` prints in a format that is JSON.
pub(super) fn formatted(format: &str, arguments: &[&str]) -> Value {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("convproof"))
        .args(["check", "--format", format])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the program can be run");
    serde_json::from_slice(&output.stdout).expect("valid JSON")
}

/// Every witness of a report, those inside of others too.
fn witnesses(report: &Value) -> Vec<&Value> {
    let claims = report["files"].as_array().into_iter().flatten().flat_map(|file| file["claims"].as_array());
    let mut all: Vec<&Value> = claims.flatten().map(|claim| &claim["witness"]).collect();
    let mut at = 0;
    while at < all.len() {
        let inner = ["instance", "certificate"].map(|name| &all[at][name]);
        all.extend(inner.into_iter().filter(|inner| inner.get("type").is_some()));
        at += 1;
    }
    all
}

#[test]
fn reports_are_as_the_schema_says() {
    let schema = schema();
    let corpus = serde_json::from_str(&json::render(reports())).expect("valid JSON");
    let all = [report(&["specs", "tests/diagnostics"]), corpus];
    for report in &all {
        check(report, &schema, &schema).unwrap();
    }
    // Every kind of witness that the schema knows occurs, so that none is there untested.
    let found: Vec<_> = all.iter().flat_map(witnesses).collect();
    for kind in schema["$defs"]["witness"]["oneOf"].as_array().expect("a list") {
        let Some(name) = kind["properties"].get("type") else { continue };
        let by = kind["properties"].get("by").map(|by| &by["const"]);
        let is =
            |witness: &&&Value| witness["type"] == name["const"] && by.is_none_or(|by| witness["by"] == *by);
        assert!(found.iter().any(|witness| is(&witness)), "no report has {} {by:?}", name["const"]);
    }
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let schema = schema();
    let mut report = report(&["specs/gallery/01-two-are-one.cf"]);
    check(&report, &schema, &schema).unwrap();
    let claim = |report: &Value| report["files"][0]["claims"][0].clone();
    for (field, wrong) in [
        ("line", json!("1")),
        ("kind", json!("guess")),
        ("witness", json!({ "type": "equal" })),
        ("witness", json!({ "type": "numbers", "left": [1], "right": [] })),
        ("surplus", json!(1)),
    ] {
        let right = claim(&report);
        report["files"][0]["claims"][0][field] = wrong;
        assert!(check(&report, &schema, &schema).is_err(), "{field}");
        report["files"][0]["claims"][0] = right;
    }
    report["files"][0]["claims"][0].as_object_mut().expect("a claim").remove("method");
    assert!(check(&report, &schema, &schema).is_err());
}

#[test]
fn the_documentation_names_every_word_of_the_schema() {
    fn words(schema: &Value, into: &mut Vec<String>) {
        match schema {
            Value::Object(fields) => {
                for (name, field) in fields {
                    match name.as_str() {
                        "properties" => {
                            into.extend(field.as_object().into_iter().flat_map(|all| all.keys().cloned()));
                        }
                        "const" => into.extend(field.as_str().map(str::to_owned)),
                        "enum" => {
                            let all = field.as_array().into_iter().flatten();
                            into.extend(all.filter_map(Value::as_str).map(str::to_owned));
                        }
                        _ => {}
                    }
                    words(field, into);
                }
            }
            Value::Array(all) => all.iter().for_each(|one| words(one, into)),
            _ => {}
        }
    }
    let text = read("docs/json.md");
    let mut all = Vec::new();
    words(&schema(), &mut all);
    let missing: Vec<_> = all
        .into_iter()
        .filter(|word| !text.contains(&format!("`{word}`")) && !text.contains(&format!("\"{word}\"")))
        // Explained in the documents that the page links to.
        .filter(|word| !MULTIPLIERS.contains(&word.as_str()))
        .collect();
    assert!(missing.is_empty(), "docs/json.md does not name {missing:?}");
}

/// Fields of certificates, which `docs/semantics-bounds.md` explains, of factors, and of boxes.
const MULTIPLIERS: [&str; 18] = [
    "target",
    "known",
    "unit",
    "rounding",
    "bits",
    "least",
    "multipliers",
    "content",
    "row_shift",
    "column_shift",
    "multiplicity",
    "over_R",
    "over_C",
    "value",
    "factor",
    "polynomial",
    "height",
    "width",
];
